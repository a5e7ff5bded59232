"""The catalogue of test functions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial, reduce
from itertools import product
from operator import add, mul
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from gdsim.objectives.formulas import numeral

if TYPE_CHECKING:
    from torch import Tensor

# The functions call only methods of tensors, so that reading the catalogue does not import torch. They use only
# operations that torch rounds in the same way for one point and for a batch in any memory layout: `x**2`, `x**3`,
# `sin`, `cos`, `exp`, `log` and `sqrt`, but not `x**4`, other powers or `sum`. Where a function is not differentiable,
# its gradient is 0, never NaN.

Row = Sequence[float]

_ONE_DIM = range(1, 2)
_TWO_DIMS = range(2, 3)
_ANY_DIM = range(1, 1001)


class Parameter(NamedTuple):
    """A numeric parameter of a function, with its default and its allowed range."""

    default: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Definition:
    """A test function and its properties.

    Rows of coordinates (`bounds`, `start`, minima) are repeated or truncated to the number of dimensions: `[(0,)]` is
    the origin in any dimension.

    Args:
        f: Maps points (…, dim) to values (…), with the parameters as keyword arguments.
        bounds: One (low, high) per coordinate of the default view.
        minima: All global minima within `bounds`.
        minimum: The value at the minima, or a function of the dimension; None if there is no minimum.
        local_minima: Other minima to mark, or a function of the dimension.
        dims: The dimensions in which the function is defined.
        formula: The right-hand side in LaTeX, in matplotlib's mathtext subset, or a function of the parameters.
    """

    name: str
    f: Callable[..., Tensor]
    source: str
    title: str = ""
    bounds: Sequence[tuple[float, float]] = ()
    start: Row = ()
    minima: Sequence[Row] = ()
    minimum: float | Callable[[int], float] | None = None
    local_minima: Sequence[Row] | Callable[[int], Sequence[Row]] = ()
    dims: range = _TWO_DIMS
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    formula: str | Callable[..., str] = ""


def source(text: str) -> Callable[[Callable[..., Tensor]], Definition]:
    """Return a decorator that turns a function into a `Definition` with its source.

    The function takes x, or x and y; if it is defined in several dimensions, it takes points (…, dim).
    """
    return lambda f: Definition(name=f.__name__, f=f, source=text)


def formula(text: str | Callable[..., str]) -> Callable[[Definition], Definition]:
    """Return a decorator that sets the formula."""
    return lambda definition: replace(definition, formula=text)


def minima(
    value: float | Callable[[int], float] | None = None,
    points: Sequence[Row] = (),
    *,
    local: Sequence[Row] | Callable[[int], Sequence[Row]] = (),
) -> Callable[[Definition], Definition]:
    """Return a decorator that sets the global minima, their value, and the local minima."""
    return lambda definition: replace(definition, minimum=value, minima=points, local_minima=local)


def facts(
    title: str,
    *,
    bounds: Sequence[tuple[float, float]],
    start: Row,
    dims: range = _TWO_DIMS,
    parameters: Mapping[str, Parameter] = MappingProxyType({}),
) -> Callable[[Definition], Definition]:
    """Return a decorator that sets the title, view, start, dimensions and parameters."""

    def define(found: Definition) -> Definition:
        f = found.f if len(dims) > 1 else partial(_of_points, found.f)
        return replace(found, f=f, title=title, bounds=bounds, start=start, dims=dims, parameters=parameters)

    return define


def _of_points(f: Callable[..., Tensor], points: Tensor, **parameters: float) -> Tensor:
    return f(*points.unbind(-1), **parameters)


def _total(terms: Tensor) -> Tensor:
    """Sum (…, dim) over the coordinates in a fixed order; the order of `sum` depends on the memory layout."""
    return reduce(add, terms.unbind(-1))


def _mean(terms: Tensor) -> Tensor:
    return _total(terms) / terms.shape[-1]


def _root(square: Tensor) -> Tensor:
    """Return the square root, with gradient 0 instead of NaN at 0."""
    return (square + 1e-300).sqrt()


# One dimension


@facts("Parabola", bounds=[(-6, 3)], start=(2.5,), dims=_ONE_DIM)
@minima(-1.25, [(-1.5,)])
@formula(r"x^2 + 3x + 1")
@source("Elementary calculus")
def parabola(x: Tensor) -> Tensor:
    """A quadratic function with its minimum at x = −1.5."""
    return x**2 + 3 * x + 1


@facts("Cubic", bounds=[(-3, 1.5)], start=(-1.4,), dims=_ONE_DIM)
@minima(local=[((math.sqrt(7) - 2) / 3,)])
@formula(r"x^3 + 2x^2 - x")
@source("Elementary calculus")
def cubic(x: Tensor) -> Tensor:
    """A local minimum at x = 0.215; left of the maximum at x = −1.549 the function is unbounded below."""
    return x**3 + 2 * x**2 - x


@facts("Sine", bounds=[(0, 2 * math.pi)], start=(1.7,), dims=_ONE_DIM)
@minima(-1.0, [(1.5 * math.pi,)])
@formula(r"\sin x")
@source("Elementary calculus")
def sine(x: Tensor) -> Tensor:
    """One period with a maximum, near which descent is slow, and a minimum."""
    return x.sin()


@facts("Double well", bounds=[(-1.8, 1.8)], start=(1.6,), dims=_ONE_DIM)
@minima(-0.2537912372204689, [(-1.0298959850506604,)], local=[(0.96714893788303,)])
@formula(r"(x^2 - 1)^2 + \frac{x}{4}")
@source("The quartic potential of physics, tilted")
def double_well(x: Tensor) -> Tensor:
    """A local and a global minimum with a barrier between them."""
    return (x**2 - 1) ** 2 + x / 4


# Bowls and ravines


@facts("Sphere", bounds=[(-5, 5)], start=(-4, 3), dims=_ANY_DIM)
@minima(0.0, [(0,)])
@formula(r"\sum_i x_i^2")
@source("De Jong (1975), An analysis of the behavior of a class of genetic adaptive systems, no. 1")
def sphere(points: Tensor) -> Tensor:
    """A round bowl: everywhere the negative gradient points at the minimum."""
    return _total(points**2)


def _quadratic_formula(*, condition: float, rotation: float) -> str:
    if rotation % 180 == 0:
        factor = "" if condition == 1 else numeral(condition)
        return rf"\frac{{1}}{{2}}\left(x^2 + {factor}y^2\right)"
    turned = r"\ \ u = x\cos\theta + y\sin\theta,\ \ v = y\cos\theta - x\sin\theta"
    values = rf",\ \ \kappa = {numeral(condition)},\ \ \theta = {numeral(rotation)}^\circ"
    return rf"\frac{{1}}{{2}}\left(u^2 + \kappa v^2\right),{turned}{values}"


@facts(
    "Quadratic",
    bounds=[(-10, 10), (-4, 4)],
    start=(-9, 2.5),
    parameters={"condition": Parameter(50, 1, 1e6), "rotation": Parameter(0, -360, 360)},
)
@minima(0.0, [(0, 0)])
@formula(_quadratic_formula)
@source("Polyak (1964), Some methods of speeding up the convergence of iteration methods")
def quadratic(x: Tensor, y: Tensor, *, condition: float, rotation: float) -> Tensor:
    """A ravine whose curvature is `condition` times larger across than along, rotated anticlockwise by `rotation`°."""
    cosine, sine = math.cos(math.radians(rotation)), math.sin(math.radians(rotation))
    u, v = x * cosine + y * sine, y * cosine - x * sine
    return (u**2 + condition * v**2) / 2


@facts("Booth", bounds=[(-10, 10), (-10, 10)], start=(-8, 6))
@minima(0.0, [(1, 3)])
@formula(r"(x + 2y - 7)^2 + (2x + y - 5)^2")
@source("Jamil & Yang (2013), A literature survey of benchmark functions for global optimisation problems")
def booth(x: Tensor, y: Tensor) -> Tensor:
    """A rotated quadratic bowl with condition number 9."""
    return (x + 2 * y - 7) ** 2 + (2 * x + y - 5) ** 2


@facts("Matyas", bounds=[(-10, 10), (-10, 10)], start=(-9, 2))
@minima(0.0, [(0, 0)])
@formula(r"0.26\left(x^2 + y^2\right) - 0.48xy")
@source("Jamil & Yang (2013), A literature survey of benchmark functions for global optimisation problems")
def matyas(x: Tensor, y: Tensor) -> Tensor:
    """A rotated, nearly flat quadratic valley with condition number 25."""
    return 0.26 * (x**2 + y**2) - 0.48 * (x * y)


@facts("Rosenbrock", bounds=[(-2, 2), (-1, 3)], start=(-1.2, 1), dims=_ANY_DIM[1:])
@minima(0.0, [(1,)])
@formula(r"\sum_i 100\left(x_{i+1} - x_i^2\right)^2 + \left(1 - x_i\right)^2")
@source("Rosenbrock (1960), An automatic method for finding the greatest or least value of a function")
def rosenbrock(points: Tensor) -> Tensor:
    """A curved, narrow ravine that descent reaches quickly and follows slowly."""
    x, following = points[..., :-1], points[..., 1:]
    return _total(100 * (following - x**2) ** 2 + (1 - x) ** 2)


@facts("Beale", bounds=[(-4.5, 4.5), (-4.5, 4.5)], start=(1, 1.5))
@minima(0.0, [(3, 0.5)])
@formula(r"(1.5 - x + xy)^2 + (2.25 - x + xy^2)^2 + (2.625 - x + xy^3)^2")
@source("Beale (1958), On an iterative method for finding a local minimum")
def beale(x: Tensor, y: Tensor) -> Tensor:
    """A flat, curved valley with steep walls at the corners of the view."""
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2


# A few minima


@facts("Himmelblau", bounds=[(-5, 5), (-5, 5)], start=(-0.5, 4.2))
@minima(
    0.0,
    [
        (3, 2),
        (-2.805118086952745, 3.1313125182505730),
        (-3.779310253377747, -3.283185991286169),
        (3.5844283403304917, -1.8481265269644036),
    ],
)
@formula(r"\left(x^2 + y - 11\right)^2 + \left(x + y^2 - 7\right)^2")
@source("Himmelblau (1972), Applied Nonlinear Programming")
def himmelblau(x: Tensor, y: Tensor) -> Tensor:
    """Four minima of equal value: the start determines which one is reached."""
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


@facts("Three-hump camel", bounds=[(-2.5, 2.5), (-2.5, 2.5)], start=(-1.2, 2.1))
@minima(0.0, [(0, 0)], local=[(1.747552345830289, -0.8737761729151445), (-1.747552345830289, 0.8737761729151445)])
@formula(r"2x^2 - 1.05x^4 + \frac{x^6}{6} + xy + y^2")
@source("Branin (1972), Widely convergent method for finding multiple solutions of simultaneous equations")
def three_hump_camel(x: Tensor, y: Tensor) -> Tensor:
    """A global minimum between two local minima."""
    square = x**2
    return 2 * square - 1.05 * square**2 + square**3 / 6 + x * y + y**2


@facts("Six-hump camel", bounds=[(-2, 2), (-1.2, 1.2)], start=(-1.1, -0.05))
@minima(
    -1.0316284534898774,
    [(0.08984201310031806, -0.7126564030207396), (-0.08984201310031806, 0.7126564030207396)],
    local=[
        (1.7036067149699808, -0.7960835686726251),
        (-1.7036067149699808, 0.7960835686726251),
        (1.6071047529201972, 0.5686514548841314),
        (-1.6071047529201972, -0.5686514548841314),
    ],
)
@formula(r"\left(4 - 2.1x^2 + \frac{x^4}{3}\right)x^2 + xy + \left(4y^2 - 4\right)y^2")
@source("Dixon & Szegő (1978), Towards Global Optimisation 2")
def six_hump_camel(x: Tensor, y: Tensor) -> Tensor:
    """Six minima, two of them global."""
    x_square, y_square = x**2, y**2
    steep = 4 - 2.1 * x_square + x_square**2 / 3
    return steep * x_square + x * y + (4 * y_square - 4) * y_square


@facts("Goldstein–Price", bounds=[(-2, 2), (-2, 2)], start=(-1.5, 0.6))
@minima(3.0, [(0, -1)], local=[(1.2, 0.8), (1.8, 0.2), (-0.6, -0.4)])
@formula(
    r"\left[1 + (x+y+1)^2\left(19 - 14x + 3x^2 - 14y + 6xy + 3y^2\right)\right]"
    r"\left[30 + (2x-3y)^2\left(18 - 32x + 12x^2 + 48y - 36xy + 27y^2\right)\right]"
)
@source("Goldstein & Price (1971), On descent from local minima")
def goldstein_price(x: Tensor, y: Tensor) -> Tensor:
    """Values over six orders of magnitude, with three local minima."""
    first = 19 - 14 * x + 3 * x**2 - 14 * y + 6 * (x * y) + 3 * y**2
    second = 18 - 32 * x + 12 * x**2 + 48 * y - 36 * (x * y) + 27 * y**2
    return (1 + (x + y + 1) ** 2 * first) * (30 + (2 * x - 3 * y) ** 2 * second)


@facts("McCormick", bounds=[(-1.5, 4), (-3, 4)], start=(3.4, -1.6))
@minima(
    -1.9132229549810364,
    [(0.5 - math.pi / 3, -0.5 - math.pi / 3)],
    local=[(0.5 + 2 * math.pi / 3, -0.5 + 2 * math.pi / 3)],
)
@formula(r"\sin(x + y) + (x - y)^2 - 1.5x + 2.5y + 1")
@source("Adorio & Diliman (2005), MVF: multivariate test functions library in C")
def mccormick(x: Tensor, y: Tensor) -> Tensor:
    """A curved valley with a local minimum behind a low barrier."""
    return (x + y).sin() + (x - y) ** 2 - 1.5 * x + 2.5 * y + 1


@facts("Branin", bounds=[(-5, 10), (0, 15)], start=(6, 13.5))
@minima(0.3978873577297383, [(-math.pi, 12.275), (math.pi, 2.275), (3 * math.pi, 2.475)])
@formula(
    r"\left(y - \frac{5.1}{4\pi^2}x^2 + \frac{5}{\pi}x - 6\right)^2"
    r" + 10\left(1 - \frac{1}{8\pi}\right)\cos x + 10"
)
@source("Branin (1972), Widely convergent method for finding multiple solutions of simultaneous equations")
def branin(x: Tensor, y: Tensor) -> Tensor:
    """Three minima of equal value in a curved valley."""
    trough = y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6
    return trough**2 + 10 * (1 - 1 / (8 * math.pi)) * x.cos() + 10


def _styblinski_tang_wells(dim: int) -> Sequence[Row]:
    """Return the 2^dim − 1 local minima in up to four dimensions; none in more."""
    return [] if dim > 4 else list(product((-2.903534027771177, 2.746802770990837), repeat=dim))[1:]


@facts("Styblinski–Tang", bounds=[(-5, 5)], start=(-0.4, 4.5), dims=_ANY_DIM)
@minima(lambda dim: -39.166165703771415 * dim, [(-2.903534027771177,)], local=_styblinski_tang_wells)
@formula(r"\frac{1}{2}\sum_i \left(x_i^4 - 16x_i^2 + 5x_i\right)")
@source("Styblinski & Tang (1990), Experiments in nonconvex optimization")
def styblinski_tang(points: Tensor) -> Tensor:
    """A double well in every coordinate."""
    square = points**2
    return _total(square**2 - 16 * square + 5 * points) / 2


@facts("Bird", bounds=[(-2 * math.pi, 2 * math.pi), (-2 * math.pi, 2 * math.pi)], start=(-5, 1.5))
@minima(-106.76453674926468, [(4.701043130249553, 3.15293850372493), (-1.5821421769300335, -3.1302468034546564)])
@formula(r"\sin(x)\,e^{(1 - \cos y)^2} + \cos(y)\,e^{(1 - \sin x)^2} + (x - y)^2")
@source("Mishra (2006), Some new test functions for global optimization")
def bird(x: Tensor, y: Tensor) -> Tensor:
    """Two minima of equal value among high maxima."""
    return x.sin() * ((1 - y.cos()) ** 2).exp() + y.cos() * ((1 - x.sin()) ** 2).exp() + (x - y) ** 2


@facts("Adjiman", bounds=[(-1, 2), (-1, 1)], start=(-0.3, 0.9))
@minima(-2.0218067833597870, [(2, 0.1057834694517169)])
@formula(r"\cos(x)\sin(y) - \frac{x}{y^2 + 1}")
@source("Adjiman, Dallwig, Floudas & Neumaier (1998), A global optimization method, αBB")
def adjiman(x: Tensor, y: Tensor) -> Tensor:
    """A slope that is unbounded below: the minimum over the published domain is on its border."""
    return x.cos() * y.sin() - x / (y**2 + 1)


@facts("Müller–Brown", bounds=[(-1.5, 1.2), (-0.2, 2)], start=(0.75, 0.7))
@minima(
    -146.699517209954,
    [(-0.5582236346330243, 1.4417258418046687)],
    local=[(0.6234994049308765, 0.028037758528685667), (-0.05001082299820605, 0.4666941048719721)],
)
@formula(r"\sum_{k=1}^{4} A_k \exp\left[a_k(x - x_k)^2 + b_k(x - x_k)(y - y_k) + c_k(y - y_k)^2\right]")
@source("Müller & Brown (1979), Location of saddle points and minimum energy paths")
def muller_brown(x: Tensor, y: Tensor) -> Tensor:
    """The potential energy of a molecule: minima for reactants, an intermediate and products, and saddles between."""
    terms = (
        (-200, -1, 0, -10, 1, 0),
        (-100, -1, 0, -10, 0, 0.5),
        (-170, -6.5, 11, -6.5, -0.5, 1.5),
        (15, 0.7, 0.6, 0.7, -1, 1),
    )
    wells = (
        height * (a * (x - x0) ** 2 + b * ((x - x0) * (y - y0)) + c * (y - y0) ** 2).exp()
        for height, a, b, c, x0, y0 in terms
    )
    return reduce(add, wells)


# Many minima


@facts("Bohachevsky", bounds=[(-2, 2), (-2, 2)], start=(-1.7, 1.3))
@minima(0.0, [(0, 0)])
@formula(r"x^2 + 2y^2 - 0.3\cos 3\pi x - 0.4\cos 4\pi y + 0.7")
@source("Bohachevsky, Johnson & Stein (1986), Generalized simulated annealing, no. 1")
def bohachevsky(x: Tensor, y: Tensor) -> Tensor:
    """A bowl with ripples near its minimum."""
    ripples = 0.3 * (3 * math.pi * x).cos() + 0.4 * (4 * math.pi * y).cos()
    return x**2 + 2 * y**2 - ripples + 0.7


@facts("Ackley", bounds=[(-5, 5)], start=(-3.3, 2.4), dims=_ANY_DIM)
@minima(0.0, [(0,)])
@formula(
    r"-20\exp\left(-0.2\,\|\mathbf{x}\|/\sqrt{d}\right) - \exp\left(\frac{1}{d}\sum_i \cos 2\pi x_i\right) + 20 + e"
)
@source("Ackley (1987), A Connectionist Machine for Genetic Hillclimbing")
def ackley(points: Tensor) -> Tensor:
    """Many local minima around a deep funnel with a sharp tip."""
    funnel = (-0.2 * _root(_mean(points**2))).exp()
    dimples = _mean((2 * math.pi * points).cos()).exp()
    return 20 * (1 - funnel) + (math.e - dimples)


@facts("Rastrigin", bounds=[(-5.12, 5.12)], start=(-3.3, 2.6), dims=_ANY_DIM)
@minima(0.0, [(0,)])
@formula(r"10d + \sum_i \left(x_i^2 - 10\cos 2\pi x_i\right)")
@source("Rastrigin (1974), Systems of Extremal Control")
def rastrigin(points: Tensor) -> Tensor:
    """A bowl with a local minimum near every point with integer coordinates."""
    return _total(points**2 + 10 * (1 - (2 * math.pi * points).cos()))


def _griewank_wells(dim: int) -> Sequence[Row]:
    """Return the local minima within the view in two dimensions; none in other dimensions."""
    quarter = [
        (3.1400226338955398, 4.438444480920714),
        (6.2800452175502937, 8.876888885374551),
        (9.420067886213592, 4.438444437201061),
    ]
    corners = [(sx * x, sy * y) for x, y in quarter for sx, sy in product((-1, 1), repeat=2)]
    on_axes = [(6.280045279379905, 0), (-6.280045279379905, 0), (0, 8.876888929095656), (0, -8.876888929095656)]
    return [*corners, *on_axes] if dim == 2 else []


@facts("Griewank", bounds=[(-10, 10)], start=(-4.9, 2.6), dims=_ANY_DIM)
@minima(0.0, [(0,)], local=_griewank_wells)
@formula(r"1 + \frac{1}{4000}\sum_i x_i^2 - \prod_i \cos\frac{x_i}{\sqrt{i}}")
@source("Griewank (1981), Generalized descent for global optimization")
def griewank(points: Tensor) -> Tensor:
    """Waves on a very wide bowl: the minima differ little in value."""
    waves = [(x / math.sqrt(i)).cos() for i, x in enumerate(points.unbind(-1), start=1)]
    return _total(points**2) / 4000 + (1 - reduce(mul, waves))


@facts("Levy", bounds=[(-10, 10)], start=(-1.3, 8.6), dims=_ANY_DIM)
@minima(0.0, [(1,)])
@formula(
    r"\sin^2 \pi w_1 + \sum_{i<d} (w_i - 1)^2\left[1 + 10\sin^2(\pi w_i + 1)\right]"
    r" + (w_d - 1)^2\left(1 + \sin^2 2\pi w_d\right),\ \ w_i = 1 + \frac{x_i - 1}{4}"
)
@source("Laguna & Martí (2005), Experimental testing of advanced scatter search designs")
def levy(points: Tensor) -> Tensor:
    """A wavy valley whose ridges can stop descent early."""
    *before, last = (1 + (points - 1) / 4).unbind(-1)
    first = before[0] if before else last
    ridges = [(w - 1) ** 2 * (1 + 10 * (math.pi * w + 1).sin() ** 2) for w in before]
    ends = (math.pi * first).sin() ** 2 + (last - 1) ** 2 * (1 + (2 * math.pi * last).sin() ** 2)
    return reduce(add, ridges, ends)


@facts("Levy no. 13", bounds=[(-4, 6), (-4, 6)], start=(-2.9, 4.6))
@minima(0.0, [(1, 1)])
@formula(r"\sin^2 3\pi x + (x - 1)^2(1 + \sin^2 3\pi y) + (y - 1)^2(1 + \sin^2 2\pi y)")
@source("Levy & Montalvo (1985), The tunneling algorithm for the global minimization of functions")
def levy_13(x: Tensor, y: Tensor) -> Tensor:
    """A bowl with fine ripples."""
    along = (x - 1) ** 2 * (1 + (3 * math.pi * y).sin() ** 2)
    across = (y - 1) ** 2 * (1 + (2 * math.pi * y).sin() ** 2)
    return (3 * math.pi * x).sin() ** 2 + along + across


@facts("Schwefel", bounds=[(-500, 500)], start=(140, 300), dims=_ANY_DIM)
@minima(0.0, [(420.968746359982,)])
@formula(r"418.9828872724338\,d - \sum_i x_i \sin\sqrt{|x_i|}")
@source("Schwefel (1981), Numerical Optimization of Computer Models")
def schwefel(points: Tensor) -> Tensor:
    """Minima that become deeper towards the border; the second lowest is far from the lowest."""
    return _total(418.9828872724338 - points * _root(points.abs()).sin())


# Michalewicz's function is separable: the minimizer and the minimum of each coordinate's term.
_MICHALEWICZ = (
    (2.2029055201726093, -0.8013034100985525),
    (math.pi / 2, -1.0),
    (1.2849915705529244, -0.9590912698960059),
    (1.9230584698663628, -0.9384624184720834),
    (1.7204697725658413, -0.9888010806215044),
    (math.pi / 2, -1.0),
    (1.454413971362379, -0.9932271353558816),
    (1.7560865209450264, -0.9828720362722106),
    (1.655717416821029, -0.996394364925103),
    (math.pi / 2, -1.0),
)


@facts("Michalewicz", bounds=[(0, math.pi)], start=(1.75, 1.9), dims=range(1, len(_MICHALEWICZ) + 1))
@minima(lambda dim: sum(value for _, value in _MICHALEWICZ[:dim]), [tuple(x for x, _ in _MICHALEWICZ)])
@formula(r"-\sum_i \sin(x_i)\sin^{20}\frac{i x_i^2}{\pi}")
@source("Michalewicz (1992), Genetic Algorithms + Data Structures = Evolution Programs")
def michalewicz(points: Tensor) -> Tensor:
    """Narrow valleys that cross, in a plain where the gradient nearly vanishes."""
    index = points.new_tensor(range(1, points.shape[-1] + 1))
    square = (index * points**2 / math.pi).sin() ** 2
    fourth = square**2
    return -_total(points.sin() * (fourth**2) ** 2 * fourth)


@facts("Easom", bounds=[(-2, 8), (-2, 8)], start=(1.9, 4.3))
@minima(-1.0, [(math.pi, math.pi)])
@formula(r"-\cos(x)\cos(y)\,e^{-(x - \pi)^2 - (y - \pi)^2}")
@source("Easom (1990), A survey of global optimization techniques")
def easom(x: Tensor, y: Tensor) -> Tensor:
    """A single narrow minimum in a plain where the gradient nearly vanishes."""
    return -(x.cos() * y.cos() * (-((x - math.pi) ** 2) - (y - math.pi) ** 2).exp())


@facts("Drop-wave", bounds=[(-2, 2), (-2, 2)], start=(-1.5, 1))
@minima(-1.0, [(0, 0)])
@formula(r"-\frac{1 + \cos\left(12\sqrt{x^2 + y^2}\right)}{0.5\left(x^2 + y^2\right) + 2}")
@source("Molga & Smutnicki (2005), Test functions for optimization needs")
def drop_wave(x: Tensor, y: Tensor) -> Tensor:
    """Concentric waves: descent stops in the trough that it starts in."""
    square = x**2 + y**2
    return -(1 + (12 * _root(square)).cos()) / (0.5 * square + 2)


@facts("Eggholder", bounds=[(-512, 512), (-512, 512)], start=(60, 180))
@minima(-959.6406627208508, [(512, 404.2318051137578)])
@formula(r"-(y + 47)\sin\sqrt{\left|\frac{x}{2} + y + 47\right|} - x\sin\sqrt{|x - y - 47|}")
@source("Whitley, Mathias, Rana & Dzubera (1996), Evaluating evolutionary algorithms")
def eggholder(x: Tensor, y: Tensor) -> Tensor:
    """Many deep, irregular minima; the lowest in the published domain is on its border."""
    lifted = y + 47
    return -lifted * _root((x / 2 + lifted).abs()).sin() - x * _root((x - lifted).abs()).sin()


@facts("Hölder table", bounds=[(-10, 10), (-10, 10)], start=(6.6, -8.2))
@minima(
    -19.20850256788673, list(product((-8.055023475736563, 8.055023475736563), (-9.664590019241273, 9.664590019241273)))
)
@formula(r"-\left|\sin(x)\cos(y)\exp\left|1 - \frac{\sqrt{x^2 + y^2}}{\pi}\right|\right|")
@source("Mishra (2006), Some new test functions for global optimization")
def holder_table(x: Tensor, y: Tensor) -> Tensor:
    """Many local minima; the four global minima are near the corners."""
    height = (1 - _root(x**2 + y**2) / math.pi).abs().exp()
    return -(x.sin() * y.cos() * height).abs()


@facts("Cross-in-tray", bounds=[(-10, 10), (-10, 10)], start=(-2.7, 2.9))
@minima(-2.062611870822737, list(product((-1.3494066171539108, 1.3494066171539108), repeat=2)))
@formula(
    r"-10^{-4}\left(\left|\sin(x)\sin(y)"
    r"\exp\left|100 - \frac{\sqrt{x^2 + y^2}}{\pi}\right|\right| + 1\right)^{0.1}"
)
@source("Mishra (2006), Some new test functions for global optimization")
def cross_in_tray(x: Tensor, y: Tensor) -> Tensor:
    """Ridges with kinks that form a cross, and four global minima around the center."""
    height = (100 - _root(x**2 + y**2) / math.pi).abs().exp()
    return -1e-4 * (0.1 * ((x.sin() * y.sin() * height).abs() + 1).log()).exp()


@facts("Bukin no. 6", bounds=[(-15, -5), (-3, 3)], start=(-13.5, -1.5))
@minima(0.0, [(-10, 1)])
@formula(r"100\sqrt{\left|y - 0.01x^2\right|} + 0.01\,|x + 10|")
@source("Bukin (1997), New minimization strategy for non-smooth functions")
def bukin_6(x: Tensor, y: Tensor) -> Tensor:
    """A valley with a kink: the gradient grows without limit towards the kink, where it is defined as 0."""
    return 100 * _root((y - 0.01 * x**2).abs()) + 0.01 * (x + 10).abs()


@facts("Schaffer no. 2", bounds=[(-4, 4), (-4, 4)], start=(-2.7, 2.4))
@minima(0.0, [(0, 0)])
@formula(r"0.5 + \frac{\sin^2(x^2 - y^2) - 0.5}{[1 + 0.001(x^2 + y^2)]^2}")
@source("Schaffer, Caruana, Eshelman & Das (1989), A study of control parameters")
def schaffer_2(x: Tensor, y: Tensor) -> Tensor:
    """Hyperbolic waves: descent soon stops in a trough with a value barely above the minimum."""
    return 0.5 + ((x**2 - y**2).sin() ** 2 - 0.5) / (1 + 0.001 * (x**2 + y**2)) ** 2


@facts("Schaffer no. 4", bounds=[(-4, 4), (-4, 4)], start=(-2.1, 1.3))
@minima(
    0.29257863203598055,
    [(0, 1.2531318314637332), (0, -1.2531318314637332), (1.2531318314637332, 0), (-1.2531318314637332, 0)],
)
@formula(r"0.5 + \frac{\cos^2(\sin|x^2 - y^2|) - 0.5}{[1 + 0.001(x^2 + y^2)]^2}")
@source("Schaffer, Caruana, Eshelman & Das (1989), A study of control parameters")
def schaffer_4(x: Tensor, y: Tensor) -> Tensor:
    """Hyperbolic waves with sharp crests and four minima."""
    # sin|u| and sin(u) differ only in sign, and cos is even: this avoids the kink of |u|.
    wave = (x**2 - y**2).sin().cos()
    return 0.5 + (wave**2 - 0.5) / (1 + 0.001 * (x**2 + y**2)) ** 2


@facts("Shubert", bounds=[(-5.12, 5.12), (-5.12, 5.12)], start=(1.2, -3.4))
@minima(
    -186.73090883102384,
    [
        (-0.8003211004719731, -1.425128428319761),
        (-0.8003211004719731, 4.858056878859826),
        (-1.425128428319761, -0.8003211004719731),
        (4.858056878859826, -0.8003211004719731),
    ],
)
@formula(r"\left(\sum_{j=1}^{5} j\cos[(j + 1)x + j]\right)\left(\sum_{j=1}^{5} j\cos[(j + 1)y + j]\right)")
@source("Shubert (1972), A sequential method seeking the global maximum of a function")
def shubert(x: Tensor, y: Tensor) -> Tensor:
    """A grid of maxima and minima, a few of which are global."""
    first, second = (reduce(add, (j * ((j + 1) * each + j).cos() for j in range(1, 6))) for each in (x, y))
    return first * second


@facts("Langermann", bounds=[(0, 5), (0, 5)], start=(2.85, 1.5))
@minima(-5.162126159963982, [(2.0029921199344655, 1.0060959402921885)])
@formula(r"-\sum_{k=1}^{5} c_k\,e^{-r_k^2 / \pi}\cos \pi r_k^2,\ \ r_k^2 = (x - a_k)^2 + (y - b_k)^2")
@source("Molga & Smutnicki (2005), Test functions for optimization needs")
def langermann(x: Tensor, y: Tensor) -> Tensor:
    """Interfering circular waves around five centers."""
    drops = ((1, 3, 5), (2, 5, 2), (5, 2, 1), (2, 1, 4), (3, 7, 9))
    squares = [(c, (x - a) ** 2 + (y - b) ** 2) for c, a, b in drops]
    return -reduce(add, (c * (-square / math.pi).exp() * (math.pi * square).cos() for c, square in squares))


@facts("De Jong no. 5", bounds=[(-50, 50), (-50, 50)], start=(-5, 10))
@minima(0.9980038377944502, [(-31.97833483565697, -31.978334837300796)])
@formula(r"\left[0.002 + \sum_{k=1}^{25} \frac{1}{k + (x - a_k)^6 + (y - b_k)^6}\right]^{-1}")
@source("De Jong (1975), An analysis of the behavior of a class of genetic adaptive systems, no. 5")
def de_jong_5(x: Tensor, y: Tensor) -> Tensor:
    """Shekel's foxholes: 25 narrow minima in a plain, ordered by depth."""
    places = (-32, -16, 0, 16, 32)
    columns = [((x - a) ** 3) ** 2 for a in places]
    rows = [((y - b) ** 3) ** 2 for b in places]
    holes = (1 / (k + column + row) for k, (row, column) in enumerate(product(rows, columns), start=1))
    return 1 / (0.002 + reduce(add, holes))


# Saddles and plateaus


@facts("Saddle", bounds=[(-2, 2), (-2, 2)], start=(-1.8, 0.01))
@formula(r"x^2 - y^2")
@source("Dauphin et al. (2014), Identifying and attacking the saddle point problem")
def saddle(x: Tensor, y: Tensor) -> Tensor:
    """A saddle point: descent from exactly y = 0 never leaves the ridge."""
    return x**2 - y**2


@facts("Monkey saddle", bounds=[(-2, 2), (-2, 2)], start=(1.7, 0.02))
@formula(r"x^3 - 3xy^2")
@source("Hilbert & Cohn-Vossen (1932), Anschauliche Geometrie")
def monkey_saddle(x: Tensor, y: Tensor) -> Tensor:
    """A degenerate saddle point with three directions of descent."""
    return x**3 - 3 * (x * y**2)


@facts("Plateau", bounds=[(-5, 5), (-5, 5)], start=(-4.2, 2.6))
@minima(0.0, [(0, 0)])
@formula(r"\frac{x^2 + 4y^2}{1 + x^2 + 4y^2}")
@source("Geman & McClure (1985), Bayesian image analysis: the redescending loss of an elliptic distance")
def plateau(x: Tensor, y: Tensor) -> Tensor:
    """A well in a plain where the gradient decays with the cube of the distance, so that plain SGD is slow."""
    square = x**2 + 4 * y**2
    return square / (1 + square)


CATALOG: Mapping[str, Definition] = MappingProxyType(
    {item.name: item for item in tuple(globals().values()) if isinstance(item, Definition)}
)
