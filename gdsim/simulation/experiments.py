"""Functions that run the optimizers of an experiment and return their trajectories."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt
import torch

from gdsim.config import Experiment, OptimizerSpec, SourceContext, Start
from gdsim.config.model import HERE
from gdsim.config.signatures import minimizers
from gdsim.errors import InputError, collect
from gdsim.networks import NetworkObjective
from gdsim.objectives import FloatArray, Objective
from gdsim.optimizers import (
    AnyOptimizer,
    OptimizerFactory,
    ParameterShapes,
    deterministic,
    make_minimizer,
    optimizer_factory,
    rng,
)
from gdsim.simulation.curvature import PRODUCTS, spectrum_steps
from gdsim.simulation.descent import Observer, ignore
from gdsim.simulation.flow import flow_rate, with_flows
from gdsim.simulation.landscapes import evaluate_landscape
from gdsim.simulation.minimization import run_together
from gdsim.simulation.training import kept_steps, train
from gdsim.simulation.trajectory import Progress, Trajectory

if TYPE_CHECKING:
    from torch.optim import Optimizer


def simulate(experiment: Experiment, *, progress: Progress = iter) -> tuple[Trajectory, ...]:
    """Run all optimizers of an experiment on each of its objectives from all starts, and train its networks.

    `progress` wraps the iterable of steps of each objective, for a minimizer the starts, and for a network the steps
    that evaluate its landscape.

    Returns:
        One trajectory per objective and optimizer, grouped by objective, in the order of the experiment. The optimizers
        do not influence each other.

    Raises:
        ConfigError: A class, an argument or a start is not valid.
    """
    return evaluate_landscapes(experiment, run_optimizers(experiment, progress=progress), progress=progress)


def run_optimizers(
    experiment: Experiment, *, progress: Progress = iter, observe: Observer = ignore
) -> tuple[Trajectory, ...]:
    """Run all optimizers of an experiment without evaluating the landscapes of its networks.

    `observe` is called while they descend a function, with points as `descend_together` does.
    """
    steps, seed, runs, records = experiment.steps, experiment.seed, experiment.ensemble, experiment.records_state
    view, trajectories = experiment.view, list[Trajectory]()
    every = view.sharpness.interval(network=True) if "sharpness" in view.panels else None
    with deterministic():
        for index, (objective, optimizers, points) in enumerate(_plans(experiment)):
            with experiment.located(index):
                common: dict[str, Any] = {"steps": steps, "seed": seed, "progress": progress, "records_state": records}
                if isinstance(objective, NetworkObjective):
                    factories = cast("list[OptimizerFactory]", optimizers)  # a minimizer refuses networks
                    trajectories += train(objective.network, factories, spectrum_every=every, **common)
                else:
                    trajectories += run_together(objective, optimizers, points, runs=runs, observe=observe, **common)
    return tuple(trajectories)


def spectrum_notes(experiment: Experiment) -> Iterator[str]:
    """Yield how much work the eigenvalues of each network of an experiment take."""
    every, count = experiment.view.sharpness.interval(network=True), len(experiment.optimizers)
    for network in filter(None, (spec.to_train() for spec in experiment.objectives)):
        steps = len(spectrum_steps(kept_steps(network, experiment.steps, count), every))
        products = f"at least {PRODUCTS * steps * count:,} products of the Hessian and a vector"
        cost = f"each takes as long as one or two gradients of {len(network.data.x):,} examples"
        yield f"the eigenvalues at {steps} steps of {count} optimizer{'s' * (count > 1)} take {products}; {cost}."


def evaluate_landscapes(
    experiment: Experiment, trajectories: Sequence[Trajectory], *, progress: Progress = iter
) -> tuple[Trajectory, ...]:
    """Evaluate the gradient flow that the view of an experiment requires, and for networks its landscapes and maps.

    What the trajectories already have is not computed again.

    The trajectories are all those of the experiment, in its order. `progress` wraps each iterable of evaluations.

    Raises:
        ConfigError: The plane or a panel of the view does not fit a trajectory.
    """
    view, folder, seed = experiment.view, experiment.folder, experiment.seed
    count = len(experiment.optimizers)
    rates = [flow_rate(each.class_name, each.settings) for each in experiment.optimizers.values()]
    evaluated: list[Trajectory] = []
    for index, spec in enumerate(experiment.objectives):
        own: Sequence[Any] = trajectories[index * count : (index + 1) * count]
        if spec.to_train() is not None:
            with experiment.located(index):
                own = evaluate_landscape(own, view, folder=folder, seed=seed, progress=progress)
        if view.needs_flow and own[0].flow is None:
            own = with_flows(own, rates, seed, progress)
        evaluated += own
    return tuple(evaluated)


def simulate_settings(
    experiment: Experiment, label: str, settings: Sequence[Mapping[str, Any]]
) -> tuple[Trajectory | InputError, ...]:
    """Run one optimizer of an experiment on its first objective, a function, once for each of several settings.

    The settings of a run are all arguments of the optimizer's class. The starts are those that `check_starts` accepts.

    Returns:
        For each of the settings, the trajectory that `simulate` would return, or the error that the settings cause.
    """
    spec, objective = experiment.optimizers[label], experiment.objectives[0].build()
    with deterministic():
        points = starting_points(experiment.start, objective, experiment.seed)

        def run(factories: Sequence[AnyOptimizer]) -> Sequence[Trajectory]:
            steps, seed, runs = experiment.steps, experiment.seed, experiment.ensemble
            return run_together(objective, factories, points, steps, seed, runs=runs)

        built: list[AnyOptimizer | InputError] = []
        for each in settings:
            try:
                replaced = spec.model_copy(update={"settings": dict(each)})
                built.append(_factory(label, replaced, objective.dim, experiment.context))
            except InputError as error:
                built.append(error)
        valid = [each for each in built if not isinstance(each, InputError)]
        results = iter(_each_result(valid, run) if valid else ())
    return tuple(each if isinstance(each, InputError) else next(results) for each in built)


def _each_result(
    factories: Sequence[AnyOptimizer], run: Callable[[Sequence[AnyOptimizer]], Sequence[Trajectory]]
) -> Sequence[Trajectory | InputError]:
    """Run several optimizers together or, if one of them fails, each separately."""
    try:
        return run(factories)
    except InputError as error:
        if len(factories) == 1:
            return [error]
    return [result for each in factories for result in _each_result([each], run)]


def check(experiment: Experiment) -> None:
    """Raise the errors of `simulate` that can be detected without taking a step.

    Raises:
        ConfigError: A class, an argument, a schedule or a start is not valid.
    """

    def check_schedule(optimizer: AnyOptimizer, shapes: ParameterShapes) -> None:
        if isinstance(optimizer, OptimizerFactory):
            with experiment.located():
                optimizer.check_schedule(experiment.steps, shapes)

    with deterministic():
        plans = _plans(experiment, evaluate_images=False)
        # A schedule depends only on the shapes of the parameters, so it is checked once per set of shapes.
        by_shapes = {objective.parameter_shapes: optimizers for objective, optimizers, _ in plans}
        built = [(each, shapes) for shapes, optimizers in by_shapes.items() for each in optimizers]
        collect(lambda pair: check_schedule(*pair), built)


def can_simulate_after_fork() -> bool:
    """Return whether a forked process can compute gradients, which torch refuses if it has used an accelerator."""
    return not torch.accelerator.is_available()


_Plan = tuple[Objective, list[AnyOptimizer], FloatArray]
"""An objective of an experiment, its optimizers, and its starting points (starts, dim), none for a network."""


def _plans(experiment: Experiment, *, evaluate_images: bool = True) -> list[_Plan]:
    """Build the objectives and optimizers of an experiment; report all mistakes at once.

    `evaluate_images=False` skips the evaluation of image objectives at their starts, for which a network is trained.
    """
    has_networks = any(spec.to_train() is not None for spec in experiment.objectives)

    def plan(index: int) -> _Plan:
        spec = experiment.objectives[index]
        with experiment.located(index):
            objective = spec.build()
            points = np.empty((0, objective.dim))
            if objective.kind != "network":
                points = starting_points(experiment.start, objective, experiment.seed)
                if evaluate_images or objective.kind != "image":
                    check_starts(points, experiment.start, objective)
            return objective, collect(partial(factory, index), experiment.optimizers), points

    def factory(index: int, label: str) -> AnyOptimizer:
        with experiment.located():
            if experiment.optimizers[label].rest is not None and not has_networks:
                sentence = "is for networks; the coordinates of a point are updated together"
                raise InputError(sentence, ("optimizers", label, "rest"), code="unsupported")
        return optimizer_of(experiment, label, index)

    return collect(plan, range(len(experiment.objectives)))


def optimizer_of(experiment: Experiment, label: str, index: int = 0) -> AnyOptimizer:
    """Return the factory of an optimizer, or the minimizer, for an objective of an experiment by its index.

    Raises:
        ConfigError: The class, an argument or the schedule is not valid.
    """
    shapes = experiment.objectives[index].build().parameter_shapes
    with experiment.located():
        return _factory(label, experiment.optimizers[label], shapes, experiment.context)


def _factory(label: str, spec: OptimizerSpec, shapes: ParameterShapes, context: SourceContext) -> AnyOptimizer:
    own = {name: getattr(spec, name) for name in ("rest", "schedule", "noise", "clip_norm")}
    return replace(make_optimizer(label, spec.class_name, spec.settings, shapes, context, **own), color=spec.color)


def make_optimizer(
    label: str,
    class_: str | type[Optimizer],
    settings: Mapping[str, Any],
    shapes: ParameterShapes,
    context: SourceContext = HERE,
    **own: Any,
) -> AnyOptimizer:
    """Return a factory of an optimizer, or a minimizer; the arguments are those of `optimizer_factory`."""
    if not (isinstance(class_, str) and class_ in minimizers()):
        return optimizer_factory(label, class_, settings, shapes, context=context, **own)
    key = ("optimizers", label)
    if given := [name for name, value in own.items() if value]:
        message = f"is for classes of torch.optim, not for {class_}"
        raise InputError(message, (*key, given[0]), code="unsupported")
    if not isinstance(shapes, int):
        message = f"{class_} minimizes functions; a network is trained on mini-batches, by classes of torch.optim"
        raise InputError(message, key, code="unsupported")
    return make_minimizer(label, class_, settings, shapes)


def starting_points(start: Start | None, objective: Objective, seed: int = 0) -> FloatArray:
    """Return the starting points (starts, dim) of a configuration, by default that of the objective.

    A grid is evenly spaced over the view, half a cell from its border; the last coordinate varies fastest. Random
    starts are uniform over the view, by the seed; if their number is increased, the first ones stay the same.
    """
    low, size = objective.bounds[:, 0], np.diff(objective.bounds)[:, 0]
    if start is None:
        return objective.start[np.newaxis].copy()
    if start.points is not None:
        return as_points(start.points, objective)
    if start.random is not None:
        return np.asarray(low + size * rng("starts", seed, 0).random((start.random, objective.dim)))
    axes = np.meshgrid(*[(np.arange(count) + 0.5) / count for count in start.grid or ()], indexing="ij")
    return np.asarray(low + size * np.stack(axes, axis=-1).reshape(-1, objective.dim))


def check_starts(points: FloatArray, start: Start | None, objective: Objective) -> None:
    """Check that an objective and its gradient are finite at its starting points.

    Raises:
        InputError: They are not at one of the points or, on a grid or among random points, at any of them.
    """
    values, gradients = objective.gradients(points)
    bad = ~(np.isfinite(values) & np.isfinite(gradients).all(-1))
    spread = start is not None and start.points is None
    if not (bad.all() if spread else bad.any()):
        return
    first = int(bad.argmax())
    what, number = objective.title, values[first]
    if np.isfinite(number):
        what, number = f"the gradient of {what}", gradients[first][~np.isfinite(gradients[first])][0]
    point = f"({', '.join(f'{coordinate:g}' for coordinate in points[first])})"
    others = f", and not finite at any of the {len(points)} starts" if spread and len(points) > 1 else ""
    if start is None:
        sentence = f"{what} is {number:g} at {point}, the default start; give a start, or other bounds"
        raise InputError(sentence, ("objective",))
    raise InputError(f"{what} is {number:g} at {point}{others}", ("start",))


def as_points(points: npt.ArrayLike, objective: Objective) -> FloatArray:
    """Convert one or several starting points to an array (starts, dim), and check that they are finite."""
    sentence = f"a start needs {objective.dim} finite numbers, the coordinates of a point of {objective.title}"
    try:
        array = np.atleast_2d(np.array(points, dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise InputError(sentence, ("start",), code="wrong-type") from error
    if array.ndim != 2 or array.shape[1] != objective.dim or not array.size or not np.isfinite(array).all():
        raise InputError(sentence, ("start",))
    return array
