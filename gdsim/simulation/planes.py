"""Planes in the space of a network's weights: through paths, along random directions, or through recordings."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gdsim.config import View
from gdsim.errors import InputError
from gdsim.networks import Landscape, Network, plane_name, weights_of
from gdsim.objectives import FloatArray
from gdsim.simulation.curvature import HessianOperator
from gdsim.simulation.trajectory import NetworkTrajectory

Float32Array = npt.NDArray[np.float32]

SIDE = 51  # losses computed along each direction of a plane
ARROWS = 13  # gradients along each direction; odd, so that every second one also forms a regular grid
MARGIN = 0.15  # on each side of the paths, as a fraction of their extent
MAX_COMPARED = 1024  # rows of a covariance matrix, or of a matrix of inner products
MAX_NUMBERS = 2**21  # kept weights that are converted to double precision at once
MAX_GROWTH = 1e3  # the ratio of a weight to the norm of the initial weights above which a path counts as unbounded
ON_A_LINE = 1e-6  # three points are collinear if their area is at most this fraction of their squared distances


def compute_plane(trajectories: Sequence[NetworkTrajectory], view: View, folder: Path, seed: int) -> Landscape:
    """Return the plane that a view requests; its losses and gradients are not computed yet."""
    network, paths = trajectories[0].objective.network, _bounded_paths(trajectories)
    if isinstance(view.plane, list):
        recordings = [each for each in view.plane if isinstance(each, str)]
        plane = _through_recordings(trajectories[0], paths, recordings, folder)
    elif view.plane in ("hessian", "hessian_start"):
        plane = _along_eigenvectors(network, paths, seed, first=view.plane == "hessian_start")
    elif view.plane == "random" and network.weights > 2:
        plane = _along_random_filters(paths, network.shapes, seed)
    else:
        plane = _through_paths(trajectories, paths)
    return replace(plane, plane=plane_name(view.plane), share=_share(plane, paths))


def row_blocks(rows: Float32Array) -> Iterator[FloatArray]:
    """Yield blocks of rows (n, weights) in double precision."""
    size = max(1, MAX_NUMBERS // rows.shape[1])
    for first in range(0, len(rows), size):
        yield rows[first : first + size].astype(np.float64)


def _through_paths(trajectories: Sequence[NetworkTrajectory], paths: Sequence[Float32Array]) -> Landscape:
    """Return the plane through the mean of the last weights along the principal directions of the paths."""
    origin, rows = _mean_of_last(paths), np.concatenate(paths)
    if (rows == rows[0]).all():  # only the initial weights are bounded
        rows = np.concatenate([each.training.weights for each in trajectories])
    axes = _principal_axes(rows, origin)
    return _around(origin, axes, _project(paths, origin, axes))


def _along_random_filters(paths: Sequence[Float32Array], shapes: Sequence[tuple[int, ...]], seed: int) -> Landscape:
    """Return the plane through the mean of the last weights along two random directions.

    Each filter of a direction has the norm of the weights' filter, and biases are constant, after Li et al. (2018),
    "Visualizing the Loss Landscape of Neural Nets". The view extends by the norm of the first direction to each side.
    """
    origin = _mean_of_last(paths)
    rng = np.random.default_rng(seed)
    directions = np.stack([_random_filters(origin, shapes, rng) for _ in range(2)])
    return _plane(origin, _orthonormal(directions), np.zeros(2), float(np.linalg.norm(directions[0])) or 1.0)


def _along_eigenvectors(network: Network, paths: Sequence[Float32Array], seed: int, *, first: bool) -> Landscape:
    """Return the plane of the two largest Hessian eigenvalues where the first path begins, or ends."""
    origin = paths[0][0 if first else -1].astype(np.float64)
    axes = np.eye(2, len(origin))
    if len(origin) > 2:
        axes = _orthonormal(HessianOperator(network, seed).largest(origin, 2).vectors)
    return _around(origin, axes, _project(paths, origin, axes))


def _through_recordings(
    first: NetworkTrajectory, paths: Sequence[Float32Array], recordings: Sequence[str], folder: Path
) -> Landscape:
    """Return the plane through the last weights of the first optimizer and of two recordings."""
    network = first.objective.network
    corners = [weights_of(network, each, folder, ("view", "plane", at)) for at, each in enumerate(recordings)]
    origin = first.training.weights[-1].astype(np.float64)
    sides = np.stack(corners) - origin
    axes = _orthonormal(sides)
    points = sides @ axes.T
    if len(origin) > 1 and abs(np.linalg.det(points)) <= ON_A_LINE * (points**2).sum():
        sentence = f"the last weights of {first.label} and of these two lie on one line, which is not a plane"
        raise InputError(f"{sentence}; name other recordings", ("view", "plane"))
    plane = _around(origin, axes, np.vstack([np.zeros((1, 2)), points, _project(paths, origin, axes)]))
    return replace(plane, marks=points, mark_names=_short_names(recordings))


def _short_names(recordings: Sequence[str]) -> tuple[str, ...]:
    """Return the file names of recordings, or their paths if the file names are equal."""
    parts = [reference.partition(".npz") for reference in recordings]
    short = tuple(Path(name).name + rest for name, _, rest in parts)
    return short if len({*short}) == len(short) else tuple(name + rest for name, _, rest in parts)


def _share(plane: Landscape, paths: Sequence[Float32Array]) -> float:
    within = total = 0.0
    for path in paths:
        for rows in row_blocks(path):
            within += float((plane.project(rows) ** 2).sum())
            total += float(((rows - plane.origin) ** 2).sum())
    return min(1.0, within / total) if total > 0 else math.nan


def _bounded_paths(trajectories: Sequence[NetworkTrajectory]) -> list[Float32Array]:
    """Return the kept weights of all bounded paths or, if there are none, the bounded part of each path."""
    paths = [(each.training.weights[each.training.kept <= each.stop_steps[0]], each.stops[0]) for each in trajectories]
    bounded = [(path, _bounded_rows(path), stop) for path, stop in paths]
    return [path for path, rows, stop in bounded if not stop.failed and rows == len(path)] or [
        path[:rows] for path, rows, _ in bounded
    ]


def _bounded_rows(path: Float32Array) -> int:
    """Return the number of rows before a path becomes unbounded, at least 1."""
    limit = MAX_GROWTH * (np.linalg.norm(path[0].astype(np.float64)) or np.inf)
    away = np.maximum(path.max(1), -path.min(1)) > limit
    return max(1, int(away.argmax())) if away.any() else len(path)


def _mean_of_last(paths: Sequence[Float32Array]) -> FloatArray:
    return np.asarray(np.mean([path[-1] for path in paths], axis=0, dtype=np.float64))


def _project(paths: Sequence[Float32Array], origin: FloatArray, axes: FloatArray) -> FloatArray:
    return np.concatenate([(rows - origin) @ axes.T for path in paths for rows in row_blocks(path)])


def _around(origin: FloatArray, axes: FloatArray, points: FloatArray) -> Landscape:
    """Return a plane with a square view that contains points (n, 2)."""
    low, high = points.min(0), points.max(0)
    half = (0.5 + MARGIN) * float((high - low).max())
    return _plane(origin, axes, (low + high) / 2, half if half > 0 else 1.0)


def _plane(origin: FloatArray, axes: FloatArray, center: FloatArray, half: float) -> Landscape:
    """Return a plane with a square view, given by its center (2,) and half its side length."""
    offsets, centred = np.linspace(-half, half, SIDE), half * ((2 * np.arange(ARROWS) + 1) / ARROWS - 1)
    arrow_points = np.stack(np.meshgrid(*(middle + centred for middle in center)), -1).reshape(-1, 2)
    return Landscape(
        origin=origin,
        axes=axes,
        x=center[0] + offsets,
        y=center[1] + offsets,
        values=np.full((SIDE, SIDE), np.nan),
        arrow_points=arrow_points,
        gradients=np.full(arrow_points.shape, np.nan),
    )


def _principal_axes(rows: Float32Array, origin: FloatArray) -> FloatArray:
    """Return the two orthonormal directions (2, weights) of largest variance of rows (n, weights) about an origin."""
    if len(origin) <= MAX_COMPARED:
        covariance = np.zeros((len(origin), len(origin)))
        for each in row_blocks(rows):
            covariance += (each - origin).T @ (each - origin)
        return _orthonormal(np.linalg.eigh(covariance)[1][:, :-3:-1].T)
    # The inner products of a few rows are cheaper than the covariance of many weights.
    few = rows[:: math.ceil(len(rows) / MAX_COMPARED)]
    size = max(1, MAX_NUMBERS // len(few))
    blocks = [slice(first, first + size) for first in range(0, rows.shape[1], size)]
    products = np.zeros((len(few), len(few)))
    for columns in blocks:
        offsets = few[:, columns] - origin[columns]
        products += offsets @ offsets.T
    largest = np.linalg.eigh(products)[1][:, :-3:-1].T
    return _orthonormal(np.hstack([largest @ (few[:, columns] - origin[columns]) for columns in blocks]))


def _orthonormal(directions: FloatArray) -> FloatArray:
    """Return two orthonormal directions (2, weights) of the same plane; the largest component of each is positive.

    The plane of one or two weights is that of their own coordinates.
    """
    if directions.shape[1] <= 2:
        return np.eye(2, directions.shape[1])
    axes = np.linalg.qr(directions.T)[0].T
    return np.asarray(axes * np.sign(axes[np.arange(2), np.abs(axes).argmax(1)])[:, None])


def _random_filters(origin: FloatArray, shapes: Sequence[tuple[int, ...]], rng: np.random.Generator) -> FloatArray:
    """Return a random direction (weights,) whose filters have the norms of the weights' filters."""
    has_filters = any(len(shape) >= 2 for shape in shapes)
    direction, first = np.zeros(len(origin)), 0
    for shape in shapes:
        size = math.prod(shape)
        own = origin[first : first + size]
        if len(shape) >= 2 or not has_filters:
            drawn = rng.standard_normal(size)
            filters = (shape[0], -1) if len(shape) >= 2 else (1, -1)
            norms, wanted = (np.linalg.norm(each.reshape(filters), axis=1, keepdims=True) for each in (drawn, own))
            direction[first : first + size] = (drawn.reshape(filters) * (wanted / norms)).ravel()
        first += size
    return direction
