"""Rendering of a scene's frames: static parts are drawn once, and moving parts are added in each frame."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property, partial
from io import BytesIO
from math import ceil, floor, isfinite
from operator import itemgetter
from pathlib import Path as FilePath
from types import MappingProxyType

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.text import Text

from gdsim.interrupts import pause
from gdsim.objectives import FloatArray
from gdsim.render.annotations import exit_marks, name_marks, notes_above
from gdsim.render.canvas import DPI, Canvas, default_settings, rgba, save_vectors, unhinted
from gdsim.render.display_list import (
    START,
    EventMarks,
    HeadArrows,
    HeadOutlines,
    Layer,
    Moment,
    PathLabel,
    Primitive,
    Viewport,
)
from gdsim.render.header import Counter, Reading, draw_header, formula_needs_line
from gdsim.render.images import Pixels, Rect, image_artists, pixels_of
from gdsim.render.inset import draw_inset
from gdsim.render.labels import path_labels
from gdsim.render.layout import COLOR_BARS, GroupLayout, Layout
from gdsim.render.layout_search import LayoutSearch
from gdsim.render.legend import draw_key, draw_legend, draw_names, entry_widths, key_width, legend_entries, name_width
from gdsim.render.milestones import Milestones
from gdsim.render.painter import Painter, TextPath, only, stamps, text_paths
from gdsim.render.panels import draw_panels, panel_renderer
from gdsim.render.paths import add_starts
from gdsim.render.trail import Trail
from gdsim.render.views import view_renderer
from gdsim.scene.model import Facet, Scene

NARROW = 60  # the width of a picture, in ems, below which a formula may need a line of its own
VECTOR_SCALE = 3  # the number of dots per pixel, along each side, of a surface in a vector picture


def frames(scene: Scene, *, transparent: bool = False) -> Frames:
    """Return the frames of a scene.

    Args:
        scene: The scene.
        transparent: Whether the page is transparent. Views and panels keep their background, and everything on the page
            itself has an outline in the page's color, so that it is legible on any other color.

    Returns:
        The frames, which can be iterated over any number of times.
    """
    return Frames(scene, transparent=transparent)


class Frames:
    """The frames of a scene, drawn one at a time; `len()` is the number of frames.

    Static parts are drawn once. Each frame adds the new segments of the trails to the previous frame and draws heads,
    exit marks and the step counter on top, so that its cost does not depend on the number of frames before it.

    Attributes:
        size: Width and height in pixels.
        colors: (n, 3) uint8, the colors that a palette must contain exactly, most important first.
        missing: The characters for which no installed font has a glyph.
        left_out: One sentence for each part that has no room in the picture.
        transparent: Whether the page is transparent. Frames then have a fourth channel, the opacity: (H, W, 4), with
            colors that are not multiplied by it.
        canvas: The figure with all static parts.
        layers: The moving parts in drawing order: panels, then views.
        milestones: The sentences that appear beside the step counter.
        counter: The step counter; None if the scene has no steps.
    """

    def __init__(self, scene: Scene, *, transparent: bool = False) -> None:
        self.scene, self.size, self.transparent = scene, scene.size, transparent
        with self.settings():
            self._draw(scene, transparent=transparent)

    def _draw(self, scene: Scene, *, transparent: bool) -> None:
        """Draw all static parts, and find those that move."""
        layout = scene_layout(scene)
        self.canvas = canvas = Canvas(scene, layout, transparent=transparent)
        # Notes of exits keep a distance from the header.
        self.milestones = Milestones(canvas, draw_header(canvas))
        views, panels = list[Layer](), list[Layer]()
        for index, (group, place) in enumerate(zip(scene.groups, layout.groups, strict=True)):
            views += _view_layers(canvas, index, place)
            for viewport, primitives in draw_panels(canvas, group.panels, place.panels):
                panels.append(Layer(viewport, index, primitives))
        self.layers = (*panels, *views)
        pause()
        draw_names(canvas)
        draw_legend(canvas)
        draw_key(canvas)
        self.counter = Reading(canvas) if scene.readings else Counter(canvas) if scene.steps else None
        canvas.outline_numbers()
        self.missing = canvas.missing
        # The panels of several groups lack room for the same reason.
        self.left_out = tuple(dict.fromkeys(canvas.left_out))
        theme = scene.theme
        exact = dict.fromkeys([theme.page, theme.text, *(style.color for style in scene.styles), theme.quiet])
        # The last frame may lack colors of an image that changes.
        palettes = [image.palette[:-1] for layer in self.layers for image in layer.images]
        distinct = {palette.tobytes(): palette for palette in palettes}
        self.colors = np.concatenate([rgba(*exact)[:, :3], *distinct.values()])

    @cached_property
    def background(self) -> Pixels:
        """The pixels of all static parts, (H, W, 4) uint8, which a page does not need."""
        with self.settings():
            self.canvas.agg.draw()
        return np.array(self.canvas.agg.buffer_rgba())

    def __repr__(self) -> str:
        width, height = self.size
        return f"<Frames: {len(self)} of {width} × {height}>"

    def __len__(self) -> int:
        return len(self.scene)

    def __iter__(self) -> Iterator[Pixels]:
        with self.settings():
            painter = FramePainter(self)
        # Only a turning camera lays out text in each frame; changing matplotlib's settings for each frame is slow.
        turning = any(layer.primitives_at for layer in self.layers)
        for index in range(len(self)):
            with self.settings() if turning else unhinted():
                frame = painter.draw(self.moment(index)).copy()
            yield frame

    def poster(self) -> Pixels:
        """Return the last frame, (H, W, 3) or (H, W, 4) uint8."""
        return self.at(self.moment(len(self) - 1))

    @property
    def best_names(self) -> list[Text]:
        """The names of the best path: those in its views, otherwise that in the legend; empty if no path is best."""
        best = self.scene.best
        if best is None:
            return []
        layers = [layer for layer in self.layers if layer.facet is not None and not layer.primitives_at]
        labels = [
            label.text for layer in layers for label in only(layer.primitives, PathLabel) if label.optimizer == best
        ]
        # What appears on a transparent page must be opaque, but the edges of a pill are not.
        named = None if self.transparent else self.canvas.names.get(self.scene.styles[best].label)
        return labels or ([named] if named is not None else [])

    def stressed(self) -> Pixels | None:
        """Return the last frame with the name of the best path on a pill; None if it has no name."""
        if not self.best_names:
            return None
        with self.settings():
            return FramePainter(self).draw_with(self.moment(len(self) - 1), self.draw_pills)

    def draw_pills(self, renderer: RendererBase) -> list[FloatArray]:
        """Draw the names of the best path on pills, and return two opposite corners, (2, 2), of each."""
        painter = Painter(renderer, np.array([[0, side] for side in self.size]), self.canvas.figure.dpi / DPI)
        color = self.scene.styles[self.scene.best or 0].color
        return [painter.draw_pill(text, color, self.scene.theme.casing) for text in self.best_names]

    def at(self, moment: Moment) -> Pixels:
        """Return a single frame at any moment, (H, W, 3) or (H, W, 4) uint8."""
        with self.settings():
            return FramePainter(self).draw(moment)

    def settings(self) -> AbstractContextManager[None]:
        """Return matplotlib's settings while this picture is drawn."""
        return default_settings(self.scene.theme.font)

    def moment(self, index: int) -> Moment:
        """Return the moment that the frame with a given index shows."""
        return Moment(float(self.scene.frame_steps[index]), index / max(len(self) - 1, 1))

    def sparse(self, count: int) -> Frames:
        """Return the same picture with only `count` frames, at least two, evenly spaced from the first to the last."""
        last = len(self) - 1
        places = np.arange(count) * last / (count - 1)
        # Rounded, so that whole steps stay exact.
        steps = np.round(np.interp(places, np.arange(last + 1), self.scene.frame_steps), 9)
        fewer = copy(self)
        fewer.scene = replace(self.scene, frame_steps=steps)
        return fewer

    def save_poster(self, path: FilePath, words: Mapping[str, str] = MappingProxyType({})) -> None:
        """Write the last frame as a vector picture, in which surfaces are embedded images.

        Args:
            path: The file; its suffix, .svg or .pdf, decides the format.
            words: The file's metadata: Title, Description and Source.
        """
        moment = self.moment(len(self) - 1)

        def draw(renderer: RendererBase) -> None:
            for layer, painter in self.painters(renderer):
                painter.draw_all(layer.at(moment), moment.time)
            self.milestones.draw(renderer, moment.time)
            if self.counter is not None:
                self.counter.draw(renderer, moment.time)

        with self._posed(moment, VECTOR_SCALE) as added:
            added.append(self.canvas.drawing(draw))
            for layer in self.layers:
                added += image_artists(layer.images, layer.viewport.axes, self.size[1], moment.time)
            save_vectors(self.canvas, path, words)

    def web_background(self, scale: int) -> Pixels:
        """Return the static parts and the circles around the starts, (scale · height, scale · width, 3)."""
        (width, height), file = self.size, BytesIO()
        with self._posed(START, scale), self.settings():
            self.canvas.figure.savefig(file, format="rgba", dpi=scale * DPI)
        return np.frombuffer(file.getbuffer(), np.uint8).reshape(scale * height, scale * width, 4)[..., :3]

    def painters(self, renderer: RendererBase) -> list[tuple[Layer, Painter]]:
        """Return the layers with their painters on a renderer that has the figure's resolution."""
        scale = self.canvas.figure.dpi / DPI
        return [(layer, Painter(renderer, layer.viewport.bounds, scale)) for layer in self.layers]

    @contextmanager
    def _posed(self, moment: Moment, scale: int) -> Iterator[list[Artist]]:
        """Temporarily add surfaces at a moment to the figure, and yield the list of artists that are then removed."""
        added = [artist for layer in self.layers for artist in layer.viewport.pose(moment, scale)]
        try:
            yield added
        finally:
            for artist in added:
                artist.remove()


@dataclass
class _Growing:
    """A trail that is drawn within a rectangle, up to the time `since` permanently."""

    trail: Trail
    painter: Painter
    within: Rect
    since: float | None = None


class FramePainter:
    """Draws the frames of a picture in order of time, each on top of the previous one."""

    def __init__(self, frames: Frames) -> None:
        width, height = frames.size
        self._milestones, self._counter = frames.milestones, frames.counter
        self._em, self._page = frames.canvas.em, Rect(0, height, 0, width)
        self._renderer = renderer = RendererAgg(width, height, DPI)
        self._pixels = np.asarray(renderer.buffer_rgba())
        self._pixels[...] = self._background = frames.background
        painters = frames.painters(renderer)
        self._turning = [each for each in painters if each[0].primitives_at]
        self._fixed = [each for each in painters if not each[0].primitives_at]
        self._trails, self._labels = [], []
        for layer, painter in self._fixed:
            within = self._around(layer.viewport.bounds.T, 0.0, self._page)
            self._trails += [_Growing(trail, painter, within) for trail in only(layer.primitives, Trail)]
            self._labels += [(label, text_paths(label.text, height)) for label in only(layer.primitives, PathLabel)]
        # This order does not depend on the frames, so that a poster drawn at once equals the last frame.
        commits: list[tuple[float, Callable[[float], Rect]]] = [
            (until, partial(self._commit_trail, each))
            for each in self._trails
            for until in each.trail.commit_times.tolist()
        ]
        commits += [(label.end, partial(self._draw_label, label, paths)) for label, paths in self._labels]
        for layer, painter in self._fixed:
            commits += [(until, partial(self._draw_stamp, painter, marks)) for until, marks in stamps(layer.primitives)]
        self._commits = sorted(commits, key=itemgetter(0))[::-1]
        self._images = [image for layer in frames.layers for image in layer.images]
        self._time: float | None = None
        self._drawn: list[Rect] = []
        self._committed = self._pixels.copy()
        self._frame = np.array(self._pixels[..., : 4 if frames.transparent else 3], order="C")

    def draw(self, moment: Moment) -> Pixels:
        """Draw the frame of a moment into a buffer that the next call overwrites."""
        time, stale = moment.time, self._drawn
        for rect in stale:
            self._pixels[rect.area] = self._committed[rect.area]
        changed = [*stale, *self._update_images(time)]
        self._drawn = []
        while self._commits and self._commits[-1][0] <= time:
            until, commit = self._commits.pop()
            area = commit(until).area
            self._committed[area] = self._pixels[area]
        ghosts = [each for each in self._trails if each.trail.faded_at(time)]
        for each in ghosts:
            self._drew(each.painter.draw_ghost(each.trail), each.trail.style.reach, each.within)
        for each in self._trails:
            self._draw_trail(each, time)
        for label, paths in self._labels:
            if label.begin < time < label.end or ghosts:
                self._draw_label(label, paths, time)
        for layer, painter in self._fixed:
            for points in painter.draw_over(layer.primitives, time):
                self._drew(points, self._em, self._page)
        for layer, painter in self._turning:
            layer.viewport.draw_backdrop(painter, moment)
            painter.draw_all(layer.at(moment), time)
            self._drawn.append(self._around(layer.viewport.bounds.T, 0.0, self._page))
        self._drawn = _merged(self._drawn)
        for rect in _merged([*changed, *self._drawn]):
            for channel in range(self._frame.shape[-1]):  # four times as fast as all channels at once
                self._frame[(*rect.area, channel)] = self._pixels[(*rect.area, channel)]
        self._milestones.stamp(self._frame, time)
        if self._counter is not None:
            self._counter.stamp(self._frame, time)
        return self._frame

    def draw_with(self, moment: Moment, draw_more: Callable[[RendererBase], list[FloatArray]]) -> Pixels:
        """Draw the frame of a moment, and on top of it what returns two opposite corners, (2, 2), of what it covers."""
        self.draw(moment)
        for extent in draw_more(self._renderer):
            area = self._around(extent, 2, self._page).area
            self._frame[area] = self._pixels[area][..., : self._frame.shape[-1]]
        return self._frame

    def _update_images(self, time: float) -> Iterator[Rect]:
        """Draw what has changed in images, in whose rectangles nothing else is drawn, and yield the rectangles."""
        for image in self._images:
            if found := image.changed(self._time, time):
                rect, colors = found
                pixels = pixels_of(colors, rect)
                pixels = np.where(pixels[..., 3:], pixels, self._background[rect.area])
                self._committed[rect.area] = self._pixels[rect.area] = pixels
                yield rect
        self._time = time

    def _draw_trail(self, each: _Growing, time: float) -> Rect:
        """Draw a trail from its last commit up to a time, and return the changed rectangle."""
        points = each.painter.draw_trail(each.trail, time, each.since)
        return self._drew(points, each.trail.style.reach, each.within)

    def _commit_trail(self, each: _Growing, time: float) -> Rect:
        rect = self._draw_trail(each, time)
        each.since = time
        return rect

    def _draw_stamp(self, painter: Painter, marks: HeadArrows | HeadOutlines, time: float) -> Rect:
        return self._drew(painter.draw_stamp(marks, time), self._em, self._page)

    def _draw_label(self, label: PathLabel, paths: list[TextPath], time: float) -> Rect:
        """Draw a label, and return the changed rectangle."""
        for context, *path in paths:
            context.set_alpha(label.alpha(time))
            self._renderer.draw_path(context, *path)
        return self._drew(label.extent, 0.5 * self._em, self._page)

    def _drew(self, points: FloatArray, reach: float, within: Rect) -> Rect:
        """Record that pixels around points, (…, 2), have changed, and return their rectangle."""
        rect = self._around(points.reshape(-1, 2), reach, within)
        if rect.width and rect.height:
            self._drawn.append(rect)
        return rect

    def _around(self, points: FloatArray, reach: float, within: Rect) -> Rect:
        """Return a rectangle around the finite of points, (n, 2), as far as it is within another one."""
        if not len(points):
            return Rect(0, 0, 0, 0)
        left, low, right, high = ends = *points.min(0).tolist(), *points.max(0).tolist()
        if not all(map(isfinite, ends)):
            return self._around(points[np.isfinite(points).all(-1)], reach, within)
        top, bottom = self._page.bottom - high, self._page.bottom - low
        rows = [min(max(y, within.top), within.bottom) for y in (floor(top - reach), ceil(bottom + reach) + 1)]
        columns = [min(max(x, within.left), within.right) for x in (floor(left - reach), ceil(right + reach) + 1)]
        return Rect(*rows, *columns)


def _merged(rects: Iterable[Rect]) -> list[Rect]:
    """Merge two rectangles wherever their union has no more pixels than both together."""
    apart: list[Rect] = []
    for rect in rects:
        for i, other in enumerate(apart):
            # Inlined, because most pairs are apart.
            height = max(rect.bottom, other.bottom) - min(rect.top, other.top)
            width = max(rect.right, other.right) - min(rect.left, other.left)
            if width * height <= rect.width * rect.height + other.width * other.height:
                apart[i] = rect.union(other)
                break
        else:
            apart.append(rect)
    return apart


def scene_layout(scene: Scene) -> Layout:
    """Return the best layout for a scene."""
    facets, em = scene.facets, max(0.0232 * min(scene.size) * scene.theme.type, 8.0)
    panels = tuple(panel_renderer(panel.kind).request(panel, em) for panel in scene.groups[0].panels)
    entries = legend_entries(scene.legend, scene.say)
    renderers = [(view_renderer(facet.model.kind), facet) for facet in facets]
    search = LayoutSearch(
        size=scene.size,
        em=em,
        titled=bool(scene.title),
        aspects=tuple(view_renderer(group.facets[0].model.kind).aspect(group.facets[0]) for group in scene.groups),
        facets=len(scene.groups[0].facets),
        named=any(facet.style is not None for facet in facets),
        digits=max(renderer.digits(facet) for renderer, facet in renderers),
        needs_names=any(renderer.needs_names for renderer, _ in renderers),
        color_bar=max((renderer.color_bar(facet) for renderer, facet in renderers), key=COLOR_BARS.index),
        legend=0 if any(panel.facet_share for panel in panels) else len(entries),
        key=key_width(scene),
        panels=panels,
        panels_at=scene.panels_at,
        entry_widths=entry_widths(entries),
        name_width=name_width(scene.styles),
        notes_above=len(facets) == 1 and notes_above(facets[0]),
    )
    # A line that is wider has room for most formulas.
    if scene.formula and search.lines == 2 and scene.size[0] < NARROW * em:
        search = replace(search, formula_line=formula_needs_line(Canvas(scene, search.header())))
    return search.best()


def _view_layers(canvas: Canvas, index: int, place: GroupLayout) -> Iterator[Layer]:
    """Draw the static parts of a group's views, and yield the moving ones."""
    facets = canvas.scene.groups[index].facets
    renderer = view_renderer(facets[0].model.kind)
    for facet, box, outer in zip(facets, place.facets, place.outer, strict=True):
        pause()
        yield from _layers(index, facet, renderer.draw(canvas, facet, box, outer))
    if place.color_bar is not None:
        renderer.draw_color_bar(canvas, facets[0], place.color_bar)


def _layers(index: int, facet: Facet, viewport: Viewport) -> Iterator[Layer]:
    """Yield the layer of a view with its axes drawn, and that of its inset, which has the labels of the paths."""
    at = partial(_moving_parts, facet, viewport)
    primitives, labels, inset = at(START), list[PathLabel](), None
    if not viewport.turning:
        trails = [trail for trail in only(primitives, Trail) if trail.path is not None]
        exits = [marks.extent for marks in only(primitives, EventMarks) if marks.text is not None]
        inset = draw_inset(facet, viewport, [marks.extent for marks in only(primitives, EventMarks)])
        if inset is None:
            lines = view_renderer(facet.model.kind).lines(facet, viewport)
            labels = path_labels(facet, viewport, trails, exits + lines)
        add_starts(facet, viewport, START)
        own = [label.extent for label in labels] if inset is None else [inset.bounds.T]
        name_marks(facet, viewport, own)
    yield Layer(viewport, index, (*primitives, *labels), at if viewport.turning else None, facet)
    if inset is not None and facet.inset is not None:
        yield from (replace(layer, facet=None) for layer in _layers(index, facet.inset, inset))


def _moving_parts(facet: Facet, viewport: Viewport, moment: Moment) -> tuple[Primitive, ...]:
    primitives = view_renderer(facet.model.kind).primitives(facet, viewport, moment)
    return (*primitives, *exit_marks(facet, viewport, moment))
