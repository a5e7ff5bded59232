"""matplotlib's default settings, and reproducible vector files."""

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
    """Use matplotlib's default settings instead of the user's, so that a picture is the same everywhere.

    Warnings about missing glyphs are suppressed, because `Frames.missing` lists them.
    """
    with warnings.catch_warnings(), rc_context(rcParamsDefault):
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def save_vectors(figure: Figure, path: Path, words: Mapping[str, str]) -> None:
    """Write a figure as SVG or PDF, by the suffix of `path`, without a date or random ids."""
    metadata: dict[str, str | None] = {"Date": None, **words}
    if path.suffix.lower() == ".pdf":
        own = {"Description": "Subject", "Source": "gdsim"}
        metadata = {"CreationDate": None} | {own.get(name, name): text for name, text in words.items()}
    with default_settings(), rc_context({"svg.hashsalt": "gdsim"}):
        # PDF allows further keys, but matplotlib warns about them.
        warnings.filterwarnings("ignore", message="Unknown infodict keyword: 'gdsim'")
        figure.savefig(path, metadata=metadata)
