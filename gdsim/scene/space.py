"""The space in which a surface stands above its plane of inputs, and how a camera sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from gdsim.objectives import FloatArray

__all__ = ["GAP", "HEIGHT", "Camera", "Space"]

Floats: TypeAlias = npt.NDArray[np.float32]
"""Lines of sight are followed in single precision: it takes half the time, and pixels are no finer."""

GAP = 0.95
"""How far above the plane of the inputs the surface begins, in half sides of the plane: most of its arrows are seen."""

HEIGHT = 0.68
"""How far it is from the surface's lowest height to its highest."""

DISTANCE = 14.0
"""How far off the camera stands: near enough that what is behind looks smaller, far enough that sides look parallel."""

LONGEST = 2.5
"""Up to so many times as long as the other may a side of the plane be; beyond that it is a square."""

NEAR = 0.02
"""What lies nearer than this along the line of sight does not hide: else a place would be hidden by its own surface."""

SLACK = 0.006
"""By how much the line of sight must pass under the surface and over it, or it only brushes the surface."""

BLOCK = 1024
"""For how many places at once the lines of sight are followed: more would need much memory, not less time."""


@dataclass(frozen=True)
class Camera:
    """Where the camera stands.

    Args:
        elevation: How high above the horizon, in degrees, over 0 and at most 90.
        azimuth: Its direction in the plane of the inputs at the first frame, in degrees from the first coordinate.
        orbit: How far it turns from the first frame to the last, in degrees; 0 for a fixed camera.
    """

    elevation: float
    azimuth: float
    orbit: float


@dataclass(frozen=True, eq=False)
class Space:
    """A plane of inputs, centred on the origin, and the room above it where the surface stands.

    The longer side of the plane is 2 long; the shorter is as long as the view's shape asks for.

    Args:
        view: (2, 2) the range shown of the two coordinates, in units of the objective's inputs.
        camera: How this is looked at.
    """

    view: FloatArray
    camera: Camera

    @property
    def sides(self) -> FloatArray:
        """(2,) half the length of the plane along each coordinate."""
        spans = np.diff(self.view)[:, 0]
        return spans / spans.max() if spans.max() <= LONGEST * spans.min() else np.ones(2)

    def azimuth_at(self, share: float) -> float:
        """Return the camera's azimuth in degrees after a share of the animation, from 0 to 1."""
        return self.camera.azimuth + self.camera.orbit * share

    def place(self, spots: FloatArray, heights: FloatArray | None = None) -> FloatArray:
        """Return where something stands in space.

        Args:
            spots: (…, 2) places in the plane, in units of the objective's inputs.
            heights: (…) how high above them on the surface's scale, from 0 to 1; None for in the plane itself.

        Returns:
            (…, 3) places in space.
        """
        middle, half = self.view.mean(1), np.diff(self.view)[:, 0] / 2
        across = (spots - middle) / half * self.sides
        up = np.zeros(spots.shape[:-1]) if heights is None else GAP + HEIGHT * heights
        return np.concatenate([across, np.asarray(up)[..., None]], -1)

    def project(self, world: FloatArray, azimuth: float) -> FloatArray:
        """Return where places in space, (…, 3), are seen: (…, 2) on the screen, from its middle to the right and up."""
        right, up, towards = self._directions(azimuth)
        shifted = world - [0.0, 0.0, (GAP + HEIGHT) / 2]
        nearness = DISTANCE / (DISTANCE - shifted @ towards)
        return np.stack([shifted @ right * nearness, shifted @ up * nearness], -1)

    def eye(self, azimuth: float) -> FloatArray:
        """Return where the camera stands in space, (3,)."""
        return np.array([0.0, 0.0, (GAP + HEIGHT) / 2]) + DISTANCE * self._directions(azimuth)[2]

    def extent(self, heights: FloatArray) -> FloatArray:
        """Return the range of the screen that plane and surface take while the camera turns.

        Args:
            heights: (rows, columns) the surface over an even grid of the view, from 0 to 1; NaN where there is none.

        Returns:
            (2, 2) the lowest and the highest place to the right, and the same upwards.
        """
        rows, columns = heights.shape
        (left, right), (bottom, top) = self.view
        spots = np.stack(np.meshgrid(np.linspace(left, right, columns), np.linspace(bottom, top, rows)), -1)
        corners = np.stack(np.meshgrid(*self.view), -1)
        world = np.concatenate([self.place(corners).reshape(-1, 3), self.place(spots, heights).reshape(-1, 3)])
        turns = np.linspace(0, 1, 1 + int(np.ceil(abs(self.camera.orbit) / 4)))
        seen = np.array([self._range(world, self.azimuth_at(float(share))) for share in turns])
        return np.stack([seen[:, :, 0].min(0), seen[:, :, 1].max(0)], -1)

    def hidden(self, heights: FloatArray, world: FloatArray, azimuth: float) -> npt.NDArray[np.bool_]:
        """Return whether the surface stands between places in space and the camera.

        Args:
            heights: (rows, columns) the surface over an even grid of the view, from 0 to 1; where it is NaN there is
                no surface.
            world: (…, 3) places in space; one that lies on the surface is not hidden by its own spot of it.
            azimuth: The camera's, in degrees.

        Returns:
            (…) for each place; never for one that is not finite.
        """
        known: npt.NDArray[np.bool_] = np.asarray(np.isfinite(world).all(-1))
        flat = world[known].astype(np.float32)
        surface = (GAP + HEIGHT * heights).astype(np.float32)
        eye = self.eye(azimuth).astype(np.float32)
        parts = [self._hidden(surface, flat[i : i + BLOCK], eye) for i in range(0, len(flat), BLOCK)]
        known[known] = np.concatenate([np.empty(0, np.bool_), *parts])
        return known

    def _directions(self, azimuth: float) -> tuple[FloatArray, FloatArray, FloatArray]:
        """To the right on the screen, up on it, and towards the camera; three unit vectors at right angles."""
        turn, rise = np.deg2rad(azimuth), np.deg2rad(self.camera.elevation)
        right = np.array([-np.sin(turn), np.cos(turn), 0.0])
        towards = np.array([np.cos(turn) * np.cos(rise), np.sin(turn) * np.cos(rise), np.sin(rise)])
        return right, np.cross(towards, right), towards

    def _range(self, world: FloatArray, azimuth: float) -> FloatArray:
        seen = self.project(world, azimuth)
        return np.stack([np.nanmin(seen, 0), np.nanmax(seen, 0)], -1)

    def _hidden(self, surface: Floats, world: Floats, eye: Floats) -> npt.NDArray[np.bool_]:
        """Follow the lines of sight from places (n, 3): hidden is what has one that crosses the surface."""
        ahead = eye - world
        first, last = self._stretch(world, ahead)
        cells = np.array(surface.shape[::-1]) - 1
        per_cell = np.abs(ahead[:, :2]) / (2 * self.sides / cells)
        count = 2 + int(np.ceil(((last - first) * per_cell.max(1)).max(initial=0.0)))
        shares = np.linspace(0, 1, count, dtype=np.float32)[:, None]
        along = first + (last - first) * shares
        x, y, z = (world[:, i] + along * ahead[:, i] for i in (0, 1, 2))
        above = z - self._heights(surface, x, y)
        over, under, gone = above > SLACK, above < -SLACK, np.isnan(above)
        was_over, was_under, found = np.zeros((3, len(world)), np.bool_)
        for k in range(count):
            # Where there is no surface a line of sight may change sides unhindered.
            was_over = was_over & ~gone[k] | over[k]
            was_under = was_under & ~gone[k] | under[k]
            found |= was_over & was_under
        return found & (first < last)

    def _stretch(self, world: Floats, ahead: Floats) -> tuple[Floats, Floats]:
        """The part of each line of sight, from 0 at the place to 1 at the camera, that may meet the surface."""
        low = np.array([*-self.sides, GAP - 2 * SLACK], np.float32)
        high = np.array([*self.sides, GAP + HEIGHT + 2 * SLACK], np.float32)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            ends = np.stack([(low - world) / ahead, (high - world) / ahead])
        first = np.fmax.reduce(ends.min(0), axis=1)
        last = np.fmin.reduce(ends.max(0), axis=1)
        near = NEAR / np.linalg.norm(ahead, axis=1)
        return np.maximum(first, near), np.minimum(last, np.float32(1))

    def _heights(self, surface: Floats, x: Floats, y: Floats) -> Floats:
        """How high the surface stands at places of the plane, between grid points as a bilinear patch."""
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
