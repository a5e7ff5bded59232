"""What WebP takes that no video does: fewer colours, and words beside the picture."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from gdsim.encode.frames import Frame, Frames
from gdsim.encode.palette import Palette, choose_colors, palette_size

__all__ = ["add_words", "with_few_colors"]

_OPACITIES = 17
"""Where colours are few, opacities are multiples of this: 0 to 255 in 16 stages."""

_HAS_XMP, _HAS_ALPHA = 1 << 2, 1 << 4


def with_few_colors(pictures: Iterable[Frame], frames: Frames, quality_level: int) -> Iterator[Frame]:
    """Yield each picture in at most `palette_size` colours; one without loss then takes far fewer bytes.

    Args:
        pictures: (H, W, 3), or (H, W, 4) with the opacity last.
        frames: What they are the frames of.
        quality_level: The stage, 1 or more.
    """
    poster, keep = frames.poster(), frames.colors
    seen = poster[poster[..., 3] > 0][None] if frames.transparent else poster
    palette = Palette(choose_colors(seen[..., :3], keep, palette_size(keep, quality_level - 1)))
    colors = np.vstack([np.zeros((1, 3), np.uint8), palette.colors])
    for picture in pictures:
        indices = palette.indices(picture[..., :3].reshape(-1, 3))
        if not frames.transparent:
            yield colors[indices].reshape(picture.shape)
            continue
        opacity = np.rint(picture[..., 3] / _OPACITIES).astype(np.uint8) * _OPACITIES
        indices[opacity.ravel() == 0] = 0
        yield np.dstack([colors[indices].reshape(*picture.shape[:2], 3), opacity])


def add_words(path: Path, packet: bytes, size: tuple[int, int]) -> None:
    """Put an XMP packet at the end of a WebP, and say at its beginning that it is there.

    Args:
        path: The file.
        packet: The words.
        size: Width and height in pixels.
    """
    chunk = b"XMP " + struct.pack("<I", len(packet)) + packet + b"\0" * (len(packet) % 2)
    with path.open("r+b") as file:
        content = file.read(21)
        if content[12:16] == b"VP8X":
            file.seek(20)
            file.write(bytes([content[20] | _HAS_XMP]))
        else:  # a single picture, which has no room for flags
            width, height = (struct.pack("<I", side - 1)[:3] for side in size)
            rest = content[12:] + file.read()
            file.seek(12)
            file.write(b"VP8X" + struct.pack("<I4B", 10, _HAS_XMP | _HAS_ALPHA, 0, 0, 0) + width + height + rest)
        file.seek(0, 2)
        file.write(chunk)
        length = file.tell() - 8
        file.seek(4)
        file.write(struct.pack("<I", length))
