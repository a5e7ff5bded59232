"""How optimizers were compared and tuned, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gdsim.config import Experiment
from gdsim.study.search import SETTLED
from gdsim.study.tuning import DIGITS, Tuning

__all__ = ["caption"]

SCORE = (
    "A value is scored by the median over the starts of the lowest f reached, less the minimum where it is known; a "
    "start that breaks off, or leaves the view for values below its minimum, counts as infinite, and what is left of "
    f"less than {SETTLED:g} of the start's as nothing. "
    "Ties go to fewer gradient evaluations to tolerance (median), then to the smaller value."
)


def caption(experiment: Experiment, names: Mapping[str, Sequence[str]], tuning: Tuning | None) -> str:
    """Return what a table's caption says of how its figures came about.

    Args:
        experiment: One of those compared; they differ in their objective alone.
        names: Label → what is tuned.
        tuning: The budget and the ranges.
    """
    begun = f"{_starts(experiment)}, {experiment.steps} steps, seed {experiment.seed}."
    return begun if tuning is None else f"{begun} {_tuned(names, tuning)} {SCORE}"


def _starts(experiment: Experiment) -> str:
    start = experiment.start
    if start is None:
        return "From the objective's own start"
    if start.random is not None:
        return f"From {start.random} random start{'s' * (start.random != 1)} in the bounds"
    if start.grid is not None:
        return f"From a grid of {' × '.join(map(str, start.grid))} starts"
    return "From 1 start" if start.count == 1 else f"From {start.count} starts"


def _tuned(names: Mapping[str, Sequence[str]], tuning: Tuning) -> str:
    budget = f"each with a budget of {tuning.budget} descent{'s' * (tuning.budget != 1)} from these starts"
    every = [name for name in tuning.names if any(name in each for each in names.values())]
    alone = [name for name in every if any(tuple(each) == (name,) for each in names.values())]
    several = any(len(each) > 1 for each in names.values())
    told = [f"Tuned on each objective, {budget}."]
    if several:
        spaces = " and ".join(tuning.words(name, grid=False) for name in every)
        told.append(f"By Optuna's TPE sampler: {spaces}; an optimizer that lacks one of them tunes the others.")
    condition = "Where it is alone, " if several else ""
    told += [f"{condition}{tuning.words(name, grid=True)}, values of {DIGITS} digits." for name in alone]
    untuned = [label for label, each in names.items() if not each]
    if untuned:
        told.append(f"{', '.join(untuned)} {'has' if len(untuned) == 1 else 'have'} nothing of this to tune.")
    return " ".join(told)
