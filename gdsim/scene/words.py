"""What happens, in words, for those who do not see it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gdsim.objectives import FloatArray, Objective
from gdsim.trajectory import Stop, Trajectory

__all__ = ["describe"]

NEAR = 0.01
"""A path has reached a point when it is nearer to it than this share of the view's diagonal."""


def describe(objective: Objective, trajectories: Sequence[Trajectory]) -> str:
    """Say in a sentence an optimizer where its paths lead.

    For example: "Gradient descent on Himmelblau, 150 steps. Adam reaches the minimum (3.00, 2.00) after 96
    steps; SGD is at (−2.81, 3.13) after 150 steps."
    """
    steps = len(trajectories[0].points) - 1
    told = "; ".join(_tell(objective, each, steps) for each in trajectories)
    return f"Gradient descent on {objective.title}, {steps} steps. {told}."


def _tell(objective: Objective, trajectory: Trajectory, steps: int) -> str:
    starts = len(trajectory.stops)
    reached = _reached(objective, trajectory.points)
    if starts > 1:
        diverged = sum(stop is Stop.DIVERGED for stop in trajectory.stops)
        told = f"{trajectory.label}: {int((reached <= steps).sum())} of {starts} paths reach a global minimum"
        return told + (f", {diverged} diverge" if diverged else "")
    last = trajectory.points[-1, 0]
    if trajectory.stops[0] is Stop.DIVERGED:
        return f"{trajectory.label} diverges at step {trajectory.stop_steps[0] + 1}"
    if reached[0] <= steps:
        nearest = objective.minima[np.linalg.norm(objective.minima - last, axis=-1).argmin()]
        return f"{trajectory.label} reaches the minimum {_point(nearest)} after {reached[0]} steps"
    if trajectory.stops[0] is Stop.CONVERGED:
        return f"{trajectory.label} comes to rest at {_point(last)} after {trajectory.stop_steps[0]} steps"
    return f"{trajectory.label} is at {_point(last)} after {steps} steps"


def _reached(objective: Objective, points: FloatArray) -> FloatArray:
    """The step from which each start stays near a global minimum, (starts,); steps + 1 for never."""
    if len(objective.minima) == 0:
        return np.full(points.shape[1], len(points))
    near = NEAR * np.linalg.norm(objective.bounds[:, 1] - objective.bounds[:, 0])
    away = np.all([np.linalg.norm(points - minimum, axis=-1) > near for minimum in objective.minima], axis=0)
    return len(points) - np.where(away.any(0), away[::-1].argmax(0), len(points))


def _point(point: FloatArray) -> str:
    written = [f"{x:.2f}".replace("-", "−") for x in point[:3]]
    return "(" + ", ".join([*written, "…"] if len(point) > 3 else written) + ")"
