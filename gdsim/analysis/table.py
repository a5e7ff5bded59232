"""Sort rows into a table with a caption, and convert it to CSV, JSON, Markdown or a data frame."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from importlib import import_module
from io import StringIO
from typing import Any

from gdsim.analysis.metrics import NEAR, TOLERANCE
from gdsim.analysis.row import NETWORK_METRICS, Row, has_networks, make_rows, sort_key
from gdsim.config import Experiment
from gdsim.errors import GdsimError, InputError
from gdsim.simulation import Trajectory

RULE = (
    "Sorted by the share of starts solved, high first; then by gradient evaluations to tolerance, low first and never "
    "last; then by the best value, low first."
)

WITHIN = f"Within tolerance is f − f* ≤ {TOLERANCE:g} · (f(x₀) − f*)"

SOLVED = (
    f"Solved is a start that comes within tolerance and ends nearer to a global minimum than {NEAR:.0%} of the view's "
    "diagonal."
)

NETWORKS = (
    "The values of a network are its loss on all training data, measured where its weights were kept; accuracy and "
    "the figures of the test data are measured after the last step."
)

FORMULA = re.compile(r"[\t\r\n]|\s*[=+\-@\uff1d\uff0b\uff0d\uff20]")
"""The beginnings of text that spreadsheets may interpret as a formula, including full-width characters."""

DTYPES: dict[object, str] = {"float | None": "float64", "int | None": "Int64"}
"""The data-frame column type for each optional field type."""


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

    Objectives keep their order. The rows of each are sorted by the share of starts solved, descending; then by gradient
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
        return f"<Table: {len(self.labels)} optimizers on {len({row.objective for row in self})} objectives>"

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def columns(self) -> tuple[Column, ...]:
        """Return the columns for display, with rounded figures and without empty columns."""
        return format_columns(self.rows)

    def to_csv(self) -> str:
        """Return CSV with a column per field of `Row` and unrounded figures; None is an empty cell.

        Columns for metrics of networks exist only if there is a network. An apostrophe is put before text that a
        spreadsheet would interpret as a formula.
        """
        text, rows = StringIO(newline=""), self._fields()
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({name: _without_formula(cell) for name, cell in row.items()})
        return text.getvalue()

    def to_json(self) -> str:
        """Return strict JSON, `{"caption": …, "rows": [{…}, …]}`, with the fields of `Row` as keys and None as null."""
        content = {"caption": self.caption, "rows": self._fields()}
        return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def to_markdown(self) -> str:
        """Return a Markdown table of the columns for display, followed by the caption."""
        columns = self.columns()
        cells = zip(*(column.words for column in columns), strict=True)
        headings, figures = [each.heading for each in columns], [each.figures for each in columns]
        return markdown_table(headings, cells, figures, self.caption)

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
        hidden = () if has_networks(self.rows) else NETWORK_METRICS
        return [{name: cell for name, cell in asdict(row).items() if name not in hidden} for row in self.rows]


def _without_formula(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and FORMULA.match(cell) else cell


def compare(source: Experiment | Sequence[Trajectory]) -> Table:
    """Return a table with one row per objective and optimizer.

    Args:
        source: An experiment, which is simulated first, or trajectories.

    Raises:
        InputError: There is no trajectory.
        ConfigError: A class, an argument or a start of the experiment is invalid.
    """
    if isinstance(source, Experiment):
        # Importing torch takes seconds, and only simulation needs it.
        from gdsim.simulation import simulate

        source = simulate(source)
    return make_table(row for group in make_rows(source) for row in group)


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
    most = max(row.starts for row in rows)
    if most > 1:
        least = min(row.starts for row in rows if row.starts)
        count = f"{most}" if least == most else f"{least} to {most}"
        yield f"Figures are medians over {count} starts; in brackets their interquartile range."
    has_tolerance = any(row.never is not None or row.reason for row in rows)
    if has_tolerance:
        unknown = any(row.solved is None and row.never is not None for row in rows)
        yield f"{WITHIN}{', where f* is the lowest value found if the minimum is not known' if unknown else ''}."
    if any(row.solved is not None for row in rows):
        yield SOLVED
    if has_networks(rows):
        yield NETWORKS
    if len(rows) > 1:
        yield RULE if has_tolerance else "Sorted by the best value, low first."


def format_columns(rows: Sequence[Row]) -> tuple[Column, ...]:
    """Return the columns for display: without empty ones, counts of zero only, and evaluations equal per objective."""
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
