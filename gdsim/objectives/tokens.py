"""The tokenizer of expressions."""

from __future__ import annotations

import keyword
import re
import unicodedata
from typing import NamedTuple

from gdsim.errors import InputError

MAX_LENGTH = 1000
MAX_DIM = 1000

VARIABLE = re.compile(r"[xyz]|x([1-9][0-9]*)")

_TOKEN = re.compile(
    r"""(?P<space>\s+)
    | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<name>[A-Za-z_]\w*|π)
    | (?P<superscript>⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)
    | (?P<sign>\*\*|[<>=!]=|/(?!/)|[-+*<>(),^·×÷−–≤≥≠])
    | (?P<unknown>//|.)""",
    re.VERBOSE | re.ASCII | re.DOTALL,
)
_OPERATORS = ("and", "else", "if", "not", "or")
_MEANING = dict(zip("^·×÷−–≤≥≠", ("**", "*", "*", "/", "-", "-", "<=", ">=", "!="), strict=True))
_DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_REPLACEMENTS = {
    "√": "sqrt(…)",
    "=": "the right-hand side alone, or == to compare",
    "//": "floor(a/b)",
    "%": "a - b*floor(a/b) for a remainder",
    "!": "!= or not",
    "&": "and",
    "|": "or, or abs(x) for a magnitude",
    "[": "round parentheses, and x1, x2, … for coordinates",
    "{": "round parentheses",
}


class ExpressionError(InputError):
    """The expression is invalid.

    Args:
        column: The position in the text, counted from 1.
    """

    def __init__(self, column: int, message: str) -> None:
        super().__init__(f"column {column}: {message}", code="syntax")
        self.column = column


class Token(NamedTuple):
    """A number, a name, an operator, or the end of the text."""

    kind: str  # "number", "name", "sign" or "end"
    text: str
    column: int

    @property
    def begins_operand(self) -> bool:
        """Whether an operand can begin with this token."""
        return self.kind in ("number", "name") or self.text in ("(", "not")


def tokenize(text: str) -> list[Token]:
    """Return the tokens of an expression, followed by an end token."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(MAX_LENGTH + 1, f"the expression is longer than {MAX_LENGTH} characters")
    tokens: list[Token] = []
    for found in _TOKEN.finditer(text):
        kind, word, column = str(found.lastgroup), found.group(), found.start() + 1
        if kind == "unknown":
            raise _unknown_sign(word, column, tokens)
        if kind == "name" and keyword.iskeyword(word):
            if word not in _OPERATORS:
                raise ExpressionError(column, f"'{word}' is a keyword of Python and not allowed in an expression")
            kind = "sign"
        if kind == "superscript":
            tokens.append(Token("sign", "**", column))
            tokens += [Token("sign", "-", column)] if word[0] == "⁻" else []
            tokens.append(Token("number", word.lstrip("⁻").translate(_DIGITS), column))
        elif kind != "space":
            tokens.append(Token(kind, "pi" if word == "π" else _MEANING.get(word, word), column))
    if not tokens:
        raise ExpressionError(1, "the expression is empty")
    return [*tokens, Token("end", "", len(text) + 1)]


def _unknown_sign(sign: str, column: int, before: list[Token]) -> ExpressionError:
    if sign in _REPLACEMENTS:
        return ExpressionError(column, f"'{sign}' is not allowed in an expression; write {_REPLACEMENTS[sign]}")
    if sign == "." and before and before[-1].text in ("math", "np", "numpy", "torch"):
        library = before[-1]
        return ExpressionError(library.column, f"functions and constants are written without '{library.text}.'")
    # A letter of another alphabet may look like an ASCII letter.
    name = "" if sign.isascii() else f" ({unicodedata.name(sign, 'unnamed').lower()})"
    shown = sign if sign.isprintable() else ascii(sign)[1:-1]
    return ExpressionError(column, f"'{shown}'{name} is not allowed in an expression")


def variables_among(tokens: list[Token]) -> tuple[str, ...]:
    """Return the variables x, y, z or x1, x2, … up to the last one that is used."""
    used = [token for token in tokens if token.kind == "name" and VARIABLE.fullmatch(token.text)]
    if not used:
        return ()
    first, are_letters = used[0], len(used[0].text) == 1
    if other := next((token for token in used if (len(token.text) == 1) != are_letters), None):
        message = f"'{first.text}' and '{other.text}' exclude each other; use x, y and z, or x1, x2, …"
        raise ExpressionError(other.column, message)
    if are_letters:
        return ("x", "y", "z")[: max("xyz".index(token.text) for token in used) + 1]
    last = max(used, key=lambda token: int(token.text[1:]))
    if int(last.text[1:]) > MAX_DIM:
        raise ExpressionError(last.column, f"{quoted(last.text)} is beyond the limit of {MAX_DIM} dimensions")
    return tuple(f"x{number}" for number in range(1, int(last.text[1:]) + 1))


def quoted(word: str) -> str:
    """Return a word in quotation marks, truncated if it is long."""
    return f"'{word}'" if len(word) <= 30 else f"'{word[:30]}…'"
