"""How large networks are: our own, known before they are built, and how large one may be."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from gdsim.errors import InputError

__all__ = ["INPUTS_AT_ONCE", "MOST_WEIGHTS", "check_weights", "cnn_weights", "mlp_weights", "pooled"]

MOST_WEIGHTS = 2_000_000

INPUTS_AT_ONCE = 2**20
"""So many numbers of inputs are evaluated at once, which bounds the memory that all layers take."""


def check_weights(count: int) -> None:
    """Refuse a network of too many weights.

    Raises:
        InputError: There are more than `MOST_WEIGHTS`.
    """
    if count > MOST_WEIGHTS:
        sentence = f"it has {count:,} weights; at most {MOST_WEIGHTS:,} are trained, whose whole path is kept"
        raise InputError(sentence, ("network",))


def mlp_weights(widths: Sequence[int]) -> int:
    """Return how many weights an MLP has, biases included, from how many numbers go in, through and out."""
    return sum((before + 1) * after for before, after in pairwise(widths))


def cnn_weights(image: Sequence[int], channels: Sequence[int], hidden: Sequence[int], outputs: int) -> int:
    """Return how many weights a CNN has, for images of (channels, rows, columns)."""
    convolutions = sum((9 * before + 1) * after for before, after in pairwise((image[0], *channels)))
    rows, columns = pooled(image[1:])
    return convolutions + mlp_weights((channels[-1] * rows * columns, *hidden, outputs))


def pooled(image: Sequence[int]) -> tuple[int, int]:
    """Return the rows and columns that are left of an image by a maximum over each 2 × 2, where it has so many."""
    rows, columns = image
    return (rows // 2, columns // 2) if min(rows, columns) > 1 else (rows, columns)
