"""The words of a picture, in English or another language.

Each other language is a file NAME.toml, which maps English templates, such as "{names} arrive in {steps}", to its own.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Formatter

from gdsim.errors import InputError, did_you_mean

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Language:
    """Says sentences in a language.

    Attributes:
        templates: By English template the template of this language; others remain English.
        code: Its ISO 639 code.
    """

    templates: Mapping[str, str]
    code: str = "en"

    def __call__(self, template: str, **values: object) -> str:
        """Return a template of this language with its values filled in."""
        return self.templates.get(template, template).format(**values)

    def steps(self, count: int) -> str:
        """Return a number of steps with its noun, as it stands after "in" and "after"."""
        return self("{n} step" if count == 1 else "{n} steps", n=count)

    def joined(self, words: Iterable[str]) -> str:
        """Join words into a list, without repetitions: "Himmelblau, Beale and Booth"."""
        *before, last = dict.fromkeys(words)
        return self("{words} and {last}", words=", ".join(before), last=last) if before else last


ENGLISH = Language({})


@cache
def names() -> tuple[str, ...]:
    """Return the languages that a picture can have, by their ISO 639 codes."""
    return ("en", *sorted(file.stem for file in FOLDER.glob("*.toml")))


@cache
def _shipped(name: str) -> Language:
    return ENGLISH if name == "en" else Language(tomllib.loads((FOLDER / f"{name}.toml").read_text("utf-8")), name)


def language(choice: str | Mapping[str, str]) -> Language:
    """Return a language.

    Args:
        choice: One of `names()`, or a mapping from English templates to others, with the key `base` for the language of
            all others ("en" by default).

    Raises:
        InputError: There is no such language or template, or a template lacks the values of the English one.
    """
    if isinstance(choice, str):
        if choice not in names():
            hint = did_you_mean(choice, names()) or f"; there are {', '.join(names())}"
            raise InputError(f"there is no language '{choice}'{hint}", ("base",), code="unknown-name")
        return _shipped(choice)
    own = dict(choice)
    base = language(own.pop("base", "en"))
    for english, words in own.items():
        if english not in templates():
            hint = did_you_mean(english, templates()) or "; gdsim/languages/de.toml contains all of them"
            raise InputError(f"a picture has no words '{english}'{hint}", (english,), code="unknown-name")
        if fields(words) != fields(english):
            wanted = ", ".join(f"{{{field}}}" for field in fields(english)) or "no braces"
            raise InputError(f"must contain {wanted}, as '{english}' does", (english,), code="wrong-type")
    return Language({**base.templates, **own}, base.code)


def templates() -> Sequence[str]:
    """Return all English templates."""
    return tuple(_shipped("de").templates)


def fields(template: str) -> list[str]:
    """Return the names of the values in a template, sorted, those of nested or unbalanced braces with their braces."""
    try:
        return sorted(field + (spec or "") for _, field, spec, _ in Formatter().parse(template) if field is not None)
    except ValueError:
        return [template]
