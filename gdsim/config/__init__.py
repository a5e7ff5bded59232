"""YAML text to an Experiment: all mistakes of a file at once, each with its location."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from pydantic import ValidationError

from gdsim.config.experiment import Experiment, Origin, Start
from gdsim.config.json_schema import schema
from gdsim.config.messages import problems_in
from gdsim.config.model import SourceContext
from gdsim.config.objective import ObjectiveSpec
from gdsim.config.optimizer import OptimizerSpec
from gdsim.config.presentation import FORMATS, PRESETS, Animation, Camera, Output, View
from gdsim.config.yaml_text import MAX_BYTES, TOO_LARGE, dump, override, parse
from gdsim.errors import ConfigError, InputError, Problem, SourceLocation, check_arguments
from gdsim.files import suggest_sibling

__all__ = [
    "PRESETS",
    "Animation",
    "Camera",
    "Experiment",
    "ObjectiveSpec",
    "OptimizerSpec",
    "Output",
    "SourceContext",
    "Start",
    "View",
    "formats",
    "load",
    "loads",
    "schema",
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
        _read(path),
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
        message = "must be a mapping, with lines such as `objective: himmelblau`"
        raise document.error([Problem(message, code="wrong-type")])
    if name.strip() in {"", ".", ".."}:
        raise document.error([Problem(f"its output files would be called {name!r}: rename it")])
    context = SourceContext(Path(folder), allow_code)
    try:
        experiment = Experiment.model_validate(document.value, context=context)
    except ValidationError as error:
        raise document.error(problems_in(error, document.value)) from None
    experiment._origin = Origin(name, context, kept, document)
    return experiment


def _read(path: Path) -> str:
    if path.is_fifo():
        raise InputError(f"{path}: is a pipe, not a file", code="unreadable")
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        hint = suggest_sibling(path) or "; `gdsim init FILE` writes a config to start from"
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
