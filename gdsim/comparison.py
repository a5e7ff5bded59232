"""Trajectories → a table of figures, one row an objective and optimizer."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gdsim.errors import InputError
from gdsim.files import whole_file
from gdsim.objectives import FloatArray, Objective
from gdsim.trajectory import Stop, Trajectory

__all__ = ["TOLERANCE", "Row", "compare", "distances_to_minimum", "grouped", "steps_to_tolerance", "write_csv"]

TOLERANCE = 1e-3
"""A path is within tolerance once its value has fallen by all but this share of the way to the minimum."""


@dataclass(frozen=True)
class Row:
    """What became of one optimizer on one objective; over several starts each figure is their median.

    Args:
        objective: Its title.
        optimizer: The label.
        settings: The class and its settings.
        starts: Number of starts.
        final_value: The value at the last step.
        best_value: The lowest value on the way.
        steps_to_tolerance: The first step k with f(x_k) − f* ≤ `TOLERANCE` · (f(x_0) − f*), the convergence test of
            Moré and Wild (2009); f* is the known minimum, else the best value that the whole table has of this
            objective. None where half the starts or more never get there.
        distance_to_minimum: From the last point to the nearest known global minimum; None where none is known.
        stopped: How the starts ended, and at which step where that is one step.
    """

    objective: str
    optimizer: str
    settings: str
    starts: int
    final_value: float
    best_value: float
    steps_to_tolerance: int | None
    distance_to_minimum: float | None
    stopped: str


def compare(trajectories: Sequence[Trajectory]) -> tuple[Row, ...]:
    """Return a row for each trajectory, in the order given.

    Raises:
        InputError: There is no trajectory.
    """
    if not trajectories:
        raise InputError("there is no trajectory to compare")
    lowest: dict[Trajectory, float] = {}
    for group in grouped(trajectories):
        # A start without a value, NaN, is no low one.
        found = np.fmin.reduce([np.fmin.reduce(each.values, axis=None) for each in group])
        lowest |= dict.fromkeys(group, float(found))
    return tuple(_row(each, lowest[each]) for each in trajectories)


def grouped(trajectories: Iterable[Trajectory]) -> list[list[Trajectory]]:
    """Return trajectories by their objectives, in the order in which these first appear."""
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
    facts = ("name", "title", "dim", "source", "parameters")
    if any(getattr(one, fact) != getattr(other, fact) for fact in facts) or (one.bounds != other.bounds).any():
        return False
    # Two functions may share a name, and a formula its letters, with other numbers for them.
    low, high = one.bounds.T
    points = low + np.random.default_rng(0).random((16, one.dim)) * (high - low)
    return np.array_equal(one.values(points), other.values(points), equal_nan=True)


def write_csv(rows: Iterable[Row], path: Path) -> None:
    """Write rows as a CSV file, its columns the fields of `Row`; what is None is left empty.

    Raises:
        GdsimError: The file cannot be written.
    """
    with whole_file(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Row)], lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _inert(cell) for name, cell in asdict(row).items()} for row in rows)


def _inert(cell: object) -> object:
    """What no spreadsheet takes for a formula: a label that begins like one gets an apostrophe before it."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@")) else cell


def _row(trajectory: Trajectory, lowest: float) -> Row:
    values, distances = trajectory.values, distances_to_minimum(trajectory)
    return Row(
        objective=trajectory.objective.title,
        optimizer=trajectory.label,
        settings=trajectory.settings,
        starts=values.shape[1],
        final_value=float(np.median(values[-1])),
        best_value=float(np.median(values.min(0))),
        steps_to_tolerance=_median_step(steps_to_tolerance(trajectory, lowest), len(values)),
        distance_to_minimum=None if distances is None else float(np.median(distances)),
        stopped=_stopped(trajectory),
    )


def distances_to_minimum(trajectory: Trajectory) -> FloatArray | None:
    """Return how far from the nearest known global minimum each start ends, (starts,); None where none is known."""
    minima = trajectory.objective.minima
    if not len(minima):
        return None
    return np.asarray(np.linalg.norm(trajectory.points[-1][:, None] - minima, axis=-1).min(-1))


def steps_to_tolerance(trajectory: Trajectory, lowest: float) -> npt.NDArray[np.int64]:
    """Return the first step at which each start is within `TOLERANCE`, (starts,); the number of rows for never.

    Args:
        trajectory: Whose steps.
        lowest: What stands for the minimum of an objective whose minimum is not known.
    """
    values, known = trajectory.values, trajectory.objective.minimum
    minimum = lowest if known is None else known
    below = values - minimum <= TOLERANCE * (values[0] - minimum)
    return np.where(below.any(0), below.argmax(0), len(values))


def _median_step(steps: npt.NDArray[np.int64], never: int) -> int | None:
    middle = int(np.sort(steps)[len(steps) // 2])
    return None if middle == never else middle


def _stopped(trajectory: Trajectory) -> str:
    """How the starts ended: `diverged at step 12`, or `3 diverged, 21 ran all steps`."""
    counts = Counter(stop.value for stop in trajectory.stops)
    if len(trajectory.stops) > 1:
        return ", ".join(f"{count} {words}" for words, count in counts.most_common())
    (words,) = counts
    ran = trajectory.stops[0] is Stop.RAN
    return words if ran else f"{words} at step {trajectory.stopped_at(0)}"
