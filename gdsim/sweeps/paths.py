"""The complete paths of single cells of a sweep."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gdsim.config import Experiment, varied, with_overrides
from gdsim.objectives import FloatArray
from gdsim.optimizers import deterministic
from gdsim.simulation import Trajectory
from gdsim.simulation.experiments import optimizer_of, simulate, starting_points
from gdsim.simulation.minimization import run_together
from gdsim.sweeps.plan import Plan

SIDE = 32  # the number of rows and of columns of the cells whose paths a page shows


def paths_at(experiment: Experiment, values: Sequence[float]) -> tuple[Trajectory, ...]:
    """Return the trajectories of all optimizers in the cell whose values are nearest to some, x first."""
    plan = Plan(experiment)
    return _paths_in(
        plan, [nearest(each.values, value, each.scale) for each, value in zip(plan.axes, values, strict=True)]
    )


def paths_along(experiment: Experiment) -> list[tuple[Trajectory, ...]]:
    """Return the trajectories of all optimizers with each value of the only axis, in ascending order of the values."""
    plan = Plan(experiment)
    order, labels = np.argsort(plan.axes[0].values).tolist(), [*experiment.optimizers]
    if not plan.axes[0].setting.startswith("optimizers."):
        return [_paths_in(plan, [index]) for index in order]
    experiments = [varied(experiment, plan.settings(np.array([index]))) for index in order]
    with deterministic():
        factories = [optimizer_of(each, label, plan.objective.dim) for each in experiments for label in labels]
        points = starting_points(experiment.start, plan.objective, experiment.seed)
        made = run_together(plan.objective, factories, points, experiment.steps, experiment.seed, iter)
    return [made[first : first + len(labels)] for first in range(0, len(made), len(labels))]


def grid_paths(experiment: Experiment) -> tuple[FloatArray, ...]:
    """Return for each optimizer the points (rows, columns, steps + 1, dim) of a coarse grid over a sweep's two ranges.

    None are returned for settings that are neither of the start nor of optimizers.
    """
    plan = Plan(with_overrides(experiment, [f"sweep.size=[{SIDE}, {SIDE}]"]))
    labels, objective, (rows, columns) = [*experiment.optimizers], plan.objective, plan.shape
    moved = [coordinate for index in range(2) if (coordinate := plan.sweep.coordinate(index)) is not None]
    if objective.kind != "function":
        return ()
    x, y = (axis.values for axis in plan.axes)
    with deterministic():
        if len(moved) == len(plan.axes):
            points = np.repeat(starting_points(experiment.start, objective, experiment.seed), rows * columns, axis=0)
            points[:, moved] = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)
            factories = [optimizer_of(experiment, label, objective.dim) for label in labels]
            made = run_together(objective, factories, points, experiment.steps, experiment.seed, iter)
            return tuple(each.points.swapaxes(0, 1).reshape(rows, columns, -1, objective.dim) for each in made)
        if not all(axis.setting.startswith("optimizers.") for axis in plan.axes):
            return ()
        cells = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), -1).reshape(-1, 2)
        each_cell = [varied(experiment, plan.settings(cell)) for cell in cells]
        points = starting_points(experiment.start, objective, experiment.seed)
        found = []
        for label in labels:
            factories = [optimizer_of(each, label, objective.dim) for each in each_cell]
            made = run_together(objective, factories, points, experiment.steps, experiment.seed, iter)
            found.append(np.stack([each.points[:, 0] for each in made]).reshape(rows, columns, -1, objective.dim))
        return tuple(found)


def nearest(values: FloatArray, value: float, scale: str) -> int:
    """Return the index of the value that is nearest to another one on a scale."""
    places = np.log([*values, value]) if scale == "log" else np.array([*values, value])
    return int(np.abs(places[:-1] - places[-1]).argmin())


def _paths_in(plan: Plan, cell: Sequence[int]) -> tuple[Trajectory, ...]:
    """Return the trajectories of all optimizers in a cell, given by the index of each axis's value."""
    one = varied(plan.experiment, plan.settings(np.array(cell)))
    moved = {plan.sweep.coordinate(i): float(axis.values[cell[i]]) for i, axis in enumerate(plan.axes)}
    if moved.keys() == {None}:
        return simulate(one)
    (start,) = starting_points(one.start, plan.objective, one.seed).tolist()
    return simulate(with_overrides(one, [f"start={[moved.get(i, each) for i, each in enumerate(start)]}"]))
