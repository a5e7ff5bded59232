"""Frames → a video, through the ffmpeg that comes with imageio-ffmpeg."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import PIPE, Popen
from tempfile import TemporaryFile
from typing import IO, cast

import imageio_ffmpeg

from gdsim.encode.frames import Frame, Frames, Track
from gdsim.encode.planes import planes
from gdsim.errors import GdsimError, InputError

__all__ = ["CODECS", "write_video"]

# Converted *and* tagged: without either, players take the colours for those of old television, or guess.
_TAGS = "setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709"

# Of the settings that keep thin lines as well as 4:2:0 can, those that cost least CPU, measured on curves
# that grow over flat fills. A second thread would shorten the wait and raise the bill.
_X264 = "-preset veryfast -tune animation -crf 18 -threads 1 -x264-params subme=1:b-adapt=0:bframes=8"

CODECS = {
    ".mp4": ("yuv420p", _TAGS, f"libx264 {_X264} -movflags +faststart"),
    ".webm": ("yuv420p", _TAGS, "libvpx-vp9 -deadline realtime -cpu-used 6 -crf 20 -b:v 0 -threads 1"),
    ".webp": ("rgb24", "format=bgra", "libwebp_anim -lossless 1 -compression_level 1 -quality 25 -loop 0"),
}
"""By suffix: the form in which pictures are handed over, the filter they pass, and the codec with its arguments."""


def write_video(frames: Frames, path: Path, *, fps: int, hold: float, track: Track) -> None:
    """Write a video in the codec that the suffix of `path` stands for, holding one frame at a time.

    Args:
        frames: What to show; MP4 and WebM take even sizes only.
        path: Where to write.
        fps: Frames a second.
        hold: How much longer the last frame stays, in seconds; rounded to whole frames.
        track: Wraps the iterable of frames.

    Raises:
        InputError: A size is odd that must be even.
        GdsimError: There is no ffmpeg, or it failed.
    """
    form, filters, codec = CODECS[path.suffix.lower()]
    width, height = frames.size
    if form == "yuv420p" and (width % 2 or height % 2):
        raise InputError(f"{path.suffix} takes even sizes only, not {width} × {height}")
    arguments = [
        *("-f", "rawvideo", "-pix_fmt", form, "-s", f"{width}x{height}", "-r", str(fps), "-i", "-"),
        *("-vf", f"{filters},tpad=stop_mode=clone:stop={round(hold * fps)}", "-c:v", *codec.split()),
        f"file:{path}",
    ]
    with TemporaryFile() as words, _ffmpeg(arguments, words) as (ffmpeg, feed):
        pictures = planes(track(frames)) if form == "yuv420p" else track(frames)
        _hand_over(pictures, feed)
        if ffmpeg.wait() != 0:
            raise GdsimError(f"ffmpeg cannot write {path.suffix}: {_cause(words) or f'status {ffmpeg.returncode}'}")


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
