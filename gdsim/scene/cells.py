"""The runs of single cells of a map, of which a web page shows the one that is clicked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gdsim.config import Experiment, View
from gdsim.objectives import FloatArray
from gdsim.scene.build import projection_of
from gdsim.scene.facets import GroupInput
from gdsim.scene.model import CellRuns, Facet, Group, Scene
from gdsim.scene.sweep_values import values_facet
from gdsim.scene.views import kind_of
from gdsim.sweeps import SweepResult
from gdsim.sweeps.monitor import PATHS
from gdsim.sweeps.paths import record
from gdsim.sweeps.plan import sweep_of

SIDE = 32  # the number of rows and of columns of the cells
SIZE, TYPE = (420, 340), 1.6  # of a picture of its own, in pixels, and the minimum factor on its font sizes


def cell_runs(experiment: Experiment, result: SweepResult, view: View, page: Scene) -> CellRuns:
    """Run at most `SIDE` × `SIDE` cells of a map again.

    Runs that differ in their starts are drawn on the map, and others as paths on their function, in the view of paths
    if there is one. Where each cell has a function of its own, and for networks and functions of more than two
    variables, the picture shows values over the steps.

    Args:
        experiment: The experiment with the sweep.
        result: The figures.
        view: What the map's scene shows, and how.
        page: That scene.
    """
    sweep, objective = sweep_of(experiment), result.objective
    coordinates = [each for index in range(2) if (each := sweep.coordinate(index)) is not None]
    if len(coordinates) == 2 and all(axis.scale == "linear" for axis in sweep.axes):
        places, _, points = record(experiment, PATHS, SIDE)
        return CellRuns(places, _shares(points[..., coordinates], page.facets[0].limits), "map")
    if objective.kind != "function" or objective.dim > 2 or result.varies_objective:
        places, steps, values = record(experiment, "final_value", SIDE)
        rows = values.reshape(len(values), -1, len(steps))
        name = view.say(objective.value_name)
        facet = values_facet(steps, rows, name, page.styles[: len(rows)], view.say)
        coordinates_of_runs = np.stack([fan.points for fan in facet.fans]).reshape(*values.shape[:-1], 2)
        return CellRuns(places, _shares(coordinates_of_runs, facet.limits), "picture", _picture(page, facet))
    places, _, points = record(experiment, PATHS, SIDE)
    if objective.dim == 1:
        points = np.concatenate([points, objective.values(points)[..., None]], -1)
    beside = page.groups[-1].facets[0]
    if sweep.paths and beside.model.kind == "contour":
        return CellRuns(places, _shares(points, beside.limits), "paths")
    plain = view.model_copy(update={"kind": None, "layout": "overlay", "arrows": "none"})
    starts = points[0, 0, 0, :1, None, : objective.dim]
    (facet,) = kind_of(objective, plain).facets(GroupInput(objective, projection_of(objective, plain, [starts]), plain))
    return CellRuns(places, _shares(points, facet.limits), "picture", _picture(page, facet))


def _shares(points: FloatArray, limits: FloatArray) -> FloatArray:
    return (points - limits[:, 0]) / np.diff(limits)[:, 0]


def _picture(page: Scene, facet: Facet) -> Scene:
    """Return a small picture of a facet alone."""
    theme = replace(page.theme, type=max(page.theme.type, TYPE))
    return Scene(
        title="",
        alt_text=page.alt_text,
        theme=theme,
        size=SIZE,
        groups=(Group("", (replace(facet, fans=()),)),),
        say=page.say,
    )
