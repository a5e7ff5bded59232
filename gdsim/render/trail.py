"""Trails: the paths of one optimizer in one viewport, in pixels, and where they are at a time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from gdsim.objectives import FloatArray

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

    Attributes:
        casing: The color of the border around path, heads and dots.
        casing_width: The width of the path's border; 0 for many paths, whose borders would cut each other.
        dash: On and off lengths in units of the width; empty for a solid line.
        marker: The head's shape, a matplotlib letter.
        dot_size: The diameter of the dot on each iterate; 0 for none.
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


class Stretch(NamedTuple):
    """The paths of a trail between two times.

    Attributes:
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


class _Vertices(NamedTuple):
    """The places of a trail that are drawn: their times (m,), (starts, m, 2) where they are, (starts, m) if hidden."""

    times: FloatArray
    lines: FloatArray
    hidden: BoolArray | None
    dash_offsets: FloatArray


@dataclass(frozen=True, eq=False)
class Trail:
    """The paths of one optimizer in one viewport, which grow with time.

    Attributes:
        optimizer: The optimizer's index in `Scene.styles`.
        times: (n,) when each place is reached, in steps; whole numbers are iterates.
        points: (n, starts, 2) the places in pixels; where one is NaN, the path is broken.
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
    def _drawn(self) -> _Vertices:
        chosen, style = np.flatnonzero(self._distinct(INVISIBLE)), self.style
        lines = np.ascontiguousarray(self.points.transpose(1, 0, 2)[:, chosen])
        offsets = np.zeros(lines.shape[:2])
        if style.dash:
            lengths = np.nan_to_num(np.linalg.norm(np.diff(lines, axis=1), axis=-1))
            offsets[:, 1:] = np.cumsum(lengths, axis=1) % (sum(style.dash) * style.width)
        return _Vertices(self.times[chosen], lines, None if self.hidden is None else self.hidden[chosen].T, offsets)

    @cached_property
    def commit_times(self) -> FloatArray:
        """The times at which one stretch after the other is drawn for good, ascending; none where a trail fades."""
        if self.fade is not None:
            return np.empty(0)
        times = self._drawn.times
        chunk = max(min(32, max(4, CHUNK // self.points.shape[1])), len(times) // self.frames)
        return times[chunk::chunk]

    @property
    def overlap(self) -> int:
        """How many vertices before the last commit are drawn again in the path's color."""
        return OVERLAP if self.style.casing_width else 0

    @property
    def fade_bands(self) -> tuple[tuple[float, float, float], ...]:
        """The bands of a fading trail, the faintest first: from how many steps ago, to how many, and the opacity."""
        fade, alpha = self.fade or 0, self.style.alpha
        return tuple(
            (fade * band / FADE_BANDS, fade * (band - 1) / FADE_BANDS, alpha * (FADE_BANDS + 1 - band) / FADE_BANDS)
            for band in range(FADE_BANDS if self.fade is not None else 0, 0, -1)
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
        """Return where the heads are at a time, (starts, 2)."""
        return interpolated(self.points, self.times, time)

    def hidden_at(self, time: float) -> BoolArray:
        """Return which of the heads are hidden at a time, (starts,): on a segment, those whose segment is."""
        times, _, hidden, _ = self._drawn
        if hidden is None:
            return np.zeros(self.points.shape[1], np.bool_)
        before = int(np.searchsorted(times, time, side="right")) - 1
        after = before if times[before] == time else min(before + 1, len(times) - 1)
        return np.asarray(hidden[:, before] | hidden[:, after])

    def before(self, time: float, vertices: int) -> tuple[float, int]:
        """Return the time of the vertex some vertices before a commit time, and how many there really are between."""
        index = int(np.searchsorted(self._drawn.times, time))
        back = max(index - vertices, 0)
        return float(self._drawn.times[back]), index - back

    def stretch(self, begin: float, end: float) -> Stretch:
        """Return the paths from the place reached at one time to that reached at another."""
        times, drawn, covered, offsets = self._drawn
        first, last = (int(np.searchsorted(times, time, side="right")) for time in (begin, end))
        tail, head = self.at(begin), self.at(end)
        lines, visible = _without_gaps(np.concatenate([tail[:, None], drawn[:, first:last], head[:, None]], axis=1))
        hidden = None
        if covered is not None:
            ends = covered[:, first - 1 : last + 1]
            ends = np.concatenate([ends, ends[:, -1:]], 1)[:, : lines.shape[1]]
            segments = ends[:, 1:] | ends[:, :-1]
            hidden = segments if visible is None else visible & segments
            visible = ~segments if visible is None else visible & ~segments
        offsets = offsets[:, first - 1 : last]
        if self.style.dash:
            offsets = offsets.copy()
            offsets[:, 0] += np.nan_to_num(np.linalg.norm(tail - drawn[:, first - 1], axis=-1))
        return Stretch(lines, visible, hidden, offsets, self._dots(begin, end) if self.style.dot_size else None)

    def _dots(self, begin: float, end: float) -> FloatArray:
        times, lines, hidden, _ = self._drawn
        first, last = np.searchsorted(times, (begin, end))
        chosen = first + np.flatnonzero(times[first:last] == np.floor(times[first:last]))
        points = lines[:, chosen]
        return points.reshape(-1, 2) if hidden is None else points[~hidden[:, chosen]]


def interpolated(rows: FloatArray, times: FloatArray, time: float) -> FloatArray:
    """Return rows, (n, …), of ascending times, (n,), at one time, interpolated linearly between the two nearest."""
    before = max(int(np.searchsorted(times, time, side="right")) - 1, 0)
    after = min(before + 1, len(times) - 1)
    gap = times[after] - times[before]
    share = (time - times[before]) / gap if gap else 0.0
    return np.asarray(rows[before] + share * (rows[after] - rows[before]) if share else rows[before])


def settled(rows: Rows, times: FloatArray, ends: npt.NDArray[np.int64]) -> Rows:
    """Return rows, (n, starts, …), of times, (n,), constant for each start from its end, (starts,), on."""
    last = np.minimum(np.searchsorted(times, ends), len(times) - 1)
    past = np.arange(len(times))[:, None] > last
    return np.where(past.reshape(*past.shape, *[1] * (rows.ndim - 2)), rows[last, np.arange(len(last))], rows)


def _without_gaps(lines: FloatArray) -> tuple[FloatArray, BoolArray | None]:
    """Lines (starts, n, 2) with some number for NaN, and which segments (starts, n − 1) had none; None for all."""
    finite = np.asarray(np.isfinite(lines).all(-1))
    if finite.all():
        return lines, None
    lines = np.where(finite[..., None], lines, lines[finite][0] if finite.any() else 0.0)
    return lines, finite[:, 1:] & finite[:, :-1]
