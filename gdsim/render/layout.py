"""Where everything stands in a picture of a given size, in pixels from the lower left corner."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Box", "Layout", "lay_out"]


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels: its lower left corner, its width and its height."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The right edge."""
        return self.x + self.width

    @property
    def top(self) -> float:
        """The upper edge."""
        return self.y + self.height


@dataclass(frozen=True)
class Layout:
    """The places of a picture's parts; a part that has no room is None.

    Args:
        em: The size of plain type, in pixels; never under 2.2 % of the shorter side.
        title: The line above the view.
        counter: Where the step counter ends, on its baseline.
        view: The main view.
        bar: The colour bar.
        legend: The names of the paths, with their settings; a single line where it is lower than two ems.
        loss: The loss panel.
        ticks: Whether the axes carry numbers.
    """

    em: float
    title: Box
    counter: tuple[float, float]
    view: Box
    bar: Box | None
    legend: Box | None
    loss: Box | None
    ticks: bool


def lay_out(size: tuple[int, int], aspect: float | None, *, digits: int, bar: bool, legend: int, loss: int) -> Layout:
    """Lay out a picture.

    Args:
        size: Width and height in pixels.
        aspect: Width over height that the view should keep, so that both coordinates have one scale; None for any.
        digits: How many characters the longest number on the vertical axis has.
        bar: Whether there is a colour bar.
        legend: How many entries the legend has.
        loss: How many characters the longest number beside the loss panel has; 0 for no such panel.
    """
    width, height = size
    em = max(0.0232 * min(width, height), 8.0)
    across, down = width / em, height / em
    ticks = min(across, down) >= 20
    left, bottom = (2.4 + 0.64 * digits, 3.4) if ticks else (1.0, 1.0)
    right, top = 5.6 if bar and across >= 26 else 1.0, 3.0
    room = Box(left * em, bottom * em, width - (left + right) * em, height - (bottom + top) * em)
    if (legend or loss) and width >= 1.25 * height and across >= 36:
        place = _beside
    elif (legend or loss) and across >= 26 and down >= 36:
        place = _below
    else:
        place = _alone
    view, legend_box, loss_box = place(room, aspect, em, width, legend, loss)
    if place is _beside:
        title, counter = Box(view.x, view.top + em, view.width, 2 * em), (width - 1.6 * em, room.top + em)
    else:
        title, counter = (
            Box(view.x, view.top + em, view.width - 8.5 * em, 2 * em),
            (view.right, view.top + em),
        )
    return Layout(
        em=em,
        title=title,
        counter=counter,
        view=view,
        bar=Box(view.right + 0.9 * em, view.y, 0.9 * em, view.height) if bar and across >= 26 else None,
        legend=legend_box if legend else None,
        loss=loss_box,
        ticks=ticks,
    )


Places = tuple[Box, Box | None, Box | None]


def _beside(room: Box, aspect: float | None, em: float, width: float, legend: int, loss: int) -> Places:
    """The view on the left, legend and loss panel on its right."""
    bar = width - room.right
    view = _fit(Box(room.x, room.y, 0.64 * width - room.x - bar, room.height), aspect)
    view = Box(view.x, room.top - view.height, view.width, view.height)
    x = view.right + bar + 1.2 * em
    side = Box(x, room.y, width - x - 1.6 * em, room.height)
    loss = loss if side.width >= 14 * em and side.height >= 22 * em else 0
    # A long legend may take more of the column, one line an entry, before entries are left out.
    most = max(side.height * (0.52 if loss else 1.0), min((1.6 * legend + 2.4) * em, 0.64 * side.height))
    names = min((3.0 * legend + 2.4) * em, most) if legend else 0.0
    numbers = (0.8 + 0.64 * loss) * em
    panel = Box(side.x + numbers, side.y, side.width - numbers, side.height - names - 2.4 * em)
    return view, Box(side.x, side.top - names, side.width, names), panel if loss else None


def _below(room: Box, aspect: float | None, em: float, width: float, legend: int, loss: int) -> Places:
    """The view on top; under it the legend, and the loss panel below that or beside it."""
    view = _fit(Box(room.x, room.y + 0.4 * room.height, room.width, 0.6 * room.height), aspect)
    view = Box(room.x + (room.width - view.width) / 2, room.top - view.height, view.width, view.height)
    top = view.y - 4.4 * em
    tall = (3.0 * legend + 2.4) * em if legend else 0.0
    if loss and top - tall > 18 * em:
        left = (2.0 + 0.64 * loss) * em
        names = Box(1.6 * em, top - tall, width - 3.2 * em, tall)
        return view, names, Box(left, room.y, width - 1.6 * em - left, top - tall - 1.8 * em - room.y)
    half = 0.46 * width if loss else width - 1.6 * em
    names = Box(1.6 * em, em, half - 1.6 * em, top - em)
    left = half + (2.0 + 0.64 * loss) * em if legend else room.x
    panel = Box(left, room.y, width - 1.6 * em - left, top - 1.4 * em - room.y)
    return view, names, panel if loss else None


def _alone(room: Box, aspect: float | None, em: float, width: float, legend: int, loss: int) -> Places:
    """The view over the whole picture, with the names in one line under it; there is no room for a loss panel."""
    del loss
    line = 1.6 * em if legend else 0.0
    view = _fit(Box(room.x, room.y + line, room.width, room.height - line), aspect)
    view = Box(room.x + (room.width - view.width) / 2, view.y, view.width, view.height)
    return view, Box(em, 0.3 * em, width - 2 * em, 1.4 * em) if line else None, None


def _fit(room: Box, aspect: float | None) -> Box:
    """The largest box of an aspect within a room, or the room itself where that would waste most of it."""
    if aspect is None:
        return room
    width, height = min(room.width, room.height * aspect), min(room.height, room.width / aspect)
    if width * height < 0.4 * room.width * room.height:
        return room
    return Box(room.x, room.y + (room.height - height) / 2, width, height)
