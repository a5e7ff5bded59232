"""Objective functions, their gradients at a point, and a quick search for their local minima."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from gdsim.errors import InputError
from gdsim.interrupts import pause

if TYPE_CHECKING:
    from torch import Tensor

FloatArray = npt.NDArray[np.float64]

# The limits of the width of a view: squares of smaller widths underflow, small multiples of larger ones overflow.
MIN_WIDTH, MAX_WIDTH = 1e-280, 1e300
MIN_RELATIVE_WIDTH = 1e-12  # of a view's largest bound: in a narrower one few numbers are distinct

STEEPEST = 1e100
"""The ratio of slope to central difference above which a slope is considered infinite."""

# The number of points evaluated at once: large enough to amortize the cost of a call, small enough for the CPU cache (a
# backward pass through the longest formula needs about 20 MB).
_CHUNK = 2**14

STEPS = 40  # of Newton's method in the search for minima, each of which evaluates all points together
DIFFERENCE = 1e-6  # the distance of the gradients whose difference gives second derivatives, relative to a point
RING = 1e-3  # the radius of the circle of higher values around a local minimum, as a fraction of the view's width
STRICT = 1e-12  # the lowest value on that circle is higher by at least this fraction of what the highest one is

_empty = partial(np.empty, 0)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Objective:
    """A function to minimize and its properties.

    Networks and images that are optimized are subclasses with another `kind`. All arrays are copied and made read-only.

    Args:
        name: The name in the catalogue, such as "styblinski_tang", or a name chosen by the user.
        title: The name for display, such as "Styblinski–Tang".
        f: Maps a float64 tensor of points (…, dim) to values (…). Values and gradients are bitwise identical for a
            single point, in a batch, and in any memory layout.
        bounds: (dim, 2) the low and high end of the view, per coordinate.
        source: A description of the origin of the function.
        bounds_origin: Who chose the bounds: "given" by the user, "catalog", where a picture may widen them to hold the
            paths, nobody ("default"), so that a picture fits its view to the paths, or "fitted" so.
        start: (dim,) the default start; by default at a fifth of the view from its lower bounds.
        minima: (m, dim) all global minima within the default view; m is 0 if none is known.
        minimum: The value at the minima, None if unknown.
        local_minima: (l, dim) other local minima to mark.
        formula: The right-hand side in LaTeX without dollar signs, in matplotlib's mathtext subset. The variables are x
            and y in one or two dimensions, x_i in any number of dimensions.
        parameters: The numeric parameters of the function, by name.
        variables: The names in a picture of the coordinates of a function of one or two.
        domain: (dim, 2) the bounds outside of which a function given by samples is undefined; infinite by default.
    """

    kind: ClassVar[Literal["function", "network", "image"]] = "function"

    name: str
    title: str
    f: Callable[[Tensor], Tensor]
    bounds: FloatArray
    source: str
    bounds_origin: Literal["given", "catalog", "default", "fitted"] = "given"
    start: FloatArray = field(default_factory=_empty)
    minima: FloatArray = field(default_factory=_empty)
    minimum: float | None = None
    local_minima: FloatArray = field(default_factory=_empty)
    formula: str = ""
    parameters: Mapping[str, float] = field(default_factory=dict)
    variables: tuple[str, ...] = ("x", "y")
    domain: FloatArray = field(default_factory=_empty)

    def __post_init__(self) -> None:
        low, high = self.bounds.T
        arrays = {
            "bounds": self.bounds,
            "start": self.start if len(self.start) else low + 0.2 * (high - low),
            "minima": self.minima.reshape(-1, self.dim),
            "local_minima": self.local_minima.reshape(-1, self.dim),
            "domain": self.domain if len(self.domain) else np.tile([-np.inf, np.inf], (self.dim, 1)),
        }
        for name, array in arrays.items():
            object.__setattr__(self, name, read_only(array))

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.title}, {self.dim} dimension{'s' * (self.dim != 1)}>"

    @property
    def dim(self) -> int:
        """The number of coordinates of a point."""
        return len(self.bounds)

    @property
    def value_name(self) -> str:
        """The name of the values in a picture."""
        return f"f({', '.join(self.variables[: self.dim])})" if self.dim <= 2 else "f"

    @property
    def gap_name(self) -> str:
        """The name in a picture of the values above the minimum; that of the values if the minimum is unknown."""
        return self.value_name if self.minimum is None else "f − f*"

    @property
    def lower_bound(self) -> float | None:
        """A number that no value is below, if one is known."""
        return self.minimum

    @property
    def parameter_shapes(self) -> int | Sequence[Sequence[int]]:
        """What an optimizer updates: `dim` coordinates or, of a network, parameters of these shapes."""
        return self.dim

    @property
    def diagonal(self) -> float:
        """The length of the diagonal of the view."""
        return float(np.linalg.norm(np.diff(self.bounds)))

    @property
    def is_measured(self) -> bool:
        """Whether the function is defined only within its `domain`."""
        return bool(np.isfinite(self.domain).all())

    def values(self, points: npt.ArrayLike) -> FloatArray:
        """Return the values (…) at points (…, dim).

        Raises:
            InputError: The length of the last axis of `points` is not `dim`.
        """
        import torch

        rows, shape = self._rows(points)
        values = np.empty(len(rows))
        with torch.no_grad():
            for chunk in _chunks(len(rows)):
                values[chunk] = self.f(torch.from_numpy(rows[chunk])).numpy()
        return values.reshape(shape)

    def fingerprint(self) -> bytes:
        """Return numbers that differ for different functions: the values at a few points of the view."""
        low, high = self.bounds.T
        return self.values(low + np.random.default_rng(0).random((16, self.dim)) * (high - low)).tobytes()

    def gradients(self, points: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Return the values (…) and the gradients (…, dim) at points (…, dim), with a backward pass for many points.

        Raises:
            InputError: The length of the last axis of `points` is not `dim`.
        """
        import torch

        rows, shape = self._rows(points)
        values, gradients = np.empty(len(rows)), np.empty(rows.shape)
        for chunk in _chunks(len(rows)):
            inputs = torch.from_numpy(rows[chunk]).requires_grad_()
            with torch.enable_grad():
                outputs = self.f(inputs)
            (slopes,) = torch.autograd.grad(outputs.sum(), inputs)
            values[chunk], gradients[chunk] = outputs.detach().numpy(), slopes.numpy()
        return values.reshape(shape), gradients.reshape(*shape, self.dim)

    def hessians(self, points: npt.ArrayLike) -> FloatArray:
        """Return the exact Hessians (…, dim, dim) at points (…, dim), with a backward pass per coordinate.

        Raises:
            InputError: The length of the last axis of `points` is not `dim`.
        """
        import torch

        rows, shape = self._rows(points)
        hessians = np.zeros((len(rows), self.dim, self.dim))
        for chunk in _chunks(len(rows)):
            inputs = torch.from_numpy(rows[chunk]).requires_grad_()
            with torch.enable_grad():
                (slopes,) = torch.autograd.grad(self.f(inputs).sum(), inputs, create_graph=True)
            # The gradient of a linear function is constant.
            for i in range(self.dim if slopes.requires_grad else 0):
                pause()
                (row,) = torch.autograd.grad(slopes[:, i].sum(), inputs, retain_graph=True, materialize_grads=True)
                hessians[chunk, i] = row.numpy()
        return hessians.reshape(*shape, self.dim, self.dim)

    def _rows(self, points: npt.ArrayLike) -> tuple[FloatArray, tuple[int, ...]]:
        array = np.asarray(points, dtype=np.float64)
        if array.ndim == 0 or array.shape[-1] != self.dim:
            message = f"{self.title} takes points of shape (…, {self.dim}), not {array.shape}"
            raise InputError(message, code="wrong-type")
        # A copy, because torch warns about read-only memory.
        return np.array(array.reshape(-1, self.dim), order="C"), array.shape[:-1]


def _chunks(length: int) -> Iterator[slice]:
    for first in range(0, length, _CHUNK):
        pause()
        yield slice(first, first + _CHUNK)


def inside(points: FloatArray, bounds: FloatArray) -> npt.NDArray[np.bool_]:
    """Return whether each of the points (…, dim) is within bounds (dim, 2), borders included: (…)."""
    return np.asarray(np.all((points >= bounds[:, 0]) & (points <= bounds[:, 1]), axis=-1))


def read_only(array: npt.ArrayLike) -> FloatArray:
    """Return a read-only float64 copy."""
    copy = np.array(array, dtype=np.float64)
    copy.setflags(write=False)
    return copy


def as_bounds(bounds: npt.ArrayLike, dim: int) -> FloatArray:
    """Return bounds as a read-only (dim, 2) array; in one dimension (low, high) is accepted."""
    wanted = f"must be {dim} pairs [low, high]" if dim > 1 else "must be a pair [low, high]"
    key = ("bounds",)
    try:
        view = np.asarray(bounds, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{wanted} of numbers", key, code="wrong-type") from error
    if dim == 1 and view.shape == (2,):
        view = view[np.newaxis]
    if view.shape != (dim, 2):
        raise InputError(
            f"{wanted}{', one per coordinate' if dim > 1 else ': the function has only one variable'}", key
        )
    for low, high in view.tolist():
        if not MIN_WIDTH <= high - low <= MAX_WIDTH:
            limits = f"low < high and a width from {MIN_WIDTH:g} to {MAX_WIDTH:g}"
            raise InputError(f"must be finite numbers with {limits}, not [{low:g}, {high:g}]", key)
        if high - low < MIN_RELATIVE_WIDTH * max(abs(low), abs(high)):
            raise InputError(f"are too near to each other for numbers of this size: [{low!r}, {high!r}]", key)
    return read_only(view)


@dataclass(frozen=True, eq=False)
class Gradient:
    """The value and gradient of an objective at a point.

    Args:
        point: (dim,).
        gradient: (dim,) by automatic differentiation, or by finite differences of samples. NaN where the value is NaN,
            and infinite where the slope is infinite, as for √x at 0.
        central_difference: (dim,) (f(x + h) − f(x − h)) / 2h along each coordinate, for comparison; one-sided at a
            border of the domain.
        steepest_descent: (dim,) the unit vector opposite to the gradient; if the gradient has infinite components, only
            along these; zeros where the gradient is zero.
    """

    point: FloatArray
    value: float
    gradient: FloatArray
    central_difference: FloatArray
    steepest_descent: FloatArray

    @property
    def agrees(self) -> bool:
        """Whether gradient and central difference are finite and differ by at most 0.1 % or 1e-6."""
        both = np.abs([self.gradient, self.central_difference])
        with np.errstate(over="ignore", invalid="ignore"):
            apart = np.abs(self.gradient - self.central_difference)
        return bool(np.isfinite(both).all() and apart.max() <= 1e-3 * both.max() + 1e-6)


def grad(objective: Objective, at: npt.ArrayLike) -> Gradient:
    """Return an objective's value and gradient at a point.

    Args:
        objective: The objective.
        at: (dim,) the point; a number is accepted in one dimension.

    Raises:
        InputError: The point does not have one finite coordinate per dimension, or is outside the samples.
    """
    try:
        point = np.atleast_1d(np.asarray(at, np.float64))
    except (TypeError, ValueError):
        raise InputError(f"must be numbers, not {at!r:.40}", ("at",), code="wrong-type") from None
    if point.shape != (objective.dim,):
        coordinates = "1 coordinate" if objective.dim == 1 else f"{objective.dim} coordinates"
        raise InputError(f"{objective.title} takes a point of {coordinates}, not {point.size}", ("at",))
    if not np.isfinite(point).all():
        raise InputError("must be finite numbers", ("at",))
    if not inside(point, objective.domain):
        where = " × ".join(f"[{low:g}, {high:g}]" for low, high in objective.domain)
        raise InputError(f"the point is outside the samples, {where}", ("at",))
    value, gradient = objective.gradients(point)
    if np.isnan(value):
        # torch's gradient of log(x) for x < 0 is 1/x.
        gradient = np.full_like(gradient, np.nan)
    with np.errstate(all="ignore"):
        difference = _central_difference(objective, point, value)
        # Expressions replace an infinite slope by a very large one, so that sqrt(x**2 + y**2) has a gradient at 0.
        is_infinite = (np.abs(gradient) > STEEPEST) & (np.abs(gradient) > STEEPEST * np.abs(difference))
        gradient = np.where(is_infinite, np.copysign(np.inf, gradient), gradient)
        descent = _steepest_descent(gradient)
    # Adding 0 turns -0 into 0.
    return Gradient(point, float(value) + 0.0, gradient + 0.0, difference + 0.0, descent + 0.0)


def _central_difference(objective: Objective, point: FloatArray, value: FloatArray) -> FloatArray:
    """Return the difference quotient along each coordinate, (dim,); one-sided at a border of the domain."""
    low, high = objective.domain.T
    width = np.diff(objective.bounds)[:, 0]
    away = np.abs(point - objective.bounds[:, 0] - width / 2)
    # This step balances the truncation error h² with the rounding error ε/h, relative to the size of the view.
    steps = np.cbrt(np.finfo(np.float64).eps) * np.clip(np.abs(point), width / 10, np.maximum(width, away))
    along = np.eye(len(point), dtype=bool)
    places = [np.maximum(point - steps, low), np.minimum(point + steps, high)]
    values = [objective.values(np.where(along, place, point)) for place in places]
    for place, found in zip(places, values, strict=True):
        undefined = ~np.isfinite(found)
        place[undefined], found[undefined] = point[undefined], value
    difference: FloatArray = (values[1] - values[0]) / (places[1] - places[0])
    return difference


def _steepest_descent(gradient: FloatArray) -> FloatArray:
    largest = np.abs(gradient).max()
    if largest == 0:
        return np.zeros_like(gradient)
    # The norm of a gradient near the largest float64 would overflow.
    scaled = gradient / largest if largest < np.inf else np.isinf(gradient) * np.sign(gradient)
    descent: FloatArray = -scaled / np.linalg.norm(scaled)
    return descent


def local_minima(objective: Objective, points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Find local minima of an objective by Newton's method from several points.

    The absolute values of the eigenvalues of the Hessian keep the method away from saddles (Dauphin et al. 2014,
    "Identifying and attacking the saddle point problem"), and damping (Levenberg 1944) from steps that do not descend.

    Args:
        objective: A function of one or two coordinates.
        points: (n, dim) where the search begins.

    Returns:
        (m, dim) the minima found, the lowest first, and (m,) their values. All values on a small circle around a
        minimum are higher; where that is not so, as far down a slope without end, nothing is returned.
    """
    size = float(np.ptp(objective.bounds, axis=1).max())
    with np.errstate(all="ignore"):
        values, gradients, hessians = _derivatives(objective, points)
        known = np.isfinite(values)
        points, values, gradients, hessians = points[known], values[known], gradients[known], hessians[known]
        damping = np.linalg.norm(gradients, axis=-1) / size
        for _ in range(STEPS):
            curvatures, directions = np.linalg.eigh(np.nan_to_num(hessians))
            slopes = (directions.swapaxes(1, 2) @ gradients[..., None])[..., 0]
            step = -(directions @ (slopes / (np.abs(curvatures) + damping[:, None]))[..., None])[..., 0]
            found = _derivatives(objective, points + np.nan_to_num(step))
            better = found[0] < values
            points = np.where(better[:, None], points + step, points)
            values = np.where(better, found[0], values)
            gradients = np.where(better[:, None], found[1], gradients)
            hessians = np.where(better[:, None, None], found[2], hessians)
            damping *= np.where(better, 1 / 4, 8)
        angles = np.linspace(0, 2 * np.pi, 32, endpoint=False)
        ring = np.stack([np.cos(angles), np.sin(angles)], -1) if objective.dim == 2 else np.array([[-1.0], [1.0]])
        around = objective.values(points[:, None] + RING * size * ring)
        rise = around - values[:, None]
        lowest = rise.min(1) > STRICT * rise.max(1)
    order = np.argsort(values[lowest], kind="stable")
    return points[lowest][order], values[lowest][order]


def _derivatives(objective: Objective, points: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return values (n,), gradients (n, dim) and Hessians (n, dim, dim) at points (n, dim)."""
    dim = objective.dim
    apart = DIFFERENCE * (np.abs(points) + 0.1)
    beside = points[:, None] + np.concatenate([np.zeros((1, dim)), np.eye(dim)]) * apart[:, None]
    values, gradients = objective.gradients(beside)
    hessians = (gradients[:, 1:] - gradients[:, :1]) / apart[..., None]
    return values[:, 0], gradients[:, 0], (hessians + hessians.swapaxes(1, 2)) / 2
