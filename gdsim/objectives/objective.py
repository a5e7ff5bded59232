"""A function of points (…, dim) to values (…), with the facts that are known of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gdsim.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

    from gdsim.objectives.landscape import Landscape

__all__ = ["FloatArray", "Objective", "as_bounds", "inside", "read_only"]

FloatArray = npt.NDArray[np.float64]

# The squares of what is narrower, and a few times what is wider, are no numbers.
NARROWEST, WIDEST = 1e-280, 1e300

# Points evaluated at once: enough to hide the cost of a call, few enough to stay in the cache (a backward
# pass through the longest formula holds some 20 MB).
_CHUNK = 2**14


@dataclass(frozen=True, eq=False)
class Objective:
    """A function to descend and what is known of it.

    Args:
        name: The name in the catalogue, "styblinski_tang", or what the user calls it.
        title: The name as people write it, "Styblinski–Tang".
        f: Maps a float64 tensor of points (…, dim) to values (…). A point's value and gradient are the same
            to the last bit alone, in a batch, and in any memory layout.
        dim: The number of coordinates of a point.
        bounds: (dim, 2), the low and high end of the view a coordinate.
        start: (dim,), where a descent is worth watching.
        minima: (m, dim), all global minima within the default view; m is 0 when there is none.
        minimum: The value at the minima, None when there is none.
        local_minima: (l, dim), local minima that matter to the eye; l may be 0.
        formula: The right-hand side in LaTeX without dollar signs, in matplotlib's mathtext subset; its
            variables are x, y in one or two dimensions, x_i in any number.
        source: Where the function comes from.
        parameters: The numbers that shape the function, by name.
        domain: (dim, 2), outside of which the function is not known, because it was measured; None for no such
            border.
        landscape: For a network whose weights are trained, the loss on a plane of them, whose spots the points are.
        image: For a picture that is descended, its rows and columns; a point is its pixels, row by row.
    """

    name: str
    title: str
    f: Callable[[Tensor], Tensor]
    dim: int
    bounds: FloatArray
    start: FloatArray
    minima: FloatArray
    minimum: float | None
    local_minima: FloatArray
    formula: str
    source: str
    parameters: Mapping[str, float]
    domain: FloatArray | None = None
    landscape: Landscape | None = None
    image: tuple[int, int] | None = None

    def values(self, points: npt.ArrayLike) -> FloatArray:
        """Evaluate the function.

        Args:
            points: (…, dim).

        Returns:
            (…), the value at each point.

        Raises:
            InputError: The last axis of `points` is not `dim` long.
        """
        import torch

        rows, shape = self._rows(points)
        values = np.empty(len(rows))
        with torch.no_grad():
            for chunk in _chunks(len(rows)):
                values[chunk] = self.f(torch.from_numpy(rows[chunk])).numpy()
        return values.reshape(shape)

    def gradients(self, points: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Evaluate the function and its gradient, with one backward pass for many points.

        Args:
            points: (…, dim).

        Returns:
            The values (…) and the gradients (…, dim).

        Raises:
            InputError: The last axis of `points` is not `dim` long.
        """
        import torch

        rows, shape = self._rows(points)
        values, gradients = np.empty(len(rows)), np.empty(rows.shape)
        for chunk in _chunks(len(rows)):
            inputs = torch.from_numpy(rows[chunk]).requires_grad_()
            with torch.enable_grad():
                outputs = self.f(inputs)
            (slopes,) = torch.autograd.grad(outputs.sum(), inputs)
            values[chunk], gradients[chunk] = outputs.detach().numpy(), slopes.numpy()
        return values.reshape(shape), gradients.reshape(*shape, self.dim)

    def _rows(self, points: npt.ArrayLike) -> tuple[FloatArray, tuple[int, ...]]:
        array = np.asarray(points, dtype=np.float64)
        if array.ndim == 0 or array.shape[-1] != self.dim:
            raise InputError(f"{self.title} takes points of shape (…, {self.dim}), not {array.shape}")
        # A copy, because torch warns of memory that it may not write to.
        return np.array(array.reshape(-1, self.dim), order="C"), array.shape[:-1]


def _chunks(length: int) -> Iterator[slice]:
    return (slice(first, first + _CHUNK) for first in range(0, length, _CHUNK))


def inside(points: FloatArray, bounds: FloatArray) -> npt.NDArray[np.bool_]:
    """Tell which of the points (…, dim) lie within bounds (dim, 2), their border included: (…)."""
    return np.asarray(np.all((points >= bounds[:, 0]) & (points <= bounds[:, 1]), axis=-1))


def read_only(array: npt.ArrayLike) -> FloatArray:
    """Copy to float64 that nobody can write to, since an objective is shared."""
    copy = np.array(array, dtype=np.float64)
    copy.setflags(write=False)
    return copy


def as_bounds(bounds: npt.ArrayLike, dim: int) -> FloatArray:
    """Return bounds as (dim, 2) that nobody can write to; in one dimension (low, high) alone will do.

    Raises:
        InputError: They are not pairs of finite numbers, low before high, one a coordinate; `key` is ("bounds",).
    """
    wanted = f"bounds must be {dim} pairs [low, high]" if dim > 1 else "bounds must be a pair [low, high]"
    try:
        view = np.asarray(bounds, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{wanted} of numbers", ("bounds",)) from error
    if dim == 1 and view.shape == (2,):
        view = view[np.newaxis]
    if view.shape != (dim, 2):
        raise InputError(f"{wanted}, one a coordinate", ("bounds",))
    for low, high in view.tolist():
        if not (math.isfinite(high - low) and low < high):
            raise InputError(f"bounds need finite numbers with low < high, not [{low:g}, {high:g}]", ("bounds",))
        if not NARROWEST <= high - low <= WIDEST:
            words = f"bounds must span from {NARROWEST:g} to {WIDEST:g}, not [{low:g}, {high:g}]"
            raise InputError(words, ("bounds",))
    return read_only(view)
