"""What rides on the heads: the tangent and the foot on a curve, and the gradient beside the step really taken."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gdsim.objectives import FloatArray
from gdsim.render.still import arrow_shapes
from gdsim.render.trail import Pen
from gdsim.render.window import Moment, Window
from gdsim.scene import Facet, Line, Path, Relief
from gdsim.themes import Theme

__all__ = ["Riders", "lane"]

SHORTEST, LONGEST = 1.6, 4.6
"""How long the arrows at a head are, in ems."""

FEET = 0.085
"""Over how much of a curve's height, from below, the lanes of the feet are spread."""

TANGENT = 3.2
"""How far a tangent reaches to either side of its point, in ems."""


@dataclass(frozen=True, eq=False)
class _Vectors:
    """The arrows at one optimizer's heads: how long each is at each step, in ems; 0 for none.

    Args:
        path: Whose heads.
        gradients: (steps + 1, starts) lengths of the gradients.
        moves: (steps, starts) lengths of the steps.
    """

    path: Path
    gradients: FloatArray
    moves: FloatArray


class Riders:
    """What rides on the heads of a facet.

    Args:
        facet: Whose heads.
        window: Where they are seen.
        theme: The colours.
        em: The size of plain type in pixels.
        line: The unit of line widths in pixels.
        vectors: Whether each head carries the gradient, its negative and the step taken.
    """

    def __init__(self, facet: Facet, window: Window, theme: Theme, em: float, line: float, *, vectors: bool) -> None:
        self._facet, self._window, self._theme, self._em, self._line = facet, window, theme, em, line
        self._vectors = [
            _Vectors(path, _lengths(path.gradients), _lengths(path.moves)) for path in facet.paths if vectors
        ]

    def draw(self, pen: Pen, moment: Moment) -> Iterator[FloatArray]:
        """Draw everything as it stands at a moment, and give the spots that each thing covers."""
        if isinstance(self._facet.ground, Line):
            for index, path in enumerate(self._facet.paths):
                foot = lane(self._window, self._em, index, len(self._facet.paths))
                yield self._draw_foot(pen, path, foot, moment)
        for vectors in self._vectors:
            yield from self._draw_vectors(pen, vectors, moment)

    def _draw_foot(self, pen: Pen, path: Path, foot: float, moment: Moment) -> FloatArray:
        """The tangent at each head, and a thin line down from it to the path's feet."""
        places, slopes = _at(path, path.points, moment.time), _at(path, path.slopes, moment.time)
        heads = self._window.pixels(places, moment)
        feet = np.column_stack([heads[:, 0], np.full(len(heads), foot)])
        seen = np.isfinite(heads).all(-1) & self._window.inside(heads)
        heads, feet, slopes = heads[seen], feet[seen], slopes[seen]
        if not len(heads):
            return np.empty((0, 2))
        color = path.style.color
        pen.stroke(np.stack([heads, feet], 1), color, 0.07 * self._line, "butt", alpha=0.6)
        one = self._window.pixels(np.zeros((1, 2)), moment)
        unit = self._window.pixels(np.ones((1, 2)), moment) - one
        along = np.column_stack([np.full(len(heads), unit[0, 0]), slopes * unit[0, 1]])
        along *= TANGENT * self._em / np.linalg.norm(along, axis=-1, keepdims=True)
        ends = np.stack([heads - along, heads + along], 1)
        pen.stroke(ends, color, 0.12 * self._line, "round")
        return np.concatenate([ends.reshape(-1, 2), feet, heads])

    def _draw_vectors(self, pen: Pen, vectors: _Vectors, moment: Moment) -> Iterator[FloatArray]:
        """At the iterate that was reached last: uphill, downhill, and where the optimizer goes instead."""
        path = vectors.path
        step = min(int(moment.time), len(path.moves))
        row = int(np.searchsorted(path.times, step))
        places, alive = path.points[row], step <= path.ends
        gradient, theme = path.gradients[step], self._theme
        arrows = [
            (gradient, vectors.gradients[step], theme.text, 0.16),
            (-gradient, vectors.gradients[step], theme.quiet, 0.16),
        ]
        if step < len(path.moves):
            arrows.append((path.moves[step], vectors.moves[step], path.style.color, 0.24))
        for direction, length, color, thick in arrows:
            shapes = self._shapes(places, direction, np.where(alive, length, 0.0), thick, moment)
            if len(shapes):
                pen.fill(shapes, color, theme.casing, 0.06 * self._em)
                yield shapes.reshape(-1, 2)

    def _shapes(
        self, places: FloatArray, direction: FloatArray, length: FloatArray, thick: float, moment: Moment
    ) -> FloatArray:
        """Arrows that begin at places, (n, 7, 2) in pixels; on a surface they lie in the plane of the inputs."""
        size = self._facet.view[:, 1] - self._facet.view[:, 0]
        if isinstance(self._facet.ground, Relief):
            tails = self._window.shadows(places, moment)
            norm = np.linalg.norm(direction / size, axis=-1, keepdims=True)
            little = np.divide(direction, norm, out=np.zeros_like(direction), where=norm > 0) * 0.01
            ahead = self._window.shadows(places[:, :2] + little, moment) - tails
        else:
            tails = self._window.pixels(places, moment)
            ahead = np.zeros_like(tails)
            box = self._window.box
            ahead[:, : direction.shape[1]] = direction / size[: direction.shape[1]]
            ahead *= [box.width, box.height]
        pixels = length * self._em
        norm = np.linalg.norm(ahead, axis=-1, keepdims=True)
        unit = np.divide(ahead, norm, out=np.zeros_like(ahead), where=norm > 0)
        shapes = arrow_shapes(tails + unit * pixels[:, None] / 2, unit, pixels, thick * self._line)
        shown: FloatArray = shapes[(length > 0) & np.isfinite(tails).all(-1) & (norm[:, 0] > 0)]
        return shown


def lane(window: Window, em: float, index: int, count: int) -> float:
    """Return how high the feet of one of so many paths stand above the axis of a curve, in pixels of the page."""
    apart = min(0.95 * em, FEET * window.box.height / count)
    return window.box.y + (index + 0.6) * apart


def _lengths(vectors: FloatArray) -> FloatArray:
    """How long to draw vectors (rows, starts, k), in ems: a compressed, monotone function of their norms."""
    largest = np.abs(vectors).max(initial=0.0)
    if not largest:
        return np.zeros(vectors.shape[:2])
    # Scaled first, because the squares of the very large and the very small are not numbers.
    norms = np.linalg.norm(vectors / largest, axis=-1)
    scale = np.median(norms[norms > 0]) / 3
    share = np.log1p(norms / scale) / np.log1p(norms.max() / scale)
    return np.where(norms > 0, SHORTEST + (LONGEST - SHORTEST) * share, 0.0)


def _at(path: Path, rows: FloatArray | None, time: float) -> FloatArray:
    """What rows (n, starts, …) come to at a time, between two of them in proportion, or at each start's end."""
    assert rows is not None  # noqa: S101  (for the type checker: a path on a curve has slopes)
    starts = np.arange(rows.shape[1])
    times = np.minimum(time, path.ends)
    before = np.clip(np.searchsorted(path.times, times, side="right") - 1, 0, len(rows) - 1)
    after = np.minimum(before + 1, len(rows) - 1)
    gaps = path.times[after] - path.times[before]
    shares = np.divide(times - path.times[before], gaps, out=np.zeros(len(starts)), where=gaps > 0)
    here = rows[before, starts]
    shares = shares.reshape(-1, *[1] * (here.ndim - 1))
    return np.asarray(np.where(shares > 0, here + shares * (rows[after, starts] - here), here))
