"""Crosses at the heads of paths: along the eigenvectors of the Hessian, of a color and form for each sign."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from gdsim.objectives import FloatArray, inside
from gdsim.render.canvas import unit
from gdsim.render.display_list import Lines, Viewport
from gdsim.render.paths import path_style
from gdsim.render.trail import Trail, interpolated
from gdsim.scene.model import FEW_STARTS, Curvature, Facet, Scene

# Lengths in ems.
USUAL, LONGEST = 1.9, 4.2  # half the length of a line, as the median, and at most
END = 0.34  # half the width of the bars and points at the ends
APART, MOST = 5.0, 8  # the least distance between the crosses that stay along a path, and their largest number

WIDTH, CASING = 0.13, 0.05  # of the lines, in units of `Canvas.line`
FAINT = 0.75  # the opacity of the crosses that stay

FORMS = {
    False: np.array([[0.0, 1.0], [0.0, 0.0], [0.0, -1.0]]),
    True: np.array([[-1.0, 0.8], [0.0, 0.0], [-1.0, -0.8]]),
}
"""By whether the curvature is negative, the vertices of the end of a line, outwards and aside: a bar or a point."""


def sign_colors(scene: Scene) -> dict[bool, str]:
    """Return the colors of positive and of negative curvature: that of text, and the first that no path has."""
    used = [style.color for style in scene.styles]
    own = next((color for color in scene.theme.paths if color not in used), scene.theme.quiet)
    return {False: scene.theme.text, True: own}


def cross_lines(ends: FloatArray, size: float, *, negative: bool) -> FloatArray:
    """Return the vertices of lines between two ends, (…, 2, 2), which have bars or points of a size: (…, 11, 2)."""
    first, last = ends[..., 0, :], ends[..., 1, :]
    along = unit(last - first)
    side = np.stack([-along[..., 1], along[..., 0]], -1)
    tips = [
        [tip + size * (forward * sign * along + aside * side) for forward, aside in FORMS[negative]]
        for tip, sign in ((first, -1), (last, 1))
    ]
    gap = np.full_like(first, np.nan)
    return np.stack([*tips[0], gap, first, last, gap, *tips[1], gap], -2)


def crosses(facet: Facet, viewport: Viewport, trails: Sequence[Trail]) -> Iterator[Lines]:
    """Yield the crosses at the heads, and those that stay along each path, so that a poster shows them, too."""
    canvas, scene = viewport.canvas, viewport.canvas.scene
    em, scale = canvas.em, np.diff(viewport.bounds)[:, 0] / np.diff(facet.limits)[:, 0]
    pairs = [(path, path.curvature, trail) for path, trail in zip(facet.paths, trails, strict=True) if path.curvature]
    arms = [curvature.axes * curvature.reaches[..., None] * scale for _, curvature, _ in pairs]
    sizes = [np.linalg.norm(each, axis=-1) for each in arms]
    known = np.concatenate([np.empty(0), *(np.sqrt(each.prod(-1)).ravel() for each in sizes)])
    usual = USUAL * em / float(np.median(known[np.isfinite(known)])) if np.isfinite(known).any() else 0.0
    spots = [place for _, _, trail in pairs for place in trail.points[-1]]
    for (path, curvature, trail), lengths in zip(pairs, sizes, strict=True):
        drawn = unit(curvature.axes * scale) * np.minimum(usual * lengths, LONGEST * em)[..., None]
        places = np.array([interpolated(trail.points, trail.times, time) for time in curvature.times.tolist()])
        ended = curvature.times[:, None] > path.ends
        drawn[ended | ~inside(places, viewport.bounds)] = np.nan
        look = replace(path_style(viewport, path), head_size=0.0, dot_size=0.0, taper=1.0)
        look = replace(look, width=WIDTH * canvas.line, casing_width=CASING * canvas.line)
        optimizer = scene.styles.index(path.style)
        staying = _staying(curvature, places, drawn, spots, APART * em)
        for negative, color in sign_colors(scene).items():
            own = np.where((curvature.negative == negative)[..., None], drawn, np.nan)
            ends = np.stack([places[:, :, None] - own, places[:, :, None] + own], -2)
            vertices = cross_lines(ends, END * em, negative=negative)
            if len(staying):
                kept = vertices[tuple(staying.T)].reshape(len(staying), -1, 2)
                # In the first row there is none, and in each later one a cross more.
                seen = np.tri(len(staying) + 1, len(staying), -1, dtype=np.bool_)[..., None, None]
                rows = np.where(seen, kept, np.nan).reshape(len(seen), -1, 2)
                faint = replace(look, color=color, alpha=FAINT, casing_width=0.0)
                yield Lines(optimizer, faint, rows, np.append(0.0, curvature.times[staying[:, 0]]))
            # Few lines have another sign at some time.
            occurring = vertices[:, np.isfinite(vertices).any((0, -2, -1))]
            style = replace(look, color=color)
            yield Lines(optimizer, style, occurring.reshape(len(places), -1, 2), curvature.times)


def _staying(
    curvature: Curvature, places: FloatArray, drawn: FloatArray, spots: list[FloatArray], apart: float
) -> npt.NDArray[np.int64]:
    """Return the indices (row, start), (k, 2), of the crosses that stay, at iterates so far apart from all `spots`.

    Their places are appended to these.
    """
    found = []
    for start in range(places.shape[1] if places.shape[1] <= FEW_STARTS else 0):
        usable = np.isfinite(drawn[:, start]).all((-2, -1)) & (curvature.times == np.floor(curvature.times))
        own: list[int] = []
        for row in np.flatnonzero(usable).tolist():
            place = places[row, start]
            if len(own) < MOST and np.linalg.norm(place - np.array(spots), axis=-1).min() >= apart:
                own.append(row)
                spots.append(place)
        found += [(row, start) for row in own]
    return np.array(sorted(found), np.int64).reshape(-1, 2)
