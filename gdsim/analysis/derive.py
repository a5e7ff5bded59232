"""An experiment → others in its manner: one for each objective, from other starts, with what tuning found."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gdsim.config import Experiment, OptimizerSpec, loads
from gdsim.config.arguments import OWN_KEYS
from gdsim.config.start import MAX_STARTS
from gdsim.config.yaml_text import dump, parse
from gdsim.errors import InputError, did_you_mean
from gdsim.objectives import names, objective

__all__ = ["ALL", "apart", "for_tuning", "moved", "tuned"]

ALL = "all"
"""Stands for every two-dimensional objective of the catalogue whose minimum is known."""


def apart(experiment: Experiment, objectives: Sequence[str] | None, starts: int | None) -> tuple[Experiment, ...]:
    """Return an experiment for each objective.

    Args:
        experiment: What is compared.
        objectives: Names of the catalogue, or `ALL`; None for the experiment's own.
        starts: How many random starts; None for the experiment's own.

    Raises:
        InputError: There is no such objective, or the number is at fault; `key` says which.
        ConfigError: The starts do not go with an objective.
    """
    changes = []
    if starts is not None:
        if isinstance(starts, bool) or not isinstance(starts, int) or not 1 <= starts <= MAX_STARTS:
            raise InputError(f"must be a whole number from 1 to {MAX_STARTS}, not {starts}", ("starts",))
        changes.append(f"start={{random: {starts}}}")
    if objectives is None:
        written = _plain(experiment)["objective"]
        chosen = written if isinstance(written, list) else [written]
    else:
        chosen = _named(objectives)
    return tuple(_changed(experiment, [*changes, f"objective={dump(each)}"]) for each in chosen)


def _named(objectives: Sequence[str]) -> list[Any]:
    known = names()
    for name in objectives:
        if name != ALL and name not in known:
            hint = did_you_mean(name, [*known, ALL]) or "; `gdsim list objectives` names them"
            raise InputError(f"there is no objective '{name}'{hint}", ("objectives",))
    if not objectives:
        raise InputError(f"names no objective, such as rosenbrock, or {ALL}", ("objectives",))
    every = [name for name in known if _is_plane(name)]
    return list(dict.fromkeys(each for name in objectives for each in (every if name == ALL else [name])))


def _is_plane(name: str) -> bool:
    built = objective(name)
    return built.dim == 2 and built.minimum is not None


def for_tuning(experiment: Experiment) -> Experiment:
    """Return an experiment from as many other random starts, with other noise; itself where its starts are given."""
    if experiment.start is None or experiment.start.random is None:
        return experiment
    from gdsim.simulation.starts import rng

    return experiment.model_copy(update={"seed": int(rng("tuning", experiment.seed, 0).integers(2**63))})


def tuned(experiment: Experiment, settings: Mapping[str, Mapping[str, Any]]) -> Experiment:
    """Return an experiment with other settings of its optimizers.

    Args:
        experiment: One with a single objective.
        settings: Label → all arguments of the class; an optimizer that is not named is left out.
    """
    written = _plain(experiment)["optimizers"]
    optimizers = {
        label: _with(written[label], experiment.optimizers[label], settings[label])
        for label in written
        if label in settings
    }
    return _changed(experiment, [f"optimizers={dump(optimizers)}"])


def _with(written: Any, spec: OptimizerSpec, settings: Mapping[str, Any]) -> Any:
    """Return an optimizer as it is written, with those settings replaced that are others now."""
    changed = {name: value for name, value in settings.items() if spec.settings.get(name, spec) != value}
    if not changed:
        return written
    mapping = dict(written or {})
    inside = dict(mapping.get("args") or {})
    for name, value in changed.items():
        plain = list(value) if isinstance(value, tuple) else value
        (inside if name in inside or name in OWN_KEYS else mapping)[name] = plain
    return mapping | ({"args": inside} if inside else {})


def moved(experiment: Experiment, folder: Path) -> str:
    """Return the YAML of an experiment as it must read in another folder.

    Raises:
        InputError: It names code that stands in its own folder.
    """
    plain, (spec,) = _plain(experiment), experiment.objectives
    if folder.resolve() == experiment.folder.resolve():
        return dump(plain)
    code = [spec.python or spec.network or "", *(each.class_name for each in experiment.optimizers.values())]
    for name in code:
        module = name.partition(":")[0].removesuffix(".py").partition(".")[0]
        if ":" in name and _allows_code(experiment) and _stands_in(experiment.folder, module):
            raise InputError(f"{name} stands beside {experiment.name}: name a file in {experiment.folder} to write")
    if isinstance(plain["objective"], dict):
        plain["objective"] = _moved_files(plain["objective"], experiment.folder, folder)
    return dump(plain)


def _moved_files(objective: Mapping[str, Any], here: Path, there: Path) -> dict[str, Any]:
    """Return an objective as it is written, with the files that it names as they are found from another folder."""

    def path(file: str) -> str:
        name, colon, label = file.partition(".npz:")
        return os.path.relpath((here / f"{name}{'.npz' * bool(colon)}").resolve(), there.resolve()) + colon[4:] + label

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


def _stands_in(folder: Path, module: str) -> bool:
    return (folder / f"{module}.py").exists() or (folder / module).is_dir()


def _allows_code(experiment: Experiment) -> bool:
    return any(spec.context.allow_code for spec in experiment.optimizers.values())


def _plain(experiment: Experiment) -> dict[str, Any]:
    """Return what the configuration says, in plain values."""
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
