"""Data to train networks on: images from scikit-learn, generated examples, and users' files."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from gdsim.errors import InputError, did_you_mean
from gdsim.networks.data_files import KEY, read_examples
from gdsim.objectives import FloatArray

__all__ = ["DATA", "Data", "examples"]

DEFAULT_NUMBER = 500
DEFAULT_TEST = 0.25

_Arrays = tuple[FloatArray, npt.NDArray[Any]]


class _Generator(NamedTuple):
    """A generator of examples.

    Attributes:
        examples: Returns x (n, inputs), and y, which holds classes (n,) or numbers (n, outputs), both without noise.
        noise: The default standard deviation of the noise.
        noisy: The array that the noise is added to.
    """

    examples: Callable[[int, np.random.Generator], _Arrays]
    noise: float
    noisy: Literal["x", "y"]
    summary: str


def _moons(n: int, rng: np.random.Generator) -> _Arrays:
    labels = np.arange(n) % 2
    angles = np.pi * rng.random(n)
    upper = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    lower = np.stack([1 - np.cos(angles), 0.5 - np.sin(angles)], axis=1)
    return np.where(labels[:, None] == 0, upper, lower), labels


def _spirals(n: int, rng: np.random.Generator) -> _Arrays:
    labels = np.arange(n) % 2
    along = np.sqrt(rng.random(n))
    angles = 3 * np.pi * along + np.pi * labels
    return np.stack([along * np.cos(angles), along * np.sin(angles)], axis=1), labels


def _curve(n: int, rng: np.random.Generator) -> _Arrays:
    x = rng.uniform(-3, 3, (n, 1))
    return x, np.sin(2 * x) + 0.3 * x


GENERATORS: Mapping[str, _Generator] = MappingProxyType(
    {
        "moons": _Generator(_moons, 0.15, "x", "two classes in the plane, two half-moons that interlock"),
        "spirals": _Generator(_spirals, 0.02, "x", "two classes in the plane, two spirals within each other"),
        "regression": _Generator(_curve, 0.1, "y", "a number for a number, sin 2x + 0.3x from −3 to 3"),
    }
)

DATA: Mapping[str, str] = MappingProxyType(
    {"digits": "1,797 images of 8 × 8 pixels in ten classes, scikit-learn's"}
    | {name: generator.summary for name, generator in GENERATORS.items()}
)
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

    def class_problem(self, target: int) -> str:
        """Return why the data does not have this class, or an empty string."""
        if self.classes is None:
            return f"the data {self.name} has numbers to learn and no classes"
        if not 0 <= target < self.classes:
            return f"there is no class {target}; the classes of {self.name} are 0 to {self.classes - 1}"
        return ""

    def test_image(self, number: int, key: tuple[str | int, ...] = ()) -> npt.NDArray[np.float32]:
        """Return an image of the test data, in the shape that the network takes, without a batch axis.

        Args:
            number: The index of the image, from 0.
            key: The key of errors.

        Raises:
            InputError: The image does not exist.
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

    Args:
        name: One of `DATA`, or the path of an .npz file.
        n: The number of examples; by default 500 generated ones, or all that exist.
        noise: For generated examples, the standard deviation of their noise.
        test: The fraction of examples for testing, 0.25 by default; not for files with test examples of their own.
        seed: Seeds the generation and the division.
        folder: The folder that a path is relative to; the current folder by default.

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
    if name in GENERATORS:
        n = n or DEFAULT_NUMBER
        return _divided(name, _generated(GENERATORS[name], n, noise, rng), n, test, rng)
    if name == "digits":
        return _divided(name, _digits(), n, test, rng)
    path = Path(name) if folder is None else folder / name
    return _divided(path.stem, read_examples(path), n, test, rng)


def _digits() -> dict[str, npt.NDArray[Any]]:
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


def _generated(
    generator: _Generator, n: int, noise: float | None, rng: np.random.Generator
) -> dict[str, npt.NDArray[Any]]:
    x, y = generator.examples(n, rng)
    noisy = x if generator.noisy == "x" else y
    noisy += (generator.noise if noise is None else noise) * rng.standard_normal(noisy.shape)
    return {"x": x.astype(np.float32), "y": y.astype(np.int64 if y.dtype.kind == "i" else np.float32)}


def _divided(
    name: str, arrays: Mapping[str, npt.NDArray[Any]], n: int | None, test: float | None, rng: np.random.Generator
) -> Data:
    """Reserve a share of n random examples for testing; without a share and `n`, keep all in their order."""
    x, y = arrays["x"], arrays["y"]
    if n is not None and n > len(x):
        raise InputError(f"{name} has {len(x):,} examples, not {n:,}", (*KEY, "n"))
    if test is not None and "x_test" in arrays:
        sentence = f"{name} has its own x_test and y_test; remove `test`"
        raise InputError(sentence, (*KEY, "test"), code="conflict")
    classes = int(y.max()) + 1 if y.dtype.kind == "i" else None
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
        classes=classes,
        image=(x.shape[2], x.shape[3]) if x.ndim == 4 else None,
    )
