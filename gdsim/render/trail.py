"""Trails: the paths of one optimizer in one viewport, in pixels, as functions of time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from gdsim.objectives import FloatArray

INVISIBLE = 1 / 3  # the distance in pixels below which a vertex is not drawn separately from the previous one
CHUNK = 200  # about how many of an optimizer's segments are redrawn per frame before a commit, at most 20 per path
BANDS = 8  # the number of widths along a path that becomes wider towards its head
LONGEST = 240.0  # the length in pixels that counts of a segment where a path becomes wider; the rest may be out of view
APART, RECENT = 2.5, 12  # the minimum distance of a dot from the last dots of its path in diameters, and their number
STEP = 1.5  # the minimum length of a step that ends at a dot, in diameters: short steps would look like a row of beads
OVERLAP = 12  # committed vertices redrawn in the path's color, so that the casing of new segments does not cut it
GHOST = 0.4  # the opacity of what has faded of a trail, when it is complete
REST = 10  # the number of frames for which a head must not move by a pixel to become a ring
OPENING = 5  # the number of frames in which it does
FADE_BANDS = 10  # the number of bands of constant opacity in a fading trail

BoolArray = npt.NDArray[np.bool_]
Rows = TypeVar("Rows", FloatArray, BoolArray)


@dataclass(frozen=True)
class TrailStyle:
    """Colors and sizes of a trail and its heads; lengths in pixels.

    Attributes:
        casing: The color of the border around path, heads and dots.
        casing_width: The width of the path's border; 0 for no border.
        dash: On and off lengths in units of the width; empty for a solid line.
        taper: The width at the beginning of a path, as a fraction of `width`.
        marker: The head's matplotlib marker.
        dot_size: The diameter of the dots on iterates; 0 for none.
        hidden_alpha: The factor on the opacity where a surface hides the path.
    """

    color: str
    casing: str
    casing_width: float
    width: float
    dash: tuple[float, ...]
    marker: str
    head_size: float
    dot_size: float = 0.0
    taper: float = 1.0
    alpha: float = 1.0
    hidden_alpha: float = 0.45

    @cached_property
    def dash_lengths(self) -> tuple[float, ...]:
        """On and off lengths in pixels."""
        return tuple(part * self.width for part in self.dash)

    @cached_property
    def widths(self) -> tuple[float, ...]:
        """The width of each band of a path, from its beginning to its end."""
        shares = np.linspace(0.0, 1.0, BANDS)
        return tuple((self.width * (self.taper + (1 - self.taper) * shares)).tolist())

    @property
    def head_edge(self) -> float:
        """The width of the border around a head."""
        return 0.12 * self.head_size

    @property
    def ring_width(self) -> float:
        """The width of the line of a head that is a ring."""
        return 1.5 * self.head_edge  # as in trail.js

    @property
    def dot_edge(self) -> float:
        """The width of the border around a dot."""
        return self.dot_size / 6

    @property
    def hidden_width(self) -> float:
        """The width of the path where it is hidden."""
        return 0.75 * self.width

    @property
    def reach(self) -> float:
        """The maximum distance from its vertices at which a path changes pixels."""
        return max(self.width / 2 + self.casing_width, self.dot_size / 2 + self.dot_edge) + 3


class _Drawn(NamedTuple):
    """The vertices of a trail that are drawn.

    Attributes:
        times: (m,) the times.
        lines: (starts, m, 2) the positions.
        hidden: (starts, m) whether they are hidden.
        dash_offsets: (starts, m) the path's length up to there, in pixels modulo the dash pattern.
        bands: (starts, m) the index of the width after the vertex.
        dotted: (starts, m) whether they have a dot.
    """

    times: FloatArray
    lines: FloatArray
    hidden: BoolArray
    dash_offsets: FloatArray
    bands: npt.NDArray[np.uint8]
    dotted: BoolArray


class Stretch(NamedTuple):
    """The paths of a trail between two times.

    Attributes:
        lines: (starts, n, 2) the vertices.
        visible: (starts, n − 1) whether a segment is drawn and not hidden.
        hidden: (starts, n − 1) whether a segment is drawn as hidden; None if none is.
        dash_offsets: (starts, n − 1) the path's length at the start of a segment, in pixels modulo the dash pattern.
        bands: (starts, n − 1) the index in `TrailStyle.widths` of a segment's width.
        dots: (dots, 2) the visible dots before the end.
    """

    lines: FloatArray
    visible: BoolArray
    hidden: BoolArray | None
    dash_offsets: FloatArray
    bands: npt.NDArray[np.uint8]
    dots: FloatArray


@dataclass(frozen=True, eq=False)
class Trail:
    """The paths of one optimizer in one viewport, which grow with time.

    Attributes:
        optimizer: The optimizer's index in `Scene.styles`.
        times: (n,) the step at which each vertex is reached; whole numbers are iterates.
        points: (n, starts, 2) the vertices in pixels; NaN interrupts the path.
        hidden: (n, starts) whether a vertex is hidden; None if none is.
        fade: The length of the visible path behind its head, in steps; None for the whole path.
        frames: (frames,) the times of the frames; each should commit at most about one stretch. None if a camera turns.
        path: The path's index in `Facet.paths`; None for shadows, feet and panels.
        fan: (2,) where its heads are drawn relative to their place if they coincide with those of other trails.
    """

    optimizer: int
    style: TrailStyle
    times: FloatArray
    points: FloatArray
    hidden: BoolArray | None = None
    fade: int | None = None
    frames: FloatArray | None = None
    path: int | None = None
    fan: tuple[float, float] = (0.0, 0.0)

    @cached_property
    def _drawn(self) -> _Drawn:
        chosen, style = np.flatnonzero(self._distinct(INVISIBLE)), self.style
        lines = np.ascontiguousarray(self.points.transpose(1, 0, 2)[:, chosen])
        hidden = np.zeros(lines.shape[:2], np.bool_) if self.hidden is None else self.hidden[chosen].T
        offsets = np.zeros(lines.shape[:2])
        if style.dash:
            lengths = np.nan_to_num(np.linalg.norm(np.diff(lines, axis=1), axis=-1))
            offsets[:, 1:] = np.cumsum(lengths, axis=1) % (sum(style.dash) * style.width)
        return _Drawn(self.times[chosen], lines, hidden, offsets, self.bands[chosen].T, self.dotted[chosen].T)

    @property
    def even(self) -> bool:
        """Whether the path has the same width everywhere, except for what a fading trail makes of it."""
        return self.fade is not None or self.style.taper == 1

    @cached_property
    def bands(self) -> npt.NDArray[np.uint8]:
        """(n, starts) the index in `TrailStyle.widths` of the width after each vertex, by the length up to there."""
        last = BANDS - 1
        if self.even:
            return np.full(self.points.shape[:2], last, np.uint8)
        lengths = np.nan_to_num(np.linalg.norm(np.diff(self.points, axis=0), axis=-1)).clip(max=LONGEST)
        so_far = np.concatenate([np.zeros((1, self.points.shape[1])), np.cumsum(lengths, axis=0)])
        bands = np.floor(BANDS * so_far / np.maximum(so_far[-1], 1e-9))
        return np.asarray(np.minimum(bands, last), np.uint8)

    @cached_property
    def dotted(self) -> BoolArray:
        """(n, starts) which vertices have a dot: iterates after a long step that are not close to recent dots."""
        found, size = np.zeros(self.points.shape[:2], np.bool_), self.style.dot_size
        iterates = np.flatnonzero(self.times == np.floor(self.times))
        steps = np.linalg.norm(np.diff(self.points[iterates], axis=0), axis=-1)
        for start in range(self.points.shape[1] if size else 0):
            dots = [self.points[0, start].tolist()]
            for index in iterates[1:][steps[:, start] >= STEP * size].tolist():
                place = self.points[index, start].tolist()
                if all(math.dist(place, dot) >= APART * size for dot in dots[-RECENT:]):
                    found[index, start] = True
                    dots.append(place)
        return found

    @cached_property
    def commit_times(self) -> FloatArray:
        """The ascending times up to which successive stretches are drawn permanently; empty for a fading trail."""
        if self.fade is not None:
            return np.empty(0)
        times = self._drawn.times
        frames = 1 if self.frames is None else len(self.frames)
        chunk = max(min(20, max(4, CHUNK // self.points.shape[1])), len(times) // frames)
        commits, rests = times[chunk::chunk], np.count_nonzero(self.times > self.rest)
        # A path that has arrived is not drawn again.
        return np.append(commits, self.rest) if rests > len(self.times) // frames else commits

    @cached_property
    def rest(self) -> float:
        """The time from which the paths do not visibly grow."""
        return float(self.times[min(np.searchsorted(self.times, self._drawn.times[-1]) + 1, len(self.times) - 1)])

    @property
    def overlap(self) -> int:
        """The number of vertices before the last commit that are drawn again in the path's color.

        The edges of what is drawn again become bolder, which shows on the thin paths of many starts.
        """
        return max(OVERLAP // self.points.shape[1], 2) if self.style.casing_width else 0

    @property
    def fade_bands(self) -> tuple[tuple[float, float, float], ...]:
        """The bands of a fading trail, faintest first: the largest and smallest age in steps, and the opacity."""
        if self.fade is None:
            return ()
        step, alpha = self.fade, self.style.alpha
        return tuple(
            (step * band / FADE_BANDS, step * (band - 1) / FADE_BANDS, alpha * (FADE_BANDS + 1 - band) / FADE_BANDS)
            for band in range(FADE_BANDS, 0, -1)
        )

    def faded_at(self, time: float) -> float:
        """Return the time up to which a complete trail has faded; 0 before it is complete, and if it does not fade."""
        last = float(self.times[-1])
        return 0.0 if self.fade is None or time < last else max(last - self.fade, 0.0)

    def vertices(self, apart: float) -> npt.NDArray[np.intp]:
        """Return the indices of the vertices needed to draw the trail, about one per `apart` pixels of its length.

        Heads that are interpolated in time between these vertices are wrong by at most `apart` pixels.
        """
        chosen = self._distinct(apart)
        jumps = np.nan_to_num(np.abs(np.diff(self.points, axis=0)), nan=np.inf).max(axis=(1, 2)) > apart
        chosen[:-1] |= chosen[1:] & jumps
        chosen[-1] = True
        return np.flatnonzero(chosen)

    def _distinct(self, apart: float) -> BoolArray:
        moves = np.nan_to_num(np.abs(np.diff(self.points, axis=0)), nan=1.0).max(axis=(1, 2))
        chosen = np.append(True, np.diff(np.floor(np.cumsum(moves) / apart), prepend=0.0) > 0)
        chosen |= self.dotted.any(-1)
        if self.hidden is not None:
            chosen[1:] |= (self.hidden[1:] != self.hidden[:-1]).any(-1)
        return chosen

    def at(self, time: float) -> FloatArray:
        """Return the positions of the heads at a time, (starts, 2)."""
        return interpolated(self.points, self.times, time)

    @cached_property
    def openings(self) -> FloatArray | None:
        """(frames, starts) how far each head has become a ring, from 0 to 1; None if none ever does.

        A head of a path begins when it has not moved by a pixel for `REST` frames since the animation's opening, and
        is filled again as soon as it moves. At the end all are filled, because rings in a still look like starts.
        """
        if self.frames is None or self.path is None:
            return None
        places = np.array([self.at(time) for time in self.frames.tolist()])
        first = int(self.frames.searchsorted(self.times[0], side="right")) - 1
        still = np.ones(places.shape[:2], np.bool_)
        still[: first + REST] = False
        for back in range(1, REST + 1):
            still[back:] &= np.linalg.norm(places[back:] - places[:-back], axis=-1) < 1
        if not still.any():
            return None
        index = np.arange(len(still))[:, None]
        rested = index - np.maximum.accumulate(np.where(still, 0, index))
        return np.clip(np.minimum(rested, len(still) - 1 - index) / OPENING, 0.0, 1.0)

    def openings_at(self, time: float) -> FloatArray:
        """Return how far each head has become a ring at a time, (starts,)."""
        if self.openings is None or self.frames is None:
            return np.zeros(self.points.shape[1])
        # Times may be rounded.
        return np.asarray(self.openings[max(int(self.frames.searchsorted(time + 1e-6, side="right")) - 1, 0)])

    def hidden_at(self, time: float) -> BoolArray:
        """Return which heads are hidden at a time, (starts,): those on a segment with a hidden end."""
        if self.hidden is None:
            return np.zeros(self.points.shape[1], np.bool_)
        times, _, hidden, *_ = self._drawn
        before = int(times.searchsorted(time, side="right")) - 1
        after = before if times[before] == time else min(before + 1, len(times) - 1)
        return np.asarray(hidden[:, before] | hidden[:, after])

    def before(self, time: float, vertices: int) -> tuple[float, int]:
        """Return the time of the vertex up to `vertices` vertices before a commit time, and their actual number."""
        times = self._drawn.times
        index = int(times.searchsorted(time))
        back = max(index - vertices, 0)
        return float(times[back]), index - back

    def stretch(self, begin: float, end: float) -> Stretch:
        """Return the paths between two times."""
        times, drawn, covered, offsets, bands, dotted = self._drawn
        first, last = int(times.searchsorted(begin, side="right")), int(times.searchsorted(end, side="right"))
        tail, head = self.at(begin), self.at(end)
        lines = np.concatenate([tail[:, None], drawn[:, first:last], head[:, None]], axis=1)
        finite = np.isfinite(lines).all(-1)
        visible, hidden = finite[:, 1:] & finite[:, :-1], None
        if self.hidden is not None:
            ends = covered.take(np.arange(first - 1, last + 1), axis=1, mode="clip")
            hidden = visible & (ends[:, 1:] | ends[:, :-1])
            visible &= ~hidden
        offsets, bands = offsets[:, first - 1 : last], bands[:, first - 1 : last]
        if self.style.dash:
            offsets = offsets.copy()
            offsets[:, 0] += np.nan_to_num(np.linalg.norm(tail - drawn[:, first - 1], axis=-1))
        between = slice(*np.searchsorted(times, (begin, end)))
        dots = drawn[:, between][dotted[:, between] & ~covered[:, between]]
        return Stretch(lines, visible, hidden, offsets, bands, dots)


def interpolated(rows: FloatArray, times: FloatArray, time: float) -> FloatArray:
    """Interpolate rows, (n, …), at ascending times, (n,), linearly to one time."""
    before = max(int(times.searchsorted(time, side="right")) - 1, 0)
    after = min(before + 1, len(times) - 1)
    gap = times[after] - times[before]
    share = (time - times[before]) / gap if gap else 0.0
    return np.asarray(rows[before] + share * (rows[after] - rows[before]) if share else rows[before])


def settled(rows: Rows, times: FloatArray, ends: npt.NDArray[np.int64]) -> Rows:
    """Return rows, (n, starts, …), at times, (n,), held constant for each start after its end, (starts,)."""
    last = np.minimum(np.searchsorted(times, ends), len(times) - 1)
    past = np.arange(len(times))[:, None] > last
    return np.where(past.reshape(*past.shape, *[1] * (rows.ndim - 2)), rows[last, np.arange(len(last))], rows)
