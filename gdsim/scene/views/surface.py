"""Surfaces: a function of two coordinates in space, above the plane of its inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gdsim.objectives import FloatArray, Objective
from gdsim.scene.camera import SurfaceCamera
from gdsim.scene.group import GroupInput
from gdsim.scene.levels import Levels, above_words, choose_levels, labels, number, origin_of, round_ticks
from gdsim.scene.model import Facet
from gdsim.scene.values import (
    LARGEST,
    finite,
    grid_values,
    has_pole,
    lowest_possible,
    stretched,
    value_name,
    value_range,
    visited_values,
)
from gdsim.scene.views import ViewKind

__all__ = ["KIND", "SurfaceModel", "ValueAxis", "value_axis"]

SIDE = 121
"""Grid points per side."""

APART = 0.11
"""The least distance of two numbers on a compressed value axis, as a share of it."""


@dataclass(frozen=True, eq=False)
class SurfaceModel:
    """The objective over a grid of two coordinates, as a surface in space.

    Args:
        x: (columns,) grid positions along the first coordinate.
        y: (rows,) grid positions along the second coordinate.
        values: (rows, columns) the objective there; NaN where it is not finite.
        heights: (rows, columns) the height of the surface, from 0 to 1 of the value axis.
        levels: Where the colour changes.
        ticks: (ticks,) heights that have a number on the value axis, from 0 to 1.
        labels: The numbers, one per tick.
        caption: What the numbers are, and whether the axis is compressed or cut.
        camera: How it is seen.
    """

    kind: ClassVar[str] = "surface"

    x: FloatArray
    y: FloatArray
    values: FloatArray
    heights: FloatArray
    levels: Levels
    ticks: FloatArray
    labels: tuple[str, ...]
    caption: str
    camera: SurfaceCamera

    @property
    def turns(self) -> bool:
        """Whether its camera turns."""
        return self.camera.orbit != 0


@dataclass(frozen=True)
class ValueAxis:
    """Maps values to heights from 0 to 1.

    Args:
        low: The value at height 0; lower ones, at a pole alone, are also drawn there.
        high: The value at height 1; higher ones are also drawn there.
        bend: For a compressed axis, the share of it above `low` up to which it is about linear; else None.
    """

    low: float
    high: float
    bend: float | None

    def heights(self, values: FloatArray) -> FloatArray:
        """Return the heights of values (…), (…); NaN where they are not finite."""
        shares = _shares(np.clip(finite(values), self.low, self.high), self.low, self.high)
        if self.bend is None:
            return shares
        return np.asarray(np.log1p(shares / self.bend) / np.log1p(1 / self.bend))


class Surface:
    """An alternative for two and more dimensions."""

    settings = frozenset({"camera", "heights", "levels"})
    projects = True

    def suitability(self, objective: Objective) -> int:
        """Return 1 for two and more dimensions."""
        return 1 if objective.dim > 1 else 0

    def facets(self, group: GroupInput) -> tuple[Facet, ...]:
        """Return facets with a surface."""
        objective, projection, view = group.objective, group.projection, group.view
        x, y, values = grid_values(objective, projection, SIDE)
        beside = np.concatenate([visited_values(projection, group.trajectories), group.minima()[1]])
        if objective.dim <= 2 and objective.kind != "network":
            # The paths are on the surface, so only what is lower than all grid points extends the axis. A path through
            # more dimensions is beside the surface, and may come from higher up.
            beside = beside[beside < np.fmin.reduce(values, None)]
        points = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)
        pole = has_pole(objective, projection, points, values.ravel())
        axis = value_axis(values, beside, compressed=view.heights == "log", bottomless=pole)
        ticks, words, caption = _numbers(axis, objective, np.append(values, beside))
        model = SurfaceModel(
            x=x,
            y=y,
            values=values,
            heights=axis.heights(values),
            levels=choose_levels(values, lowest_possible(objective), value_name(objective), view.levels),
            ticks=axis.heights(ticks),
            labels=words,
            caption=caption,
            camera=SurfaceCamera(projection.bounds, view.camera.elevation, view.camera.azimuth, view.camera.orbit),
        )
        return group.build_facets(model, projection.bounds, projection.names, axis.heights)


KIND: ViewKind = Surface()


def value_axis(values: FloatArray, beside: FloatArray, *, compressed: bool, bottomless: bool = False) -> ValueAxis:
    """Choose the value axis of a surface.

    Args:
        values: (…) those of the surface; values that are not finite are ignored.
        beside: (n,) others that must also be visible.
        compressed: Whether the axis shows all values as log(1 + (f − low) / c), with c such that half of them are in
            its lower half; else it is linear, and its top is cut if a few values would press all others flat.
        bottomless: Whether the values fall without end, so that the bottom may also be cut.
    """
    low, high = stretched(*value_range(values, bottomless=bottomless), beside)
    seen = np.append(values, beside)
    seen = seen[np.isfinite(seen)]
    if compressed and seen.size:
        low, high = float(seen.min()), float(seen.max())
    if high / 2 - low / 2 <= 5e-13 * max(abs(low), abs(high)):
        margin = 0.5 * max(abs(low), abs(high)) or 1.0
        return ValueAxis(low - margin, high + margin, None)
    if not compressed:
        return ValueAxis(low, high, None)
    middle = float(np.median(_shares(seen, low, high))) if seen.size else 0.5
    bend = middle**2 / (1 - 2 * middle) if middle < 0.5 else 1.0
    return ValueAxis(low, high, float(np.clip(bend, 1e-6, 1.0)))


def _shares(values: FloatArray, low: float, high: float) -> FloatArray:
    """The position of values between two others, from 0 to 1; halved first to avoid overflow."""
    return np.asarray((values / 2 - low / 2) / (high / 2 - low / 2))


def _numbers(axis: ValueAxis, objective: Objective, seen: FloatArray) -> tuple[FloatArray, tuple[str, ...], str]:
    """The values that have a number on the axis, the numbers, and what they are and where the axis is cut."""
    name = value_name(objective)
    if axis.bend is None:
        base, caption = origin_of(axis.low, axis.high, name)
        ticks = round_ticks(axis.low - base, axis.high - base, 5)
        least, most = np.nanmin(seen, initial=axis.low), np.nanmax(seen, initial=axis.high)
        cuts = [axis.low] * bool(least < axis.low) + [axis.high] * bool(most > axis.high)
        cut = " and ".join(number(edge - base, 4) for edge in cuts)
        return ticks + base, labels(ticks), f"{caption}, cut at {cut}" if cut else caption
    base, known = axis.low, objective.minimum
    # Numbers count from the minimum if the surface nearly touches it.
    if known is not None and abs(base - known) <= 1e-3 * (axis.high - axis.low):
        base = known
    ticks = _compressed_ticks(axis, base)
    return ticks + base, tuple(map(number, ticks)), f"{above_words(base, known, name)}, logarithmic axis"


def _compressed_ticks(axis: ValueAxis, base: float) -> FloatArray:
    """Zero and round numbers above a base, far enough apart on the axis for their text."""
    top = min(axis.high - base, LARGEST)
    powers = 10.0 ** np.arange(np.floor(np.log10(top)) - 12, np.floor(np.log10(top)) + 1)
    for factors in ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0)):
        ticks = [0.0]
        for tick in (float(f"{m * float(power):.3g}") for power in powers for m in factors):
            if tick <= top and axis.heights(np.array(tick + base)) >= axis.heights(np.array(ticks[-1] + base)) + APART:
                ticks.append(tick)
        if len(ticks) > 4:
            break
    return np.array(ticks)
