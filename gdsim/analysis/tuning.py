"""The hyper-parameters to tune, their ranges, and the budget."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

import numpy as np

from gdsim.errors import InputError, did_you_mean

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
"""The default range of each hyper-parameter."""

DECAY_RATES = ("momentum", "beta1", "beta2", "alpha", "rho")
"""The hyper-parameters that are decay rates of averages, whose distance from 1 matters."""

MAX_BUDGET = 10_000

EDGE = 0.01
"""The distance from an end of the range, as a fraction of the range, within which a value is at the edge."""

DIGITS = 3
"""The number of significant digits to which values are rounded if they remain distinct."""


class Scale(Enum):
    """The spacing of values over a range."""

    LOG = "log-uniform"
    LOG_FROM_ONE = "with 1 − {name} log-uniform"
    LINEAR = "evenly spaced"

    def to_position(self, value: float) -> float:
        """Return the position of a value on an axis on which the values are evenly spaced."""
        if self is Scale.LINEAR:
            return value
        return math.log(value) if self is Scale.LOG else -math.log1p(-value)

    def from_position(self, position: float) -> float:
        """Return the value at a position."""
        if self is Scale.LINEAR:
            return position
        return math.exp(position) if self is Scale.LOG else -math.expm1(-position)


@dataclass(frozen=True)
class Tuning:
    """The hyper-parameters to tune for each optimizer on each objective.

    A single hyper-parameter is tuned on a grid of `budget` values, several by `budget` trials of Optuna's TPE sampler.

    Attributes:
        names: The hyper-parameters; `beta1` and `beta2` are the elements of an argument `betas`.
        budget: The number of values, or combinations of values, to try.
        ranges: The low and high end for hyper-parameters that do not use those of `RANGES`. For decay rates the
            distance from 1 is log-uniform; other values are log-uniform if their range is above 0, and evenly spaced
            otherwise.

    Raises:
        InputError: A name, the budget or a range is invalid; `key` names it.
    """

    names: tuple[str, ...] = ("lr",)
    budget: int = 41
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.names:
            raise InputError("names no hyper-parameter, such as lr", ("tune",), code="missing")
        if len({*self.names}) < len(self.names):
            raise InputError("names one hyper-parameter twice", ("tune",), code="duplicate")
        if isinstance(self.budget, bool) or not isinstance(self.budget, int) or not 1 <= self.budget <= MAX_BUDGET:
            raise InputError(f"must be a whole number from 1 to {MAX_BUDGET}, not {self.budget}", ("budget",))
        for name in self.ranges:
            if name not in self.names:
                message = f"{name} is not tuned{did_you_mean(name, self.names)}"
                raise InputError(message, ("range",), code="unknown-name")
        for name in self.names:
            if name not in self.ranges and name not in RANGES:
                if hint := did_you_mean(name, RANGES):
                    raise InputError(f"there is no '{name}'{hint}", ("tune",), code="unknown-name")
                known = f"; known are those of {', '.join(RANGES)}"
                raise InputError(f"the range of {name} must be given{known}", ("range",), code="missing")
            self._check_range(name)

    def _check_range(self, name: str) -> None:
        low, high = self.range(name)
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise InputError(f"{name} needs two finite numbers, low before high, not {low:g}:{high:g}", ("range",))
        if name in ("lr", "eps") and low <= 0:
            raise InputError(f"{name} must be above 0, not {low:g}", ("range",))
        if name in DECAY_RATES and not (low >= 0 and high < 1):
            raise InputError(f"{name} must be from 0 and below 1, not {low:g}:{high:g}", ("range",))

    def range(self, name: str) -> tuple[float, float]:
        """Return the low and high end of a hyper-parameter's range."""
        low, high = self.ranges[name] if name in self.ranges else RANGES[name]
        return float(low), float(high)

    def values(self, name: str) -> tuple[float, ...]:
        """Return the grid of a hyper-parameter, ascending and including both ends; the midpoint for a budget of 1."""
        fractions = np.linspace(0.0, 1.0, self.budget) if self.budget > 1 else np.array([0.5])
        exact = [self._at(name, fraction) for fraction in fractions.tolist()]
        low, high = self.range(name)
        for digits in range(DIGITS, 17):
            rounded = sorted({self._round(name, value, digits) for value in exact})
            if len(rounded) == len(exact) and rounded[0] >= low and rounded[-1] <= high:
                return tuple(rounded)
        return tuple(sorted(exact))

    def value(self, name: str, fraction: float) -> float:
        """Return the value at a fraction, 0 to 1, of a range."""
        low, high = self.range(name)
        return min(max(self._round(name, self._at(name, fraction), DIGITS), low), high)

    def is_at_edge(self, name: str, value: float) -> bool:
        """Return whether a value is close to an end of its range."""
        low, high, at = (self._scale(name).to_position(each) for each in (*self.range(name), value))
        return not EDGE < (at - low) / (high - low) < 1 - EDGE

    def describe(self, name: str, *, grid: bool) -> str:
        """Return a description of the values, such as "lr on a grid from 1e-05 to 10, log-uniform"."""
        low, high = self.range(name)
        spacing = self._scale(name).value.format(name=name)
        ends = f"from {low:g} to {high:g}"
        return f"{name} on a grid {ends}, {spacing}" if grid else f"{name} {ends} ({spacing})"

    def _scale(self, name: str) -> Scale:
        if name in DECAY_RATES:
            return Scale.LOG_FROM_ONE
        return Scale.LOG if self.range(name)[0] > 0 else Scale.LINEAR

    def _at(self, name: str, fraction: float) -> float:
        scale, ends = self._scale(name), self.range(name)
        low, high = map(scale.to_position, ends)
        return min(max(scale.from_position(low + fraction * (high - low)), ends[0]), ends[1])

    def _round(self, name: str, value: float, digits: int) -> float:
        """Round a value, but keep the exact ends of the range."""
        for end in self.range(name):
            if math.isclose(value, end, rel_tol=1e-12, abs_tol=1e-15):
                return end
        if self._scale(name) is Scale.LOG_FROM_ONE:
            return float(f"{1 - float(f'{1 - value:.{digits}g}'):.15g}")
        return float(f"{value:.{digits}g}")


def parse_range(text: str) -> tuple[str, tuple[float, float]]:
    """Parse a range such as `"lr=1e-4:1"` into its name and its low and high end."""
    name, _, ends = text.partition("=")
    try:
        low, high = map(float, ends.split(":"))
    except ValueError:
        name = ""
    if not name.strip():
        raise InputError(f"must be NAME=LOW:HIGH, such as lr=1e-4:1, not '{text}'", ("range",), code="syntax")
    return name.strip(), (low, high)
