"""Views of a function of two coordinates from above."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import floor
from typing import ClassVar, Literal, cast

import numpy as np

from gdsim.objectives import FloatArray, inside
from gdsim.scene.facets import GroupInput, within
from gdsim.scene.levels import Levels, choose_levels
from gdsim.scene.model import Facet
from gdsim.scene.projection import grid_values
from gdsim.scene.views import ViewKind

FINE, COARSE, MANY = 301, 151, 100
"""Number of grid points per side, and its reduced value in more than `MANY` dimensions, where evaluation is slow."""

SMALL = 0.15  # the fraction of a view's width and height below which its paths are magnified in an inset
INSET = 0.38  # the fraction of a view's width and height that the inset takes
MARGIN, STRONGEST = 1.25, 1000.0  # the least size of the magnified part per size of the paths, and the largest scale


@dataclass(frozen=True, eq=False)
class ContourModel:
    """The values (rows, columns), NaN if not finite, at positions x (columns,) and y (rows,), seen from above.

    `levels` are those of the colors; level lines are at every second of the `lines`, ascending values.
    """

    kind: ClassVar[str] = "contour"
    turns: ClassVar[bool] = False

    x: FloatArray
    y: FloatArray
    values: FloatArray
    levels: Levels
    lines: FloatArray
    fill: Literal["levels", "heat", "none"]


def facets(group: GroupInput) -> tuple[Facet, ...]:
    """Return facets with level lines and fills."""
    objective, projection, view = group.objective, group.projection, group.view
    x, y, values = grid_values(objective, projection, FINE if objective.dim <= MANY else COARSE)
    levels = choose_levels(values, objective.lower_bound, group.gap_name, view.levels)
    built = group.build_facets(ContourModel(x, y, values, levels, levels.edges, view.fill))
    return tuple(replace(facet, inset=_inset(group, facet)) for facet in built) if group.facets == 1 else built


def scale_of(facet: Facet) -> float:
    """Return how many times larger than in its view a facet shows its inset."""
    part = cast("Facet", facet.inset).limits
    return INSET * float(np.diff(facet.limits)[0, 0] / np.diff(part)[0, 0])


def _inset(group: GroupInput, facet: Facet) -> Facet | None:
    """Return the part of a view that contains all visible paths, if they are small, with level lines of its own."""
    limits, size = facet.limits, np.diff(facet.limits)[:, 0]
    low, high = _visible_box(facet)
    extent = float(((high - low) / size).max())
    if not 0 < extent < SMALL:
        return None
    scale = min(INSET / (MARGIN * extent), STRONGEST)
    part = size * INSET / (floor(scale) if scale >= 10 else floor(10 * scale) / 10)
    corner = np.clip((low + high - part) / 2, limits[:, 0], limits[:, 1] - part)
    bounds = np.stack([corner, corner + part], -1)
    x, y, values = grid_values(group.objective, replace(group.projection, bounds=bounds), COARSE)
    model, objective = cast("ContourModel", facet.model), group.objective
    lines = choose_levels(values, objective.lower_bound, group.gap_name, group.view.levels).edges
    return replace(
        facet,
        limits=bounds,
        model=replace(model, x=x, y=y, values=values, lines=lines),
        arrows=None,
        minima=facet.minima[inside(facet.minima, bounds)],
        marks=(),
        paths=tuple(replace(path, exits=()) for path in facet.paths),
    )


def _visible_box(facet: Facet) -> tuple[FloatArray, FloatArray]:
    """Return the lowest and the highest coordinates, (2,), of the visible parts of all paths; NaN for none."""
    found = [np.full((1, 2), np.nan)]
    for path in facet.paths:
        rows = np.minimum(np.arange(len(path.points))[:, None], path.ends)
        points = np.take_along_axis(path.points, rows[..., None], 0)
        enter, leave = within(points, facet.limits)
        seen, moves = leave > enter, np.diff(points, axis=0)
        found += [(points[:-1] + share[..., None] * moves)[seen] for share in (enter, leave)]
    every = np.concatenate(found)
    return np.fmin.reduce(every), np.fmax.reduce(every)


KIND = ViewKind(lambda objective: 2 * (objective.dim > 1), facets, frozenset({"fill", "levels", "arrows: stream"}))
