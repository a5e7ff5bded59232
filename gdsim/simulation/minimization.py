"""The paths of minimizers, which evaluate the function themselves, beside those of classes of torch.optim."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from gdsim.objectives import FloatArray, Objective
from gdsim.optimizers import AnyOptimizer, CountedFunction, Iterate, Minimizer, OptimizerFactory
from gdsim.simulation.descent import Observer, Record, descend_together, ignore, make_trajectory, resting
from gdsim.simulation.trajectory import COUNTED, IntArray, Progress, Trajectory


def run_together(
    objective: Objective,
    optimizers: Sequence[AnyOptimizer],
    points: FloatArray,
    steps: int,
    seed: int,
    progress: Progress = iter,
    runs: int | None = None,
    *,
    observe: Observer = ignore,
    records_state: bool = False,
) -> tuple[Trajectory, ...]:
    """Run each optimizer from all points (starts, dim), and return one trajectory per optimizer.

    The arguments are those of `descend_together`; without noise, the runs of an ensemble are equal. Points are observed
    only if there is no minimizer, because they are those of all paths.
    """
    factories = [each for each in optimizers if isinstance(each, OptimizerFactory)]
    made: tuple[Trajectory, ...] = ()
    if factories:
        observe = observe if len(factories) == len(optimizers) else ignore
        own = objective, factories, points, steps, seed, progress, runs
        made = descend_together(*own, records_state=records_state, observe=observe)
    descents, starts = iter(made), np.tile(points, (runs or 1, 1))
    return tuple(
        next(descents)
        if isinstance(each, OptimizerFactory)
        else replace(minimize(objective, each, starts, steps, progress), is_ensemble=runs is not None)
        for each in optimizers
    )


def minimize(
    objective: Objective, minimizer: Minimizer, starts: FloatArray, steps: int, progress: Progress = iter
) -> Trajectory:
    """Run a minimizer from each start (starts, dim); `progress` wraps the starts."""
    paths = Paths.found(objective, minimizer, starts, steps, progress)
    points, rates = paths.points, paths.lengths
    values, gradients = objective.gradients(points)
    rests = [(start, first) for start, first in resting(points, rates) if paths.ended[start]]
    counts = dict(zip(COUNTED, paths.counts, strict=True))
    return make_trajectory(minimizer, objective, points, values, gradients, rates, paths.evaluations, rests, counts)


@dataclass(frozen=True, eq=False)
class Paths:
    """The iterates of a minimizer from several starts; rows after the last iterate repeat it.

    Attributes:
        points: (steps + 1, starts, dim).
        lengths: (steps + 1, starts) the step length from each row to the next; NaN if there is none.
        counts: (3, steps + 1, starts) what has been evaluated so far, in the order of `COUNTED`.
        ended: (starts,) whether the method ended before the last step.
    """

    points: FloatArray
    lengths: FloatArray
    counts: IntArray
    ended: npt.NDArray[np.bool_]

    @classmethod
    def found(
        cls, objective: Objective, minimizer: Minimizer, starts: FloatArray, steps: int, progress: Progress = iter
    ) -> Paths:
        """Return the paths from starts (starts, dim), which `progress` wraps."""
        count, dim = starts.shape
        shape = (steps + 1, count)
        found = cls(
            Record.empty(steps, count, dim).points.numpy(),
            np.empty(shape),
            np.empty((len(COUNTED), *shape), np.int64),
            np.empty(count, np.bool_),
        )
        for start in progress(range(count)):
            path = _path(objective, minimizer, starts[start], steps)
            found.ended[start] = len(path) <= steps
            path += [path[-1]] * (steps + 1 - len(path))
            found.points[:, start] = [each.point for each in path]
            found.lengths[:, start] = [each.length for each in (*path[1:], path[-1])]
            found.counts[..., start] = np.transpose([each.counts for each in path])
        return found

    @property
    def evaluations(self) -> IntArray:
        """See `Trajectory.evaluations`."""
        functions, gradients, hessians = self.counts
        return np.asarray(np.maximum(functions, gradients) + self.points.shape[-1] * hessians)


def _path(objective: Objective, minimizer: Minimizer, start: FloatArray, steps: int) -> list[Iterate]:
    """Return the iterates from a start; the last one is NaN if the method fails because values are not finite."""
    function, path = CountedFunction(objective), list[Iterate]()
    try:
        path.extend(minimizer.iterates(function, start, steps))
    except Exception as error:
        if function.is_finite:
            raise minimizer.error("cannot take a step", error) from error
        path.append(Iterate(np.full_like(start, np.nan), function.counts))
    return path
