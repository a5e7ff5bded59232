"""Lossless animated WebP, with fewer colours at lower quality levels."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

import numpy as np
from PIL import Image

from gdsim.encode.formats import EncodeOptions, FileInfo, Format, element_text, image_info, named_texts
from gdsim.encode.pixels import Frame, Palette
from gdsim.errors import InputError

if TYPE_CHECKING:
    from gdsim.render import Frames

_OPACITY_STEP = 17
"""Step of the 16 opacities from 0 to 255 if the number of colours is reduced."""

_LARGEST_READ = 2**28
_NO_KEY_FRAMES = 2**31 - 1

_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:gdsim="urn:gdsim">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{Title}</rdf:li></rdf:Alt></dc:title>
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{Description}</rdf:li></rdf:Alt></dc:description>
<gdsim:source>{Source}</gdsim:source>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""


class Webp(Format):
    """A lossless WebP."""

    name = "webp"
    # Lossy WebP is larger than lossless WebP for flat fills, and blurs the colours of thin lines.
    quality_levels = ("all colours", "256 colours", "128 colours", "64 colours", "32 colours")
    signature = re.compile(rb"RIFF....WEBP", re.DOTALL)

    def write(self, frames: Frames, path: Path, options: EncodeOptions) -> None:
        """Write the file."""
        pictures = iter(options.progress(frames))
        if options.quality_level:
            pictures = _with_few_colors(pictures, frames, options.quality_level)
        texts = {name: escape(text) for name, text in named_texts(options.provenance).items()}
        durations = [1000 / options.fps] * len(frames)
        durations[-1] += 1000 * options.hold
        first = Image.fromarray(next(pictures))
        with path.open("wb") as file:
            first.save(
                file,
                "WEBP",
                save_all=True,
                append_images=[_Sequence(pictures, len(frames) - 1)],
                lossless=True,
                method=1,
                quality=25,
                kmin=_NO_KEY_FRAMES - 1,
                kmax=_NO_KEY_FRAMES,
                duration=durations,
                loop=int(not options.loop),
                xmp=_XMP.format(**texts).encode() if texts else b"",
            )

    def read(self, path: Path) -> FileInfo:
        """Read the size and the XMP packet, for which Pillow loads the whole file into memory."""
        if (length := path.stat().st_size) > _LARGEST_READ:
            raise InputError(f"{path}: has more than {_LARGEST_READ >> 20} MiB", code="too-large")
        with path.open("rb") as file:
            declared = 8 + struct.unpack("<4xI", file.read(8))[0]
        if declared > length:
            raise EOFError
        info, size = image_info(path, "WEBP")
        return FileInfo(element_text(bytes(info.get("xmp", b"")), b"gdsim:source"), size)


FORMATS = (Webp(),)


def _with_few_colors(pictures: Iterable[Frame], frames: Frames, quality_level: int) -> Iterator[Frame]:
    """Yield each picture in the colours of a palette, which makes a lossless file much smaller."""
    poster = frames.poster()
    visible = poster[poster[..., 3] > 0] if frames.transparent else poster
    palette = Palette(visible[..., :3], frames.colors, quality_level - 1)
    colors = np.vstack([np.zeros((1, 3), np.uint8), palette.colors])
    for picture in pictures:
        indices = palette.indices(picture[..., :3].reshape(-1, 3))
        if not frames.transparent:
            yield colors[indices].reshape(picture.shape)
            continue
        opacity = np.rint(picture[..., 3] / _OPACITY_STEP).astype(np.uint8) * _OPACITY_STEP
        indices[opacity.ravel() == 0] = 0
        yield np.dstack([colors[indices].reshape(*picture.shape[:2], 3), opacity])


class _Sequence:
    """An image for Pillow whose frames are made when it seeks them, in order, so that only one is in memory."""

    def __init__(self, pictures: Iterator[Frame], count: int) -> None:
        self._pictures, self.n_frames = pictures, count

    def seek(self, _frame: int) -> None:
        self._image = Image.fromarray(next(self._pictures))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._image, name)
