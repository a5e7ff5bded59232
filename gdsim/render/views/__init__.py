"""How views are drawn: one module per kind, whose `RENDERER` does it."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Protocol, cast

from gdsim.render.canvas import Canvas
from gdsim.render.display_list import Primitive
from gdsim.render.layout import Box
from gdsim.render.viewport import Moment, Viewport
from gdsim.scene import Facet

__all__ = ["ViewRenderer", "view_renderer"]


class ViewRenderer(Protocol):
    """How views of one kind are drawn; what a kind does not have keeps its default.

    Attributes:
        has_color_bar: Whether a color bar explains the view's colors.
    """

    has_color_bar: bool = False

    def aspect(self, facet: Facet, count: int) -> float | None:
        """Return the width over height that suits a view, one of `count` in the picture; None for any."""
        return None

    def digits(self, facet: Facet) -> int:
        """Return the length of the longest number beside the vertical axis, in characters; 0 for no numbers."""
        return 0

    def draw(self, canvas: Canvas, facet: Facet, box: Box, outer: tuple[bool, bool]) -> Viewport:
        """Draw what does not move.

        Args:
            canvas: The picture.
            facet: The view.
            box: Where, in pixels.
            outer: Whether the numbers of the horizontal and of the vertical axis are written.
        """
        ...

    def draw_color_bar(self, canvas: Canvas, facet: Facet, box: Box) -> None:
        """Draw the color bar into a box of pixels."""
        return

    def primitives(self, canvas: Canvas, facet: Facet, viewport: Viewport, moment: Moment) -> tuple[Primitive, ...]:
        """Return what moves; a turning camera sees it as it is at a moment."""
        ...


@cache
def view_renderer(kind: str) -> ViewRenderer:
    """Return what draws views of a kind, which is the name of its module in this package."""
    return cast("ViewRenderer", import_module(f"{__name__}.{kind}").RENDERER)
