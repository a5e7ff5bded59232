"""A theme of the user's own: colours, type and line widths on top of another theme."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, PlainValidator, Tag

from gdsim import themes
from gdsim.config.model import TEXT_OR_OTHER, Color, Finite, Model, all_different, one_line, refuse
from gdsim.errors import InputError


def _known(name: str) -> str:
    try:
        return themes.check_theme(name)
    except InputError as error:
        refuse(error.problems)
        raise


ThemeName = Annotated[str, Field(examples=["dark"]), AfterValidator(_known)]
ColorMap = Annotated[str, Field(max_length=80, examples=["viridis"]), AfterValidator(one_line)]
Shades = Annotated[list[Color], Field(min_length=2, max_length=256)]


class OwnTheme(Model):
    """A theme of the user's own; what is not given is that of its base."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"base": "dark"}]})

    base: ThemeName | None = None
    """The theme to start from, one of ours or a style sheet of matplotlib; light by default."""
    page: Color | None = None
    """The background of the whole picture."""
    text: Color | None = None
    """Titles and labels."""
    quiet: Color | None = None
    """Ticks, secondary text and thin rules."""
    grid: Color | None = None
    """Lines behind a panel's curves."""
    panel: Color | None = None
    """The background of a panel."""
    field: Annotated[Annotated[Shades, Tag("other")] | Annotated[ColorMap, Tag("text")], TEXT_OR_OTHER] | None = Field(
        default=None, examples=["viridis", ["#ffffff", "#92a9c2"]]
    )
    """The colours under the paths, from the lowest level to the highest: a colour map of matplotlib, or a list of at
    least two colours."""
    level_line: Color | None = None
    """The thin line between two levels."""
    arrow: Color | None = None
    """The gradient arrows."""
    falling: Color | None = None
    """The arrows of a curve where its slope is negative."""
    rising: Color | None = None
    """The arrows of a curve where its slope is positive."""
    casing: Color | None = None
    """The thin outline that separates a path, a head or a star from what is under it."""
    minimum: Color | None = None
    """The stars on the minima."""
    paths: Annotated[list[Color], Field(min_length=1, max_length=16), AfterValidator(all_different)] | None = Field(
        default=None, examples=[["#0072B2", "#D55E00"]]
    )
    """The colours of the paths, in the order of the optimizers."""
    font: Annotated[str, Field(min_length=1, max_length=80), AfterValidator(one_line)] | None = Field(
        default=None, examples=["DejaVu Sans"]
    )
    """The font family of all text, by matplotlib's name for it."""
    stroke: Annotated[Finite, Field(ge=themes.STROKE[0], le=themes.STROKE[1])] | None = None
    """A factor for all line widths."""
    type: Annotated[Finite, Field(ge=themes.TYPE[0], le=themes.TYPE[1])] | None = None
    """A factor for the size of all text."""

    def given(self) -> dict[str, Any]:
        """Return the keys that are given, the argument of `gdsim.themes.theme`."""
        return self.model_dump(exclude_none=True)


def _chosen(value: Any) -> str | OwnTheme:
    return _known(value) if isinstance(value, str) else OwnTheme.model_validate(value)


ThemeChoice = Annotated[str | OwnTheme, PlainValidator(_chosen, json_schema_input_type=ThemeName | OwnTheme)]
"""The name of a theme, or a theme of the user's own."""
