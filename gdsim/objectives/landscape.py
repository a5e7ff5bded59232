"""The loss of a network on a plane through its weights, and the objective of two coordinates made of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from gdsim.objectives.interpolation import interpolate
from gdsim.objectives.objective import FloatArray, Objective
from gdsim.objectives.samples import Samples

if TYPE_CHECKING:
    from torch import Tensor

ON_PLANE = 1e-6
"""Weights nearer to a plane than so many sides of its view lie on it."""


@dataclass(frozen=True, eq=False)
class Landscape:
    """The loss of a network on a plane through its weights.

    A spot (a, b) of the plane stands for the weights `origin + a · axes[0] + b · axes[1]`; a and b are distances in
    the space of all weights.

    Args:
        plane: What the plane was asked for as, see `plane_name`; empty before it is known.
        origin: (weights,) the weights at the spot (0, 0).
        axes: (2, weights) orthonormal directions.
        x: (columns,) grid positions along the first direction, ascending.
        y: (rows,) grid positions along the second direction, ascending.
        values: (rows, columns) the loss there; NaN where it is not finite.
        places: (side², 2) the spots of a regular, cell-centred grid of an odd number of places a side, row by row from
            the lowest.
        gradients: (side², 2) the loss's true gradient there, along the two directions.
        share: How much of the paths' variance about the origin lies in the plane, 0 to 1; NaN where nothing moves.
        examples: On how many of the training examples all this was computed.
        of: How many there are.
        marks: (m, 2) the spots of the recordings that the plane was laid through; none of any other plane.
        mark_names: What these recordings are called, m words.
    """

    plane: str
    origin: FloatArray
    axes: FloatArray
    x: FloatArray
    y: FloatArray
    values: FloatArray
    places: FloatArray
    gradients: FloatArray
    share: float
    examples: int
    of: int
    marks: FloatArray = field(default_factory=lambda: np.zeros((0, 2)))
    mark_names: tuple[str, ...] = ()

    @property
    def bounds(self) -> FloatArray:
        """(2, 2) the low and high end of the view along each direction."""
        return np.array([[self.x[0], self.x[-1]], [self.y[0], self.y[-1]]])

    @property
    def leaves_out(self) -> bool:
        """Whether there is more than the plane, and it is known how much of the paths lies in it."""
        return len(self.origin) > 2 and bool(np.isfinite(self.share))

    @property
    def held(self) -> str:
        """The share in per cent, in words; what is not quite all, or not quite nothing, does not round to it."""
        words = f"{100 * self.share:.1f}"
        if words == "100.0" and self.share < 1 - 1e-6:
            return "over 99.9 %"
        return "under 0.1 %" if words == "0.0" and self.share > 0 else f"{words} %"

    def is_off(self, distance: float) -> bool:
        """Tell whether weights at a distance from the plane are seen beside it, and do not lie on it."""
        return distance > ON_PLANE * float(np.diff(self.bounds).max())

    def lift(self, spots: FloatArray) -> FloatArray:
        """Return the weights (…, weights) that spots (…, 2) stand for."""
        return self.origin + spots @ self.axes

    def project(self, weights: FloatArray) -> FloatArray:
        """Return the spots (…, 2) nearest to weights (…, weights)."""
        return np.asarray((weights - self.origin) @ self.axes.T)

    def distance(self, weights: FloatArray) -> FloatArray:
        """Return how far weights (…, weights) lie from the plane, (…)."""
        return np.asarray(np.linalg.norm(weights - self.lift(self.project(weights)), axis=-1))


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class NetworkObjective(Objective):
    """The loss of a network whose weights are trained, on a plane through them.

    Args:
        landscape: The loss on the plane; a point of the objective is a spot of it.
    """

    kind = "network"

    landscape: Landscape


def plane_name(plane: str | Sequence[object] | None) -> str:
    """Return what a landscape calls the plane that a view asks for.

    Args:
        plane: "pca", "random", or two recordings; None for "pca".
    """
    if plane is None:
        return "pca"
    return plane if isinstance(plane, str) else ", ".join(map(str, plane))


def blank(weights: int) -> Landscape:
    """Return the landscape of so many weights before anything is known of it: flat, and of no plane."""
    side, nothing = np.array([-1.0, 1.0]), np.zeros((0, 2))
    return Landscape(
        plane="",
        origin=np.zeros(weights),
        axes=np.zeros((2, weights)),
        x=side,
        y=side,
        values=np.zeros((2, 2)),
        places=nothing,
        gradients=nothing,
        share=float("nan"),
        examples=0,
        of=0,
    )


def from_landscape(landscape: Landscape, *, name: str, title: str, source: str) -> NetworkObjective:
    """Make an objective of two coordinates of a landscape: the smooth function through its values.

    Args:
        landscape: What was computed.
        name: What the network is called in a YAML.
        title: What it is called in a picture, "MLP 64–128–10 on digits".
        source: What it is, in words.
    """
    values = np.where(np.isfinite(landscape.values), landscape.values, np.nanmax(landscape.values, initial=0.0))
    samples = Samples(values.T, (landscape.x, landscape.y))

    # Made when it is first asked for: to check a config takes no torch.
    @cache
    def surface() -> Callable[[Tensor], Tensor]:
        return interpolate(samples)

    return NetworkObjective(
        name=name,
        title=title,
        f=lambda points: surface()(points),
        bounds=landscape.bounds,
        start=np.zeros(2),
        source=source,
        landscape=landscape,
    )
