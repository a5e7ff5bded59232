"""SVG and PDF of the last frame, and reading of the pages that `gdsim.web` writes."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

from gdsim.encode.formats import FileInfo, Format, end_of, gdsim_text, named_texts
from gdsim.encode.frames import EncodeOptions, FrameSource
from gdsim.metadata import TEXT_LIMIT

SOURCE_ID = "gdsim-source"
"""The id of a page's element that contains the metadata."""

_SEARCHED = 4 * TEXT_LIMIT
_HEAD = 4096
"""Number of bytes within which the start tag of an SVG's root element ends."""

_SIDES = [
    re.compile(rb"<svg\b[^>]{0,2000}?\s" + side + rb'="([0-9.]{1,12})(pt|px|)"[^>]{0,2000}?>')
    for side in (b"width", b"height")
]
_MEDIA_BOX = re.compile(rb"/MediaBox\s?\[\s?0 0 ([0-9.]{1,12}) ([0-9.]{1,12})\s?\]")
_PIXELS_PER_POINT = 96 / 72

# A declaration, comments and whitespace may precede the first element of an SVG or a page.
_BEFORE = rb"(?:\xef\xbb\xbf)?(?:\s+|<\?[^>]*+>|<!--.*?-->)*+"
_DOCTYPE = rb"(?:<!doctype\s[^>]*+>(?:\s+|<!--.*?-->)*+)?"


class Svg(Format):
    """An SVG of the last frame, which the frames write themselves."""

    name = "svg"
    kind = "poster"
    signature = re.compile(_BEFORE + _DOCTYPE + rb"<svg\b", re.DOTALL | re.IGNORECASE)

    def write(self, frames: FrameSource, path: Path, options: EncodeOptions) -> None:
        """Write the file."""
        frames.save_poster(path, named_texts(options.provenance))

    def read(self, path: Path) -> FileInfo:
        """Read the size, and the source in the metadata."""
        content = _beginning(path)
        source = content.partition(b"<dc:source>")[2].partition(b"</dc:source>")[0][:TEXT_LIMIT]
        sides = [side.search(content[:_HEAD]) for side in _SIDES]
        size = [_pixels(side[1], _PIXELS_PER_POINT if side[2] == b"pt" else 1) for side in sides if side]
        return FileInfo(
            gdsim_text(unescape(source.decode("utf-8", "replace"))),
            (size[0], size[1]) if len(size) == 2 else None,
            complete=end_of(path).endswith(b"</svg>"),
        )


class Pdf(Svg):
    """A PDF of the last frame."""

    name = "pdf"
    element = ""
    signature = re.compile(rb"%PDF-")

    def read(self, path: Path) -> FileInfo:
        """Read the size, and the source in the information dictionary near the end of the file."""
        end = end_of(path, _SEARCHED)
        # A bracket within other strings is escaped with a backslash, so this is the beginning of our entry.
        begin = end.rfind(b"/gdsim (")
        source = _literal(end[begin + 8 : begin + 8 + TEXT_LIMIT]) if begin >= 0 else b""
        box = _MEDIA_BOX.search(_beginning(path)) or _MEDIA_BOX.search(end)
        size = (_pixels(box[1], _PIXELS_PER_POINT), _pixels(box[2], _PIXELS_PER_POINT)) if box else None
        return FileInfo(gdsim_text(source), size, complete=end.endswith(b"%%EOF"))


class Html(Format):
    """A page that plays the animation, which `gdsim.web` writes from the scene."""

    name = "html"
    more_suffixes = (".htm",)
    kind = "page"
    element = "iframe"
    opaque_reason = "the player has a page of its own"
    signature = re.compile(_BEFORE + rb"(?:<!doctype\s+html\b|<html\b)", re.DOTALL | re.IGNORECASE)

    def write(self, frames: FrameSource, path: Path, options: EncodeOptions) -> None:
        """Raise NotImplementedError: a page is made from a scene, not from frames."""
        raise NotImplementedError

    def read(self, path: Path) -> FileInfo:
        """Read the source from a script element, which is never executed."""
        element = _beginning(path).partition(f'id="{SOURCE_ID}"'.encode())[2]
        source = element.partition(b">")[2].partition(b"</script>")[0][:TEXT_LIMIT]
        return FileInfo(gdsim_text(source.strip()), None, complete=end_of(path).lower().endswith(b"</html>"))


FORMATS = (Svg(), Pdf(), Html())


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_SEARCHED)


def _literal(text: bytes) -> bytes:
    """Return a PDF string up to its closing bracket, unescaped."""
    inside = re.match(rb"(?:[^\\()]|\\.)*+", text, re.DOTALL)
    return re.sub(rb"\\(.)", rb"\1", inside[0], flags=re.DOTALL) if inside else b""


def _pixels(number: bytes, unit: float) -> int:
    try:
        return round(float(number) * unit)
    except ValueError:
        return 0
