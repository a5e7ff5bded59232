"""Search for the best hyper-parameters of an optimizer on an objective."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gdsim.analysis.derive import for_tuning, replace_settings
from gdsim.analysis.metrics import TOLERANCE, evaluations_to_tolerance, solved
from gdsim.analysis.tuning import Tuning
from gdsim.config import Experiment
from gdsim.errors import GdsimError, InputError
from gdsim.objectives import FloatArray
from gdsim.simulation import Trajectory

CHUNK = 2**26
"""The maximum size of the trajectories in memory at once, in bytes."""

Values = Mapping[str, float]
Outcome = Trajectory | InputError
Score = tuple[float, float, float]
"""The share of starts not solved, gradient evaluations to tolerance, and the lowest value; lower is better."""

WORST: Score = (1.0, math.inf, math.inf)


@dataclass(frozen=True)
class TuningResult:
    """The chosen values, their text in the table, and the reason if the class cannot run with any values."""

    values: Values
    summary: str = ""
    reason: str = ""


def search(experiment: Experiment, label: str, names: Sequence[str], tuning: Tuning) -> TuningResult:
    """Return the best values of one or more hyper-parameters of an optimizer on the experiment's single objective.

    Trials are ranked like the rows of a table; the smaller value wins a tie. A start that fails, or that leaves the
    view and reaches values below the minimum, counts as never within tolerance and has no lowest value. If the minimum
    is not known, the lowest value of all trials is used instead.
    """
    trials: Iterable[tuple[Values, Outcome]]
    trials = (_grid if len(names) == 1 else _sample)(experiment, label, names, tuning)
    lowest = math.inf
    if experiment.objectives[0].build().minimum is None:
        # A second pass scores the trials with the lowest value of the first; only one chunk is in memory at a time.
        tried, lows = zip(*((values, _lows(outcome).min()) for values, outcome in trials), strict=True)
        lowest = float(min(lows))
        trials = zip(tried, _descend(experiment, label, tried), strict=True)
    scored = [
        (outcome.message if isinstance(outcome, InputError) else "", _score(outcome, lowest), values)
        for values, outcome in trials
    ]
    reason, score, values = min(scored, key=lambda each: (bool(each[0]), each[1], tuple(each[2].values())))
    if reason:
        return TuningResult(values, reason=reason)
    if score == WORST:
        return TuningResult({}, "none survives")
    at_edge = any(tuning.is_at_edge(name, value) for name, value in values.items())
    edge = f" (at the edge of its {'grid' if len(names) == 1 else 'range'})" if at_edge else ""
    return TuningResult(values, ", ".join(f"{name} {value:.6g}" for name, value in values.items()) + edge)


def sweep_in_chunks(experiment: Experiment, label: str, settings: Sequence[Mapping[str, Any]]) -> Iterator[Outcome]:
    """Yield the trajectory for each of several settings, simulating as many at once as fit into `CHUNK`."""
    from gdsim.simulation import simulate_settings

    starts = 1 if experiment.start is None else experiment.start.count
    size = (experiment.steps + 1) * starts * (2 * experiment.objectives[0].build().dim + 3) * 8
    together = max(1, CHUNK // size)
    for first in range(0, len(settings), together):
        yield from simulate_settings(experiment, label, settings[first : first + together])


def _descend(experiment: Experiment, label: str, trials: Sequence[Values]) -> Iterator[Outcome]:
    settings = [replace_settings(experiment, label, values) for values in trials]
    return sweep_in_chunks(for_tuning(experiment), label, settings)


def _grid(experiment: Experiment, label: str, names: Sequence[str], tuning: Tuning) -> Iterator[tuple[Values, Outcome]]:
    (name,) = names
    trials = [{name: value} for value in tuning.values(name)]
    return zip(trials, _descend(experiment, label, trials), strict=True)


def _sample(
    experiment: Experiment, label: str, names: Sequence[str], tuning: Tuning
) -> Iterator[tuple[Values, Outcome]]:
    optuna = import_optuna()
    with _quiet(optuna):
        # The same seed for all optimizers: those with the same hyper-parameters begin with the same trials.
        sampler = optuna.samplers.TPESampler(seed=experiment.seed % 2**32)
        optuna_study = optuna.create_study(sampler=sampler)
        for _ in range(tuning.budget):
            trial = optuna_study.ask()
            values = {name: tuning.value(name, trial.suggest_float(name, 0.0, 1.0)) for name in names}
            (outcome,) = _descend(experiment, label, [values])
            optuna_study.tell(trial, _single_score(outcome))
            yield values, outcome


def import_optuna() -> Any:
    """Import Optuna; raise GdsimError if it is not installed."""
    try:
        import optuna
    except ImportError as error:
        raise GdsimError("tuning several at once needs Optuna: pip install 'gdsim[tune]'") from error
    return optuna


@contextmanager
def _quiet(optuna: Any) -> Iterator[None]:
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


def _score(outcome: Outcome, lowest: float) -> Score:
    """Return the score of a trial; `lowest` is used as f* if the minimum is not known."""
    if isinstance(outcome, InputError):
        return WORST
    lost, reached = _lost(outcome), solved(outcome)
    share = 0.0 if reached is None else float(reached.mean())
    spent = np.sort(np.where(lost, np.inf, evaluations_to_tolerance(outcome, lowest)))
    return 1.0 - share, float(spent[len(spent) // 2]), float(np.median(_lows(outcome)))


def _lows(outcome: Outcome) -> FloatArray:
    """Return the lowest value of each start, (starts,); inf for a start that counts as lost."""
    if isinstance(outcome, InputError):
        return np.array([np.inf])
    return np.where(_lost(outcome), np.inf, outcome.values.min(0))


def _lost(trajectory: Trajectory) -> npt.NDArray[np.bool_]:
    """Return which starts count as never within tolerance, (starts,)."""
    reached, minimum = trajectory.values.min(0), trajectory.objective.minimum
    lost = np.array([stop.failed for stop in trajectory.stops]) | ~np.isfinite(reached)
    if minimum is not None:
        # Values below the minimum occur only outside the view for which the minimum is known.
        lost |= reached - minimum < -TOLERANCE * np.abs(trajectory.values[0] - minimum)
    return np.asarray(lost)


def _single_score(outcome: Outcome) -> float:
    """Return the score as a single number for Optuna, with the same order up to rounding."""
    if isinstance(outcome, InputError):
        return math.inf
    unsolved, spent, low = _score(outcome, math.inf)
    minimum = outcome.objective.minimum
    if minimum is None:
        # The tolerance depends on the lowest value of all trials, which is not known yet.
        return low
    later = 1 - 1 / (1 + spent) if math.isfinite(spent) else 2 - 1 / (1 + math.log1p(max(low - minimum, 0.0)))
    return 3 * unsolved * len(outcome.stops) + later
