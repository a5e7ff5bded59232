"""Edits of the text of a config: the values change as asked, and nothing else does."""

from __future__ import annotations

import difflib
import json
import re
import time
from copy import deepcopy
from functools import reduce
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gdsim.config import starter
from gdsim.config.edits import edit
from gdsim.config.yaml_text import parse
from gdsim.errors import ConfigError, InputError

ROOT = Path(__file__).parent.parent
STARTER = starter()


def plain(text):
    return parse(text, "<text>").value


def changed_lines(old, new):
    """The lines that a diff adds and removes."""
    lines = difflib.ndiff(old.splitlines(), new.splitlines())
    return [line for line in lines if line[0] in "+-"]


@pytest.mark.parametrize("path", [("optimizers", "Adam", "lr"), ("steps",), ("start", 1), ("animation", "fps")])
def test_a_number_changes_only_its_characters(path):
    value = plain(STARTER)
    for part in path:
        value = value[part]
    edited = edit(STARTER, [{"path": path, "value": 777}])
    before, after = STARTER, edited
    while before[0] == after[0]:
        before, after = before[1:], after[1:]
    while before[-1] == after[-1]:
        before, after = before[:-1], after[:-1]
    assert before in str(value)
    assert after in "777"


CASES = {
    "a key is added to a mapping in one line": (
        "Adam: {lr: 0.3} # fast\n",
        {"path": ["Adam", "noise"], "value": 1.5},
        "Adam: {lr: 0.3, noise: 1.5} # fast\n",
    ),
    "a key is added to indented lines, after the comments that belong to them": (
        "view:\n  theme: light # or dark\n  # title: my title\nsteps: 3\n",
        {"path": ["view", "kind"], "value": "surface"},
        "view:\n  theme: light # or dark\n  # title: my title\n  kind: surface\nsteps: 3\n",
    ),
    "missing mappings are created": (
        "steps: 3 # few",
        {"path": ["view", "camera", "orbit"], "value": 30},
        "steps: 3 # few\nview: {camera: {orbit: 30}}",
    ),
    "an empty value is filled in": (
        "optimizers:\n  Adam: # the defaults\n  SGD:\n",
        {"path": ["optimizers", "Adam", "lr"], "value": 0.1},
        "optimizers:\n  Adam: {lr: 0.1} # the defaults\n  SGD:\n",
    ),
    "names without values": (
        "optimizers: {SGD, Adam} # two\n",
        {"path": ["optimizers", "SGD", "lr"], "value": 0.1},
        "optimizers: {SGD: {lr: 0.1}, Adam} # two\n",
    ),
    "a name becomes a mapping": (
        "objective: himmelblau # a name\n",
        {"path": ["objective", "bounds"], "value": [[-1, 1], [0, 2]]},
        "objective: {name: himmelblau, bounds: [[-1, 1], [0, 2]]} # a name\n",
    ),
    "a formula becomes a mapping": (
        "objective: x^2 + y^2 # a formula\n",
        {"path": ["objective", "bounds"], "value": [[-1, 1], [0, 2]]},
        "objective: {expression: x^2 + y^2, bounds: [[-1, 1], [0, 2]]} # a formula\n",
    ),
    "a line is removed": (
        "optimizers:\n  # first\n  SGD: {lr: 0.1}\n  # second\n  Adam: {lr: 0.2}\n",
        {"path": ["optimizers", "SGD"], "remove": True},
        "optimizers:\n  # first\n  # second\n  Adam: {lr: 0.2}\n",
    ),
    "the only line is removed": (
        "view:\n  theme: dark\nsteps: 3\n",
        {"path": ["view", "theme"], "remove": True},
        "view: {}\nsteps: 3\n",
    ),
    "a key is removed from one line": (
        "A: {class: SGD, lr: 0.1, momentum: 0.9}\n",
        {"path": ["A", "lr"], "remove": True},
        "A: {class: SGD, momentum: 0.9}\n",
    ),
    "the first item is removed": (
        "panels: [loss, angle]\n",
        {"path": ["panels", 0], "remove": True},
        "panels: [angle]\n",
    ),
    "an item is appended": (
        "start:\n- [1, 2] # here\n- [3, 4] # there\n",
        {"path": ["start", 2], "value": [5, 6]},
        "start:\n- [1, 2] # here\n- [3, 4] # there\n- [5, 6]\n",
    ),
    "one coordinate of one point": (
        "start:\n- [1, 2] # here\n- - 3 # x\n  - 4\n",
        {"path": ["start"], "value": [[1, 2], [3, 4.5]]},
        "start:\n- [1, 2] # here\n- - 3 # x\n  - 4.5\n",
    ),
    "an item is removed": (
        "start:\n  - [1, 2]\n  - [3, 4] # there\n  - [5, 6]\n",
        {"path": ["start", 1], "remove": True},
        "start:\n  - [1, 2]\n  - [5, 6]\n",
    ),
    "lines become one value": (
        "start:\n  - [1, 2]\n  - [3, 4]\nsteps: 3 # few\n",
        {"path": ["start"], "value": {"random": 24}},
        "start: {random: 24}\nsteps: 3 # few\n",
    ),
    "a label is renamed in its place": (
        "optimizers:\n  SGD: {lr: 0.1} # slow\n  Adam: {lr: 0.2}\n",
        {"path": ["optimizers", "SGD"], "rename": "plain: descent"},
        "optimizers:\n  'plain: descent': {lr: 0.1} # slow\n  Adam: {lr: 0.2}\n",
    ),
    "a value as YAML": ("steps: 3 # few\n", {"path": ["lr"], "yaml": "1e-3"}, "steps: 3 # few\nlr: 0.001\n"),
    "quotation marks stay": ('title: "one"\n', {"path": ["title"], "value": "two"}, 'title: "two"\n'),
    "quotation marks are added": ("title: one\n", {"path": ["title"], "value": "on: 3"}, "title: 'on: 3'\n"),
    "an alias gets its own value": (
        "A: &base {lr: 0.1} # one\nB: *base # other\n",
        {"path": ["B", "lr"], "value": 0.2},
        "A: &base {lr: 0.1} # one\nB: {lr: 0.2} # other\n",
    ),
    "an anchor gets its own value": (
        "A: &base {lr: 0.1} # one\nB: *base # other\n",
        {"path": ["A", "lr"], "value": 0.2},
        "A: &base {lr: 0.2} # one\nB: {lr: 0.1} # other\n",
    ),
    "a merged key is overridden": (
        "A: &base {lr: 0.1}\nB: {<<: *base, noise: 1} # other\n",
        {"path": ["B", "lr"], "value": 0.2},
        "A: &base {lr: 0.1}\nB: {<<: *base, noise: 1, lr: 0.2} # other\n",
    ),
    "line ends stay": ("a: 1\r\nb: 2\r\n", {"path": ["c"], "value": 3}, "a: 1\r\nb: 2\r\nc: 3\r\n"),
    "a text of comments": ("# nothing yet\n", {"path": ["steps"], "value": 3}, "# nothing yet\nsteps: 3\n"),
    "a block of text": (
        "title: |\n  two\n  lines\nsteps: 3\n",
        {"path": ["title"], "value": "one line"},
        "title: one line\nsteps: 3\n",
    ),
}


@pytest.mark.parametrize(("text", "change", "expected"), CASES.values(), ids=CASES)
def test_the_text_after_an_edit(text, change, expected):
    assert edit(text, [change]) == expected


def test_edits_follow_each_other():
    edits = [{"path": ["A"], "rename": "B"}, {"path": ["B", "class"], "value": "A"}]
    assert edit("A: {lr: 1} # one\n", edits) == "B: {lr: 1, class: A} # one\n"


def test_thousands_of_values_take_no_longer_than_one():
    began = time.process_time()
    edited = edit(STARTER, [{"path": ["optimizers", f"A{i % 3000}", "lr"], "value": i} for i in range(6000)])
    assert time.process_time() - began < 5  # one by one they take minutes
    assert plain(edited)["optimizers"]["A2999"] == {"lr": 5999}


def test_edits_can_be_given_up():
    calls = iter([None, None])
    edits = [{"path": [old], "rename": new} for old, new in ("ab", "bc", "cd")]
    with pytest.raises(StopIteration):
        edit("a: 1", edits, check=lambda: next(calls))


@pytest.mark.parametrize(
    ("text", "change", "code"),
    [
        ("a: 1", {"path": ["a", "b"], "value": 2}, "unknown-key"),
        ("a: [1]", {"path": ["a", 5], "value": 2}, "unknown-key"),
        ("a: 1\nb: 2", {"path": ["a"], "rename": "b"}, "duplicate"),
    ],
)
def test_edits_that_are_not_possible(text, change, code):
    with pytest.raises(InputError) as caught:
        edit(text, [change])
    assert caught.value.code == code


def test_a_text_that_is_not_yaml():
    with pytest.raises(ConfigError):
        edit("a: [1", [{"path": ["a"], "value": 2}])


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda path: path.stem)
def test_one_line_of_each_config_changes(path):
    text = path.read_text()
    edited = edit(text, [{"path": ["steps"], "value": 777}])
    assert plain(edited) == plain(text) | {"steps": 777}
    assert len(changed_lines(text, edited)) == 2


# Any text with a comment behind every line, and any edit of it.

NAMES = st.sampled_from(["a", "b", "c", "lr", "on", "x: y", "#", "é", "- d", "1"])
SCALARS = (
    st.none() | st.booleans() | st.integers(-99, 99) | st.floats(-9, 9) | st.text("ab:#{}[],'\" \n&*-é", max_size=6)
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8
)
MAPPINGS = st.dictionaries(NAMES, VALUES, min_size=1, max_size=4)


def commented(value, flow):
    """YAML text with a comment at the end of every line where one can stand."""
    lines = yaml.safe_dump(
        value, default_flow_style=flow, sort_keys=False, width=10**6, allow_unicode=True
    ).splitlines()
    written = "\n".join(f"{line} # {i}" for i, line in enumerate(lines)) + "\n"
    try:
        same = json.dumps(plain(written)) == json.dumps(value)
    except ConfigError:
        same = False
    return written if same else None  # text over several lines


def paths_in(value, above=()):
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in items:
        yield (*above, name)
        yield from paths_in(inner, (*above, name))


def put(value, path, new):
    changed = deepcopy(value)
    inner = changed
    for part in path[:-1]:
        inner = inner[part]
    if new is REMOVED:
        del inner[path[-1]]
    else:
        inner[path[-1]] = new
    return changed


REMOVED = object()


@given(value=MAPPINGS, flow=st.sampled_from([None, False, True]), data=st.data())
def test_any_edit_changes_only_what_is_asked(value, flow, data):
    text = commented(value, flow)
    if text is None:
        return
    path = data.draw(st.sampled_from([*paths_in(value)]))
    new = data.draw(VALUES | st.just(REMOVED))
    change = {"path": path} | ({"remove": True} if new is REMOVED else {"value": new})
    edited = edit(text, [change])
    expected = put(value, path, new)
    assert json.dumps(plain(edited), sort_keys=True) == json.dumps(expected, sort_keys=True)
    if new is not REMOVED and not isinstance(put_at(value, path), dict | list):
        assert comments(edited) == comments(text)


def comments(text):
    return re.findall(r"# \d+$", text, re.MULTILINE)


def put_at(value, path):
    for part in path:
        value = value[part]
    return value


@given(value=MAPPINGS, flow=st.sampled_from([None, False, True]), name=NAMES, new=VALUES)
def test_any_new_key_keeps_all_comments(value, flow, name, new):
    text = commented(value, flow)
    if text is None or name in value:
        return
    edited = edit(text, [{"path": [name], "value": new}])
    assert json.dumps(plain(edited)) == json.dumps(value | {name: new})
    assert comments(edited) == comments(text)


@given(value=MAPPINGS, flow=st.sampled_from([None, False, True]), data=st.data())
def test_values_together_give_what_they_give_one_by_one(value, flow, data):
    text = commented(value, flow)
    if text is None:
        return
    names = data.draw(st.lists(NAMES, min_size=2))
    edits = [{"path": [name], "value": data.draw(VALUES)} for name in names]
    together, one_by_one = edit(text, edits), reduce(edit, ([each] for each in edits), text)
    assert json.dumps(plain(together), sort_keys=True) == json.dumps(plain(one_by_one), sort_keys=True)
    if not any(isinstance(value.get(name), dict | list) for name in names):
        assert comments(together) == comments(text)
