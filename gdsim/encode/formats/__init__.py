"""The output formats; each module of this package declares a tuple `FORMATS` of `Format`."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from html import unescape
from importlib import import_module
from os import PathLike
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from gdsim.encode.pixels import Frame
from gdsim.errors import GdsimError
from gdsim.metadata import TEXT_LIMIT, Provenance

if TYPE_CHECKING:
    from gdsim.render import Frames

Kind: TypeAlias = Literal["animation", "poster", "page"]

Progress: TypeAlias = Callable[[Iterable[Frame]], Iterable[Frame]]
"""Wraps the iterable of frames, to show progress."""


class TooLargeError(GdsimError):
    """A file would exceed its size limit."""


@dataclass(frozen=True)
class EncodeOptions:
    """How an animation is written; see `gdsim.encode.write` for the fields."""

    path: str | PathLike[str]
    fps: int
    hold: float
    loop: bool
    opening: Frame | None
    ending: Frame | None
    fade: float
    quality_level: int
    max_bytes: int
    provenance: Provenance | None
    progress: Progress

    def check_size(self, written: int) -> None:
        """Raise TooLargeError if the number of bytes written so far exceeds the limit."""
        if written > self.max_bytes:
            message = f"{self.path}: would have more than {self.max_bytes:,} bytes"
            raise TooLargeError(f"{message}; show less: fewer seconds, or fewer pixels")


@dataclass(frozen=True)
class FileInfo:
    """What a file says of itself.

    Attributes:
        text: The metadata at the place of gdsim's; another program may have written something else there.
        size: Width and height in pixels; None if unknown.
    """

    text: bytes
    size: tuple[int, int] | None
    complete: bool = True


class Format(ABC):
    """One output format.

    Attributes:
        name: The suffix without its dot.
        kind: Whether it stores an animation, its last frame, or a page that `gdsim.web` writes.
        element: The HTML element that shows it; empty for none.
        blends: The maximum number of pictures of a fade, each of which makes the file larger.
        opaque_reason: Why the background cannot be transparent; empty if it can.
        quality_levels: The quality levels, best first; empty if size limits do not apply.
        signature: Matches the first bytes of a file.
    """

    name: ClassVar[str]
    kind: ClassVar[Kind] = "animation"
    element: ClassVar[Literal["img", "video", "iframe", ""]] = "img"
    blends: ClassVar[int] = 2
    opaque_reason: ClassVar[str] = ""
    quality_levels: ClassVar[tuple[str, ...]] = ()
    signature: ClassVar[re.Pattern[bytes]]

    @abstractmethod
    def write(self, frames: Frames, path: Path, options: EncodeOptions) -> None:
        """Write a file with only a few frames in memory, and check the size of an animation while writing."""

    @abstractmethod
    def read(self, path: Path) -> FileInfo:
        """Read a file that begins with `signature` in bounded time and memory.

        Raises:
            EOFError, struct.error: The file is incomplete.
        """


@cache
def formats() -> Mapping[str, Format]:
    """Return all formats by name, animations first."""
    modules = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
    found: list[Format] = [each for module in modules for each in module.FORMATS]
    order = ("animation", "poster", "page")
    return {each.name: each for each in sorted(found, key=lambda each: (order.index(each.kind), each.name))}


def find_format(suffix: str) -> Format | None:
    """Return the format of a suffix with its dot, case-insensitively; None if there is none."""
    name = suffix.lower().removeprefix(".")
    return formats().get("html" if name == "htm" else name)


def element_text(content: bytes, tag: bytes) -> bytes:
    """Return the text of the first XML element without attributes that has a tag; empty if there is none."""
    text = content.partition(b"<%b>" % tag)[2].partition(b"</%b>" % tag)[0]
    return unescape(text[:TEXT_LIMIT].decode("utf-8", "replace")).encode()


def named_texts(provenance: Provenance | None) -> dict[str, str]:
    """Return metadata as Title and Description, for other programs, and Source, for gdsim; empty for None."""
    if provenance is None:
        return {}
    # On one line without control characters, which not every format can store.
    title, description = (
        " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
        for text in (provenance.title, provenance.alt_text)
    )
    return {"Title": title, "Description": description, "Source": provenance.to_json()}


def beginning_of(path: Path) -> bytes:
    """Return the first bytes of a file, which contain the metadata."""
    with path.open("rb") as file:
        return file.read(4 * TEXT_LIMIT)


def end_of(path: Path, count: int = 1024) -> bytes:
    """Return the last bytes of a file, without trailing zeros and whitespace."""
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, 2) - count))
        return file.read(count).rstrip(b"\0 \t\r\n")
