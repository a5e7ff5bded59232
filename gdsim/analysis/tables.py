"""Rows → a table: sorted by one rule, captioned, and written as CSV, JSON or Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gdsim.analysis.formatting import Column, columns, csv_text, frame, json_text, pipe_table
from gdsim.analysis.grouping import grouped, lowest_value, titles
from gdsim.analysis.metrics import NEAR, TOLERANCE
from gdsim.analysis.rows import Row, of_networks, order, row_of
from gdsim.config import Experiment
from gdsim.errors import InputError
from gdsim.files import atomic_write
from gdsim.simulation import Trajectory

__all__ = ["Table", "compare", "table", "write_csv"]

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
    "The values of a network are its loss on all training data, known where its weights were kept; accuracy and what "
    "is said of the test data hold after the last step."
)


@dataclass(frozen=True, eq=False)
class Table:
    """Rows, sorted; `table` and `compare` make them.

    The objectives stand in the order given. The rows of one are sorted by the share of starts solved, high first; then
    by gradient evaluations to tolerance, low first and never last; then by the best value, low first; then by label. A
    class that cannot run comes last.

    Attributes:
        rows: The rows.
        caption: What the figures are and how they are sorted, in sentences.
        labels: The optimizers, in the order given.
    """

    rows: tuple[Row, ...]
    caption: str
    labels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def columns(self) -> tuple[Column, ...]:
        """Return the columns worth reading, each figure in few digits; those that say nothing are left out."""
        return columns(self.rows)

    def to_csv(self) -> str:
        """Return CSV, its columns the fields of `Row`, each figure in full; what is None is left empty.

        The figures of networks have columns where there is a network.

        What a spreadsheet would take for a formula gets an apostrophe before it.
        """
        return csv_text(self.rows)

    def to_json(self) -> str:
        """Return strict JSON: `{"caption": …, "rows": [{…}, …]}`, keys as the fields of `Row`, None as null."""
        return json_text(self.rows, self.caption)

    def to_markdown(self) -> str:
        """Return a pipe table of what is worth reading, each figure in few digits, and the caption under it."""
        shown = self.columns()
        cells = list(zip(*(column.words for column in shown), strict=True))
        return pipe_table(
            [column.heading for column in shown], cells, [column.figures for column in shown], self.caption
        )

    def to_pandas(self) -> Any:
        """Return a `pandas.DataFrame`, its columns the fields of `Row`; the caption is in its `attrs`.

        Raises:
            GdsimError: pandas is not installed.
        """
        return frame(self.rows, self.caption)


def compare(source: Experiment | Sequence[Trajectory]) -> Table:
    """Return a table with a row for each objective and optimizer.

    Args:
        source: An experiment, which is simulated first, or trajectories.

    Raises:
        InputError: There is no trajectory.
        ConfigError: A class, an argument or a start of the experiment is at fault.
    """
    if isinstance(source, Experiment):
        # torch takes seconds to import, and is needed for this alone.
        from gdsim.simulation import simulate

        source = simulate(source)
    if not source:
        raise InputError("there is no trajectory to compare")
    groups = grouped(source)
    named = titles([group[0].objective for group in groups])
    rows = []
    for group, title in zip(groups, named, strict=True):
        lowest = lowest_value(group)
        rows += [row_of(each, lowest, title=title) for each in group]
    return table(rows)


def table(rows: Iterable[Row], caption: str = "") -> Table:
    """Return a table of rows, sorted.

    Args:
        rows: At least one.
        caption: Sentences that stand before those on the figures and the rule.

    Raises:
        InputError: There is no row.
    """
    given = tuple(rows)
    if not given:
        raise InputError("there is no row to make a table of")
    objectives = list(dict.fromkeys(row.objective for row in given))
    ordered = sorted(given, key=lambda row: (objectives.index(row.objective), order(row), row.optimizer, row.settings))
    labels = tuple(dict.fromkeys(row.optimizer for row in given))
    return Table(tuple(ordered), " ".join([*([caption] if caption else []), *_sentences(given)]), labels)


def _sentences(rows: Sequence[Row]) -> Iterator[str]:
    most = max(row.starts for row in rows)
    if most > 1:
        least = min((row.starts for row in rows if row.starts), default=most)
        count = f"{most}" if least == most else f"{least} to {most}"
        yield f"Figures are medians over {count} starts; in brackets their interquartile range."
    asked = any(row.never is not None or row.reason for row in rows)
    unknown = any(row.solved is None and row.never is not None for row in rows)
    if asked:
        yield f"{WITHIN}{', where f* is the lowest value found if the minimum is not known' if unknown else ''}."
    if any(row.solved is not None for row in rows):
        yield SOLVED
    if of_networks(rows):
        yield NETWORKS
    if len(rows) > 1:
        yield RULE if asked else "Sorted by the best value, low first."


def write_csv(table: Table, path: Path) -> None:
    """Write a table as a CSV file.

    Raises:
        GdsimError: The file cannot be written.
    """
    with atomic_write(path) as partial:
        partial.write_text(table.to_csv(), encoding="utf-8", newline="")
