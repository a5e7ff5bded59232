"""The display list: the moving parts of a picture as timed primitives, drawn by `painter.py` and `picture.js`.

Positions and lengths are in pixels from the lower left corner of the picture; times are in steps, with a fraction.
`optimizer` is an index in `Scene.styles`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from matplotlib.text import Text

from gdsim.objectives import FloatArray
from gdsim.render.images import ImageFrames, RevealedImage
from gdsim.render.trail import Trail
from gdsim.render.viewport import Moment, Viewport
from gdsim.scene import Facet, Scene

MOST_ITERATES = 60_000
"""The maximum number of iterates for which a web page has numbers and arrows; above it, only every k-th iterate has
them."""


@dataclass(frozen=True, eq=False)
class Rings:
    """Circles around the starts, which are below the trails and do not move.

    Attributes:
        points: (n, 2) the centers.
        strokes: The color and line width of each stroke, lowest first.
    """

    points: FloatArray
    diameter: float
    strokes: tuple[tuple[str, float], ...]


@dataclass(frozen=True, eq=False)
class Tangents:
    """The tangent at each head of a curve, and a line from the head down to its foot.

    Attributes:
        slopes: (n, starts) the slope at each vertex of the trail, in pixels per pixel.
        reach: The length of a tangent on either side.
    """

    trail: Trail
    foot: Trail
    slopes: FloatArray
    reach: float
    width: float
    foot_width: float
    foot_alpha: float


@dataclass(frozen=True)
class ArrowStyle:
    """The style of an arrow at a head.

    Attributes:
        width: The width of the shaft; short arrows are thinner in proportion.
        factor: The factor on the arrow's vector; −1 for the opposite direction.
    """

    color: str
    edge: str
    edge_width: float
    width: float
    factor: float = 1.0


@dataclass(frozen=True, eq=False)
class HeadArrows:
    """Arrows at the iterates that the heads reached last.

    Attributes:
        trail: The trail at whose heads the arrows begin.
        steps: (m,) the iterates that have arrows, ascending.
        vectors: (m, starts, 2) from tail to tip; NaN for no arrow.
        styles: The styles in which each vector is drawn, in drawing order.
    """

    trail: Trail
    steps: npt.NDArray[np.int64]
    vectors: FloatArray
    styles: tuple[ArrowStyle, ...]


@dataclass(frozen=True, eq=False)
class ExitMarks:
    """Markers where paths leave the view permanently, and the text beside a single marker.

    Attributes:
        times: (n,) the time at which each marker appears, ascending.
        points: (n, 2) the centers.
        marker: The matplotlib marker: an arrow head that points outward, or a cross.
        casing: The color of the edge, whose width is `edge`.
        extent: (2, 2) two opposite corners of the area that markers and text cover.
    """

    optimizer: int
    times: FloatArray
    points: FloatArray
    marker: str
    size: float
    color: str
    casing: str
    edge: float
    text: Text | None
    extent: FloatArray


@dataclass(frozen=True, eq=False)
class Cursor:
    """The relation of a panel's horizontal axis to time; only web pages show it, as a cursor that can be dragged.

    Attributes:
        times: (n,) the times, ascending.
        places: (n,) the horizontal position at each time.
    """

    times: FloatArray
    places: FloatArray


Primitive: TypeAlias = Rings | Trail | Tangents | HeadArrows | ExitMarks | ImageFrames | RevealedImage | Cursor


@dataclass(frozen=True, eq=False)
class Layer:
    """The moving parts of one view or panel.

    Painters draw images first, then rings, trails, tangents, arrows, the heads of the trails and exit marks; primitives
    of one type are drawn in the given order.

    Attributes:
        viewport: The viewport, to which drawing is clipped.
        group: The index in `Scene.groups` of the objective shown.
        primitives: The primitives, as a turning camera sees them when the animation begins.
        primitives_at: For a turning camera, the primitives as seen at a moment; None otherwise.
        facet: The view's data; None for a panel.
    """

    viewport: Viewport
    group: int
    primitives: tuple[Primitive, ...]
    primitives_at: Callable[[Moment], tuple[Primitive, ...]] | None = None
    facet: Facet | None = None

    def at(self, moment: Moment) -> tuple[Primitive, ...]:
        """Return the primitives as the camera sees them at a moment."""
        return self.primitives if self.primitives_at is None else self.primitives_at(moment)

    @property
    def images(self) -> list[ImageFrames | RevealedImage]:
        """The images that change."""
        return [each for each in self.primitives if isinstance(each, ImageFrames | RevealedImage)]


def iterate_stride(scene: Scene) -> int:
    """Return the stride between the iterates of a scene that a web page includes."""
    count = sum(path.values.size for facet in scene.facets for path in facet.paths)
    return max(1, -(-count // MOST_ITERATES))
