"""The choice of the camera from which a surface hides the least of the paths on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from gdsim.config import Camera
from gdsim.objectives import FloatArray, inside
from gdsim.scene.camera import MOST_TURN, RELIEF, SurfaceCamera, moving_share

ELEVATIONS = (25.0, 33.0, 41.0, 50.0)
"""The elevations that are tried, in degrees; `USUAL` shows both the relief and the plane well."""

DIAGONALS = (-45.0, 45.0, 135.0, 225.0)
ASIDE, EDGE = 15.0, 20.0
"""The azimuths in degrees at the middle of a turn that are tried: diagonals, and on either side of them.

The plane is never seen within `EDGE` degrees of straight onto a side, and its axes stay where they are.
"""

USUAL = (33.0, -60.0)  # the elevation and azimuth that are preferred if nothing is hidden
REDUCED = (1.0, 0.7, 0.5, 0.35)  # factors on the relief, tried in turn until enough is visible
ENOUGH = 0.93  # visible part of the paths at which the relief is not reduced further
RUGGED = 0.95  # slope that a tenth of the surface may exceed at most; a higher relief is reduced
LOWEST = 0.26  # the least range of heights

PLANE = 0.2  # the weight of what is visible of the paths on the plane in the poster

SAMPLES = 120  # number of points of all paths together whose visibility is tested
SIDE = 9  # number of lines over a surface without paths that take their place


@dataclass(frozen=True, eq=False)
class Sights:
    """What should be visible of a surface.

    Attributes:
        points: (n, 3) points of the paths, as coordinates and heights.
        ahead: (n, 3) points a little further along the paths.
        weights: (n,) the part of each point in the length of all paths, with sum 1.
        minima: (m, 3) the minima.
    """

    points: FloatArray
    ahead: FloatArray
    weights: FloatArray
    minima: FloatArray


def choose_camera(
    wanted: Camera, bounds: FloatArray, heights: FloatArray, paths: Sequence[FloatArray], minima: FloatArray
) -> SurfaceCamera:
    """Choose the camera that sees the longest part of the paths, on the surface and on the plane, and most minima.

    Angles that the user gives are kept. Of views in which about as much is visible, those that are usual in diagrams
    are preferred. The relief is reduced if the surface is rugged or still hides paths.

    Args:
        wanted: What the user gives.
        bounds: (2, 2) the range of the two coordinates.
        heights: (rows, columns) the surface on an even grid over the bounds, from 0 to 1; NaN where it has a gap.
        paths: The paths, (n, 3) each, as coordinates and heights; NaN where they are interrupted.
        minima: (m, 3) the minima.
    """
    turn = float(np.clip(wanted.orbit, -MOST_TURN, MOST_TURN))
    aside = min(ASIDE, 45 - EDGE - abs(turn) / 2)
    middles = [diagonal + away for diagonal in DIAGONALS for away in (-aside, 0, aside)]
    azimuths = [middle - turn / 2 for middle in middles] if wanted.azimuth is None else [wanted.azimuth]
    elevations = ELEVATIONS if wanted.elevation is None else [wanted.elevation]
    sights = _sights(paths or _lines(bounds, heights), bounds, minima)
    relief = _highest_relief(bounds, heights)
    best, most, seen = SurfaceCamera(bounds, elevations[0], azimuths[0], wanted.orbit, relief), -np.inf, 0.0
    for factor in REDUCED:
        for elevation, azimuth in product(elevations, azimuths):
            camera = SurfaceCamera(bounds, elevation, azimuth, wanted.orbit, factor * relief)
            visible, score = _scores(camera, heights, sights)
            if score > most:
                best, most, seen = camera, score, visible
        if seen >= ENOUGH:
            break
    return best


def _scores(camera: SurfaceCamera, heights: FloatArray, sights: Sights) -> tuple[float, float]:
    """Return the visible part of the paths in the poster, from 0 to 1, and how good a view is."""
    points, ahead, minima = (
        camera.place(each[:, :2], each[:, 2]) for each in (sights.points, sights.ahead, sights.minima)
    )
    shares = (1.0, 0.0, 0.6 * moving_share(camera.orbit)) if camera.orbit else (1.0,)
    visible, drawn, found = [], [], np.zeros(len(minima), np.bool_)
    for share in shares:
        azimuth = camera.azimuth_at(share)
        hidden = camera.hidden(heights, np.concatenate([points, minima]), azimuth)
        clear = sights.weights * ~hidden[: len(points)]
        moves = camera.project(ahead, azimuth) - camera.project(points, azimuth)
        lengths = np.linalg.norm(ahead - points, axis=-1)
        visible.append(float(clear.sum()))
        drawn.append(float((clear * np.linalg.norm(moves, axis=-1) / np.maximum(lengths, 1e-9)).sum()))
        found |= ~hidden[len(points) :]
    # Half of the weight is on the poster.
    parts = np.array([1.0] if len(shares) == 1 else [0.5, 0.25, 0.25])
    unusual = 0.25 * abs(camera.elevation - USUAL[0]) / 30
    unusual += 0.07 * (1 - np.cos(np.deg2rad(camera.azimuth_at(0.5) - USUAL[1])))
    minima_seen = float(found.mean()) if len(found) else 1.0
    hidden = camera.hidden(heights, camera.place(sights.points[:, :2]), camera.azimuth_at(1.0))
    on_plane = float(sights.weights @ ~hidden)
    return visible[0], float(parts @ visible + 0.35 * parts @ drawn) + 0.3 * minima_seen + PLANE * on_plane - unusual


def _sights(paths: Sequence[FloatArray], bounds: FloatArray, minima: FloatArray) -> Sights:
    """Return points at even distances along each path, as far as they are within the bounds."""
    half, each = np.append(np.diff(bounds)[:, 0] / 2, 1 / RELIEF), max(2, SAMPLES // len(paths))
    points, ahead, weights = [np.empty((0, 3))], [np.empty((0, 3))], [np.empty(0)]
    for path in paths:
        path = path[np.isfinite(path).all(-1) & inside(path[:, :2], bounds)]
        moves = np.linalg.norm(np.diff(path / half, axis=0), axis=-1)
        along = np.append(0.0, np.cumsum(moves))
        if len(path) and along[-1] > 0:
            # The end of a path counts like a tenth of its length, because that is where its head stays.
            places = np.append((np.arange(each) + 0.5) / each * 0.98, 0.98) * along[-1]
            points.append(_along(path, along, places))
            ahead.append(_along(path, along, places + 0.02 * along[-1]))
            weights.append(np.append(np.full(each, 0.9 / each), 0.1))
    together = np.concatenate(weights)
    return Sights(np.concatenate(points), np.concatenate(ahead), together / max(together.sum(), 1e-9), minima)


def _along(path: FloatArray, along: FloatArray, places: FloatArray) -> FloatArray:
    """Return the points, (n, 3), at lengths, (n,), of a path whose vertices are at lengths `along`."""
    return np.stack([np.interp(places, along, path[:, i]) for i in range(3)], -1)


def _lines(bounds: FloatArray, heights: FloatArray) -> list[FloatArray]:
    """Return lines over a surface along both coordinates."""
    x, y = (np.linspace(low, high, n) for (low, high), n in zip(bounds, heights.shape[::-1], strict=True))
    grid = np.stack([*np.meshgrid(x, y), heights], -1)
    rows, columns = (np.linspace(0, n - 1, SIDE).round().astype(int) for n in heights.shape)
    return [*grid[rows], *grid.swapaxes(0, 1)[columns]]


def _highest_relief(bounds: FloatArray, heights: FloatArray) -> float:
    """Return the range of heights of a surface, which is less if it is rugged."""
    sides = SurfaceCamera(bounds, 0.0, 0.0, 0.0).sides[::-1]
    slopes = np.gradient(heights, *(2 * side / (n - 1) for side, n in zip(sides, heights.shape, strict=True)))
    steep = np.hypot(*slopes)
    steep = steep[np.isfinite(steep)]
    if not steep.size:
        return RELIEF
    return float(np.clip(RUGGED / max(np.quantile(steep, 0.9), 1e-9), LOWEST, RELIEF))
