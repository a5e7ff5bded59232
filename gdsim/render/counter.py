"""The step counter: static text, and a number whose digits are drawn once and then copied."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.colors import to_rgba

from gdsim.render.canvas import DPI, Canvas
from gdsim.render.layout import Box


class Counter:
    """The step counter; creating it adds its static text to the figure.

    Digits are small opaque images, because laying out text in each frame would cost more than drawing the paths. On a
    transparent page they are on a card, because some formats store only what changed, which must then be opaque.

    Attributes:
        places: The maximum number of digits.
        pitch: The distance from one digit to the next, in pixels.
        left: The left edge of the first digit, in pixels.
        rows: The rows of the picture that contain the digits.
    """

    def __init__(self, canvas: Canvas) -> None:
        self._size, em, steps = canvas.size, canvas.em, canvas.scene.steps
        self._page = np.array([round(255 * part) for part in to_rgba(canvas.theme.page)], np.uint8)
        self.places = len(str(steps))
        self.pitch = canvas.width_of("00", 1.0) - canvas.width_of("0", 1.0)
        right, base = canvas.layout.counter
        total = f"/ {steps}"
        look: dict[str, Any] = {"color": canvas.theme.quiet, "va": "baseline"}
        canvas.text(right, base, total, ha="right", **look)
        self.left = round(right - canvas.width_of(total, 1.0) - (self.places + 0.6) * self.pitch)
        begin = self.left - 0.5 * self.pitch
        canvas.text(begin, base, "step", ha="right", **look)
        self._number = canvas.text(self.left, base, "", loose=True, ha="left", **look)
        bottom, top = round(base - 0.4 * em), round(base + 1.1 * em)
        self.rows = slice(self._size[1] - top, self._size[1] - bottom)
        begin -= canvas.width_of("step", 1.0) + 0.4 * em
        canvas.card(Box(begin, bottom, right + 0.4 * em - begin, top - bottom))

    def draw(self, renderer: RendererBase, time: float) -> None:
        """Draw the number as text on any renderer."""
        number = str(int(time))
        self._number.set_text(number)
        self._number.set_x((self.left + (self.places - len(number)) * self.pitch) / self._size[0])
        self._number.draw(renderer)

    def stamp(self, frame: npt.NDArray[np.uint8], time: float) -> None:
        """Copy the number's digits onto a frame, (H, W, 3 or 4), over the page's color or the previous number."""
        for place, digit in enumerate(str(int(time)).rjust(self.places)):
            begin, end = (round((place + edge) * self.pitch) for edge in (0, 1))
            area = (self.rows, slice(self.left + begin, self.left + end))
            frame[area] = (self._page if digit == " " else self._digits[int(digit)][:, begin:end])[
                ..., : frame.shape[-1]
            ]

    @cached_property
    def _digits(self) -> list[npt.NDArray[np.uint8]]:
        """The image of each digit at every place, (rows, columns, 4), on the page's color."""
        renderer = RendererAgg(*self._size, DPI)
        pixels = np.asarray(renderer.buffer_rgba())
        columns = slice(self.left, self.left + round(self.places * self.pitch))
        digits = []
        for digit in "0123456789":
            pixels[...] = self._page
            self._number.set_text(digit * self.places)
            self._number.set_x(self.left / self._size[0])
            self._number.draw(renderer)
            digits.append(pixels[self.rows, columns].copy())
        return digits
