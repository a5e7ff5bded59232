"""Write frames to a file in the format given by its suffix, and read the metadata and the size of such files."""

from __future__ import annotations

import struct
import sys
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from gdsim.config.presentation import LARGEST
from gdsim.encode.formats import EncodeOptions, FileInfo, Format, Progress, TooLargeError, find_format, formats
from gdsim.encode.pixels import Frame
from gdsim.errors import InputError, did_you_mean
from gdsim.files import atomic_write, check_file
from gdsim.metadata import TEXT_LIMIT, TEXT_START, Provenance
from gdsim.simulation import provenance as recorded_provenance

if TYPE_CHECKING:
    from gdsim.render import Frames

__all__ = [
    "Format",
    "Progress",
    "TooLargeError",
    "find_format",
    "format_of",
    "formats",
    "image_size",
    "output_format",
    "source",
    "write",
    "yaml_of",
]

_RECORDING = "npz"
_FASTEST, _LONGEST_HOLD = 50, 1200


def write(
    frames: Frames,
    path: str | PathLike[str],
    *,
    fps: int,
    hold: float,
    loop: bool = True,
    opening: Frame | None = None,
    ending: Frame | None = None,
    fade: float = 0.0,
    quality_level: int = 0,
    max_bytes: int = LARGEST,
    provenance: Provenance | None = None,
    progress: Progress = iter,
) -> Path:
    """Write an animation, or its last frame as .png, .svg or .pdf.

    The file is either complete or not written. Memory use does not grow with the number of frames.

    Args:
        frames: The frames to write, read one at a time.
        path: The file to write; its suffix determines the format. Missing folders are created.
        fps: Frames per second, 1 to 50.
        hold: Additional seconds for which the last frame is shown, 0 to 1200.
        loop: Whether a GIF, APNG or WebP repeats forever; for videos the player decides.
        opening: A picture that is shown for the time of one frame before all others, such as a poster for programs that
            print the first picture; the animation fades from it to the first frame.
        ending: A picture that is shown during a part of the hold instead of the last frame.
        fade: The number of seconds of the hold in which the opening fades to the first frame, or, without an opening,
            the last frame of an animation that repeats.
        quality_level: Index into the format's `quality_levels`; 0 is the best, higher levels make smaller files.
        max_bytes: Maximum size of an animation.
        provenance: The metadata to store in the file.
        progress: Wraps the iterable of frames, to show progress.

    Returns:
        The path that was written.

    Raises:
        InputError: No format has the suffix, the format cannot be transparent, or an option is out of range.
        TooLargeError: The animation exceeds `max_bytes`; nothing is written.
        GdsimError: The file cannot be written, or the encoder is missing or fails.
    """
    chosen = format_of(target := Path(path))
    if frames.transparent and chosen.opaque_reason:
        names = " ".join(f".{name}" for name, each in formats().items() if not each.opaque_reason)
        message = f"{path}: {chosen.opaque_reason}; a transparent background needs {names}"
        raise InputError(message, ("output", "background"), code="unsupported")
    _check_range("fps", fps, 1, _FASTEST)
    _check_range("quality_level", quality_level, 0, max(len(chosen.quality_levels) - 1, 0))
    if not 0 <= hold <= _LONGEST_HOLD:
        raise InputError(f"must be from 0 to {_LONGEST_HOLD} seconds, not {hold!r}", ("hold",))
    options = EncodeOptions(
        path, fps, hold, loop, opening, ending, fade, quality_level, max_bytes, provenance, progress
    )
    with atomic_write(target) as partial:
        chosen.write(frames, partial, options)
        if chosen.kind == "animation":
            options.check_size(partial.stat().st_size)
    return target


def format_of(path: Path) -> Format:
    """Return the format to which frames are written at a path.

    Raises:
        InputError: No such format has the path's suffix.
    """
    found = find_format(path.suffix)
    if found is None or found.kind == "page":
        known = [f".{name}" for name, each in formats().items() if each.kind != "page"]
        message = f"{path}: unknown format{did_you_mean(path.suffix.lower(), known)}; there are {' '.join(known)}"
        raise InputError(message, code="unknown-name")
    return found


def _check_range(name: str, value: int, low: int, high: int) -> None:
    if value not in range(low, high + 1):
        raise InputError(f"must be a whole number from {low} to {high}, not {value!r}", (name,))


def source(path: str | PathLike[str]) -> Provenance:
    """Read the metadata that gdsim stored in a picture, a page or a recording.

    The first bytes determine the format, not the suffix. No picture is decoded, and nothing in the file is executed.

    Args:
        path: A file of any output format, or an .npz recording.

    Raises:
        InputError: The file does not exist, is incomplete, or has no metadata of gdsim.
    """
    path = Path(path)
    name, info = _read(path)
    if name == _RECORDING:
        return recorded_provenance(path)
    if name is None:
        known = " ".join(f".{name}" for name in (*formats(), _RECORDING))
        raise InputError(f"{path}: is not a file that gdsim writes: {known}", code="unreadable")
    if not info.complete:
        raise InputError(f"{path}: is incomplete or damaged; download it or write it again", code="unreadable")
    if not info.text.startswith(TEXT_START):
        raise InputError(f"{path}: has no metadata of gdsim: another program made it or saved it again", code="missing")
    try:
        return Provenance.from_json(info.text[:TEXT_LIMIT].decode("utf-8", "replace"))
    except ValueError as error:
        raise InputError(f"{path}: the metadata cannot be read: {error}", code="unreadable") from error


def yaml_of(path: str | PathLike[str]) -> str:
    """Return the configuration from which a file was made, including overrides.

    Raises:
        InputError: As for `source`, or the file was made in Python without a configuration.
    """
    yaml = source(path).yaml
    if not yaml:
        message = f"{path}: has no YAML: it was drawn in Python, from trajectories without a configuration"
        raise InputError(message, code="missing")
    return yaml


def output_format(path: Path) -> str | None:
    """Return the output format that a file begins like, such as "gif", or "npz"; None if there is none, or no file."""
    try:
        return _format_name(path)
    except (InputError, OSError):
        return None


def image_size(path: str | PathLike[str]) -> tuple[int, int] | None:
    """Return a picture's width and height in pixels, or None if the file has no size, as for pages.

    For vector formats these are CSS pixels, 96 per inch.
    """
    size = _read(Path(path))[1].size
    return size if size and all(size) else None


def _read(path: Path) -> tuple[str | None, FileInfo]:
    """Return the format that a file begins like, and what the file says of itself if it is one of `formats()`."""
    try:
        name = _format_name(path)
        found = formats().get(name or "")
        try:
            return name, found.read(path) if found else FileInfo(b"", None)
        except (EOFError, struct.error):
            return name, FileInfo(b"", None, complete=False)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}", code="unreadable") from error


def _format_name(path: Path) -> str | None:
    check_file(path, max_bytes=sys.maxsize)
    with path.open("rb") as file:
        beginning = file.read(1024)
    if beginning.startswith(b"PK\x03\x04"):
        return _RECORDING
    return next((name for name, each in formats().items() if each.signature.match(beginning)), None)
