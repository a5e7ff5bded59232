"""Frames → a file, whose suffix decides the format."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from types import MappingProxyType

from PIL import Image

from gdsim.encode.apng import write_apng
from gdsim.encode.embedding import png_texts, vector_texts
from gdsim.encode.frames import Frames, Progress
from gdsim.encode.gif import write_gif
from gdsim.encode.options import EncodeOptions, TooLargeError
from gdsim.encode.video import CODECS, CRF, write_video
from gdsim.errors import InputError, did_you_mean
from gdsim.files import atomic_write
from gdsim.metadata import Provenance

__all__ = ["QUALITY_LEVELS", "SUFFIXES", "Frames", "Progress", "TooLargeError", "write"]

_ANIMATIONS = {".apng": write_apng, ".gif": write_gif, **dict.fromkeys(CODECS, write_video)}

SUFFIXES = (*_ANIMATIONS, ".png", ".svg", ".pdf")
"""Every suffix that `write` knows."""

_COLOURS = ("256 colours", "128 colours", "64 colours", "32 colours")

QUALITY_LEVELS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        ".apng": ("all colours",),
        ".gif": _COLOURS,
        **dict.fromkeys(CRF, ("the best quality", "good quality", "fair quality", "low quality")),
        # Its own lossy kind is larger than one without loss wherever fills are flat, and stains thin lines.
        ".webp": ("all colours", *_COLOURS),
    }
)
"""By suffix, how an animation can be written, the best first; each further stage makes a smaller file."""

_FASTEST, _LONGEST_HOLD = 50, 1200

_SEE_THROUGH = (".pdf", ".png", ".svg", ".webm", ".webp")


def write(
    frames: Frames,
    path: str | PathLike[str],
    *,
    fps: int,
    hold: float,
    progress: Progress = iter,
    loop: bool = True,
    quality_level: int = 0,
    provenance: Provenance | None = None,
    max_bytes: int | None = None,
) -> Path:
    """Write an animation, or for .png, .svg and .pdf its poster.

    The file appears when it is whole, or not at all. Memory does not grow with the number of frames.

    Args:
        frames: What to show, one picture at a time.
        path: Where to write; its suffix decides the format. Folders on the way are made.
        fps: Frames a second, 1 to 50.
        hold: How much longer than a frame the last one stays, in seconds, 0 to 1200.
        progress: Wraps the iterable of frames, to show progress.
        loop: Whether a GIF, APNG or WebP begins anew, for ever; a video has no such wish.
        quality_level: The stage of `QUALITY_LEVELS`, 0 the best.
        provenance: How it was made; travels inside the file.
        max_bytes: So many bytes an animation may have.

    Returns:
        The path, as given.

    Raises:
        InputError: The suffix stands for no format, or for one without opacity where the frames have one; or a
            number is none that it may be.
        TooLargeError: An animation has more bytes than `max_bytes`; nothing is left behind.
        GdsimError: The place cannot be written to, or the encoder is missing or fails.
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in SUFFIXES:
        known = " ".join(SUFFIXES)
        raise InputError(f"{path}: unknown format{did_you_mean(suffix, SUFFIXES)}; there are {known}")
    if frames.transparent and suffix not in _SEE_THROUGH:
        raise InputError(f"{path}: {suffix} has no opacity; a see-through page needs {' '.join(_SEE_THROUGH)}")
    _check(suffix, fps, hold, quality_level)
    with atomic_write(target) as partial:
        if suffix in _ANIMATIONS:
            manner = EncodeOptions(fps, hold, progress, loop, quality_level, provenance, max_bytes)
            _ANIMATIONS[suffix](frames, partial, manner)
        elif suffix == ".png":
            Image.fromarray(frames.poster()).save(partial, pnginfo=png_texts(provenance))
        else:
            frames.save_poster(partial, vector_texts(provenance))
    return target


def _check(suffix: str, fps: int, hold: float, quality_level: int) -> None:
    if not (isinstance(fps, int) and 1 <= fps <= _FASTEST):
        raise InputError(f"fps must be a whole number from 1 to {_FASTEST}, not {fps!r}")
    if not 0 <= hold <= _LONGEST_HOLD:
        raise InputError(f"hold must be from 0 to {_LONGEST_HOLD} seconds, not {hold!r}")
    stages = QUALITY_LEVELS.get(suffix, ("",))
    if quality_level not in range(len(stages)):
        raise InputError(f"quality_level must be from 0 to {len(stages) - 1} for {suffix}, not {quality_level!r}")
