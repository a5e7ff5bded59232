"""Views of a function of two coordinates as a surface above the plane of its inputs, seen by a camera."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from gdsim.objectives import FloatArray
from gdsim.objectives.formulas import number
from gdsim.scene.camera import SurfaceCamera
from gdsim.scene.facets import GroupInput
from gdsim.scene.levels import (
    Levels,
    choose_levels,
    decade_ticks,
    finite,
    labels,
    origin_of,
    round_ticks,
    stretched,
    value_range,
)
from gdsim.scene.model import Facet
from gdsim.scene.projection import grid_values, has_pole, visited_values
from gdsim.scene.viewpoint import choose_camera
from gdsim.scene.views import ViewKind

SIDE = 121  # number of grid points per side
APART = 0.11  # minimum distance of two labels on a compressed value axis, as a fraction of its length


@dataclass(frozen=True, eq=False)
class SurfaceModel:
    """A surface of values (rows, columns), NaN if not finite, at positions x (columns,) and y (rows,).

    Attributes:
        heights: (rows, columns) the height of the surface as a fraction of the value axis.
        lines: (lines,) the heights of the level lines.
        ticks: (ticks,) the labelled heights of the value axis.
        caption: The quantity on the value axis, and whether the axis is logarithmic or cut.
    """

    kind: ClassVar[str] = "surface"

    x: FloatArray
    y: FloatArray
    values: FloatArray
    heights: FloatArray
    levels: Levels
    lines: FloatArray
    ticks: FloatArray
    labels: tuple[str, ...]
    caption: str
    camera: SurfaceCamera

    @property
    def turns(self) -> bool:
        """Whether the camera turns."""
        return self.camera.orbit != 0


@dataclass(frozen=True)
class ValueAxis:
    """Maps values to heights, from 0 at `low` to 1 at `high`; values beyond are clipped.

    A compressed axis is approximately linear below the fraction `bend` of it; a linear axis has `bend` None.
    """

    low: float
    high: float
    bend: float | None

    def heights(self, values: FloatArray) -> FloatArray:
        """Return the heights of values (…), (…); NaN where they are not finite."""
        shares = (np.clip(finite(values), self.low, self.high) - self.low) / (self.high - self.low)
        if self.bend is None:
            return np.asarray(shares)
        return np.asarray(np.log1p(shares / self.bend) / np.log1p(1 / self.bend))


def facets(group: GroupInput) -> tuple[Facet, ...]:
    """Return facets with a surface."""
    objective, projection, view = group.objective, group.projection, group.view
    x, y, values = grid_values(objective, projection, SIDE)
    beside = np.concatenate([visited_values(projection, group.trajectories), group.minima()[1]])
    if objective.dim <= 2 and objective.kind != "network":
        # Paths on the surface extend the axis only below the lowest grid point. A path in more dimensions may be above
        # or below the surface.
        beside = beside[beside < np.fmin.reduce(values, None)]
    points = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)
    pole = has_pole(objective, projection, points, values.ravel())
    axis = value_axis(values, beside, compressed=view.heights == "log", bottomless=pole)
    ticks, words, caption = _numbers(axis, group, np.append(values, beside))
    levels = choose_levels(values, objective.lower_bound, group.gap_name, view.levels)
    model = SurfaceModel(
        x=x,
        y=y,
        values=values,
        heights=axis.heights(values),
        levels=levels,
        lines=np.unique(axis.heights(levels.edges[2:-1:2])),
        ticks=axis.heights(ticks),
        labels=words,
        caption=caption,
        # The camera is chosen when the paths are known.
        camera=SurfaceCamera(projection.bounds, 90.0, 0.0, 0.0),
    )
    found = group.build_facets(model, axis.heights)
    paths = [
        path.points[path.times <= end, i] for facet in found for path in facet.paths for i, end in enumerate(path.ends)
    ]
    camera = choose_camera(view.camera, projection.bounds, model.heights, paths, found[0].minima)
    model = replace(model, camera=camera)
    return tuple(replace(facet, model=model) for facet in found)


def value_axis(values: FloatArray, beside: FloatArray, *, compressed: bool, bottomless: bool = False) -> ValueAxis:
    """Choose the axis for the values (…) of a surface and other values (n,) that must also be visible.

    A compressed axis shows all values as log(1 + (f − low) / c), with c such that half of them are in its lower half. A
    linear axis is cut at the top if a few values would flatten all others, and at the bottom if the values are
    unbounded below.
    """
    low, high = stretched(*value_range(values, bottomless=bottomless), beside)
    seen = np.append(values, beside)
    seen = seen[np.isfinite(seen)]
    if compressed and seen.size:
        low, high = float(seen.min()), float(seen.max())
    if high - low <= 1e-12 * max(abs(low), abs(high)):
        margin = 0.5 * max(abs(low), abs(high)) or 1.0
        return ValueAxis(low - margin, high + margin, None)
    linear = ValueAxis(low, high, None)
    if not compressed or not seen.size:
        return linear
    middle = float(np.median(linear.heights(seen)))
    bend = middle**2 / (1 - 2 * middle) if middle < 0.5 else 1.0
    return ValueAxis(low, high, float(np.clip(bend, 1e-6, 1.0)))


def _numbers(axis: ValueAxis, group: GroupInput, seen: FloatArray) -> tuple[FloatArray, tuple[str, ...], str]:
    """Return the labelled values of the axis, their labels, and the caption, which says where the axis is cut."""
    objective, name, say = group.objective, group.gap_name, group.view.say
    if axis.bend is None:
        least = objective.minimum or 0.0
        origin, caption = origin_of(axis.low - least, axis.high - least, name)
        base = least + origin
        ticks = round_ticks(axis.low - base, axis.high - base, 5)
        least, most = np.nanmin(seen, initial=axis.low), np.nanmax(seen, initial=axis.high)
        cuts = [axis.low] * bool(least < axis.low) + [axis.high] * bool(most > axis.high)
        cut = say(", cut at {values}", values=say.joined(number(edge - base, 4) for edge in cuts)) if cuts else ""
        return ticks + base, labels(ticks), caption + cut
    known = objective.lower_bound
    base, name = (axis.low, "f − min f") if known is None else (known, name)
    ticks = _compressed_ticks(axis, base)
    return ticks + base, labels(ticks), name + say(", logarithmic axis")


def _compressed_ticks(axis: ValueAxis, base: float) -> FloatArray:
    """Return round numbers above a base, far enough apart on the axis for their labels; zero if it is on the axis."""
    low, top = axis.low - base, axis.high - base
    exponent, near = np.floor(np.log10(top)), low <= 1e-3 * (top - low)
    for candidates in decade_ticks(exponent - 12, exponent):
        ticks = [0.0] if near else []
        for tick in candidates[(candidates > low) & (candidates <= top)]:
            if not ticks or axis.heights(tick + base) >= axis.heights(np.array(ticks[-1] + base)) + APART:
                ticks.append(tick)
        if len(ticks) > 4:
            break
    return np.array(ticks) if len(ticks) > 1 else round_ticks(low, top, 4)


KIND = ViewKind(lambda objective: 1 * (objective.dim > 1), facets, frozenset({"camera", "heights", "levels"}))
