"""A function of a user's own, and how its failures are told in one line: where, in what words, with what remedy."""

from __future__ import annotations

import ast
import inspect
import textwrap
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from gdsim.errors import InputError

__all__ = ["KEY", "Function", "describe_exception", "error_location", "failure", "hint_for", "name_of"]

Function = Callable[..., Any]
KEY = ("python",)
_WAYS_OUT = {
    "detach": "keep the tensor as it is",
    "item": "keep the tensor as it is",
    "no_grad": "leave it away",
    "numpy": "keep the tensor as it is",
    "tensor": "use torch.stack",
    "tolist": "keep the tensor as it is",
}


def failure(function: Function, error: BaseException) -> InputError:
    """Tell the exception that a function has raised."""
    place = error_location(error, _home(function))
    return InputError(f"{name_of(function)} fails{place}: {_reason(function, error)}", KEY)


def name_of(function: Function) -> str:
    """Return the name of a function, or what to call one without."""
    name = str(getattr(function, "__name__", ""))
    return name if name and name != "<lambda>" else "the function"


def describe_exception(error: BaseException) -> str:
    """Return the kind of an exception and the first line of its message."""
    lines = str(error.msg if isinstance(error, SyntaxError) else error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0].rstrip('.')}" if lines else type(error).__name__


def error_location(error: BaseException, home: Path | None) -> str:
    """Return " at file:line" for the innermost line of the user's own that an exception has passed."""
    if isinstance(error, SyntaxError) and error.filename:
        return f" at {Path(error.filename).name}:{error.lineno}"
    # The first frame is that which caught the exception, and its file is not the user's.
    caller, *frames = traceback.extract_tb(error.__traceback__)
    files = [(Path(frame.filename), frame.lineno) for frame in frames if frame.filename != caller.filename]
    own = [(file, line) for file, line in files if home is not None and _is_own(file, home)]
    return f" at {own[-1][0].name}:{own[-1][1]}" if own else ""


def _is_own(file: Path, home: Path) -> bool:
    return file.is_relative_to(home) and not any(part.endswith("-packages") for part in file.relative_to(home).parts)


def _plain(function: Function) -> FunctionType | None:
    """Return the function of Python behind a callable, if there is one."""
    found: Any = function
    while isinstance(found, partial):
        found = found.func
    found = inspect.unwrap(found)
    for candidate in (found, getattr(found, "forward", None), inspect.getattr_static(found, "__call__", None)):
        candidate = getattr(candidate, "__func__", candidate)
        if isinstance(candidate, FunctionType):
            return candidate
    return None


def _home(function: Function) -> Path | None:
    plain = _plain(function)
    return None if plain is None else Path(plain.__code__.co_filename).parent


def _reason(function: Function, error: BaseException) -> str:
    words = describe_exception(error)
    if "Can't call numpy()" in words:  # torch advises .detach(), which would lose the gradient
        return f"NumPy knows no gradients{hint_for(function)}"
    return f"{words}; points are float64" if "dtype" in words or "scalar type" in words else words


def hint_for(function: Function) -> str:
    """Return what to use in place of whatever takes a function's numbers out of torch."""
    plain = _plain(function)
    if plain is not None:
        for node in _calls_within(plain):
            if culprit := _outside_torch(node, plain.__globals__):
                return f"; line {node.lineno} leaves torch by {culprit}"
    return "; use torch's functions (torch.sin for math.sin), and no .item(), .detach(), torch.no_grad() or NumPy"


def _calls_within(plain: FunctionType) -> list[ast.Call]:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(plain)))
    except (OSError, SyntaxError, TypeError):
        return []
    ast.increment_lineno(tree, plain.__code__.co_firstlineno - 1)
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def _outside_torch(node: ast.Call, names: dict[str, Any]) -> str:
    """Return what is wrong with a call, if it takes its numbers out of torch."""
    import torch

    written, word = ast.unparse(node.func), ast.unparse(node.func).rpartition(".")[2]
    base = node.func.value if isinstance(node.func, ast.Attribute) else node.func
    known = names.get(base.id) if isinstance(base, ast.Name) else None
    module = str(getattr(known, "__name__" if isinstance(known, ModuleType) else "__module__", ""))
    if module.partition(".")[0] in {"math", "numpy"} or isinstance(known, np.ufunc):
        return f"{written}: use torch{'.' + word if hasattr(torch, word) else ' throughout'}"
    if isinstance(node.func, ast.Attribute) and word in _WAYS_OUT:
        return f"{'torch' if known is torch else ''}.{word}(): {_WAYS_OUT[word]}"
    return "float(): keep the tensor as it is" if written == "float" else ""
