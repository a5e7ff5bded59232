"""Frames → an animated PNG, written as they come: true colour, and of each frame only what changed."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from gdsim.encode.embedding import png_texts
from gdsim.encode.frames import Frame, Frames, bounding_box, changed_pixels
from gdsim.encode.options import EncodeOptions

__all__ = ["write_apng"]

_RGBA = (8, 6, 0, 0, 0)
_KEEP_BELOW, _PUT_OVER = 0, 1


def write_apng(frames: Frames, path: Path, manner: EncodeOptions) -> None:
    """Write an APNG, holding no more than two frames at a time; the last is held for whole frames.

    Args:
        frames: What to show.
        path: Where to write.
        manner: How.

    Raises:
        TooLargeError: It has more bytes than wanted.
    """
    fps = manner.fps
    with path.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        file.write(_chunk(b"IHDR", struct.pack(">2I5B", *frames.size, *_RGBA)))
        file.write(_chunk(b"acTL", struct.pack(">2I", len(frames), 0 if manner.loop else 1)))
        for kind, content, *_ in png_texts(manner.provenance).chunks:
            file.write(_chunk(kind, content))
        for number, (left, top, patch) in enumerate(_patches(manner.progress(frames))):
            held = round(manner.hold * fps) if number == len(frames) - 1 else 0
            place = (patch.shape[1], patch.shape[0], left, top)
            control = struct.pack(">5I2H2B", max(0, 2 * number - 1), *place, 1 + held, fps, _KEEP_BELOW, _PUT_OVER)
            file.write(_chunk(b"fcTL", control))
            if number == 0:
                file.write(_chunk(b"IDAT", _compressed(patch)))
            else:
                file.write(_chunk(b"fdAT", struct.pack(">I", 2 * number) + _compressed(patch)))
            manner.check(file.tell(), (number + 1) / len(frames))
        file.write(_chunk(b"IEND", b""))


def _patches(frames: Iterable[Frame]) -> Iterator[tuple[int, int, Frame]]:
    """Yield left, top and RGBA (h, w, 4) of rectangles: all of the first frame, then what changed.

    A pixel that stays as it is has no opacity. Where nothing changed the rectangle is one such pixel.
    """
    frames = iter(frames)
    before = next(frames)
    height, width, _ = before.shape
    yield 0, 0, np.dstack([before, np.full((height, width), 255, np.uint8)])

    canvas = np.zeros((height * width, 4), np.uint8)
    for frame in frames:
        where = changed_pixels(before, frame)
        canvas[where, :3] = frame.reshape(-1, 3)[where]
        canvas[where, 3] = 255
        rows, columns = bounding_box(where, width)
        yield columns.start, rows.start, canvas.reshape(height, width, 4)[rows, columns]
        canvas[where] = 0
        before = frame


def _compressed(patch: Frame) -> bytes:
    """Return the rows of (h, w, 4), each after a 0 that says it is not filtered, as a zlib stream."""
    height, width, _ = patch.shape
    rows = np.zeros((height, 1 + 4 * width), np.uint8)
    rows[:, 1:] = patch.reshape(height, 4 * width)
    return zlib.compress(rows.data)


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(content, zlib.crc32(kind))
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)
