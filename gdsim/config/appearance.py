"""How the picture looks, how long it moves and which files are written: keys with good defaults."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Discriminator, Field, Tag, ValidationInfo, field_validator

from gdsim.config.checks import Finite, Model, one_line, refuse
from gdsim.config.places import Problem
from gdsim.config.words import shown

__all__ = ["FORMATS", "Animation", "Output", "View"]

MIN_WIDTH, MIN_HEIGHT, MAX_WIDTH, MAX_HEIGHT = 160, 120, 3840, 2160
MAX_FRAMES = 3000


def _all_different(items: list[Any]) -> list[Any]:
    twice = next((item for index, item in enumerate(items) if item in items[:index]), None)
    if twice is not None:
        refuse([Problem((), f"names {shown(twice)} twice")])
    return items


def _within_limits(size: list[int]) -> list[int]:
    width, height = size
    if width < MIN_WIDTH:
        refuse([Problem((0,), f"must be a width of at least {MIN_WIDTH}, not {width}")])
    if height > MAX_HEIGHT:
        refuse([Problem((1,), f"must be a height of at most {MAX_HEIGHT}, not {height}")])
    return size


Pixels = Annotated[int, Field(ge=MIN_HEIGHT, le=MAX_WIDTH, multiple_of=2)]
Coordinate = Annotated[int, Field(ge=0)]
Plane = Annotated[
    list[Coordinate],
    Field(min_length=2, max_length=2, json_schema_extra={"uniqueItems": True}),
    AfterValidator(_all_different),
]
FORM = Discriminator(lambda value: "text" if isinstance(value, str) else "list")
"""Tells which of two forms is meant, so that a mistake is told of that one alone."""

Panel = Literal["loss"]
Format = Literal["gif", "mp4", "webm", "webp", "apng", "png", "svg", "pdf"]
FORMATS: tuple[str, ...] = get_args(Format)


class View(Model):
    """What the picture looks like."""

    kind: Literal["contour", "curve"] | None = Field(
        None,
        description="contour shows a function of two variables from above, curve one of a single variable; "
        "by default the one that fits the objective.",
    )
    plane: Annotated[Annotated[Plane, Tag("list")] | Annotated[Literal["pca"], Tag("text")], FORM] | None = Field(
        None,
        description="On which plane more than two dimensions are shown: two coordinates, counted from 0; or pca, the "
        "plane that holds most of the paths' variance, which is the default.",
        examples=[[0, 1], "pca"],
    )
    at: list[Finite] | None = Field(
        None,
        description="The point through which a plane of two coordinates goes; the minimum by default.",
        examples=[[0, 0, 1, 1]],
    )
    arrows: Literal["gradient", "none"] = Field(
        "gradient", description="Arrows of the gradient on a regular grid, pointing uphill; or none."
    )
    panels: Annotated[list[Panel], AfterValidator(_all_different)] = Field(
        ["loss"],
        description="Diagrams beside the main view, growing in step with it; [] for none.",
        json_schema_extra={"uniqueItems": True},
    )
    theme: Literal["light", "dark"] = Field("light", description="Dark type on light ground, or the reverse.")
    size: Annotated[list[Pixels], Field(min_length=2, max_length=2), AfterValidator(_within_limits)] = Field(
        [1280, 720],
        description="Width and height in pixels, both even, from "
        f"{MIN_WIDTH} × {MIN_HEIGHT} to {MAX_WIDTH} × {MAX_HEIGHT}. 1280 × 720 fits a slide.",
        examples=[[1280, 720], [1920, 1080], [800, 600]],
    )
    title: Annotated[str, Field(max_length=200), AfterValidator(one_line)] | None = Field(
        None,
        description="The title over the picture; the objective's by default.",
        examples=["Three optimizers"],
    )


class Animation(Model):
    """How long the animation lasts, and how smoothly it runs."""

    fps: Annotated[int, Field(ge=1, le=50)] = Field(
        25, description="Frames a second. A GIF keeps 10, 20, 25 and 50 exactly."
    )
    seconds: Annotated[Finite, Field(gt=0, le=120)] = Field(
        6.0, description=f"How long the paths take to grow; fps × seconds is at most {MAX_FRAMES} frames."
    )
    hold: Annotated[Finite, Field(ge=0, le=60)] = Field(
        2.0, description="How many seconds the last frame stays before the animation begins again."
    )

    @field_validator("seconds")
    @classmethod
    def _check_frames(cls, seconds: float, info: ValidationInfo) -> float:
        frames = info.data.get("fps", 0) * seconds
        if frames > MAX_FRAMES:
            sentence = f"makes {frames:.0f} frames at {info.data['fps']} a second; at most {MAX_FRAMES} are drawn"
            refuse([Problem((), sentence)])
        return seconds


class Output(Model):
    """Which files are written."""

    formats: Annotated[list[Format], Field(min_length=1), AfterValidator(_all_different)] = Field(
        ["gif", "mp4", "png"],
        description="gif, mp4, webm, webp and apng move; png, svg and pdf are posters of the last frame.",
        json_schema_extra={"uniqueItems": True},
    )
