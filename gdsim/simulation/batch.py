"""Batches of starts, and the loop that evaluates all optimizers and starts in one pass per step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from gdsim.errors import InputError
from gdsim.networks import MAX_RECORDING_BYTES as MAX_BYTES
from gdsim.objectives import FloatArray, Objective
from gdsim.optimizers import BatchingMode, OptimizerFactory, RNGState, rng
from gdsim.simulation.stepper import Stepper, adjusted, noise_of
from gdsim.simulation.trajectory import IntArray, Progress

__all__ = ["Batch", "Record", "Task", "run"]


CHECK_EVERY = 64
"""The number of steps between two checks whether any value is still finite."""


@dataclass(frozen=True, eq=False)
class Task:
    """An optimizer and the starting points that it runs from.

    Attributes:
        points: (starts, dim) the starts.
        seed: The seed of the random numbers, which also depend on the label and `numbers`.
        numbers: (starts,) the index of each start among all starts of the experiment.
    """

    factory: OptimizerFactory
    objective: Objective
    points: FloatArray
    seed: int
    numbers: Sequence[int]

    def subset(self, indices: Sequence[int]) -> Task:
        """Return the same task for some of the starts."""
        return replace(self, points=self.points[indices], numbers=[self.numbers[index] for index in indices])

    def random_states(self) -> list[RNGState]:
        """Return the initial state of the global random number generators for each start."""
        return [RNGState.seeded(int(each.integers(2**63))) for each in self._generators("torch")]

    def _generators(self, purpose: str) -> list[np.random.Generator]:
        return [rng(f"{purpose} {self.factory.label}", self.seed, number) for number in self.numbers]


class Batch:
    """The state of one optimizer for all its starts, in one batching mode."""

    def __init__(self, task: Task, mode: BatchingMode) -> None:
        self.task, self.mode = task, mode
        factory, rows = task.factory, torch.from_numpy(task.points)
        blocks = [rows.reshape(-1)] if mode is BatchingMode.FLAT else list(factory.reshape(rows))
        self._parameters = [factory.new_parameter(block) for block in blocks]
        self._random_states = task.random_states() if factory.draws else None
        separate = mode is BatchingMode.SEPARATE
        self._steppers = [
            self._stepper(start, own)
            for start, own in enumerate([[each] for each in self._parameters] if separate else [self._parameters])
        ]
        self._noise = noise_of(factory, task.seed, task.numbers, task.objective.dim)
        self._alive = torch.ones(len(task.points), dtype=torch.bool)
        self._rates: list[list[float]] = []
        self._extra: list[list[int]] = []

    def _stepper(self, start: int, parameters: list[Tensor]) -> Stepper:
        f, first = self.task.objective.f, parameters[0]
        with self._generators_of(start):
            # The loss is evaluated only in the mode SEPARATE, where a stepper has a single parameter.
            return Stepper(self.task.factory, parameters, lambda: f(first.reshape(-1)))

    @contextmanager
    def _generators_of(self, start: int) -> Iterator[None]:
        """Use the random state of this start if the optimizer draws random numbers."""
        if self._random_states is None:
            yield
            return
        with RNGState.preserved():
            self._random_states[start].restore()
            yield
            self._random_states[start] = RNGState.current()

    def points(self) -> Tensor:
        """Return the current points (starts, dim)."""
        if self.mode is BatchingMode.FLAT:
            return self._parameters[0].detach().view(-1, self.task.objective.dim)
        return torch.stack([parameter.detach().view(-1) for parameter in self._parameters])

    def record(self) -> None:
        """Record the learning rate of the next update, and the number of evaluations so far."""
        self._rates.append([stepper.learning_rate for stepper in self._steppers])
        self._extra.append([stepper.extra_evaluations for stepper in self._steppers])

    def recorded(self, rows: int) -> tuple[FloatArray, IntArray]:
        """Return the recorded learning rates and evaluations (rows, starts), continued with the last ones."""
        shape = (rows, len(self.task.points))
        known = np.minimum(np.arange(rows), len(self._rates) - 1)
        rates = np.array(self._rates)[known]
        evaluations = known[:, np.newaxis] + 1 + np.array(self._extra)[known]
        return np.broadcast_to(rates, shape), np.broadcast_to(evaluations, shape)

    def step(self, values: Tensor, gradients: Tensor) -> None:
        """Take one step for all starts.

        Args:
            values: (starts,) the objective at the current points.
            gradients: (starts, dim) its gradient there; it may be overwritten.
        """
        noise = next(self._noise)
        if not self.task.factory.needs_graph:
            self._set_gradients(adjusted(self.task.factory.gradient, gradients, noise))
        if self.mode is not BatchingMode.SEPARATE:
            self._update(0, values[0], None)
            return
        # Some optimizers fail on values that are not finite, and later steps of such a start are not needed.
        self._alive &= values.isfinite() & gradients.isfinite().all(1)
        for start in self._alive.nonzero().flatten().tolist():
            parameter = self._parameters[start]
            own_noise = None if noise is None else [noise[start].view_as(parameter)]
            if self.task.factory.needs_graph:
                self._steppers[start].evaluate()
                self._steppers[start].adjust_gradients(own_noise)
            with self._generators_of(start):
                self._update(start, values[start], own_noise)

    def _update(self, index: int, value: Tensor, noise: list[Tensor] | None) -> None:
        stepper = self._steppers[index]
        if not stepper.step(value, noise):
            # For example, a line search found no finite value. This start ends; the others continue.
            for parameter in stepper.parameters:
                parameter.detach().fill_(torch.nan)

    def _set_gradients(self, gradients: Tensor) -> None:
        factory = self.task.factory
        blocks = [gradients.reshape(-1)] if self.mode is BatchingMode.FLAT else factory.reshape(gradients)
        for parameter, block in zip(self._parameters, blocks, strict=True):
            parameter.grad = factory.to_layout(block)


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
        """Allocate a record, or raise an `InputError` if it would exceed the memory limit."""
        size = (steps + 1) * paths * (2 * dim + 3) * 8
        if size > MAX_BYTES:
            sentence = f"{steps} steps of {paths} paths would take {size / 2**30:.3g} GiB to record"
            limit = f"at most {MAX_BYTES / 2**30:g} are allowed"
            raise InputError(f"{sentence}; {limit}", ("steps",), code="too-large")
        shapes = ((steps + 1, paths, dim), (steps + 1, paths), (steps + 1, paths, dim))
        return cls(*(torch.empty(shape, dtype=torch.float64) for shape in shapes))

    def part(self, paths: slice | list[int]) -> Record:
        """Return some of the paths: a view for a slice, a copy for a list."""
        return Record(self.points[:, paths], self.values[:, paths], self.gradients[:, paths])


def run(batches: Sequence[Batch], record: Record, progress: Progress = iter) -> None:
    """Run all batches together, with one forward and one backward pass per step."""
    objective = batches[0].task.objective
    counts = [len(batch.task.points) for batch in batches]
    last = len(record.points) - 1
    for step in progress(range(last + 1)):
        points = torch.cat([batch.points() for batch in batches], out=record.points[step])
        values, gradients = _evaluate(objective, points)
        record.values[step], record.gradients[step] = values, gradients
        for batch in batches:
            batch.record()
        if step % CHECK_EVERY == CHECK_EVERY - 1 and not values.isfinite().any():
            for rest in (record.points, record.values, record.gradients):
                rest[step + 1 :] = torch.nan
            break
        if step < last:
            parts = zip(torch.split_with_sizes(values, counts), torch.split_with_sizes(gradients, counts), strict=True)
            for batch, (own_values, own_gradients) in zip(batches, parts, strict=True):
                batch.step(own_values, own_gradients)


def _evaluate(objective: Objective, points: Tensor) -> tuple[Tensor, Tensor]:
    """Return the values (paths,) and gradients (paths, dim) at points (paths, dim)."""
    with torch.enable_grad():
        inputs = points.detach().requires_grad_()
        values = objective.f(inputs)
        # The gradient of the sum, because that of the mean would be divided by the number of paths, and rounded.
        (gradients,) = torch.autograd.grad(values, inputs, torch.ones_like(values))
    return values.detach(), gradients
