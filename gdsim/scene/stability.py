"""The learning rate up to which gradient descent with momentum is stable on a quadratic function."""

from __future__ import annotations

import numpy as np

from gdsim.config import OptimizerSpec
from gdsim.objectives import FloatArray, Objective

LINEAR = 1e-9  # the maximum error of a gradient that is linear, as a fraction of the largest gradient
TRIED = 8  # the number of points at which it is compared


def curvature(objective: Objective) -> float | None:
    """Return the largest eigenvalue of the Hessian of a convex quadratic function; None for other functions."""
    if objective.kind != "function":
        return None
    dim, (low, high) = objective.dim, objective.bounds.T
    points = np.random.default_rng(0).uniform(low, high, (TRIED, dim))
    _, slopes = objective.gradients(np.concatenate([np.zeros((1, dim)), np.eye(dim), points]))
    hessian = slopes[1 : dim + 1] - slopes[0]
    error = np.abs(points @ hessian + slopes[0] - slopes[dim + 1 :]).max()
    if not error <= LINEAR * np.abs(slopes).max():
        return None
    values = np.linalg.eigvalsh((hessian + hessian.T) / 2)
    return float(values[-1]) if values[0] > 0 else None


def largest_rates(objective: Objective, optimizer: OptimizerSpec, momentum: FloatArray) -> FloatArray | None:
    """Return the learning rates up to which an optimizer is stable (Polyak, 1964).

    Args:
        objective: The function, whose largest curvature is λ.
        optimizer: SGD, of which only the learning rate and the momentum are set.
        momentum: (n,) the momenta β.

    Returns:
        (n,) the rates 2 (1 + β) / λ; None for other optimizers, and functions that are not convex and quadratic.
    """
    is_plain = optimizer.class_name == "SGD" and optimizer.settings.keys() <= {"lr", "momentum"}
    own = optimizer.schedule is None and not optimizer.noise and optimizer.clip_norm is None
    largest = curvature(objective) if is_plain and own else None
    return None if largest is None else 2 * (1 + momentum) / largest
