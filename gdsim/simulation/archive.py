"""Trajectories → a .npz file with the YAML that made them, and back."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gdsim.config import Experiment, loads
from gdsim.config.experiment import MAX_OBJECTIVES, MAX_OPTIMIZERS, label_problem
from gdsim.config.messages import format_value
from gdsim.config.model import has_control_characters
from gdsim.errors import InputError
from gdsim.files import atomic_write
from gdsim.metadata import Provenance, versions
from gdsim.networks.npz import SIZE_LIMIT, Entries, UnreadableError, array_of, opened
from gdsim.objectives import Objective
from gdsim.simulation.archived_networks import (
    TEXT_LIMIT,
    Arrays,
    expect,
    landscape_names,
    packed,
    seen,
    texts,
    training,
)
from gdsim.simulation.trajectory import Stop, Trajectory

__all__ = ["SIZE_LIMIT", "provenance", "read", "recorded_folder", "save"]

FORMAT = 2
"""The version of the layout of a file; a reader refuses newer ones."""

WITHOUT_NETWORKS = 1
"""The version of a file of functions alone, which earlier readers know."""

MAX_TRAJECTORIES = MAX_OBJECTIVES * MAX_OPTIMIZERS

COLOR = re.compile(r"#[0-9a-fA-F]{6}\Z")


def save(path: str | Path, trajectories: Sequence[Trajectory], experiment: Experiment) -> None:
    """Write trajectories with the configuration that made them, enough to draw them again.

    Args:
        path: The file, by custom `<stem>.npz`.
        trajectories: What `simulate` returned; others may not be read again.
        experiment: What it was given.

    Raises:
        GdsimError: The file cannot be written.
    """
    of_networks = packed(trajectories)
    arrays: dict[str, npt.NDArray[Any]] = {
        "format": np.array(FORMAT if of_networks else WITHOUT_NETWORKS),
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
    with atomic_write(Path(path)) as partial, partial.open("wb") as file:
        np.savez_compressed(file, **arrays, **of_networks)  # type: ignore[arg-type]


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
        (text,) = texts(arrays, "yaml")
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
                raise UnreadableError(f"it has more than {TEXT_LIMIT // 2**20} MiB of words, the most that is read")
            arrays = {name: array_of(archive, name, entries[name]) for name in found}
        (text,) = texts(arrays, "yaml")
        packages = [words.partition(" ") for words in texts(arrays, "versions", (len(versions()),))]
        return Provenance(
            title=path.stem,
            alt_text="",
            yaml=text,
            seed=int(expect(arrays, "seed", np.int64, ())) if "seed" in arrays else None,
            versions={name: version for name, _, version in packages},
        )


def recorded_folder(path: str | Path) -> Path:
    """Return where what the configuration in a file names is looked for: see `read`.

    Raises:
        InputError: The file is not there, or is not one that `save` has written whole.
    """
    path = Path(path)
    with _told(path), _archive(path) as (archive, entries):
        if entries["folder"].file_size > TEXT_LIMIT:
            raise UnreadableError(f"it has more than {TEXT_LIMIT // 2**20} MiB of words, the most that is read")
        return _home({"folder": array_of(archive, "folder", entries["folder"])}, path)


def _home(arrays: Arrays, path: Path) -> Path:
    (folder,) = texts(arrays, "folder")
    if "\0" in folder:
        raise UnreadableError("'folder' is no path")
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
        raise InputError(f"{path}: its configuration cannot be used: {words}") from error
    except (UnreadableError, ValueError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error


NUMBERS: Mapping[str, tuple[type[np.generic], tuple[str, ...]]] = {
    "points": (np.float64, ("rows", "starts", "dim")),
    "values": (np.float64, ("rows", "starts")),
    "gradients": (np.float64, ("rows", "starts", "dim")),
    "learning_rates": (np.float64, ("rows", "starts")),
    "evaluations": (np.int64, ("rows", "starts")),
    "stop_steps": (np.int64, ("starts",)),
}
"""Type and axes of each array of numbers that a trajectory has."""


def _trajectories(arrays: Arrays, experiment: Experiment) -> tuple[Trajectory, ...]:
    optimizers = len(experiment.optimizers)
    found, made = len(arrays["labels"]), len(experiment.objectives) * optimizers
    if found != made:
        raise UnreadableError(f"it holds {found} trajectories, and its configuration makes {made}")
    built = [spec.build() for spec in experiment.objectives]
    objectives = [
        each if each.landscape is None else seen(arrays, index * optimizers, each) for index, each in enumerate(built)
    ]
    return tuple(
        _trajectory(arrays, index, objectives[index // optimizers], experiment.steps) for index in range(found)
    )


def _trajectory(arrays: Arrays, index: int, objective: Objective, steps: int) -> Trajectory:
    shape = arrays[f"points_{index}"].shape
    if len(shape) != 3 or shape[0] != steps + 1 or shape[1] < 1 or shape[2] != objective.dim:
        fitting = f"{steps} steps on {objective.title}"
        raise UnreadableError(f"'points_{index}' has the shape {shape}, which does not fit {fitting}")
    axes = dict(zip(("rows", "starts", "dim"), shape, strict=True))
    numbers = {
        name: expect(arrays, f"{name}_{index}", kind, tuple(axes[axis] for axis in named))
        for name, (kind, named) in NUMBERS.items()
    }
    labels, settings, colors = (
        texts(arrays, name, arrays["labels"].shape) for name in ("labels", "settings", "colors")
    )
    stops = texts(arrays, f"stops_{index}", (axes["starts"],))
    if not {*stops} <= {*Stop.__members__}:
        raise UnreadableError(f"'stops_{index}' names other ways to stop than {', '.join(Stop.__members__)}")
    landscape = objective.landscape
    trajectory = Trajectory(
        label=labels[index],
        settings=settings[index],
        objective=objective,
        color=colors[index] or None,
        stops=tuple(Stop[name] for name in stops),
        training=None if landscape is None else training(arrays, index, weights=len(landscape.origin), rows=shape[0]),
        **numbers,
    )
    if problem := _problem(trajectory):
        raise UnreadableError(f"trajectory {index}: {problem}")
    return trajectory


def _problem(trajectory: Trajectory) -> str:
    """Return why a trajectory is none that a descent leaves behind, or nothing."""
    if problem := label_problem(trajectory.label):
        return problem
    if has_control_characters(trajectory.settings):
        return "its settings hold control characters"
    if trajectory.color is not None and not COLOR.match(trajectory.color):
        return f"its color is {format_value(trajectory.color)}, not such as '#0072b2'"
    if trajectory.stop_steps.min() < 0 or trajectory.stop_steps.max() >= len(trajectory.points):
        return "it stops at steps that there are not"
    finite = np.isfinite(trajectory.values) & np.isfinite(trajectory.gradients).all(-1)
    # The objective may have no value where a descent begins; all rows are that one then.
    unborn = np.array([stop.breaks_off for stop in trajectory.stops]) & (trajectory.stop_steps == 0)
    if not (np.isfinite(trajectory.points).all() and (finite | unborn).all()):
        return "it has rows that are not finite"
    return ""


def _arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Read the arrays that `save` writes."""
    with _archive(path) as (archive, entries):
        labels = array_of(archive, "labels", entries["labels"])
        if labels.ndim != 1 or not 1 <= len(labels) <= MAX_TRAJECTORIES:
            raise UnreadableError(f"'labels' has the shape {labels.shape}, not 1 to {MAX_TRAJECTORIES} labels")
        own = [f"{name}_{index}" for index in range(len(labels)) for name in (*NUMBERS, "stops")]
        names = ("yaml", "folder", "settings", "colors", *own, *landscape_names(entries, len(labels)))
        return {"labels": labels} | {name: array_of(archive, name, entries[name]) for name in names}


@contextmanager
def _archive(path: Path) -> Iterator[tuple[zipfile.ZipFile, Entries]]:
    """Open a recording of a version that is known here, and give its arrays by name, none of the others read."""
    with opened(path, SIZE_LIMIT) as (archive, entries):
        if "format" not in entries:
            raise UnreadableError(_other_archive(entries))
        # The version comes first: a newer file may differ in anything else.
        _check_format(array_of(archive, "format", entries["format"]))
        yield archive, entries


def _other_archive(names: Iterable[str]) -> str:
    """What an archive is that is no recording."""
    if any(name.startswith("ppt/") for name in names):
        return "it is a deck: the YAML of each picture is in its speaker notes"
    return "it is no recording of gdsim"


def _check_format(array: npt.NDArray[Any]) -> None:
    if array.shape != () or array.dtype.kind != "i":
        raise UnreadableError("its format has no number")
    if array > FORMAT:
        raise UnreadableError(f"it was written by a newer gdsim (format {array}, known here: {FORMAT})")
