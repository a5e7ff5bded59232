"""Maps of a figure over two settings, or over the start, whose cells appear step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, cast

import numpy as np
import numpy.typing as npt

from gdsim.config import Experiment, OptimizerSpec
from gdsim.config.sweep import EVERY
from gdsim.languages import Language
from gdsim.objectives import FloatArray, inside
from gdsim.objectives.formulas import number
from gdsim.scene.figures import SPANNING
from gdsim.scene.minima import point_text
from gdsim.scene.model import Facet, Style
from gdsim.scene.scales import ScaledAxis, setting_axis
from gdsim.scene.stability import largest_rates
from gdsim.sweeps import OUTCOMES, Outcome, SweepResult
from gdsim.themes import Theme

MOST, LEAST = 0.98, 1e-10  # the quantile at the upper end of a scale, and its lowest begin as a fraction of that
EDGE_POINTS = 65  # of the curve on which an optimizer becomes unstable
IntArray = npt.NDArray[np.int64]

CAPTIONS = {
    "solved": "solved",
    "outcome": "outcome",
    "final_value": "final value",
    "best_value": "lowest value",
    "minimum": "minimum reached",
    "steps_to_tolerance": "steps to tolerance",
    "evaluations": "evaluations",
    "distance": "distance to the minimum",
}
"""The name of each figure."""

UNKNOWN = {"minimum": "no minimum", "final_value": "failed", "best_value": "failed", "distance": "failed"}
"""What a cell without a figure is, if it is not "not solved"."""

FAILED = (Outcome.DIVERGED, Outcome.LEFT, Outcome.UNDEFINED)
OUTCOME_COLORS = {Outcome.SOLVED: 0, Outcome.RAN: 0, Outcome.CONVERGED: 3, Outcome.ROSE: 2, Outcome.DIVERGED: 1}
"""The index in `Theme.paths` of the color of each outcome; 4 for others."""


@dataclass(frozen=True, eq=False)
class MapCell:
    """A cell whose path is shown beside the map, at a place (2,) on the axes."""

    style: Style
    place: FloatArray


@dataclass(frozen=True)
class Category:
    """What the cells of one hue have in common, such as the minimum that they reach."""

    name: str
    color: str


@dataclass(frozen=True, eq=False)
class MapModel:
    """A figure of every cell, as it is after some steps; arrays (…, rows, columns) begin with the lowest row.

    Attributes:
        axes: The horizontal and the vertical axis.
        caption: The name of the figure.
        steps: (n,) the steps from which each of the `shares` holds, ascending from 0.
        shares: (n, rows, columns) the brightness of a cell of a category, or for a number its place on the scale, from
            0 to 1; NaN for a cell without a figure.
        appears: (rows, columns) the step from which a figure is known.
        values: (rows, columns) the figures at the end; NaN for none.
        categories: What the values stand for; none if they are numbers.
        limits: (2,) the numbers at the ends of the scale.
        logarithmic: Whether the scale of numbers is logarithmic.
        unknown: What a cell without a figure is, such as "not reached"; empty if there is none.
        brighter: What brighter cells of a category are; empty for numbers.
        edge: (n, 2) the curve on which the optimizer becomes unstable, as coordinates on the axes; (0, 2) for none.
        cells: The cells whose paths are shown.
        center: For a zoom, the place (2,) of the point that it leads to, as shares of the width and the height; the
            `shares` and `values` are then (n, rows, columns), each for half the ranges of the one before.
    """

    kind: ClassVar[str] = "map"
    turns: ClassVar[bool] = False

    axes: tuple[ScaledAxis, ScaledAxis]
    caption: str
    steps: npt.NDArray[np.int64]
    shares: FloatArray
    appears: npt.NDArray[np.int64]
    values: FloatArray
    categories: tuple[Category, ...]
    limits: FloatArray
    logarithmic: bool
    unknown: str
    brighter: str = ""
    edge: FloatArray = field(default_factory=lambda: np.empty((0, 2)))
    cells: tuple[MapCell, ...] = ()
    center: FloatArray | None = None


def map_axes(result: SweepResult, say: Language) -> tuple[ScaledAxis, ScaledAxis]:
    """Return the axes of a sweep over two settings."""
    assert result.y is not None  # noqa: S101  (for the type checker: a map has two axes)
    return setting_axis(result.x, result, say), setting_axis(result.y, result, say)


def map_facets(
    experiment: Experiment,
    result: SweepResult,
    name: str,
    theme: Theme,
    styles: Sequence[Style | None],
    cells: tuple[MapCell, ...],
) -> tuple[Facet, ...]:
    """Return the map of a figure for each optimizer, all with the same colors.

    Args:
        experiment: The experiment with the sweep over two settings.
        result: The figures; for a zoom those of all ranges, one after the other.
        name: The name of the figure.
        theme: The theme.
        styles: The name of the map of each optimizer; None for no name.
        cells: The cells whose paths are shown.
    """
    axes = map_axes(result, experiment.view.say)
    bounds, minima = np.stack([axis.limits for axis in axes]), np.empty((0, 2))
    if axes[0].is_coordinate and axes[1].is_coordinate and result.objective.dim == 2:
        minima = result.objective.minima[inside(result.objective.minima, bounds)]
    models = _models(result, name, axes, theme, experiment.view.say)
    named = [*zip(styles, experiment.optimizers.items(), strict=True)]
    named *= len(models) // len(named)
    return tuple(
        Facet(
            style=style,
            limits=bounds,
            names=(axes[0].name, axes[1].name),
            model=replace(model, edge=_edge(result, label, spec, axes), cells=cells),
            minima=minima,
        )
        for model, (style, (label, spec)) in zip(models, named, strict=True)
    )


def zoomed(facets: Sequence[Facet], optimizers: int, to: Sequence[float], say: Language) -> tuple[Facet, ...]:
    """Return one facet per optimizer that zooms into a point, from those of all optimizers in each range."""
    axes, limits = cast("MapModel", facets[0].model).axes, facets[0].limits
    places = np.array([axis.places(np.array(value)) for axis, value in zip(axes, to, strict=True)])
    pairs = zip(axes, to, strict=True)
    names = [say("{name}, around {value}", name=axis.name, value=number(value, 4)) for axis, value in pairs]
    found = []
    for facet, *inner in (facets[index::optimizers] for index in range(optimizers)):
        models = [cast("MapModel", each.model) for each in (facet, *inner)]
        model = replace(
            models[0],
            steps=np.arange(len(models)),
            shares=np.concatenate([each.shares[-1:] for each in models]),
            values=np.stack([each.values for each in models]),
            appears=np.zeros_like(models[0].appears),
            edge=np.empty((0, 2)),
            unknown="" if all(np.isfinite(each.shares[-1]).all() for each in models) else models[0].unknown,
            center=(places - limits[:, 0]) / np.diff(limits)[:, 0],
        )
        found.append(replace(facet, names=(names[0], names[1]), model=model, minima=np.empty((0, 2))))
    return tuple(found)


def _edge(result: SweepResult, label: str, spec: OptimizerSpec, axes: tuple[ScaledAxis, ScaledAxis]) -> FloatArray:
    """Return the curve on which an optimizer becomes unstable, (n, 2), as coordinates on the axes; (0, 2) for none."""
    settings = [axis.setting.replace(EVERY, label, 1).removeprefix(f"optimizers.{label}.") for axis in result.axes]
    if "lr" not in settings or any(each.startswith("objective") for each in settings):
        return np.empty((0, 2))
    lr, other = settings.index("lr"), 1 - settings.index("lr")
    along = axes[other].limits
    low, high = 10.0**along if axes[other].scale == "log" else along
    values = np.linspace(low, high, EDGE_POINTS)
    momentum = values if settings[other] == "momentum" else np.full(len(values), spec.settings.get("momentum", 0.0))
    rates = largest_rates(result.objective, spec, momentum)
    if rates is None:
        return np.empty((0, 2))
    places = [axes[lr].places(rates), axes[other].places(values)]
    return np.stack(places if lr == 0 else places[::-1], -1)


def _models(
    result: SweepResult, name: str, axes: tuple[ScaledAxis, ScaledAxis], theme: Theme, say: Language
) -> list[MapModel]:
    values, appears = known_figures(result, name)
    known, names = np.isfinite(values), categories(result, name, say)
    steps: IntArray = np.zeros(1, np.int64)
    limits, logarithmic = np.array([0.0, 1.0]), False
    shown: tuple[Category, ...] = ()
    brighter = say("brighter: better" if name == "outcome" else "brighter: faster") if names else ""
    if names:
        codes = np.array(sorted(set(values[known].tolist())))
        shares = _brightness(result, name, values, appears)[None]
        values = np.where(known, np.searchsorted(codes, values), np.nan)
        shown = tuple(Category(names[code], _color(name, code, theme)) for code in codes.astype(int).tolist())
    else:
        limits, logarithmic = _scale_of(values[known])
        steps, frames = _frames(result, name, values)
        shares = _shares(frames, limits, logarithmic)
    missing = UNKNOWN.get(name, "not solved" if "solved" in result.figures else "not yet known")
    unknown = say(missing) if not known.all() or appears.any() else ""
    return [
        MapModel(
            axes=axes,
            caption=say(CAPTIONS[name]),
            steps=steps,
            shares=shares[:, index],
            appears=appears[index],
            values=values[index],
            categories=shown,
            limits=limits,
            logarithmic=logarithmic,
            unknown=unknown,
            brighter=brighter,
        )
        for index in range(len(result.labels))
    ]


def known_figures(result: SweepResult, name: str) -> tuple[FloatArray, IntArray]:
    """Return a figure, NaN where it is unknown, and the step from which it is known, each (optimizers, …)."""
    final, outcome = result.figures[name].astype(np.float64), result.figures["outcome"]
    failed = np.isin(outcome, [OUTCOMES.index(each) for each in FAILED])
    if name in ("final_value", "best_value", "distance"):
        return np.where(failed, np.nan, final), np.zeros(final.shape, np.int64)
    if name == "minimum":
        return np.where(final < 0, np.nan, final), np.maximum(result.minimum_steps, 0)
    ends = result.stop_steps.astype(np.int64)
    arrives = np.nan_to_num(result.figures.get("steps_to_tolerance", ends)).astype(np.int64)
    if name in ("steps_to_tolerance", "evaluations"):
        return final, arrives
    arrives = np.maximum(arrives, result.minimum_steps)
    if name == "solved":
        return np.where(final > 0, final, np.nan), arrives
    ran, solved = OUTCOMES.index(Outcome.RAN), OUTCOMES.index(Outcome.SOLVED)
    if "solved" in result.figures:
        final = np.where(outcome == ran, np.nan, final)
    return final, np.select([outcome == ran, outcome == solved], [0, arrives], ends)


def categories(result: SweepResult, name: str, say: Language) -> Mapping[int, str]:
    """Return what each value of a figure stands for; nothing for numbers."""
    if name == "minimum":
        return dict(enumerate(map(point_text, result.objective.minima)))
    if name == "outcome":
        words = {code: say(outcome.value) for code, outcome in enumerate(OUTCOMES)}
        ran = OUTCOMES.index(Outcome.RAN)
        return words if "solved" in result.figures else words | {ran: say("ended no higher than it started")}
    return {0: say("not solved"), 1: say("solved")} if name == "solved" else {}


def _color(name: str, code: int, theme: Theme) -> str:
    """Return the color of a value of a figure with categories."""
    index = OUTCOME_COLORS.get(OUTCOMES[code], 4) if name == "outcome" else code * (name == "minimum")
    return theme.paths[index % len(theme.paths)]


def _brightness(result: SweepResult, name: str, values: FloatArray, appears: IntArray) -> FloatArray:
    """Return how fast each run is among those with the same value, from 0 to 1 for the fastest; NaN for no value.

    Of those that fail, the last ones are the brightest, and of those that ran all steps, the ones with the lowest
    values.
    """
    order, shares = appears.astype(np.float64), np.full(values.shape, np.nan)
    if name == "outcome":
        order = np.where(np.isin(values, [OUTCOMES.index(each) for each in FAILED]), -order, order)
        ended = np.isin(values, [OUTCOMES.index(Outcome.RAN), OUTCOMES.index(Outcome.ROSE)])
        order = np.where(ended, result.figures["final_value"], order)
    for value in set(values[np.isfinite(values)].tolist()):
        own = order[values == value]
        shares[values == value] = 1 - np.searchsorted(np.sort(own), own) / len(own)
    return shares


def _scale_of(values: FloatArray) -> tuple[FloatArray, bool]:
    """Return the limits (2,) of a scale for numbers (n,), and whether it is logarithmic."""
    low, high = np.quantile(values, [1 - MOST, MOST]).tolist() if values.size else (0.0, 1.0)
    least = max(low, LEAST * high)
    if values.min(initial=0.0) >= 0 and high > SPANNING * least:
        return np.array([least, high]), True
    return np.array([low, high if high > low else low + 1]), False


def _frames(result: SweepResult, name: str, values: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return the steps (n,) from which figures (n, optimizers, rows, columns) hold; the last ones are `values`."""
    if name not in result.history:
        return np.zeros(1, np.int64), values[None]
    failed, steps = np.isnan(values), result.history_steps
    gone = failed & (result.stop_steps <= steps[:-1].reshape(-1, 1, 1, 1))
    return steps, np.concatenate([np.where(gone, np.nan, result.history[name][:-1]), values[None]], dtype=np.float32)


def _shares(values: FloatArray, limits: FloatArray, logarithmic: bool) -> FloatArray:
    """Return the place of values (…) on a scale, from 0 to 1."""
    if logarithmic:
        values, limits = np.log(np.maximum(values, limits[0])), np.log(limits)
    return np.asarray(np.clip((values - limits[0]) / (limits[1] - limits[0]), 0, 1))
