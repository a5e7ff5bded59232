"""Panels with one heat map of a network's layers per optimizer, in colours shared by the whole scene."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gdsim.analysis.metrics import last_steps
from gdsim.config import View
from gdsim.errors import Problem
from gdsim.objectives import FloatArray, Objective
from gdsim.scene.facets import GroupInput
from gdsim.scene.figures import axis_limits
from gdsim.scene.levels import finite
from gdsim.scene.model import Style
from gdsim.scene.panels import PanelKind
from gdsim.scene.panels.curves import Axis, CurvesPanel, Series, curves_panel, training_of
from gdsim.simulation import Training, Trajectory

DEEPEST = 12  # maximum number of decades of the colour scale, or of the axis of the lines
FAINTEST = 0.3  # strength of the curve of a network's first layer


@dataclass(frozen=True, eq=False)
class HeatmapRow:
    """The heat map of one optimizer up to step `end`; values (layers, steps + 1), the first layer at the bottom."""

    style: Style
    values: FloatArray
    end: int


@dataclass(frozen=True, eq=False)
class Heatmap:
    """Heat maps below each other, one per optimizer, with a common colour scale.

    Attributes:
        reach: Upper end of the horizontal axis, at least 1.
        limits: (2,) the positive values at the ends of the logarithmic colour scale; the same in all groups of a scene.
    """

    kind: ClassVar[str] = "heatmap"
    across: ClassVar[str] = "step"

    caption: str
    reach: float
    limits: FloatArray
    layers: tuple[str, ...]
    rows: tuple[HeatmapRow, ...]


def of_completed(trajectories: Sequence[Trajectory], values: Sequence[FloatArray]) -> list[FloatArray]:
    """Return the values of trajectories that did not fail, or of all if all failed; they determine the colour scale."""
    pairs = zip(trajectories, values, strict=True)
    return [each for trajectory, each in pairs if not trajectory.stops[0].failed] or [*values]


def _values(figures: Callable[[Training], FloatArray], trajectory: Trajectory) -> FloatArray:
    """Return the figures by layer, (layers, steps + 1); NaN after a training fails."""
    rows = finite(np.array(figures(training_of(trajectory)).T, np.float64))
    rows[:, int(last_steps(trajectory)[0]) + 1 :] = np.nan
    return rows


def _limits(values: FloatArray) -> FloatArray:
    """Return round, positive values for the ends of the colour scale, (2,)."""
    values = values[np.isfinite(values) & (values > 0)]
    if not values.size:
        return np.array([0.1, 1.0])
    high = float(values.max())
    low = max(float(values.min()), high * 10.0**-DEEPEST)
    powers = np.floor(np.log10([low, high]))
    units = 10.0**powers
    if powers[1] - powers[0] >= 2:
        return np.array([units[0], 10.0 ** np.ceil(np.log10(high))])
    below, above = np.floor(low / units[0]) * units[0], np.ceil(high / units[1]) * units[1]
    return np.array([below, above if above > below else 2 * below])


def _deep_axis(figures: FloatArray, *_: object) -> Axis:
    limits, logarithmic = axis_limits(figures, float(figures.max(initial=0.0)) * 10.0**-DEEPEST)
    return {"limits": limits, "logarithmic": logarithmic}


def _problems(_: Sequence[Objective], view: View) -> Iterator[Problem]:
    if view.layers == "heat" and view.against == "evaluations":
        message = "evaluations goes with lines: a heat map of layers has steps; take layers: lines"
        yield Problem(message, ("against",), "conflict")


def _kind(name: str, caption: str, figures: Callable[[Training], FloatArray]) -> PanelKind:
    def heatmap(group: GroupInput) -> Heatmap:
        ends = [int(last_steps(each)[0]) for each in group.trajectories]
        together = group.scene_trajectories
        scale = of_completed(together, [_values(figures, each) for each in together])
        return Heatmap(
            caption=group.view.say(caption),
            reach=float(max(*ends, 1)),
            limits=_limits(np.concatenate([each.ravel() for each in scale])),
            layers=training_of(group.trajectories[0]).layers,
            rows=tuple(
                HeatmapRow(style, _values(figures, each), end)
                for style, each, end in zip(group.styles, group.trajectories, ends, strict=True)
            ),
        )

    def lines(group: GroupInput) -> CurvesPanel:
        layers = [figures(training_of(each)) for each in group.trajectories]
        count = layers[0].shape[1]
        strengths = np.linspace(FAINTEST, 1.0, count).tolist() if count > 1 else [1.0]
        series = [Series(i, rows[:, [k]], strengths[k]) for k in range(count) for i, rows in enumerate(layers)]
        say = group.view.say
        words = say(caption) + (say(", first faint") if count > 1 else "")
        return curves_panel(group, words, series, _deep_axis)

    def build(group: GroupInput) -> Heatmap | CurvesPanel:
        return lines(group) if group.view.layers == "lines" else heatmap(group)

    return PanelKind(name, build, "network", _problems)


PANELS = (
    _kind("layers", "‖∇‖ by layer", lambda training: training.layer_gradients),
    _kind("weights", "‖weights‖ by layer", lambda training: training.layer_weights),
)
