"""The Jinja environment that all HTML output shares, and how a page holds files and scripts itself."""

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
    """Return the environment: templates are the files beside this module, and values are escaped for HTML."""
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
    """Render the template of this name, a file beside this module.

    Args:
        template: Its file name, such as "report.html".
        **values: Text is escaped; mark HTML with `markupsafe.Markup`. A missing value is an error.
    """
    return environment().get_template(template).render(**values)


def asset(name: str) -> str:
    """Return the text of a style sheet or script beside this module, without blank lines around it."""
    return files("gdsim.web").joinpath(name).read_text("utf-8").strip()


def data_uri(media_type: str, content: bytes) -> str:
    """Return a `data:` URI that holds a file, the media type being such as "image/png"."""
    return f"data:{media_type};base64,{b64encode(content).decode('ascii')}"


def csp_hash(text: str) -> str:
    """Return the source expression that allows an inline script or style in a content security policy.

    Args:
        text: The text of the element, which has a line break before and after it in the page.
    """
    digest = sha256(f"\n{text}\n".encode()).digest()
    return f"'sha256-{b64encode(digest).decode('ascii')}'"
