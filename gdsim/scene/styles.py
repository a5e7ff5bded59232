"""The style of each optimizer, which is the same in all groups of a scene."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import cycle

from gdsim.analysis.metrics import last_steps
from gdsim.scene.levels import number
from gdsim.scene.model import Style
from gdsim.simulation import NetworkTrajectory, Trajectory
from gdsim.themes import DASHES, MARKERS

FEW_STARTS = 4
"""Maximum number of starts for which paths are dashed and thick; with more they are thin and solid."""


def styles(groups: Sequence[Sequence[Trajectory]], palette: tuple[str, ...]) -> list[list[Style]]:
    """Return the style of each trajectory of each group; the same optimizer has the same style in all groups.

    Optimizers without a configured colour take those of the palette, in the order of their first appearance.
    """
    keys: list[tuple[object, ...]] = []
    optimizers: dict[tuple[object, ...], list[Trajectory]] = {}
    for group in groups:
        seen: Counter[tuple[object, ...]] = Counter()
        for each in group:
            key = (each.label, each.settings, each.color)
            # Optimizers of one group are distinct even if their labels are equal.
            seen[key] += 1
            keys.append((*key, seen[key]))
            optimizers.setdefault(keys[-1], []).append(each)
    given = [each[0].color for each in optimizers.values()]
    unused = cycle([color for color in palette if color not in given] or palette)
    made: dict[tuple[object, ...], Style] = {}
    for i, (name, same) in enumerate(optimizers.items()):
        few = max(len(each.stops) for each in same) <= FEW_STARTS
        made[name] = Style(
            label=same[0].label,
            settings=same[0].settings,
            color=same[0].color or next(unused),
            # When the colours repeat, they are combined with other dashes than before.
            dash=DASHES[(i + i // len(palette)) % len(DASHES)] if few else (),
            marker=MARKERS[i % len(MARKERS)],
            aside=_aside(same),
        )
    in_order = iter(keys)
    return [[made[next(in_order)] for _ in group] for group in groups]


def _aside(trajectories: Sequence[Trajectory]) -> str:
    """Describe the distance of an optimizer's last weights from the plane of each network; empty if they are on it."""
    distances = []
    for each in trajectories:
        if isinstance(each, NetworkTrajectory) and "off_plane" in each.figures:
            distance = float(each.figures["off_plane"][int(last_steps(each)[0])])
            if each.objective.landscape.is_off_plane(distance):
                distances.append(number(distance, 2))
    return f"{' and '.join(distances)} off the plane{'s' * (len(distances) > 1)}" if distances else ""
