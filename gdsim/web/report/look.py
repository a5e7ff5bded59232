"""Colours by role: charts are drawn once in stand-ins for them, and the page fills in those of light and of dark."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from gdsim.scene import Style
from gdsim.themes import THEMES, Theme
from gdsim.web.report.animation import Film

__all__ = ["STANDINS", "colored", "style_sheet", "styles"]

ROLES = ("page", "text", "quiet", "grid")

STANDINS: Theme = replace(
    THEMES["light"],
    # No colour that anybody would choose: each stands for its role alone.
    page="#fe0000",
    panel="#fe0000",
    text="#fe0001",
    quiet="#fe0002",
    grid="#fe0003",
)
"""The theme of a chart whose colours `colored` replaces, those of `ROLES` in their order."""

PATH = "#fd{:04x}"

PAGES: Mapping[str, Mapping[str, str]] = {
    "light": {
        "page": "#ffffff",
        "text": "#1b2430",
        "quiet": "#5a6675",
        "rule": "#dfe4ea",
        "shade": "#f5f7f9",
        "tint": "#0072b2",
        "focus": "#0072b2",
        "warning": "#a84300",
    },
    "dark": {
        "page": "#10141b",
        "text": "#f1f4f8",
        "quiet": "#9aa7b8",
        "rule": "#2a3340",
        "shade": "#181e28",
        "tint": "#56b4e9",
        "focus": "#56b4e9",
        "warning": "#f0a04b",
    },
}
"""The page's own colours, whatever the theme of the animation."""


def styles(labels: Sequence[str], film: Film) -> dict[str, Style]:
    """Return how each optimizer is drawn in a chart: dashed as in the animation, its colour a stand-in."""
    return {
        label: Style(label, "", PATH.format(index), film.dashes.get(label, ()), "")
        for index, label in enumerate(labels)
    }


def colored(element: str) -> str:
    """Return an element with variables of the style sheet in place of the stand-ins."""
    element = re.sub(r"#fe00(0[0-3])", lambda found: f"var(--chart-{ROLES[int(found.group(1), 16)]})", element)
    return re.sub(r"#fd([0-9a-f]{4})", lambda found: f"var(--path-{int(found.group(1), 16)})", element)


def style_sheet(labels: Sequence[str], film: Film) -> str:
    """Return the rules that give every variable its colour, on light pages and on dark ones."""
    day, night = (
        {**PAGES[mode], **_charts(clip.theme), **_paths(labels, clip.colors, clip.theme)}
        for mode, clip in zip(PAGES, (film.clips[0], film.clips[-1]), strict=True)
    )
    return f":root {{ color-scheme: light dark; {_rules(day)} }}\n" + (
        f"@media (prefers-color-scheme: dark) {{ :root {{ {_rules(night)} }} }}"
    )


def _charts(theme: Theme) -> dict[str, str]:
    return {"ground": theme.page} | {f"chart-{role}": str(getattr(theme, role)) for role in ROLES}


def _paths(labels: Sequence[str], colors: Mapping[str, str], theme: Theme) -> dict[str, str]:
    """What did not move in the animation takes the colours that it leaves free."""
    free = [color for color in theme.paths if color not in colors.values()] or list(theme.paths)
    missing = [label for label in labels if label not in colors]
    found = {**{label: free[i % len(free)] for i, label in enumerate(missing)}, **colors}
    return {f"path-{index}": found[label] for index, label in enumerate(labels)}


def _rules(colors: Mapping[str, str]) -> str:
    return " ".join(f"--{name}: {color};" for name, color in colors.items())
