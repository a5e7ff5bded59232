"""The display list: viewports, and what moves in them as timed primitives, drawn by `painter.py` and `picture.js`.

Positions and lengths are in pixels from the lower left corner of the picture; times are in steps, with a fraction.
`optimizer` is an index in `Scene.styles`, or −1 for what no optimizer has made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, cast

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.text import Text
from matplotlib.transforms import Transform

from gdsim.objectives import FloatArray
from gdsim.render.canvas import Canvas, unit
from gdsim.render.images import AnyImage
from gdsim.render.layout import Box
from gdsim.render.trail import Trail, TrailStyle, interpolated
from gdsim.scene.model import Facet, Scene

if TYPE_CHECKING:
    from gdsim.render.painter import Painter

CIRCLE = np.stack([np.cos(np.linspace(0, 2 * np.pi, 33)), np.sin(np.linspace(0, 2 * np.pi, 33))], -1) / 2
SQUARE = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0]]) / 2
"""A circle of diameter 1, and the square around it."""

SHADOW, SHADOW_ALPHA = "#000000", 0.13  # of each ellipse of the shadow under a head

TINY = float(np.finfo(np.float64).tiny)
MOST_ITERATES = 60_000  # of a scene; above it, a web page has numbers and arrows for only every k-th iterate


@dataclass(frozen=True)
class Moment:
    """A moment of the animation: the steps taken, with a fraction, and the elapsed share of the animation, 0 to 1."""

    time: float
    share: float


START = Moment(0.0, 0.0)  # the beginning of the animation


class Viewport:
    """A rectangle of the picture that shows flat coordinates.

    Attributes:
        box: The rectangle, in pixels from the lower left corner.
        bounds: (2, 2) its left and right, and its bottom and top edge.
        axes: The axes, whose limits are fixed.
        turning: Whether the camera turns, so that everything must be redrawn in each frame.
    """

    turning = False

    def __init__(self, canvas: Canvas, box: Box, axes: Axes) -> None:
        self.canvas, self.box, self.axes = canvas, box, axes
        self.bounds = np.array([[box.x, box.right], [box.y, box.top]])
        # Frozen, because the axes' transform changes with the resolution while a vector picture is saved.
        self._transform = cast("Transform", axes.transData.frozen())

    def pixels(self, points: FloatArray, moment: Moment) -> FloatArray:
        """Convert coordinates to pixels, (…, 2): (…, 2), which are in the plane below a surface, or (…, 3) on it."""
        return np.asarray(self._transform.transform(points.reshape(-1, 2))).reshape(points.shape)

    def hidden(self, points: FloatArray, moment: Moment) -> npt.NDArray[np.bool_]:
        """Return which coordinates, (…, 2) or (…, 3) as in `pixels`, a surface hides, (…)."""
        return np.zeros(points.shape[:-1], np.bool_)

    def directions(self, points: FloatArray, vectors: FloatArray, view: FloatArray, moment: Moment) -> FloatArray:
        """Return the directions, (…, 2), of vectors, (…, 1 or 2), at points, (…, k), as unit vectors in pixels.

        They are differences over a hundredth of the `view`, (2, 2), the visible range; 0 for a zero vector.
        """
        inputs, size = points[..., :2], view[:, 1] - view[:, 0]
        steps = np.zeros_like(inputs)
        steps[..., : vectors.shape[-1]] = vectors
        # The largest component is divided out first to avoid overflow.
        steps /= np.abs(steps).max(-1, initial=TINY, keepdims=True)
        ahead = inputs + 0.01 * unit(unit(steps) / size) * size
        return unit(self.pixels(ahead, moment) - self.pixels(inputs, moment))

    def pose(self, moment: Moment, scale: int) -> list[Artist]:
        """Add the artists that depend on the camera to the figure, with `scale` dots per pixel, and return them."""
        return []

    def draw_backdrop(self, painter: Painter, moment: Moment) -> None:
        """Draw the parts below the trails over the previous frame, as needed if a camera turns."""


@dataclass(frozen=True, eq=False)
class DropLines:
    """The line from each visible head down to its foot, if that is visible, and the shadow under the head.

    Attributes:
        dash: On and off lengths; empty for solid lines.
        shadow: The width of the shadow on a surface; 0 for none.
    """

    trail: Trail
    foot: Trail
    width: float
    alpha: float
    dash: tuple[float, ...]
    shadow: float

    @property
    def rings(self) -> tuple[tuple[float, float, float], ...]:
        """The ellipses of which a soft shadow is made: their height below the head, their width and their height."""
        sizes = (1.0, 0.8, 0.6) if self.shadow else ()
        return tuple((0.22 * self.shadow, size * self.shadow, 0.5 * size * self.shadow) for size in sizes)


@dataclass(frozen=True, eq=False)
class Tangents:
    """The tangent at each head of a curve.

    Attributes:
        slopes: (n, starts) the slope at each vertex of the trail, in pixels per pixel.
        reach: The length of a tangent on either side.
    """

    trail: Trail
    slopes: FloatArray
    reach: float
    width: float


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
    """Arrows at visible heads, interpolated between iterates.

    Attributes:
        trail: The trail at whose heads the arrows begin.
        steps: (m,) the iterates with arrows, ascending.
        vectors: (m, starts, 2) from tail to tip.
        styles: The styles in which each vector is drawn, in drawing order.
        shortest: The length from which on an arrow is drawn.
        stamps: The times at which the arrows leave a copy of themselves.
    """

    trail: Trail
    steps: FloatArray
    vectors: FloatArray
    styles: tuple[ArrowStyle, ...]
    shortest: float
    stamps: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class HeadOutlines:
    """Outlines around visible heads, interpolated between iterates, in the color of the trail.

    Attributes:
        trail: The trail whose heads are in the centers.
        steps: (m,) the iterates with outlines, ascending.
        matrices: (m, starts, 2, 2) what maps the shape to an outline.
        shape: (n, 2) the vertices of the shape around 0, the last of which is the first.
        width: The width of the line.
        stamps: The times at which the outlines leave a copy of themselves.
    """

    trail: Trail
    steps: FloatArray
    matrices: FloatArray
    shape: FloatArray
    width: float
    stamps: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class EventMarks:
    """Markers that appear when a path leaves the view or a curve is solved, and the text beside a single marker.

    Attributes:
        times: (n,) the time at which each marker appears, ascending.
        points: (n, 2) the centers.
        marker: The matplotlib marker: for a path that leaves, an arrow head that points outward.
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
    extent: FloatArray
    text: Text | None = None


@dataclass(frozen=True, eq=False)
class PathLabel:
    """The name of an optimizer beside its path.

    Attributes:
        begin: The time at which it begins to appear.
        end: The time from which it is opaque.
        extent: (2, 2) two opposite corners of the area that it covers, in which no path is drawn later.
    """

    optimizer: int
    begin: float
    end: float
    text: Text
    extent: FloatArray

    def alpha(self, time: float) -> float:
        """Return its opacity at a time."""
        return float(time >= self.end) or max((time - self.begin) / max(self.end - self.begin, TINY), 0.0)


@dataclass(frozen=True, eq=False)
class Lines:
    """Complete lines that replace each other, one for each whole time, or that move, drawn above images.

    Attributes:
        optimizer: The optimizer's index in `Scene.styles`; −1 for a line that is not a path.
        style: The appearance of the line, of the head at its end, and of the dots between.
        points: (n, m, 2) the vertices at each time; NaN interrupts a line.
        times: (n,) the times, ascending, between which the vertices move; None for whole times.
        fill: The opacity of the area within a closed line; 0 for none.
    """

    optimizer: int
    style: TrailStyle
    points: FloatArray
    times: FloatArray | None = None
    fill: float = 0.0

    def at(self, time: float) -> FloatArray:
        """Return the vertices at a time, (m, 2)."""
        if self.times is not None:
            return interpolated(self.points, self.times, time)
        return np.asarray(self.points[min(int(time), len(self.points) - 1)])


@dataclass(frozen=True, eq=False)
class ZoomTicks:
    """Tick labels of one axis, which move away from the point that a zoom leads to, a factor of 2 per unit of time.

    Attributes:
        size: The width and the height of the picture.
        axis: 0 for the horizontal axis, 1 for the vertical one.
        center: (2,) where labels are drawn that belong to the point.
        bounds: (2,) the ends of the axis; labels beyond them are not shown.
        texts: The labels, at the center.
        offsets: (n,) the distance of each label from the center along the axis at time 0.
        begins, ends: (n,) the times between which each label is shown.
    """

    size: tuple[int, int]
    axis: int
    center: FloatArray
    bounds: FloatArray
    texts: tuple[Text, ...]
    offsets: FloatArray
    begins: FloatArray
    ends: FloatArray

    def shown(self, time: float) -> Iterator[Text]:
        """Yield the labels that are shown at a time, at their places."""
        places = self.center[self.axis] + self.offsets * 2**time
        low, high = self.bounds
        for index in np.flatnonzero((self.begins <= time) & (time < self.ends) & (low <= places) & (places <= high)):
            place = self.center.copy()
            place[self.axis] = places[index]
            x, y = (place / self.size).tolist()
            self.texts[index].set_position((x, y))
            yield self.texts[index]


@dataclass(frozen=True, eq=False)
class Cursor:
    """The relation of a panel's horizontal axis to time; only web pages show it, as a cursor that can be dragged.

    Attributes:
        times: (n,) the times, ascending.
        places: (n,) the horizontal position at each time.
    """

    times: FloatArray
    places: FloatArray


Primitive: TypeAlias = (
    Trail
    | DropLines
    | Tangents
    | HeadArrows
    | HeadOutlines
    | EventMarks
    | PathLabel
    | AnyImage
    | Lines
    | Cursor
    | ZoomTicks
)


@dataclass(frozen=True, eq=False)
class Layer:
    """The moving parts of one view or panel.

    Painters draw images first, then trails, what arrows and outlines leave behind, labels, drop lines, tangents,
    outlines, arrows, heads and marks of events; primitives of one type are drawn in the given order.

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
    def images(self) -> list[AnyImage]:
        """The images that change."""
        return [each for each in self.primitives if isinstance(each, AnyImage)]


def iterate_stride(scene: Scene) -> int:
    """Return the stride between the iterates of a scene that a web page includes."""
    count = sum(path.values.size for facet in scene.facets for path in facet.paths)
    return max(1, -(-count // MOST_ITERATES))
