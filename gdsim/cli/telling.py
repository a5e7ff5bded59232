"""What the command line says: progress and summaries on stderr, paths and lists on stdout."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from gdsim.errors import InputError

if TYPE_CHECKING:
    from gdsim.comparison import Row
    from gdsim.objectives import Gradient, Objective
    from gdsim.signatures import Signature

__all__ = [
    "arguments",
    "dimensions",
    "facts",
    "gradient_facts",
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
            def track(iterable: Iterable[T]) -> Iterable[T]:
                return bars.track(iterable, description=f"{name}: {words}")

            return track

        yield progress


def summarise(name: str, rows: Sequence[Row], words: Sequence[str]) -> None:
    """Print the table of figures, leaving out columns rather than digits where the terminal is narrow."""
    console = _console()
    table = Table(title=Text(name), title_justify="left", title_style="bold", header_style="")
    several = len({row.objective for row in rows}) > 1
    if several:
        table.add_column("objective", overflow="fold")
    table.add_column("optimizer", overflow="fold")
    if console.width >= 120:
        table.add_column("settings", overflow="fold")
    for heading in ("final\nvalue", "best\nvalue", "steps to\ntolerance", "distance to\nminimum"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("stopped", overflow="fold")
    for row in rows:
        cells: list[Text | str] = [
            *([Text(row.objective)] if several else []),
            Text(row.optimizer),
            *([Text(row.settings)] if console.width >= 120 else []),
            f"{row.final_value:.4g}",
            f"{row.best_value:.4g}",
            "never" if row.steps_to_tolerance is None else str(row.steps_to_tolerance),
            "" if row.distance_to_minimum is None else f"{row.distance_to_minimum:.3g}",
            row.stopped,
        ]
        table.add_row(*cells)
    console.print(table)
    if any(row.starts > 1 for row in rows):
        words = ["Figures are medians over the starts.", *words]
    tell(words)


def tell(words: Iterable[str]) -> None:
    """Print sentences, each on a line of its own."""
    for each in words:
        _console().print(each, markup=False, highlight=False)


def _console() -> Console:
    """Standard error, wide enough for a table where it is no terminal."""
    console = Console(stderr=True)
    return Console(stderr=True, width=max(console.width if console.is_terminal else 140, 64))


def print_paths(paths: dict[str, Path]) -> None:
    """Print what was written, a path a line."""
    for path in paths.values():
        print(path)
    sys.stdout.flush()


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
    check = "as a check" if gradient.agrees else "which DIFFERS: a jump, a kink or a step too coarse to see it"
    return [
        *rows,
        ("gradient", f"{numbers(gradient.gradient)}  by autograd, uphill"),
        ("", f"{numbers(gradient.central_difference)}  by central difference, {check}"),
        ("steepest descent", f"{numbers(gradient.steepest_descent, 6)}  the direction against the gradient"),
    ]
