"""Color scales of images and heat maps: their colors, and captions that show them."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from matplotlib.colors import to_rgb

from gdsim.objectives import FloatArray
from gdsim.render.canvas import Canvas
from gdsim.render.layout import Box
from gdsim.scene import number, power
from gdsim.themes import Theme, mix

ColorKind: TypeAlias = Literal["gray", "signed", "unsigned", "heat"]

COUNTS: dict[ColorKind, int] = {"gray": 17, "signed": 21, "unsigned": 17, "heat": 20}
"""The number of colors of each scale: enough to read it, and few enough that a GIF keeps all of them."""

DEEP = 0.55  # the share of the text color in the dark colors of a scale, and of the panel's color in the pale ones
SMALLEST_EXPONENT = 11.0  # the font size in pixels from which superscript exponents are legible
SHORTEST, LONGEST = 3.0, 4.5  # the minimum and maximum length of a scale in a caption, in ems


def color_scale(theme: Theme, kind: ColorKind, count: int = 0) -> npt.NDArray[np.uint8]:
    """Return the colors of a scale from its lowest to its highest value, (n, 3): `count`, or few enough for a GIF.

    A signed scale has two hues around the panel's color, which no path has and which color-blind readers can
    distinguish; an unsigned scale has the hue of the positive values.
    """
    if kind == "gray":
        ends: tuple[str, ...] = ("#000000", "#ffffff")
    elif kind == "heat":
        low, *_, high = theme.field
        deep, deepest = mix(theme.level_line, theme.text, DEEP), mix(theme.text, theme.level_line, 0.2)
        ends = (mix(low, theme.panel, 0.3), high, deep, deepest)
    else:
        below, above = (
            (mix(hue, theme.text, DEEP), hue, mix(hue, theme.panel, DEEP)) for hue in (theme.falling, theme.rising)
        )
        ends = (*below, theme.panel, *above[::-1]) if kind == "signed" else (theme.panel, *above[::-1])
    # `ramp` has 256 colors, of which none need be exactly the middle one.
    given = np.array([to_rgb(end) for end in ends])
    places = np.linspace(0, len(given) - 1, count or COUNTS[kind])
    channels = [np.interp(places, np.arange(len(given)), channel) for channel in given.T]
    return np.asarray(np.rint(255 * np.stack(channels, -1)), np.uint8)


def color_indices(
    values: FloatArray, limits: FloatArray, count: int, *, logarithmic: bool = False
) -> npt.NDArray[np.uint8]:
    """Return the color indices of values, clipped to the limits, (2,), and `count` for NaN."""
    low, high = np.log(limits) if logarithmic else limits
    with np.errstate(divide="ignore", invalid="ignore"):
        places = np.log(np.maximum(values, 0.0)) if logarithmic else values
        shares = np.clip((places - low) / (high - low), 0.0, 1.0)
    return np.where(np.isnan(shares), count, np.nan_to_num(shares) * (count - 1) + 0.5).astype(np.uint8)


def draw_scaled_caption(canvas: Canvas, caption: str, box: Box, limits: FloatArray, kind: ColorKind) -> None:
    """Write a caption above a box, and to its right a color scale between its limits."""
    em, y, quiet, (low, high) = canvas.em, box.top + 0.55 * canvas.em, canvas.theme.quiet, _ends(limits, canvas.em)
    before, after = canvas.width_of(low, 1.0), canvas.width_of(high, 1.0)
    free = box.width - (before + after + 0.7 * em) - 1.0 * em
    if free - canvas.width_of(caption, 1.0) < SHORTEST * em:
        # If there is little room, only the quantity is named, without its qualifiers.
        caption = caption.partition(" by ")[0].partition(", ")[0]
    long = min(max(free - canvas.width_of(caption, 1.0), 0.6 * SHORTEST * em), LONGEST * em)
    canvas.text(box.right, y, high, color=quiet, ha="right", va="baseline")
    bar = Box(round(box.right - after - 0.35 * em - long), round(y), round(long), round(0.7 * em))
    canvas.swatches(bar, color_scale(canvas.theme, kind))
    canvas.text(bar.x - 0.35 * em, y, low, color=quiet, ha="right", va="baseline")
    room = bar.x - 0.8 * em - before - box.x
    canvas.text(box.x, y, canvas.shortened(caption, 1.0, room), color=quiet, ha="left", va="baseline")


def draw_color_bar(canvas: Canvas, box: Box, limits: FloatArray, kind: ColorKind) -> None:
    """Draw a color scale into a box, and its limits below it, or only one if there is no room for two."""
    canvas.swatches(box, color_scale(canvas.theme, kind, 128))
    low, high = (number(float(limit), 2) for limit in limits)
    y, color = box.y - 0.3 * canvas.em, canvas.theme.quiet
    if canvas.width_of(low, 1.0) + canvas.width_of(high, 1.0) + 0.5 * canvas.em <= box.width:
        canvas.text(box.x, y, low, color=color, ha="left", va="top")
    elif limits[0] < 0:
        high = f"±{high}"
    canvas.text(box.right, y, high, color=color, ha="right", va="top")


def _ends(limits: FloatArray, em: float) -> tuple[str, str]:
    """Return the limits of a scale as text: both as powers of ten if one of them is written that way."""
    low, high = (float(limit) for limit in limits)
    if low == -high:
        return "", f"±{number(high, 2)}"
    words = number(low, 2), number(high, 2)
    powers = np.log10([low, high]) if low > 0 else np.full(2, np.nan)
    if any(each.startswith("10") and len(each) > 2 for each in words) and (powers == np.round(powers)).all():
        low_power, high_power = (
            power(int(each)) if em >= SMALLEST_EXPONENT else f"1e{int(each)}".replace("-", "−") for each in powers
        )
        return low_power, high_power
    return words
