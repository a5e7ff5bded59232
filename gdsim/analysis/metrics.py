"""Metrics of a trajectory, per step or per start."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gdsim.objectives import FloatArray
from gdsim.simulation import Trajectory

TOLERANCE = 1e-3
"""The fraction of the initial f − f* at which a start comes within tolerance."""

NEAR = 0.02
"""The distance from a minimum within which a start ends near it, as a fraction of the view's diagonal."""

UNCERTAIN = np.radians(0.5)
"""The maximum uncertainty of a step's direction, in radians, due to the rounding of its two points."""


def steps_to_tolerance(trajectory: Trajectory, lowest: float) -> npt.NDArray[np.int64]:
    """Return the first step at which each start is within tolerance, (starts,); the number of rows for never.

    This is the first k with f(x_k) − f* ≤ `TOLERANCE` · (f(x_0) − f*), the convergence test of Moré and Wild (2009);
    `lowest` is used as f* if the objective's minimum is not known.
    """
    values, known = trajectory.values, trajectory.objective.minimum
    minimum = lowest if known is None else known
    with np.errstate(over="ignore", invalid="ignore"):
        below = values - minimum <= TOLERANCE * (values[0] - minimum)
    below &= np.isfinite(values)  # inf <= inf would be within tolerance
    return np.where(below.any(0), below.argmax(0), len(values))


def evaluations_to_tolerance(trajectory: Trajectory, lowest: float) -> FloatArray:
    """Return the number of gradient evaluations until each start is within tolerance, (starts,); inf for never.

    The evaluation at the iterate that passes the test is included, because it also computes the value.
    """
    steps, evaluations = steps_to_tolerance(trajectory, lowest), trajectory.evaluations
    never = steps == len(evaluations)
    return np.where(never, np.inf, evaluations[np.where(never, 0, steps), np.arange(len(steps))])


def solved(trajectory: Trajectory) -> npt.NDArray[np.bool_] | None:
    """Return whether each start reaches a global minimum, (starts,); None if no minimum is known.

    A start must come within tolerance, not fail, and end near a minimum: the tolerance compares only values, and a
    local minimum may have almost the same value.
    """
    apart, minimum = final_distances(trajectory), trajectory.objective.minimum
    if apart is None or minimum is None:
        return None
    bounds = trajectory.objective.bounds
    near = apart <= NEAR * np.linalg.norm(bounds[:, 1] - bounds[:, 0])
    complete = np.array([not stop.failed for stop in trajectory.stops])
    return np.asarray(near & complete & (steps_to_tolerance(trajectory, minimum) < len(trajectory.values)))


def final_distances(trajectory: Trajectory) -> FloatArray | None:
    """Return the distance from each start's last point to the nearest global minimum, (starts,); None if unknown."""
    minima = trajectory.objective.minima
    return distances(trajectory.points[-1], minima) if len(minima) else None


def distances(points: FloatArray, minima: FloatArray) -> FloatArray:
    """Return the distance (…) from points (…, dim) to the nearest of the minima (m, dim), m > 0."""
    nearest = norms(points - minima[0])
    for minimum in minima[1:]:
        nearest = np.minimum(nearest, norms(points - minimum))
    return nearest


def detours(trajectory: Trajectory) -> FloatArray:
    """Return the length of each path divided by the distance from its start to its end, (starts,).

    The result is 1 for a straight path, inf for a path that returns to its start, and NaN for a path that does not
    move.
    """
    lengths = norms(np.diff(trajectory.points, axis=0)).sum(0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.asarray(lengths / norms(trajectory.points[-1] - trajectory.points[0]))


def mean_angles(trajectory: Trajectory) -> FloatArray:
    """Return the mean of `angles` over the steps of each start, in degrees, (starts,); NaN if no step has an angle."""
    per_step = angles(trajectory)
    counted = np.isfinite(per_step)
    sums, counts = np.where(counted, per_step, 0.0).sum(0), counted.sum(0)
    return np.asarray(np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0))


def angles(trajectory: Trajectory) -> FloatArray:
    """Return the angle between each step and −∇f at its first point, in degrees, (steps + 1, starts).

    Kahan's formula, 2 atan2(‖u − v‖, ‖u + v‖) for unit vectors u and v, is accurate near 0° and 180° too. The result is
    NaN if there is no step, no gradient, or a step so short that rounding determines its direction.
    """
    steps, points = step_vectors(trajectory), trajectory.points
    along, down = _unit(steps), _unit(-trajectory.gradients)
    turned = np.degrees(2 * np.arctan2(norms(along - down), norms(along + down)))
    sizes = np.maximum(norms(points), np.append(norms(points[1:]), [np.full(points.shape[1], np.nan)], axis=0))
    rounding = np.finfo(np.float64).eps * sizes * np.sqrt(points.shape[-1])
    return np.where(rounding > UNCERTAIN * norms(steps), np.nan, turned)


def last_steps(trajectory: Trajectory) -> npt.NDArray[np.int64]:
    """Return the last step at which each start has finite values, (starts,)."""
    broken = np.array([stop.failed for stop in trajectory.stops])
    return np.where(broken, trajectory.stop_steps, len(trajectory.points) - 1)


def step_vectors(trajectory: Trajectory) -> FloatArray:
    """Return the step from each row to the next, (steps + 1, starts, dim); NaN if there is none or it is not finite."""
    points = trajectory.points
    steps = np.append(np.diff(points, axis=0), np.full((1, *points.shape[1:]), np.nan), axis=0)
    steps[np.arange(len(points))[:, None] >= last_steps(trajectory)] = np.nan
    return steps


def norms(vectors: FloatArray) -> FloatArray:
    """Return the norms (…) of vectors (…, dim), scaled before squaring to avoid overflow."""
    largest = np.abs(vectors).max(-1)
    scale = np.where((largest > 0) & np.isfinite(largest), largest, 1.0)
    return np.asarray(np.linalg.norm(vectors / scale[..., None], axis=-1) * scale)


def _unit(vectors: FloatArray) -> FloatArray:
    # NaN for zero and for vectors that are not finite.
    largest = np.abs(vectors).max(-1, keepdims=True)
    valid = (largest > 0) & np.isfinite(largest)
    scaled = np.divide(vectors, largest, out=np.full_like(vectors, np.nan), where=valid)
    return np.asarray(scaled / np.linalg.norm(scaled, axis=-1, keepdims=True))
