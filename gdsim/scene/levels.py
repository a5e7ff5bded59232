"""Which levels a field and which range a scale show, chosen from the values themselves."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from gdsim.objectives import FloatArray

__all__ = ["Levels", "choose_levels", "labels", "number", "origin_of", "round_ticks"]

WANTED = 28
"""About how many levels: enough to read a slope, few enough that the fills stay crisp in 256 colours."""

SKEWED = 6
"""How many times the median of a field its highest value is before its levels are geometric."""

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, eq=False)
class Levels:
    """Where a field changes colour.

    Args:
        edges: (levels + 1,) the values between which one colour stands, ascending, in units of the objective.
        ticks: (ticks,) indices into `edges` that carry a label.
        labels: The labels, one a tick.
        caption: What the numbers are: the value, the value above the known minimum f*, or above the lowest shown.
    """

    edges: FloatArray
    ticks: npt.NDArray[np.intp]
    labels: tuple[str, ...]
    caption: str


def choose_levels(values: FloatArray, minimum: float | None, symbol: str) -> Levels:
    """Choose some 24 to 32 levels that show a field's shape.

    The levels are evenly spaced where the values are, and geometrically above the minimum where most of
    the field lies low: where the median is less than 1/6 of the highest value.

    Args:
        values: (…) the field; what is not finite is passed over.
        minimum: The objective's known minimum, or None.
        symbol: How the field is called, `"f(x, y)"`.
    """
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return _even(0.0, 1.0, symbol, 0.0)
    low, high = float(finite.min()), float(finite.max())
    if high - low <= 1e-12 * max(abs(low), abs(high)):
        room = max(abs(low), 1.0) * 1e-3
        return _even(low - room, high + room, symbol, 0.0)
    base = low if minimum is None or minimum > low else minimum
    above = finite - base
    if np.median(above) > above.max() / SKEWED or above.max() < 1e-9 * abs(base):
        origin, caption = origin_of(low, high, symbol)
        return _even(low - origin, high - origin, caption, origin)
    return _geometric(above, base, minimum, symbol)


def _even(low: float, high: float, caption: str, base: float) -> Levels:
    ticks = round_ticks(low, high, 7, outside=True)
    parts = max(1, round(WANTED / (len(ticks) - 1)))
    edges = np.concatenate([np.linspace(a, b, parts, endpoint=False) for a, b in pairwise(ticks)])
    edges = np.append(edges, ticks[-1])
    return _cut(edges, ticks, low, high, caption, base)


def _geometric(above: FloatArray, base: float, minimum: float | None, symbol: str) -> Levels:
    top = float(above.max())
    bottom = max(float(np.quantile(above, 0.005)), top * 1e-6)
    decades = np.arange(np.floor(np.log10(bottom)), np.ceil(np.log10(top)) + 1)
    steps = (1.0,) if len(decades) > 4 else (1.0, 3.0) if len(decades) > 2 else (1.0, 2.0, 5.0)
    ticks = np.array([m * 10.0**d for d in decades for m in steps])
    shown = max(int(np.sum((ticks >= bottom) & (ticks <= top))), 1)
    parts = max(1, round(WANTED / shown))
    pairs = pairwise(ticks)
    edges = np.append(np.concatenate([np.geomspace(a, b, parts, endpoint=False) for a, b in pairs]), ticks[-1])
    edges = np.append(0.0, edges[np.searchsorted(edges, bottom, side="right") - 1 :])
    if base == 0.0:
        caption = symbol
    elif minimum is None or base != minimum:
        caption = "f − min f"
    else:
        caption = "f − f*"
    return _cut(edges, ticks, 0.0, top, caption, base)


def _cut(edges: FloatArray, ticks: FloatArray, low: float, high: float, caption: str, base: float) -> Levels:
    """Keep the edges from the last at or below `low` to the first at or above `high`, and name the ticks on them."""
    room = 1e-9 * (high - low)
    first = max(int(np.searchsorted(edges, low + room, side="right")) - 1, 0)
    last = min(int(np.searchsorted(edges, high - room, side="left")), len(edges) - 1)
    edges = edges[first : last + 1]
    at = [i for i, edge in enumerate(edges) if i == 0 == edge or np.isclose(ticks, edge, rtol=1e-9, atol=0).any()]
    return Levels(edges + base, np.array(at, np.intp), labels(edges[at]), caption)


def round_ticks(low: float, high: float, wanted: int, *, outside: bool = False) -> FloatArray:
    """Return about `wanted` round numbers between `low` and `high`; with `outside`, enough to enclose both."""
    raw = (high - low) / max(wanted, 1)
    size = 10.0 ** np.floor(np.log10(raw))
    step = size * next(m for m in (1.0, 2.0, 2.5, 5.0, 10.0) if m * size >= raw * 0.999)
    room = 1e-9 * (high - low)
    down, up = (np.floor, np.ceil) if outside else (np.ceil, np.floor)
    first = down((low + room if outside else low - room) / step)
    last = up((high - room if outside else high + room) / step)
    return np.asarray(np.arange(first, last + 1) * step, np.float64)


def origin_of(low: float, high: float, symbol: str) -> tuple[float, str]:
    """Return what to take off values that differ little for their size, and what to call the rest of them.

    For example 51.169 and "f − 51.169" for values from 51.16901 to 51.16907: their labels would else be long.
    """
    if high == low or high - low > 1e-3 * max(abs(low), abs(high)):
        return 0.0, symbol
    unit = 10.0 ** np.ceil(np.log10(high - low))
    digits = int(np.ceil(np.log10(max(abs(low), unit) / unit))) + 1
    origin = float(f"{np.floor(low / unit) * unit:.{digits}g}")
    return origin, f"f {'−' if origin > 0 else '+'} {number(abs(origin), digits)}"


def labels(ticks: FloatArray) -> tuple[str, ...]:
    """Write ticks with as many digits as it takes to tell each from the next."""
    gaps = np.abs(np.diff(ticks))
    largest = np.abs(ticks).max(initial=0.0)
    digits = int(np.ceil(np.log10(largest / gaps.min()))) + 1 if len(gaps) and largest > 0 else 5
    return tuple(number(float(tick), max(digits, 5)) for tick in ticks)


def number(value: float, digits: int = 5) -> str:
    """Write a number as short as a label wants it, with a true minus sign: `−2.5`, `0.01`, `10⁶`, `3·10⁻⁵`."""
    if value == 0 or not np.isfinite(value):
        return "0" if value == 0 else str(value)
    if 1e-3 <= abs(value) < 1e5:
        return f"{value:.{digits}g}".replace("-", "−")
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    mantissa = mantissa.rstrip("0").removesuffix(".").replace("-", "−")
    power = "10" + str(int(exponent)).translate(SUPERSCRIPTS)
    return power if mantissa == "1" else f"{mantissa}·{power}"
