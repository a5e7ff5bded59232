"""Which arrangement of the starts gives each of them, bit for bit, what it would have alone."""

from __future__ import annotations

from dataclasses import replace

import torch

from gdsim.errors import InputError
from gdsim.optimizers import BatchingMode
from gdsim.simulation.recording import Record, walk_on
from gdsim.simulation.stepper import Course, Walk

__all__ = ["arrangement", "confirmed", "drawn"]

PROBE_STEPS = 60


def arrangement(course: Course, steps: int) -> BatchingMode:
    """Return a method's arrangement: for a class that is not known, the cheapest that passes a probe.

    The probe is a few starts over a few steps. It can be passed by a class that differs later: see `confirmed`.
    """
    choices = course.method.batching_modes
    count = len(course.points)
    if len(choices) == 1 or count == 1:
        return choices[0]
    few = course.only(sorted({0, count // 2, count - 1}))
    record = Record.empty(min(steps, PROBE_STEPS), len(few.points), few.objective.dim)
    walk_on([Walk(few, BatchingMode.SEPARATE)], record)
    return next((choice for choice in choices[:-1] if _agrees(few, choice, record)), choices[-1])


def confirmed(walk: Walk, record: Record) -> Walk:
    """Check a probed arrangement on one start at full length; where it fails, walk again in the next.

    Args:
        walk: One that has taken all its steps.
        record: What it has recorded; overwritten when it walks again.

    Returns:
        The walk that the record is of.
    """
    choices = walk.course.method.batching_modes
    if len(choices) == 1 or len(walk.course.points) == 1 or walk.arrangement is choices[-1]:
        return walk
    longest = int(record.values.isfinite().sum(0).argmax())
    if _agrees(walk.course.only([longest]), BatchingMode.SEPARATE, record.part([longest])):
        return walk
    again = Walk(walk.course, choices[choices.index(walk.arrangement) + 1])
    walk_on([again], record)
    return confirmed(again, record)


def drawn(walk: Walk, record: Record) -> Walk:
    """Walk again where random numbers may have been drawn that belong to no start, and now do.

    Some classes draw for the first time after many steps, which a trial does not show.

    Args:
        walk: One that has taken all its steps.
        record: What it has recorded; overwritten when it walks again.

    Returns:
        The walk that the record is of.
    """
    if walk.course.method.is_builtin or walk.course.method.draws:
        return walk
    again = Walk(replace(walk.course, method=replace(walk.course.method, draws=True)), BatchingMode.SEPARATE)
    walk_on([again], record)
    return again


def _agrees(course: Course, choice: BatchingMode, record: Record) -> bool:
    """Return whether an arrangement comes from the recorded gradients to the recorded points, bit for bit."""
    alive = torch.ones(len(course.points), dtype=torch.bool)
    try:
        walk = Walk(course, choice)
        for values, gradients, then in zip(record.values, record.gradients, record.points[1:], strict=False):
            alive &= values.isfinite() & gradients.isfinite().all(1)
            walk.step(values, gradients.clone())
            if not torch.equal(walk.points()[alive], then[alive]):
                return False
    except InputError:
        return False
    return True
