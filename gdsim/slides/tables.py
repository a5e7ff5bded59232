"""A comparison table as native PowerPoint tables: the columns that fit, and on each slide a legible number of rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from textwrap import wrap
from typing import Any

from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls
from pptx.util import Emu, Pt

from gdsim.analysis import Column, Table
from gdsim.slides.layout import SlideBox, rgb
from gdsim.slides.text import printable

Colors = Mapping[tuple[str, str], str]
"""Objective and optimizer of a row → the colour of its path."""

SIZES = (16.0, 14.0, 12.0)
"""Font sizes in points on a slide of 7.5 inches height. Columns are dropped until the second fits.

The third is used only if it keeps all rows of an objective on one slide.
"""

# In ems: the width at which text wraps, the width of a coloured square, the margins of a cell, the height of a line.
WRAP, SWATCH, MARGIN, PADDING, LINE = 18.0, 1.4, 0.5, 0.75, 1.22

PLAIN_STYLE = "{2D5ABB26-0587-4C30-8999-92F81FD0307C}"  # PowerPoint's id of a table style without lines and fills

NARROW, WIDE = frozenset("fijlrtI.,:;'|!()[]·/- "), frozenset("mwMW%@—→−+=<>≤≥≈∇")


@dataclass(frozen=True)
class TablePart:
    """The part of a table on one slide.

    Attributes:
        columns: The columns, with the cells of all rows of the table.
        rows: The indices of the rows shown.
        widths: The width of each column in ems.
        heights: The height of the heading and of each row in ems.
    """

    columns: tuple[Column, ...]
    rows: range
    points: float
    widths: tuple[float, ...]
    heights: tuple[float, ...]


def split_table(table: Table, boxes: Sequence[SlideBox], scale: float) -> list[TablePart]:
    """Divide a table into parts that fit into a box on the first slide, and into another on each further one.

    Font sizes are multiplied by `scale`.
    """
    width = boxes[0].width / Pt(1) / scale
    columns = table.fitting_columns(lambda columns: sum(map(_needed_width, columns)) <= width / SIZES[1])
    needed = sum(map(_needed_width, columns))
    largest = next((size for size in SIZES if needed <= width / size), SIZES[-1])
    objectives = [row.objective for row in table]
    candidates = [_split(objectives, columns, boxes, size * scale) for size in SIZES if size <= largest]

    def keeps_objectives_whole(parts: list[TablePart]) -> bool:
        return all(objectives[part.rows.start] != objectives[part.rows.start - 1] for part in parts[1:])

    return next(filter(keeps_objectives_whole, candidates), candidates[0])


def _split(
    objectives: Sequence[str], columns: tuple[Column, ...], boxes: Sequence[SlideBox], points: float
) -> list[TablePart]:
    available = boxes[0].width / Pt(1) / points
    needed = [_needed_width(column) for column in columns]
    spare = max(available - sum(needed), 0.0) / len(columns)
    widths = tuple((each + spare) * min(available / sum(needed), 1.0) for each in needed)
    lines = [_lines([column.heading for column in columns], columns, widths, bold=True)]
    lines += [_lines(cells, columns, widths) for cells in zip(*(each.words for each in columns), strict=True)]
    heights = [LINE * count + PADDING for count in lines]
    parts: list[TablePart] = []
    first = 0
    while first < len(objectives):
        height = boxes[min(len(parts), len(boxes) - 1)].height / Pt(1) / points
        last = _part_end(first, objectives, heights, height)
        shown = (heights[0], *heights[first + 1 : last + 1])
        parts.append(TablePart(columns, range(first, last), points, widths, shown))
        first = last
    return parts


def _needed_width(column: Column) -> float:
    longest = max(map(_text_width, column.words))
    text = longest if column.figures else min(longest, WRAP)
    swatch = SWATCH * (column.name == "optimizer")
    return max(text + swatch, *(_text_width(word, bold=True) for word in column.heading.split())) + 2 * MARGIN


def _text_width(text: str, *, bold: bool = False) -> float:
    """Estimate the width of text in ems, for a wide font such as Verdana, so that a template may have any."""
    width = sum(0.46 if c in NARROW else 0.98 if c in WIDE else 0.76 if c.isupper() else 0.65 for c in text)
    return width * (1.14 if bold else 1.0)


def _lines(cells: Sequence[str], columns: Sequence[Column], widths: Sequence[float], *, bold: bool = False) -> int:
    """Return the number of lines of the highest cell of a row."""
    counts = [1]
    for cell, column, width in zip(cells, columns, widths, strict=True):
        inside = width - 2 * MARGIN - SWATCH * (column.name == "optimizer" and not bold)
        characters = inside / (_text_width(cell, bold=bold) / max(len(cell), 1) or 1.0)
        counts.append(len(wrap(cell, max(int(characters), 1))))
    return max(counts)


def _part_end(first: int, objectives: Sequence[str], heights: Sequence[float], height: float) -> int:
    """Return the end of the rows of a part that starts at `first`: at the end of an objective's rows if possible."""
    used, last = heights[0], first
    while last < len(objectives) and (last == first or used + heights[last + 1] <= height):
        used += heights[last + 1]
        last += 1
    ends = [
        row for row in range(first + 1, last + 1) if row == len(objectives) or objectives[row] != objectives[row - 1]
    ]
    return ends[-1] if ends else last


def draw_table(slide: Any, part: TablePart, box: SlideBox, colors: Colors, keys: Sequence[tuple[str, str]]) -> Any:
    """Add a part of a table to a slide, at the top of a box, and return its shape.

    `keys` are objective and optimizer of each row of the whole table.
    """
    em = Pt(part.points)
    sides = (box.left, box.top, box.width, round(sum(part.heights) * em))
    shape = slide.shapes.add_table(len(part.rows) + 1, len(part.columns), *map(Emu, sides))
    table = shape.table
    (style,) = shape.element.xpath(".//a:tableStyleId")
    style.text = PLAIN_STYLE
    table.horz_banding = False
    for index, width in enumerate(part.widths):
        table.columns[index].width = Emu(round(width * em))
    for index, height in enumerate(part.heights):
        table.rows[index].height = Emu(round(height * em))
    for index, column in enumerate(part.columns):
        _write_cell(table.cell(0, index), column.heading, column, part.points, heading=True)
        for line, row in enumerate(part.rows, 1):
            color = colors.get(keys[row]) if column.name == "optimizer" else None
            _write_cell(table.cell(line, index), column.words[row], column, part.points, color=color)
    if part.columns[0].name == "objective":
        _merge_equal(table, [keys[row][0] for row in part.rows])
    return shape


def _write_cell(
    cell: Any, text: str, column: Column, points: float, *, color: str | None = None, heading: bool = False
) -> None:
    cell.margin_left = cell.margin_right = Pt(points * MARGIN)
    cell.margin_top = cell.margin_bottom = Pt(points * PADDING / 2)
    cell.vertical_anchor = MSO_ANCHOR.BOTTOM if heading else MSO_ANCHOR.MIDDLE
    paragraph = cell.text_frame.paragraphs[0]
    paragraph.alignment = PP_ALIGN.RIGHT if column.figures else PP_ALIGN.LEFT
    for words in (["■ "] if color else []) + [text]:
        run = paragraph.add_run()
        run.text = printable(words)
        run.font.size = Pt(points)
        run._r.get_or_add_rPr().set("lang", "en-GB")
    if color:
        paragraph.runs[0].font.color.rgb = rgb(color)
    run.font.bold = heading
    # A rule under the cell, stronger under the heading.
    name, width = ("tx1", Pt(1.5)) if heading else ("bg2", Pt(1))
    line = f'<a:lnB {nsdecls("a")} w="{int(width)}"><a:solidFill><a:schemeClr val="{name}"/></a:solidFill></a:lnB>'
    cell._tc.get_or_add_tcPr().insert(0, parse_xml(line))


def _merge_equal(table: Any, objectives: Sequence[str]) -> None:
    """Merge the cells of the first column whose rows have the same objective."""
    row = 1
    for _, group in groupby(objectives):
        count = len(list(group))
        if count > 1:
            for other in range(row + 1, row + count):
                table.cell(other, 0).text_frame.clear()
            table.cell(row, 0).merge(table.cell(row + count - 1, 0))
            table.cell(row, 0).vertical_anchor = MSO_ANCHOR.TOP
        row += count
