"""Scene → frames: the only room that knows matplotlib."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path as FilePath

import numpy as np
import numpy.typing as npt
from matplotlib import rc_context
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.colors import to_rgb
from matplotlib.transforms import Affine2D, BboxBase

from gdsim.objectives import FloatArray
from gdsim.render.counter import Counter
from gdsim.render.layout import Layout, lay_out
from gdsim.render.legend import draw_legend
from gdsim.render.notes import Note, take_notes
from gdsim.render.still import DPI, Still
from gdsim.render.trail import Pen, Rect, Trail, merged, rect_around
from gdsim.scene import FEW_STARTS, Field, Path, Scene, labels, round_ticks
from gdsim.themes import THEMES

__all__ = ["Frames", "frames"]

Frame = npt.NDArray[np.uint8]
IntArray = npt.NDArray[np.int64]


def frames(scene: Scene) -> Frames:
    """Return the frames of a scene, to iterate over as often as wanted."""
    return Frames(scene)


class Frames:
    """The frames of a scene, drawn one at a time; `len()` is their number.

    What does not move is drawn once. Each frame then adds the new segments of the paths to a kept picture
    and puts heads, notes and step counter on top, so that it costs the same however many came before it.

    Attributes:
        size: Width and height in pixels.
        colors: (n, 3) uint8, the colours that a palette must keep as they are, most important first.
        missing: Signs in titles and labels that the font does not have.
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.size = scene.size
        with _quiet():
            self._prepare(scene)

    def _prepare(self, scene: Scene) -> None:
        self._still = Still(scene, _layout(scene))
        draw_legend(self._still, scene)
        self._counter = Counter(scene, self._still) if scene.steps else None
        canvas = self._still.canvas
        canvas.draw()
        self._background = np.array(canvas.buffer_rgba())
        self._notes = take_notes(scene, self._still, canvas.get_renderer())
        self.missing = self._still.missing
        theme = THEMES[scene.theme]
        exact = dict.fromkeys([theme.page, theme.text, *(path.color for path in scene.paths), theme.quiet])
        self.colors = np.array([[round(255 * part) for part in to_rgb(color)] for color in exact], np.uint8)

    def __len__(self) -> int:
        return len(self._scene)

    def __iter__(self) -> Iterator[Frame]:
        picture = self._picture(self._cast())
        for time in self._scene.frame_steps:
            yield picture.at(float(time)).copy()

    def poster(self) -> Frame:
        """Return the last frame, (H, W, 3) uint8, in which every colour appears."""
        return self._picture(self._cast()).at(float(self._scene.frame_steps[-1]))

    def save_poster(self, path: FilePath) -> None:
        """Write the last frame as a vector picture, .svg or .pdf by the suffix."""
        figure = self._still.figure
        moving = _Moving(self._cast(), float(self._scene.frame_steps[-1]))
        figure.add_artist(moving)
        try:
            # No date and no random names: the same scene is the same file.
            with _quiet(), rc_context({"svg.hashsalt": "gdsim"}):
                figure.savefig(
                    path, metadata={"Date": None} if path.suffix.lower() == ".svg" else {"CreationDate": None}
                )
        finally:
            moving.remove()

    def _picture(self, cast: _Cast) -> _Picture:
        return _Picture(self._background, cast)

    def _cast(self) -> _Cast:
        scene, still = self._scene, self._still
        layers = [_Layer(still.loss, [_loss_trail(scene, still, path) for path in scene.paths])] if still.loss else []
        layers.append(_Layer(still.main, [_view_trail(scene, still, path) for path in scene.paths]))
        return _Cast(tuple(layers), self._notes, self._counter, still.layout.em)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep matplotlib from warning of each sign that its font does not have; `Frames.missing` tells of them all."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


@dataclass(frozen=True, eq=False)
class _Layer:
    """The trails within one set of axes."""

    axes: Axes
    trails: list[Trail]

    def pen(self, renderer: RendererBase) -> Pen:
        """Return a pen whose pixels are those of a figure at `DPI`, whatever the renderer's own resolution."""
        figure = self.axes.get_figure(root=True)
        assert figure is not None  # noqa: S101  (for the type checker: axes on a page have a figure)
        return Pen(renderer, self.axes.bbox, Affine2D().scale(1 / DPI) + figure.dpi_scale_trans)


@dataclass(frozen=True, eq=False)
class _Cast:
    """All that moves: the trails by layer, the notes at the border of the last layer, and the step counter."""

    layers: tuple[_Layer, ...]
    notes: tuple[Note, ...]
    counter: Counter | None
    em: float

    def draw_over(self, pens: Sequence[Pen], time: float) -> Iterator[FloatArray]:
        """Draw what rides on top of the paths with a pen a layer, and give the spots that each thing covers."""
        for pen, layer in zip(pens, self.layers, strict=True):
            for trail in layer.trails:
                yield trail.draw_heads(pen, time)
        for note in self.notes:
            if note.time <= time:
                note.draw(pens[-1])
                yield note.extent.get_points()


class _Moving(Artist):
    """All that moves, drawn at once as it stands at a time: what a vector picture needs."""

    def __init__(self, cast: _Cast, time: float) -> None:
        super().__init__()
        self._cast, self._time = cast, time
        self.set_zorder(10)

    def draw(self, renderer: RendererBase) -> None:
        """Draw everything on any backend."""
        pens = [layer.pen(renderer) for layer in self._cast.layers]
        for pen, layer in zip(pens, self._cast.layers, strict=True):
            for trail in layer.trails:
                trail.draw_path(pen, self._time)
        for _ in self._cast.draw_over(pens, self._time):
            pass
        if self._cast.counter is not None:
            self._cast.counter.draw(renderer, self._time)


class _Picture:
    """A picture that is drawn further from frame to frame; times must not fall."""

    def __init__(self, background: Frame, cast: _Cast) -> None:
        height, width = background.shape[:2]
        self._cast = cast
        self._renderer = RendererAgg(width, height, DPI)
        self._pixels = np.asarray(self._renderer.buffer_rgba())
        self._pixels[...] = background
        self._kept = background.copy()
        self._frame = np.ascontiguousarray(background[..., :3])
        self._page = Rect(0, height, 0, width)
        self._pens = [layer.pen(self._renderer) for layer in cast.layers]
        self._trails = [
            (pen, _rect(layer.axes.bbox, height), trail)
            for pen, layer in zip(self._pens, cast.layers, strict=True)
            for trail in layer.trails
        ]
        self._touched: list[Rect] = []

    def at(self, time: float) -> Frame:
        """Draw on to a time, in steps, and return the frame, (H, W, 3), which the next call draws over."""
        stale = self._touched
        for rect in stale:
            self._pixels[rect.area] = self._kept[rect.area]
        self._touched = []
        self._keep(time)
        for pen, within, trail in self._trails:
            self._touch(trail.draw_path(pen, time), trail.room, within)
        for spots in self._cast.draw_over(self._pens, time):
            self._touch(spots, self._cast.em, self._page)
        self._touched = merged(self._touched)
        for rect in [*stale, *self._touched]:
            for channel in range(3):  # four times as fast as all at once
                self._frame[(*rect.area, channel)] = self._pixels[(*rect.area, channel)]
        if self._cast.counter is not None:
            self._cast.counter.stamp(self._frame, time)
        return self._frame

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
        rect = rect_around(spots, room, within, self._page.bottom)
        if rect is not None:
            self._touched.append(rect)
        return rect


def _rect(box: BboxBase, height: int) -> Rect:
    """The pixels of a box, which lies within the picture."""
    return Rect(int(height - box.y1), int(np.ceil(height - box.y0)) + 1, int(box.x0), int(np.ceil(box.x1)) + 1)


def _layout(scene: Scene) -> Layout:
    width, height = scene.view[:, 1] - scene.view[:, 0]
    if scene.loss is None:
        loss = 0
    else:
        loss = 5 if scene.loss.logarithmic else _longest(scene.loss.limits)
    return lay_out(
        scene.size,
        float(width / height) if isinstance(scene.ground, Field) else None,
        digits=_longest(scene.view[1]),
        bar=isinstance(scene.ground, Field),
        legend=len(scene.paths),
        loss=loss,
    )


def _longest(limits: FloatArray) -> int:
    """How many characters the longest number on an axis has, however many ticks it gets."""
    low, high = limits
    return max(len(words) for count in range(2, 9) for words in labels(round_ticks(low, high, count)))


def _view_trail(scene: Scene, still: Still, path: Path) -> Trail:
    return _trail(
        still,
        path,
        path.points,
        path.view_ends,
        still.main,
        scale=1.0,
        bordered=isinstance(scene.ground, Field),
        dots=scene.dots,
        frames=len(scene),
    )


def _loss_trail(scene: Scene, still: Still, path: Path) -> Trail:
    assert still.loss is not None  # noqa: S101  (for the type checker: the caller looked)
    steps = np.broadcast_to(np.arange(scene.steps + 1.0)[:, None], path.losses.shape)
    spots = np.stack([steps, path.losses], -1)
    return _trail(
        still, path, spots, path.loss_ends, still.loss, scale=0.8, bordered=False, dots=False, frames=len(scene)
    )


def _trail(
    still: Still,
    path: Path,
    spots: FloatArray,
    ends: IntArray,
    axes: Axes,
    *,
    scale: float,
    bordered: bool,
    dots: bool,
    frames: int,
) -> Trail:
    em, few = still.layout.em * scale, spots.shape[1] <= FEW_STARTS
    pixels = axes.transData.transform(spots.reshape(-1, 2)).reshape(spots.shape)
    return Trail(
        pixels,
        ends,
        color=path.color,
        casing=still.theme.casing if bordered else still.theme.page,
        border=max(0.076 * em, 0.6) if few and bordered else 0.0,
        width=max((0.17 if few else 0.1) * em, 1.0),
        dash=path.dash,
        marker=path.marker,
        head=(0.95 if few else 0.6) * em,
        dots=dots,
        frames=frames,
    )
