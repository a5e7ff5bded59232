"""Lossless animated WebP through ffmpeg, with fewer colours at lower quality levels."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator
from html import unescape
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np

from gdsim.encode import ffmpeg
from gdsim.encode.formats import FileInfo, Format, gdsim_text, named_texts, open_image
from gdsim.encode.frames import EncodeOptions, Frame, FrameSource
from gdsim.encode.palette import Palette, choose_colors, palette_size
from gdsim.errors import InputError

_OPACITY_STEP = 17
"""Step of the 16 opacities from 0 to 255 if the number of colours is reduced."""

_LARGEST_READ = 2**28
_HAS_XMP, _HAS_ALPHA = 1 << 2, 1 << 4

_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:gdsim="urn:gdsim">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{Title}</rdf:li></rdf:Alt></dc:title>
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{Description}</rdf:li></rdf:Alt></dc:description>
<gdsim:source>{Source}</gdsim:source>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""


class Webp(Format):
    """A WebP; the hold of the last frame is rounded to a whole number of frames."""

    name = "webp"
    # Lossy WebP is larger than lossless WebP for flat fills, and blurs the colours of thin lines.
    quality_levels = ("all colours", "256 colours", "128 colours", "64 colours", "32 colours")
    signature = re.compile(rb"RIFF....WEBP", re.DOTALL)

    def write(self, frames: FrameSource, path: Path, options: EncodeOptions) -> None:
        """Write the file."""
        pictures: Iterable[Frame] = options.progress(frames)
        if options.quality_level:
            pictures = _with_few_colors(pictures, frames, options.quality_level)
        ffmpeg.encode(
            frames,
            pictures,
            path,
            options,
            pixel_format="rgba" if frames.transparent else "rgb24",
            filters="format=bgra",
            codec=f"libwebp_anim -lossless 1 -compression_level 1 -quality 25 -loop {int(not options.loop)}",
            texts={},
        )
        if options.provenance is not None:
            texts = {name: escape(text) for name, text in named_texts(options.provenance).items()}
            _add_xmp(path, _XMP.format(**texts).encode(), frames.size)

    def read(self, path: Path) -> FileInfo:
        """Read the size and the XMP packet, for which Pillow loads the whole file into memory."""
        if (length := path.stat().st_size) > _LARGEST_READ:
            raise InputError(f"{path}: has more than {_LARGEST_READ >> 20} MiB", code="too-large")
        with path.open("rb") as file:
            complete = 8 + struct.unpack("<4xI", file.read(8))[0] <= length
        if not complete:
            return FileInfo(None, None, complete=False)
        with open_image(path, "WEBP") as image:
            packet, size = bytes(image.info.get("xmp", b"")), image.size
        source = packet.partition(b"<gdsim:source>")[2].partition(b"</gdsim:source>")[0]
        return FileInfo(gdsim_text(unescape(source.decode("utf-8", "replace"))), size)


FORMATS = (Webp(),)


def _with_few_colors(pictures: Iterable[Frame], frames: FrameSource, quality_level: int) -> Iterator[Frame]:
    """Yield each picture in the colours of a palette, which makes a lossless file much smaller."""
    poster, keep = frames.poster(), frames.colors
    visible = poster[poster[..., 3] > 0][None] if frames.transparent else poster
    palette = Palette(choose_colors(visible[..., :3], keep, palette_size(keep, quality_level - 1)))
    colors = np.vstack([np.zeros((1, 3), np.uint8), palette.colors])
    for picture in pictures:
        indices = palette.indices(picture[..., :3].reshape(-1, 3))
        if not frames.transparent:
            yield colors[indices].reshape(picture.shape)
            continue
        opacity = np.rint(picture[..., 3] / _OPACITY_STEP).astype(np.uint8) * _OPACITY_STEP
        indices[opacity.ravel() == 0] = 0
        yield np.dstack([colors[indices].reshape(*picture.shape[:2], 3), opacity])


def _add_xmp(path: Path, packet: bytes, size: tuple[int, int]) -> None:
    chunk = b"XMP " + struct.pack("<I", len(packet)) + packet + b"\0" * (len(packet) % 2)
    with path.open("r+b") as file:
        content = file.read(21)
        if content[12:16] == b"VP8X":
            file.seek(20)
            file.write(bytes([content[20] | _HAS_XMP]))
        else:  # a file with a single picture has no extended header
            width, height = (struct.pack("<I", side - 1)[:3] for side in size)
            rest = content[12:] + file.read()
            file.seek(12)
            file.write(b"VP8X" + struct.pack("<I4B", 10, _HAS_XMP | _HAS_ALPHA, 0, 0, 0) + width + height + rest)
        file.seek(0, 2)
        file.write(chunk)
        length = file.tell() - 8
        file.seek(4)
        file.write(struct.pack("<I", length))
