"""Import the functions and classes that a configuration names, if it may run code, and describe their exceptions.

A configuration may come from a stranger. Unless its user allows it to run code, only torch and installed packages whose
metadata says that they require torch are imported, and only subclasses of `torch.optim.Optimizer` are taken from them.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import PathFinder
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from gdsim.errors import Code, InputError, Key, Problem, did_you_mean
from gdsim.files import suggest_sibling

Function = Callable[..., Any]

KEY = ("python",)

STANDARD_LIBRARY = Path(os.__file__).parent
GDSIM = Path(__file__).parents[1]

NEEDS_CODE = "runs only with --allow-code, and never from the YAML in a picture or page"

REQUIRES_TORCH = re.compile(r"torch\b(?![-.\w])(?!.*\bextra\b)", re.IGNORECASE)
"""A requirement of torch in the metadata of a distribution, not only of one of its extras."""


def import_function(
    reference: str, *, folder: Path | None = None, allow_code: bool = False, key: Key = KEY
) -> Function:
    """Import a function or a class from a file in the folder of the configuration, or from an installed package.

    A file in the folder takes precedence over an installed package of the same name, as for a Python script, and is
    read anew each time. It can import other files in the folder while it is loaded, but not later from a function.

    Args:
        reference: `"module:function"`, such as `"my_loss:valley"`, or `"module.function"`. `"my_loss.py:valley"` always
            refers to a file in the folder.
        folder: The folder of the configuration; the current folder if None.
        allow_code: Whether code may run. If not, nothing is imported.
        key: The key of the reference in errors.

    Raises:
        InputError: The reference is malformed or does not name a function, code may not run, or the module raises an
            exception.
    """
    module, names = _parse(reference, key)
    if not allow_code:
        raise InputError(f"'{reference}' is code, which {NEEDS_CODE}", key, code="not-allowed")
    folder = (folder or Path.cwd()).resolve()
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names:
        raise InputError(f"'{top}' is a module of Python itself; a file needs another name", key, code="unsupported")
    if ".py:" in reference and not (path := folder.joinpath(*module.split(".")).with_suffix(".py")).is_file():
        name = path.relative_to(folder).as_posix()
        message = f"there is no {name} beside the configuration{suggest_sibling(path)}"
        raise InputError(message, key, code="not-found")
    with _search_path([str(folder), *sys.path]), _read_anew(folder, top):
        return _attribute(_import(module, key), names, key)


def import_class(name: str, key: Key, *, folder: Path, allow_code: bool) -> Any:
    """Import what a name refers to that should be a class of optimizers.

    Args:
        name: The dotted name of a class in an installed package that requires torch; or any reference that
            `import_function` takes, if `allow_code` is true.
        key: The key of the name in errors.
        folder: The folder of the configuration.
        allow_code: Whether other code may run.

    Raises:
        InputError: There is no such class, its package may not be imported, or it raises an exception.
    """
    if allow_code:
        return import_function(name, folder=folder, allow_code=True, key=key)
    for problem in import_problems(name, key, folder):
        raise InputError(problem.message, key, code=problem.code)
    module, _, last = name.rpartition(".")
    with _search_path(_installed_path(folder)):
        return _attribute(_import(module, key), [last], key)


def import_problems(name: str, key: Key, folder: Path) -> Iterator[Problem]:
    """Yield why the class of a name at a key may not be imported unless code is allowed, without importing it."""
    top = name.partition(".")[0]
    private = next((part for part in name.split(".") if part.startswith("_")), None)
    if ":" in name:
        yield Problem(f"'{name}' is code, which {NEEDS_CODE}", key, "not-allowed")
    elif private is not None:
        yield Problem(f"'{private}' is private to its package: name a public class", key, "not-allowed")
    elif top == "torch":
        if not name.startswith("torch.optim."):
            yield Problem(f"'{name}' is not in torch.optim; it {NEEDS_CODE}", key, "not-allowed")
    elif not _requires_torch(top, path := _installed_path(folder)):
        if PathFinder.find_spec(top, path):
            message = f"'{top}' does not require torch by its metadata; it {NEEDS_CODE}"
            yield Problem(message, key, "not-allowed")
        elif PathFinder.find_spec(top, [str(folder), ""]):
            yield Problem(f"'{top}' is in the current folder or beside the YAML; it {NEEDS_CODE}", key, "not-allowed")
        else:
            yield Problem(f"no package '{top}' is installed{_remedy(top)}", key, "not-installed")


def _remedy(package: str, otherwise: str = "") -> str:
    """Return which installed package may be meant, or else how to get one: a mistyped name must not be installed."""
    near = did_you_mean(package, importlib.metadata.packages_distributions())
    return near or f"; get it with: pip install {package}{otherwise}"


def describe_exception(error: BaseException) -> str:
    """Return the type of an exception and the first line of its message."""
    lines = str(error.msg if isinstance(error, SyntaxError) else error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0].rstrip('.')}" if lines else type(error).__name__


def error_location(error: BaseException) -> str:
    """Return " at file:line" for the innermost line of user code that raised an exception, or an empty string."""
    if isinstance(error, SyntaxError) and error.filename:
        return f" at {Path(error.filename).name}:{error.lineno}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not _is_library(frame.filename)]
    return f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""


def _is_library(filename: str) -> bool:
    """Return whether a file is part of gdsim, the standard library or an installed package."""
    file = Path(filename)
    is_ours = file.is_relative_to(GDSIM) or file.is_relative_to(STANDARD_LIBRARY)
    return is_ours or filename.startswith("<frozen") or "site-packages" in file.parts


def _parse(reference: str, key: Key) -> tuple[str, list[str]]:
    """Return the module and the parts of the name within it."""
    module, _, path = reference.rpartition(":") if ":" in reference else reference.rpartition(".")
    names = path.split(".")
    if ":" in reference:
        module = module.removesuffix(".py")
    if not all(part.isidentifier() for part in [*module.split("."), *names]) or "py" in (module.split(".")[-1], *names):
        message = f"must be 'module:name', such as 'my_code.py:name', not '{reference}'"
        raise InputError(message, key, code="invalid-value")
    return module, names


def _installed_path(folder: Path) -> list[str]:
    """Return where installed packages are searched: not in the folder of the configuration or the current folder."""
    excluded = {folder.resolve(), Path.cwd().resolve()}
    return [entry for entry in sys.path if Path(entry).resolve() not in excluded]


def _requires_torch(top: str, path: list[str]) -> bool:
    """Return whether the distribution that contains a top-level module requires torch."""
    named_like_it = importlib.metadata.distributions(name=top, path=path)  # first, to be fast
    return any(
        any(map(REQUIRES_TORCH.match, distribution.requires or ())) and top in _top_level_modules(distribution)
        for distribution in chain(named_like_it, importlib.metadata.distributions(path=path))
    )


def _top_level_modules(distribution: importlib.metadata.Distribution) -> set[str]:
    # A distribution that is installed with `pip install -e` lists no modules; most are named like their module.
    files = {file.parts[0].removesuffix(".py") for file in distribution.files or ()}
    return {distribution.name.replace("-", "_"), *(distribution.read_text("top_level.txt") or "").split(), *files}


@contextmanager
def _search_path(path: list[str]) -> Iterator[None]:
    """Import from these places only."""
    before = [*sys.path]
    importlib.invalidate_caches()
    sys.path[:] = path
    try:
        yield
    finally:
        sys.path[:] = before


@contextmanager
def _read_anew(folder: Path, top: str) -> Iterator[None]:
    """Forget the modules that are imported from a folder, so that they are read again; write no bytecode."""
    is_beside = PathFinder.find_spec(top, [str(folder)])
    hidden = {}
    if is_beside is not None and is_beside.origin is not None:
        hidden = {name: sys.modules.pop(name) for name in [*sys.modules] if f"{name}.".startswith(f"{top}.")}
    before, writes_bytecode = {*sys.modules}, sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        sys.path_importer_cache.pop(str(folder), None)
        sys.dont_write_bytecode = writes_bytecode
        for name in {*sys.modules} - before:
            spec = getattr(sys.modules[name], "__spec__", None)
            places = [spec.origin, *(spec.submodule_search_locations or [])] if spec else []
            if any(place and Path(place).is_relative_to(folder) for place in places):
                del sys.modules[name]
        sys.modules.update(hidden)


def _import(module: str, key: Key) -> ModuleType:
    try:
        return importlib.import_module(module)
    except (Exception, SystemExit) as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) and error.name else ""
        code: Code = "unknown-name" if "." in missing else "not-installed" if missing else "unreadable"
        hint = _remedy(missing, f", or put {missing}.py beside the configuration") if code == "not-installed" else ""
        message = f"importing '{module}' fails{error_location(error)}: {describe_exception(error)}{hint}"
        raise InputError(message, key, code=code) from error


def _attribute(module: ModuleType, names: Sequence[str], key: Key) -> Function:
    found: Any = module
    for name in names:
        try:
            found = getattr(found, name)
        except AttributeError:
            hint = did_you_mean(name, [known for known in dir(found) if not known.startswith("_")])
            raise InputError(f"'{module.__name__}' has no '{name}'{hint}", key, code="unknown-name") from None
        except (Exception, SystemExit) as error:  # a package may import its parts only when they are used
            message = f"'{name}' cannot be imported: {describe_exception(error)}"
            raise InputError(message, key, code="unreadable") from error
    if not callable(found):
        kind = f"a {type(found).__name__}, not a function or class"
        raise InputError(f"'{names[-1]}' in '{module.__name__}' is {kind}", key, code="wrong-type")
    return cast(Function, found)
