"""Write frames to a file in the format given by its suffix."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from gdsim.encode.formats import EncodeOptions, Format, Progress, TooLargeError, find_format, formats
from gdsim.errors import InputError, did_you_mean
from gdsim.files import atomic_write
from gdsim.metadata import Provenance

if TYPE_CHECKING:
    from gdsim.render import Frames

__all__ = ["Format", "Progress", "TooLargeError", "find_format", "format_of", "formats", "write"]

_FASTEST, _LONGEST_HOLD = 50, 1200


def write(
    frames: Frames,
    path: str | PathLike[str],
    *,
    fps: int,
    hold: float,
    loop: bool = True,
    quality_level: int = 0,
    max_bytes: int | None = None,
    provenance: Provenance | None = None,
    progress: Progress = iter,
) -> Path:
    """Write an animation, or its last frame as .png, .svg or .pdf.

    The file is replaced atomically: it is either complete or not written. Memory use does not grow with the number of
    frames.

    Args:
        frames: The frames to write, read one at a time.
        path: The file to write; its suffix determines the format. Missing folders are created.
        fps: Frames per second, 1 to 50.
        hold: Additional seconds for which the last frame is shown, 0 to 1200.
        loop: Whether a GIF, APNG or WebP repeats forever; for videos the player decides.
        quality_level: Index into the format's `quality_levels`; 0 is the best, higher levels make smaller files.
        max_bytes: Maximum size of an animation; None for no limit.
        provenance: The metadata to store in the file.
        progress: Wraps the iterable of frames, to show progress.

    Returns:
        The path that was written.

    Raises:
        InputError: No format has the suffix, the frames are transparent and the format does not support it, or an
            option is out of range.
        TooLargeError: The animation exceeds `max_bytes`; nothing is written.
        GdsimError: The file cannot be written, or the encoder is missing or fails.
    """
    target = Path(path)
    chosen = format_of(target)
    if frames.transparent and chosen.opaque_reason:
        names = " ".join(f".{name}" for name, each in formats().items() if not each.opaque_reason)
        message = f"{path}: {chosen.opaque_reason}; a transparent background needs {names}"
        raise InputError(message, ("output", "background"), code="unsupported")
    _check_range("fps", fps, 1, _FASTEST)
    _check_range("quality_level", quality_level, 0, max(len(chosen.quality_levels) - 1, 0))
    if not 0 <= hold <= _LONGEST_HOLD:
        raise InputError(f"must be from 0 to {_LONGEST_HOLD} seconds, not {hold!r}", ("hold",))
    options = EncodeOptions(fps, hold, loop, quality_level, max_bytes, provenance, progress)
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
        suggestion = did_you_mean(path.suffix.lower(), known)
        message = f"{path}: unknown format{suggestion}; there are {' '.join(known)}"
        raise InputError(message, code="unknown-name")
    return found


def _check_range(name: str, value: int, low: int, high: int) -> None:
    if value not in range(low, high + 1):
        raise InputError(f"must be a whole number from {low} to {high}, not {value!r}", (name,))
