"""Frames → a video, through the ffmpeg that comes with imageio-ffmpeg."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import PIPE, Popen
from tempfile import NamedTemporaryFile, TemporaryFile
from typing import IO, cast

import imageio_ffmpeg

from gdsim.encode.embedding import ffmetadata, xmp
from gdsim.encode.frames import Frame, Frames
from gdsim.encode.options import EncodeOptions
from gdsim.encode.webp import add_words, with_few_colors
from gdsim.encode.yuv import planes, planes_and_opacity
from gdsim.errors import GdsimError, InputError

__all__ = ["CODECS", "CRF", "write_video"]

# Converted *and* tagged: without either, players take the colours for those of old television, or guess.
_TAGS = "setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709"

# Of the settings that keep thin lines as well as 4:2:0 can, those that cost least CPU, measured on curves
# that grow over flat fills. A second thread would shorten the wait and raise the bill.
_X264 = "-preset veryfast -tune animation -crf 18 -threads 1 -x264-params subme=1:b-adapt=0:bframes=8"

_VP9 = "-deadline realtime -cpu-used 6 -b:v 0 -threads 1"

CODECS = {
    ".mp4": ("yuv420p", _TAGS, f"libx264 {_X264} -movflags +faststart"),
    ".webm": ("yuv420p", _TAGS, f"libvpx-vp9 {_VP9}"),
    ".webp": ("rgb24", "format=bgra", "libwebp_anim -lossless 1 -compression_level 1 -quality 25"),
}
"""By suffix: the form in which pictures are handed over, the filter they pass, and the codec with its arguments."""

_SEE_THROUGH = {
    ".webm": ("yuva420p", _TAGS, f"libvpx-vp9 {_VP9} -auto-alt-ref 0"),
    ".webp": ("rgba", "format=bgra", CODECS[".webp"][2]),
}
"""The same where pictures have an opacity."""

CRF = {".mp4": (18, 23, 28, 33), ".webm": (20, 30, 40, 50)}
"""By suffix: the coarseness of each stage, on the codec's own scale."""


def write_video(frames: Frames, path: Path, manner: EncodeOptions) -> None:
    """Write a video in the codec that the suffix of `path` stands for, holding one frame at a time.

    The last frame is held for whole frames.

    Args:
        frames: What to show; MP4 and WebM take even sizes only.
        path: Where to write.
        manner: How.

    Raises:
        InputError: A size is odd that must be even.
        TooLargeError: It has more bytes than wanted.
        GdsimError: There is no ffmpeg, or it failed.
    """
    suffix, (width, height) = path.suffix.lower(), frames.size
    if suffix in CRF and (width % 2 or height % 2):
        raise InputError(f"{path.suffix} takes even sizes only, not {width} × {height}")
    with NamedTemporaryFile("w", encoding="utf-8", suffix=".ffmeta") as told, TemporaryFile() as words:
        if manner.provenance is not None and suffix in CRF:
            told.write(ffmetadata(manner.provenance))
        else:
            told.write(";FFMETADATA1\n")
        told.flush()
        with _ffmpeg(_arguments(frames, path, manner, told.name), words) as (ffmpeg, feed):
            _hand_over(_watched(_pictures(frames, suffix, manner), path, manner, len(frames)), feed)
            if ffmpeg.wait() != 0:
                raise GdsimError(f"ffmpeg cannot write {path.suffix}: {_cause(words) or f'status {ffmpeg.returncode}'}")
    if manner.provenance is not None and suffix == ".webp":
        add_words(path, xmp(manner.provenance), frames.size)
    manner.check(path.stat().st_size, 1.0)


def _arguments(frames: Frames, path: Path, manner: EncodeOptions, told: str) -> list[str]:
    """What ffmpeg is to do, the words about the video being in the file `told`."""
    suffix, (width, height) = path.suffix.lower(), frames.size
    form, filters, codec = (_SEE_THROUGH if frames.transparent else CODECS)[suffix]
    stage = ["-crf", str(CRF[suffix][manner.quality_level])] if suffix in CRF else ["-loop", str(int(not manner.loop))]
    return [
        *("-f", "rawvideo", "-pix_fmt", form, "-s", f"{width}x{height}", "-r", str(manner.fps), "-i", "-"),
        *("-f", "ffmetadata", "-i", f"file:{told}", "-map_metadata", "1"),
        *("-vf", f"{filters},tpad=stop_mode=clone:stop={round(manner.hold * manner.fps)}"),
        # Without random names: the same frames are the same file.
        *("-c:v", *codec.split(), *stage, "-fflags", "+bitexact", f"file:{path}"),
    ]


def _pictures(frames: Frames, suffix: str, manner: EncodeOptions) -> Iterable[Frame]:
    """The frames in the form in which they are handed over."""
    tracked = manner.progress(frames)
    if suffix in CRF:
        return planes_and_opacity(tracked) if frames.transparent else planes(tracked)
    return with_few_colors(tracked, frames, manner.quality_level) if manner.quality_level else tracked


def _watched(pictures: Iterable[Frame], path: Path, manner: EncodeOptions, count: int) -> Iterator[Frame]:
    """Yield the pictures until what ffmpeg has written of them is too large."""
    for number, picture in enumerate(pictures):
        yield picture
        if manner.max_bytes is not None and path.exists():
            manner.check(path.stat().st_size, (number + 1) / count)


@contextmanager
def _ffmpeg(arguments: list[str], words: IO[bytes]) -> Iterator[tuple[Popen[bytes], IO[bytes]]]:
    """Start ffmpeg, give it and the pipe that feeds it, and leave neither behind, whatever happens.

    Its words go to a file, for a pipe that nobody empties could fill up and stop both sides. It has a process
    group of its own, so that an interrupt from the keyboard reaches Python alone, which then ends it.
    """
    try:
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-y", *arguments]
        ffmpeg = Popen(command, stdin=PIPE, stderr=words, process_group=0)  # noqa: S603
    except (OSError, RuntimeError) as error:
        raise GdsimError(f"ffmpeg cannot be started ({error}); get it with: pip install imageio-ffmpeg") from error
    feed = cast("IO[bytes]", ffmpeg.stdin)
    try:
        yield ffmpeg, feed
    finally:
        ffmpeg.kill()
        ffmpeg.wait()
        with suppress(OSError):
            feed.close()


def _hand_over(frames: Iterable[Frame], feed: IO[bytes]) -> None:
    """Write all frames and close the pipe, or stop where ffmpeg takes no more: its status then says so."""
    for frame in frames:
        try:
            feed.write(frame.data)
        except OSError:
            break
    with suppress(OSError):
        feed.close()


def _cause(words: IO[bytes]) -> str:
    """Return the first line of ffmpeg's words, without the part of ffmpeg that speaks.

    The first is the cause; those that follow are what each further part makes of it.
    """
    words.seek(0)
    first = words.readline(500).decode(errors="replace").strip()
    return re.sub(r"^(\[[^]]*] )+", "", first)
