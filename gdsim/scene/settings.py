"""Build scenes of sweeps over one setting: the path bends as the setting changes, beside the curves of figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gdsim.config import Animation, Experiment, View
from gdsim.languages import Language
from gdsim.objectives import FloatArray
from gdsim.objectives.formulas import number
from gdsim.scene.build import blank_page, plain_styles, projection_of, timing, titled, unprojected
from gdsim.scene.facets import GroupInput
from gdsim.scene.figures import axis_limits
from gdsim.scene.model import Facet, Fan, Group, Path, Scene, Style
from gdsim.scene.panels.curves import CurvesPanel, PanelCurve
from gdsim.scene.scales import ScaledAxis, setting_axis
from gdsim.scene.sweep_map import CAPTIONS, categories, known_figures
from gdsim.scene.sweep_texts import agreement_notes, describe_sweep, fixed_settings, sweep_finding
from gdsim.scene.sweep_values import values_facet
from gdsim.scene.views import kind_of
from gdsim.simulation import Trajectory
from gdsim.sweeps import SweepResult
from gdsim.sweeps.paths import paths_along, record


def build_setting_scene(experiment: Experiment, result: SweepResult, view: View, animation: Animation) -> Scene:
    """Build a scene of a sweep over one setting, whose time is the place among its values in ascending order.

    The runs that the picture shows are run again.
    """
    order = np.argsort(result.x.values)
    figures = {name: each[:, order] for name, each in result.figures.items()}
    result = replace(result, x=replace(result.x, values=result.x.values[order]), figures=figures)
    axis, objective = setting_axis(result.x, result, view.say), result.objective
    last = len(axis.values) - 1
    projection, paths = unprojected(objective), list[Trajectory]()
    # A network has no plane that holds its paths, and a function that varies has no level lines that fit all of them.
    if objective.kind != "network" and not result.varies_objective:
        paths = [each for row in paths_along(experiment) for each in row]
        # Paths with settings that are too large go far beyond any view.
        projection = projection_of(objective, view, [each.points for each in paths] if objective.dim > 2 else ())
    page = blank_page([objective], [projection], view)
    named = [(*each, color) for each, color in zip(fixed_settings(result), result.colors, strict=True)]
    own = plain_styles(named, page.theme)
    if paths:
        shown = view.model_copy(update={"layout": "overlay", "arrows": "none"})
        inputs = GroupInput(objective, projection, shown, paths, own * len(axis.values), paths)
        facet = _with_fans(kind_of(objective, view).facets(inputs)[0], own)
    else:
        _, steps, values = record(experiment, "final_value", last + 1)
        name = view.say(objective.value_name)
        facet = values_facet(steps, values[:, order][..., 0], name, own, view.say)
    described = describe_sweep(result, (axis,), view.say)
    panels = tuple(_panel(result, name, axis, own, view.say) for name in result.show)
    return replace(
        titled(page, view, sweep_finding(result, (axis,), view.say)),
        alt_text=described.text,
        caption=described.caption(),
        formula="" if result.varies_objective else page.formula,
        notes=(*page.notes, *agreement_notes([result], view.say)),
        styles=tuple(own),
        groups=(Group("", (facet,), panels),),
        steps=last,
        readings=tuple(f"{axis.name} {number(value, 3)}" for value in axis.values.tolist()),
        figures=tuple((view.say(CAPTIONS[name]), result.figures[name].astype(np.float64)) for name in result.show),
        frame_steps=_frame_steps(last, _best_value(result), animation),
        **timing(animation),
    )


def _frame_steps(last: int, best: int, animation: Animation) -> FloatArray:
    """Return the value that each frame shows: all of them, and then back to the best.

    They are whole, because paths between two values are not known.
    """
    places = np.linspace(0, 2 * last - best, max(2, round(animation.fps * animation.seconds)))
    return np.where(places < last, np.floor(places + 1e-9), np.ceil(2 * last - places - 1e-9))


def _best_value(result: SweepResult) -> int:
    """Return the place of the value with which the most optimizers reach a minimum, in the fewest steps together.

    Where no minimum is known, it is the value with which they end lowest, by the sum of their ranks.
    """
    if "solved" in result.figures:
        never = len(result.labels) * result.steps
        costs = np.where(result.figures["solved"], result.figures["steps_to_tolerance"], never)
    else:
        costs = result.figures["final_value"].argsort(-1, kind="stable").argsort(-1)
    return int(costs.sum(0).argmin())


def _with_fans(facet: Facet, own: Sequence[Style]) -> Facet:
    """Return a facet with one fan per optimizer instead of the path of each value."""
    fans = []
    for index, style in enumerate(own):
        paths = facet.paths[index :: len(own)]
        fans.append(Fan(style, _padded(paths), np.array([not path.exits for path in paths])))
    return replace(facet, paths=(), fans=tuple(fans), inset=None)


def _padded(paths: Sequence[Path]) -> FloatArray:
    """Return the paths of one start each up to their ends, (paths, n, k), with the last point repeated."""
    kept = [path.points[path.times <= path.ends[0], 0] for path in paths]
    longest = max(map(len, kept))
    return np.stack([np.concatenate([each, np.repeat(each[-1:], longest - len(each), axis=0)]) for each in kept])


def _panel(result: SweepResult, name: str, axis: ScaledAxis, own: Sequence[Style], say: Language) -> CurvesPanel:
    """Return the curve of a figure over the setting for each optimizer."""
    words = categories(result, name, say)
    values = result.figures[name].astype(np.float64) if words else known_figures(result, name)[0]
    places = axis.places(axis.values) - axis.places(axis.values[0])
    if words:
        codes, positions = np.unique(values, return_inverse=True)
        values = positions.reshape(values.shape).astype(np.float64)
        ticks = np.arange(len(codes), dtype=np.float64)
        limits, logarithmic = np.array([-0.5, len(codes) - 0.5]), False
        names = tuple(words.get(int(code), say("no minimum")) for code in codes)
    else:
        ticks, names = None, ()
        limits, logarithmic = axis_limits(values[np.isfinite(values)])
    return CurvesPanel(
        caption=say(CAPTIONS[name]),
        across=axis.name,
        reach=float(places[-1]),
        base=0.0,
        logarithmic=logarithmic,
        limits=limits,
        ticks=ticks,
        curves=tuple(
            PanelCurve(style, np.stack([places, row], -1)[:, None], np.array([len(places) - 1]))
            for style, row in zip(own, values, strict=True)
        ),
        scale=axis,
        names=names,
    )
