"""Where each value of a configuration was written, and how a mistake names its place."""

from __future__ import annotations

import pathlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gdsim import errors
from gdsim.errors import ConfigError, SourceLocation, printable

__all__ = ["Document", "Path", "Problem", "SourceContext", "SourceLocation", "printable"]

Path = tuple[str | int, ...]
"""Where a value stands in a configuration, outermost key first: `("optimizers", "Adam", "betas", 0)`."""


@dataclass(frozen=True)
class SourceContext:
    """The folder of a configuration, and whether code in it may run."""

    folder: pathlib.Path = pathlib.Path()
    allow_code: bool = False


HERE = SourceContext()
"""The current folder, in which no code may run."""


@dataclass(frozen=True)
class Problem:
    """One mistake.

    Attributes:
        path: What it is about, as it is shown.
        sentence: What is wrong and what to do.
        key: The key at fault, where it is a key of the mapping at `path` rather than the value there.
        place: Where it was written, where the path alone does not tell.
    """

    path: Path
    sentence: str
    key: str | None = None
    place: SourceLocation | None = None

    def __str__(self) -> str:
        name = ".".join(map(str, self.path))
        return f"{name}: {self.sentence}" if name else self.sentence


@dataclass(frozen=True)
class Document:
    """Plain values with the places where they were written.

    Attributes:
        value: What the text says.
        values: The place of each value; that of the whole has the empty path.
        keys: The place of each key of a mapping.
        problems: Mistakes that did not keep the rest from being read: a key given twice, a tag.
        unread: The values that stand as None because they could not be read.
    """

    value: Any
    values: Mapping[Path, SourceLocation]
    keys: Mapping[Path, SourceLocation]
    problems: tuple[Problem, ...] = ()
    unread: frozenset[Path] = frozenset()

    def place(self, problem: Problem) -> SourceLocation:
        """Return the most precise place that is known for a problem."""
        if problem.place is not None:
            return problem.place
        if problem.key is not None and (*problem.path, problem.key) in self.keys:
            return self.keys[*problem.path, problem.key]
        known = (problem.path[:length] for length in range(len(problem.path), -1, -1))
        return next(self.values[path] for path in known if path in self.values)

    def error(self, problems: Iterable[Problem]) -> ConfigError:
        """Return all problems as one error, a line each, in the order of their places."""
        placed = sorted(((self.place(each), str(each), each) for each in problems), key=lambda each: each[:2])
        return ConfigError(
            errors.Problem(
                problem.sentence,
                problem.path if problem.key is None else (*problem.path, problem.key),
                at_key=problem.key is not None,
                location=place,
            )
            for place, _, problem in placed
        )
