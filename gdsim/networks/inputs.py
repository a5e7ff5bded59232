"""The negative score of a class as an objective of the input of a trained network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gdsim.errors import InputError
from gdsim.networks.checkpoints import weights_of
from gdsim.networks.data import Data
from gdsim.networks.network import Network
from gdsim.objectives import FloatArray, Objective

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["ImageObjective", "input_objective"]

DEFAULT_STEPS = 300
"""The default number of training steps."""

NOISE = 0.1
"""The standard deviation of the noise on the grey image at the start, as a fraction of the range."""

MARGIN = 0.2
"""The margin around data that are not images, as a fraction of their range."""


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
    network: Network, *, target: int | None, image: int | None, trained: int | str | None, folder: Path
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
    if target is None:
        sentence = "wrt: input requires a class whose score is to rise, as in class: 3"
        raise InputError(sentence, ("class",), code="missing")
    if problem := data.class_problem(target):
        raise InputError(problem, ("class",))
    input_shape = data.x.shape[1:]
    dim = int(np.prod(input_shape))
    if data.image is not None and dim != data.image[0] * data.image[1]:
        channels = dim // (data.image[0] * data.image[1])
        sentence = f"wrt: input requires images of one channel; those of {data.name} have {channels}"
        raise InputError(sentence, ("wrt",), code="unsupported")
    bounds = _bounds(data)
    weights = _weights(network, trained, folder) if isinstance(trained, str) else None
    steps = trained if isinstance(trained, int) else DEFAULT_STEPS
    origin = f"with the last weights of {trained}" if weights is not None else f"after {steps} steps of Adam"

    @cache
    def module() -> nn.Module:
        return _trained_module(network, weights, steps)

    name, title = network.name, f"Class {target} of {network.title}"
    f, source = (
        _negative_score(module, target, input_shape),
        f"the negative score of class {target} that {network.title} gives its input, {origin}",
    )
    start = _grey(bounds) if image is None else np.asarray(data.test_image(image, ("image",)).ravel(), np.float64)
    if data.image is not None:
        return ImageObjective(name=name, title=title, f=f, bounds=bounds, start=start, source=source, shape=data.image)
    formula = rf"-\mathrm{{score}}_{{{target}}}"
    return Objective(name=name, title=title, f=f, bounds=bounds, start=start, source=source, formula=formula)


def _negative_score(module: Callable[[], nn.Module], target: int, shape: tuple[int, ...]) -> Callable[[Tensor], Tensor]:
    """Return a function from points (…, dim) to negative scores (…) that evaluates each point separately."""

    def score(point: Tensor) -> Tensor:
        outputs: Tensor = module()(point.clone().reshape(1, *shape))
        return -outputs[0, target].double()

    def f(points: Tensor) -> Tensor:
        import torch

        rows = points.reshape(-1, points.shape[-1])
        return torch.stack([score(row) for row in rows]).reshape(points.shape[:-1])

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


def _weights(network: Network, recording: str, folder: Path) -> FloatArray:
    try:
        return weights_of(network, recording, folder)
    except InputError as error:
        raise InputError(error.message, ("trained",), code=error.code) from error


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
    first = torch.from_numpy(network.data.x[:1].astype(np.float64))
    try:
        with torch.no_grad():
            module(first)
    except RuntimeError as error:
        reason = str(error).partition("\n")[0]
        sentence = f"{network.title} cannot be evaluated in float64: {reason}"
        raise InputError(sentence, ("network",), code="unsupported") from error
    return module
