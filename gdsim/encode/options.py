"""How an animation is to be written, and when it has become too large."""

from __future__ import annotations

from dataclasses import dataclass

from gdsim.encode.frames import Progress
from gdsim.errors import GdsimError
from gdsim.metadata import Provenance

__all__ = ["EncodeOptions", "TooLargeError"]


class TooLargeError(GdsimError):
    """A file would have more bytes than wanted.

    Args:
        written: So many it has by now.
        share: And so much of its frames, 0 to 1.
    """

    def __init__(self, written: int, share: float) -> None:
        super().__init__(f"it has {written} bytes after {share:.0%} of its frames, which is more than wanted")
        self.written = written
        self.share = share


@dataclass(frozen=True)
class EncodeOptions:
    """How an animation is to be written.

    Args:
        fps: Frames a second.
        hold: How much longer the last frame stays, in seconds.
        progress: Wraps the iterable of frames.
        loop: Whether it begins anew, for ever, where the format can say so.
        quality_level: The stage of `QUALITY_LEVELS`.
        provenance: What it says of how it was made.
        max_bytes: So many bytes it may have.
    """

    fps: int
    hold: float
    progress: Progress
    loop: bool
    quality_level: int
    provenance: Provenance | None
    max_bytes: int | None

    def check(self, written: int, share: float) -> None:
        """Stop what has become too large.

        Args:
            written: The bytes so far.
            share: How much of the frames they hold, 0 to 1.

        Raises:
            TooLargeError: They are more than wanted.
        """
        if self.max_bytes is not None and written > self.max_bytes:
            raise TooLargeError(written, share)
