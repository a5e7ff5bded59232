"""What is recorded of all starts of all optimizers, one forward and one backward pass a step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gdsim.errors import InputError
from gdsim.networks.npz import SIZE_LIMIT
from gdsim.simulation.stepper import Walk, evaluate

__all__ = ["Progress", "Record", "walk_on"]

Progress = Callable[[Iterable[int]], Iterable[int]]

CHECK_EVERY = 64
"""Every so many steps it is seen whether any start is still finite."""


@dataclass(frozen=True, eq=False)
class Record:
    """Points, values and gradients of several paths at each step.

    Attributes:
        points: (steps + 1, paths, dim).
        values: (steps + 1, paths).
        gradients: (steps + 1, paths, dim).
    """

    points: Tensor
    values: Tensor
    gradients: Tensor

    @classmethod
    def empty(cls, steps: int, paths: int, dim: int) -> Record:
        """Make room.

        Raises:
            InputError: The room would be out of reason.
        """
        size = (steps + 1) * paths * (2 * dim + 3) * 8
        if size > SIZE_LIMIT:
            sentence = f"{steps} steps of {paths} paths would take {size / 2**30:.3g} GiB to record"
            raise InputError(f"{sentence}; at most {SIZE_LIMIT / 2**30:g} are allowed", ("steps",))
        shapes = ((steps + 1, paths, dim), (steps + 1, paths), (steps + 1, paths, dim))
        return cls(*(torch.empty(shape, dtype=torch.float64) for shape in shapes))

    def part(self, paths: slice | list[int]) -> Record:
        """Return some of the paths: for a slice a view, for a list a copy."""
        return Record(self.points[:, paths], self.values[:, paths], self.gradients[:, paths])


def walk_on(walks: Sequence[Walk], record: Record, progress: Progress = iter) -> None:
    """Take every step of all walks together, and record where each was taken."""
    objective = walks[0].course.objective
    counts = [len(walk.course.points) for walk in walks]
    last = len(record.points) - 1
    for step in progress(range(last + 1)):
        points = torch.cat([walk.points() for walk in walks], out=record.points[step])
        values, gradients = evaluate(objective, points)
        record.values[step], record.gradients[step] = values, gradients
        for walk in walks:
            walk.jot()
        if step % CHECK_EVERY == CHECK_EVERY - 1 and not values.isfinite().any():
            for rest in (record.points, record.values, record.gradients):
                rest[step + 1 :] = torch.nan
            break
        if step < last:
            own_values = torch.split_with_sizes(values, counts)
            own_gradients = torch.split_with_sizes(gradients, counts)
            for index, walk in enumerate(walks):
                walk.step(own_values[index], own_gradients[index])
