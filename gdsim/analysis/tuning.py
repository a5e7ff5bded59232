"""Tune hyper-parameters: which ones a class has, the values to try, and the search for the best."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from gdsim.analysis.metrics import lost
from gdsim.analysis.ranking import scores
from gdsim.config import Experiment, SourceContext
from gdsim.config.signatures import minimizers
from gdsim.errors import GdsimError, InputError, did_you_mean
from gdsim.objectives import FloatArray
from gdsim.simulation import Trajectory

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

DECAY_RATES = ("momentum", "beta1", "beta2", "alpha", "rho")  # of averages; their distance from 1 matters

MAX_BUDGET = 10_000
EDGE = 0.01  # distance from an end of a range, as a fraction of it, within which a value is at the edge
DIGITS = 3  # number of significant digits to which values are rounded if they remain distinct
CHUNK = 2**26  # maximum size of the trajectories in memory at once, in bytes

Values = Mapping[str, float]
Outcome = Trajectory | InputError
Score = tuple[float, float, float]
"""The share of starts not solved, evaluations to tolerance, and the lowest value; lower is better."""

WORST: Score = (1.0, math.inf, math.inf)


class Scale(NamedTuple):
    """The spacing of values over a range: maps from a value to its position on an evenly spaced axis, and back."""

    description: str
    position: Callable[[float], float]
    value: Callable[[float], float]


LOG = Scale("log-uniform", math.log, math.exp)
LOG_FROM_ONE = Scale("with 1 − {name} log-uniform", lambda x: -math.log1p(-x), lambda x: -math.expm1(-x))
LINEAR = Scale("evenly spaced", float, float)


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
        fractions = np.linspace(0.0, 1.0, self.budget).tolist() if self.budget > 1 else [0.5]
        # More digits are kept if values would be equal otherwise.
        for digits in range(DIGITS, 17):
            values = sorted({self.value(name, fraction, digits) for fraction in fractions})
            if len(values) == len(fractions):
                break
        return tuple(values)

    def value(self, name: str, fraction: float, digits: int = DIGITS) -> float:
        """Return the value at a fraction, 0 to 1, of a range, rounded to significant digits between its ends."""
        scale, (low, high) = self._scale(name), self.range(name)
        first, last = scale.position(low), scale.position(high)
        exact = scale.value(first + fraction * (last - first))
        for end in (low, high):
            if math.isclose(exact, end, rel_tol=1e-12, abs_tol=1e-15):
                return end
        if scale is LOG_FROM_ONE:
            rounded = float(f"{1 - float(f'{1 - exact:.{digits}g}'):.15g}")
        else:
            rounded = float(f"{exact:.{digits}g}")
        return min(max(rounded, low), high)

    def is_at_edge(self, name: str, value: float) -> bool:
        """Return whether a value is close to an end of its range."""
        low, high, at = map(self._scale(name).position, (*self.range(name), value))
        return not EDGE < (at - low) / (high - low) < 1 - EDGE

    def describe(self, name: str) -> str:
        """Return a description of the values, such as "lr from 1e-05 to 10 (log-uniform)"."""
        low, high = self.range(name)
        return f"{name} from {low:g} to {high:g} ({self._scale(name).description.format(name=name)})"

    def _scale(self, name: str) -> Scale:
        if name in DECAY_RATES:
            return LOG_FROM_ONE
        return LOG if self.range(name)[0] > 0 else LINEAR


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


def tunable_names(experiment: Experiment, tuning: Tuning) -> dict[str, tuple[str, ...]]:
    """Return for each optimizer the tuning's names that its class has; raise InputError if no class has one."""
    known = {
        label: _number_names(spec.class_name, spec.settings, experiment.context)
        for label, spec in experiment.optimizers.items()
    }
    every = list(dict.fromkeys(name for names in known.values() for name in names))
    for name in tuning.names:
        if name not in every:
            hint = did_you_mean(name, every) or (f"; they have {', '.join(every)}" if every else "")
            raise InputError(f"no optimizer has a number '{name}' to tune{hint}", ("tune",), code="unknown-name")
    return {label: tuple(name for name in tuning.names if name in names) for label, names in known.items()}


def tuned_arguments(experiment: Experiment, label: str, values: Values) -> dict[str, Any]:
    """Return the arguments of an optimizer that set hyper-parameters listed by `tunable_names`."""
    spec = experiment.optimizers[label]
    betas = _betas(_defaults(spec.class_name, experiment.context), spec.settings)
    arguments: dict[str, Any] = {name: value for name, value in values.items() if name not in betas}
    if len(arguments) < len(values):
        arguments["betas"] = tuple(values.get(name, value) for name, value in betas.items())
    return arguments


def _defaults(class_name: str, context: SourceContext) -> Mapping[str, Any]:
    """Return the arguments of a class with their defaults; none if it cannot be imported."""
    if class_name in minimizers():
        arguments = minimizers()[class_name].arguments.items()
        return {name: float(each.default) for name, each in arguments if each.schema == {"type": "number"}}

    from gdsim.optimizers import optimizer_class  # imports torch, which takes seconds

    try:
        parameters = inspect.signature(optimizer_class(class_name, (), context)).parameters
    except (InputError, TypeError, ValueError):
        return {}
    return {name: each.default for name, each in parameters.items()}


def _betas(defaults: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the elements of the argument `betas` as `beta1`, `beta2` …; empty if the class has none."""
    betas = settings.get("betas", defaults.get("betas"))
    is_given = "betas" in defaults and isinstance(betas, list | tuple)
    return {f"beta{number}": value for number, value in enumerate(betas, 1)} if is_given else {}


def _number_names(class_name: str, settings: Mapping[str, Any], context: SourceContext) -> list[str]:
    """Return the arguments that take a number."""
    defaults = _defaults(class_name, context)
    values = {**defaults, **settings, **_betas(defaults, settings)}
    return [
        name
        for name, value in values.items()
        if name in RANGES or (isinstance(value, int | float) and not isinstance(value, bool))
    ]


def for_tuning(experiment: Experiment) -> Experiment:
    """Return the experiment with another seed if its starts or its noise are a sample, so that tuning uses another."""
    if experiment.ensemble is None and (experiment.start is None or experiment.start.random is None):
        return experiment
    from gdsim.optimizers import rng  # imports torch, which takes seconds

    return experiment.model_copy(update={"seed": int(rng("tuning", experiment.seed, 0).integers(2**63))})


@dataclass(frozen=True)
class TuningResult:
    """The chosen values, their text in the table, and the reason if the class cannot run with any of the values."""

    values: Values
    summary: str = ""
    reason: str = ""


def search(experiment: Experiment, label: str, names: Sequence[str], tuning: Tuning) -> TuningResult:
    """Return the best values of one or more hyper-parameters of an optimizer on the experiment's single objective.

    Trials are ranked like the rows of a table; the smaller value wins a tie. If the minimum is not known, the lowest
    value of all trials is used instead.
    """
    trials: Iterable[tuple[Values, Outcome]]
    if len(names) == 1:
        grid = [{names[0]: value} for value in tuning.values(names[0])]
        trials = zip(grid, sweep_in_chunks(for_tuning(experiment), label, grid), strict=True)
    else:
        trials = _sample(experiment, label, names, tuning)
    lowest = math.inf
    if experiment.objectives[0].build().minimum is None:
        # A second pass scores the trials with the lowest value of the first; only one chunk is in memory at a time.
        tried, lows = zip(*((values, _lows(outcome).min()) for values, outcome in trials), strict=True)
        lowest = float(min(lows))
        trials = zip(tried, sweep_in_chunks(for_tuning(experiment), label, tried), strict=True)
    scored = [
        (outcome.message if isinstance(outcome, InputError) else "", _score(outcome, lowest), values)
        for values, outcome in trials
    ]
    reason, score, values = min(scored, key=lambda each: (bool(each[0]), each[1], tuple(each[2].values())))
    if reason:
        return TuningResult(values, reason=reason)
    if score == WORST:
        return TuningResult({}, "all trials failed")
    at_edge = any(tuning.is_at_edge(name, value) for name, value in values.items())
    edge = f" (at the edge of its {'grid' if len(names) == 1 else 'range'})" if at_edge else ""
    return TuningResult(values, ", ".join(f"{name} {value:.6g}" for name, value in values.items()) + edge)


def sweep_in_chunks(experiment: Experiment, label: str, trials: Sequence[Values]) -> Iterator[Outcome]:
    """Yield the trajectory for each of several trials, simulating as many at once as fit into `CHUNK`."""
    from gdsim.simulation.experiments import simulate_settings

    given = experiment.optimizers[label].settings
    settings = [{**given, **tuned_arguments(experiment, label, values)} for values in trials]
    size = (experiment.steps + 1) * experiment.paths * (2 * experiment.objectives[0].build().dim + 3) * 8
    together = max(1, CHUNK // size)
    for first in range(0, len(settings), together):
        yield from simulate_settings(experiment, label, settings[first : first + together])


def _sample(
    experiment: Experiment, label: str, names: Sequence[str], tuning: Tuning
) -> Iterator[tuple[Values, Outcome]]:
    optuna = import_optuna()
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        # The same seed for all optimizers: those with the same hyper-parameters begin with the same trials.
        optuna_study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=experiment.seed % 2**32))
        for _ in range(tuning.budget):
            trial = optuna_study.ask()
            values = {name: tuning.value(name, trial.suggest_float(name, 0.0, 1.0)) for name in names}
            (outcome,) = sweep_in_chunks(for_tuning(experiment), label, [values])
            optuna_study.tell(trial, _single_score(outcome))
            yield values, outcome
    finally:
        optuna.logging.set_verbosity(verbosity)


def import_optuna() -> Any:
    """Import Optuna; raise GdsimError if it is not installed."""
    try:
        import optuna
    except ImportError as error:
        raise GdsimError("tuning several at once needs Optuna: pip install 'gdsim[tune]'") from error
    return optuna


def _score(outcome: Outcome, lowest: float) -> Score:
    """Return the score of a trial; `lowest` is used as f* if the minimum is not known."""
    if isinstance(outcome, InputError):
        return WORST
    return scores(outcome, lowest).key()


def _lows(outcome: Outcome) -> FloatArray:
    """Return the lowest value of each start, (starts,); inf for a start that counts as lost."""
    if isinstance(outcome, InputError):
        return np.array([np.inf])
    return np.where(lost(outcome), np.inf, outcome.values.min(0))


def _single_score(outcome: Outcome) -> float:
    """Return the score as a single number for Optuna, with the same order up to rounding."""
    if isinstance(outcome, InputError):
        return math.inf
    unsolved, spent, low = _score(outcome, math.inf)
    minimum = outcome.objective.minimum
    if minimum is None:
        # The tolerance depends on the lowest value of all trials, which is not known yet.
        return low
    later = 1 - 1 / (1 + spent) if math.isfinite(spent) else 2 - 1 / (1 + math.log1p(max(low - minimum, 0.0)))
    return 3 * unsolved * len(outcome.stops) + later
