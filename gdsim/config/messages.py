"""JSON Schema in words: what was expected, what came instead, and whether the one is the other."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from gdsim.errors import did_you_mean

__all__ = ["Fragment", "accepts", "expected", "is_number", "must_be", "shown", "suggestion"]

Fragment = Mapping[str, Any]
"""A JSON Schema, or a part of one without references."""

SPELLINGS = {
    "learning_rate": "lr",
    "step_size": "lr",
    "beta1": "betas",
    "beta2": "betas",
    "epochs": "steps",
    "iterations": "steps",
    "layers": "hidden",
    "model": "network",
    "target": "class",
}
LONGEST = 60  # characters of a value that are shown
MOST_CHOICES = 12  # that are named in a sentence


def must_be(fragment: Fragment, value: Any) -> str:
    """Return the sentence for a wrong value: `"must be a whole number from 1 to 9, not 'many'"`."""
    kind = "array" if isinstance(value, list) else "object" if isinstance(value, dict) else None
    meant = [choice for choice in fragment.get("anyOf", []) if choice.get("type") == kind]
    wanted = {"anyOf": meant} if meant else fragment
    hint = _hint(wanted, value) if isinstance(value, str) else ""
    if kind is None and _is_list_of(wanted, value):
        return f"must be a list: write [{value if isinstance(value, str) and value.isidentifier() else shown(value)}]"
    if kind is None and any(_is_list_of(form, value) for form in wanted.get("anyOf", ())):
        hint = hint or f"; write [{shown(value)}]"
    return f"must be {expected(wanted)}, not {shown(value)}{hint}"


def _is_list_of(fragment: Fragment, value: Any) -> bool:
    """Return whether a value alone would do in a list."""
    return "$ref" not in fragment.get("items", {"$ref": ""}) and accepts(fragment, [value])


def _hint(fragment: Fragment, text: str) -> str:
    """What may help whoever wrote a text that is none of those allowed."""
    forms = [fragment, *fragment.get("anyOf", [])]
    if any(_is_color(form) for form in forms) and text.isalpha():
        return "; names of colours are not taken"
    words = [word for form in forms for word in (*form.get("enum", ()), form.get("const")) if isinstance(word, str)]
    return did_you_mean(text, words)


def _is_color(fragment: Fragment) -> bool:
    return str(fragment.get("pattern", "")).startswith("^#")


def expected(fragment: Fragment) -> str:
    """Return what a schema asks for: `"a whole number from 1 to 1000000"`."""
    if "anyOf" in fragment:
        choices = [expected(choice) for choice in fragment["anyOf"] if choice.get("type") != "null"]
        return _enumeration(list(dict.fromkeys(choices))) if choices else "a plain value"
    if 0 < len(fragment.get("enum", ())) <= MOST_CHOICES:
        return _enumeration([shown(choice) for choice in fragment["enum"]])
    if "const" in fragment:
        return shown(fragment["const"])
    match fragment.get("type"):
        case "integer":
            even = "n even" if fragment.get("multipleOf") == 2 else ""
            return f"a{even} whole number{_range(fragment)}"
        case "number":
            return f"a number{_range(fragment)}"
        case "boolean":
            return "true or false"
        case "string":
            return _text(fragment)
        case "array":
            return _list(fragment)
        case "object":
            low, high = fragment.get("minProperties"), fragment.get("maxProperties")
            such_as = f" such as {_flow(fragment['examples'][0])}" if "examples" in fragment else ""
            return f"a mapping{such_as}" if high is None else f"a mapping of {low} to {high} entries{such_as}"
    return "a plain value"


def _flow(example: Any) -> str:
    """Return an example in YAML, a mapping written out."""
    if not isinstance(example, dict):
        return shown(example)
    return f"{{{', '.join(f'{key}: {_flow(value)}' for key, value in example.items())}}}"


def shown(value: Any) -> str:
    """Return a value as a person would write it in YAML, shortened where it is long."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case float() if not math.isfinite(value):
            return str(value)
        case dict():
            return "an empty mapping" if not value else f"a mapping of {len(value)}"
        case list() | tuple():
            text = f"[{', '.join(map(shown, value[:LONGEST]))}]"
        case _:
            text = repr(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 2]} …"


def accepts(fragment: Fragment, value: Any) -> bool:
    """Return whether a plain value is what a schema without bounds asks for; an empty one accepts all."""
    if "anyOf" in fragment:
        return any(accepts(choice, value) for choice in fragment["anyOf"])
    if "enum" in fragment:
        return value in fragment["enum"]
    match fragment.get("type"):
        case "null":
            return value is None
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return is_number(value)
        case "string":
            return isinstance(value, str)
        case "array":
            low, high = fragment.get("minItems", 0), fragment.get("maxItems", math.inf)
            return (
                isinstance(value, list)
                and low <= len(value) <= high
                and all(accepts(fragment["items"], item) for item in value)
            )
    return True


def suggestion(word: str, choices: Iterable[str]) -> str:
    """Return `"; did you mean 'lr'?"` for a mistyped key, or for a name that other libraries use for it."""
    choices = set(choices)
    if (meant := SPELLINGS.get(word)) in choices:
        return did_you_mean(str(meant), [str(meant)])
    direct = did_you_mean(word, sorted(choices))
    elsewhere = (meant for name, meant in SPELLINGS.items() if meant in choices and did_you_mean(word, [name]))
    return direct or next((did_you_mean(meant, [meant]) for meant in elsewhere), "")


def is_number(value: Any) -> bool:
    """Return whether a value is a finite number; true and false are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond the largest float
        return False


def _enumeration(choices: list[str]) -> str:
    if len(choices) == 1:
        return choices[0]
    return f"{', '.join(choices[:-1])} or {choices[-1]}"


def _range(fragment: Fragment) -> str:
    above, low, high = (fragment.get(key) for key in ("exclusiveMinimum", "minimum", "maximum"))
    if above is not None:
        return f" above {_number(above)}" + ("" if high is None else f" and at most {_number(high)}")
    if low is not None:
        return f" of at least {_number(low)}" if high is None else f" from {_number(low)} to {_number(high)}"
    return "" if high is None else f" of at most {_number(high)}"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)


def _text(fragment: Fragment) -> str:
    longest = f" of at most {fragment['maxLength']} characters" if "maxLength" in fragment else ""
    such_as = f" such as {shown(fragment['examples'][0])}" if "examples" in fragment else ""
    if _is_color(fragment):
        return f"a colour{such_as}"
    return f"text{longest}{such_as}"


def _list(fragment: Fragment) -> str:
    low, high = fragment.get("minItems"), fragment.get("maxItems")
    number = "items"
    if low is not None and high is not None:
        number = f"{low} items" if low == high else f"{low} to {high} items"
    elif low is not None:
        number = f"at least {low} item{'s' if low > 1 else ''}"
    # What each is has a name of its own in the schema, and takes more than a sentence.
    each = "" if "$ref" in fragment.get("items", {}) else f", each {expected(fragment.get('items', {}))}"
    return f"a list of {number}{each}"
