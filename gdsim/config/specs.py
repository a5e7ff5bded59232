"""The function, the starting points and the optimizers of a configuration."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PrivateAttr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from gdsim.config.arguments import (
    OWN_KEYS,
    bare_class,
    class_problem,
    schedule_problems,
    setting_problems,
    settings_for,
    written_out,
)
from gdsim.config.checks import Color, Finite, Model, one_line, or_defaults, refuse
from gdsim.config.places import Problem
from gdsim.config.starts import FORMS, MAX_STARTS
from gdsim.config.words import is_number, shown
from gdsim.errors import InputError, did_you_mean
from gdsim.objectives import Objective, from_expression, from_function, from_samples, names, objective
from gdsim.objectives.imported import import_function

__all__ = ["FORMS_OF_OBJECTIVES", "ObjectiveSpec", "OptimizerSpec", "Place", "Start"]

MAX_DIM = 1000


Interval = Annotated[list[Finite], Field(min_length=2, max_length=2)]


@dataclass(frozen=True)
class Place:
    """Where a configuration stands, and whether code that stands there may run."""

    folder: Path = Path()
    allow_code: bool = False


@dataclass(frozen=True)
class Standing:
    """Where a specification was read, which does not make two specifications different."""

    place: Place = field(compare=False)


@dataclass(frozen=True)
class Built:
    """What a specification came to, which does not make two specifications different."""

    objective: Objective = field(compare=False)


FORMS_OF_OBJECTIVES = ("name", "expression", "samples", "python")
BELONGINGS = {
    "dim": ("name", "python"),
    "constants": ("expression",),
    "invert": ("samples",),
    "gradient": ("samples",),
    "edge_order": ("samples",),
}
"""The keys that go only with some forms of an objective."""


SAMPLES = (".npy", ".npz", ".csv", ".png", ".jpg", ".jpeg")
OPERATORS = frozenset("+*/^()")
"""What tells an expression from a mistyped name."""


class ObjectiveSpec(Model):
    """The function to descend: a name, or a mapping with a name, an expression, samples or a Python function."""

    name: str | None = Field(
        None,
        description="A function of the catalogue: `gdsim list objectives` names all, `gdsim show` draws one.",
        examples=["himmelblau"],
    )
    expression: str | None = Field(
        None,
        description="A formula of x, y and z, or of x1, x2, …, with sin, exp, sqrt, where, pi and their like.",
        examples=["sin(x)*cos(y)"],
    )
    samples: Annotated[str, AfterValidator(one_line)] | None = Field(
        None,
        description="The path of a file of measured values, from the configuration's folder: .npy, .npz, .csv, .png or "
        ".jpg.",
        examples=["terrain.npy"],
    )
    python: str | None = Field(
        None,
        description="A function of torch tensors, module:function, of an installed package; or of a file beside the "
        "configuration, which runs only under --allow-code.",
        examples=["my_loss:valley"],
    )
    dim: Annotated[int, Field(ge=1, le=MAX_DIM)] | None = Field(
        None, description="The number of dimensions, for functions that are defined for any number."
    )
    bounds: Annotated[list[Interval], Field(min_length=1)] | None = Field(
        None,
        description="The part of the domain that is shown, [low, high] a dimension; for samples, where they lie.",
        examples=[[[-5, 5], [-5, 5]]],
    )
    constants: Annotated[dict[str, Finite], BeforeValidator(or_defaults)] = Field(
        {}, description="Numbers that an expression calls by name.", examples=[{"k": 2}]
    )
    invert: bool = Field(False, description="For samples from a picture: take darkness for height.")
    gradient: Literal["autograd", "finite_differences"] = Field(
        "autograd",
        description="For samples: differentiate the smooth function through them, or take finite differences.",
    )
    edge_order: Annotated[int, Field(ge=1, le=2)] = Field(
        1, description="For samples with finite differences: their order of accuracy at the border."
    )
    parameters: dict[str, Finite] = Field({}, description="The own parameters of a function of the catalogue.")
    _built: Built = PrivateAttr()

    @model_validator(mode="before")
    @classmethod
    def _gather_parameters(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"name": value}
        if not isinstance(value, dict):
            return value
        known = cls.model_fields.keys() if "name" in value else value.keys()
        parameters = {key: value[key] for key in value if key not in known or key == "parameters"}
        own = {key: value[key] for key in value if key not in parameters}
        return own | {"parameters": parameters}

    @field_validator(*FORMS_OF_OBJECTIVES, mode="before")
    @classmethod
    def _check_given(cls, form: Any) -> Any:
        if form is None:
            raise ValueError("must not be empty")
        return form

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str | None) -> str | None:
        if name is not None and name not in names():
            refuse([Problem((), f"there is no objective '{name}'{_other_form(name)}")])
        return name

    @field_validator("bounds", mode="before")
    @classmethod
    def _in_a_list(cls, bounds: Any) -> Any:
        """Let one dimension do without a list in a list."""
        if not isinstance(bounds, list) or any(isinstance(item, list) for item in bounds):
            return bounds
        if len(bounds) != 2:
            refuse([Problem((), f"must be [low, high], or a list of such pairs, not {shown(bounds)}")])
        wrong = [index for index, item in enumerate(bounds) if not is_number(item)]
        refuse(Problem((index,), f"must be a number, not {shown(bounds[index])}") for index in wrong)
        return [bounds]

    @field_validator("parameters", mode="before")
    @classmethod
    def _check_keys(cls, parameters: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        if "parameters" in parameters:
            direct = _written_directly(parameters["parameters"]) if info.data.get("name") else ""
            refuse([Problem((), f"has no key 'parameters'{direct}", key="parameters")])
        own = [key for key in cls.model_fields if key != "parameters"]
        mistyped = {key: did_you_mean(key, own) for key in parameters}
        refuse(
            Problem((), f"has no key '{key}'{hint}", key=key)
            for key, hint in mistyped.items()
            if hint and not is_number(parameters[key])
        )
        return parameters

    @model_validator(mode="after")
    def _check_by_building(self, info: ValidationInfo) -> ObjectiveSpec:
        given = [form for form in FORMS_OF_OBJECTIVES if getattr(self, form) is not None]
        if len(given) != 1:
            found = " and ".join(f"'{form}'" for form in given) or "none"
            refuse([Problem((), f"must have one of {', '.join(FORMS_OF_OBJECTIVES)}, not {found}")])
        strangers = [key for key, forms in BELONGINGS.items() if key in self.model_fields_set and given[0] not in forms]
        refuse(Problem((), f"'{key}' goes with {' or '.join(BELONGINGS[key])}", key=key) for key in strangers)
        if "edge_order" in self.model_fields_set and self.gradient != "finite_differences":
            refuse([Problem((), "edge_order goes with gradient: finite_differences", key="edge_order")])
        try:
            self._built = Built(self._build(info.context or Place()))
        except InputError as error:
            refuse([self._problem(error, given[0])])
        return self

    def _problem(self, error: InputError, form: str) -> Problem:
        strange = self.parameters.keys() - objective(self.name).parameters.keys() if self.name else ()
        if error.key and error.key[0] in strange:
            return Problem((), str(error), key=str(error.key[0]))
        return Problem(error.key or (form,), str(error))

    def _build(self, place: Place) -> Objective:
        if self.expression is not None:
            return from_expression(self.expression, bounds=self.bounds, constants=self.constants)
        if self.samples is not None:
            path = place.folder / self.samples
            return from_samples(
                path, bounds=self.bounds, invert=self.invert, gradient=self.gradient, edge_order=self.edge_order
            )
        if self.python is not None:
            function = import_function(self.python, folder=place.folder, allow_code=place.allow_code)
            return from_function(function, dim=self.dim, bounds=self.bounds, name=self.python.rpartition(":")[2])
        return objective(str(self.name), dim=self.dim, bounds=self.bounds, **self.parameters)

    def build(self) -> Objective:
        """Return the objective."""
        return self._built.objective


def _other_form(name: str) -> str:
    """Return what may be meant by a name that the catalogue does not have."""
    if name.lower().endswith(SAMPLES):
        return f"; for a file write {{samples: {name}}}"
    if OPERATORS.intersection(name):
        return f'; for an expression write {{expression: "{name}"}}'
    return did_you_mean(name, names()) or "; `gdsim list objectives` names them"


def _written_directly(parameters: Any) -> str:
    if not isinstance(parameters, dict) or not parameters:
        return ""
    key, value = next(iter(parameters.items()))
    return f"; write `{key}: {shown(value)}` directly"


class Start(Model):
    """Where the paths begin; exactly one of the three is given."""

    points: list[list[Finite]] | None = Field(None, description="The points themselves.")
    grid: Annotated[list[Annotated[int, Field(ge=1, le=MAX_STARTS)]], Field(min_length=1)] | None = Field(
        None,
        description="A regular grid over the view: the number of points along each dimension.",
        examples=[[8, 8]],
    )
    random: Annotated[int, Field(ge=1, le=MAX_STARTS)] | None = Field(
        None, description="So many points drawn evenly from the view, by the seed.", examples=[16]
    )

    @model_validator(mode="after")
    def _check_one_is_given(self) -> Start:
        given = [key for key in type(self).model_fields if getattr(self, key) is not None]
        if not given:
            refuse([Problem((), f"must be {FORMS}")])
        if len(given) > 1:
            refuse([Problem((), f"has {' and '.join(given)}; give only one of them")])
        return self

    @property
    def count(self) -> int:
        """How many starting points there are."""
        if self.points is not None:
            return len(self.points)
        return math.prod(self.grid) if self.grid is not None else self.random or 0


class OptimizerSpec(Model):
    """One optimizer: its class, what is passed to it, and what gdsim adds."""

    class_name: str = Field(
        alias="class",
        description="A class of torch.optim, such as SGD, or the dotted name of one in an installed package, "
        "such as pytorch_optimizer.Lion. Or my_optimizer.py:MyOptimizer, a class of a file beside the configuration, "
        "which runs only under --allow-code. Needed where the label is not itself a class of torch.optim.",
        examples=["SGD"],
    )
    settings: dict[str, Any] = Field({}, description="Arguments of the class.")
    schedule: Annotated[dict[str, Any], BeforeValidator(written_out)] | None = Field(
        None,
        description="How the learning rate changes: a class of torch.optim.lr_scheduler, with its arguments.",
    )
    noise: Annotated[Finite, Field(ge=0)] = Field(
        0.0,
        description="The standard deviation of Gaussian noise that is added to each gradient, by the seed.",
    )
    clip_norm: Annotated[Finite, Field(gt=0)] | None = Field(
        None,
        description="The largest norm of a gradient: longer ones are shortened to it. Not at all by default.",
    )
    color: Color | None = Field(None, description="The colour of the path, #rrggbb; chosen to differ by default.")
    _standing: Standing = PrivateAttr()

    @model_validator(mode="before")
    @classmethod
    def _gather_settings(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        settings = {key: setting for key, setting in value.items() if key not in OWN_KEYS}
        more = or_defaults(value.get("args"))
        if not isinstance(more, dict):
            refuse([Problem(("args",), f"must be a mapping of arguments, not {shown(more)}")])
        refuse(Problem((), f"'{key}' is given here and in args", key=key) for key in settings if key in more)
        own = {key: value[key] for key in OWN_KEYS if key in value and key != "args"}
        return own | {"settings": settings | more}

    @field_validator("class_name")
    @classmethod
    def _check_class(cls, name: str) -> str:
        bare = bare_class(name)
        if problem := class_problem(bare):
            refuse([Problem((), problem)])
        return bare

    @field_validator("settings")
    @classmethod
    def _check_settings(cls, settings: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        if "class_name" not in info.data:
            return settings
        refuse(setting_problems(info.data["class_name"], settings))
        return settings_for(info.data["class_name"], settings)

    @field_validator("schedule")
    @classmethod
    def _check_schedule(cls, schedule: dict[str, Any] | None) -> dict[str, Any] | None:
        if schedule is not None:
            refuse(schedule_problems(schedule))
        return schedule

    @model_validator(mode="after")
    def _stand(self, info: ValidationInfo) -> OptimizerSpec:
        self._standing = Standing(info.context or Place())
        return self

    @property
    def place(self) -> Place:
        """Where the configuration stands, and whether code that stands there may run."""
        return self._standing.place
