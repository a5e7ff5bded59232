"""The notes at the border of the view: where a path left it, and at which step."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.markers import MarkerStyle
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from gdsim.objectives import FloatArray
from gdsim.render.canvas import Canvas
from gdsim.render.layout import Box
from gdsim.render.trail import Pen
from gdsim.render.viewport import Moment, Viewport
from gdsim.scene import FEW_STARTS, Exit, Facet, Path, Style

__all__ = ["Note", "busy", "take_notes"]

OUTWARD = {"<": (-1.0, 0.0), ">": (1.0, 0.0), "v": (0.0, -1.0), "^": (0.0, 1.0), "X": (0.0, 0.0)}
"""Which way a mark points; the cross stands where a path breaks off within the view."""


@dataclass(frozen=True, eq=False)
class Note:
    """Wedges where paths leave for good, and the words beside one that stands alone.

    Args:
        times: (n,) when each wedge appears, in steps, in order.
        spots: (n, 2) the wedges' places in pixels.
        shape: A wedge, pointing outward.
        size: The wedges' size in pixels.
        style: How their paths are drawn.
        casing: The colour of the wedges' border.
        text: The words, or None where an optimizer has so many starts that words would cover the view.
        extent: What wedges and words cover, in pixels.
    """

    times: FloatArray
    spots: FloatArray
    shape: MarkerStyle
    size: float
    style: Style
    casing: str
    text: Text | None
    extent: Bbox

    def draw(self, pen: Pen, time: float) -> FloatArray:
        """Draw what has appeared at a time, and return the spots around it."""
        count = int(np.searchsorted(self.times, time, side="right"))
        pen.mark(self.spots[:count], self.shape, self.size, self.style.color, self.casing, 0.14 * self.size)
        if self.text is None or not count:
            return self.spots[:count]
        self.text.draw(pen.renderer)
        return self.extent.get_points()


def take_notes(facet: Facet, viewport: Viewport, canvas: Canvas, renderer: RendererAgg, moment: Moment) -> list[Note]:
    """Place the notes of a facet so that no two overlap and none is cut by the border.

    Where the camera turns there are wedges alone: words that wander would be hard to read. Wedges without words are
    one note for each side of the view.
    """
    leaving = [(path, *_wedges(path, viewport, canvas.em, moment)) for path in facet.paths if path.exits]
    worded = leaving and not viewport.turning and viewport.box.width > 16 * canvas.em
    crowd = busy(facet, viewport, moment) if worded else np.empty((0, 2))
    around = 0.6 * canvas.em * np.array([[-1.0, -1.0], [1.0, 1.0]])
    taken = [box for _, _, spots in leaving for box in spots[:, None] + around] if worded else []
    notes = []
    for path, sides, spots in leaving:
        if not worded or path.points.shape[1] > FEW_STARTS:
            notes += [_note(path, canvas, spots, side, np.flatnonzero(sides == side)) for side in np.unique(sides)]
            continue
        for i, (exit_, side) in enumerate(zip(path.exits, sides.tolist(), strict=True)):
            note = _note(path, canvas, spots, side, np.array([i]))
            text = _words(canvas, path, exit_, named=len(facet.paths) > 1)
            words = _place(text, spots[i], side, canvas, viewport.box, renderer, np.array(taken), crowd)
            taken.append(words.get_points())
            notes.append(replace(note, text=text, extent=Bbox.union([note.extent, words])))
    return notes


def _note(path: Path, canvas: Canvas, spots: FloatArray, side: str, chosen: npt.NDArray[np.intp]) -> Note:
    """The wedges of chosen exits of a path, all on one side, without words."""
    times = np.array([path.exits[i].time for i in chosen])
    order = np.argsort(times, kind="stable")
    spots, shape, casing = spots[chosen][order], MarkerStyle(side), canvas.theme.casing
    return Note(times[order], spots, shape, 0.95 * canvas.em, path.style, casing, None, _reach(spots, canvas.em))


def _reach(spots: FloatArray, em: float) -> Bbox:
    """What wedges on spots, (n, 2), cover."""
    return Bbox([spots.min(0) - 0.6 * em, spots.max(0) + 0.6 * em])


def _wedges(path: Path, viewport: Viewport, em: float, moment: Moment) -> tuple[npt.NDArray[np.str_], FloatArray]:
    """Which way the wedges of a path's exits point, (n,), and where they stand, just within the view, (n, 2)."""
    crossings = viewport.pixels(np.array([exit_.point for exit_ in path.exits]), moment)
    sides = np.full(len(crossings), "X") if viewport.relief is not None else _sides(crossings, viewport.box)
    return sides, crossings - np.array([OUTWARD[side] for side in sides.tolist()]) * 0.45 * em


def _words(canvas: Canvas, path: Path, exit_: Exit, *, named: bool) -> Text:
    words = f"{canvas.shortened(path.style.label, 1.0, 9 * canvas.em)} {exit_.words}" if named else exit_.words
    box = {
        "boxstyle": "round,pad=0.25",
        "facecolor": canvas.theme.page,
        "edgecolor": path.style.color,
        "linewidth": 0.9,
    }
    return canvas.text(0, 0, words, loose=True, ha="center", va="center", bbox=box)


def busy(facet: Facet, viewport: Viewport, moment: Moment) -> FloatArray:
    """Return spots along the paths of few starts, (n, 2) in pixels, close enough to tell what words would cover."""
    spots = [np.empty((0, 2))]
    for path in facet.paths:
        for start in range(path.points.shape[1] if path.points.shape[1] <= FEW_STARTS else 0):
            pixels = viewport.pixels(path.points[path.times <= path.ends[start], start], moment)
            shares = np.linspace(0, 1, 12, endpoint=False)[:, None, None]
            spots.append((pixels[:-1] + shares * np.diff(pixels, axis=0)).reshape(-1, 2))
    return np.concatenate(spots)


def _sides(crossings: FloatArray, view: Box) -> npt.NDArray[np.str_]:
    """Which side of the view crossings, (n, 2), lie on, by the letter of the wedge that points out; a cross within."""
    gaps = np.abs(crossings[:, [0, 0, 1, 1]] - [view.x, view.right, view.y, view.top])
    return np.where(gaps.min(1) < 1, np.array(["<", ">", "v", "^"])[gaps.argmin(1)], "X")


def _place(
    text: Text,
    spot: FloatArray,
    side: str,
    canvas: Canvas,
    view: Box,
    renderer: RendererAgg,
    taken: FloatArray,
    busy: FloatArray,
) -> Bbox:
    """Put words beside a wedge, within the view, clear of what is taken, (n, 2, 2), and if it can be of the paths."""
    em = canvas.em
    size = text.get_window_extent(renderer)
    half = np.array([size.width, size.height]) / 2 + 0.45 * em
    inward = np.array([0.0, -1.0]) if side == "X" else -np.array(OUTWARD[side])
    along = np.abs(inward[::-1])
    # Towards the middle of the view there is more room than towards a corner.
    ahead = along * (np.sign((np.array([view.x + view.width / 2, view.y + view.height / 2]) - spot) @ along) or 1.0)
    low = np.array([view.x, view.y]) + half
    high = np.array([view.right, view.top]) - half
    # Beside the wedge first, on either side; then a row further in, and so on, so that many still find a place.
    places = [
        np.clip(spot + inward * row * 2 * half + ahead * way * (half + 0.7 * em), low, high)
        for row in (0.0, 1.0, 2.0, 3.0, 4.0)
        for way in (1.0, -1.0, 2.2, -2.2)
    ]
    under, over = taken[:, 0] - half, taken[:, 1] + half
    free = [place for place in places if not ((place >= under) & (place <= over)).all(1).any()]
    middle = min(free or places, key=lambda place: int((np.abs(busy - place) < half).all(-1).sum()))
    text.set_position(tuple(middle / canvas.size))
    return Bbox([middle - half, middle + half])
