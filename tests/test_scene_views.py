"""What lies under the paths, against the objectives themselves."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import KDTree

import gdsim
from gdsim.config import View
from gdsim.objectives import names
from gdsim.scene.build import build_scene, preview_scene
from gdsim.scene.facets import lengths
from gdsim.scene.panels import panel_kinds
from gdsim.scene.panels.curves import CurvesPanel
from gdsim.scene.panels.heatmap import Heatmap
from gdsim.scene.panels.images import ImageGrid
from gdsim.scene.views import view_kinds
from gdsim.scene.views.contour import ContourModel
from gdsim.scene.views.curve import CurveModel
from gdsim.scene.views.surface import SurfaceModel, value_axis

HIMMELBLAU = gdsim.objective("himmelblau")


def facet(objective, **view):
    return preview_scene(objective, view=View(**view)).facets[0]


def test_each_kind_is_known_to_the_config_and_drawn_by_a_module_of_its_name():
    properties = gdsim.config.schema()["definitions"]["View"]["properties"]
    kinds = ["contour", "curve", "image", "surface"]
    assert properties["kind"]["anyOf"][0]["enum"] == [*view_kinds()] == kinds
    assert properties["panels"]["items"]["anyOf"][0]["enum"] == [*panel_kinds()]
    assert [name for name in view_kinds() if find_spec(f"gdsim.render.views.{name}") is None] == []
    shapes = [model.kind for model in (CurvesPanel, Heatmap, ImageGrid)]
    assert [name for name in shapes if find_spec(f"gdsim.render.panels.{name}") is None] == []
    assert [name for name, kind in panel_kinds().items() if kind.name != name] == []


def test_arrows_are_the_gradients_on_a_regular_grid():
    arrows = preview_scene(HIMMELBLAU).facets[0].arrows
    x, y = arrows.points.T
    # By hand: ∇[(x² + y − 11)² + (x + y² − 7)²].
    a, b = x**2 + y - 11, x + y**2 - 7
    np.testing.assert_allclose(arrows.gradients, np.stack([4 * x * a + 2 * b, 2 * a + 4 * y * b], -1), rtol=1e-12)
    for coordinate, space in zip((x, y), arrows.spacing, strict=True):
        np.testing.assert_allclose(np.diff(np.unique(coordinate)), space)


def test_arrow_lengths_grow_with_the_gradient_and_stay_within_their_cell():
    arrows = preview_scene(HIMMELBLAU).facets[0].arrows
    norms = np.linalg.norm(arrows.gradients, axis=-1)
    assert (np.diff(arrows.lengths[np.argsort(norms)]) >= 0).all()
    assert arrows.lengths.max() == 1
    assert arrows.lengths.min() >= 0


def test_plain_sgd_moves_exactly_against_the_drawn_arrows():
    arrows = preview_scene(HIMMELBLAU).facets[0].arrows
    path = gdsim.descend(HIMMELBLAU, "SGD", start=arrows.points, steps=1, lr=0.5)
    moved = path.points[1] - path.points[0]
    np.testing.assert_array_equal(path.gradients[0], arrows.gradients)
    # The step is −lr · ∇f, rounded once on being added to the point.
    np.testing.assert_array_equal(path.points[1], arrows.points - 0.5 * arrows.gradients)
    cosines = (moved * arrows.gradients).sum(-1) / np.linalg.norm(moved, axis=-1)
    np.testing.assert_allclose(cosines, -np.linalg.norm(arrows.gradients, axis=-1), rtol=1e-12)


def test_the_field_is_the_objective():
    field = preview_scene(HIMMELBLAU).facets[0].model
    assert isinstance(field, ContourModel)
    row, column = 17, 203
    x, y = field.x[column], field.y[row]
    assert field.values[row, column] == pytest.approx((x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2)


@pytest.mark.parametrize(
    ("optimizer", "settings"), [("SGD", {"lr": 0.01}), ("Adam", {"lr": 0.3}), ("SGD", {"lr": 0.01, "momentum": 0.9})]
)
def test_arrows_are_left_out_exactly_where_a_path_is_near(optimizer, settings):
    view = gdsim.objective("himmelblau", bounds=[[-5, 5], [-5, 5]])
    path = gdsim.descend(view, optimizer, start=[[-0.5, 4.2], [1, -4]], steps=60, **settings)
    every, kept = (build(each).facets[0].arrows for build, each in ((preview_scene, view), (build_scene, [path])))
    shares = np.linspace(0, 1, 500)[:, None, None, None]
    trail = KDTree((path.points[:-1] + shares * np.diff(path.points, axis=0)).reshape(-1, 2) / every.spacing)
    unit = every.gradients / np.linalg.norm(every.gradients, axis=-1, keepdims=True)
    along = np.linspace(-0.5, 0.5, 41)[:, None, None] * every.lengths[:, None] * unit
    arrows = (every.points / every.spacing + along).transpose(1, 0, 2)
    apart = trail.query(arrows)[0].min(-1)
    remain = np.array([tuple(point) in set(map(tuple, kept.points)) for point in every.points])
    assert 0 < (~remain).sum() < 60
    assert not (remain & (apart < 0.05)).any()
    assert remain[apart > 0.3].all()


def test_arrows_only_at_heads_leave_the_field_free():
    path = gdsim.descend(HIMMELBLAU, "SGD", start=[-0.5, 4.2], steps=5, lr=0.01)
    scene = build_scene([path], view=View(arrows="heads"))
    assert (scene.facets[0].arrows, scene.descent, scene.vectors) == (None, True, ())
    # The three vectors at a head include the negative gradient.
    assert not build_scene([path], view=View(arrows="heads", vectors=True)).descent


def test_arrows_stand_only_where_the_function_does():
    arrows = preview_scene(gdsim.objective("log(x) + y**2", bounds=[[-2, 3], [-2, 2]])).facets[0].arrows
    assert len(arrows.points)
    assert (arrows.points[:, 0] > 0).all()


@pytest.mark.parametrize("size", ["1e300", "1e-300"])
def test_arrows_of_any_size_have_lengths(size):
    arrows = preview_scene(gdsim.objective(f"{size}*(x**2 + 3*y**2)")).facets[0].arrows
    plain = preview_scene(gdsim.objective("x**2 + 3*y**2")).facets[0].arrows
    np.testing.assert_allclose(arrows.lengths, plain.lengths, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("width", "height"), [(12, 5), (5, 12), (8, 8), (1, 1e6)])
def test_arrows_stand_in_square_cells_unless_the_view_is_a_strip(width, height):
    arrows = preview_scene(gdsim.objective("x*y", bounds=[[0, width], [0, height]])).facets[0].arrows
    across, up = arrows.spacing
    if max(width, height) / min(width, height) < 3:
        assert across == pytest.approx(up, rel=0.1)
    assert 80 <= len(arrows.points) <= 400


def test_a_pole_neither_flattens_the_curve_nor_is_joined():
    scene = preview_scene(gdsim.objective("tan(x)", bounds=(-4, 4)))
    assert np.diff(scene.facets[0].limits[1])[0] < 300
    x, values = scene.facets[0].model.x, scene.facets[0].model.values
    assert np.isnan(values[np.abs(x - np.pi / 2).argmin() - 2 : np.abs(x - np.pi / 2).argmin() + 3]).any()


def test_many_dimensions_take_no_more_memory_than_few():
    tracemalloc.start()
    preview_scene(gdsim.objective("rosenbrock", dim=1000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 300e6


@pytest.mark.parametrize("fill", ["levels", "heat", "none"])
def test_a_field_is_filled_as_the_view_wants(fill):
    assert facet(HIMMELBLAU, fill=fill).model.fill == fill


def test_stream_lines_follow_the_gradient_from_border_to_border():
    arrows = facet(HIMMELBLAU, arrows="stream").arrows
    assert arrows.form == "stream"
    np.testing.assert_array_equal([arrows.points.min(0), arrows.points.max(0)], [[-5, -5], [5, 5]])
    np.testing.assert_array_equal(arrows.gradients, HIMMELBLAU.gradients(arrows.points)[1])
    x, y = (np.unique(each) for each in arrows.points.T)
    np.testing.assert_array_equal(arrows.points, np.stack(np.meshgrid(x, y), -1).reshape(-1, 2))
    assert facet(HIMMELBLAU).arrows.form == "quiver"


@pytest.mark.parametrize("text", ["sqrt(x**2 - 1) + y**2", "log(x) + y**2", "sqrt(-1 - x**2 - y**2)"])
def test_stream_lines_keep_their_grid_where_the_function_has_a_gap(text):
    arrows = facet(gdsim.objective(text, bounds=[[-3, 3], [-3, 3]]), arrows="stream").arrows
    whole = facet(HIMMELBLAU, arrows="stream").arrows
    assert arrows.points.shape == whole.points.shape
    x = arrows.points[:, 0]
    gap = np.abs(x) < 0.95 if "x**2 - 1" in text else x <= 0 if "log" in text else np.full(len(x), True)
    sure = np.abs(np.abs(x) - 1) > 0.06
    np.testing.assert_array_equal(np.isnan(arrows.gradients).any(-1)[sure], gap[sure])
    assert (arrows.lengths[gap] == 0).all()
    assert np.isfinite(arrows.lengths).all()


@given(st.integers(0, 2**32 - 1), st.sampled_from([(7, 2), (4, 3, 2), (5, 1), (0, 2)]))
def test_lengths_of_vectors_grow_with_their_norms_from_0_to_1(seed, shape):
    vectors = np.random.default_rng(seed).normal(size=shape) * 10.0 ** np.random.default_rng(seed).integers(-200, 200)
    vectors.reshape(-1, shape[-1])[:1] = 0
    drawn = lengths(vectors)
    assert drawn.shape == shape[:-1]
    assert (drawn.ravel()[:1] == 0).all()
    largest = np.abs(vectors).max(initial=0) or 1
    order = np.argsort(np.linalg.norm(vectors / largest, axis=-1), axis=None)
    assert (np.diff(drawn.ravel()[order]) >= 0).all()
    assert drawn.max(initial=1) == 1


def test_arrows_of_a_curve_stand_on_the_axis_or_on_the_curve():
    sine = gdsim.objective("sin(x)", bounds=(0, 6))
    assert facet(sine).arrows.heights is None
    arrows = facet(sine, arrows_at="curve").arrows
    np.testing.assert_allclose(arrows.heights, np.sin(arrows.points[:, 0]), atol=1e-14)
    np.testing.assert_allclose(arrows.gradients, np.cos(arrows.points), atol=1e-14)


def test_a_surface_is_the_objective_and_its_heights_are_in_proportion():
    made = facet(HIMMELBLAU, kind="surface")
    relief = made.model
    assert isinstance(relief, SurfaceModel)
    x, y = np.meshgrid(relief.x, relief.y)
    values = (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2
    np.testing.assert_allclose(relief.values, values, rtol=1e-12)
    shown = relief.heights < 1
    line = np.polynomial.Polynomial.fit(values[shown], relief.heights[shown], 1)
    np.testing.assert_allclose(relief.heights, np.minimum(line(values), 1), atol=1e-9)
    np.testing.assert_allclose(relief.ticks, line(np.array([float(label) for label in relief.labels])), atol=1e-9)
    assert relief.heights.min() == 0
    assert relief.caption.startswith("f − f*")
    np.testing.assert_array_equal(made.minima[:, :2], HIMMELBLAU.minima)
    assert (made.minima[:, 2] < 1e-3).all()


def test_a_compressed_value_axis_says_so_and_its_numbers_stand_at_their_heights():
    relief = facet(HIMMELBLAU, kind="surface", heights="log").model
    assert relief.caption == "f − f*, logarithmic axis"
    assert np.median(relief.heights) == pytest.approx(0.5, abs=0.01)
    order = np.argsort(relief.values, axis=None)
    assert (np.diff(relief.heights.ravel()[order]) >= 0).all()
    assert (relief.heights.min(), relief.heights.max()) == (0, 1)
    numbers = np.array([float(label) for label in relief.labels])
    assert len(numbers) >= 4
    assert (np.diff(relief.ticks) > 0.1).all()
    expected = np.interp(numbers, relief.values.ravel()[order], relief.heights.ravel()[order])
    np.testing.assert_allclose(relief.ticks, expected, atol=0.01)


def test_a_compressed_axis_counts_from_the_minimum_where_the_surface_reaches_it():
    camel = facet(gdsim.objective("six_hump_camel"), kind="surface", heights="log").model
    assert camel.caption == "f − f*, logarithmic axis"
    plain = facet(gdsim.objective("x*y - 7"), kind="surface", heights="log").model
    assert plain.caption == "f − min f, logarithmic axis"
    assert plain.labels[0] == "0"


@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([1e-12, 1e-3, 1.0, 1e12]),
    st.sampled_from([0.2, 1.0, 20.0, 300.0]),
    st.sampled_from([0.0, -3.0, 1e6]),
    st.booleans(),
)
def test_heights_grow_with_the_values_from_0_to_1(seed, size, power, offset, compressed):
    values = size * (np.random.default_rng(seed).random(500) ** power + offset)
    axis = value_axis(values, np.empty(0), compressed=compressed)
    heights = axis.heights(np.sort(values))
    assert (np.diff(heights) >= 0).all()
    assert heights[0] >= 0
    assert heights[-1] <= 1
    assert np.isnan(axis.heights(np.array([np.nan, np.inf]))).all()


@pytest.mark.parametrize("heights", ["linear", "log"])
@pytest.mark.parametrize("value", [0.0, 3.0, -7e8, 1e-12])
def test_a_flat_function_is_a_flat_surface_at_half_height(value, heights):
    relief = facet(gdsim.objective(f"0*x + 0*y + {value!r}"), kind="surface", heights=heights).model
    np.testing.assert_allclose(relief.heights, 0.5, atol=1e-12)
    assert len(relief.ticks) == len(relief.labels) >= 2


def test_a_function_without_any_value_has_a_picture_all_the_same():
    nowhere = gdsim.objective("log(-1 - x**2 - y**2)")
    assert np.isnan(facet(nowhere, kind="surface").model.heights).all()
    assert np.isnan(facet(nowhere).model.values).all()
    assert len(facet(nowhere).arrows.points) == 0


@pytest.mark.parametrize("size", [1e-12, 1e12])
@pytest.mark.parametrize("kind", ["contour", "surface"])
def test_functions_of_any_size_have_a_ground(kind, size):
    ground = facet(gdsim.objective(f"{size!r}*((x**2 + y - 11)**2 + (x + y**2 - 7)**2)"), kind=kind).model
    plain = facet(gdsim.objective("(x**2 + y - 11)**2 + (x + y**2 - 7)**2"), kind=kind).model
    np.testing.assert_allclose(ground.levels.edges, plain.levels.edges * size, rtol=1e-6)
    if kind == "surface":
        np.testing.assert_allclose(ground.heights, plain.heights, atol=1e-9)


def test_poles_are_cut_to_the_top_and_leave_holes_where_there_is_nothing():
    relief = facet(gdsim.objective("1/(x**2 + y**2)", bounds=[[-6, 6], [-6, 6]]), kind="surface").model
    assert (relief.heights == 1).sum() > 5
    assert np.isnan(relief.heights).sum() == 1
    assert np.nanmedian(relief.heights) > 0.01


def test_a_surface_of_more_dimensions_is_tall_enough_for_the_paths_beside_it():
    sphere = gdsim.objective("sphere", dim=4)
    path = gdsim.descend(sphere, "SGD", start=[1, 1, 10, 10], steps=30, lr=0.1)
    scene = build_scene([path], view=View(kind="surface", plane=[0, 1], at=[0, 0, 0, 0]))
    heights = scene.facets[0].paths[0].points[:, 0, 2]
    assert heights[0] == 1
    assert (np.diff(heights[:10]) < 0).all()


@pytest.mark.parametrize("name", [name for name in names() if gdsim.objective(name).dim == 2])
def test_a_surface_is_never_cut_below_the_lowest_value_and_says_where_its_top_is(name):
    made = facet(gdsim.objective(name), kind="surface")
    relief = made.model
    at_bottom = relief.values[relief.heights == 0]
    assert np.ptp(at_bottom) == 0 if at_bottom.size else True
    # Values between the bottom and the middle of the axis tell where its top is.
    some = (relief.heights > 0.001) & (relief.heights < 0.5)
    line = np.polynomial.Polynomial.fit(relief.values[some], relief.heights[some], 1)
    assert ("cut at" in relief.caption) == (line(relief.values.max()) > 1 + 1e-6)
    assert (made.minima[:, 2] >= 0).all()
    assert np.nanmin(relief.heights) < 0.02


def test_a_caption_tells_the_value_at_which_the_top_is_cut():
    muller_brown = gdsim.objective("muller_brown")
    relief = facet(muller_brown, kind="surface").model
    words, value = relief.caption.split(", cut at ")
    assert words == "f − f*"
    above = relief.values - muller_brown.minimum
    assert above[relief.heights == 1].min() == pytest.approx(float(value), rel=0.02)
    assert above[relief.heights < 1].max() <= float(value) + 1


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("x/y", True),
        ("-1/(x**2 + y**2)", True),
        ("tan(x) + y", True),
        ("log(x**2 + y**2)", False),
        ("-exp(-1e4*((x - 1)**2 + (y - 1)**2))", False),
        ("-exp(-50*((x - 1)**2 + (y - 1)**2))", False),
        ("-exp(x)", False),
    ],
)
def test_the_bottom_is_cut_at_poles_alone(text, cut):
    relief = facet(gdsim.objective(f"{text} + 0*y", bounds=[[-6, 6], [-6, 6]]), kind="surface").model
    assert (np.unique(relief.values[relief.heights == 0]).size > 1) == cut


def test_a_curve_shows_its_deepest_well_and_the_star_in_it():
    well = gdsim.objective("x**2/10 - 3*exp(-4000*(x - 1)**2)", bounds=[-3, 3])
    shown = facet(well)
    assert shown.limits[1, 0] < np.nanmin(shown.model.values) < -2.5
    # Between two places of the curve; the value is 1/10 − 3.
    needle = replace(
        gdsim.objective("x**2/10 - 3*exp(-1e9*(x - 1.0001)**2)", bounds=[-3, 3]),
        minima=np.array([[1.0001]]),
        minimum=0.100020001 - 3,
    )
    shown = facet(needle)
    assert shown.minima[0, 1] == pytest.approx(-2.9, abs=1e-3)
    assert shown.limits[1, 0] < shown.minima[0, 1]


@pytest.mark.parametrize("heights", ["linear", "log"])
def test_the_largest_values_have_heights(heights):
    relief = facet(gdsim.objective("9e304*sin(x)*cos(y)"), kind="surface", heights=heights).model
    plain = facet(gdsim.objective("sin(x)*cos(y)"), kind="surface", heights=heights).model
    np.testing.assert_allclose(relief.heights, plain.heights, atol=1e-9)


def test_the_camera_is_that_of_the_view():
    camera = facet(HIMMELBLAU, kind="surface", camera={"elevation": 40, "azimuth": 10, "orbit": -90}).model.camera
    assert (camera.elevation, camera.azimuth, camera.orbit) == (40, 10, -90)


def test_a_curve_has_room_for_its_arrows_and_holds_the_iterates():
    cliff = gdsim.objective("tan(x)", bounds=(-1.5, 1.57))
    plain = preview_scene(cliff).facets[0]
    path = gdsim.descend(cliff, "SGD", start=[1.563], steps=2, lr=1e-9)
    shown = build_scene([path]).facets[0]
    assert isinstance(shown.model, CurveModel)
    assert path.values[0, 0] > plain.limits[1, 1]
    assert shown.limits[1, 0] < np.nanmin(shown.model.values) < path.values.max() < shown.limits[1, 1]
