"""Panels of what optimizers hold: momentum, effective rates, the relative size of steps, and any tensor by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from gdsim.analysis.metrics import norms, step_vectors
from gdsim.config import View
from gdsim.config.presentation import StatePanel
from gdsim.errors import InputError, Problem
from gdsim.objectives import FloatArray, Objective
from gdsim.scene.facets import GroupInput
from gdsim.scene.panels import PanelKind
from gdsim.scene.panels.curves import CurvesPanel, Series, curves_kind, curves_panel
from gdsim.scene.projection import coordinate_name
from gdsim.scene.state import held_by
from gdsim.simulation import NetworkTrajectory, Trajectory

FAINTEST = 0.45  # strength of the curve of the last coordinate
MAX_COORDINATES = 8  # that have a line each


def _kind(name: str, caption: str = "", *, per_coordinate: bool = False) -> PanelKind:
    """Return a panel of what optimizers hold, by its name in the state or in `HELD`, which is the default caption."""

    def build(group: GroupInput) -> CurvesPanel:
        key, count, say = ("view", "panels"), group.objective.dim, group.view.say
        found, what = held_by(group.trajectories, name, key), say(caption) if caption else name
        if not per_coordinate:
            return curves_panel(group, f"‖{what}‖", [Series(i, _norms(each)) for i, each in found.items()])
        if any(each.shape[2:] != (count,) for each in found.values()):
            raise InputError(f"{name} has no number per coordinate; remove per: coordinate", key, code="unsupported")
        strengths = np.linspace(1.0, FAINTEST, count).tolist()
        series = [Series(i, each[..., k], strengths[k]) for k in reversed(range(count)) for i, each in found.items()]
        last = (*group.objective.variables[:2], coordinate_name(count - 1))[min(count, 3) - 1]
        words = what + (say(", {name} faint", name=last) if count > 1 else "")
        return curves_panel(group, words, series)

    def problems(objectives: Sequence[Objective], _: View) -> Iterator[Problem]:
        most = max(each.dim for each in objectives)
        if per_coordinate and most > MAX_COORDINATES:
            message = f"{name} has a line per coordinate, and there are {most}; at most {MAX_COORDINATES} are drawn"
            yield Problem(message, code="too-large")

    return PanelKind(name, build, "function" if per_coordinate else "any", problems)


def _norms(values: FloatArray) -> FloatArray:
    """Return the norm of what is held for each start, (steps + 1, starts), of (steps + 1, starts, …)."""
    return norms(values.reshape(*values.shape[:2], -1)) if values.ndim > 2 else values


def _update_ratios(trajectory: Trajectory) -> FloatArray:
    """Return the length of each step divided by the distance of its point from 0, (steps + 1, starts)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        if isinstance(trajectory, NetworkTrajectory):
            sizes = np.linalg.norm(trajectory.training.layer_weights, axis=1)
            return np.asarray(trajectory.figures["step_size"] / sizes)[:, None]
        return norms(step_vectors(trajectory)) / norms(trajectory.points)


def state_kind(panel: StatePanel) -> PanelKind:
    """Return the panel of a tensor that optimizers hold."""
    return _kind(panel.state, per_coordinate=panel.per == "coordinate")


PANELS = (
    _kind("momentum", "momentum"),
    _kind("effective_rate", "effective rate", per_coordinate=True),
    curves_kind("update_ratio", "‖step‖ / ‖x‖", _update_ratios, network_caption="‖step‖ / ‖weights‖"),
)
