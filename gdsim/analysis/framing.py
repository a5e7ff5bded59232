"""The view of a function whose bounds nobody chose: it holds starts, paths, and minima found by a quick search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from gdsim.analysis.metrics import last_steps
from gdsim.objectives import FloatArray, Objective, inside, local_minima
from gdsim.simulation import Stop, Trajectory

FAR = 4.0  # a path that goes this many times as far as most others does not widen the view
FARTHEST = 10.0  # nor does a minimum that is this many times as far away as most paths go
STILL, NOTHING = 1e-3, 1e-9
"""Smaller fractions of the default view determine the size of a view only if there is a minimum, or not at all."""

BEYOND = 1.25  # how far beyond the other paths one that diverges or climbs is shown, as a fraction of their width
MARGIN, OBLONG = 0.15, 0.6  # the margin per width of what a view holds, and the minimum ratio of its sides
EQUAL = 1e-6  # values that differ by this fraction of their height below the centre of the starts count as equal
CELLS = 40  # the number of cells per side of the default view in which values are sampled
GRID, SEEDS = 4, 12  # the search begins at so many points per side of the default view, and so many starts and ends


def fitted(trajectories: Sequence[Trajectory]) -> list[Trajectory]:
    """Return trajectories over one objective with a view that is fitted to them, unless somebody chose the bounds."""
    objective = trajectories[0].objective
    if objective.bounds_origin != "default":
        return list(trajectories)
    with np.errstate(all="ignore"):
        shown = replace(objective, bounds=_bounds(objective, trajectories), bounds_origin="fitted")
    return [replace(each, objective=shown) for each in trajectories]


def fitted_alone(objective: Objective) -> Objective:
    """Return an objective whose default view has no empty margin, and is moved to the minimum if it lacks that.

    The minimum is the nearest of the lowest ones found; the margin is where the function is not defined.
    """
    if objective.bounds_origin != "default" or objective.dim > 2:
        return objective
    bounds, middle = _defined(objective), objective.bounds.mean(1)
    minima = _lowest(objective, middle, middle[None])
    if len(minima) and not inside(minima[0], bounds):
        bounds = objective.bounds + (minima[0] - middle)[:, None]
    return replace(objective, bounds=bounds, bounds_origin="fitted")


def _defined(objective: Objective) -> FloatArray:
    """Return the part of the default view, (dim, 2), outside of which no sampled value is finite."""
    low, high = objective.bounds.T
    cell = (high - low) / CELLS
    shares = np.stack(np.meshgrid(*[np.arange(CELLS + 1)] * objective.dim), -1).reshape(-1, objective.dim)
    points = low + cell * shares
    known = points[np.isfinite(objective.values(points))]
    if not len(known):
        return objective.bounds
    return np.stack([np.maximum(known.min(0) - cell, low), np.minimum(known.max(0) + cell, high)], -1)


def known_points(trajectory: Trajectory) -> FloatArray:
    """Return the iterates, (steps + 1, starts, dim), with NaN after a start fails, as its last points are far away."""
    broken = np.array([stop.failed for stop in trajectory.stops])
    rows = np.arange(len(trajectory.points))[:, None]
    # The first point of each start is always kept.
    gone = broken & (rows >= np.maximum(last_steps(trajectory), 1))
    return np.where(gone[..., None], np.nan, trajectory.points)


def _bounds(objective: Objective, trajectories: Sequence[Trajectory]) -> FloatArray:
    """Return the bounds (dim, 2) of a view that holds starts, paths, and the nearest of the lowest minima."""
    paths = np.concatenate([known_points(each) for each in trajectories], 1)
    settled = np.concatenate([_settled(each) for each in trajectories])
    ends = np.concatenate([each.points[last_steps(each), np.arange(len(each.stops))] for each in trajectories])
    center = np.median(paths[0], axis=0)
    minima = _lowest(objective, center, np.concatenate([paths[0], ends[settled]]))
    held = _held(objective, center, paths, settled, minima)
    low, high = _box(held)
    # Of the other paths and minima, those parts are shown that are a little beyond.
    beyond = BEYOND * float((high - low).max())
    wide = np.stack([low - beyond, high + beyond], -1)
    leading = np.logical_and.accumulate(inside(paths, wide), axis=0)
    low, high = _box([*held, paths[leading], minima[inside(minima, wide)]])
    size = high - low
    margin = np.maximum(MARGIN * size.max(), (OBLONG * (1 + 2 * MARGIN) * size.max() - size) / 2)
    return np.stack([low - margin, high + margin], -1)


def _held(
    objective: Objective,
    center: FloatArray,
    paths: FloatArray,
    settled: npt.NDArray[np.bool_],
    minima: FloatArray,
) -> list[FloatArray]:
    """Return the points (…, dim) that a view must hold: starts, settled paths and a minimum that are not too far away.

    If these do not determine its size, they are corners of the default view, moved to the center if it lacks that.
    """
    distances = np.abs(paths - center).max(-1)
    reach = np.where(settled, np.nanmax(distances, axis=0), distances[0])
    usual = max(float(np.sort(each)[len(each) // 2]) for each in (distances[0], reach[settled]) if len(each))
    sides = np.ptp(objective.bounds, axis=1)
    still = STILL * sides.max()
    away = float(np.abs(minima - center).max(-1).min(initial=np.inf))
    if away <= FARTHEST * usual or (usual < still and away < np.inf):
        usual, still = max(usual, away), NOTHING * sides.max()
    else:
        minima = minima[:0]
    if usual < still:
        middle = objective.bounds.mean(1) if inside(center, objective.bounds) else center
        half = sides / 2 / (1 + 2 * MARGIN)
        return [middle - half, middle + half]
    return [paths[0, distances[0] <= FAR * usual], paths[:, settled & (reach <= FAR * usual)], minima[:1]]


def _box(points: Sequence[FloatArray]) -> tuple[FloatArray, FloatArray]:
    """Return the lowest and the highest coordinates (dim,) of points (…, dim), except for NaN."""
    every = np.concatenate([each.reshape(-1, each.shape[-1]) for each in points])
    return np.nanmin(every, axis=0), np.nanmax(every, axis=0)


def _settled(trajectory: Trajectory) -> npt.NDArray[np.bool_]:
    """Return which starts neither diverge nor end higher than they start, (starts,)."""
    diverged = np.array([stop is Stop.DIVERGED for stop in trajectory.stops])
    last = trajectory.values[last_steps(trajectory), np.arange(len(diverged))]
    return np.asarray(~diverged & (last <= trajectory.values[0]))


def _lowest(objective: Objective, center: FloatArray, points: FloatArray) -> FloatArray:
    """Return the lowest minima found from points (n, dim) and from a grid over the default view, the nearest first.

    In more than two dimensions, where the view is a plane through the paths, none is sought.
    """
    if objective.dim > 2:
        return np.empty((0, objective.dim))
    sides = [low + (high - low) * (np.arange(GRID) + 0.37) / GRID for low, high in objective.bounds]
    grid = np.stack(np.meshgrid(*sides), -1).reshape(-1, objective.dim)
    chosen = np.unique(np.linspace(0, len(points) - 1, SEEDS).round().astype(int))
    minima, values = local_minima(objective, np.concatenate([points[chosen], grid]))
    if len(minima):
        height = float(np.abs(objective.values(center) - values[0]))
        minima = minima[values - values[0] <= EQUAL * (height if np.isfinite(height) else 0.0)]
    return minima[np.argsort(np.abs(minima - center).max(-1), kind="stable")]
