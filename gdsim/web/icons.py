"""The small drawings on the page's buttons."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gdsim.render import outline
from gdsim.scene import Style

__all__ = ["ICONS", "swatch"]


def _icon(path: str) -> str:
    return f'<svg viewBox="0 0 20 20" aria-hidden="true"><path d="{path}"/></svg>'


ICONS: Mapping[str, str] = MappingProxyType(
    {
        "first": _icon("M4 4h2v12H4zM16 4v12L7 10z"),
        "back": _icon("M13.5 4v12L4.5 10z"),
        "play": _icon("M6 3.5v13l10.5-6.5z"),
        "pause": _icon("M5 4h3.5v12H5zM11.5 4H15v12h-3.5z"),
        "forth": _icon("M6.5 4v12l9-6z"),
        "last": _icon("M14 4h2v12h-2zM4 4v12l9-6z"),
        "loop": _icon(
            "M6 5h7.5A3.5 3.5 0 0 1 17 8.5V10h-1.8V8.5a1.7 1.7 0 0 0-1.7-1.7H6V9L2.5 5.9 6 2.8z"
            "M14 15H6.5A3.5 3.5 0 0 1 3 11.5V10h1.8v1.5a1.7 1.7 0 0 0 1.7 1.7H14V11l3.5 3.1L14 17.2z"
        ),
        "more": _icon(
            "M10 2a8 8 0 1 1 0 16 8 8 0 0 1 0-16zm0 1.7a6.3 6.3 0 1 0 0 12.6 6.3 6.3 0 0 0 0-12.6z"
            "M9.1 9h1.8v5H9.1zM9.1 5.9h1.8v1.8H9.1z"
        ),
        "full": _icon("M3 3h5v1.8H4.8V8H3zM12 3h5v5h-1.8V4.8H12zM3 12h1.8v3.2H8V17H3zM15.2 12H17v5h-5v-1.8h3.2z"),
    }
)
"""By what a button does."""

WIDTH, HEIGHT, LINE, HEAD = 36, 16, 3.0, 11.0
"""The size of a swatch, the width of its line and the size of its head."""


def swatch(style: Style, casing: str) -> str:
    """Return a short piece of an optimizer's path with its head, as an `<svg>` element.

    Args:
        style: How it is drawn.
        casing: The colour of the border around its head.
    """
    middle = HEIGHT / 2
    dash = " ".join(f"{LINE * part:g}" for part in style.dash)
    line = f'<path d="M1 {middle:g}H{WIDTH - 8}" stroke="{style.color}" stroke-width="{LINE:g}"' + (
        f' stroke-dasharray="{dash}"/>' if dash else "/>"
    )
    corners = outline(style.marker) * HEAD + [WIDTH - 8, middle]
    shape = " ".join(f"{x:.2f},{y:.2f}" for x, y in corners)
    head = f'<polygon points="{shape}" fill="{style.color}" stroke="{casing}" stroke-width="1.2"/>'
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true">{line}{head}</svg>'
