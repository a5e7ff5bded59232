"""Trained networks as a view wants to see them: on a plane of their weights, with the figures of the full data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from gdsim.config import View
from gdsim.config.view import SaliencySpec
from gdsim.errors import InputError
from gdsim.networks import Network
from gdsim.networks.evaluation import Examples, Losses, losses, subset, testing, training
from gdsim.objectives import FloatArray, Landscape, Objective, from_landscape, plane_name
from gdsim.optimizers import deterministic
from gdsim.simulation import planes
from gdsim.simulation.planes import Plane
from gdsim.simulation.saliency import maps
from gdsim.simulation.training import Progress
from gdsim.simulation.trajectory import SaliencyMaps, Stop, Training, Trajectory

__all__ = ["look"]

SIDE = 51
"""So many losses are computed along each direction of a plane."""

ARROWS = 15
"""So many gradients; odd, so that every second one is a regular grid, too."""

ALIKE = 1e-4
"""So near are the losses of the same weights on the same data, on whatever machine they are computed."""


def look(
    network: Network,
    trajectories: Sequence[Trajectory],
    view: View,
    *,
    folder: Path,
    seed: int,
    progress: Progress = iter,
) -> tuple[Trajectory, ...]:
    """Return the trajectories of a network on the plane that a view names, with all that its panels need.

    What has been seen before is not computed again: where the landscape is already that of the view and no map is
    missing, the same trajectories come back, and neither data nor module are touched.

    Args:
        network: What was trained.
        trajectories: What `train` or an earlier `look` has returned.
        view: Gives `plane`, `examples`, `panels` and `saliency`.
        folder: Where the checkpoints lie that a plane is laid through.
        seed: What the network was trained by; draws the directions of a random plane.
        progress: Wraps the iterable of grid points, once for each thing that is computed.

    Raises:
        InputError: The plane, its checkpoints or the image fit no trajectory; or the data or the module are not those
            of the training any more; `key` says which.
    """
    found = tuple(trajectories)
    with deterministic():
        if not _is_seen(found[0].objective.landscape, view):
            _check_unchanged(network, found[0], seed)
            found = _on_plane(network, found, view, folder, seed, progress)
        if "saliency" in view.panels:
            found = tuple(_with_maps(network, each, view.saliency, seed, progress) for each in found)
    return found


def _is_seen(landscape: Landscape | None, view: View) -> bool:
    if landscape is None or landscape.plane != plane_name(view.plane):
        return False
    wanted = landscape.of if view.examples is None else min(view.examples, landscape.of)
    return landscape.examples == wanted


def _check_unchanged(network: Network, trajectory: Trajectory, seed: int) -> None:
    """Refuse to mix what was recorded with what a file that has changed since makes of the same weights."""
    landscape, recorded = trajectory.objective.landscape, float(trajectory.values[0, 0])
    if landscape is None or not landscape.plane or trajectory.training is None or not math.isfinite(recorded):
        return
    found = losses(network, seed).loss(trajectory.training.weights[0], training(network))
    if not math.isclose(found, recorded, rel_tol=ALIKE, abs_tol=ALIKE):
        changed = "its data or its module has changed since; gdsim run trains it anew"
        raise InputError(
            f"{network.title} was recorded with a first loss of {recorded:.4g}, and has {found:.4g} now: {changed}",
            ("objective",),
        )


def _on_plane(
    network: Network, trajectories: tuple[Trajectory, ...], view: View, folder: Path, seed: int, progress: Progress
) -> tuple[Trajectory, ...]:
    anywhere = losses(network, seed)
    plane = _plane(network, anywhere, trajectories, view, folder, seed)
    examples = subset(network, len(network.data.x) if view.examples is None else view.examples, seed)
    values, places, gradients = _computed(anywhere, plane, examples, progress)
    x, y = _along(plane)
    landscape = Landscape(
        plane=plane_name(view.plane),
        origin=plane.origin,
        axes=plane.axes,
        x=x,
        y=y,
        values=values,
        places=places,
        gradients=gradients,
        share=planes.share(plane, trajectories),
        examples=examples.count,
        of=len(network.data.x),
        marks=plane.marks,
        mark_names=planes.names(_recordings(view)),
    )
    blank = trajectories[0].objective
    objective = from_landscape(landscape, name=blank.name, title=blank.title, source=blank.source)
    return _projected(anywhere, objective, landscape, trajectories, progress)


def _plane(
    network: Network,
    anywhere: Losses,
    trajectories: Sequence[Trajectory],
    view: View,
    folder: Path,
    seed: int,
) -> Plane:
    if isinstance(view.plane, list):
        return planes.of_checkpoints(trajectories, _recordings(view), network, folder)
    if view.plane == "random":
        shapes = [tuple(each.shape) for each in anywhere.module.parameters()]
        return planes.of_random_filters(trajectories, shapes, seed)
    return planes.of_paths(trajectories)


def _recordings(view: View) -> list[str]:
    """The recordings that a plane is laid through; none for any other plane."""
    return [each for each in view.plane if isinstance(each, str)] if isinstance(view.plane, list) else []


def _along(plane: Plane) -> tuple[FloatArray, FloatArray]:
    """The positions of the grid along each direction."""
    offsets = np.linspace(-plane.half, plane.half, SIDE)
    return plane.middle[0] + offsets, plane.middle[1] + offsets


def _computed(
    anywhere: Losses, plane: Plane, examples: Examples, progress: Progress
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Compute the losses (rows, columns) on the grid of a plane, and places (n, 2) with the gradients there, (n, 2)."""
    spots = np.stack(np.meshgrid(*_along(plane)), -1).reshape(-1, 2)
    centred = plane.half * ((2 * np.arange(ARROWS) + 1) / ARROWS - 1)
    places = np.stack(np.meshgrid(*(middle + centred for middle in plane.middle)), -1).reshape(-1, 2)
    values, gradients = np.empty(len(spots)), np.empty(places.shape)
    for index in progress(range(len(spots) + len(places))):
        if index < len(spots):
            values[index] = anywhere.loss(plane.origin + spots[index] @ plane.axes, examples)
        else:
            place = places[index - len(spots)]
            slope = anywhere.slope(plane.origin + place @ plane.axes, examples)[2]
            gradients[index - len(spots)] = plane.axes @ slope
    values[~np.isfinite(values)] = np.nan
    gradients[~np.isfinite(gradients).all(1)] = np.nan
    return values.reshape(SIDE, SIDE), places, gradients


@dataclass(frozen=True, eq=False)
class _Kept:
    """What is computed of the weights that were kept of one optimizer, (kept,) each.

    Attributes:
        spots: (kept, 2) where they are nearest on the plane.
        off: How far from it.
        losses: Of the full training data.
        gradients: (kept, 2) along the plane.
        figures: All others, by name.
    """

    spots: FloatArray
    off: FloatArray
    losses: FloatArray
    gradients: FloatArray
    figures: dict[str, FloatArray]


COMPUTED = ("test_loss", "accuracy", "test_accuracy", "gradient_norm", "plane_loss")


def _projected(
    anywhere: Losses, objective: Objective, landscape: Landscape, trajectories: Sequence[Trajectory], progress: Progress
) -> tuple[Trajectory, ...]:
    """Return trajectories on the landscape, with the figures of the full data."""
    full, test = training(anywhere.network), testing(anywhere.network)
    trained = [each.training for each in trajectories if each.training is not None]
    kept = [_empty(landscape, each) for each in trained]
    rows = [(number, row) for number, each in enumerate(trained) for row in range(len(each.kept))]
    for index in progress(range(len(rows))):
        number, row = rows[index]
        _compute(kept[number], row, trained[number], landscape, anywhere, (full, test))
    return tuple(
        _between(trajectory, each, own, objective)
        for trajectory, each, own in zip(trajectories, trained, kept, strict=True)
    )


def _empty(landscape: Landscape, trained: Training) -> _Kept:
    """Make room for what is computed of weights, which are projected at once."""
    spots = np.concatenate([landscape.project(rows) for rows in planes.blocks(trained.weights)])
    off = np.concatenate([landscape.distance(rows) for rows in planes.blocks(trained.weights)])
    nothing = np.empty(len(spots))
    return _Kept(spots, off, nothing, np.empty((len(spots), 2)), {name: nothing.copy() for name in COMPUTED})


def _compute(
    kept: _Kept,
    row: int,
    trained: Training,
    landscape: Landscape,
    anywhere: Losses,
    data: tuple[Examples, Examples],
) -> None:
    """Compute all figures of a row of kept weights."""
    columns = [kept.losses, kept.gradients, *kept.figures.values()]
    if row and np.array_equal(trained.weights[row], trained.weights[row - 1]):  # it rests, or has broken off
        for column in columns:
            column[row] = column[row - 1]
        return
    full, test = data
    kept.losses[row], kept.figures["accuracy"][row], slope = anywhere.slope(trained.weights[row], full)
    kept.gradients[row] = landscape.axes @ slope
    kept.figures["gradient_norm"][row] = np.linalg.norm(slope)
    kept.figures["test_loss"][row], kept.figures["test_accuracy"][row] = anywhere.score(trained.weights[row], test)
    kept.figures["plane_loss"][row] = anywhere.loss(landscape.lift(kept.spots[row]), full)


def _between(trajectory: Trajectory, trained: Training, kept: _Kept, objective: Objective) -> Trajectory:
    """Return a trajectory whose rows run straight between those whose weights were kept."""
    last, stop = int(trajectory.stop_steps[0]), trajectory.stops[0]
    real = np.isfinite(kept.losses) & np.isfinite(kept.figures["gradient_norm"])
    known = len(real)
    if not real.all():  # where a mini-batch still had a loss, all the data had none any more
        known = max(int(real.argmin()), 1)
        last, stop = min(last, int(trained.kept[known]) - 1 if real[0] else 0), Stop.DIVERGED
    # What was kept after the path has broken off is its last real row.
    at, chosen = np.unique(np.minimum(trained.kept[:known], last), return_index=True)
    rows = np.minimum(np.arange(len(trajectory.points)), last)

    def straight(figures: FloatArray) -> FloatArray:
        figures = np.where(np.isinf(figures), np.nan, figures)
        return np.interp(rows, at, figures[chosen])

    gradients = np.stack([np.interp(rows, at, each[chosen]) for each in kept.gradients.T], -1)
    figures = {name: straight(each) for name, each in (*kept.figures.items(), ("off_plane", kept.off))}
    return replace(
        trajectory,
        objective=objective,
        points=np.stack([straight(each) for each in kept.spots.T], -1)[:, None],
        values=np.interp(rows, at, kept.losses[chosen])[:, None],
        gradients=gradients[:, None],
        stop_steps=np.array([last]),
        stops=(stop,),
        training=replace(trained, figures=dict(trained.figures) | figures),
    )


def _with_maps(
    network: Network, trajectory: Trajectory, wanted: SaliencySpec, seed: int, progress: Progress
) -> Trajectory:
    trained = trajectory.training
    if trained is None or (trained.maps is not None and _shows(trained.maps, wanted, network)):
        return trajectory
    _check_unchanged(network, trajectory, seed)
    made = maps(network, trained, wanted, seed=seed, progress=progress)
    label = int(network.data.y_test[made.number])
    return replace(trajectory, training=replace(trained, maps=replace(made, label=label)))


def _shows(made: SaliencyMaps, wanted: SaliencySpec, network: Network) -> bool:
    """Whether maps are those that a view asks for."""
    if (made.number, made.method) != (wanted.image, wanted.method):
        return False
    own = int(network.data.y_test[made.number]) if made.label is None else made.label
    return made.target == (own if wanted.target is None else wanted.target)
