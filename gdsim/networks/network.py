"""A network to be trained: a module, its data, its loss, and the one order of its mini-batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gdsim.errors import InputError, did_you_mean
from gdsim.networks.data import Data
from gdsim.networks.sizes import check_weights, cnn_weights, mlp_weights
from gdsim.objectives import Objective, blank, from_landscape

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["ACTIVATIONS", "LOSSES", "NETWORKS", "Network", "layer_of", "network", "unknown"]

NETWORKS: Mapping[str, str] = MappingProxyType(
    {
        "mlp": "Linear layers with an activation between them: hidden, activation, residual",
        "cnn": "convolutions of 3 × 3 pixels, then Linear layers, for images: channels, hidden, activation",
    }
)
"""Our own networks, each with a line about it; beside them there are modules of one's own."""

ACTIVATIONS: Mapping[str, str] = MappingProxyType(
    {
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
)
"""The class of `torch.nn` behind each activation."""

LOSSES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "cross_entropy": ("cross_entropy", "classes"),
        "mse": ("mse_loss", "numbers"),
        "l1": ("l1_loss", "numbers"),
        "huber": ("huber_loss", "numbers"),
    }
)
"""The function of `torch.nn.functional` behind each loss, and the kind of y that it takes."""

HIDDEN = (128,)
CHANNELS = (8, 16)
BELONGINGS = {
    "hidden": ("mlp", "cnn"),
    "channels": ("cnn",),
    "residual": ("mlp",),
    "activation": ("mlp", "cnn"),
}
"""The keys that go with our own networks, not with every one of them."""


LARGE = 100
"""Inputs that are so far from 0 are worth a word."""

FEW = 1 / 8
"""The last mini-batch of an epoch is worth a word where it has at most so much of what the others have."""


class Form(NamedTuple):
    """What a network is, whatever it is trained on: its name, title and weights, and how it is built."""

    name: str
    title: str
    make: Callable[[], nn.Module]
    weights: int
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Network:
    """A network to be trained, the same for all optimizers.

    Args:
        name: What the YAML calls it: "mlp", "cnn", or the name of a class.
        title: What a picture calls it, "MLP 64–128–10 on digits".
        data: What it is trained and tested on.
        make: Builds the module with PyTorch's own initial weights, as `torch.manual_seed` makes them.
        loss_name: "cross_entropy", "mse", …
        batch_size: How many examples a mini-batch has; the last of an epoch may have fewer.
        every: Every so many steps the weights are kept; None for what memory allows.
        weights: How many weights all its parameters have together.
        remarks: What was changed about a module of one's own, or may surprise about the data, a sentence each.
    """

    name: str
    title: str
    data: Data
    make: Callable[[], nn.Module]
    loss_name: str
    batch_size: int
    every: int | None
    weights: int
    remarks: tuple[str, ...] = ()

    def module(self, seed: int) -> nn.Module:
        """Return the module with the weights that `torch.manual_seed(seed)` gives it, ready to be trained.

        Random numbers that are drawn next go on from there.
        """
        import torch

        torch.manual_seed(seed)
        return self.make().train()

    def layers(self) -> tuple[str, ...]:
        """Return what the layers are called that have weights, from the input on."""
        import torch

        with torch.random.fork_rng(devices=[]):
            names = [layer_of(name) for name, _ in self.make().named_parameters()]
        return tuple(dict.fromkeys(names))

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss () of outputs (n, …) against targets (n,) or (n, outputs)."""
        from torch.nn import functional

        found: Tensor = getattr(functional, LOSSES[self.loss_name][0])(outputs, targets)
        return found

    def batches(self, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield mini-batches without end, in the order of a `DataLoader` that shuffles by a generator of this seed."""
        import torch
        from torch.utils.data import DataLoader

        x, y = torch.from_numpy(self.data.x), torch.from_numpy(self.data.y)
        order = torch.Generator().manual_seed(seed)
        numbers: Any = range(len(x))
        loader = DataLoader(numbers, batch_size=self.batch_size, shuffle=True, generator=order)
        while True:
            for chosen in loader:
                yield x[chosen], y[chosen]

    def objective(self) -> Objective:
        """Return the objective of two coordinates that stands for the network before it is trained."""
        source = f"{self.weights:,} weights, trained on {len(self.data.x):,} examples of {self.data.name}"
        return from_landscape(blank(self.weights), name=self.name, title=self.title, source=source)


def layer_of(parameter: str) -> str:
    """Return what the layer of a parameter is called: the module that holds it, or itself where no inner one does."""
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
    every: int | None = None,
    args: Mapping[str, Any] | None = None,
    folder: Path | None = None,
    allow_code: bool = False,
) -> Network:
    """Make a network of what a YAML says of it.

    Args:
        name: One of `NETWORKS`, the dotted name of an nn.Module of an installed package, or "my_net.py:Net".
        data: What it is trained on.
        hidden: For mlp and cnn, the units of each hidden layer; [128] for mlp and none for cnn by default.
        channels: For cnn, the channels of each convolution; [8, 16] by default.
        residual: For mlp, whether hidden layers add their input to their output.
        activation: For mlp and cnn, one of `ACTIVATIONS`; relu by default.
        loss: One of `LOSSES`; that which fits the data by default.
        batch_size: How many examples a mini-batch has.
        every: Every so many steps the weights are kept.
        args: For a module of one's own, its arguments.
        folder: Where the configuration stands, the current folder when None.
        allow_code: Whether code that stands there may run.

    Raises:
        InputError: Something does not exist or does not fit; `key` says which of these.
    """
    given = {
        "hidden": hidden is not None,
        "channels": channels is not None,
        "residual": residual,
        "activation": activation is not None,
        "args": bool(args),
    }
    _check_belonging(name, given)
    loss = _loss(loss, data)
    if name == "mlp":
        form = _mlp(data, HIDDEN if hidden is None else hidden, activation or "relu", residual=residual)
    elif name == "cnn":
        form = _cnn(data, CHANNELS if channels is None else channels, hidden or (), activation or "relu")
    else:
        form = _own(name, args or {}, data, batch_size, folder, allow_code)
    check_weights(form.weights)
    return Network(
        name=form.name,
        title=f"{form.title} on {data.name}",
        data=data,
        make=form.make,
        loss_name=loss,
        batch_size=batch_size,
        every=every,
        weights=form.weights,
        remarks=(*form.remarks, *_remarks(data, batch_size)),
    )


def _remarks(data: Data, batch_size: int) -> Iterator[str]:
    """Yield what may surprise about data and mini-batches."""
    count, last = len(data.x), len(data.x) % batch_size
    if last < count and 0 < last <= FEW * batch_size:
        few = f"the last mini-batch of an epoch has {last} of {batch_size} examples, and a gradient as noisy as that"
        yield f"{data.name}: {few}; another batch_size, or test: of data, divides the {count:,} better."
    if float(np.abs(data.x).max()) >= LARGE:
        yield f"{data.name}: x goes from {data.x.min():g} to {data.x.max():g}; networks learn best from about 0 to 1."
    if data.classes is None and data.y.shape[1] == 1 and not (data.y % 1).any():
        kinds, least = len(np.unique(data.y)), data.y.min()
        if least == 0 and 2 * kinds <= len(data.y):
            sentence = "y holds whole numbers as floating ones, learnt as numbers; for classes save integers"
            yield f"{data.name}: {sentence}."


def unknown(name: str) -> str:
    """Return what to say of a name that no network has."""
    others = f"; there are {' and '.join(NETWORKS)}, nn.Modules by their dotted names, and my_net.py:Net"
    return f"there is no network '{name}'{did_you_mean(name, NETWORKS) or others}"


def _check_belonging(name: str, given: Mapping[str, bool]) -> None:
    own = name not in NETWORKS
    for key, is_given in given.items():
        if is_given and name not in BELONGINGS.get(key, ()) and not (own and key == "args"):
            homes = " or ".join(BELONGINGS.get(key, ("a module of one's own",)))
            inside = "; what a module of one's own takes goes into args" if own else ""
            raise InputError(f"{key} goes with {homes}{inside}", (key,))


def _loss(name: str | None, data: Data) -> str:
    kind = "numbers" if data.classes is None else "classes"
    fitting = [each for each, (_, takes) in LOSSES.items() if takes == kind]
    if name is None:
        return fitting[0]
    if name not in LOSSES:
        offer = did_you_mean(name, LOSSES) or f"; there are {', '.join(LOSSES)}"
        raise InputError(f"there is no loss '{name}'{offer}", ("loss",))
    if name not in fitting:
        sentence = f"{name} takes {LOSSES[name][1]}, and y of {data.name} holds {kind}; take {' or '.join(fitting)}"
        raise InputError(sentence, ("loss",))
    return name


def _activation(name: str) -> str:
    if name not in ACTIVATIONS:
        offer = did_you_mean(name, ACTIVATIONS) or f"; there are {', '.join(ACTIVATIONS)}"
        raise InputError(f"there is no activation '{name}'{offer}", ("activation",))
    return ACTIVATIONS[name]


def _mlp(data: Data, hidden: Sequence[int], activation: str, *, residual: bool) -> Form:
    kind = _activation(activation)
    if residual and (len(hidden) < 2 or len({*hidden}) > 1):
        sentence = f"needs two or more hidden layers of one width, which can add their input, not {[*hidden]}"
        raise InputError(sentence, ("residual",))

    widths = (prod(data.x.shape[1:]), *hidden, data.outputs)

    def make() -> nn.Module:
        from torch import nn

        from gdsim.networks.modules import Mlp

        return Mlp(widths, getattr(nn, kind), residual=residual)

    title = _titled("MLP", ("residual" if residual else "", _adjective(activation)), widths)
    return Form("mlp", title, make, mlp_weights(widths))


def _cnn(data: Data, channels: Sequence[int], hidden: Sequence[int], activation: str) -> Form:
    kind = _activation(activation)
    image = data.x.shape[1:]
    if data.image is None:
        sentence = f"cnn needs images, x of the shape (n, channels, rows, columns); {data.name} has {data.x.shape}"
        raise InputError(sentence, ("network",))

    def make() -> nn.Module:
        from torch import nn

        from gdsim.networks.modules import Cnn

        return Cnn(image, channels, hidden, data.outputs, getattr(nn, kind))

    title = _titled("CNN", (_adjective(activation),), (*channels, *hidden, data.outputs))
    return Form("cnn", title, make, cnn_weights(image, channels, hidden, data.outputs))


def _own(
    name: str, args: Mapping[str, Any], data: Data, batch_size: int, folder: Path | None, allow_code: bool
) -> Form:
    # torch, which takes seconds, is needed to know anything of a module of one's own.
    from gdsim.networks.user_module import import_module, tried

    make, title = import_module(name, args, folder=folder, allow_code=allow_code)
    weights, remarks = tried(make, title, data, batch_size, folder)
    return Form(title, title, make, weights, remarks)


def _adjective(activation: str) -> str:
    """Return what an activation adds to a title; relu is what is expected."""
    return "" if activation == "relu" else activation.replace("_", " ")


def _titled(kind: str, adjectives: Sequence[str], widths: Sequence[int]) -> str:
    """Return "Sigmoid MLP 64–8 × 32–10" for nine layers, of which eight have the same width."""
    runs = [(width, len([*run])) for width, run in groupby(widths)]
    parts = [f"{count} × {width}" if count > 2 else "–".join([str(width)] * count) for width, count in runs]
    words = " ".join([*filter(None, adjectives), kind, "–".join(parts)])
    return words[0].upper() + words[1:]
