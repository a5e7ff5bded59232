"""Images that change with the steps: their colors, and how they are drawn on a frame or a figure."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.image import AxesImage

from gdsim.objectives import FloatArray
from gdsim.render.canvas import Canvas
from gdsim.render.color_scales import color_indices, color_scale
from gdsim.render.display_list import ImageFrames, Pixels, Rect, RevealedImage
from gdsim.render.layout import Box
from gdsim.scene import Heatmap, HeatmapRow, ImageSequence, Style


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


def changed(image: ImageFrames | RevealedImage, since: float | None, time: float) -> tuple[Rect, Pixels] | None:
    """Return the rectangle of an image that has changed since a time, and its pixels, (rows, columns, 4), if any."""
    rect, cells = image.rect, image.cells
    if isinstance(image, ImageFrames):
        index = image.index(time)
        if since is not None and image.index(since) == index:
            return None
        cells = image.cells[index]
    else:
        first, last = 0 if since is None else image.columns(since), image.columns(time)
        if first >= last:
            return None
        rect = Rect(rect.top, rect.bottom, rect.left + first, rect.left + last)
        cells = image.cells[:, first:last]
    rows = np.arange(rect.height) * len(cells) // rect.height
    columns = np.arange(rect.width) * cells.shape[1] // rect.width
    opaque = np.full((*cells.shape, 4), 255, np.uint8)
    opaque[..., :3] = image.palette[cells]
    # With columns first, whole rows are copied, which takes a tenth of the time.
    return rect, opaque[:, columns][rows]


def image_artist(image: ImageFrames | RevealedImage, axes: Axes, height: int, time: float) -> AxesImage:
    """Add an image at a time to axes, for a figure's height; each cell is one rectangle at any resolution."""
    rect = image.rect
    if isinstance(image, ImageFrames):
        cells = image.cells[image.index(time)]
    else:
        last = max(image.columns(time), 1)
        rect, cells = Rect(rect.top, rect.bottom, rect.left, rect.left + last), image.cells[:, :last]
    corners = axes.transData.inverted().transform([[rect.left, height - rect.bottom], [rect.right, height - rect.top]])
    (left, low), (right, high) = corners.tolist()
    artist = AxesImage(axes, extent=(left, right, low, high), interpolation="none", origin="upper")
    artist.set_data(image.palette[cells])
    artist.set_zorder(1.5)
    axes.add_image(artist)
    return artist
