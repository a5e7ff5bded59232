"""Interpolate samples smoothly, with gradients by autograd or by finite differences."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import partial, reduce
from itertools import product
from operator import add, mul
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from gdsim.errors import InputError, did_you_mean
from gdsim.objectives.objective import FloatArray
from gdsim.objectives.samples import Samples

GradientKind = Literal["autograd", "finite_differences"]

# The number of samples per call of CubicSpline, whose coefficients take several times the memory of the samples.
_CHUNK = 2**20


def interpolate(
    samples: Samples, *, gradient: GradientKind = "autograd", edge_order: int = 1
) -> Callable[[Tensor], Tensor]:
    """Return a smooth function that passes through the samples.

    Between samples it is the cubic (in two dimensions the bicubic) Hermite polynomial with the slopes of the not-a-knot
    spline, so that value and gradient are continuous and cubic polynomials are reproduced exactly.

    The gradient "autograd" is that of the interpolating function; "finite_differences" that of `torch.gradient` at the
    samples, with `edge_order` at the border, interpolated by the cubic polynomial through the nearest four samples. It
    cannot be differentiated again.

    Returns:
        A function that maps float64 points (…, dim) to values (…). Value and gradient are NaN outside the samples, and
        bitwise identical for a single point and in a batch.

    Raises:
        InputError: `gradient` or `edge_order` is unknown, there are too few samples for `edge_order`, or slopes
            overflow float64.
    """
    kinds = get_args(GradientKind)
    if gradient not in kinds:
        message = f"must be {' or '.join(kinds)}, not '{gradient}'{did_you_mean(str(gradient), kinds)}"
        raise InputError(message, ("gradient",), code="unknown-name")
    surface = _surface(samples)
    if gradient == "autograd":
        return surface
    return partial(_with_gradient, surface, _difference_field(samples, edge_order))


class _Grid:
    """The coordinates of samples as tensors."""

    def __init__(self, samples: Samples) -> None:
        self.axes = tuple(torch.tensor(along) for along in samples.coordinates)
        self.low, self.high = torch.tensor(samples.bounds).unbind(-1)

    def cells(self, points: Tensor) -> list[Tensor]:
        """Return, per axis, the index of the last sample at or before each point; the last cell includes its end."""
        return [
            # searchsorted warns about columns that are not contiguous.
            torch.searchsorted(axis, column.contiguous(), right=True).sub(1).clamp(0, len(axis) - 2)
            for axis, column in zip(self.axes, points.unbind(-1), strict=True)
        ]

    def mask(self, points: Tensor) -> Tensor:
        """Return a factor (…, 1) that is 1 inside the samples, and NaN outside, which makes the gradient NaN too."""
        inside = ((points >= self.low) & (points <= self.high)).all(-1, keepdim=True)
        return torch.where(inside, 1.0, torch.nan).to(points)


class _Table:
    """Numbers at the nodes of a grid, of which weighted sums are taken over the nodes around each cell."""

    def __init__(self, numbers: FloatArray, strides: Sequence[int], offsets: Sequence[Sequence[int]]) -> None:
        if not np.isfinite(numbers).all():
            raise InputError("the slopes of the samples overflow float64", ("samples",))
        self.numbers = torch.from_numpy(numbers).view(-1)
        self.strides = strides
        self.offsets = reduce(lambda outer, inner: outer[..., None] + inner, map(torch.tensor, offsets))

    def weighted_sum(self, cells: Sequence[Tensor], weights: Sequence[Tensor]) -> Tensor:
        """Sum with the weights (…, n0) and (…, n1), in an order that does not depend on the memory layout."""
        node = reduce(add, (cell * stride for cell, stride in zip(cells, self.strides, strict=True)))
        terms = self.numbers[node[(..., *[None] * self.offsets.ndim)] + self.offsets]
        for weight in reversed(weights):
            # Not broadcast, because the order of the sum in its gradient depends on the memory layout.
            if weight.ndim < terms.ndim:
                weight = torch.stack([weight] * terms.shape[-2], -2)
            terms = reduce(add, (terms * weight).unbind(-1))
        return terms


def _surface(samples: Samples) -> Callable[[Tensor], Tensor]:
    grid, dim = _Grid(samples), samples.values.ndim
    derivatives = _derivatives(samples)
    distances = [size // derivatives.itemsize for size in derivatives.strides]
    orders, strides = distances[:dim], distances[dim:]
    offsets = [(0, node, order, order + node) for node, order in zip(strides, orders, strict=True)]
    table = _Table(derivatives, strides, offsets)

    def surface(points: Tensor) -> Tensor:
        here = points.detach()
        cells = grid.cells(here)
        left = torch.stack([axis[cell] for axis, cell in zip(grid.axes, cells, strict=True)], -1)
        right = torch.stack([axis[cell + 1] for axis, cell in zip(grid.axes, cells, strict=True)], -1)
        width = right - left
        share = (points * grid.mask(here) - left) / width
        return table.weighted_sum(cells, _hermite_weights(share, width).unbind(-2))

    return surface


def _derivatives(samples: Samples) -> FloatArray:
    """Return the splines' derivatives at the samples: `[i, j]` is of order i along x and of order j along y."""
    dim = samples.values.ndim
    table = np.empty((2,) * dim + samples.values.shape)
    table[(0,) * dim] = samples.values
    for axis in range(dim):
        for order in product((0, 1), repeat=axis):
            rest = (0,) * (dim - axis - 1)
            table[(*order, 1, *rest)] = _spline_slopes(table[(*order, 0, *rest)], samples.coordinates[axis], axis)
    return table


def _spline_slopes(values: FloatArray, along: FloatArray, axis: int) -> FloatArray:
    """Return the slopes of the not-a-knot cubic spline along an axis, at the samples."""
    from scipy.interpolate import CubicSpline

    rows = np.moveaxis(values, axis, 0).reshape(len(along), -1)
    slopes = np.empty_like(rows)
    step = max(1, _CHUNK // len(along))
    try:
        # Of an overflow, or of coordinates whose size makes SciPy's equations ill-conditioned.
        with warnings.catch_warnings(action="ignore", category=RuntimeWarning):
            for first in range(0, rows.shape[1], step):
                chunk = slice(first, first + step)
                slopes[:, chunk] = CubicSpline(along, rows[:, chunk]).derivative()(along)
    except (ValueError, np.linalg.LinAlgError):  # SciPy raises if differences overflow
        slopes[:] = np.nan
    return np.moveaxis(slopes.reshape(len(along), *np.delete(values.shape, axis)), 0, axis)


def _hermite_weights(share: Tensor, width: Tensor) -> Tensor:
    """Return the weights of the values at both ends of a cell, then of the slopes there: (…, 4)."""
    rest = 1 - share
    rise, fall = share * share, rest * rest
    left, right = (1 + 2 * share) * fall, (1 + 2 * rest) * rise
    return torch.stack((left, right, width * share * fall, -width * rest * rise), -1)


def _difference_field(samples: Samples, edge_order: int) -> Callable[[Tensor], Tensor]:
    """Return a function that interpolates finite differences (…, dim) by cubics through four samples per axis."""
    key, least = ("edge_order",), min(samples.values.shape)
    if edge_order not in (1, 2):
        raise InputError(f"must be 1 or 2, not {edge_order!r}", key)
    if least <= edge_order:
        raise InputError(f"{edge_order} needs {edge_order + 1} samples along each axis, not {least}", key)
    grid = _Grid(samples)
    slopes = torch.gradient(torch.tensor(samples.values), spacing=grid.axes, edge_order=edge_order)
    counts = [min(4, len(axis)) for axis in grid.axes]
    strides = slopes[0].contiguous().stride()
    offsets = [[stride * k for k in range(count)] for stride, count in zip(strides, counts, strict=True)]
    tables = [_Table(slope.contiguous().numpy(), strides, offsets) for slope in slopes]

    def field(points: Tensor) -> Tensor:
        first = [
            (cell - 1).clamp(0, len(axis) - count)
            for axis, cell, count in zip(grid.axes, grid.cells(points), counts, strict=True)
        ]
        columns = (points * grid.mask(points)).unbind(-1)
        weights = [
            _lagrange_weights(column, axis[start[..., None] + torch.arange(count)])
            for axis, column, start, count in zip(grid.axes, columns, first, counts, strict=True)
        ]
        return torch.stack([table.weighted_sum(first, weights) for table in tables], -1)

    return field


def _lagrange_weights(column: Tensor, nodes: Tensor) -> Tensor:
    """Return the weights of the values at nodes (…, n) in their interpolating polynomial: (…, n)."""
    away = column[..., None, None] - nodes[..., None, :]
    apart = nodes[..., :, None] - nodes[..., None, :]
    own = torch.eye(nodes.shape[-1], dtype=torch.bool)
    return reduce(mul, torch.where(own, 1.0, away / apart).unbind(-1))


def _with_gradient(f: Callable[[Tensor], Tensor], field: Callable[[Tensor], Tensor], points: Tensor) -> Tensor:
    """Return the value of `f` with the gradient `field`, by adding a term with value 0 and that gradient."""
    here = points.detach()
    return f(here) + reduce(add, (field(here) * (points - here)).unbind(-1))
