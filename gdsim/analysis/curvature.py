"""The largest eigenvalues of the Hessian along the paths of a trajectory."""

from __future__ import annotations

import numpy as np

from gdsim.config.presentation import SharpnessSpec
from gdsim.errors import InputError
from gdsim.objectives import FloatArray
from gdsim.simulation import NetworkTrajectory, Trajectory
from gdsim.simulation.trajectory import IntArray

BLOCK = 2**20  # entries of the Hessians that are computed at once


def is_preconditioned(trajectory: Trajectory) -> bool:
    """Return whether eigenvalues are those of the Hessian divided by what the class divides the gradient by.

    For a function this requires the recorded state.
    """
    divides = trajectory.stability is not None and trajectory.stability.preconditioned
    return divides and (isinstance(trajectory, NetworkTrajectory) or "effective_rate" in trajectory.state)


def largest_eigenvalues(trajectory: Trajectory, sharpness: SharpnessSpec) -> FloatArray:
    """Return the largest eigenvalues at each step in descending order, (steps + 1, starts, top), NaN if not finite.

    They are interpolated linearly between the steps at which they are computed, or have been for a network. The
    Hessian includes weight decay that is part of the gradient, and is preconditioned if `is_preconditioned`.
    """
    last = len(trajectory.points) - 1
    if isinstance(trajectory, NetworkTrajectory):
        if (spectrum := trajectory.training.spectrum) is None:
            message = f"the eigenvalues of {trajectory.label} were not computed; gdsim render with view.panels does it"
            raise InputError(message, ("view", "panels"), code="missing")
        steps, values = spectrum.steps, spectrum.values[:, None, : sharpness.top]
    else:
        steps = np.union1d(np.arange(0, last + 1, sharpness.interval(network=False)), last)
        values = _of_function(trajectory, steps)[..., : -sharpness.top - 1 : -1]
    rows = np.arange(last + 1)
    flat = values.reshape(len(steps), -1).T
    return np.stack([np.interp(rows, steps, each) for each in flat], -1).reshape(last + 1, *values.shape[1:])


def _of_function(trajectory: Trajectory, steps: IntArray) -> FloatArray:
    """Return all eigenvalues at some steps in ascending order, (n, starts, dim)."""
    objective, limit = trajectory.objective, trajectory.stability
    points, scales = (each[steps].reshape(-1, objective.dim) for each in (trajectory.points, _scales(trajectory)))
    decay = 0.0 if limit is None else limit.penalty * np.eye(objective.dim)
    values = np.full(points.shape, np.nan)
    size = max(1, BLOCK // objective.dim**2)
    for first in range(0, len(points), size):
        rows = slice(first, first + size)
        hessians = scales[rows, :, None] * (objective.hessians(points[rows]) + decay) * scales[rows, None]
        known = np.isfinite(hessians).all((1, 2))
        values[rows][known] = np.linalg.eigvalsh(hessians[known])
    return values.reshape(len(steps), -1, objective.dim)


def _scales(trajectory: Trajectory) -> FloatArray:
    """Return 1/√D, (steps + 1, starts, dim), where D is what the gradient is divided by; 1 for other classes."""
    if not is_preconditioned(trajectory):
        return np.ones_like(trajectory.points)
    with np.errstate(invalid="ignore"):
        scales = np.sqrt(trajectory.state["effective_rate"] / trajectory.learning_rates[..., None])
    # After its last update, an optimizer holds what that has left.
    updates = np.maximum(np.minimum(np.arange(len(scales))[:, None], trajectory.stop_steps - 1), 0)
    return np.take_along_axis(scales, updates[..., None], axis=0)
