"""Where the paths start, in each form that a configuration may write it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field, model_validator

from gdsim.config.messages import format_value, is_number
from gdsim.config.model import Finite, Model, refuse
from gdsim.errors import Key, Problem
from gdsim.objectives import Objective

__all__ = ["MAX_STARTS", "Start", "checked_start"]

FORMS = "a point such as [0.5, 1], a list of points, {grid: [8, 8]} or {random: 16}"
MAX_STARTS = 10_000
MAX_DISTANCE = 1e6  # widths of the view


class Start(Model):
    """Where the paths start; exactly one of the three is given."""

    points: list[list[Finite]] | None = Field(None, description="The points themselves.")
    grid: Annotated[list[Annotated[int, Field(ge=1, le=MAX_STARTS)]], Field(min_length=1)] | None = Field(
        None,
        description="A regular grid over the view: the number of points along each dimension.",
        examples=[[8, 8]],
    )
    random: Annotated[int, Field(ge=1, le=MAX_STARTS)] | None = Field(
        None, description="This number of points, drawn uniformly from the view by the seed.", examples=[16]
    )

    @model_validator(mode="after")
    def _check_one_is_given(self) -> Start:
        given = [key for key in type(self).model_fields if getattr(self, key) is not None]
        if not given:
            refuse([Problem(f"must be {FORMS}", code="missing")])
        if len(given) > 1:
            refuse([Problem(f"has {' and '.join(given)}; give only one of them", code="conflict")])
        return self

    @property
    def count(self) -> int:
        """The number of starting points."""
        if self.points is not None:
            return len(self.points)
        return math.prod(self.grid) if self.grid is not None else self.random or 0


def checked_start(value: Any, start: Start | None, objectives: Sequence[Objective]) -> Start | None:
    """Check what is written for `start` against the objectives; refuse it from a validator.

    Args:
        value: What is written.
        start: The validated mapping, or None if the points are written without one.
        objectives: All that start there.
    """
    if isinstance(value, dict):
        if start is not None and start.grid is not None:
            refuse(_grid_problems(start.grid, start.count, objectives))
        if start is not None and start.points is not None:
            refuse(_point_problems(_points_in(start.points, ("points",)), objectives))
        return start
    if not isinstance(value, list) and not is_number(value):
        refuse([Problem(f"must be {FORMS}, not {format_value(value)}", code="wrong-type")])
    points = _points_in(value, ())
    refuse(_point_problems(points, objectives))
    return Start(points=list(points.values()))


def _points_in(value: Any, key: Key) -> dict[Key, Any]:
    """Return each point with its key: those of a list, one alone, or the bare number of one dimension."""
    if isinstance(value, list) and any(isinstance(point, list) for point in value):
        return {(*key, index): point for index, point in enumerate(value)}
    return {key: value if isinstance(value, list) else [value]}


def _point_problems(points: Mapping[Key, Any], objectives: Sequence[Objective]) -> Iterator[Problem]:
    for key, point in points.items():
        if not isinstance(point, list):
            message = f"must be a point, as the others are, not {format_value(point)}"
            yield Problem(message, key, "wrong-type")
            continue
        wrong = [index for index, coordinate in enumerate(point) if not is_number(coordinate)]
        for index in wrong:
            yield Problem(f"must be a number, not {format_value(point[index])}", (*key, index), "wrong-type")
        if wrong:
            continue
        fitting = [objective for objective in objectives if objective.dim == len(point)]
        count = "1 coordinate" if len(point) == 1 else f"{len(point)} coordinates"
        for description, dim in _by_dimension([each for each in objectives if each not in fitting]):
            several = "; several starts are written [[0.5], [1]]" if dim == 1 and len(point) > 1 else ""
            yield Problem(f"has {count}, but {description}{several}", key)
        for objective in fitting:
            yield from _distance_problems(point, key, objective)


def _grid_problems(grid: Sequence[int], count: int, objectives: Sequence[Objective]) -> Iterator[Problem]:
    if count > MAX_STARTS:
        message = f"makes {count} starts; at most {MAX_STARTS} are allowed"
        yield Problem(message, ("grid",), "too-large")
    numbers = "1 number" if len(grid) == 1 else f"{len(grid)} numbers"
    for description, _ in _by_dimension([objective for objective in objectives if objective.dim != len(grid)]):
        yield Problem(f"has {numbers}; {description}, and each needs one", ("grid",))


def _distance_problems(point: Sequence[float], key: Key, objective: Objective) -> Iterator[Problem]:
    region = objective.domain if objective.is_measured else objective.bounds
    for index, (coordinate, (low, high)) in enumerate(zip(point, region.tolist(), strict=True)):
        if objective.is_measured and not low <= coordinate <= high:
            message = f"must be from {low:g} to {high:g}, where it was measured, not {format_value(coordinate)}"
            yield Problem(message, (*key, index))
        elif abs(coordinate - (low + high) / 2) > MAX_DISTANCE * (high - low):
            message = f"is too far away: {format_value(coordinate)} is more than a million view widths from the view"
            yield Problem(message, (*key, index))


def _by_dimension(objectives: Sequence[Objective]) -> Iterator[tuple[str, int]]:
    """Yield "booth and beale have 2 dimensions" and the number, once per number of dimensions."""
    for dim in dict.fromkeys(objective.dim for objective in objectives):
        *before, last = dict.fromkeys(objective.name for objective in objectives if objective.dim == dim)
        names = f"{', '.join(before)} and {last} have" if before else f"{last} has"
        yield f"{names} {dim} dimension{'s' * (dim != 1)}", dim
