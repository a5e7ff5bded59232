"""Surfaces in space above the plane of their inputs, seen by a camera that may turn."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.text import Text
from PIL import Image

from gdsim.objectives import FloatArray, inside
from gdsim.render.canvas import DPI, Canvas, arrow_shapes, rgba
from gdsim.render.display_list import START, Moment, Primitive, Viewport
from gdsim.render.heads import head_marks
from gdsim.render.layout import Box
from gdsim.render.painter import Painter
from gdsim.render.paths import add_starts, draw_starts, drop_lines, make_trail, path_style
from gdsim.render.spreads import mean_trail, regions
from gdsim.render.strands import side_by_side
from gdsim.render.surface_mesh import SurfaceMesh, level_lines
from gdsim.render.surface_projection import SurfaceProjection
from gdsim.render.trail import BoolArray, Trail
from gdsim.render.views import ViewRenderer
from gdsim.scene.model import FEW_STARTS, Arrows, Facet, Path
from gdsim.scene.views.surface import SurfaceModel
from gdsim.themes import mix

STAR = np.array(
    [(1.0 if i % 2 == 0 else 0.42) * np.array([-np.sin(i * np.pi / 5), np.cos(i * np.pi / 5)]) for i in range(10)]
)
"""The corners of a star of radius 1 with a tip at the top."""

LEAST_CONTRAST = 3.0  # the minimum contrast of the arrows in the plane with the page
SHADOW = 1.7  # the width of the shadow under a head, in heads
HIDDEN_ALPHA = 0.7  # the opacity of a path behind a front, which is translucent itself
FINE, COARSE = 1.0, 6.0  # the length of path, in pixels, per test of whether it is hidden: for few starts, and for many
SAMPLE = 0.012  # the distance of the points of paths, in sides of the view, before which a surface is translucent
MOST_COVERED = 48  # the number of hidden points before which it is
SUPERSAMPLING = 2  # the number of dots along each side of a pixel, for smooth edges


class _SurfaceViewport(Viewport):
    def __init__(self, canvas: Canvas, box: Box, axes: Axes, facet: Facet) -> None:
        super().__init__(canvas, box, axes)
        model = cast("SurfaceModel", facet.model)
        self._facet, self._heights, self._camera = facet, model.heights, model.camera
        self._projection = SurfaceProjection(facet, self.bounds, canvas.em, canvas.theme.font)
        self._mesh, self._samples = SurfaceMesh(canvas, model, self._projection), self._place(_samples(facet))
        self._levels, self._arrows = level_lines(model)[0], _plane_arrows(facet.arrows, model)
        self.turning = self._camera.orbit != 0

    def _azimuth(self, moment: Moment) -> float:
        return self._camera.azimuth_at(moment.share)

    def _place(self, points: FloatArray) -> FloatArray:
        """Return the positions in space of coordinates, (…, 2) in the plane or (…, 3) on the surface."""
        return self._camera.place(points[..., :2], points[..., 2] if points.shape[-1] == 3 else None)

    def pixels(self, points: FloatArray, moment: Moment) -> FloatArray:
        return self._projection.project(self._place(points), self._azimuth(moment))

    def hidden(self, points: FloatArray, moment: Moment) -> BoolArray:
        return self._camera.hidden(self._heights, self._place(points), self._azimuth(moment))

    def pose(self, moment: Moment, scale: int) -> list[Artist]:
        # At one dot per pixel, no resampling is needed.
        kind = "nearest" if scale == 1 else "antialiased"
        picture = self.picture(moment, scale)
        image = self.axes.imshow(picture, extent=(0, 1, 0, 1), aspect="auto", interpolation=kind, zorder=scale)
        if not self.turning:
            return [image]
        return [image, *self.labels(moment, loose=False), add_starts(self._facet, self, moment)]

    def draw_backdrop(self, painter: Painter, moment: Moment) -> None:
        box, pixels = self.box, np.asarray(cast("RendererAgg", painter.renderer).buffer_rgba())
        top = pixels.shape[0] - int(box.top)
        pixels[top : top + int(box.height), int(box.x) : int(box.right)] = self.picture(moment, 1)
        for text in self.labels(moment, loose=True):
            text.draw(painter.renderer)
        draw_starts(self._facet, self, moment, painter)

    def labels(self, moment: Moment, *, loose: bool) -> list[Text]:
        """Return the labels of the axes, which are added to the figure unless they are `loose`."""
        color = self.canvas.theme.quiet
        return [
            self.canvas.text(label.x, label.y, label.text, color=color, loose=loose, ha="center", va="center")
            for label in self._projection.labels(self._azimuth(moment))
        ]

    def picture(self, moment: Moment, scale: int) -> npt.NDArray[np.uint8]:
        """Draw everything except paths and text, from the upper left corner, (scale · height, scale · width, 4)."""
        reduction = SUPERSAMPLING if scale <= SUPERSAMPLING else 1
        box, dots, azimuth = self.box, scale * reduction, self._azimuth(moment)
        renderer = RendererAgg(int(box.width) * dots, int(box.height) * dots, DPI * dots)
        pixels = np.asarray(renderer.buffer_rgba())
        pixels.view(np.uint32)[...] = rgba(self.canvas.page).view(np.uint32)
        painter = Painter(renderer, self.bounds, dots, (box.x, box.y))
        self._draw_plane(painter, moment)
        self._draw_axes(painter, azimuth)
        covered = self._samples[self._camera.hidden(self._heights, self._samples, azimuth)]
        if not len(covered):
            self._mesh.draw(painter, azimuth, None)
            self._draw_points(painter, moment)
            return _reduced(pixels, reduction)
        covered = covered[:: -(-len(covered) // MOST_COVERED)]
        front = self._mesh.front(covered, azimuth)
        seen = []
        for part in (~front, front):
            self._mesh.draw(painter, azimuth, part)
            self._draw_points(painter, moment)
            seen.append(_reduced(pixels, reduction))
        share = self._mesh.window(covered, azimuth, (int(box.width), int(box.height)))
        behind, whole = (each.astype(np.float32) for each in seen)
        return np.rint(whole + share.repeat(scale, 0).repeat(scale, 1) * (behind - whole)).astype(np.uint8)

    def _draw_points(self, painter: Painter, moment: Moment) -> None:
        """Draw the minima and marks on the surface that it does not hide."""
        minima = self._facet.minima
        self._draw_stars(painter, self.pixels(minima[~self.hidden(minima, moment)], moment), 0.62)
        self._draw_marks(painter, moment)

    def _draw_plane(self, painter: Painter, moment: Moment) -> None:
        theme, line, azimuth = self.canvas.theme, self.canvas.line, self._azimuth(moment)
        border = self._projection.project(self._projection.corners, azimuth)[None]
        painter.fill(border, mix(theme.page, theme.grid, 0.3))
        painter.stroke(self.pixels(self._levels, moment), theme.quiet, 0.04 * line, alpha=0.3)
        painter.stroke(border[:, [0, 1, 2, 3, 0]], theme.quiet, 0.06 * line)
        color = theme.on(theme.page, theme.arrow, LEAST_CONTRAST)
        painter.fill(self._projection.project(self._arrows, azimuth), color, alpha=0.6)
        self._draw_stars(painter, self.pixels(self._facet.minima[:, :2], moment), 0.42)

    def _draw_stars(self, painter: Painter, points: FloatArray, size: float) -> None:
        shapes = points[:, None] + STAR * size * self.canvas.em
        painter.stroke(shapes[:, [*range(10), 0]], self.canvas.theme.casing, 0.16 * self.canvas.line)
        painter.fill(shapes, self.canvas.theme.minimum)

    def _draw_marks(self, painter: Painter, moment: Moment) -> None:
        marks, theme = np.array([mark.point for mark in self._facet.marks]).reshape(-1, 3), self.canvas.theme
        points = self.pixels(marks[~self.hidden(marks, moment)], moment)
        for color, more in ((theme.casing, 0.11), (theme.text, 0.0)):
            arms = (0.4 + more / 2) * self.canvas.em * np.array([[[-1.0, 0.0], [1.0, 0.0]], [[0.0, -1.0], [0.0, 1.0]]])
            crosses = (points[:, None, None] + arms).reshape(-1, 2, 2)
            painter.stroke(crosses, color, (0.09 + more) * self.canvas.line)

    def _draw_axes(self, painter: Painter, azimuth: float) -> None:
        color, line, projection = self.canvas.theme.quiet, self.canvas.line, self._projection
        *axes, value = projection.axes(azimuth)
        if projection.shows_values(value, azimuth):
            foot = projection.project(projection.value_foot, azimuth)
            painter.stroke(np.stack([foot, value.ends[0]])[None], color, 0.04 * line, alpha=0.5)
            painter.stroke(value.ends[None], color, 0.06 * line)
            axes.append(value)
        for axis in axes:
            ends = axis.ticks + 0.3 * self.canvas.em * axis.outward
            painter.stroke(np.stack([axis.ticks, ends], 1), color, 0.05 * line)


class _SurfaceRenderer(ViewRenderer):
    def aspect(self, facet: Facet) -> float | None:
        model = cast("SurfaceModel", facet.model)
        width, height = np.diff(model.camera.extent(model.heights))[:, 0]
        return float(width / height)

    def draw(self, canvas: Canvas, facet: Facet, box: Box, outer: tuple[bool, bool]) -> Viewport:
        axes = canvas.axes(box, "none")
        axes.set_axis_off()
        viewport = _SurfaceViewport(canvas, box, axes, facet)
        if not viewport.turning:
            viewport.pose(START, 1)
            viewport.labels(START, loose=False)
        return viewport

    def primitives(self, facet: Facet, viewport: Viewport, moment: Moment) -> tuple[Primitive, ...]:
        trails, shadows = list[Trail](), list[Trail]()
        for i, path in enumerate(_shown(path, facet, viewport, moment) for path in facet.paths):
            style = replace(path_style(viewport, path), hidden_alpha=HIDDEN_ALPHA)
            shadow = replace(style, casing_width=0.0, width=0.7 * style.width, head_size=0.5 * style.head_size)
            shadow = replace(shadow, dot_size=0.0, alpha=0.5, hidden_alpha=0.0)
            for found, look, index, place in (
                (shadows, shadow, None, path.points[..., :2]),
                (trails, style, i, path.points),
            ):
                pixels, hidden = _placed(viewport, place, moment)
                found.append(make_trail(viewport, path, pixels, look, hidden=hidden, path=index))
        means = [_shown(spread.mean, facet, viewport, moment) for spread in facet.spreads]
        # With a turning camera, the parts of paths that run along each other change, and paths would jump.
        if viewport.canvas.scene.dots and not viewport.turning:
            trails = side_by_side(trails, viewport.bounds)
        pairs = list(zip(shadows, trails, strict=True))
        drops = [drop_lines(viewport.canvas, trail, shadow, shadow=SHADOW) for shadow, trail in pairs]
        return (
            *(trail for pair in pairs for trail in pair),
            *(mean_trail(viewport, mean, *_placed(viewport, mean.points, moment)) for mean in means),
            *regions(facet, viewport, moment),
            *drops,
            *head_marks(facet, viewport, shadows, moment),
        )


RENDERER = _SurfaceRenderer()


def _reduced(pixels: npt.NDArray[np.uint8], reduction: int) -> npt.NDArray[np.uint8]:
    """Return pixels, (h, w, 4), each the mean of a square."""
    # The alpha channel needs no averaging if everything is opaque.
    mode = "RGBX" if pixels[0, 0, 3] else "RGBA"
    return np.asarray(Image.frombuffer(mode, pixels.shape[1::-1], pixels, "raw", mode, 0, 1).reduce(reduction))


def _shown(path: Path, facet: Facet, viewport: Viewport, moment: Moment) -> Path:
    """Return what is drawn of a path at a moment, with NaN where it would extend beyond the edge of the surface."""
    points = np.where(inside(path.points[..., :2], facet.limits)[..., None], path.points, np.nan)
    # Nothing after the next iterate is drawn at this moment.
    last = int(np.searchsorted(path.times, int(moment.time) + 1, side="right")) if viewport.turning else None
    return replace(path, times=path.times[:last], points=points[:last])


def _placed(viewport: Viewport, points: FloatArray, moment: Moment) -> tuple[FloatArray, BoolArray]:
    """Return the pixels (n, starts, 2) of paths (n, starts, 2 or 3), and where they are hidden (n, starts)."""
    pixels = viewport.pixels(points, moment)
    apart = FINE if points.shape[1] <= FEW_STARTS else COARSE
    moves = np.nan_to_num(np.linalg.norm(np.diff(pixels, axis=0), axis=-1), nan=apart)
    stretch = np.floor(np.cumsum(moves, axis=0) / apart)
    tested = np.ones(pixels.shape[:2], np.bool_)
    tested[1:] = np.diff(stretch, axis=0, prepend=0.0) > 0
    found = np.zeros_like(tested)
    found[tested] = viewport.hidden(points[tested], moment)
    last = np.maximum.accumulate(np.where(tested, np.arange(len(tested))[:, None], 0), axis=0)
    return pixels, np.take_along_axis(found, last, axis=0)


def _samples(facet: Facet) -> FloatArray:
    """Return points along the paths with few starts, (n, 3), of which a surface is translucent before hidden ones."""
    found = [np.empty((0, 3))]
    for path in facet.paths:
        for start, end in enumerate(path.ends if len(path.ends) <= FEW_STARTS else []):
            points = path.points[path.times <= end, start]
            points = points[inside(points[:, :2], facet.limits)]
            moves = np.linalg.norm(np.diff(points / np.append(np.diff(facet.limits)[:, 0], 1), axis=0), axis=-1)
            along = np.append(0, np.floor(np.cumsum(np.nan_to_num(moves)) / SAMPLE))
            found.append(points[np.unique(along, return_index=True)[1]])
    return np.concatenate(found)


def _plane_arrows(arrows: Arrows | None, model: SurfaceModel) -> FloatArray:
    """Return the gradient arrows in the plane below a surface as polygons in space, (n, 7, 3)."""
    if arrows is None:
        return np.empty((0, 7, 3))
    scale = 2 * model.camera.sides / np.diff(model.camera.bounds)[:, 0]
    room = float((arrows.spacing * scale).min())
    middle = model.camera.place(arrows.points)[:, :2]
    shapes = arrow_shapes(middle, arrows.gradients * scale, 0.75 * room * arrows.lengths, thick=0.035 * room)
    return np.concatenate([shapes, np.zeros((*shapes.shape[:2], 1))], -1)
