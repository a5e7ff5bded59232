"""The figures over the steps that go with a view: loss, sizes, rates and the angle to steepest descent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from gdsim.analysis import angles, distances, last_steps, norms, step_vectors
from gdsim.config import View
from gdsim.errors import InputError
from gdsim.objectives import FloatArray, Objective, inside
from gdsim.scene.films import tiles
from gdsim.scene.grounds import finite, symbol
from gdsim.scene.heat import BY_LAYER, WHAT, strips, training_of
from gdsim.scene.levels import above_words, origin_of
from gdsim.scene.model import CurvesPanel, Heatmap, ImageGrid, PanelCurve, Style
from gdsim.scene.projection import Projection, near, reach
from gdsim.simulation import Trajectory

__all__ = ["axis_limits", "on_axis", "panels"]

SPANNING = 30
"""Figures of one sign stand on a logarithmic axis when the largest is more than so many times the smallest."""

DECADES, FAR_BELOW = 16, 1e-3
"""How many decades a logarithmic axis spans at most, and at what share of its lower end lies what is 0 or less."""

LARGEST = float(np.finfo(np.float64).max)

FAINT, FAINTEST = 0.45, 0.3
"""How strong a curve of the test data is drawn, and that of a network's first layer."""

OF_STEPS = ("step_size", "angle")
"""The panels whose figures are those of a step and not of a point."""


@dataclass(frozen=True)
class Axis:
    """The value axis of a panel; its fields are those of `CurvesPanel`."""

    caption: str
    base: float
    logarithmic: bool
    limits: FloatArray
    ticks: FloatArray | None = None


def panels(
    objective: Objective,
    shown: Projection,
    trajectories: Sequence[Trajectory],
    styles: Sequence[Style],
    view: View,
    heat: Mapping[str, FloatArray] = MappingProxyType({}),
) -> tuple[CurvesPanel | Heatmap | ImageGrid, ...]:
    """Return the panels that a view asks for.

    An axis holds what is reached within the view or near it: what runs away would press all else flat. Of networks, and
    of images shown as such, it holds all but what runs away until it breaks off.

    Args:
        objective: What is descended; its minimum is known where the view asks for the distance to it.
        shown: The part of its domain that the view shows.
        trajectories: At least one, all over the objective.
        styles: How each is drawn.
        view: Names the panels, and what they are drawn against.
        heat: For panels of heat maps, the values of the ends of their colours, (2,).

    Raises:
        InputError: A panel has nothing to show of these trajectories.
    """
    bounds = reach(objective.bounds, [each.points for each in trajectories])
    seen = [_seen(each, shown, bounds) for each in trajectories]
    ends = [last_steps(each) for each in trajectories]
    places = [_places(each, view) for each in trajectories]
    far = max(float(place[: end.max() + 1].max()) for place, end in zip(places, ends, strict=True))

    def panel(name: str) -> CurvesPanel | Heatmap | ImageGrid:
        if name == "saliency":
            return tiles(objective, trajectories, styles, images=shown.kind != "image")
        if name in heat:
            return strips(name, trajectories, styles, heat[name])
        lines = _lines(name, trajectories)
        reached = np.concatenate([line.figures[seen[line.whose]] for line in lines])
        axis = _axis(name, reached[np.isfinite(reached)], objective, lines)
        # The last row has no step, and so no figure of one.
        curves = tuple(
            PanelCurve(
                styles[line.whose],
                np.stack([places[line.whose], _on(axis, line.figures)], -1),
                np.maximum(ends[line.whose] - (name in OF_STEPS), 0),
                line.strength,
            )
            for line in lines
        )
        across = "step" if view.against == "steps" else "gradient evaluations"
        return CurvesPanel(across=across, reach=max(far, 1.0), curves=curves, **vars(axis))

    return tuple(map(panel, view.panels))


@dataclass(frozen=True, eq=False)
class _Curve:
    """What becomes one curve of a panel.

    Args:
        whose: Which trajectory's.
        figures: (steps + 1, starts); NaN where a row has none.
        strength: How strong it is drawn.
    """

    whose: int
    figures: FloatArray
    strength: float = 1.0


def _lines(name: str, trajectories: Sequence[Trajectory]) -> list[_Curve]:
    """The curves of a panel, the faint ones first, so that no other is hidden by them."""
    if all(each.training is None for each in trajectories):
        return [_Curve(i, FIGURES[name](each)) for i, each in enumerate(trajectories)]
    if name in BY_LAYER:
        layers = [BY_LAYER[name](training_of(each)) for each in trajectories]
        strengths = np.linspace(FAINTEST, 1.0, layers[0].shape[1]) if layers[0].shape[1] > 1 else np.ones(1)
        return [
            _Curve(i, rows[:, [layer]], float(strength))
            for layer, strength in enumerate(strengths)
            for i, rows in enumerate(layers)
        ]
    lines = [_Curve(i, (TRAINED.get(name) or FIGURES[name])(each)) for i, each in enumerate(trajectories)]
    if name in TESTED:
        tested = [_Curve(i, TESTED[name](each), FAINT) for i, each in enumerate(trajectories)]
        lines = [line for line in tested if np.isfinite(line.figures).any()] + lines
    if name == "accuracy" and not any(np.isfinite(line.figures).any() for line in lines):
        raise InputError("accuracy goes with classes, and this network gives numbers", ("view", "panels"))
    return lines


def _seen(trajectory: Trajectory, shown: Projection, bounds: FloatArray) -> npt.NDArray[np.bool_]:
    """Which rows an axis is to hold, (steps + 1, starts): those in the view or near it; of what breaks off in it."""
    broken = np.array([stop.breaks_off for stop in trajectory.stops])
    if shown.kind == "image":
        # Pixels may leave their range on purpose, and all of them are seen.
        return np.asarray(near(trajectory.points, bounds) | ~broken)
    spots = shown.project(trajectory.points)
    if trajectory.training is not None:
        # Its figures are not those of the plane, and what leaves that has not run away.
        return np.asarray(inside(spots, shown.bounds) | ~broken)
    within = np.where(broken, inside(spots, shown.bounds), near(spots, shown.bounds))
    return np.asarray(within & near(trajectory.points, bounds))


def _places(trajectory: Trajectory, view: View) -> FloatArray:
    """Where each row stands along the panels, (steps + 1, starts)."""
    if view.against == "evaluations":
        return trajectory.evaluations.astype(np.float64)
    rows, starts = trajectory.values.shape
    return np.repeat(np.arange(rows, dtype=np.float64)[:, None], starts, axis=1)


def _on(axis: Axis, figures: FloatArray) -> FloatArray:
    """Figures as they are drawn: to what a logarithmic axis has no place for, the line leaves it downwards."""
    above = finite(figures - axis.base)
    return on_axis(above, axis.limits) if axis.logarithmic else above


def on_axis(figures: FloatArray, limits: FloatArray) -> FloatArray:
    """Return figures as a logarithmic axis of limits (2,) takes them: what it has no place for stands far below."""
    return np.where(figures <= 0, FAR_BELOW * limits[0], figures)


FIGURES: Mapping[str, Callable[[Trajectory], FloatArray]] = MappingProxyType(
    {
        "loss": lambda trajectory: trajectory.values,
        "gradient_norm": lambda trajectory: norms(trajectory.gradients),
        "distance": lambda trajectory: distances(trajectory.points, trajectory.objective.minima),
        "learning_rate": lambda trajectory: trajectory.learning_rates,
        "step_size": lambda trajectory: norms(step_vectors(trajectory)),
        "angle": angles,
        "score": lambda trajectory: -trajectory.values,
    }
)
"""The figures of a path, by panel, (steps + 1, starts); NaN where a row has none, as the last has no step."""


def _figure(trajectory: Trajectory, name: str) -> FloatArray:
    """A figure of a network's training, (steps + 1, 1)."""
    return np.asarray(training_of(trajectory).figures[name], np.float64)[:, None]


TRAINED: Mapping[str, Callable[[Trajectory], FloatArray]] = MappingProxyType(
    {
        "accuracy": lambda trajectory: 100 * _figure(trajectory, "accuracy"),
        "gradient_norm": lambda trajectory: _figure(trajectory, "gradient_norm"),
        "step_size": lambda trajectory: _figure(trajectory, "step_size"),
        "off_plane": lambda trajectory: _figure(trajectory, "off_plane"),
    }
)
"""The figures of a network that are not those of its path on the plane, (steps + 1, 1)."""

TESTED: Mapping[str, Callable[[Trajectory], FloatArray]] = MappingProxyType(
    {
        "loss": lambda trajectory: _figure(trajectory, "test_loss"),
        "accuracy": lambda trajectory: 100 * _figure(trajectory, "test_accuracy"),
    }
)
"""The figures on the test data that stand beside those on the training data."""

CAPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "gradient_norm": "‖∇f‖",
        "distance": "distance to the minimum",
        "learning_rate": "learning rate",
        "step_size": "step size",
        "angle": "angle to −∇f (°)",
        "off_plane": "distance from the plane",
        "score": "score of the class",
    }
)
"""What the panels are called; the loss by its objective's symbol."""


def _axis(name: str, figures: FloatArray, objective: Objective, lines: Sequence[_Curve]) -> Axis:
    """Choose the axis of finite figures, (n,)."""
    if objective.landscape is not None:
        return _training_axis(name, figures, lines)
    if name == "loss":
        return _loss_axis(figures, objective)
    if name == "angle":
        # A quarter turn, or half a turn where a step ever leads uphill.
        most = 90.0 if figures.max(initial=0.0) <= 90 else 180.0
        return Axis(CAPTIONS[name], 0.0, False, np.array([-0.03, 1.03]) * most, np.arange(0.0, most + 1, 45.0))
    # A score may well begin below 0, and has no scale of its own.
    limits, logarithmic = axis_limits(figures, may_be_logarithmic=name != "score")
    return Axis(CAPTIONS[name], 0.0, logarithmic, limits)


def _training_axis(name: str, figures: FloatArray, lines: Sequence[_Curve]) -> Axis:
    """The axis of a network's figures; its caption says what the faint curves are."""
    captions = {**CAPTIONS, "loss": "loss", "accuracy": "accuracy (%)", "gradient_norm": "‖∇ loss‖", **WHAT}
    caption, faint = captions[name], any(line.strength < 1 for line in lines)
    if faint:
        caption += ", first faint" if name in BY_LAYER else ", test faint"
    if name == "accuracy":
        limits = _limits(figures)
        return Axis(caption, 0.0, False, np.array([max(limits[0], -3.0), min(limits[1], 103.0)]))
    limits, logarithmic = axis_limits(figures)
    return Axis(caption, 0.0, logarithmic, limits)


def _loss_axis(figures: FloatArray, objective: Objective) -> Axis:
    name, minimum = symbol(objective), objective.minimum
    limits = None if minimum is None else _logarithmic(figures - minimum)
    if minimum is not None and limits is not None:
        return Axis(above_words(minimum, minimum, name), minimum, True, limits)
    base, caption = origin_of(float(figures.min()), float(figures.max()), name) if figures.size else (0.0, name)
    return Axis(caption, base, False, _limits(figures - base))


def axis_limits(figures: FloatArray, *, may_be_logarithmic: bool = True) -> tuple[FloatArray, bool]:
    """Return the limits, (2,), of an axis that holds finite figures, (n,), and whether it is logarithmic."""
    limits = _logarithmic(figures) if may_be_logarithmic else None
    return (_limits(figures), False) if limits is None else (limits, True)


def _logarithmic(figures: FloatArray) -> FloatArray | None:
    """The limits of a logarithmic axis; None where the figures do not span enough for one."""
    positive = figures[figures > 0]
    if not positive.size or positive.max() / SPANNING <= positive.min():
        return None
    low = max(float(positive.min()), float(positive.max()) * 10.0**-DECADES)
    return np.array([low / 2, 2 * min(float(positive.max()), LARGEST / 2)])


def _limits(figures: FloatArray) -> FloatArray:
    """The limits of an even axis, with some room around the figures."""
    if figures.size == 0:
        return np.array([0.0, 1.0])
    low, high = float(figures.min()), float(figures.max())
    room = 0.06 * high - 0.06 * low or 0.1 * abs(high) or 1.0
    return np.clip([low - room, high + room], -LARGEST, LARGEST)
