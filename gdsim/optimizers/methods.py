"""Methods that evaluate the function themselves: gradient descent and Newton's method with line search, and SciPy's."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import numpy as np

from gdsim.objectives import FloatArray, Objective

HALVINGS = 60
"""The most times that an exact line search doubles its interval, and that it halves it."""

FLOOR = 1e-3
"""The smallest eigenvalue of a modified Hessian, as a fraction of the largest one."""

DERIVATIVES: Mapping[str, int] = MappingProxyType(
    {
        **dict.fromkeys(("Nelder-Mead", "Powell"), 0),
        **dict.fromkeys(("CG", "BFGS", "L-BFGS-B", "TNC"), 1),
        **dict.fromkeys(("Newton-CG", "trust-exact", "trust-krylov", "trust-ncg"), 2),
    }
)
"""The methods of `scipy.optimize.minimize` without constraints, each with the highest derivative that it uses."""


class Counts(NamedTuple):
    """How often function values, gradients and Hessians have been evaluated."""

    functions: int = 0
    gradients: int = 0
    hessians: int = 0


class Iterate(NamedTuple):
    """A point of a path.

    Attributes:
        point: (dim,).
        counts: What has been evaluated so far, that of the point itself included.
        length: The step length that led to the point, as a multiple of the search direction; NaN if there is none.
    """

    point: FloatArray
    counts: Counts
    length: float = math.nan


class CountedFunction:
    """An objective at single points, (dim,), which counts what is evaluated.

    Attributes:
        is_finite: Whether all that has been evaluated is finite.
    """

    def __init__(self, objective: Objective) -> None:
        self._objective, self.counts, self.is_finite = objective, Counts(), True

    def value(self, point: FloatArray) -> float:
        """Return the value."""
        return float(self._counted(self._objective.values(point), functions=self.counts.functions + 1))

    def gradient(self, point: FloatArray) -> FloatArray:
        """Return the gradient, (dim,)."""
        return self._counted(self._objective.gradients(point)[1], gradients=self.counts.gradients + 1)

    def hessian(self, point: FloatArray) -> FloatArray:
        """Return the Hessian, (dim, dim)."""
        return self._counted(self._objective.hessians(point), hessians=self.counts.hessians + 1)

    def _counted(self, found: FloatArray, **count: int) -> FloatArray:
        self.counts = self.counts._replace(**count)
        self.is_finite &= bool(np.isfinite(found).all())
        return found


class Ray:
    """A function along a ray from a point, x + t d, of which each value and gradient is evaluated at most once.

    Attributes:
        values: The values that are known, by step length t.
        gradients: The gradients that are known, each (dim,).
    """

    def __init__(
        self,
        function: CountedFunction,
        point: FloatArray,
        direction: FloatArray,
        values: dict[float, float],
        gradients: dict[float, FloatArray],
    ) -> None:
        self._function, self.point, self.direction = function, point, direction
        self.values, self.gradients = values, gradients

    def at(self, length: float) -> FloatArray:
        """Return the point at a step length t."""
        return self.point + length * self.direction

    def value(self, length: float) -> float:
        """Return the value at a step length."""
        if length not in self.values:
            self.values[length] = self._function.value(self.at(length))
        return self.values[length]

    def gradient(self, length: float) -> FloatArray:
        """Return the gradient at a step length, (dim,)."""
        if length not in self.gradients:
            self.gradients[length] = self._function.gradient(self.at(length))
        return self.gradients[length]

    def slope(self, length: float) -> float:
        """Return the derivative in t at a step length."""
        return float(self.gradient(length) @ self.direction)


def armijo(ray: Ray, length: float, *, c1: float, shrink: float) -> float:
    """Shorten a step until f(x + t d) ≤ f(x) + c₁ t ∇f·d; return 0 if the point no longer moves.

    This is backtracking after Armijo (1966), algorithm 3.1 of Nocedal and Wright (2006).
    """
    while not ray.value(length) <= ray.value(0.0) + c1 * length * ray.slope(0.0):
        length *= shrink
        if length == 0 or (ray.at(length) == ray.point).all():
            return 0.0
    return length


def exact(ray: Ray, length: float) -> float:
    """Return the length of the lowest point along a ray, to machine precision; 0 if none is lower.

    Of several minima it is one that doubling or halving the given length encloses. There the derivative is zero, which
    Brent's method (1973) finds.
    """
    from scipy.optimize import brentq  # only if it is used, because it takes long to import

    def falls(first: float, last: float) -> bool:
        return ray.slope(last) < 0 and ray.value(last) <= ray.value(first)

    low, high, eps = 0.0, length, float(np.finfo(np.float64).eps)
    for _ in range(HALVINGS):
        if not falls(low, high):
            break
        low, high = high, 2 * high
    for _ in range(HALVINGS):
        if 0 <= ray.slope(high) < math.inf:
            high = float(brentq(ray.slope, low, high, xtol=1e-300, rtol=4 * eps))
            if ray.value(high) <= ray.value(low) + 4 * eps * abs(ray.value(low)):
                return high
        middle = (low + high) / 2
        low, high = (middle, high) if falls(low, middle) else (low, middle)
    return low


def gradient_descent(
    function: CountedFunction,
    start: FloatArray,
    steps: int,
    *,
    line_search: Literal["exact", "armijo"] = "exact",
    initial_step: float = 1.0,
    c1: float = 1e-4,
    shrink: float = 0.5,
    gtol: float = 1e-6,
) -> Iterator[Iterate]:
    """Yield the iterates of x − t ∇f(x), from the start on, until the gradient is small or they no longer move.

    Args:
        function: The function.
        start: (dim,).
        steps: The most steps.
        line_search: "exact" for the lowest point along −∇f, where the next gradient is orthogonal to the last one
            (Cauchy 1847), or "armijo", see `armijo`.
        initial_step: The first length t to try; an exact search begins with the length of the step before.
        c1: The fraction of the linear decrease that Armijo's condition asks for.
        shrink: The factor by which Armijo's search shortens a step.
        gtol: The largest component of the gradient at which the method ends.
    """
    search = _line_search(line_search, initial_step, c1, shrink)
    return _descend(function, start, steps, lambda point, gradient: -gradient, search, gtol)  # noqa: ARG005


def newton(
    function: CountedFunction,
    start: FloatArray,
    steps: int,
    *,
    line_search: Literal["armijo", "exact", "none"] = "armijo",
    initial_step: float = 1.0,
    c1: float = 1e-4,
    shrink: float = 0.5,
    gtol: float = 1e-6,
) -> Iterator[Iterate]:
    """Yield the iterates of Newton's method, x − t H⁻¹ ∇f(x), as `gradient_descent` does.

    Where the Hessian H is not positive definite, its eigenvalues are replaced by their absolute values (Greenstadt
    1967), but by at least a thousandth of the largest one, so that the step leads downhill.

    The other arguments are those of `gradient_descent`, and `line_search` is also "none", for t = `initial_step`.
    """

    def direction(point: FloatArray, gradient: FloatArray) -> FloatArray:
        eigenvalues, vectors = np.linalg.eigh(function.hessian(point))
        if eigenvalues[0] <= 0:
            sizes = np.abs(eigenvalues)
            eigenvalues = np.maximum(sizes, FLOOR * sizes.max()) if sizes.any() else np.ones_like(sizes)
        return np.asarray(-vectors @ ((vectors.T @ gradient) / eigenvalues))

    search = _line_search(line_search, initial_step, c1, shrink)
    return _descend(function, start, steps, direction, search, gtol)


Direction = Callable[[FloatArray, FloatArray], FloatArray]
"""Returns the search direction (dim,) at a point (dim,) with its gradient (dim,)."""

LineSearch = Callable[[Ray, float], float]
"""Returns the step length along a ray, given that of the step before."""


def _line_search(name: str, initial_step: float, c1: float, shrink: float) -> LineSearch:
    for key, value, limit in (("initial_step", initial_step, math.inf), ("c1", c1, 1.0), ("shrink", shrink, 1.0)):
        if not 0 < value < limit:
            below = "" if limit == math.inf else f" and below {limit:g}"
            raise ValueError(f"{key} must be above 0{below}, not {value:g}")
    searches: dict[str, LineSearch] = {
        "none": lambda ray, last: initial_step,  # noqa: ARG005
        "armijo": lambda ray, last: armijo(ray, initial_step, c1=c1, shrink=shrink),  # noqa: ARG005
        "exact": lambda ray, last: exact(ray, last if last > 0 else initial_step),
    }
    if name not in searches:
        raise ValueError(f"line_search must be one of {', '.join(searches)}, not {name}")
    return searches[name]


def _descend(
    function: CountedFunction, point: FloatArray, steps: int, direction: Direction, search: LineSearch, gtol: float
) -> Iterator[Iterate]:
    gradient, values, length = function.gradient(point), dict[float, float](), math.nan
    yield Iterate(point, function.counts)
    for _ in range(steps):
        if not gtol < np.abs(gradient).max() < math.inf:
            return
        ray = Ray(function, point, direction(point, gradient), values, {0.0: gradient})
        length = search(ray, length)
        if (ray.at(length) == point).all():
            return
        point, gradient = ray.at(length), ray.gradient(length)
        values = {0.0: ray.values[length]} if length in ray.values else {}
        yield Iterate(point, function.counts, length)


def minimize(
    function: CountedFunction,
    start: FloatArray,
    steps: int,
    *,
    method: str,
    bounds: Sequence[Sequence[float]] | None = None,
    **options: Any,
) -> Iterator[Iterate]:
    """Yield the iterates of a method of `scipy.optimize.minimize` with its options, from a start (dim,) until it ends.

    A step is an iteration, after which SciPy calls its callback. Some methods take bounds, [low, high] per coordinate.
    """
    from scipy.optimize import minimize  # only if it is used, because it takes long to import

    derivatives = DERIVATIVES[method]
    iterates = [Iterate(start, Counts(functions=1, gradients=min(derivatives, 1)))]

    def callback(point: FloatArray) -> None:
        iterates.append(Iterate(np.array(point), function.counts))
        if len(iterates) > steps:
            raise StopIteration

    try:
        minimize(
            function.value,
            start,
            method=method,
            jac=function.gradient if derivatives else None,
            hess=function.hessian if derivatives > 1 else None,
            bounds=bounds,
            callback=callback,
            options=options,
        )
    except StopIteration:  # TNC passes it on
        pass
    finally:
        yield from iterates[: steps + 1]
