"""Single values that replace those of a file: `--set KEY=VALUE`, and options that have the same effect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from gdsim.config.location import Document
from gdsim.config.yaml_text import parse
from gdsim.errors import InputError, Key, Problem, SourceLocation, printable


def override(document: Document, overrides: Mapping[str, str]) -> Document:
    """Return a new document with each `KEY=VALUE` applied; missing mappings above a key are created.

    Each override comes with what the user has written, which errors name.

    Raises:
        InputError: An override is not `KEY=VALUE`, or its value is not YAML, or its key leads through a plain value.
    """
    for order, (text, source) in enumerate(overrides.items(), start=1):
        dotted, equals, value = text.partition("=")
        if not equals or not all(dotted.split(".")):
            message = f"{printable(source)}: must be KEY=VALUE with a dotted key, such as optimizers.Adam.lr=0.1"
            raise InputError(message, code="syntax")
        key = _key(document.value, dotted.split("."))
        given = parse(value, source, order=order, at=key)
        document = _merged(document, given, key, SourceLocation(order, 1, 1, source))
    return document


def _key(value: Any, parts: Sequence[str]) -> Key:
    """Split a dotted key by the keys of the document: a label may itself contain dots."""
    if not parts:
        return ()
    if isinstance(value, list) and parts[0].isdecimal():
        index = int(parts[0][:9])
        return index, *_key(value[index] if index < len(value) else None, parts[1:])
    names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    name = next((name for name in names if isinstance(value, dict) and name in value), parts[0])
    return name, *_key(value.get(name) if isinstance(value, dict) else None, parts[name.count(".") + 1 :])


def _merged(document: Document, given: Document, key: Key, location: SourceLocation) -> Document:
    values = {each: at for each, at in document.values.items() if each[: len(key)] != key}
    keys = {each: at for each, at in document.keys.items() if each[: len(key)] != key or each == key}
    for length in range(1, len(key) + 1):
        keys.setdefault(key[:length], location)
        values.setdefault(key[:length], location)
    try:
        value = _with_value(document.value, key, given.value, ())
    except LookupError as error:
        raise document.error([Problem(str(error.args[0]), key, location=location)]) from None
    return replace(
        document,
        value=value,
        values={**values, **given.values},
        keys={**keys, **given.keys},
        problems=document.problems + given.problems,
        unread=document.unread | given.unread,
    )


def _with_value(value: Any, key: Key, new: Any, above: Key) -> Any:
    """Return a copy of `value` with `new` at `key`; a LookupError says that the path leads through a plain value."""
    if not key:
        return new
    first, *rest = key
    value = _as_mapping(value, above)
    if isinstance(value, list) and isinstance(first, int):
        if first >= len(value):
            raise LookupError(f"{_name(above)} has {len(value)} items, numbered from 0")
        inner = _with_value(value[first], tuple(rest), new, (*above, first))
        return [*value[:first], inner, *value[first + 1 :]]
    if isinstance(value, dict):
        inner = _with_value(value.get(str(first)), tuple(rest), new, (*above, first))
        return value | {str(first): inner}
    kind = "a list, whose items are numbered from 0" if isinstance(value, list) else "a single value"
    raise LookupError(f"{_name(above)} is {kind}, so it has no '{first}'")


def _as_mapping(value: Any, key: Key) -> Any:
    """Return the mapping that a bare name or nothing is short for."""
    if value is None:
        return {}
    match key:
        case ("objective",) | ("objective", int()) if isinstance(value, str):
            return {"name": value}
        case ("view", "theme") if isinstance(value, str):
            return {"base": value}
        case (*_, "schedule") if isinstance(value, str):
            return {"class": value}
    return value


def _name(key: Key) -> str:
    return ".".join(map(str, key)) or "the config"
