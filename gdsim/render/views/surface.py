"""A surface in space as a picture: the surface itself, the plane of its inputs below it, and the axes around them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.font_manager import FontProperties

from gdsim.objectives import FloatArray
from gdsim.render.canvas import points
from gdsim.render.layout import Box
from gdsim.render.mesh import BasePlane, Raster, SurfaceMesh
from gdsim.scene import Facet, SurfaceModel, labels, round_ticks
from gdsim.themes import Theme, contrast, mix

__all__ = ["SurfaceView"]

STAR = np.array(
    [(1.0 if i % 2 == 0 else 0.42) * np.array([-np.sin(i * np.pi / 5), np.cos(i * np.pi / 5)]) for i in range(10)]
)
"""The corners of a star of radius 1, its tip up."""

TICK = 0.65
"""How far numbers stand off their axis, with the tick between them, in ems."""

YIELD = 4.0
"""How far numbers may move out where the surface reaches over the plane's edge, in ems."""

OUT_OF_SIGHT = 4.0
"""A value axis shorter than this on the screen, in ems, as seen from high above, has no numbers."""

PLAIN = 2.5
"""The least contrast to the page at which arrows in the plane are seen well."""


@dataclass(frozen=True)
class _Sign:
    """Words at a place: their middle and their size, in pixels."""

    x: float
    y: float
    words: str
    width: float
    height: float

    @property
    def bounds(self) -> FloatArray:
        """(2, 2) from left to right, and from bottom to top."""
        half = np.array([self.width, self.height]) / 2
        middle = np.array([self.x, self.y])
        return np.stack([middle - half, middle + half], -1)


@dataclass(frozen=True, eq=False)
class _Axis:
    """An axis as it is seen: where its ticks are, in pixels, and what stands beside them.

    Args:
        ends: (2, 2) where it begins and ends.
        outward: (2,) unit vector away from the picture.
        ticks: (ticks, 2) where each tick stands.
        numbers: One a tick.
        name: What the axis counts.
    """

    ends: FloatArray
    outward: FloatArray
    ticks: FloatArray
    numbers: tuple[str, ...]
    name: str


class SurfaceView:
    """A surface and the plane of its inputs, fitted into a box of the picture.

    Args:
        facet: What is to be seen; its ground is a relief.
        theme: The colours.
        box: Where, in whole pixels.
        em: The size of plain type, in pixels.
        page: The colour of the page, "none" for one that is see-through; the theme's when left out.
    """

    def __init__(self, facet: Facet, theme: Theme, box: Box, em: float, page: str = "") -> None:
        assert isinstance(facet.model, SurfaceModel)  # noqa: S101  (for the type checker: nothing else is given)
        self._facet, self._relief, self._theme, self._box, self._em = facet, facet.model, theme, box, em
        self._page, self._space = page or theme.page, self._relief.camera
        self._line = em / theme.type * theme.stroke
        self._surface = SurfaceMesh(self._relief, theme)
        self._floor = BasePlane(facet, self._relief)
        self._rasters: dict[int, Raster] = {}
        self._sizes: dict[str, tuple[float, float]] = {}
        self._scale, self._middle = 1.0, np.zeros(2)
        self._fit()

    @property
    def turning(self) -> bool:
        """Whether the camera turns."""
        return self._space.orbit != 0

    def azimuth_at(self, share: float) -> float:
        """Return the camera's azimuth in degrees after a share of the animation, from 0 to 1."""
        return self._space.azimuth_at(share)

    def pixels(self, points: FloatArray, azimuth: float) -> FloatArray:
        """Return where places on the surface, (…, 3) as x, y and height, are seen: (…, 2) in pixels of the picture."""
        return self._seen(self._space.place(points[..., :2], points[..., 2]), azimuth)

    def shadow(self, points: FloatArray, azimuth: float) -> FloatArray:
        """Return where the places in the plane of the inputs below them, (…, 2 or more), are seen, (…, 2)."""
        return self._seen(self._space.place(points[..., :2]), azimuth)

    def hidden(self, points: FloatArray, azimuth: float) -> npt.NDArray[np.bool_]:
        """Tell which of the places on the surface, (…, 3) as x, y and height, lie behind it, (…)."""
        return self._space.hidden(self._relief.heights, self._space.place(points[..., :2], points[..., 2]), azimuth)

    def covered(self, points: FloatArray, azimuth: float) -> npt.NDArray[np.bool_]:
        """Tell which of the places in the plane of the inputs, (…, 2 or more), lie behind the surface, (…)."""
        return self._space.hidden(self._relief.heights, self._space.place(points[..., :2]), azimuth)

    def words(self, azimuth: float) -> list[tuple[float, float, str, str, str]]:
        """Return the numbers and names of the axes: x, y, words and how these are aligned, in pixels of the picture."""
        return [(sign.x, sign.y, sign.words, "center", "center") for sign in self._signs(azimuth)]

    def picture(self, azimuth: float, scale: int) -> npt.NDArray[np.uint8]:
        """Draw all that is no path and no type.

        Args:
            azimuth: The camera's, in degrees.
            scale: How many dots a pixel has along each side.

        Returns:
            (scale · height, scale · width, 4) the box's pixels, from its upper left corner.
        """
        raster = self._rasters.get(scale)
        if raster is None:
            raster = self._rasters[scale] = Raster(self._box, scale)
        raster.clear(self._page)
        self._draw_floor(raster, azimuth)
        self._draw_axes(raster, azimuth)
        seen = self._seen(self._surface.world, azimuth)
        self._surface.draw(raster, seen, self._space.eye(azimuth) / np.append(self._space.sides, 1), 0.05 * self._line)
        minima = self._facet.minima
        visible = minima[~self.hidden(minima, azimuth)]
        self._draw_stars(raster, self.pixels(visible, azimuth), 0.62)
        self._draw_marks(raster, azimuth)
        return raster.picture()

    def _seen(self, world: FloatArray, azimuth: float) -> FloatArray:
        return self._space.project(world, azimuth) * self._scale + self._middle

    def _draw_floor(self, raster: Raster, azimuth: float) -> None:
        floor, theme, line = self._floor, self._theme, self._line
        border = self._seen(floor.corners, azimuth)[None]
        raster.fill(border, mix(theme.page, theme.grid, 0.3))
        raster.trace(self._seen(floor.levels, azimuth), floor.codes, theme.level_line, 0.04 * line, 0.45)
        raster.stroke(border[:, [0, 1, 2, 3, 0]], theme.quiet, 0.06 * line)
        if len(floor.arrows):
            # The plane is as the page is, and a theme's arrows may be made for its field alone.
            color = theme.arrow if contrast(theme.arrow, theme.page) >= PLAIN else theme.quiet
            raster.fill(self._seen(floor.arrows, azimuth), color, 0.8)
        self._draw_stars(raster, self.shadow(self._facet.minima, azimuth), 0.42)

    def _draw_stars(self, raster: Raster, spots: FloatArray, size: float) -> None:
        if len(spots):
            shapes = spots[:, None] + STAR * size * self._em
            raster.stroke(shapes[:, [*range(10), 0]], self._theme.casing, 0.16 * self._line)
            raster.fill(shapes, self._theme.minimum)

    def _draw_marks(self, raster: Raster, azimuth: float) -> None:
        """A thin cross at each place with a name that is seen."""
        places = np.array([mark.point for mark in self._facet.marks]).reshape(-1, 3)
        spots = self.pixels(places[~self.hidden(places, azimuth)], azimuth)
        for color, more in ((self._theme.casing, 0.11), (self._theme.text, 0.0)):
            arms = (0.4 + more / 2) * self._em * np.array([[[-1.0, 0.0], [1.0, 0.0]], [[0.0, -1.0], [0.0, 1.0]]])
            raster.stroke((spots[:, None, None] + arms).reshape(-1, 2, 2), color, (0.09 + more) * self._line)

    def _draw_axes(self, raster: Raster, azimuth: float) -> None:
        theme, line = self._theme, self._line
        *flat, value = self._axes(azimuth)
        if self._upright(value):
            foot = self._seen(self._value_foot(azimuth), azimuth)
            raster.stroke(np.stack([foot, value.ends[0]])[None], theme.quiet, 0.04 * line, 0.5)
            raster.stroke(value.ends[None], theme.quiet, 0.06 * line)
            flat.append(value)
        for axis in flat:
            ends = axis.ticks + 0.3 * self._em * axis.outward
            raster.stroke(np.stack([axis.ticks, ends], 1), theme.quiet, 0.05 * line)

    def _fit(self) -> None:
        """Choose dots a unit of space and the picture's middle, so that surface, plane and words fit into the box."""
        box, em = self._box, self._em
        extent = self._space.extent(self._relief.heights)
        turns = np.linspace(0, 1, 1 + int(np.ceil(abs(self._space.orbit) / 12)))
        overhang = np.full((2, 2), 0.5 * em)
        size = np.array([box.width, box.height])
        # The words' places depend on the scale, a little: a few rounds settle it.
        for _ in range(4):
            room = np.maximum(size - overhang.sum(1), 1.0)
            self._scale = float((room / np.diff(extent)[:, 0]).min())
            self._middle = np.array([box.x, box.y]) + overhang[:, 0] + room / 2 - self._scale * extent.mean(1)
            seen = extent * self._scale + self._middle[:, None]
            around = np.array([bounds for share in turns for bounds in self._around(self.azimuth_at(float(share)))])
            beyond = np.stack([seen[:, 0] - around[:, :, 0].min(0), around[:, :, 1].max(0) - seen[:, 1]], -1)
            overhang = np.maximum(beyond, 0) + 0.25 * em

    def _around(self, azimuth: float) -> Iterator[FloatArray]:
        """The bounds, (2, 2), of the value axis and of all words."""
        ends = self._axes(azimuth)[2].ends
        yield np.stack([ends.min(0), ends.max(0)], -1)
        for sign in self._placed(azimuth):
            yield sign.bounds

    def _axes(self, azimuth: float) -> tuple[_Axis, _Axis, _Axis]:
        """The axes of both coordinates along the nearer edges of the plane, and that of the values."""
        view, names, eye = self._facet.limits, self._facet.names, self._space.eye(azimuth)
        near = np.where(eye[:2] >= 0, 1, 0)
        count = max(2, min(6, int(2 * self._scale * float(self._space.sides.min()) / (4.5 * self._em))))
        middle, flat = self._seen(np.zeros(3), azimuth), []
        for i, other in ((0, 1), (1, 0)):
            ticks = round_ticks(view[i, 0], view[i, 1], count)
            spots = np.empty((len(ticks) + 2, 2))
            spots[:, i] = [*view[i], *ticks]
            spots[:, other] = view[other, near[other]]
            seen = self.shadow(spots, azimuth)
            flat.append(_Axis(seen[:2], _outward(seen[:2], middle), seen[2:], labels(ticks), names[i]))
        relief, foot = self._relief, self._value_foot(azimuth)
        corner = np.broadcast_to(foot[:2] / self._space.sides, (len(relief.ticks) + 2, 2))
        spots = view.mean(1) + corner * np.diff(view)[:, 0] / 2
        seen = self._seen(self._space.place(spots, np.append([0.0, 1.0], relief.ticks)), azimuth)
        side = 1.0 if seen[0, 0] > middle[0] else -1.0
        return flat[0], flat[1], _Axis(seen[:2], np.array([side, 0.0]), seen[2:], relief.labels, relief.caption)

    def _value_foot(self, azimuth: float) -> FloatArray:
        """The corner of the plane under the value axis: the left- or the right-most, whichever is farther back."""
        corners, eye = self._floor.corners, self._space.eye(azimuth)
        across = self._space.project(corners, azimuth)[:, 0]
        near = np.where(eye[:2] >= 0, 1, -1)

        def nearness(corner: FloatArray) -> tuple[float, float]:
            # Seen along a side both may be in front; then it is the one where no numbers run to the back.
            return float(np.sign(corner[:2]) @ near), -float(np.linalg.norm(corner - eye))

        return min((corners[across.argmin()], corners[across.argmax()]), key=nearness)

    def _signs(self, azimuth: float) -> list[_Sign]:
        """The words that have room: within the box, off the surface, and none over another."""
        box = self._box
        surface = self._seen(self._surface.world[::3, ::3].reshape(-1, 3), azimuth)
        low, high = np.array([box.x, box.y]), np.array([box.right, box.top])
        kept: list[_Sign] = []
        for sign in self._placed(azimuth):
            bounds = sign.bounds
            inside = (bounds[:, 0] >= low).all() and (bounds[:, 1] <= high).all()
            free = not any(_overlap(sign, other, 0.9 * self._em) for other in kept)
            if inside and free and not ((surface > bounds[:, 0]) & (surface < bounds[:, 1])).all(1).any():
                kept.append(sign)
        return kept

    def _placed(self, azimuth: float) -> Iterator[_Sign]:
        """All words where they should stand, names first."""
        *flat, value = self._axes(azimuth)
        surface = self._seen(self._surface.world[::3, ::3].reshape(-1, 3), azimuth)
        numbers = []
        for axis in flat:
            away = TICK * self._em + self._covered(axis, surface)
            row = _thinned(self._beside(axis, axis.ticks, axis.numbers, away))
            depth = max((_support(axis.outward, sign.width, sign.height) for sign in row), default=0.0)
            yield from self._beside(axis, axis.ends.mean(0)[None], (axis.name,), away + 2 * depth + 0.1 * self._em)
            numbers.extend(row)
        if self._upright(value):
            column = _sifted(self._beside(value, value.ticks, value.numbers, TICK * self._em))
            yield self._caption(value, column, surface)
            numbers.extend(column)
        yield from numbers

    def _covered(self, axis: _Axis, surface: FloatArray) -> float:
        """How far the surface, (n, 2) in pixels, reaches beyond an edge of the plane, as far as numbers may yield."""
        along = axis.ends[1] - axis.ends[0]
        share = (surface - axis.ends[0]) @ along / max(float(along @ along), 1e-9)
        beyond = (surface - axis.ends[0]) @ axis.outward
        reach = beyond[(share >= -0.05) & (share <= 1.05)].max(initial=0.0)
        return float(reach) if reach <= YIELD * self._em else 0.0

    def _upright(self, value: _Axis) -> bool:
        """Whether the value axis is seen from the side, not from above."""
        return float(np.linalg.norm(np.diff(value.ends, axis=0))) > OUT_OF_SIGHT * self._em

    def _beside(self, axis: _Axis, spots: FloatArray, words: Iterable[str], away: float) -> list[_Sign]:
        """Words beside an axis, all a distance in pixels off it."""
        signs = []
        for spot, word in zip(spots, words, strict=True):
            width, height = self._size(word)
            x, y = spot + axis.outward * (away + _support(axis.outward, width, height))
            signs.append(_Sign(float(x), float(y), word, width, height))
        return signs

    def _caption(self, value: _Axis, column: list[_Sign], surface: FloatArray) -> _Sign:
        """What the values are, above their axis and the surface; outwards it ends where the numbers end."""
        width, height = self._size(value.name)
        out, (x, top), em = value.outward[0], value.ends[1], self._em
        outer = max(out * x + em, *(out * sign.x + sign.width / 2 for sign in column), out * x)
        middle = out * (outer - width / 2)
        below = surface[np.abs(surface[:, 0] - middle) < width / 2 + 0.5 * em, 1]
        bottom = max(top + 0.2 * em, *(sign.y + sign.height / 2 for sign in column), below.max(initial=top))
        return _Sign(float(middle), float(bottom + 0.4 * em + height / 2), value.name, width, height)

    def _size(self, words: str) -> tuple[float, float]:
        """Width and height of words, in pixels."""
        if words not in self._sizes:
            font = FontProperties(family=self._theme.font, size=points(self._em))
            renderer = RendererAgg(1, 1, 100)
            width, _, _ = renderer.get_text_width_height_descent(words, font, ismath=False)
            _, height, _ = renderer.get_text_width_height_descent("lp", font, ismath=False)
            self._sizes[words] = float(width), float(height)
        return self._sizes[words]


def _outward(ends: FloatArray, middle: FloatArray) -> FloatArray:
    """The unit vector at right angles to an edge that points away from a middle."""
    along = ends[1] - ends[0]
    normal = np.array([along[1], -along[0]]) / max(float(np.linalg.norm(along)), 1e-9)
    return normal * (1.0 if normal @ (ends.mean(0) - middle) >= 0 else -1.0)


def _support(direction: FloatArray, width: float, height: float) -> float:
    """How far a rectangle reaches from its middle in a direction."""
    return float(abs(direction[0]) * width + abs(direction[1]) * height) / 2


def _overlap(one: _Sign, other: _Sign, apart: float = 0.0) -> bool:
    """Whether two signs overlap, or stand side by side with less than so many pixels between them."""
    return (
        abs(one.x - other.x) < (one.width + other.width) / 2 + apart
        and abs(one.y - other.y) < (one.height + other.height) / 2
    )


def _thinned(row: list[_Sign]) -> list[_Sign]:
    """Every one, every second, every third … of the numbers of an even axis, so that no two overlap."""
    for every in range(1, len(row) + 1):
        chosen = row[(len(row) // 2) % every :: every]
        if not any(_overlap(a, b) for a, b in pairwise(chosen)):
            return chosen
    return row[:1]


def _sifted(row: list[_Sign]) -> list[_Sign]:
    """The first of the numbers of an uneven axis, and each that does not overlap the one before."""
    chosen = row[:1]
    for sign in row[1:]:
        if not _overlap(sign, chosen[-1]):
            chosen.append(sign)
    return chosen
