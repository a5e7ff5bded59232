"""The complete paths of single cells of a sweep."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gdsim.config import Experiment, varied, with_overrides
from gdsim.simulation import Trajectory
from gdsim.simulation.experiments import simulate, starting_points
from gdsim.sweeps.plan import Plan


def paths_at(experiment: Experiment, values: Sequence[float]) -> tuple[Trajectory, ...]:
    """Return the trajectories of all optimizers in the cell whose values are nearest to some, x first."""
    plan = Plan(experiment)
    cell = [nearest(axis.values, value, axis.scale) for axis, value in zip(plan.axes, values, strict=True)]
    one = varied(experiment, plan.settings(np.array(cell)))
    moved = {plan.sweep.coordinate(i): float(axis.values[cell[i]]) for i, axis in enumerate(plan.axes)}
    if moved.keys() == {None}:
        return simulate(one)
    (start,) = starting_points(one.start, plan.objective, one.seed).tolist()
    return simulate(with_overrides(one, [f"start={[moved.get(i, each) for i, each in enumerate(start)]}"]))


def nearest(values: np.typing.NDArray[np.float64], value: float, scale: str) -> int:
    """Return the index of the value that is nearest to another one on a scale."""
    places = np.log([*values, value]) if scale == "log" else np.array([*values, value])
    return int(np.abs(places[:-1] - places[-1]).argmin())
