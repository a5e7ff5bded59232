"""A quick search for local minima of functions of few coordinates."""

from __future__ import annotations

import numpy as np

from gdsim.objectives.objective import FloatArray, Objective

STEPS = 40  # steps of Newton's method, each of which evaluates all points together
DIFFERENCE = 1e-6  # the distance of the gradients whose difference gives second derivatives, relative to a point
RING = 1e-3  # the radius of the circle of higher values around a local minimum, as a fraction of the view's width
STRICT = 1e-12  # the lowest value on that circle is higher by at least this fraction of what the highest one is


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
