"""Themes by name: the built-in ones, matplotlib's style sheets, and custom ones that change another theme."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gdsim.errors import InputError, did_you_mean
from gdsim.themes.builtin import DASHES, MARKERS, STROKE, THEMES, TYPE, Theme
from gdsim.themes.colors import contrast, ensure_contrast, mix
from gdsim.themes.sheets import check_font, sample_color_map, style_sheets, theme_from_sheet

__all__ = [
    "DASHES",
    "MARKERS",
    "STROKE",
    "THEMES",
    "TYPE",
    "Theme",
    "check_theme",
    "contrast",
    "ensure_contrast",
    "mix",
    "names",
    "theme",
]


def names() -> tuple[str, ...]:
    """Return the names of the built-in themes, then those of the installed matplotlib's style sheets."""
    return (*THEMES, *style_sheets())


def check_theme(name: str) -> str:
    """Return the name of a theme.

    Raises:
        InputError: There is no such theme.
    """
    if name not in names():
        hint = did_you_mean(name, names()) or "; `gdsim list themes` prints the names"
        raise InputError(f"there is no theme '{name}'{hint}", code="unknown-name")
    return name


def theme(choice: str | Mapping[str, Any]) -> Theme:
    """Return a theme.

    Args:
        choice: One of `names()`, or a mapping from fields of `Theme` to values, with the key `base` for the theme
            that it changes ("light" by default). Its `field` may be the name of a matplotlib colour map.

    Raises:
        InputError: There is no such theme, colour map or font; `key` says which.
    """
    if isinstance(choice, str):
        name = check_theme(choice)
        return THEMES[name] if name in THEMES else theme_from_sheet(name, THEMES)
    values = dict(choice)
    name = values.pop("base", "light")
    if isinstance(values.get("field"), str):
        values["field"] = sample_color_map(values["field"])
    if "font" in values:
        check_font(values["font"])
    values |= {key: tuple(values[key]) for key in ("field", "paths") if key in values}
    base = theme(name)
    return replace(base, summary=f"a custom theme based on {name}", **{**_derived(base, values), **values})


def _derived(base: Theme, values: Mapping[str, Any]) -> dict[str, str]:
    """Adapt to the changed values what depends on them: a panel to its page, arrows and stars to a new field."""
    derived = {}
    page = values.get("page", base.page)
    if base.panel == base.page:
        derived["panel"] = page
    if "field" in values:
        field = values["field"]
        # No arrow contrasts with all of a map that reaches from black to white: the highest level is left out. Stars
        # are drawn on the lowest levels, a curve and its arrows on the page and on the second level.
        backgrounds = {
            "level_line": field,
            "arrow": (page, *field[:-1]),
            "minimum": field[:2],
            "falling": (page, field[1]),
            "rising": (page, field[1]),
        }
        for key, each in backgrounds.items():
            minimum = 1.2 if key == "level_line" else 2.0
            towards = [values.get("text", base.text), page]
            derived[key] = ensure_contrast(getattr(base, key), each, minimum, towards)
    return derived
