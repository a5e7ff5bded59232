"""1,000 random cells of every kind of sweep are those of loops with torch.optim."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import StepLR

import gdsim
from gdsim.optimizers import rng
from gdsim.sweeps import OUTCOMES, Outcome

STEPS = 12
START = [-0.5, 4.2]
STARTS = {"setting": "start.0", "range": [-5, 5]}

himmelblau = gdsim.objective("himmelblau").f


def sweep(optimizer, x, y, size=(40, 40), **more):
    """The result of a map with an optimizer, the indices of 1,000 cells, and the values of x and y there."""
    config = {"objective": "himmelblau", "start": START, "steps": STEPS, "optimizers": {"It": optimizer}} | more
    config["sweep"] = {"x": x, "y": y, "size": [*size]}
    result = gdsim.sweep(gdsim.loads(gdsim.config.yaml_text.dump(config)))
    shape = result.figures["final_value"].shape[1:]
    cells = np.unravel_index(np.random.default_rng(1).choice(np.prod(shape), 1000, replace=False), shape)
    return result, cells, result.x.values[cells[1]], result.y.values[cells[0]]


def losses(points, optimizers, *, f=himmelblau, steps=STEPS, noise=None):
    """The values (steps + 1, n) of n points, each a parameter that one of the optimizers updates.

    `noise` (n, steps, 2) is added to the gradients.
    """
    found = []
    for step in range(steps + 1):
        for point in points:
            point.grad = None
        values = f(torch.stack(points))
        values.sum().backward()
        found.append(values.detach())
        for point, each in zip(points, () if noise is None else noise[:, step % steps], strict=noise is not None):
            point.grad += each
        for each in optimizers:
            each.step()
    return torch.stack(found).numpy()


def parameters(x=START[0], y=START[1], count=1000):
    rows = np.stack([np.broadcast_to(x, count), np.broadcast_to(y, count)], axis=1)
    return [nn.Parameter(torch.tensor(each)) for each in rows]


def grouped(class_, points, **settings):
    """An optimizer with a parameter group per point; the settings are arrays (n,), those of pairs `betas_0`."""
    defaults, groups = class_([torch.zeros(1)]).defaults, []
    for index, point in enumerate(points):
        group = {"params": [point]}
        for name, values in settings.items():
            pair, _, place = name.rpartition("_")
            if place.isdecimal():
                group[pair] = tuple(
                    float(values[index]) if place == str(k) else v for k, v in enumerate(defaults[pair])
                )
            else:
                group[name] = float(values[index])
        groups.append(group)
    return class_(groups)


KERNELS = {
    "SGD": ("lr", [1e-4, 0.005], "momentum", [0, 0.99]),
    "Adam": ("lr", [1e-3, 1], "betas.0", [0, 0.99]),
    "AdamW": ("lr", [1e-3, 1], "weight_decay", [0, 0.5]),
    "NAdam": ("lr", [1e-3, 1], "momentum_decay", [1e-4, 0.1]),
    "RAdam": ("lr", [1e-4, 5e-3], "betas.1", [0.9, 0.9999]),
    "RMSprop": ("lr", [1e-3, 0.3], "alpha", [0.5, 0.999]),
    "Adagrad": ("lr", [1e-3, 1], "lr_decay", [0, 0.5]),
    "Adadelta": ("rho", [0.5, 0.99], "eps", [1e-9, 1e-3]),
    "Adamax": ("betas.0", [0, 0.99], "eps", [1e-9, 1e-3]),
    "Rprop": ("lr", [1e-3, 0.5], "etas.1", [1.05, 3]),
}


@pytest.mark.parametrize("name", KERNELS)
def test_two_settings_of_a_class(name):
    one, horizontal, other, vertical = KERNELS[name]
    result, cells, x, y = sweep(
        {"class": name},
        {"setting": f"optimizers.It.{one}", "range": horizontal},
        {"setting": f"optimizers.It.{other}", "range": vertical},
    )
    points = parameters()
    settings = {one.replace(".", "_"): x, other.replace(".", "_"): y}
    optimizer = grouped(getattr(torch.optim, name), points, **settings)
    np.testing.assert_array_equal(result.figures["final_value"][(0, *cells)], losses(points, [optimizer])[-1])


def test_basins():
    starts = {"setting": "start"}
    result, cells, x, y = sweep({"class": "Adam", "lr": 0.3}, starts, starts)
    points = parameters(x, y)
    optimizer = torch.optim.Adam(points, lr=0.3)
    np.testing.assert_array_equal(result.figures["final_value"][(0, *cells)], losses(points, [optimizer])[-1])


def test_start_and_learning_rate():
    rates = {"setting": "optimizers.It.lr", "range": [1e-3, 1], "scale": "log"}
    result, cells, x, y = sweep({"class": "Adam"}, STARTS, rates)
    points = parameters(x)
    optimizer = grouped(torch.optim.Adam, points, lr=y)
    np.testing.assert_array_equal(result.figures["final_value"][(0, *cells)], losses(points, [optimizer])[-1])


def test_steps():
    result, cells, x, y = sweep(
        {"class": "SGD", "lr": 0.01},
        {"setting": "optimizers.It.lr", "range": [1e-4, 0.01]},
        {"setting": "steps", "range": [1, 16]},
        size=(64, 16),
    )
    points = parameters()
    values = losses(points, [grouped(torch.optim.SGD, points, lr=x)], steps=16)
    np.testing.assert_array_equal(result.figures["final_value"][(0, *cells)], values[y.astype(int), np.arange(1000)])


def test_noise():
    result, cells, x, y = sweep(
        {"class": "SGD", "lr": 0.01, "noise": 1.0}, STARTS, {"setting": "optimizers.It.noise", "range": [0, 5]}
    )
    points, drawn = parameters(x), rng("noise It", 0, 0).standard_normal((STEPS, 2))
    noise = torch.from_numpy(y[:, None, None] * drawn)
    values = losses(points, [torch.optim.SGD(points, lr=0.01)], noise=noise)
    np.testing.assert_array_equal(result.figures["final_value"][(0, *cells)], values[-1])


def test_an_argument_of_a_schedule():
    result, cells, x, y = sweep(
        {"class": "Adam", "lr": 0.3, "schedule": {"class": "StepLR", "step_size": 3}},
        STARTS,
        {"setting": "optimizers.It.schedule.gamma", "range": [0.1, 1]},
    )
    points, stepped = parameters(x), []
    for gamma in np.unique(y):
        own = [point for point, each in zip(points, y, strict=True) if each == gamma]
        optimizer = torch.optim.Adam(own, lr=0.3)
        stepped += [optimizer, StepLR(optimizer, 3, gamma)]
    np.testing.assert_array_equal(result.figures["final_value"][(0, *cells)], losses(points, stepped)[-1])


def test_a_parameter_of_the_objective():
    result, cells, x, y = sweep(
        {"class": "SGD", "lr": 0.01, "momentum": 0.5},
        {"setting": "optimizers.It.lr", "range": [1e-3, 0.02]},
        {"setting": "objective.condition", "range": [1, 100]},
        objective={"name": "quadratic", "condition": 10},
    )
    points, condition = parameters(), torch.from_numpy(y)

    def quadratic(at):
        return 0.5 * (at[:, 0] ** 2 + condition * at[:, 1] ** 2)

    values = losses(points, [grouped(torch.optim.SGD, points, lr=x, momentum=np.full(1000, 0.5))], f=quadratic)
    np.testing.assert_array_equal(result.figures["final_value"][(0, *cells)], values[-1])


def test_a_class_of_another_package():
    lion = pytest.importorskip("pytorch_optimizer").Lion
    result, cells, x, y = sweep(
        {"class": "pytorch_optimizer.Lion", "lr": 0.1}, STARTS, {"setting": "optimizers.It.lr", "range": [0.01, 0.3]}
    )
    points = parameters(x)
    optimizer = lion([{"params": [point], "lr": rate} for point, rate in zip(points, y.tolist(), strict=True)])
    np.testing.assert_array_equal(result.figures["final_value"][(0, *cells)], losses(points, [optimizer])[-1])


def trained(network, seed, rates):
    """The first and last losses (2, n) of networks trained with each of n learning rates."""
    modules = [network.module(seed) for _ in rates]
    optimizer = torch.optim.SGD(
        [{"params": [*module.parameters()], "lr": rate} for module, rate in zip(modules, rates, strict=True)]
    )
    found = []
    for _, (x, y) in zip(range(STEPS + 1), network.batches(seed), strict=False):
        each = torch.stack([network.loss(module(x), y) for module in modules])
        found.append(each.detach())
        optimizer.zero_grad()
        each.sum().backward()
        optimizer.step()
    return torch.stack(found)[[0, -1]].numpy()


@pytest.mark.parametrize("varied", ["objective.batch_size", "seed"])
def test_networks(varied):
    config = {"network": "mlp", "hidden": [3], "data": {"name": "moons", "n": 60}, "batch_size": 20}
    plain = {"objective": config, "steps": STEPS, "optimizers": {"SGD": {"lr": 0.1}}}
    result, (rows, columns), x, y = sweep(
        {"class": "SGD", "lr": 0.1},
        {"setting": "optimizers.It.lr", "values": np.geomspace(0.01, 100, 250).tolist()},
        {"setting": varied, "values": [3, 8, 20, 60]},
        objective=config,
        start=None,
    )
    first, last = np.empty((2, 1000))
    for value in (3, 8, 20, 60):
        own = y == value
        experiment = gdsim.loads(gdsim.config.yaml_text.dump(plain), overrides=[f"{varied}={value}"])
        network = experiment.objectives[0].to_train()
        first[own], last[own] = trained(network, experiment.seed, x[own].tolist())
    ours = result.figures["outcome"][0, rows, columns]
    agrees = (ours == OUTCOMES.index(Outcome.ROSE)) == (last > first)
    assert agrees.mean() >= 0.99
    np.testing.assert_allclose(result.figures["final_value"][0, rows, columns][x < 1], last[x < 1], rtol=1e-4)
