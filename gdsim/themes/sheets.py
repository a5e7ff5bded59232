"""matplotlib's style sheets as themes: found without matplotlib, read by it, and made readable where they are not."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gdsim.themes.ours import THEMES
from gdsim.themes.shades import contrast, mixed, standing_out
from gdsim.themes.theme import STROKE, TYPE, Theme

__all__ = ["from_sheet", "sheets"]

# Where a page is dark, eyes tell its shades apart less well: the field takes wider steps there.
_RAMPS = {"light": (0.01, 0.05, 0.1, 0.17, 0.25), "dark": (0.04, 0.1, 0.17, 0.25, 0.34)}
_FEWEST_PATHS = 4
_LEAST = 1.3


def _files() -> dict[str, Path]:
    """The style sheets of the installed matplotlib by name, without those it keeps to itself."""
    spec = find_spec("matplotlib")
    folders = spec.submodule_search_locations if spec else None
    found = [file for folder in folders or () for file in Path(folder, "mpl-data", "stylelib").glob("[!_]*.mplstyle")]
    return {file.stem: file for file in sorted(found, key=lambda file: file.stem.casefold())}


def sheets() -> tuple[str, ...]:
    """Return the names of the style sheets that the installed matplotlib brings along, sorted."""
    return tuple(_files())


def from_sheet(name: str) -> Theme:
    """Return a style sheet as a theme.

    Its own colours are kept where they can be read; where not, they are moved towards the text's or left out.

    Args:
        name: One of `sheets()`.
    """
    from matplotlib import rc_params_from_file, rcParamsDefault

    sheet = rc_params_from_file(_files()[name], use_default_template=False)
    # Not the defaults that hold just now: a picture is the same whatever a matplotlibrc says.
    rc: dict[Any, Any] = {**rcParamsDefault, **sheet}
    page = _hex(rc["figure.facecolor"], "#ffffff")
    panel = _hex(rc["axes.facecolor"], page)
    ours = THEMES[_kind(page)]
    text = standing_out(_hex(rc["text.color"], page), [page], 4.5, [ours.text, "#000000", "#ffffff"])
    field = _field(sheet.get("image.cmap"), page, text)
    grounds = (page, panel, field[1])
    return Theme(
        summary=f"matplotlib's style sheet {name}",
        page=page,
        text=text,
        quiet=standing_out(_hex(rc["xtick.color"], page), [page], 3.0, [text]),
        grid=_grid(rc, panel, text),
        panel=panel,
        field=field,
        level_line=standing_out(mixed(page, text, 0.4), field, _LEAST, [text]),
        arrow=standing_out(mixed(page, text, 0.75), field, 3.0, [text]),
        falling=standing_out(ours.falling, grounds, 2.2, [text]),
        rising=standing_out(ours.rising, grounds, 2.2, [text]),
        casing=page,
        minimum=text,
        paths=_paths(rc, (page, panel, field[len(field) // 2])),
        font=_font(rc),
        stroke=_within(rc["lines.linewidth"] / 1.5, STROKE),
        type=_within(_type_size(rc) / 10, TYPE),
    )


def _kind(page: str) -> str:
    """Which of our themes has a page of the same kind: "dark" where white contrasts more than black, else "light"."""
    return "dark" if contrast(page, "#ffffff") > contrast(page, "#000000") else "light"


def _hex(color: Any, ground: str) -> str:
    """A colour in matplotlib's words as "#rrggbb", seen over a ground where it is transparent."""
    from matplotlib.colors import to_hex, to_rgba

    return mixed(ground, to_hex(color), to_rgba(color)[3])


def _field(color_map: str | None, page: str, text: str) -> tuple[str, ...]:
    """The sheet's own colour map under a veil, or else a ramp that leads from the page towards the text.

    A map reaches from black to white or through every hue: no path would be seen on it without the veil.
    """
    ramp = _RAMPS[_kind(page)]
    if color_map is None:
        return tuple(mixed(page, text, share) for share in ramp)
    from matplotlib import colormaps

    spectrum = colormaps[color_map]
    return tuple(mixed(_hex(spectrum(place / (len(ramp) - 1)), page), page, 0.7) for place in range(len(ramp)))


def _grid(rc: Mapping[str, Any], panel: str, text: str) -> str:
    """The sheet's grid, quiet but there: sheets draw theirs dotted, or not at all."""
    own = mixed(panel, _hex(rc["grid.color"], panel), rc["grid.alpha"])
    shades = [mixed(own, panel, tenths / 10) for tenths in range(10)]
    quiet = (shade for shade in shades if contrast(shade, panel) <= 1.6)
    return standing_out(next(quiet, panel), [panel], 1.1, [text])


def _paths(rc: Mapping[str, Any], grounds: tuple[str, ...]) -> tuple[str, ...]:
    """The sheet's colours that stand out from each ground, with some of ours where these are few."""
    paths: list[str] = []
    for color in rc["axes.prop_cycle"].by_key().get("color", []):
        _add(paths, _hex(color, grounds[0]), grounds)
    for color in (color for ours in THEMES.values() for color in ours.paths):
        if len(paths) < _FEWEST_PATHS:
            _add(paths, color, grounds)
    return tuple(paths)


def _add(paths: list[str], color: str, grounds: tuple[str, ...]) -> None:
    """Add a colour, unless it is lost on a ground or hardly differs from a colour before it."""
    seen = all(contrast(color, ground) >= _LEAST for ground in grounds)
    if seen and all(_apart(color, other) for other in paths):
        paths.append(color)


def _apart(one: str, other: str) -> bool:
    """Whether two colours differ by an eighth in red, green or blue."""
    channels = zip(bytes.fromhex(one[1:]), bytes.fromhex(other[1:]), strict=True)
    return max(abs(a - b) for a, b in channels) >= 32


def _font(rc: Mapping[str, Any]) -> str:
    """The first installed family that the sheet asks for, by its own name or by a kind of type."""
    from matplotlib.font_manager import get_font_names

    wanted = [name for family in rc["font.family"] for name in rc.get(f"font.{family}", [family])]
    installed = get_font_names()
    return next((name for name in wanted if name in installed), "DejaVu Sans")


def _type_size(rc: Mapping[str, Any]) -> float:
    """The size of the numbers on an axis in points: some sheets set this alone and leave the size of all type."""
    from matplotlib.font_manager import font_scalings

    size = rc["xtick.labelsize"]
    return float(rc["font.size"] * font_scalings[size] if isinstance(size, str) else size)


def _within(value: float, limits: tuple[float, float]) -> float:
    low, high = limits
    return min(max(value, low), high)
