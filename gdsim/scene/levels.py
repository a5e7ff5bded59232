"""Ranges and levels of values, ticks of an axis, and the formatting of their numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt

from gdsim.objectives import FloatArray
from gdsim.objectives.formulas import number, power

WANTED = 28  # approximate number of levels: enough to show slopes, few enough for sharp fills with 256 colours

SKEWED, STRAYING = 4.5, 5
"""Minimum ratios of the highest value to the median for geometric levels, and of the full range to that of the 2 % and
98 % quantiles for levels of equal areas."""

NARROW = 4  # ratio of the highest to the lowest value below which ticks are round numbers instead of decades

LABELLED, LEEWAY = 7, 0.85
"""For levels of equal areas: number of edges per labelled edge, and the fraction of a level's area by which that edge
may be moved to a round number."""

ROUNDING = (
    1e-9  # maximum distance of a value below the known minimum that is due to rounding, as a fraction of the range
)
LARGEST = 1e305  # maximum absolute value that is drawn; differences and multiples of larger ones would overflow
REACH = 10  # maximum extension of a value range to include the paths, as a multiple of the function's own range

MOST_TICKS = 5  # of an axis: enough to read a value, and few enough to stay in the background

Spacing = Literal["linear", "log", "rank"]


@dataclass(frozen=True, eq=False)
class Levels:
    """The levels at which the colour of a field changes.

    Attributes:
        edges: (levels + 1,) ascending values between which the colour is constant, in units of the objective.
        ticks: (ticks,) indices into `edges` of the labelled values.
        caption: The labelled quantity: the value, or its difference from the known minimum f*, the lowest value of the
            field, or a round number.
    """

    edges: FloatArray
    ticks: npt.NDArray[np.intp]
    labels: tuple[str, ...]
    caption: str


def finite(values: FloatArray) -> FloatArray:
    """Return values (…) with NaN where they are not finite, or too large to draw."""
    return np.where(np.abs(values) <= LARGEST, values, np.nan)


def value_range(values: FloatArray, *, bottomless: bool) -> tuple[float, float]:
    """Return the range to show, cut at the top if a few values would flatten all others, or at the bottom of a pole."""
    values = values[np.isfinite(values)]
    if values.size == 0:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    most_low, most_high = np.quantile(values, [0.02, 0.98]).tolist()
    span = most_high - most_low
    if span == 0:
        return low, high
    return max(low, most_low - span) if bottomless else low, min(high, most_high + span)


def stretched(low: float, high: float, values: FloatArray) -> tuple[float, float]:
    """Return a range extended to include values, but not so far that the function would look flat."""
    values = values[np.isfinite(values)]
    room = REACH * ((high - low) or max(abs(high), 1.0))
    least, most = values.min(initial=low), values.max(initial=high)
    return float(max(least, low - room)), float(min(most, high + room))


def choose_levels(values: FloatArray, minimum: float | None, symbol: str, spacing: Spacing | None = None) -> Levels:
    """Choose about 24 to 32 levels for the finite values of a field (…), labelled by their height above the minimum.

    The default spacing is geometric above the minimum if the median is at most 2/9 of the highest value; by equal
    areas if a few extreme values, as at a pole, would leave all others in one colour; otherwise linear.

    Args:
        values: The field.
        minimum: A number that no value is below; None if none is known.
        symbol: The name of the values above this number, such as "f − f*"; of the values if none is known.
        spacing: How the levels are spaced; None for the default.
    """
    known = values[np.isfinite(values)]
    if known.size == 0:
        return _levels(*_even(0.0, 1.0), 0.0, symbol)
    low, high = float(known.min()), float(known.max())
    if high - low <= 1e-12 * max(abs(low), abs(high)):
        margin = max(abs(low), 1.0) * 1e-3
        base = minimum or 0.0
        return _levels(*_even(low - margin - base, high + margin - base), base, symbol)
    base = low if minimum is None else min(minimum, low)
    is_above = minimum is not None and minimum - base <= ROUNDING * (high - low)
    spacing = spacing or _fitting(known - base, base)
    if spacing == "log":
        return _levels(*_geometric(known - base, base), base, symbol if is_above else "f − min f")
    base = base if is_above else 0.0
    origin, caption = origin_of(low - base, high - base, symbol)
    base += origin
    found = _ranked(known - base, base) if spacing == "rank" else _even(low - base, high - base)
    return _levels(*found, base, caption)


def _levels(edges: FloatArray, ticks: FloatArray, base: float, caption: str) -> Levels:
    """Return levels with edges above a base, labelled where the edges are ticks."""
    at = [i for i, edge in enumerate(edges) if i == 0 == edge or np.isclose(ticks, edge, rtol=1e-9, atol=0).any()]
    return Levels(edges + base, np.array(at, np.intp), labels(edges[at]), caption)


def _fitting(above: FloatArray, base: float) -> Spacing:
    top = float(above.max())
    if np.median(above) <= top / SKEWED and top >= 1e-9 * abs(base):
        return "log"
    most_low, most_high = np.quantile(above, [0.02, 0.98])
    return "rank" if top > STRAYING * (most_high - most_low) > 0 else "linear"


def _even(low: float, high: float) -> tuple[FloatArray, FloatArray]:
    ticks = round_ticks(low, high, 7, outside=True)
    parts = max(1, round(WANTED / (len(ticks) - 1)))
    edges = np.concatenate([np.linspace(a, b, parts, endpoint=False) for a, b in pairwise(ticks)])
    return _cut(np.append(edges, ticks[-1]), low, high), ticks


def _geometric(above: FloatArray, base: float) -> tuple[FloatArray, FloatArray]:
    lowest, top = float(above.min()), float(above.max())
    # Lower edges would cover almost no area, or vanish when rounded relative to the base.
    bottom = max(float(np.quantile(above, 0.005)), top * 1e-6, abs(base) * 1e-14)
    if narrow := top < NARROW * lowest:
        ticks = round_ticks(lowest, top, 7, outside=True)
        visible = len(ticks) - 1
    else:
        for ticks in decade_ticks(np.floor(np.log10(bottom)), np.ceil(np.log10(top))):
            visible = int(np.sum((ticks >= bottom) & (ticks <= top)))
            if visible >= 3:
                break
    parts = max(1, round(WANTED / max(visible, 1)))
    edges = np.concatenate([np.geomspace(a, b, parts, endpoint=False) for a, b in pairwise(ticks)])
    edges = np.append(edges, ticks[-1])
    if not narrow:
        edges = np.append(0.0, edges[np.searchsorted(edges, bottom, side="right") - 1 :])
    return _cut(edges, lowest if narrow else 0.0, top), ticks


def _ranked(values: FloatArray, base: float) -> tuple[FloatArray, FloatArray]:
    """Return edges of levels of equal areas, fewer if many points share a value, and which are labelled."""
    shares, leeway = np.arange(0, WANTED + 1, LABELLED) / WANTED, LEEWAY / WANTED
    below, above = np.quantile(values, np.clip([shares - leeway, shares + leeway], 0, 1))
    # The outermost edges move outwards, so that they enclose everything.
    below[0], above[0] = 2 * below[0] - above[0], below[0]
    below[-1], above[-1] = above[-1], 2 * above[-1] - below[-1]
    ticks = np.array([_roundest(*pair) for pair in zip(below.tolist(), above.tolist(), strict=True)])
    ranks = [(values < tick).mean() for tick in ticks]
    edges = np.quantile(values, np.interp(np.arange(WANTED + 1) / LABELLED, np.arange(len(ticks)), ranks))
    edges[::LABELLED] = ticks
    edges = np.unique(edges)
    # Edges that become equal when the base is added are merged.
    return edges[np.append(True, np.diff(edges + base) > 0)], ticks


def _roundest(low: float, high: float) -> float:
    """Return the number from `low` to `high` with the fewest digits."""
    if low <= 0 <= high:
        return 0.0
    if low == high:
        return low
    size = 10.0 ** np.floor(np.log10(high - low))
    candidates = (float(f"{np.ceil(low / step) * step:.15g}") for step in (10 * size, 5 * size, 2 * size, size))
    return next((number for number in candidates if low <= number <= high), low)


def _cut(edges: FloatArray, low: float, high: float) -> FloatArray:
    """Keep the edges from the last at or below `low` to the first at or above `high`."""
    slack = 1e-9 * (high - low)
    first = max(int(np.searchsorted(edges, low + slack, side="right")) - 1, 0)
    last = min(int(np.searchsorted(edges, high - slack, side="left")), len(edges) - 1)
    return edges[first : last + 1]


def decade_ticks(lowest: float, highest: float) -> Iterator[FloatArray]:
    """Yield ticks from 10^lowest on, more and more of them for each power of ten up to 10^highest."""
    for factors in ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0)):
        yield np.multiply.outer(10.0 ** np.arange(lowest, highest + 1), factors).ravel()


def round_ticks(low: float, high: float, wanted: int, *, outside: bool = False) -> FloatArray:
    """Return about `wanted` round numbers between `low` and `high`; with `outside`, enough to enclose both."""
    raw = (high - low) / max(wanted, 1)
    size = 10.0 ** np.floor(np.log10(raw))
    step = size * next(m for m in (1.0, 2.0, 2.5, 5.0, 10.0) if m * size >= raw * 0.999)
    slack = 1e-9 * (high - low)
    down, up, slack = (np.floor, np.ceil, slack) if outside else (np.ceil, np.floor, -slack)
    return np.asarray(np.arange(down((low + slack) / step), up((high - slack) / step) + 1) * step, np.float64)


def few_ticks(low: float, high: float, most: int) -> FloatArray:
    """Return multiples of 1, 2 or 5 times a power of ten between `low` and `high`: three to five, at most `most`."""
    most, size = min(most, MOST_TICKS), 10.0 ** np.floor(np.log10((high - low) / MOST_TICKS))
    for step in size * np.array([1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0]):
        first, last = np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9)
        if last - first < most:
            return np.asarray(np.arange(first, last + 1) * step)
    return np.empty(0)


def few_decades(low: float, high: float, most: int) -> FloatArray:
    """Return three to five round numbers for a logarithmic axis from `low` to `high`, at most `most`.

    They are evenly spaced powers of ten, 1 among them, or more numbers per decade if the axis spans few.
    """
    most = min(most, MOST_TICKS)
    lowest, highest = np.ceil(np.log10(low)), np.floor(np.log10(high))
    exponents = np.arange(lowest, highest + 1)
    if len(exponents) > 2:
        every = next(every for every in range(1, 400) if np.sum(exponents % every == 0) <= most)
        return np.asarray(10.0 ** exponents[exponents % every == 0])
    within = (ticks[(ticks >= low) & (ticks <= high)] for ticks in decade_ticks(lowest - 1, highest))
    fallback = 10.0**exponents if 2 <= len(exponents) <= most else few_ticks(low, high, most)
    return next((ticks for ticks in within if 3 <= len(ticks) <= most), fallback)


def origin_of(low: float, high: float, symbol: str) -> tuple[float, str]:
    """Return an offset for values with a small relative range, such as 51.169, and what is left: "f − 51.169"."""
    if high == low or high - low > 1e-3 * max(abs(low), abs(high)):
        return 0.0, symbol
    unit = 10.0 ** np.ceil(np.log10(high - low))
    digits = int(np.ceil(np.log10(max(abs(low), unit) / unit))) + 1
    origin = float(f"{np.floor(low / unit) * unit:.{digits}g}")
    return origin, f"{symbol.partition('(')[0]} {'−' if origin > 0 else '+'} {number(abs(origin), digits)}"


def labels(ticks: FloatArray) -> tuple[str, ...]:
    """Format ascending ticks, each with enough digits to distinguish it from its neighbours."""
    gaps = np.concatenate([[np.inf], np.diff(ticks), [np.inf]])
    nearest = np.minimum(gaps[1:], gaps[:-1])[: len(ticks)]

    def digits(tick: float, gap: float) -> int:
        return next((n for n in range(5, 17) if abs(float(f"{tick:.{n}g}") - tick) <= 0.01 * gap), 17)

    # 10⁴ beside 10⁵, but 10000 alone.
    powers = {1e4: power(4)} if np.isin(1e5, ticks) else {}
    pairs = zip(ticks.tolist(), nearest.tolist(), strict=True)
    return tuple(powers.get(tick) or number(tick, digits(tick, gap)) for tick, gap in pairs)
