"""Read the metadata and the size in pixels of files that gdsim wrote, without decoding the picture."""

from __future__ import annotations

import struct
from os import PathLike
from pathlib import Path

from gdsim.encode.formats import FileInfo, Format, formats
from gdsim.errors import InputError
from gdsim.files import suggest_sibling
from gdsim.metadata import Provenance

__all__ = ["image_size", "is_output", "is_recording", "source", "source_folder", "yaml_of"]

_BEGINNING = 1024
"""Number of bytes that determine a file's format."""

_ZIP = b"PK\x03\x04"


def source(path: str | PathLike[str]) -> Provenance:
    """Read the metadata that gdsim stored in a picture, a page or a recording.

    The first bytes determine the format, not the suffix. No picture is decoded, and nothing in the file is executed.

    Args:
        path: A file of any output format, or an .npz recording.

    Raises:
        InputError: The file does not exist, is incomplete, or has no metadata of gdsim.
    """
    path = Path(path)
    beginning = _first_bytes(path)
    if beginning.startswith(_ZIP):
        from gdsim.simulation import provenance  # imports torch, so only for recordings

        return provenance(path)
    info = _read(path, beginning)
    if not info:
        known = " ".join(f".{name}" for name in (*formats(), "npz"))
        raise _unreadable(path, f"is not a file that gdsim writes: {known}" if beginning else "is empty")
    if not info.complete:
        raise _unreadable(path, "is incomplete or damaged; download it or write it again")
    if info.text is None:
        message = f"{path}: has no metadata of gdsim: another program made it or saved it again"
        raise InputError(message, code="missing")
    try:
        return Provenance.from_json(info.text)
    except ValueError as error:
        raise _unreadable(path, f"the metadata cannot be read: {error}") from error


def yaml_of(path: str | PathLike[str]) -> str:
    """Return the configuration from which a file was made, including overrides.

    Raises:
        InputError: As for `source`, or the file was made in Python without a configuration.
    """
    yaml = source(path).yaml
    if not yaml:
        message = f"{path}: has no YAML: it was drawn in Python, from trajectories without a configuration"
        raise InputError(message, code="missing")
    return yaml


def source_folder(path: str | PathLike[str]) -> Path:
    """Return the folder to which relative paths in a file's configuration refer: the one that contains the file.

    A recording stores the folder in which it was made, which is used if it still exists.
    """
    path = Path(path)
    if not is_recording(path):
        return path.parent
    from gdsim.simulation import recorded_folder

    return recorded_folder(path)


def is_recording(path: str | PathLike[str]) -> bool:
    """Return whether a file begins like a recording, and not like a picture or a page."""
    return _first_bytes(Path(path)).startswith(_ZIP)


def is_output(path: str | PathLike[str]) -> bool:
    """Return whether a file begins like an output format or a recording; False if it does not exist."""
    try:
        beginning = _first_bytes(Path(path))
    except InputError:
        return False
    return beginning.startswith(_ZIP) or _format(beginning) is not None


def image_size(path: str | PathLike[str]) -> tuple[int, int] | None:
    """Return a picture's width and height in pixels, or None if the file has no size, as for pages.

    For vector formats these are CSS pixels, 96 per inch.
    """
    path = Path(path)
    info = _read(path, _first_bytes(path))
    return info.size if info and info.size and all(info.size) else None


def _format(beginning: bytes) -> Format | None:
    return next((each for each in formats().values() if each.signature.match(beginning)), None)


def _read(path: Path, beginning: bytes) -> FileInfo | None:
    """Read a file in the format that its first bytes indicate; None if there is no such format."""
    found = _format(beginning)
    try:
        return found.read(path) if found else None
    except (EOFError, struct.error):
        return FileInfo(None, None, complete=False)
    except OSError as error:
        raise _unreadable(path, f"cannot be read: {error.strerror or error}") from error


def _first_bytes(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise _unreadable(path, "is a folder; name a file in it")
        if not path.exists():
            raise InputError(f"{path}: no such file{suggest_sibling(path)}", code="not-found")
        if not path.is_file():
            raise _unreadable(path, "is not an ordinary file")
        with path.open("rb") as file:
            return file.read(_BEGINNING)
    except (OSError, ValueError) as error:
        raise _unreadable(path, f"cannot be read: {getattr(error, 'strerror', None) or error}") from error


def _unreadable(path: Path, sentence: str) -> InputError:
    return InputError(f"{path}: {sentence}", code="unreadable")
