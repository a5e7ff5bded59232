"""YAML text to plain values, each with its location, and back.

The scalars are those of YAML 1.2: `1e-3` is a number, `on` and `1:30` are text. The only types are None, booleans,
numbers, strings, lists, and mappings with string keys.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from gdsim.errors import Code, ConfigError, InputError, Key, Problem, SourceLocation, printable

MAX_BYTES = 256 * 1024
MAX_NODES = 20_000
MAX_DEPTH = 32
MAX_DIGITS = 250  # any number of these fits into a float, hexadecimal ones too

TOO_LARGE = f"is larger than {MAX_BYTES // 1024} KiB, the limit for a config"
HALF_CHARACTER = "contains half of a surrogate pair, which is not a character"
WRONG_INDENT = "the indentation of this line does not match; lines that belong together start in the same column"

STR, SEQ, MAP, MERGE = (f"tag:yaml.org,2002:{name}" for name in ("str", "seq", "map", "merge"))


@dataclass(frozen=True)
class Document:
    """Plain values with their locations.

    Attributes:
        value: The value of the whole text.
        locations: The location of each value, and of each key of a mapping: those have True beside the key.
        problems: Mistakes that did not prevent reading the rest: a key given twice, a tag.
        unread: The values that are None because they could not be read.
    """

    value: Any
    locations: Mapping[tuple[Key, bool], SourceLocation]
    problems: tuple[Problem, ...] = ()
    unread: frozenset[Key] = frozenset()

    def error(self, problems: Iterable[Problem]) -> ConfigError:
        """Return all problems as one error, each with its location, in the order of the locations."""
        located = (replace(each, location=each.location or self._locate(each)) for each in problems)
        return ConfigError(sorted(located, key=lambda each: (each.location, str(each))))

    def _locate(self, problem: Problem) -> SourceLocation:
        """Return the most precise location that is known for a problem."""
        above = [(problem.key[:length], False) for length in range(len(problem.key), -1, -1)]
        choices = [(problem.key, True), *above] if problem.at_key else above
        return next(self.locations[each] for each in choices if each in self.locations)


def parse(text: str, source: str, *, order: int = 0, at: Key = ()) -> Document:
    """Read one YAML document: a file (order 0), or the value of the nth override, which belongs at a key.

    Raises:
        ConfigError: The text is not YAML, or exceeds a limit.
    """
    reader = _Reader(source, order)
    try:
        if len(text.encode(errors="replace")) > MAX_BYTES:
            raise _FatalError(TOO_LARGE, _mark(text, 0), "too-large")
        root = _compose(text)
        value = None if root is None else reader.value(root, at)
    except _FatalError as error:
        message, mark, code = error.args
        raise ConfigError([Problem(message, at, code, location=reader.location(mark))]) from None
    reader.locations.setdefault((at, False), reader.location(_mark(text, 0)))
    return Document(value, reader.locations, tuple(reader.problems), frozenset(reader.unread))


def dump(value: Any) -> str:
    """Return YAML text that `parse` reads as `value`."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100, default_flow_style=None)


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
    locations = {
        (each, of_key): at
        for (each, of_key), at in document.locations.items()
        if each[: len(key)] != key or (of_key and each == key)
    }
    for length in range(1, len(key) + 1):
        locations.setdefault((key[:length], True), location)
        locations.setdefault((key[:length], False), location)
    try:
        value = _with_value(document.value, key, given.value, ())
    except LookupError as error:
        raise document.error([Problem(str(error.args[0]), key, location=location)]) from None
    return replace(
        document,
        value=value,
        locations=locations | dict(given.locations),
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


def _integer(text: str) -> int:
    base = {"0o": 8, "0x": 16}.get(text[:2], 10)
    return int(text[2:] if base != 10 else text, base)


SCALARS: dict[str, tuple[re.Pattern[str], Callable[[str], Any]]] = {
    "tag:yaml.org,2002:null": (re.compile(r"(?:~|null|Null|NULL|)\Z"), lambda _: None),
    "tag:yaml.org,2002:bool": (
        re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"),
        lambda text: text.lower() == "true",
    ),
    "tag:yaml.org,2002:int": (re.compile(r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)\Z"), _integer),
    "tag:yaml.org,2002:float": (
        re.compile(
            r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
            r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z"
        ),
        lambda text: float(text.lower().replace(".inf", "inf").replace(".nan", "nan")),
    ),
}
"""The plain scalars of the YAML 1.2 core schema (section 10.3.2): pattern and conversion."""

RESOLVERS = {None: [(MERGE, re.compile(r"<<\Z")), *((tag, pattern) for tag, (pattern, _) in SCALARS.items())]}
"""PyYAML's form of these patterns; None stands for any first character."""


class _FatalError(Exception):
    """The text cannot be read any further; the arguments are the message, the mark and the code."""


class _Loader(yaml.SafeLoader):
    """A loader of its own, so that `yaml.SafeLoader` is not changed."""

    yaml_implicit_resolvers = RESOLVERS
    depth = 0
    nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Compose one node; stop before a hostile text has cost time or stack."""
        self.nodes += 1
        self.depth += 1
        _check_size(self.nodes, self.depth, self.peek_event().start_mark)  # type: ignore[no-untyped-call]
        node: yaml.Node | None = super().compose_node(parent, index)
        self.depth -= 1
        if isinstance(node, yaml.ScalarNode):
            try:  # JSON escapes characters beyond U+FFFF as two surrogates
                node.value = node.value.encode("utf-16", "surrogatepass").decode("utf-16")
            except UnicodeDecodeError:
                raise _FatalError(HALF_CHARACTER, node.start_mark, "syntax") from None
        return node


class _Dumper(yaml.SafeDumper):
    """Quotes text that `_Loader` would read as something else."""

    yaml_implicit_resolvers = RESOLVERS

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        """Write shared values out each time."""
        return True

    def represent_text(self, text: str) -> yaml.Node:
        """Escape whatever YAML or an editor could take for a line break."""
        return self.represent_scalar(STR, text, style=None if text.isprintable() else '"')


_Dumper.add_representer(str, _Dumper.represent_text)


def _check_size(nodes: int, depth: int, mark: yaml.Mark) -> None:
    if nodes > MAX_NODES:
        raise _FatalError(f"contains more than {MAX_NODES} values, aliases expanded", mark, "too-large")
    if depth > MAX_DEPTH:
        raise _FatalError(f"is nested deeper than {MAX_DEPTH} levels", mark, "too-large")


@dataclass
class _Reader:
    """Turns composed nodes into plain values and keeps their locations."""

    source: str
    order: int
    locations: dict[tuple[Key, bool], SourceLocation] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    unread: set[Key] = field(default_factory=set)
    nodes: int = 0
    open: list[yaml.Node] = field(default_factory=list)

    def location(self, mark: yaml.Mark) -> SourceLocation:
        return SourceLocation(self.order, mark.line + 1, mark.column + 1, self.source)

    def value(self, node: yaml.Node, key: Key) -> Any:
        """Return the plain value of a node; None and a problem if it cannot be read."""
        self.locations[key, False] = self.location(node.start_mark)
        with self.entered(node):
            if isinstance(node, yaml.SequenceNode) and node.tag == SEQ:
                return [self.value(item, (*key, index)) for index, item in enumerate(node.value)]
            if isinstance(node, yaml.MappingNode) and node.tag == MAP:
                mapping = {}
                for name, (name_node, value) in self.pairs(node, key).items():
                    self.locations[(*key, name), True] = self.location(name_node.start_mark)
                    mapping[name] = self.value(value, (*key, name))
                return mapping
            try:
                return _scalar(node)
            except ValueError as error:
                self.report(node, key, str(error))
                self.unread.add(key)
                return None

    @contextmanager
    def entered(self, node: yaml.Node) -> Iterator[None]:
        """Count a node each time that an alias repeats it, and refuse one that contains itself."""
        if any(node is outer for outer in self.open):
            raise _FatalError("contains itself through an alias", node.start_mark, "syntax")
        self.nodes += 1
        self.open.append(node)
        _check_size(self.nodes, len(self.open), node.start_mark)
        yield
        self.open.pop()

    def pairs(self, node: yaml.MappingNode, key: Key) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        """Return key and value by name: first those of a mapping itself, then what `<<` adds to it."""
        pairs: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        merged: list[yaml.Node] = []
        for name_node, value in node.value:
            if name_node.tag == MERGE:
                merged += value.value if isinstance(value, yaml.SequenceNode) else [value]
            elif not isinstance(name_node, yaml.ScalarNode) or name_node.tag not in {STR, *SCALARS}:
                self.report(name_node, key, "a key must be text or a number")
            elif (name := name_node.value) in pairs:
                message = f"is already given in line {pairs[name][0].start_mark.line + 1}; keep one of the two"
                self.report(name_node, (*key, name), message, "duplicate")
            else:
                pairs[name] = name_node, value
        for other in merged:
            if isinstance(other, yaml.MappingNode):
                with self.entered(other):
                    pairs = self.pairs(other, key) | pairs
            else:
                self.report(other, key, "'<<' takes a mapping, or a list of mappings")
        return pairs

    def report(self, node: yaml.Node, key: Key, message: str, code: Code = "syntax") -> None:
        self.problems.append(Problem(message, key, code, location=self.location(node.start_mark)))


def _scalar(node: yaml.Node) -> Any:
    """Return the value of a scalar; a ValueError says what is wrong with it."""
    tag = node.tag.replace("tag:yaml.org,2002:", "!!")
    if not isinstance(node, yaml.ScalarNode) or node.tag not in {STR, MERGE, *SCALARS}:
        raise ValueError(f"the tag {tag} is not allowed; a config contains plain values only")
    if node.tag in {STR, MERGE}:
        return node.value
    pattern, convert = SCALARS[node.tag]
    if not pattern.match(node.value):
        raise ValueError(f"the tag {tag} does not fit '{node.value}'")
    if len(node.value) > MAX_DIGITS:
        raise ValueError(f"is a number of more than {MAX_DIGITS} characters")
    return convert(node.value)


def _compose(text: str) -> yaml.Node | None:
    """Return the root node, None for an empty text; PyYAML's errors become sentences."""
    try:
        return yaml.compose(text, _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark or _mark(text, 0)
        raise _FatalError(f"is not valid YAML: {_syntax(error, text)}", mark, "syntax") from None
    except yaml.reader.ReaderError as error:
        message = f"the character U+{error.character:04X} is not allowed in a text file"
        raise _FatalError(message, _mark(text, error.position), "syntax") from None
    except (ValueError, OverflowError):  # PyYAML leaves "\UFFFFFFFF" and `%YAML 1.<5,000 digits>` to Python
        message = "is not valid YAML: an escape or a version is out of range"
        raise _FatalError(message, _mark(text, 0), "syntax") from None


def _syntax(error: yaml.MarkedYAMLError, text: str) -> str:
    problem, mark, begin = error.problem or error.context or "it cannot be read", error.problem_mark, error.context_mark
    before = text.splitlines()[mark.line][: mark.column] if mark and mark.line < len(text.splitlines()) else ""
    starts_line = problem.endswith(("found '<block mapping start>'", "found '<block sequence start>'", "found '-'"))
    continues = problem == "mapping values are not allowed here" and before[:1] == " " and ":" not in before
    if continues or (starts_line and not before.strip()):
        return WRONG_INDENT
    context = f" ({error.context} that starts in line {begin.line + 1})" if error.problem and begin else ""
    tabs = "; indent with spaces, not tabs" if "\\t" in problem else ""
    quotes = "; put text with a question mark in quotes" if "got '?'" in problem else ""
    return problem.replace("'<stream end>'", "the end of the text") + context + tabs + quotes


def _mark(text: str, position: int) -> yaml.Mark:
    before = text[:position]
    return yaml.Mark("", position, before.count("\n"), position - before.rfind("\n") - 1, None, 0)
