"""Compare optimizers with the same starts, steps and tuning budget on each objective."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from gdsim.analysis.derive import for_tuning, replace_settings, split, tunable_names, with_settings
from gdsim.analysis.metrics import evaluations_to_tolerance
from gdsim.analysis.row import Row, lowest_value, make_row, unique_titles
from gdsim.analysis.search import TuningResult, import_optuna, search, sweep_in_chunks
from gdsim.analysis.table import Table, make_table
from gdsim.analysis.tuning import Tuning
from gdsim.config import Experiment
from gdsim.errors import ConfigError, InputError, Problem
from gdsim.objectives import FloatArray
from gdsim.simulation import Trajectory

MAX_POINTS = 1001
"""The maximum number of points of a curve, evenly spaced over the steps."""

RULE = (
    "Values are judged by what the table is sorted by, then the smaller one; a start that diverges, or leaves the view "
    "for values below the minimum, counts as never there."
)

Progress = Callable[[Iterable[int]], Iterable[int]]


@dataclass(frozen=True, eq=False)
class Curve:
    """The lowest value so far of one optimizer on one objective, the median over its starts.

    Attributes:
        objective: The objective's title in the table.
        steps: (n,) the steps from 0 to the last, at most `MAX_POINTS` of them.
        evaluations: (n,) the median over the starts of the number of gradient evaluations up to each step.
        values: (n,) the median over the starts of the lowest value so far; inf if at least half of them have no finite
            value.
    """

    objective: str
    optimizer: str
    steps: FloatArray
    evaluations: FloatArray
    values: FloatArray


@dataclass(frozen=True, eq=False)
class Study:
    """The comparison of several optimizers on one or more objectives.

    Attributes:
        table: A row per objective and optimizer; the caption describes the comparison and the tuning.
        labels: The optimizers, in the order of the configuration.
        evaluations: (problems, optimizers) gradient evaluations to tolerance, inf for never. A problem is an objective
            with one start; the problems are sorted by objective, then by start.
        curves: One per objective and optimizer that can run, sorted by objective.
        experiments: Per objective the experiment that reproduces its rows, with the tuned settings and without the
            optimizers that cannot run. Objectives on which no optimizer can run are omitted.
    """

    table: Table
    labels: tuple[str, ...]
    evaluations: FloatArray
    curves: tuple[Curve, ...]
    experiments: tuple[Experiment, ...]
    tuning: Tuning | None = None

    def __repr__(self) -> str:
        tuned = "" if self.tuning is None else f", {', '.join(self.tuning.names)} tuned"
        return f"<Study: {self.table!r}{tuned}>"


class _Result(NamedTuple):
    """The result of one optimizer on one objective."""

    row: Row
    evaluations: FloatArray
    curve: Curve | None
    settings: Mapping[str, Any]


_Run = tuple[str, TuningResult, Trajectory | None]
"""The label of an optimizer, its tuned settings, and its trajectory on an objective if the class can run."""


@dataclass(frozen=True, eq=False)
class StudyPlan:
    """A study with checked arguments.

    Attributes:
        experiments: An experiment per objective.
        names: For each optimizer the hyper-parameters to tune.
    """

    experiments: tuple[Experiment, ...]
    names: Mapping[str, Sequence[str]]
    tuning: Tuning | None

    def run(self, *, progress: Progress = iter) -> Study:
        """Tune and run each optimizer on each objective; `progress` is that of `study`."""
        labels = tuple(self.names)
        titles = unique_titles([each.objectives[0].build() for each in self.experiments])
        work = progress(range(len(self.experiments) * len(labels)))
        results: list[list[_Result]] = []
        for index, part in groupby(work, key=lambda number: number // len(labels)):
            experiment = self.experiments[index]
            runs = self._runs(experiment, (labels[number % len(labels)] for number in part), progress)
            results.append(_results(experiment, titles[index], runs))
        experiments = [
            with_settings(experiment, {each.row.optimizer: each.settings for each in part if not each.row.reason})
            for experiment, part in zip(self.experiments, results, strict=True)
            if not all(each.row.reason for each in part)
        ]
        every = [each for part in results for each in part]
        return Study(
            table=make_table([each.row for each in every], self._caption()),
            labels=labels,
            evaluations=np.concatenate([np.stack([each.evaluations for each in part], axis=1) for part in results]),
            curves=tuple(each.curve for each in every if each.curve is not None),
            experiments=tuple(experiments),
            tuning=self.tuning,
        )

    def _runs(self, experiment: Experiment, labels: Iterator[str], progress: Progress) -> Iterator[_Run]:
        if experiment.objectives[0].to_train() is not None:
            from gdsim.simulation import simulate

            # The optimizers of a network share a loss plane, so they are trained together.
            for label, trajectory in zip(labels, simulate(experiment, progress=progress), strict=True):
                yield label, TuningResult({}), trajectory
            return
        for label in labels:
            names = self.names[label]
            tuned = search(experiment, label, names, self.tuning) if self.tuning and names else TuningResult({})
            if tuned.reason:
                yield label, tuned, None
                continue
            (outcome,) = sweep_in_chunks(experiment, label, [replace_settings(experiment, label, tuned.values)])
            if isinstance(outcome, InputError):
                yield label, TuningResult({}, reason=outcome.message), None
            else:
                yield label, tuned, outcome

    def _caption(self) -> str:
        experiment, tuning, start = self.experiments[0], self.tuning, self.experiments[0].start
        starts, others = "the objective's own start", "the same starts"
        if experiment.objectives[0].to_train() is not None:
            starts = "the same weights"
        elif start is not None and start.random is not None:
            starts, others = f"{start.random} random starts in the bounds", f"{start.random} other random starts"
        elif start is not None:
            starts = f"a grid of {start.count} starts" if start.grid is not None else f"{start.count} given starts"
        caption = f"From {starts}, seed {experiment.seed}; each with the same number of steps, {experiment.steps}."
        if tuning is None:
            return caption
        grid = all(len(each) < 2 for each in self.names.values())
        spaces = " and ".join(tuning.describe(name, grid=grid) for name in tuning.names)
        if not grid:
            spaces += ", by Optuna's TPE sampler, or on a grid for an optimizer that has only one of them"
        untuned = [label for label, each in self.names.items() if not each]
        rest = f"; nothing to tune in {', '.join(untuned)}" if untuned else ""
        budget = f"with a budget of {tuning.budget} for each optimizer"
        return f"{caption} Tuned on each objective from {others}, {budget}: {spaces}{rest}. {RULE}"


def study(
    experiment: Experiment,
    *,
    objectives: Sequence[str] | None = None,
    starts: int | None = None,
    tuning: Tuning | None = None,
    progress: Progress = iter,
) -> Study:
    """Compare the optimizers of an experiment.

    A class that cannot run gets a row with the reason, and the study continues with the others. Errors that are
    detected when a configuration is loaded, such as a misspelled class or argument of torch.optim, are raised with
    their location.

    Random starts for tuning differ from those of the table; starts that are given are used for both.

    Args:
        experiment: The optimizers, objectives, starts, steps and seed.
        objectives: Names in the catalogue that replace the experiment's objectives; `ALL` means all two-dimensional
            ones with a known minimum.
        starts: The number of random starts within each objective's bounds, which replace the experiment's starts.
        tuning: The hyper-parameters to tune for each optimizer on each objective; None for no tuning.
        progress: Wraps an iterable of known length over all optimizers on all objectives, as `tqdm.tqdm` does.

    Raises:
        InputError: An argument is invalid; `key` names it.
        ConfigError: A start is invalid, or does not match an objective.
        GdsimError: Optuna is required and not installed.
    """
    return plan_study(experiment, objectives=objectives, starts=starts, tuning=tuning).run(progress=progress)


def plan_study(
    experiment: Experiment,
    *,
    objectives: Sequence[str] | None = None,
    starts: int | None = None,
    tuning: Tuning | None = None,
) -> StudyPlan:
    """Check the arguments of `study` and return a plan that can be run; it raises the same errors as `study`."""
    experiments = split(experiment, objectives, starts)
    if tuning is not None and any(each.objectives[0].to_train() is not None for each in experiments):
        message = "applies to functions only; a network is trained as its configuration says"
        raise InputError(message, ("tune",), code="unsupported")
    names: Mapping[str, Sequence[str]] = dict.fromkeys(experiment.optimizers, ())
    if tuning is not None:
        names = tunable_names(experiment, tuning)
    if any(len(each) > 1 for each in names.values()):
        import_optuna()
    _check_starts([*experiments, *(for_tuning(each) for each in experiments if tuning is not None)])
    return StudyPlan(experiments, names, tuning)


def _check_starts(experiments: Sequence[Experiment]) -> None:
    """Raise one ConfigError for the invalid starts of all experiments."""
    from gdsim.simulation import check_values, starting_points

    problems: list[Problem] = []
    for each in experiments:
        objective = each.objectives[0].build()
        try:
            check_values(starting_points(each.start, objective, each.seed), each.start, objective)
        except InputError as error:
            problems += each.locate(error).problems
    if problems:
        raise ConfigError(problems)


def _results(experiment: Experiment, title: str, runs: Iterable[_Run]) -> list[_Result]:
    lowest = math.nan
    if experiment.objectives[0].build().minimum is None:
        runs = list(runs)  # only here, so that otherwise one trajectory at a time is in memory
        lowest = lowest_value(trajectory for _, _, trajectory in runs if trajectory is not None)
    results = []
    for label, tuned, trajectory in runs:
        settings = replace_settings(experiment, label, tuned.values)
        if trajectory is None:
            row = Row(title, label, experiment.optimizers[label].class_name, reason=tuned.reason)
            never = np.full(1 if experiment.start is None else experiment.start.count, np.inf)
            results.append(_Result(row, never, None, settings))
        else:
            row = make_row(trajectory, lowest, title=title, tuned=tuned.summary)
            evaluations = evaluations_to_tolerance(trajectory, lowest)
            results.append(_Result(row, evaluations, _make_curve(trajectory, title), settings))
    return results


def _make_curve(trajectory: Trajectory, title: str) -> Curve:
    values = np.where(np.isfinite(trajectory.values), trajectory.values, np.inf)
    steps = np.unique(np.linspace(0, len(values) - 1, min(len(values), MAX_POINTS)).round().astype(np.int64))
    return Curve(
        objective=title,
        optimizer=trajectory.label,
        steps=steps.astype(np.float64),
        evaluations=np.median(trajectory.evaluations[steps], axis=1),
        values=np.median(np.minimum.accumulate(values)[steps], axis=1),
    )
