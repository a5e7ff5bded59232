"""The points of paths between their iterates, and where the paths leave the view."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import singledispatch

import numpy as np
import numpy.typing as npt

from gdsim.analysis.metrics import last_steps
from gdsim.networks import NetworkObjective
from gdsim.objectives import FloatArray, Objective, inside
from gdsim.scene.levels import finite
from gdsim.scene.model import Exit, Path, Style
from gdsim.scene.projection import CHUNK, Projection
from gdsim.simulation import Trajectory

SHORT, FINENESS = 1 / 150, 600
"""Segments shorter than the first number, as a fraction of the view, get no intermediate points; others get
intermediate points with a density of the second number per side of the view."""

Elevation = Callable[[FloatArray], FloatArray]
"""Maps values (…) to the vertical coordinates at which they are drawn, (…)."""


def build_path(
    trajectory: Trajectory,
    style: Style,
    projection: Projection,
    limits: FloatArray,
    elevation: Elevation | None,
    most_points: int,
) -> Path:
    """Return one optimizer's paths within the limits (2, 2) of a facet, with at most `most_points` points per start."""
    ends = last_steps(trajectory)
    iterates = projection.project(trajectory.points)
    times = np.arange(len(iterates), dtype=np.float64)
    points, slopes = iterates, None
    if elevation is not None:
        times = _times(iterates, projection.bounds, ends, most_points)
        values, slopes = _lifted(trajectory.objective, trajectory, times)
        points = np.concatenate([_between(iterates, times), elevation(values)[..., None]], -1)
    exits = tuple(_exits(trajectory, times, points, limits))
    for exit_ in exits:
        ends[exit_.start] = exit_.step
    return Path(
        style=style,
        times=times,
        points=points,
        slopes=slopes,
        gradients=np.nan_to_num(finite(trajectory.gradients)) @ projection.axes.T,
        values=finite(trajectory.values),
        moves=np.diff(iterates, axis=0),
        ends=ends,
        exits=exits,
    )


def _times(iterates: FloatArray, bounds: FloatArray, ends: npt.NDArray[np.int64], most: int) -> FloatArray:
    """Return the times (n,) at which iterates (steps + 1, starts, k) need points so that none is far from the next.

    Only the parts of segments inside the bounds are divided, so that distant points do not use up the limit.
    """
    steps = len(iterates) - 1
    enter, leave = _within(iterates, bounds)
    span = bounds[:, 1] - bounds[:, 0]
    lengths = np.linalg.norm(np.diff(iterates, axis=0) / span, axis=-1) * (leave - enter)
    lengths[np.arange(steps)[:, None] >= ends] = 0.0
    wanted = np.where(lengths > SHORT, np.ceil(FINENESS * lengths), lengths > 0)
    whole = (enter == 0) & (leave == 1)
    parts = np.maximum(np.where(whole, wanted, 0).max(1, initial=0), 1)
    crossing = np.argwhere(~whole & (wanted > 0))
    more = float(wanted[tuple(crossing.T)].sum() + (parts - 1).sum())
    share = min(1.0, max(0, most - steps) / max(more, 1.0))
    parts = 1 + np.floor(share * (parts - 1)).astype(np.int64)
    within = np.arange(parts.sum()) - np.repeat(np.cumsum(parts) - parts, parts)
    times = [np.repeat(np.arange(steps), parts) + within / np.repeat(parts, parts)]
    for k, start in crossing:
        n = int(share * wanted[k, start])
        if n > 0:
            times.append(k + np.linspace(enter[k, start], leave[k, start], n + 1))
    return np.unique(np.concatenate([*times, [steps]]))


def _within(iterates: FloatArray, bounds: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the fractions of each segment, (steps, starts), between which it is within the bounds; equal if never."""
    here, move = iterates[:-1], np.diff(iterates, axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = (bounds[:, 0] - here) / move, (bounds[:, 1] - here) / move
    still = move == 0
    outside = (here < bounds[:, 0]) | (here > bounds[:, 1])
    low, high = np.where(still, -np.inf, low), np.where(still, np.where(outside, -np.inf, np.inf), high)
    enter = np.clip(np.minimum(low, high).max(-1), 0, 1)
    return enter, np.maximum(np.clip(np.maximum(low, high).min(-1), 0, 1), enter)


def _between(rows: FloatArray, times: FloatArray) -> FloatArray:
    """Interpolate rows (steps + 1, …) linearly at times (n,): (n, …)."""
    k = np.minimum(times.astype(np.int64), max(len(rows) - 2, 0))
    share = (times - k).reshape(-1, *[1] * (rows.ndim - 1))
    following = rows[np.minimum(k + 1, len(rows) - 1)]
    # Exact at whole times.
    return np.asarray(np.where(share == 1, following, rows[k] + share * (following - rows[k])))


@singledispatch
def _lifted(objective: Objective, trajectory: Trajectory, times: FloatArray) -> tuple[FloatArray, FloatArray | None]:
    """Return values (n, starts) at times (n,), as recorded at iterates; for one coordinate also the slopes."""
    _, starts, dim = trajectory.points.shape
    whole = times == np.floor(times)
    values, slopes = np.empty((2, len(times), starts))
    steps = times[whole].astype(np.int64)
    values[whole], slopes[whole] = trajectory.values[steps], trajectory.gradients[steps, :, 0]
    between = np.flatnonzero(~whole)
    size = max(1, CHUNK // (starts * dim))
    for chunk in (between[first : first + size] for first in range(0, len(between), size)):
        points = _between(trajectory.points, times[chunk])
        if dim == 1:
            values[chunk], gradients = objective.gradients(points)
            slopes[chunk] = gradients[..., 0]
        else:
            values[chunk] = objective.values(points)
    return finite(values), finite(slopes) if dim == 1 else None


@_lifted.register
def _(objective: NetworkObjective, trajectory: Trajectory, times: FloatArray) -> tuple[FloatArray, None]:  # noqa: ARG001
    # The landscape is the loss of the nearest weights on the plane, not of the weights themselves.
    return finite(_between(trajectory.values, times)), None


def _exits(trajectory: Trajectory, times: FloatArray, points: FloatArray, limits: FloatArray) -> Iterator[Exit]:
    """Yield where paths, (n, starts, k), leave the limits for good or fail."""
    at = np.searchsorted(times, np.arange(len(trajectory.points)))
    seen = inside(points[..., :2], limits)
    stays = seen[-1] & ~np.array([stop.failed for stop in trajectory.stops])
    for start in np.flatnonzero(seen[at].any(0) & ~stays).tolist():
        if seen[-1, start]:
            step = trajectory.stopped_at(start)
            words = f"{trajectory.stops[start].value} at step {step}"
            yield Exit(start, step, float(step - 1), tuple(points[-1, start].tolist()), words)
            continue
        last = int(np.flatnonzero(seen[at, start])[-1])
        first = int(at[last] + np.argmin(seen[at[last] : at[last + 1] + 1, start]))
        here, there = points[first - 1, start], points[first, start]
        share = _share(here, there, limits)
        point = np.where(np.isfinite(there), here + share * (there - here), here)
        time = times[first - 1] + share * (times[first] - times[first - 1])
        yield Exit(start, last + 1, float(time), tuple(point.tolist()), f"left at step {last + 1}")


def _share(here: FloatArray, there: FloatArray, limits: FloatArray) -> float:
    """Return the fraction of the segment between two points that is within the limits."""
    move = (there - here)[:2]
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.where(move > 0, (limits[:, 1] - here[:2]) / move, (limits[:, 0] - here[:2]) / move)
    shares = np.where(np.isfinite(shares) & (move != 0), shares, np.inf)
    return float(min(max(shares.min(), 0.0), 1.0)) if np.isfinite(there[:2]).all() else 0.0
