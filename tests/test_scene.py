"""What is to be seen, held to the trajectories and the objective."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gdsim
from gdsim.config import Animation, View
from gdsim.scene import Field, Line, compose, portray
from gdsim.scene.levels import choose_levels, number, round_ticks
from gdsim.trajectory import Stop

HIMMELBLAU = gdsim.objective("himmelblau")


def descend(start, steps=20, objective=HIMMELBLAU, optimizer="SGD", **settings):
    return gdsim.descend(objective, optimizer, start=start, steps=steps, **settings)


def test_arrows_are_the_gradients_on_a_regular_grid():
    arrows = portray(HIMMELBLAU).arrows
    x, y = arrows.points.T
    # By hand: ∇[(x² + y − 11)² + (x + y² − 7)²].
    a, b = x**2 + y - 11, x + y**2 - 7
    np.testing.assert_allclose(arrows.gradients, np.stack([4 * x * a + 2 * b, 2 * a + 4 * y * b], -1), rtol=1e-12)
    for coordinate, space in zip((x, y), arrows.spacing, strict=True):
        np.testing.assert_allclose(np.diff(np.unique(coordinate)), space)


def test_arrow_lengths_grow_with_the_gradient_and_stay_within_their_cell():
    arrows = portray(HIMMELBLAU).arrows
    norms = np.linalg.norm(arrows.gradients, axis=-1)
    assert (np.diff(arrows.lengths[np.argsort(norms)]) >= 0).all()
    assert arrows.lengths.max() == 1
    assert arrows.lengths.min() >= 0


def test_plain_sgd_moves_exactly_against_the_drawn_arrows():
    arrows = portray(HIMMELBLAU).arrows
    path = descend(arrows.points, steps=1, lr=0.5)
    moved = path.points[1] - path.points[0]
    np.testing.assert_array_equal(path.gradients[0], arrows.gradients)
    # The step is −lr · ∇f, rounded once on being added to the point.
    np.testing.assert_array_equal(path.points[1], arrows.points - 0.5 * arrows.gradients)
    cosines = (moved * arrows.gradients).sum(-1) / np.linalg.norm(moved, axis=-1)
    np.testing.assert_allclose(cosines, -np.linalg.norm(arrows.gradients, axis=-1), rtol=1e-12)


def test_frames_run_from_the_first_step_to_the_last():
    scene = compose([descend([-0.5, 4.2], lr=0.01)], animation=Animation(fps=10, seconds=3, hold=1))
    assert len(scene) == len(scene.frame_steps) == 30
    assert scene.frame_steps[0] == 0
    assert scene.frame_steps[-1] == 20
    assert (np.diff(scene.frame_steps) > 0).all()


def test_paths_are_the_iterates_and_differ_in_colour_dash_or_marker():
    paths = [descend([-0.5, 4.2], lr=0.001, label=f"number {i}") for i in range(12)]
    scene = compose(paths)
    for path, trajectory in zip(scene.paths, paths, strict=True):
        np.testing.assert_array_equal(path.points, trajectory.points)
    assert len({(path.color, path.dash, path.marker) for path in scene.paths}) == 12


def test_a_colour_of_the_users_own_is_kept_and_not_given_twice():
    experiment = gdsim.loads(
        "{objective: sphere, steps: 3, optimizers: {A: {class: SGD}, B: {class: SGD, color: '#0072b2'}}}"
    )
    scene = compose(gdsim.simulate(experiment))
    assert [path.color.lower() for path in scene.paths] == ["#d55e00", "#0072b2"]


def test_a_path_that_runs_away_is_marked_where_it_crosses_the_border():
    path = descend([-0.5, 4.2], steps=60, lr=0.04)
    assert path.stops == (Stop.DIVERGED,)
    scene = compose([path])
    (exit_,) = scene.paths[0].exits
    inside = np.all(np.abs(path.points[:, 0]) <= 5, axis=-1)
    assert exit_.step == np.flatnonzero(inside)[-1] + 1
    assert exit_.step - 1 <= exit_.time <= exit_.step
    assert max(map(abs, exit_.point)) == pytest.approx(5)
    here, there = path.points[exit_.step - 1, 0], path.points[exit_.step, 0]
    np.testing.assert_allclose(here + (exit_.time - exit_.step + 1) * (there - here), exit_.point)
    assert scene.paths[0].view_ends == exit_.step


def test_a_path_that_stays_has_no_exit():
    assert compose([descend([-0.5, 4.2], lr=0.01)]).paths[0].exits == ()


def test_a_start_outside_the_view_widens_it():
    scene = compose([descend([-9.0, 0.0], lr=1e-5)])
    assert scene.view[0, 0] < -9
    assert scene.view[0, 1] == 5
    assert scene.view[1].tolist() == [-5, 5]


def test_one_dimension_is_shown_as_a_curve():
    wells = gdsim.objective("double_well")
    path = descend([1.6], objective=wells, lr=0.02)
    scene = compose([path])
    assert isinstance(scene.ground, Line)
    np.testing.assert_array_equal(scene.paths[0].points[:, 0, 0], path.points[:, 0, 0])
    np.testing.assert_array_equal(scene.paths[0].points[:, 0, 1], path.values[:, 0])
    np.testing.assert_allclose(scene.minima, [[wells.minima[0, 0], wells.minimum]])


def test_the_loss_is_logarithmic_above_the_minimum_where_it_spans_much():
    camel = gdsim.objective("six_hump_camel")
    long, short = (descend([-1.1, -0.1], steps=n, objective=camel, lr=0.05) for n in (200, 1))
    scene = compose([long])
    assert scene.loss.logarithmic
    np.testing.assert_allclose(scene.paths[0].losses, long.values - camel.minimum)
    scene = compose([short])
    assert not scene.loss.logarithmic
    np.testing.assert_array_equal(scene.paths[0].losses, short.values)


def test_what_runs_away_does_not_press_the_loss_panel_flat():
    saddle = gdsim.objective("saddle")
    fast = descend([-1.8, 0.1], steps=200, objective=saddle, lr=0.1)
    assert abs(fast.values.min()) > 1e5
    assert abs(compose([fast]).loss.limits).max() < 10


def test_panels_and_arrows_can_be_left_out():
    scene = compose([descend([-0.5, 4.2])], view=View(panels=[], arrows="none"))
    assert scene.loss is None
    assert scene.arrows is None


@pytest.mark.parametrize(("steps", "starts", "dots"), [(50, 1, True), (500, 1, False), (50, 40, False)])
def test_iterates_have_dots_where_they_are_few(steps, starts, dots):
    start = np.linspace([-4, -4], [4, 4], starts)
    assert compose([descend(start, steps=steps, lr=1e-4)]).dots is dots


def test_words_say_what_happens():
    words = compose(
        [
            descend([-0.5, 4.2], steps=60, lr=0.01, label="calm"),
            descend([-0.5, 4.2], steps=60, lr=0.04, label="wild"),
            descend([-0.5, 4.2], steps=60, lr=1e-9, label="slow"),
        ]
    ).alt_text
    assert words.startswith("Gradient descent on Himmelblau, 60 steps. ")
    assert "calm reaches the minimum (−2.81, 3.13) after " in words
    assert "wild diverged at step 6" in words
    assert "slow is at (−0.50, 4.20) after 60 steps" in words
    saddle = gdsim.objective("saddle")
    idle = compose([descend([0.0, 0.0], objective=saddle, lr=0.1, label="idle")]).alt_text
    assert "idle comes to rest at (0.00, 0.00) after 0 steps" in idle


def test_words_tell_a_minimum_from_what_is_almost_as_low():
    price = gdsim.objective("goldstein_price")
    path = descend([1.8, -1.9], steps=400, objective=price, lr=1e-6)
    # From 180,000 to a few hundred is most of the way down by value, and far from the minimum all the same.
    assert path.values[-1, 0] - 3 < 1e-2 * path.values[0, 0]
    assert "reaches" not in compose([path]).alt_text
    close = descend([3.1, 2.05], steps=20, lr=1e-9)
    assert "is at (3.10, 2.05) after 20 steps" in compose([close]).alt_text


def test_what_cannot_be_shown_is_refused():
    with pytest.raises(gdsim.InputError, match="no trajectory"):
        compose([])
    with pytest.raises(gdsim.InputError, match="do not belong together"):
        compose([descend([1, 1], steps=3), descend([1, 1], steps=4)])


@given(
    st.integers(0, 2**32 - 1),
    st.floats(-1e3, 1e3),
    st.floats(1e-9, 1e9),
    st.sampled_from([1.0, 3.0, 9.0, 30.0]),
    st.booleans(),
)
def test_levels_cover_the_field_and_their_labels_are_true(seed, low, span, power, known):
    values = low + span * np.random.default_rng(seed).random((40, 40)) ** power
    levels = choose_levels(values, float(values.min()) if known else None, "f")
    assert (np.diff(levels.edges) > 0).all()
    slack = 1e-6 * span
    assert levels.edges[0] <= values.min() + slack
    assert levels.edges[-1] >= values.max() - slack
    assert len(levels.ticks) == len(levels.labels)
    if levels.caption.startswith(("f − f*", "f − min")):
        offset = values.min()
    else:
        offset = read(levels.caption[1:].replace(" ", "").replace("−", "+").replace("+", "", 1) or "0")
        offset *= -1 if "+" in levels.caption else 1
    for index, label in zip(levels.ticks, levels.labels, strict=True):
        assert read(label) + offset == pytest.approx(levels.edges[index], rel=1e-4, abs=1e-6 * span + 1e-12 * abs(low))


def read(label: str) -> float:
    """Turn a label back into its number."""
    plain = label.replace("−", "-")
    if power := re.fullmatch(r"(?:(.+)·)?10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)", plain):
        exponent = int(power[2].translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")))
        return float(power[1] or 1) * 10.0**exponent
    return float(plain)


@pytest.mark.parametrize("values", [np.zeros((5, 5)), np.full((5, 5), -7e8), np.full((5, 5), np.nan)])
def test_a_flat_field_has_levels_too(values):
    levels = choose_levels(values, None, "f")
    assert len(levels.edges) > 1
    assert (np.diff(levels.edges) > 0).all()


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6), st.integers(2, 9))
def test_ticks_are_round_and_within(low, span, wanted):
    high = low + span
    ticks = round_ticks(low, high, wanted)
    assert len(ticks) <= wanted + 1
    slack = 1e-6 * span + 1e-12 * abs(low)
    assert ((ticks >= low - slack) & (ticks <= high + slack)).all()


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "0"), (-2.5, "−2.5"), (1e6, "10⁶"), (3e-5, "3·10⁻⁵"), (1000, "1000"), (0.001, "0.001"), (-4e7, "−4·10⁷")],
)
def test_numbers_are_short(value, words):
    assert number(value) == words


def test_the_field_is_the_objective():
    field = portray(HIMMELBLAU).ground
    assert isinstance(field, Field)
    row, column = 17, 203
    x, y = field.x[column], field.y[row]
    assert field.values[row, column] == pytest.approx((x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2)


def test_arrows_stand_only_where_the_function_does():
    arrows = portray(gdsim.objective("log(x) + y**2", bounds=[[-2, 3], [-2, 2]])).arrows
    assert len(arrows.points)
    assert (arrows.points[:, 0] > 0).all()


@pytest.mark.parametrize("size", ["1e300", "1e-300"])
def test_arrows_of_any_size_have_lengths(size):
    arrows = portray(gdsim.objective(f"{size}*(x**2 + 3*y**2)")).arrows
    plain = portray(gdsim.objective("x**2 + 3*y**2")).arrows
    np.testing.assert_allclose(arrows.lengths, plain.lengths, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("width", "height"), [(12, 5), (5, 12), (8, 8), (1, 1e6)])
def test_arrows_stand_in_square_cells_unless_the_view_is_a_strip(width, height):
    arrows = portray(gdsim.objective("x*y", bounds=[[0, width], [0, height]])).arrows
    across, up = arrows.spacing
    if max(width, height) / min(width, height) < 3:
        assert across == pytest.approx(up, rel=0.1)
    assert 80 <= len(arrows.points) <= 400


def test_a_pole_neither_flattens_the_curve_nor_is_joined():
    scene = portray(gdsim.objective("tan(x)", bounds=(-4, 4)))
    assert np.diff(scene.view[1])[0] < 300
    x, values = scene.ground.x, scene.ground.values
    assert np.isnan(values[np.abs(x - np.pi / 2).argmin() - 2 : np.abs(x - np.pi / 2).argmin() + 3]).any()


@pytest.mark.parametrize("value", [0.0, 3.0, -1e-9, 1e9])
def test_a_constant_loss_stands_in_the_middle_of_its_panel(value):
    path = descend([1.0, 1.0], objective=gdsim.objective(f"0*x + 0*y + {value!r}"))
    panel = compose([path]).loss
    assert panel.base == 0
    assert panel.limits.mean() == pytest.approx(value, abs=1e-12)


def test_many_dimensions_take_no_more_memory_than_few():
    import tracemalloc

    tracemalloc.start()
    portray(gdsim.objective("rosenbrock", dim=1000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 300e6


def test_several_starts_of_a_function_without_known_minima_are_told_by_their_values():
    bowl = gdsim.objective("x**2 + y**2 - 4")
    words = compose([descend([[1, 1], [2, 2]], steps=200, objective=bowl, lr=0.1)]).alt_text
    assert "the lowest of 2 paths ends at the value -4" in words
