"""Fans: the paths with each value of a setting, faint, and above them the one with the value shown."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gdsim.objectives import FloatArray
from gdsim.render.display_list import START, Lines, Viewport
from gdsim.render.paths import FARTHEST, trail_style
from gdsim.render.trail import TrailStyle
from gdsim.scene.model import Facet

FAINT, FAINT_WIDTH = 0.22, 0.06  # the opacity of 100 paths that are not shown, and their width per line
START_SIZE = 0.7  # the diameter of the dot on the start, in ems


def draw_fans(facet: Facet, viewport: Viewport) -> None:
    """Draw the paths of a view's fans that stay in the view faintly."""
    canvas = viewport.canvas
    count = sum(int(fan.stays.sum()) for fan in facet.fans)
    for fan in facet.fans:
        lines, width = _clipped(viewport, fan.points[fan.stays]), max(FAINT_WIDTH * canvas.line, 0.7)
        alpha = FAINT * min(100 / max(count, 1), 1.0)
        canvas.lines(lines, fan.style.color, width, viewport.axes, alpha=alpha, zorder=2.5)


def fan_primitives(facet: Facet, viewport: Viewport) -> Iterator[Lines]:
    """Yield the path of each fan with the value shown, and a dot on the common start."""
    canvas, theme = viewport.canvas, viewport.canvas.theme
    for fan in facet.fans:
        style = trail_style(canvas, fan.style, casing=theme.casing, cased=True)
        yield Lines(canvas.scene.styles.index(fan.style), style, _clipped(viewport, fan.points))
    for fan in facet.fans[:1]:
        style = TrailStyle(theme.text, theme.casing, 0.0, 0.0, (), "o", START_SIZE * canvas.em)
        yield Lines(-1, style, _clipped(viewport, fan.points[:, :1]))


def _clipped(viewport: Viewport, coordinates: FloatArray) -> FloatArray:
    return np.clip(viewport.pixels(coordinates, START), -FARTHEST, FARTHEST)
