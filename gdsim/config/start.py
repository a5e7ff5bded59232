"""Where the paths start, in each form that a configuration may write it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from pydantic import Field, model_validator

from gdsim.config.messages import format_value, is_number
from gdsim.config.model import Finite, Model, refuse
from gdsim.errors import Key, Problem
from gdsim.objectives import Objective

FORMS = "a point such as [0.5, 1], a list of points, {grid: [8, 8]} or {random: 16}"
MAX_STARTS = 10_000
MAX_DISTANCE = 1e6  # widths of the view


class Start(Model):
    """Where the paths start; exactly one of the three is given."""

    points: list[list[Finite]] | None = None
    """The points themselves."""
    grid: Annotated[list[Annotated[int, Field(ge=1, le=MAX_STARTS)]], Field(min_length=1)] | None = Field(
        default=None, examples=[[8, 8]]
    )
    """A regular grid over the view: the number of points along each dimension."""
    random: Annotated[int, Field(ge=1, le=MAX_STARTS)] | None = Field(default=None, examples=[16])
    """This number of points, drawn uniformly from the view by the seed."""

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


def checked_start(value: Any, start: Start | None, objectives: Sequence[Objective]) -> Start:
    """Check the written value, and its validated form if it is a mapping, against all objectives."""
    key: Key = ()
    if start is not None:
        if start.grid is not None:
            refuse(_grid_problems(start.grid, start.count, objectives))
        if start.points is None:
            return start
        key, value = ("points",), start.points
    elif not isinstance(value, list) and not is_number(value):
        refuse([Problem(f"must be {FORMS}, not {format_value(value)}", code="wrong-type")])
    if isinstance(value, list) and any(isinstance(point, list) for point in value):
        points = {(*key, index): point for index, point in enumerate(value)}
    else:
        points = {key: value if isinstance(value, list) else [value]}
    refuse(problem for each, point in points.items() for problem in _point_problems(point, each, objectives))
    return start or Start(points=list(points.values()))


def _grid_problems(grid: Sequence[int], count: int, objectives: Sequence[Objective]) -> Iterator[Problem]:
    if count > MAX_STARTS:
        yield Problem(f"makes {count} starts; at most {MAX_STARTS} are allowed", ("grid",), "too-large")
    for objective in objectives:
        if objective.dim != len(grid):
            yield Problem(f"needs one number per dimension, and {objective.name} has dim {objective.dim}", ("grid",))


def _point_problems(point: Any, key: Key, objectives: Sequence[Objective]) -> Iterator[Problem]:
    if not isinstance(point, list):
        yield Problem(f"must be a point, as the others are, not {format_value(point)}", key, "wrong-type")
        return
    wrong = [index for index, coordinate in enumerate(point) if not is_number(coordinate)]
    for index in wrong:
        yield Problem(f"must be a number, not {format_value(point[index])}", (*key, index), "wrong-type")
    for objective in () if wrong else objectives:
        if objective.dim != len(point):
            several = "; several starts are written [[0.5], [1]]" if objective.dim == 1 else ""
            yield Problem(f"has {len(point)} coordinates, and {objective.name} has dim {objective.dim}{several}", key)
            continue
        region = objective.domain if objective.is_measured else objective.bounds
        for index, (coordinate, (low, high)) in enumerate(zip(point, region.tolist(), strict=True)):
            if objective.is_measured and not low <= coordinate <= high:
                message = f"must be from {low:g} to {high:g}, where it was measured, not {format_value(coordinate)}"
                yield Problem(message, (*key, index))
            elif abs(coordinate - (low + high) / 2) > MAX_DISTANCE * (high - low):
                message = f"is too far away: {format_value(coordinate)} is over a million view widths from the view"
                yield Problem(message, (*key, index))
