"""Write a study as a self-contained HTML page and a Markdown file."""

from __future__ import annotations

import re
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from gdsim.analysis import Study, data_profile, escape_markdown, performance_profile, ranks, solved_shares
from gdsim.errors import InputError
from gdsim.files import atomic_write
from gdsim.web.report.animation import animate
from gdsim.web.report.charts import chart_styles, color_variables, loss_charts, losses, profile_charts
from gdsim.web.report.summary import objectives_run, settings_line, summarize, title, tuning_notes, versions
from gdsim.web.report.tables import figures, loss_table, matrix_values, profile_tables
from gdsim.web.templates import asset, csp_hash, render

__all__ = ["write_report"]


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
    text, values = page.with_suffix(".md"), _values(study)
    with atomic_write(page) as html, atomic_write(text) as markdown:
        html.write_text(render("report/report.html", **values, **_page_values(study, values)), "utf-8", newline="\n")
        markdown.write_text(_markdown(values, page.name), "utf-8", newline="\n")
    return page, text


def _values(study: Study) -> dict[str, Any]:
    """Return the template values that the page and the Markdown file share."""
    table, experiments = study.table, study.experiments
    across: dict[str, Any] | None = None
    if len({row.objective for row in table}) > 1:
        solved = solved_shares(table)
        matrices = [matrix_values(ranks(table), "Ranks", percent=False)]
        if not np.isnan(solved.figures).all():
            matrices.append(matrix_values(solved, "Starts solved", percent=True))
        profiles = [profile(study.evaluations, study.table.labels) for profile in (performance_profile, data_profile)]
        across = {"matrices": matrices, "profiles": profiles}
    return {
        "title": title(table),
        "summary": summarize(table),
        "settings_line": settings_line(table, experiments[0]),
        "table": table,
        "losses": losses(study),
        "across": across,
        "sources": dict(zip(objectives_run(table), (each.yaml for each in experiments), strict=True)),
        "versions": {**versions(), "seed": str(experiments[0].seed)},
    }


def _page_values(study: Study, values: dict[str, Any]) -> dict[str, Any]:
    """Return the template values of the page only: the animation, the charts and the styles."""
    animation = animate(study.experiments, tuning_notes(study.tuning))
    styles = chart_styles(study.table.labels, animation)
    lines = {
        label: {"color": f"var(--path-{i})", "dash": " ".join(f"{2.5 * part:g}" for part in style.dash)}
        for i, (label, style) in enumerate(styles.items())
    }
    ran = {each.optimizer for loss in values["losses"] for each in loss.curves}
    script, across = asset("report/report.js"), values["across"]
    return {
        "animation": animation,
        "lines": lines,
        "lines_run": {label: line for label, line in lines.items() if label in ran},
        "figures": figures(study.table),
        "loss_charts": [
            (loss.title, loss_charts(loss, styles, name=f"loss-{i}")) for i, loss in enumerate(values["losses"])
        ],
        "profile_charts": profile_charts(across["profiles"][0], across["profiles"][1], styles) if across else (),
        "style": f"{color_variables(study.table.labels, animation)}\n{asset('report/report.css')}",
        "script": script,
        "script_hash": csp_hash(script),
    }


def _markdown(values: dict[str, Any], page: str) -> str:
    across = values["across"]
    return render(
        "report/report.md",
        **values,
        escape=escape_markdown,
        link=page.replace("\\", "%5C").replace("<", "%3C").replace(">", "%3E"),
        loss_tables=[loss_table(each) for each in values["losses"]],
        profile_tables=profile_tables(*across["profiles"]) if across else [],
        fence=_fence,
    )


def _fence(text: str) -> str:
    """Return the fence of a Markdown code block, longer than any in the text."""
    return "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
