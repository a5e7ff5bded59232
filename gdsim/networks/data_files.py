"""Examples from a file of one's own: an .npz with x and y, judged before anything large is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gdsim.errors import InputError
from gdsim.files import suggest_sibling
from gdsim.networks.npz import UnreadableError, array_of, opened

__all__ = ["KEY", "read_examples"]

KEY = ("data",)
NAMES = ("x", "y", "x_test", "y_test")
FILE_LIMIT = 2**30
"""So many bytes may all arrays of a file take together; MNIST's images are 376 MB as float64."""

MOST_NUMBERS = 2**28
"""So many of them are taken, which become float32 whatever they were; CIFAR-10 has 184 million."""

COLORS = (1, 3, 4)
"""How many channels images have that are saved with them last."""

MOST_OUTPUTS = 1000

Arrays = dict[str, npt.NDArray[Any]]


def read_examples(path: Path) -> Arrays:
    """Read examples to train on, and those to test with where the file has them.

    Args:
        path: An .npz file with `x` and `y`, or with `x_test` and `y_test` too. x (n, …) are numbers, in images
            (n, rows, columns) or (n, channels, rows, columns). y (n,) are whole numbers for classes from 0; floating
            ones, (n,) or (n, outputs), are themselves what is to be learnt.

    Returns:
        The arrays by their names: each x float32, with a channel of its own where it has images without; each y int64,
        or float32 (n, outputs).

    Raises:
        InputError: There is no such file, or it is not a whole one; an array is missing, too large, not of finite
            numbers, or does not fit the others; or a label is out of range.
    """
    if not path.is_file():
        there = path.is_symlink() or path.exists()
        sentence = "is no file, nor a link to one" if there else f"no such file{suggest_sibling(path)}"
        raise InputError(f"{path}: {sentence}", KEY)
    try:
        return _checked(_arrays(path))
    except (UnreadableError, InputError) as error:
        raise InputError(f"{path}: {error}", KEY) from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}", KEY) from error


def _arrays(path: Path) -> Arrays:
    with opened(path, FILE_LIMIT) as (archive, entries):
        wanted = NAMES if entries.keys() & {*NAMES[2:]} else NAMES[:2]
        missing = next((name for name in wanted if name not in entries), None)
        if missing is not None and {"format", "yaml", "labels"} <= entries.keys():
            raise UnreadableError("it is what a run has recorded, and no data: data beside a picture has another name")
        if missing is not None:
            found = ", ".join(sorted(entries)) or "nothing"
            needed = f"{', '.join(wanted[:-1])} and {wanted[-1]}"
            raise UnreadableError(f"it holds no array '{missing}', and needs {needed}; found: {found}")
        arrays = {name: array_of(archive, name, entries[name]) for name in wanted}
    if (count := sum(array.size for array in arrays.values())) > MOST_NUMBERS:
        raise UnreadableError(f"it holds {count:,} numbers; at most {MOST_NUMBERS:,} are taken")
    return arrays


def _checked(arrays: Arrays) -> Arrays:
    for name, array in arrays.items():
        if array.dtype.kind not in "biuf":
            is_label = name.startswith("y") and array.dtype.kind in "SU"
            number = f"; for classes of those names write np.unique({name}, return_inverse=True)[1]" * is_label
            raise InputError(f"{name} holds no real numbers but {array.dtype}{number}")
    for part in ("", "_test") if "x_test" in arrays else ("",):
        _check_shapes(f"x{part}", arrays[f"x{part}"], f"y{part}", arrays[f"y{part}"])
    if len(arrays["x"]) < 2:
        raise InputError(f"x has the shape {arrays['x'].shape}, and at least 2 examples to train on are needed")
    if "x_test" in arrays:
        _check_alike(arrays)
    if arrays["y"].dtype.kind == "f":
        targets = {name: _numbers(name, arrays[name]) for name in arrays if name.startswith("y")}
        targets = {name: array.reshape(len(array), -1) for name, array in targets.items()}
    else:
        targets = _labels({name: arrays[name] for name in arrays if name.startswith("y")})
    inputs = {name: _with_channel(_numbers(name, arrays[name])) for name in arrays if name.startswith("x")}
    return inputs | targets


def _check_shapes(x_name: str, x: npt.NDArray[Any], y_name: str, y: npt.NDArray[Any]) -> None:
    if x.ndim == 1:
        raise InputError(f"{x_name} has the shape {x.shape}; for one number an example write {x_name}[:, None]")
    if not 2 <= x.ndim <= 4 or 0 in x.shape[1:]:
        shapes = "(n, inputs), (n, rows, columns) or (n, channels, rows, columns)"
        raise InputError(f"{x_name} must have the shape {shapes}, not {x.shape}")
    if x.ndim == 4 and x.shape[3] in COLORS and min(x.shape[1:3]) > max(COLORS):
        sentence = f"{x_name} has the shape {x.shape}, and channels come before rows and columns"
        raise InputError(f"{sentence}: write {x_name}.transpose(0, 3, 1, 2)")
    whole = y.dtype.kind != "f"
    if y.ndim != 1 and (whole or y.ndim != 2 or not 1 <= y.shape[1] <= MOST_OUTPUTS):
        wanted = "(n,) for classes; numbers must be floating" if whole else "(n,) or (n, outputs)"
        raise InputError(f"{y_name} has the shape {y.shape}, and must have {wanted}")
    if len(x) != len(y):
        raise InputError(f"{x_name} has {len(x)} examples and {y_name} {len(y)}: shapes {x.shape} and {y.shape}")


def _check_alike(arrays: Arrays) -> None:
    for name in ("x", "y"):
        here, there = arrays[name], arrays[f"{name}_test"]
        if here.shape[1:] != there.shape[1:]:
            raise InputError(f"{name} has the shape {here.shape} and {name}_test {there.shape}, which do not fit")
    if (arrays["y"].dtype.kind == "f") != (arrays["y_test"].dtype.kind == "f"):
        raise InputError("one of y and y_test holds whole numbers, for classes, and the other floating ones")


def _numbers(name: str, array: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    with np.errstate(over="ignore"):
        numbers = array.astype(np.float32, order="C")
    if not np.isfinite(numbers).all():
        first = int(np.argwhere(~np.isfinite(numbers))[0][0])
        raise InputError(f"{name} holds what is not finite in float32, first in example {first}")
    return numbers


def _with_channel(x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return x[:, None] if x.ndim == 3 else x


def _labels(arrays: Arrays) -> Arrays:
    y = arrays["y"]
    low, high = int(y.min()), int(y.max())
    if low > 0:
        raise InputError(f"labels of y go from {low} to {high}, and are counted from 0; write y - {low}")
    if high == low == 0:
        raise InputError("all labels of y are 0, and at least two classes are needed")
    for name, labels in arrays.items():
        wrong = (labels < 0) | (labels > min(high, MOST_OUTPUTS - 1))
        if wrong.any():
            first = int(np.argmax(wrong))
            sentence = (
                f"classes go from 0 to {high} in y" if high < MOST_OUTPUTS else f"at most {MOST_OUTPUTS} are taken"
            )
            raise InputError(f"the label {labels[first]} of {name}, example {first}, is out of range: {sentence}")
    return {name: labels.astype(np.int64) for name, labels in arrays.items()}
