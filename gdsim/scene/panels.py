"""The figures over the steps that go with a view: loss, sizes, rates and the angle to steepest descent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from gdsim.config import View
from gdsim.objectives import FloatArray, Objective, inside
from gdsim.scene.grounds import finite, symbol
from gdsim.scene.levels import above_words, origin_of
from gdsim.scene.parts import Curve, Panel, Style
from gdsim.scene.paths import last_steps
from gdsim.scene.section import reach
from gdsim.trajectory import Trajectory

__all__ = ["panels"]

SPANNING = 30
"""Figures of one sign stand on a logarithmic axis when the largest is more than so many times the smallest."""

OF_STEPS = ("step_size", "angle")
"""The panels whose figures are those of a step and not of a point."""

VAGUE = np.radians(0.5)
"""A step has no direction where the rounding of its two points may turn it by more than this."""


@dataclass(frozen=True)
class Axis:
    """The value axis of a panel; its fields are those of `Panel`."""

    caption: str
    base: float
    logarithmic: bool
    limits: FloatArray
    ticks: FloatArray | None = None


def panels(
    objective: Objective, trajectories: Sequence[Trajectory], styles: Sequence[Style], view: View
) -> tuple[Panel, ...]:
    """Return the panels that a view asks for.

    An axis holds what is reached within the view: what runs away would press all else flat.

    Args:
        objective: What is descended; its minimum is known where the view asks for the distance to it.
        trajectories: At least one, all over the objective.
        styles: How each is drawn.
        view: Names the panels, and what they are drawn against.
    """
    bounds = reach(objective.bounds, [each.points for each in trajectories])
    seen = [inside(each.points, bounds) for each in trajectories]
    ends = [last_steps(each) for each in trajectories]
    places = [_places(each, view) for each in trajectories]
    far = max(float(place[: end.max() + 1].max()) for place, end in zip(places, ends, strict=True))

    def panel(name: str) -> Panel:
        figures = [FIGURES[name](each) for each in trajectories]
        shown = np.concatenate([figure[rows] for figure, rows in zip(figures, seen, strict=True)])
        axis = _axis(name, shown[np.isfinite(shown)], objective)
        # The last row has no step, and so no figure of one.
        curves = tuple(
            Curve(style, np.stack([place, _on(axis, figure)], -1), np.maximum(end - (name in OF_STEPS), 0))
            for style, place, figure, end in zip(styles, places, figures, ends, strict=True)
        )
        across = "step" if view.against == "steps" else "gradient evaluations"
        return Panel(across=across, reach=max(far, 1.0), curves=curves, **vars(axis))

    return tuple(map(panel, view.panels))


def _places(trajectory: Trajectory, view: View) -> FloatArray:
    """Where each row stands along the panels, (steps + 1, starts)."""
    if view.against == "evaluations":
        return trajectory.evaluations.astype(np.float64)
    rows, starts = trajectory.values.shape
    return np.repeat(np.arange(rows, dtype=np.float64)[:, None], starts, axis=1)


def _on(axis: Axis, figures: FloatArray) -> FloatArray:
    """Figures as they are drawn: what a logarithmic axis has no place for lies on its lower end."""
    above = finite(figures - axis.base)
    return np.maximum(above, axis.limits[0]) if axis.logarithmic else above


def _distances(trajectory: Trajectory) -> FloatArray:
    """To the nearest of the known minima."""
    minima = iter(trajectory.objective.minima)
    nearest = _norms(trajectory.points - next(minima))
    for minimum in minima:
        nearest = np.minimum(nearest, _norms(trajectory.points - minimum))
    return nearest


def _angles(trajectory: Trajectory) -> FloatArray:
    """The angle between each step and steepest descent, in degrees, after Kahan: true near 0 and 180, too."""
    moves, points = _moves(trajectory), trajectory.points
    along, down = _unit(moves), _unit(-trajectory.gradients)
    angles = np.degrees(2 * np.arctan2(_norms(along - down), _norms(along + down)))
    sizes = np.maximum(_norms(points), np.append(_norms(points[1:]), [np.full(points.shape[1], np.nan)], axis=0))
    rounding = np.finfo(np.float64).eps * sizes * np.sqrt(points.shape[-1])
    return np.where(rounding > VAGUE * _norms(moves), np.nan, angles)


FIGURES: Mapping[str, Callable[[Trajectory], FloatArray]] = MappingProxyType(
    {
        "loss": lambda trajectory: trajectory.values,
        "gradient_norm": lambda trajectory: _norms(trajectory.gradients),
        "distance": _distances,
        "learning_rate": lambda trajectory: trajectory.learning_rates,
        "step_size": lambda trajectory: _norms(_moves(trajectory)),
        "angle": _angles,
    }
)
"""The figures of each panel, (steps + 1, starts); NaN where a row has none, as the last has no step."""

CAPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "gradient_norm": "‖∇f‖",
        "distance": "distance to the minimum",
        "learning_rate": "learning rate",
        "step_size": "step size",
        "angle": "angle to −∇f (°)",
    }
)
"""What the panels are called; the loss by its objective's symbol."""


def _moves(trajectory: Trajectory) -> FloatArray:
    """The step taken from each row, (steps + 1, starts, dim); NaN where none is taken or it led to no number."""
    points = trajectory.points
    moves = np.append(np.diff(points, axis=0), np.full((1, *points.shape[1:]), np.nan), axis=0)
    moves[np.arange(len(points))[:, None] >= last_steps(trajectory)] = np.nan
    return moves


def _norms(vectors: FloatArray) -> FloatArray:
    """The norms of vectors (…, dim), also of those whose squares are no numbers."""
    largest = np.abs(vectors).max(-1)
    scale = np.where((largest > 0) & np.isfinite(largest), largest, 1.0)
    return np.asarray(np.linalg.norm(vectors / scale[..., None], axis=-1) * scale)


def _unit(vectors: FloatArray) -> FloatArray:
    """Vectors (…, dim) of length 1; NaN for zero."""
    largest = np.abs(vectors).max(-1, keepdims=True)
    scaled = np.divide(vectors, largest, out=np.full_like(vectors, np.nan), where=largest > 0)
    return np.asarray(scaled / np.linalg.norm(scaled, axis=-1, keepdims=True))


def _axis(name: str, figures: FloatArray, objective: Objective) -> Axis:
    """Choose the axis of finite figures, (n,)."""
    if name == "loss":
        return _loss_axis(figures, objective)
    if name == "angle":
        # A quarter turn, or half a turn where a step ever leads uphill.
        most = 90.0 if figures.max(initial=0.0) <= 90 else 180.0
        return Axis(CAPTIONS[name], 0.0, False, np.array([-0.03, 1.03]) * most, np.arange(0.0, most + 1, 45.0))
    limits = _decades(figures)
    return Axis(CAPTIONS[name], 0.0, limits is not None, _limits(figures) if limits is None else limits)


def _loss_axis(figures: FloatArray, objective: Objective) -> Axis:
    name, minimum = symbol(objective), objective.minimum
    limits = None if minimum is None else _decades(figures - minimum)
    if minimum is not None and limits is not None:
        return Axis(above_words(minimum, minimum, name), minimum, True, limits)
    base, caption = origin_of(float(figures.min()), float(figures.max()), name) if figures.size else (0.0, name)
    return Axis(caption, base, False, _limits(figures - base))


def _decades(figures: FloatArray) -> FloatArray | None:
    """The limits of a logarithmic axis; None where the figures do not span enough for one."""
    positive = figures[figures > 0]
    if not positive.size or positive.max() <= SPANNING * positive.min():
        return None
    low = max(float(positive.min()), float(positive.max()) * 1e-12)
    return np.array([low / 2, float(positive.max()) * 2])


def _limits(figures: FloatArray) -> FloatArray:
    """The limits of an even axis, with some room around the figures."""
    if figures.size == 0:
        return np.array([0.0, 1.0])
    low, high = float(figures.min()), float(figures.max())
    room = 0.06 * (high - low) or 0.1 * abs(high) or 1.0
    return np.array([low - room, high + room])
