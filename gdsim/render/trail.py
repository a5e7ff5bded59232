"""What moves: paths that grow segment by segment on a kept picture, and the heads that ride on them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt
from matplotlib.backend_bases import GraphicsContextBase, RendererBase
from matplotlib.colors import to_rgba
from matplotlib.markers import MarkerStyle
from matplotlib.path import Path as Outline
from matplotlib.transforms import Bbox, Transform

from gdsim.objectives import FloatArray
from gdsim.render.still import points

__all__ = ["Ink", "Pen", "Rect", "Trail", "merged", "rect_around"]

HIDDEN = 1 / 3
"""A vertex that lies nearer than this to the last one kept, in pixels, is not seen and not drawn."""

CHUNK = 200
"""About how many segments of an optimizer are drawn anew for each frame before they are kept; at most 32 a path."""

OVERLAP = 12
"""How many kept vertices the colour of a path is drawn over again, so that a later casing does not cut it."""

VEILED = 0.45
"""How much of a path is seen through the surface that hides it."""

BANDS = 10
"""In how many shades a trail fades."""

Cap = Literal["butt", "round"]
BoolArray = npt.NDArray[np.bool_]

DOT = MarkerStyle("o")


@dataclass(frozen=True)
class Rect:
    """Rows and columns of a picture, from its upper left corner, the ends not included."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def area(self) -> tuple[slice, slice]:
        """The index of these pixels."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def size(self) -> int:
        """The number of these pixels."""
        return (self.bottom - self.top) * (self.right - self.left)

    def around(self, other: Rect) -> Rect:
        """Return the smallest rectangle that holds both."""
        return Rect(
            min(self.top, other.top),
            max(self.bottom, other.bottom),
            min(self.left, other.left),
            max(self.right, other.right),
        )


def merged(rects: Iterable[Rect]) -> list[Rect]:
    """Return rectangles that cover the same pixels and more, where one for two is not more to copy than the two."""
    apart: list[Rect] = []
    for rect in rects:
        for i, other in enumerate(apart):
            around = rect.around(other)
            if around.size <= rect.size + other.size:
                apart[i] = around
                break
        else:
            apart.append(rect)
    return apart


def rect_around(spots: FloatArray, room: float, within: Rect, height: int) -> Rect | None:
    """Return the pixels around spots, (…, 2) in pixels from the lower left; None where none lies within."""
    x, y = spots[..., 0], height - spots[..., 1]
    rect = Rect(
        max(int(np.floor(max(y.min(), -1e6) - room)), within.top),
        min(int(np.ceil(min(y.max(), 1e6) + room)) + 1, within.bottom),
        max(int(np.floor(max(x.min(), -1e6) - room)), within.left),
        min(int(np.ceil(min(x.max(), 1e6) + room)) + 1, within.right),
    )
    return rect if rect.top < rect.bottom and rect.left < rect.right else None


@dataclass(frozen=True, eq=False)
class Pen:
    """What draws within one set of axes, on whichever backend.

    Args:
        renderer: Where it draws.
        clip: The axes' rectangle.
        transform: From pixels to the renderer's own units.
    """

    renderer: RendererBase
    clip: Bbox
    transform: Transform
    _tools: dict[tuple[str, float, str, float], GraphicsContextBase] = field(default_factory=dict)

    def stroke(
        self,
        lines: FloatArray,
        color: str,
        width: float,
        cap: Cap,
        *,
        shown: BoolArray | None = None,
        dash: tuple[float, list[float]] | None = None,
        alpha: float = 1.0,
    ) -> None:
        """Stroke lines as one compound path.

        Args:
            lines: (n, m, 2) in pixels.
            color: Their colour.
            width: Their width in pixels.
            cap: The shape of their ends.
            shown: (n, m − 1) which segments are drawn; all when left out.
            dash: An offset and lengths of dashes, in points.
            alpha: From 0 for nothing to 1 for opaque.
        """
        count, long = lines.shape[:2]
        codes = np.full((count, long), Outline.LINETO, Outline.code_type)
        codes[:, 0] = Outline.MOVETO
        if shown is not None:
            codes[:, 1:][~shown] = Outline.MOVETO
        outline = Outline(lines.reshape(-1, 2), codes.ravel())
        outline.should_simplify = False
        tool = self._tool(color, width, cap, alpha)
        tool.set_dashes(*dash or (0.0, None))
        self.renderer.draw_path(tool, outline, self.transform)

    def mark(
        self,
        spots: FloatArray,
        shape: MarkerStyle,
        size: float,
        color: str,
        edge: str,
        edge_width: float,
        alpha: float = 1.0,
    ) -> None:
        """Draw one filled shape at every spot, (n, 2) in pixels, as one compound path.

        All edges lie under all shapes: where spots crowd, an edge over its neighbour would rub it out.
        """
        spots = spots[np.isfinite(spots).all(-1)]
        if not len(spots):
            return
        outline = shape.get_path().transformed(shape.get_transform())
        vertices = np.asarray(outline.vertices, np.float64)
        codes = outline.codes
        if codes is None:
            codes = np.full(len(vertices), Outline.LINETO, Outline.code_type)
            codes[0] = Outline.MOVETO
        corners = (vertices * size + spots[:, None]).reshape(-1, 2)
        every = Outline(corners, np.tile(np.asarray(codes), len(spots)))
        if edge_width:
            tool = self._tool(edge, 2 * edge_width, alpha=alpha)
            self.renderer.draw_path(tool, every, self.transform, to_rgba(edge, alpha))
        self.renderer.draw_path(self._tool(color, 0.0, alpha=alpha), every, self.transform, to_rgba(color, alpha))

    def ring(self, spots: FloatArray, size: float, color: str, width: float) -> None:
        """Draw a circle around every spot, (n, 2) in pixels; `size` is its diameter."""
        angles = np.linspace(0, 2 * np.pi, 33)
        circle = np.column_stack([np.cos(angles), np.sin(angles)]) * size / 2
        self.stroke(spots[np.isfinite(spots).all(-1)][:, None] + circle, color, width, "butt")

    def fill(self, shapes: FloatArray, color: str, edge: str, edge_width: float) -> None:
        """Fill polygons, (n, corners, 2) in pixels, as one compound path over their edges."""
        count, corners = shapes.shape[:2]
        codes = np.full((count, corners + 1), Outline.LINETO, Outline.code_type)
        codes[:, 0], codes[:, -1] = Outline.MOVETO, Outline.CLOSEPOLY
        every = Outline(np.concatenate([shapes, shapes[:, :1]], 1).reshape(-1, 2), codes.ravel())
        self.renderer.draw_path(self._tool(edge, 2 * edge_width), every, self.transform, to_rgba(edge))
        self.renderer.draw_path(self._tool(color, 0.0), every, self.transform, to_rgba(color))

    def _tool(self, color: str, width: float, cap: Cap = "butt", alpha: float = 1.0) -> GraphicsContextBase:
        """A graphics context, made once: making one costs as much as stroking a short line."""
        if (color, width, cap, alpha) not in self._tools:
            tool = self.renderer.new_gc()
            tool.set_alpha(alpha)
            tool.set_foreground(color)
            tool.set_linewidth(points(width))
            tool.set_capstyle(cap)
            tool.set_joinstyle("round")
            tool.set_snap(False)
            tool.set_clip_rectangle(self.clip)
            self._tools[color, width, cap, alpha] = tool
        return self._tools[color, width, cap, alpha]


@dataclass(frozen=True)
class Ink:
    """What a trail is drawn with; lengths in pixels.

    Args:
        color: The colour of path and heads.
        casing: The colour of the border around both.
        border: The width of the path's border; 0 where paths lie so dense that borders would cut them.
        width: The path's width.
        dash: On and off lengths in units of the width.
        marker: The head's shape, a matplotlib letter.
        head: The head's diameter.
        dot: The diameter of the dot on each iterate; 0 for none.
        alpha: From 0 for nothing to 1 for opaque.
    """

    color: str
    casing: str
    border: float
    width: float
    dash: tuple[float, ...]
    marker: str
    head: float
    dot: float = 0.0
    alpha: float = 1.0


class Trail:
    """The paths of one optimizer in one window, in pixels.

    Args:
        spots: (n, starts, 2) the path in pixels from the lower left corner; where one is NaN, the path is broken.
        times: (n,) when each is reached, in steps.
        ends: (starts,) the step at which each path ends.
        ink: How it is drawn.
        frames: In how many frames the path is drawn: a frame should keep no more than about one stretch.
        veiled: (n, starts) where the path is seen through the surface that hides it; nowhere when left out.
        fade: How many steps the path is seen back from its head; None for the whole path.

    Attributes:
        chunk: How many vertices each path gains before they are kept.
    """

    def __init__(
        self,
        spots: FloatArray,
        times: FloatArray,
        ends: npt.NDArray[np.int64],
        ink: Ink,
        *,
        frames: int,
        veiled: BoolArray | None = None,
        fade: int | None = None,
    ) -> None:
        self._ink, self._fade = ink, fade
        last = np.searchsorted(times, ends)
        reached = np.arange(len(spots))[:, None] <= last
        spots = np.where(reached[..., None], np.clip(spots, -1e7, 1e7), spots[last, np.arange(len(last))])
        self._all_times, self._spots = times, np.ascontiguousarray(spots.transpose(1, 0, 2))
        worth = _seen(self._spots)
        iterate = times == np.floor(times)
        if ink.dot:
            worth |= iterate
        if veiled is not None:
            worth[1:] |= (veiled[1:] != veiled[:-1]).any(-1)
        drawn = np.flatnonzero(worth)
        self._times, self._drawn = times[drawn], self._spots[:, drawn]
        self._iterates = iterate[drawn] if ink.dot else None
        self._veiled = None if veiled is None else veiled[drawn].T
        self._run = np.zeros(self._drawn.shape[:2])
        if ink.dash:
            moves = np.nan_to_num(np.linalg.norm(np.diff(self._drawn, axis=1), axis=-1))
            self._run[:, 1:] = np.cumsum(moves, axis=1) % (sum(ink.dash) * ink.width)
        self.chunk = max(min(32, max(4, CHUNK // len(self._spots))), len(self._times) // frames)
        self._kept = 0

    @property
    def room(self) -> float:
        """How far beyond its spots a trail leaves colour, in pixels."""
        return self._ink.width + self._ink.border + 2

    def whole(self, time: float) -> float | None:
        """Return the time up to which the next stretch can be kept, or None while that is not whole yet."""
        last = self._kept + self.chunk
        if self._fade is not None or last >= len(self._times) or self._times[last] > time:
            return None
        return float(self._times[last])

    def keep(self, time: float) -> None:
        """Say that everything up to a time, as `whole` gave it, stands on the kept picture."""
        self._kept = int(np.searchsorted(self._times, time))

    def at(self, time: float) -> FloatArray:
        """Return where the heads are at a time, (starts, 2); between two places on the segment between them."""
        before = int(np.clip(np.searchsorted(self._all_times, time, side="right") - 1, 0, len(self._all_times) - 1))
        after = min(before + 1, len(self._all_times) - 1)
        here, gap = self._spots[:, before], self._all_times[after] - self._all_times[before]
        share = (time - self._all_times[before]) / gap if gap else 0.0
        moved: FloatArray = here + share * (self._spots[:, after] - here) if share else here
        return moved

    def draw_path(self, pen: Pen, time: float) -> FloatArray:
        """Draw the path from where it is kept to the place reached at a time, and return the spots drawn."""
        if self._fade is not None:
            return self._draw_fading(pen, time, self._fade)
        if self._ink.border:
            lines, shown, _ = self._stretch(self._kept, time)
            pen.stroke(lines, self._ink.casing, self._ink.width + 2 * self._ink.border, "butt", shown=shown)
        back = max(self._kept - OVERLAP, 0) if self._ink.border else self._kept
        lines, shown, veiled = self._stretch(back, time)
        self._draw_line(pen, lines, shown, self._run[:, back], self._ink.alpha)
        if veiled is not None:
            back = self._kept
            lines, _, veiled = self._stretch(back, time)
            pen.stroke(lines, self._ink.color, 0.75 * self._ink.width, "butt", shown=veiled, alpha=VEILED)
        if self._iterates is not None:
            dotted = self._iterates[back : back + lines.shape[1] - 1]
            self._mark_dots(pen, lines[:, :-1][:, dotted], self._ink.alpha)
        return lines

    def draw_heads(self, pen: Pen, time: float) -> FloatArray:
        """Draw the heads where they are at a time, and return their spots."""
        heads, ink = self.at(time), self._ink
        pen.mark(heads, MarkerStyle(ink.marker), ink.head, ink.color, ink.casing, 0.12 * ink.head, ink.alpha)
        return heads

    def _stretch(self, first: int, time: float) -> tuple[FloatArray, BoolArray | None, BoolArray | None]:
        """The path from a vertex to the place reached at a time, and which of its segments are shown and veiled.

        Returns:
            (starts, n, 2) spots; (starts, n − 1) the segments in plain sight, None for all; likewise those
            that are seen through the surface, None for none.
        """
        last = int(np.searchsorted(self._times, time, side="right"))
        lines, shown = _unbroken(np.concatenate([self._drawn[:, first:last], self.at(time)[:, None]], axis=1))
        if self._veiled is None:
            return lines, shown, None
        ends = self._veiled[:, first : last + 1]
        ends = np.concatenate([ends, ends[:, -1:]], 1)[:, : lines.shape[1]]
        veiled = ends[:, 1:] | ends[:, :-1]
        seen = np.ones_like(veiled) if shown is None else shown
        return lines, seen & ~veiled, seen & veiled

    def _draw_line(self, pen: Pen, lines: FloatArray, shown: BoolArray | None, run: FloatArray, alpha: float) -> None:
        """Stroke the coloured line; `run` is how far each path has come in its dashes where it begins."""
        ink = self._ink
        if not ink.dash:
            pen.stroke(lines, ink.color, ink.width, "round" if alpha == 1 else "butt", shown=shown, alpha=alpha)
            return
        lengths = [points(part * ink.width) for part in ink.dash]
        for start, line in enumerate(lines):
            for first, last in [(0, len(line))] if shown is None else _runs(shown[start]):
                come = run[start] + np.linalg.norm(np.diff(line[: first + 1], axis=0), axis=-1).sum()
                dash = (points(float(come)), lengths)
                pen.stroke(line[None, first:last], ink.color, ink.width, "butt", dash=dash, alpha=alpha)

    def _mark_dots(self, pen: Pen, spots: FloatArray, alpha: float) -> None:
        ink = self._ink
        pen.mark(spots.reshape(-1, 2), DOT, ink.dot, ink.color, ink.casing, ink.dot / 6, alpha)

    def _draw_fading(self, pen: Pen, time: float, fade: int) -> FloatArray:
        """Draw the last steps of the path in bands, each fainter than the one after it."""
        since = max(time - fade, 0.0)
        borders = np.linspace(since, time, BANDS + 1)
        spots = []
        for begin, end in pairwise(borders):
            first, last = (int(np.searchsorted(self._times, at, side="right")) for at in (begin, end))
            ends = [self.at(float(begin))[:, None], self._drawn[:, first:last], self.at(float(end))[:, None]]
            lines, shown = _unbroken(np.concatenate(ends, axis=1))
            alpha = self._ink.alpha * (1 - (time - float(end)) / fade)
            self._draw_line(pen, lines, shown, self._run[:, max(first - 1, 0)], max(alpha, 1 / BANDS))
            if self._iterates is not None:
                self._mark_dots(pen, lines[:, 1:-1][:, self._iterates[first:last]], max(alpha, 1 / BANDS))
            spots.append(lines)
        return np.concatenate(spots, axis=1)


def _unbroken(lines: FloatArray) -> tuple[FloatArray, BoolArray | None]:
    """Lines (starts, n, 2) without NaN, and which of their segments (starts, n − 1) had none; None for all."""
    finite = np.asarray(np.isfinite(lines).all(-1))
    if finite.all():
        return lines, None
    lines = lines.copy()
    lines[~finite] = lines[finite][0] if finite.any() else 0.0
    return lines, finite[:, 1:] & finite[:, :-1]


def _runs(shown: BoolArray) -> list[tuple[int, int]]:
    """The runs of vertices, from and to, that shown segments join."""
    change = np.flatnonzero(np.diff(np.concatenate([[False], shown, [False]])))
    return [(int(first), int(last) + 1) for first, last in zip(change[::2], change[1::2], strict=True)]


def _seen(spots: FloatArray) -> BoolArray:
    """Tell which vertices of paths (starts, n, 2) are worth drawing, (n,): one a stretch that can be seen."""
    moves = np.nan_to_num(np.abs(np.diff(spots, axis=1)), nan=1.0).max(axis=(0, 2))
    stretch = np.floor(np.cumsum(moves) / HIDDEN)
    return np.append(True, np.diff(stretch, prepend=0.0) > 0)
