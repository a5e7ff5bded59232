"""What is finished of a study, kept in a file as it comes, so that an interrupted one can go on from there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from gdsim.analysis.results import is_plain
from gdsim.analysis.search import is_found
from gdsim.errors import InputError

__all__ = ["Finished"]

FIRST = {"gdsim": "a study that is not finished", "format": 2}
"""The first line of a file; each further one holds a key, what was found under it, and a sum of both."""

SIZE_LIMIT = 2**30
"""So many bytes may a file have that is read."""


class Finished:
    """What is finished, by keys that hold everything that it depends on.

    Attributes:
        trouble: Why the file cannot be written; empty while it can. What is finished is not lost to this study then.
    """

    def __init__(self, path: Path | None = None, *, resume: bool = False) -> None:
        """Begin, or go on from what a file holds.

        Args:
            path: The file; None to keep nothing for later. What is there is replaced unless it is resumed.
            resume: Whether to read it first; a file that is not there holds nothing.

        Raises:
            InputError: The file is none that a study has left, or is broken.
        """
        self.trouble = ""
        self._path, self._begun = path, False
        self._known: dict[str, Any] = {}
        if resume and path is not None and path.exists():
            self._known = _read(path)
            self._begun = True

    def __len__(self) -> int:
        return len(self._known)

    def __contains__(self, key: str) -> bool:
        return key in self._known

    def __getitem__(self, key: str) -> Any:
        return self._known[key]

    def keep(self, key: str, found: Mapping[str, Any]) -> None:
        """Keep what was found, in plain values that JSON has."""
        self._known[key] = found
        if self._path is None or self.trouble:
            return
        try:
            if not self._begun:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._path.write_text(_line(FIRST), encoding="utf-8")
                self._begun = True
            with self._path.open("a", encoding="utf-8") as file:
                file.write(_line({"key": key, "found": found, "sum": _sum(key, found)}))
        except OSError as error:
            self.trouble = f"{self._path}: cannot be written: {error.strerror or error}"

    def forget(self) -> None:
        """Take the file away, and its folder and the one above if nothing else is in them: the study is whole."""
        if self._path is not None and self._begun:
            with suppress(OSError):
                self._path.unlink()
                self._path.parent.rmdir()
                self._path.parent.parent.rmdir()


def _line(value: Mapping[str, Any]) -> str:
    return json.dumps(value, allow_nan=False) + "\n"


def _sum(key: Any, found: Any) -> str:
    return hashlib.blake2b(json.dumps([key, found]).encode(), digest_size=8).hexdigest()


def _read(path: Path) -> dict[str, Any]:
    remedy = "remove it, or leave out --resume to begin anew"
    try:
        if path.stat().st_size > SIZE_LIMIT:
            raise InputError(f"{path}: is larger than any study leaves behind; {remedy}")
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is nothing that a study has left; {remedy}") from error
    # Where writing broke off, the last line has no end, and is not whole.
    whole, _, rest = text.rpartition("\n")
    lines = whole.split("\n")
    if _parsed(lines[0]) != FIRST:
        raise InputError(f"{path}: is nothing that a study of this version of gdsim has left; {remedy}")
    known = {}
    for number, line in enumerate(lines[1:], start=2):
        entry = _parsed(line)
        if not _is_whole(entry):
            raise InputError(f"{path}:{number}: is broken; {remedy}")
        known[entry["key"]] = entry["found"]
    if rest:
        path.write_text(whole + "\n", encoding="utf-8")
    return known


def _is_whole(entry: Any) -> bool:
    """Tell whether a line is one that `Finished.keep` has written."""
    if not isinstance(entry, dict) or entry.keys() != {"key", "found", "sum"} or not isinstance(entry["key"], str):
        return False
    found = entry["found"]
    return (is_found(found) or is_plain(found)) and entry["sum"] == _sum(entry["key"], found)


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
