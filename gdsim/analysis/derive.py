"""Derive experiments: one per objective, with other starts or settings, or for another folder."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gdsim.analysis.tuning import RANGES, Tuning
from gdsim.config import Experiment, OptimizerSpec, SourceContext, loads
from gdsim.config.experiment import MAX_STARTS
from gdsim.config.optimizer import OWN_KEYS
from gdsim.config.yaml_text import dump, parse
from gdsim.errors import InputError, did_you_mean
from gdsim.objectives import names, objective
from gdsim.optimizers import optimizer_class, rng

ALL = "all"
"""The name for all two-dimensional objectives in the catalogue with a known minimum."""

BETAS = {"beta1": 0, "beta2": 1}
"""The index of each name in the argument `betas`."""

NOT_TUNABLE = ("params", "model", "args", "kwargs")
"""Arguments that are not hyper-parameters."""


def split(experiment: Experiment, objectives: Sequence[str] | None, starts: int | None) -> tuple[Experiment, ...]:
    """Return an experiment per objective, with the arguments of `study` applied."""
    changes = []
    if starts is not None:
        if isinstance(starts, bool) or not isinstance(starts, int) or not 1 <= starts <= MAX_STARTS:
            raise InputError(f"must be a whole number from 1 to {MAX_STARTS}, not {starts}", ("starts",))
        changes.append(f"start={{random: {starts}}}")
    if objectives is None:
        if starts is not None and any(spec.to_train() is not None for spec in experiment.objectives):
            message = "do not go with a network, which begins from its own weights"
            raise InputError(message, ("starts",), code="unsupported")
        written = _plain(experiment)["objective"]
        chosen = written if isinstance(written, list) else [written]
    else:
        chosen = _expand(objectives)
    return tuple(_changed(experiment, [*changes, f"objective={dump(each)}"]) for each in chosen)


def _expand(objectives: Sequence[str]) -> list[str]:
    known = names()
    for name in objectives:
        if name != ALL and name not in known:
            hint = did_you_mean(name, [*known, ALL]) or "; `gdsim list objectives` lists them"
            raise InputError(f"there is no objective '{name}'{hint}", ("objectives",), code="unknown-name")
    if not objectives:
        raise InputError(f"names no objective, such as rosenbrock, or {ALL}", ("objectives",), code="missing")
    every = [name for name in known if (each := objective(name)).dim == 2 and each.minimum is not None]
    return list(dict.fromkeys(each for name in objectives for each in (every if name == ALL else [name])))


def for_tuning(experiment: Experiment) -> Experiment:
    """Return the experiment with another seed if its starts are random, so that tuning uses other starts."""
    if experiment.start is None or experiment.start.random is None:
        return experiment
    return experiment.model_copy(update={"seed": int(rng("tuning", experiment.seed, 0).integers(2**63))})


def with_settings(experiment: Experiment, settings: Mapping[str, Mapping[str, Any]]) -> Experiment:
    """Return an experiment with settings replaced by label; optimizers without settings are removed."""
    written = _plain(experiment)["optimizers"]
    optimizers = {
        label: _with(each, experiment.optimizers[label], settings[label])
        for label, each in written.items()
        if label in settings
    }
    return _changed(experiment, [f"optimizers={dump(optimizers)}"])


def _with(written: Any, spec: OptimizerSpec, settings: Mapping[str, Any]) -> Any:
    """Return the YAML value of an optimizer with the changed settings replaced."""
    changed = {name: value for name, value in settings.items() if spec.settings.get(name, spec) != value}
    if not changed:
        return written
    mapping = dict(written or {})
    arguments = dict(mapping.get("args") or {})
    for name, value in changed.items():
        plain = list(value) if isinstance(value, tuple) else value
        (arguments if name in arguments or name in OWN_KEYS else mapping)[name] = plain
    return mapping | ({"args": arguments} if arguments else {})


def yaml_for_folder(experiment: Experiment, folder: Path) -> str:
    """Return the YAML with relative paths rewritten; raise InputError if it uses code in its own folder."""
    plain, (spec,) = _plain(experiment), experiment.objectives
    if folder.resolve() == experiment.folder.resolve():
        return dump(plain)
    code = [spec.python or spec.network or "", *(each.class_name for each in experiment.optimizers.values())]
    for name in code:
        module = experiment.folder / name.partition(":")[0].removesuffix(".py").partition(".")[0]
        if ":" in name and _allows_code(experiment) and (module.with_suffix(".py").exists() or module.is_dir()):
            message = f"{name} is beside {experiment.name}: write to a file in {experiment.folder}"
            raise InputError(message, code="unsupported")
    if isinstance(plain["objective"], dict):
        plain["objective"] = _relocated(plain["objective"], experiment.folder, folder)
    return dump(plain)


def _relocated(objective: Mapping[str, Any], old: Path, new: Path) -> dict[str, Any]:
    def path(file: str) -> str:
        name, colon, label = file.partition(".npz:")
        return os.path.relpath((old / f"{name}{'.npz' * bool(colon)}").resolve(), new.resolve()) + colon[4:] + label

    found = dict(objective)
    for key in ("samples", "trained"):
        if isinstance(found.get(key), str):
            found[key] = path(found[key])
    data = found.get("data")
    if isinstance(data, str) and data.endswith(".npz"):
        found["data"] = path(data)
    elif isinstance(data, dict) and str(data.get("name")).endswith(".npz"):
        found["data"] = data | {"name": path(data["name"])}
    return found


def _allows_code(experiment: Experiment) -> bool:
    return any(spec.context.allow_code for spec in experiment.optimizers.values())


def _plain(experiment: Experiment) -> dict[str, Any]:
    value: dict[str, Any] = parse(experiment.yaml, experiment.name).value
    return value


def _changed(experiment: Experiment, changes: Sequence[str]) -> Experiment:
    return loads(
        experiment.yaml,
        name=experiment.name,
        file=str(experiment.folder / f"{experiment.name}.yaml"),
        folder=experiment.folder,
        overrides=changes,
        allow_code=_allows_code(experiment),
    )


def tunable_names(experiment: Experiment, tuning: Tuning) -> dict[str, tuple[str, ...]]:
    """Return for each optimizer the tuning's names that its class has; raise InputError if no class has one."""
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
    """Return the settings of an optimizer with hyper-parameters replaced that `tunable_names` lists."""
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
    """Return the argument that takes a wrapped optimizer, and that optimizer; empty if the class wraps none."""
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
    # Remove a setting of the wrapped optimizer that is given among the wrapper's settings.
    outer = {key: each for key, each in settings.items() if key != name}
    inner_class = inner.pop("class")
    return outer | {argument: {"class": inner_class, **_replaced(inner_class, inner, context, name, value)}}
