"""Which hyper-parameters a class of optimizers has, and how a value of one is written among its settings."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gdsim.analysis.tuning import RANGES, Tuning
from gdsim.config import Experiment, OptimizerSpec, SourceContext
from gdsim.errors import InputError, did_you_mean
from gdsim.optimizers import optimizer_class

__all__ = ["digest", "setting", "tuned_names"]

PAIR = {"beta1": 0, "beta2": 1}
"""The two of an argument `betas`."""

NEVER = ("params", "model", "args", "kwargs")
"""Arguments that are no hyper-parameters of their class."""


def tuned_names(experiment: Experiment, tuning: Tuning) -> dict[str, tuple[str, ...]]:
    """Return for each optimizer which of the tuning's names its class has.

    Raises:
        InputError: No optimizer has one of them; `key` says so.
    """
    known = {
        label: _names(spec.class_name, spec.settings, spec.context) for label, spec in experiment.optimizers.items()
    }
    every = list(dict.fromkeys(name for names in known.values() for name in names))
    for name in tuning.names:
        if name not in every:
            hint = did_you_mean(name, every) or (f"; they have {', '.join(every)}" if every else "")
            raise InputError(f"no optimizer has a number '{name}' to tune{hint}", ("tune",))
    return {label: tuple(name for name in tuning.names if name in names) for label, names in known.items()}


def setting(experiment: Experiment, label: str, values: Mapping[str, float]) -> dict[str, Any]:
    """Return the settings of an optimizer with some of its hyper-parameters replaced.

    Args:
        experiment: What it belongs to.
        label: The optimizer.
        values: The hyper-parameters, such as `tuned_names` returns.
    """
    spec = experiment.optimizers[label]
    settings = dict(spec.settings)
    for name, value in values.items():
        settings = _with(spec.class_name, settings, spec.context, name, value)
    return settings


def digest(spec: OptimizerSpec) -> str:
    """Return what tells the code of a class from another of its name.

    It covers the file that defines the class, and neither what that file imports nor a class that is wrapped. It is
    empty for a class of torch, whose version is known, and for one whose file cannot be found.
    """
    if "." not in spec.class_name and ":" not in spec.class_name:
        return ""
    try:
        path = inspect.getfile(optimizer_class(spec.class_name, (), spec.context))
        return hashlib.blake2b(Path(path).read_bytes(), digest_size=16).hexdigest()
    except (InputError, OSError, TypeError):
        return ""


def _parameters(class_name: str, context: SourceContext) -> Mapping[str, Any]:
    """Return the arguments of a class with their defaults; none where it cannot be imported."""
    try:
        class_ = optimizer_class(class_name, (), context)
        return {name: each.default for name, each in inspect.signature(class_).parameters.items()}
    except (InputError, TypeError, ValueError):
        return {}


def _wrapped(parameters: Mapping[str, Any], settings: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the argument by which a class wraps another, and what it wraps as a mapping; empty for most."""
    argument = next((name for name in parameters if name.endswith("optimizer")), "")
    value = settings.get(argument)
    inner = {"class": value} if isinstance(value, str) else value
    return (argument, dict(inner)) if isinstance(inner, Mapping) and "class" in inner else ("", {})


def _names(class_name: str, settings: Mapping[str, Any], context: SourceContext) -> tuple[str, ...]:
    """Return the arguments that take a number, those of what is wrapped among them."""
    parameters = _parameters(class_name, context)
    argument, inner = _wrapped(parameters, settings)
    names = [name for name, default in parameters.items() if _is_number(name, settings.get(name, default))]
    names += [name for name, index in PAIR.items() if index < len(_betas(parameters, settings))]
    if argument:
        names += _names(inner.pop("class"), inner, context)
    return tuple(dict.fromkeys(names))


def _is_number(name: str, value: Any) -> bool:
    if name in NEVER:
        return False
    return name in RANGES or (isinstance(value, int | float) and not isinstance(value, bool))


def _betas(parameters: Mapping[str, Any], settings: Mapping[str, Any]) -> list[Any] | tuple[Any, ...]:
    betas = settings.get("betas", parameters.get("betas"))
    return betas if isinstance(betas, list | tuple) and "betas" in parameters else ()


def _with(class_name: str, settings: dict[str, Any], context: SourceContext, name: str, value: float) -> dict[str, Any]:
    """Return settings with one hyper-parameter replaced, where its class has it."""
    parameters = _parameters(class_name, context)
    if name in parameters:
        return settings | {name: value}
    betas = list(_betas(parameters, settings))
    if PAIR.get(name, len(betas)) < len(betas):
        betas[PAIR[name]] = value
        return settings | {"betas": tuple(betas)}
    argument, inner = _wrapped(parameters, settings)
    # What stands beside the wrapping class for the wrapped one gives way.
    beside = {key: each for key, each in settings.items() if key != name}
    class_inside = inner.pop("class")
    return beside | {argument: {"class": class_inside, **_with(class_inside, inner, context, name, value)}}
