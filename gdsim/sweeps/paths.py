"""The complete paths of single cells of a sweep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gdsim.config import Experiment, varied, with_edits
from gdsim.objectives import FloatArray
from gdsim.optimizers import deterministic
from gdsim.simulation import Trajectory
from gdsim.simulation.experiments import optimizer_of, simulate, starting_points
from gdsim.simulation.minimization import run_together
from gdsim.simulation.trajectory import IntArray
from gdsim.sweeps.engine import run_tile
from gdsim.sweeps.monitor import PATHS
from gdsim.sweeps.plan import Plan

MOST_STEPS = 1001  # of a run that are recorded


def paths_at(experiment: Experiment, values: Sequence[float]) -> tuple[Trajectory, ...]:
    """Return the trajectories of all optimizers in the cell whose values are nearest to some, x first."""
    plan = Plan.of(experiment)
    return _paths_in(
        plan, [nearest(each.values, value, each.scale) for each, value in zip(plan.axes, values, strict=True)]
    )


def paths_along(experiment: Experiment) -> list[tuple[Trajectory, ...]]:
    """Return the trajectories of all optimizers with each value of the only axis, in ascending order of the values."""
    plan = Plan.of(experiment)
    order, labels = np.argsort(plan.axes[0].values).tolist(), [*experiment.optimizers]
    if not plan.axes[0].setting.startswith("optimizers."):
        return [_paths_in(plan, [index]) for index in order]
    experiments = [varied(experiment, plan.settings(np.array([index]))) for index in order]
    with deterministic():
        factories = [optimizer_of(each, label) for each in experiments for label in labels]
        points = starting_points(experiment.start, plan.objective, experiment.seed)
        made = run_together(plan.objective, factories, points, experiment.steps, experiment.seed, iter)
    return [made[first : first + len(labels)] for first in range(0, len(made), len(labels))]


def record(experiment: Experiment, name: str, side: int) -> tuple[tuple[IntArray, ...], IntArray, FloatArray]:
    """Run cells of a sweep again, and record their paths or values.

    Args:
        experiment: The experiment with the sweep.
        name: PATHS, or the figure whose development is recorded.
        side: The maximum number of cells along each axis.

    Returns:
        The indices of the cells along each axis, x first; the steps recorded, (n,); and the points (optimizers, …, n,
        dim) or figures (optimizers, …, n, 1), where … are rows and columns, or points with one axis. After a run has
        failed they are the last ones.
    """
    plan = Plan.of(experiment)
    places = tuple(np.unique(np.linspace(0, n - 1, min(side, n)).round().astype(np.int64)) for n in plan.shape[::-1])
    axes = tuple(replace(axis, values=axis.values[own]) for axis, own in zip(plan.axes, places, strict=True))
    plan = replace(plan, axes=axes, show=[name])
    steps = np.unique(np.linspace(0, plan.steps, min(plan.steps + 1, MOST_STEPS)).round().astype(np.int64))
    plan = replace(plan, history_steps=steps)
    rows = {
        label: np.empty((len(steps), plan.objective.dim if name == PATHS else 1, *plan.counts(label)[::-1]))
        for label in experiment.optimizers
    }
    for tile in plan.tiles:
        # The same runs have been checked before.
        figures = run_tile(plan, replace(tile, samples=tile.samples[:0]))[f"history_{name}"]
        own = rows[tile.label]
        own[:, :, *plan.cells(tile).T[::-1]] = figures.reshape(*own.shape[:2], -1)
    every = np.stack([np.broadcast_to(own, (*own.shape[:2], *plan.shape)) for own in rows.values()])
    return places, steps, np.moveaxis(every, (1, 2), (-2, -1))


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
    point = [moved.get(i, each) for i, each in enumerate(start)]
    return simulate(with_edits(one, [{"path": ["start"], "value": point}]))
