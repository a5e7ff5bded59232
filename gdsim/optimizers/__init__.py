"""Build optimizers and their schedules from a class and its settings."""

from __future__ import annotations

from gdsim.optimizers.classes import optimizer_class, warning
from gdsim.optimizers.factory import BatchingMode, OptimizerFactory, ParameterShapes, optimizer_factory
from gdsim.optimizers.random_state import RNGState, deterministic, rng

__all__ = [
    "BatchingMode",
    "OptimizerFactory",
    "ParameterShapes",
    "RNGState",
    "deterministic",
    "optimizer_class",
    "optimizer_factory",
    "rng",
    "warning",
]
