"""Run cells of a sweep that train a network: many at once, or one after another in a plain loop."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad_and_value, vmap

from gdsim.config import varied
from gdsim.interrupts import pause
from gdsim.networks import Network
from gdsim.networks.evaluation import shaped
from gdsim.networks.network import module_errors
from gdsim.optimizers import OptimizerFactory, RNGState
from gdsim.simulation.experiments import optimizer_of
from gdsim.simulation.stepper import adjusted, noise_of
from gdsim.simulation.training import training_loop
from gdsim.simulation.trajectory import IntArray
from gdsim.sweeps.kernels import KERNELS, Settings, State
from gdsim.sweeps.monitor import Arrays, Monitor
from gdsim.sweeps.plan import Plan

Row = tuple[Tensor, Tensor, Tensor, Tensor]
"""Weights (runs, weights), losses (runs,), gradients (runs, weights), learning rates (runs,) or (1,) of one step."""


def run_network_cells(plan: Plan, label: str, cells: IntArray, samples: IntArray, device: str) -> Arrays:
    """Return the figures of cells that differ at most in settings of a kernel, see `engine.run_tile`.

    The losses are those of the mini-batches. Cells without a kernel are plain loops themselves, and have no "agrees".
    """
    settings = plan.kernel_settings(label, cells)
    if not settings:
        parts = [_figures(plan, _plain(*_setup(plan, label, cell), device)) for cell in cells]
        return {name: np.concatenate([part[name] for part in parts], axis=-1) for name in parts[0]}
    network, factory, steps, seed = _setup(plan, label, cells[0])
    tensors = {name: torch.from_numpy(each).to(device) for name, each in settings.items()}
    found = _figures(plan, _together(network, factory, tensors, steps, seed, device))
    found["agrees"] = np.full(len(cells), -1, dtype=np.int8)
    for place in samples:
        alone = _figures(plan, _plain(*_setup(plan, label, cells[place]), device))
        found["agrees"][place] = found["outcome"][place] == alone["outcome"][0]
    return found


def _setup(plan: Plan, label: str, cell: IntArray) -> tuple[Network, OptimizerFactory, int, int]:
    experiment = varied(plan.experiment, plan.settings(cell))
    network = experiment.objectives[0].to_train()
    assert network is not None  # noqa: S101
    factory = cast("OptimizerFactory", optimizer_of(experiment, label))  # a minimizer refuses networks
    return network, factory, experiment.steps, experiment.seed


def _figures(plan: Plan, rows: Iterator[Row]) -> Arrays:
    monitor, rates = None, torch.zeros(1)
    for weights, losses, gradients, next_rates in rows:
        pause()
        monitor = monitor or Monitor(weights, plan.history_steps, plan.show)
        monitor.update(weights, losses, gradients, rates, torch.zeros(1))
        rates = next_rates
    assert monitor is not None  # noqa: S101
    return monitor.figures()


def _plain(network: Network, factory: OptimizerFactory, steps: int, seed: int, device: str) -> Iterator[Row]:
    """Train a network in a plain loop, and yield each step; the last if it cannot continue."""
    RNGState.seeded(seed).restore()
    module = network.module(seed).to(device)
    for loss, stepper in islice(training_loop(network, module, factory, seed, device), steps + 1):
        parameters = stepper.parameters
        gradients = [torch.zeros_like(each) if each.grad is None else each.grad.to_dense() for each in parameters]
        flat = [torch.cat([each.detach().flatten() for each in tensors])[None] for tensors in (parameters, gradients)]
        yield flat[0], loss[None], flat[1], torch.tensor([stepper.learning_rate], device=device)
        if not loss.isfinite():
            break


def _together(
    network: Network, factory: OptimizerFactory, settings: dict[str, Tensor], steps: int, seed: int, device: str
) -> Iterator[Row]:
    """Train a network with many settings (runs,) of a kernel at once, and yield each step."""
    RNGState.seeded(seed).restore()
    module = network.module(seed).to(device)
    named = dict(module.named_parameters())

    def loss(weights: Tensor, x: Tensor, y: Tensor) -> Tensor:
        parts = dict(zip(named, shaped(weights, [*named.values()]), strict=True))
        return network.loss(functional_call(module, parts, (x,)), y)

    evaluate = vmap(grad_and_value(loss), in_dims=(0, None, None), randomness="same")
    first = torch.cat([each.detach().flatten() for each in named.values()])
    (count,) = {len(each) for each in settings.values()}
    weights = first.repeat(count, 1)
    defaults = factory.build([nn.Parameter(torch.zeros(1))]).defaults
    h, state, kernel = Settings(defaults, settings), State(), KERNELS[factory.class_.__name__]
    rates = torch.as_tensor(h.lr, dtype=torch.float64, device=device).reshape(-1)
    noises = noise_of(factory, [(seed, 0)], network.weights)
    for x, y in islice(network.batches(seed), steps + 1):
        with module_errors(f"{network.title} cannot be trained"):
            gradients, losses = evaluate(weights, x.to(device), y.to(device))
        yield weights, losses, gradients, rates
        gradients = adjusted(factory.gradient, gradients, next(noises))
        kernel(weights.T, (-gradients if h.maximize else gradients).T, state, h)
        state.step += 1
