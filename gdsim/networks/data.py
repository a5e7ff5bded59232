"""What networks are trained on: images that scikit-learn brings along, generated sets, and files of one's own."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from gdsim.errors import InputError
from gdsim.networks.data_files import KEY, read_examples
from gdsim.networks.generated import GENERATED
from gdsim.objectives import find_package

__all__ = ["DATA", "Data", "examples"]

DATA: Mapping[str, str] = MappingProxyType(
    {"digits": "1,797 images of 8 × 8 pixels in ten classes, scikit-learn's"}
    | {name: generator.summary for name, generator in GENERATED.items()}
)
"""What there is to train on, each with a line about it; beside it there are .npz files."""

DEFAULT_NUMBER = 500
DEFAULT_TEST = 0.25


@dataclass(frozen=True, eq=False)
class Data:
    """Examples to train on and examples to test with.

    Args:
        name: What it is called, "digits".
        x: (n, …) float32 the inputs to train on.
        y: (n,) int64 the class of each; or (n, outputs) float32 numbers.
        x_test: (m, …) likewise, to test with; m may be 0.
        y_test: (m,) or (m, outputs).
        classes: How many classes there are; None for numbers.
        image: Rows and columns, where an input is an image; it then has the shape (channels, rows, columns), or for a
            network of flat inputs is flattened in that order.
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
        """How many numbers a network gives for an example: a score a class, or as many as y has."""
        return int(self.y.shape[1]) if self.classes is None else self.classes


def examples(
    name: str,
    *,
    n: int | None = None,
    noise: float | None = None,
    test: float | None = None,
    seed: int = 0,
    folder: Path | None = None,
) -> Data:
    """Return what a name stands for, divided into examples to train on and examples to test with.

    Args:
        name: One of `DATA`, or the path of an .npz file.
        n: How many examples to generate, 500 by default; or to take of those there are, all by default.
        noise: For generated examples, the standard deviation of the noise upon them.
        test: Which share of the examples to test with, a quarter by default; a file may say so itself.
        seed: What draws and divides them.
        folder: From where a path leads, the current folder when None.

    Raises:
        InputError: There is none of this name, the file is at fault, or there are too few examples; `key` begins
            with "data".
    """
    if name not in DATA and not name.lower().endswith(".npz"):
        others = f"{', '.join(DATA)}, or the path of an .npz file"
        raise InputError(f"there is no data '{name}'; there are {others}", (*KEY, "name"))
    if noise is not None and name not in GENERATED:
        raise InputError(f"noise goes with what is generated: {', '.join(GENERATED)}", (*KEY, "noise"))
    chance = np.random.default_rng(seed)
    if name in GENERATED:
        n = n or DEFAULT_NUMBER
        return _divided(name, _generated(name, n, noise, chance), n, test, chance)
    if name == "digits":
        return _divided(name, _digits(), n, test, chance)
    path = Path(name) if folder is None else folder / name
    return _divided(path.stem, read_examples(path), n, test, chance)


def _digits() -> dict[str, npt.NDArray[Any]]:
    # Read from the wheel's own file: importing scikit-learn takes a hundred times as long.
    spec = find_package("sklearn")
    homes = (spec and spec.submodule_search_locations) or ()
    path = next((path for home in homes if (path := Path(home, "datasets", "data", "digits.csv.gz")).exists()), None)
    if path is None:
        raise InputError("digits needs scikit-learn: pip install 'gdsim[networks]'", (*KEY, "name"))
    with gzip.open(path, "rt", encoding="ascii") as file:
        rows = np.loadtxt(file, delimiter=",", dtype=np.float32)
    return {"x": (rows[:, :64] / 16).reshape(-1, 1, 8, 8), "y": rows[:, 64].astype(np.int64)}


def _generated(name: str, n: int, noise: float | None, chance: np.random.Generator) -> dict[str, npt.NDArray[Any]]:
    generator = GENERATED[name]
    x, y = generator.examples(n, chance)
    spread = generator.noise if noise is None else noise
    noisy = x if generator.noisy == "x" else y
    noisy += spread * chance.standard_normal(noisy.shape)
    return {"x": x.astype(np.float32), "y": y.astype(np.int64 if y.dtype.kind == "i" else np.float32)}


def _divided(
    name: str,
    found: Mapping[str, npt.NDArray[Any]],
    n: int | None,
    test: float | None,
    chance: np.random.Generator,
) -> Data:
    """Take n of what was found and keep a share of it to test with, in an order of chance; or all of it as it is."""
    x, y = found["x"], found["y"]
    if n is not None and n > len(x):
        raise InputError(f"{name} has {len(x):,} examples, not {n:,}", (*KEY, "n"))
    if test is not None and "x_test" in found:
        raise InputError(f"{name} brings its own x_test and y_test; leave test away", (*KEY, "test"))
    classes = int(y.max()) + 1 if y.dtype.kind == "i" else None
    share = 0.0 if "x_test" in found else DEFAULT_TEST if test is None else test
    # Whoever has divided the examples already finds them in their own order, and their own loop in every bit.
    order = chance.permutation(len(x))[:n] if share or n is not None else np.arange(len(x))
    kept = round(len(order) * share)
    first, last = order[: len(order) - kept], order[len(order) - kept :]
    if len(first) < 2:
        raise InputError(
            f"leaves {len(first)} of {len(order)} examples to train on; at least 2 are needed", (*KEY, "test")
        )
    return Data(
        name=name,
        x=x[first],
        y=y[first],
        x_test=found.get("x_test", x[last]),
        y_test=found.get("y_test", y[last]),
        classes=classes,
        image=(x.shape[2], x.shape[3]) if x.ndim == 4 else None,
    )
