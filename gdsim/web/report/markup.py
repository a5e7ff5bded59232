"""Values → HTML. Whatever a user wrote passes `escape` here, and nothing reaches the page by another way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

import numpy as np

from gdsim.analysis import Column, Matrix, Row, Table
from gdsim.scene import Style
from gdsim.web.report.animation import Film
from gdsim.web.report.look import colored
from gdsim.web.report.summary import plural

__all__ = [
    "cards",
    "column_meanings",
    "definitions",
    "element",
    "figures_table",
    "legend",
    "matrices",
    "matrix_table",
    "moving",
    "source",
]

MEANINGS: Mapping[str, str] = {
    "starts": "From how many starting points the optimizer ran.",
    "solved": "The share of starts that reach a global minimum: within tolerance, not broken off, and ending near it.",
    "evaluations_to_tolerance": "Gradients asked for until within tolerance. The median start counts; one that never "
    "gets there counts as later than any that does. The steps stand under it where a step asks for several.",
    "evaluations": "Gradients asked for in all; they differ where a step asks for several, or a start stops early.",
    "never": "How many starts never come within tolerance.",
    "best_value": "The lowest value on the way.",
    "final_value": "The value at the last step.",
    "test_loss": "The loss on the test data after the last step.",
    "accuracy": "The share of the training data to which the network gives the right class after the last step.",
    "test_accuracy": "The same share of the test data, on which it was not trained.",
    "distance_to_minimum": "From the last point to the nearest global minimum.",
    "detour": "The length of the path over the straight distance from its start to its end; 1 is straight.",
    "mean_angle": "How far the steps turn away from steepest descent, in degrees; 0 is straight downhill.",
    "stopped": "How the starts ended; one that diverged ran off to where no number is.",
}
"""What each column says, by the field of `Row` that it shows."""

FOLDED = ("optimizer", "settings", "tuned", "reason", "stopped", "objective", "steps_to_tolerance", "diverged")
"""The columns that the page arranges in its own way: how the starts ended says how many diverged."""

HIGH_FIRST = ("solved", "accuracy", "test_accuracy")
"""Columns of which the high figures are the good ones."""


def element(kind: str, content: str = "", /, **attributes: str | bool | None) -> str:
    """Return an HTML element.

    Args:
        kind: Its tag.
        content: HTML.
        **attributes: Text, escaped here; `class_` is written `class`, and other underscores are hyphens. True stands
            for an attribute without a value, None and False for none.
    """
    written = ""
    for name, value in attributes.items():
        key = name.removesuffix("_").replace("_", "-")
        if value is True:
            written += f" {key}"
        elif value is not None and value is not False:
            written += f' {key}="{escape(value)}"'
    return f"<{kind}{written}>" + ("" if kind == "source" else f"{content}</{kind}>")


def figures_table(table: Table, styles: Mapping[str, Style]) -> str:
    """Return the table of figures, to be sorted by its headings."""
    several = len({row.objective for row in table}) > 1
    shown = [column for column in _telling(table) if column.name not in FOLDED]
    headings = [_heading("optimizer", "optimizer")]
    if several:
        headings.append(_heading("objective", "objective"))
    headings += [_heading(column.name, column.heading, figures=True) for column in shown]
    headings.append(_heading("stopped", "how it ended"))
    before, rows = "", []
    for index, row in enumerate(table):
        first, before = row.objective != before, row.objective
        rows.append(_row(row, index, shown, styles[row.optimizer], several=several, first=several and first))
    head = element("thead", element("tr", "".join(headings)))
    made = element("table", f"{head}\n{element('tbody', _lines(rows))}", class_="figures sortable in-order")
    return f"{_scrolling(made, labelledby='table')}\n{element('p', class_='hidden', role='status')}"


def _telling(table: Table) -> list[Column]:
    """The columns that say what the line of facts has not said already."""
    alike = len({row.starts for row in table if row.starts}) == 1
    return [column for column in table.columns() if not (alike and column.name == "starts")]


def _heading(name: str, words: str, *, figures: bool = False) -> str:
    button = element("button", element("span", escape(words[:1].upper() + words[1:])), type="button")
    return element(
        "th",
        button,
        scope="col",
        aria_sort="none",
        class_="number" if figures else None,
        data_first="descending" if name in HIGH_FIRST else None,
    )


def _row(row: Row, index: int, shown: Sequence[Column], style: Style, *, several: bool, first: bool) -> str:
    cells = [_name(row, style)]
    if several:
        cells.append(element("td", escape(row.objective), class_="wide"))
    if row.reason:
        why = f"{element('span', 'Cannot run:', class_='flag')} {escape(row.reason)}"
        cells.append(element("td", element("p", why), class_="reason", colspan=str(len(shown) + 1)))
    else:
        cells += [_cell(_words(column, row, index), getattr(row, column.name)) for column in shown]
        cells.append(element("td", escape(row.stopped), class_="wide"))
    return element("tr", "".join(cells), class_="first" if first else None)


def _words(column: Column, row: Row, index: int) -> str:
    """What stands in a cell; beside evaluations the steps, unless each has asked for one gradient."""
    words, steps = column.words[index], row.steps_to_tolerance
    # The gradient at the start is asked for, too.
    if column.name != "evaluations_to_tolerance" or steps is None or row.evaluations_to_tolerance == steps + 1:
        return words
    return f"{words} ({plural(steps, 'step')})"


def _cell(words: str, figure: float | None) -> str:
    """A figure; what never comes is later than any, and what cannot be said has no place in an order."""
    if not words:
        return element("td", "–", class_="number none", data_value="")
    if words == "never":
        return element("td", words, class_="number none", data_value="inf")
    said, spread, rest = words.partition(" (")
    small = element("span", escape(f"({rest}"), class_="small") if spread else ""
    value = "" if figure is None else repr(figure)
    return element("td", escape(said) + small, class_="number", data_value=value)


def _name(row: Row, style: Style) -> str:
    """The head of a row: the optimizer, with its settings and what tuning chose under it."""
    name = element("span", _swatch(style) + element("span", escape(row.optimizer)), class_="name")
    small = [element("span", escape(row.settings), class_="small")] if row.settings else []
    # Settings hold what tuning chose; what they do not say is whether its grid was too narrow.
    chosen, edge, rest = row.tuned.partition("(at the edge")
    if row.tuned and (edge or not all(each.strip() in row.settings for each in chosen.split(","))):
        flag = element("span", escape(edge + rest), class_="flag") if edge else ""
        small.append(element("span", f"tuned: {escape(chosen)}{flag}", class_="small"))
    return element("th", name + "".join(small), scope="row")


def _swatch(style: Style) -> str:
    """A short piece of an optimizer's line."""
    line = element(
        "line",
        x1="1",
        y1="5",
        x2="27",
        y2="5",
        stroke=colored(style.color),
        stroke_width="2.5",
        stroke_dasharray=" ".join(f"{2.5 * part:g}" for part in style.dash) or None,
    )
    return f'<svg class="swatch" viewBox="0 0 28 10" aria-hidden="true">{line}</svg>'


def column_meanings(table: Table) -> str:
    """Return what the columns of the table say."""
    shown = [column for column in _telling(table) if column.name in MEANINGS]
    return definitions({column.heading: MEANINGS[column.name] for column in shown})


def definitions(pairs: Mapping[str, str], kind: str | None = None) -> str:
    """Return terms with what they mean."""
    told = (element("dt", escape(term)) + element("dd", escape(words)) for term, words in pairs.items())
    return element("dl", _lines(told), class_=kind)


def matrix_table(matrix: Matrix, heading: str, *, percent: bool) -> str:
    """Return a matrix whose cells are the deeper in colour, the better they are.

    Args:
        matrix: Ranks, or shares.
        heading: What stands over it.
        percent: Whether its figures are shares; ranks are the better, the lower.
    """
    good = matrix.figures if percent else 1 - (matrix.figures - 1) / max(len(matrix.optimizers) - 1, 1)
    rows = [
        _matrix_row(title, figures, shades, percent=percent)
        for title, figures, shades in zip(matrix.objectives, matrix.figures, good, strict=True)
    ]
    means = matrix.means()
    rows.append(_matrix_row("Mean", means, np.zeros(len(means)), percent=percent, kind="total"))
    labels = "".join(element("th", escape(label), scope="col", class_="number") for label in matrix.optimizers)
    head = element("thead", element("tr", element("th", "Objective", scope="col") + labels))
    made = element("table", f"{head}\n{element('tbody', _lines(rows))}", class_="matrix")
    caption = element("p", escape(matrix.caption), class_="caption")
    return element("div", f"{element('h3', escape(heading))}\n{_scrolling(made, label=heading)}\n{caption}")


def _matrix_row(
    title: str, figures: Iterable[float], shades: Iterable[float], *, percent: bool, kind: str | None = None
) -> str:
    cells = (
        element("td", "–", class_="number none")
        if np.isnan(figure)
        else element("td", _figure(figure, percent=percent), class_="number", style=f"--share: {shade:.2f}")
        for figure, shade in zip(figures, shades, strict=True)
    )
    return element("tr", element("th", escape(title), scope="row") + "".join(cells), class_=kind)


def _figure(figure: float, *, percent: bool) -> str:
    return f"{100 * figure:.0f} %" if percent else f"{figure:.3g}"


def matrices(tables: Sequence[str], columns: int) -> str:
    """Return tables side by side, where so many columns have room for it."""
    return element("div", _lines(tables), class_="matrices", style=f"--columns: {columns}")


def _scrolling(table: str, *, label: str | None = None, labelledby: str | None = None) -> str:
    """A table in a box of its own, which scrolls also by the keyboard."""
    return element(
        "div", table, class_="scroll", role="region", aria_label=label, aria_labelledby=labelledby, tabindex="0"
    )


def _lines(parts: Iterable[str]) -> str:
    return "\n" + "\n".join(parts) + "\n"


def legend(styles: Iterable[Style]) -> str:
    """Return the names of the lines."""
    items = (element("li", _swatch(style) + element("span", escape(style.label))) for style in styles)
    return element("ul", _lines(items), class_="legend")


def cards(charts: Iterable[str]) -> str:
    """Return charts side by side, where there is room for it."""
    return element("div", _lines(element("div", each, class_="card") for each in charts), class_="pair")


def moving(film: Film, styles: Iterable[Style]) -> str:
    """Return the animation, for light pages and for dark ones, and what happens in it.

    Args:
        film: What moves.
        styles: What names the paths where a picture of several objectives has no room to do so.
    """
    width, height = map(str, film.size)
    kinds = ("by-day", "by-night") if len(film.clips) > 1 else ("",)
    videos = [
        element(
            "video",
            element("source", src=clip.video, type="video/mp4"),
            class_=kind or None,
            controls=True,
            muted=True,
            loop=True,
            playsinline=True,
            width=width,
            height=height,
            poster=clip.poster,
            aria_label="Animation",
            aria_describedby="happens",
        )
        for kind, clip in zip(kinds, film.clips, strict=True)
    ]
    told = " ".join([*([film.words] if film.objectives == 1 else []), *film.left_out])
    parts = [*videos, element("figcaption", escape(told), id="happens")]
    if film.objectives > 1:
        words = element("details", element("summary", "What happens, in words") + element("p", escape(film.words)))
        parts = [*videos, legend(styles), *parts[len(videos) :], words]
    return "\n".join(parts)


def source(name: str, yaml: str, *, is_open: bool) -> str:
    """Return a configuration that can be copied."""
    text = element("pre", escape(yaml), tabindex="0", aria_label=name)
    button = element("button", "Copy", type="button", class_="copy")
    box = element("div", text + button, class_="source")
    return element("details", f"{element('summary', escape(name))}\n{box}", open=is_open)
