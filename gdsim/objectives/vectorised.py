"""Functions of one point, of coordinates or of a batch, tried and made functions of points (…, dim) to values (…)."""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gdsim.errors import InputError
from gdsim.objectives.failures import KEY, Function, failure, hint_for, name_of

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Form", "dimensions", "note", "vectorised"]

# Points at which a function is tried.
_PROBES = 7
# Batches are filled up to a multiple of this: the last few elements of a tensor are rounded otherwise than
# the rest (in x**4, say), so that a point alone would differ in the last bit from the same in a batch.
_ROWS = 32


class Form(Enum):
    """How a function is written, and therefore called; the value says it in words."""

    BATCH = "written for batches"
    POINT = "written for one point, vectorised"
    LOOP = "written for one point, called for each"


def dimensions(function: Function) -> int:
    """Return the number of coordinates that a function takes, where that can be known.

    `f(x, y)` takes two. A function of one argument is tried with points of one coordinate and more: one that
    unpacks or indexes its point fails with too few; one that serves any number cannot be known.

    Raises:
        InputError: It cannot be known.
    """
    import torch

    fewest, _ = _arguments(function)
    if fewest > 1:
        return fewest
    with _undisturbed():
        fitting = [dim for dim in range(1, 5) if _fits(function, torch.linspace(0.31, 0.73, dim, dtype=torch.float64))]
    # Whoever indexes p[1] is content with more than two coordinates, too; whoever is content with one and with
    # two has no number of its own.
    if not fitting or fitting[:2] == [1, 2]:
        raise InputError(f"give dim: how many coordinates {name_of(function)} takes cannot be told from it", ("dim",))
    return fitting[0]


def vectorised(function: Function, dim: int, bounds: npt.ArrayLike) -> tuple[Callable[[Tensor], Tensor], Form]:
    """Make a function of one point, of its coordinates or of a batch into one of points (…, dim).

    The form is found by trying it on a few points, values and gradients: for f(P) of a batch P (n, dim), then
    with `torch.func.vmap`, then called for each point. A form counts only if it gives what single points give.
    The gradient is held against a central difference, because what is computed outside torch drops out of it
    in silence.

    Args:
        function: Takes a point (dim,), `dim` coordinates, or a batch of either; returns one number a point.
        dim: The number of coordinates of a point.
        bounds: (dim, 2), where the function is tried.

    Returns:
        The function of a float64 tensor (…, dim) to float64 values (…), and the form in which it is called. It
        raises InputError when the function itself raises an exception. A point has the value and gradient that
        it has alone and in any other batch: to the last bit in a loop by construction, and in a batch as far as
        torch rounds all full rows alike, which it is measured to do for powers, sums and products of matrices.

    Raises:
        InputError: The function fails, returns something else than a number a point, is finite nowhere or random,
            or loses its gradient.
    """
    import torch

    points = torch.from_numpy(_probes(np.asarray(bounds, dtype=np.float64).reshape(dim, 2)))
    with _undisturbed():
        call, by_loop = _understood(function, points)
        truth = _evaluated(by_loop, points)
        _check_values(function, by_loop, points, truth)
        _check_gradient(function, call, by_loop, points, truth)
        candidates = {
            Form.BATCH: partial(_by_batch, call),
            Form.POINT: partial(_by_batch, _Call(function, torch.func.vmap(call.function))),
        }
        form = next((form for form, f in candidates.items() if _agrees(f, points, truth)), Form.LOOP)
    return partial(_shaped, candidates.get(form, by_loop)), form


def note(f: Callable[[Tensor], Tensor], bounds: npt.ArrayLike) -> str:
    """Return what a user should know of a function's values; nothing for most.

    Args:
        f: A function of points (…, dim), as `vectorised` returns it.
        bounds: (dim, 2), where it is tried.
    """
    import torch

    with torch.no_grad():
        values = f(torch.from_numpy(_probes(np.asarray(bounds, dtype=np.float64))))
    whole = bool((values == values.round()).all())
    return "" if whole or not _is_single(values) else "Its values are float32, good to 7 digits, cast to float64."


# Calling


class _Call(NamedTuple):
    """A user's function as called with one tensor of points (…, dim)."""

    user: Function
    function: Callable[[Tensor], Any]

    def __call__(self, points: Tensor) -> Any:
        """Call the function, and tell its exceptions in one line."""
        try:
            return self.function(points)
        except (Exception, SystemExit) as error:
            raise failure(self.user, error) from error


def _checked(user: Function, value: Any, shape: tuple[int, ...]) -> Tensor:
    """Insist on a real tensor of a shape; it comes back as float64."""
    import torch

    if not isinstance(value, torch.Tensor):
        told = "nothing" if value is None else f"a {type(value).__name__}"
        raise InputError(f"{name_of(user)} returns {told}, not a tensor", KEY)
    if not value.dtype.is_floating_point:
        kind = "complex" if value.dtype.is_complex else "integer"
        raise InputError(f"{name_of(user)} returns {kind} numbers ({value.dtype}), not real ones", KEY)
    if value.shape != shape:
        message = f"returns a tensor of shape {tuple(value.shape)}, not one number for a point; sum it up?"
        raise InputError(f"{name_of(user)} {message}", KEY)
    return value.to(torch.float64)


def _by_batch(call: _Call, points: Tensor) -> Tensor:
    """Call a function once for points (n, dim)."""
    import torch

    missing = -len(points) % _ROWS
    # Points that nobody asked for must not add to the gradient of the one that they repeat.
    filling = points[-1:].detach().expand(missing, -1)
    filled = torch.cat([points, filling])
    return _checked(call.user, call(filled), (len(filled),))[: len(points)]


def _by_loop(call: _Call, rows: bool, points: Tensor) -> Tensor:
    """Call a function for each of the points (n, dim), given as (1, dim) when it wants rows."""
    import torch

    return torch.stack([_one(call, point.clone(), rows) for point in points])


def _one(call: _Call, point: Tensor, rows: bool) -> Tensor:
    """Call a function for a point; where it returns a constant, the gradient is 0 and not missing."""
    value = call(point.unsqueeze(0) if rows else point)
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = point.new_tensor(float(value))
    checked = _checked(call.user, value, (1,) if rows else ()).reshape(())
    return checked if checked.requires_grad else checked + 0 * point.sum()


def _shaped(f: Callable[[Tensor], Tensor], points: Tensor) -> Tensor:
    """Give points (…, dim) to a function of points (n, dim)."""
    if not points.numel():
        return points.sum(-1)
    return f(points.reshape(-1, points.shape[-1])).reshape(points.shape[:-1])


def _calls(function: Function, dim: int) -> Iterator[_Call]:
    """Yield the ways in which a function may take a point."""
    fewest, most = _arguments(function)
    if fewest <= 1 <= most:
        yield _Call(function, lambda points: function(points))
    if fewest == dim or most == math.inf:
        yield _Call(function, lambda points: function(*points.unbind(-1)))


def _arguments(function: Function) -> tuple[int, float]:
    """Return how many arguments by position a function wants at least, and takes at most."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 1, 1
    positional = [each for each in parameters if each.kind in {each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD}]
    takes_any = any(each.kind is each.VAR_POSITIONAL for each in parameters)
    return sum(each.default is each.empty for each in positional), math.inf if takes_any else len(positional)


# Trying


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Keep a function's warnings and random numbers to the trial, and want its gradients."""
    import torch

    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]), torch.enable_grad():
        warnings.simplefilter("ignore")
        yield


def _probes(bounds: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return points (n, dim) within the bounds that no formula has in mind."""
    shares = np.random.default_rng(271828).uniform(0.06, 0.94, (_PROBES, len(bounds)))
    low, high = bounds.T
    points: npt.NDArray[np.float64] = low + shares * (high - low)
    return points


def _understood(function: Function, points: Tensor) -> tuple[_Call, Callable[[Tensor], Tensor]]:
    """Find how a function takes single points."""
    dim = points.shape[-1]
    failures: list[InputError] = []
    for call in _calls(function, dim):
        for rows in (False, True):
            f = partial(_by_loop, call, rows)
            try:
                f(points.clone().requires_grad_())
            except InputError as failure:
                failures.append(failure)
            else:
                return call, f
    if not failures:
        wanted = "one argument, the point" if dim == 1 else f"one argument, the point, or {dim}, its coordinates"
        raise InputError(f"{name_of(function)} must take {wanted}; it takes {_arguments(function)[0]}", KEY)
    alone, batched = failures[:2]
    # Whoever writes p[:, 0] means a batch, and wants to know what is wrong with that.
    if isinstance(alone.__cause__, IndexError) and str(alone) != str(batched):
        raise InputError(f"given a point, {alone}; given a batch, {batched}", KEY)
    raise alone


def _fits(function: Function, point: Tensor) -> bool:
    try:
        _understood(function, point.unsqueeze(0))
    except InputError:
        return False
    return True


class _Evaluated(NamedTuple):
    values: Tensor
    gradients: Tensor


def _evaluated(f: Callable[[Tensor], Tensor], points: Tensor) -> _Evaluated:
    import torch

    inputs = points.clone().requires_grad_()
    values = f(inputs)
    (gradients,) = torch.autograd.grad(values.sum(), inputs, materialize_grads=True, allow_unused=True)
    return _Evaluated(values.detach(), gradients)


def _agrees(f: Callable[[Tensor], Tensor], points: Tensor, truth: _Evaluated) -> bool:
    """Return whether a form gives the values and gradients of single points, but for rounding."""
    import torch

    epsilon = _epsilon(truth.values)
    try:
        tried = _evaluated(f, points)
    except (InputError, RuntimeError):
        return False
    return all(
        torch.allclose(mine, wanted, math.sqrt(epsilon), 100 * epsilon * _largest(wanted), equal_nan=True)
        for mine, wanted in zip(tried, truth, strict=True)
    )


def _largest(tensor: Tensor) -> float:
    return float(tensor.nan_to_num(0, 0, 0).abs().max())


def _epsilon(values: Tensor) -> float:
    import torch

    return torch.finfo(torch.float32 if _is_single(values) else torch.float64).eps


def _is_single(values: Tensor) -> bool:
    """Return whether values have been through float32."""
    return bool(((values.float().double() == values) | ~values.isfinite()).all())


def _check_values(function: Function, f: Callable[[Tensor], Tensor], points: Tensor, truth: _Evaluated) -> None:
    import torch

    where = f"at all of {len(points)} points within the bounds, such as {_told(points[0])}"
    if not truth.values.isfinite().any():
        raise InputError(f"{name_of(function)} is NaN or infinite {where}", KEY)
    if not truth.gradients.isfinite().all(-1).any():
        raise InputError(f"the gradient of {name_of(function)} is NaN or infinite {where}", KEY)
    if not torch.equal(truth.values.nan_to_num(), f(points).nan_to_num()):
        raise InputError(f"{name_of(function)} gives another value when it is called again at the same point", KEY)


def _check_gradient(
    function: Function, call: _Call, f: Callable[[Tensor], Tensor], points: Tensor, truth: _Evaluated
) -> None:
    """Hold the gradient against central differences, each along a direction that no coordinate has to itself."""
    if not truth.gradients.any():
        _check_attached(function, call, points)
    epsilon = _epsilon(truth.values)
    width = points.amax(0) - points.amin(0)
    directions = width * points.new_tensor(_directions(*points.shape))
    slopes, sizes = (truth.gradients * directions).sum(-1), (truth.gradients * directions).abs().sum(-1)
    agree = ~(truth.values.isfinite() & slopes.isfinite())
    for share in (10, 1, 0.1):
        step = share * epsilon ** (1 / 3)
        ahead, behind = f(points + step * directions).detach(), f(points - step * directions).detach()
        differences = (ahead - behind) / (2 * step)
        rounding = 8 * epsilon * (ahead.abs() + behind.abs()) / step
        agree |= (slopes - differences).abs() <= 2 * epsilon ** (1 / 3) * (sizes + differences.abs()) + rounding
    if not agree.all():
        worst = int((~agree).nonzero()[0])
        numbers = f"autograd gives the slope {slopes[worst]:.6g} and a central difference {differences[worst]:.6g}"
        message = f"{name_of(function)} loses a part of its gradient: at {_told(points[worst])} {numbers}"
        raise InputError(message + hint_for(function), KEY)


def _directions(number: int, dim: int) -> npt.NDArray[np.float64]:
    generator = np.random.default_rng(314159)
    signs = generator.choice([-1.0, 1.0], (number, dim))
    directions: npt.NDArray[np.float64] = signs * generator.uniform(0.4, 1, (number, dim))
    return directions


def _check_attached(function: Function, call: _Call, points: Tensor) -> None:
    """Refuse a function none of whose values hangs on its point."""
    for shaped in (points[0], points[:1]):
        try:
            value = call(shaped.clone().requires_grad_())
        except InputError:
            continue
        if not getattr(value, "requires_grad", False):
            told = "a tensor without one" if hasattr(value, "dtype") else f"a {type(value).__name__}"
            raise InputError(f"{name_of(function)} has no gradient: it returns {told}{hint_for(function)}", KEY)
        return


def _told(point: Tensor) -> str:
    shown = [f"{number:.4g}" for number in point[:4].tolist()]
    return f"({', '.join([*shown, '…'] if len(point) > 4 else shown)})"
