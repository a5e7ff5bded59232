"""The result of a sweep: figures of all runs as arrays, and how they develop over the steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
import numpy.typing as npt

from gdsim.objectives import FloatArray, Objective
from gdsim.simulation import Stop


class Outcome(Enum):
    """How a run of a sweep ended; the value is the text shown to users.

    A run that failed has that outcome. Others are SOLVED if they end within tolerance and near a global minimum,
    ROSE if they end at a higher value than they started at, and otherwise CONVERGED or RAN.
    """

    SOLVED = "reached a minimum"
    RAN = Stop.RAN.value
    CONVERGED = Stop.CONVERGED.value
    ROSE = "ended higher than it started"
    DIVERGED = Stop.DIVERGED.value
    LEFT = Stop.LEFT.value
    UNDEFINED = Stop.UNDEFINED.value


OUTCOMES = tuple(Outcome)
"""The outcomes by the number that stands for each in a figure."""

FEWEST = 4  # the number of the largest boxes along the shorter side, for a box-counting dimension

HISTORIES = ("final_value", "best_value", "distance")
"""The figures whose development is kept at some steps."""


@dataclass(frozen=True, eq=False)
class SweepAxis:
    """A setting that a sweep varies.

    Attributes:
        setting: The setting as in the configuration: "optimizers.Adam.lr", "start".
        values: (n,) its values, in the order of the pixels.
        scale: "linear" or "log".
    """

    setting: str
    values: FloatArray
    scale: str


@dataclass(frozen=True, eq=False, repr=False)
class SweepResult:
    """Figures of the runs of a sweep.

    The shape (optimizers, …) of an array is (optimizers, rows, columns) with two axes, where row r belongs to the value
    `y.values[r]` and column c to `x.values[c]`, and (optimizers, points) with one axis. An optimizer that no axis
    affects has the same figures in every cell.

    Attributes:
        x: The horizontal axis.
        y: The vertical axis; None with one axis.
        labels: The optimizers.
        settings: The class and the settings of each optimizer for a legend, as in `Trajectory`, without a sweep.
        colors: `"#rrggbb"` of each optimizer, or None for a colour of the theme.
        objective: The function, with the parameters that are not varied.
        steps: The number of updates of each run.
        show: The names of the figures to draw.
        figures: By name, each (optimizers, …):
            "outcome": int8, the index in `OUTCOMES`;
            "final_value", "best_value": float64, the value at the last finite point, and the lowest on the path;
            and if the minimum is known
            "solved": bool, whether the run has the outcome SOLVED;
            "steps_to_tolerance": float64, as in `gdsim.analysis.metrics`, NaN for never;
            "evaluations": float64, the number of evaluations until then, NaN for never;
            "minimum": int16, the index in `objective.minima` of the minimum near which the run ends, -1 for none;
            "distance": float64, from the last finite point to the nearest global minimum.
        stop_steps: (optimizers, …) int32, the step at which a run failed or came to rest; `steps` for others.
        minimum_steps: (optimizers, …) int32, the step since which a run has stayed near its minimum; -1 for none.
        history_steps: (frames,) the steps at which values are kept, ascending from 0 to `steps`.
        history: For those of "final_value", "best_value" and "distance" that are in `show`, (frames, optimizers, …)
            float32: the value at that step, the lowest up to it, and the distance at it.
        agreement: The fraction of the checked runs whose outcome is that of a plain loop with the real class: 1 for a
            function on a CPU, where a difference in any bit is an error.
    """

    x: SweepAxis
    y: SweepAxis | None
    labels: tuple[str, ...]
    settings: tuple[str, ...]
    colors: tuple[str | None, ...]
    objective: Objective
    steps: int
    show: tuple[str, ...]
    figures: Mapping[str, npt.NDArray[Any]]
    stop_steps: npt.NDArray[np.int32]
    minimum_steps: npt.NDArray[np.int32]
    history_steps: npt.NDArray[np.int64]
    history: Mapping[str, npt.NDArray[np.float32]]
    agreement: float = 1.0

    def __repr__(self) -> str:
        axes = " × ".join(f"{each.setting} ({len(each.values)})" for each in self.axes)
        return f"<SweepResult: {axes}, {', '.join(self.labels)} on {self.objective.title}, {self.steps} steps>"

    @property
    def axes(self) -> tuple[SweepAxis, ...]:
        """The axes, x first."""
        return (self.x,) if self.y is None else (self.x, self.y)

    @property
    def varies_objective(self) -> bool:
        """Whether cells have objectives of their own."""
        return any(each.setting.startswith("objective") for each in self.axes)

    def at(self, name: str, step: int) -> npt.NDArray[Any]:
        """Return a figure as it is after some steps, (optimizers, …).

        "minimum" is -1, "solved" False, and "steps_to_tolerance" and "evaluations" are NaN until they are reached;
        "outcome" is RAN until the run fails, comes to rest, or has stayed near a minimum to its end. Figures of
        `history` are those of the last kept step up to `step`.
        """
        final = self.figures[name]
        if step >= self.steps:
            return final
        if name in self.history:
            kept: npt.NDArray[Any] = self.history[name]
            return np.asarray(kept[np.searchsorted(self.history_steps, step, "right") - 1])
        if name in ("steps_to_tolerance", "evaluations"):
            return np.where(self.figures["steps_to_tolerance"] <= step, final, np.nan)
        if name == "minimum":
            return np.asarray(np.where(self.minimum_steps <= step, final, np.int16(-1)))
        solved = self._solved_at(step)
        if name == "solved":
            return solved
        ran = OUTCOMES.index(Outcome.RAN)
        failed_or_rests = np.where(final == OUTCOMES.index(Outcome.SOLVED), False, self.stop_steps <= step)
        return np.asarray(np.where(solved | failed_or_rests, final, np.int8(ran)))

    def _solved_at(self, step: int) -> npt.NDArray[np.bool_]:
        if "solved" not in self.figures:
            return np.zeros(self.stop_steps.shape, dtype=np.bool_)
        in_time = (self.figures["steps_to_tolerance"] <= step) & (self.minimum_steps <= step)
        return np.asarray(self.figures["solved"] & in_time)


def box_dimension(values: npt.NDArray[Any]) -> float:
    """Return the box-counting dimension of the boundaries between different values of cells, (rows, columns).

    It is the slope of the number of boxes that contain a boundary over their inverse size, both as logarithms, for
    boxes of 1, 2, 4, … cells: 1 for smooth curves, and 2 if boundaries are everywhere. NaN if there are too few.
    """
    edges = np.zeros(values.shape, np.bool_)
    edges[:, 1:] |= values[:, 1:] != values[:, :-1]
    edges[1:] |= values[1:] != values[:-1]
    sizes, counts = [], []
    size = 1
    while size * FEWEST <= min(values.shape):
        rows, columns = (np.arange(0, side, size) for side in values.shape)
        boxes = np.logical_or.reduceat(np.logical_or.reduceat(edges, rows, axis=0), columns, axis=1)
        sizes.append(size)
        counts.append(int(boxes.sum()))
        size *= 2
    if len(sizes) == 1 or not counts[-1]:
        return float("nan")
    return float(-np.polyfit(np.log(sizes), np.log(counts), 1)[0])


def boundary_notes(result: SweepResult) -> list[str]:
    """Return the dimension of the boundary between minima, or else between outcomes, of each optimizer as a note."""
    name = "minimum" if "minimum" in result.show else "outcome"
    pairs = zip(result.labels, map(box_dimension, result.figures[name]), strict=True)
    dimensions = ", ".join(f"{label} {dimension:.2f}" for label, dimension in pairs)
    between = "minima" if name == "minimum" else "outcomes"
    return [f"Box-counting dimension of the boundaries between {between}: {dimensions}."]
