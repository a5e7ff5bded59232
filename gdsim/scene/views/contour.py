"""Contours: a function of two coordinates seen from above."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from gdsim.objectives import FloatArray, Objective
from gdsim.scene.group import GroupInput
from gdsim.scene.levels import Levels, choose_levels
from gdsim.scene.model import Facet
from gdsim.scene.values import grid_values, lowest_possible, value_name
from gdsim.scene.views import ViewKind

__all__ = ["KIND", "ContourModel"]

FINE, COARSE, MANY = 301, 151, 100
"""Grid points per side, and those in more than MANY dimensions, where each takes long."""


@dataclass(frozen=True, eq=False)
class ContourModel:
    """The objective over a grid of two coordinates, seen from above.

    Args:
        x: (columns,) grid positions along the first coordinate.
        y: (rows,) grid positions along the second coordinate.
        values: (rows, columns) the objective there; NaN where it is not finite.
        levels: Where the colour changes.
        fill: Whether levels are filled in one colour each, shaded smoothly as a heat map, or not filled.
    """

    kind: ClassVar[str] = "contour"
    turns: ClassVar[bool] = False

    x: FloatArray
    y: FloatArray
    values: FloatArray
    levels: Levels
    fill: Literal["levels", "heat", "none"]


class Contour:
    """The default for two and more dimensions."""

    settings = frozenset({"fill", "levels", "arrows: stream"})
    projects = True

    def suitability(self, objective: Objective) -> int:
        """Return 2 for two and more dimensions."""
        return 2 if objective.dim > 1 else 0

    def facets(self, group: GroupInput) -> tuple[Facet, ...]:
        """Return facets with level lines and fills."""
        objective, projection, view = group.objective, group.projection, group.view
        x, y, values = grid_values(objective, projection, FINE if objective.dim <= MANY else COARSE)
        levels = choose_levels(values, lowest_possible(objective), value_name(objective), view.levels)
        return group.build_facets(ContourModel(x, y, values, levels, view.fill), projection.bounds, projection.names)


KIND: ViewKind = Contour()
