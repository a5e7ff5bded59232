"""A picture's file → the colours of a slide around it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PIL import Image

from gdsim.themes import THEMES, Theme, contrast

__all__ = ["theme_around"]

MOST_PIXELS = 2**25


def theme_around(picture: Path) -> Theme | None:
    """Return a theme whose page is that of a picture, the colour of its corner; None where that cannot be told."""
    try:
        with Image.open(picture, formats=("GIF", "PNG")) as image:
            if image.width * image.height > MOST_PIXELS:
                return None
            *color, opacity = image.convert("RGBA").crop((0, 0, 1, 1)).tobytes()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return None
    if opacity < 255:
        return None
    page = "#" + bytes(color).hex()
    is_dark = contrast(page, "#ffffff") > contrast(page, "#000000")
    return replace(THEMES["dark" if is_dark else "slide"], page=page)
