"""What builds the optimizer of each path: its class with settings, its schedule, and what the class requires."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from gdsim.config.location import SourceContext
from gdsim.config.optimizer import MATRICES_ONLY, GradientSettings
from gdsim.errors import InputError, Key
from gdsim.optimizers.classes import OptimizerClass, find_class, schedule_class
from gdsim.optimizers.formatting import explain

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler

__all__ = ["BatchingMode", "OptimizerFactory", "ParameterShapes", "untested_factory"]


ParameterShapes = int | Sequence[Sequence[int]]
"""What is optimized: a point of this number of coordinates in float64, or a network's parameters of these shapes."""


class BatchingMode(Enum):
    """How the starts share instances of a class, cheapest first."""

    FLAT = "one flat parameter that holds every start"
    ROWS = "one instance with a parameter per start"
    SEPARATE = "an instance per start"


MAX_TESTED_STEPS = 100_000
"""The number of steps of a schedule that are tested, which takes less than half a second."""

BATCHING_MODES = {
    "SGD": BatchingMode.FLAT,
    "Adam": BatchingMode.FLAT,
    "AdamW": BatchingMode.FLAT,
    "Adamax": BatchingMode.FLAT,
    "NAdam": BatchingMode.FLAT,
    "RAdam": BatchingMode.FLAT,
    "SparseAdam": BatchingMode.FLAT,
    "Adagrad": BatchingMode.FLAT,
    "Adadelta": BatchingMode.FLAT,
    "RMSprop": BatchingMode.FLAT,
    "Rprop": BatchingMode.FLAT,
    "ASGD": BatchingMode.FLAT,
    "Adafactor": BatchingMode.ROWS,
    "Muon": BatchingMode.ROWS,
    "LBFGS": BatchingMode.SEPARATE,
}
"""The cheapest mode in which a class gives each start, bit for bit, the numbers that it has alone."""


@dataclass(frozen=True, eq=False)
class OptimizerFactory:
    """Builds instances of a class with its settings, and their schedules.

    Attributes:
        label: The user's name for it.
        built_class: The class and its settings, and what it wraps.
        schedule: `{"class": …, …}` with the arguments of a class of `torch.optim.lr_scheduler`.
        gradient: What is done to each gradient before the class gets it.
        needs_closure: Whether the class evaluates the objective itself, through a closure.
        needs_graph: Whether the class differentiates the gradient, which `backward(create_graph=True)` then computes.
        draws: Whether the class draws random numbers of its own.
        rest: Updates those parameters of a network that are not matrices, if the class updates matrices only.
        within: Where in the optimizer's settings the class is, if it is not the optimizer's own.
    """

    label: str
    built_class: OptimizerClass
    schedule: Mapping[str, Any] | None = None
    gradient: GradientSettings = field(default_factory=GradientSettings)
    needs_closure: bool = False
    needs_graph: bool = False
    draws: bool = False
    rest: OptimizerFactory | None = None
    within: Key = ()

    @property
    def key(self) -> Key:
        """The key of the class and its settings in the configuration."""
        return ("optimizers", self.label, *self.within)

    @property
    def class_(self) -> type[Optimizer]:
        """The class of optimizers."""
        return self.built_class.class_

    @property
    def text(self) -> str:
        """The class and its settings, for a legend: `"SGD · lr 0.01 · momentum 0.9"`."""
        parts = self.built_class.text()
        if self.rest is not None:
            name, *settings = self.rest.built_class.text()
            parts += [f"rest {name}", *settings]
        if self.schedule is not None:
            parts.append(_schedule_name(self.schedule))
        return " · ".join([*parts, *self.gradient.texts()])

    @property
    def is_builtin(self) -> bool:
        """Whether the class is one of torch.optim of which everything is known without a test."""
        return self.built_class.is_from_torch and self.class_.__name__ in BATCHING_MODES

    @property
    def batching_modes(self) -> tuple[BatchingMode, ...]:
        """The possible modes, cheapest first: a single one if it is known."""
        plateau = self.schedule is not None and _schedule_name(self.schedule) == "ReduceLROnPlateau"
        # A fused step treats the last few elements of a tensor differently, which shows in the last bit.
        fused = any(each.settings.get("fused") for each in self.built_class)
        if self.needs_closure or self.needs_graph or self.draws or plateau or fused:
            return (BatchingMode.SEPARATE,)
        return (BATCHING_MODES[self.class_.__name__],) if self.is_builtin else tuple(BatchingMode)

    @property
    def matrices_only(self) -> bool:
        """Whether the class is known to update matrices only."""
        return any(map(self._contains, MATRICES_ONLY))

    def parameter_groups(self, parameters: Iterable[Tensor]) -> list[tuple[OptimizerFactory, list[Tensor]]]:
        """Return this factory, and that of the rest, each with the parameters of a network that it updates."""
        every = list(parameters)
        if self.rest is None:
            return [(self, every)]
        others = [each for each in every if each.ndim != 2]
        return [(self, [each for each in every if each.ndim == 2]), (self.rest, others)]

    def reshape(self, points: Tensor) -> Tensor:
        """Return points or gradients in the shape that the class takes: Muon takes matrices only."""
        return points.unsqueeze(-2) if self.matrices_only else points

    def to_layout(self, gradient: Tensor) -> Tensor:
        """Return a gradient in the layout that the class takes: SparseAdam takes sparse ones only."""
        return gradient.to_sparse() if self._contains("SparseAdam") else gradient

    def new_parameter(self, block: Tensor) -> Tensor:
        """Return a parameter with the numbers of a tensor."""
        import torch

        return torch.nn.Parameter(block.clone())

    def backward(self, f: Callable[[Tensor], Tensor], parameter: Tensor) -> tuple[Tensor, Tensor]:
        """Evaluate where a parameter is, as `f(x).backward()` does.

        Args:
            f: Maps (…, dim) to (…).
            parameter: Its gradient is what the value's graph hangs on, where the class wants one; else it is left
                as it is.

        Returns:
            The value () and the gradient (dim,), apart from any graph.
        """
        import torch

        with torch.enable_grad():
            leaf = parameter if self.needs_graph else parameter.detach().requires_grad_()
            leaf.grad = None
            value = f(leaf.reshape(-1))
            value.backward(create_graph=self.needs_graph)  # type: ignore[no-untyped-call]
        gradient = torch.zeros_like(leaf) if leaf.grad is None else leaf.grad.detach()
        return value.detach(), gradient.reshape(-1)

    def set_gradient(self, gradient: Tensor, parameter: Tensor) -> None:
        """Hand a parameter its gradient (dim,), in the shape and layout that the class takes.

        Where the class wants the graph, the graph stays that of the objective, as it does when a plain loop changes
        `x.grad` in place.
        """
        shaped = gradient.reshape(parameter.shape)
        if not self.needs_graph or parameter.grad is None:
            parameter.grad = self.to_layout(shaped)
        elif parameter.grad.data_ptr() != shaped.data_ptr():
            parameter.grad.detach().copy_(shaped)

    def build(self, parameters: Iterable[Tensor], model: nn.Module | None = None) -> Optimizer:
        """Build an instance over leaf tensors.

        Args:
            parameters: The leaf tensors.
            model: The module whose parameters they are, for classes that take it.

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

    def build_schedule(self, optimizer: Optimizer) -> LRScheduler | None:
        """Build the schedule of an instance's learning rate, if there is one.

        Raises:
            InputError: The class of the schedule refuses its settings.
        """
        return None if self.schedule is None else self._build_schedule(self.schedule, optimizer, ("schedule",))

    def _build_schedule(self, schedule: Mapping[str, Any], optimizer: Optimizer, key: Key) -> LRScheduler:
        settings = {name: value for name, value in schedule.items() if name != "class"}
        class_ = schedule_class(str(schedule.get("class", "")), settings, (*self.key, *key))
        if "schedulers" in settings:
            settings["schedulers"] = [
                self._build_schedule(part, optimizer, (*key, "schedulers", index))
                for index, part in enumerate(settings["schedulers"])
            ]
        try:
            return class_(optimizer=optimizer, **settings)
        except Exception as error:
            raise self.error("refuses its settings", error, class_.__name__, key) from error

    def step_schedule(self, schedule: LRScheduler | None, value: Tensor) -> None:
        """Advance a schedule by one step, if there is one.

        Args:
            schedule: As `build_schedule` returns it.
            value: () the objective, for schedules that watch it.

        Raises:
            InputError: The schedule cannot continue.
        """
        from torch.optim.lr_scheduler import ReduceLROnPlateau

        try:
            if isinstance(schedule, ReduceLROnPlateau):
                schedule.step(value.item())
            elif schedule is not None:
                schedule.step()
        except Exception as error:
            raise self.error("cannot continue", error, type(schedule).__name__, ("schedule",)) from error

    def check_schedule(self, steps: int, shapes: ParameterShapes) -> None:
        """Step the schedule without the optimizer: some schedules fail only at their end.

        Args:
            steps: The number of steps; of very many the first are tested.
            shapes: What is optimized.

        Raises:
            InputError: The schedule cannot continue.
        """
        import torch

        if self.schedule is None:
            return
        for each, parameters in self.parameter_groups(self.sample_parameters(shapes)):
            schedule = each.build_schedule(each.build(parameters))
            for _ in range(min(steps, MAX_TESTED_STEPS)):
                each.step_schedule(schedule, torch.zeros(()))

    def sample_parameters(self, shapes: ParameterShapes) -> list[Tensor]:
        """Return parameters to test the class with."""
        import torch

        if isinstance(shapes, int):
            return [torch.nn.Parameter(self.reshape(torch.full((shapes,), 0.5, dtype=torch.float64)))]
        return [torch.nn.Parameter(torch.full(tuple(shape), 0.5)) for shape in shapes]

    def error(self, what: str, error: Exception, name: str = "", key: Key = ()) -> InputError:
        """Return the InputError for an exception that a class has raised.

        Args:
            what: What the class did: "cannot take a step".
            error: The exception.
            name: The class, if it is not that of the optimizer.
            key: The key below the optimizer's own.
        """
        return InputError(f"{name or self.class_.__name__} {what}: {explain(error)}", (*self.key, *key))

    def _contains(self, name: str) -> bool:
        """Return whether a class of `torch.optim` is this one or one that it wraps."""
        return any(each.class_.__name__ == name and each.is_from_torch for each in self.built_class)


def untested_factory(
    label: str,
    class_: str | type[Optimizer],
    settings: Mapping[str, Any],
    context: SourceContext,
    *,
    schedule: Mapping[str, Any] | None = None,
    within: Key = (),
    **gradient: Any,
) -> OptimizerFactory:
    """Return a factory whose class has not been tested; the arguments are those of `optimizer_factory`.

    Raises:
        InputError: There is no such class, it has no such arguments, or a setting of the gradient is invalid.
    """
    key = ("optimizers", label, *within)
    found = find_class(class_, settings, key, context)
    try:
        return OptimizerFactory(label, found, schedule, GradientSettings(**gradient), within=within)
    except InputError as error:
        problem = error.problems[0]
        raise InputError(problem.message, (*key, *problem.key), code=problem.code) from None


def _schedule_name(schedule: Mapping[str, Any]) -> str:
    return str(schedule["class"]).rpartition(".")[2]
