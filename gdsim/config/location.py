"""Where each value of a configuration is written, and which code it may run."""

from __future__ import annotations

import pathlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from gdsim.errors import ConfigError, Key, Problem, SourceLocation


@dataclass(frozen=True)
class SourceContext:
    """The folder of a configuration, and whether code in it may run."""

    folder: pathlib.Path = pathlib.Path()
    allow_code: bool = False


HERE = SourceContext()
"""The current folder, in which no code may run."""


@dataclass(frozen=True)
class Document:
    """Plain values with their locations.

    Attributes:
        value: The value of the whole text.
        values: The location of each value; that of the whole has the empty key.
        keys: The location of each key of a mapping.
        problems: Mistakes that did not prevent reading the rest: a key given twice, a tag.
        unread: The values that are None because they could not be read.
    """

    value: Any
    values: Mapping[Key, SourceLocation]
    keys: Mapping[Key, SourceLocation]
    problems: tuple[Problem, ...] = ()
    unread: frozenset[Key] = frozenset()

    def error(self, problems: Iterable[Problem]) -> ConfigError:
        """Return all problems as one error, each with its location, in the order of the locations."""
        located = (replace(each, location=each.location or self._locate(each)) for each in problems)
        return ConfigError(sorted(located, key=lambda each: (each.location, str(each))))

    def _locate(self, problem: Problem) -> SourceLocation:
        """Return the most precise location that is known for a problem."""
        if problem.at_key and problem.key in self.keys:
            return self.keys[problem.key]
        above = (problem.key[:length] for length in range(len(problem.key), -1, -1))
        return next(self.values[key] for key in above if key in self.values)
