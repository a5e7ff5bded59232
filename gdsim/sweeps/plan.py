"""The cells of a sweep: which optimizer each axis affects, and how cells are grouped and divided into tiles."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from gdsim.config import Experiment, OptimizerSpec, Sweep, signatures, takes_whole_numbers, varied
from gdsim.config.sweep import EVERY, Figure
from gdsim.errors import InputError
from gdsim.networks import Network
from gdsim.objectives import FloatArray, Objective
from gdsim.optimizers import BatchingMode
from gdsim.processes import core_count
from gdsim.simulation.experiments import optimizer_of
from gdsim.simulation.trajectory import IntArray
from gdsim.sweeps.kernels import KERNELS
from gdsim.sweeps.result import HISTORIES, SweepAxis, SweepResult

Role = Literal["objective", "optimizer", "kernel", "start", "none"]
"""What an axis varies for one optimizer: what is evaluated and how often, its own settings or the seed, a setting of a
kernel, the start, or nothing. The instances and objectives that the first two require come first in a tile."""

MAX_FRAMES = 61
MAX_HISTORY_BYTES = 2**27
TILE_STEPS = 2**23  # of all cells of a tile together
MAX_TILE = 2**15
MAX_TILE_EXAMPLES, MAX_TILE_WEIGHTS = 2**18, 2**22  # of a mini-batch, and of a network, in all cells together
SAMPLES = 64  # runs that are checked
MANY = 256  # instances of which the user is told before they run
STEP_SECONDS, BUILD_SECONDS = 1.5e-4, 0.01  # of CPU time for a step of an instance on its own, and to build it
RUN_SECONDS = 1e-7  # for a step of one run among many on a function
TRAINING_SECONDS, WEIGHT_SECONDS = 1e-5, 3e-9  # for a step of one training among many, and for each weight and example
TILE_SECONDS = 4  # the most that a tile takes, which an interrupt loses
PROCESS_SECONDS = 5  # a sweep that takes longer is faster in several processes, whose start takes seconds

UNSUPPORTED = ("foreach", "fused", "capturable", "differentiable")
"""Flags of classes that choose another implementation, with other rounding."""


@dataclass(frozen=True)
class Tile:
    """Some cells of one optimizer, which are run together.

    Attributes:
        label: The optimizer.
        first: The number of the first cell in the order of `Plan.cells`.
        end: The number after that of the last cell.
        samples: The positions of the cells that are checked, from 0 for the first, ascending.
    """

    label: str
    first: int
    end: int
    samples: IntArray


@dataclass(frozen=True, eq=False)
class Plan:
    """The sweep of an experiment.

    Attributes:
        axes: The axes with their values.
        whole: The settings that take whole numbers only.
        show: The names of the figures that are drawn.
        history_steps: (frames,) the steps at which figures are kept.
    """

    experiment: Experiment
    axes: tuple[SweepAxis, ...]
    whole: Collection[str]
    show: Sequence[str]
    history_steps: IntArray

    @classmethod
    def of(cls, experiment: Experiment) -> Plan:
        """Return the plan of an experiment that has a sweep."""
        sweep, bounds = sweep_of(experiment), experiment.objectives[0].build().bounds
        axes, whole = list[SweepAxis](), set[str]()
        for index, (axis, count) in enumerate(zip(sweep.axes, sweep.counts, strict=True)):
            coordinate = sweep.coordinate(index)
            values = axis.spaced(count, (0.0, 1.0) if coordinate is None else tuple(bounds[coordinate]))
            if coordinate is None and takes_whole_numbers(experiment, axis.setting, values[0]):
                whole.add(axis.setting)
                values = np.unique(values.round())
            axes.append(SweepAxis(axis.setting, values, axis.scale))
        plan = cls(experiment, tuple(axes), whole, sweep.show, np.arange(0))
        # As many steps as a limit of memory allows, evenly spaced.
        row = 4 * len(experiment.optimizers) * math.prod(plan.shape) * max(1, len(plan.histories))
        frames = min(plan.steps + 1, MAX_FRAMES, max(2, MAX_HISTORY_BYTES // row))
        return replace(plan, history_steps=np.unique(np.linspace(0, plan.steps, frames).round().astype(np.int64)))

    @property
    def sweep(self) -> Sweep:
        """The sweep as in the configuration."""
        return sweep_of(self.experiment)

    @property
    def objective(self) -> Objective:
        """The objective, with the parameters that are not varied."""
        return self.experiment.objectives[0].build()

    @property
    def network(self) -> Network | None:
        """The network that is trained; None for a function."""
        return self.experiment.objectives[0].to_train()

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

    @cached_property
    def tiles(self) -> tuple[Tile, ...]:
        """The tiles of all optimizers; their number and order depend only on the configuration."""
        return tuple(self._tiles())

    @property
    def histories(self) -> list[str]:
        """The figures whose development is kept."""
        return [name for name in HISTORIES if name in self.show]

    def result(
        self, arrays: Mapping[str, npt.NDArray[Any]], *, settings: tuple[str, ...], agreement: float
    ) -> SweepResult:
        """Return the result, given the figures of all runs by name, and their development as "history_…"."""
        optimizers = self.experiment.optimizers
        return SweepResult(
            x=self.axes[0],
            y=self.axes[1] if len(self.axes) > 1 else None,
            labels=tuple(optimizers),
            colors=tuple(spec.color for spec in optimizers.values()),
            objective=self.objective,
            steps=self.steps,
            show=tuple(self.show),
            figures={name: each for name, each in arrays.items() if name in get_args(Figure)},
            stop_steps=arrays["stop_steps"],
            minimum_steps=arrays["minimum_steps"],
            history_steps=self.history_steps,
            history={name: arrays[f"history_{name}"] for name in self.histories},
            settings=settings,
            agreement=agreement,
        )

    def check(self) -> None:
        """Check that the class of each optimizer accepts the lowest and the highest value of each axis.

        Raises:
            ConfigError: It does not; the error has the location of the axis.
        """
        for index, axis in enumerate(self.axes):
            for place in (axis.values.argmin(), axis.values.argmax()) if self.sweep.coordinate(index) is None else ():
                cell = np.zeros(len(self.axes), dtype=np.int64)
                cell[index] = place
                value = self.settings(cell)[axis.setting]
                one = varied(self.experiment, {axis.setting: value})
                for label in self.experiment.optimizers:
                    try:
                        optimizer_of(one, label)
                    except InputError as error:
                        message = f"{axis.setting} = {value:g}: {error.problems[0].message}"
                        found = InputError(message, ("sweep", "xy"[index]), code=error.code)
                        raise self.experiment.locate(found) from None

    def notes(self) -> Iterator[str]:
        """Yield, for each optimizer with many instances, how many there are and how long they take."""
        for label in self.experiment.optimizers:
            instances, seconds = self._cost(label)
            if instances >= MANY:
                duration = f"{seconds / 60:,.0f} min" if seconds >= 120 else f"{max(1, seconds):.0f} s"
                size = f"{instances:,} of {self.steps:,} steps, about {duration} of CPU time"
                # The time of a step depends on the network.
                each, more = ("training", " or more") if self.network else ("instance", "")
                yield f"{label} has one {each} per value: {size}{more}."

    @property
    def workers(self) -> int:
        """The number of processes in which the sweep takes the shortest time: as many as there are cores, or one."""
        seconds = sum(self._cost(label)[1] for label in self.experiment.optimizers)
        return core_count() if seconds > PROCESS_SECONDS and self.sweep.device == "cpu" else 1

    def _cost(self, label: str) -> tuple[int, float]:
        """Return the number of instances of an optimizer, and an estimate of the CPU seconds of its runs."""
        factory = optimizer_of(self.experiment, label)
        counts = dict.fromkeys(get_args(Role), 1)
        for role, axis in zip(self.roles(label), self.axes, strict=True):
            counts[role] *= len(axis.values)
        instances = counts["objective"] * counts["optimizer"]
        if factory.batching_modes[0] is not BatchingMode.FLAT:
            instances *= counts["start"]
        seconds = instances * (BUILD_SECONDS + self.steps * factory.evaluations_per_step * STEP_SECONDS)
        step = RUN_SECONDS
        if self.network is not None:
            step = TRAINING_SECONDS + math.prod(_examples_and_weights(self.network)) * WEIGHT_SECONDS
        return instances, seconds + math.prod(self.counts(label)) * self.steps * step

    def digest(self, versions: str) -> str:
        """Return what is different for sweeps with different numbers."""
        settings = [value for name, value in self.experiment if name not in ("view", "animation", "output")]
        digest = hashlib.blake2b(f"{settings} {versions} {len(self.tiles)}".encode(), digest_size=8)
        # The code, the samples and the data that the configuration names may have changed.
        digest.update(self.objective.fingerprint())
        return digest.hexdigest()

    def _tiles(self) -> Iterator[Tile]:
        totals = [math.prod(self.counts(label)) for label in self.experiment.optimizers]
        count = min(SAMPLES, sum(totals))
        samples = np.sort(np.random.default_rng(0).choice(sum(totals), count, replace=False))
        for label, total in zip(self.experiment.optimizers, totals, strict=True):
            in_time = total * TILE_SECONDS / self._cost(label)[1]
            size = max(1, min(self._max_tile, TILE_STEPS // (self.steps + 1), int(in_time)))
            for first in range(0, total, size):
                end = min(total, first + size)
                yield Tile(label, first, end, samples[(samples >= first) & (samples < end)] - first)
            samples = samples[samples >= total] - total

    @property
    def _max_tile(self) -> int:
        if self.network is None:
            return MAX_TILE
        examples, weights = _examples_and_weights(self.network)
        return min(MAX_TILE_EXAMPLES // examples, MAX_TILE_WEIGHTS // weights)

    def cells(self, tile: Tile) -> IntArray:
        """Return the index of each cell's value on each axis, (n, axes), x first.

        It is 0 on an axis that does not affect the optimizer. Cells with the same objective and instance are
        neighbours, so that few tiles divide them.
        """
        roles = [get_args(Role).index(role) for role in self.roles(tile.label)]
        order = sorted(range(len(roles)), key=roles.__getitem__)
        counts = np.array(self.counts(tile.label))[order]
        return np.stack(np.unravel_index(np.arange(tile.first, tile.end), counts), axis=-1)[:, np.argsort(order)]

    def steps_of(self, cell: IntArray) -> int:
        """Return the number of steps of a cell."""
        return int(self.settings(cell).get("steps", self.experiment.steps))

    def kernel_settings(self, label: str, cells: IntArray) -> dict[str, FloatArray]:
        """Return the varied settings of an optimizer's kernel by name, each (n,)."""
        return {
            self.argument(index, label).replace(".", "_"): axis.values[cells[:, index]]
            for index, (axis, role) in enumerate(zip(self.axes, self.roles(label), strict=True))
            if role == "kernel"
        }

    def settings(self, cell: IntArray) -> dict[str, float]:
        """Return the value of each setting in a cell, but for the start."""
        return {
            axis.setting: (int if axis.setting in self.whole else float)(axis.values[index])
            for number, (axis, index) in enumerate(zip(self.axes, cell, strict=True))
            if self.sweep.coordinate(number) is None
        }

    def argument(self, index: int, label: str) -> str:
        """Return what an axis varies below an optimizer, such as "lr" or "betas.0"; empty if nothing."""
        setting = self.axes[index].setting
        prefixes = (f"optimizers.{label}.", f"optimizers.{EVERY}.")
        return next((setting.removeprefix(each) for each in prefixes if setting.startswith(each)), "")

    def _role(self, index: int, label: str) -> Role:
        setting, argument = self.axes[index].setting, self.argument(index, label)
        if self.sweep.coordinate(index) is not None:
            return "start"
        if argument:
            return "kernel" if has_kernel(self.experiment.optimizers[label], argument) else "optimizer"
        if setting.startswith("optimizers."):
            return "none"
        return "optimizer" if setting == "seed" and not self.network else "objective"


def _examples_and_weights(network: Network) -> tuple[int, int]:
    """Return the number of examples of a mini-batch, and that of weights."""
    return min(network.batch_size, len(network.data.x)), network.weights


def has_kernel(spec: OptimizerSpec, name: str) -> bool:
    """Return whether there is a kernel for an optimizer that takes a setting, such as "lr" or "betas.0", per run."""
    if spec.class_name not in KERNELS or spec.schedule is not None or any(map(spec.settings.get, UNSUPPORTED)):
        return False
    argument = signatures.optimizers()[spec.class_name].arguments.get(name.partition(".")[0])
    return argument is not None and "number" in str(argument.schema) and name not in UNSUPPORTED


def sweep_of(experiment: Experiment) -> Sweep:
    """Return the sweep of an experiment that has one."""
    assert experiment.sweep is not None  # noqa: S101
    return experiment.sweep
