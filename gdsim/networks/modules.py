"""The modules of networks: an MLP and a small CNN, with PyTorch's default initial weights, and the user's own."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm, _NormBase
from torch.nn.parameter import is_lazy

from gdsim.errors import Code, InputError, did_you_mean
from gdsim.networks.data import Data
from gdsim.networks.network import INPUTS_AT_ONCE, MAX_WEIGHTS, module_errors, pooled_size
from gdsim.objectives import import_function

KEY = ("network",)
NORMALIZATION = (
    "{title}: normalization uses the statistics of the current batch, in training and in evaluation: running "
    "statistics are not weights, so a plane of weights cannot contain them"
)


class Mlp(nn.Module):
    """Linear layers named hidden1, hidden2, …, output, with an activation between them.

    Args:
        widths: The widths of input, hidden layers and output.
        residual: Whether hidden layers that are as wide as their input add it to their output.
    """

    def __init__(self, widths: Sequence[int], activation: Callable[[], nn.Module], *, residual: bool = False) -> None:
        super().__init__()
        self.residual = residual
        self.flatten = nn.Flatten()
        self.activation = activation()
        self.hidden = _hidden_layers(self, widths[:-1])
        self.output = nn.Linear(widths[-2], widths[-1])

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs (n, outputs) for inputs (n, …)."""
        x = self.flatten(x)
        for layer in self.hidden:
            activated = self.activation(layer(x))
            x = x + activated if self.residual and layer.in_features == layer.out_features else activated
        outputs: Tensor = self.output(x)
        return outputs


class Cnn(nn.Module):
    """3 × 3 convolutions, 2 × 2 max pooling, and Linear layers, named conv1, …, hidden1, …, output.

    Args:
        image: Channels, rows and columns of an input.
        channels: The number of output channels of each convolution.
        hidden: The number of units of each hidden layer after the convolutions.
    """

    def __init__(
        self,
        image: Sequence[int],
        channels: Sequence[int],
        hidden: Sequence[int],
        outputs: int,
        activation: Callable[[], nn.Module],
    ) -> None:
        super().__init__()
        self.activation = activation()
        self.convolutions = [nn.Conv2d(*each, 3, padding=1) for each in pairwise((image[0], *channels))]
        for number, convolution in enumerate(self.convolutions, 1):
            self.add_module(f"conv{number}", convolution)
        rows, columns = pooled_size(image[1:])
        self.pool = nn.MaxPool2d(2) if (rows, columns) != tuple(image[1:]) else nn.Identity()
        self.flatten = nn.Flatten()
        widths = (channels[-1] * rows * columns, *hidden)
        self.hidden = _hidden_layers(self, widths)
        self.output = nn.Linear(widths[-1], outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs (n, outputs) for images (n, channels, rows, columns)."""
        for convolution in self.convolutions:
            x = self.activation(convolution(x))
        x = self.flatten(self.pool(x))
        for layer in self.hidden:
            x = self.activation(layer(x))
        outputs: Tensor = self.output(x)
        return outputs


def _hidden_layers(module: nn.Module, widths: Sequence[int]) -> list[nn.Linear]:
    layers = [nn.Linear(*each) for each in pairwise(widths)]
    for number, layer in enumerate(layers, 1):
        module.add_module(f"hidden{number}", layer)
    return layers


def import_module(
    name: str, args: Mapping[str, Any], *, folder: Path | None, allow_code: bool
) -> tuple[str, Callable[[], nn.Module]]:
    """Import a class of modules, or a function that returns one; return its title, and a function that builds it."""
    found = import_function(name, folder=folder, allow_code=allow_code, key=KEY)
    title = name.rpartition(":" if ":" in name else ".")[2]
    if isinstance(found, type):
        if not issubclass(found, nn.Module):
            raise _error(f"{title} is a class, but not a subclass of torch.nn.Module", "wrong-type")
    elif isinstance(found, nn.Module):
        name = type(found).__name__
        raise _error(f"{title} is a module; give its class, {name}, or a function that returns a new one", "wrong-type")
    _check_arguments(found, title, args)
    return title, partial(_build, found, title, dict(args))


def _error(sentence: str, code: Code = "unsupported") -> InputError:
    return InputError(sentence, KEY, code=code)


def _check_arguments(found: Callable[..., Any], title: str, args: Mapping[str, Any]) -> None:
    try:
        parameters = inspect.signature(found).parameters.values()
    except (TypeError, ValueError):
        return
    named = [each.name for each in parameters if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)]
    required = [each.name for each in parameters if each.name in named and each.default is each.empty]
    if not any(each.kind is each.VAR_KEYWORD for each in parameters):
        for key in args:
            if key not in named:
                offer = did_you_mean(key, named) or (f"; it has {', '.join(named)}" if named else "")
                raise InputError(f"{title} has no argument '{key}'{offer}", ("args", key), code="unknown-argument")
    if missing := [name for name in required if name not in args]:
        raise _error(f"{title} requires the argument '{missing[0]}': args: {{{missing[0]}: …}}", "missing")


def _build(found: Callable[..., Any], title: str, args: Mapping[str, Any]) -> nn.Module:
    with module_errors(f"{title} cannot be built"):
        module = found(**args)
    if not isinstance(module, nn.Module):
        raise _error(f"{title} returns {type(module).__name__}, not an nn.Module", "wrong-type")
    for part in module.modules():
        if isinstance(part, _NormBase):
            # The state of a layer that is built with track_running_stats=False.
            part.track_running_stats = False
            part.running_mean = part.running_var = part.num_batches_tracked = None
    return module


def probe(make: Callable[[], nn.Module], title: str, data: Data, batch_size: int) -> tuple[int, tuple[str, ...]]:
    """Test a module on a few examples; return its number of weights and remarks about it."""
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings(action="ignore"):
        with suppress(Exception), torch.device("meta"):  # without memory, where the module can be built so
            if (weights := _weights(make())) > MAX_WEIGHTS:
                return weights, ()
        module = make().train()
        _check_parameters(module, title)
        _check_outputs(module, title, data)
        _check_state(module, title, data)
        if batch_size == 1 or len(data.x) % batch_size == 1:
            which = "each" if batch_size == 1 else f"of {len(data.x)} examples the last"
            with module_errors(f"{which} mini-batch has one example, which {title} does not take", ("batch_size",)):
                module(_first(data, 1))
        normalizes = any(isinstance(part, _BatchNorm) for part in module.modules())
    return _weights(module), (NORMALIZATION.format(title=title),) if normalizes else ()


def _weights(module: nn.Module) -> int:
    return sum(each.numel() for each in module.parameters())


def _check_parameters(module: nn.Module, title: str) -> None:
    parameters = dict(module.named_parameters())
    if not parameters:
        raise _error(f"{title} has no weights to train")
    for name, each in parameters.items():
        reason = (
            "lazy, and their size is unknown before the first batch"
            if is_lazy(each)
            else "frozen, and all must be trained (requires_grad)"
            if not each.requires_grad
            else f"{each.dtype}, and only torch.float32 is trained"
        )
        if is_lazy(each) or not each.requires_grad or each.dtype is not torch.float32:
            raise _error(f"{title} has the weights '{name}', which are {reason}")


def _check_outputs(module: nn.Module, title: str, data: Data) -> None:
    x, wanted = _first(data, 2), (2, data.outputs)
    with module_errors(f"{title} does not take a batch of {data.name}, x of the shape {tuple(x.shape)}"):
        outputs = module(x)
    if not torch.equal(x, _first(data, 2)):
        raise _error(f"{title} changes its input x in place, as x -= 1 and ReLU(inplace=True) do; write x = x - 1")
    if not isinstance(outputs, Tensor):
        raise _error(f"{title} returns {type(outputs).__name__}, and must return a tensor {wanted}", "wrong-type")
    if tuple(outputs.shape) != wanted:
        columns = "one score per class" if data.classes is not None else "one number per column of y"
        shapes = f"{tuple(outputs.shape)} for x of the shape {tuple(x.shape)}, and must return {wanted}"
        raise _error(f"{title} returns {shapes}: {columns}")
    if outputs.dtype is not torch.float32 or not outputs.requires_grad:
        raise _error(f"{title} returns outputs that are not computed from its weights in float32")
    with module_errors(f"{title} cannot be differentiated"):
        gradients = torch.autograd.grad(outputs.sum(), [*module.parameters()], allow_unused=True)
    unused = [name for (name, _), each in zip(module.named_parameters(), gradients, strict=True) if each is None]
    if unused:
        raise _error(f"{title} has the weights '{unused[0]}', which its outputs do not depend on")


def _check_state(module: nn.Module, title: str, data: Data) -> None:
    """Raise an error if the outputs of a module depend on anything but its weights and its inputs."""
    x = _first(data, 2)
    before = {name: each.clone() for name, each in module.named_buffers()}
    with torch.no_grad():
        module(x)
        changed = [name for name, each in module.named_buffers() if not torch.equal(each, before[name])]
        if changed:
            raise _error(f"{title} changes '{changed[0]}' in training, which is not a weight and not part of a plane")
        module.eval()
        many = _first(data, max(2, INPUTS_AT_ONCE * len(data.x) // data.x.size))
        with module_errors(f"{title} fails in eval mode with {len(many)} examples at once"):
            first, second, together = module(x), module(x), module(many)
        module.train()
    wanted = (len(many), data.outputs)
    if not isinstance(together, Tensor) or tuple(together.shape) != wanted:
        found = tuple(together.shape) if isinstance(together, Tensor) else type(together).__name__
        raise _error(f"{title} returns {found} for {len(many)} examples in eval mode, and must return {wanted}")
    if not torch.equal(first.nan_to_num(), second.nan_to_num()):
        raise _error(f"{title} returns different outputs each time in eval mode, for the same weights and inputs")


def _first(data: Data, count: int) -> Tensor:
    """Return a copy of the first `count` inputs."""
    return torch.from_numpy(data.x[:count].copy())
