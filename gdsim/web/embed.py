"""The markup that embeds a picture in a document: Markdown, a web page, or one of several slide formats."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from gdsim.config.presentation import with_preset
from gdsim.config.yaml_text import parse
from gdsim.errors import ConfigError, InputError, did_you_mean
from gdsim.files import YAML_SUFFIXES

if TYPE_CHECKING:
    from jinja2.environment import TemplateModule

_WEB = ("gif", "webp", "apng", "png", "svg", "mp4", "webm", "html")

FORMS = {
    "markdown": _WEB,
    "html": _WEB,
    "reveal": _WEB,
    "quarto": _WEB,
    "marp": _WEB[:-1],
    "beamer": ("pdf", "png", "mp4", "webm", "gif", "webp", "apng"),
    "typst": (*_WEB, "pdf"),
    "pptx": ("gif", "png", "mp4"),
}
"""The file formats that each kind of document can show; each kind is a macro in embed.jinja."""

_URL_CHARACTERS = "%/:?#[]@!$&*+,;=~"  # not escaped in a given URL; quotes would end the surrounding markup

# Characters with a meaning in Markdown, including the extensions of GitHub and Pandoc; the last matches an emoji name.
_MARKDOWN = re.compile(r"[\\`*_{}\[\]<>#|~$^@&]|:(?=[\w+-]+:)")

_LATEX = {
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    **{each: f"\\{each}" for each in "{}$&#%_"},
}

_UNREADABLE = {"LaTeX": frozenset('\\{}%#~^$&"`'), "python-pptx": frozenset('&<"')}
"""The characters of file names that a reader cannot read, or does not escape (python-pptx, as of 1.0.2)."""


def snippet(path: str | PathLike[str], form: str, *, base: str = "") -> str:
    """Return the markup that shows a picture written by gdsim in a document in the current folder.

    The picture keeps its aspect ratio, has alternative text, and plays muted; it repeats unless its configuration says
    `loop: once`. A poster next to it, `race.png` for `race.gif`, is shown where nothing moves: in print, in an exported
    PDF, and to readers who prefer reduced motion.

    Args:
        path: The picture: .gif, .webp, .apng, .png, .svg, .mp4, .webm, .html or .pdf.
        form: One of `FORMS`.
        base: Prefix of the file's path: a URL such as "https://example.org/talk/", or a folder.

    Returns:
        The markup, with a newline at the end.

    Raises:
        InputError: The form or the file does not exist, the file was not written by gdsim, or the document cannot show
            its format.
    """
    if form not in FORMS:
        offer = did_you_mean(form, FORMS) or f"; there are {', '.join(FORMS)}"
        raise InputError(f"there is no snippet for '{form}'{offer}", code="unknown-name")
    media = _read(Path(path), base)
    if media.kind not in FORMS[form]:
        *others, last = (f".{name}" for name in FORMS[form])
        raise media.refusal(f"{form} cannot show it: embed the {', '.join(others)} or {last} instead")
    return f"{_macro(form, media).strip()}\n"


def player_frame(size: tuple[int, int], *, title: str, srcdoc: str) -> str:
    """Return the iframe that shows a player page, given as HTML, small enough for text next to it."""
    return _macro("player_frame", size, title, "", srcdoc)


@dataclass(frozen=True)
class Media:
    """The properties of a picture that its markup depends on.

    Attributes:
        kind: The name of its format.
        file: The path relative to the current folder, with forward slashes.
        poster: The relative path of the poster; empty if there is none, or the picture needs none.
        base: Prefix of both paths.
        alt: Its alternative text, on one line.
        size: Width and height in pixels; None if unknown.
        element: The HTML element that shows it; empty for none.
    """

    path: Path
    kind: str
    file: str
    poster: str
    base: str
    title: str
    alt: str
    size: tuple[int, int] | None
    loops: bool
    moves: bool
    element: str

    def url(self, file: str) -> str:
        """Return a file's URL, without characters that HTML, Markdown or CSS would interpret."""
        before = quote(self.base, safe=_URL_CHARACTERS)
        return f"{before}{'' if not before or before.endswith('/') else '/'}{quote(os.fsencode(file))}"

    def path_to(self, file: str, reader: str = "") -> str:
        """Return a file's path on disk; raise InputError if there is none or the document's reader cannot read it."""
        if "://" in self.base:
            raise self.refusal(f"the document reads files, not {self.base}: leave the URL out")
        if not file.isprintable():
            raise self.refusal("its name has characters that cannot be printed: rename it")
        path = Path(self.base, file).as_posix()
        if reader and (wrong := sorted(_UNREADABLE[reader] & set(path))):
            raise self.refusal(f"{reader} reads no file whose name has {' '.join(wrong)}: rename it")
        return path

    def required_poster(self) -> str:
        """Return the poster, for a document that cannot play the picture; raise InputError if there is none."""
        if not self.poster:
            name = self.path.with_suffix(".png").name
            raise self.refusal(f"the document shows a still picture, and there is no {name} beside it: write that too")
        return self.poster

    def refusal(self, sentence: str) -> InputError:
        """Return the error that a document cannot show the picture."""
        return InputError(f"{self.path}: {sentence}", code="unsupported")


def _read(path: Path, base: str) -> Media:
    from gdsim.encode import find_format, image_size, source

    if path.suffix.lower() in (*YAML_SUFFIXES, ".npz") and path.is_file():
        command = "render" if path.suffix.lower() == ".npz" else "run"
        raise InputError(f"{path}: is not a picture: draw one with gdsim {command}, and embed that", code="wrong-type")
    made, found = source(path), find_format(path.suffix)
    if found is None:
        known = ", ".join(f".{name}" for name in FORMS["typst"])
        raise InputError(f"{path}: is not a picture that a document can show: embed {known}", code="unknown-name")
    poster = path.with_suffix(".png")
    try:
        given = with_preset(parse(made.yaml, "YAML").value)
    except ConfigError:
        given = None
    sections = given if isinstance(given, dict) else {}
    view, output = (each if isinstance(each, dict) else {} for each in (sections.get("view"), sections.get("output")))
    size: tuple[int, int] | None = None
    match image_size(path) or view.get("size"):
        case [int(width), int(height)] if min(width, height) > 0:
            size = (width, height)
    title = _line(made.title) or _line(path.stem)
    return Media(
        path=path,
        kind=found.name,
        file=_from_here(path),
        poster=_from_here(poster) if found.name not in ("png", "pdf") and poster.is_file() else "",
        base=base,
        title=title,
        alt=_line(made.alt_text) or title,
        size=size,
        loops=output.get("loop") != "once",
        moves=found.kind == "animation",
        element=found.element,
    )


def _from_here(path: Path) -> str:
    try:
        return Path(os.path.relpath(path)).as_posix()
    except ValueError:  # it is on another drive
        return path.as_posix()


def _line(text: str) -> str:
    # The text may come from an untrusted file: control characters are removed.
    return "".join(each for each in " ".join(text.split()) if each.isprintable())


@cache
def _macros() -> TemplateModule:
    """Return the macros of embed.jinja, with filters that escape for each language."""
    from markupsafe import Markup

    from gdsim.web import environment

    def language(escape: Callable[[str], str]) -> Callable[[object], Markup]:
        return lambda text: Markup(escape(str(text)))  # noqa: S704

    own = environment().overlay()
    own.filters = own.filters | {
        "markdown": language(lambda text: _MARKDOWN.sub(r"\\\g<0>", text)),
        "pandoc": language(lambda text: '"' + re.sub(r"[\\\"&<>{}]", r"\\\g<0>", text) + '"'),
        "latex": language(lambda text: "".join(_LATEX.get(each, each) for each in text)),
        "quoted": language(lambda text: json.dumps(text, ensure_ascii=False)),
    }
    return own.get_template("embed.jinja").module


def _macro(name: str, *values: object) -> str:
    """Call a macro of embed.jinja."""
    return str(getattr(_macros(), name)(*values))
