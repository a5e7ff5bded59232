"""MP4 and WebM, through the ffmpeg program."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from itertools import chain, repeat
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, ClassVar, cast

import imageio_ffmpeg

from gdsim.encode.formats import EncodeOptions, FileInfo, Format, named_texts
from gdsim.encode.pixels import planes, planes_and_opacity
from gdsim.encode.sequence import PictureSequence
from gdsim.errors import GdsimError, InputError
from gdsim.files import temporary_folder
from gdsim.interrupts import deferred, undone
from gdsim.metadata import TEXT_LIMIT

if TYPE_CHECKING:
    from gdsim.render import Frames

# Frames must be converted and tagged as BT.709; otherwise players assume BT.601, or guess.
_TAGS = "setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709"

_NAMES = {"Title": "title", "Description": "description", "Source": "comment"}  # of the metadata in MP4 and WebM

_SPECIAL, _ESCAPED = re.compile(r"([=;#\\])"), re.compile(rb"\\(.)", re.DOTALL)
_COMMENT = re.compile(rb"^comment=((?:[^\\\n]|\\.)*)$", re.IGNORECASE | re.MULTILINE | re.DOTALL)
_SIZE = re.compile(rb"^(?:\[info\] )?  Stream #\S+ Video: .*?[, ](\d{1,5})x(\d{1,5})\b", re.MULTILINE)
_ERROR = re.compile(rb"^(?:\[[^]]* @ 0x[0-9a-f]+\] )?\[(?:error|fatal|panic)\]", re.MULTILINE)
_READ_SECONDS, _END_SECONDS, _LOG_LIMIT = 20, 2, 4 * TEXT_LIMIT

# The id of the Segment element of a WebM, with the first of the eight bytes of its length.
_SEGMENT, _UNKNOWN_LENGTH = b"\x18\x53\x80\x67\x01", 2**56 - 1


class _Video(Format):
    """A video; times are rounded to whole numbers of frames."""

    element = "video"
    blends = 10
    quality_levels = ("the best quality", "good quality", "fair quality", "low quality")
    demuxer: ClassVar[str]
    codec: ClassVar[str]
    opacity_codec: ClassVar[str] = ""
    crf: ClassVar[tuple[int, ...]]

    def write(self, frames: Frames, path: Path, options: EncodeOptions) -> None:
        width, height = frames.size
        if width % 2 or height % 2:
            raise InputError(f".{self.name} needs even sizes, not {width} × {height}", code="unsupported")
        layout, codec = ("yuva420p", self.opacity_codec) if frames.transparent else ("yuv420p", self.codec)
        texts = {_NAMES[key]: _SPECIAL.sub(r"\\\1", text) for key, text in named_texts(options.provenance).items()}
        with temporary_folder() as folder:
            metadata = folder / "metadata"  # long texts are not accepted as arguments
            lines = [";FFMETADATA1", *(f"{name}={text}" for name, text in texts.items()), ""]
            metadata.write_text("\n".join(lines), "utf-8", newline="\n")
            command = [
                *("-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", layout, "-s", f"{width}x{height}"),
                *("-r", str(options.fps), "-i", "-", "-f", "ffmetadata", "-i", f"file:{metadata}"),
                *("-vf", _TAGS),
                *("-map_metadata", "1", "-c:v", *codec.split(), "-crf", str(self.crf[options.quality_level])),
                # Without random identifiers, so that the same frames produce the same file.
                *("-fflags", "+bitexact", f"file:{path}"),
            ]
            _encode(command, PictureSequence(frames, options, self.blends), frames.transparent, path, options)

    def read(self, path: Path) -> FileInfo:
        """Read the size and the comment; the fixed demuxer prevents a malicious file from opening other files."""
        command = [
            *("-hide_banner", "-nostdin", "-nostats", "-loglevel", "level+info", "-protocol_whitelist", "file,pipe"),
            *("-f", self.demuxer, "-i", f"file:{path.absolute()}"),
            *("-map_metadata", "0", "-f", "ffmetadata", "pipe:1"),
            # Copying all packets to the null muxer detects truncated files.
            *("-map", "0:v", "-c", "copy", "-f", "null", "-"),
        ]
        with TemporaryFile() as output, TemporaryFile() as log:
            with _start(command, stdout=output, stderr=log) as process, suppress(subprocess.TimeoutExpired):
                process.wait(_READ_SECONDS)
            output.seek(0)
            log.seek(0)
            messages, comment = log.read(_LOG_LIMIT), _COMMENT.search(output.read(TEXT_LIMIT))
        size = _SIZE.search(messages)
        return FileInfo(
            _ESCAPED.sub(rb"\1", comment[1]) if comment else b"",
            (int(size[1]), int(size[2])) if size else None,
            complete=process.returncode == 0 and not _ERROR.search(messages),
        )


class _Mp4(_Video):
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


class _Webm(_Video):
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


FORMATS = (_Mp4(), _Webm())


def _encode(
    command: list[str], sequence: PictureSequence, transparent: bool, path: Path, options: EncodeOptions
) -> None:
    shown = chain.from_iterable(map(repeat, sequence, sequence.ticks))
    pictures = planes_and_opacity(shown) if transparent else planes(shown)
    # Messages go to a file, because a pipe that is not read could fill up and block both processes.
    with TemporaryFile() as log, _start(command, stdin=subprocess.PIPE, stderr=log) as process:
        feed = cast("IO[bytes]", process.stdin)
        for picture in pictures:
            try:
                feed.write(picture.data)
            except OSError:  # ffmpeg has ended; its exit status is checked below
                break
            if path.exists():
                options.check_size(path.stat().st_size)
        process.communicate()
        if process.returncode != 0:
            log.seek(0)
            # The first message is the cause of those that follow; the name of a component before it is removed.
            cause = re.sub(r"^(\[[^]]*] )+", "", log.readline(500).decode(errors="replace").strip())
            status = process.returncode
            ended = f"status {status}" if status > 0 else f"it was stopped by {signal.Signals(-status).name}"
            raise GdsimError(f"ffmpeg cannot write {path.suffix}: {cause or ended}")


def ffmpeg_version() -> str:
    """Return the version of the ffmpeg program; raise a GdsimError if it cannot be started."""
    with _start(["-version"], stdout=subprocess.PIPE) as process:
        return cast(IO[bytes], process.stdout).read().decode().split()[2]


@contextmanager
def _start(arguments: list[str], **files: IO[bytes] | int) -> Iterator[subprocess.Popen[bytes]]:
    """Start ffmpeg in its own process group, so that only Python receives interrupts, and always terminate it."""
    with ExitStack() as stack:
        with deferred():
            try:
                command = [imageio_ffmpeg.get_ffmpeg_exe(), *arguments]
                # Signals that Python ignores stay ignored: at a limit of file sizes, ffmpeg says so instead of ending.
                process = subprocess.Popen(  # type: ignore[call-overload]  # noqa: S603
                    command, process_group=0, restore_signals=False, **files
                )
            except (OSError, RuntimeError) as error:
                message = f"ffmpeg cannot be started ({error}); get it with: pip install 'imageio[ffmpeg]'"
                raise GdsimError(message) from error
            stack.enter_context(undone(lambda: _end(process)))
        yield process


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    # An interrupt of `communicate` has left its lock taken, for which another call would wait without end.
    with suppress(subprocess.TimeoutExpired):
        process.wait(_END_SECONDS)
        process.communicate()
