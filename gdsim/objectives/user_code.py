"""Import functions from the user's code and from installed packages, and describe their exceptions."""

from __future__ import annotations

import importlib
import importlib.util
import os
import site
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from gdsim.errors import Code, InputError, did_you_mean
from gdsim.files import suggest_sibling

Function = Callable[..., Any]

KEY = ("python",)

TOOLS = ("click", "gdsim", "pip", "pkg_resources", "pytest", "rich", "setuptools", "typer", "wheel")
"""Installed packages that are refused because calling their functions has side effects."""


def import_function(reference: str, *, folder: Path | None = None, allow_code: bool = False) -> Function:
    """Import a function from an installed package, or from a file in the folder of the configuration.

    The function will be called, so installed packages are trusted.

    Args:
        reference: `"module:function"`, such as `"my_loss:valley"`; both parts may be dotted. `"my_loss.py:valley"`
            always refers to a file in the folder of the configuration.
        folder: The folder of the configuration; the current folder if None.
        allow_code: Whether code in `folder` may be executed. If so, it takes precedence over an installed package of
            the same name. It can import other files in the folder while it is loaded, but not later from within a
            function.

    Returns:
        The function, from the current content of the file.

    Raises:
        InputError: The reference is malformed, does not name a function, or names code that may not be executed; or the
            module raises an exception. A refused module is not executed, not even in part.
    """
    module, path, is_file = _parse(reference)
    top = module.partition(".")[0]
    folder = (folder or Path.cwd()).resolve()
    if top in sys.stdlib_module_names or any(part.startswith("__") for part in [*module.split("."), *path]):
        rename = f"; rename {top}.py" if (folder / f"{top}.py").exists() else ""
        raise _error(f"'{reference}' belongs to Python itself{rename}", "unsupported")
    if is_file:
        _check_file(module, folder, allow_code)
    importlib.invalidate_caches()
    if allow_code and _is_beside(top, folder):
        with _import_path(folder, top):
            found = _import(module)
    else:
        _check_installed(top, folder, allow_code)
        found = _import(module)
    return _attribute(found, path, reference)


def package_problem(dotted: str) -> str:
    """Return why a dotted name cannot name a class of an installed package, or an empty string.

    Args:
        dotted: A name such as `"pytorch_optimizer.Lion"`.
    """
    parts = dotted.split(".")
    if parts[0] in sys.stdlib_module_names:
        return f"'{parts[0]}' belongs to Python itself and has no such classes"
    if private := next((part for part in parts if part.startswith("_")), None):
        return f"'{private}' is private to its package"
    if find_package(parts[0]) is None:
        return f"no package '{parts[0]}' is installed; {_install_hint(parts[0])}"
    here = Path.cwd().resolve()
    if here in _package_folders(parts[0]) and not _is_installed(here):
        return f"'{parts[0]}' is in the current folder and not installed, so its code is not run"
    return ""


def find_package(top: str) -> ModuleSpec | None:
    """Return the spec with which a top-level package or module would be imported, or None."""
    try:
        return importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None


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
    """Return whether a file is part of gdsim, torch, numpy or the standard library."""
    if filename.startswith("<frozen"):
        return True
    file = Path(filename)
    for name in ("gdsim", "torch", "numpy", "functorch"):
        spec = getattr(sys.modules.get(name), "__spec__", None)
        if spec is not None and spec.origin and file.is_relative_to(Path(spec.origin).parent):
            return True
    is_stdlib = file.is_relative_to(Path(os.__file__).parent)
    return is_stdlib and not any(part.endswith("-packages") for part in file.parts)


def _error(message: str, code: Code) -> InputError:
    return InputError(message, KEY, code=code)


def _parse(reference: str) -> tuple[str, list[str], bool]:
    """Return the module, the parts of the name within it, and whether the module is given as a file."""
    module, colon, path = reference.partition(":")
    parts, names = module.removesuffix(".py").split("."), path.split(".")
    if not colon or not all(part.isidentifier() for part in [*parts, *names]) or parts[-1] == "py":
        message = f"must be 'module:function', such as 'my_loss.py:valley', not '{reference}'"
        raise _error(message, "invalid-value")
    return ".".join(parts), names, module.endswith(".py")


def _check_file(module: str, folder: Path, allow_code: bool) -> None:
    path = folder.joinpath(*module.split(".")).with_suffix(".py")
    if not path.is_file():
        name = path.relative_to(folder).as_posix()
        raise _error(f"there is no {name} beside the configuration{suggest_sibling(path)}", "not-found")
    if not allow_code and not _is_installed(folder):
        raise _not_allowed(module, folder)


def _not_allowed(module: str, folder: Path) -> InputError:
    message = f"'{module}' is in {folder} and not installed: its code runs only under --allow-code"
    return _error(message, "not-allowed")


def _install_hint(module: str) -> str:
    return f"get it with: pip install {module.partition('.')[0]}"


def _package_folders(top: str) -> set[Path]:
    """Return the folders that contain a top-level module.

    Symbolic links are resolved in the path of the folder but not in the module itself: a link in the current folder
    counts as code in the current folder, whatever its target.
    """
    spec = find_package(top)
    if spec is None:
        return set()
    packages = spec.submodule_search_locations or []
    places = [*packages] if packages or spec.origin is None else [spec.origin]
    return {Path(place).parent.resolve() for place in places}


def _is_installed(folder: Path) -> bool:
    """Return whether a folder contains installed packages, or is listed in a `.pth` file (`pip install -e`)."""
    homes = [Path(home) for home in (*site.getsitepackages(), site.getusersitepackages())]
    texts = ((home, path.read_text(errors="replace")) for home in homes for path in home.glob("*.pth"))
    named = (home / line for home, text in texts for line in text.splitlines() if line.strip())
    return any(place.resolve() == folder for place in (*homes, *named))


def _is_beside(top: str, folder: Path) -> bool:
    """Return whether a module is in a folder; one without Python code does not hide an installed package."""
    spec = PathFinder.find_spec(top, [str(folder)])
    return spec is not None and (spec.origin is not None or not _package_folders(top) - {folder})


def _check_installed(top: str, folder: Path, allow_code: bool) -> None:
    if top in TOOLS:
        raise _error(f"'{top}' is a tool, whose functions have side effects", "unsupported")
    places = [each for each in (folder, Path.cwd().resolve()) if not _is_installed(each)]
    found = _package_folders(top)
    if found and not found & {*places}:
        return
    where = next((each for each in places if each in found or PathFinder.find_spec(top, [str(each)])), None)
    if where is None:
        message = f"no module '{top}' is installed, and there is no {top}.py beside the configuration"
        raise _error(f"{message}; {_install_hint(top)}", "not-installed")
    if allow_code:
        message = f"'{top}' is in {where}, neither beside the configuration nor installed"
        raise _error(message, "not-allowed")
    raise _not_allowed(top, where)


@contextmanager
def _import_path(folder: Path, top: str) -> Iterator[None]:
    """Allow imports from a folder; then restore the import system. No bytecode is written."""
    hidden = {name: sys.modules.pop(name) for name in [*sys.modules] if f"{name}.".startswith(f"{top}.")}
    before, writes_bytecode = {*sys.modules}, sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        sys.path_importer_cache.pop(str(folder), None)
        sys.dont_write_bytecode = writes_bytecode
        for name in {*sys.modules} - before:
            spec = getattr(sys.modules[name], "__spec__", None)
            places = [spec.origin, *(spec.submodule_search_locations or [])] if spec else []
            if any(place and Path(place).is_relative_to(folder) for place in places):
                del sys.modules[name]
        sys.modules.update(hidden)


def _import(module: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except (Exception, SystemExit) as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing and f"{module}.".startswith(f"{missing}."):
            parent, _, last = missing.rpartition(".")
            raise _error(f"'{parent}' has no module '{last}'", "unknown-name") from error
        hint = f"; {_install_hint(missing)}" if missing else ""
        message = f"importing '{module}' fails{error_location(error)}: {describe_exception(error)}{hint}"
        raise _error(message, "not-installed" if missing else "unreadable") from error


def _attribute(module: ModuleType, path: Sequence[str], reference: str) -> Function:
    found: Any = module
    for name in path:
        try:
            found = getattr(found, name)
        except AttributeError:
            hint = did_you_mean(name, [known for known in dir(found) if not known.startswith("_")])
            raise _error(f"'{module.__name__}' has no '{name}'{hint}", "unknown-name") from None
        except Exception as error:
            raise _error(f"'{reference}' cannot be imported: {describe_exception(error)}", "unreadable") from error
        if isinstance(found, ModuleType):
            message = f"'{name}' in '{reference}' is a module; write '{found.__name__}:function'"
            raise _error(message, "wrong-type")
    if not callable(found):
        raise _error(f"'{reference}' is of type {type(found).__name__}, not a function", "wrong-type")
    kinds = (FunctionType, BuiltinFunctionType, type)
    if isinstance(found, kinds) and str(found.__module__).partition(".")[0] in sys.stdlib_module_names:
        raise _error(f"'{reference}' belongs to Python itself", "unsupported")
    function: Function = found
    return function
