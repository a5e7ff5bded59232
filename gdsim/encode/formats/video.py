"""MP4 and WebM, through ffmpeg."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from gdsim.encode import ffmpeg
from gdsim.encode.formats import FileInfo, Format, named_texts
from gdsim.encode.frames import EncodeOptions, FrameSource
from gdsim.encode.yuv import planes, planes_and_opacity
from gdsim.errors import InputError

# Frames must be converted and tagged as BT.709; otherwise players assume BT.601, or guess.
_TAGS = "setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709"

_NAMES = {"Title": "title", "Description": "description", "Source": "comment"}
"""The names under which MP4 and WebM store the metadata."""

# The id of the Segment element of a WebM, with the first of the eight bytes of its length.
_SEGMENT, _UNKNOWN_LENGTH = b"\x18\x53\x80\x67\x01", 2**56 - 1


class _Video(Format):
    """A video; the hold of the last frame is rounded to a whole number of frames."""

    element = "video"
    quality_levels = ("the best quality", "good quality", "fair quality", "low quality")
    demuxer: ClassVar[str]
    codec: ClassVar[str]
    opacity_codec: ClassVar[str] = ""
    crf: ClassVar[tuple[int, ...]]

    def write(self, frames: FrameSource, path: Path, options: EncodeOptions) -> None:
        """Write the file."""
        width, height = frames.size
        if width % 2 or height % 2:
            raise InputError(f".{self.name} needs even sizes, not {width} × {height}", code="unsupported")
        shown = options.progress(frames)
        ffmpeg.encode(
            frames,
            planes_and_opacity(shown) if frames.transparent else planes(shown),
            path,
            options,
            pixel_format="yuva420p" if frames.transparent else "yuv420p",
            filters=_TAGS,
            codec=f"{self.opacity_codec if frames.transparent else self.codec} -crf {self.crf[options.quality_level]}",
            texts={_NAMES[key]: text for key, text in named_texts(options.provenance).items()},
        )

    def read(self, path: Path) -> FileInfo:
        """Read the size and the comment."""
        return ffmpeg.read(path, self.demuxer)


class Mp4(_Video):
    """An MP4."""

    name = "mp4"
    opaque_reason = "an MP4 has no transparency"
    signature = re.compile(rb"....ftyp", re.DOTALL)
    demuxer = "mp4"
    # The fastest settings that preserve thin lines as well as 4:2:0 allows, measured on curves
    # that grow over flat fills. A second thread would reduce the time but increase the total CPU time.
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
        """Read the size and the comment, and detect a file truncated between two packets, which ffmpeg accepts."""
        with path.open("rb") as file:
            head = file.read(256)
        info, begin = super().read(path), head.find(_SEGMENT) + len(_SEGMENT) + 7
        length = int.from_bytes(head[begin - 7 : begin])
        cut = _SEGMENT in head and length != _UNKNOWN_LENGTH and begin + length > path.stat().st_size
        return replace(info, complete=info.complete and not cut)


FORMATS = (Mp4(), Webm())
