"""What is descended: a function of points (…, dim) to values (…), with the facts that are known of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from numbers import Real
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gdsim.errors import InputError, did_you_mean
from gdsim.objectives.catalog import CATALOG, Definition

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["FloatArray", "Objective", "names", "objective"]

FloatArray = npt.NDArray[np.float64]

# Points evaluated at once: enough to hide the cost of a call, few enough to stay in the cache (a backward
# pass through the longest formula holds some 20 MB).
_CHUNK = 2**14


@dataclass(frozen=True, eq=False)
class Objective:
    """A function to descend and what is known of it.

    Args:
        name: The name in the catalogue, "styblinski_tang".
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


def objective(
    name: str,
    *,
    dim: int | None = None,
    bounds: npt.ArrayLike | None = None,
    **parameters: float,
) -> Objective:
    """Take a function from the catalogue.

    Args:
        name: One of `names()`.
        dim: The number of dimensions, 2 where the function leaves the choice.
        bounds: The view, one (low, high) a coordinate; in one dimension (low, high) alone will do. The minima
            remain those of the function's own view.
        parameters: Numbers that shape the function, such as `condition` and `rotation` of "quadratic".

    Raises:
        InputError: The name, the dimension, the bounds or a parameter is at fault; `key` says which.
    """
    if name not in CATALOG:
        raise InputError(f"there is no objective '{name}'{did_you_mean(str(name), names())}", ("name",))
    definition = CATALOG[name]
    facts = definition.facts
    dim = _dimension(definition, dim)
    settings = _settings(definition, parameters)
    local_minima = facts.local_minima(dim) if callable(facts.local_minima) else facts.local_minima
    return Objective(
        name=name,
        title=facts.title,
        f=partial(definition.f, **settings),
        dim=dim,
        bounds=_fixed(np.resize(facts.bounds, (dim, 2))) if bounds is None else _view(bounds, dim),
        start=_fixed(np.resize(facts.start, dim)),
        minima=_points(facts.minima, dim),
        minimum=facts.minimum(dim) if callable(facts.minimum) else facts.minimum,
        local_minima=_points(local_minima, dim),
        formula=facts.formula,
        source=facts.source,
        parameters=MappingProxyType(settings),
    )


def names() -> tuple[str, ...]:
    """Return the names in the catalogue, sorted."""
    return tuple(sorted(CATALOG))


def _chunks(length: int) -> Iterator[slice]:
    return (slice(first, first + _CHUNK) for first in range(0, length, _CHUNK))


def _fixed(array: npt.ArrayLike) -> FloatArray:
    """Copy to float64 that nobody can write to, since an objective is shared."""
    fixed = np.array(array, dtype=np.float64)
    fixed.setflags(write=False)
    return fixed


def _points(rows: Sequence[Sequence[float]], dim: int) -> FloatArray:
    return _fixed(np.reshape([np.resize(row, dim) for row in rows], (len(rows), dim)))


def _dimension(definition: Definition, dim: int | None) -> int:
    dims = definition.facts.dims
    if dim is None:
        return 2 if 2 in dims else dims[0]
    if isinstance(dim, bool) or dim not in dims:
        allowed = f"{dims[0]}" if len(dims) == 1 else f"{dims[0]} to {dims[-1]}"
        raise InputError(f"{definition.name} has dim {allowed}, not {dim}", ("dim",))
    return int(dim)


def _settings(definition: Definition, given: Mapping[str, float]) -> dict[str, float]:
    known = definition.facts.parameters
    for name, value in given.items():
        if name not in known:
            offer = did_you_mean(name, known) or (f"; it has {', '.join(known)}" if known else "")
            raise InputError(f"{definition.name} has no parameter '{name}'{offer}", (name,))
        _, low, high = known[name]
        if isinstance(value, bool) or not isinstance(value, Real) or not low <= value <= high:
            raise InputError(f"{name} must be a number from {low:g} to {high:g}, not {value!r}", (name,))
    return {name: float(given.get(name, parameter.default)) for name, parameter in known.items()}


def _view(bounds: npt.ArrayLike, dim: int) -> FloatArray:
    wanted = f"bounds must be {dim} pairs [low, high]" if dim > 1 else "bounds must be a pair [low, high]"
    try:
        view = np.asarray(bounds, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{wanted} of numbers", ("bounds",)) from error
    if dim == 1 and view.shape == (2,):
        view = view[np.newaxis]
    if view.shape != (dim, 2):
        raise InputError(f"{wanted}, one a coordinate", ("bounds",))
    for low, high in view:
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise InputError(f"bounds need finite numbers with low < high, not [{low:g}, {high:g}]", ("bounds",))
    return _fixed(view)
