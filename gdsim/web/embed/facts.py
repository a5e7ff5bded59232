"""A picture's file → what a document has to know of it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gdsim.config.output import with_preset
from gdsim.config.yaml_text import parse
from gdsim.encode.reading import image_size, source
from gdsim.errors import ConfigError, InputError

__all__ = ["MOVING", "PAGES", "STILL", "VIDEOS", "Facts", "read", "refusal"]

STILL = ("png", "svg", "pdf")
MOVING = ("gif", "webp", "apng")
VIDEOS = ("mp4", "webm")
PAGES = ("html", "htm")

DRAWN_BY = {"yaml": "run", "yml": "run", "npz": "render"}
"""What makes a picture of a file that is none."""

ADDRESS = "%/:?#[]@!$&*+,;=~"
"""What stands for itself in an address that is given; quotes and brackets would end the text around it."""


@dataclass(frozen=True)
class Facts:
    """What a document has to know of a picture.

    Args:
        path: The file, as it was named.
        file: Its path from the current folder, with slashes.
        poster: The same of the still picture beside it; empty where there is none, or the picture needs none.
        base: What comes before either.
        title: What the picture is called.
        alt: What is seen in it, on one line.
        size: Width and height in pixels; None where the file does not tell.
        loops: Whether it plays again and again.
    """

    path: Path
    file: str
    poster: str
    base: str
    title: str
    alt: str
    size: tuple[int, int] | None
    loops: bool

    @property
    def kind(self) -> str:
        """The format: the suffix without its dot, in small letters."""
        return self.path.suffix.lower().removeprefix(".")

    def address(self, file: str) -> str:
        """Return where a browser finds a file: with nothing in it that HTML, Markdown or CSS would take for its own."""
        before = quote(self.base, safe=ADDRESS)
        return f"{before}{'' if not before or before.endswith('/') else '/'}{quote(os.fsencode(file))}"

    def place(self, file: str) -> str:
        """Return where a program finds a file on the disk.

        Raises:
            InputError: The file lies at an address, or has a name that cannot be printed.
        """
        if "://" in self.base:
            raise refusal(self, f"the document reads files, not {self.base}: leave the address out")
        if not file.isprintable():
            raise refusal(self, "its name has characters that cannot be printed: rename it")
        return Path(self.base, file).as_posix()


def read(path: Path, base: str) -> Facts:
    """Read what a file says of itself, and look for the poster beside it.

    Raises:
        InputError: There is no such file, it is not gdsim's, or it holds no picture.
    """
    kind = path.suffix.lower().removeprefix(".")
    if kind in DRAWN_BY and path.is_file():
        raise InputError(f"{path}: is no picture yet: draw one with gdsim {DRAWN_BY[kind]}, and embed that")
    made = source(path)
    if kind not in (*STILL, *MOVING, *VIDEOS, *PAGES):
        known = ", ".join(f".{each}" for each in (*MOVING, *VIDEOS, *STILL, PAGES[0]))
        raise InputError(f"{path}: is no picture that a document can show: embed one of {known}")
    poster = path.with_suffix(".png")
    written = _written(made.yaml)
    title = _line(made.title) or _line(path.stem)
    return Facts(
        path=path,
        file=_from_here(path),
        poster=_from_here(poster) if kind not in ("png", "pdf") and poster.is_file() else "",
        base=base,
        title=title,
        alt=_line(made.alt_text) or title,
        size=_size(path, written.get("view", {})),
        loops=written.get("output", {}).get("loop") != "once",
    )


def refusal(facts: Facts, sentence: str) -> InputError:
    """Return the error that a picture cannot be shown, and what to do."""
    return InputError(f"{facts.path}: {sentence}")


def _from_here(path: Path) -> str:
    try:
        return Path(os.path.relpath(path)).as_posix()
    except ValueError:  # it lies on another drive
        return path.as_posix()


def _line(text: str) -> str:
    # A stranger's file may hold anything: what steers a terminal or a typesetter is left out.
    return "".join(each for each in " ".join(text.split()) if each.isprintable())


def _written(yaml: str) -> dict[str, Any]:
    """Return a configuration's sections that are mappings, those of its preset included."""
    try:
        given = with_preset(parse(yaml, "YAML").value)
    except ConfigError:
        return {}
    return {key: value for key, value in given.items() if isinstance(value, dict)} if isinstance(given, dict) else {}


def _size(path: Path, view: dict[str, Any]) -> tuple[int, int] | None:
    """Return a picture's size, and a page's as its configuration has it, where that is one."""
    match image_size(path) or view.get("size"):
        case [int(width), int(height)] if min(width, height) > 0:
            return width, height
    return None
