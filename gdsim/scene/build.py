"""Build scenes: of trajectories, and of an objective alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, cycle
from typing import Any, Literal

import numpy as np

from gdsim.analysis.findings import finding, winner
from gdsim.analysis.framing import fitted, fitted_alone, known_points
from gdsim.analysis.metrics import group_by_objective
from gdsim.config import Animation, View
from gdsim.errors import InputError, Problem
from gdsim.interrupts import pause
from gdsim.languages import ENGLISH, Language
from gdsim.objectives import FloatArray, Objective
from gdsim.objectives.formulas import number
from gdsim.scene.camera import moving_share
from gdsim.scene.captions import describe, formula, library_notes, milestones, notes
from gdsim.scene.curvature import curvature_problems
from gdsim.scene.facets import GroupInput
from gdsim.scene.minima import by_minimum
from gdsim.scene.model import FEW_STARTS, Group, Scene, Style
from gdsim.scene.pace import frame_steps
from gdsim.scene.panels import FITTING, panel_kind, panel_problems
from gdsim.scene.projection import Projection, choose_projection, plane_problems
from gdsim.scene.state import vector_problems
from gdsim.scene.views import kind_of, kind_problems
from gdsim.simulation import Trajectory
from gdsim.themes import DASHES, MARKERS, Theme
from gdsim.themes import theme as find_theme

DRAWN = {
    "gradient": "{title} with its gradient arrows",
    "stream": "{title} with stream lines of its gradient",
    "heads": "{title}",
    "none": "{title}",
}


def view_problems(objectives: Sequence[Objective], view: View) -> Iterator[Problem]:
    """Yield settings of a view that apply to none of the objectives shown together; keys are relative to `view`."""
    problems = list(kind_problems(objectives, view))
    yield from problems
    if not any(problem.key == ("kind",) for problem in problems):
        yield from plane_problems(objectives, view)
        yield from curvature_problems(objectives, view)
        yield from panel_problems(objectives, view)
        yield from vector_problems(objectives, view)
        yield from _name_problems(objectives, view)
        supported, message = FITTING["flow"]
        if view.flow and not {each.kind for each in objectives} <= supported:
            yield Problem(f"flow {message}", ("flow",), "unsupported")


def _name_problems(objectives: Sequence[Objective], view: View) -> Iterator[Problem]:
    axes = {min(each.dim, 2) if kind_of(each, view).projects else 0 for each in objectives}
    if view.names and len(view.names) not in axes:
        wanted = {0: "an image has none", 1: "must be one name", 2: "must be two names"}[max(axes)]
        yield Problem(f"{wanted}, not {len(view.names)}, for '{objectives[0].title}'", ("names",))


def build_scene(
    trajectories: Sequence[Trajectory], *, view: View | None = None, animation: Animation | None = None
) -> Scene:
    """Build a scene from trajectories.

    Args:
        trajectories: At least one, all with the same number of steps; those over the same objective form a group.
        view: What is shown, and how; None for the defaults.
        animation: The timing; None for the defaults.

    Raises:
        InputError: There is no trajectory, the numbers of steps differ, or the view cannot show the trajectories.
    """
    view, animation = view or View(), animation or Animation()
    if not trajectories:
        raise InputError("there is no trajectory to show", code="missing")
    steps = len(trajectories[0].points) - 1
    if any(len(each.points) - 1 != steps for each in trajectories):
        raise InputError("the trajectories do not belong together: their numbers of steps differ", code="conflict")
    groups = [_named(fitted(group), view) for group in group_by_objective(trajectories)]
    trajectories = list(chain(*groups))
    objectives = [group[0].objective for group in groups]
    _check(objectives, view)
    _check_grid(groups, view)
    projections = [projection_of(group[0].objective, view, list(map(known_points, group))) for group in groups]
    page = blank_page(objectives, projections, view)
    few = max(len(each.stops) for each in trajectories) <= FEW_STARTS
    may_split = len(groups) == 1 or view.color_by == "minimum"
    drawn = [by_minimum(group, view, page.theme) for group in groups] if may_split else groups
    group_styles = styles(drawn, page.theme, view.say, thin=not few)
    facets = sum(map(len, drawn)) if view.layout == "grid" else len(groups)
    inputs = [
        GroupInput(objective, projection, view, group, own, trajectories, facets)
        for objective, projection, group, own in zip(objectives, projections, drawn, group_styles, strict=True)
    ]
    built = tuple(_group(each, each.objective.title if len(groups) > 1 else "") for each in inputs)
    pause()
    heads = [sum(path.points.shape[1] for path in facet.paths) for group in built for facet in group.facets]
    every = tuple(dict.fromkeys(style for own in group_styles for style in own))
    described = [describe(group, view.say) for group in groups]
    clock = [view.say("Longer steps are shown for a longer time.")] if animation.pace == "distance" else []
    return replace(
        titled(page, view, finding(groups, view.say)),
        notes=page.notes or library_notes(trajectories, view.say),
        alt_text=" ".join([*(each.text for each in described), *clock]),
        caption=tuple(chain(*(each.caption(group.name) for group, each in zip(built, described, strict=True)))),
        styles=every,
        best=winner(groups[0]) if len(groups) == 1 else None,
        groups=built,
        milestones=milestones(groups, every, page.theme, view.say) if view.milestones else (),
        dots=max(heads) <= 2 * FEW_STARTS and not any(each.is_ensemble for each in trajectories),
        trail=None if animation.trail == "whole" else animation.trail,
        descent=view.arrows == "heads" and not view.vectors,
        vectors=tuple(view.vectors),
        steps=steps,
        frame_steps=_frame_steps(built, steps, view, animation),
        **timing(animation),
    )


def preview_scene(objective: Objective, *, view: View | None = None) -> Scene:
    """Build a scene of one frame from an objective, without paths."""
    view = view or View()
    _check([objective], view)
    objective = _with_names(fitted_alone(objective), view)
    projection = projection_of(objective, view)
    facets = kind_of(objective, view).facets(GroupInput(objective, projection, view))
    return replace(blank_page([objective], [projection], view), groups=(Group("", facets),))


def styles(
    groups: Sequence[Sequence[Trajectory]], theme: Theme, say: Language = ENGLISH, *, thin: bool = False
) -> list[list[Style]]:
    """Return the style of each trajectory of each group; the same optimizer has the same style in all groups.

    Optimizers without a configured colour take those of the theme, in the order of their first appearance.
    """
    keys = [list(_optimizer_keys(group)) for group in groups]
    optimizers: dict[tuple[object, ...], list[Trajectory]] = {}
    for key, trajectory in zip(chain(*keys), chain(*groups), strict=True):
        optimizers.setdefault(key, []).append(trajectory)
    named = [(same[0].label, same[0].settings, same[0].color) for same in optimizers.values()]
    made: dict[tuple[object, ...], Style] = {}
    for (key, same), style in zip(optimizers.items(), plain_styles(named, theme), strict=True):
        aside = _off_plane([number(each.off_plane, 2) for each in same if each.off_plane], say)
        made[key] = replace(style, dash=() if thin else style.dash, aside=aside, thin=thin)
    return [[made[key] for key in group] for group in keys]


def plain_styles(optimizers: Sequence[tuple[str, str, str | None]], theme: Theme) -> list[Style]:
    """Return the styles of optimizers, given the label, the settings and the configured colour of each."""
    given = [color for *_, color in optimizers]
    unused = cycle([color for color in theme.paths if color not in given] or theme.paths)
    return [
        Style(
            label=label,
            settings=settings,
            color=color or next(unused),
            # When the colours repeat, they are combined with other dashes than before.
            dash=DASHES[(theme.dashes * i + i // len(theme.paths)) % len(DASHES)],
            marker=MARKERS[i % len(MARKERS)],
        )
        for i, (label, settings, color) in enumerate(optimizers)
    ]


def _off_plane(distances: Sequence[str], say: Language) -> str:
    if not distances:
        return ""
    *before, last = distances
    if not before:
        return say("{values} off the plane", values=last)
    return say("{values} off the planes", values=say("{words} and {last}", words=", ".join(before), last=last))


def _optimizer_keys(group: Sequence[Trajectory]) -> Iterator[tuple[object, ...]]:
    """Yield keys of the optimizers of a group, which are distinct even if two have the same label and settings."""
    seen: Counter[tuple[object, ...]] = Counter()
    for each in group:
        key = (each.label, each.settings, each.color)
        seen[key] += 1
        yield *key, seen[key]


def _check(objectives: Sequence[Objective], view: View) -> None:
    for problem in view_problems(objectives, view):
        raise InputError(problem.message, ("view", *problem.key), code=problem.code)


def _check_grid(groups: Sequence[Sequence[Trajectory]], view: View) -> None:
    fewest, most = min(groups, key=len), max(groups, key=len)
    if view.layout == "grid" and len(fewest) != len(most):
        counts = " and ".join(f"{group[0].objective.title} has {len(group)}" for group in (most, fewest))
        message = f"a grid needs the same number of trajectories over each objective; {counts}"
        raise InputError(message, ("view", "layout"), code="conflict")


def projection_of(objective: Objective, view: View, paths: Sequence[FloatArray] = ()) -> Projection:
    """Return the line or plane of an objective that a view shows; `paths` as in `choose_projection`."""
    if kind_of(objective, view).projects:
        found = choose_projection(objective, view, paths)
        return replace(found, names=tuple(view.names)) if len(view.names) == len(found.names) else found
    return unprojected(objective)


def unprojected(objective: Objective) -> Projection:
    """Return the projection of an objective whose view does not show its domain."""
    return Projection(np.zeros(objective.dim), np.eye(2, objective.dim), objective.bounds[:2], ("", ""))


def _with_names(objective: Objective, view: View) -> Objective:
    """Return a function with the names of the view for its coordinates, if these are as many single words."""
    fits = len(view.names) == objective.dim and all(name.isalnum() for name in view.names)
    return replace(objective, variables=tuple(view.names)) if fits else objective


def _named(group: Sequence[Trajectory], view: View) -> list[Trajectory]:
    objective = _with_names(group[0].objective, view)
    return [replace(each, objective=objective) for each in group]


def _group(group: GroupInput, name: str) -> Group:
    beside = []
    for panel in group.view.panels:
        pause()
        beside.append(panel_kind(panel).build(group))
    return Group(name, kind_of(group.objective, group.view).facets(group), tuple(beside))


def _frame_steps(groups: Sequence[Group], steps: int, view: View, animation: Animation) -> FloatArray:
    """Return the step that each frame shows; a camera that turns far turns on when the paths are complete."""
    moving = moving_share(view.camera.orbit)
    if moving == 1 or not any(facet.model.turns for group in groups for facet in group.facets):
        return frame_steps(groups, steps, animation)
    count = round(animation.fps * animation.seconds)
    first = frame_steps(groups, steps, animation.model_copy(update={"seconds": moving * animation.seconds}))
    return np.append(first, np.full(max(count - len(first), 0), float(steps)))


def blank_page(objectives: Sequence[Objective], projections: Sequence[Projection], view: View) -> Scene:
    """Return a scene without views, with what the header says of its objectives."""
    say = view.say
    title = say.joined(each.title for each in objectives)
    try:
        look = find_theme(view.theme if isinstance(view.theme, str) else view.theme.given())
    except InputError as error:
        raise error.below("view", "theme") from error
    return Scene(
        title=title_of(view.title, title),
        subject=title,
        formula=formula(objectives, view),
        formula_is_subject={each.name for each in objectives} == {"expression"},
        notes=notes(objectives, [each.words for each in projections], say),
        alt_text=say(DRAWN[view.arrows], title=title) + ".",
        theme=look,
        size=(view.size[0], view.size[1]),
        panels_at=view.panels_at,
        say=say,
    )


def title_of(given: str | Literal[False] | None, name: str) -> str:
    """Return the title that a view gives, or a name if it gives none; empty for no title."""
    return name if given in (None, "function") else given or ""


def titled(page: Scene, view: View, titles: Sequence[str]) -> Scene:
    """Return a scene with the first of some titles, from long to short, if there are any and the view has none."""
    if view.title is not None or not titles:
        return page
    return replace(page, title=titles[0], short_titles=(*titles[1:], page.title))


def timing(animation: Animation) -> dict[str, Any]:
    """Return the fields of a scene that are settings of its animation."""
    return {"fps": animation.fps, "hold": animation.hold, "poster_first": animation.first == "poster"}
