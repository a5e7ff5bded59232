"""What lies under the paths: an objective over the grid of a section, as a field, a line or a relief."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gdsim.config import View
from gdsim.objectives import FloatArray, Objective, inside
from gdsim.scene.levels import above_words, choose_levels, labels, number, origin_of, round_ticks
from gdsim.scene.parts import Field, Line, Relief
from gdsim.scene.section import Section
from gdsim.scene.space import Camera, Space
from gdsim.trajectory import Trajectory

__all__ = ["ValueAxis", "field", "finite", "line", "relief", "symbol", "value_axis"]

APART = 0.11
"""So much of a compressed value axis lies at least between two numbers."""

REACH = 10
"""Up to so many times the range of a function is shown for the sake of a path that comes from higher up."""


@dataclass(frozen=True)
class ValueAxis:
    """Turns values into heights from 0 to 1.

    Args:
        low: The value at height 0; what is lower lies there, too.
        high: The value at height 1; what is higher lies there, too.
        bend: For a compressed axis, the value above `low` up to which it is about linear; else None.
    """

    low: float
    high: float
    bend: float | None

    def heights(self, values: FloatArray) -> FloatArray:
        """Return how high values (…) stand, (…); NaN where they are not finite."""
        shares = (np.clip(finite(values), self.low, self.high) - self.low) / (self.high - self.low)
        if self.bend is None:
            return np.asarray(shares)
        bend = self.bend / (self.high - self.low)
        return np.asarray(np.log1p(shares / bend) / np.log1p(1 / bend))


def field(objective: Objective, shown: Section, view: View) -> Field:
    """Return the objective over a section of two coordinates, seen from above."""
    x, y, values = _over_grid(objective, shown, 301)
    return Field(x, y, values, choose_levels(values, objective.minimum, symbol(objective), view.levels), view.fill)


def line(objective: Objective, shown: Section, trajectories: Sequence[Trajectory]) -> tuple[Line, FloatArray]:
    """Return the objective over one coordinate, and (2,) the range of values to show."""
    x = np.linspace(shown.bounds[0, 0], shown.bounds[0, 1], 1001)
    values = finite(objective.values(x[:, None]))
    low, high = _range(values)
    # A step over the whole range and more is a pole: the line must not join its two sides.
    values[1:][np.abs(np.diff(values)) > 1.3 * ((high - low) or max(abs(high), 1.0))] = np.nan
    low, high = _stretched(low, high, _visited(shown, trajectories))
    room = (high - low) or max(abs(high), 1.0)
    # Below the curve there is room for the arrows on the axis.
    return Line(x, values), np.array([low - 0.22 * room, high + 0.08 * room])


def relief(
    objective: Objective, shown: Section, view: View, trajectories: Sequence[Trajectory]
) -> tuple[Relief, ValueAxis]:
    """Return the objective over a section of two coordinates, as a surface, and what gives a value its height."""
    x, y, values = _over_grid(objective, shown, 121)
    # A path through more dimensions lies beside the surface, and may be lower or higher than all of it.
    beside = _visited(shown, trajectories) if objective.dim > 2 else np.empty(0)
    axis = value_axis(values, beside, compressed=view.heights == "log")
    ticks, words, caption = _marks(axis, objective)
    camera = Camera(view.camera.elevation, view.camera.azimuth, view.camera.orbit)
    made = Relief(
        x=x,
        y=y,
        values=values,
        heights=axis.heights(values),
        levels=choose_levels(values, objective.minimum, symbol(objective), view.levels),
        ticks=axis.heights(ticks),
        labels=words,
        caption=caption,
        space=Space(shown.bounds, camera),
    )
    return made, axis


def value_axis(values: FloatArray, beside: FloatArray, *, compressed: bool) -> ValueAxis:
    """Choose the axis of a surface.

    Args:
        values: (…) those of the surface; what is not finite is passed over.
        beside: (n,) others that are to be seen, too.
        compressed: Whether the axis holds all values as log(1 + (f − low) / c), with such a c that half of them lie in
            its lower half; else it is linear, and cut where a few values would press all others flat.
    """
    low, high = _stretched(*_range(values), beside)
    seen = np.append(values, beside)
    seen = seen[np.isfinite(seen)]
    if compressed and seen.size:
        low, high = float(seen.min()), float(seen.max())
    if high - low <= 1e-12 * max(abs(low), abs(high)):
        room = 0.5 * max(abs(low), abs(high)) or 1.0
        return ValueAxis(low - room, high + room, None)
    if not compressed:
        return ValueAxis(low, high, None)
    middle = float(np.median((seen - low) / (high - low))) if seen.size else 0.5
    bend = middle**2 / (1 - 2 * middle) if middle < 0.5 else 1.0
    return ValueAxis(low, high, float(np.clip(bend, 1e-6, 1.0)) * (high - low))


def symbol(objective: Objective) -> str:
    """Return how a picture calls the objective's value."""
    return {1: "f(x)", 2: "f(x, y)"}.get(objective.dim, "f")


def finite(values: FloatArray) -> FloatArray:
    """Return values (…) with NaN where they are not finite."""
    return np.where(np.isfinite(values), values, np.nan)


def _over_grid(objective: Objective, shown: Section, n: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    x, y = (np.linspace(low, high, n) for low, high in shown.bounds)
    spots = np.stack(np.meshgrid(x, y), -1)
    # A few rows at a time: in a thousand dimensions the grid would not fit in memory.
    rows = max(1, 2**22 // (n * objective.dim))
    parts = [objective.values(shown.lift(spots[row : row + rows])) for row in range(0, n, rows)]
    return x, y, finite(np.concatenate(parts))


def _visited(shown: Section, trajectories: Sequence[Trajectory]) -> FloatArray:
    """The values of all iterates over the section."""
    values = [each.values[inside(shown.project(each.points), shown.bounds)] for each in trajectories]
    return np.concatenate([np.empty(0), *values])


def _range(values: FloatArray) -> tuple[float, float]:
    """The lowest and the highest value, or nearly so where a few would press all others flat."""
    values = values[np.isfinite(values)]
    if values.size == 0:
        return 0.0, 1.0
    low, most_low, most_high, high = np.quantile(values, [0, 0.02, 0.98, 1])
    span = most_high - most_low
    if span == 0:
        return float(low), float(high)
    return float(max(low, most_low - span)), float(min(high, most_high + span))


def _stretched(low: float, high: float, values: FloatArray) -> tuple[float, float]:
    """The range that holds values, too, unless it would become so wide that the function lies flat in it."""
    values = values[np.isfinite(values)]
    room = REACH * ((high - low) or max(abs(high), 1.0))
    least, most = values.min(initial=low), values.max(initial=high)
    return float(max(least, low - room)), float(min(most, high + room))


def _marks(axis: ValueAxis, objective: Objective) -> tuple[FloatArray, tuple[str, ...], str]:
    """The values that carry a number on a value axis, the numbers, and what they are."""
    name = symbol(objective)
    if axis.bend is None:
        base, caption = origin_of(axis.low, axis.high, name)
        ticks = round_ticks(axis.low - base, axis.high - base, 5)
        return ticks + base, labels(ticks), caption
    base, known = axis.low, objective.minimum
    # Numbers count from the minimum where the surface all but touches it.
    if known is not None and abs(base - known) <= 1e-3 * (axis.high - axis.low):
        base = known
    ticks = _decades(axis, base)
    return ticks + base, tuple(map(number, ticks)), f"{above_words(base, known, name)}, logarithmic axis"


def _decades(axis: ValueAxis, base: float) -> FloatArray:
    """Zero and round numbers above a base, as far apart on the axis as words need."""
    top = axis.high - base
    powers = 10.0 ** np.arange(np.floor(np.log10(top)) - 12, np.floor(np.log10(top)) + 1)
    for factors in ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0)):
        ticks = [0.0]
        for tick in (float(f"{m * power:.3g}") for power in powers for m in factors):
            if tick <= top and axis.heights(np.array(tick + base)) >= axis.heights(np.array(ticks[-1] + base)) + APART:
                ticks.append(tick)
        if len(ticks) > 4:
            break
    return np.array(ticks)
