"""Eigenvalues of Hessians against closed forms, finite differences and dense Hessians, and the edge of stability."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import mpmath
import numpy as np
import pytest
import torch
from torch.func import functional_call, jacrev

import gdsim
from gdsim.analysis.curvature import largest_eigenvalues
from gdsim.config.presentation import SharpnessSpec
from gdsim.networks import Network, examples, network
from gdsim.render import frames
from gdsim.render.display_list import START, Lines
from gdsim.render.painter import only
from gdsim.scene.build import build_scene
from gdsim.scene.curvature import curvature_along
from gdsim.scene.projection import choose_projection
from gdsim.simulation.curvature import HessianOperator, with_spectra
from gdsim.simulation.experiments import evaluate_landscapes, run_optimizers
from gdsim.web.player import page
from tests.commands import call

MOONS = """
objective: {network: mlp, data: {name: moons, n: 60}, hidden: [12, 18], activation: tanh, batch_size: 15}
steps: 6
optimizers: {SGD: {lr: 0.5}, Momentum: {class: SGD, lr: 0.1, momentum: 0.9, weight_decay: 0.25}}
view: {panels: [sharpness], sharpness: {every: 2, top: 3}}
"""


@pytest.fixture(scope="module")
def trained():
    experiment = gdsim.loads(MOONS)
    return experiment, gdsim.simulate(experiment)


def panel(*trajectories, **view):
    scene = build_scene(trajectories, view=gdsim.View(panels=["sharpness"], **view))
    (made,) = scene.groups[0].panels
    return made


def differences(f, point, h="1e-12"):
    """The Hessian of a function by central differences with 50 digits."""
    with mpmath.workdps(50):
        at, h = [mpmath.mpf(float(each)) for each in point], mpmath.mpf(h)

        def moved(i, a, j, b):
            return f([each + h * (a * (k == i) + b * (k == j)) for k, each in enumerate(at)])

        def second(i, j):
            return sum(a * b * moved(i, a, j, b) for a in (1, -1) for b in (1, -1)) / (4 * h**2)

        return np.array([[float(second(i, j)) for j in range(len(at))] for i in range(len(at))])


def himmelblau(p):
    return (p[0] ** 2 + p[1] - 11) ** 2 + (p[0] + p[1] ** 2 - 7) ** 2


def rosenbrock(p):
    return sum(100 * (b - a**2) ** 2 + (1 - a) ** 2 for a, b in pairwise(p))


@pytest.mark.parametrize(("name", "f", "dim"), [("himmelblau", himmelblau, 2), ("rosenbrock", rosenbrock, 5)])
def test_all_eigenvalues_of_a_function_are_those_of_finite_differences(name, f, dim):
    objective = gdsim.objective(name, **({"dim": dim} if dim > 2 else {}))
    path = gdsim.descend(objective, "SGD", start=np.linspace(-0.5, 1.3, dim), steps=4, lr=0.001)
    found = largest_eigenvalues(path, SharpnessSpec(top=dim))
    for point, values in zip(path.points[:, 0], found[:, 0], strict=True):
        np.testing.assert_allclose(values, np.linalg.eigvalsh(differences(f, point))[::-1], rtol=1e-6)


@pytest.mark.parametrize(
    "expression", ["sin(x*y) + x^4/4 - y^2", "x + 2y", "exp(x) * cos(y)", "abs(x)^3 + sqrt(1 + y^2)"]
)
def test_hessians_of_expressions_are_those_of_torch_func(expression):
    objective = gdsim.objective(expression)
    points = np.random.default_rng(0).uniform(-2, 2, (3, 4, 2))
    found = objective.hessians(points)
    assert found.shape == (3, 4, 2, 2)
    for point, own in zip(points.reshape(-1, 2), found.reshape(-1, 2, 2), strict=True):
        np.testing.assert_allclose(own, jacrev(jacrev(objective.f))(torch.from_numpy(point)), rtol=1e-12, atol=1e-12)


def test_every_interval_is_interpolated_linearly():
    path = gdsim.descend(gdsim.objective("himmelblau"), "SGD", start=[0.5, 0.5], steps=7, lr=0.01)
    exact, found = (largest_eigenvalues(path, SharpnessSpec(every=n))[:, 0, 0] for n in (1, 3))
    np.testing.assert_array_equal(found[[0, 3, 6, 7]], exact[[0, 3, 6, 7]])
    np.testing.assert_allclose(found[[1, 2]], exact[0] + (exact[3] - exact[0]) * np.array([1, 2]) / 3)


def dense(net, weights):
    """The Hessian of the mean loss on all training data, in double precision."""
    module = net.module(0).double()
    shapes = {name: each.shape for name, each in module.named_parameters()}
    x, y = torch.from_numpy(net.data.x).double(), torch.from_numpy(net.data.y)

    def loss(flat):
        parts = torch.split(flat, [shape.numel() for shape in shapes.values()])
        named = {name: part.view(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}
        return torch.nn.functional.cross_entropy(functional_call(module, named, x), y)

    return torch.autograd.functional.hessian(loss, torch.from_numpy(weights)).numpy()


def test_eigenvalues_of_a_network_are_those_of_its_dense_hessian(trained):
    _, trajectories = trained
    for each in trajectories:
        net, training = each.objective.network, each.training
        assert 300 <= net.weights <= 320
        np.testing.assert_array_equal(training.spectrum.steps, [0, 2, 4, 6])
        for step, values in zip(training.spectrum.steps, training.spectrum.values, strict=True):
            decay = 0.25 * (each.label == "Momentum")
            expected = decay + np.linalg.eigvalsh(dense(net, training.weights[step].astype(np.float64)))
            np.testing.assert_allclose(values, expected[:-4:-1], rtol=1e-6)


def test_the_hessian_of_a_network_that_adam_trains_is_preconditioned_by_its_averages():
    text = (
        MOONS.partition("optimizers")[0]
        + "optimizers: {Adam: {lr: 0.01, weight_decay: 0.1}}\nview: {panels: [sharpness]}"
    )
    experiment = gdsim.loads(text, overrides=["view.sharpness={every: 2, top: 2}"])
    (trajectory,) = gdsim.simulate(experiment)
    net, training = trajectory.objective.network, trajectory.training
    # A plain loop.
    torch.manual_seed(0)
    module, batches = net.module(0), net.batches(0)
    optimizer = torch.optim.Adam(module.parameters(), lr=0.01, weight_decay=0.1)
    for step in range(6):
        x, y = next(batches)
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(module(x), y).backward()
        optimizer.step()
        squares = [optimizer.state[each]["exp_avg_sq"].double().ravel() for each in module.parameters()]
        divisors = np.sqrt(torch.cat(squares).numpy() / (1 - 0.999 ** (step + 1))) + 1e-8
        for row in {0: [0], 2: [1], 4: [2], 5: [3]}.get(step, []):
            hessian = dense(net, training.weights[[0, 2, 4, 6][row]].astype(np.float64)) + 0.1 * np.eye(net.weights)
            product = hessian / np.sqrt(divisors) / np.sqrt(divisors)[:, None]
            np.testing.assert_allclose(training.spectrum.values[row], np.linalg.eigvalsh(product)[:-3:-1], rtol=1e-6)
    made = panel(trajectory, sharpness={"every": 2})
    assert made.curves[1].limit == "38/lr"
    assert made.caption == "sharpness, preconditioned"


def test_eigenvectors_of_a_network_are_those_of_its_dense_hessian():
    net = network("mlp", examples("moons", n=40), hidden=[6], activation="tanh")
    weights = np.random.default_rng(1).normal(size=net.weights)
    values, vectors = HessianOperator(net, 0).largest(weights, 2)
    np.testing.assert_allclose(dense(net, weights) @ vectors.T, values * vectors.T, atol=1e-5 * values[0])
    np.testing.assert_allclose(vectors @ vectors.T, np.eye(2), atol=1e-10)


def test_a_parameter_that_is_not_used_adds_an_eigenvalue_of_0():
    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.unused = torch.nn.Linear(2, 2), torch.nn.Parameter(torch.ones(3))

        def forward(self, x):
            return self.used(x)

    data = examples("moons", n=40)
    net = Network("own", "Own", data, Net, "cross_entropy", batch_size=8, record_every=None, weights=9)
    weights = np.random.default_rng(1).normal(size=9)
    # Parameters of a module itself come before those of its layers.
    line = replace(net, make=lambda: torch.nn.Linear(2, 2), weights=6)
    expected = np.linalg.eigvalsh(dense(line, weights[3:]))[::-1]
    np.testing.assert_allclose(HessianOperator(net, 0).largest(weights, 2).values, expected[:2], rtol=1e-6)


def test_data_in_several_parts_give_the_same_eigenvalues(monkeypatch):
    net = network("mlp", examples("moons", n=40), hidden=[6], activation="tanh")
    weights = np.random.default_rng(1).normal(size=net.weights)
    together = HessianOperator(net, 0).largest(weights, 2).values
    monkeypatch.setattr("gdsim.networks.evaluation.INPUTS_AT_ONCE", 23)
    np.testing.assert_allclose(HessianOperator(net, 0).largest(weights, 2).values, together, rtol=1e-9)


def test_the_eigenvalues_of_a_network_are_recorded_and_not_computed_again(trained, tmp_path, monkeypatch):
    experiment, trajectories = trained
    gdsim.save(tmp_path / "run.npz", trajectories, experiment)
    again, recorded = gdsim.read(tmp_path / "run.npz")
    monkeypatch.delattr("gdsim.simulation.curvature.HessianOperator")
    for before, after in zip(trajectories, evaluate_landscapes(again, recorded), strict=True):
        np.testing.assert_array_equal(after.training.spectrum.values, before.training.spectrum.values)
    # Fewer eigenvalues are among those recorded.
    fewer = gdsim.loads(MOONS, overrides=["view.sharpness.top=1"])
    assert len(panel(*evaluate_landscapes(fewer, recorded), sharpness={"every": 2}).curves) == 4


def test_a_network_without_eigenvalues_says_what_computes_them():
    text = MOONS.partition("view")[0] + "view: {panels: [loss]}"
    with pytest.raises(gdsim.InputError, match="gdsim render"):
        panel(*gdsim.simulate(gdsim.loads(text)))


@pytest.mark.parametrize(
    ("optimizer", "settings", "name"),
    [
        ("SGD", {}, "2/lr"),
        ("SGD", {"momentum": 0.9}, "3.8/lr"),
        ("SGD", {"momentum": 0.9, "dampening": 0.5}, "7.6/lr"),
        ("SGD", {"momentum": 0.9, "nesterov": True}, "1.36/lr"),
        ("SGD", {"weight_decay": 3.0}, "2/lr"),
        ("SGD", {"momentum": 0.5, "weight_decay": 3.0}, "3/lr"),
        ("RMSprop", {"momentum": 0.5}, "3/lr"),
        ("Adam", {}, "38/lr"),
        ("Adam", {"betas": (0.5, 0.99), "amsgrad": True, "weight_decay": 9.0}, "6/lr"),
        ("AdamW", {"weight_decay": 2.0}, "38/lr − 38"),
    ],
)
def test_a_path_on_a_quadratic_function_diverges_exactly_above_the_edge(optimizer, settings, name):
    # With an `eps` of 1 and small gradients, adaptive classes divide by 1. First steps are longer.
    given = settings | {"lr": 0.1} | ({} if optimizer == "SGD" else {"eps": 1.0})

    def run(curvature):
        objective = gdsim.objective(f"{curvature}/2 * x^2", bounds=[[-1, 1]])
        path = gdsim.descend(objective, optimizer, start=[1e-90], steps=500, record="state", **given)
        return np.abs(path.points[:, 0, 0]), panel(path)

    _, made = run(1.0)
    curve, edge = made.curves
    assert (curve.limit, edge.limit) == ("", name)
    # What is shown of a function of curvature 1 includes the weight decay that is part of the gradient.
    limit = edge.points[0, 0, 1] - (curve.points[0, 0, 1] - 1.0)
    below, above = (run(factor * limit)[0] for factor in (0.98, 1.02))
    assert below[-50:].max() < 1e-2 * below[150:200].max()
    assert above[-50:].max() > 1e2 * above[150:200].max()


def test_the_hessian_of_adam_is_preconditioned_by_the_root_of_its_averages():
    objective = gdsim.objective("himmelblau")
    path = gdsim.descend(objective, "Adam", start=[0.5, 0.5], steps=9, lr=0.2, noise=1.0, record="state")
    squares = path.state["exp_avg_sq"][:-1, 0] / (1 - 0.999 ** np.arange(1, 10))[:, None]
    found = largest_eigenvalues(path, SharpnessSpec(top=2))[:, 0]
    for point, square, values in zip(path.points[:-1, 0], squares, found, strict=False):
        product = differences(himmelblau, point) / (np.sqrt(square) + 1e-8)[:, None]
        np.testing.assert_allclose(values, sorted(np.linalg.eigvals(product))[::-1], rtol=1e-6)
    # After the last update the optimizer holds what that has left.
    product = differences(himmelblau, path.points[-1, 0]) / np.sqrt(squares[-1])[:, None]
    np.testing.assert_allclose(found[-1], sorted(np.linalg.eigvals(product))[::-1], rtol=1e-6)
    assert panel(path).caption == "sharpness, preconditioned"


def test_without_the_recorded_state_there_is_no_edge_of_adam():
    path = gdsim.descend(gdsim.objective("sphere"), "Adam", start=[1.0, 1.0], steps=5, lr=0.1)
    assert [curve.limit for curve in panel(path).curves] == [""]


def test_the_edge_follows_the_schedule():
    schedule = {"class": "StepLR", "step_size": 2, "gamma": 0.5}
    path = gdsim.descend(gdsim.objective("sphere"), "SGD", start=[1.0, 1.0], steps=5, lr=0.1, schedule=schedule)
    curve, edge = panel(path).curves
    assert (curve.limit, edge.limit) == ("", "2/lr")
    np.testing.assert_allclose(edge.points[:, 0, 1], [20, 20, 40, 40, 80, 80])
    np.testing.assert_allclose(curve.points[:, 0, 1], 2.0)


@pytest.mark.parametrize(
    ("optimizer", "settings"),
    [
        ("Rprop", {}),
        ("SGD", {"maximize": True}),
        ("SGD", {"momentum": 0.9, "schedule": {"class": "OneCycleLR", "max_lr": 0.1, "total_steps": 9}}),
    ],
)
def test_where_the_edge_is_not_known_there_is_none(optimizer, settings):
    path = gdsim.descend(gdsim.objective("sphere"), optimizer, start=[1.0, 1.0], steps=5, lr=0.1, **settings)
    assert [curve.limit for curve in panel(path).curves] == [""]


def test_the_crosses_of_many_starts_are_computed_at_fewer_times():
    experiment = gdsim.loads("{objective: himmelblau, start: {grid: [10, 10]}, steps: 90, optimizers: {Adam: {}}}")
    (trajectory,) = gdsim.simulate(experiment)
    curvature = curvature_along(trajectory)
    assert curvature.axes.shape == (61, 100, 2, 2)
    rows = curvature.times.astype(int)
    assert [rows[0], rows[-1]] == [0, 90]
    values = np.linalg.eigvalsh(trajectory.objective.hessians(trajectory.points[rows]))
    np.testing.assert_allclose(curvature.reaches**-2, np.abs(values))


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        (["view.sharpness={top: 3}"], "view.sharpness.top"),
        (["view.panels=[loss]", "view.sharpness={top: 2}"], "view.sharpness"),
        (["view.sharpness={every: 0}"], "view.sharpness.every"),
    ],
)
def test_mistakes_name_their_key(changes, key):
    text = "objective: himmelblau\noptimizers: {SGD: {lr: 0.01}}\nview: {panels: [sharpness]}\n"
    with pytest.raises(gdsim.ConfigError) as error:
        gdsim.loads(text, overrides=changes)
    assert key in str(error.value)


@pytest.mark.parametrize(("plane", "row"), [("hessian", -1), ("hessian_start", 0)])
def test_the_plane_of_a_function_holds_the_two_leading_eigenvectors(plane, row):
    objective = gdsim.objective("rosenbrock", dim=5)
    paths = [gdsim.descend(objective, "SGD", start=np.linspace(-0.5, 1.3, 5), steps=8, lr=lr) for lr in (1e-3, 2e-3)]
    view = gdsim.View(plane=plane)
    projection = choose_projection(objective, view, [each.points for each in paths])
    point = paths[0].points[row, 0]
    np.testing.assert_allclose(projection.project(point), [0, 0], atol=1e-12)
    vectors = np.linalg.eigh(differences(rosenbrock, point))[1]
    np.testing.assert_allclose(np.abs(projection.axes @ vectors), [[0, 0, 0, 0, 1], [0, 0, 0, 1, 0]], atol=1e-6)
    assert "Hessian plane" in build_scene(paths, view=view).notes[0]


@pytest.mark.parametrize(("plane", "row"), [("hessian", -1), ("hessian_start", 0)])
def test_the_plane_of_a_network_holds_the_two_leading_eigenvectors(trained, plane, row):
    experiment, trajectories = trained
    changed = gdsim.loads(experiment.yaml, overrides=[f"view.plane={plane}"])
    landscape = evaluate_landscapes(changed, trajectories)[0].objective.landscape
    weights = trajectories[0].training.weights[row].astype(np.float64)
    np.testing.assert_allclose(landscape.project(weights), [0, 0], atol=1e-9)
    vectors = np.linalg.eigh(dense(trajectories[0].objective.network, weights))[1][:, :-3:-1]
    np.testing.assert_allclose(np.abs(landscape.axes @ vectors), np.eye(2), atol=1e-4)
    assert landscape.plane == plane


DOUBLE_WELL = "(x^2 - 1)^2/4 + y^2/2 + x*y/4"
SADDLE = f"""
objective: {{expression: "{DOUBLE_WELL}", bounds: [[-1.9, 1.9], [-1.3, 1.3]]}}
start: [[-0.1, 1.1], [0.2, -1.15]]
steps: 12
optimizers: {{SGD: {{lr: 0.4}}}}
view: {{curvature: true, panels: [], size: [640, 360]}}
animation: {{fps: 5, seconds: 2}}
"""


def well(p):
    return (p[0] ** 2 - 1) ** 2 / 4 + p[1] ** 2 / 2 + p[0] * p[1] / 4


def test_the_curvature_along_a_path_is_that_of_the_hessian_there():
    path = gdsim.descend(gdsim.objective(DOUBLE_WELL), "SGD", start=[[-0.1, 1.1], [0.2, -1.15]], steps=12, lr=0.4)
    found = curvature_along(path)
    assert {*range(13)} <= {*found.times.tolist()}
    for row in (0, 77, 200, 433, len(found.times) - 1):
        time = found.times[row]
        for start in (0, 1):
            point = [np.interp(time, range(13), path.points[:, start, k]) for k in (0, 1)]
            hessian = differences(well, point)
            for k in (0, 1):
                axis, reach, negative = (each[row, start, k] for each in (found.axes, found.reaches, found.negative))
                value = axis @ hessian @ axis
                np.testing.assert_allclose(hessian @ axis, value * axis, atol=1e-6)
                assert reach == pytest.approx(1 / np.sqrt(abs(value)), rel=1e-6)
                assert negative == (value < 0)
    assert found.negative[0].sum() == 2
    assert not found.negative[-1].any()
    # No axis turns by more than it must: an axis is never exchanged for the other.
    assert (np.einsum("nsik,nsik->nsi", found.axes[1:], found.axes[:-1]) > 0.9).all()


def crosses_of(scene):
    (layer, *_) = frames(scene).layers
    return layer, only(layer.primitives, Lines)


def test_crosses_are_at_the_heads_and_as_long_as_the_curvature_says():
    experiment = gdsim.loads(SADDLE)
    scene = build_scene(gdsim.simulate(experiment), view=experiment.view, animation=experiment.animation)
    layer, lines = crosses_of(scene)
    path = layer.facet.paths[0]
    moving = [each for each in lines if each.style.alpha == 1]
    assert len(moving) == 2
    # Of the two lines at each start, one is negative at some time.
    positive = moving[0].at(0.0).reshape(2, 2, 11, 2)[:, :, 4:6]
    negative = moving[1].at(0.0).reshape(2, 1, 11, 2)[:, :, 4:6]
    pixels = layer.viewport.pixels(path.points[0], START)
    for start, point in enumerate(path.points[0]):
        values, vectors = np.linalg.eigh(differences(well, point))
        down = negative[start][np.isfinite(negative[start]).all((1, 2))][0]
        up = positive[start][np.isfinite(positive[start]).all((1, 2))][0]
        np.testing.assert_allclose(down.mean(0), pixels[start], atol=1e-6)
        for line, vector in ((down, vectors[:, 0]), (up, vectors[:, 1])):
            along = (line[1] - line[0]) / np.linalg.norm(line[1] - line[0])
            assert abs(along @ vector) == pytest.approx(1, abs=1e-3)
        ratio = np.linalg.norm(down[1] - down[0]) / np.linalg.norm(up[1] - up[0])
        assert ratio == pytest.approx(np.sqrt(values[1] / -values[0]), rel=0.02)
    # At the end, in a minimum, there is no negative curvature.
    assert np.isnan(moving[1].at(12.0)).all()
    assert np.isfinite(moving[0].at(12.0)).any()


def test_crosses_stay_on_the_poster_in_a_color_that_no_path_has_and_are_in_the_page():
    experiment = gdsim.loads(SADDLE)
    scene = build_scene(gdsim.simulate(experiment), view=experiment.view, animation=experiment.animation)
    staying = [each for each in crosses_of(scene)[1] if each.style.alpha < 1]
    color = staying[1].style.color
    assert color not in [style.color for style in scene.styles]
    assert np.isfinite(staying[1].at(12.0)).any()
    shown = staying[1].at(0.0)[np.isfinite(staying[1].at(0.0)).all(-1)]
    assert 0 < len(shown) < np.isfinite(staying[1].at(12.0)).all(-1).sum()
    assert page(scene).count(color) >= 2


@pytest.mark.parametrize(
    "changes",
    [
        ["objective={name: rosenbrock, dim: 3}", "start=[0, 0, 0]"],
        ["view.kind=surface"],
        ["objective=x^2", "start=[1]"],
    ],
)
def test_the_curvature_is_drawn_for_functions_of_two_variables_only(changes):
    with pytest.raises(gdsim.ConfigError, match=r"view\.curvature"):
        gdsim.loads(SADDLE, overrides=changes)


def test_gradient_descent_on_the_digits_hovers_at_the_edge_of_stability():
    experiment = gdsim.load(
        "configs/curvature_edge_of_stability.yaml", overrides=['optimizers={"large rate": {class: SGD, lr: 0.5}}']
    )
    trained = run_optimizers(experiment)
    (trajectory,) = with_spectra(trained, SharpnessSpec(every=30), experiment.seed, iter)
    found = trajectory.training.spectrum.values[:, 0] * 0.5 / 2
    assert found[0] < 0.2
    assert abs(np.median(found[len(found) // 2 :]) - 1) < 0.1
    assert np.abs(found[len(found) // 2 :] - 1).max() < 0.25
    # The loss falls all the same, and not at every step.
    assert (np.diff(trajectory.training.batch_losses) > 0).any()
    assert trajectory.training.batch_losses[-1] < 0.1


def test_a_run_says_what_the_eigenvalues_of_a_network_cost(tmp_path):
    (tmp_path / "moons.yaml").write_text(MOONS)
    command = ["run", str(tmp_path / "moons.yaml"), "--out", str(tmp_path), "--format", "svg"]
    result = call(*command)
    assert result.exit_code == 0, result.output
    assert "the eigenvalues at 4 steps of 2 optimizers take at least 168 products" in result.stderr
