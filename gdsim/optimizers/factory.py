"""Factories of optimizers and of the schedules of their learning rates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from gdsim.config.optimizer import MATRICES_ONLY, GradientSettings
from gdsim.errors import InputError, Key
from gdsim.optimizers.classes import OptimizerClass, explain, schedule_class

ParameterShapes = int | Sequence[Sequence[int]]
"""The number of coordinates of a float64 point, or the shapes of a network's parameters."""


class BatchingMode(Enum):
    """How instances of a class are shared between starts, cheapest first."""

    FLAT = "one flat parameter that holds every start"
    ROWS = "one instance with a parameter per start"
    SEPARATE = "an instance per start"


MAX_TESTED_STEPS = 100_000
"""The maximum number of steps for which a schedule is tested, which takes less than half a second."""

BATCHING_MODES = {
    **dict.fromkeys(("SGD", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "SparseAdam"), BatchingMode.FLAT),
    **dict.fromkeys(("Adagrad", "Adadelta", "RMSprop", "Rprop", "ASGD"), BatchingMode.FLAT),
    **dict.fromkeys(("Adafactor", "Muon"), BatchingMode.ROWS),
    "LBFGS": BatchingMode.SEPARATE,
}
"""The cheapest mode per class in which the results for each start are bitwise identical to those of a separate run."""


@dataclass(frozen=True, eq=False)
class OptimizerFactory:
    """Builds instances of an optimizer class, and their learning-rate schedules.

    Attributes:
        label: The name in the configuration.
        built_class: The class with its settings and the optimizer that it wraps.
        schedule: `{"class": …, …}` with the arguments of a class of `torch.optim.lr_scheduler`.
        gradient: How each gradient is modified before the class receives it.
        needs_closure: Whether `step` is called with a closure that evaluates the objective.
        needs_graph: Whether the class differentiates the gradient, which requires `backward(create_graph=True)`.
        is_random: Whether the class draws random numbers.
        rest: The factory for the parameters of a network that are not matrices, if the class updates matrices only.
        within: The key of the class in the optimizer's settings; empty for the optimizer's own class.
        color: The colour of the paths, `"#rrggbb"`, or None for a colour of the theme.
    """

    label: str
    built_class: OptimizerClass
    schedule: Mapping[str, Any] | None = None
    gradient: GradientSettings = field(default_factory=GradientSettings)
    needs_closure: bool = False
    needs_graph: bool = False
    is_random: bool = False
    rest: OptimizerFactory | None = None
    within: Key = ()
    color: str | None = None

    @property
    def key(self) -> Key:
        """The key of the class and its settings in the configuration."""
        return ("optimizers", self.label, *self.within)

    @property
    def class_(self) -> type[Optimizer]:
        """The optimizer class."""
        return self.built_class.class_

    @property
    def text(self) -> str:
        """The class and its settings, for a legend: `"SGD · lr 0.01 · momentum 0.9"`."""
        parts = self.built_class.text()
        if self.rest is not None:
            name, *settings = self.rest.built_class.text()
            parts += [f"rest {name}", *settings]
        if self.schedule is not None:
            parts.append(self.schedule["class"])
        return " · ".join([*parts, *self.gradient.texts()])

    @property
    def torch_name(self) -> str:
        """The name of the class if it is from `torch.optim`, otherwise empty."""
        return self.class_.__name__ if self.built_class.is_from_torch else ""

    @property
    def is_builtin(self) -> bool:
        """Whether the class is from torch.optim and its requirements are known without a test."""
        return self.torch_name in BATCHING_MODES

    @property
    def batching_modes(self) -> tuple[BatchingMode, ...]:
        """The possible modes, cheapest first; only one if the best mode is known."""
        plateau = self.schedule is not None and self.schedule["class"] == "ReduceLROnPlateau"
        # A fused step rounds the last few elements of a tensor differently.
        fused = any(each.settings.get("fused") for each in self.built_class)
        if self.needs_closure or self.needs_graph or self.is_random or plateau or fused:
            return (BatchingMode.SEPARATE,)
        return (BATCHING_MODES[self.class_.__name__],) if self.is_builtin else tuple(BatchingMode)

    @property
    def evaluations_per_step(self) -> int:
        """The most gradients that a step evaluates."""
        return int(self.built_class.settings.get("max_iter", 20)) if self.needs_closure else 1

    @cached_property
    def matrices_only(self) -> bool:
        """Whether the class is known to update matrices only."""
        return any(map(self._contains, MATRICES_ONLY))

    @cached_property
    def takes_sparse(self) -> bool:
        """Whether the class requires sparse gradients."""
        return self._contains("SparseAdam")

    def parameter_groups(self, parameters: Iterable[Tensor]) -> list[tuple[OptimizerFactory, list[Tensor]]]:
        """Return this factory and `rest`, each with the parameters of a network that it updates."""
        every = list(parameters)
        if self.rest is None:
            return [(self, every)]
        others = [each for each in every if each.ndim != 2]
        return [(self, [each for each in every if each.ndim == 2]), (self.rest, others)]

    def reshape(self, points: Tensor) -> Tensor:
        """Return points or gradients in the shape that the class requires; Muon requires matrices."""
        return points.unsqueeze(-2) if self.matrices_only else points

    def to_layout(self, gradient: Tensor) -> Tensor:
        """Return a gradient in the layout that the class requires."""
        return gradient.to_sparse() if self.takes_sparse else gradient

    def build(self, parameters: Iterable[Tensor], model: nn.Module | None = None) -> Optimizer:
        """Build an instance; `model` is the module that contains the parameters, for classes that take a module.

        Raises:
            InputError: The class refuses its settings.
        """
        try:
            built = self.built_class.build(list(parameters), model)
        except Exception as error:
            raise self.error("refuses its settings", error) from error
        if not getattr(built, "param_groups", None):
            message = f"{self.class_.__name__} has no param_groups, as every optimizer of PyTorch has"
            raise InputError(message, self.key, code="unsupported")
        return built

    def build_schedule(
        self, optimizer: Optimizer, schedule: Mapping[str, Any] | None = None, key: Key = ("schedule",)
    ) -> LRScheduler | None:
        """Build the schedule of an instance's learning rate, or one inside it by its key; None if there is no schedule.

        Raises:
            InputError: The class of the schedule refuses its settings.
        """
        schedule = self.schedule if schedule is None else schedule
        if schedule is None:
            return None
        settings = {name: value for name, value in schedule.items() if name != "class"}
        class_ = schedule_class(str(schedule.get("class", "")), settings, (*self.key, *key))
        if "schedulers" in settings:
            settings["schedulers"] = [
                self.build_schedule(optimizer, part, (*key, "schedulers", index))
                for index, part in enumerate(settings["schedulers"])
            ]
        try:
            return class_(optimizer=optimizer, **settings)
        except Exception as error:
            raise self.error("refuses its settings", error, class_.__name__, key) from error

    def step_schedule(self, schedule: LRScheduler, value: Tensor) -> None:
        """Advance a schedule by one step; `value` () is the objective's value, for `ReduceLROnPlateau`.

        Raises:
            InputError: The schedule cannot continue.
        """
        try:
            if isinstance(schedule, ReduceLROnPlateau):
                schedule.step(value.item())
            else:
                schedule.step()
        except Exception as error:
            raise self.error("cannot continue", error, type(schedule).__name__, ("schedule",)) from error

    def check_schedule(self, steps: int, shapes: ParameterShapes) -> None:
        """Step the schedule without the optimizer, because some schedules fail only at their end.

        Raises:
            InputError: The schedule cannot continue.
        """
        if self.schedule is None:
            return
        for each, parameters in self.parameter_groups(self.sample_parameters(shapes)):
            if schedule := each.build_schedule(each.build(parameters)):
                for _ in range(min(steps, MAX_TESTED_STEPS)):
                    each.step_schedule(schedule, torch.zeros(()))

    def sample_parameters(self, shapes: ParameterShapes) -> list[Tensor]:
        """Return parameters for testing the class."""
        if isinstance(shapes, int):
            return [torch.nn.Parameter(self.reshape(torch.full((shapes,), 0.5, dtype=torch.float64)))]
        return [torch.nn.Parameter(torch.full(tuple(shape), 0.5)) for shape in shapes]

    def error(self, what: str, error: Exception, name: str = "", key: Key = ()) -> InputError:
        """Convert an exception to an InputError; `what` is a predicate such as "cannot take a step"."""
        return InputError(f"{name or self.class_.__name__} {what}: {explain(error)}", (*self.key, *key))

    def _contains(self, name: str) -> bool:
        """Return whether this class, or one that it wraps, is the class of this name in `torch.optim`."""
        return any(each.class_.__name__ == name and each.is_from_torch for each in self.built_class)
