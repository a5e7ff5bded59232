"""What is to be seen, as numbers: trajectories in, a `Scene` out, and nothing drawn yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from gdsim.analysis import group_by_objective, last_steps
from gdsim.config import Animation, View
from gdsim.errors import InputError
from gdsim.objectives import FloatArray, Objective, inside
from gdsim.scene.arrows import arrows, lengths
from gdsim.scene.captions import describe, formula, joined, portrait, subtitles
from gdsim.scene.films import image_films
from gdsim.scene.grounds import ValueAxis, field, line, relief, symbol
from gdsim.scene.heat import BY_LAYER, heat_limits
from gdsim.scene.levels import Levels, labels, number, power, round_ticks
from gdsim.scene.model import (
    Arrows,
    ContourModel,
    CurveModel,
    CurvesPanel,
    Exit,
    Facet,
    Group,
    Heatmap,
    HeatmapRow,
    ImageGrid,
    ImageRow,
    ImageSequence,
    Mark,
    PanelCurve,
    PanelModel,
    Path,
    Scene,
    Style,
    SurfaceModel,
    ViewModel,
)
from gdsim.scene.panels import axis_limits, on_axis, panels
from gdsim.scene.paths import FEW_STARTS, Stage, path, places_each, styles
from gdsim.scene.projection import Projection, check, choose_projection
from gdsim.scene.space import Camera, Space
from gdsim.simulation import Trajectory
from gdsim.themes import Theme, theme

__all__ = [
    "FEW_STARTS",
    "Arrows",
    "Camera",
    "ContourModel",
    "CurveModel",
    "CurvesPanel",
    "Exit",
    "Facet",
    "Group",
    "Heatmap",
    "HeatmapRow",
    "ImageGrid",
    "ImageRow",
    "ImageSequence",
    "Levels",
    "Mark",
    "PanelCurve",
    "PanelModel",
    "Path",
    "Projection",
    "Scene",
    "Space",
    "Style",
    "SurfaceModel",
    "ViewModel",
    "axis_limits",
    "build_scene",
    "choose_projection",
    "labels",
    "lengths",
    "number",
    "on_axis",
    "power",
    "preview_scene",
    "round_ticks",
]

FEW_STEPS = 100
"""Up to so many steps each iterate has its dot."""


def build_scene(
    trajectories: Sequence[Trajectory], *, view: View | None = None, animation: Animation | None = None
) -> Scene:
    """Turn trajectories into a scene.

    Args:
        trajectories: At least one, all of the same number of steps; those over the same objective make a group.
        view: What is shown, and how; the defaults when left out.
        animation: The pace; the defaults when left out.

    Raises:
        InputError: There is no trajectory, the trajectories do not belong together, or the view does not fit them.
    """
    view, animation = view or View(), animation or Animation()
    if not trajectories:
        raise InputError("there is no trajectory to show")
    steps = len(trajectories[0].points) - 1
    if any(len(each.points) - 1 != steps for each in trajectories):
        raise InputError("the trajectories do not belong together: their numbers of steps differ")
    groups = group_by_objective(trajectories)
    objectives, most = [group[0].objective for group in groups], places_each(trajectories)
    check(objectives, view)
    if view.layout == "grid":
        _check_grid(groups)
    sections = [choose_projection(group[0].objective, view, list(map(_course, group))) for group in groups]
    page = _page(objectives, sections, view)
    drawn = styles(groups, page.theme.paths)
    shared = len(trajectories) if view.layout == "grid" else len(groups)
    heat = _heat(trajectories, view)
    made = tuple(_group(*each, view, most, shared, heat) for each in zip(groups, sections, drawn, strict=True))
    return replace(
        page,
        alt_text=" ".join(describe(group[0].objective, group) for group in groups),
        styles=tuple(dict.fromkeys(style for own in drawn for style in own)),
        groups=made if len(made) > 1 else (replace(made[0], name=""),),
        dots=steps <= FEW_STEPS and max(_heads(facet) for each in made for facet in each.facets) <= 2 * FEW_STARTS,
        trail=None if animation.trail == "whole" else animation.trail,
        vectors=view.vectors,
        steps=steps,
        frame_steps=_frame_steps(steps, animation),
        fps=animation.fps,
        hold=animation.hold,
    )


def preview_scene(objective: Objective, *, view: View | None = None) -> Scene:
    """Turn an objective alone into a scene of one frame: its ground, its arrows and its minima."""
    view = view or View()
    check([objective], view)
    shown = choose_projection(objective, view)
    if objective.image is not None and shown.kind == "image":
        span = np.array([objective.bounds[:, 0].min(), objective.bounds[:, 1].max()])
        start = ImageSequence(np.zeros(1, np.int64), objective.start.reshape(1, *objective.image), span, "gray")
        return replace(_page([objective], [shown], view), groups=(Group("", (_screen(None, start),), ()),))
    facet, _ = _facet(objective, shown, view, (), 1)
    return replace(_page([objective], [shown], view), groups=(Group("", (facet,), ()),))


def _check_grid(groups: Sequence[Sequence[Trajectory]]) -> None:
    fewest, most = (choose(groups, key=len) for choose in (min, max))
    if len(fewest) != len(most):
        counts = " and ".join(f"{group[0].objective.title} has {len(group)}" for group in (most, fewest))
        raise InputError(f"a grid needs as many trajectories over each objective; {counts}", ("view", "layout"))


def _course(trajectory: Trajectory) -> FloatArray:
    """The iterates, (steps + 1, starts, dim), with NaN from where a start breaks off: its last ones run away."""
    broken = np.array([stop.breaks_off for stop in trajectory.stops])
    rows = np.arange(len(trajectory.points))[:, None]
    # Where it begins a start is seen all the same.
    gone = broken & (rows >= np.maximum(last_steps(trajectory), 1))
    return np.where(gone[..., None], np.nan, trajectory.points)


def _frame_steps(steps: int, animation: Animation) -> FloatArray:
    # Unlike linspace, this meets a whole step exactly wherever a frame falls on one.
    frames = np.arange(max(2, round(animation.fps * animation.seconds)))
    last = len(frames) - 1
    return frames**2 * steps / last**2 if animation.pace == "early" else frames * steps / last


def _heads(facet: Facet) -> int:
    return sum(each.points.shape[1] for each in facet.paths)


def _heat(trajectories: Sequence[Trajectory], view: View) -> dict[str, FloatArray]:
    """The values of the ends of the colours of each panel of heat maps, the same all over the scene."""
    wanted = [name for name in BY_LAYER if name in view.panels and view.layers == "heat"]
    if wanted and view.against == "evaluations":
        words = "evaluations goes with lines: a heat map of layers has steps; take layers: lines"
        raise InputError(words, ("view", "against"))
    return {name: heat_limits(name, trajectories) for name in wanted}


def _group(
    trajectories: Sequence[Trajectory],
    shown: Projection,
    own: Sequence[Style],
    view: View,
    most: int,
    shared: int,
    heat: Mapping[str, FloatArray],
) -> Group:
    objective = trajectories[0].objective
    beside = panels(objective, shown, trajectories, own, view, heat)
    if shown.kind == "image":
        pairs = zip(own, image_films(objective, trajectories), strict=True)
        return Group(objective.title, tuple(_screen(*pair) for pair in pairs), beside)
    facet, axis = _facet(objective, shown, view, trajectories, shared)
    stage = Stage(shown, facet.limits, axis, most)
    paths = tuple(path(each, style, stage) for each, style in zip(trajectories, own, strict=True))
    if view.layout == "grid":
        facets = tuple(replace(facet, style=each.style, paths=(each,)) for each in paths)
    else:
        facets = (replace(facet, paths=paths),)
    return Group(objective.title, facets, beside)


def _screen(style: Style | None, film: ImageSequence) -> Facet:
    """The facet on which one optimizer's image is seen."""
    rows, columns = film.pictures.shape[1:]
    view = np.array([[0.0, columns], [0.0, rows]])
    return Facet(style, view, ("", ""), film, None, np.empty((0, 2)), ())


def _facet(
    objective: Objective, shown: Projection, view: View, trajectories: Sequence[Trajectory], shared: int
) -> tuple[Facet, ValueAxis | None]:
    """A facet without paths, one of those that share the picture, and for a surface its value axis."""
    span = float(np.diff(shown.bounds).max())
    spots = shown.project(objective.minima)
    lying = inside(spots, shown.bounds) & (shown.distance(objective.minima) <= 1e-6 * span)
    minima, box, axis = spots[lying], shown.bounds, None
    lowest = objective.values(objective.minima[lying]) if shown.kind != "contour" else np.empty(0)
    ground: ContourModel | CurveModel | SurfaceModel
    if shown.kind == "curve":
        ground, limits = line(objective, shown, trajectories, lowest)
        box = np.stack([shown.bounds[0], limits])
        minima = np.column_stack([minima, lowest])
    elif shown.kind == "surface":
        ground, axis = relief(objective, shown, view, trajectories, lowest)
        minima = np.column_stack([minima, axis.heights(lowest)])
    else:
        ground = field(objective, shown, view)
    facet = Facet(
        style=None,
        limits=box,
        names=("x", "f(x)") if shown.kind == "curve" else (shown.names[0], shown.names[1]),
        model=ground,
        arrows=arrows(objective, shown, view, shared),
        minima=minima,
        paths=(),
        marks=_marks(objective, shown, axis),
        value_name=symbol(objective),
    )
    return facet, axis


def _marks(objective: Objective, shown: Projection, axis: ValueAxis | None) -> tuple[Mark, ...]:
    """The recordings that a plane of weights goes through, upon the ground."""
    landscape = objective.landscape
    if landscape is None:
        return ()
    places = landscape.marks
    if axis is not None:
        places = np.column_stack([places, axis.heights(objective.values(landscape.marks))])
    named = zip(places.tolist(), landscape.mark_names, inside(landscape.marks, shown.bounds), strict=True)
    return tuple(Mark(tuple(place), name) for place, name, seen in named if seen)


def _page(objectives: Sequence[Objective], sections: Sequence[Projection], view: View) -> Scene:
    """A scene of one frame with nothing on it yet but its words."""
    title = joined([each.title for each in objectives])
    return Scene(
        title=title if view.title is None else view.title,
        formula=formula(objectives, view),
        formula_for_title=view.title is None and {each.name for each in objectives} == {"expression"},
        subtitles=subtitles(objectives, sections),
        alt_text=portrait(title, view),
        theme=_look(view),
        size=(view.size[0], view.size[1]),
        panels_at=view.panels_at,
    )


def _look(view: View) -> Theme:
    try:
        return theme(view.theme if isinstance(view.theme, str) else view.theme.given())
    except InputError as error:
        raise error.below("view", "theme") from error
