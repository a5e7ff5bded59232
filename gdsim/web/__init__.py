"""HTML output: self-contained pages that show an animation or a comparison, from the templates of this package."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files
from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from jinja2 import Environment


PICTURE_SCRIPTS = (
    *("numbers.js", "shapes.js", "trail.js", "heads.js", "images.js"),
    *("picture.js", "transport.js", "pointing.js"),
)
"""The ES modules that draw pictures, each after those that it imports; the player and the studio share them."""


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


def asset(*names: str) -> str:
    """Return the text of style sheets or scripts of this package, stripped of surrounding whitespace."""
    return "\n".join(files("gdsim.web").joinpath(name).read_text("utf-8").strip() for name in names)


def data_uri(media_type: str, content: bytes) -> str:
    """Return a `data:` URI with the content of a file; an example of a media type is "image/png"."""
    return f"data:{media_type};base64,{b64encode(content).decode('ascii')}"


def image_uri(pixels: npt.NDArray[np.uint8], **options: Any) -> str:
    """Return a `data:` URI with an image, (H, W, 3) or (H, W, 4), as WebP, with options of Pillow."""
    from PIL import Image

    file = BytesIO()
    Image.fromarray(pixels).save(file, "webp", **options)
    return data_uri("image/webp", file.getvalue())


def csp_hash(text: str) -> str:
    """Return the CSP source expression of an inline script or style, with line breaks around its text."""
    digest = sha256(f"\n{text}\n".encode()).digest()
    return f"'sha256-{b64encode(digest).decode('ascii')}'"
