"""matplotlib's style sheets as themes, adjusted where their colours would be illegible."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gdsim.errors import InputError, did_you_mean
from gdsim.themes.builtin import STROKE, TYPE, Theme
from gdsim.themes.colors import contrast, ensure_contrast, mix

# Shades are harder to tell apart on a dark page, so the field takes wider steps there.
FIELD_SHARES = {"light": (0.01, 0.05, 0.1, 0.17, 0.25), "dark": (0.04, 0.1, 0.17, 0.25, 0.34)}
SAMPLES = 5
MIN_PATHS = 4
MIN_CONTRAST = 1.3


def style_sheets() -> dict[str, Path]:
    """Return the public style sheets of the installed matplotlib, by name; matplotlib is not imported."""
    spec = find_spec("matplotlib")
    folders = spec.submodule_search_locations if spec else None
    found = [file for folder in folders or () for file in Path(folder, "mpl-data", "stylelib").glob("[!_]*.mplstyle")]
    return {file.stem: file for file in sorted(found, key=lambda file: file.stem.casefold())}


def sample_color_map(name: str) -> tuple[str, ...]:
    """Return evenly spaced colours of a matplotlib colour map.

    Raises:
        InputError: There is no such colour map.
    """
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    if name not in colormaps:
        message = f"there is no colour map '{name}'{did_you_mean(name, colormaps)}"
        raise InputError(message, ("field",), code="unknown-name")
    return tuple(to_hex(colormaps[name](index / (SAMPLES - 1))) for index in range(SAMPLES))


def check_font(name: str) -> None:
    """Check that a font family is installed.

    Raises:
        InputError: It is not.
    """
    from matplotlib.font_manager import get_font_names

    installed = get_font_names()
    if name not in installed:
        message = f"the font '{name}' is not installed{did_you_mean(name, installed)}"
        raise InputError(message, ("font",), code="not-installed")


def theme_from_sheet(name: str, builtin: Mapping[str, Theme]) -> Theme:
    """Convert a style sheet to a theme.

    Its colours are kept where they are legible, and otherwise moved towards the text's colour or dropped.

    Args:
        name: One of `style_sheets()`.
        builtin: The themes "light" and "dark", which supply what a sheet lacks.
    """
    from matplotlib import rc_params_from_file, rcParamsDefault

    sheet = rc_params_from_file(style_sheets()[name], use_default_template=False)
    # The default parameters, not the current ones: a picture does not depend on the user's matplotlibrc.
    rc: dict[Any, Any] = {**rcParamsDefault, **sheet}
    page = _hex(rc["figure.facecolor"], "#ffffff")
    panel = _hex(rc["axes.facecolor"], page)
    kind = "dark" if contrast(page, "#ffffff") > contrast(page, "#000000") else "light"
    base = builtin[kind]
    text = ensure_contrast(_hex(rc["text.color"], page), [page], 4.5, [base.text, "#000000", "#ffffff"])
    field = _field(sheet.get("image.cmap"), page, text, FIELD_SHARES[kind])
    backgrounds = (page, panel, field[1])
    return Theme(
        summary=f"matplotlib's style sheet {name}",
        page=page,
        text=text,
        quiet=ensure_contrast(_hex(rc["xtick.color"], page), [page], 3.0, [text]),
        grid=_grid(rc, panel, text),
        panel=panel,
        field=field,
        level_line=ensure_contrast(mix(page, text, 0.4), field, MIN_CONTRAST, [text]),
        arrow=ensure_contrast(mix(page, text, 0.75), field, 3.0, [text]),
        falling=ensure_contrast(base.falling, backgrounds, 2.2, [text]),
        rising=ensure_contrast(base.rising, backgrounds, 2.2, [text]),
        casing=page,
        minimum=text,
        paths=_paths(rc, (page, panel, field[len(field) // 2]), builtin),
        font=_font(rc),
        stroke=min(max(rc["lines.linewidth"] / 1.5, STROKE[0]), STROKE[1]),
        type=min(max(_font_size(rc) / 10, TYPE[0]), TYPE[1]),
    )


def _hex(color: Any, background: str) -> str:
    """Convert a matplotlib colour, blended with a background where it is transparent."""
    from matplotlib.colors import to_hex, to_rgba

    return mix(background, to_hex(color), to_rgba(color)[3])


def _field(color_map: str | None, page: str, text: str, shares: tuple[float, ...]) -> tuple[str, ...]:
    """Return the sheet's own colour map, paled so that paths remain visible on it, or shades of the page."""
    if color_map is None:
        return tuple(mix(page, text, share) for share in shares)
    return tuple(mix(color, page, 0.7) for color in sample_color_map(color_map))


def _grid(rc: Mapping[str, Any], panel: str, text: str) -> str:
    """Return the sheet's grid colour, paled to a low contrast: sheets draw their grids dotted, or not at all."""
    own = mix(panel, _hex(rc["grid.color"], panel), rc["grid.alpha"])
    shades = [mix(own, panel, tenths / 10) for tenths in range(10)]
    quiet = (shade for shade in shades if contrast(shade, panel) <= 1.6)
    return ensure_contrast(next(quiet, panel), [panel], 1.1, [text])


def _paths(rc: Mapping[str, Any], backgrounds: tuple[str, ...], builtin: Mapping[str, Theme]) -> tuple[str, ...]:
    """Return the sheet's colours that are visible and distinct, filled up from the built-in ones."""
    own = [_hex(color, backgrounds[0]) for color in rc["axes.prop_cycle"].by_key().get("color", [])]
    spare = [color for each in builtin.values() for color in each.paths]
    paths: list[str] = []
    for index, color in enumerate([*own, *spare]):
        wanted = index < len(own) or len(paths) < MIN_PATHS
        visible = all(contrast(color, background) >= MIN_CONTRAST for background in backgrounds)
        if wanted and visible and all(_distinct(color, other) for other in paths):
            paths.append(color)
    return tuple(paths)


def _distinct(one: str, other: str) -> bool:
    """Return whether two colours differ by an eighth in red, green or blue."""
    channels = zip(bytes.fromhex(one[1:]), bytes.fromhex(other[1:]), strict=True)
    return max(abs(a - b) for a, b in channels) >= 32


def _font(rc: Mapping[str, Any]) -> str:
    """Return the first installed family that the sheet names, directly or by a generic family."""
    from matplotlib.font_manager import get_font_names

    wanted = [name for family in rc["font.family"] for name in rc.get(f"font.{family}", [family])]
    installed = get_font_names()
    return next((name for name in wanted if name in installed), "DejaVu Sans")


def _font_size(rc: Mapping[str, Any]) -> float:
    """Return the tick labels' size in points, because some sheets change only that."""
    from matplotlib.font_manager import font_scalings

    size = rc["xtick.labelsize"]
    return float(rc["font.size"] * font_scalings[size] if isinstance(size, str) else size)
