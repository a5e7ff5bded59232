"""Panels of curves over the steps: loss, norms, rates and the angle to steepest descent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, NoReturn

import numpy as np
import numpy.typing as npt

from gdsim.analysis.metrics import angles, distances, last_steps, norms, step_vectors
from gdsim.config import View
from gdsim.errors import InputError, Problem
from gdsim.networks import NetworkObjective
from gdsim.objectives import FloatArray, Objective, inside
from gdsim.scene.facets import GroupInput
from gdsim.scene.levels import LARGEST, finite, origin_of
from gdsim.scene.model import Style
from gdsim.scene.panels import PanelKind
from gdsim.scene.projection import near, widened
from gdsim.scene.views import kind_of
from gdsim.simulation import NetworkTrajectory, Training, Trajectory

SPANNING = 30  # minimum ratio of the largest to the smallest positive figure for a logarithmic axis

DECADES, FAR_BELOW = 16, 1e-3
"""Maximum number of decades of a logarithmic axis, and the position of figures ≤ 0 as a fraction of its lower limit."""

FAINT = 0.45  # strength of the curves of the test data


@dataclass(frozen=True, eq=False)
class PanelCurve:
    """The curves of one optimizer in a panel.

    Attributes:
        points: (n, starts, 2) horizontal position and figure minus the panel's base for each step; NaN where there is
            no figure. On a logarithmic axis, figures ≤ 0 are placed far below the limits.
        ends: (starts,) the last step drawn.
        strength: Fraction of the style's colour, from 0 to 1, when it is mixed with the background.
    """

    style: Style
    points: FloatArray
    ends: npt.NDArray[np.int64]
    strength: float = 1.0


@dataclass(frozen=True, eq=False)
class CurvesPanel:
    """Curves of figures, which are numbers such as losses, over the steps.

    Attributes:
        across: Quantity on the horizontal axis: "step" or "gradient evaluations".
        reach: Upper end of the horizontal axis, at least 1.
        base: Value subtracted from the figures: the known minimum for a loss on a logarithmic axis, otherwise usually
            0.
        limits: (2,) the range of figures to show.
        ticks: (ticks,) the figures that are labelled, if they are fixed, as for an angle; otherwise None.
    """

    kind: ClassVar[str] = "curves"

    caption: str
    across: str
    reach: float
    base: float
    logarithmic: bool
    limits: FloatArray
    ticks: FloatArray | None
    curves: tuple[PanelCurve, ...]


class Series(NamedTuple):
    """The figures (steps + 1, starts) of the trajectory with index `number` in the group; NaN for missing figures."""

    number: int
    figures: FloatArray
    strength: float = 1.0


Axis = dict[str, Any]
"""The fields of a `CurvesPanel` that depend on the figures."""


def axis_limits(figures: FloatArray, *, may_be_logarithmic: bool = True) -> tuple[FloatArray, bool]:
    """Return the limits (2,) of an axis for figures (n,), and whether it is logarithmic."""
    figures = figures[np.abs(figures) <= LARGEST]
    limits = _logarithmic(figures) if may_be_logarithmic else None
    return (_linear(figures), False) if limits is None else (limits, True)


def _logarithmic(figures: FloatArray) -> FloatArray | None:
    """Return the limits of a logarithmic axis, or None if the range of the figures is too small for one."""
    positive = figures[figures > 0]
    if not positive.size or positive.max() / SPANNING <= positive.min():
        return None
    low = max(float(positive.min()), float(positive.max()) * 10.0**-DECADES)
    return np.array([low / 2, 2 * float(positive.max())])


def _linear(figures: FloatArray) -> FloatArray:
    if figures.size == 0:
        return np.array([0.0, 1.0])
    low, high = float(figures.min()), float(figures.max())
    margin = 0.06 * (high - low) or 0.1 * abs(high) or 1.0
    return np.array([low - margin, high + margin])


def on_axis(figures: FloatArray, limits: FloatArray) -> FloatArray:
    """Return figures with those ≤ 0 replaced by a value far below the limits (2,) of a logarithmic axis."""
    return np.where(figures <= 0, FAR_BELOW * limits[0], figures)


def _general_axis(figures: FloatArray, objective: Objective) -> Axis:  # noqa: ARG001
    limits, logarithmic = axis_limits(figures)
    return {"limits": limits, "logarithmic": logarithmic}


def _loss_axis(figures: FloatArray, objective: Objective) -> Axis:
    if objective.kind == "network":
        return _general_axis(figures, objective)
    base, caption = objective.minimum or 0.0, objective.gap_name
    limits = None if objective.minimum is None else _logarithmic(figures - base)
    if limits is not None:
        return {"limits": limits, "logarithmic": True, "base": base, "caption": caption}
    if figures.size:
        origin, caption = origin_of(float(figures.min()) - base, float(figures.max()) - base, caption)
        base += origin
    return {"limits": _linear(figures - base), "base": base, "caption": caption}


def _angle_axis(figures: FloatArray, objective: Objective) -> Axis:  # noqa: ARG001
    # Angles above 90° occur only if a step goes uphill.
    most = 90.0 if figures.max(initial=0.0) <= 90 else 180.0
    return {"limits": np.array([-0.03, 1.03]) * most, "ticks": np.arange(0.0, most + 1, 45.0)}


def _score_axis(figures: FloatArray, objective: Objective) -> Axis:  # noqa: ARG001
    # A score may be negative, and its zero has no meaning.
    return {"limits": _linear(figures)}


def curves_panel(
    group: GroupInput,
    caption: str,
    series: Sequence[Series],
    axis: Callable[[FloatArray, Objective], Axis] = _general_axis,
) -> CurvesPanel:
    """Build a panel of series, drawn in order; its limits cover only points in or near the view."""
    trajectories, by_steps = group.trajectories, group.view.against == "steps"
    bounds = widened(group.objective.bounds, [each.points for each in trajectories])
    shown = [_shown(each, group, bounds) for each in trajectories]
    ends = [last_steps(each) for each in trajectories]
    steps = [np.broadcast_to(np.arange(len(each.values))[:, None], each.values.shape) for each in trajectories]
    counts = steps if by_steps else [each.evaluations for each in trajectories]
    reach = max(float(each[: end.max() + 1].max()) for each, end in zip(counts, ends, strict=True))
    reached = finite(np.concatenate([each.figures[shown[each.number]] for each in series]))
    facts: Axis = {"caption": caption, "base": 0.0, "logarithmic": False, "ticks": None}
    facts |= axis(reached[np.isfinite(reached)], group.objective)
    curves = []
    for each in series:
        above = finite(each.figures - facts["base"])
        above = on_axis(above, facts["limits"]) if facts["logarithmic"] else above
        points, end = np.stack([counts[each.number], above], -1), ends[each.number]
        # Figures of steps, such as their length, have none in the last row.
        end = np.maximum(end - np.isnan(above[end, np.arange(len(end))]), 0)
        curves.append(PanelCurve(group.styles[each.number], points, end, each.strength))
    across = "step" if by_steps else "gradient evaluations"
    return CurvesPanel(across=across, reach=max(reach, 1.0), curves=tuple(curves), **facts)


def _shown(trajectory: Trajectory, group: GroupInput, bounds: FloatArray) -> npt.NDArray[np.bool_]:
    """Return which rows (steps + 1, starts) the axis must include: points in or near the view."""
    broken = np.array([stop.failed for stop in trajectory.stops])
    close = near(trajectory.points, bounds)
    if not kind_of(group.objective, group.view).projects:
        # Pixels may leave their range intentionally, and all of them are visible.
        return np.asarray(close | ~broken)
    coordinates = group.projection.project(trajectory.points)
    within = inside(coordinates, group.projection.bounds)
    if group.objective.kind == "network":
        # The figures are not computed on the plane, and weights off the plane have not diverged.
        return np.asarray(within | ~broken)
    return np.asarray(np.where(broken, within, near(coordinates, group.projection.bounds)) & close)


def training_of(trajectory: Trajectory) -> Training:
    """Return the training of a network's trajectory; raise InputError for other trajectories."""
    return trajectory.training if isinstance(trajectory, NetworkTrajectory) else _only_recorded(trajectory)


def _only_recorded(trajectory: Trajectory) -> NoReturn:
    raise InputError(f"{trajectory.label} has trained no network", ("view", "panels"), code="unsupported")


def curves_kind(
    name: str,
    caption: str,
    figures: Callable[[Trajectory], FloatArray],
    axis: Callable[[FloatArray, Objective], Axis] = _general_axis,
    *,
    network_caption: str = "",
    scale: float = 1.0,
    **options: Any,
) -> PanelKind:
    """Return a panel kind for figures (steps + 1, starts), NaN in rows without a figure.

    If the training of a network has recorded figures of this name, they are shown instead, and those of the test data
    as faint curves.
    """

    def build(group: GroupInput) -> CurvesPanel:
        series = []
        for i, each in enumerate(group.trajectories):
            tested = each.figures.get(f"test_{name}")
            if tested is not None and np.isfinite(tested).any():
                series.append(Series(i, scale * tested[:, None], FAINT))
        words = network_caption if network_caption and group.objective.kind == "network" else caption
        words += ", test faint" * bool(series)
        for i, each in enumerate(group.trajectories):
            series.append(Series(i, scale * each.figures[name][:, None] if name in each.figures else figures(each)))
        return curves_panel(group, words, series, axis)

    return PanelKind(name, build, **options)


def _distance_problems(objectives: Sequence[Objective], view: View) -> Iterator[Problem]:  # noqa: ARG001
    for each in objectives:
        if not len(each.minima):
            yield Problem(f"distance goes with a known minimum; none of {each.title} is known", code="unsupported")


def _accuracy_problems(objectives: Sequence[Objective], view: View) -> Iterator[Problem]:  # noqa: ARG001
    for each in objectives:
        if isinstance(each, NetworkObjective) and each.network.data.classes is None:
            message = f"accuracy goes with classes, and y of {each.network.data.name} holds numbers"
            yield Problem(message, code="unsupported")


def _distances(trajectory: Trajectory) -> FloatArray:
    return distances(trajectory.points, trajectory.objective.minima)


PANELS = (
    curves_kind("loss", "loss", lambda each: each.values, _loss_axis),
    curves_kind("gradient_norm", "‖∇f‖", lambda each: norms(each.gradients), network_caption="‖∇ loss‖"),
    curves_kind("distance", "distance to the minimum", _distances, goes_with="function", problems=_distance_problems),
    curves_kind("learning_rate", "learning rate", lambda each: each.learning_rates),
    curves_kind("step_size", "step size", lambda each: norms(step_vectors(each))),
    curves_kind("angle", "angle to −∇f (°)", angles, _angle_axis, goes_with="function"),
    curves_kind(
        "accuracy",
        "accuracy (%)",
        _only_recorded,
        lambda figures, _: {"limits": np.clip(_linear(figures), -3.0, 103.0)},
        scale=100,
        goes_with="network",
        problems=_accuracy_problems,
    ),
    curves_kind("off_plane", "distance from the plane", _only_recorded, goes_with="network"),
    curves_kind("score", "score of the class", lambda each: -each.values, _score_axis, goes_with="image"),
)
