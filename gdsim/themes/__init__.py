"""Themes by name: the built-in ones, matplotlib's style sheets, and custom ones that change another theme."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gdsim.errors import InputError, did_you_mean
from gdsim.themes.builtin import DASHES, MARKERS, STROKE, THEMES, TYPE, Theme, contrast, ensure_contrast, mix

__all__ = ["DASHES", "MARKERS", "STROKE", "THEMES", "TYPE", "Theme", "check_theme", "contrast", "mix", "names", "theme"]


def _style_sheets() -> dict[str, Path]:
    """Return the public style sheets of the installed matplotlib, by name; matplotlib is not imported."""
    spec = find_spec("matplotlib")
    folders = spec.submodule_search_locations if spec else None
    found = [file for folder in folders or () for file in Path(folder, "mpl-data", "stylelib").glob("[!_]*.mplstyle")]
    return {file.stem: file for file in sorted(found, key=lambda file: file.stem.casefold())}


def names() -> tuple[str, ...]:
    """Return the names of the built-in themes, then those of the installed matplotlib's style sheets."""
    return (*THEMES, *_style_sheets())


def check_theme(name: str) -> str:
    """Return the name of a theme; raise InputError if there is no such theme."""
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
        if choice in THEMES:
            return THEMES[choice]
        file = _style_sheets()[check_theme(choice)]
        # Imported where it is needed, because it imports matplotlib.
        from gdsim.themes.sheets import theme_from_sheet

        return theme_from_sheet(file)
    values = dict(choice)
    name = values.pop("base", "light")
    base = theme(name)
    if isinstance(values.get("field"), str):
        from gdsim.themes.sheets import sample_color_map

        values["field"] = sample_color_map(values["field"])
    if "font" in values:
        from gdsim.themes.sheets import check_font

        check_font(values["font"])
    values |= {key: tuple(values[key]) for key in ("field", "paths") if key in values}
    panel = {"panel": values["page"]} if "page" in values and base.panel == base.page else {}
    changed = replace(base, summary=f"a custom theme based on {name}", **{**panel, **values})
    return replace(changed, **{**_derived(changed), **values}) if "field" in values else changed


def _derived(look: Theme) -> dict[str, str]:
    """Adapt to a new field what is drawn on it: stars, which are on the lowest levels, and the arrows of a curve."""
    towards, grounds = [look.text, look.page], (look.page, look.panel, *look.curve_fill)
    slopes = {key: ensure_contrast(getattr(look, key), grounds, 2.0, towards) for key in ("falling", "rising")}
    return {"minimum": ensure_contrast(look.minimum, look.field[:2], 2.0, towards), **slopes}
