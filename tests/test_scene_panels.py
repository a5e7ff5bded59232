"""The panels' figures, against plain loops and closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gdsim
from gdsim.config import View
from gdsim.scene.build import build_scene

HIMMELBLAU = gdsim.objective("himmelblau")
RAVINE = gdsim.objective("x**2/2 + 10*y**2", bounds=[[-3, 3], [-3, 3]])


def descend(start, steps=20, objective=HIMMELBLAU, optimizer="SGD", **settings):
    return gdsim.descend(objective, optimizer, start=start, steps=steps, **settings)


def panel(name, *trajectories, **view):
    (made,) = build_scene(trajectories, view=View(panels=[name], **view)).groups[0].panels
    return made


def figures(name, *trajectories, **view):
    return panel(name, *trajectories, **view).curves[0].points[..., 1]


def test_the_loss_is_logarithmic_above_the_minimum_where_it_spans_much():
    camel = gdsim.objective("six_hump_camel")
    long, short = (descend([-1.1, -0.1], steps=n, objective=camel, lr=0.05) for n in (16, 1))
    made = panel("loss", long)
    assert made.logarithmic
    assert made.caption == "f − f*"
    np.testing.assert_allclose(made.curves[0].points[..., 1], long.values - camel.minimum)
    made = panel("loss", short)
    assert not made.logarithmic
    assert made.caption == "f − f*"
    np.testing.assert_allclose(made.curves[0].points[..., 1], short.values - camel.minimum)


def test_a_logarithmic_axis_ends_at_a_hundredth_of_the_tolerance_where_the_winner_stays_visible():
    sphere = gdsim.objective("sphere")
    path = descend([1.0, 1.0], steps=60, objective=sphere, lr=0.3)
    exact = descend([1.0, 1.0], steps=60, objective=sphere, lr=0.5)
    assert exact.values[-1, 0] == 0
    made = panel("loss", exact, path)
    floor = 2 * 1e-3 / 100
    # From 2, each step leaves 0.4² of the value.
    np.testing.assert_allclose(made.curves[1].points[:, 0, 1], np.maximum(2 * 0.16 ** np.arange(61), floor))
    np.testing.assert_allclose(made.curves[0].points[:, 0, 1], [2] + 60 * [floor])
    low, high = np.log(made.limits)
    assert 0.03 < (math.log(floor) - low) / (high - low) < 0.1


def test_a_logarithmic_axis_ends_at_the_lowest_figure_if_that_is_higher():
    path = descend([1.0, 1.0], steps=2, objective=gdsim.objective("sphere"), lr=0.3)
    made = panel("loss", path)
    assert made.limits[0] == pytest.approx(2 * 0.16**2, rel=0.5)
    assert made.limits[0] < 2 * 0.16**2


@pytest.mark.parametrize("name", ["gradient_norm", "distance", "step_size"])
def test_other_logarithmic_axes_end_at_the_same_fraction_of_the_largest_figure(name):
    path = descend([1.0, 1.0], steps=60, objective=gdsim.objective("sphere"), lr=0.3)
    made = panel(name, path)
    drawn = made.curves[0].points[:, 0, 1]
    assert made.logarithmic
    assert np.nanmin(drawn) == pytest.approx(1e-5 * np.nanmax(drawn))


def test_a_start_is_solved_below_a_thousandth_of_its_first_value():
    camel = gdsim.objective("six_hump_camel")
    slow, fast = (descend([-1.1, -0.1], objective=camel, steps=60, lr=lr) for lr in (0.03, 0.05))
    made = panel("loss", slow, fast)
    assert made.solved == pytest.approx(1e-3 * (float(slow.values[0, 0]) - camel.minimum))
    for trajectory, curve in zip((slow, fast), made.curves, strict=True):
        within = next(k for k, value in enumerate(trajectory.values[:, 0]) if value - camel.minimum <= made.solved)
        assert np.flatnonzero(curve.points[:, 0, 1] <= made.solved)[0] == within


def test_a_solved_band_is_shown_only_where_it_means_something():
    sphere = gdsim.objective("sphere")
    near, far = (descend([1.0, 1.0], steps=n, objective=sphere, lr=0.3) for n in (3, 1))
    # 2 · 0.16³ is about four times the tolerance, and 2 · 0.16 is 160 times.
    assert panel("loss", near).limits[0] < panel("loss", near).solved == pytest.approx(2e-3)
    assert panel("loss", far).solved is None
    assert panel("loss", descend([[1, 1], [2, 1]], steps=60, objective=sphere, lr=0.3)).solved is None
    assert panel("loss", descend([[1, 1], [-1, 1]], steps=60, objective=sphere, lr=0.3)).solved is not None
    assert panel("gradient_norm", near).solved is None
    # The value is within tolerance long before the point is near the minimum.
    flat = gdsim.objective("rosenbrock", dim=10)
    far_away = descend([-1.2, 1.0] * 5, steps=400, objective=flat, lr=5e-4, momentum=0.9)
    assert float(far_away.values[-1, 0]) < 1e-3 * float(far_away.values[0, 0])
    assert panel("loss", far_away).band_name == "within tolerance"
    assert not any(curve.arrives.any() for curve in panel("loss", far_away).curves)
    there = descend([[1, 1], [-1, 1]], steps=60, objective=sphere, lr=0.3)
    assert all(curve.arrives.all() for curve in panel("loss", there).curves)
    assert panel("loss", near).band_name == "solved"
    unknown = gdsim.objective("x**2 + y**2")
    assert panel("loss", descend([1, 1], steps=60, objective=unknown, lr=0.3)).solved is None


def test_a_loss_that_rises_and_falls_is_shown_as_it_is():
    start = [-0.5, 4.2]
    path = descend(start, steps=60, lr=0.01, momentum=0.9)
    made = panel("loss", path)
    assert made.caption == "f − f*"
    (curve,) = made.curves
    floor = 1e-5 * float(path.values[0, 0])
    np.testing.assert_allclose(curve.points[:, 0, 1], np.maximum(path.values[:, 0], floor))


def test_many_starts_are_their_median_and_the_middle_of_them():
    starts = np.random.default_rng(3).uniform(-2, 2, (11, 2)).tolist()
    path = descend(starts, steps=15, objective=gdsim.objective("rastrigin"), lr=0.001)
    made = panel("loss", path)
    assert made.caption == "f − f*, median and middle 80 %"
    (curve,) = made.curves
    assert curve.points.shape == (16, 1, 2)
    for k, row in enumerate(path.values.tolist()):
        ranked = sorted(row)
        assert curve.points[k, 0, 1] == ranked[5]
        assert curve.band[k].tolist() == [ranked[1], ranked[9]]
    assert made.limits[0] < curve.band.min() < curve.band.max() < made.limits[1]


def test_the_starts_of_each_minimum_are_a_median_however_few_they_are():
    starts = [*np.random.default_rng(0).normal([3, 2], 0.3, (9, 2)).tolist(), [-2.5, 3.0]]
    made = panel("loss", descend(starts, steps=12, lr=0.01))
    few, many = sorted(made.curves, key=lambda curve: np.ptp(curve.band))
    assert few.points.shape == many.points.shape == (13, 1, 2)
    np.testing.assert_array_equal(few.band[:, 0], few.points[:, 0, 1])
    assert (many.band[:, 0] <= many.points[:, 0, 1]).all()


def test_a_coordinate_outside_its_bounds_takes_no_figure_out_of_a_panel():
    sphere = gdsim.objective("sphere", dim=3, bounds=[[0.5, 2]] * 3)
    path = descend([1.9, 1.2, 0.55], steps=40, objective=sphere, lr=0.05)
    for made in (panel("loss", path), panel("loss", path, plane=[0, 1])):
        assert made.logarithmic
        assert made.limits[0] < path.values.min() < path.values.max() < made.limits[1]


@pytest.mark.parametrize("start", [[-4, 3], [4, -3]])
def test_a_descent_out_of_the_view_stays_in_its_panel(start):
    distant = gdsim.objective("(x - 30)**2 + 4*y**2", bounds=[[-5, 5], [-5, 5]])
    path = descend(start, steps=60, objective=distant, lr=0.05)
    for name, shown in (("loss", path.values), ("gradient_norm", np.linalg.norm(path.gradients, axis=-1))):
        low, high = panel(name, path).limits
        assert low < shown.max() < high
        assert name == "gradient_norm" or low < shown.min()


@pytest.mark.parametrize("name", ["loss", "gradient_norm", "step_size"])
def test_what_runs_away_does_not_press_a_panel_flat(name):
    saddle = gdsim.objective("saddle")
    fast = descend([-1.8, 0.1], steps=200, objective=saddle, lr=0.1)
    assert abs(fast.values.min()) > 1e5
    assert abs(panel(name, fast).limits).max() < 20


@pytest.mark.parametrize("value", [0.0, 3.0, -1e-9, 1e9])
def test_a_constant_loss_stands_in_the_middle_of_its_panel(value):
    path = descend([1.0, 1.0], objective=gdsim.objective(f"0*x + 0*y + {value!r}"))
    made = panel("loss", path)
    assert made.base == 0
    assert made.limits.mean() == pytest.approx(value, abs=1e-12)


def test_gradient_norms_distances_and_step_sizes_are_those_of_the_points():
    path = descend([[-0.5, 4.2], [3.3, 1.0]], lr=0.01, momentum=0.8)
    norms, distances, sizes = (figures(name, path) for name in ("gradient_norm", "distance", "step_size"))
    for k in range(21):
        for start in range(2):
            x, y = path.points[k, start]
            # By hand: ∇[(x² + y − 11)² + (x + y² − 7)²].
            a, b = x * x + y - 11, x + y * y - 7
            assert norms[k, start] == pytest.approx(math.hypot(4 * x * a + 2 * b, 2 * a + 4 * y * b), rel=1e-12)
            nearest = min(math.dist((x, y), minimum) for minimum in HIMMELBLAU.minima)
            assert distances[k, start] == pytest.approx(nearest, rel=1e-12)
            if k < 20:
                assert sizes[k, start] == pytest.approx(math.dist((x, y), path.points[k + 1, start]), rel=1e-12)
    assert np.isnan(sizes[20]).all()


def test_distances_are_those_in_all_dimensions():
    sphere = gdsim.objective("sphere", dim=5)
    path = descend([1, 2, 3, 4, 5], objective=sphere, lr=0.1)
    expected = math.sqrt(55) * 0.8 ** np.arange(21)
    np.testing.assert_allclose(figures("distance", path, plane=[0, 1])[:, 0], expected, rtol=1e-12)


def test_learning_rates_follow_their_schedule():
    path = descend([1, 1], lr=0.04, schedule={"class": "StepLR", "step_size": 5, "gamma": 0.5})
    made = panel("learning_rate", path)
    np.testing.assert_allclose(made.curves[0].points[:, 0, 1], 0.04 * 0.5 ** (np.arange(21) // 5))
    assert not made.logarithmic
    steep = descend([1, 1], lr=0.04, schedule={"class": "ExponentialLR", "gamma": 0.8})
    assert panel("learning_rate", steep).logarithmic


@settings(max_examples=30)
@given(st.floats(-3, 3), st.floats(-3, 3), st.floats(1e-4, 0.09))
def test_plain_sgd_never_strays_from_straight_downhill(x, y, lr):
    path = descend([x, y], steps=300, objective=RAVINE, lr=lr)
    angles = figures("angle", path)
    seen = np.isfinite(angles)
    # A step is the difference of two rounded points.
    moved = np.linalg.norm(np.diff(path.points, axis=0), axis=-1)
    rounding = np.finfo(float).eps * np.linalg.norm(path.points, axis=-1)[:-1] / np.maximum(moved, 1e-300)
    # Differences near the smallest float64 are rounded more than the points.
    exact = seen[:-1] & (moved > 1e-290)
    assert (angles[:-1][exact] <= 1e-6 + np.degrees(2 * rounding[exact])).all()
    assert seen[:-1][(rounding < 1e-4) & (moved > 0)].all()


def test_angles_of_plain_sgd_are_below_a_millionth_of_a_degree():
    angles = figures("angle", descend([2.9, -1.4], steps=40, objective=RAVINE, lr=0.02))
    assert np.isfinite(angles[:-1]).all()
    assert np.isnan(angles[-1])
    assert np.nanmax(angles) < 1e-6


def test_the_angle_of_momentum_is_that_of_a_loop_by_hand():
    path = descend([2.0, 1.0], steps=30, objective=RAVINE, lr=0.03, momentum=0.9)
    point, speed = np.array([2.0, 1.0]), np.zeros(2)
    expected = []
    for _ in range(30):
        gradient = point * [1, 20]
        speed = 0.9 * speed + gradient
        point = point - 0.03 * speed
        turn = math.atan2(-speed[1], -speed[0]) - math.atan2(-gradient[1], -gradient[0])
        expected.append(abs(math.degrees(math.remainder(turn, math.tau))))
    made = panel("angle", path)
    np.testing.assert_allclose(made.curves[0].points[:-1, 0, 1], expected, rtol=1e-9, atol=1e-6)
    assert max(expected) > 90
    assert made.ticks.tolist() == [0, 45, 90, 135, 180]
    assert made.limits[0] < 0 < 180 < made.limits[1] < 190


def test_angles_up_to_a_quarter_turn_have_an_axis_of_one():
    made = panel("angle", descend([2.0, 1.0], objective=RAVINE, optimizer="Adam", lr=0.03))
    assert 1 < np.nanmax(made.curves[0].points[..., 1]) < 90
    assert made.ticks.tolist() == [0, 45, 90]
    assert made.limits[1] < 100


def test_a_step_that_is_none_has_no_angle():
    still = descend([1.0, 1.0], objective=RAVINE, lr=0.0)
    made = panel("angle", still)
    assert np.isnan(made.curves[0].points[..., 1]).all()
    assert np.isfinite(made.limits).all()
    flat = gdsim.objective("0*x + 0*y + 3")
    assert np.isnan(figures("angle", descend([1.0, 1.0], objective=flat, lr=0.1))).all()


def test_a_step_to_no_number_has_neither_size_nor_angle():
    path = descend([-0.5, 4.2], steps=60, lr=0.04)
    last = int(path.stop_steps[0])
    for name in ("step_size", "angle"):
        drawn = figures(name, path)[:, 0]
        assert np.isfinite(drawn[:last]).all()
        assert np.isnan(drawn[last:]).all()
    assert panel("loss", path).curves[0].ends == last


@pytest.mark.parametrize("size", [1e-12, 1e12, 1e-200, 1e200])
def test_figures_of_any_size_are_numbers(size):
    bowl = gdsim.objective(f"{size!r}*(x**2 + 3*y**2)")
    path = descend([2.0, 1.0], objective=bowl, lr=0.1 / size)
    np.testing.assert_allclose(figures("gradient_norm", path)[0], size * math.hypot(4, 6), rtol=1e-12)
    assert np.nanmax(figures("angle", path)) < 1e-6


def test_against_evaluations_a_step_stands_where_its_gradients_have_been_asked_for():
    path = descend([1.0, 1.0], steps=6, optimizer="LBFGS", lr=0.1, max_iter=4)
    plain = descend([1.0, 1.0], steps=6, lr=0.001)
    made = panel("loss", plain, path, against="evaluations")
    assert made.across == "gradient evaluations"
    np.testing.assert_array_equal(made.curves[0].points[:, 0, 0], np.arange(1, 8))
    np.testing.assert_array_equal(made.curves[1].points[..., 0], path.evaluations)
    assert made.reach == path.evaluations.max() > 7
    made = panel("loss", plain, path)
    assert made.across == "step"
    assert made.reach == 6
    np.testing.assert_array_equal(made.curves[1].points[:, 0, 0], np.arange(7))


def test_panels_come_in_the_order_given():
    names = ["angle", "step_size", "loss"]
    made = build_scene([descend([1, 1], lr=0.01)], view=View(panels=names)).groups[0].panels
    assert [each.caption for each in made] == ["angle to −∇f (°)", "step size", "f − f*"]
    assert build_scene([descend([1, 1], lr=0.01)], view=View(panels=[])).groups[0].panels == ()


def test_no_step_at_all_has_panels_too():
    names = ["loss", "gradient_norm", "distance", "learning_rate", "step_size", "angle"]
    panels = build_scene([descend([1, 1], steps=0)], view=View(panels=names)).groups[0].panels
    assert len(panels) == len(names)
    for each in panels:
        assert each.reach == 1
        assert np.isfinite(each.limits).all()
        assert each.limits[0] < each.limits[1]
