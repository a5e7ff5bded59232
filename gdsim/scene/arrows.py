"""Gradient arrows on a regular grid."""

from __future__ import annotations

from functools import singledispatch

import numpy as np
import numpy.typing as npt

from gdsim.config import View
from gdsim.networks import NetworkObjective
from gdsim.objectives import FloatArray, Objective
from gdsim.scene.model import Arrows
from gdsim.scene.projection import Projection

ARROWS, FEWEST, THINNING = 15, 7, 0.3
"""Approximate and minimum number of arrows per side, and the exponent of its decrease with the number of facets."""

SPARSE = 0.72
"""Every second computed arrow of a network is drawn if facets need less than this fraction of them."""

REACH = 1.2
"""Maximum length of an arrow on a curve, in units of the arrows' spacing."""

STREAM = 61
"""Number of grid points along a side for stream lines, from border to border."""


@singledispatch
def gradient_arrows(objective: Objective, projection: Projection, view: View, facets: int) -> Arrows | None:
    """Return the gradient in the form that the view asks for; with more facets, there are fewer arrows in each."""
    if view.arrows == "none":
        return None
    size = projection.bounds[:, 1] - projection.bounds[:, 0]
    side = max(round(ARROWS / facets**THINNING), FEWEST)
    on_curve, streams = len(size) == 1 and view.arrows_at == "curve", view.arrows == "stream"
    if streams:
        spacing = size / (STREAM - 1)
        sides = [np.linspace(low, high, STREAM) for low, high in projection.bounds]
    elif on_curve:
        # An arrow begins at its point; the outermost points are far enough inside that no arrow is cut.
        spacing = size / (side + 2 * REACH - 1)
        sides = [low + spacing * (REACH + np.arange(side)) for low, _ in projection.bounds]
    else:
        # Arrows are centred in cells, so that the border cuts none.
        spacing = size / _counts(size, side)
        ends = zip(projection.bounds, spacing, strict=True)
        sides = [np.arange(low + space / 2, high, space) for (low, high), space in ends]
    points = np.stack(np.meshgrid(*sides), -1).reshape(-1, len(spacing))
    values, slopes = objective.gradients(projection.lift(points))
    # Autograd may return a finite gradient where the value is not finite.
    known = np.isfinite(values) & np.isfinite(slopes).all(-1)
    gradients = np.full(points.shape, np.nan)
    gradients[known] = slopes[known] @ projection.axes.T
    # Stream lines need the whole grid.
    kept = np.full(len(points), True) if streams else known
    return Arrows(
        points=points[kept],
        gradients=gradients[kept],
        lengths=lengths(np.nan_to_num(gradients[kept])),
        spacing=spacing,
        form="stream" if streams else "quiver",
        heights=values[kept] if on_curve else None,
    )


@gradient_arrows.register
def _(objective: NetworkObjective, projection: Projection, view: View, facets: int) -> Arrows | None:
    """Return the computed gradients of a network's loss, if there are any."""
    landscape = objective.landscape
    if view.arrows != "gradient" or not len(landscape.arrow_points):
        return gradient_arrows.dispatch(Objective)(objective, projection, view, facets)
    side = round(np.sqrt(len(landscape.arrow_points)))
    every = 2 if facets**-THINNING < SPARSE else 1
    points, gradients = (
        rows.reshape(side, side, 2)[::every, ::every].reshape(-1, 2)
        for rows in (landscape.arrow_points, landscape.gradients)
    )
    known = np.isfinite(gradients).all(-1)
    return Arrows(
        points=points[known],
        gradients=gradients[known],
        lengths=lengths(gradients[known]),
        spacing=every * (landscape.bounds[:, 1] - landscape.bounds[:, 0]) / side,
        form="quiver",
        heights=None,
    )


def lengths(vectors: FloatArray) -> FloatArray:
    """Return the lengths (…) from 0 to 1 at which to draw finite vectors (…, k).

    The length is log(1 + ‖v‖ / c) relative to the longest, where c is a third of the median norm of the nonzero
    vectors.
    """
    largest = np.abs(vectors).max(initial=0.0)
    if largest == 0:
        return np.zeros(vectors.shape[:-1])
    # Scaled first, because the squares of very large and very small numbers overflow and underflow.
    norms = np.linalg.norm(vectors / largest, axis=-1)
    scale = np.median(norms[norms > 0]) / 3
    return np.asarray(np.log1p(norms / scale) / np.log1p(norms.max() / scale))


def _counts(size: FloatArray, side: int) -> npt.NDArray[np.int64]:
    """Return the number of arrows along each coordinate, for square cells unless the view is very elongated."""
    aspect = size.max() / size.min()
    if aspect > 2.5:
        return np.full(len(size), side)
    longest = round(side * np.sqrt(aspect))
    return np.asarray(np.round(longest * size / size.max()), np.int64)
