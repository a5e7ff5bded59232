"""Views of a function of two coordinates from above."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from gdsim.objectives import FloatArray
from gdsim.scene.facets import GroupInput
from gdsim.scene.levels import Levels, choose_levels
from gdsim.scene.model import Facet
from gdsim.scene.projection import grid_values
from gdsim.scene.views import ViewKind

FINE, COARSE, MANY = 301, 151, 100
"""Number of grid points per side, and its reduced value in more than `MANY` dimensions, where evaluation is slow."""


@dataclass(frozen=True, eq=False)
class ContourModel:
    """The values (rows, columns), NaN if not finite, at positions x (columns,) and y (rows,), seen from above."""

    kind: ClassVar[str] = "contour"
    turns: ClassVar[bool] = False

    x: FloatArray
    y: FloatArray
    values: FloatArray
    levels: Levels
    fill: Literal["levels", "heat", "none"]


def facets(group: GroupInput) -> tuple[Facet, ...]:
    """Return facets with level lines and fills."""
    objective, projection, view = group.objective, group.projection, group.view
    x, y, values = grid_values(objective, projection, FINE if objective.dim <= MANY else COARSE)
    levels = choose_levels(values, objective.lower_bound, objective.gap_name, view.levels)
    return group.build_facets(ContourModel(x, y, values, levels, view.fill))


KIND = ViewKind(lambda objective: 2 * (objective.dim > 1), facets, frozenset({"fill", "levels", "arrows: stream"}))
