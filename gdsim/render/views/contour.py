"""Contour plots: the field of values, gradient arrows or stream lines, the color bar, and the paths on top."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap

from gdsim.objectives import FloatArray
from gdsim.render.annotations import draw_flat_axes, longest_number
from gdsim.render.canvas import Canvas, arrow_shapes, points, ramp
from gdsim.render.display_list import Moment, Primitive, Viewport
from gdsim.render.layout import Box
from gdsim.render.paths import head_arrows, make_trail, path_style
from gdsim.render.views import ViewRenderer
from gdsim.scene.model import Arrows, Facet
from gdsim.scene.views.contour import ContourModel

SHADES = 4  # the number of shades per level in a heat map: enough to look smooth, and few enough for a palette of 255
STREAM_DENSITY = 0.6  # the density of stream lines, in matplotlib's units


class _ContourRenderer(ViewRenderer):
    has_color_bar = True

    def aspect(self, facet: Facet, count: int) -> float | None:
        width, height = facet.limits[:, 1] - facet.limits[:, 0]
        return float(width / height)

    def digits(self, facet: Facet) -> int:
        return longest_number(facet.limits[1])

    def draw(self, canvas: Canvas, facet: Facet, box: Box, outer: tuple[bool, bool]) -> Viewport:
        axes = draw_flat_axes(canvas, facet, box, outer)
        _draw_field(canvas, axes, cast("ContourModel", facet.model))
        if facet.arrows is not None:
            draw = _draw_stream_lines if facet.arrows.form == "stream" else _draw_arrows
            draw(canvas, axes, facet, facet.arrows, box)
        return Viewport(canvas, box, axes)

    def draw_color_bar(self, canvas: Canvas, facet: Facet, box: Box) -> None:
        model = cast("ContourModel", facet.model)
        levels, em, colors = model.levels, canvas.em, _level_colors(canvas, model)
        parts = len(colors)
        if model.fill == "heat":
            colors = ramp(canvas.theme.field, SHADES * parts)
        axes = canvas.axes(box)
        bands, extent = np.arange(len(colors))[:, None], (0, 1, 0, parts)
        axes.imshow(bands, cmap=ListedColormap(colors), aspect="auto", origin="lower", extent=extent, zorder=0)
        axes.set(xticks=[], xlim=(0, 1), ylim=(0, parts))
        # Tick labels must not overlap.
        every, apart = -(-len(levels.ticks) // max(1, int(box.height / (2.2 * em)))), 1.2 * em * parts / box.height
        kept: dict[float, str] = {}
        for tick, words in zip(levels.ticks[::every], levels.labels[::every], strict=True):
            if not kept or tick - max(kept) >= apart:
                kept[tick] = words
        axes.set_yticks([*kept], [*kept.values()])
        axes.yaxis.tick_right()
        canvas.text(box.x, box.top + 0.85 * em, levels.caption, color=canvas.theme.quiet, va="baseline")

    def primitives(self, facet: Facet, viewport: Viewport, moment: Moment) -> tuple[Primitive, ...]:
        trails = [
            make_trail(viewport, path, viewport.pixels(path.points, moment), path_style(viewport, path), path=i)
            for i, path in enumerate(facet.paths)
        ]
        return (*trails, *head_arrows(facet, viewport, trails, moment))


RENDERER = _ContourRenderer()


def _level_colors(canvas: Canvas, model: ContourModel) -> FloatArray:
    """Return the color of each level, (levels, 4), which is stronger if there are only lines."""
    theme = canvas.theme
    colors = (theme.field[-1], theme.level_line, theme.arrow) if model.fill == "none" else theme.field
    return ramp(colors, len(model.levels.edges) - 1)


def _draw_field(canvas: Canvas, axes: Axes, model: ContourModel) -> None:
    edges, grid = model.levels.edges, (model.x, model.y, np.ma.masked_invalid(model.values))
    colors = _level_colors(canvas, model)
    if model.fill == "none":
        axes.contour(*grid, levels=edges[1:-1], colors=colors[1:], linewidths=points(0.07 * canvas.line), zorder=1)
    elif model.fill == "heat":
        places = np.linspace(0, len(edges) - 1, SHADES * (len(edges) - 1) + 1)
        shades = np.interp(places, np.arange(len(edges)), edges)
        axes.contourf(*grid, levels=shades, colors=ramp(canvas.theme.field, len(shades) - 1), zorder=0)
    else:
        axes.contourf(*grid, levels=edges, colors=colors, zorder=0)
        lines: dict[str, Any] = {"colors": canvas.theme.level_line, "linestyles": "solid", "alpha": 0.55, "zorder": 1}
        axes.contour(*grid, levels=edges[1:-1], linewidths=points(max(0.035 * canvas.line, 0.4)), **lines)


def _draw_arrows(canvas: Canvas, axes: Axes, facet: Facet, arrows: Arrows, box: Box) -> None:
    scale = np.array([box.width, box.height]) / (facet.limits[:, 1] - facet.limits[:, 0])
    room = float((arrows.spacing * scale).min())
    middle = (arrows.points - facet.limits[:, 0]) * scale + [box.x, box.y]
    thick = 0.035 * min(room, 60.0) * canvas.theme.stroke
    canvas.polygons(axes, arrow_shapes(middle, arrows.gradients * scale, 0.9 * room * arrows.lengths, thick))


def _draw_stream_lines(canvas: Canvas, axes: Axes, facet: Facet, arrows: Arrows, _box: Box) -> None:
    """Draw stream lines along the gradient, thicker where it is steep."""
    columns = int(np.flatnonzero(np.diff(arrows.points[:, 1]))[0]) + 1
    x, y = arrows.points[:columns, 0], arrows.points[::columns, 1]
    largest = np.nanmax(np.abs(arrows.gradients), initial=0.0)
    if not largest:
        return
    u, v = np.ma.masked_invalid(arrows.gradients / largest).T.reshape(2, len(y), columns)
    lines = axes.streamplot(
        x,
        y,
        u,
        v,
        density=STREAM_DENSITY,
        broken_streamlines=False,
        linewidth=points(canvas.line) * (0.035 + 0.09 * arrows.lengths.reshape(len(y), columns)),
        color=canvas.theme.arrow,
        arrowsize=points(canvas.em) / 14,
        arrowstyle="-|>",
        zorder=2,
    )
    lines.lines.set_alpha(0.75)
    axes.set(xlim=facet.limits[0], ylim=facet.limits[1])
