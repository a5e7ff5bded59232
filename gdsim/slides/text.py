"""The text of slides and notes: shortened to the available space, without characters that XML cannot contain."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gdsim.metadata import Provenance

NOT_PRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
"""Control characters, and what XML 1.0 does not allow."""

MAX_ALT_TEXT = 2000  # maximum length of an alternative text, which screen readers read without a pause


def printable(text: str) -> str:
    """Replace control characters and those that XML does not allow."""
    return NOT_PRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def shorten(text: str, length: int) -> str:
    """Return text on one line with at most `length` characters, the last an ellipsis if it was cut."""
    line = " ".join(printable(text).split())
    if len(line) <= length:
        return line
    start = line[: max(length - 1, 0)]
    return f"{start[:-1].rpartition(' ')[0]} …" if " " in start[:-1] else f"{start}…"


def first_sentences(text: str, length: int) -> str:
    """Return as many sentences as fit into `length` characters, or the start of the first."""
    return _fitting(re.split(r"(?<=[.]) (?=[A-Z])", " ".join(printable(text).split())), " ", length)


def summarize(provenance: Provenance, length: int) -> str:
    """Return what happens, in as many clauses as fit into `length` characters, or the start of the first."""
    if not provenance.caption:
        return first_sentences(provenance.alt_text, length)
    *clauses, last = provenance.caption
    return _fitting([*clauses, f"{last}."], "; ", length, "; …")


def _fitting(parts: Sequence[str], separator: str, length: int, more: str = "") -> str:
    """Join as many parts as fit into `length` characters, with `more` instead of the others."""
    text, *others = parts
    for index, each in enumerate(others, 1):
        if len(f"{text}{separator}{each}{more if index < len(others) else ''}") > length:
            text += more
            break
        text += separator + each
    return shorten(text, length)


def notes(provenance: Provenance) -> str:
    """Return a slide's notes: what happens in full, the versions and the seed, and the YAML."""
    versions = [f"{name} {version}" for name, version in provenance.versions.items()]
    versions += [] if provenance.seed is None else [f"seed {provenance.seed}"]
    made = f"Made with {', '.join(versions)}." if versions else ""
    return printable("\n\n".join(filter(None, (provenance.alt_text, made, provenance.yaml.rstrip()))))
