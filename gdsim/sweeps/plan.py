"""The cells of a sweep: which optimizer each axis affects, and how cells are grouped and divided into tiles."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from gdsim.config import Experiment, Sweep, varied
from gdsim.errors import ConfigError
from gdsim.simulation.trajectory import IntArray
from gdsim.sweeps.result import HISTORIES, SweepAxis

Role = Literal["none", "start", "objective", "optimizer"]
"""What an axis varies for one optimizer: nothing, the start, what is evaluated and how often, or its own settings."""

ORDER: tuple[Role, ...] = ("objective", "optimizer", "start", "none")

MAX_FRAMES = 61
MAX_HISTORY_BYTES = 2**28
TILE_STEPS = 2**23  # of all cells of a tile together
MAX_TILE = 2**16


@dataclass(frozen=True)
class Tile:
    """Some cells of one optimizer, which are run together.

    Attributes:
        label: The optimizer.
        cells: (n, axes) the index of each cell's value on each axis, x first; 0 on an axis that does not affect the
            optimizer.
    """

    label: str
    cells: IntArray


class Plan:
    """The sweep of an experiment, with the values of its axes."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment, self.sweep = experiment, sweep_of(experiment)
        self.objective = experiment.objectives[0].build()
        self.axes = tuple(map(self._axis, range(len(self.sweep.axes))))

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of a figure of one optimizer: rows and columns, or points."""
        return tuple(len(axis.values) for axis in reversed(self.axes))

    @cached_property
    def steps(self) -> int:
        """The largest number of steps of a run."""
        steps = [axis.values.max() for axis in self.axes if axis.setting == "steps"]
        return int(steps[0]) if steps else self.experiment.steps

    def roles(self, label: str) -> tuple[Role, ...]:
        """Return what each axis varies for an optimizer."""
        return tuple(self._role(index, label) for index in range(len(self.axes)))

    def counts(self, label: str) -> tuple[int, ...]:
        """Return the number of different cells along each axis, x first, for an optimizer."""
        roles = self.roles(label)
        return tuple(1 if role == "none" else len(axis.values) for role, axis in zip(roles, self.axes, strict=True))

    def history_steps(self) -> IntArray:
        """Return the steps at which figures are kept: as many as a limit of memory allows, evenly spaced."""
        kept = [name for name in HISTORIES if name in self.sweep.show]
        row = 4 * len(self.experiment.optimizers) * math.prod(self.shape) * max(1, len(kept))
        frames = min(self.steps + 1, MAX_FRAMES, max(2, MAX_HISTORY_BYTES // row))
        return np.unique(np.linspace(0, self.steps, frames).round().astype(np.int64))

    def tiles(self) -> Iterator[Tile]:
        """Yield the tiles of all optimizers; their number and order depend only on the configuration."""
        size = min(MAX_TILE, max(1, TILE_STEPS // (self.steps + 1)))
        for label in self.experiment.optimizers:
            roles = self.roles(label)
            # Cells with the same objective and optimizer are neighbours, so that few tiles divide them.
            order = sorted(range(len(roles)), key=[ORDER.index(role) for role in roles].__getitem__)
            counts = np.array(self.counts(label))[order]
            cells = np.stack(np.unravel_index(np.arange(counts.prod()), counts), axis=-1)[:, np.argsort(order)]
            for first in range(0, len(cells), size):
                yield Tile(label, cells[first : first + size])

    def settings(self, cell: npt.NDArray[np.int64]) -> dict[str, float]:
        """Return the value of each setting in a cell, but for the start."""
        return {
            axis.setting: float(axis.values[index])
            for number, (axis, index) in enumerate(zip(self.axes, cell, strict=True))
            if self.sweep.coordinate(number) is None
        }

    def _role(self, index: int, label: str) -> Role:
        setting = self.axes[index].setting
        if self.sweep.coordinate(index) is not None:
            return "start"
        if not setting.startswith("optimizers."):
            return "optimizer" if setting == "seed" else "objective"
        return "optimizer" if setting.startswith((f"optimizers.{label}.", "optimizers.*.")) else "none"

    def _axis(self, index: int) -> SweepAxis:
        axis, count = self.sweep.axes[index], self.sweep.counts[index]
        coordinate = self.sweep.coordinate(index)
        if coordinate is not None:
            low, high = self.objective.bounds[coordinate]
            return SweepAxis(axis.setting, axis.spaced(count, (low, high)), axis.scale)
        values = axis.spaced(count)
        if axis.values is None and self._is_whole(axis.setting, values):
            values = np.unique(values.round())
        return SweepAxis(axis.setting, values, axis.scale)

    def _is_whole(self, setting: str, values: npt.NDArray[np.float64]) -> bool:
        """Return whether a setting takes whole numbers only."""
        try:
            varied(self.experiment, {setting: float(np.floor(values.mean())) + 0.5})
        except ConfigError:
            return True
        return False


def sweep_of(experiment: Experiment) -> Sweep:
    """Return the sweep of an experiment that has one."""
    assert experiment.sweep is not None  # noqa: S101
    return experiment.sweep
