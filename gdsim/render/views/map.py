"""Maps: the image of a figure, its axes and color bar, and what is drawn above it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Text

from gdsim.objectives import FloatArray, inside
from gdsim.render.axes import axis_ticks, draw_scaled_axes, draw_vertical_scale, fitting_ticks, longest_label
from gdsim.render.canvas import SMALL, Canvas, ramp
from gdsim.render.display_list import START, EventMarks, Lines, Moment, Primitive, Viewport, ZoomTicks
from gdsim.render.images import MapImage, Pixels, ZoomedImage, rect_of
from gdsim.render.layout import Box, ColorBar
from gdsim.render.trail import TrailStyle
from gdsim.render.views import Symbol, ViewRenderer
from gdsim.scene.model import Facet
from gdsim.scene.scales import ScaledAxis
from gdsim.scene.sweep_map import MapModel
from gdsim.themes import Theme, mix

SHADES, SHADES_EACH = 48, 12  # the number of colors of numbers, and of each category
DARK, BRIGHT = 0.45, 0.6  # the share of black in the darkest color of a category, and of white in the brightest
HATCH, HATCH_STRENGTH = 0.55, 0.35  # of the lines where there is no figure: their distance in ems, and their strength
EDGE = "lr = 2 (1 + β) / λ"  # the learning rate at which an optimizer becomes unstable
EDGE_WIDTH = 0.14  # of the curve at which an optimizer becomes unstable, per line


class _MapRenderer(ViewRenderer):
    needs_names = True

    def color_bar(self, facet: Facet) -> ColorBar:
        return "none" if _model(facet).categories else "required"

    def aspect(self, facet: Facet) -> float | None:
        if not _model(facet).axes[0].is_coordinate:
            return 1.0
        width, height = facet.limits[:, 1] - facet.limits[:, 0]
        return float(width / height)

    def digits(self, facet: Facet) -> int:
        return max(longest_label(_model(facet).axes[1], limits[1]) for limits in _ranges(facet))

    def draw(self, canvas: Canvas, facet: Facet, box: Box, outer: tuple[bool, bool]) -> Viewport:
        model, axes = _model(facet), canvas.axes(box, canvas.theme.panel)
        draw_scaled_axes(canvas, axes, facet, model.axes, box, outer)
        if model.center is not None and canvas.layout.ticks:
            # The labels move, and their names keep the room that the longest one takes.
            axes.tick_params(labelcolor="none")
            axes.set_yticks(facet.limits[1, :1], ["0" * self.digits(facet)])
        if model.unknown:
            _draw_hatch(canvas, axes, box)
        return Viewport(canvas, box, axes)

    def draw_color_bar(self, canvas: Canvas, facet: Facet, box: Box) -> None:
        model = _model(facet)
        # Another group of the picture may need one.
        if model.categories:
            return
        scale = ScaledAxis("", model.limits, "log" if model.logarithmic else "linear")
        low, high = scale.places(model.limits)
        places, words = axis_ticks(scale, np.array([low, high]), max(2, int(box.height / (2.2 * canvas.em))))
        ticks = dict(zip(places.tolist(), words, strict=True))
        caption = model.caption if len(canvas.scene.groups) == 1 else ""
        draw_vertical_scale(canvas, box, _colors(canvas.theme, model), (low, high), ticks, caption)

    def symbols(self, facet: Facet) -> Iterable[Symbol]:
        model = _model(facet)
        if model.unknown:
            yield 1.4, model.unknown, _draw_sample
        if model.brighter:
            yield 2.6, model.brighter, partial(_draw_shades, model)

    def primitives(self, facet: Facet, viewport: Viewport, moment: Moment) -> tuple[Primitive, ...]:
        canvas, model = viewport.canvas, _model(facet)
        colors = np.asarray(np.rint(255 * _colors(canvas.theme, model)[:, :3]), np.uint8)
        palette = np.concatenate([colors, colors[:1]])
        cells, rect = _cells(model, len(colors))[:, ::-1], rect_of(canvas, viewport.box)
        if model.center is not None:
            zoomed = ZoomedImage(rect, cells, palette, model.center * [1, -1] + [0, 1])
            return zoomed, *(_zoom_ticks(facet, viewport) if canvas.layout.ticks else ())
        image = MapImage(rect, model.steps, cells, model.appears[::-1], palette)
        return image, *_edge(model, viewport), *_marks(facet, viewport)


RENDERER = _MapRenderer()


def _model(facet: Facet) -> MapModel:
    return cast("MapModel", facet.model)


def _ranges(facet: Facet) -> list[FloatArray]:
    """Return the ranges of both axes (2, 2) for which ticks are chosen; of a zoom, one for each half factor of 2."""
    center, limits, last = _model(facet).center, facet.limits, len(_model(facet).shares) - 1
    if center is None:
        return [limits]
    places = limits[:, :1] + center[:, None] * np.diff(limits)
    # The smallest range while the ticks are shown.
    return [places + (limits - places) / 2 ** min(0.5 * half + 0.25, last) for half in range(2 * last + 1)]


def _zoom_ticks(facet: Facet, viewport: Viewport) -> Iterator[ZoomTicks]:
    """Yield the tick labels of both axes of a zoom."""
    canvas, box, model = viewport.canvas, viewport.box, _model(facet)
    color, gap, ranges = canvas.theme.quiet, 0.4 * canvas.em, _ranges(facet)
    low, size = np.array([box.x, box.y]), np.array([box.width, box.height])
    center = low + np.asarray(model.center) * size
    place = facet.limits[:, 0] + np.asarray(model.center) * np.diff(facet.limits)[:, 0]
    anchors = [center * [1, 0] + [0, box.y - gap], center * [0, 1] + [box.x - gap, 0]]
    aligned = (("center", "top"), ("right", "center_baseline"))
    for axis, (scale, anchor, (across, up)) in enumerate(zip(model.axes, anchors, aligned, strict=True)):
        texts, found = list[Text](), list[FloatArray]()
        for half, limits in enumerate(ranges):
            ticks, words = fitting_ticks(canvas, scale, limits[axis], float(size[axis]), along=axis == 0)
            begin, end = 0.5 * half - 0.25, 0.5 * half + 0.25 if half < len(ranges) - 1 else np.inf
            x, y = anchor.tolist()
            texts += [canvas.text(x, y, each, color=color, loose=True, ha=across, va=up) for each in words]
            offsets = (ticks - place[axis]) * size[axis] / np.diff(facet.limits[axis])
            found.append(np.stack(np.broadcast_arrays(offsets, begin, end)))
        ends = np.array([low[axis], low[axis] + size[axis]])
        yield ZoomTicks(canvas.size, axis, anchor, ends, tuple(texts), *np.concatenate(found, axis=1))


def _colors(theme: Theme, model: MapModel) -> FloatArray:
    """Return the colors of a scale, or of one category after the other, each from dark to bright, (n, 4)."""
    if not model.categories:
        shades = theme.shades[1:]  # the first one is near to the color of the page
        return ramp(shades if theme.shades == theme.field else shades[::-1], SHADES)
    ends = [
        (mix(each.color, "#000000", DARK), each.color, mix(each.color, "#ffffff", BRIGHT)) for each in model.categories
    ]
    return np.concatenate([ramp(colors, SHADES_EACH) for colors in ends])


def _cells(model: MapModel, count: int) -> Pixels:
    """Return the color of each cell, (n, rows, columns), as an index below `count`, which stands for no figure."""
    each = SHADES_EACH if model.categories else SHADES
    shades = np.rint(np.nan_to_num(model.shares) * (each - 1))
    first = np.nan_to_num(model.values) * each if model.categories else 0
    return np.asarray(np.where(np.isnan(model.shares), count, first + shades), np.uint8)


def _draw_hatch(canvas: Canvas, axes: Axes, box: Box) -> None:
    """Draw diagonal lines across a box, which cannot be taken for a color of a scale."""
    apart = HATCH * canvas.em
    begins = np.arange(box.x - box.height, box.right, apart)
    low, high = np.full(len(begins), box.y), np.full(len(begins), box.top)
    ends = np.stack([np.stack([begins, low], -1), np.stack([begins + box.height, high], -1)], 1)
    color = mix(canvas.theme.panel, canvas.theme.quiet, HATCH_STRENGTH)
    # Below the image, which a vector picture contains as an artist.
    canvas.lines(ends, color, 0.06 * canvas.line, axes, zorder=1)


def _marks(facet: Facet, viewport: Viewport) -> Iterator[EventMarks]:
    """Yield the stars on the minima, and the cells whose paths are shown."""
    canvas, cells = viewport.canvas, _model(facet).cells
    em, theme = canvas.em, canvas.theme
    shown = [(facet.minima, "*", 1.25, theme.minimum)]
    shown += [(each.place[None], each.style.marker, 0.8, each.style.color) for each in cells]
    for places, marker, size, color in shown:
        if len(places):
            pixels = viewport.pixels(places, START)
            yield EventMarks(
                optimizer=-1,
                times=np.zeros(len(places)),
                points=pixels,
                marker=marker,
                size=size * em,
                color=color,
                casing=theme.casing,
                edge=0.12 * em,
                extent=np.stack([pixels.min(0) - em, pixels.max(0) + em]),
            )


def _draw_sample(canvas: Canvas, x: float, y: float) -> None:
    """Draw a small piece of the hatch for the key."""
    side = canvas.em
    box = Box(x - side / 2, y - side / 2, 1.3 * side, side)
    axes = canvas.axes(box, canvas.theme.panel)
    axes.set(xticks=[], yticks=[])
    _draw_hatch(canvas, axes, box)


def _draw_shades(model: MapModel, canvas: Canvas, x: float, y: float) -> None:
    """Draw the shades of the first category for the key."""
    em = canvas.em
    shades = np.rint(255 * _colors(canvas.theme, model)[:SHADES_EACH:4, :3]).astype(np.uint8)
    canvas.swatches(Box(round(x - 0.5 * em), round(y - 0.35 * em), round(2.4 * em), round(0.7 * em)), shades)


def _edge(model: MapModel, viewport: Viewport) -> Iterator[Lines | EventMarks]:
    """Yield the curve on which the optimizer becomes unstable, and its formula beside it."""
    canvas, line, theme, em = viewport.canvas, viewport.canvas.line, viewport.canvas.theme, viewport.canvas.em
    if not len(model.edge):
        return
    pixels = viewport.pixels(model.edge, START)
    yield Lines(-1, TrailStyle(theme.text, theme.casing, 0.08 * line, EDGE_WIDTH * line, (), "o", 0.0), pixels[None])
    (left, right), _ = viewport.bounds
    within = pixels[inside(pixels, viewport.bounds)]
    width = canvas.width_of(EDGE, SMALL)
    if not len(within) or width + 2 * em > right - left:
        return
    x, y = within[len(within) // 4]
    beside = x + 0.5 * em if x + width + em < right else x - width - 0.5 * em
    text = canvas.text(beside, y, EDGE, casing=theme.casing, loose=True, va="center_baseline")
    extent = np.array([[beside, y - em], [beside + width, y + em]])
    yield EventMarks(-1, np.zeros(1), np.full((1, 2), np.nan), "o", 0.0, theme.text, theme.casing, 0.0, extent, text)
