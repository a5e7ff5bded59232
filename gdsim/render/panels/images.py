"""The panels of tiles: small pictures beside and under each other, as large as the room lets them be."""

from __future__ import annotations

import math

from gdsim.render.canvas import Canvas
from gdsim.render.color_scales import draw_caption, ends
from gdsim.render.image_layers import color_scale
from gdsim.render.layout import Box
from gdsim.render.viewport import Viewport
from gdsim.scene import ImageGrid

__all__ = ["draw_tiles", "least_of_tiles", "rows_of_tiles", "tile_places", "tiles_high"]

FEW = 4
"""Of a cut name over a picture more than so many characters are written, or none."""

HEADS, GAP, APART, SPREAD = 1.6, 0.45, 0.8, 3.0
"""What stands over a picture, what divides two pictures, what divides those of two optimizers, and how much more does
where there is room, in ems."""

BESIDE = 3
"""So many pictures stand beside each other where there is all the height that they want."""

SMALLEST = 2.1
"""How many ems a picture is high at least."""

EVEN = 0.88
"""What share of their size pictures keep at least for the sake of even cells."""


def draw_tiles(canvas: Canvas, panel: ImageGrid, box: Box) -> Viewport:
    """Draw frames for pictures, still empty, each optimizer's under its name, and return their window."""
    em, theme = canvas.em, canvas.theme
    axes = canvas.axes(box, "none")
    axes.set(xlim=(0, box.width), ylim=(0, box.height))
    axes.set_axis_off()
    rows, image = tile_places(panel, box, em)
    begins = {row[0].x for row in rows}

    def ends_at(place: Box) -> float:
        """Where the words over a picture must end: before the next ones."""
        return min((x - 0.3 * em for x in begins if x > place.x), default=box.right + 0.8 * em)

    if image is not None:
        words = _legible(canvas, panel.heading, ends_at(image) - image.x)
        canvas.text(image.x, image.top + 0.7 * em, words, color=theme.quiet, va="center_baseline")
        canvas.frame(image)
    for own, row in zip(panel.rows, rows, strict=True):
        x, y = row[0].x, row[0].top + 0.7 * em
        canvas.sign([x + 0.4 * em], y, color=own.style.color, marker=own.style.marker)
        label = _legible(canvas, own.style.label, ends_at(row[-1]) - x - 1.1 * em)
        canvas.text(x + 1.1 * em, y, label, va="center_baseline")
        for place in row:
            canvas.frame(place)
    scale = panel.rows[0].images[-1]
    draw_caption(canvas, panel.caption, box, ends(scale.limits, em), color_scale(theme, scale.colors))
    return Viewport(canvas, box, axes)


def _legible(canvas: Canvas, words: str, room: float) -> str:
    """Words cut to a width in pixels, or none where so little is left that they might be any."""
    cut = canvas.shortened(words, 1.0, room, middle=True)
    return cut if cut == words or len(cut) > FEW else ""


def tile_places(panel: ImageGrid, box: Box, em: float) -> tuple[list[list[Box]], Box | None]:
    """Return where the pictures of a panel stand, a list an optimizer, on whole pixels; and where their image stands.

    They stand in rows under each other, as many beside each other as makes them largest.
    """
    shared = panel.image is not None
    count = len(panel.rows) + shared
    tried = [_tiles_in(panel, box, em, across) for across in range(1, count + 1)]
    units = max(tried, key=lambda units: units[0][0].height)
    return units[shared:], units[0][0] if shared else None


def tiles_high(panel: ImageGrid, width: float, em: float) -> float:
    """Return how high a panel of tiles is at most in a column of a width, both in pixels."""
    across = min(max(BESIDE // len(panel.rows[0].images), 1), len(panel.rows) + (panel.image is not None))
    # Lest a rounded pixel makes all pictures a size smaller.
    return 1.0 - _tiles_in(panel, Box(0.0, 0.0, width, math.inf), em, across)[-1][0].y


def _tiles_in(panel: ImageGrid, box: Box, em: float, across: int) -> list[list[Box]]:
    """Where the image and the pictures of each optimizer stand, so many optimizers beside each other."""
    films = len(panel.rows[0].images)
    count = len(panel.rows) + (panel.image is not None)
    down, (tall, wide) = -(-count // across), panel.rows[0].images[0].pictures.shape[1:]
    gap = GAP * em
    room = (
        (box.height - down * HEADS * em - (down - 1) * gap) / down,
        (box.width - (across - 1) * APART * em - across * (films - 1) * gap) / (across * films),
    )
    cell = max(min(room[0] / tall, room[1] / wide), 1e-3)
    # Cells of as many pixels each, where that takes little.
    cell = int(cell) if int(cell) > EVEN * cell else cell
    height, width = max(int(cell * tall), 1), max(int(cell * wide), 1)
    top = 0.0 if math.isinf(box.height) else box.top
    unit = films * width + (films - 1) * gap
    # Room that is left over goes to the names.
    apart = APART * em + min(max((box.width - across * unit) / across - APART * em, 0.0), SPREAD * em)
    pitch = (unit + apart, height + HEADS * em + gap)
    return [
        [
            Box(
                round(box.x + index % across * pitch[0] + film * (width + gap)),
                round(top - index // across * pitch[1] - HEADS * em - height),
                width,
                height,
            )
            for film in range(films)
        ]
        for index in range(count)
    ]


def rows_of_tiles(panel: ImageGrid) -> int:
    """Return in how many rows the pictures stand where there is room."""
    return -(-(len(panel.rows) + (panel.image is not None)) * len(panel.rows[0].images) // BESIDE)


def least_of_tiles(panel: ImageGrid) -> float:
    """Return how many ems a panel of tiles is high at least."""
    # Where there is little room more of them stand beside each other.
    return (HEADS + SMALLEST + GAP) * min(rows_of_tiles(panel), 2)
