"""What a descent leaves behind, and its way into a .npz file and out again."""

from __future__ import annotations

import re
import sys
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from gdsim.config import Experiment, loads
from gdsim.config.checks import holds_controls
from gdsim.config.experiment import MAX_OBJECTIVES, MAX_OPTIMIZERS, label_problem
from gdsim.config.words import shown
from gdsim.errors import InputError
from gdsim.files import whole_file
from gdsim.objectives import FloatArray, Objective
from gdsim.provenance import Provenance, versions

__all__ = ["SIZE_LIMIT", "Stop", "Trajectory", "home", "provenance", "read", "save"]

IntArray = npt.NDArray[np.int64]

FORMAT = 1
"""The version of the layout of a file; a reader refuses newer ones."""

SIZE_LIMIT = 3 * 2**29
"""So many bytes may the arrays of a file, or of a run, take together: no configuration asks for more."""

MAX_TRAJECTORIES = MAX_OBJECTIVES * MAX_OPTIMIZERS

TEXT_LIMIT = 2**24
"""So many bytes may an array of words take."""

COLOR = re.compile(r"#[0-9a-fA-F]{6}\Z")


class Stop(Enum):
    """How a start ended, as a user reads it."""

    RAN = "ran all steps"
    CONVERGED = "came to rest"
    DIVERGED = "diverged"
    LEFT = "left what was measured"
    UNDEFINED = "left where the function is defined"

    @property
    def breaks_off(self) -> bool:
        """Whether what follows the last real row is no number, or no place to be in."""
        return self in (Stop.DIVERGED, Stop.LEFT, Stop.UNDEFINED)


@dataclass(frozen=True, eq=False)
class Trajectory:
    """The way of one optimizer from all its starts.

    Row k is the point where gradient k was taken, so `points[k + 1]` is where update k led. After a start has
    broken off, its rows repeat the last one that is real.

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

    def stopped_at(self, start: int) -> int:
        """Return the step at which a start came to its end, as a user reads it: "diverged at step 12".

        That is the first step at rest, or the first whose row would not have been real; the last step when it ran.
        """
        last = int(self.stop_steps[start])
        # Where not even the start has a value, its row stands all the same.
        real = np.isfinite(self.values[last, start]) and np.isfinite(self.gradients[last, start]).all()
        return last + 1 if self.stops[start].breaks_off and real else last


def save(path: str | Path, trajectories: Sequence[Trajectory], experiment: Experiment) -> None:
    """Write trajectories with the configuration that made them, enough to draw them again.

    Args:
        path: The file, by custom `<stem>.npz`.
        trajectories: What `simulate` returned; others may not be read again.
        experiment: What it was given.

    Raises:
        GdsimError: The file cannot be written.
    """
    arrays: dict[str, npt.NDArray[Any]] = {
        "format": np.array(FORMAT),
        "yaml": np.array(experiment.yaml),
        "folder": np.array(str(experiment.folder.absolute())),
        "seed": np.array(experiment.seed),
        "versions": np.array([f"{name} {version}" for name, version in versions().items()]),
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


def read(path: str | Path, *, allow_code: bool = False) -> tuple[Experiment, tuple[Trajectory, ...]]:
    """Read what `save` has written.

    What the configuration names is looked for in the folder where it ran, and beside the file where that folder is
    no more.

    Args:
        path: The file.
        allow_code: Whether a Python file that the configuration names may run; a refusal says where it stands.

    Returns:
        The experiment, named after the file, and its trajectories.

    Raises:
        InputError: The file is not there, or is not one that `save` has written whole.
    """
    path = Path(path)
    with _told(path):
        arrays = _arrays(path)
        (text,) = _texts(arrays, "yaml")
        experiment = loads(text, name=path.stem, file=str(path), folder=_home(arrays, path), allow_code=allow_code)
        return experiment, _trajectories(arrays, experiment)


def provenance(path: str | Path) -> Provenance:
    """Read how the trajectories in a file were made, without the trajectories.

    Args:
        path: What `save` has written.

    Returns:
        The YAML, the seed and the versions; the title is the file's name, and nothing is seen in it.

    Raises:
        InputError: The file is not there, or is not one that `save` has written whole.
    """
    path = Path(path)
    names = ("yaml", "versions")
    with _told(path):
        with _archive(path) as (archive, entries):
            # Files of earlier versions do not name their seed.
            found = (*names, "seed") if "seed" in entries else names
            if max(entries[name].file_size for name in found) > TEXT_LIMIT:
                raise _UnreadableError(f"it has more than {TEXT_LIMIT // 2**20} MiB of words, the most that is read")
            arrays = {name: _read_array(archive, name, entries[name]) for name in found}
        (text,) = _texts(arrays, "yaml")
        packages = [words.partition(" ") for words in _texts(arrays, "versions", (len(versions()),))]
        return Provenance(
            title=path.stem,
            alt_text="",
            yaml=text,
            seed=int(_expect(arrays, "seed", np.int64, ())) if "seed" in arrays else None,
            versions={name: version for name, _, version in packages},
        )


def home(path: str | Path) -> Path:
    """Return where what the configuration in a file names is looked for: see `read`.

    Raises:
        InputError: The file is not there, or is not one that `save` has written whole.
    """
    path = Path(path)
    with _told(path), _archive(path) as (archive, entries):
        if entries["folder"].file_size > TEXT_LIMIT:
            raise _UnreadableError(f"it has more than {TEXT_LIMIT // 2**20} MiB of words, the most that is read")
        return _home({"folder": _read_array(archive, "folder", entries["folder"])}, path)


def _home(arrays: Mapping[str, npt.NDArray[Any]], path: Path) -> Path:
    (folder,) = _texts(arrays, "folder")
    if "\0" in folder:
        raise _UnreadableError("'folder' is no path")
    return Path(folder) if Path(folder).is_dir() else path.absolute().parent


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Say in one line what is wrong with a file."""
    try:
        yield
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


def _trajectories(arrays: Mapping[str, npt.NDArray[Any]], experiment: Experiment) -> tuple[Trajectory, ...]:
    objectives, optimizers = experiment.objectives, len(experiment.optimizers)
    found, made = len(arrays["labels"]), len(objectives) * optimizers
    if found != made:
        raise _UnreadableError(f"it holds {found} trajectories, and its configuration makes {made}")
    return tuple(
        _trajectory(arrays, index, objectives[index // optimizers].build(), experiment.steps) for index in range(found)
    )


def _trajectory(arrays: Mapping[str, npt.NDArray[Any]], index: int, objective: Objective, steps: int) -> Trajectory:
    shape = arrays[f"points_{index}"].shape
    if len(shape) != 3 or shape[0] != steps + 1 or shape[1] < 1 or shape[2] != objective.dim:
        fitting = f"{steps} steps on {objective.title}"
        raise _UnreadableError(f"'points_{index}' has the shape {shape}, which does not fit {fitting}")
    axes = dict(zip(("rows", "starts", "dim"), shape, strict=True))
    numbers = {
        name: _expect(arrays, f"{name}_{index}", kind, tuple(axes[axis] for axis in named))
        for name, (kind, named) in NUMBERS.items()
    }
    labels, settings, colors = (
        _texts(arrays, name, arrays["labels"].shape) for name in ("labels", "settings", "colors")
    )
    stops = _texts(arrays, f"stops_{index}", (axes["starts"],))
    if not {*stops} <= {*Stop.__members__}:
        raise _UnreadableError(f"'stops_{index}' names other ways to stop than {', '.join(Stop.__members__)}")
    trajectory = Trajectory(
        label=labels[index],
        settings=settings[index],
        objective=objective,
        color=colors[index] or None,
        stops=tuple(Stop[name] for name in stops),
        **numbers,
    )
    if problem := _problem(trajectory):
        raise _UnreadableError(f"trajectory {index}: {problem}")
    return trajectory


def _problem(trajectory: Trajectory) -> str:
    """Return why a trajectory is none that a descent leaves behind, or nothing."""
    if problem := label_problem(trajectory.label):
        return problem
    if holds_controls(trajectory.settings):
        return "its settings hold control characters"
    if trajectory.color is not None and not COLOR.match(trajectory.color):
        return f"its color is {shown(trajectory.color)}, not such as '#0072b2'"
    if trajectory.stop_steps.min() < 0 or trajectory.stop_steps.max() >= len(trajectory.points):
        return "it stops at steps that there are not"
    finite = np.isfinite(trajectory.values) & np.isfinite(trajectory.gradients).all(-1)
    # The objective may have no value where a descent begins; all rows are that one then.
    unborn = np.array([stop.breaks_off for stop in trajectory.stops]) & (trajectory.stop_steps == 0)
    if not (np.isfinite(trajectory.points).all() and (finite | unborn).all()):
        return "it has rows that are not finite"
    return ""


def _texts(arrays: Mapping[str, npt.NDArray[Any]], name: str, shape: tuple[int, ...] = ()) -> list[str]:
    array = _expect(arrays, name, np.str_, shape)
    if array.nbytes > TEXT_LIMIT:
        raise _UnreadableError(f"'{name}' has more than {TEXT_LIMIT // 2**20} MiB of words, the most that is read")
    # numpy makes strings of any numbers, also of those that are no characters; a codec does not.
    array.tobytes().decode(f"utf-32-{sys.byteorder[0]}e")
    return [str(text) for text in array.ravel()]


def _expect(
    arrays: Mapping[str, npt.NDArray[Any]], name: str, kind: type[np.generic], shape: tuple[int, ...]
) -> npt.NDArray[Any]:
    array = arrays[name]
    if array.dtype.type is not kind or not array.dtype.isnative or array.shape != shape:
        wanted = f"{kind.__name__} of the shape {shape}"
        raise _UnreadableError(f"'{name}' is {array.dtype} of the shape {array.shape}, not {wanted}")
    return array


def _arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Read the arrays that `save` writes."""
    with _archive(path) as (archive, entries):
        labels = _read_array(archive, "labels", entries["labels"])
        if labels.ndim != 1 or not 1 <= len(labels) <= MAX_TRAJECTORIES:
            raise _UnreadableError(f"'labels' has the shape {labels.shape}, not 1 to {MAX_TRAJECTORIES} labels")
        own = [f"{name}_{index}" for index in range(len(labels)) for name in (*NUMBERS, "stops")]
        names = ("yaml", "folder", "settings", "colors", *own)
        return {"labels": labels} | {name: _read_array(archive, name, entries[name]) for name in names}


@contextmanager
def _archive(path: Path) -> Iterator[tuple[zipfile.ZipFile, dict[str, zipfile.ZipInfo]]]:
    """Open a file whose sizes, as it declares them, are in reason, and give its arrays by name, none of them read."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = {entry.filename.removesuffix(".npy"): entry for entry in archive.infolist()}
            if sum(entry.file_size for entry in entries.values()) > SIZE_LIMIT:
                raise _UnreadableError(f"it declares more than {SIZE_LIMIT / 2**30:g} GiB, the most that is read")
            if "format" not in entries:
                raise _UnreadableError(_other_archive(entries))
            # The version comes first: a newer file may differ in anything else.
            _check_format(_read_array(archive, "format", entries["format"]))
            yield archive, entries
    except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError, RuntimeError, zlib.error) as error:
        raise _UnreadableError(f"it is no .npz file, or not a whole one ({error})") from error


def _other_archive(names: Iterable[str]) -> str:
    """What an archive is that is no recording."""
    if any(name.startswith("ppt/") for name in names):
        return "it is a deck: the YAML of each picture is in its speaker notes"
    return "it is no recording of gdsim"


def _read_array(archive: zipfile.ZipFile, name: str, entry: zipfile.ZipInfo) -> npt.NDArray[Any]:
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _UnreadableError(f"'{name}' is packed in a way that numpy does not use")
    with archive.open(entry) as file:
        return _array(file, name, entry.file_size)


def _array(file: IO[bytes], name: str, size: int) -> npt.NDArray[Any]:
    """Read one array, whose header must not promise more than the file holds."""
    shape, fortran_order, dtype = _header(file, name)
    if dtype.hasobject:
        raise _UnreadableError(f"'{name}' holds Python objects, which are never unpacked")
    content = prod(shape) * dtype.itemsize
    if not dtype.itemsize or content != size - file.tell():
        raise _UnreadableError(f"'{name}' declares {content} bytes and has {size - file.tell()}")
    return np.ndarray(shape, dtype, buffer=file.read(content), order="F" if fortran_order else "C")


def _header(file: IO[bytes], name: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    if version != (1, 0):
        raise _UnreadableError(f"'{name}' has the version {version} of numpy's format, which is not written here")
    try:
        with warnings.catch_warnings(action="error"):
            return np.lib.format.read_array_header_1_0(file)
    except (EOFError, OSError, zipfile.BadZipFile, zlib.error):
        raise
    except Exception as error:  # numpy hands on whatever Python's parser and its own dtypes raise
        raise _UnreadableError(f"the header of '{name}' cannot be read") from error


def _check_format(array: npt.NDArray[Any]) -> None:
    if array.shape != () or array.dtype.kind != "i":
        raise _UnreadableError("its format has no number")
    if array > FORMAT:
        raise _UnreadableError(f"it was written by a newer gdsim (format {array}, known here: {FORMAT})")
