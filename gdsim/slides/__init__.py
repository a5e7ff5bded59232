"""Pictures and comparison tables → a PowerPoint deck. Only this package imports python-pptx."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gdsim.errors import GdsimError
from gdsim.metadata import Provenance
from gdsim.themes import Theme

if TYPE_CHECKING:
    from gdsim.slides.deck import Deck

__all__ = ["SlideItem", "new_deck"]


@dataclass(frozen=True)
class SlideItem:
    """A picture or video for one slide.

    Attributes:
        file: The .gif, .png or .mp4 file, which is embedded byte for byte.
        size: Width and height in pixels; the slide keeps their ratio.
        provenance: Title, caption, alternative text and notes of the slide.
        theme: The colours of the slide.
        poster: For a video, the .png that is shown while it does not play.
        seconds: The length of a video; None if it is not known.
        loop: Whether a video repeats.
    """

    file: Path
    size: tuple[int, int]
    provenance: Provenance
    theme: Theme
    poster: Path | None = None
    seconds: float | None = None
    loop: bool = True


def new_deck(theme: Theme, template: Path | None = None) -> Deck:
    """Return an empty deck.

    Args:
        theme: The colours of its slides.
        template: A .pptx file whose size, masters and colours are used instead.

    Raises:
        InputError: The template is not a usable .pptx file.
        GdsimError: python-pptx is not installed.
    """
    try:
        from gdsim.slides.deck import Deck
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "pptx":
            raise
        raise GdsimError("slides need python-pptx: pip install 'gdsim[slides]'") from error
    return Deck(theme, template)
