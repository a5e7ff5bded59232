"""Updates of many runs at once, each with its own settings, which `torch.optim` does not offer.

Each kernel does in the same order what the class of the same name does to one tensor (`_single_tensor_…` in
`torch/optim`), so that every run gets the same bits as from the class. A setting is a number, or a float64 tensor
(runs,) of one number per run. Arithmetic with settings alone is in float64, as in Python; its result is rounded once to
the type of the parameters, as torch rounds a number that meets a tensor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

Scalar = float | Tensor
"""A number, or a float64 tensor (runs,)."""


class Settings(SimpleNamespace):
    """The settings of a class by name as attributes; elements of pairs are numbered, as `betas_0`.

    Args:
        fixed: The settings that all runs share, as in the `defaults` of an optimizer.
        varied: The others, each (runs,) in float64.
    """

    def __init__(self, fixed: Mapping[str, Any], varied: Mapping[str, Tensor]) -> None:
        pairs = {
            f"{name}_{index}": each
            for name in fixed
            if isinstance(fixed[name], tuple | list)
            for index, each in enumerate(fixed[name])
        }
        super().__init__(**{**fixed, **pairs, **varied})
        self._different = {name: torch.unique(each, return_inverse=True) for name, each in varied.items()}

    def each(self, name: str, function: Callable[[float], float]) -> Scalar:
        """Apply a function of one number to a setting, with the mathematics of Python, once per different number."""
        if name not in self._different:
            return function(getattr(self, name))
        values, places = self._different[name]
        results: Tensor = values.new_tensor([function(each) for each in values.tolist()])
        return results[places]

    def is_used(self, name: str) -> bool:
        """Return whether a setting is different from 0 in any run."""
        return name in self._different or bool(getattr(self, name))


class State(dict[str, Tensor]):
    """The tensors that a class keeps between steps, and the number of the current step, from 1."""

    step = 1

    def get_or_zeros(self, name: str, like: Tensor) -> Tensor:
        """Return a tensor, of zeros at first."""
        return self.setdefault(name, torch.zeros_like(like))


Kernel = Callable[[Tensor, Tensor, State, Settings], None]
"""Updates points (dim, runs) in place, given gradients (dim, runs), the state and the settings."""


def sgd(p: Tensor, g: Tensor, state: State, h: Settings) -> None:
    """Update as `torch.optim.SGD`."""
    g = _decayed(g, p, h)
    if h.is_used("momentum"):
        if state.step == 1:
            buffer = state["buffer"] = g.clone()
        else:
            # Without momentum, the class does not dampen either.
            dampens = h.each("momentum", lambda momentum: float(momentum != 0)) if h.is_used("dampening") else 0
            buffer = _add(state["buffer"].mul_(_as(p, h.momentum)), g, 1 - dampens * h.dampening)
        g = _add(g.clone(), buffer, h.momentum) if h.nesterov else buffer
    _add(p, g, -h.lr)


def adam(p: Tensor, g: Tensor, state: State, h: Settings) -> None:
    """Update as `torch.optim.Adam`, and as `AdamW` if `decoupled_weight_decay` is set."""
    g = _decayed(g, p, h)
    mean, square = _averages(p, g, state, h)
    if h.amsgrad:
        largest = state.get_or_zeros("largest", p)
        square = torch.maximum(largest, square, out=largest)
    correction = h.each("betas_1", lambda beta: (1 - beta**state.step) ** 0.5)
    root = square.sqrt().div_(_as(p, correction)).add_(_as(p, h.eps))
    _add_quotient(p, mean, root, -_ratio(h.lr, h.each("betas_0", lambda beta: 1 - beta**state.step)))


def nadam(p: Tensor, g: Tensor, state: State, h: Settings) -> None:
    """Update as `torch.optim.NAdam`."""
    g = _decayed(g, p, h)
    now = h.betas_0 * h.each("momentum_decay", lambda decay: 1.0 - 0.5 * (0.96 ** (state.step * decay)))
    following = h.betas_0 * h.each("momentum_decay", lambda decay: 1.0 - 0.5 * (0.96 ** ((state.step + 1) * decay)))
    # The class keeps this product in single precision.
    product = state.setdefault("product", torch.ones((), dtype=torch.float32))
    state["product"] = product = product * torch.as_tensor(now, dtype=torch.float32)
    product = product.double()
    mean, square = _averages(p, g, state, h)
    root = square.div(_as(p, h.each("betas_1", lambda beta: 1 - beta**state.step))).sqrt_().add_(_as(p, h.eps))
    _add_quotient(p, g, root, _ratio(-h.lr * (1.0 - now), 1.0 - product))
    _add_quotient(p, mean, root, _ratio(-h.lr * following, 1.0 - product * following))


def radam(p: Tensor, g: Tensor, state: State, h: Settings) -> None:
    """Update as `torch.optim.RAdam`."""
    g = _decayed(g, p, h)
    mean, square = _averages(p, g, state, h)
    corrected = mean / _as(p, h.each("betas_0", lambda beta: 1 - beta**state.step)) * _as(p, h.lr)
    root = square.sqrt().add_(_as(p, h.eps))
    adaptive = root.reciprocal_() * _as(p, h.each("betas_1", lambda beta: (1 - beta**state.step) ** 0.5))
    rectification = h.each("betas_1", lambda beta: _rectification(beta, state.step))
    rectified = torch.as_tensor(rectification, dtype=torch.float64) > 0
    p.sub_(torch.where(rectified, corrected * adaptive * _as(p, rectification), corrected))


def _rectification(beta: float, step: int) -> float:
    """Return the factor by which RAdam rectifies the variance; 0 while it is not."""
    limit = 2 / (1 - beta) - 1
    length = limit - 2 * step * (beta**step) / (1 - beta**step)
    if length <= 5.0:
        return 0.0
    return float(((length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length)) ** 0.5)


def adamax(p: Tensor, g: Tensor, state: State, h: Settings) -> None:
    """Update as `torch.optim.Adamax`."""
    g = _decayed(g, p, h)
    mean, largest = state.get_or_zeros("mean", p), state.get_or_zeros("largest", p)
    _lerp(mean, g, 1 - h.betas_0)
    torch.maximum(largest.mul_(_as(p, h.betas_1)), g.abs().add_(_as(p, h.eps)), out=largest)
    _add_quotient(p, mean, largest, -_ratio(h.lr, h.each("betas_0", lambda beta: 1 - beta**state.step)))


def rmsprop(p: Tensor, g: Tensor, state: State, h: Settings) -> None:
    """Update as `torch.optim.RMSprop`."""
    g = _decayed(g, p, h)
    square = _average_squares(state.get_or_zeros("square", p), g, h.alpha)
    if h.centered:
        mean = state.get_or_zeros("mean", p)
        _lerp(mean, g, 1 - h.alpha)
        square = square.addcmul(mean, mean, value=-1)
    root = square.sqrt().add_(_as(p, h.eps))
    if not h.is_used("momentum"):
        _add_quotient(p, g, root, -h.lr)
        return
    without = _add_quotient(p.clone(), g, root, -h.lr)
    buffer = state.get_or_zeros("buffer", p).mul_(_as(p, h.momentum)).addcdiv_(g, root)
    p.copy_(torch.where(torch.as_tensor(h.momentum) == 0, without, _add(p, buffer, -h.lr)))


def adagrad(p: Tensor, g: Tensor, state: State, h: Settings) -> None:
    """Update as `torch.optim.Adagrad`."""
    g = _decayed(g, p, h)
    if state.step == 1:
        state["sum"] = torch.zeros_like(p) + _as(p, h.initial_accumulator_value)
    total = state["sum"].addcmul_(g, g, value=1)
    _add_quotient(p, g, total.sqrt().add_(_as(p, h.eps)), -_ratio(h.lr, 1 + (state.step - 1) * h.lr_decay))


def adadelta(p: Tensor, g: Tensor, state: State, h: Settings) -> None:
    """Update as `torch.optim.Adadelta`."""
    g = _decayed(g, p, h)
    accumulated = state.get_or_zeros("accumulated", p)
    square = _average_squares(state.get_or_zeros("square", p), g, h.rho)
    root = square.add(_as(p, h.eps)).sqrt_()
    delta = accumulated.add(_as(p, h.eps)).sqrt_().div_(root).mul_(g)
    _average_squares(accumulated, delta, h.rho)
    _add(p, delta, -h.lr)


def rprop(p: Tensor, g: Tensor, state: State, h: Settings) -> None:
    """Update as `torch.optim.Rprop`."""
    if state.step == 1:
        state["sizes"], state["previous"] = torch.zeros_like(p) + _as(p, h.lr), torch.zeros_like(p)
    sign = g * state["previous"]
    low, high, smaller, larger = (
        torch.as_tensor(each, dtype=p.dtype, device=p.device)
        for each in (h.step_sizes_0, h.step_sizes_1, h.etas_0, h.etas_1)
    )
    factors = torch.where(sign > 0, larger, torch.where(sign < 0, smaller, torch.ones_like(smaller)))
    sizes = state["sizes"].mul_(factors).clamp_(low, high)
    g = state["previous"] = torch.where(sign < 0, 0.0, g)
    p.addcmul_(g.sign(), sizes, value=-1)


KERNELS: Mapping[str, Kernel] = {
    "SGD": sgd,
    "Adam": adam,
    "AdamW": adam,
    "NAdam": nadam,
    "RAdam": radam,
    "Adamax": adamax,
    "RMSprop": rmsprop,
    "Adagrad": adagrad,
    "Adadelta": adadelta,
    "Rprop": rprop,
}


def _as(p: Tensor, scalar: Scalar) -> Any:
    """Return a scalar in the type of the points, if it is a tensor."""
    return scalar.to(p.dtype) if isinstance(scalar, Tensor) else scalar


def _ratio(numerator: Scalar, denominator: Scalar) -> Scalar:
    """Divide; torch divides a number by a tensor as a product with the reciprocal, which rounds twice."""
    return (
        torch.as_tensor(numerator, dtype=torch.float64) / denominator
        if isinstance(denominator, Tensor)
        else numerator / denominator
    )


def _decayed(g: Tensor, p: Tensor, h: Settings) -> Tensor:
    """Return the gradient with weight decay; decoupled decay is applied to the points."""
    if not h.is_used("weight_decay"):
        return g
    if getattr(h, "decoupled_weight_decay", False):
        p.mul_(_as(p, 1 - h.lr * h.weight_decay))
        return g
    return _add(g.clone(), p, h.weight_decay)


def _add(target: Tensor, tensor: Tensor, factor: Scalar) -> Tensor:
    """Add a multiple of a tensor in place."""
    if isinstance(factor, Tensor):
        return target.addcmul_(tensor, _as(target, factor))
    return target.add_(tensor, alpha=factor)


def _lerp(target: Tensor, tensor: Tensor, weight: Scalar) -> Tensor:
    return target.lerp_(tensor, _as(target, weight).expand_as(target) if isinstance(weight, Tensor) else weight)


def _averages(p: Tensor, g: Tensor, state: State, h: Settings) -> tuple[Tensor, Tensor]:
    """Return the moving averages of the gradient and of its square, with the weights `betas` of what was before."""
    mean = _lerp(state.get_or_zeros("mean", p), g, 1 - h.betas_0)
    return mean, _average_squares(state.get_or_zeros("square", p), g, h.betas_1)


def _average_squares(average: Tensor, tensor: Tensor, decay: Scalar) -> Tensor:
    """Update a moving average of squares in place; the factor of the new ones is multiplied first."""
    average.mul_(_as(average, decay))
    if isinstance(decay, Tensor):
        return average.addcmul_(_as(average, 1 - decay) * tensor, tensor)
    return average.addcmul_(tensor, tensor, value=1 - decay)


def _add_quotient(target: Tensor, one: Tensor, other: Tensor, factor: Scalar) -> Tensor:
    """Add a multiple of a quotient in place; the factor is multiplied first."""
    if isinstance(factor, Tensor):
        return target.addcdiv_(_as(target, factor) * one, other)
    return target.addcdiv_(one, other, value=factor)
