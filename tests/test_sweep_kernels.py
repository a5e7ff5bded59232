"""Kernels of sweeps: each run gets the same bits as from the class of torch.optim in a plain loop."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gdsim.sweeps.kernels import KERNELS, Settings, State

RUNS, STEPS = 7, 30

RANGES = {
    "lr": (1e-4, 0.5),
    "momentum": (0, 0.99),
    "dampening": (0, 0.9),
    "weight_decay": (0, 0.5),
    "betas_0": (0, 0.99),
    "betas_1": (0.5, 0.9999),
    "eps": (1e-9, 1e-3),
    "momentum_decay": (1e-4, 0.1),
    "alpha": (0.5, 0.999),
    "rho": (0.5, 0.99),
    "lr_decay": (0, 0.5),
    "initial_accumulator_value": (0, 1),
    "etas_0": (0.1, 0.9),
    "etas_1": (1.05, 3),
    "step_sizes_0": (1e-8, 1e-3),
    "step_sizes_1": (0.1, 60),
}

FIXED = {
    "SGD": [{}, {"momentum": 0.9, "dampening": 0.3, "weight_decay": 0.01}],
    "Adam": [{}, {"weight_decay": 0.1, "amsgrad": True}],
    "AdamW": [{}],
    "NAdam": [{}, {"weight_decay": 0.1, "decoupled_weight_decay": True}],
    "RAdam": [{}, {"weight_decay": 0.1, "decoupled_weight_decay": True}],
    "Adamax": [{}],
    "RMSprop": [{}, {"momentum": 0.9, "centered": True}],
    "Adagrad": [{}],
    "Adadelta": [{}],
    "Rprop": [{}],
}


def himmelblau(points):
    x, y = points.unbind(-1)
    return (x * x + y - 11) ** 2 + (x + y * y - 7) ** 2


def plain_loop(name, fixed, varied, run, start):
    """The last point, from a plain loop with the class."""
    defaults = getattr(torch.optim, name)([torch.zeros(1)], **fixed).defaults
    settings = dict(fixed)
    for key, values in varied.items():
        pair, _, index = key.rpartition("_")
        if index.isdecimal():
            elements = list(settings.get(pair, defaults[pair]))
            elements[int(index)] = float(values[run])
            settings[pair] = tuple(elements)
        else:
            settings[key] = float(values[run])
    point = start.clone().requires_grad_()
    optimizer = getattr(torch.optim, name)([point], **settings)
    for _ in range(STEPS):
        optimizer.zero_grad()
        himmelblau(point).backward()
        optimizer.step()
    return point.detach()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize(("name", "fixed"), [(name, each) for name in FIXED for each in FIXED[name]], ids=str)
def test_every_run_is_that_of_a_plain_loop(name, fixed, dtype):
    rng = np.random.default_rng(0)
    defaults = getattr(torch.optim, name)([torch.zeros(1)], **fixed).defaults
    names = [key for key in RANGES if (key[:-2] if key[-1].isdecimal() else key) in defaults]
    for chosen in [[each] for each in names] + [names]:
        varied = {key: rng.uniform(*RANGES[key], RUNS) for key in chosen}
        for key in {"momentum", "weight_decay"} & varied.keys():
            varied[key][0] = 0  # the classes skip a part of their update
        starts = torch.from_numpy(rng.uniform(-4, 4, (RUNS, 2))).to(dtype)
        points, state = starts.T.contiguous(), State()
        settings = Settings(defaults, {key: torch.from_numpy(each) for key, each in varied.items()})
        for _ in range(STEPS):
            inputs = points.T.detach().requires_grad_()
            (gradients,) = torch.autograd.grad(himmelblau(inputs).sum(), inputs)
            KERNELS[name](points, gradients.T.contiguous(), state, settings)
            state.step += 1
        for run in range(RUNS):
            expected = plain_loop(name, fixed, varied, run, starts[run])
            np.testing.assert_array_equal(points[:, run].numpy(), expected.numpy(), f"{chosen}, run {run}")


def test_there_is_a_case_for_every_kernel():
    assert FIXED.keys() == KERNELS.keys()
