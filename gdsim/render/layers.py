"""All that moves: by window, the trails of paths and curves, their heads, and what rides on these."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.colors import to_rgb

from gdsim.objectives import FloatArray, inside
from gdsim.render.canvas import Canvas
from gdsim.render.exits import Note, take_notes
from gdsim.render.head_artists import Riders, lane
from gdsim.render.image_layers import FilmScreen, Screen, StripScreen, tints
from gdsim.render.layout import Box
from gdsim.render.panels import strip_places
from gdsim.render.panels.images import tile_places
from gdsim.render.trail import Ink, Pen, Rect, Trail
from gdsim.render.viewport import START, Moment, Viewport
from gdsim.scene import (
    FEW_STARTS,
    ContourModel,
    CurveModel,
    CurvesPanel,
    Facet,
    Heatmap,
    ImageGrid,
    ImageSequence,
    PanelCurve,
    Path,
    Scene,
    Style,
    SurfaceModel,
)
from gdsim.themes.shades import mixed

__all__ = ["FacetLayer", "Layer", "PanelLayer", "StripsLayer", "TilesLayer"]

BoolArray = npt.NDArray[np.bool_]

FULL, SMALLEST = 14.0, 0.6
"""A facet whose side is shorter than this, in ems, has smaller heads and thinner lines, down to this share."""

SHADOW = 0.5
"""How strong the shadow of a path is in the plane below a surface."""

FAINT_HEAD = 0.7
"""How large the head of a faint curve is, beside that of the others."""

FINE, COARSE = 1.0, 6.0
"""For how many pixels of a path it is asked once whether a surface hides it: of few paths, and of many."""


class _ScreensLayer:
    """What has pictures, and no lines."""

    def trails(self, _moment: Moment) -> list[Trail]:
        """Return the lines that grow: none."""
        return []

    def draw_ground(self, pen: Pen, moment: Moment) -> None:
        """Draw what lies under the lines: nothing."""

    def draw_over(self, _pen: Pen, _trails: list[Trail], _moment: Moment) -> Iterator[FloatArray]:
        """Draw what rides on the lines: nothing."""
        yield from ()


class StripsLayer(_ScreensLayer):
    """The heat maps of a panel, which grow.

    Args:
        canvas: The page.
        panel: Whose heat maps.
        viewport: Where they are seen.

    Attributes:
        panel: Whose heat maps.
        viewport: Where they are seen.
        screens: One an optimizer.
    """

    def __init__(self, canvas: Canvas, panel: Heatmap, viewport: Viewport) -> None:
        self.panel, self.viewport = panel, viewport
        colors, height, ground = tints(canvas.theme, "heat"), canvas.size[1], _ground(canvas)
        places = strip_places(panel, viewport.box, canvas.em)
        self.screens: tuple[StripScreen, ...] = tuple(
            StripScreen(strip, _rect(place, height), panel.reach, colors, ground, panel.limits)
            for strip, place in zip(panel.rows, places, strict=True)
        )


class TilesLayer(_ScreensLayer):
    """The pictures of a panel of tiles.

    Args:
        canvas: The page.
        panel: Whose pictures.
        viewport: Where they are seen.

    Attributes:
        panel: Whose pictures.
        viewport: Where they are seen.
        screens: One a picture, optimizer by optimizer.
        image: What all of them look at, which is drawn once; None for nothing.
    """

    def __init__(self, canvas: Canvas, panel: ImageGrid, viewport: Viewport) -> None:
        self.panel, self.viewport = panel, viewport
        places, where = tile_places(panel, viewport.box, canvas.em)
        self.screens: tuple[FilmScreen, ...] = tuple(
            _film_screen(canvas, film, place)
            for own, row in zip(panel.rows, places, strict=True)
            for film, place in zip(own.images, row, strict=True)
        )
        self.image: FilmScreen | None = None
        if panel.image is not None and where is not None:
            self.image = _film_screen(canvas, panel.image, where)
            self.image.artist(viewport.axes, canvas.size[1], 0.0)


def _film_screen(canvas: Canvas, film: ImageSequence, place: Box) -> FilmScreen:
    return FilmScreen(film, _rect(place, canvas.size[1]), tints(canvas.theme, film.colors), _ground(canvas))


def _ground(canvas: Canvas) -> npt.NDArray[np.uint8]:
    return np.array([round(255 * part) for part in to_rgb(canvas.theme.panel)], np.uint8)


def _rect(place: Box, height: int) -> Rect:
    """The pixels of a box on whole ones, from the upper left corner of a page of a height."""
    top = height - round(place.top)
    return Rect(top, top + round(place.height), round(place.x), round(place.x) + round(place.width))


class PanelLayer:
    """The curves of a panel.

    Args:
        scene: Gives the number of frames.
        canvas: The page.
        panel: Whose curves.
        viewport: Where they are seen.

    Attributes:
        panel: Whose curves.
        viewport: Where they are seen.
        screens: None.
    """

    screens: tuple[Screen, ...] = ()

    def __init__(self, scene: Scene, canvas: Canvas, panel: CurvesPanel, viewport: Viewport) -> None:
        self.viewport = viewport
        self._scene, self._canvas, self.panel = scene, canvas, panel

    def trails(self, moment: Moment) -> list[Trail]:
        """Return the curves as they are seen at a moment."""
        return [self._trail(curve, moment) for curve in self.panel.curves]

    def _trail(self, curve: PanelCurve, moment: Moment) -> Trail:
        spots = self.viewport.pixels(curve.points, moment)
        ground = self._canvas.theme.panel
        ink = _ink(curve.style, self._canvas, spots.shape[1], scale=0.8, casing=ground)
        if curve.strength < 1:
            # Mixed and not see-through, so that what is drawn twice is not stronger than the rest.
            ink = replace(ink, color=mixed(ground, ink.color, curve.strength), head=FAINT_HEAD * ink.head)
        times = np.arange(len(spots), dtype=np.float64)
        return Trail(spots, times, curve.ends, ink, frames=len(self._scene))

    def draw_ground(self, pen: Pen, moment: Moment) -> None:
        """Draw what lies under the curves: nothing that is not there already."""

    def draw_over(self, pen: Pen, trails: list[Trail], moment: Moment) -> Iterator[FloatArray]:
        """Draw what rides on top of the curves, and give the spots that each thing covers."""
        for trail in trails:
            yield trail.draw_heads(pen, moment.time)


class FacetLayer:
    """The paths of a facet.

    Args:
        scene: Says how they are drawn.
        canvas: The page.
        facet: Whose paths.
        viewport: Where they are seen.

    Attributes:
        facet: Whose paths.
        viewport: Where they are seen.
        riders: What rides on their heads.
        notes: What stands at the border; none where the camera turns, for there they wander.
        screens: The image, where the facet shows one.
    """

    def __init__(self, scene: Scene, canvas: Canvas, facet: Facet, viewport: Viewport) -> None:
        self.viewport = viewport
        ground = facet.model
        self.screens: tuple[FilmScreen, ...] = (
            (_film_screen(canvas, ground, viewport.box),) if isinstance(ground, ImageSequence) else ()
        )
        self._scene, self._canvas, self.facet, self._theme = scene, canvas, facet, canvas.theme
        side = min(viewport.box.width, viewport.box.height) / canvas.em
        self._scale = min(1.0, max(side / FULL, SMALLEST))
        self.riders = Riders(facet, viewport, canvas.theme, canvas.em, canvas.line, vectors=scene.vectors)
        self.notes = [] if viewport.turning else self._take_notes(START)

    def _take_notes(self, moment: Moment) -> list[Note]:
        renderer = self._canvas.agg.get_renderer()
        return take_notes(self.facet, self.viewport, self._canvas, renderer, moment)

    def pose(self, moment: Moment, scale: int, *, words: bool) -> list[Artist]:
        """Put a surface into the figure as it is seen at a moment, at so many dots a pixel, and its words if wanted."""
        view = self.viewport.relief
        if view is None:
            return []
        azimuth = self.viewport.azimuth(moment)
        # With one dot a pixel nothing is resampled.
        kind = "nearest" if scale == 1 else "antialiased"
        picture = view.picture(azimuth, scale)
        image = self.viewport.axes.imshow(picture, extent=(0, 1, 0, 1), aspect="auto", interpolation=kind, zorder=scale)
        return [image, *(self._words(azimuth, loose=False) if words else [])]

    def _words(self, azimuth: float, *, loose: bool) -> list[Artist]:
        view, canvas = self.viewport.relief, self._canvas
        return [
            canvas.text(x, y, words, color=canvas.theme.quiet, loose=loose, ha=ha, va=va)
            for x, y, words, ha, va in (view.words(azimuth) if view is not None else ())
        ]

    def draw_backdrop(self, renderer: RendererAgg, moment: Moment) -> None:
        """Draw a turning surface and its words over whatever was there."""
        view, box = self.viewport.relief, self.viewport.box
        assert view is not None  # noqa: S101  (for the type checker: only surfaces turn)
        azimuth = self.viewport.azimuth(moment)
        pixels = np.asarray(renderer.buffer_rgba())
        top = pixels.shape[0] - int(box.top)
        pixels[top : top + int(box.height), int(box.x) : int(box.right)] = view.picture(azimuth, 1)
        for text in self._words(azimuth, loose=True):
            text.draw(renderer)

    def draw_ground(self, pen: Pen, moment: Moment) -> None:
        """Draw the rings around the starts."""
        starts = [path.points[0] for path in self.facet.paths]
        if not starts:
            return
        spots = np.unique(np.concatenate(starts), axis=0)
        rings = self.viewport.pixels(spots, moment)
        em, line, theme = self._scale * self._canvas.em, self._scale * self._canvas.line, self._theme
        size = (0.95 if len(spots) <= 8 else 0.5) * em
        pen.ring(rings, size, theme.casing, 0.26 * line)
        pen.ring(rings, size, theme.text, 0.1 * line)

    def trails(self, moment: Moment) -> list[Trail]:
        """Return the paths as they are seen at a moment; on a surface, with the shadow of each."""
        return [trail for path in self.facet.paths for trail in self._trails(self._until(path, moment), moment)]

    def _until(self, path: Path, moment: Moment) -> Path:
        """A path up to the iterate after a moment where all of it is drawn anew for that; else the whole path."""
        if not self.viewport.turning:
            return path
        last = int(np.searchsorted(path.times, int(moment.time) + 1, side="right"))
        return replace(path, times=path.times[:last], points=path.points[:last])

    def _trails(self, path: Path, moment: Moment) -> Iterator[Trail]:
        ground, viewport = self.facet.model, self.viewport
        bordered = isinstance(ground, ContourModel | SurfaceModel)
        ink = _ink(
            path.style,
            self._canvas,
            path.points.shape[1],
            casing=self._theme.casing,
            bordered=bordered,
            scale=self._scale,
        )
        if self._scene.dots:
            ink = replace(ink, dot=2.1 * ink.width)
        if viewport.relief is None:
            spots = viewport.pixels(path.points, moment)
            yield self._trail(spots, path, ink)
            if isinstance(ground, CurveModel):
                foot = replace(ink, border=0.0, width=0.5 * ink.width, dash=(), head=0.6 * ink.head, dot=0.8 * ink.dot)
                height = lane(viewport, self._canvas.em, self.facet.paths.index(path), len(self.facet.paths))
                yield self._trail(np.stack([spots[..., 0], np.full(spots.shape[:2], height)], -1), path, foot)
            return
        # Nothing clips what runs over the edge of a surface into the open.
        points = np.where(inside(path.points[..., :2], self.facet.limits)[..., None], path.points, np.nan)
        below, above = viewport.shadows(points, moment), viewport.pixels(points, moment)
        apart = FINE if points.shape[1] <= FEW_STARTS else COARSE
        covered = _asked(points, below, apart, lambda some: viewport.covered(some, moment))
        veiled = _asked(points, above, apart, lambda some: viewport.veiled(some, moment))
        shadow = replace(ink, border=0.0, width=0.7 * ink.width, head=0.5 * ink.head, dot=0.0, alpha=SHADOW, veil=0.0)
        yield self._trail(below, path, shadow, covered)
        yield self._trail(above, path, ink, veiled)

    def _trail(self, spots: FloatArray, path: Path, ink: Ink, veiled: BoolArray | None = None) -> Trail:
        scene = self._scene
        return Trail(spots, path.times, path.ends, ink, frames=len(scene), veiled=veiled, fade=scene.trail)

    def draw_over(self, pen: Pen, trails: list[Trail], moment: Moment) -> Iterator[FloatArray]:
        """Draw what rides on top of the paths, and give the spots that each thing covers."""
        yield from self.riders.draw(pen, trails, moment)
        for trail in trails:
            yield trail.draw_heads(pen, moment.time)
        for note in self._take_notes(moment) if self.viewport.turning else self.notes:
            yield note.draw(pen, moment.time)


def _asked(
    points: FloatArray, pixels: FloatArray, apart: float, hidden: Callable[[FloatArray], BoolArray]
) -> BoolArray:
    """Tell where paths are hidden, (n, starts), asked at one place of each stretch of so many pixels.

    Args:
        points: (n, starts, 3) the paths.
        pixels: (n, starts, 2) where they are seen.
        apart: How long a stretch is, in pixels.
        hidden: Tells which of some places, (m, 3), are hidden, (m,).
    """
    moves = np.nan_to_num(np.linalg.norm(np.diff(pixels, axis=0), axis=-1), nan=apart)
    stretch = np.floor(np.cumsum(moves, axis=0) / apart)
    asked = np.ones(pixels.shape[:2], np.bool_)
    asked[1:] = np.diff(stretch, axis=0, prepend=0.0) > 0
    found = np.zeros_like(asked)
    found[asked] = hidden(points[asked])
    last = np.maximum.accumulate(np.where(asked, np.arange(len(asked))[:, None], 0), axis=0)
    return np.take_along_axis(found, last, axis=0)


def _ink(style: Style, canvas: Canvas, starts: int, *, casing: str, bordered: bool = False, scale: float = 1.0) -> Ink:
    """Heavy, dashed and bordered where an optimizer has few paths; thin and solid where it has many."""
    em, line, few = scale * canvas.em, scale * canvas.line, starts <= FEW_STARTS
    return Ink(
        color=style.color,
        casing=casing,
        border=max(0.076 * line, 0.6) if few and bordered else 0.0,
        width=max((0.17 if few else 0.1) * line, 1.0),
        dash=style.dash,
        marker=style.marker,
        head=(0.95 if few else 0.6) * em,
    )


Layer = FacetLayer | PanelLayer | StripsLayer | TilesLayer
