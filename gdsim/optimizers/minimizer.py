"""Minimizers: methods that evaluate the function themselves, unlike the classes of torch.optim."""

from __future__ import annotations

import re
from ast import literal_eval
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from gdsim.config.optimizer import argument_problems
from gdsim.config.signatures import minimizers
from gdsim.errors import InputError, Key
from gdsim.objectives import FloatArray, objective
from gdsim.optimizers.classes import OWN_ARGUMENTS, explain, setting_texts
from gdsim.optimizers.factory import BatchingMode
from gdsim.optimizers.methods import DERIVATIVES, CountedFunction, Iterate, gradient_descent, minimize, newton

METHODS: Mapping[str, Callable[..., Iterable[Iterate]]] = MappingProxyType(
    {
        "gradient_descent": gradient_descent,
        "newton": newton,
        **{f"scipy.{name}": partial(minimize, method=name) for name in DERIVATIVES},
    }
)
"""The methods by the name of their class in a configuration; `gdsim.config.signatures` has their arguments."""

SEARCHES = {"none": "no line search", "armijo": "Armijo rule", "exact": "exact line search"}

SEPARATOR = re.compile(r"[\W_]+")

TEST_STEPS = 2


@dataclass(frozen=True, eq=False)
class Minimizer:
    """A method with its settings.

    Attributes:
        label: The name in the configuration.
        name: A key of `METHODS`.
        settings: Arguments of the method.
        color: The colour of the paths, `"#rrggbb"`, or None for a colour of the theme.
    """

    label: str
    name: str
    settings: Mapping[str, Any]
    color: str | None = None

    batching_modes: ClassVar = (BatchingMode.SEPARATE,)
    evaluations_per_step: ClassVar = 3  # roughly

    @property
    def key(self) -> Key:
        """The key of the method in the configuration."""
        return ("optimizers", self.label)

    @property
    def text(self) -> str:
        """The method, its library, and its settings, for a legend: `"BFGS from SciPy · gtol 10⁻⁸"`.

        The method is omitted if it is also the label: `"from SciPy · gtol 10⁻⁸"`.
        """
        bare = self.name.removeprefix("scipy.")
        library = "from gdsim" if bare == self.name else "from SciPy"
        label, *names = (SEPARATOR.sub("", each).casefold() for each in (self.label, bare, self.name))
        parts = [library if label in names else f"{bare.replace('_', ' ')} {library}"]
        settings = dict(self.settings)
        if "line_search" in (arguments := minimizers()[self.name].arguments):
            search = settings.pop("line_search", literal_eval(arguments["line_search"].default))
            parts.append(SEARCHES[search])
        return " · ".join([*parts, *setting_texts(settings)])

    def iterates(self, function: CountedFunction, start: FloatArray, steps: int) -> Iterable[Iterate]:
        """Return the iterates from a start, (dim,), on; at most `steps` after it, fewer if the method ends."""
        return METHODS[self.name](function, start, steps, **self.settings)

    def error(self, what: str, error: Exception) -> InputError:
        """Convert an exception to an InputError; `what` is a predicate such as "cannot take a step"."""
        return InputError(f"{self.name} {what}: {explain(error)}", self.key)


def make_minimizer(label: str, name: str, settings: Mapping[str, Any], dim: int) -> Minimizer:
    """Return a minimizer of functions of `dim` coordinates, after a brief test.

    Raises:
        InputError: The method does not have an argument, or refuses its value.
    """
    made = Minimizer(label, name, settings)
    for problem in argument_problems(minimizers()[name], settings, made.key, own=OWN_ARGUMENTS, values=False):
        raise InputError(problem.message, problem.key, code=problem.code)
    try:
        list(made.iterates(CountedFunction(objective("sphere", dim=dim)), np.full(dim, 0.5), TEST_STEPS))
    except Exception as error:
        raise made.error("refuses its settings", error) from error
    return made
