"""Samples from a table of text (.csv): a plain grid of numbers, or a row for each point."""

from __future__ import annotations

import csv
import math
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, NoReturn

import numpy as np
import numpy.typing as npt

from gdsim.errors import InputError
from gdsim.objectives.samples.grid import SAMPLES_LIMIT

if TYPE_CHECKING:
    from gdsim.objectives import FloatArray

__all__ = ["read_csv"]


class _Table(NamedTuple):
    header: list[str] | None
    numbers: FloatArray  # (rows, columns)
    lines: npt.NDArray[np.int64]  # (rows,), the line of the file where each row ends, counted from 1


def read_csv(path: Path) -> tuple[FloatArray, tuple[FloatArray, ...] | None]:
    """Read a table, with or without a header.

    Lines that begin with # are remarks.

    The number of columns tells what it is. One: values. Two: x and value. Three: x, y and value, in any order of rows
    that fills a grid. A header with the names x and y, which may be a remark, allows another order of columns. Four or
    more: a grid, without a header.

    Raises:
        InputError: A field is no number, a row is longer or shorter than the first, a point is missing or repeated.
    """
    try:
        table = _table(path)
    except UnicodeDecodeError as error:
        raise InputError("it is no text in UTF-8") from error
    except csv.Error as error:
        raise InputError(f"it is no table: {error}") from error
    columns = table.numbers.shape[1]
    if columns == 1:
        return table.numbers[:, 0], None
    if columns <= 3:
        return _points(table)
    if table.header is not None:
        raise InputError(f"a header names two columns (x, value) or three (x, y, value), not {columns}")
    return table.numbers, None


def _table(path: Path) -> _Table:
    header: list[str] | None = None
    remark: list[str] = []
    width = 0
    numbers, lines = array("d"), array("q")
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.reader(file)
        for fields in rows:
            if len(fields) <= 1 and not "".join(fields).strip():
                continue
            if fields[0].lstrip().startswith("#"):
                remark = remark if width else fields
                continue
            if not width:
                width = len(fields)
                header = _names(remark) if len(remark) == width <= 3 else None
                if not any(_is_number(field) for field in fields):
                    header = _names(fields)
                    continue
            if len(fields) != width:
                found = f"row {rows.line_num} has {_columns(len(fields))}, and the first row has {width}"
                raise InputError(found + _separator(fields))
            numbers.extend(_numbers(fields, rows.line_num))
            lines.append(rows.line_num)
            if len(numbers) > SAMPLES_LIMIT:
                raise InputError(f"it holds more than {SAMPLES_LIMIT:,} numbers")
    if not lines:
        raise InputError("it holds no numbers")
    return _Table(header, np.frombuffer(numbers).reshape(-1, width), np.frombuffer(lines, dtype=np.int64))


def _names(fields: Sequence[str]) -> list[str]:
    return [field.strip("# ").casefold() for field in fields]


def _separator(fields: Sequence[str]) -> str:
    """Return what to do about another separator than the comma, or nothing."""
    for mark, name in ((";", "semicolons"), ("\t", "tabs")):
        if any(mark in field.strip() for field in fields):
            return f"; its fields are separated by {name}: put commas, and a point in decimals"
    return ""


def _columns(count: int) -> str:
    return "1 column" if count == 1 else f"{count} columns"


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _numbers(fields: Sequence[str], line: int) -> list[float]:
    try:
        numbers = list(map(float, fields))
    except ValueError:
        _refuse(fields, [_is_number(field) for field in fields], line, "no number")
    if not all(map(math.isfinite, numbers)):
        _refuse(fields, list(map(math.isfinite, numbers)), line, "no finite number")
    return numbers


def _refuse(fields: Sequence[str], good: Sequence[bool], line: int, what: str) -> NoReturn:
    at = good.index(False)
    text = fields[at].strip()
    shown = f'"{text}"' if len(text) <= 20 else f'"{text[:20]}…"'
    raise InputError(f"row {line}, column {at + 1}: {shown} is {what}{_separator(fields)}")


def _points(table: _Table) -> tuple[FloatArray, tuple[FloatArray, ...]]:
    """Bring rows of coordinates and a value, in any order, onto the grid that they fill: values (n1, n0) or (n0,)."""
    order = _order(table.header, table.numbers.shape[1])
    *places, values = table.numbers[:, order].T
    found = [np.unique(column, return_inverse=True) for column in places]
    coordinates = tuple(coordinate for coordinate, _ in found)
    # The last coordinate counts most: the rows of a file are its steps.
    shape = tuple(len(coordinate) for coordinate in reversed(coordinates))
    node = np.zeros(len(values), dtype=np.int64)
    for coordinate, place in reversed(found):
        node = node * len(coordinate) + place
    _check_full(node, coordinates, table.lines)
    grid = np.empty(len(values))
    grid[node] = values
    return grid.reshape(shape), coordinates


def _order(header: Sequence[str] | None, columns: int) -> list[int]:
    """Return where the coordinates and the value stand: by name where the header has the names, else as they come."""
    names = ("x", "y")[: columns - 1]
    if header is None or not set(names) <= set(header):
        return list(range(columns))
    return sorted(range(columns), key=lambda column: [*names, header[column]].index(header[column]))


def _check_full(node: npt.NDArray[np.int64], coordinates: Sequence[FloatArray], lines: npt.NDArray[np.int64]) -> None:
    remedy = "; save a grid that is three columns wide as .npy" if len(coordinates) == 2 else ""
    by_node = np.argsort(node, kind="stable")
    ordered = node[by_node]
    repeats = np.flatnonzero(ordered[1:] == ordered[:-1])
    if repeats.size:
        first, second = lines[by_node[repeats[0]]], lines[by_node[repeats[0] + 1]]
        raise InputError(
            f"row {second} repeats the point of row {first}, {_place(int(ordered[repeats[0]]), coordinates)}{remedy}"
        )
    missing = math.prod(len(coordinate) for coordinate in coordinates) - len(node)
    if missing:
        gaps = np.flatnonzero(ordered != np.arange(len(ordered)))
        gap = int(gaps[0]) if gaps.size else len(ordered)
        others = f" and {missing - 1:,} more" if missing > 1 else ""
        raise InputError(
            f"three columns are x, y and value, one row for each point of a grid: {_place(gap, coordinates)} is missing"
            f"{others}{remedy}"
        )


def _place(node: int, coordinates: Sequence[FloatArray]) -> str:
    parts = []
    for name, coordinate in zip("xy", coordinates, strict=False):
        node, index = divmod(node, len(coordinate))
        parts.append(f"{name} = {coordinate[index]:g}")
    return ", ".join(parts)
