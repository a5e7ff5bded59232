"""Functions of the users' own, found and imported by name."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

from gdsim.errors import InputError, did_you_mean
from gdsim.files import suggest_sibling
from gdsim.objectives.failures import KEY, Function, describe_exception, error_location
from gdsim.objectives.packages import find_package, folders, how_to_get, is_installed

__all__ = ["import_function"]

# Packages that are no collections of functions: what they offer acts when it is called.
_TOOLS = ("click", "gdsim", "pip", "pkg_resources", "pytest", "rich", "setuptools", "typer", "wheel")

NOT_ALLOWED = "'{top}' stands in {where} and is not installed: its code runs only under --allow-code"


def import_function(
    reference: str, *, folder: Path | None = None, allow_code: bool = False, what: str = "function to descend"
) -> Function:
    """Import a function from an installed package, or from a file beside the configuration.

    The function will be called, whatever it does: a package that is installed is trusted.

    Args:
        reference: `"module:function"`, such as `"my_loss:valley"`; both parts may be dotted. `"my_loss.py:valley"` is
            that of a file beside the configuration, and of no package.
        folder: Where the configuration stands, the current folder when None.
        allow_code: Whether code in `folder` may run. It then goes before an installed package of the same name;
            its imports of files beside it work while it is loaded, not later from within a function.
        what: What it should be, as a refusal calls it.

    Returns:
        The function, from the file as it is now.

    Raises:
        InputError: The reference is malformed, leads to no function, or to code that may not run; or the module
            raises an exception. Nothing of a refused module is executed.
    """
    module, path, of_a_file = _parts(reference)
    top = module[0]
    beside = (folder or Path.cwd()).resolve()
    if top in sys.stdlib_module_names or any(_is_dunder(word) for word in [*module, *path]):
        stands = f"; give {top}.py another name, which Python has itself" if (beside / f"{top}.py").exists() else ""
        raise InputError(f"'{reference}' is a part of Python, not a {what}{stands}", KEY)
    if of_a_file:
        _check_file(module, beside, allow_code)
    name = ".".join(module)
    importlib.invalidate_caches()
    if allow_code and _Beside(beside).find_spec(top) is not None:
        loaded = _loaded_from(beside, name)
    else:
        _check_installed(top, beside, allow_code)
        loaded = _loaded(name, _home_of(top))
    return _attribute(loaded, path, reference, what)


def _parts(reference: str) -> tuple[list[str], list[str], bool]:
    """Return the words of a module and those of what it holds, and whether the module is named as a file."""
    module, colon, path = reference.partition(":")
    words, attributes = module.removesuffix(".py").split("."), path.split(".")
    if not colon or not all(word.isidentifier() for word in [*words, *attributes]) or words[-1] == "py":
        message = (
            f"python must be 'module:function', as in 'my_loss:valley' for valley in my_loss.py, not '{reference}'"
        )
        raise InputError(message, KEY)
    return words, attributes, module.endswith(".py")


def _check_file(module: Sequence[str], beside: Path, allow_code: bool) -> None:
    """Refuse what is named as a file beside the configuration and is none, or may not run."""
    path = beside.joinpath(*module).with_suffix(".py")
    if not path.is_file():
        name = path.relative_to(beside).as_posix()
        raise InputError(f"no {name} stands beside the configuration{suggest_sibling(path)}", KEY)
    if not allow_code and not is_installed(beside):
        raise InputError(NOT_ALLOWED.format(top=module[0], where=beside), KEY)


def _is_dunder(word: str) -> bool:
    return word.startswith("__")


class _Fresh(SourceFileLoader):
    """Compiles a file each time: bytecode is kept by second and size, and could be that of an older text."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        code: CodeType = self.source_to_code(self.get_data(path), path)
        return code


class _Beside(MetaPathFinder):
    """Finds modules in one folder, and remembers which."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.found: set[str] = set()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        parent = fullname.rpartition(".")[0]
        if fullname in sys.stdlib_module_names or (parent and parent not in self.found):
            return None
        for entry in [str(self.folder)] if path is None else path:
            spec = FileFinder(entry, (_Fresh, SOURCE_SUFFIXES)).find_spec(fullname, target)
            # A mere folder, such as one of pictures, does not hide an installed package of its name.
            if spec is not None and (parent or spec.loader or not self._is_elsewhere(fullname)):
                self.found.add(fullname)
                return spec
        return None

    def _is_elsewhere(self, top: str) -> bool:
        return bool(folders(PathFinder.find_spec(top)) - {self.folder})


def _loaded_from(folder: Path, name: str) -> ModuleType:
    """Import a module from a folder, and leave no trace of the folder in the import system."""
    top = name.partition(".")[0]
    aside = {known: sys.modules.pop(known) for known in [*sys.modules] if f"{known}.".startswith(f"{top}.")}
    finder = _Beside(folder)
    sys.meta_path.insert(0, finder)
    try:
        return _loaded(name, folder)
    finally:
        sys.meta_path.remove(finder)
        for own in finder.found:
            sys.modules.pop(own, None)
        sys.modules.update(aside)


def _loaded(name: str, home: Path | None) -> ModuleType:
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        if isinstance(error, ModuleNotFoundError) and f"{name}.".startswith(f"{error.name}."):
            parent, _, last = str(error.name).rpartition(".")
            raise InputError(f"'{parent}' has no module '{last}'", KEY) from error
        pip = f"; {how_to_get(error.name)}" if isinstance(error, ModuleNotFoundError) and error.name else ""
        raise InputError(
            f"importing '{name}' fails{error_location(error, home)}: {describe_exception(error)}{pip}", KEY
        ) from error


def _check_installed(top: str, beside: Path, allow_code: bool) -> None:
    """Refuse a module that is not installed, or is a tool, and tell why."""
    if top in _TOOLS:
        raise InputError(f"'{top}' is a tool, whose functions act when they are called: none to descend", KEY)
    places = [folder for folder in (beside, Path.cwd().resolve()) if not is_installed(folder)]
    spec = find_package(top)
    if spec is not None and not folders(spec) & {*places}:
        return
    where = next((folder for folder in places if folder in folders(spec) or _Beside(folder).find_spec(top)), None)
    if where is None:
        message = f"no module '{top}' is installed ({how_to_get(top)}), and no {top}.py stands beside the configuration"
    elif allow_code:
        message = f"'{top}' stands in {where}, neither beside the configuration nor installed"
    else:
        message = NOT_ALLOWED.format(top=top, where=where)
    raise InputError(message, KEY)


def _home_of(top: str) -> Path | None:
    """Return the folder of a package, or that of a module."""
    spec = find_package(top)
    packages = spec.submodule_search_locations if spec else None
    return Path(packages[0]) if packages else next(iter(folders(spec)), None)


def _attribute(module: ModuleType, path: Sequence[str], reference: str, what: str) -> Function:
    found: Any = module
    for word in path:
        try:
            found = getattr(found, word)
        except AttributeError:
            hint = did_you_mean(word, [known for known in dir(found) if not known.startswith("_")])
            raise InputError(f"'{module.__name__}' has no '{word}'{hint}", KEY) from None
        except Exception as error:
            raise InputError(f"'{reference}' cannot be imported: {describe_exception(error)}", KEY) from error
        if isinstance(found, ModuleType):
            message = f"'{word}' in '{reference}' is a module: write it before the colon, '{found.__name__}:function'"
            raise InputError(message, KEY)
    if not callable(found):
        raise InputError(f"'{reference}' is of type {type(found).__name__}, not a function", KEY)
    kinds = (FunctionType, BuiltinFunctionType, type)
    if isinstance(found, kinds) and str(found.__module__).partition(".")[0] in sys.stdlib_module_names:
        raise InputError(f"'{reference}' is a part of Python, not a {what}", KEY)
    function: Function = found
    return function
