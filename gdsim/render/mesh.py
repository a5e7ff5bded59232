"""What a surface in space is drawn from, and on: its lit quadrilaterals, the plane below it, and dots."""

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
from gdsim.scene import Arrows, Facet, SurfaceModel
from gdsim.themes import Theme

__all__ = ["BasePlane", "Raster", "SurfaceMesh"]

MESH = 16
"""About how many cells the lines on the surface make along a side."""

HUES, LIGHTS = 48, 48
"""How many colours the values take, and in how much light each of them may lie: few enough for a small GIF."""

LIGHT = np.array([-0.5, -0.45, 0.74])
"""Where the light comes from: from the left and above for the default camera. It stands still when the camera turns."""

MESH_ALPHA = 0.3
"""How strong these lines are, dark or bright as the page's type."""

LEVELS = 15
"""At most so many of the levels have a line in the plane: they are seen at a slant, and the arrows lie among them."""

SHADE, GLEAM, SHADOW = 0.75, 0.5, 0.3
"""How much darker a slope becomes that is turned from the light, how much brighter one turned to it, and how dark the
darkest shadow is, in the hue of the field."""

START, DEPTH = 0.2, 0.5
"""How far up a quiet field the colours of a surface begin, and how much deeper than the field's they are."""

FINE = 2
"""How many dots a pixel is made of along each side, so that edges come out smooth."""

DPI = 72
"""With so many dots an inch, a line's width in points is its width in dots."""


class Raster:
    """Dots to draw on; all places are in pixels of the whole picture.

    Args:
        box: The pixels it covers.
        scale: How many dots a pixel of the result has along each side.
    """

    def __init__(self, box: Box, scale: int) -> None:
        self._fine = FINE if scale <= FINE else 1
        self._dots = scale * self._fine
        self._corner = np.array([box.x, box.y])
        self._renderer = RendererAgg(int(box.width) * self._dots, int(box.height) * self._dots, DPI)
        self._pixels = np.asarray(self._renderer.buffer_rgba())
        # Typed for a sequence of colours; what it takes is an array.
        self._mesh: Any = self._renderer.draw_quad_mesh
        self._tool = self._renderer.new_gc()
        self._tool.set_snap(False)
        self._bare = self._renderer.new_gc()
        self._bare.set_linewidth(0)
        self._bare.set_antialiased(False)
        self._form = "RGBX"

    def clear(self, color: str) -> None:
        """Cover everything with a colour."""
        shade = np.array([round(255 * part) for part in to_rgba(color)], np.uint8)
        # Where all is opaque, opacity needs no averaging.
        self._form = "RGBX" if shade[3] else "RGBA"
        self._pixels.view(np.uint32)[...] = shade.view(np.uint32)

    def fill(self, shapes: FloatArray, color: str, alpha: float = 1.0) -> None:
        """Fill shapes, (n, corners, 2)."""
        self._tool.set_linewidth(0)
        self._tool.set_alpha(alpha)
        path = Path(self._place(shapes.reshape(-1, 2)), _codes(shapes))
        self._renderer.draw_path(self._tool, path, IdentityTransform(), to_rgba(color, alpha))

    def stroke(self, lines: FloatArray, color: str, width: float, alpha: float = 1.0) -> None:
        """Stroke lines, (n, corners, 2), of a width in pixels."""
        if lines.size:
            self.trace(lines.reshape(-1, 2), _codes(lines), color, width, alpha)

    def trace(self, spots: FloatArray, codes: npt.NDArray[np.uint8], color: str, width: float, alpha: float) -> None:
        """Stroke lines, all their corners (n, 2) in a row, that begin where matplotlib's codes (n,) say so."""
        self._tool.set_foreground(color)
        self._tool.set_alpha(alpha)
        self._tool.set_linewidth(width * self._dots)
        path = Path(self._place(spots), codes)
        path.should_simplify = False
        self._renderer.draw_path(self._tool, path, IdentityTransform())

    def quads(self, corners: FloatArray, colors: FloatArray) -> None:
        """Fill a row of quadrilaterals, (2, n + 1, 2), the last on top, each with its colour, (n, 4)."""
        if len(colors):
            even, nowhere = IdentityTransform(), np.zeros((1, 2))
            dots, shades = np.nan_to_num(self._place(corners)), np.ascontiguousarray(colors)
            self._mesh(self._bare, even, len(colors), 1, dots, nowhere, even, shades, False, np.empty((0, 4)))

    def picture(self) -> npt.NDArray[np.uint8]:
        """Return the pixels, (height, width, 4)."""
        height, width = self._pixels.shape[:2]
        if self._fine == 1:
            return self._pixels.copy()
        image = Image.frombuffer(self._form, (width, height), self._pixels, "raw", self._form, 0, 1)
        return np.asarray(image.reduce(self._fine))

    def _place(self, spots: FloatArray) -> FloatArray:
        """The dots that pixels of the picture, (…, 2), fall on."""
        return np.asarray((spots - self._corner) * self._dots)


class SurfaceMesh:
    """The surface as quadrilaterals in space, coloured by value and lit.

    Args:
        relief: The surface.
        theme: The colours.

    Attributes:
        world: (rows, columns, 3) where its grid points are in space.
    """

    def __init__(self, relief: SurfaceModel, theme: Theme) -> None:
        spots = np.stack(np.meshgrid(relief.x, relief.y), -1)
        self.world = relief.camera.place(spots, relief.heights)
        self._ink = theme.text
        self._colors = _colors(relief, self.world, theme)
        self._ruled = [_ruled(count) for count in relief.heights.shape]

    def draw(self, raster: Raster, seen: FloatArray, eye: FloatArray, width: float) -> None:
        """Draw it from the back to the front, so that what is near covers what is far.

        Args:
            raster: Where to.
            seen: (rows, columns, 2) where its grid points are seen.
            eye: (3,) where the camera stands, the plane's sides from -1 to 1.
            width: Of the lines upon it, in pixels.
        """
        colors, (down, across), (x, y, _) = self._colors, self._ruled, eye
        if abs(x) > abs(y):
            # Across the line of sight a row hides nothing of itself, and its lines can be drawn right after it.
            seen, colors = seen.swapaxes(0, 1), colors.swapaxes(0, 1)
            down, across, x, y = across, down, y, x
        rows, columns = colors.shape[:2]
        nearest, split, ruled = _nearest(rows, y), _nearest(columns, x) + 1, set(down.tolist())
        for row in [*range(rows - 1, nearest, -1), *range(nearest + 1)]:
            band, shades = seen[row : row + 2], colors[row]
            raster.quads(band[:, split:][:, ::-1], shades[split:][::-1])
            raster.quads(band[:, : split + 1], shades[:split])
            raster.stroke(band[:, across].swapaxes(0, 1), self._ink, width, MESH_ALPHA)
            # The next row would cover half of a line between the two: it is drawn with the nearer one.
            edges = (0, 1) if row in (0, rows - 1) else (int(row > nearest),)
            lines = band[[edge for edge in edges if row + edge in ruled]]
            raster.stroke(lines, self._ink, width, MESH_ALPHA)


class BasePlane:
    """What lies in the plane of the inputs, in space.

    Attributes:
        corners: (4, 3) of the plane, one after the other around it.
        levels: (n, 3) the corners of the level lines.
        codes: (n,) where each of them begins, as matplotlib counts.
        arrows: (arrows, 7, 3) the corners of the gradient arrows.
    """

    def __init__(self, facet: Facet, relief: SurfaceModel) -> None:
        (left, right), (bottom, top) = relief.camera.bounds
        self.corners = relief.camera.place(np.array([[left, bottom], [right, bottom], [right, top], [left, top]]))
        maker = contour_generator(relief.x, relief.y, np.ma.masked_invalid(relief.values))
        edges = relief.levels.edges[1:-1]
        lines = [line for level in edges[:: max(1, -(-len(edges) // LEVELS))] for line in maker.lines(level)]
        self.levels = relief.camera.place(np.concatenate([np.empty((0, 2)), *lines]))
        self.codes = np.full(len(self.levels), Path.LINETO, Path.code_type)
        self.codes[np.cumsum([0, *map(len, lines)])[:-1]] = Path.MOVETO
        self.arrows = _arrows(facet.arrows, relief) if facet.arrows is not None else np.empty((0, 7, 3))


def _codes(shapes: FloatArray) -> npt.NDArray[np.uint8]:
    """Where shapes, (n, corners, …), begin in a row of all their corners, as matplotlib counts."""
    codes = np.full(shapes.shape[:2], Path.LINETO, Path.code_type)
    codes[:, 0] = Path.MOVETO
    return np.asarray(codes.ravel())


def _colors(relief: SurfaceModel, world: FloatArray, theme: Theme) -> FloatArray:
    """One colour a quadrilateral, (rows - 1, columns - 1, 4): the value's, in the light that falls on it."""
    edges = relief.levels.edges
    shares = np.interp(_mean(relief.values), edges, np.linspace(0, 1, len(edges)))
    normal = np.cross(world[1:, 1:] - world[:-1, :-1], world[1:, :-1] - world[:-1, 1:])
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    light = LIGHT / np.linalg.norm(LIGHT)
    lit = normal @ light
    solid = np.isfinite(lit) & np.isfinite(shares)
    hue = np.where(solid, shares * (HUES - 1), 0).round().astype(int)
    lit = np.round(np.where(solid, lit - light[2], 0) * LIGHTS)[..., None] / LIGHTS
    tones = _tones(theme, HUES)
    shadow = SHADOW * (tones.mean(0) / tones.mean(0).max()) ** 2
    colors = tones[hue] * (1 + SHADE * np.minimum(lit, 0) * (1 - shadow))
    # Brighter only as far as the hue can be kept.
    colors *= np.minimum(1 + GLEAM * np.maximum(lit, 0), 1 / np.maximum(colors.max(-1, keepdims=True), 1e-9))
    return np.concatenate([colors, solid[..., None]], -1)


def _tones(theme: Theme, count: int) -> FloatArray:
    """The colours of a surface in plain light, (count, 3): those of the field.

    A quiet field is one that a page can carry under many lines. In light and shade it would lose its form, so it is
    taken deeper: each colour farther from the page in the same direction, and the first no longer the page's own.
    """
    field, page = ramp(theme.field, 256)[:, :3], np.array(to_rgb(theme.page))
    quiet = float(np.clip(2 - 5 * np.ptp(field, axis=1).max(), 0, 1))
    chosen = np.linspace(quiet * START * 255, 255, count).round().astype(int)
    return np.asarray(np.clip(page + (field[chosen] - page) * (1 + DEPTH * quiet), 0, 1))


def _mean(grid: FloatArray) -> FloatArray:
    """The mean of the four corners of each cell."""
    return np.asarray((grid[1:, 1:] + grid[:-1, 1:] + grid[1:, :-1] + grid[:-1, :-1]) / 4)


def _ruled(count: int) -> npt.NDArray[np.intp]:
    """Which of so many grid lines are drawn on the surface: those of about `MESH` even cells, and the border."""
    stride = max(1, round((count - 1) / MESH))
    return np.unique(np.append(np.arange(0, count, stride), count - 1))


def _nearest(count: int, eye: float) -> int:
    """Which of so many cells from -1 to 1 lies nearest to the camera; -1 where that stands before the first."""
    return int(np.clip(np.floor((eye + 1) / 2 * count), -1, count - 1))


def _arrows(arrows: Arrows, relief: SurfaceModel) -> FloatArray:
    """The gradient arrows as shapes in the plane, (n, 7, 3) in space."""
    space = relief.camera
    scale = 2 * space.sides / np.diff(space.bounds)[:, 0]
    room = float((arrows.spacing * scale).min())
    middle = space.place(arrows.points)[:, :2]
    shapes = arrow_shapes(middle, arrows.gradients * scale, 0.9 * room * arrows.lengths, thick=0.05 * room)
    return np.concatenate([shapes, np.zeros((*shapes.shape[:2], 1))], -1)
