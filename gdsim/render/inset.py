"""The inset of a view whose paths are small: the same view again, magnified, in a corner that is free."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from gdsim.objectives import FloatArray
from gdsim.render.annotations import AROUND
from gdsim.render.display_list import START, Viewport
from gdsim.render.heads import LONGEST
from gdsim.render.layout import Box
from gdsim.render.views import view_renderer
from gdsim.scene.model import Facet
from gdsim.scene.views.contour import INSET, scale_of

SMALLEST_VIEW = 400  # pixels of the shorter side of a view from which it has an inset

# Lengths in ems.
EDGE, CAPTION = 0.6, 1.5  # the distance from the corner, and the height of the text above or below
FREE, HALF = 0.5, 0.6  # the distance from everything that the inset must not cover, and half the size of a minimum


def draw_inset(facet: Facet, viewport: Viewport, taken: Iterable[FloatArray]) -> Viewport | None:
    """Draw the static parts of a view's inset with its scale, and a frame around the place that it magnifies.

    Return the inset's viewport; None if the view has no inset or no free corner for it. `taken` are two opposite
    corners, (2, 2), of what else the inset must not cover.
    """
    canvas, box, em = viewport.canvas, viewport.box, viewport.canvas.em
    if facet.inset is None or min(box.width, box.height) < SMALLEST_VIEW:
        return None
    source = viewport.pixels(facet.inset.limits.T, START)
    spots = np.array([*facet.minima, *(mark.point for mark in facet.marks)]).reshape(-1, 2)
    around = [spot + (FREE + HALF) * em * AROUND for spot in viewport.pixels(spots, START)]
    reach = (LONGEST if canvas.scene.vectors else FREE) * em
    place = _free_corner(box, em, np.array([source + reach * AROUND, *around, *taken]))
    if place is None:
        return None
    inset, below = place
    canvas.outline(Box(*source[0].tolist(), *(source[1] - source[0]).tolist()))
    shown = view_renderer(facet.model.kind).draw(canvas, facet.inset, inset, (False, False))
    shown.axes.set(xticks=[], yticks=[])
    canvas.outline(inset)
    y = inset.y - 1.15 * em if below else inset.top + 0.4 * em
    canvas.text(inset.x, y, f"{scale_of(facet):.3g} ×", casing=canvas.theme.casing, va="baseline")
    return shown


def _free_corner(box: Box, em: float, taken: FloatArray) -> tuple[Box, bool] | None:
    """Return the inset in the corner of a view that is farthest from boxes, (n, 2, 2), and whether its text is below.

    None if it would cover one of the boxes in every corner.
    """
    wide, high, edge = round(INSET * box.width), round(INSET * box.height), round(EDGE * em)
    found = []
    for left in (box.x + edge, box.right - edge - wide):
        for y, below in ((box.y + edge, False), (box.top - edge - high, True)):
            low = np.array([left, y - below * CAPTION * em])
            top = low + np.array([wide, high + CAPTION * em])
            gaps = np.maximum(taken[:, 0] - top, low - taken[:, 1])
            found.append((float(gaps.max(-1).min()), Box(left, y, wide, high), below))
    gap, inset, below = max(found, key=lambda each: each[0])
    return (inset, below) if gap > 0 else None
