"""SVG and PDF of the last frame, and reading of the pages that `gdsim.web` writes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from gdsim.encode.formats import EncodeOptions, FileInfo, Format, beginning_of, element_text, end_of, named_texts
from gdsim.metadata import TEXT_LIMIT

if TYPE_CHECKING:
    from gdsim.render import Frames

_NUMBER = rb"(\d{1,6}(?:\.\d{0,9})?)"
_SVG_SIZE = re.compile(rb'<svg [^>]*?\bwidth="%bpt" height="%bpt"' % (_NUMBER, _NUMBER))
_PDF_SIZE = re.compile(rb"/MediaBox\s?\[\s?0 0 %b %b\s?\]" % (_NUMBER, _NUMBER))

# A declaration, comments and whitespace may precede the first element of an SVG or a page.
_BEFORE = rb"(?:\xef\xbb\xbf)?(?:\s+|<\?[^>]*+>|<!--.*?-->)*+"
_DOCTYPE = rb"(?:<!doctype\s[^>]*+>(?:\s+|<!--.*?-->)*+)?"


class _Svg(Format):
    """An SVG of the last frame, which the frames write themselves."""

    name = "svg"
    kind = "poster"
    signature = re.compile(_BEFORE + _DOCTYPE + rb"<svg\b", re.DOTALL | re.IGNORECASE)

    def write(self, frames: Frames, path: Path, options: EncodeOptions) -> None:
        frames.save_poster(path, named_texts(options.provenance))

    def read(self, path: Path) -> FileInfo:
        """Read the size, and the source in the metadata."""
        content = beginning_of(path)
        size = _pixels(_SVG_SIZE.search(content[:4096]))
        return FileInfo(element_text(content, b"dc:source"), size, complete=end_of(path).endswith(b"</svg>"))


class _Pdf(_Svg):
    """A PDF of the last frame."""

    name = "pdf"
    element = ""
    signature = re.compile(rb"%PDF-")

    def read(self, path: Path) -> FileInfo:
        """Read the size, and the source in the information dictionary near the end of the file."""
        end = end_of(path, 4 * TEXT_LIMIT)
        # A bracket within other strings is escaped with a backslash, so this is the beginning of our entry.
        source = end.rpartition(b"/gdsim (")[2][:TEXT_LIMIT]
        # Up to the closing bracket.
        literal = re.match(rb"(?:[^\\()]|\\.)*+", source, re.DOTALL)
        text = re.sub(rb"\\(.)", rb"\1", literal[0], flags=re.DOTALL) if literal else b""
        found = _PDF_SIZE.search(beginning_of(path)) or _PDF_SIZE.search(end)
        return FileInfo(text, _pixels(found), complete=end.endswith(b"%%EOF"))


class _Html(Format):
    """A page that plays the animation, which `gdsim.web` writes from the scene."""

    name = "html"
    kind = "page"
    element = "iframe"
    opaque_reason = "the player has a page of its own"
    signature = re.compile(_BEFORE + rb"(?:<!doctype\s+html\b|<html\b)", re.DOTALL | re.IGNORECASE)

    def write(self, frames: Frames, path: Path, options: EncodeOptions) -> None:
        raise NotImplementedError  # a page is made from a scene, not from frames

    def read(self, path: Path) -> FileInfo:
        """Read the source from a script element, which is never executed."""
        element = beginning_of(path).partition(b'id="gdsim-source"')[2]
        source = element.partition(b">")[2].partition(b"</script>")[0]
        return FileInfo(source.strip(), None, complete=end_of(path).lower().endswith(b"</html>"))


FORMATS = (_Svg(), _Pdf(), _Html())


def _pixels(points: re.Match[bytes] | None) -> tuple[int, int] | None:
    """Convert width and height from points, 72 per inch, to pixels, 96 per inch."""
    return (round(float(points[1]) * 96 / 72), round(float(points[2]) * 96 / 72)) if points else None
