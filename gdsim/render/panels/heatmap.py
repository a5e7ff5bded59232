"""Heat maps of the layers of networks over the steps, one per optimizer, with the same color scale."""

from __future__ import annotations

import numpy as np

from gdsim.render.axes import draw_step_axis
from gdsim.render.canvas import Canvas, points
from gdsim.render.display_list import Cursor, Viewport
from gdsim.render.images import draw_scaled_caption, revealed_row
from gdsim.render.layout import Box, PanelRequest
from gdsim.render.panels import DrawnPanel, PanelRenderer
from gdsim.scene.panels.heatmap import Heatmap

# Heights in ems.
NAME, LOWEST = 1.55, 1.3  # an optimizer's name above its heat map, and the minimum of a heat map below a name
HIGHEST_MINIMUM = 8.0  # the largest minimum that a panel requests; at this height, many heat maps have no names

LONGEST_NAME = 9  # the maximum length of the name of a layer, in characters


class _HeatmapRenderer(PanelRenderer):
    def request(self, panel: Heatmap, em: float) -> PanelRequest:
        count = len(panel.rows)
        return PanelRequest(
            # Layer names have no tick marks, which saves the width of a character.
            digits=min(max(map(len, panel.layers)), LONGEST_NAME) - 1,
            weight=min(1.0 + 0.3 * (count - 1), 2.0),
            min_height=max(min((NAME + LOWEST) * count, HIGHEST_MINIMUM), PanelRequest.min_height),
        )

    def draw(self, canvas: Canvas, panel: Heatmap, box: Box, *, numbered: bool) -> DrawnPanel:
        em, boxes = canvas.em, _boxes(panel, box, canvas.em)
        axes = canvas.axes(box, "none")
        axes.set(xlim=(0, 1.03 * panel.reach), ylim=(0, box.height))
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        axes.tick_params(axis="y", pad=points(0.75 * em))
        draw_step_axis(canvas, axes, panel, box, numbered=numbered)
        names: dict[float, str] = {}
        for row, own in zip(panel.rows, boxes, strict=True):
            named = _layer_names(canvas, panel, own, box)
            if not named:
                words = f"The heat maps of {panel.caption} have no room for the names of the layers at this size."
                canvas.left_out.append(words)
            names |= named
            canvas.frame(own)
            canvas.block(Box(own.x - 0.55 * em, own.y, 0.3 * em, own.height), row.style.color)
            if box.top - boxes[0].top >= 0.9 * NAME * em:
                label = canvas.shortened(row.style.label, 1.0, own.width, middle=True)
                canvas.text(own.x, own.top + 0.4 * em, label, va="baseline")
        axes.set_yticks([*names], [*names.values()])
        draw_scaled_caption(canvas, panel.caption, box, panel.limits, "heat")
        images = [revealed_row(canvas, panel, row, box) for row, box in zip(panel.rows, boxes, strict=True)]
        rect = images[0].rect
        cursor = Cursor(np.array([0.0, panel.reach]), np.array([rect.left, rect.right], np.float64))
        return Viewport(canvas, box, axes), (*images, cursor)


RENDERER = _HeatmapRenderer()


def _boxes(panel: Heatmap, box: Box, em: float) -> list[Box]:
    """Return the boxes of a panel's heat maps from the top, on whole pixels, with layers of equal height."""
    count, layers = len(panel.rows), len(panel.layers)
    # A single heat map needs no name.
    name = NAME * em if count > 1 and box.height >= count * (NAME + LOWEST) * em else 0.0
    gap = 0.5 * em if not name and count > 1 else 0.0
    tall = (box.height - count * name - (count - 1) * gap - 0.3 * em) / count
    tall = max(int(tall // layers) * layers, 1) if tall >= layers else max(int(tall), 1)
    tops = [box.top - (index + 1) * (name + tall) - index * gap for index in range(count)]
    return [Box(round(box.x), round(top), round(box.width / 1.03), tall) for top in tops]


def _layer_names(canvas: Canvas, panel: Heatmap, own: Box, box: Box) -> dict[float, str]:
    """Return the names of layers that fit (all, two, or none), by their heights in the panel in pixels."""
    em, count = canvas.em, len(panel.layers)
    row = own.height / count
    layers = range(count) if row >= 1.15 * em else (0, count - 1) if own.height >= 2.1 * em else ()
    # Keep the first and the last name within the height of the heat map.
    inward = max(0.55 * em - row / 2, 0.0)
    nudges = {0: inward, count - 1: -inward}
    return {
        own.y - box.y + (i + 0.5) * row + nudges.get(i, 0.0): canvas.shortened(
            panel.layers[i], 1.0, LONGEST_NAME * 0.64 * em, middle=True
        )
        for i in layers
    }
