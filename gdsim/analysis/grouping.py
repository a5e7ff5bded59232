"""Which trajectories are over the same objective, what each objective is called, and the lowest value found of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from gdsim.objectives import Objective
from gdsim.simulation import Trajectory

__all__ = ["grouped", "lowest_value", "titles"]


def grouped(trajectories: Iterable[Trajectory]) -> list[list[Trajectory]]:
    """Return trajectories by their objectives, in the order in which these first appear."""
    groups: list[list[Trajectory]] = []
    for each in trajectories:
        group = next((group for group in groups if _same(group[0].objective, each.objective)), None)
        if group is None:
            groups.append([each])
        else:
            group.append(each)
    return groups


def _same(one: Objective, other: Objective) -> bool:
    if one is other:
        return True
    if one.landscape is not None or other.landscape is not None:
        # A plane is that of one training: no other has the same by chance.
        return one.landscape is other.landscape
    facts = ("name", "title", "dim", "source", "parameters")
    if any(getattr(one, fact) != getattr(other, fact) for fact in facts) or (one.bounds != other.bounds).any():
        return False
    # Two functions may share a name, and a formula its letters, with other numbers for them.
    low, high = one.bounds.T
    points = low + np.random.default_rng(0).random((16, one.dim)) * (high - low)
    return np.array_equal(one.values(points), other.values(points), equal_nan=True)


def titles(objectives: Sequence[Objective]) -> tuple[str, ...]:
    """Return what each of several different objectives is called in a table, no two alike.

    Those that share a title and differ in dimension get it as an addition, "Sphere in 5 dimensions"; what still is
    alike is numbered from the second on, "Sphere (2)".
    """
    dims: dict[str, set[int]] = {}
    for each in objectives:
        dims.setdefault(each.title, set()).add(each.dim)
    told = [
        f"{each.title} in {each.dim} dimension{'s' * (each.dim != 1)}" if len(dims[each.title]) > 1 else each.title
        for each in objectives
    ]
    seen: Counter[str] = Counter()
    numbered = []
    for words in told:
        seen[words] += 1
        numbered.append(f"{words} ({seen[words]})" if seen[words] > 1 else words)
    return tuple(numbered)


def lowest_value(trajectories: Iterable[Trajectory]) -> float:
    """Return the lowest finite value of all rows of all starts; NaN where there is none."""
    lowest = min(float(np.where(np.isfinite(each.values), each.values, np.inf).min()) for each in trajectories)
    return lowest if np.isfinite(lowest) else float("nan")
