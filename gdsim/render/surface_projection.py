"""Projection of a surface, its axes and their labels from space to pixels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import cast

import numpy as np
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

from gdsim.objectives import FloatArray, inside
from gdsim.render.canvas import DPI, points
from gdsim.scene.levels import labels, round_ticks
from gdsim.scene.model import Facet
from gdsim.scene.views.surface import SurfaceModel
from gdsim.themes.fonts import font_families

CLEAR = 0.4  # the distance of labels from the surface, in ems
TICK = 0.65  # the distance of tick labels from their axis, in ems
MOST_OFFSET = 4.0  # how far, in ems, tick labels move outward at most where the surface extends beyond the plane's edge
ASIDE = 0.6  # the distance of the value axis from the center, in that of the outermost corner, at which it is drawn
SHORTEST_VALUE_AXIS = 1.8  # the projected length of the value axis, in ems, below which it is not drawn


@dataclass(frozen=True)
class Label:
    """A text of an axis, given by its center and its size in pixels."""

    x: float
    y: float
    text: str
    width: float
    height: float

    @property
    def bounds(self) -> FloatArray:
        """The left and right, and the bottom and top edge, (2, 2)."""
        half, middle = np.array([self.width, self.height]) / 2, np.array([self.x, self.y])
        return np.stack([middle - half, middle + half], -1)

    def overlaps(self, other: Label, gap: float = 0.0) -> bool:
        """Return whether two labels overlap, or are side by side with less than `gap` pixels between them."""
        across, up = abs(self.x - other.x), abs(self.y - other.y)
        return across < (self.width + other.width) / 2 + gap and up < (self.height + other.height) / 2


@dataclass(frozen=True, eq=False)
class SurfaceAxis:
    """An axis in pixels.

    Attributes:
        ends: (2, 2) the end points.
        outward: (2,) the unit vector that points away from the surface.
        ticks: (ticks, 2) the tick positions.
    """

    ends: FloatArray
    outward: FloatArray
    ticks: FloatArray
    numbers: tuple[str, ...]
    name: str


class SurfaceProjection:
    """A surface and the plane of its inputs, scaled with their axes to fit into a rectangle, `bounds`, (2, 2).

    Attributes:
        bounds: (2, 2) the rectangle.
        scale: Pixels per unit of space.
        world: (rows, columns, 3) the surface's grid points in space.
        corners: (4, 3) the plane's corners, in order around it.
        value_foot: (3,) the one below the value axis.
    """

    def __init__(self, facet: Facet, bounds: FloatArray, em: float, font: str) -> None:
        self._model = cast("SurfaceModel", facet.model)
        self._facet, self.bounds, self._em, self._font, self._camera = facet, bounds, em, font, self._model.camera
        self.world = self._camera.place(np.stack(np.meshgrid(self._model.x, self._model.y), -1), self._model.heights)
        (left, right), (bottom, top) = self._camera.bounds
        self.corners = self._camera.place(np.array([[left, bottom], [right, bottom], [right, top], [left, top]]))
        every = max(1, len(self.world) // 60)
        self._sampled = self.world[::every, ::every].reshape(-1, 3)
        self._plane = np.nan_to_num(self._sampled) * [0.99, 0.99, 0.0]
        self.value_foot = self._value_foot()
        self.scale, self._middle = 1.0, np.zeros(2)
        self._fit()

    def project(self, world: FloatArray, azimuth: float) -> FloatArray:
        """Project points in space, (…, 3), to pixels, (…, 2)."""
        return np.asarray(self._camera.project(world, azimuth) * self.scale + self._middle)

    def _fit(self) -> None:
        """Choose the scale and the center so that surface, plane and labels fit into the rectangle at every azimuth."""
        em, extent = self._em, self._camera.extent(self._model.heights)
        turns = np.linspace(0, 1, 1 + int(np.ceil(abs(self._camera.orbit) / 12)))
        azimuths = [self._camera.azimuth_at(float(share)) for share in turns]
        overhang = np.full((2, 2), 0.5 * em)
        # The labels' positions depend slightly on the scale, so that the fit is repeated.
        for _ in range(4):
            room = np.maximum(np.diff(self.bounds)[:, 0] - overhang.sum(1), 1.0)
            self.scale = float((room / np.diff(extent)[:, 0]).min())
            self._middle = self.bounds[:, 0] + overhang[:, 0] + room / 2 - self.scale * extent.mean(1)
            seen = extent * self.scale + self._middle[:, None]
            around = []
            for azimuth in azimuths:
                axes = self.axes(azimuth)
                ends = axes[2].ends
                around += [np.stack([ends.min(0), ends.max(0)], -1)]
                around += [label.bounds for label in self._placed(axes, azimuth)]
            low, high = np.array(around)[:, :, 0].min(0), np.array(around)[:, :, 1].max(0)
            overhang = np.maximum(np.stack([seen[:, 0] - low, high - seen[:, 1]], -1), 0) + 0.25 * em

    def axes(self, azimuth: float) -> tuple[SurfaceAxis, SurfaceAxis, SurfaceAxis]:
        """Return the axes of both coordinates, along the plane's nearer edges, and the value axis."""
        limits, names, eye = self._facet.limits, self._facet.names, self._camera.eye(azimuth)
        near = np.where(eye[:2] >= 0, 1, 0)
        count = max(2, min(6, int(2 * self.scale * float(self._camera.sides.min()) / (4.5 * self._em))))
        middle, flat = self.project(np.zeros(3), azimuth), []
        for i, other in ((0, 1), (1, 0)):
            ticks = round_ticks(limits[i, 0], limits[i, 1], count)
            inputs = np.empty((len(ticks) + 2, 2))
            inputs[:, i] = [*limits[i], *ticks]
            inputs[:, other] = limits[other, near[other]]
            pixels = self.project(self._camera.place(inputs), azimuth)
            flat.append(SurfaceAxis(pixels[:2], _outward(pixels[:2], middle), pixels[2:], labels(ticks), names[i]))
        model, foot = self._model, self.value_foot
        corner = np.broadcast_to(foot[:2] / self._camera.sides, (len(model.ticks) + 2, 2))
        inputs = limits.mean(1) + corner * np.diff(limits)[:, 0] / 2
        pixels = self.project(self._camera.place(inputs, np.append([0.0, 1.0], model.ticks)), azimuth)
        side = np.array([1.0 if pixels[0, 0] > middle[0] else -1.0, 0.0])
        return flat[0], flat[1], SurfaceAxis(pixels[:2], side, pixels[2:], model.labels, model.caption)

    def _value_foot(self) -> FloatArray:
        """Return the plane's corner below the value axis, (3,), which stays there when the camera turns.

        It is nearest to the left or right edge of the picture at every azimuth, and of two such the farther one.
        """

        def prominence(corner: FloatArray) -> tuple[float, float]:
            azimuths = [self._camera.azimuth_at(share) for share in np.linspace(0, 1, 13).tolist()]
            across = min(abs(float(self._across(corner, azimuth))) for azimuth in azimuths)
            away = [float(np.linalg.norm(corner - self._camera.eye(azimuth))) for azimuth in azimuths]
            return round(across, 6), sum(away)

        return np.asarray(max(self.corners, key=prominence))

    def shows_values(self, value: SurfaceAxis, azimuth: float) -> bool:
        """Return whether the value axis is drawn: its projection is long enough, and it is not before the surface."""
        across = np.abs(self._across(self.corners, azimuth))
        aside = abs(self._across(self.value_foot, azimuth)) > ASIDE * across.max()
        return bool(aside) and float(np.linalg.norm(np.diff(value.ends, axis=0))) > SHORTEST_VALUE_AXIS * self._em

    def _across(self, corners: FloatArray, azimuth: float) -> FloatArray:
        """Return how far to the right corners, (…, 3), are in parallel projection, (…)."""
        turn = np.deg2rad(azimuth)
        return np.asarray(corners[..., 1] * np.cos(turn) - corners[..., 0] * np.sin(turn))

    def labels(self, azimuth: float) -> list[Label]:
        """Return the labels that are inside the rectangle and overlap neither surface nor plane nor each other."""
        clear = np.array([-CLEAR, CLEAR]) * self._em
        surface = np.concatenate([self._surface(azimuth), self.project(self._plane, azimuth)])
        kept: list[Label] = []
        for label in self._placed(self.axes(azimuth), azimuth):
            fits = inside(label.bounds.T, self.bounds).all() and not inside(surface, label.bounds + clear).any()
            if fits and not any(label.overlaps(other, 0.9 * self._em) for other in kept):
                kept.append(label)
        return kept

    def _surface(self, azimuth: float) -> FloatArray:
        """Return a sample of the surface's points in pixels, (n, 2)."""
        return self.project(self._sampled, azimuth)

    def _placed(self, axes: tuple[SurfaceAxis, ...], azimuth: float) -> Iterator[Label]:
        """Yield all labels of the axes at an azimuth at their preferred positions, names first."""
        *flat, value = axes
        surface, numbers = self._surface(azimuth), []
        for axis in flat:
            away = TICK * self._em + self._beyond(axis, surface)
            row = _thinned(self._beside(axis, axis.ticks, axis.numbers, away))
            depth = max((_support(axis.outward, label.width, label.height) for label in row), default=0.0)
            yield from self._beside(axis, axis.ends.mean(0)[None], (axis.name,), away + 2 * depth + 0.1 * self._em)
            numbers += row
        if self.shows_values(value, azimuth):
            column: list[Label] = []
            for label in self._beside(value, value.ticks, value.numbers, TICK * self._em):
                if not column or not label.overlaps(column[-1]):
                    column.append(label)
            yield self._caption(value, column, surface)
            numbers += column
        yield from numbers

    def _beyond(self, axis: SurfaceAxis, surface: FloatArray) -> float:
        """Return how far the surface extends beyond an edge of the plane, in pixels; 0 if above `MOST_OFFSET`."""
        along = axis.ends[1] - axis.ends[0]
        share = (surface - axis.ends[0]) @ along / max(float(along @ along), 1e-9)
        beyond = (surface - axis.ends[0]) @ axis.outward
        reach = float(beyond[(share >= -0.05) & (share <= 1.05)].max(initial=0.0))
        return reach if reach <= MOST_OFFSET * self._em else 0.0

    def _beside(self, axis: SurfaceAxis, places: FloatArray, texts: Iterable[str], away: float) -> list[Label]:
        """Return labels at a distance of `away` pixels from an axis."""
        found = []
        for place, text in zip(places, texts, strict=True):
            width, height = _text_size(text, self._font, self._em)
            x, y = place + axis.outward * (away + _support(axis.outward, width, height))
            found.append(Label(float(x), float(y), text, width, height))
        return found

    def _caption(self, value: SurfaceAxis, column: list[Label], surface: FloatArray) -> Label:
        """Return the label with the name of the values, above the value axis and the surface."""
        width, height = _text_size(value.name, self._font, self._em)
        out, (x, top), em = value.outward[0], value.ends[1], self._em
        outer = max(out * x + em, *(out * label.x + label.width / 2 for label in column), out * x)
        middle = out * (outer - width / 2)
        below = surface[np.abs(surface[:, 0] - middle) < width / 2 + 0.5 * em, 1]
        bottom = max(top + 0.2 * em, *(label.y + label.height / 2 for label in column), below.max(initial=top))
        return Label(float(middle), float(bottom + 1.1 * CLEAR * em + height / 2), value.name, width, height)


@cache
def _text_size(text: str, font: str, em: float) -> tuple[float, float]:
    properties = FontProperties(family=font_families(font, text), size=points(em))
    drawn = Figure(dpi=DPI).text(0, 0, text, fontproperties=properties, parse_math=False)
    _, _, width, height = drawn.get_window_extent(RendererAgg(1, 1, DPI)).bounds
    return float(width), float(height)


def _outward(ends: FloatArray, middle: FloatArray) -> FloatArray:
    """Return the unit normal of an edge that points away from `middle`."""
    along = ends[1] - ends[0]
    normal = np.array([along[1], -along[0]]) / max(float(np.linalg.norm(along)), 1e-9)
    return normal * (1.0 if normal @ (ends.mean(0) - middle) >= 0 else -1.0)


def _support(direction: FloatArray, width: float, height: float) -> float:
    """Return the distance from a rectangle's center to its farthest point in a direction."""
    return float(abs(direction[0]) * width + abs(direction[1]) * height) / 2


def _thinned(row: list[Label]) -> list[Label]:
    """Keep every k-th label of a row, with the smallest k for which no two overlap."""
    for every in range(1, len(row) + 1):
        chosen = row[(len(row) // 2) % every :: every]
        if not any(a.overlaps(b) for a, b in pairwise(chosen)):
            return chosen
    return row[:1]
