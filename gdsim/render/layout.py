"""Where everything stands in a picture of a given size, in pixels from the lower left corner."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Literal

__all__ = ["SMALLEST_PANEL", "Box", "GroupLayout", "Layout", "LayoutRequest", "arrange", "em_size"]

SMALLEST_PANEL = (11.0, 5.0)
"""Width and height of the smallest panel worth drawing, in ems."""

LEAST, MOST = 0.5, 9.0
"""Between which widths over heights a panel is worth having."""

SMALLEST_FACET = 6.5
"""The side of the smallest square facet worth drawing, in ems."""

MOST_OBLONG = 2.5
"""How many times as wide as high a view may be, or as high as wide, and still keep one scale for both."""

STRETCHED = 4.0
"""From how many times as wide as high on a panel is a strip."""

COMFORTABLE = (1.0, 1.9)
"""Between which widths over heights a view that may have any looks best."""

BARRED = 22.0
"""From how many ems on a cell of several has a colour bar."""

KEY = 21.0
"""How wide the line is that says what the signs mean, in ems."""

NAMES = 20.0
"""How wide a column of names is at most, in ems, where it holds nothing else."""

ROOMY = 13.0
"""From how many ems of width on a facet's name has its settings under it."""

LINES = (3.0, 1.6)
"""How many ems an entry of the legend takes: with its settings under its name, or beside it."""

CAPTION = 1.9
"""What stands above a panel or a named facet takes so many ems."""

NUMBERS = 3.2
"""The numbers and the name under an axis take so many ems."""


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


def em_size(size: tuple[int, int], factor: float) -> float:
    """Return the size of plain type in a picture, in pixels; never under 2.2 % of the shorter side.

    Args:
        size: Width and height of the picture, in pixels.
        factor: The theme's factor on the size of type.
    """
    return max(0.0232 * min(size) * factor, 8.0)


@dataclass(frozen=True)
class LayoutRequest:
    """What a picture has to hold.

    Args:
        size: Width and height in pixels.
        type: The factor on the size of type.
        groups: How many objectives are shown.
        facets: How many facets a group has.
        named: Whether facets have names above them, and so no legend.
        aspects: For each group, the width over height that its facets should keep, so that both coordinates have one
            scale; None for any.
        digits: How many characters the longest number on a facet's vertical axis has; 0 for no numbers around it.
        bar: Whether a group has a colour bar.
        legend: How many entries the legend has.
        key: How long the key to the signs is, in ems.
        panels: For each panel of a group, how many characters its longest number has.
        panels_at: Whether the panels stand beside the facets or under them; None for what fits best.
        tall: For each panel, how many times as high as a plain one it wants to be; all alike when left out.
        least: For each panel, how many ems it is high at least; all as the smallest panel when left out.
        bare: For each panel, whether it has no axis under it; none is when left out.
        most: For each panel, how high it is at most at a width, both in pixels, or None for any height; for all any
            when left out.
    """

    size: tuple[int, int]
    type: float
    groups: int
    facets: int
    named: bool
    aspects: tuple[float | None, ...]
    digits: int
    bar: bool
    legend: int
    key: float
    panels: tuple[int, ...]
    panels_at: Literal["beside", "under"] | None
    tall: tuple[float, ...] = ()
    least: tuple[float, ...] = ()
    bare: tuple[bool, ...] = ()
    most: tuple[Callable[[float], float] | None, ...] = ()

    @property
    def em(self) -> float:
        """The size of plain type, in pixels."""
        return em_size(self.size, self.type)


@dataclass(frozen=True)
class GroupLayout:
    """Where a group stands.

    Args:
        facets: The facets, row by row.
        bars: The colour bars: one, or one a facet; none where there is no room.
        panels: The panels that have room, the first ones of those wanted.
        outer: For each facet, whether the numbers of its horizontal and of its vertical axis are written.
        caption: How high the room for a facet's name is, in pixels.
        name: Where the group's name begins, on its baseline, and how wide it may be; None for no name.
    """

    facets: tuple[Box, ...]
    bars: tuple[Box, ...] = ()
    panels: tuple[Box, ...] = ()
    outer: tuple[tuple[bool, bool], ...] = ()
    caption: float = 0.0
    name: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class Layout:
    """The places of a picture's parts; a part that has no room is None.

    Args:
        em: The size of plain type, in pixels.
        title: The line above everything, as far as it may reach.
        counter: Where the step counter ends, on its baseline.
        groups: One place a group.
        legend: The names of the paths; a single line where it is lower than two ems.
        key: The line that says what the other signs mean.
        ticks: Whether axes carry numbers.
    """

    em: float
    title: Box
    counter: tuple[float, float]
    groups: tuple[GroupLayout, ...]
    legend: Box | None
    key: Box | None
    ticks: bool


@dataclass(frozen=True)
class _Page:
    """What all arrangements have in common: the room under the title, and lengths in pixels."""

    wanted: LayoutRequest
    em: float = field(init=False)
    ticks: bool = field(init=False)
    bar: float = field(init=False)

    def __post_init__(self) -> None:
        width, height = self.wanted.size
        em = self.wanted.em
        object.__setattr__(self, "em", em)
        object.__setattr__(self, "ticks", self.wanted.digits > 0 and min(width, height) >= 20 * em)
        object.__setattr__(self, "bar", 5.2 * em if self.wanted.bar and width >= 26 * em else 0.0)

    @property
    def top(self) -> float:
        return self.wanted.size[1] - (3.3 if self.wanted.size[1] >= 20 * self.em else 2.6) * self.em

    @property
    def left(self) -> float:
        """What stands to the left of a facet with numbers."""
        return (2.4 + 0.64 * self.wanted.digits) * self.em if self.ticks else 0.0

    def key(self, width: float) -> float:
        """What the key takes under a legend of a width, in as many lines as it needs, at most three."""
        if not self.wanted.key:
            return 0.0
        lines = -(-self.wanted.key * self.em // max(width, 1.0))
        return (0.4 + 1.5 * min(max(lines, 1), 3)) * self.em

    @property
    def below(self) -> float:
        """What stands under a facet with numbers."""
        return NUMBERS * self.em if self.ticks else 0.0


def arrange(wanted: LayoutRequest) -> Layout:
    """Try the arrangements there are, and take the one with the most panels and then the largest facets."""
    page = _Page(wanted)
    return max(_arrangements(page), key=lambda layout: _worth(layout, wanted))


def _worth(layout: Layout, wanted: LayoutRequest) -> tuple[float, int, float]:
    """What makes one arrangement better than another, first things first."""
    panels = sum(LEAST < box.width / box.height < MOST for place in layout.groups for box in place.panels)
    named = wanted.legend == 0 or (layout.legend is not None and layout.legend.height >= 2 * layout.em)
    boxes = [box for place in layout.groups for box in place.facets]
    smallest = min(math.sqrt(box.width * box.height) for box in boxes)
    area = sum(_useful(box) for box in boxes)
    return min(smallest, SMALLEST_FACET * layout.em), panels + named, area


def _useful(box: Box) -> float:
    """The area of a box, as far as it is not too wide or too high."""
    low, high = COMFORTABLE
    return min(box.width, box.height * high) * min(box.height, box.width / low)


def _arrangements(page: _Page) -> Iterator[Layout]:
    wanted, (width, height), em = page.wanted, page.wanted.size, page.em
    if wanted.groups > 1:
        yield from _matrices(page)
        return
    sides = bool(wanted.panels or wanted.legend)
    if sides and wanted.panels_at != "under" and width >= 36 * em and height >= 20 * em:
        for columns in _columns(wanted.facets):
            yield from (_beside(page, columns, share, line) for share in (0.64, 0.58, 0.7, 0.5) for line in LINES)
    if sides and wanted.panels_at != "beside" and width >= 26 * em and height >= 30 * em:
        for columns in _columns(wanted.facets):
            yield from (_under(page, columns, share, line) for share in (0.6, 0.5, 0.7) for line in LINES)
            if wanted.legend and wanted.panels and width >= 44 * em:
                yield from (_over(page, columns, share, line) for share in (0.62, 0.55, 0.7) for line in LINES)
    yield from (_alone(page, columns) for columns in _columns(wanted.facets))


def _columns(facets: int) -> range:
    return range(1, facets + 1)


def _layout(page: _Page, groups: tuple[GroupLayout, ...], legend: Box | None, key: Box | None) -> Layout:
    wanted, (width, height), em = page.wanted, page.wanted.size, page.em
    x = min(box.x for place in groups for box in place.facets)
    base = height - (1.95 if height >= 20 * em else 1.6) * em
    return Layout(
        em=em,
        title=Box(x, base, width - 10.5 * em - x, 2 * em),
        counter=(width - 1.6 * em, base),
        groups=groups,
        legend=legend if wanted.legend else None,
        key=key,
        ticks=page.ticks,
    )


def _beside(page: _Page, columns: int, share: float, line: float) -> Layout:
    """The facets on the left; legend, key and panels in a column on their right."""
    wanted, (width, _), em = page.wanted, page.wanted.size, page.em
    block = Box(em, em, share * width - em, page.top - em)
    place = _grid(page, block, columns)
    right = _right(place, em)
    x = right + 1.5 * em
    column = Box(x, em, width - x - 1.6 * em, page.top - em)
    if not wanted.panels:
        # Names alone do not fill a column.
        column = replace(column, width=min(column.width, NAMES * em))
        place, column = _moved(place, column, int((width - 1.6 * em - column.right) / 2))
    legend, key = _named(page, column, line, 0.64 * column.height)
    # With nothing above them the panels begin at the height of the facets.
    top = key.y - 0.5 * em if wanted.legend or wanted.key else place.facets[0].top + CAPTION * em
    free = Box(column.x, column.y, column.width, top - column.y)
    panels = _stack(page, free) if column.width >= 12 * em else ()
    return _layout(page, (replace(place, panels=panels),), legend, key)


def _under(page: _Page, columns: int, share: float, line: float) -> Layout:
    """The facets on top; under them legend and key, and the panels below these or on their right."""
    wanted, (width, height), em = page.wanted, page.wanted.size, page.em
    block = Box(em, (1 - share) * height, width - 2.6 * em, page.top - (1 - share) * height)
    place = _centred(_grid(page, block, columns), block)
    top = min(box.y for box in place.facets) - page.below - 0.6 * em
    strip = Box(1.6 * em, em, width - 3.2 * em, top - em)
    if not wanted.legend:
        x, high = max(place.facets[0].x, strip.x), page.key(strip.width)
        strip = Box(x, em, strip.right - x, strip.height)
        begin = max(x - _numbers(page, wanted.panels[:1]), 0.4 * em)
        free = Box(begin, em, strip.right - begin, strip.height - high)
        key = Box(strip.x, strip.top - high + 0.4 * em, strip.width, high)
        return _layout(page, (replace(place, panels=_stack(page, free)),), None, key)
    legend, key = _named(page, strip, line, strip.height)
    panels = _stack(page, Box(strip.x, strip.y, strip.width, key.y - 0.5 * em - strip.y))
    if len(panels) < len(wanted.panels):
        # Beside the panels the names take nothing from them.
        wide = min(0.46 * strip.width, 30 * em)
        legend, key = _named(page, replace(strip, width=wide), LINES[0], strip.height)
        panels = _stack(page, Box(strip.x + wide + em, strip.y, strip.width - wide - em, strip.height))
    return _layout(page, (replace(place, panels=panels),), legend, key)


def _over(page: _Page, columns: int, share: float, line: float) -> Layout:
    """The facets on top with legend and key on their right; the panels under both, over the whole width."""
    (width, height), em = page.wanted.size, page.em
    low = (1 - share) * height
    place = _grid(page, Box(em, low, width - (NAMES + 3.0) * em, page.top - low), columns)
    right = _right(place, em)
    column = Box(right + 1.5 * em, low, min(width - right - 3.1 * em, 1.5 * NAMES * em), page.top - low)
    place, column = _moved(place, column, max(0, int((width - 1.6 * em - column.right) / 2)))
    legend, key = _named(page, column, line, column.height)
    top = min(min(box.y for box in place.facets) - page.below, key.y) - 0.6 * em
    panels = _stack(page, Box(em, em, width - 2.6 * em, top - em))
    return _layout(page, (replace(place, panels=panels),), legend, key)


def _named(page: _Page, column: Box, line: float, most: float) -> tuple[Box, Box]:
    """Legend and key at the top of a column, together at most so high."""
    high = page.key(column.width)
    names = max(min(line * page.wanted.legend * page.em, most - high - 0.5 * page.em), 0.0)
    legend = Box(column.x, column.top - names, column.width, names)
    return legend, Box(column.x, legend.y - high, column.width, high)


def _alone(page: _Page, columns: int) -> Layout:
    """The facets over the whole picture, with the names in one line under them; there is no room for panels."""
    wanted, (width, _), em = page.wanted, page.wanted.size, page.em
    line = 1.6 * em if wanted.legend or page.ticks else 0.0
    block = Box(em, em + line, width - 2.2 * em, page.top - em - line)
    place = _centred(_grid(page, block, columns), block)
    slack = min(box.y for box in place.facets) - page.below - block.y
    place, _ = _moved(place, block, 0, max(0, int(slack / 2)))
    x = place.facets[0].x
    row = Box(x, 0.4 * em, width - em - x, 1.4 * em)
    return _layout(page, (place,), row if wanted.legend else None, row if line and not wanted.legend else None)


def _matrices(page: _Page) -> Iterator[Layout]:
    """Several objectives: in a grid, each with its panels under it; or, with many facets each, one a row."""
    wanted, (width, _), em = page.wanted, page.wanted.size, page.em
    bottom = (1.9 if wanted.named else 2.1 + _lines(page)) * em
    room = Box(em, bottom, width - 2.6 * em, page.top - bottom)
    row = Box(room.x + page.left, 0.5 * em, width - 2.6 * em - page.left, bottom - 0.7 * em)
    both = bool(wanted.legend) and row.width >= 2 * KEY * em
    legend = replace(row, width=row.width - KEY * em) if both else row
    key = Box(legend.right, row.y, KEY * em, 1.4 * em) if both else None if wanted.legend else row
    for (rows, columns), share, across in product(_shapes(wanted.groups), (0.5, 0.62, 1.0), _columns(wanted.facets)):
        cells = [
            Box(
                room.x + column * room.width / columns,
                room.top - (row + 1) * room.height / rows,
                room.width / columns,
                room.height / rows,
            )
            for row in range(rows)
            for column in range(columns)
        ][: wanted.groups]
        # In a narrow cell a colour bar would take more room than the view that it explains.
        roomy = page if room.width >= BARRED * columns * em else _Page(replace(wanted, bar=False))
        places = tuple(_cell(roomy, cell, index, share, across) for index, cell in enumerate(cells))
        if not wanted.panels:
            places = _packed(places, cells[:columns], room, em)
        yield _layout(page, places, legend, key)


def _packed(places: tuple[GroupLayout, ...], cells: list[Box], room: Box, em: float) -> tuple[GroupLayout, ...]:
    """Groups that do not fill their cells, in columns as wide as they need, in the middle of the room."""
    columns = len(cells)
    used = [max(_right(place, em) for place in places[i::columns]) - cell.x for i, cell in enumerate(cells)]
    gap = min(3.0 * em, (room.width - sum(used)) / max(columns - 1, 1))
    begin = room.x + max(0.0, (room.width - sum(used) - (columns - 1) * gap) / 2)
    packed = []
    for index, place in enumerate(places):
        column = index % columns
        across = int(begin + sum(used[:column]) + column * gap - cells[column].x)
        moved, _ = _moved(place, room, across)
        assert place.name is not None  # noqa: S101  (for the type checker: groups of several have names)
        x, y, wide = place.name
        packed.append(replace(moved, name=(x + across, y, min(wide, used[column]))))
    return tuple(packed)


def _right(place: GroupLayout, em: float) -> float:
    """How far the facets of a place and their colour bar reach to the right."""
    return max(box.right for box in place.bars or place.facets) + (4.3 * em if place.bars else 0.0)


def _lines(page: _Page) -> float:
    """How many ems the legend takes under several objectives: a line for some four names, a second for more."""
    across = page.wanted.size[0] / page.em
    return 1.5 * max(0, min(3, -(-page.wanted.legend * 11 // max(int(across), 1)) - 1))


def _shapes(cells: int) -> list[tuple[int, int]]:
    return [(-(-cells // columns), columns) for columns in range(1, cells + 1)]


def _cell(page: _Page, cell: Box, group: int, share: float, columns: int) -> GroupLayout:
    """One objective of several: its name, its facets in columns, and its panels under them or on their right."""
    wanted, em = page.wanted, page.em
    room = Box(cell.x, cell.y, cell.width - 1.2 * em, cell.height - 1.9 * em)
    if share == 1.0 or not wanted.panels:
        place = _grid(page, room, columns, group)
    elif room.width > 1.6 * room.height:
        block = Box(room.x, room.y, (0.3 + 0.7 * share) * room.width, room.height)
        place = _grid(page, block, columns, group)
        right = _right(place, em) + em
        place = replace(place, panels=_stack(page, Box(right, room.y, room.right - right, room.height)))
    else:
        block = Box(room.x, room.y + (1 - share) * room.height, room.width, share * room.height)
        place = _grid(page, block, columns, group)
        # The axes of facet and panels begin at one place.
        x = max(place.facets[0].x - _numbers(page, wanted.panels), room.x)
        top = min(box.y for box in place.facets) - page.below - 0.6 * em
        place = replace(place, panels=_stack(page, Box(x, room.y, room.right - x, top - room.y)))
    x = place.facets[0].x
    return replace(place, name=(x, room.top + 0.5 * em, cell.right - x - em))


def _numbers(page: _Page, digits: tuple[int, ...]) -> float:
    """What the numbers beside a column of panels take."""
    return (1.4 + 0.64 * max(digits, default=0)) * page.em


def _grid(page: _Page, block: Box, columns: int, group: int = 0) -> GroupLayout:
    """Facets of one size in rows, from the upper left corner of a block; numbers at the outer ones only."""
    if page.wanted.named:
        roomy = _grid_under(page, block, columns, (CAPTION + 1.3) * page.em, group)
        if roomy.facets[0].width >= ROOMY * page.em:
            return roomy
    return _grid_under(page, block, columns, CAPTION * page.em if page.wanted.named else 0.0, group)


def _grid_under(page: _Page, block: Box, columns: int, caption: float, group: int) -> GroupLayout:
    wanted, em, count = page.wanted, page.em, page.wanted.facets
    rows = -(-count // columns)
    gap = 1.1 * em
    wide = (block.width - page.left - page.bar - (columns - 1) * gap) / columns
    tall = (block.height - page.below - rows * caption - (rows - 1) * gap) / rows
    width, height = _fit(max(wide, 1.0), max(tall, 1.0), wanted.aspects[group])
    boxes = []
    for index in range(count):
        row, column = divmod(index, columns)
        x = block.x + page.left + column * (width + gap)
        y = block.top - (row + 1) * (caption + height) - row * gap
        boxes.append(Box(round(x), round(y), int(width), int(height)))
    right, low = max(box.right for box in boxes), boxes[-1].y
    # Its caption stands above the bar, no higher than the view.
    tall = boxes[0].top - low - 1.7 * em
    bar = (Box(right + 0.9 * em, low, 0.9 * em, tall),) if page.bar and tall > 4 * em else ()
    # The last row may be shorter; above the place where it ends, the row before it is the outer one.
    outer = tuple((index + columns >= count, index % columns == 0) for index in range(count))
    return GroupLayout(tuple(boxes), bar, (), outer, caption)


def _fit(wide: float, tall: float, aspect: float | None) -> tuple[float, float]:
    """The largest size of an aspect within a room; a view that would be a strip is stretched."""
    if aspect is None:
        return wide, tall
    aspect = min(max(aspect, 1 / MOST_OBLONG), MOST_OBLONG)
    return min(wide, tall * aspect), min(tall, wide / aspect)


def _centred(place: GroupLayout, block: Box) -> GroupLayout:
    """The same in the middle of the block's width."""
    right = max(box.right for box in place.bars or place.facets) + (place.bars[0].width * 4 if place.bars else 0.0)
    return _moved(place, block, max(0, int((block.right - right) / 2)))[0]


def _moved(place: GroupLayout, column: Box, across: int, down: int = 0) -> tuple[GroupLayout, Box]:
    """Facets with their bars, and a column, moved by whole pixels."""

    def moved(box: Box) -> Box:
        return Box(box.x + across, box.y - down, box.width, box.height)

    facets, bars = tuple(map(moved, place.facets)), tuple(map(moved, place.bars))
    return replace(place, facets=facets, bars=bars), moved(column)


def _stack(page: _Page, free: Box) -> tuple[Box, ...]:
    """As many of the panels as have room, in columns that share their axis: in as few as give each its height."""
    digits, em = page.wanted.panels, page.em
    best: tuple[Box, ...] = ()
    for columns in range(1, len(digits) + 1):
        rows = -(-len(digits) // columns)
        while rows and any(sum(_least(page, column * rows, rows)) > free.height for column in range(columns)):
            rows -= 1
        shown = digits[: rows * columns]
        numbers = [_numbers(page, shown[column * rows : (column + 1) * rows]) for column in range(columns)]
        wide = (free.width - sum(numbers) - (columns - 1) * em) / columns
        if wide < SMALLEST_PANEL[0] * em and not (columns == 1 and wide >= 9 * em):
            continue
        made = tuple(_panel(page, free, index, rows, numbers, wide) for index in range(len(shown)))
        if (len(made), _shapely(page, made)) > (len(best), _shapely(page, best)):
            best = made
    return best


def _shapely(page: _Page, panels: tuple[Box, ...]) -> int:
    """How many panels are no strips, where some are of pictures; 0 where all are plain."""
    return sum(box.width <= STRETCHED * box.height for box in panels) if page.wanted.most else 0


def _least(page: _Page, first: int, rows: int) -> list[float]:
    """The heights in pixels that the panels of a column of so many rows need, and last that of their axis."""
    least = page.wanted.least[first : first + rows]
    return [(high + CAPTION) * page.em for high in (*least, *[SMALLEST_PANEL[1]] * (rows - len(least)))] + [
        NUMBERS * page.em
    ]


def _heights(page: _Page, free: Box, first: int, rows: int, wide: float) -> list[float]:
    """How high the panels of a column of so many rows are with their captions; a row that is not there is plain."""
    room = free.height - NUMBERS * page.em
    if not page.wanted.tall:
        return [room / rows] * rows
    tall = [*page.wanted.tall[first : first + rows], *[1.0] * rows][:rows]
    *least, _ = _least(page, first, rows)
    fair = [room * each / sum(tall) for each in tall]
    if any(high < low for high, low in zip(fair, least, strict=True)):
        # Each what it needs, and of the rest its part.
        rest = room - sum(least)
        fair = [low + rest * each / sum(tall) for low, each in zip(least, tall, strict=True)]
    limits = [each and each(wide) + CAPTION * page.em for each in page.wanted.most[first : first + rows]]
    most = [*(math.inf if limit is None else limit for limit in limits), *[math.inf] * (rows - len(limits))]
    return _capped(fair, most)


def _capped(heights: list[float], most: list[float]) -> list[float]:
    """Heights, each at most so much; what that leaves goes to those that take any."""
    taking = sum(map(math.isinf, most))
    if not taking:
        return heights
    spare = sum(max(high - limit, 0.0) for high, limit in zip(heights, most, strict=True))
    return [
        high + spare / taking if math.isinf(limit) else min(high, limit)
        for high, limit in zip(heights, most, strict=True)
    ]


def _panel(page: _Page, free: Box, index: int, rows: int, numbers: list[float], wide: float) -> Box:
    em, (column, row) = page.em, divmod(index, rows)
    heights = _heights(page, free, column * rows, rows, wide)
    x = free.x + sum(numbers[: column + 1]) + column * (wide + em)
    used = (row + 1) * heights[0] if len(set(heights)) == 1 else sum(heights[: row + 1])
    box = Box(x, free.top - used, wide, heights[row] - CAPTION * em)
    last = index == min((column + 1) * rows, len(page.wanted.panels)) - 1
    if not (last and page.wanted.bare and page.wanted.bare[index]):
        return box
    # What has no axis gives the room for its numbers to the panel above it.
    taken = 0.0 if row else NUMBERS * em
    return replace(box, y=box.y - NUMBERS * em, height=box.height + taken)
