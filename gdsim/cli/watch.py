"""`gdsim watch`: draw configs again whenever a file changes that they are made from."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable
from functools import partial
from itertools import chain
from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer

from gdsim.cli import common
from gdsim.cli.completion import files_with
from gdsim.cli.console import print_notes
from gdsim.cli.run import draw
from gdsim.errors import GdsimError, InputError
from gdsim.files import YAML_SUFFIXES

SETTLED, IDLE = 40, 100  # milliseconds without a change until a file is complete, and until the first drawing


def watch(
    configs: Annotated[
        list[Path],
        typer.Argument(metavar="CONFIG", help="YAML files.", autocompletion=files_with(YAML_SUFFIXES)),
    ],
    changes: common.Set = None,
    out: common.Out = Path("outputs"),
    formats: common.Format = None,
    theme: common.ThemeName = None,
    allow_code: common.AllowCode = False,
    quiet: common.Quiet = False,
) -> None:
    """Draw each CONFIG, and again whenever it or a file that it reads changes, until Ctrl-C.

    The process stays warm, so a change shows in a fraction of the time of gdsim run. A mistake is reported, and the
    next change is waited for. Summaries are printed for the first drawing only.

    It needs watchfiles: pip install 'gdsim[studio]'.
    """
    try:
        from watchfiles import watch as changed_files
    except ImportError as error:
        raise GdsimError("watchfiles is not installed; install it with: pip install 'gdsim[studio]'") from error

    for path in configs:
        if not path.exists():
            common.load_one(path)  # raises the error that run does
        if path.suffix not in YAML_SUFFIXES:  # a picture may be what is drawn, again and again
            hint = "gdsim init writes one, and gdsim source prints that of a picture"
            raise InputError(f"{path}: only YAML files are watched; {hint}")
    sources: dict[Path, set[Path]] = {path: set() for path in configs}
    stale, folders = [*configs], _folders(configs)
    while True:
        # Folders are watched, because editors replace files. What changes during a drawing is reported after it.
        for events in changed_files(
            *folders, recursive=False, step=SETTLED, rust_timeout=IDLE, yield_on_timeout=True, raise_interrupt=False
        ):
            changed = {Path(name).resolve() for _, name in events}
            stale += [path for path in configs if changed & (sources[path] or {path.resolve()}) and path not in stale]
            for path in stale:
                is_quiet = quiet or bool(sources[path])
                _draw(path, partial(draw, [path], changes, out, formats, theme, allow_code, is_quiet), quiet)
                sources[path] = _sources(path, changes or (), allow_code) or sources[path]
            stale, before, folders = [], folders, _folders([*configs, *chain(*sources.values())])
            if folders != before:
                break


def _draw(path: Path, draw: Callable[[], object], quiet: bool) -> None:
    """Draw a config; print its mistakes, or how long it took."""
    began = perf_counter()
    if not path.exists():
        print(f"{path}: deleted; waiting for it to come back", file=sys.stderr)
        return
    try:
        draw()
    except GdsimError as error:
        print(error, file=sys.stderr)
    except typer.Exit:  # what failed has been printed
        pass
    else:
        if not quiet:
            print_notes([f"{path}: drawn in {perf_counter() - began:.1f} s; waiting for a change, Ctrl-C ends."])


def _folders(paths: Iterable[Path]) -> set[Path]:
    return {folder for path in paths if (folder := path.resolve().parent).is_dir()}


def _sources(path: Path, changes: Collection[str], allow_code: bool) -> set[Path]:
    """Return a config and the files that it reads; none if it cannot be loaded."""
    try:
        experiment = common.load_one(path, [*changes], allow_code)
    except GdsimError:
        return set()
    return {path.resolve(), *(each.resolve() for each in common.source_files(experiment))}
