"""What moves: paths that grow segment by segment on a kept picture, and the heads that ride on them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt
from matplotlib.backend_bases import GraphicsContextBase, RendererBase
from matplotlib.colors import to_rgba
from matplotlib.markers import MarkerStyle
from matplotlib.path import Path as Outline
from matplotlib.transforms import Bbox, Transform

from gdsim.objectives import FloatArray
from gdsim.render.canvas import points

__all__ = ["HIDDEN", "Ink", "Pen", "Rect", "Trail", "Vertices", "merged", "reached", "rect_around", "settled"]

HIDDEN = 1 / 3
"""A vertex that lies nearer than this to the last one kept, in pixels, is not seen and not drawn."""

CHUNK = 200
"""About how many segments of an optimizer are drawn anew for each frame before they are kept; at most 32 a path."""

OVERLAP = 12
"""How many kept vertices the colour of a path is drawn over again, so that a later casing does not cut it."""

VEILED = 0.45
"""How much of a path and its heads is seen through the surface that hides them."""

BANDS = 10
"""In how many shades a trail fades."""

Cap = Literal["butt", "round"]
BoolArray = npt.NDArray[np.bool_]
Rows = TypeVar("Rows", FloatArray, BoolArray)

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
            if not shown.any():
                return
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
        veil: How much of that is seen through what hides the path.
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
    veil: float = VEILED


@dataclass(frozen=True, eq=False)
class _Stretch:
    """The paths of an optimizer between two times.

    Args:
        lines: (starts, n, 2) their vertices, none of them NaN.
        plain: (starts, n − 1) which segments are in plain sight; None for all.
        veiled: (starts, n − 1) which are seen through what hides them; None for none.
        run: (starts, n − 1) how far each path has come in its dashes where a segment begins, in pixels.
        dots: (dots, 2) the iterates in plain sight, but for one at the very end; None where they have no dots.
    """

    lines: FloatArray
    plain: BoolArray | None
    veiled: BoolArray | None
    run: FloatArray
    dots: FloatArray | None


@dataclass(frozen=True, eq=False)
class Vertices:
    """The places of a trail from which its paths can be drawn as they stand at any time.

    Args:
        chosen: (n,) which of the path's places they are.
        times: (n,) when each is reached, in steps.
        spots: (starts, n, 2) in pixels from the lower left corner; where one is NaN, the path is broken.
        veiled: (starts, n) which of them are hidden; None for none.
        whole: (m,) the times at which one stretch after the other is kept; none where a trail fades.
    """

    chosen: npt.NDArray[np.intp]
    times: FloatArray
    spots: FloatArray
    veiled: BoolArray | None
    whole: FloatArray


class Trail:
    """The paths of one optimizer in one window, in pixels.

    Args:
        spots: (n, starts, 2) the path in pixels from the lower left corner; where one is NaN, the path is broken.
        times: (n,) when each is reached, in steps.
        ends: (starts,) the step at which each path ends.
        ink: How it is drawn.
        frames: In how many frames the path is drawn: a frame should keep no more than about one stretch.
        veiled: (n, starts) where something hides the path; nowhere when left out.
        fade: How many steps the path is seen back from its head; None for the whole path.

    Attributes:
        ink: How it is drawn.
        fade: How many steps the path is seen back from its head; None for the whole path.
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
        self.ink, self.fade, self._all_times = ink, fade, times
        self._spots = settled(np.clip(spots, -1e7, 1e7), times, ends)
        hidden = None if veiled is None else settled(veiled, times, ends)
        self._hidden = hidden if hidden is not None and hidden.any() else None
        drawn = np.flatnonzero(self._worth(HIDDEN))
        paths = self._spots.transpose(1, 0, 2)
        self._times, self._drawn = times[drawn], np.ascontiguousarray(paths[:, drawn])
        self._iterates = (times == np.floor(times))[drawn] if ink.dot else None
        self._veiled = None if self._hidden is None else self._hidden[drawn].T
        self._run = np.zeros(self._drawn.shape[:2])
        if ink.dash:
            moves = np.nan_to_num(np.linalg.norm(np.diff(self._drawn, axis=1), axis=-1))
            self._run[:, 1:] = np.cumsum(moves, axis=1) % (sum(ink.dash) * ink.width)
        self.chunk = max(min(32, max(4, CHUNK // len(paths))), len(self._times) // frames)
        self._kept = 0

    @property
    def room(self) -> float:
        """How far beyond its spots a trail leaves colour, in pixels."""
        ink = self.ink
        return max(ink.width / 2 + ink.border, 2 / 3 * ink.dot) + 2

    def whole(self, time: float) -> float | None:
        """Return the time up to which the next stretch can be kept, or None while that is not whole yet."""
        last = self._kept + self.chunk
        if self.fade is not None or last >= len(self._times) or self._times[last] > time:
            return None
        return float(self._times[last])

    def vertices(self, apart: float = HIDDEN) -> Vertices:
        """Return what the trail can be drawn from: one place in about so many pixels of the way.

        By time between two of these, heads are nowhere farther than that from where they are.
        """
        worth = self._worth(apart)
        stretches = np.flatnonzero(worth)[self.chunk :: self.chunk]
        leaps = np.nan_to_num(np.abs(np.diff(self._spots, axis=0)), nan=np.inf).max(axis=(1, 2)) > apart
        worth[:-1] |= worth[1:] & leaps
        worth[-1] = True
        chosen = np.flatnonzero(worth)
        return Vertices(
            chosen=chosen,
            times=self._all_times[chosen],
            spots=self._spots[chosen].transpose(1, 0, 2),
            veiled=None if self._hidden is None else self._hidden[chosen].T,
            whole=np.empty(0) if self.fade is not None else self._all_times[stretches],
        )

    def _worth(self, apart: float) -> BoolArray:
        """Tell which places are worth drawing, (n,), where no two need to be nearer than so many pixels."""
        worth = _seen(self._spots.transpose(1, 0, 2), apart)
        if self.ink.dot:
            worth |= self._all_times == np.floor(self._all_times)
        if self._hidden is not None:
            worth[1:] |= (self._hidden[1:] != self._hidden[:-1]).any(-1)
        return worth

    def keep(self, time: float) -> None:
        """Say that everything up to a time, as `whole` gave it, stands on the kept picture."""
        self._kept = int(np.searchsorted(self._times, time))

    def at(self, time: float) -> FloatArray:
        """Return where the heads are at a time, (starts, 2); between two places on the segment between them."""
        return reached(self._spots, self._all_times, time)

    def veiled_at(self, time: float) -> BoolArray:
        """Tell which of the heads are hidden at a time, (starts,)."""
        if self._veiled is None:
            return np.zeros(len(self._drawn), np.bool_)
        before = int(np.searchsorted(self._times, time, side="right")) - 1
        # On a segment as the segment is.
        after = before if self._times[before] == time else min(before + 1, len(self._times) - 1)
        return np.asarray(self._veiled[:, before] | self._veiled[:, after])

    def draw_path(self, pen: Pen, time: float) -> FloatArray:
        """Draw the path from where it is kept to the place reached at a time, and return the spots drawn."""
        if self.fade is not None:
            return self._draw_fading(pen, time, self.fade)
        ink, back = self.ink, max(self._kept - OVERLAP, 0) if self.ink.border else self._kept
        stretch, new = self._stretch(float(self._times[back]), time), self._kept - back
        self._draw_veiled(pen, stretch, ink.alpha, new)
        if ink.border:
            shown = None if stretch.plain is None else stretch.plain[:, new:]
            pen.stroke(stretch.lines[:, new:], ink.casing, ink.width + 2 * ink.border, "butt", shown=shown)
        self._draw_plain(pen, stretch, ink.alpha)
        return stretch.lines

    def draw_heads(self, pen: Pen, time: float) -> FloatArray:
        """Draw the heads where they are at a time, and return their spots."""
        heads, hidden, ink = self.at(time), self.veiled_at(time), self.ink
        for chosen, alpha in ((hidden, ink.alpha * ink.veil), (~hidden, ink.alpha)):
            if alpha and chosen.any():
                edge = 0.12 * ink.head
                pen.mark(heads[chosen], MarkerStyle(ink.marker), ink.head, ink.color, ink.casing, edge, alpha)
        return heads

    def _draw_fading(self, pen: Pen, time: float, fade: int) -> FloatArray:
        """Draw the last steps of the path in bands, each fainter than the one after it."""
        spots = [self.at(time)[:, None]]
        for band in range(BANDS, 0, -1):
            begin, end = (max(time - fade * age / BANDS, float(self._times[0])) for age in (band, band - 1))
            if begin < end:
                stretch, alpha = self._stretch(begin, end), self.ink.alpha * (BANDS + 1 - band) / BANDS
                self._draw_veiled(pen, stretch, alpha)
                self._draw_plain(pen, stretch, alpha)
                spots.append(stretch.lines)
        return np.concatenate(spots, axis=1)

    def _stretch(self, begin: float, end: float) -> _Stretch:
        """The path from the place reached at one time to that reached at another."""
        first, last = (int(np.searchsorted(self._times, time, side="right")) for time in (begin, end))
        tail, head = self.at(begin), self.at(end)
        lines, plain = _unbroken(np.concatenate([tail[:, None], self._drawn[:, first:last], head[:, None]], axis=1))
        veiled = None
        if self._veiled is not None:
            ends = self._veiled[:, first - 1 : last + 1]
            ends = np.concatenate([ends, ends[:, -1:]], 1)[:, : lines.shape[1]]
            hidden = ends[:, 1:] | ends[:, :-1]
            veiled = hidden if plain is None else plain & hidden
            plain = ~hidden if plain is None else plain & ~hidden
        run = self._run[:, first - 1 : last]
        if self.ink.dash:
            run = run.copy()
            run[:, 0] += np.nan_to_num(np.linalg.norm(tail - self._drawn[:, first - 1], axis=-1))
        return _Stretch(lines, plain, veiled, run, self._dots(begin, end))

    def _dots(self, begin: float, end: float) -> FloatArray | None:
        """The iterates from one time up to but not at another, (n, 2), but for those that are hidden."""
        if self._iterates is None:
            return None
        first, last = np.searchsorted(self._times, (begin, end))
        chosen = first + np.flatnonzero(self._iterates[first:last])
        spots = self._drawn[:, chosen]
        return spots.reshape(-1, 2) if self._veiled is None else spots[~self._veiled[:, chosen]]

    def _draw_plain(self, pen: Pen, stretch: _Stretch, alpha: float) -> None:
        """Draw what is in plain sight: the coloured line, and a dot on each iterate."""
        ink, lines = self.ink, stretch.lines
        if ink.dash:
            lengths = [points(part * ink.width) for part in ink.dash]
            for start, line in enumerate(lines):
                for first, last in [(0, len(line))] if stretch.plain is None else _runs(stretch.plain[start]):
                    dash = (points(float(stretch.run[start, first])), lengths)
                    pen.stroke(line[None, first:last], ink.color, ink.width, "butt", dash=dash, alpha=alpha)
        else:
            cap: Cap = "round" if alpha == 1 else "butt"
            pen.stroke(lines, ink.color, ink.width, cap, shown=stretch.plain, alpha=alpha)
        if stretch.dots is not None:
            pen.mark(stretch.dots, DOT, ink.dot, ink.color, ink.casing, ink.dot / 6, alpha)

    def _draw_veiled(self, pen: Pen, stretch: _Stretch, alpha: float, new: int = 0) -> None:
        """Draw what is hidden, faintly, from a vertex that is new on: drawn over once more it would be stronger."""
        ink = self.ink
        if ink.veil and stretch.veiled is not None:
            faint = alpha * ink.veil
            lines, shown = stretch.lines[:, new:], stretch.veiled[:, new:]
            pen.stroke(lines, ink.color, 0.75 * ink.width, "butt", shown=shown, alpha=faint)


def reached(rows: FloatArray, times: FloatArray, time: float) -> FloatArray:
    """Return what rows, (n, …), of some times, (n,), come to at a time: between two of them in proportion."""
    before = int(np.clip(np.searchsorted(times, time, side="right") - 1, 0, len(times) - 1))
    after = min(before + 1, len(times) - 1)
    gap = times[after] - times[before]
    share = (time - times[before]) / gap if gap else 0.0
    return np.asarray(rows[before] + share * (rows[after] - rows[before]) if share else rows[before])


def settled(rows: Rows, times: FloatArray, ends: npt.NDArray[np.int64]) -> Rows:
    """Return rows, (n, starts, …), of some times, (n,), that change no more once the end of each start is reached."""
    last = np.minimum(np.searchsorted(times, ends), len(times) - 1)
    past = np.arange(len(times))[:, None] > last
    if not past.any():
        return rows
    return np.where(past.reshape(*past.shape, *[1] * (rows.ndim - 2)), rows[last, np.arange(len(last))], rows)


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


def _seen(spots: FloatArray, apart: float) -> BoolArray:
    """Tell which vertices of paths (starts, n, 2) are worth drawing, (n,): one a stretch of so many pixels."""
    moves = np.nan_to_num(np.abs(np.diff(spots, axis=1)), nan=1.0).max(axis=(0, 2))
    stretch = np.floor(np.cumsum(moves) / apart)
    return np.append(True, np.diff(stretch, prepend=0.0) > 0)
