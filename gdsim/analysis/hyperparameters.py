"""Which hyper-parameters an optimizer has, and its settings with some of them replaced."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from gdsim.analysis.tuning import RANGES, Tuning
from gdsim.config import Experiment, SourceContext
from gdsim.errors import InputError, did_you_mean
from gdsim.optimizers import optimizer_class

__all__ = ["replace_settings", "tunable_names"]

BETAS = {"beta1": 0, "beta2": 1}
"""The index in an argument `betas`."""

NOT_TUNABLE = ("params", "model", "args", "kwargs")
"""Arguments that are not hyper-parameters."""


def tunable_names(experiment: Experiment, tuning: Tuning) -> dict[str, tuple[str, ...]]:
    """Return for each optimizer which of the tuning's names its class has.

    Raises:
        InputError: No optimizer has one of them; `key` is `("tune",)`.
    """
    known = {
        label: _number_names(spec.class_name, spec.settings, spec.context)
        for label, spec in experiment.optimizers.items()
    }
    every = list(dict.fromkeys(name for names in known.values() for name in names))
    for name in tuning.names:
        if name not in every:
            hint = did_you_mean(name, every) or (f"; they have {', '.join(every)}" if every else "")
            raise InputError(f"no optimizer has a number '{name}' to tune{hint}", ("tune",), code="unknown-name")
    return {label: tuple(name for name in tuning.names if name in names) for label, names in known.items()}


def replace_settings(experiment: Experiment, label: str, values: Mapping[str, float]) -> dict[str, Any]:
    """Return the settings of an optimizer with some hyper-parameters replaced, which `tunable_names` must list."""
    spec = experiment.optimizers[label]
    settings = dict(spec.settings)
    for name, value in values.items():
        settings = _replaced(spec.class_name, settings, spec.context, name, value)
    return settings


def _defaults(class_name: str, context: SourceContext) -> Mapping[str, Any]:
    """Return the arguments of a class with their defaults; none if it cannot be imported."""
    try:
        class_ = optimizer_class(class_name, (), context)
        return {name: each.default for name, each in inspect.signature(class_).parameters.items()}
    except (InputError, TypeError, ValueError):
        return {}


def _wrapped(defaults: Mapping[str, Any], settings: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the argument with which a class wraps another optimizer, and that optimizer; empty for most classes."""
    argument = next((name for name in defaults if name.endswith("optimizer")), "")
    value = settings.get(argument)
    inner = {"class": value} if isinstance(value, str) else value
    return (argument, dict(inner)) if isinstance(inner, Mapping) and "class" in inner else ("", {})


def _number_names(class_name: str, settings: Mapping[str, Any], context: SourceContext) -> tuple[str, ...]:
    """Return the arguments that take a number, including those of a wrapped optimizer."""
    defaults = _defaults(class_name, context)
    argument, inner = _wrapped(defaults, settings)
    names = [name for name, default in defaults.items() if _is_number(name, settings.get(name, default))]
    names += [name for name, index in BETAS.items() if index < len(_betas(defaults, settings))]
    if argument:
        names += _number_names(inner.pop("class"), inner, context)
    return tuple(dict.fromkeys(names))


def _is_number(name: str, value: Any) -> bool:
    if name in NOT_TUNABLE:
        return False
    return name in RANGES or (isinstance(value, int | float) and not isinstance(value, bool))


def _betas(defaults: Mapping[str, Any], settings: Mapping[str, Any]) -> list[Any] | tuple[Any, ...]:
    betas = settings.get("betas", defaults.get("betas"))
    return betas if isinstance(betas, list | tuple) and "betas" in defaults else ()


def _replaced(
    class_name: str, settings: dict[str, Any], context: SourceContext, name: str, value: float
) -> dict[str, Any]:
    defaults = _defaults(class_name, context)
    if name in defaults:
        return settings | {name: value}
    betas = list(_betas(defaults, settings))
    if BETAS.get(name, len(betas)) < len(betas):
        betas[BETAS[name]] = value
        return settings | {"betas": tuple(betas)}
    argument, inner = _wrapped(defaults, settings)
    # A setting of the wrapped optimizer that is written beside the wrapper is overridden.
    outer = {key: each for key, each in settings.items() if key != name}
    inner_class = inner.pop("class")
    return outer | {argument: {"class": inner_class, **_replaced(inner_class, inner, context, name, value)}}
