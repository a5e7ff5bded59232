"""The loss of a network on a plane through its weights, as an objective of two coordinates."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from gdsim.networks.network import Network
from gdsim.objectives import FloatArray, Objective, Samples, interpolate

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Landscape", "NetworkObjective", "network_objective", "plane_name"]

ON_PLANE = 1e-6
"""The distance from a plane, as a fraction of the view's side, up to which weights count as on the plane."""


@dataclass(frozen=True, eq=False)
class Landscape:
    """The loss of a network on a plane through its weights.

    A point (a, b) of the plane has the weights `origin + a · axes[0] + b · axes[1]`; a and b are distances in the space
    of all weights.

    Args:
        plane: The name of the plane, see `plane_name`; empty before the plane is computed.
        origin: (weights,) the weights at the point (0, 0).
        axes: (2, weights) orthonormal directions.
        x: (columns,) grid positions along the first direction, ascending.
        y: (rows,) grid positions along the second direction, ascending.
        values: (rows, columns) the loss at the grid positions; NaN where it is not finite.
        arrow_points: (side², 2) the points of a regular, cell-centred grid with an odd number of points per side, row
            by row in ascending order.
        gradients: (side², 2) the true gradient of the loss at `arrow_points`, along the two directions.
        share: The fraction of the paths' variance about the origin that lies in the plane, 0 to 1; NaN without
            variance.
        examples: The number of training examples that the landscape was computed on.
        total_examples: The total number of training examples.
        marks: (m, 2) the points of the recordings that define the plane.
        mark_names: The names of these recordings.
    """

    origin: FloatArray
    axes: FloatArray
    x: FloatArray
    y: FloatArray
    values: FloatArray
    arrow_points: FloatArray
    gradients: FloatArray
    plane: str = ""
    share: float = math.nan
    examples: int = 0
    total_examples: int = 0
    marks: FloatArray = field(default_factory=lambda: np.zeros((0, 2)))
    mark_names: tuple[str, ...] = ()

    @property
    def bounds(self) -> FloatArray:
        """(2, 2) the low and high end of the view along each direction."""
        return np.array([[self.x[0], self.x[-1]], [self.y[0], self.y[-1]]])

    @property
    def has_share(self) -> bool:
        """Whether there are weights outside the plane, and `share` is known."""
        return len(self.origin) > 2 and bool(np.isfinite(self.share))

    @property
    def share_text(self) -> str:
        """`share` as a percentage; shares slightly above 0 % or below 100 % are not rounded to these values."""
        words = f"{100 * self.share:.1f}"
        if words == "100.0" and self.share < 1 - 1e-6:
            return "over 99.9 %"
        return "under 0.1 %" if words == "0.0" and self.share > 0 else f"{words} %"

    def is_off_plane(self, distance: float) -> bool:
        """Return whether a distance from the plane is larger than a rounding error."""
        return distance > ON_PLANE * float(np.diff(self.bounds).max())

    def lift(self, points: FloatArray) -> FloatArray:
        """Return the weights (…, weights) at points (…, 2)."""
        return self.origin + points @ self.axes

    def project(self, weights: FloatArray) -> FloatArray:
        """Return the points (…, 2) nearest to weights (…, weights)."""
        return np.asarray((weights - self.origin) @ self.axes.T)

    def distance(self, weights: FloatArray) -> FloatArray:
        """Return the distance (…) of weights (…, weights) from the plane."""
        return np.asarray(np.linalg.norm(weights - self.lift(self.project(weights)), axis=-1))


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class NetworkObjective(Objective):
    """The loss of a network on a plane through its weights, as a function of two coordinates."""

    kind = "network"
    value_name = "loss"
    lower_bound = 0.0

    network: Network
    landscape: Landscape


def network_objective(network: Network, landscape: Landscape | None = None) -> NetworkObjective:
    """Return the objective of a network, a smooth function that interpolates the losses of a landscape.

    Args:
        network: The network.
        landscape: Its loss on a plane; None for a flat landscape without a name, before the loss is computed.
    """
    plane = _blank(network.weights) if landscape is None else landscape
    values = np.where(np.isfinite(plane.values), plane.values, np.nanmax(plane.values, initial=0.0))
    samples = Samples(values.T, (plane.x, plane.y))

    # Built on the first call, because checking a configuration must not import torch.
    @cache
    def surface() -> Callable[[Tensor], Tensor]:
        return interpolate(samples)

    return NetworkObjective(
        name=network.name,
        title=network.title,
        f=lambda points: surface()(points),
        bounds=plane.bounds,
        start=np.zeros(2),
        source=f"{network.weights:,} weights, trained on {len(network.data.x):,} examples of {network.data.name}",
        network=network,
        landscape=plane,
    )


def plane_name(plane: str | Sequence[object] | None) -> str:
    """Return the name of the plane that a view requests.

    Args:
        plane: "pca", "random", or two recordings; None for "pca".
    """
    if plane is None:
        return "pca"
    return plane if isinstance(plane, str) else ", ".join(map(str, plane))


def _blank(weights: int) -> Landscape:
    side, none = np.array([-1.0, 1.0]), np.zeros((0, 2))
    return Landscape(np.zeros(weights), np.zeros((2, weights)), side, side, np.zeros((2, 2)), none, none)
