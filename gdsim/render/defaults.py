"""Matplotlib as it comes, and the vector files that it then writes."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from matplotlib import rc_context, rcParamsDefault
from matplotlib.figure import Figure

__all__ = ["default_settings", "save_vectors"]


@contextmanager
def default_settings() -> Iterator[None]:
    """Draw by matplotlib's own defaults, whatever a user has set, so that a picture is the same everywhere.

    Its warnings of signs that a font does not have are left out; a picture tells of them all in `missing`.
    """
    with warnings.catch_warnings(), rc_context(rcParamsDefault):
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def save_vectors(figure: Figure, path: Path, words: Mapping[str, str]) -> None:
    """Write a figure as vectors, without a date and random names: the same figure is the same file.

    Args:
        figure: What is written.
        path: Where to write; the suffix, .svg or .pdf, decides the format.
        words: What the file says of itself: Title, Description and Source, or nothing.
    """
    metadata: dict[str, str | None] = {"Date": None, **words}
    if path.suffix.lower() == ".pdf":
        own = {"Description": "Subject", "Source": "gdsim"}
        metadata = {"CreationDate": None} | {own.get(name, name): text for name, text in words.items()}
    with default_settings(), rc_context({"svg.hashsalt": "gdsim"}):
        # A PDF's list of words is open to a program's own, which matplotlib warns of.
        warnings.filterwarnings("ignore", message="Unknown infodict keyword: 'gdsim'")
        figure.savefig(path, metadata=metadata)
