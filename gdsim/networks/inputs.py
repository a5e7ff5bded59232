"""The score of a class, descended in the input: a trained network as a function of the image that it sees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gdsim.errors import InputError
from gdsim.networks.checkpoints import named_weights
from gdsim.networks.data import Data
from gdsim.networks.network import Network
from gdsim.networks.scores import class_problem, image_of, settle
from gdsim.objectives import FloatArray, Objective, read_only

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["TRAINED", "ImageObjective", "objective"]

TRAINED = 300
"""For how many steps a network is trained where nothing else is said."""

NOISE = 0.1
"""How much noise lies upon the grey that a descent begins with: its standard deviation, as a share of the range."""


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class ImageObjective(Objective):
    """The negative score that a trained network gives an image; a point is its pixels, row by row.

    Args:
        shape: The rows and columns of the image.
    """

    kind = "image"

    shape: tuple[int, int]


def objective(
    network: Network, *, target: int | None, image: int | None, trained: int | str | None, folder: Path
) -> Objective:
    """Return the negative score of a class as a function of the input of a trained network.

    The network is trained, or its recording's weights are put in, when the first value is asked for. The score is the
    network's own output for the class, before any softmax, in float64. Each point is scored by itself, so that its
    value and gradient are the same alone and in any batch. Nothing is clipped to the range of the data.

    Args:
        network: What is trained.
        target: The class whose score is to rise.
        image: The number of the image of the test data where a descent begins; None for noise about grey.
        trained: For how many steps of Adam the network is trained, with Adam's own learning rate and seed 0; or a
            recording (`"run.npz"`, `"run.npz:Adam"`) whose last weights it takes. None for 300 steps.
        folder: Where recordings lie.

    Returns:
        An objective of as many dimensions as the input has numbers.

    Raises:
        InputError: The class, the image or the recording fits the network not; `key` says which.
    """
    data = network.data
    if target is None:
        raise InputError("wrt: input goes with a class whose score is to rise, as in class: 3", ("class",))
    if problem := class_problem(data, target):
        raise InputError(problem, ("class",))
    shape = data.x.shape[1:]
    dim = int(np.prod(shape))
    if data.image is not None and dim != data.image[0] * data.image[1]:
        channels = dim // (data.image[0] * data.image[1])
        raise InputError(f"wrt: input goes with images of one channel; those of {data.name} have {channels}", ("wrt",))
    bounds = _bounds(data)
    weights = _weights(network, trained, folder) if isinstance(trained, str) else None
    steps = trained if isinstance(trained, int) else TRAINED
    origin = f"with the last weights of {trained}" if weights is not None else f"after {steps} steps of Adam"
    start = _noise(bounds) if image is None else read_only(image_of(data, image, ("image",)).ravel())

    @cache
    def module() -> nn.Module:
        return _ready(network, weights, steps)

    made = Objective(
        name=network.name,
        title=f"Class {target} of {network.title}",
        f=_negative_score(module, target, shape),
        bounds=bounds,
        start=start,
        formula=rf"-\mathrm{{score}}_{{{target}}}",
        source=f"the negative score of class {target} that {network.title} gives its input, {origin}",
    )
    if data.image is None:
        return made
    # An image is shown itself, and needs no formula.
    facts = {each.name: getattr(made, each.name) for each in fields(made)}
    return ImageObjective(**facts | {"formula": "", "image": data.image}, shape=data.image)


def _negative_score(module: Callable[[], nn.Module], target: int, shape: tuple[int, ...]) -> Callable[[Tensor], Tensor]:
    """The function of points (…, dim) to values (…) that a module's score is, each point by itself."""

    def score(point: Tensor) -> Tensor:
        found: Tensor = module()(point.clone().reshape(1, *shape))
        return -found[0, target].double()

    def f(points: Tensor) -> Tensor:
        import torch

        rows = points.reshape(-1, points.shape[-1])
        return torch.stack([score(row) for row in rows]).reshape(points.shape[:-1])

    return f


def _bounds(data: Data) -> FloatArray:
    """The range of an image's pixels; or for other inputs that of each, with some room around the data."""
    rows = data.x.reshape(len(data.x), -1).astype(np.float64)
    low, high = rows.min(0), rows.max(0)
    if data.image is not None:
        low, high = np.full_like(low, low.min()), np.full_like(high, high.max())
    span = np.where(high > low, high - low, 1.0)
    room = 0.0 if data.image is not None else 0.2
    return read_only(np.stack([low - room * span, low + (1 + room) * span], -1))


def _noise(bounds: FloatArray) -> FloatArray:
    """Noise about the middle of the range, always the same."""
    low, high = bounds.T
    return read_only(np.random.default_rng(0).normal((low + high) / 2, NOISE * (high - low)))


def _weights(network: Network, recording: str, folder: Path) -> FloatArray:
    """The last weights of a recording, whose optimizer may be named after a colon."""
    try:
        return named_weights(recording, folder, weights=network.weights, title=network.title)
    except InputError as error:
        raise error.below("trained") from error


def _ready(network: Network, weights: FloatArray | None, steps: int) -> nn.Module:
    """The trained module, in float64, whose scores do not depend on what else is in a batch."""
    import torch

    # What is random here is the same each time, and leaves no trace in what is random elsewhere.
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        module = network.module(0)
        if weights is None:
            _train(network, module, steps)
    settle(module, None if weights is None else weights.astype(np.float32), network.data)
    module.double()
    first = torch.from_numpy(network.data.x[:1].astype(np.float64))
    try:
        with torch.no_grad():
            module(first)
    except RuntimeError as error:
        words = str(error).partition("\n")[0]
        raise InputError(f"{network.title} cannot be scored in float64: {words}", ("network",)) from error
    return module


def _train(network: Network, module: nn.Module, steps: int) -> None:
    """Take so many steps of Adam over the network's mini-batches of seed 0."""
    import torch

    optimizer = torch.optim.Adam(module.parameters())
    module.train()
    for x, y in islice(network.batches(0), steps):
        optimizer.zero_grad()
        network.loss(module(x), y).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
