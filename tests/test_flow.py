"""The gradient flow: against the matrix exponential and a Runge–Kutta method of the test's own, and in pictures."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.linalg import expm

from gdsim import View, loads, simulate
from gdsim.config import with_overrides
from gdsim.errors import ConfigError, InputError
from gdsim.render import frames
from gdsim.scene.build import build_scene
from gdsim.simulation import flow, read, remarks, save
from gdsim.simulation.experiments import evaluate_landscapes

RAVINE = """
objective: {name: quadratic, condition: 20, rotation: 30, bounds: [[-4, 4], [-4, 4]]}
start: [-3, 2]
steps: 60
optimizers:
  SGD: {lr: 0.03}
  Momentum: {class: SGD, lr: 0.003, momentum: 0.9}
  Dampened: {class: SGD, lr: 0.03, momentum: 0.5, dampening: 0.25}
  Falling: {class: SGD, lr: 0.05, schedule: {class: LinearLR, start_factor: 1.0, end_factor: 0.1, total_iters: 60}}
  Adam: {lr: 0.1}
view: {flow: true}
"""
FACTORS = {"SGD": 1.0, "Momentum": 10.0, "Dampened": 1.5, "Falling": 1.0}


def runge_kutta(
    slope: Callable[[np.ndarray], np.ndarray], start: np.ndarray, times: np.ndarray, most: float
) -> np.ndarray:
    """The classical method of the fourth order, with steps of at most `most`, at ascending times."""
    found, point = [start], start
    for gap in np.diff(times):
        count = max(1, int(np.ceil(gap / most)))
        h = gap / count
        for _ in range(count):
            a = slope(point)
            b = slope(point + h / 2 * a)
            c = slope(point + h / 2 * b)
            d = slope(point + h * c)
            point = point + h / 6 * (a + 2 * b + 2 * c + d)
        found.append(point)
    return np.array(found)


def times_of(rates: np.ndarray, factor: float = 1.0) -> np.ndarray:
    return factor * np.concatenate([[0.0], np.cumsum(rates[:-1, 0])])


@pytest.mark.parametrize("condition", [20, 3000])
def test_on_a_quadratic_it_is_the_matrix_exponential(condition: int) -> None:
    # The second one is stiff, and the implicit method takes over.
    trajectories = simulate(with_overrides(loads(RAVINE), [f"objective.condition={condition}"]))
    angle = np.radians(30)
    axes = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    hessian = axes.T @ np.diag([1.0, condition]) @ axes
    for each in trajectories[:4]:
        times = times_of(each.learning_rates, FACTORS[each.label])
        expected = np.array([expm(-hessian * time) @ [-3, 2] for time in times])
        apart = np.linalg.norm(each.points[:, 0] - expected, axis=-1)
        shown = slice(0, int(each.stop_steps[0]) + 1)
        np.testing.assert_allclose(each.flow.distances[shown, 0], apart[shown], rtol=1e-9, atol=1e-8)
    flow = trajectories[0].flow
    assert flow.reason == ""
    assert (flow.evaluations > 4000) == (condition == 3000)
    np.testing.assert_allclose(flow.values, trajectories[0].objective.values(flow.points))


def test_on_another_function_it_is_that_of_another_method() -> None:
    text = "{objective: himmelblau, start: [[-0.5, 4.2], [0.1, 0.1]], steps: 80, optimizers: {SGD: {lr: 0.005}}}"
    (sgd,) = simulate(with_overrides(loads(text), ["view.flow=true"]))

    def slope(point: np.ndarray) -> np.ndarray:
        x, y = point
        a, b = x**2 + y - 11, x + y**2 - 7
        return -np.array([4 * x * a + 2 * b, 2 * a + 4 * y * b])

    for start, first in enumerate([[-0.5, 4.2], [0.1, 0.1]]):
        expected = runge_kutta(slope, np.array(first), times_of(sgd.learning_rates), 2e-4)
        apart = np.linalg.norm(sgd.points[:, start] - expected, axis=-1)
        np.testing.assert_allclose(sgd.flow.distances[:, start], apart, atol=1e-8)


def test_the_weights_of_a_network_follow_it() -> None:
    text = """
    objective: {network: mlp, data: {name: regression, n: 40}, hidden: [3], activation: tanh, batch_size: 40}
    steps: 30
    optimizers: {SGD: {lr: 0.1}, Momentum: {class: SGD, lr: 0.02, momentum: 0.5}, Adam: {lr: 0.01}}
    view: {flow: true}
    """
    experiment = loads(text)
    trajectories = simulate(experiment)
    network = experiment.objectives[0].to_train()
    module = network.module(0).double()
    parameters = [*module.parameters()]
    x, y = torch.from_numpy(network.data.x.astype(np.float64)), torch.from_numpy(network.data.y.astype(np.float64))

    def slope(weights: np.ndarray) -> np.ndarray:
        torch.nn.utils.vector_to_parameters(torch.from_numpy(weights), parameters)
        gradients = torch.autograd.grad(network.loss(module(x), y), parameters)
        return -torch.cat([each.reshape(-1) for each in gradients]).numpy()

    start = trajectories[0].training.weights[0].astype(np.float64)
    for each, factor in zip(trajectories[:2], (1.0, 2.0), strict=True):
        expected = runge_kutta(slope, start, times_of(each.learning_rates, factor), 0.01)
        apart = np.linalg.norm(each.training.weights - expected, axis=-1)
        np.testing.assert_allclose(each.flow.distances[:, 0], apart, atol=1e-6)
    assert np.isnan(trajectories[2].flow.distances).all()
    last = runge_kutta(slope, start, np.array([0.0, 3.0]), 0.01)[-1]
    landscape = trajectories[0].objective.landscape
    np.testing.assert_allclose(trajectories[0].flow.points[-1, 0], landscape.project(last), atol=1e-6)


def test_the_distance_of_sgd_is_of_the_first_order_in_its_rate() -> None:
    ends = []
    for steps in (100, 200, 400):
        changes = [f"optimizers={{SGD: {{lr: {1 / steps}}}}}", f"steps={steps}", "objective.condition=4"]
        ends.append(float(simulate(with_overrides(loads(RAVINE), changes))[0].flow.distances[-1, 0]))
    assert ends[0] / ends[1] == pytest.approx(2, rel=0.05)
    assert ends[1] / ends[2] == pytest.approx(2, rel=0.03)


@pytest.mark.parametrize(
    ("objective", "start", "reason"),
    [
        ("{expression: x^2 - y^2, bounds: [[-1, 1], [-1, 1]]}", "[1, 0.01]", "it runs away"),
        ("{expression: sqrt(x) + y^2, bounds: [[0.1, 1], [-1, 1]]}", "[0.5, 0.5]", ""),
        ("{expression: sqrt(1 - x) - y, bounds: [[0.1, 2], [-1, 9]]}", "[0.5, 0]", "where the function is defined"),
        ("{expression: abs(x) + abs(y), bounds: [[-3, 3], [-3, 3]]}", "[-1.6, 1.7]", "between numbers"),
    ],
)
def test_why_it_ends_is_said_in_one_line(objective: str, start: str, reason: str) -> None:
    text = f"{{objective: {objective}, start: {start}, steps: 120, optimizers: {{SGD: {{lr: 0.1}}}}}}"
    (trajectory,) = simulate(with_overrides(loads(text), ["view.flow=true"]))
    assert reason in trajectory.flow.reason
    (remark,) = remarks([trajectory])
    assert f"took {trajectory.flow.evaluations:,} gradient evaluations" in remark
    assert "\n" not in remark
    assert not remark.endswith("..")
    assert np.isfinite(trajectory.flow.points).all()


def test_it_stops_at_the_limit_of_evaluations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "FUNCTION_METHODS", (("DOP853", 100, 1e-13),))
    trajectory = simulate(loads(RAVINE))[0]
    assert trajectory.flow.reason == "from (-3, 2): it takes more than 100 gradient evaluations"
    assert trajectory.flow.evaluations < 130
    known = np.isfinite(trajectory.flow.distances[:, 0])
    assert known[0]
    assert not known[-1]
    # The curve of the panel ends where the flow does.
    build_scene([trajectory], view=View(flow=True, panels=["flow_distance"]))


def test_a_recording_keeps_it_and_one_without_gets_it(tmp_path: Path) -> None:
    experiment = loads(RAVINE)
    trajectories = simulate(experiment)
    save(tmp_path / "with.npz", trajectories, experiment)
    for made, found in zip(trajectories, read(tmp_path / "with.npz")[1], strict=True):
        np.testing.assert_array_equal(made.flow.points, found.flow.points)
        np.testing.assert_array_equal(made.flow.distances, found.flow.distances)
    plain = with_overrides(experiment, ["view.flow=false"])
    assert all(each.flow is None for each in simulate(plain))
    save(tmp_path / "without.npz", simulate(plain), plain)
    again, recorded = read(tmp_path / "without.npz")
    added = evaluate_landscapes(with_overrides(again, ["view.panels=[flow_distance]"]), recorded)
    np.testing.assert_array_equal(added[0].flow.distances, trajectories[0].flow.distances)


def test_an_ensemble_has_one_flow_from_which_each_run_has_its_distance() -> None:
    changes = ["ensemble=8", "optimizers={SGD: {lr: 0.03, noise: 1.0}}"]
    (noisy,) = simulate(with_overrides(loads(RAVINE), changes))
    (plain,) = simulate(with_overrides(loads(RAVINE), ["optimizers={SGD: {lr: 0.03}}"]))
    np.testing.assert_array_equal(noisy.flow.points, plain.flow.points)
    assert noisy.flow.distances.shape == (61, 8)
    between = np.linalg.norm(noisy.points - plain.points, axis=-1)
    assert (np.abs(noisy.flow.distances - plain.flow.distances) <= between + 1e-12).all()


@pytest.mark.parametrize("view", [{}, {"kind": "surface"}, {"kind": "surface", "camera": {"orbit": 30}}])
def test_the_picture_shows_it_from_the_first_frame_on(view: dict[str, object]) -> None:
    trajectories = simulate(loads(RAVINE))
    flow = trajectories[0].flow
    both = [build_scene(trajectories, view=View(flow=shown, size=[640, 360], **view)) for shown in (True, False)]
    np.testing.assert_array_equal(both[0].facets[0].flow[..., :2], flow.points)
    assert not both[1].facets[0].flow.size
    drawn, plain = (frames(scene) for scene in both)
    viewport = drawn.layers[-1].viewport
    moment = drawn.moment(0)
    places = viewport.pixels(both[0].facets[0].flow, moment)[:, 0]
    seen = ~viewport.hidden(both[0].facets[0].flow, moment)[:, 0]
    columns, rows = places[seen].astype(int).T
    changed = np.abs(drawn.at(moment).astype(int) - plain.at(moment)).max(-1) > 16
    assert changed[359 - rows, columns].mean() > 0.6


def test_the_panel_shows_the_distances_of_sgd_only() -> None:
    trajectories = simulate(loads(RAVINE))
    (panel,) = build_scene(trajectories, view=View(flow=True, panels=["flow_distance"])).groups[0].panels
    for curve, each in zip(panel.curves, trajectories, strict=True):
        np.testing.assert_array_equal(curve.points[:, 0, 1], each.flow.distances[:, 0])
    assert np.isnan(panel.curves[4].points[..., 1]).all()


def test_paths_in_the_colours_of_minima_keep_their_own_distances() -> None:
    text = "{objective: himmelblau, start: {random: 8}, steps: 40, optimizers: {SGD: {lr: 0.01}}}"
    trajectories = simulate(with_overrides(loads(text), ["view.panels=[flow_distance]"]))
    scene = build_scene(trajectories, view=View(panels=["flow_distance"]))
    assert len(scene.styles) > 1
    drawn = np.concatenate([curve.points[20, :, 1] for curve in scene.groups[0].panels[0].curves])
    np.testing.assert_array_equal(np.sort(drawn), np.sort(trajectories[0].flow.distances[20]))


def test_a_panel_without_the_flow_is_an_error() -> None:
    with pytest.raises(InputError, match="was not computed"):
        build_scene(simulate(with_overrides(loads(RAVINE), ["view.flow=false"])), view=View(panels=["flow_distance"]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["start={random: 101}"], "at most 100 starts, and there are 101"),
        (["sweep={x: {setting: optimizers.SGD.lr, range: [0.1, 1]}}"], "goes with paths, not with a sweep"),
        (["optimizers={Adam: {lr: 0.1}}", "view.panels=[flow_distance]"], "flow_distance goes with SGD"),
        (
            ["objective={network: mlp, data: digits, wrt: input, class: 3}", "start=null"],
            "not with the pixels of an image",
        ),
    ],
)
def test_what_does_not_fit_it_is_said(changes: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)) as raised:
        with_overrides(loads(RAVINE), changes)
    assert len(raised.value.problems) == 1
