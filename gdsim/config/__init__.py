"""YAML text to an Experiment: all mistakes of a file at once, each with its location."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from functools import partial
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from gdsim.config.edits import edited
from gdsim.config.experiment import Experiment, Origin, Start
from gdsim.config.json_schema import schema
from gdsim.config.messages import problems_in
from gdsim.config.model import SourceContext
from gdsim.config.optimizer import OptimizerSpec
from gdsim.config.presentation import FORMATS, Animation, Camera, Output, View, Zoom
from gdsim.config.signatures import optimizers
from gdsim.config.sweep import EVERY, START, Axis, Sweep
from gdsim.config.yaml_text import MAX_BYTES, TOO_LARGE, dump, override, parse
from gdsim.errors import ConfigError, InputError, Problem, SourceLocation, check_arguments, collect
from gdsim.files import suggest_sibling

__all__ = [
    "Animation",
    "Camera",
    "Experiment",
    "OptimizerSpec",
    "Output",
    "SourceContext",
    "Start",
    "Sweep",
    "View",
    "Zoom",
    "formats",
    "load",
    "loads",
    "schema",
    "starter",
    "takes_whole_numbers",
    "varied",
    "with_edits",
    "with_overrides",
]


formats = FORMATS.choices


@check_arguments
def load(
    path: str | os.PathLike[str],
    *,
    overrides: Sequence[str] = (),
    transient_overrides: Mapping[str, str] = MappingProxyType({}),
    allow_code: bool = False,
) -> Experiment:
    """Read an experiment from a YAML file; the other arguments are those of `loads`.

    Raises:
        InputError: There is no such file, or it is not text; or an override is not `KEY=VALUE`.
        ConfigError: The text is not a valid configuration. The error contains all mistakes.
    """
    path = Path(path)
    return loads(
        read_text(path),
        name=path.stem,
        file=str(path),
        folder=path.parent,
        overrides=overrides,
        transient_overrides=transient_overrides,
        allow_code=allow_code,
    )


@check_arguments
def loads(
    text: str,
    *,
    name: str = "experiment",
    file: str = "<text>",
    folder: str | os.PathLike[str] = "",
    overrides: Sequence[str] = (),
    transient_overrides: Mapping[str, str] = MappingProxyType({}),
    allow_code: bool = False,
) -> Experiment:
    """Read an experiment from YAML text.

    Args:
        text: The YAML.
        name: The name of the output files.
        file: The name of the text in errors.
        folder: The folder that paths in the text are relative to; the current folder by default.
        overrides: Values that replace those of the text, each `KEY=VALUE` with a dotted key and a value in
            YAML: `"optimizers.Adam.lr=0.1"`.
        transient_overrides: More of them that are not written into `Experiment.yaml`, each with its name in errors:
            `{"output.formats=[gif]": "--format gif"}`.
        allow_code: Whether Python code that the configuration names may run.

    Raises:
        InputError: An override is not `KEY=VALUE`.
        ConfigError: The text is not a valid configuration. The error contains all mistakes.
    """
    document = parse(text, file)
    override(document, {each: f"--set {each}" for each in overrides})
    kept = dump(document.value) if overrides else text
    override(document, transient_overrides)
    if document.problems:
        raise document.error(document.problems)
    if document.value is None:
        raise document.error([Problem("is empty; `gdsim init FILE` writes a config to start from", code="missing")])
    if not isinstance(document.value, dict):
        samples = f"{{samples: {file}}}" if file.endswith(".csv") else "himmelblau"
        message = f"must be a mapping, with lines such as `objective: {samples}`"
        raise document.error([Problem(message, code="wrong-type")])
    if name.strip() in {"", ".", ".."}:
        raise document.error([Problem(f"its output files would be called {name!r}: rename it")])
    return _validated(Origin(name, SourceContext(Path(folder), allow_code), kept, document))


def _validated(origin: Origin) -> Experiment:
    """Return the experiment of a document."""
    document = origin.document
    try:
        experiment = Experiment.model_validate(document.value, context=origin.context)
    except ValidationError as error:
        raise document.error(problems_in(error, document.value)) from None
    experiment._origin = origin
    if experiment.sweep is not None:
        collect(partial(_check_ends, experiment), [*zip("xy", experiment.sweep.axes, strict=False)])
    return experiment


def with_edits(experiment: Experiment, edits: Sequence[Mapping[str, Any]]) -> Experiment:
    """Return an experiment with edits as for `edits.edit`, which are not made in its `yaml`.

    Raises:
        InputError: An edit is not possible.
        ConfigError: The changed configuration is not valid. Locations are those in the text without the edits.
    """
    document = experiment._origin.document
    document = replace(document, value=edited(document.value, edits))
    return _validated(experiment._origin._replace(document=document))


def with_overrides(experiment: Experiment, overrides: Sequence[str]) -> Experiment:
    """Return an experiment with overrides, which are those of `loads`.

    Raises:
        ConfigError: The changed configuration is not valid.
    """
    return loads(
        experiment.yaml,
        name=experiment.name,
        file=str(experiment.folder / f"{experiment.name}.yaml"),
        folder=experiment.folder,
        overrides=overrides,
        allow_code=experiment.context.allow_code,
    )


def varied(experiment: Experiment, settings: Mapping[str, float]) -> Experiment:
    """Return the experiment of one cell of a sweep, which `simulate` can run; its `yaml` is that of the sweep.

    The settings are those that axes name, without the start, each with an `int` if it takes whole numbers only.

    Raises:
        ConfigError: A setting or its value is not valid.
    """
    overrides = ["sweep=null", *(["animation.zoom=null"] if experiment.animation.zoom else [])]
    for setting, value in settings.items():
        first, _, rest = setting.partition(".")
        every = first == "optimizers" and rest.startswith(f"{EVERY}.")
        labels = experiment.optimizers if every else [""]
        for label in labels:
            dotted = setting.replace(EVERY, label, 1) if every else setting
            overrides += [*_written_list(experiment, dotted), f"{dotted}={value!r}"]
    document = experiment._origin.document
    document = replace(document, value=deepcopy(document.value), locations=dict(document.locations))
    override(document, {each: f"--set {each}" for each in overrides})
    return _validated(experiment._origin._replace(document=document))


def _written_list(experiment: Experiment, setting: str) -> list[str]:
    """Return the override that writes the default of a list such as `betas`, if a setting is an item of it."""
    head, _, index = setting.rpartition(".")
    label, _, argument = head.removeprefix("optimizers.").rpartition(".")
    spec = experiment.optimizers.get(label)
    if not index.isdecimal() or spec is None or argument in spec.settings:
        return []
    known = optimizers()[spec.class_name].arguments.get(argument) if spec.class_name in optimizers() else None
    default = known.default if known is not None else ""
    return [f"{head}=[{default[1:-1]}]"] if default.startswith("(") else []


def takes_whole_numbers(experiment: Experiment, setting: str, value: float) -> bool:
    """Return whether a setting takes whole numbers only, such as `value`, rounded."""
    return not _is_valid(experiment, {setting: float(round(value))}) and _is_valid(experiment, {setting: round(value)})


def _is_valid(experiment: Experiment, settings: Mapping[str, float]) -> bool:
    try:
        varied(experiment, settings)
    except ConfigError:
        return False
    return True


def _check_ends(experiment: Experiment, named: tuple[str, Axis]) -> None:
    """Check that the lowest and the highest value of an axis are valid for its setting."""
    name, axis = named
    if axis.setting.partition(".")[0] == START:
        return
    key = "values" if axis.range is None else "range"
    given = axis.range or axis.values or []
    whole = takes_whole_numbers(experiment, axis.setting, given[0])
    for value in (min(given), max(given)):
        try:
            varied(experiment, {axis.setting: int(value) if whole and value.is_integer() else value})
        except ConfigError as error:
            problem = error.problems[0]
            at = key if problem.code in {"invalid-value", "wrong-type", "too-large"} else "setting"
            sentence = f"{axis.setting} = {value:g}: {problem.message}"
            raise experiment.locate(InputError(sentence, ("sweep", name, at), code=problem.code)) from None


def starter() -> str:
    """Return the commented config that `gdsim init` writes."""
    return files("gdsim").joinpath("starter.yaml").read_text("utf-8")


def read_text(path: Path) -> str:
    """Return the text of a YAML file.

    Raises:
        InputError: There is no such file, it is too large, or it is not text.
    """
    try:
        if path.is_fifo():
            raise InputError(f"{path}: is a pipe, not a file", code="unreadable")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        hint = (
            suggest_sibling(path)
            or "; `gdsim init FILE` writes a config to start from, and `gdsim examples` lists others"
        )
        raise InputError(f"{path}: no such file{hint}", code="not-found") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: cannot be read: {reason}", code="unreadable") from None
    if len(content) > MAX_BYTES:
        raise ConfigError([Problem(TOO_LARGE, code="too-large", location=SourceLocation(0, 1, 1, str(path)))])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        message = f"{path}: line {line} is not UTF-8 text; a config is YAML, and a run's .npz is for `gdsim render`"
        raise InputError(message, code="unreadable") from None
