"""GIF, PNG and WebP: their blocks, none of which is decoded."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from html import unescape
from typing import BinaryIO

from gdsim.encode.reading.contents import Contents, ending, exactly, first_blocks, ours, text_of
from gdsim.metadata import TEXT_LIMIT

__all__ = ["read_gif", "read_png", "read_webp"]

_COMMENT = 0xFE

_PNG_END = struct.pack(">I4sI", 0, b"IEND", zlib.crc32(b"IEND"))

_SEARCHED = 2 * TEXT_LIMIT
"""Within so many bytes a GIF's first picture begins."""


def read_gif(file: BinaryIO) -> Contents:
    """Read a GIF, whose words come before its first picture."""
    width, height, flags = struct.unpack("<HHB2x", exactly(file, 13)[6:])
    _skip_palette(file, flags)
    found = next((json for json in map(ours, _gif_comments(file)) if json is not None), None)
    return Contents(found, (width, height), whole=found is None or ending(file).endswith(b"\0;"))


def _gif_comments(file: BinaryIO) -> Iterator[bytes]:
    """Yield the words of each comment that stands before the first picture."""
    while exactly(file, 1) == b"!" and file.tell() < _SEARCHED:
        label = exactly(file, 1)[0]
        words = _joined(file)
        if label == _COMMENT:
            yield words


def _joined(file: BinaryIO) -> bytes:
    """Read a block, which comes in pieces of at most 255 bytes."""
    words = bytearray()
    while (count := exactly(file, 1)[0]) and len(words) < TEXT_LIMIT:
        words += exactly(file, count)
    return bytes(words)


def _skip_palette(file: BinaryIO, flags: int) -> None:
    if flags & 0x80:
        exactly(file, 3 << (flags & 7) + 1)


def read_png(file: BinaryIO) -> Contents:
    """Read a PNG, animated or not."""
    file.seek(8)
    size, found = None, None
    for kind, length in first_blocks(_png_chunks(file)):
        if kind == b"IHDR":
            width, height = struct.unpack(">2I", exactly(file, 8))
            size = width, height
        elif kind == b"tEXt":
            keyword, _, words = text_of(file, length).partition(b"\0")
            found = ours(words) if keyword == b"gdsim" else None
        if found is not None:
            break
    return Contents(found, size, whole=found is None or _PNG_END in ending(file))


def _png_chunks(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Yield kind and length of each chunk, the file standing at its content."""
    kind = b""
    while kind != b"IEND":
        length, kind = struct.unpack(">I4s", exactly(file, 8))
        begin = file.tell()
        yield kind, length
        file.seek(begin + length + 4)


def read_webp(file: BinaryIO) -> Contents:
    """Read a WebP, whose words are XML at its end."""
    end = 8 + struct.unpack("<I", exactly(file, 12)[4:8])[0]
    if file.seek(0, 2) < end:
        return Contents(None, None, whole=False)
    size, found = None, None
    for kind, length in first_blocks(_riff_chunks(file, end)):
        if kind == b"XMP ":
            _, _, words = text_of(file, length).partition(b"<gdsim:source>")
            found = ours(unescape(words.partition(b"</gdsim:source>")[0].decode("utf-8", "replace")).encode())
        elif size is None:
            size = _webp_size(kind, file.read(10))
    return Contents(found, size)


def _riff_chunks(file: BinaryIO, end: int) -> Iterator[tuple[bytes, int]]:
    place = 12
    while place < end:
        file.seek(place)
        kind, length = struct.unpack("<4sI", exactly(file, 8))
        yield kind, length
        place += 8 + length + length % 2


def _webp_size(kind: bytes, content: bytes) -> tuple[int, int] | None:
    """Read width and height from the first chunk, of which there are three kinds."""
    if len(content) < 10:
        return None
    if kind == b"VP8X":
        return 1 + int.from_bytes(content[4:7], "little"), 1 + int.from_bytes(content[7:10], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(content[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        width, height = struct.unpack("<2H", content[6:])
        return width & 0x3FFF, height & 0x3FFF
    return None
