"""A file appears under its own name only when it is whole."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gdsim.errors import GdsimError, did_you_mean

__all__ = ["cause", "sibling", "whole_file"]


def cause(error: OSError) -> str:
    """Return in words why a file or a folder could not be made."""
    if isinstance(error, FileExistsError | NotADirectoryError):
        return "a file stands where a folder should be"
    return error.strerror or str(error)


def sibling(path: Path) -> str:
    """Return `"; did you mean 'x'?"` for the file beside a missing one that has the nearest name, or nothing."""
    try:
        return did_you_mean(path.name, sorted(each.name for each in path.parent.iterdir()))
    except OSError:
        return ""


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a name beside `path` to write to, and rename it to `path` when the block has succeeded.

    The name keeps the suffix of `path`, because encoders go by it. When the block raises, an interrupt
    included, what was written is removed and whatever stood at `path` before still stands.

    Raises:
        GdsimError: The folder cannot be made or written to, or the disk is full.
    """
    partial = path.with_name(f".{path.stem}.{secrets.token_hex(4)}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        partial.replace(path)
    except OSError as error:
        raise GdsimError(f"{path}: cannot be written: {cause(error)}") from error
    finally:
        with suppress(OSError):  # it was renamed, or never came to be
            partial.unlink()
