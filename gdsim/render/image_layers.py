"""Rectangles of the page that change with the steps: small pictures of numbers, and heat maps that grow."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.image import AxesImage

from gdsim.objectives import FloatArray
from gdsim.render.trail import Rect
from gdsim.scene import HeatmapRow, ImageSequence
from gdsim.themes import Theme
from gdsim.themes.shades import mixed

__all__ = ["NOTHING", "FilmScreen", "Patch", "Pixels", "Screen", "StripScreen", "shades", "tints"]

Pixels = npt.NDArray[np.uint8]

Kind = Literal["gray", "signed", "unsigned", "heat"]

COUNTS: dict[Kind, int] = {"gray": 17, "signed": 21, "unsigned": 17, "heat": 20}
"""How many colours each kind of picture has: enough to read it, few enough that a GIF keeps every one of them."""

NOTHING = 255
"""The shade of what has no number."""

DEEP = 0.55
"""How far towards the colour of type the ends of a map of colours go."""


def tints(theme: Theme, kind: Kind) -> Pixels:
    """Return the colours of a kind of picture from its lowest number to its highest, (n, 3).

    A signed one has two hues around the ground of a panel, those that the paths leave free and that colour-blind eyes
    tell apart; an unsigned one has the hue of what is above 0.
    """
    if kind == "gray":
        ends: tuple[str, ...] = ("#000000", "#ffffff")
    elif kind == "heat":
        low, *_, high = theme.field
        ends = (
            mixed(low, theme.panel, 0.3),
            high,
            mixed(theme.level_line, theme.text, DEEP),
            mixed(theme.text, theme.level_line, 0.2),
        )
    else:
        below, above = (
            (mixed(hue, theme.text, DEEP), hue, mixed(hue, theme.panel, DEEP)) for hue in (theme.falling, theme.rising)
        )
        ends = (*below, theme.panel, *above[::-1]) if kind == "signed" else (theme.panel, *above[::-1])
    # Not `ramp`, whose 256 colours need not be exact in the middle.
    given = np.array([to_rgb(end) for end in ends])
    places = np.linspace(0, len(given) - 1, COUNTS[kind])
    channels = [np.interp(places, np.arange(len(given)), channel) for channel in given.T]
    return np.asarray(np.rint(255 * np.stack(channels, -1)), np.uint8)


def shades(values: FloatArray, limits: FloatArray, count: int, *, logarithmic: bool = False) -> Pixels:
    """Return which of so many colours numbers (…) have, (…); `NOTHING` where they are none.

    Args:
        values: The numbers; on a logarithmic scale those of 0 and less have the first colour.
        limits: (2,) the numbers of the first and the last colour; what lies beyond has these.
        count: How many colours there are.
        logarithmic: Whether the colours divide the numbers' logarithms evenly.
    """
    low, high = np.log(limits) if logarithmic else limits
    with np.errstate(divide="ignore", invalid="ignore"):
        places = np.log(np.maximum(values, 0.0)) if logarithmic else values
        shares = np.clip((places - low) / (high - low), 0.0, 1.0)
    return np.where(np.isnan(shares), NOTHING, np.nan_to_num(shares) * (count - 1) + 0.5).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class Patch:
    """What has changed.

    Args:
        rect: Where, in rows and columns of the picture.
        pixels: (rows, columns, 4) how it looks now.
    """

    rect: Rect
    pixels: Pixels


@dataclass(frozen=True, eq=False)
class FilmScreen:
    """A film in a rectangle of the page.

    Args:
        film: What is seen.
        rect: Where.
        colors: (n, 3) from the lowest number to the highest.
        ground: (3,) the colour of what is no number.
    """

    film: ImageSequence
    rect: Rect
    colors: Pixels
    ground: Pixels

    def number(self, time: float) -> int:
        """Return which picture is seen at a time."""
        return max(int(np.searchsorted(self.film.steps, time, side="right")) - 1, 0)

    def shades(self, number: int) -> Pixels:
        """Return which of the colours the cells of a picture have, (rows, columns); `NOTHING` where they have none."""
        return shades(self.film.pictures[number], self.film.limits, len(self.colors))

    def patch(self, since: float | None, time: float) -> Patch | None:
        """Return what has changed since a time, or since nothing was there; None for nothing."""
        number = self.number(time)
        if since is not None and self.number(since) == number:
            return None
        cells = _painted(self.shades(number), self.colors, self.ground)
        return Patch(self.rect, _enlarged(cells, self.rect))

    def artist(self, axes: Axes, height: int, time: float) -> AxesImage:
        """Put what is seen at a time into axes of a page of a height, for a picture of vectors."""
        return _image(axes, self.rect, height, _painted(self.shades(self.number(time)), self.colors, self.ground))


@dataclass(frozen=True, eq=False)
class StripScreen:
    """A heat map in a rectangle of the page, uncovered from the left as the steps go by.

    Args:
        strip: What is seen.
        rect: Where.
        reach: The step at its right edge.
        colors: (n, 3) from the lowest number to the highest.
        ground: (3,) the colour of what is no number.
        limits: (2,) the numbers of the ends of the colours.

    Attributes:
        columns: (layers, width) which of the colours each column of pixels has, the first layer first; `NOTHING` for
            none. A column that several steps share has their geometric mean.
    """

    strip: HeatmapRow
    rect: Rect
    reach: float
    colors: Pixels
    ground: Pixels
    limits: FloatArray
    columns: Pixels = field(init=False)

    def __post_init__(self) -> None:
        values = _gathered(self.strip, self.rect.right - self.rect.left, self.reach)
        columns = shades(values, self.limits, len(self.colors), logarithmic=True)
        object.__setattr__(self, "columns", columns)

    def column(self, time: float) -> int:
        """Return how many columns of pixels are uncovered at a time."""
        width = self.rect.right - self.rect.left
        return round(width * min(time, float(self.strip.end)) / self.reach)

    def patch(self, since: float | None, time: float) -> Patch | None:
        """Return what has changed since a time, or since nothing was there; None for nothing."""
        first, last = 0 if since is None else self.column(since), self.column(time)
        if first >= last:
            return None
        rect = Rect(self.rect.top, self.rect.bottom, self.rect.left + first, self.rect.left + last)
        cells = _painted(self.columns[::-1, first:last], self.colors, self.ground)
        return Patch(rect, _enlarged(cells, rect))

    def artist(self, axes: Axes, height: int, time: float) -> AxesImage:
        """Put what is seen at a time into axes of a page of a height, for a picture of vectors."""
        last = max(self.column(time), 1)
        rect = Rect(self.rect.top, self.rect.bottom, self.rect.left, self.rect.left + last)
        return _image(axes, rect, height, _painted(self.columns[::-1, :last], self.colors, self.ground))


Screen = FilmScreen | StripScreen


def _gathered(strip: HeatmapRow, width: int, reach: float) -> FloatArray:
    """The figures of a strip by columns of pixels, (layers, width): from step k to the next, those of row k."""
    count = strip.values.shape[1]
    edges = np.arange(width + 1) * reach / width
    first = np.minimum(np.floor(edges[:-1] + 1e-9).astype(np.int64), count - 1)
    last = np.minimum(np.maximum(np.ceil(edges[1:] - 1e-9).astype(np.int64), first + 1), count)
    if reach <= width:
        return np.asarray(strip.values[:, first])
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(np.maximum(strip.values, 0.0))
    real = np.isfinite(logs)
    sums = np.pad(np.cumsum(np.where(real, logs, 0.0), axis=1), ((0, 0), (1, 0)))
    counts = np.pad(np.cumsum(real, axis=1), ((0, 0), (1, 0)))
    found = counts[:, last] - counts[:, first]
    means = np.exp((sums[:, last] - sums[:, first]) / np.maximum(found, 1))
    return np.where(found > 0, means, strip.values[:, first])


def _painted(cells: Pixels, colors: Pixels, ground: Pixels) -> Pixels:
    """The colours of shades (rows, columns), (rows, columns, 3)."""
    return np.asarray(np.where((cells == NOTHING)[..., None], ground, colors[np.minimum(cells, len(colors) - 1)]))


def _enlarged(cells: Pixels, rect: Rect) -> Pixels:
    """Cells (rows, columns, 3) over all pixels of a rectangle, each as it is, with sharp edges, (rows, columns, 4)."""
    tall, wide = rect.bottom - rect.top, rect.right - rect.left
    rows = np.arange(tall) * len(cells) // tall
    columns = np.arange(wide) * cells.shape[1] // wide
    opaque = np.full((*cells.shape[:2], 4), 255, np.uint8)
    opaque[..., :3] = cells
    # Columns first: then whole rows are copied, which takes a tenth of the time.
    return opaque[:, columns][rows]


def _image(axes: Axes, rect: Rect, height: int, cells: Pixels) -> AxesImage:
    """Cells (rows, columns, 3) as an image within axes, each cell one rectangle however large the page is drawn."""
    corners = axes.transData.inverted().transform([[rect.left, height - rect.bottom], [rect.right, height - rect.top]])
    (left, low), (right, high) = corners.tolist()
    image = AxesImage(axes, extent=(left, right, low, high), interpolation="none", origin="upper")
    image.set_data(cells)
    image.set_zorder(1.5)
    axes.add_image(image)
    return image
