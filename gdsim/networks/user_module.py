"""Modules of one's own: found by name, and tried on two examples before anything is made of them."""

from __future__ import annotations

import inspect
import re
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

from gdsim.errors import InputError, did_you_mean
from gdsim.networks.data import Data
from gdsim.networks.network import unknown
from gdsim.networks.sizes import INPUTS_AT_ONCE, check_weights
from gdsim.objectives import describe_exception, error_location, import_function

__all__ = ["import_module", "tried"]

KEY = ("network",)
DOTTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+\Z")
IN_A_FILE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*\Z")
STATISTICS = (
    "{title}: normalisation takes the statistics of the batch at hand, in training and elsewhere: running ones are no "
    "weights, and a plane of weights has no place for them"
)


def import_module(
    name: str, args: Mapping[str, Any], *, folder: Path | None, allow_code: bool
) -> tuple[Callable[[], nn.Module], str]:
    """Return what builds a module of one's own, and what the module is called.

    Args:
        name: `"package.module.Net"` of an installed package, or `"my_net.py:Net"`; a class of modules, or a function
            that returns one, which must be let run.
        args: What is passed to it.
        folder: Where the configuration stands, the current folder when None.
        allow_code: Whether code that stands there may run.

    Raises:
        InputError: There is none of this name, it makes no module, or it does not take these arguments.
    """
    reference = _reference(name)
    try:
        found = import_function(reference, folder=folder, allow_code=allow_code)
    except InputError as error:
        raise InputError(error.message.replace(f"'{reference}'", f"'{name}'"), KEY) from error
    title = reference.rpartition(":")[2]
    if isinstance(found, type):
        if not issubclass(found, nn.Module):
            raise InputError(f"{title} is a class, but no nn.Module; it must be a subclass of torch.nn.Module", KEY)
    elif isinstance(found, nn.Module):
        kind = type(found).__name__
        raise InputError(
            f"{title} is a module already; name its class, {kind}, or a function that returns a new one", KEY
        )
    elif not allow_code:
        # What a function does with its arguments is anybody's guess: one of torch.fx runs a text as Python.
        raise InputError(f"{title} is a function, no class of nn.Module: it runs only under --allow-code", KEY)
    _check_arguments(found, title, args)
    return partial(_built, found, title, dict(args), folder), title


def _reference(name: str) -> str:
    """Return a name as `module:Class`, or `file.py:Class`."""
    if name.endswith(".py"):
        raise InputError(f"must name a class of the file, as in '{name}:Net'", KEY)
    if ":" in name:
        module, _, path = name.partition(":")
        if not IN_A_FILE.match(f"{module.removesuffix('.py')}:{path}"):
            raise InputError(f"must be 'file.py:Class', as in 'my_net.py:Net', not '{name}'", KEY)
        return name
    if not DOTTED.match(name):
        raise InputError(unknown(name), KEY)
    if private := next((word for word in name.split(".") if word.startswith("_")), None):
        raise InputError(f"'{private}' is private to its package: name a class that the package offers", KEY)
    module, _, path = name.rpartition(".")
    return f"{module}:{path}"


def _check_arguments(found: Callable[..., Any], title: str, args: Mapping[str, Any]) -> None:
    try:
        parameters = inspect.signature(found).parameters.values()
    except (TypeError, ValueError):
        return
    named = [each.name for each in parameters if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)]
    needed = [each.name for each in parameters if each.name in named and each.default is each.empty]
    if not any(each.kind is each.VAR_KEYWORD for each in parameters):
        for key in args:
            if key not in named:
                offer = did_you_mean(key, named) or (f"; it has {', '.join(named)}" if named else "")
                raise InputError(f"{title} has no argument '{key}'{offer}", ("args", key))
    if missing := [name for name in needed if name not in args]:
        raise InputError(f"{title} needs the argument '{missing[0]}': args: {{{missing[0]}: …}}", KEY)


def _built(found: Callable[..., Any], title: str, args: Mapping[str, Any], home: Path | None) -> nn.Module:
    with _told(f"{title} cannot be built", home):
        module = found(**args)
    if not isinstance(module, nn.Module):
        raise InputError(f"{title} returns no nn.Module, but {type(module).__name__}", KEY)
    for part in module.modules():
        if isinstance(part, _NormBase):
            # As PyTorch itself makes a layer that keeps no running statistics.
            part.track_running_stats = False
            part.running_mean = part.running_var = part.num_batches_tracked = None
    return module


def tried(
    make: Callable[[], nn.Module], title: str, data: Data, batch_size: int, home: Path | None
) -> tuple[int, tuple[str, ...]]:
    """Return how many weights a module has and what is to be said of it, after a try on two examples.

    Args:
        make: Builds the module.
        title: What it is called.
        data: What it will be trained on.
        batch_size: How many examples a mini-batch has; where the last has one alone, that is tried too.
        home: Where the user's own files are, so that a mistake is put down to a line of them.

    Raises:
        InputError: The module does not fit the data, or has what no plane of weights can hold.
    """
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = make().train()
        _check_parameters(module, title)
        weights = sum(each.numel() for each in module.parameters())
        check_weights(weights)
        _check_outputs(module, title, data, home)
        _check_state(module, title, data, home)
        last = len(data.x) % batch_size
        if last == 1 or batch_size == 1:
            _check_alone(module, title, data, batch_size)
        normalises = any(isinstance(part, _BatchNorm) for part in module.modules())
    return weights, (STATISTICS.format(title=title),) if normalises else ()


def _check_parameters(module: nn.Module, title: str) -> None:
    parameters = [*module.named_parameters()]
    if not parameters:
        raise InputError(f"{title} has no weights to train", KEY)
    for name, each in parameters:
        if is_lazy(each):
            raise InputError(f"{title} has the lazy weights '{name}', of no size before its first batch", KEY)
        if not each.requires_grad:
            raise InputError(f"{title} has the frozen weights '{name}'; all must be trained (requires_grad)", KEY)
        if each.dtype is not torch.float32:
            dtype = str(each.dtype).removeprefix("torch.")
            raise InputError(f"{title} has the weights '{name}' in {dtype}, and float32 is what is trained", KEY)


def _check_outputs(module: nn.Module, title: str, data: Data, home: Path | None) -> None:
    x = _first(data, 2)
    wanted = (2, data.outputs)
    with _told(f"{title} does not take a batch of {data.name}, x of the shape {tuple(x.shape)}", home):
        outputs = module(x)
    if not torch.equal(x, _first(data, 2)):
        sentence = f"{title} changes the x that it is given, as x -= 1 and ReLU(inplace=True) do; write x = x - 1"
        raise InputError(sentence, KEY)
    if not isinstance(outputs, Tensor):
        raise InputError(f"{title} returns {type(outputs).__name__}, and must return a tensor {wanted}", KEY)
    if tuple(outputs.shape) != wanted:
        each = "a score a class" if data.classes is not None else "as many numbers as y has"
        sentence = f"{title} gives {tuple(outputs.shape)} for x of the shape {tuple(x.shape)}, and must give {wanted}"
        raise InputError(f"{sentence}: {each}", KEY)
    if outputs.dtype is not torch.float32 or not outputs.requires_grad:
        raise InputError(f"{title} gives outputs that do not follow from its weights in float32", KEY)
    with _told(f"{title} cannot be differentiated", home):
        found = torch.autograd.grad(outputs.sum(), [*module.parameters()], allow_unused=True)
    unused = [name for (name, _), each in zip(module.named_parameters(), found, strict=True) if each is None]
    if unused:
        raise InputError(f"{title} has the weights '{unused[0]}', which take no part in its outputs", KEY)


def _check_state(module: nn.Module, title: str, data: Data, home: Path | None) -> None:
    """Refuse a module whose outputs depend on more than its weights."""
    x = _first(data, 2)
    before = {name: each.clone() for name, each in module.named_buffers()}
    with torch.no_grad():
        module(x)
        changed = [name for name, each in module.named_buffers() if not torch.equal(each, before[name])]
        if changed:
            raise InputError(
                f"{title} changes '{changed[0]}' in training, which is no weight and lies on no plane", KEY
            )
        module.eval()
        many = _first(data, max(2, INPUTS_AT_ONCE * len(data.x) // data.x.size))
        with _told(f"{title} fails in eval mode with {len(many)} examples at once", home):
            first, second, together = module(x), module(x), module(many)
        module.train()
    wanted = (len(many), data.outputs)
    if not isinstance(together, Tensor) or tuple(together.shape) != wanted:
        found = tuple(together.shape) if isinstance(together, Tensor) else type(together).__name__
        raise InputError(f"{title} gives {found} for {len(many)} examples in eval mode, and must give {wanted}", KEY)
    if not torch.equal(first.nan_to_num(), second.nan_to_num()):
        raise InputError(f"{title} gives other outputs each time in eval mode, for the same weights and inputs", KEY)


def _check_alone(module: nn.Module, title: str, data: Data, batch_size: int) -> None:
    try:
        module(_first(data, 1))
    except (Exception, SystemExit) as error:
        here = "each" if batch_size == 1 else f"of {len(data.x)} examples the last"
        sentence = f"{here} mini-batch has one example, which {title} does not take: {describe_exception(error)}"
        raise InputError(sentence, ("batch_size",)) from error


def _first(data: Data, count: int) -> Tensor:
    """Return the first inputs of data, as a copy of their own."""
    return torch.from_numpy(data.x[:count].copy())


@contextmanager
def _told(sentence: str, home: Path | None) -> Iterator[None]:  # noqa: ARG001
    try:
        yield
    except (Exception, SystemExit) as error:
        place = error_location(error)
        raise InputError(f"{sentence}{place}: {describe_exception(error)}", KEY) from error
