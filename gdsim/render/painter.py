"""Drawing of display lists on matplotlib's renderers: Agg for frames, SVG and PDF for vector pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt
from matplotlib.backend_bases import GraphicsContextBase, RendererBase
from matplotlib.colors import to_rgba
from matplotlib.markers import MarkerStyle
from matplotlib.path import Path as Outline
from matplotlib.transforms import Affine2D, Bbox, TransformedBbox

from gdsim.objectives import FloatArray
from gdsim.render.canvas import DPI, arrow_shapes, points
from gdsim.render.display_list import ExitMarks, HeadArrows, Primitive, Rings, Tangents
from gdsim.render.trail import Stretch, Trail, interpolated
from gdsim.render.viewport import Viewport

Cap = Literal["butt", "round"]
Kind = TypeVar("Kind")

CIRCLE = np.stack([np.cos(np.linspace(0, 2 * np.pi, 33)), np.sin(np.linspace(0, 2 * np.pi, 33))], -1) / 2


def only(primitives: Iterable[Primitive], kind: type[Kind]) -> list[Kind]:
    """Return the primitives of one type."""
    return [each for each in primitives if isinstance(each, kind)]


class Painter:
    """Draws primitives on a renderer of any resolution, clipped to a viewport."""

    def __init__(self, renderer: RendererBase, viewport: Viewport) -> None:
        box = viewport.box
        self.renderer, self._viewport = renderer, viewport
        scale = viewport.canvas.figure.dpi / DPI
        self._transform = Affine2D().scale(scale)
        corners = Bbox.from_bounds(box.x, box.y, box.width, box.height)
        self._clip = TransformedBbox(corners, self._transform).frozen()
        self._contexts: dict[tuple[str, float, str, float], GraphicsContextBase] = {}

    def draw_all(self, primitives: Sequence[Primitive], time: float) -> None:
        """Draw everything except images at a time."""
        self.draw_rings(primitives)
        for trail in only(primitives, Trail):
            self.draw_trail(trail, time)
        for _ in self.draw_over(primitives, time):
            pass

    def draw_rings(self, primitives: Iterable[Primitive]) -> None:
        """Draw the circles below the trails."""
        for rings in only(primitives, Rings):
            centres = rings.points[np.isfinite(rings.points).all(-1)]
            for color, width in rings.strokes:
                self._stroke(centres[:, None] + CIRCLE * rings.diameter, color, width, "butt")

    def draw_over(self, primitives: Iterable[Primitive], time: float) -> Iterator[FloatArray]:
        """Draw everything above the trails, and yield the points, (…, 2), that each primitive covers."""
        primitives = list(primitives)
        for tangents in only(primitives, Tangents):
            yield self._draw_tangents(tangents, time)
        for arrows in only(primitives, HeadArrows):
            yield from self._draw_arrows(arrows, time)
        for trail in only(primitives, Trail):
            yield self._draw_heads(trail, time)
        for marks in only(primitives, ExitMarks):
            yield self._draw_exits(marks, time)

    def draw_trail(self, trail: Trail, time: float, since: float | None = None) -> FloatArray:
        """Draw a trail up to a time, starting at commit time `since` if given, and return its vertices, (…, 2)."""
        if trail.fade is not None:
            return self._draw_fading(trail, time)
        style = trail.style
        begin, new = trail.before(float(trail.times[0]) if since is None else since, trail.overlap)
        stretch = trail.stretch(begin, time)
        self._draw_hidden(trail, stretch, style.alpha, new)
        if style.casing_width:
            shown = None if stretch.visible is None else stretch.visible[:, new:]
            width = style.width + 2 * style.casing_width
            self._stroke(stretch.lines[:, new:], style.casing, width, "butt", shown=shown)
        self._draw_visible(trail, stretch, style.alpha)
        return stretch.lines

    def _draw_fading(self, trail: Trail, time: float) -> FloatArray:
        first, drawn = float(trail.times[0]), [trail.at(time)[:, None]]
        for oldest, newest, alpha in trail.fade_bands:
            begin, end = max(time - oldest, first), max(time - newest, first)
            if begin < end:
                stretch = trail.stretch(begin, end)
                self._draw_hidden(trail, stretch, alpha)
                self._draw_visible(trail, stretch, alpha)
                drawn.append(stretch.lines)
        return np.concatenate(drawn, axis=1)

    def _draw_visible(self, trail: Trail, stretch: Stretch, alpha: float) -> None:
        style, lines = trail.style, stretch.lines
        if style.dash:
            lengths = [points(part) for part in style.dash_lengths]
            for start, line in enumerate(lines):
                for first, last in [(0, len(line))] if stretch.visible is None else _runs(stretch.visible[start]):
                    dash = (points(float(stretch.dash_offsets[start, first])), lengths)
                    self._stroke(line[None, first:last], style.color, style.width, "butt", dash=dash, alpha=alpha)
        else:
            cap: Cap = "round" if alpha == 1 else "butt"
            self._stroke(lines, style.color, style.width, cap, shown=stretch.visible, alpha=alpha)
        if stretch.dots is not None:
            self._mark(stretch.dots, "o", style.dot_size, style.color, style.casing, style.dot_edge, alpha)

    def _draw_hidden(self, trail: Trail, stretch: Stretch, alpha: float, new: int = 0) -> None:
        """Draw hidden segments from vertex `new` on, because translucent segments must not be drawn twice."""
        style = trail.style
        if style.hidden_alpha and stretch.hidden is not None:
            lines, shown, faint = stretch.lines[:, new:], stretch.hidden[:, new:], alpha * style.hidden_alpha
            self._stroke(lines, style.color, style.hidden_width, "butt", shown=shown, alpha=faint)

    def _draw_heads(self, trail: Trail, time: float) -> FloatArray:
        heads, hidden, style = trail.at(time), trail.hidden_at(time), trail.style
        for chosen, alpha in ((hidden, style.alpha * style.hidden_alpha), (~hidden, style.alpha)):
            if alpha and chosen.any():
                self._mark(
                    heads[chosen], style.marker, style.head_size, style.color, style.casing, style.head_edge, alpha
                )
        return heads

    def _draw_tangents(self, tangents: Tangents, time: float) -> FloatArray:
        trail = tangents.trail
        heads, feet = trail.at(time), tangents.foot.at(time)
        seen = np.isfinite(heads).all(-1) & self._viewport.inside(heads)
        heads, feet = heads[seen], feet[seen]
        if not len(heads):
            return np.empty((0, 2))
        color = trail.style.color
        lines = np.stack([heads, feet], 1)
        self._stroke(lines, color, tangents.foot_width, "butt", alpha=tangents.foot_alpha)
        along = np.column_stack([np.ones(len(heads)), interpolated(tangents.slopes, trail.times, time)[seen]])
        along *= tangents.reach / np.linalg.norm(along, axis=-1, keepdims=True)
        ends = np.stack([heads - along, heads + along], 1)
        self._stroke(ends, color, tangents.width, "round")
        return np.concatenate([ends.reshape(-1, 2), feet, heads])

    def _draw_arrows(self, arrows: HeadArrows, time: float) -> Iterator[FloatArray]:
        row = max(int(np.searchsorted(arrows.steps, int(time), side="right")) - 1, 0)
        tails, vectors = arrows.trail.at(float(arrows.steps[row])), arrows.vectors[row]
        drawn = np.isfinite(vectors).all(-1)
        tails, vectors = tails[drawn], vectors[drawn]
        for style in arrows.styles if len(tails) else ():
            moves = style.factor * vectors
            length = np.linalg.norm(moves, axis=-1)
            shapes = arrow_shapes(tails + moves / 2, moves, length, style.width)
            self._fill(shapes, style.color, style.edge, style.edge_width)
            yield shapes.reshape(-1, 2)

    def _draw_exits(self, marks: ExitMarks, time: float) -> FloatArray:
        count = int(np.searchsorted(marks.times, time, side="right"))
        self._mark(marks.points[:count], marks.marker, marks.size, marks.color, marks.casing, marks.edge)
        if marks.text is None or not count:
            return marks.points[:count]
        marks.text.draw(self.renderer)
        return marks.extent

    def _stroke(
        self,
        lines: FloatArray,
        color: str,
        width: float,
        cap: Cap,
        *,
        shown: npt.NDArray[np.bool_] | None = None,
        dash: tuple[float, list[float]] | None = None,
        alpha: float = 1.0,
    ) -> None:
        """Stroke lines, (n, m, 2), as one path; `shown` selects segments, (n, m − 1); dashes are in points."""
        codes = np.full(lines.shape[:2], Outline.LINETO, Outline.code_type)
        codes[:, 0] = Outline.MOVETO
        if shown is not None:
            if not shown.any():
                return
            codes[:, 1:][~shown] = Outline.MOVETO
        outline = Outline(lines.reshape(-1, 2), codes.ravel())
        outline.should_simplify = False
        context = self._context(color, width, cap, alpha)
        context.set_dashes(*dash or (0.0, None))
        self.renderer.draw_path(context, outline, self._transform)

    def _mark(
        self, places: FloatArray, marker: str, size: float, color: str, edge: str, edge_width: float, alpha: float = 1.0
    ) -> None:
        """Draw a filled marker at every place, (n, 2), as one path.

        All edges are drawn below all markers, so that an edge does not cover a neighboring marker.
        """
        places = places[np.isfinite(places).all(-1)]
        if not len(places):
            return
        vertices, codes = _outline(marker)
        corners = (vertices * size + places[:, None]).reshape(-1, 2)
        every = Outline(corners, np.tile(codes, len(places)))
        if edge_width:
            context = self._context(edge, 2 * edge_width, alpha=alpha)
            self.renderer.draw_path(context, every, self._transform, to_rgba(edge, alpha))
        self.renderer.draw_path(self._context(color, 0.0, alpha=alpha), every, self._transform, to_rgba(color, alpha))

    def _fill(self, shapes: FloatArray, color: str, edge: str, edge_width: float) -> None:
        """Fill polygons, (n, corners, 2), as one path on top of their edges."""
        count, corners = shapes.shape[:2]
        codes = np.full((count, corners + 1), Outline.LINETO, Outline.code_type)
        codes[:, 0], codes[:, -1] = Outline.MOVETO, Outline.CLOSEPOLY
        every = Outline(np.concatenate([shapes, shapes[:, :1]], 1).reshape(-1, 2), codes.ravel())
        self.renderer.draw_path(self._context(edge, 2 * edge_width), every, self._transform, to_rgba(edge))
        self.renderer.draw_path(self._context(color, 0.0), every, self._transform, to_rgba(color))

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


@cache
def _outline(marker: str) -> tuple[FloatArray, npt.NDArray[np.uint8]]:
    """Return the vertices and path codes of a marker of size 1."""
    shape = MarkerStyle(marker)
    outline = shape.get_path().transformed(shape.get_transform())
    vertices = np.asarray(outline.vertices, np.float64)
    codes = np.full(len(vertices), Outline.LINETO, Outline.code_type)
    codes[0] = Outline.MOVETO
    return vertices, codes if outline.codes is None else np.asarray(outline.codes)


def _runs(shown: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the vertices, as (start, stop), of each run of shown segments."""
    change = np.flatnonzero(np.diff(np.concatenate([[False], shown, [False]])))
    return [(int(first), int(last) + 1) for first, last in zip(change[::2], change[1::2], strict=True)]
