"""Viewports: rectangles of the picture that show a view or a panel, and convert its coordinates to pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.transforms import Transform

from gdsim.objectives import FloatArray
from gdsim.render.canvas import Canvas
from gdsim.render.layout import Box

TINY = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True)
class Moment:
    """A moment of the animation: the steps taken, with a fraction, and the elapsed share of the animation, 0 to 1."""

    time: float
    share: float


START = Moment(0.0, 0.0)
"""The beginning of the animation."""


class Viewport:
    """A rectangle of the picture that shows flat coordinates.

    Attributes:
        box: The rectangle, in pixels from the lower left corner.
        axes: The axes, whose limits are fixed.
        turning: Whether the camera turns, so that everything must be redrawn in each frame.
    """

    turning = False

    def __init__(self, canvas: Canvas, box: Box, axes: Axes) -> None:
        self.canvas, self.box, self.axes = canvas, box, axes
        # Frozen, because the axes' transform changes with the resolution while a vector picture is saved.
        self._transform = cast("Transform", axes.transData.frozen())

    def pixels(self, points: FloatArray, moment: Moment) -> FloatArray:
        """Convert coordinates, (…, 2), or (…, 3) on a surface, to pixels, (…, 2)."""
        return np.asarray(self._transform.transform(points.reshape(-1, 2))).reshape(points.shape)

    def base(self, points: FloatArray, moment: Moment) -> FloatArray:
        """Convert the inputs of coordinates to pixels; on a surface, in the plane below it."""
        return self.pixels(points, moment)

    def hidden(self, points: FloatArray, moment: Moment) -> npt.NDArray[np.bool_]:
        """Return which coordinates, (…, k), are hidden, (…)."""
        return np.zeros(points.shape[:-1], np.bool_)

    def base_hidden(self, points: FloatArray, moment: Moment) -> npt.NDArray[np.bool_]:
        """Return which inputs of coordinates, (…, k), are hidden, (…)."""
        return self.hidden(points, moment)

    def directions(self, points: FloatArray, vectors: FloatArray, view: FloatArray, moment: Moment) -> FloatArray:
        """Return the directions of vectors of the inputs in pixels.

        Args:
            points: (…, k) the coordinates where the vectors begin.
            vectors: (…, 1 or 2) the vectors, in units of the coordinates.
            view: (2, 2) the visible range of both coordinates.
            moment: The moment at which a camera sees them.

        Returns:
            (…, 2) of length 1, in pixels; 0 for a zero vector.
        """
        scale = np.array([self.box.width, self.box.height]) / (view[:, 1] - view[:, 0])
        pixels = np.zeros((*vectors.shape[:-1], 2))
        pixels[..., : vectors.shape[-1]] = scaled(vectors) * scale[: vectors.shape[-1]]
        return unit(pixels)

    def exit_markers(self, pixels: FloatArray) -> npt.NDArray[np.str_]:
        """Return the markers, (n,), of paths that end at pixels (n, 2): a wedge at the nearest side, or a cross."""
        box = self.box
        gaps = np.abs(pixels[:, [0, 0, 1, 1]] - [box.x, box.right, box.y, box.top])
        return np.where(gaps.min(1) < 1, np.array(["<", ">", "v", "^"])[gaps.argmin(1)], "X")

    def inside(self, pixels: FloatArray) -> npt.NDArray[np.bool_]:
        """Return which pixels, (…, 2), are within the rectangle, (…)."""
        x, y, box = pixels[..., 0], pixels[..., 1], self.box
        return np.asarray((x >= box.x) & (x <= box.right) & (y >= box.y) & (y <= box.top))

    def pose(self, moment: Moment, scale: int, *, words: bool) -> Sequence[Artist]:
        """Add the artists that depend on the camera to the figure, with `scale` dots per pixel, and return them."""
        return ()

    def draw_backdrop(self, renderer: RendererAgg, moment: Moment) -> None:
        """Draw the parts below the trails over the previous frame, as needed if a camera turns."""


def scaled(vectors: FloatArray) -> FloatArray:
    """Normalize vectors, (…, k), to length 1 or 0.

    The largest component is divided out first to avoid overflow.
    """
    return unit(vectors / np.abs(vectors).max(-1, initial=TINY, keepdims=True))


def unit(vectors: FloatArray) -> FloatArray:
    """Normalize vectors, (…, k), to length 1 or 0."""
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0))
