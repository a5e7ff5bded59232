"""Paths and heads that would cover each other: strands side by side, and heads that fan out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from gdsim.objectives import FloatArray
from gdsim.render.canvas import unit
from gdsim.render.trail import BoolArray, Trail
from gdsim.scene.facets import within

PARALLEL = 0.95  # the cosine of the angle up to which two segments are parallel
SMOOTHING = 5.0  # the length over which a path changes sides, in units of the distance between two strands
MOST_APART = 1.4  # the distance of a head from the common place of several, in units of its size
SIDE = np.array([0.31, 0.95])  # the direction towards which normals point, which is that of few paths


def fan(index: int, count: int, size: float) -> tuple[float, float]:
    """Return where one of `count` coinciding heads of a size in pixels is drawn, relative to their common place."""
    angle = np.pi - 2 * np.pi * index / max(count, 1)
    radius = min(0.42 / np.sin(np.pi / count), MOST_APART) * size if count > 1 else 0.0
    return float(radius * np.cos(angle)), float(radius * np.sin(angle))


def fanned(trails: Sequence[Trail], time: float) -> list[FloatArray]:
    """Return where the heads of trails are drawn at a time, (starts, 2) each: coinciding ones around their place.

    The nearer another trail's head is, the farther a head moves in its own direction, so that none jumps.
    """
    places = [trail.at(time) for trail in trails]
    owners = np.repeat(
        np.arange(len(trails)), [len(each) if any(trail.fan) else 0 for each, trail in zip(places, trails, strict=True)]
    )
    if len(set(owners.tolist())) > 1:
        heads = np.concatenate([each for each, trail in zip(places, trails, strict=True) if any(trail.fan)])
        apart = np.linalg.norm(heads[:, None] - heads, axis=-1)
        apart[(owners[:, None] == owners) | ~np.isfinite(apart)] = np.inf
        sizes = np.array([trail.style.head_size for trail in trails])[owners]
        shares = np.clip(1 - apart.min(1) / sizes, 0, 1)
        for index, (trail, place) in enumerate(zip(trails, places, strict=True)):
            if any(trail.fan):
                places[index] = place + shares[owners == index, None] * trail.fan
    return places


def side_by_side(trails: Sequence[Trail], bounds: FloatArray) -> list[Trail]:
    """Return trails of which the parts that run along an earlier one are offset by the width of a path."""
    found = list(trails)
    for index, trail in enumerate(trails):
        lane = (index + 1) // 2 * (1 if index % 2 else -1)
        apart = trail.style.width + trail.style.casing_width
        along = np.zeros(trail.points.shape[:2], np.bool_)
        for other in trails[:index]:
            along |= _runs_along(trail.points, other, bounds, apart)
        if along.any():
            offsets = lane * apart * along[..., None] * _normals(trail.points)
            found[index] = replace(trail, points=trail.points + _smoothed(offsets, trail.points, SMOOTHING * apart))
    return found


def _runs_along(points: FloatArray, other: Trail, bounds: FloatArray, apart: float) -> BoolArray:
    """Return which vertices, (n, starts, 2), are on another trail, between segments that are parallel to it."""
    places, directions = _samples(other, bounds, apart / 2)
    shape = np.ceil(np.diff(bounds)[:, 0] / apart).astype(int) + 2
    nearest = np.full(shape, -1)
    nearest[tuple(_cells(places, bounds, apart, shape).T)] = np.arange(len(places))
    flat = np.nan_to_num(points.reshape(-1, 2), nan=-np.inf)
    cells, found = _cells(flat, bounds, apart, shape), np.zeros(len(flat), np.bool_)
    moves = np.zeros((len(points) + 1, *points.shape[1:]))
    moves[1:-1] = np.nan_to_num(np.diff(points, axis=0))
    ways = [unit(each.reshape(-1, 2)) for each in (moves[:-1], moves[1:])]
    for step in np.stack(np.meshgrid([-1, 0, 1], [-1, 0, 1]), -1).reshape(-1, 2):
        sample = nearest[tuple(np.clip(cells + step, 0, shape - 1).T)]
        close = (sample >= 0) & (np.linalg.norm(places[sample] - flat, axis=-1) < apart) if len(places) else found
        for way in ways:
            still = ~way.any(-1)
            close = close & (still | (np.abs((way * directions[sample]).sum(-1)) >= PARALLEL)) if len(places) else close
        found |= close
    return found.reshape(points.shape[:2])


def sampled(points: FloatArray, bounds: FloatArray, apart: float) -> tuple[npt.NDArray[np.int64], FloatArray]:
    """Return evenly spaced places on paths, (n, starts, 2), within bounds, about `apart` from each other.

    Returns:
        (m,) the index of each place's segment, of (n − 1) × starts, and (m,) the share of the segment before it.
    """
    enter, leave = (each.ravel() for each in within(points, bounds))
    lengths = np.linalg.norm(np.nan_to_num(np.diff(points, axis=0)), axis=-1).ravel()
    known = np.asarray(np.isfinite(points).all(-1))
    counts = np.where((known[1:] & known[:-1]).ravel(), np.ceil(lengths * (leave - enter) / apart), 0).astype(int)
    segments = np.repeat(np.arange(len(counts)), counts)
    shares = (np.arange(len(segments)) - (np.cumsum(counts) - counts)[segments] + 0.5) / counts[segments]
    return segments, enter[segments] + shares * (leave - enter)[segments]


def _samples(trail: Trail, bounds: FloatArray, apart: float) -> tuple[FloatArray, FloatArray]:
    """Return points on a trail within bounds, (n, 2), about `apart` from each other, and the directions there."""
    segments, shares = sampled(trail.points, bounds, apart)
    steps = np.nan_to_num(np.diff(trail.points, axis=0)).reshape(-1, 2)[segments]
    return trail.points[:-1].reshape(-1, 2)[segments] + shares[:, None] * steps, unit(steps)


def _cells(points: FloatArray, bounds: FloatArray, apart: float, shape: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    cells = np.floor(np.clip((points - bounds[:, 0]) / apart, -1, shape))
    return np.asarray(np.clip(cells + 1, 0, shape - 1), np.int64)


def _normals(points: FloatArray) -> FloatArray:
    """Return the unit normals of paths at their vertices, (n, starts, 2), all on the same side."""
    if len(points) < 2:
        return np.zeros_like(points)
    moves = np.nan_to_num(np.gradient(points, axis=0))
    normals = unit(moves[..., ::-1] * [-1.0, 1.0])
    return normals * np.where((normals @ SIDE)[..., None] < 0, -1.0, 1.0)


def _smoothed(rows: FloatArray, points: FloatArray, reach: float) -> FloatArray:
    """Return the mean of rows, (n, starts, 2), along paths, over `reach` pixels on either side of each vertex."""
    found = np.zeros_like(rows)
    lengths = np.nan_to_num(np.linalg.norm(np.diff(points, axis=0), axis=-1))
    for start in range(rows.shape[1]):
        at = np.append(0.0, np.cumsum(lengths[:, start]))
        middle = (rows[1:, start] + rows[:-1, start]) / 2
        total = np.concatenate([np.zeros((1, 2)), np.cumsum(middle * lengths[:, start, None], axis=0)])
        low, high = np.maximum(at - reach, 0), np.minimum(at + reach, at[-1])
        for axis in (0, 1):
            sums = np.interp(high, at, total[:, axis]) - np.interp(low, at, total[:, axis])
            found[:, start, axis] = sums / np.maximum(high - low, 1e-9)
    return found
