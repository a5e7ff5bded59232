"""A theme of the user's own: another one with some of its values changed."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from gdsim.errors import InputError, did_you_mean
from gdsim.themes.shades import standing_out
from gdsim.themes.theme import STROKE, TYPE, Theme

__all__ = ["altered"]

_COLOR = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})", re.IGNORECASE)
_LIMITS = {"stroke": STROKE, "type": TYPE}
_SAMPLES = 5


def altered(base: Theme, name: str, given: Mapping[str, object]) -> Theme:
    """Return a theme with some values changed.

    What goes with a changed value and is not given itself follows it: the panels follow the page where they were
    alike, and level lines, arrows and stars stand out from a new field.

    Args:
        base: The theme to start from.
        name: What it is called.
        given: Field of `Theme`, but for its summary → value.

    Raises:
        InputError: A key is unknown or a value is at fault; `key` says which.
    """
    known = [field.name for field in fields(Theme) if field.name != "summary"]
    for key in given:
        if key not in known:
            raise InputError(f"a theme has no '{key}'{did_you_mean(key, ['base', *known])}", (key,))
    values: dict[str, Any] = {key: _value(key, value) for key, value in given.items()}
    return replace(base, summary=f"a theme of one's own, after {name}", **{**_following(base, values), **values})


def _following(base: Theme, values: Mapping[str, Any]) -> dict[str, str]:
    """The values that follow from changed ones."""
    follows = {}
    if "page" in values and base.panel == base.page:
        follows["panel"] = values["page"]
    if "field" in values:
        field, page = values["field"], values.get("page", base.page)
        # No arrow stands out from a map that reaches from black to white: it may be lost on the highest level. Stars
        # stand at the lowest levels; a curve and its arrows stand on the page and on the second, which fills below it.
        signs = (page, field[1])
        lain_upon = {
            "level_line": field,
            "arrow": (page, *field[:-1]),
            "minimum": field[:2],
            "falling": signs,
            "rising": signs,
        }
        for key, grounds in lain_upon.items():
            least = 1.2 if key == "level_line" else 2.0
            follows[key] = standing_out(getattr(base, key), grounds, least, [values.get("text", base.text), page])
    return follows


def _value(key: str, value: object) -> str | float | tuple[str, ...]:
    if key in _LIMITS:
        return _factor(key, value)
    if key == "font":
        return _font(value)
    if key == "field" and isinstance(value, str):
        return _color_map(value)
    return _colors(key, value) if key in ("field", "paths") else _color(value, (key,))


def _color(value: object, key: tuple[str | int, ...]) -> str:
    if not isinstance(value, str) or not _COLOR.fullmatch(value):
        named = "; names of colours are not taken" if isinstance(value, str) and value.isalpha() else ""
        raise InputError(f"a colour is written as '#rrggbb' or '#rgb', not '{value}'{named}", key)
    digits = value[1:].lower()
    return "#" + (digits if len(digits) == 6 else "".join(2 * digit for digit in digits))


def _colors(key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        what = "a colour map's name or a list of colours" if key == "field" else "a list of colours"
        raise InputError(f"{key} takes {what}", (key,))
    colors = tuple(_color(color, (key, place)) for place, color in enumerate(value))
    fewest = 2 if key == "field" else 1
    if len(colors) < fewest:
        raise InputError(f"{key} takes {fewest} colour{'s' * (fewest > 1)} at least", (key,))
    for place, color in enumerate(colors):
        if key == "paths" and color in colors[:place]:
            raise InputError(f"'{color}' is given twice; each path needs a colour of its own", (key, place))
    return colors


def _color_map(name: str) -> tuple[str, ...]:
    """Colours evenly spaced along one of matplotlib's colour maps."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    if name not in colormaps:
        raise InputError(f"there is no colour map '{name}'{did_you_mean(name, colormaps)}", ("field",))
    spectrum = colormaps[name]
    return tuple(to_hex(spectrum(place / (_SAMPLES - 1))) for place in range(_SAMPLES))


def _font(name: object) -> str:
    from matplotlib.font_manager import get_font_names

    installed = get_font_names()
    if name not in installed:
        raise InputError(f"the font '{name}' is not installed{did_you_mean(str(name), installed)}", ("font",))
    return str(name)


def _factor(key: str, value: object) -> float:
    low, high = _LIMITS[key]
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    if not low <= number <= high:
        raise InputError(f"{key} is a number from {low} to {high}, not {value}", (key,))
    return float(number)
