"""Arrays and records as text for the scripts of a page."""

from __future__ import annotations

import re
import zlib
from base64 import b64encode
from typing import Any

import numpy as np
import numpy.typing as npt

from gdsim.objectives import FloatArray


def encoded(values: npt.NDArray[Any], kind: str = "f4") -> dict[str, str]:
    """Encode an array as `decode` in numbers.js reads it: bytes unchanged, and other numbers in single precision.

    That is finer than a pixel; the kind "f8" is double precision.
    """
    kind = "u1" if values.dtype == np.uint8 else kind
    with np.errstate(over="ignore"):
        numbers = np.ascontiguousarray(values, f"<{kind}")
    return {kind: b64encode(numbers.tobytes()).decode("ascii")}


def significant(values: FloatArray) -> FloatArray:
    """Round to the four significant digits that a page shows, which takes less room when it is compressed.

    NaN remains.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        unit = 10.0 ** (np.floor(np.log10(np.abs(values))) - 3)
        return np.where(values == 0, 0, np.rint(values / unit) * unit)


def packed(values: npt.NDArray[Any], kind: str = "<u1") -> str:
    """Encode numbers, compressed."""
    return b64encode(zlib.compress(np.ascontiguousarray(values.astype(kind)).tobytes(), 9)).decode("ascii")


def fields(source: object, names: str) -> dict[str, Any]:
    """Return attributes of a primitive with their JavaScript names; arrays are encoded as text."""
    values = {re.sub(r"_(\w)", lambda found: found[1].upper(), name): getattr(source, name) for name in names.split()}
    return {name: encoded(value) if isinstance(value, np.ndarray) else value for name, value in values.items()}
