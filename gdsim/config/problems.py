"""What the models find wrong, at its place and in sentences a person can act on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gdsim.config.json_schema import schema
from gdsim.config.location import Document, Path, Problem
from gdsim.config.messages import Fragment, expected, must_be, suggestion
from gdsim.config.model import custom

__all__ = ["problems_in"]


def problems_in(error: ValidationError, document: Document) -> Iterator[Problem]:
    """Yield each problem once, leaving out what only follows from another."""
    root = schema()
    found = [_problem(details, document, root) for details in error.errors(include_url=False)]
    mistyped = " ".join(problem.sentence for problem in found if problem.key is not None)
    for problem in found:
        missing = problem.sentence.startswith(MISSING) and f"did you mean '{problem.path[-1]}'" in mistyped
        unread = any(problem.path[:length] in document.unread for length in range(len(problem.path) + 1))
        if not missing and not unread:
            yield problem


MISSING = "is missing"


def _problem(details: ErrorDetails, document: Document, root: Fragment) -> Problem:
    def as_written(path: Path) -> Path:
        return _as_written(path, document.value)

    if problem := custom(details):
        if problem.key is None:
            return replace(problem, path=as_written(problem.path))
        return replace(problem, path=as_written((*problem.path, problem.key))[:-1])
    path = as_written(details["loc"])
    if details["type"] == "missing":
        path = *path, details["loc"][-1]
        return Problem(path, f"{MISSING}; it must be {expected(_fragment(root, path))}")
    if details["type"] == "extra_forbidden":
        *above, key = path
        hint = suggestion(str(key), _keys(_fragment(root, tuple(above)))) or _belonging(root, str(key), *above)
        return Problem(tuple(above), f"unknown key '{key}'{hint}", str(key))
    return Problem(path, must_be(_fragment(root, path), details["input"]))


def _belonging(root: Fragment, key: str, *above: str | int) -> str:
    """Return where a key belongs that stands elsewhere: at the top, or below one of the keys there."""
    if above:
        return f"; it belongs at the top, beside {above[0]}" if key in root["properties"] else ""
    home = next((name for name in root["properties"] if key in _keys(_fragment(root, (name,)))), None)
    return f"; it belongs below {home}" if home else ""


def _as_written(path: Path, value: Any) -> Path:
    """Return the path that the user's own text has: it lacks the levels that the models add."""
    written: list[str | int] = []
    for part in path:
        if isinstance(part, str) and not _holds(value, part) and _holds(value, "args") and _holds(value["args"], part):
            written.append("args")
            value = value["args"]
        if _holds(value, part):
            written.append(part)
            value = value[part]
    return tuple(written)


def _holds(value: Any, part: str | int) -> bool:
    if isinstance(value, list):
        return isinstance(part, int) and part < len(value)
    return isinstance(value, dict) and part in value


def _resolved(root: Fragment, fragment: Fragment) -> list[Fragment]:
    """Return the alternatives of a schema, references followed."""
    if "$ref" in fragment:
        return _resolved(root, root["definitions"][fragment["$ref"].rpartition("/")[2]])
    if "anyOf" in fragment:
        return [choice for inner in fragment["anyOf"] for choice in _resolved(root, inner)]
    return [fragment]


def _fragment(root: Fragment, path: Path) -> Fragment:
    """Return the part of the schema that is about a path, without references."""
    choices = _resolved(root, root)
    for part in path:
        choices = [choice for found in _inside(choices, part) for choice in _resolved(root, found)]
    return choices[0] if len(choices) == 1 else {"anyOf": choices}


def _inside(choices: list[Fragment], part: str | int) -> list[Fragment]:
    """Return what the choices say of a part, first of all those that know it by its key."""
    if isinstance(part, int):
        return [choice["items"] for choice in choices if "items" in choice]
    named = [choice["properties"][part] for choice in choices if part in choice.get("properties", {})]
    others = (choice.get("additionalProperties") for choice in choices)
    return named or [other for other in others if isinstance(other, dict)]


def _keys(fragment: Fragment) -> list[str]:
    return [key for choice in fragment.get("anyOf", [fragment]) for key in choice.get("properties", {})]
