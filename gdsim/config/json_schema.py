"""The JSON Schema of a configuration as people write it, shorthands included, for editors.

It keeps to draft 07, and a list of a fixed length to one schema for all items: YAML plug-ins know no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from gdsim import networks, objectives, themes
from gdsim.config import signatures
from gdsim.config.arguments import argument
from gdsim.config.experiment import Experiment
from gdsim.config.objective import BELONGINGS, FORMS_OF_OBJECTIVES, OF_INPUTS
from gdsim.config.signatures import Signature

__all__ = ["schema"]

Schema = dict[str, Any]


def schema() -> Schema:
    """Return the JSON Schema of a configuration."""
    generated = Experiment.model_json_schema(ref_template="#/definitions/{model}", schema_generator=_WithoutFieldTitles)
    models = generated.pop("$defs")
    for section in ("view", "animation", "output"):
        generated["properties"][section] = _or_null(generated["properties"][section])
    generated["properties"]["objective"] = _one_or_several(generated["properties"]["objective"])
    view, own_theme = models["View"]["properties"], models["OwnTheme"]["properties"]
    view |= {"camera": _or_null(view["camera"]), "theme": _with_themes(view["theme"])}
    own_theme["base"] = _with_themes(own_theme["base"])
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

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> Schema:
        """Write a union as it is read: by whichever choice fits."""
        return self.union_schema(core_schema.union_schema(list(schema["choices"].values())))


def _or_null(form: Schema) -> Schema:
    described: Schema = {}
    value: Schema = {}
    for key, part in form.items():
        (described if key in ("description", "default") else value)[key] = part
    return {**described, "anyOf": [value, {"type": "null"}]}


def _one_or_several(form: Schema) -> Schema:
    """Return the form of a list that may be left out around a single item."""
    several = {key: part for key, part in form.items() if key != "description"}
    return {"description": form["description"], "anyOf": [form["items"], several]}


def _with_themes(form: Schema) -> Schema:
    names = {"enum": list(themes.names())}
    return {**form, "anyOf": [form["anyOf"][0] | names, *form["anyOf"][1:]]}


def _objective(model: Schema) -> Schema:
    properties = model["properties"] | {form: _given(model["properties"][form]) for form in FORMS_OF_OBJECTIVES}
    properties["name"] |= {"enum": list(objectives.names())}
    properties["bounds"] = _with_pair(properties["bounds"])
    for key in ("constants", "args"):
        properties[key] = _or_null(properties[key])
    properties["data"] = _data(properties["data"])
    properties["activation"] = _named(properties["activation"], networks.ACTIVATIONS)
    properties["loss"] = _named(properties["loss"], networks.LOSSES)
    parameters = properties.pop("parameters")
    mappings = {form: _mapping(form, properties) for form in FORMS_OF_OBJECTIVES}
    strange = [key for key in model["properties"] if key not in mappings["name"]["properties"]]
    mappings["name"] |= {
        "propertyNames": {"not": {"enum": strange}},
        "additionalProperties": parameters["additionalProperties"],
    }
    finite_differences = {"properties": {"gradient": {"const": "finite_differences"}}, "required": ["gradient"]}
    mappings["samples"]["dependencies"] = {"edge_order": finite_differences}
    of_inputs = {"properties": {"wrt": {"const": "input"}}, "required": ["wrt"]}
    mappings["network"] |= {"required": ["network", "data"], "dependencies": dict.fromkeys(OF_INPUTS, of_inputs)}
    return {"description": model["description"], "anyOf": [properties["name"], *mappings.values()]}


def _mapping(form: str, properties: Schema) -> Schema:
    """Return one form of an objective with the keys that go with it."""
    belonging = [key for key in properties if key not in FORMS_OF_OBJECTIVES]
    keys = [form, *(key for key in belonging if form in BELONGINGS.get(key, FORMS_OF_OBJECTIVES))]
    return {
        "type": "object",
        "properties": {key: properties[key] for key in keys},
        "required": [form],
        "additionalProperties": False,
    }


def _given(form: Schema) -> Schema:
    """Return the form of a value that is nothing only where it is left out, without its null."""
    return {key: part for key, part in (form | _required(form)).items() if key not in ("anyOf", "default")}


def _data(form: Schema) -> Schema:
    """Return the form of data, whose name may stand for itself."""
    names = {"type": "string", "examples": form["examples"]}
    return {"description": form["description"], "anyOf": [names, *_some(form)]}


def _named(form: Schema, names: Iterable[str]) -> Schema:
    return {"description": form["description"], "anyOf": [{"enum": list(names)}, {"type": "null"}]}


def _some(form: Schema) -> list[Schema]:
    """Return the choices of an optional value without its null."""
    return [choice for choice in form["anyOf"] if choice != {"type": "null"}]


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
    (value,) = _some(form)
    return {"description": form["description"], **value}


def _optimizer(model: Schema) -> Schema:
    offered = signatures.optimizers()
    own = {key: form for key, form in model["properties"].items() if key != "settings"}
    name = own["class"]
    dotted = {"type": "string", "pattern": r"[.:]"}
    own["class"] = {
        "description": name["description"],
        "anyOf": [
            {"type": "string", "enum": list(offered), "examples": name["examples"]},
            {**dotted, "examples": ["pytorch_optimizer.Lion"]},
        ],
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
        "examples": [{"lr": 0.01}],
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
