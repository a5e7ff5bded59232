"""MP4 and WebM, through ffmpeg."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from gdsim.encode import ffmpeg
from gdsim.encode.formats import FileInfo, Format, gdsim_text, named_texts
from gdsim.encode.frames import EncodeOptions, Frame, Frames
from gdsim.encode.yuv import planes, planes_and_opacity
from gdsim.errors import InputError

# Converted *and* tagged: without either, players take the colours for those of old television, or guess.
_TAGS = "setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709"

_NAMES = {"Title": "title", "Description": "description", "Source": "comment"}
"""Under which names MP4 and WebM store the metadata."""

_HEAD = 256
_SEGMENT, _UNKNOWN = b"\x18\x53\x80\x67\x01", 2**56 - 1
"""The name of the element that contains all of a WebM, with the first byte of its length, of which seven follow."""


class _Video(Format):
    """A video; the last frame is held for a whole number of frames."""

    element = "video"
    quality_levels = ("the best quality", "good quality", "fair quality", "low quality")
    demuxer: ClassVar[str]
    codec: ClassVar[str]
    opacity_codec: ClassVar[str] = ""
    crf: ClassVar[tuple[int, ...]]

    def write(self, frames: Frames, path: Path, options: EncodeOptions) -> None:
        """Write the file."""
        width, height = frames.size
        if width % 2 or height % 2:
            raise InputError(f".{self.name} needs even sizes, not {width} × {height}", code="unsupported")
        with ffmpeg.metadata_file({_NAMES[key]: text for key, text in named_texts(options.provenance).items()}) as meta:
            crf = ["-crf", str(self.crf[options.quality_level])]
            codec = [*(self.opacity_codec if frames.transparent else self.codec).split(), *crf]
            arguments = ffmpeg_arguments(
                frames, path, options, "yuva420p" if frames.transparent else "yuv420p", _TAGS, codec, meta
            )
            tracked = options.progress(frames)
            pictures = planes_and_opacity(tracked) if frames.transparent else planes(tracked)
            ffmpeg.encode(arguments, within_size(pictures, path, options, len(frames)), f".{self.name}")
        options.check_size(path.stat().st_size, 1.0)

    def read(self, path: Path) -> FileInfo:
        """Read the size and the comment."""
        texts, size, complete = ffmpeg.read_video(path, self.demuxer)
        return FileInfo(gdsim_text(texts.get("comment", "")), size, complete)


class Mp4(_Video):
    """An MP4."""

    name = "mp4"
    opaque_reason = "an MP4 has no transparency"
    signature = re.compile(rb"....ftyp", re.DOTALL)
    demuxer = "mp4"
    # Of the settings that keep thin lines as well as 4:2:0 can, those that cost least CPU, measured on curves
    # that grow over flat fills. A second thread would shorten the wait and raise the cost.
    codec = (
        "libx264 -preset veryfast -tune animation -threads 1 -x264-params subme=1:b-adapt=0:bframes=8 "
        "-movflags +faststart"
    )
    crf = (18, 23, 28, 33)


class Webm(_Video):
    """A WebM, in VP9."""

    name = "webm"
    signature = re.compile(rb"\x1a\x45\xdf\xa3")
    demuxer = "matroska"
    codec = "libvpx-vp9 -deadline realtime -cpu-used 6 -b:v 0 -threads 1"
    opacity_codec = f"{codec} -auto-alt-ref 0"
    crf = (20, 30, 40, 50)

    def read(self, path: Path) -> FileInfo:
        """Read the size and the comment; ffmpeg does not notice a file that ends between two packets."""
        with path.open("rb") as file:
            head = file.read(_HEAD)
        info, begin = super().read(path), head.find(_SEGMENT) + len(_SEGMENT) + 7
        length = int.from_bytes(head[begin - 7 : begin])
        cut = _SEGMENT in head and length != _UNKNOWN and begin + length > path.stat().st_size
        return replace(info, complete=info.complete and not cut)


FORMATS = (Mp4(), Webm())


def ffmpeg_arguments(
    frames: Frames, path: Path, options: EncodeOptions, form: str, filters: str, codec: list[str], metadata: str
) -> list[str]:
    """Return the arguments with which ffmpeg writes a file from raw pictures.

    Args:
        frames: What is shown.
        path: Where to write.
        options: How.
        form: The pixel format of the raw pictures.
        filters: The filters that they pass.
        codec: The codec and its arguments.
        metadata: The name of a metadata file.
    """
    width, height = frames.size
    return [
        *("-f", "rawvideo", "-pix_fmt", form, "-s", f"{width}x{height}", "-r", str(options.fps), "-i", "-"),
        *("-f", "ffmetadata", "-i", f"file:{metadata}", "-map_metadata", "1"),
        *("-vf", f"{filters},tpad=stop_mode=clone:stop={round(options.hold * options.fps)}"),
        # Without random names: the same frames are the same file.
        *("-c:v", *codec, "-fflags", "+bitexact", f"file:{path}"),
    ]


def within_size(pictures: Iterable[Frame], path: Path, options: EncodeOptions, count: int) -> Iterator[Frame]:
    """Yield the pictures until what ffmpeg has written of them is too large."""
    for number, picture in enumerate(pictures):
        yield picture
        if options.max_bytes is not None and path.exists():
            options.check_size(path.stat().st_size, (number + 1) / count)
