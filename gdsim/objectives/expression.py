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

import ast
import keyword
import math
import operator
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from numbers import Real
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from gdsim.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Expression", "ExpressionError", "parse"]

# One tensor a coordinate, each (…).
_Columns: TypeAlias = "Sequence[Tensor]"
_Number: TypeAlias = "float | Callable[[_Columns], Tensor]"
_Truth: TypeAlias = "bool | Callable[[_Columns], Tensor]"

# A node of the tree takes at least a character, so this bounds the nodes too.
_LONGEST = 1000
# Deeper formulas are more than matplotlib's recursive mathtext can set.
_DEEPEST = 20
_MOST_DIMENSIONS = 1000
# Squaring often enough costs a rounding each time; past this the last digits would suffer.
_LARGEST_CHAIN = 32
_TINY = 2.0**-500


class ExpressionError(InputError):
    """An expression is at fault.

    Args:
        column: Where, counted in characters from 1.
        sentence: What is wrong and what to do.
    """

    def __init__(self, column: int, sentence: str) -> None:
        super().__init__(f"column {column}: {sentence}")
        self.column = column


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
    tokens = _tokens(text)
    _check_order(tokens)
    variables = _variables(tokens)
    named |= {name: _Part(operator.itemgetter(at), _symbol(name), _ATOM) for at, name in enumerate(variables)}
    part = _part(_tree(text), named)
    if not variables:
        raise ExpressionError(1, "the expression has no variable; they are x, y and z, or x1, x2, …")
    return Expression(text, variables, _of_points(_connected(part.value)), part.formula)


def _of_points(of_columns: Callable[[_Columns], Tensor]) -> Callable[[Tensor], Tensor]:
    return lambda points: of_columns(points.unbind(-1))


# Words, from left to right


class _Token(NamedTuple):
    kind: str  # "number", "name", "word" (of Python) or "sign"
    text: str
    column: int


_TOKEN = re.compile(
    r"""(?P<space>\s+)
    | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<name>[A-Za-z_]\w*)
    | (?P<sign>\*\*|[<>=!]=|/(?!/)|[-+*<>(),])
    | (?P<stranger>//|.)""",
    re.VERBOSE | re.ASCII | re.DOTALL,
)
_VARIABLE = re.compile(r"[xyz]|x([1-9][0-9]*)")
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


def _tokens(text: str) -> list[_Token]:
    if len(text) > _LONGEST:
        raise ExpressionError(_LONGEST + 1, f"the expression is longer than {_LONGEST} characters")
    tokens: list[_Token] = []
    for found in _TOKEN.finditer(text):
        kind, word, column = str(found.lastgroup), found.group(), found.start() + 1
        if kind == "stranger":
            raise _stranger(word, column, tokens)
        if kind == "name" and keyword.iskeyword(word):
            if word not in _WORDS:
                raise ExpressionError(column, f"'{word}' is a word of Python that has no place in an expression")
            kind = "word"
        if kind != "space":
            tokens.append(_Token(kind, word, column))
    return tokens


def _stranger(sign: str, column: int, before: Sequence[_Token]) -> ExpressionError:
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


def _check_order(tokens: Sequence[_Token]) -> None:
    """Check that operands and operators take turns and that parentheses match, so that the tree can be built."""
    parentheses: list[tuple[int, bool]] = []
    previous = _Token("sign", "", 1)
    for token in tokens:
        complete = _ends_operand(previous)
        is_call = token.text == "(" and previous.kind == "name" and not _VARIABLE.fullmatch(previous.text)
        if _begins_operand(token) and complete and not is_call:
            raise _missing_sign(previous, token)
        if _needs_operand(token) and not complete and not (token.text == ")" and _is_empty_call(previous, parentheses)):
            raise ExpressionError(token.column, f"something is missing before {_quoted(token.text)}")
        if token.text == "(":
            parentheses.append((token.column, is_call))
            if len(parentheses) > _DEEPEST:
                raise ExpressionError(token.column, _too_deep())
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
        raise ExpressionError(previous.column, f"something is missing after {_quoted(previous.text)}")
    if parentheses:
        raise ExpressionError(parentheses[-1][0], "this '(' is never closed")


def _begins_operand(token: _Token) -> bool:
    return token.kind in ("number", "name") or token.text in ("(", "not")


def _ends_operand(token: _Token) -> bool:
    return token.kind in ("number", "name") or token.text == ")"


def _needs_operand(token: _Token) -> bool:
    return not _begins_operand(token) and token.text not in ("+", "-")


def _is_empty_call(previous: _Token, parentheses: Sequence[tuple[int, bool]]) -> bool:
    return previous.text == "(" and parentheses[-1][1]


def _missing_sign(left: _Token, right: _Token) -> ExpressionError:
    if left.text in _FUNCTIONS:
        return ExpressionError(left.column, f"'{left.text}' needs parentheses; write {left.text}(…)")
    return ExpressionError(
        right.column, f"a sign is missing between {_quoted(left.text)} and {_quoted(right.text)}; write '*' to multiply"
    )


def _quoted(word: str) -> str:
    return f"'{word}'" if len(word) <= 30 else f"'{word[:30]}…'"


def _too_deep() -> str:
    return f"the expression is nested more than {_DEEPEST} deep"


# Names


def _constants(given: Mapping[str, float]) -> dict[str, _Part]:
    named = {name: _Part(value, _symbol(name), _ATOM) for name, value in _CONSTANTS.items()}
    for name, value in given.items():
        key = ("constants", name)
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII) or keyword.iskeyword(name):
            raise InputError(f"a constant has a name of plain letters and digits, not {name!r}", key)
        if name in _CONSTANTS or name in _FUNCTIONS or name == "where" or _VARIABLE.fullmatch(name):
            raise InputError(f"'{name}' has its own meaning in an expression; give the constant another name", key)
        if isinstance(value, bool) or not isinstance(value, Real) or not _is_finite(value):
            raise InputError(f"the constant '{name}' must be a finite number, not {value!r:.40}", key)
        named[name] = _Part(float(value), _symbol(name), _ATOM)
    return named


def _is_finite(value: Real) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _variables(tokens: Sequence[_Token]) -> tuple[str, ...]:
    """Return all coordinates up to the last that is mentioned: they are x, y, z or x1, x2, …."""
    used = [token for token in tokens if token.kind == "name" and _VARIABLE.fullmatch(token.text)]
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
        raise ExpressionError(last.column, f"{_quoted(last.text)} is past the limit of {_MOST_DIMENSIONS} dimensions")
    return tuple(f"x{number}" for number in range(1, int(last.text[1:]) + 1))


def _unknown(node: ast.expr, what: str, name: str, known: Sequence[str], offer: str = "") -> ExpressionError:
    if name in _OTHER_NAMES:
        return ExpressionError(node.col_offset, f"there is no '{name}' here; write {_OTHER_NAMES[name]}")
    return ExpressionError(node.col_offset, f"there is no {what}{did_you_mean(name, known) or offer}")


# The tree


class _Part(NamedTuple):
    """A number of the expression, how it is written, and how tightly its writing holds together."""

    value: _Number
    formula: str
    binding: int


class _Condition(NamedTuple):
    """A condition of the expression, how it is written, and how tightly its writing holds together."""

    value: _Truth
    formula: str
    binding: int


_CHOICE, _EITHER, _BOTH, _RELATION, _SUM, _NEGATIVE, _PRODUCT, _POWER, _CALL, _ATOM = range(10)
_ARITHMETIC: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = MappingProxyType(
    {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}
)
_COMPARISONS: Mapping[type[ast.cmpop], tuple[Callable[[Any, Any], Any], str]] = MappingProxyType(
    {
        ast.Lt: (operator.lt, "<"),
        ast.LtE: (operator.le, r"\leq"),
        ast.Gt: (operator.gt, ">"),
        ast.GtE: (operator.ge, r"\geq"),
        ast.Eq: (operator.eq, "="),
        ast.NotEq: (operator.ne, r"\neq"),
    }
)


def _tree(text: str) -> ast.expr:
    # The parentheses allow for a break between lines, and make a node's offset its column, counted from 1.
    try:
        tree = ast.parse("(" + re.sub(r"\s", " ", text) + ")", mode="eval").body
    except SyntaxError as error:
        column = min(max((error.offset or 2) - 1, 1), len(text))
        raise ExpressionError(column, f"this is no expression: {error.msg}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise ExpressionError(1, "this is no expression that can be read") from error
    nodes: list[tuple[ast.expr, int]] = [(tree, 0)]
    while nodes:
        node, depth = nodes.pop()
        if depth > _DEEPEST:
            raise ExpressionError(node.col_offset, _too_deep())
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                nodes.append((child, depth + (not _continues(node, child))))
    return tree


def _continues(node: ast.expr, child: ast.expr) -> bool:
    """Say whether a child is the left side of a sum or product: these may be long without being deep."""
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub | ast.Mult) and child is node.left


def _part(node: ast.expr, named: Mapping[str, _Part]) -> _Part:
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return _number(node, value)
        case ast.Name(id=name):
            return _name(node, name, named)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _part(operand, named)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            part = _part(operand, named)
            return _Part(_applied(operator.neg, part.value), "-" + _bracketed(part, _PRODUCT), _NEGATIVE)
        case ast.BinOp(op=ast.Pow(), left=left, right=right):
            return _power(node, _part(left, named), _part(right, named))
        case ast.BinOp() if type(node.op) in _ARITHMETIC:
            return _chain(node, named)
        case ast.Call(func=ast.Name(id="where"), args=[test, chosen, other], keywords=[]):
            return _choice(test, chosen, other, named)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            return _call(node, name, arguments, named)
        case ast.IfExp(test=test, body=chosen, orelse=other):
            return _choice(test, chosen, other, named)
        case ast.Compare() | ast.BoolOp() | ast.UnaryOp(op=ast.Not()):
            sentence = "a condition stands in where(condition, a, b) or in 'a if condition else b' alone"
            raise ExpressionError(node.col_offset, sentence)
    raise ExpressionError(node.col_offset, "this has no place in an expression")


def _number(node: ast.expr, value: float) -> _Part:
    number = _folded(node, float, value)
    mantissa, _, exponent = repr(number).removesuffix(".0").partition("e")
    if not exponent:
        return _Part(number, mantissa, _ATOM)
    power = f"10^{{{int(exponent)}}}"
    return _Part(number, power, _POWER) if mantissa == "1" else _Part(number, rf"{mantissa} \times {power}", _PRODUCT)


def _name(node: ast.expr, name: str, named: Mapping[str, _Part]) -> _Part:
    if name in named:
        return named[name]
    if name in _FUNCTIONS or name == "where":
        raise ExpressionError(node.col_offset, f"'{name}' is a function; write {name}(…)")
    offer = "; the variables are x, y and z, or x1, x2, …, and any other name needs a number in constants"
    raise _unknown(node, _quoted(name), name, (*named, "x", "y", "z"), offer)


def _chain(node: ast.expr, named: Mapping[str, _Part]) -> _Part:
    pending: list[ast.BinOp] = []
    while isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        pending.append(node)
        node = node.left
    part = _part(node, named)
    for outer in reversed(pending):
        part = _joined(outer, part, _part(outer.right, named))
    return part


def _joined(node: ast.BinOp, left: _Part, right: _Part) -> _Part:
    if isinstance(node.op, ast.Div) and right.value == 0:
        raise ExpressionError(node.right.col_offset, "this divides by 0")
    value = _folded(node, _ARITHMETIC[type(node.op)], left.value, right.value)
    match node.op:
        case ast.Div():
            return _Part(value, rf"\frac{{{left.formula}}}{{{right.formula}}}", _PRODUCT)
        case ast.Mult():
            sides = _bracketed(left, _NEGATIVE), _bracketed(right, _PRODUCT)
            return _Part(value, _product(*sides), _PRODUCT)
        case _:
            sign = "+" if isinstance(node.op, ast.Add) else "-"
            return _Part(value, f"{_bracketed(left, _SUM)} {sign} {_bracketed(right, _PRODUCT)}", _SUM)


def _power(node: ast.expr, base: _Part, exponent: _Part) -> _Part:
    constant = not callable(base.value) and not callable(exponent.value)
    function = math.pow if constant else _power_function(base.value, exponent.value)
    value = _folded(node, function, base.value, exponent.value)
    raised = re.sub(r"\\frac\{([\w.]+)\}\{([\w.]+)\}", r"\1/\2", exponent.formula)
    if base.binding == _CALL and re.fullmatch(r"[2-9]|[1-9]\d+", raised):
        name, bracket, arguments = base.formula.partition(r"\left(")
        return _Part(value, f"{name}{_script('^', raised)}{bracket}{arguments}", _POWER)
    return _Part(value, _bracketed(base, _CALL) + _script("^", raised), _POWER)


def _power_function(base: _Number, exponent: _Number) -> Callable[[Any, Any], Any]:
    if base == math.e:
        return lambda _, exponent: exponent.exp()
    if exponent == 0.5:
        return lambda base, _: _root(base)
    if not callable(exponent) and exponent.is_integer() and abs(exponent) <= _LARGEST_CHAIN:
        return _whole_power
    return operator.pow


def _call(node: ast.expr, name: str, arguments: Sequence[ast.expr], named: Mapping[str, _Part]) -> _Part:
    if name == "where":
        raise ExpressionError(node.col_offset, "where takes 3 arguments: where(condition, a, b)")
    if name not in _FUNCTIONS:
        if name in named:
            raise ExpressionError(node.col_offset, f"'{name}' is a number, not a function; write '*' to multiply")
        raise _unknown(node, f"function {_quoted(name)}", name, (*_FUNCTIONS, "where"))
    function = _FUNCTIONS[name]
    fewest, most = function.arguments
    if not fewest <= len(arguments) <= most:
        number = "1 argument" if most == 1 else f"{fewest} arguments" if most == fewest else "2 arguments or more"
        raise ExpressionError(node.col_offset, f"{name} takes {number}, not {len(arguments)}")
    parts = [_part(argument, named) for argument in arguments]
    values = [part.value for part in parts]
    if any(map(callable, values)):
        value: _Number = _applied(function.tensor, *(map(_as_tensor, values) if len(values) > 1 else values))
    else:
        value = _folded(node, function.constant, *values)
    formula = function.formula.replace("…", r",\ ".join(part.formula for part in parts))
    return _Part(value, formula, function.binding)


def _choice(test: ast.expr, chosen: ast.expr, other: ast.expr, named: Mapping[str, _Part]) -> _Part:
    condition = _condition(test, named)
    this, that = _part(chosen, named), _part(other, named)
    formula = rf"{_bracketed(this, _SUM)}\ \mathrm{{if}}\ {condition.formula}\ \mathrm{{else}}\ {that.formula}"
    if not callable(condition.value):
        return _Part(this.value if condition.value else that.value, formula, _CHOICE)
    return _Part(_where(condition.value, _connected(this.value), _connected(that.value)), formula, _CHOICE)


def _condition(node: ast.expr, named: Mapping[str, _Part]) -> _Condition:
    match node:
        case ast.Compare(left=first, ops=signs, comparators=others) if all(
            type(sign) in _COMPARISONS for sign in signs
        ):
            parts = [_part(operand, named) for operand in (first, *others)]
            formula = _bracketed(parts[0], _SUM)
            truths = []
            for sign, (left, right) in zip(signs, pairwise(parts), strict=True):
                compare, symbol = _COMPARISONS[type(sign)]
                truths.append(_applied(compare, left.value, right.value))
                formula += f" {symbol} {_bracketed(right, _SUM)}"
            return _Condition(reduce(_both, truths), formula, _RELATION)
        case ast.BoolOp(op=joint, values=operands):
            conditions = [_condition(operand, named) for operand in operands]
            both = isinstance(joint, ast.And)
            binding, join, word = (_BOTH, _both, "and") if both else (_EITHER, _either, "or")
            formula = rf"\ \mathrm{{{word}}}\ ".join(_bracketed(item, binding + 1) for item in conditions)
            return _Condition(reduce(join, (item.value for item in conditions)), formula, binding)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            condition = _condition(operand, named)
            formula = rf"\mathrm{{not}}\ {_bracketed(condition, _ATOM)}"
            return _Condition(_applied(operator.xor, condition.value, True), formula, _RELATION)
    raise ExpressionError(node.col_offset, "a condition is missing here; compare with <, <=, ==, !=, >= or >")


# Values


def _applied(function: Callable[..., Any], *values: Any) -> Any:
    """Apply a function to constants now, or to functions of the coordinates when these are known."""
    match values:
        case _ if not any(map(callable, values)):
            return function(*values)
        case (value,):
            return lambda columns: function(value(columns))
        case left, right if not callable(left):
            return lambda columns: function(left, right(columns))
        case left, right if not callable(right):
            return lambda columns: function(left(columns), right)
        case left, right:
            return lambda columns: function(left(columns), right(columns))
        case _:
            return lambda columns: function(*(value(columns) for value in values))


def _folded(node: ast.expr, function: Callable[..., Any], *values: _Number) -> _Number:
    try:
        value: _Number = _applied(function, *values)
    except (ArithmeticError, ValueError):
        value = math.nan
    if not callable(value) and not math.isfinite(value):
        raise ExpressionError(node.col_offset, "this constant is not a finite number")
    return value if callable(value) else float(value)


def _both(left: _Truth, right: _Truth) -> _Truth:
    return _applied(operator.and_, left, right)  # type: ignore[no-any-return]


def _either(left: _Truth, right: _Truth) -> _Truth:
    return _applied(operator.or_, left, right)  # type: ignore[no-any-return]


def _as_tensor(value: _Number) -> Callable[[_Columns], Tensor]:
    return value if callable(value) else lambda columns: columns[0].new_tensor(value)


def _connected(value: _Number) -> Callable[[_Columns], Tensor]:
    """Give a constant a gradient, which is 0: a function may be made of nothing but steps."""
    return value if callable(value) else lambda columns: columns[0] ** 0 * value


def _where(
    condition: Callable[[_Columns], Tensor],
    this: Callable[[_Columns], Tensor],
    that: Callable[[_Columns], Tensor],
) -> Callable[[_Columns], Tensor]:
    def choose(columns: _Columns) -> Tensor:
        truth = condition(columns)
        # The side not taken may have no finite slope, and 0 * inf is NaN: it sees coordinates without a gradient.
        here = this([column.where(truth, column.detach()) for column in columns])
        return here.where(truth, that([column.detach().where(truth, column) for column in columns]))

    return choose


def _whole_power(base: Tensor, exponent: float) -> Tensor:
    """Raise to a whole number by way of x**2 and x**3: torch rounds other powers by the memory layout."""
    if exponent < 0:
        return 1 / _whole_power(base, -exponent)
    if exponent <= 3:
        return base ** int(exponent)
    half = _whole_power(base, exponent // 2) ** 2
    return half * base if exponent % 2 else half


def _root(square: Tensor) -> Tensor:
    """Take the square root; its slope at 0 is huge but finite, so that the tip of a cone has gradient 0, not NaN."""
    return (square + _TINY**2).sqrt() - _TINY


def _norm(*lengths: Tensor) -> Tensor:
    return _root(reduce(operator.add, (length**2 for length in lengths)))


def _sinh(x: Tensor) -> Tensor:
    """Like torch's, but rounded alike in any memory layout."""
    return (x.expm1() - (-x).expm1()) / 2


def _cosh(x: Tensor) -> Tensor:
    """Like torch's, but rounded alike in any memory layout."""
    return (x.exp() + (-x).exp()) / 2


def _sigmoid(x: Tensor) -> Tensor:
    """Like torch's, but rounded alike in any memory layout."""
    # The shift cancels, and so does its gradient; it keeps exp from overflowing.
    shift = x.detach().clamp(max=0)
    height = shift.exp()
    return height / (height + (shift - x).exp())


# What may be called


@dataclass(frozen=True)
class _Function:
    """A function of constants, the same of tensors, and how it is written around its arguments "…"."""

    constant: Callable[..., float]
    tensor: Callable[..., Tensor]
    formula: str
    binding: int = _CALL
    arguments: tuple[float, float] = (1, 1)


def _method(name: str, constant: Callable[..., float], symbol: str | None = None) -> _Function:
    symbol = symbol or rf"\operatorname{{{name}}}"
    return _Function(constant, operator.methodcaller(name), rf"{symbol}\left(…\right)")


_FUNCTIONS: Mapping[str, _Function] = MappingProxyType(
    {
        "sin": _method("sin", math.sin, r"\sin"),
        "cos": _method("cos", math.cos, r"\cos"),
        "tan": _method("tan", math.tan, r"\tan"),
        "asin": _method("asin", math.asin, r"\arcsin"),
        "acos": _method("acos", math.acos, r"\arccos"),
        "atan": _method("atan", math.atan, r"\arctan"),
        "atan2": _Function(
            math.atan2, lambda y, x: y.atan2(x), r"\operatorname{atan2}\left(…\right)", arguments=(2, 2)
        ),
        "sinh": _Function(math.sinh, _sinh, r"\sinh\left(…\right)"),
        "cosh": _Function(math.cosh, _cosh, r"\cosh\left(…\right)"),
        "tanh": _method("tanh", math.tanh, r"\tanh"),
        "exp": _Function(math.exp, operator.methodcaller("exp"), "e^{…}", _POWER),
        "log": _method("log", math.log, r"\ln"),
        "log2": _method("log2", math.log2, r"\log_2"),
        "log10": _method("log10", math.log10, r"\log_{10}"),
        "sqrt": _Function(math.sqrt, _root, r"\sqrt{…}", _ATOM),
        "abs": _Function(abs, abs, r"\left|…\right|", _ATOM),
        "sign": _method("sign", lambda x: math.copysign(1, x) if x else 0.0),
        "floor": _Function(math.floor, operator.methodcaller("floor"), r"\left\lfloor …\right\rfloor", _ATOM),
        "ceil": _Function(math.ceil, operator.methodcaller("ceil"), r"\left\lceil …\right\rceil", _ATOM),
        "sigmoid": _Function(lambda x: (1 + math.tanh(x / 2)) / 2, _sigmoid, r"\operatorname{sigmoid}\left(…\right)"),
        "relu": _method("relu", lambda x: max(x, 0.0)),
        "erf": _method("erf", math.erf),
        "norm": _Function(math.hypot, _norm, r"\left\Vert …\right\Vert", _ATOM, (2, math.inf)),
        "min": _Function(
            min, lambda *all_: reduce(lambda a, b: a.minimum(b), all_), r"\min\left(…\right)", _CALL, (2, math.inf)
        ),
        "max": _Function(
            max, lambda *all_: reduce(lambda a, b: a.maximum(b), all_), r"\max\left(…\right)", _CALL, (2, math.inf)
        ),
    }
)
_CONSTANTS: Mapping[str, float] = MappingProxyType({"pi": math.pi, "e": math.e, "tau": math.tau})
_OTHER_NAMES: Mapping[str, str] = MappingProxyType(
    {
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
)


# Formulas

_GREEK = re.compile(
    "alpha|beta|gamma|delta|epsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau|upsilon|phi|chi|psi|omega"
    "|Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Upsilon|Phi|Psi|Omega"
)


def _symbol(name: str) -> str:
    """Write a name: `x10` as x with index 10, `alpha` as the letter."""
    stem, index = re.fullmatch(r"(.*?)_?(\d*)", name).groups()  # type: ignore[union-attr]
    if stem in ("lam", "lamda"):
        stem = "lambda"
    if _GREEK.fullmatch(stem):
        letter = f"\\{stem}"
    elif len(stem) == 1:
        letter = stem
    else:
        letter = r"\mathrm{" + stem.replace("_", r"\_") + "}"
    return letter + _script("_", index) if index else letter


def _script(sign: str, text: str) -> str:
    return sign + text if len(text) == 1 else f"{sign}{{{text}}}"


def _bracketed(part: _Part | _Condition, binding: int) -> str:
    """Put parentheses around what holds together less tightly than asked, and around a sign after another."""
    after_sign = binding >= _PRODUCT and part.formula.startswith("-")
    loose = part.binding < binding or after_sign
    return rf"\left({part.formula}\right)" if loose else part.formula


def _product(left: str, right: str) -> str:
    """Set two factors side by side where that reads well: 3x, xy, 3 · 4, 3 · ½."""
    if right[0].isdigit() or (left[-1].isdigit() and right.startswith(r"\frac")):
        return rf"{left} \cdot {right}"
    are_letters = re.fullmatch(r"-?[0-9.]*[a-z]+", left) and re.fullmatch(r"[a-z](\^.*)?", right)
    return f"{left}{right}" if are_letters or re.fullmatch(r"-?[0-9.]+", left) else rf"{left}\,{right}"
