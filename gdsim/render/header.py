"""The header of a picture: the title, the subtitle under it, and the step counter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.backend_bases import RendererBase

from gdsim.render.canvas import LABEL, SMALL, TITLES, Canvas, rgba
from gdsim.render.layout import Box
from gdsim.scene.model import Scene

SEPARATOR = "  ·  "  # between the parts of a subtitle


def draw_header(canvas: Canvas) -> float:
    """Write the title, and under it what the title does not say: the function, its formula and a note.

    If there is little room, the title is smaller, then a shorter one is used. The formula is smaller, then on a line of
    its own, then left out.

    Returns:
        The right end of the subtitle, in pixels.
    """
    scene, box, below = canvas.scene, canvas.layout.title, canvas.layout.subtitle
    said, formula = scene.title == scene.subject, scene.formula
    size = _formula_size(canvas, formula, box, box.width, TITLES) if said and scene.formula_is_subject else 0.0
    if size and formula:
        canvas.text(box.x, box.y, f"${formula}$", size=size, parse_math=True, va="baseline")
        formula = ""
    elif scene.title:
        _draw_title(canvas, box)
    if canvas.layout.formula is not None:
        _draw_subtitle(canvas, "", formula, "", canvas.layout.formula)
        said, formula = said or scene.formula_is_subject, ""
    choices = _subtitles("" if said else scene.subject, formula, scene)
    drawn, end = ("", "", ""), box.x
    if below is not None:
        fitting = ((each, right) for each in choices if (right := _draw_subtitle(canvas, *each, below)))
        drawn, end = next(fitting, (drawn, end))
    if drawn[1] != formula:
        canvas.left_out.append("The formula has no room under the title at this size.")
    return end


def formula_needs_line(canvas: Canvas) -> bool:
    """Return whether the formula fits on a line of its own, but not into the subtitle, by drawing on a canvas."""
    draw_header(canvas)
    line = canvas.layout.title
    return bool(canvas.left_out and _formula_size(canvas, canvas.scene.formula, line, line.width, (LABEL, SMALL)))


def _draw_title(canvas: Canvas, box: Box) -> None:
    scene = canvas.scene
    choices = [(words, size) for words in (scene.title, *scene.short_titles) for size in TITLES]
    fitting = (each for each in choices if canvas.width_of(*each, bold=True) <= box.width)
    words, size = next(fitting, choices[-1])
    words = canvas.shortened(words, size, box.width, bold=True)
    canvas.text(box.x, box.y, words, size=size, fontweight="bold", va="baseline")


def _subtitles(subject: str, formula: str, scene: Scene) -> Iterator[tuple[str, str, str]]:
    """Yield combinations of the function's name, its formula and a note, the most complete first."""
    notes = scene.notes or ("",)
    if formula:
        yield from (("" if scene.formula_is_subject else subject, formula, note) for note in notes)
    yield from ((subject, "", note) for note in notes)
    yield from (("", "", note) for note in notes)


def _draw_subtitle(canvas: Canvas, subject: str, formula: str, note: str, box: Box) -> float:
    """Write the parts of a subtitle if they fit, and return their right end; 0 if they do not fit."""
    widths = {part: canvas.width_of(part, 1.0) for part in (subject, note, SEPARATOR) if part}
    dots = max(sum(map(bool, (subject, formula, note))) - 1, 0)
    room = box.width - sum(widths.values()) - (dots - 1) * widths[SEPARATOR]
    size = _formula_size(canvas, formula, box, room, (LABEL, SMALL))
    if room < 0 or not size:
        return 0.0
    widths[formula] = canvas.extent_of(f"${formula}$", size, math=True)[0] if formula else 0.0
    look: dict[str, Any] = {"color": canvas.theme.quiet, "va": "baseline"}
    x = box.x
    for part in filter(None, (subject, formula, note)):
        if x > box.x:
            canvas.text(x, box.y, SEPARATOR, **look)
            x += widths[SEPARATOR]
        if part == formula:
            canvas.text(x, box.y, f"${formula}$", size=size, parse_math=True, **look)
        else:
            canvas.text(x, box.y, part, **look)
        x += widths[part]
    return x


def _formula_size(canvas: Canvas, formula: str, box: Box, room: float, sizes: Sequence[float]) -> float:
    """Return the largest size in ems at which a formula fits into `room` pixels on a line; 0 if none does."""
    if not formula:
        return 1.0
    for size in sizes:
        try:
            width, above, below = canvas.extent_of(f"${formula}$", size, math=True)
        except ValueError:  # matplotlib cannot typeset it
            return 0.0
        # Roots and fractions can make a formula too high for the line.
        if width <= room and above <= box.height and below <= 1.1 * canvas.em:
            return size
    return 0.0


class Reading:
    """The reading of a scene at the place of the step counter, with the counter's methods."""

    def __init__(self, canvas: Canvas) -> None:
        self._canvas, self._readings, em = canvas, canvas.scene.readings, canvas.em
        right, base = canvas.layout.counter
        self._text = canvas.text(right, base, "", color=canvas.theme.text, loose=True, ha="right", va="baseline")
        left = right - max(canvas.width_of(each, 1.0) for each in self._readings) - 0.4 * em
        box = Box(left, base - 0.4 * em, right + 0.4 * em - left, 1.5 * em)
        self._area = (
            slice(canvas.size[1] - round(box.top), canvas.size[1] - round(box.y)),
            slice(round(box.x), round(box.right)),
        )
        canvas.card(box)

    def draw(self, renderer: RendererBase, time: float) -> None:
        """Draw the reading as text on any renderer."""
        self._text.set_text(self._readings[int(time)])
        self._text.draw(renderer)

    def stamp(self, frame: npt.NDArray[np.uint8], time: float) -> None:
        """Draw the reading onto a frame, (H, W, 3 or 4), over the page's color."""
        (pixels,) = self._canvas.drawn([partial(self.draw, time=time)], self._area)
        frame[self._area] = pixels[..., : frame.shape[-1]]


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
        self._canvas, self._page = canvas, rgba(canvas.theme.page)[0]
        em, total = canvas.em, f"/ {canvas.scene.steps}"
        self.places = len(str(canvas.scene.steps))
        self.pitch = canvas.width_of("00", 1.0) - canvas.width_of("0", 1.0)
        right, base = canvas.layout.counter
        look: dict[str, Any] = {"color": canvas.theme.quiet, "va": "baseline"}
        canvas.text(right, base, total, ha="right", **look)
        self.left = round(right - canvas.width_of(total, 1.0) - (self.places + 0.6) * self.pitch)
        begin = self.left - 0.5 * self.pitch
        word = canvas.scene.say("step")
        canvas.text(begin, base, word, ha="right", **look)
        self._number = canvas.text(self.left, base, "", loose=True, ha="left", **look)
        bottom, top = round(base - 0.4 * em), round(base + 1.1 * em)
        self.rows = slice(canvas.size[1] - top, canvas.size[1] - bottom)
        begin -= canvas.width_of(word, 1.0) + 0.4 * em
        canvas.card(Box(begin, bottom, right + 0.4 * em - begin, top - bottom))

    def draw(self, renderer: RendererBase, time: float) -> None:
        """Draw the number as text on any renderer."""
        self._draw_text(renderer, str(int(time)).rjust(self.places))

    def _draw_text(self, renderer: RendererBase, text: str) -> None:
        number = text.lstrip()
        self._number.set_text(number)
        self._number.set_x((self.left + (len(text) - len(number)) * self.pitch) / self._canvas.size[0])
        self._number.draw(renderer)

    def stamp(self, frame: npt.NDArray[np.uint8], time: float) -> None:
        """Copy the number's digits onto a frame, (H, W, 3 or 4), over the page's color or the previous number."""
        for place, digit in enumerate(str(int(time)).rjust(self.places)):
            begin, end = (round((place + edge) * self.pitch) for edge in (0, 1))
            area = (self.rows, slice(self.left + begin, self.left + end))
            pixels = self._page if digit == " " else self._digits[int(digit)][:, begin:end]
            frame[area] = pixels[..., : frame.shape[-1]]

    @cached_property
    def _digits(self) -> list[npt.NDArray[np.uint8]]:
        """The image of each digit at every place, (rows, columns, 4), on the page's color."""
        columns = slice(self.left, self.left + round(self.places * self.pitch))
        paints = [partial(self._draw_text, text=digit * self.places) for digit in "0123456789"]
        return self._canvas.drawn(paints, (self.rows, columns))
