"""The notes at the border of the view: where a path left it, and at which step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.markers import MarkerStyle
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from gdsim.objectives import FloatArray
from gdsim.render.layout import Box
from gdsim.render.still import Still
from gdsim.render.trail import Pen
from gdsim.render.window import Moment, Window
from gdsim.scene import FEW_STARTS, Exit, Facet, Path

__all__ = ["Note", "take_notes"]

OUTWARD = {"<": (-1.0, 0.0), ">": (1.0, 0.0), "v": (0.0, -1.0), "^": (0.0, 1.0), "X": (0.0, 0.0)}
"""Which way a mark points; the cross stands where a path breaks off within the view."""


@dataclass(frozen=True, eq=False)
class Note:
    """A wedge on the border where a path leaves for good, and its words.

    Args:
        time: When it appears, in steps.
        spot: (1, 2) the wedge's place in pixels.
        shape: The wedge, pointing outward.
        size: The wedge's size in pixels.
        color: The path's colour.
        casing: The colour of the wedge's border.
        text: The words, or None where an optimizer has so many starts that words would cover the view.
        extent: What wedge and words cover, in pixels.
    """

    time: float
    spot: FloatArray
    shape: MarkerStyle
    size: float
    color: str
    casing: str
    text: Text | None
    extent: Bbox

    def draw(self, pen: Pen) -> None:
        """Draw the note."""
        pen.mark(self.spot, self.shape, self.size, self.color, self.casing, 0.14 * self.size)
        if self.text is not None:
            self.text.draw(pen.renderer)


def take_notes(facet: Facet, window: Window, still: Still, renderer: RendererAgg, moment: Moment) -> list[Note]:
    """Place the notes of a facet so that no two overlap and none is cut by the border.

    Where the camera turns there are wedges alone: words that wander would be hard to read.
    """
    leaving = [(path, exit_) for path in facet.paths for exit_ in path.exits]
    wedges = [_Wedge(window, exit_, still.em, moment) for _, exit_ in leaving]
    taken = [wedge.extent for wedge in wedges]
    worded = leaving and not window.turning and window.box.width > 16 * still.em
    busy = _busy(facet, window, moment) if worded else np.empty((0, 2))
    notes = []
    for (path, exit_), wedge in zip(leaving, wedges, strict=True):
        text, extent = None, wedge.extent
        if worded and path.points.shape[1] <= FEW_STARTS:
            text = _words(still, path, exit_, named=len(facet.paths) > 1)
            words = _place(text, wedge, still, window.box, renderer, taken, busy)
            taken.append(words)
            extent = Bbox.union([extent, words])
        size = 0.95 * still.em
        shape, casing = MarkerStyle(wedge.shape), still.theme.casing
        notes.append(Note(exit_.time, wedge.spot[None], shape, size, path.style.color, casing, text, extent))
    return notes


class _Wedge:
    """Where the wedge of an exit stands: just within the side of the view that the path crosses."""

    def __init__(self, window: Window, exit_: Exit, em: float, moment: Moment) -> None:
        crossing = window.pixels(np.array([exit_.point]), moment)[0]
        self.shape = "X" if window.relief is not None else _side(crossing, window.box)
        self.outward = np.array(OUTWARD[self.shape])
        self.spot = crossing - self.outward * 0.45 * em
        self.extent = Bbox([self.spot - 0.6 * em, self.spot + 0.6 * em])


def _words(still: Still, path: Path, exit_: Exit, *, named: bool) -> Text:
    words = f"{still.shortened(path.style.label, 1.0, 9 * still.em)} {exit_.words}" if named else exit_.words
    box = {"boxstyle": "round,pad=0.25", "facecolor": still.theme.page, "edgecolor": path.style.color, "linewidth": 0.9}
    return still.text(0, 0, words, loose=True, ha="center", va="center", bbox=box)


def _busy(facet: Facet, window: Window, moment: Moment) -> FloatArray:
    """Spots along the paths of few starts, (n, 2) in pixels, close enough to tell what words would cover."""
    spots = [np.empty((0, 2))]
    for path in facet.paths:
        for start in range(path.points.shape[1] if path.points.shape[1] <= FEW_STARTS else 0):
            pixels = window.pixels(path.points[path.times <= path.ends[start], start], moment)
            shares = np.linspace(0, 1, 12, endpoint=False)[:, None, None]
            spots.append((pixels[:-1] + shares * np.diff(pixels, axis=0)).reshape(-1, 2))
    return np.concatenate(spots)


def _side(crossing: FloatArray, view: Box) -> str:
    """Which side of the view a crossing lies on, by the letter of the wedge that points out of it; a cross within."""
    gaps = {
        "<": abs(crossing[0] - view.x),
        ">": abs(crossing[0] - view.right),
        "v": abs(crossing[1] - view.y),
        "^": abs(crossing[1] - view.top),
    }
    nearest = min(gaps, key=lambda side: gaps[side])
    return nearest if gaps[nearest] < 1 else "X"


def _place(
    text: Text,
    wedge: _Wedge,
    still: Still,
    view: Box,
    renderer: RendererAgg,
    taken: list[Bbox],
    busy: FloatArray,
) -> Bbox:
    """Put words beside a wedge, within the view, clear of what is taken and, if it can be, of the paths."""
    em = still.em
    size = text.get_window_extent(renderer)
    half = np.array([size.width, size.height]) / 2 + 0.45 * em
    inward = -wedge.outward if wedge.outward.any() else np.array([0.0, -1.0])
    along = np.abs(inward[::-1])
    # Towards the middle of the view there is more room than towards a corner.
    ahead = along * (
        np.sign((np.array([view.x + view.width / 2, view.y + view.height / 2]) - wedge.spot) @ along) or 1.0
    )
    low = np.array([view.x, view.y]) + half
    high = np.array([view.right, view.top]) - half
    # Beside the wedge first, on either side; then a row further in, and so on, so that many still find a place.
    places = [
        np.clip(wedge.spot + inward * row * 2 * half + ahead * side * (half + 0.7 * em), low, high)
        for row in (0.0, 1.0, 2.0, 3.0, 4.0)
        for side in (1.0, -1.0, 2.2, -2.2)
    ]
    free = [place for place in places if not any(Bbox([place - half, place + half]).overlaps(box) for box in taken)]
    middle = min(free or places, key=lambda place: int((np.abs(busy - place) < half).all(-1).sum()))
    text.set_position(tuple(middle / still.size))
    return Bbox([middle - half, middle + half])
