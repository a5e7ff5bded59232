"""What the models of a configuration have in common: how strict they are, and how their checks speak."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, ValidationError
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from gdsim.config.location import Problem
from gdsim.config.messages import shown

__all__ = [
    "FORM",
    "Color",
    "Finite",
    "Model",
    "all_different",
    "custom",
    "holds_controls",
    "one_line",
    "or_defaults",
    "refuse",
]

Finite = Annotated[float, Field(allow_inf_nan=False)]
FORM = Discriminator(lambda value: "text" if isinstance(value, str) else "other")
"""Tells which of two forms is meant, so that a mistake is told of that one alone."""


def _long_form(color: str) -> str:
    """Return #rrggbb in small letters, for #rgb too."""
    return ("#" + "".join(digit * 2 for digit in color[1:]) if len(color) == 4 else color).lower()


Color = Annotated[
    str,
    Field(pattern="^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$", examples=["#0072B2"]),
    AfterValidator(_long_form),
]


class Model(BaseModel):
    """Frozen, and particular: no unknown keys, no text for a number."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def refuse(problems: Iterable[Problem], *, beside: ValidationError | None = None) -> None:
    """Raise the problems, if there are any; their paths begin where the validator that calls stands.

    Args:
        problems: What the validator found.
        beside: What was found in other ways at the same place.
    """
    details = [_details(problem) for problem in problems]
    if beside is not None:
        details += [_again(found) for found in beside.errors(include_url=False)]
    if details:
        raise ValidationError.from_exception_data("configuration", details)


def _details(problem: Problem) -> InitErrorDetails:
    context = {"sentence": problem.sentence, "key": problem.key}
    return {"type": PydanticCustomError("gdsim", "{sentence}", context), "loc": problem.path, "input": None}


def _again(found: ErrorDetails) -> InitErrorDetails:
    if problem := custom(found):
        return _details(problem)
    return {"type": found["type"], "loc": found["loc"], "input": found["input"], "ctx": found.get("ctx", {})}


def custom(found: ErrorDetails) -> Problem | None:
    """Return the problem that `refuse` raised, or None for one of pydantic's own."""
    if found["type"] != "gdsim":
        return None
    return Problem(found["loc"], found["ctx"]["sentence"], found["ctx"]["key"])


def holds_controls(text: str) -> bool:
    """Return whether text has control characters in it, line breaks among them."""
    return any(unicodedata.category(character) == "Cc" for character in text)


def one_line(text: str) -> str:
    """Return text, which must hold no control characters."""
    if holds_controls(text):
        refuse([Problem((), f"must not hold control characters, as {shown(text)} does")])
    return text


def all_different(items: list[Any]) -> list[Any]:
    """Return a list, none of whose items may stand in it twice."""
    twice = next((item for index, item in enumerate(items) if item in items[:index]), None)
    if twice is not None:
        refuse([Problem((), f"names {shown(twice)} twice")])
    return items


def or_defaults(value: Any) -> Any:
    """Let a key with nothing after it stand for its defaults: its lines may all be commented out."""
    return {} if value is None else value
