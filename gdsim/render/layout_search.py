"""Search for the best layout of a picture."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product, starmap
from typing import Literal

import numpy as np

from gdsim.render.layout import ONE_LINE, TWO_LINES, Box, ColorBar, GroupLayout, Layout, PanelRequest

# Lengths in ems.
CAPTION, BAR = 1.9, 4.3  # the height of a caption, and the width of a color bar with its tick labels
AXIS, AXIS_NAME = 3.2, 1.4  # the height of an axis with its name, and of the name alone
GAP = 1.1  # between two facets
KEY = 21.0  # the width of the key beside the legend below several groups
NAMES = 20.0  # the width of a column that contains only the legend and the key
LEGEND_LINES = (3.0, 1.6)  # the heights of a legend entry: with the settings under the name, or beside it
MARGIN = 1.6  # between the text of the header and the edges of the picture
TITLE, SUBTITLE, HEADER = 2.25, 4.1, 5.2  # from the upper edge: the baselines of the header, and where the rest begins
LOW, LOW_HEADER = 1.6, 2.6  # likewise, for a header of one line
NOTES, FORMULA = 1.1, 1.7  # the heights of notes above the view, and of a line for the formula
COUNTER = 9.0  # the width of the step counter
LINE = 1.6  # the height of a line of the legend in which entries follow each other
ROW_NAME, COLUMN_NAME = 10.5, 2.0  # the width of the names beside a matrix, and the height of those above it
SMALLEST_PANEL = 11.0  # the minimum width of a panel
SMALLEST_FACETS = (10.0, 6.5, 5.5)  # up to this side of a square facet, its size decides: one, one group, or several

SHARES = (0.34, 0.4, 0.46, 0.5, 0.54, 0.58, 0.62, 0.66, 0.7, 0.74, 0.78)  # candidate shares of the facets
LARGE_SHARES = (0.82, 0.86, 0.9, 0.94)  # likewise, where only a legend is below them
EMPTY, CUT = 10.0, 2.0  # the weights of the empty share of the page and of text that is cut in the score
# The weights of the area of views against that of panels in the score: in a picture with a side below this number of
# ems, in which legends need their room, and in a larger one, where views are looked at first.
SMALL, VIEWS = 30.0, (2.0, 3.0)

# Ratios of width to height.
FACET_SHAPES, PANEL_SHAPES = (0.7, 1.9), (1.1, 2.6)  # between these, the whole area counts in the score
MOST_OBLONG = 2.5  # more elongated views are stretched, so that their axes differ in scale
STRETCH, MATRIX_STRETCH = 1.6, 2.0  # how much the views of several groups, or of a matrix, may be stretched


@dataclass
class LayoutSearch:
    """The parts that a picture must contain, and a search over the layouts that do.

    Attributes:
        size: Width and height in pixels.
        em: The font size of plain text, in pixels.
        titled: Whether there is a title above the subtitle.
        aspects: For each group, the width-to-height ratio of what its facets show; None for any.
        facets: The number of facets of each group.
        named: Whether names are beside the facets instead of in a legend.
        digits: The number of characters of the longest tick label on a facet's vertical axis; 0 for no tick labels.
        needs_names: Whether the axes of every facet need their names, unlike x and y, which many small views omit.
        color_bar: Whether there is a color bar: "optional" only where there is room.
        legend: The number of legend entries.
        entry_widths: The widths of a legend with the settings beside the names and under them, in ems.
        name_width: The width of the longest name above a facet, in ems.
        notes_above: Whether there are notes of exits above the facet.
        axis_names: Whether the axes of facets have names in a candidate.
        formula_line: Whether the formula has a line of its own under the subtitle.
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
    color_bar: ColorBar
    legend: int
    key: float
    panels: tuple[PanelRequest, ...]
    panels_at: Literal["beside", "under"] | None
    entry_widths: tuple[float, float] = (0.0, 0.0)
    name_width: float = 0.0
    notes_above: bool = False
    needs_names: bool = False
    axis_names: bool = True
    formula_line: bool = False

    def __post_init__(self) -> None:
        """Compute lengths in pixels that all candidates share."""
        em = self.em
        width, height = self.size
        self.ticks = self.digits > 0 and min(width, height) >= 20 * em
        # Beside many small views, a color bar would take more room than each of them.
        has_room = self.color_bar == "optional" and self.facets <= 4 and width >= 26 * em
        self.bar = 5.2 * em if has_room or self.color_bar == "required" else 0.0
        self.lines = 2 if self.titled and height >= 20 * em else 1
        more = NOTES * self.notes_above + FORMULA * self.formula_line
        top = height - ((HEADER if self.lines == 2 else LOW_HEADER) + more) * em
        self.room = Box(0.9 * em, 0.9 * em, width - (MARGIN + 0.9) * em, top - 0.9 * em)
        named = AXIS_NAME * em * self.axis_names
        self.left = (1.0 + 0.64 * self.digits) * em + named if self.ticks else 0.7 * em
        self.below = (AXIS - AXIS_NAME) * em + named if self.ticks else 0.0

    def header(self) -> Layout:
        """Return a layout that has only the header."""
        return self._layout((), None, None)

    def best(self) -> Layout:
        """Return the candidate layout with the highest score."""
        return max(self._candidates(), key=self._score)

    def _score(self, layout: Layout) -> tuple[float, int, float]:
        """Score a layout, first by the smallest facet up to a limit, then by the number of parts with room.

        Then the score is the logarithm of the areas of views and panels, without what makes them oblong, so that one
        does not grow at the cost of the other, less the share of the page that is empty, and less if text is cut.
        """
        em, groups, (width, height) = self.em, layout.groups, self.size
        facets = [box for group in groups for box in group.facets]
        panels = [box for group in groups for box in group.panels]
        fitting = [box for box in panels if 0.5 < box.width / box.height < 9.0]
        smallest = min(math.sqrt(box.width * box.height) for box in facets)
        size = (
            VIEWS[min(width, height) >= SMALL * em]
            * sum(math.log(_useful(box, FACET_SHAPES)) for box in facets)
            / len(facets)
        )
        if fitting:
            size += sum(math.log(_useful(box, PANEL_SHAPES)) for box in fitting) / len(fitting)
        empty = 1 - self._used(layout) / (width * height)
        named, wide = self._legible(layout)
        size -= EMPTY * empty + CUT * (not wide)
        limit = SMALLEST_FACETS[(len(facets) > 1) + (len(groups) > 1)]
        return min(smallest, limit * em), len(fitting) + named, size

    def _legible(self, layout: Layout) -> tuple[int, bool]:
        """Return how many of names and settings have lines in the legend, and whether these are long enough."""
        one_line, two_lines = (width * self.em for width in self.entry_widths)
        if (box := layout.legend) is None:
            boxes = [box for group in layout.groups for box in group.names if box]
            return 2 * (self.legend == 0), all(box.width >= self.name_width * self.em for box in boxes)
        height = box.height / (self.em * self.legend)
        beside, under = height >= ONE_LINE and box.width >= one_line, height >= TWO_LINES
        return int(box.height >= 1.4 * self.em) + (beside or under), beside or (under and box.width >= two_lines)

    def _used(self, layout: Layout) -> float:
        """Return the area of all parts with their tick labels and captions, in pixels."""
        em, used = self.em, self.size[0] * (self.size[1] - self.room.top)
        for group in layout.groups:
            left, low = min(box.x for box in group.facets), min(box.y for box in group.facets)
            right = group.right(BAR * em)
            used += (right - left + self.left) * (max(box.top for box in group.facets) - low + self.below)
            used += sum((box.width + self._numbers(self.panels)) * (box.height + 2 * em) for box in group.panels)
        if layout.legend is not None:
            lines = min(layout.legend.height, self.legend * LEGEND_LINES[0] * em)
            used += lines * min(layout.legend.width, 0.8 * NAMES * em)
        return used + (layout.key.height * min(layout.key.width, self.key * em) if layout.key is not None else 0.0)

    def _candidates(self) -> Iterator[Layout]:
        em, (width, height), columns = self.em, self.size, self._numbers_of_columns()
        if len(self.panels) == 1 and self.panels[0].facet_share:
            yield self._table(self.panels[0].facet_share)
            return
        if len(self.aspects) > 1:
            yield from self._cells()
            if self.named:
                yield from starmap(self._matrix, product((True, False), (0.0, 0.25, 0.32, 0.4)))
            return
        sides = bool(self.panels or self.legend)
        if sides and self.panels_at != "under" and width >= 34 * em and height >= 20 * em:
            yield from starmap(self._beside, product(columns, SHARES, LEGEND_LINES, (True, False)))
        if sides and self.panels_at != "beside" and width >= 24 * em and height >= 26 * em:
            shares = SHARES if self.panels else (*SHARES, *LARGE_SHARES)
            yield from starmap(self._under, product(columns, SHARES, LEGEND_LINES, (False,)))
            yield from starmap(self._under, product(columns, shares, (LEGEND_LINES[1], 0.0), (True,)))
            if (self.legend or self.key) and len(self.panels) > 2:
                yield from starmap(self._over, product(columns, SHARES, LEGEND_LINES))
        yield from map(self._alone, columns)

    def _numbers_of_columns(self) -> set[int]:
        """Return the smallest number of columns of facets for each number of rows; more would be smaller."""
        return {-(-self.facets // rows) for rows in range(1, self.facets + 1)}

    def _layout(self, groups: Sequence[GroupLayout], legend: Box | None, key: Box | None) -> Layout:
        em, (width, height) = self.em, self.size
        legend = legend if self.legend else None
        x, right, low = MARGIN * em, width - MARGIN * em, height - (SUBTITLE if self.lines == 2 else LOW) * em
        whole = Box(x, height - TITLE * em, right - x, 1.9 * em)
        beside = Box(x, low, right - COUNTER * em - x, 1.4 * em)
        header = (whole, beside) if self.lines == 2 else (beside, None if self.titled else beside)
        formula = Box(x, low - FORMULA * em, right - x, 1.4 * em) if self.formula_line else None
        return Layout(em, *header, (right, low), tuple(groups), legend, key, self.ticks, self.axis_names, formula)

    def _beside(self, columns: int, share: float, line: float, aligned: bool) -> Layout:
        """Put the facets on the left, and the legend, the key and the panels in a column on the right.

        If `aligned`, the column ends where the facets do.
        """
        room = self.room
        # A legend without panels does not need the whole column.
        widest = math.inf if self.panels else NAMES * self.em
        group, column = self._with_column(replace(room, width=share * room.width), columns, widest)
        if aligned:
            column = column.between(min(self._bottom(group), column.top - 12 * self.em), column.top)
        legend, key = self._legend_and_key(column, line, 0.64 * column.height)
        # Without a legend and a key, the tops of the panels and the facets are aligned.
        top = key.y - 0.5 * self.em if self.legend or self.key else group.facets[0].top + CAPTION * self.em
        return self._layout([replace(group, panels=self._stack(column.between(column.y, top)))], legend, key)

    def _over(self, columns: int, share: float, line: float) -> Layout:
        """Put the facets at the top left, the legend and the key at the top right, and the panels below both."""
        room = self.room
        block = Box(room.x, room.top - share * room.height, room.width - NAMES * self.em, share * room.height)
        group, column = self._with_column(block, columns, 1.5 * NAMES * self.em)
        legend, key = self._legend_and_key(column, line, column.height)
        panels = self._stack(self._panel_room(group, min(self._bottom(group), key.y) - 0.6 * self.em))
        return self._layout([replace(group, panels=panels)], legend, key)

    def _with_column(self, block: Box, columns: int, widest: float) -> tuple[GroupLayout, Box]:
        """Return facets in a block and a column to the right of them, centered if the column has its maximum width."""
        group = self._grid(block, columns)
        x = group.right(BAR * self.em) + 1.5 * self.em
        column = Box(x, block.y, min(self.room.right - x, widest), block.height)
        slack = max(0, int((self.room.right - column.right) / 2))
        return group.moved(slack), column.moved(slack)

    def _under(self, columns: int, share: float, line: float, stacked: bool) -> Layout:
        """Put the facets at the top, and the panels below them, either beside the legend or below its lines.

        Args:
            columns: The number of columns of facets.
            share: The facets' share of the height.
            line: The height of a legend entry; 0 for entries that follow each other in lines.
            stacked: Whether the legend is above the panels.
        """
        em, room = self.em, self.room
        block = room.between(room.top - share * room.height, room.top)
        group = self._centered(self._grid(block, columns), block)
        strip = self._panel_room(group, self._bottom(group) - 0.5 * em)
        strip = Box(room.x + 0.7 * em, strip.y, room.width - 0.7 * em, strip.height)
        if stacked or not self.legend:
            following = LINE * self._lines(strip.width) / max(self.legend, 1)
            legend, key = self._legend_and_key(strip, line or following, strip.height)
            panels = self._stack(self._panel_room(group, key.y - 0.3 * em))
        else:
            wide = min(0.5 * strip.width, NAMES * em)
            legend, key = self._legend_and_key(replace(strip, width=wide), line, strip.height)
            panels = self._stack(Box(strip.x + wide + em, strip.y, strip.width - wide - em, strip.height))
        return self._layout([replace(group, panels=panels)], legend, key)

    def _panel_room(self, group: GroupLayout, top: float) -> Box:
        """Return the room below a height, in which the axes of panels begin below those of facets."""
        x = max(group.facets[0].x - self._numbers(self.panels[:1]), 0.4 * self.em)
        return Box(x, self.room.y, self.room.right - x, top - self.room.y)

    def _alone(self, columns: int) -> Layout:
        """Put the facets over the whole picture, with a one-line legend or key below them and no panels."""
        em, room = self.em, self.room
        line = 1.3 * em if self.legend or self.ticks else 0.0
        block = room.between(room.y + line, room.top)
        group = self._centered(self._grid(block, columns), block)
        group = group.moved(0, max(0, int((self._bottom(group) - block.y) / 2)))
        x = group.facets[0].x
        row = Box(x, 0.4 * em, room.right - x, 1.4 * em)
        return self._layout([group], *self._row(row if line else None))

    def _row(self, row: Box | None) -> tuple[Box | None, Box | None]:
        """Return the boxes of the legend and the key in a row, or of only one if there is no room for two."""
        if row is None or not self.legend:
            return None, row
        wide = row.width - KEY * self.em
        if wide < KEY * self.em:
            return row, None
        return replace(row, width=wide), Box(row.x + wide, row.top - 1.4 * self.em, KEY * self.em, 1.4 * self.em)

    def _lines(self, width: float) -> int:
        """Return about how many lines a legend needs whose entries follow each other."""
        return min(-(-self.legend * 9 // max(int(width / self.em), 1)), 3)

    def _cells(self) -> Iterator[Layout]:
        """Give each of several groups a cell with its name, its facets and its panels."""
        em, groups = self.em, len(self.aspects)
        lines = self._lines(self.size[0])
        bottom = (1.0 if self.named else 0.5 + 1.5 * lines) * em if self.legend or self.ticks else 0.0
        room = self.room.between(self.room.y + bottom, self.room.top)
        row = Box(room.x + 0.7 * em, 0.5 * em, room.width, bottom + 0.3 * em)
        for columns, share, across in product(range(1, groups + 1), (*SHARES, 1.0), self._numbers_of_columns()):
            # In a narrow cell a color bar would take more room than the view that it explains.
            has_room = self.color_bar == "required" or room.width >= 30.0 * columns * em
            roomy = self if has_room else replace(self, color_bar="none")
            cells = enumerate(self._split(room, columns, groups))
            yield self._layout([roomy._cell(cell, index, share, across) for index, cell in cells], *self._row(row))

    def _split(self, room: Box, columns: int, count: int) -> list[Box]:
        """Return `count` equal cells in columns, row by row."""
        width, height = room.width / columns, room.height / -(-count // columns)
        places = [(index % columns, index // columns + 1) for index in range(count)]
        return [Box(room.x + x * width, room.top - y * height, width, height) for x, y in places]

    def _cell(self, cell: Box, group: int, share: float, columns: int) -> GroupLayout:
        """Return the layout of one of several objectives: its name, its facets in columns, and its panels."""
        em, stretch = self.em, 1.0 if self.named else STRETCH
        room = Box(cell.x, cell.y, cell.width - 1.2 * em, cell.height - 1.9 * em)
        if room.width > 1.6 * room.height:
            made = self._grid(replace(room, width=share * room.width), columns, group, stretch=stretch)
            x, top = made.right(BAR * em) + em, room.top
        else:
            views = room.between(room.top - share * room.height, room.top)
            made = self._grid(views, columns, group, stretch=stretch)
            # Align the left ends of the facet's and the panels' axes.
            x = max(made.facets[0].x - self._numbers(self.panels), room.x)
            top = self._bottom(made) - 0.6 * em
        panels = self._stack(Box(x, room.y, room.right - x, top - room.y))
        made = made if panels else self._centered(made, room)
        x = made.facets[0].x
        return replace(made, panels=panels, name=Box(x, room.top + 0.4 * em, cell.right - x - em, 1.5 * em))

    def _matrix(self, columns: bool, share: float) -> Layout:
        """Put the facets of each group in a column, or in a row, with all names once at the left and above.

        Args:
            columns: Whether the groups are the columns.
            share: The share of each column's height, or row's width, for the group's panels.
        """
        em, groups = self.em, len(self.aspects)
        side, top = min(ROW_NAME * em, 0.2 * self.size[0]), (COLUMN_NAME if columns else COLUMN_NAME + 1.3) * em
        room = Box(self.room.x + side, self.room.y + em, self.room.width - side, self.room.height - top - em)
        made = []
        bare = self if self.needs_names else replace(self, color_bar="none", axis_names=False)
        for index, cell in enumerate(self._split(room, groups if columns else 1, groups)):
            if columns:
                views, rest = cell.between(cell.y + share * cell.height, cell.top), cell.between(cell.y, cell.top)
                rest = rest.between(rest.y, rest.y + share * cell.height - 0.6 * em)
            else:
                views = replace(cell, width=(1 - share) * cell.width)
                rest = Box(views.right, cell.y, cell.right - views.right, cell.height + CAPTION * em)
            group = bare._grid(views, 1 if columns else self.facets, index, stretch=MATRIX_STRETCH, captions=False)
            if columns:
                # Align the left ends of the facets' and the panels' axes.
                x = max(group.facets[0].x - self._numbers(self.panels), cell.x)
                rest = replace(rest, x=x, width=cell.right - x)
            made.append(replace(group, panels=self._stack(rest) if share else ()))
        x, key = self.room.x + 0.7 * em, Box(self.room.x + 0.7 * em, 0.4 * em, self.room.width, 1.5 * em)
        for index, group in enumerate(made):
            first = group.facets[0]
            beside = [Box(x, box.y, side - em, box.height) for box in group.facets]
            above = [Box(box.x, box.top, box.width, top) for box in group.facets]
            name = above[0] if columns else Box(x, first.y, side - em, first.height)
            names = (beside if columns else above) if index == 0 else [None] * len(beside)
            made[index] = replace(group, name=name, names=tuple(names))
        return bare._layout(made, *self._row(key))

    def _table(self, share: float) -> Layout:
        """Put each group in a row: a facet on the left, with `share` of the width, and the main panel on the right."""
        em, groups = self.em, []
        bottom = (2.4 if self.key else 1.0) * em
        room = Box(1.6 * em, bottom, self.size[0] - 3.2 * em, self.room.top - bottom)
        for index, cell in enumerate(self._split(room, 1, len(self.aspects))):
            name = Box(cell.x, cell.top - 1.2 * em, cell.width, 1.5 * em) if len(self.aspects) > 1 else None
            top = cell.top - (4.2 if name else 3.0) * em
            group = self._grid(replace(cell.between(cell.y + em, top), width=share * cell.width), 1, index)
            x = group.right(BAR * em) + 1.5 * em
            panel = Box(x, cell.y, cell.right - x, top - cell.y)
            groups.append(replace(group, panels=(panel,), name=name))
        return self._layout(groups, None, Box(room.x, 0.4 * em, room.width, 1.6 * em) if self.key else None)

    def _legend_and_key(self, column: Box, line: float, most: float) -> tuple[Box, Box]:
        """Return the boxes of the legend and the key at the top of a column, in total at most `most` high."""
        high = 0.0
        if self.key:
            lines = -(-self.key * self.em // max(column.width, 1.0))
            high = (0.4 + 1.5 * min(max(lines, 1), 3)) * self.em
        names = max(min(line * self.legend * self.em, most - high - 0.5 * self.em), 0.0) if self.legend else 0.0
        legend = Box(column.x, column.top - names, column.width, names)
        return legend, Box(column.x, legend.y - high, column.width, high)

    def _numbers(self, panels: Sequence[PanelRequest]) -> float:
        """Return the width of the tick labels beside a column of panels."""
        return (1.4 + 0.64 * max((panel.digits for panel in panels), default=0)) * self.em

    def _grid(
        self, block: Box, columns: int, group: int = 0, *, stretch: float = 1.0, captions: bool = True
    ) -> GroupLayout:
        """Return facets of equal size in rows, from the upper left corner of a block."""
        em, count, aspect = self.em, self.facets, self.aspects[group]
        rows, gap, bar = -(-count // columns), GAP * em, self.bar
        for caption in (CAPTION + 1.3, CAPTION) if self.named and captions else (0.0,):
            above = caption * em
            width = max((block.width - self.left - bar - (columns - 1) * gap) / columns, 1.0)
            height = max((block.height - self.below - rows * above - (rows - 1) * gap) / rows, 1.0)
            if aspect is not None:
                low, high = (
                    min(max(each, 1 / MOST_OBLONG), MOST_OBLONG) for each in (aspect / stretch, aspect * stretch)
                )
                width, height = min(width, height * high), min(height, width / low)
            # A wide facet has room for the settings under the name.
            if int(width) >= 11.5 * em:
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
        scale = Box(right + 0.9 * em, low, 0.9 * em, tall) if bar and tall > 4 * em else None
        # Where the last row has no facet, the facet above has the tick labels.
        outer = tuple((index + columns >= count, index % columns == 0) for index in range(count))
        names = tuple(Box(box.x, box.top, box.width, above) if above else None for box in boxes)
        return GroupLayout(tuple(boxes), scale, (), outer, names)

    def _bottom(self, group: GroupLayout) -> float:
        """Return the lower edge of the facets with their tick labels."""
        return min(box.y for box in group.facets) - self.below

    def _centered(self, group: GroupLayout, block: Box) -> GroupLayout:
        return group.moved(max(0, int((block.right - group.right(3.6 * self.em)) / 2)))

    def _stack(self, free: Box) -> tuple[Box, ...]:
        """Return the boxes of as many panels as fit, in as few columns as possible."""
        count = len(self.panels)
        sizes = [(columns, rows) for columns in range(1, count + 1) for rows in range(-(-count // columns), 0, -1)]
        found: list[list[Box]] = [self._columns(free, *size) for size in sizes] or [[]]
        best = max(found, key=lambda boxes: (len(boxes), sum(math.log(_useful(box, PANEL_SHAPES)) for box in boxes)))
        return tuple(best)

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


def _useful(box: Box, shapes: tuple[float, float]) -> float:
    """Return the area of a box in pixels, without what makes it narrower or wider than two ratios."""
    low, high = shapes
    return max(min(box.width, high * box.height) * min(box.height, box.width / low), 1.0)
