"""Where descents begin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gdsim.errors import InputError
from gdsim.objectives import FloatArray, Objective
from gdsim.optimizers import rng

if TYPE_CHECKING:
    from gdsim.config import Start

__all__ = ["check_values", "given", "rng", "starting_points"]


def starting_points(start: Start | None, objective: Objective, seed: int = 0) -> FloatArray:
    """Return the starting points (starts, dim) that a configuration means.

    A grid is evenly spaced over the view, half a cell off its border, the last coordinate varying fastest.
    Random starts are uniform over the view; the first ones do not depend on how many there are.

    Args:
        start: The points, the grid or the number of random points; None for the objective's own.
        objective: What is descended from there.
        seed: Makes the random points.

    Raises:
        InputError: The starts do not fit the objective.
    """
    low, size = objective.bounds[:, 0], np.diff(objective.bounds)[:, 0]
    if start is None:
        return objective.start[np.newaxis].copy()
    if start.points is not None:
        return given(start.points, objective)
    if start.random is not None:
        uniform = rng("starts", seed, 0).random((start.random, objective.dim))
        return np.asarray(low + size * uniform)
    cells = start.grid or []
    if len(cells) != objective.dim:
        sentence = f"grid needs {objective.dim} numbers, one a dimension of {objective.title}"
        raise InputError(sentence, ("start", "grid"))
    axes = np.meshgrid(*[(np.arange(count) + 0.5) / count for count in cells], indexing="ij")
    return np.asarray(low + size * np.stack(axes, axis=-1).reshape(-1, objective.dim))


def check_values(points: FloatArray, start: Start | None, objective: Objective) -> None:
    """Refuse starts at which the objective has no finite value or gradient.

    Of a grid or of random points some may be such: they break off at once, and the others descend.

    Args:
        points: (starts, dim) what `starting_points` has made of `start`.
        start: What the configuration says; None for the objective's own.
        objective: What is descended from there.

    Raises:
        InputError: A start that was chosen, or every one of those that were spread, is such.
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
    place = f"({', '.join(f'{coordinate:g}' for coordinate in points[first])})"
    others = f", and not finite at any of the {len(points)} starts" if spread and len(points) > 1 else ""
    if start is None:
        sentence = f"{what} is {number:g} at {place}, where paths begin by default; give a start, or other bounds"
        raise InputError(sentence, ("objective",))
    raise InputError(f"{what} is {number:g} at {place}{others}", ("start",))


def given(points: npt.ArrayLike, objective: Objective) -> FloatArray:
    """Return one starting point or several as (starts, dim).

    Raises:
        InputError: They are no finite points of the objective.
    """
    wanted = f"a start needs {objective.dim} finite numbers, the coordinates of a point of {objective.title}"
    try:
        array = np.atleast_2d(np.array(points, dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise InputError(wanted, ("start",)) from error
    if array.ndim != 2 or array.shape[1] != objective.dim or not array.size or not np.isfinite(array).all():
        raise InputError(wanted, ("start",))
    return array
