"""The step counter: words that stand still, and a number whose digits are drawn once and then copied."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.colors import to_rgba

from gdsim.render.canvas import DPI, Canvas
from gdsim.render.layout import Box
from gdsim.scene import Scene

__all__ = ["Counter"]


class Counter:
    """The step counter. Making it writes the words that do not change into the figure.

    It stands on the bare page, so a digit is a small opaque picture: laying out type anew for each frame would
    cost more than drawing the paths. Where the page is see-through it stands on a card: formats that keep what did not
    change can do so only where what does is opaque.

    Args:
        scene: Gives the number of steps.
        canvas: Gives the place.

    Attributes:
        places: How many digits the number may have.
        pitch: From one digit to the next, in pixels.
        left: Where the first place begins, in pixels.
        rows: The rows of the picture that the digits take.
    """

    def __init__(self, scene: Scene, canvas: Canvas) -> None:
        self._size, self._page = canvas.size, canvas.theme.page
        self.places = len(str(scene.steps))
        self.pitch = canvas.width_of("00", 1.0) - canvas.width_of("0", 1.0)
        right, base = canvas.layout.counter
        total = f"/ {scene.steps}"
        words: dict[str, Any] = {"color": canvas.theme.quiet, "va": "baseline"}
        canvas.text(right, base, total, ha="right", **words)
        self.left = round(right - canvas.width_of(total, 1.0) - (self.places + 0.6) * self.pitch)
        begin = self.left - 0.5 * self.pitch
        canvas.text(begin, base, "step", ha="right", **words)
        self._number = canvas.text(self.left, base, "", loose=True, ha="left", **words)
        bottom, top = round(base - 0.4 * canvas.em), round(base + 1.1 * canvas.em)
        self.rows = slice(scene.size[1] - top, scene.size[1] - bottom)
        begin -= canvas.width_of("step", 1.0) + 0.4 * canvas.em
        canvas.card(Box(begin, bottom, right + 0.4 * canvas.em - begin, top - bottom))
        self._digits: list[npt.NDArray[np.uint8]] = []

    def draw(self, renderer: RendererBase, time: float) -> None:
        """Draw the number as type, on any backend."""
        number = str(int(time))
        self._number.set_text(number)
        self._number.set_x((self.left + (self.places - len(number)) * self.pitch) / self._size[0])
        self._number.draw(renderer)

    def stamp(self, frame: npt.NDArray[np.uint8], time: float) -> None:
        """Copy the number's digits onto a frame, (H, W, 3 or 4), which has the page's colour or a number there."""
        if not self._digits:
            self._digits = self._draw_digits()
        number, channels = str(int(time)).rjust(self.places), frame.shape[-1]
        for place, digit in enumerate(number):
            columns = slice(*(self.left + round((place + end) * self.pitch) for end in (0, 1)))
            if digit == " ":
                frame[self.rows, columns] = self._blank[:channels]
            else:
                own = slice(columns.start - self.left, columns.stop - self.left)
                frame[self.rows, columns] = self._digits[int(digit)][:, own, :channels]

    @property
    def _blank(self) -> list[int]:
        return [round(255 * part) for part in to_rgba(self._page)]

    def _draw_digits(self) -> list[npt.NDArray[np.uint8]]:
        """Each digit in every place, (rows, columns, 4), on the bare page."""
        renderer = RendererAgg(*self._size, DPI)
        pixels = np.asarray(renderer.buffer_rgba())
        columns = slice(self.left, self.left + round(self.places * self.pitch))
        digits = []
        for digit in "0123456789":
            pixels[...] = self._blank
            self._number.set_text(digit * self.places)
            self._number.set_x(self.left / self._size[0])
            self._number.draw(renderer)
            digits.append(pixels[self.rows, columns].copy())
        return digits
