"""What the models of a configuration have in common: strictness, types, and how their checks report mistakes."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
)
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, PydanticKnownError, core_schema

from gdsim.config.messages import CONTROLS, LINE, format_value, is_number, problems_in
from gdsim.errors import ConfigError, InputError, Problem


@dataclass(frozen=True)
class SourceContext:
    """The folder of a configuration, and whether code that it names may run."""

    folder: pathlib.Path = pathlib.Path()
    allow_code: bool = False


HERE = SourceContext()  # current folder, and no leave to run code


class Model(BaseModel):
    """Frozen and strict: no unknown keys, no text for a number."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)

    if not TYPE_CHECKING:

        def __init__(self, **values: Any) -> None:
            """Make a model in Python; its mistakes are InputErrors, as those of a file are."""
            try:
                super().__init__(**values)
            except ValidationError as error:
                raise ConfigError(problems_in(error, values, type(self))) from None

        __init__.__pydantic_base_init__ = True  # validation of a whole file does not call it

    def __eq__(self, other: object) -> bool:
        """Return whether two models have equal fields; where they were read from does not matter."""
        return type(self) is type(other) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]


def refuse(problems: Iterable[Problem]) -> None:
    """Raise the problems, if there are any, from a validator; their keys are relative to the value it validates."""
    details: list[InitErrorDetails] = []
    for each in problems:
        context = {"message": each.message, "code": each.code, "at_key": each.at_key}
        details.append({"type": PydanticCustomError("gdsim", "{message}", context), "loc": each.key, "input": None})
    if details:
        raise ValidationError.from_exception_data("configuration", details)


@dataclass(frozen=True)
class NoneAsEmpty:
    """Reads a key without a value as an empty mapping: all lines below it may be commented out."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(none_as_empty, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> Any:
        return {"anyOf": [handler(schema), {"type": "null"}]}


@dataclass(frozen=True)
class OneOf:
    """Annotates text that must be one of the names that a function returns; its package is imported on first use.

    The kinds of views, panels and formats are declared in packages above `config`, which it cannot import earlier.
    """

    package: str
    function: str

    def choices(self) -> Any:
        """Return what the function returns: the names, or a mapping from them to what they mean."""
        return getattr(import_module(self.package), self.function)()

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> Any:
        return handler(schema) | {"enum": list(self.choices())}

    def _check(self, name: str) -> str:
        if name not in self.choices():
            raise PydanticKnownError("literal_error", {"expected": ", ".join(self.choices())})
        return name


def has_control_characters(text: str) -> bool:
    """Return whether text contains control characters, such as line breaks and those that reorder text."""
    return re.search(f"[{CONTROLS}]", text) is not None


def none_as_empty(value: Any) -> Any:
    """Return an empty mapping for None."""
    return {} if value is None else value


def as_list(value: Any) -> Any:
    """Return a list, or another value as the only item of one."""
    return value if isinstance(value, list) else [value]


def all_different(items: list[Any]) -> list[Any]:
    """Return a list, unless an item is in it twice."""
    for index, item in enumerate(items):
        if item in items[:index]:
            refuse([Problem(f"names {format_value(item)} twice", code="duplicate")])
    return items


def _as_hex(color: str) -> str:
    """Return a colour as #rrggbb in lower case; names are those of matplotlib, which include those of CSS."""
    if re.fullmatch(HEX, color):
        return ("#" + "".join(digit * 2 for digit in color[1:]) if len(color) == 4 else color).lower()
    from gdsim.themes.sheets import named_color  # imports matplotlib

    try:
        return named_color(color)
    except InputError as error:
        refuse(error.problems)
        raise


def _is_quoted(color: Any) -> Any:
    if color is None:
        refuse([Problem("is empty; '#' begins a comment in YAML: quote a colour, as in '#00aa00'", code="missing")])
    return color


def _number(value: Any) -> Any:
    if not is_number(value):
        raise PydanticKnownError("float_type")
    return value


Finite = Annotated[float, Field(allow_inf_nan=False)]
Coordinate = Annotated[float, BeforeValidator(_number)]
"""A finite number; another value is of a wrong type, also nan and inf."""
Line = Annotated[str, Field(pattern=LINE)]
HEX = r"#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})"
Color = Annotated[
    str,
    AfterValidator(_as_hex),
    Field(examples=["#0072B2"], json_schema_extra={"pattern": f"^{HEX}$|^[a-z][a-z:/' ]*$"}),
]
"""`"#rrggbb"`, from this, `"#rgb"`, or the name of a colour, such as red or tab:blue."""
OptionalColor = Annotated[Color | None, BeforeValidator(_is_quoted)]
TEXT_OR_OTHER = Discriminator(lambda value: "text" if isinstance(value, str) else "other")
"""Chooses between two forms, so that a mistake is reported for that form only."""


def is_nested(value: Any) -> bool:
    """Return whether a value is a list that contains lists."""
    return isinstance(value, list) and any(isinstance(item, list) for item in value)
