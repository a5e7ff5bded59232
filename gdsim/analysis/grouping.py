"""Which trajectories share an objective, a unique name for each objective, and the lowest value found on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from gdsim.objectives import Objective
from gdsim.simulation import Trajectory

__all__ = ["group_by_objective", "lowest_value", "unique_titles"]


def group_by_objective(trajectories: Iterable[Trajectory]) -> list[list[Trajectory]]:
    """Return trajectories grouped by objective, in the order in which the objectives first appear."""
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
        # A loss plane belongs to one training run.
        return one.landscape is other.landscape
    facts = ("name", "title", "dim", "source", "parameters")
    if any(getattr(one, fact) != getattr(other, fact) for fact in facts) or (one.bounds != other.bounds).any():
        return False
    # Two functions may have the same name, and two expressions the same text with different constants.
    low, high = one.bounds.T
    points = low + np.random.default_rng(0).random((16, one.dim)) * (high - low)
    return np.array_equal(one.values(points), other.values(points), equal_nan=True)


def unique_titles(objectives: Sequence[Objective]) -> tuple[str, ...]:
    """Return a unique title for each of several different objectives.

    Equal titles of objectives that differ in dimension are extended, "Sphere in 5 dimensions"; titles that are still
    equal are numbered from the second on, "Sphere (2)".
    """
    dims: dict[str, set[int]] = {}
    for each in objectives:
        dims.setdefault(each.title, set()).add(each.dim)
    seen: Counter[str] = Counter()
    titles = []
    for each in objectives:
        several = len(dims[each.title]) > 1
        title = f"{each.title} in {each.dim} dimension{'s' * (each.dim != 1)}" if several else each.title
        seen[title] += 1
        titles.append(f"{title} ({seen[title]})" if seen[title] > 1 else title)
    return tuple(titles)


def lowest_value(trajectories: Iterable[Trajectory]) -> float:
    """Return the lowest finite value of all rows and starts; NaN if there is none."""
    lows = [float(each.values[np.isfinite(each.values)].min(initial=np.inf)) for each in trajectories]
    lowest = min(lows, default=np.inf)
    return lowest if np.isfinite(lowest) else float("nan")
