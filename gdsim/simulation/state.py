"""Recording of what optimizers hold: `optimizer.state` after each update, and the rates that follow from it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer

from gdsim.errors import InputError
from gdsim.networks import MAX_RECORDING_BYTES
from gdsim.objectives import FloatArray
from gdsim.optimizers.rates import effective_rates


class StateRecord:
    """The tensors and numbers that an optimizer holds for each start, in float64.

    Attributes:
        arrays: By name in `optimizer.state`, (rows, starts, …); NaN where the optimizer holds none. Tensors whose shape
            changes, and other objects such as lists, are left out.
    """

    def __init__(self, rows: int, starts: int, dim: int) -> None:
        self.arrays: dict[str, FloatArray] = {}
        self._rows, self._starts, self._dim = rows, starts, dim
        self._changing: set[str] = set()

    def add(self, row: int, starts: slice, parameter: Tensor, state: Mapping[str, Any]) -> None:
        """Record the state of a parameter that holds the coordinates of some starts.

        Raises:
            InputError: The record would exceed the memory limit.
        """
        for name, tensor in _numbers(state):
            own = tensor.reshape(-1, self._dim) if tensor.shape == parameter.shape else tensor[None]
            self._write(row, starts, name, own.double().numpy())

    def add_norms(self, row: int, states: Iterable[tuple[Tensor, Mapping[str, Any]]]) -> None:
        """Record the norm of each tensor over all parameters of a network, and the numbers of the first parameter."""
        found: dict[str, float] = {}
        for _, state in states:
            for name, tensor in _numbers(state):
                if tensor.ndim:
                    norm = torch.linalg.vector_norm(tensor, dtype=torch.float64).item()
                    found[name] = math.hypot(found.get(name, 0.0), norm)
                else:
                    found.setdefault(name, tensor.item())
        for name, number in found.items():
            self._write(row, slice(None), name, np.array(number))

    def _write(self, row: int, starts: slice, name: str, values: FloatArray) -> None:
        if name in self._changing:
            return
        shape = (self._rows, self._starts, *values.shape[1:])
        array = self.arrays.get(name)
        if array is None:
            size = sum(each.nbytes for each in self.arrays.values()) + 8 * math.prod(shape)
            if size > MAX_RECORDING_BYTES:
                message = (
                    f"the state would take {size / 2**30:.3g} GiB; at most {MAX_RECORDING_BYTES / 2**30:g} are kept"
                )
                raise InputError(message, ("record",), code="too-large")
            array = self.arrays[name] = np.full(shape, np.nan)
        if array.shape != shape:
            self._changing.add(name)
            del self.arrays[name]
            return
        array[row, starts] = values


def rate_factors(
    class_: type[Optimizer], group: Mapping[str, Any], states: Iterable[tuple[Tensor, Mapping[str, Any]]]
) -> FloatArray:
    """Return the effective rate of each weight of a network in multiples of the learning rate, (weights,)."""
    held: dict[str, list[Tensor]] = {}
    for _, state in states:
        for name, tensor in _numbers(state):
            held.setdefault(name, []).append(tensor.double().reshape(-1))
    flat = {name: torch.cat(each).numpy()[None, None] for name, each in held.items()}
    flat["step"] = flat["step"][..., 0]  # is the same for all parameters
    rates: FloatArray = effective_rates(class_, group, np.ones((1, 1)), flat)["effective_rate"][0, 0]
    return rates


def _numbers(state: Mapping[str, Any]) -> Iterator[tuple[str, Tensor]]:
    for name, value in state.items():
        if isinstance(value, Tensor | int | float):
            yield name, torch.as_tensor(value).detach()
