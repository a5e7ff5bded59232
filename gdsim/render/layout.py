"""Where the parts of a picture of a given size are, in pixels from the lower left corner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

__all__ = ["Box", "GroupLayout", "Layout", "LayoutRequest", "PanelRequest", "em_size"]


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels: its lower left corner, its width and its height."""

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
        """Return the same box at another place."""
        return Box(self.x + right, self.y - down, self.width, self.height)


def em_size(size: tuple[int, int], factor: float) -> float:
    """Return the size of plain type in a picture, in pixels; never below 2.2 % of the shorter side.

    Args:
        size: Width and height of the picture, in pixels.
        factor: The theme's factor on the size of type.
    """
    return max(0.0232 * min(size) * factor, 8.0)


@dataclass(frozen=True)
class PanelRequest:
    """What one panel needs.

    Args:
        digits: The length of the longest text beside its axis, in characters.
        weight: Its height relative to a panel of curves.
        min_height: Its smallest height, in ems.
        max_height: Maps its width to its largest height, both in pixels; None for no limit.
        has_axis: Whether there is an axis under it.
        stretches: Whether it may be much wider than high.
        facet_share: The share of the width left to the facet, if the panel is the main part of the picture and names
            the optimizers itself; None for an ordinary panel.
    """

    digits: int
    weight: float = 1.0
    min_height: float = 5.0
    max_height: Callable[[float], float] | None = None
    has_axis: bool = True
    stretches: bool = True
    facet_share: float | None = None


@dataclass(frozen=True)
class LayoutRequest:
    """What a picture must hold.

    Args:
        size: Width and height in pixels.
        type_scale: The factor on the size of type.
        aspects: For each group, the width over height of its facets at which both coordinates have one scale; None
            for any.
        facets: The number of facets of each group.
        named: Whether names are above the facets, instead of in a legend.
        digits: The length of the longest number on a facet's vertical axis; 0 for no numbers.
        color_bar: Whether groups have a color bar.
        legend: The number of legend entries.
        key: The width of the key to the symbols, in ems.
        panels: The panels of each group.
        panels_at: Whether the panels are beside or under the facets; None for what fits best.
    """

    size: tuple[int, int]
    type_scale: float
    aspects: tuple[float | None, ...]
    facets: int
    named: bool
    digits: int
    color_bar: bool
    legend: int
    key: float
    panels: tuple[PanelRequest, ...]
    panels_at: Literal["beside", "under"] | None


@dataclass(frozen=True)
class GroupLayout:
    """Where the parts of a group are.

    Args:
        facets: The facets, row by row.
        color_bar: The color bar; None where there is no room for one.
        panels: The panels that fit, the first ones of those requested.
        outer: For each facet, whether the numbers of its horizontal and of its vertical axis are written.
        caption: The height of a facet's name, in pixels.
        name: Where the group's name begins on its baseline, and its largest width; None for no name.
    """

    facets: tuple[Box, ...]
    color_bar: Box | None = None
    panels: tuple[Box, ...] = ()
    outer: tuple[tuple[bool, bool], ...] = ()
    caption: float = 0.0
    name: Box | None = None

    def moved(self, right: float, down: float = 0) -> GroupLayout:
        """Return the group with facets and color bar moved by some pixels."""
        bar = self.color_bar and self.color_bar.moved(right, down)
        return replace(self, facets=tuple(box.moved(right, down) for box in self.facets), color_bar=bar)

    def right(self, bar: float) -> float:
        """Return the right edge of the facets, or of the color bar with its numbers, which take a width in pixels."""
        return self.color_bar.right + bar if self.color_bar else max(box.right for box in self.facets)


@dataclass(frozen=True)
class Layout:
    """Where the parts of a picture are; a part without room is None.

    Args:
        em: The size of plain type, in pixels.
        title: The line above everything.
        counter: Where the step counter ends on its baseline.
        groups: One per group.
        legend: The names of the paths; one line where it is lower than two ems.
        key: The key to the other symbols.
        ticks: Whether the axes of facets have numbers.
    """

    em: float
    title: Box
    counter: tuple[float, float]
    groups: tuple[GroupLayout, ...]
    legend: Box | None
    key: Box | None
    ticks: bool
