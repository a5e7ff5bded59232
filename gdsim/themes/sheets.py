"""What a theme takes from matplotlib: style sheets, colour maps and fonts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from matplotlib import colormaps, rc_params_from_file, rcParamsDefault
from matplotlib.colors import get_named_colors_mapping, to_hex, to_rgba
from matplotlib.font_manager import font_scalings, get_font_names

from gdsim.errors import InputError, did_you_mean
from gdsim.themes import fonts as fonts  # adds the bundled font to matplotlib's
from gdsim.themes.builtin import FONT, LEGIBLE, STROKE, THEMES, TYPE, Theme, channels, contrast, ensure_contrast, mix

SAMPLES = 5
PALED = 0.4  # the share of the page's colour in a sheet's own colour map, of which some are garish
MIN_PATHS = 4


def sample_color_map(name: str) -> tuple[str, ...]:
    """Return evenly spaced colours of a matplotlib colour map.

    Raises:
        InputError: There is no such colour map.
    """
    if name not in colormaps:
        message = f"there is no colour map '{name}'{did_you_mean(name, colormaps)}"
        raise InputError(message, ("field",), code="unknown-name")
    return tuple(to_hex(colormaps[name](index / (SAMPLES - 1))) for index in range(SAMPLES))


def named_color(name: str) -> str:
    """Return the colour `"#rrggbb"` of a name, such as red or tab:blue.

    Raises:
        InputError: There is no such colour.
    """
    colors = get_named_colors_mapping()
    if name.casefold() not in colors:
        hint = did_you_mean(name, [each for each in colors if ":" not in each and len(each) > 1])
        message = f"there is no colour '{name}'{hint or '; write a name, such as red, or #rrggbb in quotation marks'}"
        raise InputError(message, code="unknown-name")
    return to_hex(colors[name.casefold()])


def check_font(name: str) -> None:
    """Raise InputError if a font family is not installed."""
    installed = get_font_names()
    if name not in installed:
        message = f"the font '{name}' is not installed{did_you_mean(name, installed)}"
        raise InputError(message, ("font",), code="not-installed")


def theme_from_sheet(file: Path) -> Theme:
    """Convert a style sheet to a theme.

    Its colours are kept where they are legible, and otherwise moved towards the text's colour or dropped. What it lacks
    is that of the built-in theme "light" or "dark".
    """
    sheet = rc_params_from_file(file, use_default_template=False)
    # The default parameters, not the current ones: a picture does not depend on the user's matplotlibrc.
    rc: dict[Any, Any] = {**rcParamsDefault, **sheet}
    page = _hex(rc["figure.facecolor"], "#ffffff")
    panel = _hex(rc["axes.facecolor"], page)
    kind = "dark" if contrast(page, "#ffffff") > contrast(page, "#000000") else "light"
    base = THEMES[kind]
    text = ensure_contrast(_hex(rc["text.color"], page), [page], LEGIBLE, [base.text, "#000000", "#ffffff"])
    field = base.field
    if color_map := sheet.get("image.cmap"):
        field = tuple(mix(color, page, PALED) for color in sample_color_map(color_map))
    look = replace(base, page=page, panel=panel, field=field)
    grounds, paths = (page, panel, *look.curve_fill), _paths(rc, look, text)
    falling, rising = (ensure_contrast(each, grounds, 2.2, [text]) for each in (base.falling, base.rising))
    return replace(
        look,
        summary=f"matplotlib's style sheet {file.stem}",
        text=text,
        quiet=ensure_contrast(_hex(rc["xtick.color"], page), [page], 3.0, [text]),
        grid=_grid(rc, panel, text),
        level_line=text,
        arrow=text,
        falling=falling,
        rising=rising,
        casing=page,
        minimum=text,
        paths=paths,
        font=_font(rc),
        stroke=min(max(rc["lines.linewidth"] / 1.5, STROKE[0]), STROKE[1]),
        type=min(max(_font_size(rc) / 10, TYPE[0]), TYPE[1]),
        # A sheet meant for grey names greys first.
        dashes=all(len(set(channels(color))) == 1 for color in paths[:2]),
    )


def _hex(color: Any, background: str) -> str:
    """Convert a matplotlib colour, blended with a background where it is transparent."""
    return mix(background, to_hex(color), to_rgba(color)[3])


def _grid(rc: Mapping[str, Any], panel: str, text: str) -> str:
    """Return the sheet's grid colour, paled to a low contrast: sheets draw their grids dotted, or not at all."""
    own = mix(panel, _hex(rc["grid.color"], panel), rc["grid.alpha"])
    shades = [mix(own, panel, tenths / 10) for tenths in range(10)]
    quiet = (shade for shade in shades if contrast(shade, panel) <= 1.6)
    return ensure_contrast(next(quiet, panel), [panel], 1.1, [text])


def _paths(rc: Mapping[str, Any], look: Theme, text: str) -> tuple[str, ...]:
    """Return the sheet's colours, legible and distinct, filled up from the built-in theme's."""
    own = [_hex(color, look.page) for color in rc["axes.prop_cycle"].by_key().get("color", [])]
    paths: list[str] = []
    for index, given in enumerate([*own, *look.paths]):
        color = ensure_contrast(given, [look.page], LEGIBLE, [text])
        wanted = index < len(own) or len(paths) < MIN_PATHS
        if wanted and all(_distinct(color, other) for other in paths):
            paths.append(color)
    return tuple(paths)


def _distinct(one: str, other: str) -> bool:
    """Return whether two colours differ by an eighth in red, green or blue."""
    return max(abs(a - b) for a, b in zip(channels(one), channels(other), strict=True)) >= 32


def _font(rc: Mapping[str, Any]) -> str:
    """Return the first installed family that the sheet names but matplotlib's default, or the bundled font."""
    wanted = [name for family in rc["font.family"] for name in rc.get(f"font.{family}", [family])]
    installed = get_font_names()
    return next((name for name in wanted if name in installed and name != "DejaVu Sans"), FONT)


def _font_size(rc: Mapping[str, Any]) -> float:
    """Return the tick labels' size in points, because some sheets change only that."""
    size = rc["xtick.labelsize"]
    return float(rc["font.size"] * font_scalings[size] if isinstance(size, str) else size)
