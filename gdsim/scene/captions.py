"""The subtitle of a picture, and the text that describes what happens in it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import singledispatch
from itertools import chain

import numpy as np

from gdsim.analysis.metrics import solved, steps_to_tolerance
from gdsim.config import View
from gdsim.networks import ImageObjective, Landscape, NetworkObjective
from gdsim.objectives import Objective
from gdsim.objectives.formulas import number
from gdsim.scene.findings import joined
from gdsim.scene.model import Milestone, Style
from gdsim.scene.outcomes import Fate, count_steps, outcome
from gdsim.simulation import Stop, Trajectory
from gdsim.themes import Theme

INDEXED = re.compile(r"x_(?:\d|i\b|\{i)")  # formulas for any number of coordinates, unlike those in x and y


def formula(objectives: Sequence[Objective], view: View) -> str:
    """Return the equation for a subtitle, in LaTeX without dollar signs; empty if none is shown."""
    if not view.formula or len(objectives) > 1 or not objectives[0].formula:
        return ""
    right, dim = objectives[0].formula, objectives[0].dim
    indexed = dim > 2 or INDEXED.search(right)
    left = r"f(\mathbf{x})" if indexed else "f(x, y)" if dim == 2 else "f(x)"
    return f"{left} = {right}"


def notes(objectives: Sequence[Objective], words: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Describe what a picture does not show, as alternatives from long to short; empty if it shows everything.

    Args:
        objectives: The objectives of the picture.
        words: The alternatives for each objective.
    """
    partial = [(each, own) for each, own in zip(objectives, words, strict=True) if own]
    if len(objectives) == 1 or not partial:
        return words[0]
    full = "; ".join(f"{each.title}: {own[0]}" for each, own in partial)
    landscapes = [each.landscape for each, _ in partial if isinstance(each, NetworkObjective)]
    if len(landscapes) == len(partial):
        shares = _share_words(landscapes) if all(each.has_share for each in landscapes) else ()
        return full, *shares, "planes of the networks' weights"
    return full, "sections of more dimensions"


def plane_words(landscape: Landscape) -> tuple[str, ...]:
    """Return what the plane of a network does not show, from long to short."""
    some = f"loss on {landscape.examples:,} of {landscape.total_examples:,} examples"
    seen = [some] if landscape.examples < landscape.total_examples else []
    if len(landscape.origin) <= 2:  # the plane holds all weights
        return (some, some) if seen else ()
    weights = f"{len(landscape.origin):,} weights"
    through = " and ".join(landscape.mark_names) or landscape.plane
    where = {"pca": "plane of the paths", "random": "random plane"}.get(landscape.plane, f"plane through {through}")
    if not landscape.has_share:
        return ", ".join([f"{where} in {weights}", *seen]), ", ".join([f"plane of {weights}", *seen])
    whose = "their" if landscape.plane == "pca" else "the paths'"
    full = ", ".join([f"{where} in {weights}", f"{landscape.share_text} of {whose} variance", *seen])
    shorter = _share_words([landscape])
    return (full, *shorter) if seen else (full, f"plane: {shorter[0]}", *shorter)


def _share_words(landscapes: Sequence[Landscape]) -> tuple[str, ...]:
    """Return the share of the variance that each network's plane holds, and the examples used, from long to short."""
    held = joined([each.share_text for each in landscapes])
    if all(each.examples == each.total_examples for each in landscapes):
        return (f"{held} of the paths' variance",)
    some = joined([f"{each.examples:,} of {each.total_examples:,}" for each in landscapes])
    short = f"{held} of variance, {joined([f'{each.examples:,}' for each in landscapes])} examples"
    planes = "planes" if len(landscapes) > 1 else "plane"
    return f"{planes}: {held} of the paths' variance, loss on {some} examples", f"{planes}: {short}", short


def milestones(groups: Sequence[Sequence[Trajectory]], styles: Sequence[Style], theme: Theme) -> tuple[Milestone, ...]:
    """Return when single paths arrive or fail, and when half and all of several paths have arrived.

    Args:
        groups: The trajectories over each objective.
        styles: The styles of the scene, in which an optimizer is found by its label.
        theme: The theme, whose text colour is that of milestones about several paths.
    """
    found, labels = list[Milestone](), [style.label for style in styles]
    together: dict[tuple[int, Fate, str], list[int]] = {}
    for trajectory in chain(*groups):
        where = f" on {trajectory.objective.title}" if len(groups) > 1 else ""
        if len(trajectory.stops) == 1 and labels.count(trajectory.label) == 1:
            told = outcome(trajectory)
            if told.fate in (Fate.ARRIVES, Fate.DIVERGES, Fate.LEAVES):
                together.setdefault((told.step, told.fate, where), []).append(labels.index(trajectory.label))
        elif len(groups) == len(groups[0]) == 1 and (solves := solved(trajectory)) is not None:
            steps, total = np.sort(steps_to_tolerance(trajectory, np.nan)[solves]), len(solves)
            counts = {(total + 1) // 2: f"half of {total} paths have arrived", total: f"all {total} paths have arrived"}
            reached = ((int(steps[count - 1]), words) for count, words in counts.items() if count <= len(steps))
            found += [_milestone(step, words, theme.text, -1) for step, words in reached]
    for (step, fate, where), same in together.items():
        who = joined([labels[index] for index in same]) if len(same) <= 3 else f"{len(same)} paths"
        words = f"{who} {fate.value[len(same) > 1]}{where}"
        single = len(same) == 1
        found.append(_milestone(step, words, *((styles[same[0]].color, same[0]) if single else (theme.text, -1))))
    return tuple(sorted((each for each in found if each.step), key=lambda each: each.step))


def _milestone(step: int, words: str, color: str, optimizer: int) -> Milestone:
    return Milestone(step, f"{words} · step {step}", words, color, optimizer)


@singledispatch
def describe(objective: Objective, trajectories: Sequence[Trajectory]) -> str:
    """Describe where the paths of each optimizer lead.

    For example: "Gradient descent on Himmelblau, 150 steps. Adam arrives in 96 steps; SGD diverges at step 4."
    """
    return _summary(f"Gradient descent on {objective.title}", trajectories, _descent_outcome)


@describe.register
def _(objective: NetworkObjective, trajectories: Sequence[Trajectory]) -> str:
    plane = "".join(f" ({words})" for words in plane_words(objective.landscape)[:1])
    return _summary(f"Training of {objective.title}", trajectories, _training_outcome, plane)


@describe.register
def _(objective: ImageObjective, trajectories: Sequence[Trajectory]) -> str:
    return _summary(f"Gradient descent in the pixels of an image: {objective.title}", trajectories, _score_outcome)


def _summary(
    opening: str, trajectories: Sequence[Trajectory], words: Callable[[Trajectory], str], plane: str = ""
) -> str:
    """Join what happens to each trajectory; `words` says it of one that does not fail."""
    steps = count_steps(len(trajectories[0].points) - 1)
    outcomes = [
        f"{each.label} diverges at step {each.stopped_at(0)}"
        if len(each.stops) == 1 and each.stops[0] is Stop.DIVERGED
        else each.label + words(each)
        for each in trajectories
    ]
    return f"{opening}, {steps}{plane}. {'; '.join(outcomes)}."


def _training_outcome(trajectory: Trajectory) -> str:
    last = {name: float(row[-1]) for name, row in trajectory.figures.items() if np.isfinite(row[-1])}
    words = f" ends at the loss {float(trajectory.values[-1, 0]):.3g}"
    if "test_accuracy" in last:
        return f"{words} and a test accuracy of {100 * last['test_accuracy']:.1f} %"
    if "accuracy" in last:
        return f"{words} and an accuracy of {100 * last['accuracy']:.1f} %"
    return f"{words}, and at {last['test_loss']:.3g} on the test data" if "test_loss" in last else words


def _score_outcome(trajectory: Trajectory) -> str:
    """Say how gradient descent on an image's pixels changes the class score, which is the negative value."""
    best = int(np.where(np.isfinite(trajectory.values[-1]), trajectory.values[-1], np.inf).argmin())
    first, last = (number(-value, 3) for value in trajectory.values[[0, -1], best].tolist())
    several = f", the highest of {len(trajectory.stops)}," if len(trajectory.stops) > 1 else ""
    return f" takes the score of the class{several} from {first} to {last}"


def _descent_outcome(trajectory: Trajectory) -> str:
    starts, solves, ends = len(trajectory.stops), solved(trajectory), trajectory.values[-1]
    if starts > 1:
        failed = Counter(stop.value for stop in trajectory.stops if stop.failed)
        words = f"the lowest of {starts} paths ends at {number(float(np.fmin.reduce(ends)), 3)}"
        if solves is not None:
            words = f"{solves.sum()} of {starts} paths arrive{'s' * int(solves.sum() == 1)}"
        return ": " + ", ".join([words, *(f"{count} {end}" for end, count in failed.items())])
    found = outcome(trajectory)
    if found.fate is Fate.UNDERWAY:
        at = f" ends at {number(found.end, 3)}"
        return at if solves is None else f" has not arrived after {count_steps(found.step)}"
    return f" {found.words}"
