"""A panel by itself → a chart as SVG text, to stand inside a page."""

from __future__ import annotations

import re
from html import escape
from io import StringIO

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from gdsim.render.canvas import Canvas, points
from gdsim.render.layout import Box, Layout
from gdsim.render.panels import draw_panels
from gdsim.scene import CurvesPanel, PanelCurve, Scene, round_ticks
from gdsim.themes import Theme, mix

__all__ = ["chart"]

SIZE = (470, 300)
"""Width and height in pixels: two stand side by side on a screen, and one is still read on a telephone."""

EM = 13.0
"""The size of type in pixels."""

LONG = re.compile(r"(?<![\w#.])-?\d+\.\d{3,}")
"""A place or a length with more decimals of a point than anybody sees."""


def chart(
    panel: CurvesPanel, theme: Theme, *, name: str, words: str, stepped: bool = False, doubling: bool = False
) -> str:
    """Draw a panel with its whole curves.

    Args:
        panel: What to draw; each curve may have several starts.
        theme: Colours and line widths.
        name: What tells it from the other charts of the page.
        words: What it shows, for those who do not see it.
        stepped: Whether a curve keeps its value up to the next spot.
        doubling: Whether the horizontal axis counts doublings, so that k on it is read as 2ᵏ.

    Returns:
        An `<svg>` element as wide as what holds it. Its type is text, in the font of the page; the same panel is the
        same text.
    """
    canvas = Canvas(_sheet(theme), _layout())
    (viewport,) = draw_panels(canvas, [panel], [_box()])
    assert viewport.axes is not None  # noqa: S101  (for the type checker: a panel is flat)
    viewport.axes.xaxis.labelpad = points(0.5 * EM)
    if doubling:
        _double(viewport.axes, panel.reach)
    for curve in panel.curves:
        _draw(canvas, viewport.axes, curve, stepped=stepped)
    file = StringIO()
    # Type as text, and no random names: the same chart is the same element.
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        canvas.figure.savefig(file, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    return _element(file.getvalue(), words)


def _box() -> Box:
    width, height = SIZE
    left = EM * (1.2 + 0.62 * 6)
    return Box(left, 3.8 * EM, width - left - 1.2 * EM, height - 5.9 * EM)


def _double(axes: Axes, reach: float) -> None:
    ticks = round_ticks(0.0, reach, 7)
    ticks = ticks[ticks == np.round(ticks)]
    axes.set_xticks(ticks, [f"{2.0**tick:g}" for tick in ticks])


def _draw(canvas: Canvas, axes: Axes, curve: PanelCurve, *, stepped: bool) -> None:
    for start, end in enumerate(curve.ends):
        spots = curve.points[: end + 1, start]
        line = Line2D(
            spots[:, 0],
            spots[:, 1],
            color=mix(canvas.theme.panel, curve.style.color, curve.strength),
            linewidth=points(0.16 * canvas.line),
            linestyle=(0, curve.style.dash) if curve.style.dash else "-",
            drawstyle="steps-post" if stepped else "default",
            solid_joinstyle="round",
            dash_capstyle="butt",
        )
        axes.add_line(line)


def _element(text: str, words: str) -> str:
    """The element alone, without what a page does not need or has twice when there are several charts."""
    text = text[text.index("<svg") :]
    needed = set(re.findall(r"#(\w+)", "".join(re.findall(r'url\(#\w+\)|href="#\w+"', text))))
    text = re.sub(r' id="([^"]+)"', lambda found: found.group() if found.group(1) in needed else "", text)
    # Its style sheet would reach out to the whole page.
    text = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", text, flags=re.DOTALL)
    # Places alone are rounded: the numbers on the axes stand between tags.
    text = re.sub(r"<[^>]+>", lambda tag: LONG.sub(_rounded, tag.group()), text)
    width, height = (72 * side / 100 for side in SIZE)
    opening = f'<svg class="chart" viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(words)}">\n'
    text = opening + text[text.index(">") + 1 :]
    return re.sub(r"\s*\n\s*", "\n", text).strip()


def _rounded(found: re.Match[str]) -> str:
    return f"{float(found.group()):.2f}"


def _layout() -> Layout:
    width, height = SIZE
    nowhere = Box(0, 0, width, height)
    return Layout(em=EM, title=nowhere, counter=(0.0, 0.0), groups=(), legend=None, key=None, ticks=True)


def _sheet(theme: Theme) -> Scene:
    """A scene without anything in it: the page that a chart is drawn on."""
    return Scene(title="", formula="", formula_for_title=False, subtitles=(), alt_text="", theme=theme, size=SIZE)
