"""YAML text to plain values, each with its location, and back.

The scalars are those of YAML 1.2: `1e-3` is a number, `on` and `1:30` are text. The only types are None, booleans,
numbers, strings, lists, and mappings with string keys.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from gdsim.config.objective import by_form
from gdsim.errors import Code, ConfigError, InputError, Key, Problem, SourceLocation, printable

MAX_BYTES = 256 * 1024
MAX_NODES = 20_000
MAX_DEPTH = 32
MAX_DIGITS = 250  # any number of these fits into a float, hexadecimal ones too

TOO_LARGE = f"is larger than {MAX_BYTES // 1024} KiB, the limit for a config"
HALF_CHARACTER = "contains half of a surrogate pair, which is not a character"
WRONG_INDENT = "the indentation of this line does not match; lines that belong together start in the same column"

FLOW_STARTS = (yaml.FlowMappingStartToken, yaml.FlowSequenceStartToken)
FLOW_ENDS = (yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken)
STR, SEQ, MAP, MERGE = (f"tag:yaml.org,2002:{name}" for name in ("str", "seq", "map", "merge"))


@dataclass
class Document:
    """Plain values with their locations.

    Attributes:
        value: The value of the whole text.
        locations: The location of each value, and of each key of a mapping: those have True beside the key.
        problems: Mistakes that did not prevent reading the rest: a key given twice, a tag.
    """

    value: Any = None
    locations: dict[tuple[Key, bool], SourceLocation] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def error(self, problems: Iterable[Problem]) -> ConfigError:
        """Return all problems as one error, each with its location, in the order of the locations."""
        located = (replace(each, location=each.location or self._locate(each)) for each in problems)
        return ConfigError(sorted(located, key=lambda each: (each.location, str(each))))

    def _locate(self, problem: Problem) -> SourceLocation:
        """Return the most precise location that is known for a problem."""
        above = [(problem.key[:length], False) for length in range(len(problem.key), -1, -1)]
        choices = [(problem.key, True), *above] if problem.at_key else above
        return next(self.locations[each] for each in choices if each in self.locations)


def parse(text: str, source: str) -> Document:
    """Read one YAML document.

    Raises:
        ConfigError: The text is not YAML, or exceeds a limit.
    """
    document = Document()
    document.value = Reader(document, source).read(text, ())
    return document


def dump(value: Any) -> str:
    """Return YAML text that `parse` reads as `value`."""
    return yaml.dump(value, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=100, default_flow_style=None)


def override(document: Document, overrides: Mapping[str, str]) -> None:
    """Apply each `KEY=VALUE` to a document; missing mappings above a key are created, and null removes an optimizer.

    Each override comes with what the user has written, which errors name.

    Raises:
        InputError: An override is not `KEY=VALUE`, or its value is not YAML, or its key leads through a plain value.
    """
    for order, (text, source) in enumerate(overrides.items(), start=1):
        dotted, equals, value = text.partition("=")
        if not equals or not all(dotted.split(".")):
            message = f"{printable(source)}: must be KEY=VALUE with a dotted key, such as optimizers.Adam.lr=0.1"
            raise InputError(message, code="syntax")
        if dotted.count(".") > MAX_DEPTH:
            raise InputError(f"--set: the key is nested deeper than {MAX_DEPTH} levels", code="too-large")
        _put(document, dotted.split("."), value, Reader(document, source, order))


def _put(document: Document, parts: list[str], text: str, reader: Reader) -> None:
    root, location = [document.value], reader.location()
    # The value that the key leads to so far is parent[part].
    parent: Any = root
    part: str | int = 0
    key: Key = ()
    is_new = False
    while parts:
        parent[part] = value = as_mapping(parent[part], key)
        if isinstance(value, dict):
            # A label may itself contain dots.
            names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
            part = next((name for name in names if name in value), parts[0])
            is_new = part not in value
            value.setdefault(part)
            del parts[: part.count(".") + 1]
        elif isinstance(value, list) and parts[0].isdecimal() and int(parts[0][:9]) < len(value):
            part = int(parts.pop(0)[:9])
        else:
            kind = f"a list of {len(value)} items, numbered from 0" if isinstance(value, list) else "a single value"
            message = f"{'.'.join(map(str, key)) or 'the config'} is {kind}, so it has no '{parts[0]}'"
            raise document.error([Problem(message, (*key, *parts), location=location)])
        parent, key = value, (*key, part)
        document.locations.setdefault((key, True), location)
        document.locations.setdefault((key, False), location)
    for replaced in [each for each in document.locations if each[0][: len(key)] == key and each != (key, True)]:
        del document.locations[replaced]
    parent[part] = reader.read(_quoted(text, key), key)
    if parent[part] is None and key[:-1] == ("optimizers",):  # in a file, null is an optimizer without arguments
        if is_new:
            message = f"there is no '{part}' to remove; optimizers.{part}={{}} adds one without arguments"
            raise document.error([Problem(message, key, "unknown-name", location=location)])
        del parent[part]
    (document.value,) = root


def _quoted(text: str, key: Key) -> str:
    """Return the YAML of an override: quoted if the text has a `#`, or if its key takes nothing but text."""
    from gdsim.config.messages import takes_text  # which imports the models, and they this module

    comment = re.search(r"(^|\s)#", text) and text.lstrip()[:1] not in ("'", '"', "[", "{")
    return json.dumps(text) if comment or (not _is_scalar(text) and takes_text(key)) else text


def _is_scalar(text: str) -> bool:
    try:
        node = _compose(text)
    except _FatalError:
        return False
    return node is None or node.tag in {STR, *SCALARS}


SHORTHANDS = {"data": "name", "theme": "base", "rest": "class", "schedule": "class"}
"""What a bare name below a key is short for: `schedule: StepLR` means `schedule: {class: StepLR}`."""


def as_mapping(value: Any, key: Key) -> Any:
    """Return the mapping that a bare name or nothing is short for."""
    name = next((part for part in reversed(key) if isinstance(part, str)), "")
    if isinstance(value, str) and name == "objective":
        return by_form(value)
    if isinstance(value, str) and name in SHORTHANDS:
        return {SHORTHANDS[name]: value}
    return {} if value is None else value


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


class Loader(yaml.SafeLoader):
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


class Dumper(yaml.SafeDumper):
    """Quotes text that `Loader` would read as something else."""

    yaml_implicit_resolvers = RESOLVERS

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        """Write shared values out each time."""
        return True

    def represent_text(self, text: str) -> yaml.Node:
        """Escape whatever YAML or an editor could take for a line break."""
        return self.represent_scalar(STR, text, style=None if text.isprintable() else '"')


Dumper.add_representer(str, Dumper.represent_text)


def _check_size(nodes: int, depth: int, mark: yaml.Mark) -> None:
    if nodes > MAX_NODES:
        raise _FatalError(f"contains more than {MAX_NODES} values, aliases expanded", mark, "too-large")
    if depth > MAX_DEPTH:
        raise _FatalError(f"is nested deeper than {MAX_DEPTH} levels", mark, "too-large")


@dataclass
class Reader:
    """Reads one text into a document: the file (order 0), or the value of the nth override."""

    document: Document
    source: str
    order: int = 0
    nodes: int = 0
    open: list[yaml.Node] = field(default_factory=list)

    def read(self, text: str, key: Key) -> Any:
        """Return the value of a text, which belongs at a key."""
        self.document.locations[key, False] = self.location()
        try:
            if len(text.encode(errors="replace")) > MAX_BYTES:
                raise _FatalError(TOO_LARGE, None, "too-large")
            root = _compose(text)
            return None if root is None else self.value(root, key)
        except _FatalError as error:
            message, mark, code = error.args
            raise ConfigError([Problem(message, key, code, location=self.location(mark))]) from None

    def location(self, mark: yaml.Mark | None = None) -> SourceLocation:
        """Return the location of a mark, by default the beginning of the text."""
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        return SourceLocation(self.order, line, column, self.source)

    def value(self, node: yaml.Node, key: Key) -> Any:
        """Return the plain value of a node; None and a problem if it cannot be read."""
        self.document.locations[key, False] = self.location(node.start_mark)
        with self.entered(node):
            if isinstance(node, yaml.SequenceNode) and node.tag == SEQ:
                return [self.value(item, (*key, index)) for index, item in enumerate(node.value)]
            if isinstance(node, yaml.MappingNode) and node.tag == MAP:
                mapping = {}
                for name, (name_node, value) in self.pairs(node, key).items():
                    self.document.locations[(*key, name), True] = self.location(name_node.start_mark)
                    mapping[name] = self.value(value, (*key, name))
                return mapping
            try:
                return _scalar(node)
            except ValueError as error:
                self.report(node, key, str(error))
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
        """Add a problem at a node."""
        self.document.problems.append(Problem(message, key, code, location=self.location(node.start_mark)))


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
        return yaml.compose(text, Loader)
    except yaml.MarkedYAMLError as error:
        if (bracket := _unclosed(text)) is not None:
            message = f"is not valid YAML: this {text[bracket.index]} is never closed{_comment_hint(text)}"
            raise _FatalError(message, bracket, "syntax") from None
        raise _FatalError(f"is not valid YAML: {_syntax(error, text)}", error.problem_mark, "syntax") from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        mark = yaml.Mark("", 0, before.count("\n"), len(before) - before.rfind("\n") - 1, None, 0)
        message = f"the character U+{error.character:04X} is not allowed in a text file"
        raise _FatalError(message, mark, "syntax") from None
    except (ValueError, OverflowError):  # PyYAML leaves "\UFFFFFFFF" and `%YAML 1.<5,000 digits>` to Python
        raise _FatalError("is not valid YAML: an escape or a version is out of range", None, "syntax") from None


def _unclosed(text: str) -> yaml.Mark | None:
    """Return the mark of a bracket or quotation mark that is never closed, or None.

    PyYAML reports the line after it that cannot belong to it.
    """
    opened: list[yaml.Token] = []
    try:
        for token in yaml.scan(text, Loader):
            if isinstance(token, FLOW_STARTS):
                opened.append(token)
            elif isinstance(token, FLOW_ENDS):
                if not opened or FLOW_ENDS.index(type(token)) != FLOW_STARTS.index(type(opened[-1])):
                    break
                opened.pop()
            if len(opened) > MAX_DEPTH:
                return None
    except yaml.MarkedYAMLError as error:
        return error.context_mark if error.context == "while scanning a quoted scalar" else None
    return opened[-1].start_mark if opened else None


def _syntax(error: yaml.MarkedYAMLError, text: str) -> str:
    problem, mark, begin = str(error.problem), error.problem_mark, error.context_mark
    before = [*text.splitlines(), ""][mark.line][: mark.column] if mark else ""
    starts_line = problem.endswith(("found '<block mapping start>'", "found '<block sequence start>'", "found '-'"))
    continues = problem == "mapping values are not allowed here" and before[:1] == " " and ":" not in before
    if continues or (starts_line and not before.strip()):
        return WRONG_INDENT
    context = f" ({error.context} that starts in line {begin.line + 1})" if begin else ""
    hint = "; indent with spaces, not tabs" if "\\t" in problem else ""
    if problem.startswith("mapping values") and ":" in before:
        hint = "; quote text that contains a colon"
    if problem.endswith("got ':'"):
        hint = "; a comma is missing before the key, or quotation marks around text that contains a colon"
    if begin:
        hint = _comment_hint(text) or hint
    return problem + context + hint


def _comment_hint(text: str) -> str:
    is_color = re.search(r"\s#[0-9a-fA-F]{3}", text)
    return "; '#' begins a comment: quote a colour, as in '#00aa00'" if is_color else ""
