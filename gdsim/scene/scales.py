"""The axes of the settings that a sweep varies."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gdsim.languages import Language
from gdsim.objectives import FloatArray
from gdsim.sweeps import SweepAxis, SweepResult

EVEN = 1e-6  # the maximum difference of two distances that are equal, as a fraction


@dataclass(frozen=True, eq=False)
class ScaledAxis:
    """An axis of a setting, along which its values are evenly spaced.

    Attributes:
        name: The setting, such as "lr", or a coordinate of the start.
        values: (n,) its values.
        scale: Whether equal distances are equal differences ("linear"), ratios ("log"), or places in the list of
            values ("list").
        is_coordinate: Whether it is a coordinate of the objective, whose axes have one scale.
    """

    name: str
    values: FloatArray
    scale: str
    is_coordinate: bool = False

    def places(self, values: FloatArray) -> FloatArray:
        """Return the coordinates of values (…) on the axis."""
        if self.scale == "list":
            order = np.argsort(self.values)
            return np.interp(values, self.values[order], order.astype(np.float64))
        return np.log10(values) if self.scale == "log" else values

    @cached_property
    def limits(self) -> FloatArray:
        """(2,) the outer edges of the cells around the first and the last value, as coordinates on the axis."""
        first, last = self.places(self.values[[0, -1]]).tolist()
        half = (last - first) / max(2 * (len(self.values) - 1), 1)
        return np.array([first - half, last + half])


LINEAR = ScaledAxis("", np.empty(0), "linear")
"""An axis whose coordinates are its values."""


def setting_axis(axis: SweepAxis, result: SweepResult, say: Language) -> ScaledAxis:
    """Return an axis with its name in a picture, on which cells that are not evenly spaced are a list."""
    first, _, rest = axis.setting.partition(".")
    if first == "start":
        coordinate = int(rest or axis is result.y)
        name = "xy"[coordinate] if result.objective.dim <= 2 else f"x{coordinate}"
        return ScaledAxis(say("{name} of the start", name=name), axis.values, _scale(axis), is_coordinate=True)
    label, _, name = rest.rpartition(".") if first == "optimizers" else ("*", "", rest or first)
    words = name if label == "*" or len(set(result.labels)) == 1 else say("{name} of {label}", name=name, label=label)
    return ScaledAxis(words, axis.values, _scale(axis))


def _scale(axis: SweepAxis) -> str:
    places = np.log(axis.values) if axis.scale == "log" else axis.values
    gaps = np.diff(places)
    return axis.scale if np.allclose(gaps, gaps[:1], rtol=EVEN, atol=0) else "list"
