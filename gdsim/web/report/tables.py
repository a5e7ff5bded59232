"""Convert a study's table, matrices and profiles to values of the report's templates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gdsim.analysis import Column, Matrix, Profile, Row, Table, markdown_table
from gdsim.objectives import FloatArray
from gdsim.scene import number
from gdsim.web.report.charts import Loss
from gdsim.web.report.summary import plural

MEANINGS = {
    "starts": "From how many starting points the optimizer ran.",
    "solved": "The share of starts that reach a global minimum: within tolerance, not broken off, and ending near it.",
    "evaluations_to_tolerance": "Gradients computed until within tolerance, for the median start; one that never gets "
    "there counts as later than any that does. The steps are given as well where a step needs several gradients.",
    "evaluations": "Gradients computed in all; they differ where a step needs several, or a start stops early.",
    "never": "How many starts never come within tolerance.",
    "best_value": "The lowest value on the way.",
    "final_value": "The value at the last step.",
    "test_loss": "The loss on the test data after the last step.",
    "accuracy": "The share of the training data to which the network gives the right class after the last step.",
    "test_accuracy": "The same share of the test data, on which it was not trained.",
    "distance_to_minimum": "From the last point to the nearest global minimum.",
    "detour": "The length of the path over the straight distance from its start to its end; 1 is straight.",
    "mean_angle": "How far the steps turn away from steepest descent, in degrees; 0 is straight downhill.",
    "stopped": "How the starts ended; one that diverged reached values that are not finite.",
}
"""The explanation of each column, by the field of `Row`."""

# The page shows these fields elsewhere; `diverged` is part of `stopped`.
ELSEWHERE = ("optimizer", "settings", "tuned", "reason", "stopped", "objective", "steps_to_tolerance", "diverged")
HIGH_IS_GOOD = ("solved", "accuracy", "test_accuracy")
LOSS_PARTS = 4
"""Number of equal parts into which the Markdown table of a loss divides the steps."""


@dataclass(frozen=True)
class Cell:
    """A table cell: its text, the smaller text in brackets after it, and the value by which the column is sorted."""

    text: str
    small: str
    value: str


def figures(table: Table) -> dict[str, Any]:
    """Return the columns, rows and explanations of the page's table."""
    equal_starts = len({row.starts for row in table if row.starts}) == 1
    columns = [each for each in table.columns() if not (equal_starts and each.name == "starts")]
    shown = [each for each in columns if each.name not in ELSEWHERE]
    rows, before = [], ""
    for index, row in enumerate(table):
        is_first, before = row.objective != before, row.objective
        cells = [] if row.reason else [_cell(each, row, index) for each in shown]
        rows.append({"row": row, "cells": cells, "is_first": is_first, "tuned": _tuned(row)})
    return {
        "several": len({row.objective for row in table}) > 1,
        "columns": [{"heading": each.heading, "descending": each.name in HIGH_IS_GOOD} for each in shown],
        "rows": rows,
        "meanings": {each.heading: MEANINGS[each.name] for each in columns if each.name in MEANINGS},
    }


def _cell(column: Column, row: Row, index: int) -> Cell:
    """Return a cell; "never" is sorted after all numbers, and unknown values are not sorted."""
    text, steps, value = column.words[index], row.steps_to_tolerance, getattr(row, column.name)
    if not text or text == "never":
        return Cell(text or "–", "", "inf" if text else "")
    text, bracket, rest = text.partition(" (")
    small = f"({rest}" if bracket else ""
    # With one gradient per step, evaluations are steps + 1 and the steps add no information.
    if column.name == "evaluations_to_tolerance" and steps is not None and value != steps + 1:
        small = f"({plural(steps, 'step')})"
    return Cell(text, small, "" if value is None else repr(value))


def _tuned(row: Row) -> tuple[str, str] | None:
    """Return what tuning chose, with a warning if it is at the edge of the grid; None if the settings contain it."""
    chosen, edge, rest = row.tuned.partition("(at the edge")
    if not row.tuned or not (edge or any(each.strip() not in row.settings for each in chosen.split(","))):
        return None
    return chosen, edge + rest


def matrix_values(matrix: Matrix, heading: str, *, percent: bool) -> dict[str, Any]:
    """Return template values for ranks or shares: rows of text and shade, from 0 to 1, where higher is better."""
    figures, means = matrix.figures, matrix.means()
    shades = figures if percent else 1 - (figures - 1) / max(len(matrix.optimizers) - 1, 1)

    def cells(row: FloatArray, shade: FloatArray) -> list[tuple[str, str]]:
        text = ["" if np.isnan(each) else f"{100 * each:.0f} %" if percent else f"{each:.3g}" for each in row]
        return [(each, f"{part:.2f}") for each, part in zip(text, shade, strict=True)]

    rows = [(title, cells(*pair)) for title, *pair in zip(matrix.objectives, figures, shades, strict=True)]
    return {
        "heading": heading,
        "optimizers": matrix.optimizers,
        "rows": rows,
        "means": cells(means, np.zeros(len(means))),
        "caption": matrix.caption,
        "markdown": matrix.to_markdown().rstrip(),
    }


def loss_table(loss: Loss) -> str:
    """Return a Markdown table of the loss at the start and after each part of the steps."""
    steps = loss.curves[0].steps
    at = np.unique(np.linspace(0, len(steps) - 1, LOSS_PARTS + 1).round().astype(int))
    rows = [
        (each.optimizer, *(number(float(values[i]), 3) if np.isfinite(values[i]) else "" for i in at))
        for each, values in zip(loss.curves, loss.values, strict=True)
    ]
    headings = ["optimizer", *(f"step {steps[i]:g}" for i in at)]
    caption = f"{loss.title}: {loss.caption}, the median over the starts."
    return markdown_table(headings, rows, [False] + [True] * len(at), caption).rstrip()


def profile_tables(performance: Profile, data: Profile) -> list[str]:
    """Return Markdown tables of a performance and a data profile; empty if no problem is solved."""
    largest = data.x[-1]
    if largest < 1:
        return []
    factors = 2.0 ** np.arange(max(1, np.ceil(np.log2(performance.x[-1]))) + 1)
    budgets = np.unique(np.geomspace(1, largest, 8).round())
    return [
        _profile_table(performance, factors, [f"{each:g} × the fewest" for each in factors]),
        _profile_table(data, budgets, [plural(int(each), "evaluation") for each in budgets]),
    ]


def _profile_table(profile: Profile, costs: FloatArray, headings: Sequence[str]) -> str:
    at = np.maximum(np.searchsorted(profile.x, costs, side="right") - 1, 0)
    shares = zip(profile.labels, profile.shares[at].T, strict=True)
    rows = [(label, *(f"{share:.0%}" for share in column)) for label, column in shares]
    return markdown_table(["within tolerance after", *headings], rows, [False] + [True] * len(costs)).rstrip()
