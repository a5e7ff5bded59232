"""What a study says in words: its title, what happened, and the facts that it rests on."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gdsim.analysis import Matrix, Row, Table, has_networks, ranks, solved_shares
from gdsim.scene import joined

if TYPE_CHECKING:
    from gdsim.analysis import Tuning
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
    several = len({row.objective for row in table}) > 1
    told = _over_several(table) if several else _over_one([row for row in table if not row.reason])
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


def tuned_words(tuning: Tuning | None) -> tuple[str, ...]:
    """Say how the optimizers were tuned, at length and in short, for a picture; nothing where they were not."""
    if tuning is None:
        return ()
    short = f"tuned with a budget of {plural(tuning.budget, 'descent')}"
    if len(tuning.names) > 1:
        return (short,)
    (name,) = tuning.names
    low, high = tuning.range(name)
    return f"{short}, {name} on a grid from {low:g} to {high:g}", short


def _over_one(ran: Sequence[Row]) -> Iterator[str]:
    """What happened on one objective, to those that ran."""
    if not ran:
        return
    first = ran[0]
    if has_networks(ran):
        yield from _trained(ran)
    elif not first.solved and first.evaluations_to_tolerance is None:
        yield from _without_success(ran)
    else:
        leaders = [row for row in ran if _achieved(row) == _achieved(first)]
        yield f"On {first.objective} {_leading(leaders)}."
        # The table's order holds for these; all others come after them.
        others = [row for row in ran if row not in leaders]
        if later := [row for row in others if row.solved or row.evaluations_to_tolerance is not None]:
            yield f"Next {'are' if len(later) > 1 else 'is'} {joined([_next(row, first) for row in later])}."
        late = [row for row in others if row not in later]
        yield from _counted({row.optimizer: _within(row) for row in late}, first.starts, *TOLERANT)
    yield from _counted(
        {row.optimizer: row.diverged for row in ran if row.diverged}, first.starts, "diverges", "diverge"
    )


TOLERANT = ("comes within tolerance", "come within tolerance")


def _trained(ran: Sequence[Row]) -> Iterator[str]:
    """Whose network does best: what comes near the lowest loss found says little of others."""
    objective, ran = ran[0].objective, [row for row in ran if not row.diverged]
    if not ran:
        yield f"On {objective} no optimizer trains to the end."
    if len(ran) == 1 and ran[0].final_value is not None:
        accuracy = ran[0].test_accuracy
        beside = "" if accuracy is None else f" and a test accuracy of {100 * accuracy:.1f} %"
        yield f"On {objective} {ran[0].optimizer} ends at the loss {ran[0].final_value:.3g}{beside}."
        return
    finals = [row.final_value for row in ran if row.final_value is not None]
    if finals:
        best = [row.optimizer for row in ran if row.final_value == min(finals)]
        ends = "end" if len(best) > 1 else "ends"
        yield f"On {objective} {joined(best)} {ends} at the lowest loss, {min(finals):.3g}."
    tested = [row.test_accuracy for row in ran if row.test_accuracy is not None]
    if tested:
        best = [row.optimizer for row in ran if row.test_accuracy == max(tested)]
        has = "have" if len(best) > 1 else "has"
        yield f"{joined(best)} {has} the highest test accuracy, {100 * max(tested):.1f} %."


def _achieved(row: Row) -> tuple[float, int | None]:
    return row.solved or 0.0, row.evaluations_to_tolerance


def _within(row: Row) -> int:
    """How many starts come within tolerance."""
    return row.starts - (row.never or 0)


def _without_success(ran: Sequence[Row]) -> Iterator[str]:
    """What there is to say where no optimizer comes within tolerance from more than half of the starts."""
    first, counts = ran[0], {row.optimizer: _within(row) for row in ran}
    aim = "the lowest value found" if first.solved is None else "the minimum"
    if not any(counts.values()):
        ending = f" from any of {first.starts} starts" if first.starts > 1 else ""
        yield f"On {first.objective} no optimizer comes within tolerance of {aim}{ending}."
    else:
        yield f"On {first.objective} no optimizer comes within tolerance of {aim} from more than half of the starts."
        yield from _counted(counts, first.starts, *TOLERANT)
    if known := [row.best_value for row in ran if row.best_value is not None]:
        lowest = [row.optimizer for row in ran if row.best_value == min(known)]
        finds = f"find{'s' * (len(lowest) == 1)} the lowest value"
        yield f"{joined(lowest)} {finds}: {min(known):.4g}{' at the median' * (first.starts > 1)}."


def _leading(rows: Sequence[Row]) -> str:
    """What those have done that are first: "A reaches a global minimum from all 8 starts, …"."""
    row, tie = rows[0], len(rows) > 1
    names = f"{joined([each.optimizer for each in rows])} tie: each" if tie else row.optimizer
    spent = row.evaluations_to_tolerance
    after = "" if spent is None else f" after {plural(spent, 'gradient evaluation')}"
    after += " at the median" * (spent is not None and row.starts > 1)
    if row.solved is None:
        return f"{names} comes within tolerance of the lowest value found{after}"
    if not row.solved:
        return f"{names} comes within tolerance{after}, but reaches no global minimum"
    if row.starts == 1:
        return f"{names} reaches a global minimum, within tolerance{after}"
    ending = f", within tolerance{after}" if after else ""
    return f"{names} reaches a global minimum from {_of(_solved(row), row.starts)}{ending}"


def _next(row: Row, first: Row) -> str:
    """An optimizer with its evaluations, and with what it solves where that is not what the first one does."""
    spent = row.evaluations_to_tolerance
    told = [] if spent is None else [f"{spent}"]
    if row.solved is not None and (row.solved != first.solved or not told):
        told.append(f"from {plural(_solved(row), 'start')}" if row.solved else "but no global minimum")
    return f"{row.optimizer} ({', '.join(told)})"


def _solved(row: Row) -> int:
    return round((row.solved or 0.0) * row.starts)


def _of(count: int, starts: int) -> str:
    return f"all {starts} starts" if count == starts else f"{count} of {starts} starts"


def _counted(counts: Mapping[str, int], starts: int, one: str, many: str) -> Iterator[str]:
    """Sentences on who does something from how many starts: none, some or all.

    Args:
        counts: Label → from how many.
        starts: How many there are.
        one: What it does, of one optimizer: "diverges".
        many: The same of several.
    """
    never = [label for label, count in counts.items() if not count]
    always = [label for label, count in counts.items() if count == starts]
    some = [label for label, count in counts.items() if 0 < count < starts]
    if always:
        ending = f" from all {starts} starts" if starts > 1 else ""
        yield f"{joined(always)} {many if len(always) > 1 else one}{ending}."
    if len(some) == 1:
        yield f"{some[0]} {one} from {counts[some[0]]} of {starts} starts."
    elif some:
        yield f"{joined([f'{label} ({counts[label]})' for label in some])} {many} from so many of {starts} starts."
    if never:
        yield f"{joined(never)} never {many if len(never) > 1 else one}."


def _over_several(table: Table) -> Iterator[str]:
    ran = [row for row in table if not row.reason]
    each = [[row for row in ran if row.objective == objective] for objective in walked(table)]
    if all(map(has_networks, each)):
        for rows in each:
            yield from _over_one(rows)
    elif len(table.labels) > 1:
        yield from _ranked(ranks(table))
        yield from _shared(solved_shares(table))
    else:
        yield from (f"Over {len(walked(table))} objectives: {sentence}" for sentence in _shared(solved_shares(table)))


def _ranked(matrix: Matrix) -> Iterator[str]:
    """Who is best by mean rank, and who is next, of those that ran wherever any did."""
    means = matrix.means()
    places = sorted({float(mean) for mean in means[np.isfinite(means)]})
    if not places:
        return
    best, *others = [_labels(matrix, means == place) for place in places]
    over = f"Over {len(matrix.objectives)} objectives"
    if len(best) > 1:
        yield f"{over} {joined(best)} tie for the best mean rank, {places[0]:.3g}."
    elif np.isfinite(means).sum() == 1:
        yield f"{over} {best[0]} has a mean rank of {places[0]:.3g}; no other runs on all of them."
    else:
        wins = int((matrix.figures[:, means == places[0]] == 1).sum())
        alone = f", and is alone in front on {wins} of them" if wins else ""
        yield f"{over} {best[0]} has the best mean rank, {places[0]:.3g}{alone}."
    if others:
        yield f"Next {'are' if len(others[0]) > 1 else 'is'} {joined(others[0])} with {places[1]:.3g}."


def _shared(matrix: Matrix) -> Iterator[str]:
    """Who reaches a global minimum most often, of those that ran wherever a minimum is known."""
    known = ~np.isnan(matrix.figures)
    objectives = int(known.any(1).sum())
    means = matrix.means()
    if not objectives:
        yield "No minimum is known."
    if not np.isfinite(means).any():
        return
    where = "" if objectives == len(known) else f" on the {plural(objectives, 'objective')} whose minimum is known"
    if not matrix.figures[known].any():
        yield f"No optimizer reaches a global minimum from any start{where}."
        return
    # The means of equal shares may differ in their last digit.
    highest = np.isclose(means, np.nanmax(means), rtol=1e-9, atol=0)
    most, share = _labels(matrix, highest), f"{100 * np.nanmax(means):.3g} % of the starts{where}"
    if not np.nanmax(means):
        return
    if len(most) > 1:
        how = "equally often" if highest.sum() == np.isfinite(means).sum() else "most often"
        yield f"{joined(most)} reach a global minimum {how}, each from {share}."
    elif np.isfinite(means).sum() > 1:
        yield f"{most[0]} reaches a global minimum most often, from {share}."
    else:
        yield f"{most[0]} reaches a global minimum from {share}."


def _labels(matrix: Matrix, chosen: npt.NDArray[np.bool_]) -> list[str]:
    return [label for label, is_chosen in zip(matrix.optimizers, chosen, strict=True) if is_chosen]


def _failures(table: Table) -> Iterator[str]:
    objectives = {row.objective for row in table}
    failed = list(dict.fromkeys(row.optimizer for row in table if row.reason))
    ran = {row.optimizer for row in table if not row.reason}
    if never := [label for label in failed if label not in ran]:
        yield f"{joined(never)} cannot run; the table says why."
    if partly := [label for label in failed if label in ran]:
        does, is_out = ("do", "are") if len(partly) > 1 else ("does", "is")
        yield (
            f"{joined(partly)} {does} not run on all {len(objectives)} objectives and {is_out} left out of the means; "
            "the table says why."
        )
