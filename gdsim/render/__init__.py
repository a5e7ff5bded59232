"""Scene → frames: the only room that knows matplotlib."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from copy import copy
from dataclasses import replace
from pathlib import Path as FilePath
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
from matplotlib.colors import to_rgb

from gdsim.render.arrangements import missing_panels, scene_layout, unnamed_layers
from gdsim.render.canvas import Canvas
from gdsim.render.counter import Counter
from gdsim.render.defaults import default_settings, save_vectors
from gdsim.render.display_list import (
    Digits,
    Drawing,
    Figures,
    Pane,
    Sign,
    Sprite,
    Trace,
    Vectors,
    draw,
    outline,
    stride,
)
from gdsim.render.grounds import draw_bar, draw_facet
from gdsim.render.layers import FacetLayer, Layer, PanelLayer, StripsLayer, TilesLayer
from gdsim.render.layout import GroupLayout
from gdsim.render.legend import draw_key, draw_legend, draw_names, draw_title
from gdsim.render.marks import name_marks
from gdsim.render.painter import Moving, Picture
from gdsim.render.panels import draw_panels
from gdsim.render.viewport import START, Moment, Viewport
from gdsim.scene import ContourModel, CurvesPanel, Group, Heatmap, ImageGrid, Scene

__all__ = [
    "Digits",
    "Drawing",
    "Figures",
    "Frames",
    "Pane",
    "Sign",
    "Sprite",
    "Trace",
    "Vectors",
    "frames",
    "outline",
    "stride",
]

Frame = npt.NDArray[np.uint8]

VECTOR_SCALE = 3
"""How many dots a pixel a surface has within a vector picture."""


def frames(scene: Scene, *, transparent: bool = False) -> Frames:
    """Return the frames of a scene, to iterate over as often as wanted.

    Args:
        scene: What to show.
        transparent: Whether the page is see-through; the views and the panels keep their grounds, and what stands on
            the page gets an outline in the page's colour, so that it is read on any other.
    """
    return Frames(scene, transparent=transparent)


class Frames:
    """The frames of a scene, drawn one at a time; `len()` is their number.

    What does not move is drawn once. Each frame then adds the new segments of the paths to a kept picture
    and puts heads, notes and step counter on top, so that it costs the same however many came before it.

    Attributes:
        size: Width and height in pixels.
        colors: (n, 3) uint8, the colours that a palette must keep as they are, most important first.
        missing: Signs in titles and labels that the font does not have.
        left_out: What found no room in the picture, a sentence each.
        transparent: Whether the page is see-through and frames have a fourth channel, their opacity: (H, W, 4), the
            colours not multiplied by it.
    """

    def __init__(self, scene: Scene, *, transparent: bool = False) -> None:
        self._scene = scene
        self.size = scene.size
        self.transparent = transparent
        with default_settings():
            self._prepare(scene)

    def _prepare(self, scene: Scene) -> None:
        layout = scene_layout(scene)
        self._canvas = canvas = Canvas(scene, layout, transparent=self.transparent)
        self._facets: list[FacetLayer] = []
        self._panels: list[PanelLayer | StripsLayer | TilesLayer] = []
        for group, place in zip(scene.groups, layout.groups, strict=True):
            self._draw_group(group, place)
        draw_names(canvas, scene.groups, layout.groups)
        settings = draw_legend(canvas, scene.styles)
        draw_key(canvas, scene)
        formula = draw_title(canvas, scene)
        self._counter = Counter(scene, canvas) if scene.steps else None
        canvas.outline_numbers()
        canvas.agg.draw()
        self._background = np.array(canvas.agg.buffer_rgba())
        self.missing = canvas.missing
        told = (missing_panels(scene, layout), unnamed_layers(scene, layout), settings, formula)
        self.left_out = tuple(sentence for sentence in told if sentence)
        theme = scene.theme
        exact = dict.fromkeys([theme.page, theme.text, *(style.color for style in scene.styles), theme.quiet])
        plain = np.array([[round(255 * part) for part in to_rgb(color)] for color in exact], np.uint8)
        # A picture that changes may have lost in the last frame what it had before.
        screens = [screen for layer in self._layers for screen in layer.screens]
        screens += [layer.image for layer in self._panels if isinstance(layer, TilesLayer) and layer.image is not None]
        tints = {screen.colors.tobytes(): screen.colors for screen in screens}
        self.colors = np.concatenate([plain, *tints.values()])

    def _draw_group(self, group: Group, place: GroupLayout) -> None:
        scene, canvas = self._scene, self._canvas
        for facet, box, outer in zip(group.facets, place.facets, place.outer, strict=True):
            layer = FacetLayer(scene, canvas, facet, draw_facet(canvas, facet, box, outer))
            layer.pose(START, 1, words=not layer.viewport.turning)
            name_marks(canvas, facet, layer.viewport)
            self._facets.append(layer)
        ground = group.facets[0].model
        if isinstance(ground, ContourModel) and place.color_bar is not None:
            draw_bar(canvas, place.color_bar, ground)
        viewports = draw_panels(canvas, group.panels, place.panels)
        for panel, viewport in zip(group.panels, viewports, strict=False):
            self._panels.append(_panel_layer(scene, canvas, panel, viewport))

    def __len__(self) -> int:
        return len(self._scene)

    def __iter__(self) -> Iterator[Frame]:
        with default_settings():
            picture = self._picture()
        # Only where a camera turns is type set anew; the settings are too dear to change for each frame.
        turning = any(layer.viewport.turning for layer in self._facets)
        for index in range(len(self)):
            with default_settings() if turning else nullcontext():
                frame = picture.at(self._moment(index)).copy()
            yield frame

    def poster(self) -> Frame:
        """Return the last frame, (H, W, 3) or (H, W, 4) uint8, in which every colour appears."""
        with default_settings():
            return self._picture().at(self._moment(len(self) - 1))

    def sparse(self, count: int) -> Frames:
        """Return the same with so many frames, evenly spaced, from the first to the last; at least two."""
        last = len(self) - 1
        places = np.arange(count) * last / (count - 1)
        # Rounded, so that a frame still falls on a step where it should.
        steps = np.round(np.interp(places, np.arange(last + 1), self._scene.frame_steps), 9)
        fewer = copy(self)
        fewer._scene = replace(self._scene, frame_steps=steps)
        return fewer

    def drawing(self) -> Drawing:
        """Return the numbers from which the frames can be drawn elsewhere; a camera stands where it begins."""
        with default_settings():
            return draw(self._scene, self._canvas, self._layers, self._counter)

    def save_poster(self, path: FilePath, words: Mapping[str, str] = MappingProxyType({})) -> None:
        """Write the last frame as a vector picture; a surface is a picture within it.

        Args:
            path: Where to write; the suffix, .svg or .pdf, decides the format.
            words: What the file says of itself: Title, Description and Source, or nothing.
        """
        moment = self._moment(len(self) - 1)
        moving = Moving(self._layers, self._counter, moment)
        self._canvas.figure.add_artist(moving)
        posed = [
            artist
            for layer in self._facets
            for artist in layer.pose(moment, VECTOR_SCALE, words=layer.viewport.turning)
        ]
        posed += [
            screen.artist(layer.viewport.axes, self.size[1], moment.time)
            for layer in self._layers
            for screen in layer.screens
        ]
        try:
            save_vectors(self._canvas.figure, path, words)
        finally:
            for artist in [moving, *posed]:
                artist.remove()

    @property
    def _layers(self) -> list[Layer]:
        return [*self._panels, *self._facets]

    def _picture(self) -> Picture:
        channels = 4 if self.transparent else 3
        return Picture(self._background, self._layers, self._counter, self._canvas.em, channels)

    def _moment(self, index: int) -> Moment:
        return Moment(float(self._scene.frame_steps[index]), index / max(len(self) - 1, 1))


def _panel_layer(
    scene: Scene, canvas: Canvas, panel: CurvesPanel | Heatmap | ImageGrid, viewport: Viewport
) -> PanelLayer | StripsLayer | TilesLayer:
    if isinstance(panel, CurvesPanel):
        return PanelLayer(scene, canvas, panel, viewport)
    return StripsLayer(canvas, panel, viewport) if isinstance(panel, Heatmap) else TilesLayer(canvas, panel, viewport)
