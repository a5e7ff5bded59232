"""Loss landscapes of trained networks on a plane of weights, and figures computed on the full data."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from gdsim.config import View
from gdsim.config.presentation import SaliencySpec
from gdsim.errors import InputError
from gdsim.networks import Landscape, NetworkObjective, network_objective, plane_name
from gdsim.networks.evaluation import Evaluator, Examples
from gdsim.objectives import FloatArray
from gdsim.optimizers import deterministic
from gdsim.simulation.curvature import has_spectra, with_spectra
from gdsim.simulation.planes import compute_plane, row_blocks
from gdsim.simulation.saliency import saliency_maps
from gdsim.simulation.trajectory import NetworkTrajectory, Progress, Stop

TOLERANCE = 1e-4  # of losses of the same weights and data computed on different machines


def evaluate_landscape(
    trajectories: Sequence[NetworkTrajectory],
    view: View,
    *,
    folder: Path,
    seed: int,
    progress: Progress = iter,
) -> tuple[NetworkTrajectory, ...]:
    """Evaluate the trajectories of a network on the plane that a view requests, with all that its panels require.

    A landscape or maps that the trajectories already have are not computed again; if nothing is missing, the same
    trajectories are returned. `folder` is that of the recordings that define a plane, and `seed` that of the training,
    which also determines the directions of a random plane.

    Raises:
        InputError: The plane, its recordings or the image do not fit the network, or the data or the module has changed
            since the training; `key` names the setting.
    """
    evaluated = tuple(trajectories)
    lacks_plane = not _has_plane(evaluated[0].objective.landscape, view)
    lacks_maps = "saliency" in view.panels and not all(_has_maps(each, view.saliency) for each in evaluated)
    lacks_spectra = "sharpness" in view.panels and not has_spectra(evaluated, view.sharpness)
    with deterministic():
        if lacks_plane or lacks_maps or lacks_spectra:
            _check_unchanged(evaluated[0], seed)
        if lacks_plane:
            evaluated = _on_plane(evaluated, view, folder, seed, progress)
        if lacks_maps:
            evaluated = tuple(_with_maps(each, view.saliency, seed, progress) for each in evaluated)
        if lacks_spectra:
            evaluated = with_spectra(evaluated, view.sharpness, seed, progress)
    return evaluated


def _has_plane(landscape: Landscape, view: View) -> bool:
    count = landscape.total_examples if view.examples is None else min(view.examples, landscape.total_examples)
    return landscape.plane == plane_name(view.plane) and landscape.examples == count


def _check_unchanged(trajectory: NetworkTrajectory, seed: int) -> None:
    network, recorded = trajectory.objective.network, float(trajectory.values[0, 0])
    if not math.isfinite(recorded):  # the loss is not known yet, or has overflowed
        return
    evaluator = Evaluator(network, seed)
    loss = evaluator.score(trajectory.training.weights[0], evaluator.examples()).loss
    if not math.isclose(loss, recorded, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
        changed = "its data or its module has changed since; gdsim run trains it again"
        sentence = f"{network.title} was recorded with a first loss of {recorded:.4g}, and has {loss:.4g} now"
        raise InputError(f"{sentence}: {changed}", ("objective",), code="conflict")


def _has_maps(trajectory: NetworkTrajectory, saliency: SaliencySpec) -> bool:
    """Return whether a trajectory has the maps that a view requests."""
    maps = trajectory.training.maps
    if maps is None or (maps.number, maps.method) != (saliency.image, saliency.method):
        return False
    label = int(trajectory.objective.network.data.y_test[maps.number]) if maps.label is None else maps.label
    return maps.target == (label if saliency.target is None else saliency.target)


def _with_maps(
    trajectory: NetworkTrajectory, saliency: SaliencySpec, seed: int, progress: Progress
) -> NetworkTrajectory:
    network, training = trajectory.objective.network, trajectory.training
    try:
        maps = saliency_maps(network, training, saliency, seed=seed, progress=progress)
    except InputError as error:
        raise error.below("view", "saliency") from error
    return replace(trajectory, training=replace(training, maps=maps))


def _on_plane(
    trajectories: Sequence[NetworkTrajectory], view: View, folder: Path, seed: int, progress: Progress
) -> tuple[NetworkTrajectory, ...]:
    network = trajectories[0].objective.network
    evaluator = Evaluator(network, seed)
    plane = compute_plane(trajectories, view, folder, seed)
    landscape = _with_losses(plane, evaluator, evaluator.examples(view.examples), progress)
    objective = network_objective(network, landscape)
    full, test = evaluator.examples(), Examples(network.data.x_test, network.data.y_test)
    ticks = iter(progress(range(sum(len(each.training.kept) for each in trajectories))))
    evaluated = tuple(_with_figures(each, objective, evaluator, full, test, ticks) for each in trajectories)
    for _ in ticks:  # a progress bar finishes after its last item
        pass
    return evaluated


def _with_losses(plane: Landscape, evaluator: Evaluator, examples: Examples, progress: Progress) -> Landscape:
    points = np.stack(np.meshgrid(plane.x, plane.y), -1).reshape(-1, 2)
    values, gradients = np.empty(len(points)), np.empty(plane.arrow_points.shape)
    for index in progress(range(len(points) + len(gradients))):
        if index < len(points):
            values[index] = evaluator.score(plane.lift(points[index]), examples).loss
        else:
            row = index - len(points)
            gradients[row] = plane.axes @ evaluator.gradient(plane.lift(plane.arrow_points[row]), examples)[1]
    values[~np.isfinite(values)] = np.nan
    gradients[~np.isfinite(gradients).all(1)] = np.nan
    return replace(
        plane,
        values=values.reshape(plane.values.shape),
        gradients=gradients,
        examples=examples.count,
        total_examples=len(evaluator.network.data.x),
    )


def _with_figures(
    trajectory: NetworkTrajectory,
    objective: NetworkObjective,
    evaluator: Evaluator,
    full: Examples,
    test: Examples,
    ticks: Iterator[int],
) -> NetworkTrajectory:
    """Return a trajectory with all figures, computed at the kept weights and interpolated linearly between them."""
    landscape, weights = objective.landscape, trajectory.training.weights
    blocks = [*row_blocks(weights)]
    points = np.concatenate([landscape.project(rows) for rows in blocks])
    figures: list[dict[str, float]] = []
    for row, _ in zip(range(len(weights)), ticks, strict=False):
        if row and np.array_equal(weights[row], weights[row - 1]):  # the path has converged or diverged
            figures.append(figures[-1])
            continue
        score, gradient = evaluator.gradient(weights[row], full)
        tested = evaluator.score(weights[row], test)
        x, y = landscape.axes @ gradient
        figures.append(
            {
                "loss": score.loss,
                "x": x,
                "y": y,
                "accuracy": score.accuracy,
                "gradient_norm": float(np.linalg.norm(gradient)),
                "test_loss": tested.loss,
                "test_accuracy": tested.accuracy,
                "plane_loss": evaluator.score(landscape.lift(points[row]), full).loss,
            }
        )
    columns = {name: np.array([each[name] for each in figures]) for name in figures[0]}
    columns["off_plane"] = np.concatenate([landscape.distance(rows) for rows in blocks])
    return _interpolated(trajectory, objective, points, columns)


def _interpolated(
    trajectory: NetworkTrajectory, objective: NetworkObjective, points: FloatArray, figures: dict[str, FloatArray]
) -> NetworkTrajectory:
    """Return a trajectory with points (kept, 2) and figures (kept,), interpolated between the kept steps.

    "loss", "x" and "y" are the loss and its gradient along the directions of the plane.
    """
    training = trajectory.training
    last, stop = int(trajectory.stop_steps[0]), trajectory.stops[0]
    finite = np.isfinite(figures["loss"]) & np.isfinite(figures["gradient_norm"])
    known = len(finite)
    if not finite.all():  # the loss of the full data may not be finite although that of a mini-batch is
        known = max(int(finite.argmin()), 1)
        last, stop = min(last, int(training.kept[known]) - 1 if finite[0] else 0), Stop.DIVERGED
    # Weights kept after a divergence are copies of the last finite ones.
    steps, chosen = np.unique(np.minimum(training.kept[:known], last), return_index=True)
    rows = np.minimum(np.arange(len(trajectory.points)), last)

    def linear(column: FloatArray) -> FloatArray:
        return np.interp(rows, steps, column[chosen])

    def bounded(column: FloatArray) -> FloatArray:
        return linear(np.where(np.isinf(column), np.nan, column))

    values, *gradients = (linear(figures.pop(name)) for name in ("loss", "x", "y"))
    interpolated = {name: bounded(column) for name, column in figures.items()}
    return replace(
        trajectory,
        objective=objective,
        points=np.stack([bounded(each) for each in points.T], -1)[:, None],
        values=values[:, None],
        gradients=np.stack(gradients, -1)[:, None],
        stop_steps=np.array([last]),
        stops=(stop,),
        training=replace(training, figures=dict(training.figures) | interpolated),
        flow=None,
    )
