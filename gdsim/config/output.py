"""Which files are written, for which purpose, and how large they may be."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from gdsim.config.messages import format_value, is_number
from gdsim.config.model import Model, OneOf, all_different, none_as_empty, refuse
from gdsim.errors import Problem

FORMATS = OneOf("gdsim.encode.formats", "formats")

Preset = Literal["slide", "wide", "half", "square", "readme", "thumb"]


def _preset(size: list[int], pace: tuple[int, float, float], limit: int, theme: str) -> Mapping[str, Mapping[str, Any]]:
    fps, seconds, hold = pace
    return {
        "view": {"size": size, "theme": theme},
        "animation": {"fps": fps, "seconds": seconds, "hold": hold},
        "output": {"max_bytes": limit},
    }


PRESETS: Mapping[str, Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "slide": _preset([1280, 720], (25, 6.0, 2.0), 5_000_000, "slide"),
        "wide": _preset([1920, 1080], (25, 6.0, 2.0), 10_000_000, "slide"),
        "half": _preset([640, 720], (25, 6.0, 2.0), 3_000_000, "slide"),
        "square": _preset([1080, 1080], (25, 6.0, 2.0), 5_000_000, "light"),
        "readme": _preset([800, 450], (20, 6.0, 2.0), 2_000_000, "light"),
        "thumb": _preset([320, 180], (10, 4.0, 1.0), 300_000, "light"),
    }
)
"""For each place the values, by section and key, that a configuration gets where it has none of its own."""

TRANSPARENT_FORMATS = ("webp", "webm", "png")
"""The default formats with a transparent background."""

UNITS = MappingProxyType({"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30})
SIZE = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,12})?) ?(|k|m|g|ki|mi|gi)b", re.IGNORECASE)
SMALLEST, LARGEST = 1_000, 2 * 10**9


def _bytes(given: Any) -> Any:
    """Return how many bytes a size means."""
    found = SIZE.fullmatch(given.strip()) if isinstance(given, str) else None
    count = float(found[1]) * UNITS[found[2].lower()] if found else given
    if not is_number(count) or not SMALLEST <= count <= LARGEST:
        message = f"must be a size from 1 kB to 2 GB, such as 5MB, 300 kB or 1.5 MiB, not {format_value(given)}"
        refuse([Problem(message)])
    return math.floor(count)


Bytes = Annotated[
    int,
    BeforeValidator(_bytes),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": SMALLEST, "maximum": LARGEST},
                {"type": "string", "pattern": r"^\s*[0-9]+(\.[0-9]+)? ?([kKmMgG][iI]?)?[bB]\s*$"},
            ]
        }
    ),
]


class Output(Model):
    """Which files are written."""

    preset: Preset | None = None
    """What the picture is for. It sets the defaults of size, theme, fps, seconds, hold, max_bytes: slide and wide fill
    a slide, half fills half of one, square is for posts, readme for a README, thumb small."""
    formats: Annotated[list[Annotated[str, FORMATS]], Field(min_length=1), AfterValidator(all_different)] = Field(
        default=["gif", "mp4", "png"], json_schema_extra={"uniqueItems": True}
    )
    """gif, mp4, webm, webp and apng are animations; png, svg and pdf are posters of the last frame; html is a page with
    a player."""
    max_bytes: Bytes | None = Field(default=None, examples=["5MB", "300 kB", "1.5 MiB"])
    """The largest size of each animation. A larger one is written with fewer colours, then frames, then fewer pixels,
    and the log says so. Posters and pages are not limited."""
    loop: Literal["once", "forever"] = "forever"
    """Whether the animation repeats; for an MP4 or a WebM its player decides."""
    background: Literal["opaque", "transparent"] = "opaque"
    """Whether the background around the views is transparent, which webp, webm, png, svg and pdf support; the default
    of `formats` is then webp, webm and png."""

    @model_validator(mode="before")
    @classmethod
    def _with_fitting_formats(cls, value: Any) -> Any:
        fits = not isinstance(value, dict) or value.get("background") != "transparent" or "formats" in value
        return value if fits else {**value, "formats": list(TRANSPARENT_FORMATS)}

    @model_validator(mode="after")
    def _check_background(self) -> Output:
        problems = []
        if self.background == "transparent":
            suitable = ", ".join(name for name, each in FORMATS.choices().items() if not each.opaque_reason)
            for index, name in enumerate(self.formats):
                if reason := FORMATS.choices()[name].opaque_reason:
                    message = f"background: transparent goes with {suitable}, not with {name}: {reason}"
                    problems.append(Problem(message, ("formats", index), "unsupported"))
        refuse(problems)
        return self


def with_preset(written: Any) -> Any:
    """Return a configuration's plain values with those of its preset, each where it has none of its own."""
    output = written.get("output") if isinstance(written, dict) else None
    name = output.get("preset") if isinstance(output, dict) else None
    if not isinstance(name, str) or name not in PRESETS:
        return written
    sections = {section: none_as_empty(written.get(section)) for section in PRESETS[name]}
    filled = {section: {**PRESETS[name][section], **own} for section, own in sections.items() if isinstance(own, dict)}
    return {**written, **filled}
