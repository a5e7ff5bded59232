"""The errors that gdsim raises; the text of each is one line per mistake.

GdsimError                something failed while running              exit status 1
└── InputError            the user's input is at fault                exit status 2
    ├── ConfigError       the same, located in a file                 exit status 2
    └── ExpressionError   the same, with the column in an expression  exit status 2
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal, NamedTuple, ParamSpec, TypeVar

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


P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")
T = TypeVar("T")

Key = tuple[str | int, ...]
"""A path of keys in the configuration, outermost first: `("optimizers", "Adam", "betas", 0)`."""


class SourceLocation(NamedTuple):
    """Where something is written. Locations sort in reading order, the file before each override.

    Attributes:
        order: 0 for the file, n for the nth override, whose `source` is its location.
        line: From 1.
        column: From 1.
        source: The file, or the command-line option.
    """

    order: int
    line: int
    column: int
    source: str

    def __str__(self) -> str:
        return self.source if self.order else f"{self.source}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Problem:
    """One mistake in the user's input. Its text is one line: `file:line:column: key: message`.

    Attributes:
        message: What is wrong and what to do.
        key: What is at fault, as far as it is known.
        code: The kind of mistake.
        at_key: Whether the last part of `key` is itself wrong, such as a mistyped key, and not its value. The line then
            shows the keys above it and has the location of the key.
        location: Where it is written, if it is in a file or an override.
    """

    message: str
    key: Key = ()
    code: Code = "invalid-value"
    at_key: bool = False
    location: SourceLocation | None = None

    def __str__(self) -> str:
        shown = self.key[:-1] if self.at_key else self.key
        parts = (str(self.location or ""), ".".join(map(str, shown)), self.message)
        return printable(": ".join(filter(None, parts)))


class GdsimError(Exception):
    """Something failed while running: a full disk, an encoder that is missing."""

    exit_status = 1


class InputError(GdsimError):
    """The user's input is at fault.

    Args:
        message: One sentence that says what is wrong and what to do; it does not repeat the key.
        key: What is at fault, as far as the raiser knows it: `("optimizers", "Adam", "lr")`.
        code: The kind of mistake.

    Attributes:
        problems: The single mistake; a ConfigError may have several, in the order of their locations.
    """

    exit_status = 2

    def __init__(self, message: str, key: Key = (), *, code: Code = "invalid-value") -> None:
        self.message, self.key, self.code = message, key, code
        self.problems: tuple[Problem, ...] = (Problem(message, key, code),)

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))

    def below(self, *keys: str | int) -> InputError:
        """Return the same mistake with keys above its own."""
        return InputError(self.message, (*keys, *self.key), code=self.code)


class ConfigError(InputError):
    """Every mistake of one or more configurations. Its key and code are those of the first.

    Args:
        problems: At least one; duplicates are dropped.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        unique = tuple(dict.fromkeys(problems))
        super().__init__("\n".join(map(str, unique)), unique[0].key, code=unique[0].code)
        self.problems = unique


def collect(function: Callable[[S], T], items: Iterable[S]) -> list[T]:
    """Return the results of a function for all items, and raise the mistakes of all of them together."""
    results: list[T] = []
    problems: list[Problem] = []
    for item in items:
        try:
            results.append(function(item))
        except InputError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    return results


def printable(text: str) -> str:
    """Return text as one line that is safe to print in a terminal: control characters are escaped."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


SYNONYMS = {
    "lr": ("alpha", "learning_rate", "rate", "step_size"),
    "betas": ("beta", "beta1", "beta2"),
    "eps": ("epsilon",),
    "weight_decay": ("decay", "l2", "wd"),
    "steps": ("epochs", "iterations", "max_iter", "maxiter", "n_iter", "n_steps", "num_steps"),
    "start": ("init", "initial", "point", "x0"),
    "path": ("file", "filename", "out", "output"),
    "seconds": ("speed", "duration", "length", "frames"),
    "max_bytes": ("max_size", "max_mb", "filesize"),
    "levels": ("contours",),
    "field": ("cmap", "colormap", "colourmap", "palette"),
    "size": ("figsize", "resolution", "width", "height"),
    "type": ("fontsize", "font_size", "textsize", "text_size"),
    "surface": ("3d",),
    "contour": ("2d",),
    "CosineAnnealingLR": ("cosine", "cosine_annealing"),
    "ExponentialLR": ("exponential",),
    "OneCycleLR": ("onecycle", "one_cycle"),
    "StepLR": ("step",),
    "run": ("animate", "plot", "simulate"),
    "hidden": ("layers",),
    "objectives": ("functions",),
    "network": ("model",),
    "class": ("target",),
}
"""What other libraries call our keys and arguments."""


SIMILAR = 0.65  # of two words, from 0 to 1; "language" and "plane" have 0.62


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Return `"; did you mean 'x'?"` for the choice nearest to a mistyped word or to a synonym, or nothing."""
    by_folded = {choice.casefold(): choice for choice in choices}
    ours = {name: by_folded[name.casefold()] for name in SYNONYMS if name.casefold() in by_folded}
    synonyms = {synonym: choice for name, choice in ours.items() for synonym in SYNONYMS[name]}
    meant = synonyms | by_folded
    near = get_close_matches(word.casefold(), meant, n=1, cutoff=SIMILAR)
    return f"; did you mean '{meant[near[0]]}'?" if near else ""


def check_arguments(function: Callable[P, R]) -> Callable[P, R]:
    """Make a function raise InputError, with a suggestion, where Python would raise TypeError for its arguments."""
    signature = inspect.signature(function)

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            signature.bind(*args, **kwargs)
        except TypeError as error:
            for name in kwargs.keys() - signature.parameters.keys():
                message = f"{function.__name__} has no such argument{did_you_mean(name, signature.parameters)}"
                raise InputError(message, (name,), code="unknown-argument") from None
            raise InputError(f"{function.__name__}: {error}", code="missing") from None
        return function(*args, **kwargs)

    return call
