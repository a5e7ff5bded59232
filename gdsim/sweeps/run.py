"""Run a sweep, and collect the figures of all runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from gdsim.config import Experiment
from gdsim.simulation.experiments import optimizer_of
from gdsim.sweeps.engine import run_tile
from gdsim.sweeps.plan import Plan
from gdsim.sweeps.result import HISTORIES, SweepResult

Progress = Callable[[Iterable[Any]], Iterable[Any]]


def run(experiment: Experiment, *, progress: Progress = iter) -> SweepResult:
    """Run all cells of an experiment's sweep; `progress` wraps the iterable of tiles.

    Raises:
        ConfigError: A class, a setting or a start is not valid in some cell.
    """
    plan = Plan(experiment)
    tiles = [*plan.tiles()]
    history_steps = plan.history_steps()
    found = [run_tile(plan, tile, history_steps) for tile in progress(tiles)]
    labels = [*experiment.optimizers]
    arrays = {
        name: np.empty((*each.shape[:-1], len(labels), *plan.shape), each.dtype) for name, each in found[0].items()
    }
    for optimizer, label in enumerate(labels):
        # An axis that does not affect the optimizer has length 1, and is broadcast.
        own_shape = tuple(reversed(plan.counts(label)))
        own = [(tile.cells, values) for tile, values in zip(tiles, found, strict=True) if tile.label == label]
        places = np.ravel_multi_index(tuple(np.concatenate([cells for cells, _ in own]).T[::-1]), own_shape)
        for name, array in arrays.items():
            values = np.concatenate([values[name] for _, values in own], axis=-1)
            ordered = np.empty_like(values)
            ordered[..., places] = values
            np.moveaxis(array, -1 - len(own_shape), 0)[optimizer] = ordered.reshape(*values.shape[:-1], *own_shape)
    history = {name: arrays.pop(f"history_{name}") for name in HISTORIES if f"history_{name}" in arrays}
    stop_steps, minimum_steps = arrays.pop("stop_steps"), arrays.pop("minimum_steps")
    factories = [optimizer_of(experiment, label, plan.objective.dim) for label in labels]
    return SweepResult(
        x=plan.axes[0],
        y=plan.axes[1] if len(plan.axes) > 1 else None,
        labels=tuple(labels),
        settings=tuple(factory.text for factory in factories),
        colors=tuple(factory.color for factory in factories),
        objective=plan.objective,
        steps=plan.steps,
        show=tuple(plan.sweep.show),
        figures=arrays,
        stop_steps=stop_steps,
        minimum_steps=minimum_steps,
        history_steps=history_steps,
        history=history,
    )
