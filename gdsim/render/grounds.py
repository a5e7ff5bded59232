"""What lies under the paths of a facet: field, curve or surface, with arrows, axes and minima."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap

from gdsim.objectives import FloatArray
from gdsim.render.canvas import Canvas, arrow_shapes, points, ramp
from gdsim.render.layout import Box
from gdsim.render.viewport import Viewport
from gdsim.render.views.surface_viewport import SurfaceViewport
from gdsim.scene import Arrows, ContourModel, CurveModel, Facet, ImageSequence, Levels, SurfaceModel, labels

__all__ = ["draw_bar", "draw_facet"]

SHADES = 4
"""In how many shades a heat map divides each level: enough to look smooth, few enough for a palette of 255."""

STREAMS = 0.6
"""How dense the lines that follow the gradient are, in units of matplotlib's."""

STRIP = 0.12
"""How far above its lower border a curve's arrows stand, as a share of its height: over the feet of the paths."""


def draw_facet(canvas: Canvas, facet: Facet, box: Box, outer: tuple[bool, bool]) -> Viewport:
    """Draw a facet without its paths, and return the window through which they are seen.

    A surface is not drawn yet: how it is seen depends on the moment.

    Args:
        canvas: The page.
        facet: What is to be seen.
        box: Where.
        outer: Whether the numbers of the horizontal and of the vertical axis are written.
    """
    if isinstance(facet.model, SurfaceModel):
        axes = canvas.axes(box, "none")
        axes.set_axis_off()
        return SurfaceViewport(canvas, box, axes, facet)
    if isinstance(facet.model, ImageSequence):
        return _draw_screen(canvas, facet, facet.model, box)
    axes = canvas.axes(box)
    axes.set(xlim=facet.limits[0], ylim=facet.limits[1])
    _draw_ticks(canvas, axes, facet, box, outer)
    if isinstance(facet.model, ContourModel):
        _draw_field(canvas, axes, facet.model)
    else:
        _draw_line(canvas, axes, facet.model, float(facet.limits[1, 0]))
    if facet.arrows is not None:
        _draw_arrows(canvas, axes, facet, facet.arrows, box)
    _draw_minima(canvas, axes, facet.minima)
    _draw_marks(canvas, axes, facet)
    return Viewport(canvas, box, axes)


def _draw_screen(canvas: Canvas, facet: Facet, film: ImageSequence, box: Box) -> Viewport:
    """The frame of a picture, in the middle of the room it has, so that each cell takes as many whole pixels."""
    rows, columns = film.pictures.shape[1:]
    cell = min(box.width / columns, box.height / rows)
    cell = int(cell) if cell >= 1 else cell
    width, height = int(cell * columns), int(cell * rows)
    inner = Box(round(box.x + (box.width - width) / 2), round(box.top - height), width, height)
    canvas.frame(inner)
    axes = canvas.axes(inner, "none")
    axes.set(xlim=facet.limits[0], ylim=facet.limits[1])
    axes.set_axis_off()
    return Viewport(canvas, inner, axes)


def _draw_ticks(canvas: Canvas, axes: Axes, facet: Facet, box: Box, outer: tuple[bool, bool]) -> None:
    if not canvas.layout.ticks:
        axes.set(xticks=[], yticks=[])
        return
    sides = (("x", facet.limits[0], box.width, outer[0]), ("y", facet.limits[1], box.height, outer[1]))
    for name, (low, high), side, numbered in sides:
        ticks = canvas.ticks(low, high, side, along=name == "x")
        written = labels(ticks) if numbered else [""] * len(ticks)
        if facet.style is not None and name == "x":
            # The number at the right edge would run into the first one of the next facet.
            edge = high - 1.2 * canvas.em / side * (high - low)
            written = [words if tick < edge else "" for tick, words in zip(ticks, written, strict=True)]
        getattr(axes, f"set_{name}ticks")(ticks, written)
    across, up = facet.names
    canvas.name_axes(axes, x=across if outer[0] else "", y=up if outer[1] else "")


def _level_colors(canvas: Canvas, field: ContourModel) -> FloatArray:
    """A colour a level: of the fill, or of the bare line at its lower edge, which must stand out from the page."""
    theme = canvas.theme
    colors = (theme.field[-1], theme.level_line, theme.arrow) if field.fill == "none" else theme.field
    return ramp(colors, len(field.levels.edges) - 1)


def _draw_field(canvas: Canvas, axes: Axes, field: ContourModel) -> None:
    edges, values = field.levels.edges, np.ma.masked_invalid(field.values)
    thin = points(max(0.035 * canvas.line, 0.4))
    if field.fill == "none":
        heavy, colors = points(0.07 * canvas.line), _level_colors(canvas, field)
        axes.contour(field.x, field.y, values, levels=edges[1:-1], colors=colors[1:], linewidths=heavy, zorder=1)
    elif field.fill == "heat":
        at = np.linspace(0, len(edges) - 1, SHADES * (len(edges) - 1) + 1)
        shades = np.interp(at, np.arange(len(edges)), edges)
        colors = ramp(canvas.theme.field, len(shades) - 1)
        axes.contourf(field.x, field.y, values, levels=shades, colors=colors, zorder=0)
    else:
        axes.contourf(field.x, field.y, values, levels=edges, colors=_level_colors(canvas, field), zorder=0)
        line: dict[str, Any] = {
            "colors": canvas.theme.level_line,
            "linewidths": thin,
            "linestyles": "solid",
            "alpha": 0.55,
            "zorder": 1,
        }
        axes.contour(field.x, field.y, values, levels=edges[1:-1], **line)


def draw_bar(canvas: Canvas, box: Box, field: ContourModel) -> None:
    """The colour bar: each level as high as the next, numbers on the edges between them."""
    levels, em = field.levels, canvas.em
    colors = _level_colors(canvas, field)
    parts = len(colors)
    if field.fill == "heat":
        colors = ramp(canvas.theme.field, SHADES * parts)
    axes = canvas.axes(box)
    bands = np.arange(len(colors))[:, None]
    extent = (0, 1, 0, parts)
    axes.imshow(bands, cmap=ListedColormap(colors), aspect="auto", origin="lower", extent=extent, zorder=0)
    axes.set(xticks=[], xlim=(0, 1), ylim=(0, parts))
    _number_bar(axes, levels, max(1, int(box.height / (2.2 * em))), 1.2 * em * parts / box.height)
    canvas.text(box.x, box.top + 0.85 * em, levels.caption, color=canvas.theme.quiet, va="baseline")


def _number_bar(axes: Axes, levels: Levels, room: int, apart: float) -> None:
    """Write about `room` of the numbers, none nearer to the one below it than `apart`, in bands."""
    every, kept = -(-len(levels.ticks) // room), dict[float, str]()
    for tick, words in zip(levels.ticks[::every], levels.labels[::every], strict=True):
        if not kept or tick - max(kept) >= apart:
            kept[tick] = words
    axes.set_yticks([*kept], [*kept.values()])
    axes.yaxis.tick_right()


def _draw_line(canvas: Canvas, axes: Axes, line: CurveModel, low: float) -> None:
    theme = canvas.theme
    axes.fill_between(line.x, line.values, low, color=theme.field[1], linewidth=0, zorder=0)
    axes.plot(line.x, line.values, color=theme.arrow, linewidth=points(0.16 * canvas.line), zorder=1)


def _draw_arrows(canvas: Canvas, axes: Axes, facet: Facet, arrows: Arrows, box: Box) -> None:
    scale = np.array([box.width, box.height]) / (facet.limits[:, 1] - facet.limits[:, 0])
    if arrows.points.shape[1] == 1:
        _draw_arrows_of_one(canvas, axes, facet, arrows, scale, box)
        return
    if arrows.form == "stream":
        _draw_stream(canvas, axes, arrows)
        return
    room = float((arrows.spacing * scale).min())
    middle = (arrows.points - facet.limits[:, 0]) * scale + [box.x, box.y]
    thick = 0.035 * min(room, 60.0) * canvas.theme.stroke
    canvas.polygons(axes, arrow_shapes(middle, arrows.gradients * scale, 0.9 * room * arrows.lengths, thick))


def _draw_arrows_of_one(canvas: Canvas, axes: Axes, facet: Facet, arrows: Arrows, scale: FloatArray, box: Box) -> None:
    """Along the axis, where the gradient of one variable lives, or from the curve; coloured by sign."""
    view, slopes = facet.limits, arrows.gradients[:, 0]
    room = float(arrows.spacing[0] * scale[0])
    heights = np.full(len(slopes), view[1, 0] + STRIP * (view[1, 1] - view[1, 0]))
    if arrows.heights is not None:
        heights = arrows.heights
    elif len(heights):
        _draw_baseline(canvas, axes, float(heights[0]), facet)
    middle = (np.column_stack([arrows.points[:, 0], heights]) - view[:, 0]) * scale + [box.x, box.y]
    length = (1.2 if arrows.heights is not None else 0.9) * room * arrows.lengths
    if arrows.heights is not None:
        # From the curve an arrow begins at its point, not before it, or it would seem to belong to another.
        middle[:, 0] += np.sign(slopes) * length / 2
    direction = np.column_stack([slopes, np.zeros(len(slopes))])
    thick = 0.05 * min(room, 60.0) * canvas.theme.stroke
    shapes = arrow_shapes(middle, direction, length, thick)
    for color, chosen in ((canvas.theme.falling, slopes < 0), (canvas.theme.rising, slopes > 0)):
        if chosen.any():
            canvas.polygons(axes, shapes[chosen], color)


def _draw_baseline(canvas: Canvas, axes: Axes, height: float, facet: Facet) -> None:
    """A thin line under a row of arrows, which would else seem to stand at a value, and what they are."""
    axes.axhline(height, color=canvas.theme.quiet, linewidth=points(0.03 * canvas.line), alpha=0.5, zorder=1)
    if canvas.layout.ticks:
        name = facet.names[1].replace("f", "f′", 1)
        font: dict[str, Any] = {"fontsize": points(canvas.em), "fontfamily": canvas.theme.font}
        place = (points(0.4 * canvas.em), points(0.45 * canvas.em))
        spot = (float(facet.limits[0, 0]), height)
        axes.annotate(name, spot, place, textcoords="offset points", color=canvas.theme.quiet, **font)


def _draw_stream(canvas: Canvas, axes: Axes, arrows: Arrows) -> None:
    """Lines along the gradient, heavier where it is steep."""
    across = int(np.flatnonzero(np.diff(arrows.points[:, 1]))[0]) + 1
    x, y = arrows.points[:across, 0], arrows.points[::across, 1]
    largest = np.nanmax(np.abs(arrows.gradients), initial=0.0)
    if not largest:
        return
    u, v = np.ma.masked_invalid(arrows.gradients / largest).T.reshape(2, len(y), across)
    widths = points(canvas.line) * (0.035 + 0.09 * arrows.lengths.reshape(len(y), across))
    limits = axes.get_xlim(), axes.get_ylim()
    lines = axes.streamplot(
        x,
        y,
        u,
        v,
        density=STREAMS,
        broken_streamlines=False,
        linewidth=widths,
        color=canvas.theme.arrow,
        arrowsize=points(canvas.em) / 14,
        arrowstyle="-|>",
        zorder=2,
    )
    lines.lines.set_alpha(0.75)
    axes.set(xlim=limits[0], ylim=limits[1])


def _draw_minima(canvas: Canvas, axes: Axes, minima: FloatArray) -> None:
    axes.plot(
        *minima.T,
        linestyle="none",
        marker="*",
        markersize=points(1.15 * canvas.em),
        color=canvas.theme.minimum,
        markeredgecolor=canvas.theme.casing,
        markeredgewidth=points(0.07 * canvas.line),
        clip_on=False,
        zorder=3,
    )


def _draw_marks(canvas: Canvas, axes: Axes, facet: Facet) -> None:
    """A thin cross at each place with a name, bordered, so that it is seen on any colour."""
    for color, more in ((canvas.theme.casing, 0.11), (canvas.theme.text, 0.0)):
        axes.plot(
            *np.array([mark.point[:2] for mark in facet.marks]).reshape(-1, 2).T,
            linestyle="none",
            marker="+",
            markersize=points((0.8 + more) * canvas.em),
            color=color,
            markeredgewidth=points((0.09 + more) * canvas.line),
            zorder=3,
        )
