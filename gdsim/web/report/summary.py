"""The text of a report: its title, a summary of the results, and the settings of the comparison."""

from __future__ import annotations

from collections.abc import Iterator

from gdsim.analysis import Study, Table, Tuning
from gdsim.config import Experiment
from gdsim.languages import ENGLISH

NAMED = 3  # maximum number of objectives, and with one more of optimizers, that a title names instead of their number


def plural(count: int, word: str) -> str:
    """Return a count with its noun: "1 start", "32 starts"."""
    return f"{count:,} {word}{'s' * (count != 1)}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def title(table: Table) -> str:
    """Return a title that names the optimizers and the objectives compared."""
    objectives = list(dict.fromkeys(row.objective for row in table))
    over = ENGLISH.joined(objectives) if len(objectives) <= NAMED else plural(len(objectives), "objective")
    labels = ENGLISH.joined(table.labels) if len(table.labels) <= NAMED + 1 else plural(len(table.labels), "optimizer")
    return f"{labels} on {over}"


def objectives_run(table: Table) -> tuple[str, ...]:
    """Return the objectives on which at least one optimizer ran."""
    return tuple(dict.fromkeys(row.objective for row in table if not row.reason))


def settings_line(table: Table, experiment: Experiment) -> str:
    """Return the extent of the comparison on one line; the experiments differ only in their objectives."""
    starts = {row.paths for row in table if row.paths}
    fewest = f"{min(starts)} to " if len(starts) > 1 else ""
    parts = [
        plural(len(table.labels), "optimizer"),
        plural(len({row.objective for row in table}), "objective"),
        fewest + plural(max(starts), "run" if experiment.ensemble else "start"),
        plural(experiment.steps, "step"),
        f"seed {experiment.seed}",
    ]
    return " · ".join(parts)


def tuning_notes(tuning: Tuning | None) -> tuple[str, ...]:
    """Describe how the optimizers were tuned, from long to short, for a subtitle; empty if they were not."""
    if tuning is None:
        return ()
    short = f"tuned with a budget of {plural(tuning.budget, 'descent')}"
    if len(tuning.names) > 1:
        return (short,)
    (name,) = tuning.names
    low, high = tuning.range(name)
    return f"{short}, {name} on a grid from {low:g} to {high:g}", short


def summarize(study: Study) -> str:
    """Return the finding of a study, and which optimizers its means leave out."""
    return " ".join(filter(None, [study.finding, *_failures(study.table)]))


def _failures(table: Table) -> Iterator[str]:
    objectives = {row.objective for row in table}
    failed = list(dict.fromkeys(row.optimizer for row in table if row.reason))
    ran = {row.optimizer for row in table if not row.reason}
    if never := [label for label in failed if label not in ran]:
        yield f"{ENGLISH.joined(never)} cannot run; the table says why."
    if partly := [label for label in failed if label in ran]:
        missing = f"not all {len(objectives)} objectives can be run; the table says why"
        yield f"The means leave out {ENGLISH.joined(partly)}, with which {missing}."
