"""The function to minimize, or the network to train."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PrivateAttr, TypeAdapter, ValidationInfo, field_validator, model_validator

from gdsim.config.messages import is_number
from gdsim.config.model import HERE, Coordinate, Finite, Line, Model, NoneAsEmpty, SourceContext, is_nested, refuse
from gdsim.errors import InputError, Problem, did_you_mean
from gdsim.networks import (
    ACTIVATIONS,
    DATA,
    LOSSES,
    NETWORKS,
    Network,
    NetworkObjective,
    examples,
    input_objective,
    network,
    network_objective,
)
from gdsim.objectives import Objective, from_expression, from_function, from_samples, import_function, names, objective
from gdsim.objectives.samples import SUFFIXES
from gdsim.objectives.tokens import VARIABLE

SAMPLE_KEYS = ("bounds", "invert", "gradient", "edge_order")
NETWORK_KEYS = ("hidden", "channels", "residual", "activation", "loss", "batch_size", "args")
INPUT_KEYS = ("class", "image", "trained")  # keys that belong to `wrt: input`

FORMS: Mapping[str, tuple[str, ...]] = {
    "name": ("dim", "bounds"),
    "expression": ("bounds", "constants"),
    "samples": SAMPLE_KEYS,
    "python": ("dim", "bounds"),
    "network": ("data", *NETWORK_KEYS, "record_every", "wrt", *INPUT_KEYS),
}
"""The keys that belong to each form of an objective."""

OPERATORS = re.compile(r"[-+−*·/^()²³⁴⁵⁶⁷⁸⁹]|\d[a-z]")

Interval = Annotated[list[Coordinate], Field(min_length=2, max_length=2, examples=[[-5, 5]])]
Intervals = Annotated[list[Interval], Field(min_length=1)]


def _as_pairs(bounds: Any) -> Any:
    """Accept the bare [low, high] of one dimension."""
    return bounds if is_nested(bounds) else [TypeAdapter(Interval).validate_python(bounds)]


class DataSpec(Model):
    """The data that a network is trained on."""

    name: Line = Field(examples=["digits", "measured.npz"])
    """digits, the 1,797 images of 8 × 8 pixels that come with scikit-learn; moons, spirals or regression, which are
    generated; or the path of an .npz file with x and y, from the configuration's folder."""
    n: Annotated[int, Field(ge=2, le=100_000)] | None = None
    """The number of examples that are generated, or taken from those that exist."""
    noise: Annotated[Finite, Field(ge=0, le=10)] | None = None
    """For generated examples: the standard deviation of their noise."""
    test: Annotated[Finite, Field(ge=0, le=0.9)] | None = None
    """The share of the examples that is kept for testing, 0.25 by default; an .npz file with x_test and y_test has its
    own."""
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0
    """The seed that generates examples and divides them into training and test data."""


DataName = Annotated[str, Field(examples=["digits"])]


def _by_name(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


def by_form(text: str) -> dict[str, str]:
    """Return the mapping that text alone stands for: an expression if it has operators and variables, else a name."""
    words = re.findall(r"[A-Za-z_]\w*", text)
    has_variables = "^" in text or any(map(VARIABLE.fullmatch, words))
    is_expression = VARIABLE.fullmatch(text) or (
        OPERATORS.search(text) and has_variables and not text.lower().endswith(SUFFIXES)
    )
    return {"expression" if is_expression else "name": text}


class ObjectiveSpec(Model):
    """What is minimized: a name or expression, or a mapping with one, or with samples, a function or a network."""

    name: str | None = Field(default=None, examples=["himmelblau"], json_schema_extra={"enum": [*names()]})
    """A function of the catalogue: `gdsim list objectives` lists all, `gdsim show` draws one."""
    expression: str | None = Field(default=None, examples=["sin(x)*cos(y)"])
    """A formula of x, y and z, or of x1, x2, …, with sin, exp, sqrt, where, pi and similar functions."""
    samples: Line | None = Field(default=None, examples=["terrain.npy"])
    """A file of measured values: .npy, .npz, .csv, .png or .jpg, from the configuration's folder."""
    python: str | None = Field(default=None, examples=["my_loss:valley", "my_loss.py:valley"])
    """A function of torch tensors, module:function, in a file beside the configuration or in an installed package;
    it runs only with --allow-code."""
    dim: Annotated[int, Field(ge=1, le=1000)] | None = None
    """The number of dimensions, for functions that are defined in any number of them."""
    bounds: Annotated[Intervals, BeforeValidator(_as_pairs, json_schema_input_type=Interval | Intervals)] | None = (
        Field(default=None, examples=[[[-5, 5], [-5, 5]]])
    )
    """The part of the domain that is shown, [low, high] per dimension; by default it holds the paths. For samples,
    their range."""
    constants: Annotated[dict[str, Finite], NoneAsEmpty()] = Field(default={}, examples=[{"k": 2}])
    """Named numbers of an expression."""
    invert: bool = False
    """For samples from a picture: dark pixels are high."""
    gradient: Literal["autograd", "finite_differences"] = "autograd"
    """For samples: differentiate the smooth function through them, or use finite differences."""
    edge_order: Annotated[int, Field(ge=1, le=2)] = 1
    """For samples with finite differences: their order of accuracy at the border."""
    network: Line | None = Field(default=None, examples=["mlp", "cnn", "my_net.py:Net"])
    """A network to train: mlp or cnn; or, only with --allow-code, an nn.Module or a function that returns one, such as
    my_net.py:Net in a file beside the configuration, or the dotted name of one in an installed package."""
    data: Annotated[DataSpec | None, BeforeValidator(_by_name, json_schema_input_type=DataName | DataSpec)] = None
    """The data that the network is trained on: a name, a file, or a mapping with it."""
    hidden: Annotated[list[Annotated[int, Field(ge=1, le=4096)]], Field(max_length=100)] | None = Field(
        default=None, examples=[[128]]
    )
    """For mlp and cnn: the number of units of each hidden layer."""
    channels: Annotated[list[Annotated[int, Field(ge=1, le=512)]], Field(min_length=1, max_length=8)] | None = Field(
        default=None, examples=[[8, 16]]
    )
    """For cnn: the number of channels of each convolution."""
    residual: bool = False
    """For mlp: whether hidden layers, all of the same width, add their input to their output."""
    activation: Annotated[Line, Field(json_schema_extra={"enum": [*ACTIVATIONS]})] | None = None
    """For mlp and cnn: the activation between the layers; relu by default."""
    loss: Annotated[Line, Field(json_schema_extra={"enum": [*LOSSES]})] | None = None
    """The loss: cross_entropy, the default for classes; mse, the default for numbers; l1 or huber."""
    batch_size: Annotated[int, Field(ge=1, le=100_000)] = 64
    """The number of examples per step; their order is the same for all optimizers."""
    record_every: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """The number of steps after which all weights are kept; by default as few as fit into 64 MiB."""
    args: Annotated[dict[str, Any], NoneAsEmpty()] = Field(default={})
    """Arguments of your own nn.Module."""
    wrt: Literal["weights", "input"] = "weights"
    """Whether the weights are trained, or the input is changed to raise the score of a class."""
    target: Annotated[int, Field(ge=0)] | None = Field(default=None, alias="class")
    """For wrt: input: the class whose score is raised."""
    image: Annotated[int, Field(ge=0)] | None = None
    """For wrt: input: the index of the test image to start from; noise by default."""
    trained: Annotated[int, Field(ge=0, le=100_000)] | Line | None = Field(
        default=None, examples=[300, "digits.npz", "digits.npz:Adam"]
    )
    """For wrt: input: the number of steps of Adam by which the network is trained, 300 by default; or the recording
    (.npz) of a run, with :label for an optimizer other than the first."""
    parameters: dict[str, Finite] = Field(default={})
    """The parameters of a function of the catalogue."""
    _objective: Objective = PrivateAttr()

    @model_validator(mode="before")
    @classmethod
    def _gather_parameters(cls, value: Any) -> Any:
        """Take keys beside a name that are not fields as the parameters of the function, unless they are mistyped."""
        if not isinstance(value, dict):
            return by_form(value) if isinstance(value, str) else value
        fields = [name for name in cls.model_fields if name != "parameters"]
        known = fields if "name" in value else value.keys() - {"parameters"}
        parameters = {key: value[key] for key in value if key not in known}
        hints = {key: did_you_mean(key, fields) for key in parameters if not is_number(value[key])}
        if "parameters" in parameters:
            hints = {"parameters": "; write each parameter directly, as in {name: quadratic, condition: 5}"}
        problems = [Problem("must not be empty", (form,), "missing") for form in FORMS if value.get(form, "") is None]
        for key, hint in hints.items():
            if hint:
                problems.append(Problem(f"has no key '{key}'{hint}", (key,), "unknown-key", at_key=True))
        refuse(problems)
        return {key: value[key] for key in value if key not in parameters} | {"parameters": parameters}

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str | None) -> str | None:
        if name is not None and name not in names():
            refuse([Problem(f"there is no objective '{name}'{_other_form(name)}", code="unknown-name")])
        return name

    @model_validator(mode="after")
    def _check_by_building(self, info: ValidationInfo) -> ObjectiveSpec:
        given = [form for form in FORMS if getattr(self, form) is not None]
        if len(given) != 1:
            message = f"must have one of {', '.join(FORMS)}, not {' and '.join(given) or 'none'}"
            refuse([Problem(message, code="conflict" if given else "missing")])
        refuse(self._misplaced_keys(given[0]))
        try:
            self._objective = self._build(info.context or HERE)
        except InputError as error:
            refuse(
                replace(each, key=each.key or (given[0],), at_key=each.code == "unknown-argument")
                for each in error.problems
            )
        return self

    def _misplaced_keys(self, form: str) -> Iterator[Problem]:
        """Yield the keys that do not belong to a form of objective, and those that it lacks."""
        others = {key: [each for each in FORMS if key in FORMS[each]] for keys in FORMS.values() for key in keys}
        needs = {key: " or ".join(forms) for key, forms in others.items() if form not in forms}
        if form == "samples" and self.gradient != "finite_differences":
            needs["edge_order"] = "gradient: finite_differences"
        if form == "network":
            needs |= (
                {"record_every": "wrt: weights"} if self.wrt == "input" else dict.fromkeys(INPUT_KEYS, "wrt: input")
            )
        for key in self.keys_of(self.model_fields_set) & needs.keys():
            yield Problem(f"'{key}' goes with {needs[key]}", (key,), "conflict", at_key=True)
        if form == "network" and self.data is None:
            yield Problem(f"needs data: {', '.join(DATA)}, or the path of an .npz file with x and y", code="missing")
        if form == "network" and self.wrt == "input" and self.target is None:
            yield Problem("needs the class whose score is raised, as in {wrt: input, class: 3}", code="missing")

    @classmethod
    def keys_of(cls, fields: Iterable[str]) -> set[str]:
        """Return the keys of fields as the user writes them."""
        return {cls.model_fields[key].alias or key for key in fields}

    def _build(self, context: SourceContext) -> Objective:
        if self.expression is not None:
            return from_expression(self.expression, bounds=self.bounds, constants=self.constants)
        if self.samples is not None:
            return from_samples(context.folder / self.samples, **self.model_dump(include={*SAMPLE_KEYS}))
        if self.python is not None:
            function = import_function(self.python, folder=context.folder, allow_code=context.allow_code)
            return from_function(function, dim=self.dim, bounds=self.bounds, name=self.python.rpartition(":")[2])
        if self.network is None or self.data is None:
            return objective(str(self.name), dim=self.dim, bounds=self.bounds, **self.parameters)
        data = examples(**self.data.model_dump(), folder=context.folder)
        trained = network(
            self.network,
            data,
            record_every=self.record_every,
            folder=context.folder,
            allow_code=context.allow_code,
            **self.model_dump(include={*NETWORK_KEYS}),
        )
        if self.target is None:  # the class of `wrt: input`
            return network_objective(trained)
        return input_objective(
            trained, target=self.target, image=self.image, trained=self.trained, folder=context.folder
        )

    def build(self) -> Objective:
        """Return the objective, which validation has built; that of a network has no loss plane before training."""
        return self._objective

    def to_train(self) -> Network | None:
        """Return the network whose weights are trained; None for a function, also for one of a network's input."""
        return self._objective.network if isinstance(self._objective, NetworkObjective) else None


def _other_form(name: str) -> str:
    """Return what may be meant by a name that the catalogue does not have."""
    if name in NETWORKS:
        return f"; for a network write {{network: {name}, data: digits}}"
    if name.lower().endswith(SUFFIXES):
        return f"; for a file write {{samples: {name}}}"
    if file := re.match(r"\S+\.py\b", name):
        return f"; for a function in a file write {{python: {name if ':' in name else f'{file[0]}:name'}}}"
    hint = f'; for an expression write {{expression: "{name}"}}' if OPERATORS.search(name) else ""
    return did_you_mean(name, names()) or hint or "; `gdsim list objectives` lists them"
