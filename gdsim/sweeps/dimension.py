"""The box-counting dimension of the boundaries in a map."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gdsim.sweeps.result import SweepResult

FEWEST = 4  # the number of the largest boxes along the shorter side


def box_dimension(values: npt.NDArray[Any]) -> float:
    """Return the box-counting dimension of the boundaries between different values of cells, (rows, columns).

    It is the slope of the number of boxes that contain a boundary over their inverse size, both as logarithms, for
    boxes of 1, 2, 4, … cells: 1 for smooth curves, and 2 if boundaries are everywhere. NaN if there are too few.
    """
    edges = np.zeros(values.shape, np.bool_)
    edges[:, 1:] |= values[:, 1:] != values[:, :-1]
    edges[1:] |= values[1:] != values[:-1]
    sizes, counts = [], []
    size = 1
    while size * FEWEST <= min(values.shape):
        rows, columns = (np.arange(0, side, size) for side in values.shape)
        boxes = np.logical_or.reduceat(np.logical_or.reduceat(edges, rows, axis=0), columns, axis=1)
        sizes.append(size)
        counts.append(int(boxes.sum()))
        size *= 2
    if len(sizes) == 1 or not counts[-1]:
        return float("nan")
    return float(-np.polyfit(np.log(sizes), np.log(counts), 1)[0])


def boundary_notes(result: SweepResult) -> list[str]:
    """Return the dimension of the boundary between minima, or else between outcomes, of each optimizer as a note."""
    name = "minimum" if "minimum" in result.show else "outcome"
    pairs = zip(result.labels, map(box_dimension, result.figures[name]), strict=True)
    dimensions = ", ".join(f"{label} {dimension:.2f}" for label, dimension in pairs)
    between = "minima" if name == "minimum" else "outcomes"
    return [f"Box-counting dimension of the boundaries between {between}: {dimensions}."]
