"""Rasterization of a surface: its lit quadrilaterals, and the plane below it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from contourpy import contour_generator
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.colors import to_rgb, to_rgba
from matplotlib.path import Path
from matplotlib.transforms import IdentityTransform
from PIL import Image

from gdsim.objectives import FloatArray
from gdsim.render.canvas import arrow_shapes, ramp
from gdsim.render.layout import Box
from gdsim.scene import Arrows, SurfaceModel
from gdsim.themes import Theme

__all__ = ["Raster", "SurfaceMesh", "level_lines", "plane_arrows"]

GRID_CELLS, GRID_ALPHA = 16, 0.3
"""The approximate number of grid cells drawn along a side of the surface, and the opacity of the grid lines."""

HUES, LIGHTS = 48, 48
"""The numbers of colors for values and for levels of light, which are low enough for a small GIF."""

LIGHT = np.array([-0.5, -0.45, 0.74])
"""The direction to the light: left and above for the default camera. It does not turn with the camera."""

LEVEL_LINES = 15
"""The maximum number of level lines in the plane, which is seen at a slant and also has arrows."""

SHADE, GLEAM, SHADOW = 0.75, 0.5, 0.3
"""The strength of the darkening of slopes that face away from the light, of the brightening of slopes that face it, and
of the field's hue in the darkest shadow."""

SUPERSAMPLING = 2
"""The number of dots along each side of a pixel, for smooth edges."""

LINE_DPI = 72
"""The resolution at which a line width in points equals its width in dots."""


class Raster:
    """An image of a box with `scale` dots along each side of a pixel; positions are in pixels of the whole picture."""

    def __init__(self, box: Box, scale: int) -> None:
        self._reduction = SUPERSAMPLING if scale <= SUPERSAMPLING else 1
        self._dots = scale * self._reduction
        self._corner = np.array([box.x, box.y])
        self._renderer = RendererAgg(int(box.width) * self._dots, int(box.height) * self._dots, LINE_DPI)
        self._pixels = np.asarray(self._renderer.buffer_rgba())
        # Annotated as a sequence of colors, but it accepts an array.
        self._draw_mesh: Any = self._renderer.draw_quad_mesh
        self._context = self._renderer.new_gc()
        self._context.set_snap(False)
        self._mesh_context = self._renderer.new_gc()
        self._mesh_context.set_linewidth(0)
        self._mesh_context.set_antialiased(False)
        self._mode = "RGBX"

    def clear(self, color: str) -> None:
        """Fill the image with a color."""
        pixel = np.array([round(255 * part) for part in to_rgba(color)], np.uint8)
        # The alpha channel needs no averaging if everything is opaque.
        self._mode = "RGBX" if pixel[3] else "RGBA"
        self._pixels.view(np.uint32)[...] = pixel.view(np.uint32)

    def fill(self, shapes: FloatArray, color: str, alpha: float = 1.0) -> None:
        """Fill polygons, (n, corners, 2)."""
        self._context.set_linewidth(0)
        self._context.set_alpha(alpha)
        path = Path(self._in_dots(shapes.reshape(-1, 2)), _codes(shapes))
        self._renderer.draw_path(self._context, path, IdentityTransform(), to_rgba(color, alpha))

    def stroke(self, lines: FloatArray, color: str, width: float, alpha: float = 1.0) -> None:
        """Stroke lines, (n, corners, 2), with a width in pixels."""
        if lines.size:
            self.stroke_path(lines.reshape(-1, 2), _codes(lines), color, width, alpha)

    def stroke_path(
        self, points: FloatArray, codes: npt.NDArray[np.uint8], color: str, width: float, alpha: float
    ) -> None:
        """Stroke a matplotlib path with the given vertices, (n, 2), and codes, (n,)."""
        self._context.set_foreground(color)
        self._context.set_alpha(alpha)
        self._context.set_linewidth(width * self._dots)
        path = Path(self._in_dots(points), codes)
        path.should_simplify = False
        self._renderer.draw_path(self._context, path, IdentityTransform())

    def quads(self, corners: FloatArray, colors: FloatArray) -> None:
        """Fill a row of quadrilaterals with the vertices (2, n + 1, 2) and the colors (n, 4), the last one on top."""
        if len(colors):
            identity, offsets = IdentityTransform(), np.zeros((1, 2))
            dots, faces = np.nan_to_num(self._in_dots(corners)), np.ascontiguousarray(colors)
            size = (len(colors), 1)
            self._draw_mesh(
                self._mesh_context, identity, *size, dots, offsets, identity, faces, False, np.empty((0, 4))
            )

    def picture(self) -> npt.NDArray[np.uint8]:
        """Return the pixels, (height, width, 4)."""
        height, width = self._pixels.shape[:2]
        if self._reduction == 1:
            return self._pixels.copy()
        image = Image.frombuffer(self._mode, (width, height), self._pixels, "raw", self._mode, 0, 1)
        return np.asarray(image.reduce(self._reduction))

    def _in_dots(self, points: FloatArray) -> FloatArray:
        return np.asarray((points - self._corner) * self._dots)


class SurfaceMesh:
    """The surface with grid points `world`, (rows, columns, 3), as quadrilaterals colored by value and light."""

    def __init__(self, model: SurfaceModel, world: FloatArray, theme: Theme) -> None:
        self.world = world
        self._line_color = theme.text
        self._colors = _colors(model, world, theme)
        self._lines = [_grid_lines(count) for count in model.heights.shape]

    def draw(self, raster: Raster, points: FloatArray, eye: FloatArray, width: float) -> None:
        """Draw the surface from back to front.

        Args:
            raster: The image to draw on.
            points: (rows, columns, 2) the grid points in pixels.
            eye: (3,) the camera, in coordinates in which the plane's sides extend from -1 to 1.
            width: The width of the grid lines, in pixels.
        """
        colors, (down, across), (x, y, _) = self._colors, self._lines, eye
        if abs(x) > abs(y):
            # A row across the line of sight does not hide itself, so that its lines can be drawn right after it.
            points, colors = points.swapaxes(0, 1), colors.swapaxes(0, 1)
            down, across, x, y = across, down, y, x
        rows, columns = colors.shape[:2]
        nearest, split, lines = _nearest(rows, y), _nearest(columns, x) + 1, set(down.tolist())
        for row in [*range(rows - 1, nearest, -1), *range(nearest + 1)]:
            band, shades = points[row : row + 2], colors[row]
            raster.quads(band[:, split:][:, ::-1], shades[split:][::-1])
            raster.quads(band[:, : split + 1], shades[:split])
            raster.stroke(band[:, across].swapaxes(0, 1), self._line_color, width, GRID_ALPHA)
            # A line between two rows is drawn with the nearer one, which would otherwise cover half of it.
            edges = (0, 1) if row in (0, rows - 1) else (int(row > nearest),)
            own = band[[edge for edge in edges if row + edge in lines]]
            raster.stroke(own, self._line_color, width, GRID_ALPHA)


def level_lines(model: SurfaceModel) -> tuple[FloatArray, npt.NDArray[np.uint8]]:
    """Return the level lines in the plane below a surface: vertices in space, (n, 3), and path codes, (n,)."""
    generator = contour_generator(model.x, model.y, np.ma.masked_invalid(model.values))
    edges = model.levels.edges[1:-1]
    lines = [line for level in edges[:: max(1, -(-len(edges) // LEVEL_LINES))] for line in generator.lines(level)]
    points = model.camera.place(np.concatenate([np.empty((0, 2)), *lines]))
    codes = np.full(len(points), Path.LINETO, Path.code_type)
    codes[np.cumsum([0, *map(len, lines)])[:-1]] = Path.MOVETO
    return points, codes


def plane_arrows(arrows: Arrows | None, model: SurfaceModel) -> FloatArray:
    """Return the gradient arrows in the plane below a surface as polygons in space, (n, 7, 3)."""
    if arrows is None:
        return np.empty((0, 7, 3))
    scale = 2 * model.camera.sides / np.diff(model.camera.bounds)[:, 0]
    room = float((arrows.spacing * scale).min())
    middle = model.camera.place(arrows.points)[:, :2]
    shapes = arrow_shapes(middle, arrows.gradients * scale, 0.9 * room * arrows.lengths, thick=0.05 * room)
    return np.concatenate([shapes, np.zeros((*shapes.shape[:2], 1))], -1)


def _codes(shapes: FloatArray) -> npt.NDArray[np.uint8]:
    codes = np.full(shapes.shape[:2], Path.LINETO, Path.code_type)
    codes[:, 0] = Path.MOVETO
    return np.asarray(codes.ravel())


def _colors(model: SurfaceModel, world: FloatArray, theme: Theme) -> FloatArray:
    """Return the color of each quadrilateral by value and light, (rows - 1, columns - 1, 4)."""
    grid, edges = model.values, model.levels.edges
    means = (grid[1:, 1:] + grid[:-1, 1:] + grid[1:, :-1] + grid[:-1, :-1]) / 4
    shares = np.interp(means, edges, np.linspace(0, 1, len(edges)))
    normal = np.cross(world[1:, 1:] - world[:-1, :-1], world[1:, :-1] - world[:-1, 1:])
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    light = LIGHT / np.linalg.norm(LIGHT)
    lit = normal @ light
    solid = np.isfinite(lit) & np.isfinite(shares)
    hue = np.where(solid, shares * (HUES - 1), 0).round().astype(int)
    lit = np.round(np.where(solid, lit - light[2], 0) * LIGHTS)[..., None] / LIGHTS
    tones = _tones(theme)
    shadow = SHADOW * (tones.mean(0) / tones.mean(0).max()) ** 2
    colors = tones[hue] * (1 + SHADE * np.minimum(lit, 0) * (1 - shadow))
    # Limit the brightening so that the hue does not change.
    colors *= np.minimum(1 + GLEAM * np.maximum(lit, 0), 1 / np.maximum(colors.max(-1, keepdims=True), 1e-9))
    return np.concatenate([colors, solid[..., None]], -1)


def _tones(theme: Theme) -> FloatArray:
    """Return the colors of a surface in neutral light, (HUES, 3).

    These are the colors of the field. Pale ones are moved away from the page's color, so that light and shade remain
    visible.
    """
    field, page = ramp(theme.field, 256)[:, :3], np.array(to_rgb(theme.page))
    pale = float(np.clip(2 - 5 * np.ptp(field, axis=1).max(), 0, 1))
    chosen = np.linspace(pale * 0.2 * 255, 255, HUES).round().astype(int)
    return np.asarray(np.clip(page + (field[chosen] - page) * (1 + 0.5 * pale), 0, 1))


def _grid_lines(count: int) -> npt.NDArray[np.intp]:
    """Return the indices of the grid lines to draw: about `GRID_CELLS` even cells, and the border."""
    stride = max(1, round((count - 1) / GRID_CELLS))
    return np.unique(np.append(np.arange(0, count, stride), count - 1))


def _nearest(count: int, eye: float) -> int:
    """Return the index of the cell nearest to the camera, of `count` cells from -1 to 1; -1 if before the first."""
    return int(np.clip(np.floor((eye + 1) / 2 * count), -1, count - 1))
