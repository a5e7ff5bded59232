"""A network to train: module, data, loss, and the order of its mini-batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, pairwise
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gdsim.errors import GdsimError, InputError, Key, did_you_mean
from gdsim.networks.data import Data
from gdsim.objectives import describe_exception, error_location

if TYPE_CHECKING:
    from torch import Tensor, nn

NETWORKS: Mapping[str, str] = {
    "mlp": "Linear layers with an activation between them: hidden, activation, residual",
    "cnn": "convolutions of 3 × 3 pixels, then Linear layers, for images: channels, hidden, activation",
}
"""The built-in networks, each with a summary; any other name refers to a user's module."""

ACTIVATIONS: Mapping[str, str] = {
    "elu": "ELU",
    "gelu": "GELU",
    "identity": "Identity",
    "leaky_relu": "LeakyReLU",
    "relu": "ReLU",
    "sigmoid": "Sigmoid",
    "silu": "SiLU",
    "softplus": "Softplus",
    "tanh": "Tanh",
}
"""The class of `torch.nn` for each activation."""

LOSSES: Mapping[str, tuple[str, str]] = {
    "cross_entropy": ("cross_entropy", "classes"),
    "mse": ("mse_loss", "numbers"),
    "l1": ("l1_loss", "numbers"),
    "huber": ("huber_loss", "numbers"),
}
"""The function of `torch.nn.functional` for each loss, and the kind of targets that it takes."""

HIDDEN = (128,)
CHANNELS = (8, 16)
NETWORKS_OF_KEY = {
    "hidden": ("mlp", "cnn"),
    "channels": ("cnn",),
    "residual": ("mlp",),
    "activation": ("mlp", "cnn"),
    "args": (),
}
"""The built-in networks that each key applies to."""

MAX_WEIGHTS = 2_000_000  # of a network, limited because weights are kept along the whole path
INPUTS_AT_ONCE = 2**20  # input components that are evaluated at once, which bounds the memory of all layers
MAX_ACTIVATIONS = 2**29  # of all units for these examples or a mini-batch; with their gradients they take 4 GiB
LARGE_INPUT = 100  # the smallest magnitude of an input that causes a remark
SMALL_BATCH = 1 / 8  # a last mini-batch of at most this fraction of the batch size causes a remark


@dataclass(frozen=True, eq=False)
class Network:
    """A network to train, the same for all optimizers.

    Args:
        name: The name in the YAML: "mlp", "cnn", or the name of a class.
        title: The name in a picture, such as "MLP 64–128–10 on digits".
        data: The data that the network is trained and tested on.
        make: Builds the module with PyTorch's default initial weights, which depend on `torch.manual_seed`.
        loss_name: "cross_entropy", "mse", …
        batch_size: The number of examples in a mini-batch; the last of an epoch may have fewer.
        record_every: The interval in steps at which weights are kept; None for the shortest that memory allows.
        weights: The total number of weights.
        remarks: Sentences about changes made to a user's module, or about the data.
    """

    name: str
    title: str
    data: Data
    make: Callable[[], nn.Module]
    loss_name: str
    batch_size: int
    record_every: int | None
    weights: int
    remarks: tuple[str, ...] = ()

    def module(self, seed: int) -> nn.Module:
        """Build the module in training mode, with the initial weights that `torch.manual_seed(seed)` determines.

        The global random state is not restored.
        """
        import torch

        torch.manual_seed(seed)
        return self.make().train()

    @cached_property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """The shapes of the parameters."""
        import torch

        with torch.random.fork_rng(devices=[]):
            return tuple(tuple(each.shape) for each in self.module(0).parameters())

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss () of outputs (n, …) against targets (n,) or (n, outputs)."""
        from torch.nn import functional

        loss: Tensor = getattr(functional, LOSSES[self.loss_name][0])(outputs, targets)
        return loss

    def batches(self, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield mini-batches endlessly, in the order of a shuffling `DataLoader` with a generator of this seed."""
        import torch
        from torch.utils.data import DataLoader

        x, y = torch.from_numpy(self.data.x), torch.from_numpy(self.data.y)
        order = torch.Generator().manual_seed(seed)
        indices: Any = range(len(x))
        loader = DataLoader(indices, batch_size=self.batch_size, shuffle=True, generator=order)
        while True:
            for chosen in loader:
                yield x[chosen], y[chosen]


@contextmanager
def module_errors(sentence: str, key: Key = ("network",)) -> Iterator[None]:
    """Convert an exception of a user's module to an `InputError`: the sentence, with place and reason."""
    try:
        yield
    except GdsimError:
        raise
    except (Exception, SystemExit) as error:
        message = f"{sentence}{error_location(error)}: {describe_exception(error)}"
        raise InputError(message, key, code="unsupported") from error


def layer_of(parameter: str) -> str:
    """Return the name of the module that contains a parameter, or of the parameter if it is not in a submodule."""
    return parameter.rpartition(".")[0] or parameter


def network(
    name: str,
    data: Data,
    *,
    hidden: Sequence[int] | None = None,
    channels: Sequence[int] | None = None,
    residual: bool = False,
    activation: str | None = None,
    loss: str | None = None,
    batch_size: int = 64,
    record_every: int | None = None,
    args: Mapping[str, Any] | None = None,
    folder: Path | None = None,
    allow_code: bool = False,
) -> Network:
    """Build a network from the settings of a configuration, which `gdsim.config.objective.ObjectiveSpec` describes.

    A name that is not one of `NETWORKS` is that of an nn.Module, or of a function that returns one: "my_net.py:Net" in
    a folder, by default the current one, or a dotted name. Its code runs only with `allow_code`.

    Raises:
        InputError: An argument is not valid or does not fit the others; `key` names it.
    """
    _check_keys(name, hidden=hidden, channels=channels, residual=residual, activation=activation, args=args)
    loss, activation = _loss(loss, data), _known("activation", activation or "relu", ACTIVATIONS)
    remarks: tuple[str, ...] = ()
    if name == "mlp":
        title, make, weights, units = _mlp(data, HIDDEN if hidden is None else hidden, activation, residual=residual)
    elif name == "cnn":
        title, make, weights, units = _cnn(data, CHANNELS if channels is None else channels, hidden or (), activation)
    else:
        from gdsim.networks.modules import import_module, probe  # these import torch, which takes seconds

        title, make = import_module(name, args or {}, folder=folder, allow_code=allow_code)
        weights, remarks = probe(make, title, data, batch_size)
        units = 0  # not known
    _check_size(data, batch_size, weights, units)
    return Network(
        name=name if name in NETWORKS else title,
        title=f"{title} on {data.name}",
        data=data,
        make=make,
        loss_name=loss,
        batch_size=batch_size,
        record_every=record_every,
        weights=weights,
        remarks=(*remarks, *_remarks(data, batch_size)),
    )


def _check_size(data: Data, batch_size: int, weights: int, units: int) -> None:
    examples = min(len(data.x), max(batch_size, INPUTS_AT_ONCE // prod(data.x.shape[1:])))
    if weights > MAX_WEIGHTS:
        sentence = f"it has {weights:,} weights; at most {MAX_WEIGHTS:,} are trained, because their path is kept"
    elif examples * units > MAX_ACTIVATIONS:
        most = MAX_ACTIVATIONS // examples
        sentence = f"it has {units:,} units; at most {most:,} are evaluated for {examples:,} examples at once"
    else:
        return
    raise InputError(sentence, ("network",), code="too-large")


def _remarks(data: Data, batch_size: int) -> Iterator[str]:
    count, last = len(data.x), len(data.x) % batch_size
    if last < count and 0 < last <= SMALL_BATCH * batch_size:
        few = f"the last mini-batch of an epoch has {last} of {batch_size} examples, and a noisier gradient"
        yield f"{data.name}: {few}; another batch_size, or another `test` of the data, divides the {count:,} better."
    if float(np.abs(data.x).max()) >= LARGE_INPUT:
        yield f"{data.name}: x ranges from {data.x.min():g} to {data.x.max():g}; networks learn best from 0 to 1."
    holds_integers = data.classes is None and data.y.shape[1] == 1 and not (data.y % 1).any()
    if holds_integers and data.y.min() == 0 and 2 * len(np.unique(data.y)) <= len(data.y):
        sentence = "y holds whole numbers as floating-point numbers, which are regressed; for classes save integers"
        yield f"{data.name}: {sentence}."


def _check_keys(name: str, **settings: object) -> None:
    if name not in NETWORKS and name.isidentifier():
        others = f"; there are {' and '.join(NETWORKS)}, and with --allow-code modules such as my_net.py:Net"
        sentence = f"there is no network '{name}'{did_you_mean(name, NETWORKS) or others}"
        raise InputError(sentence, ("network",), code="unknown-name")
    for key in (key for key, value in settings.items() if value not in (None, False, {})):
        if name not in NETWORKS_OF_KEY[key] and (name in NETWORKS or key != "args"):
            fitting = " or ".join(NETWORKS_OF_KEY[key]) or "a module of yours"
            hint = "" if name in NETWORKS else "; the arguments of a module go into args"
            raise InputError(f"{key} is for {fitting}{hint}", (key,), code="unsupported")


def _known(key: str, name: str, known: Iterable[str]) -> str:
    if name not in known:
        offer = did_you_mean(name, known) or f"; there are {', '.join(known)}"
        raise InputError(f"there is no {key} '{name}'{offer}", (key,), code="unknown-name")
    return name


def _loss(name: str | None, data: Data) -> str:
    kind = "numbers" if data.classes is None else "classes"
    fitting = [each for each, (_, takes) in LOSSES.items() if takes == kind]
    if name is None:
        return fitting[0]
    if _known("loss", name, LOSSES) not in fitting:
        sentence = f"{name} takes {LOSSES[name][1]}, and y of {data.name} holds {kind}; use {' or '.join(fitting)}"
        raise InputError(sentence, ("loss",), code="unsupported")
    return name


def _mlp(
    data: Data, hidden: Sequence[int], activation: str, *, residual: bool
) -> tuple[str, Callable[[], nn.Module], int, int]:
    """Return the title of an MLP, a function that builds it, and its numbers of weights and units."""
    if residual and (len(hidden) < 2 or len({*hidden}) > 1):
        sentence = f"needs two or more hidden layers of one width, which can add their input, not {[*hidden]}"
        raise InputError(sentence, ("residual",), code="unsupported")
    widths = (prod(data.x.shape[1:]), *hidden, data.outputs)

    def make() -> nn.Module:
        from torch import nn

        from gdsim.networks.modules import Mlp

        return Mlp(widths, getattr(nn, ACTIVATIONS[activation]), residual=residual)

    return _titled("MLP", activation, widths, residual=residual), make, _linear_weights(widths), sum(hidden)


def _cnn(
    data: Data, channels: Sequence[int], hidden: Sequence[int], activation: str
) -> tuple[str, Callable[[], nn.Module], int, int]:
    """Return the title of a CNN, a function that builds it, and its numbers of weights and units."""
    image, outputs = data.x.shape[1:], data.outputs
    if data.image is None:
        sentence = f"cnn needs images, x of the shape (n, channels, rows, columns); {data.name} has {data.x.shape}"
        raise InputError(sentence, ("network",), code="unsupported")

    def make() -> nn.Module:
        from torch import nn

        from gdsim.networks.modules import Cnn

        return Cnn(image, channels, hidden, outputs, getattr(nn, ACTIVATIONS[activation]))

    convolutions = sum((9 * before + 1) * after for before, after in pairwise((image[0], *channels)))
    weights = convolutions + _linear_weights((channels[-1] * prod(pooled_size(image[1:])), *hidden, outputs))
    units = sum(channels) * prod(image[1:]) + sum(hidden)
    return _titled("CNN", activation, (*channels, *hidden, outputs)), make, weights, units


def _linear_weights(widths: Sequence[int]) -> int:
    """Return the number of weights and biases of Linear layers with these widths."""
    return sum((before + 1) * after for before, after in pairwise(widths))


def pooled_size(image: Sequence[int]) -> tuple[int, int]:
    """Return rows and columns of an image after 2 × 2 max pooling, which is skipped if either is 1."""
    rows, columns = image
    return (rows // 2, columns // 2) if min(rows, columns) > 1 else (rows, columns)


def _titled(kind: str, activation: str, widths: Sequence[int], *, residual: bool = False) -> str:
    """Return a title such as "Sigmoid MLP 64–8 × 32–10", in which 8 × 32 are eight layers of 32 units."""
    runs = [(width, len([*run])) for width, run in groupby(widths)]
    parts = [f"{count} × {width}" if count > 2 else "–".join([str(width)] * count) for width, count in runs]
    adjectives = ["residual"] * residual + [activation.replace("_", " ")] * (activation != "relu")
    words = " ".join([*adjectives, kind, "–".join(parts)])
    return words[0].upper() + words[1:]
