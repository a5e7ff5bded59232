"""What is recorded of one optimizer on a network at each step: norms always, the weights themselves now and then."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from gdsim.errors import InputError
from gdsim.networks import Network
from gdsim.networks.npz import SIZE_LIMIT
from gdsim.objectives import FloatArray
from gdsim.simulation.trajectory import IntArray, Stop

__all__ = ["Record", "kept_steps"]

MOST_KEPT = 2**26
"""So many bytes of weights are kept of all optimizers of a network together, where nothing else is said."""

CHUNK = 2**22
"""Weights and gradients are held for so many bytes of steps, at least two steps, before their norms are taken."""


def kept_steps(network: Network, steps: int, optimizers: int) -> IntArray:
    """Return the steps, from 0, at which the weights of a network are kept, the last one among them.

    Args:
        network: Says by `every` how often; by default it is as often as 64 MiB for all optimizers allow.
        steps: How many updates are taken.
        optimizers: By how many optimizers the network is trained.

    Raises:
        InputError: All that is recorded would be out of reason.
    """
    row = 4 * network.weights * optimizers
    fitting = max(1, math.ceil(steps / max(1, MOST_KEPT // row - 1)))
    every = fitting if network.every is None else network.every
    kept = np.union1d(np.arange(0, steps + 1, every), steps)
    if len(kept) * row > max(SIZE_LIMIT // 4, 2 * row):
        size = (
            f"{len(kept)} times {network.weights} weights of {optimizers} optimizers take {len(kept) * row / 2**30:.3g}"
        )
        raise InputError(f"{size} GiB to keep; every {fitting} steps would be enough for a picture", ("record_every",))
    norms = (steps + 1) * (2 * len(network.layers()) + 16) * 8 * optimizers
    if norms > SIZE_LIMIT // 4:
        size = f"{steps} steps of {optimizers} optimizers would take {norms / 2**30:.3g} GiB to record"
        raise InputError(f"{size}; at most {SIZE_LIMIT / 2**32:.3g} are allowed", ("steps",))
    return kept


class Record:
    """What one optimizer leaves behind, row by row; row k is where gradient k was taken.

    Attributes:
        losses: (steps + 1,) of the mini-batches; NaN where no row was added.
        rates: (steps + 1,) the learning rates.
        evaluations: (steps + 1,) how many gradients had been asked for.
        weights: (kept, weights) float32.
        weight_norms: (steps + 1, parameters) the norm of each parameter.
        gradient_norms: (steps + 1, parameters) the norm of each parameter's gradient.
        moves: (steps + 1,) how far the update from each row leads in the space of all weights; NaN where none is taken.
    """

    def __init__(self, steps: int, kept: IntArray, sizes: Sequence[int]) -> None:
        """Make room.

        Args:
            steps: How many updates are taken.
            kept: (kept,) the steps whose weights are kept.
            sizes: How many weights each parameter has.
        """
        self.losses, self.rates, self.moves = (np.full(steps + 1, np.nan) for _ in range(3))
        self.evaluations = np.zeros(steps + 1, dtype=np.int64)
        self.weights = np.empty((len(kept), sum(sizes)), dtype=np.float32)
        self.weight_norms, self.gradient_norms = (np.full((steps + 1, len(sizes)), np.nan) for _ in range(2))
        self._kept, self._sizes = kept, list(sizes)
        rows = min(steps + 1, 256, max(2, CHUNK // (4 * sum(sizes))))
        # The first row is the last of the chunk before, from which its first move leads.
        self._weights, self._gradients = torch.empty(rows + 1, sum(sizes)), torch.zeros(rows + 1, sum(sizes))
        self._first, self._filled = 0, 0
        self._bad: int | None = None
        self._last: Tensor | None = None
        self._nothing = [torch.zeros(size) for size in sizes]

    def add(self, loss: float, rate: float, evaluations: int, parameters: Sequence[Tensor]) -> None:
        """Record a row.

        Args:
            loss: The loss of its mini-batch.
            rate: The learning rate of the update that it leads to.
            evaluations: How many gradients have been asked for, its own included.
            parameters: With the gradients of its mini-batch.
        """
        row = self._first + self._filled
        self.losses[row], self.rates[row], self.evaluations[row] = loss, rate, evaluations
        self._filled += 1
        gradients = [
            nothing if (gradient := each.grad) is None else _dense(gradient)
            for each, nothing in zip(parameters, self._nothing, strict=True)
        ]
        with torch.no_grad():
            torch.cat([each.reshape(-1) for each in parameters], out=self._weights[self._filled])
            torch.cat([each.reshape(-1) for each in gradients], out=self._gradients[self._filled])
        if self._filled == len(self._weights) - 1:
            self._settle()

    @property
    def is_real(self) -> bool:
        """Whether all rows are finite, as far as they have been looked at."""
        return self._bad is None

    def finish(self) -> tuple[int, Stop]:
        """Repeat the last real row to the end; return its number, or that of the first at rest, and how it ended."""
        self._settle()
        last = len(self.losses) - 1
        bad = self._bad if self._bad is not None else self._first
        if bad <= last:
            self._repeat(max(bad - 1, 0))
            return max(bad - 1, 0), Stop.DIVERGED
        moved = np.flatnonzero(self.moves[:-1] != 0)
        rest = int(moved[-1]) + 1 if len(moved) else 0
        # It is not the learning rate alone that rests.
        at_rest = rest < last and self.rates[rest:-1].any()
        return (rest, Stop.CONVERGED) if at_rest else (last, Stop.RAN)

    def _repeat(self, row: int) -> None:
        for each in (self.losses, self.rates, self.evaluations, self.weight_norms, self.gradient_norms):
            each[row + 1 :] = each[row]
        self.moves[row:] = np.nan
        if self._last is not None:
            self.weights[np.searchsorted(self._kept, row, "right") :] = self._last

    def _settle(self) -> None:
        """Take the norms of the rows added since the last time, and keep the weights of those that are to be kept."""
        first, filled = self._first, self._filled
        if not filled:
            return
        end = first + filled
        weights, gradients = self._weights[1 : filled + 1], self._gradients[1 : filled + 1]
        self.weight_norms[first:end], self.gradient_norms[first:end] = self._norms(weights), self._norms(gradients)
        known = 0 if first else 1
        moves = torch.diff(self._weights[known : filled + 1], dim=0)
        self.moves[first - 1 + known : end - 1] = torch.linalg.vector_norm(moves, dim=1, dtype=torch.float64)
        low, high = np.searchsorted(self._kept, (first, end))
        chosen = torch.from_numpy(self._kept[low:high] - first)
        torch.index_select(weights, 0, chosen, out=torch.from_numpy(self.weights[low:high]))
        self._look_for_bad(first, end)
        self._weights[0] = weights[-1]
        self._first, self._filled = end, 0

    def _look_for_bad(self, first: int, end: int) -> None:
        if self._bad is not None:
            return
        figures = (self.losses[first:end, None], self.weight_norms[first:end], self.gradient_norms[first:end])
        real = np.isfinite(np.concatenate(figures, axis=1)).all(1)
        if not real.all():
            self._bad = first + int(real.argmin())
        last = end if self._bad is None else max(self._bad, 1)
        self._last = self._weights[last - first].clone()

    def _norms(self, rows: Tensor) -> FloatArray:
        parts = torch.split_with_sizes(rows, self._sizes, dim=1)
        norms = [torch.linalg.vector_norm(part, dim=1, dtype=torch.float64) for part in parts]
        return torch.stack(norms, dim=1).numpy()


def _dense(gradient: Tensor) -> Tensor:
    return gradient.to_dense() if gradient.is_sparse else gradient
