"""A table of figures as PowerPoint's own tables: the columns that fit, and as many rows a slide as can be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls
from pptx.util import Emu, Pt

from gdsim.analysis import Column, Table
from gdsim.slides.layout import Box, rgb
from gdsim.slides.text import plain

__all__ = ["Colors", "Sheet", "draw_table", "sheets"]

Colors = Mapping[tuple[str, str], str]
"""Objective and optimizer of a row → the colour of its path."""

LEFT_OUT = (
    *("starts", "steps_to_tolerance", "detour", "mean_angle", "evaluations", "accuracy", "test_loss", "final_value"),
    *("settings", "never", "diverged", "distance_to_minimum", "stopped", "best_value", "solved"),
)
"""The columns that a slide goes without where it is too narrow for all, the first to go first."""

SIZES = (16.0, 14.0, 12.0)
"""Sizes of type in points on a slide of 7.5 inches; columns are left out down to the second, not the third.

A smaller one is taken where an objective's rows stand on one slide in it alone.
"""

FOLDED = 18.0
"""Words fold when they are wider, in ems."""

SWATCH = 1.4
"""How wide the square in a path's colour is with the blank after it, in ems."""

MARGIN = 0.5
"""What stands free to the left and to the right of the words of a cell, in ems."""

APART = 0.75
"""What stands free above and below them together."""

LINE = 1.22
"""How high a line of type is, in ems."""

NO_STYLE = "{2D5ABB26-0587-4C30-8999-92F81FD0307C}"
"""PowerPoint's name for a table without lines and fills."""


@dataclass(frozen=True)
class Sheet:
    """The part of a table that stands on one slide.

    Args:
        columns: The columns, whole.
        rows: Which of their cells are shown.
        points: The size of type.
        widths: How wide each column is, in ems.
        heights: How high the heading and each row are, in ems.
    """

    columns: tuple[Column, ...]
    rows: range
    points: float
    widths: tuple[float, ...]
    heights: tuple[float, ...]


def sheets(table: Table, rooms: Sequence[Box], scale: float) -> list[Sheet]:
    """Divide a table into sheets.

    Args:
        table: The table.
        rooms: The room on the first slide, and on each further one.
        scale: The size of type against that on a slide of 7.5 inches.
    """
    width = rooms[0].width / Pt(1) / scale
    largest, columns = _fitting(table.columns(), width)
    objectives = [row.objective for row in table]
    made = [_divided(objectives, columns, rooms, size, scale) for size in SIZES if size <= largest]
    return next((each for each in made if not _is_torn(objectives, each)), made[0])


def _is_torn(objectives: Sequence[str], made: Sequence[Sheet]) -> bool:
    """Whether a sheet begins amidst an objective's rows."""
    starts = [sheet.rows.start for sheet in made[1:]]
    return any(objectives[row] == objectives[row - 1] for row in starts)


def _divided(
    objectives: Sequence[str], columns: tuple[Column, ...], rooms: Sequence[Box], size: float, scale: float
) -> list[Sheet]:
    """Divide columns into sheets in a size of type."""
    points = size * scale
    widths = _widths(columns, rooms[0].width / Pt(1) / points)
    lines = [_lines([column.heading for column in columns], columns, widths, bold=True)]
    lines += [_lines(cells, columns, widths) for cells in zip(*(each.words for each in columns), strict=True)]
    heights = [LINE * count + APART for count in lines]
    made: list[Sheet] = []
    first = 0
    while first < len(objectives):
        room = rooms[min(len(made), len(rooms) - 1)].height / Pt(1) / points
        last = _last(first, objectives, heights, room)
        made.append(Sheet(columns, range(first, last), points, widths, (heights[0], *heights[first + 1 : last + 1])))
        first = last
    return made


def _fitting(columns: Sequence[Column], width: float) -> tuple[float, tuple[Column, ...]]:
    """The size of type, and the columns that have room in it.

    Args:
        columns: All that there are.
        width: The room, in points on a slide of 7.5 inches.
    """
    kept = tuple(columns)
    for name in LEFT_OUT:
        if sum(map(_needed, kept)) <= width / SIZES[1]:
            break
        kept = tuple(column for column in kept if column.name != name)
    needed = sum(map(_needed, kept))
    return next((size for size in SIZES if needed <= width / size), SIZES[-1]), kept


def _needed(column: Column) -> float:
    """How wide a column must be, in ems."""
    longest = max(map(_ems, column.words))
    words = longest if column.figures else min(longest, FOLDED)
    swatch = SWATCH * (column.name == "optimizer")
    return max(words + swatch, *(_ems(word, bold=True) for word in column.heading.split())) + 2 * MARGIN


NARROW, BROAD = frozenset("fijlrtI.,:;'|!()[]·/- "), frozenset("mwMW%@—→−+=<>≤≥≈∇")


def _ems(words: str, *, bold: bool = False) -> float:
    """About how wide words are in a broad type such as Verdana, in ems."""
    width = sum(
        0.46 if sign in NARROW else 0.98 if sign in BROAD else 0.76 if sign.isupper() else 0.65 for sign in words
    )
    return width * (1.14 if bold else 1.0)


def _widths(columns: Sequence[Column], room: float) -> tuple[float, ...]:
    """The widths that share the room, in ems: what is spare goes to all columns alike."""
    needed = [_needed(column) for column in columns]
    spare = max(room - sum(needed), 0.0) / len(columns)
    total = sum(needed) + spare * len(columns)
    return tuple((each + spare) * room / total for each in needed)


def _lines(cells: Sequence[str], columns: Sequence[Column], widths: Sequence[float], *, bold: bool = False) -> int:
    """How many lines the highest of the cells has."""
    counts = [1]
    for cell, column, width in zip(cells, columns, widths, strict=True):
        inside = width - 2 * MARGIN - SWATCH * (column.name == "optimizer" and not bold)
        signs = inside / (_ems(cell, bold=bold) / max(len(cell), 1) or 1.0)
        counts.append(len(wrap(cell, max(int(signs), 1))))
    return max(counts)


def _last(first: int, objectives: Sequence[str], heights: Sequence[float], room: float) -> int:
    """Behind which row a sheet ends that begins with a given one: with an objective's last, where that can be."""
    used, last = heights[0], first
    while last < len(objectives) and (last == first or used + heights[last + 1] <= room):
        used += heights[last + 1]
        last += 1
    if last == len(objectives):
        return last
    ends = [row for row in range(first + 1, last + 1) if objectives[row] != objectives[row - 1]]
    return ends[-1] if ends else last


def draw_table(slide: Any, sheet: Sheet, box: Box, colors: Colors, keys: Sequence[tuple[str, str]]) -> Any:
    """Draw a sheet of a table on a slide, and return its shape.

    Args:
        slide: The slide.
        sheet: What is shown.
        box: Where; the table may be less high.
        colors: The colours of paths.
        keys: Objective and optimizer of each row of the whole table.
    """
    em = Pt(sheet.points)
    height = round(sum(sheet.heights) * em)
    shape = slide.shapes.add_table(
        len(sheet.rows) + 1, len(sheet.columns), *map(Emu, (box.left, box.top, box.width, height))
    )
    made = shape.table
    (style,) = shape.element.xpath(".//a:tableStyleId")
    style.text = NO_STYLE
    made.horz_banding = False
    for place, width in enumerate(sheet.widths):
        made.columns[place].width = Emu(round(width * em))
    for place, row_height in enumerate(sheet.heights):
        made.rows[place].height = Emu(round(row_height * em))
    for place, column in enumerate(sheet.columns):
        _write(made.cell(0, place), column.heading, column, sheet.points, heading=True)
        for line, row in enumerate(sheet.rows, 1):
            color = colors.get(keys[row]) if column.name == "optimizer" else None
            _write(made.cell(line, place), column.words[row], column, sheet.points, color=color)
    if sheet.columns[0].name == "objective":
        _merge(made, [keys[row][0] for row in sheet.rows])
    return shape


def _write(
    cell: Any, words: str, column: Column, points: float, *, color: str | None = None, heading: bool = False
) -> None:
    cell.margin_left = cell.margin_right = Pt(points * MARGIN)
    cell.margin_top = cell.margin_bottom = Pt(points * APART / 2)
    cell.vertical_anchor = MSO_ANCHOR.BOTTOM if heading else MSO_ANCHOR.MIDDLE
    paragraph = cell.text_frame.paragraphs[0]
    paragraph.alignment = PP_ALIGN.RIGHT if column.figures else PP_ALIGN.LEFT
    if color is not None:
        _run(paragraph, "■ ", points).font.color.rgb = rgb(color)
    run = _run(paragraph, words, points)
    run.font.bold = heading
    _rule(cell, heading=heading)


def _run(paragraph: Any, words: str, points: float) -> Any:
    run = paragraph.add_run()
    run.text = plain(words)
    run.font.size = Pt(points)
    run._r.get_or_add_rPr().set("lang", "en-GB")
    return run


def _rule(cell: Any, *, heading: bool) -> None:
    """Draw a line under a cell, a quiet one but for the heading."""
    color, width = ("tx1", Pt(1.5)) if heading else ("bg2", Pt(1))
    line = f'<a:lnB {nsdecls("a")} w="{int(width)}"><a:solidFill><a:schemeClr val="{color}"/></a:solidFill></a:lnB>'
    cell._tc.get_or_add_tcPr().insert(0, parse_xml(line))


def _merge(made: Any, objectives: Sequence[str]) -> None:
    """Let an objective that several rows have stand once."""
    first = 0
    for row in range(1, len(objectives) + 1):
        if row == len(objectives) or objectives[row] != objectives[first]:
            if row - first > 1:
                for line in range(first + 2, row + 1):
                    made.cell(line, 0).text_frame.clear()
                made.cell(first + 1, 0).merge(made.cell(row, 0))
                made.cell(first + 1, 0).vertical_anchor = MSO_ANCHOR.TOP
            first = row
