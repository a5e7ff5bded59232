"""The curvature at the heads of paths: the eigenvectors of the Hessian, scaled to the axes of level lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from gdsim.config import View
from gdsim.errors import Problem
from gdsim.objectives import FloatArray, Objective
from gdsim.scene.model import Curvature
from gdsim.simulation import Trajectory

MOST_TIMES = 600  # the number of times at which it is computed; between them it is interpolated
MOST_POINTS = 6_000  # at all times and from all starts


def curvature_problems(objectives: Sequence[Objective], view: View) -> Iterator[Problem]:
    """Yield why the curvature cannot be drawn; keys are relative to `view`."""
    for each in objectives if view.curvature else ():
        if each.kind != "function" or each.dim != 2 or view.kind not in (None, "contour"):
            message = "is for the contour of a function of two variables; for others there is panels: [sharpness]"
            yield Problem(message, ("curvature",), "unsupported")


def curvature_along(trajectory: Trajectory) -> Curvature:
    """Return the curvature along the straight lines between the iterates of a function of two variables."""
    points, last = trajectory.points, len(trajectory.points) - 1
    most = max(min(MOST_TIMES, MOST_POINTS // points.shape[1]), 1)
    times = np.linspace(0, last, max(most // max(last, 1), 1) * last + 1)
    times = times if last <= most else np.unique(np.linspace(0, last, most + 1).round())
    rows = times.astype(np.int64)
    ahead, shares = np.minimum(rows + 1, last), (times - rows)[:, None, None]
    hessians = trajectory.objective.hessians(points[rows] + shares * (points[ahead] - points[rows]))
    known = np.isfinite(hessians).all((-2, -1))
    hessians[~known] = np.eye(2)
    values, vectors = np.linalg.eigh(hessians)
    axes = vectors.swapaxes(-2, -1)
    _align(values, axes)
    with np.errstate(divide="ignore"):
        reaches = 1 / np.sqrt(np.abs(values))
    reaches[~known] = np.nan
    return Curvature(times, axes, reaches, values < 0)


def _align(values: FloatArray, axes: FloatArray) -> None:
    """Order eigenvalues (n, starts, 2) and axes (n, starts, 2, 2), and orient the axes, as those of the time before."""
    for before, now, own in zip(axes[:-1], axes[1:], values[1:], strict=True):
        overlaps = np.einsum("sik,sjk->sij", before, now)
        crossed = np.abs(overlaps[:, 0, 0]) < np.abs(overlaps[:, 0, 1])
        now[crossed], own[crossed] = now[crossed, ::-1], own[crossed, ::-1]
        now *= np.where(np.einsum("sik,sik->si", before, now) < 0, -1.0, 1.0)[..., None]
