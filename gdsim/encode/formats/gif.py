"""Animated GIF, written frame by frame with a global palette and only the changed rectangle of each frame."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import Image

from gdsim.encode.formats import FileInfo, Format, end_of, gdsim_text
from gdsim.encode.frames import EncodeOptions, Frame, FrameSource, bounding_box, changed_pixels
from gdsim.encode.palette import UNCHANGED, Palette, choose_colors, palette_size
from gdsim.metadata import TEXT_LIMIT

_LONGEST_DELAY = 65535
"""Maximum delay, in hundredths of a second as all times in this format."""

_LOOP_FOREVER = b"!\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"
_COMMENT = b"!\xfe"


class Gif(Format):
    """A GIF; a repeated frame extends the delay, and delays alternate if `fps` does not divide 100."""

    name = "gif"
    opaque_reason = "a GIF has no partial transparency, so that type and lines would get a fringe"
    quality_levels = ("256 colours", "128 colours", "64 colours", "32 colours")
    signature = re.compile(rb"GIF8[79]a")

    def write(self, frames: FrameSource, path: Path, options: EncodeOptions) -> None:
        """Write the file."""
        size = palette_size(frames.colors, options.quality_level)
        palette, bits = Palette(choose_colors(frames.poster(), frames.colors, size)), size.bit_length()
        with path.open("wb") as file:
            colors = np.zeros((1 << bits, 3), np.uint8)
            colors[1 : 1 + len(palette.colors)] = palette.colors
            screen = struct.pack("<HHBBB", *frames.size, 0b1111_0000 | bits - 1, 0, 0)
            file.write(b"GIF89a" + screen + colors.tobytes())
            if options.loop:
                file.write(_LOOP_FOREVER)
            if options.provenance is not None:
                text = options.provenance.to_json().encode()
                pieces = [text[begin : begin + 255] for begin in range(0, len(text), 255)]
                file.write(_COMMENT + b"".join(bytes([len(piece)]) + piece for piece in pieces) + b"\x00")
            patches = _patches(options.progress(frames), palette, bits)
            for patch, delay, shown in _timed(patches, options.fps, options.hold):
                file.writelines(_blocks(patch, delay))
                options.check_size(file.tell(), shown / len(frames))
            file.write(b";")

    def read(self, path: Path) -> FileInfo:
        """Read the size, and the comments before the first picture.

        Pillow also reads comments, but joins them in time quadratic in their length.
        """
        with path.open("rb") as file:
            width, height, flags = struct.unpack("<HHB2x", _exactly(file, 13)[6:])
            if flags & 0x80:
                _exactly(file, 3 << (flags & 7) + 1)
            text = next((found for comment in _comments(file) if (found := gdsim_text(comment))), None)
        return FileInfo(text, (width, height), complete=text is None or end_of(path).endswith(b"\0;"))


FORMATS = (Gif(),)


class _Patch(NamedTuple):
    """A compressed rectangle of the picture, whose unchanged pixels are transparent."""

    left: int
    top: int
    width: int
    height: int
    bits: int
    lzw: bytes
    transparent: bool

    def block(self, delay: int) -> bytes:
        """Return the bytes that show the patch for a delay."""
        keep_below = 1 << 2
        control = struct.pack("<BHB", keep_below | self.transparent, delay, UNCHANGED)
        position = struct.pack("<HHHHB", self.left, self.top, self.width, self.height, 0)
        return b"!\xf9\x04" + control + b"\x00," + position + bytes([self.bits]) + self.lzw + b"\x00"


def _patches(frames: Iterable[Frame], palette: Palette, bits: int) -> Iterator[_Patch | None]:
    """Yield the whole first frame, then the changed rectangle of each frame, or None if nothing changed."""
    frames = iter(frames)
    before = next(frames)
    height, width, _ = before.shape
    shown = palette.indices(before.reshape(-1, 3))
    yield _compress(shown.reshape(height, width), 0, 0, bits, transparent=False)

    canvas = np.full(height * width, UNCHANGED, np.uint8)
    for frame in frames:
        where = changed_pixels(before, frame)
        indices = palette.indices(frame.reshape(-1, 3)[where])
        differs = indices != shown[where]
        where, indices = where[differs], indices[differs]
        if where.size:
            shown[where] = canvas[where] = indices
            rows, columns = bounding_box(where, width)
            yield _compress(canvas.reshape(height, width)[rows, columns], columns.start, rows.start, bits)
            canvas[where] = UNCHANGED
        else:
            yield None
        before = frame


def _compress(indices: Frame, left: int, top: int, bits: int, *, transparent: bool = True) -> _Patch:
    height, width = indices.shape
    lzw = Image.fromarray(indices).tobytes("gif", "L", bits)
    return _Patch(left, top, width, height, bits, lzw, transparent)


def _timed(patches: Iterable[_Patch | None], fps: int, hold: float) -> Iterator[tuple[_Patch, int, int]]:
    """Yield each patch, its delay, and the number of frames that have been shown at its end.

    A patch is shown until the next one, the last for `hold` additional seconds.
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


def _blocks(patch: _Patch, delay: int) -> Iterator[bytes]:
    """Yield the blocks that show a patch; delays beyond the maximum are continued with empty patches."""
    while delay > _LONGEST_DELAY:
        yield patch.block(_LONGEST_DELAY)
        nothing = np.full((1, 1), UNCHANGED, np.uint8)
        patch, delay = _compress(nothing, 0, 0, patch.bits), delay - _LONGEST_DELAY
    yield patch.block(delay)


def _comments(file: BinaryIO) -> Iterator[bytes]:
    """Yield the comments before the first picture, reading a bounded number of bytes."""
    while file.tell() < 2 * TEXT_LIMIT and (block := _exactly(file, 1)) == b"!":
        block += _exactly(file, 1)
        text = bytearray()
        while (count := _exactly(file, 1)[0]) and len(text) < TEXT_LIMIT:
            text += _exactly(file, count)
        if block == _COMMENT:
            yield bytes(text)


def _exactly(file: BinaryIO, count: int) -> bytes:
    content = file.read(count)
    if len(content) < count:
        raise EOFError
    return content
