"""Objective functions, made from the catalogue, an expression, samples or a Python function."""

from __future__ import annotations

from gdsim.objectives.constructors import from_expression, from_function, from_samples, names, objective
from gdsim.objectives.objective import FloatArray, Gradient, Objective, grad, inside, local_minima
from gdsim.objectives.samples import Samples
from gdsim.objectives.user_code import (
    describe_exception,
    error_location,
    import_class,
    import_function,
    import_problems,
)

__all__ = [
    "FloatArray",
    "Gradient",
    "Objective",
    "Samples",
    "describe_exception",
    "error_location",
    "from_expression",
    "from_function",
    "from_samples",
    "grad",
    "import_class",
    "import_function",
    "import_problems",
    "inside",
    "local_minima",
    "names",
    "objective",
]
