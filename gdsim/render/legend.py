"""Text around the views: the legend, and the key to the other symbols."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from gdsim.languages import Language
from gdsim.objectives import FloatArray
from gdsim.render.canvas import LABEL, LINE, SMALL, Canvas, arrow_shapes
from gdsim.render.crosses import END, WIDTH, cross_lines, sign_colors
from gdsim.render.display_list import CIRCLE, SQUARE
from gdsim.render.heads import LIGHT
from gdsim.render.layout import ONE_LINE, TWO_LINES, Box
from gdsim.render.panels import panel_renderer
from gdsim.render.paths import FLOW
from gdsim.render.views import Symbol, view_renderer
from gdsim.scene.model import Scene, Style
from gdsim.scene.spreads import SHARES
from gdsim.themes import mix

# Lengths in ems.
NARROW = 13.0  # the width of a box below which an entry has only the marker of its path
WIDE = 2.95  # the maximum spacing of two-line entries
NAME = 0.75  # the approximate width of a character of a name

SEVERAL = 3  # the minimum number of paths whose common settings are an entry of their own


def legend_entries(styles: Sequence[Style], say: Language) -> list[Style]:
    """Return the entries of a legend; settings that at least three paths share are a last entry without a marker."""
    own = [each.settings.split(" · ") for each in styles]
    shared = [word for word in own[0] if all(word in words for words in own)] if len(own) >= SEVERAL else []
    # A single word is a class; a single number is not shared, since it may be a count or a share, such as "25 %".
    if len(shared) == 1 and not shared[0].isidentifier():
        shared = []
    rest = [" · ".join(word for word in words if word not in shared) for words in own]
    entries = [_brief(replace(style, settings=words)) for style, words in zip(styles, rest, strict=True)]
    return [*entries, *([Style(say("all"), " · ".join(shared), color="", dash=(), marker="")] if shared else [])]


def entry_widths(entries: Sequence[Style]) -> tuple[float, float]:
    """Return the approximate widths of a legend with settings beside the names and under them, in ems."""
    settings = [" · ".join([*_without_class(each.settings), *filter(None, [each.aside])]) for each in entries]
    widths = [(NAME * len(each.label), 0.53 * len(words)) for each, words in zip(entries, settings, strict=True)]
    one_line, two_lines = (3.4 + max(map(width, widths), default=0.0) for width in (sum, max))
    return 0.8 + one_line, two_lines


def name_width(styles: Sequence[Style]) -> float:
    """Return the approximate width of the longest name above a facet, with its marker, in ems."""
    return 1.45 + NAME * max((len(style.label) for style in styles), default=0)


def draw_legend(canvas: Canvas) -> None:
    """Draw the legend, if it has room. It names the optimizers, because labels appear only when their paths do."""
    em, box = canvas.em, canvas.layout.legend
    styles = legend_entries(canvas.scene.legend, canvas.scene.say)
    if box is None or not styles:
        return
    if box.height < 0.95 * ONE_LINE * em * len(styles) and box.width > 1.5 * box.height:
        _draw_in_lines(canvas, styles, box)
        return
    each = box.height / len(styles) / em
    pitch = (ONE_LINE if each < TWO_LINES else min(each, WIDE)) * em
    room = int((box.height + 0.1 * em) // pitch)
    shown = styles if len(styles) <= room else styles[: max(room - 1, 0)]
    y, bare, under = box.top - 0.8 * em, [], each >= TWO_LINES
    widest = max(_entry_width(canvas, (style.label, f"{style.settings}  {style.aside}".strip())) for style in shown)
    # The markers alone leave more room for the settings.
    lined = (
        any(facet.paths or facet.fans for facet in canvas.scene.facets)
        and box.width >= NARROW * em
        and (under or widest + 2.6 * em <= box.width)
    )
    for style in shown:
        if not _draw_entry(canvas, style, box, y, under=under, lined=lined) and style.settings:
            bare.append(style.label)
        y -= pitch
    if len(shown) < len(styles):
        words = canvas.scene.say("and {n} more", n=len(styles) - len(shown))
        canvas.text(box.x + 3.4 * em, y, words, color=canvas.theme.quiet, va="center_baseline")
    _report(canvas, bare)


def _report(canvas: Canvas, bare: Sequence[str]) -> None:
    """Report the names whose settings have no room."""
    if bare:
        canvas.left_out.append(f"The legend has no room for the settings of {', '.join(bare)} at this size.")


def draw_names(canvas: Canvas) -> None:
    """Write the name of each group, and the optimizer's entry or the heading of each facet."""
    em = canvas.em
    for group, layout in zip(canvas.scene.groups, canvas.layout.groups, strict=True):
        if layout.name is not None:
            _draw_lines(canvas, layout.name, [(group.name, LABEL, True, canvas.theme.text)])
        for facet, box, room in zip(group.facets, layout.facets, layout.names, strict=True):
            if facet.style is not None and room is not None:
                _draw_name(canvas, _brief(facet.style), room, box)
            elif facet.heading:
                heading = canvas.shortened(facet.heading, 1.0, canvas.size[0] - box.x)
                canvas.text(box.x, box.top + 0.5 * em, heading, color=canvas.theme.quiet, va="bottom")


def _draw_name(canvas: Canvas, style: Style, box: Box, facet: Box) -> None:
    """Write the name of a facet's optimizer above the facet, or beside it in several lines."""
    em, quiet = canvas.em, canvas.theme.quiet
    if box.right > facet.x:
        under = box.height > 2.5 * em
        box = replace(box, width=box.width + 0.6 * em)  # into the gap between facets
        _draw_entry(canvas, style, box, box.top - 0.95 * em, under=under, lined=False, whole=not under)
        return
    # Lines are broken between settings.
    space = "\N{NO-BREAK SPACE}"
    settings = style.settings.replace(" ", space).replace(f"·{space}", "· ")
    texts = [(style.label, LABEL, True, canvas.theme.text), (settings, SMALL, False, quiet)]
    room = Box(box.x + 1.2 * em, box.y, box.width - 1.2 * em, box.height)
    top = _draw_lines(canvas, room, [each for each in texts if each[0]])
    canvas.sign([box.x + 0.4 * em], top, color=style.color, marker=style.marker)


def _draw_lines(canvas: Canvas, box: Box, texts: Sequence[tuple[str, float, bool, str]]) -> float:
    """Write texts under each other at half the height of a box, and return the height of the first line.

    A text has a size in ems, whether it is bold, and a color; the last ones are omitted if the box is too low.
    """
    most = max(int(box.height / (1.3 * canvas.em)), 1)
    lines = []
    for words, size, bold, color in texts:
        wrapped, smaller = canvas.fitted(words, size, box.width, min(most, 3), bold=bold)
        lines += [(line, smaller, "bold" if bold else "normal", color) for line in wrapped]
    lines = lines[:most]
    top = y = box.y + box.height / 2 + (len(lines) - 1) * 0.65 * canvas.em
    for line, size, weight, color in lines:
        canvas.text(box.x, y, line, size=size, color=color, fontweight=weight, va="center_baseline")
        y -= 1.3 * canvas.em
    return top


def _brief(style: Style) -> Style:
    """Return a style whose settings do not begin with the class, if its label is the name of the class."""
    name, _, rest = style.settings.partition(" · ")
    return replace(style, settings=rest) if name == style.label else style


def _draw_entry(
    canvas: Canvas, style: Style, box: Box, y: float, *, under: bool, lined: bool, whole: bool = False
) -> bool:
    """Draw an entry with its name at a height, and return whether it has settings.

    They are `under` the name or beside it, and omitted instead of shortened if they must be `whole`; if the entry is
    `lined`, a piece of the path is before its marker.
    """
    em, quiet = canvas.em, canvas.theme.quiet
    line = 2.35 * em if lined else 0.4 * em
    x, aside = box.x, style.aside
    if style.marker:
        if lined:
            canvas.sign([box.x, box.x + line], y, color=style.color, dash=style.dash)
        canvas.sign([box.x + line], y, color=style.color, marker=style.marker)
        x += line + 1.05 * em
    (label,), size = canvas.fitted(style.label, LABEL, box.right - x, 1, bold=True)
    if label:
        canvas.names[style.label] = canvas.text(x, y, label, size=size, fontweight="bold", va="center_baseline")
    beside = x + canvas.width_of(label, size, bold=True) + 0.8 * em * bool(label)
    if under:
        if aside and canvas.width_of(aside, 1.0) <= box.right - beside:
            canvas.text(beside, y, aside, color=quiet, va="center_baseline")
            aside = ""
        beside, y = x, y - 1.3 * em
    settings = settings_text(style, aside, box.right - beside, canvas)
    if box.right - beside <= 4 * em or (whole and "…" in settings):
        return False
    canvas.text(beside, y, settings, color=quiet, va="center_baseline")
    return bool(settings)


def settings_text(style: Style, aside: str, room: float, canvas: Canvas) -> str:
    """Return settings and `aside` in at most `room` pixels, with whole ones left out: the class first, `aside` last."""

    def joined(settings: Sequence[str]) -> str:
        return " · ".join(filter(None, [*settings, aside]))

    own = style.settings.split(" · ")
    if canvas.width_of(joined(own), 1.0) > room:
        own = _without_class(style.settings)
    tried = (joined([*own[:count], *["…"] * (count < len(own))]) for count in range(len(own), 0, -1))
    fitting = next((words for words in tried if canvas.width_of(words, 1.0) <= room), aside or own[0])
    # With an aside, settings are shown only if the learning rate fits.
    return canvas.shortened(fitting if not aside or "lr " in fitting else aside, 1.0, room)


def _without_class(settings: str) -> list[str]:
    """Return settings one by one without the class, which has no value."""
    first, *rest = settings.split(" · ")
    return [first, *rest] if " " in first or not rest else rest


def _draw_in_lines(canvas: Canvas, styles: Sequence[Style], box: Box) -> None:
    """Write the names one after another, with their settings if all fit, in as many lines as fit."""
    em, x, y = canvas.em, box.x, box.top - 0.8 * canvas.em
    lines = 1 + max(int((y - box.y - 0.4 * em) / (1.5 * em)), 0)
    entries = [(style.label or style.settings, f"{style.settings}  {style.aside}".strip()) for style in styles]
    if not _fit(canvas, entries, box.width, lines):
        _report(canvas, [style.label for style in styles if style.settings and style.label])
        entries = [(name, style.aside) for (name, _), style in zip(entries, styles, strict=True)]
    if not _fit(canvas, entries, box.width, 1):
        most = min(box.width, 12 * em)
        entries = [(canvas.shortened(name, 1.0, most, middle=True), "") for name, _ in entries]
    for index, (style, entry) in enumerate(zip(styles, entries, strict=True)):
        width, (name, settings) = _entry_width(canvas, entry), entry
        last = y - 1.5 * em < box.y + 0.4 * em
        more = canvas.scene.say("and {n} more", n=len(styles) - index)
        needed = canvas.width_of(more, 1.0) + em
        if x + width + needed * (last and index < len(styles) - 1) > box.right:
            if last:
                if x + needed - em <= box.right:
                    canvas.text(x, y, more, color=canvas.theme.quiet, va="center_baseline")
                return
            x, y = box.x, y - 1.5 * em
        if style.marker:
            canvas.sign([x + 0.45 * em], y, color=style.color, marker=style.marker)
        canvas.names[style.label] = canvas.text(x + 1.2 * em, y, name, va="center_baseline")
        canvas.text(x + width, y, settings, color=canvas.theme.quiet, ha="right", va="center_baseline")
        x += width + em


def _entry_width(canvas: Canvas, entry: tuple[str, str]) -> float:
    """Return the width of a name and its settings on a line, with the marker."""
    return 1.2 * canvas.em + canvas.width_of("  ".join(filter(None, entry)), 1.0)


def _fit(canvas: Canvas, entries: Sequence[tuple[str, str]], width: float, lines: int) -> bool:
    """Return whether entries one after another fit on some lines."""
    x, em = 0.0, canvas.em
    for each in (_entry_width(canvas, entry) for entry in entries):
        if x + each > width:
            x, lines = 0.0, lines - 1
        x += each + em
    return lines > 0 and x - em <= width


def key_width(scene: Scene) -> float:
    """Return the approximate width of the key on one line, in ems."""
    return sum(width + 0.62 * len(words) + 1.5 for width, words, _ in _symbols(scene))


def draw_key(canvas: Canvas) -> None:
    """Draw the key to the symbols in the picture, such as rings, stars and arrows."""
    em, box = canvas.em, canvas.layout.key
    if box is None:
        return
    x, y = left, _ = box.x + 0.6 * em, box.top - 0.8 * em
    for own, words, draw in _symbols(canvas.scene):
        width = own * em + canvas.width_of(words, 1.0)
        if x + width > box.right and y - 1.5 * em >= box.y:
            x, y = left, y - 1.5 * em
        if x + width <= box.right:
            draw(canvas, x, y)
            canvas.text(x + own * em, y, words, color=canvas.theme.quiet, va="center_baseline")
            x += width + 1.5 * em


def _symbols(scene: Scene) -> Iterator[Symbol]:
    """Yield each symbol of a scene."""
    facets, theme, say = scene.facets, scene.theme, scene.say
    if any(facet.paths for facet in facets):
        yield 1.0, say("start"), partial(_draw_marker, "o", "none")
    if any(len(facet.minima) for facet in facets):
        yield 1.0, say("minimum"), partial(_draw_marker, "*", theme.minimum)
    yield from view_renderer(facets[0].model.kind).symbols(facets[0])
    if any(facet.flow.size for facet in facets):
        yield 2.1, say("gradient flow"), partial(_draw_line, theme.text, FLOW)
    if spreads := [spread for facet in facets for spread in facet.spreads]:
        runs, shares = max(spread.runs for spread in spreads), (f"{100 * share:g}" for share in SHARES)
        on_curve = spreads[0].mean.slopes is not None
        if not on_curve:
            yield 2.1, say("mean"), partial(_draw_line, theme.quiet, LINE)
        words = say("{values} % of {n} runs", values=say.joined(shares), n=runs)
        yield 1.7, words, partial(_draw_regions, 0.2 if on_curve else 0.6)
    if scene.descent and scene.styles:
        yield 1.2, "−∇f", partial(_draw_arrow, -1.0, -0.7, theme.text)
    color = scene.styles[0].color if scene.styles else theme.text
    at_heads: dict[str, Symbol] = {
        "gradient": (1.2, "∇f", partial(_draw_arrow, 1.0, 0.7, theme.text)),
        "descent": (1.2, "−∇f", partial(_draw_arrow, -1.0, -0.7, theme.page, edge=theme.text)),
        "momentum": (
            1.2,
            f"− {say('momentum')}",
            partial(_draw_arrow, -1.0, -0.7, mix(theme.page, color, LIGHT), edge=color),
        ),
        "step": (1.2, say("step"), partial(_draw_arrow, -1.0, -0.7, color)),
        "preconditioner": (1.7, say("effective rate"), partial(_draw_outline, CIRCLE * [1.5, 0.7], color)),
        "trust": (1.2, say("trust region"), partial(_draw_outline, SQUARE * 0.9, color)),
    }
    yield from (symbol for name, symbol in at_heads.items() if name in scene.vectors)
    curvatures = [path.curvature for facet in facets for path in facet.paths if path.curvature is not None]
    for negative, own in sign_colors(scene).items() if curvatures else ():
        yield 1.9, "λ < 0" if negative else say("curvature λ > 0"), partial(_draw_cross, negative, own)
    if curvatures:
        yield 0.0, say("length ∝ 1/√|λ|"), lambda *_: None
    arrows = [facet.arrows for facet in facets if facet.arrows is not None and facet.arrows.lengths.any()]
    # Arrows at heads are of the gradient, too.
    if any(each.points.shape[1] == 2 for each in arrows) and "gradient" not in scene.vectors:
        yield 1.2, say("gradient"), partial(_draw_arrow, 1.0, 0.7, theme.quiet)
    if any(each.points.shape[1] == 1 for each in arrows):
        yield 2.9, say("gradient"), _draw_slopes
    for panel in scene.groups[0].panels:
        for words, color in panel_renderer(panel.kind).color_key(panel, theme, say):
            yield 1.0, words, partial(_draw_marker, "s", color)


def _draw_marker(marker: str, color: str, canvas: Canvas, x: float, y: float) -> None:
    canvas.sign([x], y, color=color, marker=marker, edge=canvas.theme.text)


def _draw_arrow(right: float, up: float, color: str, canvas: Canvas, x: float, y: float, *, edge: str = "") -> None:
    middle, direction, length = np.array([[x, y]]), np.array([[right, up]]), np.array([1.5 * canvas.em])
    canvas.polygons(canvas.figure, arrow_shapes(middle, direction, length, 0.11 * canvas.line), color, edge)


def _draw_line(color: str, width: float, canvas: Canvas, x: float, y: float) -> None:
    canvas.sign([x - 0.4 * canvas.em, x + 1.4 * canvas.em], y, color=color, width=width)


def _draw_regions(aspect: float, canvas: Canvas, x: float, y: float) -> None:
    for size in (1.6, 0.8):
        _draw_outline(size * CIRCLE * [1.0, aspect] + [0.3, 0.0], canvas.theme.quiet, canvas, x, y)


def _draw_outline(outline: FloatArray, color: str, canvas: Canvas, x: float, y: float) -> None:
    shape = np.array([x, y]) + canvas.em * outline
    canvas.polygons(canvas.figure, shape[None], mix(canvas.theme.page, color, LIGHT), color)


def _draw_cross(negative: bool, color: str, canvas: Canvas, x: float, y: float) -> None:
    ends = np.array([[x - 0.1 * canvas.em, y], [x + 1.3 * canvas.em, y]])
    canvas.lines(
        [cross_lines(ends, END * canvas.em, negative=negative)], color, WIDTH * canvas.line, capstyle="projecting"
    )


def _draw_slopes(canvas: Canvas, x: float, y: float) -> None:
    _draw_arrow(-1.0, 0.0, canvas.theme.falling, canvas, x, y)
    _draw_arrow(1.0, 0.0, canvas.theme.rising, canvas, x + 1.7 * canvas.em, y)
