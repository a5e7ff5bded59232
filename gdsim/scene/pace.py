"""The steps that the frames of an animation show."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gdsim.config import Animation
from gdsim.objectives import FloatArray
from gdsim.scene.model import Group

LONGEST = 0.4
"""The longest move that counts in full, as a share of the side of a view: 240 pixels of 600."""

SHORTEST, STILL_SHARE = 0.005, 0.05
"""What every step takes at least: as much as a move of the first number, 3 pixels of 600, but of all the time of moves
at most the second number, so that the animation does not stand still once all have arrived."""

VISIBLE, FASTEST = 0.0016, 0.06
"""The shortest move that is seen, and the longest move per frame that is easy to follow: 1 and 36 pixels of 600."""

ACROSS = 1.5
"""The longest move that is shown at `FASTEST` at most, as a share of the side of a view; longer ones leave the view."""

FEW_STEPS = 40
"""With at most this number of visible steps, heads slow down at each iterate."""

OPENING, OPENING_SHARE = 0.7, 0.1
"""The time for which the first frame stands, in seconds, and its largest share of the animation."""


def frame_steps(groups: Sequence[Group], steps: int, animation: Animation) -> FloatArray:
    """Return the step, with a fraction, that each frame shows, (frames,).

    With the pace "distance" all optimizers share one clock, and a step takes time in proportion to the longest move
    that any path makes on screen, so that no head jumps and the animation does not stand still once all have arrived.
    If there are few steps, heads slow down at each iterate, so that the steps are felt.
    """
    count = max(2, round(animation.fps * animation.seconds))
    frames, last = np.arange(count), count - 1
    if animation.pace == "early":
        return np.asarray(frames**2 * steps / last**2)
    moves = _moves(groups, steps) if animation.pace == "distance" else np.zeros(steps)
    if not moves.any():
        return np.asarray(frames * steps / last)  # unlike linspace, exact at whole steps
    opening = int(min(OPENING * animation.fps, OPENING_SHARE * count))
    durations = np.minimum(moves, LONGEST)
    durations += min(SHORTEST, STILL_SHARE * durations.mean())
    durations *= (last - opening) / durations.sum()
    # Leaps get the frames that they need, if others can give them.
    durations = np.maximum(durations, np.minimum(moves, ACROSS) / FASTEST)
    durations *= (last - opening) / durations.sum()
    begins = opening + np.append(0.0, np.cumsum(durations))
    begins[-1] = last
    shown = np.interp(frames, begins, np.arange(steps + 1))
    if np.count_nonzero(moves >= VISIBLE) > FEW_STEPS:
        return np.asarray(shown)
    before = np.minimum(shown.astype(np.int64), steps - 1)
    speeds = np.maximum(moves / durations, VISIBLE)
    slowing = np.clip(np.minimum(1 - VISIBLE / speeds, FASTEST / speeds - 1), 0, 1)[before]
    return np.asarray(shown - slowing * np.sin(2 * np.pi * (shown - before)) / (2 * np.pi))


def _moves(groups: Sequence[Group], steps: int) -> FloatArray:
    """Return the longest move of any path in each step, (steps,), as a share of the side of its view."""
    longest = np.zeros(steps)
    for facet in (facet for group in groups for facet in group.facets):
        for path in facet.paths:
            iterates = path.points[path.times == np.floor(path.times), :, :2] / np.ptp(facet.limits, axis=1)
            moves = np.linalg.norm(np.nan_to_num(np.diff(iterates, axis=0)), axis=-1)
            drawn = np.arange(steps)[:, None] < path.ends
            longest = np.maximum(longest, np.where(drawn, moves, 0).max(1, initial=0))
    return longest
