"""Read samples of a function on a grid from an array, a table, or the brightness of a picture."""

from __future__ import annotations

import csv
import math
import warnings
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gdsim.errors import Code, InputError
from gdsim.files import check_file, load_arrays
from gdsim.objectives.objective import FloatArray, as_bounds, read_only
from gdsim.objectives.tokens import quoted

PICTURES = (".jpeg", ".jpg", ".png")
SUFFIXES = (".csv", *PICTURES, ".npy", ".npz")

MAX_SAMPLES = 2**24
"""The maximum number of samples, 4096 × 4096; reading and interpolating them takes less than 2 GB of memory."""

MAX_BYTES = 2**30

SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
"""The first bytes of PNG and JPEG files; files in other formats are refused even if their suffix matches."""

SEPARATORS = {";": "semicolons", "\t": "tabs"}

KEY = ("samples",)


@dataclass(frozen=True, eq=False)
class Samples:
    """Values on a rectangular grid in one or two dimensions; the arrays are read-only float64.

    Args:
        values: (n0,) or (n0, n1), the sample `values[i, j]` at x = `coordinates[0][i]`, y = `coordinates[1][j]`.
        coordinates: The coordinates along each axis, (n0,) and (n1,), ascending, not necessarily evenly spaced.

    Raises:
        InputError: There are fewer than two samples along an axis, the shapes do not match, a number is not finite, or
            coordinates do not ascend.
    """

    values: FloatArray
    coordinates: tuple[FloatArray, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", read_only(self.values))
        object.__setattr__(self, "coordinates", tuple(map(read_only, self.coordinates)))
        _check_shapes(self.values, self.coordinates)
        for name, along in zip("xy", self.coordinates, strict=False):
            with np.errstate(over="ignore", invalid="ignore"):
                gaps, width = np.diff(along), along[-1] - along[0]
            if not (gaps > 0).all():
                at = int(np.argmin(gaps > 0)) + 1
                raise InputError(f"{name} must ascend: number {at + 1} is {along[at]:g}, after {along[at - 1]:g}", KEY)
            if not np.isfinite(width):
                raise InputError(f"the width of {name} overflows float64", KEY)
        if not np.isfinite(self.values).all():
            index = tuple(int(i) for i in np.argwhere(~np.isfinite(self.values))[0])
            where = ", ".join(f"{name} = {c[i]:g}" for name, c, i in zip("xy", self.coordinates, index, strict=False))
            raise InputError(f"the sample at {where} is {self.values[index]}", KEY)

    @property
    def bounds(self) -> FloatArray:
        """(dim, 2) the first and last coordinate along each axis."""
        return np.array([along[[0, -1]] for along in self.coordinates])


def _check_shapes(values: FloatArray, coordinates: Sequence[FloatArray]) -> None:
    if values.ndim not in (1, 2):
        raise InputError(f"samples must have one or two axes, not the shape {values.shape}", KEY, code="wrong-type")
    lengths = tuple(along.shape for along in coordinates)
    if lengths != tuple((n,) for n in values.shape):
        given = f"samples are {_per_axis(values.shape)} and its coordinates {lengths}"
        raise InputError(f"the {given}: there must be one row per y and one column per x", KEY)
    if min(values.shape) < 2:
        curve = "; a curve is an array of one axis, or one column" if values.ndim == 2 else ""
        raise InputError(f"at least 2 samples per axis are needed, not {_per_axis(values.shape)}{curve}", KEY)


def _per_axis(shape: Sequence[int]) -> str:
    return " × ".join(f"{count} along {name}" for name, count in zip("xy", shape, strict=False))


def read_samples(path: Path, *, bounds: npt.ArrayLike | None = None, invert: bool = False) -> Samples:
    """Read samples of a function of one or two variables.

    In all files columns correspond to x and rows to y, as for `numpy.meshgrid` and matplotlib's `contour`. In arrays
    and tables y ascends from the first row to the last; in a picture the last row has the lowest y. A .npz file may
    contain coordinates as arrays `x` and `y` in addition to `values`.

    In a table, lines that begin with # are comments. One column contains values; two contain x and value; three contain
    x, y and value, with rows in any order that together form a grid. A header, which may be a comment, can name the
    columns x and y in another order. A table of four or more columns is a grid of values and must not have a header.

    Args:
        path: A .npy, .npz, .csv, .png or .jpg file.
        bounds: The (low, high) of each coordinate, spanned by evenly spaced samples; in one dimension (low, high) is
            accepted. By default the coordinates are the indices, from 0.
        invert: Whether dark pixels of a picture have high values.

    Raises:
        InputError: The file or the bounds are invalid or do not match; `key` is "samples", "bounds" or "invert".
    """
    suffix = path.suffix.casefold()
    if suffix not in SUFFIXES:
        message = f"{path}: samples are read from {', '.join(SUFFIXES)}, not from '{path.suffix}'"
        raise InputError(message, KEY, code="unsupported")
    if invert and suffix not in PICTURES:
        raise InputError(f"only pictures can be inverted, not {path}", ("invert",), code="conflict")
    if suffix in (".npy", ".npz"):
        values, coordinates = _read_arrays(path)
    else:
        check_file(path, max_bytes=MAX_BYTES, key=KEY)
        values, coordinates = _read_picture(path) if suffix in PICTURES else _read_csv(path)
    try:
        samples = Samples(
            # Transposed, so that the first axis is x.
            np.array(1 - values.T if invert else values.T, order="C"),
            coordinates or tuple(np.arange(count, dtype=np.float64) for count in values.T.shape),
        )
    except InputError as error:
        raise InputError(f"{path}: {error.message}", KEY, code=error.code) from error
    return samples if bounds is None else _within(samples, bounds, has_coordinates=coordinates is not None)


def _within(samples: Samples, bounds: npt.ArrayLike, *, has_coordinates: bool) -> Samples:
    """Space samples evenly within the bounds, or check that the file's coordinates have these bounds."""
    wanted = as_bounds(bounds, samples.values.ndim)
    if has_coordinates:
        if np.allclose(wanted, samples.bounds, rtol=1e-9, atol=0):
            return samples
        own = f"the file has its own coordinates, in {samples.bounds.tolist()}"
        raise InputError(f"{own}, not {wanted.tolist()}; remove `bounds`", ("bounds",), code="conflict")
    spread = (np.linspace(low, high, n) for (low, high), n in zip(wanted, samples.values.shape, strict=True))
    try:
        return replace(samples, coordinates=tuple(spread))
    except InputError as error:
        raise InputError(f"too narrow for {_per_axis(samples.values.shape)}: {error.message}", ("bounds",)) from error


def _read_arrays(path: Path) -> tuple[FloatArray, tuple[FloatArray, ...] | None]:
    """Read the only array of a .npy or .npz file, or the arrays `values`, `x` and `y` of a .npz file."""
    arrays = load_arrays(path, max_bytes=MAX_BYTES, key=KEY)
    if len(arrays) == 1:
        return _real(path, *arrays.items()), None
    if "values" not in arrays:
        found = ", ".join(sorted(arrays)) or "none"
        message = f"{path}: one of several arrays must be named 'values', beside 'x' and 'y'; found: {found}"
        raise InputError(message, KEY, code="missing")
    values = _real(path, ("values", arrays["values"]))
    given = [name for name in "xy"[: values.ndim] if name in arrays]
    if given and len(given) < values.ndim:
        absent = "y" if given == ["x"] else "x"
        raise InputError(f"{path}: has '{given[0]}' but no '{absent}'", KEY, code="missing")
    return values, tuple(_real(path, (name, arrays[name])) for name in given) or None


def _real(path: Path, item: tuple[str, npt.NDArray[np.generic]]) -> FloatArray:
    name, numbers = item
    if numbers.dtype.kind not in "biuf":
        which = f"'{name}'" if name else "the array"
        raise InputError(f"{path}: {which} holds {numbers.dtype}, not real numbers", KEY, code="wrong-type")
    if numbers.size > MAX_SAMPLES:
        raise InputError(f"{path}: has {numbers.size:,} samples; the limit is {MAX_SAMPLES:,}", KEY, code="too-large")
    with np.errstate(over="ignore"):
        return numbers.astype(np.float64, copy=False)


def _read_picture(path: Path) -> tuple[FloatArray, None]:
    """Read the brightness of a picture, from 0 for black to 1 for white, starting with the lowest row.

    The EXIF orientation is applied. Colors are weighted according to ITU-R 601-2; transparency is ignored. Of an
    animation the first frame is read.
    """
    import imageio.v3 as imageio

    message, limit = f"{path}: is not a readable PNG or JPEG picture", f"the limit is {MAX_SAMPLES:,}"
    with path.open("rb") as file:
        if not file.read(8).startswith(SIGNATURES):
            raise InputError(message, KEY, code="unreadable")
    try:
        # Pillow warns about sizes, which are checked below, and about transparency, which is ignored.
        with warnings.catch_warnings(action="ignore"):
            found = imageio.improps(path, plugin="pillow", index=0)
            size = math.prod(found.shape[:2])
            # 16 bits per pixel would be clipped to 8 by the conversion to "L".
            mode = "L" if found.dtype.itemsize == 1 else None
            few = size <= MAX_SAMPLES
            pixels = imageio.imread(path, plugin="pillow", mode=mode, rotate=True, index=0) if few else None
    except Exception as error:  # Pillow does not wrap the exceptions of its decoders
        if type(error.__cause__).__name__ == "DecompressionBombError":
            raise InputError(f"{path}: has far too many pixels; {limit}", KEY, code="too-large") from error
        raise InputError(message, KEY, code="unreadable") from error
    if pixels is None:
        raise InputError(f"{path}: has {size:,} pixels; {limit}", KEY, code="too-large")
    return pixels[::-1].astype(np.float64) / (255 if mode else 65535), None


def _read_csv(path: Path) -> tuple[FloatArray, tuple[FloatArray, ...] | None]:
    """Return the values (rows,) or (rows, columns) of a table, and the coordinates x and y if it has them."""
    try:
        header, numbers = _parse_csv(path)
    except UnicodeDecodeError as error:
        raise _csv_error(path, "is not text in UTF-8") from error
    except csv.Error as error:
        raise _csv_error(path, f"is not a table: {error}") from error
    columns = numbers.shape[1]
    if columns == 1:
        return numbers[:, 0], None
    if columns <= 3:
        order = list(range(columns))
        names = ["x", "y"][: columns - 1]
        if set(names) <= set(header):
            order.sort(key=lambda column: [*names, header[column]].index(header[column]))
        return _gridded(path, numbers[:, order].T)
    if header:
        raise _csv_error(path, f"a header names two columns (x, value) or three (x, y, value), not {columns}")
    return numbers, None


def _csv_error(path: Path, message: str, code: Code = "unreadable") -> InputError:
    return InputError(f"{path}: {message}", KEY, code=code)


def _parse_csv(path: Path) -> tuple[list[str], FloatArray]:
    """Return the header, or an empty list, and the numbers (rows, columns)."""
    header: list[str] = []
    comment: list[str] = []
    width = 0
    numbers = array("d")
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file)
        for fields in reader:
            if len(fields) <= 1 and not "".join(fields).strip():
                continue
            if fields[0].lstrip().startswith("#"):
                comment = comment if width else fields
                continue
            row = [_number(field) for field in fields]
            if not width:
                width = len(fields)
                header = comment if len(comment) == width <= 3 else []
                if not any(map(math.isfinite, row)):
                    header = fields
                    continue
            if len(fields) != width:
                columns = f"{len(fields)} column{'s' * (len(fields) != 1)}, and the first row has {width}"
                raise _csv_error(path, f"row {reader.line_num} has {columns}{_separator_hint(fields)}")
            for column, number in enumerate(row, start=1):
                if not math.isfinite(number):
                    shown = quoted(fields[column - 1].strip())
                    message = f"row {reader.line_num}, column {column}: {shown} is not a finite number"
                    raise _csv_error(path, message + _separator_hint(fields))
            numbers.extend(row)
            if len(numbers) > MAX_SAMPLES:
                raise _csv_error(path, f"has more than {MAX_SAMPLES:,} numbers", "too-large")
    if not numbers:
        raise _csv_error(path, "has no numbers")
    return [field.strip("# ").casefold() for field in header], np.frombuffer(numbers).reshape(-1, width)


def _number(field: str) -> float:
    """Return the number in a field, or NaN; `1_0` and digits of other scripts are numbers only in Python."""
    try:
        return float(field) if field.isascii() and "_" not in field else math.nan
    except ValueError:
        return math.nan


def _separator_hint(fields: Sequence[str]) -> str:
    """Return a remedy if the fields are not separated by commas, or an empty string."""
    for separator, name in SEPARATORS.items():
        if any(separator in field.strip() for field in fields):
            return f"; its fields are separated by {name}: write commas, and decimal points"
    return ""


def _gridded(path: Path, columns: FloatArray) -> tuple[FloatArray, tuple[FloatArray, ...]]:
    """Arrange columns of coordinates and a value into a grid of values (n1, n0) or (n0,)."""
    *points, values = columns
    axes, indices = zip(*(np.unique(column, return_inverse=True) for column in points), strict=True)
    shape = tuple(len(axis) for axis in reversed(axes))
    cells = np.ravel_multi_index(indices[::-1], shape)
    filled, first, counts = np.unique(cells, return_index=True, return_counts=True)

    def point(cell: int) -> str:
        coordinates = zip(axes, reversed(np.unravel_index(cell, shape)), "xy", strict=False)
        return ", ".join(f"{name} = {axis[index]:g}" for axis, index, name in coordinates)

    remedy = "; save a grid of three columns as .npy" if len(axes) == 2 else ""
    if len(filled) < len(cells):
        raise _csv_error(path, f"{point(filled[counts.argmax()])} is given more than once{remedy}", "duplicate")
    if missing := math.prod(shape) - len(filled):
        gap = int(np.argmin(np.append(filled, -1) == np.arange(len(filled) + 1)))
        more = f" and {missing - 1:,} more" if missing > 1 else ""
        rule = "three columns are x, y and value, one row for each point of a grid"
        raise _csv_error(path, f"{rule}: {point(gap)} is missing{more}{remedy}", "missing")
    return values[first].reshape(shape), axes
