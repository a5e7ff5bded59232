"""What a slide shows: a picture's file, with what is said about it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gdsim.metadata import Provenance
from gdsim.themes import Theme

__all__ = ["SlideItem"]


@dataclass(frozen=True)
class SlideItem:
    """A picture as a slide shows it.

    Args:
        picture: The file, .gif, .png or .mp4, which goes into the deck byte for byte.
        size: Its width and height in pixels, of which a slide keeps the ratio.
        provenance: Gives the slide its title, caption, alternative text and notes.
        look: Its colours, which the slide around it takes on.
        poster: What stands for a video that does not play, a .png; None for a picture.
        seconds: How long a video is; None where that is not known.
        loop: Whether a video begins again.
    """

    picture: Path
    size: tuple[int, int]
    provenance: Provenance
    look: Theme
    poster: Path | None = None
    seconds: float | None = None
    loop: bool = True
