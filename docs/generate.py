"""Writes the pages of the site that follow from the code: gallery, keys, commands and functions.

Their texts are in docs/templates. A picture is drawn again only if its config or the catalogue has changed.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer
import yaml
from jinja2 import Environment, FileSystemLoader
from matplotlib.mathtext import math_to_image
from typer.main import get_command

import gdsim
from gdsim.cli.app import COMMANDS, app

DOCS = Path(__file__).parent
CONFIGS = sorted((DOCS.parent / "configs").glob("*.yaml"))
TOPICS = {
    "momentum": "momentum",
    "rate": "learning rate",
    "curvature": "curvature",
    "noise": "noise",
    "starts": "starts",
    "compare": "comparison",
    "network": "networks",
    "function": "your own function",
    "view": "slides",
}
"""The topics of the gallery, by the first words of the names of their configs."""

TYPES = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "`true` or `false`",
    "string": "a text",
    "object": "a mapping",
}


def write_pages() -> None:
    """Write all pages beside their hand-written neighbours."""
    templates = Environment(loader=FileSystemLoader(DOCS / "templates"), keep_trailing_newline=True, autoescape=False)  # noqa: S701
    shown = list(examples())
    pages = {f"gallery/{each['name']}": ("example", each) for each in shown}
    pages |= {
        "gallery/index": ("gallery", {"examples": shown, "topics": list(TOPICS.values())}),
        "reference/keys": ("keys", {"sections": list(sections())}),
        "reference/commands": ("commands", {"commands": list(commands())}),
        "reference/functions": ("functions", {"functions": list(functions())}),
    }
    for name, (template, context) in pages.items():
        path, text = DOCS / f"{name}.md", templates.get_template(f"{template}.md").render(context)
        path.parent.mkdir(exist_ok=True)
        # Sphinx reads a page again if its file is newer.
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def draw_pictures(folder: Path) -> None:
    """Draw each config as a poster, a player and a small clip, and each function of the catalogue with its formula."""
    configs, catalog = folder / "gallery", DOCS.parent / "gdsim" / "objectives" / "catalog.py"
    stale = [path for path in CONFIGS if _is_stale(configs / path.stem / f"{path.stem}.webp", path)]
    if stale:
        _gdsim("run", *stale, "--format", "html,png", "--out", configs)
        recordings = [configs / path.stem / f"{path.stem}.npz" for path in stale]
        _gdsim("render", *recordings, "--set", "output.preset=thumb", "--format", "webp", "--out", configs)
        for path in [*configs.glob("*/*.npz"), *configs.glob("*/*.csv")]:
            path.unlink()
    for name in gdsim.names():
        picture = folder / "functions" / f"{name}.png"
        if _is_stale(picture, catalog):
            view = {"size": [480, 360], "title": "function", "formula": False}
            gdsim.preview(name, view=view).save(picture)
            math_to_image(f"${gdsim.objective(name).formula}$", picture.with_suffix(".svg"), format="svg")


def _is_stale(made: Path, source: Path) -> bool:
    return not made.exists() or made.stat().st_mtime < source.stat().st_mtime


def _gdsim(command: str, *arguments: object) -> None:
    words = [sys.executable, "-m", "gdsim", command, *map(str, arguments), "--allow-code", "--quiet"]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)  # noqa: S603


def examples() -> Iterator[dict[str, Any]]:
    """Yield what the gallery says of each config."""
    for path in CONFIGS:
        text = path.read_text(encoding="utf-8").partition("\n")[2]
        yield {
            "name": path.stem,
            "lesson": text.partition("\n")[0].removeprefix("# "),
            "yaml": text,
            "size": gdsim.load(path, allow_code=True).view.size,
            "topic": TOPICS.get(path.stem.partition("_")[0]),
            "runs_code": "--allow-code" in text,
        }


def sections() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Yield the sections of a config, each with what is said of its keys, from the JSON Schema."""
    root = gdsim.schema()
    used = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in CONFIGS}
    waiting, seen = [("", root)], set()
    for section, fragment in waiting:
        keys = {f"{section}.{name}".lstrip("."): each for name, each in _properties(fragment).items()}
        yield f"`{section}`" if section else "The file", [_key(path, each, used) for path, each in keys.items()]
        for path, each in keys.items():
            for below, reference in _references(each):
                if reference not in seen:
                    seen.add(reference)
                    waiting.append((path + below, root["definitions"][reference.rpartition("/")[2]]))


def _properties(fragment: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties of a mapping in the schema, of all its forms."""
    found = dict(fragment.get("properties", {}))
    for each in fragment.get("anyOf", ()):
        found = {**_properties(each), **found}
    return found


def _references(fragment: Mapping[str, Any], below: str = "") -> Iterator[tuple[str, str]]:
    """Yield the definitions that the value of a key can have, with what stands below the key: `.*` for any name."""
    if "$ref" in fragment:
        yield below, fragment["$ref"]
    for each in fragment.get("anyOf", ()):
        yield from _references(each, below)
    if isinstance(others := fragment.get("additionalProperties"), dict):
        yield from _references(others, f"{below}.*")


def _key(path: str, fragment: Mapping[str, Any], used: Mapping[str, Any]) -> dict[str, str]:
    name = path.rpartition(".")[2]
    choices = [fragment, *fragment.get("anyOf", ())]
    found = [(config, value) for config, tree in used.items() for value in _at(tree, path.split("."))]
    values = [*(value for each in choices for value in each.get("examples", ())), *(value for _, value in found)]
    default = fragment.get("default")
    is_plain = "default" in fragment and not isinstance(default, dict)
    flow = yaml.safe_dump({name: values[0]}, default_flow_style=True, width=1000, allow_unicode=True) if values else ""
    return {
        "path": path,
        "about": fragment.get("description", ""),
        "choices": _values(fragment),
        "default": "" if not is_plain else "chosen to fit" if default is None else f"`{json.dumps(default)}`",
        "example": flow.strip()[1:-1],
        "used_in": found[0][0] if found and len(found) < len(CONFIGS) / 2 else "",
    }


def _at(tree: Any, path: list[str]) -> Iterator[Any]:
    """Yield the values at a path of keys, of which `*` is any."""
    for each in tree if isinstance(tree, list) else [tree]:
        for key, value in each.items() if isinstance(each, dict) else ():
            if path[0] in (key, "*"):
                yield from _at(value, path[1:]) if path[1:] else [value]


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


def commands() -> Iterator[dict[str, Any]]:
    """Yield what the command line says of each command."""
    group = get_command(app)
    for name, (_, summary) in COMMANDS.items():
        command = group.get_command(typer.Context(group), name)
        with typer.Context(command, info_name=f"gdsim {name}") as context:
            usage = " ".join(command.collect_usage_pieces(context))
            rows = [
                (each.metavar or each.name, each.help) for each in command.params if each.param_type_name == "argument"
            ]
            options = [each for each in command.params if each.param_type_name == "option"]
            rows += [record for each in options if (record := each.get_help_record(context))]
        yield {"name": name, "about": command.help or summary, "usage": usage, "rows": [row for row in rows if row[1]]}


def functions() -> Iterator[dict[str, Any]]:
    """Yield the facts about each function of the catalogue."""
    for name in gdsim.names():
        each = gdsim.objective(name)
        facts = [
            ("Name", each.title),
            ("Minimum", "not known" if each.minimum is None else f"{each.minimum:.10g}"),
            ("At", ", ".join(f"({', '.join(f'{x:.10g}' for x in point)})" for point in each.minima)),
            ("Parameters", ", ".join(f"`{key}: {value:g}`" for key, value in each.parameters.items())),
            ("Source", re.sub(r"([*_])", r"\\\1", each.source)),
        ]
        yield {"name": name, "title": each.title, "formula": each.formula, "facts": [row for row in facts if row[1]]}
