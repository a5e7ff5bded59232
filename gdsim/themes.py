"""The look of a picture in one place: colours, dashes and marker names, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["DASHES", "MARKERS", "THEMES", "Theme"]


@dataclass(frozen=True)
class Theme:
    """The colours of a picture, each as "#rrggbb".

    Args:
        summary: One line for a list of themes.
        page: The ground behind everything.
        text: Titles and labels.
        quiet: Ticks, secondary text and thin rules.
        grid: Lines behind a panel's curves.
        field: The colour map under the paths, from the lowest level to the highest: one hue, even in lightness.
        level_line: The thin line between two levels.
        arrow: The gradient arrows.
        casing: The thin border that lifts a path, a head or a star off the field.
        minimum: The stars on the minima.
        paths: The colours of the paths, after Okabe and Ito (2008), in the order that stands out best on this page.
    """

    summary: str
    page: str
    text: str
    quiet: str
    grid: str
    field: tuple[str, ...]
    level_line: str
    arrow: str
    casing: str
    minimum: str
    paths: tuple[str, ...]


THEMES: Mapping[str, Theme] = MappingProxyType(
    {
        "light": Theme(
            summary="a white page, for paper and bright rooms",
            page="#ffffff",
            text="#1b2430",
            quiet="#5a6675",
            grid="#e3e7ec",
            field=("#fbfcfd", "#e4ebf2", "#cad6e3", "#aec0d3", "#92a9c2"),
            level_line="#7d92aa",
            arrow="#46566a",
            casing="#ffffff",
            minimum="#1b2430",
            paths=(
                "#0072b2",
                "#d55e00",
                "#009e73",
                "#cc79a7",
                "#e69f00",
                "#56b4e9",
                "#000000",
                "#f0e442",
            ),
        ),
        "dark": Theme(
            summary="a near-black page, for projectors and dark rooms",
            page="#10141b",
            text="#f1f4f8",
            quiet="#9aa7b8",
            grid="#262e3a",
            field=("#141b26", "#1e2a3a", "#2b3b50", "#3b4f68", "#4e6682"),
            level_line="#607892",
            arrow="#b9c6d6",
            casing="#0b0e13",
            minimum="#ffffff",
            paths=(
                "#56b4e9",
                "#e69f00",
                "#009e73",
                "#f0e442",
                "#cc79a7",
                "#d55e00",
                "#ffffff",
                "#0072b2",
            ),
        ),
    }
)

DASHES: tuple[tuple[float, ...], ...] = ((), (6.0, 1.6), (2.2, 1.5), (6.0, 1.6, 1.6, 1.6))
"""On and off lengths in units of the line's width; taken in turn, so that paths differ by more than colour."""

MARKERS: tuple[str, ...] = ("o", "s", "D", "^", "v", "p", "h")
"""Shapes of the heads, by matplotlib's letters. Their number shares no factor with that of the colours."""
