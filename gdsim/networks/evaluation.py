"""Evaluation of a network's loss, gradient and accuracy at given weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from gdsim.interrupts import pause
from gdsim.networks.data import Data
from gdsim.networks.network import INPUTS_AT_ONCE, Network, module_errors
from gdsim.objectives import FloatArray


class Examples:
    """Inputs with their targets, in parts small enough to be evaluated at once.

    Attributes:
        parts: Pairs of inputs (n, …) and targets (n,) or (n, outputs).
        count: The total number of examples.
    """

    def __init__(
        self, x: npt.NDArray[np.float32], y: npt.NDArray[np.generic], precision: torch.dtype = torch.float32
    ) -> None:
        self.count = len(x)
        # Copies, because torch warns about arrays that are not writable.
        inputs, targets = torch.from_numpy(np.array(x)).to(precision), torch.from_numpy(np.array(y))
        targets = targets.to(precision) if targets.is_floating_point() else targets
        size = max(1, INPUTS_AT_ONCE * len(x) // max(1, x.size))
        parts = zip(torch.split(inputs, size), torch.split(targets, size), strict=True) if len(x) else ()
        self.parts: tuple[tuple[Tensor, Tensor], ...] = tuple(parts)


@dataclass(frozen=True)
class Score:
    """The mean loss of examples, and the fraction that is classified correctly (NaN for regression)."""

    loss: float
    accuracy: float


class Evaluator:
    """Evaluates a network at given weights, by default in single precision as in training, and without dropout.

    All parameters of `module` are views of one tensor, and all their gradients are views of another.
    """

    def __init__(self, network: Network, seed: int, precision: torch.dtype = torch.float32) -> None:
        self.network, self.module = network, network.module(seed).eval().to(precision)
        self._seed, self._precision = seed, precision
        parameters = [*self.module.parameters()]
        self._weights = torch.cat([each.detach().reshape(-1) for each in parameters])
        self._gradient = torch.zeros_like(self._weights)
        views = shaped(self._weights, parameters), shaped(self._gradient, parameters)
        for each, data, gradient in zip(parameters, *views, strict=True):
            each.data, each.grad = data, gradient

    def examples(self, count: int | None = None) -> Examples:
        """Return `count` random training examples in their original order, or all if `count` is None."""
        data = self.network.data
        if count is None or count >= len(data.x):
            return Examples(data.x, data.y, self._precision)
        chosen = np.sort(np.random.default_rng(self._seed).choice(len(data.x), count, replace=False))
        return Examples(data.x[chosen], data.y[chosen], self._precision)

    def gradient(self, weights: npt.NDArray[np.floating], examples: Examples) -> tuple[Score, FloatArray]:
        """Return the score, and the gradient (weights,) of the mean loss."""
        self._gradient.zero_()
        score = self.score(weights, examples, differentiate=True)
        return score, self._gradient.numpy().astype(np.float64)

    def score(self, weights: npt.NDArray[np.floating], examples: Examples, *, differentiate: bool = False) -> Score:
        """Return the score of examples at weights (weights,), which is NaN without examples.

        With `differentiate` the gradient of the mean loss is added to that of the module.
        """
        if not examples.count:
            return Score(float("nan"), float("nan"))
        with torch.no_grad():
            self._weights.copy_(torch.from_numpy(np.array(weights)))
        total, correct = 0.0, 0
        with module_errors(f"{self.network.title} cannot be evaluated"), torch.set_grad_enabled(differentiate):
            for x, y in examples.parts:
                pause()
                outputs = self.module(x)
                loss = self.network.loss(outputs, y)
                if differentiate:
                    (loss * (len(x) / examples.count)).backward()  # type: ignore[no-untyped-call]
                total += float(loss.detach()) * len(x)
                if self.network.data.classes:
                    correct += int((outputs.detach().argmax(1) == y).sum())
        accuracy = correct / examples.count if self.network.data.classes else float("nan")
        return Score(total / examples.count, accuracy)


def shaped(values: Tensor, parameters: Sequence[Tensor]) -> list[Tensor]:
    """Return views of values (weights,) with the parameters' shapes."""
    parts = torch.split_with_sizes(values, [each.numel() for each in parameters])
    return [part.view_as(each) for part, each in zip(parts, parameters, strict=True)]


def set_weights(module: nn.Module, weights: npt.NDArray[np.floating] | None, data: Data) -> None:
    """Set the weights of a module, and make its output for an example independent of the rest of the batch.

    Dropout is disabled, and batch normalization uses the statistics of all training data. The parameters no longer
    require gradients. With `weights=None` the module keeps its weights.
    """
    module.requires_grad_(False)
    if weights is not None:
        torch.nn.utils.vector_to_parameters(torch.from_numpy(np.array(weights, np.float32)), module.parameters())
    module.eval()
    norms = [each for each in module.modules() if isinstance(each, _BatchNorm)]
    for each in norms:
        like = next(module.parameters())
        each.running_mean, each.running_var = like.new_zeros(each.num_features), like.new_ones(each.num_features)
        each.track_running_stats, each.momentum = True, 1.0  # the statistics are those of the single batch below
        each.train()
    if norms:
        with torch.no_grad():
            module(torch.from_numpy(np.array(data.x, np.float32)))
        module.eval()
