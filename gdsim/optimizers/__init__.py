"""Build optimizers and their schedules from a class and its settings, and minimizers."""

from __future__ import annotations

from gdsim.optimizers.classes import optimizer_class, warning
from gdsim.optimizers.factory import BatchingMode, OptimizerFactory, ParameterShapes
from gdsim.optimizers.methods import CountedFunction, Iterate
from gdsim.optimizers.minimizer import Minimizer, make_minimizer
from gdsim.optimizers.probe import optimizer_factory
from gdsim.optimizers.random_state import RNGState, deterministic, rng

AnyOptimizer = OptimizerFactory | Minimizer
"""What has a path: a class of torch.optim or the like, or a minimizer."""

__all__ = [
    "AnyOptimizer",
    "BatchingMode",
    "CountedFunction",
    "Iterate",
    "Minimizer",
    "OptimizerFactory",
    "ParameterShapes",
    "RNGState",
    "deterministic",
    "make_minimizer",
    "optimizer_class",
    "optimizer_factory",
    "rng",
    "warning",
]
