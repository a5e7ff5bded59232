"""Surfaces in space above the plane of their inputs, seen by a camera that may turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.text import Text

from gdsim.objectives import FloatArray, inside
from gdsim.render.annotations import exit_marks
from gdsim.render.canvas import Canvas
from gdsim.render.display_list import Primitive
from gdsim.render.head_artists import head_arrows
from gdsim.render.layers import make_trail, path_style, start_rings
from gdsim.render.layout import Box
from gdsim.render.mesh import Raster, SurfaceMesh, level_lines, plane_arrows
from gdsim.render.surface_projection import SurfaceProjection
from gdsim.render.viewport import Moment, Viewport, scaled, unit
from gdsim.render.views import ViewRenderer
from gdsim.scene import FEW_STARTS, Facet, SurfaceModel
from gdsim.themes import contrast, mix

__all__ = ["RENDERER", "SurfaceViewport"]

BoolArray = npt.NDArray[np.bool_]

SHARED_ASPECT = 1.2
"""The width-to-height ratio of surfaces that share a picture; a single surface fills the available room."""

STAR = np.array(
    [(1.0 if i % 2 == 0 else 0.42) * np.array([-np.sin(i * np.pi / 5), np.cos(i * np.pi / 5)]) for i in range(10)]
)
"""The corners of a star of radius 1 with a tip at the top."""

LEAST_CONTRAST = 2.5
"""The minimum contrast with the page at which the theme's arrow color is used in the plane."""

FINE, COARSE = 1.0, 6.0
"""The length of path, in pixels, per test of whether a surface hides it: for few starts, and for many."""


class SurfaceViewport(Viewport):
    """A rectangle of the picture that shows a surface."""

    def __init__(self, canvas: Canvas, box: Box, axes: Axes, facet: Facet) -> None:
        super().__init__(canvas, box, axes)
        model: SurfaceModel = facet.model
        self._facet, self._heights, self._camera = facet, model.heights, model.camera
        self._projection = SurfaceProjection(facet, box, canvas.em, canvas.theme.font)
        self._mesh = SurfaceMesh(model, self._projection.world, canvas.theme)
        self._levels, self._arrows = level_lines(model), plane_arrows(facet.arrows, model)
        self._rasters: dict[int, Raster] = {}
        self.turning = self._camera.orbit != 0

    def _azimuth(self, moment: Moment) -> float:
        return self._camera.azimuth_at(moment.share)

    def pixels(self, points: FloatArray, moment: Moment) -> FloatArray:
        """Project coordinates, (…, 3), to pixels."""
        return self._projection.project(self._camera.place(points[..., :2], points[..., 2]), self._azimuth(moment))

    def base(self, points: FloatArray, moment: Moment) -> FloatArray:
        """Project the inputs of coordinates, (…, 2 or more), in the plane below the surface to pixels."""
        return self._projection.base(points, self._azimuth(moment))

    def hidden(self, points: FloatArray, moment: Moment) -> BoolArray:
        """Return which coordinates, (…, 3), the surface hides."""
        world = self._camera.place(points[..., :2], points[..., 2])
        return self._camera.hidden(self._heights, world, self._azimuth(moment))

    def base_hidden(self, points: FloatArray, moment: Moment) -> BoolArray:
        """Return which inputs, (…, 2 or more), in the plane below the surface are hidden by it."""
        return self._camera.hidden(self._heights, self._camera.place(points[..., :2]), self._azimuth(moment))

    def directions(self, points: FloatArray, vectors: FloatArray, view: FloatArray, moment: Moment) -> FloatArray:
        """Return the directions of vectors of the inputs as seen in the plane."""
        inputs, size = points[..., :2], view[:, 1] - view[:, 0]
        # The difference over a hundredth of the view.
        ahead = inputs + 0.01 * unit(scaled(vectors) / size) * size
        return unit(self.base(ahead, moment) - self.base(inputs, moment))

    def exit_markers(self, pixels: FloatArray) -> npt.NDArray[np.str_]:
        """Return crosses, because paths end on the surface."""
        return np.full(len(pixels), "X")

    def pose(self, moment: Moment, scale: int, *, words: bool) -> list[Artist]:
        """Add the surface at a moment to the figure, and the labels of its axes if `words` is true."""
        # At one dot per pixel, no resampling is needed.
        kind = "nearest" if scale == 1 else "antialiased"
        picture = self.picture(moment, scale)
        image = self.axes.imshow(picture, extent=(0, 1, 0, 1), aspect="auto", interpolation=kind, zorder=scale)
        return [image, *(self._labels(moment, loose=False) if words else [])]

    def draw_backdrop(self, renderer: RendererAgg, moment: Moment) -> None:
        """Draw the surface and the labels of its axes over the previous frame."""
        box, pixels = self.box, np.asarray(renderer.buffer_rgba())
        top = pixels.shape[0] - int(box.top)
        pixels[top : top + int(box.height), int(box.x) : int(box.right)] = self.picture(moment, 1)
        for text in self._labels(moment, loose=True):
            text.draw(renderer)

    def _labels(self, moment: Moment, *, loose: bool) -> list[Text]:
        color = self.canvas.theme.quiet
        return [
            self.canvas.text(label.x, label.y, label.text, color=color, loose=loose, ha="center", va="center")
            for label in self._projection.labels(self._azimuth(moment))
        ]

    def picture(self, moment: Moment, scale: int) -> npt.NDArray[np.uint8]:
        """Draw everything except paths and text, from the upper left corner, (scale · height, scale · width, 4)."""
        if scale not in self._rasters:
            self._rasters[scale] = Raster(self.box, scale)
        raster = self._rasters[scale]
        raster.clear(self.canvas.page)
        azimuth, width = self._azimuth(moment), 0.05 * self.canvas.line
        self._draw_plane(raster, moment)
        self._draw_axes(raster, azimuth)
        points = self._projection.project(self._mesh.world, azimuth)
        self._mesh.draw(raster, points, self._camera.eye(azimuth) / np.append(self._camera.sides, 1), width)
        minima = self._facet.minima
        self._draw_stars(raster, self.pixels(minima[~self.hidden(minima, moment)], moment), 0.62)
        self._draw_marks(raster, moment)
        return raster.picture()

    def _draw_plane(self, raster: Raster, moment: Moment) -> None:
        theme, line, azimuth = self.canvas.theme, self.canvas.line, self._azimuth(moment)
        border = self._projection.project(self._projection.corners, azimuth)[None]
        raster.fill(border, mix(theme.page, theme.grid, 0.3))
        levels, codes = self._levels
        raster.stroke_path(self._projection.project(levels, azimuth), codes, theme.level_line, 0.04 * line, 0.45)
        raster.stroke(border[:, [0, 1, 2, 3, 0]], theme.quiet, 0.06 * line)
        if len(self._arrows):
            # The plane has the page's color, on which a theme's arrows may lack contrast.
            color = theme.arrow if contrast(theme.arrow, theme.page) >= LEAST_CONTRAST else theme.quiet
            raster.fill(self._projection.project(self._arrows, azimuth), color, 0.8)
        self._draw_stars(raster, self.base(self._facet.minima, moment), 0.42)

    def _draw_stars(self, raster: Raster, points: FloatArray, size: float) -> None:
        if len(points):
            shapes = points[:, None] + STAR * size * self.canvas.em
            raster.stroke(shapes[:, [*range(10), 0]], self.canvas.theme.casing, 0.16 * self.canvas.line)
            raster.fill(shapes, self.canvas.theme.minimum)

    def _draw_marks(self, raster: Raster, moment: Moment) -> None:
        marks, theme = np.array([mark.point for mark in self._facet.marks]).reshape(-1, 3), self.canvas.theme
        points = self.pixels(marks[~self.hidden(marks, moment)], moment)
        for color, more in ((theme.casing, 0.11), (theme.text, 0.0)):
            arms = (0.4 + more / 2) * self.canvas.em * np.array([[[-1.0, 0.0], [1.0, 0.0]], [[0.0, -1.0], [0.0, 1.0]]])
            crosses = (points[:, None, None] + arms).reshape(-1, 2, 2)
            raster.stroke(crosses, color, (0.09 + more) * self.canvas.line)

    def _draw_axes(self, raster: Raster, azimuth: float) -> None:
        color, line, projection = self.canvas.theme.quiet, self.canvas.line, self._projection
        *axes, value = projection.axes(azimuth)
        if projection.shows_values(value):
            foot = projection.project(projection.value_foot(azimuth), azimuth)
            raster.stroke(np.stack([foot, value.ends[0]])[None], color, 0.04 * line, 0.5)
            raster.stroke(value.ends[None], color, 0.06 * line)
            axes.append(value)
        for axis in axes:
            ends = axis.ticks + 0.3 * self.canvas.em * axis.outward
            raster.stroke(np.stack([axis.ticks, ends], 1), color, 0.05 * line)


class _SurfaceRenderer(ViewRenderer):
    def aspect(self, facet: Facet, count: int) -> float | None:
        return SHARED_ASPECT if count > 1 else None

    def draw(self, canvas: Canvas, facet: Facet, box: Box, outer: tuple[bool, bool]) -> Viewport:
        axes = canvas.axes(box, "none")
        axes.set_axis_off()
        return SurfaceViewport(canvas, box, axes, facet)

    def primitives(self, canvas: Canvas, facet: Facet, viewport: Viewport, moment: Moment) -> tuple[Primitive, ...]:
        trails, shadows = [], []
        for i, path in enumerate(facet.paths):
            if viewport.turning:
                # Nothing after the next iterate is drawn at this moment.
                last = int(np.searchsorted(path.times, int(moment.time) + 1, side="right"))
                path = replace(path, times=path.times[:last], points=path.points[:last])
            style = path_style(canvas, viewport, path)
            shadow = replace(style, casing_width=0.0, width=0.7 * style.width, head_size=0.5 * style.head_size)
            shadow = replace(shadow, dot_size=0.0, alpha=0.5, hidden_alpha=0.0)
            # Otherwise, paths would extend beyond the edge of the surface.
            points = np.where(inside(path.points[..., :2], facet.limits)[..., None], path.points, np.nan)
            below, above = viewport.base(points, moment), viewport.pixels(points, moment)
            apart = FINE if points.shape[1] <= FEW_STARTS else COARSE
            covered = _hidden(points, below, apart, lambda some: viewport.base_hidden(some, moment))
            hidden = _hidden(points, above, apart, lambda some: viewport.hidden(some, moment))
            shadows.append(make_trail(viewport, path, below, shadow, hidden=covered))
            trails.append(make_trail(viewport, path, above, style, hidden=hidden, path=i))
        return (
            *start_rings(canvas, facet, viewport, moment),
            *(trail for pair in zip(shadows, trails, strict=True) for trail in pair),
            *head_arrows(canvas, facet, viewport, shadows, moment),
            *exit_marks(canvas, facet, viewport, moment),
        )


RENDERER = _SurfaceRenderer()


def _hidden(points: FloatArray, pixels: FloatArray, apart: float, test: Callable[[FloatArray], BoolArray]) -> BoolArray:
    """Return where paths are hidden, (n, starts), with one test per `apart` pixels of their length.

    Args:
        points: (n, starts, 3) the paths.
        pixels: (n, starts, 2) the same in pixels.
        apart: The length between tests, in pixels.
        test: Maps points, (m, 3), to whether they are hidden, (m,).
    """
    moves = np.nan_to_num(np.linalg.norm(np.diff(pixels, axis=0), axis=-1), nan=apart)
    stretch = np.floor(np.cumsum(moves, axis=0) / apart)
    tested = np.ones(pixels.shape[:2], np.bool_)
    tested[1:] = np.diff(stretch, axis=0, prepend=0.0) > 0
    found = np.zeros_like(tested)
    found[tested] = test(points[tested])
    last = np.maximum.accumulate(np.where(tested, np.arange(len(tested))[:, None], 0), axis=0)
    return np.take_along_axis(found, last, axis=0)
