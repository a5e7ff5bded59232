"""A study → the text of its page, filled into the skeleton, the style sheet and the script beside this file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from html import escape
from importlib.resources import files
from string import Template

from gdsim.scene import Style
from gdsim.web.report.animation import film
from gdsim.web.report.contents import Across, Contents
from gdsim.web.report.diagrams import Loss, data_chart, loss_charts, performance_chart
from gdsim.web.report.look import style_sheet, styles
from gdsim.web.report.markup import (
    cards,
    column_meanings,
    definitions,
    element,
    figures_table,
    legend,
    matrices,
    matrix_table,
    moving,
    source,
)
from gdsim.web.templates import csp_hash

__all__ = ["page"]

SHOWN = 4
"""The charts of so many objectives stand open; those of the others are folded away."""

READING = "Press a heading to sort by it, and again to turn the order round."

LOSSES = "The lowest value so far, the median over the starts: against steps, and against the gradients asked for."


def page(told: Contents) -> str:
    """Return the page as HTML."""
    shown = film(told.experiments, told.tuned)
    drawn = styles(told.labels, shown)
    script = _file("page.js").strip()
    return Template(_file("page.html")).substitute(
        policy=_policy(script),
        generator=escape(f"gdsim {told.versions['gdsim']}"),
        title=escape(told.title),
        style=f"{style_sheet(told.labels, shown)}\n{_file('page.css').strip()}",
        story=escape(told.story),
        facts=escape(told.facts),
        film=moving(shown, drawn.values()),
        reading=READING,
        table=figures_table(told.table, drawn),
        caption=escape(told.table.caption),
        columns=column_meanings(told.table),
        sections="\n\n".join(_sections(told, drawn)),
        settings="\n".join(source(name, yaml, is_open=len(told.sources) == 1) for name, yaml in told.sources.items()),
        versions=definitions(told.versions, "versions"),
        script=script,
    )


def _policy(script: str) -> str:
    """What the page may do: run this one script, and show what it holds itself."""
    return (
        f"default-src 'none'; script-src {csp_hash(script)}; style-src 'unsafe-inline'; "
        "img-src data:; media-src data:; base-uri 'none'; form-action 'none'"
    )


def _file(name: str) -> str:
    return files("gdsim.web.report").joinpath(name).read_text("utf-8")


def _sections(told: Contents, drawn: Mapping[str, Style]) -> Iterator[str]:
    if told.losses:
        yield _section("loss", "Loss", [element("p", LOSSES, class_="quiet"), *_losses(told, drawn)])
    if told.across:
        yield _section("objectives", "All objectives together", _together(told.across, drawn))


def _section(name: str, heading: str, parts: Iterable[str]) -> str:
    made = "\n".join([element("h2", heading, id=name), *parts])
    return element("section", f"\n{made}\n", aria_labelledby=name)


def _losses(told: Contents, drawn: Mapping[str, Style]) -> Iterator[str]:
    ran = {each.optimizer for loss in told.losses for each in loss.descents}
    yield legend(style for label, style in drawn.items() if label in ran)
    blocks = [_charts(loss, drawn, f"loss-{index}", len(told.losses) > 1) for index, loss in enumerate(told.losses)]
    yield from blocks[:SHOWN]
    if rest := blocks[SHOWN:]:
        summary = element("summary", f"{len(rest)} more objective{'s' * (len(rest) > 1)}")
        yield element("details", "\n".join([summary, *rest]))


def _charts(loss: Loss, drawn: Mapping[str, Style], name: str, named: bool) -> str:
    heading = element("h3", escape(loss.title)) if named else ""
    return element("div", heading + cards(loss_charts(loss, drawn, name=name)))


def _together(across: Across, drawn: Mapping[str, Style]) -> Iterator[str]:
    tables = [matrix_table(across.ranks, "Ranks", percent=False)]
    if across.solved is not None:
        tables.append(matrix_table(across.solved, "Starts solved", percent=True))
    yield matrices(tables, len(across.ranks.optimizers))
    yield element("h3", "Profiles")
    yield element("p", escape(across.words), class_="quiet")
    yield legend(drawn.values())
    yield cards([performance_chart(across.performance, drawn), data_chart(across.data, drawn)])
