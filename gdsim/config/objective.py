"""The function to minimize, or the network to train."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, Field, PrivateAttr, ValidationInfo, field_validator, model_validator

from gdsim.config.location import HERE, SourceContext
from gdsim.config.messages import format_value, is_number
from gdsim.config.model import Finite, Line, Model, NoneAsEmpty, refuse
from gdsim.errors import Code, InputError, Problem, did_you_mean
from gdsim.networks import DATA, NETWORKS, Network, examples, network, unknown
from gdsim.objectives import (
    Objective,
    from_expression,
    from_function,
    from_samples,
    import_function,
    names,
    objective,
)

__all__ = ["FORMS", "KEYS_OF_FORMS", "KEYS_OF_INPUT", "DataSpec", "ObjectiveSpec"]

MAX_DIM = 1000

FORMS = ("name", "expression", "samples", "python", "network")
KEYS_OF_FORMS = {
    "dim": ("name", "python"),
    "bounds": ("name", "expression", "samples", "python"),
    "constants": ("expression",),
    "invert": ("samples",),
    "gradient": ("samples",),
    "edge_order": ("samples",),
    "data": ("network",),
    "hidden": ("network",),
    "channels": ("network",),
    "residual": ("network",),
    "activation": ("network",),
    "loss": ("network",),
    "batch_size": ("network",),
    "record_every": ("network",),
    "args": ("network",),
    "wrt": ("network",),
    "class": ("network",),
    "image": ("network",),
    "trained": ("network",),
}
"""The forms of an objective that each key belongs to."""

KEYS_OF_INPUT = ("class", "image", "trained")
"""The keys that belong to `wrt: input`."""

SAMPLES = (".npy", ".npz", ".csv", ".png", ".jpg", ".jpeg")
OPERATORS = frozenset("+*/^()")
"""Characters of an expression that a mistyped name does not have."""

Interval = Annotated[list[Finite], Field(min_length=2, max_length=2)]


class Built(NamedTuple):
    """The objective of a specification, and the network whose weights are trained, if any."""

    objective: Objective
    network: Network | None = None


class DataSpec(Model):
    """The data that a network is trained on."""

    name: Line = Field(
        description="digits, the 1,797 images of 8 × 8 pixels that come with scikit-learn; moons, spirals or "
        "regression, which are generated; or the path of an .npz file with x and y, from the configuration's folder.",
        examples=["digits", "measured.npz"],
    )
    n: Annotated[int, Field(ge=2, le=100_000)] | None = Field(
        None, description="The number of examples that are generated, or taken from those that exist."
    )
    noise: Annotated[Finite, Field(ge=0, le=10)] | None = Field(
        None, description="For generated examples: the standard deviation of their noise."
    )
    test: Annotated[Finite, Field(ge=0, le=0.9)] | None = Field(
        None,
        description="The share of the examples that is kept for testing, 0.25 by default; an .npz file with x_test and "
        "y_test has its own.",
    )
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] = Field(
        0,
        description="The seed that generates examples and divides them into training and test data.",
    )

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str) -> str:
        if name not in DATA and not name.lower().endswith(".npz") and (hint := did_you_mean(name, DATA)):
            refuse([Problem(f"there is no data '{name}'{hint}", code="unknown-name")])
        return name


def _by_name(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


class ObjectiveSpec(Model):
    """What is minimized: a name, or a mapping with a name, an expression, samples, a Python function or a network."""

    name: str | None = Field(
        None,
        description="A function of the catalogue: `gdsim list objectives` lists all, `gdsim show` draws one.",
        examples=["himmelblau"],
    )
    expression: str | None = Field(
        None,
        description="A formula of x, y and z, or of x1, x2, …, with sin, exp, sqrt, where, pi and similar functions.",
        examples=["sin(x)*cos(y)"],
    )
    samples: Line | None = Field(
        None,
        description="A file of measured values: .npy, .npz, .csv, .png or .jpg, from the configuration's folder.",
        examples=["terrain.npy"],
    )
    python: str | None = Field(
        None,
        description="A function of torch tensors, module:function, of an installed package; or of a file beside the "
        "configuration, my_loss.py:valley, which runs only with --allow-code.",
        examples=["my_loss:valley", "my_loss.py:valley"],
    )
    dim: Annotated[int, Field(ge=1, le=MAX_DIM)] | None = Field(
        None, description="The number of dimensions, for functions that are defined in any number of them."
    )
    bounds: Annotated[list[Interval], Field(min_length=1)] | None = Field(
        None,
        description="The part of the domain that is shown, [low, high] per dimension; for samples, their range.",
        examples=[[[-5, 5], [-5, 5]]],
    )
    constants: Annotated[dict[str, Finite], NoneAsEmpty()] = Field(
        {}, description="Named numbers of an expression.", examples=[{"k": 2}]
    )
    invert: bool = Field(False, description="For samples from a picture: dark pixels are high.")
    gradient: Literal["autograd", "finite_differences"] = Field(
        "autograd",
        description="For samples: differentiate the smooth function through them, or use finite differences.",
    )
    edge_order: Annotated[int, Field(ge=1, le=2)] = Field(
        1, description="For samples with finite differences: their order of accuracy at the border."
    )
    network: Line | None = Field(
        None,
        description="A network to train: mlp or cnn; the dotted name of an nn.Module of an installed package; or "
        "my_net.py:Net, a class of a file beside the configuration, or a function that returns a module, "
        "which run only with --allow-code.",
        examples=["mlp", "cnn", "my_net.py:Net"],
    )
    data: Annotated[DataSpec, BeforeValidator(_by_name)] | None = Field(
        None,
        description="The data that the network is trained on: a name, a file, or a mapping with it.",
        examples=["digits"],
    )
    hidden: Annotated[list[Annotated[int, Field(ge=1, le=4096)]], Field(max_length=100)] | None = Field(
        None, description="For mlp and cnn: the number of units of each hidden layer.", examples=[[128]]
    )
    channels: Annotated[list[Annotated[int, Field(ge=1, le=512)]], Field(min_length=1, max_length=8)] | None = Field(
        None, description="For cnn: the number of channels of each convolution.", examples=[[8, 16]]
    )
    residual: bool = Field(
        False, description="For mlp: whether hidden layers, all of the same width, add their input to their output."
    )
    activation: Line | None = Field(
        None, description="For mlp and cnn: the activation between the layers; relu by default."
    )
    loss: Line | None = Field(
        None,
        description="The loss: cross_entropy, the default for classes; mse, the default for numbers; l1 or huber.",
    )
    batch_size: Annotated[int, Field(ge=1, le=100_000)] = Field(
        64, description="The number of examples per step; their order is the same for all optimizers."
    )
    record_every: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        None, description="The number of steps after which all weights are kept; by default as few as fit into 64 MiB."
    )
    args: Annotated[dict[str, Any], NoneAsEmpty()] = Field({}, description="Arguments of your own nn.Module.")
    wrt: Literal["weights", "input"] = Field(
        "weights",
        description="Whether the weights are trained, or the input is changed to raise the score of a class.",
    )
    target: Annotated[int, Field(ge=0)] | None = Field(
        None, alias="class", description="For wrt: input: the class whose score is raised."
    )
    image: Annotated[int, Field(ge=0)] | None = Field(
        None, description="For wrt: input: the index of the test image to start from; noise by default."
    )
    trained: Annotated[int, Field(ge=0, le=100_000)] | str | None = Field(
        None,
        description="For wrt: input: the number of steps of Adam by which the network is trained, 300 by default; "
        "or the recording (.npz) of a run, with :label for an optimizer other than the first.",
        examples=[300, "digits.npz", "digits.npz:Adam"],
    )
    parameters: dict[str, Finite] = Field({}, description="The parameters of a function of the catalogue.")
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

    @field_validator(*FORMS, mode="before")
    @classmethod
    def _check_given(cls, form: Any) -> Any:
        if form is None:
            raise ValueError("must not be empty")
        return form

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str | None) -> str | None:
        if name is not None and name not in names():
            refuse([Problem(f"there is no objective '{name}'{_other_form(name)}", code="unknown-name")])
        return name

    @field_validator("network")
    @classmethod
    def _check_network(cls, name: str | None) -> str | None:
        # A mistyped name is reported before keys that belong to it and not to a module of the user's own.
        if name is not None and name not in NETWORKS and name.isidentifier():
            refuse([Problem(unknown(name), code="unknown-name")])
        return name

    @field_validator("bounds", mode="before")
    @classmethod
    def _as_pairs(cls, bounds: Any) -> Any:
        """Accept the bare [low, high] of one dimension."""
        if not isinstance(bounds, list) or any(isinstance(item, list) for item in bounds):
            return bounds
        if len(bounds) != 2:
            refuse([Problem(f"must be [low, high], or a list of such pairs, not {format_value(bounds)}")])
        wrong = [index for index, item in enumerate(bounds) if not is_number(item)]
        refuse(
            Problem(f"must be a number, not {format_value(bounds[index])}", (index,), "wrong-type") for index in wrong
        )
        return [bounds]

    @field_validator("parameters", mode="before")
    @classmethod
    def _check_keys(cls, parameters: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        hints = {
            key: did_you_mean(key, [each for each in cls.model_fields if each != "parameters"]) for key in parameters
        }
        hints = {key: hint for key, hint in hints.items() if hint and not is_number(parameters[key])}
        if "parameters" in parameters:
            inner = parameters["parameters"]
            key, value = next(iter(inner.items())) if isinstance(inner, dict) and inner else ("", None)
            hints = {
                "parameters": f"; write `{key}: {format_value(value)}` directly"
                if key and info.data.get("name")
                else ""
            }
        refuse(Problem(f"has no key '{key}'{hint}", (key,), "unknown-key", at_key=True) for key, hint in hints.items())
        return parameters

    @model_validator(mode="after")
    def _check_by_building(self, info: ValidationInfo) -> ObjectiveSpec:
        given = [form for form in FORMS if getattr(self, form) is not None]
        if len(given) != 1:
            found = " and ".join(f"'{form}'" for form in given) or "none"
            code: Code = "conflict" if given else "missing"
            refuse([Problem(f"must have one of {', '.join(FORMS)}, not {found}", code=code)])
        refuse(self._misplaced_keys(given[0]))
        try:
            self._built = self._build(info.context or HERE)
        except InputError as error:
            strange = self.parameters.keys() - objective(self.name).parameters.keys() if self.name else ()
            at_key = bool(error.key) and error.key[0] in strange
            refuse([Problem(error.message, error.key or (given[0],), error.code, at_key)])
        return self

    def _misplaced_keys(self, form: str) -> Iterator[Problem]:
        """Yield the keys that do not belong to a form of objective, and those that it lacks."""
        written = self.keys_of(self.model_fields_set)
        forms = {key: " or ".join(KEYS_OF_FORMS[key]) for key in KEYS_OF_FORMS if form not in KEYS_OF_FORMS[key]}
        needs = {key: f"'{key}' goes with {others}" for key, others in forms.items()}
        if self.gradient != "finite_differences" and "edge_order" not in needs:
            needs["edge_order"] = "edge_order goes with gradient: finite_differences"
        if self.wrt == "input":
            needs["record_every"] = "record_every goes with wrt: weights; with wrt: input they do not change"
        elif form == "network":
            needs |= {key: f"'{key}' goes with wrt: input" for key in KEYS_OF_INPUT}
        for key in written & needs.keys():
            yield Problem(needs[key], (key,), "conflict", at_key=True)
        if form == "network" and self.data is None:
            yield Problem(f"needs data: {', '.join(DATA)}, or the path of an .npz file with x and y", code="missing")
        if form == "network" and self.wrt == "input" and self.target is None:
            yield Problem("needs the class whose score is raised, as in {wrt: input, class: 3}", code="missing")

    @classmethod
    def keys_of(cls, fields: Iterable[str]) -> set[str]:
        """Return the keys of fields as the user writes them."""
        return {cls.model_fields[key].alias or key for key in fields}

    def _build(self, context: SourceContext) -> Built:
        if self.network is None:
            return Built(self._function(context))
        trained = self._network(self.network, context)
        if self.wrt == "weights":
            return Built(trained.objective(), trained)
        from gdsim.networks import inputs

        return Built(
            inputs.objective(trained, target=self.target, image=self.image, trained=self.trained, folder=context.folder)
        )

    def _network(self, name: str, context: SourceContext) -> Network:
        data = self.data or DataSpec(name="")
        found = examples(data.name, n=data.n, noise=data.noise, test=data.test, seed=data.seed, folder=context.folder)
        return network(
            name,
            found,
            hidden=self.hidden,
            channels=self.channels,
            residual=self.residual,
            activation=self.activation,
            loss=self.loss,
            batch_size=self.batch_size,
            every=self.record_every,
            args=self.args,
            folder=context.folder,
            allow_code=context.allow_code,
        )

    def _function(self, context: SourceContext) -> Objective:
        if self.expression is not None:
            return from_expression(self.expression, bounds=self.bounds, constants=self.constants)
        if self.samples is not None:
            return from_samples(
                context.folder / self.samples,
                bounds=self.bounds,
                invert=self.invert,
                gradient=self.gradient,
                edge_order=self.edge_order,
            )
        if self.python is not None:
            function = import_function(self.python, folder=context.folder, allow_code=context.allow_code)
            return from_function(function, dim=self.dim, bounds=self.bounds, name=self.python.rpartition(":")[2])
        return objective(str(self.name), dim=self.dim, bounds=self.bounds, **self.parameters)

    def build(self) -> Objective:
        """Return the objective, the same one each time; that of a network has no loss plane before training."""
        return self._built.objective

    def to_train(self) -> Network | None:
        """Return the network whose weights are trained, or None for a function."""
        return self._built.network


def _other_form(name: str) -> str:
    """Return what may be meant by a name that the catalogue does not have."""
    if name in NETWORKS:
        return f"; for a network write {{network: {name}, data: digits}}"
    if name.lower().endswith(SAMPLES):
        return f"; for a file write {{samples: {name}}}"
    if OPERATORS.intersection(name):
        return f'; for an expression write {{expression: "{name}"}}'
    return did_you_mean(name, names()) or "; `gdsim list objectives` lists them"
