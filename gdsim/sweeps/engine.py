"""Run the cells of one tile together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor

from gdsim.config import varied
from gdsim.errors import GdsimError, InputError
from gdsim.interrupts import pause
from gdsim.objectives import FloatArray, Objective, describe_exception
from gdsim.optimizers import AnyOptimizer, Minimizer, OptimizerFactory, deterministic
from gdsim.simulation.descent import Batch, Task, choose_mode, evaluate
from gdsim.simulation.experiments import optimizer_of, starting_points
from gdsim.simulation.minimization import Paths
from gdsim.simulation.stepper import Stepper, adjusted, noise_of
from gdsim.simulation.trajectory import IntArray
from gdsim.sweeps.kernels import KERNELS, Settings, State
from gdsim.sweeps.monitor import Arrays, FunctionMonitor
from gdsim.sweeps.networks import run_network_cells
from gdsim.sweeps.plan import Plan, Role, Tile

DEVICE = ("sweep", "device")


def run_tile(plan: Plan, tile: Tile) -> Arrays:
    """Return the figures (cells,) of the cells of a tile, and the history of each as (frames, cells).

    "agrees" is 1 for cells that were checked and have the outcome of a plain loop, 0 for those that have another one,
    and -1 for those that were not checked.

    Raises:
        ConfigError: The device is not there, or the objective cannot be evaluated on it.
        GdsimError: A run on a CPU differs from a plain loop with the same class.
    """
    device, cells, samples = plan.sweep.device, plan.cells(tile), tile.samples
    with deterministic():
        if device == "cpu":
            return _run_cells(plan, tile.label, cells, samples, device)
        with plan.experiment.located():
            _check_device(device)
            try:
                found = _run_cells(plan, tile.label, cells, samples[:0], device)
            except RuntimeError as error:  # its memory is full, or something remains on the CPU
                message = f"{plan.objective.title} cannot be run on {device}: {describe_exception(error)}"
                raise InputError(message, DEVICE, code="unsupported") from error
        if len(samples):
            checked = _run_cells(plan, tile.label, cells[samples], np.arange(len(samples)), "cpu")
            same = (found["outcome"][samples] == checked["outcome"]) & (checked["agrees"] == 1)
            found["agrees"][samples] = same
    return found


def _check_device(device: str) -> None:
    count = torch.cuda.device_count()
    if (torch.device(device).index or 0) >= count:
        found = f"torch {torch.__version__} finds {count or 'no'} GPU{'s' * (count != 1)}"
        message = (
            f"{found}, and {device} is none; remove `device`, or see https://pytorch.org for a torch that finds it"
        )
        raise InputError(message, DEVICE, code="unsupported")


def _run_cells(plan: Plan, label: str, cells: IntArray, samples: IntArray, device: str) -> Arrays:
    """Return the figures of cells (n, axes), see `run_tile`; `samples` are the positions of those to check."""
    roles = plan.roles(label)
    parts, first = [], 0
    # Functions are evaluated for all optimizers together, networks for the settings of one.
    apart: tuple[Role, ...] = ("objective", "optimizer") if plan.network else ("objective",)
    for part in _split(cells, [role in apart for role in roles]):
        own = samples[(samples >= first) & (samples < first + len(part))] - first
        groups = _split(part, [role == "optimizer" for role in roles])
        if plan.network:
            figures = run_network_cells(plan, label, part, own, device)
        elif plan.experiment.optimizers[label].is_minimizer:
            figures = _minimize_groups(plan, label, groups)
        else:
            figures = _run_groups(plan, label, groups, own, device)
        agrees = np.full(len(part), -1, dtype=np.int8)
        agrees[own] = 1
        parts.append({"agrees": agrees, **figures})
        first += len(part)
    return {name: np.concatenate([part[name] for part in parts], axis=-1) for name in parts[0]}


def _split(cells: IntArray, axes: Sequence[bool]) -> list[IntArray]:
    """Split cells wherever their indices on some of the axes change."""
    chosen = cells[:, np.array(axes)]
    return np.split(cells, np.flatnonzero((chosen[1:] != chosen[:-1]).any(1)) + 1)


def _run_groups(plan: Plan, label: str, groups: Sequence[IntArray], samples: IntArray, device: str) -> Arrays:
    """Run groups of cells that have the same objective and number of steps, each with its own optimizer.

    `samples` are the positions, among all cells, of those whose paths are checked.
    """
    tasks = [_task(plan, label, cells) for cells in groups]
    objective, steps = tasks[0].objective, plan.steps_of(groups[0][0])
    batches: list[Batch | KernelBatch] = []
    for task, cells in zip(tasks, groups, strict=True):
        settings = plan.kernel_settings(label, cells)
        batches.append(
            KernelBatch(task, settings, device) if settings else Batch(task, choose_mode(task, steps), device)
        )
    monitor = FunctionMonitor(objective, _points(batches), plan.history_steps, plan.show)
    counts = [len(cells) for cells in groups]
    states, checked = torch.zeros(1, 2, device=device), []
    for step in range(steps + 1):
        pause()
        current, rates = _points(batches), states[:, 0]
        checked.append(current[samples])
        values, gradients = evaluate(objective, current)
        states = _states(batches, counts, device)
        monitor.update(current, values, gradients, rates, states[:, 1])
        if step < steps:
            own = (torch.split_with_sizes(each, counts) for each in (values, gradients))
            for batch, *each in zip(batches, *own, strict=True):
                batch.step(*each)
    ends = np.cumsum(counts)
    for sample, path in zip(samples.tolist(), torch.stack(checked, dim=1), strict=True):
        group = int(np.searchsorted(ends, sample, side="right"))
        cell = sample - int(ends[group])  # counted from the end of the group
        varies = isinstance(batches[group], KernelBatch)
        check_path(_task(plan, label, groups[group][[cell]]) if varies else tasks[group].subset([cell]), path)
    return monitor.figures()


def _minimize_groups(plan: Plan, label: str, groups: Sequence[IntArray]) -> Arrays:
    """Run groups of cells as `_run_groups` does, each with its own minimizer."""
    paths = []
    for cells in groups:
        minimizer, objective, starts, _ = _setup(plan, label, cells)
        paths.append(Paths.found(objective, cast("Minimizer", minimizer), starts, plan.steps_of(cells[0])))
    points, evaluations = (
        np.concatenate([getattr(each, name) for each in paths], axis=1) for name in ("points", "evaluations")
    )
    values, gradients = objective.gradients(points)
    monitor = FunctionMonitor(objective, torch.from_numpy(points[0]), plan.history_steps, plan.show)
    rows = zip(*map(torch.from_numpy, (points, values, gradients, evaluations)), strict=True)
    for step, (now, value, gradient, spent) in enumerate(rows):
        monitor.update(now, value, gradient, torch.ones(1), spent - step - 1)
    return monitor.figures()


def _task(plan: Plan, label: str, cells: IntArray) -> Task:
    """Return the task of cells that differ at most in their starts and in settings of a kernel."""
    factory, objective, points, seed = _setup(plan, label, cells)
    return Task(cast("OptimizerFactory", factory), objective, points, [(seed, 0)] * len(cells))


def _setup(plan: Plan, label: str, cells: IntArray) -> tuple[AnyOptimizer, Objective, FloatArray, int]:
    """Return what cells that differ at most in their starts have in common, and their starts (cells, dim)."""
    experiment = varied(plan.experiment, plan.settings(cells[0]))
    objective = experiment.objectives[0].build()
    points = np.repeat(starting_points(experiment.start, objective, experiment.seed), len(cells), axis=0)
    for number, axis in enumerate(plan.axes):
        coordinate = plan.sweep.coordinate(number)
        if coordinate is not None:
            points[:, coordinate] = axis.values[cells[:, number]]
    return optimizer_of(experiment, label), objective, points, experiment.seed


class KernelBatch:
    """Runs of one class with different settings, which a kernel updates; the methods are those of `Batch`."""

    def __init__(self, task: Task, settings: dict[str, FloatArray], device: str) -> None:
        self._factory = task.factory
        self._points = torch.from_numpy(np.array(task.points.T, order="C")).to(device)
        defaults = task.factory.build([torch.nn.Parameter(torch.zeros(1))]).defaults
        self._settings = Settings(
            defaults, {name: torch.from_numpy(each).to(device) for name, each in settings.items()}
        )
        self._kernel, self._kernel_state = KERNELS[task.factory.class_.__name__], State()
        self._noise = noise_of(task.factory, task.streams, task.objective.dim)

    def points(self) -> Tensor:
        """Return the current points (runs, dim)."""
        return self._points.T

    def state(self) -> Tensor:
        """Return the learning rate of the next update and the number of extra evaluations of each run, (runs, 2)."""
        rates = torch.as_tensor(self._settings.lr, dtype=torch.float64, device=self._points.device)
        return torch.stack([rates, torch.zeros_like(rates)], -1).expand(self._points.shape[1], 2)

    def step(self, values: Tensor, gradients: Tensor) -> None:  # noqa: ARG002
        """Take one step for all runs, with gradients (runs, dim)."""
        gradients = adjusted(self._factory.gradient, gradients, next(self._noise)).T.contiguous()
        gradients = -gradients if self._settings.maximize else gradients
        self._kernel(self._points, gradients, self._kernel_state, self._settings)
        self._kernel_state.step += 1


def _points(batches: Sequence[Batch | KernelBatch]) -> Tensor:
    return batches[0].points() if len(batches) == 1 else torch.cat([batch.points() for batch in batches])


def _states(batches: Sequence[Batch | KernelBatch], counts: Sequence[int], device: str) -> Tensor:
    """Return the learning rate and the number of extra evaluations of each run, (runs, 2), or (1, 2) of all runs."""
    states = [torch.as_tensor(batch.state(), dtype=torch.float64, device=device) for batch in batches]
    if len(states) == 1:
        return states[0]
    return torch.cat([state.expand(count, 2) for state, count in zip(states, counts, strict=True)])


def plain_path(task: Task, steps: int) -> Tensor:
    """Return the points (rows, dim) of a task with one start; fewer than steps + 1 if the optimizer fails.

    The point is one tensor, and each step a forward and a backward pass of its own.
    """
    point = torch.nn.Parameter(task.factory.reshape(torch.from_numpy(task.points[0].copy())))
    stepper = Stepper(task.factory, [point], lambda: task.objective.f(point.reshape(-1)))
    noises = noise_of(task.factory, task.streams, task.objective.dim)
    points = [point.detach().clone()]
    for _ in range(steps):
        loss, drawn = stepper.evaluate(), next(noises)
        noise = None if drawn is None else [drawn[0].view_as(point)]
        stepper.adjust_gradients(noise)
        if not stepper.step(loss, noise):
            break
        points.append(point.detach().clone())
    return torch.stack(points).flatten(1)


def check_path(task: Task, path: Tensor) -> None:
    """Check that a path (steps + 1, dim) of a sweep is that of a plain loop, bit for bit.

    Raises:
        GdsimError: They differ.
    """
    expected = plain_path(task, len(path) - 1)
    same = (path[: len(expected)] == expected) | (path[: len(expected)].isnan() & expected.isnan())
    if not same.all():
        step = int(same.all(1).int().argmin())
        where = ", ".join(f"{each:g}" for each in task.points[0])
        raise GdsimError(
            f"{task.factory.text} from ({where}): step {step} of the sweep differs from that of a plain loop; "
            "another version of torch may compute differently: please report this"
        )
