"""Measured functions: a file of samples, and the smooth function with a true gradient that passes through them."""

from __future__ import annotations

from gdsim.objectives.samples.grid import Samples
from gdsim.objectives.samples.interpolation import GradientKind, interpolate
from gdsim.objectives.samples.reading import SUFFIXES, read_samples
from gdsim.objectives.samples.slopes import finite_differences

__all__ = ["SUFFIXES", "GradientKind", "Samples", "finite_differences", "interpolate", "read_samples"]
