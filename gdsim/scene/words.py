"""What stands over a picture, and what happens in it, in words for those who do not see it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gdsim.comparison import solved, steps_to_tolerance
from gdsim.config import View
from gdsim.objectives import FloatArray, Objective
from gdsim.scene.section import Section
from gdsim.trajectory import Stop, Trajectory

__all__ = ["describe", "formula", "joined", "portrait", "subtitles"]

INDEXED = re.compile(r"x_(?:\d|i\b|\{i)")
"""What tells a formula of any number of coordinates from one of x and y."""


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


def subtitles(objectives: Sequence[Objective], sections: Sequence[Section]) -> tuple[str, ...]:
    """Say what a picture leaves out, in full and in short; nothing where it leaves out nothing."""
    told = [(each.title, shown.words) for each, shown in zip(objectives, sections, strict=True) if shown.words]
    if len(objectives) == 1 or not told:
        return sections[0].words
    return "; ".join(f"{title}: {words[0]}" for title, words in told), "sections of more dimensions"


def portrait(title: str, view: View) -> str:
    """Say what is seen of an objective alone."""
    drawn = {"gradient": " with its gradient arrows", "stream": " with stream lines of its gradient", "none": ""}
    return f"{title}{drawn[view.arrows]}."


def describe(objective: Objective, trajectories: Sequence[Trajectory]) -> str:
    """Say in a sentence an optimizer where its paths lead.

    For example: "Gradient descent on Himmelblau, 150 steps. Adam comes within tolerance of the minimum
    (3.00, 2.00) after 96 steps; SGD is at (−2.81, 3.13) after 150 steps."
    """
    steps = len(trajectories[0].points) - 1
    told = "; ".join(_tell(objective, each, steps) for each in trajectories)
    return f"Gradient descent on {objective.title}, {_steps(steps)}. {told}."


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
