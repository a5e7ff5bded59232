"""YAML text in; plain values, and the place of each, out.

The scalars are those of YAML 1.2, which people expect: `1e-3` is a number, `on` and `1:30` are words. Nothing
is ever constructed but None, booleans, numbers, strings, lists and mappings with strings as keys.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import yaml

from gdsim import errors
from gdsim.config.location import Document, Path, Problem, SourceLocation
from gdsim.errors import ConfigError

__all__ = ["MAX_BYTES", "dump", "parse"]

MAX_BYTES = 256 * 1024
MAX_NODES = 20_000
MAX_DEPTH = 32
MAX_DIGITS = 300


def parse(text: str, source: str, *, order: int = 0, at: Path = ()) -> Document:
    """Read YAML text.

    Args:
        text: One YAML document.
        source: What the text is called in errors: a file, or a `--set` option.
        order: 0 for a file, n for the nth `--set`.
        at: The path that the text's value will have.

    Raises:
        ConfigError: The text is no YAML, or holds more than a configuration can need.
    """

    def place(mark: yaml.Mark) -> SourceLocation:
        return SourceLocation(order, mark.line + 1, mark.column + 1, source)

    def refusal(mark: yaml.Mark, sentence: str) -> ConfigError:
        return ConfigError([errors.Problem(sentence, at, "syntax", location=place(mark))])

    beginning = yaml.Mark(source, 0, 0, 0, None, 0)
    try:
        if len(text.encode(errors="replace")) > MAX_BYTES:
            raise refusal(beginning, f"is larger than {MAX_BYTES // 1024} KiB, which no config needs to be")
        root = yaml.compose(text, _Loader)
        if root is None:
            values = {at: place(beginning)}
            return Document(None, values, {})
        reading = _Reading(place)
        value = reading.value(root, at)
    except _Refused as error:
        raise refusal(error.mark, error.sentence) from None
    except yaml.MarkedYAMLError as error:
        raise refusal(error.problem_mark or error.context_mark or beginning, _syntax(error, text)) from None
    except yaml.reader.ReaderError as error:
        mark = _mark(text, error.position)
        raise refusal(mark, f"the character U+{error.character:04X} cannot stand in a text file") from None
    except (ValueError, OverflowError):  # PyYAML leaves "\UFFFFFFFF" and `%YAML 1.<5,000 digits>` to Python
        raise refusal(beginning, "is no valid YAML: it holds an escape or a version that is out of range") from None
    return Document(value, reading.values, reading.keys, tuple(reading.problems), frozenset(reading.unread))


def dump(value: Any) -> str:
    """Return YAML text that `parse` reads as `value`."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100, default_flow_style=None)


CORE = "tag:yaml.org,2002:"
NULL, BOOL, INT, FLOAT, STR = (CORE + name for name in ("null", "bool", "int", "float", "str"))
SEQ, MAP, MERGE = (CORE + name for name in ("seq", "map", "merge"))


def _integer(text: str) -> int:
    base = {"0o": 8, "0x": 16}.get(text[:2], 10)
    return int(text[2:] if base != 10 else text, base)


def _float(text: str) -> float:
    return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))


@dataclass(frozen=True)
class _Scalar:
    """One kind of plain scalar of the YAML 1.2 core schema (section 10.3.2)."""

    pattern: re.Pattern[str]
    first: tuple[str, ...]  # the characters it can begin with; "" for none at all
    read: Callable[[str], Any]


SCALARS = {
    NULL: _Scalar(re.compile(r"(?:~|null|Null|NULL|)\Z"), ("~", "n", "N", ""), lambda _: None),
    BOOL: _Scalar(
        re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"),
        tuple("tTfF"),
        lambda text: text.lower() == "true",
    ),
    INT: _Scalar(re.compile(r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)\Z"), tuple("-+0123456789"), _integer),
    FLOAT: _Scalar(
        re.compile(
            r"""(?: [-+]? (?: \.[0-9]+ | [0-9]+ (?: \.[0-9]* )? ) (?: [eE] [-+]? [0-9]+ )?
                  | [-+]? \.(?: inf | Inf | INF )
                  | \.(?: nan | NaN | NAN ) )\Z""",
            re.VERBOSE,
        ),
        tuple("-+.0123456789"),
        _float,
    ),
}


class _Refused(Exception):  # noqa: N818  (it never leaves this file)
    """The text cannot be read any further."""

    def __init__(self, mark: yaml.Mark, sentence: str) -> None:
        super().__init__(sentence)
        self.mark = mark
        self.sentence = sentence


class _Loader(yaml.SafeLoader):
    """A loader of its own, so that `yaml.SafeLoader` stays as others know it."""

    yaml_implicit_resolvers = {}  # noqa: RUF012  (the attribute that PyYAML reads)
    depth = 0
    nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Compose one node; stop before a hostile text has cost time or the stack."""
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
        self.nodes += 1
        self.depth += 1
        _check_size(self.nodes, self.depth, mark)
        node: yaml.Node | None = super().compose_node(parent, index)
        self.depth -= 1
        return node


class _Dumper(yaml.SafeDumper):
    """Quotes what `_Loader` would take for something else than a string."""

    yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        """Write shared values out each time."""
        return True

    def represent_text(self, text: str) -> yaml.Node:
        """Escape what YAML would take for a line break, or an editor for something else."""
        return self.represent_scalar(STR, text, style=None if text.isprintable() else '"')


for _tag, _scalar in SCALARS.items():
    _Loader.add_implicit_resolver(_tag, _scalar.pattern, list(_scalar.first))
_Loader.add_implicit_resolver(MERGE, re.compile(r"<<\Z"), ["<"])
_Dumper.add_representer(str, _Dumper.represent_text)


def _check_size(nodes: int, depth: int, mark: yaml.Mark) -> None:
    if nodes > MAX_NODES:
        raise _Refused(mark, f"holds more than {MAX_NODES} values when its aliases are written out; no config does")
    if depth > MAX_DEPTH:
        raise _Refused(mark, f"is nested deeper than {MAX_DEPTH} levels; no config is")


@dataclass
class _Reading:
    """Turns composed nodes into plain values and notes their places on the way."""

    place: Callable[[yaml.Mark], SourceLocation]
    values: dict[Path, SourceLocation] = field(default_factory=dict)
    keys: dict[Path, SourceLocation] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    unread: set[Path] = field(default_factory=set)
    nodes: int = 0
    open: list[yaml.Node] = field(default_factory=list)

    def value(self, node: yaml.Node, path: Path) -> Any:
        """Return the plain value of a node."""
        self.values[path] = self.place(node.start_mark)
        with self.inside(node):
            if isinstance(node, yaml.ScalarNode):
                return self.scalar(node, path)
            if isinstance(node, yaml.SequenceNode) and node.tag == SEQ:
                return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
            if isinstance(node, yaml.MappingNode) and node.tag == MAP:
                return self.mapping(node, path)
            return self.refuse_tag(node, path)

    @contextmanager
    def inside(self, node: yaml.Node) -> Iterator[None]:
        """Count a node each time that an alias repeats it, and notice when it is inside itself."""
        if any(node is outer for outer in self.open):
            raise _Refused(node.start_mark, "contains itself through an alias")
        self.nodes += 1
        self.open.append(node)
        _check_size(self.nodes, len(self.open), node.start_mark)
        yield
        self.open.pop()

    def scalar(self, node: yaml.ScalarNode, path: Path) -> Any:
        """Return what a scalar says."""
        text = node.value
        if node.tag in {STR, MERGE}:
            whole = _whole(text)
            return self.refuse(node, path, HALF) if whole is None else whole
        kind = SCALARS.get(node.tag)
        if kind is None:
            return self.refuse_tag(node, path)
        if not kind.pattern.match(text):
            return self.refuse(node, path, f"the tag {_short(node.tag)} does not fit '{text}'")
        if len(text) > MAX_DIGITS:
            return self.refuse(node, path, f"is a number of more than {MAX_DIGITS} characters")
        return kind.read(text)

    def mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        """Return a mapping; its keys are their text, so that a number can be a label."""
        mapping = {}
        for name, (key, value) in self.pairs(node, path).items():
            self.keys[*path, name] = self.place(key.start_mark)
            mapping[name] = self.value(value, (*path, name))
        return mapping

    def pairs(self, node: yaml.MappingNode, path: Path) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        """Return key and value by name: first a mapping's own, then what `<<` brings and it does not have."""
        pairs: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        merged: list[yaml.Node] = []
        for key, value in node.value:
            if key.tag == MERGE:
                merged += value.value if isinstance(value, yaml.SequenceNode) else [value]
            elif (name := self.name(key, path)) is None:
                continue
            elif name in pairs:
                first = pairs[name][0].start_mark.line + 1
                self.note(key, (*path, name), f"is given before, in line {first}; keep one of the two")
            else:
                pairs[name] = key, value
        for other in merged:
            pairs = self.merged(other, path) | pairs
        return pairs

    def name(self, key: yaml.Node, path: Path) -> str | None:
        """Return the text of a key, or None for what can be no key."""
        if not isinstance(key, yaml.ScalarNode) or key.tag not in {STR, *SCALARS}:
            self.note(key, path, "a key must be a word or a number")
            return None
        name = _whole(key.value)
        if name is None:
            self.note(key, path, f"a key {HALF}")
        return name

    def merged(self, node: yaml.Node, path: Path) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        """Return the pairs of a mapping that `<<` names."""
        if not isinstance(node, yaml.MappingNode):
            self.note(node, path, "'<<' takes a mapping, or a list of mappings")
            return {}
        with self.inside(node):
            return self.pairs(node, path)

    def note(self, node: yaml.Node, path: Path, sentence: str) -> None:
        """Keep a mistake with the place of the node that it is about."""
        self.problems.append(Problem(path, sentence, place=self.place(node.start_mark)))

    def refuse(self, node: yaml.Node, path: Path, sentence: str) -> None:
        """Note that a value cannot be read; it stands as None."""
        self.note(node, path, sentence)
        self.unread.add(path)

    def refuse_tag(self, node: yaml.Node, path: Path) -> None:
        """Note that a tag asks for something else than a plain value."""
        self.refuse(node, path, f"the tag {_short(node.tag)} is not allowed; a config holds plain values only")


HALF = "holds half of a surrogate pair, which is no character"


def _whole(text: str) -> str | None:
    """Join surrogate pairs, by which JSON escapes what lies beyond U+FFFF; None if one half is alone."""
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        return None


def _short(tag: str) -> str:
    return tag.replace(CORE, "!!")


INDENTED = "this line is indented otherwise than those it belongs with; they must all begin in the same column"


def _syntax(error: yaml.MarkedYAMLError, text: str) -> str:
    if _is_misplaced(error, text):
        return f"is no valid YAML: {INDENTED}"
    what = (error.problem or error.context or "it cannot be read").replace("'<stream end>'", "the end of the text")
    begun = error.context_mark
    since = f" ({error.context} that begins in line {begun.line + 1})" if error.problem and begun else ""
    tabs = "; indent with spaces, not tabs" if "\\t" in what else ""
    quotes = "; put text with a question mark in quotes" if "got '?'" in what else ""
    return f"is no valid YAML: {what}{since}{tabs}{quotes}"


def _is_misplaced(error: yaml.MarkedYAMLError, text: str) -> bool:
    """Return whether a line begins in a column where none like it can begin."""
    what, mark = error.problem or "", error.problem_mark
    if mark is None:
        return False
    before = text.splitlines()[mark.line][: mark.column] if mark.line < len(text.splitlines()) else ""
    if what == "mapping values are not allowed here":
        # The first colon of a line that is indented: what comes before has been read as more of the line above.
        return before[:1] == " " and ":" not in before
    begins_lines = what.endswith(("found '<block mapping start>'", "found '<block sequence start>'", "found '-'"))
    return begins_lines and not before.strip() and mark.line > 0


def _mark(text: str, position: int) -> yaml.Mark:
    before = text[:position]
    return yaml.Mark("", position, before.count("\n"), position - before.rfind("\n") - 1, None, 0)
