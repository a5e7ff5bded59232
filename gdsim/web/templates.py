"""The Jinja environment of all HTML output, and functions that embed files and scripts in a page."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["asset", "csp_hash", "data_uri", "environment", "render"]


@cache
def environment() -> Environment:
    """Return the environment, whose templates are the files of this package; values are escaped for HTML."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # imported here to keep the command line fast

    return Environment(
        loader=PackageLoader("gdsim.web", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def render(template: str, /, **values: object) -> str:
    """Render a template of this package; text values are escaped, and a missing value is an error."""
    return environment().get_template(template).render(**values)


def asset(name: str) -> str:
    """Return the text of a style sheet or script of this package, stripped of surrounding whitespace."""
    return files("gdsim.web").joinpath(name).read_text("utf-8").strip()


def data_uri(media_type: str, content: bytes) -> str:
    """Return a `data:` URI with the content of a file; an example of a media type is "image/png"."""
    return f"data:{media_type};base64,{b64encode(content).decode('ascii')}"


def csp_hash(text: str) -> str:
    """Return the CSP source expression of an inline script or style, with line breaks around its text."""
    digest = sha256(f"\n{text}\n".encode()).digest()
    return f"'sha256-{b64encode(digest).decode('ascii')}'"
