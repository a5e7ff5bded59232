"""Views of functions whose bounds nobody chose: they hold starts, paths and the minima found."""

import numpy as np
import pytest

import gdsim
from gdsim import View
from gdsim.objectives import local_minima
from gdsim.scene.build import build_scene, preview_scene

FAST_AND_SLOW = {"SGD": {"lr": 0.05}, "Adam": {"lr": 0.1}}


def limits(expression, start, optimizers=FAST_AND_SLOW, steps=150, **view):
    """Return the limits of the picture, and the trajectories."""
    paths = gdsim.simulate(expression, optimizers, start=start, steps=steps)
    return build_scene(paths, view=View(**view)).facets[0].limits, paths


def holds(bounds, points):
    points = np.reshape(points, (-1, len(bounds)))
    return bool(((bounds[:, 0] < points) & (points < bounds[:, 1])).all())


@pytest.mark.parametrize(
    ("expression", "start", "minima", "widest"),
    [
        # The gradient (4x³ − 6xy, 4y³ − 3x²) vanishes where x² = 3y/2 and y² = 9/8.
        ("x^4 - 3x^2*y + y^4", [-3, -3], [[1.26134, 1.06066], [-1.26134, 1.06066]], 7),
        ("(x-30)^2 + 4y^2", [1, 3], [[30, 0]], 40),
        ("(x-300)^2 + y^2", [-3, -3], [[300, 0]], 400),
        ("1e6*(x-1)^2 + y^2", [1.001, 4], [[1, 0]], 6),
        ("(1e4*x)^2 + (2e4*y)^2", [3e-4, 1e-4], [[0, 0]], 5e-4),
        ("(1-x)^2 + 100(y-x^2)^2", [-1.5, 2], [[1, 1]], 5),
        ("abs(x) + abs(y)", [3, 1], [[0, 0]], 6),
        ("log(x)^2 + (y-1)^2", [0.2, 3], [[1, 1]], 4),
    ],
)
def test_a_view_holds_the_start_the_paths_and_the_lowest_minima_and_little_else(expression, start, minima, widest):
    # With these rates the paths are too short to determine the size of a view.
    bounds, paths = limits(expression, start, {"SGD": {"lr": 1e-9}, "Adam": {"lr": 1e-6}})
    assert holds(bounds, start)
    assert holds(bounds, minima)
    assert holds(bounds, [each.points for each in paths])
    assert np.ptp(bounds, axis=1).max() < widest


def test_a_curve_is_fitted_along_its_axis():
    """The lowest minimum of sin x + x²/10 solves cos x = −x/5."""
    bounds, paths = limits("sin(x) + 0.1x^2", [8])
    assert holds(bounds[:1], [8, -1.30644])
    assert holds(bounds[:1], [each.points for each in paths])
    assert np.ptp(bounds[0]) < 15


@pytest.mark.parametrize("expression", ["exp(x) + y^2", "1/(x^2 + y^2 + 1)", "x + 2y", "x^3 + y"])
def test_the_search_finds_no_minimum_where_there_is_none(expression):
    objective = gdsim.objective(expression)
    minima, values = local_minima(objective, np.random.default_rng(0).uniform(-5, 5, (20, 2)))
    assert minima.shape == (0, 2)
    assert values.shape == (0,)


def test_the_search_finds_the_minima_of_the_catalogue():
    for name in ("himmelblau", "rosenbrock", "beale", "booth", "three_hump_camel"):
        objective = gdsim.objective(name)
        low, high = objective.bounds.T
        minima, values = local_minima(objective, low + (high - low) * np.random.default_rng(0).random((60, 2)))
        assert (np.diff(values) >= 0).all()
        for known in objective.minima:
            assert np.abs(minima - known).max(1).min() < 1e-5, name


def test_a_path_without_a_minimum_is_held():
    bounds, paths = limits("1/(x^2 + y^2 + 1)", [0.5, 0.3], {"SGD": {"lr": 0.3}, "Adam": {"lr": 0.1}})
    assert holds(bounds, [each.points for each in paths])
    assert np.ptp(bounds, axis=1).max() < 8


def test_diverging_paths_are_shown_at_their_beginning_only():
    """With the rate 1.05, gradient descent on x² + y² multiplies the point by −1.1."""
    optimizers = {"good": {"class": "SGD", "lr": 0.1}, "bad": {"class": "SGD", "lr": 1.05}}
    for chosen in (optimizers, {"bad": optimizers["bad"]}):
        bounds, _ = limits("x^2 + y^2", [3, 4], chosen, steps=300)
        assert holds(bounds, [[3, 4], [0, 0], [-3.3, -4.4]])
        assert np.abs(bounds).max() < 15


def test_a_start_far_away_is_shown_with_the_minimum_unless_the_path_is_much_shorter():
    bounds, _ = limits("x^2 + y^2", [1e6, 4])
    assert holds(bounds, [[1e6, 4], [0, 0]])
    short, paths = limits("x^2 + y^2", [1e6, 4], {"SGD": {"lr": 1e-9}})
    assert holds(short, paths[0].points)
    assert np.ptp(short, axis=1).max() < 1


def test_a_start_far_from_all_others_does_not_hide_them():
    bounds, _ = limits("x^2 + y^2", [[1, 1], [2, 1], [1e12, 0]])
    assert holds(bounds, [[1, 1], [2, 1], [0, 0]])
    assert np.abs(bounds).max() < 5


def test_paths_that_do_not_move_are_shown_in_the_default_view():
    assert limits("x^2 + y^2", [0, 0])[0] == pytest.approx(np.array([[-5, 5], [-5, 5]]))
    assert limits("x + y", [70, 0], {"SGD": {"lr": 1e-9}})[0].tolist() == [
        pytest.approx([65, 75]),
        pytest.approx([-5, 5]),
    ]


def test_a_function_in_more_dimensions_is_fitted_to_its_paths():
    bounds, paths = limits("x1^2 + x2^2 + (x3 - 90)^2", [1, 20, 3], plane=[0, 2])
    assert holds(bounds, [each.points[..., [0, 2]] for each in paths])


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("x^2 + 3y^2", [[-5, 5], [-5, 5]]),
        ("(x-30)^2 + 4y^2", [[25, 35], [-5, 5]]),
        ("exp(x) + y^2", [[-5, 5], [-5, 5]]),
        ("(x-30)^2", [[25, 35]]),
        ("log(x) + 1/x", [[0, 5]]),
        ("log(x) + sqrt(1 - y)", [[0, 5], [-5, 1.25]]),
        ("log(x - 20)", [[-5, 5]]),
    ],
)
def test_a_picture_without_paths_shows_the_nearest_of_the_lowest_minima(expression, expected):
    shown = preview_scene(gdsim.objective(expression)).facets[0].limits
    assert shown[: len(expected)] == pytest.approx(np.array(expected), abs=1e-5)


def test_given_bounds_are_kept():
    valley = gdsim.objective("(x-30)^2 + 4y^2", bounds=[[-5, 5], [-5, 5]])
    assert limits(valley, [1, 3])[0].tolist() == [[-5, 5], [-5, 5]]
    assert preview_scene(valley).facets[0].limits.tolist() == [[-5, 5], [-5, 5]]
