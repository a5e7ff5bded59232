"""Recording of what optimizers hold: `optimizer.state` after each update, and the rates that follow from it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer

from gdsim.errors import InputError
from gdsim.networks import MAX_RECORDING_BYTES
from gdsim.objectives import FloatArray


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


State = Mapping[str, FloatArray]
"""The state after each update, by name: (rows, starts, dim), or (rows, starts) for numbers."""


def effective_rates(class_: type[Optimizer], group: Mapping[str, Any], rates: FloatArray, state: State) -> State:
    """Return what the class multiplies the gradient, or its average, by: `effective_rate`, (rows, starts, dim or 1).

    Without momentum, each step is minus this rate times the gradient. For Adam it is lr / (√v̂ + ε), where v̂ is the
    average of squared gradients without its bias (Kingma and Ba 2015). `trust` is the largest length of a step along
    each coordinate where a class has one, approximately for Adam (ibid., section 2.1).

    Args:
        class_: The class; a class that is derived from one of torch.optim has its rates.
        group: `optimizer.param_groups[0]`, for settings such as `eps`.
        rates: (rows, starts) the learning rates.
        state: The recorded state.

    Returns:
        The two arrays, as far as the class has them.
    """
    names = [each.__name__ for each in class_.__mro__ if each.__module__.startswith("torch.optim")]
    found = {}
    for key, formulas in (("effective_rate", RATES), ("trust", TRUST)):
        if formula := next((formulas[name] for name in names if name in formulas), None):
            with np.errstate(all="ignore"):
                found[key] = formula(group, rates[..., None], state)
    return found


Formula = Callable[[Mapping[str, Any], FloatArray, State], FloatArray]


def _unbiased(group: Mapping[str, Any], state: State) -> FloatArray:
    """Return the factor, (rows, starts, 1), by which an average of squares is too small because it began with 0."""
    return 1 - float(group["betas"][1]) ** state["step"][..., None]


def _adam(group: Mapping[str, Any], lr: FloatArray, state: State) -> FloatArray:
    squares = state["max_exp_avg_sq" if group.get("amsgrad") else "exp_avg_sq"]
    return lr / (np.sqrt(squares / _unbiased(group, state)) + float(group["eps"]))


def _sparse_adam(group: Mapping[str, Any], lr: FloatArray, state: State) -> FloatArray:
    return lr * np.sqrt(_unbiased(group, state)) / (np.sqrt(state["exp_avg_sq"]) + float(group["eps"]))


def _radam(group: Mapping[str, Any], lr: FloatArray, state: State) -> FloatArray:
    beta, step = float(group["betas"][1]), state["step"][..., None]
    most = 2 / (1 - beta) - 1
    length = most - 2 * step * beta**step / (1 - beta**step)
    rectified = np.sqrt((length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length))
    # The first steps are those of SGD with momentum.
    return np.where(length > 5, rectified * _sparse_adam(group, lr, state), lr)


def _rmsprop(group: Mapping[str, Any], lr: FloatArray, state: State) -> FloatArray:
    mean = state["grad_avg"] if group["centered"] else 0.0
    return lr / (np.sqrt(state["square_avg"] - mean**2) + float(group["eps"]))


def _adagrad(group: Mapping[str, Any], lr: FloatArray, state: State) -> FloatArray:
    decayed = lr / (1 + (state["step"][..., None] - 1) * float(group["lr_decay"]))
    return decayed / (np.sqrt(state["sum"]) + float(group["eps"]))


def _adadelta(group: Mapping[str, Any], lr: FloatArray, state: State) -> FloatArray:
    steps = _before(state["acc_delta"], np.array(0.0))
    return lr * np.sqrt(steps + float(group["eps"])) / np.sqrt(state["square_avg"] + float(group["eps"]))


def _before(rows: FloatArray, first: FloatArray) -> FloatArray:
    """Return what was held before each update."""
    return np.concatenate([np.broadcast_to(first, rows[:1].shape), rows[:-1]])


RATES: Mapping[str, Formula] = {
    "SGD": lambda group, lr, state: lr,  # noqa: ARG005
    "ASGD": lambda group, lr, state: _before(state["eta"][..., None], lr[:1]),  # noqa: ARG005
    **dict.fromkeys(("Adam", "AdamW", "NAdam"), _adam),
    "SparseAdam": _sparse_adam,
    "RAdam": _radam,
    "Adamax": lambda group, lr, state: lr / state["exp_inf"],  # noqa: ARG005
    "RMSprop": _rmsprop,
    "Adagrad": _adagrad,
    "Adadelta": _adadelta,
}
"""By class, the factor of the gradient or of its average."""

TRUST: Mapping[str, Formula] = {
    **dict.fromkeys(("Adam", "AdamW", "Adamax"), lambda group, lr, state: lr),  # noqa: ARG005
    "Rprop": lambda group, lr, state: state["step_size"],  # noqa: ARG005
}
"""By class, the largest step along each coordinate."""
