"""Rows → text: CSV, JSON, a pipe table, a data frame, and each figure as it is read."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from importlib import import_module
from io import StringIO
from typing import Any

from gdsim.analysis.rows import OF_NETWORKS, Row, of_networks
from gdsim.errors import GdsimError

__all__ = ["Column", "columns", "csv_text", "frame", "json_text", "pipe_table", "plain"]


@dataclass(frozen=True)
class Column:
    """A column as it is read.

    Args:
        name: The field of `Row` that it shows, by which it may be sorted.
        heading: What stands over it.
        words: A cell for each row; empty where there is nothing to say.
        figures: Whether the cells are figures, which stand to the right.
    """

    name: str
    heading: str
    words: tuple[str, ...]
    figures: bool


def columns(rows: Sequence[Row]) -> tuple[Column, ...]:
    """Return the columns of rows in the order in which they are read, less those with nothing to say."""
    silent = {name for name in ("never", "diverged") if not any(getattr(row, name) for row in rows)}
    if not _differ_in_evaluations(rows):
        silent.add("evaluations")
    told = [Column(name, heading, tuple(map(say, rows)), True) for name, heading, say in FIGURES if name not in silent]
    told = [
        *(_words(rows, "objective") if len({row.objective for row in rows}) > 1 else []),
        *_words(rows, "optimizer"),
        *_words(rows, "settings"),
        *_words(rows, "tuned"),
        *told,
        *_words(rows, "stopped"),
        *_words(rows, "reason"),
    ]
    return tuple(column for column in told if any(column.words))


def _differ_in_evaluations(rows: Sequence[Row]) -> bool:
    """Whether the optimizers have asked for different numbers of gradients on any objective."""
    asked = {(row.objective, row.evaluations) for row in rows if row.evaluations is not None}
    return len(asked) > len({objective for objective, _ in asked})


def _words(rows: Sequence[Row], name: str) -> list[Column]:
    return [Column(name, name, tuple(str(getattr(row, name)) for row in rows), False)]


def _number(figure: float | None, digits: int = 4) -> str:
    return "" if figure is None else f"{figure:.{digits}g}"


def _with_spread(row: Row, figure: float | None, spread: float | None) -> str:
    if row.starts > 1 and figure is not None:
        return f"{_number(figure)} ({'no end' if spread is None else _number(spread, 2)})"
    return _number(figure)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f} %"


def _count(row: Row, count: int | None) -> str:
    return "" if row.never is None else "never" if count is None else str(count)


FIGURES: tuple[tuple[str, str, Callable[[Row], str]], ...] = (
    ("starts", "starts", lambda row: str(row.starts) if row.starts else ""),
    ("solved", "solved", lambda row: "" if row.solved is None else f"{100 * row.solved:.3g} %"),
    ("evaluations_to_tolerance", "evaluations to tolerance", lambda row: _count(row, row.evaluations_to_tolerance)),
    ("steps_to_tolerance", "steps to tolerance", lambda row: _count(row, row.steps_to_tolerance)),
    ("evaluations", "evaluations", lambda row: "" if row.evaluations is None else f"{row.evaluations:.10g}"),
    ("never", "never there", lambda row: f"{row.never} of {row.starts}" if row.starts > 1 else ""),
    ("best_value", "best value", lambda row: _with_spread(row, row.best_value, row.best_spread)),
    ("final_value", "final value", lambda row: _with_spread(row, row.final_value, row.final_spread)),
    ("test_loss", "test loss", lambda row: _number(row.test_loss)),
    ("accuracy", "accuracy", lambda row: _percent(row.accuracy)),
    ("test_accuracy", "test accuracy", lambda row: _percent(row.test_accuracy)),
    ("distance_to_minimum", "distance to minimum", lambda row: _number(row.distance_to_minimum, 3)),
    ("detour", "path over straight", lambda row: _number(row.detour, 3)),
    ("mean_angle", "angle to −∇f", lambda row: "" if row.mean_angle is None else f"{row.mean_angle:.1f}°"),
    ("diverged", "diverged", lambda row: f"{row.diverged} of {row.starts}" if row.starts > 1 else ""),
)
"""The field, the heading and the words of each figure."""


def csv_text(rows: Sequence[Row]) -> str:
    """Return rows as CSV, its columns the fields of `Row`; what is None is left empty."""
    text = StringIO(newline="")
    told = _told(rows)
    writer = csv.DictWriter(text, list(told[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _inert(cell) for name, cell in row.items()} for row in told)
    return text.getvalue()


def _told(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The fields of rows, those of networks only where there is one."""
    left_out = () if of_networks(rows) else OF_NETWORKS
    return [{name: cell for name, cell in asdict(row).items() if name not in left_out} for row in rows]


FORMULA = re.compile(r"[\t\r\n]|\s*[=+\-@\uff1d\uff0b\uff0d\uff20]")
"""What a spreadsheet may take for the beginning of a formula, the full-width signs among it."""


def _inert(cell: object) -> object:
    """What no spreadsheet takes for a formula: a label that begins like one gets an apostrophe before it."""
    return f"'{cell}" if isinstance(cell, str) and FORMULA.match(cell) else cell


def json_text(rows: Sequence[Row], caption: str) -> str:
    """Return rows and caption as strict JSON."""
    given = {"caption": caption, "rows": _told(rows)}
    return json.dumps(given, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def pipe_table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], figures: Sequence[bool], caption: str = ""
) -> str:
    """Return a table in Markdown as GitHub reads it.

    Args:
        headings: A heading for each column.
        rows: The cells.
        figures: For each column whether it stands to the right.
        caption: What stands under it.
    """
    lines = [_line(map(plain, headings)), _line("---:" if right else "---" for right in figures)]
    lines += [_line(map(plain, row)) for row in rows]
    return "\n".join([*lines, *(["", plain(caption)] if caption else [])]) + "\n"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def plain(words: str) -> str:
    """Return words that Markdown takes for nothing but words, on one line: no mark, no name called, no link."""
    return re.sub(r"([\\`*_\[\]<>|~&$#@]|:(?=//)|(?<=www)\.)", r"\\\1", " ".join(words.split()), flags=re.IGNORECASE)


def frame(rows: Sequence[Row], caption: str) -> Any:
    """Return rows as a data frame; a count that is missing is `pandas.NA`, another figure NaN."""
    try:
        # By name, because its types are a package of their own.
        pandas = import_module("pandas")
    except ModuleNotFoundError as error:
        raise GdsimError("a data frame needs pandas: pip install 'gdsim[pandas]'") from error
    made = pandas.DataFrame(_told(rows))
    made = made.astype(
        {field.name: KINDS[field.type] for field in fields(Row) if field.type in KINDS and field.name in made}
    )
    made.attrs["caption"] = caption
    return made


KINDS: dict[object, str] = {"float | None": "float64", "int | None": "Int64"}
"""The type of a data frame's column for the type of a field that may be missing."""
