"""The keys of a config for reference/keys, from the JSON Schema, each with its example from keys.yaml."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

import gdsim

DOCS = Path(__file__).parent
CONFIGS = DOCS.parent / "configs"
TYPES = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "`true` or `false`",
    "string": "a text",
    "object": "a mapping",
}


def examples() -> dict[str, dict[str, Any]]:
    """Return the example of each key: what it changes in its base, the whole config, and whether it is drawn."""
    found = {}
    for group, keys in yaml.safe_load((DOCS / "keys.yaml").read_text(encoding="utf-8")).items():
        for key, changes in keys.items():
            base = changes.pop("base", "quickstart")
            config = yaml.safe_load((CONFIGS / f"{base}.yaml").read_text(encoding="utf-8"))
            for name, value in changes.items():
                adds = name in ("view", "animation", "output")
                config[name] = {**config.get(name, {}), **value} if adds else value
            found[key] = {"base": base, "changes": changes, "config": config, "drawn": group == "pictures"}
    return found


def pages() -> dict[str, list[tuple[str, list[dict[str, Any]]]]]:
    """Return the pages of the reference by name, each with its sections."""
    found: dict[str, list[tuple[str, list[dict[str, Any]]]]] = {}
    for section, keys in sections():
        last = section.rpartition(".")[2]
        name = last if last in ("schedule", "theme") else section.partition(".")[0] or "file"
        found.setdefault(name, []).append((section, keys))
    return found


def sections() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield the sections of a config, the file itself as `""`, each with what is said of its keys."""
    root, shown = gdsim.schema(), examples()
    waiting, seen = [("", root)], set()
    for section, fragment in waiting:
        keys = {f"{section}.{name}".lstrip("."): each for name, each in _properties(fragment).items()}
        yield section, [_key(path, each, shown) for path, each in keys.items()]
        for path, each in keys.items():
            for below, reference in _references(each):
                if reference not in seen:
                    seen.add(reference)
                    waiting.append((path + below, root["definitions"][reference.rpartition("/")[2]]))


def _properties(fragment: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties of a mapping in the schema, of all its forms."""
    found = {**fragment.get("properties", {}), **fragment.get("else", {}).get("properties", {})}
    for each in fragment.get("anyOf", ()):
        found = {**_properties(each), **found}
    return found


def _references(fragment: Mapping[str, Any], below: str = "") -> Iterator[tuple[str, str]]:
    """Yield the definitions that the value of a key can have, with what stands below the key: `.*` for any name."""
    if "$ref" in fragment:
        yield below, fragment["$ref"]
    for each in fragment.get("anyOf", ()):
        yield from _references(each, below)
    for name, more in (("items", ""), ("additionalProperties", ".*")):
        if isinstance(fragment.get(name), dict):
            yield from _references(fragment[name], below + more)


def _key(path: str, fragment: Mapping[str, Any], shown: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    default, example = fragment.get("default"), shown[path]
    is_plain = "default" in fragment and not isinstance(default, dict)
    return {
        "path": path,
        "short": re.sub(r"^\w+\.(\*\.(schedule\.)?|theme\.)?", "", path),
        "anchor": re.sub(r"[^a-z0-9]+", "-", path.lower()),
        "file": file_name(path),
        "about": fragment.get("description", ""),
        "choices": _values(fragment),
        "default": "" if not is_plain else "chosen to fit" if default is None else f"`{json.dumps(default)}`",
        "example": yaml.safe_dump(example["changes"], default_flow_style=None, width=88, sort_keys=False),
        "base": example["base"],
        "drawn": example["drawn"],
    }


def file_name(path: str) -> str:
    """Return the name of the files of a key: `"optimizers-lr"` for `"optimizers.*.lr"`."""
    return path.replace(".*", "").replace(".", "-")


def _values(fragment: Mapping[str, Any]) -> str:
    """Return the possible values of a key in words."""
    if "anyOf" in fragment:
        return "; or ".join(dict.fromkeys(filter(None, map(_values, fragment["anyOf"]))))
    if "$ref" in fragment:
        return "a mapping with the keys below"
    if names := fragment.get("enum", [fragment["const"]] if "const" in fragment else []):
        return ", ".join(f"`{each if isinstance(each, str) else json.dumps(each)}`" for each in names)
    if fragment.get("type") == "array":
        items = _values(fragment.get("items", {})) or "values"
        return "a list of " + re.sub(r"\ba (whole number|number|text|list|mapping)\b", r"\1s", items)
    bounds = (
        ("at least", "minimum"),
        ("above", "exclusiveMinimum"),
        ("at most", "maximum"),
        ("below", "exclusiveMaximum"),
    )
    limits = [f"{words} {fragment[key]:,}" for words, key in bounds if key in fragment]
    kinds = fragment.get("type", ())
    words = " or ".join(TYPES[each] for each in ([kinds] if isinstance(kinds, str) else kinds) if each in TYPES)
    return ", ".join(filter(None, [words, *limits]))
