"""Loss landscapes of trained networks on a plane of weights, and figures computed on the full data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from gdsim.config import View
from gdsim.config.view import SaliencySpec
from gdsim.errors import InputError
from gdsim.networks import Landscape, Network, NetworkObjective, network_objective, plane_name
from gdsim.networks.evaluation import Evaluator, Examples
from gdsim.objectives import FloatArray
from gdsim.optimizers import deterministic
from gdsim.simulation.planes import compute_plane, row_blocks
from gdsim.simulation.saliency import saliency_maps
from gdsim.simulation.trajectory import NetworkTrajectory, Progress, Stop

__all__ = ["evaluate_landscape"]

SIDE = 51
"""The number of losses computed along each direction of a plane."""

ARROWS = 15
"""The number of gradients along each direction; odd, so that every second one also forms a regular grid."""

TOLERANCE = 1e-4
"""The tolerance for losses of the same weights and data computed on different machines."""

FIGURES = ("test_loss", "accuracy", "test_accuracy", "gradient_norm", "plane_loss", "off_plane")


def evaluate_landscape(
    network: Network,
    trajectories: Sequence[NetworkTrajectory],
    view: View,
    *,
    folder: Path,
    seed: int,
    progress: Progress = iter,
) -> tuple[NetworkTrajectory, ...]:
    """Evaluate the trajectories of a network on the plane that a view requests, with all that its panels require.

    A landscape or maps that the trajectories already have are not computed again; if nothing is missing, the same
    trajectories are returned.

    Args:
        network: The network.
        trajectories: The result of `train`, or of this function.
        view: The view, of which `plane`, `examples`, `panels` and `saliency` are used.
        folder: The folder of the recordings that define a plane.
        seed: The seed of the training, which also determines the directions of a random plane.
        progress: Wraps the iterables of grid points, of kept weights and of maps.

    Raises:
        InputError: The plane, its recordings or the image do not fit the network, or the data or the module has changed
            since the training; `key` names the setting.
    """
    evaluated = tuple(trajectories)
    with deterministic():
        if not _has_plane(evaluated[0].objective.landscape, view):
            _check_unchanged(network, evaluated[0], seed)
            evaluated = _on_plane(network, evaluated, view, folder, seed, progress)
        if "saliency" in view.panels:
            evaluated = tuple(_with_maps(network, each, view.saliency, seed, progress) for each in evaluated)
    return evaluated


def _has_plane(landscape: Landscape, view: View) -> bool:
    count = landscape.total_examples if view.examples is None else min(view.examples, landscape.total_examples)
    return landscape.plane == plane_name(view.plane) and landscape.examples == count


def _check_unchanged(network: Network, trajectory: NetworkTrajectory, seed: int) -> None:
    """Raise an error if the data or the module has changed since the recording."""
    recorded = float(trajectory.values[0, 0])
    if not trajectory.objective.landscape.plane or not math.isfinite(recorded):
        return
    evaluator = Evaluator(network, seed)
    loss = evaluator.score(trajectory.training.weights[0], evaluator.subset(None, seed)).loss
    if not math.isclose(loss, recorded, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
        changed = "its data or its module has changed since; gdsim run trains it again"
        sentence = f"{network.title} was recorded with a first loss of {recorded:.4g}, and has {loss:.4g} now"
        raise InputError(f"{sentence}: {changed}", ("objective",), code="conflict")


def _with_maps(
    network: Network, trajectory: NetworkTrajectory, saliency: SaliencySpec, seed: int, progress: Progress
) -> NetworkTrajectory:
    """Return a trajectory with the maps that a view requests; the same object if it already has them."""
    if (maps := trajectory.training.maps) is not None:
        label = int(network.data.y_test[maps.number]) if maps.label is None else maps.label
        same_class = maps.target == (label if saliency.target is None else saliency.target)
        if same_class and (maps.number, maps.method) == (saliency.image, saliency.method):
            return trajectory
    _check_unchanged(network, trajectory, seed)
    maps = saliency_maps(network, trajectory.training, saliency, seed=seed, progress=progress)
    return replace(trajectory, training=replace(trajectory.training, maps=maps))


def _on_plane(
    network: Network,
    trajectories: tuple[NetworkTrajectory, ...],
    view: View,
    folder: Path,
    seed: int,
    progress: Progress,
) -> tuple[NetworkTrajectory, ...]:
    evaluator = Evaluator(network, seed)
    plane = compute_plane(network, trajectories, view, folder, seed)
    examples = evaluator.subset(view.examples, seed)
    offsets = np.linspace(-plane.half, plane.half, SIDE)
    x, y = plane.center[0] + offsets, plane.center[1] + offsets
    centred = plane.half * ((2 * np.arange(ARROWS) + 1) / ARROWS - 1)
    arrow_points = np.stack(np.meshgrid(*(center + centred for center in plane.center)), -1).reshape(-1, 2)
    points = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)
    values, gradients = np.empty(len(points)), np.empty(arrow_points.shape)
    for index in progress(range(len(points) + len(arrow_points))):
        if index < len(points):
            values[index] = evaluator.score(plane.origin + points[index] @ plane.axes, examples).loss
        else:
            row = index - len(points)
            gradients[row] = plane.axes @ evaluator.gradient(plane.origin + arrow_points[row] @ plane.axes, examples)[1]
    values[~np.isfinite(values)] = np.nan
    gradients[~np.isfinite(gradients).all(1)] = np.nan
    landscape = Landscape(
        plane=plane_name(view.plane),
        origin=plane.origin,
        axes=plane.axes,
        x=x,
        y=y,
        values=values.reshape(SIDE, SIDE),
        arrow_points=arrow_points,
        gradients=gradients,
        share=plane.share,
        examples=examples.count,
        total_examples=len(network.data.x),
        marks=plane.marks,
        mark_names=plane.mark_names,
    )
    objective = network_objective(network, landscape)
    full, test = evaluator.subset(None, seed), Examples(network.data.x_test, network.data.y_test)
    kept = [_Kept(landscape, each) for each in trajectories]
    rows = [(each, row) for each in kept for row in range(len(each.losses))]
    for index in progress(range(len(rows))):
        each, row = rows[index]
        each.compute(row, evaluator, full, test)
    return tuple(each.interpolated(objective) for each in kept)


class _Kept:
    """The figures at the kept weights of one optimizer.

    Attributes:
        losses: (kept,) the loss of the full training data.
    """

    def __init__(self, landscape: Landscape, trajectory: NetworkTrajectory) -> None:
        self._landscape, self._trajectory, self._training = landscape, trajectory, trajectory.training
        blocks = [*row_blocks(trajectory.training.weights)]
        self._points = np.concatenate([landscape.project(rows) for rows in blocks])
        self.losses = np.empty(len(self._points))
        self._gradients = np.empty((len(self._points), 2))
        self._figures = {name: np.empty(len(self._points)) for name in FIGURES}
        self._figures["off_plane"] = np.concatenate([landscape.distance(rows) for rows in blocks])

    def compute(self, row: int, evaluator: Evaluator, full: Examples, test: Examples) -> None:
        """Compute all figures of a row of kept weights."""
        figures, weights = self._figures, self._training.weights
        if row and np.array_equal(weights[row], weights[row - 1]):  # the path has converged or diverged
            for column in (self.losses, self._gradients, *figures.values()):
                column[row] = column[row - 1]
            return
        score, gradient = evaluator.gradient(weights[row], full)
        self.losses[row], figures["accuracy"][row] = score.loss, score.accuracy
        self._gradients[row] = self._landscape.axes @ gradient
        figures["gradient_norm"][row] = np.linalg.norm(gradient)
        tested = evaluator.score(weights[row], test)
        figures["test_loss"][row], figures["test_accuracy"][row] = tested.loss, tested.accuracy
        figures["plane_loss"][row] = evaluator.score(self._landscape.lift(self._points[row]), full).loss

    def interpolated(self, objective: NetworkObjective) -> NetworkTrajectory:
        """Return the trajectory with all figures, interpolated linearly between the kept steps."""
        trajectory, training = self._trajectory, self._training
        last, stop = int(trajectory.stop_steps[0]), trajectory.stops[0]
        finite = np.isfinite(self.losses) & np.isfinite(self._figures["gradient_norm"])
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

        figures = {name: bounded(column) for name, column in self._figures.items()}
        return replace(
            trajectory,
            objective=objective,
            points=np.stack([bounded(each) for each in self._points.T], -1)[:, None],
            values=linear(self.losses)[:, None],
            gradients=np.stack([linear(each) for each in self._gradients.T], -1)[:, None],
            stop_steps=np.array([last]),
            stops=(stop,),
            training=replace(training, figures=dict(training.figures) | figures),
        )
