"""What a look is made of: plain values, no drawing."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["STROKE", "TYPE", "Theme"]

STROKE = (0.6, 2.0)
"""The range of a theme's stroke: beyond it lines vanish, or hide what they cross."""

TYPE = (0.8, 1.5)
"""The range of a theme's type: beyond it words cannot be read, or find no room."""


@dataclass(frozen=True)
class Theme:
    """The look of a picture: its colours, each as "#rrggbb", its type and its line widths.

    Args:
        summary: One line for a list of themes.
        page: The ground behind everything.
        text: Titles and labels.
        quiet: Ticks, secondary text and thin rules.
        grid: Lines behind a panel's curves.
        panel: The ground of a panel.
        field: The colour map under the paths, from the lowest level to the highest: at least two colours.
        level_line: The thin line between two levels.
        arrow: The gradient arrows.
        falling: The gradient arrows of a curve where it falls: a negative slope.
        rising: The gradient arrows of a curve where it rises: a positive slope.
        casing: The thin border that lifts a path, a head or a star off the field.
        minimum: The stars on the minima.
        paths: The colours of the paths, in the order that stands out best on this page.
        font: The family of all type.
        stroke: Factor on all line widths, within `STROKE`.
        type: Factor on the size of all type, within `TYPE`.
    """

    summary: str
    page: str
    text: str
    quiet: str
    grid: str
    panel: str
    field: tuple[str, ...]
    level_line: str
    arrow: str
    falling: str
    rising: str
    casing: str
    minimum: str
    paths: tuple[str, ...]
    font: str = "DejaVu Sans"
    stroke: float = 1.0
    type: float = 1.0
