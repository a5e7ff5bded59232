"""Viewports: rectangles of the picture that show a view or a panel, and convert its coordinates to pixels."""

from __future__ import annotations

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
        bounds: (2, 2) its left and right, and its bottom and top edge.
        axes: The axes, whose limits are fixed.
        turning: Whether the camera turns, so that everything must be redrawn in each frame.
    """

    turning = False

    def __init__(self, canvas: Canvas, box: Box, axes: Axes) -> None:
        self.canvas, self.box, self.axes = canvas, box, axes
        self.bounds = np.array([[box.x, box.right], [box.y, box.top]])
        # Frozen, because the axes' transform changes with the resolution while a vector picture is saved.
        self._transform = cast("Transform", axes.transData.frozen())

    def pixels(self, points: FloatArray, moment: Moment) -> FloatArray:
        """Convert coordinates to pixels, (…, 2): (…, 2), which are in the plane below a surface, or (…, 3) on it."""
        return np.asarray(self._transform.transform(points.reshape(-1, 2))).reshape(points.shape)

    def hidden(self, points: FloatArray, moment: Moment) -> npt.NDArray[np.bool_]:
        """Return which coordinates, (…, 2) or (…, 3) as in `pixels`, a surface hides, (…)."""
        return np.zeros(points.shape[:-1], np.bool_)

    def directions(self, points: FloatArray, vectors: FloatArray, view: FloatArray, moment: Moment) -> FloatArray:
        """Return the directions, (…, 2), of vectors, (…, 1 or 2), at points, (…, k), as unit vectors in pixels.

        They are differences over a hundredth of the `view`, (2, 2), the visible range; 0 for a zero vector.
        """
        inputs, size = points[..., :2], view[:, 1] - view[:, 0]
        steps = np.zeros_like(inputs)
        steps[..., : vectors.shape[-1]] = vectors
        # The largest component is divided out first to avoid overflow.
        steps /= np.abs(steps).max(-1, initial=TINY, keepdims=True)
        ahead = inputs + 0.01 * _unit(_unit(steps) / size) * size
        return _unit(self.pixels(ahead, moment) - self.pixels(inputs, moment))

    def pose(self, moment: Moment, scale: int) -> list[Artist]:
        """Add the artists that depend on the camera to the figure, with `scale` dots per pixel, and return them."""
        return []

    def draw_backdrop(self, renderer: RendererAgg, moment: Moment) -> None:
        """Draw the parts below the trails over the previous frame, as needed if a camera turns."""


def _unit(vectors: FloatArray) -> FloatArray:
    """Normalize vectors, (…, k), to length 1 or 0."""
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0))
