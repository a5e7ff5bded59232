"""Planes through the weights of networks: that of the paths, that of random filters, and that of three checkpoints."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gdsim.errors import InputError
from gdsim.networks import Network
from gdsim.networks.checkpoints import named_weights
from gdsim.objectives import FloatArray
from gdsim.simulation.trajectory import Trajectory

__all__ = ["Plane", "blocks", "names", "of_checkpoints", "of_paths", "of_random_filters", "share"]

MARGIN = 0.15
"""The room around the paths on each side, in their span."""

FEW = 1024
"""So many weights, or kept steps, are compared each with each other."""

AT_ONCE = 2**21
"""So many numbers of kept weights are held in double precision at once."""

AWAY = 1e3
"""A path has run away when one of its weights is so many times as large as all first weights together are."""

ON_A_LINE = 1e-6
"""Three checkpoints span no plane where one is no farther from the line of the others, in their distance."""


@dataclass(frozen=True, eq=False)
class Plane:
    """Where a landscape is looked at.

    Args:
        origin: (weights,) the spot (0, 0).
        axes: (2, weights) orthonormal; the second is 0 where there is but one weight.
        middle: (2,) the spot in the middle of the view.
        half: How far the view reaches from it along each axis.
        marks: (m, 2) the spots of the recordings that it was laid through.
    """

    origin: FloatArray
    axes: FloatArray
    middle: FloatArray
    half: float
    marks: FloatArray = field(default_factory=lambda: np.zeros((0, 2)))


def of_paths(trajectories: Sequence[Trajectory]) -> Plane:
    """Return the plane through the mean of the last weights that holds most of the paths, with all of them in view.

    Paths that diverge or run away are left out, as far as there are others; else they are in view until they do.
    """
    paths = _paths(trajectories)
    origin, rows = _mean_of_the_last(paths), np.concatenate(paths)
    if (rows == rows[0]).all():  # what runs away at once still has a direction
        rows = np.concatenate([each.training.weights for each in trajectories if each.training is not None])
    axes = _whole(len(origin)) if len(origin) <= 2 else _principal(rows, origin)
    return _around(origin, axes, _spots(paths, origin, axes))


def of_random_filters(trajectories: Sequence[Trajectory], shapes: Sequence[tuple[int, ...]], seed: int) -> Plane:
    """Return the plane through the mean of the last weights along two random directions.

    Each filter of a direction is as long as that of the weights, and biases stand still, after Li et al. (2018),
    "Visualizing the Loss Landscape of Neural Nets"; the view reaches as far as the directions are long.

    Args:
        trajectories: Of the network.
        shapes: Those of its parameters, in their order.
        seed: Draws the directions.
    """
    paths = _paths(trajectories)
    origin = _mean_of_the_last(paths)
    if len(origin) <= 2:
        axes = _whole(len(origin))
        return _around(origin, axes, _spots(paths, origin, axes))
    chances = np.random.default_rng(seed)
    directions = np.stack([_filters(origin, shapes, chances) for _ in range(2)])
    return Plane(origin, _orthonormal(directions), np.zeros(2), float(np.linalg.norm(directions[0])) or 1.0)


def of_checkpoints(
    trajectories: Sequence[Trajectory], recordings: Sequence[str], network: Network, folder: Path
) -> Plane:
    """Return the plane through the last weights of the first optimizer and of two recordings, all of them in view.

    Args:
        trajectories: Of the network.
        recordings: Their files, each with `:label` for another optimizer than its first.
        network: What was trained.
        folder: Where the files lie.

    Raises:
        InputError: A file is not there or of another network, or the three span no plane.
    """
    corners = [trajectories[0].training.weights[-1].astype(np.float64)] if trajectories[0].training else []
    for index, words in enumerate(recordings):
        try:
            corners.append(named_weights(words, folder, weights=network.weights, title=network.title))
        except InputError as error:
            raise error.below("view", "plane", index) from error
    origin, sides = corners[0], np.stack(corners[1:]) - corners[0]
    axes = _whole(len(origin)) if len(origin) <= 2 else _orthonormal(sides)
    spots = sides @ axes.T
    if len(origin) > 1 and abs(np.linalg.det(spots)) <= ON_A_LINE * (spots**2).sum():
        first = trajectories[0].label
        raise InputError(
            f"the last weights of {first} and of these two lie on one line, which spans no plane; name other ones",
            ("view", "plane"),
        )
    paths = _paths(trajectories)
    seen = _around(origin, axes, np.vstack([np.zeros((1, 2)), spots, _spots(paths, origin, axes)]))
    return replace(seen, marks=spots)


def names(recordings: Sequence[str]) -> tuple[str, ...]:
    """Return what recordings are called in a picture: their files' names, or all of these where they are alike."""
    parts = [words.partition(".npz") for words in recordings]
    short = tuple(Path(name).name + rest for name, _, rest in parts)
    return short if len({*short}) == len(short) else tuple(name + rest for name, _, rest in parts)


def share(plane: Plane, trajectories: Sequence[Trajectory]) -> float:
    """Return which part of the squared distances of the paths from the origin lies in a plane; NaN for no distance."""
    within = total = 0.0
    for path in _paths(trajectories):
        for rows in blocks(path):
            offsets = rows - plane.origin
            within += float(((offsets @ plane.axes.T) ** 2).sum())
            total += float((offsets**2).sum())
    return min(1.0, within / total) if total > 0 else math.nan


def blocks(rows: npt.NDArray[np.float32]) -> Iterator[FloatArray]:
    """Yield rows (n, weights) in double precision, some at a time."""
    size = max(1, AT_ONCE // rows.shape[1])
    return (rows[first : first + size].astype(np.float64) for first in range(0, len(rows), size))


def _paths(trajectories: Sequence[Trajectory]) -> list[npt.NDArray[np.float32]]:
    """Return the weights of each path that counts, as far as they are real."""
    trained = [(each.training, int(each.stop_steps[0]), each.stops[0]) for each in trajectories]
    paths = [
        (training.weights[training.kept <= last], stop.breaks_off)
        for training, last, stop in trained
        if training is not None
    ]
    staying = [(path, _staying(path), broken) for path, broken in paths]
    return [path for path, stays, broken in staying if not broken and stays == len(path)] or [
        path[:stays] for path, stays, _ in staying
    ]


def _staying(path: npt.NDArray[np.float32]) -> int:
    """Return how many rows of a path there are before it runs away, the first in any case."""
    farthest = AWAY * (np.linalg.norm(path[0].astype(np.float64)) or np.inf)
    away = np.maximum(path.max(1), -path.min(1)) > farthest
    return max(1, int(away.argmax())) if away.any() else len(path)


def _mean_of_the_last(paths: Iterable[npt.NDArray[np.float32]]) -> FloatArray:
    return np.asarray(np.mean([path[-1] for path in paths], axis=0, dtype=np.float64))


def _whole(weights: int) -> FloatArray:
    """The axes of one or two weights, whose plane is all the space they have."""
    return np.eye(2, weights)


def _spots(paths: Iterable[npt.NDArray[np.float32]], origin: FloatArray, axes: FloatArray) -> FloatArray:
    return np.concatenate([(rows - origin) @ axes.T for path in paths for rows in blocks(path)])


def _around(origin: FloatArray, axes: FloatArray, spots: FloatArray) -> Plane:
    """Return a plane with a square view of spots (n, 2)."""
    low, high = spots.min(0), spots.max(0)
    half = (0.5 + MARGIN) * float((high - low).max())
    return Plane(origin, axes, (low + high) / 2, half if half > 0 else 1.0)


def _principal(rows: npt.NDArray[np.float32], origin: FloatArray) -> FloatArray:
    """The two orthonormal directions along which rows (n, weights) vary most about an origin, (2, weights)."""
    if len(origin) <= FEW:
        spread = np.zeros((len(origin), len(origin)))
        for each in blocks(rows):
            spread += (each - origin).T @ (each - origin)
        return _orthonormal(np.linalg.eigh(spread)[1][:, :-3:-1].T)
    # Few rows span few directions: it takes less to compare the rows with each other than the weights.
    few = rows[:: math.ceil(len(rows) / FEW)]
    likeness = np.zeros((len(few), len(few)))
    for columns in _columns(few):
        offsets = few[:, columns] - origin[columns]
        likeness += offsets @ offsets.T
    most = np.linalg.eigh(likeness)[1][:, :-3:-1].T
    return _orthonormal(np.hstack([most @ (few[:, columns] - origin[columns]) for columns in _columns(few)]))


def _columns(rows: npt.NDArray[np.float32]) -> list[slice]:
    size = max(1, AT_ONCE // len(rows))
    return [slice(first, first + size) for first in range(0, rows.shape[1], size)]


def _orthonormal(directions: FloatArray) -> FloatArray:
    """Two orthonormal directions in the plane of two, the largest number of each above 0, (2, weights)."""
    axes = np.linalg.qr(directions.T)[0].T
    return np.asarray(axes * np.sign(axes[np.arange(2), np.abs(axes).argmax(1)])[:, None])


def _filters(origin: FloatArray, shapes: Sequence[tuple[int, ...]], chances: np.random.Generator) -> FloatArray:
    """A random direction (weights,) with filters as long as those of the weights."""
    has_filters = any(len(shape) >= 2 for shape in shapes)
    direction, place = np.zeros(len(origin)), 0
    for shape in shapes:
        size = math.prod(shape)
        own = origin[place : place + size]
        if len(shape) >= 2 or not has_filters:
            drawn = chances.standard_normal(size)
            rows = (shape[0], -1) if len(shape) >= 2 else (1, -1)
            lengths, wanted = (np.linalg.norm(each.reshape(rows), axis=1, keepdims=True) for each in (drawn, own))
            direction[place : place + size] = (drawn.reshape(rows) * (wanted / lengths)).ravel()
        place += size
    return direction
