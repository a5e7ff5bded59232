"""What becomes of a path: it arrives at a minimum, diverges, is caught in a local minimum, or something else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
import numpy.typing as npt

from gdsim.analysis.metrics import (
    NEAR,
    distances,
    lasting,
    lowest_value,
    norms,
    solved,
    steps_to_tolerance,
    within_tolerance,
)
from gdsim.languages import Language
from gdsim.objectives import FloatArray, Objective, inside
from gdsim.simulation import Stop, Trajectory

FLAT = 0.05  # on a plateau, this share of the height above the minimum is the most that the slope descends in the view
RING = 0.01  # the radius of the circle around a local minimum, as a fraction of the view's diagonal
RESTING = 0.1  # the last part of a path, as a share of its steps, which stays within that circle
ACROSS = 0.9 * np.pi  # from this angle on, a step goes across the center and not around it


class Fate(Enum):
    """What becomes of a path: the verb for one path and for several; the more notable first."""

    DIVERGES = "diverges", "diverge"
    LEAVES = "leaves the domain", "leave the domain"
    ESCAPES = "runs away", "run away"
    PASSES = "passes the minimum", "pass the minimum"
    CAUGHT = "is caught in a local minimum", "are caught in local minima"
    PLATEAU = "stays on the plateau", "stay on the plateau"
    IDLE = "hardly moves", "hardly move"
    CLIMBS = "ends higher than it starts", "end higher than they start"
    UNSETTLED = "does not settle", "fail to settle"
    UNDERWAY = "does not arrive", "do not arrive"
    ARRIVES = "arrives", "arrive"


NOTABLE = tuple(fate for fate in Fate if fate not in (Fate.UNDERWAY, Fate.ARRIVES))
EVENTS = Fate.DIVERGES, Fate.LEAVES, Fate.PASSES
"""What happens at a step, like an arrival."""


@dataclass(frozen=True)
class PathOutcome:
    """What becomes of one path.

    Attributes:
        step: The step at which it arrives, fails, or first passes the minimum; otherwise the last one.
        circles: Whether it turns around its last point at least once before it arrives.
        end: Its last value.
    """

    label: str
    fate: Fate
    step: int
    circles: bool
    end: float

    def words(self, say: Language) -> str:
        """Return the outcome without the label, such as "diverges at step 4"."""
        if self.fate is Fate.ARRIVES and self.circles:
            return say("circles until step {step}", step=self.step)
        if self.fate is Fate.ARRIVES:
            return say("arrives in {steps}", steps=say.steps(self.step))
        words = say(self.fate.value[0])
        if self.fate in EVENTS:
            return say("{what} at step {step}", what=words, step=self.step)
        return words


def outcome(trajectory: Trajectory, start: int = 0) -> PathOutcome:
    """Return what becomes of the path from one start over a function."""
    values = trajectory.values[:, start]
    fate, step, circles = _fate(trajectory, start), len(values) - 1, False
    if fate is Fate.ARRIVES:
        # The minimum is known, so that no other value replaces it.
        step = int(steps_to_tolerance(trajectory, lowest=np.nan)[start])
        circles = turns(trajectory.points[: step + 1, start], trajectory.points[-1, start]) >= 1
    elif trajectory.stops[start].failed:
        step = trajectory.stopped_at(start)
    elif fate is Fate.PASSES:
        step = int(_passes(trajectory, start).argmax())
    return PathOutcome(trajectory.label, fate, step, circles, float(values[-1]))


def by_lowest_value(group: Sequence[Trajectory], outcomes: list[PathOutcome]) -> list[PathOutcome]:
    """Return what becomes of paths if the lowest value of all is the minimum.

    It is not taken for it if its path may still be descending, or if another one rests in a minimum of its own.
    """
    found, lowest = [], lowest_value(group)
    for each, before in zip(group, outcomes, strict=True):
        within, points = within_tolerance(each, lowest)[:, 0], each.points[:, 0]
        step = int(lasting(within[:, None])[0])
        if before.fate is not Fate.UNDERWAY:
            found.append(before)
        elif step < len(points):
            circles = turns(points[: step + 1], points[-1]) >= 1
            found.append(replace(before, fate=Fate.ARRIVES, step=step, circles=circles))
        elif _rests_in_minimum(each.objective, points):
            return outcomes
        else:
            found.append(replace(before, fate=Fate.UNSETTLED) if _visits(within) > 1 else before)
    arrived = [each for each in found if each.fate is Fate.ARRIVES]
    latest = (1 - RESTING) * (len(group[0].points) - 1)
    return found if arrived and min(arrived, key=lambda each: each.end).step <= latest else outcomes


def _fate(trajectory: Trajectory, start: int) -> Fate:
    stop, objective, points = trajectory.stops[start], trajectory.objective, trajectory.points[:, start]
    if stop.failed:
        return Fate.DIVERGES if stop is Stop.DIVERGED else Fate.LEAVES
    arrives = solved(trajectory)
    if arrives is not None and arrives[start]:
        return Fate.ARRIVES
    values, diagonal = trajectory.values[:, start], objective.diagonal
    if objective.minimum is not None and len(objective.minima):
        slopes, height = norms(trajectory.gradients[:, start]), values[0] - objective.minimum
        apart = norms(objective.minima - points[-1]).min()
        if (slopes * diagonal < FLAT * height).all():
            return Fate.PLATEAU
        if apart > NEAR * diagonal and _rests_in_minimum(objective, points):
            return Fate.CAUGHT
    if (norms(points - points[0]) < NEAR * diagonal).all():
        return Fate.IDLE
    if values[-1] > values[0]:
        return Fate.CLIMBS if inside(points[-1], objective.bounds) else Fate.ESCAPES
    passes = 0 if arrives is None else _visits(_passes(trajectory, start))
    return Fate.UNSETTLED if passes > 1 else Fate.PASSES if passes else Fate.UNDERWAY


def _visits(facts: npt.NDArray[np.bool_]) -> int:
    """Return how often a fact becomes true and false again along a path, (steps + 1,)."""
    return int(np.diff(facts, prepend=False).sum() // 2)


def _passes(trajectory: Trajectory, start: int) -> npt.NDArray[np.bool_]:
    """Return at which steps a path is within tolerance and near a known minimum, (steps + 1,)."""
    objective = trajectory.objective
    near = distances(trajectory.points[:, start], objective.minima) <= NEAR * objective.diagonal
    return within_tolerance(trajectory, np.nan)[:, start] & near


def _rests_in_minimum(objective: Objective, points: FloatArray) -> bool:
    """Return whether a path, (steps + 1, dim), rests inside a circle of higher values, which contains a minimum."""
    radius = RING * objective.diagonal
    last, late = points[-1], points[-max(round(RESTING * len(points)), 2) :]
    if objective.dim > 2 or not inside(last, objective.bounds) or (norms(late - last) > radius).any():
        return False
    angles = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    ring = np.stack([np.cos(angles), np.sin(angles)], -1) if objective.dim == 2 else np.array([[-1.0], [1.0]])
    return bool((objective.values(last + radius * ring) > objective.values(last[None])).all())


def turns(points: FloatArray, center: FloatArray) -> float:
    """Return how often points (n, 2) turn around a center; 0 in other dimensions."""
    if points.shape[-1] != 2:
        return 0.0
    rays = points - center
    rays = rays[(rays != 0).any(-1)]
    angles = (np.diff(np.arctan2(rays[:, 1], rays[:, 0])) + np.pi) % (2 * np.pi) - np.pi
    return abs(float(angles[np.abs(angles) < ACROSS].sum())) / (2 * np.pi)
