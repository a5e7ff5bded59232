"""One optimizer on one objective: which of the values that are tried it does best with."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gdsim.analysis.hyperparameters import setting
from gdsim.analysis.metrics import TOLERANCE, evaluations_to_tolerance, solved
from gdsim.analysis.tuning import Tuning
from gdsim.config import Experiment
from gdsim.errors import GdsimError, InputError
from gdsim.simulation import Trajectory

__all__ = ["NONE_SURVIVES", "Found", "Spread", "is_found", "need_optuna", "search"]

NONE_SURVIVES = "none survives"
"""What a table says where no value that was tried is better than another: the configuration's own is kept."""

Spread = Callable[[Sequence[Mapping[str, Any]]], Iterator[Trajectory | InputError]]
"""Descends with each of several settings; a trajectory is not kept longer than it is looked at."""

Tried = tuple[Mapping[str, float], Trajectory | InputError]
"""The values of the hyper-parameters, and what came of them."""

Score = tuple[float, float, float]
"""The share of starts not solved, gradient evaluations to tolerance, and the lowest value: each low first."""


@dataclass(frozen=True)
class Found:
    """What tuning has chosen.

    Attributes:
        values: The hyper-parameters with their values; those that are not named stay as they are.
        words: What a table says of it: `"lr 0.1"`.
        reason: Why the class cannot run with any value; empty where it can.
    """

    values: Mapping[str, float]
    words: str = ""
    reason: str = ""


def is_found(plain: Any) -> bool:
    """Tell whether something is a `Found` as a mapping, as far as types tell."""
    if not isinstance(plain, dict) or plain.keys() != {"values", "words", "reason"}:
        return False
    values = plain["values"]
    named = isinstance(values, dict) and all(type(each) is float for each in values.values())
    return named and isinstance(plain["words"], str) and isinstance(plain["reason"], str)


def search(experiment: Experiment, label: str, names: Sequence[str], tuning: Tuning, spread: Spread) -> Found:
    """Return the best values of some hyper-parameters of one optimizer.

    They are judged by what a table is sorted by: the share of starts solved, high first; then gradient evaluations to
    tolerance, the median, never last; then how far the lowest value lies above the minimum, the median. Ties go to the
    smaller value. A start that breaks off, or leaves the view for values below its minimum, counts as one that never
    comes within tolerance and has no lowest value. Where no minimum is known, the lowest value of all that is tried
    stands for it.

    Args:
        experiment: One with a single objective.
        label: The optimizer.
        names: Those of the tuning's names that its class has, at least one.
        tuning: The budget and the ranges.
        spread: Descends with several settings of this optimizer.
    """
    tried: Iterable[Tried] = (_on_a_grid if len(names) == 1 else _by_sampling)(experiment, label, names, tuning, spread)
    lowest = math.inf
    if experiment.objectives[0].build().minimum is None:
        lows = [(values, _lowest(outcome)) for values, outcome in tried]
        lowest = min(low for _, low in lows)
        settings = [setting(experiment, label, values) for values, _ in lows]
        tried = zip([values for values, _ in lows], spread(settings), strict=True)
    judged = ((_score(outcome, lowest), values, _reason(outcome)) for values, outcome in tried)
    score, values, reason = min(judged, key=lambda each: (bool(each[2]), each[0], tuple(each[1].values())))
    if reason:
        return Found(values, reason=reason)
    if score == HOPELESS:
        return Found({}, NONE_SURVIVES)
    at_edge = any(tuning.is_at_edge(name, value) for name, value in values.items())
    edge = f" (at the edge of its {'grid' if len(names) == 1 else 'range'})" if at_edge else ""
    return Found(values, ", ".join(f"{name} {value:.6g}" for name, value in values.items()) + edge)


def _on_a_grid(
    experiment: Experiment, label: str, names: Sequence[str], tuning: Tuning, spread: Spread
) -> Iterator[Tried]:
    (name,) = names
    values = tuning.values(name)
    settings = [setting(experiment, label, {name: value}) for value in values]
    for value, outcome in zip(values, spread(settings), strict=True):
        yield {name: value}, outcome


def _by_sampling(
    experiment: Experiment, label: str, names: Sequence[str], tuning: Tuning, spread: Spread
) -> Iterator[Tried]:
    optuna = need_optuna()
    with _silent(optuna):
        # One seed for all: who has the same hyper-parameters begins with the same trials.
        sampler = optuna.samplers.TPESampler(seed=experiment.seed % 2**32)
        trials = optuna.create_study(sampler=sampler)
        for _ in range(tuning.budget):
            trial = trials.ask()
            values = {name: tuning.value(name, trial.suggest_float(name, 0.0, 1.0)) for name in names}
            (outcome,) = spread([setting(experiment, label, values)])
            trials.tell(trial, _in_one_number(outcome))
            yield values, outcome


def need_optuna() -> Any:
    """Import Optuna.

    Raises:
        GdsimError: It is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise GdsimError("tuning several at once needs Optuna: pip install 'gdsim[tune]'") from error
    return optuna


@contextmanager
def _silent(optuna: Any) -> Iterator[None]:
    """Let Optuna log nothing but errors."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


HOPELESS: Score = (1.0, math.inf, math.inf)
"""No start is solved, and the median one has no value to speak of."""


def _score(outcome: Trajectory | InputError, lowest: float) -> Score:
    """Return what is judged by, the best first.

    Args:
        outcome: A trajectory, or why there is none.
        lowest: What stands for the minimum where it is not known.
    """
    if isinstance(outcome, InputError):
        return HOPELESS
    lost, reached = _lost(outcome), solved(outcome)
    share = 0.0 if reached is None else float(reached.mean())
    spent = np.sort(np.where(lost, np.inf, evaluations_to_tolerance(outcome, lowest)))
    lows = np.where(lost, np.inf, outcome.values.min(0))
    return 1.0 - share, float(spent[len(spent) // 2]), float(np.median(lows))


def _lost(trajectory: Trajectory) -> npt.NDArray[np.bool_]:
    """Tell which starts count as those that never come within tolerance, (starts,)."""
    reached, minimum = trajectory.values.min(0), trajectory.objective.minimum
    lost = np.array([stop.breaks_off for stop in trajectory.stops]) | ~np.isfinite(reached)
    if minimum is not None:
        # Below the minimum there is only what lies outside the view in which it is one.
        lost |= reached - minimum < -TOLERANCE * np.abs(trajectory.values[0] - minimum)
    return np.asarray(lost)


def _lowest(outcome: Trajectory | InputError) -> float:
    if isinstance(outcome, InputError):
        return math.inf
    return float(np.where(_lost(outcome), np.inf, outcome.values.min(0)).min())


def _in_one_number(outcome: Trajectory | InputError) -> float:
    """Return what Optuna is told, which knows no ties to break: in the order of the scores, to rounding."""
    if isinstance(outcome, InputError):
        return math.inf
    unsolved, spent, low = _score(outcome, math.inf)
    minimum = outcome.objective.minimum
    if minimum is None:
        # Tolerance is about what stands for the minimum, and that is not known until all is tried.
        return low
    if math.isfinite(spent):
        later = 1 - 1 / (1 + spent)
    else:
        later = 2 - 1 / (1 + math.log1p(max(low - minimum, 0.0)))
    return 3 * unsolved * len(outcome.stops) + later


def _reason(outcome: Trajectory | InputError) -> str:
    return str(outcome) if isinstance(outcome, InputError) else ""
