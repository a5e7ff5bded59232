"""The built-in themes, the dashes and markers that all themes share, and the contrast of colours."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

STROKE = (0.6, 2.0)  # the range of `Theme.stroke`: outside of it lines are invisible, or hide what they cross
TYPE = (0.8, 1.5)  # the range of `Theme.type`: outside of it text is illegible, or does not fit


@dataclass(frozen=True)
class Theme:
    """Colours ("#rrggbb"), font and line widths of a picture.

    Attributes:
        summary: One line for a list of themes.
        page: The background.
        text: Titles and labels.
        quiet: Ticks, secondary text and thin rules.
        grid: Lines behind a panel's curves.
        panel: The background of a panel.
        field: The colour map under the paths, from the lowest level to the highest; at least two colours.
        level_line: The thin line between two levels.
        arrow: The gradient arrows.
        falling: The arrows of a curve with negative slope.
        rising: The arrows of a curve with positive slope.
        casing: The thin border around a path, a head or a star.
        minimum: The stars on the minima.
        paths: The colours of the paths, in the order in which they stand out best on this page.
        font: The font family.
        stroke: A factor on all line widths, within `STROKE`.
        type: A factor on all font sizes, within `TYPE`.
        dashes: Whether paths also differ in their dashes, for pictures that must work in grey.
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
    dashes: bool = False


# Path colours are those of Okabe and Ito (2008). Any two of a theme's eight differ by at least 14 in CIELAB, also
# under simulated deuteranopia and protanopia (Machado et al., 2009), any two of the first four by at least 16.
# The arrows of a curve are violet and umber, the two hues that the paths do not use: they differ by 50 or more.
LIGHT = Theme(
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
    paths=("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#f0e442"),
)

DARK = Theme(
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
    paths=("#56b4e9", "#e69f00", "#009e73", "#f0e442", "#cc79a7", "#d55e00", "#ffffff", "#0072b2"),
)

# A projector shows black as grey and pale colours as white. Therefore the contrast of the paths is at least 3 : 1
# against the page, and for the first four against the middle of the field.
SLIDE = replace(
    LIGHT,
    summary="bold lines and large type, for a projector seen from the last row",
    text="#0b1118",
    quiet="#3f4a58",
    grid="#d5dbe2",
    field=("#ffffff", "#e9eff5", "#d2dde9", "#bccbdc", "#a6bacf"),
    level_line="#6b819b",
    arrow="#34445a",
    falling="#7d72a0",
    rising="#97603a",
    minimum="#0b1118",
    paths=("#0069a6", "#bd5200", "#008260", "#a0457d", "#c78900", "#4593c0", "#000000", "#514c10"),
    stroke=1.5,
    type=1.22,
)

THEMES: Mapping[str, Theme] = MappingProxyType({"light": LIGHT, "dark": DARK, "slide": SLIDE})

DASHES: tuple[tuple[float, ...], ...] = ((), (6.0, 1.6), (2.2, 1.5), (6.0, 1.6, 1.6, 1.6))
"""On and off lengths in units of the line width, used cyclically, so that paths differ not only in colour."""

MARKERS: tuple[str, ...] = ("o", "s", "D", "^", "v", "p", "h")
"""Shapes of the heads, as matplotlib markers. Seven, so that cycles of colours and markers do not coincide."""


def channels(color: str) -> tuple[int, ...]:
    """Return red, green and blue, from 0 to 255."""
    return tuple(bytes.fromhex(color.removeprefix("#")))


def _luminance(color: str) -> float:
    shares = [level / 255 for level in channels(color)]
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours as WCAG 2 defines it, from 1 to 21."""
    dark, bright = sorted((_luminance(one), _luminance(other)))
    return (bright + 0.05) / (dark + 0.05)


def mix(one: str, other: str, share: float) -> str:
    """Interpolate linearly in sRGB from one colour (share 0) to another (share 1)."""
    levels = zip(channels(one), channels(other), strict=True)
    return "#" + "".join(f"{round(a + share * (b - a)):02x}" for a, b in levels)


def ensure_contrast(color: str, backgrounds: Collection[str], minimum: float, towards: Sequence[str]) -> str:
    """Move a colour as little as possible towards others, until it has a minimum contrast with all backgrounds.

    If no mixture reaches the contrast, that with the highest one is returned.
    """
    candidates = [mix(color, other, tenths / 10) for tenths in range(11) for other in towards]
    worst = {each: min(contrast(each, background) for background in backgrounds) for each in candidates}
    return next((each for each in candidates if worst[each] >= minimum), max(worst, key=worst.__getitem__))
