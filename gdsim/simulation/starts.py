"""Starting points: listed, on a grid, or random."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gdsim.errors import InputError
from gdsim.objectives import FloatArray, Objective
from gdsim.optimizers import rng

if TYPE_CHECKING:
    from gdsim.config import Start

__all__ = ["as_points", "check_values", "starting_points"]


def starting_points(start: Start | None, objective: Objective, seed: int = 0) -> FloatArray:
    """Return the starting points (starts, dim) of a configuration.

    A grid is evenly spaced over the view, half a cell from its border; the last coordinate varies fastest. Random
    starts are uniform over the view; if their number is increased, the first ones stay the same.

    Args:
        start: The points, the grid or the number of random points; None for the default start of the objective.
        objective: The function.
        seed: Seeds the random points.

    Raises:
        InputError: The starts do not fit the objective.
    """
    low, size = objective.bounds[:, 0], np.diff(objective.bounds)[:, 0]
    if start is None:
        return objective.start[np.newaxis].copy()
    if start.points is not None:
        return as_points(start.points, objective)
    if start.random is not None:
        uniform = rng("starts", seed, 0).random((start.random, objective.dim))
        return np.asarray(low + size * uniform)
    cells = start.grid or []
    if len(cells) != objective.dim:
        sentence = f"grid needs {objective.dim} numbers, one per dimension of {objective.title}"
        raise InputError(sentence, ("start", "grid"))
    axes = np.meshgrid(*[(np.arange(count) + 0.5) / count for count in cells], indexing="ij")
    return np.asarray(low + size * np.stack(axes, axis=-1).reshape(-1, objective.dim))


def check_values(points: FloatArray, start: Start | None, objective: Objective) -> None:
    """Raise an error for starts at which the value or the gradient of the objective is not finite.

    On a grid, or among random points, some may be affected, but not all.

    Args:
        points: (starts, dim) the result of `starting_points`.
        start: The configuration of the starts; None for the default start of the objective.
        objective: The function.

    Raises:
        InputError: The value or gradient is not finite at a listed start, or at every start of a grid or of random
            points.
    """
    values, gradients = objective.gradients(points)
    bad = ~(np.isfinite(values) & np.isfinite(gradients).all(-1))
    spread = start is not None and start.points is None
    if not (bad.all() if spread else bad.any()):
        return
    first = int(bad.argmax())
    what, number = objective.title, values[first]
    if np.isfinite(number):
        what, number = f"the gradient of {what}", gradients[first][~np.isfinite(gradients[first])][0]
    point = f"({', '.join(f'{coordinate:g}' for coordinate in points[first])})"
    others = f", and not finite at any of the {len(points)} starts" if spread and len(points) > 1 else ""
    if start is None:
        sentence = f"{what} is {number:g} at {point}, the default start; give a start, or other bounds"
        raise InputError(sentence, ("objective",))
    raise InputError(f"{what} is {number:g} at {point}{others}", ("start",))


def as_points(points: npt.ArrayLike, objective: Objective) -> FloatArray:
    """Convert one or several starting points to an array (starts, dim), and check that they are finite."""
    sentence = f"a start needs {objective.dim} finite numbers, the coordinates of a point of {objective.title}"
    try:
        array = np.atleast_2d(np.array(points, dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise InputError(sentence, ("start",), code="wrong-type") from error
    if array.ndim != 2 or array.shape[1] != objective.dim or not array.size or not np.isfinite(array).all():
        raise InputError(sentence, ("start",))
    return array
