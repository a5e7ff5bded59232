"""A file appears under its own name only when it is whole."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from pathlib import Path

from gdsim.errors import GdsimError, did_you_mean

__all__ = ["atomic_write", "os_error_reason", "suggest_sibling"]

ALIKE = 0.8
"""As near as .yml and .yaml are two suffixes of one kind of file; .npz and .npy are less so."""


def os_error_reason(error: OSError) -> str:
    """Return in words why a file or a folder could not be made."""
    if isinstance(error, FileExistsError | NotADirectoryError):
        return "a file stands where a folder should be"
    return error.strerror or str(error)


def suggest_sibling(path: Path) -> str:
    """Return `"; did you mean 'x'?"` for the nearest name of a file of its kind beside a missing one, or nothing."""
    try:
        there = sorted(each.name for each in path.parent.iterdir())
    except OSError:
        return ""
    if not path.suffix:
        return did_you_mean(path.name, there)
    # Names are compared without what all of the kind have in common, which would make any two of them near.
    stems = {Path(name).stem.casefold(): name for name in there if _is_alike(Path(name).suffix, path.suffix)}
    near = get_close_matches(path.stem.casefold(), stems, n=1)
    return f"; did you mean '{stems[near[0]]}'?" if near else ""


def _is_alike(one: str, other: str) -> bool:
    return bool(get_close_matches(one.casefold(), [other.casefold()], cutoff=ALIKE))


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
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
        raise GdsimError(f"{path}: cannot be written: {os_error_reason(error)}") from error
    finally:
        with suppress(OSError):  # it was renamed, or never came to be
            partial.unlink()
