"""Starting points, in each way that a configuration may write them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gdsim.config.places import Path, Problem
from gdsim.config.words import is_number, shown
from gdsim.objectives import Objective

__all__ = ["FORMS", "MAX_STARTS", "grid_problems", "point_problems", "written_points"]

FORMS = "a point such as [0.5, 1], a list of points, {grid: [8, 8]} or {random: 16}"
MAX_STARTS = 10_000
FARTHEST = 1e6  # view widths


def written_points(value: Any) -> dict[Path, Any]:
    """Return each point with its place: several in a list, one alone, or the bare number of one dimension."""
    if isinstance(value, list) and any(isinstance(point, list) for point in value):
        return {(index,): point for index, point in enumerate(value)}
    return {(): value if isinstance(value, list) else [value]}


def point_problems(points: Mapping[Path, Any], objectives: Sequence[Objective]) -> Iterator[Problem]:
    """Yield what is wrong with points, which must go with every objective that is known."""
    for path, point in points.items():
        if not isinstance(point, list):
            yield Problem(path, f"must be a point, as the others are, not {shown(point)}")
            continue
        wrong = [index for index, coordinate in enumerate(point) if not is_number(coordinate)]
        for index in wrong:
            yield Problem((*path, index), f"must be a number, not {shown(point[index])}")
        if not wrong:
            for objective in objectives:
                yield from _problems_in_view(point, path, objective)


def grid_problems(grid: Sequence[int], count: int, objectives: Sequence[Objective]) -> Iterator[Problem]:
    """Yield what is wrong with a grid of starting points."""
    if count > MAX_STARTS:
        yield Problem(("grid",), f"makes {count} starts; at most {MAX_STARTS} are allowed")
    for objective in objectives:
        if len(grid) != objective.dim:
            numbers = "number" if len(grid) == 1 else "numbers"
            sentence = f"has {len(grid)} {numbers}; {objective.name} has {_dimensions(objective)}, and each needs one"
            yield Problem(("grid",), sentence)


def _problems_in_view(point: Sequence[float], path: Path, objective: Objective) -> Iterator[Problem]:
    if len(point) != objective.dim:
        coordinates = "1 coordinate" if len(point) == 1 else f"{len(point)} coordinates"
        several = "; several starts are written [[0.5], [1]]" if objective.dim == 1 and len(point) > 1 else ""
        yield Problem(path, f"has {coordinates}, but {objective.name} has {_dimensions(objective)}{several}")
        return
    known = objective.bounds if objective.domain is None else objective.domain
    for index, (coordinate, (low, high)) in enumerate(zip(point, known.tolist(), strict=True)):
        if objective.domain is not None and not low <= coordinate <= high:
            sentence = f"must be from {low:g} to {high:g}, where it was measured, not {shown(coordinate)}"
            yield Problem((*path, index), sentence)
        elif abs(coordinate - (low + high) / 2) > FARTHEST * (high - low):
            sentence = f"is outside reason: {shown(coordinate)} is more than a million view widths away"
            yield Problem((*path, index), sentence)


def _dimensions(objective: Objective) -> str:
    return "1 dimension" if objective.dim == 1 else f"{objective.dim} dimensions"
