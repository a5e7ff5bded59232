"""Compare optimizers with the same starts, steps and tuning budget on each objective."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from gdsim.analysis.findings import Tally, finding, finding_over, tally
from gdsim.analysis.metrics import evaluations_to_tolerance, lowest_value, unique_titles
from gdsim.analysis.rows import Row, make_row, with_ranks
from gdsim.analysis.table import Table, make_table
from gdsim.analysis.tuning import (
    Tuning,
    TuningResult,
    for_tuning,
    import_optuna,
    search,
    sweep_in_chunks,
    tunable_names,
    tuned_arguments,
)
from gdsim.config import Experiment, with_overrides
from gdsim.config.experiment import MAX_STARTS
from gdsim.config.optimizer import OWN_KEYS
from gdsim.config.yaml_text import dump, parse
from gdsim.errors import InputError, collect, did_you_mean
from gdsim.languages import Language
from gdsim.objectives import FloatArray, objective
from gdsim.objectives import names as objective_names
from gdsim.simulation.trajectory import Progress, Trajectory

ALL = "all"  # name for all two-dimensional objectives in the catalogue with a known minimum
MAX_POINTS = 1001  # maximum number of points of a curve, evenly spaced over the steps


@dataclass(frozen=True, eq=False)
class Curve:
    """The lowest value so far of one optimizer on one objective, the median over its starts.

    Attributes:
        objective: The objective's title in the table.
        steps: (n,) the steps from 0 to the last, at most `MAX_POINTS` of them.
        evaluations: (n,) the median over the starts of the number of evaluations up to each step.
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
        evaluations: (problems, optimizers) evaluations to tolerance, inf for never, in the order of the
            table's labels. A problem is an objective with one start; the problems are sorted by objective, then by
            start.
        curves: One per objective and optimizer that can run, sorted by objective.
        experiments: Per objective the experiment that reproduces its rows, with the tuned settings and without the
            optimizers that cannot run. Objectives on which no optimizer can run are omitted.
        finding: What happens, in the words of a picture's title and in the language of the view; of several objectives
            about which there is nothing to say together, a sentence on each. Empty if no optimizer can run.
    """

    table: Table
    evaluations: FloatArray
    curves: tuple[Curve, ...]
    experiments: tuple[Experiment, ...]
    tuning: Tuning | None = None
    finding: str = ""


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
        """Tune and run each optimizer on each objective; `progress` wraps the iterable of all of them."""
        labels = tuple(self.names)
        titles = unique_titles([each.objectives[0].build() for each in self.experiments])
        rows: list[Row] = []
        evaluations: list[FloatArray] = []
        curves: list[Curve] = []
        experiments: list[Experiment] = []
        found: dict[str, tuple[Tally, tuple[str, ...]]] = {}
        work = progress(range(len(self.experiments) * len(labels)))
        for index, part in groupby(work, key=lambda number: number // len(labels)):
            experiment, title = self.experiments[index], titles[index]
            runs = list(self._runs(experiment, (labels[number % len(labels)] for number in part), progress))
            lowest = lowest_value(trajectory for _, _, trajectory in runs if trajectory is not None)
            able = [(tuned, trajectory) for _, tuned, trajectory in runs if trajectory is not None]
            group = [trajectory for _, trajectory in able]
            made = [make_row(trajectory, lowest, title=title, tuned=tuned.summary) for tuned, trajectory in able]
            rows += with_ranks(made, group, lowest)
            if group:
                found[title] = tally(group), finding([group], experiment.view.say)
            spent: list[FloatArray] = []
            arguments: dict[str, Mapping[str, Any]] = {}
            for label, tuned, trajectory in runs:
                if trajectory is None:
                    rows.append(Row(title, label, experiment.optimizers[label].class_name, reason=tuned.reason))
                    spent.append(np.full(experiment.paths, np.inf))
                else:
                    spent.append(evaluations_to_tolerance(trajectory, lowest))
                    curves.append(_make_curve(trajectory, title))
                    arguments[label] = tuned_arguments(experiment, label, tuned.values)
            evaluations.append(np.stack(spent, axis=1))
            if arguments:
                experiments.append(_with_arguments(experiment, arguments))
        table = make_table(rows, self._caption())
        sentence = _joined(found, self.experiments[0].view.say)
        return Study(table, np.concatenate(evaluations), tuple(curves), tuple(experiments), self.tuning, sentence)

    def _runs(self, experiment: Experiment, labels: Iterator[str], progress: Progress) -> Iterator[_Run]:
        if experiment.objectives[0].to_train() is not None:
            from gdsim.simulation.experiments import simulate

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
            (outcome,) = sweep_in_chunks(experiment, label, [tuned.values])
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
            starts = "the given start" if start.count == 1 else f"{start.count} given starts"
        caption = f"From {starts}, seed {experiment.seed}; each with the same number of steps, {experiment.steps}."
        if tuning is None:
            return caption
        spaces = " and ".join(map(tuning.describe, tuning.names))
        method = "on a grid"
        if any(len(each) > 1 for each in self.names.values()):
            method = "by Optuna's TPE sampler, or on a grid for an optimizer that has only one of them"
        untuned = [label for label, each in self.names.items() if not each]
        rest = f"; nothing to tune in {', '.join(untuned)}" if untuned else ""
        budget = f"with a budget of {tuning.budget} for each optimizer"
        return (
            f"{caption} Tuned on each objective from {others}, {budget}: {spaces}, {method}{rest}. Values are judged "
            "by what the table is sorted by, then the smaller one."
        )


def plan_study(
    experiment: Experiment,
    *,
    objectives: Sequence[str] | None = None,
    starts: int | None = None,
    tuning: Tuning | None = None,
) -> StudyPlan:
    """Check the arguments of a study, and return a plan that can be run.

    A class that cannot run gets a row with the reason, and the study continues with the others. Errors that are
    detected when a configuration is loaded, such as a misspelled class or argument of torch.optim, are raised with
    their location. Random starts for tuning differ from those of the table; starts that are given are used for both.

    Args:
        experiment: The optimizers, objectives, starts, steps and seed.
        objectives: Names in the catalogue that replace the experiment's objectives; `ALL` means all two-dimensional
            ones with a known minimum.
        starts: The number of random starts within each objective's bounds, which replace the experiment's starts.
        tuning: The hyper-parameters to tune for each optimizer on each objective; None for no tuning.

    Raises:
        InputError: An argument is invalid; `key` names it.
        ConfigError: A start is invalid, or does not match an objective.
        GdsimError: Optuna is required and not installed.
    """
    experiments = _split(experiment, objectives, starts)
    if tuning is not None and any(each.objectives[0].to_train() is not None for each in experiments):
        message = "applies to functions only; a network is trained as its configuration says"
        raise InputError(message, ("tune",), code="unsupported")
    names: Mapping[str, Sequence[str]] = dict.fromkeys(experiment.optimizers, ())
    if tuning is not None:
        names = tunable_names(experiment, tuning)
    if any(len(each) > 1 for each in names.values()):
        import_optuna()
    collect(_check_starts, [*experiments, *(for_tuning(each) for each in experiments if tuning is not None)])
    return StudyPlan(experiments, names, tuning)


def _check_starts(experiment: Experiment) -> None:
    from gdsim.simulation.experiments import check_starts, starting_points

    built = experiment.objectives[0].build()
    with experiment.located():
        check_starts(starting_points(experiment.start, built, experiment.seed), experiment.start, built)


def _joined(found: Mapping[str, tuple[Tally, tuple[str, ...]]], say: Language) -> str:
    """Return one finding about all objectives, or else a sentence about each, by its tally and its own findings."""
    together = finding_over([counted for counted, _ in found.values()], say) if len(found) > 1 else ()
    each = [f"{title}: {own[0]}" if len(found) > 1 else own[0] for title, (_, own) in found.items() if own]
    return " ".join(f"{sentence}." for sentence in together[:1] or each)


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


def _split(experiment: Experiment, objectives: Sequence[str] | None, starts: int | None) -> tuple[Experiment, ...]:
    """Return an experiment per objective, with the arguments of `plan_study` applied."""
    changes = []
    if starts is not None:
        if isinstance(starts, bool) or not isinstance(starts, int) or not 1 <= starts <= MAX_STARTS:
            raise InputError(f"must be a whole number from 1 to {MAX_STARTS}, not {starts}", ("starts",))
        changes += [f"start={{random: {starts}}}", "ensemble=null"]
    if objectives is None:
        if starts is not None and any(spec.to_train() is not None for spec in experiment.objectives):
            message = "do not go with a network, which begins from its own weights"
            raise InputError(message, ("starts",), code="unsupported")
        written = _plain(experiment)["objective"]
        chosen = written if isinstance(written, list) else [written]
    else:
        chosen = _expand(objectives)
    return tuple(with_overrides(experiment, [*changes, f"objective={dump(each)}"]) for each in chosen)


def _expand(objectives: Sequence[str]) -> list[str]:
    known = objective_names()
    for name in objectives:
        if name != ALL and name not in known:
            hint = did_you_mean(name, [*known, ALL]) or "; `gdsim list objectives` lists them"
            raise InputError(f"there is no objective '{name}'{hint}", ("objectives",), code="unknown-name")
    if not objectives:
        raise InputError(f"names no objective, such as rosenbrock, or {ALL}", ("objectives",), code="missing")
    every = [name for name in known if (each := objective(name)).dim == 2 and each.minimum is not None]
    return list(dict.fromkeys(each for name in objectives for each in (every if name == ALL else [name])))


def _with_arguments(experiment: Experiment, arguments: Mapping[str, Mapping[str, Any]]) -> Experiment:
    """Return an experiment with arguments of optimizers replaced by label; other optimizers are removed."""
    written, optimizers = _plain(experiment)["optimizers"], {}
    for label, changed in arguments.items():
        mapping = dict(written[label] or {})
        inner = dict(mapping.get("args") or {})
        for name, value in changed.items():
            (inner if name in inner or name in OWN_KEYS else mapping)[name] = list(value) if name == "betas" else value
        optimizers[label] = mapping | ({"args": inner} if inner else {}) if changed else written[label]
    return with_overrides(experiment, [f"optimizers={dump(optimizers)}"])


def _plain(experiment: Experiment) -> dict[str, Any]:
    value: dict[str, Any] = parse(experiment.yaml, experiment.name).value
    return value
