"""Our own modules, an MLP and a small CNN, with the initial weights that PyTorch gives their layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import Tensor, nn

from gdsim.networks.sizes import pooled

__all__ = ["Cnn", "Mlp"]


class Mlp(nn.Module):
    """Linear layers with an activation between them, called hidden1, hidden2, …, output.

    Args:
        widths: How many numbers go in, through each hidden layer, and out.
        activation: Makes what stands after each hidden layer.
        residual: Whether hidden layers that are as wide as their input add it to their output.
    """

    def __init__(self, widths: Sequence[int], activation: Callable[[], nn.Module], *, residual: bool = False) -> None:
        super().__init__()
        self.residual = residual
        self.flatten = nn.Flatten()
        self.activation = activation()
        *hidden, last = pairwise(widths)
        self.hidden = [nn.Linear(*each) for each in hidden]
        for number, layer in enumerate(self.hidden, 1):
            self.add_module(f"hidden{number}", layer)
        self.output = nn.Linear(*last)

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs (n, outputs) for inputs (n, …)."""
        x = self.flatten(x)
        for layer in self.hidden:
            led = self.activation(layer(x))
            x = x + led if self.residual and layer.in_features == layer.out_features else led
        outputs: Tensor = self.output(x)
        return outputs


class Cnn(nn.Module):
    """Convolutions of 3 × 3 pixels, a maximum over each 2 × 2, and Linear layers: conv1, …, hidden1, …, output.

    Args:
        image: Channels, rows and columns of an input.
        channels: How many channels each convolution has.
        hidden: How many units each hidden layer has after them.
        outputs: How many numbers come out.
        activation: Makes what stands after each convolution and each hidden layer.
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
        rows, columns = pooled(image[1:])
        self.pool = nn.MaxPool2d(2) if (rows, columns) != tuple(image[1:]) else nn.Identity()
        self.flatten = nn.Flatten()
        *widths, last = pairwise((channels[-1] * rows * columns, *hidden, outputs))
        self.hidden = [nn.Linear(*each) for each in widths]
        for number, layer in enumerate(self.hidden, 1):
            self.add_module(f"hidden{number}", layer)
        self.output = nn.Linear(*last)

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs (n, outputs) for images (n, channels, rows, columns)."""
        for convolution in self.convolutions:
            x = self.activation(convolution(x))
        x = self.flatten(self.pool(x))
        for layer in self.hidden:
            x = self.activation(layer(x))
        outputs: Tensor = self.output(x)
        return outputs
