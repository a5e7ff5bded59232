"""What a shell offers at the Tab key for the values of arguments and options.

Packages are imported where they are used, because each press of the key starts a process. Typer drops what does not
begin with the word that is completed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import typer

from gdsim.errors import GdsimError

YAML = (".yaml", ".yml")
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
        return sorted(str(path) for path in found if path.suffix in suffixes)

    return complete


def complete_setting(incomplete: str) -> list[str]:
    """Complete `--set KEY=VALUE`: the next part of the key, and what follows as long as there is only one choice.

    Labels of optimizers, and numbers, are those of the config in the command line.
    """
    from gdsim.config import schema

    full = schema()
    place = _Place("", full, _read_config(), full["definitions"])
    key, sign, _ = incomplete.partition("=")
    for part in key.split(".")[:-1]:
        place = place.below().get(part, _Place("", {}, None, {}))
    choices = {word: each for word, each in place.words() if word.startswith(f"{key}=" if sign else key)}
    while len(choices) == 1 and (word := next(iter(choices)))[-1] in ".=":
        place = choices[word]
        following = dict(place.words()) if word[-1] == "." else dict.fromkeys(place.values(), place)
        if not following:
            break
        choices = following
    return [*choices]


def _read_config() -> Any:
    """Return the plain values of the first YAML file in the command line."""
    from gdsim.config.yaml_text import parse

    # The parser drops all arguments of a line that ends in an option without its value.
    line = os.environ.get("COMP_WORDS") or os.environ.get("_TYPER_COMPLETE_ARGS", "")
    for path in map(Path, line.split()):
        if path.suffix in YAML:
            with suppress(GdsimError, OSError, ValueError):
                return parse(path.read_text(encoding="utf-8"), str(path)).value
    return None


@dataclass(frozen=True)
class _Place:
    """A place in a config.

    Attributes:
        key: Its dotted key.
        schema: The JSON Schema of its value.
        value: Its plain value in the user's config, if it has one.
        definitions: The schemas that others refer to.
    """

    key: str
    schema: Any
    value: Any
    definitions: Any

    def below(self) -> dict[str, _Place]:
        """Return the places below by name."""
        values = self.value if isinstance(self.value, dict) else {}
        found: dict[str, Any] = {}
        for schema in self._alternatives():
            if isinstance(labelled := schema.get("additionalProperties"), dict):
                found |= {label: labelled for label in values if PLAIN_LABEL.fullmatch(label)}
            found |= schema.get("properties", {})
        if re.fullmatch("optimizers[.][^.]+", self.key):
            from gdsim.config.signatures import optimizers

            known = optimizers()
            own = known.get(str(values.get("class", self.key.partition(".")[2])))
            if own is not None:
                others = {name for each in known.values() for name in each.arguments} - own.arguments.keys()
                found = {name: each for name, each in found.items() if name not in others}
        start = f"{self.key}." if self.key else ""
        return {name: _Place(start + name, each, values.get(name), self.definitions) for name, each in found.items()}

    def words(self) -> Iterator[tuple[str, _Place]]:
        """Yield what may follow a dotted key: sections, which end in a dot, and keys of values, which end in `=`."""
        for place in self.below().values():
            if place.below():
                yield f"{place.key}.", place
            if any(each.get("type") not in ("object", "null") for each in place._alternatives()):
                yield f"{place.key}=", place

    def values(self) -> list[str]:
        """Return the key with each value that has a name, or with the number that is there."""
        names: list[Any] = [name for schema in self._alternatives() for name in _names(schema)]
        number = self.schema.get("default") if self.value is None else self.value
        return [f"{self.key}={each}" for each in names or ([number] if isinstance(number, int | float) else [])]

    def _alternatives(self) -> Iterator[Any]:
        """Yield the schemas of which the value fulfils one, without references."""
        stack = [self.schema]
        while stack:
            schema = stack.pop(0)
            if "$ref" in schema:
                stack.insert(0, self.definitions[schema["$ref"].rpartition("/")[2]])
            elif "anyOf" in schema:
                stack = schema["anyOf"] + stack
            else:
                yield schema


def _names(schema: Any) -> list[Any]:
    return ["true", "false"] if schema.get("type") == "boolean" else schema.get("enum", [])
