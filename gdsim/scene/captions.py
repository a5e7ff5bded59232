"""What stands over a picture, and what happens in it, in words for those who do not see it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from gdsim.analysis import solved, steps_to_tolerance
from gdsim.config import View
from gdsim.objectives import FloatArray, Landscape, Objective
from gdsim.scene.projection import Projection
from gdsim.simulation import Stop, Trajectory

__all__ = ["describe", "formula", "joined", "portrait", "subtitles"]

INDEXED = re.compile(r"x_(?:\d|i\b|\{i)")
"""What tells a formula of any number of coordinates from one of x and y."""


VARIANCE = " of the paths' variance"

PLANES: Mapping[str, str] = MappingProxyType(
    {"pca": "on the plane that holds", "random": "on a random plane, which holds"}
)
"""What a picture shows of a network, by how its plane was chosen; any other goes through checkpoints."""


def joined(words: Sequence[str]) -> str:
    """Join words as a list is read, each once: "Himmelblau, Beale and Booth"."""
    *before, last = dict.fromkeys(words)
    return f"{', '.join(before)} and {last}" if before else last


def formula(objectives: Sequence[Objective], view: View) -> str:
    """Return the equation for a title, in LaTeX without dollar signs; empty where there is none to show."""
    wanted = view.title is None if view.formula is None else view.formula
    if not wanted or len(objectives) > 1 or not objectives[0].formula:
        return ""
    right, dim = objectives[0].formula, objectives[0].dim
    indexed = dim > 2 or INDEXED.search(right)
    left = r"f(\mathbf{x})" if indexed else "f(x, y)" if dim == 2 else "f(x)"
    return f"{left} = {right}"


def subtitles(objectives: Sequence[Objective], sections: Sequence[Projection]) -> tuple[str, ...]:
    """Say what a picture leaves out, in full and in short; nothing where it leaves out nothing."""
    told = [(each.title, shown.words) for each, shown in zip(objectives, sections, strict=True) if shown.words]
    if len(objectives) == 1 or not told:
        return sections[0].words
    full = "; ".join(f"{title}: {words[0]}" for title, words in told)
    if not any(each.landscape is None and shown.words for each, shown in zip(objectives, sections, strict=True)):
        landscapes = [each.landscape for each, shown in zip(objectives, sections, strict=True) if shown.words]
        return full, *_shares([each for each in landscapes if each]), "planes of the networks' weights"
    return full, "sections of more dimensions"


def _shares(landscapes: Sequence[Landscape]) -> tuple[str, ...]:
    """How much of their paths the planes of several networks hold, and of how many examples, in full and in short."""
    if not all(each.leaves_out for each in landscapes):
        return ()
    held = joined([each.held for each in landscapes])
    if all(each.examples == each.of for each in landscapes):
        return (f"{held}{VARIANCE}",)
    some = joined([f"{each.examples:,} of {each.of:,}" for each in landscapes])
    short = f"{held} of variance, {joined([f'{each.examples:,}' for each in landscapes])} examples"
    return f"planes: {held}{VARIANCE}, loss on {some} examples", f"planes: {short}", short


def portrait(title: str, view: View) -> str:
    """Say what is seen of an objective alone."""
    drawn = {"gradient": " with its gradient arrows", "stream": " with stream lines of its gradient", "none": ""}
    return f"{title}{drawn[view.arrows]}."


def describe(objective: Objective, trajectories: Sequence[Trajectory]) -> str:
    """Say in a sentence an optimizer where its paths lead.

    For example: "Gradient descent on Himmelblau, 150 steps. Adam comes within tolerance of the minimum
    (3.00, 2.00) after 96 steps; SGD is at (−2.81, 3.13) after 150 steps." Of a network: "Training of MLP 64–128–10 on
    digits, 300 steps, on the plane that holds 91.3 % of the paths' variance. Adam ends at the loss 0.012 and a test
    accuracy of 96.4 %."
    """
    steps = len(trajectories[0].points) - 1
    if objective.landscape is not None:
        told = "; ".join(map(_tell_training, trajectories))
        where = _plane(objective.landscape, trajectories[0].label)
        return f"Training of {objective.title}, {_steps(steps)}{where}. {told}."
    if objective.image is not None:
        told = "; ".join(map(_tell_score, trajectories))
        return f"Gradient descent in the pixels of an image: {objective.title}, {_steps(steps)}. {told}."
    told = "; ".join(_tell(objective, each, steps) for each in trajectories)
    return f"Gradient descent on {objective.title}, {_steps(steps)}. {told}."


def _plane(landscape: Landscape, first: str) -> str:
    """On which plane the paths of a network are seen, and what it leaves out; nothing where it leaves out nothing.

    One laid through recordings goes through the last weights of the first optimizer, too.
    """
    some = ""
    if landscape.examples < landscape.of:
        some = f", its loss seen on {landscape.examples:,} of {landscape.of:,} examples"
    if not landscape.leaves_out:
        return some
    ends = f"the last weights of {joined([first, *landscape.mark_names])}" if landscape.mark_names else ""
    shown = PLANES.get(landscape.plane, f"on the plane through {ends or 'three checkpoints'}, which holds")
    return f", {shown} {landscape.held}{VARIANCE}{some}"


def _tell_training(trajectory: Trajectory) -> str:
    if trajectory.stops[0].breaks_off:
        return f"{trajectory.label} {trajectory.stops[0].value} at step {trajectory.stopped_at(0)}"
    figures = {} if trajectory.training is None else trajectory.training.figures
    last = {name: float(row[-1]) for name, row in figures.items() if np.isfinite(row[-1])}
    told = f"{trajectory.label} ends at the loss {float(trajectory.values[-1, 0]):.3g}"
    if "test_accuracy" in last:
        return f"{told} and a test accuracy of {100 * last['test_accuracy']:.1f} %"
    if "accuracy" in last:
        return f"{told} and an accuracy of {100 * last['accuracy']:.1f} %"
    return f"{told}, and at {last['test_loss']:.3g} on the test data" if "test_loss" in last else told


def _tell_score(trajectory: Trajectory) -> str:
    """Where a descent in the pixels of an image has brought the score of its class, which is minus the value."""
    if trajectory.stops[0].breaks_off and len(trajectory.stops) == 1:
        return f"{trajectory.label} {trajectory.stops[0].value} at step {trajectory.stopped_at(0)}"
    best = int(np.where(np.isfinite(trajectory.values[-1]), trajectory.values[-1], np.inf).argmin())
    first, last = (f"{-value + 0.0:.3g}".replace("-", "−") for value in trajectory.values[[0, -1], best].tolist())
    several = f", the highest of {len(trajectory.stops)}," if len(trajectory.stops) > 1 else ""
    return f"{trajectory.label} takes the score of the class{several} from {first} to {last}"


def _tell(objective: Objective, trajectory: Trajectory, steps: int) -> str:
    starts = len(trajectory.stops)
    last, reached = trajectory.points[-1], _reached(objective, trajectory)
    if starts > 1:
        if len(objective.minima):
            count = int((reached <= steps).sum())
            told = f"{count} of {starts} paths reach{'es' * (count == 1)} a global minimum"
        else:
            told = f"the lowest of {starts} paths ends at the value {np.fmin.reduce(trajectory.values[-1]):.4g}"
        ends = Counter(stop.value for stop in trajectory.stops if stop.breaks_off)
        return ", ".join([f"{trajectory.label}: {told}", *(f"{count} {words}" for words, count in ends.items())])
    if trajectory.stops[0].breaks_off:
        return f"{trajectory.label} {trajectory.stops[0].value} at step {trajectory.stopped_at(0)}"
    if reached[0] <= steps:
        nearest = objective.minima[np.linalg.norm(objective.minima - last[0], axis=-1).argmin()]
        within = f"within tolerance of the minimum {_point(nearest)}"
        return f"{trajectory.label} comes {within} after {_steps(int(reached[0]))}"
    if trajectory.stops[0] is Stop.CONVERGED:
        return f"{trajectory.label} comes to rest at {_point(last[0])} after {_steps(int(trajectory.stop_steps[0]))}"
    return f"{trajectory.label} is at {_point(last[0])} after {_steps(steps)}"


def _steps(count: int) -> str:
    return f"{count} step{'s' * (count != 1)}"


def _reached(objective: Objective, trajectory: Trajectory) -> npt.NDArray[np.int64]:
    """The step at which each start that reaches a global minimum is within tolerance, (starts,).

    The number of rows is for never.
    """
    never, reaches = len(trajectory.values), solved(trajectory)
    if reaches is None or objective.minimum is None:
        return np.full(len(trajectory.stops), never)
    return np.where(reaches, steps_to_tolerance(trajectory, objective.minimum), never)


def _point(point: FloatArray) -> str:
    # What rounds to nothing has no sign.
    written = [f"{round(x, 2) + 0.0:.2f}".replace("-", "−") for x in point[:3].tolist()]
    if len(point) == 1:
        return f"x = {written[0]}"
    return "(" + ", ".join([*written, "…"] if len(point) > 3 else written) + ")"
