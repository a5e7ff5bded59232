"""A training step as in a plain PyTorch loop: backward, noise, clipping, `optimizer.step()` and schedule."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from gdsim.config.optimizer import GradientSettings
from gdsim.errors import InputError
from gdsim.optimizers import OptimizerFactory, rng

Stream: TypeAlias = tuple[int, int]
"""What the random numbers of a path depend on besides a purpose: a seed, and the index of the start."""

NOISE_STEPS, NOISE_VALUES = 64, 2**20  # the most steps, and components per start, whose noise is drawn at once


def noise_of(factory: OptimizerFactory, streams: Sequence[Stream], size: int) -> Iterator[Tensor | None]:
    """Yield the noise (paths, size) of each step in float64, or None without noise, endlessly."""
    if not factory.gradient.noise:
        yield from repeat(None)
    different = {stream: place for place, stream in enumerate(dict.fromkeys(streams))}
    places = [different[stream] for stream in streams]
    generators = [rng(f"noise {factory.label}", *stream) for stream in different]
    steps = max(1, min(NOISE_STEPS, NOISE_VALUES // size))
    while True:
        normal = [each.standard_normal((steps, size)) for each in generators]
        for each in factory.gradient.noise * np.stack(normal, axis=1):
            yield torch.from_numpy(each[places])


def adjusted(settings: GradientSettings, gradients: Tensor, noise: Tensor | None) -> Tensor:
    """Add noise to gradients (starts, dim), and clip the gradient of each start separately."""
    if noise is not None:
        gradients = gradients + noise.to(gradients)
    if settings.clip_norm is not None:
        # As in clip_grad_norm_, which computes the norm of the norms of all tensors, here of a single one.
        norms = torch.linalg.vector_norm(torch.linalg.vector_norm(gradients, dim=1)[:, None], dim=1)
        gradients = gradients * (settings.clip_norm / (norms + 1e-6)).clamp(max=1.0)[:, None]
    return gradients


class Stepper:
    """An optimizer with its parameters, loss and schedule.

    Attributes:
        parameters: The leaf tensors that are updated.
        extra_evaluations: The number of gradients that closures have evaluated in addition to the recorded ones.
    """

    def __init__(
        self,
        factory: OptimizerFactory,
        parameters: Sequence[Tensor],
        loss: Callable[[], Tensor],
        model: nn.Module | None = None,
    ) -> None:
        """Build the optimizer and its schedule; `loss` returns the loss () at the current parameters."""
        self.parameters = list(parameters)
        self.extra_evaluations = 0
        self._factory, self._loss = factory, loss
        self._groups = factory.parameter_groups(self.parameters)
        built = [(part, part.build(own, model)) for part, own in self._groups]
        self._parts = [(part, optimizer, part.build_schedule(optimizer)) for part, optimizer in built]
        self._needs_graph = any(part.needs_graph for part, *_ in self._parts)
        self._diverged = False

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next update; NaN if the optimizer has none."""
        return float(self.group.get("lr", math.nan))

    @property
    def group(self) -> Mapping[str, Any]:
        """The settings of the first parameter group, such as `lr` and `eps`."""
        return self._parts[0][1].param_groups[0]

    def states(self) -> Iterator[tuple[Tensor, Mapping[str, Any]]]:
        """Yield each parameter with what the optimizer holds for it, `optimizer.state[parameter]`."""
        for (_, optimizer, _), (_, parameters) in zip(self._parts, self._groups, strict=True):
            for parameter in parameters:
                yield parameter, optimizer.state.get(parameter, {})

    def evaluate(self) -> Tensor:
        """Clear the gradients, evaluate the loss (), and differentiate it."""
        for parameter in self.parameters:
            parameter.grad = None
        with torch.enable_grad():
            loss = self._loss()
            loss.backward(create_graph=self._needs_graph)  # type: ignore[no-untyped-call]
        return loss.detach()

    def adjust_gradients(self, noise: Sequence[Tensor] | None) -> None:
        """Add noise to the gradients, clip them, and convert them to the layout that the optimizer requires.

        Raises:
            InputError: The network's own gradients are sparse, which can be neither clipped nor added to.
        """
        if (settings := self._factory.gradient.texts()) and any(
            parameter.grad is not None and parameter.grad.is_sparse for parameter in self.parameters
        ):
            message = f"{settings[0]} cannot be applied to the sparse gradients of this network"
            raise InputError(message, ("optimizers", self._factory.label), code="unsupported")
        if noise is not None:
            for parameter, part in zip(self.parameters, noise, strict=True):
                if parameter.grad is not None:
                    # In place, so that a gradient that the optimizer differentiates keeps its graph.
                    parameter.grad.detach().add_(part.to(parameter.grad))
        if (clip_norm := self._factory.gradient.clip_norm) is not None:
            nn.utils.clip_grad_norm_(self.parameters, clip_norm)
        for factory, parameters in self._groups:
            for parameter in parameters:
                if parameter.grad is not None and not factory.needs_graph:
                    parameter.grad = factory.to_layout(parameter.grad)

    def step(self, loss: Tensor, noise: Sequence[Tensor] | None = None) -> bool:
        """Update parameters and schedule; return False if the optimizer failed because values are not finite."""
        self._diverged = False
        for factory, optimizer, schedule in self._parts:
            try:
                if factory.needs_closure:
                    optimizer.step(self._closure(loss, noise))  # type: ignore[arg-type]
                else:
                    optimizer.step()
            except InputError:
                raise
            except Exception as error:
                if self._diverged or not self._is_finite():
                    return False
                raise factory.error("cannot take a step", error) from error
            if schedule is not None:
                factory.step_schedule(schedule, loss)
        if self._needs_graph:
            for parameter in self.parameters:
                parameter.grad = None  # breaks the reference cycle of gradient and graph
        return True

    def _is_finite(self) -> bool:
        gradients = [parameter.grad for parameter in self.parameters if parameter.grad is not None]
        return all(bool(each.detach().to_dense().isfinite().all()) for each in (*self.parameters, *gradients))

    def _closure(self, loss: Tensor, noise: Sequence[Tensor] | None) -> Callable[[], Tensor]:
        """Return the closure of one step, which evaluates the loss and its gradients at the current parameters.

        A first call before any update returns the recorded evaluation. All calls in a step add the same noise, as if
        they evaluated the same mini-batch.
        """
        recorded = [parameter.detach().clone() for parameter in self.parameters]
        # The optimizer may modify or clear the gradients before it calls the closure.
        gradients = [None if each.grad is None else each.grad.detach().clone() for each in self.parameters]
        calls = 0

        def closure() -> Tensor:
            nonlocal calls
            calls += 1
            if calls > 1 or not all(map(torch.equal, self.parameters, recorded)):
                self.extra_evaluations += 1
            elif not self._needs_graph:
                for parameter, gradient in zip(self.parameters, gradients, strict=True):
                    parameter.grad = gradient
                return loss
            value = self.evaluate()
            self._diverged |= not (bool(value.isfinite()) and self._is_finite())
            self.adjust_gradients(noise)
            return value

        return closure
