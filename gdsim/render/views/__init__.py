"""Renderers of views: one module per kind, which defines `RENDERER`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from importlib import import_module
from typing import ClassVar, Protocol, TypeAlias, cast

from gdsim.objectives import FloatArray
from gdsim.render.canvas import Canvas
from gdsim.render.display_list import Moment, Primitive, Viewport
from gdsim.render.layout import Box, ColorBar
from gdsim.scene.model import Facet

Symbol: TypeAlias = tuple[float, str, Callable[[Canvas, float, float], None]]
"""A symbol's width in ems, its meaning, and a function that draws it at a place."""


class ViewRenderer(Protocol):
    """Draws the views of one kind; the defaults are for kinds without the feature.

    Attributes:
        needs_names: Whether the names of the axes are needed in every view, unlike x and y.
    """

    needs_names: ClassVar[bool] = False

    def color_bar(self, facet: Facet) -> ColorBar:
        """Return whether a color bar explains the view's colors, and whether they mean nothing without it."""
        return "none"

    def aspect(self, facet: Facet) -> float | None:
        """Return the preferred width-to-height ratio of a view; None for any."""
        return None

    def digits(self, facet: Facet) -> int:
        """Return the number of characters of the longest tick label on the vertical axis; 0 for no tick labels."""
        return 0

    def draw(self, canvas: Canvas, facet: Facet, box: Box, outer: tuple[bool, bool]) -> Viewport:
        """Draw the static parts; `outer` is whether the horizontal and the vertical axis have tick labels."""

    def draw_color_bar(self, canvas: Canvas, facet: Facet, box: Box) -> None:
        """Draw the color bar into a box."""
        return

    def symbols(self, facet: Facet) -> Iterable[Symbol]:
        """Return the symbols of this kind of view that the key explains."""
        return ()

    def lines(self, facet: Facet, viewport: Viewport) -> list[FloatArray]:
        """Return boxes, (2, 2), along the lines that names of paths must not cover."""
        return []

    def primitives(self, facet: Facet, viewport: Viewport, moment: Moment) -> tuple[Primitive, ...]:
        """Return what moves, as a turning camera sees it at a moment, except the marks of starts and exits."""


@cache
def view_renderer(kind: str) -> ViewRenderer:
    """Return the renderer of a kind of view, which is the name of its module in this package."""
    return cast("ViewRenderer", import_module(f"{__name__}.{kind}").RENDERER)
