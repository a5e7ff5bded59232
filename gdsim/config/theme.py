"""A theme of one's own: colours, type and line widths put over those of another theme."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, PlainValidator, Tag

from gdsim import themes
from gdsim.config.location import Problem
from gdsim.config.model import FORM, Color, Finite, Model, all_different, one_line, refuse
from gdsim.errors import did_you_mean

__all__ = ["OwnTheme", "ThemeChoice"]


LEAST_STROKE, MOST_STROKE = themes.STROKE
LEAST_TYPE, MOST_TYPE = themes.TYPE


def _known(name: str) -> str:
    names = themes.names()
    if name not in names:
        hint = did_you_mean(name, names) or "; `gdsim list themes` names them"
        refuse([Problem((), f"there is no theme '{name}'{hint}")])
    return name


ThemeName = Annotated[str, Field(examples=["dark"]), AfterValidator(_known)]
ColorMap = Annotated[str, Field(max_length=80, examples=["viridis"]), AfterValidator(one_line)]
Shades = Annotated[list[Color], Field(min_length=2, max_length=256)]


class OwnTheme(Model):
    """A theme of one's own: what is not given is that of its base."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"base": "dark"}]})

    base: ThemeName | None = Field(
        None, description="The theme to begin with, ours or a style sheet of matplotlib; light by default."
    )
    page: Color | None = Field(None, description="The ground behind everything.")
    text: Color | None = Field(None, description="Titles and labels.")
    quiet: Color | None = Field(None, description="Ticks, secondary text and thin rules.")
    grid: Color | None = Field(None, description="Lines behind a panel's curves.")
    panel: Color | None = Field(None, description="The ground of a panel.")
    field: Annotated[Annotated[Shades, Tag("other")] | Annotated[ColorMap, Tag("text")], FORM] | None = Field(
        None,
        description="The colours under the paths, from the lowest level to the highest: a colour map of matplotlib, "
        "or a list of at least two colours.",
        examples=["viridis", ["#ffffff", "#92a9c2"]],
    )
    level_line: Color | None = Field(None, description="The thin line between two levels.")
    arrow: Color | None = Field(None, description="The gradient arrows.")
    falling: Color | None = Field(None, description="The arrows of a curve where its slope is negative.")
    rising: Color | None = Field(None, description="The arrows of a curve where its slope is positive.")
    casing: Color | None = Field(
        None, description="The thin border that lifts a path, a head or a star off what lies under it."
    )
    minimum: Color | None = Field(None, description="The stars on the minima.")
    paths: Annotated[list[Color], Field(min_length=1, max_length=16), AfterValidator(all_different)] | None = Field(
        None,
        description="The colours of the paths, in the order in which optimizers take them.",
        examples=[["#0072B2", "#D55E00"]],
    )
    font: Annotated[str, Field(min_length=1, max_length=80), AfterValidator(one_line)] | None = Field(
        None, description="The family of all type, as matplotlib knows it.", examples=["DejaVu Sans"]
    )
    stroke: Annotated[Finite, Field(ge=LEAST_STROKE, le=MOST_STROKE)] | None = Field(
        None, description="A factor on all line widths."
    )
    type: Annotated[Finite, Field(ge=LEAST_TYPE, le=MOST_TYPE)] | None = Field(
        None, description="A factor on the size of all type."
    )

    def given(self) -> dict[str, Any]:
        """Return the keys that were given, which is what `gdsim.themes.theme` takes."""
        return self.model_dump(exclude_none=True)


def _chosen(value: Any) -> str | OwnTheme:
    return _known(value) if isinstance(value, str) else OwnTheme.model_validate(value)


ThemeChoice = Annotated[str | OwnTheme, PlainValidator(_chosen, json_schema_input_type=ThemeName | OwnTheme)]
"""A theme's name, or a theme of one's own."""
