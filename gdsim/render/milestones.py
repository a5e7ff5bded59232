"""Short sentences beside the step counter that appear when something happens, and disappear again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.backend_bases import RendererBase
from matplotlib.text import Text

from gdsim.render.canvas import Canvas, rgba

SHOWN = 2.0  # the time in seconds for which a milestone is visible
GAP = 1.6  # between two milestones, in ems


@dataclass(frozen=True, eq=False)
class ShownMilestone:
    """A milestone in its place.

    Attributes:
        begin: The step at which it appears.
        end: The time in steps at which it disappears; the last frame has none, because the title says what happened.
        columns: The columns of the picture that it may cover.
        optimizer: Its index in `Scene.styles`; −1 for all.
    """

    text: Text
    begin: int
    end: float
    columns: slice
    optimizer: int


class Milestones:
    """The milestones of a scene, at most two at once, each in one of two places to the left of the step counter.

    Each is a small image on the page's color, because laying out text in each frame would be slow. Where there is less
    room, there is one place, and the sentences are shorter; a transparent page has none.

    Attributes:
        shown: The milestones that have room, in order of time.
    """

    def __init__(self, canvas: Canvas, left: float) -> None:
        """Lay out the milestones between `left` and the step counter, in pixels."""
        em, (_, base), box = canvas.em, canvas.layout.counter, canvas.layout.subtitle
        self._canvas, self.shown = canvas, list[ShownMilestone]()
        self._rows = slice(canvas.size[1] - round(base + 1.1 * em), canvas.size[1] - round(base - 0.4 * em))
        found = canvas.scene.milestones if box is not None and canvas.page != "none" else ()
        if box is None or not found:
            return
        for places, words in ((2, [each.words for each in found]), (1, [each.short for each in found])):
            pitch = max(canvas.width_of(each, 1.0, bold=True) for each in words) + GAP * em
            if places * pitch <= box.right - left:
                break
        else:
            return
        begins = [*(each.step for each in found), *[np.inf] * places]
        for i, (each, text) in enumerate(zip(found, words, strict=True)):
            right = box.right - (i % places) * pitch
            look: dict[str, Any] = {"color": each.color, "fontweight": "bold", "ha": "right", "va": "baseline"}
            artist = canvas.text(right, base, text, loose=True, **look)
            end = min(_after(canvas, each.step), begins[i + places])
            columns = slice(round(right - pitch + GAP * em / 2), round(right + GAP * em / 2))
            self.shown.append(ShownMilestone(artist, each.step, end, columns, each.optimizer))

    def _at(self, time: float) -> list[int]:
        return [i for i, each in enumerate(self.shown) if each.begin <= time < each.end]

    def draw(self, renderer: RendererBase, time: float) -> None:
        """Draw the visible milestones as text on any renderer."""
        for i in self._at(time):
            self.shown[i].text.draw(renderer)

    def stamp(self, frame: npt.NDArray[np.uint8], time: float) -> None:
        """Copy the visible milestones onto a frame, (H, W, 3), and the page's color over the others."""
        for each in self.shown[:2]:
            frame[self._rows, each.columns] = self._blank[:, : each.columns.stop - each.columns.start]
        for i in self._at(time):
            frame[self._rows, self.shown[i].columns] = self._images[i]

    @cached_property
    def _blank(self) -> npt.NDArray[np.uint8]:
        """An image in the page's color, (rows, columns, 3), which is copied faster than the color is repeated."""
        page, width = rgba(self._canvas.theme.page)[0, :3], self._canvas.size[0]
        return np.tile(page, (self._rows.stop - self._rows.start, width, 1))

    @cached_property
    def _images(self) -> list[npt.NDArray[np.uint8]]:
        """The image of each milestone, (rows, columns, 3)."""
        rows = self._canvas.drawn([each.text.draw for each in self.shown], (self._rows, slice(None)))
        return [pixels[:, each.columns, :3] for pixels, each in zip(rows, self.shown, strict=True)]


def _after(canvas: Canvas, step: int) -> float:
    """Return the time in steps that the animation shows `SHOWN` seconds after a step; at most that of its end."""
    steps = canvas.scene.frame_steps
    index = int(np.searchsorted(steps, step)) + round(SHOWN * canvas.scene.fps)
    return float(steps[min(index, len(steps) - 1)])
