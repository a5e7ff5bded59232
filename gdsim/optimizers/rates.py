"""The effective learning rate of each coordinate, from the state of the classes of torch.optim that adapt it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from torch.optim import Optimizer

from gdsim.objectives import FloatArray

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
