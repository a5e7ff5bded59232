"""The style of each optimizer: the same in all groups of a scene."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from gdsim.analysis import last_steps
from gdsim.objectives import NetworkObjective
from gdsim.scene.levels import number
from gdsim.scene.model import Style
from gdsim.simulation import Trajectory
from gdsim.themes import DASHES, MARKERS

FEW_STARTS = 4
"""Up to this number of starts each path has a dash and a heavy line; more are drawn thin and solid."""


def styles(groups: Sequence[Sequence[Trajectory]], palette: tuple[str, ...]) -> list[list[Style]]:
    """Return the style of each trajectory of each group; the same optimizer has the same style in all of them.

    Optimizers whose colour the YAML does not give get those of the palette, in the order in which they first appear.
    """
    keys = [_keys(group) for group in groups]
    optimizers: dict[tuple[object, ...], list[Trajectory]] = {}
    for names, group in zip(keys, groups, strict=True):
        for key, each in zip(names, group, strict=True):
            optimizers.setdefault(key, []).append(each)
    colors = _colors([each[0].color for each in optimizers.values()], palette)
    made = {
        key: Style(
            label=each[0].label,
            settings=each[0].settings,
            color=colors[i],
            # When the colours repeat, they meet other dashes than before.
            dash=DASHES[(i + i // len(palette)) % len(DASHES)] if _few(each) else (),
            marker=MARKERS[i % len(MARKERS)],
            aside=_aside(each),
        )
        for i, (key, each) in enumerate(optimizers.items())
    }
    return [[made[key] for key in names] for names in keys]


def _keys(group: Iterable[Trajectory]) -> list[tuple[object, ...]]:
    """What distinguishes each optimizer of a group from the others and is the same in the next group."""
    seen: Counter[tuple[object, ...]] = Counter()
    keys: list[tuple[object, ...]] = []
    for each in group:
        key = (each.label, each.settings, each.color)
        keys.append((*key, seen[key]))
        seen[key] += 1
    return keys


def _colors(given: Sequence[str | None], palette: tuple[str, ...]) -> list[str]:
    """Each optimizer's colour: that of the YAML if there is one, else the next unused one of the palette."""
    free = [color for color in palette if color not in given] or list(palette)
    colors, taken = [], 0
    for color in given:
        colors.append(color or free[taken % len(free)])
        taken += color is None
    return colors


def _few(trajectories: Iterable[Trajectory]) -> bool:
    return max(len(each.stops) for each in trajectories) <= FEW_STARTS


def _aside(trajectories: Iterable[Trajectory]) -> str:
    """How far the last weights of an optimizer are from the plane of each network; empty if they are on it."""
    distances = []
    for each in trajectories:
        if isinstance(each.objective, NetworkObjective) and each.training and "off_plane" in each.training.figures:
            distance = float(each.training.figures["off_plane"][int(last_steps(each)[0])])
            if each.objective.landscape.is_off(distance):
                distances.append(number(distance, 2))
    return f"{' and '.join(distances)} off the plane{'s' * (len(distances) > 1)}" if distances else ""
