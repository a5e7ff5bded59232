"""Files: written under their own name only when complete, and read with limits on their size."""

from __future__ import annotations

import secrets
import warnings
import zipfile
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from difflib import get_close_matches
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from gdsim.errors import GdsimError, InputError, Key
from gdsim.interrupts import deferred, undone

if TYPE_CHECKING:
    import numpy.typing as npt

YAML_SUFFIXES = (".yaml", ".yml")

SIMILAR_SUFFIXES = 0.8
"""The similarity of .yml and .yaml, two suffixes of one kind of file; .npz and .npy are less similar."""


def os_error_reason(error: OSError) -> str:
    """Return why a file or folder could not be created."""
    if isinstance(error, FileExistsError | NotADirectoryError):
        return "there is a file where a folder is needed"
    return error.strerror or str(error)


def suggest_sibling(path: Path) -> str:
    """Return `"; did you mean 'x'?"` for the most similar file of the same kind beside a missing one, or nothing.

    A config is also suggested by the last words of its name: momentum_ravine.yaml for ravine.
    """
    suffix = path.suffix.casefold()
    for folder in (path.parent, Path("configs")) if suffix in ("", ".yaml") else ():
        for config in sorted(folder.glob("*.yaml")):
            if f"_{config.stem}".endswith(f"_{path.stem}"):
                return f"; did you mean '{config}'?"
    try:
        # Stems are compared: a common suffix would make any two names similar.
        stems = {
            each.stem.casefold(): each.name
            for each in sorted(path.parent.iterdir())
            if not suffix or get_close_matches(each.suffix.casefold(), [suffix], cutoff=SIMILAR_SUFFIXES)
        }
    except OSError:
        return ""
    matches = get_close_matches(path.stem.casefold(), stems, n=1)
    return f"; did you mean '{stems[matches[0]]}'?" if matches else ""


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, and rename it to `path` when the block succeeds.

    The temporary name keeps the suffix of `path`, which encoders go by. When the block raises, an interrupt
    included, the temporary file is removed and an existing file at `path` is unchanged.

    Raises:
        GdsimError: The folder cannot be created or written to, or the disk is full.
    """
    partial = path.with_name(f".{path.stem}.{secrets.token_hex(4)}{path.suffix}")

    def remove() -> None:
        with suppress(OSError):  # it was renamed, or never created
            partial.unlink()

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with undone(remove):
            yield partial
            partial.replace(path)
    except OSError as error:
        raise GdsimError(f"{path}: cannot be written: {os_error_reason(error)}") from error


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Yield a new folder that is removed at the end of the block, and by an interrupt."""
    with ExitStack() as stack:
        with deferred():
            folder = TemporaryDirectory(prefix="gdsim-", ignore_cleanup_errors=True)
            stack.enter_context(undone(folder.cleanup))
        yield Path(folder.name)


def check_file(path: Path, *, max_bytes: int, key: Key = ()) -> None:
    """Check that a path is a regular file of a size that can be read.

    Raises:
        InputError: It is missing, not a regular file, empty, or larger than `max_bytes`.
    """
    try:
        size = path.stat().st_size
    except OSError as error:
        message = f"{path}: {(error.strerror or str(error)).lower()}{suggest_sibling(path)}"
        raise InputError(message, key, code="not-found") from error
    if not path.is_file():
        kind = "a folder; name a file in it" if path.is_dir() else "not a regular file"
        raise InputError(f"{path}: is {kind}", key, code="unreadable")
    if not size:
        raise InputError(f"{path}: is empty", key, code="unreadable")
    if size > max_bytes:
        sizes = f"{size / 2**30:.1f} GiB; the limit is {max_bytes / 2**30:g} GiB"
        raise InputError(f"{path}: has {sizes}", key, code="too-large")


def load_arrays(
    path: Path, *, max_bytes: int, names: Collection[str] | None = None, key: Key = ()
) -> dict[str, npt.NDArray[Any]]:
    """Read a NumPy file of any origin: sizes are checked before memory is allocated, nothing is unpickled.

    Args:
        path: A .npy file, whose array is returned under the name "", or a .npz file.
        max_bytes: The limit of the file's size, and of the declared size of all arrays together.
        names: Read only those of these arrays that the file has; all of its arrays when None.
        key: The key of errors.

    Raises:
        InputError: There is no such file, it is too large, damaged, or of another kind, or it holds Python objects.
    """
    import numpy as np

    check_file(path, max_bytes=max_bytes, key=key)
    try:
        with warnings.catch_warnings(action="error"):
            if not zipfile.is_zipfile(path):
                # A memory map must fit into the file, so a false header cannot reserve memory.
                return {"": np.array(np.lib.format.open_memmap(path, mode="r"))}
            # NumPy does not close a path whose archive is damaged.
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                if sum(entry.file_size for entry in arrays.zip.infolist()) > max_bytes:
                    message = f"{path}: declares more than {max_bytes / 2**30:g} GiB of arrays"
                    raise InputError(message, key, code="too-large")
                found = {name: arrays[name] for name in arrays.files if names is None or name in names}
                for name, array in found.items():
                    if not isinstance(array, np.ndarray):
                        raise ValueError(f"'{name}' is not an array")
                return found
    except InputError:
        raise
    except Exception as error:  # NumPy and zipfile pass on whatever their parsers raise
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        message = f"{path}: is not a readable {path.suffix} file: {reason}"
        raise InputError(message, key, code="unreadable") from error
