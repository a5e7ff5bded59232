"""Views of images that optimizers change, one image per view."""

from __future__ import annotations

from typing import cast

from gdsim.render.canvas import Canvas
from gdsim.render.display_list import Moment, Primitive, Viewport
from gdsim.render.images import image_frames
from gdsim.render.layout import Box
from gdsim.render.views import ViewRenderer
from gdsim.scene.model import Facet
from gdsim.scene.views.image import ImageSequence


class _ImageRenderer(ViewRenderer):
    """Draws an image at the top of its box, with a whole number of pixels per cell if there is room.

    An image view has no axes, arrows or paths; only the image itself changes.
    """

    def aspect(self, facet: Facet) -> float | None:
        width, height = facet.limits[:, 1] - facet.limits[:, 0]
        return float(width / height)

    def draw(self, canvas: Canvas, facet: Facet, box: Box, outer: tuple[bool, bool]) -> Viewport:
        rows, columns = cast("ImageSequence", facet.model).pictures.shape[1:]
        cell = min(box.width / columns, box.height / rows)
        cell = int(cell) if cell >= 1 else cell
        width, height = int(cell * columns), int(cell * rows)
        inner = Box(round(box.x + (box.width - width) / 2), round(box.top - height), width, height)
        canvas.frame(inner)
        axes = canvas.axes(inner, "none")
        axes.set(xlim=facet.limits[0], ylim=facet.limits[1])
        axes.set_axis_off()
        return Viewport(canvas, inner, axes)

    def primitives(self, facet: Facet, viewport: Viewport, moment: Moment) -> tuple[Primitive, ...]:
        return (image_frames(viewport.canvas, cast("ImageSequence", facet.model), viewport.box, facet.style),)


RENDERER = _ImageRenderer()
