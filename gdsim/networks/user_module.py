"""Import and validation of modules of the user's own."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm, _NormBase
from torch.nn.parameter import is_lazy

from gdsim.errors import Code, InputError, did_you_mean
from gdsim.networks.data import Data
from gdsim.networks.evaluation import INPUTS_AT_ONCE
from gdsim.networks.network import unknown_network
from gdsim.objectives import describe_exception, error_location, import_function

__all__ = ["import_module", "probe"]

KEY = ("network",)
NORMALIZATION = (
    "{title}: normalization uses the statistics of the current batch, in training and in evaluation: running "
    "statistics are not weights, so a plane of weights cannot contain them"
)


def import_module(
    name: str, args: Mapping[str, Any], *, folder: Path | None, allow_code: bool
) -> tuple[Callable[[], nn.Module], str]:
    """Import a class of modules, or a function that returns one; return a function that builds it, and a title."""
    if name.isidentifier():
        raise _error(unknown_network(name), "unknown-name")
    found = import_function(name, folder=folder, allow_code=allow_code, key=KEY)
    title = name.rpartition(":" if ":" in name else ".")[2]
    if isinstance(found, type):
        if not issubclass(found, nn.Module):
            raise _error(f"{title} is a class, but not a subclass of torch.nn.Module", "wrong-type")
    elif isinstance(found, nn.Module):
        name = type(found).__name__
        raise _error(f"{title} is a module; give its class, {name}, or a function that returns a new one", "wrong-type")
    _check_arguments(found, title, args)
    return partial(_build, found, title, dict(args)), title


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
    with _failures(f"{title} cannot be built"):
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
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = make().train()
        _check_parameters(module, title)
        _check_outputs(module, title, data)
        _check_state(module, title, data)
        if batch_size == 1 or len(data.x) % batch_size == 1:
            _check_single_example(module, title, data, batch_size)
        normalizes = any(isinstance(part, _BatchNorm) for part in module.modules())
    weights = sum(each.numel() for each in module.parameters())
    return weights, (NORMALIZATION.format(title=title),) if normalizes else ()


def _check_parameters(module: nn.Module, title: str) -> None:
    parameters = [*module.named_parameters()]
    if not parameters:
        raise _error(f"{title} has no weights to train")
    for name, each in parameters:
        if is_lazy(each):
            raise _error(f"{title} has the lazy weights '{name}', whose size is unknown before the first batch")
        if not each.requires_grad:
            raise _error(f"{title} has the frozen weights '{name}'; all must be trained (requires_grad)")
        if each.dtype is not torch.float32:
            dtype = str(each.dtype).removeprefix("torch.")
            raise _error(f"{title} has the weights '{name}' in {dtype}; only float32 is trained")


def _check_outputs(module: nn.Module, title: str, data: Data) -> None:
    x, wanted = _first(data, 2), (2, data.outputs)
    with _failures(f"{title} does not take a batch of {data.name}, x of the shape {tuple(x.shape)}"):
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
    with _failures(f"{title} cannot be differentiated"):
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
        with _failures(f"{title} fails in eval mode with {len(many)} examples at once"):
            first, second, together = module(x), module(x), module(many)
        module.train()
    wanted = (len(many), data.outputs)
    if not isinstance(together, Tensor) or tuple(together.shape) != wanted:
        found = tuple(together.shape) if isinstance(together, Tensor) else type(together).__name__
        raise _error(f"{title} returns {found} for {len(many)} examples in eval mode, and must return {wanted}")
    if not torch.equal(first.nan_to_num(), second.nan_to_num()):
        raise _error(f"{title} returns different outputs each time in eval mode, for the same weights and inputs")


def _check_single_example(module: nn.Module, title: str, data: Data, batch_size: int) -> None:
    try:
        module(_first(data, 1))
    except (Exception, SystemExit) as error:
        which = "each" if batch_size == 1 else f"of {len(data.x)} examples the last"
        reason = f"which {title} does not take: {describe_exception(error)}"
        raise InputError(
            f"{which} mini-batch has one example, {reason}", ("batch_size",), code="unsupported"
        ) from error


def _first(data: Data, count: int) -> Tensor:
    """Return a copy of the first `count` inputs."""
    return torch.from_numpy(data.x[:count].copy())


@contextmanager
def _failures(sentence: str) -> Iterator[None]:
    try:
        yield
    except (Exception, SystemExit) as error:
        raise _error(f"{sentence}{error_location(error)}: {describe_exception(error)}") from error
