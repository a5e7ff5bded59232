"""Curves of one variable: the graph, the derivative as arrows colored by sign, and the paths along it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np
from matplotlib.axes import Axes

from gdsim.objectives import FloatArray
from gdsim.render.annotations import AROUND
from gdsim.render.axes import draw_flat_axes, longest_label
from gdsim.render.canvas import Canvas, arrow_shapes, points, ramp
from gdsim.render.display_list import START, Moment, Primitive, Viewport
from gdsim.render.fans import draw_fans, fan_primitives
from gdsim.render.heads import head_marks
from gdsim.render.layout import Box
from gdsim.render.paths import drop_lines, make_trail, path_style, tangents
from gdsim.render.spreads import regions
from gdsim.render.views import ViewRenderer
from gdsim.scene.model import Arrows, Facet, Path
from gdsim.scene.scales import LINEAR
from gdsim.scene.views.curve import CurveModel

SHADES = 64  # the number of colors of the area under the curve

# Fractions of the view's height.
ARROW_HEIGHT = 0.12  # the height of the arrows along the axis, which is above the feet of the paths
CURVE = 0.1  # the width of the curve, in units of `Canvas.line`; paths on it are wider
FEET = 0.085  # the part at the bottom over which the feet of the paths are spread


class _CurveRenderer(ViewRenderer):
    def digits(self, facet: Facet) -> int:
        return longest_label(LINEAR, facet.limits[1])

    def draw(self, canvas: Canvas, facet: Facet, box: Box, outer: tuple[bool, bool]) -> Viewport:
        axes, theme, model = draw_flat_axes(canvas, facet, box, outer), canvas.theme, cast("CurveModel", facet.model)
        (left, right), (low, high) = facet.limits.tolist()
        below = axes.fill_between(model.x, model.values, low, visible=False)
        shades = ramp(theme.curve_fill, SHADES)[:, None]
        area = axes.imshow(shades, extent=(left, right, low, high), aspect="auto", origin="lower", zorder=0)
        area.set_clip_path(below.get_paths()[0], axes.transData)
        axes.spines[:].set_visible(False)
        axes.plot(model.x, model.values, color=theme.quiet, linewidth=points(CURVE * canvas.line), zorder=1)
        if facet.arrows is not None:
            _draw_arrows(canvas, axes, facet, facet.arrows, box)
        viewport = Viewport(canvas, box, axes)
        draw_fans(facet, viewport)
        return viewport

    def lines(self, facet: Facet, viewport: Viewport) -> list[FloatArray]:
        model, half = cast("CurveModel", facet.model), 0.15 * viewport.canvas.em * AROUND
        graph = viewport.pixels(np.column_stack([model.x, model.values]), START)
        return [point + half for point in graph]

    def primitives(self, facet: Facet, viewport: Viewport, moment: Moment) -> tuple[Primitive, ...]:
        trails, feet = [], []
        lane = min(0.95 * viewport.canvas.em, FEET * viewport.box.height / max(len(facet.paths), 1))
        for i, path in enumerate(facet.paths):
            style = path_style(viewport, path)
            aside = (i - (len(facet.paths) - 1) / 2) * style.width
            pixels = viewport.pixels(path.points, moment) + aside * _normals(facet, viewport, path)
            foot = replace(style, casing_width=0.0, dash=(), width=0.5 * style.width, head_size=0.6 * style.head_size)
            foot = replace(foot, dot_size=0.8 * style.dot_size)
            heights = np.full(pixels.shape[:2], viewport.box.y + (i + 0.6) * lane)
            trails.append(make_trail(viewport, path, pixels, style, path=i))
            feet.append(make_trail(viewport, path, np.stack([pixels[..., 0], heights], -1), foot))
        both = list(zip(facet.paths, trails, feet, strict=True))
        return (
            *(trail for _, *pair in both for trail in pair),
            *(drop_lines(viewport.canvas, *pair) for _, *pair in both),
            *(tangents(facet, viewport, path, trail) for path, trail, _ in both),
            *head_marks(facet, viewport, trails, moment),
            *regions(facet, viewport, moment),
            *fan_primitives(facet, viewport),
        )


RENDERER = _CurveRenderer()


def _normals(facet: Facet, viewport: Viewport, path: Path) -> FloatArray:
    """Return the unit normals of a curve along a path in pixels, (n, starts, 2); zero where it has no slope.

    All paths are on one curve, where they would hide each other if they were not side by side.
    """
    assert path.slopes is not None  # noqa: S101  (for the type checker: a curve has slopes)
    across, up = np.diff(viewport.bounds)[:, 0] / np.diff(facet.limits)[:, 0]
    angles = np.arctan(path.slopes * up / across)
    return np.asarray(np.nan_to_num(np.stack([-np.sin(angles), np.cos(angles)], -1)))


def _draw_arrows(canvas: Canvas, axes: Axes, facet: Facet, arrows: Arrows, box: Box) -> None:
    """Draw the derivative as arrows along the axis, or as arrows that begin on the curve."""
    limits, slopes = facet.limits, arrows.gradients[:, 0]
    scale: FloatArray = np.array([box.width, box.height]) / (limits[:, 1] - limits[:, 0])
    room = float(arrows.spacing[0] * scale[0])
    if arrows.heights is None:
        heights = np.full(len(slopes), limits[1, 0] + ARROW_HEIGHT * (limits[1, 1] - limits[1, 0]))
        if len(heights):
            _draw_arrow_axis(canvas, axes, float(heights[0]), facet)
        length = 0.9 * room * arrows.lengths
    else:
        heights, length = arrows.heights, 1.2 * room * arrows.lengths
    middle = (np.column_stack([arrows.points[:, 0], heights]) - limits[:, 0]) * scale + [box.x, box.y]
    if arrows.heights is not None:
        # An arrow on the curve begins at its point.
        middle[:, 0] += np.sign(slopes) * length / 2
    direction = np.column_stack([slopes, np.zeros(len(slopes))])
    shapes = arrow_shapes(middle, direction, length, 0.05 * min(room, 60.0) * canvas.theme.stroke)
    for color, chosen in ((canvas.theme.falling, slopes < 0), (canvas.theme.rising, slopes > 0)):
        if chosen.any():
            canvas.polygons(axes, shapes[chosen], canvas.theme.casing, edge=canvas.theme.casing)
            canvas.polygons(axes, shapes[chosen], color)


def _draw_arrow_axis(canvas: Canvas, axes: Axes, height: float, facet: Facet) -> None:
    """Draw a thin line with a name below the arrows, so that their height is not mistaken for a value."""
    quiet = canvas.theme.quiet
    axes.axhline(height, color=quiet, linewidth=points(0.03 * canvas.line), alpha=0.5, zorder=1)
    if canvas.layout.ticks:
        font: dict[str, Any] = {"fontsize": points(canvas.em), "fontfamily": canvas.families(), "color": quiet}
        place, offset = (float(facet.limits[0, 0]), height), (points(0.4 * canvas.em), points(0.45 * canvas.em))
        axes.annotate(facet.names[1].replace("f", "f′", 1), place, offset, textcoords="offset points", **font)
