"""Summarize several objectives: matrices of ranks and of shares solved, performance profiles and data profiles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from gdsim.analysis.rows import Row, sort_key
from gdsim.analysis.table import Table, markdown_table
from gdsim.objectives import FloatArray


@dataclass(frozen=True, eq=False)
class Matrix:
    """One figure per objective and optimizer.

    Attributes:
        objectives: The titles of the rows.
        optimizers: The labels of the columns.
        figures: (objectives, optimizers); NaN if there is no figure.
    """

    caption: str
    objectives: tuple[str, ...]
    optimizers: tuple[str, ...]
    figures: FloatArray

    def means(self) -> FloatArray:
        """Return each optimizer's mean over the objectives that have figures; NaN if one of its figures is missing."""
        kept = self.figures[~np.isnan(self.figures).all(1)]
        return kept.mean(0) if len(kept) else np.full(len(self.optimizers), np.nan)

    def words(self) -> tuple[tuple[str, ...], ...]:
        """Return the figures as text, row by row; empty for NaN."""
        return tuple(tuple("" if np.isnan(each) else f"{each:.4g}" for each in row) for row in self.figures)

    def to_markdown(self) -> str:
        """Return a Markdown table followed by the caption."""
        cells = [(title, *words) for title, words in zip(self.objectives, self.words(), strict=True)]
        headings = ("objective", *self.optimizers)
        return markdown_table(headings, cells, [False, *[True] * len(self.optimizers)], self.caption)


@dataclass(frozen=True, eq=False)
class Profile:
    """The share of problems that each optimizer solves to tolerance as a step function of the cost.

    Between two costs the share is that of the lower cost; above the last cost it is constant.

    Attributes:
        x: (n,) the costs at which a share increases, ascending; the first is the beginning of the axis.
        shares: (n, optimizers), 0 to 1.
    """

    labels: tuple[str, ...]
    x: FloatArray
    shares: FloatArray


def ranks(table: Table) -> Matrix:
    """Return the rank of each optimizer on each objective, 1 for the best, in the order of the table.

    Tied optimizers get the mean of their ranks; a class that cannot run has the rank NaN.
    """

    def ranked(rows: Sequence[Row]) -> list[float]:
        keys = [sort_key(row) for row in rows]
        return [
            np.nan if row.reason else 1 + sum(other < key for other in keys) + (keys.count(key) - 1) / 2
            for row, key in zip(rows, keys, strict=True)
        ]

    return _matrix(table, ranked, "Ranks on each objective, 1 the best; those that tie share the mean of their ranks.")


def solved_shares(table: Table) -> Matrix:
    """Return the share of starts that each optimizer solves on each objective; NaN if no minimum is known."""

    def shares(rows: Sequence[Row]) -> list[float]:
        return [np.nan if row.solved is None else row.solved for row in rows]

    return _matrix(table, shares, "Share of starts that reach a global minimum.")


def _matrix(table: Table, figures: Callable[[Sequence[Row]], list[float]], caption: str) -> Matrix:
    objectives = tuple(dict.fromkeys(row.objective for row in table))
    optimizers = table.labels  # in the order given, because the order of the rows differs between objectives
    filled = np.full((len(objectives), len(optimizers)), np.nan)
    for i, title in enumerate(objectives):
        rows = [row for row in table if row.objective == title]
        filled[i, [optimizers.index(row.optimizer) for row in rows]] = figures(rows)
    return Matrix(caption, objectives, optimizers, filled)


def performance_profile(evaluations: FloatArray, labels: Sequence[str]) -> Profile:
    """Return the performance profile of Dolan and Moré (2002).

    ρ_s(τ) is the share of problems on which optimizer s is within tolerance for good with at most τ times as many
    evaluations as the best optimizer on the same problem. A problem is an objective with one start; a problem that no
    optimizer solves counts as unsolved for all.

    Args:
        evaluations: (problems, optimizers) evaluations to tolerance, positive, inf for never.
        labels: The optimizers.

    Returns:
        The profile; x are the ratios τ, from 1.
    """
    best = evaluations.min(1, keepdims=True)
    ratios = np.divide(evaluations, best, out=np.full(evaluations.shape, np.inf), where=np.isfinite(best))
    return _profile(ratios, 1.0, labels)


def data_profile(evaluations: FloatArray, labels: Sequence[str]) -> Profile:
    """Return the data profile of Moré and Wild (2009).

    d_s(α) is the share of problems on which optimizer s is within tolerance after at most α simplex gradients. In the
    paper a simplex gradient is dim + 1 function values, and the best point so far counts; here gradients are evaluated
    directly, so that α, the x of the profile from 0, is the number of evaluations, and a point counts only if all later
    ones are within tolerance, too. The arguments are those of `performance_profile`.
    """
    return _profile(evaluations, 0.0, labels)


def _profile(spent: FloatArray, first: float, labels: Sequence[str]) -> Profile:
    x = np.unique(np.append(first, spent[np.isfinite(spent)]))
    counts = [np.searchsorted(np.sort(column), x, side="right") for column in spent.T]
    return Profile(tuple(labels), x, np.stack(counts, -1) / len(spent))
