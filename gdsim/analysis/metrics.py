"""What is measured of a trajectory: figures over its steps, and one figure a start."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gdsim.objectives import FloatArray
from gdsim.simulation import Trajectory

__all__ = [
    "TOLERANCE",
    "angles",
    "detours",
    "distances",
    "distances_to_minimum",
    "evaluations_to_tolerance",
    "last_steps",
    "mean_angles",
    "moves",
    "norms",
    "path_lengths",
    "solved",
    "steps_to_tolerance",
]

TOLERANCE = 1e-3
"""A path is within tolerance once its value has fallen by all but this share of the way to the minimum."""

NEAR = 0.02
"""A path ends near a minimum when it is nearer to it than this share of the view's diagonal."""

VAGUE = np.radians(0.5)
"""A step has no direction where the rounding of its two points may turn it by more than this."""


def steps_to_tolerance(trajectory: Trajectory, lowest: float) -> npt.NDArray[np.int64]:
    """Return the first step at which each start is within tolerance, (starts,); the number of rows for never.

    That is the first k with f(x_k) − f* ≤ `TOLERANCE` · (f(x_0) − f*), the convergence test of Moré and Wild (2009).

    Args:
        trajectory: Whose steps.
        lowest: What stands for f* where the objective's minimum is not known.
    """
    values, known = trajectory.values, trajectory.objective.minimum
    minimum = lowest if known is None else known
    with np.errstate(over="ignore", invalid="ignore"):
        below = values - minimum <= TOLERANCE * (values[0] - minimum)
    # Where a start has no value, its infinity would be within tolerance of itself.
    below &= np.isfinite(values)
    return np.where(below.any(0), below.argmax(0), len(values))


def evaluations_to_tolerance(trajectory: Trajectory, lowest: float) -> FloatArray:
    """Return how many gradients each start had asked for when it came within tolerance, (starts,); inf for never.

    The gradient at the iterate that passes the test is counted with the others: its value came with it.

    Args:
        trajectory: Whose evaluations.
        lowest: What stands for f* where the objective's minimum is not known.
    """
    steps, evaluations = steps_to_tolerance(trajectory, lowest), trajectory.evaluations
    never = steps == len(evaluations)
    reached = evaluations[np.where(never, 0, steps), np.arange(len(steps))]
    return np.where(never, np.inf, reached)


def solved(trajectory: Trajectory) -> npt.NDArray[np.bool_] | None:
    """Tell which starts reach a global minimum, (starts,); None where none is known.

    They come within tolerance, do not break off, and end near one. The tolerance alone is about values, and a local
    minimum may be almost as low.
    """
    apart, minimum = distances_to_minimum(trajectory), trajectory.objective.minimum
    if apart is None or minimum is None:
        return None
    bounds = trajectory.objective.bounds
    near = apart <= NEAR * np.linalg.norm(bounds[:, 1] - bounds[:, 0])
    stays = np.array([not stop.breaks_off for stop in trajectory.stops])
    in_time = steps_to_tolerance(trajectory, minimum) < len(trajectory.values)
    return np.asarray(near & stays & in_time)


def distances_to_minimum(trajectory: Trajectory) -> FloatArray | None:
    """Return how far from the nearest known global minimum each start ends, (starts,); None where none is known."""
    minima = trajectory.objective.minima
    return distances(trajectory.points[-1], minima) if len(minima) else None


def distances(points: FloatArray, minima: FloatArray) -> FloatArray:
    """Return how far points (…, dim) are from the nearest of minima (m, dim), m > 0: (…)."""
    nearest = norms(points - minima[0])
    for minimum in minima[1:]:
        nearest = np.minimum(nearest, norms(points - minimum))
    return nearest


def path_lengths(trajectory: Trajectory) -> FloatArray:
    """Return the length of each start's path, the sum of its steps' lengths, (starts,)."""
    return np.asarray(norms(np.diff(trajectory.points, axis=0)).sum(0))


def detours(trajectory: Trajectory) -> FloatArray:
    """Return each path's length over the straight distance from its start to its end, (starts,).

    It is 1 for a straight path, inf for one that ends where it began, and NaN for one that never moves.
    """
    lengths, straight = path_lengths(trajectory), norms(trajectory.points[-1] - trajectory.points[0])
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.asarray(lengths / straight)


def mean_angles(trajectory: Trajectory) -> FloatArray:
    """Return the mean angle of each start's steps to −∇f, in degrees, (starts,); NaN where no step has one."""
    turned = angles(trajectory)
    counted = np.isfinite(turned)
    sums, counts = np.where(counted, turned, 0.0).sum(0), counted.sum(0)
    return np.asarray(np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0))


def angles(trajectory: Trajectory) -> FloatArray:
    """Return the angle between each step and −∇f where it begins, in degrees, (steps + 1, starts).

    The formula is Kahan's, true near 0 and 180, too: 2 atan2(‖u − v‖, ‖u + v‖) of the unit vectors u and v. NaN where
    there is no step, no gradient, or a step so short that the rounding of its points has turned it.
    """
    steps, points = moves(trajectory), trajectory.points
    along, down = _unit(steps), _unit(-trajectory.gradients)
    turned = np.degrees(2 * np.arctan2(norms(along - down), norms(along + down)))
    sizes = np.maximum(norms(points), np.append(norms(points[1:]), [np.full(points.shape[1], np.nan)], axis=0))
    rounding = np.finfo(np.float64).eps * sizes * np.sqrt(points.shape[-1])
    return np.where(rounding > VAGUE * norms(steps), np.nan, turned)


def last_steps(trajectory: Trajectory) -> npt.NDArray[np.int64]:
    """Return the step up to which each start has numbers, (starts,)."""
    broken = np.array([stop.breaks_off for stop in trajectory.stops])
    return np.where(broken, trajectory.stop_steps, len(trajectory.points) - 1)


def moves(trajectory: Trajectory) -> FloatArray:
    """Return the step taken from each row, (steps + 1, starts, dim); NaN where none is taken or it led to no number."""
    points = trajectory.points
    steps = np.append(np.diff(points, axis=0), np.full((1, *points.shape[1:]), np.nan), axis=0)
    steps[np.arange(len(points))[:, None] >= last_steps(trajectory)] = np.nan
    return steps


def norms(vectors: FloatArray) -> FloatArray:
    """Return the norms of vectors (…, dim), also of those whose squares are no numbers: (…)."""
    largest = np.abs(vectors).max(-1)
    scale = np.where((largest > 0) & np.isfinite(largest), largest, 1.0)
    return np.asarray(np.linalg.norm(vectors / scale[..., None], axis=-1) * scale)


def _unit(vectors: FloatArray) -> FloatArray:
    """Vectors (…, dim) of length 1; NaN for zero and for what is not finite."""
    largest = np.abs(vectors).max(-1, keepdims=True)
    pointing = (largest > 0) & np.isfinite(largest)
    scaled = np.divide(vectors, largest, out=np.full_like(vectors, np.nan), where=pointing)
    return np.asarray(scaled / np.linalg.norm(scaled, axis=-1, keepdims=True))
