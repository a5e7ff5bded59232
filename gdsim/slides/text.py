"""The text of slides and notes: shortened to the available space, without characters that XML cannot contain."""

from __future__ import annotations

import re

from gdsim.languages import fields, language, names
from gdsim.metadata import Provenance
from gdsim.scene.build import STRETCHED
from gdsim.scene.captions import OPENINGS
from gdsim.scene.sweep_texts import SWEEP_OPENINGS

NOT_PRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
"""Control characters, and what XML 1.0 does not allow."""

SPOKEN = [language(name) for name in names()]


def _pattern(template: str, **values: str) -> str:
    """Return a regular expression for a template in any language, whose values match regular expressions."""
    marks = {name: f"<{name}>" for name in fields(template)}
    found = "|".join(re.escape(say(template, **marks)) for say in SPOKEN)
    for name, value in values.items():
        found = found.replace(f"<{name}>", value)
    return f"(?:{found})"


STEPS = r"[0-9]+ \w+"
ANY = {"title": "(.+?)", "steps": STEPS, "what": ".+?", "names": ".+?", "n": "[0-9]+", "ranges": ".+?"}
BEGINNINGS = [rf"{_pattern(each, **ANY)}\b.*?\." for each in OPENINGS]
BEGINNINGS += [_pattern(each, **ANY) for each in SWEEP_OPENINGS]
OPENING = re.compile(f"(?:{'|'.join(BEGINNINGS)}) ")
"""The first sentence of an alternative text about one objective, which repeats the slide's title."""

ARRIVAL = re.compile(
    f".+ (?:{_pattern('arrives in {steps}', steps=STEPS)}|{_pattern('circles until step {step}', step='[0-9]+')})"
)
CLOCK = re.compile(f" {_pattern(STRETCHED)}$")
SHARE = re.compile(r"(?P<who>.+?): (?P<what>(?:[0-9]+ of|the lowest of) .+)")
ENDING = re.compile(r"(?P<who>.+) ends at the loss (?P<loss>\S+) and (?P<of>an|a test) accuracy of (?P<share>\S+ %)")

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
    first, *others = re.split(r"(?<=[.]) (?=[A-Z])", " ".join(printable(text).split()))
    for each in others:
        if len(f"{first} {each}") > length:
            break
        first += f" {each}"
    return shorten(first, length)


def summarize(alt_text: str, length: int) -> str:
    """Return what happens, without what is said of the clock, in at most `length` characters.

    Args:
        alt_text: Per objective an opening sentence, then a clause per optimizer, separated by semicolons.
        length: The maximum length. If not all clauses fit, those of optimizers that arrive come first.
    """
    line = CLOCK.sub("", " ".join(printable(alt_text).split()))
    several = len(OPENING.findall(line)) > 1
    line = OPENING.sub(lambda found: f"{next(filter(None, found.groups()))}: " if several else "", line)
    stop = "." * line.endswith(".")
    clauses = line.removesuffix(".").split("; ")
    merged = _merge_clauses(clauses)
    if not several and len("; ".join(merged) + stop) > length:
        merged = _merge_clauses(sorted(clauses, key=lambda each: not ARRIVAL.fullmatch(each)))
    text, *others = [*merged[:-1], merged[-1] + stop]
    for index, each in enumerate(others, 1):
        ending = "; …" if index < len(others) else ""
        if len(f"{text}; {each}{ending}") > length:
            text += "; …"
            break
        text += f"; {each}"
    return shorten(text, length)


def _merge_clauses(clauses: list[str]) -> list[str]:
    """Name a share or the kind of a figure once for consecutive optimizers that have it in common."""
    merged: list[str] = []
    before = None
    for each in clauses:
        found = SHARE.fullmatch(each) or ENDING.fullmatch(each)
        if found and before and found.re is before.re is ENDING and found["of"] == before["of"]:
            merged.append(f"{found['who']} at {found['loss']} and {found['share']}")
        elif found and before and found.re is SHARE and found[2] == before[2]:
            merged[-1] = f"{merged[-1].removesuffix(f': {found[2]}')}, {each}"
        else:
            merged.append(each)
        before = found
    return merged


def notes(provenance: Provenance) -> str:
    """Return a slide's notes: what happens in full, the versions and the seed, and the YAML."""
    versions = [f"{name} {version}" for name, version in provenance.versions.items()]
    versions += [] if provenance.seed is None else [f"seed {provenance.seed}"]
    made = f"Made with {', '.join(versions)}." if versions else ""
    return printable("\n\n".join(filter(None, (provenance.alt_text, made, provenance.yaml.rstrip()))))
