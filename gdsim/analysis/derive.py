"""An experiment → related ones: one per objective, from other starts, with tuned settings, for another folder."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gdsim.config import Experiment, OptimizerSpec, loads
from gdsim.config.optimizer import OWN_KEYS
from gdsim.config.start import MAX_STARTS
from gdsim.config.yaml_text import dump, parse
from gdsim.errors import InputError, did_you_mean
from gdsim.objectives import names, objective

__all__ = ["ALL", "for_tuning", "split", "with_settings", "yaml_for_folder"]

ALL = "all"
"""The name for every two-dimensional objective of the catalogue whose minimum is known."""


def split(experiment: Experiment, objectives: Sequence[str] | None, starts: int | None) -> tuple[Experiment, ...]:
    """Return an experiment per objective.

    Args:
        experiment: The experiment.
        objectives: Names of the catalogue, or `ALL`; None for the experiment's own.
        starts: The number of random starts; None for the experiment's own starts.

    Raises:
        InputError: There is no such objective, or the number is invalid; `key` says which.
        ConfigError: The starts do not fit an objective.
    """
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
    """Return an experiment with another seed if its starts are random, so that it is tuned from other starts."""
    if experiment.start is None or experiment.start.random is None:
        return experiment
    from gdsim.optimizers import rng

    return experiment.model_copy(update={"seed": int(rng("tuning", experiment.seed, 0).integers(2**63))})


def with_settings(experiment: Experiment, settings: Mapping[str, Mapping[str, Any]]) -> Experiment:
    """Return an experiment with other settings of its optimizers, also in its YAML.

    Args:
        experiment: An experiment with a single objective.
        settings: Label → all arguments of the class; optimizers that are not named are removed.
    """
    written = _plain(experiment)["optimizers"]
    optimizers = {
        label: _with(each, experiment.optimizers[label], settings[label])
        for label, each in written.items()
        if label in settings
    }
    return _changed(experiment, [f"optimizers={dump(optimizers)}"])


def _with(written: Any, spec: OptimizerSpec, settings: Mapping[str, Any]) -> Any:
    """Return an optimizer as written in YAML, with the settings that differ replaced."""
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
    """Return the YAML of an experiment with its relative paths rewritten for another folder.

    Raises:
        InputError: It names code that is in its own folder.
    """
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
    """Return an objective as written in YAML, with the relative paths in it rewritten for another folder."""

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
    """Return the configuration as plain values."""
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
