"""How paths run, held to the trajectories, the objective, and the border of the view."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gdsim
from gdsim.config import View
from gdsim.scene.build import build_scene
from gdsim.simulation import Stop

HIMMELBLAU = gdsim.objective("himmelblau")
SINE = gdsim.objective("sin(3*x) + x**2/10", bounds=(-6, 6))


def descend(start, steps=20, objective=HIMMELBLAU, optimizer="SGD", **settings):
    return gdsim.descend(objective, optimizer, start=start, steps=steps, **settings)


def drawn(*trajectories, **view):
    return build_scene(trajectories, view=View(**view)).facets[0].paths[0]


def test_paths_are_the_iterates_and_differ_in_colour_dash_or_marker():
    paths = [descend([-0.5, 4.2], lr=0.001, label=f"number {i}") for i in range(12)]
    scene = build_scene(paths)
    for path, trajectory in zip(scene.facets[0].paths, paths, strict=True):
        np.testing.assert_array_equal(path.points, trajectory.points)
    assert scene.styles == tuple(path.style for path in scene.facets[0].paths)
    assert len({(style.color, style.dash, style.marker) for style in scene.styles}) == 12


def test_a_colour_of_the_users_own_is_kept_and_not_given_twice():
    experiment = gdsim.loads(
        "{objective: sphere, steps: 3, optimizers: {A: {class: SGD}, B: {class: SGD, color: '#005fb8'}}}"
    )
    scene = build_scene(gdsim.simulate(experiment))
    assert [style.color.lower() for style in scene.styles] == ["#c64207", "#005fb8"]


def test_a_path_that_runs_away_is_marked_where_it_crosses_the_border():
    path = descend([-0.5, 4.2], steps=60, lr=0.04)
    assert path.stops == (Stop.DIVERGED,)
    scene = build_scene([path])
    (exit_,) = scene.facets[0].paths[0].exits
    # The view has the bounds of the objective, and the iterate beyond them that is still near.
    (left, right), (bottom, top) = scene.facets[0].limits
    assert (left, right, bottom) == (-5, 5, -5)
    assert path.points[4, 0, 1] < top < 10
    inside = np.all((path.points[:, 0] >= [left, bottom]) & (path.points[:, 0] <= [right, top]), axis=-1)
    assert exit_.step == np.flatnonzero(inside)[-1] + 1
    assert exit_.step - 1 <= exit_.time <= exit_.step
    assert max(map(abs, exit_.point)) == pytest.approx(5)
    here, there = path.points[exit_.step - 1, 0], path.points[exit_.step, 0]
    np.testing.assert_allclose(here + (exit_.time - exit_.step + 1) * (there - here), exit_.point)
    assert scene.facets[0].paths[0].ends == exit_.step


def test_a_path_that_stays_has_no_exit():
    assert build_scene([descend([-0.5, 4.2], lr=0.01)]).facets[0].paths[0].exits == ()


def test_a_start_outside_the_view_widens_it():
    scene = build_scene([descend([-9.0, 0.0], lr=1e-5)])
    assert scene.facets[0].limits[0, 0] < -9
    assert scene.facets[0].limits[0, 1] == 5
    assert scene.facets[0].limits[1].tolist() == [-5, 5]


def test_from_above_a_path_has_no_places_between_its_iterates():
    path = descend([-0.5, 4.2], lr=0.01)
    made = drawn(path)
    np.testing.assert_array_equal(made.times, np.arange(21))
    np.testing.assert_array_equal(made.gradients, path.gradients)
    np.testing.assert_array_equal(made.points, path.points)
    assert made.slopes is None


@settings(max_examples=30)
@given(st.lists(st.floats(-6, 6), min_size=1, max_size=3), st.floats(1e-3, 2), st.floats(0, 0.95))
def test_on_a_curve_every_place_lies_on_the_function(starts, lr, momentum):
    path = descend([[x] for x in starts], objective=SINE, lr=lr, momentum=momentum)
    made = drawn(path)
    assert (np.diff(made.times) > 0).all()
    iterates = np.searchsorted(made.times, np.arange(21))
    np.testing.assert_array_equal(made.times[iterates], np.arange(21))
    np.testing.assert_array_equal(made.points[iterates, :, 0], path.points[..., 0])
    np.testing.assert_array_equal(made.points[iterates, :, 1], path.values)
    x, y = np.moveaxis(made.points, -1, 0)
    np.testing.assert_allclose(y, np.sin(3 * x) + x**2 / 10, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(made.slopes, 3 * np.cos(3 * x) + x / 5, rtol=1e-9, atol=1e-9)


@settings(max_examples=30)
@given(st.floats(-6, 6), st.floats(1e-3, 3))
def test_within_the_view_no_place_is_far_from_the_next(x, lr):
    made = drawn(descend([x], objective=SINE, lr=lr))
    places = made.points[: np.searchsorted(made.times, made.ends[0]) + 1, 0, 0]
    seen = np.abs(places) <= 6
    both = seen[1:] & seen[:-1]
    assert (np.abs(np.diff(places))[both] <= 12 / 150 + 1e-9).all()


def test_between_iterates_the_input_moves_straight_and_evenly():
    path = descend([[-0.5, 4.2], [3, 3]], lr=0.01, momentum=0.9)
    made = drawn(path, kind="surface")
    for start in range(2):
        for axis in range(2):
            expected = np.interp(made.times, np.arange(21), path.points[:, start, axis])
            np.testing.assert_allclose(made.points[:, start, axis], expected, atol=1e-12)


def test_on_a_surface_every_place_lies_on_it():
    path = descend([[-0.5, 4.2], [3, 3]], lr=0.01, momentum=0.9)
    scene = build_scene([path], view=View(kind="surface"))
    made, relief = scene.facets[0].paths[0], scene.facets[0].model
    x, y, height = np.moveaxis(made.points, -1, 0)
    values = (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2
    # What the numbers beside the value axis say of its heights.
    first, *_, last = (float(label) for label in relief.labels)
    expected = relief.ticks[0] + (values - first) / (last - first) * (relief.ticks[-1] - relief.ticks[0])
    np.testing.assert_allclose(height, expected, atol=1e-9)
    assert len(made.times) > 100


def test_a_path_through_more_dimensions_has_the_height_of_its_own_points():
    sphere = gdsim.objective("sphere", dim=3)
    path = descend([3, 2, 1], objective=sphere, lr=0.1)
    scene = build_scene([path], view=View(kind="surface", plane=[0, 1]))
    made, relief = scene.facets[0].paths[0], scene.facets[0].model
    x, y, height = made.points[:, 0].T
    # The start lies on a ray through the minimum, and so does all that follows: z = x / 3.
    values = x**2 + y**2 + (x / 3) ** 2
    np.testing.assert_allclose(height, values / relief.values.max(), atol=1e-3)


def test_a_way_out_of_the_view_is_fine_up_to_the_border():
    cubic = gdsim.objective("cubic")
    path = descend([-1.9], objective=cubic, steps=8, lr=0.4)
    scene = build_scene([path])
    made, view = scene.facets[0].paths[0], scene.facets[0].limits
    (exit_,) = made.exits
    x, y = exit_.point
    assert x == pytest.approx(-3) or y == pytest.approx(view[1, 0])
    assert y == pytest.approx(x**3 + 2 * x**2 - x, abs=1e-3)
    assert exit_.step - 1 <= exit_.time <= exit_.step == made.ends[0]
    within = made.points[made.times <= exit_.time + 1e-12, 0]
    last = within[np.searchsorted(made.times, exit_.step - 1) :]
    assert len(last) > 20
    assert (last[:, 0] >= -3 - 1e-9).all()


def test_a_surface_is_left_where_its_inputs_are():
    path = descend([-0.5, 4.2], steps=60, lr=0.04)
    flat, raised = drawn(path).exits[0], drawn(path, kind="surface").exits[0]
    assert raised.point[:2] == pytest.approx(flat.point)
    assert raised.time == pytest.approx(flat.time)
    assert (raised.step, raised.words) == (flat.step, flat.words)
    assert 0 <= raised.point[2] <= 1


@pytest.mark.parametrize("kind", ["contour", "surface"])
def test_a_path_that_leaves_at_once_is_marked_at_its_first_step(kind):
    path = descend([-4.9, 4.9], steps=3, lr=10.0)
    (exit_,) = drawn(path, kind=kind).exits
    assert exit_.step == 1
    assert 0 < exit_.time < 1


@pytest.mark.parametrize(("objective", "kind"), [(SINE, None), (HIMMELBLAU, None), (HIMMELBLAU, "surface")])
def test_a_path_that_never_moves_is_a_place(objective, kind):
    path = descend(np.ones(objective.dim), objective=objective, lr=0.0)
    made = drawn(path, kind=kind)
    np.testing.assert_array_equal(made.times, np.arange(21))
    assert (made.points == made.points[0]).all()
    assert made.exits == ()


def test_a_gap_of_the_function_is_a_gap_of_the_path():
    ring = gdsim.objective("sqrt(x**2 - 1)", bounds=(-3, 3))
    path = descend([2.0], objective=ring, steps=2, optimizer="SGD", lr=3.0)
    assert path.points[1, 0, 0] < -1
    made = drawn(path)
    x, y = made.points[:, 0].T
    np.testing.assert_array_equal(np.isnan(y), np.abs(x) < 1)


def test_places_are_kept_within_reason():
    starts = np.linspace(-6, 6, 500)[:, None]
    path = descend(starts, objective=SINE, steps=200, lr=1.0, momentum=0.9)
    made = drawn(path)
    assert made.points.shape[0] * 500 <= 310_000
    long = descend([1.0], objective=SINE, steps=2000, lr=1.0, momentum=0.99)
    assert 2001 < len(drawn(long).times) <= 20_100


def test_no_step_at_all_is_a_path_of_one_place():
    for objective, kind in ((SINE, None), (HIMMELBLAU, None), (HIMMELBLAU, "surface")):
        made = drawn(descend(np.ones(objective.dim), objective=objective, steps=0), kind=kind)
        assert made.points.shape[0] == len(made.times) == 1


def test_an_optimizer_looks_the_same_over_every_objective():
    experiment = gdsim.loads(
        "{objective: [booth, beale], steps: 3, optimizers: {A: {class: SGD, lr: 0.001}, B: {class: Adam}}}"
    )
    scene = build_scene(gdsim.simulate(experiment))
    one, other = (group.facets[0] for group in scene.groups)
    assert [path.style for path in one.paths] == [path.style for path in other.paths] == [*scene.styles]
    assert all(a.style is b.style for a, b in zip(one.paths, other.paths, strict=True))


def test_equal_labels_of_different_trajectories_are_different_optimizers():
    scene = build_scene([descend([1, 1], lr=0.01), descend([2, 2], lr=0.01)])
    assert len({(style.color, style.marker) for style in scene.styles}) == 2


def test_many_starts_are_drawn_solid():
    paths = [descend(np.ones((n, 2)), steps=1, label=str(n)) for n in (1, 2, 5)]
    dashed = View(theme={"base": "dark", "dashes": True})
    # All paths of a picture are equally thick, and thin if any optimizer has many starts.
    for shown, solid in ((paths[:2], [True, False]), (paths, [True] * 3)):
        assert [style.dash == () for style in build_scene(shown, view=dashed).styles] == solid


def test_paths_are_dashed_where_a_theme_wants_it_where_it_is_grey_and_where_colours_repeat():
    paths = [descend([-0.5, 4.2], lr=0.001, label=f"number {i}") for i in range(12)]

    def dashed(theme) -> list[bool]:
        return [style.dash != () for style in build_scene(paths, view=View(theme=theme)).styles]

    assert dashed("slide") == [False] * 10 + [True] * 2
    for theme in ("grayscale", {"base": "slide", "dashes": True}):
        assert dashed(theme)[:4] == [False, True, True, True]
