"""Panels of curves of numbers over the steps: drawn in a picture, and as SVG charts of a web page."""

from __future__ import annotations

import re
from dataclasses import replace
from html import escape
from io import StringIO

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from gdsim.objectives import FloatArray
from gdsim.render.annotations import draw_step_axis, longest_number
from gdsim.render.canvas import Canvas, points
from gdsim.render.display_list import START, Cursor, Viewport
from gdsim.render.layout import Box, Layout, PanelRequest
from gdsim.render.panels import DrawnPanel, PanelRenderer
from gdsim.render.paths import FARTHEST, trail_style
from gdsim.render.trail import Trail, settled
from gdsim.scene.levels import labels, round_ticks
from gdsim.scene.model import Scene
from gdsim.scene.panels.curves import CurvesPanel, PanelCurve
from gdsim.themes import Theme, mix

CURSOR_TIMES = 512  # the approximate number of times for which a cursor's position is stored

# The size and font size of a chart in pixels; two charts fit side by side on a screen, and one on a phone.
WIDTH, HEIGHT, EM = 470, 300, 13.0


class _CurvesRenderer(PanelRenderer):
    def request(self, panel: CurvesPanel, em: float) -> PanelRequest:
        digits = longest_number(panel.limits)
        return PanelRequest(max(5, digits) if panel.logarithmic else digits)

    def draw(self, canvas: Canvas, panel: CurvesPanel, box: Box, *, numbered: bool) -> DrawnPanel:
        viewport = _draw_axes(canvas, panel, box, numbered=numbered)
        trails = [_trail(canvas, curve, viewport) for curve in panel.curves]
        # The cursor follows the curve that is farthest to the right.
        places = np.max([curve.points[..., 0].max(1) for curve in panel.curves], axis=0)
        low = np.full(len(places), float(panel.limits[0]))
        pixels = viewport.pixels(np.column_stack([places, low]), START)[:, 0]
        times = np.unique(np.linspace(0, len(pixels) - 1, min(len(pixels), CURSOR_TIMES)).round().astype(int))
        return viewport, (*trails, Cursor(times.astype(np.float64), pixels[times]))


RENDERER = _CurvesRenderer()


def _draw_axes(canvas: Canvas, panel: CurvesPanel, box: Box, *, numbered: bool) -> Viewport:
    em, theme = canvas.em, canvas.theme
    axes = canvas.axes(box, theme.panel)
    axes.set_xlim(0, 1.03 * panel.reach)
    ticks = _ticks(panel, axes, max(2, int(box.height / (2.2 * em))))
    axes.set_ylim(*panel.limits)
    axes.set_yticks(ticks, labels(ticks))
    draw_step_axis(canvas, axes, panel, box, numbered=numbered)
    axes.grid(color=theme.grid, linewidth=points(0.05 * canvas.line))
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    caption = canvas.shortened(panel.caption, 1.0, min(box.width + 2 * em, canvas.size[0] - box.x - 0.3 * em))
    canvas.text(box.x, box.top + 0.55 * em, caption, color=theme.quiet, ha="left", va="baseline")
    return Viewport(canvas, box, axes)


def _ticks(panel: CurvesPanel, axes: Axes, room: int) -> FloatArray:
    """Return tick values for the vertical axis, at most `room` or slightly more."""
    low, high = panel.limits
    if panel.ticks is not None:
        return panel.ticks[:: max(1, -(-len(panel.ticks) // (room + 1)))]
    if not panel.logarithmic:
        return next(ticks for more in range(8) if len(ticks := round_ticks(low, high, room + more)) > 1)
    axes.set_yscale("log", nonpositive="clip")
    axes.minorticks_off()
    low, high = np.log10(panel.limits)
    every = max(1, -int(-(high - low) // room))
    decades = 10.0 ** np.arange(np.ceil(low), np.floor(high) + 1)
    if len(decades) < 2:
        # A range within one decade contains at most one power of ten.
        return round_ticks(float(panel.limits[0]), float(panel.limits[1]), room)
    return decades[::every] if len(decades) > every else decades[[0, -1]]


def _trail(canvas: Canvas, curve: PanelCurve, viewport: Viewport) -> Trail:
    background, scene = canvas.theme.panel, canvas.scene
    style = trail_style(canvas, curve.style, curve.points.shape[1], casing=background, scale=0.8)
    if curve.strength < 1:
        # Mixed instead of translucent, so that segments that are drawn twice are not more opaque.
        color = mix(background, style.color, curve.strength)
        style = replace(style, color=color, head_size=0.7 * style.head_size)
    times = np.arange(len(curve.points), dtype=np.float64)
    pixels = np.clip(viewport.pixels(curve.points, START), -FARTHEST, FARTHEST)
    return Trail(scene.styles.index(curve.style), style, times, settled(pixels, times, curve.ends), frames=len(scene))


def chart(
    panel: CurvesPanel, theme: Theme, *, name: str, words: str, stepped: bool = False, doubling: bool = False
) -> str:
    """Draw a panel with its complete curves as an SVG element.

    Args:
        panel: The panel.
        theme: Colors and line widths.
        name: An id that is unique among the charts of the page.
        words: The alt text.
        stepped: Whether a curve keeps its value up to the next point.
        doubling: Whether the horizontal axis counts doublings, so that k is labeled as 2ᵏ.

    Returns:
        An `<svg>` element as wide as its parent, with text in the page's font. Equal panels give equal elements.
    """
    left, page = EM * (1.2 + 0.62 * 6), Box(0, 0, WIDTH, HEIGHT)
    box = Box(left, 3.8 * EM, WIDTH - left - 1.2 * EM, HEIGHT - 5.9 * EM)
    empty = Scene(title="", alt_text="", theme=theme, size=(WIDTH, HEIGHT))
    canvas = Canvas(empty, Layout(EM, page, None, (0.0, 0.0), (), None, None, ticks=True))
    axes = _draw_axes(canvas, panel, box, numbered=True).axes
    axes.xaxis.labelpad = points(0.5 * EM)
    if doubling:
        ticks = round_ticks(0.0, panel.reach, 7)
        ticks = ticks[ticks == np.round(ticks)]
        axes.set_xticks(ticks, [f"{2.0**tick:g}" for tick in ticks])
    for curve in panel.curves:
        for start, end in enumerate(curve.ends):
            line = Line2D(
                *curve.points[: end + 1, start].T,
                color=mix(theme.panel, curve.style.color, curve.strength),
                linewidth=points(0.16 * canvas.line),
                linestyle=(0, curve.style.dash) if curve.style.dash else "-",
                drawstyle="steps-post" if stepped else "default",
                solid_joinstyle="round",
                dash_capstyle="butt",
            )
            axes.add_line(line)
    file = StringIO()
    # Keep text as text, and use reproducible ids.
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        canvas.figure.savefig(file, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    return _element(file.getvalue(), words)


def _element(text: str, words: str) -> str:
    """Return the SVG element without unused ids and style sheets, and with rounded coordinates."""
    text = text[text.index("<svg") :]
    needed = set(re.findall(r"#(\w+)", "".join(re.findall(r'url\(#\w+\)|href="#\w+"', text))))
    text = re.sub(r' id="([^"]+)"', lambda found: found.group() if found.group(1) in needed else "", text)
    # The figure's style sheet would apply to the whole page.
    text = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", text, flags=re.DOTALL)

    def rounded(tag: re.Match[str]) -> str:
        # Only within tags, so that tick labels are not rounded.
        return re.sub(r"(?<![\w#.])-?\d+\.\d{3,}", lambda found: f"{float(found.group()):.2f}", tag.group())

    text = re.sub(r"<[^>]+>", rounded, text)
    width, height = (72 * side / 100 for side in (WIDTH, HEIGHT))
    opening = f'<svg class="chart" viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(words)}">\n'
    return re.sub(r"\s*\n\s*", "\n", opening + text[text.index(">") + 1 :]).strip()
