"""Panels of curves over the steps: loss, norms, rates and the angle to steepest descent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, NoReturn, TypeAlias

import numpy as np
import numpy.typing as npt

from gdsim.analysis.metrics import angles, distances, last_steps, norms, solved, step_vectors, within_tolerance
from gdsim.config import View
from gdsim.errors import InputError, Problem
from gdsim.networks import NetworkObjective
from gdsim.objectives import FloatArray, Objective, inside
from gdsim.scene.facets import GroupInput
from gdsim.scene.figures import QUANTILES, axis_limits, linear_limits, on_axis, quantiles, value_limits
from gdsim.scene.levels import finite, origin_of
from gdsim.scene.model import FEW_STARTS, Style
from gdsim.scene.panels import PanelKind
from gdsim.scene.projection import near, with_starts
from gdsim.scene.scales import ScaledAxis
from gdsim.scene.views import kind_of
from gdsim.simulation import NetworkTrajectory, Training, Trajectory

MISTAKEN = 0.1  # maximum share of starts that are within tolerance but not at a minimum in a band that is named solved
FAINT = 0.45  # strength of the curves of the test data


@dataclass(frozen=True, eq=False)
class PanelCurve:
    """The curves of one optimizer in a panel: one per start, or a single one for the median of many starts.

    Attributes:
        points: (n, curves, 2) horizontal position and figure minus the panel's base for each step; NaN where there is
            no figure. On a logarithmic axis, figures below the smallest one are raised to it.
        ends: (curves,) the last step drawn.
        strength: Fraction of the style's colour, from 0 to 1, when it is mixed with the background.
        band: (n, 2) the range around the median that holds the middle 80 % of the starts; None for single curves.
        limit: The name of a limit of the figures, which is drawn from the beginning; empty for figures.
        arrives: (curves,) whether the starts, or half of them, reach a minimum; None if none is known.
    """

    style: Style
    points: FloatArray
    ends: npt.NDArray[np.int64]
    strength: float = 1.0
    band: FloatArray | None = None
    limit: str = ""
    arrives: npt.NDArray[np.bool_] | None = None


@dataclass(frozen=True, eq=False)
class CurvesPanel:
    """Curves of figures, which are numbers such as losses, over the steps.

    Attributes:
        caption: The name of the figures, and then, after a comma, what is shown of them.
        across: Quantity on the horizontal axis: "step", "gradient evaluations" or "evaluations".
        reach: Upper end of the horizontal axis, at least 1.
        base: Value subtracted from the figures: the known minimum for a loss, otherwise usually 0.
        limits: (2,) the range of figures to show.
        ticks: (ticks,) the figures that are labelled, if they are fixed, as for an angle; otherwise None.
        scale: What is on the horizontal axis instead of steps, from its first value on; None for steps.
        names: What the fixed ticks are called, if not by their numbers.
        solved: The upper edge of the band of figures that are within tolerance; None if the panel does not show it.
        band_name: What a start in the band is; it is not solved if it ends far from all minima.
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
    solved: float | None = None
    band_name: str = "solved"
    scale: ScaledAxis | None = None
    names: tuple[str, ...] = ()


class Series(NamedTuple):
    """The figures (steps + 1, starts) of the trajectory with index `number` in the group; NaN for missing figures.

    They are those of a limit if it has a name.
    """

    number: int
    figures: FloatArray
    strength: float = 1.0
    limit: str = ""


class _Lines(NamedTuple):
    """What is drawn of one series, in columns: its starts, or the median of many, with the edges of the band around it.

    What the axis must show is `reached`.
    """

    series: Series
    across: FloatArray
    drawn: FloatArray
    band: FloatArray
    reached: FloatArray
    ends: npt.NDArray[np.int64]


Axis: TypeAlias = dict[str, Any]
"""The fields of a `CurvesPanel` that depend on the figures."""

FindAxis: TypeAlias = Callable[[FloatArray, FloatArray, GroupInput], Axis]
"""Maps all figures to show, (n,), the first one of each curve, (curves,), and the group to an axis."""


def _general_axis(figures: FloatArray, *_: object) -> Axis:
    limits, logarithmic = axis_limits(figures)
    return {"limits": limits, "logarithmic": logarithmic}


def _loss_axis(figures: FloatArray, firsts: FloatArray, group: GroupInput) -> Axis:
    objective = group.objective
    base, caption = objective.minimum or 0.0, group.gap_name
    if objective.kind == "network":
        return _general_axis(figures)
    if objective.minimum is not None:
        limits, logarithmic, level = value_limits(figures - base, firsts - base)
        if logarithmic:
            facts = {"limits": limits, "logarithmic": True, "solved": level}
            return facts | {"base": base, "caption": caption}
    if figures.size:
        origin, caption = origin_of(float(figures.min()) - base, float(figures.max()) - base, caption)
        base += origin
    return {"limits": linear_limits(figures - base), "base": base, "caption": caption}


def _angle_axis(figures: FloatArray, *_: object) -> Axis:
    # Angles above 90° occur only if a step goes uphill.
    most = 90.0 if figures.max(initial=0.0) <= 90 else 180.0
    return {"limits": np.array([-0.03, 1.03]) * most, "ticks": np.arange(0.0, most + 1, 45.0)}


def _linear_axis(figures: FloatArray, *_: object) -> Axis:
    return {"limits": linear_limits(figures)}


def curves_panel(
    group: GroupInput, caption: str, series: Sequence[Series], axis: FindAxis = _general_axis
) -> CurvesPanel:
    """Build a panel of series, drawn in order; its limits cover only points in or near the view."""
    lines = _lines(group, series)
    # Of a limit, the axis must show the lowest part.
    shown = [np.fmin.reduce(each.reached, axis=None) if each.series.limit else each.reached for each in lines]
    reached = finite(np.concatenate([*map(np.ravel, shown)]))
    firsts = finite(np.concatenate([each.drawn[0] for each in lines if each.series.strength == 1]))
    say = group.view.say
    facts: Axis = {"caption": caption, "base": 0.0, "logarithmic": False, "ticks": None}
    facts |= axis(reached[np.isfinite(reached)], firsts[np.isfinite(firsts)], group)
    band_name = "solved"
    if facts.get("solved") is not None and _share_mistaken(group.trajectories) > MISTAKEN:
        band_name = "within tolerance"
    base, limits, logarithmic = facts["base"], facts["limits"], facts["logarithmic"]
    if lines[0].band.size:
        facts["caption"] += say(", median and middle {n} %", n=f"{100 * (QUANTILES[2] - QUANTILES[0]):.0f}")
    curves = []
    for each in lines:
        above, band = finite(each.drawn - base), finite(each.band - base)
        if logarithmic:
            above, band = on_axis(above, limits), on_axis(band, limits)
        # Figures of steps, such as their length, have none in the last row.
        ends = np.maximum(each.ends - np.isnan(above[each.ends, np.arange(above.shape[1])]), 0)
        points = np.stack([each.across, above], -1)
        curves.append(
            PanelCurve(
                group.styles[each.series.number],
                points,
                ends,
                each.series.strength,
                band if band.size else None,
                each.series.limit,
                _arrive(group.trajectories[each.series.number], points.shape[1]),
            )
        )
    reach = max(float(each.across[: each.ends.max() + 1].max()) for each in lines)
    return CurvesPanel(across=_across(group), reach=max(reach, 1.0), curves=tuple(curves), band_name=band_name, **facts)


def _across(group: GroupInput) -> str:
    if group.view.against == "steps":
        return "step"
    # Minimizers evaluate values and Hessians, too.
    return "evaluations" if any(each.is_minimizer for each in group.trajectories) else "gradient evaluations"


def _arrive(trajectory: Trajectory, curves: int) -> npt.NDArray[np.bool_] | None:
    """Return whether each start of a curve arrives, as its title says; for a median, whether half of them do."""
    solves = solved(trajectory)
    return solves if solves is None or len(solves) == curves else np.array([solves.mean() >= 0.5])


def _share_mistaken(trajectories: Sequence[Trajectory]) -> float:
    """Return the share of starts that end within tolerance of a known minimum's value, but far from all minima."""
    within = [within_tolerance(each, np.nan)[-1] for each in trajectories]
    near = [solved(each) for each in trajectories]
    parts = [reached & ~ended for reached, ended in zip(within, near, strict=True) if ended is not None]
    return float(np.concatenate(parts).mean()) if parts else 0.0


def _lines(group: GroupInput, series: Sequence[Series]) -> list[_Lines]:
    """Return what is drawn of each series: all its starts if they are few, otherwise their quantiles."""
    bounds = with_starts(group.objective, [each.points for each in group.trajectories])
    found, many = [], max(each.figures.shape[1] for each in series) > FEW_STARTS
    for each in series:
        trajectory, figures = group.trajectories[each.number], each.figures
        steps = np.broadcast_to(np.arange(len(figures))[:, None], trajectory.values.shape)
        across = np.asarray(steps if group.view.against == "steps" else trajectory.evaluations, np.float64)
        reached, ends = np.where(_shown(trajectory, group, bounds), figures, np.nan), last_steps(trajectory)
        if many:
            across, parts, reached = np.median(across, axis=1), quantiles(figures, ends), quantiles(reached, ends)
            lines = _Lines(each, across[:, None], parts[:, [1]], parts[:, [0, 2]], reached, ends.max(keepdims=True))
        else:
            lines = _Lines(each, across, figures, figures[:, :0], reached, ends)
        found.append(lines)
    return found


def _shown(trajectory: Trajectory, group: GroupInput, bounds: FloatArray) -> npt.NDArray[np.bool_]:
    """Return which rows (steps + 1, starts) the axis must include: points near the view, and all of a descent.

    A descent ends no higher and no steeper than it starts; other paths that leave the view may run away.
    """
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
    slopes, values = norms(trajectory.gradients), trajectory.values
    descends = ~broken & (values[-1] <= values[0]) & (slopes[-1] <= slopes[0])
    return np.asarray(np.where(broken, within, near(coordinates, group.projection.bounds)) & close | descends)


def training_of(trajectory: Trajectory) -> Training:
    """Return the training of a network's trajectory; raise InputError for other trajectories."""
    return trajectory.training if isinstance(trajectory, NetworkTrajectory) else _only_recorded(trajectory)


def _only_recorded(trajectory: Trajectory) -> NoReturn:
    raise InputError(f"{trajectory.label} has trained no network", ("view", "panels"), code="unsupported")


def curves_kind(
    name: str,
    caption: str,
    figures: Callable[[Trajectory], FloatArray],
    axis: FindAxis = _general_axis,
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
        words = group.view.say(words)
        words += group.view.say(", test faint") if series else ""
        for i, each in enumerate(group.trajectories):
            series.append(Series(i, scale * each.figures[name][:, None] if name in each.figures else figures(each)))
        return curves_panel(group, words, series, axis)

    return PanelKind(name, build, **options)


def _distance_problems(objectives: Sequence[Objective], _: View) -> Iterator[Problem]:
    for each in objectives:
        if not len(each.minima):
            yield Problem(f"distance goes with a known minimum; none of {each.title} is known", code="unsupported")


def _accuracy_problems(objectives: Sequence[Objective], _: View) -> Iterator[Problem]:
    for each in objectives:
        if isinstance(each, NetworkObjective) and each.network.data.classes is None:
            message = f"accuracy goes with classes, and y of {each.network.data.name} holds numbers"
            yield Problem(message, code="unsupported")


def _distances(trajectory: Trajectory) -> FloatArray:
    return distances(trajectory.points, trajectory.objective.minima)


def _flow_distances(trajectory: Trajectory) -> FloatArray:
    if trajectory.flow is None:
        message = f"the flow of {trajectory.label} was not computed; gdsim render with view.panels computes it"
        raise InputError(message, ("view", "panels"), code="missing")
    return trajectory.flow.distances


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
        lambda figures, *_: {"limits": np.clip(linear_limits(figures), -3.0, 103.0)},
        scale=100,
        goes_with="network",
        problems=_accuracy_problems,
    ),
    curves_kind("flow_distance", "distance from the flow", _flow_distances, _linear_axis, goes_with="flow"),
    curves_kind("off_plane", "distance from the plane", _only_recorded, goes_with="network"),
    curves_kind("score", "score of the class", lambda each: -each.values, _linear_axis, goes_with="image"),
)
