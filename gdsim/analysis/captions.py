"""How optimizers were compared and tuned, in a few sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gdsim.analysis.tuning import Tuning
from gdsim.config import Experiment

__all__ = ["caption"]

RULE = (
    "Values are judged by what the table is sorted by, then the smaller one; a start that diverges, or leaves the view "
    "for values below the minimum, counts as never there."
)


def caption(experiment: Experiment, names: Mapping[str, Sequence[str]], tuning: Tuning | None) -> str:
    """Return what a table's caption says of how its figures came about.

    Args:
        experiment: One of those compared; they differ in their objective alone.
        names: Label → what is tuned.
        tuning: The budget and the ranges.
    """
    alike = f"every descent has the same number of steps, {experiment.steps}"
    begun = f"From {_starts(experiment)}, seed {experiment.seed}; {alike}."
    return begun if tuning is None else f"{begun} {_tuned(experiment, names, tuning)} {RULE}"


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


def _tuned(experiment: Experiment, names: Mapping[str, Sequence[str]], tuning: Tuning) -> str:
    count = 1 if experiment.start is None else experiment.start.count
    if experiment.start is not None and experiment.start.random is not None:
        origin = f"{count} other random start{'s' * (count != 1)}"
    else:
        origin = "the same starts" if count > 1 else "the same start"
    budget = f"a budget of {tuning.budget} descent{'s' * (tuning.budget != 1)} for each optimizer"
    every = [name for name in tuning.names if any(name in each for each in names.values())]
    if any(len(each) > 1 for each in names.values()):
        spaces = " and ".join(tuning.words(name, grid=False) for name in every)
        spaces = f"{spaces}, by Optuna's TPE sampler, or on a grid where there is but one of them"
    else:
        spaces = ", ".join(tuning.words(name, grid=True) for name in every)
    untuned = [label for label, each in names.items() if not each]
    rest = f"; {', '.join(untuned)} {'has' if len(untuned) == 1 else 'have'} nothing to tune" if untuned else ""
    return f"Tuned on each objective from {origin}, with {budget}: {spaces}{rest}."
