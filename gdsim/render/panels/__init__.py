"""Renderers of panels: one module per kind, which defines `RENDERER`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from importlib import import_module
from typing import Any, Protocol, TypeAlias, cast

from gdsim.interrupts import pause
from gdsim.languages import Language
from gdsim.render.canvas import Canvas
from gdsim.render.display_list import Primitive, Viewport
from gdsim.render.layout import Box, PanelRequest
from gdsim.themes import Theme

DrawnPanel: TypeAlias = tuple[Viewport, tuple[Primitive, ...]]
"""The viewport of a panel, and its moving parts."""


class PanelRenderer(Protocol):
    """Draws the panels of one kind."""

    def request(self, panel: Any, em: float) -> PanelRequest:
        """Return the space that a panel requests, for a font size in pixels."""

    def draw(self, canvas: Canvas, panel: Any, box: Box, *, numbered: bool) -> DrawnPanel:
        """Draw the static parts into a box in pixels, with tick labels on the horizontal axis if it is `numbered`."""

    def color_key(self, panel: Any, theme: Theme, say: Language) -> Sequence[tuple[str, str]]:
        """Return each meaning of a color in a panel and that color, for the key."""
        return ()


@cache
def panel_renderer(kind: str) -> PanelRenderer:
    """Return the renderer of a kind of panel, which is the name of its module in this package."""
    return cast("PanelRenderer", import_module(f"{__name__}.{kind}").RENDERER)


def draw_panels(canvas: Canvas, panels: Sequence[Any], boxes: Sequence[Box]) -> Iterator[DrawnPanel]:
    """Draw the static parts of as many panels as there are boxes, and yield their viewports and moving parts."""
    pairs = [(panel_renderer(panel.kind), panel, box) for panel, box in zip(panels, boxes, strict=False)]
    lowest: dict[float, float] = {}
    for renderer, panel, box in pairs:
        if renderer.request(panel, canvas.em).has_axis:
            lowest[box.x] = min(lowest.get(box.x, box.y), box.y)
    if left := [panel.caption for panel in panels[len(boxes) :]]:
        (width, height), words = canvas.size, f"panel{'s' * (len(left) > 1)} {', '.join(left)}"
        remedy = "make the picture larger, or name fewer panels"
        canvas.left_out.append(f"{width} × {height} has no room for the {words}: {remedy}.")
    for renderer, panel, box in pairs:
        pause()
        yield renderer.draw(canvas, panel, box, numbered=box.y == lowest.get(box.x))
