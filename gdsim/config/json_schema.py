"""The JSON Schema of a configuration as people write it, shorthands included, for editors.

It keeps to draft 07, and a list of a fixed length to one schema for all items: YAML plug-ins know no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from gdsim import objectives, signatures
from gdsim.config.arguments import argument
from gdsim.config.experiment import Experiment
from gdsim.config.specs import FORMS_OF_OBJECTIVES
from gdsim.signatures import Signature

__all__ = ["schema"]

Schema = dict[str, Any]


def schema() -> Schema:
    """Return the JSON Schema of a configuration."""
    generated = Experiment.model_json_schema(ref_template="#/definitions/{model}", schema_generator=_WithoutFieldTitles)
    models = generated.pop("$defs")
    for section in ("view", "animation", "output"):
        generated["properties"][section] = _or_null(generated["properties"][section])
    definitions = models | {
        "ObjectiveSpec": _objective(models["ObjectiveSpec"]),
        "OptimizerSpec": _optimizer(models["OptimizerSpec"]),
        "Schedule": _schedule(),
        "Start": _start(models["Start"]),
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        **generated,
        "title": "gdsim experiment",
        "description": "A function, a few optimizers and a start: what one animation shows.",
        "definitions": definitions,
    }


class _WithoutFieldTitles(GenerateJsonSchema):
    """Leaves out titles such as "Clip Norm", which only repeat the key."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        return False


def _or_null(form: Schema) -> Schema:
    described: Schema = {}
    value: Schema = {}
    for key, part in form.items():
        (described if key in ("description", "default") else value)[key] = part
    return {**described, "anyOf": [value, {"type": "null"}]}


def _objective(model: Schema) -> Schema:
    properties = {key: _optional(form) for key, form in model["properties"].items() if key != "parameters"}
    properties["name"] |= {"enum": list(objectives.names())}
    properties["bounds"] = _with_pair(model["properties"]["bounds"])
    mapping = {
        "type": "object",
        "properties": properties,
        "oneOf": [{"required": [form]} for form in FORMS_OF_OBJECTIVES],
        "additionalProperties": model["properties"]["parameters"]["additionalProperties"],
    }
    return {"description": model["description"], "anyOf": [properties["name"], mapping]}


def _optional(form: Schema) -> Schema:
    """Return the form of a value that may be left out, without its null."""
    if "anyOf" not in form:
        return form
    return {key: part for key, part in (form | _required(form)).items() if key not in ("anyOf", "default")}


def _with_pair(bounds: Schema) -> Schema:
    """Add the bare [low, high] of one dimension to a list of them."""
    pairs = next(choice for choice in bounds["anyOf"] if choice["type"] == "array")
    return {**bounds, "anyOf": [pairs["items"], *bounds["anyOf"]]}


def _start(model: Schema) -> Schema:
    number = {"type": "number"}
    point = {"type": "array", "items": number, "minItems": 1}
    properties = {key: _required(model["properties"][key]) for key in ("grid", "random")}
    mapping = {
        "type": "object",
        "properties": properties,
        "oneOf": [{"required": [key]} for key in properties],
        "additionalProperties": False,
    }
    points = {"type": "array", "items": point, "minItems": 1}
    return {"description": model["description"], "anyOf": [number, point, points, mapping]}


def _required(form: Schema) -> Schema:
    """Return the form of an optional value without its null."""
    (value,) = (choice for choice in form["anyOf"] if choice != {"type": "null"})
    return {"description": form["description"], **value}


def _optimizer(model: Schema) -> Schema:
    offered = signatures.optimizers()
    own = {key: form for key, form in model["properties"].items() if key != "settings"}
    name = own["class"]
    dotted = {"type": "string", "pattern": r"\."}
    own["class"] = {
        "description": name["description"],
        "anyOf": [{"type": "string", "enum": list(offered), "examples": name["examples"]}, dotted],
    }
    own["schedule"] = _or_null({"description": own["schedule"]["description"], "$ref": "#/definitions/Schedule"})
    own["args"] = {
        "description": "Arguments of the class that are called as one of gdsim's own keys here.",
        "type": ["object", "null"],
    }
    taken = _arguments(offered.values())
    described = {key: {"description": form["description"]} for key, form in taken.items()}
    mapping = {
        "type": "object",
        "properties": own | described,
        # Classes of other packages take what they take.
        "if": {"properties": {"class": dotted}, "required": ["class"]},
        "else": {"properties": taken},
    }
    return {"description": model["description"], "anyOf": [mapping, {"type": "null"}]}


def _schedule() -> Schema:
    offered = {
        name: signature
        for name, signature in signatures.schedules().items()
        if not any("Callable" in signature.annotations[key] for key in _needed(signature))
    }
    name = {"type": "string", "enum": list(offered), "examples": ["CosineAnnealingLR"]}
    named = {"description": "A class of torch.optim.lr_scheduler.", **name}
    taken = _arguments(offered.values())
    inner = {"type": "array", "items": {"$ref": "#/definitions/Schedule"}}
    taken["schedulers"] = {"description": taken["schedulers"]["description"], **inner}
    mapping = {
        "type": "object",
        "properties": {"class": named, **taken},
        "required": ["class"],
        "additionalProperties": False,
    }
    return {"description": "How the learning rate changes from step to step.", "anyOf": [name, mapping]}


def _needed(signature: Signature) -> list[str]:
    return [name for name, default in signature.arguments.items() if not default]


def _arguments(offered: Iterable[Signature]) -> dict[str, Schema]:
    """Return each argument that any of the classes takes, with the defaults that it has there."""
    defaults: dict[str, list[str]] = {}
    forms: dict[str, list[Mapping[str, Any]]] = {}
    for signature in offered:
        for name, default in signature.arguments.items():
            form = argument(signature.annotations[name])
            defaults.setdefault(name, []).append(f"{signature.name} ({default or 'required'})")
            forms.setdefault(name, [])
            forms[name] += [choice for choice in form.get("anyOf", [form]) if choice not in forms[name]]
    return {
        name: {"description": f"An argument of {', '.join(defaults[name])}.", **_either(forms[name])}
        for name in sorted(defaults)
    }


def _either(forms: list[Mapping[str, Any]]) -> Schema:
    if {} in forms:
        return {}
    return dict(forms[0]) if len(forms) == 1 else {"anyOf": forms}
