"""Views of a function of one coordinate as a curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gdsim.objectives import FloatArray
from gdsim.scene.facets import GroupInput
from gdsim.scene.levels import finite, stretched, value_range
from gdsim.scene.model import Facet
from gdsim.scene.projection import has_pole, visited_values
from gdsim.scene.views import ViewKind


@dataclass(frozen=True, eq=False)
class CurveModel:
    """The values (n,), NaN if not finite, at positions x (n,)."""

    kind: ClassVar[str] = "curve"
    turns: ClassVar[bool] = False

    x: FloatArray
    values: FloatArray


def facets(group: GroupInput) -> tuple[Facet, ...]:
    """Return facets with the graph of the function."""
    projection = group.projection
    x = np.linspace(projection.bounds[0, 0], projection.bounds[0, 1], 1001)
    values = finite(group.objective.values(x[:, None]))
    low, high = value_range(values, bottomless=has_pole(group.objective, projection, x[:, None], values))
    # A jump over most of the range is a pole, whose two sides must not be connected.
    values[1:][np.abs(np.diff(values)) > 1.3 * ((high - low) or max(abs(high), 1.0))] = np.nan
    low, high = stretched(low, high, visited_values(projection, group.trajectories))
    minima = group.minima()[1]
    low, high = minima.min(initial=low), minima.max(initial=high)
    room = (high - low) or max(abs(high), 1.0)
    # The margin below the curve leaves space for the arrows on the axis.
    limits = np.array([projection.bounds[0], [low - 0.22 * room, high + 0.08 * room]])
    return group.build_facets(CurveModel(x, values), np.asarray, limits)


KIND = ViewKind(lambda objective: 2 * (objective.dim == 1), facets, frozenset({"arrows_at"}))
