"""PNG of the last frame, and animated PNG in true colour, with only the changed rectangle of each frame."""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from gdsim.encode.formats import EncodeOptions, FileInfo, Format, Kind, end_of, image_info, named_texts
from gdsim.encode.pixels import UNCHANGED, Frame, changed_rectangles
from gdsim.metadata import Provenance

if TYPE_CHECKING:
    from gdsim.render import Frames

_RGBA = (8, 6, 0, 0, 0)
_KEEP_BELOW, _PUT_OVER = 0, 1
_KEY = "gdsim"


class Png(Format):
    """A PNG of the last frame."""

    name = "png"
    kind: ClassVar[Kind] = "poster"
    signature = re.compile(rb"\x89PNG\r\n\x1a\n")

    def write(self, frames: Frames, path: Path, options: EncodeOptions) -> None:
        """Write the file."""
        Image.fromarray(frames.poster()).save(path, "PNG", pnginfo=_texts(options.provenance))

    def read(self, path: Path) -> FileInfo:
        """Read the size and the text chunks before the picture."""
        info, size = image_info(path, "PNG")
        return FileInfo(str(info.get(_KEY, "")).encode(), size, complete=_chunk(b"IEND", b"") in end_of(path))


class Apng(Png):
    """An animated PNG; the hold of the last frame is rounded to a whole number of frames."""

    name = "apng"
    kind: ClassVar[Kind] = "animation"
    opaque_reason = "of an APNG's frames each is put over the one before, which shows through"
    quality_levels = ("all colours",)

    def write(self, frames: Frames, path: Path, options: EncodeOptions) -> None:
        """Write the file."""
        fps = options.fps
        with path.open("wb") as file:
            file.write(b"\x89PNG\r\n\x1a\n")
            file.write(_chunk(b"IHDR", struct.pack(">2I5B", *frames.size, *_RGBA)))
            file.write(_chunk(b"acTL", struct.pack(">2I", len(frames), 0 if options.loop else 1)))
            for kind, content, *_ in _texts(options.provenance).chunks:
                file.write(_chunk(kind, content))
            for number, changed in enumerate(changed_rectangles(options.progress(frames), _opaque)):
                left, top, patch = changed or (0, 0, np.full((1, 1, 4), UNCHANGED, np.uint8))
                held = round(options.hold * fps) if number == len(frames) - 1 else 0
                box = (patch.shape[1], patch.shape[0], left, top)
                control = struct.pack(">5I2H2B", max(0, 2 * number - 1), *box, 1 + held, fps, _KEEP_BELOW, _PUT_OVER)
                file.write(_chunk(b"fcTL", control))
                kind, numbered = (b"fdAT", struct.pack(">I", 2 * number)) if number else (b"IDAT", b"")
                file.write(_chunk(kind, numbered + _compress(patch)))
                options.check_size(file.tell())
            file.write(_chunk(b"IEND", b""))


FORMATS = (Png(), Apng())


def _texts(provenance: Provenance | None) -> PngInfo:
    texts = PngInfo()
    for name, text in named_texts(provenance).items():
        if name == "Source":
            # Not compressed, because readers reject compressed text that expands to a megabyte.
            texts.add_text(_KEY, text)
        else:
            texts.add_itxt(name, text)
    return texts


def _opaque(colors: Frame) -> Frame:
    return np.concatenate([colors, np.full((len(colors), 1), 255, np.uint8)], 1)


def _compress(patch: Frame) -> bytes:
    """Return the rows of (h, w, 4), each with filter type 0, as a zlib stream."""
    height, width, _ = patch.shape
    rows = np.zeros((height, 1 + 4 * width), np.uint8)
    rows[:, 1:] = patch.reshape(height, 4 * width)
    return zlib.compress(rows.data)


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(content, zlib.crc32(kind))
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)
