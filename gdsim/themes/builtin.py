"""The built-in themes, the dashes and markers that all themes share, and the contrast of colours."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from types import MappingProxyType

FONT = "Inter Tabular"  # the bundled font: Inter with tabular digits
STROKE = (0.6, 2.0)  # the range of `Theme.stroke`: outside of it lines are invisible, or hide what they cross
TYPE = (0.8, 1.5)  # the range of `Theme.type`: outside of it text is illegible, or does not fit
LEGIBLE = 4.5  # the minimum contrast of text and of paths (WCAG 2, level AA)


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
    font: str = FONT
    stroke: float = 1.0
    type: float = 1.0
    dashes: bool = False

    def on(self, ground: str, color: str, minimum: float) -> str:
        """Return a color, moved towards that of text or page until it has a minimum contrast with a ground."""
        return ensure_contrast(color, (ground,), minimum, (self.text, self.page))

    @property
    def shades(self) -> tuple[str, ...]:
        """The colors of the field, from the end that is nearer to the page to the one that stands out from it."""
        near, far = (contrast(self.field[end], self.page) for end in (0, -1))
        return self.field if near <= far else self.field[::-1]

    @property
    def curve_fill(self) -> tuple[str, ...]:
        """The colors of the area under a curve from low to high, those of the field without the one that stands out."""
        return tuple(mix(self.page, color, 0.36) for color in self.field[len(self.field) > 2 :])


# Each path has a contrast of at least 4.5 : 1 with its casing, and is therefore visible on any field. Any two paths
# differ by at least 11 in CIELAB, also under simulated deuteranopia and protanopia (Machado et al., 2009), any two of
# the first eight by at least 14, and of the first four by at least 16. Arrows of a curve are muted and differ by 50.
LIGHT = Theme(
    summary="a white page, for paper and bright rooms",
    page="#ffffff",
    text="#141a24",
    quiet="#5b6778",
    grid="#e3e7ec",
    panel="#ffffff",
    field=("#fffdf5", "#d9ebe3", "#b2d1d1", "#7fa9bd", "#557fa3", "#3c5f86"),
    level_line="#141a24",
    arrow="#141a24",
    falling="#56436f",
    rising="#9f734b",
    casing="#ffffff",
    minimum="#141a24",
    paths=(
        "#005fb8",
        "#c64207",
        "#690e7e",
        "#016e4f",
        "#bd1d4e",
        "#10151f",
        "#73400f",
        "#4150d8",
        "#98519b",
        "#226c74",
    ),
)

DARK = Theme(
    summary="a near-black page, for dark rooms and screens",
    page="#0b0f17",
    text="#f3f6fb",
    quiet="#93a1b5",
    grid="#262e3a",
    panel="#0b0f17",
    field=("#f6f0d8", "#8fc1b5", "#43879a", "#2a5777", "#1a3355", "#0f1c33"),
    level_line="#dfe8f5",
    arrow="#f3f6fb",
    falling="#a182b8",
    rising="#ac7c51",
    casing="#05080d",
    minimum="#ffffff",
    paths=(
        "#4fc3ff",
        "#ff9f1c",
        "#ee4f96",
        "#fde95a",
        "#24b97c",
        "#ffffff",
        "#a480f4",
        "#dc5933",
        "#578fd1",
        "#abd973",
    ),
)

SLIDE = replace(
    LIGHT,
    summary="bold lines and large type, for a projector seen from the last row",
    text="#0b1118",
    quiet="#3f4a58",
    grid="#d5dbe2",
    level_line="#0b1118",
    arrow="#0b1118",
    minimum="#0b1118",
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
    best, highest = color, 0.0
    for share, other in product([tenths / 10 for tenths in range(11)], towards):
        candidate = mix(color, other, share)
        worst = min(contrast(candidate, background) for background in backgrounds)
        if worst >= minimum:
            return candidate
        if worst > highest:
            best, highest = candidate, worst
    return best
