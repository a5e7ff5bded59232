"""The slopes of samples at their own places: those of a cubic spline, and finite differences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from gdsim.errors import InputError

if TYPE_CHECKING:
    from gdsim.objectives import FloatArray

__all__ = ["finite_differences", "spline_slopes"]

# Numbers worked on at once: few enough to stay in the cache through all sweeps of a solution.
_CHUNK = 2**15

# A neighbour that counts for less than this is lost in the rounding of a slope.
_NEGLIGIBLE = 1e-18


def finite_differences(
    values: FloatArray, coordinates: Sequence[FloatArray], *, edge_order: int = 1
) -> tuple[FloatArray, ...]:
    """Take the gradient as `torch.gradient` does, with the real spacing.

    Args:
        values: Samples on a grid of any number of axes.
        coordinates: The ascending coordinates along each axis.
        edge_order: 1 or 2, the order of accuracy at the ends of an axis; inside it is 2.

    Returns:
        The derivative along each axis, in the shape of `values`.

    Raises:
        InputError: `edge_order` is another number, or needs more samples than an axis has.
    """
    import torch

    if edge_order not in (1, 2):
        raise InputError(f"edge_order is 1 or 2, not {edge_order!r}", ("edge_order",))
    if min(values.shape) <= edge_order:
        raise InputError(
            f"edge_order {edge_order} needs {edge_order + 1} samples along each axis, not {min(values.shape)}",
            ("edge_order",),
        )
    spacing = tuple(torch.tensor(along, dtype=torch.float64) for along in coordinates)
    slopes = torch.gradient(torch.tensor(values, dtype=torch.float64), spacing=spacing, edge_order=edge_order)
    return tuple(slope.numpy() for slope in slopes)


def spline_slopes(values: FloatArray, along: FloatArray, axis: int) -> FloatArray:
    """Differentiate, at the samples, the cubic spline through them that has no knot at the last sample but one.

    Any cubic polynomial is met exactly. Three samples give the slopes of their parabola, two that of their line.

    Args:
        values: (n0,) or (n0, n1).
        along: The ascending coordinates along `axis`.
        axis: The axis along which to differentiate.

    Returns:
        The slopes, in the shape of `values`.
    """
    slopes = np.empty(values.shape)
    known, wanted = _rows(values, axis), _rows(slopes, axis)
    height = max(1, _CHUNK // len(along))
    for first in range(0, len(known), height):
        chunk = slice(first, first + height)
        wanted[chunk] = _spline_slopes(np.ascontiguousarray(known[chunk]), along)
    return slopes


def _rows(values: FloatArray, axis: int) -> FloatArray:
    """View (n0,) or (n0, n1) as rows along `axis`."""
    return np.moveaxis(values, axis, -1) if values.ndim > 1 else values[np.newaxis]


def _spline_slopes(rows: FloatArray, along: FloatArray) -> FloatArray:
    steps = np.diff(along)
    chords = np.diff(rows) / steps
    if len(along) < 4:
        return _few_slopes(steps, chords)
    # At each inner sample the second derivative is continuous: lower · before + slope + upper · after = right.
    lower, upper = steps[1:] / (steps[:-1] + steps[1:]) / 2, steps[:-1] / (steps[:-1] + steps[1:]) / 2
    right = 3 * lower * chords[:, :-1] + 3 * upper * chords[:, 1:]
    # At the first and the last of them the third is, too: the slope at the end is `known` less `ratio` times its
    # neighbour's. Put into the neighbour's equation, this leaves half of the neighbour's slope, whatever the steps.
    first_known, first_ratio = _end(steps[0], steps[1], chords[:, 0], chords[:, 1])
    last_known, last_ratio = _end(steps[-1], steps[-2], chords[:, -1], chords[:, -2])
    right[:, 0] = 2 * (right[:, 0] - lower[0] * first_known)
    right[:, -1] = 2 * (right[:, -1] - upper[-1] * last_known)
    upper[0], lower[-1] = 2 * upper[0], 2 * lower[-1]
    lower[0] = upper[-1] = 0
    inner = _solve(lower, upper, right)
    first, last = first_known - first_ratio * inner[:, 0], last_known - last_ratio * inner[:, -1]
    return np.column_stack((first, inner, last))


def _few_slopes(steps: FloatArray, chords: FloatArray) -> FloatArray:
    if len(steps) == 1:
        return np.repeat(chords, 2, axis=1)
    left, right = chords.T
    middle = (steps[1] * left + steps[0] * right) / (steps[0] + steps[1])
    return np.column_stack((2 * left - middle, middle, 2 * right - middle))


def _end(step: float, next_step: float, chord: FloatArray, next_chord: FloatArray) -> tuple[FloatArray, float]:
    both = step + next_step
    share = step / both
    return (2 + share) * chord + share * (step / next_step) * next_chord, both / next_step


def _solve(lower: FloatArray, upper: FloatArray, right: FloatArray) -> FloatArray:
    """Solve lower[i] x[i−1] + x[i] + upper[i] x[i+1] = right[i] for each row of `right`, by cyclic reduction.

    Each sweep puts the neighbours' equations into each one's own, so that the neighbours which remain lie twice as far
    off and matter by the square: a handful of sweeps serves any length, each a few operations on whole arrays.
    """
    distance = 1
    while distance < len(lower) and max(np.abs(lower).max(), np.abs(upper).max()) > _NEGLIGIBLE:
        scale = 1 / (1 - lower * _shifted(upper, distance) - upper * _shifted(lower, -distance))
        swept = right * scale
        swept[:, distance:] -= (lower * scale)[distance:] * right[:, :-distance]
        swept[:, :-distance] -= (upper * scale)[:-distance] * right[:, distance:]
        right = swept
        lower, upper = -lower * scale * _shifted(lower, distance), -upper * scale * _shifted(upper, -distance)
        distance *= 2
    return right


def _shifted(row: FloatArray, distance: int) -> FloatArray:
    """Move the entries so far to the right, or to the left, with zeros behind them."""
    moved = np.zeros_like(row)
    if distance > 0:
        moved[distance:] = row[:-distance]
    else:
        moved[:distance] = row[-distance:]
    return moved
