"""Read the metadata and the size in pixels of files that gdsim wrote, without decoding the picture."""

from __future__ import annotations

import struct
import sys
from os import PathLike
from pathlib import Path

from gdsim.encode.formats import TEXT_START, FileInfo, Format, formats
from gdsim.errors import InputError
from gdsim.files import check_file
from gdsim.metadata import TEXT_LIMIT, Provenance


def source(path: str | PathLike[str]) -> Provenance:
    """Read the metadata that gdsim stored in a picture, a page or a recording.

    The first bytes determine the format, not the suffix. No picture is decoded, and nothing in the file is executed.

    Args:
        path: A file of any output format, or an .npz recording.

    Raises:
        InputError: The file does not exist, is incomplete, or has no metadata of gdsim.
    """
    path = Path(path)
    if is_recording(path):
        from gdsim.simulation import provenance  # imports torch, so only for recordings

        return provenance(path)
    info = _read(path)
    if info is None:
        known = " ".join(f".{name}" for name in (*formats(), "npz"))
        raise InputError(f"{path}: is not a file that gdsim writes: {known}", code="unreadable")
    if not info.complete:
        raise InputError(f"{path}: is incomplete or damaged; download it or write it again", code="unreadable")
    if not info.text.startswith(TEXT_START):
        message = f"{path}: has no metadata of gdsim: another program made it or saved it again"
        raise InputError(message, code="missing")
    try:
        return Provenance.from_json(info.text[:TEXT_LIMIT].decode("utf-8", "replace"))
    except ValueError as error:
        raise InputError(f"{path}: the metadata cannot be read: {error}", code="unreadable") from error


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


def is_recording(path: Path) -> bool:
    """Return whether a file begins like a recording, and not like a picture or a page."""
    return _first_bytes(path).startswith(b"PK\x03\x04")


def output_format(path: Path) -> str | None:
    """Return the output format that a file begins like, such as "gif", or "npz"; None if there is none, or no file."""
    try:
        if is_recording(path):
            return "npz"
        found = _format(path)
    except InputError:
        return None
    return None if found is None else found.name


def image_size(path: str | PathLike[str]) -> tuple[int, int] | None:
    """Return a picture's width and height in pixels, or None if the file has no size, as for pages.

    For vector formats these are CSS pixels, 96 per inch.
    """
    info = _read(Path(path))
    return info.size if info and info.size and all(info.size) else None


def _format(path: Path) -> Format | None:
    beginning = _first_bytes(path)
    return next((each for each in formats().values() if each.signature.match(beginning)), None)


def _read(path: Path) -> FileInfo | None:
    """Read a file in the format that its first bytes indicate; None if there is no such format."""
    found = _format(path)
    try:
        return found.read(path) if found else None
    except (EOFError, struct.error):
        return FileInfo(b"", None, complete=False)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}", code="unreadable") from error


def _first_bytes(path: Path) -> bytes:
    """Return the bytes that determine a file's format."""
    check_file(path, max_bytes=sys.maxsize)
    try:
        with path.open("rb") as file:
            return file.read(1024)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}", code="unreadable") from error
