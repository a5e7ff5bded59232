"""What a network makes of all its examples, not of a mini-batch: its loss, its gradient and its accuracy anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from gdsim.errors import InputError
from gdsim.networks import Network
from gdsim.networks.sizes import INPUTS_AT_ONCE
from gdsim.objectives import FloatArray, describe_exception

__all__ = ["Examples", "Losses", "losses", "subset", "testing", "training"]


@dataclass(frozen=True, eq=False)
class Examples:
    """Inputs with their targets, some at a time.

    Args:
        parts: Tensors (n, …) and (n,) or (n, outputs).
        count: How many examples there are.
    """

    parts: tuple[tuple[Tensor, Tensor], ...]
    count: int


@dataclass(frozen=True, eq=False)
class Losses:
    """A network whose weights can be put anywhere: single precision, as in training, and dropout at rest.

    Args:
        network: Which one.
        module: Its module, whose parameters lie one after the other in `weights`, and their gradients in `slopes`.
        weights: (weights,).
        slopes: (weights,).
    """

    network: Network
    module: nn.Module
    weights: Tensor
    slopes: Tensor

    def loss(self, weights: npt.NDArray[np.floating], examples: Examples) -> float:
        """Return the mean loss of examples at weights (weights,).

        Raises:
            InputError: The module fails.
        """
        return self.score(weights, examples)[0]

    def score(self, weights: npt.NDArray[np.floating], examples: Examples) -> tuple[float, float]:
        """Return the mean loss of examples at weights (weights,), and which share is recognised; NaN for numbers.

        Raises:
            InputError: The module fails.
        """
        if not examples.count:
            return float("nan"), float("nan")
        self._put(weights)
        total, right = 0.0, 0
        with self._told(), torch.no_grad():
            for x, y in examples.parts:
                outputs = self.module(x)
                total += float(self.network.loss(outputs, y)) * len(x)
                right += _right(outputs, y)
        return total / examples.count, right / examples.count if self.network.data.classes else float("nan")

    def slope(self, weights: npt.NDArray[np.floating], examples: Examples) -> tuple[float, float, FloatArray]:
        """Return the same as `score`, and the gradient of the mean loss (weights,).

        Raises:
            InputError: The module fails.
        """
        self._put(weights)
        self.slopes.zero_()
        total, right = 0.0, 0
        with self._told(), torch.enable_grad():
            for x, y in examples.parts:
                outputs = self.module(x)
                loss = self.network.loss(outputs, y)
                (loss * (len(x) / examples.count)).backward()  # type: ignore[no-untyped-call]
                total += float(loss.detach()) * len(x)
                right += _right(outputs.detach(), y)
        accuracy = right / examples.count if self.network.data.classes else float("nan")
        return total / examples.count, accuracy, self.slopes.numpy().astype(np.float64)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (Exception, SystemExit) as error:
            raise InputError(
                f"{self.network.title} cannot be evaluated: {describe_exception(error)}", ("network",)
            ) from error

    def _put(self, weights: npt.NDArray[np.floating]) -> None:
        with torch.no_grad():
            self.weights.copy_(torch.from_numpy(np.array(weights)))


def _right(outputs: Tensor, y: Tensor) -> int:
    return int((outputs.argmax(1) == y).sum()) if y.ndim == 1 and not y.is_floating_point() else 0


def losses(network: Network, seed: int) -> Losses:
    """Build a network's module for evaluations anywhere."""
    module = network.module(seed).eval()
    parameters = [*module.parameters()]
    flat = torch.cat([each.detach().reshape(-1) for each in parameters])
    slopes = torch.zeros_like(flat)
    place = 0
    for each in parameters:
        end = place + each.numel()
        each.data = flat[place:end].view_as(each)
        each.grad = slopes[place:end].view_as(each)
        place = end
    return Losses(network, module, flat, slopes)


def training(network: Network) -> Examples:
    """Return all examples that a network is trained on."""
    return _examples(network.data.x, network.data.y)


def testing(network: Network) -> Examples:
    """Return all examples that a network is tested with; there may be none."""
    return _examples(network.data.x_test, network.data.y_test)


def subset(network: Network, count: int, seed: int) -> Examples:
    """Return so many of the examples that a network is trained on, drawn by a seed, in their order."""
    n = len(network.data.x)
    if count >= n:
        return training(network)
    chosen = np.sort(np.random.default_rng(seed).choice(n, count, replace=False))
    return _examples(network.data.x[chosen], network.data.y[chosen])


def _examples(x: npt.NDArray[np.float32], y: npt.NDArray[np.generic]) -> Examples:
    return Examples(tuple(_parts(x, y)), len(x))


def _parts(x: npt.NDArray[np.float32], y: npt.NDArray[np.generic]) -> Iterator[tuple[Tensor, Tensor]]:
    # What came out of a file may not be written to, of which torch would warn.
    inputs, targets = torch.from_numpy(np.array(x)), torch.from_numpy(np.array(y))
    size = max(1, INPUTS_AT_ONCE * len(x) // max(1, x.size))
    return zip(torch.split(inputs, size), torch.split(targets, size), strict=True) if len(x) else iter(())
