"""What is drawn at the heads of paths: arrows of gradients, momentum and steps, and outlines of what steps may be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from gdsim.objectives import FloatArray, inside
from gdsim.render.canvas import Canvas
from gdsim.render.display_list import (
    CIRCLE,
    SQUARE,
    TINY,
    ArrowStyle,
    HeadArrows,
    HeadOutlines,
    Moment,
    Viewport,
    iterate_stride,
)
from gdsim.render.trail import Trail
from gdsim.scene.facets import lengths
from gdsim.scene.model import Facet, Path
from gdsim.themes import mix

# Lengths in ems.
SHORTEST, LONGEST = 0.35, 4.6  # the minimum length of an arrow that is drawn, and the length of the largest gradient
EDGE = 0.06  # the width of the edge of an arrow
MOST_STAMPED, APART = 2, 7.0  # the number of heads up to which copies remain, and their least distance
WIDEST = 3.0  # the longer semi-axis of the largest ellipse of effective rates

# Widths in units of `Canvas.line`.
ARROW, STEP = 0.22, 0.24  # of the arrows of the gradient, and of the step
OUTLINE = 0.12  # of the outlines

LIGHT = 0.4  # the share of the color of a path inside arrows of momentum


@dataclass(frozen=True)
class _Heads:
    """The heads of a path at the iterates `steps`, (m,), whose coordinates are `places`, (m, starts, k)."""

    facet: Facet
    viewport: Viewport
    path: Path
    trail: Trail
    steps: npt.NDArray[np.int64]
    moment: Moment
    stamps: tuple[float, ...]

    @property
    def places(self) -> FloatArray:
        return self.path.points[np.searchsorted(self.path.times, self.steps)]

    def arrows(self, vectors: FloatArray, sizes: FloatArray, styles: tuple[ArrowStyle, ...]) -> HeadArrows:
        """Return arrows of vectors, (steps + 1, starts, c), with lengths from 0 to 1, (steps + 1, starts)."""
        directions = self.viewport.directions(self.places, vectors[self.steps], self.facet.limits, self.moment)
        return self._in_pixels(LONGEST * self.viewport.canvas.em * sizes[self.steps, :, None] * directions, styles)

    def steps_taken(self, style: ArrowStyle) -> HeadArrows:
        """Return an arrow to the next iterate at each one; on a curve it is horizontal."""
        last = len(self.trail.times) - 1
        tails, tips = (
            self.trail.points[np.minimum(np.searchsorted(self.trail.times, self.steps + ahead), last)]
            for ahead in (0, 1)
        )
        return self._in_pixels((tips - tails) * [1.0, self.path.gradients.shape[-1] - 1], (style,))

    def _in_pixels(self, vectors: FloatArray, styles: tuple[ArrowStyle, ...]) -> HeadArrows:
        return HeadArrows(
            self.trail, self.steps.astype(np.float64), vectors, styles, SHORTEST * self.viewport.canvas.em, self.stamps
        )

    def outlines(self, name: str) -> HeadOutlines:
        """Return the outlines of matrices, (steps + 1, starts, 2, 2): to scale if they bound the steps."""
        matrices, (across, up) = self.path.at_heads[name], np.diff(self.facet.limits)[:, 0] / 100
        at = self.places[..., :2]
        tips = [self.viewport.pixels(at + each, self.moment) for each in ([across, 0], [0, up])]
        moves = np.stack([tip - self.viewport.pixels(at, self.moment) for tip in tips], -1) / [across, up]
        drawn = moves @ matrices[self.steps]
        if name == "preconditioner":
            widths = np.maximum(np.linalg.norm(drawn, 2, axis=(-2, -1)), TINY)
            sizes = lengths(np.linalg.norm(matrices, 2, axis=(-2, -1))[..., None])[self.steps]
            drawn *= (WIDEST * self.viewport.canvas.em * sizes / widths)[..., None, None]
        shape = 2 * (CIRCLE if name == "preconditioner" else SQUARE)
        return HeadOutlines(
            self.trail, self.steps.astype(np.float64), drawn, shape, OUTLINE * self.viewport.canvas.line, self.stamps
        )


def head_marks(
    facet: Facet, viewport: Viewport, trails: Sequence[Trail], moment: Moment
) -> Iterator[HeadArrows | HeadOutlines]:
    """Yield what is drawn at the heads of each path.

    On a surface, `trails` are the shadows. If the camera turns, only the iterates around `moment` are included.
    """
    canvas, scene, theme = viewport.canvas, viewport.canvas.scene, viewport.canvas.theme
    names, edge, width = scene.vectors or ("descent",) * scene.descent, EDGE * canvas.em, ARROW * canvas.line
    uphill = ArrowStyle(theme.text, theme.casing, edge, width)
    downhill = ArrowStyle(theme.page, theme.text, edge, width, factor=-1.0)
    slopes = {"gradient": uphill, "descent": downhill if scene.vectors else replace(uphill, factor=-1.0)}
    every = _stamps(viewport, trails) if scene.vectors else [()] * len(trails)
    for path, trail, own in zip(facet.paths, trails, every, strict=True) if names else ():
        steps = _steps(canvas, len(path.gradients), moment if viewport.turning else None)
        heads = _Heads(facet, viewport, path, trail, steps, moment, own)
        yield from (heads.outlines(name) for name in ("preconditioner", "trust") if name in path.at_heads)
        momentum = path.at_heads.get("momentum", path.gradients[:0])
        sizes = lengths(np.concatenate([path.gradients, momentum]))
        if chosen := tuple(style for name, style in slopes.items() if name in names):
            yield heads.arrows(path.gradients, sizes, chosen)
        if len(momentum):
            style = ArrowStyle(mix(theme.page, path.style.color, LIGHT), path.style.color, 1.5 * edge, width)
            yield heads.arrows(momentum, sizes[len(path.gradients) :], (style,))
        if "step" in names:
            yield heads.steps_taken(ArrowStyle(path.style.color, theme.casing, edge, STEP * canvas.line))


def _stamps(viewport: Viewport, trails: Sequence[Trail]) -> list[tuple[float, ...]]:
    """Return the iterates of each trail at which copies remain, so that a poster shows them: some, far from each other.

    There are none at many heads, on a surface that turns, and where trails fade.
    """
    found: list[list[float]] = [[] for _ in trails]
    heads, fades = sum(trail.points.shape[1] for trail in trails), any(trail.fade for trail in trails)
    if viewport.turning or heads > MOST_STAMPED or fades:
        return [()] * len(trails)
    apart = APART * viewport.canvas.em
    taken = [trail.at(float(trail.times[-1]))[0] for trail in trails]
    for step in np.unique(np.floor(viewport.canvas.scene.frame_steps)).tolist():
        for trail, own in zip(trails, found, strict=True):
            head = trail.at(step)[0]
            if inside(head, viewport.bounds) and np.linalg.norm(np.array(taken) - head, axis=-1).min() >= apart:
                taken.append(head)
                own.append(step)
    return [tuple(own) for own in found]


def _steps(canvas: Canvas, count: int, moment: Moment | None) -> npt.NDArray[np.int64]:
    """Return the iterates that need arrows: those around each frame and those of the web page, or around one moment."""
    times = canvas.scene.frame_steps if moment is None else np.array([moment.time])
    around = np.minimum(np.concatenate([np.floor(times), np.ceil(times)]).astype(np.int64), count - 1)
    of_page = np.append(np.arange(0, count, iterate_stride(canvas.scene)), count - 1)
    return np.unique(around if moment is not None else np.concatenate([around, of_page]))
