"""The subtitle of a picture, and the text that describes what happens in it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from gdsim.analysis.ensembles import final_spread
from gdsim.analysis.metrics import solved, steps_to_tolerance
from gdsim.analysis.outcomes import EVENTS, Fate, outcome
from gdsim.config import View
from gdsim.languages import ENGLISH, Language
from gdsim.networks import Landscape, NetworkObjective
from gdsim.objectives import Objective
from gdsim.objectives.formulas import number
from gdsim.scene.model import Milestone, Style
from gdsim.simulation import Stop, Trajectory
from gdsim.themes import Theme

VARIABLE = re.compile(r"\\(?:mathrm|operatorname)\{\w*\}|\\[A-Za-z]+|[A-Za-z]")
"""Matches a command of LaTeX, or a letter outside of one."""
INDEXED = re.compile(r"x_(?:\d|i\b|\{i)")  # formulas for any number of coordinates, unlike those in x and y

OPENINGS = {
    "function": "Gradient descent on {title}, {steps}",
    "minimizer": "Minimization of {title}, {steps}",
    "network": "Training of {title}, {steps}",
    "image": "Gradient descent in the pixels of an image: {title}, {steps}",
}
"""How descriptions begin, by kind of objective, and of functions where there are minimizers."""

PLANES = {
    "pca": "plane of the paths in {n} weights",
    "hessian": "Hessian plane in {n} weights",
    "hessian_start": "Hessian plane of the start in {n} weights",
    "random": "random plane in {n} weights",
}


def formula(objectives: Sequence[Objective], view: View) -> str:
    """Return the equation for a subtitle, in LaTeX without dollar signs; empty if none is shown."""
    if not view.formula or len(objectives) > 1 or not objectives[0].formula:
        return ""
    right, dim = objectives[0].formula, objectives[0].dim
    indexed = dim > 2 or INDEXED.search(right)
    if indexed:
        return rf"f(\mathbf{{x}}) = {right}"
    names = dict(zip("xy", objectives[0].variables, strict=False))
    written = VARIABLE.sub(lambda found: _in_formula(names.get(found[0], found[0])), right)
    return f"f({', '.join(map(_in_formula, objectives[0].variables[:dim]))}) = {written}"


def _in_formula(name: str) -> str:
    """Return the name of a variable in LaTeX; words are upright. Commands, which begin with a backslash, are kept."""
    return name if len(name) == 1 or name.startswith("\\") else rf"\mathrm{{{name}}}"


def notes(objectives: Sequence[Objective], words: Sequence[tuple[str, ...]], say: Language) -> tuple[str, ...]:
    """Describe what a picture does not show, as alternatives from long to short; empty if it shows everything.

    `words` are the alternatives for each objective.
    """
    partial = [(each, own) for each, own in zip(objectives, words, strict=True) if own]
    if len(objectives) == 1 or not partial:
        return words[0]
    full = "; ".join(f"{each.title}: {own[0]}" for each, own in partial)
    landscapes = [each.landscape for each, _ in partial if isinstance(each, NetworkObjective)]
    if len(landscapes) == len(partial):
        shares = _share_words(landscapes, say) if all(each.has_share for each in landscapes) else ()
        return full, *shares, say("planes of the networks' weights")
    return full, say("sections of more dimensions")


def library_notes(trajectories: Sequence[Trajectory], say: Language) -> tuple[str, ...]:
    """Name the optimizers that are not of torch.optim, as alternatives from long to short; empty if there are none."""
    names = [each.label for each in trajectories if each.is_minimizer]
    return (say("not of torch.optim: {names}", names=say.joined(names)), "") if names else ()


def plane_words(landscape: Landscape, say: Language) -> tuple[str, ...]:
    """Return what the plane of a network does not show, from long to short."""
    some = say("loss on {k} of {n} examples", k=f"{landscape.examples:,}", n=f"{landscape.total_examples:,}")
    seen = [some] if landscape.examples < landscape.total_examples else []
    if len(landscape.origin) <= 2:  # the plane holds all weights
        return (some, some) if seen else ()
    weights = f"{len(landscape.origin):,}"
    if landscape.plane in PLANES:
        where = say(PLANES[landscape.plane], n=weights)
    else:
        through = say.joined(landscape.mark_names or [landscape.plane])
        where = say("plane through {names} in {n} weights", names=through, n=weights)
    if not landscape.has_share:
        return ", ".join([where, *seen]), ", ".join([say("plane of {n} weights", n=weights), *seen])
    whose = "{share} of their variance" if landscape.plane == "pca" else "{share} of the paths' variance"
    full = ", ".join([where, say(whose, share=landscape.share_text), *seen])
    shorter = _share_words([landscape], say)
    return (full, *shorter) if seen else (full, say("plane: {what}", what=shorter[0]), *shorter)


def _share_words(landscapes: Sequence[Landscape], say: Language) -> tuple[str, ...]:
    """Return the share of the variance that each network's plane holds, and the examples used, from long to short."""
    held = say.joined(each.share_text for each in landscapes)
    if all(each.examples == each.total_examples for each in landscapes):
        return (say("{share} of the paths' variance", share=held),)
    some = say.joined(say("{k} of {n}", k=f"{each.examples:,}", n=f"{each.total_examples:,}") for each in landscapes)
    count = say.joined(f"{each.examples:,}" for each in landscapes)
    long = say("{share} of the paths' variance, loss on {some} examples", share=held, some=some)
    short = say("{share} of variance, {n} examples", share=held, n=count)
    planes = "planes: {what}" if len(landscapes) > 1 else "plane: {what}"
    return say(planes, what=long), say(planes, what=short), short


def milestones(
    groups: Sequence[Sequence[Trajectory]], styles: Sequence[Style], theme: Theme, say: Language
) -> tuple[Milestone, ...]:
    """Return when single paths arrive, pass a minimum or fail, and when half and all of several paths have arrived.

    Milestones about several paths have the text colour of the theme.
    """
    found, labels = list[Milestone](), [style.label for style in styles]
    together: dict[tuple[int, Fate, str], list[int]] = {}
    for trajectory in chain(*groups):
        where = trajectory.objective.title if len(groups) > 1 else ""
        if len(trajectory.stops) == 1 and labels.count(trajectory.label) == 1:
            told = outcome(trajectory)
            if told.fate in (Fate.ARRIVES, *EVENTS):
                together.setdefault((told.step, told.fate, where), []).append(labels.index(trajectory.label))
        elif len(groups) == len(groups[0]) == 1 and (solves := solved(trajectory)) is not None:
            steps, total = np.sort(steps_to_tolerance(trajectory, np.nan)[solves]), len(solves)
            counts = {(total + 1) // 2: "half of {n} paths have arrived", total: "all {n} paths have arrived"}
            reached = ((int(steps[count - 1]), words) for count, words in counts.items() if count <= len(steps))
            found += [_milestone(step, say(words, n=total), theme.text, -1, say) for step, words in reached]
    for (step, fate, where), same in together.items():
        names = say.joined(labels[index] for index in same) if len(same) <= 3 else say("{n} paths", n=len(same))
        words = f"{names} {say(fate.value[len(same) > 1])}"
        words = say("{what} on {where}", what=words, where=where) if where else words
        look = (styles[same[0]].color, same[0]) if len(same) == 1 else (theme.text, -1)
        found.append(_milestone(step, words, *look, say))
    return tuple(sorted((each for each in found if each.step), key=lambda each: each.step))


def _milestone(step: int, words: str, color: str, optimizer: int, say: Language) -> Milestone:
    return Milestone(step, f"{words} · {say('step {n}', n=step)}", words, color, optimizer)


class Clause(NamedTuple):
    """What is said of an optimizer.

    Attributes:
        words: What becomes of it, as it follows the label.
        brief: What suffices after another optimizer of which the same is said; empty for nothing shorter.
        arrives: Whether its only path arrives.
    """

    label: str
    words: str
    brief: str = ""
    arrives: bool = False


class Description(NamedTuple):
    """What happens on an objective: a sentence that names it, and a clause for each optimizer."""

    opening: str
    clauses: tuple[Clause, ...]

    @property
    def text(self) -> str:
        """All of it, such as "Gradient descent on Beale, 150 steps. Adam arrives in 96 steps; SGD hardly moves."."""
        return f"{self.opening} {'; '.join(each.label + each.words for each in self.clauses)}."

    def caption(self, name: str = "") -> tuple[str, ...]:
        """Return the clauses, those of optimizers that arrive first; what several have in common is said once.

        If there is a name of the objective, the first clause begins with it.
        """
        found, before = list[str](), Clause("", "")
        for each in sorted(self.clauses, key=lambda each: not each.arrives):
            if each.brief and before.brief:
                found.append(each.label + each.brief)
            elif each.words == before.words and each.words.startswith(":"):
                found[-1] = f"{found[-1].removesuffix(each.words)}, {each.label}{each.words}"
            else:
                found.append(each.label + each.words)
            before = each
        return (f"{name}: {found[0]}", *found[1:]) if name else tuple(found)


def describe(trajectories: Sequence[Trajectory], say: Language = ENGLISH) -> Description:
    """Describe where the paths of each optimizer lead on their objective."""
    objective, steps = trajectories[0].objective, say.steps(len(trajectories[0].points) - 1)
    kind = "minimizer" if any(each.is_minimizer for each in trajectories) else objective.kind
    opening = say(OPENINGS[kind], title=objective.title, steps=steps)
    if isinstance(objective, NetworkObjective):
        opening += "".join(f" ({words})" for words in plane_words(objective.landscape, say)[:1])
    return Description(f"{opening}.", tuple(_clause(each, say) for each in trajectories))


def _clause(trajectory: Trajectory, say: Language) -> Clause:
    if len(trajectory.stops) == 1 and trajectory.stops[0] is Stop.DIVERGED:
        words = say("{what} at step {step}", what=say("diverges"), step=trajectory.stopped_at(0))
        return Clause(trajectory.label, f" {words}")
    says = {"function": _descent_outcome, "network": _training_outcome, "image": _score_outcome}
    return says[trajectory.objective.kind](trajectory, say)


def _training_outcome(trajectory: Trajectory, say: Language) -> Clause:
    last = {name: float(row[-1]) for name, row in trajectory.figures.items() if np.isfinite(row[-1])}
    label, loss, brief = trajectory.label, f"{float(trajectory.values[-1, 0]):.3g}", ""
    words = " " + say("ends at the loss {value}", value=loss)
    name = next((name for name in ("test_accuracy", "accuracy") if name in last), None)
    if name is not None:
        share = f"{100 * last[name]:.1f}"
        is_test = name == "test_accuracy"
        words += say(" and a test accuracy of {value} %" if is_test else " and an accuracy of {value} %", value=share)
        brief = " " + say("at {value} and {share} %", value=loss, share=share)
    elif "test_loss" in last:
        words += say(", and at {value} on the test data", value=f"{last['test_loss']:.3g}")
    return Clause(label, words, brief)


def _score_outcome(trajectory: Trajectory, say: Language) -> Clause:
    """Say how gradient descent on an image's pixels changes the class score, which is the negative value."""
    best = int(np.where(np.isfinite(trajectory.values[-1]), trajectory.values[-1], np.inf).argmin())
    first, last = (number(-value, 3) for value in trajectory.values[[0, -1], best].tolist())
    several = say(", the highest of {n},", n=len(trajectory.stops)) if len(trajectory.stops) > 1 else ""
    what = "takes the score of the class{several} from {first} to {last}"
    return Clause(trajectory.label, " " + say(what, several=several, first=first, last=last))


def _descent_outcome(trajectory: Trajectory, say: Language) -> Clause:
    label = trajectory.label
    if trajectory.is_ensemble:
        return Clause(label, f": {final_spread(trajectory, say)}")
    starts, solves, ends = len(trajectory.stops), solved(trajectory), trajectory.values[-1]
    if starts > 1:
        failed = Counter(stop.value for stop in trajectory.stops if stop.failed)
        value = number(float(np.fmin.reduce(ends)), 3)
        words = say("the lowest of {n} paths ends at {value}", n=starts, value=value)
        if solves is not None:
            count = int(solves.sum())
            words = say("{k} of {n} paths arrives" if count == 1 else "{k} of {n} paths arrive", k=count, n=starts)
        return Clause(label, ": " + ", ".join([words, *(f"{count} {say(end)}" for end, count in failed.items())]))
    found = outcome(trajectory)
    words = found.words(say)
    if found.fate is Fate.UNDERWAY:
        words = say("has not arrived after {steps}", steps=say.steps(found.step))
        words = say("ends at {value}", value=number(found.end, 3)) if solves is None else words
    return Clause(label, f" {words}", arrives=found.fate is Fate.ARRIVES)
