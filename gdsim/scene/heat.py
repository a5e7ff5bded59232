"""The figures of a network by layer: a heat map an optimizer, in colours that mean the same all over a scene."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from gdsim.analysis import last_steps
from gdsim.errors import InputError
from gdsim.objectives import FloatArray
from gdsim.scene.model import Heatmap, HeatmapRow, Style
from gdsim.simulation import Training, Trajectory

__all__ = ["BY_LAYER", "WHAT", "heat_limits", "strips", "that_ran", "training_of"]

DEEPEST = 12
"""How many decades the colours tell apart at most."""

BY_LAYER: Mapping[str, Callable[[Training], FloatArray]] = MappingProxyType(
    {"layers": lambda training: training.layer_gradients, "weights": lambda training: training.layer_weights}
)
"""The figures of each panel, (steps + 1, layers)."""

WHAT: Mapping[str, str] = MappingProxyType({"layers": "‖∇‖ by layer", "weights": "‖weights‖ by layer"})
"""What the panels are called."""


def training_of(trajectory: Trajectory) -> Training:
    """Return what a trajectory's network has left.

    Raises:
        InputError: It is of no network.
    """
    if trajectory.training is None:
        raise InputError(f"{trajectory.label} has trained no network", ("view", "panels"))
    return trajectory.training


def that_ran(trajectories: Sequence[Trajectory]) -> list[Trajectory]:
    """Return those that did not break off, by which colours are chosen, or the others would look blank; else all."""
    return [each for each in trajectories if not each.stops[0].breaks_off] or [*trajectories]


def figures(name: str, trajectory: Trajectory) -> FloatArray:
    """Return the figures of a panel by layer, (layers, steps + 1); NaN from where a training breaks off."""
    rows = np.array(BY_LAYER[name](training_of(trajectory)).T, np.float64)
    rows[~np.isfinite(rows)] = np.nan
    rows[:, int(last_steps(trajectory)[0]) + 1 :] = np.nan
    return rows


def heat_limits(name: str, trajectories: Sequence[Trajectory]) -> FloatArray:
    """Return the values of the ends of a panel's colours, (2,), round and above 0, for all trajectories of a scene."""
    every = np.concatenate([figures(name, each).ravel() for each in that_ran(trajectories)])
    every = every[np.isfinite(every) & (every > 0)]
    if not every.size:
        return np.array([0.1, 1.0])
    high = float(every.max())
    low = max(float(every.min()), high * 10.0**-DEEPEST)
    return _rounded(low, high)


def _rounded(low: float, high: float) -> FloatArray:
    """The nearest round numbers outside of two: powers of ten where these span more than a few, else of one digit."""
    powers = np.floor(np.log10([low, high]))
    if powers[1] - powers[0] >= 2:
        return np.array([10.0 ** powers[0], 10.0 ** np.ceil(np.log10(high))])
    units = 10.0**powers
    below, above = np.floor(low / units[0]) * units[0], np.ceil(high / units[1]) * units[1]
    return np.array([below, above if above > below else 2 * below])


def strips(name: str, trajectories: Sequence[Trajectory], styles: Sequence[Style], limits: FloatArray) -> Heatmap:
    """Return the heat maps of a panel.

    Args:
        name: "layers" or "weights".
        trajectories: At least one, all over the same network.
        styles: How each is drawn.
        limits: (2,) the values of the ends of the colours.
    """
    return Heatmap(
        caption=WHAT[name],
        across="step",
        reach=max(float(max(last_steps(each)[0] for each in trajectories)), 1.0),
        limits=limits,
        layers=training_of(trajectories[0]).layers,
        rows=tuple(
            HeatmapRow(style, figures(name, each), int(last_steps(each)[0]))
            for each, style in zip(trajectories, styles, strict=True)
        ),
    )
