"""The text of a report: its title, a summary of the results, and the settings of the comparison."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import compress

import numpy as np

from gdsim.analysis import Matrix, Row, Table, Tuning, has_networks, ranks, solved_shares
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
    starts = {row.starts for row in table if row.starts}
    fewest = f"{min(starts)} to " if len(starts) > 1 else ""
    parts = [
        plural(len(table.labels), "optimizer"),
        plural(len({row.objective for row in table}), "objective"),
        fewest + plural(max(starts), "start"),
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


def summarize(table: Table) -> str:
    """Summarize the results in a few sentences."""
    ran = [row for row in table if not row.reason]
    several = len({row.objective for row in table}) > 1
    return " ".join([*(_on_several(table, ran) if several else _on_one(ran)), *_failures(table)])


def _said(labels: Sequence[str], one: str, many: str) -> str:
    """Return the labels with a verb in singular or plural."""
    return f"{ENGLISH.joined(labels)} {many if len(labels) > 1 else one}"


def _best(rows: Iterable[Row], field: str, choose: Callable[[Iterable[float]], float]) -> tuple[list[str], float]:
    """Return the optimizers with the least or greatest value of a field, and that value; none if it is unknown."""
    known = {row.optimizer: value for row in rows if (value := getattr(row, field)) is not None}
    best = choose(known.values()) if known else np.nan
    return [label for label, value in known.items() if value == best], best


def _on_one(ran: Sequence[Row]) -> Iterator[str]:
    if not ran:
        return
    first = ran[0]
    if has_networks(ran):
        yield from _trained(ran)
    elif not first.solved and first.evaluations_to_tolerance is None:
        yield from _without_success(ran)
    else:
        key = (first.solved or 0.0, first.evaluations_to_tolerance)
        leaders = [row for row in ran if (row.solved or 0.0, row.evaluations_to_tolerance) == key]
        yield f"On {first.objective} {_leading(leaders)}."
        # The table is sorted by this key, so all others come later.
        others = [row for row in ran if row not in leaders]
        if later := [row for row in others if row.solved or row.evaluations_to_tolerance is not None]:
            yield f"Next {'are' if len(later) > 1 else 'is'} {ENGLISH.joined([_next(row, first) for row in later])}."
        yield from _within_tolerance([row for row in others if row not in later])
    diverged = {row.optimizer: row.diverged for row in ran if row.diverged}
    yield from _counted(diverged, first.starts, "diverges", "diverge")


def _trained(ran: Sequence[Row]) -> Iterator[str]:
    """Yield the best networks, without tolerances: coming near the lowest loss found says little about a network."""
    objective, ran = ran[0].objective, [row for row in ran if not row.diverged]
    if not ran:
        yield f"On {objective} no optimizer trains to the end."
    lowest, loss = _best(ran, "final_value", min)
    highest, accuracy = _best(ran, "test_accuracy", max)
    least, most = ("a", "a") if len(ran) == 1 else ("the lowest", "the highest")
    if lowest:
        yield f"On {objective} {_said(lowest, 'ends', 'end')} at {least} loss of {loss:.3g}."
    if highest:
        yield f"{_said(highest, 'has', 'have')} {most} test accuracy of {100 * accuracy:.1f} %."


def _without_success(ran: Sequence[Row]) -> Iterator[str]:
    first = ran[0]
    aim = "the lowest value found" if first.solved is None else "the minimum"
    none = f"On {first.objective} no optimizer comes within tolerance of {aim}"
    if all(row.starts == (row.never or 0) for row in ran):
        yield none + (f" from any of {first.starts} starts." if first.starts > 1 else ".")
    else:
        yield f"{none} from more than half of the starts."
        yield from _within_tolerance(ran)
    labels, lowest = _best(ran, "best_value", min)
    if labels:
        where = " at the median" if first.starts > 1 else ""
        yield f"{_said(labels, 'finds', 'find')} the lowest value: {lowest:.4g}{where}."


def _leading(rows: Sequence[Row]) -> str:
    """Describe the result of the best optimizers: "A reaches a global minimum from all 8 starts, …"."""
    row = rows[0]
    names = f"{ENGLISH.joined([each.optimizer for each in rows])} tie: each" if len(rows) > 1 else row.optimizer
    spent = row.evaluations_to_tolerance
    after = "" if spent is None else f" after {plural(spent, 'gradient evaluation')}"
    after += " at the median" * (spent is not None and row.starts > 1)
    if row.solved is None:
        return f"{names} comes within tolerance of the lowest value found{after}"
    if not row.solved:
        return f"{names} comes within tolerance{after}, but reaches no global minimum"
    count = round(row.solved * row.starts)
    where = f" from {'all' if count == row.starts else f'{count} of'} {row.starts} starts" if row.starts > 1 else ""
    return f"{names} reaches a global minimum{where}" + (f", within tolerance{after}" if after else "")


def _next(row: Row, first: Row) -> str:
    """Return an optimizer with its evaluations, and its solved starts if their share differs from that of `first`."""
    spent = row.evaluations_to_tolerance
    parts = [] if spent is None else [f"{spent}"]
    if row.solved is not None and (row.solved != first.solved or not parts):
        solved = f"from {plural(round(row.solved * row.starts), 'start')}"
        parts.append(solved if row.solved else "but no global minimum")
    return f"{row.optimizer} ({', '.join(parts)})"


def _within_tolerance(rows: Sequence[Row]) -> Iterator[str]:
    counts = {row.optimizer: row.starts - (row.never or 0) for row in rows}
    starts = rows[0].starts if rows else 0
    yield from _counted(counts, starts, "comes within tolerance", "come within tolerance")


def _counted(counts: Mapping[str, int], starts: int, one: str, many: str) -> Iterator[str]:
    """Yield which optimizers do something from how many starts, most first, as a verb in singular and plural."""
    for count in sorted(set(counts.values()), reverse=True):
        labels = [label for label, each in counts.items() if each == count]
        if not count:
            yield f"{_said(labels, f'never {one}', f'never {many}')}."
        elif starts == 1:
            yield f"{_said(labels, one, many)}."
        else:
            where = f"all {starts}" if count == starts else f"{count} of {starts}"
            yield f"{_said(labels, one, many)} from {where} starts."


def _on_several(table: Table, ran: Sequence[Row]) -> Iterator[str]:
    objectives = objectives_run(table)
    by_objective = [[row for row in ran if row.objective == objective] for objective in objectives]
    if all(map(has_networks, by_objective)):
        for rows in by_objective:
            yield from _on_one(rows)
    elif len(table.labels) > 1:
        yield from _ranked(ranks(table))
        yield from _most_solved(solved_shares(table))
    else:
        for sentence in _most_solved(solved_shares(table)):
            yield f"Over {len(objectives)} objectives: {sentence}"


def _ranked(matrix: Matrix) -> Iterator[str]:
    """Yield the best and the next optimizers by mean rank, among those that ran on all objectives."""
    means = matrix.means()
    levels = sorted({float(mean) for mean in means[np.isfinite(means)]})
    if not levels:
        return
    best, *others = [list(compress(matrix.optimizers, means == level)) for level in levels]
    over = f"Over {len(matrix.objectives)} objectives"
    if len(best) > 1:
        yield f"{over} {ENGLISH.joined(best)} tie for the best mean rank, {levels[0]:.3g}."
    elif np.isfinite(means).sum() == 1:
        yield f"{over} {best[0]} has a mean rank of {levels[0]:.3g}; no other runs on all of them."
    else:
        wins = int((matrix.figures[:, means == levels[0]] == 1).sum())
        alone = f", and is the only first on {wins} of them" if wins else ""
        yield f"{over} {best[0]} has the best mean rank, {levels[0]:.3g}{alone}."
    if others:
        yield f"Next {'are' if len(others[0]) > 1 else 'is'} {ENGLISH.joined(others[0])} with {levels[1]:.3g}."


def _most_solved(matrix: Matrix) -> Iterator[str]:
    """Yield which optimizer solves most starts, among those that ran on all objectives with a known minimum."""
    known = ~np.isnan(matrix.figures)
    objectives, means = int(known.any(1).sum()), matrix.means()
    if not objectives:
        yield "No minimum is known."
    if not np.isfinite(means).any():
        return
    where = "" if objectives == len(known) else f" on the {plural(objectives, 'objective')} whose minimum is known"
    if not matrix.figures[known].any():
        yield f"No optimizer reaches a global minimum from any start{where}."
        return
    highest = np.nanmax(means)
    if not highest:
        return
    # The means of equal shares may differ by rounding errors.
    best = np.isclose(means, highest, rtol=1e-9, atol=0)
    most = " most often," if best.sum() < np.isfinite(means).sum() else ""
    names = _said(list(compress(matrix.optimizers, best)), "reaches", "each reach")
    yield f"{names} a global minimum{most} from {100 * highest:.3g} % of the starts{where}."


def _failures(table: Table) -> Iterator[str]:
    objectives = {row.objective for row in table}
    failed = list(dict.fromkeys(row.optimizer for row in table if row.reason))
    ran = {row.optimizer for row in table if not row.reason}
    if never := [label for label in failed if label not in ran]:
        yield f"{ENGLISH.joined(never)} cannot run; the table says why."
    if partly := [label for label in failed if label in ran]:
        missing = f"not all {len(objectives)} objectives can be run; the table says why"
        yield f"The means leave out {ENGLISH.joined(partly)}, with which {missing}."
