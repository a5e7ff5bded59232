"""The look of a picture in one place, by name: ours, matplotlib's style sheets, and a user's own."""

from __future__ import annotations

from collections.abc import Mapping

from gdsim.errors import InputError, did_you_mean
from gdsim.themes.ours import DASHES, MARKERS, THEMES
from gdsim.themes.own import altered
from gdsim.themes.sheets import from_sheet, sheets
from gdsim.themes.theme import STROKE, TYPE, Theme

__all__ = ["DASHES", "MARKERS", "STROKE", "THEMES", "TYPE", "Theme", "names", "theme"]


def names() -> tuple[str, ...]:
    """Return the names of our themes, then those of the style sheets that the installed matplotlib brings along."""
    return (*THEMES, *sheets())


def theme(choice: str | Mapping[str, object]) -> Theme:
    """Return a theme.

    Args:
        choice: One of `names()`; or what a theme of one's own changes: field of `Theme` → value, with `base` for the
            name of the theme it starts from ("light" when left out). There, `field` may be the name of a colour map of
            matplotlib's.

    Raises:
        InputError: There is no such theme, or a value of one's own theme is at fault; `key` says which.
    """
    if isinstance(choice, str):
        return _named(choice, ())
    base = choice.get("base", "light")
    given = {key: value for key, value in choice.items() if key != "base"}
    return altered(_named(str(base), ("base",)), str(base), given)


def _named(name: str, key: tuple[str, ...]) -> Theme:
    if name in THEMES:
        return THEMES[name]
    if name in sheets():
        return from_sheet(name)
    offer = did_you_mean(name, names()) or "; `gdsim list themes` names them"
    raise InputError(f"there is no theme '{name}'{offer}", key)
