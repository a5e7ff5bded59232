from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.optim import lr_scheduler

import gdsim
from gdsim import Objective, Stop, Trajectory, descend, loads, objective, simulate
from gdsim.config import Start
from gdsim.errors import ConfigError, InputError
from gdsim.simulation.experiments import check, starting_points

HIMMELBLAU = objective("himmelblau")
SPHERE = objective("sphere")
STARTS = [[-0.5, 4.2], [3.0, -3.5], [-4.0, -0.3], [0.1, 0.2], [4.9, -4.7]]

Disturb = Callable[[int], np.ndarray]


def plain(
    of: Objective,
    class_: type[torch.optim.Optimizer],
    start: Iterable[float],
    steps: int,
    *,
    schedule: Callable[[torch.optim.Optimizer], Any] | None = None,
    noise: Iterator[np.ndarray] | None = None,
    clip_norm: float | None = None,
    **arguments: Any,
) -> dict[str, np.ndarray]:
    """What everyone writes: one point, one leaf tensor, one loop."""
    x = torch.tensor(list(start), dtype=torch.float64)
    x = (x[None] if class_ is torch.optim.Muon else x).clone().requires_grad_()
    optimizer = class_([x], **arguments)
    scheduler = schedule(optimizer) if schedule else None
    rows: dict[str, list[Any]] = {"points": [], "values": [], "gradients": [], "learning_rates": []}
    evaluations = []
    calls = 0

    def closure() -> Tensor:
        nonlocal calls
        calls += 1
        optimizer.zero_grad()
        loss = of.f(x.reshape(-1))
        loss.backward()
        return loss

    for _ in range(steps + 1):
        loss = closure()
        rows["points"].append(x.detach().flatten().tolist())
        rows["values"].append(loss.item())
        rows["gradients"].append(x.grad.flatten().tolist())
        rows["learning_rates"].append(optimizer.param_groups[0]["lr"])
        evaluations.append(calls)
        if noise is not None:
            x.grad.add_(torch.from_numpy(next(noise)))
        if clip_norm is not None:
            torch.nn.utils.clip_grad_norm_([x], clip_norm)
        if class_ is torch.optim.SparseAdam:
            x.grad = x.grad.to_sparse()
        if class_ is torch.optim.LBFGS:
            calls -= 1  # it evaluates first where the loop has just done so
            optimizer.step(closure)
        else:
            optimizer.step()
        if isinstance(scheduler, lr_scheduler.ReduceLROnPlateau):
            scheduler.step(loss.item())
        elif scheduler is not None:
            scheduler.step()
    return {name: np.array(row) for name, row in rows.items()} | {"evaluations": np.array(evaluations)}


def assert_same(trajectory: Trajectory, expected: Mapping[str, np.ndarray], start: int) -> None:
    end = len(trajectory.values)
    if trajectory.stops[start].failed:
        end = int(trajectory.stop_steps[start]) + 1
    for name, rows in expected.items():
        np.testing.assert_array_equal(getattr(trajectory, name)[:end, start], rows[:end], err_msg=name)


OPTIONS: dict[str, list[dict[str, Any]]] = {
    "SGD": [
        {"lr": 0.003},
        {"lr": 0.003, "momentum": 0.9},
        {"lr": 0.003, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
        {"lr": 0.003, "momentum": 0.5, "dampening": 0.1, "foreach": True},
        {"lr": 0.003, "momentum": 0.9, "fused": True},
        {"lr": 1e-5, "maximize": True},
    ],
    "Adam": [
        {"lr": 0.1},
        {"lr": 0.1, "amsgrad": True, "weight_decay": 0.1},
        {"lr": 0.1, "decoupled_weight_decay": True, "weight_decay": 0.1},
        {"lr": 0.1, "foreach": True, "maximize": True},
        {"lr": 0.1, "fused": True},
        {"lr": 1, "betas": [0.5, 0.9], "eps": 1e-3},
    ],
    "AdamW": [{"lr": 0.1}, {"lr": 0.1, "amsgrad": True, "foreach": True}, {"lr": 0.1, "fused": True}],
    "Adamax": [{"lr": 0.1}, {"lr": 0.1, "foreach": True, "weight_decay": 0.2, "maximize": True}],
    "NAdam": [
        {"lr": 0.1},
        {"lr": 0.1, "decoupled_weight_decay": True, "weight_decay": 0.1, "momentum_decay": 0.01},
        {"lr": 0.1, "foreach": True},
    ],
    "RAdam": [
        {"lr": 0.1},
        {"lr": 0.1, "decoupled_weight_decay": True, "weight_decay": 0.1},
        {"lr": 0.1, "foreach": True},
    ],
    "SparseAdam": [{"lr": 0.1}, {"lr": 0.1, "maximize": True}],
    "Adagrad": [
        {"lr": 0.5},
        {"lr": 0.5, "lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.1},
        {"lr": 0.5, "foreach": True},
        {"lr": 0.5, "fused": True},
    ],
    "Adadelta": [{"lr": 5}, {"lr": 2, "weight_decay": 0.1, "foreach": True}],
    "RMSprop": [
        {"lr": 0.1},
        {"lr": 0.01, "centered": True, "momentum": 0.9, "weight_decay": 0.1},
        {"foreach": True},
    ],
    "Rprop": [{"lr": 0.1}, {"etas": [0.4, 1.3], "foreach": True}],
    "ASGD": [{"lr": 0.003}, {"lr": 0.003, "weight_decay": 0.1, "t0": 10, "foreach": True}],
    "Adafactor": [{"lr": 0.1}, {"lr": 0.1, "foreach": True, "weight_decay": 0.1}],
    "Muon": [{"lr": 0.1}, {"lr": 0.1, "adjust_lr_fn": "match_rms_adamw", "nesterov": False}],
    "LBFGS": [{}, {"lr": 0.1, "max_iter": 5}, {"line_search_fn": "strong_wolfe"}],
}
CASES = [pytest.param(name, options, id=f"{name}-{options}") for name in OPTIONS for options in OPTIONS[name]]


def test_every_class_of_torch_optim_is_among_the_cases() -> None:
    assert set(OPTIONS) == set(gdsim.config.signatures.optimizers())


@pytest.mark.parametrize(("name", "options"), CASES)
def test_a_path_is_that_of_the_plain_loop(name: str, options: dict[str, Any]) -> None:
    class_ = getattr(torch.optim, name)
    alone = descend(HIMMELBLAU, name, start=STARTS[0], steps=40, **options)
    several = descend(HIMMELBLAU, class_, start=STARTS, steps=40, **options)
    for index, start in enumerate(STARTS):
        expected = plain(HIMMELBLAU, class_, start, 40, **options)
        assert_same(several, expected, index)
        if index == 0:
            assert_same(alone, expected, 0)


@pytest.mark.parametrize("dim", [1, 3, 7])
@pytest.mark.parametrize("name", OPTIONS)
def test_a_path_is_that_of_the_plain_loop_in_any_dimension(name: str, dim: int) -> None:
    rastrigin = objective("rastrigin", dim=dim)
    points = np.random.default_rng(dim).uniform(-5, 5, (5, dim))
    several = descend(rastrigin, name, start=points, steps=10, lr=0.01)
    for index in (0, 4):
        assert_same(several, plain(rastrigin, getattr(torch.optim, name), points[index], 10, lr=0.01), index)


def test_all_optimizers_together_are_as_each_alone() -> None:
    lines = [f"  {name}: {{lr: 0.01}}" for name in OPTIONS]
    text = "\n".join(["objective: himmelblau", f"start: {STARTS[:3]}", "steps: 15", "optimizers:", *lines])
    for trajectory in simulate(loads(text)):
        class_ = getattr(torch.optim, trajectory.label)
        for index, start in enumerate(STARTS[:3]):
            assert_same(trajectory, plain(HIMMELBLAU, class_, start, 15, lr=0.01), index)


SCHEDULES: list[tuple[dict[str, Any], Callable[[Any], Any]]] = [
    ({"class": "StepLR", "step_size": 7}, lambda o: lr_scheduler.StepLR(o, 7)),
    (
        {"class": "MultiStepLR", "milestones": [5, 20], "gamma": 0.5},
        lambda o: lr_scheduler.MultiStepLR(o, [5, 20], 0.5),
    ),
    ({"class": "ConstantLR", "total_iters": 9}, lambda o: lr_scheduler.ConstantLR(o, total_iters=9)),
    ({"class": "LinearLR"}, lambda o: lr_scheduler.LinearLR(o)),
    ({"class": "ExponentialLR", "gamma": 0.9}, lambda o: lr_scheduler.ExponentialLR(o, 0.9)),
    ({"class": "PolynomialLR", "total_iters": 30}, lambda o: lr_scheduler.PolynomialLR(o, 30)),
    ({"class": "CosineAnnealingLR", "T_max": 40}, lambda o: lr_scheduler.CosineAnnealingLR(o, 40)),
    (
        {"class": "CosineAnnealingWarmRestarts", "T_0": 9, "T_mult": 2},
        lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 9, 2),
    ),
    (
        {"class": "CyclicLR", "base_lr": 0.001, "max_lr": 0.01, "step_size_up": 6},
        lambda o: lr_scheduler.CyclicLR(o, 0.001, 0.01, 6),
    ),
    (
        {"class": "OneCycleLR", "max_lr": 0.01, "total_steps": 50},
        lambda o: lr_scheduler.OneCycleLR(o, 0.01, 50),
    ),
    (
        {"class": "ReduceLROnPlateau", "patience": 2, "factor": 0.5},
        lambda o: lr_scheduler.ReduceLROnPlateau(o, patience=2, factor=0.5),
    ),
    (
        {
            "class": "SequentialLR",
            "schedulers": [
                {"class": "LinearLR", "total_iters": 10},
                {"class": "ExponentialLR", "gamma": 0.95},
            ],
            "milestones": [10],
        },
        lambda o: lr_scheduler.SequentialLR(
            o, [lr_scheduler.LinearLR(o, total_iters=10), lr_scheduler.ExponentialLR(o, 0.95)], [10]
        ),
    ),
    (
        {
            "class": "ChainedScheduler",
            "schedulers": [{"class": "ConstantLR"}, {"class": "ExponentialLR", "gamma": 0.95}],
        },
        lambda o: lr_scheduler.ChainedScheduler([lr_scheduler.ConstantLR(o), lr_scheduler.ExponentialLR(o, 0.95)]),
    ),
    (
        {"class": "LambdaLR", "lr_lambda": lambda step: 1 / (1 + step)},
        lambda o: lr_scheduler.LambdaLR(o, lambda step: 1 / (1 + step)),
    ),
    (
        {"class": "MultiplicativeLR", "lr_lambda": lambda step: 0.9},  # noqa: ARG005
        lambda o: lr_scheduler.MultiplicativeLR(o, lambda step: 0.9),  # noqa: ARG005
    ),
]


def test_every_schedule_is_among_the_cases() -> None:
    assert {schedule["class"] for schedule, _ in SCHEDULES} == set(gdsim.config.signatures.schedules())


@pytest.mark.parametrize(("schedule", "build"), SCHEDULES, ids=[each["class"] for each, _ in SCHEDULES])
@pytest.mark.parametrize("name", ["SGD", "Adam", "Adafactor"])
def test_a_scheduled_path_is_that_of_the_plain_loop(
    name: str, schedule: dict[str, Any], build: Callable[[Any], Any]
) -> None:
    if name == "Adafactor" and schedule["class"] in {"CyclicLR", "OneCycleLR"}:
        pytest.skip("these two turn a momentum, which Adafactor does not have")
    options = {"lr": 0.004, "momentum": 0.9} if name == "SGD" else {"lr": 0.1}
    several = descend(HIMMELBLAU, name, start=STARTS, steps=40, schedule=schedule, **options)
    for index, start in enumerate(STARTS):
        expected = plain(HIMMELBLAU, getattr(torch.optim, name), start, 40, schedule=build, **options)
        assert_same(several, expected, index)


@pytest.mark.parametrize("name", ["SGD", "Adam", "Adafactor", "Muon", "SparseAdam"])
@pytest.mark.parametrize("dim", [1, 2, 5, 17])
def test_clipping_is_that_of_torch_on_each_start_alone(name: str, dim: int) -> None:
    rosenbrock = objective("rastrigin", dim=dim)
    points = np.random.default_rng(dim).uniform(-5, 5, (6, dim))
    several = descend(rosenbrock, name, start=points, steps=20, lr=0.1, clip_norm=0.7)
    for index, start in enumerate(points):
        expected = plain(rosenbrock, getattr(torch.optim, name), start, 20, lr=0.1, clip_norm=0.7)
        assert_same(several, expected, index)


def noises(of: Objective, label: str, points: Any, deviation: float) -> list[list[np.ndarray]]:
    """The noise that each start of plain SGD with lr 1 was given, read off its steps."""
    path = descend(of, "SGD", start=points, steps=150, lr=1.0, noise=deviation, label=label, seed=3)
    return [list(-np.diff(path.points[:, start], axis=0)) for start in range(len(points))]


def test_noise_is_normal_and_added_to_the_true_gradient() -> None:
    # On a plateau only the noise moves a point, so that the steps are the noise itself.
    flat = replace(SPHERE, f=lambda x: (x * 0.0).sum(-1))
    noise = np.array(noises(flat, "SGD", [[0.0, 0.0]] * 40, 2.0))
    assert noise.shape == (40, 150, 2)
    assert abs(noise.mean()) < 4 * 2 / noise.size**0.5
    assert abs(noise.std() / 2 - 1) < 4 / (2 * noise.size) ** 0.5
    assert abs(np.corrcoef(noise[:-1].ravel(), noise[1:].ravel())[0, 1]) < 4 / noise.size**0.5


@pytest.mark.parametrize("clip_norm", [None, 1.5])
@pytest.mark.parametrize("name", ["SGD", "Adam", "Adafactor", "Muon"])
def test_a_noisy_path_is_that_of_the_plain_loop(name: str, clip_norm: float | None) -> None:
    from gdsim.optimizers import rng

    path = descend(
        HIMMELBLAU, name, start=STARTS, steps=150, lr=0.004, noise=2.5, seed=7, clip_norm=clip_norm, label="n"
    )
    for index, start in enumerate(STARTS):
        noise = iter(2.5 * rng("noise n", 7, index).standard_normal((151, 2)))
        class_ = getattr(torch.optim, name)
        expected = plain(HIMMELBLAU, class_, start, 150, lr=0.004, noise=noise, clip_norm=clip_norm)
        assert_same(path, expected, index)


def test_noise_depends_on_seed_label_and_start_alone() -> None:
    def ends(label: str = "a", seed: int = 0, points: Any = STARTS) -> np.ndarray:
        return descend(HIMMELBLAU, "SGD", start=points, steps=9, lr=0.001, noise=1, label=label, seed=seed).points[-1]

    np.testing.assert_array_equal(ends(), ends())
    np.testing.assert_array_equal(ends()[:2], ends(points=STARTS[:2]))
    assert not np.isclose(ends(), ends(label="b")).any()
    assert not np.isclose(ends(), ends(seed=1)).any()
    twins = ends(points=[STARTS[0]] * 2)
    assert not np.isclose(twins[0], twins[1]).any()


def test_noise_within_a_step_is_one_draw_for_all_evaluations_of_a_closure() -> None:
    # With a constant noise the objective is a tilted bowl, whose lowest point one step of LBFGS finds.
    path = descend(SPHERE, "LBFGS", start=[1.0, 2.0], steps=1, noise=0.3, line_search_fn="strong_wolfe", label="l")
    from gdsim.optimizers import rng

    tilt = 0.3 * rng("noise l", 0, 0).standard_normal((1, 2))[0]
    np.testing.assert_allclose(path.points[1, 0], -tilt / 2, atol=1e-6)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    chosen=st.lists(st.sampled_from(["SGD", "Adam", "Adafactor", "RMSprop", "Muon"]), min_size=1, unique=True),
    count=st.integers(1, 6),
    noise=st.sampled_from([0.0, 0.7]),
    clip_norm=st.sampled_from([None, 2.0]),
    seed=st.integers(0, 2**62),
)
def test_neither_labels_nor_starts_change_each_other(
    chosen: list[str], count: int, noise: float, clip_norm: float | None, seed: int
) -> None:
    clip = "" if clip_norm is None else f", clip_norm: {clip_norm}"
    head = ["objective: himmelblau", "steps: 12", f"seed: {seed}", "optimizers:"]
    lines = [f"  {name}: {{lr: 0.01, noise: {noise}{clip}}}" for name in chosen]
    together = simulate(loads("\n".join([f"start: {{random: {count}}}", *head, *lines])))
    for trajectory, line in zip(together, lines, strict=True):
        first = [list(map(float, trajectory.points[0, 0]))]
        (alone,) = simulate(loads("\n".join([f"start: {first}", *head, line])))
        np.testing.assert_array_equal(trajectory.points[:, :1], alone.points)
        np.testing.assert_array_equal(trajectory.gradients[:, :1], alone.gradients)


def test_sgd_on_a_quadratic_has_its_closed_form() -> None:
    quadratic = objective("quadratic", condition=50.0, rotation=30.0)
    start = np.array([1.5, -2.0])
    path = descend(quadratic, "SGD", start=start, steps=80, lr=0.03)
    _, hessian = quadratic.gradients(np.eye(2))  # the gradient is linear, with no constant term
    factors, axes = np.linalg.eigh(hessian)
    steps = np.arange(81)[:, None]
    expected = (axes.T @ start * (1 - 0.03 * factors) ** steps) @ axes.T
    np.testing.assert_allclose(path.points[:, 0], expected, rtol=1e-9, atol=1e-13)


def test_plain_sgd_moves_exactly_against_the_recorded_gradient() -> None:
    path = descend(HIMMELBLAU, "SGD", start=STARTS, steps=100, lr=0.01)
    points, gradients = torch.from_numpy(path.points), torch.from_numpy(path.gradients)
    np.testing.assert_array_equal(path.points[1:], points[:-1].add(gradients[:-1], alpha=-0.01).numpy())
    moves = np.diff(path.points, axis=0)
    moving = np.linalg.norm(moves, axis=-1) > 1e-6
    moves, uphill = moves[moving], path.gradients[:-1][moving]
    cosines = (moves * uphill).sum(-1) / (np.linalg.norm(moves, axis=-1) * np.linalg.norm(uphill, axis=-1))
    np.testing.assert_allclose(cosines, -1, atol=1e-12)


def test_what_is_recorded_is_the_objective_at_the_points() -> None:
    path = descend(HIMMELBLAU, "Adam", start=STARTS, steps=30, lr=0.3, noise=5, clip_norm=1)
    values, gradients = HIMMELBLAU.gradients(path.points)
    np.testing.assert_array_equal(path.values, values)
    np.testing.assert_array_equal(path.gradients, gradients)


def test_a_descent_has_the_shapes_and_the_text_it_promises() -> None:
    path = descend(HIMMELBLAU, "SGD", start=STARTS, steps=7, lr=0.01, momentum=0.9)
    assert path.points.shape == path.gradients.shape == (8, 5, 2)
    assert path.values.shape == path.learning_rates.shape == path.evaluations.shape == (8, 5)
    assert path.stop_steps.tolist() == [7] * 5
    assert path.stops == (Stop.RAN,) * 5
    assert path.label == "SGD"
    assert path.settings == "SGD · lr 0.01 · momentum 0.9"
    assert path.color is None
    assert path.evaluations[:, 0].tolist() == list(range(1, 9))


def test_no_steps_record_the_start() -> None:
    path = descend(HIMMELBLAU, "Adam", start=STARTS[0], steps=0)
    assert path.points.tolist() == [[STARTS[0]]]
    assert path.stops == (Stop.RAN,)


def test_a_path_at_rest_has_converged_when_it_came_to_rest() -> None:
    path = descend(SPHERE, "SGD", start=[[1.0, 1.0], [0.0, 0.0], [1.0, 1e-300]], steps=30, lr=0.5)
    assert path.stops == (Stop.CONVERGED,) * 3
    assert path.stop_steps.tolist() == [1, 0, 1]
    still_moving = descend(SPHERE, "SGD", start=[1.0, 1.0], steps=1, lr=0.5)
    assert still_moving.stops == (Stop.RAN,)


@pytest.mark.parametrize(
    "schedule",
    [
        {"class": "LinearLR", "start_factor": 1.0, "end_factor": 0.0, "total_iters": 10},
        {"class": "CyclicLR", "base_lr": 0.0, "max_lr": 0.01, "step_size_up": 5},
    ],
)
def test_a_learning_rate_of_zero_is_no_rest(schedule: dict[str, Any]) -> None:
    slope = replace(SPHERE, f=lambda x: x.sum(-1))
    path = descend(slope, "SGD", start=[1.0, 1.0], steps=11, lr=0.01, momentum=0.0, schedule=schedule)
    np.testing.assert_array_equal(path.points[-1], path.points[-2])
    assert path.learning_rates[-2, 0] == 0
    assert path.stops == (Stop.RAN,)
    assert path.stop_steps.tolist() == [11]


def test_a_rest_before_the_learning_rate_is_zero_is_one() -> None:
    schedule = {"class": "LinearLR", "start_factor": 1.0, "end_factor": 0.0, "total_iters": 10}
    path = descend(SPHERE, "SGD", start=[1.0, 1.0], steps=30, lr=0.5, schedule=schedule)
    assert path.stops == (Stop.CONVERGED,)
    assert (path.points[path.stop_steps[0] :] == 0).all()
    assert path.stop_steps[0] < 10
    assert descend(SPHERE, "SGD", start=[1.0, 1.0], steps=30, lr=0.0).stops == (Stop.RAN,)


@pytest.mark.parametrize("company", [[], [[1.0, 1.0], [-3e6, 2.0]]])
def test_a_start_far_away_is_none_that_has_diverged(company: list[list[float]]) -> None:
    path = descend(SPHERE, "SGD", start=[[20000.0, 0.0], *company], steps=300, lr=0.1)
    assert set(path.stops) == {Stop.RAN}
    assert np.abs(path.points[-1]).max() < 1e-12


def test_one_start_far_away_lets_no_other_go_further() -> None:
    alone = descend(SPHERE, "SGD", start=[[1.0, 0.0]], steps=40, lr=1.5)
    both = descend(SPHERE, "SGD", start=[[1.0, 0.0], [1e7, 0.0]], steps=40, lr=1.5)
    assert both.stops == (Stop.DIVERGED,) * 2
    assert both.stop_steps[0] == alone.stop_steps[0]
    np.testing.assert_array_equal(both.points[:, :1], alone.points)
    end = int(both.stop_steps[1])
    high = SPHERE.bounds[0, 1]
    assert abs(both.points[end, 1, 0]) <= 1e7 + 1000 * (1e7 + high) < 2 * abs(both.points[end, 1, 0])


@pytest.fixture
def terrain(tmp_path: Path) -> Objective:
    """A slope of −1 along x, known from 0 to 3 and from 0 to 2."""
    np.save(tmp_path / "terrain.npy", np.tile(np.linspace(3.0, 0.0, 31), (21, 1)))
    return objective(tmp_path / "terrain.npy", bounds=[[0, 3], [0, 2]])


@pytest.mark.parametrize("name", ["SGD", "Adam", "Adafactor", "LBFGS"])
def test_a_start_that_leaves_what_was_measured_says_so(terrain: Objective, name: str) -> None:
    path = descend(terrain, name, start=[[1.0, 1.0], [2.5, 0.4]], steps=200, lr=0.05)
    assert path.stops == (Stop.LEFT,) * 2
    for start in range(2):
        end = int(path.stop_steps[start])
        assert end < 200
        assert path.points[end, start, 0] <= 3
        assert np.isfinite(path.values[:, start]).all()
        assert (path.points[end:, start] == path.points[end, start]).all()
    if name == "SGD":
        assert path.stopped_at(0) == 41
        assert path.stopped_at(1) == 11


def test_a_start_outside_of_what_was_measured_has_left_it(terrain: Objective) -> None:
    path = descend(terrain, "SGD", start=[[1.0, 2.5], [0.0, 2.0]], steps=3, lr=0.05)
    assert path.stops == (Stop.LEFT, Stop.RAN)
    assert path.stopped_at(0) == 0


def test_divergence_stops_a_start_and_no_other() -> None:
    cliff = replace(SPHERE, f=lambda x: (x * x).sum(-1) * (x[..., 0] + 1.0).log() / (x[..., 0] + 1.0).log())
    points = [[1.0, 1.0], [-0.5, 0.0], [2.0, -1.0], [-2.0, 0.0]]
    for name in ("SGD", "Adafactor", "LBFGS"):
        options = {"lr": 0.9} if name == "SGD" else {"lr": 0.1}
        path = descend(cliff, name, start=points, steps=20, **options)
        for index, start in enumerate(points):
            assert_same(path, plain(cliff, getattr(torch.optim, name), start, 20, **options), index)
        assert path.stops[3] is Stop.UNDEFINED
        assert path.stop_steps[3] == 0
        assert np.isnan(path.values[:, 3]).all()


@pytest.mark.parametrize("name", ["SGD", "Adafactor", "LBFGS"])
def test_rows_after_a_divergence_repeat_the_last_real_one(name: str) -> None:
    options = {"lr": 0.3, "max_iter": 2} if name == "LBFGS" else {"lr": 0.3}
    brink = replace(SPHERE, f=lambda x: x[..., 0].log() + x[..., 1] * x[..., 1])
    path = descend(brink, name, start=[1.0, 1.0], steps=200, **options)
    assert path.stops == (Stop.UNDEFINED,)
    end = path.stop_steps[0]
    assert 0 < end < 100
    assert np.isfinite(path.points).all()
    assert np.isfinite(path.gradients).all()
    for name in ("points", "values", "gradients", "learning_rates", "evaluations"):
        rows = getattr(path, name)[end:, 0]
        np.testing.assert_array_equal(rows, np.broadcast_to(rows[0], rows.shape))
    assert_same(path, plain(brink, getattr(torch.optim, path.label), [1.0, 1.0], int(end), **options), 0)


def test_a_value_that_is_infinite_has_diverged_and_is_not_undefined() -> None:
    pole = replace(SPHERE, f=lambda x: -1 / (x * x).sum(-1))
    assert descend(pole, "SGD", start=[0.0, 0.0], steps=3, lr=0.1).stops == (Stop.DIVERGED,)


@pytest.mark.parametrize(
    ("objective", "start", "key"),
    [
        ("log(x) + y**2", "[[3, 1], [-2, 1]]", "start"),
        ("log(x) + y**2", "", "objective"),
        ("asin(x)", "[1]", "start"),
        ("1/x", "[0]", "start"),
        ("log(x - 9)", "{random: 3}", "start"),
        ("log(-1 - x**2)", "{grid: [4]}", "start"),
    ],
)
def test_a_start_where_nothing_is_defined_is_found_before_a_step(objective: str, start: str, key: str) -> None:
    text = f"objective: {{expression: {objective}}}\nsteps: 5\noptimizers: {{SGD: }}\n"
    experiment = loads(text + (f"start: {start}\n" if start else ""), file="bad.yaml")
    for verb in (check, simulate):
        with pytest.raises(ConfigError) as caught:
            verb(experiment)
        assert caught.value.key[:1] == (key,)


def test_of_spread_starts_those_where_nothing_is_defined_end_at_once() -> None:
    experiment = loads("{objective: {expression: log(x)}, start: {grid: [4]}, steps: 3, optimizers: {SGD: }}")
    check(experiment)
    (path,) = simulate(experiment)
    assert path.stops == (Stop.UNDEFINED, Stop.UNDEFINED, Stop.RAN, Stop.RAN)
    assert [path.stopped_at(start) for start in range(4)] == [0, 0, 3, 3]


def test_a_start_that_leaves_for_good_has_diverged_before_it_is_infinite() -> None:
    path = descend(SPHERE, "SGD", start=[1.0, 0.0], steps=40, lr=1.5)  # each step doubles and turns it
    low, high = SPHERE.bounds[0]
    limit = high + 1000 * (high - low)
    assert path.stops == (Stop.DIVERGED,)
    end = int(path.stop_steps[0])
    assert abs(path.points[end, 0, 0]) == 2.0**end
    assert 2.0**end <= limit < 2.0 ** (end + 1)


def test_stepping_ends_when_no_start_is_finite() -> None:
    counted = []

    def progress(steps: Iterable[int]) -> Iterator[int]:
        assert len(steps) == 100_001  # type: ignore[arg-type]
        for step in steps:
            counted.append(step)
            yield step

    path = descend(SPHERE, "SGD", start=[[1.0, 1.0]], steps=100_000, lr=100.0, progress=progress)
    assert path.stops == (Stop.DIVERGED,)
    assert len(counted) < 300
    assert len(path.points) == 100_001


def test_a_line_search_that_fails_in_infinity_ends_its_start_alone() -> None:
    cubic = objective("cubic")
    points = np.linspace(*cubic.bounds[0], 20)[:, None]
    path = descend(cubic, "LBFGS", start=points, steps=15, line_search_fn="strong_wolfe")
    assert set(path.stops) == {Stop.CONVERGED, Stop.DIVERGED}


THIRD_PARTY = ["Lion", "AdaBelief", "DAdaptLion", "Prodigy", "Lamb", "SM3", "ScheduleFreeAdamW", "AdaBound"]


@pytest.mark.parametrize("name", THIRD_PARTY)
def test_a_third_partys_path_is_that_of_the_plain_loop(name: str) -> None:
    pytorch_optimizer = pytest.importorskip("pytorch_optimizer")
    class_ = getattr(pytorch_optimizer, name)

    def built(parameters: list[Tensor], **arguments: Any) -> torch.optim.Optimizer:
        optimizer = class_(parameters, **arguments)
        if hasattr(optimizer, "train"):
            optimizer.train()
        return optimizer

    path = descend(HIMMELBLAU, f"pytorch_optimizer.{name}", start=STARTS[:3], steps=300)
    assert path.label == name
    for index, start in enumerate(STARTS[:3]):
        assert_same(path, plain(HIMMELBLAU, built, start, 300), index)  # type: ignore[arg-type]


class Turncoat(torch.optim.SGD):
    """Plain SGD for 100 steps, then one whose step depends on everything in the tensor."""

    def __init__(self, params: Any, lr: float = 0.001) -> None:
        super().__init__(params, lr)
        self.steps = 0

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        self.steps += 1
        if self.steps > 100:
            for parameter in self.param_groups[0]["params"]:
                parameter.grad /= 1 + parameter.grad.norm()
        super().step(closure)


class Impatient(torch.optim.SGD):
    """SGD with momentum, whose state all parameters of an instance share."""

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        self.count = getattr(self, "count", 0) + len(self.param_groups[0]["params"])
        for parameter in self.param_groups[0]["params"]:
            parameter.grad /= self.count * parameter.grad.norm()
        super().step(closure)


class Drunkard(torch.optim.SGD):
    """SGD that draws its own random numbers."""

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for parameter in self.param_groups[0]["params"]:
            parameter.grad += torch.randn_like(parameter)
        super().step(closure)


@pytest.mark.parametrize("class_", [Turncoat, Impatient])
def test_an_unknown_class_is_never_batched_wrongly(class_: type[torch.optim.Optimizer]) -> None:
    path = descend(HIMMELBLAU, class_, start=STARTS, steps=160, lr=0.001)
    for index, start in enumerate(STARTS):
        assert_same(path, plain(HIMMELBLAU, class_, start, 160, lr=0.001), index)


def test_a_class_that_draws_random_numbers_draws_them_for_each_start() -> None:
    before = torch.get_rng_state()
    several = descend(HIMMELBLAU, Drunkard, start=STARTS, steps=30, lr=0.001)
    alone = descend(HIMMELBLAU, Drunkard, start=STARTS[:1], steps=30, lr=0.001)
    other = descend(HIMMELBLAU, Drunkard, start=STARTS[:1], steps=30, lr=0.001, seed=1)
    np.testing.assert_array_equal(several.points[:, :1], alone.points)
    assert not np.isclose(alone.points[-1], other.points[-1]).any()
    assert torch.equal(torch.get_rng_state(), before)


def test_threads_are_restored_also_after_an_error() -> None:
    torch.set_num_threads(2)
    try:
        descend(SPHERE, "SGD", start=[1.0, 1.0], steps=1)
        assert torch.get_num_threads() == 2
        with pytest.raises(InputError):
            descend(SPHERE, "SGD", start=[1.0, 1.0], steps=1, lr=-1)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)


def test_an_interrupt_passes_through() -> None:
    def interrupted(steps: Iterable[int]) -> Iterator[int]:
        yield from list(steps)[:3]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        descend(SPHERE, "Adam", start=[1.0, 1.0], steps=10, progress=interrupted)


def test_descending_works_where_gradients_are_switched_off() -> None:
    with torch.no_grad():
        path = descend(SPHERE, "LBFGS", start=[1.0, 1.0], steps=3)
    assert path.values[-1, 0] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("changes", "key", "code"),
    [
        ({"start": [1.0]}, ("start",), "invalid-value"),
        ({"start": [np.nan, 1.0]}, ("start",), "invalid-value"),
        ({"start": []}, ("start",), "invalid-value"),
        ({"start": "here"}, ("start",), "wrong-type"),
        ({"steps": -1}, ("steps",), "invalid-value"),
        ({"steps": 2.5}, ("steps",), "invalid-value"),
        ({"steps": None}, ("steps",), "invalid-value"),
        ({"seed": -1}, ("seed",), "invalid-value"),
        ({"seed": 0.5}, ("seed",), "invalid-value"),
        ({"steps": 10**9}, ("steps",), "too-large"),
        ({"noise": -1.0}, ("optimizers", "SGD", "noise"), "invalid-value"),
        ({"noise": np.nan}, ("optimizers", "SGD", "noise"), "invalid-value"),
        ({"clip_norm": 0.0}, ("optimizers", "SGD", "clip_norm"), "invalid-value"),
    ],
)
def test_bad_arguments_are_refused(changes: dict[str, Any], key: tuple[str, ...], code: str) -> None:
    arguments: dict[str, Any] = {"start": [1.0, 1.0], "steps": 1} | changes
    with pytest.raises(InputError) as caught:
        descend(SPHERE, "SGD", **arguments)
    assert (caught.value.key, caught.value.code) == (key, code)


EXPERIMENT = """\
objective: himmelblau
start: {random: 3}
steps: 20
seed: 5
optimizers:
  SGD: {lr: 0.01, color: "#0072B2"}
  Cosine: {class: Adam, lr: 0.3, schedule: {class: CosineAnnealingLR, T_max: 20}, noise: 0.5, clip_norm: 1}
"""


def test_an_experiment_is_simulated_as_it_says() -> None:
    sgd, cosine = simulate(loads(EXPERIMENT))
    assert (sgd.label, sgd.color, sgd.settings) == ("SGD", "#0072b2", "SGD · lr 0.01")
    assert cosine.settings == "Adam · lr 0.3 · CosineAnnealingLR · noise 0.5 · clip 1"
    np.testing.assert_array_equal(sgd.points[0], starting_points(Start(random=3), HIMMELBLAU, 5))
    np.testing.assert_array_equal(sgd.points[0], cosine.points[0])
    assert cosine.learning_rates[0, 0] == 0.3
    assert cosine.learning_rates[20, 0] == pytest.approx(0, abs=1e-12)


SEVERAL = """\
objective: []
start: {random: 3}
steps: 20
seed: 5
optimizers:
  SGD: {lr: 0.01, color: "#0072B2"}
  Cosine: {class: Adam, lr: 0.3, schedule: {class: CosineAnnealingLR, T_max: 20}, noise: 0.5, clip_norm: 1}
  Adafactor:
  LBFGS: {max_iter: 3}
  Plateau: {class: SGD, lr: 0.01, schedule: ReduceLROnPlateau}
"""


LINES = ("himmelblau", "{name: rastrigin, dim: 3}", "beale", "{name: himmelblau, bounds: [[0, 2], [0, 2]]}")


def test_every_objective_is_descended_as_it_is_alone() -> None:
    several = simulate(loads(SEVERAL, overrides=[f"objective=[{', '.join(LINES)}]"]))
    labels = ["SGD", "Cosine", "Adafactor", "LBFGS", "Plateau"]
    assert [each.label for each in several] == labels * 4
    for index, line in enumerate(LINES):
        alone = simulate(loads(SEVERAL, overrides=[f"objective={line}"]))
        for found, expected in zip(several[5 * index : 5 * index + 5], alone, strict=True):
            assert found.objective.title == expected.objective.title
            assert (found.label, found.settings, found.color) == (expected.label, expected.settings, expected.color)
            assert found.stops == expected.stops
            for name in ("points", "values", "gradients", "learning_rates", "evaluations", "stop_steps"):
                np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


def test_without_a_start_every_objective_has_its_own() -> None:
    paths = simulate(loads("{objective: [himmelblau, {name: sphere, dim: 3}, sine], steps: 2, optimizers: {SGD: }}"))
    for path in paths:
        np.testing.assert_array_equal(path.points[0], [path.objective.start])


def test_steps_are_tracked_once_an_objective() -> None:
    asked: list[int] = []

    def progress(steps: Iterable[int]) -> Iterable[int]:
        asked.append(len(list(steps)))
        return steps

    simulate(loads("{objective: [himmelblau, beale], steps: 7, optimizers: {SGD: , Adam: }}"), progress=progress)
    assert asked == [8, 8]


def test_mistakes_with_several_objectives_come_at_once_and_each_once() -> None:
    text = """\
objective:
  - sphere
  - {expression: "log(x) + y"}
  - {expression: "sqrt(x) + y", bounds: [[-5, -1], [0, 1]]}
steps: 5
optimizers:
  SGD: {lr: -1}
  Adam: {schedule: {class: StepLR, step_size: 0}}
"""
    for verb in (simulate, check):
        with pytest.raises(ConfigError) as caught:
            verb(loads(text, file="bad.yaml"))
        places = [str(problem).split(": ")[:2] for problem in caught.value.problems]
        assert sorted(places) == [
            ["bad.yaml:3:5", "objective.1"],
            ["bad.yaml:4:5", "objective.2"],
            ["bad.yaml:7:8", "optimizers.SGD"],
        ]
    with pytest.raises(ConfigError) as caught:
        check(
            loads(
                "{objective: [sphere, beale], steps: 5, optimizers: {SGD: {schedule: {class: StepLR, step_size: 0}}}}"
            )
        )
    assert len(caught.value.problems) == 1


def test_mistakes_of_all_optimizers_come_with_their_places() -> None:
    text = EXPERIMENT.replace("lr: 0.01", "lr: -1").replace("T_max: 20", "T_max: 20, last_epoch: 3")
    for verb in (simulate, check):
        with pytest.raises(ConfigError) as caught:
            verb(loads(text, file="bad.yaml"))
        first, second = map(str, caught.value.problems)
        assert first.startswith("bad.yaml:6:")
        assert second.startswith("bad.yaml:7:")


def test_a_schedule_that_ends_too_early_is_told_with_its_place() -> None:
    text = EXPERIMENT.replace("CosineAnnealingLR, T_max: 20", "OneCycleLR, max_lr: 1, total_steps: 5")
    for verb in (simulate, check):
        with pytest.raises(ConfigError, match=r"^bad\.yaml:7:.*OneCycleLR"):
            verb(loads(text, file="bad.yaml"))


def test_checking_finds_every_schedule_that_cannot_go_on() -> None:
    text = """\
objective: himmelblau
steps: 50
optimizers:
  SGD: {schedule: {class: StepLR, step_size: 0}}
  Adam: {schedule: {class: OneCycleLR, max_lr: 1, total_steps: 50}}
  LBFGS: {schedule: {class: OneCycleLR, max_lr: 1, total_steps: 49, cycle_momentum: false}}
  Muon: {schedule: {class: SequentialLR, milestones: [9], schedulers: [LinearLR, {class: StepLR, step_size: 0}]}}
  Plateau: {class: SGD, schedule: ReduceLROnPlateau}
"""
    with pytest.raises(ConfigError) as caught:
        check(loads(text, file="bad.yaml"))
    places = [str(problem).partition(": ")[0] for problem in caught.value.problems]
    assert [place.split(":")[1] for place in places] == ["4", "6", "7"]


def test_checking_takes_no_step(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[object] = []
    for class_ in (torch.optim.SGD, torch.optim.Adam):
        step = class_.step
        monkeypatch.setattr(class_, "step", lambda *args, step=step: (taken.append(args), step(*args))[1])
    text = "{objective: himmelblau, steps: 1000000, optimizers: {SGD: , Adam: }}"
    check(loads(text))
    probe = len(taken)
    check(loads(text.replace("1000000", "1")))
    assert len(taken) == 2 * probe < 20  # however many steps are asked for


def test_no_start_means_the_objectives_own() -> None:
    np.testing.assert_array_equal(starting_points(None, HIMMELBLAU), [HIMMELBLAU.start])


def test_points_are_as_given() -> None:
    np.testing.assert_array_equal(starting_points(Start(points=STARTS), HIMMELBLAU), STARTS)


def test_a_grid_is_inset_by_half_a_cell() -> None:
    unit = objective("sphere", bounds=[[0, 4], [10, 20]])
    expected = [[1, 12.5], [1, 17.5], [3, 12.5], [3, 17.5]]
    np.testing.assert_allclose(starting_points(Start(grid=[2, 2]), unit), expected)
    np.testing.assert_allclose(starting_points(Start(grid=[1, 1]), unit), [[2, 15]])


@given(count=st.integers(1, 40), more=st.integers(0, 40), seed=st.integers(0, 2**63 - 1))
def test_random_starts_are_in_the_view_and_the_first_stay_the_first(count: int, more: int, seed: int) -> None:
    few, many = (starting_points(Start(random=n), HIMMELBLAU, seed) for n in (count, count + more))
    np.testing.assert_array_equal(few, many[:count])
    assert ((many >= HIMMELBLAU.bounds[:, 0]) & (many <= HIMMELBLAU.bounds[:, 1])).all()
    assert len(np.unique(many, axis=0)) == len(many)


def test_random_starts_fill_the_view_evenly() -> None:
    sample = starting_points(Start(random=4000), objective("sphere", bounds=[[0, 1], [0, 1]]))
    np.testing.assert_allclose(sample.mean(0), 0.5, atol=0.03)
    np.testing.assert_allclose(sample.var(0), 1 / 12, atol=0.005)
