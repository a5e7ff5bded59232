"""Samples become a function of tensors: a bicubic surface, its gradient autograd's or that of finite differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, reduce
from itertools import product
from operator import add, mul
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from gdsim.errors import InputError, did_you_mean
from gdsim.objectives.samples.slopes import finite_differences, spline_slopes

if TYPE_CHECKING:
    from torch import Tensor

    from gdsim.objectives import FloatArray
    from gdsim.objectives.samples.grid import Samples

__all__ = ["GRADIENTS", "GradientKind", "interpolate"]

GradientKind = Literal["autograd", "finite_differences"]
GRADIENTS: tuple[GradientKind, ...] = ("autograd", "finite_differences")


def interpolate(
    samples: Samples, *, gradient: GradientKind = "autograd", edge_order: int = 1
) -> Callable[[Tensor], Tensor]:
    """Make the smooth function that passes through the samples.

    Between samples it is the cubic (in two dimensions the bicubic) Hermite polynomial whose slopes are those of the
    not-a-knot spline, so that value and gradient are continuous and any cubic polynomial is met exactly.

    Args:
        samples: What was measured, and where.
        gradient: "autograd" differentiates the function itself. "finite_differences" leaves the value as it is and
            gives as its gradient what `torch.gradient` finds at the samples, carried on between them by the cubic
            through the nearest four; it cannot be differentiated again.
        edge_order: 1 or 2, the order of accuracy of the finite differences at the border.

    Returns:
        A map of float64 points (…, dim) to values (…). Value and gradient are NaN outside of what was measured, and
        the same to the last bit for a point alone and in a batch.

    Raises:
        InputError: `gradient` or `edge_order` is unknown, there are too few samples for the `edge_order`, or they rise
            more steeply than a float64 tells.
    """
    if gradient not in GRADIENTS:
        offer = did_you_mean(str(gradient), GRADIENTS) or f": it is {' or '.join(GRADIENTS)}"
        raise InputError(f"there is no gradient '{gradient}'{offer}", ("gradient",))
    grid = _grid(samples)
    surface = _surface(samples, grid)
    if gradient == "autograd":
        return surface
    fields = finite_differences(samples.values, samples.coordinates, edge_order=edge_order)
    return partial(_with_gradient, surface, _field(fields, grid))


class _Grid(NamedTuple):
    """Where the samples lie."""

    along: tuple[Tensor, ...]  # (n0,), (n1,)
    low: Tensor  # (dim,)
    high: Tensor  # (dim,)

    def cells(self, points: Tensor) -> tuple[Tensor, ...]:
        """Number, along each axis, the last sample that a point does not lie before; the last cell is closed."""
        import torch

        return tuple(
            # The search speaks up when it has to make a column contiguous by itself.
            torch.searchsorted(axis, column.contiguous(), right=True).sub(1).clamp(0, len(axis) - 2)
            for axis, column in zip(self.along, points.unbind(-1), strict=True)
        )

    def measured(self, points: Tensor) -> Tensor:
        """Return (…, 1), a factor that is 1 inside, and outside NaN: as a factor it makes the gradient NaN, too."""
        import torch

        inside = ((points >= self.low) & (points <= self.high)).all(-1, keepdim=True)
        return torch.where(inside, 1.0, torch.nan).to(points)


def _grid(samples: Samples) -> _Grid:
    import torch

    low, high = torch.tensor(samples.bounds).unbind(-1)
    return _Grid(tuple(torch.tensor(along) for along in samples.coordinates), low, high)


def _tensor(table: FloatArray) -> Tensor:
    import torch

    if not np.isfinite(table).all():
        raise InputError("the samples are too large or too close for their slopes to be told")
    return torch.from_numpy(table)


def _spline_table(samples: Samples) -> FloatArray:
    """Differentiate at the samples: `table[i, j]` holds the derivative i times along x and j times along y."""
    dim = samples.dim
    table = np.empty((2,) * dim + samples.values.shape)
    table[(0,) * dim] = samples.values
    for order in product((0, 1), repeat=dim):
        for axis in range(dim):
            if order[axis] and not any(order[axis + 1 :]):
                lower = (*order[:axis], 0, *order[axis + 1 :])
                table[order] = spline_slopes(table[lower], samples.coordinates[axis], axis)
    return table


def _surface(samples: Samples, grid: _Grid) -> Callable[[Tensor], Tensor]:
    import torch

    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        table = _tensor(_spline_table(samples))
    strides = table.stride()[-samples.dim :]
    orders = table.stride()[: samples.dim]
    reach = _offsets([(0, node, order, order + node) for node, order in zip(strides, orders, strict=True)])

    def surface(points: Tensor) -> Tensor:
        here = points.detach()
        cells = grid.cells(here)
        left = torch.stack([axis[cell] for axis, cell in zip(grid.along, cells, strict=True)], -1)
        right = torch.stack([axis[cell + 1] for axis, cell in zip(grid.along, cells, strict=True)], -1)
        width = right - left
        share = (points * grid.measured(here) - left) / width
        terms = _terms(table, _node(cells, strides), reach)
        return _blend(terms, _hermite(share, width).unbind(-2))

    return surface


def _field(fields: Sequence[FloatArray], grid: _Grid) -> Callable[[Tensor], Tensor]:
    """Interpolate a field for each coordinate by the cubics through the four samples about a cell."""
    import torch

    tables = [_tensor(field) for field in fields]
    strides = tables[0].stride()
    counts = [min(4, len(axis)) for axis in grid.along]
    reach = _offsets([[stride * k for k in range(count)] for stride, count in zip(strides, counts, strict=True)])

    def field(points: Tensor) -> Tensor:
        first = [
            (cell - 1).clamp(0, len(axis) - count)
            for axis, cell, count in zip(grid.along, grid.cells(points), counts, strict=True)
        ]
        columns = (points * grid.measured(points)).unbind(-1)
        weights = [
            _lagrange(column, axis[start[..., None] + torch.arange(count)])
            for axis, column, start, count in zip(grid.along, columns, first, counts, strict=True)
        ]
        node = _node(first, strides)
        return torch.stack([_blend(_terms(table, node, reach), weights) for table in tables], -1)

    return field


def _with_gradient(f: Callable[[Tensor], Tensor], field: Callable[[Tensor], Tensor], points: Tensor) -> Tensor:
    """Give the value of `f` the gradient `field`, through a term that is 0 and whose slope is the field's."""
    here = points.detach()
    term = field(here) * (points - here)
    return f(here) + reduce(add, term.unbind(-1))


def _hermite(share: Tensor, width: Tensor) -> Tensor:
    """Weigh the value at the left and right end of a cell, then the slope at the left and right end: (…, 4)."""
    import torch

    rest = 1 - share
    rise, fall = share * share, rest * rest
    left, right = (1 + 2 * share) * fall, (1 + 2 * rest) * rise
    return torch.stack((left, right, width * share * fall, -width * rest * rise), -1)


def _lagrange(column: Tensor, places: Tensor) -> Tensor:
    """Weigh the values at the places (…, n) for the polynomial through them: (…, n)."""
    import torch

    away = column[..., None, None] - places[..., None, :]
    apart = places[..., :, None] - places[..., None, :]
    own = torch.eye(places.shape[-1], dtype=torch.bool)
    return reduce(mul, torch.where(own, 1.0, away / apart).unbind(-1))


def _node(cells: Sequence[Tensor], strides: Sequence[int]) -> Tensor:
    return reduce(add, (cell * stride for cell, stride in zip(cells, strides, strict=True)))


def _offsets(reach: Sequence[Sequence[int]]) -> Tensor:
    """Add up what lies how far away along each axis: (len(reach[0]), len(reach[1]))."""
    import torch

    return reduce(lambda far, near: far[..., None] + near, (torch.tensor(offsets) for offsets in reach))


def _terms(table: Tensor, node: Tensor, reach: Tensor) -> Tensor:
    return table.view(-1)[node[(..., *[None] * reach.ndim)] + reach]


def _blend(terms: Tensor, weights: Sequence[Tensor]) -> Tensor:
    """Sum the terms (…, n0, n1) with the weights (…, n0) and (…, n1), in one order whatever the layout of memory."""
    import torch

    for weight in reversed(weights):
        # Copies in place of broadcasting: its gradient is a sum whose order the layout of memory chooses.
        if weight.ndim < terms.ndim:
            weight = torch.stack([weight] * terms.shape[-2], -2)
        terms = reduce(add, (terms * weight).unbind(-1))
    return terms
