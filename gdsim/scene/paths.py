"""How trajectories run through a facet: their styles, their places between the iterates, and where they leave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gdsim.analysis import last_steps
from gdsim.objectives import FloatArray, inside
from gdsim.scene.grounds import ValueAxis, finite
from gdsim.scene.levels import number
from gdsim.scene.model import Exit, Path, Style
from gdsim.scene.projection import Projection
from gdsim.simulation import Trajectory
from gdsim.themes import DASHES, MARKERS

__all__ = ["FEW_STARTS", "Stage", "path", "places_each", "styles"]

FEW_STARTS = 4
"""Up to so many starts an optimizer draws each path with its dash and a heavy line; more are drawn thin and solid."""

SHORT, FINENESS = 1 / 150, 600
"""Segments up to so long, as a share of the view, are lifted at their ends alone; the others at so many places along
a side of the view."""

MOST_EACH, MOST_TOGETHER = 20_000, 300_000
"""How many places each start and all of them together may have where the function is evaluated."""


@dataclass(frozen=True, eq=False)
class Stage:
    """Where paths run.

    Args:
        shown: The section.
        box: (2, 2) the range shown of the facet's two coordinates.
        axis: The value axis of a surface; None for other kinds.
        places: How many places a start may have.
    """

    shown: Projection
    box: FloatArray
    axis: ValueAxis | None
    places: int


def styles(groups: Sequence[Sequence[Trajectory]], palette: tuple[str, ...]) -> list[list[Style]]:
    """Return the style of each trajectory of each group; the same optimizer has the same in all of them."""
    keys = [_keys(group) for group in groups]
    optimizers: dict[Key, list[Trajectory]] = {}
    for names, group in zip(keys, groups, strict=True):
        for key, each in zip(names, group, strict=True):
            optimizers.setdefault(key, []).append(each)
    colors = _colors([each[0].color for each in optimizers.values()], palette)
    made = {
        key: Style(
            label=each[0].label,
            settings=each[0].settings,
            color=colors[i],
            # When the colours come round again, they meet other dashes than before.
            dash=DASHES[(i + i // len(palette)) % len(DASHES)] if _few(each) else (),
            marker=MARKERS[i % len(MARKERS)],
            aside=_aside(each),
        )
        for i, (key, each) in enumerate(optimizers.items())
    }
    return [[made[key] for key in names] for names in keys]


def _aside(trajectories: Iterable[Trajectory]) -> str:
    """How far the last weights of an optimizer are from the plane of each network; nothing where they lie on it."""
    told = []
    for each in trajectories:
        if each.training is None or "off_plane" not in each.training.figures:
            continue
        away, landscape = float(each.training.figures["off_plane"][int(last_steps(each)[0])]), each.objective.landscape
        if landscape is not None and landscape.is_off(away):
            told.append(number(away, 2))
    return f"{' and '.join(told)} off the plane{'s' * (len(told) > 1)}" if told else ""


def _few(trajectories: Iterable[Trajectory]) -> bool:
    return max(len(each.stops) for each in trajectories) <= FEW_STARTS


Key = tuple[str, str, str | None, int]


def _keys(group: Iterable[Trajectory]) -> list[Key]:
    """What tells one optimizer of a group from the others, and is the same in the next group."""
    seen: Counter[tuple[str, str, str | None]] = Counter()
    keys = []
    for each in group:
        key = (each.label, each.settings, each.color)
        keys.append((*key, seen[key]))
        seen[key] += 1
    return keys


def _colors(given: Sequence[str | None], palette: tuple[str, ...]) -> list[str]:
    """Each optimizer's colour: its own where the YAML gives one, else the next of the theme's that is free."""
    free = [color for color in palette if color not in given] or list(palette)
    colors, taken = [], 0
    for color in given:
        colors.append(color or free[taken % len(free)])
        taken += color is None
    return colors


def places_each(trajectories: Iterable[Trajectory]) -> int:
    """Return how many places a start may have, for all that are drawn together."""
    return min(MOST_EACH, MOST_TOGETHER // max(1, sum(len(each.stops) for each in trajectories)))


def path(trajectory: Trajectory, style: Style, stage: Stage) -> Path:
    """Return one optimizer's paths as they run over a stage."""
    shown, ends = stage.shown, last_steps(trajectory)
    spots = shown.project(trajectory.points)
    times = np.arange(len(spots), dtype=np.float64)
    points, slopes = spots, None
    if shown.kind != "contour":
        times = _times(spots, shown.bounds, ends, stage.places)
        values, slopes = _lifted(trajectory, times, with_slopes=shown.kind == "curve")
        levels = values if stage.axis is None else stage.axis.heights(values)
        points = np.concatenate([_between(spots, times), levels[..., None]], -1)
    exits = tuple(_exits(trajectory, times, points, stage.box))
    for exit_ in exits:
        ends[exit_.start] = exit_.step
    return Path(
        style=style,
        times=times,
        points=points,
        slopes=slopes,
        gradients=np.nan_to_num(finite(trajectory.gradients)) @ shown.axes.T,
        values=finite(trajectory.values),
        moves=np.diff(spots, axis=0),
        ends=ends,
        exits=exits,
    )


def _times(spots: FloatArray, bounds: FloatArray, ends: npt.NDArray[np.int64], most: int) -> FloatArray:
    """When spots (steps + 1, starts, k) need a place, so that none is far from the next within the bounds, (n,).

    A segment that is seen whole is parted evenly. Of one that crosses the border the part inside is parted, as
    finely as that takes, or a long way out would leave only a few places within the view.
    """
    steps = len(spots) - 1
    enter, leave = _within(spots, bounds)
    span = bounds[:, 1] - bounds[:, 0]
    lengths = np.linalg.norm(np.diff(spots, axis=0) / span, axis=-1) * (leave - enter)
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


def _within(spots: FloatArray, bounds: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The shares of each segment, (steps, starts), between which it lies within the bounds; equal where it does not."""
    here, move = spots[:-1], np.diff(spots, axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = (bounds[:, 0] - here) / move, (bounds[:, 1] - here) / move
    still = move == 0
    outside = (here < bounds[:, 0]) | (here > bounds[:, 1])
    low, high = np.where(still, -np.inf, low), np.where(still, np.where(outside, -np.inf, np.inf), high)
    enter = np.clip(np.minimum(low, high).max(-1), 0, 1)
    return enter, np.maximum(np.clip(np.maximum(low, high).min(-1), 0, 1), enter)


def _between(rows: FloatArray, times: FloatArray) -> FloatArray:
    """Return rows (steps + 1, …) at times (n,), (n, …): on the straight segment between the two nearest."""
    k = np.minimum(times.astype(np.int64), max(len(rows) - 2, 0))
    share = (times - k).reshape(-1, *[1] * (rows.ndim - 1))
    following = rows[np.minimum(k + 1, len(rows) - 1)]
    # At whole times the rows themselves, unrounded.
    return np.asarray(np.where(share == 1, following, rows[k] + share * (following - rows[k])))


def _lifted(trajectory: Trajectory, times: FloatArray, *, with_slopes: bool) -> tuple[FloatArray, FloatArray | None]:
    """The values at times (n,) of the straight way between the iterates, (n, starts), and the slopes there.

    At the iterates they are those that were recorded. The loss of a network runs straight between them: its landscape
    is that of other weights, the nearest ones on the plane.
    """
    objective, (_, starts, dim) = trajectory.objective, trajectory.points.shape
    whole = times == np.floor(times)
    if objective.landscape is not None:
        return finite(_between(trajectory.values, times)), None
    values, slopes = np.empty((2, len(times), starts))
    steps = times[whole].astype(np.int64)
    values[whole], slopes[whole] = trajectory.values[steps], trajectory.gradients[steps, :, 0]
    between = np.flatnonzero(~whole)
    # A few at a time: in a thousand dimensions all of them would not fit in memory.
    size = max(1, 2**22 // (starts * dim))
    for chunk in (between[first : first + size] for first in range(0, len(between), size)):
        points = _between(trajectory.points, times[chunk])
        if with_slopes:
            values[chunk], gradients = objective.gradients(points)
            slopes[chunk] = gradients[..., 0]
        else:
            values[chunk] = objective.values(points)
    return finite(values), finite(slopes) if with_slopes else None


def _exits(trajectory: Trajectory, times: FloatArray, points: FloatArray, box: FloatArray) -> Iterator[Exit]:
    """Yield where paths, (n, starts, k), leave the box for good or break off."""
    at = np.searchsorted(times, np.arange(len(trajectory.points)))
    seen = inside(points[..., :2], box)
    stays = seen[-1] & ~np.array([stop.breaks_off for stop in trajectory.stops])
    for start in np.flatnonzero(seen[at].any(0) & ~stays).tolist():
        if seen[-1, start]:
            step = trajectory.stopped_at(start)
            words = f"{trajectory.stops[start].value} at step {step}"
            yield Exit(start, step, float(step - 1), tuple(points[-1, start].tolist()), words)
            continue
        last = int(np.flatnonzero(seen[at, start])[-1])
        first = int(at[last] + np.argmin(seen[at[last] : at[last + 1] + 1, start]))
        here, there = points[first - 1, start], points[first, start]
        share = _share(here, there, box)
        place = np.where(np.isfinite(there), here + share * (there - here), here)
        time = times[first - 1] + share * (times[first] - times[first - 1])
        yield Exit(start, last + 1, float(time), tuple(place.tolist()), f"left at step {last + 1}")


def _share(here: FloatArray, there: FloatArray, box: FloatArray) -> float:
    """How much of the way from one place to the next lies within the box."""
    move = (there - here)[:2]
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.where(move > 0, (box[:, 1] - here[:2]) / move, (box[:, 0] - here[:2]) / move)
    shares = np.where(np.isfinite(shares) & (move != 0), shares, np.inf)
    return float(min(max(shares.min(), 0.0), 1.0)) if np.isfinite(there[:2]).all() else 0.0
