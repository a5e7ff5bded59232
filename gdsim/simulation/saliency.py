"""What trained networks see in an image: maps along a training path, and what the last weights say of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gdsim.errors import InputError
from gdsim.networks import Data, Network
from gdsim.networks.attribution import attribution, averaged, inner_method
from gdsim.networks.scores import class_problem, image_of, settle
from gdsim.objectives import FloatArray
from gdsim.simulation.training import Progress
from gdsim.simulation.trajectory import SaliencyMaps, Training

if TYPE_CHECKING:
    from torch import Tensor, nn

    from gdsim.config.view import SaliencySpec

__all__ = ["Explanation", "explain", "maps"]

MOMENTS = 200
"""Maps are made at so many steps at most: more pictures than an animation of eight seconds shows."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """What one trained network says of an image, and what in it speaks for a class.

    Args:
        image: (rows, columns) the image, averaged over its channels.
        number: Which one of the test data it is.
        label: The class that it is of.
        target: The class whose score is explained.
        said: The class that the network sees in it; None where its scores are no numbers.
        sure: How probable the network holds that to be, 0 to 1; None where its scores make no probabilities.
        maps: The maps that were asked for, by what they are called; each of two dimensions.
    """

    image: FloatArray
    number: int
    label: int
    target: int
    said: int | None
    sure: float | None
    maps: dict[str, FloatArray]


def maps(
    network: Network, training: Training, saliency: SaliencySpec, *, seed: int, progress: Progress = iter
) -> SaliencyMaps:
    """Return how the map of an image changes along a training path.

    Args:
        network: What was trained.
        training: Its weights at the steps that were kept; of more than `MOMENTS`, evenly chosen ones are looked at.
        saliency: Which image, which class and which method.
        seed: What the network was trained by; draws the noise of SmoothGrad, the same at each step.
        progress: Wraps the iterable of steps.

    Returns:
        The maps, (k, rows, columns), whatever the shape of the images; not a number where the weights are so large
        that there is none.

    Raises:
        InputError: There is no such image or class, the data has none, or the method does not fit the network.
        GdsimError: Captum is missing.
    """
    data, number = network.data, saliency.image
    image, target = _asked(data, number, saliency.target, ("view", "saliency"))
    rows = np.unique(np.linspace(0, len(training.kept) - 1, MOMENTS).round().astype(np.int64))
    module, made = _module(network, seed), []
    for row in progress(rows.tolist()):
        settle(module, training.weights[row], data)
        try:
            made.append(attribution(module, image, target, saliency.method, size=data.image, seed=seed))
        except InputError as error:
            raise InputError(error.message, ("view", "saliency", "method"), code=error.code) from error
    found = np.stack(made)
    return SaliencyMaps(
        image=averaged(image, data.image),
        steps=training.kept[rows],
        maps=np.where(np.isfinite(found), found, np.nan),
        number=number,
        target=target,
        method=saliency.method,
    )


def explain(
    network: Network,
    training: Training | None,
    *,
    number: int = 0,
    target: int | None = None,
    method: str | None = None,
    seed: int,
) -> Explanation:
    """Return what a network with its last weights says of an image, and why.

    Args:
        network: What was trained.
        training: Its weights; None for those it begins with, which shows any mistake in what is asked for at once.
        number: Which image of the test data.
        target: The class whose score is explained; that of the image when None.
        method: What is made beside the gradient and its saliency, as `attribution` knows it; when None the gradient in
            the last convolution, else in the first layer.
        seed: What the network was trained by; draws the noise of SmoothGrad.

    Raises:
        InputError: There is no such image, class, method or layer; `key` is ("image",), ("class",) or ("method",).
        GdsimError: Captum is missing.
    """
    data = network.data
    image, target = _asked(data, number, target, ())
    module = _module(network, seed)
    settle(module, None if training is None else training.weights[-1], data)
    beside = inner_method(module, image, target) if method is None else method
    wanted = dict.fromkeys(["gradient", "saliency", beside])
    scores = _scores(module, image)
    said = int(scores.argmax()) if np.isfinite(scores).all() else None
    return Explanation(
        image=averaged(image, data.image),
        number=number,
        label=int(data.y_test[number]),
        target=target,
        said=said,
        sure=None if said is None or network.loss_name != "cross_entropy" else _probability(scores, said),
        maps={each: attribution(module, image, target, each, size=data.image, seed=seed) for each in wanted},
    )


def _module(network: Network, seed: int) -> nn.Module:
    """The network's module, made without a trace in what is random elsewhere."""
    import torch

    with torch.random.fork_rng(devices=[]):
        return network.module(seed)


def _asked(data: Data, number: int, target: int | None, key: tuple[str, ...]) -> tuple[Tensor, int]:
    """An image and the class whose score is of interest, which is its own where none is named."""
    import torch

    image = torch.from_numpy(np.array(image_of(data, number, (*key, "image")), np.float32))
    wrong = (*key, "class") if target is not None else (*key, "image")
    if problem := class_problem(data, 0 if target is None else target):
        raise InputError(problem, wrong)
    return image, int(data.y_test[number]) if target is None else target


def _scores(module: nn.Module, image: Tensor) -> FloatArray:
    import torch

    with torch.no_grad():
        return np.asarray(module(image.unsqueeze(0))[0].double().numpy())


def _probability(scores: FloatArray, index: int) -> float:
    shares = np.exp(scores - scores.max())
    return float(shares[index] / shares.sum())
