"""Arrays out of an .npz file that anybody may have written: sizes are judged before reading, nothing is unpickled."""

from __future__ import annotations

import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

__all__ = ["SIZE_LIMIT", "Entries", "UnreadableError", "array_of", "last_row", "opened"]

Entries = dict[str, zipfile.ZipInfo]

SIZE_LIMIT = 3 * 2**29
"""So many bytes may the arrays of a recording, or of a run, take together: no configuration asks for more."""

AT_ONCE = 2**20
"""So many bytes of what is not wanted are read over at once."""


class UnreadableError(Exception):
    """A file is not what its reader takes; the message says in what way."""


@contextmanager
def opened(path: Path, limit: int) -> Iterator[tuple[zipfile.ZipFile, Entries]]:
    """Open a file whose sizes, as it declares them, are in reason, and give its arrays by name, none of them read.

    Args:
        path: The file.
        limit: How many bytes all its arrays may declare together.

    Raises:
        UnreadableError: It declares more, or what is read of it within is no array of numpy, or not a whole one.
        OSError: It cannot be opened.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = {entry.filename.removesuffix(".npy"): entry for entry in archive.infolist()}
            if sum(entry.file_size for entry in entries.values()) > limit:
                raise UnreadableError(f"it declares more than {limit / 2**30:g} GiB, the most that is read")
            yield archive, entries
    except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError, RuntimeError, zlib.error) as error:
        raise UnreadableError(f"it is no .npz file, or not a whole one ({error})") from error


def array_of(archive: zipfile.ZipFile, name: str, entry: zipfile.ZipInfo) -> npt.NDArray[Any]:
    """Read one array, whose header must not promise more than the file holds.

    Raises:
        UnreadableError: It does, or it holds Python objects, or is no array.
    """
    with _unpacked(archive, name, entry) as file:
        shape, fortran_order, dtype = _checked_header(file, name, entry.file_size)
        content = _exactly(file, name, prod(shape) * dtype.itemsize)
        return np.ndarray(shape, dtype, buffer=content, order="F" if fortran_order else "C")


def last_row(archive: zipfile.ZipFile, name: str, entry: zipfile.ZipInfo, width: int) -> npt.NDArray[Any]:
    """Read the last row of an array of rows, or an array of one axis whole, and keep nothing else of it.

    Args:
        archive: Where it is.
        name: What it is called.
        entry: Its place in the archive.
        width: How many numbers a row has at most.

    Raises:
        UnreadableError: It is not of one or two axes of floating-point numbers, or its rows are longer.
    """
    with _unpacked(archive, name, entry) as file:
        shape, fortran_order, dtype = _checked_header(file, name, entry.file_size)
        if dtype.kind != "f" or len(shape) not in (1, 2) or 0 in shape or (fortran_order and len(shape) == 2):
            raise UnreadableError(f"'{name}' is {dtype} of the shape {shape}, not rows of floating-point numbers")
        if shape[-1] > width:
            raise UnreadableError(f"'{name}' has {shape[-1]:,} numbers a row; at most {width:,} are read")
        row = shape[-1] * dtype.itemsize
        over = prod(shape) * dtype.itemsize - row
        while over:
            over -= len(_exactly(file, name, min(over, AT_ONCE)))
        return np.frombuffer(_exactly(file, name, row), dtype)


@contextmanager
def _unpacked(archive: zipfile.ZipFile, name: str, entry: zipfile.ZipInfo) -> Iterator[IO[bytes]]:
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UnreadableError(f"'{name}' is packed in a way that numpy does not use")
    with archive.open(entry) as file:
        yield file


def _exactly(file: IO[bytes], name: str, count: int) -> bytes:
    """Read so many bytes; the archive may have promised more than it holds."""
    content = file.read(count)
    if len(content) < count:
        raise UnreadableError(f"'{name}' breaks off: it is shorter than the file declares")
    return content


def _checked_header(file: IO[bytes], name: str, size: int) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    shape, fortran_order, dtype = _header(file, name)
    if dtype.hasobject:
        raise UnreadableError(f"'{name}' holds Python objects, which are never unpacked")
    content = prod(shape) * dtype.itemsize
    if not dtype.itemsize or content != size - file.tell():
        raise UnreadableError(f"'{name}' declares {content} bytes and has {size - file.tell()}")
    return shape, fortran_order, dtype


def _header(file: IO[bytes], name: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    if version != (1, 0):
        raise UnreadableError(f"'{name}' has the version {version} of numpy's format, which is not written here")
    try:
        with warnings.catch_warnings(action="error"):
            return np.lib.format.read_array_header_1_0(file)
    except (EOFError, OSError, zipfile.BadZipFile, zlib.error):
        raise
    except Exception as error:  # numpy hands on whatever Python's parser and its own dtypes raise
        raise UnreadableError(f"the header of '{name}' cannot be read") from error
