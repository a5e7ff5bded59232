"""pydantic's errors as problems: each once, with its key as the user wrote it and a sentence that says what to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gdsim.config.json_schema import schema
from gdsim.config.messages import Fragment, expected, must_be, suggestion
from gdsim.errors import Code, Key, Problem


def problems_in(
    error: ValidationError, value: Any, model: type[BaseModel] | None = None, *, unread: frozenset[Key] = frozenset()
) -> Iterator[Problem]:
    """Yield each problem of a value, except those that follow from another one or from an unread value.

    The value is a configuration, or the part of one that this model describes.
    """
    root = schema()
    whole = root if model is None else root["definitions"].get(model.__name__) or model.model_json_schema()
    found = [_problem(details, value, root, whole) for details in error.errors(include_url=False)]
    mistyped = " ".join(problem.message for problem in found if problem.at_key)
    for problem in found:
        follows = problem.code == "missing" and problem.key and f"did you mean '{problem.key[-1]}'" in mistyped
        if not follows and not any(problem.key[:length] in unread for length in range(len(problem.key) + 1)):
            yield problem


def _problem(details: ErrorDetails, value: Any, root: Fragment, whole: Fragment) -> Problem:
    key = _as_written(details["loc"], value)
    match details["type"]:
        case "gdsim":
            return Problem(details["ctx"]["message"], key, details["ctx"]["code"], details["ctx"]["at_key"])
        case "missing":
            key = *key, details["loc"][-1]
            return Problem(f"is missing; it must be {expected(_fragment(root, whole, key))}", key, "missing")
        case "extra_forbidden":
            hint = suggestion(str(key[-1]), _keys(_fragment(root, whole, key[:-1]))) or _other_place(root, key)
            return Problem(f"unknown key '{key[-1]}'{hint}", key, "unknown-key", at_key=True)
    return Problem(must_be(_fragment(root, whole, key), details["input"]), key, _code(details))


def _code(details: ErrorDetails) -> Code:
    if details["type"] in ("literal_error", "value_error"):
        return "missing" if details["input"] is None else "unknown-name"
    return "wrong-type" if details["type"].endswith(("_type", "_parsing", "_from_float")) else "invalid-value"


def _other_place(root: Fragment, key: Key) -> str:
    """Return where a key belongs that is in the wrong section: at the top, or below one of the keys there."""
    *above, name = key
    if above:
        return f"; it belongs at the top, beside {above[0]}" if name in root["properties"] else ""
    section = next((each for each in root["properties"] if name in _keys(_fragment(root, root, (each,)))), None)
    return f"; it belongs below {section}" if section else ""


def _as_written(key: Key, value: Any) -> Key:
    """Return the key in the user's text, which does not have the levels that the models add."""
    written: list[str | int] = []
    for part in key:
        if isinstance(part, str) and not _has(value, part) and _has(value, "args") and _has(value["args"], part):
            written.append("args")
            value = value["args"]
        if _has(value, part):
            written.append(part)
            value = value[part]
    return tuple(written)


def _has(value: Any, part: str | int) -> bool:
    if isinstance(value, list):
        return isinstance(part, int) and part < len(value)
    return isinstance(value, dict) and part in value


def _fragment(root: Fragment, whole: Fragment, key: Key) -> Fragment:
    """Return the part of a schema that is about a key, without references."""
    choices = _choices(root, whole)
    for part in key:
        choices = [choice for found in _inside(choices, part) for choice in _choices(root, found)]
    return choices[0] if len(choices) == 1 else {"anyOf": choices}


def _choices(root: Fragment, fragment: Fragment) -> list[Fragment]:
    """Return the alternatives of a schema, references resolved."""
    if "$ref" in fragment:
        return _choices(root, root["definitions"][fragment["$ref"].rpartition("/")[2]])
    if "anyOf" in fragment:
        return [choice for inner in fragment["anyOf"] for choice in _choices(root, inner)]
    return [fragment]


def _inside(choices: list[Fragment], part: str | int) -> list[Fragment]:
    """Return what the alternatives say of a part: those that name it, or else those that accept any key."""
    if isinstance(part, int):
        return [choice["items"] for choice in choices if "items" in choice]
    named = [choice["properties"][part] for choice in choices if part in choice.get("properties", {})]
    others = (choice.get("additionalProperties") for choice in choices)
    return named or [other for other in others if isinstance(other, dict)]


def _keys(fragment: Fragment) -> list[str]:
    return [key for choice in fragment.get("anyOf", [fragment]) for key in choice.get("properties", {})]
