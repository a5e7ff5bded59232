"""The spread of an ensemble: its mean, and the ellipses around it that contain given shares of its runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gdsim.objectives import FloatArray
from gdsim.simulation import Trajectory

SHARES = (0.5, 0.9)  # of the runs that the regions contain
MOST_TIMES = 600  # the number of times whose regions are computed; those between are interpolated
VERTICES = 48


def completed(ensemble: Trajectory) -> Trajectory:
    """Return the runs of an ensemble that do not fail, whose mean and spread are shown."""
    return ensemble.subset(np.array([not stop.failed for stop in ensemble.stops]))


def mean_run(runs: Trajectory) -> Trajectory:
    """Return the means of the points of at least one run as a path."""
    points = runs.points.mean(1, keepdims=True)
    values, gradients = runs.objective.gradients(points)
    first = runs.subset(np.arange(len(runs.stops)) == 0)
    return replace(first, points=points, values=values, gradients=gradients)


def spread_times(steps: int) -> FloatArray:
    """Return the steps (n,) at which regions are computed."""
    return np.unique(np.linspace(0, steps, min(steps, MOST_TIMES) + 1).round())


def regions(points: FloatArray) -> FloatArray:
    """Return ellipses around the means of points (n, runs, k) that contain at least the `SHARES` of them.

    Their axes are those of the covariance, along one coordinate they are intervals.

    Returns:
        (n, shares, vertices, k) the vertices, in an order that is the same for all n.
    """
    dim = points.shape[-1]
    angles = np.linspace(0, 2 * np.pi, VERTICES + 1)
    directions = np.stack([np.cos(angles), np.sin(angles)], -1) if dim == 2 else np.linspace(-1, 1, VERTICES)[:, None]
    means = points.mean(1, keepdims=True)
    offsets = points - means
    variances, axes = np.linalg.eigh(np.einsum("nri,nrj->nij", offsets, offsets) / points.shape[1])
    # Directions without variance, as at the start, have an extent of zero.
    scales = np.sqrt(np.where(variances > 1e-12 * variances[:, -1:], variances, 0))
    inverse = np.divide(1, scales, out=np.zeros_like(scales), where=scales > 0)
    distances = np.sort(np.linalg.norm(offsets @ axes * inverse[:, None], axis=-1))
    radii = distances[:, np.ceil(np.multiply(SHARES, points.shape[1])).astype(np.intp) - 1]
    # The symmetric root of the covariance is continuous in time, unlike its axes.
    roots = axes * scales[:, None] @ axes.swapaxes(1, 2)
    return np.asarray(means[:, None] + radii[..., None, None] * (directions @ roots)[:, None])
