"""What pictures show of the recorded state: arrows and outlines at heads, and panels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.text import Text

import gdsim
from gdsim import View
from gdsim.errors import ConfigError, InputError
from gdsim.render.animation import Frames
from gdsim.render.display_list import HeadArrows, HeadOutlines, Layer, Moment
from gdsim.render.painter import only, stamps
from gdsim.scene.build import build_scene
from gdsim.scene.state import missing_notes
from tests.test_trail import painter

BOWL = gdsim.objective("quadratic", condition=9, bounds=[[-10, 10], [-6, 6]])
EVERYTHING = ["gradient", "descent", "step", "momentum", "preconditioner", "trust"]


def adam(steps: int = 12, **settings: Any) -> gdsim.Trajectory:
    return gdsim.descend(BOWL, "Adam", start=[-8, 4], steps=steps, record="state", **({"lr": 0.5} | settings))


def layer_of(*paths: gdsim.Trajectory, **view: Any) -> tuple[Frames, Layer]:
    frames = Frames(build_scene(paths, view=View(panels=[], **view)))
    return frames, frames.layers[-1]


def drawn(layer: Layer, time: float, kind: type) -> list[np.ndarray]:
    """The corners of each shape of one type."""
    found = painter(layer.viewport.bounds)
    return [points for points in found.draw_over(only(layer.at(Moment(time, 0.5)), kind), time) if len(points)]


def head(layer: Layer, path: gdsim.Trajectory, time: float) -> np.ndarray:
    k = int(time)
    here, ahead = path.points[[k, min(k + 1, len(path.points) - 1)], 0]
    return layer.viewport.pixels(here + (time - k) * (ahead - here), Moment(time, 0.5))


@pytest.mark.parametrize("time", [0.0, 3.0, 3.25, 11.5, 12.0])
def test_arrows_and_outlines_are_where_the_head_is(time: float) -> None:
    path = adam()
    frames, layer = layer_of(path, vectors=EVERYTHING)
    arrows, outlines = drawn(layer, time, HeadArrows), drawn(layer, time, HeadOutlines)
    # There is no step after the last iterate.
    assert len(arrows) == (3 if time == 12 else 4)
    for corners in arrows:
        np.testing.assert_allclose((corners[0] + corners[6]) / 2, head(layer, path, time), atol=1e-6)
    for corners in outlines:
        middle = (corners.max(0) + corners.min(0)) / 2
        np.testing.assert_allclose(middle, head(layer, path, time), atol=0.02 * frames.canvas.em)


def test_momentum_points_against_the_buffer_that_the_class_holds() -> None:
    for path, name in (
        (adam(), "exp_avg"),
        (gdsim.descend(BOWL, "SGD", momentum=0.9, lr=0.02, start=[-8, 4], steps=12, record="state"), "momentum_buffer"),
    ):
        _, layer = layer_of(path, vectors=["momentum"])
        for k in (0, 5, 11):
            (corners,) = drawn(layer, float(k), HeadArrows)
            tail = (corners[0] + corners[6]) / 2
            ahead = path.points[k, 0] - 0.01 * path.state[name][k, 0]
            wanted = layer.viewport.pixels(ahead, Moment(0, 0)) - tail
            np.testing.assert_allclose(
                (corners[3] - tail) / np.linalg.norm(corners[3] - tail), wanted / np.linalg.norm(wanted), atol=1e-6
            )


def test_the_ellipse_has_the_proportions_of_the_effective_rates_and_the_box_is_to_scale() -> None:
    path = adam(betas=[0.9, 0.99])
    _, layer = layer_of(path, vectors=["preconditioner", "trust"])
    x, y = np.diff(layer.viewport.pixels(np.array([[0.0, 0.0], [1.0, 1.0]]), Moment(0, 0)), axis=0)[0]
    for k in (0, 4, 11):
        ellipse, box = (np.ptp(each, axis=0) for each in drawn(layer, float(k), HeadOutlines))
        # v̂ from the definition, without bias correction's shortcuts.
        weights = 0.01 * 0.99 ** np.arange(k, -1, -1)
        squares = (weights[:, None] * path.gradients[: k + 1, 0] ** 2).sum(0) / weights.sum()
        rates = 0.5 / (np.sqrt(squares) + 1e-8)
        np.testing.assert_allclose(ellipse[1] / ellipse[0], rates[1] * y / (rates[0] * x), rtol=0.01)
        np.testing.assert_allclose(box, [2 * 0.5 * x, 2 * 0.5 * y], rtol=1e-6)


def test_on_a_plane_of_several_dimensions_the_ellipse_is_the_shadow_of_the_ellipsoid() -> None:
    path = gdsim.descend(gdsim.objective("rosenbrock", dim=4), "Adam", lr=0.05, steps=12, record="state")
    scene = build_scene([path], view=View(vectors=["preconditioner"], panels=[], plane="pca"))
    (drawn_path,), axes = scene.facets[0].paths, None
    matrices = drawn_path.at_heads["preconditioner"]
    # The directions of the plane, from points and their coordinates.
    axes = np.linalg.lstsq(
        path.points[:, 0] - path.points[:, 0].mean(0),
        drawn_path.points[:, 0] - drawn_path.points[:, 0].mean(0),
        rcond=None,
    )[0].T
    sphere = np.random.default_rng(0).normal(size=(20_000, 4))
    sphere /= np.linalg.norm(sphere, axis=1, keepdims=True)
    shadow = sphere * path.state["effective_rate"][5, 0] @ axes.T
    inside = np.linalg.norm(np.linalg.solve(matrices[5, 0], shadow.T), axis=0)
    assert inside.max() <= 1 + 1e-6
    assert inside.max() > 0.99


@pytest.mark.parametrize("kind", ["contour", "surface"])
def test_everything_is_drawn_on_a_surface_too(kind: str) -> None:
    _, layer = layer_of(adam(), vectors=EVERYTHING, kind=kind, camera={"orbit": 20} if kind == "surface" else {})
    assert drawn(layer, 4.5, HeadArrows)
    assert len(drawn(layer, 4.5, HeadOutlines)) == 2


def test_the_key_explains_what_is_drawn() -> None:
    def words(vectors: list[str]) -> set[str]:
        frames = Frames(build_scene([adam()], view=View(vectors=vectors)))
        return {each.get_text() for each in frames.canvas.figure.findobj(Text)}

    symbols = {"∇f", "−∇f", "step", "− momentum", "effective rate", "trust region"}
    assert symbols - {"trust region"} <= words(EVERYTHING[:-1])
    assert symbols & words(["step", "trust"]) == {"step", "trust region"}


CONFIG = "{{objective: {}, optimizers: {}, steps: 5, view: {}}}"


@pytest.mark.parametrize(
    ("objective", "view", "key"),
    [
        ("parabola", "{vectors: [trust]}", "view.vectors.0"),
        ("{network: mlp, data: moons}", "{vectors: [step, momentum]}", "view.vectors.1"),
        ("himmelblau", "{vectors: [step, step]}", "view.vectors"),
        ("himmelblau", "{vectors: [velocity]}", "view.vectors.0"),
        ("himmelblau", "{panels: [{state: exp_avg, per: start}]}", "view.panels.0.per"),
        ("{network: mlp, data: moons}", "{panels: [loss, {state: exp_avg, per: coordinate}]}", "view.panels.1"),
        ("{network: mlp, data: moons}", "{panels: [effective_rate]}", "view.panels.0"),
        ("{name: sphere, dim: 9}", "{panels: [effective_rate]}", "view.panels.0"),
    ],
)
def test_what_cannot_be_shown_is_an_error_with_its_place(objective: str, view: str, key: str) -> None:
    with pytest.raises(ConfigError) as error:
        gdsim.loads(CONFIG.format(objective, "{Adam: {}}", view))
    assert [".".join(map(str, each.key)) for each in error.value.problems] == [key]


def test_what_no_class_holds_is_an_error_and_what_one_lacks_is_said() -> None:
    view = "{vectors: [step, momentum], panels: [loss]}"
    with pytest.raises(ConfigError, match=r":1:\d+: view\.vectors\.1: SGD holds no momentum"):
        gdsim.animate(gdsim.loads(CONFIG.format("himmelblau", "{SGD: {}}", view), file="a.yaml"))
    view = "{vectors: [step, momentum], panels: [momentum]}"
    experiment = gdsim.loads(CONFIG.format("himmelblau", "{SGD: {}, Adam: {}}", view))
    paths = gdsim.simulate(experiment)
    scene = build_scene(paths, view=experiment.view)
    assert [each.style.label for each in scene.groups[0].panels[0].curves] == ["Adam"]
    assert list(missing_notes(paths, experiment.view)) == ["momentum is not drawn for SGD, whose class holds none."]
    with pytest.raises(InputError, match="did you mean 'exp_avg'"):
        build_scene(paths, view=View(panels=[{"state": "expavg"}]))
    with pytest.raises(InputError, match="step has no number per coordinate"):
        build_scene(paths, view=View(panels=[{"state": "step", "per": "coordinate"}]))


def test_panels_show_the_state() -> None:
    paths = [adam(), gdsim.descend(BOWL, "SGD", lr=0.01, start=[-8, 4], steps=12, record="state")]
    view = View(panels=["momentum", "effective_rate", "update_ratio", {"state": "exp_avg_sq"}, {"state": "step"}])
    momentum, rates, ratio, squares, step = build_scene(paths, view=view).groups[0].panels
    state = paths[0].state
    for panel, wanted in (
        (momentum, np.linalg.norm(state["exp_avg"], axis=-1)),
        (squares, np.linalg.norm(state["exp_avg_sq"], axis=-1)),
        (step, state["step"]),
        (
            ratio,
            np.linalg.norm(np.diff(paths[0].points, axis=0, append=np.nan), axis=-1)
            / np.linalg.norm(paths[0].points, axis=-1),
        ),
    ):
        np.testing.assert_allclose(panel.curves[0].points[:-1, :, 1], wanted[:-1])
    assert [(each.style.label, each.strength) for each in rates.curves] == [
        ("Adam", 0.45),
        ("SGD", 0.45),
        ("Adam", 1.0),
        ("SGD", 1.0),
    ]
    np.testing.assert_allclose(rates.curves[2].points[:-1, 0, 1], state["effective_rate"][:-1, 0, 0])
    np.testing.assert_allclose(rates.curves[3].points[:-1, 0, 1], 0.01)


def test_a_recording_is_drawn_from_its_state(tmp_path: Path) -> None:
    view = "{vectors: [momentum, preconditioner], panels: [{state: exp_avg_sq}]}"
    experiment = gdsim.loads(CONFIG.format("himmelblau", "{Adam: {lr: 0.3}}", view))
    paths = gdsim.simulate(experiment)
    gdsim.save(tmp_path / "a.npz", paths, experiment)
    again, recorded = gdsim.read(tmp_path / "a.npz")
    one, other = (Frames(build_scene(each, view=again.view)).poster() for each in (paths, recorded))
    np.testing.assert_array_equal(one, other)
    with pytest.raises(InputError, match="recorded"):
        build_scene([replace(recorded[0], state={})], view=again.view)
    with pytest.raises(InputError, match="Adam holds no momentum with one number per coordinate"):
        build_scene([replace(recorded[0], state={**recorded[0].state, "exp_avg": np.ones((6, 1, 5))})], view=again.view)


def test_copies_of_vectors_remain_along_the_path_far_from_each_other_and_the_poster_has_them() -> None:
    path = adam(steps=30)
    frames, layer = layer_of(path, vectors=["descent", "preconditioner"])
    times = sorted({time for time, _ in stamps(layer.primitives)})
    places = np.array([head(layer, path, time) for time in [*times, 30.0]])
    assert times[0] == 0
    assert len(times) >= 3
    apart = np.linalg.norm(places[:, None] - places, axis=-1)[np.triu_indices(len(places), 1)]
    assert apart.min() >= 7 * frames.canvas.em
    np.testing.assert_array_equal(list(frames)[-1], frames.poster())
    three = gdsim.descend(BOWL, "Adam", lr=0.5, start=[[-8, 4], [8, 4], [0, 5]], steps=30, record="state")
    assert not stamps(layer_of(three, vectors=["descent"])[1].primitives)


def test_panels_show_the_state_of_a_network_as_norms_over_its_weights() -> None:
    view = "{panels: [momentum, update_ratio, {state: exp_avg_sq}]}"
    experiment = gdsim.loads(CONFIG.format("{network: mlp, hidden: [4], data: moons}", "{Adam: {lr: 0.01}}", view))
    (path,) = gdsim.simulate(experiment)
    momentum, ratio, squares = build_scene([path], view=experiment.view).groups[0].panels
    weights = path.training.weights.astype(np.float64)
    ratios = np.linalg.norm(np.diff(weights, axis=0), axis=1) / np.linalg.norm(weights[:-1], axis=1)
    for panel, wanted in (
        (momentum, path.state["exp_avg"][:-1, 0]),
        (squares, path.state["exp_avg_sq"][:-1, 0]),
        (ratio, ratios),
    ):
        np.testing.assert_allclose(panel.curves[0].points[:-1, 0, 1], wanted, rtol=1e-4)
