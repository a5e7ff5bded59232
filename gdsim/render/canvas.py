"""The canvas: a matplotlib figure of a scene's size, with drawing methods that take pixels."""

from __future__ import annotations

import logging
import os
import warnings
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from threading import get_ident
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib import rc_context, rcParams, rcParamsDefault
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import LinearSegmentedColormap, to_rgba_array
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.mathtext import MathTextParser, VectorParse
from matplotlib.patches import BoxStyle, FancyBboxPatch, Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.text import Text

from gdsim.objectives import FloatArray
from gdsim.render.layout import Box, Layout
from gdsim.scene.model import Scene
from gdsim.themes.fonts import font_families, missing_letters

DPI = 100  # of every figure, by which pixels are converted to matplotlib's points
TITLES, LABEL, SMALL = (1.65, 1.5, 1.35, 1.2), 1.1, 1.0
"""The only font sizes of a picture, in ems: of its title, the largest that fits; of names; of all other text."""

LINE = 0.17  # the width of lines in the legend, in units of `Canvas.line`
TAPER = 0.5  # the width of an arrow's shaft at its tail, per width at its head
OUTLINE = 0.3  # the width of the outline of text and symbols, in ems


@contextmanager
def default_settings(font: str) -> Iterator[None]:
    """Use matplotlib's default settings instead of the user's, so that a picture is the same everywhere.

    Formulas are set in `font`, and signs that it lacks in a similar one.

    Text is not hinted, so that the strokes of small exponents are as thin as those of other text.
    Warnings about missing glyphs are suppressed, because `Frames.missing` lists them, and about missing weights.
    """
    logger = logging.getLogger("matplotlib.font_manager")
    level = logger.level
    logger.setLevel(logging.ERROR)
    name = font.replace("-", r"\-")  # a hyphen would separate a font size
    styles = {"rm": "", "sf": "", "it": ":italic", "cal": ":italic", "bf": ":bold", "bfit": ":italic"}
    formulas = {f"mathtext.{style}": f"{name}{suffix}" for style, suffix in styles.items()}
    own: dict[Any, Any] = {**rcParamsDefault, "text.hinting": "none", "mathtext.fallback": "stixsans", **formulas}
    del own["backend"]  # setting it would import pyplot
    with warnings.catch_warnings(), rc_context(own):
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        try:
            yield
        finally:
            logger.setLevel(level)


@contextmanager
def unhinted() -> Iterator[None]:
    """Draw text as in `default_settings`, of which this is the only setting that laid out text depends on."""
    before = rcParams["text.hinting"]
    rcParams["text.hinting"] = "none"
    try:
        yield
    finally:
        rcParams["text.hinting"] = before


def save_vectors(canvas: Canvas, path: Path, words: Mapping[str, str]) -> None:
    """Write a picture as SVG or PDF, by the suffix of `path`, without a date or random ids."""
    metadata: dict[str, str | None] = {"Date": None, **words}
    if path.suffix.lower() == ".pdf":
        own = {"Description": "Subject", "Source": "gdsim"}
        metadata = {"CreationDate": None} | {own.get(name, name): text for name, text in words.items()}
    with default_settings(canvas.theme.font), rc_context({"svg.hashsalt": "gdsim"}):
        # PDF allows further keys, but matplotlib warns about them.
        warnings.filterwarnings("ignore", message="Unknown infodict keyword: 'gdsim'")
        canvas.figure.savefig(path, metadata=metadata)


def rgba(*colors: str) -> npt.NDArray[np.uint8]:
    """Return colors as pixels, (n, 4)."""
    return np.asarray(np.rint(255 * to_rgba_array(colors)), np.uint8)


def points(pixels: float) -> float:
    """Convert pixels to points, matplotlib's unit of font sizes and line widths."""
    return pixels * 72 / DPI


def ramp(colors: tuple[str, ...], count: int) -> FloatArray:
    """Return `count` colors, (count, 4), interpolated evenly between the given ones."""
    spectrum = LinearSegmentedColormap.from_list("ramp", list(colors))
    return np.asarray(spectrum(np.linspace(0, 1, max(count, 1))), np.float64)


class _Drawing(Artist):
    """An artist above all others that a function draws."""

    def __init__(self, paint: Callable[[RendererBase], None]) -> None:
        super().__init__()
        self._paint = paint
        self.set_zorder(10)

    def draw(self, renderer: RendererBase) -> None:
        self._paint(renderer)


@lru_cache(4)
def _formulas(thread: int) -> MathTextParser[VectorParse]:  # noqa: ARG001
    """Return the parser of a thread, which keeps the last formulas; no other thread may use their fonts."""
    return MathTextParser("path")


# Fonts read their files as they are used, from a position that a forked process would share.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_formulas.cache_clear)


class _AggCanvas(FigureCanvasAgg):
    """An Agg canvas that typesets a formula of one size once for all pictures, because that takes long."""

    def get_renderer(self) -> RendererAgg:
        renderer: RendererAgg = FigureCanvasAgg.get_renderer(self)
        renderer.mathtext_parser = _formulas(get_ident())
        return renderer


@lru_cache(4096)
def _extent(words: str, families: tuple[str, ...], size: float, bold: bool, math: bool) -> tuple[float, float, float]:
    """Return the width of a text or a formula, and its height above and below the baseline, in pixels."""
    weight = "bold" if bold else "normal"
    font = FontProperties(family=families, size=size, weight=weight, math_fontfamily="custom")
    renderer = RendererAgg(1, 1, DPI)
    renderer.mathtext_parser = _formulas(get_ident())
    width, height, below = renderer.get_text_width_height_descent(words, font, ismath=math)
    return float(width), float(height - below), float(below)


class Canvas:
    """A matplotlib figure of a scene, with methods that draw in the scene's style, in pixels.

    Attributes:
        agg: The figure's Agg canvas.
        page: The color of the page; "none" if it is transparent.
        left_out: One sentence for each part that has no room in the picture.
        names: The name of each optimizer in the legend or above its view, by its label.
        missing: The characters for which no installed font has a glyph.
        em: The font size of plain text in pixels.
        line: The unit of line widths in pixels: an em times the theme's stroke.
    """

    def __init__(self, scene: Scene, layout: Layout, *, transparent: bool = False) -> None:
        self.scene, self.layout, self.theme = scene, layout, scene.theme
        self.size = width, height = scene.size
        self.em, self.line = layout.em, layout.em * scene.theme.stroke
        self.page = "none" if transparent else self.theme.page
        self.left_out: list[str] = []
        self.names: dict[str, Text] = {}
        self.missing = ""
        self.figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor=self.page)
        self.agg: FigureCanvasAgg = _AggCanvas(self.figure)

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        size: float = SMALL,
        color: str = "",
        casing: str = "",
        loose: bool = False,
        **style: Any,
    ) -> Text:
        """Write text in a font size in ems, outlined in the color of a casing if given.

        `loose` text is not added to the figure, because it moves.
        """
        font = {"fontsize": points(size * self.em), "fontfamily": self.families(words), "math_fontfamily": "custom"}
        style = {"color": color or self.theme.text, "parse_math": False, **font, **style}
        self.missing += "".join(each for each in missing_letters(self.theme.font, words) if each not in self.missing)
        text = Text(x / self.size[0], y / self.size[1], words, transform=self.figure.transSubfigure, **style)
        self._outline(text)
        if casing:
            text.set_path_effects([withStroke(linewidth=points(OUTLINE * self.em), foreground=casing)])
        text.set_figure(self.figure)
        if not loose:
            self.figure.add_artist(text)
        return text

    def drawing(self, paint: Callable[[RendererBase], None]) -> Artist:
        """Add what a function draws, on top of everything else, and return it as an artist."""
        return self.figure.add_artist(_Drawing(paint))

    def drawn(
        self, paints: Iterable[Callable[[RendererBase], object]], area: tuple[slice, slice]
    ) -> list[npt.NDArray[np.uint8]]:
        """Return what each of some functions draws on the page's color in an area, (rows, columns, 4)."""
        renderer, found = RendererAgg(*self.size, DPI), list[npt.NDArray[np.uint8]]()
        pixels = np.asarray(renderer.buffer_rgba())[area]
        for paint in paints:
            pixels[...] = rgba(self.theme.page)
            paint(renderer)
            found.append(pixels.copy())
        return found

    def card(self, box: Box) -> None:
        """On a transparent page, draw a rounded rectangle in the theme's page color behind everything in a box."""
        if self.page == "none":
            corners = BoxStyle.Round(pad=0, rounding_size=0.3 * self.em / DPI)
            inches = self.figure.dpi_scale_trans
            patch = FancyBboxPatch(
                *_inches(box), boxstyle=corners, color=self.theme.page, linewidth=0, zorder=-1, transform=inches
            )
            self.figure.add_artist(patch)

    def outline_numbers(self) -> None:
        """On a transparent page, outline the tick labels and names of all axes."""
        for axes in self.figure.axes if self.page == "none" else ():
            for text in (axes.xaxis.label, axes.yaxis.label, *axes.get_xticklabels(), *axes.get_yticklabels()):
                self._outline(text)

    def _outline(self, artist: Artist, line: float = 0.0) -> None:
        """On a transparent page, outline an artist; `line` is its own line width in pixels."""
        if self.page == "none":
            width = points(line + OUTLINE * self.em)
            artist.set_path_effects([withStroke(linewidth=width, foreground=self.theme.page)])

    def families(self, words: str = "") -> list[str]:
        """Return the font families from which a text is drawn, best first."""
        return list(font_families(self.theme.font, words))

    def width_of(self, words: str, size: float, *, bold: bool = False) -> float:
        """Return the width of a text in pixels, for a font size in ems."""
        return self.extent_of(words, size, bold=bold)[0]

    def extent_of(self, words: str, size: float, *, bold: bool = False, math: bool = False) -> tuple[float, ...]:
        """Return the width of a text or a formula, and its height above and below the baseline, in pixels."""
        return _extent(words, font_families(self.theme.font, words), points(size * self.em), bold, math)

    def size_of_lines(self, words: str, size: float) -> FloatArray:
        """Return the width and height, (2,), of bold text of one or more lines, in pixels."""
        lines = words.split("\n")
        width = max(self.width_of(line, size, bold=True) for line in lines)
        return np.array([width, (1.2 * len(lines) - 0.15) * size * self.em])

    def shortened(self, words: str, size: float, room: float, *, bold: bool = False, middle: bool = False) -> str:
        """Return text shortened with an ellipsis, at the end or in the middle, to fit `room` pixels."""
        if self.width_of(words, size, bold=bold) <= room:
            return words

        def width(count: int) -> float:
            return self.width_of(_cut(words, count, middle=middle), size, bold=bold)

        fits = bisect_right(range(1, len(words) + 1), room, key=width)
        return _cut(words, fits, middle=middle) if fits else ""

    def fitted(
        self, words: str, size: float, room: float, lines: int, *, bold: bool = False
    ) -> tuple[list[str], float]:
        """Return lines of text that fit `room` pixels, and their font size: shrunk, then wrapped, then shortened.

        Lines are broken at no-break spaces only if there is no other way.
        """
        for fitting in (size, SMALL):
            if self.width_of(words, fitting, bold=bold) <= room:
                return [words], fitting
        wrapped = [""]
        for word in words.split(" "):
            longer = f"{wrapped[-1]} {word}".lstrip()
            if len(wrapped) < lines and wrapped[-1] and self.width_of(longer, SMALL, bold=bold) > room:
                wrapped.append(word)
            else:
                wrapped[-1] = longer
        space = "\N{NO-BREAK SPACE}"
        if space in words and any(self.width_of(line, SMALL, bold=bold) > room for line in wrapped):
            return self.fitted(words.replace(space, " "), size, room, lines, bold=bold)
        return [self.shortened(line, SMALL, room, bold=bold, middle=True) for line in wrapped], SMALL

    def axes(self, box: Box, background: str = "") -> Axes:
        """Add axes in the scene's style to the figure."""
        width, height = self.size
        axes = self.figure.add_axes((box.x / width, box.y / height, box.width / width, box.height / height))
        axes.set_facecolor(background or self.theme.page)
        for spine in axes.spines.values():
            spine.set(color=self.theme.quiet, linewidth=points(0.05 * self.line))
        axes.tick_params(
            colors=self.theme.quiet,
            labelsize=points(self.em),
            labelfontfamily=self.families(),
            length=points(0.3 * self.em),
            width=points(0.05 * self.line),
            pad=points(0.3 * self.em),
        )
        return axes

    def name_axes(self, axes: Axes, *, x: str = "", y: str = "") -> None:
        """Write the names of the axes."""
        font: dict[str, Any] = {"fontsize": points(self.em), "color": self.theme.quiet}
        axes.set_xlabel(x, labelpad=points(0.1 * self.em), fontfamily=self.families(x), **font)
        axes.set_ylabel(y, labelpad=points(0.2 * self.em), fontfamily=self.families(y), **font)

    def sign(
        self,
        x: list[float],
        y: float,
        *,
        color: str,
        dash: tuple[float, ...] = (),
        marker: str = "",
        edge: str = "",
        width: float = LINE,
    ) -> None:
        """Draw a horizontal line of a width, in units of `line`, between two places, or a marker at one."""
        line = Line2D(
            [place / self.size[0] for place in x],
            [y / self.size[1]] * len(x),
            color=color,
            linewidth=points(width * self.line),
            linestyle=(0, dash) if dash else "-" if not marker else "none",
            marker=marker,
            markersize=points((1.0 if marker == "*" else 0.72) * self.em),
            markeredgecolor=edge or self.theme.casing,
            markeredgewidth=points(0.08 * self.line),
        )
        self._outline(line, (0.08 if marker else width) * self.line)
        self.figure.add_artist(line)

    def block(self, box: Box, color: str) -> None:
        """Fill a box, snapped to whole pixels, below all axes."""
        inches = self.figure.dpi_scale_trans
        patch = Rectangle(*_inches(box), color=color, linewidth=0, snap=True, zorder=-1, transform=inches)
        self.figure.add_artist(patch)

    def frame(self, box: Box) -> None:
        """Fill a box in the color of panels, with a thin border."""
        edge = max(round(0.06 * self.line), 1)
        self.block(Box(box.x - edge, box.y - edge, box.width + 2 * edge, box.height + 2 * edge), self.theme.quiet)
        self.block(box, self.theme.panel)

    def outline(self, box: Box) -> None:
        """Draw a thin line around a box, with a casing, on top of all axes."""
        inches = self.figure.dpi_scale_trans
        for color, width in ((self.theme.casing, 0.16), (self.theme.text, 0.06)):
            style: dict[str, Any] = {"edgecolor": color, "linewidth": points(max(width * self.line, 1.0))}
            self.figure.add_artist(Rectangle(*_inches(box), fill=False, zorder=1, transform=inches, **style))

    def swatches(self, box: Box, colors: npt.NDArray[np.uint8]) -> None:
        """Fill a box with colors, (n, 3), side by side."""
        lefts = box.x + np.arange(len(colors)) * box.width / len(colors)
        for left, color in zip(lefts.tolist(), colors.tolist(), strict=True):
            # Each block extends to the end of the box, so that there are no gaps.
            self.block(Box(left, box.y, box.right - left, box.height), "#" + bytes(color).hex())

    def lines(
        self, lines: Sequence[FloatArray] | FloatArray, color: str, width: float, axes: Axes | None = None, **style: Any
    ) -> None:
        """Draw lines, (m, 2) each, of a width, all in pixels; `axes` clip them."""
        artist = LineCollection(
            [line / DPI for line in lines],  # in inches, which are the same in every backend
            colors=color,
            linewidths=points(width),
            transform=self.figure.dpi_scale_trans,
            **style,
        )
        if axes is not None:
            artist.set_clip_path(axes.patch)
        (axes or self.figure).add_artist(artist)

    def polygons(self, parent: Figure | Axes, shapes: FloatArray, color: str | FloatArray, edge: str = "") -> None:
        """Draw arrows, (n, corners, 2) in pixels, in one color or one each, (n, 4)."""
        arrows = PolyCollection(
            list(shapes / DPI),  # in inches, which are the same in every backend
            facecolors=color,
            edgecolors=edge or "none",
            linewidths=points(0.06 * self.em),
            transform=self.figure.dpi_scale_trans,
            zorder=2,
        )
        if parent is self.figure:
            self._outline(arrows)
        parent.add_artist(arrows)


def _inches(box: Box) -> tuple[tuple[float, float], float, float]:
    """Return the corner, the width and the height of a box in inches, which are the same in every backend."""
    return (box.x / DPI, box.y / DPI), box.width / DPI, box.height / DPI


def _cut(words: str, count: int, *, middle: bool) -> str:
    """Return `count` characters with an ellipsis, at the end or after about two thirds of them."""
    tail = count // 3 if middle else 0
    return words[: count - tail].rstrip(" ·") + "…" + (words[-tail:].lstrip() if tail else "")


def unit(vectors: FloatArray) -> FloatArray:
    """Normalize vectors, (…, k), to length 1 or 0."""
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0))


def arrow_shapes(middle: FloatArray, direction: FloatArray, length: FloatArray, thick: float) -> FloatArray:
    """Return arrows as polygons.

    Args:
        middle: (n, 2) the centers, in pixels.
        direction: (n, 2) the directions, of any length.
        length: (n,) the lengths from tail to tip, in pixels.
        thick: The largest width of the shaft in pixels; short arrows are thinner in proportion.

    Returns:
        (n, 7, 2) the corners in pixels; the fourth is the tip.
    """
    along = unit(direction)
    across = np.stack([-along[:, 1], along[:, 0]], -1)
    head = np.minimum(5.5 * thick, 0.6 * length)[:, None]
    half, shaft, wing = length[:, None] / 2, across * (head / 11), across * head * 0.42
    tip, tail, neck = middle + along * half, middle - along * half, middle + along * (half - head)
    end = TAPER * shaft
    return np.stack([tail - end, neck - shaft, neck - wing, tip, neck + wing, neck + shaft, tail + end], 1)
