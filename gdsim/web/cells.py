"""Maps and the runs of their cells, as data for a page."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import numpy.typing as npt

from gdsim.objectives import FloatArray
from gdsim.render.display_list import Layer
from gdsim.render.images import MapImage, ZoomedImage
from gdsim.scene.model import CellRuns, Facet
from gdsim.scene.sweep_map import MapModel
from gdsim.web.encoding import encoded, fields, packed, significant

UNITS, FARTHEST = 4096, 10_000  # the units into which the side of a view is divided, and the farthest vertex in sides
APART, MOST_VERTICES = 0.0015, 200_000  # the least distance of vertices in sides, and how many take about 0.7 MB
MOST_MAP_CELLS = 4_000_000  # of all pictures of a map; beyond them, some of those between are omitted


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
        found.append({"counts": packed(chosen.sum(1), "<u4"), "moves": packed(moves, "<i4")})
    columns, rows = (each.tolist() for each in runs.places)
    return {"columns": columns, "rows": rows, "units": UNITS, "each": found}


def map_cells(image: MapImage, layer: Layer) -> dict[str, Any]:
    """Return the pictures of a map, with the figures of its cells."""
    count, stride = len(image.cells), -(-image.cells.size // MOST_MAP_CELLS)
    kept = np.unique(np.append(np.arange(0, count, stride), count - 1))
    return _cells(image, layer) | {
        "steps": encoded(image.steps[kept]),
        "cells": packed(image.cells[kept]),
        "appears": packed(image.appears, "<u4"),
    }


def zoom_cells(image: ZoomedImage, layer: Layer) -> dict[str, Any]:
    """Return the pictures of a map that is zoomed into, with the figures of their cells, which are all known."""
    cells = {"cells": packed(image.cells), "appears": packed(np.empty(0))}
    return _cells(image, layer) | cells | {"center": image.center.tolist()}


def _cells(image: MapImage | ZoomedImage, layer: Layer) -> dict[str, Any]:
    """Return what a map has in common with one that is zoomed into: its axes and its figures."""
    facet = cast("Facet", layer.facet)
    model = cast("MapModel", facet.model)
    return fields(image, "palette") | {
        "label": "" if facet.style is None else facet.style.label,
        "box": image.rect.box,
        "shape": image.cells.shape[:0:-1],
        "values": packed(significant(model.values)[..., ::-1, :], "<f4"),
        "axes": [
            {"name": axis.name, "values": encoded(axis.values, "f8"), "logarithmic": axis.scale == "log"}
            for axis in model.axes
        ],
        "categories": [category.name for category in model.categories],
        "caption": model.caption,
        "unknown": model.unknown,
    }
