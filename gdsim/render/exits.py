"""Exit marks, which show where and at which step paths leave the view."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from matplotlib.text import Text

from gdsim.objectives import FloatArray
from gdsim.render.canvas import Canvas
from gdsim.render.display_list import ExitMarks
from gdsim.render.layout import Box
from gdsim.render.viewport import Moment, Viewport
from gdsim.scene import FEW_STARTS, Exit, Facet, Path

OUTWARD = {"<": (-1.0, 0.0), ">": (1.0, 0.0), "v": (0.0, -1.0), "^": (0.0, 1.0), "X": (0.0, 0.0)}
"""The direction in which each marker points; a cross is for a path that ends within the view."""

WORDS_FROM = 16
"""The minimum width of a view that has text beside its exit marks, in ems."""


def exit_marks(canvas: Canvas, facet: Facet, viewport: Viewport, moment: Moment) -> list[ExitMarks]:
    """Return the exit marks of a view, with text that is placed within the border and without overlaps if possible.

    If the camera turns, there is no text, because moving text is hard to read. Marks without text are one primitive per
    path and marker.
    """
    em, leaving = canvas.em, [path for path in facet.paths if path.exits]
    placed = [(path, *_places(path, viewport, em, moment)) for path in leaving]
    worded = leaving and not viewport.turning and viewport.box.width > WORDS_FROM * em
    crowd = points_along_paths(facet, viewport, moment) if worded else np.empty((0, 2))
    around = 0.6 * em * np.array([[-1.0, -1.0], [1.0, 1.0]])
    taken = [box for _, _, points in placed for box in points[:, None] + around] if worded else []
    found = []
    for path, markers, points in placed:
        if not worded or path.points.shape[1] > FEW_STARTS:
            for marker in np.unique(markers):
                found.append(_marks(canvas, path, points, str(marker), np.flatnonzero(markers == marker)))
            continue
        for i, (exit_, marker) in enumerate(zip(path.exits, markers.tolist(), strict=True)):
            marks = _marks(canvas, path, points, marker, np.array([i]))
            text = _text(canvas, path, exit_, named=len(facet.paths) > 1)
            words = _place(canvas, text, points[i], marker, viewport.box, np.array(taken), crowd)
            taken.append(words)
            extent = np.concatenate([marks.extent, words])
            found.append(replace(marks, text=text, extent=np.stack([extent.min(0), extent.max(0)])))
    return found


def _places(path: Path, viewport: Viewport, em: float, moment: Moment) -> tuple[npt.NDArray[np.str_], FloatArray]:
    """Return the markers of a path's exits, (n,), and their positions just inside the view, (n, 2)."""
    crossings = viewport.pixels(np.array([exit_.point for exit_ in path.exits]), moment)
    markers = viewport.exit_markers(crossings)
    return markers, crossings - np.array([OUTWARD[marker] for marker in markers.tolist()]) * 0.45 * em


def _marks(
    canvas: Canvas,
    path: Path,
    points: FloatArray,
    marker: str,
    chosen: npt.NDArray[np.intp],
) -> ExitMarks:
    """Return the marks of chosen exits of a path, all with the same marker and without text."""
    times = np.array([path.exits[i].time for i in chosen])
    order, size = np.argsort(times, kind="stable"), 0.95 * canvas.em
    places, reach = points[chosen][order], 0.6 * canvas.em
    return ExitMarks(
        optimizer=canvas.scene.styles.index(path.style),
        times=times[order],
        points=places,
        marker=marker,
        size=size,
        color=path.style.color,
        casing=canvas.theme.casing,
        edge=0.14 * size,
        text=None,
        extent=np.stack([places.min(0) - reach, places.max(0) + reach]),
    )


def _text(canvas: Canvas, path: Path, exit_: Exit, *, named: bool) -> Text:
    words = f"{canvas.shortened(path.style.label, 1.0, 9 * canvas.em)} {exit_.words}" if named else exit_.words
    box = {
        "boxstyle": "round,pad=0.25",
        "facecolor": canvas.theme.page,
        "edgecolor": path.style.color,
        "linewidth": 0.9,
    }
    return canvas.text(0, 0, words, loose=True, ha="center", va="center", bbox=box)


def points_along_paths(facet: Facet, viewport: Viewport, moment: Moment) -> FloatArray:
    """Return closely spaced points along the paths with few starts, (n, 2), in pixels."""
    points = [np.empty((0, 2))]
    for path in facet.paths:
        for start in range(path.points.shape[1] if path.points.shape[1] <= FEW_STARTS else 0):
            pixels = viewport.pixels(path.points[path.times <= path.ends[start], start], moment)
            shares = np.linspace(0, 1, 12, endpoint=False)[:, None, None]
            points.append((pixels[:-1] + shares * np.diff(pixels, axis=0)).reshape(-1, 2))
    return np.concatenate(points)


def _place(
    canvas: Canvas, text: Text, place: FloatArray, marker: str, view: Box, taken: FloatArray, crowd: FloatArray
) -> FloatArray:
    """Place text beside a mark, clear of the boxes `taken`, (n, 2, 2), and of most points `crowd`, (n, 2).

    Returns:
        (2, 2) the lower left and the upper right corner of the text.
    """
    em = canvas.em
    size = text.get_window_extent(canvas.agg.get_renderer())
    half = np.array([size.width, size.height]) / 2 + 0.45 * em
    inward = np.array([0.0, -1.0]) if marker == "X" else -np.array(OUTWARD[marker])
    along = np.abs(inward[::-1])
    # There is more room towards the middle of the view than towards a corner.
    middle = np.array([view.x + view.width / 2, view.y + view.height / 2])
    ahead = along * (np.sign((middle - place) @ along) or 1.0)
    low = np.array([view.x, view.y]) + half
    high = np.array([view.right, view.top]) - half
    # Try both sides of the mark first, then rows further inward.
    places = [
        np.clip(place + inward * row * 2 * half + ahead * way * (half + 0.7 * em), low, high)
        for row in (0.0, 1.0, 2.0, 3.0, 4.0)
        for way in (1.0, -1.0, 2.2, -2.2)
    ]
    under, over = taken[:, 0] - half, taken[:, 1] + half
    free = [each for each in places if not ((each >= under) & (each <= over)).all(1).any()]
    chosen = min(free or places, key=lambda each: int((np.abs(crowd - each) < half).all(-1).sum()))
    text.set_position(tuple(chosen / canvas.size))
    return np.stack([chosen - half, chosen + half])
