"""What rides on the heads: the tangent and the foot on a curve, and the gradient beside the step really taken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from gdsim.objectives import FloatArray
from gdsim.render.canvas import arrow_shapes
from gdsim.render.trail import Pen, Trail, reached, settled
from gdsim.render.viewport import Moment, Viewport
from gdsim.scene import ContourModel, CurveModel, Facet, Path, SurfaceModel, lengths
from gdsim.themes import Theme

__all__ = ["ARROW", "EDGE", "FAINT", "FOOT", "SHORTEST", "STEP", "TANGENT", "TOUCHING", "Riders", "lane"]

SHORTEST, LONGEST = 0.35, 4.6
"""How long an arrow must be to be drawn at all, and how long the largest gradient is drawn, in ems."""

FEET = 0.085
"""Over how much of a curve's height, from below, the lanes of the feet are spread."""

TANGENT = 3.2
"""How far a tangent reaches to either side of its point, in ems."""

FOOT, TOUCHING, FAINT = 0.07, 0.12, 0.6
"""How wide the line down to a foot and the tangent are, in units of line widths, and how strong the former is."""

ARROW, STEP, EDGE = 0.16, 0.24, 0.06
"""How thick the arrows of the gradient and of the step are, in units of line widths, and their edges, in ems."""

LITTLE = 0.01
"""How far to go in the plane of the inputs to see where a direction points, in sides of the view."""

TINY = float(np.finfo(np.float64).tiny)


class Riders:
    """What rides on the heads of a facet.

    Args:
        facet: Whose heads.
        viewport: Where they are seen.
        theme: The colours.
        em: The size of plain type in pixels.
        line: The unit of line widths in pixels.
        vectors: Whether each head carries the gradient, its negative and the step taken.

    Attributes:
        slopes: On a curve, for each path (n, starts) the derivative at its places, unchanged from its ends on.
    """

    def __init__(
        self, facet: Facet, viewport: Viewport, theme: Theme, em: float, line: float, *, vectors: bool
    ) -> None:
        self._facet, self._viewport, self._theme, self._em, self._line = facet, viewport, theme, em, line
        self._lengths = [LONGEST * em * lengths(path.gradients) for path in facet.paths if vectors]
        self.slopes = [settled(path.slopes, path.times, path.ends) for path in facet.paths if path.slopes is not None]

    def draw(self, pen: Pen, trails: Sequence[Trail], moment: Moment) -> Iterator[FloatArray]:
        """Draw everything as it stands at a moment, and give the spots that each thing covers.

        Args:
            pen: Draws it.
            trails: One a path; on a curve the path and its foot, on a surface the path's shadow and the path.
            moment: The moment.
        """
        paths, ground, time = self._facet.paths, self._facet.model, moment.time
        if isinstance(ground, CurveModel):
            for path, slopes, trail, foot in zip(paths, self.slopes, trails[::2], trails[1::2], strict=True):
                slope = reached(slopes, path.times, time)
                yield self._draw_foot(pen, path.style.color, slope, trail.at(time), foot.at(time))
        below = trails if isinstance(ground, ContourModel) else trails[::2]
        for index, trail in enumerate(below[: len(self._lengths)]):
            yield from self._draw_vectors(pen, index, trail, moment)

    def uphill(self, index: int, trail: Trail, step: int, moment: Moment) -> FloatArray:
        """Return the arrows of the gradient at a path's iterates, (starts, 2) in pixels; NaN where none is seen.

        Args:
            index: Which path.
            trail: Its own, on a surface that of its shadow.
            step: Which iterate.
            moment: Where the camera stands.
        """
        path, tails = self._facet.paths[index], trail.at(step)
        alive = np.isfinite(tails).all(-1) & self._viewport.inside(tails) & (step <= path.ends) & ~trail.veiled_at(step)
        arrows = np.full(tails.shape, np.nan)
        arrows[alive] = self._lengths[index][step, alive, None] * self._towards(path, step, alive, moment)
        return arrows

    def _draw_foot(self, pen: Pen, color: str, slopes: FloatArray, heads: FloatArray, feet: FloatArray) -> FloatArray:
        """The tangent at each head, and a thin line down from it to the path's feet."""
        seen = np.isfinite(heads).all(-1) & self._viewport.inside(heads)
        heads, feet, slopes = heads[seen], feet[seen], slopes[seen]
        if not len(heads):
            return np.empty((0, 2))
        pen.stroke(np.stack([heads, feet], 1), color, FOOT * self._line, "butt", alpha=FAINT)
        along = self._flat(np.column_stack([np.ones(len(heads)), slopes]))
        along *= TANGENT * self._em / np.linalg.norm(along, axis=-1, keepdims=True)
        ends = np.stack([heads - along, heads + along], 1)
        pen.stroke(ends, color, TOUCHING * self._line, "round")
        return np.concatenate([ends.reshape(-1, 2), feet, heads])

    def _draw_vectors(self, pen: Pen, index: int, trail: Trail, moment: Moment) -> Iterator[FloatArray]:
        """At the iterate that was reached last: uphill, downhill, and on top of these the step really taken."""
        path, theme = self._facet.paths[index], self._theme
        step = min(int(moment.time), len(path.gradients) - 1)
        tails, tips = trail.at(step), trail.at(step + 1)
        if isinstance(self._facet.model, CurveModel):
            tips = np.column_stack([tips[:, 0], tails[:, 1]])
        arrows = self.uphill(index, trail, step, moment)
        alive = np.isfinite(arrows).all(-1)
        uphill = arrows[alive]
        yield self._draw_arrows(pen, tails[alive], uphill, theme.text, theme.casing, ARROW)
        yield self._draw_arrows(pen, tails[alive], -uphill, theme.page, theme.text, ARROW)
        alive &= np.isfinite(tips).all(-1) & ~trail.veiled_at(step + 1)
        yield self._draw_arrows(pen, tails[alive], (tips - tails)[alive], path.style.color, theme.casing, STEP)

    def _towards(self, path: Path, step: int, alive: npt.NDArray[np.bool_], moment: Moment) -> FloatArray:
        """Where the gradients at some starts' iterates point, (n, 2), of length 1 on the picture or of none."""
        gradients, view = path.gradients[step, alive], self._facet.limits
        # Scaled first, because the squares of the very large and the very small are not numbers.
        directions = _unit(gradients / np.abs(gradients).max(-1, initial=TINY, keepdims=True))
        if not isinstance(self._facet.model, SurfaceModel):
            return _unit(self._flat(directions))
        places = path.points[int(np.searchsorted(path.times, step)), alive, :2]
        size = view[:, 1] - view[:, 0]
        ahead = places + LITTLE * _unit(directions / size) * size
        return _unit(self._viewport.shadows(ahead, moment) - self._viewport.shadows(places, moment))

    def _flat(self, directions: FloatArray) -> FloatArray:
        """Directions (n, 1 or 2) of a flat view in pixels, (n, 2)."""
        view, box = self._facet.limits, self._viewport.box
        scale = np.array([box.width, box.height]) / (view[:, 1] - view[:, 0])
        pixels = np.zeros((len(directions), 2))
        pixels[:, : directions.shape[1]] = directions * scale[: directions.shape[1]]
        return pixels

    def _draw_arrows(
        self, pen: Pen, tails: FloatArray, moves: FloatArray, color: str, edge: str, thick: float
    ) -> FloatArray:
        """Draw those arrows that are long enough to be seen as arrows; all in pixels, (n, 2)."""
        length = np.linalg.norm(moves, axis=-1)
        seen = length >= SHORTEST * self._em
        if not seen.any():
            return np.empty((0, 2))
        tails, moves = tails[seen], moves[seen]
        shapes = arrow_shapes(tails + moves / 2, moves, length[seen], thick * self._line)
        pen.fill(shapes, color, edge, EDGE * self._em)
        return shapes.reshape(-1, 2)


def lane(viewport: Viewport, em: float, index: int, count: int) -> float:
    """Return how high the feet of one of so many paths stand above the axis of a curve, in pixels of the page."""
    apart = min(0.95 * em, FEET * viewport.box.height / count)
    return viewport.box.y + (index + 0.6) * apart


def _unit(vectors: FloatArray) -> FloatArray:
    """Vectors (n, k) of length 1 each, or of none."""
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0))
