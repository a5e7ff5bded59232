"""Search over the possible layouts of a picture for the best one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product

from gdsim.render.layout import Box, GroupLayout, Layout, LayoutRequest, PanelRequest, em_size
from gdsim.render.legend import key_width
from gdsim.render.panels import panel_renderer
from gdsim.render.views import view_renderer
from gdsim.scene import Scene

__all__ = ["arrange", "missing_panels", "scene_layout", "unnamed_layers"]

PLAIN_PANEL, SMALLEST_WIDTH = PanelRequest(0), 11.0
"""The request of a plain panel of curves, and the minimum width of any panel in ems."""

SMALLEST_FACET = 6.5
"""The side of a square facet, in ems, that a layout should reach first; beyond it, the number of panels decides."""

MOST_OBLONG = 2.5
"""The maximum ratio of a view's sides; more elongated views are stretched, so that their axes differ in scale."""

COMFORTABLE = (1.0, 1.9)
"""The range of width-to-height ratios in which a facet's whole area counts in the score."""

KEY = 21.0
"""The width of the key beside the legend below several groups, in ems."""

NAMES = 20.0
"""The width of a column that contains only the legend and the key, in ems."""

LEGEND_LINES = (3.0, 1.6)
"""The heights of a legend entry that are tried, in ems: with the settings under the name, or beside it."""

CAPTION, AXIS, BAR, GAP = 1.9, 3.2, 4.3, 1.1
"""The height of a caption, the height of an axis with its tick labels and its name, the width of a color bar with its
tick labels, and the gap between two facets, in ems."""


def scene_layout(scene: Scene) -> Layout:
    """Return the best layout for a scene."""
    facets, em = scene.facets, em_size(scene.size, scene.theme.type)
    panels = tuple(panel_renderer(panel.kind).request(panel, em) for panel in scene.groups[0].panels)
    named, renderer = any(facet.style is not None for facet in facets), view_renderer(facets[0].model.kind)
    return arrange(
        LayoutRequest(
            size=scene.size,
            type_scale=scene.theme.type,
            aspects=tuple(renderer.aspect(group.facets[0], len(facets)) for group in scene.groups),
            facets=len(scene.groups[0].facets),
            named=named,
            digits=max(renderer.digits(facet) for facet in facets),
            color_bar=renderer.has_color_bar,
            legend=0 if named or any(panel.facet_share for panel in panels) else len(scene.styles),
            key=key_width(scene),
            panels=panels,
            panels_at=scene.panels_at,
        )
    )


def missing_panels(scene: Scene, layout: Layout) -> str:
    """Return a sentence that lists the panels for which there is no room; empty if all fit."""
    left = [panel.caption for panel in scene.groups[0].panels[len(layout.groups[0].panels) :]]
    if not left:
        return ""
    width, height = scene.size
    panels = f"panel{'s' * (len(left) > 1)} {', '.join(left)}"
    return f"{width} × {height} has no room for the {panels}: make the picture larger, or name fewer panels."


def unnamed_layers(scene: Scene, layout: Layout) -> str:
    """Return a sentence that lists the heat maps without room for layer names; empty if there are none."""
    pairs = [
        pair
        for group, place in zip(scene.groups, layout.groups, strict=True)
        for pair in zip(group.panels, place.panels, strict=False)
    ]
    left = [panel.caption for panel, box in pairs if panel_renderer(panel.kind).lacks_names(panel, box, layout.em)]
    found = " and ".join(dict.fromkeys(left))
    return f"The heat maps of {found} have no room for the names of the layers at this size." if left else ""


def arrange(request: LayoutRequest) -> Layout:
    """Try all candidate layouts, and return the one with the highest score."""
    return max(_Arranger(request).candidates(), key=lambda layout: _score(layout, request))


def _score(layout: Layout, request: LayoutRequest) -> tuple[float, int, float]:
    panels = sum(0.5 < box.width / box.height < 9.0 for group in layout.groups for box in group.panels)
    named = request.legend == 0 or (layout.legend is not None and layout.legend.height >= 2 * layout.em)
    boxes = [box for group in layout.groups for box in group.facets]
    smallest = min(math.sqrt(box.width * box.height) for box in boxes)
    low, high = COMFORTABLE
    area = sum(min(box.width, box.height * high) * min(box.height, box.width / low) for box in boxes)
    return min(smallest, SMALLEST_FACET * layout.em), panels + named, area


class _Arranger:
    """Generates the candidate layouts of one picture; its attributes are lengths in pixels that all of them share."""

    def __init__(self, request: LayoutRequest) -> None:
        self.request = request
        self.width, self.height = width, height = request.size
        self.em = em = em_size(request.size, request.type_scale)
        self.ticks = request.digits > 0 and min(width, height) >= 20 * em
        self.bar = 5.2 * em if request.color_bar and width >= 26 * em else 0.0
        self.top = height - (3.3 if height >= 20 * em else 2.6) * em
        self.left = (2.4 + 0.64 * request.digits) * em if self.ticks else 0.0
        self.below = AXIS * em if self.ticks else 0.0

    def candidates(self) -> Iterator[Layout]:
        request, em, columns = self.request, self.em, range(1, self.request.facets + 1)
        if len(request.panels) == 1 and request.panels[0].facet_share:
            yield self._table(request.panels[0].facet_share)
            return
        if len(request.aspects) > 1:
            yield from self._matrices()
            return
        sides = bool(request.panels or request.legend)
        if sides and request.panels_at != "under" and self.width >= 36 * em and self.height >= 20 * em:
            for settings in product(columns, (0.64, 0.58, 0.7, 0.5), LEGEND_LINES):
                yield self._beside(*settings)
        if sides and request.panels_at != "beside" and self.width >= 26 * em and self.height >= 30 * em:
            for count in columns:
                for share, line in product((0.6, 0.5, 0.7), LEGEND_LINES):
                    yield self._under(count, share, line)
                if request.legend and request.panels and self.width >= 44 * em:
                    for share, line in product((0.62, 0.55, 0.7), LEGEND_LINES):
                        yield self._over(count, share, line)
        yield from map(self._alone, columns)

    def _layout(self, groups: tuple[GroupLayout, ...], legend: Box | None, key: Box | None) -> Layout:
        em = self.em
        x = min(box.x for group in groups for box in group.facets)
        base = self.height - (1.95 if self.height >= 20 * em else 1.6) * em
        title, counter = Box(x, base, self.width - 10.5 * em - x, 2 * em), (self.width - 1.6 * em, base)
        return Layout(em, title, counter, groups, legend if self.request.legend else None, key, self.ticks)

    def _beside(self, columns: int, share: float, line: float) -> Layout:
        """Put the facets on the left, and the legend, the key and the panels in a column on the right."""
        request, em = self.request, self.em
        group = self._grid(Box(em, em, share * self.width - em, self.top - em), columns)
        x = group.right(BAR * em) + 1.5 * em
        column = Box(x, em, self.width - x - 1.6 * em, self.top - em)
        if not request.panels:
            # A legend without panels does not need the whole column.
            column = replace(column, width=min(column.width, NAMES * em))
            slack = int((self.width - 1.6 * em - column.right) / 2)
            group, column = group.moved(slack), column.moved(slack)
        legend, key = self._legend_and_key(column, line, 0.64 * column.height)
        # Without a legend and a key, the tops of the panels and the facets are aligned.
        top = key.y - 0.5 * em if request.legend or request.key else group.facets[0].top + CAPTION * em
        free = Box(column.x, column.y, column.width, top - column.y)
        panels = self._stack(free) if column.width >= 12 * em else ()
        return self._layout((replace(group, panels=panels),), legend, key)

    def _under(self, columns: int, share: float, line: float) -> Layout:
        """Put the facets at the top, the legend and the key below them, and the panels below or beside these."""
        request, em = self.request, self.em
        low = (1 - share) * self.height
        block = Box(em, low, self.width - 2.6 * em, self.top - low)
        group = self._centered(self._grid(block, columns), block)
        top = min(box.y for box in group.facets) - self.below - 0.6 * em
        strip = Box(1.6 * em, em, self.width - 3.2 * em, top - em)
        if not request.legend:
            x, high = max(group.facets[0].x, strip.x), self._key_height(strip.width)
            strip = Box(x, em, strip.right - x, strip.height)
            begin = max(x - self._numbers(request.panels[:1]), 0.4 * em)
            panels = self._stack(Box(begin, em, strip.right - begin, strip.height - high))
            key = Box(strip.x, strip.top - high + 0.4 * em, strip.width, high)
            return self._layout((replace(group, panels=panels),), None, key)
        legend, key = self._legend_and_key(strip, line, strip.height)
        panels = self._stack(Box(strip.x, strip.y, strip.width, key.y - 0.5 * em - strip.y))
        if len(panels) < len(request.panels):
            # Beside the panels, the legend does not reduce their height.
            wide = min(0.46 * strip.width, 30 * em)
            legend, key = self._legend_and_key(replace(strip, width=wide), LEGEND_LINES[0], strip.height)
            panels = self._stack(Box(strip.x + wide + em, strip.y, strip.width - wide - em, strip.height))
        return self._layout((replace(group, panels=panels),), legend, key)

    def _over(self, columns: int, share: float, line: float) -> Layout:
        """Put the facets at the top left, the legend and the key at the top right, and the panels below both."""
        em, low = self.em, (1 - share) * self.height
        group = self._grid(Box(em, low, self.width - (NAMES + 3.0) * em, self.top - low), columns)
        right = group.right(BAR * em)
        column = Box(right + 1.5 * em, low, min(self.width - right - 3.1 * em, 1.5 * NAMES * em), self.top - low)
        slack = max(0, int((self.width - 1.6 * em - column.right) / 2))
        group, column = group.moved(slack), column.moved(slack)
        legend, key = self._legend_and_key(column, line, column.height)
        top = min(min(box.y for box in group.facets) - self.below, key.y) - 0.6 * em
        panels = self._stack(Box(em, em, self.width - 2.6 * em, top - em))
        return self._layout((replace(group, panels=panels),), legend, key)

    def _alone(self, columns: int) -> Layout:
        """Put the facets over the whole picture, with a one-line legend or key below them and no panels."""
        request, em = self.request, self.em
        line = 1.6 * em if request.legend or self.ticks else 0.0
        block = Box(em, em + line, self.width - 2.2 * em, self.top - em - line)
        group = self._centered(self._grid(block, columns), block)
        slack = min(box.y for box in group.facets) - self.below - block.y
        group = group.moved(0, max(0, int(slack / 2)))
        x = group.facets[0].x
        row = Box(x, 0.4 * em, self.width - em - x, 1.4 * em)
        return self._layout((group,), row if request.legend else None, row if line and not request.legend else None)

    def _matrices(self) -> Iterator[Layout]:
        request, em, groups = self.request, self.em, len(self.request.aspects)
        names = 1.5 * max(0, min(3, -(-request.legend * 11 // max(int(self.width / em), 1)) - 1))
        bottom = (1.9 if request.named else 2.1 + names) * em
        room = Box(em, bottom, self.width - 2.6 * em, self.top - bottom)
        row = Box(room.x + self.left, 0.5 * em, self.width - 2.6 * em - self.left, bottom - 0.7 * em)
        both = bool(request.legend) and row.width >= 2 * KEY * em
        legend = replace(row, width=row.width - KEY * em) if both else row
        key = Box(legend.right, row.y, KEY * em, 1.4 * em) if both else None if request.legend else row
        shares, facets = (0.5, 0.62, 1.0), range(1, request.facets + 1)
        for columns, share, across in product(range(1, groups + 1), shares, facets):
            rows = -(-groups // columns)
            size = room.width / columns, room.height / rows
            places = [(index % columns, index // columns + 1) for index in range(groups)]
            corners = [(room.x + x * room.width / columns, room.top - y * room.height / rows) for x, y in places]
            cells = [Box(*corner, *size) for corner in corners]
            # In a narrow cell a color bar would take more room than the view that it explains.
            roomy = self if room.width >= 22.0 * columns * em else _Arranger(replace(request, color_bar=False))
            made = [roomy._cell(cell, index, share, across) for index, cell in enumerate(cells)]
            if not request.panels:
                made = _packed(made, cells[:columns], room, em)
            yield self._layout(tuple(made), legend, key)

    def _table(self, share: float) -> Layout:
        """Put each group in a row: a facet on the left, with `share` of the width, and the main panel on the right."""
        em, count = self.em, len(self.request.aspects)
        bottom = (2.4 if self.request.key else 1.0) * em
        room = Box(1.6 * em, bottom, self.width - 3.2 * em, self.top - bottom)
        groups = []
        for index, aspect in enumerate(self.request.aspects):
            top, low = (room.top - each * room.height / count for each in (index, index + 1))
            name = Box(room.x, top - 0.9 * em, room.width, 0.0) if count > 1 else None
            top -= ((1.2 if name else 0.0) + 3.0) * em
            width = min(share * room.width, (top - low - em) * (aspect or 1.0))
            height = width / (aspect or 1.0)
            facet = Box(round(room.x), round(top - height), int(width), int(height))
            x = facet.right + 1.5 * em
            panel = Box(x, low, room.right - x, top - low)
            groups.append(GroupLayout((facet,), None, (panel,), ((False, False),), 0.0, name))
        key = Box(room.x, 0.4 * em, room.width, 1.6 * em) if self.request.key else None
        return self._layout(tuple(groups), None, key)

    def _cell(self, cell: Box, group: int, share: float, columns: int) -> GroupLayout:
        """Return the layout of one of several objectives: its name, its facets in columns, and its panels."""
        em, panels = self.em, self.request.panels
        room = Box(cell.x, cell.y, cell.width - 1.2 * em, cell.height - 1.9 * em)
        if share == 1.0 or not panels:
            made = self._grid(room, columns, group)
        elif room.width > 1.6 * room.height:
            made = self._grid(replace(room, width=(0.3 + 0.7 * share) * room.width), columns, group)
            x = made.right(BAR * em) + em
            made = replace(made, panels=self._stack(Box(x, room.y, room.right - x, room.height)))
        else:
            block = Box(room.x, room.y + (1 - share) * room.height, room.width, share * room.height)
            made = self._grid(block, columns, group)
            # Align the left ends of the facet's and the panels' axes.
            x = max(made.facets[0].x - self._numbers(panels), room.x)
            top = min(box.y for box in made.facets) - self.below - 0.6 * em
            made = replace(made, panels=self._stack(Box(x, room.y, room.right - x, top - room.y)))
        x = made.facets[0].x
        return replace(made, name=Box(x, room.top + 0.5 * em, cell.right - x - em, 0.0))

    def _legend_and_key(self, column: Box, line: float, most: float) -> tuple[Box, Box]:
        """Return the boxes of the legend and the key at the top of a column, in total at most `most` high."""
        high = self._key_height(column.width)
        names = max(min(line * self.request.legend * self.em, most - high - 0.5 * self.em), 0.0)
        legend = Box(column.x, column.top - names, column.width, names)
        return legend, Box(column.x, legend.y - high, column.width, high)

    def _key_height(self, width: float) -> float:
        """Return the height of the key at a given width: one to three lines, or 0 if there is no key."""
        if not self.request.key:
            return 0.0
        lines = -(-self.request.key * self.em // max(width, 1.0))
        return (0.4 + 1.5 * min(max(lines, 1), 3)) * self.em

    def _numbers(self, panels: Sequence[PanelRequest]) -> float:
        """Return the width of the tick labels beside a column of panels."""
        return (1.4 + 0.64 * max((panel.digits for panel in panels), default=0)) * self.em

    def _grid(self, block: Box, columns: int, group: int = 0) -> GroupLayout:
        """Return facets of equal size in rows, from the upper left corner of a block."""
        if not self.request.named:
            return self._grid_under(block, columns, 0.0, group)
        # A wide facet has room for the settings under the name.
        roomy = self._grid_under(block, columns, (CAPTION + 1.3) * self.em, group)
        return (
            roomy
            if roomy.facets[0].width >= 13.0 * self.em
            else self._grid_under(block, columns, CAPTION * self.em, group)
        )

    def _grid_under(self, block: Box, columns: int, caption: float, group: int) -> GroupLayout:
        em, count, aspect = self.em, self.request.facets, self.request.aspects[group]
        rows, gap = -(-count // columns), GAP * em
        width = max((block.width - self.left - self.bar - (columns - 1) * gap) / columns, 1.0)
        height = max((block.height - self.below - rows * caption - (rows - 1) * gap) / rows, 1.0)
        if aspect is not None:
            # Very elongated views are stretched.
            aspect = min(max(aspect, 1 / MOST_OBLONG), MOST_OBLONG)
            width, height = min(width, height * aspect), min(height, width / aspect)
        boxes = []
        for index in range(count):
            row, column = divmod(index, columns)
            x = block.x + self.left + column * (width + gap)
            y = block.top - (row + 1) * (caption + height) - row * gap
            boxes.append(Box(round(x), round(y), int(width), int(height)))
        right, low = max(box.right for box in boxes), boxes[-1].y
        # Leave room above the color bar for its caption, within the height of the view.
        tall = boxes[0].top - low - 1.7 * em
        bar = Box(right + 0.9 * em, low, 0.9 * em, tall) if self.bar and tall > 4 * em else None
        # Where the last row has no facet, the facet above has the tick labels.
        outer = tuple((index + columns >= count, index % columns == 0) for index in range(count))
        return GroupLayout(tuple(boxes), bar, (), outer, caption)

    def _centered(self, group: GroupLayout, block: Box) -> GroupLayout:
        return group.moved(max(0, int((block.right - group.right(3.6 * self.em)) / 2)))

    def _stack(self, free: Box) -> tuple[Box, ...]:
        """Return the boxes of as many panels as fit, in as few columns as possible."""
        panels, em = self.request.panels, self.em
        best: tuple[Box, ...] = ()

        def worth(boxes: tuple[Box, ...]) -> tuple[int, int]:
            """Return the number of panels, then the number of those that are not too wide, if that matters."""
            if all(panel.stretches for panel in panels):
                return len(boxes), 0
            return len(boxes), sum(box.width <= 4.0 * box.height for box in boxes)

        for columns in range(1, len(panels) + 1):
            rows = -(-len(panels) // columns)
            while rows and any(self._least(column * rows, rows) > free.height for column in range(columns)):
                rows -= 1
            shown = [panels[column * rows : (column + 1) * rows] for column in range(columns)]
            numbers = [self._numbers(column) for column in shown]
            wide = (free.width - sum(numbers) - (columns - 1) * em) / columns
            if wide < SMALLEST_WIDTH * em and not (columns == 1 and wide >= 9 * em):
                continue
            made: list[Box] = []
            for column, own in enumerate(shown):
                x = free.x + sum(numbers[: column + 1]) + column * (wide + em)
                made += self._column(own, rows, replace(free, x=x, width=wide))
            best = max(best, tuple(made), key=worth)
        return best

    def _least(self, first: int, rows: int) -> float:
        """Return the minimum height of a column with its axis; missing panels count as panels of curves."""
        panels = self.request.panels[first : first + rows]
        heights = [panel.min_height for panel in panels] + [PLAIN_PANEL.min_height] * (rows - len(panels))
        return sum([*((height + CAPTION) * self.em for height in heights), AXIS * self.em])

    def _column(self, panels: Sequence[PanelRequest], rows: int, free: Box) -> Iterator[Box]:
        em, missing = self.em, [PLAIN_PANEL] * (rows - len(panels))
        heights = self._heights([*panels, *missing], free)
        for row, panel in enumerate(panels):
            used = (row + 1) * heights[0] if len(set(heights)) == 1 else sum(heights[: row + 1])
            box = Box(free.x, free.top - used, free.width, heights[row] - CAPTION * em)
            if row == len(panels) - 1 and not panel.has_axis:
                # Without an axis, the panel moves down, so that the panel above has room for its tick labels.
                box = replace(box, y=box.y - AXIS * em, height=box.height + (0.0 if row else AXIS * em))
            yield box

    def _heights(self, panels: Sequence[PanelRequest], free: Box) -> list[float]:
        """Return the heights of the panels of a column, including their captions."""
        room, weight = free.height - AXIS * self.em, sum(panel.weight for panel in panels)
        least = [(panel.min_height + CAPTION) * self.em for panel in panels]
        heights = [room * panel.weight / weight for panel in panels]
        if any(height < low for height, low in zip(heights, least, strict=True)):
            # Give each panel its minimum height, and divide the rest by weight.
            rest = room - sum(least)
            heights = [low + rest * panel.weight / weight for low, panel in zip(least, panels, strict=True)]
        most = [panel.max_height(free.width) + CAPTION * self.em if panel.max_height else math.inf for panel in panels]
        # Panels without a maximum height get the height that the others do not need.
        growing = most.count(math.inf)
        if not growing:
            return heights
        spare = sum(max(height - limit, 0.0) for height, limit in zip(heights, most, strict=True)) / growing
        return [
            height + spare if limit == math.inf else min(height, limit)
            for height, limit in zip(heights, most, strict=True)
        ]


def _packed(groups: Sequence[GroupLayout], cells: Sequence[Box], room: Box, em: float) -> list[GroupLayout]:
    """Make columns as narrow as their groups allow, and center them in the room."""
    columns = len(cells)
    used = [max(group.right(BAR * em) for group in groups[i::columns]) - cell.x for i, cell in enumerate(cells)]
    gap = min(3.0 * em, (room.width - sum(used)) / max(columns - 1, 1))
    begin = room.x + max(0.0, (room.width - sum(used) - (columns - 1) * gap) / 2)
    packed = []
    for index, group in enumerate(groups):
        column = index % columns
        right = int(begin + sum(used[:column]) + column * gap - cells[column].x)
        name = group.name and replace(group.name.moved(right), width=min(group.name.width, used[column]))
        packed.append(replace(group.moved(right), name=name))
    return packed
