"""One way to descend: what it builds, what it is handed, and how its learning rate goes on."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from gdsim.config.arguments import TAKES_MATRICES_ONLY
from gdsim.config.location import SourceContext
from gdsim.errors import InputError
from gdsim.optimizers.classes import Key, check_arguments, is_from_torch, schedule_class
from gdsim.optimizers.formatting import bare, reason
from gdsim.optimizers.recipes import Recipe, recipe

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler

__all__ = ["BatchingMode", "OptimizerFactory", "ParameterShapes", "untried"]


ParameterShapes = int | Sequence[Sequence[int]]
"""What a method moves: a point of so many coordinates in float64, or a network's parameters of these shapes."""


class BatchingMode(Enum):
    """How the starts share instances of a class, cheapest first; the value says it in words."""

    FLAT = "one flat parameter that holds every start"
    ROWS = "one instance with a parameter for each start"
    SEPARATE = "an instance for each start"


MOST_REHEARSED = 100_000
"""So many steps of a schedule are tried at most, which takes less than half a second."""

ARRANGEMENTS = {
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
"""The cheapest arrangement in which a class gives each start, bit for bit, what it would give it alone."""


@dataclass(frozen=True, eq=False)
class OptimizerFactory:
    """One way to descend: a class with its settings, and what is done to the gradient before it sees it.

    Attributes:
        label: What the user calls it.
        recipe: The class and its settings, and what it wraps.
        schedule: `{"class": …, …}` with the arguments of a class of `torch.optim.lr_scheduler`.
        noise: Standard deviation of the Gaussian noise that is added to each component of the gradient.
        clip_norm: The gradient, noise included, is scaled down to this norm where it is longer.
        needs_closure: Whether the class evaluates the objective itself, through a closure.
        needs_graph: Whether the class differentiates the gradient, which is then made by
            `backward(create_graph=True)`.
        draws: Whether the class draws random numbers of its own.
        rest: What moves those parameters of a network that are no matrices, where the class moves only these.
        within: Where in the optimizer's settings the class stands, when it is not theirs.
    """

    label: str
    recipe: Recipe
    schedule: Mapping[str, Any] | None = None
    noise: float = 0.0
    clip_norm: float | None = None
    needs_closure: bool = False
    needs_graph: bool = False
    draws: bool = False
    rest: OptimizerFactory | None = None
    within: Key = ()

    @property
    def at(self) -> Key:
        """Where the class and its settings stand in the configuration."""
        return ("optimizers", self.label, *self.within)

    @property
    def class_(self) -> type[Optimizer]:
        """The class of optimizers."""
        return self.recipe.class_

    @property
    def settings(self) -> Mapping[str, Any]:
        """The arguments of the class, without what it wraps."""
        return self.recipe.settings

    @property
    def text(self) -> str:
        """The class and its settings, for a legend: `"SGD · lr 0.01 · momentum 0.9"`."""
        parts = self.recipe.text()
        if self.rest is not None:
            name, *settings = self.rest.recipe.text()
            parts += [f"rest {name}", *settings]
        if self.schedule is not None:
            parts.append(bare(self.schedule["class"]))
        if self.noise:
            parts.append(f"noise {self.noise:g}")
        if self.clip_norm is not None:
            parts.append(f"clip {self.clip_norm:g}")
        return " · ".join(parts)

    @property
    def is_builtin(self) -> bool:
        """Whether it is known, without a trial, what the class does."""
        return is_from_torch(self.class_) and self.class_.__name__ in ARRANGEMENTS

    @property
    def batching_modes(self) -> tuple[BatchingMode, ...]:
        """The batching_modes to consider, cheapest first: a single one where it is known."""
        plateau = self.schedule is not None and bare(self.schedule["class"]) == "ReduceLROnPlateau"
        # A fused step treats the last few elements of a tensor differently, which shows in the last bit.
        fused = any(each.settings.get("fused") for each in self.recipe)
        if self.needs_closure or self.needs_graph or self.draws or plateau or fused:
            return (BatchingMode.SEPARATE,)
        return (ARRANGEMENTS[self.class_.__name__],) if self.is_builtin else tuple(BatchingMode)

    @property
    def matrices_only(self) -> bool:
        """Whether it is known that the class moves no parameters but matrices."""
        return any(map(self._holds, TAKES_MATRICES_ONLY))

    def parameter_groups(self, parameters: Iterable[Tensor]) -> list[tuple[OptimizerFactory, list[Tensor]]]:
        """Return each method with those of a network's parameters that it moves."""
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
        return gradient.to_sparse() if self._holds("SparseAdam") else gradient

    def new_parameter(self, block: Tensor) -> Tensor:
        """Return a parameter with the numbers of a tensor."""
        import torch

        return torch.nn.Parameter(block.clone())

    def sample_parameters(self, like: ParameterShapes) -> list[Tensor]:
        """Return parameters to try the class with."""
        import torch

        if isinstance(like, int):
            return [self.new_parameter(self.reshape(torch.full((like,), 0.5, dtype=torch.float64)))]
        return [torch.nn.Parameter(torch.full(tuple(shape), 0.5)) for shape in like]

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
            model: The module whose parameters they are, for classes that want it.

        Raises:
            InputError: The class refuses its settings.
        """
        try:
            built = self.recipe.build(list(parameters), model)
        except Exception as error:
            raise self.error("refuses its settings", error) from error
        if not getattr(built, "param_groups", None):
            raise InputError(
                f"{self.class_.__name__} has no param_groups, by which PyTorch's optimizers tell what they move",
                self.at,
            )
        return built

    def build_schedule(self, optimizer: Optimizer) -> LRScheduler | None:
        """Build the schedule of an instance's learning rate, if there is one.

        Raises:
            InputError: The class of the schedule refuses its settings.
        """
        return None if self.schedule is None else self._scheduler(self.schedule, optimizer, ("schedule",))

    def _scheduler(self, schedule: Mapping[str, Any], optimizer: Optimizer, key: Key) -> LRScheduler:
        class_ = schedule_class(str(schedule.get("class", "")), (*self.at, *key, "class"))
        settings = {name: value for name, value in schedule.items() if name != "class"}
        check_arguments(class_, settings, {"optimizer"}, (*self.at, *key))
        if "schedulers" in settings:
            settings["schedulers"] = [
                self._scheduler(part, optimizer, (*key, "schedulers", index))
                for index, part in enumerate(settings["schedulers"])
            ]
        try:
            return class_(optimizer=optimizer, **settings)
        except Exception as error:
            raise self.error("refuses its settings", error, class_.__name__, key) from error

    def step_schedule(self, scheduler: LRScheduler | None, value: Tensor) -> None:
        """Let a schedule that `scheduler` has built take its step, if there is one.

        Args:
            scheduler: The schedule, or None.
            value: () the objective, for schedules that watch it.

        Raises:
            InputError: The schedule cannot go on.
        """
        from torch.optim.lr_scheduler import ReduceLROnPlateau

        try:
            if isinstance(scheduler, ReduceLROnPlateau):
                scheduler.step(value.item())
            elif scheduler is not None:
                scheduler.step()
        except Exception as error:
            raise self.error("cannot go on", error, type(scheduler).__name__, ("schedule",)) from error

    def check_schedule(self, steps: int, like: ParameterShapes) -> None:
        """Let the schedule take its steps without the optimizer: some find only then that they cannot go on.

        Args:
            steps: How many there will be; of very many the first are tried.
            like: What the method moves.

        Raises:
            InputError: The schedule cannot go on.
        """
        import torch

        if self.schedule is None:
            return
        for each, parameters in self.parameter_groups(self.sample_parameters(like)):
            scheduler = each.build_schedule(each.build(parameters))
            for _ in range(min(steps, MOST_REHEARSED)):
                each.step_schedule(scheduler, torch.zeros(()))

    def error(self, what: str, error: Exception, name: str = "", key: Key = ()) -> InputError:
        """Return what to raise when a class has raised something.

        Args:
            what: What the class did: "cannot take a step".
            error: What it raised.
            name: The class, if it is not that of the optimizer.
            key: Where in the optimizer's settings.
        """
        sentence = f"{name or self.class_.__name__} {what}: {reason(error)}"
        return InputError(sentence, (*self.at, *key))

    def _holds(self, name: str) -> bool:
        """Return whether a class of `torch.optim` is this one or one that it wraps."""
        return any(each.class_.__name__ == name and is_from_torch(each.class_) for each in self.recipe)


def untried(
    label: str,
    class_: str | type[Optimizer],
    settings: Mapping[str, Any],
    context: SourceContext,
    *,
    schedule: Mapping[str, Any] | None = None,
    noise: float = 0.0,
    clip_norm: float | None = None,
    within: Key = (),
) -> OptimizerFactory:
    """Return the factory before its class has been tested; the arguments are those of `optimizer_factory`.

    Raises:
        InputError: There is no such class, or it has no such arguments.
    """
    at = ("optimizers", label, *within)
    found = recipe(class_, settings, at, context)
    if not (noise >= 0 and math.isfinite(noise)):
        raise InputError(f"noise must be a number from 0, not {noise}", (*at, "noise"))
    if clip_norm is not None and not clip_norm > 0:
        raise InputError(f"clip_norm must be a number above 0, not {clip_norm}", (*at, "clip_norm"))
    return OptimizerFactory(label, found, schedule, noise, clip_norm, within=within)
