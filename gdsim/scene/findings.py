"""The finding of a picture: one sentence about what happens in it, from the figures of its trajectories.

Every sentence is true of the recorded numbers. A path arrives at the step at which it first comes within tolerance of
the minimum (`steps_to_tolerance`), if it also ends near a minimum and does not fail (`solved`). Nothing is called first
or lowest unless its figure is better by more than a tenth, and no share of starts is called larger within two standard
errors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import singledispatch

import numpy as np

from gdsim.analysis.metrics import lowest_value, norms, solved, steps_to_tolerance
from gdsim.networks import ImageObjective, NetworkObjective
from gdsim.objectives import Objective
from gdsim.objectives.formulas import number
from gdsim.scene.outcomes import NOTABLE, RESTING, Fate, Outcome, count_steps, outcome, turns
from gdsim.simulation import Trajectory

LONGEST = 60  # maximum number of characters of a title
TOGETHER = 1.1  # the ratio up to which two figures count as equal


def finding(groups: Sequence[Sequence[Trajectory]]) -> tuple[str, ...]:
    """Return the finding of a picture, as alternatives from long to short, of at most `LONGEST` characters.

    Args:
        groups: The trajectories over each objective.
    """
    sentences = _about(groups[0][0].objective, groups[0]) if len(groups) == 1 else _over_several(groups)
    return tuple(dict.fromkeys(each for each in sentences if len(each) <= LONGEST))


def winner(group: Sequence[Trajectory]) -> int | None:
    """Return the index of the trajectory that arrives first; None if there is none, or another is about as fast."""
    if len(group) == 1 or len(group[0].stops) > 1:
        return None
    outcomes = [outcome(each) for each in group]
    order = sorted((each.step, i) for i, each in enumerate(outcomes) if each.fate is Fate.ARRIVES)
    if not order or (len(order) > 1 and _equal(order[0][0], order[1][0])):
        return None
    return order[0][1]


def joined(words: Sequence[str]) -> str:
    """Join words into a list, without repetitions: "Himmelblau, Beale and Booth"."""
    *before, last = dict.fromkeys(words)
    return f"{', '.join(before)} and {last}" if before else last


def _every(count: int) -> str:
    return "Both" if count == 2 else f"All {count}"


def _equal(one: float, other: float) -> bool:
    """Return whether two counts of steps count as equal: by their ratio, or because they are one step apart."""
    return abs(one - other) <= 1 or max(one, other) <= TOGETHER * min(one, other)


def _best(figures: Sequence[float]) -> list[int]:
    """Return the indices of the least finite figure and of those that are equal to it."""
    finite = [each for each in figures if np.isfinite(each)]
    low = min(finite, default=np.inf)
    # A negative figure, such as a descent, is better if it is larger in size.
    limit = low / TOGETHER if low < 0 else low * TOGETHER
    return [i for i, each in enumerate(figures) if np.isfinite(each) and each <= limit]


@singledispatch
def _about(objective: Objective, group: Sequence[Trajectory]) -> Iterator[str]:
    """Yield sentences about paths over one objective, from long to short; the last ones contain no names."""
    if len(group[0].stops) > 1:
        yield from _from_many(group)
        return
    outcomes, unique = [outcome(each) for each in group], len({each.label for each in group}) == len(group)
    if len(group) == 1:
        yield from _alone(outcomes[0], group[0])
        return
    arrived = sorted((each for each in outcomes if each.fate is Fate.ARRIVES), key=lambda each: each.step)
    if not arrived:
        known = objective.minimum is not None and len(objective.minima) > 0
        # Without a known minimum, descents from the highest of the first values are compared.
        base = objective.minimum if objective.minimum is not None else max(float(each.values[0, 0]) for each in group)
        sentences = _none_arrives(outcomes, base, known=known)
        if not known and (down := _reach_bottom(group, outcomes)):
            sentences = _all_arrive(down, DESCEND)
    elif len(arrived) < len(outcomes):
        sentences = _some_arrive(arrived, [each for each in outcomes if each.fate is not Fate.ARRIVES])
    else:
        sentences = _all_arrive(arrived)
    yield from (words for words, has_names in sentences if unique or not has_names)


ARRIVE, DESCEND = ("arrives", "arrive"), ("reaches the bottom", "reach the bottom")  # verbs for one and for several


Sentences = Iterator[tuple[str, bool]]
"""Sentences with whether they contain names."""


def _alone(found: Outcome, trajectory: Trajectory) -> Iterator[str]:
    values, label = trajectory.values[:, 0], found.label
    words = found.words
    if found.fate is Fate.ARRIVES:
        words = f"circles the minimum until step {found.step}" if found.circles else words
        words = words if found.step else "starts at the minimum"
    elif found.fate is Fate.UNDERWAY:
        known = trajectory.objective.minimum is not None and len(trajectory.objective.minima)
        words = f"has not arrived after {count_steps(found.step)}" if known else ""
        if not known and np.isfinite(values[[0, -1]]).all():
            words = f"descends from {number(values[0], 3)} to {number(values[-1], 3)}"
    if words:
        yield f"{label} {words}"
        yield f"The path {words}"


def _reach_bottom(group: Sequence[Trajectory], outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Return when the paths reach the lowest value of all; empty if one of them does not, or is still descending."""
    found, lowest = [], lowest_value(group)
    for each, known in zip(group, outcomes, strict=True):
        step, points = int(steps_to_tolerance(each, lowest)[0]), each.points[:, 0]
        if known.fate is not Fate.UNDERWAY or step > (1 - RESTING) * (len(points) - 1):
            return []
        found.append(replace(known, step=step, circles=turns(points[: step + 1], points[-1]) >= 1))
    return sorted(found, key=lambda each: each.step)


def _all_arrive(arrived: Sequence[Outcome], verbs: tuple[str, str] = ARRIVE) -> Sentences:
    (one, several), first, last, every = verbs, arrived[0].step, arrived[-1].step, _every(len(arrived))
    if not last:
        yield "All paths start at the minimum", False
        return
    if _equal(first, last):
        when = f"in {count_steps(last)}" if first == last else f"near step {last}"
        if len(arrived) <= 3:
            yield f"{joined([each.label for each in arrived])} {several} together, {when}", True
        yield f"{every} {several} together, {when}", False
        yield f"{every} {several} together", False
        return
    leaders = [each for each in arrived if _equal(first, each.step)]
    late = [each for each in arrived if each not in leaders and last <= TOGETHER * each.step]
    slow = next((each for each in late if each.circles), late[-1])
    rests = [f"circles until {slow.step}"] * slow.circles + [f"needs {slow.step}"]
    names = joined([each.label for each in leaders])
    if len(leaders) > 1:
        when = f"in {count_steps(first)}" if first == leaders[-1].step else f"near step {leaders[-1].step}"
        for rest in rests:
            yield f"{names} {several} {when}; {slow.label} {rest}", True
        yield f"{names} {several} first, {when}", True
    else:
        for rest in rests:
            yield f"{names} {one} in {count_steps(first)}; {slow.label} {rest}", True
        yield f"{names} {one} first, in {count_steps(first)}", True
        yield f"{names} {one} first", True
    yield f"The first of {len(arrived)} {one} in {count_steps(first)}, the last in {last}", False
    yield f"{every} {several}, the first in {count_steps(first)}", False


def _some_arrive(arrived: Sequence[Outcome], others: Sequence[Outcome]) -> Sentences:
    first, total = arrived[0], len(arrived) + len(others)
    notable = _most_notable(others)
    names = joined([each.label for each in arrived])
    if len(arrived) == 1:
        when = f"in {count_steps(first.step)}" if first.step else "where it starts"
        for each in notable:
            yield f"Only {names} arrives, {when}; {each.label} {each.words}", True
            yield f"Only {names} arrives; {each.label} {each.words}", True
        yield f"Only {names} arrives, {when}", True
        yield f"Only {names} arrives", True
        yield f"Only one of {total} paths arrives, {when}", False
        yield f"Only one of {total} paths arrives", False
        return
    if len(others) == 1:
        verb = "do" if others[0].fate is Fate.UNDERWAY else "arrive"
        yield f"{others[0].label} {others[0].words}; the others {verb}", True
    yield f"Only {names} arrive", True
    if not _equal(first.step, arrived[1].step):
        yield f"{len(arrived)} of {total} paths arrive, {first.label} first in {count_steps(first.step)}", True
        yield f"{len(arrived)} of {total} paths arrive, {first.label} first", True
    yield f"{len(arrived)} of {total} paths arrive, the first in {count_steps(first.step)}", False
    yield f"{len(arrived)} of {total} paths arrive", False


def _none_arrives(outcomes: Sequence[Outcome], base: float, *, known: bool) -> Sentences:
    """Yield sentences about which path ends lowest, from values above `base`."""
    fates, every = {each.fate for each in outcomes}, _every(len(outcomes))
    if len(fates) == 1 and outcomes[0].fate in NOTABLE:
        yield f"{every} {outcomes[0].fate.value[1]}", False
        return
    best = [outcomes[i] for i in _best([each.end - base for each in outcomes])]
    # The last values of a path that diverges may be lower than all others.
    best = [] if any(each.fate in (Fate.DIVERGES, Fate.LEAVES) for each in best) else best
    others = [each for each in _most_notable(outcomes) if each not in best]
    prefix = "No path arrives; " if known else ""
    if best:
        names = joined([each.label for each in best])
        what = f"{names} ends lowest" if len(best) == 1 else f"{names} end about equally low"
        for each in others[:1]:
            yield f"{what}; {each.label} {each.words}", True
        yield f"{prefix}{what}", True
        yield what, True
        if len(best) == len(outcomes):
            yield f"{prefix}{every.lower() if prefix else every} end about equally low", False
    for each in others[:1]:
        yield f"{each.label} {each.words}", True
    if known:
        yield f"No path arrives in {count_steps(max(each.step for each in outcomes))}", False
    elif best:
        yield f"The lowest of {len(outcomes)} paths ends at {number(min(each.end for each in best), 3)}", False
    for fate in NOTABLE:
        if count := sum(each.fate is fate for each in outcomes):
            yield f"{count} of {len(outcomes)} paths {fate.value[count > 1]}", False


def _most_notable(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Return the outcomes that are worth a clause, the most notable first."""
    return sorted((each for each in outcomes if each.fate in NOTABLE), key=lambda each: NOTABLE.index(each.fate))


def separated(one: int, other: int, starts: int) -> bool:
    """Return whether a share of starts is larger than another one by more than two standard errors.

    The interval is that of Agresti and Caffo (2000), which adds one success and one failure to each count.
    """
    p, q = (one + 1) / (starts + 2), (other + 1) / (starts + 2)
    error = np.sqrt((p * (1 - p) + q * (1 - q)) / (starts + 2))
    return bool(p - q > 2 * error)


def _from_many(group: Sequence[Trajectory]) -> Iterator[str]:
    """Yield sentences about the shares of starts from which paths arrive, or end lowest if none does."""
    starts, labels, found = len(group[0].stops), [each.label for each in group], [solved(each) for each in group]
    counts = [int(each.sum()) for each in found if each is not None]
    if len(group) == 1:
        yield from _from_many_alone(group[0])
    if sum(counts):
        yield from _shares(labels, counts, starts)
        return
    if len(group) > 1:
        # All paths from one start are compared from the minimum, or else from the highest of their first values.
        ends, first = (np.array([each.values[row] for each in group]) for row in (-1, 0))
        minimum = group[0].objective.minimum
        base = first.max(0) if minimum is None else minimum
        best = [_best(column) for column in (ends - base).T.tolist()]
        wins = [best.count([index]) for index in range(len(group))]
        lead = int(np.argmax(wins))
        if all(separated(wins[lead], other, starts) for i, other in enumerate(wins) if i != lead):
            if len(set(labels)) == len(labels):
                yield f"{labels[lead]} ends lowest from {wins[lead]} of {starts} starts"
            yield f"One of {len(group)} ends lowest from {wins[lead]} of {starts} starts"
    if counts:
        yield f"None of {starts * len(group)} paths arrives"
    elif len(group) > 1:
        yield "No optimizer ends clearly lower than the others"


def _from_many_alone(trajectory: Trajectory) -> Iterator[str]:
    starts, found, minima = len(trajectory.stops), solved(trajectory), trajectory.objective.minima
    if found is None:
        if np.isfinite(trajectory.values[-1]).any():
            yield f"The lowest of {starts} paths ends at {number(_lowest_end(trajectory), 3)}"
        return
    nearest = np.argmin([norms(trajectory.points[-1] - minimum) for minimum in minima], axis=0)
    reached, several = int(found.sum()), len(set(nearest[found].tolist()))
    if several > 1:
        who = f"All {starts}" if reached == starts else f"{reached} of {starts}"
        yield f"{who} paths arrive, at {several} minima"


def _lowest_end(trajectory: Trajectory) -> float:
    last = trajectory.values[-1]
    return float(last[np.isfinite(last)].min(initial=np.inf))


def _shares(labels: Sequence[str], counts: Sequence[int], total: int) -> Iterator[str]:
    """Yield sentences about how many paths of each optimizer arrive, out of `total`."""
    reached, paths = sum(counts), total * len(labels)
    order = sorted(range(len(labels)), key=lambda i: -counts[i])
    names, found = [labels[i] for i in order], [counts[i] for i in order]
    if reached in (0, paths):
        yield f"All {paths} paths arrive" if reached else f"None of {paths} paths arrives"
        return
    if len(set(labels)) == len(labels):
        if len(labels) == 1:
            yield f"{names[0]} arrives from {found[0]} of {total} starts"
        clear = (
            k
            for k in range(1, len(labels))
            if all(separated(one, other, total) for one in found[:k] for other in found[k:])
        )
        leading = next(clear, 0)
        if leading == 1 and len(labels) == 2:
            yield f"{names[0]} arrives from {found[0]} of {total} starts, {names[1]} from {found[1] or 'none'}"
        if leading == 1:
            yield f"{names[0]} arrives most often, from {found[0]} of {total} starts"
            yield f"{names[0]} arrives most often"
        elif leading:
            yield f"{joined(names[:leading])} arrive more often than {joined(names[leading:])}"
            yield f"{joined(names[:leading])} arrive most often"
        elif len(labels) == 2:
            yield f"{names[0]} and {names[1]} arrive from {found[0]} and {found[1]} of {total} starts"
        if leading > 1 and leading == len(labels) - 1:
            yield f"{names[-1]} arrives least often, from {found[-1] or 'none'} of {total} starts"
        if not leading and len(labels) > 1:
            yield "No optimizer arrives clearly more often"
    yield f"{reached} of {paths} paths arrive"


@_about.register
def _(objective: NetworkObjective, group: Sequence[Trajectory]) -> Iterator[str]:  # noqa: ARG001
    failed = [each for each in group if each.stops[0].failed]
    trained = [each for each in group if not each.stops[0].failed]
    unique = len({each.label for each in group}) == len(group)
    if not trained:
        yield (
            f"{group[0].label} diverges at step {group[0].stopped_at(0)}"
            if len(group) == 1
            else (f"{_every(len(group))} diverge")
        )
        return
    losses = [float(each.values[-1, 0]) for each in trained]
    best = _best(losses)
    low, names = number(min(losses), 3), joined([trained[i].label for i in best])
    if len(group) == 1:
        yield f"{names} brings the loss from {number(trained[0].values[0, 0], 3)} to {low}"
    elif unique and len(best) < len(group):
        what = f"{names} ends at the lowest loss" if len(best) == 1 else f"{names} end at the lowest losses"
        for each in failed:
            yield f"{what}; {each.label} diverges at step {each.stopped_at(0)}"
        if len(best) == 1:
            yield f"{what}, {low}"
        yield what
    elif len(best) == len(group):
        yield f"{_every(len(group))} end at about the same loss, {low}"
    yield f"The lowest of {len(trained)} losses is {low}" if len(trained) > 1 else f"The loss ends at {low}"


@_about.register
def _(objective: ImageObjective, group: Sequence[Trajectory]) -> Iterator[str]:  # noqa: ARG001
    """Yield sentences about the score of a class, which is the negative value."""
    ends = [_lowest_end(each) for each in group]
    rises = [end - float(each.values[0].min()) for end, each in zip(ends, group, strict=True)]
    best = _best(rises)
    if not best or min(rises[i] for i in best) >= 0:
        yield "The score of the class does not rise"
        return
    lead = min(best, key=lambda i: rises[i])
    first, last = number(-float(group[lead].values[0].min()), 3), number(-ends[lead], 3)
    if len(group) == 1:
        yield f"{group[0].label} raises the score of the class from {first} to {last}"
    elif len(best) == 1 and len({each.label for each in group}) == len(group):
        yield f"{group[lead].label} raises the score most, from {first} to {last}"
        yield f"{group[lead].label} raises the score most"
    elif len(best) == len(group):
        yield f"{_every(len(group))} raise the score about equally, to {last}"
    yield f"The score of the class rises from {first} to {last}"


def _over_several(groups: Sequence[Sequence[Trajectory]]) -> Iterator[str]:
    """Yield sentences about several objectives, on all of which the same optimizers arrive or not."""
    labels, count = [each.label for each in groups[0]], len(groups)
    known = [[each.sum() for each in map(solved, group) if each is not None] for group in groups]
    starts = len(groups[0][0].stops)
    if any([each.label for each in group] != labels for group in groups) or min(map(len, known)) < len(labels):
        return
    counts = np.sum(known, axis=0).tolist()
    if any(len(each.stops) != 1 for group in groups for each in group):
        if all(len(each.stops) == starts for group in groups for each in group):
            yield from _shares(labels, counts, count * starts)
        return
    every, full = f"{'both' if count == 2 else f'all {count}'} functions", counts.count(count)
    if len(set(labels)) == len(labels):
        first = [_first(group) for group in groups]
        wins = [first.count(label) for label in labels]
        lead = int(np.argmax(wins))
        if 0 < full < len(labels):
            names = joined([label for label, each in zip(labels, counts, strict=True) if each == count])
            yield f"Only {names} arrive{'s' * (full == 1)} on {every}"
        elif wins[lead] == count:
            yield f"{labels[lead]} arrives first on {every}"
        elif 2 * wins[lead] > count and len(labels) > 1:
            yield f"{labels[lead]} arrives first on {wins[lead]} of {count} functions"
        elif len(labels) == 1 and counts[0]:
            yield f"{labels[0]} arrives on {every if counts[0] == count else f'{counts[0]} of {count} functions'}"
    reached, paths = sum(counts), count * len(labels)
    yield (
        f"{reached} of {paths} paths arrive"
        if 0 < reached < paths
        else (f"All {paths} paths arrive" if reached else f"None of {paths} paths arrives")
    )


def _first(group: Sequence[Trajectory]) -> str | None:
    """Return the label of the optimizer that arrives before all others; None if there is none, or a tie."""
    arrived = sorted((each.step, each.label) for each in map(outcome, group) if each.fate is Fate.ARRIVES)
    if not arrived or (len(arrived) > 1 and _equal(arrived[0][0], arrived[1][0])):
        return None
    return arrived[0][1] if len(group) > 1 else None
