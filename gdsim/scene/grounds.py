"""What lies under the paths: an objective over the grid of a section, as a field, a line or a relief."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from gdsim.config import View
from gdsim.objectives import FloatArray, Landscape, Objective, inside
from gdsim.scene.levels import above_words, choose_levels, labels, number, origin_of, round_ticks
from gdsim.scene.model import ContourModel, CurveModel, SurfaceModel
from gdsim.scene.projection import Projection
from gdsim.scene.space import Camera, Space
from gdsim.simulation import Trajectory

__all__ = ["ValueAxis", "field", "finite", "floor", "line", "relief", "symbol", "value_axis"]

APART = 0.11
"""So much of a compressed value axis lies at least between two numbers."""

REACH = 10
"""Up to so many times the range of a function is shown for the sake of a path that comes from higher up."""

FINEST, COARSE, MANY = 301, 151, 100
"""How many grid points a side of a field has, and how many in more dimensions than so many, where each takes long."""

LARGEST = float(np.finfo(np.float64).max)

STEEP, ZOOM = 1.5, 8
"""A function has a pole where it falls by so many times as much each time that it is looked at so much more closely."""


@dataclass(frozen=True)
class ValueAxis:
    """Turns values into heights from 0 to 1.

    Args:
        low: The value at height 0; what is lower, at a pole alone, lies there, too.
        high: The value at height 1; what is higher lies there, too.
        bend: For a compressed axis, the share of it above `low` up to which it is about linear; else None.
    """

    low: float
    high: float
    bend: float | None

    def heights(self, values: FloatArray) -> FloatArray:
        """Return how high values (…) stand, (…); NaN where they are not finite."""
        shares = _shares(np.clip(finite(values), self.low, self.high), self.low, self.high)
        if self.bend is None:
            return shares
        return np.asarray(np.log1p(shares / self.bend) / np.log1p(1 / self.bend))


def field(objective: Objective, shown: Projection, view: View) -> ContourModel:
    """Return the objective over a section of two coordinates, seen from above."""
    x, y, values = _over_grid(objective, shown, FINEST if objective.dim <= MANY else COARSE)
    return ContourModel(
        x, y, values, choose_levels(values, floor(objective), symbol(objective), view.levels), view.fill
    )


def line(
    objective: Objective, shown: Projection, trajectories: Sequence[Trajectory], minima: FloatArray
) -> tuple[CurveModel, FloatArray]:
    """Return the objective over one coordinate, and (2,) the range of values to show.

    Args:
        objective: What is shown.
        shown: Where.
        trajectories: What is to be seen upon it.
        minima: (m,) the values at the known minima that are shown.
    """
    x = np.linspace(shown.bounds[0, 0], shown.bounds[0, 1], 1001)
    values = finite(objective.values(x[:, None]))
    low, high = _range(values, bottomless=_has_pole(objective, shown, x[:, None], values))
    # A step over the whole range and more is a pole: the line must not join its two sides.
    steps = np.abs(np.diff(values / 2))
    values[1:][steps > 0.65 * ((high - low) or max(abs(high), 1.0))] = np.nan
    low, high = _stretched(low, high, _visited(shown, trajectories))
    low, high = float(minima.min(initial=low)), float(minima.max(initial=high))
    room = (high - low) or max(abs(high), 1.0)
    # Below the curve there is room for the arrows on the axis.
    return CurveModel(x, values), np.clip([low - 0.22 * room, high + 0.08 * room], -LARGEST, LARGEST)


def relief(
    objective: Objective, shown: Projection, view: View, trajectories: Sequence[Trajectory], minima: FloatArray
) -> tuple[SurfaceModel, ValueAxis]:
    """Return the objective over a section of two coordinates, as a surface, and what gives a value its height.

    Args:
        objective: What is shown.
        shown: Where.
        view: Says how.
        trajectories: What is to be seen upon it.
        minima: (m,) the values at the known minima that are shown.
    """
    x, y, values = _over_grid(objective, shown, 121)
    spots = np.stack(np.meshgrid(x, y), -1)
    beside = np.concatenate([_visited(shown, trajectories), minima])
    if objective.dim <= 2 and objective.landscape is None:
        # A path through more dimensions lies beside the surface, and may come from higher up. Upon it, only what lies
        # deeper than the grid has met counts.
        beside = beside[beside < np.fmin.reduce(values, None)]
    pole = _has_pole(objective, shown, spots.reshape(-1, 2), values.ravel())
    axis = value_axis(values, beside, compressed=view.heights == "log", bottomless=pole)
    ticks, words, caption = _marks(axis, objective, np.append(values, beside))
    camera = Camera(view.camera.elevation, view.camera.azimuth, view.camera.orbit)
    made = SurfaceModel(
        x=x,
        y=y,
        values=values,
        heights=axis.heights(values),
        levels=choose_levels(values, floor(objective), symbol(objective), view.levels),
        ticks=axis.heights(ticks),
        labels=words,
        caption=caption,
        space=Space(shown.bounds, camera),
    )
    return made, axis


def value_axis(values: FloatArray, beside: FloatArray, *, compressed: bool, bottomless: bool = False) -> ValueAxis:
    """Choose the axis of a surface.

    Args:
        values: (…) those of the surface; what is not finite is passed over.
        beside: (n,) others that are to be seen, too.
        compressed: Whether the axis holds all values as log(1 + (f − low) / c), with such a c that half of them lie in
            its lower half; else it is linear, and its top is cut where a few values would press all others flat.
        bottomless: Whether the values fall without end, so that its bottom may be cut, too.
    """
    low, high = _stretched(*_range(values, bottomless=bottomless), beside)
    seen = np.append(values, beside)
    seen = seen[np.isfinite(seen)]
    if compressed and seen.size:
        low, high = float(seen.min()), float(seen.max())
    if high / 2 - low / 2 <= 5e-13 * max(abs(low), abs(high)):
        room = 0.5 * max(abs(low), abs(high)) or 1.0
        return ValueAxis(low - room, high + room, None)
    if not compressed:
        return ValueAxis(low, high, None)
    middle = float(np.median(_shares(seen, low, high))) if seen.size else 0.5
    bend = middle**2 / (1 - 2 * middle) if middle < 0.5 else 1.0
    return ValueAxis(low, high, float(np.clip(bend, 1e-6, 1.0)))


def _shares(values: FloatArray, low: float, high: float) -> FloatArray:
    """Where values stand between two others, from 0 to 1; halved first, lest a difference is beyond all numbers."""
    return np.asarray((values / 2 - low / 2) / (high / 2 - low / 2))


def _has_pole(objective: Objective, shown: Projection, spots: FloatArray, values: FloatArray) -> bool:
    """Whether a function falls without end at the lowest of its values (n,), those over spots (n, k).

    A well that is merely narrow has a bottom when it is looked at closely.
    """
    if not np.isfinite(values).any():
        return False
    top, depths = float(np.nanmedian(values)), []
    at = spots[np.nanargmin(values)]
    cell = (shown.bounds[:, 1] - shown.bounds[:, 0]) / (len(values) ** (1 / spots.shape[1]) - 1)
    # Uneven, so that the next look does not meet the pole itself, where there is no value or a wild one.
    side = np.linspace(-0.93, 0.97, 2 * ZOOM)
    around = np.stack(np.meshgrid(*[side] * spots.shape[1]), -1).reshape(-1, spots.shape[1])
    for _ in range(4):
        near = np.clip(at + cell * around, shown.bounds[:, 0], shown.bounds[:, 1])
        found = finite(objective.values(shown.lift(near)))
        if not np.isfinite(found).any():
            return False
        at, cell = near[np.nanargmin(found)], cell / ZOOM
        depths.append(top / 2 - float(np.nanmin(found)) / 2)
    return all(deeper > STEEP * depth > 0 for depth, deeper in pairwise(depths))


def floor(objective: Objective) -> float | None:
    """Return what values are never below, for a network's loss 0; the known minimum of a function, or None."""
    return objective.minimum if objective.landscape is None else 0.0


def symbol(objective: Objective) -> str:
    """Return how a picture calls the objective's value."""
    if objective.landscape is not None:
        return "loss"
    if objective.image is not None:
        return "−score"
    return {1: "f(x)", 2: "f(x, y)"}.get(objective.dim, "f")


def finite(values: FloatArray) -> FloatArray:
    """Return values (…) with NaN where they are not finite."""
    return np.where(np.isfinite(values), values, np.nan)


def _over_grid(objective: Objective, shown: Projection, n: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    x, y = (np.linspace(low, high, n) for low, high in shown.bounds)
    spots = np.stack(np.meshgrid(x, y), -1)
    # A few rows at a time: in a thousand dimensions the grid would not fit in memory.
    rows = max(1, 2**22 // (n * objective.dim))
    parts = [objective.values(shown.lift(spots[row : row + rows])) for row in range(0, n, rows)]
    values = finite(np.concatenate(parts))
    return x, y, values if objective.landscape is None else _computed(objective.landscape, spots, values)


def _computed(landscape: Landscape, spots: FloatArray, values: FloatArray) -> FloatArray:
    """Values (…) between the computed ones, kept within their range, and NaN at spots (…, 2) next to what is no number.

    A smooth function through a landscape overshoots where that is steep.
    """
    low, high = np.nanmin(landscape.values, initial=np.inf), np.nanmax(landscape.values, initial=-np.inf)
    column, row = (np.abs(spots[..., i, None] - side).argmin(-1) for i, side in enumerate((landscape.x, landscape.y)))
    return np.where(np.isfinite(landscape.values[row, column]), np.clip(values, low, high), np.nan)


def _visited(shown: Projection, trajectories: Sequence[Trajectory]) -> FloatArray:
    """The values of all iterates over the section."""
    values = [each.values[inside(shown.project(each.points), shown.bounds)] for each in trajectories]
    return np.concatenate([np.empty(0), *values])


def _range(values: FloatArray, *, bottomless: bool) -> tuple[float, float]:
    """The lowest and the highest value; less where a few would press all others flat, at the bottom only of a pole."""
    values = values[np.isfinite(values)]
    if values.size == 0:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    # Halved, because between the largest numbers there are differences that are none.
    most_low, most_high = (2 * float(edge) for edge in np.quantile(values / 2, [0.02, 0.98]))
    span = min(most_high - most_low, LARGEST)
    if span == 0:
        return low, high
    return max(low, most_low - span) if bottomless else low, min(high, most_high + span)


def _stretched(low: float, high: float, values: FloatArray) -> tuple[float, float]:
    """The range that holds values, too, unless it would become so wide that the function lies flat in it."""
    values = values[np.isfinite(values)]
    room = min(REACH * (min(high - low, LARGEST) or max(abs(high), 1.0)), LARGEST)
    least, most = values.min(initial=low), values.max(initial=high)
    return float(max(least, low - room)), float(min(most, high + room))


def _marks(axis: ValueAxis, objective: Objective, seen: FloatArray) -> tuple[FloatArray, tuple[str, ...], str]:
    """The values that carry a number on a value axis, the numbers, and what they are, and where the axis is cut."""
    name = symbol(objective)
    if axis.bend is None:
        base, caption = origin_of(axis.low, axis.high, name)
        ticks = round_ticks(axis.low - base, axis.high - base, 5)
        least, most = np.nanmin(seen, initial=axis.low), np.nanmax(seen, initial=axis.high)
        cuts = [axis.low] * bool(least < axis.low) + [axis.high] * bool(most > axis.high)
        cut = " and ".join(number(edge - base, 4) for edge in cuts)
        return ticks + base, labels(ticks), f"{caption}, cut at {cut}" if cut else caption
    base, known = axis.low, objective.minimum
    # Numbers count from the minimum where the surface all but touches it.
    if known is not None and abs(base - known) <= 1e-3 * (axis.high - axis.low):
        base = known
    ticks = _compressed_ticks(axis, base)
    return ticks + base, tuple(map(number, ticks)), f"{above_words(base, known, name)}, logarithmic axis"


def _compressed_ticks(axis: ValueAxis, base: float) -> FloatArray:
    """Zero and round numbers above a base, as far apart on the axis as words need."""
    top = min(axis.high - base, LARGEST)
    powers = 10.0 ** np.arange(np.floor(np.log10(top)) - 12, np.floor(np.log10(top)) + 1)
    for factors in ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0)):
        ticks = [0.0]
        for tick in (float(f"{m * float(power):.3g}") for power in powers for m in factors):
            if tick <= top and axis.heights(np.array(tick + base)) >= axis.heights(np.array(ticks[-1] + base)) + APART:
                ticks.append(tick)
        if len(ticks) > 4:
            break
    return np.array(ticks)
