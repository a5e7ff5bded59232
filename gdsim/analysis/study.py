"""Optimizers compared on equal terms: the same starts, steps and tuning budget on each objective."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from gdsim.analysis.derive import for_tuning, split, with_settings
from gdsim.analysis.grouping import lowest_value, unique_titles
from gdsim.analysis.hyperparameters import replace_settings, tunable_names
from gdsim.analysis.metrics import evaluations_to_tolerance
from gdsim.analysis.row import Row, make_row
from gdsim.analysis.search import TuningResult, import_optuna, search, sweep_in_chunks
from gdsim.analysis.table import Table, make_table
from gdsim.analysis.tuning import Tuning
from gdsim.config import Experiment
from gdsim.errors import ConfigError, InputError, Problem
from gdsim.objectives import FloatArray
from gdsim.simulation import Trajectory

__all__ = ["Curve", "Study", "StudyPlan", "plan_study", "study", "tune"]

MAX_POINTS = 1001
"""The largest number of points of a curve, evenly spread over the steps."""

RULE = (
    "Values are judged by what the table is sorted by, then the smaller one; a start that diverges, or leaves the view "
    "for values below the minimum, counts as never there."
)

Progress = Callable[[Iterable[int]], Iterable[int]]


@dataclass(frozen=True, eq=False)
class Curve:
    """The lowest value so far of one optimizer on one objective: the median over its starts, at some or all steps.

    Attributes:
        objective: The objective's title, as in the table.
        optimizer: The label.
        steps: (n,) the steps, from 0 to the last.
        evaluations: (n,) the gradient evaluations up to there, the median over the starts.
        values: (n,) the lowest value so far, the median over the starts; inf if half of them have none.
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
        table: A row per objective and optimizer; its caption says how they were compared, and how tuned.
        labels: The optimizers, in the order of the configuration.
        evaluations: (problems, optimizers) gradient evaluations to tolerance, inf for never: an objective from one
            start is a problem, all starts of the first objective before those of the next.
        curves: One per objective and optimizer that could run, objective by objective.
        experiments: For each objective the experiment that gives its rows, with the tuned settings and without the
            optimizers that cannot run; objectives on which none can are left out.
        tuning: What was tuned; None if nothing was.
    """

    table: Table
    labels: tuple[str, ...]
    evaluations: FloatArray
    curves: tuple[Curve, ...]
    experiments: tuple[Experiment, ...]
    tuning: Tuning | None = None


@dataclass(frozen=True, eq=False)
class _Run:
    """One optimizer on one objective: what was tuned, and the trajectory or the reason why there is none."""

    label: str
    tuned: TuningResult
    trajectory: Trajectory | None
    reason: str = ""


@dataclass(frozen=True, eq=False)
class _Result:
    """What one optimizer contributes to a study on one objective."""

    row: Row
    evaluations: FloatArray
    curve: Curve | None
    tuned: TuningResult


@dataclass(frozen=True, eq=False)
class StudyPlan:
    """A study whose arguments have been checked.

    Attributes:
        experiments: An experiment per objective.
        names: For each optimizer the hyper-parameters to tune.
        tuning: What is tuned; None if nothing is.
    """

    experiments: tuple[Experiment, ...]
    names: Mapping[str, Sequence[str]]
    tuning: Tuning | None

    def run(self, *, progress: Progress = iter) -> Study:
        """Tune and run each optimizer on each objective.

        Args:
            progress: Wraps an iterable over all optimizers on all objectives, as `tqdm.tqdm` does; for a network also
                that of the steps of its training.
        """
        labels = tuple(self.names)
        titles = unique_titles([each.objectives[0].build() for each in self.experiments])
        work = progress(range(len(self.experiments) * len(labels)))
        results: list[list[_Result]] = []
        for index, part in groupby(work, key=lambda number: number // len(labels)):
            experiment = self.experiments[index]
            runs = self._runs(experiment, (labels[number % len(labels)] for number in part), progress)
            results.append(_results(experiment, titles[index], runs))
        every = [each for part in results for each in part]
        experiments = [
            with_settings(
                experiment,
                {
                    each.row.optimizer: replace_settings(experiment, each.row.optimizer, each.tuned.values)
                    for each in part
                    if not each.row.reason
                },
            )
            for experiment, part in zip(self.experiments, results, strict=True)
            if not all(each.row.reason for each in part)
        ]
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
            for label, trained in zip(labels, simulate(experiment, progress=progress), strict=True):
                yield _Run(label, TuningResult({}), trained)
            return
        for label in labels:
            names = self.names[label]
            tuned = search(experiment, label, names, self.tuning) if self.tuning and names else TuningResult({})
            if tuned.reason:
                yield _Run(label, tuned, None, tuned.reason)
                continue
            (outcome,) = sweep_in_chunks(experiment, label, [replace_settings(experiment, label, tuned.values)])
            if isinstance(outcome, InputError):
                yield _Run(label, tuned, None, outcome.message)
            else:
                yield _Run(label, tuned, outcome)

    def _caption(self) -> str:
        """Return how the optimizers were compared and tuned, in a few sentences."""
        experiment = self.experiments[0]
        begun = f"From {_starts(experiment)}, seed {experiment.seed}"
        compared = f"{begun}; every descent has the same number of steps, {experiment.steps}."
        return f"{compared} {self._tuning_caption(self.tuning)} {RULE}" if self.tuning else compared

    def _tuning_caption(self, tuning: Tuning) -> str:
        start = self.experiments[0].start
        count = 1 if start is None else start.count
        same = "the same starts" if count > 1 else "the same start"
        is_random = start is not None and start.random is not None
        origin = f"{count} other random start{'s' * (count != 1)}" if is_random else same
        used = [name for name in tuning.names if any(name in each for each in self.names.values())]
        if any(len(each) > 1 for each in self.names.values()):
            spaces = " and ".join(tuning.describe(name, grid=False) for name in used)
            spaces = f"{spaces}, by Optuna's TPE sampler, or on a grid for an optimizer that has only one of them"
        else:
            spaces = ", ".join(tuning.describe(name, grid=True) for name in used)
        untuned = [label for label, each in self.names.items() if not each]
        rest = f"; {', '.join(untuned)} {'has' if len(untuned) == 1 else 'have'} nothing to tune" if untuned else ""
        budget = f"a budget of {tuning.budget} descent{'s' * (tuning.budget != 1)} for each optimizer"
        return f"Tuned on each objective from {origin}, with {budget}: {spaces}{rest}."


def study(
    experiment: Experiment,
    *,
    objectives: Sequence[str] | None = None,
    starts: int | None = None,
    tuning: Tuning | None = None,
    progress: Progress = iter,
) -> Study:
    """Compare the optimizers of an experiment.

    A class that cannot run becomes a row with its reason, and the others continue. Mistakes that are found when a
    configuration is loaded, such as a misspelt class or argument of torch.optim, are raised instead, with their place.

    Random starts for tuning differ from those of the table; starts that are given serve both.

    Args:
        experiment: The optimizers, objectives, starts, steps and seed.
        objectives: Names of the catalogue instead of the experiment's own; `ALL` is every two-dimensional one whose
            minimum is known.
        starts: The number of random starts in each objective's bounds, instead of the experiment's own.
        tuning: What to tune, for each optimizer on each objective; nothing if None.
        progress: Wraps an iterable of known length over all optimizers on all objectives, as `tqdm.tqdm` does.

    Raises:
        InputError: An argument is invalid; `key` says which.
        ConfigError: A start is invalid, or does not fit an objective.
        GdsimError: Optuna is needed and not installed.
    """
    return plan_study(experiment, objectives=objectives, starts=starts, tuning=tuning).run(progress=progress)


def tune(
    experiment: Experiment,
    names: str | Sequence[str] = ("lr",),
    *,
    budget: int = 41,
    ranges: Mapping[str, tuple[float, float]] | None = None,
    objectives: Sequence[str] | None = None,
    starts: int | None = None,
    progress: Progress = iter,
) -> Study:
    """Tune hyper-parameters of every optimizer with an equal budget, and compare the tuned optimizers.

    Args:
        experiment: The optimizers, objectives, starts, steps and seed.
        names: The hyper-parameters, such as `"lr"`; `"beta1"` and `"beta2"` are the two of an argument `betas`.
        budget: How many values, or combinations of values, are tried for each optimizer on each objective.
        ranges: Low and high end of each hyper-parameter, where they differ from the defaults, `RANGES`.
        objectives: As for `study`.
        starts: As for `study`.
        progress: As for `study`.

    Raises:
        InputError: An argument is invalid; `key` says which.
        ConfigError: A start is invalid, or does not fit an objective.
        GdsimError: Optuna is needed and not installed.
    """
    tuning = Tuning((names,) if isinstance(names, str) else tuple(names), budget, ranges or {})
    return study(experiment, objectives=objectives, starts=starts, tuning=tuning, progress=progress)


def plan_study(
    experiment: Experiment,
    *,
    objectives: Sequence[str] | None = None,
    starts: int | None = None,
    tuning: Tuning | None = None,
) -> StudyPlan:
    """Check the arguments of `study` before any work, and return a plan that can be run; raises what `study` does."""
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
    """Raise all mistakes of all starts together."""
    from gdsim.simulation.starts import check_values, starting_points

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
    """Return the results of runs on one objective; only without a known minimum are all in memory at once."""
    lowest = math.nan
    if experiment.objectives[0].build().minimum is None:
        runs = list(runs)
        lowest = lowest_value(run.trajectory for run in runs if run.trajectory is not None)
    return [_result(experiment, title, run, lowest) for run in runs]


def _result(experiment: Experiment, title: str, run: _Run, lowest: float) -> _Result:
    if run.trajectory is None:
        row = Row(title, run.label, experiment.optimizers[run.label].class_name, reason=run.reason)
        starts = 1 if experiment.start is None else experiment.start.count
        return _Result(row, np.full(starts, np.inf), None, run.tuned)
    row = make_row(run.trajectory, lowest, title=title, tuned=run.tuned.summary)
    return _Result(row, evaluations_to_tolerance(run.trajectory, lowest), _make_curve(run.trajectory, title), run.tuned)


def _make_curve(trajectory: Trajectory, title: str) -> Curve:
    values = np.where(np.isfinite(trajectory.values), trajectory.values, np.inf)
    last = len(values) - 1
    steps = np.unique(np.linspace(0, last, min(last + 1, MAX_POINTS)).round().astype(np.int64))
    lowest = np.minimum.accumulate(values)[steps]
    return Curve(
        objective=title,
        optimizer=trajectory.label,
        steps=steps.astype(np.float64),
        evaluations=np.median(trajectory.evaluations[steps], axis=1),
        values=np.median(lowest, axis=1),
    )


def _starts(experiment: Experiment) -> str:
    start = experiment.start
    if experiment.objectives[0].to_train() is not None:
        return "the same weights"
    if start is None:
        return "the objective's own start"
    if start.random is not None:
        return f"{start.random} random start{'s' * (start.random != 1)} in the bounds"
    if start.grid is not None:
        return f"a grid of {' × '.join(map(str, start.grid))} starts"
    return f"{start.count} start{'s' * (start.count != 1)}"
