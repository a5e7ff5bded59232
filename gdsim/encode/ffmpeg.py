"""The ffmpeg program: frames in, a file out; and what it reads in a video, without decoding any picture."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from threading import Timer
from typing import IO, Any, cast

import imageio_ffmpeg

from gdsim.encode.frames import Frame
from gdsim.errors import GdsimError
from gdsim.metadata import TEXT_LIMIT

__all__ = ["encode", "metadata_file", "read_video"]

_HEADER = ";FFMETADATA1\n"
_SPECIAL = re.compile(r"([=;#\\\n])")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_SIZE = re.compile(rb"^(?:\[info\] )?  Stream #\S+ Video: .*?[, ](\d{1,5})x(\d{1,5})\b", re.MULTILINE)
_ERROR = re.compile(rb"^(?:\[[^]]* @ 0x[0-9a-f]+\] )?\[(?:error|fatal|panic)\]", re.MULTILINE)
_SECONDS = 20
_LOG_LIMIT = 4 * TEXT_LIMIT


def encode(arguments: list[str], pictures: Iterable[Frame], suffix: str) -> None:
    """Run ffmpeg on raw pictures, which it reads from its standard input.

    Args:
        arguments: What follows its general options.
        pictures: Arrays whose bytes are passed on.
        suffix: Of the file that is written, for error messages.

    Raises:
        GdsimError: There is no ffmpeg, or it fails.
    """
    command = ["-loglevel", "error", "-y", *arguments]
    # The messages go to a file: a pipe that nobody empties could fill up and stop both sides.
    with TemporaryFile() as log, _start(command, stdin=subprocess.PIPE, stderr=log) as process:
        feed = cast("IO[bytes]", process.stdin)
        for picture in pictures:
            try:
                feed.write(picture.data)
            except OSError:  # ffmpeg accepts no more: its status says why
                break
        with suppress(OSError):
            feed.close()
        if process.wait() != 0:
            raise GdsimError(f"ffmpeg cannot write {suffix}: {_cause(log) or f'status {process.returncode}'}")


@contextmanager
def metadata_file(texts: dict[str, str]) -> Iterator[str]:
    """Give the name of a file with metadata for ffmpeg; as arguments long texts would not be accepted."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "metadata")
        escaped = {name: _SPECIAL.sub(r"\\\1", text) for name, text in texts.items()}
        file.write_text(_HEADER + "".join(f"{name}={text}\n" for name, text in escaped.items()), "utf-8", newline="\n")
        yield str(file)


def read_video(path: Path, demuxer: str) -> tuple[dict[str, str], tuple[int, int] | None, bool]:
    """Read the metadata of a video, its size in pixels, and whether it is complete.

    The demuxer is fixed, so that ffmpeg opens no other file that a hostile one names.

    Raises:
        GdsimError: There is no ffmpeg.
    """
    source = ["-protocol_whitelist", "file,pipe", "-f", demuxer, "-i", f"file:{path.absolute()}"]
    # Copying all packets to nowhere finds where the file breaks off.
    sinks = ["-map_metadata", "0", "-f", "ffmetadata", "pipe:1", "-map", "0:v", "-c", "copy", "-f", "null", "-"]
    command = ["-hide_banner", "-nostdin", "-loglevel", "level+info", *source, *sinks]
    with TemporaryFile() as output, _start(command, stdout=output, stderr=subprocess.PIPE) as process:
        timer = Timer(_SECONDS, process.kill)
        timer.start()
        log = cast("IO[bytes]", process.stderr).read(_LOG_LIMIT)
        if len(log) == _LOG_LIMIT:  # only a hostile file causes so many messages
            process.kill()
        complete = process.wait() == 0 and not _ERROR.search(log)
        timer.cancel()
        output.seek(0)
        texts = _parsed(output.read(TEXT_LIMIT))
    size = _SIZE.search(log)
    return texts, (int(size[1]), int(size[2])) if size else None, complete


def _parsed(content: bytes) -> dict[str, str]:
    """Return the global metadata of an ffmetadata file by name."""
    pairs = re.findall(r"^([^=;#\\\n\[]+)=((?:[^\\\n]|\\.|\\\n)*)$", content.decode("utf-8", "replace"), re.MULTILINE)
    return {name.lower(): _ESCAPED.sub(r"\1", value) for name, value in reversed(pairs)}


@contextmanager
def _start(arguments: list[str], **pipes: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Start ffmpeg, and end it in any case.

    It has a process group of its own, so that an interrupt from the keyboard reaches only Python, which then ends it.

    Raises:
        GdsimError: There is no ffmpeg.
    """
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


def _cause(log: IO[bytes]) -> str:
    """Return ffmpeg's first message, which is the cause of those that follow, without the name of its component."""
    log.seek(0)
    first = log.readline(500).decode(errors="replace").strip()
    return re.sub(r"^(\[[^]]*] )+", "", first)
