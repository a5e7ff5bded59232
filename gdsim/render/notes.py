"""The words that change: the step counter, and the notes where a path leaves the view."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.markers import MarkerStyle
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from gdsim.render.layout import Box
from gdsim.render.still import Still
from gdsim.render.trail import Pen
from gdsim.scene import FEW_STARTS, Exit, FloatArray, Path, Scene

__all__ = ["Counter", "Note", "take_notes"]

OUTWARD = {"<": (-1.0, 0.0), ">": (1.0, 0.0), "v": (0.0, -1.0), "^": (0.0, 1.0)}


class Counter:
    """The step counter, above the view's right corner, or in that corner where there is no title.

    Args:
        scene: Gives the number of steps.
        still: Gives the place.
        renderer: Measures the words.
    """

    def __init__(self, scene: Scene, still: Still, renderer: RendererAgg) -> None:
        em, view, title = still.layout.em, still.layout.view, still.layout.title
        x, y = (view.right, title.y + em) if title else (view.right - 0.5 * em, view.top - 1.3 * em)
        self._steps = scene.steps
        self._text = still.text(x, y, "", loose=True, color=still.theme.quiet, ha="right", va="baseline")
        self._text.set_text(self._words(scene.steps))
        self._extent = self._text.get_window_extent(renderer).get_points()

    def draw(self, renderer: RendererBase, time: float) -> FloatArray:
        """Draw the counter at a time and return the corners of what it covers."""
        self._text.set_text(self._words(int(time)))
        self._text.draw(renderer)
        return self._extent

    def _words(self, step: int) -> str:
        return f"step {step} / {self._steps}"


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


def take_notes(scene: Scene, still: Still, renderer: RendererAgg) -> tuple[Note, ...]:
    """Place the notes of a scene so that no two overlap and none is cut by the border."""
    taken: list[Bbox] = []
    notes = []
    for path in scene.paths:
        for exit_ in path.exits:
            note = _note(scene, still, renderer, path, exit_, taken)
            taken.append(note.extent)
            notes.append(note)
    return tuple(notes)


def _note(
    scene: Scene, still: Still, renderer: RendererAgg, path: Path, exit_: Exit, taken: list[Bbox]
) -> Note:
    em, view = still.layout.em, still.layout.view
    crossing = still.main.transData.transform(exit_.point)
    shape = _side(crossing, view)
    outward = np.array(OUTWARD[shape])
    spot = crossing - outward * 0.45 * em
    covered = Bbox.from_bounds(*(spot - 0.6 * em), 1.2 * em, 1.2 * em)
    text = None
    if path.points.shape[1] <= FEW_STARTS and view.width > 16 * em:
        text = still.text(
            0,
            0,
            f"left at step {exit_.step}",
            loose=True,
            color=still.theme.text,
            ha="center",
            va="center",
            bbox={
                "boxstyle": "round,pad=0.25",
                "facecolor": still.theme.page,
                "edgecolor": path.color,
                "linewidth": 0.9,
            },
        )
        came = exit_.point - path.points[exit_.step - 1, exit_.start]
        covered = Bbox.union([covered, _place(text, spot, outward, came, still, renderer, taken)])
    return Note(exit_.time, spot[None], MarkerStyle(shape), 0.95 * em, path.color, still.theme.casing, text, covered)


def _side(crossing: FloatArray, view: Box) -> str:
    """Which side of the view a crossing lies on, by the letter of the wedge that points out of it."""
    gaps = {
        "<": abs(crossing[0] - view.x),
        ">": abs(crossing[0] - view.right),
        "v": abs(crossing[1] - view.y),
        "^": abs(crossing[1] - view.top),
    }
    return min(gaps, key=lambda side: gaps[side])


def _place(
    text: Text,
    spot: FloatArray,
    outward: FloatArray,
    came: FloatArray,
    still: Still,
    renderer: RendererAgg,
    taken: list[Bbox],
) -> Bbox:
    """Put words beside a wedge: ahead of where the path came from, within the view, clear of what is taken."""
    em, view = still.layout.em, still.layout.view
    size = text.get_window_extent(renderer)
    half = np.array([size.width, size.height]) / 2 + 0.45 * em
    along = np.abs(outward[::-1])
    ahead = along * (np.sign(came @ along) or 1.0)
    low = np.array([view.x, view.y]) + half
    high = np.array([view.right, view.top]) - half
    beside = spot - outward * (half - 0.45 * em)
    for away in (1.0, -1.0, 2.2, -2.2, 3.4, -3.4, 4.6, -4.6):
        middle = np.clip(beside + ahead * away * (half + 0.35 * em), low, high)
        extent = Bbox([middle - half, middle + half])
        if not any(extent.overlaps(other) for other in taken):
            break
    text.set_position(tuple(middle / still.size))
    return extent
