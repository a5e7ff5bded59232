"""Run the cells of one tile together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from gdsim.config import Experiment, varied
from gdsim.objectives import FloatArray, Objective
from gdsim.optimizers import deterministic
from gdsim.simulation.descent import Batch, Task, choose_mode, evaluate
from gdsim.simulation.experiments import optimizer_of, starting_points
from gdsim.simulation.trajectory import IntArray
from gdsim.sweeps.monitor import Arrays, FunctionMonitor
from gdsim.sweeps.plan import Plan, Tile


def run_tile(plan: Plan, tile: Tile, history_steps: IntArray) -> Arrays:
    """Return the figures (cells,) of the cells of a tile, and the history of each as (frames, cells)."""
    roles = plan.roles(tile.label)
    parts = []
    with deterministic():
        for cells in _split(tile.cells, [role == "objective" for role in roles]):
            groups = _split(cells, [role in ("objective", "optimizer") for role in roles])
            parts.append(_run_groups(plan, tile.label, groups, history_steps))
    return {name: np.concatenate([part[name] for part in parts], axis=-1) for name in parts[0]}


def _split(cells: IntArray, axes: Sequence[bool]) -> list[IntArray]:
    """Return consecutive cells with the same indices on some axes together."""
    chosen = cells[:, [number for number, wanted in enumerate(axes) if wanted]]
    borders = np.flatnonzero((chosen[1:] != chosen[:-1]).any(1)) + 1
    return np.split(cells, borders)


def _run_groups(plan: Plan, label: str, groups: Sequence[IntArray], history_steps: IntArray) -> Arrays:
    """Run groups of cells that have the same objective and number of steps."""
    experiments = [varied(plan.experiment, plan.settings(cells[0])) for cells in groups]
    objective, steps = experiments[0].objectives[0].build(), experiments[0].steps
    batches = []
    for experiment, cells in zip(experiments, groups, strict=True):
        factory = optimizer_of(experiment, label, objective.dim)
        points = _starts(plan, experiment, objective, cells)
        task = Task(factory, objective, points, experiment.seed, [0] * len(cells))
        batches.append(Batch(task, choose_mode(task, steps)))
    counts = [len(cells) for cells in groups]
    monitor = FunctionMonitor(
        objective, torch.cat([batch.points() for batch in batches]), history_steps, plan.sweep.show
    )
    rates = torch.zeros(1)
    for step in range(steps + 1):
        current = torch.cat([batch.points() for batch in batches])
        values, gradients = evaluate(objective, current)
        states = torch.cat([_per_start(batch) for batch in batches])
        monitor.extra_evaluations = states[:, 1]
        monitor.update(current, values, gradients, rates)
        monitor.keep_history()
        rates = states[:, 0]
        if step < steps:
            own = zip(batches, torch.split(values, counts), torch.split(gradients, counts), strict=True)
            for batch, own_values, own_gradients in own:
                batch.step(own_values, own_gradients)
    return monitor.figures()


def _per_start(batch: Batch) -> Tensor:
    """Return the learning rate of the next update and the number of extra evaluations of each start, (starts, 2)."""
    return torch.tensor(batch.state(), dtype=torch.float64).expand(len(batch.task.points), 2)


def _starts(plan: Plan, experiment: Experiment, objective: Objective, cells: IntArray) -> FloatArray:
    """Return the starting points (n, dim) of cells."""
    start = starting_points(experiment.start, objective, experiment.seed, evaluate=False)
    points = np.repeat(start, len(cells), axis=0)
    for number, axis in enumerate(plan.axes):
        coordinate = plan.sweep.coordinate(number)
        if coordinate is not None:
            points[:, coordinate] = axis.values[cells[:, number]]
    return points
