"""Build scenes of sweeps: maps over two settings that develop over the steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from math import log2
from typing import Any, cast

import numpy as np

from gdsim.config import Animation, Experiment, View
from gdsim.objectives import FloatArray
from gdsim.objectives.formulas import number
from gdsim.scene.build import blank_page, projection_of, timing, titled, unprojected
from gdsim.scene.cells import cell_runs
from gdsim.scene.facets import GroupInput
from gdsim.scene.model import Group, Scene, Style
from gdsim.scene.scales import ScaledAxis
from gdsim.scene.settings import build_setting_scene
from gdsim.scene.sweep_map import CAPTIONS, IntArray, MapCell, MapModel, map_axes, map_facets, zoomed
from gdsim.scene.sweep_texts import agreement_notes, category_shares, describe_sweep, fixed_settings, sweep_finding
from gdsim.scene.views import kind_of
from gdsim.sweeps import SweepResult
from gdsim.sweeps.paths import nearest, paths_at
from gdsim.sweeps.plan import sweep_of
from gdsim.sweeps.run import combined, zoom_results
from gdsim.themes import MARKERS, Theme

FRAMES = 32  # of a zoom by a factor of 2
QUIETEST = 0.4  # the share of an animation's time that all steps have equal parts of


def build_sweep_scene(
    experiment: Experiment, result: SweepResult, *, view: View | None = None, animation: Animation | None = None
) -> Scene:
    """Build a scene of a sweep: a map of each figure for each optimizer, or with one axis curves beside the paths.

    Args:
        experiment: The experiment with the sweep. The paths that the picture shows are run.
        result: The figures.
        view: What is shown, and how; None for what the experiment says.
        animation: The timing; likewise.
    """
    view, animation = view or experiment.view, animation or experiment.animation
    if result.y is None:
        return build_setting_scene(experiment, result, view, animation)
    axes, objective = map_axes(result, view.say), result.objective
    page = blank_page([objective], [unprojected(objective)], view)
    names = [Style(label, settings, page.theme.quiet, (), "") for label, settings in fixed_settings(result)]
    # The only optimizer is named under the title.
    headings, only = (names, []) if len(names) > 1 else ([None], [names[0].label, names[0].settings])
    cells, zoom = _cells(sweep_of(experiment).paths, result, axes, page.theme), animation.zoom
    inner = [*zoom_results(experiment, zoom)] if zoom else []
    every = combined(result, inner) if inner else result
    facets = [map_facets(experiment, every, name, page.theme, headings, cells) for name in result.show]
    models = [[cast("MapModel", facet.model) for facet in own[: len(names)]] for own in facets]
    legend = [
        Style(each.name, category_shares(own, result.labels, index), each.color, (), "s")
        for own in models
        for index, each in enumerate(own[0].categories)
    ]
    time: dict[str, Any]
    if zoom:
        facets = [zoomed(own, len(names), zoom.to, view.say) for own in facets]
        halvings = log2(zoom.factor)
        time = {
            "steps": len(inner),
            "readings": tuple(f"{2**number:,} ×" for number in range(len(inner) + 1)),
            "frame_steps": np.append(np.arange(0, halvings, 1 / FRAMES), halvings),
        }
    else:
        appears = [model.appears[np.isfinite(model.values)] for own in models for model in own]
        time = {"steps": result.steps, "frame_steps": _frame_steps(np.concatenate(appears), result.steps, animation)}
    captions = [view.say(CAPTIONS[name]) if len(result.show) > 1 or cells else "" for name in result.show]
    groups = list(map(Group, captions, facets))
    if cells:
        groups.append(_paths(experiment, view, headings, [cell.style for cell in cells]))
    described = describe_sweep(result, axes, view.say)
    scene = replace(
        titled(page, view, sweep_finding(result, axes, view.say)),
        alt_text=described.text,
        caption=described.caption(),
        formula="" if result.varies_objective else page.formula,
        notes=agreement_notes([result, *inner], view.say),
        subject=" · ".join(dict.fromkeys(filter(None, [page.subject, *only]))),
        styles=(*(names if len(names) > 1 else ()), *legend, *(cell.style for cell in cells)),
        groups=tuple(groups),
        **time,
        **timing(animation),
    )
    return scene if zoom else replace(scene, cell_runs=partial(cell_runs, experiment, result, view, scene))


def _cells(
    cells: Sequence[Sequence[float] | float], result: SweepResult, axes: tuple[ScaledAxis, ScaledAxis], theme: Theme
) -> tuple[MapCell, ...]:
    """Return the cells whose paths are shown, each at the values nearest to those given."""
    found = []
    for index, given in enumerate(cells):
        pairs = zip(result.axes, np.atleast_1d(given).tolist(), strict=True)
        values = [float(axis.values[nearest(axis.values, value, axis.scale)]) for axis, value in pairs]
        named = [f"{axis.name} {number(value, 2)}" for axis, value in zip(axes, values, strict=True)]
        style = Style(", ".join(named), "", theme.paths[index % len(theme.paths)], (), MARKERS[index % len(MARKERS)])
        place = np.array([float(axis.places(np.array(value))) for axis, value in zip(axes, values, strict=True)])
        found.append(MapCell(style, place))
    return tuple(found)


def _paths(experiment: Experiment, view: View, names: Sequence[Style | None], styles: Sequence[Style]) -> Group:
    """Run the chosen cells, and return their paths, in one view per optimizer."""
    cells = sweep_of(experiment).paths
    paths = [paths_at(experiment, each if isinstance(each, list) else [each]) for each in cells]
    objective = paths[0][0].objective
    every = [trajectory for cell in paths for trajectory in cell]
    projection = projection_of(objective, view, [each.points for each in every])
    overlay = view.model_copy(update={"layout": "overlay", "arrows": "none"})
    facets = []
    for index, name in enumerate(names):
        own = [cell[index] for cell in paths]
        inputs = GroupInput(objective, projection, overlay, own, styles, every, len(names))
        (facet,) = kind_of(objective, view).facets(inputs)
        facets.append(replace(facet, style=name))
    return Group(view.say("paths"), tuple(facets))


def _frame_steps(appears: IntArray, steps: int, animation: Animation) -> FloatArray:
    """Return the step of each frame: a step takes time in proportion to the cells that appear, and a part for each."""
    count = max(2, round(animation.fps * animation.seconds))
    counts = np.bincount(appears, minlength=steps + 1)[1:]
    durations = np.full(steps, QUIETEST / steps) + (1 - QUIETEST) * counts / max(counts.sum(), 1)
    ends = np.append(0.0, np.cumsum(durations)) / durations.sum()
    shown = np.interp(np.linspace(0, 1, count), ends, np.arange(steps + 1))
    return np.append(shown[:-1], float(steps))
