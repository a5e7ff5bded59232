"""The words of an expression, read from left to right, while a mistake still has its column."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from gdsim.errors import InputError
from gdsim.objectives.expression.functions import FUNCTIONS

__all__ = ["VARIABLE", "ExpressionError", "Token", "check_depth", "quoted", "read_words", "variables_among"]

# A node of the tree takes at least a character, so this bounds the nodes too.
_LONGEST = 1000
# Deeper formulas are more than matplotlib's recursive mathtext can set.
_DEEPEST = 20
_MOST_DIMENSIONS = 1000
_TOKEN = re.compile(
    r"""(?P<space>\s+)
    | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<name>[A-Za-z_]\w*)
    | (?P<sign>\*\*|[<>=!]=|/(?!/)|[-+*<>(),])
    | (?P<stranger>//|.)""",
    re.VERBOSE | re.ASCII | re.DOTALL,
)
VARIABLE = re.compile(r"[xyz]|x([1-9][0-9]*)")
_WORDS = ("and", "else", "if", "not", "or")
_LIBRARIES = ("math", "np", "numpy", "torch")
_STRANGERS = {
    "^": "'^' is not a power here; write '**'",
    "=": "'=' has no place in an expression; give the right-hand side alone, or write '==' to compare",
    "//": "'//' has no place in an expression; write floor(a/b)",
    "%": "'%' has no place in an expression; write a - b*floor(a/b) for a remainder",
    "!": "'!' has no place in an expression; write '!=' or 'not'",
    "&": "'&' has no place in an expression; write 'and'",
    "|": "'|' has no place in an expression; write 'or', or abs(x) for a magnitude",
    "[": "'[' has no place in an expression; write round parentheses, and x1, x2, … for coordinates",
    "{": "'{' has no place in an expression; write round parentheses",
    "²": "'²' is no power here; write '**2'",
    "³": "'³' is no power here; write '**3'",
    "·": "'·' is no sign of the keyboard; write '*'",
    "×": "'×' is no sign of the keyboard; write '*'",
    "÷": "'÷' is no sign of the keyboard; write '/'",
    "−": "'−' is no sign of the keyboard; write '-'",
    "–": "'–' is no sign of the keyboard; write '-'",
    "√": "'√' is no sign of the keyboard; write sqrt(…)",
    "≤": "'≤' is no sign of the keyboard; write '<='",
    "≥": "'≥' is no sign of the keyboard; write '>='",
    "≠": "'≠' is no sign of the keyboard; write '!='",
    "π": "'π' is no letter of the keyboard; write pi",
}


class ExpressionError(InputError):
    """An expression is at fault.

    Args:
        column: Where, counted in characters from 1.
        sentence: What is wrong and what to do.
    """

    def __init__(self, column: int, sentence: str) -> None:
        super().__init__(f"column {column}: {sentence}")
        self.column = column


class Token(NamedTuple):
    """A word or sign of an expression."""

    kind: str  # "number", "name", "word" (of Python) or "sign"
    text: str
    column: int


def read_words(text: str) -> list[Token]:
    """Read the words of an expression, which then is complete enough for a tree.

    Raises:
        ExpressionError: A sign is unknown, an operand or operator is missing, or a parenthesis has no other.
    """
    tokens = _tokens(text)
    _check_order(tokens)
    return tokens


def _tokens(text: str) -> list[Token]:
    if len(text) > _LONGEST:
        raise ExpressionError(_LONGEST + 1, f"the expression is longer than {_LONGEST} characters")
    tokens: list[Token] = []
    for found in _TOKEN.finditer(text):
        kind, word, column = str(found.lastgroup), found.group(), found.start() + 1
        if kind == "stranger":
            raise _stranger(word, column, tokens)
        if kind == "name" and keyword.iskeyword(word):
            if word not in _WORDS:
                raise ExpressionError(column, f"'{word}' is a word of Python that has no place in an expression")
            kind = "word"
        if kind != "space":
            tokens.append(Token(kind, word, column))
    return tokens


def _stranger(sign: str, column: int, before: Sequence[Token]) -> ExpressionError:
    if sign in _STRANGERS:
        return ExpressionError(column, _STRANGERS[sign])
    if sign == "." and before and before[-1].text in _LIBRARIES:
        library = before[-1]
        return ExpressionError(
            library.column, f"functions and constants go by their own names, without '{library.text}.'"
        )
    if sign == ".":
        return ExpressionError(column, "'.' has no place outside a number")
    if sign in "'\"":
        return ExpressionError(column, "text in quotation marks has no place in an expression")
    shown = sign if sign.isprintable() else ascii(sign)[1:-1]
    if sign.isascii():
        return ExpressionError(column, f"'{shown}' has no place in an expression")
    plain = unicodedata.normalize("NFKC", sign)
    name = unicodedata.name(sign, "unnamed").lower()
    remedy = f"write '{plain}'" if plain.isascii() and plain.isprintable() and plain.strip() else "write plain letters"
    return ExpressionError(column, f"'{shown}' ({name}) is no character of the keyboard; {remedy}")


def _check_order(tokens: Sequence[Token]) -> None:
    """Check that operands and operators take turns and that parentheses match, so that the tree can be built."""
    parentheses: list[tuple[int, bool]] = []
    previous = Token("sign", "", 1)
    for token in tokens:
        complete = _ends_operand(previous)
        is_call = token.text == "(" and previous.kind == "name" and not VARIABLE.fullmatch(previous.text)
        if _begins_operand(token) and complete and not is_call:
            raise _missing_sign(previous, token)
        if _needs_operand(token) and not complete and not (token.text == ")" and _is_empty_call(previous, parentheses)):
            raise ExpressionError(token.column, f"something is missing before {quoted(token.text)}")
        if token.text == "(":
            parentheses.append((token.column, is_call))
            check_depth(len(parentheses), token.column)
        elif token.text == ")":
            if not parentheses:
                raise ExpressionError(token.column, "no '(' opens this ')'")
            parentheses.pop()
        elif token.text == "," and not (parentheses and parentheses[-1][1]):
            raise ExpressionError(token.column, "',' separates the arguments of a function; a decimal takes a point")
        previous = token
    if not tokens:
        raise ExpressionError(1, "the expression is empty")
    if not _ends_operand(previous):
        raise ExpressionError(previous.column, f"something is missing after {quoted(previous.text)}")
    if parentheses:
        raise ExpressionError(parentheses[-1][0], "this '(' is never closed")


def _begins_operand(token: Token) -> bool:
    return token.kind in ("number", "name") or token.text in ("(", "not")


def _ends_operand(token: Token) -> bool:
    return token.kind in ("number", "name") or token.text == ")"


def _needs_operand(token: Token) -> bool:
    return not _begins_operand(token) and token.text not in ("+", "-")


def _is_empty_call(previous: Token, parentheses: Sequence[tuple[int, bool]]) -> bool:
    return previous.text == "(" and parentheses[-1][1]


def _missing_sign(left: Token, right: Token) -> ExpressionError:
    if left.text in FUNCTIONS:
        return ExpressionError(left.column, f"'{left.text}' needs parentheses; write {left.text}(…)")
    return ExpressionError(
        right.column, f"a sign is missing between {quoted(left.text)} and {quoted(right.text)}; write '*' to multiply"
    )


def variables_among(tokens: Sequence[Token]) -> tuple[str, ...]:
    """Return all coordinates up to the last that is mentioned: they are x, y, z or x1, x2, …."""
    used = [token for token in tokens if token.kind == "name" and VARIABLE.fullmatch(token.text)]
    if not used:
        return ()
    for first, second in pairwise(used):
        if (len(first.text) > 1) != (len(second.text) > 1):
            raise ExpressionError(
                second.column, f"'{first.text}' and '{second.text}' do not go together; use x, y and z, or x1, x2, …"
            )
    if len(used[0].text) == 1:
        return ("x", "y", "z")[: max("xyz".index(token.text) for token in used) + 1]
    last = max(used, key=lambda token: int(token.text[1:]))
    if int(last.text[1:]) > _MOST_DIMENSIONS:
        raise ExpressionError(last.column, f"{quoted(last.text)} is past the limit of {_MOST_DIMENSIONS} dimensions")
    return tuple(f"x{number}" for number in range(1, int(last.text[1:]) + 1))


def quoted(word: str) -> str:
    """Put quotation marks around a word, and cut a long one short."""
    return f"'{word}'" if len(word) <= 30 else f"'{word[:30]}…'"


def check_depth(depth: int, column: int) -> None:
    """Refuse what is nested too deep."""
    if depth > _DEEPEST:
        raise ExpressionError(column, f"the expression is nested more than {_DEEPEST} deep")
