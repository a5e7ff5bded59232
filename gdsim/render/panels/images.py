"""Panels of small images in rows and columns, as large as fits."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.colors import to_hex

from gdsim.languages import Language
from gdsim.objectives.formulas import number
from gdsim.render.canvas import SMALL, Canvas, rgba
from gdsim.render.display_list import Primitive, Viewport
from gdsim.render.images import color_indices, color_scale, draw_color_bar, draw_scaled_caption, image_frames
from gdsim.render.layout import Box, PanelRequest
from gdsim.render.panels import DrawnPanel, PanelRenderer
from gdsim.scene.model import Style
from gdsim.scene.panels.images import ImageGrid, ImageRow
from gdsim.scene.views.image import ImageSequence
from gdsim.themes import Theme

# Lengths in ems.
NAME = 1.6  # the height of a name
GAP, APART = 0.45, 0.8  # between two images, and between two optimizers
SPREAD = 3.0  # the maximum growth of the latter
SMALLEST = 2.1  # the minimum height of an image
TABLE_GAP, BARS, WIDEST_NAMES = 0.9, 2.9, 17.0  # in a table: between images, height of color bars, width of row names

BESIDE = 3  # images in a row, if the height is sufficient
EVEN = 0.88  # images may shrink by this factor so that all cells have the same number of pixels
FAINT = 0.02  # up to this fraction of the scale's upper limit, an image looks blank, so that text states its maximum
FINE_COLORS = 255  # the number of colors of a static image


class _ImagesRenderer(PanelRenderer):
    def request(self, panel: ImageGrid, em: float) -> PanelRequest:
        if panel.columns:
            # The facet is as large as two rows if there are several; the names are as wide as two columns.
            large = min(len(panel.rows), 2)
            return PanelRequest(digits=0, has_axis=False, facet_share=large / (large + len(panel.columns) + 2))
        count, images = len(_entries(panel)), len(panel.rows[0].images)
        rows, across = -(-count * images // BESIDE), min(max(BESIDE // images, 1), count)

        def max_height(width: float) -> float:
            # One extra pixel, because rounding must not make all images smaller.
            return 1.0 - _boxes(panel, Box(0.0, 0.0, width, math.inf), em, across)[-1][0].y

        return PanelRequest(
            digits=0,
            weight=min(0.5 + 0.5 * rows, 2.2),
            # If there is little room, more images share a row.
            min_height=max((NAME + SMALLEST + GAP) * min(rows, 2), PanelRequest.min_height),
            max_height=max_height,
            has_axis=False,
        )

    def draw(self, canvas: Canvas, panel: ImageGrid, box: Box, *, numbered: bool) -> DrawnPanel:
        axes = canvas.axes(box, "none")
        axes.set(xlim=(0, box.width), ylim=(0, box.height))
        axes.set_axis_off()
        if panel.columns:
            _draw_table(canvas, panel, box)
            return Viewport(canvas, box, axes), ()
        return Viewport(canvas, box, axes), tuple(_draw_sequences(canvas, panel, box))

    def color_key(self, panel: ImageGrid, theme: Theme, say: Language) -> Sequence[tuple[str, str]]:
        if not panel.columns or all(image.colors != "signed" for image in panel.rows[0].images):
            return ()
        colors = color_scale(theme, "signed") / 255
        above, below = to_hex(colors[-1 - len(colors) // 8]), to_hex(colors[len(colors) // 8])
        return (say("raises the score of {name}", name=panel.caption), above), (say("lowers it"), below)


RENDERER = _ImagesRenderer()


def _legible(canvas: Canvas, words: str, room: float) -> str:
    """Return text shortened to `room` pixels; empty if four characters or fewer would remain."""
    cut = canvas.shortened(words, 1.0, room, middle=True)
    return cut if cut == words or len(cut) > 4 else ""


def _entries(panel: ImageGrid) -> list[tuple[Style | None, Sequence[ImageSequence]]]:
    """Return the style and the images of each optimizer; the image that all share comes first and has no style."""
    shared = [] if panel.image is None else [(None, (panel.image,))]
    return [*shared, *((row.style, row.images) for row in panel.rows)]


def _draw_sequences(canvas: Canvas, panel: ImageGrid, box: Box) -> Iterator[Primitive]:
    """Draw the borders and the names of images that change, and yield the images."""
    em, grid = canvas.em, image_boxes(panel, box, canvas.em)
    begins = {boxes[0].x for boxes in grid}
    for (style, images), boxes in zip(_entries(panel), grid, strict=True):
        own = boxes[: len(images)]
        x, y, label, color = own[0].x, own[0].top + 0.7 * em, panel.heading, canvas.theme.quiet
        if style is not None:
            canvas.sign([x + 0.4 * em], y, color=style.color, marker=style.marker)
            x, label, color = x + 1.1 * em, style.label, canvas.theme.text
        end = min((begin - 0.3 * em for begin in begins if begin > own[-1].x), default=box.right + 0.8 * em)
        canvas.text(x, y, _legible(canvas, label, end - x), color=color, va="center_baseline")
        for each, sequence in zip(own, images, strict=True):
            canvas.frame(each)
            yield image_frames(canvas, sequence, each, style)
    scale = panel.rows[0].images[-1]
    draw_scaled_caption(canvas, panel.caption, box, scale.limits, scale.colors)


def image_boxes(panel: ImageGrid, box: Box, em: float) -> list[list[Box]]:
    """Return the boxes of the largest images that fit: those of the shared image if any, then of each optimizer."""
    tried = [_boxes(panel, box, em, across + 1) for across in range(len(_entries(panel)))]
    return max(tried, key=lambda boxes: boxes[0][0].height)


def _boxes(panel: ImageGrid, box: Box, em: float, across: int) -> list[list[Box]]:
    """Return the boxes of images, with the shared image and the optimizers in rows of `across`."""
    images, count = len(panel.rows[0].images), len(_entries(panel))
    down, (rows, columns), gap = -(-count // across), panel.rows[0].images[0].pictures.shape[1:], GAP * em
    tall = (box.height - down * NAME * em - (down - 1) * gap) / down
    wide = (box.width - (across - 1) * APART * em - across * (images - 1) * gap) / (across * images)
    cell = max(min(tall / rows, wide / columns), 1e-3)
    cell = int(cell) if int(cell) > EVEN * cell else cell
    height, width = max(int(cell * rows), 1), max(int(cell * columns), 1)
    unit = images * width + (images - 1) * gap
    # The remaining width is given to the names.
    apart = APART * em + min(max((box.width - across * unit) / across - APART * em, 0.0), SPREAD * em)
    pitch = (unit + apart, height + NAME * em + gap)
    top = 0.0 if math.isinf(box.height) else box.top
    corners = [
        (box.x + index % across * pitch[0], top - index // across * pitch[1] - NAME * em - height)
        for index in range(count)
    ]
    return [
        [Box(round(x + image * (width + gap)), round(y), width, height) for image in range(images)] for x, y in corners
    ]


def _draw_table(canvas: Canvas, panel: ImageGrid, box: Box) -> None:
    """Draw static images in columns with headings and color bars, and in rows with names."""
    em, quiet, count = canvas.em, canvas.theme.quiet, len(panel.columns)
    rows = [_row_lines(row, canvas.theme) for row in panel.rows]
    widest = max(canvas.width_of(text, SMALL, bold=bold) for row in rows for text, bold, _ in row)
    names = min(widest + 1.3 * em, WIDEST_NAMES * em)
    left = box.x + names + em
    wide = (box.right - left - (count - 1) * TABLE_GAP * em) / count
    tall = (box.height - BARS * em + TABLE_GAP * em) / len(panel.rows) - TABLE_GAP * em
    side = float(max(int(min(wide, tall)), 1))
    pitch = side + TABLE_GAP * em
    for index, (row, lines) in enumerate(zip(panel.rows, rows, strict=True)):
        middle = box.top - index * pitch - side / 2
        y = middle + (len(lines) - 1) * 0.65 * em
        canvas.sign([box.x + 0.4 * em], y, color=row.style.color, marker=row.style.marker)
        for text, bold, color in lines:
            fitting = canvas.shortened(text, SMALL, names - 1.3 * em, bold=bold, middle=bold)
            weight = "bold" if bold else "normal"
            canvas.text(box.x + 1.3 * em, y, fitting, color=color, fontweight=weight, va="center_baseline")
            y -= 1.3 * em
        for column, image in enumerate(row.images):
            _draw_still(canvas, Box(left + column * pitch, middle - side / 2, side, side), image)
    low = box.top - len(panel.rows) * pitch + TABLE_GAP * em
    for column, (heading, image) in enumerate(zip(panel.columns, panel.rows[0].images, strict=True)):
        x = left + column * pitch
        text = _in_lines(canvas, heading, side + 0.4 * TABLE_GAP * em)
        canvas.text(x, box.top + 0.5 * em, text, color=quiet, va="bottom", linespacing=1.1)
        draw_color_bar(canvas, Box(x, low - 1.2 * em, side, 0.5 * em), image.limits, image.colors)


def _row_lines(row: ImageRow, theme: Theme) -> list[tuple[str, bool, str]]:
    """Return the lines of text beside a table row: text, whether it is bold, and color."""
    label, words = (row.style.label, True, theme.text), (row.words, False, theme.text)
    return [label, (row.style.settings, False, theme.quiet), words] if row.style.settings else [label, words]


def _draw_still(canvas: Canvas, box: Box, image: ImageSequence) -> None:
    """Draw one image as large as fits without distortion, with a text on it if it is blank."""
    values = image.pictures[0]
    rows, columns = values.shape
    pixel = min(box.width / columns, box.height / rows)
    width, height = pixel * columns, pixel * rows
    axes = canvas.axes(Box(box.x + (box.width - width) / 2, box.y + (box.height - height) / 2, width, height))
    axes.set(xticks=[], yticks=[])
    colors = color_scale(canvas.theme, image.colors, FINE_COLORS)
    pixels = np.concatenate([colors, rgba(canvas.theme.page)[:, :3]])[color_indices(values, image.limits, len(colors))]
    # Repeated pixels have sharp edges in every format.
    often = max(1, round(400 / max(rows, columns)))
    axes.imshow(pixels.repeat(often, 0).repeat(often, 1), interpolation="nearest", aspect="auto")
    found = np.abs(values[np.isfinite(values)])
    largest = float(found.max(initial=0.0))
    if len(found) and largest > FAINT * float(image.limits[1]):
        return
    say, most = canvas.scene.say, number(largest, 2)
    words = say("no numbers") if not len(found) else say("up to {n}", n=most) if largest else say("0 everywhere")
    lines = _in_lines(canvas, words, 0.9 * box.width)
    canvas.text(box.x + box.width / 2, box.y + box.height / 2, lines, ha="center", va="center")


def _in_lines(canvas: Canvas, text: str, room: float) -> str:
    """Return text in at most two lines that fit `room` pixels, shortened if needed."""
    if canvas.width_of(text, SMALL) > room and " " in text:
        blanks = [place for place, letter in enumerate(text) if letter == " "]
        middle = min(blanks, key=lambda place: abs(2 * place - len(text)))
        text = f"{text[:middle]}\n{text[middle + 1 :]}"
    return "\n".join(canvas.shortened(line, SMALL, room) for line in text.split("\n"))
