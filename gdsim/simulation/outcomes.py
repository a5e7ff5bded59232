"""Outcomes of the starts, determined from the complete record."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gdsim.objectives import FloatArray, Objective, inside
from gdsim.simulation.batch import Batch, Record
from gdsim.simulation.trajectory import Stop, Trajectory

__all__ = ["to_trajectory"]

FAR = 1000
"""The distance from the view, in multiples of its size, beyond which a start has diverged."""


def to_trajectory(batch: Batch, color: str | None, record: Record) -> Trajectory:
    """Return the trajectory of a batch; the last finite row of a failed start overwrites all later rows."""
    task = batch.task
    points, values, gradients = record.points.numpy(), record.values.numpy(), record.gradients.numpy()
    rates, evaluations = batch.recorded(len(points))
    last, count = len(points) - 1, points.shape[1]
    stop_steps, stops = np.full(count, last, dtype=np.int64), [Stop.RAN] * count
    for start, bad, near in _failures(points, values, gradients, task.objective.bounds):
        undefined = near and bool(np.isnan(values[bad, start]))
        stop_steps[start] = max(bad - 1, 0)
        stops[start] = _reason(points[bad, start], task.objective, undefined)
    for start, first in _rests(points, rates):
        if stops[start] is Stop.RAN:
            stop_steps[start], stops[start] = first, Stop.CONVERGED
    failed = [start for start, stop in enumerate(stops) if stop.failed]
    if failed:
        rates, evaluations = rates.copy(), evaluations.copy()
    for start in failed:
        for array in (points, values, gradients, rates, evaluations):
            array[stop_steps[start] + 1 :, start] = array[stop_steps[start], start]
    return Trajectory(
        label=task.factory.label,
        settings=task.factory.text,
        objective=task.objective,
        color=color,
        points=points,
        values=values,
        gradients=gradients,
        learning_rates=rates,
        evaluations=evaluations,
        stop_steps=stop_steps,
        stops=tuple(stops),
    )


def _failures(
    points: FloatArray, values: FloatArray, gradients: FloatArray, bounds: FloatArray
) -> Iterator[tuple[int, int, bool]]:
    """Yield each start with a row that is not finite or too far away, this row, and whether its point is near."""
    with np.errstate(over="ignore", invalid="ignore"):
        # The view is extended for each start separately, so that no start affects the outcome of another.
        low, high = np.minimum(bounds[:, 0], points[0]), np.maximum(bounds[:, 1], points[0])
        low, high = low - FAR * (high - low), high + FAR * (high - low)
        # A sum is finite only if all its terms are: sums select the starts that must be checked row by row.
        finite = np.isfinite(values.sum(0)) & np.isfinite(gradients.sum(0)).all(-1)
        near = ((points.min(0) >= low) & (points.max(0) <= high)).all(-1)
    for start in np.flatnonzero(~(finite & near)).tolist():
        within = (points[:, start] >= low[start]) & (points[:, start] <= high[start])
        good = (within & np.isfinite(gradients[:, start])).all(-1) & np.isfinite(values[:, start])
        if not good.all():
            row = int(good.argmin())
            yield start, row, bool(within[row].all())


def _reason(point: FloatArray, objective: Objective, undefined: bool) -> Stop:
    """Return the outcome of a start whose first bad row has this point (dim,)."""
    # An optimizer with a closure may leave the domain within a step, and then ends at a point that is not finite.
    if not inside(point, objective.domain) and objective.is_measured:
        return Stop.LEFT
    return Stop.UNDEFINED if undefined else Stop.DIVERGED


def _rests(points: FloatArray, rates: FloatArray) -> Iterator[tuple[int, int]]:
    """Yield each start that does not move at the end, with the first row of its final point.

    Starts that do not move only because their learning rate is 0 are not included.
    """
    bits = points.view(np.int64)
    for start in np.flatnonzero((bits[-2:] == bits[-1]).all((0, -1))).tolist():
        moved = (bits[1:, start] != bits[:-1, start]).any(-1)
        first = len(moved) - int(moved[::-1].argmax()) if moved.any() else 0
        if rates[first:-1, start].any():
            yield start, first
