"""The files that a command writes: where they go, checks before any work, and complete writes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from gdsim.config import formats
from gdsim.errors import GdsimError, InputError
from gdsim.files import atomic_write, os_error_reason

if TYPE_CHECKING:
    from gdsim.config import Experiment


def output_paths(out: Path, experiment: Experiment, suffixes: Iterable[str]) -> dict[str, Path]:
    """Return the files to write for an experiment, by suffix."""
    suffix = out.suffix.lower().removeprefix(".")
    if suffix in formats() and not out.is_dir():
        raise InputError(f"{out} must be a folder; choose the kind of file with --format {suffix}", ("--out",))
    return {suffix: out / experiment.name / f"{experiment.name}.{suffix}" for suffix in suffixes}


def source_files(experiment: Experiment) -> list[Path]:
    """Return the files that an experiment reads, except its config."""
    names = []
    for spec in experiment.objectives:
        data = spec.data.name if spec.data is not None else None
        names += [each for each in (spec.samples, data, spec.trained) if isinstance(each, str)]
    plane = experiment.view.plane
    names += [each for each in plane if isinstance(each, str)] if isinstance(plane, list) else []
    # The name of a recording may end with the label of one of its optimizers.
    return [experiment.folder / f"{name.partition('.npz:')[0]}{'.npz' * ('.npz:' in name)}" for name in names]


def check_target(
    path: Path, *, key: str = "", suffixes: Sequence[str] = (), inputs: Sequence[Path] = (), overwrite: bool = True
) -> None:
    """Raise an InputError if a file cannot be written under a name, before any work is done.

    Args:
        path: The file.
        key: The option that names it.
        suffixes: The possible suffixes; any if empty.
        inputs: Files that must not be overwritten.
        overwrite: Whether an existing file may be replaced.
    """
    keys = (key,) if key else ()
    if suffixes and path.suffix.lower() not in suffixes:
        raise InputError(f"{path}: give it a name that ends in {suffixes[0]}", keys)
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file in it", keys)
    if any(_is_same(path, each) for each in inputs):
        raise InputError(f"{path} is read by this command; write to another file or folder", keys, code="conflict")
    if path.exists() and not overwrite:
        raise InputError(f"{path} exists; write to another file or folder, or add --overwrite", keys, code="conflict")


def _is_same(one: Path, other: Path) -> bool:
    if one.exists() and other.exists():
        return one.samefile(other)
    return one.resolve() == other.resolve()


@contextmanager
def writable(paths: Mapping[str, Path]) -> Iterator[None]:
    """Create the folders of files, check that they can be written to, and remove those that are empty at the end.

    Args:
        paths: The files, by what an error message calls them.

    Raises:
        GdsimError: A folder cannot be created or written to.
    """
    above = [folder for path in paths.values() for folder in path.parents]
    created = [folder for folder in dict.fromkeys(above) if not folder.exists()]
    try:
        for name, path in paths.items():
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                # The name is as long as that of the temporary file that is written first.
                with tempfile.NamedTemporaryFile(prefix=f".{path.stem}.", suffix=path.suffix, dir=path.parent):
                    pass
            except OSError as error:
                raise GdsimError(f"{name}: cannot be written: {os_error_reason(error)}") from error
        yield
    finally:
        for folder in sorted(created, key=lambda each: len(each.parts), reverse=True):
            with suppress(OSError):  # it is not empty, or was never created
                folder.rmdir()


def write_text(path: Path, text: str) -> Path:
    """Write a text file, complete or not at all, and return its path."""
    with atomic_write(path) as partial:
        partial.write_text(text if text.endswith("\n") else f"{text}\n", encoding="utf-8", newline="")
    return path
