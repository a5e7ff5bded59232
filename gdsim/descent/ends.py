"""How each start ended, found from the record when all is done."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gdsim.descent.record import Record
from gdsim.descent.walk import Walk
from gdsim.objectives import FloatArray
from gdsim.trajectory import Stop, Trajectory

__all__ = ["trajectory"]

FAR = 1000
"""A start that is further from the view than so many times the view's size has diverged."""


def trajectory(walk: Walk, color: str | None, record: Record) -> Trajectory:
    """Return what a walk has recorded; starts that diverged are held at their last real row in the record."""
    course = walk.course
    points, values, gradients = record.points.numpy(), record.values.numpy(), record.gradients.numpy()
    rates, evaluations = walk.jotted(len(points))
    stop_steps, stops = _ends(points, values, gradients, course.objective.bounds)
    diverged = [start for start, stop in enumerate(stops) if stop is Stop.DIVERGED]
    if diverged:
        rates, evaluations = rates.copy(), evaluations.copy()
    for start in diverged:
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
        stops=stops,
    )


def _ends(
    points: FloatArray, values: FloatArray, gradients: FloatArray, bounds: FloatArray
) -> tuple[npt.NDArray[np.int64], tuple[Stop, ...]]:
    """Return the last real step of each start, or its first at rest, and how it ended."""
    last, count = len(points) - 1, points.shape[1]
    stop_steps, stops = np.full(count, last, dtype=np.int64), [Stop.RAN] * count
    margin = FAR * np.diff(bounds)[:, 0]
    low, high = bounds[:, 0] - margin, bounds[:, 1] + margin
    with np.errstate(over="ignore", invalid="ignore"):
        # One number that is not finite makes its sum so: a pass or two tell which starts need a closer look.
        finite = np.isfinite(values.sum(0)) & np.isfinite(gradients.sum(0)).all(-1)
        near = ((points.min(0) >= low) & (points.max(0) <= high)).all(-1)
    for start in np.flatnonzero(~(finite & near)):
        within = (points[:, start] >= low) & (points[:, start] <= high)
        real = (within & np.isfinite(gradients[:, start])).all(-1) & np.isfinite(values[:, start])
        if not real.all():
            stop_steps[start], stops[start] = max(int(real.argmin()) - 1, 0), Stop.DIVERGED
    bits = points.view(np.int64)
    for start in np.flatnonzero((bits[-1] == bits[max(last - 1, 0)]).all(-1)):
        if last > 0 and stops[start] is Stop.RAN:
            moved = (bits[1:, start] != bits[:-1, start]).any(-1)
            stop_steps[start] = last - int(moved[::-1].argmax()) if moved.any() else 0
            stops[start] = Stop.CONVERGED
    return stop_steps, tuple(stops)
