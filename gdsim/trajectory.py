"""What a descent leaves behind, and its way into a .npz file and out again."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from importlib import metadata
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from gdsim.config import Experiment, loads
from gdsim.errors import InputError
from gdsim.files import whole_file
from gdsim.objectives import FloatArray, Objective

__all__ = ["SIZE_LIMIT", "Stop", "Trajectory", "read", "save"]

IntArray = npt.NDArray[np.int64]

FORMAT = 1
"""The version of the layout of a file; a reader refuses newer ones."""

SIZE_LIMIT = 4 * 2**30
"""So many bytes may the arrays of a file, or of a run, take together."""


class Stop(Enum):
    """How a start ended, as a user reads it."""

    RAN = "ran all steps"
    CONVERGED = "came to rest"
    DIVERGED = "diverged"


@dataclass(frozen=True, eq=False)
class Trajectory:
    """The way of one optimizer from all its starts.

    Row k is the point where gradient k was taken, so `points[k + 1]` is where update k led. After a start has
    diverged, its rows repeat the last one that is real.

    Attributes:
        label: What the user calls the optimizer.
        settings: Its class and settings for a legend, `"SGD · lr 0.01 · momentum 0.9"`.
        objective: What was descended.
        color: `"#rrggbb"`, or None for one of the theme's.
        points: (steps + 1, starts, dim) the iterates.
        values: (steps + 1, starts) the objective at the points.
        gradients: (steps + 1, starts, dim) its true gradient there, without noise and unclipped.
        learning_rates: (steps + 1, starts) the rate that update k uses; the last is that of one more update.
        evaluations: (steps + 1, starts) how many gradients had been asked for, that of row k included.
        stop_steps: (starts,) the last step whose row is real, or the first at rest.
        stops: (starts,) how each start ended.
    """

    label: str
    settings: str
    objective: Objective
    color: str | None
    points: FloatArray
    values: FloatArray
    gradients: FloatArray
    learning_rates: FloatArray
    evaluations: IntArray
    stop_steps: IntArray
    stops: tuple[Stop, ...]


def save(path: str | Path, trajectories: Sequence[Trajectory], experiment: Experiment) -> None:
    """Write trajectories with the configuration that made them, enough to draw them again.

    Args:
        path: The file, by custom `<stem>.npz`.
        trajectories: What `simulate` returned.
        experiment: What it was given.

    Raises:
        GdsimError: The file cannot be written.
    """
    arrays: dict[str, npt.NDArray[Any]] = {
        "format": np.array(FORMAT),
        "yaml": np.array(experiment.yaml),
        "versions": np.array([f"{name} {metadata.version(name)}" for name in ("gdsim", "torch", "numpy")]),
        "labels": np.array([trajectory.label for trajectory in trajectories], dtype=np.str_),
        "settings": np.array([trajectory.settings for trajectory in trajectories], dtype=np.str_),
        "colors": np.array([trajectory.color or "" for trajectory in trajectories], dtype=np.str_),
    }
    for index, trajectory in enumerate(trajectories):
        arrays[f"stops_{index}"] = np.array([stop.name for stop in trajectory.stops], dtype=np.str_)
        for name in NUMBERS:
            arrays[f"{name}_{index}"] = getattr(trajectory, name)
    with whole_file(Path(path)) as partial, partial.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


def read(path: str | Path) -> tuple[Experiment, tuple[Trajectory, ...]]:
    """Read what `save` has written.

    Returns:
        The experiment, named after the file, and its trajectories.

    Raises:
        InputError: The file is not there, or is not one that `save` has written whole.
    """
    path = Path(path)
    try:
        arrays = _arrays(path)
        experiment = loads(_text(arrays["yaml"]), name=path.stem, file=str(path))
        objective = experiment.objective.build()
        labels = [str(label) for label in _texts(arrays["labels"])]
        return experiment, tuple(_trajectory(arrays, index, objective) for index in range(len(labels)))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except KeyError as error:
        raise InputError(f"{path}: is not whole, or no recording of gdsim: it lacks {error}") from error
    except InputError as error:
        words = str(error).splitlines()[0].removeprefix(f"{path}:").strip()
        raise InputError(f"{path}: its configuration cannot be read: {words}") from error
    except (_UnreadableError, ValueError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error


class _UnreadableError(Exception):
    """A file is not what `save` writes; the message says in what way."""


NUMBERS: Mapping[str, tuple[type[np.generic], tuple[str, ...]]] = {
    "points": (np.float64, ("rows", "starts", "dim")),
    "values": (np.float64, ("rows", "starts")),
    "gradients": (np.float64, ("rows", "starts", "dim")),
    "learning_rates": (np.float64, ("rows", "starts")),
    "evaluations": (np.int64, ("rows", "starts")),
    "stop_steps": (np.int64, ("starts",)),
}
"""Type and axes of each array of numbers that a trajectory has."""


def _trajectory(arrays: Mapping[str, npt.NDArray[Any]], index: int, objective: Objective) -> Trajectory:
    points = arrays[f"points_{index}"]
    if points.ndim != 3 or points.shape[0] < 1 or points.shape[2] != objective.dim:
        raise _UnreadableError(f"'points_{index}' has the shape {points.shape}, which fits no {objective.title}")
    axes = dict(zip(("rows", "starts", "dim"), points.shape, strict=True))
    numbers = {}
    for name, (kind, shape) in NUMBERS.items():
        numbers[name] = _expect(arrays, f"{name}_{index}", kind, tuple(axes[axis] for axis in shape))
    if not np.isin(numbers["stop_steps"], np.arange(axes["rows"])).all():
        raise _UnreadableError(f"'stop_steps_{index}' names steps that there are not")
    stops = _texts(_expect(arrays, f"stops_{index}", np.str_, (axes["starts"],)))
    if not np.isin(stops, [stop.name for stop in Stop]).all():
        raise _UnreadableError(f"'stops_{index}' names other ways to stop than {', '.join(Stop.__members__)}")
    return Trajectory(
        label=str(_texts(arrays["labels"])[index]),
        settings=str(_expect(arrays, "settings", np.str_, arrays["labels"].shape)[index]),
        objective=objective,
        color=str(_expect(arrays, "colors", np.str_, arrays["labels"].shape)[index]) or None,
        stops=tuple(Stop[name] for name in stops),
        **numbers,
    )


def _expect(
    arrays: Mapping[str, npt.NDArray[Any]], name: str, kind: type[np.generic], shape: tuple[int, ...]
) -> npt.NDArray[Any]:
    array = arrays[name]
    if array.dtype.type is not kind or array.shape != shape:
        wanted = f"{kind.__name__} of the shape {shape}"
        raise _UnreadableError(f"'{name}' is {array.dtype} of the shape {array.shape}, not {wanted}")
    return array


def _texts(array: npt.NDArray[Any]) -> npt.NDArray[np.str_]:
    if array.dtype.type is not np.str_ or array.ndim != 1:
        raise _UnreadableError("what should be a list of words is none")
    return array


def _text(array: npt.NDArray[Any]) -> str:
    if array.dtype.type is not np.str_ or array.ndim != 0:
        raise _UnreadableError("its configuration is no text")
    return str(array)


def _arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Read every array, after the sizes that the file declares have been found to be in reason."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = {
                entry.filename.removesuffix(".npy"): entry
                for entry in archive.infolist()
                if entry.filename.endswith(".npy")
            }
            if sum(entry.file_size for entry in entries.values()) > SIZE_LIMIT:
                raise _UnreadableError(f"it declares more than {SIZE_LIMIT // 2**30} GiB, the most that is read")
            # The version comes first: a newer file may differ in anything else.
            _check_format(_read_array(archive, "format", entries["format"]))
            return {name: _read_array(archive, name, entry) for name, entry in entries.items()}
    except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError, RuntimeError, zlib.error) as error:
        raise _UnreadableError(f"it is no .npz file, or not a whole one ({error})") from error


def _read_array(archive: zipfile.ZipFile, name: str, entry: zipfile.ZipInfo) -> npt.NDArray[Any]:
    with archive.open(entry) as file:
        return _array(file, name, entry.file_size)


def _array(file: IO[bytes], name: str, size: int) -> npt.NDArray[Any]:
    """Read one array, whose header must not promise more than the file holds."""
    header = np.lib.format
    version = header.read_magic(file)
    read_header = header.read_array_header_1_0 if version == (1, 0) else header.read_array_header_2_0
    shape, fortran_order, dtype = read_header(file)
    if dtype.hasobject:
        raise _UnreadableError(f"'{name}' holds Python objects, which are never unpacked")
    content = prod(shape) * dtype.itemsize
    if content != size - file.tell():
        raise _UnreadableError(f"'{name}' declares {content} bytes and has {size - file.tell()}")
    return np.ndarray(shape, dtype, buffer=file.read(content), order="F" if fortran_order else "C")


def _check_format(array: npt.NDArray[Any]) -> None:
    if array.shape != () or array.dtype.kind != "i":
        raise _UnreadableError("its format has no number")
    if array > FORMAT:
        raise _UnreadableError(f"it was written by a newer gdsim (format {array}, known here: {FORMAT})")
