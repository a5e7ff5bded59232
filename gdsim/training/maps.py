"""What the pixels of an image do to the score of a class: maps by plain autograd, and by Captum's methods."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from gdsim.errors import GdsimError, InputError, did_you_mean
from gdsim.networks import Data, Network
from gdsim.networks.scores import class_problem, image_of, settle
from gdsim.objectives import FloatArray
from gdsim.training.loop import Track
from gdsim.trajectory import Maps, Training

if TYPE_CHECKING:
    from torch import Tensor, nn

    from gdsim.config.appearance import SaliencySpec

__all__ = ["LAYER", "METHODS", "Explanation", "attribution", "explain", "maps"]

METHODS = ("gradient", "saliency", "smoothgrad", "integrated", "gradcam")
"""The methods by name; beside them LAYER and a name."""

LAYER = "layer:"
"""What begins the name of a method that differentiates the score in what a layer gives."""

SAMPLES, NOISE = 32, 0.15
"""How many noisy images SmoothGrad averages over, and their noise's standard deviation as a share of the range."""

PARTS = 50
"""In how many steps the integrated gradients go from black to the image."""

TOGETHER = 64
"""So many images at most are in memory at once."""

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


def maps(network: Network, training: Training, saliency: SaliencySpec, *, seed: int, track: Track = iter) -> Maps:
    """Return how the map of an image changes along a training path.

    Args:
        network: What was trained.
        training: Its weights at the steps that were kept; of more than `MOMENTS`, evenly chosen ones are looked at.
        saliency: Which image, which class and which method.
        seed: What the network was trained by; draws the noise of SmoothGrad, the same at each step.
        track: Wraps the iterable of steps.

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
    for row in track(rows.tolist()):
        settle(module, training.weights[row], data)
        try:
            made.append(attribution(module, image, target, saliency.method, size=data.image, seed=seed))
        except InputError as error:
            raise InputError(str(error), ("view", "saliency", "method")) from error
    found = np.stack(made)
    return Maps(
        image=_averaged(image, data.image),
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
        method: What is made beside the gradient and its saliency: one of `METHODS`, or "layer:" with the name of a
            layer; when None the gradient in the last convolution, else in the first layer.
        seed: What the network was trained by; draws the noise of SmoothGrad.

    Raises:
        InputError: There is no such image, class, method or layer; `key` is ("image",), ("class",) or ("method",).
        GdsimError: Captum is missing.
    """
    data = network.data
    image, target = _asked(data, number, target, ())
    module = _module(network, seed)
    settle(module, None if training is None else training.weights[-1], data)
    wanted = dict.fromkeys(["gradient", "saliency", method or _default(module)])
    scores = _scores(module, image)
    said = int(scores.argmax()) if np.isfinite(scores).all() else None
    return Explanation(
        image=_averaged(image, data.image),
        number=number,
        label=int(data.y_test[number]),
        target=target,
        said=said,
        sure=None if said is None or network.loss_name != "cross_entropy" else _probability(scores, said),
        maps={each: attribution(module, image, target, each, size=data.image, seed=seed) for each in wanted},
    )


def attribution(
    module: nn.Module,
    image: Tensor,
    target: int,
    method: str,
    *,
    size: tuple[int, int] | None = None,
    seed: int = 0,
) -> FloatArray:
    """Return a map of what the parts of an image do to the score of a class, averaged over channels.

    The score is the module's own output for the class, before any softmax. "gradient" is that of the score in the
    image, by autograd; "saliency" its absolute value; "smoothgrad" its average over noisy images; "integrated" its
    average on the way from black, times the image; "gradcam" the last convolution's channels, weighted by their
    gradients, where they speak for the class, enlarged to the image; "layer:NAME" the gradient in what a layer gives.

    Args:
        module: A network, whose answer to an image does not depend on what else is in a batch.
        image: The image as the module takes it, (channels, rows, columns) or flat, without a batch's axis.
        target: The index of the class.
        method: One of `METHODS`, or "layer:" with the name of a layer.
        size: Rows and columns of a flat image.
        seed: Draws the noise of SmoothGrad.

    Returns:
        (rows, columns) of the image; for a layer of its channels, and where it has none of its units, filled up with
        NaN to a rectangle.

    Raises:
        InputError: There is no such method or layer, or no convolution; `key` is ("method",).
        GdsimError: Captum is missing.
    """
    inputs = image.detach().clone().unsqueeze(0).requires_grad_()
    if method.startswith(LAYER):
        return _spread(_gradient_in(module, inputs, target, method.removeprefix(LAYER)))
    makers: dict[str, Callable[[], Tensor]] = {
        "gradient": lambda: _gradient(module, inputs, target),
        "saliency": lambda: _captum().Saliency(module).attribute(inputs, target=target),
        "smoothgrad": lambda: _smoothgrad(module, inputs, target, seed),
        "integrated": lambda: (
            _captum()
            .IntegratedGradients(module)
            .attribute(inputs, target=target, n_steps=PARTS, internal_batch_size=TOGETHER)
        ),
        "gradcam": lambda: _gradcam(module, inputs, target, size),
    }
    if method not in makers:
        offer = did_you_mean(method, METHODS) or f"; there are {', '.join(METHODS)} and {LAYER}NAME"
        raise InputError(f"there is no method '{method}'{offer}", ("method",))
    return _averaged(makers[method]().detach()[0], size)


def _captum() -> Any:
    """Captum's methods, which are an extra."""
    try:
        from captum import attr
    except ModuleNotFoundError as error:
        raise GdsimError("maps of saliency need captum: pip install 'gdsim[networks]'") from error
    return attr


def _gradient(module: nn.Module, inputs: Tensor, target: int) -> Tensor:
    import torch

    with torch.enable_grad():
        (found,) = torch.autograd.grad(module(inputs)[0, target], inputs)
    return found


def _smoothgrad(module: nn.Module, inputs: Tensor, target: int, seed: int) -> Tensor:
    import torch

    attr = _captum()
    spread = float(inputs.detach().max() - inputs.detach().min())
    # Captum draws from the one generator that everything else draws from, too.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        found: Tensor = attr.NoiseTunnel(attr.Saliency(module)).attribute(
            inputs,
            nt_type="smoothgrad",
            nt_samples=SAMPLES,
            nt_samples_batch_size=min(SAMPLES, TOGETHER),
            stdevs=NOISE * (spread or 1.0),
            target=target,
            abs=False,
        )
    return found


def _gradcam(module: nn.Module, inputs: Tensor, target: int, size: tuple[int, int] | None) -> Tensor:
    attr, last = _captum(), _last_convolution(module)
    if last is None:
        has = _listed(module)
        raise InputError(f"gradcam looks at the last convolution, and the network has none; it has {has}", ("method",))
    found = attr.LayerGradCam(module, module.get_submodule(last)).attribute(inputs, target, relu_attributions=True)
    enlarged: Tensor = attr.LayerAttribution.interpolate(found, size or inputs.shape[-2:], interpolate_mode="bilinear")
    return enlarged


def _gradient_in(module: nn.Module, inputs: Tensor, target: int, name: str) -> FloatArray:
    """The gradient of the score in what a layer gives, without the batch's axis."""
    import torch

    named = dict(module.named_modules())
    if not name or name not in named:
        offer = did_you_mean(name, _layers(module)) or f"; there are {_listed(module)}"
        raise InputError(f"there is no layer '{name}'{offer}", ("method",))
    given: list[Tensor] = []

    def keep(_: nn.Module, __: object, output: object) -> object:
        if not isinstance(output, torch.Tensor):
            raise InputError(f"the layer '{name}' gives no tensor: name another of {_listed(module)}", ("method",))
        given.append(output)
        return output.clone()  # which what follows may write over

    hook = named[name].register_forward_hook(keep)
    try:
        with torch.enable_grad():
            score = module(inputs)[0, target]
        (found,) = torch.autograd.grad(score, given[-1], allow_unused=True) if given else (None,)
    finally:
        hook.remove()
    if found is None:
        raise InputError(f"the layer '{name}' has no part in the score: name another of {_listed(module)}", ("method",))
    return np.asarray(found[0].detach().numpy(), np.float64)


def _spread(values: FloatArray) -> FloatArray:
    """What a layer has, as a picture: averaged over its channels, or its units row by row."""
    while values.ndim > 2:
        values = values.mean(0)
    if values.ndim == 2:
        return values
    units = values.reshape(-1)
    rows = next(each for each in range(isqrt(len(units)), 0, -1) if len(units) % each == 0)
    if len(units) > 4 * rows * rows:  # so long a strip that units left open at the end are better
        rows = isqrt(len(units))
    columns = -(-len(units) // rows)
    return np.pad(units, (0, rows * columns - len(units)), constant_values=np.nan).reshape(rows, columns)


def _averaged(image: Tensor, size: tuple[int, int] | None) -> FloatArray:
    """An image (channels, rows, columns), or a flat one in that order, averaged over its channels."""
    values = image.detach().numpy().astype(np.float64)
    return np.asarray(values.reshape(-1, *(size or values.shape[-2:])).mean(0))


def _layers(module: nn.Module) -> list[str]:
    return [name for name, each in module.named_modules() if name and next(each.children(), None) is None]


def _listed(module: nn.Module, most: int = 20) -> str:
    """The layers that have no layers within, in words."""
    names = _layers(module)
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _last_convolution(module: nn.Module) -> str | None:
    from torch import nn

    return next((name for name, each in reversed([*module.named_modules()]) if isinstance(each, nn.Conv2d)), None)


def _default(module: nn.Module) -> str:
    """The method that shows what a network sees inside: at its last convolution, or its first layer."""
    owning = (name.rpartition(".")[0] for name, _ in module.named_parameters())
    name = _last_convolution(module) or next((name for name in owning if name), None)
    return "gradient" if name is None else LAYER + name


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
