"""Typed expressions: "x**2 + 3*x + 1" becomes a function of points, by what is listed here and without executing it.

The words of a text are read from left to right, while a mistake still has its column. Python's own `ast` then gives the
tree, by the usual precedence, and the tree becomes closures over tensors: only the nodes and names listed here exist.
Constants are folded on the way.

A value and its gradient are the same to the last bit for a point alone, in a batch, and in any memory layout. `atan2`
and powers whose exponent is neither a half nor a whole number to 32 are torch's own and keep this to one unit in the
last place. Where a formula has a corner or a tip, the gradient there is 0 (`abs`, `sqrt(x**2 + y**2)`, `norm`) or the
mean of both sides (`min`, `max`), and never NaN.
"""

from __future__ import annotations

import keyword
import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Real
from types import MappingProxyType
from typing import TYPE_CHECKING

from gdsim.errors import InputError
from gdsim.objectives.expression.formulas import Binding, symbol
from gdsim.objectives.expression.functions import CONSTANTS, FUNCTIONS
from gdsim.objectives.expression.tree import Part, read_tree
from gdsim.objectives.expression.values import Columns, connected
from gdsim.objectives.expression.words import VARIABLE, ExpressionError, read_words, variables_among

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Expression", "ExpressionError", "parse"]


@dataclass(frozen=True)
class Expression:
    """A function as it was typed.

    Args:
        text: The expression.
        variables: The names of the coordinates in their order: ("x",), ("x", "y"), ("x1", "x2", "x3", "x4").
        f: Maps a float64 tensor of points (…, dim) to values (…), where dim is the number of variables.
        formula: The expression in LaTeX without dollar signs, in matplotlib's mathtext subset.
    """

    text: str
    variables: tuple[str, ...]
    f: Callable[[Tensor], Tensor]
    formula: str


def parse(text: str, constants: Mapping[str, float] = MappingProxyType({})) -> Expression:
    """Read an expression.

    Args:
        text: An expression of x, y and z, or of x1, x2, …: numbers, + - * / **, comparisons joined by `and`, `or` and
            `not` in `where(condition, a, b)` or `a if condition else b`, the constants pi, e and tau, and the functions
            sin cos tan asin acos atan atan2 sinh cosh tanh exp log log2 log10 sqrt abs sign floor ceil sigmoid relu erf
            norm min max. `log` is the natural logarithm.
        constants: Numbers that the expression may call by name.

    Raises:
        ExpressionError: The text is no such expression; the message and `column` say where.
        InputError: A constant has no number, or a name that is taken; `key` is ("constants", name).
    """
    named = _constants(constants)
    variables = variables_among(read_words(text))
    named |= {name: Part(operator.itemgetter(at), symbol(name), Binding.ATOM) for at, name in enumerate(variables)}
    part = read_tree(text, named)
    if not variables:
        raise ExpressionError(1, "the expression has no variable; they are x, y and z, or x1, x2, …")
    return Expression(text, variables, _of_points(connected(part.value)), part.formula)


def _of_points(of_columns: Callable[[Columns], Tensor]) -> Callable[[Tensor], Tensor]:
    return lambda points: of_columns(points.unbind(-1))


def _constants(given: Mapping[str, float]) -> dict[str, Part]:
    named = {name: Part(value, symbol(name), Binding.ATOM) for name, value in CONSTANTS.items()}
    for name, value in given.items():
        key = ("constants", name)
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII) or keyword.iskeyword(name):
            raise InputError(f"a constant has a name of plain letters and digits, not {name!r}", key)
        if name in CONSTANTS or name in FUNCTIONS or name == "where" or VARIABLE.fullmatch(name):
            raise InputError(f"'{name}' has its own meaning in an expression; give the constant another name", key)
        if isinstance(value, bool) or not isinstance(value, Real) or not _is_finite(value):
            raise InputError(f"the constant '{name}' must be a finite number, not {value!r:.40}", key)
        named[name] = Part(float(value), symbol(name), Binding.ATOM)
    return named


def _is_finite(value: Real) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
