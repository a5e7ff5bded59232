"""How each start ended, found from the record when all is done."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gdsim.objectives import FloatArray, Objective, inside
from gdsim.simulation.recording import Record
from gdsim.simulation.stepper import Walk
from gdsim.simulation.trajectory import Stop, Trajectory

__all__ = ["trajectory"]

FAR = 1000
"""A start that is further from its view than so many times the view's size has diverged."""


def trajectory(walk: Walk, color: str | None, record: Record) -> Trajectory:
    """Return what a walk has recorded; starts that broke off are held at their last real row in the record."""
    course = walk.course
    points, values, gradients = record.points.numpy(), record.values.numpy(), record.gradients.numpy()
    rates, evaluations = walk.jotted(len(points))
    last, count = len(points) - 1, points.shape[1]
    stop_steps, stops = np.full(count, last, dtype=np.int64), [Stop.RAN] * count
    for start, bad, near in _breaks(points, values, gradients, course.objective.bounds):
        undefined = near and bool(np.isnan(values[bad, start]))
        stop_steps[start] = max(bad - 1, 0)
        stops[start] = _way_out(points[bad, start], course.objective, undefined)
    for start, first in _rests(points, rates):
        if stops[start] is Stop.RAN:
            stop_steps[start], stops[start] = first, Stop.CONVERGED
    broken = [start for start, stop in enumerate(stops) if stop.breaks_off]
    if broken:
        rates, evaluations = rates.copy(), evaluations.copy()
    for start in broken:
        for array in (points, values, gradients, rates, evaluations):
            array[stop_steps[start] + 1 :, start] = array[stop_steps[start], start]
    return Trajectory(
        label=course.method.label,
        settings=course.method.text,
        objective=course.objective,
        color=color,
        points=points,
        values=values,
        gradients=gradients,
        learning_rates=rates,
        evaluations=evaluations,
        stop_steps=stop_steps,
        stops=tuple(stops),
    )


def _breaks(
    points: FloatArray, values: FloatArray, gradients: FloatArray, bounds: FloatArray
) -> Iterator[tuple[int, int, bool]]:
    """Yield each start with a row that is not finite or too far away, the first such row, and whether it is near."""
    with np.errstate(over="ignore", invalid="ignore"):
        # Each start has a view of its own, widened to hold it, so that none changes what becomes of another.
        low, high = np.minimum(bounds[:, 0], points[0]), np.maximum(bounds[:, 1], points[0])
        low, high = low - FAR * (high - low), high + FAR * (high - low)
        # One number that is not finite makes its sum so: a pass or two tell which starts need a closer look.
        finite = np.isfinite(values.sum(0)) & np.isfinite(gradients.sum(0)).all(-1)
        near = ((points.min(0) >= low) & (points.max(0) <= high)).all(-1)
    for start in np.flatnonzero(~(finite & near)).tolist():
        within = (points[:, start] >= low[start]) & (points[:, start] <= high[start])
        real = (within & np.isfinite(gradients[:, start])).all(-1) & np.isfinite(values[:, start])
        if not real.all():
            row = int(real.argmin())
            yield start, row, bool(within[row].all())


def _way_out(point: FloatArray, objective: Objective, undefined: bool) -> Stop:
    """Return how a start ended whose first row that is not real has this point (dim,), perhaps one without a value."""
    # A class that evaluates by itself may leave within a step, which then leads to no number at all.
    if objective.is_measured and not inside(point, objective.domain):
        return Stop.LEFT
    return Stop.UNDEFINED if undefined else Stop.DIVERGED


def _rests(points: FloatArray, rates: FloatArray) -> Iterator[tuple[int, int]]:
    """Yield each start that is at rest in the end, with the first row of its rest.

    It is not the learning rate alone that rests: at least one of the updates that did not move it had a rate
    that is not zero, or a class without any.
    """
    bits = points.view(np.int64)
    for start in np.flatnonzero((bits[-2:] == bits[-1]).all((0, -1))).tolist():
        moved = (bits[1:, start] != bits[:-1, start]).any(-1)
        first = len(moved) - int(moved[::-1].argmax()) if moved.any() else 0
        if rates[first:-1, start].any():
            yield start, first
