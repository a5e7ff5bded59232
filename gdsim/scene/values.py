"""The values of an objective over the visible part of its domain, and the range of values to show."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch
from itertools import pairwise

import numpy as np

from gdsim.networks import NetworkObjective
from gdsim.objectives import FloatArray, Objective, inside
from gdsim.scene.projection import Projection
from gdsim.simulation import Trajectory

REACH = 10
"""Maximum extension of a value range to include the paths, as a multiple of the function's own range."""

LARGEST = float(np.finfo(np.float64).max)

CHUNK = 2**22
"""Maximum number of coordinates evaluated at once, because a grid in a thousand dimensions would not fit in memory."""

STEEP, ZOOM = 1.5, 8
"""A function has a pole if its depth grows by the first factor each time the sampled region shrinks by the second."""


def value_name(objective: Objective) -> str:
    """Return the name of an objective's value in a picture."""
    functions = {1: "f(x)", 2: "f(x, y)"}
    return {"network": "loss", "image": "−score"}.get(objective.kind) or functions.get(objective.dim, "f")


def lowest_possible(objective: Objective) -> float | None:
    """Return a lower bound of the values: 0 for the loss of a network, the known minimum of a function, or None."""
    return 0.0 if objective.kind == "network" else objective.minimum


def finite(values: FloatArray) -> FloatArray:
    """Return values (…) with NaN where they are not finite."""
    return np.where(np.isfinite(values), values, np.nan)


def grid_values(objective: Objective, projection: Projection, n: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the positions (n,) along two coordinates and the values (n, n) on their grid; NaN if not finite."""
    x, y = (np.linspace(low, high, n) for low, high in projection.bounds)
    points = np.stack(np.meshgrid(x, y), -1)
    rows = max(1, CHUNK // (n * objective.dim))
    chunks = [objective.values(projection.lift(points[row : row + rows])) for row in range(0, n, rows)]
    return x, y, _plausible(objective, points, finite(np.concatenate(chunks)))


@singledispatch
def _plausible(objective: Objective, points: FloatArray, values: FloatArray) -> FloatArray:  # noqa: ARG001
    return values


@_plausible.register
def _(objective: NetworkObjective, points: FloatArray, values: FloatArray) -> FloatArray:
    # The interpolation of a landscape overshoots at steep places, and is finite where the landscape is not.
    landscape = objective.landscape
    low, high = np.nanmin(landscape.values, initial=np.inf), np.nanmax(landscape.values, initial=-np.inf)
    column, row = (np.abs(points[..., i, None] - side).argmin(-1) for i, side in enumerate((landscape.x, landscape.y)))
    return np.where(np.isfinite(landscape.values[row, column]), np.clip(values, low, high), np.nan)


def visited_values(projection: Projection, trajectories: Sequence[Trajectory]) -> FloatArray:
    """Return the values of all iterates within the bounds of a projection, (n,)."""
    values = [each.values[inside(projection.project(each.points), projection.bounds)] for each in trajectories]
    return np.concatenate([np.empty(0), *values])


def value_range(values: FloatArray, *, bottomless: bool) -> tuple[float, float]:
    """Return the range to show, cut at the top if a few values would flatten all others, or at the bottom of a pole."""
    values = values[np.isfinite(values)]
    if values.size == 0:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    # Halved first to avoid overflow.
    most_low, most_high = (2 * float(edge) for edge in np.quantile(values / 2, [0.02, 0.98]))
    span = min(most_high - most_low, LARGEST)
    if span == 0:
        return low, high
    return max(low, most_low - span) if bottomless else low, min(high, most_high + span)


def stretched(low: float, high: float, values: FloatArray) -> tuple[float, float]:
    """Return a range extended to include values, but not so far that the function would look flat."""
    values = values[np.isfinite(values)]
    room = min(REACH * (min(high - low, LARGEST) or max(abs(high), 1.0)), LARGEST)
    least, most = values.min(initial=low), values.max(initial=high)
    return float(max(least, low - room)), float(min(most, high + room))


def has_pole(objective: Objective, projection: Projection, points: FloatArray, values: FloatArray) -> bool:
    """Return whether the values (n,) at points (n, k) decrease without bound when their minimum is sampled finely."""
    if not np.isfinite(values).any():
        return False
    top, depths = float(np.nanmedian(values)), []
    at = points[np.nanargmin(values)]
    cell = (projection.bounds[:, 1] - projection.bounds[:, 0]) / (len(values) ** (1 / points.shape[1]) - 1)
    # Asymmetric, so that no sample is at the pole itself, where the value is undefined or arbitrary.
    side = np.linspace(-0.93, 0.97, 2 * ZOOM)
    around = np.stack(np.meshgrid(*[side] * points.shape[1]), -1).reshape(-1, points.shape[1])
    for _ in range(4):
        sampled = np.clip(at + cell * around, projection.bounds[:, 0], projection.bounds[:, 1])
        found = finite(objective.values(projection.lift(sampled)))
        if not np.isfinite(found).any():
            return False
        at, cell = sampled[np.nanargmin(found)], cell / ZOOM
        depths.append(top / 2 - float(np.nanmin(found)) / 2)
    return all(deeper > STEEP * depth > 0 for depth, deeper in pairwise(depths))
