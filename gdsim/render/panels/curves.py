"""Panels of curves of numbers over the steps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from matplotlib.axes import Axes

from gdsim.objectives import FloatArray
from gdsim.render.axes import draw_step_axis, longest_number
from gdsim.render.canvas import Canvas, points
from gdsim.render.display_list import Cursor, Primitive
from gdsim.render.layers import FARTHEST, trail_style
from gdsim.render.layout import Box, PanelRequest
from gdsim.render.panels import PanelRenderer
from gdsim.render.trail import Trail, settled
from gdsim.render.viewport import START, Viewport
from gdsim.scene import CurvesPanel, PanelCurve, labels, round_ticks
from gdsim.themes import mix

__all__ = ["RENDERER"]

CURSOR_TIMES = 512
"""The approximate number of times for which a cursor's position is stored."""


class _CurvesRenderer(PanelRenderer):
    def request(self, panel: CurvesPanel, em: float) -> PanelRequest:
        digits = longest_number(panel.limits)
        return PanelRequest(max(5, digits) if panel.logarithmic else digits)

    def draw(self, canvas: Canvas, panel: CurvesPanel, box: Box, *, numbered: bool) -> Viewport:
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
        room = min(box.width + 2 * em, canvas.size[0] - box.x - 0.3 * em)
        caption = canvas.shortened(panel.caption, 1.0, room)
        canvas.text(box.x, box.top + 0.55 * em, caption, color=theme.quiet, ha="left", va="baseline")
        return Viewport(canvas, box, axes)

    def primitives(self, canvas: Canvas, panel: CurvesPanel, viewport: Viewport) -> tuple[Primitive, ...]:
        trails = [_trail(canvas, curve, viewport) for curve in panel.curves]
        # The cursor follows the curve that is farthest to the right.
        places = np.max([curve.points[..., 0].max(1) for curve in panel.curves], axis=0)
        low = np.full(len(places), float(panel.limits[0]))
        pixels = viewport.pixels(np.column_stack([places, low]), START)[:, 0]
        times = np.unique(np.linspace(0, len(pixels) - 1, min(len(pixels), CURSOR_TIMES)).round().astype(int))
        return (*trails, Cursor(times.astype(np.float64), pixels[times]))


RENDERER = _CurvesRenderer()


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
