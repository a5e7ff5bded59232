"""What a study finds, for each optimizer and over all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from gdsim.analysis.metrics import evaluations_to_tolerance
from gdsim.analysis.rows import Row, failed_row, row_of
from gdsim.analysis.search import Found
from gdsim.analysis.tables import Table
from gdsim.analysis.tuning import Tuning
from gdsim.config import Experiment
from gdsim.objectives import FloatArray
from gdsim.simulation import Trajectory

__all__ = ["Curve", "Result", "Study", "failed", "is_plain", "result_of"]

MOST_ROWS = 1001
"""A curve has so many places at most, evenly spread over the steps."""


@dataclass(frozen=True, eq=False)
class Curve:
    """How low one optimizer has come on one objective: the median over its starts, at some or all of its steps.

    Attributes:
        objective: Its title, as in the table.
        optimizer: The label.
        steps: (n,) the steps, from 0 to the last.
        evaluations: (n,) the gradients asked for up to there, the median over the starts.
        values: (n,) the lowest value so far, the median over the starts; inf where half of them have none.
    """

    objective: str
    optimizer: str
    steps: FloatArray
    evaluations: FloatArray
    values: FloatArray


@dataclass(frozen=True, eq=False)
class Study:
    """What became of several optimizers on one or more objectives.

    Attributes:
        table: A row for each objective and optimizer; its caption says how they were compared, and how tuned.
        labels: The optimizers, as the configuration has them.
        evaluations: (problems, optimizers) gradient evaluations to tolerance, inf for never: an objective from one
            start is a problem, all starts of the first objective before those of the next.
        curves: One for each objective and optimizer that could run, objective by objective.
        experiments: For each objective the experiment that gives its rows, with what tuning found written in and
            without the optimizers that cannot run; an objective on which none can is left out.
        tuning: What was tuned; None where nothing was.
    """

    table: Table
    labels: tuple[str, ...]
    evaluations: FloatArray
    curves: tuple[Curve, ...]
    experiments: tuple[Experiment, ...]
    tuning: Tuning | None = None


@dataclass(frozen=True, eq=False)
class Result:
    """What one optimizer adds to a study on one objective.

    Attributes:
        row: Its row.
        evaluations: (starts,) gradient evaluations to tolerance, inf for never.
        curve: None where the class cannot run.
    """

    row: Row
    evaluations: FloatArray
    curve: Curve | None

    def plain(self) -> dict[str, Any]:
        """Return what `read` makes this result of, in values that JSON has."""
        curve = self.curve and {name: _listed(getattr(self.curve, name)) for name in COLUMNS}
        return {"row": asdict(self.row), "evaluations": _listed(self.evaluations), "curve": curve}

    @classmethod
    def read(cls, plain: Mapping[str, Any]) -> Result:
        """Make a result of what `plain` has returned."""
        row, curve = Row(**plain["row"]), plain["curve"]
        columns = curve and {name: _array(curve[name]) for name in COLUMNS}
        drawn = columns and Curve(row.objective, row.optimizer, **columns)
        return cls(row, _array(plain["evaluations"]), drawn or None)


def is_plain(plain: Any) -> bool:
    """Tell whether something is what `Result.plain` returns, as far as types tell."""
    if not isinstance(plain, dict) or plain.keys() != {"row", "evaluations", "curve"}:
        return False
    row, curve = plain["row"], plain["curve"]
    if not isinstance(row, dict) or row.keys() != {each.name for each in fields(Row)}:
        return False
    if not all(type(row[each.name]) in TYPES[str(each.type)] for each in fields(Row)):
        return False
    if curve is not None and not (isinstance(curve, dict) and curve.keys() == {*COLUMNS}):
        return False
    columns = [*(curve or {}).values()]
    listed = all(_is_listed(each) for each in [plain["evaluations"], *columns])
    return listed and len({len(each) for each in columns}) <= 1


def _is_listed(figures: Any) -> bool:
    return isinstance(figures, list) and all(type(each) in TYPES["float | None"] for each in figures)


TYPES: Mapping[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "int | None": (int, type(None)),
    "float | None": (float, type(None)),
}
"""What stands in a file for each type of the fields of `Row`."""

COLUMNS = ("steps", "evaluations", "values")
"""The arrays of a curve."""


def _listed(figures: FloatArray) -> list[float | None]:
    return [each if math.isfinite(each) else None for each in figures.tolist()]


def _array(listed: Sequence[float | None]) -> FloatArray:
    return np.array([math.inf if each is None else each for each in listed], dtype=np.float64)


def result_of(trajectory: Trajectory, lowest: float, title: str, found: Found) -> Result:
    """Return what a trajectory adds to a study.

    Args:
        trajectory: One optimizer from all starts.
        lowest: What stands for the minimum where it is not known.
        title: What the objective is called in the table.
        found: What tuning chose.
    """
    row = row_of(trajectory, lowest, title=title, tuned=found.words)
    return Result(row, evaluations_to_tolerance(trajectory, lowest), _curve(trajectory, title))


def failed(title: str, label: str, settings: str, reason: str, starts: int) -> Result:
    """Return what a class that cannot run adds to a study."""
    return Result(failed_row(title, label, settings, reason), np.full(starts, np.inf), None)


def _curve(trajectory: Trajectory, title: str) -> Curve:
    values = np.where(np.isfinite(trajectory.values), trajectory.values, np.inf)
    last = len(values) - 1
    steps = np.unique(np.linspace(0, last, min(last + 1, MOST_ROWS)).round().astype(np.int64))
    lowest = np.minimum.accumulate(values)[steps]
    return Curve(
        objective=title,
        optimizer=trajectory.label,
        steps=steps.astype(np.float64),
        evaluations=np.median(trajectory.evaluations[steps], axis=1),
        values=np.median(lowest, axis=1),
    )
