"""The viewport of a surface: coordinates are seen by a camera, which may turn."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.text import Text

from gdsim.objectives import FloatArray
from gdsim.render.canvas import Canvas
from gdsim.render.layout import Box
from gdsim.render.viewport import Moment, Viewport, scaled, unit
from gdsim.render.views.surface import SurfaceView
from gdsim.scene import Facet

__all__ = ["SurfaceViewport"]

LITTLE = 0.01
"""How far to go in the plane of the inputs to see where a direction points, in sides of the view."""


class SurfaceViewport(Viewport):
    """A rectangle of the picture in which a surface is seen.

    Args:
        canvas: The picture.
        box: The rectangle, in pixels from the lower left corner.
        axes: Its axes.
        facet: The view.
    """

    def __init__(self, canvas: Canvas, box: Box, axes: Axes, facet: Facet) -> None:
        super().__init__(canvas, box, axes)
        self.surface = SurfaceView(facet, canvas.theme, box, canvas.em, canvas.page)
        self.turning = self.surface.turning

    def azimuth(self, moment: Moment) -> float:
        """Return the camera's azimuth at a moment."""
        return self.surface.azimuth_at(moment.share)

    def pixels(self, points: FloatArray, moment: Moment) -> FloatArray:
        """Return where coordinates (…, 3) are seen."""
        return self.surface.pixels(points, self.azimuth(moment))

    def base(self, points: FloatArray, moment: Moment) -> FloatArray:
        """Return where the inputs of coordinates, (…, 2 or more), are seen in the plane below the surface."""
        return self.surface.shadow(points, self.azimuth(moment))

    def hidden(self, points: FloatArray, moment: Moment) -> npt.NDArray[np.bool_]:
        """Return which coordinates, (…, 3), the surface hides."""
        return self.surface.hidden(points, self.azimuth(moment))

    def base_hidden(self, points: FloatArray, moment: Moment) -> npt.NDArray[np.bool_]:
        """Return which inputs, (…, 2 or more), the surface hides."""
        return self.surface.covered(points, self.azimuth(moment))

    def directions(self, points: FloatArray, vectors: FloatArray, view: FloatArray, moment: Moment) -> FloatArray:
        """Return the directions in which vectors of the inputs are seen in the plane."""
        places, size = points[..., :2], view[:, 1] - view[:, 0]
        ahead = places + LITTLE * unit(scaled(vectors) / size) * size
        return unit(self.base(ahead, moment) - self.base(places, moment))

    def exit_markers(self, pixels: FloatArray) -> npt.NDArray[np.str_]:
        """Return crosses: paths end on the surface."""
        return np.full(len(pixels), "X")

    def pose(self, moment: Moment, scale: int, *, words: bool) -> list[Artist]:
        """Add the surface, and the words at its axes if wanted, to the figure as it is seen at a moment."""
        azimuth = self.azimuth(moment)
        # With one dot per pixel nothing is resampled.
        kind = "nearest" if scale == 1 else "antialiased"
        picture = self.surface.picture(azimuth, scale)
        image = self.axes.imshow(picture, extent=(0, 1, 0, 1), aspect="auto", interpolation=kind, zorder=scale)
        return [image, *(self._words(azimuth, loose=False) if words else [])]

    def draw_backdrop(self, renderer: RendererAgg, moment: Moment) -> None:
        """Draw the surface and its words over the frame before."""
        azimuth, box = self.azimuth(moment), self.box
        pixels = np.asarray(renderer.buffer_rgba())
        top = pixels.shape[0] - int(box.top)
        pixels[top : top + int(box.height), int(box.x) : int(box.right)] = self.surface.picture(azimuth, 1)
        for text in self._words(azimuth, loose=True):
            text.draw(renderer)

    def _words(self, azimuth: float, *, loose: bool) -> list[Text]:
        canvas = self.canvas
        return [
            canvas.text(x, y, words, color=canvas.theme.quiet, loose=loose, ha=ha, va=va)
            for x, y, words, ha, va in self.surface.words(azimuth)
        ]
