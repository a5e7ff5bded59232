"""One optimizer under way on a network, as a plain training loop would have it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from gdsim.errors import InputError
from gdsim.networks import Network, layer_of
from gdsim.objectives import describe_exception
from gdsim.optimizers import OptimizerFactory, RNGState, rng

__all__ = ["Learner"]


class Learner:
    """One optimizer under way on a network.

    Attributes:
        parameters: Those of the module, in its order.
        layers: What the layer of each is called.
        trials: How many gradients the class has asked for by itself.
    """

    def __init__(self, network: Network, method: OptimizerFactory, seed: int) -> None:
        """Build the module and the optimizer; random numbers that are drawn next go on from there."""
        self._network, self._method = network, method
        RNGState.seeded(seed).restore()
        self._module = network.module(seed)
        self.parameters: list[Tensor] = list(self._module.parameters())
        self.layers = [layer_of(name) for name, _ in self._module.named_parameters()]
        self.trials = 0
        self._moving = method.parameter_groups(self.parameters)
        whole = self._module if method.rest is None else None
        self._optimizers = [each.build(parameters, whole) for each, parameters in self._moving]
        self._schedulers = [
            each.build_schedule(optimizer) for (each, _), optimizer in zip(self._moving, self._optimizers, strict=True)
        ]
        self._wants_graph = any(each.needs_graph for each, _ in self._moving)
        self._noise = self._disturbances(seed) if method.noise else None
        self._strayed = False

    def _disturbances(self, seed: int) -> Iterator[list[Tensor]]:
        """Yield the noise on the gradients of each step, by parameter, without end."""
        normal = rng(f"noise {self._method.label}", seed, 0)
        sizes = [each.numel() for each in self.parameters]
        while True:
            drawn = torch.from_numpy(self._method.noise * normal.standard_normal(sum(sizes))).float()
            parts = torch.split_with_sizes(drawn, sizes)
            yield [part.view_as(each) for part, each in zip(parts, self.parameters, strict=True)]

    @property
    def rate(self) -> float:
        """The learning rate of the next update; NaN for classes that have none."""
        return float(self._optimizers[0].param_groups[0].get("lr", math.nan))

    def evaluate(self, x: Tensor, y: Tensor) -> Tensor:
        """Give the parameters the gradients of a mini-batch's loss; return the loss ().

        Raises:
            InputError: The module fails.
        """
        for each in self.parameters:
            each.grad = None
        try:
            with torch.enable_grad():
                loss = self._network.loss(self._module(x), y)
                loss.backward(create_graph=self._wants_graph)  # type: ignore[no-untyped-call]
        except (Exception, SystemExit) as error:
            raise InputError(
                f"{self._network.title} cannot be trained: {describe_exception(error)}", ("network",)
            ) from error
        return loss.detach()

    def step(self, x: Tensor, y: Tensor, loss: Tensor) -> bool:
        """Take the step to which the gradients of a mini-batch lead.

        Args:
            x: The inputs of the mini-batch.
            y: Its targets.
            loss: () its loss, as `evaluate` has just returned it.

        Returns:
            Whether the step could be taken; False where the numbers have left all bounds.

        Raises:
            InputError: The class or its schedule fails.
        """
        noise = None if self._noise is None else next(self._noise)
        self._disturb(noise)
        self._strayed = False
        for (method, _), optimizer in zip(self._moving, self._optimizers, strict=True):
            try:
                if method.needs_closure:
                    optimizer.step(self._closure(x, y, loss, noise))  # type: ignore[arg-type]
                else:
                    optimizer.step()
            except InputError:
                raise
            except Exception as error:
                if self._strayed or not self._is_finite():
                    return False
                raise method.error("cannot take a step", error) from error
        if self._wants_graph:
            for each in self.parameters:
                each.grad = None  # the graph and the gradient hold each other
        for (method, _), scheduler in zip(self._moving, self._schedulers, strict=True):
            method.step_schedule(scheduler, loss)
        return True

    def _is_finite(self) -> bool:
        numbers = [*self.parameters, *(each.grad for each in self.parameters if each.grad is not None)]
        return all(bool(each.detach().to_dense().isfinite().all()) for each in numbers)

    def _disturb(self, noise: list[Tensor] | None) -> None:
        """Make of the gradients what the classes are given."""
        if noise is not None:
            for parameter, part in zip(self.parameters, noise, strict=True):
                if parameter.grad is not None:
                    parameter.grad.detach().add_(part)
        if self._method.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(self.parameters, self._method.clip_norm)
        for method, parameters in self._moving:
            for parameter in parameters:
                if parameter.grad is not None and not method.needs_graph:
                    parameter.grad = method.to_layout(parameter.grad)

    def _closure(self, x: Tensor, y: Tensor, loss: Tensor, noise: list[Tensor] | None) -> Callable[[], Tensor]:
        """Return what evaluates a mini-batch where the parameters are.

        The first call commonly comes before any move: its evaluation is the one that is recorded.
        """
        then = [each.detach().clone() for each in self.parameters]
        # The class may change the gradients, or clear them, in what comes before.
        recorded = [None if each.grad is None else each.grad.detach().clone() for each in self.parameters]
        calls = 0

        def closure() -> Tensor:
            nonlocal calls
            calls += 1
            if calls > 1 or not all(map(torch.equal, self.parameters, then)):
                self.trials += 1
            elif not self._wants_graph:
                for parameter, gradient in zip(self.parameters, recorded, strict=True):
                    parameter.grad = gradient
                return loss
            found = self.evaluate(x, y)
            self._strayed |= not bool(found.isfinite())
            self._disturb(noise)
            return found

        return closure
