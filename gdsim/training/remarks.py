"""What the log says of trained networks: how often their weights were kept, and what their plane leaves out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from gdsim.trajectory import Trajectory

__all__ = ["remarks"]

ON_PLANE = 1e-6
"""A path is on the plane where it is no farther from it, in the width of the view."""


def remarks(trajectories: Iterable[Trajectory]) -> tuple[str, ...]:
    """Return what a reader of a log should know of trajectories of networks, a sentence each; none for functions."""
    groups: dict[int, list[Trajectory]] = {}
    for each in trajectories:
        if each.training is not None:
            groups.setdefault(id(each.objective), []).append(each)
    return tuple(sentence for group in groups.values() for sentence in _sentences(group))


def _sentences(group: Sequence[Trajectory]) -> list[str]:
    objective, landscape = group[0].objective, group[0].objective.landscape
    trained = [each.training for each in group if each.training is not None]
    if landscape is None:
        return []
    every = int(np.diff(trained[0].kept).max(initial=1))
    size = sum(each.weights.nbytes for each in trained)
    taken = f"{size / 2**20:.3g} MiB" if size >= 2**20 else f"{size / 2**10:.3g} KiB"
    often = "at each step" if every == 1 else f"every {every} steps"
    between = "" if every == 1 else " Between these, figures of all the data run straight."
    words = [f"{objective.title}: {len(landscape.origin):,} weights are kept {often}: {taken}.{between}"]
    if math.isfinite(landscape.share) and len(landscape.origin) > 2:
        farthest = max(float(each.figures["off_plane"].max()) for each in trained)
        off = farthest > ON_PLANE * float(np.ptp(landscape.bounds[0]))
        words.append(
            f"{objective.title}: the plane ({landscape.plane}) holds {landscape.held} of the paths' variance."
            + (f" They are up to {farthest:.3g} off it, and the loss drawn there is not theirs." if off else "")
        )
    if landscape.examples < landscape.of:
        words.append(
            f"{objective.title}: the loss of the plane is that of {landscape.examples:,} of {landscape.of:,} examples."
        )
    return words
