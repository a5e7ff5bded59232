"""The layout of a picture: boxes in pixels from the lower left corner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, get_args

ColorBar: TypeAlias = Literal["none", "optional", "required"]
"""Whether a color bar explains the colors of a view, and whether they mean nothing without it."""

COLOR_BARS: tuple[ColorBar, ...] = get_args(ColorBar)

ONE_LINE, TWO_LINES = 1.55, 2.7
"""The minimum spacing of legend entries with the settings beside the name and under it, in ems."""


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels, given by its lower left corner, its width and its height."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The right edge."""
        return self.x + self.width

    @property
    def top(self) -> float:
        """The upper edge."""
        return self.y + self.height

    def moved(self, right: float, down: float = 0) -> Box:
        """Return the box moved to the right and down."""
        return Box(self.x + right, self.y - down, self.width, self.height)

    def between(self, low: float, top: float) -> Box:
        """Return the part of the box between two heights."""
        return Box(self.x, low, self.width, top - low)


@dataclass(frozen=True)
class PanelRequest:
    """The space that one panel requests.

    Attributes:
        digits: The number of characters of the longest text beside its axis.
        weight: The height relative to a panel of curves.
        min_height: The minimum height, in ems.
        max_height: Maps the width to the maximum height, both in pixels; None for no limit.
        has_axis: Whether there is an axis below the panel.
        facet_share: The fraction of the width for the facet, if the panel is the main part of the picture and names the
            optimizers itself; None for an ordinary panel.
    """

    digits: int
    weight: float = 1.0
    min_height: float = 5.0
    max_height: Callable[[float], float] | None = None
    has_axis: bool = True
    facet_share: float | None = None


@dataclass(frozen=True)
class GroupLayout:
    """The boxes of a group's parts.

    Attributes:
        facets: The facets, row by row.
        color_bar: The color bar; None if there is no room for one.
        panels: The panels that fit, in the order of the request.
        outer: For each facet, whether its horizontal and its vertical axis have tick labels.
        names: For each facet, the room for its optimizer's name; None for no name.
        name: The room for the group's name; None for no name.
    """

    facets: tuple[Box, ...]
    color_bar: Box | None
    panels: tuple[Box, ...]
    outer: tuple[tuple[bool, bool], ...]
    names: tuple[Box | None, ...]
    name: Box | None = None

    def moved(self, right: float, down: float = 0) -> GroupLayout:
        """Return the group with facets, their names and the color bar moved to the right and down."""
        bar = self.color_bar and self.color_bar.moved(right, down)
        names = tuple(box and box.moved(right, down) for box in self.names)
        return replace(self, facets=tuple(box.moved(right, down) for box in self.facets), names=names, color_bar=bar)

    def right(self, bar: float) -> float:
        """Return the right edge of the facets, or of the color bar with its tick labels, `bar` pixels wide."""
        return self.color_bar.right + bar if self.color_bar else max(box.right for box in self.facets)


@dataclass(frozen=True)
class Layout:
    """The boxes of a picture's parts; None for parts without room.

    Attributes:
        em: The font size of plain text, in pixels.
        title: The line at the top; it begins at the same place in every picture of a size.
        subtitle: The line under it, as far as the step counter.
        counter: The right end of the step counter on its baseline.
        legend: The names of the paths; if it is lower than two ems, on one line.
        key: The key to the other symbols.
        ticks: Whether the axes of facets have tick labels.
        axis_names: Whether they have names.
        formula: The line under the subtitle for a formula that has no room in it.
    """

    em: float
    title: Box
    subtitle: Box | None
    counter: tuple[float, float]
    groups: tuple[GroupLayout, ...]
    legend: Box | None
    key: Box | None
    ticks: bool
    axis_names: bool = True
    formula: Box | None = None
