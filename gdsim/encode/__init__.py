"""Frames → a file, whose suffix decides the format."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from PIL import Image

from gdsim.encode.apng import write_apng
from gdsim.encode.frames import Frames, Track
from gdsim.encode.gif import write_gif
from gdsim.encode.video import CODECS, write_video
from gdsim.errors import InputError, did_you_mean
from gdsim.files import whole_file

__all__ = ["SUFFIXES", "Frames", "Track", "write"]

_ANIMATIONS = {".apng": write_apng, ".gif": write_gif, **dict.fromkeys(CODECS, write_video)}

SUFFIXES = (*_ANIMATIONS, ".png", ".svg", ".pdf")
"""Every suffix that `write` knows."""


def write(frames: Frames, path: str | PathLike[str], *, fps: int, hold: float, track: Track = iter) -> Path:
    """Write an animation, or for .png, .svg and .pdf its poster.

    The file appears when it is whole, or not at all. Memory does not grow with the number of frames.

    Args:
        frames: What to show, one picture at a time.
        path: Where to write; its suffix decides the format. Folders on the way are made.
        fps: Frames a second, 1 to 50.
        hold: How much longer than a frame the last one stays, in seconds.
        track: Wraps the iterable of frames, to show progress.

    Returns:
        The path, as given.

    Raises:
        InputError: The suffix stands for no format.
        GdsimError: The place cannot be written to, or the encoder is missing or fails.
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in SUFFIXES:
        known = " ".join(SUFFIXES)
        raise InputError(f"{path}: unknown format{did_you_mean(suffix, SUFFIXES)}; there are {known}")
    with whole_file(target) as partial:
        if suffix in _ANIMATIONS:
            _ANIMATIONS[suffix](frames, partial, fps=fps, hold=hold, track=track)
        elif suffix == ".png":
            Image.fromarray(frames.poster()).save(partial)
        else:
            frames.save_poster(partial)
    return target
