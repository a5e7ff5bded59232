"""The camera that looks at a surface: its projection, its turn, and what the surface hides from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from gdsim.objectives import FloatArray

Floats: TypeAlias = npt.NDArray[np.float32]
"""Lines of sight are computed in single precision, which takes half the time and is finer than pixels."""

GAP = 0.95  # height of the lowest value above the plane, so that arrows are visible
RELIEF = 0.68  # greatest range of the heights

DISTANCE = 14.0  # distance of the camera from its target, chosen so that the perspective is visible but weak
MAX_ASPECT = 2.5  # maximum aspect ratio of the plane; for larger ratios of the bounds it is drawn as a square

MOST_TURN = 45.0  # largest angle, in degrees, by which the camera turns while paths move
MOVING = 0.65  # share of the frames in which paths move if the camera turns further

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
        relief: Range of the heights in space.
    """

    bounds: FloatArray
    elevation: float
    azimuth: float
    orbit: float
    relief: float = RELIEF

    @property
    def sides(self) -> FloatArray:
        """(2,) half the length of the plane along each coordinate."""
        spans = np.diff(self.bounds)[:, 0]
        return spans / spans.max() if spans.max() <= MAX_ASPECT * spans.min() else np.ones(2)

    @property
    def target(self) -> FloatArray:
        """The point that the camera looks at, (3,)."""
        return np.array([0.0, 0.0, (GAP + self.relief) / 2])

    def azimuth_at(self, share: float) -> float:
        """Return the azimuth in degrees at a fraction of the animation, from 0 to 1.

        The camera starts and stops gently. What it turns by more than `MOST_TURN` comes after the paths have moved.
        """
        first, moving = float(np.clip(self.orbit, -MOST_TURN, MOST_TURN)), moving_share(self.orbit)
        turned = first * _eased(share / moving)
        return self.azimuth + turned + (self.orbit - first) * _eased((share - moving) / max(1 - moving, 1e-9))

    def place(self, points: FloatArray, heights: FloatArray | None = None) -> FloatArray:
        """Return the positions in space (…, 3) of points (…, 2) on the plane, or on the surface at heights (…)."""
        middle, half = self.bounds.mean(1), np.diff(self.bounds)[:, 0] / 2
        across = (points - middle) / half * self.sides
        up = np.zeros(points.shape[:-1]) if heights is None else GAP + self.relief * heights
        return np.concatenate([across, np.asarray(up)[..., None]], -1)

    def project(self, positions: FloatArray, azimuth: float) -> FloatArray:
        """Return the screen coordinates (…, 2), to the right and up from the centre, of positions in space (…, 3)."""
        right, up, towards = _directions(self.elevation, azimuth)
        shifted = positions - self.target
        nearness = DISTANCE / (DISTANCE - shifted @ towards)
        return np.stack([shifted @ right * nearness, shifted @ up * nearness], -1)

    def eye(self, azimuth: float) -> FloatArray:
        """Return the position of the camera in space, (3,)."""
        return np.asarray(self.target + DISTANCE * _directions(self.elevation, azimuth)[2])

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
        surface = (GAP + self.relief * heights).astype(np.float32)
        eye = self.eye(azimuth).astype(np.float32)
        blocks = [self._hidden(surface, flat[i : i + BLOCK], eye) for i in range(0, len(flat), BLOCK)]
        known[known] = np.concatenate([np.empty(0, np.bool_), *blocks])
        return known

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
        high = np.array([*self.sides, GAP + self.relief + 2 * SLACK], np.float32)
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


def moving_share(orbit: float) -> float:
    """Return the share of the frames in which paths move while the camera turns by an angle in degrees."""
    return 1.0 if abs(orbit) <= MOST_TURN else MOVING


@lru_cache(256)
def _directions(elevation: float, azimuth: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return three orthonormal vectors: right and up on the screen, and towards the camera."""
    turn, rise = np.deg2rad(azimuth), np.deg2rad(elevation)
    right = np.array([-np.sin(turn), np.cos(turn), 0.0])
    towards = np.array([np.cos(turn) * np.cos(rise), np.sin(turn) * np.cos(rise), np.sin(rise)])
    return right, np.cross(towards, right), towards


def _eased(share: float) -> float:
    """Return how far a turn is that starts and stops gently, from 0 to 1, at a share of its time."""
    share = min(max(share, 0.0), 1.0)
    return share * share * (3 - 2 * share)
