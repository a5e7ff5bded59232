"""Sentences about wrong values, from the JSON Schema of what was expected, and the problems that pydantic finds."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any

from gdsim.errors import SYNONYMS, Code, Key, Problem, did_you_mean

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails

MEANT = {synonym: ours for ours, synonyms in SYNONYMS.items() for synonym in synonyms}

Fragment = Mapping[str, Any]
"""A JSON Schema, or a part of one without references."""

TYPES = {"null": type(None), "boolean": bool, "integer": int, "string": str, "array": list, "object": dict}

CONTROLS = r"\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""The range of control characters in a pattern, with those that reorder the text around them (Bidi_Control)."""
LINE = rf"^[^{CONTROLS}]*$"  # pattern of text without control characters
SAME_WORD = 0.9  # the similarity of singular and plural
MAX_LENGTH = 60  # characters of a value that are shown
MAX_CHOICES = 24  # that are listed in a sentence
COMMA = re.compile(r"[-+]?\d+,\d+")


def must_be(fragment: Fragment, value: Any) -> str:
    """Return the sentence for a wrong value: `"must be a whole number from 1 to 9, not 'many'"`."""
    kind = "array" if isinstance(value, list) else "object" if isinstance(value, dict) else None
    fitting = [choice for choice in fragment.get("anyOf", []) if choice.get("type") == kind]
    wanted = {"anyOf": fitting} if fitting else fragment
    forms = [wanted, *wanted.get("anyOf", [])]
    words = [word for form in forms for word in (*form.get("enum", ()), form.get("const")) if isinstance(word, str)]
    hint = did_you_mean(value, words) if isinstance(value, str) else ""
    if isinstance(value, str) and COMMA.fullmatch(value):
        hint = f"; decimals take a point: {value.replace(',', '.')}"
    if kind == "object" and any(form.get("type") == "string" and "enum" not in form for form in forms if not fitting):
        hint = "; quote text that contains a colon"
    if isinstance(value, int | float) and any(form.get("pattern") == LINE for form in forms):
        hint = f"; quote it: '{format_value(value)}'"
    return f"must be {expected(wanted)}, not {format_value(value)}{hint}"


def expected(fragment: Fragment) -> str:
    """Return what a schema asks for: `"a whole number from 1 to 1000000"`."""
    if "anyOf" in fragment:
        choices = [expected(choice) for choice in fragment["anyOf"] if choice.get("type") != "null"]
        return _enumeration(list(dict.fromkeys(choices))) if choices else "a plain value"
    example = f" such as {format_value(fragment['examples'][0])}" if "examples" in fragment else ""
    if choices := fragment.get("enum", []):
        several = len(choices) > MAX_CHOICES
        return f"one of {len(choices)} names{example}" if several else _enumeration([*map(format_value, choices)])
    if "const" in fragment:
        return format_value(fragment["const"])
    match fragment.get("type"):
        case "integer":
            even = "n even" if fragment.get("multipleOf") == 2 else ""
            return f"a{even} whole number{_range(fragment)}"
        case "number":
            return f"a number{_range(fragment)}"
        case "boolean":
            return "true or false"
        case "string":
            length = f" of at most {fragment['maxLength']} characters" if "maxLength" in fragment else ""
            line = " in one line" if fragment.get("pattern") == LINE else ""
            return f"text{line}{length}{example}"
        case "array":
            # An item with a name in the schema takes more than a sentence.
            items = fragment.get("items", {})
            each = "" if "$ref" in items else f", each {expected(items)}"
            return f"a list of {_count(fragment)}{example or each}"
        case "object":
            low, high = fragment.get("minProperties"), fragment.get("maxProperties")
            return f"a mapping{example}" if high is None else f"a mapping of {low} to {high} entries{example}"
    return "a plain value"


def accepts(fragment: Fragment, value: Any) -> bool:
    """Return whether a plain value fits a schema without bounds; every value fits an empty one."""
    if "not" in fragment:
        return False
    if "anyOf" in fragment:
        return any(accepts(choice, value) for choice in fragment["anyOf"])
    if "enum" in fragment:
        return value in fragment["enum"]
    kind = fragment.get("type")
    if kind == "number":
        return is_number(value)
    if kind == "array" and isinstance(value, list):
        fits = fragment.get("minItems", 0) <= len(value) <= fragment.get("maxItems", math.inf)
        return fits and all(accepts(fragment["items"], item) for item in value)
    return kind is None or type(value) is TYPES[kind]


def format_value(value: Any) -> str:
    """Return a value as a person would write it in YAML, shortened if it is long."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case dict():
            text = f"{{{', '.join(f'{key}: {format_value(each)}' for key, each in value.items())}}}"
        case list() | tuple():
            text = f"[{', '.join(map(format_value, value))}]"
        case _:
            text = repr(value)
    return text if len(text) <= MAX_LENGTH else f"{text[: MAX_LENGTH - 2]} …"


def is_number(value: Any) -> bool:
    """Return whether a value is a finite number; true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _enumeration(choices: list[str]) -> str:
    return " or ".join(filter(None, (", ".join(choices[:-1]), choices[-1])))


def _range(fragment: Fragment) -> str:
    above, low, high = (fragment.get(key) for key in ("exclusiveMinimum", "minimum", "maximum"))
    if above is not None:
        return f" above {above}" + ("" if high is None else f" and at most {high}")
    if low is not None:
        return f" of at least {low}" if high is None else f" from {low} to {high}"
    return "" if high is None else f" of at most {high}"


def _count(fragment: Fragment) -> str:
    low, high = fragment.get("minItems"), fragment.get("maxItems")
    if low is not None and high is not None:
        return f"{low} items" if low == high else f"{low} to {high} items"
    return "items" if low is None else f"at least {low} item{'s' if low > 1 else ''}"


def problems_in(error: ValidationError, value: Any, model: type[BaseModel] | None = None) -> Iterator[Problem]:
    """Yield each problem of a value, except a missing key that another one may stand for.

    The value is a configuration, or the part of one that this model describes.
    """
    found = [_problem(details, value, model) for details in error.errors(include_url=False)]
    mistyped = " ".join(problem.message for problem in found if problem.at_key)
    for problem in found:
        follows = problem.code == "missing" and problem.key and f"did you mean '{problem.key[-1]}'" in mistyped
        if not follows:
            yield problem


def _problem(details: ErrorDetails, value: Any, model: type[BaseModel] | None) -> Problem:
    key = _as_written(details["loc"], value)
    if details["type"] == "gdsim":
        return Problem(details["ctx"]["message"], key, details["ctx"]["code"], details["ctx"]["at_key"])
    root, whole = _schemas(model)
    match details["type"]:
        case "missing":
            key = *key, details["loc"][-1]
            return Problem(f"is missing; it must be {expected(fragment_at(root, whole, key))}", key, "missing")
        case "extra_forbidden":
            hint = _key_hint(root, key, keys_in(fragment_at(root, whole, key[:-1])), value)
            return Problem(f"unknown key '{key[-1]}'{hint}", key, "unknown-key", at_key=True)
    return Problem(must_be(fragment_at(root, whole, key), details["input"]), key, _code(details))


@cache
def _schemas(model: type[BaseModel] | None) -> tuple[Fragment, Fragment]:
    """Return the schema of a configuration, and that of a model in it, by default of all of it."""
    from gdsim.config.json_schema import schema  # which imports the models, and they this module

    root = schema()
    return root, root if model is None else root["definitions"].get(model.__name__) or model.model_json_schema()


def _code(details: ErrorDetails) -> Code:
    if details["type"] in ("literal_error", "value_error"):
        return "missing" if details["input"] is None else "unknown-name"
    return "wrong-type" if details["type"].endswith(("_type", "_parsing", "_from_float")) else "invalid-value"


def _key_hint(root: Fragment, key: Key, known: list[str], value: Any) -> str:
    """Return what may be meant by an unknown key: another section, a synonym, a similar key, or one of those known."""
    *above, name = [str(part) for part in key]
    for label, settings in _optimizers(value) if not above else ():
        if name == label:
            return f"; it belongs below optimizers: optimizers.{label}"
        if name in settings or name == "lr":
            return f"; did you mean optimizers.{label}.{name}?"
    if name.isdecimal():
        return "; decimals take a point, as in 0.5"
    if near := get_close_matches(name, known, 1, SAME_WORD):
        return f"; did you mean '{near[0]}'?"
    # The colour of minima has the name that the minimum of a function could have.
    excluded = [above, ["view", "theme"]] if above[:1] == ["objective"] else [above]
    places = [place for place in _places(root) if [*place[:-1]] not in excluded]
    for wanted in dict.fromkeys((name, MEANT.get(name, name))):
        if wanted in known:
            return f"; did you mean '{wanted}'?"
        if place := next((place for place in places if place[-1] == wanted), None):
            belongs = f"below {'.'.join(place[:-1])}" if place[:-1] else f"at the top, beside {above[0]}"
            return f"; {'it' if wanted == name else f'{wanted!r}'} belongs {belongs}"
    listed = f"; it has {', '.join(dict.fromkeys(known))}" if known else ""
    return did_you_mean(name, known) or listed


def takes_text(key: Key) -> bool:
    """Return whether the value at a key of a configuration can only be text, such as a title."""
    root, _ = _schemas(None)
    choices = _choices(root, fragment_at(root, root, key))
    return {choice.get("type") for choice in choices if "const" not in choice} - {"null"} == {"string"}


def setting_named(name: str, config: Any) -> str | None:
    """Return the dotted key of the setting of a configuration that a name, or a synonym, stands for; None if none."""
    root, _ = _schemas(None)
    if name.partition(".")[0] in keys_in(root):
        return name
    wanted = MEANT.get(name, name)
    for label, settings in _optimizers(config):
        if wanted in settings or wanted == "lr":
            return f"optimizers.{label}.{wanted}"
    return next((".".join(place) for place in _places(root) if place[-1] == wanted), None)


def _optimizers(value: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the labels of a configuration with the settings of each."""
    optimizers = value.get("optimizers") if isinstance(value, dict) else None
    for label, settings in optimizers.items() if isinstance(optimizers, dict) else ():
        yield label, settings if isinstance(settings, dict) else {}


def _places(root: Fragment) -> Iterator[tuple[str, ...]]:
    """Yield the keys of the top, of its sections, and of theirs, without optimizers and objectives."""
    sections: list[tuple[str, ...]] = [
        (),
        *((name,) for name in ("view", "animation", "output", "start")),
        ("view", "theme"),
    ]
    for section in sections:
        yield from ((*section, name) for name in keys_in(fragment_at(root, root, section)))


def _as_written(key: Key, value: Any) -> Key:
    """Return the key in the user's text, which does not have the levels that the models add."""
    written: list[str | int] = []
    for part in key:
        items = dict(enumerate(value)) if isinstance(value, list) else value if isinstance(value, dict) else {}
        if part not in items and isinstance(arguments := items.get("args"), dict) and part in arguments:
            written.append("args")
            items = arguments
        if part in items:
            written.append(part)
            value = items[part]
    return tuple(written)


def fragment_at(root: Fragment, whole: Fragment, key: Sequence[str | int]) -> Fragment:
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


def keys_in(fragment: Fragment) -> list[str]:
    """Return the names of the keys that a schema has for a mapping."""
    return [key for choice in fragment.get("anyOf", [fragment]) for key in choice.get("properties", {})]
