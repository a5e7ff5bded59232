"""Texts in views: the names of marks, and the notes where paths leave a view, where they cover least."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.text import Text

from gdsim.objectives import FloatArray, inside
from gdsim.render.canvas import SMALL, Canvas
from gdsim.render.display_list import START, EventMarks, Moment, Viewport
from gdsim.render.layout import Box
from gdsim.render.layout_search import BAR
from gdsim.scene.model import FEW_STARTS, Exit, Facet, Path, Style

# Lengths in ems.
WORDS_FROM = 16.0  # the minimum width of a view that has text beside its exit marks

# The directions from a mark in which its name may be placed, in order of preference.
SIDES = np.array([[1, 0], [-1, 0], [0, 1], [0, -1], [1, 1], [-1, 1], [1, -1], [-1, -1]])
# The direction in which each exit marker points; a cross is for a path that ends within the view.
OUTWARD = {"<": (-1.0, 0.0), ">": (1.0, 0.0), "v": (0.0, -1.0), "^": (0.0, 1.0), "X": (0.0, 0.0)}
AROUND = np.array([[-1.0, -1.0], [1.0, 1.0]])  # two opposite corners of a square around a point


def name_marks(facet: Facet, viewport: Viewport, labels: Iterable[FloatArray]) -> None:
    """Write the names of a view's marks within its border and with few overlaps; `labels` are corners, (2, 2)."""
    if not facet.marks:
        return
    canvas, em, places = viewport.canvas, viewport.canvas.em, np.array([mark.point for mark in facet.marks])
    crosses, crowd = viewport.pixels(places, START), _points_along_paths(facet, viewport, START)
    taken = [*labels, *(cross + 0.5 * em * AROUND for cross in crosses)]
    for index in np.flatnonzero(~viewport.hidden(places, START)).tolist():
        name = canvas.shortened(facet.marks[index].name, SMALL, viewport.box.width - em, middle=True)
        half = np.array([canvas.width_of(name, SMALL), 1.2 * em]) / 2
        beside = crosses[index] + SIDES * (half + 0.6 * em)
        x, y = middle = least_covered(beside, half + 0.2 * em, viewport.box, taken, crowd)
        taken.append(middle + half * AROUND)
        canvas.text(x, y, name, casing=canvas.theme.casing, ha="center", va="center_baseline")


def exit_marks(facet: Facet, viewport: Viewport, moment: Moment) -> list[EventMarks]:
    """Return the marks of the exits of a view, each with a note if there are few starts and there is room.

    If the camera turns, there are no notes, because moving text is hard to read. Marks without notes are one primitive
    per path and marker.
    """
    canvas, found, noted = viewport.canvas, list[EventMarks](), list[tuple[EventMarks, Exit]]()
    for path in (path for path in facet.paths if path.exits):
        markers, places = _exit_places(path, viewport, canvas.em, moment)
        if path.points.shape[1] <= FEW_STARTS and not viewport.turning and viewport.box.width > WORDS_FROM * canvas.em:
            each = zip(path.exits, markers.tolist(), strict=True)
            noted += [
                (_marks(canvas, path, places, marker, np.array([i])), exit_) for i, (exit_, marker) in enumerate(each)
            ]
        else:
            for marker in np.unique(markers):
                found.append(_marks(canvas, path, places, str(marker), np.flatnonzero(markers == marker)))
    return found + (_with_notes(facet, viewport, moment, noted) if noted else [])


def notes_above(facet: Facet) -> bool:
    """Return whether paths with notes leave a view at the top."""
    low, top = facet.limits[1].tolist()
    leaving = [exit_ for path in facet.paths if path.points.shape[1] <= FEW_STARTS for exit_ in path.exits]
    return any(exit_.point[1] > top - 1e-6 * (top - low) for exit_ in leaving)


def _with_notes(
    facet: Facet, viewport: Viewport, moment: Moment, noted: Sequence[tuple[EventMarks, Exit]]
) -> list[EventMarks]:
    """Return marks with the notes of their exits: the long ones if all have room, otherwise the short ones."""
    canvas, em, crowd = viewport.canvas, viewport.canvas.em, _points_along_paths(facet, viewport, moment)
    crowd = crowd[inside(crowd, viewport.bounds)]
    around = _surroundings(viewport) + [marks.points[0] + 0.5 * em * AROUND for marks, _ in noted]
    places = np.array([marks.points[0] for marks, _ in noted])
    outward = np.array([OUTWARD[marks.marker] for marks, _ in noted])
    for length, rows in ((0, 1), (1, 5)):
        halves = [np.array([canvas.width_of(exit_.words[length], SMALL) + 0.3 * em, em]) / 2 for _, exit_ in noted]
        spots = _spread_along_sides(places, outward, 2 * np.max(halves, axis=0) + 0.5 * em)
        taken, clear = list(around), True
        for place, spot, out, half in zip(places, spots, outward, halves, strict=True):
            beside = _beside_exit(canvas, viewport.box, place, spot, out, half, rows)
            middle = least_covered(beside, half + 0.2 * em, Box(0, 0, *canvas.size), taken, crowd)
            clear &= not covers(middle + half * AROUND, taken, crowd)
            taken.append(middle + half * AROUND)
        if clear:
            break
    found = []
    for (marks, exit_), own in zip(noted, taken[len(around) :], strict=True):
        x, y = own.mean(0).tolist()
        look: dict[str, Any] = {"color": marks.color, "casing": canvas.theme.casing, "ha": "center"}
        text = canvas.text(x, y, exit_.words[length], loose=True, va="center_baseline", **look)
        extent = np.concatenate([marks.extent, own])
        found.append(replace(marks, text=text, extent=np.stack([extent.min(0), extent.max(0)])))
    return found


def _surroundings(viewport: Viewport) -> list[FloatArray]:
    """Return the boxes, (2, 2), of what is around a view: the header, other parts, and the view's own tick labels."""
    canvas, em, layout = viewport.canvas, viewport.canvas.em, viewport.canvas.layout
    boxes = list(filter(None, (layout.legend, layout.key)))
    for group in layout.groups:
        boxes += [box for box in (*group.facets, *group.panels) if box != viewport.box]
        boxes += [box for box in (*group.names, group.name) if box]
        if group.color_bar:
            boxes.append(replace(group.color_bar, width=BAR * em, height=group.color_bar.height + 1.7 * em))
    axes, renderer = viewport.axes, canvas.agg.get_renderer()
    written = [*axes.get_xticklabels(), *axes.get_yticklabels(), axes.xaxis.label, axes.yaxis.label]
    written += [artist for artist in canvas.figure.artists if isinstance(artist, Text)]
    extents = [text.get_window_extent(renderer).get_points() for text in written if text.get_text()]
    return [np.array([[box.x, box.y], [box.right, box.top]]) for box in boxes] + extents


def _exit_places(path: Path, viewport: Viewport, em: float, moment: Moment) -> tuple[npt.NDArray[np.str_], FloatArray]:
    """Return the markers of a path's exits, (n,), and their positions just inside the view, (n, 2).

    A marker is a wedge at the nearest side, or a cross where a path ends within the view.
    """
    crossings = viewport.pixels(np.array([exit_.point for exit_ in path.exits]), moment)
    gaps = np.abs(crossings[:, [0, 0, 1, 1]] - viewport.bounds.ravel())
    markers = np.where(gaps.min(1) < 1, np.array(["<", ">", "v", "^"])[gaps.argmin(1)], "X")
    return markers, crossings - np.array([OUTWARD[marker] for marker in markers.tolist()]) * 0.45 * em


def _marks(canvas: Canvas, path: Path, places: FloatArray, marker: str, chosen: npt.NDArray[np.intp]) -> EventMarks:
    """Return the marks of chosen exits of a path, all with the same marker and without text."""
    times = np.array([path.exits[i].time for i in chosen])
    order = np.argsort(times, kind="stable")
    size, casing = 0.95 * canvas.em, canvas.theme.casing
    return event_marks(canvas, path.style, times[order], places[chosen][order], marker, size, casing)


def event_marks(
    canvas: Canvas, style: Style, times: FloatArray, places: FloatArray, marker: str, size: float, casing: str
) -> EventMarks:
    """Return markers of a size in the color of a style that appear at times, (n,), at places, (n, 2)."""
    return EventMarks(
        optimizer=canvas.scene.styles.index(style),
        times=times,
        points=places,
        marker=marker,
        size=size,
        color=style.color,
        casing=casing,
        edge=0.14 * size,
        extent=np.stack([places.min(0) - 0.6 * size, places.max(0) + 0.6 * size]),
    )


def _spread_along_sides(places: FloatArray, outward: FloatArray, apart: FloatArray) -> FloatArray:
    """Return places, (n, 2), moved as little as possible along the sides of a view to be (2,) apart on each."""
    found = places.copy()
    for side in np.unique(outward[outward.any(-1)], axis=0):
        chosen, axis = np.flatnonzero((outward == side).all(-1)), int(side[0] != 0)
        chosen = chosen[np.argsort(places[chosen, axis], kind="stable")]
        # The least squares fit of an ascending sequence to what is left of the places without the distances.
        steps = apart[axis] * np.arange(len(chosen))
        left = places[chosen, axis] - steps
        means = [[left[i : j + 1].mean() if i <= j else np.inf for j in range(len(left))] for i in range(len(left))]
        found[chosen, axis] = steps + [max(min(row[k:]) for row in means[: k + 1]) for k in range(len(left))]
    return found


def _beside_exit(
    canvas: Canvas, view: Box, place: FloatArray, spot: FloatArray, outward: FloatArray, half: FloatArray, rows: int
) -> list[FloatArray]:
    """Return the centers at which a note of half a size may be placed beside the mark of an exit, best first.

    Args:
        canvas: The picture.
        view: The view.
        place: The mark.
        spot: The point of the side of the view next to which the note is when it is outside.
        outward: The direction out of the view; 0 for a path that ends within it.
        half: Half the size of the note.
        rows: The number of rows of notes inside the view.
    """
    em, outside = canvas.em, list[FloatArray]()
    inward = -outward if outward.any() else np.array([0.0, -1.0])
    along = np.abs(inward[::-1])
    # There is more room towards the middle of the view than towards a corner.
    middle = np.array([view.x + view.width / 2, view.y + view.height / 2])
    ahead = along * (np.sign((middle - place) @ along) or 1.0)
    # What appears on a transparent page must be opaque, but the edges of letters are not.
    if outward.any() and canvas.page != "none" and (np.abs(spot - place) <= 2 * half + em).all():
        outside = [spot + outward * (half + 0.8 * em) + ahead * way * half for way in (0.0, 1.0, -1.0)]
    edge = half + 0.3 * em
    low, high = np.array([view.x, view.y]) + edge, np.array([view.right, view.top]) - edge
    return outside + [
        np.clip(place + inward * row * 2 * half + ahead * way * (half + 0.8 * em), low, high)
        for row in range(rows)
        for way in (1.0, -1.0)
    ]


def least_covered(
    centers: Iterable[FloatArray], half: FloatArray, view: Box, taken: Iterable[FloatArray], crowd: FloatArray
) -> FloatArray:
    """Return the center, within a view, at which text covers no boxes if possible, and then the fewest points.

    Args:
        centers: The preferred centers of the text, (2,), best first.
        half: (2,) half of the text's size.
        view: The view, in which the centers are moved.
        taken: Two opposite corners of each box, (2, 2).
        crowd: (m, 2) the points.
    """
    low, high = np.array([view.x, view.y]) + half, np.array([view.right, view.top]) - half
    boxes = np.array(list(taken)).reshape(-1, 2, 2)

    def covered(center: FloatArray) -> tuple[bool, int]:
        over = (center >= boxes[:, 0] - half) & (center <= boxes[:, 1] + half)
        across, up = (np.abs(crowd - center) < half).T
        return bool(over.all(-1).any()), int(np.count_nonzero(across & up))

    return min((np.clip(center, low, high) for center in centers), key=covered)


def covers(own: FloatArray, taken: Sequence[FloatArray], crowd: FloatArray) -> bool:
    """Return whether a box, (2, 2), covers one of some boxes or one of some points, (m, 2)."""
    low, high = own
    boxes = np.array(taken).reshape(-1, 2, 2)
    over = (low < boxes[:, 1]) & (boxes[:, 0] < high)
    across, up = ((crowd > low) & (crowd < high)).T
    return bool(over.all(-1).any() or (across & up).any())


def _points_along_paths(facet: Facet, viewport: Viewport, moment: Moment) -> FloatArray:
    """Return closely spaced points along the paths with few starts, (n, 2), in pixels."""
    found = [np.empty((0, 2))]
    for path in facet.paths:
        for start in range(path.points.shape[1] if path.points.shape[1] <= FEW_STARTS else 0):
            pixels = viewport.pixels(path.points[path.times <= path.ends[start], start], moment)
            found.append(points_between(pixels))
    return np.concatenate(found)


def points_between(pixels: FloatArray) -> FloatArray:
    """Return closely spaced points, (m, 2), along the segments between points, (n, 2)."""
    shares = np.linspace(0, 1, 12, endpoint=False)[:, None, None]
    return np.asarray((pixels[:-1] + shares * np.diff(pixels, axis=0)).reshape(-1, 2))
