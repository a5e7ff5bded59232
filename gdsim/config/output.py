"""Which files are written, for which place, and how large they may be."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from gdsim.config.kinds import OneOf, formats
from gdsim.config.location import Problem
from gdsim.config.messages import is_number, shown
from gdsim.config.model import Model, all_different, or_defaults, refuse

__all__ = ["PRESETS", "Output", "with_preset"]

Format = Annotated[str, OneOf(formats)]

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
"""What is written on a transparent background where no formats are given."""

UNITS = MappingProxyType({"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30})
SIZE = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,12})?) ?(|k|m|g|ki|mi|gi)b", re.IGNORECASE)
SMALLEST, LARGEST = 1_000, 2 * 10**9


def _bytes(given: Any) -> Any:
    """Return how many bytes a size means."""
    found = SIZE.fullmatch(given.strip()) if isinstance(given, str) else None
    count = float(found[1]) * UNITS[found[2].lower()] if found else given
    if not is_number(count) or not SMALLEST <= count <= LARGEST:
        sentence = f"must be a size from 1 kB to 2 GB, such as 5MB, 300 kB or 1.5 MiB, not {shown(given)}"
        refuse([Problem((), sentence)])
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

    preset: Preset | None = Field(
        None,
        description="The place that the picture is for. It gives size, theme, fps, seconds, hold and max_bytes, each "
        "where it is not written: slide and wide fill a slide, half fills half of one, square is for posts, readme for "
        "a README, thumb is small.",
    )
    formats: Annotated[list[Format], Field(min_length=1), AfterValidator(all_different)] = Field(
        ["gif", "mp4", "png"],
        description="gif, mp4, webm, webp and apng move; png, svg and pdf are posters of the last frame; html is a "
        "page that plays.",
        json_schema_extra={"uniqueItems": True},
    )
    max_bytes: Bytes | None = Field(
        None,
        description="How large each file that moves may be. One that would be larger gets fewer colours, then fewer "
        "frames, then fewer pixels, and the log says so. Posters and pages are not held to it.",
        examples=["5MB", "300 kB", "1.5 MiB"],
    )
    loop: Literal["once", "forever"] = Field(
        "forever", description="Whether the animation begins again; an MP4 or a WebM leaves that to its player."
    )
    background: Literal["opaque", "transparent"] = Field(
        "opaque",
        description="Whether the page around the views is see-through, which webp, webm, png, svg and pdf can be; "
        "without `formats`, webp, webm and png are written.",
    )

    @model_validator(mode="before")
    @classmethod
    def _with_fitting_formats(cls, value: Any) -> Any:
        fits = not isinstance(value, dict) or value.get("background") != "transparent" or "formats" in value
        return value if fits else {**value, "formats": list(TRANSPARENT_FORMATS)}

    @model_validator(mode="after")
    def _check_background(self) -> Output:
        if self.background == "transparent":
            can = ", ".join(name for name, each in formats().items() if not each.opaque_reason)
            reasons = [(index, name, formats()[name].opaque_reason) for index, name in enumerate(self.formats)]
            refuse(
                Problem(("formats", index), f"background: transparent goes with {can}, not with {name}: {reason}")
                for index, name, reason in reasons
                if reason
            )
        return self


def with_preset(written: Any) -> Any:
    """Return a configuration's plain values with those of its preset, each where it has none of its own."""
    output = written.get("output") if isinstance(written, dict) else None
    name = output.get("preset") if isinstance(output, dict) else None
    if not isinstance(name, str) or name not in PRESETS:
        return written
    sections = {section: or_defaults(written.get(section)) for section in PRESETS[name]}
    filled = {section: {**PRESETS[name][section], **own} for section, own in sections.items() if isinstance(own, dict)}
    return {**written, **filled}
