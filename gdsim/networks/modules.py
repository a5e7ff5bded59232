"""The built-in modules, an MLP and a small CNN, with PyTorch's default initial weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import Tensor, nn

from gdsim.networks.network import pooled_size

__all__ = ["Cnn", "Mlp"]


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
