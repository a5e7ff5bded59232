"""Run the tiles of a sweep as tasks, keep those that are finished, and collect the figures of all runs.

For a zoom into its map, a sweep is run again over ever smaller ranges around a point.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import replace
from functools import lru_cache
from math import ceil, log2
from pathlib import Path
from typing import Any

import numpy as np

from gdsim.config import Experiment, Zoom, loads, with_overrides
from gdsim.errors import GdsimError, InputError, Problem
from gdsim.files import atomic_write, load_arrays
from gdsim.metadata import versions
from gdsim.processes import process_pool
from gdsim.simulation.archive import ArrayReader
from gdsim.simulation.experiments import optimizer_of
from gdsim.simulation.trajectory import Progress
from gdsim.sweeps.archive import TYPES, read_figures
from gdsim.sweeps.engine import run_tile
from gdsim.sweeps.monitor import Arrays
from gdsim.sweeps.plan import Plan, Tile
from gdsim.sweeps.result import SweepResult

MAX_TILE_BYTES = 2**30  # of the file of a finished tile

TILE_TYPES = {**TYPES, "agrees": np.int8}  # see `run_tile`


def run(
    experiment: Experiment,
    *,
    executor: Executor | None = None,
    workers: int | None = None,
    kept: Path | None = None,
    progress: Progress = iter,
) -> SweepResult:
    """Run all cells of an experiment's sweep, which `Plan.check` accepts; the arguments are those of `gdsim.sweep`.

    Raises:
        ConfigError: A class, a setting or a start is not valid in some cell.
        GdsimError: A run differs from a plain loop, or a worker has ended.
    """
    plan = Plan.of(experiment)
    folder = None if kept is None else kept / plan.digest(str(versions()))
    figures: dict[str, Any] = {}
    waiting = []
    for number in range(len(plan.tiles)):
        arrays = None if folder is None else _read_tile(folder / f"{number}.npz", plan, plan.tiles[number])
        if arrays is None:
            waiting.append(number)
        else:
            _add(arrays, figures, plan, plan.tiles[number])
    with ExitStack() as stack:
        workers = min(len(waiting), workers or plan.workers)
        if executor is None and workers > 1:
            executor = stack.enter_context(process_pool(workers))
        results = _in_turn(plan, waiting) if executor is None else _in_executor(experiment, waiting, executor)
        for _, (number, arrays) in zip(progress(waiting), results, strict=True):
            if folder is not None:
                with atomic_write(folder / f"{number}.npz") as partial, partial.open("wb") as file:
                    np.savez(file, **arrays)  # type: ignore[arg-type]
            _add(arrays, figures, plan, plan.tiles[number])
    return _result(figures, plan)


def _in_turn(plan: Plan, numbers: Sequence[int]) -> Iterator[tuple[int, Arrays]]:
    for number in numbers:
        yield number, run_tile(plan, plan.tiles[number])


def _in_executor(experiment: Experiment, numbers: Sequence[int], executor: Executor) -> Iterator[tuple[int, Arrays]]:
    context = experiment.context
    source = experiment.yaml, experiment.name, str(context.folder.absolute()), context.allow_code
    with ExitStack() as stack:
        futures = {executor.submit(_run_number, number, *source): number for number in numbers}
        # An error leaves the others running, and their results are not needed.
        stack.callback(lambda: [future.cancel() for future in futures])
        try:
            for future in as_completed(futures):
                found, number = future.result(), futures.pop(future)  # so that no future keeps its figures
                if isinstance(found, Problem):
                    # In the worker, places are those of the text without overrides.
                    raise experiment.locate(InputError(found.message, found.key, code=found.code))
                yield number, found
        except BrokenProcessPool:
            message = "a worker ended unexpectedly; is there too little memory? Run it again to go on where it stopped"
            raise GdsimError(f"{experiment.name}: {message}") from None


def _run_number(number: int, *source: Any) -> Arrays | Problem:
    """Return the figures of a tile, or the mistake of the configuration, which cannot be sent as an exception."""
    plan = _cached_plan(*source)
    try:
        return run_tile(plan, plan.tiles[number])
    except InputError as error:
        return error.problems[0]


@lru_cache(maxsize=1)
def _cached_plan(yaml: str, name: str, folder: str, allow_code: bool) -> Plan:
    return Plan.of(loads(yaml, name=name, folder=folder, allow_code=allow_code))


def _read_tile(path: Path, plan: Plan, tile: Tile) -> Arrays | None:
    """Return the figures of a finished tile, or None if its file is missing or damaged."""
    try:
        arrays = ArrayReader(load_arrays(path, max_bytes=MAX_TILE_BYTES))
        return read_figures(arrays, plan, [tile.end - tile.first], TILE_TYPES)
    except InputError:
        return None


def _add(arrays: Arrays, figures: dict[str, Any], plan: Plan, tile: Tile) -> None:
    """Add the figures of a tile to those of all cells."""
    labels = [*plan.experiment.optimizers]
    for name, values in arrays.items():
        shape = (*values.shape[:-1], len(labels), *plan.shape)
        array = figures.setdefault(name, np.empty(shape, values.dtype))
        array[(..., labels.index(tile.label), *plan.cells(tile).T[::-1])] = values


def _result(figures: dict[str, Any], plan: Plan) -> SweepResult:
    """Return the result, given the figures of all tiles."""
    labels = [*plan.experiment.optimizers]
    for optimizer, label in enumerate(labels):
        for axis, count in enumerate(plan.counts(label)):
            if count == 1:  # the axis does not affect the optimizer
                for array in figures.values():
                    along = np.moveaxis(array[(..., optimizer, *[slice(None)] * len(plan.axes))], -1 - axis, 0)
                    along[1:] = along[0]
    settings, agrees = tuple(optimizer_of(plan.experiment, label).text for label in labels), figures["agrees"]
    return plan.result(figures, settings=settings, agreement=float((agrees == 1).sum() / (agrees >= 0).sum()))


def zoom_results(experiment: Experiment, zoom: Zoom) -> Iterator[SweepResult]:
    """Yield the sweep over ranges each half as long as the one before, as far as a zoom leads.

    On a log scale, ranges are halved in the logarithm.
    """
    axes = Plan.of(experiment).axes
    for halvings in range(1, ceil(log2(zoom.factor)) + 1):
        overrides = []
        for name, axis, to in zip("xy", axes, zoom.to, strict=True):
            ends, center = axis.values[[0, -1]], to
            if axis.scale == "log":
                ends, center = np.log(ends), np.log(to)
            ends = center + (ends - center) / 2**halvings
            overrides.append(f"sweep.{name}.range={(np.exp(ends) if axis.scale == 'log' else ends).tolist()}")
        yield run(with_overrides(experiment, overrides))


def combined(result: SweepResult, inner: list[SweepResult]) -> SweepResult:
    """Return several results as one, in which each optimizer of each result is an optimizer of its own."""
    every = [result, *inner]
    return replace(
        result,
        labels=result.labels * len(every),
        settings=result.settings * len(every),
        colors=result.colors * len(every),
        figures={name: np.concatenate([each.figures[name] for each in every]) for name in result.figures},
        stop_steps=np.concatenate([each.stop_steps for each in every]),
        minimum_steps=np.concatenate([each.minimum_steps for each in every]),
        history={},
    )
