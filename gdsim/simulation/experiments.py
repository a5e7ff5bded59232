"""Functions that run the optimizers of an experiment and return their trajectories."""

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
    """Run one optimizer on an objective from one or more starting points.

    Args:
        objective: The function.
        optimizer: The optimizer class, its name in `torch.optim`, its dotted name in an installed package, or
            `"module:Class"`. A class that requires a closure or the graph of the gradient
            (`backward(create_graph=True)`) receives it.
        start: (dim,) one starting point, or (starts, dim) several.
        steps: The number of updates, at least 0.
        seed: The seed of all random numbers, at least 0.
        label: The name of the optimizer, by default that of its class. The random numbers depend on it.
        schedule: `{"class": …, …}` with the arguments of a class of `torch.optim.lr_scheduler`.
        noise: The standard deviation of the Gaussian noise added to each component of the gradient that the optimizer
            receives; the recorded gradients have no noise.
        clip_norm: The largest norm of the gradient that the optimizer receives, noise included. Longer gradients are
            scaled down as by `torch.nn.utils.clip_grad_norm_`.
        progress: Wraps the iterable of steps, as `tqdm.tqdm` does.
        args: Arguments of the optimizer, including those that share a name with a parameter of this function. A class
            that wraps another optimizer receives it as a class or a mapping:
            `args={"optimizer": {"class": "SGD", "lr": 0.1}}`. Arguments that the wrapper does not have are passed to
            the wrapped optimizer.
        settings: Further arguments of the optimizer.

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
    """Run all optimizers of an experiment on each of its objectives from all starts, and train its networks.

    Args:
        experiment: The experiment.
        progress: Wraps the iterable of steps, once per objective, as `tqdm.tqdm` does; for a network also the iterables
            used to evaluate its landscape.

    Returns:
        One trajectory per objective and optimizer, grouped by objective, in the order of the experiment. The optimizers
        do not influence each other.

    Raises:
        ConfigError: A class, an argument or a start is not valid.
    """
    return evaluate_landscapes(experiment, run_optimizers(experiment, progress=progress), progress=progress)


def run_optimizers(experiment: Experiment, *, progress: Progress = iter) -> tuple[Trajectory, ...]:
    """Run all optimizers of an experiment without evaluating the landscapes of its networks."""
    with deterministic():
        trajectories: list[Trajectory] = []
        for index, plan in enumerate(_plans(experiment)):
            with experiment.located(index):
                trajectories += _run(plan.objective, plan.factories, experiment, progress)
        return tuple(trajectories)


def evaluate_landscapes(
    experiment: Experiment, trajectories: Sequence[Trajectory], *, progress: Progress = iter
) -> tuple[Trajectory, ...]:
    """Evaluate the loss landscapes and attribution maps that the view of an experiment requires for its networks.

    Landscapes and maps that the trajectories already have are not computed again.

    Args:
        experiment: The experiment that the trajectories belong to.
        trajectories: All trajectories of the experiment, in its order.
        progress: Wraps each iterable of evaluations, as `tqdm.tqdm` does.

    Returns:
        All trajectories, those of networks with their landscapes and maps.

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
    """Run one optimizer of an experiment on its first objective, once for each of several settings.

    Args:
        experiment: The experiment.
        label: The label of the optimizer.
        settings: For each run, all arguments of the optimizer's class.
        progress: Wraps the iterable of steps; called again if a run fails and the others are repeated.

    Returns:
        For each of the settings, the trajectory that `simulate` would return, or the error that the settings cause.

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
    """Run several settings together or, if one of them fails, each separately."""
    if not indices:
        return {}
    try:
        return dict(zip(indices, descend_with(indices), strict=True))
    except InputError as error:
        if len(indices) == 1:
            return {indices[0]: error}
    return {index: result for each in indices for index, result in _each_result([each], descend_with).items()}


def check(experiment: Experiment) -> None:
    """Raise the errors of `simulate` that can be detected without taking a step.

    Raises:
        ConfigError: A class, an argument, a schedule or a start is not valid.
    """
    with deterministic():
        problems: list[Problem] = []
        # A schedule depends only on the shapes of the parameters, so it is checked once per set of shapes.
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
    """An objective of an experiment, its optimizers, and the shapes of the parameters that they update."""

    objective: Objective
    shapes: ParameterShapes
    factories: list[OptimizerFactory]


@singledispatch
def _shapes(objective: Objective, experiment: Experiment, *, evaluate: bool) -> ParameterShapes:
    """Check the starting points of an objective, and return the shapes of the parameters that are updated."""
    points = starting_points(experiment.start, objective, experiment.seed)
    if evaluate or objective.kind != "image":
        check_values(points, experiment.start, objective)
    return objective.dim


@_shapes.register
def _(objective: NetworkObjective, experiment: Experiment, *, evaluate: bool) -> ParameterShapes:
    del evaluate
    # Raises an error if the kept weights would exceed the memory limit.
    kept_steps(objective.network, experiment.steps, len(experiment.optimizers))
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
    """Return the trajectories with the landscapes and maps that the view requires."""
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
    """Build the objectives and optimizers of an experiment; report all mistakes at once.

    `evaluate=False` skips the evaluation of image objectives at their starts, for which a network is trained.
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
    """Return the optimizers of an experiment, and append their errors to `problems`."""
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
    """Run all optimizers from all points together."""
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
