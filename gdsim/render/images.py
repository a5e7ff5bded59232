"""Small images: those that change with the steps, and those from which a web page draws text and digits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.colors import to_rgb
from matplotlib.image import AxesImage
from PIL import Image

from gdsim.objectives import FloatArray
from gdsim.render.canvas import DPI, Canvas
from gdsim.render.color_scales import color_indices, color_scale
from gdsim.render.layout import Box
from gdsim.scene import Heatmap, HeatmapRow, ImageSequence, Style

Pixels = npt.NDArray[np.uint8]

GAP = 2
"""The number of dots between two sprites on a sheet, so that neighbors do not blend when they are scaled."""


@dataclass(frozen=True)
class Rect:
    """Rows and columns of a picture from its upper left corner; the ends are exclusive."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def area(self) -> tuple[slice, slice]:
        """The index of these pixels in an image array."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def width(self) -> int:
        """The number of columns."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """The number of rows."""
        return self.bottom - self.top

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, width and height."""
        return self.left, self.top, self.width, self.height

    def union(self, other: Rect) -> Rect:
        """Return the smallest rectangle that contains both."""
        top, left = min(self.top, other.top), min(self.left, other.left)
        return Rect(top, max(self.bottom, other.bottom), left, max(self.right, other.right))


@dataclass(frozen=True, eq=False)
class ImageFrames:
    """Small images that replace each other in one place.

    Attributes:
        optimizer: The optimizer's index in `Scene.styles`; None for an image that all optimizers share.
        steps: (n,) the first step at which each image is shown, ascending from 0.
        cells: (n, rows, columns) palette indices, from the top row.
        palette: (colors, 3) the colors; the last is for cells without a number.
    """

    optimizer: int | None
    rect: Rect
    steps: npt.NDArray[np.int64]
    cells: Pixels
    palette: Pixels

    def changed(self, since: float | None, time: float) -> tuple[Rect, Pixels] | None:
        """Return the rectangle that has changed since a time, and its cells at another time; None if there is none."""
        index = self._index(time)
        if since is not None and self._index(since) == index:
            return None
        return self.rect, self.cells[index]

    def _index(self, time: float) -> int:
        return max(int(np.searchsorted(self.steps, time, side="right")) - 1, 0)


@dataclass(frozen=True, eq=False)
class RevealedImage:
    """A heat map over the steps, which is revealed from the left.

    Attributes:
        reach: The step at the right edge.
        end: The last step that is revealed.
        cells: (rows, width) palette indices, one column per column of pixels.
        palette: (colors, 3) the colors; the last is for cells without a number.
    """

    optimizer: int
    rect: Rect
    reach: float
    end: int
    cells: Pixels
    palette: Pixels

    def changed(self, since: float | None, time: float) -> tuple[Rect, Pixels] | None:
        """Return the rectangle that has changed since a time, and its cells at another time; None if there is none."""
        first, last = 0 if since is None else self._columns(since), self._columns(time)
        if first >= last:
            return None
        left = self.rect.left
        return Rect(self.rect.top, self.rect.bottom, left + first, left + last), self.cells[:, first:last]

    def _columns(self, time: float) -> int:
        return round(self.rect.width * min(time, float(self.end)) / self.reach)


ChangingImage: TypeAlias = ImageFrames | RevealedImage


def image_frames(canvas: Canvas, images: ImageSequence, box: Box, style: Style | None) -> ImageFrames:
    """Return the primitive of an image sequence in a box of whole pixels; `style` is None for a shared image."""
    colors = color_scale(canvas.theme, images.colors)
    return ImageFrames(
        optimizer=None if style is None else canvas.scene.styles.index(style),
        rect=_rect(canvas, box),
        steps=images.steps,
        cells=color_indices(images.pictures, images.limits, len(colors)),
        palette=_palette(canvas, colors),
    )


def revealed_row(canvas: Canvas, panel: Heatmap, row: HeatmapRow, box: Box) -> RevealedImage:
    """Return the primitive of an optimizer's heat map in a box of whole pixels.

    Steps that share a column of pixels are combined by their geometric mean.
    """
    rect, colors = _rect(canvas, box), color_scale(canvas.theme, "heat")
    values = _by_column(row, rect.width, panel.reach)
    return RevealedImage(
        optimizer=canvas.scene.styles.index(row.style),
        rect=rect,
        reach=panel.reach,
        end=row.end,
        cells=color_indices(values, panel.limits, len(colors), logarithmic=True)[::-1],
        palette=_palette(canvas, colors),
    )


def _palette(canvas: Canvas, colors: Pixels) -> Pixels:
    """Append the color of a cell without a number."""
    blank = [round(255 * part) for part in to_rgb(canvas.theme.panel)]
    return np.concatenate([colors, np.array([blank], np.uint8)])


def _rect(canvas: Canvas, box: Box) -> Rect:
    top = canvas.size[1] - round(box.top)
    return Rect(top, top + round(box.height), round(box.x), round(box.x) + round(box.width))


def _by_column(row: HeatmapRow, width: int, reach: float) -> FloatArray:
    """Resample a heat map from steps to columns of pixels, (layers, width)."""
    count = row.values.shape[1]
    edges = np.arange(width + 1) * reach / width
    first = np.minimum(np.floor(edges[:-1] + 1e-9).astype(np.int64), count - 1)
    last = np.minimum(np.maximum(np.ceil(edges[1:] - 1e-9).astype(np.int64), first + 1), count)
    if reach <= width:
        return np.asarray(row.values[:, first])
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(np.maximum(row.values, 0.0))
    real = np.isfinite(logs)
    sums = np.pad(np.cumsum(np.where(real, logs, 0.0), axis=1), ((0, 0), (1, 0)))
    counts = np.pad(np.cumsum(real, axis=1), ((0, 0), (1, 0)))
    found = counts[:, last] - counts[:, first]
    means = np.exp((sums[:, last] - sums[:, first]) / np.maximum(found, 1))
    return np.where(found > 0, means, row.values[:, first])


def pixels_of(cells: Pixels, palette: Pixels, rect: Rect) -> Pixels:
    """Return cells, (rows, columns), as pixels that fill a rectangle, (height, width, 4)."""
    rows = np.arange(rect.height) * len(cells) // rect.height
    columns = np.arange(rect.width) * cells.shape[1] // rect.width
    opaque = np.full((*cells.shape, 4), 255, np.uint8)
    opaque[..., :3] = palette[cells]
    # With columns first, whole rows are copied, which takes a tenth of the time.
    return opaque[:, columns][rows]


def image_artists(images: Iterable[ChangingImage], axes: Axes, height: int, time: float) -> Iterator[AxesImage]:
    """Add images at a time to axes, for a figure's height; each cell is one rectangle at any resolution."""
    for image in images:
        if shown := image.changed(None, time):
            rect, cells = shown
            corners = [[rect.left, height - rect.bottom], [rect.right, height - rect.top]]
            (left, low), (right, high) = axes.transData.inverted().transform(corners).tolist()
            artist = AxesImage(axes, extent=(left, right, low, high), interpolation="none", origin="upper", zorder=1.5)
            artist.set_data(image.palette[cells])
            axes.add_image(artist)
            yield artist


class SpriteSheet:
    """Small images on one sheet, below each other, with `scale` dots along each side of a pixel.

    A sprite is its place in the picture, in pixels, and its first row and size on the sheet, in dots.
    """

    def __init__(self, canvas: Canvas, scale: int) -> None:
        self.scale = scale
        self._figure, self._parts = canvas.figure, list[Pixels]()
        self._renderer = RendererAgg(scale * canvas.size[0], scale * canvas.size[1], scale * DPI)

    def draw(self, paint: Callable[[RendererBase], object]) -> dict[str, float]:
        """Add what `paint` draws on the picture, and return the sprite."""
        self._renderer.clear()
        self._figure.set_dpi(self.scale * DPI)
        try:
            paint(self._renderer)
        finally:
            self._figure.set_dpi(DPI)
        picture = Image.fromarray(np.asarray(self._renderer.buffer_rgba()))
        drawn = picture.getbbox() or (0, 0, 1, 1)
        return self.add(np.asarray(picture.crop(drawn)), drawn[0] / self.scale, drawn[1] / self.scale)

    def add(self, pixels: Pixels, left: float = 0.0, top: float = 0.0) -> dict[str, float]:
        """Add an image, (rows, columns, 4), and return the sprite."""
        row, (height, width, _) = sum(len(part) + GAP for part in self._parts), pixels.shape
        self._parts.append(pixels)
        return {"left": left, "top": top, "row": row, "width": width, "height": height}

    def pixels(self) -> Pixels:
        """Return the sheet, (rows, columns, 4), with a transparent background."""
        width = max((part.shape[1] for part in self._parts), default=1)
        padded = [np.pad(part, ((0, GAP), (0, width - part.shape[1]), (0, 0))) for part in self._parts]
        return np.concatenate(padded) if padded else np.zeros((1, 1, 4), np.uint8)
