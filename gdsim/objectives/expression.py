"""Parse an expression such as "x**2 + 3*x + 1" into a function of points, without executing it as code."""

from __future__ import annotations

import keyword
import math
import operator
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from numbers import Real
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from gdsim.errors import ConfigError, InputError, did_you_mean
from gdsim.objectives.formulas import (
    CONSTANTS,
    FUNCTIONS,
    SYNONYMS,
    Binding,
    numeral,
    power_function,
    product,
    script,
    symbol,
)
from gdsim.objectives.tokens import VARIABLE, ExpressionError, Token, quoted, tokenize, variables_among

if TYPE_CHECKING:
    from torch import Tensor

Columns: TypeAlias = "Sequence[Tensor]"
"""One tensor (…) per coordinate."""

Value: TypeAlias = "float | bool | Callable[[Columns], Tensor]"
"""A constant, or a function of the coordinates."""

MAX_DEPTH = 20
"""The maximum depth of nesting: matplotlib's recursive mathtext parser fails on deeper formulas."""

ARITHMETIC = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}
COMPARISONS: Mapping[str, tuple[Callable[[Any, Any], Any], str]] = {
    "<": (operator.lt, "<"),
    "<=": (operator.le, r"\leq"),
    ">": (operator.gt, ">"),
    ">=": (operator.ge, r"\geq"),
    "==": (operator.eq, "="),
    "!=": (operator.ne, r"\neq"),
}


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
        text: An expression of x, y and z, or of x1, x2, …, with numbers, + - * / ** (also ^, x² and products without
            a sign, as in 3x or 2(x + 1)), the constants pi, e and tau, and
            the functions sin cos tan asin acos atan atan2 sinh cosh tanh exp log log2 log10 sqrt abs sign floor ceil
            sigmoid relu erf norm min max, where `log` is the natural logarithm. Comparisons, joined by `and`, `or` and
            `not`, are allowed in `where(condition, a, b)` and `a if condition else b`.
        constants: Values of additional named constants.

    Raises:
        ExpressionError: The text is not a valid expression; the message and `column` give the position. With several
            mistakes, a ConfigError has all of them.
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
    values = "".join(rf",\ \ {symbol(name)} = {numeral(value)}" for name, value in own.items() if name in used)
    of_columns = _with_gradient(part.value)
    return Expression(variables, lambda points: of_columns(points.unbind(-1)), part.formula + values)


def _checked(name: str, value: float) -> float:
    key = ("constants", name)
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII) or keyword.iskeyword(name):
        raise InputError(f"a constant needs a name of ASCII letters and digits, not {name!r}", key)
    if name in CONSTANTS or name in FUNCTIONS or name == "where" or VARIABLE.fullmatch(name):
        raise InputError("has a meaning of its own in an expression; rename the constant", key, code="conflict")
    if isinstance(value, bool) or not isinstance(value, Real) or not abs(value) <= sys.float_info.max:
        raise InputError(f"must be a finite number, not {value!r:.40}", key)
    return float(value)


class Part(NamedTuple):
    """A number or condition with its formula and the formula's precedence."""

    value: Any  # Value
    formula: str
    binding: Binding
    column: int = 1
    is_condition: bool = False

    def within(self, binding: int) -> str:
        """Return the formula, in parentheses if its precedence is lower or if two signs would be adjacent."""
        after_sign = binding >= Binding.PRODUCT and self.formula.startswith("-")
        return rf"\left({self.formula}\right)" if self.binding < binding or after_sign else self.formula


class Parser:
    """A parser of tokens, given variables and constants by name; precedence is that of Python."""

    def __init__(self, tokens: Sequence[Token], named: Mapping[str, Part]) -> None:
        self.tokens = tokens
        self.named = named
        self.position = 0
        self.open_parentheses = 0
        self.mistakes: list[ExpressionError] = []

    def parse(self) -> Part:
        """Return the whole expression, which must be a number.

        Raises:
            InputError: It is not one. Unknown names do not stop the parser: the error names all of them.
        """
        try:
            part = _number(self._choice(0))
            if self._next.kind != "end":
                raise self._unexpected()
        except ExpressionError as error:
            self.mistakes.append(error)
        if len(self.mistakes) == 1:
            raise self.mistakes[0]
        if self.mistakes:
            raise ConfigError(mistake.problems[0] for mistake in self.mistakes)
        return part

    def _unknown_operand(self, mistake: ExpressionError) -> Part:
        """Note a mistake in one operand, and return another operand in its place."""
        self.mistakes.append(mistake)
        return Part(operator.itemgetter(0), "?", Binding.ATOM, mistake.column)

    @property
    def _next(self) -> Token:
        return self.tokens[self.position]

    def _take(self, *texts: str) -> Token | None:
        token = self._next
        if token.kind != "sign" or token.text not in texts:
            return None
        self.position += 1
        return token

    def _unexpected(self) -> ExpressionError:
        """Return the error for a token that cannot follow a complete operand."""
        token, previous = self._next, self.tokens[self.position - 1]
        if token.text == ")":
            return ExpressionError(token.column, "this ')' was never opened")
        if token.text == ",":
            return ExpressionError(token.column, "',' separates the arguments of a function; write a decimal point")
        if token.begins_operand:
            between = f"{quoted(previous.text)} and {quoted(token.text)}"
            return ExpressionError(token.column, f"an operator is missing between {between}; write '*' to multiply")
        return ExpressionError(token.column, f"{quoted(token.text)} is not expected here")

    def _choice(self, depth: int) -> Part:
        start, this = self._next.column, self._either(depth)
        if not self._take("if"):
            return this
        condition = _condition(self._either(depth + 1))
        if not self._take("else"):
            raise ExpressionError(start, "expected 'else', as in 'a if condition else b'")
        return _chosen(start, condition, _number(this), _number(self._choice(depth + 1)))

    def _either(self, depth: int) -> Part:
        return self._joined(depth, "or", self._both, Binding.EITHER, operator.or_)

    def _both(self, depth: int) -> Part:
        return self._joined(depth, "and", self._negation, Binding.BOTH, operator.and_)

    def _joined(
        self, depth: int, word: str, operand: Callable[[int], Part], binding: Binding, join: Callable[[Any, Any], Any]
    ) -> Part:
        start, parts = self._next.column, [operand(depth)]
        while self._take(word):
            parts.append(operand(depth + 1))
        if len(parts) == 1:
            return parts[0]
        formula = rf"\ \mathrm{{{word}}}\ ".join(_condition(part).within(binding + 1) for part in parts)
        value = reduce(partial(_apply, join), (part.value for part in parts))
        return Part(value, formula, binding, start, True)

    def _negation(self, depth: int) -> Part:
        token = self._take("not")
        if token is None:
            return self._comparison(depth)
        _check_depth(depth, token.column)
        part = _condition(self._negation(depth + 1))
        formula = rf"\mathrm{{not}}\ {part.within(Binding.ATOM)}"
        return Part(_apply(operator.xor, part.value, True), formula, Binding.RELATION, token.column, True)

    def _comparison(self, depth: int) -> Part:
        start, left = self._next.column, self._sum(depth)
        formula, values = left.within(Binding.SUM), []
        while token := self._take(*COMPARISONS):
            compare, sign = COMPARISONS[token.text]
            left, right = _number(left), _number(self._sum(depth + 1))
            values.append(_apply(compare, left.value, right.value))
            formula += f" {sign} {right.within(Binding.SUM)}"
            left = right
        if not values:
            return left
        return Part(reduce(partial(_apply, operator.and_), values), formula, Binding.RELATION, start, True)

    def _sum(self, depth: int) -> Part:
        start, part = self._next.column, self._product(depth)
        while token := self._take("+", "-"):
            left, right = _number(part), _number(self._product(depth + 1))
            value = _constant(start, ARITHMETIC[token.text], left.value, right.value)
            formula = f"{left.within(Binding.SUM)} {token.text} {right.within(Binding.PRODUCT)}"
            part = Part(value, formula, Binding.SUM, start)
        return part

    def _product(self, depth: int) -> Part:
        start, part, fractions, divided = self._next.column, self._signed(depth), 0, False
        while token := self._take("*", "/") or self._implied_product():
            if token.kind == "implied" and divided:
                raise ExpressionError(token.column, "a product without '*' is ambiguous after '/'; add parentheses")
            divided = token.text == "/"
            left, right = _number(part), _number(self._signed(depth + 1))
            if token.text == "/":
                fractions += 1
                _check_depth(depth + fractions, start)
                if right.value == 0:
                    raise ExpressionError(right.column, "this divides by 0")
                formula = rf"\frac{{{left.formula}}}{{{right.formula}}}"
            else:
                formula = product(left.within(Binding.NEGATIVE), right.within(Binding.PRODUCT))
            value = _constant(start, ARITHMETIC[token.text], left.value, right.value)
            part = Part(value, formula, Binding.PRODUCT, start)
        return part

    def _implied_product(self) -> Token | None:
        """Return a product sign where none is written: 3x, 2(x + 1), x²y, (x + 1)(y − 1)."""
        token, previous = self._next, self.tokens[self.position - 1]
        is_operand = token.kind == "name" or token.text == "("
        is_factor = (previous.kind == "number" and previous.text != "0") or previous.text in (")", "pi")
        if is_operand and is_factor:  # 0x10 is not 0 times x10
            return Token("implied", "*", token.column)
        return None

    def _signed(self, depth: int) -> Part:
        _check_depth(depth, self._next.column)
        token = self._take("+", "-")
        if token is None:
            return self._power(depth)
        part = _number(self._signed(depth + 1))
        if token.text == "+":
            return part
        formula = "-" + part.within(Binding.PRODUCT)
        return Part(_apply(operator.neg, part.value), formula, Binding.NEGATIVE, token.column)

    def _power(self, depth: int) -> Part:
        start, base = self._next.column, self._atom(depth)
        if not self._take("**"):
            return base
        base, exponent = _number(base), _number(self._signed(depth + 1))
        is_constant = not callable(base.value) and not callable(exponent.value)
        function = math.pow if is_constant else power_function(base.value, exponent.value)
        value = _constant(start, function, base.value, exponent.value)
        raised = re.sub(r"\\frac\{([\w.]+)\}\{([\w.]+)\}", r"\1/\2", exponent.formula)
        if base.binding == Binding.CALL and re.fullmatch(r"[2-9]|[1-9]\d+", raised):
            name, bracket, arguments = base.formula.partition(r"\left(")
            return Part(value, f"{name}{script('^', raised)}{bracket}{arguments}", Binding.POWER, start)
        return Part(value, base.within(Binding.CALL) + script("^", raised), Binding.POWER, start)

    def _atom(self, depth: int) -> Part:
        token = self._next
        self.position += 1
        if token.kind == "number":
            formula = numeral(float(token.text))
            binding = Binding.PRODUCT if "times" in formula else Binding.POWER if "10^" in formula else Binding.ATOM
            return Part(_constant(token.column, float, float(token.text)), formula, binding, token.column)
        if token.kind == "name":
            return self._name(token, depth)
        if token.text == "(":
            return self._parenthesized(token, depth)[0]
        if token.kind == "end":
            previous = self.tokens[self.position - 2]
            raise ExpressionError(previous.column, f"something is missing after {quoted(previous.text)}")
        raise ExpressionError(token.column, f"something is missing before {quoted(token.text)}")

    def _parenthesized(self, opening: Token, depth: int, *, is_call: bool = False) -> list[Part]:
        """Return what follows an opening parenthesis: one part, or the arguments of a function."""
        self.open_parentheses += 1
        _check_depth(self.open_parentheses, opening.column)
        parts = [] if is_call and self._next.text == ")" else [self._choice(depth)]
        while is_call and self._take(","):
            parts.append(self._choice(depth))
        if self._next.kind == "end":
            raise ExpressionError(opening.column, "this '(' is never closed")
        if not self._take(")"):
            raise self._unexpected()
        self.open_parentheses -= 1
        return parts

    def _name(self, token: Token, depth: int) -> Part:
        name, column = token.text, token.column
        if self._next.text == "(" and not VARIABLE.fullmatch(name):
            return self._call(token, depth)
        if name in self.named:
            return self.named[name]._replace(column=column)
        if name in FUNCTIONS or name == "where":
            verb = "needs parentheses" if self._next.begins_operand else "is a function"
            raise ExpressionError(column, f"'{name}' {verb}; write {name}(…)")
        hint = "; the variables are x, y and z, or x1, x2, …, and any other name needs a number in constants"
        if re.fullmatch("[xyz]{2,4}", name):
            hint = f"; write {'*'.join(name)} for the product"
            return self._unknown_operand(_unknown(token, (), hint))
        return self._unknown_operand(_unknown(token, (*self.named, "x", "y", "z"), hint))

    def _call(self, token: Token, depth: int) -> Part:
        name, column = token.text, token.column
        if name in self.named:
            raise ExpressionError(column, f"'{name}' is a number, not a function; write '*' to multiply")
        opening = self._next
        self.position += 1
        parts = self._parenthesized(opening, depth + 1, is_call=True)
        if name not in FUNCTIONS and name != "where":
            return self._unknown_operand(_unknown(token, (*FUNCTIONS, "where")))
        if name == "where":
            if len(parts) != 3:
                raise ExpressionError(column, "where takes 3 arguments: where(condition, a, b)")
            return _chosen(column, _condition(parts[0]), _number(parts[1]), _number(parts[2]))
        function = FUNCTIONS[name]
        least, most = function.arguments
        if not least <= len(parts) <= most:
            count = "1 argument" if most == 1 else f"{least} arguments" if most == least else "2 arguments or more"
            return self._unknown_operand(ExpressionError(column, f"{name} takes {count}, not {len(parts)}"))
        values = [_number(part).value for part in parts]
        if not any(map(callable, values)):
            value = _constant(column, function.constant, *values)
        elif len(values) == 1:
            value = _apply(function.tensor, *values)
        else:  # torch's functions of several tensors do not accept numbers
            value = _apply(function.tensor, *map(_as_tensor, values))
        formula = function.formula.replace("…", r",\ ".join(part.formula for part in parts))
        return Part(value, formula, function.binding, column)


def _check_depth(depth: int, column: int) -> None:
    if depth > MAX_DEPTH:
        raise ExpressionError(column, f"the expression is nested more than {MAX_DEPTH} deep")


def _unknown(token: Token, known: Sequence[str], hint: str = "") -> ExpressionError:
    if token.text in SYNONYMS:
        return ExpressionError(token.column, f"there is no '{token.text}'; write {SYNONYMS[token.text]}")
    return ExpressionError(token.column, f"there is no {quoted(token.text)}{did_you_mean(token.text, known) or hint}")


def _number(part: Part) -> Part:
    if part.is_condition:
        message = "a condition is only allowed in where(condition, a, b) and in 'a if condition else b'"
        raise ExpressionError(part.column, message)
    return part


def _condition(part: Part) -> Part:
    if not part.is_condition:
        raise ExpressionError(part.column, "a condition is missing here; compare with <, <=, ==, !=, >= or >")
    return part


def _constant(column: int, function: Callable[..., Any], *values: Value) -> Value:
    """Apply a function; raise an ExpressionError if the result is a constant that is not finite."""
    try:
        value: Value = _apply(function, *values)
    except (ArithmeticError, ValueError):
        value = math.nan
    if not callable(value) and not math.isfinite(value):
        raise ExpressionError(column, "this constant is not a finite number")
    return value if callable(value) else float(value)


def _apply(function: Callable[..., Any], *values: Any) -> Any:
    """Apply a function to constants immediately; for functions of the coordinates, return their composition."""
    if not any(map(callable, values)):
        return function(*values)
    # One frame per operation, because a long sum must not exceed Python's limit of recursion.
    match [value if callable(value) else partial(_constant_value, value) for value in values]:
        case [operand]:
            return lambda columns: function(operand(columns))
        case [left, right]:
            return lambda columns: function(left(columns), right(columns))
        case operands:
            return lambda columns: function(*[operand(columns) for operand in operands])


def _constant_value(value: Any, _: Columns) -> Any:
    return value


def _as_tensor(value: Value) -> Callable[[Columns], Tensor]:
    return value if callable(value) else lambda columns: columns[0].new_tensor(value)


def _with_gradient(value: Value) -> Callable[[Columns], Tensor]:
    """Return a differentiable function of the coordinates; a constant gets the gradient 0."""
    return value if callable(value) else lambda columns: columns[0] ** 0 * value


def _chosen(column: int, condition: Part, this: Part, that: Part) -> Part:
    """Return `this` where the condition holds and `that` elsewhere."""
    test = rf"\ \mathrm{{if}}\ {condition.formula}\ \mathrm{{else}}\ "
    formula = this.within(Binding.SUM) + test + that.formula
    if not callable(condition.value):
        return Part(this.value if condition.value else that.value, formula, Binding.CHOICE, column)
    holds, first, second = condition.value, _with_gradient(this.value), _with_gradient(that.value)

    def choose(columns: Columns) -> Tensor:
        mask = holds(columns)
        # The unused branch may have an infinite slope, and 0 * inf is NaN: it gets detached coordinates.
        here = first([column.where(mask, column.detach()) for column in columns])
        return here.where(mask, second([column.detach().where(mask, column) for column in columns]))

    return Part(choose, formula, Binding.CHOICE, column)
