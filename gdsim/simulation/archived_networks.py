"""Trainings and landscapes of networks → the arrays of a recording, and back, with every shape and size checked."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gdsim.config.model import has_control_characters
from gdsim.networks.npz import UnreadableError
from gdsim.objectives import Landscape, Objective, from_landscape
from gdsim.simulation.trajectory import SaliencyMaps, Training, Trajectory

__all__ = ["FIGURES", "TEXT_LIMIT", "Arrays", "expect", "landscape_names", "packed", "seen", "texts", "training"]

Arrays = Mapping[str, npt.NDArray[Any]]

TEXT_LIMIT = 2**24
"""So many bytes may an array of words take."""

MOST_LAYERS = 10_000

LONGEST_SIDE = 500
"""So many losses, or gradients, may a landscape have along a direction."""

MOST_MARKS = 2
"""Through so many recordings goes a plane at most."""

LONGEST = 1000
"""So many characters may a name have that a network gives to its layers, or a plane."""

FIGURES = ("test_loss", "accuracy", "test_accuracy", "gradient_norm", "step_size", "off_plane", "plane_loss")
"""The figures of a training, all of which are there; see `Training.figures`."""

OF_TRAINING = (
    "kept",
    "weights",
    "batch_losses",
    "figure_names",
    "figures",
    "layers",
    "layer_gradients",
    "layer_weights",
)
OF_MAPS = ("map_image", "map_steps", "maps", "map_facts", "map_method")
OF_LANDSCAPE = ("plane", "origin", "axes", "grid_x", "grid_y", "grid", "places", "slopes", "share", "examples")
OF_MARKS = ("marks", "mark_names")


def landscape_names(entries: Mapping[str, object], trajectories: int) -> Iterator[str]:
    """Yield what the arrays of networks are called in a file of so many trajectories, with all that each must have."""
    for index in range(trajectories):
        if f"weights_{index}" in entries:
            yield from (f"{name}_{index}" for name in OF_TRAINING)
        if f"maps_{index}" in entries:
            yield from (f"{name}_{index}" for name in OF_MAPS)
        if f"origin_{index}" in entries:
            yield from (f"{name}_{index}" for name in OF_LANDSCAPE)
            if f"marks_{index}" in entries:
                yield from (f"{name}_{index}" for name in OF_MARKS)


def packed(trajectories: Sequence[Trajectory]) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of all networks among trajectories; the landscape that several share is there once.

    A landscape has the number of the first trajectory on it.
    """
    arrays: dict[str, npt.NDArray[Any]] = {}
    told: list[Objective] = []
    for index, trajectory in enumerate(trajectories):
        made = {} if trajectory.training is None else _of_training(trajectory.training)
        landscape = trajectory.objective.landscape
        if landscape is not None and trajectory.objective not in told:
            told.append(trajectory.objective)
            made |= _of_landscape(landscape)
        arrays |= {f"{name}_{index}": array for name, array in made.items()}
    return arrays


def _of_training(training: Training) -> dict[str, npt.NDArray[Any]]:
    arrays: dict[str, npt.NDArray[Any]] = {
        "kept": training.kept,
        "weights": training.weights,
        "batch_losses": training.batch_losses,
        "figure_names": np.array([*training.figures], dtype=np.str_),
        "figures": np.array([*training.figures.values()]).reshape(len(training.figures), len(training.batch_losses)),
        "layers": np.array(training.layers, dtype=np.str_),
        "layer_gradients": training.layer_gradients,
        "layer_weights": training.layer_weights,
    }
    if (maps := training.maps) is not None:
        label = -1 if maps.label is None else maps.label
        arrays |= {
            "map_image": maps.image,
            "map_steps": maps.steps,
            "maps": maps.maps,
            "map_facts": np.array([maps.number, maps.target, label], np.int64),
            "map_method": np.array(maps.method),
        }
    return arrays


def _of_landscape(landscape: Landscape) -> dict[str, npt.NDArray[Any]]:
    arrays: dict[str, npt.NDArray[Any]] = {
        "plane": np.array(landscape.plane),
        "origin": landscape.origin,
        "axes": landscape.axes,
        "grid_x": landscape.x,
        "grid_y": landscape.y,
        "grid": landscape.values,
        "places": landscape.places,
        "slopes": landscape.gradients,
        "share": np.array(landscape.share),
        "examples": np.array([landscape.examples, landscape.of], np.int64),
    }
    if len(landscape.marks):
        arrays |= {"marks": landscape.marks, "mark_names": np.array(landscape.mark_names, dtype=np.str_)}
    return arrays


def seen(arrays: Arrays, index: int, blank: Objective) -> Objective:
    """Return the objective of a network on the landscape that a recording has of it.

    Args:
        arrays: Of the recording.
        index: The number of the landscape.
        blank: The network's objective, on which nothing is known yet.

    Raises:
        UnreadableError: An array is not as it must be.
        KeyError: It is not there.
    """
    weights = 0 if blank.landscape is None else len(blank.landscape.origin)
    columns, rows = (_length(arrays, f"{name}_{index}") for name in ("grid_x", "grid_y"))
    spots = _length(arrays, f"places_{index}")
    marks = _length(arrays, f"marks_{index}") if f"marks_{index}" in arrays else 0

    def numbers(name: str, *shape: int) -> npt.NDArray[Any]:
        return expect(arrays, f"{name}_{index}", np.float64, shape)

    examples, of = expect(arrays, f"examples_{index}", np.int64, (2,))
    landscape = Landscape(
        plane=_word(arrays, f"plane_{index}"),
        origin=numbers("origin", weights),
        axes=numbers("axes", 2, weights),
        x=numbers("grid_x", columns),
        y=numbers("grid_y", rows),
        values=numbers("grid", rows, columns),
        places=numbers("places", spots, 2),
        gradients=numbers("slopes", spots, 2),
        share=float(numbers("share")),
        examples=int(examples),
        of=int(of),
        marks=numbers("marks", marks, 2) if marks else np.zeros((0, 2)),
        mark_names=tuple(texts(arrays, f"mark_names_{index}", (marks,))) if marks else (),
    )
    if problem := _landscape_problem(landscape):
        raise UnreadableError(f"landscape {index}: {problem}")
    return from_landscape(landscape, name=blank.name, title=blank.title, source=blank.source)


def _landscape_problem(landscape: Landscape) -> str:
    """Return why a landscape is none that was computed, or nothing."""
    if not all(
        np.isfinite(each).all() for each in (landscape.origin, landscape.axes, landscape.places, landscape.marks)
    ):
        return "its plane has numbers that are not finite"
    if any(len(along) < 2 or not (np.diff(along) > 0).all() for along in (landscape.x, landscape.y)):
        return "its grid does not ascend"
    side = round(len(landscape.places) ** 0.5)
    if max(landscape.values.shape) > LONGEST_SIDE or side > LONGEST_SIDE:
        return f"it has more than {LONGEST_SIDE} losses or gradients along a direction"
    if np.isinf(landscape.values).any() or np.isinf(landscape.gradients).any():
        return "it has values that are infinite"
    if side**2 != len(landscape.places) or (side and side % 2 == 0):
        return f"its gradients are at {len(landscape.places)} places, which are no square of an odd number"
    if not (np.isnan(landscape.share) or 0 <= landscape.share <= 1):
        return f"its plane holds {landscape.share} of the variance, not 0 to 1"
    if len(landscape.marks) > MOST_MARKS:
        return f"its plane goes through {len(landscape.marks)} recordings, not {MOST_MARKS}"
    if any(has_control_characters(each) or len(each) > LONGEST for each in landscape.mark_names):
        return "its plane goes through recordings with names that hold control characters, or are too long"
    if not 0 <= landscape.examples <= landscape.of:
        return f"it is of {landscape.examples} of {landscape.of} examples"
    return ""


def training(arrays: Arrays, index: int, *, weights: int, rows: int) -> Training:
    """Return the training that a recording has of one optimizer.

    Args:
        arrays: Of the recording.
        index: The number of the trajectory.
        weights: How many its network has.
        rows: How many its trajectory has.

    Raises:
        UnreadableError: An array is not as it must be.
        KeyError: It is not there.
    """
    kept, names = _length(arrays, f"kept_{index}"), _length(arrays, f"figure_names_{index}")
    layers = _length(arrays, f"layers_{index}")
    if not 1 <= layers <= MOST_LAYERS or names > len(FIGURES):
        raise UnreadableError(f"trajectory {index} has {layers} layers and {names} figures, as no training has")

    def numbers(name: str, *shape: int) -> npt.NDArray[Any]:
        return expect(arrays, f"{name}_{index}", np.float64, shape)

    figures = dict(zip(texts(arrays, f"figure_names_{index}", (names,)), numbers("figures", names, rows), strict=True))
    found = Training(
        kept=expect(arrays, f"kept_{index}", np.int64, (kept,)),
        weights=expect(arrays, f"weights_{index}", np.float32, (kept, weights)),
        batch_losses=numbers("batch_losses", rows),
        figures=figures,
        layers=tuple(texts(arrays, f"layers_{index}", (layers,))),
        layer_gradients=numbers("layer_gradients", rows, layers),
        layer_weights=numbers("layer_weights", rows, layers),
        maps=_maps(arrays, index, rows) if f"maps_{index}" in arrays else None,
    )
    if problem := _training_problem(found, rows):
        raise UnreadableError(f"trajectory {index}: {problem}")
    return found


def _training_problem(training: Training, rows: int) -> str:
    """Return why a training is none that a network leaves behind, or nothing."""
    kept = training.kept
    if not len(kept) or kept[0] != 0 or kept[-1] != rows - 1 or not (np.diff(kept) > 0).all():
        return "its weights were not kept from the first to the last step"
    if not np.isfinite(training.weights).all():
        return "it has weights that are not finite"
    if {*training.figures} != {*FIGURES}:
        return f"it has other figures than {', '.join(FIGURES)}, or not all of them"
    if any(has_control_characters(each) or len(each) > LONGEST for each in training.layers):
        return "its layers have names that hold control characters, or are too long"
    return ""


def _maps(arrays: Arrays, index: int, rows: int) -> SaliencyMaps:
    shape = arrays[f"maps_{index}"].shape
    if len(shape) != 3 or 0 in shape:
        raise UnreadableError(f"'maps_{index}' has the shape {shape}, not that of images")
    number, target, label = expect(arrays, f"map_facts_{index}", np.int64, (3,))
    found = SaliencyMaps(
        image=expect(arrays, f"map_image_{index}", np.float64, shape[1:]),
        steps=expect(arrays, f"map_steps_{index}", np.int64, shape[:1]),
        maps=expect(arrays, f"maps_{index}", np.float64, shape),
        number=int(number),
        target=int(target),
        method=_word(arrays, f"map_method_{index}"),
        label=None if label < 0 else int(label),
    )
    if found.steps[0] < 0 or found.steps[-1] >= rows or not (np.diff(found.steps) > 0).all():
        raise UnreadableError(f"trajectory {index}: it has maps of steps that there are not")
    # A map may hold what is no number, where the score has no gradient.
    if not np.isfinite(found.image).all() or np.isinf(found.maps).any() or min(found.number, found.target) < 0:
        raise UnreadableError(f"trajectory {index}: its maps are infinite, or its image or class is below 0")
    return found


def _length(arrays: Arrays, name: str) -> int:
    """Return how long the first axis of an array is."""
    shape = arrays[name].shape
    if not shape:
        raise UnreadableError(f"'{name}' is a single number or word, not a list")
    return int(shape[0])


def _word(arrays: Arrays, name: str) -> str:
    (word,) = texts(arrays, name)
    if has_control_characters(word) or len(word) > LONGEST:
        raise UnreadableError(f"'{name}' holds control characters, or more than {LONGEST} characters")
    return word


def texts(arrays: Arrays, name: str, shape: tuple[int, ...] = ()) -> list[str]:
    """Return an array of words of a recording.

    Raises:
        UnreadableError: It is of another type or shape, too large, or holds what are no characters.
        KeyError: It is not there.
    """
    array = expect(arrays, name, np.str_, shape)
    if array.nbytes > TEXT_LIMIT:
        raise UnreadableError(f"'{name}' has more than {TEXT_LIMIT // 2**20} MiB of words, the most that is read")
    # numpy makes strings of any numbers, also of those that are no characters; a codec does not.
    array.tobytes().decode(f"utf-32-{sys.byteorder[0]}e")
    return [str(text) for text in array.ravel()]


def expect(arrays: Arrays, name: str, kind: type[np.generic], shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Return an array of a recording, of this type and shape.

    Raises:
        UnreadableError: It is of another.
        KeyError: It is not there.
    """
    array = arrays[name]
    if array.dtype.type is not kind or not array.dtype.isnative or array.shape != shape:
        wanted = f"{kind.__name__} of the shape {shape}"
        raise UnreadableError(f"'{name}' is {array.dtype} of the shape {array.shape}, not {wanted}")
    return array
