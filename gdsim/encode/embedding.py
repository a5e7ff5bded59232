"""How a picture was made → the words of each format that say so."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape

from PIL.PngImagePlugin import PngInfo

from gdsim.metadata import Provenance

__all__ = ["ffmetadata", "gif_comment", "png_texts", "vector_texts", "xmp"]

_SPECIAL, _ESCAPED = re.compile(r"([=;#\\])"), r"\\\1"

_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:gdsim="urn:gdsim">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{description}</rdf:li></rdf:Alt></dc:description>
<gdsim:source>{source}</gdsim:source>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""


def gif_comment(provenance: Provenance) -> bytes:
    """Return a comment block, whose words come in pieces of at most 255 bytes."""
    words = provenance.to_json().encode()
    pieces = (words[begin : begin + 255] for begin in range(0, len(words), 255))
    return b"!\xfe" + b"".join(bytes([len(piece)]) + piece for piece in pieces) + b"\x00"


def png_texts(provenance: Provenance | None) -> PngInfo:
    """Return the text chunks of a PNG; none where nothing is known."""
    texts = PngInfo()
    if provenance is not None:
        texts.add_itxt("Title", _line(provenance.title))
        texts.add_itxt("Description", _line(provenance.alt_text))
        # Not compressed: readers take packed words of a megabyte for an attack.
        texts.add_text("gdsim", provenance.to_json())
    return texts


def ffmetadata(provenance: Provenance) -> str:
    """Return a file of words for ffmpeg, by names that MP4 and WebM know; an argument would be too short for them."""
    named = {
        "title": _line(provenance.title),
        "description": _line(provenance.alt_text),
        "comment": provenance.to_json(),
    }
    lines = (f"{name}={_SPECIAL.sub(_ESCAPED, words)}\n" for name, words in named.items())
    return ";FFMETADATA1\n" + "".join(lines)


def xmp(provenance: Provenance) -> bytes:
    """Return the packet of XML that a WebP may have."""
    return _XMP.format(
        title=escape(_line(provenance.title)),
        description=escape(_line(provenance.alt_text)),
        source=escape(provenance.to_json()),
    ).encode()


def vector_texts(provenance: Provenance | None) -> dict[str, str]:
    """Return what `Frames.save_poster` is to say in an SVG or PDF, by name; nothing where nothing is known."""
    if provenance is None:
        return {}
    return {
        "Title": _line(provenance.title),
        "Description": _line(provenance.alt_text),
        "Source": provenance.to_json(),
    }


def _line(text: str) -> str:
    """Return a text in one line of characters that stand for themselves: no format takes all others."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
