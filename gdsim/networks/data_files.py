"""Reading and validation of examples in users' .npz files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gdsim.errors import InputError
from gdsim.files import load_arrays

__all__ = ["KEY", "read_examples"]

KEY = ("data",)
NAMES = ("x", "y", "x_test", "y_test")
RECORDING = ("format", "yaml", "labels")

MAX_FILE_BYTES = 2**30
"""The largest size in bytes of all arrays of a file; MNIST's images have 376 MB as float64."""

MAX_NUMBERS = 2**28
"""The largest number of elements of all arrays, which become float32; CIFAR-10 has 184 million."""

COLOR_CHANNELS = (1, 3, 4)
"""The numbers of channels of images that may have been saved with channels last."""

MAX_OUTPUTS = 1000

Arrays = dict[str, npt.NDArray[Any]]


def read_examples(path: Path) -> Arrays:
    """Read examples for training, and those for testing if the file has them.

    Args:
        path: An .npz file with `x` and `y`, and optionally `x_test` and `y_test`. x is (n, inputs), (n, rows, columns)
            or (n, channels, rows, columns). y is (n,) integers for classes, from 0, or (n,) or (n, outputs)
            floating-point numbers for regression.

    Returns:
        The arrays by name: x float32, images with a channel axis; y int64, or float32 (n, outputs).
    """
    arrays = load_arrays(path, max_bytes=MAX_FILE_BYTES, names={*NAMES, *RECORDING}, key=KEY)
    try:
        return _checked(_selected(arrays))
    except InputError as error:
        raise InputError(f"{path}: {error.message}", KEY, code=error.code) from error


def _selected(arrays: Arrays) -> Arrays:
    names = NAMES if arrays.keys() & {*NAMES[2:]} else NAMES[:2]
    missing = next((name for name in names if name not in arrays), None)
    if missing is not None and {*RECORDING} <= arrays.keys():
        raise InputError("it is the recording of a run, not data; give the data a name of its own", code="unreadable")
    if missing is not None:
        needed = f"{', '.join(names[:-1])} and {names[-1]}"
        raise InputError(f"it has no array '{missing}'; required are {needed}", code="missing")
    if (count := sum(arrays[name].size for name in names)) > MAX_NUMBERS:
        raise InputError(f"it holds {count:,} numbers; at most {MAX_NUMBERS:,} are read", code="too-large")
    return {name: arrays[name] for name in names}


def _checked(arrays: Arrays) -> Arrays:
    for name, array in arrays.items():
        if array.dtype.kind not in "biuf":
            is_label = name.startswith("y") and array.dtype.kind in "SU"
            hint = f"; for classes of those names write np.unique({name}, return_inverse=True)[1]" * is_label
            raise InputError(f"{name} holds {array.dtype}, not real numbers{hint}", code="wrong-type")
    for part in ("", "_test") if "x_test" in arrays else ("",):
        _check_shapes(f"x{part}", arrays[f"x{part}"], f"y{part}", arrays[f"y{part}"])
    if len(arrays["x"]) < 2:
        raise InputError(f"x has the shape {arrays['x'].shape}; at least 2 examples are required")
    if "x_test" in arrays:
        _check_test_part(arrays)
    inputs = {name: _float32(name, arrays[name]) for name in arrays if name.startswith("x")}
    images = {name: array[:, None] if array.ndim == 3 else array for name, array in inputs.items()}
    targets = {name: arrays[name] for name in arrays if name.startswith("y")}
    if arrays["y"].dtype.kind != "f":
        return images | _labels(targets)
    return images | {name: _float32(name, array).reshape(len(array), -1) for name, array in targets.items()}


def _check_shapes(x_name: str, x: npt.NDArray[Any], y_name: str, y: npt.NDArray[Any]) -> None:
    if x.ndim == 1:
        raise InputError(f"{x_name} has the shape {x.shape}; for one number per example write {x_name}[:, None]")
    if not 2 <= x.ndim <= 4 or 0 in x.shape[1:]:
        shapes = "(n, inputs), (n, rows, columns) or (n, channels, rows, columns)"
        raise InputError(f"{x_name} must have the shape {shapes}, not {x.shape}")
    if x.ndim == 4 and x.shape[3] in COLOR_CHANNELS and min(x.shape[1:3]) > max(COLOR_CHANNELS):
        sentence = f"{x_name} has the shape {x.shape}, but channels precede rows and columns"
        raise InputError(f"{sentence}: write {x_name}.transpose(0, 3, 1, 2)")
    is_class = y.dtype.kind != "f"
    if y.ndim != 1 and (is_class or y.ndim != 2 or not 1 <= y.shape[1] <= MAX_OUTPUTS):
        wanted = "(n,) for classes; other numbers must be floating-point" if is_class else "(n,) or (n, outputs)"
        raise InputError(f"{y_name} has the shape {y.shape}, and must have {wanted}")
    if len(x) != len(y):
        raise InputError(f"{x_name} has {len(x)} examples and {y_name} {len(y)}: shapes {x.shape} and {y.shape}")


def _check_test_part(arrays: Arrays) -> None:
    for name in ("x", "y"):
        train, test = arrays[name], arrays[f"{name}_test"]
        if train.shape[1:] != test.shape[1:]:
            raise InputError(f"{name} has the shape {train.shape} and {name}_test {test.shape}, which do not fit")
    if (arrays["y"].dtype.kind == "f") != (arrays["y_test"].dtype.kind == "f"):
        raise InputError("one of y and y_test holds whole numbers, for classes, and the other floating-point numbers")


def _float32(name: str, array: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    with np.errstate(over="ignore"):
        numbers = array.astype(np.float32, order="C")
    if not np.isfinite(numbers).all():
        first = int(np.argwhere(~np.isfinite(numbers))[0][0])
        raise InputError(f"{name} has a number that is not finite in float32, first in example {first}")
    return numbers


def _labels(arrays: Arrays) -> Arrays:
    y = arrays["y"]
    low, high = int(y.min()), int(y.max())
    if low > 0:
        raise InputError(f"labels of y go from {low} to {high}, and must start at 0; write y - {low}")
    if high == low == 0:
        raise InputError("all labels of y are 0; at least two classes are required")
    for name, labels in arrays.items():
        wrong = (labels < 0) | (labels > min(high, MAX_OUTPUTS - 1))
        if wrong.any():
            first = int(np.argmax(wrong))
            limit = (
                f"classes go from 0 to {high} in y" if high < MAX_OUTPUTS else f"at most {MAX_OUTPUTS} are supported"
            )
            raise InputError(f"the label {labels[first]} of {name}, example {first}, is out of range: {limit}")
    return {name: labels.astype(np.int64) for name, labels in arrays.items()}
