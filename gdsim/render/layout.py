"""Search for the best layout of a picture; boxes are in pixels from the lower left corner."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product, starmap
from typing import Literal

import numpy as np

# Lengths in ems.
CAPTION, AXIS, BAR = 1.9, 3.2, 4.3  # heights of a caption and an axis, width of a color bar with its tick labels
GAP = 1.1  # between two facets
KEY = 21.0  # the width of the key beside the legend below several groups
NAMES = 20.0  # the width of a column that contains only the legend and the key
LEGEND_LINES = (3.0, 1.6)  # the heights of a legend entry: with the settings under the name, or beside it
SMALLEST_PANEL = 11.0  # the minimum width of a panel
SMALLEST_FACET = 6.5  # up to this side of a square facet, its size decides; beyond it, the number of panels

MARGIN = 1.6  # between the text of the header and the edges of the picture
TITLE, SUBTITLE, HEADER = 2.25, 4.1, 5.2  # from the upper edge: the baselines of the header, and where the rest begins
LOW, LOW_HEADER = 1.6, 2.6  # likewise, for a header of one line
COUNTER = 9.0  # the width of the step counter

# Ratios of width to height.
WIDEST_FACET = 1.9  # between 1 and this, a facet's whole area counts in the score
MOST_OBLONG = 2.5  # more elongated views are stretched, so that their axes differ in scale


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels, given by its lower left corner, its width and its height."""

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

    def moved(self, right: float, down: float = 0) -> Box:
        """Return the box moved to the right and down."""
        return Box(self.x + right, self.y - down, self.width, self.height)

    def between(self, low: float, top: float) -> Box:
        """Return the part of the box between two heights."""
        return Box(self.x, low, self.width, top - low)


@dataclass(frozen=True)
class PanelRequest:
    """The space that one panel requests.

    Attributes:
        digits: The number of characters of the longest text beside its axis.
        weight: The height relative to a panel of curves.
        min_height: The minimum height, in ems.
        max_height: Maps the width to the maximum height, both in pixels; None for no limit.
        has_axis: Whether there is an axis below the panel.
        facet_share: The fraction of the width for the facet, if the panel is the main part of the picture and names the
            optimizers itself; None for an ordinary panel.
    """

    digits: int
    weight: float = 1.0
    min_height: float = 5.0
    max_height: Callable[[float], float] | None = None
    has_axis: bool = True
    facet_share: float | None = None


@dataclass(frozen=True)
class GroupLayout:
    """The boxes of a group's parts.

    Attributes:
        facets: The facets, row by row.
        color_bar: The color bar; None if there is no room for one.
        panels: The panels that fit, in the order of the request.
        outer: For each facet, whether its horizontal and its vertical axis have tick labels.
        caption: The height of a facet's name, in pixels.
        name: The start of the group's name on its baseline, and its maximum width; None for no name.
    """

    facets: tuple[Box, ...]
    color_bar: Box | None = None
    panels: tuple[Box, ...] = ()
    outer: tuple[tuple[bool, bool], ...] = ()
    caption: float = 0.0
    name: Box | None = None

    def moved(self, right: float, down: float = 0) -> GroupLayout:
        """Return the group with facets and color bar moved to the right and down."""
        bar = self.color_bar and self.color_bar.moved(right, down)
        return replace(self, facets=tuple(box.moved(right, down) for box in self.facets), color_bar=bar)

    def right(self, bar: float) -> float:
        """Return the right edge of the facets, or of the color bar with its tick labels, `bar` pixels wide."""
        return self.color_bar.right + bar if self.color_bar else max(box.right for box in self.facets)


@dataclass(frozen=True)
class Layout:
    """The boxes of a picture's parts; None for parts without room.

    Attributes:
        em: The font size of plain text, in pixels.
        title: The line at the top; it begins at the same place in every picture of a size.
        subtitle: The line under it, as far as the step counter.
        counter: The right end of the step counter on its baseline.
        legend: The names of the paths; if it is lower than two ems, on one line.
        key: The key to the other symbols.
        ticks: Whether the axes of facets have tick labels.
    """

    em: float
    title: Box
    subtitle: Box | None
    counter: tuple[float, float]
    groups: tuple[GroupLayout, ...]
    legend: Box | None
    key: Box | None
    ticks: bool


@dataclass
class LayoutSearch:
    """The parts that a picture must contain, and a search over the layouts that do.

    Attributes:
        size: Width and height in pixels.
        em: The font size of plain text, in pixels.
        titled: Whether there is a title above the subtitle.
        aspects: For each group, the width-to-height ratio of its facets at which both axes have the same scale; None
            for any.
        facets: The number of facets of each group.
        named: Whether names are above the facets instead of in a legend.
        digits: The number of characters of the longest tick label on a facet's vertical axis; 0 for no tick labels.
        color_bar: Whether there is a color bar, if there is room.
        legend: The number of legend entries.
        legend_lines: The heights of a legend entry that are tried, in ems.
        key: The width of the key to the symbols, in ems; 0 for no key.
        panels: The panels of each group.
        panels_at: Whether the panels are beside or under the facets; None for the better fit.
    """

    size: tuple[int, int]
    em: float
    titled: bool
    aspects: tuple[float | None, ...]
    facets: int
    named: bool
    digits: int
    color_bar: bool
    legend: int
    key: float
    panels: tuple[PanelRequest, ...]
    panels_at: Literal["beside", "under"] | None
    legend_lines: tuple[float, ...] = LEGEND_LINES

    def __post_init__(self) -> None:
        """Compute lengths in pixels that all candidates share."""
        em = self.em
        self.width, self.height = width, height = self.size
        self.ticks = self.digits > 0 and min(width, height) >= 20 * em
        self.bar = 5.2 * em if self.color_bar and width >= 26 * em else 0.0
        self.lines = 2 if self.titled and height >= 20 * em else 1
        self.top = height - (HEADER if self.lines == 2 else LOW_HEADER) * em
        self.right = width - MARGIN * em
        self.left = (2.4 + 0.64 * self.digits) * em if self.ticks else 0.0
        self.below = AXIS * em if self.ticks else 0.0

    def best(self) -> Layout:
        """Return the candidate layout with the highest score."""
        return max(self._candidates(), key=self._score)

    def _score(self, layout: Layout) -> tuple[float, int, float]:
        """Return the size of the smallest facet up to a limit, the number of parts with room, and the facets' area."""
        panels = sum(0.5 < box.width / box.height < 9.0 for group in layout.groups for box in group.panels)
        named = self.legend == 0 or (layout.legend is not None and layout.legend.height >= 2 * self.em)
        boxes = [box for group in layout.groups for box in group.facets]
        smallest = min(math.sqrt(box.width * box.height) for box in boxes)
        area = sum(min(box.width, WIDEST_FACET * box.height) * min(box.height, box.width) for box in boxes)
        return min(smallest, SMALLEST_FACET * self.em), panels + named, area

    def _candidates(self) -> Iterator[Layout]:
        em, columns = self.em, range(1, self.facets + 1)
        if len(self.panels) == 1 and self.panels[0].facet_share:
            yield self._table(self.panels[0].facet_share)
            return
        if len(self.aspects) > 1:
            yield from self._matrices()
            return
        sides = bool(self.panels or self.legend)
        if sides and self.panels_at != "under" and self.width >= 36 * em and self.height >= 20 * em:
            yield from starmap(self._beside, product(columns, (0.64, 0.58, 0.7, 0.5), self.legend_lines))
        if sides and self.panels_at != "beside" and self.width >= 26 * em and self.height >= 30 * em:
            yield from starmap(self._under, product(columns, (0.6, 0.5, 0.7), self.legend_lines))
            if self.legend and self.panels and self.width >= 44 * em:
                yield from starmap(self._over, product(columns, (0.62, 0.55, 0.7), self.legend_lines))
        yield from map(self._alone, columns)

    def _layout(self, groups: Sequence[GroupLayout], legend: Box | None, key: Box | None) -> Layout:
        em = self.em
        legend = legend if self.legend else None
        x, low = MARGIN * em, self.height - (SUBTITLE if self.lines == 2 else LOW) * em
        whole = Box(x, self.height - TITLE * em, self.right - x, 1.9 * em)
        beside = Box(x, low, self.right - COUNTER * em - x, 1.4 * em)
        header = (whole, beside) if self.lines == 2 else (beside, None if self.titled else beside)
        return Layout(em, *header, (self.right, low), tuple(groups), legend, key, self.ticks)

    def _beside(self, columns: int, share: float, line: float) -> Layout:
        """Put the facets on the left, and the legend, the key and the panels in a column on the right."""
        em = self.em
        block = Box(em, em, share * self.width - em, self.top - em)
        # A legend without panels does not need the whole column.
        group, column = self._with_column(block, columns, math.inf if self.panels else NAMES * em)
        legend, key = self._legend_and_key(column, line, 0.64 * column.height)
        # Without a legend and a key, the tops of the panels and the facets are aligned.
        top = key.y - 0.5 * em if self.legend or self.key else group.facets[0].top + CAPTION * em
        panels = self._stack(column.between(column.y, top)) if column.width >= 12 * em else ()
        return self._layout([replace(group, panels=panels)], legend, key)

    def _over(self, columns: int, share: float, line: float) -> Layout:
        """Put the facets at the top left, the legend and the key at the top right, and the panels below both."""
        em, low = self.em, (1 - share) * self.height
        block = Box(em, low, self.width - (NAMES + 3.0) * em, self.top - low)
        group, column = self._with_column(block, columns, 1.5 * NAMES * em)
        legend, key = self._legend_and_key(column, line, column.height)
        top = min(self._bottom(group), key.y) - 0.6 * em
        panels = self._stack(Box(em, em, self.right - em, top - em))
        return self._layout([replace(group, panels=panels)], legend, key)

    def _with_column(self, block: Box, columns: int, widest: float) -> tuple[GroupLayout, Box]:
        """Return facets in a block and a column to the right of them, centered if the column has its maximum width."""
        group = self._grid(block, columns)
        x = group.right(BAR * self.em) + 1.5 * self.em
        column = Box(x, block.y, min(self.right - x, widest), block.height)
        slack = max(0, int((self.right - column.right) / 2))
        return group.moved(slack), column.moved(slack)

    def _under(self, columns: int, share: float, line: float) -> Layout:
        """Put the facets at the top, and the legend, the key and the panels below them."""
        em, low = self.em, (1 - share) * self.height
        block = Box(em, low, self.width - 2.6 * em, self.top - low)
        group = self._centered(self._grid(block, columns), block)
        x = begin = 1.6 * em
        if not self.legend:
            # Align the left ends of the facets' and the panels' axes.
            x = max(group.facets[0].x, x)
            begin = max(x - self._numbers(self.panels[:1]), 0.4 * em)
        top = self._bottom(group) - (0.6 if self.legend else 0.2) * em
        strip = Box(x, em, self.right - x, top - em)
        legend, key = self._legend_and_key(strip, line, strip.height)
        panels = self._stack(Box(begin, em, self.right - begin, key.y - 1.4 * em))
        if self.legend and len(panels) < len(self.panels):
            # Beside the panels, the legend does not reduce their height.
            wide = min(0.46 * strip.width, 30 * em)
            legend, key = self._legend_and_key(replace(strip, width=wide), self.legend_lines[0], strip.height)
            panels = self._stack(Box(x + wide + em, em, strip.width - wide - em, strip.height))
        return self._layout([replace(group, panels=panels)], legend, key)

    def _alone(self, columns: int) -> Layout:
        """Put the facets over the whole picture, with a one-line legend or key below them and no panels."""
        em = self.em
        line = 1.6 * em if self.legend or self.ticks else 0.0
        block = Box(em, em + line, self.width - 2.2 * em, self.top - em - line)
        group = self._centered(self._grid(block, columns), block)
        group = group.moved(0, max(0, int((self._bottom(group) - block.y) / 2)))
        x = group.facets[0].x
        return self._layout([group], *self._row(Box(x, 0.4 * em, self.width - em - x, 1.4 * em) if line else None))

    def _row(self, row: Box | None) -> tuple[Box | None, Box | None]:
        """Return the boxes of the legend and the key in a row, or of only one if there is no room for two."""
        if row is None or not self.legend:
            return None, row
        wide = row.width - KEY * self.em
        if wide < KEY * self.em:
            return row, None
        return replace(row, width=wide), Box(row.x + wide, row.y, KEY * self.em, 1.4 * self.em)

    def _matrices(self) -> Iterator[Layout]:
        em, groups = self.em, len(self.aspects)
        names = 1.5 * max(0, min(3, -(-self.legend * 11 // max(int(self.width / em), 1)) - 1))
        bottom = (1.9 if self.named else 2.1 + names) * em
        room = Box(em, bottom, self.width - 2.6 * em, self.top - bottom)
        row = Box(room.x + self.left, 0.5 * em, room.width - self.left, bottom - 0.7 * em)
        shares, facets = (0.5, 0.62, 1.0), range(1, self.facets + 1)
        for columns, share, across in product(range(1, groups + 1), shares, facets):
            # In a narrow cell a color bar would take more room than the view that it explains.
            roomy = self if room.width >= 22.0 * columns * em else replace(self, color_bar=False)
            cells = enumerate(self._cells(room, columns))
            yield self._layout([roomy._cell(cell, index, share, across) for index, cell in cells], *self._row(row))

    def _table(self, share: float) -> Layout:
        """Put each group in a row: a facet on the left, with `share` of the width, and the main panel on the right."""
        em, groups = self.em, []
        bottom = (2.4 if self.key else 1.0) * em
        room = Box(1.6 * em, bottom, self.width - 3.2 * em, self.top - bottom)
        for index, cell in enumerate(self._cells(room, 1)):
            name = Box(cell.x, cell.top - 0.9 * em, cell.width, 0.0) if len(self.aspects) > 1 else None
            top = cell.top - (4.2 if name else 3.0) * em
            group = self._grid(replace(cell.between(cell.y + em, top), width=share * cell.width), 1, index)
            x = group.right(BAR * em) + 1.5 * em
            panel = Box(x, cell.y, cell.right - x, top - cell.y)
            groups.append(replace(group, panels=(panel,), name=name))
        return self._layout(groups, None, Box(room.x, 0.4 * em, room.width, 1.6 * em) if self.key else None)

    def _cells(self, room: Box, columns: int) -> list[Box]:
        count = len(self.aspects)
        width, height = room.width / columns, room.height / -(-count // columns)
        places = [(index % columns, index // columns + 1) for index in range(count)]
        return [Box(room.x + x * width, room.top - y * height, width, height) for x, y in places]

    def _cell(self, cell: Box, group: int, share: float, columns: int) -> GroupLayout:
        """Return the layout of one of several objectives: its name, its facets in columns, and its panels."""
        em = self.em
        room = Box(cell.x, cell.y, cell.width - 1.2 * em, cell.height - 1.9 * em)
        if room.width > 1.6 * room.height:
            made = self._grid(replace(room, width=(0.3 + 0.7 * share) * room.width), columns, group)
            x, top = made.right(BAR * em) + em, room.top
        else:
            made = self._grid(room.between(room.y + (1 - share) * room.height, room.top), columns, group)
            # Align the left ends of the facet's and the panels' axes.
            x = max(made.facets[0].x - self._numbers(self.panels), room.x)
            top = self._bottom(made) - 0.6 * em
        panels = self._stack(Box(x, room.y, room.right - x, top - room.y))
        made = made if panels else self._centered(made, room)
        x = made.facets[0].x
        return replace(made, panels=panels, name=Box(x, room.top + 0.5 * em, cell.right - x - em, 0.0))

    def _legend_and_key(self, column: Box, line: float, most: float) -> tuple[Box, Box]:
        """Return the boxes of the legend and the key at the top of a column, in total at most `most` high."""
        high = 0.0
        if self.key:
            lines = -(-self.key * self.em // max(column.width, 1.0))
            high = (0.4 + 1.5 * min(max(lines, 1), 3)) * self.em
        names = max(min(line * self.legend * self.em, most - high - 0.5 * self.em), 0.0)
        legend = Box(column.x, column.top - names, column.width, names)
        return legend, Box(column.x, legend.y - high, column.width, high)

    def _numbers(self, panels: Sequence[PanelRequest]) -> float:
        """Return the width of the tick labels beside a column of panels."""
        return (1.4 + 0.64 * max((panel.digits for panel in panels), default=0)) * self.em

    def _grid(self, block: Box, columns: int, group: int = 0) -> GroupLayout:
        """Return facets of equal size in rows, from the upper left corner of a block."""
        em, count, aspect = self.em, self.facets, self.aspects[group]
        rows, gap = -(-count // columns), GAP * em
        for caption in (CAPTION + 1.3, CAPTION) if self.named else (0.0,):
            above = caption * em
            width = max((block.width - self.left - self.bar - (columns - 1) * gap) / columns, 1.0)
            height = max((block.height - self.below - rows * above - (rows - 1) * gap) / rows, 1.0)
            if aspect is not None:
                shape = min(max(aspect, 1 / MOST_OBLONG), MOST_OBLONG)
                width, height = min(width, height * shape), min(height, width / shape)
            # A wide facet has room for the settings under the name.
            if int(width) >= 13.0 * em:
                break
        boxes = []
        for index in range(count):
            row, column = divmod(index, columns)
            x = block.x + self.left + column * (width + gap)
            y = block.top - (row + 1) * (above + height) - row * gap
            boxes.append(Box(round(x), round(y), int(width), int(height)))
        right, low = max(box.right for box in boxes), boxes[-1].y
        # Leave room above the color bar for its caption, within the height of the view.
        tall = boxes[0].top - low - 1.7 * em
        bar = Box(right + 0.9 * em, low, 0.9 * em, tall) if self.bar and tall > 4 * em else None
        # Where the last row has no facet, the facet above has the tick labels.
        outer = tuple((index + columns >= count, index % columns == 0) for index in range(count))
        return GroupLayout(tuple(boxes), bar, (), outer, above)

    def _bottom(self, group: GroupLayout) -> float:
        """Return the lower edge of the facets with their tick labels."""
        return min(box.y for box in group.facets) - self.below

    def _centered(self, group: GroupLayout, block: Box) -> GroupLayout:
        return group.moved(max(0, int((block.right - group.right(3.6 * self.em)) / 2)))

    def _stack(self, free: Box) -> tuple[Box, ...]:
        """Return the boxes of as many panels as fit, in as few columns as possible."""
        count = len(self.panels)
        sizes = [(columns, rows) for columns in range(1, count + 1) for rows in range(-(-count // columns), 0, -1)]

        def worth(boxes: Iterable[Box]) -> tuple[int, int]:
            """Return the number of panels, then the number of those that are not too wide."""
            narrow = [box.width <= 4.0 * box.height for box in boxes]
            return len(narrow), sum(narrow)

        return tuple(max((self._columns(free, *size) for size in sizes), key=worth, default=()))

    def _columns(self, free: Box, columns: int, rows: int) -> list[Box]:
        """Return the boxes of panels in columns; none if one of them is too small."""
        em, boxes = self.em, []
        shown = [self.panels[column * rows : (column + 1) * rows] for column in range(columns)]
        numbers = [self._numbers(panels) for panels in shown]
        wide = (free.width - sum(numbers) - (columns - 1) * em) / columns
        if wide < (SMALLEST_PANEL if columns > 1 else 9.0) * em:
            return []
        for column, panels in enumerate(shown):
            # Missing panels count as panels of curves, so that panels side by side are equally high.
            heights = self._heights([*panels, *[PanelRequest(0)] * (rows - len(panels))], free.height - AXIS * em, wide)
            if not heights:
                return []
            x = free.x + sum(numbers[: column + 1]) + column * (wide + em)
            lows = (free.top - np.cumsum(heights)).tolist()
            own = [Box(x, lows[row], wide, heights[row] - CAPTION * em) for row in range(len(panels))]
            if panels and not panels[-1].has_axis:
                # Without an axis, the panel moves down, so that the panel above has room for its tick labels.
                last = own[-1].moved(0, AXIS * em)
                own[-1] = last if len(panels) > 1 else replace(last, height=last.height + AXIS * em)
            boxes += own
        return boxes

    def _heights(self, panels: Sequence[PanelRequest], room: float, width: float) -> list[float]:
        """Return the heights of panels and their captions, in total at most `room`; none if there is not enough."""
        weights = np.array([panel.weight for panel in panels])
        least = np.array([panel.min_height + CAPTION for panel in panels]) * self.em
        if least.sum() > room:
            return []
        limits = [panel.max_height(width) + CAPTION * self.em if panel.max_height else math.inf for panel in panels]
        shares, most = weights / weights.sum(), np.array(limits)
        heights = room * shares
        if (heights < least).any():
            heights = least + (room - least.sum()) * shares
        # Panels without a maximum height get the height that the others do not need.
        growing = np.isinf(most)
        if growing.any():
            lower = np.minimum(heights, most)
            heights = lower + growing * (heights - lower).sum() / growing.sum()
        return [float(height) for height in heights]
