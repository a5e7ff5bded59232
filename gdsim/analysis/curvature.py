"""The largest eigenvalues of the Hessian along the paths of a trajectory."""

from __future__ import annotations

import numpy as np

from gdsim.config.presentation import SharpnessSpec
from gdsim.errors import InputError
from gdsim.objectives import FloatArray
from gdsim.simulation import NetworkTrajectory, Trajectory
from gdsim.simulation.trajectory import IntArray

BLOCK = 2**22  # entries of the Hessians that are computed at once


def largest_eigenvalues(trajectory: Trajectory, sharpness: SharpnessSpec) -> FloatArray:
    """Return the largest eigenvalues at each step in descending order, (steps + 1, starts, top), NaN if not finite.

    They are interpolated linearly between the steps at which they are computed, or have been for a network.
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
    objective, points = trajectory.objective, trajectory.points[steps]
    rows = points.reshape(-1, objective.dim)
    values = np.full(rows.shape, np.nan)
    size = max(1, BLOCK // objective.dim**2)
    for first in range(0, len(rows), size):
        hessians = objective.hessians(rows[first : first + size])
        known = np.isfinite(hessians).all((1, 2))
        values[first : first + size][known] = np.linalg.eigvalsh(hessians[known])
    return values.reshape(points.shape)
