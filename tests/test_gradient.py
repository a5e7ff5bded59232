from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gdsim.errors import InputError
from gdsim.objectives import grad, names, objective


@pytest.mark.parametrize("name", names())
def test_gradient_and_central_difference_agree_all_over_the_catalogue(name: str) -> None:
    found = objective(name)
    low, high = found.bounds.T
    minima = [] if name == "bukin_6" else found.minima  # its minimum is a kink, see below
    points = [found.start, *minima, *np.random.default_rng(4).uniform(low, high, (5, found.dim))]
    assert [grad(found, point).agrees for point in points] == [True] * len(points)


def test_at_a_kink_the_gradient_is_zero_and_the_difference_is_not() -> None:
    bukin = objective("bukin_6")
    found = grad(bukin, bukin.minima[0])
    assert not found.gradient.any()
    assert not found.agrees


def test_where_there_is_no_value_there_is_no_gradient() -> None:
    found = grad(objective("log(x) + y**2"), [-1, 2])
    for numbers in (found.value, found.gradient, found.steepest_descent):
        assert np.isnan(numbers).all()
    assert not found.agrees


@pytest.mark.parametrize(
    ("text", "at", "gradient", "descent"),
    [
        ("x**2", 1e200, 2e200, -1),
        ("x**2", -1e-200, -2e-200, 1),
        ("1e308*x", 0.5, 1e308, -1),
        ("x**2", 0, 0, 0),
        ("-x**2", 0, 0, 0),
    ],
)
def test_sizes_near_the_limits_of_float64_are_exact(text: str, at: float, gradient: float, descent: float) -> None:
    found = grad(objective(text), at)
    assert found.gradient == pytest.approx(gradient)
    assert found.steepest_descent.tolist() == [descent]
    numbers = np.concatenate([found.gradient, found.central_difference, found.steepest_descent, [found.value]])
    assert not (np.signbit(numbers) & (numbers == 0)).any()


def test_a_long_gradient_has_a_direction() -> None:
    np.testing.assert_allclose(
        grad(objective("1.5e308*x - 1.5e308*y"), [0, 0]).steepest_descent, [-(0.5**0.5), 0.5**0.5]
    )


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
@pytest.mark.parametrize("at", [0.0, 0.3, 1.0])
def test_the_difference_stays_within_a_domain_of_any_size(tmp_path: Path, scale: float, at: float) -> None:
    np.save(tmp_path / "parabola.npy", np.linspace(-1, 2, 30) ** 2)
    found = grad(objective(tmp_path / "parabola.npy", bounds=[5 * scale, 6 * scale]), min(5 + at, 6) * scale)
    np.testing.assert_allclose(found.gradient, 6 * (3 * at - 1) / scale, rtol=1e-6)
    assert found.agrees


@pytest.mark.parametrize(
    ("text", "at", "bounds"),
    [
        ("sin(1e9*x)", 2e-9, [0, 1e-8]),
        ("x**4", 1e6, [1e6 - 1, 1e6 + 1]),
        ("exp(x) + 0*sqrt(x)", 0, [-1, 1]),
        ("x**3", 1e6, [-5, 5]),
    ],
)
def test_the_step_is_of_a_size_with_the_point_and_the_view(text: str, at: float, bounds: Any) -> None:
    assert grad(objective(text, bounds=bounds), at).agrees


def test_a_gradient_that_is_not_the_functions_own_does_not_agree(tmp_path: Path) -> None:
    np.save(tmp_path / "kinks.npy", np.sin(np.arange(20.0) * 2))
    assert not grad(objective(tmp_path / "kinks.npy", gradient="finite_differences"), 4.3).agrees
    assert not grad(objective("sqrt(x)"), 0).agrees


@pytest.mark.parametrize(
    ("text", "at", "gradient", "descent"),
    [
        ("sqrt(x)", 0, [np.inf], [-1]),
        ("-1e-40*sqrt(x)", 0, [-np.inf], [1]),
        ("sqrt(x) + y", [0, 1], [np.inf, 1], [-1, 0]),
        ("sqrt(sqrt(x))", 0, [np.inf], [-1]),
        ("norm(x, y)", [0, 0], [0, 0], [0, 0]),
        ("tanh(1e40*x)", 0, [1e40], [-1]),
    ],
)
def test_an_infinite_slope_is_infinite(text: str, at: Any, gradient: list[float], descent: list[float]) -> None:
    found = grad(objective(text), at)
    np.testing.assert_allclose(found.gradient, gradient)
    assert found.steepest_descent.tolist() == descent


@pytest.mark.parametrize("text", ["x**2", "x*y"])
@pytest.mark.parametrize("at", [[1, 2, 3], "here", [[1, 2]], [float("nan")], None])
def test_a_point_has_one_finite_coordinate_per_dimension(text: str, at: Any) -> None:
    with pytest.raises(InputError) as caught:
        grad(objective(text), at)
    assert caught.value.key == ("at",)
