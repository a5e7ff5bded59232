"""The input of encoders, frames and options, and the detection of changed pixels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import gcd
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from gdsim.errors import GdsimError
from gdsim.metadata import Provenance

Frame: TypeAlias = npt.NDArray[np.uint8]
"""A picture, (H, W, 3) or with opacity (H, W, 4), or another array of bytes."""

Pixels: TypeAlias = npt.NDArray[np.intp]
"""Flat indices of pixels, (n,)."""

Progress: TypeAlias = Callable[[Iterable[Frame]], Iterable[Frame]]
"""Wraps the iterable of frames, to show progress."""


class FrameSource(Protocol):
    """Frames of one size, yielded one at a time."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""

    @property
    def colors(self) -> Frame:
        """Colours that a palette must contain exactly, (n, 3), the most important first."""

    @property
    def transparent(self) -> bool:
        """Whether frames have a fourth channel, the opacity; colours are not premultiplied."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Frame]:
        """Yield (H, W, 3) or (H, W, 4) arrays in C order; none is changed after the next one is requested."""

    def poster(self) -> Frame:
        """Return the last frame, which contains every colour of the animation."""

    def save_poster(self, path: Path, words: Mapping[str, str]) -> None:
        """Write the poster as .svg or .pdf; `words` is the metadata Title, Description and Source, or empty."""


class TooLargeError(GdsimError):
    """A file would exceed the size limit: `written` bytes for a `share` of its frames, from 0 to 1."""

    def __init__(self, written: int, share: float) -> None:
        super().__init__(f"the file is too large: {written} bytes after {share:.0%} of its frames")
        self.written = written
        self.share = share


@dataclass(frozen=True)
class EncodeOptions:
    """How an animation is written; see `gdsim.encode.write` for the fields."""

    fps: int
    hold: float
    loop: bool = True
    quality_level: int = 0
    max_bytes: int | None = None
    provenance: Provenance | None = None
    progress: Progress = iter

    def check_size(self, written: int, share: float) -> None:
        """Raise TooLargeError if the bytes written so far exceed the limit."""
        if self.max_bytes is not None and written > self.max_bytes:
            raise TooLargeError(written, share)


def changed_pixels(before: Frame, after: Frame) -> Pixels:
    """Return the flat indices of pixels that differ between two frames, (H, W, 3) in C order.

    Frames are compared as the widest integers that divide them, so the result also contains the few unchanged pixels
    that share an integer with a changed one. Some indices occur twice.
    """
    width = gcd(before.size, 8)
    differs = before.reshape(-1).view(f"u{width}") != after.reshape(-1).view(f"u{width}")
    first = np.flatnonzero(differs) * width // 3
    reach = np.arange((width + 1) // 3 + 1)
    pixels: Pixels = np.minimum(first[:, None] + reach, before.size // 3 - 1).ravel()
    return pixels


def bounding_box(pixels: Pixels, width: int) -> tuple[slice, slice]:
    """Return the rows and columns that contain all of the pixels; those of a single pixel if there are none."""
    if not pixels.size:
        return slice(0, 1), slice(0, 1)
    columns = pixels % width
    return (
        slice(int(pixels.min()) // width, int(pixels.max()) // width + 1),
        slice(int(columns.min()), int(columns.max()) + 1),
    )
