"""The step counter: words that stand still, and a number whose digits are drawn once and then copied."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.colors import to_rgb

from gdsim.render.still import DPI, Still
from gdsim.scene import Scene

__all__ = ["Counter"]


class Counter:
    """The step counter. Making it writes the words that do not change into the figure.

    It stands on the bare page, so a digit is a small opaque picture: laying out type anew for each frame would
    cost more than drawing the paths.

    Args:
        scene: Gives the number of steps.
        still: Gives the place.
    """

    def __init__(self, scene: Scene, still: Still) -> None:
        self._size, self._page = still.size, still.theme.page
        self._places = len(str(scene.steps))
        self._pitch = still.width_of("00", 1.0) - still.width_of("0", 1.0)
        right, base = still.layout.counter
        total = f"/ {scene.steps}"
        words: dict[str, Any] = {"color": still.theme.quiet, "va": "baseline"}
        still.text(right, base, total, ha="right", **words)
        self._left = round(right - still.width_of(total, 1.0) - (self._places + 0.6) * self._pitch)
        still.text(self._left - 0.5 * self._pitch, base, "step", ha="right", **words)
        self._number = still.text(self._left, base, "", loose=True, ha="left", **words)
        bottom, top = round(base - 0.4 * still.em), round(base + 1.1 * still.em)
        self._rows = slice(scene.size[1] - top, scene.size[1] - bottom)
        self._digits: list[npt.NDArray[np.uint8]] = []

    def draw(self, renderer: RendererBase, time: float) -> None:
        """Draw the number as type, on any backend."""
        number = str(int(time))
        self._number.set_text(number)
        self._number.set_x((self._left + (self._places - len(number)) * self._pitch) / self._size[0])
        self._number.draw(renderer)

    def stamp(self, frame: npt.NDArray[np.uint8], time: float) -> None:
        """Copy the number's digits onto a frame, (H, W, 3), which has the bare page there or an earlier number."""
        if not self._digits:
            self._digits = self._draw_digits()
        number = str(int(time)).rjust(self._places)
        for place, digit in enumerate(number):
            columns = slice(*(self._left + round((place + end) * self._pitch) for end in (0, 1)))
            if digit == " ":
                frame[self._rows, columns] = self._blank
            else:
                own = slice(columns.start - self._left, columns.stop - self._left)
                frame[self._rows, columns] = self._digits[int(digit)][:, own]

    @property
    def _blank(self) -> list[int]:
        return [round(255 * part) for part in to_rgb(self._page)]

    def _draw_digits(self) -> list[npt.NDArray[np.uint8]]:
        """Each digit in every place, (rows, columns, 3), on the bare page."""
        renderer = RendererAgg(*self._size, DPI)
        pixels = np.asarray(renderer.buffer_rgba())
        columns = slice(self._left, self._left + round(self._places * self._pitch))
        digits = []
        for digit in "0123456789":
            pixels[..., :3], pixels[..., 3] = self._blank, 255
            self._number.set_text(digit * self._places)
            self._number.set_x(self._left / self._size[0])
            self._number.draw(renderer)
            digits.append(pixels[self._rows, columns, :3].copy())
        return digits
