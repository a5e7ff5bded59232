"""Views of a function of two coordinates as a surface above the plane of its inputs, seen by a camera."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt

from gdsim.objectives import FloatArray, Objective
from gdsim.scene.facets import GroupInput
from gdsim.scene.levels import (
    Levels,
    choose_levels,
    decade_ticks,
    finite,
    labels,
    number,
    origin_of,
    round_ticks,
    stretched,
    value_range,
)
from gdsim.scene.model import Facet
from gdsim.scene.projection import grid_values, has_pole, visited_values
from gdsim.scene.views import ViewKind

SIDE = 121  # number of grid points per side
APART = 0.11  # minimum distance of two labels on a compressed value axis, as a fraction of its length

Floats: TypeAlias = npt.NDArray[np.float32]
"""Lines of sight are computed in single precision, which takes half the time and is finer than pixels."""

GAP, HEIGHT = 0.95, 0.68  # height of the lowest value above the plane, so that arrows are visible; range of heights

CENTER = np.array([0.0, 0.0, (GAP + HEIGHT) / 2])  # the point that the camera looks at
DISTANCE = 14.0  # distance of the camera from `CENTER`, chosen so that the perspective is visible but weak
MAX_ASPECT = 2.5  # maximum aspect ratio of the plane; for larger ratios of the bounds it is drawn as a square

NEAR = 0.02
"""Distance along the line of sight within which nothing is hidden; otherwise a point would be hidden by its own
surface."""

SLACK = 0.006  # minimum distance by which a line of sight must pass below and above the surface to count as hidden
BLOCK = 1024  # points whose lines of sight are followed at once; larger blocks need more memory but are not faster


@dataclass(frozen=True, eq=False)
class SurfaceCamera:
    """A perspective camera that looks at a surface above the plane of its inputs.

    The plane is centred on the origin of space, and its longer side has length 2.

    Attributes:
        bounds: (2, 2) the range of the two coordinates, in units of the objective's inputs.
        elevation: Angle above the horizon in degrees, above 0 and at most 90.
        azimuth: Angle around the vertical axis at the first frame, in degrees from the first coordinate.
        orbit: Total rotation from the first frame to the last, in degrees; 0 for a fixed camera.
    """

    bounds: FloatArray
    elevation: float
    azimuth: float
    orbit: float

    @property
    def sides(self) -> FloatArray:
        """(2,) half the length of the plane along each coordinate."""
        spans = np.diff(self.bounds)[:, 0]
        return spans / spans.max() if spans.max() <= MAX_ASPECT * spans.min() else np.ones(2)

    def azimuth_at(self, share: float) -> float:
        """Return the azimuth in degrees at a fraction of the animation, from 0 to 1."""
        return self.azimuth + self.orbit * share

    def place(self, points: FloatArray, heights: FloatArray | None = None) -> FloatArray:
        """Return the positions in space (…, 3) of points (…, 2) on the plane, or on the surface at heights (…)."""
        middle, half = self.bounds.mean(1), np.diff(self.bounds)[:, 0] / 2
        across = (points - middle) / half * self.sides
        up = np.zeros(points.shape[:-1]) if heights is None else GAP + HEIGHT * heights
        return np.concatenate([across, np.asarray(up)[..., None]], -1)

    def project(self, positions: FloatArray, azimuth: float) -> FloatArray:
        """Return the screen coordinates (…, 2), to the right and up from the centre, of positions in space (…, 3)."""
        right, up, towards = self._directions(azimuth)
        shifted = positions - CENTER
        nearness = DISTANCE / (DISTANCE - shifted @ towards)
        return np.stack([shifted @ right * nearness, shifted @ up * nearness], -1)

    def eye(self, azimuth: float) -> FloatArray:
        """Return the position of the camera in space, (3,)."""
        return np.asarray(CENTER + DISTANCE * self._directions(azimuth)[2])

    def extent(self, heights: FloatArray) -> FloatArray:
        """Return the range of screen coordinates, (2, 2), that the plane and the surface cover while the camera turns.

        The heights (rows, columns) are on an even grid over the bounds, from 0 to 1; NaN where the surface has a gap.
        """
        (left, right), (bottom, top) = self.bounds
        grid = np.meshgrid(np.linspace(left, right, heights.shape[1]), np.linspace(bottom, top, heights.shape[0]))
        corners, points = np.stack(np.meshgrid(*self.bounds), -1), np.stack(grid, -1)
        positions = np.concatenate([self.place(corners).reshape(-1, 3), self.place(points, heights).reshape(-1, 3)])
        shares = np.linspace(0, 1, 1 + int(np.ceil(abs(self.orbit) / 4))).tolist()
        seen = np.stack([self.project(positions, self.azimuth_at(share)) for share in shares])
        return np.stack([np.nanmin(seen, (0, 1)), np.nanmax(seen, (0, 1))], -1)

    def hidden(self, heights: FloatArray, positions: FloatArray, azimuth: float) -> npt.NDArray[np.bool_]:
        """Return whether a surface as in `extent` is between each of the positions (…, 3) and the camera: (…).

        A point on the surface is not hidden by the surface around it. Positions that are not finite are never hidden.
        """
        known: npt.NDArray[np.bool_] = np.asarray(np.isfinite(positions).all(-1))
        flat = positions[known].astype(np.float32)
        surface = (GAP + HEIGHT * heights).astype(np.float32)
        eye = self.eye(azimuth).astype(np.float32)
        blocks = [self._hidden(surface, flat[i : i + BLOCK], eye) for i in range(0, len(flat), BLOCK)]
        known[known] = np.concatenate([np.empty(0, np.bool_), *blocks])
        return known

    def _directions(self, azimuth: float) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return three orthonormal vectors: right and up on the screen, and towards the camera."""
        turn, rise = np.deg2rad(azimuth), np.deg2rad(self.elevation)
        right = np.array([-np.sin(turn), np.cos(turn), 0.0])
        towards = np.array([np.cos(turn) * np.cos(rise), np.sin(turn) * np.cos(rise), np.sin(rise)])
        return right, np.cross(towards, right), towards

    def _hidden(self, surface: Floats, positions: Floats, eye: Floats) -> npt.NDArray[np.bool_]:
        """Return which positions (n, 3) have a line of sight that crosses the surface."""
        ahead = eye - positions
        first, last = self._stretch(positions, ahead)
        cells = np.array(surface.shape[::-1]) - 1
        per_cell = np.abs(ahead[:, :2]) / (2 * self.sides / cells)
        count = 2 + int(np.ceil(((last - first) * per_cell.max(1)).max(initial=0.0)))
        along = first + (last - first) * np.linspace(0, 1, count, dtype=np.float32)[:, None]
        x, y, z = (positions[:, i] + along * ahead[:, i] for i in (0, 1, 2))
        above = z - self._interpolated(surface, x, y)
        over, under, gone = above > SLACK, above < -SLACK, np.isnan(above)
        was_over, was_under, found = np.zeros((3, len(positions)), np.bool_)
        for k in range(count):
            # A line of sight may pass through a gap of the surface.
            was_over = was_over & ~gone[k] | over[k]
            was_under = was_under & ~gone[k] | under[k]
            found |= was_over & was_under
        return found & (first < last)

    def _stretch(self, positions: Floats, ahead: Floats) -> tuple[Floats, Floats]:
        """Return the part of each line of sight that may meet the surface, from 0 (position) to 1 (camera)."""
        low = np.array([*-self.sides, GAP - 2 * SLACK], np.float32)
        high = np.array([*self.sides, GAP + HEIGHT + 2 * SLACK], np.float32)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            ends = np.stack([(low - positions) / ahead, (high - positions) / ahead])
        first = np.fmax.reduce(ends.min(0), axis=1)
        last = np.fmin.reduce(ends.max(0), axis=1)
        return np.maximum(first, NEAR / np.linalg.norm(ahead, axis=1)), np.minimum(last, np.float32(1))

    def _interpolated(self, surface: Floats, x: Floats, y: Floats) -> Floats:
        """Return the bilinearly interpolated height of the surface above points of the plane."""
        rows, columns = surface.shape
        flat, sides = surface.ravel(), self.sides.astype(np.float32)
        x = np.clip((x / sides[0] + 1) * np.float32((columns - 1) / 2), 0, columns - 1)
        y = np.clip((y / sides[1] + 1) * np.float32((rows - 1) / 2), 0, rows - 1)
        column, row = (np.minimum(each.astype(np.int32), n - 2) for each, n in ((x, columns), (y, rows)))
        corner = row * columns + column
        x, y = x - column.astype(np.float32), y - row.astype(np.float32)
        low, high = flat.take(corner), flat.take(corner + columns)
        low += x * (flat.take(corner + 1) - low)
        high += x * (flat.take(corner + columns + 1) - high)
        return np.asarray(low + y * (high - low))


@dataclass(frozen=True, eq=False)
class SurfaceModel:
    """A surface of values (rows, columns), NaN if not finite, at positions x (columns,) and y (rows,).

    Attributes:
        heights: (rows, columns) the height of the surface as a fraction of the value axis.
        ticks: (ticks,) the labelled heights of the value axis.
        caption: The quantity on the value axis, and whether the axis is logarithmic or cut.
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
    ticks, words, caption = _numbers(axis, objective, np.append(values, beside))
    model = SurfaceModel(
        x=x,
        y=y,
        values=values,
        heights=axis.heights(values),
        levels=choose_levels(values, objective.lower_bound, objective.gap_name, view.levels),
        ticks=axis.heights(ticks),
        labels=words,
        caption=caption,
        camera=SurfaceCamera(projection.bounds, view.camera.elevation, view.camera.azimuth, view.camera.orbit),
    )
    return group.build_facets(model, axis.heights)


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


def _numbers(axis: ValueAxis, objective: Objective, seen: FloatArray) -> tuple[FloatArray, tuple[str, ...], str]:
    """Return the labelled values of the axis, their labels, and the caption, which says where the axis is cut."""
    if axis.bend is None:
        least = objective.minimum or 0.0
        origin, caption = origin_of(axis.low - least, axis.high - least, objective.gap_name)
        base = least + origin
        ticks = round_ticks(axis.low - base, axis.high - base, 5)
        least, most = np.nanmin(seen, initial=axis.low), np.nanmax(seen, initial=axis.high)
        cuts = [axis.low] * bool(least < axis.low) + [axis.high] * bool(most > axis.high)
        cut = " and ".join(number(edge - base, 4) for edge in cuts)
        return ticks + base, labels(ticks), f"{caption}, cut at {cut}" if cut else caption
    known = objective.lower_bound
    base, name = (axis.low, "f − min f") if known is None else (known, objective.gap_name)
    ticks = _compressed_ticks(axis, base)
    return ticks + base, labels(ticks), f"{name}, logarithmic axis"


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
