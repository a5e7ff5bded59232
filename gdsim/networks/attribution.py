"""What the parts of an image do to the score of a class: a map by plain autograd, or by a method of Captum."""

from __future__ import annotations

from collections.abc import Callable
from math import isqrt
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from gdsim.errors import GdsimError, InputError, did_you_mean
from gdsim.objectives import FloatArray

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["LAYER", "METHODS", "MapMethod", "attribution", "averaged", "inner_method"]

MapMethod = Literal["gradient", "saliency", "smoothgrad", "integrated", "gradcam"]

METHODS: tuple[str, ...] = get_args(MapMethod)
"""The methods by name; beside them LAYER and a name."""

LAYER = "layer:"
"""What begins the name of a method that differentiates the score in what a layer gives."""

SAMPLES, NOISE = 32, 0.15
"""How many noisy images SmoothGrad averages over, and their noise's standard deviation as a share of the range."""

PARTS = 50
"""In how many steps the integrated gradients go from an image of zeros to the image."""

TOGETHER = 64
"""So many images at most are in memory at once."""


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
    average on the way from zeros, times the image; "gradcam" the last convolution's channels, weighted by their
    gradients, where they speak for the class, enlarged to the image; "layer:NAME" the gradient in what a layer gives,
    the last time where it is asked several times.

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
        InputError: There is no such method or layer, or no convolution, or the method fails; `key` is ("method",).
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
        offer = _meant(method, module) or f"; there are {', '.join(METHODS)} and {LAYER}NAME"
        raise InputError(f"there is no method '{method}'{offer}", ("method",))
    try:
        found = makers[method]()
    except (RuntimeError, AssertionError) as error:  # what a module of one's own may lead to
        words = str(error).partition("\n")[0]
        raise InputError(f"{method} cannot be found for this network: {words}", ("method",)) from error
    return averaged(found.detach()[0], size)


def inner_method(module: nn.Module, image: Tensor, target: int) -> str:
    """Return the method that shows what a network sees inside: at its last convolution, else at its first layer.

    Args:
        module: A network.
        image: As for `attribution`.
        target: The index of the class.
    """
    owning = (name.rpartition(".")[0] for name, _ in module.named_parameters())
    for name in filter(None, dict.fromkeys([_last_convolution(module), *owning])):
        try:
            attribution(module, image, target, LAYER + name)
        except InputError:  # a layer that gives several tensors, as a recurrent one does
            continue
        return LAYER + name
    return "gradient"


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
    another = f": name another of {_listed(module, besides=name)}"

    def keep(_: nn.Module, __: object, output: object) -> object:
        if not isinstance(output, torch.Tensor) or not output.ndim:
            raise InputError(f"the layer '{name}' gives no tensor of a batch{another}", ("method",))
        given.append(output)
        return output.clone()  # which what follows may write over

    hook = named[name].register_forward_hook(keep)
    try:
        with torch.enable_grad():
            score = module(inputs)[0, target]
        used = bool(given) and given[-1].requires_grad
        (found,) = torch.autograd.grad(score, given[-1], allow_unused=True) if used else (None,)
    finally:
        hook.remove()
    if found is None:
        raise InputError(f"the layer '{name}' has no part in the score{another}", ("method",))
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


def averaged(image: Tensor, size: tuple[int, int] | None) -> FloatArray:
    """An image (channels, rows, columns), or a flat one in that order, averaged over its channels."""
    values = image.detach().numpy().astype(np.float64)
    return np.asarray(values.reshape(-1, *(size or values.shape[-2:])).mean(0))


def _layers(module: nn.Module) -> list[str]:
    return [name for name, each in module.named_modules() if name and next(each.children(), None) is None]


def _listed(module: nn.Module, besides: str = "", most: int = 20) -> str:
    """The layers that have no layers within, in words."""
    names = [name for name in _layers(module) if name != besides]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _meant(method: str, module: nn.Module) -> str:
    """The method nearest to a mistyped one, or the layer that was named alone."""
    named = {name.casefold(): f"{LAYER}{name}" for name in _layers(module)}
    layer = named.get(method.casefold().removeprefix(LAYER).strip())
    return f"; did you mean '{layer}'?" if layer else did_you_mean(method, METHODS)


def _last_convolution(module: nn.Module) -> str | None:
    from torch import nn

    return next((name for name, each in reversed([*module.named_modules()]) if isinstance(each, nn.Conv2d)), None)
