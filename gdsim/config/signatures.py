"""The classes of torch.optim and torch.optim.lr_scheduler, and the minimizers, with their arguments.

They are known without importing torch or SciPy: `torch_signatures.json` holds the classes of one version of torch (with
another version torch is imported and inspected), and `minimizers.json` our own minimizers and those of SciPy.
`python -m tests.test_signatures` writes the files for the installed versions.
"""

from __future__ import annotations

import collections.abc
import importlib.metadata
import inspect
import json
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from gdsim.errors import GdsimError

DATA = Path(__file__).with_name("torch_signatures.json")
MINIMIZERS = Path(__file__).with_name("minimizers.json")
PLAIN_TYPES = {float: "number", int: "integer", bool: "boolean", str: "string", types.NoneType: "null"}


@dataclass(frozen=True)
class Argument:
    """One argument of a class.

    Attributes:
        default: As Python text; empty if the argument is required.
        schema: The JSON Schema of the values that YAML can give it; `{}` for any, `{"not": {}}` for none.
    """

    default: str
    schema: Mapping[str, Any]


@dataclass(frozen=True)
class Signature:
    """The arguments of one class, without those that gdsim passes; `takes_any` if it has `**kwargs`."""

    name: str
    arguments: Mapping[str, Argument]
    takes_any: bool = False

    def __str__(self) -> str:
        """The arguments as in Python: `"lr=0.001, betas=(0.9, 0.999)"`."""
        return ", ".join(f"{name}={each.default}" if each.default else name for name, each in self.arguments.items())

    @property
    def required(self) -> list[str]:
        """The arguments without a default."""
        return [name for name, argument in self.arguments.items() if not argument.default]


def optimizers() -> Mapping[str, Signature]:
    """Return the optimizers of `torch.optim` by name, in alphabetical order."""
    return _signatures()["optimizers"]


def schedules() -> Mapping[str, Signature]:
    """Return the schedules of `torch.optim.lr_scheduler` by name, in alphabetical order."""
    return _signatures()["schedules"]


@cache
def minimizers() -> Mapping[str, Signature]:
    """Return the minimizers by name: those of gdsim, and those of SciPy such as `"scipy.BFGS"`."""
    return _read(json.loads(MINIMIZERS.read_text(encoding="utf-8")))


def offered() -> Mapping[str, Signature]:
    """Return all that the `class` of an optimizer can be without an import, by name."""
    return {**optimizers(), **minimizers()}


@cache
def _signatures() -> Mapping[str, Mapping[str, Signature]]:
    try:
        installed = importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        raise GdsimError("torch is not installed; install it with: pip install torch") from None
    stored = json.loads(DATA.read_text(encoding="utf-8"))
    if stored.pop("torch") != installed.partition("+")[0]:
        return inspect_torch()
    return {kind: _read(classes) for kind, classes in stored.items()}


def _read(classes: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Signature]:
    return {
        name: Signature(name, {key: Argument(*each) for key, each in arguments.items()})
        for name, arguments in classes.items()
    }


def inspect_torch() -> Mapping[str, Mapping[str, Signature]]:
    """Return the signatures of the installed torch, `"optimizers"` and `"schedules"` by name."""
    from torch import optim
    from torch.optim import lr_scheduler

    modules = {
        "optimizers": (optim, optim.Optimizer, "params"),
        "schedules": (lr_scheduler, lr_scheduler.LRScheduler, "optimizer"),
    }
    return {
        kind: {
            name: inspect_class(class_, (passed,))  # type: ignore[arg-type]  # a class is hashable
            for name, class_ in sorted(vars(module).items(), key=lambda each: each[0].casefold())
            if isinstance(class_, type) and issubclass(class_, base) and class_ is not base and name[0] != "_"
        }
        for kind, (module, base, passed) in modules.items()
    }


_signature = cache(inspect.signature)


def parameters_of(class_: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    """Return the parameters of a class or function by name."""
    return _signature(class_).parameters


@cache
def inspect_class(class_: Callable[..., Any], passed: tuple[str, ...]) -> Signature:
    """Return the signature of any class of optimizers or schedules, without the arguments that gdsim passes."""
    found = parameters_of(class_)
    try:  # torch imports some of the names for type checkers only
        types_ = typing.get_type_hints(class_.__init__, localns=vars(collections.abc))
    except Exception:
        types_ = {}
    variadic = {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}
    arguments = {
        name: Argument("" if each.default is each.empty else repr(each.default), _any_of([types_.get(name, Any)]))
        for name, each in found.items()
        if each.kind not in variadic and name not in passed
    }
    takes_any = any(each.kind is each.VAR_KEYWORD for each in found.values())
    return Signature(class_.__name__, MappingProxyType(arguments), takes_any)


def _schema(annotation: Any) -> dict[str, Any]:
    """Return the JSON Schema of what YAML can give an argument of a type."""
    kind, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation in PLAIN_TYPES:
        return {"type": PLAIN_TYPES[annotation]}
    if kind is Callable or getattr(annotation, "__name__", "") == "Tensor":
        return {"not": {}}
    if kind is typing.Literal:
        return {"enum": list(parts)}
    if kind in (typing.Union, types.UnionType):
        return _any_of(parts)
    if kind is tuple and Ellipsis not in parts:
        return {"type": "array", "items": _any_of(parts), "minItems": len(parts), "maxItems": len(parts)}
    if kind in (list, Iterable, Sequence):
        items = _any_of(parts)
        return items if "not" in items else {"type": "array", "items": items}
    return {}


def _any_of(annotations: Iterable[Any]) -> dict[str, Any]:
    """Return the JSON Schema of alternatives, `{"not": {}}` if YAML can give none of them."""
    choices: list[dict[str, Any]] = []
    for schema in map(_schema, annotations):
        if schema != {"not": {}}:
            choices += [each for each in schema.get("anyOf", [schema]) if each not in choices]
    return choices[0] if len(choices) == 1 else {"anyOf": choices} if choices else {"not": {}}
