"""Pictures and tables → a PowerPoint deck: the only room that knows python-pptx."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gdsim.errors import GdsimError
from gdsim.slides.colors import theme_around
from gdsim.slides.slide_item import SlideItem
from gdsim.themes import Theme

if TYPE_CHECKING:
    from gdsim.slides.deck import Deck

__all__ = ["SlideItem", "new_deck", "theme_around"]


def new_deck(look: Theme, template: Path | None = None) -> Deck:
    """Return an empty deck.

    Args:
        look: The colours of its slides.
        template: A deck whose size, masters and colours are taken instead; none of its slides.

    Raises:
        InputError: The template is none, or has no room for a picture.
        GdsimError: python-pptx is not installed.
    """
    try:
        from gdsim.slides.deck import Deck
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "pptx":
            raise
        raise GdsimError("a deck needs python-pptx: pip install 'gdsim[slides]'") from error
    return Deck(look, template)
