"""Choice of a batching mode that gives each start the same numbers, bit for bit, as a run of its own."""

from __future__ import annotations

from dataclasses import replace

import torch

from gdsim.errors import InputError
from gdsim.optimizers import BatchingMode
from gdsim.simulation.batch import Batch, Record, Task, run

__all__ = ["choose_mode", "verified", "with_own_random_numbers"]

PROBE_STEPS = 60


def choose_mode(task: Task, steps: int) -> BatchingMode:
    """Return the cheapest mode that is known to be exact or, for other classes, that is exact in a short test.

    A class that passes this test on a few starts and steps may still differ later: see `verified`.
    """
    modes = task.factory.batching_modes
    count = len(task.points)
    if len(modes) == 1 or count == 1:
        return modes[0]
    few = task.subset(sorted({0, count // 2, count - 1}))
    record = Record.empty(min(steps, PROBE_STEPS), len(few.points), few.objective.dim)
    run([Batch(few, BatchingMode.SEPARATE)], record)
    return next((mode for mode in modes[:-1] if _reproduces(few, mode, record)), modes[-1])


def verified(batch: Batch, record: Record) -> Batch:
    """Check one start of a batch at full length; if it differs, run again in the next mode into the same record."""
    modes = batch.task.factory.batching_modes
    if len(modes) == 1 or len(batch.task.points) == 1 or batch.mode is modes[-1]:
        return batch
    longest = int(record.values.isfinite().sum(0).argmax())
    if _reproduces(batch.task.subset([longest]), BatchingMode.SEPARATE, record.part([longest])):
        return batch
    again = Batch(batch.task, modes[modes.index(batch.mode) + 1])
    run([again], record)
    return verified(again, record)


def with_own_random_numbers(batch: Batch, record: Record) -> Batch:
    """Run a class that is not built in again into the same record, with separate random numbers for each start.

    Some classes draw for the first time after many steps, which the short test of `choose_mode` does not show.
    """
    factory = batch.task.factory
    if factory.is_builtin or factory.draws:
        return batch
    again = Batch(replace(batch.task, factory=replace(factory, draws=True)), BatchingMode.SEPARATE)
    run([again], record)
    return again


def _reproduces(task: Task, mode: BatchingMode, record: Record) -> bool:
    """Return whether a mode reproduces the recorded points from the recorded gradients, bit for bit."""
    alive = torch.ones(len(task.points), dtype=torch.bool)
    try:
        batch = Batch(task, mode)
        for values, gradients, expected in zip(record.values, record.gradients, record.points[1:], strict=False):
            alive &= values.isfinite() & gradients.isfinite().all(1)
            batch.step(values, gradients.clone())
            if not torch.equal(batch.points()[alive], expected[alive]):
                return False
    except InputError:
        return False
    return True
