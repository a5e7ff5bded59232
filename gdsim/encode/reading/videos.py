"""MP4 and WebM: boxes within boxes, of which only those with words and sizes are read."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import BinaryIO, TypeAlias

from gdsim.encode.reading.contents import BrokenOffError, Contents, exactly, first_blocks, ours, text_of

__all__ = ["read_mp4", "read_webm"]

_Area: TypeAlias = tuple[int, int]
"""Where a box's content begins and ends."""

_Boxes: TypeAlias = Callable[[BinaryIO, _Area], Iterator[tuple[bytes, _Area]]]

_SEGMENT = b"\x18\x53\x80\x67"
_TAG = (b"\x12\x54\xc3\x67", b"\x73\x73", b"\x67\xc8")
_TAG_STRING = b"\x44\x87"
_VIDEO = (b"\x16\x54\xae\x6b", b"\xae", b"\xe0")
_WIDTH, _HEIGHT = b"\xb0", b"\xba"


def read_mp4(file: BinaryIO) -> Contents:
    """Read an MP4."""
    everything = (0, file.seek(0, 2))
    ends = {kind: end for kind, (_, end) in first_blocks(_mp4_boxes(file, everything))}
    whole = b"moov" in ends and max(ends.values()) <= everything[1]
    tracks = _within(file, everything, (b"moov", b"trak", b"tkhd"), _mp4_boxes)
    sizes = (struct.unpack(">2I", _last(file, area, 8).rjust(8, b"\0")) for area in tracks)
    size = next(((width >> 16, height >> 16) for width, height in sizes if width and height), None)
    # The box `meta` has four bytes before its boxes, and a comment's words eight before them.
    found = None
    for begin, end in _within(file, everything, (b"moov", b"udta", b"meta"), _mp4_boxes):
        for start, stop in _within(file, (begin + 4, end), (b"ilst", b"\xa9cmt", b"data"), _mp4_boxes):
            found = found or ours(_words(file, (start + 8, stop)))
    return Contents(found, size, whole)


def _mp4_boxes(file: BinaryIO, area: _Area) -> Iterator[tuple[bytes, _Area]]:
    """Yield the kind and the content of each box in an area."""
    place, end = area
    while place + 8 <= end:
        file.seek(place)
        length, kind = struct.unpack(">I4s", exactly(file, 8))
        begin = place + 8
        if length == 1:
            length, begin = int.from_bytes(exactly(file, 8)), begin + 8
        place = place + length if length else end
        if place < begin:
            raise BrokenOffError
        yield kind, (begin, place)


def read_webm(file: BinaryIO) -> Contents:
    """Read a WebM."""
    length = file.seek(0, 2)
    begin, end = next(
        (area for name, area in first_blocks(_webm_elements(file, (0, length))) if name == _SEGMENT), (0, 0)
    )
    inside = begin, min(end, length)
    found, size = None, None
    for area in _within(file, inside, _TAG, _webm_elements):
        for words in _within(file, area, (_TAG_STRING,), _webm_elements):
            found = found or ours(_words(file, words))
    for area in _within(file, inside, _VIDEO, _webm_elements):
        sides = [
            int.from_bytes(_last(file, number, 2))
            for side in (_WIDTH, _HEIGHT)
            for number in _within(file, area, (side,), _webm_elements)
        ]
        size = size or ((sides[0], sides[1]) if len(sides) == 2 else None)
    return Contents(found, size, whole=0 < end <= length)


def _webm_elements(file: BinaryIO, area: _Area) -> Iterator[tuple[bytes, _Area]]:
    """Yield the name and the content of each element in an area."""
    place, end = area
    while place + 2 <= end:
        file.seek(place)
        name = _prefixed(file, 4)
        length = _prefixed(file, 8)
        begin = file.tell()
        count = int.from_bytes(length) & (1 << 7 * len(length)) - 1
        unknown = count == (1 << 7 * len(length)) - 1
        place = end if unknown else begin + count
        yield name, (begin, place)


def _prefixed(file: BinaryIO, most: int) -> bytes:
    """Read a number of which the zeros at its beginning tell how many bytes it has."""
    first = exactly(file, 1)
    count = 9 - first[0].bit_length()
    if count > most:
        raise BrokenOffError
    return first + exactly(file, count - 1)


def _within(file: BinaryIO, area: _Area, kinds: tuple[bytes, ...], boxes: _Boxes) -> Iterator[_Area]:
    """Yield the content of each box of the last kind within those of the kinds before it."""
    for kind, (begin, end) in first_blocks(boxes(file, area)):
        # Never past what it is in, or the same bytes would be read over and over.
        inside = begin, min(end, area[1])
        if kind == kinds[0]:
            if len(kinds) == 1:
                yield inside
            else:
                yield from _within(file, inside, kinds[1:], boxes)


def _words(file: BinaryIO, area: _Area) -> bytes:
    begin, end = area
    file.seek(begin)
    return text_of(file, max(0, end - begin))


def _last(file: BinaryIO, area: _Area, count: int) -> bytes:
    begin = max(area[0], area[1] - count)
    file.seek(begin)
    return exactly(file, area[1] - begin)
