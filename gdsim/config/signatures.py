"""What torch.optim offers, read from its source text: importing torch to ask would take two seconds."""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import chain, repeat
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from gdsim.errors import GdsimError

__all__ = ["Signature", "optimizers", "schedules"]

NEVER_SETTINGS = {"self", "params", "optimizer"}
NO_OPTIMIZERS_INSIDE = {"__init__.py", "lr_scheduler.py", "swa_utils.py"}


@dataclass(frozen=True)
class Signature:
    """What one class can be given.

    `arguments` and `annotations` have the same keys, and `self`, `params` and `optimizer`, which are never
    settings, are not among them.

    Attributes:
        name: The class, bare: `"Adam"`.
        arguments: Each argument's default as the source has it (`"1e-3"`, `"(0.9, 0.999)"`); `""` if required.
        annotations: Each argument's type as the source has it (`"float | Tensor"`); `""` when there is none.
        summary: The first sentence of the class's docstring; may be empty.
    """

    name: str
    arguments: Mapping[str, str]
    annotations: Mapping[str, str]
    summary: str


@cache
def optimizers() -> Mapping[str, Signature]:
    """Return the public optimizer classes of `torch.optim` by bare name, in alphabetical order.

    Raises:
        GdsimError: torch is not installed.
    """
    folder = _torch_optim()
    exported = _Source.read(folder / "__init__.py").exported()
    files = sorted(path for path in folder.glob("*.py") if path.name not in NO_OPTIMIZERS_INSIDE)
    return _signatures([_Source.read(path) for path in files], exported, base="Optimizer")


@cache
def schedules() -> Mapping[str, Signature]:
    """Return the schedules of `torch.optim.lr_scheduler` by bare name, in alphabetical order.

    Raises:
        GdsimError: torch is not installed.
    """
    source = _Source.read(_torch_optim() / "lr_scheduler.py")
    return _signatures([source], source.exported(), base="LRScheduler")


class _Argument(NamedTuple):
    name: str
    default: str
    annotation: str


@dataclass(frozen=True)
class _Class:
    """One class statement; `arguments` is None without an `__init__` of its own."""

    bases: tuple[str, ...]
    docstring: str
    arguments: tuple[_Argument, ...] | None


@dataclass(frozen=True)
class _Source:
    """One parsed file."""

    tree: ast.Module
    lines: tuple[str, ...]

    @classmethod
    def read(cls, path: Path) -> _Source:
        text = path.read_text(encoding="utf-8")
        return cls(ast.parse(text), tuple(text.splitlines()))

    def written(self, node: ast.expr) -> str:
        """Return an expression as it stands in the file: `ast.unparse` would turn 1e-3 into 0.001."""
        if node.lineno != node.end_lineno:
            return ast.unparse(node)
        return self.lines[node.lineno - 1].encode()[node.col_offset : node.end_col_offset].decode()

    def assignments(self) -> dict[str, ast.expr]:
        """Return what is assigned at the top of the file: `{"EPS": …, "Adam.__doc__": …}`."""
        return {
            ast.unparse(statement.targets[0]): statement.value
            for statement in self.tree.body
            if isinstance(statement, ast.Assign)
        }

    def exported(self) -> frozenset[str]:
        """Return the names in `__all__`."""
        return frozenset(ast.literal_eval(self.assignments()["__all__"]))

    def classes(self) -> Iterator[tuple[str, _Class]]:
        """Yield each class at the top of the file with its name."""
        assigned = self.assignments()
        for statement in self.tree.body:
            if isinstance(statement, ast.ClassDef):
                bases = tuple(ast.unparse(base).rpartition(".")[2] for base in statement.bases)
                docstring = ast.get_docstring(statement) or _first_text(assigned.get(f"{statement.name}.__doc__"))
                yield statement.name, _Class(bases, docstring, self.arguments(statement, assigned))

    def arguments(self, class_: ast.ClassDef, assigned: Mapping[str, ast.expr]) -> tuple[_Argument, ...] | None:
        """Return the arguments of the class's own `__init__`, constants among the defaults put in."""
        for member in class_.body:
            if isinstance(member, ast.FunctionDef) and member.name == "__init__":
                return tuple(
                    _Argument(
                        argument.arg,
                        "" if default is None else self.default(default, assigned),
                        "" if argument.annotation is None else ast.unparse(argument.annotation),
                    )
                    for argument, default in _parameters(member.args)
                    if argument.arg not in NEVER_SETTINGS
                )
        return None

    def default(self, node: ast.expr, assigned: Mapping[str, ast.expr]) -> str:
        """Return a default as written, with `DEFAULT_A` and its like replaced by their values."""

        def value(name: re.Match[str]) -> str:
            return self.written(assigned[name[0]]) if name[0] in assigned else name[0]

        return re.sub(r"\b[A-Za-z_]\w*", value, self.written(node))


def _torch_optim() -> Path:
    found = importlib.util.find_spec("torch")
    if found is None or found.origin is None:
        raise GdsimError("torch is not installed; install it with: pip install torch")
    return Path(found.origin).parent / "optim"


def _signatures(sources: Iterable[_Source], exported: frozenset[str], *, base: str) -> Mapping[str, Signature]:
    classes = {name: class_ for source in sources for name, class_ in source.classes()}
    offered = (name for name in exported & classes.keys() if base in _ancestry(name, classes)[1:])
    return MappingProxyType({name: _signature(name, classes) for name in sorted(offered, key=str.casefold)})


def _ancestry(name: str, classes: Mapping[str, _Class]) -> list[str]:
    """Return the class and its bases, nearest first, as far as they stand in the same files."""
    inherited = (_ancestry(base, classes) for base in classes[name].bases if base in classes)
    return [name, *chain.from_iterable(inherited)]


def _signature(name: str, classes: Mapping[str, _Class]) -> Signature:
    own = (classes[ancestor].arguments for ancestor in _ancestry(name, classes))
    arguments = next(found for found in own if found is not None)
    return Signature(
        name,
        MappingProxyType({argument.name: argument.default for argument in arguments}),
        MappingProxyType({argument.name: argument.annotation for argument in arguments}),
        _first_sentence(classes[name].docstring),
    )


def _parameters(arguments: ast.arguments) -> Iterator[tuple[ast.arg, ast.expr | None]]:
    """Yield each parameter of a function with its default."""
    positional = [*arguments.posonlyargs, *arguments.args]
    required = len(positional) - len(arguments.defaults)
    yield from zip(positional, [*repeat(None, required), *arguments.defaults], strict=True)
    yield from zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)


def _first_text(node: ast.expr | None) -> str:
    """Return the first literal of a docstring that is put together from several."""
    literals = [part for part in ast.walk(node) if isinstance(part, ast.Constant)] if node else []
    first = min(literals, key=lambda part: (part.lineno, part.col_offset), default=None)
    return str(first.value) if first else ""


def _first_sentence(docstring: str) -> str:
    paragraph = " ".join(docstring.strip().partition("\n\n")[0].split())
    return re.split(r"(?<=\.)\s", paragraph)[0]
