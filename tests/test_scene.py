"""What is to be seen, held to the trajectories and the objective."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.mathtext import MathTextParser

import gdsim
from gdsim.config import Animation, View
from gdsim.objectives import names
from gdsim.scene.build import build_scene, preview_scene
from gdsim.scene.views.contour import ContourModel
from gdsim.scene.views.curve import CurveModel
from gdsim.scene.views.surface import SurfaceModel
from gdsim.themes import theme

HIMMELBLAU = gdsim.objective("himmelblau")
FEW = "steps: 2\noptimizers: {SGD: {lr: 0.01}}"


def descend(start, steps=20, objective=HIMMELBLAU, optimizer="SGD", **settings):
    return gdsim.descend(objective, optimizer, start=start, steps=steps, **settings)


def test_frames_run_from_the_first_step_to_the_last():
    scene = build_scene([descend([-0.5, 4.2], lr=0.01)], animation=Animation(fps=10, seconds=3, hold=1))
    assert len(scene) == len(scene.frame_steps) == 30
    assert scene.frame_steps[0] == 0
    assert scene.frame_steps[-1] == 20
    assert (np.diff(scene.frame_steps) >= 0).all()


def test_at_an_early_pace_the_first_steps_take_more_frames():
    even, early = (
        build_scene([descend([-0.5, 4.2], lr=0.01)], animation=Animation(fps=10, seconds=4, pace=pace)).frame_steps
        for pace in ("even", "early")
    )
    np.testing.assert_allclose(early, 20 * np.linspace(0, 1, 40) ** 2, rtol=1e-12)
    assert (early[0], early[-1]) == (0, 20)
    assert len(early) == len(even)
    assert (early <= even).all()


def test_trails_are_whole_or_of_so_many_steps():
    path = descend([-0.5, 4.2])
    assert build_scene([path]).trail is None
    assert build_scene([path], animation=Animation(trail=7)).trail == 7


def test_panels_and_arrows_can_be_left_out():
    scene = build_scene([descend([-0.5, 4.2])], view=View(panels=[], arrows="none"))
    assert scene.groups[0].panels == ()
    assert scene.facets[0].arrows is None


@pytest.mark.parametrize(("starts", "dots"), [(1, True), (8, True), (9, False)])
def test_iterates_have_dots_where_paths_are_few(starts, dots):
    start = np.linspace([-4, -4], [4, 4], starts)
    assert build_scene([descend(start, steps=50, lr=1e-4)]).dots is dots


def test_words_say_what_happens():
    words = build_scene(
        [
            descend([-0.5, 4.2], steps=60, lr=0.01, label="calm"),
            descend([-0.5, 4.2], steps=60, lr=0.04, label="wild"),
            descend([-0.5, 4.2], steps=60, lr=1e-9, label="slow"),
        ]
    ).alt_text
    assert words.startswith("Gradient descent on Himmelblau, 60 steps. ")
    assert "calm arrives in 9 steps; wild diverges at step 6; slow hardly moves." in words
    saddle = gdsim.objective("saddle")
    idle = build_scene([descend([0.0, 0.0], objective=saddle, lr=0.1, label="idle")]).alt_text
    assert "idle hardly moves" in idle


def test_one_step_is_no_steps():
    bowl = gdsim.objective("sphere")
    there = descend([3.0, 4.0], steps=1, objective=bowl, lr=0.5, label="there")
    far = descend([3.0, 4.0], steps=1, objective=bowl, lr=0.1, label="far")
    even = Animation(pace="even")
    assert build_scene([there, far], animation=even).alt_text == (
        "Gradient descent on Sphere, 1 step. there arrives in 1 step; far has not arrived after 1 step."
    )
    both = descend([[3.0, 4.0], [4.0, 4.0]], steps=1, objective=bowl, lr=0.5, label="both")
    assert "both: 2 of 2 paths arrive" in build_scene([both]).alt_text


def test_words_tell_a_minimum_from_what_is_almost_as_low():
    price = gdsim.objective("goldstein_price")
    path = descend([1.8, -1.9], steps=400, objective=price, lr=1e-6)
    # From 180,000 to a few hundred is most of the way down by value, and far from the minimum all the same.
    assert path.values[-1, 0] - 3 < 1e-2 * path.values[0, 0]
    assert "SGD has not arrived after 400 steps" in build_scene([path]).alt_text
    close = descend([3.1, 2.05], steps=20, lr=1e-9)
    assert "SGD hardly moves" in build_scene([close]).alt_text


@pytest.mark.parametrize(("steps", "code"), [((), "missing"), ((3, 4), "conflict")])
def test_trajectories_that_do_not_belong_together_are_refused(steps, code):
    with pytest.raises(gdsim.InputError) as caught:
        build_scene([descend([1, 1], steps=count) for count in steps])
    assert caught.value.code == code


def test_several_starts_of_a_function_without_known_minima_are_told_by_their_values():
    bowl = gdsim.objective("x**2 + y**2 - 4")
    words = build_scene([descend([[1, 1], [2, 2]], steps=200, objective=bowl, lr=0.1)]).alt_text
    assert "the lowest of 2 paths ends at −4" in words


def test_a_grid_of_uneven_rows_is_refused():
    booth, beale = gdsim.objective("booth"), gdsim.objective("beale")
    paths = [descend([1, 1], 3, booth, lr=0.01), descend([1, 1], 3, booth, "Adam"), descend([1, 1], 3, beale, lr=0.01)]
    assert len(build_scene(paths).facets) == 2
    with pytest.raises(gdsim.InputError) as caught:
        build_scene(paths, view=View(layout="grid"))
    assert (caught.value.key, caught.value.code) == (("view", "layout"), "conflict")


def test_a_look_that_cannot_be_is_refused_with_its_place():
    with pytest.raises(gdsim.InputError) as caught:
        preview_scene(HIMMELBLAU, view=View(theme={"field": "virids"}))
    assert (caught.value.key, caught.value.code) == (("view", "theme", "field"), "unknown-name")


def test_an_overlay_shows_all_paths_together():
    paths = [descend([-0.5, 4.2], lr=lr) for lr in (0.01, 0.02)]
    (facet,) = build_scene(paths).facets
    assert facet.style is None
    assert len(facet.paths) == 2


@pytest.mark.parametrize("kind", ["contour", "surface"])
def test_a_grid_shows_each_optimizer_alone_on_shared_ground(kind):
    paths = [descend([-0.5, 4.2], lr=lr, label=str(lr)) for lr in (0.01, 0.02, 0.04)]
    scene = build_scene(paths, view=View(kind=kind, layout="grid"))
    (group,) = scene.groups
    first = group.facets[0]
    assert len(scene.styles) == 3
    assert [facet.style for facet in group.facets] == [*scene.styles]
    assert [facet.paths[0].style for facet in group.facets] == [*scene.styles]
    for facet in group.facets:
        assert len(facet.paths) == 1
        assert facet.limits is first.limits
        assert facet.model is first.model
        assert facet.arrows.spacing is first.arrows.spacing
        assert facet.minima is first.minima
    assert len(group.panels[0].curves) == 3


def test_a_grid_of_curves_shares_its_axes():
    wells = gdsim.objective("double_well")
    paths = [descend([x], objective=wells, lr=0.02, label=str(x)) for x in (1.6, -2.5)]
    facets = build_scene(paths, view=View(layout="grid")).facets
    assert facets[0].limits is facets[1].limits
    assert facets[0].limits[0, 0] < -2.5
    assert facets[0].limits[1, 1] > paths[1].values[0, 0]


def test_several_objectives_make_a_group_each():
    experiment = gdsim.loads(
        "{objective: [booth, double_well, {name: sphere, dim: 4}], steps: 5, optimizers: {SGD: {lr: 0.01}, Adam: {}}}"
    )
    trajectories = gdsim.simulate(experiment)
    scene = build_scene(trajectories, view=View(panels=["loss", "angle"]))
    assert scene.title == "None of 6 paths arrives"
    assert scene.subject == scene.short_titles[-1] == "Booth, Double well and Sphere"
    assert scene.formula == ""
    assert [group.name for group in scene.groups] == ["Booth", "Double well", "Sphere"]
    assert [type(facet.model) for facet in scene.facets] == [ContourModel, CurveModel, ContourModel]
    assert all(len(group.panels) == 2 for group in scene.groups)
    assert len(scene.styles) == 2
    for k, group in enumerate(scene.groups):
        path = group.facets[0].paths[1]
        assert path.style is scene.styles[1]
        np.testing.assert_array_equal(group.panels[0].curves[1].style.label, "Adam")
        iterates = np.searchsorted(path.times, np.arange(6))
        if k < 2:
            found = path.points[iterates, :, : trajectories[2 * k].objective.dim]
            np.testing.assert_array_equal(found[..., 0], trajectories[2 * k + 1].points[..., 0])
    assert scene.alt_text.count("Gradient descent on ") == 3
    assert scene.notes[0].startswith("Sphere: plane of the paths in dim 4")
    grid = build_scene(trajectories, view=View(layout="grid"))
    assert [len(group.facets) for group in grid.groups] == [2, 2, 2]


def test_functions_that_only_share_a_name_are_different_objectives():
    one, other = (
        gdsim.loads(f"objective: {{expression: a*x**2 + y**2, constants: {{a: {a}}}}}\n" + FEW) for a in (1, 9)
    )
    scene = build_scene([*gdsim.simulate(one), *gdsim.simulate(other), *gdsim.simulate(one)])
    assert [len(group.facets[0].paths) for group in scene.groups] == [2, 1]


def test_one_objective_needs_no_name_beside_its_view():
    scene = build_scene([descend([1, 1])])
    assert scene.groups[0].name == ""
    assert scene.title == "SGD has not arrived after 20 steps"
    assert scene.subject == "Himmelblau"


@pytest.mark.parametrize(
    ("view", "shown"),
    [
        ({}, True),
        ({"title": "Race"}, True),
        ({"title": "function"}, True),
        ({"title": "Race", "formula": False}, False),
    ],
)
def test_the_subtitle_names_the_objective_and_its_formula(view, shown):
    scene = preview_scene(HIMMELBLAU, view=View(**view))
    assert scene.formula == (f"f(x, y) = {HIMMELBLAU.formula}" if shown else "")
    assert scene.title == ("Race" if view.get("title") == "Race" else "Himmelblau")
    assert scene.subject == "Himmelblau"


@pytest.mark.parametrize("name", names())
def test_every_formula_can_be_set(name):
    equation = preview_scene(gdsim.objective(name)).formula
    assert equation.startswith("f(")
    MathTextParser("agg").parse(f"${equation}$")


@pytest.mark.parametrize(
    ("source", "left"),
    [
        ("x**2 + 3*x + 1", "f(x)"),
        ("where(x > 0, sqrt(x), exp(-x))", "f(x)"),
        ("sin(sqrt((0.75*x)**2 + y**2 + 0.01))", "f(x, y)"),
        ("x1**2 + 2*x2", r"f(\mathbf{x})"),
        ("x + y + z", r"f(\mathbf{x})"),
        ("sphere", r"f(\mathbf{x})"),
        ("muller_brown", "f(x, y)"),
        ("parabola", "f(x)"),
    ],
)
def test_formulas_are_equations_of_what_they_are_written_in(source, left):
    objective = gdsim.objective(source)
    equation = preview_scene(objective).formula
    assert equation == f"{left} = {objective.formula}"
    MathTextParser("agg").parse(f"${equation}$")


def test_a_function_without_a_formula_has_none():
    assert preview_scene(gdsim.objective(lambda p: (p**2).sum(-1), dim=2)).formula == ""


@pytest.mark.parametrize(
    ("dim", "kind", "ground"), [(1, None, CurveModel), (2, None, ContourModel), (2, "surface", SurfaceModel)]
)
def test_an_objective_alone_is_a_scene_of_one_frame(dim, kind, ground):
    scene = preview_scene(gdsim.objective("sphere", dim=dim), view=View(kind=kind))
    assert len(scene) == 1
    (facet,) = scene.facets
    assert isinstance(facet.model, ground)
    assert facet.paths == scene.groups[0].panels == scene.styles == ()
    assert facet.minima.shape == (1, 3 if kind == "surface" else 2)
    assert scene.alt_text == "Sphere with its gradient arrows."


def test_the_look_is_that_of_the_view():
    scene = build_scene([descend([1, 1])], view=View(theme="dark", panels_at="under", vectors=True, size=[640, 480]))
    assert scene.theme == theme("dark")
    assert scene.theme.paths[0] == scene.styles[0].color
    assert (scene.panels_at, scene.vectors, scene.size) == ("under", ("gradient", "descent", "step"), (640, 480))


OPTIMIZERS = "optimizers: {SGD: {lr: 0.001}, Momentum: {class: SGD, lr: 0.001, momentum: 0.9}, Adam: {lr: 0.1}}"


@pytest.mark.parametrize("theme_name", ["light", "dark"])
@pytest.mark.parametrize(
    ("objective", "view"),
    [
        ("himmelblau", {}),
        ("himmelblau", {"layout": "grid"}),
        ("himmelblau", {"kind": "surface", "layout": "grid"}),
        ("double_well", {"panels": ["loss", "gradient_norm"]}),
        ("[booth, beale]", {}),
        ("[booth, beale]", {"layout": "grid"}),
        ("{name: sphere, dim: 5}", {}),
    ],
)
def test_optimizers_get_the_palette_in_their_order(objective, view, theme_name):
    trajectories = gdsim.simulate(gdsim.loads(f"objective: {objective}\nsteps: 2\n{OPTIMIZERS}"))
    scene = build_scene(trajectories, view=View(theme=theme_name, **view))
    expected = dict(zip(["SGD", "Momentum", "Adam"], theme(theme_name).paths, strict=False))
    assert [(style.label, style.color) for style in scene.styles] == [*expected.items()]
    paths = [path.style for facet in scene.facets for path in facet.paths]
    curves = [curve.style for group in scene.groups for panel in group.panels for curve in panel.curves]
    assert len(paths) == 3 * len(scene.groups)
    assert {(style.label, style.color) for style in paths} == {(style.label, style.color) for style in curves}
    assert {style.label: style.color for style in [*paths, *curves]} == expected


@pytest.mark.parametrize("value", [1e-12, 1e12])
@pytest.mark.parametrize("kind", ["contour", "surface"])
def test_values_of_any_size_make_a_scene(value, kind):
    bowl = gdsim.objective(f"{value!r}*(x**2 + 3*y**2)")
    every = ["loss", "gradient_norm", "learning_rate", "step_size", "angle"]
    scene = build_scene([descend([2, 1], objective=bowl, lr=0.05 / value)], view=View(kind=kind, panels=every))
    assert len(scene.groups[0].panels) == len(every)
    for panel in scene.groups[0].panels:
        assert panel.limits[0] < panel.limits[1]
        assert np.isfinite(panel.limits).all()
    assert scene.facets[0].paths[0].exits == ()
