"""Read samples of a function on a grid from an array, a table, or the brightness of a picture."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gdsim.errors import InputError
from gdsim.files import check_file, load_arrays
from gdsim.objectives.objective import FloatArray, as_bounds
from gdsim.objectives.tables import read_csv

PICTURES = (".jpeg", ".jpg", ".png")
SUFFIXES = (".csv", *PICTURES, ".npy", ".npz")

MAX_SAMPLES = 2**24
"""The maximum number of samples, 4096 × 4096; reading and interpolating them takes less than 2 GB of memory."""

MAX_BYTES = 2**30

SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
"""The first bytes of PNG and JPEG files; files in other formats are refused even if their suffix matches."""

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
        """Convert and check the arrays."""
        object.__setattr__(self, "values", _read_only_view(self.values))
        object.__setattr__(self, "coordinates", tuple(_read_only_view(along) for along in self.coordinates))
        _check_shapes(self.values, self.coordinates)
        for name, along in zip("xy", self.coordinates, strict=False):
            _check_ascending(name, along)
        if not np.isfinite(self.values).all():
            index = tuple(int(i) for i in np.argwhere(~np.isfinite(self.values))[0])
            where = ", ".join(f"{name} = {c[i]:g}" for name, c, i in zip("xy", self.coordinates, index, strict=False))
            raise InputError(f"the sample at {where} is {self.values[index]}", KEY)

    @property
    def bounds(self) -> FloatArray:
        """(dim, 2) the first and last coordinate along each axis."""
        return np.array([along[[0, -1]] for along in self.coordinates])


def _read_only_view(array: npt.ArrayLike) -> FloatArray:
    view = np.asarray(array, dtype=np.float64).view()
    view.setflags(write=False)
    return view


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


def _check_ascending(name: str, along: FloatArray) -> None:
    if not np.isfinite(along).all():
        at = int(np.argmin(np.isfinite(along)))
        raise InputError(f"{name} number {at + 1} is {along[at]}", KEY)
    with np.errstate(over="ignore"):
        steps = np.diff(along)
    if not (steps > 0).all():
        at = int(np.argmin(steps > 0)) + 1
        raise InputError(f"{name} must ascend: number {at + 1} is {along[at]:g}, after {along[at - 1]:g}", KEY)
    if not math.isfinite(float(along[-1]) - float(along[0])):
        raise InputError(f"the width of {name} overflows float64", KEY)


def read_samples(path: Path, *, bounds: npt.ArrayLike | None = None, invert: bool = False) -> Samples:
    """Read samples of a function of one or two variables.

    In all files columns correspond to x and rows to y, as for `numpy.meshgrid` and matplotlib's `contour`. In arrays
    and tables y ascends from the first row to the last; in a picture the last row has the lowest y. A .npz file may
    contain coordinates as arrays `x` and `y` in addition to `values`, and a table may contain them in columns (see
    `read_csv`).

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
        values, coordinates = _read_picture(path) if suffix in PICTURES else read_csv(path, MAX_SAMPLES)
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
    name, array = item
    if array.dtype.kind not in "biuf":
        which = f"'{name}'" if name else "the array"
        raise InputError(f"{path}: {which} holds {array.dtype}, not real numbers", KEY, code="wrong-type")
    if array.size > MAX_SAMPLES:
        raise InputError(f"{path}: has {array.size:,} samples; the limit is {MAX_SAMPLES:,}", KEY, code="too-large")
    with np.errstate(over="ignore"):
        return array.astype(np.float64, copy=False)


def _read_picture(path: Path) -> tuple[FloatArray, None]:
    """Read the brightness of a picture, from 0 for black to 1 for white, starting with the lowest row.

    The EXIF orientation is applied. Colors are weighted according to ITU-R 601-2; transparency is ignored.
    """
    import imageio.v3 as imageio

    message = f"{path}: is not a readable PNG or JPEG picture"
    with path.open("rb") as file:
        if not file.read(8).startswith(SIGNATURES):
            raise InputError(message, KEY, code="unreadable")
    try:
        with warnings.catch_warnings():
            # Pillow warns about sizes, which are checked below, and about transparency, which is ignored.
            warnings.simplefilter("ignore")
            found = imageio.improps(path, plugin="pillow")
            size = math.prod(found.shape[:2])
            # 16 bits per pixel would be clipped to 8 by the conversion to "L".
            mode = "L" if found.dtype.itemsize == 1 else None
            pixels = imageio.imread(path, plugin="pillow", mode=mode, rotate=True) if size <= MAX_SAMPLES else None
    except Exception as error:  # Pillow does not wrap the exceptions of its decoders
        bomb = type(error.__cause__).__name__ == "DecompressionBombError"
        raise InputError(message, KEY, code="too-large" if bomb else "unreadable") from error
    if pixels is None:
        raise InputError(f"{path}: has {size:,} pixels; the limit is {MAX_SAMPLES:,}", KEY, code="too-large")
    return pixels[::-1].astype(np.float64) / (255 if mode else 65535), None
