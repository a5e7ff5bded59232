"""What a shell offers at the Tab key for the values of arguments and options.

Packages are imported where they are used, because each press of the key starts a process. Typer drops what does not
begin with the word that is completed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import typer

from gdsim.errors import GdsimError
from gdsim.files import YAML_SUFFIXES

PLAIN_LABEL = re.compile(r"[\w+-]+")  # needs no quotes in a shell, and no dot divides it


def names_from(package: str, function: str = "names") -> Callable[[str], list[str]]:
    """Return the completion of a name, or of a list of names with commas, from those that a function returns."""
    return lambda incomplete: names_of(getattr(import_module(package), function)())(incomplete)


def names_of(choices: Iterable[str]) -> Callable[[str], list[str]]:
    """Return the completion of a name, or of a list of names with commas."""

    def complete(incomplete: str) -> list[str]:
        before, comma, _ = incomplete.rpartition(",")
        return [f"{before}{comma}{name}" for name in choices if name not in before.split(",")]

    return complete


def files_with(suffixes: Collection[str]) -> Callable[[typer.Context, str], list[str]]:
    """Return the completion of files with some suffixes, which are near; all others are left to the shell."""

    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        changes = ctx.params.get("changes") or ("=",)
        if "=" not in changes[-1]:  # bash divides KEY=VALUE at the sign, and this word is the value
            start = f"{changes[-1]}="
            return [each.removeprefix(start) for each in complete_setting(start + incomplete)]
        folder = Path(incomplete[: incomplete.rfind("/") + 1])
        found = (path for pattern in ("*", "*/*", "outputs/*/*") for path in folder.glob(pattern))
        # The shell prints what it offers: control characters would reach the terminal.
        return sorted(str(path) for path in found if path.suffix in suffixes and str(path).isprintable())

    return complete


def complete_setting(incomplete: str) -> list[str]:
    """Complete `--set KEY=VALUE`: the next part of the key, and what follows as long as there is only one choice.

    Labels of optimizers, and numbers, are those of the config in the command line.
    """
    from gdsim.config import schema

    # The parser drops all arguments of a line that ends in an option without its value.
    line = os.environ.get("COMP_WORDS") or os.environ.get("_TYPER_COMPLETE_ARGS", "")
    root, config = schema(), read_config(line.split())
    key, sign, _ = incomplete.partition("=")
    if sign:
        return _values(root, config, key.split("."))
    choices = [each for each in _keys(root, config, key.split(".")[:-1]) if each.startswith(key)]
    while len(choices) == 1 and choices[0][-1] in ".=":
        follow = _keys if choices[0][-1] == "." else _values
        following = follow(root, config, choices[0][:-1].split("."))
        if not following:
            break
        choices = following
    return choices


def read_config(words: Iterable[str]) -> Any:
    """Return the plain values of the first YAML file among the words of a command line."""
    from gdsim.config import read_text
    from gdsim.config.yaml_text import parse

    for path in map(Path, words):
        if path.suffix in YAML_SUFFIXES:
            with suppress(GdsimError):
                return parse(read_text(path), str(path)).value
    return None


def _keys(root: Any, config: Any, above: list[str]) -> list[str]:
    """Return the dotted keys below a section: those of sections end in a dot, and those of values in `=`."""
    from gdsim.config.messages import fragment_at

    keys = []
    for name in _names_below(root, config, above):
        path = [*above, name]
        fragment = fragment_at(root, root, path)
        kinds = {str(choice.get("type")) for choice in fragment.get("anyOf", [fragment])}
        keys += [".".join(path) + "."] if _names_below(root, config, path) else []
        keys += [".".join(path) + "="] if kinds - {"object", "null"} else []
    return keys


def _names_below(root: Any, config: Any, above: list[str]) -> list[str]:
    from gdsim.config.messages import fragment_at, keys_in
    from gdsim.config.signatures import offered

    names = [*dict.fromkeys(keys_in(fragment_at(root, root, above)))]
    value = _value_at(config, above)
    own = value if isinstance(value, dict) else {}
    if above == ["optimizers"]:
        names = [label for label in own if PLAIN_LABEL.fullmatch(label)]
    elif above[:-1] == ["optimizers"]:
        known = offered()
        if (signature := known.get(str(own.get("class", above[-1])))) is not None:
            others = {name for each in known.values() for name in each.arguments} - signature.arguments.keys()
            names = [name for name in names if name not in others]
    return names


def _values(root: Any, config: Any, path: list[str]) -> list[str]:
    """Return a dotted key with each value that has a name, or else with its number in the config or its default."""
    from gdsim.config.messages import fragment_at

    fragment = fragment_at(root, root, path)
    choices = fragment.get("anyOf", [fragment])
    names = [name for choice in choices for name in choice.get("enum", ())]
    names += ["true", "false"] if any(choice.get("type") == "boolean" for choice in choices) else []
    value = _value_at(config, path)
    number = fragment.get("default") if value is None else value
    return [f"{'.'.join(path)}={each}" for each in names or ([number] if isinstance(number, int | float) else [])]


def _value_at(config: Any, path: list[str]) -> Any:
    for name in path:
        config = config.get(name) if isinstance(config, dict) else None
    return config
