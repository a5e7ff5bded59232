"""The gradient as arrows on a regular grid over a section."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gdsim.config import View
from gdsim.objectives import FloatArray, Landscape, Objective
from gdsim.scene.model import Arrows
from gdsim.scene.projection import Projection

__all__ = ["arrows", "lengths"]

ARROWS = 15
"""About how many arrows stand along a side of the view."""

FEWEST, THINNING = 7, 0.3
"""The fewest arrows along a side, and by which power of the number of facets they become fewer."""

SPARSE = 0.72
"""When facets want fewer than this share of the computed arrows, every second one stands."""

REACH = 1.2
"""How far an arrow on a curve reaches at most, in units of the arrows' spacing."""

STREAM = 61
"""How many grid points along a side lead the stream lines, from border to border."""


def arrows(objective: Objective, shown: Projection, view: View, facets: int) -> Arrows | None:
    """Return the gradient over a section, as the view wants to see it; None for no arrows.

    Args:
        objective: Whose gradient.
        shown: Where.
        view: Says how.
        facets: How many facets share the picture: the smaller they are, the fewer arrows each has.
    """
    if view.arrows == "none":
        return None
    if objective.landscape is not None and view.arrows == "gradient" and len(objective.landscape.places):
        return _computed(objective.landscape, facets)
    size = shown.bounds[:, 1] - shown.bounds[:, 0]
    side = max(round(ARROWS / facets**THINNING), FEWEST)
    on_curve = shown.kind == "curve" and view.arrows_at == "curve"
    if view.arrows == "stream":
        spacing = size / (STREAM - 1)
        sides = [np.linspace(low, high, STREAM) for low, high in shown.bounds]
    elif on_curve:
        # An arrow begins at its point; those at the ends stand far enough inside not to be cut.
        spacing = size / (side + 2 * REACH - 1)
        sides = [low + spacing * (REACH + np.arange(side)) for low, _ in shown.bounds]
    else:
        # Cell-centred, so that no arrow is cut by the border.
        spacing = size / _counts(size, side)
        sides = [
            np.arange(low + space / 2, high, space) for (low, high), space in zip(shown.bounds, spacing, strict=True)
        ]
    points = np.stack(np.meshgrid(*sides), -1).reshape(-1, len(spacing))
    values, slopes = objective.gradients(shown.lift(points))
    # Where a function has no value its formula may have a slope all the same.
    seen = np.isfinite(values) & np.isfinite(slopes).all(-1)
    gradients = np.full(points.shape, np.nan)
    gradients[seen] = slopes[seen] @ shown.axes.T
    streams = view.arrows == "stream"
    # A line is led by a whole grid; single arrows stand only where there is something to show.
    kept = np.full(len(points), True) if streams else seen
    return Arrows(
        points=points[kept],
        gradients=gradients[kept],
        lengths=lengths(np.nan_to_num(gradients[kept])),
        spacing=spacing,
        form="stream" if streams else "quiver",
        heights=values[kept] if on_curve else None,
    )


def _computed(landscape: Landscape, facets: int) -> Arrows:
    """The true gradients of a network's loss where they were computed; every second one where facets are small."""
    side = round(np.sqrt(len(landscape.places)))
    every = 2 if facets**-THINNING < SPARSE else 1
    points, gradients = (
        rows.reshape(side, side, 2)[::every, ::every].reshape(-1, 2) for rows in (landscape.places, landscape.gradients)
    )
    seen = np.isfinite(gradients).all(-1)
    size = landscape.bounds[:, 1] - landscape.bounds[:, 0]
    return Arrows(
        points=points[seen],
        gradients=gradients[seen],
        lengths=lengths(gradients[seen]),
        spacing=every * size / side,
        form="quiver",
        heights=None,
    )


def lengths(vectors: FloatArray) -> FloatArray:
    """Return how long to draw vectors beside each other: a compressed, monotone function of their norms.

    Args:
        vectors: (…, k), finite.

    Returns:
        (…) log(1 + ‖v‖ / c) over that of the longest, from 0 for a zero vector to 1, where c is a third of the median
        norm of the others; all 0 where there is no other.
    """
    largest = np.abs(vectors).max(initial=0.0)
    if largest == 0:
        return np.zeros(vectors.shape[:-1])
    # Scaled first, because the squares of the very large and the very small are not numbers.
    norms = np.linalg.norm(vectors / largest, axis=-1)
    scale = np.median(norms[norms > 0]) / 3
    return np.asarray(np.log1p(norms / scale) / np.log1p(norms.max() / scale))


def _counts(size: FloatArray, side: int) -> npt.NDArray[np.int64]:
    """How many arrows stand along each coordinate: square cells, unless the view would be a strip."""
    aspect = size.max() / size.min()
    if aspect > 2.5:
        return np.full(len(size), side)
    longest = round(side * np.sqrt(aspect))
    return np.asarray(np.round(longest * size / size.max()), np.int64)
