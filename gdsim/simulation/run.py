"""An objective, optimizers and starts in; what `torch.optim` does with them, bit for bit, out.

All optimizers and starts share one forward and one backward pass a step. Each optimizer then takes its step in
the cheapest arrangement that gives every start the numbers it would have alone.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy.typing as npt
import torch

from gdsim.errors import ConfigError, InputError, Problem
from gdsim.networks import Network
from gdsim.objectives import FloatArray, Objective
from gdsim.optimizers import OptimizerFactory, ParameterShapes, RNGState, deterministic, optimizer_factory
from gdsim.simulation.batching import arrangement, confirmed, drawn
from gdsim.simulation.outcomes import trajectory
from gdsim.simulation.recording import Progress, Record, walk_on
from gdsim.simulation.starts import check_values, given, starting_points
from gdsim.simulation.stepper import Course, Walk
from gdsim.simulation.trajectory import Trajectory

if TYPE_CHECKING:
    from gdsim.config import Experiment, OptimizerSpec

__all__ = [
    "check",
    "descend",
    "evaluate_landscapes",
    "run_optimizers",
    "simulate",
    "simulate_settings",
    "starting_points",
]


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
        objective: What to descend.
        optimizer: A class of optimizers: itself, its name in `torch.optim`, its dotted name in an installed
            package, or `"module:Class"` of one. A class that wants a closure or the graph of the gradient
            (`backward(create_graph=True)`) is given it.
        start: (dim,) one starting point, or (starts, dim).
        steps: How many updates to take, from 0.
        seed: Makes the noise; from 0.
        label: What to call the optimizer; its class by default. The noise depends on it.
        schedule: `{"class": …, …}` with the arguments of a class of `torch.optim.lr_scheduler`.
        noise: Standard deviation of the Gaussian noise on each component of the gradient that the optimizer
            is given; the gradients recorded are without it.
        clip_norm: The gradient that the optimizer is given, noise included, is scaled down to this norm where
            it is longer, as `torch.nn.utils.clip_grad_norm_` does.
        progress: Wraps the iterable of steps, as `tqdm.tqdm` does.
        args: Arguments of the optimizer, also such as have the name of one of these here. A class that wraps
            another one takes it as a class or a mapping: `args={"optimizer": {"class": "SGD", "lr": 0.1}}`;
            arguments that it does not name itself are those of the wrapped one.
        settings: More of its arguments.

    Raises:
        InputError: A class, an argument or a start is at fault.
    """
    steps, seed = _whole(steps, "steps"), _whole(seed, "seed")
    if label is None:
        label = optimizer.replace(":", ".").rpartition(".")[2] if isinstance(optimizer, str) else optimizer.__name__
    points = given(start, objective)
    with deterministic():
        chosen = optimizer_factory(
            label,
            optimizer,
            {**(args or {}), **settings},
            objective.dim,
            schedule=schedule,
            noise=noise,
            clip_norm=clip_norm,
        )
        return _descend_together(objective, [chosen], [None], points, steps, seed, progress)[0]


def simulate(experiment: Experiment, *, progress: Progress = iter) -> tuple[Trajectory, ...]:
    """Descend every objective of an experiment with all its optimizers from all its starts, and train its networks.

    Args:
        experiment: What to simulate.
        progress: Wraps the iterable of steps of each objective, as `tqdm.tqdm` does; for a network also that of all
            that is then computed of its landscape.

    Returns:
        One trajectory an objective and optimizer, in the experiment's order, all of the first objective before those
        of the next; none depends on which others there are.

    Raises:
        ConfigError: A class, an argument or a start is at fault.
    """
    return evaluate_landscapes(experiment, run_optimizers(experiment, progress=progress), progress=progress)


def run_optimizers(experiment: Experiment, *, progress: Progress = iter) -> tuple[Trajectory, ...]:
    """Return what `simulate` does before it looks at networks: weights are there, and landscapes are blank."""
    with deterministic():
        colors = [spec.color for spec in experiment.optimizers.values()]
        steps, seed = experiment.steps, experiment.seed
        trajectories: list[Trajectory] = []
        for index, each in enumerate(_prepared(experiment)):
            with experiment.located(index):
                if each.network is not None:
                    from gdsim.simulation.training import train

                    trajectories += train(each.network, each.methods, colors, steps=steps, seed=seed, progress=progress)
                else:
                    task = each.objective, each.methods, colors, each.points
                    trajectories += _descend_together(*task, steps, seed, progress)
        return tuple(trajectories)


def evaluate_landscapes(
    experiment: Experiment, trajectories: Sequence[Trajectory], *, progress: Progress = iter
) -> tuple[Trajectory, ...]:
    """Return trajectories as the view of an experiment wants to see them: networks on its plane of their weights.

    What has been seen before is not computed again, and functions' trajectories stay as they are.

    Args:
        experiment: Has the objectives, the optimizers and the view.
        trajectories: All that it makes, in its order.
        progress: Wraps the iterables of what is computed.

    Raises:
        ConfigError: The plane or what is shown beside it fits no trajectory.
    """
    count = len(experiment.optimizers)
    seen: list[Trajectory] = []
    for index, spec in enumerate(experiment.objectives):
        own, network = trajectories[index * count : (index + 1) * count], spec.to_train()
        if network is not None:
            from gdsim.simulation.landscapes import look

            with experiment.located(index):
                own = look(
                    network, own, experiment.view, folder=experiment.folder, seed=experiment.seed, progress=progress
                )
        seen += own
    return tuple(seen)


def simulate_settings(
    experiment: Experiment, label: str, settings: Sequence[Mapping[str, Any]], *, progress: Progress = iter
) -> tuple[Trajectory | InputError, ...]:
    """Descend the first objective of an experiment with one of its optimizers, once for each of several settings.

    Args:
        experiment: What to simulate.
        label: The optimizer.
        settings: For each descent, all arguments of the class.
        progress: Wraps the iterable of steps; it is called again where one descent fails and the others are repeated.

    Returns:
        For each settings the trajectory that `simulate` would return, or why the class cannot take them.

    Raises:
        ConfigError: A start is at fault, or what is to be descended is a network.
    """
    spec, objective = experiment.optimizers[label], experiment.objectives[0].build()
    with deterministic():
        with experiment.located():
            if objective.landscape is not None:
                raise InputError("a network is trained with the settings given; nothing of it is tuned", ("objective",))
            points = starting_points(experiment.start, objective, experiment.seed)
            check_values(points, experiment.start, objective)
        swept: dict[int, Trajectory | InputError] = {}
        methods: dict[int, OptimizerFactory] = {}
        for index, each in enumerate(settings):
            try:
                methods[index] = _method(label, spec.model_copy(update={"settings": dict(each)}), objective.dim)
            except InputError as error:
                swept[index] = error

        def descended(indices: Sequence[int]) -> Sequence[Trajectory]:
            chosen, colors = [methods[index] for index in indices], [spec.color] * len(indices)
            return _descend_together(objective, chosen, colors, points, experiment.steps, experiment.seed, progress)

        swept |= _without_the_failing([*methods], descended)
    return tuple(swept[index] for index in range(len(settings)))


def _without_the_failing(
    indices: Sequence[int], descended: Callable[[Sequence[int]], Sequence[Trajectory]]
) -> dict[int, Trajectory | InputError]:
    """Descend with several together; where one cannot go on, with each alone."""
    if not indices:
        return {}
    try:
        return dict(zip(indices, descended(indices), strict=True))
    except InputError as error:
        if len(indices) == 1:
            return {indices[0]: error}
    apart = [_without_the_failing([index], descended) for index in indices]
    return {index: found for each in apart for index, found in each.items()}


def check(experiment: Experiment) -> None:
    """Raise what `simulate` would, as far as it can be known without a step, and do no more.

    Raises:
        ConfigError: A class, an argument, a schedule or a start is at fault.
    """
    with deterministic():
        problems: list[Problem] = []
        # How a schedule goes on depends on what is moved at most, not on the objective.
        for each in {each.like: each for each in _prepared(experiment, evaluate=False)}.values():
            for chosen in each.methods:
                with _collected(problems, experiment):
                    chosen.check_schedule(experiment.steps, each.like)
    if problems:
        raise ConfigError(problems)


def _whole(number: int, name: str) -> int:
    """Return a whole number from 0 as Python's own."""
    try:
        whole = operator.index(number)
    except TypeError:
        whole = -1
    if whole < 0:
        raise InputError(f"{name} must be a whole number from 0, not {number}", (name,))
    return whole


@dataclass(frozen=True, eq=False)
class _Task:
    """An objective and the methods that descend it.

    Attributes:
        objective: What is descended.
        network: What is trained instead, if it stands for a network.
        like: What the methods move.
        methods: One an optimizer.
        points: (starts, dim) from where.
    """

    objective: Objective
    network: Network | None
    like: ParameterShapes
    methods: Sequence[OptimizerFactory]
    points: FloatArray


def _prepared(experiment: Experiment, *, evaluate: bool = True) -> list[_Task]:
    """Return what an experiment does with each objective; raise all mistakes at once.

    Args:
        experiment: What is prepared.
        evaluate: Whether images are evaluated where a descent begins, for which a network is trained.
    """
    prepared: list[_Task] = []
    problems: list[Problem] = []
    for index, spec in enumerate(experiment.objectives):
        with _collected(problems, experiment, index):
            objective, network = spec.build(), spec.to_train()
            like: ParameterShapes = objective.dim if network is None else _shapes(network, experiment)
            points = starting_points(experiment.start, objective, experiment.seed)
            if network is None and (evaluate or objective.image is None):
                check_values(points, experiment.start, objective)
            methods = _methods(experiment, like, problems)
            prepared.append(_Task(objective, network, like, methods, points))
    if problems:
        raise ConfigError(problems)
    return prepared


def _shapes(network: Network, experiment: Experiment) -> tuple[tuple[int, ...], ...]:
    """Return the shapes of a network's parameters, if there is room for what is recorded of them."""
    from gdsim.simulation.training_record import kept_steps

    kept_steps(network, experiment.steps, len(experiment.optimizers))
    return tuple(tuple(each.shape) for each in network.module(experiment.seed).parameters())


def _methods(experiment: Experiment, like: ParameterShapes, problems: list[Problem]) -> list[OptimizerFactory]:
    """Return the optimizers of an experiment; what is wrong with them is added to the problems."""
    networks = any(spec.to_train() is not None for spec in experiment.objectives)
    methods: list[OptimizerFactory] = []
    for label, spec in experiment.optimizers.items():
        with _collected(problems, experiment):
            if spec.rest is not None and not networks:
                raise InputError("goes with networks; a point is moved as a whole", ("optimizers", label, "rest"))
            methods.append(_method(label, spec, like))
    return methods


def _method(label: str, spec: OptimizerSpec, like: ParameterShapes) -> OptimizerFactory:
    return optimizer_factory(
        label,
        spec.class_name,
        spec.settings,
        like,
        rest=spec.rest,
        schedule=spec.schedule,
        noise=spec.noise,
        clip_norm=spec.clip_norm,
        context=spec.context,
    )


@contextmanager
def _collected(problems: list[Problem], experiment: Experiment, index: int = 0) -> Iterator[None]:
    try:
        yield
    except InputError as error:
        problems += experiment.locate(error, index).problems


def _descend_together(
    objective: Objective,
    methods: Sequence[OptimizerFactory],
    colors: Sequence[str | None],
    points: FloatArray,
    steps: int,
    seed: int,
    progress: Progress,
) -> tuple[Trajectory, ...]:
    """Descend with all methods from all points, in one record."""
    count, dim = points.shape
    record = Record.empty(steps, len(methods) * count, dim)
    parts = [record.part(slice(first, first + count)) for first in range(0, len(methods) * count, count)]
    courses = [Course(each, objective, points, seed, range(count)) for each in methods]
    before = None if all(each.is_builtin for each in methods) else RNGState.current()
    walks = [Walk(course, arrangement(course, steps)) for course in courses]
    walk_on(walks, record, progress)
    walks = [confirmed(walk, part) for walk, part in zip(walks, parts, strict=True)]
    if before is not None and not before.unchanged():
        walks = [drawn(walk, part) for walk, part in zip(walks, parts, strict=True)]
    return tuple(trajectory(walk, color, part) for walk, color, part in zip(walks, colors, parts, strict=True))
