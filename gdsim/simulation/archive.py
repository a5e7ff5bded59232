"""Reading and writing of recordings: .npz files with trajectories and the YAML that produced them.

A recording may come from a stranger: an array is used only if it has the type, shape and range that `save` writes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gdsim.config import Experiment, loads
from gdsim.config.model import has_control_characters
from gdsim.errors import InputError
from gdsim.files import atomic_write, load_arrays
from gdsim.metadata import Provenance, versions
from gdsim.networks import MAX_RECORDING_BYTES, Landscape, NetworkObjective, network_objective
from gdsim.objectives import Objective
from gdsim.simulation.stability import stability_limit
from gdsim.simulation.trajectory import (
    COUNTED,
    Flow,
    NetworkTrajectory,
    SaliencyMaps,
    Spectrum,
    Stop,
    Training,
    Trajectory,
)

FORMAT = 3  # the current version of the file format; files of a newer version are refused

MAX_TEXT_BYTES = 2**24
MAX_NAME = 10_000  # characters
MAX_LAYERS = 10_000
MAX_COORDINATE = 1e305  # of a point; a descent stops 1000 widths from its view, which is at most 1e300 wide
MAX_SIDE = 500  # losses, or gradients, along one direction of a landscape

FIGURES = {"test_loss", "accuracy", "test_accuracy", "gradient_norm", "step_size", "off_plane", "plane_loss"}

FINITE = {"points", "flow_points", "weights", "map_image", "origin", "axes", "grid_x", "grid_y", "places", "marks"}
"""The arrays whose numbers must all be finite."""

FINITE_OR_NAN = {"maps", "grid", "slopes", "spectrum"}

LONG_TEXTS = {"yaml", "folder"}
"""The texts that are not drawn or printed; other texts are short and have no control characters."""

# For each array in the file: its attribute, axes and type. Axes of the same name have the same length.
Layout = dict[str, tuple[str, str, type[np.generic]]]
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
    "layers": ("layers", "layers", np.str_),
    "layer_gradients": ("layer_gradients", "rows layers", np.float64),
    "layer_weights": ("layer_weights", "rows layers", np.float64),
}
FLOW: Layout = {
    "flow_points": ("points", "flow_rows flow_starts dim", np.float64),
    "flow_values": ("values", "flow_rows flow_starts", np.float64),
    "flow_distances": ("distances", "rows starts", np.float64),
    "flow_evaluations": ("evaluations", "", np.int64),
    "flow_reason": ("reason", "", np.str_),
}
MAPS: Layout = {
    "map_method": ("method", "", np.str_),
    "map_image": ("image", "pixel_rows pixel_columns", np.float64),
    "map_steps": ("steps", "maps", np.int64),
    "maps": ("maps", "maps pixel_rows pixel_columns", np.float64),
}
SPECTRUM: Layout = {
    "spectrum_steps": ("steps", "eigenvalue_steps", np.int64),
    "spectrum": ("values", "eigenvalue_steps eigenvalues", np.float64),
    "spectrum_every": ("every", "", np.int64),
}
LANDSCAPE: Layout = {
    "plane": ("plane", "", np.str_),
    "share": ("share", "", np.float64),
    "origin": ("origin", "weights", np.float64),
    "axes": ("axes", "2 weights", np.float64),
    "grid_x": ("x", "columns", np.float64),
    "grid_y": ("y", "grid_rows", np.float64),
    "grid": ("values", "grid_rows columns", np.float64),
    "places": ("arrow_points", "arrows 2", np.float64),
    "slopes": ("gradients", "arrows 2", np.float64),
}
MARKS: Layout = {
    "marks": ("marks", "marks 2", np.float64),
    "mark_names": ("mark_names", "marks", np.str_),
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
    arrays = header(experiment, [each.label for each in trajectories], [each.settings for each in trajectories])
    written: Objective | None = None
    for index, trajectory in enumerate(trajectories):
        own = _arrays(trajectory, TRAJECTORY)
        own["stops"] = np.array([stop.name for stop in trajectory.stops], dtype=np.str_)
        if trajectory.state:
            own["state_names"] = np.array([*trajectory.state], dtype=np.str_)
            own |= {f"state_{place}": array for place, array in enumerate(trajectory.state.values())}
        if trajectory.flow is not None:
            own |= _arrays(trajectory.flow, FLOW)
        if trajectory.counts:
            own["counts"] = np.stack([trajectory.counts[name] for name in COUNTED])
        if isinstance(trajectory, NetworkTrajectory):
            own |= _training_arrays(trajectory.training)
            if trajectory.objective is not written:
                written, landscape = trajectory.objective, trajectory.objective.landscape
                own |= _arrays(landscape, LANDSCAPE | (MARKS if len(landscape.marks) else {}))
                own["examples"] = np.array([landscape.examples, landscape.total_examples], np.int64)
        arrays |= {f"{name}_{index}": array for name, array in own.items()}
    write_arrays(path, arrays)


def header(experiment: Experiment, labels: Sequence[str], settings: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of every recording: how it was made, and the optimizers."""
    return {
        "format": np.array(FORMAT),
        "yaml": np.array(experiment.yaml),
        "folder": np.array(str(experiment.folder.absolute())),
        "seed": np.array(experiment.seed),
        "versions": np.array([f"{name} {version}" for name, version in versions().items()]),
        "labels": np.array(labels, dtype=np.str_),
        "settings": np.array(settings, dtype=np.str_),
    }


def write_arrays(path: str | Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write the arrays of a recording."""
    with atomic_write(Path(path)) as partial, partial.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


def _arrays(record: object, layout: Layout) -> dict[str, npt.NDArray[Any]]:
    return {name: np.array(getattr(record, attribute), kind) for name, (attribute, _, kind) in layout.items()}


def _training_arrays(training: Training) -> dict[str, npt.NDArray[Any]]:
    arrays = _arrays(training, TRAINING)
    arrays["figure_names"] = np.array([*training.figures], dtype=np.str_)
    arrays["figures"] = np.stack([*training.figures.values()])
    if (maps := training.maps) is not None:
        arrays |= _arrays(maps, MAPS)
        arrays["map_facts"] = np.array([maps.number, maps.target, -1 if maps.label is None else maps.label], np.int64)
    if training.spectrum is not None:
        arrays |= _arrays(training.spectrum, SPECTRUM)
    return arrays


def read(path: str | Path, *, allow_code: bool = False) -> tuple[Experiment, tuple[Trajectory, ...]]:
    """Read a recording written by `save`.

    Relative paths in the configuration refer to the folder of the original run or, if that no longer exists, to the
    folder of the recording.

    Args:
        path: The file.
        allow_code: Whether Python code named in the configuration may run; if not, it is reported as an error.

    Returns:
        The experiment, named after the file, and its trajectories.

    Raises:
        InputError: The file does not exist, is damaged, or was not written by `save`.
    """
    path = Path(path)
    with open_recording(path) as arrays:
        experiment = experiment_of(arrays, path, allow_code=allow_code)
        return experiment, _trajectories(arrays, experiment)


def experiment_of(arrays: ArrayReader, path: Path, *, allow_code: bool) -> Experiment:
    """Return the experiment of a recording, named after the file."""
    yaml, folder = arrays.read("yaml", "", np.str_), _folder(arrays, path)
    return loads(yaml, name=path.stem, file=str(path), folder=folder, allow_code=allow_code)


def provenance(path: str | Path) -> Provenance:
    """Read the YAML, the seed and the versions of a recording without loading its trajectories.

    Raises:
        InputError: The file does not exist, is damaged, or was not written by `save`.
    """
    path = Path(path)
    with open_recording(path, {"format", "yaml", "versions", "seed"}) as arrays:
        return Provenance(
            title=path.stem,
            alt_text="",
            yaml=arrays.read("yaml", "", np.str_),
            # Recordings of the first versions of gdsim have no seed.
            seed=arrays.read("seed", "", np.int64) if "seed" in arrays else None,
            versions=dict(words.split(maxsplit=1) for words in arrays.read("versions", "versions", np.str_)),
        )


def recorded_folder(path: str | Path) -> Path:
    """Return the folder that relative paths in a recording's configuration refer to, see `read`.

    Raises:
        InputError: The file does not exist, is damaged, or was not written by `save`.
    """
    path = Path(path)
    with open_recording(path, {"format", "folder"}) as arrays:
        return _folder(arrays, path)


def _folder(arrays: ArrayReader, path: Path) -> Path:
    folder = Path(arrays.read("folder", "", np.str_))
    with suppress(OSError):  # the text is too long for a name
        if folder.is_dir():
            return folder
    return path.absolute().parent


@contextmanager
def open_recording(path: Path, names: set[str] | None = None) -> Iterator[ArrayReader]:
    """Load all arrays of a recording, or some; convert errors to one line that begins with the file's path."""
    try:
        arrays = load_arrays(path, max_bytes=MAX_RECORDING_BYTES, names=names)
        if "format" not in arrays:
            is_deck = path.suffix.lower() == ".pptx"
            what = "a deck: the YAML of each picture is in its speaker notes" if is_deck else "not a recording of gdsim"
            raise InputError(f"is {what}", code="unreadable")
        reader = ArrayReader(arrays)
        if (version := reader.read("format", "", np.int64)) > FORMAT:
            sentence = f"was written by a newer gdsim (format {version}, supported: {FORMAT})"
            raise InputError(sentence, code="unreadable")
        yield reader
    except InputError as error:
        sentence = str(error).splitlines()[0].removeprefix(f"{path}:").strip()
        raise InputError(f"{path}: {sentence}", code=error.code) from error
    except ValueError as error:
        raise InputError(f"{path}: is damaged: {error}", code="unreadable") from error


class ArrayReader:
    """The arrays of a recording, with checks of their types, shapes and values.

    The length of a named axis is given, or taken from the first array that has this axis.
    """

    def __init__(self, arrays: Mapping[str, npt.NDArray[Any]], suffix: str = "", **axes: int) -> None:
        self._arrays, self._suffix, self.axes = arrays, suffix, axes

    def part(self, index: int, **axes: int) -> ArrayReader:
        """Return a reader of the arrays of one trajectory."""
        return ArrayReader(self._arrays, f"_{index}", **axes)

    def __contains__(self, name: str) -> bool:
        return f"{name}{self._suffix}" in self._arrays

    def require(self, name: str, condition: object) -> None:
        """Raise an error about an array that does not fulfil a condition."""
        if not condition:
            raise InputError(f"is damaged: '{name}{self._suffix}' is not as gdsim writes it", code="unreadable")

    def read(self, name: str, axes: str, kind: type[np.generic] = np.float64) -> Any:
        """Return an array after checking its type, its axes, given by name or length, and its values.

        Axes that end in `…` may be followed by any others.

        Returns:
            The array; its element if it has no axes; text as `str`, or as a tuple of `str`.
        """
        if name not in self:
            sentence = f"is damaged, or not a recording of gdsim: it lacks '{name}{self._suffix}'"
            raise InputError(sentence, code="missing")
        array, wanted_axes = self._arrays[f"{name}{self._suffix}"], axes.removesuffix("…").split()
        shape = array.shape[: len(wanted_axes)] if axes.endswith("…") else array.shape
        self.require(name, array.dtype.type is kind and array.dtype.isnative and len(shape) == len(wanted_axes))
        for axis, length in zip(wanted_axes, shape, strict=True):
            wanted = int(axis) if axis.isdigit() else self.axes.setdefault(axis, length)
            self.require(name, length == wanted)
        self.require(name, name not in FINITE or np.isfinite(array).all())
        self.require(name, name not in FINITE_OR_NAN or not np.isinf(array).any())
        if kind is np.str_:
            self.require(name, array.nbytes <= MAX_TEXT_BYTES)
            # NumPy accepts code points that are not valid characters; decoding rejects them.
            array.tobytes().decode(f"utf-32-{sys.byteorder[0]}e")
            short = all(len(each) <= MAX_NAME and not has_control_characters(each) for each in array.ravel().tolist())
            self.require(name, short or name in LONG_TEXTS)
            return tuple(array.tolist()) if axes else array.item()
        return array if axes else array.item()

    def attributes(self, layout: Layout) -> dict[str, Any]:
        """Return all arrays of a layout, keyed by attribute."""
        return {attribute: self.read(name, axes, kind) for name, (attribute, axes, kind) in layout.items()}


def _trajectories(arrays: ArrayReader, experiment: Experiment) -> tuple[Trajectory, ...]:
    labels, settings = (arrays.read(name, "trajectories", np.str_) for name in ("labels", "settings"))
    arrays.require("labels", labels == (*experiment.optimizers,) * len(experiment.objectives))
    trajectories: list[Trajectory] = []
    for spec in experiment.objectives:
        objective, first = spec.build(), len(trajectories)
        if isinstance(objective, NetworkObjective):
            landscape = _landscape(arrays.part(first, weights=objective.network.weights))
            objective = network_objective(objective.network, landscape)
        for index, (label, optimizer) in enumerate(experiment.optimizers.items(), first):
            own = arrays.part(index, rows=experiment.steps + 1, dim=objective.dim)
            facts = {
                "label": label,
                "settings": settings[index],
                "color": optimizer.color,
                "is_ensemble": experiment.ensemble is not None,
                "stability": stability_limit(optimizer.class_name, optimizer.settings, optimizer.schedule),
            }
            trajectories.append(_trajectory(own, objective, facts))
    return tuple(trajectories)


def _trajectory(arrays: ArrayReader, objective: Objective, facts: Mapping[str, Any]) -> Trajectory:
    stops = arrays.read("stops", "starts", np.str_)
    arrays.require("stops", stops and {*stops} <= Stop.__members__.keys())
    outcomes = tuple(Stop[name] for name in stops)
    layout = arrays.attributes(TRAJECTORY)
    names = arrays.read("state_names", "states", np.str_) if "state_names" in arrays else ()
    state = {name: arrays.read(f"state_{place}", "rows starts …") for place, name in enumerate(names)}
    counted = arrays.read("counts", "3 rows starts", np.int64) if "counts" in arrays else ()
    counts = dict(zip(COUNTED, counted, strict=False))
    layout["flow"] = Flow(**arrays.attributes(FLOW)) if "flow_points" in arrays else None
    trajectory = Trajectory(objective=objective, stops=outcomes, state=state, counts=counts, **facts, **layout)
    arrays.require("points", (np.abs(trajectory.points) <= MAX_COORDINATE).all())
    steps = trajectory.stop_steps
    arrays.require("stop_steps", ((steps >= 0) & (steps < len(trajectory.points))).all())
    finite = np.isfinite(trajectory.values) & np.isfinite(trajectory.gradients).all(-1)
    # The objective may have no finite value at a start; then all rows repeat the start.
    undefined = np.array([stop.failed for stop in outcomes]) & (steps == 0)
    arrays.require("values", (finite | undefined).all())
    if not isinstance(objective, NetworkObjective):
        return trajectory
    arrays.axes["weights"] = objective.network.weights
    return NetworkTrajectory(**vars(trajectory), training=_training(arrays))


def _training(arrays: ArrayReader) -> Training:
    names = arrays.read("figure_names", "figures", np.str_)
    arrays.require("figure_names", {*names} == FIGURES)
    figures = dict(zip(names, arrays.read("figures", "figures rows"), strict=True))
    maps = _maps(arrays) if "maps" in arrays else None
    spectrum = _spectrum(arrays) if "spectrum" in arrays else None
    training = Training(figures=figures, maps=maps, spectrum=spectrum, **arrays.attributes(TRAINING))
    arrays.require("layers", 1 <= len(training.layers) <= MAX_LAYERS)
    kept = training.kept
    arrays.require("kept", [*kept[:1], *kept[-1:]] == [0, arrays.axes["rows"] - 1] and (np.diff(kept) > 0).all())
    return training


def _spectrum(arrays: ArrayReader) -> Spectrum:
    spectrum = Spectrum(**arrays.attributes(SPECTRUM))
    steps = spectrum.steps
    arrays.require("spectrum", spectrum.values.size and spectrum.every > 0)
    ends = [*steps[:1], *steps[-1:]] == [0, arrays.axes["rows"] - 1]
    arrays.require("spectrum_steps", ends and (np.diff(steps) > 0).all())
    return spectrum


def _maps(arrays: ArrayReader) -> SaliencyMaps:
    number, target, label = arrays.read("map_facts", "3", np.int64).tolist()
    maps = SaliencyMaps(number=number, target=target, label=None if label < 0 else label, **arrays.attributes(MAPS))
    steps = maps.steps
    arrays.require("map_facts", min(number, target) >= 0)
    arrays.require("maps", maps.maps.size)
    arrays.require("map_steps", steps[0] >= 0 and steps[-1] < arrays.axes["rows"] and (np.diff(steps) > 0).all())
    return maps


def _landscape(arrays: ArrayReader) -> Landscape:
    examples, total = arrays.read("examples", "2", np.int64).tolist()
    layout = LANDSCAPE | (MARKS if "marks" in arrays else {})
    landscape = Landscape(examples=examples, total_examples=total, **arrays.attributes(layout))
    for name, positions in (("grid_x", landscape.x), ("grid_y", landscape.y)):
        arrays.require(name, 2 <= len(positions) <= MAX_SIDE and (np.diff(positions) > 0).all())
    side = round(len(landscape.arrow_points) ** 0.5)
    arrays.require("places", side**2 == len(landscape.arrow_points) and side in (0, *range(1, MAX_SIDE, 2)))
    arrays.require("share", np.isnan(landscape.share) or 0 <= landscape.share <= 1)
    arrays.require("marks", len(landscape.marks) <= 2)
    arrays.require("examples", 0 <= examples <= total)
    return landscape
