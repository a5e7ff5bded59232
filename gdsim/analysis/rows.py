"""A trajectory → a row: its figures over all starts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gdsim.analysis.metrics import (
    detours,
    distances_to_minimum,
    evaluations_to_tolerance,
    mean_angles,
    solved,
    steps_to_tolerance,
)
from gdsim.objectives import FloatArray
from gdsim.simulation import Stop, Trajectory

__all__ = ["OF_NETWORKS", "Row", "failed_row", "of_networks", "order", "row_of"]


@dataclass(frozen=True)
class Row:
    """What became of one optimizer on one objective, over all its starts.

    A median is the middle of the starts' figures, or the mean of the middle two; a spread is their interquartile range,
    quartiles interpolated linearly between the starts (type 7 of Hyndman and Fan 1996). Where a start's value is no
    finite number it counts as higher than any. A figure that is no finite number itself is None, and so is every one of
    a class that cannot run.

    Args:
        objective: Its title, which no other objective of the table has.
        optimizer: The label.
        settings: The class and its settings.
        starts: Number of starts; 0 for a class that cannot run.
        final_value: The median of the values at the last step; a start that broke off counts with its last real one.
        final_spread: The spread of the same values.
        best_value: The median of the lowest values on the way.
        best_spread: The spread of the same values.
        solved: The share of starts that reach a global minimum, 0 to 1: they come within tolerance, do not break off,
            and end nearer to one than 2 % of the view's diagonal. None where no minimum is known.
        steps_to_tolerance: The first step k with f(x_k) − f* ≤ `TOLERANCE` · (f(x_0) − f*), the convergence test of
            Moré and Wild (2009); f* is the known minimum, else the best value that the whole table has of this
            objective. The median over the starts, the upper of the middle two, where never is later than any step;
            None where that one never gets there, and for a network: the lowest loss found is no minimum to be near to.
        evaluations_to_tolerance: The number of gradients asked for up to that step, that of x_k included; the median in
            the same way.
        evaluations: The number of gradients asked for in all, up to the last step or where a start stopped; the median.
        never: How many starts never come within tolerance; None where that is not asked.
        distance_to_minimum: From the last real point to the nearest known global minimum, the median; None where none
            is known.
        detour: The length of the path over the straight distance from its start to its end, the median of the starts
            that move; 1 is straight. None where none moves, or the median one ends where it began, and for a network,
            of whose path only the shadow on a plane is kept.
        mean_angle: The angle between each step and −∇f where it begins, in degrees: the mean over a path's steps, then
            the median over the starts. A step too short for its direction to be known is left out; None where all are,
            and for a network.
        diverged: How many starts diverged.
        stopped: How the starts ended, and at which step where that is one step.
        tuned: What tuning chose, "lr 0.1", "lr 10 (at the edge of its grid)"; empty where nothing was tuned.
        reason: Why the class cannot run; empty where it does.
        test_loss: For a network, the loss on the test data after the last step.
        accuracy: For a network, the share of the training data to which it gives the right class then, 0 to 1.
        test_accuracy: The same of the test data.
    """

    objective: str
    optimizer: str
    settings: str
    starts: int
    final_value: float | None
    final_spread: float | None
    best_value: float | None
    best_spread: float | None
    solved: float | None
    steps_to_tolerance: int | None
    evaluations_to_tolerance: int | None
    evaluations: float | None
    never: int | None
    distance_to_minimum: float | None
    detour: float | None
    mean_angle: float | None
    diverged: int | None
    stopped: str
    tuned: str = ""
    reason: str = ""
    test_loss: float | None = None
    accuracy: float | None = None
    test_accuracy: float | None = None


def row_of(trajectory: Trajectory, lowest: float, *, title: str | None = None, tuned: str = "") -> Row:
    """Return the row of a trajectory.

    Args:
        trajectory: One optimizer from all its starts.
        lowest: What stands for the minimum of an objective whose minimum is not known.
        title: What the objective is called in the table; its own title by default.
        tuned: What tuning chose.
    """
    final, best = _values(trajectory.values[-1]), _values(trajectory.values).min(0)
    reached, distances = solved(trajectory), distances_to_minimum(trajectory)
    steps = steps_to_tolerance(trajectory, lowest)
    in_time = steps < len(trajectory.values)
    # A network has no minimum that is known, and the score of a class none at all.
    is_function = trajectory.training is None and trajectory.objective.image is None
    return Row(
        objective=trajectory.objective.title if title is None else title,
        optimizer=trajectory.label,
        settings=trajectory.settings,
        starts=len(trajectory.stops),
        final_value=_median(final),
        final_spread=_spread(final),
        best_value=_median(best),
        best_spread=_spread(best),
        solved=None if reached is None else float(reached.mean()),
        steps_to_tolerance=_middle(np.where(in_time, steps, np.inf)) if is_function else None,
        evaluations_to_tolerance=_middle(evaluations_to_tolerance(trajectory, lowest)) if is_function else None,
        evaluations=_median(trajectory.evaluations[-1].astype(np.float64)),
        never=int((~in_time).sum()) if is_function else None,
        distance_to_minimum=None if distances is None else _median(distances),
        detour=_median(detours(trajectory)) if is_function else None,
        mean_angle=_median(mean_angles(trajectory)) if is_function else None,
        diverged=trajectory.stops.count(Stop.DIVERGED),
        stopped=_stopped(trajectory),
        tuned=tuned,
        test_loss=_last(trajectory, "test_loss"),
        accuracy=_last(trajectory, "accuracy"),
        test_accuracy=_last(trajectory, "test_accuracy"),
    )


def _last(trajectory: Trajectory, name: str) -> float | None:
    """A figure of a network after the last step."""
    figures = {} if trajectory.training is None else trajectory.training.figures
    return _finite(float(figures[name][-1])) if name in figures else None


def failed_row(objective: str, label: str, settings: str, reason: str) -> Row:
    """Return the row of a class that cannot run: no figure, and why.

    Args:
        objective: The objective's title in the table.
        label: What the user calls the optimizer.
        settings: Its class and settings, as far as they are known.
        reason: One sentence.
    """
    missing: dict[str, Any] = dict.fromkeys(FIGURES)
    return Row(objective, optimizer=label, settings=settings, starts=0, **missing, stopped="", reason=reason)


FIGURES = (
    "final_value",
    "final_spread",
    "best_value",
    "best_spread",
    "solved",
    "steps_to_tolerance",
    "evaluations_to_tolerance",
    "evaluations",
    "never",
    "distance_to_minimum",
    "detour",
    "mean_angle",
    "diverged",
)
"""The fields that are figures, and None in the row of a class that cannot run."""

OF_NETWORKS = ("test_loss", "accuracy", "test_accuracy")
"""The fields that are figures of networks alone, and None in every other row."""


def of_networks(rows: Iterable[Row]) -> bool:
    """Tell whether any of some rows has a figure that only a network has."""
    return any(getattr(row, name) is not None for row in rows for name in OF_NETWORKS)


def order(row: Row) -> tuple[float, ...]:
    """Return what a row is sorted by among those of its objective, the best first; equal for rows that tie.

    By the share of starts solved, high first; then gradient evaluations to tolerance, low first, never last; then the
    best value, low first. A class that cannot run comes last.
    """

    def or_last(figure: float | None) -> float:
        return math.inf if figure is None else float(figure)

    return (
        float(bool(row.reason)),
        -(row.solved or 0.0),
        or_last(row.evaluations_to_tolerance),
        or_last(row.best_value),
    )


def _values(values: FloatArray) -> FloatArray:
    return np.where(np.isfinite(values), values, np.inf)


def _median(figures: FloatArray) -> float | None:
    """The median of those that are numbers, inf among them."""
    return _finite(_quantile(figures, 0.5))


def _spread(figures: FloatArray) -> float | None:
    low, high = _quantile(figures, 0.25), _quantile(figures, 0.75)
    return _finite(high - low) if math.isfinite(low) else None


def _quantile(figures: FloatArray, share: float) -> float:
    """Interpolated linearly between the two figures nearest to a share of all; NaN where there are none."""
    ordered: list[float] = np.sort(figures[~np.isnan(figures)]).tolist()
    if not ordered:
        return math.nan
    place = share * (len(ordered) - 1)
    low, high = ordered[math.floor(place)], ordered[math.ceil(place)]
    part = place - math.floor(place)
    # An infinity times nothing is no number.
    return low if part == 0 or low == high else low * (1 - part) + high * part


def _middle(counts: npt.NDArray[np.float64]) -> int | None:
    """The upper of the middle two, so that it is a count of one of the starts."""
    middle = float(np.sort(counts)[len(counts) // 2])
    return int(middle) if math.isfinite(middle) else None


def _finite(figure: float) -> float | None:
    return figure if math.isfinite(figure) else None


def _stopped(trajectory: Trajectory) -> str:
    """How the starts ended: `diverged at step 12`, or `3 diverged, 21 ran all steps`."""
    counts = Counter(stop.value for stop in trajectory.stops)
    if len(trajectory.stops) > 1:
        return ", ".join(f"{count} {words}" for words, count in counts.most_common())
    (words,) = counts
    ran = trajectory.stops[0] is Stop.RAN
    return words if ran else f"{words} at step {trajectory.stopped_at(0)}"
