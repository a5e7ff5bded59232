"""What every encoder is given, and what changed between two of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from math import gcd
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["Frame", "Frames", "Progress", "bounding_box", "changed_pixels"]

Frame: TypeAlias = npt.NDArray[np.uint8]
Pixels: TypeAlias = npt.NDArray[np.intp]
Progress: TypeAlias = Callable[[Iterable[Frame]], Iterable[Frame]]


class Frames(Protocol):
    """Pictures of one size, one at a time."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""

    @property
    def colors(self) -> Frame:
        """Colours that must survive a palette exactly, (n, 3), the most important first."""

    @property
    def transparent(self) -> bool:
        """Whether frames have a fourth channel, their opacity, by which their colours are not multiplied."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Frame]:
        """Yield (H, W, 3) or (H, W, 4) arrays in C order, none of them written to after the next is asked for."""

    def poster(self) -> Frame:
        """Return the last frame, in which every colour of the animation appears."""

    def save_poster(self, path: Path, words: Mapping[str, str]) -> None:
        """Write the poster as vectors; the suffix, .svg or .pdf, decides the format.

        Args:
            path: Where to write.
            words: What the file says of itself: Title, Description and Source, or nothing.
        """


def changed_pixels(before: Frame, after: Frame) -> Pixels:
    """Find where two frames differ, by comparing them as the widest integers they divide into.

    Args:
        before: (H, W, 3) in C order.
        after: The same.

    Returns:
        Flat indices of pixels, (n,): of all that differ, and of the few that share an integer with one.
        Some occur twice.
    """
    width = gcd(before.size, 8)
    differs = before.reshape(-1).view(f"u{width}") != after.reshape(-1).view(f"u{width}")
    first = np.flatnonzero(differs) * width // 3
    reach = np.arange((width + 1) // 3 + 1)
    pixels: Pixels = np.minimum(first[:, None] + reach, before.size // 3 - 1).ravel()
    return pixels


def bounding_box(pixels: Pixels, width: int) -> tuple[slice, slice]:
    """Return the rows and the columns that hold all of the flat indices; one pixel where there are none."""
    if not pixels.size:
        return slice(0, 1), slice(0, 1)
    columns = pixels % width
    return (
        slice(int(pixels.min()) // width, int(pixels.max()) // width + 1),
        slice(int(columns.min()), int(columns.max()) + 1),
    )
