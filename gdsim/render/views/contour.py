"""Contour plots: the field of values, gradient arrows or stream lines, the color bar, and the paths on top."""

from __future__ import annotations

from typing import cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgba

from gdsim.objectives import FloatArray
from gdsim.render.axes import draw_flat_axes, draw_vertical_scale, longest_label
from gdsim.render.canvas import Canvas, arrow_shapes, points, ramp
from gdsim.render.crosses import crosses
from gdsim.render.display_list import Moment, Primitive, Viewport
from gdsim.render.fans import draw_fans, fan_primitives
from gdsim.render.heads import head_marks
from gdsim.render.layout import Box, ColorBar
from gdsim.render.paths import make_trail, path_style
from gdsim.render.spreads import mean_trail, regions
from gdsim.render.strands import side_by_side
from gdsim.render.views import ViewRenderer
from gdsim.scene.levels import MOST_TICKS
from gdsim.scene.model import Arrows, Facet
from gdsim.scene.scales import LINEAR
from gdsim.scene.views.contour import ContourModel
from gdsim.themes import contrast, mix

SHADES, FINENESS = 256, 8  # the number of colors of a field, and of those of the color bar per level
RELIEF, SHADING = 0.055, 0.25  # the change of brightness per color bar and side of the view, and its maximum
FLAT = 0.4  # the fraction of the color bar below which relief and level lines fade, so that minima stay bright
HALF = np.array([-0.5, 0.5])
LINE_CONTRAST, ARROW_CONTRAST = 1.4, 1.85  # the contrast of level lines and arrows with the field
ON_FIELD = 2.5  # the minimum contrast with the field of their color before it is made translucent
PLAIN = 0.4  # the opacity of stream lines, and of arrows without a field under them
LENGTH = 0.62  # the length of the longest arrow per distance of two arrows
STREAM_DENSITY = 0.6  # the density of stream lines, in matplotlib's units


class _ContourRenderer(ViewRenderer):
    def color_bar(self, facet: Facet) -> ColorBar:
        return "optional"

    def aspect(self, facet: Facet) -> float | None:
        width, height = facet.limits[:, 1] - facet.limits[:, 0]
        return float(width / height)

    def digits(self, facet: Facet) -> int:
        return longest_label(LINEAR, facet.limits[1])

    def draw(self, canvas: Canvas, facet: Facet, box: Box, outer: tuple[bool, bool]) -> Viewport:
        axes, model = draw_flat_axes(canvas, facet, box, outer), cast("ContourModel", facet.model)
        if model.fill != "none" and np.isfinite(model.values).all():
            # A field without gaps has an edge of its own. Nearer to it, tick labels would meet in the corner.
            axes.spines[:].set_visible(False)
            axes.tick_params(length=0, pad=points(0.6 * canvas.em))
        _draw_field(canvas, axes, model, box)
        if facet.arrows is not None:
            draw = _draw_stream_lines if facet.arrows.form == "stream" else _draw_arrows
            draw(canvas, axes, facet, facet.arrows, box)
        viewport = Viewport(canvas, box, axes)
        draw_fans(facet, viewport)
        return viewport

    def draw_color_bar(self, canvas: Canvas, facet: Facet, box: Box) -> None:
        levels, em = (model := cast("ContourModel", facet.model)).levels, canvas.em
        parts = len(levels.edges) - 1
        colors = _line_colors(canvas, parts) if model.fill == "none" else ramp(canvas.theme.field, FINENESS * parts)
        # Tick labels must not overlap.
        most = min(MOST_TICKS, max(1, int(box.height / (2.2 * em))))
        every, apart = -(-len(levels.ticks) // most), 1.2 * em * parts / box.height
        kept: dict[float, str] = {}
        for tick, words in zip(levels.ticks[::every], levels.labels[::every], strict=True):
            if not kept or tick - max(kept) >= apart:
                kept[tick] = words
        draw_vertical_scale(canvas, box, colors, (0, parts), kept, levels.caption)

    def primitives(self, facet: Facet, viewport: Viewport, moment: Moment) -> tuple[Primitive, ...]:
        trails = [
            make_trail(viewport, path, viewport.pixels(path.points, moment), path_style(viewport, path), path=i)
            for i, path in enumerate(facet.paths)
        ]
        if viewport.canvas.scene.dots:
            trails = side_by_side(trails, viewport.bounds)
        means = [mean_trail(viewport, each.mean, viewport.pixels(each.mean.points, moment)) for each in facet.spreads]
        return (
            *trails,
            *means,
            *regions(facet, viewport, moment),
            *crosses(facet, viewport, trails),
            *head_marks(facet, viewport, trails, moment),
            *fan_primitives(facet, viewport),
        )


RENDERER = _ContourRenderer()


def _line_colors(canvas: Canvas, count: int) -> FloatArray:
    """Return the colors of level lines without a field under them, (count, 4): those that are visible on the page."""
    field, shades = canvas.theme.field, canvas.theme.shades
    return ramp(tuple(color for color in field if color in shades[len(shades) // 2 :]), count)


def _overlay(canvas: Canvas, color: str, count: int, least: float) -> FloatArray:
    """Return a translucent color for each of `count` levels, (count, 4), which has `least` contrast with the field."""
    theme, rows = canvas.theme, []
    for shade in map(to_hex, ramp(theme.field, count)):
        visible = theme.on(shade, color, ON_FIELD)
        opacities = (percent / 100 for percent in range(10, 100, 5))
        opacity = next((each for each in opacities if contrast(mix(shade, visible, each), shade) >= least), 1.0)
        rows.append(to_rgba(visible, opacity))
    return np.array(rows)


def _shares(model: ContourModel) -> FloatArray:
    """Return the values as fractions of the color bar, (rows, columns); NaN if not finite."""
    edges = model.levels.edges
    return np.interp(model.values, edges, np.linspace(0, 1, len(edges)))


def _lit(canvas: Canvas, shares: FloatArray, box: Box) -> FloatArray:
    """Return the colors of a field, (rows, columns, 4), as a relief in light from the upper left; gaps are transparent.

    The change by light is proportional to the slope along the light, limited smoothly, and fades towards the minimum.
    """
    rows, columns = shares.shape
    up, across = np.gradient(shares * max(box.width, box.height), box.height / (rows - 1), box.width / (columns - 1))
    light = 1 + np.minimum(shares / FLAT, 1) * SHADING * np.tanh(RELIEF / SHADING * (across - up))
    colors = ramp(canvas.theme.field, SHADES)[np.rint(np.nan_to_num(shares) * (SHADES - 1)).astype(np.intp)]
    colors[..., :3] = np.minimum(colors[..., :3] * np.nan_to_num(light, nan=1.0)[..., None], 1.0)
    colors[..., 3] = np.isfinite(shares)
    return colors


def _draw_field(canvas: Canvas, axes: Axes, model: ContourModel, box: Box) -> None:
    theme, lines, grid = canvas.theme, model.lines, (model.x, model.y, np.ma.masked_invalid(model.values))
    if model.fill == "none":
        colors = _line_colors(canvas, len(lines) - 1)[1:]
        axes.contour(*grid, levels=lines[1:-1], colors=colors, linewidths=points(0.06 * canvas.line), zorder=1)
        return
    # The colors of the outermost points extend over half a cell, of which the axes show the inner half.
    (left, right), (bottom, top) = (ends[[0, -1]] + (ends[1] - ends[0]) * HALF for ends in (model.x, model.y))
    image, extent = _lit(canvas, _shares(model), box), (left, right, bottom, top)
    axes.imshow(image, extent=extent, aspect="auto", origin="lower", interpolation="bilinear", zorder=0)
    if model.fill == "levels":
        levels, width = np.arange(2, len(lines) - 1, 2), points(max(0.045 * canvas.line, 0.4))
        edges = model.levels.edges
        shades = np.rint(np.interp(lines[levels], edges, np.arange(len(edges)))).astype(np.intp)
        colors = _overlay(canvas, theme.level_line, len(edges), LINE_CONTRAST)[shades]
        colors[:, 3] *= np.minimum(levels / (len(lines) - 1) / FLAT, 1)
        axes.contour(*grid, levels=lines[levels], colors=colors, linewidths=width, zorder=1)


def _draw_arrows(canvas: Canvas, axes: Axes, facet: Facet, arrows: Arrows, box: Box) -> None:
    scale = np.array([box.width, box.height]) / (facet.limits[:, 1] - facet.limits[:, 0])
    room = float((arrows.spacing * scale).min())
    middle = (arrows.points - facet.limits[:, 0]) * scale + [box.x, box.y]
    shapes = arrow_shapes(
        middle,
        arrows.gradients * scale,
        length=LENGTH * room * arrows.lengths,
        thick=0.03 * min(room, 60.0) * canvas.theme.stroke,
    )
    model = cast("ContourModel", facet.model)
    if model.fill == "none":
        colors = np.array([to_rgba(canvas.theme.arrow, PLAIN)])
    else:
        row, column = (np.searchsorted(ends, arrows.points[:, i]) for i, ends in ((1, model.y), (0, model.x)))
        shades = _overlay(canvas, canvas.theme.arrow, len(model.levels.edges), ARROW_CONTRAST)
        colors = shades[np.rint(np.nan_to_num(_shares(model)[row, column]) * (len(shades) - 1)).astype(np.intp)]
    canvas.polygons(axes, shapes, colors)


def _draw_stream_lines(canvas: Canvas, axes: Axes, facet: Facet, arrows: Arrows, _box: Box) -> None:
    """Draw stream lines along the gradient, thicker where it is steep."""
    columns = int(np.flatnonzero(np.diff(arrows.points[:, 1]))[0]) + 1
    x, y = arrows.points[:columns, 0], arrows.points[::columns, 1]
    largest = np.nanmax(np.abs(arrows.gradients), initial=0.0)
    if not largest:
        return
    u, v = np.ma.masked_invalid(arrows.gradients / largest).T.reshape(2, len(y), columns)
    axes.streamplot(
        x,
        y,
        u,
        v,
        density=STREAM_DENSITY,
        broken_streamlines=False,
        linewidth=points(canvas.line) * (0.035 + 0.09 * arrows.lengths.reshape(len(y), columns)),
        color=to_rgba(canvas.theme.arrow, PLAIN),
        arrowsize=points(canvas.em) / 14,
        arrowstyle="-|>",
        zorder=2,
    )
    axes.set(xlim=facet.limits[0], ylim=facet.limits[1])
