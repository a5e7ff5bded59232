"""The order of an animation's pictures, and how long each is shown: an opening, what moves, the hold, and a fade."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from gdsim.encode.formats import EncodeOptions
from gdsim.encode.pixels import Frame

if TYPE_CHECKING:
    from gdsim.render import Frames

CALM, STRESSED = 0.2, 0.4  # the shares of the hold before the ending is shown, and while it is


FADE = 0.4  # the duration of a fade, in seconds


class PictureSequence:
    """The pictures of an animation in order, made one at a time.

    Args:
        frames: The frames that move.
        options: The pace, and the pictures before and after what moves.
        blends: The maximum number of pictures in a fade.

    Attributes:
        seconds: How long each picture is shown.
    """

    def __init__(self, frames: Frames, options: EncodeOptions, blends: int) -> None:
        self._frames, self._options, tick = frames, options, 1 / options.fps
        opens, fades = options.opening is not None, options.opening is not None or options.loop
        fade = min(options.fade, options.hold / 2) if fades else 0.0
        self._blends = min(blends, round(fade * options.fps))
        fading = [fade / (self._blends + 1)] * self._blends
        # The opening and the fade are part of the hold, so that they do not make the animation longer.
        hold = max(options.hold - sum(fading) - tick * opens, 0.0)
        moving = [tick] * len(frames)
        if options.ending is None:
            moving[-1] += hold
        else:
            moving[-1] += CALM * hold
            moving += [STRESSED * hold, (1 - CALM - STRESSED) * hold]
        self.seconds = [tick, *fading, *moving] if opens else [*moving, *fading]

    def __len__(self) -> int:
        return len(self.seconds)

    def __iter__(self) -> Iterator[Frame]:
        options = self._options
        moving = iter(options.progress(self._frames))
        last = first = next(moving)
        if options.opening is not None:
            yield options.opening
            yield from self._fade(options.opening, first)
        yield first
        for last in moving:
            yield last
        if options.ending is not None:
            yield from (options.ending, last)
        if options.opening is None:
            yield from self._fade(last, first)

    @property
    def ticks(self) -> list[int]:
        """The number of frames for which each picture is shown, rounded so that errors do not add up."""
        ends = [round(end) for end in (np.cumsum(self.seconds) * self._options.fps).tolist()]
        return [end - begin for begin, end in pairwise([0, *ends])]

    def _fade(self, before: Frame, after: Frame) -> Iterator[Frame]:
        changes = (before != after).any(-1)
        for share in np.arange(1, self._blends + 1) / (self._blends + 1):
            picture = before.copy()
            picture[changes] = _blended(before[changes], after[changes], float(share))
            yield picture


def _blended(before: Frame, after: Frame, share: float) -> Frame:
    """Return a mixture of pixels, (n, 3) or with opacity (n, 4), whose colors count by their opacity."""
    pictures = [each.astype(np.float32) * weight for each, weight in ((before, 1 - share), (after, share))]
    if before.shape[-1] == 3:
        return np.asarray(np.rint(pictures[0] + pictures[1]), np.uint8)
    opacities = [each[..., 3:] for each in pictures]
    total = opacities[0] + opacities[1]
    colors = (before[..., :3] * opacities[0] + after[..., :3] * opacities[1]) / np.maximum(total, 1e-6)
    return np.asarray(np.rint(np.concatenate([colors, total], -1)), np.uint8)
