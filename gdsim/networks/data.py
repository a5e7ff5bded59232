"""Data to train networks on: images from scikit-learn, generated examples, and users' files."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gdsim.errors import InputError, Key, did_you_mean
from gdsim.files import load_arrays
from gdsim.objectives import FloatArray

KEY = ("data",)

DEFAULT_NUMBER = 500
DEFAULT_TEST = 0.25

NAMES = ("x", "y", "x_test", "y_test")
MAX_FILE_BYTES = 2**30  # of all arrays of a file; MNIST's images have 376 MB as float64
MAX_NUMBERS = 2**28  # elements of all arrays, which become float32; CIFAR-10 has 184 million
COLOR_CHANNELS = (1, 3, 4)  # of images that may have been saved with channels last

MAX_OUTPUTS = 1000

Arrays = dict[str, npt.NDArray[Any]]


class _ExampleGenerator(NamedTuple):
    """A generator of examples.

    Attributes:
        examples: Returns x (n, inputs), and y, which holds classes (n,) or numbers (n, outputs), for a number of
            examples, a standard deviation of their noise, and a generator of random numbers.
        noise: The default standard deviation of the noise.
    """

    examples: Callable[[int, float, np.random.Generator], tuple[FloatArray, npt.NDArray[Any]]]
    noise: float
    summary: str


def _moons(n: int, noise: float, rng: np.random.Generator) -> tuple[FloatArray, npt.NDArray[Any]]:
    labels = np.arange(n) % 2
    angles = np.pi * rng.random(n)
    upper = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    lower = np.stack([1 - np.cos(angles), 0.5 - np.sin(angles)], axis=1)
    x = np.where(labels[:, None] == 0, upper, lower)
    return x + noise * rng.standard_normal(x.shape), labels


def _spirals(n: int, noise: float, rng: np.random.Generator) -> tuple[FloatArray, npt.NDArray[Any]]:
    labels = np.arange(n) % 2
    radii = np.sqrt(rng.random(n))
    angles = 3 * np.pi * radii + np.pi * labels
    x = np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1)
    return x + noise * rng.standard_normal(x.shape), labels


def _curve(n: int, noise: float, rng: np.random.Generator) -> tuple[FloatArray, npt.NDArray[Any]]:
    x = rng.uniform(-3, 3, (n, 1))
    return x, np.sin(2 * x) + 0.3 * x + noise * rng.standard_normal(x.shape)


GENERATORS: Mapping[str, _ExampleGenerator] = {
    "moons": _ExampleGenerator(_moons, 0.15, "two classes of points in the plane, two interlocking half-moons"),
    "spirals": _ExampleGenerator(_spirals, 0.02, "two classes of points in the plane, two intertwined spirals"),
    "regression": _ExampleGenerator(_curve, 0.1, "one input and one output, sin 2x + 0.3x for x from −3 to 3"),
}

DATA: Mapping[str, str] = {
    "digits": "1,797 images of 8 × 8 pixels in ten classes, scikit-learn's",
    **{name: generator.summary for name, generator in GENERATORS.items()},
}
"""The built-in data, each with a summary; any other name is the path of an .npz file."""


@dataclass(frozen=True, eq=False)
class Data:
    """Examples for training and for testing.

    Args:
        name: The name, such as "digits".
        x: (n, …) float32 inputs for training.
        y: (n,) int64 classes, or (n, outputs) float32 numbers.
        x_test: (m, …) inputs for testing; m may be 0.
        y_test: (m,) classes, or (m, outputs) numbers.
        classes: The number of classes; None for regression.
        image: Rows and columns of an input that is an image, which has the shape (channels, rows, columns) or is
            flattened in that order; None for other inputs.
    """

    name: str
    x: npt.NDArray[np.float32]
    y: npt.NDArray[np.generic]
    x_test: npt.NDArray[np.float32]
    y_test: npt.NDArray[np.generic]
    classes: int | None
    image: tuple[int, int] | None

    @property
    def outputs(self) -> int:
        """The number of outputs of a network: one score per class, or one number per column of y."""
        return int(self.y.shape[1]) if self.classes is None else self.classes

    def check_class(self, target: int, key: Key = ()) -> None:
        """Raise an `InputError` if the data does not have this class."""
        if self.classes is None:
            raise InputError(f"the data {self.name} is for regression and has no classes", key)
        if not 0 <= target < self.classes:
            sentence = f"there is no class {target}; the classes of {self.name} are 0 to {self.classes - 1}"
            raise InputError(sentence, key)

    def test_image(self, number: int, key: Key = ()) -> npt.NDArray[np.float32]:
        """Return an image of the test data, in the shape that the network takes, without a batch axis.

        Raises:
            InputError: There is no image of this number.
        """
        if self.image is None:
            others = "digits has, and an .npz file whose x is (n, channels, rows, columns)"
            raise InputError(f"the data {self.name} has no images; {others}", key, code="unsupported")
        count = len(self.x_test)
        if not count:
            sentence = f"the data {self.name} has no test images: set their share, as in test: 0.25"
            raise InputError(sentence, key, code="unsupported")
        if not 0 <= number < count:
            sentence = f"there is no image {number}; the test images of {self.name} are 0 to {count - 1}"
            raise InputError(sentence, key)
        return np.asarray(self.x_test[number])


def examples(
    name: str,
    *,
    n: int | None = None,
    noise: float | None = None,
    test: float | None = None,
    seed: int = 0,
    folder: Path | None = None,
) -> Data:
    """Load or generate data, divided into examples for training and for testing.

    The arguments are those of `gdsim.config.objective.DataSpec`. The path of a file is relative to the folder, by
    default the current one.

    Raises:
        InputError: The data does not exist, the file is not valid, or there are too few examples; `key` begins with
            "data".
    """
    if name not in DATA and not name.lower().endswith(".npz"):
        hint = did_you_mean(name, DATA) or f"; there are {', '.join(DATA)}, or the path of an .npz file"
        raise InputError(f"there is no data '{name}'{hint}", (*KEY, "name"), code="unknown-name")
    if noise is not None and name not in GENERATORS:
        sentence = f"noise is for generated data: {', '.join(GENERATORS)}"
        raise InputError(sentence, (*KEY, "noise"), code="unsupported")
    rng = np.random.default_rng(seed)
    if name == "digits":
        return _divided(name, _digits(), n, test, rng)
    if name in GENERATORS:
        generator, n = GENERATORS[name], n or DEFAULT_NUMBER
        x, y = generator.examples(n, generator.noise if noise is None else noise, rng)
        targets = y.astype(np.int64 if y.dtype.kind == "i" else np.float32)
        return _divided(name, {"x": x.astype(np.float32), "y": targets}, n, test, rng)
    path = Path(name) if folder is None else folder / name
    return _divided(path.stem, _read(path), n, test, rng)


def _digits() -> Arrays:
    # Read from the file in the wheel, because importing scikit-learn takes a hundred times as long.
    spec = find_spec("sklearn")
    folders = (spec and spec.submodule_search_locations) or ()
    paths = (Path(folder, "datasets", "data", "digits.csv.gz") for folder in folders)
    path = next((path for path in paths if path.exists()), None)
    if path is None:
        sentence = "digits needs scikit-learn: pip install 'gdsim[networks]'"
        raise InputError(sentence, (*KEY, "name"), code="not-installed")
    with gzip.open(path, "rt", encoding="ascii") as file:
        rows = np.loadtxt(file, delimiter=",", dtype=np.float32)
    return {"x": (rows[:, :64] / 16).reshape(-1, 1, 8, 8), "y": rows[:, 64].astype(np.int64)}


def _divided(name: str, arrays: Arrays, n: int | None, test: float | None, rng: np.random.Generator) -> Data:
    """Reserve a share of n random examples for testing; without a share and `n`, keep all in their order."""
    x, y = arrays["x"], arrays["y"]
    if n is not None and n > len(x):
        raise InputError(f"{name} has {len(x):,} examples, not {n:,}", (*KEY, "n"))
    if test is not None and "x_test" in arrays:
        sentence = f"{name} has its own x_test and y_test; remove `test`"
        raise InputError(sentence, (*KEY, "test"), code="conflict")
    share = 0.0 if "x_test" in arrays else DEFAULT_TEST if test is None else test
    # Examples that the user has divided keep their order, so that a training loop of the user gives the same results.
    order = rng.permutation(len(x))[:n] if share or n is not None else np.arange(len(x))
    reserved = round(len(order) * share)
    first, last = order[: len(order) - reserved], order[len(order) - reserved :]
    if len(first) < 2:
        sentence = f"leaves {len(first)} of {len(order)} examples to train on; at least 2 are required"
        raise InputError(sentence, (*KEY, "test"))
    return Data(
        name=name,
        x=x[first],
        y=y[first],
        x_test=arrays.get("x_test", x[last]),
        y_test=arrays.get("y_test", y[last]),
        classes=int(y.max()) + 1 if y.dtype.kind == "i" else None,
        image=(x.shape[2], x.shape[3]) if x.ndim == 4 else None,
    )


def _read(path: Path) -> Arrays:
    """Read examples for training from an .npz file, and those for testing if the file has them.

    Returns:
        The arrays by name: x float32, images with a channel axis; y int64 for classes, or float32 (n, outputs).
    """
    arrays = load_arrays(path, max_bytes=MAX_FILE_BYTES, names=NAMES, key=KEY)
    try:
        return _converted(_checked(arrays))
    except InputError as error:
        raise InputError(f"{path}: {error.message}", KEY, code=error.code) from error


def _checked(arrays: Arrays) -> Arrays:
    """Return the arrays of examples after checking their types and shapes."""
    names = NAMES if arrays.keys() & {*NAMES[2:]} else NAMES[:2]
    missing = next((name for name in names if name not in arrays), None)
    if missing is not None:
        needed = f"{', '.join(names[:-1])} and {names[-1]}"
        raise InputError(f"it has no array '{missing}'; required are {needed}", code="missing")
    found = {name: arrays[name] for name in names}
    if (count := sum(array.size for array in found.values())) > MAX_NUMBERS:
        raise InputError(f"it holds {count:,} numbers; at most {MAX_NUMBERS:,} are read", code="too-large")
    for name, array in found.items():
        if array.dtype.kind not in "biuf":
            is_label = name.startswith("y") and array.dtype.kind in "SU"
            hint = f"; for classes of those names write np.unique({name}, return_inverse=True)[1]" * is_label
            raise InputError(f"{name} holds {array.dtype}, not real numbers{hint}", code="wrong-type")
    for x_name, y_name in zip(names[::2], names[1::2], strict=True):
        _check_shapes(x_name, found[x_name], y_name, found[y_name])
    if len(found["x"]) < 2:
        raise InputError(f"x has the shape {found['x'].shape}; at least 2 examples are required")
    for name in names[2:]:
        train, test = found[name.removesuffix("_test")], found[name]
        has_other_targets = name == "y_test" and _are_classes(train) != _are_classes(test)
        if train.shape[1:] != test.shape[1:] or has_other_targets:
            shapes = f"{train.dtype} {train.shape} and {name} {test.dtype} {test.shape}"
            raise InputError(f"{name.removesuffix('_test')} is {shapes}, which do not fit together")
    return found


def _are_classes(y: npt.NDArray[Any]) -> bool:
    return y.dtype.kind != "f"


def _check_shapes(x_name: str, x: npt.NDArray[Any], y_name: str, y: npt.NDArray[Any]) -> None:
    if not 2 <= x.ndim <= 4 or 0 in x.shape[1:]:
        shapes = "(n, inputs), (n, rows, columns) or (n, channels, rows, columns)"
        hint = f"; for one number per example write {x_name}[:, None]" * (x.ndim == 1)
        raise InputError(f"{x_name} must have the shape {shapes}, not {x.shape}{hint}")
    if x.ndim == 4 and x.shape[3] in COLOR_CHANNELS and min(x.shape[1:3]) > max(COLOR_CHANNELS):
        sentence = f"{x_name} has the shape {x.shape}, but channels precede rows and columns"
        raise InputError(f"{sentence}: write {x_name}.transpose(0, 3, 1, 2)")
    if y.ndim != 1 and (_are_classes(y) or y.ndim != 2 or not 1 <= y.shape[1] <= MAX_OUTPUTS):
        wanted = "(n,) for classes; other numbers must be floating-point" if _are_classes(y) else "(n,) or (n, outputs)"
        raise InputError(f"{y_name} has the shape {y.shape}, and must have {wanted}")
    if len(x) != len(y):
        raise InputError(f"{x_name} has {len(x)} examples and {y_name} {len(y)}: shapes {x.shape} and {y.shape}")


def _converted(arrays: Arrays) -> Arrays:
    """Convert x to float32 with a channel axis for images, and y to int64 classes or float32 numbers (n, outputs)."""
    has_classes = _are_classes(arrays["y"])
    converted: Arrays = {}
    for name, array in arrays.items():
        if name.startswith("y") and has_classes:
            converted[name] = _classes(name, array, arrays["y"])
            continue
        with np.errstate(over="ignore"):
            numbers = array.astype(np.float32, order="C")
        if not np.isfinite(numbers).all():
            first = int(np.argwhere(~np.isfinite(numbers))[0][0])
            raise InputError(f"{name} has a number that is not finite in float32, first in example {first}")
        if name.startswith("y"):
            numbers = numbers.reshape(len(numbers), -1)
        converted[name] = numbers[:, None] if numbers.ndim == 3 else numbers
    return converted


def _classes(name: str, labels: npt.NDArray[Any], y: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return labels as int64 after checking that they are among the classes of the training examples y."""
    low, high = int(y.min()), int(y.max())
    if low > 0:
        raise InputError(f"labels of y go from {low} to {high}, and must start at 0; write y - {low}")
    if high == low == 0:
        raise InputError("all labels of y are 0; at least two classes are required")
    highest = min(high, MAX_OUTPUTS - 1)
    wrong = (labels < 0) | (labels > highest)
    if wrong.any():
        first = int(np.argmax(wrong))
        hint = f"; at most {MAX_OUTPUTS} classes are supported" * (high > highest)
        raise InputError(f"the label {labels[first]} of {name}, example {first}, is not from 0 to {highest}{hint}")
    return labels.astype(np.int64)
