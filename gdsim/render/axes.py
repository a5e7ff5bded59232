"""Axes of flat views and panels, minima, and marked points with their names."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from gdsim.objectives import FloatArray
from gdsim.render.canvas import Canvas, points
from gdsim.render.exits import points_along_paths
from gdsim.render.layout import Box
from gdsim.render.viewport import START, Viewport
from gdsim.scene import CurvesPanel, Facet, Heatmap, labels, round_ticks

__all__ = ["draw_flat_axes", "draw_step_axis", "longest_number", "name_marks"]

MARK_SIZE = 0.95
"""The font size of the names of marks, in ems."""

SIDES = np.array([[1, 0], [-1, 0], [0, 1], [0, -1], [1, 1], [-1, 1], [1, -1], [-1, -1]])
"""The directions from a mark in which its name may be placed, in order of preference."""


def draw_flat_axes(canvas: Canvas, facet: Facet, box: Box, outer: tuple[bool, bool]) -> Axes:
    """Draw the axes of a flat view, its minima and its marks; `outer` is which axes have tick labels."""
    axes = canvas.axes(box)
    axes.set(xlim=facet.limits[0], ylim=facet.limits[1])
    _draw_ticks(canvas, axes, facet, box, outer)
    theme = canvas.theme
    star: dict[str, Any] = {"marker": "*", "markersize": points(1.15 * canvas.em), "color": theme.minimum}
    star |= {"markeredgecolor": theme.casing, "markeredgewidth": points(0.07 * canvas.line)}
    axes.plot(*facet.minima.T, linestyle="none", clip_on=False, zorder=3, **star)
    marks = np.array([mark.point[:2] for mark in facet.marks]).reshape(-1, 2)
    # A thin cross with a border is visible on any color.
    for color, more in ((theme.casing, 0.11), (theme.text, 0.0)):
        size, width = points((0.8 + more) * canvas.em), points((0.09 + more) * canvas.line)
        axes.plot(*marks.T, linestyle="none", marker="+", markersize=size, color=color, markeredgewidth=width, zorder=3)
    return axes


def _draw_ticks(canvas: Canvas, axes: Axes, facet: Facet, box: Box, outer: tuple[bool, bool]) -> None:
    if not canvas.layout.ticks:
        axes.set(xticks=[], yticks=[])
        return
    sides = (("x", facet.limits[0], box.width, outer[0]), ("y", facet.limits[1], box.height, outer[1]))
    for name, (low, high), side, numbered in sides:
        ticks = canvas.ticks(low, high, side, along=name == "x")
        written = labels(ticks) if numbered else [""] * len(ticks)
        if facet.style is not None and name == "x":
            # A tick label at the right edge would overlap the first one of the next facet.
            edge = high - 1.2 * canvas.em / side * (high - low)
            written = [words if tick < edge else "" for tick, words in zip(ticks, written, strict=True)]
        getattr(axes, f"set_{name}ticks")(ticks, written)
    across, up = facet.names
    canvas.name_axes(axes, x=across if outer[0] else "", y=up if outer[1] else "")


def draw_step_axis(canvas: Canvas, axes: Axes, panel: CurvesPanel | Heatmap, box: Box, *, numbered: bool) -> None:
    """Draw the horizontal axis that the panels of a column share, with or without tick labels."""
    ticks = canvas.ticks(0, panel.reach, box.width, along=True)
    ticks = ticks[ticks == np.round(ticks)]
    axes.set_xticks(ticks, labels(ticks) if numbered else [""] * len(ticks))
    if numbered:
        canvas.name_axes(axes, x=panel.across)


def longest_number(limits: FloatArray) -> int:
    """Return the number of characters of the longest tick label on an axis, for any number of ticks."""
    low, high = limits
    return max(len(words) for count in range(1, 9) for words in labels(round_ticks(low, high, count)) or ("",))


def name_marks(canvas: Canvas, facet: Facet, viewport: Viewport) -> None:
    """Write the names of a view's marks within its border and with few overlaps; none if the camera turns."""
    if not facet.marks or viewport.turning:
        return
    places = np.array([mark.point for mark in facet.marks])
    crosses, crowd = viewport.pixels(places, START), points_along_paths(facet, viewport, START)
    around = 0.5 * canvas.em * np.array([[-1.0, -1.0], [1.0, 1.0]])
    taken = [cross + around for cross in crosses]
    for index in np.flatnonzero(~viewport.hidden(places, START)).tolist():
        name = canvas.shortened(facet.marks[index].name, MARK_SIZE, viewport.box.width - canvas.em, middle=True)
        half = np.array([canvas.width_of(name, MARK_SIZE), 1.2 * MARK_SIZE * canvas.em]) / 2
        x, y = middle = _name_middle(crosses[index], half, viewport.box, canvas.em, np.array(taken), crowd)
        taken.append(np.stack([middle - half, middle + half]))
        text = canvas.text(x, y, name, size=MARK_SIZE, ha="center", va="center_baseline")
        text.set_path_effects([withStroke(linewidth=points(0.3 * canvas.em), foreground=canvas.theme.casing)])


def _name_middle(
    cross: FloatArray, half: FloatArray, box: Box, em: float, taken: FloatArray, crowd: FloatArray
) -> FloatArray:
    """Return the best center of a name for its half size, to avoid boxes, (n, 2, 2), and then points, (m, 2)."""
    apart = half + 0.2 * em
    low, high = np.array([box.x, box.y]) + apart, np.array([box.right, box.top]) - apart

    def covered(middle: FloatArray) -> tuple[int, int]:
        over = (middle > taken[:, 0] - half) & (middle < taken[:, 1] + half)
        return int(over.all(-1).sum()), int((np.abs(crowd - middle) < apart).all(-1).sum())

    return min((np.clip(cross + side * (half + 0.6 * em), low, high) for side in SIDES), key=covered)
