"""The output formats; each module of this package declares a tuple `FORMATS` of `Format`."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import ClassVar, Literal, TypeAlias
from warnings import catch_warnings

from PIL import Image, UnidentifiedImageError

from gdsim.encode.frames import EncodeOptions, FrameSource
from gdsim.metadata import TEXT_LIMIT, Provenance

Kind: TypeAlias = Literal["animation", "poster", "page"]

_TEXT_START = '{"made by": "gdsim"'
_END = 1024


@dataclass(frozen=True)
class FileInfo:
    """The metadata of a file: the JSON that gdsim stored, the size in pixels, and whether the file is complete."""

    text: str | None
    size: tuple[int, int] | None
    complete: bool = True


class Format(ABC):
    """One output format.

    Attributes:
        name, more_suffixes: The suffix without its dot, and further suffixes with dots.
        kind: Whether it stores an animation, its last frame, or a page that `gdsim.web` writes.
        element: The HTML element that shows it; empty for none.
        opaque_reason: Why the background cannot be transparent; empty if it can.
        quality_levels: The quality levels, best first; empty if size limits do not apply.
        signature: Matches the first bytes of a file.
    """

    name: ClassVar[str]
    more_suffixes: ClassVar[tuple[str, ...]] = ()
    kind: ClassVar[Kind] = "animation"
    element: ClassVar[Literal["img", "video", "iframe", ""]] = "img"
    opaque_reason: ClassVar[str] = ""
    quality_levels: ClassVar[tuple[str, ...]] = ()
    signature: ClassVar[re.Pattern[bytes]]

    @property
    def suffixes(self) -> tuple[str, ...]:
        """The suffixes of its files in lower case, with dots."""
        return (f".{self.name}", *self.more_suffixes)

    @abstractmethod
    def write(self, frames: FrameSource, path: Path, options: EncodeOptions) -> None:
        """Write a file with only a few frames in memory, and check the size of an animation while writing."""

    @abstractmethod
    def read(self, path: Path) -> FileInfo:
        """Read a file that begins with `signature` in bounded time and memory; raise EOFError if it is truncated."""


@cache
def formats() -> Mapping[str, Format]:
    """Return all formats by name, animations first."""
    modules = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
    found: list[Format] = [each for module in modules for each in module.FORMATS]
    order = ("animation", "poster", "page")
    return {each.name: each for each in sorted(found, key=lambda each: (order.index(each.kind), each.name))}


def find_format(suffix: str) -> Format | None:
    """Return the format of a suffix, case-insensitively; None if there is none."""
    return next((each for each in formats().values() if suffix.lower() in each.suffixes), None)


def gdsim_text(text: str | bytes) -> str | None:
    """Return the first `TEXT_LIMIT` characters of a text if it is metadata of gdsim, otherwise None."""
    text = text[:TEXT_LIMIT]
    text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return text if text.startswith(_TEXT_START) else None


def named_texts(provenance: Provenance | None) -> dict[str, str]:
    """Return metadata as Title and Description, for other programs, and Source, for gdsim; empty for None."""
    if provenance is None:
        return {}
    return {
        "Title": _one_line(provenance.title),
        "Description": _one_line(provenance.alt_text),
        "Source": provenance.to_json(),
    }


def _one_line(text: str) -> str:
    """Return a text on one line without control characters, which not every format can store."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


@contextmanager
def open_image(path: Path, name: str) -> Iterator[Image.Image]:
    """Open an image with Pillow, which reads its metadata; raise EOFError if it is damaged or too large."""
    try:
        with catch_warnings(action="error", category=Image.DecompressionBombWarning), path.open("rb") as file:
            image = Image.open(file, formats=[name])
            yield image
    except (UnidentifiedImageError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise EOFError from error


def end_of(path: Path, count: int = _END) -> bytes:
    """Return the last bytes of a file, without trailing zeros and whitespace."""
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, 2) - count))
        return file.read(count).rstrip(b"\0 \t\r\n")
