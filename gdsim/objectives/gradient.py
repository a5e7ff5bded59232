"""The gradient at a point, and how it was obtained."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gdsim.errors import InputError
from gdsim.objectives.objective import FloatArray, Objective

__all__ = ["Gradient", "grad"]


@dataclass(frozen=True, eq=False)
class Gradient:
    """What an objective does at a point.

    Args:
        point: (dim,).
        value: The objective there.
        gradient: (dim,) by automatic differentiation; of samples with finite differences, theirs.
        central_difference: (dim,) (f(x + h) − f(x − h)) / 2h along each coordinate, as a check.
        steepest_descent: (dim,) the unit vector against the gradient; zeros where the gradient is zero.
    """

    point: FloatArray
    value: float
    gradient: FloatArray
    central_difference: FloatArray
    steepest_descent: FloatArray


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
        raise InputError(f"{objective.title} takes a point of {objective.dim} coordinates, not {point.size}", ("at",))
    if not np.isfinite(point).all():
        raise InputError("a point needs finite coordinates", ("at",))
    domain = objective.domain
    if domain is not None and not ((point >= domain[:, 0]) & (point <= domain[:, 1])).all():
        where = " × ".join(f"[{low:g}, {high:g}]" for low, high in domain)
        raise InputError(f"the point lies outside of what was measured, {where}", ("at",))
    value, gradient = objective.gradients(point)
    # The step that balances the error of the formula, h², with that of rounding, ε/h.
    steps = np.diag(np.cbrt(np.finfo(np.float64).eps) * np.maximum(np.abs(point), 1.0))
    difference = (objective.values(point + steps) - objective.values(point - steps)) / (2 * np.diag(steps))
    length = np.linalg.norm(gradient)
    descent = np.zeros_like(gradient) if length == 0 else -gradient / length
    return Gradient(point, float(value), gradient, difference, descent)
