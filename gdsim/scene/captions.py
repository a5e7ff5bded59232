"""The title and subtitles of a picture, and the text that describes what happens in it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import singledispatch

import numpy as np

from gdsim.analysis.metrics import solved, steps_to_tolerance
from gdsim.config import View
from gdsim.networks import ImageObjective, Landscape, NetworkObjective
from gdsim.objectives import FloatArray, Objective
from gdsim.scene.projection import Projection
from gdsim.simulation import Stop, Trajectory

INDEXED = re.compile(r"x_(?:\d|i\b|\{i)")
"""Matches formulas for any number of coordinates, as opposed to formulas in x and y."""

VARIANCE = " of the paths' variance"

PLANES = {"pca": "on the plane that holds", "random": "on a random plane, which holds"}


def joined(words: Sequence[str]) -> str:
    """Join words into a list, without repetitions: "Himmelblau, Beale and Booth"."""
    *before, last = dict.fromkeys(words)
    return f"{', '.join(before)} and {last}" if before else last


def formula(objectives: Sequence[Objective], view: View) -> str:
    """Return the equation for a title, in LaTeX without dollar signs; empty if none is shown."""
    wanted = view.title is None if view.formula is None else view.formula
    if not wanted or len(objectives) > 1 or not objectives[0].formula:
        return ""
    right, dim = objectives[0].formula, objectives[0].dim
    indexed = dim > 2 or INDEXED.search(right)
    left = r"f(\mathbf{x})" if indexed else "f(x, y)" if dim == 2 else "f(x)"
    return f"{left} = {right}"


def subtitles(objectives: Sequence[Objective], projections: Sequence[Projection]) -> tuple[str, ...]:
    """Describe what a picture does not show, as alternatives from long to short; empty if it shows everything."""
    partial = [(each, shown.words) for each, shown in zip(objectives, projections, strict=True) if shown.words]
    if len(objectives) == 1 or not partial:
        return projections[0].words
    full = "; ".join(f"{each.title}: {words[0]}" for each, words in partial)
    landscapes = [each.landscape for each, _ in partial if isinstance(each, NetworkObjective)]
    if len(landscapes) == len(partial):
        return full, *_shares(landscapes), "planes of the networks' weights"
    return full, "sections of more dimensions"


def _shares(landscapes: Sequence[Landscape]) -> tuple[str, ...]:
    """Return the share of the variance that each network's plane holds, and the examples used, from long to short."""
    if not all(each.has_share for each in landscapes):
        return ()
    held = joined([each.share_text for each in landscapes])
    if all(each.examples == each.total_examples for each in landscapes):
        return (f"{held}{VARIANCE}",)
    some = joined([f"{each.examples:,} of {each.total_examples:,}" for each in landscapes])
    short = f"{held} of variance, {joined([f'{each.examples:,}' for each in landscapes])} examples"
    return f"planes: {held}{VARIANCE}, loss on {some} examples", f"planes: {short}", short


@singledispatch
def describe(objective: Objective, trajectories: Sequence[Trajectory]) -> str:
    """Describe where the paths of each optimizer lead.

    For example: "Gradient descent on Himmelblau, 150 steps. Adam comes within tolerance of the minimum (3.00, 2.00)
    after 96 steps; SGD is at (−2.81, 3.13) after 150 steps."
    """
    outcomes = [_describe_descent(objective, each) for each in trajectories]
    return _summary(f"Gradient descent on {objective.title}", trajectories, outcomes)


@describe.register
def _(objective: NetworkObjective, trajectories: Sequence[Trajectory]) -> str:
    plane = _describe_plane(objective.landscape, trajectories[0].label)
    return _summary(f"Training of {objective.title}", trajectories, map(_describe_training, trajectories), plane)


@describe.register
def _(objective: ImageObjective, trajectories: Sequence[Trajectory]) -> str:
    opening = f"Gradient descent in the pixels of an image: {objective.title}"
    return _summary(opening, trajectories, map(_describe_score, trajectories))


def _summary(opening: str, trajectories: Sequence[Trajectory], outcomes: Iterable[str], plane: str = "") -> str:
    return f"{opening}, {_steps(len(trajectories[0].points) - 1)}{plane}. {'; '.join(outcomes)}."


def _describe_plane(landscape: Landscape, first: str) -> str:
    """Describe the plane of a network's paths; one through recordings contains the last weights of `first`."""
    some = ""
    if landscape.examples < landscape.total_examples:
        some = f", its loss seen on {landscape.examples:,} of {landscape.total_examples:,} examples"
    if not landscape.has_share:
        return some
    ends = f"the last weights of {joined([first, *landscape.mark_names])}" if landscape.mark_names else ""
    shown = PLANES.get(landscape.plane, f"on the plane through {ends or 'three checkpoints'}, which holds")
    return f", {shown} {landscape.share_text}{VARIANCE}{some}"


def _describe_training(trajectory: Trajectory) -> str:
    if trajectory.stops[0].failed:
        return _describe_end(trajectory)
    figures = trajectory.figures
    last = {name: float(row[-1]) for name, row in figures.items() if np.isfinite(row[-1])}
    words = f"{trajectory.label} ends at the loss {float(trajectory.values[-1, 0]):.3g}"
    if "test_accuracy" in last:
        return f"{words} and a test accuracy of {100 * last['test_accuracy']:.1f} %"
    if "accuracy" in last:
        return f"{words} and an accuracy of {100 * last['accuracy']:.1f} %"
    return f"{words}, and at {last['test_loss']:.3g} on the test data" if "test_loss" in last else words


def _describe_score(trajectory: Trajectory) -> str:
    """Describe how gradient descent on an image's pixels changes the class score, which is the negative value."""
    if trajectory.stops[0].failed and len(trajectory.stops) == 1:
        return _describe_end(trajectory)
    best = int(np.where(np.isfinite(trajectory.values[-1]), trajectory.values[-1], np.inf).argmin())
    first, last = (f"{-value + 0.0:.3g}".replace("-", "−") for value in trajectory.values[[0, -1], best].tolist())
    several = f", the highest of {len(trajectory.stops)}," if len(trajectory.stops) > 1 else ""
    return f"{trajectory.label} takes the score of the class{several} from {first} to {last}"


def _describe_descent(objective: Objective, trajectory: Trajectory) -> str:
    steps, starts, last = len(trajectory.points) - 1, len(trajectory.stops), trajectory.points[-1]
    reached = np.full(starts, steps + 1)
    solves = solved(trajectory)
    if solves is not None and objective.minimum is not None:
        reached = np.where(solves, steps_to_tolerance(trajectory, objective.minimum), reached)
    if starts > 1:
        if len(objective.minima):
            count = int((reached <= steps).sum())
            words = f"{count} of {starts} paths reach{'es' * (count == 1)} a global minimum"
        else:
            words = f"the lowest of {starts} paths ends at the value {np.fmin.reduce(trajectory.values[-1]):.4g}"
        ends = Counter(stop.value for stop in trajectory.stops if stop.failed)
        return ", ".join([f"{trajectory.label}: {words}", *(f"{count} {end}" for end, count in ends.items())])
    if trajectory.stops[0].failed:
        return _describe_end(trajectory)
    if reached[0] <= steps:
        nearest = objective.minima[np.linalg.norm(objective.minima - last[0], axis=-1).argmin()]
        within = f"within tolerance of the minimum {_point(nearest)}"
        return f"{trajectory.label} comes {within} after {_steps(int(reached[0]))}"
    if trajectory.stops[0] is Stop.CONVERGED:
        return f"{trajectory.label} comes to rest at {_point(last[0])} after {_steps(int(trajectory.stop_steps[0]))}"
    return f"{trajectory.label} is at {_point(last[0])} after {_steps(steps)}"


def _describe_end(trajectory: Trajectory) -> str:
    return f"{trajectory.label} {trajectory.stops[0].value} at step {trajectory.stopped_at(0)}"


def _steps(count: int) -> str:
    return f"{count} step{'s' * (count != 1)}"


def _point(point: FloatArray) -> str:
    # Avoids "−0.00".
    written = [f"{round(x, 2) + 0.0:.2f}".replace("-", "−") for x in point[:3].tolist()]
    if len(point) == 1:
        return f"x = {written[0]}"
    return "(" + ", ".join([*written, "…"] if len(point) > 3 else written) + ")"
