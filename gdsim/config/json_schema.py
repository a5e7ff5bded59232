"""The JSON Schema of a configuration as people write it, shorthands included, for editors.

It is draft 07, and a list of a fixed length has one schema for all items: YAML plug-ins support no more.
"""

from __future__ import annotations

import ast
import inspect
import json
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import pairwise
from typing import Any

from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from gdsim.config import signatures
from gdsim.config.experiment import Experiment
from gdsim.config.objective import FORMS, INPUT_KEYS, OPERATORS
from gdsim.config.signatures import Signature
from gdsim.objectives.tokens import VARIABLE

Schema = dict[str, Any]
NULL = {"type": "null"}


def schema() -> Schema:
    """Return the JSON Schema of a configuration."""
    generated = Experiment.model_json_schema(ref_template="#/definitions/{model}", schema_generator=_Generator)
    generated = json.loads(json.dumps(generated).replace("\\n", " "))  # line breaks of docstrings
    models = generated.pop("$defs")
    definitions = models | {
        "ObjectiveSpec": _objective(models["ObjectiveSpec"]),
        "OptimizerSpec": _optimizer(models["OptimizerSpec"]),
        "Schedule": _schedule(),
        "Start": models["Start"]
        | {
            "oneOf": [{"required": [form]} for form in models["Start"]["properties"]],
            "examples": [{"grid": [8, 8]}, {"random": 16}],
        },
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        **generated,
        "title": "gdsim experiment",
        "description": "A function, a few optimizers and a start: the content of one animation.",
        "definitions": definitions,
    }


class _Generator(GenerateJsonSchema):
    """Describes fields by the docstrings below them, and omits titles such as "Clip Norm", which only repeat the key.

    pydantic could read the docstrings, but would do so on every import, which takes longer than all its other work.
    """

    def model_schema(self, schema: core_schema.ModelSchema) -> Schema:
        """Write a model, its fields described."""
        written, model = super().model_schema(schema), schema["cls"]
        for name, field in model.model_fields.items():
            for inherited in model.__mro__:
                if text := _docstrings(inherited.__module__).get((inherited.__name__, name)):
                    written["properties"][field.alias or name].setdefault("description", text)
        return written

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        return False

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> Schema:
        """Write a union as any of its choices."""
        return self.union_schema(core_schema.union_schema(list(schema["choices"].values())))


@cache
def _docstrings(module: str) -> Mapping[tuple[str, str], str]:
    """Return the docstrings below the attributes of a module's classes, by the names of the class and the attribute."""
    if not module.startswith(f"{__package__}."):
        return {}
    found = {}
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    for model in (each for each in tree.body if isinstance(each, ast.ClassDef)):
        for before, after in pairwise(model.body):
            match before, after:
                case ast.AnnAssign(target=ast.Name(name)), ast.Expr(ast.Constant(str(text))):
                    found[model.name, name] = inspect.cleandoc(text)
    return found


def _objective(model: Schema) -> Schema:
    properties = model["properties"] | {form: _not_null(model["properties"][form]) for form in FORMS}
    parameters = properties.pop("parameters")
    mappings = {form: _mapping(form, properties) for form in FORMS}
    others = [key for key in model["properties"] if key not in mappings["name"]["properties"]]
    mappings["name"] |= {
        "propertyNames": {"not": {"enum": others}},
        "additionalProperties": parameters["additionalProperties"],
    }
    finite_differences = {"properties": {"gradient": {"const": "finite_differences"}}, "required": ["gradient"]}
    mappings["samples"]["dependencies"] = {"edge_order": finite_differences}
    input_only = {"properties": {"wrt": {"const": "input"}}, "required": ["wrt"]}
    mappings["network"] |= {"required": ["network", "data"], "dependencies": dict.fromkeys(INPUT_KEYS, input_only)}
    bare = {"type": "string", "pattern": f"^({VARIABLE.pattern})$|{OPERATORS.pattern}", "examples": ["x**2 + y**2"]}
    return {"description": model["description"], "anyOf": [properties["name"], bare, *mappings.values()]}


def _mapping(form: str, properties: Schema) -> Schema:
    """Return one form of an objective with the keys that belong to it."""
    keys = [key for key in properties if key == form or key in FORMS[form]]
    return {
        "type": "object",
        "properties": {key: properties[key] for key in keys},
        "required": [form],
        "additionalProperties": False,
    }


def _not_null(form: Schema) -> Schema:
    """Return the form of an optional value without its null and default."""
    (value,) = (choice for choice in form["anyOf"] if choice != NULL)
    return {key: part for key, part in {**form, **value}.items() if key not in ("anyOf", "default")}


def _optimizer(model: Schema) -> Schema:
    offered = signatures.offered()
    own = {key: form for key, form in model["properties"].items() if key != "settings"}
    dotted = {"type": "string", "pattern": r"^(?!scipy\.).*[.:]"}
    own["class"] = {
        "description": own["class"]["description"],
        "anyOf": [
            {"type": "string", "enum": list(offered), "examples": own["class"]["examples"]},
            {**dotted, "examples": ["pytorch_optimizer.Lion"]},
        ],
    }
    own["schedule"]["anyOf"] = [{"$ref": "#/definitions/Schedule"}, NULL]
    own["args"] = {
        "description": "Arguments of the class that have the name of one of gdsim's own keys.",
        "type": ["object", "null"],
    }
    arguments = _arguments(offered.values())
    mapping = {
        "type": "object",
        "properties": own | {key: {"description": form["description"]} for key, form in arguments.items()},
        "examples": [{"lr": 0.01}],
        # Classes of other packages have arguments of their own.
        "if": {"properties": {"class": dotted}, "required": ["class"]},
        "else": {"properties": arguments},
    }
    return {"description": model["description"], "anyOf": [mapping, NULL]}


def _schedule() -> Schema:
    offered = {
        name: signature
        for name, signature in signatures.schedules().items()
        if not any("not" in signature.arguments[each].schema for each in signature.required)
    }
    name = {"type": "string", "enum": list(offered), "examples": ["CosineAnnealingLR"]}
    arguments = _arguments(offered.values())
    arguments["schedulers"]["items"] = {"$ref": "#/definitions/Schedule"}
    mapping = {
        "type": "object",
        "properties": {"class": {"description": "A class of torch.optim.lr_scheduler.", **name}, **arguments},
        "required": ["class"],
        "additionalProperties": False,
    }
    return {"description": "How the learning rate changes from step to step.", "anyOf": [name, mapping]}


def _arguments(offered: Iterable[Signature]) -> dict[str, Schema]:
    """Return each argument that any of the classes has, with its defaults there."""
    defaults: dict[str, list[str]] = {}
    forms: dict[str, list[Schema]] = {}
    for signature in offered:
        for name, argument in signature.arguments.items():
            defaults.setdefault(name, []).append(f"{signature.name} ({argument.default or 'required'})")
            known = forms.setdefault(name, [])
            known += [each for each in argument.schema.get("anyOf", [argument.schema]) if each not in known]
    return {
        name: {
            "description": f"An argument of {', '.join(defaults[name])}.",
            **({} if {} in choices else choices[0] if len(choices) == 1 else {"anyOf": choices}),
        }
        for name, choices in sorted(forms.items())
    }
