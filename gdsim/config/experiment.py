"""A whole configuration, and the checks that need more than one of its keys."""

from __future__ import annotations

import math
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PrivateAttr,
    TypeAdapter,
    ValidationInfo,
    field_validator,
    model_validator,
)

from gdsim import themes
from gdsim.config.messages import format_value
from gdsim.config.model import (
    HERE,
    Coordinate,
    Model,
    NoneAsEmpty,
    SourceContext,
    as_list,
    has_control_characters,
    is_nested,
    none_as_empty,
    refuse,
)
from gdsim.config.objective import ObjectiveSpec
from gdsim.config.optimizer import OptimizerSpec, class_problems
from gdsim.config.presentation import Animation, Output, OwnTheme, View, with_preset
from gdsim.config.sweep import Sweep
from gdsim.config.yaml_text import Document
from gdsim.errors import ConfigError, InputError, Key, Problem
from gdsim.networks import Network, NetworkObjective
from gdsim.objectives import Objective

LANGUAGE = 1

MAX_STEPS = 1_000_000
MAX_POINTS = 6_000_000  # of two coordinates, whose pictures take at most 2 GiB of memory
MAX_NETWORK_STEPS = 200_000
MAX_WEIGHT_BYTES = 3 * 2**27  # a quarter of the largest recording
MAX_PATHS = 10_000
MAX_OPTIMIZERS = 64
MIN_RUNS = 8  # of an ensemble; fewer do not show a spread
MAX_OBJECTIVES = 12
MAX_FACETS = 36
MAX_LABEL = 80
MAX_STARTS = 10_000
MAX_FLOWS = 100  # starts from which the gradient flow is computed, each in a tenth of a second to a few seconds
MAX_DISTANCE = 1e6  # widths of the view


Several = Annotated[list[ObjectiveSpec], Field(min_length=1, max_length=MAX_OBJECTIVES)]
Objectives = Annotated[Several, BeforeValidator(as_list, json_schema_input_type=ObjectiveSpec | Several)]

Point = Annotated[list[Coordinate], Field(min_length=1, examples=[[0.5, 1]])]
Points = Annotated[list[Point], Field(min_length=1, examples=[[[0.5, 1], [2, -3]]])]


class Start(Model):
    """Where the paths start: a point, a list of points, {grid: [8, 8]} or {random: 16}."""

    points: Points | None = None
    """The points themselves."""
    grid: Annotated[list[Annotated[int, Field(ge=1, le=MAX_STARTS)]], Field(min_length=1)] | None = None
    """A regular grid over the view: the number of points along each dimension."""
    random: Annotated[int, Field(ge=1, le=MAX_STARTS)] | None = None
    """This number of points, drawn uniformly from the view by the seed."""

    @model_validator(mode="after")
    def _check_one_is_given(self) -> Start:
        given = [key for key in type(self).model_fields if getattr(self, key) is not None]
        if len(given) != 1:
            message = f"must have one of grid and random, not {' and '.join(given) or 'none'}"
            refuse([Problem(message, code="conflict" if given else "missing")])
        return self

    @property
    def count(self) -> int:
        """The number of starting points."""
        if self.points is not None:
            return len(self.points)
        return math.prod(self.grid) if self.grid is not None else self.random or 0


AnyStart = Coordinate | Point | Points | Start


def _as_start(value: Any) -> Start:
    """Return the start that is written as a mapping, a point or a list of points."""
    if isinstance(value, dict):
        return Start.model_validate(value)
    if is_nested(value):
        return Start(points=TypeAdapter(Points).validate_python(value))
    if isinstance(value, list):
        return Start(points=[TypeAdapter(Point).validate_python(value)])
    return Start(points=[[TypeAdapter(Coordinate).validate_python(value)]])


def _labelled(optimizers: Any) -> Any:
    """Return each value with its label, which may be the class."""
    return {label: (label, each) for label, each in optimizers.items()} if isinstance(optimizers, dict) else optimizers


def _with_class(labelled: tuple[str, Any], info: ValidationInfo) -> Any:
    """Return the settings below a label, which is also their class unless they have one."""
    label, settings = labelled
    settings = none_as_empty(settings)
    if not label.strip() or len(label) > MAX_LABEL or has_control_characters(label):
        message = f"a label must be 1 to {MAX_LABEL} characters in one line, not {format_value(label)}"
        refuse([Problem(message, at_key=True)])
    if not isinstance(settings, dict) or "class" in settings:
        return settings
    if problem := next(class_problems(label, context=info.context or HERE), None):
        stop = "" if problem.message.endswith("?") else "."
        message = f"{problem.message}{stop} If it is only a label, add its class: {{class: SGD}}"
        refuse([Problem(message, code=problem.code, at_key=True)])
    return {"class": label, **settings}


class Origin(NamedTuple):
    """Where an experiment comes from, its YAML, and the locations in it."""

    name: str
    context: SourceContext
    yaml: str
    document: Document


def _check_version(version: int) -> int:
    if version > LANGUAGE:
        message = f"{version} is newer than this gdsim, which reads {LANGUAGE}: pip install --upgrade gdsim"
        refuse([Problem(message, code="unsupported")])
    return version


class Experiment(Model):
    """One configuration, valid and frozen: a function, a few optimizers, and how to show them.

    Experiments are made by `load` and `loads`. Two are equal if they mean the same, however they are written.
    """

    # Each check sees the fields above its own.
    objectives: Objectives = Field(alias="objective")
    """The function to minimize or the network to train; or a list of several, each with all optimizers."""
    start: Start | None = None
    """Where the paths start: one point, a list of points, {grid: [8, 8]} or {random: 16}. By default each objective's
    own starting point."""
    optimizers: Annotated[
        dict[str, Annotated[OptimizerSpec, BeforeValidator(_with_class)]],
        Field(min_length=1, max_length=MAX_OPTIMIZERS, examples=[{"SGD": {"lr": 0.01}}]),
        BeforeValidator(_labelled),
    ]
    """The optimizers by label, which the legend shows. A label that is a class of torch.optim needs nothing more:
    `Adam:` is Adam with its defaults."""
    ensemble: Annotated[int, Field(ge=MIN_RUNS, le=MAX_PATHS)] | None = Field(default=None, examples=[64])
    """The number of runs of each optimizer that differ only in their noise: run k is that of `seed + k`. The picture
    shows the first one, their mean and their spread; panels show the median and the range of the middle 80 %."""
    steps: Annotated[int, Field(ge=1, le=MAX_STEPS)] = Field(examples=[150])
    """The number of steps of each optimizer; for a network, of mini-batches."""
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0
    """The seed of random starts, noise, initial weights and mini-batches; the same seed gives the same picture."""
    record: Literal["state"] | None = None
    """state records what each optimizer holds after each step, such as Adam's averages, for `Trajectory.state` and the
    .npz; for a network only norms over all weights. What the view shows of it is recorded without this key."""
    sweep: Sweep | None = None
    """One or two settings, or the start, varied over a grid: the picture is a map of outcomes, or a curve."""
    view: Annotated[View, NoneAsEmpty()] = View()
    """What the picture looks like."""
    animation: Annotated[Animation, NoneAsEmpty()] = Animation()
    """How long the animation lasts."""
    output: Annotated[Output, NoneAsEmpty()] = Output()
    """Which files are written."""
    version: Annotated[int, Field(ge=1), AfterValidator(_check_version)] = LANGUAGE
    """The version of the language in which the file is written. It changes when a key moves, and there is only 1."""
    _origin: Origin = PrivateAttr()

    def __repr__(self) -> str:
        titles = ", ".join(spec.build().title for spec in self.objectives)
        return f"<Experiment '{self.name}': {titles}; {', '.join(self.optimizers)}; {self.steps} steps>"

    @property
    def name(self) -> str:
        """The name of the output files: the stem of the configuration's own."""
        return self._origin.name

    @property
    def context(self) -> SourceContext:
        """The folder of the configuration, and whether code in it may run."""
        return self._origin.context

    @property
    def folder(self) -> pathlib.Path:
        """The folder that paths in the configuration are relative to."""
        return self.context.folder

    @property
    def yaml(self) -> str:
        """The text that gives this experiment again, overrides included."""
        return self._origin.yaml

    @property
    def paths(self) -> int:
        """The number of paths of each optimizer on each objective."""
        return self.ensemble or (self.start.count if self.start else 1)

    @property
    def records_state(self) -> bool:
        """Whether the state of the optimizers is recorded."""
        return self.record == "state" or self.view.shows_state

    @contextmanager
    def located(self, index: int = 0) -> Iterator[None]:
        """Add its location in the configuration to an InputError that an objective (by its index) raises within."""
        try:
            yield
        except InputError as error:
            raise self.locate(error, index) from error

    def locate(self, error: InputError, index: int = 0) -> ConfigError:
        """Return a mistake that is found after loading with its location in the configuration.

        The keys of an objective, such as `("python",)`, are found below that objective, by its index.
        """
        if isinstance(error, ConfigError):
            return error
        key, document = error.key, self._origin.document
        if key and key[0] in ObjectiveSpec.keys_of(ObjectiveSpec.model_fields):
            key = ("objective", *key)
        if key[:1] == ("objective",) and isinstance(document.value["objective"], list):
            key = ("objective", index, *key[1:])
        return document.error([Problem(error.message, key, error.code)])

    _with_preset = model_validator(mode="before")(with_preset)

    @field_validator("objectives")
    @classmethod
    def _check_different(cls, objectives: list[ObjectiveSpec]) -> list[ObjectiveSpec]:
        for index, spec in enumerate(objectives):
            if spec in objectives[:index]:
                refuse([Problem(f"is the same as objective.{objectives.index(spec)}", (index,), "duplicate")])
        return objectives

    @field_validator("start", mode="plain", json_schema_input_type=AnyStart | None)
    @classmethod
    def _check_start(cls, value: Any, info: ValidationInfo) -> Start | None:
        objectives = _built(info)
        if value is None:
            return None
        if _networks(objectives):
            message = "is for functions; a network starts from the weights that the seed gives it: remove `start`"
            refuse([Problem(message, code="unsupported")])
        start = _as_start(value)
        refuse(_grid_problems(start, objectives))
        # The key of a single point is that of the start.
        several = isinstance(value, dict) or is_nested(value)
        keys = {("points", index) if several else (): point for index, point in enumerate(start.points or ())}
        refuse(problem for key, point in keys.items() for problem in _point_problems(point, key, objectives))
        return start

    @field_validator("ensemble")
    @classmethod
    def _check_ensemble(cls, runs: int | None, info: ValidationInfo) -> int | None:
        if runs is not None and info.data.keys() >= {"objectives", "start", "optimizers"}:
            refuse(_ensemble_problems(_built(info), info.data["start"], info.data["optimizers"]))
        return runs

    @field_validator("steps")
    @classmethod
    def _check_size(cls, steps: int, info: ValidationInfo) -> int:
        if info.data.keys() >= {"objectives", "start", "optimizers", "ensemble"}:
            objectives, optimizers = _built(info), info.data["optimizers"]
            refuse(_size_problems(steps, info.data["start"], info.data["ensemble"], objectives, optimizers))
        return steps

    @field_validator("sweep")
    @classmethod
    def _check_sweep(cls, sweep: Sweep | None, info: ValidationInfo) -> Sweep | None:
        if sweep is not None and info.data.keys() >= {"objectives", "start", "optimizers"}:
            if info.data.get("ensemble"):
                refuse([Problem("varies single runs, not those of an ensemble: remove `ensemble`", code="conflict")])
            start = info.data["start"]
            refuse(sweep.problems(_built(info), start.count if start else 1, info.data["optimizers"]))
        return sweep

    @field_validator("view")
    @classmethod
    def _check_view(cls, view: View, info: ValidationInfo) -> View:
        objectives = _built(info)
        if objectives:
            # A package above this one.
            refuse(import_module("gdsim.scene.build").view_problems(objectives, view))
        facets = len(objectives) * len(info.data.get("optimizers", ()))
        if view.layout == "grid" and facets > MAX_FACETS:
            message = f"a grid of optimizers × objectives has {facets} views; at most {MAX_FACETS} are drawn"
            refuse([Problem(message, ("layout",), "too-large")])
        refuse(_flow_problems(view, info.data) if view.needs_flow else ())
        return view

    @model_validator(mode="after")
    def _check_zoom(self) -> Experiment:
        zoom, axes = self.animation.zoom, self.sweep.axes if self.sweep else ()
        if zoom is not None:
            bounds = self.objectives[0].build().bounds
            ranges = [axis.range or bounds[min(number, len(bounds) - 1)] for number, axis in enumerate(axes)]
            refuse(_zoom_problems(zoom.to, ranges, [axis.values for axis in axes]))
        return self

    @model_validator(mode="after")
    def _check_theme(self) -> Experiment:
        # Last, when everything else is valid: fonts and colour maps take longer than all other checks together.
        if isinstance(self.view.theme, OwnTheme):
            try:
                themes.theme(self.view.theme.given())
            except InputError as error:
                refuse(error.below("view", "theme").problems)
        return self


def _zoom_problems(
    to: Sequence[float], ranges: Sequence[Sequence[float]], values: Sequence[Sequence[float] | None]
) -> Iterator[Problem]:
    """Yield why a map with some ranges, or values instead, cannot be zoomed into at a point."""
    key = ("animation", "zoom")
    if len(ranges) < len(to) or any(values):
        message = "goes with a sweep over two ranges: sweep: {x: {setting: …, range: [0, 1]}, y: …}"
        yield Problem(message, key, "unsupported")
        return
    for number, (each, ends) in enumerate(zip(to, ranges, strict=True)):
        low, high = sorted(ends)
        if not low <= each <= high:
            yield Problem(f"must be from {low:g} to {high:g}, not {format_value(each)}", (*key, "to", number))


def _flow_problems(view: View, data: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield why the gradient flow does not go with the rest of a configuration."""
    panel = "flow_distance"
    key: Key = ("flow",) if view.flow else ("panels", view.panels.index(panel))
    starts = start.count if (start := data.get("start")) else 1
    if data.get("sweep"):
        yield Problem("the gradient flow goes with paths, not with a sweep", key, "conflict")
    elif starts > MAX_FLOWS:
        message = f"the gradient flow is computed from at most {MAX_FLOWS} starts, and there are {starts}"
        yield Problem(message, key, "too-large")
    elif panel in view.panels and not any(each.class_name == "SGD" for each in data.get("optimizers", {}).values()):
        message = (
            f"{panel} goes with SGD, which follows the gradient flow as its learning rate falls; no other class does"
        )
        yield Problem(message, ("panels", view.panels.index(panel)), "unsupported")


def _built(info: ValidationInfo) -> list[Objective]:
    """Return the objectives, if they are valid."""
    return [spec.build() for spec in info.data.get("objectives", ())]


def _networks(objectives: Sequence[Objective]) -> list[Network]:
    return [each.network for each in objectives if isinstance(each, NetworkObjective)]


def _ensemble_problems(
    objectives: Sequence[Objective], start: Start | None, optimizers: Mapping[str, OptimizerSpec]
) -> Iterator[Problem]:
    """Yield why the runs of an ensemble would not differ in their noise alone."""
    if any(each.kind != "function" for each in objectives):
        message = "is for functions; a network is trained once per run: remove `ensemble`, and vary `seed`"
        yield Problem(message, code="unsupported")
    elif start is not None and start.count != 1:
        yield Problem(f"is of runs from a single start, and there are {start.count}", code="conflict")
    elif not any(each.noise for each in optimizers.values()):
        message = "would have equal runs, because no optimizer has noise: give one `noise: 1.0`, or remove `ensemble`"
        yield Problem(message, code="conflict")


def _size_problems(
    steps: int,
    start: Start | None,
    runs: int | None,
    objectives: Sequence[Objective],
    optimizers: Mapping[str, OptimizerSpec],
) -> Iterator[Problem]:
    """Yield what would take more time or memory than any picture needs."""
    starts = runs or (start.count if start else 1)
    count, cost, networks = len(objectives), sum(map(_cost, optimizers.values())), _networks(objectives)
    product = f"{starts} {'runs' if runs else 'starts'} × {len(optimizers)} optimizers × {count} objectives"
    paths = starts * len(optimizers) * count
    max_points = MAX_POINTS * 2 * count // sum(max(2, objective.dim) for objective in objectives)
    max_steps = MAX_POINTS // (starts * count * cost)
    if networks:
        max_steps = min(max_steps, MAX_NETWORK_STEPS // (len(networks) * cost))
    if paths > MAX_PATHS:
        yield Problem(f"{product} are {paths} paths; at most {MAX_PATHS} are drawn", code="too-large")
    elif steps * paths > max_points:
        message = f"{steps} steps × {product} are {steps * paths} points; at most {max_points} are recorded"
        yield Problem(message, code="too-large")
    elif steps > max_steps:
        slow = ", ".join(label for label, optimizer in optimizers.items() if networks or _cost(optimizer) > 1)
        yield Problem(f"at most {max_steps} are allowed with {product}: {slow} take long", code="too-large")
    else:
        yield from _weight_problems(steps, networks, len(optimizers))


def _weight_problems(steps: int, networks: Sequence[Network], optimizers: int) -> Iterator[Problem]:
    """Yield the networks of which too many weights would be kept."""
    for network in networks:
        max_rows = max(1, MAX_WEIGHT_BYTES // (4 * network.weights * optimizers) - 2)
        if network.record_every is not None and steps // network.record_every > max_rows:
            kept = f"record_every: {network.record_every} keeps more than {MAX_WEIGHT_BYTES // 2**20:,} MiB of weights"
            yield Problem(f"for {network.title}, {kept}; use {-(-steps // max_rows)}", code="too-large")


def _cost(optimizer: OptimizerSpec) -> int:
    """Return roughly how many of SGD's steps take as long as one step of an optimizer."""
    if optimizer.class_name == "LBFGS":
        return 5 * max(20, int(optimizer.settings.get("max_iter", 20)))
    if optimizer.is_minimizer:
        return 50
    watches_values = optimizer.schedule is not None and optimizer.schedule["class"] == "ReduceLROnPlateau"
    # A class from elsewhere may need an instance per start, which is known only when it runs.
    separate = watches_values or not optimizer.class_name.isidentifier() or bool(optimizer.settings.get("fused"))
    return 10 if separate else 1


def _grid_problems(start: Start, objectives: Sequence[Objective]) -> Iterator[Problem]:
    if start.count > MAX_STARTS:
        yield Problem(f"makes {start.count} starts; at most {MAX_STARTS} are allowed", ("grid",), "too-large")
    for objective in objectives:
        if start.grid is not None and objective.dim != len(start.grid):
            yield Problem(f"needs one number per dimension, and {objective.name} has dim {objective.dim}", ("grid",))


def _point_problems(point: list[float], key: Key, objectives: Sequence[Objective]) -> Iterator[Problem]:
    for objective in objectives:
        if objective.dim != len(point):
            several = "; several starts are written [[0.5], [1]]" if objective.dim == 1 else ""
            yield Problem(f"has {len(point)} coordinates, and {objective.name} has dim {objective.dim}{several}", key)
            continue
        region = objective.domain if objective.is_measured else objective.bounds
        for index, (coordinate, (low, high)) in enumerate(zip(point, region.tolist(), strict=True)):
            if objective.is_measured and not low <= coordinate <= high:
                message = f"must be from {low:g} to {high:g}, where it was measured, not {format_value(coordinate)}"
                yield Problem(message, (*key, index))
            elif abs(coordinate - (low + high) / 2) > MAX_DISTANCE * (high - low):
                message = f"is too far away: {format_value(coordinate)} is over a million view widths from the view"
                yield Problem(message, (*key, index))
