"""Remarks for the log about trained networks, their kept weights, and the limits of their plane."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from gdsim.simulation.trajectory import NetworkTrajectory, Trajectory

__all__ = ["blank_maps", "remarks"]


def remarks(trajectories: Iterable[Trajectory]) -> tuple[str, ...]:
    """Return remarks for the log about the trajectories of networks."""
    groups: dict[int, list[NetworkTrajectory]] = {}
    for each in trajectories:
        if isinstance(each, NetworkTrajectory):
            groups.setdefault(id(each.objective), []).append(each)
    return tuple(
        f"{group[0].objective.title}: {sentence}" for group in groups.values() for sentence in _sentences(group)
    )


def _sentences(group: Sequence[NetworkTrajectory]) -> Iterator[str]:
    landscape, trained = group[0].objective.landscape, [each.training for each in group]
    every = int(np.diff(trained[0].kept).max(initial=1))
    size = sum(each.weights.nbytes for each in trained)
    kept = f"{size / 2**20:.3g} MiB" if size >= 2**20 else f"{size / 2**10:.3g} KiB"
    often = "at each step" if every == 1 else f"every {every} steps"
    between = "" if every == 1 else " Figures of the full data are interpolated between these steps."
    yield f"{len(landscape.origin):,} weights are kept {often}: {kept}.{between}"
    if landscape.has_share:
        farthest = max(float(each.figures["off_plane"].max()) for each in group)
        off = f" The paths are up to {farthest:.3g} away from it, where their loss is not the one drawn."
        share = f"the plane ({landscape.plane}) holds {landscape.share_text} of the paths' variance."
        yield share + off * landscape.is_off_plane(farthest)
    if landscape.examples < landscape.total_examples:
        yield f"the loss of the plane is that of {landscape.examples:,} of {landscape.total_examples:,} examples."
    blank: dict[str, list[str]] = {}
    for each in group:
        maps = each.training.maps
        if maps is not None and not maps.maps.any():
            blank.setdefault(maps.method, []).append(each.label)
    yield from (blank_maps(method, labels) for method, labels in blank.items())


def blank_maps(method: str, labels: Sequence[str]) -> str:
    """Return the remark that maps are 0 everywhere for some optimizers, with the reason.

    Args:
        method: The method of the maps, such as "gradient" or "gradcam".
        labels: The labels of the optimizers, at least one.
    """
    *before, last = labels
    whose = f"{', '.join(before)} and {last}" if before else last
    if method == "gradcam":
        why = "no feature of the last convolution is in favour of the class, and features against it are not shown"
        return f"Grad-CAM is blank for {whose}: {why}."
    why = "no small change of the image changes the score of the class, as where all units of a layer are inactive"
    what = "input gradient" if method == "gradient" else f"map ({method})"
    return f"The {what} is 0 everywhere for {whose}: {why}."
