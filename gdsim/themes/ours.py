"""The themes that gdsim brings along, with the dashes and markers that go with every theme."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gdsim.themes.theme import Theme

__all__ = ["DASHES", "MARKERS", "THEMES"]

# Paths are the colours of Okabe and Ito (2008). Any two of a theme's eight stand at least 14 apart in CIELAB, also
# under simulated deuteranopia and protanopia (Machado et al., 2009), any two of the first four at least 16.
# The arrows of a curve are violet and umber, the two hues that the paths leave free: 50 and more apart to any eye.
THEMES: Mapping[str, Theme] = MappingProxyType(
    {
        "light": Theme(
            summary="a white page, for paper and bright rooms",
            page="#ffffff",
            text="#1b2430",
            quiet="#5a6675",
            grid="#e3e7ec",
            panel="#ffffff",
            field=("#fbfcfd", "#e4ebf2", "#cad6e3", "#aec0d3", "#92a9c2"),
            level_line="#7d92aa",
            arrow="#46566a",
            falling="#80689c",
            rising="#88633c",
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
            summary="a near-black page, for dark rooms and screens",
            page="#10141b",
            text="#f1f4f8",
            quiet="#9aa7b8",
            grid="#262e3a",
            panel="#10141b",
            field=("#141b26", "#1e2a3a", "#2b3b50", "#3b4f68", "#4e6682"),
            level_line="#607892",
            arrow="#b9c6d6",
            falling="#a487c4",
            rising="#a97a49",
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
        # A projector's black is grey and its pale colours are white: the paths are darkened to 3 : 1 against the
        # middle of the field for the first four, and to 3 : 1 against the page for all.
        "slide": Theme(
            summary="bold lines and large type, for a projector seen from the last row",
            page="#ffffff",
            text="#0b1118",
            quiet="#3f4a58",
            grid="#d5dbe2",
            panel="#ffffff",
            field=("#ffffff", "#e9eff5", "#d2dde9", "#bccbdc", "#a6bacf"),
            level_line="#6b819b",
            arrow="#34445a",
            falling="#7d72a0",
            rising="#97603a",
            casing="#ffffff",
            minimum="#0b1118",
            paths=(
                "#0069a6",
                "#bd5200",
                "#008260",
                "#a0457d",
                "#c78900",
                "#4593c0",
                "#000000",
                "#514c10",
            ),
            stroke=1.5,
            type=1.22,
        ),
    }
)

DASHES: tuple[tuple[float, ...], ...] = ((), (6.0, 1.6), (2.2, 1.5), (6.0, 1.6, 1.6, 1.6))
"""On and off lengths in units of the line's width; taken in turn, so that paths differ by more than colour."""

MARKERS: tuple[str, ...] = ("o", "s", "D", "^", "v", "p", "h")
"""Shapes of the heads, by matplotlib's letters. Their number shares no factor with that of the colours."""
