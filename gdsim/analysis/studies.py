"""Optimizers compared on equal terms: the same starts, steps and budget of tuning on each objective."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gdsim.analysis.captions import caption
from gdsim.analysis.derive import ALL, apart, for_tuning, moved
from gdsim.analysis.grouping import titles
from gdsim.analysis.hyperparameters import tuned_names
from gdsim.analysis.parts import Part
from gdsim.analysis.progress import Pace, Progress
from gdsim.analysis.results import Curve, Result, Study
from gdsim.analysis.resuming import Finished
from gdsim.analysis.search import need_optuna
from gdsim.analysis.tables import table
from gdsim.analysis.tuning import RANGES, Tuning, parsed_range
from gdsim.config import Experiment
from gdsim.errors import ConfigError, InputError, Problem

__all__ = [
    "ALL",
    "RANGES",
    "Curve",
    "Finished",
    "Study",
    "Tuning",
    "check",
    "moved",
    "parsed_range",
    "study",
]


def study(
    experiment: Experiment,
    *,
    objectives: Sequence[str] | None = None,
    starts: int | None = None,
    tuning: Tuning | None = None,
    progress: Progress = iter,
    finished: Finished | None = None,
) -> Study:
    """Compare the optimizers of an experiment.

    A class that cannot run is a row with its reason, and the others go on. What is found wrong as a configuration is
    loaded, such as a misspelt class or argument of torch.optim, stops everything instead, with its place.

    What is tuned is tuned from other random starts than those of the table where starts are random, and from the same
    where they are given.

    Args:
        experiment: What is compared: its optimizers, objectives, starts, steps and seed.
        objectives: Names of the catalogue instead of its own; `ALL` among them stands for every two-dimensional one
            whose minimum is known.
        starts: So many random starts in each objective's bounds instead of its own.
        tuning: What is tuned, for each optimizer on each objective; nothing when None.
        progress: Wraps an iterable of known length over all that is to be done, as `tqdm.tqdm` does.
        finished: What an interrupted study has left, and where to keep what is finished of this one.

    Raises:
        InputError: An argument is at fault; `key` says which.
        ConfigError: A start is at fault, or does not go with an objective.
        GdsimError: Optuna is needed and not installed.
    """
    parts = check(experiment, objectives=objectives, starts=starts, tuning=tuning)
    names = _names(experiment, tuning)
    kept = Finished() if finished is None else finished
    plan = [
        Part(part, title, names, tuning, kept)
        for part, title in zip(parts, titles([part.objectives[0].build() for part in parts]), strict=True)
    ]
    pace = Pace(progress, sum(part.work() for part in plan))
    results = [part.results(pace) for part in plan]
    pace.finish()
    return _put_together(experiment, plan, results, tuning)


def check(
    experiment: Experiment,
    *,
    objectives: Sequence[str] | None = None,
    starts: int | None = None,
    tuning: Tuning | None = None,
) -> tuple[Experiment, ...]:
    """Raise what `study` would before any work, and return an experiment for each objective.

    Raises:
        InputError: An argument is at fault; `key` says which.
        ConfigError: A start is at fault, or does not go with an objective.
        GdsimError: Optuna is needed and not installed.
    """
    parts = apart(experiment, objectives, starts)
    if tuning is not None and any(part.objectives[0].to_train() is not None for part in parts):
        raise InputError("tunes what descends a function; a network is trained as its configuration says", ("tune",))
    names = _names(experiment, tuning)
    if any(len(each) > 1 for each in names.values()):
        need_optuna()
    _check_starts([*parts, *(for_tuning(part) for part in parts if tuning is not None)])
    return parts


def _names(experiment: Experiment, tuning: Tuning | None) -> Mapping[str, Sequence[str]]:
    """Return for each optimizer what is tuned."""
    return dict.fromkeys(experiment.optimizers, ()) if tuning is None else tuned_names(experiment, tuning)


def _check_starts(parts: Sequence[Experiment]) -> None:
    """Refuse starts, all mistakes at once."""
    from gdsim.simulation.starts import check_values
    from gdsim.simulation.starts import starting_points as points_of

    problems: list[Problem] = []
    for part in parts:
        objective = part.objectives[0].build()
        try:
            check_values(points_of(part.start, objective, part.seed), part.start, objective)
        except InputError as error:
            problems += part.locate(error).problems
    if problems:
        raise ConfigError(problems)


def _put_together(
    experiment: Experiment, plan: Sequence[Part], results: Sequence[Mapping[str, Result]], tuning: Tuning | None
) -> Study:
    rows = [each.row for found in results for each in found.values()]
    labels = tuple(experiment.optimizers)
    names = plan[0].names
    columns = [np.stack([found[label].evaluations for label in labels], axis=1) for found in results]
    experiments = [
        part.tuned([label for label in labels if not found[label].row.reason])
        for part, found in zip(plan, results, strict=True)
        if not all(each.row.reason for each in found.values())
    ]
    return Study(
        table=table(rows, caption(plan[0].experiment, names, tuning)),
        labels=labels,
        evaluations=np.concatenate(columns),
        curves=tuple(each.curve for found in results for each in found.values() if each.curve is not None),
        experiments=tuple(experiments),
        tuning=tuning,
    )
