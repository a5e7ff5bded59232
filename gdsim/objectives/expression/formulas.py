"""Formulas in LaTeX, in matplotlib's mathtext subset."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import IntEnum


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


def with_values(values: Mapping[str, float]) -> str:
    """Return the values of symbols as text to append to a formula: ", k = 2, a = 5"."""
    return "".join(rf",\ \ {name} = {numeral(value)}" for name, value in values.items())


def script(sign: str, text: str) -> str:
    """Return a superscript (`^`) or a subscript (`_`)."""
    return sign + text if len(text) == 1 else f"{sign}{{{text}}}"


def product(left: str, right: str) -> str:
    """Return a product, with a dot only where the factors would be ambiguous: 3x, xy, 3 · 4, 3 · ½."""
    if right[0].isdigit() or (left[-1].isdigit() and right.startswith(r"\frac")):
        return rf"{left} \cdot {right}"
    are_letters = re.fullmatch(r"-?[0-9.]*[a-z]+", left) and re.fullmatch(r"[a-z](\^.*)?", right)
    return f"{left}{right}" if are_letters or re.fullmatch(r"-?[0-9.]+", left) else rf"{left}\,{right}"
