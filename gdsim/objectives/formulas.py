"""The functions and constants of expressions, and formulas in LaTeX, in matplotlib's mathtext subset."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import reduce
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


class Binding(IntEnum):
    """The precedence of a formula's outermost operator, lowest first."""

    CHOICE = 0
    EITHER = 1
    BOTH = 2
    RELATION = 3
    SUM = 4
    NEGATIVE = 5
    PRODUCT = 6
    POWER = 7
    CALL = 8
    ATOM = 9


_GREEK = re.compile(
    "alpha|beta|gamma|delta|epsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau|upsilon|phi|chi|psi|omega"
    "|Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Upsilon|Phi|Psi|Omega"
)


SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def symbol(name: str) -> str:
    """Return the LaTeX symbol of a name: x with subscript 10 for `x10`, the Greek letter for `alpha`."""
    stem, index = re.fullmatch(r"(.*?)_?(\d*)", name).groups()  # type: ignore[union-attr]
    if stem in ("lam", "lamda"):
        stem = "lambda"
    if _GREEK.fullmatch(stem):
        letter = f"\\{stem}"
    elif len(stem) == 1:
        letter = stem
    else:
        letter = r"\mathrm{" + stem.replace("_", r"\_") + "}"
    return letter + script("_", index) if index else letter


def numeral(value: float) -> str:
    """Return a number in LaTeX, such as 50, 0.25 or 3 × 10⁻⁷."""
    mantissa, _, exponent = repr(float(value)).removesuffix(".0").partition("e")
    if not exponent:
        return mantissa
    power = f"10^{{{int(exponent)}}}"
    return power if mantissa == "1" else rf"{mantissa} \times {power}"


def number(value: float, digits: int = 5) -> str:
    """Format a number as short as possible, with a true minus sign: `−2.5`, `0.01`, `10⁶`, `3·10⁻⁵`."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else str(value)
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    if -3 <= int(exponent) < 5:
        rounded, places = float(f"{value:.{digits}g}"), max(digits, int(exponent) + 1)
        return f"{rounded:.{places}g}".replace("-", "−")
    mantissa = mantissa.rstrip("0").removesuffix(".").replace("-", "−")
    written = power(int(exponent))
    return mantissa.replace("1", written) if mantissa in ("1", "−1") else f"{mantissa}·{written}"


def power(exponent: int) -> str:
    """Format a power of ten: `10⁻⁸`."""
    return "10" + str(exponent).translate(SUPERSCRIPTS)


def script(sign: str, text: str) -> str:
    """Return a superscript (`^`) or a subscript (`_`)."""
    return sign + text if len(text) == 1 else f"{sign}{{{text}}}"


def product(left: str, right: str) -> str:
    """Return a product, with a dot only where the factors would be ambiguous: 3x, xy, 3 · 4, 3 · ½."""
    if right[0].isdigit() or (left[-1].isdigit() and right.startswith(r"\frac")):
        return rf"{left} \cdot {right}"
    are_letters = re.fullmatch(r"-?[0-9.]*[a-z]+", left) and re.fullmatch(r"[a-z](\^.*)?", right)
    return f"{left}{right}" if are_letters or re.fullmatch(r"-?[0-9.]+", left) else rf"{left}\,{right}"


# The largest integer exponent computed by repeated squaring; rounding errors grow with each squaring.
_LARGEST_CHAIN = 32
_TINY = 2.0**-500


def power_function(base: Any, exponent: Any) -> Callable[[Any, Any], Any]:
    """Return a function that raises the base to the exponent; each is a float, or a callable if it is not constant."""
    if base == math.e:
        return lambda _, exponent: exponent.exp()
    if exponent == 0.5:
        return lambda base, _: _root(base)
    if not callable(exponent) and exponent.is_integer() and abs(exponent) <= _LARGEST_CHAIN:
        return _integer_power
    return operator.pow


def _integer_power(base: Tensor, exponent: float) -> Tensor:
    """Compute a power from squares and cubes: torch's rounding of other powers depends on the memory layout."""
    if exponent < 0:
        return 1 / _integer_power(base, -exponent)
    if exponent <= 3:
        return base ** int(exponent)
    half = _integer_power(base, exponent // 2) ** 2
    return half * base if exponent % 2 else half


def _root(square: Tensor) -> Tensor:
    """Return the square root; its slope at 0 is finite, so that sqrt(x**2 + y**2) has gradient 0 there, not NaN."""
    return (square + _TINY**2).sqrt() - _TINY


def _norm(*lengths: Tensor) -> Tensor:
    return _root(reduce(operator.add, (length**2 for length in lengths)))


# The rounding of torch's own sinh, cosh and sigmoid depends on the memory layout.


def _sinh(x: Tensor) -> Tensor:
    return (x.expm1() - (-x).expm1()) / 2


def _cosh(x: Tensor) -> Tensor:
    return (x.exp() + (-x).exp()) / 2


def _sigmoid(x: Tensor) -> Tensor:
    # The shift prevents overflow of exp; it cancels in the result and in the gradient.
    shift = x.detach().clamp(max=0)
    height = shift.exp()
    return height / (height + (shift - x).exp())


@dataclass(frozen=True)
class Function:
    """A function of floats, the same function of tensors, and its formula, with "…" for the arguments."""

    constant: Callable[..., float]
    tensor: Callable[..., Tensor]
    formula: str
    binding: Binding = Binding.CALL
    arguments: tuple[float, float] = (1, 1)


def _method(name: str, constant: Callable[..., float], symbol: str | None = None) -> Function:
    symbol = symbol or rf"\operatorname{{{name}}}"
    return Function(constant, operator.methodcaller(name), rf"{symbol}\left(…\right)")


FUNCTIONS: Mapping[str, Function] = {
    "sin": _method("sin", math.sin, r"\sin"),
    "cos": _method("cos", math.cos, r"\cos"),
    "tan": _method("tan", math.tan, r"\tan"),
    "asin": _method("asin", math.asin, r"\arcsin"),
    "acos": _method("acos", math.acos, r"\arccos"),
    "atan": _method("atan", math.atan, r"\arctan"),
    "atan2": Function(math.atan2, lambda y, x: y.atan2(x), r"\operatorname{atan2}\left(…\right)", arguments=(2, 2)),
    "sinh": Function(math.sinh, _sinh, r"\sinh\left(…\right)"),
    "cosh": Function(math.cosh, _cosh, r"\cosh\left(…\right)"),
    "tanh": _method("tanh", math.tanh, r"\tanh"),
    "exp": Function(math.exp, operator.methodcaller("exp"), "e^{…}", Binding.POWER),
    "log": _method("log", math.log, r"\ln"),
    "log2": _method("log2", math.log2, r"\log_2"),
    "log10": _method("log10", math.log10, r"\log_{10}"),
    "sqrt": Function(math.sqrt, _root, r"\sqrt{…}", Binding.ATOM),
    "abs": Function(abs, abs, r"\left|…\right|", Binding.ATOM),
    "sign": _method("sign", lambda x: math.copysign(1, x) if x else 0.0),
    "floor": Function(math.floor, operator.methodcaller("floor"), r"\left\lfloor …\right\rfloor", Binding.ATOM),
    "ceil": Function(math.ceil, operator.methodcaller("ceil"), r"\left\lceil …\right\rceil", Binding.ATOM),
    "sigmoid": Function(lambda x: (1 + math.tanh(x / 2)) / 2, _sigmoid, r"\operatorname{sigmoid}\left(…\right)"),
    "relu": _method("relu", lambda x: max(x, 0.0)),
    "erf": _method("erf", math.erf),
    "norm": Function(math.hypot, _norm, r"\left\Vert …\right\Vert", Binding.ATOM, (2, math.inf)),
    "min": Function(
        min, lambda *all_: reduce(lambda a, b: a.minimum(b), all_), r"\min\left(…\right)", arguments=(2, math.inf)
    ),
    "max": Function(
        max, lambda *all_: reduce(lambda a, b: a.maximum(b), all_), r"\max\left(…\right)", arguments=(2, math.inf)
    ),
}
CONSTANTS: Mapping[str, float] = {"pi": math.pi, "e": math.e, "tau": math.tau}
SYNONYMS: Mapping[str, str] = {
    "ln": "log, the natural logarithm",
    "lg": "log10",
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "arctan2": "atan2",
    "hypot": "norm",
    "maximum": "max",
    "minimum": "min",
    "pow": "'**' between base and exponent",
    "x0": "x1: the variables are counted from 1",
}
