"""A whole configuration, and the checks that take more than one of its keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    Field,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)

from gdsim import themes
from gdsim.config.arguments import bare_class, class_problem
from gdsim.config.location import Document, Problem
from gdsim.config.messages import is_number, shown
from gdsim.config.model import Model, holds_controls, or_defaults, refuse
from gdsim.config.objective import ObjectiveSpec
from gdsim.config.output import Output, with_preset
from gdsim.config.specs import OptimizerSpec, Start
from gdsim.config.start import FORMS, grid_problems, point_problems, written_points
from gdsim.config.theme import OwnTheme
from gdsim.config.view import Animation, SaliencySpec, View
from gdsim.errors import ConfigError, InputError
from gdsim.networks import Network
from gdsim.networks.scores import class_problem as class_problem_of
from gdsim.networks.scores import image_of

__all__ = ["MAX_OBJECTIVES", "MAX_OPTIMIZERS", "Experiment", "Origin", "label_problem"]

MAX_STEPS = 1_000_000
MAX_RECORDED = 20_000_000
MAX_TRAINED = 200_000
MAX_KEPT = 2**30  # bytes
MAX_PATHS = 10_000
MAX_OPTIMIZERS = 64
MAX_OBJECTIVES = 12
MAX_FACETS = 36
MAX_LABEL = 80


def _in_a_list(value: Any) -> Any:
    if not isinstance(value, list):
        return [value]
    if not 1 <= len(value) <= MAX_OBJECTIVES:
        refuse([Problem((), f"must be a list of 1 to {MAX_OBJECTIVES} objectives, not of {len(value)}")])
    return value


Objectives = Annotated[
    tuple[ObjectiveSpec, ...],
    Field(strict=False, json_schema_extra={"minItems": 1, "maxItems": MAX_OBJECTIVES}),
    BeforeValidator(_in_a_list),
]


@dataclass(frozen=True)
class Origin:
    """Where an experiment comes from, which does not make two experiments different."""

    name: str = field(compare=False)
    folder: Path = field(compare=False)
    yaml: str = field(compare=False)
    document: Document = field(compare=False)

    def __post_init__(self) -> None:
        if self.name.strip() in {"", ".", ".."}:
            sentence = f"the files that come of it would be called {shown(self.name)}: give it a name"
            raise self.document.error([Problem((), sentence)])


class Experiment(Model):
    """One configuration, valid and frozen: a function, a few optimizers, and how to show them.

    Experiments are made by `load` and `loads`. Two are equal when they say the same, in whatever words.
    """

    # Each check sees the fields above its own, so what others are checked against comes first.
    objectives: Objectives = Field(
        alias="objective",
        description="The function to descend or the network to train; or a list of several, each with every optimizer.",
    )
    start: Start | None = Field(
        None,
        description="Where the paths begin: one point, a list of points, {grid: [8, 8]} or {random: 16}. By "
        "default each objective's own starting point.",
    )
    optimizers: Annotated[dict[str, OptimizerSpec], Field(min_length=1, max_length=MAX_OPTIMIZERS)] = Field(
        description="The optimizers by label, which the legend shows. A label that is a class of torch.optim "
        "needs nothing more: `Adam:` is Adam with its defaults.",
        examples=[{"SGD": {"lr": 0.01}}],
    )
    steps: Annotated[int, Field(ge=1, le=MAX_STEPS)] = Field(
        description="How many steps each optimizer takes; a network sees a mini-batch a step.", examples=[150]
    )
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] = Field(
        0,
        description="What random starts and noise are drawn by, and a network's first weights and mini-batches; the "
        "same seed gives the same picture.",
    )
    view: Annotated[View, BeforeValidator(or_defaults)] = Field(View(), description="What the picture looks like.")
    animation: Annotated[Animation, BeforeValidator(or_defaults)] = Field(
        Animation(), description="How long the animation lasts."
    )
    output: Annotated[Output, BeforeValidator(or_defaults)] = Field(Output(), description="Which files are written.")
    _origin: Origin = PrivateAttr()

    @property
    def name(self) -> str:
        """What the files that come of it are called: the stem of the configuration's own."""
        return self._origin.name

    @property
    def folder(self) -> Path:
        """Where files lie that the configuration names."""
        return self._origin.folder

    @property
    def yaml(self) -> str:
        """The text that makes this experiment again, overrides included."""
        return self._origin.yaml

    @contextmanager
    def located(self, index: int = 0) -> Iterator[None]:
        """Put its place in the configuration before a mistake that is found within, after loading.

        Args:
            index: Which of the objectives is at work within.
        """
        try:
            yield
        except InputError as error:
            raise self.locate(error, index) from error

    def locate(self, error: InputError, index: int = 0) -> ConfigError:
        """Return a mistake that was found after loading with its place in the configuration before it.

        Args:
            error: What was found; of its `key`, as much as the configuration holds gives the place. The keys of
                an objective, such as `("python",)`, are found below `objective`.
            index: Which of the objectives it was found with.
        """
        if isinstance(error, ConfigError):
            return error
        path, document = error.key, self._origin.document
        if path and path[0] in ObjectiveSpec.keys_of():
            path = ("objective", *path)
        if path[:1] == ("objective",) and isinstance(document.value["objective"], list):
            path = ("objective", index, *path[1:])
        return document.error([Problem(path, error.message)])

    @model_validator(mode="before")
    @classmethod
    def _with_preset(cls, value: Any) -> Any:
        return with_preset(value)

    @field_validator("objectives")
    @classmethod
    def _check_different(cls, objectives: tuple[ObjectiveSpec, ...]) -> tuple[ObjectiveSpec, ...]:
        for index, spec in enumerate(objectives):
            if spec in objectives[:index]:
                refuse([Problem((index,), f"is the same as objective.{objectives.index(spec)}")])
        return objectives

    @field_validator("start", mode="wrap")
    @classmethod
    def _check_start(cls, value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Start | None:
        specs = info.data.get("objectives", ())
        if value is not None and any(spec.network is not None and spec.wrt == "weights" for spec in specs):
            sentence = "is for functions; a network starts from the weights that the seed gives it: leave start away"
            refuse([Problem((), sentence)])
        built = [spec.build() for spec in specs]
        if value is None or isinstance(value, dict):
            start: Start | None = handler(value)
            if start is not None and start.grid is not None:
                refuse(grid_problems(start.grid, start.count, built))
            if start is not None and start.points is not None:
                written = {("points", *path): point for path, point in written_points(start.points).items()}
                refuse(point_problems(written, built))
            return start
        if not isinstance(value, list) and not is_number(value):
            refuse([Problem((), f"must be {FORMS}, not {shown(value)}")])
        points = written_points(value)
        refuse(point_problems(points, built))
        return Start(points=list(points.values()))

    @field_validator("optimizers", mode="wrap")
    @classmethod
    def _check_labels(cls, value: Any, handler: ValidatorFunctionWrapHandler) -> dict[str, OptimizerSpec]:
        if not isinstance(value, dict):
            return dict(handler(value))
        problems = list(_label_problems(value))
        refused = {problem.key for problem in problems}
        sound = {label: _with_class(label, value[label]) for label in value if label not in refused}
        try:
            optimizers = dict(handler(sound)) if sound or not problems else {}
        except ValidationError as error:
            refuse(problems, beside=error)
        refuse(problems)
        return optimizers

    @field_validator("steps")
    @classmethod
    def _check_recorded(cls, steps: int, info: ValidationInfo) -> int:
        if not info.data.keys() >= {"objectives", "start", "optimizers"}:
            return steps
        start, optimizers = info.data["start"], info.data["optimizers"]
        dims = [spec.build().dim for spec in info.data["objectives"]]
        refuse(_excesses(steps, start.count if start else 1, dims, optimizers))
        refuse(_excesses_of_networks(steps, info.data["objectives"], optimizers))
        return steps

    @field_validator("view")
    @classmethod
    def _check_view(cls, view: View, info: ValidationInfo) -> View:
        if "objectives" in info.data:
            refuse(view.problems([spec.build() for spec in info.data["objectives"]]))
        return view

    @field_validator("view")
    @classmethod
    def _check_networks(cls, view: View, info: ValidationInfo) -> View:
        for spec in info.data.get("objectives", ()):
            if (network := spec.to_train()) is not None:
                refuse(_panel_problems(view, network))
        return view

    @field_validator("view")
    @classmethod
    def _check_facets(cls, view: View, info: ValidationInfo) -> View:
        if view.layout == "grid" and info.data.keys() >= {"objectives", "optimizers"}:
            objectives, optimizers = len(info.data["objectives"]), len(info.data["optimizers"])
            facets = objectives * optimizers
            product = f"{optimizers} optimizers" + (f" × {objectives} objectives" if objectives > 1 else "")
            if facets > MAX_FACETS:
                sentence = f"a grid of {product} has {facets} facets; at most {MAX_FACETS} are drawn side by side"
                refuse([Problem(("layout",), sentence)])
        return view

    @model_validator(mode="after")
    def _check_theme(self) -> Experiment:
        # Last, when nothing else is wrong: to know a font or a colour map takes longer than all other checks together.
        if isinstance(self.view.theme, OwnTheme):
            try:
                themes.theme(self.view.theme.given())
            except InputError as error:
                refuse([Problem(("view", "theme", *error.key), error.message)])
        return self


def _excesses(
    steps: int, starts: int, dims: Sequence[int], optimizers: Mapping[str, OptimizerSpec]
) -> Iterator[Problem]:
    """Yield what would take more time or memory than any picture needs."""
    several = f" × {len(dims)} objectives" if len(dims) > 1 else ""
    product, paths = f"{starts} starts × {len(optimizers)} optimizers{several}", starts * len(optimizers) * len(dims)
    most_points = MAX_RECORDED * 2 * len(dims) // sum(max(2, dim) for dim in dims)
    most_steps = MAX_RECORDED // (starts * len(dims) * sum(map(_weight, optimizers.values())))
    if paths > MAX_PATHS:
        yield Problem((), f"{product} are {paths} paths; at most {MAX_PATHS} are drawn")
    elif steps * paths > most_points:
        sentence = f"{steps} steps × {product} are {steps * paths} points; at most {most_points} are recorded"
        yield Problem((), sentence)
    elif steps > most_steps:
        slow = ", ".join(label for label, optimizer in optimizers.items() if _weight(optimizer) > 1)
        sentence = (
            f"at most {most_steps} are allowed from {starts} starts with {slow}, which cannot take them all at once"
        )
        yield Problem((), sentence)


def _excesses_of_networks(
    steps: int, specs: Sequence[ObjectiveSpec], optimizers: Mapping[str, OptimizerSpec]
) -> Iterator[Problem]:
    """Yield what of all networks together would take more time or memory than any picture needs."""
    networks = [network for spec in specs if (network := spec.to_train()) is not None]
    several = f" × {len(networks)} networks" if len(networks) > 1 else ""
    runs = len(networks) * sum(map(_weight, optimizers.values()))
    if runs and steps * runs > MAX_TRAINED:
        each = f"{len(optimizers)} optimizer{'s' if len(optimizers) > 1 else ''}{several}"
        slow = ", ".join(label for label, optimizer in optimizers.items() if _weight(optimizer) > 1)
        each += f", {slow} among them, slower than others" if slow else ""
        yield Problem((), f"at most {MAX_TRAINED // runs} are allowed with {each}: a network's steps take long")
        return
    for network in networks:
        most = max(1, MAX_KEPT // (4 * network.weights * len(optimizers)) - 2)
        if network.every is not None and steps // network.every > most:
            sentence = f"of {network.title}, record_every: {network.every} keeps more than {MAX_KEPT // 2**20:,} MiB"
            yield Problem((), f"{sentence} of weights; {-(-steps // most)} would do")


def _panel_problems(view: View, network: Network) -> Iterator[Problem]:
    """Yield what a network has not that a panel is to show."""
    if "accuracy" in view.panels and network.data.classes is None:
        sentence = f"accuracy goes with classes, and y of {network.data.name} holds numbers"
        yield Problem(("panels", view.panels.index("accuracy")), sentence)
    if "saliency" in view.panels:
        yield from _saliency_problems(view.saliency, network, ("panels", view.panels.index("saliency")))


def _saliency_problems(wanted: SaliencySpec, network: Network, panel: tuple[str | int, ...]) -> Iterator[Problem]:
    data, given = network.data, wanted.model_fields_set
    if data.image is None or data.classes is None:
        lacks = "images" if data.image is None else "classes"
        others = "digits has, and an .npz file whose x is (n, channels, rows, columns) and whose y holds whole numbers"
        yield Problem(panel, f"saliency goes with images in classes, and {data.name} has no {lacks}; {others}")
        return
    try:
        image_of(data, wanted.image)
    except InputError as error:
        yield Problem(("saliency", "image") if "image" in given else panel, error.message)
    if problem := class_problem_of(data, wanted.target or 0):
        yield Problem(("saliency", "class"), problem)
    if wanted.method == "gradcam" and network.name == "mlp":
        yield Problem(("saliency", "method"), "gradcam looks at the last convolution, and an mlp has none; cnn has")


def _weight(optimizer: OptimizerSpec) -> int:
    """Return how many of SGD's steps take as long as one of an optimizer's, roughly."""
    if optimizer.class_name == "LBFGS":
        return 5 * max(20, int(optimizer.settings.get("max_iter", 20)))
    watches_values = optimizer.schedule is not None and optimizer.schedule["class"] == "ReduceLROnPlateau"
    # Of a class from elsewhere it is not known before it runs whether it takes each start by itself.
    by_itself = watches_values or not optimizer.class_name.isidentifier() or bool(optimizer.settings.get("fused"))
    return 10 if by_itself else 1


def label_problem(label: str) -> str:
    """Return what is wrong with what a user calls an optimizer, or nothing."""
    if not label.strip():
        return "a label must not be empty"
    if len(label) > MAX_LABEL:
        return f"a label has at most {MAX_LABEL} characters; {shown(label)} has {len(label)}"
    if holds_controls(label):
        return f"a label must not hold control characters, as {shown(label)} does"
    return ""


def _label_problems(optimizers: dict[str, Any]) -> Iterator[Problem]:
    """Yield what is wrong with labels, also where one stands for a class that is not there."""
    for label, settings in optimizers.items():
        unnamed = settings is None or (isinstance(settings, dict) and "class" not in settings)
        if wrong := label_problem(label):
            yield Problem((), wrong, key=label)
        elif unnamed and (problem := class_problem(bare_class(label))):
            sentence = problem if problem.endswith("?") else f"{problem}."
            yield Problem((), f"{sentence} If it is only a label, add its class: {{class: SGD}}", key=label)


def _with_class(label: str, settings: Any) -> Any:
    settings = or_defaults(settings)
    return {"class": label, **settings} if isinstance(settings, dict) else settings
