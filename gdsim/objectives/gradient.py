"""The gradient of an objective at a point, with a central difference as a check."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gdsim.errors import InputError
from gdsim.objectives.objective import FloatArray, Objective, inside

__all__ = ["Gradient", "grad"]

STEEPEST = 1e100
"""A slope that exceeds the central difference by this factor is infinite."""


@dataclass(frozen=True, eq=False)
class Gradient:
    """The value and gradient of an objective at a point.

    Args:
        point: (dim,).
        value: The objective's value.
        gradient: (dim,) by automatic differentiation, or the finite differences of samples. NaN where the
            value is NaN, and infinite where the slope is, as for √x at 0.
        central_difference: (dim,) (f(x + h) − f(x − h)) / 2h along each coordinate, as a check; one-sided at a border.
        steepest_descent: (dim,) the unit vector against the gradient, along its infinite components only if it has
            any; zeros where the gradient is zero.
    """

    point: FloatArray
    value: float
    gradient: FloatArray
    central_difference: FloatArray
    steepest_descent: FloatArray

    @property
    def agrees(self) -> bool:
        """Whether gradient and central difference are finite and differ by at most 0.1 %, or by 1e-6."""
        both = np.abs([self.gradient, self.central_difference])
        with np.errstate(over="ignore", invalid="ignore"):
            apart = np.abs(self.gradient - self.central_difference)
        return bool(np.isfinite(both).all() and apart.max() <= 1e-3 * both.max() + 1e-6)


def grad(objective: Objective, at: npt.ArrayLike) -> Gradient:
    """Return an objective's value and gradient at a point.

    Args:
        objective: The objective.
        at: (dim,) the point; a number in one dimension.

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
        # Expressions replace an infinite slope by a huge one, so that the tip of a cone has a gradient.
        is_infinite = (np.abs(gradient) > STEEPEST) & (np.abs(gradient) > STEEPEST * np.abs(difference))
        gradient = np.where(is_infinite, np.copysign(np.inf, gradient), gradient)
        descent = _steepest_descent(gradient)
    # Adding 0 turns -0 into 0.
    return Gradient(point, float(value) + 0.0, gradient + 0.0, difference + 0.0, descent + 0.0)


def _central_difference(objective: Objective, point: FloatArray, value: FloatArray) -> FloatArray:
    """Return difference quotients between two points per coordinate; at a border one of them is the point itself."""
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
