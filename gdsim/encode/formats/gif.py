"""Animated GIF, written frame by frame with a global palette and only the changed rectangle of each frame."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from gdsim.encode.formats import TEXT_START, EncodeOptions, FileInfo, Format, beginning_of, end_of
from gdsim.encode.pixels import UNCHANGED, Frame, Palette, changed_rectangles

if TYPE_CHECKING:
    from gdsim.render import Frames

_LONGEST_DELAY = 65535
"""Maximum delay, in hundredths of a second as all times in this format."""

_LOOP_FOREVER = b"!\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"
_COMMENT, _GRAPHIC_CONTROL, _IMAGE = b"!\xfe", b"!\xf9\x04", b","


class Gif(Format):
    """A GIF; a repeated frame extends the delay, and delays alternate if `fps` does not divide 100."""

    name = "gif"
    opaque_reason = "a GIF has no partial transparency, so that type and lines would get a fringe"
    quality_levels = ("256 colours", "128 colours", "64 colours", "32 colours")
    signature = re.compile(rb"GIF8[79]a")

    def write(self, frames: Frames, path: Path, options: EncodeOptions) -> None:
        """Write the file."""
        palette = Palette(frames.poster(), frames.colors, options.quality_level)
        bits = palette.bits
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
            patches = changed_rectangles(options.progress(frames), palette.indices)
            images = (_image(*patch, bits) if patch else None for patch in patches)
            unchanged = _image(0, 0, np.full((1, 1), UNCHANGED, np.uint8), bits)
            for index, (image, delay) in enumerate(_timed(images, options.fps, options.hold)):
                file.write(_control(delay, transparent=index > 0) + image)
                for begin in range(_LONGEST_DELAY, delay, _LONGEST_DELAY):
                    file.write(_control(delay - begin, transparent=True) + unchanged)
                options.check_size(file.tell())
            file.write(b";")

    def read(self, path: Path) -> FileInfo:
        """Read the size, and the comment in pieces after their lengths.

        Pillow also reads comments, but joins them in time quadratic in their length.
        """
        content, text = beginning_of(path), bytearray()
        width, height = struct.unpack_from("<6x2H", content)
        at = content.find(TEXT_START) - 1
        while 0 <= at < len(content) and (count := content[at]):
            text += content[at + 1 : at + 1 + count]
            at += 1 + count
        return FileInfo(bytes(text), (width, height), complete=end_of(path).endswith(b";"))


FORMATS = (Gif(),)


def _image(left: int, top: int, indices: Frame, bits: int) -> bytes:
    """Return the block of an image, whose palette indices (h, w) have at most `bits` bits."""
    position = struct.pack("<4HB", left, top, *indices.shape[::-1], 0)
    return _IMAGE + position + bytes([bits]) + Image.fromarray(indices).tobytes("gif", "L", bits) + b"\x00"


def _control(delay: int, *, transparent: bool) -> bytes:
    """Return the block that shows the image after it for a delay, at most the longest, and keeps what is below it."""
    keep_below = 1 << 2
    return _GRAPHIC_CONTROL + struct.pack("<BHBx", keep_below | transparent, min(delay, _LONGEST_DELAY), UNCHANGED)


def _timed(images: Iterable[bytes | None], fps: int, hold: float) -> Iterator[tuple[bytes, int]]:
    """Yield each image with its delay: until the next image, and for the last until the end of the hold."""
    shown, since, now = b"", 0, 0
    for number, image in enumerate(images, 1):
        if image:
            if shown:
                yield shown, now - since
            shown, since = image, now
        now = round(100 * number / fps)
    yield shown, now + round(100 * hold) - since
