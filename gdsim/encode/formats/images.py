"""GIF, PNG, animated PNG and WebP, written frame by frame; GIF and PNG store only the changed rectangle of a frame."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from warnings import catch_warnings

import numpy as np
from PIL import Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from gdsim.encode.formats import EncodeOptions, FileInfo, Format, Kind, beginning_of, element_text, end_of, named_texts
from gdsim.encode.pixels import UNCHANGED, Frame, Palette, changed_rectangles
from gdsim.encode.sequence import PictureSequence
from gdsim.errors import InputError
from gdsim.metadata import TEXT_START, Provenance

if TYPE_CHECKING:
    from gdsim.render import Frames

_LONGEST_GIF_DELAY = 65535  # maximum delay, in hundredths of a second as all times in a GIF
_GIF_LOOP = b"!\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"
_GIF_COMMENT, _GIF_CONTROL, _GIF_IMAGE = b"!\xfe", b"!\xf9\x04", b","

_PNG_RGBA = (8, 6, 0, 0, 0)
_PNG_BLENDING = (0, 1)  # keep what is below a frame, and put the frame over it
_PNG_KEY = "gdsim"

_OPACITY_STEP = 17  # step of the 16 opacities from 0 to 255 if the number of colours is reduced

_LARGEST_WEBP = 2**28
_NO_KEY_FRAMES = 2**31 - 1

_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:gdsim="urn:gdsim">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{Title}</rdf:li></rdf:Alt></dc:title>
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{Description}</rdf:li></rdf:Alt></dc:description>
<gdsim:source>{Source}</gdsim:source>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""


class _Gif(Format):
    """A GIF; a repeated frame extends the delay, and delays alternate if `fps` does not divide 100."""

    name = "gif"
    opaque_reason = "a GIF has no partial transparency, so that type and lines would get a fringe"
    quality_levels = ("256 colours", "128 colours", "64 colours", "32 colours")
    signature = re.compile(rb"GIF8[79]a")

    def write(self, frames: Frames, path: Path, options: EncodeOptions) -> None:
        palette = Palette(frames.poster(), frames.colors, options.quality_level)
        bits = palette.bits
        with path.open("wb") as file:
            colors = np.zeros((1 << bits, 3), np.uint8)
            colors[1 : 1 + len(palette.colors)] = palette.colors
            file.write(b"GIF89a" + struct.pack("<HHBBB", *frames.size, 0b1111_0000 | bits - 1, 0, 0) + colors.tobytes())
            if options.loop:
                file.write(_GIF_LOOP)
            if options.provenance is not None:
                text = options.provenance.to_json().encode()
                pieces = [text[begin : begin + 255] for begin in range(0, len(text), 255)]
                file.write(_GIF_COMMENT + b"".join(bytes([len(piece)]) + piece for piece in pieces) + b"\x00")
            pictures = PictureSequence(frames, options, self.blends)
            patches = changed_rectangles(pictures, palette.indices, palette.differ)
            images = (_gif_image(*patch, bits) if patch else None for patch in patches)
            unchanged = _gif_image(0, 0, np.full((1, 1), UNCHANGED, np.uint8), bits)
            for index, (image, delay) in enumerate(_timed(images, pictures.seconds)):
                file.write(_gif_control(delay, transparent=index > 0) + image)
                for begin in range(_LONGEST_GIF_DELAY, delay, _LONGEST_GIF_DELAY):
                    file.write(_gif_control(delay - begin, transparent=True) + unchanged)
                options.check_size(file.tell())
            file.write(b";")

    def read(self, path: Path) -> FileInfo:
        """Read the size, and the comment in pieces after their lengths.

        Pillow also reads comments, but joins them in time quadratic in their length.
        """
        content, text = beginning_of(path), bytearray()
        width, height = struct.unpack_from("<6x2H", content)
        at = content.find(TEXT_START) - 1
        while 0 <= at < len(content) and (count := content[at]):
            text += content[at + 1 : at + 1 + count]
            at += 1 + count
        return FileInfo(bytes(text), (width, height), complete=end_of(path).endswith(b";"))


class _Png(Format):
    """A PNG of the last frame."""

    name = "png"
    kind: ClassVar[Kind] = "poster"
    signature = re.compile(rb"\x89PNG\r\n\x1a\n")

    def write(self, frames: Frames, path: Path, options: EncodeOptions) -> None:
        Image.fromarray(frames.poster()).save(path, "PNG", pnginfo=_png_texts(options.provenance))

    def read(self, path: Path) -> FileInfo:
        """Read the size and the text chunks before the picture."""
        info, size = _image_info(path, "PNG")
        return FileInfo(str(info.get(_PNG_KEY, "")).encode(), size, complete=_png_chunk(b"IEND", b"") in end_of(path))


class _Apng(_Png):
    """An animated PNG; the hold of the last frame is rounded to a whole number of frames."""

    name = "apng"
    kind: ClassVar[Kind] = "animation"
    opaque_reason = "of an APNG's frames each is put over the one before, which shows through"
    quality_levels = ("all colours",)

    def write(self, frames: Frames, path: Path, options: EncodeOptions) -> None:
        pictures = PictureSequence(frames, options, self.blends)
        ticks = pictures.ticks
        with path.open("wb") as file:
            file.write(b"\x89PNG\r\n\x1a\n")
            file.write(_png_chunk(b"IHDR", struct.pack(">2I5B", *frames.size, *_PNG_RGBA)))
            file.write(_png_chunk(b"acTL", struct.pack(">2I", len(pictures), 0 if options.loop else 1)))
            for kind, content, *_ in _png_texts(options.provenance).chunks:
                file.write(_png_chunk(kind, content))
            for number, changed in enumerate(changed_rectangles(pictures, _opaque)):
                left, top, patch = changed or (0, 0, np.full((1, 1, 4), UNCHANGED, np.uint8))
                box = (patch.shape[1], patch.shape[0], left, top)
                control = struct.pack(
                    ">5I2H2B", max(0, 2 * number - 1), *box, ticks[number], options.fps, *_PNG_BLENDING
                )
                file.write(_png_chunk(b"fcTL", control))
                kind, numbered = (b"fdAT", struct.pack(">I", 2 * number)) if number else (b"IDAT", b"")
                file.write(_png_chunk(kind, numbered + _png_rows(patch)))
                options.check_size(file.tell())
            file.write(_png_chunk(b"IEND", b""))


class _Webp(Format):
    """A lossless WebP."""

    name = "webp"
    # Lossy WebP is larger than lossless WebP for flat fills, and blurs the colours of thin lines.
    quality_levels = ("all colours", "256 colours", "128 colours", "64 colours", "32 colours")
    signature = re.compile(rb"RIFF....WEBP", re.DOTALL)

    def write(self, frames: Frames, path: Path, options: EncodeOptions) -> None:
        sequence = PictureSequence(frames, options, self.blends)
        pictures = iter(sequence)
        if options.quality_level:
            pictures = _with_few_colors(pictures, frames, options.quality_level)
        texts = {name: escape(text, quote=False) for name, text in named_texts(options.provenance).items()}
        first = Image.fromarray(next(pictures))
        with path.open("wb") as file:
            first.save(
                file,
                "WEBP",
                save_all=True,
                append_images=[_Sequence(first, pictures, len(sequence) - 1)],
                lossless=True,
                method=1,
                quality=25,
                kmin=_NO_KEY_FRAMES - 1,
                kmax=_NO_KEY_FRAMES,
                duration=[1000 * seconds for seconds in sequence.seconds],
                loop=int(not options.loop),
                xmp=_XMP.format(**texts).encode() if texts else b"",
            )

    def read(self, path: Path) -> FileInfo:
        """Read the size and the XMP packet, for which Pillow loads the whole file into memory."""
        if (length := path.stat().st_size) > _LARGEST_WEBP:
            raise InputError(f"{path}: has more than {_LARGEST_WEBP >> 20} MiB", code="too-large")
        with path.open("rb") as file:
            declared = 8 + struct.unpack("<4xI", file.read(8))[0]
        if declared > length:
            raise EOFError
        info, size = _image_info(path, "WEBP")
        return FileInfo(element_text(bytes(info.get("xmp", b"")), b"gdsim:source"), size)


FORMATS = (_Gif(), _Png(), _Apng(), _Webp())


def _gif_image(left: int, top: int, indices: Frame, bits: int) -> bytes:
    """Return the block of an image, whose palette indices (h, w) have at most `bits` bits."""
    position = struct.pack("<4HB", left, top, *indices.shape[::-1], 0)
    return _GIF_IMAGE + position + bytes([bits]) + Image.fromarray(indices).tobytes("gif", "L", bits) + b"\x00"


def _gif_control(delay: int, *, transparent: bool) -> bytes:
    """Return the block that shows the image after it for a delay, at most the longest, and keeps what is below it."""
    keep_below = 1 << 2
    return _GIF_CONTROL + struct.pack("<BHBx", keep_below | transparent, min(delay, _LONGEST_GIF_DELAY), UNCHANGED)


def _timed(images: Iterable[bytes | None], seconds: Sequence[float]) -> Iterator[tuple[bytes, int]]:
    """Yield each image with its delay, which includes the time of unchanged pictures after it."""
    shown, since = b"", 0
    for image, begin in zip(images, np.cumsum([0.0, *seconds]), strict=False):
        if image:
            now = round(100 * float(begin))
            if shown:
                yield shown, now - since
            shown, since = image, now
    yield shown, round(100 * sum(seconds)) - since


def _png_texts(provenance: Provenance | None) -> PngInfo:
    texts = PngInfo()
    for name, text in named_texts(provenance).items():
        if name == "Source":
            # Not compressed, because readers reject compressed text that expands to a megabyte.
            texts.add_text(_PNG_KEY, text)
        else:
            texts.add_itxt(name, text)
    return texts


def _opaque(colors: Frame) -> Frame:
    return np.concatenate([colors, np.full((len(colors), 1), 255, np.uint8)], 1)


def _png_rows(patch: Frame) -> bytes:
    """Return the rows of (h, w, 4), each with filter type 0, as a zlib stream."""
    height, width, _ = patch.shape
    rows = np.zeros((height, 1 + 4 * width), np.uint8)
    rows[:, 1:] = patch.reshape(height, 4 * width)
    return zlib.compress(rows.data)


def _png_chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(content, zlib.crc32(kind))
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


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

    def __init__(self, first: Image.Image, pictures: Iterator[Frame], count: int) -> None:
        self._image, self._pictures, self.n_frames = first, pictures, count

    def seek(self, _frame: int) -> None:
        self._image = Image.fromarray(next(self._pictures))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._image, name)


def _image_info(path: Path, name: str) -> tuple[dict[str | tuple[int, int], Any], tuple[int, int]]:
    """Return an image's metadata and size as Pillow reads them; raise EOFError if it is damaged or too large."""
    try:
        with catch_warnings(action="error", category=Image.DecompressionBombWarning), path.open("rb") as file:
            image = Image.open(file, formats=[name])
            return image.info, image.size
    except (UnidentifiedImageError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise EOFError from error
