"""What a reader finds in a file, and how it reads without trusting the file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO, TypeVar

from gdsim.metadata import TEXT_LIMIT

__all__ = ["BrokenOffError", "Contents", "ending", "exactly", "first_blocks", "ours", "tail", "text_of"]

_BEGINNING = b'{"made by": "gdsim"'

_BLOCKS = 2**20
"""So many blocks of a file are looked at; what gdsim says of itself comes before its pictures."""

_ENDING = 1024

_T = TypeVar("_T")


class BrokenOffError(Exception):
    """A file ends before it is whole."""


@dataclass(frozen=True)
class Contents:
    """What is of interest in a file.

    Args:
        json: What gdsim says in it of how it was made; None where it says nothing.
        size: Width and height in pixels; None where the file does not tell.
        whole: Whether it ends where it should.
    """

    json: str | None
    size: tuple[int, int] | None
    whole: bool = True


def exactly(file: BinaryIO, count: int) -> bytes:
    """Read so many bytes, which the caller has found to be in reason.

    Raises:
        BrokenOffError: There are fewer.
    """
    content = file.read(count)
    if len(content) < count:
        raise BrokenOffError
    return content


def text_of(file: BinaryIO, count: int) -> bytes:
    """Read so many bytes of words, or as many as words may have."""
    return exactly(file, min(count, TEXT_LIMIT))


def tail(file: BinaryIO, count: int) -> bytes:
    """Read the last bytes of a file, at most so many."""
    end = file.seek(0, 2)
    file.seek(max(0, end - count))
    return file.read(count)


def ending(file: BinaryIO) -> bytes:
    """Read the last bytes of a file, without the zeros and blanks that a copy may have been filled up with."""
    return tail(file, _ENDING).rstrip(b"\0 \t\r\n")


def first_blocks(blocks: Iterator[_T]) -> Iterator[_T]:
    """Yield the blocks of a file up to a number that ends every walk."""
    return islice(blocks, _BLOCKS)


def ours(words: bytes) -> str | None:
    """Return words as text where they are those of gdsim."""
    return words.decode("utf-8", "replace") if words.startswith(_BEGINNING) else None
