"""Words about the picture: its title, the paths by name, and what the other signs mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from gdsim.render.canvas import Canvas, arrow_shapes
from gdsim.render.layout import Box, GroupLayout
from gdsim.scene import Group, Scene, Style

__all__ = ["draw_key", "draw_legend", "draw_names", "draw_title", "key_length"]

SIGNS = MappingProxyType(
    {
        "start": (1.0, "start"),
        "minimum": (1.0, "minimum"),
        "uphill": (1.2, "∇f"),
        "downhill": (1.2, "−∇f"),
        "step": (1.2, "step"),
        "gradient": (1.2, "gradient"),
        "derivative": (2.9, "gradient"),
    }
)
"""The signs of the key: how much room each takes, in ems, and what it means."""

CLOSEST, WIDEST = 2.4, 2.95
"""Between how many ems the entries of a legend may stand that have their settings under their names."""

FORMULA = (1.35, 1.2, 1.05, 0.95)
"""The sizes that are tried for a formula, in ems."""


def draw_title(canvas: Canvas, scene: Scene) -> str:
    """Write the title, after it the formula, and at the right what the picture leaves out.

    The title is large, else smaller, else begins further to the left, else is cut. What the picture leaves out is
    always whole. A formula that finds no room is left away.

    Returns:
        What was left away, as a sentence, or nothing.
    """
    em, box = canvas.em, canvas.layout.title
    alone = scene.formula and scene.formula_for_title and not scene.subtitles
    if alone and _draw_formula(canvas, scene.formula, box.x, box.y, box.width):
        return ""
    least = canvas.width_of(scene.title, 1.1, bold=True) + 0.8 * em
    subtitle = _subtitle(canvas, scene.subtitles, box.width - least)
    if scene.subtitles and not subtitle:
        # Where the view stands in the middle there is room beside it.
        x = min(box.x, 1.6 * em)
        box = replace(box, x=x, width=box.right - x)
        subtitle = _subtitle(canvas, scene.subtitles, box.width - least) or scene.subtitles[-1]
    room = box.width - (canvas.width_of(subtitle, 1.0) + 0.8 * em if subtitle else 0.0)
    size = next((size for size in (1.5, 1.25) if canvas.width_of(scene.title, size, bold=True) <= room), 1.1)
    title = canvas.shortened(scene.title, size, room, bold=True)
    canvas.text(box.x, box.y, title, size=size, fontweight="bold", va="baseline")
    canvas.text(box.right - 0.6 * em, box.y, subtitle, color=canvas.theme.quiet, ha="right", va="baseline")
    used = canvas.width_of(title, size, bold=True) + (1.4 * em if title else 0.0)
    if not scene.formula or _draw_formula(canvas, scene.formula, box.x + used, box.y, room - used - 1.2 * em):
        return ""
    return "The formula has no room in the title at this size."


def _subtitle(canvas: Canvas, subtitles: Sequence[str], room: float) -> str:
    """Return the fullest that fits into a width in pixels, or nothing."""
    return next((words for words in subtitles if canvas.width_of(words, 1.0) <= room), "")


def _draw_formula(canvas: Canvas, formula: str, x: float, y: float, room: float) -> bool:
    """Write a formula where it fits, and tell whether it did."""
    words = f"${formula}$"
    try:
        size = next((size for size in FORMULA if _fits(canvas, words, size, room)), None)
    except ValueError:  # it is none that can be set in type
        return False
    if size is not None:
        canvas.text(x, y, words, size=size, color=canvas.theme.quiet, math=True, va="baseline")
    return size is not None


def _fits(canvas: Canvas, words: str, size: float, room: float) -> bool:
    """Whether a formula is neither too wide nor, with roots and fractions, too high for its line."""
    width, above, below = canvas.extent_of(words, size)
    return width <= room and above <= canvas.size[1] - canvas.layout.title.y - 2 and below <= 1.1 * canvas.em


def draw_legend(canvas: Canvas, styles: Sequence[Style]) -> str:
    """Name the paths, each with its settings under or beside it, or all in lines where there is little room.

    Returns:
        Whose settings are left away where others have theirs, as a sentence, or nothing.
    """
    em, box = canvas.em, canvas.layout.legend
    if box is None:
        return ""
    if box.height < 1.55 * em * min(len(styles), 2) and box.width > 1.5 * box.height:
        _draw_lines(canvas, styles, box)
        return ""
    each = box.height / len(styles) / em
    pitch = (1.55 if each < CLOSEST else min(each, WIDEST)) * em
    room = int((box.height + 0.1 * em) // pitch)
    shown = styles if len(styles) <= room else styles[: max(room - 1, 0)]
    y = box.top - 0.8 * em
    bare = []
    for style in shown:
        if not _draw_entry(canvas, style, box, y, under=each >= CLOSEST) and style.settings:
            bare.append(style.label)
        y -= pitch
    if len(shown) < len(styles):
        words = f"and {len(styles) - len(shown)} more"
        canvas.text(box.x + 3.4 * em, y, words, color=canvas.theme.quiet, va="center_baseline")
    return f"The legend has no room for the settings of {', '.join(bare)} at this size." if bare else ""


def draw_names(canvas: Canvas, groups: Sequence[Group], places: Sequence[GroupLayout]) -> None:
    """Write the name of each group, and of each facet that shows one optimizer alone."""
    em = canvas.em
    for group, place in zip(groups, places, strict=True):
        if place.name is not None:
            name = canvas.shortened(group.name, 1.15, place.name.width, bold=True)
            canvas.text(place.name.x, place.name.y, name, size=1.15, fontweight="bold", va="baseline")
        for facet, box in zip(group.facets, place.facets, strict=True):
            if facet.style is not None:
                y = box.top + place.caption - 0.95 * em
                under = place.caption > 2.5 * em
                _draw_entry(canvas, facet.style, box, y, under=under, whole=not under)


def key_length(scene: Scene) -> float:
    """Return about how long the key is, in ems."""
    return sum(SIGNS[sign][0] + 0.62 * len(SIGNS[sign][1]) + 1.5 for sign in _signs(scene))


def draw_key(canvas: Canvas, scene: Scene) -> None:
    """Say what ring, star and arrows mean; signs that the picture does not show are left out."""
    box = canvas.layout.key
    if box is None:
        return
    em, x, y = canvas.em, box.x + 0.6 * canvas.em, box.top - 0.9 * canvas.em
    for sign in _signs(scene):
        room, words = SIGNS[sign]
        width = room * em + canvas.width_of(words, 1.0)
        if x + width > box.right and y - 1.5 * em >= box.y:
            x, y = box.x + 0.6 * em, y - 1.5 * em
        if x + width > box.right:
            continue
        _draw_sign(canvas, scene, sign, x, y)
        canvas.text(x + room * em, y, words, color=canvas.theme.quiet, va="center_baseline")
        x += width + 1.5 * em


def _signs(scene: Scene) -> Iterator[str]:
    """Which signs the picture shows, by their names in `SIGNS`."""
    facets = scene.facets
    if any(facet.paths for facet in facets):
        yield "start"
    if any(len(facet.minima) for facet in facets):
        yield "minimum"
    if scene.vectors and scene.styles:
        yield from ("uphill", "downhill", "step")
    arrows = [facet.arrows for facet in facets if facet.arrows is not None and facet.arrows.lengths.any()]
    if any(each.points.shape[1] == 2 for each in arrows):
        yield "gradient"
    if any(each.points.shape[1] == 1 for each in arrows):
        yield "derivative"


def _draw_sign(canvas: Canvas, scene: Scene, sign: str, x: float, y: float) -> None:
    theme, em = canvas.theme, canvas.em

    def arrow(x: float, way: float, rise: float, color: str, edge: str = "") -> None:
        shape = arrow_shapes(np.array([[x, y]]), np.array([[way, rise]]), np.array([1.5 * em]), 0.11 * canvas.line)
        canvas.polygons(canvas.figure, shape, color, edge)

    if sign == "start":
        canvas.sign([x], y, color="none", marker="o", edge=theme.text)
    elif sign == "minimum":
        canvas.sign([x], y, color=theme.minimum, marker="*", edge=theme.text)
    elif sign == "derivative":
        arrow(x, -1.0, 0.0, theme.falling)
        arrow(x + 1.7 * em, 1.0, 0.0, theme.rising)
    else:
        colors = {"uphill": theme.text, "downhill": theme.page, "step": scene.styles[0].color if scene.styles else ""}
        rise = 0.7 if sign in ("gradient", "uphill") else -0.7
        arrow(x, np.sign(rise), rise, colors.get(sign, theme.quiet), theme.text if sign == "downhill" else "")


def _draw_entry(canvas: Canvas, style: Style, box: Box, y: float, *, under: bool, whole: bool = False) -> bool:
    """Sign, name and settings, these under the name or beside it; `whole` leaves settings away that would be cut.

    Returns:
        Whether the settings are there, cut perhaps.
    """
    em = canvas.em
    canvas.sign([box.x, box.x + 2.7 * em], y, color=style.color, dash=style.dash)
    canvas.sign([box.x + 2.35 * em], y, color=style.color, marker=style.marker)
    x = box.x + 3.4 * em
    label = canvas.shortened(style.label, 1.05, box.right - x, bold=True, middle=True)
    canvas.text(x, y, label, size=1.05, fontweight="bold", va="center_baseline")
    beside = x + canvas.width_of(label, 1.05, bold=True) + 0.8 * em
    room, aside = box.right - beside, style.aside
    if under and aside and canvas.width_of(aside, 1.0) <= room:
        canvas.text(beside, y, aside, color=canvas.theme.quiet, va="center_baseline")
        aside = ""
    if under:
        beside, y, room = x, y - 1.3 * em, box.right - x
    words = " · ".join(filter(None, [style.settings, aside]))
    if room <= 4 * em or (whole and canvas.width_of(words, 1.0) > room):
        return False
    settings = _fitted(canvas, style, aside, room)
    canvas.text(beside, y, settings, color=canvas.theme.quiet, va="center_baseline")
    return bool(settings)


def _fitted(canvas: Canvas, style: Style, aside: str, room: float) -> str:
    """Settings and what is said aside, cut to a width in pixels; what is aside is cut last."""
    words = " · ".join(filter(None, [style.settings, aside]))
    if not aside or canvas.width_of(words, 1.0) <= room:
        return canvas.shortened(words, 1.0, room)
    own = style.settings.split(" · ")
    # A class that the name says already is missed the least.
    own = own[own[0] == style.label :]
    tried = (" · ".join([*own[:count], *["…"] * (count < len(own)), aside]) for count in range(len(own), 0, -1))
    fitting = next((words for words in tried if canvas.width_of(words, 1.0) <= room), aside)
    # Of settings one at least.
    return canvas.shortened(fitting if "lr " in fitting else aside, 1.0, room)


def _draw_lines(canvas: Canvas, styles: Sequence[Style], box: Box) -> None:
    """The names one after the other, in as many lines as there is room for."""
    em, x, y = canvas.em, box.x, box.top - 0.7 * canvas.em
    asides = [f"  {style.aside}" * bool(style.aside) for style in styles]
    needed = sum(
        canvas.width_of(style.label + aside, 1.0) + 2.2 * em for style, aside in zip(styles, asides, strict=True)
    )
    for index, style in enumerate(styles):
        label = canvas.shortened(style.label, 1.0, min(box.width, 12 * em), middle=True)
        label += asides[index] if needed <= box.width else ""
        width = 1.2 * em + canvas.width_of(label, 1.0)
        last = y - 1.5 * em < box.y - 0.2 * em
        more = f"and {len(styles) - index} more"
        kept = canvas.width_of(more, 1.0) + em if last and index < len(styles) - 1 else 0.0
        if x + width + kept > box.right:
            if last:
                if x + kept - em <= box.right:
                    canvas.text(x, y, more, color=canvas.theme.quiet, va="center_baseline")
                return
            x, y = box.x, y - 1.5 * em
        canvas.sign([x + 0.45 * em], y, color=style.color, marker=style.marker)
        canvas.text(x + 1.2 * em, y, label, va="center_baseline")
        x += width + em
