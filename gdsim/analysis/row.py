"""Compute the rows of the table from trajectories, grouped by objective."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from gdsim.analysis.metrics import (
    detours,
    evaluations_to_tolerance,
    final_distances,
    mean_angles,
    solved,
    steps_to_tolerance,
)
from gdsim.objectives import FloatArray, Objective
from gdsim.simulation import Stop, Trajectory

NETWORK_METRICS = ("test_loss", "accuracy", "test_accuracy")
"""The metrics that apply only to networks; None in all other rows."""


@dataclass(frozen=True)
class Row:
    """The metrics of one optimizer on one objective, over all its starts.

    Medians are over the starts. Spreads are interquartile ranges with linear interpolation (type 7 of Hyndman and
    Fan 1996). A value that is not finite counts as +inf. A metric that is not finite or does not apply is None, as are
    all metrics of a class that cannot run. f* is the known minimum, or otherwise the lowest value in the table for this
    objective. A network has no known minimum, and only a projection of its path is recorded, so that its metrics of
    tolerance, distance, detour and angle are None.

    Attributes:
        objective: The objective's title, unique in the table.
        settings: The class and its settings.
        starts: The number of starts; 0 for a class that cannot run.
        final_value: The median value at the last step; for a start that failed, the last finite value is used.
        best_value: The median of each start's lowest value.
        solved: The fraction of starts that reach a known global minimum, see `solved`.
        steps_to_tolerance: The first step within tolerance, see `steps_to_tolerance`: the upper median over the starts,
            where "never" is later than any step; None if it is "never".
        evaluations_to_tolerance: The number of gradient evaluations up to and including that step; the upper median.
        evaluations: The median of the total number of gradient evaluations.
        never: The number of starts that never come within tolerance.
        distance_to_minimum: The median distance from the last finite point to the nearest known global minimum.
        detour: The path's length divided by the distance from start to end, the median over the starts that move.
        mean_angle: The mean angle between each step and −∇f, in degrees, the median over the starts.
        diverged: The number of starts that diverged.
        stopped: How the starts ended; for a single start, with the step.
        tuned: The values chosen by tuning, such as "lr 0.1"; empty if nothing was tuned.
        reason: Why the class cannot run; empty if it can.
        test_loss: For a network, the loss on the test data after the last step.
        accuracy: For a network, the fraction of the training data classified correctly after the last step.
        test_accuracy: For a network, the same for the test data.
    """

    objective: str
    optimizer: str
    settings: str
    starts: int = 0
    final_value: float | None = None
    final_spread: float | None = None
    best_value: float | None = None
    best_spread: float | None = None
    solved: float | None = None
    steps_to_tolerance: int | None = None
    evaluations_to_tolerance: int | None = None
    evaluations: float | None = None
    never: int | None = None
    distance_to_minimum: float | None = None
    detour: float | None = None
    mean_angle: float | None = None
    diverged: int | None = None
    stopped: str = ""
    tuned: str = ""
    reason: str = ""
    test_loss: float | None = None
    accuracy: float | None = None
    test_accuracy: float | None = None

    def __repr__(self) -> str:
        outcome = self.reason or f"best value {self.best_value}"
        return f"<Row: {self.optimizer} on {self.objective}, {outcome}>"


def make_rows(trajectories: Iterable[Trajectory]) -> list[list[Row]]:
    """Return a row per trajectory, grouped by objective."""
    groups = group_by_objective(trajectories)
    rows = []
    for group, title in zip(groups, unique_titles([group[0].objective for group in groups]), strict=True):
        lowest = lowest_value(group)
        rows.append([make_row(each, lowest, title=title) for each in group])
    return rows


def make_row(trajectory: Trajectory, lowest: float, *, title: str = "", tuned: str = "") -> Row:
    """Return the row of a trajectory; `lowest` is used as f* if the objective's minimum is not known."""
    values = np.where(np.isfinite(trajectory.values), trajectory.values, np.inf)
    reached, distances = solved(trajectory), final_distances(trajectory)
    steps = steps_to_tolerance(trajectory, lowest)
    within = steps < len(values)
    # Networks have no known minimum, and class scores of images have none at all.
    is_function = trajectory.objective.kind == "function"
    figures = trajectory.figures

    def last(name: str) -> float | None:
        return _finite(float(figures[name][-1])) if name in figures else None

    return Row(
        objective=title or trajectory.objective.title,
        optimizer=trajectory.label,
        settings=trajectory.settings,
        starts=len(trajectory.stops),
        final_value=_median(values[-1]),
        final_spread=_spread(values[-1]),
        best_value=_median(values.min(0)),
        best_spread=_spread(values.min(0)),
        solved=None if reached is None else float(reached.mean()),
        steps_to_tolerance=_upper_median(np.where(within, steps, np.inf)) if is_function else None,
        evaluations_to_tolerance=_upper_median(evaluations_to_tolerance(trajectory, lowest)) if is_function else None,
        evaluations=_median(trajectory.evaluations[-1].astype(np.float64)),
        never=int((~within).sum()) if is_function else None,
        distance_to_minimum=None if distances is None else _median(distances),
        detour=_median(detours(trajectory)) if is_function else None,
        mean_angle=_median(mean_angles(trajectory)) if is_function else None,
        diverged=trajectory.stops.count(Stop.DIVERGED),
        stopped=_stopped(trajectory),
        tuned=tuned,
        test_loss=last("test_loss"),
        accuracy=last("accuracy"),
        test_accuracy=last("test_accuracy"),
    )


def has_networks(rows: Iterable[Row]) -> bool:
    """Return whether any row has a metric that only networks have."""
    return any(getattr(row, name) is not None for row in rows for name in NETWORK_METRICS)


def sort_key(row: Row) -> tuple[float, ...]:
    """Return the sort key for rows of one objective, in the order described in `Table`; equal for ties."""
    evaluations = math.inf if row.evaluations_to_tolerance is None else row.evaluations_to_tolerance
    best = math.inf if row.best_value is None else row.best_value
    return float(bool(row.reason)), -(row.solved or 0.0), evaluations, best


def _median(numbers: FloatArray) -> float | None:
    return _finite(_quantile(numbers, 0.5))


def _spread(numbers: FloatArray) -> float | None:
    low, high = _quantile(numbers, 0.25), _quantile(numbers, 0.75)
    return _finite(high - low) if math.isfinite(low) else None


def _quantile(numbers: FloatArray, fraction: float) -> float:
    """Interpolate linearly between sorted numbers that may include inf; ignore NaN; return NaN if there are none."""
    ordered: list[float] = np.sort(numbers[~np.isnan(numbers)]).tolist()
    if not ordered:
        return math.nan
    position = fraction * (len(ordered) - 1)
    low, high = ordered[math.floor(position)], ordered[math.ceil(position)]
    part = position - math.floor(position)
    # numpy.quantile returns NaN for inf − inf and inf · 0.
    return low if part == 0 or low == high else low * (1 - part) + high * part


def _upper_median(counts: FloatArray) -> int | None:
    """Return the upper of the two middle counts, so that the result is the count of one of the starts."""
    middle = float(np.sort(counts)[len(counts) // 2])
    return int(middle) if math.isfinite(middle) else None


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _stopped(trajectory: Trajectory) -> str:
    """Return how the starts ended: `diverged at step 12`, or `3 diverged, 21 ran all steps`."""
    counts = Counter(stop.value for stop in trajectory.stops)
    if len(trajectory.stops) > 1:
        return ", ".join(f"{count} {words}" for words, count in counts.most_common())
    (stop,) = trajectory.stops
    return stop.value if stop is Stop.RAN else f"{stop.value} at step {trajectory.stopped_at(0)}"


def group_by_objective(trajectories: Iterable[Trajectory]) -> list[list[Trajectory]]:
    """Return trajectories grouped by objective, in the order in which the objectives first appear."""
    groups: list[list[Trajectory]] = []
    for each in trajectories:
        group = next((group for group in groups if _same(group[0].objective, each.objective)), None)
        if group is None:
            groups.append([each])
        else:
            group.append(each)
    return groups


def _same(one: Objective, other: Objective) -> bool:
    if one is other:
        return True
    if "network" in (one.kind, other.kind):
        return False  # a loss plane belongs to one training run
    facts = ("name", "title", "dim", "source", "parameters")
    if any(getattr(one, fact) != getattr(other, fact) for fact in facts) or (one.bounds != other.bounds).any():
        return False
    # Two functions may have the same name, and two expressions the same text with different constants.
    low, high = one.bounds.T
    points = low + np.random.default_rng(0).random((16, one.dim)) * (high - low)
    return np.array_equal(one.values(points), other.values(points), equal_nan=True)


def unique_titles(objectives: Sequence[Objective]) -> tuple[str, ...]:
    """Return a unique title for each of several different objectives.

    Equal titles of objectives with different dimensions are extended, as in "Sphere in 5 dimensions". Titles that are
    still equal are numbered from the second one on, as in "Sphere (2)".
    """
    dims: dict[str, set[int]] = {}
    for each in objectives:
        dims.setdefault(each.title, set()).add(each.dim)
    seen: Counter[str] = Counter()
    titles = []
    for each in objectives:
        several = len(dims[each.title]) > 1
        title = f"{each.title} in {each.dim} dimension{'s' * (each.dim != 1)}" if several else each.title
        seen[title] += 1
        titles.append(f"{title} ({seen[title]})" if seen[title] > 1 else title)
    return tuple(titles)


def lowest_value(trajectories: Iterable[Trajectory]) -> float:
    """Return the lowest finite value over all trajectories and starts; NaN if there is none."""
    lows = [float(each.values[np.isfinite(each.values)].min(initial=np.inf)) for each in trajectories]
    lowest = min(lows, default=np.inf)
    return lowest if np.isfinite(lowest) else float("nan")
