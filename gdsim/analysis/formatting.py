"""Rows → columns of short text, and Markdown tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from gdsim.analysis.row import Row

__all__ = ["Column", "escape_markdown", "format_columns", "markdown_table"]


@dataclass(frozen=True)
class Column:
    """A column of a table as readers see it.

    Attributes:
        name: The field of `Row`.
        heading: The heading.
        words: A cell per row; empty where there is no value.
        figures: Whether the cells are numbers, which are aligned right.
    """

    name: str
    heading: str
    words: tuple[str, ...]
    figures: bool


def format_columns(rows: Sequence[Row]) -> tuple[Column, ...]:
    """Return the columns worth reading, in order: without empty ones, and without counts that are all zero or equal."""
    hidden = {name for name in ("never", "diverged") if not any(getattr(row, name) for row in rows)}
    counts = {(row.objective, row.evaluations) for row in rows if row.evaluations is not None}
    if len(counts) == len({objective for objective, _ in counts}):
        hidden.add("evaluations")
    if len({row.objective for row in rows}) == 1:
        hidden.add("objective")
    text = {
        name: Column(name, name, tuple(getattr(row, name) for row in rows), False)
        for name in ("objective", "optimizer", "settings", "tuned", "stopped", "reason")
    }
    numbers = [Column(name, heading, tuple(map(cell, rows)), True) for name, heading, cell in METRICS]
    first = [text.pop(name) for name in ("objective", "optimizer", "settings", "tuned")]
    every = [*first, *numbers, *text.values()]
    return tuple(column for column in every if any(column.words) and column.name not in hidden)


def _number(number: float | None, digits: int = 4) -> str:
    return "" if number is None else f"{number:.{digits}g}"


def _with_spread(row: Row, number: float | None, spread: float | None) -> str:
    if row.starts > 1 and number is not None:
        return f"{_number(number)} ({'∞' if spread is None else _number(spread, 2)})"
    return _number(number)


def _percent(fraction: float | None) -> str:
    return "" if fraction is None else f"{100 * fraction:.1f} %"


def _steps(row: Row, count: int | None) -> str:
    return "" if row.never is None else "never" if count is None else str(count)


def _of_starts(row: Row, count: int | None) -> str:
    return f"{count} of {row.starts}" if row.starts > 1 else ""


METRICS: tuple[tuple[str, str, Callable[[Row], str]], ...] = (
    ("starts", "starts", lambda row: str(row.starts) if row.starts else ""),
    ("solved", "solved", lambda row: "" if row.solved is None else f"{100 * row.solved:.3g} %"),
    ("evaluations_to_tolerance", "evaluations to tolerance", lambda row: _steps(row, row.evaluations_to_tolerance)),
    ("steps_to_tolerance", "steps to tolerance", lambda row: _steps(row, row.steps_to_tolerance)),
    ("evaluations", "evaluations", lambda row: _number(row.evaluations, 10)),
    ("never", "never there", lambda row: _of_starts(row, row.never)),
    ("best_value", "best value", lambda row: _with_spread(row, row.best_value, row.best_spread)),
    ("final_value", "final value", lambda row: _with_spread(row, row.final_value, row.final_spread)),
    ("test_loss", "test loss", lambda row: _number(row.test_loss)),
    ("accuracy", "accuracy", lambda row: _percent(row.accuracy)),
    ("test_accuracy", "test accuracy", lambda row: _percent(row.test_accuracy)),
    ("distance_to_minimum", "distance to minimum", lambda row: _number(row.distance_to_minimum, 3)),
    ("detour", "path over straight", lambda row: _number(row.detour, 3)),
    ("mean_angle", "angle to −∇f", lambda row: "" if row.mean_angle is None else f"{row.mean_angle:.1f}°"),
    ("diverged", "diverged", lambda row: _of_starts(row, row.diverged)),
)
"""The field, the heading and the cell of each metric."""


def markdown_table(
    headings: Sequence[str], rows: Iterable[Sequence[str]], figures: Sequence[bool], caption: str = ""
) -> str:
    """Return a pipe table as GitHub renders it.

    Args:
        headings: A heading per column.
        rows: The cells.
        figures: For each column whether it holds numbers, which are aligned right.
        caption: A paragraph below the table.
    """
    lines = [map(escape_markdown, headings), ("---:" if right else "---" for right in figures)]
    lines += [map(escape_markdown, row) for row in rows]
    text = [f"| {' | '.join(line)} |" for line in lines]
    return "\n".join([*text, *(["", escape_markdown(caption)] if caption else [])]) + "\n"


def escape_markdown(text: str) -> str:
    """Return text on one line with all characters escaped that Markdown or GitHub would interpret."""
    return re.sub(r"([\\`*_\[\]<>|~&$#@]|:(?=//)|(?<=www)\.)", r"\\\1", " ".join(text.split()), flags=re.IGNORECASE)
