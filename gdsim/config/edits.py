"""Edits of YAML text that leave everything else as it is: comments, order, quotation marks and indentation."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from itertools import groupby, pairwise
from math import inf
from typing import Any

import yaml

from gdsim.config.yaml_text import MERGE, Document, Dumper, Loader, Reader, as_mapping, dump, parse
from gdsim.errors import ConfigError, InputError, Key

Replacement = tuple[int, int, str]
"""The indices of the first and after the last replaced character, and the new text."""

END_OF_LINE = re.compile(r"(?=\r?\n)|\Z")


def edit(text: str, edits: Sequence[Mapping[str, Any]], *, check: Callable[[], object] = lambda: None) -> str:
    """Return YAML text with edits, made one after the other.

    Args:
        text: The YAML.
        edits: Each has a `path` of keys and indices, and either a new `value`, which is created with the mappings
            above it if it is missing, or the same as `yaml` text; or `rename`, the new name of the last key; or
            `remove: True`.
        check: Called before each change of the text; may raise to end the work.

    Raises:
        ConfigError: The text is not YAML.
        InputError: The path leads through a plain value, or the new name is already in use.
    """
    # The values that follow each other are merged into the text together. Removed and renamed keys are merged by
    # themselves, because that keeps more of the text.
    for _, group in groupby(edits, lambda each: id(each) if {"rename", "remove"} & each.keys() else None):
        check()
        several = [*group]
        value = parse(text, "<text>").value
        wanted = edited(value, several)
        candidates = (make(text, value, wanted) for make in (_merged, _merged_without_aliases, _rewritten))
        found = next((candidate for candidate in candidates if _reads_as(candidate, wanted)), None)
        if found is None:
            raise InputError("a config cannot hold this value", tuple(several[0]["path"]))
        text = found
    return text


def edited(root: Any, edits: Iterable[Mapping[str, Any]]) -> Any:
    """Return plain values with edits; the given ones do not change."""
    holder: Any = [deepcopy(root)]
    for each in edits:
        _put(holder, each)
    return holder[0]


def _put(holder: Any, edit: Mapping[str, Any]) -> None:
    """Make one edit of the only item of a list."""
    path: Key = tuple(edit["path"])
    part: str | int
    parent, part, above = holder, 0, path[:0]
    for name in path:
        parent[part] = inner = as_mapping(parent[part], above)
        fits = isinstance(inner, dict if isinstance(name, str) else list)
        if not fits or (isinstance(name, int) and not 0 <= name <= len(inner)):
            raise InputError(f"{'.'.join(map(str, above)) or 'the config'} has no '{name}'", path, code="unknown-key")
        if isinstance(inner, dict):
            inner.setdefault(name)
        elif name == len(inner):
            inner.append(None)
        parent, part, above = inner, name, (*above, name)
    if "rename" in edit:
        new = edit["rename"]
        if new != part and new in parent:
            raise InputError(f"'{new}' is already in use", path, code="duplicate")
        items = [*parent.items()]
        parent.clear()
        parent |= {new if name == part else name: value for name, value in items}
    elif edit.get("remove"):
        del parent[part]
    else:
        parent[part] = parse(edit["yaml"], "<value>").value if "yaml" in edit else deepcopy(edit["value"])


def _merged(text: str, old: Any, new: Any) -> str:
    root = yaml.compose(text, Loader)
    if root is None:
        return "\n".join([*text.splitlines(), *(_entry(*item) for item in new.items()), ""])
    for start, end, replacement in sorted(_Merge(text).replacements(root, old, new), reverse=True):
        text = text[:start] + replacement + text[end:]
    return text


def _merged_without_aliases(text: str, old: Any, new: Any) -> str:
    """Write the values of aliases in their places first, so that each can be edited by itself."""
    loader = _AliasLoader(text)
    loader.get_single_node()
    for start, end, node in sorted(loader.aliases, key=lambda alias: alias[0], reverse=True):
        text = text[:start] + _written(Reader(Document(), "").value(node, ())) + text[end:]
    return _merged(text, old, new)


def _rewritten(text: str, old: Any, new: Any) -> str:  # noqa: ARG001
    return dump(new)


def _reads_as(text: str, wanted: Any) -> bool:
    try:
        return _same(parse(text, "").value, wanted)
    except ConfigError:
        return False


def _same(one: Any, other: Any) -> bool:
    """Return whether plain values are equal, types included; the order of keys does not matter."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


class _AliasLoader(Loader):
    """Collects the first and last index of each alias, and the node that it stands for."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.aliases: list[tuple[int, int, yaml.Node]] = []

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        node = super().compose_node(parent, index)
        if isinstance(event, yaml.AliasEvent) and node is not None:
            self.aliases.append((event.start_mark.index, event.end_mark.index, node))  # type: ignore[union-attr]
        return node


class _Merge:
    """Finds the replacements in a text that change its values from old to new."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.newline = "\r\n" if "\r\n" in text else "\n"

    def replacements(self, node: yaml.Node, old: Any, new: Any) -> Iterator[Replacement]:
        if _same(old, new):
            return
        if isinstance(node, yaml.MappingNode) and isinstance(new, dict):
            yield from self.of_mapping(node, old, new) or [self.whole(node, new)]
        elif isinstance(node, yaml.SequenceNode) and isinstance(new, list):
            yield from self.of_sequence(node, old, new) or [self.whole(node, new)]
        else:
            yield self.whole(node, new)

    def of_mapping(self, node: yaml.MappingNode, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Replacement]:
        """Return the replacements within a mapping; none if it has to be replaced as a whole."""
        own = {name.value: (name, value) for name, value in reversed(node.value) if name.tag != MERGE}
        removed, added = [each for each in old if each not in new], [each for each in new if each not in old]
        if len(removed) == len(added) == 1 and _renamed(old, *removed, *added) == [*new.items()] and removed[0] in own:
            name, _ = own[removed[0]]
            return [(name.start_mark.index, name.end_mark.index, _written(added[0]))]
        changed = [each for each in old if each in new and not _same(old[each], new[each])]
        added = [each for each in changed if each not in own] + added
        found: list[Replacement] = []
        for name in own.keys() & set(changed):
            found += self.of_value(*own[name], old[name], new[name])
        spans = [(name.start_mark.index, self.end(value)) for name, value in node.value]
        gone = [i for i, (name, _) in enumerate(node.value) if name.value in removed]
        if len(gone) != len(removed):
            return []
        entries = [_entry(name, new[name]) for name in added]
        return self.with_entries(node, found, spans, gone, entries)

    def of_value(self, name: yaml.Node, value: yaml.Node, old: Any, new: Any) -> Iterator[Replacement]:
        start, end = name.end_mark.index, value.start_mark.index
        if old is None and ":" not in self.text[start:end]:  # in {SGD, Adam}
            yield start, start, f": {_written(new)}"
        else:
            yield from self.replacements(value, old, new)

    def of_sequence(self, node: yaml.SequenceNode, old: Sequence[Any], new: Sequence[Any]) -> list[Replacement]:
        """Return the replacements within a list; none if it has to be replaced as a whole."""
        shorter = min(len(old), len(new))
        before = next((i for i in range(shorter) if not _same(old[i], new[i])), shorter)
        after = next((i for i in range(shorter - before) if not _same(old[-1 - i], new[-1 - i])), shorter - before)
        middle = shorter - after
        found: list[Replacement] = []
        for item, one, other in zip(node.value[before:middle], old[before:middle], new[before:middle], strict=True):
            found += self.replacements(item, one, other)
        spans = [(item.start_mark.index, self.end(item)) for item in node.value]
        if not node.flow_style:
            dash = re.compile(rf"^ {{{node.start_mark.column}}}-", re.MULTILINE)
            for i, ((_, above), (start, end)) in enumerate(pairwise(spans), start=1):
                found_dash = dash.search(self.text, above, start)
                spans[i] = found_dash.end() - 1 if found_dash else start, end
            spans[0] = node.start_mark.index, spans[0][1]
        entries = [_written(value) for value in new[middle : len(new) - after]]
        if after and entries:
            return []
        if not node.flow_style:
            entries = [f"- {entry}" for entry in entries]
        return self.with_entries(node, found, spans, range(middle, len(old) - after), entries)

    def with_entries(
        self,
        node: yaml.CollectionNode,
        found: list[Replacement],
        spans: Sequence[tuple[int, int]],
        gone: Sequence[int],
        entries: Sequence[str],
    ) -> list[Replacement]:
        """Add the replacements that remove entries of a collection, and that append others."""
        kept = [span for i, span in enumerate(spans) if i not in gone]
        if not kept or (node.flow_style and len(gone) > 1):
            return []
        _, last = kept[-1]
        if node.flow_style:
            found += [self.without(spans, i) for i in gone]
            return [*found, *((last, last, f", {entry}") for entry in entries)]
        found += [self.without_lines(*spans[i]) for i in gone]
        indent = " " * (spans[0][0] - self.line_start(spans[0][0]))
        comments = re.compile(rf"[^\r\n]*(?:\r?\n{indent or ' '} *#[^\r\n]*)*").match(self.text, last)
        place = comments.end() if comments else last
        lines = "".join(f"{self.newline}{indent}{entry}" for entry in entries)
        return [*found, (place, place, lines)]

    def without(self, spans: Sequence[tuple[int, int]], i: int) -> Replacement:
        """Remove an entry of a collection in flow style, with one comma."""
        start, end = spans[i]
        if i and "#" not in self.text[spans[i - 1][1] : start]:
            return spans[i - 1][1], end, ""
        comma = re.compile(r"\s*,[ \t]*").match(self.text, end)
        return start, comma.end() if comma else end, ""

    def without_lines(self, start: int, end: int) -> Replacement:
        """Remove an entry of a collection in block style, with its lines if nothing else is in them."""
        begin = self.line_start(start)
        if self.text[begin:start].strip():
            return start, end, ""
        last = self.line_end(end)
        return begin, last + len(self.newline), ""

    def whole(self, node: yaml.Node, new: Any) -> Replacement:
        """Replace the text of a node; what is not in the line of its key moves there."""
        start, end = node.start_mark.index, self.end(node)
        quote = node.style if isinstance(node, yaml.ScalarNode) and isinstance(new, str) else None
        written = _written(new, quote if quote in ("'", '"') else None)
        above = len(self.text[:start].rstrip())
        if self.text[above - 1 : above] == ":":
            return above, end, f" {written}"
        return start, end, written

    def end(self, node: yaml.Node) -> int:
        """Return the index after the last character of a node, without what PyYAML takes for its end: comments."""
        if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
            last = node.value[-1]
            return self.end(last[1] if isinstance(last, tuple) else last)
        start, end = node.start_mark.index, node.end_mark.index
        return start + len(self.text[start:end].rstrip())

    def line_start(self, index: int) -> int:
        return self.text.rfind("\n", 0, index) + 1

    def line_end(self, index: int) -> int:
        found = END_OF_LINE.search(self.text, index)
        return found.start() if found else len(self.text)


def _renamed(mapping: Mapping[str, Any], old: str, new: str) -> list[tuple[str, Any]]:
    return [(new if name == old else name, value) for name, value in mapping.items()]


def _entry(name: str, value: Any) -> str:
    return _written({name: value})[1:-1]


def _written(value: Any, quote: str | None = None) -> str:
    """Return the value in flow style, in one line, as it can stand within a flow collection."""
    written: str = yaml.dump(
        [value],
        Dumper=Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=inf,
        default_flow_style=True,
        default_style=quote,
    )
    return written.rstrip()[1:-1]
