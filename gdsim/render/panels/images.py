"""Panels of small images, beside and under each other, as large as fits."""

from __future__ import annotations

import math

from gdsim.render.canvas import Canvas
from gdsim.render.color_scales import draw_scaled_caption
from gdsim.render.display_list import Primitive
from gdsim.render.image_layers import image_frames
from gdsim.render.layout import Box, PanelRequest
from gdsim.render.panels import PanelRenderer
from gdsim.render.viewport import Viewport
from gdsim.scene import ImageGrid

__all__ = ["RENDERER", "image_boxes"]

NAME, GAP, APART, SPREAD = 1.6, 0.45, 0.8, 3.0
"""The height of a name, the gap between two images, the gap between two optimizers, and how much this one grows where
there is room, in ems."""

BESIDE = 3
"""The number of images beside each other where they have all the height that they want."""

SMALLEST = 2.1
"""The smallest height of an image, in ems."""

EVEN = 0.88
"""Images may shrink to this share of their size so that all cells have the same number of pixels."""


class _ImagesRenderer(PanelRenderer):
    def request(self, panel: ImageGrid, em: float) -> PanelRequest:
        count = len(panel.rows) + (panel.image is not None)
        rows = -(-count * len(panel.rows[0].images) // BESIDE)
        across = min(max(BESIDE // len(panel.rows[0].images), 1), count)

        def max_height(width: float) -> float:
            # One more than needed, because a rounded pixel must not make all images a size smaller.
            return 1.0 - _boxes(panel, Box(0.0, 0.0, width, math.inf), em, across)[-1][0].y

        return PanelRequest(
            digits=0,
            weight=min(0.5 + 0.5 * rows, 2.2),
            # Where there is little room more of them are beside each other.
            min_height=max((NAME + SMALLEST + GAP) * min(rows, 2), PanelRequest.min_height),
            max_height=max_height,
            has_axis=False,
            stretches=False,
        )

    def draw(self, canvas: Canvas, panel: ImageGrid, box: Box, *, numbered: bool) -> Viewport:
        em, theme = canvas.em, canvas.theme
        axes = canvas.axes(box, "none")
        axes.set(xlim=(0, box.width), ylim=(0, box.height))
        axes.set_axis_off()
        rows, shared = image_boxes(panel, box, em)
        begins = {row[0].x for row in rows}

        def room(x: float, last: Box) -> float:
            """The width of a name that begins at x, up to the next one."""
            return min((begin - 0.3 * em for begin in begins if begin > last.x), default=box.right + 0.8 * em) - x

        if shared is not None:
            words = _legible(canvas, panel.heading, room(shared.x, shared))
            canvas.text(shared.x, shared.top + 0.7 * em, words, color=theme.quiet, va="center_baseline")
            canvas.frame(shared)
        for row, boxes in zip(panel.rows, rows, strict=True):
            x, y = boxes[0].x, boxes[0].top + 0.7 * em
            canvas.sign([x + 0.4 * em], y, color=row.style.color, marker=row.style.marker)
            label = _legible(canvas, row.style.label, room(x + 1.1 * em, boxes[-1]))
            canvas.text(x + 1.1 * em, y, label, va="center_baseline")
            for own in boxes:
                canvas.frame(own)
        scale = panel.rows[0].images[-1]
        draw_scaled_caption(canvas, panel.caption, box, scale.limits, scale.colors)
        return Viewport(canvas, box, axes)

    def primitives(self, canvas: Canvas, panel: ImageGrid, viewport: Viewport) -> tuple[Primitive, ...]:
        rows, shared = image_boxes(panel, viewport.box, canvas.em)
        images = [
            image_frames(canvas, images, box, row.style)
            for row, boxes in zip(panel.rows, rows, strict=True)
            for images, box in zip(row.images, boxes, strict=True)
        ]
        if panel.image is not None and shared is not None:
            images.append(image_frames(canvas, panel.image, shared, None))
        return tuple(images)


RENDERER = _ImagesRenderer()


def _legible(canvas: Canvas, words: str, room: float) -> str:
    """Words cut to a width in pixels; nothing if four characters or fewer are left of them."""
    cut = canvas.shortened(words, 1.0, room, middle=True)
    return cut if cut == words or len(cut) > 4 else ""


def image_boxes(panel: ImageGrid, box: Box, em: float) -> tuple[list[list[Box]], Box | None]:
    """Return where the images of a panel are, one list per optimizer, on whole pixels; and where the shared one is.

    As many optimizers are beside each other as make the images largest.
    """
    shared = panel.image is not None
    tried = [_boxes(panel, box, em, across) for across in range(1, len(panel.rows) + shared + 1)]
    boxes = max(tried, key=lambda boxes: boxes[0][0].height)
    return boxes[shared:], boxes[0][0] if shared else None


def _boxes(panel: ImageGrid, box: Box, em: float, across: int) -> list[list[Box]]:
    """Where the shared image and the images of each optimizer are, `across` optimizers beside each other."""
    images, count = len(panel.rows[0].images), len(panel.rows) + (panel.image is not None)
    down, (rows, columns), gap = -(-count // across), panel.rows[0].images[0].pictures.shape[1:], GAP * em
    tall = (box.height - down * NAME * em - (down - 1) * gap) / down
    wide = (box.width - (across - 1) * APART * em - across * (images - 1) * gap) / (across * images)
    cell = max(min(tall / rows, wide / columns), 1e-3)
    cell = int(cell) if int(cell) > EVEN * cell else cell
    height, width = max(int(cell * rows), 1), max(int(cell * columns), 1)
    unit = images * width + (images - 1) * gap
    # The room that is left goes to the names.
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
