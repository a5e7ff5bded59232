"""Group trajectories by objective, and compute metrics of each, per step or per start."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import reduce

import numpy as np
import numpy.typing as npt

from gdsim.objectives import FloatArray, Objective
from gdsim.simulation import Trajectory

TOLERANCE = 1e-3  # fraction of the initial f − f* at which a start comes within tolerance
NEAR = 0.02  # distance from a minimum within which a start ends near it, as a fraction of the view's diagonal
UNCERTAIN = np.radians(0.5)  # maximum uncertainty of a step's direction due to the rounding of its two points


def steps_to_tolerance(trajectory: Trajectory, lowest: float) -> npt.NDArray[np.int64]:
    """Return the step from which on each start stays within tolerance, (starts,); the number of rows for never.

    Benchmarks of solvers that return the best point count up to the first point within tolerance. An optimizer of torch
    returns its last point, so that one that passes the minimum and leaves it again has not arrived.
    """
    return lasting(within_tolerance(trajectory, lowest))


def lasting(facts: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Return the row from which on each column (rows, n) is true, (n,); the number of rows if its last one is not."""
    return np.asarray(len(facts) - np.logical_and.accumulate(facts[::-1]).sum(0))


def within_tolerance(trajectory: Trajectory, lowest: float) -> npt.NDArray[np.bool_]:
    """Return at which steps each start is within tolerance, (steps + 1, starts).

    This is f(x_k) − f* ≤ `TOLERANCE` · (f(x_0) − f*), the convergence test of Moré and Wild (2009); `lowest` is used as
    f* if the objective's minimum is not known. A start that is `lost` is never within tolerance.
    """
    values, known = trajectory.values, trajectory.objective.minimum
    minimum = lowest if known is None else known
    with np.errstate(over="ignore", invalid="ignore"):
        below = values - minimum <= TOLERANCE * (values[0] - minimum)
    # inf <= inf would be within tolerance.
    return np.asarray(below & np.isfinite(values) & ~lost(trajectory))


def evaluations_to_tolerance(trajectory: Trajectory, lowest: float) -> FloatArray:
    """Return the number of evaluations until each start stays within tolerance, (starts,); inf for never.

    The evaluation at the first iterate that stays is included, because it also computes the value.
    """
    steps, evaluations = steps_to_tolerance(trajectory, lowest), trajectory.evaluations
    never = steps == len(evaluations)
    return np.where(never, np.inf, evaluations[np.where(never, 0, steps), np.arange(len(steps))])


def lost(trajectory: Trajectory) -> npt.NDArray[np.bool_]:
    """Return which starts fail, or leave the view for values below the known minimum, (starts,)."""
    reached, minimum = trajectory.values.min(0), trajectory.objective.minimum
    found = np.array([stop.failed for stop in trajectory.stops]) | ~np.isfinite(reached)
    if minimum is not None:
        with np.errstate(over="ignore", invalid="ignore"):
            found |= reached - minimum < -TOLERANCE * np.abs(trajectory.values[0] - minimum)
    return np.asarray(found)


def solved(trajectory: Trajectory) -> npt.NDArray[np.bool_] | None:
    """Return whether each start reaches a global minimum, (starts,); None if no minimum is known.

    A start must end within tolerance and near a minimum: the tolerance compares only values, and a local minimum may
    have almost the same value.
    """
    apart, minimum = final_distances(trajectory), trajectory.objective.minimum
    if apart is None or minimum is None:
        return None
    near = apart <= NEAR * trajectory.objective.diagonal
    return np.asarray(near & within_tolerance(trajectory, minimum)[-1])


def final_distances(trajectory: Trajectory) -> FloatArray | None:
    """Return the distance from each start's last point to the nearest global minimum, (starts,); None if unknown."""
    minima = trajectory.objective.minima
    return distances(trajectory.points[-1], minima) if len(minima) else None


def distances(points: FloatArray, minima: FloatArray) -> FloatArray:
    """Return the distance (…) from points (…, dim) to the nearest of the minima (m, dim), m > 0."""
    return reduce(np.minimum, (norms(points - minimum) for minimum in minima))


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
    return np.asarray(np.ma.masked_invalid(angles(trajectory)).mean(0).filled(np.nan))


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
    scale = _scale(vectors)
    return np.asarray(np.linalg.norm(vectors / scale, axis=-1) * scale[..., 0])


def _unit(vectors: FloatArray) -> FloatArray:
    """Return unit vectors; NaN for zero and for vectors that are not finite."""
    with np.errstate(invalid="ignore"):
        scaled = vectors / _scale(vectors)
        return np.asarray(scaled / np.linalg.norm(scaled, axis=-1, keepdims=True))


def _scale(vectors: FloatArray) -> FloatArray:
    largest = np.abs(vectors).max(-1, keepdims=True)
    return np.where((largest > 0) & np.isfinite(largest), largest, 1.0)


def group_by_objective(trajectories: Iterable[Trajectory]) -> list[list[Trajectory]]:
    """Return trajectories grouped by objective, in the order in which the objectives first appear."""
    groups: dict[object, list[Trajectory]] = {}
    for each in trajectories:
        groups.setdefault(_identity(each.objective), []).append(each)
    return list(groups.values())


def _identity(objective: Objective) -> object:
    """Return what is equal for equal objectives."""
    if objective.kind == "network":
        return id(objective)  # a loss plane belongs to one training run
    facts = (objective.name, objective.title, objective.source, str(objective.parameters), objective.bounds.tobytes())
    # Two functions may have the same name, and two expressions the same text with different constants.
    return facts, objective.fingerprint()


def unique_titles(objectives: Sequence[Objective]) -> tuple[str, ...]:
    """Return a unique title for each of several different objectives.

    Equal titles of objectives with different dimensions are extended, as in "Sphere in 5 dimensions". Titles that are
    still equal are numbered from the second one on, as in "Sphere (2)".
    """
    dims = Counter(title for title, _ in {(each.title, each.dim) for each in objectives})
    seen: Counter[str] = Counter()
    titles = []
    for each in objectives:
        plural = "s" * (each.dim != 1)
        title = f"{each.title} in {each.dim} dimension{plural}" if dims[each.title] > 1 else each.title
        seen[title] += 1
        titles.append(f"{title} ({seen[title]})" if seen[title] > 1 else title)
    return tuple(titles)


def lowest_value(trajectories: Iterable[Trajectory]) -> float:
    """Return the lowest finite value over all trajectories and starts; NaN if there is none."""
    lows = [float(each.values[np.isfinite(each.values)].min(initial=np.inf)) for each in trajectories]
    lowest = min(lows, default=np.inf)
    return lowest if np.isfinite(lowest) else float("nan")
