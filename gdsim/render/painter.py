"""Drawing of display lists on matplotlib's renderers: Agg for frames, SVG and PDF for vector pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, Literal, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
from matplotlib.backend_bases import GraphicsContextBase, RendererBase
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.markers import MarkerStyle
from matplotlib.path import Path as Outline
from matplotlib.text import Text
from matplotlib.transforms import Affine2D, Bbox, IdentityTransform, Transform, TransformedBbox

from gdsim.objectives import FloatArray, inside
from gdsim.render.canvas import DPI, arrow_shapes, points
from gdsim.render.display_list import (
    CIRCLE,
    SHADOW,
    SHADOW_ALPHA,
    DropLines,
    EventMarks,
    HeadArrows,
    HeadOutlines,
    Lines,
    PathLabel,
    Primitive,
    Tangents,
    ZoomTicks,
)
from gdsim.render.strands import fanned
from gdsim.render.trail import GHOST, BoolArray, Stretch, Trail, TrailStyle, interpolated

OUTLINE_FILL = 0.16  # the opacity inside the outlines around heads

Cap = Literal["butt", "round"]
Codes = npt.NDArray[np.uint8]
Kind = TypeVar("Kind")


def only(primitives: Iterable[Primitive], kind: type[Kind]) -> list[Kind]:
    """Return the primitives of one type."""
    return [each for each in primitives if isinstance(each, kind)]


def stamps(primitives: Iterable[Primitive]) -> list[tuple[float, HeadArrows | HeadOutlines]]:
    """Return the times at which arrows and outlines leave copies, and these, in drawing order."""
    every: list[HeadArrows | HeadOutlines] = [*only(primitives, HeadOutlines), *only(primitives, HeadArrows)]
    return sorted(((time, marks) for marks in every for time in marks.stamps), key=lambda each: each[0])


class _Shape(Outline):
    """A path without matplotlib's checks and look-ups of settings, which cost as much as drawing a short line."""

    vertices: Any = None
    codes: Any = None
    should_simplify = False
    simplify_threshold = 0.0

    def __init__(self, vertices: FloatArray, codes: Codes) -> None:
        self.vertices, self.codes = vertices, codes


TextPath: TypeAlias = tuple[GraphicsContextBase, Outline, Transform, Any]
"""What a renderer draws of a text: a context, a path, its transformation and the color that fills it."""


class _TextRecorder(RendererAgg):
    paths: list[TextPath]

    def draw_path(self, gc: GraphicsContextBase, path: Outline, transform: Transform, rgbFace: Any = None) -> None:  # noqa: N803
        self.paths.append((gc, path, transform, rgbFace))


def text_paths(text: Text, height: int) -> list[TextPath]:
    """Return what is drawn of an outlined text in a picture of a height, because its layout takes longer than that."""
    recorder = _TextRecorder(1, height, DPI)  # type: ignore[no-untyped-call]
    recorder.paths = []
    text.draw(recorder)
    return recorder.paths


class Painter:
    """Draws on a renderer of any resolution, clipped to a rectangle; positions and lengths are in pixels.

    Args:
        renderer: The renderer, with `scale` times as many dots per inch as the picture.
        bounds: (2, 2) the left and right, and the bottom and top edge of the rectangle.
        scale: The number of dots per pixel.
        corner: The position of the renderer's lower left corner.
    """

    def __init__(
        self, renderer: RendererBase, bounds: FloatArray, scale: float = 1.0, corner: tuple[float, float] = (0, 0)
    ) -> None:
        self.renderer, self._bounds, self._scale = renderer, bounds, scale
        self._transform = Affine2D().translate(-corner[0], -corner[1]).scale(scale)
        self._clip = TransformedBbox(Bbox(bounds.T), self._transform).frozen()
        self._contexts: dict[tuple[str, float, str, float], GraphicsContextBase] = {}

    def draw_all(self, primitives: Sequence[Primitive], time: float) -> None:
        """Draw everything except images at a time."""
        for trail in only(primitives, Trail):
            if trail.faded_at(time):
                self.draw_ghost(trail)
        for trail in only(primitives, Trail):
            self.draw_trail(trail, time)
        for until, marks in stamps(primitives):
            if until <= time:
                self.draw_stamp(marks, until)
        for label in only(primitives, PathLabel):
            self.draw_label(label, time)
        for _ in self.draw_over(primitives, time):
            pass

    def draw_over(self, primitives: Sequence[Primitive], time: float) -> Iterator[FloatArray]:
        """Draw everything above the trails and the labels, and yield the points, (…, 2), that each primitive covers."""
        for lines in only(primitives, Lines):
            yield self._draw_lines(lines, time)
        for drops in only(primitives, DropLines):
            yield self._draw_drops(drops, time)
        for tangents in only(primitives, Tangents):
            yield self._draw_tangents(tangents, time)
        for outlines in only(primitives, HeadOutlines):
            yield self._draw_outlines(outlines, time)
        for arrows in only(primitives, HeadArrows):
            yield from self._draw_arrows(arrows, time)
        trails = only(primitives, Trail)
        for trail, heads in zip(trails, fanned(trails, time), strict=True):
            yield self._draw_heads(trail, heads, time)
        for marks in only(primitives, EventMarks):
            yield self._draw_events(marks, time)
        for ticks in only(primitives, ZoomTicks):
            yield from self._draw_ticks(ticks, time)

    def draw_ghost(self, trail: Trail) -> FloatArray:
        """Draw what has faded of a complete trail, so that a poster shows whole paths; return its vertices, (…, 2)."""
        stretch = trail.stretch(float(trail.times[0]), trail.faded_at(float(trail.times[-1])))
        self._draw_hidden(trail, stretch, GHOST)
        self.stroke(stretch.lines, trail.style.color, trail.style.hidden_width, shown=stretch.visible, alpha=GHOST)
        return stretch.lines

    def draw_trail(self, trail: Trail, time: float, since: float | None = None) -> FloatArray:
        """Draw a trail up to a time, starting at commit time `since` if given, and return its vertices, (…, 2)."""
        if trail.fade is not None:
            return self._draw_fading(trail, time)
        style, first, time = trail.style, float(trail.times[0]), min(time, trail.rest)
        if since == time:
            return np.empty((0, 2))
        begin, new = trail.before(first if since is None else since, trail.overlap)
        stretch = trail.stretch(begin, time)
        widths = _widths(trail, stretch)
        self._draw_hidden(trail, stretch, style.alpha, new)
        for width, shown in widths if style.casing_width else ():
            wide = width + 2 * style.casing_width
            self.stroke(stretch.lines[:, new:], style.casing, wide, shown=shown[:, new:])
        self._draw_visible(trail, stretch, widths, style.alpha)
        return stretch.lines

    def _draw_fading(self, trail: Trail, time: float) -> FloatArray:
        style, first, drawn = trail.style, float(trail.times[0]), [trail.at(time)[:, None]]
        for oldest, newest, alpha in trail.fade_bands:
            begin, end = max(time - oldest, first), max(time - newest, first)
            if begin < end:
                stretch = trail.stretch(begin, end)
                self._draw_hidden(trail, stretch, alpha)
                factor = style.taper + (1 - style.taper) * alpha / style.alpha
                self._draw_visible(trail, stretch, [(factor * style.width, stretch.visible)], alpha)
                drawn.append(stretch.lines)
        return np.concatenate(drawn, axis=1)

    def _draw_visible(
        self, trail: Trail, stretch: Stretch, widths: list[tuple[float, BoolArray]], alpha: float
    ) -> None:
        style, lines = trail.style, stretch.lines
        lengths = [points(part) for part in style.dash_lengths]
        cap: Cap = "round" if alpha == 1 else "butt"
        for width, visible in widths:
            if not style.dash:
                self.stroke(lines, style.color, width, cap, shown=visible, alpha=alpha)
                continue
            for line, shown, offsets in zip(lines, visible, stretch.dash_offsets, strict=True):
                for first, last in _runs(shown):
                    dash = (points(float(offsets[first])), lengths)
                    self.stroke(line[None, first:last], style.color, width, dash=dash, alpha=alpha)
        if style.dot_size:
            self._mark(stretch.dots, "o", style.dot_size, style.color, style.casing, style.dot_edge, alpha)

    def draw_label(self, label: PathLabel, time: float) -> None:
        """Draw the label of a path, if its time has come."""
        if alpha := label.alpha(time):
            label.text.set_alpha(alpha)
            label.text.draw(self.renderer)

    def draw_pill(self, text: Text, color: str, casing: str) -> FloatArray:
        """Draw text in the color of a casing on a pill in another color, and return two corners of it, (2, 2)."""
        own, outlines = text.get_color(), text.get_path_effects()
        (left, low), (right, high) = text.get_window_extent(self.renderer).get_points() / self._scale
        height, middle = 1.1 * (high - low), (low + high) / 2
        ends = np.array([[left + 0.25 * height, middle], [right - 0.25 * height, middle]])
        self.stroke(ends[None], color, height, "round")
        text.set(color=casing, path_effects=[], alpha=1.0)
        text.draw(self.renderer)
        text.set(color=own, path_effects=outlines)
        return np.asarray(ends + height * np.array([[-0.5, -0.5], [0.5, 0.5]]))

    def _draw_hidden(self, trail: Trail, stretch: Stretch, alpha: float, new: int = 0) -> None:
        """Draw hidden segments from vertex `new` on, because translucent segments must not be drawn twice."""
        style, faint = trail.style, alpha * trail.style.hidden_alpha
        if faint and stretch.hidden is not None:
            lines, shown = stretch.lines[:, new:], stretch.hidden[:, new:]
            self.stroke(lines, style.color, style.hidden_width, shown=shown, alpha=faint)

    def _draw_heads(self, trail: Trail, heads: FloatArray, time: float) -> FloatArray:
        hidden, openings, style = trail.hidden_at(time), trail.openings_at(time), trail.style
        if not style.head_size:
            return heads[:0]
        for ring in sorted(set(openings.tolist()), reverse=True):
            for shown, alpha in ((hidden, style.alpha * style.hidden_alpha), (~hidden, style.alpha)):
                if alpha and (chosen := shown & (openings == ring)).any():
                    spots, edge = heads[chosen], 0.0 if ring else style.head_edge
                    if ring:
                        self._draw_rings(spots, style, alpha)
                    if ring < 1:
                        look = style.color, style.casing, edge, (1 - ring) * alpha
                        self._mark(spots, style.marker, style.head_size, *look)
        return heads

    def _draw_rings(self, places: FloatArray, style: TrailStyle, alpha: float) -> None:
        places, width = places[np.isfinite(places).all(-1)], style.ring_width
        if len(places):
            outline = marker_outline(style.marker) * [1.0, -1.0] * (style.head_size - width)
            for color, wide in ((style.casing, width + 2 * style.head_edge), (style.color, width)):
                self.stroke(places[:, None] + outline, color, wide, "round", alpha=alpha)

    def _draw_lines(self, lines: Lines, time: float) -> FloatArray:
        points, style = lines.at(time), lines.style
        known = np.asarray(np.isfinite(points).all(-1))
        shown = np.stack([known[1:] & known[:-1]])
        if lines.fill:
            self.fill(points[None], style.color, alpha=lines.fill)
        if style.casing_width:
            self.stroke(points[None], style.casing, style.width + 2 * style.casing_width, "round", shown=shown)
        self.stroke(points[None], style.color, style.width, "round", shown=shown, alpha=style.alpha)
        if style.dot_size:
            self._mark(points, "o", style.dot_size, style.color, style.casing, style.dot_edge)
        if style.head_size:
            self._mark(points[-1:], style.marker, style.head_size, style.color, style.casing, style.head_edge)
        return points

    def _draw_drops(self, drops: DropLines, time: float) -> FloatArray:
        trail, heads, feet = drops.trail, drops.trail.at(time), drops.foot.at(time)
        seen = self._seen(trail, heads, time)
        ends, footed = np.stack([heads, feet], 1)[seen], ~drops.foot.hidden_at(time)[seen]
        lines, dash = ends[footed], None
        if drops.dash:
            dash = 0.0, [points(part) for part in drops.dash]
            # Dashes at fixed heights and in columns of pixels change few pixels from frame to frame.
            lines[:, 0, 1] -= lines[:, 0, 1] % sum(drops.dash)
            lines[..., 0] = np.floor(lines[..., 0]) + 0.5
        self.stroke(lines, trail.style.color, drops.width, dash=dash, alpha=drops.alpha)
        for below, width, height in drops.rings if seen.any() else ():
            self.fill(ends[:, :1] + CIRCLE * [width, height] - [0, below], SHADOW, alpha=SHADOW_ALPHA)
        reach = drops.shadow * np.array([[-1, -1], [1, 1]])
        return np.concatenate([ends, ends[:, :1] + reach]).reshape(-1, 2)

    def _draw_tangents(self, tangents: Tangents, time: float) -> FloatArray:
        trail, heads = tangents.trail, tangents.trail.at(time)
        seen = inside(heads, self._bounds)
        heads = heads[seen]
        along = np.column_stack([np.ones(len(heads)), interpolated(tangents.slopes, trail.times, time)[seen]])
        along *= tangents.reach / np.linalg.norm(along, axis=-1, keepdims=True)
        ends = np.stack([heads - along, heads + along], 1)
        self.stroke(ends, trail.style.color, tangents.width, "round")
        return np.concatenate([ends.reshape(-1, 2), heads])

    def draw_stamp(self, marks: HeadArrows | HeadOutlines, time: float) -> FloatArray:
        """Draw the copy that arrows or outlines leave at a time, and return its vertices, (n, 2)."""
        return np.concatenate([np.empty((0, 2)), *self.draw_over([marks], time)])

    def _draw_arrows(self, arrows: HeadArrows, time: float) -> Iterator[FloatArray]:
        tails, vectors = arrows.trail.at(time), interpolated(arrows.vectors, arrows.steps, time)
        drawn = self._seen(arrows.trail, tails, time) & (np.linalg.norm(vectors, axis=-1) >= arrows.shortest)
        tails, vectors = tails[drawn], vectors[drawn]
        for style in arrows.styles if len(tails) else ():
            moves = style.factor * vectors
            shapes = arrow_shapes(tails + moves / 2, moves, np.linalg.norm(moves, axis=-1), style.width)
            self.fill(shapes, style.color, style.edge, style.edge_width)
            yield shapes.reshape(-1, 2)

    def _draw_outlines(self, outlines: HeadOutlines, time: float) -> FloatArray:
        trail, heads = outlines.trail, outlines.trail.at(time)
        seen = self._seen(trail, heads, time)
        matrices = interpolated(outlines.matrices, outlines.steps, time)[seen]
        shapes = heads[seen][:, None] + outlines.shape @ matrices.swapaxes(-1, -2)
        if len(shapes):
            self.fill(shapes, trail.style.color, alpha=OUTLINE_FILL)
        for color, width in ((trail.style.casing, 2 * outlines.width), (trail.style.color, outlines.width)):
            self.stroke(shapes, color, width, "round")
        return np.asarray(shapes.reshape(-1, 2))

    def _seen(self, trail: Trail, heads: FloatArray, time: float) -> BoolArray:
        return np.asarray(inside(heads, self._bounds) & ~trail.hidden_at(time))

    def _draw_events(self, marks: EventMarks, time: float) -> FloatArray:
        count = int(np.searchsorted(marks.times, time, side="right"))
        self._mark(marks.points[:count], marks.marker, marks.size, marks.color, marks.casing, marks.edge)
        if marks.text is None or not count:
            return marks.points[:count]
        marks.text.draw(self.renderer)
        return marks.extent

    def _draw_ticks(self, ticks: ZoomTicks, time: float) -> Iterator[FloatArray]:
        for text in ticks.shown(time):
            text.draw(self.renderer)
            yield np.asarray(text.get_window_extent(self.renderer).get_points() / self._scale)

    def stroke(
        self,
        lines: FloatArray,
        color: str,
        width: float,
        cap: Cap = "butt",
        *,
        shown: BoolArray | None = None,
        dash: tuple[float, list[float]] | None = None,
        alpha: float = 1.0,
    ) -> None:
        """Stroke lines, (n, m, 2), as one path; `shown` selects segments, (n, m − 1); dashes are in points."""
        if not (lines.size if shown is None else shown.any()):
            return
        codes = np.full(lines.shape[:2], Outline.MOVETO, Outline.code_type)
        codes[:, 1:][... if shown is None else shown] = Outline.LINETO
        outline = _Shape(lines.reshape(-1, 2), codes.ravel())
        context = self._context(color, width, cap, alpha)
        context.set_dashes(*dash or (0.0, None))
        self.renderer.draw_path(context, outline, self._transform)

    def fill(self, shapes: FloatArray, color: str, edge: str = "", edge_width: float = 0.0, alpha: float = 1.0) -> None:
        """Fill polygons, (n, corners, 2), as one path on top of their edges."""
        outlines = np.concatenate([shapes, shapes[:, :1]], 1)
        codes = np.full(outlines.shape[:2], Outline.LINETO, Outline.code_type)
        codes[:, 0], codes[:, -1] = Outline.MOVETO, Outline.CLOSEPOLY
        self._fill(_Shape(outlines.reshape(-1, 2), codes.ravel()), color, edge, edge_width, alpha)

    def fill_strip(self, corners: FloatArray, colors: FloatArray) -> None:
        """Fill a row of quadrilaterals with the vertices (2, n + 1, 2) and the colors (n, 4), the last one on top."""
        if len(colors):
            # Only Agg has this method. Its vertices are annotated as a sequence, but it accepts an array.
            draw: Any = self.renderer.draw_quad_mesh
            context = self.renderer.new_gc()
            context.set_linewidth(0)
            faces, no_edges, offsets = np.ascontiguousarray(colors), np.empty((0, 4)), np.zeros((1, 2))
            identity, size = IdentityTransform(), (len(colors), 1)
            draw(context, self._transform, *size, corners, offsets, identity, faces, False, no_edges)

    def _mark(
        self, places: FloatArray, marker: str, size: float, color: str, edge: str, edge_width: float, alpha: float = 1.0
    ) -> None:
        """Draw a filled marker at every place, (n, 2), as one path."""
        places = places[np.isfinite(places).all(-1)]
        if len(places):
            corners, codes = _marker_corners(marker, size)
            outlines = (corners + places[:, None]).reshape(-1, 2)
            codes = codes if len(places) == 1 else np.tile(codes, len(places))
            self._fill(_Shape(outlines, codes), color, edge, edge_width, alpha)

    def _fill(self, path: Outline, color: str, edge: str, edge_width: float, alpha: float) -> None:
        """Fill a path on top of all its edges, so that an edge does not cover a neighboring shape."""
        if edge_width:
            around = self._context(edge, 2 * edge_width, alpha=alpha)
            self.renderer.draw_path(around, path, self._transform, around.get_rgb())
        context = self._context(color, 0.0, alpha=alpha)
        self.renderer.draw_path(context, path, self._transform, context.get_rgb())

    def _context(self, color: str, width: float, cap: Cap = "butt", alpha: float = 1.0) -> GraphicsContextBase:
        """Return a cached graphics context, because creating one costs as much as stroking a short line."""
        context = self._contexts.get((color, width, cap, alpha))
        if context is None:
            context = self.renderer.new_gc()
            context.set_alpha(alpha)
            context.set_foreground(color)
            context.set_linewidth(points(width))
            context.set_capstyle(cap)
            context.set_joinstyle("round")
            context.set_snap(False)
            context.set_clip_rectangle(self._clip)
            self._contexts[color, width, cap, alpha] = context
        return context


def marker_outline(marker: str) -> FloatArray:
    """Return the corners of a marker of size 1 around its center, (n, 2), with the second coordinate downwards."""
    # Curves are approximated as finely as for a large marker.
    (corners,) = _marker_path(marker).to_polygons(closed_only=False)[:1]
    return np.asarray(corners) * [1.0, -1.0]


@cache
def _marker_path(marker: str) -> Outline:
    shape = MarkerStyle(marker)
    return shape.get_path().transformed(shape.get_transform())


@cache
def _marker_corners(marker: str, size: float) -> tuple[FloatArray, Codes]:
    path = _marker_path(marker)
    return np.asarray(path.vertices) * size, np.asarray(path.codes, Outline.code_type)


def _widths(trail: Trail, stretch: Stretch) -> list[tuple[float, BoolArray]]:
    """Return each width of a stretch, in ascending order, and which visible segments have it, (starts, n − 1)."""
    bands = [-1] if trail.even else sorted(set(stretch.bands.ravel().tolist()))
    if len(bands) == 1:
        return [(trail.style.widths[bands[0]], stretch.visible)]
    return [(trail.style.widths[band], stretch.visible & (stretch.bands == band)) for band in bands]


def _runs(shown: BoolArray) -> list[tuple[int, int]]:
    """Return the vertices, as (start, stop), of each run of shown segments."""
    if shown.all():
        return [(0, len(shown) + 1)]
    change = np.flatnonzero(np.diff(np.concatenate([[False], shown, [False]])))
    return [(int(first), int(last) + 1) for first, last in zip(change[::2], change[1::2], strict=True)]
