"""A surface as quadrilaterals in light, with level lines on it, drawn from back to front."""

from __future__ import annotations

import numpy as np
from contourpy import contour_generator
from PIL import Image

from gdsim.objectives import FloatArray
from gdsim.render.canvas import Canvas, ramp
from gdsim.render.painter import Painter
from gdsim.render.surface_projection import SurfaceProjection
from gdsim.render.trail import BoolArray
from gdsim.scene.views.surface import SurfaceModel

HUES, LIGHTS = 64, 40  # the numbers of colors for values and for levels of light, low enough for a small GIF
LIGHT = np.array([-0.62, 0.2, 0.76])  # towards the light: to the right on the screen, to the viewer and up
LIT_RELIEF = 0.55  # the relief with which light is computed, so that flat surfaces also have shape
SHADE, GLEAM = 0.55, 0.35  # the darkening of slopes that face away from the light, and the brightening of others

LINE_WIDTH, LINE_ALPHA = 0.05, 0.4  # of level lines: their width, in units of `Canvas.line`, and their opacity
RIM_ALPHA = 0.5  # the opacity of the surface's edge

WINDOW, VEIL = 1.5, 0.4  # the radius in ems around hidden points in which the front is translucent, and its opacity
AHEAD = 0.04  # how far before a hidden point the front begins
COARSE = 8  # the distance, in pixels, of the points at which translucency is computed


class SurfaceMesh:
    """The quadrilaterals and level lines of a surface.

    Args:
        canvas: The picture, for the theme and widths.
        model: The surface.
        projection: Its projection to pixels.
    """

    def __init__(self, canvas: Canvas, model: SurfaceModel, projection: SurfaceProjection) -> None:
        self._canvas, self._projection, self._camera = canvas, projection, model.camera
        self._colors = _colors(canvas, model)
        corners = projection.world
        self._middles = (corners[1:, 1:] + corners[:-1, :-1])[::2, ::2] / 2
        places, heights = level_lines(model)
        self._levels = model.camera.place(places, heights)
        # The pixels of a line's segments are drawn with the quadrilaterals of a row or of a column.
        size = np.array(self._colors.shape[:2]) - 1
        span = model.camera.bounds
        cells = (places.mean(1) - span[:, 0]) / np.diff(span)[:, 0] * (size[::-1] + 1)
        self._cells = np.clip(np.floor(cells[:, ::-1]), 0, size).astype(np.intp)

    def draw(self, painter: Painter, azimuth: float, part: BoolArray | None) -> None:
        """Draw the surface, or a part of its quadrilaterals, (rows, columns)."""
        points = self._projection.project(self._projection.world, azimuth)
        levels = self._projection.project(self._levels, azimuth)
        colors, cells = self._colors, self._cells[:, 0]
        if part is not None:
            colors = np.where(part[..., None], colors, 0)
            levels = np.where(part[tuple(self._cells.T)][:, None, None], levels, np.nan)
        # The plane's sides extend from -1 to 1 in the coordinates of `_nearest`.
        x, y = self._camera.eye(azimuth)[:2] / self._camera.sides
        if abs(x) > abs(y):
            # A row across the line of sight does not hide itself, so that its lines can be drawn right after it.
            points, colors, cells = points.swapaxes(0, 1), colors.swapaxes(0, 1), self._cells[:, 1]
            x, y = y, x
        rows, columns = colors.shape[:2]
        order = np.argsort(cells, kind="stable")
        levels, first = levels[order], np.searchsorted(cells[order], np.arange(rows + 1))
        nearest, split = _nearest(rows, y), _nearest(columns, x) + 1
        theme, width = self._canvas.theme, LINE_WIDTH * self._canvas.line
        lines = levels[:0]
        for row in [*range(rows - 1, nearest, -1), *range(nearest + 1)]:
            band, shades = points[row : row + 2], colors[row]
            if not shades[:, 3].any():
                continue
            painter.fill_strip(band[:, split:][:, ::-1], shades[split:][::-1])
            painter.fill_strip(band[:, : split + 1], shades[:split])
            # Lines are drawn after the next nearer row, which would cover half of them at its border.
            painter.stroke(lines, theme.level_line, width, alpha=LINE_ALPHA)
            lines = levels[first[row] : first[row + 1]]
            painter.stroke(band[:, [0, -1]].swapaxes(0, 1), theme.text, width, alpha=RIM_ALPHA)
            edges = [edge for edge, at in ((0, 0), (1, rows - 1)) if row == at]
            painter.stroke(band[edges], theme.text, width, alpha=RIM_ALPHA)
        painter.stroke(lines, theme.level_line, width, alpha=LINE_ALPHA)

    def front(self, covered: FloatArray, azimuth: float) -> BoolArray:
        """Return which quadrilaterals, (rows, columns), hide any of the `covered` points of space, (n, 3)."""
        eye, project = self._camera.eye(azimuth), self._projection.project
        apart = np.linalg.norm(project(self._middles, azimuth)[..., None, :] - project(covered, azimuth), axis=-1)
        ahead = np.linalg.norm(covered - eye, axis=-1) - np.linalg.norm(self._middles - eye, axis=-1)[..., None]
        # Of the surface around a point, nearer parts are lower on the screen, too; they do not hide it.
        slope = np.tan(np.deg2rad(self._camera.elevation)) * self._projection.scale
        found = (apart < WINDOW * self._canvas.em) & (ahead > AHEAD + apart / slope)
        rows, columns = self._colors.shape[:2]
        return np.asarray(found.any(-1).repeat(2, 0).repeat(2, 1)[:rows, :columns])

    def window(self, covered: FloatArray, azimuth: float, size: tuple[int, int]) -> FloatArray:
        """Return how translucent the front is at each pixel from the upper left, (height, width, 1), from 0 to 1."""
        (left, _), (_, top) = self._projection.bounds
        x, y = (np.arange(0, n + COARSE, COARSE) for n in size)
        pixels = np.stack(np.meshgrid(left + x, top - y), -1)
        apart = np.linalg.norm(pixels[..., None, :] - self._projection.project(covered, azimuth), axis=-1).min(-1)
        near = (1 - VEIL) * np.clip(1.6 - 1.6 * apart / (WINDOW * self._canvas.em), 0, 1)
        image = Image.fromarray(near.astype(np.float32)).resize(
            (COARSE * len(x), COARSE * len(y)), Image.Resampling.BILINEAR
        )
        return np.asarray(image)[: size[1], : size[0], None]


def level_lines(model: SurfaceModel) -> tuple[FloatArray, FloatArray]:
    """Return the segments of the level lines in the plane, (n, 2, 2), each within a cell, and their heights, (n, 2)."""
    generator = contour_generator(model.x, model.y, np.ma.masked_invalid(model.heights))
    places, heights = [np.empty((0, 2, 2))], [np.empty(0)]
    for height in model.lines.tolist():
        for found in generator.lines(height):
            line = np.asarray(found)
            places.append(np.stack([line[:-1], line[1:]], 1))
            heights.append(np.full(len(line) - 1, height))
    return np.concatenate(places), np.repeat(np.concatenate(heights)[:, None], 2, 1)


def _colors(canvas: Canvas, model: SurfaceModel) -> FloatArray:
    """Return the color of each quadrilateral by value and light, (rows - 1, columns - 1, 4)."""
    grid, edges, camera = model.values, model.levels.edges, model.camera
    means = (grid[1:, 1:] + grid[:-1, 1:] + grid[1:, :-1] + grid[:-1, :-1]) / 4
    shares = np.interp(means, edges, np.linspace(0, 1, len(edges)))
    world = camera.place(np.stack(np.meshgrid(model.x, model.y), -1), model.heights)
    world[..., 2] *= LIT_RELIEF / camera.relief
    normal = np.cross(world[1:, 1:] - world[:-1, :-1], world[1:, :-1] - world[:-1, 1:])
    normal *= np.sign(normal[..., 2:]) / np.linalg.norm(normal, axis=-1, keepdims=True)
    # The light is where it is for the poster; it does not turn with the camera.
    turn, light = np.deg2rad(camera.azimuth_at(1.0)), LIGHT / np.linalg.norm(LIGHT)
    towards = light[0] * np.array([-np.sin(turn), np.cos(turn)]) + light[1] * np.array([np.cos(turn), np.sin(turn)])
    lit = normal @ np.append(towards, light[2]) - light[2]
    solid = np.isfinite(lit) & np.isfinite(shares)
    hue = np.where(solid, shares * (HUES - 1), 0).round().astype(int)
    lit = np.round(np.where(solid, lit, 0) * LIGHTS)[..., None] / LIGHTS
    colors = ramp(canvas.theme.field, HUES)[hue][..., :3] * (1 + SHADE * np.minimum(lit, 0))
    # Limit the brightening so that the hue does not change.
    colors *= np.minimum(1 + GLEAM * np.maximum(lit, 0), 1 / np.maximum(colors.max(-1, keepdims=True), 1e-9))
    return np.concatenate([colors, solid[..., None]], -1)


def _nearest(count: int, eye: float) -> int:
    """Return the index of the cell nearest to the camera, of `count` cells from -1 to 1; -1 if before the first."""
    return int(np.clip(np.floor((eye + 1) / 2 * count), -1, count - 1))
