"""The gradient at a point, and how it was obtained."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gdsim.errors import InputError
from gdsim.objectives.objective import FloatArray, Objective, inside

__all__ = ["Gradient", "grad"]

ENDLESS = 1e100
"""A slope so many times as steep as the function is over a step of a size with the view is infinite."""


@dataclass(frozen=True, eq=False)
class Gradient:
    """What an objective does at a point.

    Args:
        point: (dim,).
        value: The objective there.
        gradient: (dim,) by automatic differentiation; of samples with finite differences, theirs. NaN where the
            value is NaN, and infinite where the slope is, as that of √x at 0.
        central_difference: (dim,) (f(x + h) − f(x − h)) / 2h along each coordinate, as a check; one-sided at a border.
        steepest_descent: (dim,) the unit vector against the gradient, along its infinite parts alone where it has any;
            zeros where the gradient is zero.
    """

    point: FloatArray
    value: float
    gradient: FloatArray
    central_difference: FloatArray
    steepest_descent: FloatArray

    @property
    def agrees(self) -> bool:
        """Whether gradient and central difference are finite and the same, to a thousandth of the larger.

        A millionth is allowed at any size: where the gradient is zero, the difference is but nearly so.
        """
        both = np.abs([self.gradient, self.central_difference])
        with np.errstate(over="ignore", invalid="ignore"):
            apart = np.abs(self.gradient - self.central_difference)
        return bool(np.isfinite(both).all() and apart.max() <= 1e-3 * both.max() + 1e-6)


def grad(objective: Objective, at: npt.ArrayLike) -> Gradient:
    """Return an objective's value and gradient at a point.

    Args:
        objective: What is differentiated.
        at: (dim,) the point; a number in one dimension.

    Raises:
        InputError: The point has not as many coordinates as the objective, or is not finite.
    """
    point = np.atleast_1d(np.asarray(at, np.float64))
    if point.shape != (objective.dim,):
        coordinates = "1 coordinate" if objective.dim == 1 else f"{objective.dim} coordinates"
        raise InputError(f"{objective.title} takes a point of {coordinates}, not {point.size}", ("at",))
    if not np.isfinite(point).all():
        raise InputError("a point needs finite coordinates", ("at",))
    domain = objective.domain
    if not inside(point, domain):
        where = " × ".join(f"[{low:g}, {high:g}]" for low, high in domain)
        raise InputError(f"the point lies outside of what was measured, {where}", ("at",))
    value, gradient = objective.gradients(point)
    if np.isnan(value):
        # What torch makes of log(x) where x < 0 is 1/x.
        gradient = np.full_like(gradient, np.nan)
    with np.errstate(all="ignore"):
        difference = _central_difference(objective, point, value)
        # The expression's root stands in for an infinite slope with a huge one, lest the tip of a cone has none.
        endless = (np.abs(gradient) > ENDLESS) & (np.abs(gradient) > ENDLESS * np.abs(difference))
        gradient = np.where(endless, np.copysign(np.inf, gradient), gradient)
        descent = _steepest_descent(gradient)
    # Adding 0 leaves no zero negative.
    return Gradient(point, float(value) + 0.0, gradient + 0.0, difference + 0.0, descent + 0.0)


def _central_difference(objective: Objective, point: FloatArray, value: FloatArray) -> FloatArray:
    """Differentiate along each coordinate between two places, one of them the point itself at a border."""
    low, high = objective.domain.T
    width = np.diff(objective.bounds)[:, 0]
    away = np.abs(point - objective.bounds[:, 0] - width / 2)
    # The step that balances the error of the formula, h², with that of rounding, ε/h; of a size with the view.
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
    # Of a gradient near the largest float64 the length would be infinite.
    scaled = gradient / largest if largest < np.inf else np.isinf(gradient) * np.sign(gradient)
    descent: FloatArray = -scaled / np.linalg.norm(scaled)
    return descent
