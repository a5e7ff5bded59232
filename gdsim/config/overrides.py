"""Single values put over those of a file: `--set KEY=VALUE`, and options that stand for one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from gdsim.config.location import Document, Path, Problem, SourceLocation, printable
from gdsim.config.yaml_text import parse
from gdsim.errors import InputError

__all__ = ["override"]


def override(document: Document, overrides: Mapping[str, str]) -> Document:
    """Return the document with each `KEY=VALUE` put in; the given one stays as it is.

    Mappings that are missing on the way to a key are made.

    Args:
        document: What the file says.
        overrides: Each a dotted path, in which a number counts the items of a list, `=`, and a value in YAML; with
            what a user has written for it, which errors name.

    Raises:
        InputError: One is not written `KEY=VALUE`.
        ConfigError: A value is no YAML, or a path leads nowhere.
    """
    for order, (text, source) in enumerate(overrides.items(), start=1):
        key, equals, value = text.partition("=")
        if not equals or not all(key.split(".")):
            raise InputError(
                f"{printable(source)}: must be KEY=VALUE with a dotted key, such as optimizers.Adam.lr=0.1"
            )
        path = _path(document.value, key.split("."))
        given = parse(value, source, order=order, at=path)
        document = _merged(document, given, path, SourceLocation(order, 1, 1, source))
    return document


def _path(value: Any, parts: Sequence[str]) -> Path:
    """Split a dotted key as the document is keyed: a label may itself hold dots."""
    if not parts:
        return ()
    if isinstance(value, list) and parts[0].isdecimal():
        index = int(parts[0][:9])
        return index, *_path(value[index] if index < len(value) else None, parts[1:])
    names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    name = next((name for name in names if isinstance(value, dict) and name in value), parts[0])
    rest = parts[name.count(".") + 1 :]
    return name, *_path(value.get(name) if isinstance(value, dict) else None, rest)


def _merged(document: Document, given: Document, path: Path, place: SourceLocation) -> Document:
    values = {known: at for known, at in document.values.items() if known[: len(path)] != path}
    keys = {known: at for known, at in document.keys.items() if known[: len(path)] != path or known == path}
    for length in range(1, len(path) + 1):
        keys.setdefault(path[:length], place)
        values.setdefault(path[:length], place)
    try:
        value = _put(document.value, path, given.value, ())
    except _NoSuchPlaceError as error:
        raise document.error([Problem(path, str(error), place=place)]) from None
    return replace(
        document,
        value=value,
        values={**values, **given.values},
        keys={**keys, **given.keys},
        problems=document.problems + given.problems,
        unread=document.unread | given.unread,
    )


class _NoSuchPlaceError(Exception):
    """A path leads through something that has no such item."""


def _put(value: Any, path: Path, new: Any, above: Path) -> Any:
    """Return a copy of `value` in which `new` stands at `path`; only what lies on the path is copied."""
    if not path:
        return new
    first, rest = path[0], path[1:]
    value = _written_out(value, above)
    if isinstance(value, list) and isinstance(first, int):
        if first >= len(value):
            raise _NoSuchPlaceError(f"{_name(above)} has {len(value)} items, numbered from 0")
        return [*value[:first], _put(value[first], rest, new, (*above, first)), *value[first + 1 :]]
    if isinstance(value, dict):
        return value | {str(first): _put(value.get(str(first)), rest, new, (*above, first))}
    kind = "a list, whose items are numbered from 0" if isinstance(value, list) else "a single value"
    raise _NoSuchPlaceError(f"{_name(above)} is {kind}, so it has no '{first}'")


def _written_out(value: Any, path: Path) -> Any:
    """Return the mapping that a bare name or nothing stands for."""
    if value is None:
        return {}
    if not isinstance(value, str):
        return value
    match path:
        case ("objective",) | ("objective", int()):
            return {"name": value}
        case ("view", "theme"):
            return {"base": value}
        case (*_, "schedule"):
            return {"class": value}
    return value


def _name(path: Path) -> str:
    return ".".join(map(str, path)) or "the config"
