"""Whether code belongs to an installed package, found out without running any of it."""

from __future__ import annotations

import importlib.util
import site
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

__all__ = ["find_package", "folders", "how_to_get", "is_installed", "package_problem"]


def package_problem(dotted: str) -> str:
    """Return why a dotted name cannot be that of a class in an installed package, or nothing.

    Args:
        dotted: `"pytorch_optimizer.Lion"`.
    """
    words = dotted.split(".")
    if words[0] in sys.stdlib_module_names:
        return f"'{words[0]}' is a part of Python, not a package of optimizers"
    if private := next((word for word in words if word.startswith("_")), None):
        return f"'{private}' is private to its package: name a class that the package offers"
    spec = find_package(words[0])
    if spec is None:
        return f"no package '{words[0]}' is installed; {how_to_get(words[0])}"
    here = Path.cwd().resolve()
    if here in folders(spec) and not is_installed(here):
        return f"'{words[0]}' stands in the current folder and is not installed, so its code is not run"
    return ""


def find_package(top: str) -> ModuleSpec | None:
    """Return where Python would import a package or module from, which has no dot in its name."""
    try:
        return importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None


def folders(spec: ModuleSpec | None) -> set[Path]:
    """Return the folders in which a module stands.

    The folders' own links are followed and the module's are not: a link in the current folder stands there, wherever
    it leads, and a link among the installed packages is installed.
    """
    if spec is None:
        return set()
    packages = spec.submodule_search_locations or []
    places = [*packages] if packages or spec.origin is None else [spec.origin]
    return {Path(place).parent.resolve() for place in places}


def is_installed(folder: Path) -> bool:
    """Return whether a folder holds installed packages, or a `.pth` file beside them names it (`pip install -e`)."""
    homes = [Path(home) for home in (*site.getsitepackages(), site.getusersitepackages())]
    texts = ((home, path.read_text(errors="replace")) for home in homes for path in home.glob("*.pth"))
    named = (home / line for home, text in texts for line in text.splitlines() if line.strip())
    return any(place.resolve() == folder for place in (*homes, *named))


def how_to_get(module: str) -> str:
    """Return the words that help a user who lacks a module: `"get it with: pip install torch_optimizer"`."""
    return f"get it with: pip install {module.partition('.')[0]}"
