"""Reading and writing of recordings: .npz files with trajectories and the YAML that produced them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gdsim.config import Experiment, loads
from gdsim.config.experiment import MAX_OBJECTIVES, MAX_OPTIMIZERS, label_problem
from gdsim.config.messages import format_value
from gdsim.config.model import has_control_characters
from gdsim.errors import InputError
from gdsim.files import atomic_write, load_arrays
from gdsim.metadata import Provenance, versions
from gdsim.networks import MAX_RECORDING_BYTES, Landscape, NetworkObjective, network_objective
from gdsim.objectives import Objective
from gdsim.simulation.trajectory import NetworkTrajectory, SaliencyMaps, Stop, Training, Trajectory

__all__ = ["provenance", "read", "recorded_folder", "save"]

FORMAT = 2
"""The current version of the file format; files of a newer version are refused."""

FORMAT_OF_FUNCTIONS = 1
"""The format version of recordings without networks, which the first versions of gdsim can read."""

MAX_TEXT_BYTES = 2**24
MAX_TRAJECTORIES = MAX_OBJECTIVES * MAX_OPTIMIZERS
MAX_LAYERS = 10_000
MAX_SIDE = 500
"""The largest number of losses, or of gradients, along one direction of a landscape."""

MAX_NAME = 1000
"""The largest number of characters in a name, for example of a layer or a plane."""

COLOR = re.compile(r"#[0-9a-fA-F]{6}\Z")
FIGURES = ("test_loss", "accuracy", "test_accuracy", "gradient_norm", "step_size", "off_plane", "plane_loss")

# For each array in the file: its attribute, axes and type. Axes of the same name have the same length.
Layout = Mapping[str, tuple[str, str, type[np.generic]]]
TRAJECTORY: Layout = {
    "points": ("points", "rows starts dim", np.float64),
    "values": ("values", "rows starts", np.float64),
    "gradients": ("gradients", "rows starts dim", np.float64),
    "learning_rates": ("learning_rates", "rows starts", np.float64),
    "evaluations": ("evaluations", "rows starts", np.int64),
    "stop_steps": ("stop_steps", "starts", np.int64),
}
TRAINING: Layout = {
    "kept": ("kept", "kept", np.int64),
    "weights": ("weights", "kept weights", np.float32),
    "batch_losses": ("batch_losses", "rows", np.float64),
    "layer_gradients": ("layer_gradients", "rows layers", np.float64),
    "layer_weights": ("layer_weights", "rows layers", np.float64),
}
MAPS: Layout = {
    "map_image": ("image", "pixel_rows pixel_columns", np.float64),
    "map_steps": ("steps", "maps", np.int64),
    "maps": ("maps", "maps pixel_rows pixel_columns", np.float64),
}
LANDSCAPE: Layout = {
    "origin": ("origin", "weights", np.float64),
    "axes": ("axes", "2 weights", np.float64),
    "grid_x": ("x", "columns", np.float64),
    "grid_y": ("y", "grid_rows", np.float64),
    "grid": ("values", "grid_rows columns", np.float64),
    "places": ("arrow_points", "arrows 2", np.float64),
    "slopes": ("gradients", "arrows 2", np.float64),
}


def save(path: str | Path, trajectories: Sequence[Trajectory], experiment: Experiment) -> None:
    """Write trajectories and the configuration that produced them to a file that `read` accepts.

    Args:
        path: The file to write, usually `<stem>.npz`.
        trajectories: The result of `simulate`. Other trajectories may not be readable.
        experiment: The experiment that was simulated.

    Raises:
        GdsimError: The file cannot be written.
    """
    of_networks = [each for each in trajectories if isinstance(each, NetworkTrajectory)]
    arrays: dict[str, npt.NDArray[Any]] = {
        "format": np.array(FORMAT if of_networks else FORMAT_OF_FUNCTIONS),
        "yaml": np.array(experiment.yaml),
        "folder": np.array(str(experiment.folder.absolute())),
        "seed": np.array(experiment.seed),
        "versions": np.array([f"{name} {version}" for name, version in versions().items()]),
        "labels": np.array([trajectory.label for trajectory in trajectories], dtype=np.str_),
        "settings": np.array([trajectory.settings for trajectory in trajectories], dtype=np.str_),
        "colors": np.array([trajectory.color or "" for trajectory in trajectories], dtype=np.str_),
    }
    written: Objective | None = None
    for index, trajectory in enumerate(trajectories):
        own = {name: getattr(trajectory, attribute) for name, (attribute, *_) in TRAJECTORY.items()}
        own["stops"] = np.array([stop.name for stop in trajectory.stops], dtype=np.str_)
        if isinstance(trajectory, NetworkTrajectory):
            own |= _training_arrays(trajectory.training)
            if trajectory.objective is not written:
                own |= _landscape_arrays(trajectory.objective.landscape)
                written = trajectory.objective
        arrays |= {f"{name}_{index}": array for name, array in own.items()}
    with atomic_write(Path(path)) as partial, partial.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


def _training_arrays(training: Training) -> dict[str, npt.NDArray[Any]]:
    arrays = {name: getattr(training, attribute) for name, (attribute, *_) in TRAINING.items()}
    arrays["figure_names"] = np.array([*training.figures], dtype=np.str_)
    arrays["figures"] = np.stack([*training.figures.values()])
    arrays["layers"] = np.array(training.layers, dtype=np.str_)
    if (maps := training.maps) is not None:
        arrays |= {name: getattr(maps, attribute) for name, (attribute, *_) in MAPS.items()}
        arrays["map_facts"] = np.array([maps.number, maps.target, -1 if maps.label is None else maps.label], np.int64)
        arrays["map_method"] = np.array(maps.method)
    return arrays


def _landscape_arrays(landscape: Landscape) -> dict[str, npt.NDArray[Any]]:
    arrays = {name: getattr(landscape, attribute) for name, (attribute, *_) in LANDSCAPE.items()}
    arrays["plane"], arrays["share"] = np.array(landscape.plane), np.array(landscape.share)
    arrays["examples"] = np.array([landscape.examples, landscape.total_examples], np.int64)
    if len(landscape.marks):
        arrays["marks"], arrays["mark_names"] = landscape.marks, np.array(landscape.mark_names, dtype=np.str_)
    return arrays


def read(path: str | Path, *, allow_code: bool = False) -> tuple[Experiment, tuple[Trajectory, ...]]:
    """Read a recording written by `save`.

    Relative paths in the configuration refer to the folder of the original run or, if that no longer exists, to the
    folder of the recording.

    Args:
        path: The file.
        allow_code: Whether Python files named in the configuration may run; if not, they are reported as an error.

    Returns:
        The experiment, named after the file, and its trajectories.

    Raises:
        InputError: The file does not exist, is damaged, or was not written by `save`.
    """
    path = Path(path)
    _load(path, {"format"})  # checks the version before anything else is read
    with _errors(path):
        arrays = _ArrayReader(_load(path, None))
        text = arrays.text("yaml", MAX_TEXT_BYTES)
        folder = _folder(arrays, path)
        experiment = loads(text, name=path.stem, file=str(path), folder=folder, allow_code=allow_code)
        return experiment, _trajectories(arrays, experiment)


def provenance(path: str | Path) -> Provenance:
    """Read the provenance of a recording without loading its trajectories.

    Args:
        path: A file written by `save`.

    Returns:
        The YAML, the seed and the package versions. The title is the file's stem, and the alternative text is empty.

    Raises:
        InputError: The file does not exist, is damaged, or was not written by `save`.
    """
    path = Path(path)
    with _errors(path):
        arrays = _ArrayReader(_load(path, {"format", "yaml", "versions", "seed"}))
        packages = [words.partition(" ") for words in arrays.texts("versions", "versions")]
        return Provenance(
            title=path.stem,
            alt_text="",
            yaml=arrays.text("yaml", MAX_TEXT_BYTES),
            # Recordings of the first versions of gdsim have no seed.
            seed=int(arrays.numbers("seed", "", np.int64)) if "seed" in arrays else None,
            versions={name: version for name, _, version in packages},
        )


def recorded_folder(path: str | Path) -> Path:
    """Return the folder that relative paths in a recording's configuration refer to, see `read`.

    Raises:
        InputError: The file does not exist, is damaged, or was not written by `save`.
    """
    path = Path(path)
    with _errors(path):
        return _folder(_ArrayReader(_load(path, {"format", "folder"})), path)


def _folder(arrays: _ArrayReader, path: Path) -> Path:
    folder = arrays.text("folder", MAX_TEXT_BYTES)
    if "\0" in folder:
        raise _damaged("'folder' is not a path")
    return Path(folder) if Path(folder).is_dir() else path.absolute().parent


def _load(path: Path, names: set[str] | None) -> dict[str, npt.NDArray[Any]]:
    """Load arrays of a recording after checking its format version."""
    arrays = load_arrays(path, max_bytes=MAX_RECORDING_BYTES, names=names)
    if "format" not in arrays:
        is_deck = path.suffix.lower() == ".pptx"
        what = "a deck: the YAML of each picture is in its speaker notes" if is_deck else "not a recording of gdsim"
        raise InputError(f"{path}: is {what}", code="unreadable")
    version = arrays["format"]
    if version.shape != () or version.dtype.kind != "i":
        raise InputError(f"{path}: its format is not a number", code="unreadable")
    if version > FORMAT:
        sentence = f"was written by a newer gdsim (format {version}, supported: {FORMAT})"
        raise InputError(f"{path}: {sentence}", code="unreadable")
    return arrays


def _damaged(sentence: str) -> InputError:
    return InputError(sentence, code="unreadable")


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    """Convert errors to an `InputError` of one line that begins with the file's path."""
    try:
        yield
    except KeyError as error:
        sentence = f"is damaged, or not a recording of gdsim: it lacks {error}"
        raise InputError(f"{path}: {sentence}", code="missing") from error
    except InputError as error:
        sentence = str(error).splitlines()[0].removeprefix(f"{path}:").strip()
        raise InputError(f"{path}: {sentence}", code=error.code) from error
    except ValueError as error:
        raise InputError(f"{path}: is damaged: {error}", code="unreadable") from error


class _ArrayReader:
    """The arrays of a recording, with checks of their types and shapes.

    The length of a named axis is given, or taken from the first array that has this axis.
    """

    def __init__(self, arrays: Mapping[str, npt.NDArray[Any]], suffix: str = "", **axes: int) -> None:
        self._arrays, self._suffix, self.axes = arrays, suffix, axes

    def part(self, index: int, **axes: int) -> _ArrayReader:
        """Return a reader of the arrays of one trajectory."""
        return _ArrayReader(self._arrays, f"_{index}", **axes)

    def __contains__(self, name: str) -> bool:
        return f"{name}{self._suffix}" in self._arrays

    def numbers(self, name: str, axes: str, kind: type[np.generic] = np.float64) -> npt.NDArray[Any]:
        """Return an array after checking its type and its axes, which are given by name or length."""
        array = self._arrays[f"{name}{self._suffix}"]
        names = axes.split()
        wanted = [int(axis) if axis.isdigit() else self.axes.get(axis) for axis in names]
        fits = len(wanted) == array.ndim and all(
            length in (None, found) for length, found in zip(wanted, array.shape, strict=True)
        )
        if array.dtype.type is not kind or not array.dtype.isnative or not fits:
            lengths = ", ".join(
                axis if length is None else str(length) for axis, length in zip(names, wanted, strict=True)
            )
            raise _damaged(f"'{name}{self._suffix}' is {array.dtype} {array.shape}, not {kind.__name__} ({lengths})")
        self.axes.update((axis, length) for axis, length in zip(names, array.shape, strict=True) if not axis.isdigit())
        return array

    def attributes(self, layout: Layout) -> dict[str, Any]:
        """Return all arrays of a layout, keyed by attribute."""
        return {attribute: self.numbers(name, axes, kind) for name, (attribute, axes, kind) in layout.items()}

    def texts(self, name: str, axes: str) -> tuple[str, ...]:
        """Return an array of strings as a tuple."""
        array = self.numbers(name, axes, np.str_)
        if array.nbytes > MAX_TEXT_BYTES:
            raise _damaged(f"'{name}{self._suffix}' has more than {MAX_TEXT_BYTES // 2**20} MiB of text")
        # NumPy accepts code points that are not valid characters; decoding rejects them.
        array.tobytes().decode(f"utf-32-{sys.byteorder[0]}e")
        return tuple(str(text) for text in array.ravel())

    def text(self, name: str, limit: int = MAX_NAME) -> str:
        """Return a single string; with the default limit it must be a valid name."""
        (text,) = self.texts(name, "")
        if limit == MAX_NAME and not _is_name(text):
            raise _damaged(f"'{name}{self._suffix}' has control characters, or more than {MAX_NAME} characters")
        return text


def _is_name(text: str) -> bool:
    return len(text) <= MAX_NAME and not has_control_characters(text)


def _trajectories(arrays: _ArrayReader, experiment: Experiment) -> tuple[Trajectory, ...]:
    labels, settings, colors = (arrays.texts(name, "trajectories") for name in ("labels", "settings", "colors"))
    optimizers = len(experiment.optimizers)
    if len(labels) != len(experiment.objectives) * optimizers:
        expected = len(experiment.objectives) * optimizers
        raise _damaged(f"it holds {len(labels)} trajectories, but its configuration produces {expected}")
    trajectories: list[Trajectory] = []
    for number, spec in enumerate(experiment.objectives):
        objective, first = spec.build(), number * optimizers
        if isinstance(objective, NetworkObjective):
            weights = objective.network.weights
            landscape = _landscape(arrays.part(first, weights=weights), first)
            objective = network_objective(objective.network, landscape)
        for index in range(first, first + optimizers):
            own = arrays.part(index, rows=experiment.steps + 1, dim=objective.dim)
            facts = {"label": labels[index], "settings": settings[index], "color": colors[index] or None}
            trajectories.append(_trajectory(own, index, objective, facts))
    return tuple(trajectories)


def _trajectory(arrays: _ArrayReader, index: int, objective: Objective, facts: Mapping[str, Any]) -> Trajectory:
    numbers = arrays.attributes(TRAJECTORY)
    stops = arrays.texts("stops", "starts")
    if not stops or not {*stops} <= {*Stop.__members__}:
        raise _damaged(f"'stops_{index}' has other outcomes than {', '.join(Stop.__members__)}, or none")
    trajectory = Trajectory(objective=objective, stops=tuple(Stop[name] for name in stops), **facts, **numbers)
    if problem := _problem(trajectory):
        raise _damaged(f"trajectory {index}: {problem}")
    if not isinstance(objective, NetworkObjective):
        return trajectory
    arrays.axes["weights"] = objective.network.weights
    training = _training(arrays, index)
    return NetworkTrajectory(objective=objective, stops=trajectory.stops, training=training, **facts, **numbers)


def _problem(trajectory: Trajectory) -> str:
    """Return why a trajectory cannot be the result of a simulation, or an empty string."""
    if problem := label_problem(trajectory.label):
        return problem
    if has_control_characters(trajectory.settings):
        return "its settings have control characters"
    if trajectory.color is not None and not COLOR.match(trajectory.color):
        return f"its color is {format_value(trajectory.color)}, not one such as '#0072b2'"
    if trajectory.stop_steps.min() < 0 or trajectory.stop_steps.max() >= len(trajectory.points):
        return "it stops at steps that do not exist"
    finite = np.isfinite(trajectory.values) & np.isfinite(trajectory.gradients).all(-1)
    # The objective may have no finite value at a start; then all rows repeat the start.
    undefined = np.array([stop.failed for stop in trajectory.stops]) & (trajectory.stop_steps == 0)
    if not (np.isfinite(trajectory.points).all() and (finite | undefined).all()):
        return "it has rows that are not finite"
    return ""


def _training(arrays: _ArrayReader, index: int) -> Training:
    layers, names = arrays.texts("layers", "layers"), arrays.texts("figure_names", "figures")
    figures = dict(zip(names, arrays.numbers("figures", "figures rows"), strict=True))
    maps = _maps(arrays, index) if "maps" in arrays else None
    training = Training(figures=figures, layers=layers, maps=maps, **arrays.attributes(TRAINING))
    kept, problem = training.kept, ""
    if not 1 <= len(layers) <= MAX_LAYERS or not all(map(_is_name, layers)):
        problem = "its layers have control characters, or are too many, or too long"
    elif not len(kept) or kept[0] != 0 or kept[-1] != arrays.axes["rows"] - 1 or not (np.diff(kept) > 0).all():
        problem = "its weights were not kept from the first to the last step"
    elif not np.isfinite(training.weights).all():
        problem = "it has weights that are not finite"
    elif {*figures} != {*FIGURES}:
        problem = f"it has other figures than {', '.join(FIGURES)}"
    if problem:
        raise _damaged(f"trajectory {index}: {problem}")
    return training


def _maps(arrays: _ArrayReader, index: int) -> SaliencyMaps:
    number, target, label = arrays.numbers("map_facts", "3", np.int64).tolist()
    maps = SaliencyMaps(
        number=number,
        target=target,
        label=None if label < 0 else label,
        method=arrays.text("map_method"),
        **arrays.attributes(MAPS),
    )
    if not maps.maps.size or min(number, target) < 0:
        raise _damaged(f"trajectory {index}: its maps are empty, or its image or class is below 0")
    if maps.steps[0] < 0 or maps.steps[-1] >= arrays.axes["rows"] or not (np.diff(maps.steps) > 0).all():
        raise _damaged(f"trajectory {index}: it has maps of steps that do not exist")
    # A map may contain NaN, but no infinite values.
    if not np.isfinite(maps.image).all() or np.isinf(maps.maps).any():
        raise _damaged(f"trajectory {index}: its maps are infinite")
    return maps


def _landscape(arrays: _ArrayReader, index: int) -> Landscape:
    examples, total = arrays.numbers("examples", "2", np.int64).tolist()
    landscape = Landscape(
        plane=arrays.text("plane"),
        share=float(arrays.numbers("share", "")),
        examples=examples,
        total_examples=total,
        **arrays.attributes(LANDSCAPE),
    )
    if "marks" in arrays:
        marks, names = arrays.numbers("marks", "marks 2"), arrays.texts("mark_names", "marks")
        landscape = replace(landscape, marks=marks, mark_names=names)
    if problem := _landscape_problem(landscape):
        raise _damaged(f"landscape {index}: {problem}")
    return landscape


def _landscape_problem(landscape: Landscape) -> str:
    """Return why a landscape is not valid, or an empty string."""
    plane = (landscape.origin, landscape.axes, landscape.arrow_points, landscape.marks)
    if not all(np.isfinite(each).all() for each in plane):
        return "its plane has numbers that are not finite"
    if any(len(along) < 2 or not (np.diff(along) > 0).all() for along in (landscape.x, landscape.y)):
        return "its grid does not ascend"
    side = round(len(landscape.arrow_points) ** 0.5)
    if max(*landscape.values.shape, side) > MAX_SIDE:
        return f"it has more than {MAX_SIDE} losses or gradients along a direction"
    if np.isinf(landscape.values).any() or np.isinf(landscape.gradients).any():
        return "it has infinite values"
    if side**2 != len(landscape.arrow_points) or (side and side % 2 == 0):
        return f"its {len(landscape.arrow_points)} gradients are not those of a square with an odd side"
    if not (np.isnan(landscape.share) or 0 <= landscape.share <= 1):
        return f"its plane holds {landscape.share} of the variance, not 0 to 1"
    if len(landscape.marks) > 2 or not all(map(_is_name, landscape.mark_names)):
        return "its plane goes through more than two recordings, or their names are too long or have control characters"
    if not 0 <= landscape.examples <= landscape.total_examples:
        return f"it was computed on {landscape.examples} of {landscape.total_examples} examples"
    return ""
