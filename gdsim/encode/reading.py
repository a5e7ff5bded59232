"""Read the metadata and the size in pixels of files that gdsim wrote, without decoding the picture."""

from __future__ import annotations

import struct
import sys
from os import PathLike
from pathlib import Path

from gdsim.encode.formats import TEXT_START, FileInfo, formats
from gdsim.errors import InputError
from gdsim.files import check_file
from gdsim.metadata import TEXT_LIMIT, Provenance
from gdsim.simulation import provenance

RECORDING = "npz"


def source(path: str | PathLike[str]) -> Provenance:
    """Read the metadata that gdsim stored in a picture, a page or a recording.

    The first bytes determine the format, not the suffix. No picture is decoded, and nothing in the file is executed.

    Args:
        path: A file of any output format, or an .npz recording.

    Raises:
        InputError: The file does not exist, is incomplete, or has no metadata of gdsim.
    """
    path = Path(path)
    name, info = _read(path)
    if name == RECORDING:
        return provenance(path)
    if name is None:
        known = " ".join(f".{name}" for name in (*formats(), RECORDING))
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


def output_format(path: Path) -> str | None:
    """Return the output format that a file begins like, such as "gif", or "npz"; None if there is none, or no file."""
    try:
        return _format_name(path)
    except (InputError, OSError):
        return None


def image_size(path: str | PathLike[str]) -> tuple[int, int] | None:
    """Return a picture's width and height in pixels, or None if the file has no size, as for pages.

    For vector formats these are CSS pixels, 96 per inch.
    """
    size = _read(Path(path))[1].size
    return size if size and all(size) else None


def _read(path: Path) -> tuple[str | None, FileInfo]:
    """Return the format that a file begins like, and what the file says of itself if it is one of `formats()`."""
    try:
        name = _format_name(path)
        found = formats().get(name or "")
        try:
            return name, found.read(path) if found else FileInfo(b"", None)
        except (EOFError, struct.error):
            return name, FileInfo(b"", None, complete=False)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}", code="unreadable") from error


def _format_name(path: Path) -> str | None:
    check_file(path, max_bytes=sys.maxsize)
    with path.open("rb") as file:
        beginning = file.read(1024)
    if beginning.startswith(b"PK\x03\x04"):
        return RECORDING
    return next((name for name, each in formats().items() if each.signature.match(beginning)), None)
