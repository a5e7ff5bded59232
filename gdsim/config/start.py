"""Starting points, in each way that a configuration may write them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gdsim.config.location import Path, Problem
from gdsim.config.messages import is_number, shown
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
            if misfits := [objective for objective in objectives if objective.dim != len(point)]:
                yield from _dimension_problems(point, path, misfits)
            for objective in objectives:
                if objective not in misfits:
                    yield from _problems_in_view(point, path, objective)


def grid_problems(grid: Sequence[int], count: int, objectives: Sequence[Objective]) -> Iterator[Problem]:
    """Yield what is wrong with a grid of starting points."""
    if count > MAX_STARTS:
        yield Problem(("grid",), f"makes {count} starts; at most {MAX_STARTS} are allowed")
    numbers = "1 number" if len(grid) == 1 else f"{len(grid)} numbers"
    for words, _ in _by_dimensions([objective for objective in objectives if objective.dim != len(grid)]):
        yield Problem(("grid",), f"has {numbers}; {words}, and each needs one")


def _dimension_problems(point: Sequence[float], path: Path, objectives: Sequence[Objective]) -> Iterator[Problem]:
    coordinates = "1 coordinate" if len(point) == 1 else f"{len(point)} coordinates"
    for words, dim in _by_dimensions(objectives):
        several = "; several starts are written [[0.5], [1]]" if dim == 1 and len(point) > 1 else ""
        yield Problem(path, f"has {coordinates}, but {words}{several}")


def _problems_in_view(point: Sequence[float], path: Path, objective: Objective) -> Iterator[Problem]:
    known = objective.domain if objective.is_measured else objective.bounds
    for index, (coordinate, (low, high)) in enumerate(zip(point, known.tolist(), strict=True)):
        if objective.is_measured and not low <= coordinate <= high:
            sentence = f"must be from {low:g} to {high:g}, where it was measured, not {shown(coordinate)}"
            yield Problem((*path, index), sentence)
        elif abs(coordinate - (low + high) / 2) > FARTHEST * (high - low):
            sentence = f"is outside reason: {shown(coordinate)} is more than a million view widths away"
            yield Problem((*path, index), sentence)


def _by_dimensions(objectives: Sequence[Objective]) -> Iterator[tuple[str, int]]:
    """Yield "booth and beale have 2 dimensions" and the number, once for each number of dimensions."""
    for dim in dict.fromkeys(objective.dim for objective in objectives):
        *before, last = dict.fromkeys(objective.name for objective in objectives if objective.dim == dim)
        names = f"{', '.join(before)} and {last} have" if before else f"{last} has"
        yield f"{names} {dim} dimension{'s' * (dim != 1)}", dim
