"""The starting points and the optimizers of a configuration."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import (
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
    rest_problems,
    schedule_problems,
    setting_problems,
    settings_for,
    written_out,
)
from gdsim.config.location import Problem, SourceContext
from gdsim.config.messages import shown
from gdsim.config.model import Color, Finite, Model, or_defaults, refuse
from gdsim.config.start import FORMS, MAX_STARTS

__all__ = ["OptimizerSpec", "Start"]


@dataclass(frozen=True)
class Standing:
    """Where a specification was read, which does not make two specifications different."""

    context: SourceContext = field(compare=False)


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


def _as_mapping(rest: Any) -> Any:
    return {"class": rest} if isinstance(rest, str) else rest


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
    rest: Annotated[dict[str, Any], BeforeValidator(_as_mapping)] | None = Field(
        None,
        description="For a network and a class that moves matrices only, as Muon does: the optimizer of all other "
        "parameters, a class or a mapping with its class and arguments. AdamW with its defaults for Muon. Both follow "
        "the schedule, each from its own learning rate, unless the schedule sets the rates, as OneCycleLR does.",
        examples=["AdamW", {"class": "AdamW", "lr": 0.001}],
        json_schema_extra={"anyOf": [{"type": "string"}, {"type": "object", "required": ["class"]}, {"type": "null"}]},
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

    @field_validator("rest")
    @classmethod
    def _check_rest(cls, rest: dict[str, Any] | None, info: ValidationInfo) -> dict[str, Any] | None:
        if rest is None or "class_name" not in info.data:
            return rest
        refuse(rest_problems(info.data["class_name"], rest))
        bare = bare_class(rest["class"])
        return {"class": bare, **settings_for(bare, {key: rest[key] for key in rest if key != "class"})}

    @model_validator(mode="after")
    def _stand(self, info: ValidationInfo) -> OptimizerSpec:
        self._standing = Standing(info.context or SourceContext())
        return self

    @property
    def context(self) -> SourceContext:
        """The folder of the configuration, and whether code in it may run."""
        return self._standing.context
