"""Charts: panels with complete curves as SVG elements of a web page."""

from __future__ import annotations

import re
from html import escape
from io import StringIO

import numpy as np
from matplotlib import rc_context
from matplotlib.lines import Line2D

from gdsim.render.canvas import Canvas, points
from gdsim.render.layout import Box, Layout
from gdsim.render.panels import panel_renderer
from gdsim.scene import CurvesPanel, Scene, round_ticks
from gdsim.themes import Theme, mix

__all__ = ["chart"]

WIDTH, HEIGHT, EM = 470, 300, 13.0
"""Width, height and font size in pixels; two charts fit side by side on a screen, and one on a phone."""


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
    empty = Scene("", "", formula_for_title=False, subtitles=(), alt_text="", theme=theme, size=(WIDTH, HEIGHT))
    canvas = Canvas(empty, Layout(EM, page, (0.0, 0.0), (), None, None, ticks=True))
    axes = panel_renderer("curves").draw(canvas, panel, box, numbered=True).axes
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
