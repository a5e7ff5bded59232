"""The runs of the cells of a map, as data for a page."""

from __future__ import annotations

import zlib
from base64 import b64encode
from typing import Any

import numpy as np
import numpy.typing as npt

from gdsim.objectives import FloatArray
from gdsim.scene.model import CellRuns

UNITS, FARTHEST = 4096, 10_000  # the units into which the side of a view is divided, and the farthest vertex in sides
APART, MOST_VERTICES = 0.0015, 200_000  # the least distance of vertices in sides, and how many take about 0.7 MB


def thinned(points: FloatArray, apart: float) -> npt.NDArray[np.bool_]:
    """Return which vertices of runs (runs, n, 2) are drawn: both ends, and those away from the last one drawn."""
    kept = np.zeros(points.shape[:2], np.bool_)
    kept[:, [0, -1]] = True
    last = points[:, 0]
    for index in range(1, points.shape[1]):
        kept[:, index] |= np.abs(points[:, index] - last).max(-1) > apart
        last = np.where(kept[:, index, None], points[:, index], last)
    return kept


def encoded_runs(runs: CellRuns) -> dict[str, Any]:
    """Return the columns and rows of cells, and the runs of each optimizer.

    Vertices are in units of the view's sides, first all horizontal coordinates and then all vertical ones, each as its
    difference from the one before.
    """
    every = np.clip(runs.points, -FARTHEST, FARTHEST)
    every = every.reshape(len(every), -1, *every.shape[-2:])
    apart, kept = APART, [thinned(each, APART) for each in every]
    while sum(int(each.sum()) for each in kept) > MOST_VERTICES:
        apart *= 1.5
        kept = [thinned(each, apart) for each in every]
    found = []
    for points, chosen in zip(every, kept, strict=True):
        moves = np.diff(np.rint(UNITS * points[chosen]).T, axis=1, prepend=0.0)
        found.append({"counts": packed(chosen.sum(1), "<u2"), "moves": packed(moves, "<i4")})
    columns, rows = (each.tolist() for each in runs.places)
    return {"columns": columns, "rows": rows, "units": UNITS, "each": found}


def packed(values: npt.NDArray[Any], kind: str = "<u1") -> str:
    """Encode numbers, compressed."""
    return b64encode(zlib.compress(np.ascontiguousarray(values.astype(kind)).tobytes(), 9)).decode("ascii")
