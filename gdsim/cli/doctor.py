"""The command `doctor`: what of gdsim works on this machine, and what must be installed for the rest."""

from __future__ import annotations

import platform
import re
import webbrowser
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version

from gdsim.cli.console import print_columns
from gdsim.errors import GdsimError

MISSING = "MISSING"

FEATURES = {
    "cluster": "sweeps on many machines (gdsim run --dask)",
    "networks": "the data set of digits, and attribution maps",
    "notebook": "the live studio in a notebook (gdsim.studio)",
    "pandas": "tables as data frames",
    "slides": "PowerPoint decks (gdsim slides)",
    "studio": "the page that answers while one changes a config (gdsim studio)",
    "tune": "tuning several settings at once (gdsim compare --tune lr,momentum)",
}
"""What each optional group of packages is for."""

SCRIPTS = {"Chinese": "学习率", "Japanese": "学習ステップ", "Korean": "학습률", "Arabic": "معدل", "Hindi": "सीखने"}
"""Words in scripts that the bundled font lacks."""


def doctor() -> None:
    """Print versions, fonts, ffmpeg, browser and GPU, and what is missing for which feature."""
    print_columns([*_versions(), *_programs(), *_fonts(), *_extras()])


def _versions() -> Iterator[tuple[str, str]]:
    yield "gdsim", version("gdsim")
    yield "Python", f"{platform.python_version()} on {platform.platform()}"
    for name in ("torch", "numpy", "matplotlib", "scipy", "pydantic"):
        yield name, version(name)


def _programs() -> Iterator[tuple[str, str]]:
    import torch

    from gdsim.encode.formats.video import ffmpeg_version

    try:
        yield "ffmpeg", ffmpeg_version()
    except GdsimError as error:
        yield "ffmpeg", f"{MISSING}, needed for MP4 and WebM: {error}"
    try:
        webbrowser.get()
        yield "browser", "found"
    except webbrowser.Error:
        yield "browser", f"{MISSING}, needed for --open"
    has_gpu = torch.cuda.is_available()
    yield (
        "GPU",
        torch.cuda.get_device_name() if has_gpu else "none that torch can use: everything runs on the processor",
    )


def _fonts() -> Iterator[tuple[str, str]]:
    from gdsim.themes.builtin import FONT
    from gdsim.themes.fonts import fonts_to_install, missing_letters

    yield "fonts", "Latin, Greek and Cyrillic letters are bundled"
    for name, word in SCRIPTS.items():
        lacking = missing_letters(FONT, word)
        remedy = f"{MISSING}, install {fonts_to_install(lacking)[0]}" if lacking else "found"
        yield "", f"{name}: {remedy}"


def _extras() -> Iterator[tuple[str, str]]:
    """Yield the state of each optional group of packages, from the metadata of gdsim."""
    needs = "\n".join(requires("gdsim") or ())
    for extra, feature in FEATURES.items():
        found = [_installed(name) for name in re.findall(rf"(?m)^([\w-]+).*extra == '{extra}'", needs)]
        remedy = f"; pip install 'gdsim[{extra}]'" if any(word.endswith(MISSING) for word in found) else ""
        yield f"gdsim[{extra}]", f"{', '.join(found)}, for {feature}{remedy}"


def _installed(name: str) -> str:
    """Return the name of a package and its version."""
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        return f"{name} {MISSING}"
