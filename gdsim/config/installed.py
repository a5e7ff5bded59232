"""Whether a package is installed, found out without running any of its code."""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

__all__ = ["package_problem"]


def package_problem(package: str) -> str:
    """Return why a package cannot be one that holds optimizers, or nothing.

    Args:
        package: The first word of a dotted name, `"pytorch_optimizer"`.
    """
    if package in sys.stdlib_module_names or package == "__main__":
        return f"'{package}' is a part of Python, not a package of optimizers"
    found = _find(package)
    if found is None:
        return f"no package '{package}' is installed"
    if _only_beside(found, Path.cwd()):
        return f"'{package}' stands in the current folder and is not installed, so its code is not run"
    return ""


def _find(package: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return None


def _only_beside(found: ModuleSpec, here: Path) -> bool:
    """Return whether code would come from a folder that is searched only because it is the current one."""
    folders = found.submodule_search_locations or []
    places = [*folders] if folders or found.origin is None else [found.origin]
    return here in {Path(place).resolve().parent for place in places} and not _is_installed(here)


def _is_installed(folder: Path) -> bool:
    """Return whether a `.pth` file beside the installed packages names a folder, as `pip install -e` does."""
    searched = (Path(entry) for entry in sys.path if entry.endswith("-packages"))
    texts = (path.read_text(errors="replace") for packages in searched for path in packages.glob("*.pth"))
    return any(Path(line).resolve() == folder for text in texts for line in text.splitlines() if line)
