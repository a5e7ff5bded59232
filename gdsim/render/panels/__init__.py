"""The panels: figures over the steps, as axes into which the curves grow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from gdsim.objectives import FloatArray
from gdsim.render.canvas import Canvas, points
from gdsim.render.color_scales import draw_caption, ends
from gdsim.render.image_layers import color_scale
from gdsim.render.layout import Box
from gdsim.render.panels.images import draw_tiles, least_of_tiles, rows_of_tiles
from gdsim.render.viewport import Viewport
from gdsim.scene import CurvesPanel, Heatmap, ImageGrid, labels, round_ticks

__all__ = ["digits_of", "draw_panels", "least_of", "longest", "nameless", "strip_places", "tall_of"]

AnyPanel = CurvesPanel | Heatmap | ImageGrid

NAME, LOWEST = 1.55, 1.3
"""How many ems the name of an optimizer takes above its heat map, and how high this is at least for that."""

HIGH = 8.0
"""From how many ems on a panel of heat maps can do without the names above these."""

LONGEST_NAME = 9
"""So many characters of the name of a layer are written at most."""


def draw_panels(canvas: Canvas, panels: Sequence[AnyPanel], boxes: Sequence[Box]) -> list[Viewport]:
    """Draw as many panels as have a box, without what moves in them, and return their windows."""
    pairs = list(zip(panels, boxes, strict=False))
    # ImageGrid have no axis, and leave the one that a column shares to the panel above them.
    lowest: dict[float, float] = {}
    for panel, box in pairs:
        if not isinstance(panel, ImageGrid):
            lowest[box.x] = min(lowest.get(box.x, box.y), box.y)
    return [_draw(canvas, panel, box, numbered=box.y == lowest.get(box.x)) for panel, box in pairs]


def _draw(canvas: Canvas, panel: AnyPanel, box: Box, *, numbered: bool) -> Viewport:
    if isinstance(panel, ImageGrid):
        return draw_tiles(canvas, panel, box)
    if isinstance(panel, Heatmap):
        return _draw_strips(canvas, panel, box, numbered=numbered)
    return _draw_panel(canvas, panel, box, numbered=numbered)


def _draw_panel(canvas: Canvas, panel: CurvesPanel, box: Box, *, numbered: bool) -> Viewport:
    """One panel; of those above each other, only the lowest has numbers on the axis that they share."""
    em, theme = canvas.em, canvas.theme
    axes = canvas.axes(box, theme.panel)
    axes.set_xlim(0, 1.03 * panel.reach)
    ticks = _ticks(panel, axes, max(2, int(box.height / (2.2 * em))))
    axes.set_ylim(*panel.limits)
    axes.set_yticks(ticks, labels(ticks))
    _draw_across(canvas, axes, panel, box, numbered=numbered)
    axes.grid(color=theme.grid, linewidth=points(0.05 * canvas.line))
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    room = min(box.width + 2 * em, canvas.size[0] - box.x - 0.3 * em)
    caption = canvas.shortened(panel.caption, 1.0, room)
    canvas.text(box.x, box.top + 0.55 * em, caption, color=theme.quiet, ha="left", va="baseline")
    return Viewport(canvas, box, axes)


def _draw_across(canvas: Canvas, axes: Axes, panel: CurvesPanel | Heatmap, box: Box, *, numbered: bool) -> None:
    """The axis that the panels of a column share."""
    across = canvas.ticks(0, panel.reach, box.width, along=True)
    across = across[across == np.round(across)]
    axes.set_xticks(across, labels(across) if numbered else [""] * len(across))
    if numbered:
        canvas.name_axes(axes, x=panel.across)


def _draw_strips(canvas: Canvas, panel: Heatmap, box: Box, *, numbered: bool) -> Viewport:
    """A heat map an optimizer, each with its name above it and the layers beside it, still without colours."""
    em, theme, places = canvas.em, canvas.theme, strip_places(panel, box, canvas.em)
    axes = canvas.axes(box, "none")
    axes.set(xlim=(0, 1.03 * panel.reach), ylim=(0, box.height))
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0, pad=points(0.75 * em))
    _draw_across(canvas, axes, panel, box, numbered=numbered)
    named = _named(places, box, em)
    ticks: dict[float, str] = {}
    for strip, place in zip(panel.rows, places, strict=True):
        ticks |= _layer_names(canvas, panel, place, box)
        canvas.frame(place)
        canvas.block(Box(place.x - 0.55 * em, place.y, 0.3 * em, place.height), strip.style.color)
        if named:
            label = canvas.shortened(strip.style.label, 1.0, place.width, middle=True)
            canvas.text(place.x, place.top + 0.4 * em, label, va="baseline")
    axes.set_yticks([*ticks], [*ticks.values()])
    draw_caption(canvas, panel.caption, box, ends(panel.limits, em), color_scale(theme, "heat"))
    return Viewport(canvas, box, axes)


def strip_places(panel: Heatmap, box: Box, em: float) -> list[Box]:
    """Return where the heat maps of a panel stand, on whole pixels, from the top; as high as makes layers alike."""
    count, layers = len(panel.rows), len(panel.layers)
    # One alone needs no name to be told from others.
    name = NAME * em if count > 1 and box.height >= count * (NAME + LOWEST) * em else 0.0
    gap = 0.5 * em if not name and count > 1 else 0.0
    tall = (box.height - count * name - (count - 1) * gap - 0.3 * em) / count
    # All layers take as many whole pixels.
    tall = max(int(tall // layers) * layers, 1) if tall >= layers else max(int(tall), 1)
    return [
        Box(
            round(box.x),
            round(box.top - (index + 1) * (name + tall) - index * gap),
            round(box.width / 1.03),
            tall,
        )
        for index in range(count)
    ]


def _named(places: Sequence[Box], box: Box, em: float) -> bool:
    """Whether the name of each optimizer has room above its heat map."""
    return box.top - places[0].top >= 0.9 * NAME * em


def _layer_names(canvas: Canvas, panel: Heatmap, place: Box, box: Box) -> dict[float, str]:
    """The names of the layers beside a heat map by their heights: all, the first and the last, or none."""
    row, count = place.height / len(panel.layers), len(panel.layers)
    room = LONGEST_NAME * 0.64 * canvas.em
    # The first and the last stand within the heat map's height.
    room_above = max(0.55 * canvas.em - row / 2, 0.0)
    nudge = {0: room_above, count - 1: -room_above}
    return {
        place.y - box.y + (i + 0.5) * row + nudge.get(i, 0.0): canvas.shortened(panel.layers[i], 1.0, room, middle=True)
        for i in _layers_named(panel, place, canvas.em)
    }


def _layers_named(panel: Heatmap, place: Box, em: float) -> Sequence[int]:
    """Which layers have their names beside a heat map."""
    count = len(panel.layers)
    if place.height / count >= 1.15 * em:
        return range(count)
    return (0, count - 1) if place.height >= 2.1 * em else ()


def nameless(panel: Heatmap, box: Box, em: float) -> bool:
    """Tell whether the heat maps of a panel in a box are too low for the name of any layer."""
    return any(not _layers_named(panel, place, em) for place in strip_places(panel, box, em))


def _ticks(panel: CurvesPanel, axes: Axes, room: int) -> FloatArray:
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


def digits_of(panel: AnyPanel) -> int:
    """Return how many characters the longest words beside a panel have: its numbers or its layers."""
    if isinstance(panel, Heatmap):
        # There is no tick mark between a layer and its row.
        return min(max(map(len, panel.layers)), LONGEST_NAME) - 1
    if isinstance(panel, ImageGrid):
        return 0
    return max(5, longest(panel.limits)) if panel.logarithmic else longest(panel.limits)


def tall_of(panel: AnyPanel) -> float:
    """Return how many times as high as a panel of curves a panel wants to be."""
    if isinstance(panel, Heatmap):
        return min(1.0 + 0.3 * (len(panel.rows) - 1), 2.0)
    return min(0.5 + 0.5 * rows_of_tiles(panel), 2.2) if isinstance(panel, ImageGrid) else 1.0


def least_of(panel: AnyPanel) -> float:
    """Return how many ems a panel is high at least."""
    own = 0.0
    if isinstance(panel, Heatmap):
        own = min((NAME + LOWEST) * len(panel.rows), HIGH)
    elif isinstance(panel, ImageGrid):
        own = least_of_tiles(panel)
    return max(own, 5.0)
