"""What the command line says: progress and summaries on stderr, paths and lists on stdout."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import rich.table
from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from gdsim.errors import InputError

if TYPE_CHECKING:
    from gdsim.analysis import Column, Table
    from gdsim.config.signatures import Signature
    from gdsim.objectives import Gradient, Objective

__all__ = [
    "arguments",
    "dimensions",
    "facts",
    "gradient_facts",
    "grid",
    "print_columns",
    "print_paths",
    "progress_bars",
    "summarise",
    "tell",
]

T = TypeVar("T")


@contextmanager
def progress_bars(name: str, doing: str, quiet: bool) -> Iterator[Any]:
    """Give a maker of trackers: `progress("simulating")` returns what wraps an iterable that has a length."""
    console = Console(stderr=True, quiet=quiet)
    if quiet or not console.is_terminal:
        if not quiet:
            print(f"{name}: {doing}", file=sys.stderr)
        yield lambda _: iter
        return
    columns = TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True) as bars:

        def progress(words: str) -> Any:
            def wrap(iterable: Iterable[T]) -> Iterable[T]:
                return bars.track(iterable, description=f"{name}: {words}")

            return wrap

        yield progress


def summarise(name: str, table: Table, words: Sequence[str]) -> None:
    """Print a table of figures and sentences on stderr."""
    console = _console()
    console.print(grid(table, name, console.width))
    tell([table.caption, *words])


def grid(table: Table, title: str, width: int) -> rich.table.Table:
    """Lay out a table for a terminal, leaving out columns rather than digits where it is narrow."""
    shown = _fitting(table.columns(), width)
    made = rich.table.Table(title=Text(title), title_justify="left", title_style="bold", header_style="")
    for column in shown:
        justify: Literal["left", "right"] = "right" if column.figures else "left"
        heading = Text("\n".join(_heading(column)))
        made.add_column(heading, justify=justify, no_wrap=column.figures, overflow="fold")
    for cells in zip(*(column.words for column in shown), strict=True):
        made.add_row(*map(Text, cells))
    return made


LEFT_OUT = (
    *("starts", "detour", "mean_angle", "diverged", "never", "evaluations", "settings", "accuracy", "final_value"),
    "test_loss",
    *("steps_to_tolerance", "distance_to_minimum", "stopped", "tuned", "best_value", "solved"),
)
"""The columns that a narrow terminal goes without, the first to go first."""

FOLDED = 24
"""Words fold when they are wider."""


def _fitting(columns: Sequence[Column], width: int) -> list[Column]:
    kept = list(columns)
    for name in LEFT_OUT:
        # A border stands before the first column, and each takes a blank on either side and a border.
        if 1 + sum(3 + _width(column) for column in kept) > width:
            kept = [column for column in kept if column.name != name]
    return kept


def _width(column: Column) -> int:
    cells = max(map(cell_len, column.words))
    return max(cells if column.figures else min(cells, FOLDED), *map(cell_len, _heading(column)))


def _heading(column: Column) -> list[str]:
    """The lines of a heading, not much wider than the figures below it."""
    longest = max(map(cell_len, [*column.heading.split(), *column.words]))
    return wrap(column.heading, longest) if column.figures else [column.heading]


def tell(words: Iterable[str]) -> None:
    """Print sentences, each on a line of its own."""
    console = _console()
    for each in words:
        # Lines are broken for a reader, not for a log.
        console.print(each, markup=False, highlight=False, soft_wrap=not console.is_terminal)


def _console() -> Console:
    """Standard error, wide enough for a table where it is no terminal."""
    console = Console(stderr=True)
    return Console(stderr=True, width=max(console.width if console.is_terminal else 140, 64))


def print_paths(paths: dict[str, Path]) -> None:
    """Print what was written, a path a line."""
    for path in paths.values():
        print(path, flush=True)


def print_columns(rows: Sequence[Sequence[str]], indent: str = "") -> None:
    """Print rows with their cells below each other; the last column is as wide as it likes."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        print(indent + "  ".join([*cells, row[-1]]).rstrip())


def arguments(signature: Signature) -> str:
    """A class's arguments with their defaults, as one would write them."""
    return ", ".join(f"{name}={default}" if default else name for name, default in signature.arguments.items())


def dimensions(name: str) -> str:
    """How many dimensions an objective of the catalogue takes: `1`, `2` or `any`."""
    from gdsim.objectives import objective

    try:
        objective(name, dim=3)
    except InputError:
        return str(objective(name).dim)
    return "any"


def facts(objective: Objective) -> list[tuple[str, str]]:
    """What `gdsim show` prints, name by name."""

    def point(coordinates: Any) -> str:
        return "(" + ", ".join(f"{x:.9g}" for x in coordinates) + ")"

    rows = [
        ("name", objective.name),
        ("title", objective.title),
        *([("formula", objective.formula)] if objective.formula else []),
        ("dimensions", str(objective.dim)),
        ("view", " × ".join(f"[{low:g}, {high:g}]" for low, high in objective.bounds)),
        ("start", point(objective.start)),
        ("minimum", "not known" if objective.minimum is None else f"{objective.minimum:.12g}"),
    ]
    rows += [("at" if i == 0 else "", point(each)) for i, each in enumerate(objective.minima)]
    rows += [("also low at" if i == 0 else "", point(each)) for i, each in enumerate(objective.local_minima)]
    rows += [(name, f"{value:g}") for name, value in objective.parameters.items()]
    return [*rows, ("source", objective.source)]


def gradient_facts(gradient: Gradient) -> list[tuple[str, str]]:
    """What `gdsim grad` prints, name by name."""
    import numpy as np

    def numbers(values: Any, digits: int = 9) -> str:
        written = [f"{x:.{digits}g}" for x in values]
        return written[0] if len(written) == 1 else f"({', '.join(written)})"

    rows = [("at", numbers(gradient.point)), ("value", f"{gradient.value:.12g}")]
    if not np.isfinite(gradient.value):
        return [*rows, ("", "the function has no finite value here, and so no gradient")]
    if not np.isfinite(gradient.gradient).all():
        return [*rows, ("gradient", numbers(gradient.gradient)), ("", "the function has no finite slope here")]
    check = "as a check" if gradient.agrees else "which DIFFERS: a jump, a kink or a step too coarse to see it"
    return [
        *rows,
        ("gradient", f"{numbers(gradient.gradient)}  by autograd, uphill"),
        ("", f"{numbers(gradient.central_difference)}  by central difference, {check}"),
        ("steepest descent", f"{numbers(gradient.steepest_descent, 6)}  the direction against the gradient"),
    ]
