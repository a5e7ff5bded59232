"""Samples from the files of numpy: an array alone (.npy), or one with its coordinates (.npz)."""

from __future__ import annotations

import lzma
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gdsim.errors import InputError
from gdsim.objectives.samples.grid import SAMPLES_LIMIT

if TYPE_CHECKING:
    from gdsim.objectives import FloatArray

__all__ = ["read_npy", "read_npz"]

_BROKEN = (
    EOFError,
    KeyError,
    MemoryError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    lzma.LZMAError,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


def read_npy(path: Path) -> tuple[FloatArray, None]:
    """Read the one array of a .npy file.

    Raises:
        InputError: It is no such file, or not a whole one, or not of numbers.
    """
    with path.open("rb") as file, _told("a .npy file"):
        return _array(file, path.stat().st_size, "the array"), None


def read_npz(path: Path) -> tuple[FloatArray, tuple[FloatArray, ...] | None]:
    """Read the one array of a .npz file, or its `values` with their `x` and, in two dimensions, `y`.

    Raises:
        InputError: It is no such file, or not a whole one, or it lacks an array.
    """
    with _told("a .npz file"), zipfile.ZipFile(path) as archive:
        entries = {
            entry.filename.removesuffix(".npy"): entry
            for entry in archive.infolist()
            if entry.filename.endswith(".npy")
        }

        def array(name: str) -> FloatArray:
            with archive.open(entries[name]) as file:
                return _array(file, entries[name].file_size, f"'{name}'")

        if len(entries) == 1:
            return array(*entries), None
        if "values" not in entries:
            found = ", ".join(sorted(entries)) or "none"
            raise InputError(
                f"of several arrays one must be named 'values', with 'x' and 'y' beside it; found: {found}"
            )
        values = array("values")
        names = "xy"[: values.ndim]
        given = [name for name in names if name in entries]
        if given and len(given) < len(names):
            raise InputError(f"it holds '{given[0]}' but no '{'y' if given == ['x'] else 'x'}'")
        return values, tuple(array(name) for name in names) if given else None


@contextmanager
def _told(kind: str) -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        raise InputError(f"it is not {kind}, or not a whole one") from error


def _array(file: IO[bytes], size: int, name: str) -> FloatArray:
    """Read an array of `size` bytes with its header, whose promise is judged before memory is set aside for it."""
    shape, dtype = _header(file)
    if dtype.hasobject:
        raise InputError(f"{name} holds Python objects, which are never unpacked")
    if dtype.kind not in "biuf":
        raise InputError(f"{name} holds no real numbers but {dtype}")
    if prod(shape) > SAMPLES_LIMIT:
        raise InputError(f"{name} has the shape {shape}, more than the {SAMPLES_LIMIT:,} samples that are read")
    if prod(shape) * dtype.itemsize > size:
        raise InputError(f"{name} has the shape {shape} by its header, and the file ends before that")
    file.seek(0)
    array: npt.NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
    with np.errstate(over="ignore"):
        return array.astype(np.float64, copy=False)


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    return shape, dtype
