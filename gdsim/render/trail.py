"""Trails: the paths of one optimizer in one viewport, in pixels, and where they are at a time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from gdsim.objectives import FloatArray

__all__ = ["INVISIBLE", "Stretch", "Trail", "TrailStyle", "interpolated", "settled"]

INVISIBLE = 1 / 3
"""A vertex nearer than this to the last one drawn, in pixels, is not drawn."""

CHUNK = 200
"""About how many segments of an optimizer are redrawn for each frame before they are committed; at most 32 per path."""

OVERLAP = 12
"""How many committed vertices are redrawn in the path's color, so that the casing of new segments does not cut it."""

HIDDEN_ALPHA = 0.45
"""The opacity of what is seen through the surface that hides it."""

FADE_BANDS = 10
"""In how many bands of even opacity a trail fades."""

BoolArray = npt.NDArray[np.bool_]
Rows = TypeVar("Rows", FloatArray, BoolArray)


@dataclass(frozen=True)
class TrailStyle:
    """Colors and sizes of a trail and its heads; lengths in pixels.

    Args:
        color: The color of path and heads.
        casing: The color of the border around both.
        casing_width: The width of the path's border; 0 for many paths, whose borders would cut each other.
        width: The path's width.
        dash: On and off lengths in units of the width; empty for a solid line.
        marker: The head's shape, a matplotlib letter.
        head_size: The head's diameter.
        dot_size: The diameter of the dot on each iterate; 0 for none.
        alpha: The opacity, from 0 to 1.
        hidden_alpha: What the opacity is multiplied by where something hides the path.
    """

    color: str
    casing: str
    casing_width: float
    width: float
    dash: tuple[float, ...]
    marker: str
    head_size: float
    dot_size: float = 0.0
    alpha: float = 1.0
    hidden_alpha: float = HIDDEN_ALPHA

    @property
    def dash_lengths(self) -> tuple[float, ...]:
        """On and off lengths in pixels."""
        return tuple(part * self.width for part in self.dash)

    @property
    def head_edge(self) -> float:
        """The width of the border around a head."""
        return 0.12 * self.head_size

    @property
    def dot_edge(self) -> float:
        """The width of the border around a dot."""
        return self.dot_size / 6

    @property
    def hidden_width(self) -> float:
        """The width of the path where something hides it."""
        return 0.75 * self.width

    @property
    def reach(self) -> float:
        """How far beyond its vertices a path leaves color."""
        return max(self.width / 2 + self.casing_width, self.dot_size / 2 + self.dot_edge) + 2


@dataclass(frozen=True, eq=False)
class Stretch:
    """The paths of a trail between two times.

    Args:
        lines: (starts, n, 2) their vertices, none of them NaN.
        visible: (starts, n − 1) which segments are drawn and not hidden; None for all.
        hidden: (starts, n − 1) which segments are drawn as hidden; None for none.
        dash_offsets: (starts, n − 1) the length of each path, in pixels modulo its dashes, where a segment begins.
        dots: (dots, 2) the visible iterates before the end; None where iterates have no dots.
    """

    lines: FloatArray
    visible: BoolArray | None
    hidden: BoolArray | None
    dash_offsets: FloatArray
    dots: FloatArray | None


@dataclass(frozen=True, eq=False)
class Trail:
    """The paths of one optimizer in one viewport, which grow with time.

    Args:
        optimizer: The optimizer's index in `Scene.styles`.
        style: Colors and sizes.
        times: (n,) when each place is reached, in steps; whole numbers are iterates.
        points: (n, starts, 2) the places in pixels from the lower left corner; where one is NaN, the path is broken.
        hidden: (n, starts) where something hides the path; None for nowhere.
        fade: How many steps the path reaches back from its head; None for the whole path.
        frames: In how many frames the path is drawn; a frame should commit at most about one stretch.
        path: The index in `Facet.paths` of the path whose iterates these are; None for shadows, feet and panels.
    """

    optimizer: int
    style: TrailStyle
    times: FloatArray
    points: FloatArray
    hidden: BoolArray | None = None
    fade: int | None = None
    frames: int = 1
    path: int | None = None

    @cached_property
    def _drawn(self) -> npt.NDArray[np.intp]:
        return np.flatnonzero(self._distinct(INVISIBLE))

    @cached_property
    def _times(self) -> FloatArray:
        return self.times[self._drawn]

    @cached_property
    def _lines(self) -> FloatArray:
        """The vertices that are drawn, (starts, m, 2)."""
        return np.ascontiguousarray(self.points.transpose(1, 0, 2)[:, self._drawn])

    @cached_property
    def _iterates(self) -> BoolArray:
        return np.asarray(self._times == np.floor(self._times))

    @cached_property
    def _hidden(self) -> BoolArray | None:
        """Which of the vertices that are drawn are hidden, (starts, m)."""
        return None if self.hidden is None else self.hidden[self._drawn].T

    @cached_property
    def _dash_offsets(self) -> FloatArray:
        offsets = np.zeros(self._lines.shape[:2])
        if self.style.dash:
            lengths = np.nan_to_num(np.linalg.norm(np.diff(self._lines, axis=1), axis=-1))
            offsets[:, 1:] = np.cumsum(lengths, axis=1) % (sum(self.style.dash) * self.style.width)
        return offsets

    @cached_property
    def commit_times(self) -> FloatArray:
        """The times at which one stretch after the other is drawn for good, ascending; none where a trail fades."""
        if self.fade is not None:
            return np.empty(0)
        chunk = max(min(32, max(4, CHUNK // self.points.shape[1])), len(self._times) // self.frames)
        return self._times[chunk::chunk]

    @property
    def overlap(self) -> int:
        """How many vertices before the last commit are drawn again in the path's color."""
        return OVERLAP if self.style.casing_width else 0

    @property
    def fade_bands(self) -> tuple[tuple[float, float, float], ...]:
        """Of a fading trail, the bands from the faintest: from how many steps ago, to how many, and the opacity."""
        if self.fade is None:
            return ()
        return tuple(
            (
                self.fade * band / FADE_BANDS,
                self.fade * (band - 1) / FADE_BANDS,
                self.style.alpha * (FADE_BANDS + 1 - band) / FADE_BANDS,
            )
            for band in range(FADE_BANDS, 0, -1)
        )

    def vertices(self, apart: float = INVISIBLE) -> npt.NDArray[np.intp]:
        """Return the indices of the places needed to draw the trail, about one per `apart` pixels of its length.

        Interpolated in time between these, heads are nowhere farther than that from where they are.
        """
        chosen = self._distinct(apart)
        jumps = np.nan_to_num(np.abs(np.diff(self.points, axis=0)), nan=np.inf).max(axis=(1, 2)) > apart
        chosen[:-1] |= chosen[1:] & jumps
        chosen[-1] = True
        return np.flatnonzero(chosen)

    def _distinct(self, apart: float) -> BoolArray:
        """Which places to draw, (n,), when no two need to be nearer than some pixels."""
        moves = np.nan_to_num(np.abs(np.diff(self.points, axis=0)), nan=1.0).max(axis=(1, 2))
        chosen = np.append(True, np.diff(np.floor(np.cumsum(moves) / apart), prepend=0.0) > 0)
        if self.style.dot_size:
            chosen |= self.times == np.floor(self.times)
        if self.hidden is not None:
            chosen[1:] |= (self.hidden[1:] != self.hidden[:-1]).any(-1)
        return chosen

    def at(self, time: float) -> FloatArray:
        """Return where the heads are at a time, (starts, 2), interpolated between two places."""
        return interpolated(self.points, self.times, time)

    def hidden_at(self, time: float) -> BoolArray:
        """Return which of the heads are hidden at a time, (starts,)."""
        if self._hidden is None:
            return np.zeros(self.points.shape[1], np.bool_)
        before = int(np.searchsorted(self._times, time, side="right")) - 1
        # On a segment as the segment is.
        after = before if self._times[before] == time else min(before + 1, len(self._times) - 1)
        return np.asarray(self._hidden[:, before] | self._hidden[:, after])

    def before(self, time: float, vertices: int) -> tuple[float, int]:
        """Return the time of the vertex some vertices before a commit time, and how many there really are between."""
        index = int(np.searchsorted(self._times, time))
        back = max(index - vertices, 0)
        return float(self._times[back]), index - back

    def stretch(self, begin: float, end: float) -> Stretch:
        """Return the paths from the place reached at one time to that reached at another."""
        first, last = (int(np.searchsorted(self._times, time, side="right")) for time in (begin, end))
        tail, head = self.at(begin), self.at(end)
        vertices = np.concatenate([tail[:, None], self._lines[:, first:last], head[:, None]], axis=1)
        lines, visible = _without_gaps(vertices)
        hidden = None
        if self._hidden is not None:
            ends = self._hidden[:, first - 1 : last + 1]
            ends = np.concatenate([ends, ends[:, -1:]], 1)[:, : lines.shape[1]]
            covered = ends[:, 1:] | ends[:, :-1]
            hidden = covered if visible is None else visible & covered
            visible = ~covered if visible is None else visible & ~covered
        offsets = self._dash_offsets[:, first - 1 : last]
        if self.style.dash:
            offsets = offsets.copy()
            offsets[:, 0] += np.nan_to_num(np.linalg.norm(tail - self._lines[:, first - 1], axis=-1))
        return Stretch(lines, visible, hidden, offsets, self._dots(begin, end))

    def _dots(self, begin: float, end: float) -> FloatArray | None:
        if not self.style.dot_size:
            return None
        first, last = np.searchsorted(self._times, (begin, end))
        chosen = first + np.flatnonzero(self._iterates[first:last])
        points = self._lines[:, chosen]
        return points.reshape(-1, 2) if self._hidden is None else points[~self._hidden[:, chosen]]


def interpolated(rows: FloatArray, times: FloatArray, time: float) -> FloatArray:
    """Return rows, (n, …), of ascending times, (n,), at one time, interpolated linearly between the two nearest."""
    before = int(np.clip(np.searchsorted(times, time, side="right") - 1, 0, len(times) - 1))
    after = min(before + 1, len(times) - 1)
    gap = times[after] - times[before]
    share = (time - times[before]) / gap if gap else 0.0
    return np.asarray(rows[before] + share * (rows[after] - rows[before]) if share else rows[before])


def settled(rows: Rows, times: FloatArray, ends: npt.NDArray[np.int64]) -> Rows:
    """Return rows, (n, starts, …), of times, (n,), constant for each start from its end, (starts,), on."""
    last = np.minimum(np.searchsorted(times, ends), len(times) - 1)
    past = np.arange(len(times))[:, None] > last
    if not past.any():
        return rows
    return np.where(past.reshape(*past.shape, *[1] * (rows.ndim - 2)), rows[last, np.arange(len(last))], rows)


def _without_gaps(lines: FloatArray) -> tuple[FloatArray, BoolArray | None]:
    """Lines (starts, n, 2) with some number for NaN, and which segments (starts, n − 1) had none; None for all."""
    finite = np.asarray(np.isfinite(lines).all(-1))
    if finite.all():
        return lines, None
    lines = lines.copy()
    lines[~finite] = lines[finite][0] if finite.any() else 0.0
    return lines, finite[:, 1:] & finite[:, :-1]
