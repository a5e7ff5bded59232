"""The results of a simulation: trajectories, for networks the record of their training, and remarks about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import groupby

import numpy as np
import numpy.typing as npt

from gdsim.networks import NetworkObjective
from gdsim.objectives import FloatArray, Objective
from gdsim.simulation.stability import StabilityLimit

IntArray = npt.NDArray[np.int64]

Progress = Callable[[Iterable[int]], Iterable[int]]
"""A function that wraps an iterable of known length, such as `tqdm.tqdm`."""


COUNTED = ("functions", "gradients", "hessians")
"""What a minimizer evaluates."""


class Stop(Enum):
    """The outcome of a run from one start; the value is the text shown to users."""

    RAN = "ran all steps"
    CONVERGED = "came to rest"
    DIVERGED = "diverged"
    LEFT = "left what was measured"
    UNDEFINED = "left where the function is defined"

    @property
    def failed(self) -> bool:
        """Whether the path ended early because its next point is not finite or is outside the domain."""
        return self in (Stop.DIVERGED, Stop.LEFT, Stop.UNDEFINED)


@dataclass(frozen=True, eq=False)
class SaliencyMaps:
    """The attribution maps of one image along a training path.

    Attributes:
        image: (rows, columns) the image, averaged over its channels.
        steps: (k,) the steps of the maps, ascending.
        maps: (k, rows, columns) the attributions at each step, never negative for "saliency" and "gradcam"; NaN where
            they are not finite.
        number: The index of the image in the test data.
        target: The index of the class that the maps explain.
        method: The name of the method: "gradient", "saliency", …
        label: The class of the image in the test data; None if it was not recorded.
    """

    image: FloatArray
    steps: IntArray
    maps: FloatArray
    number: int
    target: int
    method: str
    label: int | None = None


@dataclass(frozen=True, eq=False)
class Explanation:
    """The output of a trained network for an image, and attribution maps for a class.

    Args:
        image: (rows, columns) the image, averaged over its channels.
        number: The index of the image in the test data.
        label: The class of the image in the test data.
        target: The class whose score the maps explain.
        predicted: The class with the highest score; None if the scores are not finite.
        probability: The probability of the predicted class, 0 to 1; None if the scores are not logits.
        maps: The maps by method, each two-dimensional.
    """

    image: FloatArray
    number: int
    label: int
    target: int
    predicted: int | None
    probability: float | None
    maps: Mapping[str, FloatArray]


@dataclass(frozen=True, eq=False)
class Spectrum:
    """The largest eigenvalues of the Hessian of a network's loss on all training data, along a training path.

    Attributes:
        steps: (k,) the steps at which they are computed, ascending, including the first and the last.
        values: (k, top) the eigenvalues in descending order; NaN where the Hessian is not finite.
        every: The requested interval in steps.
    """

    steps: IntArray
    values: FloatArray
    every: int


@dataclass(frozen=True, eq=False)
class Flow:
    """The gradient flow ẋ = −∇f from each different start, up to the time that the paths reach.

    The time of a path is the sum of its learning rates, for SGD times (1 − dampening) / (1 − momentum).

    Attributes:
        points: (n, starts, dim) points along the flow in order of time, of which the last one is repeated; of a
            network, on the plane.
        values: (n, starts) the objective there; of a network, at the weights themselves.
        distances: (steps + 1, paths) the distance of each iterate of the trajectory from the flow at the same time; of
            a network, in the space of all weights. NaN where the flow has ended, and for classes other than SGD.
        evaluations: The number of gradients evaluated for all starts.
        reason: Why the flow ends early; empty if it does not.
    """

    points: FloatArray
    values: FloatArray
    distances: FloatArray
    evaluations: int
    reason: str


@dataclass(frozen=True, eq=False)
class Training:
    """The record of training a network with one optimizer.

    Row k has the weights at which gradient k, that of mini-batch k, was computed. Figures of the full data are computed
    at the steps whose weights were kept, and interpolated linearly between them.

    Attributes:
        kept: (k,) the steps whose weights were kept, ascending, including the first and the last.
        weights: (k, weights) float32, all parameters of the network, concatenated.
        batch_losses: (steps + 1,) the loss of mini-batch k at the weights of row k.
        figures: Each (steps + 1,): "test_loss", "accuracy" and "test_accuracy" (0 to 1; NaN for regression and without
            test data), "gradient_norm" of the full training data, "step_size", "off_plane", the distance from the
            plane, and "plane_loss", the loss at the nearest point of the plane.
        layers: The names of the layers, in order from the input.
        layer_gradients: (steps + 1, layers) the norm of mini-batch k's gradient in each layer, clipped as configured,
            without noise.
        layer_weights: (steps + 1, layers) the norm of each layer's weights.
        maps: The attribution maps that `view.saliency` requests, or None.
        spectrum: The eigenvalues that `view.sharpness` requests, or None.
        scales: (eigenvalue steps, weights) float32, 1/√D for an optimizer that divides the gradient by D, until the
            eigenvalues are computed; not recorded.
    """

    kept: IntArray
    weights: npt.NDArray[np.float32]
    batch_losses: FloatArray
    figures: Mapping[str, FloatArray]
    layers: tuple[str, ...]
    layer_gradients: FloatArray
    layer_weights: FloatArray
    maps: SaliencyMaps | None = None
    spectrum: Spectrum | None = None
    scales: npt.NDArray[np.float32] | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Trajectory:
    """The paths of one optimizer from all its starts.

    Row k is the point at which gradient k was computed; `points[k + 1]` follows update k. After a start has stopped,
    its rows repeat its last finite point.

    Attributes:
        label: The user's name for the optimizer.
        settings: The class and its settings for a legend, `"SGD · lr 0.01 · momentum 0.9"`.
        objective: The function, or the loss of a network on a plane of weights.
        color: `"#rrggbb"`, or None for a colour of the theme.
        points: (steps + 1, starts, dim) the iterates.
        values: (steps + 1, starts) the objective at the points.
        gradients: (steps + 1, starts, dim) the true gradient at the points, without noise and unclipped.
        learning_rates: (steps + 1, starts) the learning rate of update k, or the step length of a line search; in the
            last row, that of the update that would follow. NaN if there is none.
        evaluations: (steps + 1, starts) the number of gradients evaluated so far, including that of row k. A minimizer
            evaluates values, gradients and Hessians apart: a value and a gradient at one point count as one
            evaluation, as a forward and a backward pass do, and a Hessian as `dim`, a backward pass per row.
        stop_steps: (starts,) the last step with a finite point, or the step at which the path converged.
        stops: (starts,) the outcome of each start.
        is_ensemble: Whether the "starts" are runs from one start that differ only in their random numbers.
        state: What the optimizer held after update k, by name in `optimizer.state`, if it was recorded: (steps + 1,
            starts, dim), or (steps + 1, starts) for numbers such as `step`; NaN in the last row, after a start has
            failed, and where the optimizer holds nothing. Also `effective_rate` and `trust`, see
            `gdsim.simulation.state`. For a network, (steps + 1, 1) the norm of each tensor over all weights.
        flow: The gradient flow, if the view shows it.
        stability: The largest curvature at which the optimizer is stable; None if it is not known.
        counts: How many "functions", "gradients" and "hessians" a minimizer has evaluated so far, each (steps + 1,
            starts). Empty for other optimizers, which evaluate a value with each gradient.
    """

    label: str
    settings: str
    objective: Objective
    color: str | None
    points: FloatArray
    values: FloatArray
    gradients: FloatArray
    learning_rates: FloatArray
    evaluations: IntArray
    stop_steps: IntArray
    stops: tuple[Stop, ...]
    is_ensemble: bool = field(default=False, kw_only=True)
    state: Mapping[str, FloatArray] = field(default_factory=dict, kw_only=True)
    flow: Flow | None = field(default=None, kw_only=True)
    stability: StabilityLimit | None = field(default=None, kw_only=True)
    counts: Mapping[str, IntArray] = field(default_factory=dict, kw_only=True)

    def __repr__(self) -> str:
        rows, starts, dim = self.points.shape
        what = "run" if self.is_ensemble else "start"
        counts = f"{rows - 1} steps, {starts} {what}{'s' * (starts > 1)}, {dim}-D"
        return f"<Trajectory: {self.label} on {self.objective.title}, {counts}>"

    @property
    def is_minimizer(self) -> bool:
        """Whether the optimizer is a minimizer, and no class of optimizers."""
        return bool(self.counts)

    @property
    def figures(self) -> Mapping[str, FloatArray]:
        """The figures of a network's training by name, see `Training.figures`; empty for a function."""
        return {}

    @property
    def off_plane(self) -> float:
        """The distance of a network's last weights from the loss plane; 0 for a function and for a rounding error."""
        return 0.0

    def subset(self, chosen: npt.NDArray[np.bool_]) -> Trajectory:
        """Return the paths from some starts, (starts,)."""
        names = ("points", "values", "gradients", "learning_rates", "evaluations")
        stops = tuple(stop for stop, wanted in zip(self.stops, chosen, strict=True) if wanted)
        arrays = {name: getattr(self, name)[:, chosen] for name in names}
        for name in ("state", "counts"):
            arrays[name] = {key: each[:, chosen] for key, each in getattr(self, name).items()}
        flow = self.flow and replace(self.flow, distances=self.flow.distances[:, chosen])
        return replace(self, stop_steps=self.stop_steps[chosen], stops=stops, flow=flow, **arrays)

    def stopped_at(self, start: int) -> int:
        """Return the step at which a start stopped, for messages such as "diverged at step 12".

        This is the step at which the path converged, the first step whose point is not finite, or the last step.
        """
        last = int(self.stop_steps[start])
        # Even the value or gradient of the first row may not be finite.
        finite = np.isfinite(self.values[last, start]) and np.isfinite(self.gradients[last, start]).all()
        return last + 1 if self.stops[start].failed and finite else last


@dataclass(frozen=True, eq=False, repr=False)
class NetworkTrajectory(Trajectory):
    """The path of one optimizer on a network, projected onto the plane of its objective.

    Values and gradients are those of the full training data.
    """

    objective: NetworkObjective
    training: Training

    @property
    def figures(self) -> Mapping[str, FloatArray]:
        """The figures of the training by name, see `Training.figures`."""
        return self.training.figures

    @property
    def off_plane(self) -> float:
        """The distance of the last weights from the loss plane; 0 for a rounding error."""
        # There are no distances before the plane is computed.
        distances = self.figures.get("off_plane", np.zeros(len(self.points)))
        distance = float(distances[self.stop_steps[0] if self.stops[0].failed else -1])
        return distance if self.objective.landscape.is_off_plane(distance) else 0.0


def remarks(trajectories: Iterable[Trajectory]) -> tuple[str, ...]:
    """Return remarks for the log about the gradient flow, and about the trajectories of networks."""
    trajectories = list(trajectories)
    flows = {each.objective.title: each.flow for each in trajectories if each.flow is not None}
    of_networks = (each for each in trajectories if isinstance(each, NetworkTrajectory))
    groups = groupby(of_networks, lambda each: each.objective)
    return (
        *(f"{title}: {_flow_sentence(flow)}" for title, flow in flows.items()),
        *(f"{objective.title}: {remark}" for objective, group in groups for remark in _sentences([*group])),
    )


def _flow_sentence(flow: Flow) -> str:
    ends = f"; it ends early {flow.reason}" if flow.reason else ""
    return f"the gradient flow took {flow.evaluations:,} gradient evaluations{ends}."


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
    """Return the remark that the maps of a method are 0 everywhere for some optimizers, with the reason."""
    *before, last = labels
    whose = f"{', '.join(before)} and {last}" if before else last
    if method == "gradcam":
        why = "no feature of the last convolution is in favour of the class, and features against it are not shown"
        return f"Grad-CAM is blank for {whose}: {why}."
    why = "no small change of the image changes the score of the class, as where all units of a layer are inactive"
    what = "input gradient" if method == "gradient" else f"map ({method})"
    return f"The {what} is 0 everywhere for {whose}: {why}."
