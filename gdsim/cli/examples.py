"""The commands that write a config to begin from: a shipped example, or a commented starter."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from gdsim.cli import common
from gdsim.cli.completion import names_from
from gdsim.cli.console import print_columns, print_lines, print_notes
from gdsim.errors import InputError, did_you_mean
from gdsim.files import YAML_SUFFIXES, atomic_write

Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")]

TOPICS = {
    "quickstart": "to begin with",
    "momentum": "momentum",
    "rate": "learning rate",
    "curvature": "curvature",
    "noise": "noise",
    "starts": "starts",
    "compare": "comparison",
    "network": "networks",
    "function": "your own function",
    "view": "slides",
}
"""The topics of shipped configs, by the first words of their names."""


def names() -> tuple[str, ...]:
    """Return the names of the shipped configs, in alphabetical order."""
    return tuple(sorted(path.stem for path in _folder().glob("*.yaml")))


def _folder() -> Path:
    """Return the folder of the shipped configs: in the package, or beside it in a clone of the repository."""
    package = Path(str(files("gdsim")))
    return next(folder for folder in (package / "configs", package.parent / "configs") if folder.is_dir())


def _read(name: str) -> str:
    """Return a shipped config without its first line, which names a schema that is not in the folder of a user."""
    return (_folder() / f"{name}.yaml").read_text(encoding="utf-8").partition("\n")[2]


def full_names() -> dict[str, str]:
    """Return the names of the shipped configs, also by those without the topic: ravine for momentum_ravine."""
    return {short: name for name in names() for short in (name, name.partition("_")[2])}


def _full_name(name: str) -> str:
    known = full_names()
    if name not in known:
        hint = did_you_mean(name, known) or "; `gdsim examples` lists them"
        raise InputError(f"there is no example '{name}'{hint}", code="unknown-name")
    return known[name]


def examples(
    chosen: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME", help="The configs to write; lists all if omitted.", autocompletion=names_from(__name__)
        ),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="The folder to write to.")] = Path(),
    overwrite: Overwrite = False,
) -> None:
    """List the shipped configs, or write each NAME here, with the files that it reads."""
    if not chosen:
        rows = [(name, _read(name).partition("\n")[0].removeprefix("# ")) for name in names()]
        if sys.stdout.isatty():
            _print_by_topic(rows)
        else:
            print_columns(rows)
        return
    texts = {f"{name}.yaml": _read(name).encode() for name in map(_full_name, chosen)}
    others = [path for path in _folder().iterdir() if path.suffix in (".npy", ".py")]
    data = {
        path.name: path.read_bytes() for path in others if any(path.stem.encode() in each for each in texts.values())
    }
    written = {out / name: content for name, content in (texts | data).items()}
    for path in written:
        common.check_target(path, overwrite=overwrite)
    for path, content in written.items():
        with atomic_write(path) as partial:
            partial.write_bytes(content)
        print_lines([path])


def _print_by_topic(rows: Sequence[tuple[str, str]]) -> None:
    for topic, title in TOPICS.items():
        print(f"{title}:")
        print_columns([row for row in rows if row[0].partition("_")[0] == topic], indent="  ")
    print_notes(["gdsim examples NAME writes one here."])


def init(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The YAML file to write.")],
    overwrite: Overwrite = False,
) -> None:
    """Write a commented config that runs, to begin from."""
    from gdsim.config import starter

    common.check_target(file, suffixes=YAML_SUFFIXES, overwrite=overwrite)
    print_lines([common.write_text(file, starter())])
