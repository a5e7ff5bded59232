"""What a panel's curves show of their figures: the range of the axis, and the median of many."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gdsim.analysis.metrics import TOLERANCE
from gdsim.objectives import FloatArray
from gdsim.scene.levels import LARGEST

SPANNING = 30  # minimum ratio of the largest to the smallest positive figure for a logarithmic axis
SMALLEST = TOLERANCE / 100  # smallest figure on a logarithmic axis, as a fraction of the first or the largest one
NEARLY = 10  # the solved band is visible if a figure comes as near to it as by this factor
LIFT = 0.06  # height on a logarithmic axis, as a fraction, of the smallest figure; smaller ones are drawn there
QUANTILES = (0.1, 0.5, 0.9)  # of many starts: the lower edge of the band, the curve, and the upper edge


def axis_limits(
    figures: FloatArray, floor: float | None = None, *, may_be_logarithmic: bool = True
) -> tuple[FloatArray, bool]:
    """Return the limits (2,) of an axis for figures (n,), and whether it is logarithmic.

    Args:
        figures: The figures, which are finite.
        floor: The smallest figure that is distinguished on a logarithmic axis; None for the default.
        may_be_logarithmic: Whether the axis is logarithmic if the figures span much.
    """
    figures = figures[np.abs(figures) <= LARGEST]
    positive = figures[figures > 0]
    if not may_be_logarithmic or not positive.size or positive.max() / SPANNING <= positive.min():
        return linear_limits(figures), False
    high = float(positive.max())
    low = max(float(positive.min()), SMALLEST * high if floor is None else min(floor, high / SPANNING))
    return np.array([low * (low / (2 * high)) ** (LIFT / (1 - LIFT)), 2 * high]), True


def linear_limits(figures: FloatArray) -> FloatArray:
    """Return the limits (2,) of a linear axis for figures (n,), with a margin."""
    if figures.size == 0:
        return np.array([0.0, 1.0])
    low, high = float(figures.min()), float(figures.max())
    margin = LIFT * (high - low) or 0.1 * abs(high) or 1.0
    return np.array([low - margin, high + margin])


def value_limits(above: FloatArray, firsts: FloatArray) -> tuple[FloatArray, bool, float | None]:
    """Return the limits (2,) of an axis for values above a known minimum, and the upper edge of its solved band.

    Args:
        above: (n,) the values minus the minimum.
        firsts: (starts,) the first of them at each start.

    Returns:
        The limits, whether the axis is logarithmic, and the value at which a start comes within tolerance; None if the
        starts differ in it or no value comes near it.
    """
    tolerances = TOLERANCE * firsts[firsts > 0]
    if not tolerances.size:
        return *axis_limits(above), None
    solved, lowest = float(tolerances.min()), float(above.min(initial=np.inf))
    if tolerances.max() > (1 + 1e-6) * solved or lowest > NEARLY * solved:
        return *axis_limits(above, solved / 100), None
    # A figure just above the band is kept, and the band is visible below it.
    limits, logarithmic = axis_limits(np.append(above, min(lowest, solved / 3)), solved / 100)
    return limits, logarithmic, solved if logarithmic else None


def on_axis(figures: FloatArray, limits: FloatArray) -> FloatArray:
    """Return figures of a logarithmic axis with limits (2,), raised to the smallest one on it."""
    low, high = limits
    return np.asarray(np.maximum(figures, low * (high / low) ** LIFT))


def quantiles(figures: FloatArray, ends: npt.NDArray[np.int64]) -> FloatArray:
    """Return `QUANTILES` over the starts at each step, (steps + 1, 3), of figures (steps + 1, starts).

    Each start keeps its figure after its end, (starts,). Figures that are missing do not count.
    """
    held = figures[np.minimum(np.arange(len(figures))[:, None], ends), np.arange(len(ends))]
    counts = np.isfinite(held).sum(1)[:, None]
    places = np.rint(np.array(QUANTILES) * np.maximum(counts - 1, 0)).astype(np.intp)
    return np.take_along_axis(np.sort(held, axis=1), places, axis=1)
