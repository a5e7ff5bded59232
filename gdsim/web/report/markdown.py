"""What a report says, as a Markdown file that reads well as plain text, too."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np

from gdsim.analysis import Profile, escape_markdown, markdown_table
from gdsim.objectives import FloatArray
from gdsim.scene import number
from gdsim.web.report.contents import Across, Contents
from gdsim.web.report.diagrams import Loss
from gdsim.web.report.summary import plural

__all__ = ["markdown"]

PARTS = 4
"""The loss is written down at the start and after so many equal parts of the way."""


def markdown(told: Contents, page: str) -> str:
    """Return the Markdown text.

    Args:
        told: What the report says.
        page: The file name of the page that stands beside it.
    """
    link = page.replace("\\", "%5C").replace("<", "%3C").replace(">", "%3E")
    parts = [
        f"# {escape_markdown(told.title)}",
        escape_markdown(told.story),
        escape_markdown(told.facts),
        f"[The animation and the charts](<{link}>)",
        "## The figures",
        told.table.to_markdown().rstrip(),
        *(["## Loss"] if told.losses else []),
        *(_fall(loss) for loss in told.losses),
        *(_together(told.across) if told.across else []),
        "## What made it",
        *(f"{escape_markdown(name)}:\n\n{_fenced(yaml)}" for name, yaml in told.sources.items()),
        "\n".join(f"- {escape_markdown(name)}: {escape_markdown(words)}" for name, words in told.versions.items()),
    ]
    return "\n\n".join(parts) + "\n"


def _fall(loss: Loss) -> str:
    """How far the loss has fallen after each part of the steps."""
    steps = loss.descents[0].steps
    at = np.unique(np.linspace(0, len(steps) - 1, PARTS + 1).round().astype(int))
    rows = [
        (each.optimizer, *(_figure(float(values[index])) for index in at))
        for each, values in zip(loss.descents, loss.above(), strict=True)
    ]
    headings = ["optimizer", *(f"step {steps[index]:g}" for index in at)]
    caption = f"{loss.title}: {loss.caption}, the median over the starts."
    return markdown_table(headings, rows, [False] + [True] * len(at), caption).rstrip()


def _figure(figure: float) -> str:
    return number(figure, 3) if np.isfinite(figure) else ""


def _together(across: Across) -> Iterator[str]:
    yield "## All objectives together"
    yield across.ranks.to_markdown().rstrip()
    if across.solved is not None:
        yield across.solved.to_markdown().rstrip()
    yield escape_markdown(across.words)
    most = across.data.x[-1]
    if most < 1:
        yield "No optimizer comes within tolerance on any problem."
        return
    factors = 2.0 ** np.arange(max(1, np.ceil(np.log2(across.performance.x[-1]))) + 1)
    yield _profile(across.performance, factors, [f"{each:g} × the fewest" for each in factors])
    budgets = np.unique(np.geomspace(1, most, 8).round())
    yield _profile(across.data, budgets, [plural(int(each), "evaluation") for each in budgets])


def _profile(profile: Profile, places: FloatArray, named: Sequence[str]) -> str:
    at = np.searchsorted(profile.x, places, side="right") - 1
    rows = [
        (label, *(f"{share:.0%}" for share in column[np.maximum(at, 0)]))
        for label, column in zip(profile.labels, profile.shares.T, strict=True)
    ]
    return markdown_table(["within tolerance after", *named], rows, [False] + [True] * len(places)).rstrip()


def _fenced(text: str) -> str:
    """Text in a fence that is longer than any within it."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}yaml\n{text.rstrip()}\n{fence}"
