"""What a minimizer evaluates, counted, and the iterates that it returns."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from gdsim.objectives import FloatArray, Objective


class Counts(NamedTuple):
    """How often function values, gradients and Hessians have been evaluated."""

    functions: int = 0
    gradients: int = 0
    hessians: int = 0


class Iterate(NamedTuple):
    """A point of a path.

    Attributes:
        point: (dim,).
        counts: What has been evaluated so far, that of the point itself included.
        length: The step length that led to the point, as a multiple of the search direction; NaN if there is none.
    """

    point: FloatArray
    counts: Counts
    length: float = math.nan


class CountedFunction:
    """An objective at single points, (dim,), which counts what is evaluated.

    Attributes:
        is_finite: Whether all that has been evaluated is finite.
    """

    def __init__(self, objective: Objective) -> None:
        self._objective, self.counts, self.is_finite = objective, Counts(), True

    def value(self, point: FloatArray) -> float:
        """Return the value."""
        return float(self._counted(self._objective.values(point), functions=self.counts.functions + 1))

    def gradient(self, point: FloatArray) -> FloatArray:
        """Return the gradient, (dim,)."""
        return self._counted(self._objective.gradients(point)[1], gradients=self.counts.gradients + 1)

    def hessian(self, point: FloatArray) -> FloatArray:
        """Return the Hessian, (dim, dim)."""
        return self._counted(self._objective.hessians(point), hessians=self.counts.hessians + 1)

    def _counted(self, found: FloatArray, **count: int) -> FloatArray:
        self.counts = self.counts._replace(**count)
        self.is_finite &= bool(np.isfinite(found).all())
        return found
