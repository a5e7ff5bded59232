"""What the log says of trained networks: how often their weights were kept, and what their plane leaves out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from gdsim.simulation.trajectory import Trajectory

__all__ = ["blank", "remarks"]


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
    if landscape.leaves_out:
        farthest = max(float(each.figures["off_plane"].max()) for each in trained)
        off = f" The paths run up to {farthest:.3g} off it, where their loss is not the one drawn."
        words.append(
            f"{objective.title}: the plane ({landscape.plane}) holds {landscape.held} of the paths' variance."
            + off * landscape.is_off(farthest)
        )
    if landscape.examples < landscape.of:
        words.append(
            f"{objective.title}: the loss of the plane is that of {landscape.examples:,} of {landscape.of:,} examples."
        )
    return words + [f"{objective.title}: {sentence}" for sentence in _blank(group)]


def blank(method: str, labels: Sequence[str]) -> str:
    """Say whose maps are 0 everywhere, and why.

    Args:
        method: How the maps were made, "gradient" or "gradcam", say.
        labels: Whose they are, at least one.
    """
    *before, last = labels
    whose = f"{', '.join(before)} and {last}" if before else last
    if method == "gradcam":
        why = "nothing that the last convolution sees speaks for the class, and what speaks against is left out"
        return f"Grad-CAM is blank for {whose}: {why}."
    why = "no small change of the image moves the score of the class, as where a layer's units are all at rest"
    what = "input gradient" if method == "gradient" else f"map ({method})"
    return f"The {what} is 0 everywhere for {whose}: {why}."


def _blank(group: Sequence[Trajectory]) -> list[str]:
    """Whose maps are 0 everywhere at all steps, a sentence at most for each method."""
    found: dict[str, list[str]] = {}
    for each in group:
        made = None if each.training is None else each.training.maps
        if made is not None and not made.maps.any():
            found.setdefault(made.method, []).append(each.label)
    return [blank(method, labels) for method, labels in found.items()]
