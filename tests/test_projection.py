"""The part of the domain that is shown, against plain linear algebra."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.text import Text

import gdsim
from gdsim.config import View
from gdsim.scene.build import build_scene, preview_scene, view_problems
from gdsim.scene.projection import choose_projection
from tests.networks_made import landscape

TEN = gdsim.objective("rosenbrock", dim=10)
START = [-1.2, 1.0] * 5


def walk(steps=60, lr=0.0005, **settings):
    return gdsim.descend(TEN, "SGD", start=START, steps=steps, lr=lr, **settings)


@given(st.integers(1, 2), st.integers(0, 1000))
def test_one_and_two_dimensions_are_shown_as_they_are(dim, seed):
    shown = choose_projection(gdsim.objective("sphere", dim=dim), View())
    points = np.random.default_rng(seed).normal(size=(5, dim))
    np.testing.assert_array_equal(shown.lift(points), points)
    np.testing.assert_array_equal(shown.project(points), points)
    assert shown.words == ()


def test_two_coordinates_with_the_others_at_the_minimum():
    scene = preview_scene(TEN, view=View(plane=[2, 7]))
    row, column = 40, 222
    point = np.ones(10)
    point[2], point[7] = scene.facets[0].model.x[column], scene.facets[0].model.y[row]
    assert scene.facets[0].model.values[row, column] == TEN.values(point)
    point[[2, 7]] = scene.facets[0].arrows.points[33]
    np.testing.assert_array_equal(scene.facets[0].arrows.gradients[33], TEN.gradients(point)[1][[2, 7]])
    assert scene.facets[0].names == ("x₃", "x₈")
    assert scene.notes[0] == "section x₃, x₈ of dim 10, the others at the minimum"
    assert scene.facets[0].minima.tolist() == [[1, 1]]


def test_two_coordinates_through_a_given_point():
    at = np.linspace(-1, 1, 10)
    scene = preview_scene(TEN, view=View(plane=[0, 1], at=at.tolist()))
    at[:2] = scene.facets[0].model.x[5], scene.facets[0].model.y[6]
    assert scene.facets[0].model.values[6, 5] == TEN.values(at)
    assert scene.facets[0].minima.shape == (0, 2)


def test_paths_are_projected_onto_the_plane():
    path = walk()
    scene = build_scene([path], view=View(plane=[4, 1]))
    np.testing.assert_array_equal(scene.facets[0].paths[0].points, path.points[..., [4, 1]])


def test_the_plane_of_the_paths_holds_most_of_their_variance():
    paths = [walk(), walk(momentum=0.9)]
    shown = choose_projection(TEN, View(plane="pca"), [each.points for each in paths])
    np.testing.assert_allclose(shown.axes @ shown.axes.T, np.eye(2), atol=1e-12)
    points = np.concatenate([each.points[:, 0] for each in paths])
    np.testing.assert_allclose(shown.origin, points.mean(0))
    offsets = points - points.mean(0)
    strengths = np.linalg.svd(offsets, compute_uv=False) ** 2
    held = ((offsets @ shown.axes.T) ** 2).sum() / (offsets**2).sum()
    assert held == pytest.approx(strengths[:2].sum() / strengths.sum())
    assert f"{100 * held:.3g} % of their variance" in shown.words[0]
    spots = shown.project(offsets + shown.origin)
    assert ((spots >= shown.bounds[:, 0]) & (spots <= shown.bounds[:, 1])).all()


def test_it_is_the_default_and_the_arrows_are_the_slope_along_it():
    path = walk()
    scene = build_scene([path])
    shown = choose_projection(TEN, View(), [path.points])
    assert "plane of the paths in dim 10" in scene.notes[0]
    spot, slope = scene.facets[0].arrows.points[100], scene.facets[0].arrows.gradients[100]
    for axis in range(2):
        step = 1e-6 * np.eye(2)[axis]
        rise = TEN.values(shown.lift(spot + step)) - TEN.values(shown.lift(spot - step))
        assert rise / 2e-6 == pytest.approx(slope[axis], rel=1e-5)


def test_a_path_in_a_plane_loses_nothing():
    sphere = gdsim.objective("sphere", dim=6)
    path = gdsim.descend(sphere, "SGD", start=[1, 2, 0, 0, 0, 0], steps=20, lr=0.1)
    scene = build_scene([path])
    assert "100 % of their variance" in scene.notes[0]
    shown = choose_projection(sphere, View(), [path.points])
    np.testing.assert_allclose(sphere.values(shown.lift(scene.facets[0].paths[0].points)), path.values, atol=1e-9)


def test_a_path_that_never_moves_and_one_that_runs_away_have_a_plane():
    sphere = gdsim.objective("sphere", dim=4)
    still = gdsim.descend(sphere, "SGD", start=[1, 1, 1, 1], steps=60, lr=0.0)
    wild = gdsim.descend(sphere, "SGD", start=[1, 1, 1, 1], steps=60, lr=3.0)
    for paths in ([still], [wild], [still, wild]):
        scene = build_scene(paths)
        assert np.isfinite(scene.facets[0].limits).all()
        assert (np.diff(scene.facets[0].limits) > 0).all()


@pytest.mark.parametrize(
    ("dim", "view", "key", "code"),
    [
        (10, {"plane": [0, 10]}, "plane", "invalid-value"),
        (10, {"plane": [0, 1], "at": [1, 2]}, "at", "invalid-value"),
        (10, {"at": [1.0] * 10}, "at", "conflict"),
        (10, {"plane": "random"}, "plane", "unsupported"),
        (10, {"examples": 9}, "examples", "unsupported"),
        (2, {"plane": "pca"}, "plane", "unsupported"),
        (2, {"at": [1, 2]}, "at", "unsupported"),
        (2, {"camera": {"orbit": 30}}, "camera", "unsupported"),
        (2, {"heights": "log"}, "heights", "unsupported"),
        (2, {"arrows_at": "curve"}, "arrows_at", "unsupported"),
        (2, {"kind": "surface", "fill": "heat"}, "fill", "unsupported"),
        (2, {"kind": "surface", "arrows": "stream"}, "arrows", "unsupported"),
        (1, {"levels": "rank"}, "levels", "unsupported"),
        (1, {"kind": "surface"}, "kind", "unsupported"),
        (10, {"kind": "curve"}, "kind", "unsupported"),
    ],
)
def test_what_fits_another_objective_or_kind_is_refused(dim, view, key, code):
    with pytest.raises(gdsim.InputError) as caught:
        preview_scene(gdsim.objective("sphere", dim=dim), view=View(**view))
    assert (caught.value.key, caught.value.code) == (("view", key), code)


@pytest.mark.parametrize(
    ("objective", "kind"), [("parabola", "curve"), ("booth", "contour"), ("booth", "surface"), ("rosenbrock", None)]
)
def test_a_view_that_says_nothing_else_fits_every_objective(objective, kind):
    assert list(view_problems([gdsim.objective(objective)], View(kind=kind, arrows="none", levels=None))) == []


@pytest.mark.parametrize(
    ("view", "kinds"),
    [
        ({"fill": "heat"}, ["curve", "contour", "contour"]),
        ({"kind": "curve", "arrows_at": "curve"}, ["curve", "contour", "contour"]),
        ({"kind": "surface", "camera": {"orbit": 30}}, ["curve", "surface", "surface"]),
        ({"plane": [0, 3], "levels": "log"}, ["curve", "contour", "contour"]),
    ],
)
def test_of_several_objectives_one_is_enough_for_a_key_to_fit(view, kinds):
    objectives = [gdsim.objective("sphere", dim=dim) for dim in (1, 2, 5)]
    assert list(view_problems(objectives, View(**view))) == []
    paths = [gdsim.descend(each, "SGD", steps=2, start=each.bounds[:, 0] / 2, lr=0.01) for each in objectives]
    assert [facet.model.kind for facet in build_scene(paths, view=View(**view)).facets] == kinds
    (problem,) = view_problems(objectives, View(heights="log"))
    assert (problem.key, problem.code) == (("heights",), "unsupported")


def test_a_coordinate_outside_its_bounds_does_not_take_an_iterate_out_of_the_plane():
    sphere = gdsim.objective("sphere", dim=3, bounds=[[0.5, 2]] * 3)
    path = gdsim.descend(sphere, "SGD", start=[1.9, 1.2, 0.55], steps=40, lr=0.05)
    (facet,) = build_scene([path]).facets
    spots = facet.paths[0].points
    assert facet.paths[0].exits == ()
    assert ((spots >= facet.limits[:, 0]) & (spots <= facet.limits[:, 1])).all()
    assert np.ptp(spots[:, 0], axis=0).max() > 0.5 * np.diff(facet.limits).max()


def test_what_runs_away_does_not_turn_the_plane_towards_itself():
    saddle = gdsim.objective("x**2 + y**2 - z**2", bounds=[[-2, 2]] * 3)
    path = gdsim.descend(saddle, "SGD", start=[1.8, 1.0, 1e-3], steps=400, lr=0.05)
    assert path.stops[0].failed
    assert np.abs(path.points).max() > 1000
    assert np.diff(build_scene([path]).facets[0].limits).max() < 20


def test_few_points_in_many_dimensions_have_the_plane_of_plain_linear_algebra():
    wide = gdsim.objective("sphere", dim=60)
    points = np.random.default_rng(0).normal(size=(20, 1, 60))
    shown = choose_projection(wide, View(), [points])
    offsets = points[:, 0] - points[:, 0].mean(0)
    expected = np.linalg.svd(offsets, full_matrices=False)[2][:2]
    np.testing.assert_allclose(np.abs(np.diag(shown.axes @ expected.T)), 1, atol=1e-9)
    np.testing.assert_allclose(shown.axes @ shown.axes.T, np.eye(2), atol=1e-12)


@pytest.mark.parametrize("panel", ["distance", "accuracy", "layers", "weights", "off_plane", "saliency", "score"])
def test_a_panel_that_a_function_does_not_have_is_refused_before_a_step_is_taken(panel):
    with pytest.raises(gdsim.InputError) as caught:
        preview_scene(gdsim.objective("monkey_saddle"), view=View(panels=["loss", panel]))
    assert (caught.value.key, caught.value.code) == (("view", "panels", 1), "unsupported")


def test_heat_maps_of_layers_have_steps():
    objective, view = landscape("MLP"), View(panels=["layers"], against="evaluations")
    (problem,) = view_problems([objective], view)
    assert (problem.key, problem.code) == (("against",), "conflict")
    assert list(view_problems([objective], View(panels=["layers"], layers="lines", against="evaluations"))) == []


@pytest.mark.parametrize(
    ("dim", "kind", "shown"),
    [(1, None, "curve"), (2, None, "contour"), (2, "surface", "surface"), (9, "surface", "surface")],
)
def test_the_kind_fits_the_dimensions(dim, kind, shown):
    assert preview_scene(gdsim.objective("sphere", dim=dim), view=View(kind=kind)).facets[0].model.kind == shown


@pytest.mark.parametrize("gradient", ["autograd", "finite_differences"])
def test_arrows_and_paths_come_from_the_same_gradient(tmp_path, gradient):
    x, y = np.meshgrid(np.linspace(0, 6, 40), np.linspace(0, 6, 30))
    np.save(tmp_path / "waves.npy", np.sin(x) * np.cos(y))
    waves = gdsim.objective(tmp_path / "waves.npy", bounds=[[0, 6], [0, 6]], gradient=gradient, edge_order=1)
    arrows = preview_scene(waves).facets[0].arrows
    path = gdsim.descend(waves, "SGD", start=arrows.points, steps=1, lr=2**-7)
    np.testing.assert_array_equal(path.gradients[0], arrows.gradients)
    np.testing.assert_array_equal(path.points[1], arrows.points - 2**-7 * arrows.gradients)


@pytest.mark.parametrize("size", [[480, 270], [640, 360], [1280, 720], [720, 1280]])
def test_the_picture_says_that_it_is_a_section_and_what_of(size):
    frames = gdsim.frames(build_scene([walk()], view=View(size=size)))
    words = [text.get_text() for text in frames.canvas.figure.findobj(Text)]
    assert "Rosenbrock" in words
    assert any("%" in each and ("dim 10" in each or "of the paths' variance" in each) for each in words)


def test_a_view_of_the_catalogue_widens_to_hold_paths_but_not_beyond_its_limit():
    """Gradient descent on x² with rate 1.1 multiplies x by −1.2: 4.9, −5.88, 7.056, −8.4672."""

    def view(steps, **bounds):
        parabola = replace(gdsim.objective("x**2 + 0*y"), bounds_origin="catalog")
        parabola = gdsim.objective(parabola, **bounds)
        path = gdsim.descend(parabola, "SGD", steps=steps, start=[4.9, 1.0], lr=1.1)
        return gdsim.build_scene([path]).facets[0].limits

    assert view(0).tolist() == [[-5, 5], [-5, 5]]
    held = view(2)
    assert held[1].tolist() == [-5, 5]
    assert -5.88 - 1.0 < held[0, 0] < -5.88
    assert 7.056 < held[0, 1] < 7.056 + 1.0
    # Another step would need more than 16.
    assert view(3).tolist() == [[-5, 5], [-5, 5]]
    assert view(2, bounds=[[-5, 5], [-5, 5]]).tolist() == [[-5, 5], [-5, 5]]


def test_a_view_of_the_catalogue_holds_the_starts_that_it_can():
    parabola = replace(gdsim.objective("x**2 + 0*y"), bounds_origin="catalog")
    near, far = (gdsim.descend(parabola, "SGD", steps=2, start=[4.9, 1.0], lr=lr) for lr in (1.1, 2.0))
    alone, together = (gdsim.build_scene(paths).facets[0].limits.tolist() for paths in ([near], [near, far]))
    assert alone == together != gdsim.build_scene([far]).facets[0].limits.tolist()


@pytest.mark.parametrize(
    ("settings", "notes"),
    [
        ({}, ("paths go 6 times as far as the view",)),
        ({"bounds": [[-5, 5], [-5, 5]]}, ()),
        ({"steps": 1}, ()),
    ],
)
def test_a_view_of_the_catalogue_says_how_far_paths_go_beyond_it(settings, notes):
    """The minimum is at 30, which is 6 times half of the view's width from its middle."""
    steps = settings.pop("steps", 200)
    valley = gdsim.objective(replace(gdsim.objective("(x - 30)^2 + 4y^2"), bounds_origin="catalog"), **settings)
    path = gdsim.descend(valley, "SGD", lr=0.05, start=[1, 3], steps=steps)
    assert gdsim.build_scene([path]).notes == notes
