"""Attribution maps of trained networks: along a training path, and of the last weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from gdsim.networks import Data, Network
from gdsim.networks.attribution import attribution, average_channels, inner_method
from gdsim.networks.evaluation import set_weights
from gdsim.simulation.trajectory import Explanation, Progress, SaliencyMaps, Training

if TYPE_CHECKING:
    from torch import Tensor, nn

    from gdsim.config.presentation import SaliencySpec

MAX_MAPS = 200  # along a path, sufficient for an animation of eight seconds


def saliency_maps(
    network: Network, training: Training, saliency: SaliencySpec, *, seed: int, progress: Progress = iter
) -> SaliencyMaps:
    """Return the attribution maps of an image at up to `MAX_MAPS` evenly spaced kept steps.

    Raises:
        InputError: There is no such image, class or method; `key` is ("image",), ("class",) or ("method",).
    """
    data, number = network.data, saliency.image
    image, target = _image_and_class(data, number, saliency.target)
    rows = np.unique(np.linspace(0, len(training.kept) - 1, MAX_MAPS).round().astype(np.int64))
    module, maps = _module(network, seed), []
    for row in progress(rows.tolist()):
        set_weights(module, training.weights[row], data)
        maps.append(attribution(module, image, target, saliency.method, size=data.image, seed=seed))
    stacked = np.stack(maps)
    return SaliencyMaps(
        image=average_channels(image, data.image),
        steps=training.kept[rows],
        maps=np.where(np.isfinite(stacked), stacked, np.nan),
        number=number,
        target=target,
        method=saliency.method,
        label=int(data.y_test[number]),
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
    """Evaluate a network with its last weights on an image, and compute attribution maps.

    Args:
        network: The network.
        training: Its training; None for the initial weights, to check the other arguments without training.
        number: The index of the image in the test data.
        target: The class whose score is explained; by default that of the image.
        method: A method in addition to "gradient" and "saliency", see `attribution`; by default the gradient with
            respect to the last convolution or, without one, to the first layer.
        seed: The seed of the training; it also seeds the noise of SmoothGrad.

    Raises:
        InputError: There is no such image, class, method or layer; `key` is ("image",), ("class",) or ("method",).
        GdsimError: Captum is not installed.
    """
    data = network.data
    image, target = _image_and_class(data, number, target)
    module = _module(network, seed)
    set_weights(module, None if training is None else training.weights[-1], data)
    methods = dict.fromkeys(["gradient", "saliency", method or inner_method(module, image, target)])
    with torch.no_grad():
        scores = module(image.unsqueeze(0))[0].double()
    predicted = int(scores.argmax()) if bool(scores.isfinite().all()) else None
    has_logits = predicted is not None and network.loss_name == "cross_entropy"
    return Explanation(
        image=average_channels(image, data.image),
        number=number,
        label=int(data.y_test[number]),
        target=target,
        predicted=predicted,
        probability=float(scores.softmax(0).max()) if has_logits else None,
        maps={each: attribution(module, image, target, each, size=data.image, seed=seed) for each in methods},
    )


def _module(network: Network, seed: int) -> nn.Module:
    """Return the network's module, and preserve torch's global random state."""
    with torch.random.fork_rng(devices=[]):
        return network.module(seed)


def _image_and_class(data: Data, number: int, target: int | None) -> tuple[Tensor, int]:
    """Return an image and the class to explain, by default that of the image."""
    image = torch.from_numpy(np.array(data.test_image(number, ("image",)), np.float32))
    if target is None:
        data.check_class(0, ("image",))
        return image, int(data.y_test[number])
    data.check_class(target, ("class",))
    return image, target
