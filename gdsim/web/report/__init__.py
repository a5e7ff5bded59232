"""Write a study as a self-contained HTML page and a Markdown file."""

from __future__ import annotations

import platform
import re
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from gdsim.analysis import (
    Column,
    Matrix,
    Profile,
    Row,
    Study,
    Table,
    data_profile,
    escape_markdown,
    markdown_table,
    performance_profile,
    ranks,
    solved_shares,
)
from gdsim.errors import InputError
from gdsim.files import atomic_write
from gdsim.metadata import versions
from gdsim.objectives import FloatArray
from gdsim.objectives.formulas import number
from gdsim.web import asset, csp_hash, render
from gdsim.web.report.charts import Loss, animate, chart_styles, color_variables, loss_charts, losses, profile_chart
from gdsim.web.report.summary import objectives_run, plural, settings_line, summarize, title, tuning_notes

# The page shows these fields elsewhere; `diverged` is part of `stopped`.
ELSEWHERE = ("optimizer", "settings", "tuned", "reason", "stopped", "objective", "steps_to_tolerance", "diverged")
HIGH_IS_GOOD = ("solved", "accuracy", "test_accuracy")
LOSS_PARTS = 4  # number of equal parts into which the Markdown table of a loss divides the steps


def write_report(study: Study, path: str | PathLike[str]) -> tuple[Path, Path]:
    """Write the results of a study as an HTML page and a Markdown file.

    The page is a single file that loads no others, so it can be opened from disk and without a network. Each file is
    replaced atomically: it is either complete or not written.

    Args:
        study: The study to report.
        path: The path of the page, `.html` or `.htm`; the Markdown file has the same stem and is in the same folder.

    Returns:
        The paths of the page and of the Markdown file.

    Raises:
        InputError: The path has another suffix, or no optimizer of the study can run.
        GdsimError: A file cannot be written, or the animation cannot be encoded.
    """
    page = Path(path)
    if page.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"{path}: a report is a page: give it a name that ends in .html", code="unsupported")
    if not study.experiments:
        raise InputError("no optimizer can run: there is nothing to report", code="unsupported")
    text = page.with_suffix(".md")
    values = _values(study, page.name)
    values |= _page_values(study, values)
    with atomic_write(page) as html, atomic_write(text) as markdown:
        html.write_text(render("report/report.html", **values), "utf-8", newline="\n")
        markdown.write_text(render("report/report.md", **values), "utf-8", newline="\n")
    return page, text


def _values(study: Study, page: str) -> dict[str, Any]:
    """Return the template values of the Markdown file, some of which the page shows, too."""
    table, experiments, loss = study.table, study.experiments, losses(study)
    across: dict[str, Any] | None = None
    if len({row.objective for row in table}) > 1:
        solved = solved_shares(table)
        matrices = [_matrix(ranks(table), "Ranks", percent=False)]
        if not np.isnan(solved.figures).all():
            matrices.append(_matrix(solved, "Starts solved", percent=True))
        profiles = [profile(study.evaluations, study.table.labels) for profile in (performance_profile, data_profile)]
        across = {"matrices": matrices, "profiles": profiles}
    return {
        "title": title(table),
        "summary": summarize(study),
        "settings_line": settings_line(table, experiments[0]),
        "table": table,
        "losses": loss,
        "loss_tables": [_loss_table(each) for each in loss],
        "across": across,
        "profile_tables": _profile_tables(*across["profiles"]) if across else [],
        "sources": dict(zip(objectives_run(table), (each.yaml for each in experiments), strict=True)),
        "versions": {**versions(), "Python": platform.python_version(), "seed": str(experiments[0].seed)},
        "link": page.replace("\\", "%5C").replace("<", "%3C").replace(">", "%3E"),
        "escape": escape_markdown,
        "fence": _fence,
    }


def _page_values(study: Study, values: dict[str, Any]) -> dict[str, Any]:
    """Return the template values of the page only: the animation, the charts and the styles."""
    animation = animate(study.experiments, tuning_notes(study.tuning))
    styles = chart_styles(study.table.labels, animation.scenes[0])
    lines = {
        label: {"color": f"var(--path-{i})", "dash": " ".join(f"{2.5 * part:g}" for part in style.dash)}
        for i, (label, style) in enumerate(styles.items())
    }
    ran = {each.optimizer for loss in values["losses"] for each in loss.curves}
    script, across, profile_charts = asset("report/report.js"), values["across"], []
    if across:
        performance, data = across["profiles"]
        axis = "evaluations"
        profile_charts.append(profile_chart(performance, styles, axis=f"times the fewest {axis}", doubling=True))
        profile_charts.append(profile_chart(data, styles, axis=axis))
    return {
        "generator": f"gdsim {values['versions']['gdsim']}",
        "animation": animation,
        "lines": lines,
        "lines_run": {label: line for label, line in lines.items() if label in ran},
        "figures": _figures(study.table),
        "loss_charts": [
            (loss.title, loss_charts(loss, styles, name=f"loss-{i}")) for i, loss in enumerate(values["losses"])
        ],
        "profile_charts": profile_charts,
        "style": f"{color_variables(study.table.labels, animation)}\n{asset('report/report.css')}",
        "script": script,
        "script_hash": csp_hash(script),
    }


def _fence(text: str) -> str:
    """Return the fence of a Markdown code block, longer than any in the text."""
    return "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))


def _figures(table: Table) -> dict[str, Any]:
    """Return the columns and rows of the page's table."""
    equal_starts = len({row.paths for row in table if row.paths}) == 1
    columns = [each for each in table.columns() if not (equal_starts and each.name in ("starts", "runs"))]
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
        "headings": {each.name: each.heading for each in columns},
    }


def _cell(column: Column, row: Row, index: int) -> dict[str, str]:
    """Return a cell's text, the smaller text in brackets after it, and the value by which the column is sorted.

    "never" is sorted after all numbers, and unknown values are not sorted.
    """
    text, steps, value = column.words[index], row.steps_to_tolerance, getattr(row, column.name)
    text, bracket, rest = text.partition(" (")
    small = f"({rest}" if bracket else ""
    if text in ("", "never"):
        return {"text": text or "–", "small": small, "value": "inf" if text else ""}
    # With one gradient per step, evaluations are steps + 1 and the steps add no information.
    if column.name == "evaluations_to_tolerance" and steps is not None and value != steps + 1:
        small = f"({plural(steps, 'step')})"
    return {"text": text, "small": small, "value": "" if value is None else repr(value)}


def _tuned(row: Row) -> tuple[str, str] | None:
    """Return what tuning chose, with a warning if it is at the edge of the grid; None if the settings contain it."""
    chosen, edge, rest = row.tuned.partition("(at the edge")
    if not row.tuned or not (edge or any(each.strip() not in row.settings for each in chosen.split(","))):
        return None
    return chosen, edge + rest


def _matrix(matrix: Matrix, heading: str, *, percent: bool) -> dict[str, Any]:
    """Return template values for ranks or shares: rows of text and shade, from 0 to 1, where higher is better."""
    figures, means = matrix.figures, matrix.means()
    shades = figures if percent else 1 - (figures - 1) / max(len(matrix.optimizers) - 1, 1)

    def cells(row: FloatArray, shade: FloatArray) -> list[tuple[str, str]]:
        text = ["" if np.isnan(each) else f"{100 * each:.0f} %" if percent else f"{each:.3g}" for each in row]
        return [(each, f"{part:.2f}") for each, part in zip(text, shade, strict=True)]

    return {
        "heading": heading,
        "optimizers": matrix.optimizers,
        "rows": [(title, cells(*pair)) for title, *pair in zip(matrix.objectives, figures, shades, strict=True)],
        "means": cells(means, np.zeros(len(means))),
        "caption": matrix.caption,
        "markdown": matrix.to_markdown().rstrip(),
    }


def _loss_table(loss: Loss) -> str:
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


def _profile_tables(performance: Profile, data: Profile) -> list[str]:
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
