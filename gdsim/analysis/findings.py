"""The finding of a picture: one sentence about what happens in it, from the figures of its trajectories.

Every sentence is true of the recorded numbers. A path arrives at the step from which on it stays within tolerance of
the minimum (`steps_to_tolerance`), if it also ends near a minimum and does not fail (`solved`); one that passes the
minimum has not arrived. Nothing is called first or lowest unless its figure is better by more than a tenth, and no
share of starts is called larger within two standard errors. An optimizer is first from many starts only if resampling
the starts leaves it first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import singledispatch

import numpy as np

from gdsim.analysis.ensembles import ensemble_findings
from gdsim.analysis.framing import fitted
from gdsim.analysis.metrics import TOLERANCE, lowest_value, norms, solved
from gdsim.analysis.outcomes import NOTABLE, Fate, PathOutcome, by_lowest_value, outcome
from gdsim.analysis.ranking import scores, standings
from gdsim.languages import ENGLISH, Language
from gdsim.networks import ImageObjective, NetworkObjective
from gdsim.objectives import FloatArray, Objective
from gdsim.objectives.formulas import number
from gdsim.simulation import Trajectory

LONGEST = 60  # maximum number of characters of a title
TOGETHER = 1.1  # the ratio up to which two figures count as equal
LINE_WIDTH = 0.01  # the height of a line in a panel, as a fraction of the axis


@dataclass(frozen=True)
class Tally:
    """How many paths of each optimizer arrive on one objective.

    Attributes:
        labels: The optimizers.
        starts: The number of starts of each.
        arrived: The number of paths of each that arrive; None if no minimum is known.
        first: The label of the optimizer that arrives before all others, from a single start; None if there is none.
    """

    labels: list[str]
    starts: list[int]
    arrived: list[int | None]
    first: str | None


def tally(group: Sequence[Trajectory]) -> Tally:
    """Return the tally of trajectories over one objective."""
    group = fitted(group)
    best, labels, known = winner(group), [each.label for each in group], list(map(solved, group))
    arrived = [None if each is None else int(each.sum()) for each in known]
    return Tally(labels, [len(each.stops) for each in group], arrived, None if best is None else labels[best])


def finding(groups: Sequence[Sequence[Trajectory]], say: Language = ENGLISH) -> tuple[str, ...]:
    """Return the finding about trajectories grouped by objective, as alternatives from long to short.

    Each has at most `LONGEST` characters.
    """
    if len(groups) > 1:
        return finding_over([tally(group) for group in groups], say)
    group = fitted(groups[0])
    return _short(_about(group[0].objective, group, say))


def finding_over(tallies: Sequence[Tally], say: Language = ENGLISH) -> tuple[str, ...]:
    """Return the finding over several objectives, of which nothing but the tallies is known, like `finding`."""
    return _short(_over_several(tallies, say))


def _short(sentences: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for each in sentences if len(each) <= LONGEST))


def winner(group: Sequence[Trajectory]) -> int | None:
    """Return the index of the trajectory that arrives first; None if there is none, or another is about as fast."""
    if len(group) == 1 or any(len(each.stops) > 1 for each in group):
        return None
    outcomes = [outcome(each) for each in group]
    order = sorted((each.step, i) for i, each in enumerate(outcomes) if each.fate is Fate.ARRIVES)
    if not order or (len(order) > 1 and _equal(order[0][0], order[1][0])):
        return None
    return order[0][1]


def _every(count: int, say: Language) -> str:
    return say("Both") if count == 2 else say("All {n}", n=count)


def _equal(one: float, other: float) -> bool:
    """Return whether two counts of steps count as equal: by their ratio, or because they are one step apart."""
    return abs(one - other) <= 1 or max(one, other) <= TOGETHER * min(one, other)


def _best(figures: Sequence[float]) -> list[int]:
    """Return the indices of the least finite figure and of those that are equal to it."""
    finite = [each for each in figures if np.isfinite(each)]
    low = min(finite, default=np.inf)
    # A negative figure, such as the change of a value, is better if it is larger in size.
    limit = low / TOGETHER if low < 0 else low * TOGETHER
    return [i for i, each in enumerate(figures) if np.isfinite(each) and each <= limit]


@singledispatch
def _about(objective: Objective, group: Sequence[Trajectory], say: Language) -> Iterator[str]:
    """Yield sentences about paths over one objective, from long to short; the last ones contain no names."""
    if len({len(each.stops) for each in group}) > 1:
        return  # Paths from different starts are not compared.
    if len(group[0].stops) > 1:
        yield from (ensemble_findings if group[0].is_ensemble else _from_many)(group, say)
        return
    outcomes, unique = [outcome(each) for each in group], len({each.label for each in group}) == len(group)
    if len(group) == 1:
        yield from _alone(outcomes[0], group[0], say)
        return
    known = objective.minimum is not None and len(objective.minima) > 0
    outcomes = outcomes if known else by_lowest_value(group, outcomes)
    arrived = sorted((each for each in outcomes if each.fate is Fate.ARRIVES), key=lambda each: each.step)
    others = [each for each in outcomes if each.fate is not Fate.ARRIVES]
    if not arrived:
        sentences = _none_arrives(outcomes, _heights(group)[:, 0].tolist(), say, known=known)
    elif not others:
        sentences = _all_arrive(arrived, say, ARRIVE if known else DESCEND)
    else:
        sentences = (_some_arrive if known else _some_reach_bottom)(arrived, others, say)
    yield from (words for words, has_names in sentences if unique or not has_names)


ARRIVE, DESCEND = ("arrives", "arrive"), ("reaches the bottom", "reach the bottom")  # verbs for one and for several


Sentences = Iterator[tuple[str, bool]]
"""Sentences with whether they contain names."""


def _alone(found: PathOutcome, trajectory: Trajectory, say: Language) -> Iterator[str]:
    values, label = trajectory.values[:, 0], found.label
    words = found.words(say)
    if found.fate is Fate.ARRIVES:
        words = say("circles the minimum until step {step}", step=found.step) if found.circles else words
        words = words if found.step else say("starts at the minimum")
    elif found.fate is Fate.UNDERWAY:
        known = trajectory.objective.minimum is not None and len(trajectory.objective.minima)
        words = say("has not arrived after {steps}", steps=say.steps(found.step)) if known else ""
        if not known and np.isfinite(values[[0, -1]]).all():
            words = say("descends from {first} to {last}", first=number(values[0], 3), last=number(values[-1], 3))
    if words:
        yield f"{label} {words}"
        yield say("The path {what}", what=words)


def _some_reach_bottom(arrived: Sequence[PathOutcome], others: Sequence[PathOutcome], say: Language) -> Sentences:
    leaders = _leaders(arrived)
    verb, when = say(DESCEND[len(leaders) > 1]), _when(leaders[0].step, leaders[-1].step, say)
    what = f"{say.joined(each.label for each in leaders)} {verb} {when}"
    for each in _most_notable(others):
        yield f"{what}; {each.label} {each.words(say)}", True
    yield what, True
    ends = [each.end for each in (*arrived, *others)]
    yield _lowest_of(len(ends), min(filter(np.isfinite, ends)), say), False


def _leaders(arrived: Sequence[PathOutcome]) -> list[PathOutcome]:
    """Return those that arrive first of paths in the order of their arrival."""
    return [each for each in arrived if _equal(arrived[0].step, each.step)]


def _all_arrive(arrived: Sequence[PathOutcome], say: Language, verbs: tuple[str, str] = ARRIVE) -> Sentences:
    (one, several), first, last, every = map(say, verbs), arrived[0].step, arrived[-1].step, _every(len(arrived), say)
    if not last:
        yield say("All paths start at the minimum"), False
        return
    if _equal(first, last):
        when = _when(first, last, say)
        if len(arrived) <= 3:
            names = say.joined(each.label for each in arrived)
            yield say("{names} {verb} together, {when}", names=names, verb=several, when=when), True
        yield say("{names} {verb} together, {when}", names=every, verb=several, when=when), False
        yield say("{names} {verb} together", names=every, verb=several), False
        return
    leaders = _leaders(arrived)
    late = [each for each in arrived if each not in leaders and last <= TOGETHER * each.step]
    slow = next((each for each in late if each.circles), late[-1])
    rests = [say("circles until {step}", step=slow.step)] * slow.circles + [say("needs {step}", step=slow.step)]
    names, verb = say.joined(each.label for each in leaders), several if len(leaders) > 1 else one
    when = _when(first, leaders[-1].step, say)
    for rest in rests:
        yield f"{names} {verb} {when}; {slow.label} {rest}", True
    yield say("{names} {verb} first, {when}", names=names, verb=verb, when=when), True
    if len(leaders) == 1:
        yield say("{names} {verb} first", names=names, verb=verb), True
    facts = {"steps": say.steps(first), "last": last, "n": len(arrived)}
    yield say("The first of {n} {verb} in {steps}, the last in {last}", verb=one, **facts), False
    yield say("{every} {verb}, the first in {steps}", every=every, verb=several, **facts), False


def _when(first: int, last: int, say: Language) -> str:
    """Return when paths arrive that count as arriving together."""
    return say("in {steps}", steps=say.steps(last)) if first == last else say("near step {step}", step=last)


def _some_arrive(arrived: Sequence[PathOutcome], others: Sequence[PathOutcome], say: Language) -> Sentences:
    first, total = arrived[0], len(arrived) + len(others)
    notable = _most_notable(others)
    names, steps = say.joined(each.label for each in arrived), say.steps(first.step)
    if len(arrived) == 1:
        when = say("in {steps}", steps=steps) if first.step else say("where it starts")
        only, one = say("Only {names} arrives", names=names), say("Only one of {n} paths arrives", n=total)
        for each in notable:
            yield f"{only}, {when}; {each.label} {each.words(say)}", True
            yield f"{only}; {each.label} {each.words(say)}", True
            yield f"{only}; {each.label} {say(each.fate.value[0])}", True
        yield f"{only}, {when}", True
        yield only, True
        yield f"{one}, {when}", False
        yield one, False
        return
    if len(others) == 1:
        rest = say("the others do" if others[0].fate is Fate.UNDERWAY else "the others arrive")
        yield f"{others[0].label} {others[0].words(say)}; {rest}", True
    yield say("Only {names} arrive", names=names), True
    some = say("{k} of {n} paths arrive", k=len(arrived), n=total)
    if not _equal(first.step, arrived[1].step):
        yield say("{some}, {name} first in {steps}", some=some, name=first.label, steps=steps), True
        yield say("{some}, {name} first", some=some, name=first.label), True
    yield say("{some}, the first in {steps}", some=some, steps=steps), False
    yield some, False


def _heights(group: Sequence[Trajectory]) -> FloatArray:
    """Return how high each path ends above the minimum or the lowest value of all, (optimizers, starts).

    Heights that look alike in the loss panel are equal: within tolerance on the logarithmic axis of a known minimum,
    and within the width of a line on the linear axis of others.
    """
    minimum = group[0].objective.minimum
    lowest, least = (lowest_value(group), LINE_WIDTH) if minimum is None else (minimum, TOLERANCE)
    firsts, ends = (np.array([each.values[row] for each in group]) for row in (0, -1))
    return np.asarray(np.maximum(ends - lowest, least * (firsts.max(0) - lowest)))


def _none_arrives(
    outcomes: Sequence[PathOutcome], heights: Sequence[float], say: Language, *, known: bool
) -> Sentences:
    """Yield sentences about which path ends lowest, by the heights at which they end."""
    fates, every = {each.fate for each in outcomes}, _every(len(outcomes), say)
    if len(fates) == 1 and outcomes[0].fate in NOTABLE:
        yield f"{every} {say(outcomes[0].fate.value[1])}", False
        return
    best = [outcomes[i] for i in _best(heights)]
    # The last values of a path that diverges may be lower than all others.
    best = [] if any(each.fate in (Fate.DIVERGES, Fate.LEAVES) for each in best) else best
    others = [each for each in _most_notable(outcomes) if each not in best]
    prefix = say("No path arrives; ") if known else ""
    if best:
        names = say.joined(each.label for each in best)
        what = say("{names} ends lowest" if len(best) == 1 else "{names} end about equally low", names=names)
        for each in others[:1]:
            yield f"{what}; {each.label} {each.words(say)}", True
        yield f"{prefix}{what}", True
        yield what, True
        if len(best) == len(outcomes):
            all_of_them = every.lower() if prefix else every
            yield prefix + say("{names} end about equally low", names=all_of_them), False
    for each in others[:1]:
        yield f"{each.label} {each.words(say)}", True
    if known:
        yield say("No path arrives in {steps}", steps=say.steps(max(each.step for each in outcomes))), False
    elif best:
        yield _lowest_of(len(outcomes), min(each.end for each in best), say), False
    for fate in NOTABLE:
        if count := sum(each.fate is fate for each in outcomes):
            yield say("{k} of {n} paths {what}", k=count, n=len(outcomes), what=say(fate.value[count > 1])), False


def _lowest_of(paths: int, end: float, say: Language) -> str:
    return say("The lowest of {n} paths ends at {value}", n=paths, value=number(end, 3))


def _most_notable(outcomes: Sequence[PathOutcome]) -> list[PathOutcome]:
    """Return the outcomes that are worth a clause, the most notable first."""
    return sorted((each for each in outcomes if each.fate in NOTABLE), key=lambda each: NOTABLE.index(each.fate))


def separated(one: int, other: int, starts: int) -> bool:
    """Return whether a share of starts is larger than another one by more than two standard errors.

    The interval is that of Agresti and Caffo (2000), which adds one success and one failure to each count.
    """
    p, q = (one + 1) / (starts + 2), (other + 1) / (starts + 2)
    error = np.sqrt((p * (1 - p) + q * (1 - q)) / (starts + 2))
    return bool(p - q > 2 * error)


def _from_many(group: Sequence[Trajectory], say: Language) -> Iterator[str]:
    """Yield sentences about the shares of starts from which paths arrive, or end lowest if none does."""
    starts, labels, found = len(group[0].stops), [each.label for each in group], [solved(each) for each in group]
    counts = [int(each.sum()) for each in found if each is not None]
    if len(group) == 1:
        yield from _from_many_alone(group[0], say)
    if sum(counts):
        if len(group) > 1 and sum(counts) == starts * len(group) and len(set(labels)) == len(labels):
            yield from _fastest(group, say)
        yield from _shares(labels, counts, starts, say)
        return
    if len(group) > 1:
        best = [_best(column) for column in _heights(group).T.tolist()]
        wins = [best.count([index]) for index in range(len(group))]
        lead = int(np.argmax(wins))
        if all(separated(wins[lead], other, starts) for i, other in enumerate(wins) if i != lead):
            named = [labels[lead]] * (len(set(labels)) == len(labels))
            for name in [*named, say("One of {n}", n=len(group))]:
                yield say("{names} ends lowest from {k} of {n} starts", names=name, k=wins[lead], n=starts)
    if counts:
        yield say("None of {n} paths arrives", n=starts * len(group))
    elif len(group) > 1:
        yield say("No optimizer ends clearly lower than the others")


def _fastest(group: Sequence[Trajectory], say: Language) -> Iterator[str]:
    """Yield which optimizer arrives first, if its rank is the first with 95 % confidence, as in `gdsim compare`."""
    every = [scores(each, np.nan) for each in group]
    for label, own, standing in zip([each.label for each in group], every, standings(every), strict=True):
        if standing.ranks == (1, 1):
            when = say("after {n} evaluations at the median", n=f"{own.key()[1]:.0f}")
            yield say("{names} {verb} first, {when}", names=label, verb=say("arrives"), when=when)
            yield say("{names} {verb} first", names=label, verb=say("arrives"))


def _from_many_alone(trajectory: Trajectory, say: Language) -> Iterator[str]:
    starts, found, minima = len(trajectory.stops), solved(trajectory), trajectory.objective.minima
    if found is None:
        if np.isfinite(trajectory.values[-1]).any():
            yield _lowest_of(starts, _lowest_end(trajectory), say)
        return
    nearest = np.argmin([norms(trajectory.points[-1] - minimum) for minimum in minima], axis=0)
    reached, several = int(found.sum()), len(set(nearest[found].tolist()))
    if several > 1:
        yield say("{some}, at {m} minima", some=_paths_arrive(reached, starts, say), m=several)


def _lowest_end(trajectory: Trajectory) -> float:
    last = trajectory.values[-1]
    return float(last[np.isfinite(last)].min(initial=np.inf))


def _paths_arrive(reached: int, paths: int, say: Language) -> str:
    if reached == paths:
        return say("All {n} paths arrive", n=paths)
    return say("{k} of {n} paths arrive" if reached else "None of {n} paths arrives", k=reached, n=paths)


def _shares(labels: Sequence[str], counts: Sequence[int], total: int, say: Language) -> Iterator[str]:
    """Yield sentences about how many paths of each optimizer arrive, out of `total`."""
    reached, paths = sum(counts), total * len(labels)
    order = sorted(range(len(labels)), key=lambda i: -counts[i])
    names, found = [labels[i] for i in order], [counts[i] for i in order]
    if len(set(labels)) == len(labels) and reached not in (0, paths):
        if len(labels) == 1:
            yield say("{names} arrives from {k} of {n} starts", names=names[0], k=found[0], n=total)
        clear = (
            k
            for k in range(1, len(labels))
            if all(separated(one, other, total) for one in found[:k] for other in found[k:])
        )
        yield from _leading(names, found, total, next(clear, 0), say)
    yield _paths_arrive(reached, paths, say)


def _leading(names: Sequence[str], found: Sequence[int], total: int, leading: int, say: Language) -> Iterator[str]:
    """Yield sentences about several optimizers, of which the leading ones arrive clearly more often than the others."""
    first, last, few = names[0], names[-1], found[-1] or say("none")
    if leading == 1 and len(names) == 2:
        some = say("{names} arrives from {k} of {n} starts", names=first, k=found[0], n=total)
        yield say("{some}, {name} from {k}", some=some, name=last, k=few)
    if leading == 1:
        yield say("{names} arrives most often, from {k} of {n} starts", names=first, k=found[0], n=total)
        yield say("{names} arrives most often", names=first)
    elif leading:
        most = say.joined(names[:leading])
        yield say("{names} arrive more often than {others}", names=most, others=say.joined(names[leading:]))
        yield say("{names} arrive most often", names=most)
    elif len(names) == 2:
        both = {"names": say.joined(names), "k": say.joined(map(str, found))}
        yield say("{names} arrive from {k} of {n} starts", n=total, **both)
    if leading > 1 and leading == len(names) - 1:
        yield say("{names} arrives least often, from {k} of {n} starts", names=last, k=few, n=total)
    if not leading and len(names) > 1:
        yield say("No optimizer arrives clearly more often")


@_about.register
def _(objective: NetworkObjective, group: Sequence[Trajectory], say: Language) -> Iterator[str]:  # noqa: ARG001
    failed = [each for each in group if each.stops[0].failed]
    trained = [each for each in group if not each.stops[0].failed]
    unique = len({each.label for each in group}) == len(group)
    if not trained:
        alone = f"{group[0].label} {_diverges(group[0], say)}"
        yield alone if len(group) == 1 else f"{_every(len(group), say)} {say('diverge')}"
        return
    losses = [float(each.values[-1, 0]) for each in trained]
    best = _best(losses)
    low, names = number(min(losses), 3), say.joined(trained[i].label for i in best)
    if len(group) == 1:
        first = number(trained[0].values[0, 0], 3)
        yield say("{names} brings the loss from {first} to {last}", names=names, first=first, last=low)
    elif unique and len(best) < len(group):
        lowest = "{names} ends at the lowest loss" if len(best) == 1 else "{names} end at the lowest losses"
        what = say(lowest, names=names)
        for each in failed:
            yield f"{what}; {each.label} {_diverges(each, say)}"
        if len(best) == 1:
            yield f"{what}, {low}"
        yield what
    elif len(best) == len(group):
        yield say("{every} end at about the same loss, {value}", every=_every(len(group), say), value=low)
    lowest = "The lowest of {n} losses is {value}" if len(trained) > 1 else "The loss ends at {value}"
    yield say(lowest, n=len(trained), value=low)


def _diverges(trajectory: Trajectory, say: Language) -> str:
    return say("{what} at step {step}", what=say("diverges"), step=trajectory.stopped_at(0))


@_about.register
def _(objective: ImageObjective, group: Sequence[Trajectory], say: Language) -> Iterator[str]:  # noqa: ARG001
    """Yield sentences about the score of a class, which is the negative value."""
    ends = [_lowest_end(each) for each in group]
    rises = [end - float(each.values[0].min()) for end, each in zip(ends, group, strict=True)]
    best = _best(rises)
    if not best or min(rises[i] for i in best) >= 0:
        yield say("The score of the class does not rise")
        return
    lead = min(best, key=lambda i: rises[i])
    values = {"first": number(-float(group[lead].values[0].min()), 3), "last": number(-ends[lead], 3)}
    label = group[lead].label
    if len(group) == 1:
        yield say("{names} raises the score of the class from {first} to {last}", names=label, **values)
    elif len(best) == 1 and len({each.label for each in group}) == len(group):
        yield say("{names} raises the score most, from {first} to {last}", names=label, **values)
        yield say("{names} raises the score most", names=label)
    elif len(best) == len(group):
        every = _every(len(group), say)
        yield say("{every} raise the score about equally, to {value}", every=every, value=values["last"])
    yield say("The score of the class rises from {first} to {last}", **values)


def _over_several(tallies: Sequence[Tally], say: Language) -> Iterator[str]:
    """Yield sentences about several objectives, on all of which the same optimizers arrive or not."""
    labels, count, starts = tallies[0].labels, len(tallies), tallies[0].starts[0]
    known = [[number for number in each.arrived if number is not None] for each in tallies]
    if any(each.labels != labels for each in tallies) or min(map(len, known)) < len(labels):
        return
    counts = np.sum(known, axis=0).tolist()
    if (found := {number for each in tallies for number in each.starts}) != {1}:
        if len(found) == 1:
            yield from _shares(labels, counts, count * starts, say)
        return
    every = say("both functions") if count == 2 else say("all {n} functions", n=count)
    full = counts.count(count)
    if len(set(labels)) == len(labels):
        wins = [sum(each.first == label for each in tallies) for label in labels]
        lead = int(np.argmax(wins))
        some = say("{k} of {n} functions", k=wins[lead], n=count)
        if 0 < full < len(labels):
            names = say.joined(label for label, each in zip(labels, counts, strict=True) if each == count)
            only = say("Only {names} arrives" if full == 1 else "Only {names} arrive", names=names)
            yield say("{what} on {where}", what=only, where=every)
        elif wins[lead] == count or (2 * wins[lead] > count and len(labels) > 1):
            arrives = say("{names} {verb} first", names=labels[lead], verb=say("arrives"))
            yield say("{what} on {where}", what=arrives, where=every if wins[lead] == count else some)
        elif len(labels) == 1 and counts[0]:
            where = every if counts[0] == count else say("{k} of {n} functions", k=counts[0], n=count)
            yield say("{what} on {where}", what=f"{labels[0]} {say('arrives')}", where=where)
    yield _paths_arrive(sum(counts), count * len(labels), say)
