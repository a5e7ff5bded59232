"""The page drawn with more dots a pixel than a frame has: what stands still, and small pictures of what moves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.markers import MarkerStyle
from matplotlib.transforms import Bbox

from gdsim.objectives import FloatArray
from gdsim.render.canvas import DPI, Canvas
from gdsim.render.image_layers import Pixels
from gdsim.render.layers import FacetLayer, Layer
from gdsim.render.viewport import START

__all__ = ["Sheet", "Sprite", "outline"]


@dataclass(frozen=True, eq=False)
class Sprite:
    """A small picture, see-through where nothing is drawn.

    Args:
        left: Where it stands, in pixels.
        top: Likewise.
        pixels: (rows, columns, 4), as many dots a pixel as the ground has.
    """

    left: float
    top: float
    pixels: Pixels


class _Rings(Artist):
    """What lies under the paths and does not move."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        super().__init__()
        self._layers = layers
        self.set_zorder(10)

    def draw(self, renderer: RendererBase) -> None:
        for layer in self._layers:
            layer.draw_ground(layer.viewport.pen(renderer), START)


class Sheet:
    """The page drawn with more dots a pixel.

    Args:
        canvas: The page.
        scale: How many dots a pixel along each side.

    Attributes:
        height: The page's, in pixels.
    """

    def __init__(self, canvas: Canvas, scale: int) -> None:
        self._canvas, self._scale, self.height = canvas, scale, canvas.size[1]
        self._renderer = RendererAgg(scale * canvas.size[0], scale * self.height, scale * DPI)

    def ground(self, layers: Sequence[Layer]) -> Pixels:
        """Return the page with what lies under the paths, (scale · height, scale · width, 3)."""
        rings = _Rings(layers)
        self._canvas.figure.add_artist(rings)
        # A surface is a picture of its own, which has to be as fine.
        posed = [
            artist
            for layer in layers
            if isinstance(layer, FacetLayer)
            for artist in layer.pose(START, self._scale, words=False)
        ]
        try:
            file = BytesIO()
            self._canvas.figure.savefig(file, format="rgba", dpi=self._scale * DPI)
        finally:
            for artist in [rings, *posed]:
                artist.remove()
        width, height = self._canvas.size
        return np.frombuffer(file.getbuffer(), np.uint8).reshape(self._scale * height, self._scale * width, 4)[..., :3]

    def sprite(self, paint: Callable[[RendererBase], object], around: Bbox) -> Sprite:
        """Return what is painted within a part of the page, in pixels from the lower left corner, cut to its edges."""
        figure, scale = self._canvas.figure, self._scale
        self._renderer.clear()
        figure.set_dpi(scale * DPI)
        try:
            paint(self._renderer)
        finally:
            figure.set_dpi(DPI)
        left, right = (int(scale * x) for x in (np.floor(around.x0) - 2, np.ceil(around.x1) + 2))
        top, bottom = (int(scale * (self.height - y)) for y in (np.ceil(around.y1) + 2, np.floor(around.y0) - 2))
        left, top = max(left, 0), max(top, 0)
        pixels = np.asarray(self._renderer.buffer_rgba())[top:bottom, left:right]
        rows, columns = (np.flatnonzero(pixels[..., 3].any(axis)) for axis in (1, 0))
        if not len(rows):
            return Sprite(left / scale, top / scale, np.zeros((1, 1, 4), np.uint8))
        cut = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].copy()
        return Sprite((left + int(columns[0])) / scale, (top + int(rows[0])) / scale, cut)


def outline(marker: str) -> FloatArray:
    """Return the corners of a head's shape, (n, 2), around the place where it stands, for a size of 1."""
    shape = MarkerStyle(marker)
    # Curves are followed as finely as if it were large.
    (corners,) = shape.get_path().transformed(shape.get_transform()).to_polygons(closed_only=False)[:1]
    return np.asarray(corners) * [1.0, -1.0]
