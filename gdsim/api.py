"""The Python API: it accepts names, expressions, functions, files and mappings, and passes on proper types."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar, cast

import numpy as np
import numpy.typing as npt

from gdsim import analysis, objectives
from gdsim.config import Animation, Experiment, Output, View, load, loads
from gdsim.config.yaml_text import dump
from gdsim.encode import find_format
from gdsim.errors import ConfigError, InputError, check_arguments
from gdsim.files import YAML_SUFFIXES
from gdsim.movie import Movie, make_provenance
from gdsim.objectives import Gradient, Objective, objective
from gdsim.scene.build import build_scene, preview_scene
from gdsim.scene.sweeps import build_sweep_scene
from gdsim.simulation import Trajectory, read
from gdsim.sweeps import SweepResult

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from torch.optim import Optimizer

ObjectiveLike: TypeAlias = "str | os.PathLike[str] | Callable[..., Any] | Objective"
"""A name in the catalogue, an expression, a file of samples, a function of torch tensors, or an objective."""

OptimizersLike: TypeAlias = (
    "str | type[Optimizer] | Sequence[str | type[Optimizer]] "
    "| Mapping[str, Mapping[str, Any] | str | type[Optimizer] | None]"
)
"""Classes of torch.optim by name or themselves, or a mapping of labels to settings: `{"Adam": {"lr": 0.1}}`."""

ExperimentLike: TypeAlias = "Experiment | Mapping[str, Any] | str | os.PathLike[str]"
"""An experiment, itself, as a mapping, or as the path of a YAML file."""

Source: TypeAlias = "ExperimentLike | ObjectiveLike | Trajectory | Sequence[Trajectory]"
"""An experiment; an objective; trajectories, or the path of a recording of them (.npz)."""

Progress: TypeAlias = Callable[[Iterable[Any]], Iterable[Any]]

RECORDING = ".npz"

STEPS = 100  # default number of steps


@check_arguments
def descend(
    objective: ObjectiveLike,
    optimizer: str | type[Optimizer],
    *,
    start: npt.ArrayLike | None = None,
    steps: int = STEPS,
    seed: int = 0,
    bounds: npt.ArrayLike | None = None,
    label: str | None = None,
    schedule: str | Mapping[str, Any] | None = None,
    noise: float = 0.0,
    clip_norm: float | None = None,
    record: Literal["state"] | None = None,
    progress: Progress = iter,
    args: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Trajectory:
    """Descend an objective with one optimizer.

    Args:
        objective: A name in the catalogue, an expression, a file of samples, a function, or an objective.
        optimizer: A class of optimizers: itself, its name in `torch.optim`, its dotted name in an installed package, or
            `"module:Class"`; it gets a closure or a graph if it requires that. Or a minimizer: `"scipy.BFGS"`.
        start: (dim,) one starting point, or (starts, dim); the objective's own by default.
        steps: The number of updates, from 0.
        seed: The seed of the noise, from 0.
        bounds: The view, one (low, high) per coordinate; by default, pictures fit that of most objectives to the paths.
        label: The name of the optimizer; its class by default. The noise depends on it.
        schedule: A class of `torch.optim.lr_scheduler` by name, or `{"class": …, …}` with its arguments.
        noise: The standard deviation of Gaussian noise on each component of the gradient that the optimizer gets.
        clip_norm: The largest norm of that gradient, noise included, as in `torch.nn.utils.clip_grad_norm_`.
        record: `"state"` records what the optimizer holds after each step, see `Trajectory.state`.
        progress: Wraps the iterable of steps, as `tqdm.tqdm` does.
        args: Arguments of the optimizer whose names are arguments of this function, too. A class that wraps
            another one takes it as a class or a mapping: `args={"optimizer": {"class": "SGD", "lr": 0.1}}`.
        settings: Further arguments of the optimizer, such as `lr`.

    Raises:
        InputError: The objective, a class, an argument or a start is at fault; `key` says which.
    """
    from gdsim.optimizers import deterministic
    from gdsim.simulation.experiments import as_points, make_optimizer
    from gdsim.simulation.minimization import run_together

    name = _class_name(optimizer)
    target = _objective(objective, bounds, start)
    for key, number in (("steps", steps), ("seed", seed)):
        if not isinstance(number, Integral) or number < 0:
            raise InputError(f"{key} must be a whole number, at least 0, not {number}", (key,))
    if record not in (None, "state"):
        raise InputError(f"record must be 'state' or None, not {record!r}", ("record",), code="unknown-name")
    points = as_points(target.start if start is None else start, target)
    own: dict[str, Any] = {"schedule": schedule, "noise": noise, "clip_norm": clip_norm}
    common: dict[str, Any] = {"steps": int(steps), "seed": int(seed), "progress": progress}
    with deterministic():
        given = {**(args or {}), **settings}
        chosen = make_optimizer(name if label is None else label, optimizer, given, target.dim, **own)
        return run_together(target, [chosen], points, records_state=record == "state", **common)[0]


@check_arguments
def simulate(
    source: Source,
    optimizers: OptimizersLike | None = None,
    *,
    start: npt.ArrayLike | None = None,
    steps: int | None = None,
    seed: int | None = None,
    progress: Progress = iter,
) -> tuple[Trajectory, ...]:
    """Descend every objective of an experiment with all its optimizers from all its starts, and train its networks.

    Args:
        source: An experiment, itself, as a mapping or as the path of a YAML file; or an objective.
        optimizers: For an objective: `"Adam"`, `torch.optim.Adam`, a list of these, or `{"Adam": {"lr": 0.1}}`.
        start: For an objective: (dim,) one starting point, or (starts, dim); its own by default.
        steps: For an objective, 100 by default.
        seed: For an objective, of the noise; 0 by default.
        progress: Wraps the iterable of steps of each objective, as `tqdm.tqdm` does.

    Returns:
        One trajectory per objective and optimizer, in order; each is independent of the others.

    Raises:
        InputError: An argument, or something in the configuration, is at fault.
    """
    return tuple(_run(source, optimizers, start, steps, seed, progress=progress)[1])


@check_arguments
def animate(
    source: Source,
    optimizers: OptimizersLike | os.PathLike[str] | None = None,
    path: str | os.PathLike[str] | None = None,
    *,
    start: npt.ArrayLike | None = None,
    steps: int | None = None,
    seed: int | None = None,
    view: View | Mapping[str, Any] | None = None,
    animation: Animation | Mapping[str, Any] | None = None,
    theme: str | Mapping[str, Any] | None = None,
    progress: Progress = iter,
) -> Movie:
    """Return an animation, which a notebook displays, and write it if a path is given.

    Examples: `animate("rosenbrock", {"SGD": {"lr": 1e-3}, "Adam": {"lr": 0.1}})`, `animate(experiment, "race.gif")`.

    Args:
        source: An experiment, itself, as a mapping or as the path of a YAML file; an objective; trajectories, or the
            path of a recording of them.
        optimizers: For an objective, as for `simulate`. A file name in this place is the path.
        path: Where to write; its suffix decides the format, as in `Movie.save`.
        start: For an objective, as for `simulate`.
        steps: For an objective.
        seed: For an objective.
        view: What is shown, `gdsim.View(…)` or a mapping; by default the experiment's, or the defaults.
        animation: The pace, likewise.
        theme: The theme instead of the view's own, such as `"dark"`.
        progress: Wraps the iterables of steps and of frames, as `tqdm.tqdm` does.

    Raises:
        InputError: The input is at fault, or the suffix is unknown.
        GdsimError: The file cannot be written, or the encoder fails.
    """
    if isinstance(optimizers, os.PathLike) or (isinstance(optimizers, str) and _is_path(optimizers, source)):
        path, optimizers = optimizers, None
    shown, pace = _model(View, view, "view"), _model(Animation, animation, "animation")
    if optimizers is None and (isinstance(source, Mapping) or _suffix(source) in YAML_SUFFIXES):
        source = as_experiment(source)
    swept = _swept(source, progress) if optimizers is None else None
    experiment, found = swept or _run(source, optimizers, start, steps, seed, progress=progress)
    if experiment is not None:
        shown, pace = shown or experiment.view, pace or experiment.animation
    with nullcontext() if experiment is None else experiment.located():
        themed = _themed(shown, theme)
        if isinstance(found, SweepResult):
            drawn = build_sweep_scene(cast("Experiment", experiment), found, view=themed, animation=pace)
        else:
            drawn = build_scene(found, view=themed, animation=pace)
    movie = Movie(drawn, make_provenance(drawn, experiment), Output() if experiment is None else experiment.output)
    if path is not None:
        movie.save(path, progress=progress)
    return movie


@check_arguments
def preview(objective: ObjectiveLike, *, view: View | Mapping[str, Any] | None = None, **settings: Any) -> Movie:
    """Return a picture of an objective alone, as `gdsim show` draws it; `settings` are those of `gdsim.objective`.

    Raises:
        InputError: The objective or an argument is at fault.
    """
    drawn = preview_scene(objectives.objective(objective, **settings), view=_model(View, view, "view"))
    return Movie(drawn, make_provenance(drawn), Output())


@check_arguments
def compare(
    source: Source, *, objectives: Sequence[str] | None = None, starts: int | None = None, progress: Progress = iter
) -> analysis.Table:
    """Return a table with one row per objective and optimizer.

    Args:
        source: An experiment, itself, as a mapping or as the path of a YAML file; or trajectories, or the path of a
            recording of them.
        objectives: Names of the catalogue instead of the experiment's own objectives.
        starts: The number of random starts in each objective's bounds, instead of the experiment's own.
        progress: Wraps the iterables of what is computed, as `tqdm.tqdm` does.

    Raises:
        InputError: An argument, or something in the configuration, is at fault.
    """
    if objectives is None and starts is None:
        return analysis.compare(_run(source, progress=progress)[1])
    return analysis.plan_study(as_experiment(source), objectives=objectives, starts=starts).run(progress=progress).table


@check_arguments
def tune(
    source: ExperimentLike,
    names: str | Sequence[str] = ("lr",),
    *,
    budget: int = 41,
    ranges: Mapping[str, tuple[float, float]] | None = None,
    objectives: Sequence[str] | None = None,
    starts: int | None = None,
    progress: Progress = iter,
) -> analysis.Study:
    """Tune hyper-parameters of every optimizer with an equal budget, and compare the tuned optimizers.

    Args:
        source: An experiment, itself, as a mapping or as the path of a YAML file.
        names: The hyper-parameters, such as `"lr"`; `"beta1"` and `"beta2"` are the two of an argument `betas`.
        budget: How many values, or combinations of values, are tried for each optimizer on each objective.
        ranges: The low and high end of each hyper-parameter, where they differ from the defaults.
        objectives: Names of the catalogue instead of the experiment's own objectives.
        starts: The number of random starts in each objective's bounds, instead of the experiment's own.
        progress: Wraps the iterable of what is computed, as `tqdm.tqdm` does.

    Raises:
        InputError: An argument, or something in the configuration, is at fault.
        GdsimError: Optuna is needed and not installed.
    """
    tuning = analysis.Tuning((names,) if isinstance(names, str) else tuple(names), budget, ranges or {})
    study = analysis.plan_study(as_experiment(source), objectives=objectives, starts=starts, tuning=tuning)
    return study.run(progress=progress)


@check_arguments
def sweep(
    source: ExperimentLike,
    executor: Executor | None = None,
    *,
    workers: int | None = None,
    kept: str | os.PathLike[str] | None = None,
    progress: Progress = iter,
) -> SweepResult:
    """Run the sweep of an experiment, and return figures of all its runs.

    Args:
        source: An experiment with a `sweep`, itself, as a mapping or as the path of a YAML file.
        executor: What runs the tiles of the sweep, such as `get_executor()` of a client of Dask; by default processes
            of this machine. The result is the same.
        workers: The number of these processes, 1 for the process of the call alone. By default as many as there are
            cores, for a sweep that takes longer than it takes to start them.
        kept: A folder in which finished tiles are kept: after an interrupt, the same call continues with the others.
        progress: Wraps the iterable of tiles, as `tqdm.tqdm` does.

    Raises:
        InputError: The experiment has no sweep, or something in the configuration is at fault.
        GdsimError: A worker has ended, or a run differs from a plain loop with the same class.
    """
    from gdsim.sweeps.plan import Plan
    from gdsim.sweeps.run import run

    experiment = as_experiment(source)
    if experiment.sweep is None:
        message = "has no `sweep`, such as {x: {setting: optimizers.SGD.lr, range: [0.001, 1], scale: log}}"
        raise InputError(message, ("source",), code="missing")
    if executor is not None and workers is not None:
        raise InputError("is for processes of this machine, and an executor has its own", ("workers",), code="conflict")
    Plan.of(experiment).check()
    return run(
        experiment, executor=executor, workers=workers, kept=None if kept is None else Path(kept), progress=progress
    )


@check_arguments
def check(source: ExperimentLike) -> None:
    """Raise what `simulate` would, as far as it can be known without a step, as `gdsim validate` does.

    Raises:
        InputError: Something in the configuration is at fault.
    """
    from gdsim.simulation import experiments

    experiments.check(as_experiment(source))


@check_arguments
def grad(objective: ObjectiveLike, at: npt.ArrayLike, **settings: Any) -> Gradient:
    """Return the value and gradient of an objective at a point: `grad("x**2 + 3*x + 1", 4)`.

    Args:
        objective: A name in the catalogue, an expression, a file of samples, a function, or an objective.
        at: (dim,) the point; a number in one dimension.
        settings: As for `gdsim.objective`.

    Raises:
        InputError: The objective, an argument or the point is at fault.
    """
    if callable(objective) and not {"dim", "bounds"} & settings.keys():
        settings["dim"] = max(1, np.size(at))
    return objectives.grad(objectives.objective(objective, **settings), at)


def _swept(source: Source, progress: Progress) -> tuple[Experiment, SweepResult] | None:
    """Return the experiment and the result of a sweep, of an experiment or a recording; None for other sources."""
    if isinstance(source, Experiment) and source.sweep is not None:
        return source, sweep(source, progress=progress)
    if _suffix(source) == RECORDING:
        from gdsim.sweeps import archive

        path = Path(cast("str", source))
        return archive.read(path) if archive.is_sweep(path) else None
    return None


def _run(
    source: Source,
    optimizers: OptimizersLike | None = None,
    start: npt.ArrayLike | None = None,
    steps: int | None = None,
    seed: int | None = None,
    *,
    progress: Progress,
) -> tuple[Experiment | None, Sequence[Trajectory]]:
    """Return the trajectories that a source is, or that it makes, and its experiment if it has one."""
    if optimizers is not None or callable(source):
        return None, _descend_each(source, optimizers, start, steps, seed, progress)  # type: ignore[arg-type]
    for name, value in {"start": start, "steps": steps, "seed": seed}.items():
        if value is not None:
            message = "goes with an objective and `optimizers`; an experiment has its own"
            raise InputError(message, (name,), code="conflict")
    if isinstance(source, Trajectory):
        return None, [source]
    if _suffix(source) == RECORDING:
        return read(cast("str", source))
    if isinstance(source, Sequence) and not isinstance(source, str):
        if wrong := [type(each).__name__ for each in source if not isinstance(each, Trajectory)]:
            raise InputError(f"must hold trajectories, not {wrong[0]}", ("source",), code="wrong-type")
        return None, source
    from gdsim.simulation import experiments

    experiment = as_experiment(source)
    return experiment, experiments.simulate(experiment, progress=progress)


def _themed(view: View | None, theme: str | Mapping[str, Any] | None) -> View | None:
    if theme is None:
        return view
    return _model(
        View, {**({} if view is None else view.model_dump(exclude_unset=True, by_alias=True)), "theme": theme}, "view"
    )


def _is_path(text: str, source: object) -> bool:
    """Return whether a text after a source is where to write, and not an optimizer that descends an objective."""
    is_text = isinstance(source, str | os.PathLike) and _suffix(source) not in (*YAML_SUFFIXES, RECORDING)
    is_objective = is_text or callable(source) or isinstance(source, Objective)
    return find_format(Path(text).suffix) is not None or not is_objective


def _suffix(source: object) -> str:
    """Return the suffix of a path in lower case; empty for other sources."""
    return Path(source).suffix.lower() if isinstance(source, str | os.PathLike) else ""


def as_experiment(source: object) -> Experiment:
    """Return the experiment that a source is or describes."""
    if isinstance(source, Experiment):
        return source
    if isinstance(source, Mapping):
        return loads(dump(_plain(source)))
    if _suffix(source) in YAML_SUFFIXES:
        return load(cast("str", source))
    if isinstance(source, str | os.PathLike | Objective):
        example = '`{"SGD": {"lr": 0.01}, "Adam": {"lr": 0.1}}`'
        message = f"are needed to descend {source}, such as {example}; a configuration is a .yaml file"
        raise InputError(message, ("optimizers",), code="missing")
    kinds = "an experiment, a mapping, a YAML file, an objective or trajectories"
    raise InputError(f"must be {kinds}, not of type {type(source).__name__}", ("source",), code="wrong-type")


def _descend_each(
    source: ObjectiveLike,
    optimizers: OptimizersLike | None,
    start: npt.ArrayLike | None,
    steps: int | None,
    seed: int | None,
    progress: Progress,
) -> list[Trajectory]:
    target = _objective(source, None, start)
    if optimizers is None:
        as_experiment(target)
    common: dict[str, Any] = {"start": start, "seed": seed or 0, "progress": progress}
    common["steps"] = STEPS if steps is None else steps
    trajectories = []
    for label, settings in _by_label(optimizers).items():
        color = settings.pop("color", None)
        made = descend(target, settings.pop("class"), label=label, **common, **settings)
        trajectories.append(replace(made, color=color))
    return trajectories


def _class_name(class_: object) -> str:
    """Return the name of a class of optimizers, given the class or a reference to it, to the right of its module."""
    if not isinstance(class_, str | type):
        message = f"must be a class or its name, not of type {type(class_).__name__}"
        raise InputError(message, ("optimizer",), code="wrong-type")
    return class_.replace(":", ".").rpartition(".")[2] if isinstance(class_, str) else class_.__name__


def _by_label(optimizers: OptimizersLike | None) -> dict[str, dict[str, Any]]:
    """Return the settings of each optimizer by its label, "class" among them."""
    if not isinstance(optimizers, Mapping):
        classes = [optimizers] if isinstance(optimizers, str | type) else optimizers or ()
        optimizers = {_class_name(each): each for each in classes}
    return {
        label: {"class": label} | (dict(each or {}) if isinstance(each, Mapping | None) else {"class": each})
        for label, each in optimizers.items()
    }


def _objective(source: ObjectiveLike, bounds: npt.ArrayLike | None, start: npt.ArrayLike | None) -> Objective:
    """Return an objective; a function is tried near the start."""
    if bounds is not None or not callable(source) or start is None:
        return objective(source, bounds=bounds)
    try:
        points = np.atleast_2d(np.asarray(start, dtype=np.float64))
    except (TypeError, ValueError):
        raise InputError(f"must be numbers, not {start!r:.40}", ("start",), code="wrong-type") from None
    margin = np.maximum(1, np.abs(points).max(0))
    view = np.stack([points.min(0) - margin, points.max(0) + margin], -1)
    return replace(objective(source, bounds=view), start=points[0], bounds_origin="default")


M = TypeVar("M", bound="View | Animation")


def _model(kind: type[M], value: M | Mapping[str, Any] | None, name: str) -> M | None:
    if value is None or isinstance(value, kind):
        return value
    if not isinstance(value, Mapping):
        message = f"must be a gdsim.{kind.__name__}(…) or a mapping, not of type {type(value).__name__}"
        raise InputError(message, (name,), code="wrong-type")
    try:
        return kind(**_plain(value))
    except InputError as error:
        raise ConfigError(replace(problem, key=(name, *problem.key)) for problem in error.problems) from error


def _plain(value: Any) -> Any:
    """Return what YAML can hold: lists for tuples and arrays, Python's numbers, names of torch's classes."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, type):
        return value.__name__
    return str(value) if isinstance(value, os.PathLike) else value
