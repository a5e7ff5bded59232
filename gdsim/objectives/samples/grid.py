"""Samples of a function on a rectangular grid, checked: every reader ends here and every interpolant begins here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gdsim.errors import InputError
from gdsim.objectives.objective import inside

if TYPE_CHECKING:
    from gdsim.objectives import FloatArray

__all__ = ["SAMPLES_LIMIT", "Samples"]

SAMPLES_LIMIT = 2**24
"""So many samples may a file bring, 4096 × 4096; to read and interpolate them takes less than 2 GB then."""


@dataclass(frozen=True, eq=False)
class Samples:
    """What was measured, and where.

    Args:
        values: (n0,) or (n0, n1), the sample `values[i, j]` at x = `coordinates[0][i]`, y = `coordinates[1][j]`.
        coordinates: The coordinates along each axis, (n0,) and (n1,), ascending, evenly spaced or not.

    Raises:
        InputError: There are fewer than two samples along an axis, the shapes do not fit together, a number is
            not finite, or coordinates do not ascend.
    """

    values: FloatArray
    coordinates: tuple[FloatArray, ...]

    def __post_init__(self) -> None:
        """Hold the numbers as float64 that nobody can write to, and check them."""
        object.__setattr__(self, "values", _read_only(self.values))
        object.__setattr__(self, "coordinates", tuple(_read_only(along) for along in self.coordinates))
        _check_shapes(self.values, self.coordinates)
        for name, along in zip("xy", self.coordinates, strict=False):
            _check_ascent(name, along)
        if not np.isfinite(self.values).all():
            place = tuple(int(index) for index in np.argwhere(~np.isfinite(self.values))[0])
            where = ", ".join(f"{name} = {c[i]:g}" for name, c, i in zip("xy", self.coordinates, place, strict=False))
            raise InputError(f"the sample at {where} is {self.values[place]}")

    @property
    def dim(self) -> int:
        """How many coordinates a point has."""
        return self.values.ndim

    @property
    def bounds(self) -> FloatArray:
        """(dim, 2), the ends of what was measured, along each coordinate."""
        return np.array([along[[0, -1]] for along in self.coordinates])

    def inside(self, points: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Tell which of the points (…, dim) lie within what was measured, its border included: (…)."""
        return inside(np.asarray(points, dtype=np.float64), self.bounds)


def _read_only(array: npt.ArrayLike) -> FloatArray:
    view = np.asarray(array, dtype=np.float64).view()
    view.setflags(write=False)
    return view


def _check_shapes(values: FloatArray, coordinates: Sequence[FloatArray]) -> None:
    if values.ndim not in (1, 2):
        raise InputError(f"samples lie along one axis or two, and these have the shape {values.shape}")
    lengths = tuple(along.shape for along in coordinates)
    if lengths != tuple((n,) for n in values.shape):
        raise InputError(f"the samples have the shape {values.shape}, which coordinates of shapes {lengths} do not fit")
    for name, length in zip("xy", values.shape, strict=False):
        if length < 2:
            number = "one sample" if length else "no samples"
            raise InputError(f"there is {number} along {name}: a slope needs two")


def _check_ascent(name: str, along: FloatArray) -> None:
    if not np.isfinite(along).all():
        at = int(np.argmin(np.isfinite(along)))
        raise InputError(f"{name} number {at + 1} is {along[at]}")
    with np.errstate(over="ignore"):
        steps = np.diff(along)
    if not (steps > 0).all():
        at = int(np.argmin(steps > 0)) + 1
        fault = "repeats" if along[at] == along[at - 1] else "follows"
        raise InputError(f"{name} must ascend: number {at + 1}, {along[at]:g}, {fault} {along[at - 1]:g}")
    if not math.isfinite(float(along[-1]) - float(along[0])):
        raise InputError(f"{name} spans more than a float64 holds")
