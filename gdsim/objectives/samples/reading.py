"""A file of samples, whatever its kind, becomes Samples or one sentence that says what is wrong with it."""

from __future__ import annotations

import stat
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from gdsim.errors import InputError
from gdsim.objectives.objective import as_bounds
from gdsim.objectives.samples.arrays import read_npy, read_npz
from gdsim.objectives.samples.grid import Samples
from gdsim.objectives.samples.images import read_image
from gdsim.objectives.samples.tables import read_csv

if TYPE_CHECKING:
    from gdsim.objectives import FloatArray

__all__ = ["SUFFIXES", "read_samples"]

# The values as the file lays them, (n0,) or rows of y and columns of x, (n1, n0), with their coordinates x and y.
_Reader: TypeAlias = "Callable[[Path], tuple[FloatArray, tuple[FloatArray, ...] | None]]"

_PICTURES = (".jpeg", ".jpg", ".png")
_READERS: Mapping[str, _Reader] = MappingProxyType(
    {".csv": read_csv, ".npy": read_npy, ".npz": read_npz, **dict.fromkeys(_PICTURES, read_image)}
)
SUFFIXES = tuple(sorted(_READERS))

_BYTES_LIMIT = 2**30


def read_samples(path: Path, *, bounds: npt.ArrayLike | None = None, invert: bool = False) -> Samples:
    """Read samples of a function of one or two variables.

    In every file a column is one x and a row is one y, as `numpy.meshgrid` and matplotlib's `contour` lay them. In
    arrays and tables y grows from the first row to the last; a picture stands as one sees it, y growing upwards.
    A .npz file may bring its coordinates as arrays `x` and `y` beside `values`, a table in columns (see `read_csv`).

    Args:
        path: A .npy, .npz, .csv, .png or .jpg file.
        bounds: The (low, high) of each coordinate, between which the samples lie evenly; in one dimension (low, high)
            alone will do. Without them the samples are counted, from 0.
        invert: For a picture, take darkness for height.

    Raises:
        InputError: The file, the bounds or what they say together is at fault; `key` says which of `samples`,
            `bounds` and `invert`.
    """
    suffix = path.suffix.casefold()
    try:
        _check_file(path)
        values, coordinates = _READERS[suffix](path)
        _check_rows(values, coordinates)
        # Rows of y and columns of x become x first, y second.
        samples = Samples(np.ascontiguousarray(values.T), coordinates or _counted(values.T.shape))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}", ("samples",)) from error
    except InputError as error:
        raise InputError(f"{path}: {error.message}", ("samples",), code=error.code) from error
    if invert:
        if suffix not in _PICTURES:
            raise InputError(f"invert is for pictures, and {path} is none", ("invert",))
        samples = replace(samples, values=1 - samples.values)
    return samples if bounds is None else _within(samples, bounds, counted=coordinates is None)


def _check_file(path: Path) -> None:
    if path.suffix.casefold() not in _READERS:
        raise InputError(f"samples come from {', '.join(SUFFIXES)}, not from '{path.suffix}'")
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise InputError("it is a folder" if path.is_dir() else "it is no plain file")
    if not found.st_size:
        raise InputError("it is empty")
    if found.st_size > _BYTES_LIMIT:
        raise InputError(f"it has {found.st_size / 2**30:.1f} GiB, and up to {_BYTES_LIMIT // 2**30} GiB are read")


def _check_rows(values: FloatArray, coordinates: tuple[FloatArray, ...] | None) -> None:
    """Check what the file counts in rows and columns, before they become x and y."""
    if values.ndim not in (1, 2):
        raise InputError(f"the array must have one axis or two, and has the shape {values.shape}")
    if values.ndim == 2 and len(values) == 1:
        raise InputError("it holds one row: a surface needs two, and a curve is one column or an array of one axis")
    if not np.isfinite(values).all():
        place = np.argwhere(~np.isfinite(values))[0]
        where = ", ".join(f"{name} {index + 1}" for name, index in zip(("row", "column"), place, strict=False))
        raise InputError(f"{where} is {values[tuple(place)]}, and not finite")
    if coordinates is not None:
        needed = tuple(along.size for along in reversed(coordinates))
        if values.shape != needed:
            raise InputError(
                f"the values have the shape {values.shape}, and the coordinates need {needed}, a row for each y"
            )


def _counted(shape: tuple[int, ...]) -> tuple[FloatArray, ...]:
    return tuple(np.arange(count, dtype=np.float64) for count in shape)


def _within(samples: Samples, bounds: npt.ArrayLike, *, counted: bool) -> Samples:
    """Spread samples that are only counted over the bounds; see that others lie there."""
    pairs = as_bounds(bounds, samples.dim)
    if counted:
        spread = (np.linspace(low, high, n) for (low, high), n in zip(pairs, samples.values.shape, strict=True))
        try:
            return replace(samples, coordinates=tuple(spread))
        except InputError as error:
            raise InputError(f"bounds are too narrow for so many samples: {error}", ("bounds",)) from error
    if not np.allclose(pairs, samples.bounds, rtol=1e-9, atol=0):
        raise InputError(
            f"the file has its own coordinates in {samples.bounds.tolist()}, not {pairs.tolist()}: leave bounds out",
            ("bounds",),
        )
    return samples
