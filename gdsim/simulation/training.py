"""The plain training loop, one optimizer after the other, from the same weights over the same mini-batches."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import islice

import numpy as np

from gdsim.networks import Network
from gdsim.objectives import FloatArray, Objective
from gdsim.optimizers import OptimizerFactory, deterministic
from gdsim.simulation.learner import Learner
from gdsim.simulation.training_record import Record, kept_steps
from gdsim.simulation.trajectory import IntArray, Training, Trajectory

__all__ = ["Progress", "train"]

Progress = Callable[[Iterable[int]], Iterable[int]]


def train(
    network: Network,
    methods: Sequence[OptimizerFactory],
    colors: Sequence[str | None],
    *,
    steps: int,
    seed: int,
    progress: Progress = iter,
) -> tuple[Trajectory, ...]:
    """Train a network with each of several optimizers.

    Args:
        network: What is trained.
        methods: How, one an optimizer, as `training_method` makes them.
        colors: The colour of each, or None.
        steps: How many updates to take.
        seed: Makes the weights and the order of the mini-batches.
        progress: Wraps the iterable of steps, once for all optimizers together.

    Returns:
        One trajectory an optimizer, over the network's blank landscape: its points, values and gradients are zeros, and
        of the figures of its training only "step_size" is there, until `look` has seen it.

    Raises:
        InputError: A class cannot take its steps on the network's parameters, or the module fails.
    """
    kept, objective = kept_steps(network, steps, len(methods)), network.objective()
    ticks = iter(progress(range(len(methods) * (steps + 1))))
    trajectories = []
    for method, color in zip(methods, colors, strict=True):
        own = islice(ticks, steps + 1)
        with deterministic():
            learner = Learner(network, method, seed)
            record = _trained(learner, network, kept, own, steps, seed)
        for _ in own:  # what a path that broke off has left
            pass
        trajectories.append(_trajectory(record, method, color, objective, learner.layers, kept))
    for _ in ticks:  # the bar ends with its last step
        pass
    return tuple(trajectories)


def _trained(learner: Learner, network: Network, kept: IntArray, ticks: Iterable[int], steps: int, seed: int) -> Record:
    """Take all steps of one optimizer."""
    record = Record(steps, kept, [each.numel() for each in learner.parameters])
    last = len(record.losses) - 1
    for row, (_, (x, y)) in enumerate(zip(ticks, network.batches(seed), strict=False)):
        loss = learner.evaluate(x, y)
        value = loss.item()
        record.add(value, learner.rate, row + 1 + learner.trials, learner.parameters)
        if not (math.isfinite(value) and record.is_real):
            break
        if row < last and not learner.step(x, y, loss):
            break
    return record


def _trajectory(
    record: Record,
    method: OptimizerFactory,
    color: str | None,
    objective: Objective,
    names: Sequence[str],
    kept: IntArray,
) -> Trajectory:
    stop_step, stop = record.finish()
    rows = len(record.losses)
    layers = tuple(dict.fromkeys(names))
    gradient_norms = record.gradient_norms
    if method.clip_norm is not None:
        whole = np.linalg.norm(gradient_norms, axis=1, keepdims=True)
        gradient_norms = gradient_norms * np.minimum(1.0, method.clip_norm / (whole + 1e-6))
    training = Training(
        kept=kept,
        weights=record.weights,
        batch_losses=record.losses,
        figures={"step_size": record.moves},
        layers=layers,
        layer_gradients=_by_layer(gradient_norms, names, layers),
        layer_weights=_by_layer(record.weight_norms, names, layers),
    )
    return Trajectory(
        label=method.label,
        settings=method.text,
        objective=objective,
        color=color,
        points=np.zeros((rows, 1, 2)),
        values=np.zeros((rows, 1)),
        gradients=np.zeros((rows, 1, 2)),
        learning_rates=record.rates[:, None],
        evaluations=record.evaluations[:, None],
        stop_steps=np.array([stop_step]),
        stops=(stop,),
        training=training,
    )


def _by_layer(norms: FloatArray, names: Sequence[str], layers: Sequence[str]) -> FloatArray:
    """Return the norms (steps + 1, layers) of layers from those of their parameters, (steps + 1, parameters)."""
    own = np.array([[name == layer for layer in layers] for name in names], dtype=np.float64)
    return np.sqrt(norms**2 @ own)
