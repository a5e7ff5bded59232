"""A still picture of maps: the image large, and beside it a row an optimizer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from matplotlib.colors import to_hex, to_rgb

from gdsim.objectives import FloatArray
from gdsim.render.canvas import Canvas
from gdsim.render.color_scales import color_indices, color_scale
from gdsim.render.defaults import default_settings, save_vectors
from gdsim.render.display_list import Pixels
from gdsim.render.layout import Box, Layout, em_size
from gdsim.scene import Scene
from gdsim.scene.levels import number
from gdsim.scene.mosaic import Column, Mosaic, Row, Section
from gdsim.themes import Theme

__all__ = ["MosaicPicture"]

MARGIN, GAP, APART = 1.6, 0.9, 1.9
"""Around everything, between two tiles, and between image, names and tiles, in ems."""

TITLE, NAME, LINE, BARS, BETWEEN = 3.3, 1.5, 1.3, 3.3, 0.9
"""How high the title, a network's name, a line of a heading, the bars of the colours, and what divides two networks
are, in ems."""

SMALLEST, LARGEST = 4.2, 17.0
"""Between how many ems the sides of a tile are; a row has three lines of words."""

WORDS = 17.0
"""How wide the names are at most, in ems."""

FAINT = 0.02
"""A map whose numbers are smaller than this share of its colours' end shows nothing, and is told in words."""

FINENESS = 400
"""Each map is drawn with about so many dots a side, so that its pixels have sharp edges in every format."""


class MosaicPicture:
    """A picture that does not move, as large as its tiles need.

    Attributes:
        size: Width and height in pixels.
        colors: (n, 3) uint8, the colours that a palette must keep as they are, most important first.
        missing: Signs in labels and titles that the font does not have.
        transparent: False.
    """

    transparent = False

    def __init__(self, scene: Mosaic) -> None:
        with default_settings():
            self._plan = plan = _planned(scene)
            self.size = plan.size
            self._canvas = canvas = _canvas(scene, plan.size, plan.em)
            _draw(canvas, scene, plan)
            self.missing = canvas.missing
        exact = dict.fromkeys([scene.theme.page, scene.theme.text, scene.theme.quiet])
        self.colors = np.array([[round(255 * part) for part in to_rgb(color)] for color in exact], np.uint8)

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[Pixels]:
        yield self.poster()

    def poster(self) -> Pixels:
        """Return the picture, (H, W, 3) uint8."""
        with default_settings():
            self._canvas.agg.draw()
        return np.array(np.asarray(self._canvas.agg.buffer_rgba())[..., :3], order="C")

    def save_poster(self, path: Path, words: Mapping[str, str] = MappingProxyType({})) -> None:
        """Write the picture as vectors; the suffix, .svg or .pdf, decides the format.

        Args:
            path: Where to write.
            words: What the file says of itself: Title, Description and Source, or nothing.
        """
        save_vectors(self._canvas.figure, path, words)


@dataclass(frozen=True)
class _Plan:
    """Where things stand, in pixels.

    Args:
        size: Of the picture.
        em: The size of plain type.
        side: Of a tile.
        names: How wide the names are.
        image: The side of the image of each section.
        heading: How many lines a heading has.
    """

    size: tuple[int, int]
    em: float
    side: float
    names: float
    image: tuple[float, ...]
    heading: int

    @property
    def pitch(self) -> float:
        return self.side + GAP * self.em


def _canvas(scene: Mosaic, size: tuple[int, int], em: float) -> Canvas:
    page = Scene(
        title=scene.title,
        formula="",
        formula_for_title=False,
        subtitles=(),
        alt_text=scene.alt_text,
        theme=scene.theme,
        size=size,
        styles=tuple(row.style for section in scene.sections for row in section.rows),
    )
    nowhere = Box(0, 0, 0, 0)
    layout = Layout(em=em, title=nowhere, counter=(0, 0), groups=(), legend=None, key=None, ticks=False)
    return Canvas(page, layout)


def _planned(scene: Mosaic) -> _Plan:
    """Find the largest tiles that fit, and the size of the picture around them."""
    width, height = scene.size
    em = em_size(scene.size, scene.theme.type)
    ruler, rows = _canvas(scene, scene.size, em), [row for section in scene.sections for row in section.rows]
    names = min(max(_names_width(ruler, row) for row in rows), WORDS * em)
    columns = max(len(section.columns) for section in scene.sections)
    beside = 2 * MARGIN * em + names + 2 * APART * em + (columns - 1) * GAP * em
    large = 2 if max(len(section.rows) for section in scene.sections) > 1 else 1
    wide = (width - beside - (large - 1) * GAP * em) / (columns + large)
    headings = [column.heading for section in scene.sections for column in section.columns]
    longest = max(ruler.width_of(words, 1.0) for words in headings)
    named = sum(bool(section.name) for section in scene.sections) * NAME
    for heading in (1, 2):
        each = LINE * heading + 0.6 + BARS
        between = (len(scene.sections) - 1) * BETWEEN
        fixed = (TITLE + named + len(scene.sections) * each + between) * em
        tall = (height - fixed - (len(rows) - len(scene.sections)) * GAP * em) / len(rows)
        side = float(int(max(min(wide, tall, LARGEST * em), SMALLEST * em)))
        if longest <= side:
            break
    image = tuple(float(2 * side + GAP * em if len(section.rows) > 1 else side) for section in scene.sections)
    across = beside + columns * side + max(image)
    down = fixed + len(rows) * side + (len(rows) - len(scene.sections)) * GAP * em
    even = (2 * int(np.ceil(across / 2)), 2 * int(np.ceil(down / 2)))
    return _Plan(even, em, side, names, image, heading)


def _names_width(ruler: Canvas, row: Row) -> float:
    label = ruler.width_of(row.style.label, 1.0, bold=True)
    return 1.3 * ruler.em + max(label, ruler.width_of(row.style.settings, 0.9), ruler.width_of(row.says, 1.0))


def _draw(canvas: Canvas, scene: Mosaic, plan: _Plan) -> None:
    em, (width, height) = plan.em, plan.size
    title = canvas.shortened(scene.title, 1.5, width - 2 * MARGIN * em, bold=True)
    canvas.text(MARGIN * em, height - 2.1 * em, title, size=1.5, fontweight="bold", va="baseline")
    top = height - TITLE * em
    for section, side in zip(scene.sections, plan.image, strict=True):
        top = _draw_section(canvas, section, plan, side, top)


def _draw_section(canvas: Canvas, section: Section, plan: _Plan, side: float, top: float) -> float:
    """Draw the rows of one network, and return where they end."""
    em, theme = plan.em, canvas.theme
    left = MARGIN * em
    if section.name:
        canvas.text(left, top - 0.9 * em, section.name, size=1.15, fontweight="bold", va="baseline")
        top -= NAME * em
    top -= (LINE * plan.heading + 0.6) * em
    image = Box(left, top - side, side, side)
    low, high = min(float(section.image.min()), 0.0), max(float(section.image.max()), 1.0)
    grays = np.rint(255 * (section.image - low) / (high - low)).astype(np.uint8)
    _draw_map(canvas, image, grays[..., None].repeat(3, -1))
    # The names beside the image stand lower, so that there is room over them.
    room = max(plan.image) + APART * em + plan.names
    _write_heading(canvas, image, section.caption, room, plan)
    tiles = left + max(plan.image) + 2 * APART * em + plan.names
    for index, row in enumerate(section.rows):
        middle = top - index * plan.pitch - plan.side / 2
        _write_names(canvas, row, left + max(plan.image) + APART * em, middle, plan)
        for place, (column, values) in enumerate(zip(section.columns, row.maps, strict=True)):
            box = Box(tiles + place * plan.pitch, middle - plan.side / 2, plan.side, plan.side)
            _draw_map(canvas, box, _colored(values, column, theme))
            _write_faint(canvas, box, values, column)
            if index == 0:
                _write_heading(canvas, box, column.heading, plan.side + 0.4 * GAP * em, plan)
    bottom = top - len(section.rows) * plan.pitch + GAP * em
    for place, column in enumerate(section.columns):
        _draw_bar(canvas, Box(tiles + place * plan.pitch, bottom - 1.2 * em, plan.side, 0.5 * em), column)
    # Below the second row there are names beside it.
    _write_key(canvas, section, image, side + 0.4 * em if len(section.rows) > 2 else room)
    return bottom - (BARS + BETWEEN) * em


def _write_heading(canvas: Canvas, box: Box, words: str, room: float, plan: _Plan) -> None:
    """Write over a tile or the image, in two lines where headings are long."""
    halved = plan.heading > 1 and canvas.width_of(words, 1.0) > room
    lines = (_halved(words) if halved else words).split("\n")
    size = float(np.clip(0.97 * room / max(canvas.width_of(line, 1.0) for line in lines), 0.8, 1.0))
    fitting = "\n".join(canvas.shortened(line, size, room) for line in lines)
    color, y = canvas.theme.quiet, box.top + 0.5 * plan.em
    canvas.text(box.x, y, fitting, size=size, color=color, va="bottom", linespacing=1.1)


def _halved(words: str) -> str:
    """Words in two lines, the first of which ends at the blank nearest to the middle."""
    blanks = [place for place, sign in enumerate(words) if sign == " "]
    if not blanks:
        return words
    middle = min(blanks, key=lambda place: abs(2 * place - len(words)))
    return f"{words[:middle]}\n{words[middle + 1 :]}"


def _write_names(canvas: Canvas, row: Row, x: float, middle: float, plan: _Plan) -> None:
    """Name an optimizer beside its tiles, and under it what its network says."""
    em, theme, room = plan.em, canvas.theme, plan.names - 1.3 * plan.em
    lines = [(row.style.label, 1.0, theme.text, "bold")]
    if row.style.settings:
        lines.append((row.style.settings, 0.9, theme.quiet, "normal"))
    lines.append((row.says, 1.0, theme.text, "normal"))
    y = middle + (len(lines) - 1) * 0.65 * em
    canvas.sign([x + 0.4 * em], y, color=row.style.color, marker=row.style.marker)
    for words, size, color, weight in lines:
        fitting = canvas.shortened(words, size, room, bold=weight == "bold", middle=weight == "bold")
        canvas.text(x + 1.3 * em, y, fitting, size=size, color=color, fontweight=weight, va="center_baseline")
        y -= 1.3 * em


def _write_key(canvas: Canvas, section: Section, image: Box, room: float) -> None:
    """Say under the image what the two hues mean."""
    if not any(column.colors == "signed" for column in section.columns):
        return
    em, colors = canvas.em, color_scale(canvas.theme, "signed")
    below, above = (to_hex(colors[place] / 255) for place in (len(colors) // 8, -1 - len(colors) // 8))
    y = image.y - 1.0 * em
    for words, color in ((f"raises the score of class {section.target}", above), ("lowers it", below)):
        canvas.sign([image.x + 0.4 * em], y, color=color, marker="s")
        for line in (words if canvas.width_of(words, 1.0) <= room else _halved(words)).split("\n"):
            canvas.text(image.x + 1.3 * em, y, line, color=canvas.theme.quiet, va="center_baseline")
            y -= LINE * em


def _draw_bar(canvas: Canvas, box: Box, column: Column) -> None:
    """Draw the colours of a column with the numbers at their ends."""
    low = -column.limit if column.colors == "signed" else 0.0
    values = np.linspace(low, column.limit, 256)[np.newaxis]
    _draw_map(canvas, box, _colored(values, column, canvas.theme))
    ends = [(box.x, low, "left"), (box.right, column.limit, "right")]
    if sum(canvas.width_of(number(value, 2), 1.0) for _, value, _ in ends) + 0.5 * canvas.em > box.width:
        ends = ends[1:]  # the other one is 0, or as large
    for x, value, side in ends:
        words = "±" * (len(ends) == 1 and low < 0) + number(value, 2)
        canvas.text(x, box.y - 0.3 * canvas.em, words, color=canvas.theme.quiet, ha=side, va="top")


def _draw_map(canvas: Canvas, box: Box, colors: Pixels) -> None:
    """Fill a box with pixels (rows, columns, 3), as large as they fit without being stretched."""
    rows, columns = colors.shape[:2]
    if rows > 1:
        pixel = min(box.width / columns, box.height / rows)
        width, height = pixel * columns, pixel * rows
        box = Box(box.x + (box.width - width) / 2, box.y + (box.height - height) / 2, width, height)
    axes = canvas.axes(box)
    axes.set(xticks=[], yticks=[])
    often = max(1, round(FINENESS / max(rows, columns)))
    axes.imshow(colors.repeat(often, 0).repeat(often, 1), interpolation="nearest", aspect="auto")


def _write_faint(canvas: Canvas, box: Box, values: FloatArray, column: Column) -> None:
    """Say in a map where nothing is to be seen why that is so."""
    found = np.abs(values[np.isfinite(values)])
    largest = float(found.max(initial=0.0))
    if len(found) and largest > FAINT * column.limit:
        return
    words = "no numbers" if not len(found) else f"up to {number(largest, 2)}" if largest else "0 everywhere"
    x, y, room = box.x + box.width / 2, box.y + box.height / 2, 0.9 * box.width
    lines = (words if canvas.width_of(words, 1.0) <= room else _halved(words)).split("\n")
    size = min(1.0, room / max(canvas.width_of(line, 1.0) for line in lines))
    canvas.text(x, y, "\n".join(lines), size=size, color=canvas.theme.text, ha="center", va="center")


def _colored(values: FloatArray, column: Column, theme: Theme) -> Pixels:
    """The colours (rows, columns, 3) of the numbers of a map (rows, columns): those of a film, finer; NaN is open."""
    signed = column.colors == "signed"
    # What has no sign must not be taken for what raises the score.
    few = color_scale(theme, "signed" if signed else "heat")
    places = np.linspace(0, len(few) - 1, 255)
    colors = np.stack([np.interp(places, np.arange(len(few)), channel) for channel in few.T], -1).round()
    shade = color_indices(values, np.array([-column.limit if signed else 0.0, column.limit]), len(colors))
    open_ = [round(255 * part) for part in to_rgb(theme.page)]
    return np.vstack([colors, open_]).astype(np.uint8)[shade]
