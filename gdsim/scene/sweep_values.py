"""Views of the values of runs over the steps, where their paths cannot be shown on one function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from gdsim.languages import Language
from gdsim.objectives import FloatArray
from gdsim.scene.figures import axis_limits
from gdsim.scene.model import Facet, Fan, Style
from gdsim.scene.scales import ScaledAxis

MARGINS = np.array([-0.015, 1.02])  # the ends of the horizontal axis, with room for heads, as fractions of the steps


@dataclass(frozen=True, eq=False)
class ValuesModel:
    """The axis of steps and that of values, on which the coordinates of fans are places."""

    kind: ClassVar[str] = "values"
    turns: ClassVar[bool] = False

    axes: tuple[ScaledAxis, ScaledAxis]


def values_facet(
    steps: npt.NDArray[np.int64], values: FloatArray, name: str, styles: Sequence[Style], say: Language
) -> Facet:
    """Return a facet with a fan per optimizer, whose limits are those of runs that end no higher than they start.

    The values, which have a name, are (optimizers, runs, n) at the steps (n,).
    """
    descends = values[values[..., -1] <= values[..., 0]]
    shown = descends if descends.size else values
    limits, logarithmic = axis_limits(shown[np.isfinite(shown)])
    across = ScaledAxis(say("step"), steps.astype(np.float64), "linear")
    up = ScaledAxis(name, limits, "log" if logarithmic else "linear")
    heights = up.places(np.maximum(values, limits[0]) if logarithmic else values)
    points = np.stack(np.broadcast_arrays(across.values, heights), -1)
    stays = (heights <= up.places(limits)[1]).all(-1)
    return Facet(
        style=None,
        limits=np.stack([steps[-1] * MARGINS, up.places(limits)]),
        names=(across.name, up.name),
        model=ValuesModel((across, up)),
        fans=tuple(map(Fan, styles, points, stays)),
    )
