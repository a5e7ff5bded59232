"""One optimizer under way from all its starts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.optim import Optimizer

from gdsim.objectives import FloatArray, Objective
from gdsim.optimizers import BatchingMode, OptimizerFactory, RNGState, rng

__all__ = ["Course", "Walk", "evaluate"]

NOISE_BLOCK = 64
"""Noise is drawn for so many steps at once."""


@dataclass(frozen=True, eq=False)
class Course:
    """What one optimizer has before it.

    Attributes:
        method: How it descends.
        objective: What it descends.
        points: (starts, dim) from where.
        seed: Makes its random numbers, together with the label and `numbers`.
        numbers: (starts,) the place of each start among all those of the experiment.
    """

    method: OptimizerFactory
    objective: Objective
    points: FloatArray
    seed: int
    numbers: Sequence[int]

    def only(self, few: Sequence[int]) -> Course:
        """Return the same for a few of the starts."""
        return replace(self, points=self.points[few], numbers=[self.numbers[start] for start in few])

    def noise(self) -> Iterator[Tensor]:
        """Yield what is added to the gradients (starts, dim) of each step, without end."""
        streams = self._streams("noise")
        while True:
            normal = [each.standard_normal((NOISE_BLOCK, self.objective.dim)) for each in streams]
            yield from torch.from_numpy(self.method.noise * np.stack(normal, axis=1))

    def chances(self) -> list[RNGState]:
        """Return for each start what the class draws its random numbers from."""
        return [RNGState.seeded(int(each.integers(2**63))) for each in self._streams("torch")]

    def _streams(self, purpose: str) -> list[np.random.Generator]:
        return [rng(f"{purpose} {self.method.label}", self.seed, number) for number in self.numbers]


class Walk:
    """One optimizer under way in one arrangement."""

    def __init__(self, course: Course, arrangement: BatchingMode) -> None:
        self.course, self.arrangement = course, arrangement
        self._method, self._dim = course.method, course.objective.dim
        self._parameters = self._leaves(torch.from_numpy(course.points))
        self._chances = course.chances() if self._method.draws else None
        self._optimizers = self._built()
        self._schedulers = [self._method.build_schedule(optimizer) for optimizer in self._optimizers]
        self._noise = course.noise() if self._method.noise else None
        self._alive = torch.ones(len(course.points), dtype=torch.bool)
        self._trials = np.zeros(len(course.points), dtype=np.int64)
        self._strayed = False
        self._rates: list[list[float]] = []
        self._asked: list[npt.NDArray[np.int64]] = []

    def _leaves(self, rows: Tensor) -> list[Tensor]:
        flat = self.arrangement is BatchingMode.FLAT
        blocks = [rows.reshape(-1)] if flat else list(self._method.reshape(rows))
        return [self._method.new_parameter(block) for block in blocks]

    def _built(self) -> list[Optimizer]:
        if self.arrangement is not BatchingMode.SEPARATE:
            return [self._method.build(self._parameters)]
        built = []
        for start, parameter in enumerate(self._parameters):
            with self._drawing(start):
                built.append(self._method.build([parameter]))
        return built

    @contextmanager
    def _drawing(self, start: int) -> Iterator[None]:
        """Let what is drawn meanwhile be what belongs to a start, if the class is known to draw."""
        if self._chances is None:
            yield
            return
        with RNGState.preserved():
            self._chances[start].restore()
            yield
            self._chances[start] = RNGState.current()

    def points(self) -> Tensor:
        """Return where the starts have come to, (starts, dim)."""
        if self.arrangement is BatchingMode.FLAT:
            return self._parameters[0].detach().view(-1, self._dim)
        return torch.stack([parameter.detach().view(-1) for parameter in self._parameters])

    def jot(self) -> None:
        """Note the rate of the next update, and how many gradients the class has asked for by itself."""
        self._rates.append([optimizer.param_groups[0].get("lr", np.nan) for optimizer in self._optimizers])
        if self._method.needs_closure:
            self._asked.append(self._trials.copy())

    def jotted(self, rows: int) -> tuple[FloatArray, npt.NDArray[np.int64]]:
        """Return the learning rates and evaluations noted, (rows, starts); the last repeat to the end."""
        shape = (rows, len(self.course.points))
        noted = np.minimum(np.arange(rows), len(self._rates) - 1)
        rates = np.array(self._rates, dtype=np.float64)[noted]
        evaluations = noted[:, np.newaxis] + 1
        if self._asked:
            evaluations = evaluations + np.array(self._asked)[noted]
        return np.broadcast_to(rates, shape), np.broadcast_to(evaluations, shape)

    def step(self, values: Tensor, gradients: Tensor) -> None:
        """Take a step.

        Args:
            values: (starts,) the objective at the present points.
            gradients: (starts, dim) its gradient there; it may be overwritten.

        Raises:
            InputError: The class or its schedule fails.
        """
        noise = None if self._noise is None else next(self._noise)
        if not self._method.needs_graph:
            self._grade(self._disturbed(gradients, noise))
        if self.arrangement is not BatchingMode.SEPARATE:
            self._update(0, values, noise)
            return
        # Nothing comes after a start's first row that is not finite, and some classes fail there.
        self._alive &= values.isfinite() & gradients.isfinite().all(1)
        for start in self._alive.nonzero().flatten().tolist():
            if self._method.needs_graph:
                self._backward(start, noise)
            with self._drawing(start):
                self._update(start, values, noise)

    def _grade(self, gradients: Tensor) -> None:
        """Hand the gradients (starts, dim) to the parameters, in the shape and layout that the class takes."""
        graded = self._method.to_layout
        if self.arrangement is BatchingMode.FLAT:
            self._parameters[0].grad = graded(gradients.reshape(-1))
        else:
            for parameter, gradient in zip(self._parameters, self._method.reshape(gradients), strict=True):
                parameter.grad = graded(gradient)

    def _disturbed(self, gradients: Tensor, noise: Tensor | None) -> Tensor:
        """Return the gradients (starts, dim) that the class is given."""
        if noise is not None:
            gradients = gradients + noise
        if self._method.clip_norm is not None:
            # clip_grad_norm_ takes the norm of the norms of all tensors, here of a single one.
            norms = torch.linalg.vector_norm(torch.linalg.vector_norm(gradients, dim=1)[:, None], dim=1)
            gradients = gradients * (self._method.clip_norm / (norms + 1e-6)).clamp(max=1.0)[:, None]
        return gradients

    def _backward(self, start: int, noise: Tensor | None) -> Tensor:
        """Evaluate the objective where one start's parameter is, and hand it the gradient; return the value ()."""
        value, gradient = self._method.backward(self.course.objective.f, self._parameters[start])
        self._strayed |= not (value.isfinite() and gradient.isfinite().all())
        own_noise = None if noise is None else noise[start : start + 1]
        self._method.set_gradient(self._disturbed(gradient[None], own_noise), self._parameters[start])
        return value

    def _update(self, index: int, values: Tensor, noise: Tensor | None) -> None:
        """Let one instance take its step, and its schedule after it."""
        optimizer, scheduler = self._optimizers[index], self._schedulers[index]
        self._strayed = False
        try:
            if self._method.needs_closure:
                optimizer.step(self._closure(index, values[index], noise))
            else:
                optimizer.step()
        except Exception as error:
            if not self._strayed:
                raise self._method.error("cannot take a step", error) from error
            # A line search that meets no finite number may raise; that ends this start, not the others.
            self._parameters[index].detach().fill_(torch.nan)
        if self._method.needs_graph:
            self._parameters[index].grad = None  # the graph and the gradient hold each other
        if scheduler is not None:
            self._method.step_schedule(scheduler, values[index])

    def _closure(self, start: int, value: Tensor, noise: Tensor | None) -> Callable[[], float]:
        """Return what evaluates the objective where one start's parameter is, and hands it the gradient.

        The first call commonly comes before any move: its evaluation is the one that is recorded. The noise
        is the same throughout a step, as it is when a closure evaluates one and the same mini-batch.
        """
        parameter = self._parameters[start]
        recorded = parameter.detach().clone()
        gradient = None if parameter.grad is None else parameter.grad.detach().clone()
        calls = 0

        def closure() -> float:
            nonlocal calls
            calls += 1
            if calls > 1 or not torch.equal(parameter, recorded):
                self._trials[start] += 1
            elif not self._method.needs_graph:
                # The class may have changed the gradient, or cleared it, in what comes before.
                parameter.grad = gradient
                return value  # type: ignore[return-value]
            return self._backward(start, noise)  # type: ignore[return-value]

        return closure


def evaluate(objective: Objective, points: Tensor) -> tuple[Tensor, Tensor]:
    """Return the values (…) and gradients (…, dim) at points (…, dim) from one forward and one backward pass."""
    with torch.enable_grad():
        inputs = points.detach().requires_grad_()
        values = objective.f(inputs)
        # Each value with the weight 1: a mean would divide, and round, the gradients.
        (gradients,) = torch.autograd.grad(values, inputs, torch.ones_like(values))
    return values.detach(), gradients
