"""What can go wrong, told in one line each.

GdsimError                something failed while running              exit status 1
└── InputError            the user's input is at fault                exit status 2
    ├── ConfigError       the same, with the place in the file        exit status 2
    └── ExpressionError   the same, with the column in an expression  exit status 2
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Literal

__all__ = ["Code", "ConfigError", "GdsimError", "InputError", "did_you_mean"]

Code = Literal[
    "conflict",  # two settings that exclude each other
    "duplicate",  # a key or name given twice
    "invalid-value",  # the right type, but not a possible value
    "missing",  # a required key or argument is not given
    "not-allowed",  # needs --allow-code
    "not-found",  # a file, folder or recording does not exist
    "not-installed",  # a package, program or optional extra is missing
    "syntax",  # YAML or an expression cannot be parsed
    "too-large",  # beyond a stated limit of size, memory or work
    "unknown-argument",  # a class or function has no such argument
    "unknown-key",  # a section of the configuration has no such key
    "unknown-name",  # no objective, class, theme, format, … of this name
    "unreadable",  # a file's content is damaged or of another kind
    "unsupported",  # understood, but not possible for this objective, class or format
    "wrong-type",  # text for a number, and the like
]
"""What kind of mistake an InputError reports. The codes are stable; the sentences may change."""


class GdsimError(Exception):
    """Something failed while running: a full disk, an encoder that is missing."""

    exit_status = 1


class InputError(GdsimError):
    """The user's input is at fault.

    Args:
        message: One sentence that says what is wrong and what to do.
        key: Where in the configuration, outermost first, as far as the raiser knows it:
            `("optimizers", "Adam", "lr")`. Empty when the input is no configuration.
        code: The kind of mistake.
    """

    exit_status = 2

    def __init__(self, message: str, key: tuple[str | int, ...] = (), *, code: Code = "invalid-value") -> None:
        super().__init__(message)
        self.key = key
        self.code: Code = code


class ConfigError(InputError):
    """Every mistake of one configuration, in the order of their places.

    Args:
        problems: One line each, `file:line:column: key: sentence`.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Return `"; did you mean 'x'?"` for the choice nearest to a mistyped word, or nothing."""
    by_folded = {choice.casefold(): choice for choice in choices}
    near = get_close_matches(word.casefold(), by_folded, n=1)
    return f"; did you mean '{by_folded[near[0]]}'?" if near else ""
