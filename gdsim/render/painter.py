"""The picture that is drawn further from frame to frame, and the vector picture that is drawn at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import RendererAgg

from gdsim.objectives import FloatArray
from gdsim.render.canvas import DPI
from gdsim.render.counter import Counter
from gdsim.render.layers import FacetLayer, Layer
from gdsim.render.layout import Box
from gdsim.render.trail import Pen, Rect, merged, rect_around
from gdsim.render.viewport import START, Moment

__all__ = ["Moving", "Picture"]

Frame = npt.NDArray[np.uint8]


class Moving(Artist):
    """All that moves, drawn at once as it stands at a moment: what a vector picture needs."""

    def __init__(self, layers: Sequence[Layer], counter: Counter | None, moment: Moment) -> None:
        super().__init__()
        self._layers, self._counter, self._moment = layers, counter, moment
        self.set_zorder(10)

    def draw(self, renderer: RendererBase) -> None:
        """Draw everything on any backend."""
        for layer in self._layers:
            pen, trails = layer.viewport.pen(renderer), layer.trails(self._moment)
            layer.draw_ground(pen, self._moment)
            for trail in trails:
                trail.draw_path(pen, self._moment.time)
            for _ in layer.draw_over(pen, trails, self._moment):
                pass
        if self._counter is not None:
            self._counter.draw(renderer, self._moment.time)


class Picture:
    """A picture that is drawn further from frame to frame; moments must not go back.

    What was drawn of the paths is kept, and each frame adds the new segments and puts the heads on top, so that it
    costs the same however many came before it. Only where a camera turns is everything drawn anew.

    Args:
        background: (H, W, 4) what stands still.
        layers: What moves.
        counter: The step counter, or None.
        em: The size of plain type in pixels: how far what rides on a head may reach beyond the spots it names.
        channels: 3, or 4 where the page is see-through.
    """

    def __init__(
        self, background: Frame, layers: Sequence[Layer], counter: Counter | None, em: float, channels: int = 3
    ) -> None:
        height, width = background.shape[:2]
        self._counter, self._em = counter, em
        self._renderer = RendererAgg(width, height, DPI)
        self._pixels = np.asarray(self._renderer.buffer_rgba())
        self._pixels[...] = background
        self._page = Rect(0, height, 0, width)
        self._touched: list[Rect] = []
        first = START
        pens = [(layer, layer.viewport.pen(self._renderer)) for layer in layers]
        self._turning = [
            (layer, pen) for layer, pen in pens if isinstance(layer, FacetLayer) and layer.viewport.turning
        ]
        self._fixed = [(layer, pen, layer.trails(first)) for layer, pen in pens if not layer.viewport.turning]
        for layer, pen, _ in self._fixed:
            layer.draw_ground(pen, first)
        self._trails = [
            (pen, self._rect(layer.viewport.box), trail) for layer, pen, trails in self._fixed for trail in trails
        ]
        self._screens = [screen for layer in layers for screen in layer.screens]
        self._since: float | None = None
        self._kept = self._pixels.copy()
        self._frame = np.array(self._pixels[..., :channels], order="C")

    def at(self, moment: Moment) -> Frame:
        """Draw on to a moment, and return the frame, (H, W, channels), which the next call draws over."""
        stale = self._touched
        for rect in stale:
            self._pixels[rect.area] = self._kept[rect.area]
        self._touched = []
        fresh = self._show(moment.time)
        self._keep(moment.time)
        for pen, within, trail in self._trails:
            self._touch(trail.draw_path(pen, moment.time), trail.room, within)
        for layer, pen, trails in self._fixed:
            for spots in layer.draw_over(pen, trails, moment):
                self._touch(spots, self._em, self._page)
        for turning, pen in self._turning:
            self._draw_anew(turning, pen, moment)
        self._touched = merged(self._touched)
        for rect in [*fresh, *stale, *self._touched]:
            for channel in range(self._frame.shape[-1]):  # four times as fast as all at once
                self._frame[(*rect.area, channel)] = self._pixels[(*rect.area, channel)]
        if self._counter is not None:
            self._counter.stamp(self._frame, moment.time)
        return self._frame

    def _show(self, time: float) -> list[Rect]:
        """Bring the screens up to a time, and return where they changed; nothing else stands on them."""
        patches = [patch for screen in self._screens if (patch := screen.patch(self._since, time)) is not None]
        for patch in patches:
            for pixels in (self._kept, self._pixels):
                pixels[patch.rect.area] = patch.pixels
        self._since = time
        return [patch.rect for patch in patches]

    def _draw_anew(self, layer: FacetLayer, pen: Pen, moment: Moment) -> None:
        """Draw all of a window whose camera has turned."""
        layer.draw_backdrop(self._renderer, moment)
        layer.draw_ground(pen, moment)
        trails = layer.trails(moment)
        for trail in trails:
            trail.draw_path(pen, moment.time)
        for _ in layer.draw_over(pen, trails, moment):
            pass
        self._touched.append(self._rect(layer.viewport.box))

    def _keep(self, time: float) -> None:
        """Draw the stretches that have become whole onto the kept picture, in the order in which they did.

        That order does not depend on the frames, so that the poster, drawn in one go, is the last frame.
        """
        while True:
            stretches = ((trail.whole(time), i) for i, (_, _, trail) in enumerate(self._trails))
            ready = [(whole, i) for whole, i in stretches if whole is not None]
            if not ready:
                return
            whole, i = min(ready)
            pen, within, trail = self._trails[i]
            rect = self._touch(trail.draw_path(pen, whole), trail.room, within)
            if rect is not None:
                self._kept[rect.area] = self._pixels[rect.area]
            trail.keep(whole)

    def _touch(self, spots: FloatArray, room: float, within: Rect) -> Rect | None:
        spots = spots[np.isfinite(spots).all(-1)]
        rect = rect_around(spots, room, within, self._page.bottom) if len(spots) else None
        if rect is not None:
            self._touched.append(rect)
        return rect

    def _rect(self, box: Box) -> Rect:
        """The pixels of a box, which lies within the picture."""
        height = self._page.bottom
        return Rect(int(height - box.top), int(np.ceil(height - box.y)) + 1, int(box.x), int(np.ceil(box.right)) + 1)
