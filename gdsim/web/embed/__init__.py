"""A picture's file → the lines that put it into a document: Markdown, a web page, or slides of five kinds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from types import MappingProxyType

from gdsim.errors import InputError, did_you_mean
from gdsim.web.embed.facts import Facts, read
from gdsim.web.embed.typeset import beamer, pptx, typst
from gdsim.web.embed.web import html, markdown, marp, player_frame, quarto, reveal

__all__ = ["FORMS", "player_frame", "snippet"]

_WRITERS: Mapping[str, Callable[[Facts], str]] = MappingProxyType(
    {
        "markdown": markdown,
        "html": html,
        "reveal": reveal,
        "quarto": quarto,
        "marp": marp,
        "beamer": beamer,
        "typst": typst,
        "pptx": pptx,
    }
)

FORMS = tuple(_WRITERS)
"""What a snippet can be for."""


def snippet(path: str | PathLike[str], form: str, *, base: str = "") -> str:
    """Return what a document in the current folder needs to show a picture that gdsim wrote.

    The picture keeps its proportions, says in words what is seen, and plays muted, again and again where its
    configuration does not say `loop: once`. A poster beside it, `race.png` for `race.gif`, stands in where nothing
    moves: in print, in an exported PDF, and for readers who want no motion.

    Args:
        path: The picture: .gif, .webp, .apng, .png, .svg, .mp4, .webm, .html or .pdf.
        form: One of `FORMS`.
        base: What comes before the file's path: an address such as "https://example.org/talk/", or a folder.

    Returns:
        The lines, with a newline at the end.

    Raises:
        InputError: There is no such form or file, the file is not gdsim's, or the document cannot show its format.
    """
    if form not in _WRITERS:
        offer = did_you_mean(form, FORMS) or f"; there are {', '.join(FORMS)}"
        raise InputError(f"there is no snippet for '{form}'{offer}")
    return f"{_WRITERS[form](read(Path(path), base))}\n"
