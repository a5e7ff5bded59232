"""Build scenes of sweeps over one setting: the path bends as the setting changes, beside the curves of figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gdsim.config import Animation, View
from gdsim.languages import Language
from gdsim.objectives import FloatArray
from gdsim.objectives.formulas import number
from gdsim.scene.build import blank_page, projection_of, styles
from gdsim.scene.facets import GroupInput
from gdsim.scene.figures import axis_limits
from gdsim.scene.model import Facet, Fan, Group, Path, Scene, Style
from gdsim.scene.panels.curves import CurvesPanel, PanelCurve
from gdsim.scene.scales import ScaledAxis, setting_axis
from gdsim.scene.sweep_texts import agreement_notes, describe_sweep, fixed_settings, sweep_finding
from gdsim.scene.views import kind_of
from gdsim.scene.views.map import CAPTIONS, categories, known_figures
from gdsim.simulation import Trajectory
from gdsim.sweeps import SweepResult


def build_setting_scene(
    result: SweepResult, paths: Sequence[Sequence[Trajectory]], view: View, animation: Animation
) -> Scene:
    """Build a scene of a sweep over one setting, whose time is the place among its values.

    Args:
        result: The figures.
        paths: For each value, the trajectories of all optimizers.
        view: What is shown, and how.
        animation: The timing.
    """
    axis, last = setting_axis(result.x, result, view.say), len(paths) - 1
    objective, every = paths[0][0].objective, [each for row in paths for each in row]
    # Paths with settings that are too large go far beyond any view.
    projection = projection_of(objective, view, [each.points for each in every] if objective.dim > 2 else ())
    page = blank_page([objective], [projection], view)
    (given,) = styles([paths[0]], page.theme)
    settings = fixed_settings(result)
    own = [replace(style, settings=words) for style, (_, words) in zip(given, settings, strict=True)]
    shown = view.model_copy(update={"layout": "overlay", "arrows": "none"})
    inputs = GroupInput(objective, projection, shown, every, own * len(paths), every)
    (facet,) = kind_of(objective, view).facets(inputs)
    panels = tuple(_panel(result, name, axis, own, view.say) for name in result.show)
    titles = sweep_finding(result, (axis,), view.say) if view.title is None else ()
    count, best = max(2, round(animation.fps * animation.seconds)), _best_value(result)
    places = np.linspace(0, 2 * last - best, count)
    return replace(
        page,
        title=titles[0] if titles else page.title,
        short_titles=(*titles[1:], page.title) if titles else (),
        alt_text=describe_sweep(result, (axis,), view.say),
        notes=(*page.notes, *agreement_notes([result], view.say)),
        styles=tuple(own),
        groups=(Group("", (_with_fans(facet, own),), panels),),
        steps=last,
        readings=tuple(f"{axis.name} {number(value, 3)}" for value in axis.values.tolist()),
        figures=tuple((view.say(CAPTIONS[name]), result.figures[name].astype(np.float64)) for name in result.show),
        # Over all values, and back to the best. Whole, because paths between two values are not known.
        frame_steps=np.where(places < last, np.floor(places + 1e-9), np.ceil(2 * last - places - 1e-9)),
        fps=animation.fps,
        hold=animation.hold,
        poster_first=animation.first == "poster",
    )


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
