"""SVG, PDF and HTML: texts, of which a bounded part is searched."""

from __future__ import annotations

import re
from html import unescape
from typing import BinaryIO

from gdsim.encode.reading.contents import Contents, ending, ours, tail
from gdsim.metadata import TEXT_LIMIT

__all__ = ["SOURCE_ID", "read_html", "read_pdf", "read_svg"]

SOURCE_ID = "gdsim-source"
"""What the element of a page is called that holds how it was made."""

_SEARCHED = 4 * TEXT_LIMIT

_HEAD = 4096
"""Within so many bytes an SVG's first element ends."""

_LENGTH = re.compile(rb'<svg\b[^>]{0,2000}?\swidth="([0-9.]{1,12})(pt|px|)"[^>]{0,2000}?>')
_ACROSS = re.compile(rb'<svg\b[^>]{0,2000}?\sheight="([0-9.]{1,12})(pt|px|)"[^>]{0,2000}?>')
_MEDIA_BOX = re.compile(rb"/MediaBox\s?\[\s?0 0 ([0-9.]{1,12}) ([0-9.]{1,12})\s?\]")
_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)

_POINT = 96 / 72
"""A typographic point in the pixels of web pages."""


def read_svg(file: BinaryIO) -> Contents:
    """Read an SVG, which says what it was made from in its metadata."""
    content = file.read(_SEARCHED)
    words = content.partition(b"<dc:source>")[2].partition(b"</dc:source>")[0][:TEXT_LIMIT]
    sides = [each.search(content[:_HEAD]) for each in (_LENGTH, _ACROSS)]
    size = [_pixels(side[1], _POINT if side[2] == b"pt" else 1) for side in sides if side]
    return Contents(
        ours(unescape(words.decode("utf-8", "replace")).encode()),
        (size[0], size[1]) if len(size) == 2 else None,
        whole=ending(file).endswith(b"</svg>"),
    )


def read_html(file: BinaryIO) -> Contents:
    """Read a page, which says what it was made from in a script that is never run."""
    content = file.read(_SEARCHED)
    tag = content.partition(f'id="{SOURCE_ID}"'.encode())[2]
    words = tag.partition(b">")[2].partition(b"</script>")[0][:TEXT_LIMIT]
    return Contents(ours(words.strip()), None, whole=ending(file).lower().endswith(b"</html>"))


def read_pdf(file: BinaryIO) -> Contents:
    """Read a PDF, whose list of words stands near its end."""
    head = file.read(_SEARCHED)
    end = tail(file, _SEARCHED)
    # A bracket within other words has a backslash before it, so that this is the beginning of ours.
    begin = end.rfind(b"/gdsim (")
    words = _literal(end[begin + 8 : begin + 8 + TEXT_LIMIT]) if begin >= 0 else b""
    box = _MEDIA_BOX.search(head) or _MEDIA_BOX.search(end)
    size = (_pixels(box[1], _POINT), _pixels(box[2], _POINT)) if box else None
    return Contents(ours(words), size, whole=ending(file).endswith(b"%%EOF"))


def _literal(words: bytes) -> bytes:
    """Return a PDF's words up to the bracket that closes them, with what was escaped as it was."""
    inside = re.match(rb"(?:[^\\()]|\\.)*+", words, re.DOTALL)
    return _ESCAPE.sub(rb"\1", inside[0]) if inside else b""


def _pixels(number: bytes, unit: float) -> int:
    try:
        return round(float(number) * unit)
    except ValueError:
        return 0
