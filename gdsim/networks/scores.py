"""A trained module that scores one example at a time, as if no other were in its batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gdsim.errors import InputError
from gdsim.networks.data import Data

if TYPE_CHECKING:
    from torch import nn

__all__ = ["class_problem", "image_of", "settle"]


def settle(module: nn.Module, weights: npt.NDArray[np.float32] | None, data: Data) -> None:
    """Give a module its weights, and make what it says of an example independent of all others.

    Dropout rests. Batch normalisation, which keeps no running statistics here, takes those of all training data.

    Args:
        module: What was trained; it is changed, and its parameters want no gradients any more.
        weights: (weights,) all its parameters one after the other; None for those it has.
        data: What it was trained on.
    """
    import torch
    from torch.nn.modules.batchnorm import _BatchNorm

    module.requires_grad_(False)
    if weights is not None:
        torch.nn.utils.vector_to_parameters(torch.from_numpy(np.array(weights, np.float32)), module.parameters())
    module.eval()
    norms = [each for each in module.modules() if isinstance(each, _BatchNorm)]
    for each in norms:
        like = next(module.parameters())
        each.running_mean, each.running_var = like.new_zeros(each.num_features), like.new_ones(each.num_features)
        each.track_running_stats, each.momentum = True, 1.0  # the last batch alone counts, and there is one
        each.train()
    if norms:
        with torch.no_grad():
            module(torch.from_numpy(np.array(data.x, np.float32)))
        module.eval()


def class_problem(data: Data, target: int) -> str:
    """Return why data has no class of a number, or nothing."""
    if data.classes is None:
        return f"the data {data.name} has numbers to learn and no classes"
    if not 0 <= target < data.classes:
        return f"there is no class {target}; the classes of {data.name} are 0 to {data.classes - 1}"
    return ""


def image_of(data: Data, number: int, key: tuple[str | int, ...] = ()) -> npt.NDArray[np.float32]:
    """Return an image of the test data, in the shape that the network takes, without that of a batch.

    Args:
        data: Where it is found.
        number: Which one, from 0.
        key: What a mistake is put down to.

    Raises:
        InputError: There is no such image.
    """
    if data.image is None:
        others = "digits has, and an .npz file whose x is (n, channels, rows, columns)"
        raise InputError(f"the data {data.name} has no images; {others}", key)
    count = len(data.x_test)
    if not count:
        raise InputError(f"the data {data.name} has no images to test with: give it a share, as in test: 0.25", key)
    if not 0 <= number < count:
        raise InputError(f"there is no image {number}; the test images of {data.name} are 0 to {count - 1}", key)
    return np.asarray(data.x_test[number])
