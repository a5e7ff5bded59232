"""Attribution maps: the effect of each part of an image on the score of a class."""

from __future__ import annotations

from math import isqrt

import numpy as np
import torch
from torch import Tensor, nn

from gdsim.errors import GdsimError, InputError, did_you_mean
from gdsim.networks.network import module_errors
from gdsim.objectives import FloatArray

METHODS = ("gradient", "saliency", "smoothgrad", "integrated", "gradcam")
"""The names of the methods; a method may also be `LAYER` followed by the name of a layer."""

LAYER = "layer:"  # the prefix of a method that differentiates the score with respect to the output of a layer
SAMPLES, NOISE = 32, 0.15  # noisy images that SmoothGrad averages, and their standard deviation as a share of the range
INTEGRATION_STEPS = 50  # of integrated gradients, from an image of zeros to the image
MAX_BATCH = 64  # images that are evaluated at once
LISTED = 20  # layers that an error names

KEY = ("method",)


def attribution(
    module: nn.Module,
    image: Tensor,
    target: int,
    method: str,
    *,
    size: tuple[int, int] | None = None,
    seed: int = 0,
) -> FloatArray:
    """Return an attribution map of an image, averaged over channels.

    The score is the module's output for the class, before any softmax. The methods are:

    - "gradient": the gradient of the score with respect to the image;
    - "saliency": the absolute value of the gradient;
    - "smoothgrad": the gradient, averaged over noisy images;
    - "integrated": the gradient, averaged between an image of zeros and the image, times the image;
    - "gradcam": the channels of the last convolution, weighted by their gradients, where their sum is positive,
      enlarged to the size of the image;
    - "layer:NAME": the gradient with respect to the output of a layer, the last one if it is evaluated several times.

    Args:
        module: A network whose output for an image does not depend on the rest of a batch.
        image: (channels, rows, columns), or flat if the module takes it so, without a batch axis.
        target: The index of the class.
        method: One of the methods above.
        size: Rows and columns of a flat image.
        seed: Seeds the noise of SmoothGrad.

    Returns:
        (rows, columns) of the image; for a layer those of its channels, or its units in a rectangle, padded with NaN.
    """
    inputs = image.detach().clone().unsqueeze(0).requires_grad_()
    if method.startswith(LAYER):
        return _as_picture(_layer_gradient(module, inputs, target, method.removeprefix(LAYER)))
    if method not in METHODS:
        layers = [LAYER + name for name in _layers(module)]
        meant = LAYER + method if LAYER + method in layers else method
        offer = did_you_mean(meant, [*METHODS, *layers]) or f"; there are {', '.join(METHODS)} and {LAYER}NAME"
        raise InputError(f"there is no method '{method}'{offer}", KEY, code="unknown-name")
    with module_errors(f"{method} cannot be computed for this network", KEY):
        found = _map(module, inputs, target, method, size, seed)
    return average_channels(found.detach()[0], size)


def inner_method(module: nn.Module, image: Tensor, target: int) -> str:
    """Return the method for the last convolution or, without one, for the first layer that has a gradient."""
    owners = (name.rpartition(".")[0] for name, _ in module.named_parameters())
    for name in filter(None, dict.fromkeys([_last_convolution(module), *owners])):
        try:
            attribution(module, image, target, LAYER + name)
        except InputError:  # a layer with several outputs, such as a recurrent one
            continue
        return LAYER + name
    return "gradient"


def average_channels(image: Tensor, size: tuple[int, int] | None) -> FloatArray:
    """Average an image (channels, rows, columns), or a flat one in that order, over its channels."""
    values = image.detach().numpy().astype(np.float64)
    return np.asarray(values.reshape(-1, *(size or values.shape[-2:])).mean(0))


def _map(
    module: nn.Module, inputs: Tensor, target: int, method: str, size: tuple[int, int] | None, seed: int
) -> Tensor:
    """Return the map of an input, in its shape; that of "gradcam" has a single channel."""
    found: Tensor
    if method in ("gradient", "saliency"):
        with torch.enable_grad():
            (found,) = torch.autograd.grad(module(inputs)[0, target], inputs)
        return found.abs() if method == "saliency" else found
    try:
        from captum import attr
    except ModuleNotFoundError as error:
        raise GdsimError("attribution maps need captum: pip install 'gdsim[networks]'") from error
    if method == "integrated":
        integrated = attr.IntegratedGradients(module)
        found = integrated.attribute(inputs, target=target, n_steps=INTEGRATION_STEPS, internal_batch_size=MAX_BATCH)
    elif method == "gradcam":
        last = _last_convolution(module)
        if last is None:
            sentence = f"gradcam requires a convolution; the network has {_layer_list(module)}"
            raise InputError(sentence, KEY, code="unsupported")
        found = attr.LayerGradCam(module, module.get_submodule(last)).attribute(inputs, target, relu_attributions=True)
        found = attr.LayerAttribution.interpolate(found, size or inputs.shape[-2:], interpolate_mode="bilinear")
    else:
        span = float(inputs.detach().max() - inputs.detach().min()) or 1.0
        # Captum draws from torch's global generator.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            found = attr.NoiseTunnel(attr.Saliency(module)).attribute(
                inputs, nt_type="smoothgrad", nt_samples=SAMPLES, stdevs=NOISE * span, target=target, abs=False
            )
    return found


def _layer_gradient(module: nn.Module, inputs: Tensor, target: int, name: str) -> FloatArray:
    """Return the gradient of the score with respect to the output of a layer, without the batch axis."""
    named = dict(module.named_modules())
    if not name or name not in named:
        offer = did_you_mean(name, _layers(module)) or f"; there are {_layer_list(module)}"
        raise InputError(f"there is no layer '{name}'{offer}", KEY, code="unknown-name")
    outputs: list[Tensor] = []
    others = f": use one of {_layer_list(module, without=name)}"

    def keep(_: nn.Module, __: object, output: object) -> object:
        if not isinstance(output, torch.Tensor) or not output.ndim:
            raise InputError(f"the output of layer '{name}' is not a batched tensor{others}", KEY, code="unsupported")
        outputs.append(output)
        return output.clone()  # the next layer may modify it in place

    hook = named[name].register_forward_hook(keep)
    try:
        with torch.enable_grad():
            score = module(inputs)[0, target]
        used = bool(outputs) and outputs[-1].requires_grad
        (gradient,) = torch.autograd.grad(score, outputs[-1], allow_unused=True) if used else (None,)
    finally:
        hook.remove()
    if gradient is None:
        raise InputError(f"the score does not depend on the layer '{name}'{others}", KEY, code="unsupported")
    return np.asarray(gradient[0].detach().numpy(), np.float64)


def _as_picture(values: FloatArray) -> FloatArray:
    """Convert the values of a layer to two dimensions: averaged over channels, or units arranged row by row."""
    while values.ndim > 2:
        values = values.mean(0)
    if values.ndim == 2:
        return values
    units = values.reshape(-1)
    rows = next(each for each in range(isqrt(len(units)), 0, -1) if len(units) % each == 0)
    if len(units) > 4 * rows * rows:  # avoids a long strip, but requires padding
        rows = isqrt(len(units))
    columns = -(-len(units) // rows)
    return np.pad(units, (0, rows * columns - len(units)), constant_values=np.nan).reshape(rows, columns)


def _layers(module: nn.Module) -> list[str]:
    """Return the names of the layers that contain no other layers."""
    return [name for name, each in module.named_modules() if name and next(each.children(), None) is None]


def _layer_list(module: nn.Module, without: str = "") -> str:
    names = [name for name in _layers(module) if name != without]
    return ", ".join(names[:LISTED]) + (f" and {len(names) - LISTED} more" if len(names) > LISTED else "")


def _last_convolution(module: nn.Module) -> str | None:
    return next((name for name, each in reversed([*module.named_modules()]) if isinstance(each, nn.Conv2d)), None)
