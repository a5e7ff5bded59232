"""Words of a user → the same words where a language has signs of its own."""

from __future__ import annotations

import json
import re

__all__ = ["attribute", "latex", "literal", "words"]

MARKS = re.compile(r"[\\`*_{}\[\]<>#|~$^@&]|:(?=[\w+-]+:)")
"""What Markdown, with the additions of GitHub and Pandoc, may take for its own; the last is an emoji's name."""

LATEX = {
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    **{each: f"\\{each}" for each in "{}$&#%_"},
}


def words(text: str) -> str:
    """Return text for the inside of a line of Markdown."""
    return MARKS.sub(r"\\\g<0>", text)


def attribute(text: str) -> str:
    """Return text between double quotes for an attribute in Pandoc's braces."""
    return '"' + re.sub(r"[\\\"&<>{}]", r"\\\g<0>", text) + '"'


def latex(text: str) -> str:
    """Return text for the argument of a LaTeX command."""
    return "".join(LATEX.get(each, each) for each in text)


def literal(text: str) -> str:
    """Return text of one line between double quotes, as Python and Typst read it."""
    return json.dumps(text, ensure_ascii=False)
