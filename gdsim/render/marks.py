"""The names of places on the ground, each beside its cross, where it covers least."""

from __future__ import annotations

import numpy as np
from matplotlib.patheffects import withStroke

from gdsim.objectives import FloatArray
from gdsim.render.canvas import Canvas, points
from gdsim.render.exits import points_along_paths
from gdsim.render.viewport import START, Viewport
from gdsim.scene import Facet

__all__ = ["name_marks"]

SIZE = 0.95
"""How large the names are, in ems."""

SIDES = np.array([[1, 0], [-1, 0], [0, 1], [0, -1], [1, 1], [-1, 1], [1, -1], [-1, -1]])
"""On which sides of its cross a name may stand, the best first."""


def name_marks(canvas: Canvas, facet: Facet, viewport: Viewport) -> None:
    """Write the name of each place of a facet that has one; where a camera turns there are crosses alone.

    No name is cut by the border, and none stands on another one or on a cross, if that can be.
    """
    if not facet.marks or viewport.turning:
        return
    start = START
    places = np.array([mark.point for mark in facet.marks])
    seen = ~viewport.hidden(places, start)
    crosses, crowd = viewport.pixels(places, start), points_along_paths(facet, viewport, start)
    around = 0.5 * canvas.em * np.array([[-1.0, -1.0], [1.0, 1.0]])
    taken = [cross + around for cross in crosses]
    for index in np.flatnonzero(seen).tolist():
        name = canvas.shortened(facet.marks[index].name, SIZE, viewport.box.width - canvas.em, middle=True)
        half = np.array([canvas.width_of(name, SIZE), 1.2 * SIZE * canvas.em]) / 2
        x, y = middle = _middle(crosses[index], half, viewport, canvas.em, np.array(taken), crowd)
        taken.append(np.stack([middle - half, middle + half]))
        text = canvas.text(x, y, name, size=SIZE, ha="center", va="center_baseline")
        text.set_path_effects([withStroke(linewidth=points(0.3 * canvas.em), foreground=canvas.theme.casing)])


def _middle(
    cross: FloatArray, half: FloatArray, viewport: Viewport, em: float, taken: FloatArray, crowd: FloatArray
) -> FloatArray:
    """Where a name of half a size stands: within the window, clear of boxes (n, 2, 2), and best of spots (m, 2)."""
    box, apart = viewport.box, half + 0.2 * em
    low, high = np.array([box.x, box.y]) + apart, np.array([box.right, box.top]) - apart

    def covered(middle: FloatArray) -> tuple[int, int]:
        over = (middle > taken[:, 0] - half) & (middle < taken[:, 1] + half)
        return int(over.all(-1).sum()), int((np.abs(crowd - middle) < apart).all(-1).sum())

    tried = [np.clip(cross + side * (half + 0.6 * em), low, high) for side in SIDES]
    return min(tried, key=covered)
