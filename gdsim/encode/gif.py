"""Frames → an animated GIF, written as they come: one palette, and of each frame only what changed."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from gdsim.encode.embedding import gif_comment
from gdsim.encode.frames import Frame, Frames, bounding_box, changed_pixels
from gdsim.encode.options import EncodeOptions
from gdsim.encode.palette import UNCHANGED, Palette, choose_colors, palette_size

__all__ = ["write_gif"]

_LONGEST_DELAY = 65535
"""In hundredths of a second, as everything about time in this format."""


class _Patch(NamedTuple):
    """A rectangle of the picture, compressed; its unchanged pixels let the frame before show through."""

    left: int
    top: int
    width: int
    height: int
    bits: int
    lzw: bytes
    transparent: bool


def write_gif(frames: Frames, path: Path, manner: EncodeOptions) -> None:
    """Write a GIF, holding no more than two frames at a time.

    A frame that equals the one before adds to its delay. Where `fps` does not divide 100, delays alternate
    so that no error builds up.

    Args:
        frames: What to show.
        path: Where to write.
        manner: How.

    Raises:
        TooLargeError: It has more bytes than wanted.
    """
    size = palette_size(frames.colors, manner.quality_level)
    palette, bits = Palette(choose_colors(frames.poster(), frames.colors, size)), size.bit_length()
    with path.open("wb") as file:
        file.write(_header(frames.size, palette, bits))
        if manner.loop:
            file.write(_ENDLESS)
        if manner.provenance is not None:
            file.write(gif_comment(manner.provenance))
        patches = _patches(manner.progress(frames), palette, bits)
        for patch, delay, shown in _timed(patches, manner.fps, manner.hold):
            file.writelines(_blocks(patch, delay))
            manner.check(file.tell(), shown / len(frames))
        file.write(b";")


def _patches(frames: Iterable[Frame], palette: Palette, bits: int) -> Iterator[_Patch | None]:
    """Yield the whole of the first frame, then what changed in each, or None where nothing did."""
    frames = iter(frames)
    before = next(frames)
    height, width, _ = before.shape
    shown = palette.indices(before.reshape(-1, 3))
    yield _patch(shown.reshape(height, width), 0, 0, bits, transparent=False)

    canvas = np.full(height * width, UNCHANGED, np.uint8)
    for frame in frames:
        where = changed_pixels(before, frame)
        indices = palette.indices(frame.reshape(-1, 3)[where])
        differs = indices != shown[where]
        where, indices = where[differs], indices[differs]
        if where.size:
            shown[where] = canvas[where] = indices
            rows, columns = bounding_box(where, width)
            yield _patch(canvas.reshape(height, width)[rows, columns], columns.start, rows.start, bits)
            canvas[where] = UNCHANGED
        else:
            yield None
        before = frame


def _patch(indices: Frame, left: int, top: int, bits: int, *, transparent: bool = True) -> _Patch:
    height, width = indices.shape
    lzw = Image.fromarray(indices).tobytes("gif", "L", bits)
    return _Patch(left, top, width, height, bits, lzw, transparent)


def _timed(patches: Iterable[_Patch | None], fps: int, hold: float) -> Iterator[tuple[_Patch, int, int]]:
    """Yield each patch, how long it is seen, and how many frames have been shown when it goes.

    It is seen until the next one comes, the last for `hold` seconds more.
    """
    shown, since, number = None, 0, 0
    for number, patch in enumerate(patches):
        now = round(100 * number / fps)
        if patch and shown:
            yield shown, now - since, number
        if patch:
            shown, since = patch, now
    if shown:
        yield shown, round(100 * (number + 1) / fps) + round(100 * hold) - since, number + 1


_ENDLESS = b"!\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"


def _header(size: tuple[int, int], palette: Palette, bits: int) -> bytes:
    """Return the signature, the size and a global palette of as many colours as so many bits can name."""
    colors = np.zeros((1 << bits, 3), np.uint8)
    colors[1 : 1 + len(palette.colors)] = palette.colors
    screen = struct.pack("<HHBBB", *size, 0b1111_0000 | bits - 1, 0, 0)
    return b"GIF89a" + screen + colors.tobytes()


def _blocks(patch: _Patch, delay: int) -> Iterator[bytes]:
    """Yield the blocks that show a patch; more than the longest delay takes further, empty patches."""
    while delay > _LONGEST_DELAY:
        yield _block(patch, _LONGEST_DELAY)
        nothing = np.full((1, 1), UNCHANGED, np.uint8)
        patch, delay = _patch(nothing, 0, 0, patch.bits), delay - _LONGEST_DELAY
    yield _block(patch, delay)


def _block(patch: _Patch, delay: int) -> bytes:
    keep_below = 1 << 2
    control = struct.pack("<BHB", keep_below | patch.transparent, delay, UNCHANGED)
    place = struct.pack("<HHHHB", patch.left, patch.top, patch.width, patch.height, 0)
    return b"!\xf9\x04" + control + b"\x00," + place + bytes([patch.bits]) + patch.lzw + b"\x00"
