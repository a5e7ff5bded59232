"""Output of the command line: progress and summaries on stderr, paths and lists on stdout."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from shutil import get_terminal_size
from textwrap import wrap
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from gdsim.errors import printable
from gdsim.interrupts import undone

if TYPE_CHECKING:
    from gdsim.analysis import Column, Matrix, Study, Table

T = TypeVar("T")

FIRST_ESTIMATE, ESTIMATES_APART, WORTH_TELLING = 0.5, 60.0, 10.0  # in seconds
MAX_TEXT_WIDTH = 24  # wider cells of text are folded
MIN_COLUMN = 24  # characters; a terminal that has not even these breaks lines itself
WIDE = 1000  # width of a table in a file: no column is dropped


@contextmanager
def progress_bars(name: str, activity: str, quiet: bool) -> Iterator[Callable[[str], Any]]:
    """Yield a function that makes progress bars: `progress("simulating")` wraps an iterable that has a length.

    Where stderr is not a terminal, lines say how long it will take instead, if it takes long.
    """
    console, name = Console(stderr=True, quiet=quiet), printable(name)
    if quiet or not console.is_terminal:
        if not quiet:
            print(f"{name}: {activity}", file=sys.stderr)
        yield lambda description: iter if quiet else partial(_with_estimates, f"{name}: {description}")
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with undone(console.show_cursor), Progress(*columns, console=console, transient=True) as bars:

        def progress(description: str) -> Callable[[Iterable[T]], Iterable[T]]:
            return lambda iterable: bars.track(iterable, description=f"{name}: {description}")

        yield progress


def _with_estimates(activity: str, iterable: Collection[T]) -> Iterator[T]:
    """Yield the items of an iterable; if they take long, print at the start, and each minute, how long they will."""
    began, after = perf_counter(), FIRST_ESTIMATE
    for done, item in enumerate(iterable):
        if done and (spent := perf_counter() - began) >= after:
            left, after = spent / done * (len(iterable) - done), spent + ESTIMATES_APART
            if left >= WORTH_TELLING:
                about = f"{left:.0f} s" if left < 100 else f"{left / 60:.0f} min"
                print(f"{activity}, {100 * done // len(iterable)} % done, about {about} left", file=sys.stderr)
        yield item


def print_summary(name: str, table: Table) -> None:
    """Print a table and its caption on stderr."""
    console = _stderr()
    console.print(format_table(table, name, console.width))
    print_notes([table.caption])


def print_study(name: str, study: Study, matrices: Iterable[Matrix]) -> None:
    """Print a table, the finding, its caption and matrices on stdout; to a file or a pipe, with all columns."""
    console = Console(highlight=False)
    console = console if console.is_terminal else Console(width=WIDE, highlight=False)
    console.print(format_table(study.table, name, console.width))
    for text in filter(None, (study.finding, study.table.caption)):
        console.print(Text(printable(text)))
    for matrix in matrices:
        grid = _grid(matrix.caption)
        grid.add_column("objective", overflow="fold")
        for label in matrix.optimizers:
            grid.add_column(Text(label), justify="right", overflow="fold")
        for title, words in zip(matrix.objectives, matrix.words(), strict=True):
            grid.add_row(Text(printable(title)), *map(Text, words))
        console.print()
        console.print(grid)


def format_table(table: Table, title: str, width: int) -> RichTable:
    """Return a table for a terminal; if it is narrow, columns are dropped, never digits."""
    # A border precedes the first column; each column has two spaces and a border.
    columns = table.fitting_columns(lambda columns: 1 + sum(3 + _width(each) for each in columns) <= width)
    grid = _grid(title)
    for column in columns:
        heading = Text("\n".join(_heading(column)))
        justify: Literal["left", "right"] = "right" if column.figures else "left"
        grid.add_column(heading, justify=justify, no_wrap=column.figures, overflow="fold")
    for cells in zip(*(column.words for column in columns), strict=True):
        grid.add_row(*(Text(printable(cell)) for cell in cells))
    return grid


def _grid(title: str) -> RichTable:
    return RichTable(title=Text(printable(title)), title_justify="left", title_style="bold", header_style="")


def _width(column: Column) -> int:
    cells = max(map(cell_len, column.words))
    return max(cells if column.figures else min(cells, MAX_TEXT_WIDTH), *map(cell_len, _heading(column)))


def _heading(column: Column) -> list[str]:
    """Return the lines of a heading, not much wider than the numbers below it."""
    longest = max(map(cell_len, [*column.heading.split(), *column.words]))
    return wrap(column.heading, longest) if column.figures else [column.heading]


def print_notes(sentences: Iterable[str]) -> None:
    """Print sentences on stderr, each on its own line."""
    console = _stderr()
    for sentence in map(printable, sentences):
        # Lines are wrapped for a reader, not for a log.
        console.print(sentence, markup=False, highlight=False, soft_wrap=not console.is_terminal)


def _stderr() -> Console:
    """Return a console for stderr, wide enough for a table if that is not a terminal."""
    console = Console(stderr=True)
    return Console(stderr=True, width=max(console.width if console.is_terminal else 140, 64))


def print_lines(lines: Iterable[object]) -> None:
    """Print lines, such as the paths written, on stdout; a terminal gets no control characters."""
    for line in map(str, lines):
        print(printable(line) if sys.stdout.isatty() else line, flush=True)


def print_columns(rows: Sequence[Sequence[str]], indent: str = "") -> None:
    """Print rows on stdout with aligned cells; on a terminal the last column is wrapped, elsewhere a row is a line."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    left = len(indent) + sum(widths) + 2 * len(widths)
    for *cells, last in rows:
        if sys.stdout.isatty():
            room = max(get_terminal_size().columns - left, MIN_COLUMN)
            last = f"\n{' ' * left}".join(wrap(last, room, break_long_words=False, break_on_hyphens=False))
        cells = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
        print(indent + "  ".join([*cells, last]).rstrip())
