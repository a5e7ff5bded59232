"""Parse an expression such as "x**2 + 3*x + 1" into a function of points, without executing it as code."""

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
from gdsim.objectives.expression.formulas import Binding, symbol, with_values
from gdsim.objectives.expression.functions import CONSTANTS, FUNCTIONS
from gdsim.objectives.expression.parser import Parser, Part, with_gradient
from gdsim.objectives.expression.tokens import VARIABLE, ExpressionError, tokenize, variables_among

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Expression", "ExpressionError", "parse"]


@dataclass(frozen=True)
class Expression:
    """A parsed expression.

    Args:
        variables: The names of the coordinates in order: ("x",), ("x", "y"), ("x1", "x2", "x3", "x4").
        f: Maps a float64 tensor of points (…, dim) to values (…), where dim is the number of variables. Values and
            gradients are bitwise identical for a single point, in a batch, and in any memory layout, except that
            `atan2` and powers whose exponent is neither 0.5 nor an integer up to 32 may differ by one unit in the last
            place. Where a formula is not differentiable, the gradient is 0 (`abs`, `sqrt(x**2 + y**2)`, `norm`) or the
            mean of both sides (`min`, `max`), never NaN.
        formula: The expression in LaTeX without dollar signs, in matplotlib's mathtext subset, followed by the values
            of the constants that it uses.
    """

    variables: tuple[str, ...]
    f: Callable[[Tensor], Tensor]
    formula: str


def parse(text: str, constants: Mapping[str, float] = MappingProxyType({})) -> Expression:
    """Parse an expression.

    Args:
        text: An expression of x, y and z, or of x1, x2, …, with numbers, + - * / **, the constants pi, e and tau, and
            the functions sin cos tan asin acos atan atan2 sinh cosh tanh exp log log2 log10 sqrt abs sign floor ceil
            sigmoid relu erf norm min max, where `log` is the natural logarithm. Comparisons, joined by `and`, `or` and
            `not`, are allowed in `where(condition, a, b)` and `a if condition else b`.
        constants: Values of additional named constants.

    Raises:
        ExpressionError: The text is not a valid expression; the message and `column` give the position.
        InputError: A constant is not a number, or its name is reserved; `key` is ("constants", name).
    """
    own = {name: _checked(name, value) for name, value in constants.items()}
    tokens = tokenize(text)
    variables = variables_among(tokens)
    named = {name: Part(value, symbol(name), Binding.ATOM) for name, value in {**CONSTANTS, **own}.items()}
    named |= {name: Part(operator.itemgetter(at), symbol(name), Binding.ATOM) for at, name in enumerate(variables)}
    part = Parser(tokens, named).parse()
    if not variables:
        raise ExpressionError(1, "the expression has no variable; they are x, y and z, or x1, x2, …")
    used = {token.text for token in tokens}
    values = with_values({symbol(name): value for name, value in own.items() if name in used})
    of_columns = with_gradient(part.value)
    return Expression(variables, lambda points: of_columns(points.unbind(-1)), part.formula + values)


def _checked(name: str, value: float) -> float:
    key = ("constants", name)
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII) or keyword.iskeyword(name):
        raise InputError(f"a constant needs a name of ASCII letters and digits, not {name!r}", key)
    if name in CONSTANTS or name in FUNCTIONS or name == "where" or VARIABLE.fullmatch(name):
        raise InputError("has a meaning of its own in an expression; rename the constant", key, code="conflict")
    try:
        number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else math.nan
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise InputError(f"must be a finite number, not {value!r:.40}", key)
    return number
