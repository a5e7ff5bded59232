"""Read samples from a CSV file that contains a grid of numbers or one row per point."""

from __future__ import annotations

import csv
import math
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gdsim.errors import Code, InputError
from gdsim.objectives.objective import FloatArray

SEPARATORS = {";": "semicolons", "\t": "tabs"}


class _Rows(NamedTuple):
    header: list[str]  # empty if there is none
    numbers: FloatArray  # (rows, columns)
    lines: npt.NDArray[np.int64]  # (rows,) the line number at which each row ends, from 1


def read_csv(path: Path, max_numbers: int) -> tuple[FloatArray, tuple[FloatArray, ...] | None]:
    """Read a table, with or without a header.

    Lines that begin with # are comments. One column contains values; two contain x and value; three contain x, y and
    value, with rows in any order that together form a grid. A header, which may be a comment, can name the columns x
    and y in another order. A table of four or more columns is a grid of values and must not have a header.

    Returns:
        The values (rows,) or (rows, columns), and the coordinates x and y if the table has them.
    """
    try:
        table = _parse(path, max_numbers)
    except UnicodeDecodeError as error:
        raise _error(path, "is not text in UTF-8") from error
    except csv.Error as error:
        raise _error(path, f"is not a table: {error}") from error
    columns = table.numbers.shape[1]
    if columns == 1:
        return table.numbers[:, 0], None
    if columns <= 3:
        return _gridded(path, table)
    if table.header:
        raise _error(path, f"a header names two columns (x, value) or three (x, y, value), not {columns}")
    return table.numbers, None


def _error(path: Path, message: str, code: Code = "unreadable") -> InputError:
    return InputError(f"{path}: {message}", ("samples",), code=code)


def _parse(path: Path, max_numbers: int) -> _Rows:
    header: list[str] = []
    comment: list[str] = []
    width = 0
    numbers, lines = array("d"), array("q")
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file)
        for fields in reader:
            if len(fields) <= 1 and not "".join(fields).strip():
                continue
            if fields[0].lstrip().startswith("#"):
                comment = comment if width else fields
                continue
            if not width:
                width = len(fields)
                header = comment if len(comment) == width <= 3 else []
                if not any(math.isfinite(_number(field)) for field in fields):
                    header = fields
                    continue
            if len(fields) != width:
                columns = f"{len(fields)} column{'s' * (len(fields) != 1)}, and the first row has {width}"
                raise _error(path, f"row {reader.line_num} has {columns}{_separator_hint(fields)}")
            row = [_number(field) for field in fields]
            if not all(map(math.isfinite, row)):
                column = [math.isfinite(number) for number in row].index(False)
                field = fields[column].strip()
                shown = field if len(field) <= 20 else f"{field[:20]}…"
                message = f"row {reader.line_num}, column {column + 1}: '{shown}' is not a finite number"
                raise _error(path, message + _separator_hint(fields))
            numbers.extend(row)
            lines.append(reader.line_num)
            if len(numbers) > max_numbers:
                raise _error(path, f"has more than {max_numbers:,} numbers", "too-large")
    if not lines:
        raise _error(path, "has no numbers")
    names = [field.strip("# ").casefold() for field in header]
    return _Rows(names, np.frombuffer(numbers).reshape(-1, width), np.frombuffer(lines, dtype=np.int64))


def _number(field: str) -> float:
    try:
        return float(field)
    except ValueError:
        return math.nan


def _separator_hint(fields: Sequence[str]) -> str:
    """Return a remedy if the fields are not separated by commas, or an empty string."""
    for separator, name in SEPARATORS.items():
        if any(separator in field.strip() for field in fields):
            return f"; its fields are separated by {name}: write commas, and decimal points"
    return ""


def _gridded(path: Path, table: _Rows) -> tuple[FloatArray, tuple[FloatArray, ...]]:
    """Arrange rows of coordinates and a value into a grid of values (n1, n0) or (n0,)."""
    columns = table.numbers.shape[1]
    order = list(range(columns))
    names = ["x", "y"][: columns - 1]
    if set(names) <= set(table.header):
        order.sort(key=lambda column: [*names, table.header[column]].index(table.header[column]))
    *points, values = table.numbers[:, order].T
    axes, indices = zip(*(np.unique(column, return_inverse=True) for column in points), strict=True)
    shape = tuple(len(axis) for axis in reversed(axes))
    cells = np.zeros(len(values), dtype=np.int64)
    for axis, index in zip(reversed(axes), reversed(indices), strict=True):
        cells = cells * len(axis) + index

    def point(cell: int) -> str:
        coordinates = zip(axes, reversed(np.unravel_index(cell, shape)), "xy", strict=False)
        return ", ".join(f"{name} = {axis[index]:g}" for axis, index, name in coordinates)

    remedy = "; save a grid of three columns as .npy" if len(axes) == 2 else ""
    filled, first = np.unique(cells, return_index=True)
    if len(filled) < len(cells):
        second = int(np.setdiff1d(np.arange(len(cells)), first)[0])
        original = first[np.searchsorted(filled, cells[second])]
        repeated = f"row {table.lines[second]} repeats the point of row {table.lines[original]}"
        raise _error(path, f"{repeated}, {point(int(cells[second]))}{remedy}", "duplicate")
    if missing := math.prod(shape) - len(filled):
        gaps = np.flatnonzero(filled != np.arange(len(filled)))
        gap = point(int(gaps[0]) if gaps.size else len(filled))
        more = f" and {missing - 1:,} more" if missing > 1 else ""
        rule = "three columns are x, y and value, one row for each point of a grid"
        raise _error(path, f"{rule}: {gap} is missing{more}{remedy}", "missing")
    return values[first].reshape(shape), axes
