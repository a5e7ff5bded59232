"""The display list: what moves in a picture, as a few kinds of primitives with times.

All places and lengths are pixels, from the lower left corner of the picture; times are steps, with a fraction. Two
painters draw these primitives and decide nothing of their own: Agg's (`gdsim.render.painter`) and that of web pages
(`picture.js`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from matplotlib.text import Text

from gdsim.objectives import FloatArray
from gdsim.render.trail import Trail
from gdsim.render.viewport import Moment, Viewport
from gdsim.scene import Facet, Scene

Pixels = npt.NDArray[np.uint8]

MOST_ITERATES = 60_000
"""For how many iterates at most a web page has figures and arrows; of more, every second, third … is left out."""


@dataclass(frozen=True)
class Rect:
    """Rows and columns of a picture, from its upper left corner, the ends not included."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def area(self) -> tuple[slice, slice]:
        """The index of these pixels."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def width(self) -> int:
        """The number of columns."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """The number of rows."""
        return self.bottom - self.top

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, width and height."""
        return self.left, self.top, self.width, self.height

    def union(self, other: Rect) -> Rect:
        """Return the smallest rectangle that contains both."""
        top, left = min(self.top, other.top), min(self.left, other.left)
        return Rect(top, max(self.bottom, other.bottom), left, max(self.right, other.right))


@dataclass(frozen=True, eq=False)
class Rings:
    """Circles under the trails, at every time: the starts.

    Attributes:
        points: (n, 2) their centers.
        strokes: Color and line width of each stroke, from the lowest.
    """

    points: FloatArray
    diameter: float
    strokes: tuple[tuple[str, float], ...]


@dataclass(frozen=True, eq=False)
class Tangents:
    """The tangent at each head of a curve, and a line from the head down to its foot.

    Attributes:
        slopes: (n, starts) the slope at each place of the trail, in pixels per pixel.
        reach: How far a tangent reaches to either side.
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
    """How an arrow at a head is drawn.

    Attributes:
        width: The width of the shaft; short arrows are thinner in proportion.
        factor: What the arrow's vector is multiplied by: −1 for the opposite direction.
    """

    color: str
    edge: str
    edge_width: float
    width: float
    factor: float = 1.0


@dataclass(frozen=True, eq=False)
class HeadArrows:
    """HeadArrows at the iterates that the heads reached last.

    Attributes:
        trail: The trail at whose heads they begin.
        steps: (m,) the iterates at which they are known, ascending.
        vectors: (m, starts, 2) from an arrow's tail to its tip; NaN where none is drawn.
        styles: Each vector is drawn once for each style, in this order.
    """

    trail: Trail
    steps: npt.NDArray[np.int64]
    vectors: FloatArray
    styles: tuple[ArrowStyle, ...]


@dataclass(frozen=True, eq=False)
class ExitMarks:
    """Wedges where paths leave the view for good, and the words beside a single one.

    Attributes:
        optimizer: The optimizer's index in `Scene.styles`.
        times: (n,) when each wedge appears, ascending.
        points: (n, 2) their centers.
        marker: Their shape, a matplotlib letter: an arrow head that points outward, or a cross.
        casing: The color of the edge.
        edge: The width of the edge.
        extent: (2, 2) two opposite corners of what wedges and words cover.
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
class ImageFrames:
    """Small images that replace each other in one place.

    Attributes:
        optimizer: The optimizer's index in `Scene.styles`; None for an image that all optimizers share.
        steps: (n,) from which step on each is shown, ascending from 0.
        cells: (n, rows, columns) the index in the palette of each cell, row by row from the top.
        palette: (colors, 3) the colors, the last of them for cells without a number.
    """

    optimizer: int | None
    rect: Rect
    steps: npt.NDArray[np.int64]
    cells: Pixels
    palette: Pixels

    def index(self, time: float) -> int:
        """Return the index of the image shown at a time."""
        return max(int(np.searchsorted(self.steps, time, side="right")) - 1, 0)


@dataclass(frozen=True, eq=False)
class RevealedImage:
    """A heat map over the steps, which is uncovered from the left.

    Attributes:
        reach: The step at the right edge.
        end: The step up to which it is uncovered.
        cells: (rows, width) the index in the palette of each cell of a row, one per column of pixels.
        palette: (colors, 3) the colors, the last of them for cells without a number.
    """

    optimizer: int
    rect: Rect
    reach: float
    end: int
    cells: Pixels
    palette: Pixels

    def columns(self, time: float) -> int:
        """Return how many columns of pixels are uncovered at a time."""
        return round(self.rect.width * min(time, float(self.end)) / self.reach)


@dataclass(frozen=True, eq=False)
class Cursor:
    """How the horizontal axis of a panel relates to time. Frames do not show it; in a page it can be dragged.

    Attributes:
        times: (n,) ascending.
        places: (n,) the horizontal place that each time has reached.
    """

    times: FloatArray
    places: FloatArray


Primitive: TypeAlias = Rings | Trail | Tangents | HeadArrows | ExitMarks | ImageFrames | RevealedImage | Cursor


@dataclass(frozen=True, eq=False)
class Layer:
    """What moves in one view or panel.

    Painters draw images first, then rings, trails, tangents, arrows, the heads of the trails and exit marks; each kind
    in the order given here.

    Attributes:
        viewport: Where; nothing is drawn outside.
        group: The index in `Scene.groups` of the objective shown.
        primitives: What moves, as a turning camera sees it when the animation begins.
        primitives_at: Of a turning camera, what moves as it sees it at a moment; None for all others.
        facet: The view's data; None for a panel.
    """

    viewport: Viewport
    group: int
    primitives: tuple[Primitive, ...]
    primitives_at: Callable[[Moment], tuple[Primitive, ...]] | None = None
    facet: Facet | None = None

    def at(self, moment: Moment) -> tuple[Primitive, ...]:
        """Return what moves as the camera sees it at a moment."""
        return self.primitives if self.primitives_at is None else self.primitives_at(moment)


def iterate_stride(scene: Scene) -> int:
    """Return of how many iterates of a scene one is in a web page."""
    count = sum(path.values.size for facet in scene.facets for path in facet.paths)
    return max(1, -(-count // MOST_ITERATES))
