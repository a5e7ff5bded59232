"""Objectives and optimizers in, trajectories out: exactly what `torch.optim` does.

All optimizers and starts of a function share one forward and one backward pass per step. Each optimizer then takes its
step in the cheapest batching mode that gives every start the numbers that it would have alone.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

import numpy.typing as npt
import torch

from gdsim.config import Experiment, OptimizerSpec
from gdsim.errors import ConfigError, InputError, Problem
from gdsim.networks import NetworkObjective
from gdsim.objectives import FloatArray, Objective
from gdsim.optimizers import OptimizerFactory, ParameterShapes, RNGState, deterministic, optimizer_factory
from gdsim.simulation.batch import Batch, Record, Task, run
from gdsim.simulation.batching import choose_mode, verified, with_own_random_numbers
from gdsim.simulation.landscapes import evaluate_landscape
from gdsim.simulation.outcomes import to_trajectory
from gdsim.simulation.starts import as_points, check_values, starting_points
from gdsim.simulation.training import kept_steps, train
from gdsim.simulation.trajectory import Progress, Trajectory

__all__ = ["check", "descend", "evaluate_landscapes", "run_optimizers", "simulate", "simulate_settings"]


def descend(
    objective: Objective,
    optimizer: str | type[torch.optim.Optimizer],
    *,
    start: npt.ArrayLike,
    steps: int,
    seed: int = 0,
    label: str | None = None,
    schedule: Mapping[str, Any] | None = None,
    noise: float = 0.0,
    clip_norm: float | None = None,
    progress: Progress = iter,
    args: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Trajectory:
    """Descend an objective with one optimizer.

    Args:
        objective: The function.
        optimizer: A class of optimizers: itself, its name in `torch.optim`, its dotted name in an installed package, or
            `"module:Class"` of one. A class that requires a closure or the graph of the gradient
            (`backward(create_graph=True)`) is given it.
        start: (dim,) one starting point, or (starts, dim).
        steps: The number of updates, at least 0.
        seed: Seeds the noise, at least 0.
        label: The name of the optimizer, by default that of its class. The noise depends on it.
        schedule: `{"class": …, …}` with the arguments of a class of `torch.optim.lr_scheduler`.
        noise: Standard deviation of the Gaussian noise added to each component of the gradient that the optimizer
            receives; the recorded gradients have no noise.
        clip_norm: The gradient that the optimizer receives, noise included, is scaled down to at most this norm, as
            `torch.nn.utils.clip_grad_norm_` does.
        progress: Wraps the iterable of steps, as `tqdm.tqdm` does.
        args: Arguments of the optimizer, including those that share a name with a parameter of this function. A class
            that wraps another one takes it as a class or a mapping:
            `args={"optimizer": {"class": "SGD", "lr": 0.1}}`; arguments that it does not name itself are passed on.
        settings: More of its arguments.

    Raises:
        InputError: The class, an argument or the start is not valid.
    """
    steps, seed = _natural_number(steps, "steps"), _natural_number(seed, "seed")
    if label is None:
        label = optimizer.replace(":", ".").rpartition(".")[2] if isinstance(optimizer, str) else optimizer.__name__
    points = as_points(start, objective)
    with deterministic():
        factory = optimizer_factory(
            label,
            optimizer,
            {**(args or {}), **settings},
            objective.dim,
            schedule=schedule,
            noise=noise,
            clip_norm=clip_norm,
        )
        return _descend_together(objective, [factory], [None], points, steps, seed, progress)[0]


def simulate(experiment: Experiment, *, progress: Progress = iter) -> tuple[Trajectory, ...]:
    """Descend every objective of an experiment with all its optimizers from all its starts, and train its networks.

    Args:
        experiment: The experiment.
        progress: Wraps the iterable of steps, once per objective, as `tqdm.tqdm` does; for a network also the iterables
            of what is computed of its landscape.

    Returns:
        One trajectory per objective and optimizer, in the experiment's order, all of the first objective before those
        of the second; none depends on the others.

    Raises:
        ConfigError: A class, an argument or a start is not valid.
    """
    return evaluate_landscapes(experiment, run_optimizers(experiment, progress=progress), progress=progress)


def run_optimizers(experiment: Experiment, *, progress: Progress = iter) -> tuple[Trajectory, ...]:
    """Return the trajectories of an experiment, those of networks before their landscapes are evaluated."""
    with deterministic():
        trajectories: list[Trajectory] = []
        for index, plan in enumerate(_plans(experiment)):
            with experiment.located(index):
                trajectories += _run(plan.objective, plan.factories, experiment, progress)
        return tuple(trajectories)


def evaluate_landscapes(
    experiment: Experiment, trajectories: Sequence[Trajectory], *, progress: Progress = iter
) -> tuple[Trajectory, ...]:
    """Return trajectories as the view of an experiment requires them: those of networks on its plane of weights.

    Landscapes and maps that the trajectories already have are not computed again.

    Args:
        experiment: Has the objectives, the optimizers and the view.
        trajectories: All of the experiment, in its order.
        progress: Wraps the iterables of what is computed.

    Raises:
        ConfigError: The plane or a panel of the view does not fit a trajectory.
    """
    count = len(experiment.optimizers)
    evaluated: list[Trajectory] = []
    for index, spec in enumerate(experiment.objectives):
        own, objective = trajectories[index * count : (index + 1) * count], spec.build()
        with experiment.located(index):
            evaluated += _evaluate(objective, own, experiment, progress)
    return tuple(evaluated)


def simulate_settings(
    experiment: Experiment, label: str, settings: Sequence[Mapping[str, Any]], *, progress: Progress = iter
) -> tuple[Trajectory | InputError, ...]:
    """Descend the first objective of an experiment with one of its optimizers, once for each of several settings.

    Args:
        experiment: The experiment.
        label: The optimizer.
        settings: For each descent, all arguments of the class.
        progress: Wraps the iterable of steps; called again if one descent fails and the others are repeated.

    Returns:
        For each of the settings the trajectory that `simulate` would return, or why the class rejects them.

    Raises:
        ConfigError: A start is not valid, or the objective is a network.
    """
    spec, objective = experiment.optimizers[label], experiment.objectives[0].build()
    with deterministic():
        with experiment.located():
            if objective.kind == "network":
                sentence = "a network is trained with the given settings only; its settings cannot be tuned"
                raise InputError(sentence, ("objective",), code="unsupported")
            points = starting_points(experiment.start, objective, experiment.seed)
            check_values(points, experiment.start, objective)
        results: dict[int, Trajectory | InputError] = {}
        factories: dict[int, OptimizerFactory] = {}
        for index, each in enumerate(settings):
            try:
                factories[index] = _factory(label, spec.model_copy(update={"settings": dict(each)}), objective.dim)
            except InputError as error:
                results[index] = error

        def descend_with(indices: Sequence[int]) -> Sequence[Trajectory]:
            chosen, colors = [factories[index] for index in indices], [spec.color] * len(indices)
            return _descend_together(objective, chosen, colors, points, experiment.steps, experiment.seed, progress)

        results |= _each_result([*factories], descend_with)
    return tuple(results[index] for index in range(len(settings)))


def _each_result(
    indices: Sequence[int], descend_with: Callable[[Sequence[int]], Sequence[Trajectory]]
) -> dict[int, Trajectory | InputError]:
    """Descend with several settings together, or, if one of them fails, with each alone."""
    if not indices:
        return {}
    try:
        return dict(zip(indices, descend_with(indices), strict=True))
    except InputError as error:
        if len(indices) == 1:
            return {indices[0]: error}
    return {index: result for each in indices for index, result in _each_result([each], descend_with).items()}


def check(experiment: Experiment) -> None:
    """Raise what `simulate` would, as far as it can be known without taking a step.

    Raises:
        ConfigError: A class, an argument, a schedule or a start is not valid.
    """
    with deterministic():
        problems: list[Problem] = []
        # A schedule depends on the parameters' shapes at most, not on the objective.
        for shapes, factories in {plan.shapes: plan.factories for plan in _plans(experiment, evaluate=False)}.items():
            for factory in factories:
                with _collected(problems, experiment):
                    factory.check_schedule(experiment.steps, shapes)
    if problems:
        raise ConfigError(problems)


def _natural_number(number: int, name: str) -> int:
    try:
        whole = operator.index(number)
    except TypeError:
        whole = -1
    if whole < 0:
        raise InputError(f"{name} must be a whole number, at least 0, not {number}", (name,))
    return whole


@dataclass(frozen=True)
class _Plan:
    """What an experiment does with one objective: its optimizers, and the shapes of the parameters they update."""

    objective: Objective
    shapes: ParameterShapes
    factories: list[OptimizerFactory]


@singledispatch
def _shapes(objective: Objective, experiment: Experiment, *, evaluate: bool) -> ParameterShapes:
    """Check where an objective starts; return the shapes of the parameters that its optimizers update."""
    points = starting_points(experiment.start, objective, experiment.seed)
    if evaluate or objective.kind != "image":
        check_values(points, experiment.start, objective)
    return objective.dim


@_shapes.register
def _(objective: NetworkObjective, experiment: Experiment, *, evaluate: bool) -> ParameterShapes:
    del evaluate
    kept_steps(
        objective.network, experiment.steps, len(experiment.optimizers)
    )  # raises if they exceed the memory limit
    return tuple(tuple(each.shape) for each in objective.network.module(experiment.seed).parameters())


@singledispatch
def _run(
    objective: Objective, factories: Sequence[OptimizerFactory], experiment: Experiment, progress: Progress
) -> tuple[Trajectory, ...]:
    """Return one trajectory per optimizer."""
    points = starting_points(experiment.start, objective, experiment.seed)
    colors = _colors(experiment)
    return _descend_together(objective, factories, colors, points, experiment.steps, experiment.seed, progress)


@_run.register
def _(
    objective: NetworkObjective, factories: Sequence[OptimizerFactory], experiment: Experiment, progress: Progress
) -> tuple[Trajectory, ...]:
    colors, steps, seed = _colors(experiment), experiment.steps, experiment.seed
    return train(objective.network, factories, colors, steps=steps, seed=seed, progress=progress)


@singledispatch
def _evaluate(
    objective: Objective, trajectories: Sequence[Trajectory], experiment: Experiment, progress: Progress
) -> Sequence[Trajectory]:
    """Return trajectories with all that the experiment's view requires."""
    del objective, experiment, progress
    return trajectories


@_evaluate.register
def _(
    objective: NetworkObjective, trajectories: Sequence[Any], experiment: Experiment, progress: Progress
) -> Sequence[Trajectory]:
    view, folder, seed = experiment.view, experiment.folder, experiment.seed
    return evaluate_landscape(objective.network, trajectories, view, folder=folder, seed=seed, progress=progress)


def _colors(experiment: Experiment) -> list[str | None]:
    return [spec.color for spec in experiment.optimizers.values()]


def _plans(experiment: Experiment, *, evaluate: bool = True) -> list[_Plan]:
    """Return what an experiment does with each objective; raise all mistakes at once.

    Args:
        experiment: The experiment.
        evaluate: Whether image objectives are evaluated at the starts, for which a network is trained.
    """
    plans: list[_Plan] = []
    problems: list[Problem] = []
    for index, spec in enumerate(experiment.objectives):
        with _collected(problems, experiment, index):
            objective = spec.build()
            shapes = _shapes(objective, experiment, evaluate=evaluate)
            plans.append(_Plan(objective, shapes, _factories(experiment, shapes, problems)))
    if problems:
        raise ConfigError(problems)
    return plans


def _factories(experiment: Experiment, shapes: ParameterShapes, problems: list[Problem]) -> list[OptimizerFactory]:
    """Return the optimizers of an experiment; what is wrong with them is added to the problems."""
    has_networks = any(spec.build().kind == "network" for spec in experiment.objectives)
    factories: list[OptimizerFactory] = []
    for label, spec in experiment.optimizers.items():
        with _collected(problems, experiment):
            if spec.rest is not None and not has_networks:
                sentence = "is for networks; the coordinates of a point are updated together"
                raise InputError(sentence, ("optimizers", label, "rest"), code="unsupported")
            factories.append(_factory(label, spec, shapes))
    return factories


def _factory(label: str, spec: OptimizerSpec, shapes: ParameterShapes) -> OptimizerFactory:
    return optimizer_factory(
        label,
        spec.class_name,
        spec.settings,
        shapes,
        rest=spec.rest,
        schedule=spec.schedule,
        context=spec.context,
        **spec.gradient_settings(),
    )


@contextmanager
def _collected(problems: list[Problem], experiment: Experiment, index: int = 0) -> Iterator[None]:
    try:
        yield
    except InputError as error:
        problems += experiment.locate(error, index).problems


def _descend_together(
    objective: Objective,
    factories: Sequence[OptimizerFactory],
    colors: Sequence[str | None],
    points: FloatArray,
    steps: int,
    seed: int,
    progress: Progress,
) -> tuple[Trajectory, ...]:
    """Descend with all optimizers from all points, in one record."""
    count, dim = points.shape
    record = Record.empty(steps, len(factories) * count, dim)
    parts = [record.part(slice(first, first + count)) for first in range(0, len(factories) * count, count)]
    tasks = [Task(factory, objective, points, seed, range(count)) for factory in factories]
    before = None if all(factory.is_builtin for factory in factories) else RNGState.current()
    batches = [Batch(task, choose_mode(task, steps)) for task in tasks]
    run(batches, record, progress)
    batches = [verified(batch, part) for batch, part in zip(batches, parts, strict=True)]
    if before is not None and not before.unchanged():
        batches = [with_own_random_numbers(batch, part) for batch, part in zip(batches, parts, strict=True)]
    return tuple(to_trajectory(batch, color, part) for batch, color, part in zip(batches, colors, parts, strict=True))
