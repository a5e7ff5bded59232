"""The recorded state of optimizers, against `optimizer.state` in plain loops."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import gdsim
from gdsim.errors import InputError
from gdsim.simulation import read

STARTS = [[-1.0, 1.0], [0.3, 0.5], [1.2, 1.1]]
STEPS = 12
CLASSES = sorted(name for name, each in vars(torch.optim).items() if isinstance(each, type) and name != "Optimizer")
SETTINGS: dict[str, dict[str, Any]] = {
    "SGD": {"lr": 1e-3, "momentum": 0.9},
    "RMSprop": {"momentum": 0.5, "centered": True},
    "Adam": {"amsgrad": True},
    "ASGD": {"lr": 1e-3, "t0": 5},
    "LBFGS": {"max_iter": 3},
}
THIRD = {"pytorch_optimizer.Lion": {}, "pytorch_optimizer.Shampoo": {"lr": 1e-3}}


def held(class_: type[torch.optim.Optimizer], start: list[float], **settings: Any) -> list[dict[str, Any]]:
    """Copies of `optimizer.state` of the only parameter after each step of a plain loop."""
    f = gdsim.objective("rosenbrock").f
    x = torch.tensor(start, dtype=torch.float64)
    x = (x[None] if class_ is torch.optim.Muon else x).clone().requires_grad_()
    optimizer = class_([x], **settings)
    rows = []

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = f(x.reshape(-1))
        loss.backward()
        if class_ is torch.optim.SparseAdam:
            x.grad = x.grad.to_sparse()
        return loss

    for _ in range(STEPS):
        closure()
        optimizer.step(closure if class_ is torch.optim.LBFGS else None)
        rows.append(
            {name: each.clone() if isinstance(each, Tensor) else each for name, each in optimizer.state[x].items()}
        )
    return rows


def check_equal(state: np.ndarray, rows: list[dict[str, Any]], name: str) -> None:
    """Require equal bits in all rows in which the loop holds something of this name, and NaN in the others."""
    for k, row in enumerate(rows):
        if isinstance(row.get(name), Tensor | int | float):
            np.testing.assert_array_equal(state[k], torch.as_tensor(row[name]).double().numpy().reshape(state[k].shape))
        else:
            assert np.isnan(state[k]).all()
    assert np.isnan(state[STEPS:]).all()


@pytest.mark.parametrize("name", [*CLASSES, *THIRD])
def test_state_equals_that_of_a_plain_loop_bit_for_bit(name: str) -> None:
    settings = SETTINGS.get(name) or THIRD.get(name, {})
    if name in THIRD:
        pytest.importorskip("pytorch_optimizer")
    module, _, short = name.rpartition(".")
    class_ = getattr(torch.optim if not module else __import__(module), short)
    path = gdsim.descend("rosenbrock", name, start=STARTS, steps=STEPS, record="state", **settings)
    for start, point in enumerate(STARTS):
        rows = held(class_, point, **settings)
        fixed = {key for row in rows for key, each in row.items() if isinstance(each, Tensor | int | float)}
        assert path.state.keys() - {"effective_rate", "trust"} == fixed
        for key in fixed:
            assert path.state[key].shape[:2] == (STEPS + 1, len(STARTS))
            check_equal(path.state[key][:, start], rows, key)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("SGD", {"lr": 1e-3}),
        ("ASGD", {"lr": 1e-3, "lambd": 0.0}),
        ("Adam", {"lr": 0.02, "betas": [0.0, 0.99]}),
        ("Adam", {"lr": 0.02, "betas": [0.0, 0.9], "amsgrad": True}),
        ("AdamW", {"lr": 0.02, "betas": [0.0, 0.99], "weight_decay": 0}),
        ("NAdam", {"lr": 0.02, "betas": [0.0, 0.99]}),
        ("RAdam", {"lr": 0.002, "betas": [0.0, 0.9]}),
        ("Adamax", {"lr": 0.02, "betas": [0.0, 0.99]}),
        ("SparseAdam", {"lr": 0.02, "betas": [0.0, 0.99]}),
        ("RMSprop", {}),
        ("RMSprop", {"centered": True}),
        ("Adagrad", {"lr": 0.1, "lr_decay": 0.1}),
        ("Adadelta", {}),
    ],
)
@pytest.mark.parametrize("schedule", [None, {"class": "ExponentialLR", "gamma": 0.9}])
def test_without_momentum_each_step_is_the_effective_rate_times_the_gradient(
    name: str, settings: dict[str, Any], schedule: dict[str, Any] | None
) -> None:
    path = gdsim.descend(
        "rosenbrock", name, start=STARTS, steps=STEPS, schedule=schedule, record="state", args=settings
    )
    rates = path.state["effective_rate"]
    assert rates.shape == path.points.shape
    np.testing.assert_allclose(np.diff(path.points, axis=0), -(rates * path.gradients)[:-1], rtol=1e-6, atol=1e-12)


def test_trust_bounds_the_steps() -> None:
    # For Adam, the bound of Kingma and Ba (2015) is (1 − β₁) / √(1 − β₂) times the rate.
    for name, slack in (("Rprop", 1.0), ("Adamax", 1.01), ("Adam", 0.1 / 0.001**0.5)):
        path = gdsim.descend("rosenbrock", name, start=STARTS, steps=200, record="state")
        assert (np.abs(np.diff(path.points, axis=0)) <= slack * path.state["trust"][:-1] * (1 + 1e-9)).all(), name


def test_rows_after_a_divergence_are_missing() -> None:
    path = gdsim.descend("rosenbrock", "SGD", lr=0.1, momentum=0.9, start=[[-1, 1], [1, 1]], steps=20, record="state")
    failed = path.stop_steps[0]
    known = np.isfinite(path.state["momentum_buffer"]).all(-1)
    assert known[: failed + 1, 0].all()
    assert not known[failed + 1 :, 0].any()
    assert path.stops[1] is gdsim.Stop.CONVERGED
    assert known[:-1, 1].all()


def test_nothing_is_recorded_without_the_key() -> None:
    assert gdsim.descend("sphere", "Adam", steps=3).state == {}
    with pytest.raises(InputError, match="record"):
        gdsim.descend("sphere", "Adam", steps=3, record="everything")


CONFIG = "{objective: rosenbrock, start: [[-1, 1], [1, 2]], optimizers: {SGD: {lr: 1.0e-3}, Adam: {}}, steps: 8RECORD}"


def test_a_recording_has_the_state(tmp_path: Path) -> None:
    for record in (", record: state", ""):
        experiment = gdsim.loads(CONFIG.replace("RECORD", record))
        paths = gdsim.simulate(experiment)
        gdsim.save(tmp_path / "a.npz", paths, experiment)
        _, again = read(tmp_path / "a.npz")
        for one, other in zip(paths, again, strict=True):
            assert list(one.state) == list(other.state)
            for name, each in one.state.items():
                np.testing.assert_array_equal(other.state[name], each)
        with np.load(tmp_path / "a.npz", allow_pickle=False) as arrays:
            assert any(name.startswith("state") for name in arrays) == bool(record)


NETWORK = """
objective: {network: mlp, hidden: [4], data: moons, batch_size: 20}
optimizers: {Adam: {lr: 0.01}, LBFGS: {max_iter: 2}}
steps: 5
seed: 3
record: state
"""


def test_the_state_of_a_network_is_recorded_as_norms() -> None:
    experiment = gdsim.loads(NETWORK)
    adam, lbfgs = gdsim.simulate(experiment)
    network = experiment.objectives[0].to_train()
    module, batches, norms = network.module(3), network.batches(3), []
    optimizer = torch.optim.Adam(module.parameters(), lr=0.01)
    for _ in range(5):
        inputs, targets = next(batches)
        optimizer.zero_grad()
        network.loss(module(inputs), targets).backward()
        optimizer.step()
        whole = nn.utils.parameters_to_vector([optimizer.state[each]["exp_avg"] for each in module.parameters()])
        norms.append(whole.double().norm().item())
    np.testing.assert_allclose(adam.state["exp_avg"][:-1, 0], norms, rtol=1e-12)
    assert adam.state["step"][:, 0].tolist()[:-1] == [1, 2, 3, 4, 5]
    assert np.isnan(adam.state["exp_avg"][-1]).all()
    assert np.isfinite(lbfgs.state["d"][:-1]).all()
