"""What stands on a slide and in its notes: words cut to their room, and nothing that XML cannot hold."""

from __future__ import annotations

import re

from gdsim.metadata import Provenance

__all__ = ["ALT_TEXT", "cut", "notes", "plain", "sentences", "short"]

UNSPEAKABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
"""What XML 1.0 cannot hold, or nobody can read."""

OPENING = re.compile(
    r"(?:Gradient descent (?:on|in the pixels of an image:)|Training of) (?P<title>.+?), [0-9]+ steps?"
    r"(?:, on (?:the|a random) plane\b[^;]+? variance)?(?:, its loss seen on [0-9,]+ of [0-9,]+ examples)?\. "
)
"""The sentence with which the words on an objective begin; a slide's title says as much of one alone."""

ARRIVAL = re.compile(r"(?P<who>.+) (?P<where>comes within tolerance of the minimum \(.+\)) (?P<when>after .+)")

SHARE = re.compile(r"(?P<who>.+?): (?P<what>(?:[0-9]+ of|the lowest of) .+)")

ENDING = re.compile(r"(?P<who>.+) ends at the loss (?P<loss>\S+) and (?P<of>an|a test) accuracy of (?P<share>\S+ %)")

ALT_TEXT = 2000
"""So many signs has an alternative text at most: a screen reader reads it at one go."""


def plain(words: str) -> str:
    """Return words without the signs that a deck cannot hold."""
    return UNSPEAKABLE.sub("\N{REPLACEMENT CHARACTER}", words)


def cut(words: str, most: int) -> str:
    """Return words on one line, of at most so many signs, and an ellipsis where some are left out."""
    line = " ".join(plain(words).split())
    if len(line) <= most:
        return line
    room = line[: max(most - 1, 0)]
    return f"{room[:-1].rpartition(' ')[0]} …" if " " in room[:-1] else f"{room}…"


def sentences(words: str, most: int) -> str:
    """Return as many of the first sentences as have room in so many signs, at least a part of one."""
    told, *others = re.split(r"(?<=[.]) (?=[A-Z])", " ".join(plain(words).split()))
    for each in others:
        if len(f"{told} {each}") > most:
            break
        told += f" {each}"
    return cut(told, most)


def short(alt_text: str, most: int) -> str:
    """Say what happens in at most so many signs: as many of the optimizers' sentences as fit, arrivals before others.

    Args:
        alt_text: The full words, which begin with a sentence on the objective where there is one alone.
        most: The number of signs.
    """
    line = " ".join(plain(alt_text).split())
    several = len(OPENING.findall(line)) > 1
    line = OPENING.sub(r"\g<title>: " if several else "", line)
    stop = "." * line.endswith(".")
    said = _brief(line.removesuffix(".").split("; "))
    if not several and len("; ".join(said) + stop) > most:
        said = _brief(sorted(line.removesuffix(".").split("; "), key=lambda each: not ARRIVAL.fullmatch(each)))
    told, *others = [*said[:-1], said[-1] + stop]
    for place, each in enumerate(others, 1):
        ending = "; …" if place < len(others) else ""
        if len(f"{told}; {each}{ending}") > most:
            told += "; …"
            break
        told += f"; {each}"
    return cut(told, most)


def _brief(sentences: list[str]) -> list[str]:
    """Say but once at which minimum several optimizers arrive, how many paths do, or what their figures are."""
    told: list[str] = []
    before = None
    for each in sentences:
        found = ARRIVAL.fullmatch(each) or SHARE.fullmatch(each) or ENDING.fullmatch(each)
        if found and before and found.re is before.re is ENDING and found["of"] == before["of"]:
            told.append(f"{found['who']} at {found['loss']} and {found['share']}")
        elif found and before and found.re is not ENDING and found[2] == before[2]:
            if found.re is ARRIVAL:
                told.append(f"{found['who']} {found['when']}")
            else:
                told[-1] = f"{told[-1].removesuffix(f': {found[2]}')}, {each}"
        else:
            told.append(each)
        before = found
    return told


def notes(provenance: Provenance) -> str:
    """Return a slide's notes: what happens in full, what made the picture, and its configuration."""
    made = [f"{name} {version}" for name, version in provenance.versions.items()]
    made += [] if provenance.seed is None else [f"seed {provenance.seed}"]
    parts = [provenance.alt_text, *([f"Made with {', '.join(made)}."] if made else []), provenance.yaml.rstrip()]
    return plain("\n\n".join(part for part in parts if part))
