"""What a study says in words: its title, what happened, and the facts that it rests on."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator, Sequence
from importlib import metadata
from typing import TYPE_CHECKING

import numpy as np

from gdsim.comparison import Row, Table, ranks, solved_shares
from gdsim.scene.words import joined

if TYPE_CHECKING:
    from gdsim.config import Experiment

__all__ = ["facts", "plural", "story", "title", "tuned_words", "versions", "walked"]

NAMED = 3
"""So many objectives at most are named in the title."""


def plural(count: int, word: str) -> str:
    """Return a count with its word: "1 start", "32 starts"."""
    return f"{count:,} {word}{'s' * (count != 1)}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def title(table: Table) -> str:
    """Return what the page is called."""
    objectives = list(dict.fromkeys(row.objective for row in table))
    over = joined(objectives) if len(objectives) <= NAMED else plural(len(objectives), "objective")
    if len(table.labels) <= NAMED + 1:
        return f"{joined(table.labels)} on {over}"
    return f"{plural(len(table.labels), 'optimizer')} on {over}"


def story(table: Table) -> str:
    """Say what happened, in a sentence or a few."""
    objectives = {row.objective for row in table}
    told = _over_several(table) if len(objectives) > 1 else _over_one(table.rows)
    return " ".join([*told, *_failures(table)])


def walked(table: Table) -> tuple[str, ...]:
    """Return the objectives on which an optimizer ran."""
    return tuple(dict.fromkeys(row.objective for row in table if not row.reason))


def facts(table: Table, experiment: Experiment) -> str:
    """Return what the comparison rests on, in a line.

    Args:
        table: The figures.
        experiment: One of those that were compared; they differ in their objectives alone.
    """
    starts = sorted({row.starts for row in table if row.starts})
    count = str(starts[0]) if len(starts) == 1 else f"{starts[0]} to {starts[-1]}"
    return " · ".join(
        [
            plural(len(table.labels), "optimizer"),
            plural(len({row.objective for row in table}), "objective"),
            f"{count} start{'s' * (starts[-1] != 1)}",
            plural(experiment.steps, "step"),
            f"seed {experiment.seed}",
        ]
    )


def versions() -> dict[str, str]:
    """Return the version of each part that the figures depend on."""
    return {name: metadata.version(name) for name in ("gdsim", "torch", "numpy")} | {
        "Python": platform.python_version()
    }


def tuned_words(table: Table) -> tuple[str, ...]:
    """Say how the optimizers were tuned, at length and in short, for a picture; nothing where they were not."""
    names = list(dict.fromkeys(row.tuned.split()[0] for row in table if row.tuned))
    budget = re.search(r"a budget of \d+ \w+", table.caption)
    if not names or budget is None:
        return ()
    short = f"tuned with {budget.group()}"
    grid = re.search(r"\bon a grid from \S+ to [^\s,;]+", table.caption)
    return (f"{short}, {names[0]} {grid.group()}", short) if len(names) == 1 and grid else (short,)


def _over_one(rows: Sequence[Row]) -> Iterator[str]:
    ran = [row for row in rows if not row.reason]
    if not ran:
        return
    first, *others = ran
    if not first.solved and all(row.evaluations_to_tolerance is None for row in ran):
        lowest = min(ran, key=lambda row: np.inf if row.best_value is None else row.best_value)
        most = " from more than half of the starts" if first.starts > 1 else ""
        yield f"On {first.objective} no optimizer comes within tolerance of the minimum{most}."
        if lowest.best_value is not None:
            yield f"{lowest.optimizer} finds the lowest value, {lowest.best_value:.4g}."
        return
    yield f"On {first.objective} {first.optimizer} {_solves(first)}{_after(first)}."
    if later := [_next(row, first) for row in others if row.evaluations_to_tolerance is not None]:
        yield f"Next {'are' if len(later) > 1 else 'is'} {joined(later)}."
    if late := [row.optimizer for row in others if row.evaluations_to_tolerance is None]:
        ending = "s" * (len(late) == 1)
        if first.starts > 1:
            yield f"{joined(late)} come{ending} within tolerance from no more than half of the starts."
        else:
            yield f"{joined(late)} never come{ending} within tolerance."
    if lost := [row.optimizer for row in ran if row.diverged]:
        from_some = " from some starts" if first.starts > 1 else ""
        yield f"{joined(lost)} diverge{'s' * (len(lost) == 1)}{from_some}."


def _solves(row: Row) -> str:
    if row.solved is None:
        return f"comes within tolerance of the lowest value found{' from most starts' * (row.starts > 1)}"
    if not row.solved:
        return "comes within tolerance, though not to a global minimum"
    if row.starts == 1:
        return "reaches a global minimum, within tolerance"
    count = round(row.solved * row.starts)
    return f"reaches a global minimum from {'all' if count == row.starts else f'{count} of'} {row.starts} starts"


def _after(row: Row) -> str:
    """After how many gradients it was within tolerance; nothing where the median start never was."""
    if row.evaluations_to_tolerance is None:
        return ""
    counted = plural(row.evaluations_to_tolerance, "gradient evaluation")
    return f", within tolerance after {counted} at the median" if row.starts > 1 else f" after {counted}"


def _next(row: Row, first: Row) -> str:
    """An optimizer with its evaluations, and with what it solves where that is not what the first one does."""
    told = [f"{row.evaluations_to_tolerance}"]
    if row.solved is not None and row.solved != first.solved:
        told.append(f"from {round(row.solved * row.starts)} starts" if row.starts > 1 else "to another minimum")
    return f"{row.optimizer} ({', '.join(told)})"


def _over_several(table: Table) -> Iterator[str]:
    ranked, shares = ranks(table), solved_shares(table)
    known = ~np.isnan(ranked.figures)
    means = [
        float(column[there].mean()) if there.any() else np.inf
        for column, there in zip(ranked.figures.T, known.T, strict=True)
    ]
    order = np.argsort(means, kind="stable")
    best, count = int(order[0]), len(ranked.objectives)
    if not np.isfinite(means[best]):
        return
    wins = int((ranked.figures[:, best] == 1).sum())
    yield (
        f"Over {count} objectives {table.labels[best]} has the best mean rank, {means[best]:.2g}, "
        f"and is alone in front on {wins} of them."
    )
    if len(order) > 1 and np.isfinite(means[order[1]]):
        yield f"Next is {table.labels[order[1]]} with {means[order[1]]:.2g}."
    solved = [np.nan if np.isnan(column).all() else float(np.nanmean(column)) for column in shares.figures.T]
    if not np.isnan(solved).all():
        most = int(np.nanargmax(solved))
        share = f"{100 * solved[most]:.3g} %"
        yield f"{table.labels[most]} reaches a global minimum most often, from {share} of the starts."


def _failures(table: Table) -> Iterator[str]:
    failed = list(dict.fromkeys(row.optimizer for row in table if row.reason))
    ran = {row.optimizer for row in table if not row.reason}
    if never := [label for label in failed if label not in ran]:
        yield f"{joined(never)} cannot run; the table says why."
    if partly := [label for label in failed if label in ran]:
        yield f"{joined(partly)} cannot run on every objective; the table says why."
