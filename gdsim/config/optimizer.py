"""The optimizers of a configuration, and whether their classes have the arguments that they are given.

The names and types of the arguments of torch.optim and of minimizers are known without importing torch or SciPy. A
class of another package is checked when it is imported, by the same `argument_problems`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from gdsim.config import signatures
from gdsim.config.messages import accepts, format_value, must_be
from gdsim.config.model import HERE, Finite, Model, OptionalColor, SourceContext, none_as_empty, refuse
from gdsim.config.signatures import Signature
from gdsim.errors import Key, Problem, did_you_mean
from gdsim.objectives import import_problems

MATRICES_ONLY = ("Muon",)  # classes of torch.optim that update matrices only

MAX_INTEGER = 1_000_000
MAX_WORK = {"max_iter": 1000, "max_eval": 1000, "history_size": 1000}
"""The largest whole numbers of arguments; lower limits for those that multiply the work of a step."""

DOTTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+\Z")
IN_FILE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*\Z")
IMPLEMENTATION = ("foreach", "capturable", "differentiable", "fused")  # arguments that do not change a path
PASSED = ("params", "model", "optimizer")  # arguments that gdsim passes

EXAMPLE = "{class: SGD, lr: 0.1}"


def with_class(value: Any) -> Any:
    """Return a schedule or `rest` as a mapping with its class, also the schedules inside a schedule.

    Other values than names and mappings are returned as they are.
    """
    if isinstance(value, str):
        value = {"class": value}
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("class"), str):
        value = value | {"class": value["class"].removeprefix("torch.optim.lr_scheduler.")}
    if isinstance(value.get("schedulers"), list):
        value = value | {"schedulers": [with_class(inner) for inner in value["schedulers"]]}
    return value


class GradientSettings(Model):
    """What is done to each gradient before the optimizer gets it; `gdsim.simulation.stepper` does it."""

    noise: Annotated[Finite, Field(ge=0)] = 0.0
    """The standard deviation of Gaussian noise that is added to each gradient, by the seed."""
    clip_norm: Annotated[Finite, Field(gt=0)] | None = None
    """The largest norm of a gradient; longer gradients are scaled down to it. No limit by default."""

    def texts(self) -> list[str]:
        """Return each setting as in a legend: `["noise 0.5", "clip 1"]`."""
        noise = [f"noise {self.noise:g}"] if self.noise else []
        return noise if self.clip_norm is None else [*noise, f"clip {self.clip_norm:g}"]


OWN_KEYS = ("class", "schedule", *GradientSettings.model_fields, "rest", "color", "args")
"""The keys of an optimizer that are ours; `args` takes arguments of the same names."""


class OptimizerSpec(GradientSettings):
    """One optimizer: its class, the arguments of the class, and what gdsim adds."""

    class_name: str = Field(alias="class", examples=["SGD"])
    """A class of torch.optim, such as SGD; or a minimizer, gradient_descent or newton with a line search, or one of
    SciPy, such as scipy.BFGS; or the dotted name of a class in an installed package that requires torch, such as
    pytorch_optimizer.Lion; or, only with --allow-code, my_optimizer.py:MyOptimizer, a class in a file beside the
    configuration, or a class of any other package. Required unless the label is itself such a name."""
    settings: dict[str, Any] = Field(default={})
    """Arguments of the class."""
    schedule: Annotated[dict[str, Any], BeforeValidator(with_class)] | None = None
    """How the learning rate changes: a class of torch.optim.lr_scheduler, with its arguments."""
    rest: Annotated[dict[str, Any], BeforeValidator(with_class)] | None = Field(
        default=None,
        examples=["AdamW", {"class": "AdamW", "lr": 0.001}],
        json_schema_extra={"anyOf": [{"type": "string"}, {"type": "object", "required": ["class"]}, {"type": "null"}]},
    )
    """For a network and a class that updates matrices only, as Muon does: the optimizer of all other parameters, a
    class or a mapping with its class and arguments. AdamW with its defaults for Muon. Both follow the schedule, each
    from its own learning rate, unless the schedule sets the rates, as OneCycleLR does."""
    color: OptionalColor = None
    """The colour of the path, #rrggbb; chosen to differ by default."""

    @model_validator(mode="before")
    @classmethod
    def _gather_settings(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        settings = {key: setting for key, setting in value.items() if key not in OWN_KEYS}
        more = none_as_empty(value.get("args"))
        if not isinstance(more, dict):
            refuse([Problem(f"must be a mapping of arguments, not {format_value(more)}", ("args",), "wrong-type")])
        refuse(
            Problem(f"'{key}' is given here and in args", (key,), "duplicate", at_key=True)
            for key in settings
            if key in more
        )
        own = {key: value[key] for key in OWN_KEYS if key in value and key != "args"}
        return own | {"settings": settings | more}

    @field_validator("class_name")
    @classmethod
    def _check_class(cls, name: str, info: ValidationInfo) -> str:
        refuse(class_problems(name, context=info.context or HERE))
        return bare_class(name)

    @field_validator("settings")
    @classmethod
    def _check_settings(cls, settings: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        if "class_name" in info.data:
            refuse(_setting_problems(info.data["class_name"], settings, info.context or HERE, own=OWN_KEYS))
        return settings

    @field_validator("schedule")
    @classmethod
    def _check_schedule(cls, schedule: dict[str, Any] | None) -> dict[str, Any] | None:
        refuse(_schedule_problems(schedule) if schedule else ())
        return schedule

    @field_validator("rest")
    @classmethod
    def _check_rest(cls, rest: dict[str, Any] | None, info: ValidationInfo) -> dict[str, Any] | None:
        if rest is None or "class_name" not in info.data:
            return rest
        refuse(_rest_problems(info.data["class_name"], rest, info.context or HERE))
        return rest | {"class": bare_class(rest["class"])}

    @property
    def is_minimizer(self) -> bool:
        """Whether the class is not one of torch.optim, but a method that evaluates the function itself."""
        return self.class_name in signatures.minimizers()


def bare_class(name: str) -> str:
    """Return `"Adam"` for `"torch.optim.Adam"`, and any other name as it is."""
    bare = name.removeprefix("torch.optim.")
    return name if "." in bare else bare


def class_problems(name: str, key: Key = (), context: SourceContext = HERE) -> Iterator[Problem]:
    """Yield what is wrong with the name of an optimizer's class, which is given at a key."""
    bare, offered = bare_class(name), signatures.offered()
    if bare in offered:
        return
    if name.startswith("scipy."):
        yield Problem(f"there is no minimizer {format_value(name)}{did_you_mean(name, offered)}", key, "unknown-name")
    elif ":" in name and not IN_FILE.match(name):
        message = f"must be 'file.py:Class', as in 'my_optimizer.py:MyOptimizer', not {format_value(name)}"
        yield Problem(message, key)
    elif ":" not in name and not DOTTED.match(bare):
        hint = did_you_mean(bare, offered) or "; another class is 'file.py:Class' or 'package.Class'"
        message = f"torch.optim has no optimizer {format_value(bare)}{hint}"
        yield Problem(message, key, "unknown-name")
    elif not context.allow_code:
        for problem in import_problems(name, key, context.folder):
            yield replace(problem, message=problem.message + did_you_mean(name.rpartition(".")[2], offered))


def argument_problems(
    signature: Signature, given: Mapping[str, Any], key: Key = (), *, own: Collection[str] = (), values: bool = True
) -> Iterator[Problem]:
    """Yield what is wrong with the arguments of a class: unknown and missing names, and values of a wrong type.

    Values are checked only if they are plain ones from YAML. `own` are keys of ours, which suggestions include.
    """
    for name, value in given.items():
        known = signature.arguments.get(name)
        if name in PASSED and known is None:
            yield Problem(f"'{name}' cannot be set: gdsim passes it", (*key, name), "not-allowed", at_key=True)
        elif known is None and not signature.takes_any:
            choices = [*signature.arguments, *own]
            listed = ", ".join(each for each in choices if each not in IMPLEMENTATION)
            hint = did_you_mean(name, choices) or f"; it has {listed}"
            if name.isdecimal():
                hint = "; decimals take a point, as in 0.01"
            elif name.partition(" ")[0] in signature.arguments:
                hint = f"; a colon is missing: `{name.replace(' ', ': ', 1)}`"
            message = f"{signature.name} has no argument '{name}'{hint}"
            yield Problem(message, (*key, name), "unknown-argument", at_key=True)
        elif known is not None and values:
            yield from _value_problems(name, value, known.schema, (*key, name))
    for name in signature.required:
        if name not in given:
            yield Problem(f"{signature.name} needs the argument '{name}'", key, "missing")


def _value_problems(name: str, value: Any, schema: Mapping[str, Any], key: Key) -> Iterator[Problem]:
    types = {choice.get("type") for choice in schema.get("anyOf", [schema])}
    if (types == {"null"} and value is not None) or "not" in schema:
        yield Problem("must be a Python function, which a config cannot contain; remove it", key, "unsupported")
    elif not accepts(schema, value):
        is_several = isinstance(value, list) and "array" not in types
        hint = "; give each value a label of its own, or sweep it" * is_several
        yield Problem(must_be(schema, value) + hint, key, "wrong-type")
    elif "integer" in types and "number" not in types and (value or 0) > (limit := MAX_WORK.get(name, MAX_INTEGER)):
        yield Problem(must_be({"type": "integer", "maximum": limit}, value), key, "too-large")


def _setting_problems(
    class_name: str,
    settings: Mapping[str, Any],
    context: SourceContext,
    key: Key = (),
    *,
    own: Collection[str] = ("class",),
) -> Iterator[Problem]:
    """Yield what is wrong with an optimizer's settings; of a class elsewhere only what it wraps can be checked."""
    signature = signatures.offered().get(class_name)
    if signature is not None:
        yield from argument_problems(signature, settings, key, own=own)
        return
    for name, value in settings.items():
        if name.endswith("optimizer"):
            yield from _inner_problems(value, context, (*key, name))
        elif name in PASSED:
            yield Problem(f"'{name}' cannot be set: gdsim passes it", (*key, name), "not-allowed", at_key=True)


def _inner_problems(value: Any, context: SourceContext, key: Key = ()) -> Iterator[Problem]:
    """Yield what is wrong with an optimizer that another one wraps, a class or a mapping with its class."""
    given = {"class": value} if isinstance(value, str) else value
    name = given.get("class") if isinstance(given, dict) else None
    if not isinstance(name, str):
        yield Problem(f"needs the class of an optimizer, such as {EXAMPLE}", key, "missing")
    elif problems := list(class_problems(name, key if isinstance(value, str) else (*key, "class"), context)):
        yield from problems
    else:
        settings = {name: setting for name, setting in given.items() if name != "class"}
        yield from _setting_problems(bare_class(name), settings, context, key)


def _rest_problems(class_name: str, rest: Mapping[str, Any], context: SourceContext) -> Iterator[Problem]:
    """Yield what is wrong with the optimizer of the parameters that a class does not update."""
    if class_name in signatures.optimizers() and class_name not in MATRICES_ONLY:
        message = f"is for classes that update matrices only, such as Muon; {class_name} updates all parameters"
        yield Problem(message, code="unsupported")
        return
    shared = [name for name in rest if name in OWN_KEYS and name != "class"]
    for name in shared:
        message = f"'{name}' belongs beside rest, for all parameters together"
        yield Problem(message, (name,), "conflict", at_key=True)
    yield from _inner_problems({name: rest[name] for name in rest if name not in shared}, context)


def _schedule_problems(value: Any, key: Key = ()) -> Iterator[Problem]:
    """Yield what is wrong with a schedule that `with_class` has returned."""
    if not isinstance(value, dict):
        message = f"must be a schedule's class, or a mapping with its class, not {format_value(value)}"
        yield Problem(message, key, "wrong-type")
        return
    name, offered = value.get("class"), signatures.schedules()
    given = {argument: setting for argument, setting in value.items() if argument != "class"}
    if name is None:
        yield Problem("needs the class of a schedule, such as {class: StepLR, step_size: 50}", key, "missing")
    elif not isinstance(name, str) or name not in offered:
        message = f"torch.optim.lr_scheduler has no schedule {format_value(name)}{did_you_mean(str(name), offered)}"
        yield Problem(message, (*key, "class"), "unknown-name")
    elif functions := [each for each in offered[name].required if "not" in offered[name].arguments[each].schema]:
        message = f"{name} needs a Python function ({functions[0]}), which a config cannot contain"
        yield Problem(f"{message}; try CyclicLR, OneCycleLR or SequentialLR", (*key, "class"), "unsupported")
    else:
        parts = given.get("schedulers")
        if "schedulers" in offered[name].arguments and isinstance(parts, list) and parts:
            for index, part in enumerate(parts):
                yield from _schedule_problems(part, (*key, "schedulers", index))
        yield from argument_problems(offered[name], given, key, own=["class"])
