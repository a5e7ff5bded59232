"""What stands still in a picture: page, field, arrows, axes, legend and titles."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.colors import LinearSegmentedColormap, ListedColormap
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.lines import Line2D
from matplotlib.text import Text

from gdsim.objectives import FloatArray
from gdsim.render.layout import Box, Layout
from gdsim.scene import Arrows, Field, Line, Scene, labels, round_ticks
from gdsim.themes import THEMES, Theme

__all__ = ["DPI", "Still", "level_colors", "points"]

DPI = 100
"""Dots an inch of every figure; lengths are thought of in pixels and handed to matplotlib in points."""


def points(pixels: float) -> float:
    """Convert pixels to the points in which matplotlib measures type and lines."""
    return pixels * 72 / DPI


def level_colors(theme: Theme, count: int) -> FloatArray:
    """Return one colour a level, (count, 4), evenly spaced along the theme's field colours."""
    spectrum = LinearSegmentedColormap.from_list("field", list(theme.field))
    return np.asarray(spectrum(np.linspace(0, 1, max(count, 1))), np.float64)


class Still:
    """A matplotlib figure with everything that does not move.

    Args:
        scene: What is to be seen.
        layout: Where it stands.

    Attributes:
        figure: The figure, as large as the scene.
        canvas: Where it is drawn pixel by pixel.
        size: Its width and height in pixels.
        layout: Where everything stands.
        theme: The colours.
        main: The axes of the main view.
        loss: The axes of the loss panel, or None.
    """

    def __init__(self, scene: Scene, layout: Layout) -> None:
        self._scene, self.layout, self.theme = scene, layout, THEMES[scene.theme]
        self.size = width, height = scene.size
        self.figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor=self.theme.page)
        self.canvas = FigureCanvasAgg(self.figure)
        self.main = self._axes(layout.view)
        self._draw_view()
        self._draw_minima()
        self._draw_starts()
        self.loss = self._axes(layout.loss) if layout.loss else None
        if self.loss is not None:
            self._draw_loss(self.loss)
        self._draw_title(layout.title)

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        size: float = 1.0,
        color: str = "",
        loose: bool = False,
        **style: Any,
    ) -> Text:
        """Write words at a place in pixels; `size` is in ems. What is `loose` is no part of the figure: it moves."""
        text = Text(
            x / self.size[0],
            y / self.size[1],
            words,
            fontsize=points(size * self.layout.em),
            color=color or self.theme.text,
            transform=self.figure.transSubfigure,
            parse_math=False,
            **style,
        )
        text.set_figure(self.figure)
        if not loose:
            self.figure.add_artist(text)
        return text

    @property
    def missing(self) -> str:
        """Signs of the title and the legend that the font does not have, each once."""
        font = get_font(findfont(FontProperties()))
        words = [self._scene.title, *(path.label + path.settings for path in self._scene.paths)]
        return "".join(dict.fromkeys(sign for word in words for sign in word if not font.get_char_index(ord(sign))))

    def width_of(self, words: str, size: float, *, bold: bool = False) -> float:
        """Return how wide words are, in pixels."""
        font = FontProperties(size=points(size * self.layout.em), weight="bold" if bold else "normal")
        width, _, _ = self.canvas.get_renderer().get_text_width_height_descent(words, font, ismath=False)
        return float(width)

    def shortened(self, words: str, size: float, room: float, *, bold: bool = False) -> str:
        """Return words cut with an ellipsis so that they fit a width in pixels."""
        if self.width_of(words, size, bold=bold) <= room:
            return words
        fits, long = 0, len(words)
        while fits < long:
            middle = (fits + long + 1) // 2
            if self.width_of(words[:middle].rstrip() + "…", size, bold=bold) <= room:
                fits = middle
            else:
                long = middle - 1
        return words[:fits].rstrip(" ·") + "…" if fits else ""

    def _axes(self, box: Box) -> Axes:
        width, height = self.size
        axes = self.figure.add_axes((box.x / width, box.y / height, box.width / width, box.height / height))
        theme, em = self.theme, self.layout.em
        axes.set_facecolor(theme.page)
        for spine in axes.spines.values():
            spine.set(color=theme.quiet, linewidth=points(0.05 * em))
        axes.tick_params(
            colors=theme.quiet,
            labelsize=points(em),
            length=points(0.3 * em),
            width=points(0.05 * em),
            pad=points(0.3 * em),
        )
        return axes

    def _draw_view(self) -> None:
        scene, axes, em = self._scene, self.main, self.layout.em
        axes.set(xlim=scene.view[0], ylim=scene.view[1])
        box = self.layout.view
        if self.layout.ticks:
            for (low, high), side, name in (
                (scene.view[0], box.width, "x"),
                (scene.view[1], box.height, "y"),
            ):
                ticks = self._ticks(low, high, side, along=name == "x")
                getattr(axes, f"set_{name}ticks")(ticks, labels(ticks))
            across, up = scene.names
            axes.set_xlabel(across, fontsize=points(em), color=self.theme.quiet, labelpad=points(0.1 * em))
            axes.set_ylabel(up, fontsize=points(em), color=self.theme.quiet, labelpad=points(0.2 * em))
        else:
            axes.set(xticks=[], yticks=[])
        if isinstance(scene.ground, Field):
            self._draw_field(scene.ground)
        else:
            self._draw_curve(scene.ground)
        if scene.arrows is not None:
            self._draw_arrows(scene.arrows)

    def _ticks(self, low: float, high: float, side: float, *, along: bool) -> FloatArray:
        """As many round numbers, up to 8, as an axis of a length in pixels has room for."""
        em = self.layout.em
        for count in range(8, 2, -1):
            ticks = round_ticks(low, high, count)
            widest = max(self.width_of(words, 1.0) for words in labels(ticks)) + em if along else 3 * em
            if len(ticks) * widest <= side:
                break
        return ticks

    def _draw_field(self, field: Field) -> None:
        edges, axes, theme = field.levels.edges, self.main, self.theme
        values = np.ma.masked_invalid(field.values)
        colors = level_colors(theme, len(edges) - 1)
        axes.contourf(field.x, field.y, values, levels=edges, colors=colors, zorder=0)
        line = points(max(0.035 * self.layout.em, 0.4))
        axes.contour(
            field.x,
            field.y,
            values,
            levels=edges[1:-1],
            colors=theme.level_line,
            linewidths=line,
            alpha=0.55,
            zorder=1,
        )
        if self.layout.bar:
            self._draw_bar(self.layout.bar, field, colors)

    def _draw_bar(self, box: Box, field: Field, colors: FloatArray) -> None:
        """The colour bar: each level as high as the next, numbers on the edges between them."""
        levels, em = field.levels, self.layout.em
        axes = self._axes(box)
        bands = np.arange(len(colors))[:, None]
        axes.imshow(
            bands,
            cmap=ListedColormap(colors),
            aspect="auto",
            origin="lower",
            extent=(0, 1, 0, len(colors)),
            zorder=0,
        )
        axes.set(xticks=[], xlim=(0, 1), ylim=(0, len(colors)))
        room = max(1, int(box.height / (2.2 * em)))
        every = -(-len(levels.ticks) // room)
        axes.set_yticks(levels.ticks[::every], levels.labels[::every])
        axes.yaxis.tick_right()
        self.text(box.x, box.top + em, levels.caption, color=self.theme.quiet, va="baseline")

    def _draw_curve(self, line: Line) -> None:
        theme, em = self.theme, self.layout.em
        low = self._scene.view[1, 0]
        self.main.fill_between(line.x, line.values, low, color=theme.field[1], linewidth=0, zorder=0)
        self.main.plot(line.x, line.values, color=theme.arrow, linewidth=points(0.16 * em), zorder=1)

    def _draw_arrows(self, arrows: Arrows) -> None:
        box, view = self.layout.view, self._scene.view
        scale = np.array([box.width, box.height]) / (view[:, 1] - view[:, 0])
        if arrows.points.shape[1] == 1:
            # In the strip below the curve, along the axis where the gradient of one variable lives.
            level = view[1, 0] + 0.076 * (view[1, 1] - view[1, 0])
            middle = np.column_stack([arrows.points[:, 0], np.full(len(arrows.points), level)])
            direction = np.column_stack([arrows.gradients[:, 0], np.zeros(len(arrows.points))])
            room = arrows.spacing[0] * scale[0]
        else:
            middle, direction = arrows.points, arrows.gradients
            room = float((arrows.spacing * scale).min())
        middle = (middle - view[:, 0]) * scale + [box.x, box.y]
        self.polygons(
            self.main,
            arrow_shapes(middle, direction * scale, 0.9 * room * arrows.lengths, thick=0.035 * min(room, 60.0)),
        )

    def _draw_minima(self) -> None:
        em, theme = self.layout.em, self.theme
        self.main.plot(
            *self._scene.minima.T,
            linestyle="none",
            marker="*",
            markersize=points(1.15 * em),
            color=theme.minimum,
            markeredgecolor=theme.casing,
            markeredgewidth=points(0.07 * em),
            clip_on=False,
            zorder=3,
        )

    def _draw_starts(self) -> None:
        em = self.layout.em
        starts = (
            np.concatenate([path.points[0] for path in self._scene.paths]) if self._scene.paths else np.empty((0, 2))
        )
        starts = np.unique(starts, axis=0)
        for color, width in ((self.theme.casing, 0.26), (self.theme.text, 0.1)):
            self.main.plot(
                *starts.T,
                linestyle="none",
                marker="o",
                markersize=points((0.95 if len(starts) <= 8 else 0.5) * em),
                fillstyle="none",
                color=color,
                markeredgewidth=points(width * em),
                zorder=3,
            )

    def _draw_loss(self, axes: Axes) -> None:
        scene, em, theme = self._scene, self.layout.em, self.theme
        panel, box = scene.loss, self.layout.loss
        assert panel is not None and box is not None  # noqa: S101, PT018  (for the type checker: the caller looked)
        axes.set_xlim(0, 1.03 * max(scene.steps, 1))
        if panel.logarithmic:
            axes.set_yscale("log", nonpositive="clip")
            low, high = np.log10(panel.limits)
            every = max(1, -int(-(high - low) // max(2, int(box.height / (3 * em)))))
            ticks = 10.0 ** np.arange(np.ceil(low), np.floor(high) + 1, every)
            axes.minorticks_off()
        else:
            low, high = panel.limits
            ticks = round_ticks(low, high, max(2, int(box.height / (3 * em))))
        axes.set_ylim(*panel.limits)
        axes.set_yticks(ticks, labels(ticks))
        across = self._ticks(0, max(scene.steps, 1), box.width, along=True)
        across = across[across == np.round(across)]
        axes.set_xticks(across, labels(across))
        axes.grid(color=theme.grid, linewidth=points(0.05 * em))
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlabel("step", fontsize=points(em), color=theme.quiet, labelpad=points(0.1 * em))
        self.text(box.x, box.top + 0.55 * em, panel.caption, color=theme.quiet, ha="left", va="bottom")

    def _draw_title(self, box: Box) -> None:
        """The title: large, else smaller, else cut; and after it, always whole, what the picture leaves out."""
        em, scene = self.layout.em, self._scene
        least = self.width_of(scene.title, 1.1, bold=True) + 0.8 * em
        fitting = (words for words in scene.subtitles if self.width_of(words, 1.0) + least <= box.width)
        subtitle = next(fitting, scene.subtitles[-1] if scene.subtitles else "")
        room = box.width - (self.width_of(subtitle, 1.0) + 0.8 * em if subtitle else 0.0)
        size = next((size for size in (1.5, 1.25) if self.width_of(scene.title, size, bold=True) <= room), 1.1)
        title = self.shortened(scene.title, size, room, bold=True)
        self.text(box.x, box.y, title, size=size, fontweight="bold", va="baseline")
        self.text(box.x + box.width - 0.6 * em, box.y, subtitle, color=self.theme.quiet, ha="right", va="baseline")

    def sign(
        self,
        x: list[float],
        y: float,
        *,
        color: str,
        dash: tuple[float, ...] = (),
        marker: str = "",
        edge: str = "",
    ) -> None:
        """A line along places on one height, or a marker on one place, in pixels."""
        em = self.layout.em
        self.figure.add_artist(
            Line2D(
                [place / self.size[0] for place in x],
                [y / self.size[1]] * len(x),
                color=color,
                linewidth=points(0.17 * em),
                linestyle=(0, dash) if dash else "-" if not marker else "none",
                marker=marker,
                markersize=points((1.0 if marker == "*" else 0.72) * em),
                markeredgecolor=edge or self.theme.casing,
                markeredgewidth=points(0.08 * em),
            )
        )

    def polygons(self, parent: Figure | Axes, shapes: FloatArray) -> None:
        """Arrows, (n, corners, 2) in pixels; kept in inches, which every backend measures alike."""
        arrows = PolyCollection(
            list(shapes / DPI),
            facecolors=self.theme.arrow,
            edgecolors="none",
            alpha=0.75,
            transform=self.figure.dpi_scale_trans,
            zorder=2,
        )
        parent.add_artist(arrows)


def arrow_shapes(middle: FloatArray, direction: FloatArray, length: FloatArray, thick: float) -> FloatArray:
    """Return arrows as polygons.

    Args:
        middle: (n, 2) centres, in pixels.
        direction: (n, 2) where they point, of any length.
        length: (n,) from tail to tip, in pixels.
        thick: The shaft's width in pixels; short arrows are thinner in proportion.

    Returns:
        (n, 7, 2) the corners, in pixels.
    """
    norm = np.linalg.norm(direction, axis=-1, keepdims=True)
    along = np.divide(direction, norm, out=np.zeros_like(direction), where=norm > 0)
    across = np.stack([-along[:, 1], along[:, 0]], -1)
    head = np.minimum(5.5 * thick, 0.6 * length)[:, None]
    half = length[:, None] / 2
    shaft = head / 11
    tip, tail, neck = middle + along * half, middle - along * half, middle + along * (half - head)
    corners = [
        tail - across * shaft,
        neck - across * shaft,
        neck - across * head * 0.42,
        tip,
        neck + across * head * 0.42,
        neck + across * shaft,
        tail + across * shaft,
    ]
    return np.stack(corners, 1)
