"""The metrics of one optimizer on one objective as a row of a comparison, with ranks among the optimizers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gdsim.analysis.metrics import (
    detours,
    evaluations_to_tolerance,
    final_distances,
    group_by_objective,
    lost,
    lowest_value,
    mean_angles,
    solved,
    steps_to_tolerance,
    unique_titles,
)
from gdsim.analysis.ranking import Standing, scores, standings
from gdsim.objectives import FloatArray
from gdsim.simulation import Stop, Trajectory

COUNTS = ("function_evaluations", "gradient_evaluations", "hessian_evaluations")
NETWORK_METRICS = ("test_loss", "accuracy", "test_accuracy")  # which are None in all other rows


@dataclass(frozen=True)
class Row:
    """The metrics of one optimizer on one objective, over all its starts.

    Medians are over the starts, or over the runs of an ensemble, which below are called starts, too. Spreads are
    interquartile ranges with linear interpolation (type 7 of Hyndman and Fan 1996). A value that is not finite counts
    as +inf. A metric that is not finite or does not apply is None, as are all metrics of a class that cannot run. f* is
    the known minimum, or otherwise the lowest value in the table for this objective. A network has no known minimum,
    and only a projection of its path is recorded, so that its metrics of tolerance, distance, detour and angle are
    None.

    Attributes:
        objective: The objective's title, unique in the table.
        settings: The class and its settings.
        starts: The number of starts; 0 for a class that cannot run.
        runs: The number of runs of an ensemble from its single start; None if it is not one.
        final_value: The median value at the last step; for a start that failed, the last finite value is used.
        rank_low: The lowest rank among the optimizers of this objective, from 1, with 95 % confidence, see `standings`.
            It and all other intervals are None for a single start.
        rank_high: The highest rank.
        starts_needed: How many starts would tell the optimizer from the first one; None if these do.
        best_value: The median of each start's lowest value; a start that is `lost` counts as +inf.
        solved: The fraction of starts that reach a known global minimum, see `solved`.
        solved_low: The lower end of its 95 % interval.
        solved_high: The upper end.
        steps_to_tolerance: The step from which on a start stays within tolerance, see `steps_to_tolerance`: the upper
            median over the starts, where "never" is later than any step; None if it is "never".
        evaluations_to_tolerance: The number of evaluations up to and including that step; the upper median.
        evaluations_low: The lower end of its 95 % interval; None for never.
        evaluations_high: The upper end.
        evaluations: The median of the total number of evaluations, see `Trajectory.evaluations`.
        function_evaluations: The median of the total number of function values.
        gradient_evaluations: The median of the total number of gradients.
        hessian_evaluations: The median of the total number of Hessians.
        never: The number of starts that are not within tolerance at the end.
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
    runs: int | None = None
    rank_low: int | None = None
    rank_high: int | None = None
    starts_needed: float | None = None
    final_value: float | None = None
    final_spread: float | None = None
    best_value: float | None = None
    best_spread: float | None = None
    solved: float | None = None
    solved_low: float | None = None
    solved_high: float | None = None
    steps_to_tolerance: int | None = None
    evaluations_to_tolerance: int | None = None
    evaluations_low: float | None = None
    evaluations_high: float | None = None
    evaluations: float | None = None
    function_evaluations: float | None = None
    gradient_evaluations: float | None = None
    hessian_evaluations: float | None = None
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

    @property
    def paths(self) -> int:
        """The number of paths, which is that of the starts unless they are runs of an ensemble."""
        return self.runs or self.starts


def make_rows(trajectories: Iterable[Trajectory]) -> list[list[Row]]:
    """Return a row per trajectory, grouped by objective."""
    groups = group_by_objective(trajectories)
    titles = unique_titles([group[0].objective for group in groups])
    return [_group_rows(group, title) for group, title in zip(groups, titles, strict=True)]


def _group_rows(trajectories: Sequence[Trajectory], title: str) -> list[Row]:
    lowest = lowest_value(trajectories)
    return with_ranks([make_row(each, lowest, title=title) for each in trajectories], trajectories, lowest)


def with_ranks(rows: Sequence[Row], trajectories: Sequence[Trajectory], lowest: float) -> list[Row]:
    """Return the rows of trajectories on one function with ranks and intervals, if each has the same starts."""
    counts = {len(each.stops) for each in trajectories}
    is_function = all(each.objective.kind == "function" for each in trajectories)
    if len(rows) < 2 or not is_function or len(counts) > 1 or counts == {1}:
        return list(rows)
    found = standings([scores(each, lowest) for each in trajectories])
    return [_with_standing(row, standing) for row, standing in zip(rows, found, strict=True)]


def _with_standing(row: Row, standing: Standing) -> Row:
    low, high = (None, None) if standing.ranks is None else standing.ranks
    ranked = replace(row, rank_low=low, rank_high=high, starts_needed=standing.starts_needed or None)
    if row.solved is not None:
        ranked = replace(ranked, solved_low=standing.solved[0], solved_high=standing.solved[1])
    fewest, most = map(_finite, standing.evaluations)
    return replace(ranked, evaluations_low=fewest, evaluations_high=most)


def make_row(trajectory: Trajectory, lowest: float, *, title: str = "", tuned: str = "") -> Row:
    """Return the row of a trajectory; `lowest` is used as f* if the objective's minimum is not known."""
    values = np.where(np.isfinite(trajectory.values), trajectory.values, np.inf)
    reached, distances = solved(trajectory), final_distances(trajectory)
    steps = steps_to_tolerance(trajectory, lowest)
    within, lows = steps < len(values), np.where(lost(trajectory), np.inf, values.min(0))
    # Networks have no known minimum, and class scores of images have none at all.
    is_function = trajectory.objective.kind == "function"

    spent = trajectory.evaluations
    functions, gradients, hessians = tuple(trajectory.counts.values()) or (spent, spent, np.zeros_like(spent))

    def last(name: str) -> float | None:
        return _finite(float(trajectory.figures[name][-1])) if name in trajectory.figures else None

    return Row(
        objective=title or trajectory.objective.title,
        optimizer=trajectory.label,
        settings=trajectory.settings,
        starts=1 if trajectory.is_ensemble else len(trajectory.stops),
        runs=len(trajectory.stops) if trajectory.is_ensemble else None,
        final_value=_median(values[-1]),
        final_spread=_spread(values[-1]),
        best_value=_median(lows),
        best_spread=_spread(lows),
        solved=None if reached is None else float(reached.mean()),
        steps_to_tolerance=_upper_median(np.where(within, steps, np.inf)) if is_function else None,
        evaluations_to_tolerance=_upper_median(evaluations_to_tolerance(trajectory, lowest)) if is_function else None,
        evaluations=_median(spent[-1]),
        function_evaluations=_median(functions[-1]),
        gradient_evaluations=_median(gradients[-1]),
        hessian_evaluations=_median(hessians[-1]),
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


def _median(numbers: npt.NDArray[Any]) -> float | None:
    return _finite(_quantile(numbers, 0.5))


def _spread(numbers: FloatArray) -> float | None:
    low, high = _quantile(numbers, 0.25), _quantile(numbers, 0.75)
    return _finite(high - low) if math.isfinite(low) else None


def _quantile(numbers: npt.NDArray[Any], fraction: float) -> float:
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
