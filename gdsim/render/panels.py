"""The panels: figures over the steps, as axes into which the curves grow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from gdsim.objectives import FloatArray
from gdsim.render.layout import Box
from gdsim.render.still import Still, points
from gdsim.render.window import Window
from gdsim.scene import Panel, labels, round_ticks

__all__ = ["digits_of", "draw_panels", "longest"]


def draw_panels(still: Still, panels: Sequence[Panel], boxes: Sequence[Box]) -> list[Window]:
    """Draw as many panels as have a box, and return their windows."""
    lowest = {box.x: min(other.y for other in boxes if other.x == box.x) for box in boxes}
    return [
        _draw_panel(still, panel, box, numbered=box.y == lowest[box.x])
        for panel, box in zip(panels, boxes, strict=False)
    ]


def _draw_panel(still: Still, panel: Panel, box: Box, *, numbered: bool) -> Window:
    """One panel; of those above each other, only the lowest has numbers on the axis that they share."""
    em, theme = still.em, still.theme
    axes = still.axes(box, theme.panel)
    axes.set_xlim(0, 1.03 * panel.reach)
    ticks = _ticks(panel, axes, max(2, int(box.height / (2.2 * em))))
    axes.set_ylim(*panel.limits)
    axes.set_yticks(ticks, labels(ticks))
    across = still.ticks(0, panel.reach, box.width, along=True)
    across = across[across == np.round(across)]
    axes.set_xticks(across, labels(across) if numbered else [""] * len(across))
    axes.grid(color=theme.grid, linewidth=points(0.05 * still.line))
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    if numbered:
        still.name_axes(axes, x=panel.across)
    caption = still.shortened(panel.caption, 1.0, box.width + 2 * em)
    still.text(box.x, box.top + 0.55 * em, caption, color=theme.quiet, ha="left", va="baseline")
    return Window(still.figure, box, axes)


def _ticks(panel: Panel, axes: Axes, room: int) -> FloatArray:
    """Some numbers for the value axis, at most `room` or little more."""
    low, high = panel.limits
    if panel.ticks is not None:
        return panel.ticks[:: max(1, -(-len(panel.ticks) // (room + 1)))]
    if not panel.logarithmic:
        return next(ticks for more in range(8) if len(ticks := round_ticks(low, high, room + more)) > 1)
    axes.set_yscale("log", nonpositive="clip")
    axes.minorticks_off()
    low, high = np.log10(panel.limits)
    every = max(1, -int(-(high - low) // room))
    decades = 10.0 ** np.arange(np.ceil(low), np.floor(high) + 1)
    decades = decades[::every] if len(decades) > every else decades[[0, -1]] if len(decades) > 1 else decades
    # Within one decade there is hardly a power of ten to write.
    return decades if len(decades) > 1 else round_ticks(float(panel.limits[0]), float(panel.limits[1]), room)


def longest(limits: FloatArray) -> int:
    """Return how many characters the longest number on an axis has, however many ticks it gets."""
    low, high = limits
    return max(len(words) for count in range(1, 9) for words in labels(round_ticks(low, high, count)) or ("",))


def digits_of(panel: Panel) -> int:
    """Return how many characters the longest number on a panel's value axis has."""
    return max(5, longest(panel.limits)) if panel.logarithmic else longest(panel.limits)
