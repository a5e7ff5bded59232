"""Values over the steps: the axes, and a fan of curves for each optimizer."""

from __future__ import annotations

from typing import cast

from gdsim.render.axes import draw_scaled_axes, longest_label
from gdsim.render.canvas import Canvas, points
from gdsim.render.display_list import Moment, Primitive, Viewport
from gdsim.render.fans import draw_fans, fan_primitives
from gdsim.render.layout import Box
from gdsim.render.views import ViewRenderer
from gdsim.scene.model import Facet
from gdsim.scene.sweep_values import ValuesModel


class _ValuesRenderer(ViewRenderer):
    """Draws values as curves; the limits of the steps leave room for the heads at both ends."""

    def digits(self, facet: Facet) -> int:
        return longest_label(_model(facet).axes[1], facet.limits[1])

    def draw(self, canvas: Canvas, facet: Facet, box: Box, outer: tuple[bool, bool]) -> Viewport:
        axes = canvas.axes(box, canvas.theme.panel)
        draw_scaled_axes(canvas, axes, facet, _model(facet).axes, box, outer)
        axes.grid(axis="y", color=canvas.theme.grid, linewidth=points(0.05 * canvas.line))
        axes.set_axisbelow(True)
        viewport = Viewport(canvas, box, axes)
        draw_fans(facet, viewport)
        return viewport

    def primitives(self, facet: Facet, viewport: Viewport, moment: Moment) -> tuple[Primitive, ...]:
        return tuple(fan_primitives(facet, viewport))


RENDERER = _ValuesRenderer()


def _model(facet: Facet) -> ValuesModel:
    return cast("ValuesModel", facet.model)
