"""High-resolution images of a picture for a web page: its background, and a sprite sheet of text and digits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.markers import MarkerStyle

from gdsim.objectives import FloatArray
from gdsim.render.canvas import DPI, Canvas
from gdsim.render.display_list import Layer, Pixels
from gdsim.render.painter import Painter
from gdsim.render.viewport import START

GAP = 2
"""The number of dots between two sprites on a sheet, so that neighbors do not blend when they are scaled."""


@dataclass(frozen=True)
class Sprite:
    """A small image: its place in the picture, in pixels, and its first row and size on the sheet, in dots."""

    left: float
    top: float
    row: int
    width: int
    height: int


class SpriteSheet:
    """The background of a picture and sprites on one sheet, with `scale` dots along each side of a pixel."""

    def __init__(self, canvas: Canvas, layers: Sequence[Layer], scale: int) -> None:
        self.scale = scale
        self._canvas, self._layers = canvas, layers
        self._parts: list[Pixels] = []
        self._renderer = RendererAgg(scale * canvas.size[0], scale * canvas.size[1], scale * DPI)

    def background(self) -> Pixels:
        """Return the static parts and the circles around the starts, (scale · height, scale · width, 3)."""
        (width, height), figure = self._canvas.size, self._canvas.figure

        def draw_rings(renderer: RendererBase) -> None:
            for layer in self._layers:
                Painter(renderer, layer.viewport).draw_rings(layer.primitives)

        added: list[Artist] = [figure.add_artist(Drawn(draw_rings))]
        # A surface is a separate image, which must have the same resolution.
        for layer in self._layers:
            added += layer.viewport.pose(START, self.scale, words=False)
        try:
            file = BytesIO()
            figure.savefig(file, format="rgba", dpi=self.scale * DPI)
        finally:
            for artist in added:
                artist.remove()
        pixels = np.frombuffer(file.getbuffer(), np.uint8)
        return pixels.reshape(self.scale * height, self.scale * width, 4)[..., :3]

    def draw(self, paint: Callable[[RendererBase], object], extent: FloatArray) -> Sprite:
        """Add what `paint` draws within an extent of the picture, two opposite corners (2, 2), as a cropped sprite."""
        figure, scale = self._canvas.figure, self.scale
        self._renderer.clear()
        figure.set_dpi(scale * DPI)
        try:
            paint(self._renderer)
        finally:
            figure.set_dpi(DPI)
        (left, low), (right, high) = np.floor(extent.min(0)) - 2, np.ceil(extent.max(0)) + 2
        left, top = (max(int(scale * side), 0) for side in (left, self._canvas.size[1] - high))
        right, bottom = (int(scale * side) for side in (right, self._canvas.size[1] - low))
        pixels = np.asarray(self._renderer.buffer_rgba())[top:bottom, left:right]
        rows, columns = (np.flatnonzero(pixels[..., 3].any(axis)) for axis in (1, 0))
        cut = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].copy()
        return self.add(cut, (left + int(columns[0])) / scale, (top + int(rows[0])) / scale)

    def add(self, pixels: Pixels, left: float = 0.0, top: float = 0.0) -> Sprite:
        """Add an image, (rows, columns, 4), to the sheet."""
        row = sum(len(part) + GAP for part in self._parts)
        self._parts.append(pixels)
        return Sprite(left, top, row, pixels.shape[1], pixels.shape[0])

    def pixels(self) -> Pixels:
        """Return the sheet, (rows, columns, 4), with a transparent background."""
        height = sum(len(part) + GAP for part in self._parts)
        sheet = np.zeros((max(height, 1), max((part.shape[1] for part in self._parts), default=1), 4), np.uint8)
        row = 0
        for part in self._parts:
            sheet[row : row + len(part), : part.shape[1]] = part
            row += len(part) + GAP
        return sheet


class Drawn(Artist):
    """An artist above all others that a function draws."""

    def __init__(self, paint: Callable[[RendererBase], object]) -> None:
        super().__init__()
        self._paint = paint
        self.set_zorder(10)

    def draw(self, renderer: RendererBase) -> None:
        """Call the function."""
        self._paint(renderer)


def marker_outline(marker: str) -> FloatArray:
    """Return the corners of a marker of size 1 around its center, (n, 2), with the second coordinate downwards."""
    shape = MarkerStyle(marker)
    # Curves are approximated as finely as for a large marker.
    (corners,) = shape.get_path().transformed(shape.get_transform()).to_polygons(closed_only=False)[:1]
    return np.asarray(corners) * [1.0, -1.0]
