"""Test the user's functions briefly, and convert them to functions of batches of points."""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from gdsim.errors import Code, InputError
from gdsim.objectives.objective import FloatArray
from gdsim.objectives.user_code import KEY, Function, describe_exception, error_location

Batched = Callable[[Tensor], Tensor]
"""A function that maps points (…, dim) to values (…)."""

PROBES = 7
"""The number of points at which a function is tested."""

ROWS = 32
"""The number of rows to whose multiples batches are padded: torch rounds the last few elements of a tensor differently
from the rest (in x**4, for example), so that the result for a point would depend on its batch."""

HINT = "; use torch's functions (torch.sin for math.sin), and no .item(), .detach(), torch.no_grad() or NumPy"


def infer_dim(function: Function) -> int:
    """Return the number of coordinates that a function takes, or raise InputError if it cannot be inferred.

    This is the number of arguments of `f(x, y)`. For a function of one argument it is the smallest number of
    coordinates, from one to four, that succeeds, unless both one and two succeed.
    """
    required, _ = _argument_counts(function)
    if required > 1:
        return required
    dims = []
    with _isolated():
        for dim in range(1, 5):
            with suppress(InputError):
                _single_point_form(function, torch.linspace(0.31, 0.73, dim, dtype=torch.float64).unsqueeze(0))
                dims.append(dim)
    # A function that indexes p[1] also accepts more coordinates; one that accepts both one and two accepts any number.
    if not dims or dims[:2] == [1, 2]:
        message = f"is needed: the number of coordinates of {_name(function)} cannot be inferred"
        raise InputError(message, ("dim",), code="missing")
    return dims[0]


def batched(function: Function, bounds: FloatArray) -> tuple[Batched, str]:
    """Convert a function of one point, of its coordinates or of a batch into a function of points (…, dim).

    Values and gradients at a few points within the bounds (dim, 2) determine how the function is called: with a batch
    (n, dim), through `torch.func.vmap`, or in a loop over the points. The first form that agrees with the results for
    single points is used. The gradient is compared with a central difference, because operations outside torch
    silently drop it.

    A point has bitwise identical values and gradients alone and in any batch: in a loop by construction, and in a batch
    if torch rounds all full rows in the same way, which it does for powers, sums and matrix products.

    Returns:
        The function of points (…, dim), and a description of the form for the user.
    """
    low, high = bounds.T
    shares = np.random.default_rng(271828).uniform(0.06, 0.94, (PROBES, len(bounds)))
    points = torch.from_numpy(low + shares * (high - low))
    with _isolated():
        call, as_row = _single_point_form(function, points)
        single = partial(_call_each, call, as_row)
        try:
            expected = _evaluate(single, points)
        except RuntimeError as error:
            raise _error(function, f"cannot be differentiated: {describe_exception(error)}") from error
        if not expected[1].any():
            value = call((points[:1] if as_row else points[0]).clone().requires_grad_())
            if not getattr(value, "requires_grad", False):
                kind = "a tensor without one" if hasattr(value, "dtype") else f"a {type(value).__name__}"
                raise _error(function, f"has no gradient: it returns {kind}{HINT}")
        _check(function, single, points, *expected)
        forms = {
            "written for batches": partial(_call_batch, call),
            "written for one point, vectorised": partial(_call_batch, _Call(function, torch.func.vmap(call.function))),
            "written for one point, called for each": single,
        }
        form = next(form for form, f in forms.items() if f is single or _agrees(f, points, expected))
    values = expected[0]
    is_float32 = _epsilon(values) > 1e-10 and not torch.equal(values, values.round())
    note = " Its values are float32, good to 7 digits, cast to float64." if is_float32 else ""
    return partial(_reshaped, forms[form]), form + note


def _name(function: Function) -> str:
    name = str(getattr(function, "__name__", ""))
    return name if name and name != "<lambda>" else "the function"


def _error(function: Function, message: str, code: Code = "invalid-value") -> InputError:
    return InputError(f"{_name(function)} {message}", KEY, code=code)


class _Call(NamedTuple):
    """A user's function, wrapped to take one tensor of points (…, dim)."""

    user: Function
    function: Callable[[Tensor], Any]

    def __call__(self, points: Tensor) -> Any:
        """Call the function and convert its exceptions to InputError."""
        try:
            return self.function(points)
        except (Exception, SystemExit) as error:
            reason = describe_exception(error)
            if "Can't call numpy()" in reason:  # torch recommends .detach(), which would lose the gradient
                reason = f"NumPy has no gradients{HINT}"
            elif "dtype" in reason or "scalar type" in reason:
                reason += "; points are float64"
            raise _error(self.user, f"fails{error_location(error)}: {reason}") from error

    def values(self, points: Tensor) -> Tensor:
        """Return the values (…) as float64; the function may return a plain number for a single point."""
        value, shape = self(points), points.shape[:-1]
        if shape.numel() == 1 and isinstance(value, int | float) and not isinstance(value, bool):
            value = points.new_full(shape, value)
        if not isinstance(value, torch.Tensor):
            kind = "nothing" if value is None else f"a {type(value).__name__}"
            raise _error(self.user, f"returns {kind}, not a tensor", "wrong-type")
        if not value.dtype.is_floating_point:
            kind = "complex" if value.dtype.is_complex else "integer"
            raise _error(self.user, f"returns {kind} numbers ({value.dtype}), not real numbers", "wrong-type")
        if value.shape != shape:
            message = f"returns a tensor of shape {tuple(value.shape)}, not one number per point; is a sum missing?"
            raise _error(self.user, message, "wrong-type")
        return value.to(torch.float64)


def _call_batch(call: _Call, points: Tensor) -> Tensor:
    # Detached, so that the padding does not contribute to the gradient of the last point.
    padding = points[-1:].detach().expand(-len(points) % ROWS, -1)
    return call.values(torch.cat([points, padding]))[: len(points)]


def _call_each(call: _Call, as_row: bool, points: Tensor) -> Tensor:
    """Call a function for each of the points (n, dim), as (dim,) or as (1, dim)."""
    values = []
    for point in points:
        own = point.clone()
        value = call.values(own.unsqueeze(0) if as_row else own).reshape(())
        # This gives a constant the gradient 0 instead of None.
        values.append(value if value.requires_grad else value + 0 * own.sum())
    return torch.stack(values)


def _reshaped(f: Batched, points: Tensor) -> Tensor:
    """Call a function of points (n, dim) with points (…, dim)."""
    if not points.numel():
        return points.sum(-1)
    return f(points.reshape(-1, points.shape[-1])).reshape(points.shape[:-1])


def _argument_counts(function: Function) -> tuple[int, float]:
    """Return the minimum and maximum number of positional arguments of a function."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 1, 1
    positional = [each for each in parameters if each.kind in {each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD}]
    takes_any = any(each.kind is each.VAR_POSITIONAL for each in parameters)
    return sum(each.default is each.empty for each in positional), math.inf if takes_any else len(positional)


@contextmanager
def _isolated() -> Iterator[None]:
    """Enable gradients, suppress warnings, and restore torch's random-number generator at the end."""
    with warnings.catch_warnings(action="ignore"), torch.random.fork_rng(devices=[]), torch.enable_grad():
        yield


def _single_point_form(function: Function, points: Tensor) -> tuple[_Call, bool]:
    """Return a call that accepts single points, and whether it takes them as rows (1, dim)."""
    dim = points.shape[-1]
    required, allowed = _argument_counts(function)
    calls = []
    if required <= 1 <= allowed:
        calls.append(_Call(function, lambda points: function(points)))
    if required == dim or allowed == math.inf:
        calls.append(_Call(function, lambda points: function(*points.unbind(-1))))
    failures = []
    for call in calls:
        for as_row in (False, True):
            try:
                _call_each(call, as_row, points.clone().requires_grad_())
            except InputError as failure:
                failures.append(failure)
            else:
                return call, as_row
    if not failures:
        wanted = "one argument, the point" if dim == 1 else f"one argument, the point, or {dim}, its coordinates"
        raise _error(function, f"must take {wanted}; it takes {required}")
    point, batch = failures[:2]
    # A function that indexes p[:, 0] expects a batch, so the error for a batch is relevant too.
    if isinstance(point.__cause__, IndexError) and point.message != batch.message:
        message = f"given a point, {point.message}; given a batch, {batch.message}"
        raise InputError(message, KEY, code=batch.code)
    raise point


def _evaluate(f: Batched, points: Tensor) -> tuple[Tensor, Tensor]:
    inputs = points.clone().requires_grad_()
    values = f(inputs)
    (gradients,) = torch.autograd.grad(values.sum(), inputs, materialize_grads=True, allow_unused=True)
    return values.detach(), gradients


def _agrees(f: Batched, points: Tensor, expected: tuple[Tensor, Tensor]) -> bool:
    """Return whether a form gives the values and gradients of single points, up to rounding."""
    epsilon = _epsilon(expected[0])
    try:
        found = _evaluate(f, points)
    except (InputError, RuntimeError):
        return False
    sizes = [float(wanted.nan_to_num(0, 0, 0).abs().max()) for wanted in expected]
    return all(
        torch.allclose(mine, wanted, math.sqrt(epsilon), 100 * epsilon * size, equal_nan=True)
        for mine, wanted, size in zip(found, expected, sizes, strict=True)
    )


def _epsilon(values: Tensor) -> float:
    is_float32 = ((values.float().double() == values) | ~values.isfinite()).all()
    return torch.finfo(torch.float32 if is_float32 else torch.float64).eps


def _check(function: Function, f: Batched, points: Tensor, values: Tensor, gradients: Tensor) -> None:
    where = f"at all of {len(points)} points within the bounds, such as {_format_point(points[0])}"
    if not values.isfinite().any():
        raise _error(function, f"is NaN or infinite {where}")
    if not gradients.isfinite().all(-1).any():
        raise _error(function, f"has a gradient that is NaN or infinite {where}")
    if not torch.equal(values.nan_to_num(), f(points).nan_to_num()):
        raise _error(function, "gives different values when it is called twice at the same point")
    # Compare the gradient with central differences along directions that are not parallel to an axis.
    epsilon = _epsilon(values)
    rng = np.random.default_rng(314159)
    signs = rng.choice([-1.0, 1.0], points.shape)
    directions = (points.amax(0) - points.amin(0)) * points.new_tensor(signs * rng.uniform(0.4, 1, points.shape))
    slopes, sizes = (gradients * directions).sum(-1), (gradients * directions).abs().sum(-1)
    agree = ~(values.isfinite() & slopes.isfinite())
    for share in (10, 1, 0.1):
        step = share * epsilon ** (1 / 3)
        ahead, behind = f(points + step * directions).detach(), f(points - step * directions).detach()
        differences = (ahead - behind) / (2 * step)
        rounding = 8 * epsilon * (ahead.abs() + behind.abs()) / step
        agree |= (slopes - differences).abs() <= 2 * epsilon ** (1 / 3) * (sizes + differences.abs()) + rounding
    if not agree.all():
        worst = int((~agree).nonzero()[0])
        numbers = f"autograd gives the slope {slopes[worst]:.6g} and a central difference {differences[worst]:.6g}"
        raise _error(function, f"loses a part of its gradient: at {_format_point(points[worst])} {numbers}{HINT}")


def _format_point(point: Tensor) -> str:
    shown = [f"{number:.4g}" for number in point[:4].tolist()]
    return f"({', '.join([*shown, '…'] if len(point) > 4 else shown)})"
