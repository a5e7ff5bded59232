"""A class and its settings in; instances of it over given parameters, with their schedules, out."""

from __future__ import annotations

import importlib
import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any

from gdsim.config.places import printable
from gdsim.errors import InputError, did_you_mean
from gdsim.installed import package_problem

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler

__all__ = ["Arrangement", "Method", "method", "note"]

NOTES = {
    "ASGD": "The path is that of the iterates; ASGD's average of them is not drawn.",
    "LBFGS": (
        "LBFGS evaluates the objective several times a step, by default up to 20: compare by evaluations, not by steps."
    ),
    "Muon": (
        "Muon moves matrices, so each point is given to it as a (1, dim) matrix; its step is then about "
        "0.7 · lr long whatever the gradient, and it never settles without a schedule."
    ),
    "SparseAdam": (
        "SparseAdam takes sparse gradients: a coordinate whose gradient is exactly zero is left out of the "
        "step, and its averages do not decay."
    ),
}


class Arrangement(Enum):
    """How the starts share instances of a class, cheapest first; the value says it in words."""

    FLAT = "one flat parameter that holds every start"
    ROWS = "one instance with a parameter for each start"
    EACH = "an instance for each start"


MOST_REHEARSED = 100_000
"""So many steps of a schedule are tried at most, which takes less than half a second."""

ARRANGEMENTS = {
    "SGD": Arrangement.FLAT,
    "Adam": Arrangement.FLAT,
    "AdamW": Arrangement.FLAT,
    "Adamax": Arrangement.FLAT,
    "NAdam": Arrangement.FLAT,
    "RAdam": Arrangement.FLAT,
    "SparseAdam": Arrangement.FLAT,
    "Adagrad": Arrangement.FLAT,
    "Adadelta": Arrangement.FLAT,
    "RMSprop": Arrangement.FLAT,
    "Rprop": Arrangement.FLAT,
    "ASGD": Arrangement.FLAT,
    "Adafactor": Arrangement.ROWS,
    "Muon": Arrangement.ROWS,
    "LBFGS": Arrangement.EACH,
}
"""The cheapest arrangement in which a class gives each start, bit for bit, what it would give it alone."""


@dataclass(frozen=True, eq=False)
class Method:
    """One way to descend: a class with its settings, and what is done to the gradient before it sees it.

    Attributes:
        label: What the user calls it.
        class_: A class of optimizers.
        settings: The arguments of the class.
        schedule: `{"class": …, …}` with the arguments of a class of `torch.optim.lr_scheduler`.
        noise: Standard deviation of the Gaussian noise that is added to each component of the gradient.
        clip_norm: The gradient, noise included, is scaled down to this norm where it is longer.
        wants_closure: Whether the class evaluates the objective itself, through a closure.
        draws: Whether the class draws random numbers of its own.
        text: The class and its settings, for a legend: `"SGD · lr 0.01 · momentum 0.9"`.
    """

    label: str
    class_: type[Optimizer]
    settings: Mapping[str, Any]
    schedule: Mapping[str, Any] | None = None
    noise: float = 0.0
    clip_norm: float | None = None
    wants_closure: bool = False
    draws: bool = False
    text: str = ""

    @property
    def arrangements(self) -> tuple[Arrangement, ...]:
        """The arrangements to consider, cheapest first: a single one where it is known."""
        plateau = self.schedule is not None and _bare(self.schedule["class"]) == "ReduceLROnPlateau"
        # A fused step treats the last few elements of a tensor differently, which shows in the last bit.
        if self.wants_closure or self.draws or plateau or self.settings.get("fused"):
            return (Arrangement.EACH,)
        if _is_from_torch(self.class_) and self.class_.__name__ in ARRANGEMENTS:
            return (ARRANGEMENTS[self.class_.__name__],)
        return tuple(Arrangement)

    def shaped(self, points: Tensor) -> Tensor:
        """Return points or gradients in the shape that the class takes: Muon takes matrices only."""
        return points.unsqueeze(-2) if self._is("Muon") else points

    def graded(self, gradient: Tensor) -> Tensor:
        """Return a gradient in the layout that the class takes: SparseAdam takes sparse ones only."""
        return gradient.to_sparse() if self._is("SparseAdam") else gradient

    def parameter(self, dim: int) -> Tensor:
        """Return a parameter to try the class with."""
        import torch

        return self.shaped(torch.full((dim,), 0.5, dtype=torch.float64)).clone().requires_grad_()

    def optimizer(self, parameters: Iterable[Tensor]) -> Optimizer:
        """Build an instance over leaf tensors.

        Raises:
            InputError: The class refuses its settings.
        """
        try:
            built = self.class_(list(parameters), **self.settings)
            # Schedule-free classes keep apart the point where gradients are taken and the one to evaluate.
            train = getattr(built, "train", None)
            if callable(train):
                train()
        except Exception as error:
            raise self.refusal("refuses its settings", error) from error
        return built

    def scheduler(self, optimizer: Optimizer) -> LRScheduler | None:
        """Build the schedule of an instance's learning rate, if there is one.

        Raises:
            InputError: The class of the schedule refuses its settings.
        """
        return None if self.schedule is None else self._scheduler(self.schedule, optimizer, ("schedule",))

    def _scheduler(self, schedule: Mapping[str, Any], optimizer: Optimizer, key: tuple[str | int, ...]) -> LRScheduler:
        class_ = _schedule_class(str(schedule.get("class", "")), ("optimizers", self.label, *key, "class"))
        settings = {name: value for name, value in schedule.items() if name != "class"}
        _check_arguments(class_, settings, {"optimizer"}, ("optimizers", self.label, *key))
        if "schedulers" in settings:
            settings["schedulers"] = [
                self._scheduler(part, optimizer, (*key, "schedulers", index))
                for index, part in enumerate(settings["schedulers"])
            ]
        try:
            return class_(optimizer=optimizer, **settings)
        except Exception as error:
            raise self.refusal("refuses its settings", error, class_.__name__, key) from error

    def advance(self, scheduler: LRScheduler, value: Tensor) -> None:
        """Let a schedule that `scheduler` has built take its step.

        Args:
            scheduler: The schedule.
            value: () the objective, for schedules that watch it.

        Raises:
            InputError: The schedule cannot go on.
        """
        from torch.optim.lr_scheduler import ReduceLROnPlateau

        try:
            if isinstance(scheduler, ReduceLROnPlateau):
                scheduler.step(value.item())
            else:
                scheduler.step()
        except Exception as error:
            raise self.refusal("cannot go on", error, type(scheduler).__name__, ("schedule",)) from error

    def rehearse(self, steps: int, dim: int) -> None:
        """Let the schedule take its steps without the optimizer: some find only then that they cannot go on.

        Args:
            steps: How many there will be; of very many the first are tried.
            dim: The number of coordinates of a point.

        Raises:
            InputError: The schedule cannot go on.
        """
        import torch

        scheduler = self.scheduler(self.optimizer([self.parameter(dim)]))
        if scheduler is None:
            return
        value = torch.zeros(())
        for _ in range(min(steps, MOST_REHEARSED)):
            self.advance(scheduler, value)

    def refusal(self, what: str, error: Exception, name: str = "", key: tuple[str | int, ...] = ()) -> InputError:
        """Return what to raise when a class has raised something, in the class's own words.

        Args:
            what: What the class did: "cannot take a step".
            error: What it raised.
            name: The class, if it is not that of the optimizer.
            key: Where in the optimizer's settings.
        """
        sentence = f"{name or self.class_.__name__} {what}: {_words(error)}"
        return InputError(sentence, ("optimizers", self.label, *key))

    def _is(self, name: str) -> bool:
        return self.class_.__name__ == name and _is_from_torch(self.class_)


def method(
    label: str,
    class_: str | type[Optimizer],
    settings: Mapping[str, Any],
    *,
    schedule: Mapping[str, Any] | None = None,
    noise: float = 0.0,
    clip_norm: float | None = None,
    dim: int = 2,
) -> Method:
    """Return a way to descend, tried out on one step.

    Args:
        label: What the user calls it.
        class_: A class of optimizers: itself, its name in `torch.optim`, or its dotted name in an installed
            package.
        settings: The arguments of the class.
        schedule: `{"class": …, …}` with the arguments of a class of `torch.optim.lr_scheduler`.
        noise: Standard deviation of the noise on each component of the gradient.
        clip_norm: The largest norm of a gradient.
        dim: The number of coordinates of a point.

    Raises:
        InputError: There is no such class, it refuses its settings, or it cannot take a step on a point.
    """
    at = ("optimizers", label)
    found = _optimizer_class(class_, (*at, "class"))
    _check_arguments(found, settings, {"params"}, at)
    if not (noise >= 0 and math.isfinite(noise)):
        raise InputError(f"noise must be a number from 0, not {noise}", (*at, "noise"))
    if clip_norm is not None and not clip_norm > 0:
        raise InputError(f"clip_norm must be a number above 0, not {clip_norm}", (*at, "clip_norm"))
    untried = Method(label, found, dict(settings), schedule, noise, clip_norm)
    return replace(_tried(untried, dim), text=_text(untried))


def note(class_name: str) -> str:
    """Return what a user of a class of `torch.optim` should know to read its path; nothing for most."""
    return NOTES.get(class_name.removeprefix("torch.optim."), "")


def _optimizer_class(name: str | type[Optimizer], key: tuple[str, ...]) -> type[Optimizer]:
    from torch import optim

    if isinstance(name, str):
        package, _, bare = name.rpartition(".")
        if package and (problem := package_problem(name)):
            raise InputError(problem, key)
        found = _attribute(_imported(package, key) if package else optim, bare, key)
    else:
        found = name
    if not (isinstance(found, type) and issubclass(found, optim.Optimizer) and found is not optim.Optimizer):
        hint = did_you_mean(str(name), optim.__all__) if isinstance(name, str) and "." not in name else ""
        raise InputError(f"{name} is no class of optimizers{hint}", key)
    return found


def _schedule_class(name: str, key: tuple[str | int, ...]) -> Callable[..., LRScheduler]:
    from torch.optim import lr_scheduler

    offered = [known for known in lr_scheduler.__all__ if known != "LRScheduler"]
    if _bare(name) not in offered:
        hint = did_you_mean(name, offered)
        raise InputError(f"torch.optim.lr_scheduler has no schedule '{name}'{hint}", key)
    found: Callable[..., LRScheduler] = getattr(lr_scheduler, _bare(name))
    return found


def _imported(package: str, key: tuple[str, ...]) -> Any:
    try:
        return importlib.import_module(package)
    except (Exception, SystemExit) as error:
        raise InputError(f"'{package}' cannot be imported: {_words(error)}", key) from error


def _attribute(module: Any, name: str, key: tuple[str, ...]) -> Any:
    try:
        return getattr(module, name)
    except AttributeError:
        hint = did_you_mean(name, [known for known in dir(module) if not known.startswith("_")])
        raise InputError(f"{module.__name__} has no optimizer '{name}'{hint}", key) from None
    except (Exception, SystemExit) as error:  # a package may import its parts only when they are asked for
        raise InputError(f"'{name}' cannot be imported: {_words(error)}", key) from error


def _check_arguments(
    class_: Callable[..., Any], settings: Mapping[str, Any], own: set[str], key: tuple[str | int, ...]
) -> None:
    """Refuse arguments that a class does not have, and want those that it cannot do without."""
    name = class_.__name__
    parameters = list(inspect.signature(class_).parameters.values())
    named = {parameter.name for parameter in parameters if parameter.kind is not parameter.VAR_KEYWORD}
    required = {
        parameter.name
        for parameter in parameters
        if parameter.default is parameter.empty
        and parameter.kind in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY}
    }
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    for argument in settings:
        if argument in own or not (takes_any or argument in named):
            hint = did_you_mean(argument, named - own)
            raise InputError(f"{name} has no argument '{argument}'{hint}", (*key, argument))
    for argument in sorted(required - own - settings.keys()):
        raise InputError(f"{name} needs the argument '{argument}'", key)


def _tried(untried: Method, dim: int) -> Method:
    """Find out what a class wants and does by taking a few steps with it; refuse it when it can take none."""
    import torch

    closure = inspect.signature(untried.class_.step).parameters.get("closure")
    choices = (True,) if closure is not None and closure.default is closure.empty else (False, True)
    failures: list[Exception] = []
    with torch.random.fork_rng(devices=[]):
        before = torch.get_rng_state()
        for wants_closure in choices:
            chosen = replace(untried, wants_closure=wants_closure)
            try:
                _take_steps(chosen, dim)
                return replace(chosen, draws=not torch.equal(before, torch.get_rng_state()))
            except _StepError as failure:
                failures.append(failure.error)
    raise untried.refusal("cannot take a step", failures[0]) from failures[0]


class _StepError(Exception):
    """A class has failed in taking a step."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def _take_steps(tried: Method, dim: int) -> None:
    """Take three steps with a gradient of ones."""
    import torch

    parameter = tried.parameter(dim)
    optimizer = tried.optimizer([parameter])
    tried.scheduler(optimizer)

    def closure() -> Any:
        parameter.grad = tried.graded(torch.ones_like(parameter))
        return torch.ones((), dtype=torch.float64)

    for _ in range(3):
        closure()
        try:
            optimizer.step(closure) if tried.wants_closure else optimizer.step()
        except Exception as error:
            raise _StepError(error) from error


def _text(described: Method) -> str:
    """Return the class and its settings as a legend says them, the learning rate first."""
    parameters = inspect.signature(described.class_).parameters
    rate = {"lr": parameters["lr"].default} if "lr" in parameters else {}
    parts = [described.class_.__name__]
    parts += [_setting(name, value) for name, value in {**rate, **described.settings}.items()]
    if described.schedule is not None:
        parts.append(_bare(described.schedule["class"]))
    if described.noise:
        parts.append(f"noise {described.noise:g}")
    if described.clip_norm is not None:
        parts.append(f"clip {described.clip_norm:g}")
    return " · ".join(parts)


def _setting(name: str, value: Any) -> str:
    words = name.replace("_", " ")
    return words if value is True else f"{words} {_value(value)}"


def _value(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "off" if not value else "on"
    if isinstance(value, int | float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return f"({', '.join(map(_value, value))})"
    return printable(str(value))


def _words(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _bare(name: str) -> str:
    return name.rpartition(".")[2]


def _is_from_torch(class_: type) -> bool:
    from torch import optim

    return getattr(optim, class_.__name__, None) is class_
