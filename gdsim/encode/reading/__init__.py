"""A file that gdsim wrote → how it was made, and how large it is, without decoding any picture."""

from __future__ import annotations

import re
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import BinaryIO

from gdsim.encode.reading.contents import BrokenOffError, Contents
from gdsim.encode.reading.documents import read_html, read_pdf, read_svg
from gdsim.encode.reading.pictures import read_gif, read_png, read_webp
from gdsim.encode.reading.videos import read_mp4, read_webm
from gdsim.errors import InputError
from gdsim.files import suggest_sibling
from gdsim.metadata import Provenance

__all__ = ["dimensions", "home", "is_picture", "source", "yaml_of"]

_KNOWN = ".gif .png .apng .webp .mp4 .webm .svg .pdf .html .npz"

_FIRST = 1024
"""Within so many bytes a file shows what it is."""

# An SVG and a page may have a declaration, comments and blanks before their first element.
_BEFORE = rb"\A(?:\xef\xbb\xbf)?(?:\s+|<\?[^>]*+>|<!--.*?-->)*+"
_DOCTYPE = rb"(?:<!doctype\s[^>]*+>(?:\s+|<!--.*?-->)*+)?"

_READERS: tuple[tuple[re.Pattern[bytes], Callable[[BinaryIO], Contents]], ...] = tuple(
    (re.compile(pattern, re.DOTALL | re.IGNORECASE), reader)
    for pattern, reader in (
        (rb"\AGIF8[79]a", read_gif),
        (rb"\A\x89PNG\r\n\x1a\n", read_png),
        (rb"\ARIFF....WEBP", read_webp),
        (rb"\A....ftyp", read_mp4),
        (rb"\A\x1a\x45\xdf\xa3", read_webm),
        (rb"\A%PDF-", read_pdf),
        (_BEFORE + _DOCTYPE + rb"<svg\b", read_svg),
        (_BEFORE + rb"(?:<!doctype\s+html\b|<html\b)", read_html),
    )
)

_ZIP = b"PK\x03\x04"


def source(path: str | PathLike[str]) -> Provenance:
    """Read how a picture, a page or a recording was made: what `write` or `save` has put into it.

    The first bytes tell the format, not the suffix. No picture is decoded, and nothing in the file is run.

    Args:
        path: A .gif, .png, .apng, .webp, .mp4, .webm, .svg, .pdf, .html or .npz file.

    Raises:
        InputError: The file is not there, is not whole, or holds nothing of gdsim.
    """
    path = Path(path)
    first = _first_bytes(path)
    if first.startswith(_ZIP):
        from gdsim.simulation import provenance  # which takes torch along, for no other format

        return provenance(path)
    contents = _contents(path, first)
    if contents is None:
        raise InputError(f"{path}: {_strange(first)}")
    if not contents.whole:
        raise InputError(f"{path}: is not whole: it breaks off before its end; fetch it or write it again")
    if contents.json is None:
        raise InputError(f"{path}: holds no YAML of gdsim: it was made, or rewritten, by another program")
    try:
        return Provenance.from_json(contents.json)
    except ValueError as error:
        raise InputError(f"{path}: what it says of how it was made cannot be read: {error}") from error


def yaml_of(path: str | PathLike[str]) -> str:
    """Return the configuration that a file was made from, overrides included.

    Raises:
        InputError: As `source`, or it was drawn from trajectories that have no configuration.
    """
    yaml = source(path).yaml
    if not yaml:
        raise InputError(f"{path}: holds no YAML: it was drawn in Python, from trajectories without a configuration")
    return yaml


def home(path: str | PathLike[str]) -> Path:
    """Return where files lie that a file's configuration names: beside it, as pictures tell of no folder.

    A recording knows where it ran; where that is no more, they are looked for beside it, too.

    Raises:
        InputError: The file is not there, or is a recording that is not whole.
    """
    path = Path(path)
    if not _first_bytes(path).startswith(_ZIP):
        return path.parent
    from gdsim.simulation import recorded_folder

    return recorded_folder(path)


def is_picture(path: str | PathLike[str]) -> bool:
    """Return whether a file begins as one that `source` reads; False where there is none."""
    try:
        first = _first_bytes(Path(path))
    except InputError:
        return False
    return first.startswith(_ZIP) or _reader(first) is not None


def dimensions(path: str | PathLike[str]) -> tuple[int, int] | None:
    """Return a picture's width and height in pixels, or None where the file does not tell, as a page.

    For vectors these are the pixels of web pages, 96 an inch.

    Raises:
        InputError: The file is not there.
    """
    path = Path(path)
    contents = _contents(path, _first_bytes(path))
    return contents.size if contents is not None and contents.size and all(contents.size) else None


def _contents(path: Path, first: bytes) -> Contents | None:
    """What the reader of a file's format finds; None where there is no reader."""
    reader = _reader(first)
    if reader is None:
        return None
    try:
        with path.open("rb") as file:
            return reader(file)
    except BrokenOffError:
        return Contents(None, None, whole=False)
    except OSError as error:
        raise _unreadable(path, error) from error


def _reader(first: bytes) -> Callable[[BinaryIO], Contents] | None:
    return next((reader for pattern, reader in _READERS if pattern.search(first)), None)


def _first_bytes(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise InputError(f"{path}: is a folder; name a file in it")
        if not path.exists():
            raise InputError(f"{path}: no such file{suggest_sibling(path)}")
        if not path.is_file():
            raise InputError(f"{path}: is no ordinary file")
        with path.open("rb") as file:
            return file.read(_FIRST)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> InputError:
    return InputError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}")


def _strange(first: bytes) -> str:
    return f"is none of the files that hold how gdsim made them: {_KNOWN}" if first else "is empty"
