"""Which hyper-parameters are tuned, over which values, and with how large a budget."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

import numpy as np

from gdsim.errors import InputError, did_you_mean

__all__ = ["RANGES", "Tuning"]

RANGES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "lr": (1e-5, 10.0),
        "momentum": (0.0, 0.99),
        "beta1": (0.0, 0.99),
        "beta2": (0.9, 0.9999),
        "alpha": (0.9, 0.9999),
        "rho": (0.5, 0.999),
        "weight_decay": (1e-6, 1.0),
        "eps": (1e-12, 1e-2),
    }
)
"""From where to where a hyper-parameter is tuned unless something else is asked for."""

AVERAGES = ("momentum", "beta1", "beta2", "alpha", "rho")
"""Decay rates of averages: what counts is their distance from 1."""

MOST = 10_000
"""The largest budget."""

MARGIN = 0.01
"""A value lies at the edge of its range when it is nearer to an end than this share of it."""

DIGITS = 3
"""Values are rounded to so many digits where that keeps them apart, so that they can be read and typed."""


class Scale(Enum):
    """How values are spaced over a range."""

    LOG = "log-uniform"
    FROM_ONE = "with 1 − {name} log-uniform"
    EVEN = "evenly spaced"


@dataclass(frozen=True)
class Tuning:
    """What is tried for each optimizer, on each objective.

    One hyper-parameter is tuned on a grid of `budget` values, several by as many trials of Optuna's TPE sampler.

    Attributes:
        names: The hyper-parameters; `beta1` and `beta2` are the two of an argument `betas`.
        budget: How many values, or combinations of values, are tried.
        ranges: Low and high end of each, where they differ from `RANGES`. A decay rate is spaced so that its distance
            from 1 is log-uniform; others are log-uniform where their range is above 0, and even where it is not.

    Raises:
        InputError: A name, the budget or a range is at fault; `key` says which.
    """

    names: tuple[str, ...] = ("lr",)
    budget: int = 41
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.names or not all(self.names):
            raise InputError("names no hyper-parameter, such as lr", ("tune",))
        if len({*self.names}) < len(self.names):
            raise InputError("names one hyper-parameter twice", ("tune",))
        if isinstance(self.budget, bool) or not isinstance(self.budget, int) or not 1 <= self.budget <= MOST:
            raise InputError(f"must be a whole number from 1 to {MOST}, not {self.budget}", ("budget",))
        for name in self.ranges:
            if name not in self.names:
                raise InputError(f"{name} is not tuned{did_you_mean(name, self.names)}", ("range",))
        for name in self.names:
            if name not in self.ranges and name not in RANGES:
                if hint := did_you_mean(name, RANGES):
                    raise InputError(f"there is no '{name}'{hint}", ("tune",))
                known = f"; known are those of {', '.join(RANGES)}"
                raise InputError(f"the range of {name} must be given{known}", ("range",))
            self._check_range(name)

    def _check_range(self, name: str) -> None:
        low, high = self.range(name)
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise InputError(f"{name} needs two finite numbers, low before high, not {low:g}:{high:g}", ("range",))
        if name in ("lr", "eps") and low <= 0:
            raise InputError(f"{name} must be above 0, not {low:g}", ("range",))
        if name in AVERAGES and not (low >= 0 and high < 1):
            raise InputError(f"{name} must be from 0 and below 1, not {low:g}:{high:g}", ("range",))

    def range(self, name: str) -> tuple[float, float]:
        """Return the low and high end of a hyper-parameter."""
        low, high = self.ranges.get(name, RANGES.get(name, (math.nan, math.nan)))
        return float(low), float(high)

    def values(self, name: str) -> tuple[float, ...]:
        """Return the grid of a hyper-parameter, ascending, both ends included; a budget of 1 is the middle."""
        shares = np.linspace(0.0, 1.0, self.budget) if self.budget > 1 else np.array([0.5])
        exact = [self._at(name, share) for share in shares.tolist()]
        for digits in range(DIGITS, 17):
            rounded = sorted({self._rounded(name, value, digits) for value in exact})
            if len(rounded) == len(exact) and rounded[0] >= self.range(name)[0] and rounded[-1] <= self.range(name)[1]:
                return tuple(rounded)
        return tuple(sorted(exact))

    def value(self, name: str, share: float) -> float:
        """Return the value at a share of the way, 0 to 1, through a range."""
        low, high = self.range(name)
        return min(max(self._rounded(name, self._at(name, share), DIGITS), low), high)

    def is_at_edge(self, name: str, value: float) -> bool:
        """Return whether a value lies at an end of its range."""
        low, high, at = (self._place(name, each) for each in (*self.range(name), value))
        share = (at - low) / (high - low)
        return not MARGIN < share < 1 - MARGIN

    def words(self, name: str, *, grid: bool) -> str:
        """Return how a hyper-parameter's values are spaced: "lr on a log-uniform grid from 1e-05 to 10"."""
        low, high = self.range(name)
        spaced = self._scale(name).value.format(name=name)
        ends = f"from {low:g} to {high:g}"
        return f"{name} on a grid {ends}, {spaced}" if grid else f"{name} {ends} ({spaced})"

    def _scale(self, name: str) -> Scale:
        if name in AVERAGES:
            return Scale.FROM_ONE
        return Scale.LOG if self.range(name)[0] > 0 else Scale.EVEN

    def _place(self, name: str, value: float) -> float:
        """Where a value stands on its scale."""
        scale = self._scale(name)
        if scale is Scale.EVEN:
            return value
        return math.log(value) if scale is Scale.LOG else -math.log1p(-value)

    def _at(self, name: str, share: float) -> float:
        low, high = (self._place(name, each) for each in self.range(name))
        place = low + share * (high - low)
        scale = self._scale(name)
        value = place if scale is Scale.EVEN else math.exp(place) if scale is Scale.LOG else -math.expm1(-place)
        return min(max(value, self.range(name)[0]), self.range(name)[1])

    def _rounded(self, name: str, value: float, digits: int) -> float:
        """Round what is spaced, but leave the ends as they were given."""
        ends = self.range(name)
        if any(math.isclose(value, end, rel_tol=1e-12, abs_tol=1e-15) for end in ends):
            return min(ends, key=lambda end: abs(end - value))
        if self._scale(name) is Scale.FROM_ONE:
            return float(f"{1 - float(f'{1 - value:.{digits}g}'):.15g}")
        return float(f"{value:.{digits}g}")


def parsed_range(words: str) -> tuple[str, tuple[float, float]]:
    """Return the name and the range of `"lr=1e-4:1"`.

    Raises:
        InputError: It is not written so.
    """
    name, equals, ends = words.partition("=")
    parts: Sequence[str] = ends.split(":")
    try:
        low, high = map(float, parts)
    except ValueError:
        equals = ""
    if not equals or not name.strip():
        raise InputError(f"must be NAME=LOW:HIGH, such as lr=1e-4:1, not '{words}'", ("range",))
    return name.strip(), (low, high)
