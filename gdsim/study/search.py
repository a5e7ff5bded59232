"""One optimizer on one objective: which of the values that are tried it does best with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from gdsim.comparison import TOLERANCE, evaluations_to_tolerance
from gdsim.config import Experiment
from gdsim.errors import GdsimError, InputError
from gdsim.study.classes import setting
from gdsim.study.tuning import Tuning
from gdsim.trajectory import Trajectory

__all__ = ["SETTLED", "Found", "Spread", "need_optuna", "search"]

SETTLED = 1e-12
"""A start whose value has fallen by all but this share of the way to the minimum has reached it: rounding decides the
rest."""

Spread = Callable[[Sequence[Mapping[str, Any]]], Iterator[Trajectory | InputError]]
"""Descends with each of several settings; a trajectory is not kept longer than it is looked at."""

Judged = tuple[tuple[bool, float, float, tuple[float, ...]], "Found"]
"""What to sort by, the best first, and what was tried."""


@dataclass(frozen=True)
class Found:
    """What tuning has chosen.

    Attributes:
        values: The hyper-parameters with their values.
        words: What a table says of it: `"lr 0.1"`.
        reason: Why the class cannot run with any value; empty where it can.
    """

    values: Mapping[str, float]
    words: str = ""
    reason: str = ""


def search(experiment: Experiment, label: str, names: Sequence[str], tuning: Tuning, spread: Spread) -> Found:
    """Return the best values of some hyper-parameters of one optimizer.

    A descent is judged by the median over the starts of the lowest value reached, less the minimum where that is known;
    a start that breaks off, or leaves the view for values below its minimum, counts as infinite. Ties go to fewer
    gradient evaluations to tolerance, the median, and then to the smaller value.

    Args:
        experiment: One with a single objective.
        label: The optimizer.
        names: Those of the tuning's names that its class has, at least one.
        tuning: The budget and the ranges.
        spread: Descends with several settings of this optimizer.
    """
    judged = _on_a_grid if len(names) == 1 else _by_sampling
    _, best = min(judged(experiment, label, names, tuning, spread), key=lambda each: each[0])
    if best.reason:
        return best
    at_edge = any(tuning.is_at_edge(name, value) for name, value in best.values.items())
    edge = f" (at the edge of its {'grid' if len(names) == 1 else 'range'})" if at_edge else ""
    said = ", ".join(f"{name} {value:.6g}" for name, value in best.values.items())
    return Found(best.values, said + edge)


def _on_a_grid(
    experiment: Experiment, label: str, names: Sequence[str], tuning: Tuning, spread: Spread
) -> Iterator[Judged]:
    (name,) = names
    values = tuning.values(name)
    settings = [setting(experiment, label, {name: value}) for value in values]
    for value, outcome in zip(values, spread(settings), strict=True):
        yield _judged({name: value}, outcome)


def _by_sampling(
    experiment: Experiment, label: str, names: Sequence[str], tuning: Tuning, spread: Spread
) -> Iterator[Judged]:
    optuna = need_optuna()
    with _silent(optuna):
        # One seed for all: who has the same hyper-parameters begins with the same trials.
        sampler = optuna.samplers.TPESampler(seed=experiment.seed % 2**32)
        trials = optuna.create_study(sampler=sampler)
        for _ in range(tuning.budget):
            trial = trials.ask()
            values = {name: tuning.value(name, trial.suggest_float(name, 0.0, 1.0)) for name in names}
            (outcome,) = spread([setting(experiment, label, values)])
            judged = _judged(values, outcome)
            trials.tell(trial, judged[0][1])
            yield judged


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


def _judged(values: Mapping[str, float], outcome: Trajectory | InputError) -> Judged:
    tried = tuple(values.values())
    if isinstance(outcome, InputError):
        return (True, np.inf, np.inf, tried), Found(values, reason=str(outcome))
    return (False, *_score(outcome), tried), Found(values)


def _score(trajectory: Trajectory) -> tuple[float, float]:
    """Return how far above the minimum the median start has come, and its gradient evaluations to tolerance."""
    values, minimum = trajectory.values, trajectory.objective.minimum
    reached = values.min(0)
    if minimum is not None:
        gaps, whole = reached - minimum, values[0] - minimum
        # Below the minimum there is only what lies outside the view in which it is one.
        strayed = gaps < -TOLERANCE * np.abs(whole)
        reached = np.where(strayed, np.inf, np.where(gaps <= SETTLED * whole, 0.0, gaps))
    broken = np.array([stop.breaks_off for stop in trajectory.stops])
    reached = np.where(broken | ~np.isfinite(reached), np.inf, reached)
    # Where no minimum is known, tolerance is about the lowest value of this descent itself.
    lowest = float(np.where(np.isfinite(values), values, np.inf).min())
    spent = np.sort(evaluations_to_tolerance(trajectory, lowest))
    return float(np.median(reached)), float(spent[len(spent) // 2])
