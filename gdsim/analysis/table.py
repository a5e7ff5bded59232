"""Sort the rows of a comparison into a table, and convert it to CSV, JSON, Markdown, HTML or a data frame."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from html import escape
from importlib import import_module
from io import StringIO
from shutil import get_terminal_size
from typing import Any

from gdsim.analysis.metrics import NEAR, TOLERANCE
from gdsim.analysis.rows import COUNTS, NETWORK_METRICS, Row, has_networks, make_rows, sort_key
from gdsim.config.experiment import MAX_STARTS
from gdsim.errors import GdsimError, InputError
from gdsim.simulation import Trajectory

DROP_ORDER = (
    *(
        "starts",
        "runs",
        "steps_to_tolerance",
        "detour",
        "mean_angle",
        "evaluations",
        "accuracy",
        "test_loss",
        "final_value",
        *COUNTS,
    ),
    *("settings", "never", "diverged", "distance_to_minimum", "stopped", "tuned", "best_value", "solved"),
)
"""The columns that are dropped where there is no room for all, the first one first."""

FORMULA = re.compile(r"[\t\r\n]|\s*[=+\-@\uff1d\uff0b\uff0d\uff20]")
"""The beginnings of text that spreadsheets may interpret as a formula, including full-width characters."""

DTYPES: dict[object, str] = {"float | None": "float64", "int | None": "Int64"}  # of optional fields


@dataclass(frozen=True)
class Column:
    """A column of a formatted table.

    Attributes:
        name: The field of `Row`.
        words: The text of each cell; empty if there is no value.
        figures: Whether the cells are numbers, which are right-aligned.
    """

    name: str
    heading: str
    words: tuple[str, ...]
    figures: bool


@dataclass(frozen=True, eq=False)
class Table:
    """Sorted rows, as returned by `compare` and `make_table`.

    Objectives keep their order. The rows of each are sorted by the share of starts solved, descending; then by
    evaluations to tolerance, ascending with never last; then by the best value, ascending; then by label. Classes that
    cannot run are last.

    Attributes:
        caption: Sentences that explain the figures and the order of the rows.
        labels: The optimizers, in the order given.
    """

    rows: tuple[Row, ...]
    caption: str
    labels: tuple[str, ...]

    def __repr__(self) -> str:
        """The columns for display that the terminal has room for."""
        width = get_terminal_size().columns
        return "\n".join(_aligned(self.fitting_columns(lambda columns: max(map(len, _aligned(columns))) <= width)))

    def __str__(self) -> str:
        """The columns for display, aligned, and the caption."""
        return "\n".join([*_aligned(self.columns()), "", self.caption])

    def _repr_html_(self) -> str:
        """The columns for display and the caption, for notebooks."""
        columns = self.columns()
        head = "".join(f"<th>{escape(each.heading)}</th>" for each in columns)
        rows = zip(*(each.words for each in columns), strict=True)
        body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
        return f"<table><tr>{head}</tr>{body}</table><p>{escape(self.caption)}</p>"

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def columns(self) -> tuple[Column, ...]:
        """Return the columns for display, with rounded figures.

        Empty columns are left out, as are counts that are all zero, and evaluations that are equal on each objective.
        """
        hidden = {name for name in ("never", "diverged") if not any(getattr(row, name) for row in self)}
        counts = {(row.objective, row.evaluations) for row in self if row.evaluations is not None}
        if len(counts) == len({objective for objective, _ in counts}):
            hidden.add("evaluations")
        if len({row.objective for row in self}) == 1:
            hidden.add("objective")
        hidden |= _hidden_counts(self)

        def text(*names: str) -> list[Column]:
            return [Column(name, name, tuple(getattr(row, name) for row in self), False) for name in names]

        columns = text("objective", "optimizer", "settings", "tuned")
        columns += [Column(name, heading, tuple(map(cell, self)), True) for name, heading, cell in METRICS]
        columns += text("stopped", "reason")
        return tuple(column for column in columns if any(column.words) and column.name not in hidden)

    def fitting_columns(self, fits: Callable[[Sequence[Column]], bool]) -> tuple[Column, ...]:
        """Return the columns for display, without those of `DROP_ORDER` that have no room.

        Steps, which titles of pictures count, replace evaluations to tolerance that are one more in each row.
        """
        columns, order = self.columns(), [*DROP_ORDER]
        if all(
            row.evaluations_low is None and row.evaluations_to_tolerance in (None, (row.steps_to_tolerance or 0) + 1)
            for row in self
        ):
            columns = tuple(column for column in columns if column.name != "evaluations_to_tolerance")
            order.remove("steps_to_tolerance")
        for name in order:
            if not fits(columns):
                columns = tuple(column for column in columns if column.name != name)
        return columns

    def to_csv(self) -> str:
        """Return CSV with a column per field of `Row` and unrounded figures; None is an empty cell.

        Columns for metrics of networks exist only if there is a network, and that of runs if there is an ensemble. An
        apostrophe is put before text that a spreadsheet would interpret as a formula.
        """
        text, rows = StringIO(newline=""), self._fields()
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({name: without_formula(cell) for name, cell in row.items()})
        return text.getvalue()

    def to_json(self) -> str:
        """Return strict JSON, `{"caption": …, "rows": [{…}, …]}`, with the fields of `Row` as keys and None as null."""
        content = {"caption": self.caption, "rows": self._fields()}
        return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def to_markdown(self) -> str:
        """Return a Markdown table of the columns for display, followed by the caption."""
        columns = self.columns()
        cells = zip(*(each.words for each in columns), strict=True)
        headings = [each.heading for each in columns]
        return markdown_table(headings, cells, [each.figures for each in columns], self.caption)

    def to_pandas(self) -> Any:
        """Return a `pandas.DataFrame` with a column per field of `Row` and the caption in `attrs`.

        A missing count is `pandas.NA`; any other missing figure is NaN.

        Raises:
            GdsimError: pandas is not installed.
        """
        try:
            # Imported by name, because its type stubs are a separate package.
            pandas = import_module("pandas")
        except ModuleNotFoundError as error:
            raise GdsimError("a data frame needs pandas: pip install 'gdsim[pandas]'") from error
        frame = pandas.DataFrame(self._fields())
        types = {each.name: DTYPES[each.type] for each in fields(Row) if each.type in DTYPES and each.name in frame}
        frame = frame.astype(types)
        frame.attrs["caption"] = self.caption
        return frame

    def _fields(self) -> list[dict[str, Any]]:
        hidden = {"runs"} if _unit(self.rows) == "starts" else set()
        hidden |= set() if has_networks(self.rows) else set(NETWORK_METRICS)
        hidden |= _hidden_counts(self)
        return [{name: cell for name, cell in asdict(row).items() if name not in hidden} for row in self.rows]


def _hidden_counts(rows: Iterable[Row]) -> set[str]:
    """Return the counts by kind, unless an optimizer evaluates values, gradients and Hessians apart."""
    apart = any(row.function_evaluations != row.gradient_evaluations or row.hessian_evaluations for row in rows)
    return set() if apart else set(COUNTS)


def without_formula(cell: object) -> object:
    """Return a cell of a CSV file, with an apostrophe before text that a spreadsheet would interpret as a formula."""
    return f"'{cell}" if isinstance(cell, str) and FORMULA.match(cell) else cell


def compare(trajectories: Iterable[Trajectory]) -> Table:
    """Return a table with one row per objective and optimizer; raise InputError if there is no trajectory."""
    return make_table(row for group in make_rows(trajectories) for row in group)


def make_table(rows: Iterable[Row], caption: str = "") -> Table:
    """Return a sorted table of at least one row; `caption` is put before the sentences on figures and order."""
    given = tuple(rows)
    if not given:
        raise InputError("there is no trajectory to compare", code="missing")
    objectives = list(dict.fromkeys(row.objective for row in given))
    ordered = sorted(
        given, key=lambda row: (objectives.index(row.objective), sort_key(row), row.optimizer, row.settings)
    )
    labels = tuple(dict.fromkeys(row.optimizer for row in given))
    return Table(tuple(ordered), " ".join([*([caption] if caption else []), *_sentences(given)]), labels)


def _sentences(rows: Sequence[Row]) -> Iterator[str]:
    most, unit = max(row.paths for row in rows), _unit(rows)
    if most > 1:
        least = min(row.paths for row in rows if row.paths)
        count = f"{most}" if least == most else f"{least} to {most}"
        ranked = any(row.rank_low is not None for row in rows)
        intervals = "; those of solved and evaluations to tolerance are 95 % intervals" if ranked else ""
        yield f"Figures are medians over {count} {unit}; in brackets their interquartile range{intervals}."
        yield from _ties(rows)
        yield from (
            f"{row.optimizer} with {row.tuned} diverges from {row.diverged} of {row.paths} {unit}{_on(row, rows)}."
            for row in rows
            if row.tuned and 2 * (row.diverged or 0) > row.paths
        )
    has_tolerance = any(row.never is not None or row.reason for row in rows)
    if has_tolerance:
        unknown = any(row.solved is None and row.never is not None for row in rows)
        known = ", where f* is the lowest value found if the minimum is not known" if unknown else ""
        yield (
            f"Within tolerance is f − f* ≤ {TOLERANCE:g} · (f(x₀) − f*){known}; steps and evaluations to tolerance "
            "count up to the step from which on this holds to the end."
        )
    if not _hidden_counts(rows):
        yield "A value and a gradient at one point are one evaluation; a Hessian is one per variable of the function."
    if any(row.solved is not None for row in rows):
        yield (
            "Solved is a start that ends within tolerance, and nearer to a global minimum than "
            f"{NEAR:.0%} of the view's diagonal."
        )
    if has_networks(rows):
        yield (
            "The values of a network are its loss on all training data, measured where its weights were kept; "
            "accuracy and the figures of the test data are measured after the last step."
        )
    if len(rows) > 1 and has_tolerance:
        yield (
            "Sorted by the share of starts solved, high first; then by evaluations to tolerance, low first and never "
            "last; then by the best value, low first. A start that fails, or leaves the view for values below the "
            "minimum, counts as never."
        )
    elif len(rows) > 1:
        yield "Sorted by the best value, low first."


def _ties(rows: Sequence[Row]) -> Iterator[str]:
    """Yield which optimizers cannot be told from the first one of each objective."""
    for objective in dict.fromkeys(row.objective for row in rows):
        ordered = sorted((row for row in rows if row.objective == objective and row.rank_low is not None), key=sort_key)
        tied = [row for row in ordered[1:] if row.starts_needed is not None]
        if tied:
            names = [ordered[0].optimizer, *(row.optimizer for row in tied)]
            most = max(row.starts_needed or 0.0 for row in tied)
            would = f"about {most:,.0f} would do" if most <= MAX_STARTS else f"{MAX_STARTS:,} would not do either"
            listed = f"{', '.join(names[:-1])} and {names[-1]}"
            yield f"{listed} cannot be told apart with {tied[0].paths} {_unit(rows)}{_on(tied[0], rows)}; {would}."


def _unit(rows: Iterable[Row]) -> str:
    """Return what the medians of rows are over."""
    return "runs" if any(row.runs for row in rows) else "starts"


def _on(row: Row, rows: Sequence[Row]) -> str:
    return f" on {row.objective}" if len({each.objective for each in rows}) > 1 else ""


def _number(number: float | None, digits: int = 4) -> str:
    return "" if number is None else f"{number:.{digits}g}"


def _with_spread(row: Row, number: float | None, spread: float | None) -> str:
    if row.paths > 1 and number is not None:
        return f"{_number(number)} ({'∞' if spread is None else _number(spread, 2)})"
    return _number(number)


def _percent(fraction: float | None) -> str:
    return "" if fraction is None else f"{100 * fraction:.1f} %"


def _steps(row: Row, count: int | None) -> str:
    return "" if row.never is None else "never" if count is None else str(count)


def _rank(row: Row) -> str:
    if row.rank_low is None:
        return ""
    return f"{row.rank_low}" if row.rank_low == row.rank_high else f"{row.rank_low}–{row.rank_high}"


def _share(row: Row) -> str:
    if row.solved is None:
        return ""
    share = f"{100 * row.solved:.3g} %"
    if row.solved_low is None or row.solved_high is None:
        return share
    return f"{share} ({100 * row.solved_low:.0f}–{100 * row.solved_high:.0f})"


def _evaluations(row: Row) -> str:
    words = _steps(row, row.evaluations_to_tolerance)
    if row.evaluations_low is None:
        return words
    high = "never" if row.evaluations_high is None else f"{row.evaluations_high:.0f}"
    return f"{words} ({row.evaluations_low:.0f}–{high})"


def _of_starts(row: Row, count: int | None) -> str:
    return f"{count} of {row.paths}" if row.paths > 1 else ""


METRICS: tuple[tuple[str, str, Callable[[Row], str]], ...] = (
    ("rank_low", "rank", _rank),
    ("starts", "starts", lambda row: str(row.starts) if row.starts and not row.runs else ""),
    ("runs", "runs", lambda row: str(row.runs or "")),
    ("solved", "solved", _share),
    ("evaluations_to_tolerance", "evaluations to tolerance", _evaluations),
    ("steps_to_tolerance", "steps to tolerance", lambda row: _steps(row, row.steps_to_tolerance)),
    ("evaluations", "evaluations", lambda row: _number(row.evaluations, 10)),
    ("function_evaluations", "function values", lambda row: _number(row.function_evaluations, 10)),
    ("gradient_evaluations", "gradients", lambda row: _number(row.gradient_evaluations, 10)),
    ("hessian_evaluations", "Hessians", lambda row: _number(row.hessian_evaluations, 10)),
    ("never", "not within tolerance", lambda row: _of_starts(row, row.never)),
    ("best_value", "best value", lambda row: _with_spread(row, row.best_value, row.best_spread)),
    ("final_value", "final value", lambda row: _with_spread(row, row.final_value, row.final_spread)),
    ("test_loss", "test loss", lambda row: _number(row.test_loss)),
    ("accuracy", "accuracy", lambda row: _percent(row.accuracy)),
    ("test_accuracy", "test accuracy", lambda row: _percent(row.test_accuracy)),
    ("distance_to_minimum", "distance to minimum", lambda row: _number(row.distance_to_minimum, 3)),
    ("detour", "path length ÷ distance", lambda row: _number(row.detour, 3)),
    ("mean_angle", "angle to −∇f", lambda row: "" if row.mean_angle is None else f"{row.mean_angle:.1f}°"),
    ("diverged", "diverged", lambda row: _of_starts(row, row.diverged)),
)
"""The field, the heading and the cell formatter of each metric."""


def markdown_table(
    headings: Sequence[str], rows: Iterable[Sequence[str]], figures: Sequence[bool], caption: str = ""
) -> str:
    """Return a table in GitHub's Markdown; `figures` specifies for each column whether it is right-aligned."""
    lines = [map(escape_markdown, headings), ("---:" if right else "---" for right in figures)]
    lines += [map(escape_markdown, row) for row in rows]
    text = [f"| {' | '.join(line)} |" for line in lines]
    return "\n".join([*text, *(["", escape_markdown(caption)] if caption else [])]) + "\n"


def escape_markdown(text: str) -> str:
    """Return text on one line with all characters escaped that Markdown or GitHub would interpret."""
    return re.sub(r"([\\`*_\[\]<>|~&$#@]|:(?=//)|(?<=www)\.)", r"\\\1", " ".join(text.split()), flags=re.IGNORECASE)


def _aligned(columns: Sequence[Column]) -> list[str]:
    """Return the headings and the rows of columns as lines."""
    widths = [max(map(len, [each.heading, *each.words])) for each in columns]
    lines = zip(*([each.heading, *each.words] for each in columns), strict=True)
    return ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]
