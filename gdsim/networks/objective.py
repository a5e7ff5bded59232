"""Networks as objectives: of two coordinates of a plane through the weights, or of the input of a trained network."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gdsim.errors import InputError, Key, did_you_mean
from gdsim.files import load_arrays
from gdsim.networks.data import Data
from gdsim.networks.network import Network, module_errors
from gdsim.objectives import FloatArray, Objective, Samples

if TYPE_CHECKING:
    from torch import Tensor, nn

MAX_RECORDING_BYTES = 3 * 2**29  # of all arrays of a recording together
ON_PLANE = 1e-6  # the distance, as a fraction of the view's side, up to which weights count as on the plane
DEFAULT_STEPS = 300  # training steps before the input is optimized
NOISE = 0.1  # the standard deviation of the noise on the grey image at the start, as a fraction of the range
MARGIN = 0.2  # around data that are not images, as a fraction of their range


@dataclass(frozen=True, eq=False)
class Landscape:
    """The loss of a network on a plane through its weights.

    A point (a, b) of the plane has the weights `origin + a · axes[0] + b · axes[1]`; a and b are distances in the space
    of all weights.

    Args:
        plane: The name of the plane, see `plane_name`; empty before the plane is computed.
        origin: (weights,) the weights at the point (0, 0).
        axes: (2, weights) orthonormal directions.
        x: (columns,) grid positions along the first direction, ascending.
        y: (rows,) grid positions along the second direction, ascending.
        values: (rows, columns) the loss at the grid positions; NaN where it is not finite.
        arrow_points: (side², 2) the points of a regular, cell-centred grid with an odd number of points per side, row
            by row in ascending order.
        gradients: (side², 2) the true gradient of the loss at `arrow_points`, along the two directions.
        share: The fraction of the paths' variance about the origin that lies in the plane, 0 to 1; NaN without
            variance.
        examples: The number of training examples that the landscape was computed on.
        total_examples: The total number of training examples.
        marks: (m, 2) the points of the recordings that define the plane.
        mark_names: The names of these recordings.
    """

    origin: FloatArray
    axes: FloatArray
    x: FloatArray
    y: FloatArray
    values: FloatArray
    arrow_points: FloatArray
    gradients: FloatArray
    plane: str = ""
    share: float = math.nan
    examples: int = 0
    total_examples: int = 0
    marks: FloatArray = field(default_factory=lambda: np.zeros((0, 2)))
    mark_names: tuple[str, ...] = ()

    @property
    def bounds(self) -> FloatArray:
        """(2, 2) the low and high end of the view along each direction."""
        return np.array([[self.x[0], self.x[-1]], [self.y[0], self.y[-1]]])

    @property
    def has_share(self) -> bool:
        """Whether there are weights outside the plane, and `share` is known."""
        return len(self.origin) > 2 and bool(np.isfinite(self.share))

    @property
    def share_text(self) -> str:
        """`share` as a percentage; shares slightly above 0 % or below 100 % are not rounded to these values."""
        words = f"{100 * self.share:.1f}"
        if words == "100.0" and self.share < 1 - 1e-6:
            return "over 99.9 %"
        return "under 0.1 %" if words == "0.0" and self.share > 0 else f"{words} %"

    def is_off_plane(self, distance: float) -> bool:
        """Return whether a distance from the plane is larger than a rounding error."""
        return distance > ON_PLANE * float(np.diff(self.bounds).max())

    def lift(self, points: FloatArray) -> FloatArray:
        """Return the weights (…, weights) at points (…, 2)."""
        return self.origin + points @ self.axes

    def project(self, weights: FloatArray) -> FloatArray:
        """Return the points (…, 2) nearest to weights (…, weights)."""
        return np.asarray((weights - self.origin) @ self.axes.T)

    def distance(self, weights: FloatArray) -> FloatArray:
        """Return the distance (…) of weights (…, weights) from the plane."""
        return np.asarray(np.linalg.norm(weights - self.lift(self.project(weights)), axis=-1))


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class NetworkObjective(Objective):
    """The loss of a network on a plane through its weights, as a function of two coordinates."""

    kind = "network"
    value_name = "loss"
    lower_bound = 0.0

    network: Network
    landscape: Landscape

    @property
    def parameter_shapes(self) -> Sequence[Sequence[int]]:
        """The shapes of the network's parameters."""
        return self.network.shapes

    def fingerprint(self) -> bytes:
        """Return numbers that differ for different networks: the data, and the first outputs for some of them."""
        import torch

        data = self.network.data
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            outputs = self.network.module(0).eval()(torch.from_numpy(data.x[:16]))
        return b"".join(each.tobytes() for each in (data.x, data.y, outputs.numpy()))


def network_objective(network: Network, landscape: Landscape | None = None) -> NetworkObjective:
    """Return the objective of a network, a smooth function that interpolates the losses of a landscape.

    Before a loss is computed, the landscape is flat and has no name.
    """
    if landscape is None:
        side, none = np.array([-1.0, 1.0]), np.zeros((0, 2))
        origin, axes = np.zeros(network.weights), np.zeros((2, network.weights))
        landscape = Landscape(origin, axes, side, side, np.zeros((2, 2)), none, none)
    values = np.where(np.isfinite(landscape.values), landscape.values, np.nanmax(landscape.values, initial=0.0))
    samples = Samples(values.T, (landscape.x, landscape.y))

    # Built on the first call, because checking a configuration must not import torch.
    @cache
    def surface() -> Callable[[Tensor], Tensor]:
        from gdsim.objectives.interpolation import interpolate

        return interpolate(samples)

    return NetworkObjective(
        name=network.name,
        title=network.title,
        f=lambda points: surface()(points),
        bounds=landscape.bounds,
        start=np.zeros(2),
        source=f"{network.weights:,} weights, trained on {len(network.data.x):,} examples of {network.data.name}",
        network=network,
        landscape=landscape,
    )


def plane_name(plane: str | Sequence[object] | None) -> str:
    """Return the name of a plane: "pca", the default; "random"; or two recordings, separated by a comma."""
    return plane if isinstance(plane, str) else ", ".join(map(str, plane or ["pca"]))


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class ImageObjective(Objective):
    """A function of an image, whose pixels are the coordinates of a point.

    Args:
        shape: The rows and columns of the image; a point consists of its pixels, row by row.
    """

    kind = "image"
    value_name = "−score"

    shape: tuple[int, int]


def input_objective(
    network: Network, *, target: int, image: int | None, trained: int | str | None, folder: Path
) -> Objective:
    """Return the negative score of a class as a function of the input of a trained network.

    The network is trained, or receives the weights of a recording, when the first value is requested. The score is the
    network's output for the class, before any softmax, in float64. Each point is evaluated separately, so that its
    value and gradient do not depend on a batch. Inputs are not clipped to the range of the data.

    Args:
        network: The network.
        target: The class whose score is maximized.
        image: The index of the test image at which to start; None for a grey image with noise.
        trained: The number of training steps with Adam (default learning rate, seed 0), or a recording (`"run.npz"`,
            `"run.npz:Adam"`) whose last weights are used; None for 300 steps.
        folder: The folder of recordings.

    Returns:
        An objective with one dimension per component of the input; an `ImageObjective` if the input is an image.

    Raises:
        InputError: The class, the image or the recording does not fit the network; `key` names it.
    """
    data = network.data
    data.check_class(target, ("class",))
    input_shape = data.x.shape[1:]
    dim = int(np.prod(input_shape))
    if data.image is not None and dim != data.image[0] * data.image[1]:
        channels = dim // (data.image[0] * data.image[1])
        sentence = f"wrt: input requires images of one channel; those of {data.name} have {channels}"
        raise InputError(sentence, ("wrt",), code="unsupported")
    bounds = _bounds(data)
    weights = weights_of(network, trained, folder, ("trained",)) if isinstance(trained, str) else None
    steps = trained if isinstance(trained, int) else DEFAULT_STEPS
    origin = f"with the last weights of {trained}" if weights is not None else f"after {steps} steps of Adam"
    objective = Objective(
        name=network.name,
        title=f"Class {target} of {network.title}",
        f=_negative_score(cache(partial(_trained_module, network, weights, steps)), target, input_shape),
        bounds=bounds,
        start=_grey(bounds) if image is None else data.test_image(image, ("image",)).ravel().astype(np.float64),
        source=f"the negative score of class {target} that {network.title} gives its input, {origin}",
        formula=rf"-\mathrm{{score}}_{{{target}}}" if data.image is None else "",
    )
    return objective if data.image is None else ImageObjective(**vars(objective), shape=data.image)


def _negative_score(module: Callable[[], nn.Module], target: int, shape: tuple[int, ...]) -> Callable[[Tensor], Tensor]:
    """Return a function from points (…, dim) to negative scores (…) that evaluates each point separately."""

    def f(points: Tensor) -> Tensor:
        import torch

        rows = points.reshape(-1, points.shape[-1])
        scores = [module()(row.clone().reshape(1, *shape))[0, target].double() for row in rows]
        return -torch.stack(scores).reshape(points.shape[:-1])

    return f


def _bounds(data: Data) -> FloatArray:
    """Return the common range of all pixels for images, or the range of each input with a margin."""
    rows = data.x.reshape(len(data.x), -1).astype(np.float64)
    low, high = rows.min(0), rows.max(0)
    if data.image is not None:
        low, high = np.full_like(low, low.min()), np.full_like(high, high.max())
    span = np.where(high > low, high - low, 1.0)
    margin = 0.0 if data.image is not None else MARGIN
    return np.stack([low - margin * span, low + (1 + margin) * span], -1)


def _grey(bounds: FloatArray) -> FloatArray:
    """Return the middle of the range with noise of a fixed seed."""
    low, high = bounds.T
    return np.asarray(np.random.default_rng(0).normal((low + high) / 2, NOISE * (high - low)))


def _trained_module(network: Network, weights: FloatArray | None, steps: int) -> nn.Module:
    """Return the trained module in float64."""
    import torch

    from gdsim.networks.evaluation import set_weights

    # The seed is fixed, and torch's global random state is preserved.
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        module = network.module(0)
        if weights is None:
            optimizer = torch.optim.Adam(module.parameters())
            for x, y in islice(network.batches(0), steps):
                optimizer.zero_grad()
                network.loss(module(x), y).backward()  # type: ignore[no-untyped-call]
                optimizer.step()
    set_weights(module, weights, network.data)
    module.double()
    with module_errors(f"{network.title} cannot be evaluated in float64"), torch.no_grad():
        module(torch.from_numpy(network.data.x[:1].astype(np.float64)))
    return module


def weights_of(network: Network, reference: str, folder: Path, key: Key = ()) -> FloatArray:
    """Return the last weights (weights,) of a recording for a network, see `last_weights`.

    The reference is relative to a folder: `digits.npz`, or `digits.npz:Adam` for an optimizer other than the first.

    Raises:
        InputError: The weights cannot be read, or the network has a different number of weights.
    """
    name, colon, label = reference.partition(".npz:")
    path = folder / (f"{name}.npz" if colon else reference)
    weights = last_weights(path, label if colon else None, key)
    if len(weights) != network.weights:
        raise InputError(f"{path}: holds {len(weights):,} weights, but {network.title} has {network.weights:,}", key)
    return weights


def last_weights(path: Path, label: str | None = None, key: Key = ()) -> FloatArray:
    """Return the last weights (weights,) in a recording of a network, or the array `weights` of another .npz file.

    In a recording they are those of an optimizer, by default the first. All parameters are concatenated, in the order
    of the module's `named_parameters`.

    Raises:
        InputError: The file does not exist, or has no weights of this optimizer.
    """
    arrays = load_arrays(path, max_bytes=MAX_RECORDING_BYTES, key=key)
    labels = arrays["labels"].ravel().tolist() if "labels" in arrays else []
    found: dict[str, npt.NDArray[np.generic]] = {}
    for index, each in enumerate(labels):
        if f"weights_{index}" in arrays:
            found.setdefault(str(each), arrays[f"weights_{index}"])
    rows = next(iter(found.values()), arrays.get("weights")) if label is None else found.get(label)
    if rows is None and found:
        offer = did_you_mean(str(label), found) or f"; there are {', '.join(found)}"
        raise InputError(f"{path}: has no optimizer '{label}'{offer}", key, code="unknown-name")
    if rows is None:
        sentence = "is not a recording of a network" + ", and has no array 'weights'" * (label is None)
        raise InputError(f"{path}: {sentence}", key, code="unreadable" if label is None else "unknown-name")
    if rows.dtype.kind != "f" or rows.ndim not in (1, 2) or 0 in rows.shape:
        raise InputError(f"{path}: its weights are {rows.dtype} of the shape {rows.shape}", key, code="unreadable")
    weights = np.atleast_2d(rows)[-1].astype(np.float64)
    if not np.isfinite(weights).all():
        raise InputError(f"{path}: its last weights are not finite", key)
    return np.asarray(weights)
