"""Encode frames with the ffmpeg program, and read the metadata of videos without decoding them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from threading import Timer
from typing import IO, Any, cast

import imageio_ffmpeg

from gdsim.encode.formats import FileInfo, gdsim_text
from gdsim.encode.frames import EncodeOptions, Frame, FrameSource
from gdsim.errors import GdsimError
from gdsim.metadata import TEXT_LIMIT

_SPECIAL, _ESCAPED = re.compile(r"([=;#\\])"), re.compile(r"\\(.)", re.DOTALL)
_COMMENT = re.compile(r"^comment=((?:[^\\\n]|\\.)*)$", re.IGNORECASE | re.MULTILINE | re.DOTALL)
_SIZE = re.compile(rb"^(?:\[info\] )?  Stream #\S+ Video: .*?[, ](\d{1,5})x(\d{1,5})\b", re.MULTILINE)
_ERROR = re.compile(rb"^(?:\[[^]]* @ 0x[0-9a-f]+\] )?\[(?:error|fatal|panic)\]", re.MULTILINE)
_READ_SECONDS, _LOG_LIMIT = 20, 4 * TEXT_LIMIT


def encode(
    frames: FrameSource,
    pictures: Iterable[Frame],
    path: Path,
    options: EncodeOptions,
    *,
    pixel_format: str,
    filters: str,
    codec: str,
    texts: Mapping[str, str],
) -> None:
    """Write a file and hold its last picture.

    `pictures` are the frames as arrays in ffmpeg's `pixel_format`; `codec` includes its arguments; `texts` is the
    metadata by ffmpeg's names.
    """
    width, height = frames.size
    with TemporaryDirectory() as folder, TemporaryFile() as log:
        metadata = Path(folder, "metadata")  # long texts are not accepted as arguments
        escaped = {name: _SPECIAL.sub(r"\\\1", text) for name, text in texts.items()}
        lines = [";FFMETADATA1", *(f"{name}={text}" for name, text in escaped.items()), ""]
        metadata.write_text("\n".join(lines), "utf-8", newline="\n")
        command = [
            *("-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", pixel_format, "-s", f"{width}x{height}"),
            *("-r", str(options.fps), "-i", "-", "-f", "ffmetadata", "-i", f"file:{metadata}", "-map_metadata", "1"),
            *("-vf", f"{filters},tpad=stop_mode=clone:stop={round(options.hold * options.fps)}"),
            # Without random identifiers, so that the same frames produce the same file.
            *("-c:v", *codec.split(), "-fflags", "+bitexact", f"file:{path}"),
        ]
        # Messages go to a file, because a pipe that is not read could fill up and block both processes.
        with _start(command, stdin=subprocess.PIPE, stderr=log) as process:
            feed = cast("IO[bytes]", process.stdin)
            for number, picture in enumerate(pictures, 1):
                try:
                    feed.write(picture.data)
                except OSError:  # ffmpeg has ended; its exit status is checked below
                    break
                if options.max_bytes is not None and path.exists():
                    options.check_size(path.stat().st_size, number / len(frames))
            with suppress(OSError):
                feed.close()
            if process.wait() != 0:
                log.seek(0)
                # The first message is the cause of those that follow; the name of a component before it is removed.
                cause = re.sub(r"^(\[[^]]*] )+", "", log.readline(500).decode(errors="replace").strip())
                raise GdsimError(f"ffmpeg cannot write {path.suffix}: {cause or f'status {process.returncode}'}")


def read(path: Path, demuxer: str) -> FileInfo:
    """Read a video's comment and size; the fixed demuxer prevents a malicious file from opening other files."""
    # Copying all packets to the null muxer detects truncated files.
    command = [
        *(
            "-hide_banner",
            "-nostdin",
            "-nostats",
            "-loglevel",
            "level+info",
            "-protocol_whitelist",
            "file,pipe",
            "-f",
            demuxer,
        ),
        *("-i", f"file:{path.absolute()}", "-map_metadata", "0", "-f", "ffmetadata", "pipe:1"),
        *("-map", "0:v", "-c", "copy", "-f", "null", "-"),
    ]
    with TemporaryFile() as output, _start(command, stdout=output, stderr=subprocess.PIPE) as process:
        timer = Timer(_READ_SECONDS, process.kill)
        timer.start()
        log = cast("IO[bytes]", process.stderr).read(_LOG_LIMIT)
        if len(log) == _LOG_LIMIT:  # only a malicious file causes so many messages
            process.kill()
        complete = process.wait() == 0 and not _ERROR.search(log)
        timer.cancel()
        output.seek(0)
        comment = _COMMENT.search(output.read(TEXT_LIMIT).decode("utf-8", "replace"))
    size = _SIZE.search(log)
    text = gdsim_text(_ESCAPED.sub(r"\1", comment[1])) if comment else None
    return FileInfo(text, (int(size[1]), int(size[2])) if size else None, complete)


@contextmanager
def _start(arguments: list[str], **pipes: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Start ffmpeg in its own process group, so that only Python receives interrupts, and always terminate it."""
    try:
        command = [imageio_ffmpeg.get_ffmpeg_exe(), *arguments]
        process = subprocess.Popen(command, process_group=0, **pipes)  # noqa: S603
    except (OSError, RuntimeError) as error:
        message = f"ffmpeg cannot be started ({error}); get it with: pip install 'imageio[ffmpeg]'"
        raise GdsimError(message) from error
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stderr):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
