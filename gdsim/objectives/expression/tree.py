"""The syntax tree of an expression, made into a value and its formula: only the nodes listed here exist."""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from itertools import pairwise
from types import MappingProxyType
from typing import Any, NamedTuple

from gdsim.errors import did_you_mean
from gdsim.objectives.expression.formulas import Binding, numeral, product, script
from gdsim.objectives.expression.functions import FUNCTIONS, OTHER_NAMES, power_function
from gdsim.objectives.expression.values import Number, Truth, applied, as_tensor, both, choice, connected, either
from gdsim.objectives.expression.words import ExpressionError, check_depth, quoted

__all__ = ["Part", "read_tree"]

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


class Part(NamedTuple):
    """A number of the expression, how it is written, and how tightly its writing holds together."""

    value: Number
    formula: str
    binding: Binding


class _Condition(NamedTuple):
    """A condition of the expression, how it is written, and how tightly its writing holds together."""

    value: Truth
    formula: str
    binding: Binding


def read_tree(text: str, named: Mapping[str, Part]) -> Part:
    """Make an expression, whose words are in order, into its value and formula.

    Args:
        text: The expression.
        named: The variables and constants by name.

    Raises:
        ExpressionError: Something has no place in an expression, is unknown, or is no finite number.
    """
    return _part(_tree(text), named)


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
        check_depth(depth, node.col_offset)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                nodes.append((child, depth + (not _continues(node, child))))
    return tree


def _continues(node: ast.expr, child: ast.expr) -> bool:
    """Say whether a child is the left side of a sum or product: these may be long without being deep."""
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub | ast.Mult) and child is node.left


def _part(node: ast.expr, named: Mapping[str, Part]) -> Part:
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return _number(node, value)
        case ast.Name(id=name):
            return _name(node, name, named)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _part(operand, named)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            part = _part(operand, named)
            return Part(applied(operator.neg, part.value), "-" + _bracketed(part, Binding.PRODUCT), Binding.NEGATIVE)
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


def _number(node: ast.expr, value: float) -> Part:
    number = _folded(node, float, value)
    written = numeral(value)
    binding = Binding.ATOM if "10^" not in written else Binding.PRODUCT if "times" in written else Binding.POWER
    return Part(number, written, binding)


def _name(node: ast.expr, name: str, named: Mapping[str, Part]) -> Part:
    if name in named:
        return named[name]
    if name in FUNCTIONS or name == "where":
        raise ExpressionError(node.col_offset, f"'{name}' is a function; write {name}(…)")
    offer = "; the variables are x, y and z, or x1, x2, …, and any other name needs a number in constants"
    raise _unknown(node, quoted(name), name, (*named, "x", "y", "z"), offer)


def _unknown(node: ast.expr, what: str, name: str, known: Sequence[str], offer: str = "") -> ExpressionError:
    if name in OTHER_NAMES:
        return ExpressionError(node.col_offset, f"there is no '{name}' here; write {OTHER_NAMES[name]}")
    return ExpressionError(node.col_offset, f"there is no {what}{did_you_mean(name, known) or offer}")


def _chain(node: ast.expr, named: Mapping[str, Part]) -> Part:
    pending: list[ast.BinOp] = []
    while isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        pending.append(node)
        node = node.left
    part = _part(node, named)
    for outer in reversed(pending):
        part = _joined(outer, part, _part(outer.right, named))
    return part


def _joined(node: ast.BinOp, left: Part, right: Part) -> Part:
    if isinstance(node.op, ast.Div) and right.value == 0:
        raise ExpressionError(node.right.col_offset, "this divides by 0")
    value = _folded(node, _ARITHMETIC[type(node.op)], left.value, right.value)
    match node.op:
        case ast.Div():
            return Part(value, rf"\frac{{{left.formula}}}{{{right.formula}}}", Binding.PRODUCT)
        case ast.Mult():
            sides = _bracketed(left, Binding.NEGATIVE), _bracketed(right, Binding.PRODUCT)
            return Part(value, product(*sides), Binding.PRODUCT)
        case _:
            sign = "+" if isinstance(node.op, ast.Add) else "-"
            return Part(
                value, f"{_bracketed(left, Binding.SUM)} {sign} {_bracketed(right, Binding.PRODUCT)}", Binding.SUM
            )


def _power(node: ast.expr, base: Part, exponent: Part) -> Part:
    constant = not callable(base.value) and not callable(exponent.value)
    function = math.pow if constant else power_function(base.value, exponent.value)
    value = _folded(node, function, base.value, exponent.value)
    raised = re.sub(r"\\frac\{([\w.]+)\}\{([\w.]+)\}", r"\1/\2", exponent.formula)
    if base.binding == Binding.CALL and re.fullmatch(r"[2-9]|[1-9]\d+", raised):
        name, bracket, arguments = base.formula.partition(r"\left(")
        return Part(value, f"{name}{script('^', raised)}{bracket}{arguments}", Binding.POWER)
    return Part(value, _bracketed(base, Binding.CALL) + script("^", raised), Binding.POWER)


def _call(node: ast.expr, name: str, arguments: Sequence[ast.expr], named: Mapping[str, Part]) -> Part:
    if name == "where":
        raise ExpressionError(node.col_offset, "where takes 3 arguments: where(condition, a, b)")
    if name not in FUNCTIONS:
        if name in named:
            raise ExpressionError(node.col_offset, f"'{name}' is a number, not a function; write '*' to multiply")
        raise _unknown(node, f"function {quoted(name)}", name, (*FUNCTIONS, "where"))
    function = FUNCTIONS[name]
    fewest, most = function.arguments
    if not fewest <= len(arguments) <= most:
        number = "1 argument" if most == 1 else f"{fewest} arguments" if most == fewest else "2 arguments or more"
        raise ExpressionError(node.col_offset, f"{name} takes {number}, not {len(arguments)}")
    parts = [_part(argument, named) for argument in arguments]
    values = [part.value for part in parts]
    if any(map(callable, values)):
        value: Number = applied(function.tensor, *(map(as_tensor, values) if len(values) > 1 else values))
    else:
        value = _folded(node, function.constant, *values)
    formula = function.formula.replace("…", r",\ ".join(part.formula for part in parts))
    return Part(value, formula, function.binding)


def _choice(test: ast.expr, chosen: ast.expr, other: ast.expr, named: Mapping[str, Part]) -> Part:
    condition = _condition(test, named)
    this, that = _part(chosen, named), _part(other, named)
    formula = rf"{_bracketed(this, Binding.SUM)}\ \mathrm{{if}}\ {condition.formula}\ \mathrm{{else}}\ {that.formula}"
    if not callable(condition.value):
        return Part(this.value if condition.value else that.value, formula, Binding.CHOICE)
    return Part(choice(condition.value, connected(this.value), connected(that.value)), formula, Binding.CHOICE)


def _condition(node: ast.expr, named: Mapping[str, Part]) -> _Condition:
    match node:
        case ast.Compare(left=first, ops=signs, comparators=others) if all(
            type(sign) in _COMPARISONS for sign in signs
        ):
            parts = [_part(operand, named) for operand in (first, *others)]
            formula = _bracketed(parts[0], Binding.SUM)
            truths = []
            for sign, (left, right) in zip(signs, pairwise(parts), strict=True):
                compare, symbol = _COMPARISONS[type(sign)]
                truths.append(applied(compare, left.value, right.value))
                formula += f" {symbol} {_bracketed(right, Binding.SUM)}"
            return _Condition(reduce(both, truths), formula, Binding.RELATION)
        case ast.BoolOp(op=joint, values=operands):
            conditions = [_condition(operand, named) for operand in operands]
            is_and = isinstance(joint, ast.And)
            binding, join, word = (Binding.BOTH, both, "and") if is_and else (Binding.EITHER, either, "or")
            formula = rf"\ \mathrm{{{word}}}\ ".join(_bracketed(item, binding + 1) for item in conditions)
            return _Condition(reduce(join, (item.value for item in conditions)), formula, binding)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            condition = _condition(operand, named)
            formula = rf"\mathrm{{not}}\ {_bracketed(condition, Binding.ATOM)}"
            return _Condition(applied(operator.xor, condition.value, True), formula, Binding.RELATION)
    raise ExpressionError(node.col_offset, "a condition is missing here; compare with <, <=, ==, !=, >= or >")


def _folded(node: ast.expr, function: Callable[..., Any], *values: Number) -> Number:
    try:
        value: Number = applied(function, *values)
    except (ArithmeticError, ValueError):
        value = math.nan
    if not callable(value) and not math.isfinite(value):
        raise ExpressionError(node.col_offset, "this constant is not a finite number")
    return value if callable(value) else float(value)


def _bracketed(part: Part | _Condition, binding: int) -> str:
    """Put parentheses around what holds together less tightly than asked, and around a sign after another."""
    after_sign = binding >= Binding.PRODUCT and part.formula.startswith("-")
    loose = part.binding < binding or after_sign
    return rf"\left({part.formula}\right)" if loose else part.formula
