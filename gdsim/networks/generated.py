"""Examples that are generated: two kinds of points in the plane to tell apart, and a curve to follow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from gdsim.objectives import FloatArray

__all__ = ["GENERATED", "Generator"]

Examples = tuple[FloatArray, npt.NDArray[Any]]


class Generator(NamedTuple):
    """How examples are generated.

    Attributes:
        examples: Takes their number and what draws them; returns x (n, inputs) and y, the class (n,) of each or
            numbers (n, outputs), both without noise.
        noise: The standard deviation of the noise that is added to them by default.
        noisy: What the noise is added to.
        summary: What they are, in a line.
    """

    examples: Callable[[int, np.random.Generator], Examples]
    noise: float
    noisy: Literal["x", "y"]
    summary: str


def _moons(n: int, chance: np.random.Generator) -> Examples:
    labels = np.arange(n) % 2
    angles = np.pi * chance.random(n)
    upper = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    lower = np.stack([1 - np.cos(angles), 0.5 - np.sin(angles)], axis=1)
    return np.where(labels[:, None] == 0, upper, lower), labels


def _spirals(n: int, chance: np.random.Generator) -> Examples:
    labels = np.arange(n) % 2
    along = np.sqrt(chance.random(n))
    angles = 3 * np.pi * along + np.pi * labels
    return np.stack([along * np.cos(angles), along * np.sin(angles)], axis=1), labels


def _curve(n: int, chance: np.random.Generator) -> Examples:
    x = chance.uniform(-3, 3, (n, 1))
    return x, np.sin(2 * x) + 0.3 * x


GENERATED: Mapping[str, Generator] = MappingProxyType(
    {
        "moons": Generator(_moons, 0.15, "x", "two classes in the plane, two half-moons that interlock"),
        "spirals": Generator(_spirals, 0.02, "x", "two classes in the plane, two spirals within each other"),
        "regression": Generator(_curve, 0.1, "y", "a number for a number, sin 2x + 0.3x from −3 to 3"),
    }
)
"""What can be generated, by the name that the YAML calls it."""
