"""The steps that the frames of an animation show."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gdsim.config import Animation
from gdsim.objectives import FloatArray
from gdsim.scene.model import Group

SHORTEST, LONGEST = 0.005, 0.4
"""What a step takes at least, and the longest move that counts in full, as shares of the side of a view.

In a view with a side of 600 pixels these are 3 and 240 pixels.
"""

VISIBLE = 0.0016
"""The shortest move that is seen, as a share of the side of a view: 1 pixel of 600."""

FEW_STEPS, REST = 40, 2
"""With at most this number of visible steps, heads rest at each iterate for this number of frames."""

OPENING, OPENING_SHARE = 0.7, 0.1
"""The time for which the first frame stands, in seconds, and its largest share of the animation."""


def frame_steps(groups: Sequence[Group], steps: int, animation: Animation) -> FloatArray:
    """Return the step, with a fraction, that each frame shows, (frames,).

    With the pace "distance" all optimizers share one clock, and a step takes time in proportion to the longest move
    that any path makes on screen, so that no head jumps and the animation does not stand still once all have arrived.

    Args:
        groups: What the animation shows.
        steps: The number of steps.
        animation: The pace and the number of frames.
    """
    count = max(2, round(animation.fps * animation.seconds))
    frames, last = np.arange(count), count - 1
    if animation.pace == "early":
        return np.asarray(frames**2 * steps / last**2)
    moves = _moves(groups, steps) if animation.pace == "distance" else np.zeros(steps)
    if not moves.any():
        return np.asarray(frames * steps / last)  # unlike linspace, exact at whole steps
    opening = int(min(OPENING * animation.fps, OPENING_SHARE * count))
    durations = SHORTEST + np.minimum(moves, LONGEST)
    durations *= (last - opening) / durations.sum()
    visible = np.count_nonzero(moves >= VISIBLE)
    rests = np.minimum(REST, durations / 2) if visible <= FEW_STEPS else np.zeros(steps)
    begins = opening + np.append(0.0, np.cumsum(durations))
    begins[-1] = last
    times = np.stack([begins[:-1], begins[:-1] + rests], -1).ravel()
    shown = np.repeat(np.arange(steps), 2)
    return np.asarray(np.interp(frames, np.append(times, last), np.append(shown, steps)))


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
