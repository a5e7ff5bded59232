"""What moves: paths that grow segment by segment on a kept picture, and the heads that ride on them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
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

__all__ = ["Pen", "Rect", "Trail", "merged", "rect_around"]

HIDDEN = 1 / 3
"""A vertex that lies nearer than this to the last one kept, in pixels, is not seen and not drawn."""

CHUNK = 200
"""About how many segments of an optimizer are drawn anew for each frame before they are kept; at most 32 a path."""

OVERLAP = 12
"""How many kept vertices the colour of a path is drawn over again, so that a later casing does not cut it."""

Cap = Literal["butt", "round"]

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
    _tools: dict[tuple[str, float, str], GraphicsContextBase] = field(default_factory=dict)

    def stroke(
        self,
        lines: FloatArray,
        color: str,
        width: float,
        cap: Cap,
        dash: tuple[float, list[float]] | None = None,
    ) -> None:
        """Stroke lines, (n, m, 2) in pixels, as one compound path; `dash` is an offset and lengths in points."""
        count, long = lines.shape[:2]
        codes = np.full((count, long), Outline.LINETO, Outline.code_type)
        codes[:, 0] = Outline.MOVETO
        outline = Outline(lines.reshape(-1, 2), codes.ravel())
        outline.should_simplify = False
        tool = self._tool(color, width, cap)
        tool.set_dashes(*dash or (0.0, None))
        self.renderer.draw_path(tool, outline, self.transform)

    def mark(
        self, spots: FloatArray, shape: MarkerStyle, size: float, color: str, edge: str, edge_width: float
    ) -> None:
        """Draw one filled shape at every spot, (n, 2) in pixels, as one compound path.

        All edges lie under all shapes: where spots crowd, an edge over its neighbour would rub it out.
        """
        outline = shape.get_path().transformed(shape.get_transform())
        vertices = np.asarray(outline.vertices, np.float64)
        codes = outline.codes
        if codes is None:
            codes = np.full(len(vertices), Outline.LINETO, Outline.code_type)
            codes[0] = Outline.MOVETO
        corners = (vertices * size + spots[:, None]).reshape(-1, 2)
        every = Outline(corners, np.tile(np.asarray(codes), len(spots)))
        self.renderer.draw_path(self._tool(edge, 2 * edge_width), every, self.transform, to_rgba(edge))
        self.renderer.draw_path(self._tool(color, 0.0), every, self.transform, to_rgba(color))

    def _tool(self, color: str, width: float, cap: Cap = "butt") -> GraphicsContextBase:
        """A graphics context, made once: making one costs as much as stroking a short line."""
        if (color, width, cap) not in self._tools:
            tool = self.renderer.new_gc()
            tool.set_foreground(color)
            tool.set_linewidth(points(width))
            tool.set_capstyle(cap)
            tool.set_joinstyle("round")
            tool.set_snap(False)
            tool.set_clip_rectangle(self.clip)
            self._tools[color, width, cap] = tool
        return self._tools[color, width, cap]


class Trail:
    """The paths of one optimizer in one set of axes, in pixels.

    Args:
        spots: (steps + 1, starts, 2) the path in pixels from the lower left corner.
        ends: (starts,) the step at which each path ends.
        color: The colour of path and heads.
        casing: The colour of the border around both.
        border: The width of the path's border in pixels; 0 where paths lie so dense that borders would cut them.
        width: The path's width in pixels.
        dash: On and off lengths in units of the width.
        marker: The head's shape.
        head: The head's diameter in pixels.
        dots: Whether each iterate has a dot.
        frames: In how many frames the path is drawn: a frame should keep no more than about one stretch.

    Attributes:
        chunk: How many vertices each path gains before they are kept.
    """

    def __init__(
        self,
        spots: FloatArray,
        ends: npt.NDArray[np.int64],
        *,
        color: str,
        casing: str,
        border: float,
        width: float,
        dash: tuple[float, ...],
        marker: str,
        head: float,
        dots: bool,
        frames: int,
    ) -> None:
        steps = np.arange(len(spots))
        # Far outside is as good as anywhere outside; a start without a value has no place at all.
        spots = np.clip(np.nan_to_num(spots, nan=-1e7), -1e7, 1e7)
        spots = np.where((steps[:, None] <= ends)[..., None], spots, spots[ends, np.arange(spots.shape[1])])
        self._spots = np.ascontiguousarray(spots.transpose(1, 0, 2))
        self._times = steps if dots else _seen(self._spots)
        self._drawn = self._spots[:, self._times]
        self._width, self._dash, self._dots = width, dash, dots
        self._color, self._casing = color, casing
        self._border = border
        self._shape, self._head = MarkerStyle(marker), head
        self._run = np.zeros(self._drawn.shape[:2])
        if dash:
            moves = np.linalg.norm(np.diff(self._drawn, axis=1), axis=-1)
            self._run[:, 1:] = np.cumsum(moves, axis=1) % (sum(dash) * width)
        self.chunk = max(min(32, max(4, CHUNK // len(self._spots))), len(self._times) // frames)
        self._kept = 0

    @property
    def room(self) -> float:
        """How far beyond its spots a trail leaves colour, in pixels."""
        return self._width + self._border + 2

    def whole(self, time: float) -> float | None:
        """Return the time up to which the next stretch can be kept, or None while that is not whole yet."""
        last = self._kept + self.chunk
        return float(self._times[last]) if last < len(self._times) and self._times[last] <= time else None

    def keep(self, time: float) -> None:
        """Say that everything up to a time, as `whole` gave it, stands on the kept picture."""
        self._kept = int(np.searchsorted(self._times, time))

    def _stretch(self, first: int, time: float) -> FloatArray:
        """The spots from a vertex to the place reached at a time, (starts, n, 2)."""
        last = int(np.searchsorted(self._times, time, side="right"))
        return np.concatenate([self._drawn[:, first:last], self.at(time)[:, None]], axis=1)

    def at(self, time: float) -> FloatArray:
        """Return where the heads are at a time, (starts, 2); between two iterates on the segment between them."""
        step = min(int(time), self._spots.shape[1] - 1)
        after = min(step + 1, self._spots.shape[1] - 1)
        here = self._spots[:, step]
        moved: FloatArray = here + (time - step) * (self._spots[:, after] - here)
        return moved

    def draw_path(self, pen: Pen, time: float) -> FloatArray:
        """Draw the path from where it is kept to the place reached at a time, and return the spots drawn."""
        if self._border:
            pen.stroke(self._stretch(self._kept, time), self._casing, self._width + 2 * self._border, "butt")
        back = max(self._kept - OVERLAP, 0) if self._border else self._kept
        colored = self._stretch(back, time)
        if self._dash:
            lengths = [points(part * self._width) for part in self._dash]
            for start, line in enumerate(colored):
                offset = points(float(self._run[start, back]))
                pen.stroke(line[None], self._color, self._width, "butt", (offset, lengths))
        else:
            pen.stroke(colored, self._color, self._width, "round")
        if self._dots:
            dots = colored[:, :-1].reshape(-1, 2)
            pen.mark(dots, DOT, 2.1 * self._width, self._color, self._casing, 0.35 * self._width)
        return colored

    def draw_heads(self, pen: Pen, time: float) -> FloatArray:
        """Draw the heads where they are at a time, and return their spots."""
        heads = self.at(time)
        pen.mark(heads, self._shape, self._head, self._color, self._casing, 0.12 * self._head)
        return heads


def _seen(spots: FloatArray) -> npt.NDArray[np.intp]:
    """Return the steps worth drawing of paths (starts, steps + 1, 2): one a stretch that can be seen."""
    moves = np.abs(np.diff(spots, axis=1)).max(axis=(0, 2))
    stretch = np.floor(np.cumsum(moves) / HIDDEN)
    return np.append(0, 1 + np.flatnonzero(np.diff(stretch, prepend=0.0)))
