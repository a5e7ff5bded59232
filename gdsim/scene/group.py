"""The input from which the view and the panels of one group are built."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import singledispatch

import numpy as np

from gdsim.config import View
from gdsim.networks import NetworkObjective
from gdsim.objectives import FloatArray, Objective, inside
from gdsim.scene.arrows import gradient_arrows
from gdsim.scene.model import Facet, Mark, Style, ViewModel
from gdsim.scene.paths import Elevation, build_path
from gdsim.scene.projection import Projection
from gdsim.simulation import Trajectory

MOST_EACH, MOST_TOGETHER = 20_000, 300_000
"""Maximum number of points at which the function is evaluated, per start and for all starts together."""


@dataclass(frozen=True, eq=False)
class GroupInput:
    """The trajectories over one objective with their styles, and data that all groups of the scene share.

    Attributes:
        scene_trajectories: All trajectories of the scene, which share the colour scales of heat maps.
    """

    objective: Objective
    projection: Projection
    view: View
    trajectories: Sequence[Trajectory] = ()
    styles: Sequence[Style] = ()
    scene_trajectories: Sequence[Trajectory] = ()
    facets: int = 1

    def minima(self) -> tuple[FloatArray, FloatArray]:
        """Return the known minima in the view: their coordinates (m, k) and values (m,)."""
        projection, points = self.projection, self.objective.minima
        coordinates = projection.project(points)
        span = float(np.diff(projection.bounds).max())
        shown = inside(coordinates, projection.bounds) & (projection.distance(points) <= 1e-6 * span)
        return coordinates[shown], self.objective.values(points[shown])

    def build_facets(
        self, model: ViewModel, limits: FloatArray, names: tuple[str, ...], elevation: Elevation | None = None
    ) -> tuple[Facet, ...]:
        """Return one facet with all paths, or one per trajectory in a grid; elevation adds a vertical coordinate."""

        def raised(coordinates: FloatArray, values: FloatArray) -> FloatArray:
            return coordinates if elevation is None else np.column_stack([coordinates, elevation(values)])

        points, mark_names = _marks(self.objective, len(self.projection.axes))
        positions = raised(points, self.objective.values(self.projection.lift(points))).tolist()
        marks = zip(positions, mark_names, inside(points, self.projection.bounds), strict=True)
        facet = Facet(
            style=None,
            limits=limits,
            names=(names[0], names[1]),
            model=model,
            arrows=gradient_arrows(self.objective, self.projection, self.view, self.facets),
            minima=raised(*self.minima()),
            marks=tuple(Mark(tuple(point), name) for point, name, seen in marks if seen),
            value_name=self.objective.value_name,
        )
        starts = sum(len(each.stops) for each in self.scene_trajectories)
        most = min(MOST_EACH, MOST_TOGETHER // max(1, starts))
        paths = tuple(
            build_path(trajectory, style, self.projection, limits, elevation, most)
            for trajectory, style in zip(self.trajectories, self.styles, strict=True)
        )
        if self.view.layout == "grid" and paths:
            return tuple(replace(facet, style=each.style, paths=(each,)) for each in paths)
        return (replace(facet, paths=paths),)


@singledispatch
def _marks(objective: Objective, k: int) -> tuple[FloatArray, tuple[str, ...]]:  # noqa: ARG001
    """Return the coordinates of the named points of an objective, (m, k), and their names."""
    return np.empty((0, k)), ()


@_marks.register
def _(objective: NetworkObjective, k: int) -> tuple[FloatArray, tuple[str, ...]]:  # noqa: ARG001
    return objective.landscape.marks, objective.landscape.mark_names
