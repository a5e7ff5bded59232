"""Captions with a scale: the colours of a heat map or of pictures, between the numbers of their ends."""

from __future__ import annotations

import numpy as np

from gdsim.objectives import FloatArray
from gdsim.render.canvas import Canvas
from gdsim.render.display_list import Pixels
from gdsim.render.layout import Box
from gdsim.scene import number, power

__all__ = ["draw_caption", "ends"]

RAISED = 11.0
"""From how many pixels an em on a raised exponent is read."""

LENGTH = (3.0, 4.5)
"""How long a scale is at least and at most, in ems."""


def ends(limits: FloatArray, em: float) -> tuple[str, str]:
    """Return the words at the ends of a scale of colours: both powers of ten where one of them is written so."""
    low, high = (float(limit) for limit in limits)
    if low == -high:
        return "", f"±{number(high, 2)}"
    words = number(low, 2), number(high, 2)
    powers = np.log10([low, high]) if low > 0 else np.full(2, np.nan)
    if any(each.startswith("10") and len(each) > 2 for each in words) and (powers == np.round(powers)).all():
        written = power if em >= RAISED else _flat_power
        return written(int(powers[0])), written(int(powers[1]))
    return words


def _flat_power(exponent: int) -> str:
    return f"1e{exponent}".replace("-", "−")


def draw_caption(canvas: Canvas, caption: str, box: Box, ends: tuple[str, str], colors: Pixels) -> None:
    """Write a caption, and at its right the colours between the numbers of their ends."""
    em, y, quiet, (low, high) = canvas.em, box.top + 0.55 * canvas.em, canvas.theme.quiet, ends
    numbers = canvas.width_of(low, 1.0) + canvas.width_of(high, 1.0) + 0.7 * em
    free = box.width - numbers - 1.0 * em
    if free - canvas.width_of(caption, 1.0) < LENGTH[0] * em:
        # What is measured is worth more than by what.
        caption = caption.partition(" by ")[0].partition(", ")[0]
    long = min(max(free - canvas.width_of(caption, 1.0), 0.6 * LENGTH[0] * em), LENGTH[1] * em)
    canvas.text(box.right, y, high, color=quiet, ha="right", va="baseline")
    bar = Box(round(box.right - canvas.width_of(high, 1.0) - 0.35 * em - long), round(y), round(long), round(0.7 * em))
    canvas.swatches(bar, colors)
    canvas.text(bar.x - 0.35 * em, y, low, color=quiet, ha="right", va="baseline")
    room = bar.x - 0.8 * em - canvas.width_of(low, 1.0) - box.x
    canvas.text(box.x, y, canvas.shortened(caption, 1.0, room), color=quiet, ha="left", va="baseline")
