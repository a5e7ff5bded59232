"""What the optimizers and schedules that a config names can be given, checked without importing torch."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from gdsim.config import signatures
from gdsim.config.location import Path, Problem
from gdsim.config.messages import Fragment, accepts, must_be, shown, suggestion
from gdsim.config.signatures import Signature
from gdsim.errors import did_you_mean
from gdsim.objectives import package_problem

__all__ = [
    "OWN_KEYS",
    "TAKES_MATRICES_ONLY",
    "argument",
    "bare_class",
    "class_problem",
    "own_class_problem",
    "rest_problems",
    "schedule_problems",
    "setting_problems",
    "settings_for",
    "written_out",
]

OWN_KEYS = ("class", "schedule", "noise", "clip_norm", "rest", "color", "args")
"""The keys of an optimizer that are gdsim's; `args` leads to arguments of the same names."""

MOST = 1_000_000
MOST_A_STEP = {"max_iter": 1000, "max_eval": 1000, "history_size": 1000}
"""The largest whole numbers that arguments can have; closer ones for those that multiply the work of a step."""

TAKES_MATRICES_ONLY = ("Muon",)

DOTTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+\Z")
OWN = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*\Z")
NEVER_SET = {"params": "gdsim passes the starting point", "optimizer": "gdsim passes the optimizer"}


def bare_class(name: str) -> str:
    """Return `"Adam"` for `"torch.optim.Adam"`, and any other name as it is."""
    bare = name.removeprefix("torch.optim.")
    return name if "." in bare else bare


def class_problem(name: str) -> str:
    """Return what is wrong with an optimizer's class, or nothing.

    Args:
        name: `"Adam"`, the dotted name of a class in an installed package, or `"my_optimizer.py:MyOptimizer"`.
    """
    if ":" in name:
        return own_class_problem(name)
    offered = signatures.optimizers()
    if name in offered:
        return ""
    if not DOTTED.match(name):
        return f"torch.optim has no optimizer {shown(name)}{did_you_mean(name, offered)}"
    problem = package_problem(name)
    hint = did_you_mean(name.rpartition(".")[2], offered)
    return problem and problem + hint


def own_class_problem(name: str) -> str:
    """Return what is wrong with the name of a class in a file or module, or nothing.

    Args:
        name: `"my_optimizer.py:MyOptimizer"`, or `"my_package.inner:MyOptimizer"`.
    """
    if not OWN.match(name):
        return f"must be 'file.py:Class', as in 'my_optimizer.py:MyOptimizer', not {shown(name)}"
    words = re.split("[.:]", name)
    if words[0] in sys.stdlib_module_names:
        return f"'{words[0]}' is a part of Python, not a package of optimizers"
    if private := next((word for word in words if word.startswith("__")), None):
        return f"'{private}' is private to its module: name a class that it offers"
    return ""


def setting_problems(
    class_name: str, settings: Mapping[str, Any], *, beside: Iterable[str] = OWN_KEYS
) -> Iterator[Problem]:
    """Yield what is wrong with an optimizer's settings, as far as its class is known; other keys stand beside them."""
    signature = signatures.optimizers().get(class_name)
    for name, value in settings.items():
        if signature is None and name.endswith("optimizer"):
            yield from _wrapped_problems(value, (name,))
        elif name in NEVER_SET:
            yield Problem((), f"'{name}' cannot be set: {NEVER_SET[name]}", key=name)
        elif signature is not None:
            yield from _argument_problems(signature, name, value, beside=beside)


def _wrapped_problems(value: Any, path: Path) -> Iterator[Problem]:
    """Yield what is wrong with an optimizer that another one wraps, a class or a mapping with its class."""
    given = {"class": value} if isinstance(value, str) else value
    name = given.get("class") if isinstance(given, dict) else None
    if not isinstance(name, str):
        yield Problem(path, "needs the class of an optimizer, such as {class: SGD, lr: 0.1}")
        return
    inner = bare_class(name)
    if problem := class_problem(inner):
        yield Problem(path if isinstance(value, str) else (*path, "class"), problem)
        return
    settings = {key: setting for key, setting in given.items() if key != "class"}
    for found in setting_problems(inner, settings, beside=["class"]):
        yield Problem((*path, *found.path), found.sentence, found.key)


def rest_problems(class_name: str, rest: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what is wrong with what moves the parameters that an optimizer's class does not."""
    if class_name in signatures.optimizers() and class_name not in TAKES_MATRICES_ONLY:
        yield Problem((), f"goes with classes that move matrices only, such as Muon; {class_name} moves all parameters")
        return
    whole = [key for key in rest if key in OWN_KEYS and key != "class"]
    yield from (Problem((), f"'{key}' stands beside rest, for all parameters together", key=key) for key in whole)
    yield from _wrapped_problems({key: rest[key] for key in rest if key not in whole}, ())


def settings_for(class_name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings with a tuple, which YAML does not have, wherever the class wants one."""
    signature = signatures.optimizers().get(class_name)
    annotations = signature.annotations if signature else {}
    return {name: _setting(value, annotations.get(name, "")) for name, value in settings.items()}


def _setting(value: Any, annotation: str) -> Any:
    if isinstance(value, dict) and isinstance(value.get("class"), str):
        return settings_for(bare_class(value["class"]), value)
    return tuple(value) if isinstance(value, list) and "tuple[" in annotation else value


def written_out(schedule: Any) -> Any:
    """Return a schedule with each bare class name, also of those inside it, written out as a mapping."""
    if isinstance(schedule, str):
        schedule = {"class": schedule}
    if not isinstance(schedule, dict):
        return schedule
    schedule = dict(schedule)
    if isinstance(schedule.get("class"), str):
        schedule["class"] = schedule["class"].removeprefix("torch.optim.lr_scheduler.")
    if isinstance(schedule.get("schedulers"), list):
        schedule["schedulers"] = [written_out(inner) for inner in schedule["schedulers"]]
    return schedule


def schedule_problems(value: Any, path: Path = ()) -> Iterator[Problem]:
    """Yield what is wrong with a schedule that `written_out` has returned."""
    if not isinstance(value, dict):
        yield Problem(path, f"must be a schedule's class, or a mapping with its class, not {shown(value)}")
        return
    name, offered = value.get("class"), signatures.schedules()
    if name is None:
        mistyped = next((key for key in value if did_you_mean(key, ["class"])), None)
        hint = f"; did you mean 'class' by '{mistyped}'?" if mistyped else ", such as {class: StepLR, step_size: 50}"
        yield Problem(path, f"needs the class of a schedule{hint}")
    elif not isinstance(name, str) or name not in offered:
        hint = did_you_mean(str(name), offered)
        yield Problem((*path, "class"), f"torch.optim.lr_scheduler has no schedule {shown(name)}{hint}")
    else:
        given = {key: setting for key, setting in value.items() if key != "class"}
        yield from _schedule_argument_problems(offered[name], given, path)


def _schedule_argument_problems(signature: Signature, given: Mapping[str, Any], path: Path) -> Iterator[Problem]:
    required = [name for name, default in signature.arguments.items() if not default]
    functions = [name for name in required if "Callable" in signature.annotations[name]]
    if functions:
        sentence = f"{signature.name} needs a Python function ({functions[0]}), which a config cannot hold"
        yield Problem((*path, "class"), f"{sentence}; CyclicLR, OneCycleLR or SequentialLR may do instead")
        return
    for name in required:
        if name not in given:
            yield Problem(path, f"{signature.name} needs the argument '{name}'")
    for name, value in given.items():
        if name in NEVER_SET:
            yield Problem(path, f"'{name}' cannot be set: {NEVER_SET[name]}", key=name)
        elif name == "schedulers" and name in signature.arguments and isinstance(value, list) and value:
            for index, part in enumerate(value):
                yield from schedule_problems(part, (*path, name, index))
        else:
            for problem in _argument_problems(signature, name, value, beside=["class"]):
                yield Problem((*path, *problem.path), problem.sentence, problem.key)


def _argument_problems(signature: Signature, name: str, value: Any, *, beside: Iterable[str]) -> Iterator[Problem]:
    if name not in signature.arguments:
        hint = suggestion(name, [*signature.arguments, *beside])
        if name.partition(" ")[0] in signature.arguments:
            hint = f"; a colon is missing: `{name.replace(' ', ': ', 1)}`"
        yield Problem((), f"{signature.name} has no argument '{name}'{hint}", key=name)
        return
    annotation = signature.annotations[name]
    if "Callable" in annotation and value is not None:
        yield Problem((name,), "must be a Python function, which a config cannot hold; leave it out")
    elif not accepts(argument(annotation), value):
        yield Problem((name,), must_be(argument(annotation), value))
    elif _is_whole(argument(annotation)) and isinstance(value, int) and value > (most := MOST_A_STEP.get(name, MOST)):
        yield Problem((name,), must_be({"type": "integer", "maximum": most}, value))


@cache
def argument(annotation: str) -> Fragment:
    """Return the JSON Schema of what a type annotation lets YAML write; empty where it does not say."""
    return _fragment(ast.parse(annotation, mode="eval").body) if annotation else {}


def _is_whole(fragment: Fragment) -> bool:
    types = {choice.get("type") for choice in fragment.get("anyOf", [fragment])}
    return "integer" in types and "number" not in types


PLAIN = {"float": "number", "int": "integer", "bool": "boolean", "str": "string", "None": "null"}


def _fragment(node: ast.expr) -> Fragment:
    match node:
        case ast.Name(name) if name in PLAIN:
            return {"type": PLAIN[name]}
        case ast.Constant(None):
            return {"type": "null"}
        case ast.BinOp(left, ast.BitOr(), right):
            return _any_of([left, right])
        case ast.Subscript(ast.Name("Literal"), choices):
            return {"enum": list(ast.literal_eval(choices))}
        case ast.Subscript(ast.Name("tuple"), ast.Tuple(items)):
            return {"type": "array", "items": _any_of(items), "minItems": len(items), "maxItems": len(items)}
        case ast.Subscript(ast.Name("list" | "Iterable" | "Sequence"), item):
            return {"type": "array", "items": _fragment(item)}
    return {}


def _any_of(nodes: list[ast.expr]) -> Fragment:
    """Return the schema of several alternatives; a Tensor is none of YAML's."""
    choices: list[Fragment] = []
    for node in nodes:
        fragment = {"anyOf": []} if isinstance(node, ast.Name) and node.id == "Tensor" else _fragment(node)
        choices += (choice for choice in fragment.get("anyOf", [fragment]) if choice not in choices)
    return choices[0] if len(choices) == 1 else {"anyOf": choices}
