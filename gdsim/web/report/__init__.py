"""A study → one self-contained HTML page, and the same in Markdown beside it."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from gdsim.errors import InputError
from gdsim.files import atomic_write
from gdsim.web.report.contents import contents
from gdsim.web.report.markdown import markdown
from gdsim.web.report.page import page

if TYPE_CHECKING:
    from gdsim.analysis import Study

__all__ = ["write_report"]


def write_report(study: Study, path: str | PathLike[str]) -> tuple[Path, Path]:
    """Write what a study found, for a browser and for a text.

    The page is one file that asks for nothing else: it opens from disk, from a mail and without a network. Each file
    appears when it is whole, or not at all.

    Args:
        study: What was compared.
        path: Where the page is to stand, `.html` or `.htm`; the Markdown file stands beside it under the same stem.

    Returns:
        The paths of the page and of the Markdown file.

    Raises:
        InputError: The path has another suffix, or no optimizer of the study can run.
        GdsimError: A file cannot be written, or the animation cannot be encoded.
    """
    target = Path(path)
    if target.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"{path}: a report is a page: give it a name that ends in .html")
    beside = target.with_suffix(".md")
    told = contents(study)
    with atomic_write(target) as partial, atomic_write(beside) as text:
        partial.write_text(page(told), encoding="utf-8", newline="\n")
        text.write_text(markdown(told, target.name), encoding="utf-8", newline="\n")
    return target, beside
