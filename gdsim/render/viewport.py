"""Where a facet or a panel stands on the page, and how its coordinates become pixels."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure
from matplotlib.transforms import Affine2D, Bbox, Transform, TransformedBbox

from gdsim.objectives import FloatArray
from gdsim.render.canvas import DPI
from gdsim.render.layout import Box
from gdsim.render.trail import Pen
from gdsim.render.views.surface import SurfaceView

__all__ = ["START", "Moment", "Viewport"]


@dataclass(frozen=True)
class Moment:
    """A moment of the animation.

    Args:
        time: Steps taken, with a fraction.
        share: How much of the animation has passed, from 0 to 1.
    """

    time: float
    share: float


START = Moment(0.0, 0.0)
"""When the animation begins, and the camera stands where it begins."""


@dataclass(frozen=True, eq=False)
class Viewport:
    """A rectangle of the page through which coordinates are seen.

    Args:
        figure: The page.
        box: The rectangle.
        axes: Its axes, with the limits that they keep.
        relief: What turns places in space into pixels; None for what is flat.
    """

    figure: Figure
    box: Box
    axes: Axes
    relief: SurfaceView | None = None
    _flat: Transform = field(init=False)

    def __post_init__(self) -> None:
        # As it is now: while a vector picture is saved, matplotlib's own changes with the resolution.
        object.__setattr__(self, "_flat", self.axes.transData.frozen())

    @property
    def turning(self) -> bool:
        """Whether the camera turns, so that the window must be drawn anew for each frame."""
        return self.relief is not None and self.relief.turning

    def azimuth(self, moment: Moment) -> float:
        """Return where the camera of a surface stands at a moment."""
        assert self.relief is not None  # noqa: S101  (for the type checker: only surfaces are asked)
        return self.relief.azimuth_at(moment.share)

    def pixels(self, spots: FloatArray, moment: Moment) -> FloatArray:
        """Return where coordinates (…, 2), or (…, 3) for a surface, are seen, (…, 2)."""
        if self.relief is not None:
            return self.relief.pixels(spots, self.azimuth(moment))
        return np.asarray(self._flat.transform(spots.reshape(-1, 2))).reshape(spots.shape)

    def shadows(self, spots: FloatArray, moment: Moment) -> FloatArray:
        """Return where the places in the plane of the inputs below a surface's coordinates are seen, (…, 2)."""
        assert self.relief is not None  # noqa: S101  (for the type checker: only surfaces are asked)
        return self.relief.shadow(spots, self.azimuth(moment))

    def veiled(self, spots: FloatArray, moment: Moment) -> npt.NDArray[np.bool_]:
        """Tell which of a surface's coordinates (…, 3) the surface hides, (…)."""
        assert self.relief is not None  # noqa: S101  (for the type checker: only surfaces are asked)
        return self.relief.hidden(spots, self.azimuth(moment))

    def covered(self, spots: FloatArray, moment: Moment) -> npt.NDArray[np.bool_]:
        """Tell which of the places in the plane of the inputs, (…, 2 or more), a surface hides, (…)."""
        assert self.relief is not None  # noqa: S101  (for the type checker: only surfaces are asked)
        return self.relief.covered(spots, self.azimuth(moment))

    def pen(self, renderer: RendererBase) -> Pen:
        """Return a pen whose pixels are those of a figure at `DPI`, whatever the renderer's own resolution."""
        transform = Affine2D().scale(1 / DPI) + self.figure.dpi_scale_trans
        corners = Bbox.from_bounds(self.box.x, self.box.y, self.box.width, self.box.height)
        return Pen(renderer, TransformedBbox(corners, transform).frozen(), transform)

    def inside(self, pixels: FloatArray) -> npt.NDArray[np.bool_]:
        """Tell which of some pixels (…, 2) lie within the window."""
        x, y = pixels[..., 0], pixels[..., 1]
        box = self.box
        return np.asarray((x >= box.x) & (x <= box.right) & (y >= box.y) & (y <= box.top))
