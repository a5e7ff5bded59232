"""Panels of a network's layers: a heat map per optimizer, in colours that mean the same in the whole scene."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gdsim.analysis import last_steps
from gdsim.config import View
from gdsim.errors import Problem
from gdsim.networks import Network
from gdsim.objectives import FloatArray, Objective
from gdsim.scene.group import GroupInput
from gdsim.scene.model import Style
from gdsim.scene.panels.curves import CurvesPanel, Series, curves_panel, training_of
from gdsim.simulation import Training, Trajectory

__all__ = ["PANELS", "Heatmap", "HeatmapRow", "completed"]

DEEPEST = 12
"""The most decades that the colours distinguish."""

FAINTEST = 0.3
"""The strength of the curve of a network's first layer."""


@dataclass(frozen=True, eq=False)
class HeatmapRow:
    """The heat map of one optimizer, which grows with the steps.

    Args:
        style: The optimizer.
        values: (layers, steps + 1) the first layer at the bottom; NaN where there is none.
        end: The step up to which it is drawn.
    """

    style: Style
    values: FloatArray
    end: int


@dataclass(frozen=True, eq=False)
class Heatmap:
    """Heat maps below each other, one per optimizer, in one scale of colours.

    Args:
        caption: What is shown.
        across: What the horizontal axis counts.
        reach: The end of that axis, at least 1.
        limits: (2,) the values at the ends of the logarithmic colours, above 0; the same in all groups of a scene.
        layers: The names of the layers, from the bottom.
        rows: One per optimizer.
    """

    kind: ClassVar[str] = "heatmap"

    caption: str
    across: str
    reach: float
    limits: FloatArray
    layers: tuple[str, ...]
    rows: tuple[HeatmapRow, ...]


def completed(trajectories: Sequence[Trajectory]) -> list[Trajectory]:
    """Return those that did not break off, which set the scale of colours, or the others would look blank; else all."""
    return [each for each in trajectories if not each.stops[0].breaks_off] or [*trajectories]


@dataclass(frozen=True)
class Layers:
    """A panel of figures per layer, as heat maps or as lines.

    Args:
        name: The name in `view.panels`.
        caption: What is shown.
        figures: Returns the figures of a training, (steps + 1, layers).
    """

    name: str
    caption: str
    figures: Callable[[Training], FloatArray]
    goes_with: ClassVar[str] = "network"

    def problems(self, objectives: Sequence[Objective], view: View) -> Iterator[Problem]:  # noqa: ARG002
        """Yield that heat maps are drawn over the steps."""
        if view.layers == "heat" and view.against == "evaluations":
            message = "evaluations goes with lines: a heat map of layers has steps; take layers: lines"
            yield Problem(message, ("against",), "conflict")

    def training_problems(self, network: Network, view: View) -> Iterator[Problem]:  # noqa: ARG002
        """Yield nothing: every network has layers."""
        return iter(())

    def build(self, group: GroupInput) -> Heatmap | CurvesPanel:
        """Return the panel of a group."""
        if group.view.layers == "lines":
            layers = [self.figures(training_of(each)) for each in group.trajectories]
            count = layers[0].shape[1]
            strengths = np.linspace(FAINTEST, 1.0, count).tolist() if count > 1 else [1.0]
            series = [Series(i, rows[:, [k]], strengths[k]) for k in range(count) for i, rows in enumerate(layers)]
            return curves_panel(group, self.caption + ", first faint" * (count > 1), series)
        ends = [int(last_steps(each)[0]) for each in group.trajectories]
        rows = zip(group.styles, map(self._values, group.trajectories), ends, strict=True)
        return Heatmap(
            caption=self.caption,
            across="step",
            reach=float(max(*ends, 1)),
            limits=self._limits(group.scene_trajectories),
            layers=training_of(group.trajectories[0]).layers,
            rows=tuple(HeatmapRow(*row) for row in rows),
        )

    def _values(self, trajectory: Trajectory) -> FloatArray:
        """The figures by layer, (layers, steps + 1); NaN from where a training breaks off."""
        rows = np.array(self.figures(training_of(trajectory)).T, np.float64)
        rows[~np.isfinite(rows)] = np.nan
        rows[:, int(last_steps(trajectory)[0]) + 1 :] = np.nan
        return rows

    def _limits(self, trajectories: Sequence[Trajectory]) -> FloatArray:
        """Round values at the ends of the colours, (2,), above 0."""
        values = np.concatenate([self._values(each).ravel() for each in completed(trajectories)])
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


PANELS = (
    Layers("layers", "‖∇‖ by layer", lambda training: training.layer_gradients),
    Layers("weights", "‖weights‖ by layer", lambda training: training.layer_weights),
)
