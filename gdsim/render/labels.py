"""Names of optimizers beside their paths, placed where they are far from everything else.

What a label must not cover is marked in a grid of cells over the view, of which summed tables give the number of marked
cells in any rectangle at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gdsim.objectives import FloatArray
from gdsim.render.annotations import AROUND
from gdsim.render.canvas import LABEL, Canvas
from gdsim.render.display_list import START, PathLabel, Viewport
from gdsim.render.strands import sampled
from gdsim.render.trail import BoolArray, Trail
from gdsim.scene.model import FEW_STARTS, Facet, Scene

# Lengths in ems.
LEAST_VIEW = 12.0  # the shorter side of a view that has labels
CELL = 0.2  # the side of a cell of the grid
GAP = 0.55  # the distance of a label from its point of the path
BESIDE_HEAD = (0.85, 1.4)  # the distances of a label from a head at rest
NEAR = 0.3  # the distance of that point from other paths, at which it is clear whose label it is
HEAD = 0.75  # the radius around starts and minima, and around the last positions of heads, that labels leave free
LEAST, CLEAR = 0.35, 0.75  # the least distance of a label from other paths, and that at which no head comes close
FAR = (1.5, 2.5, 4.0, 6.0)  # the distances from other paths at which a label is ever more clearly that of its own

MOST_PATHS, ANCHORS = 8, 64  # the maximum number of paths with labels, and of points of a path that are tried
FADE = 6  # the number of frames in which a label appears

BESIDE = (0.3, 0.5, 0.7, 0.9, 1.2)  # the distances at which it is compared how near a label is to two paths

# Weights of what counts against a place: the share of it that its own path covers with its surroundings, the length of
# the path up to there, a point that two paths share, a path that is close, and a place that is not beside the point.
OWN, LATE, SHARED, CLOSE, OBLIQUE = 6.0, 2.0, 2.5, 1.5, 0.2

# The direction from a point to the center of its label, in halves of the label's size.
SIDES = np.array([(x, y) for y in (-1.0, 1.0) for x in (-1.0, -0.5, 0.0, 0.5, 1.0)] + [(x, 0.0) for x in (-1.0, 1.0)])


class _Course(NamedTuple):
    """Closely spaced points along the visible paths of a trail, (n, 2), the time of each, and whether it is hidden."""

    points: FloatArray
    times: FloatArray
    hidden: BoolArray


def names_paths(scene: Scene) -> bool:
    """Return whether the paths of a scene are to have labels, so that its legend need not name them."""
    if len(scene.facets) != 1 or scene.trail is not None or scene.turns:
        return False
    paths = scene.facets[0].paths
    return 0 < len(paths) <= MOST_PATHS and all(path.points.shape[1] <= FEW_STARTS for path in paths)


def appearance(scene: Scene, time: float) -> tuple[float, float]:
    """Return the times from which a label appears, which is the first frame not before a time, and is opaque."""
    frame, last = int(np.searchsorted(scene.frame_steps, time)), len(scene) - 1
    return float(scene.frame_steps[min(frame, last)]), float(scene.frame_steps[min(frame + FADE, last)])


def path_labels(
    facet: Facet, viewport: Viewport, trails: Sequence[Trail], taken: Iterable[FloatArray]
) -> list[PathLabel]:
    """Return the labels of the paths of a view that have room for one.

    Args:
        facet: The view.
        viewport: Where it is.
        trails: The trails of the facet's paths.
        taken: Two opposite corners, (2, 2), of each text in the view.
    """
    canvas, em, box = viewport.canvas, viewport.canvas.em, viewport.box
    if not names_paths(canvas.scene) or min(box.width, box.height) < LEAST_VIEW * em:
        return []
    spots = [facet.minima, *(path.points[0] for path in facet.paths), np.array([m.point for m in facet.marks])]
    around = [viewport.pixels(each, START) for each in spots if len(each)]
    fixed = [center + HEAD * em * AROUND for each in around for center in each]
    return trail_labels(viewport, trails, [*fixed, *taken], size=LABEL, casing=canvas.theme.casing)


def trail_labels(
    viewport: Viewport,
    trails: Sequence[Trail],
    taken: Iterable[FloatArray],
    *,
    crowd: Iterable[Trail] = (),
    words: Mapping[int, Sequence[str]] | None = None,
    size: float,
    casing: str,
) -> list[PathLabel]:
    """Return the labels of the trails that have room for one.

    Args:
        viewport: Where the trails are.
        trails: The trails.
        taken: Two opposite corners, (2, 2), of each part that labels leave free.
        crowd: Other trails that labels leave free.
        words: The texts, the best ones first, by the optimizer's index; by default its label.
        size: The font size, in ems.
        casing: The color around the letters.
    """
    canvas, em = viewport.canvas, viewport.canvas.em
    search = _Search(viewport.bounds, CELL * em)
    courses = [_course(trail, viewport.bounds, CELL * em) for trail in (*trails, *crowd)]
    ends = [trail.at(float(trail.times[-1])) for trail in (*trails, *crowd)]
    fixed = [center + HEAD * em * AROUND for center in np.concatenate([np.empty((0, 2)), *ends])] + list(taken)
    look: dict[str, Any] = {"size": size, "casing": casing, "fontweight": "bold"}
    found: dict[int, PathLabel] = {}
    # Short paths have the fewest places.
    for index in sorted(range(len(trails)), key=lambda i: len(courses[i].points)):
        others = [course.points for i, course in enumerate(courses) if i != index]
        heads = np.concatenate([np.empty((0, 2)), *(each for i, each in enumerate(ends) if i != index)])
        name, trail = canvas.scene.styles[trails[index].optimizer].label, trails[index]
        variants = [*(words or {}).get(trail.optimizer, ()), name]
        made = (_label(canvas, trail, each, heads, courses[index], others, search, fixed, look) for each in variants)
        if label := next(filter(None, made), None):
            found[index] = label
            fixed.append(label.extent)
    return [found[index] for index in sorted(found)]


@dataclass(frozen=True)
class _Search:
    """Finds rectangles that cover few points of a view, whose `bounds` are (2, 2); `cell` is in pixels."""

    bounds: FloatArray
    cell: float

    def table(self, points: FloatArray, boxes: Iterable[FloatArray] = ()) -> npt.NDArray[np.int64]:
        """Return the summed table of the cells that contain points, (n, 2), or are touched by boxes, (2, 2)."""
        shape = np.ceil(np.diff(self.bounds)[:, 0] / self.cell).astype(int)
        marked = np.zeros(shape, np.int64)
        marked[tuple(np.clip(self._cells(points), 0, shape - 1).T)] = 1
        for low, high in boxes:
            (left, bottom), (right, top) = np.clip(self._cells(np.stack([low, high])), 0, shape)
            marked[left : right + 1, bottom : top + 1] = 1
        return np.pad(marked.cumsum(0).cumsum(1), ((1, 0), (1, 0)))

    def _cells(self, points: FloatArray) -> npt.NDArray[np.int64]:
        far = 1e3 * np.ptp(self.bounds)
        return np.floor(np.nan_to_num(points - self.bounds[:, 0], nan=-far).clip(-far, far) / self.cell).astype(
            np.int64
        )

    def covered(self, table: npt.NDArray[np.int64], centers: FloatArray, half: FloatArray) -> npt.NDArray[np.int64]:
        """Return how many marked cells the rectangles of half a size, (2,), around centers, (n, 2), cover, (n,)."""
        last = np.array(table.shape) - 1
        left, bottom = np.clip(self._cells(centers - half), 0, last).T
        right, top = np.clip(self._cells(centers + half) + 1, 0, last).T
        return np.asarray(table[right, top] - table[left, top] - table[right, bottom] + table[left, bottom])


def _label(
    canvas: Canvas,
    trail: Trail,
    words: str,
    heads: FloatArray,
    course: _Course,
    others: list[FloatArray],
    search: _Search,
    fixed: Sequence[FloatArray],
    look: Mapping[str, Any],
) -> PathLabel | None:
    """Return the label of a trail at its best place; None if there is none."""
    em, style = canvas.em, canvas.scene.styles[trail.optimizer]
    seen = np.flatnonzero(~course.hidden)
    if not len(seen) or not words:
        return None
    half = canvas.size_of_lines(words, look["size"]) / 2
    chosen = np.unique(seen[np.linspace(0, len(seen) - 1, ANCHORS).astype(int)])
    anchors, times = course.points[chosen], course.times[chosen]
    crowd, own = search.table(np.concatenate([np.empty((0, 2)), *others])), search.table(course.points)
    nearby = np.zeros(len(anchors), np.int64)
    for each in others:
        nearby += search.covered(search.table(each), anchors, np.full(2, NEAR * em)) > 0
    rests, since = _rests(trail, em)
    # Beside a head at rest it is clear whose label it is, unless others rest there, too.
    single = ~(np.linalg.norm(rests[:, None] - heads, axis=-1) < em).any(-1)
    rests, since = (np.concatenate([each[single]] * 2) for each in (rests, since))
    gaps = em * np.concatenate([np.full(len(anchors), GAP), np.repeat(BESIDE_HEAD, len(rests) // 2)])
    centers = np.concatenate([anchors, rests])[:, None] + SIDES * (half + gaps[:, None, None])
    centers, times = centers.reshape(-1, 2), np.repeat(np.append(times, since), len(SIDES))
    inner = search.bounds + np.outer(half + 0.3 * em, [1.0, -1.0])
    free = ((centers >= inner[:, 0]) & (centers <= inner[:, 1])).all(-1)
    free &= search.covered(search.table(np.empty((0, 2)), fixed), centers, half) == 0
    free &= (search.covered(crowd, centers, half + LEAST * em) == 0) & (search.covered(own, centers, half) == 0)
    # Where paths run side by side, a label belongs to the nearest one; beside two, its color still says whose it is.
    nearby = np.repeat(np.append(nearby, np.zeros(len(rests), np.int64)), len(SIDES))
    unclear = ~(_levels(search, own, centers, half, em) < _levels(search, crowd, centers, half, em))
    free &= ~unclear | (nearby < 2)
    if not free.any():
        return None
    own_cells = search.covered(own, centers, half + 0.3 * em)
    apart = sum((search.covered(crowd, centers, half + gap * em) == 0).astype(float) for gap in FAR)
    along = np.append(chosen / len(course.points), np.ones(len(rests)))
    cost = OWN * own_cells * search.cell**2 / np.prod(2 * half) + LATE * np.repeat(along, len(SIDES)) - apart
    cost += SHARED * (unclear & (nearby > 0))
    cost += SHARED / 2 * (np.arange(len(cost)) >= len(cost) - len(rests) * len(SIDES))
    cost += CLOSE * (search.covered(crowd, centers, half + CLEAR * em) > 0)
    cost += OBLIQUE * np.tile(np.abs(SIDES).sum(-1) > 1, len(gaps))
    best = int(np.where(free, cost, np.inf).argmin())
    x, y = centers[best]
    text = canvas.text(x, y, words, loose=True, color=style.color, ha="center", va="center", **look)
    # A label appears within some frames after the head has reached its point.
    begin, end = appearance(canvas.scene, float(times[best]))
    return PathLabel(trail.optimizer, begin, end, text, np.stack([centers[best] - half, centers[best] + half]))


def _levels(
    search: _Search, table: npt.NDArray[np.int64], centers: FloatArray, half: FloatArray, em: float
) -> npt.NDArray[np.int64]:
    """Return how many of the distances `BESIDE` around labels are free of marked cells, (n,)."""
    free = [search.covered(table, centers, half + gap * em) == 0 for gap in BESIDE]
    return np.asarray(np.sum(free, axis=0))


def _rests(trail: Trail, near: float) -> tuple[FloatArray, FloatArray]:
    """Return the last positions of heads, (starts, 2), and the times since when they are `near` them, (starts,)."""
    last = trail.at(float(trail.times[-1]))
    away = ~(np.linalg.norm(trail.points - last, axis=-1) <= near)
    since = len(away) - np.argmax(away[::-1], axis=0)
    return last, trail.times[np.where(away.any(0), np.minimum(since, len(away) - 1), 0)]


def _course(trail: Trail, bounds: FloatArray, apart: float) -> _Course:
    """Return points on the visible paths of a trail with about `apart` pixels between them."""
    segments, shares = sampled(trail.points, bounds, apart)
    starts, moves = (each.reshape(-1, 2)[segments] for each in (trail.points[:-1], np.diff(trail.points, axis=0)))
    steps = segments // trail.points.shape[1]
    times = trail.times[steps] + shares * np.diff(trail.times)[steps]
    hidden = np.zeros(len(segments), np.bool_)
    if trail.hidden is not None:
        hidden = (trail.hidden[1:] | trail.hidden[:-1]).ravel()[segments]
    return _Course(starts + shares[:, None] * moves, times, hidden)
