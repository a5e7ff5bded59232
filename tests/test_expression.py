from __future__ import annotations

import math
import operator
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from matplotlib.mathtext import MathTextParser

from gdsim.errors import InputError
from gdsim.objectives.expression import Expression, ExpressionError, parse


def value_and_gradient(expression: Expression, points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    points = points.detach().requires_grad_()
    values = expression.f(points)
    (gradients,) = torch.autograd.grad(values.sum(), points)
    return values.detach(), gradients


def at(text: str, *point: float, **constants: float) -> tuple[float, list[float]]:
    value, gradient = value_and_gradient(parse(text, constants), torch.tensor(point, dtype=torch.float64))
    return value.item(), gradient.tolist()


# An independent evaluation: a tree that is written out as text, and walked with numbers that carry their slopes


class UndecidedError(Exception):
    """The number lies where rounding decides, or has no slope, or is too large to compare."""


@dataclass(frozen=True)
class Dual:
    value: float
    slopes: tuple[float, ...]

    def __post_init__(self) -> None:
        if not all(abs(number) < 100 for number in (self.value, *self.slopes)):
            raise UndecidedError

    def by(self, value: float, slope: float) -> Dual:
        return Dual(float(value), tuple(slope * own for own in self.slopes))

    def __add__(self, other: Dual) -> Dual:
        return Dual(self.value + other.value, tuple(map(operator.add, self.slopes, other.slopes)))

    def __mul__(self, other: Dual) -> Dual:
        slopes = (a * other.value + self.value * b for a, b in zip(self.slopes, other.slopes, strict=True))
        return Dual(self.value * other.value, tuple(slopes))


def decided(gap: float) -> float:
    if abs(gap) < 1e-4:
        raise UndecidedError
    return gap


def power(base: Dual, exponent: Dual) -> Dual:
    if any(exponent.slopes) or not exponent.value.is_integer():
        return UNARY["exp"](exponent * UNARY["log"](base))
    whole = int(exponent.value)
    if whole < 0:
        decided(base.value)
    return base.by(base.value**whole, whole * base.value ** (whole - 1) if whole else 0.0)


def larger(a: Dual, b: Dual) -> Dual:
    return a if decided(a.value - b.value) > 0 else b


def smaller(a: Dual, b: Dual) -> Dual:
    return b if decided(a.value - b.value) > 0 else a


def angle(y: Dual, x: Dual) -> Dual:
    square = decided(x.value**2 + y.value**2)
    slopes = ((a * x.value - y.value * b) / square for a, b in zip(y.slopes, x.slopes, strict=True))
    decided(y.value)
    return Dual(math.atan2(y.value, x.value), tuple(slopes))


def stepped(function: Callable[[float], float]) -> Callable[[Dual], Dual]:
    def step(u: Dual) -> Dual:
        decided(u.value - round(u.value))
        return u.by(function(u.value), 0)

    return step


UNARY: dict[str, Callable[[Dual], Dual]] = {
    "sin": lambda u: u.by(math.sin(u.value), math.cos(u.value)),
    "cos": lambda u: u.by(math.cos(u.value), -math.sin(u.value)),
    "tan": lambda u: u.by(math.tan(u.value), 1 / math.cos(u.value) ** 2),
    "asin": lambda u: u.by(math.asin(u.value), 1 / decided(math.sqrt(1 - u.value**2))),
    "acos": lambda u: u.by(math.acos(u.value), -1 / decided(math.sqrt(1 - u.value**2))),
    "atan": lambda u: u.by(math.atan(u.value), 1 / (1 + u.value**2)),
    "sinh": lambda u: u.by(math.sinh(u.value), math.cosh(u.value)),
    "cosh": lambda u: u.by(math.cosh(u.value), math.sinh(u.value)),
    "tanh": lambda u: u.by(math.tanh(u.value), 1 / math.cosh(u.value) ** 2),
    "exp": lambda u: u.by(math.exp(u.value), math.exp(u.value)),
    "log": lambda u: u.by(math.log(u.value), 1 / decided(u.value)),
    "log2": lambda u: u.by(math.log2(u.value), 1 / decided(u.value) / math.log(2)),
    "log10": lambda u: u.by(math.log10(u.value), 1 / decided(u.value) / math.log(10)),
    "sqrt": lambda u: u.by(math.sqrt(u.value), 0.5 / math.sqrt(decided(u.value))),
    "abs": lambda u: u.by(abs(u.value), math.copysign(1, decided(u.value))),
    "sign": stepped(lambda u: math.copysign(1, u)),
    "floor": stepped(math.floor),
    "ceil": stepped(math.ceil),
    "sigmoid": lambda u: u.by(1 / (1 + math.exp(-u.value)), 1 / (2 + 2 * math.cosh(u.value))),
    "relu": lambda u: u.by(max(u.value, 0.0), float(decided(u.value) > 0)),
    "erf": lambda u: u.by(math.erf(u.value), 2 / math.sqrt(math.pi) * math.exp(-(u.value**2))),
}
BINARY: dict[str, Callable[[Dual, Dual], Dual]] = {
    "min": smaller,
    "max": larger,
    "atan2": angle,
    "norm": lambda a, b: UNARY["sqrt"](a * a + b * b),
}
COMPARISONS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "!=": operator.ne}

Walk = Callable[[tuple[Dual, ...]], Dual]


@dataclass(frozen=True)
class Tree:
    """A tree, as its text without a parenthesis too many, how tightly that holds together, and its evaluation."""

    text: str
    binding: int
    walk: Walk

    def within(self, binding: int) -> str:
        return self.text if self.binding >= binding else f"({self.text})"


SUM, PRODUCT, SIGNED, POWER, ATOM = range(1, 6)
POINT = (0.61803, -1.32472, 2.50291)
CONSTANTS = {"k": 1.7, "mu": -0.4}


def number(value: float) -> Tree:
    return Tree(repr(value), ATOM, lambda _: Dual(float(value), (0.0, 0.0, 0.0)))


def variable(name: str) -> Tree:
    place = "xyz".index(name)
    return Tree(name, ATOM, lambda point: point[place])


def constant(name: str) -> Tree:
    value = {**CONSTANTS, "pi": math.pi, "e": math.e, "tau": math.tau}[name]
    return Tree(name, ATOM, lambda _: Dual(value, (0.0, 0.0, 0.0)))


def signed(a: Tree) -> Tree:
    return Tree("-" + a.within(SIGNED), SIGNED, lambda point: (u := a.walk(point)).by(-u.value, -1))


def total(a: Tree, b: Tree, sign: str) -> Tree:
    right = b if sign == "+" else signed(b)
    return Tree(f"{a.within(SUM)} {sign} {b.within(PRODUCT)}", SUM, lambda p: a.walk(p) + right.walk(p))


def product(a: Tree, b: Tree) -> Tree:
    return Tree(f"{a.within(PRODUCT)}*{b.within(SIGNED)}", PRODUCT, lambda p: a.walk(p) * b.walk(p))


def quotient(a: Tree, b: Tree) -> Tree:
    def walk(point: tuple[Dual, ...]) -> Dual:
        below = b.walk(point)
        return a.walk(point) * below.by(1 / decided(below.value), -1 / below.value**2)

    return Tree(f"{a.within(PRODUCT)} / {b.within(SIGNED)}", PRODUCT, walk)


def raised(a: Tree, b: Tree) -> Tree:
    def walk(point: tuple[Dual, ...]) -> Dual:
        base = a.walk(point)
        # An exponent that may vary has a slope only where the logarithm of the base is a number.
        if base.value <= 0 and set(b.text) & set("xyz"):
            raise UndecidedError
        return power(base, b.walk(point))

    return Tree(f"{a.within(ATOM)}**{b.within(SIGNED)}", POWER, walk)


def unary(name: str, a: Tree) -> Tree:
    return Tree(f"{name}({a.text})", ATOM, lambda point: UNARY[name](a.walk(point)))


def binary(name: str, a: Tree, b: Tree) -> Tree:
    return Tree(f"{name}({a.text}, {b.text})", ATOM, lambda point: BINARY[name](a.walk(point), b.walk(point)))


def choice(sign: str, a: Tree, b: Tree, this: Tree, that: Tree, spelt_out: bool) -> Tree:
    def walk(point: tuple[Dual, ...]) -> Dual:
        left, right = a.walk(point).value, b.walk(point).value
        decided(left - right)
        return (this if COMPARISONS[sign](left, right) else that).walk(point)

    test = f"{a.within(SUM)} {sign} {b.within(SUM)}"
    if spelt_out:
        return Tree(f"{this.within(SUM)} if {test} else {that.text}", 0, walk)
    return Tree(f"where({test}, {this.text}, {that.text})", ATOM, walk)


NUMBERS = st.sampled_from([0, 1, 2, 3, 10, 0.5, 2.0, 0.125, 1.5, 1e-3]).map(number)
LEAVES = st.one_of(
    *(st.just(variable(name)) for name in "xyzxyz"),
    st.sampled_from(["k", "mu", "pi", "e", "tau"]).map(constant),
    NUMBERS,
)


def grown(trees: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    return st.one_of(
        st.builds(total, trees, trees, st.sampled_from("+-")),
        st.builds(product, trees, trees),
        st.builds(quotient, trees, trees),
        st.builds(raised, trees, st.one_of(NUMBERS, st.sampled_from([-3, -2, -1, 4, 5, 7, 12]).map(number), trees)),
        st.builds(signed, trees),
        st.builds(unary, st.sampled_from(sorted(UNARY)), trees),
        st.builds(binary, st.sampled_from(sorted(BINARY)), trees, trees),
        st.builds(choice, st.sampled_from(sorted(COMPARISONS)), trees, trees, trees, trees, st.booleans()),
    )


TREES = st.recursive(LEAVES, grown, max_leaves=9)


def read(tree: Tree) -> Expression:
    """Read a tree's text, with all three coordinates in it."""
    try:
        return parse(f"0*(x + y + z) + ({tree.text})", CONSTANTS)
    except ExpressionError as error:
        # Constants are folded wherever they stand, in a branch that is not taken too.
        assume("not a finite number" not in str(error) and "divides by 0" not in str(error))
        raise


@settings(max_examples=400, deadline=None)
@given(TREES)
def test_values_and_gradients_are_those_of_a_slow_walk(tree: Tree) -> None:
    ones = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    try:
        expected = tree.walk(tuple(Dual(*pair) for pair in zip(POINT, ones, strict=True)))
    except (UndecidedError, ArithmeticError, ValueError):
        assume(False)
    value, gradient = value_and_gradient(read(tree), torch.tensor(POINT, dtype=torch.float64))
    assert value.item() == pytest.approx(expected.value, rel=1e-9, abs=1e-9)
    assert gradient.tolist() == pytest.approx(expected.slopes, rel=1e-8, abs=1e-8)


@settings(max_examples=60, deadline=None)
@given(TREES)
def test_any_formula_can_be_set(tree: Tree) -> None:
    assert MathTextParser("path").parse(f"${read(tree).formula}$").width > 0


SCRAPS = [
    "x",
    "y",
    "x1",
    "z",
    "2",
    "0.5",
    "1e9",
    "(",
    ")",
    "(",
    ")",
    ",",
    "+",
    "-",
    "*",
    "/",
    "**",
    "<",
    "==",
    "and",
    "or",
]
SCRAPS += ["not", "if", "else", "sin", "max", "where", "^", "=", ".", "'", "é", "#", "lambda", "k"]


def refusal(text: str) -> InputError | None:
    try:
        parse(text, {"k": 1.0})
    except InputError as error:
        return error
    return None


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(SCRAPS)).map(" ".join) | st.text(max_size=60))
def test_any_text_is_read_or_has_its_column(text: str) -> None:
    mistake = refusal(text)
    if mistake:
        for problem in mistake.problems:
            assert problem.code == "syntax"
            assert 1 <= int(problem.message.split()[1].removesuffix(":")) <= max(1, len(text))
            assert str(problem).isprintable()
    else:
        expression = parse(text, {"k": 1.0})
        points = torch.rand(4, len(expression.variables), dtype=torch.float64)
        assert expression.f(points).shape == (4,)


# Values


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("x**2 + 3*x + 1", 29),
        ("-x**2", -16),
        ("2**x**0.5", 4),
        ("x - 1 - 2", 1),
        ("x / 2 / 2", 1),
        ("-2**-x", -1 / 16),
        ("sqrt(2)*x", 4 * math.sqrt(2)),
        ("+x", 4),
        ("x**0", 1),
        ("x**1", 4),
        ("x**-3", 1 / 64),
        ("x**2.5", 32),
        ("x**40", 4.0**40),
        ("e**x", math.exp(4)),
        ("min(x, 5, 3)", 3),
        ("max(x, 5, 3)", 5),
        ("norm(x, 3)", 5),
        ("1 if x < 4 else 2 if x == 4 else 3", 2),
        ("where(1 < x <= 4 and not x > 9, 7, 8)", 7),
        ("where(x < 1 or x < 2 or x < 3, 7, 8)", 8),
        ("where(1 < 2, 7, x)", 7),
        ("\n  x +\n\t1\n", 5),
        ("sigmoid(0)*x + floor(-0.5) + sign(-3) + relu(-1) + sign(0) + ceil(0.5)", 1),
        (".5*x + 1.e0", 3),
    ],
)
def test_what_is_written_is_what_is_meant(text: str, value: float) -> None:
    assert at(text, 4.0)[0] == pytest.approx(value, rel=1e-15)


def test_variables_set_the_number_of_dimensions() -> None:
    for text, variables in {"x": "x", "y": "x y", "z*x": "x y z", "x3": "x1 x2 x3", "x12 - x2": None}.items():
        expected = variables.split() if variables else [f"x{number}" for number in range(1, 13)]
        assert parse(text).variables == tuple(expected)
    assert at("y", 1.0, 2.0) == (2.0, [0.0, 1.0])
    assert at("x3*x1", 2.0, 5.0, 7.0) == (14.0, [7.0, 0.0, 2.0])


def test_constants_of_ones_own_go_by_their_names() -> None:
    assert at("k*x**2 + x_k", 3.0, k=2, x_k=np.float64(0.5)) == (18.5, [12.0])
    assert parse("x", {"unused": 1}).formula == "x"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("k", value) for value in (math.nan, math.inf, True, "2", None, [1], 10**400, 1j)),
        *((name, 1.0) for name in ("x", "y", "z", "x1", "x25", "pi", "e", "tau", "sin", "where", "norm")),
        *((name, 1.0) for name in ("", "2k", "a b", "_k", "__class__", "lambda", "if", "к", "k\n", "a.b")),
    ],
)
def test_a_constant_that_is_none_is_refused_by_its_key(name: str, value: Any) -> None:
    with pytest.raises(InputError) as caught:
        parse("x", {name: value})
    assert caught.value.key == ("constants", name)
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize(
    ("text", "point", "value", "gradient"),
    [
        ("sqrt(x**2 + y**2)", (0, 0), 0, [0, 0]),
        ("(x**2 + y**2)**0.5", (0, 0), 0, [0, 0]),
        ("norm(x, y)", (0, 0), 0, [0, 0]),
        ("norm(x, y)", (3, 4), 5, [0.6, 0.8]),
        ("sqrt(abs(x))", (0,), 0, [0]),
        ("abs(x)", (0,), 0, [0]),
        ("abs(x)**1.5", (0,), 0, [0]),
        ("relu(x)", (0,), 0, [0]),
        ("max(x, 0)", (0,), 0, [0.5]),
        ("min(x, y)", (1, 1), 1, [0.5, 0.5]),
        ("x**4 + x**7", (0,), 0, [0]),
        ("where(x > 0, log(x), 0)", (0,), 0, [0]),
        ("where(x > 0, sqrt(x), x)", (-1,), -1, [1]),
        ("where(x == 0, 1, sin(x)/x)", (0,), 1, [0]),
        ("x if x < 0 else (2*x if x < 1 else x/(x - 1))", (1,), math.inf, None),
        ("where(x < 0, 1, 2)", (3,), 2, [0]),
        ("floor(x)", (2.5,), 2, [0]),
        ("sign(x)", (0,), 0, [0]),
        ("sigmoid(x)", (0,), 0.5, [0.25]),
        ("sigmoid(x)", (800,), 1, [0]),
        ("log(sigmoid(x))", (-500,), -500, [1]),
        ("sinh(x) + cosh(x)", (0,), 1, [1]),
        ("sinh(x)", (1e-9,), 1e-9, [1]),
    ],
)
def test_corners_tips_and_steps_have_gradients(
    text: str, point: tuple[float, ...], value: float, gradient: list[float] | None
) -> None:
    found, slopes = at(text, *map(float, point))
    assert found == pytest.approx(value, rel=1e-15)
    assert gradient is None or slopes == pytest.approx(gradient, rel=1e-15)


@pytest.mark.parametrize(
    "text",
    [
        *(f"{name}(x) + {name}(y*x)" for name in sorted(UNARY)),
        *(f"x**{exponent} - y**{-exponent}" for exponent in (0, 1, 2, 3, 4, 5, 6, 7, 10, 31, 32)),
        "x**0.5 + e**-y",
        "norm(x, y, 1) + max(x, y, 0.5) - min(x, y)",
        "where(x < y, x**5, sinh(y)) + (1 if x < 0 else 2)",
        "(1 - x)**2 + 100*(y - x**2)**2 - x/3 + 3/y",
        "-20*exp(-0.2*sqrt(0.5*(x**2 + y**2))) - exp(0.5*(cos(2*pi*x) + cos(2*pi*y))) + e + 20",
    ],
)
def test_a_point_alone_and_in_any_batch_is_the_same_to_the_last_bit(text: str) -> None:
    expression = parse(text)
    batch = torch.from_numpy(np.random.default_rng(3).uniform(-3, 3, size=(61, 2))[:, : len(expression.variables)])
    dim = batch.shape[1]
    alone = [value_and_gradient(expression, point.clone()) for point in batch]
    expected = tuple(torch.stack(parts) for parts in zip(*alone, strict=True))
    for layout in (batch, batch.T.contiguous().T, batch.repeat(1, 2)[:, dim:], batch[:7]):
        found = value_and_gradient(expression, layout)
        for part, whole in zip(found, expected, strict=True):
            torch.testing.assert_close(part, whole[: len(layout)], rtol=0, atol=0, equal_nan=True)
    values, gradients = value_and_gradient(expression, batch[:60].reshape(3, 20, dim))
    assert values.shape == (3, 20)
    torch.testing.assert_close(gradients.reshape(60, dim), expected[1][:60], rtol=0, atol=0, equal_nan=True)


def test_the_longest_sum_can_be_descended() -> None:
    assert at("+".join(["x"] * 500), 2.0) == (1000.0, [500.0])
    assert at("*".join(["x"] * 500), 1.0) == (1.0, [500.0])


def test_functions_can_be_vectorised_and_differentiated_by_torch() -> None:
    expression = parse("where(x < y, max(x, 2)*sigmoid(y), norm(x, y)) + x**5")
    points = torch.rand(7, 2, dtype=torch.float64)
    _, gradients = value_and_gradient(expression, points)
    torch.testing.assert_close(torch.func.vmap(torch.func.grad(expression.f))(points), gradients)


# Formulas


@pytest.mark.parametrize(
    ("text", "formula"),
    [
        ("x**2 + 3*x + 1", "x^2 + 3x + 1"),
        ("100*(y - x**2)**2 + (1 - x)**2", r"100\left(y - x^2\right)^2 + \left(1 - x\right)^2"),
        ("sin(x)*cos(y)", r"\sin\left(x\right)\,\cos\left(y\right)"),
        ("sin(x)**2/x**10", r"\frac{\sin^2\left(x\right)}{x^{10}}"),
        ("sqrt(x)*exp(-x**2)", r"\sqrt{x}\,e^{-x^2}"),
        ("2*pi*x*y**2", r"2\pi\,x\,y^2"),
        ("3*x*y**2", "3xy^2"),
        ("3*(1/2)*x", r"3 \cdot \frac{1}{2}\,x"),
        ("x*3*-y", r"x \cdot 3\,\left(-y\right)"),
        ("-(x + 1) - -x", r"-\left(x + 1\right) - \left(-x\right)"),
        ("(-x)**2 + x**(1/3)", r"\left(-x\right)^2 + x^{1/3}"),
        ("1e-7*x + 2.5e20", r"10^{-7}\,x + 2.5 \times 10^{20}"),
        ("x1*x10", r"x_1\,x_{10}"),
        ("lam*x + mu_2 + my_rate + k", r"\lambda\,x + \mu_2 + \mathrm{my\_rate} + k"),
        ("where(x <= 0, -x, x)", r"-x\ \mathrm{if}\ x \leq 0\ \mathrm{else}\ x"),
        ("abs(x) + norm(x, y)", r"\left|x\right| + \left\Vert x,\ y\right\Vert"),
    ],
)
def test_formulas_read_as_they_are_written_by_hand(text: str, formula: str) -> None:
    named = {"lam": 1.0, "mu_2": 1.0, "my_rate": 1.0, "k": 1.0}
    assert parse(text, named).formula.partition(r",\ \ \lambda = 1")[0] == formula
    assert MathTextParser("path").parse(f"${formula}$").width > 0


@pytest.mark.parametrize("before", ["(", "sin(", "1/(", "sqrt(", "x**(", "2*(1 - ", "1/(1 + "])
def test_the_deepest_formula_can_be_set(before: str) -> None:
    def nested(depth: int) -> str:
        return before * depth + "x" + ")" * depth

    deepest = max(depth for depth in range(1, 40) if refusal(nested(depth)) is None)
    assert 6 <= deepest <= 20
    assert MathTextParser("path").parse(f"${parse(nested(deepest)).formula}$").width > 0
    assert "nested" in str(refusal(nested(deepest + 1)))


# Mathematics as people write it


@pytest.mark.parametrize(
    ("written", "program"),
    [
        ("x^2", "x**2"),
        ("3x", "3*x"),
        ("2(x + 1)", "2*(x + 1)"),
        ("x²", "x**2"),
        ("x⁴ − 3x²y + y⁴", "x**4 - 3*x**2*y + y**4"),
        ("x¹²", "x**12"),
        ("x⁻²", "x**-2"),
        ("-2x^2", "-2*x**2"),
        ("2x^-1", "2*x**(-1)"),
        ("(x + 1)(y − 1)", "(x + 1)*(y - 1)"),
        ("2πx", "2*pi*x"),
        ("3sin(x)cos(2x)", "3*sin(x)*cos(2*x)"),
        ("2×x÷4·y", "2*x/4*y"),
        ("(1/2)x", "(1/2)*x"),
        ("2x1 + 3x2^2", "2*x1 + 3*x2**2"),
        ("2x if 2x ≤ 1 else 3y", "2*x if 2*x <= 1 else 3*y"),
    ],
)
def test_mathematics_as_people_write_it(written: str, program: str) -> None:
    theirs, ours = parse(written), parse(program)
    assert theirs.formula == ours.formula
    points = torch.rand(20, len(ours.variables), dtype=torch.float64) + 0.1
    assert torch.equal(theirs.f(points), ours.f(points))


def test_all_unknown_names_are_reported_together() -> None:
    with pytest.raises(InputError) as raised:
        parse("foo*x + bar(y) + sin(x, y) + 1/")
    columns = [problem.message.partition(":")[0] for problem in raised.value.problems]
    assert columns == ["column 1", "column 9", "column 18", "column 31"]
    assert {problem.code for problem in raised.value.problems} == {"syntax"}


# Mistakes

MISTAKES = [
    ("1/2x", 4, "ambiguous after '/'"),
    ("x/(x + 1)(y + 1)", 10, "ambiguous after '/'"),
    ("x*(x - 1) - x(x + 2) ", 14, "missing between 'x' and '('; write '*'"),
    ("(x)2", 4, "missing between ')' and '2'"),
    ("x + xy", 5, "write x*y for the product"),
    ("√x", 1, "write sqrt(…)"),
    ("x(x + 1)", 2, "missing between 'x' and '('; write '*'"),
    ("x y", 3, "missing between 'x' and 'y'"),
    ("1 + sin x", 5, "write sin(…)"),
    ("sin + x", 1, "'sin' is a function; write sin(…)"),
    ("f(x) = x**2", 6, "right-hand side"),
    ("1 + х", 5, "cyrillic small letter ha"),
    ("ｘ", 1, "fullwidth latin small letter x"),
    ("x\u200b", 2, r"'\u200b' (zero width space)"),
    ("ln(x)", 1, "write log"),
    ("x + arctan(x)", 5, "write atan"),
    ("pow(x, 2)", 1, "write '**'"),
    ("1 + math.sin(x)", 5, "without 'math.'"),
    ("np.sin(x)", 1, "without 'np.'"),
    ("x.y", 2, "'.' is not allowed"),
    ("2*(x + (1 - x)", 3, "this '(' is never closed"),
    ("x + 1)", 6, "never opened"),
    ("x + foo", 5, "there is no 'foo'"),
    ("coss(x)", 1, "did you mean 'cos'?"),
    ("x*kapa", 3, "did you mean 'kappa'?"),
    ("X + 1", 1, "did you mean 'x'?"),
    ("t**2", 1, "the variables are x, y and z, or x1, x2, …"),
    ("kappa(x)", 1, "is a number, not a function"),
    ("sin(x, y)", 1, "sin takes 1 argument, not 2"),
    ("x + atan2(y)", 5, "atan2 takes 2 arguments, not 1"),
    ("max(x)", 1, "max takes 2 arguments or more, not 1"),
    ("where(x < 1, x)", 1, "where takes 3 arguments"),
    ("where(x, 1, 2)", 7, "a condition is missing"),
    ("x + (x < 1)", 6, "a condition is only allowed in where"),
    ("x if x > 0", 1, "expected 'else'"),
    ("x + 1,5", 6, "write a decimal point"),
    ("x + 1e400", 5, "not a finite number"),
    ("x*9**9**9", 3, "not a finite number"),
    ("log(-1)*x", 1, "not a finite number"),
    ("x*(-8)**(1/3)", 3, "not a finite number"),
    ("x/(1 - 1)", 4, "divides by 0"),
    ("x + 1/0", 7, "divides by 0"),
    ("x %2", 3, "remainder"),
    ("x//2", 2, "floor(a/b)"),
    ("x[0]", 2, "x1, x2, …"),
    ("|x|", 1, "abs(x)"),
    ("x +", 3, "missing after '+'"),
    ("x + * 2", 5, "missing before '*'"),
    ("sin(x) + ()", 11, "missing before ')'"),
    ("sin(x,)", 7, "missing before ')'"),
    ("x and y < 1", 1, "a condition is missing"),
    ("x + x1", 5, "exclude each other"),
    ("x0", 1, "counted from 1"),
    ("x1001", 1, "limit of 1000 dimensions"),
    ("2 + 3", 1, "no variable"),
    ("", 1, "empty"),
    (" \n", 1, "empty"),
    ("lambda x: x", 1, "'lambda' is a keyword of Python"),
    ("x" + " " * 1000, 1001, "longer than 1000 characters"),
    ("(" * 30 + "x" + ")" * 30, 21, "nested more than 20 deep"),
    ("-" * 30 + "x", 22, "nested more than 20 deep"),
    ("x" + "**x" * 30, 64, "nested more than 20 deep"),
]


@pytest.mark.parametrize(("text", "column", "words"), MISTAKES)
def test_a_mistake_has_its_column_and_its_remedy(text: str, column: int, words: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text, {"kappa": 2.0})
    assert words in str(caught.value)
    assert caught.value.column == column
    assert str(caught.value).startswith(f"column {column}: ")
    assert len(str(caught.value)) < 130


HOSTILE = [
    "__import__('os').system('true')",
    "__import__(x)",
    "x.__class__.__bases__[0].__subclasses__()",
    "().__class__",
    "(1).__class__",
    "1 .real",
    "1..real",
    "x.data",
    "x.__init__.__globals__",
    "sin.__self__",
    "__builtins__",
    "__class__",
    "_",
    "globals()",
    "getattr(x, y)",
    "eval(x)",
    "exec(x)",
    "compile(x, x, x)",
    "open(x)",
    "print(x)",
    "breakpoint()",
    "exit()",
    "input()",
    "(lambda: x)()",
    "lambda: x",
    "[x for x in y]",
    "(x for x in y)",
    "{x: y}",
    "{*x}",
    "[x][0]",
    "x[0]",
    "x[0:1]",
    "x[...]",
    "...",
    "(x := 1)",
    "x = 1",
    "x; y",
    "x\nimport os",
    "import os",
    "from os import system",
    "yield x",
    "await x",
    "async x",
    "del x",
    "raise x",
    "x @ y",
    "~x",
    "x << 9999999",
    "x if x",
    "f'{x}'",
    "f'{__import__(\"os\")}'",
    "'x'*999999999",
    "'''x",
    "b'x'",
    "1j*x",
    "0x10",
    "1_0*x",
    "True",
    "None",
    "NotImplemented",
    "max(*x, x)",
    "max(**x)",
    "sin(x=1)",
    "print(x, file=y)",
    "9**9**9**9",
    "x*9**9**9",
    "x*(9**9)**9**9",
    "x + " + "9" * 900,
    "1e999999999*x",
    "x*exp(exp(exp(9)))",
    "x**" * 200 + "x",
    "(" * 400 + "x" + ")" * 400,
    "(" * 999 + "x",
    "-" * 999 + "x",
    "not " * 200 + "x",
    "sin(" * 150 + "x" + ")" * 150,
    "1/(" * 200 + "x" + ")" * 200,
    "x" + "/x" * 400,
    "where(x<1," * 90 + "x",
    "x if x<1 else " * 70 + "x",
    "x<" * 400 + "x",
    "q" * 1000,
    "q" * 1000 + "(x)",
    "x" * 100_000_000,
    "x\x00",
    "\x00",
    "\ud800",
    "\u202ex",
    "х + у",
    "ⅹ",
    "ſin(x)",
    "𝐱**2",
    "x\N{GREEK QUESTION MARK} y",
    "x\\\n+ 1",
    "x # + 1",
    "x) + (x",
    "x), __import__(x), (x",
    "x\r\n)",
    "%s" * 100,
    "{x}",
    "`x`",
    "x!",
    "$x",
    "x?",
]


@pytest.fixture(scope="module")
def events() -> deque[str]:
    """What the interpreter reports of itself: code that is compiled or run, modules, files and programs opened."""
    # Nothing takes such a hook away again, so it may only keep so much.
    seen = deque[str](maxlen=100)
    sys.addaudithook(lambda event, _: seen.append(event))
    return seen


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_refused_and_nothing_is_executed(text: str, events: deque[str]) -> None:
    events.clear()
    mistake = refusal(text)
    assert not events
    assert mistake is not None
    for problem in mistake.problems:
        assert len(str(problem)) < 150
        assert str(problem).isprintable()


def test_an_execution_would_be_seen(events: deque[str]) -> None:
    events.clear()
    eval("1")  # noqa: S307
    assert "exec" in events


def test_reading_and_refusing_need_no_torch() -> None:
    program = (
        "import sys; from gdsim.objectives.expression import *\n"
        "e = parse('sqrt(2)*x + where(x < 1, max(x, 2), 1)**2')\n"
        "try: parse('x x')\n"
        "except ExpressionError: sys.exit('torch' in sys.modules or 'matplotlib' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
