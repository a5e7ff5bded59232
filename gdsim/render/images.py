"""Images: color scales, images that change with the steps, and those from which a web page draws text and digits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.colors import to_rgb
from matplotlib.image import AxesImage
from PIL import Image

from gdsim.objectives import FloatArray
from gdsim.objectives.formulas import number, power
from gdsim.render.canvas import DPI, Canvas, rgba
from gdsim.render.layout import Box
from gdsim.scene.model import Style
from gdsim.scene.panels.heatmap import Heatmap, HeatmapRow
from gdsim.scene.views.image import ImageSequence
from gdsim.themes import Theme, mix

Pixels = npt.NDArray[np.uint8]

ColorKind: TypeAlias = Literal["gray", "signed", "unsigned", "heat"]

COUNTS: dict[ColorKind, int] = {"gray": 17, "signed": 21, "unsigned": 17, "heat": 20}
"""The number of colors of each scale: enough to read it, and few enough that a GIF keeps all of them."""

DEEP = 0.55  # the share of the text color in the dark colors of a scale, and of the panel's color in the pale ones
SHORTEST, LONGEST = 3.0, 4.5  # the minimum and maximum length of a scale in a caption, in ems
HALF, FEATHER = 0.5, 0.06  # the weight from which an image prevails, and the width of its soft edge as a share
GAP = 2  # the number of dots between two sprites on a sheet, so that neighbors do not blend when they are scaled


def color_scale(theme: Theme, kind: ColorKind, count: int = 0) -> Pixels:
    """Return the colors of a scale from its lowest to its highest value, (n, 3): `count`, or few enough for a GIF.

    A signed scale has two hues around the panel's color, which no path has and which color-blind readers can
    distinguish; an unsigned scale has the hue of the positive values.
    """
    if kind == "gray":
        ends: tuple[str, ...] = ("#000000", "#ffffff")
    elif kind == "heat":
        ends = theme.shades
    else:
        below, above = (
            (mix(hue, theme.text, DEEP), hue, mix(hue, theme.panel, DEEP)) for hue in (theme.falling, theme.rising)
        )
        ends = (*below, theme.panel, *above[::-1]) if kind == "signed" else (theme.panel, *above[::-1])
    # `ramp` has 256 colors, of which none need be exactly the middle one.
    given = np.array([to_rgb(end) for end in ends])
    places = np.linspace(0, len(given) - 1, count or COUNTS[kind])
    channels = [np.interp(places, np.arange(len(given)), channel) for channel in given.T]
    return np.asarray(np.rint(255 * np.stack(channels, -1)), np.uint8)


def color_indices(values: FloatArray, limits: FloatArray, count: int, *, logarithmic: bool = False) -> Pixels:
    """Return the color indices of values, clipped to the limits, (2,), and `count` for NaN."""
    low, high = np.log(limits) if logarithmic else limits
    with np.errstate(divide="ignore", invalid="ignore"):
        places = np.log(np.maximum(values, 0.0)) if logarithmic else values
        shares = np.clip((places - low) / (high - low), 0.0, 1.0)
    return np.where(np.isnan(shares), count, np.nan_to_num(shares) * (count - 1) + 0.5).astype(np.uint8)


def draw_scaled_caption(canvas: Canvas, caption: str, box: Box, limits: FloatArray, kind: ColorKind) -> None:
    """Write a caption above a box, and to its right a color scale between its limits."""
    em, y, quiet, (low, high) = canvas.em, box.top + 0.55 * canvas.em, canvas.theme.quiet, _ends(limits)
    before, after = canvas.width_of(low, 1.0), canvas.width_of(high, 1.0)
    free = box.width - (before + after + 0.7 * em) - 1.0 * em
    if free - canvas.width_of(caption, 1.0) < SHORTEST * em:
        # If there is little room, only the quantity is named, without its qualifiers.
        caption = caption.partition(" by ")[0].partition(", ")[0]
    long = min(max(free - canvas.width_of(caption, 1.0), 0.6 * SHORTEST * em), LONGEST * em)
    canvas.text(box.right, y, high, color=quiet, ha="right", va="baseline")
    bar = Box(round(box.right - after - 0.35 * em - long), round(y), round(long), round(0.7 * em))
    canvas.swatches(bar, color_scale(canvas.theme, kind))
    canvas.text(bar.x - 0.35 * em, y, low, color=quiet, ha="right", va="baseline")
    room = bar.x - 0.8 * em - before - box.x
    canvas.text(box.x, y, canvas.shortened(caption, 1.0, room), ha="left", va="baseline")


def draw_color_bar(canvas: Canvas, box: Box, limits: FloatArray, kind: ColorKind) -> None:
    """Draw a color scale into a box, and its limits below it, or only one if there is no room for two."""
    canvas.swatches(box, color_scale(canvas.theme, kind, 128))
    low, high = (number(float(limit), 2) for limit in limits)
    y, color = box.y - 0.3 * canvas.em, canvas.theme.quiet
    if canvas.width_of(low, 1.0) + canvas.width_of(high, 1.0) + 0.5 * canvas.em <= box.width:
        canvas.text(box.x, y, low, color=color, ha="left", va="top")
    elif limits[0] < 0:
        high = f"±{high}"
    canvas.text(box.right, y, high, color=color, ha="right", va="top")


def _ends(limits: FloatArray) -> tuple[str, str]:
    """Return the limits of a scale as text: both as powers of ten if one of them is written that way."""
    low, high = (float(limit) for limit in limits)
    if low == -high:
        return "", f"±{number(high, 2)}"
    words = number(low, 2), number(high, 2)
    powers = np.log10([low, high]) if low > 0 else np.full(2, np.nan)
    if any(each.startswith("10") and len(each) > 2 for each in words) and (powers == np.round(powers)).all():
        return power(round(powers[0])), power(round(powers[1]))
    return words


class Rect(NamedTuple):
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
        """Return the rectangle that has changed since a time, and its colors at another time; None if there is none."""
        index = self._index(time)
        if since is not None and self._index(since) == index:
            return None
        return self.rect, _colored(self.cells[index], self.palette)

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
        """Return the rectangle that has changed since a time, and its colors at another time; None if there is none."""
        first, last = 0 if since is None else self._columns(since), self._columns(time)
        if first >= last:
            return None
        left = self.rect.left
        rect = Rect(self.rect.top, self.rect.bottom, left + first, left + last)
        return rect, _colored(self.cells[:, first:last], self.palette)

    def _columns(self, time: float) -> int:
        return round(self.rect.width * min(time, float(self.end)) / self.reach)


@dataclass(frozen=True, eq=False)
class MapImage:
    """An image whose cells appear one by one, over what is drawn below it.

    Attributes:
        steps: (n,) the step from which each image is shown, ascending from 0.
        cells: (n, rows, columns) palette indices, from the top row.
        appears: (rows, columns) the step from which each cell is shown, from the top row.
        palette: (colors, 3) the colors; cells with the last one are not shown.
    """

    rect: Rect
    steps: npt.NDArray[np.int64]
    cells: Pixels
    appears: npt.NDArray[np.int64]
    palette: Pixels

    def changed(self, since: float | None, time: float) -> tuple[Rect, Pixels] | None:
        """Return the rectangle that has changed since a time, and its colors at another time; None if there is none."""
        if since is not None and int(since) == int(time):
            return None
        cells = self.cells[int(np.searchsorted(self.steps, time, side="right")) - 1]
        return self.rect, _colored(np.where(self.appears <= time, cells, len(self.palette) - 1), self.palette, 0)


@dataclass(frozen=True, eq=False)
class ZoomedImage:
    """Images that a zoom enters one after another, each of half the width and height of the one before.

    Attributes:
        cells: (n, rows, columns) palette indices, from the top row.
        palette: (colors, 3) the colors; cells with the last one are not shown.
        center: (2,) the point that the zoom leads to, as shares of the width and the height from the upper left corner.
    """

    rect: Rect
    cells: Pixels
    palette: Pixels
    center: FloatArray

    def changed(self, since: float | None, time: float) -> tuple[Rect, Pixels] | None:
        """Return the rectangle that has changed since a time, and its colors at another time; None if there is none."""
        if since == time:
            return None
        index = min(int(time), len(self.cells) - 1)
        outer, _ = self._seen(index, 2.0 ** (index - time))
        if index == len(self.cells) - 1:
            return self.rect, outer
        inner, weights = self._seen(index + 1, 2.0 ** (index + 1 - time))
        weights *= (time - index) ** 2 * (3 - 2 * (time - index))
        mixed = np.rint(outer + weights * (inner.astype(np.float64) - outer)).astype(np.uint8)
        # What is not shown has no color to mix.
        nearer = np.where(weights < HALF, outer, inner)
        return self.rect, np.where((outer[..., 3:] & inner[..., 3:]) > 0, mixed, nearer)

    def _seen(self, index: int, size: float) -> tuple[Pixels, FloatArray]:
        """Return the colors of an image of which a part of a size is seen, and how opaque it is where it ends."""
        rows, columns = self.cells.shape[1:]
        places = [
            center + ((np.arange(side) + 0.5) / side - center) * size
            for center, side in zip(self.center, (self.rect.width, self.rect.height), strict=True)
        ]
        across, down = (
            np.clip((place * each).astype(np.int64), 0, each - 1)
            for place, each in zip(places, (columns, rows), strict=True)
        )
        weights = [np.clip(np.minimum(place, 1 - place) / FEATHER, 0, 1) for place in places]
        cells = self.cells[index][down][:, across]
        return _colored(cells, self.palette, 0), (weights[1][:, None] * weights[0])[..., None]


AnyImage: TypeAlias = ImageFrames | RevealedImage | MapImage | ZoomedImage


def _colored(cells: Pixels, palette: Pixels, blank: int = 255) -> Pixels:
    """Return the colors of cells, (rows, columns, 4), and the opacity `blank` for those with the last color."""
    opaque = np.full((len(palette), 4), 255, np.uint8)
    opaque[:, :3], opaque[-1, 3] = palette, blank
    return opaque[cells]


def image_frames(canvas: Canvas, images: ImageSequence, box: Box, style: Style | None) -> ImageFrames:
    """Return the primitive of an image sequence in a box of whole pixels; `style` is None for a shared image."""
    colors = color_scale(canvas.theme, images.colors)
    return ImageFrames(
        optimizer=None if style is None else canvas.scene.styles.index(style),
        rect=rect_of(canvas, box),
        steps=images.steps,
        cells=color_indices(images.pictures, images.limits, len(colors)),
        palette=_palette(canvas, colors),
    )


def revealed_row(canvas: Canvas, panel: Heatmap, row: HeatmapRow, box: Box) -> RevealedImage:
    """Return the primitive of an optimizer's heat map in a box of whole pixels.

    Steps that share a column of pixels are combined by their geometric mean.
    """
    rect, colors = rect_of(canvas, box), color_scale(canvas.theme, "heat")
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
    return np.concatenate([colors, rgba(canvas.theme.panel)[:, :3]])


def rect_of(canvas: Canvas, box: Box) -> Rect:
    """Return the pixels of a box of whole pixels."""
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


def pixels_of(colors: Pixels, rect: Rect) -> Pixels:
    """Return cells with colors, (rows, columns, 4), as pixels that fill a rectangle, (height, width, 4)."""
    rows = np.arange(rect.height) * len(colors) // rect.height
    columns = np.arange(rect.width) * colors.shape[1] // rect.width
    # With columns first, whole rows are copied, which takes a tenth of the time.
    return colors[:, columns][rows]


def image_artists(images: Iterable[AnyImage], axes: Axes, height: int, time: float) -> Iterator[AxesImage]:
    """Add images at a time to axes, for a figure's height; each cell is one rectangle at any resolution."""
    for image in images:
        if shown := image.changed(None, time):
            rect, colors = shown
            corners = [[rect.left, height - rect.bottom], [rect.right, height - rect.top]]
            (left, low), (right, high) = axes.transData.inverted().transform(corners).tolist()
            artist = AxesImage(axes, extent=(left, right, low, high), interpolation="none", origin="upper", zorder=1.5)
            artist.set_data(colors)
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
