"""Find classes of optimizers and schedules by name, including wrapped optimizers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn, optim
from torch.optim import Optimizer, lr_scheduler
from torch.optim.lr_scheduler import LRScheduler

from gdsim.config.model import SourceContext
from gdsim.config.optimizer import EXAMPLE, argument_problems, class_problems
from gdsim.config.signatures import inspect_class, minimizers, optimizers, parameters_of, schedules
from gdsim.errors import InputError, Key, did_you_mean, printable
from gdsim.objectives import import_class
from gdsim.objectives.formulas import number

OWN_ARGUMENTS = ("start", "steps")
"""Arguments of `gdsim.descend` that other libraries call differently."""

PARAMETERS = ("params", "model")
"""The names of arguments that take the parameters to optimize, as a list or as a module."""


@dataclass(frozen=True, eq=False)
class OptimizerClass:
    """An optimizer class with its settings.

    Attributes:
        settings: The arguments of the class, without the wrapped optimizer.
        names: The names of all arguments of the class.
        inner: The optimizer that it wraps.
        argument: The name of the argument that takes the wrapped optimizer.
    """

    class_: type[Optimizer]
    settings: Mapping[str, Any]
    names: frozenset[str]
    inner: OptimizerClass | None = None
    argument: str = ""

    def __iter__(self) -> Iterator[OptimizerClass]:
        """Yield this class and all wrapped classes, outermost first."""
        yield self
        if self.inner is not None:
            yield from self.inner

    @property
    def is_from_torch(self) -> bool:
        """Whether the class is from `torch.optim`, and not another class of the same name."""
        return getattr(optim, self.class_.__name__, None) is self.class_

    def build(self, parameters: list[Tensor], model: nn.Module | None = None) -> Optimizer:
        """Build an instance; `model` is the module that contains the parameters, for classes that take a module."""
        given = dict(self.settings)
        # SAM, for example, builds the wrapped optimizer from its class and settings.
        if self.inner is not None and self.names >= {"params", "kwargs"}:
            given |= {self.argument: self.inner.class_, **self.inner.settings}
        elif self.inner is not None:
            given[self.argument] = self.inner.build(parameters, model)
        if "model" in self.names:
            given["model"] = nn.ParameterList(parameters) if model is None else model
        if "params" in self.names:
            given["params"] = parameters
        positional = self.inner is None and self.names.isdisjoint(PARAMETERS)
        built = self.class_(parameters, **given) if positional else self.class_(**given)
        # Schedule-free classes have one point for gradients (training mode) and another for evaluation.
        if callable(train := getattr(built, "train", None)):
            train()
        return built

    def text(self) -> list[str]:
        """Return the class and each setting for a legend, the learning rate first."""
        parameters = parameters_of(self.class_)
        rate = {"lr": parameters["lr"].default} if "lr" in parameters else {}
        parts = [self.class_.__name__, *setting_texts({**rate, **self.settings})]
        if self.inner is not None:
            first, *rest = self.inner.text()
            parts.append(f"{self.argument.replace('_', ' ')} {first}" + (f" ({', '.join(rest)})" if rest else ""))
        return parts


def find_class(
    class_: str | type[Optimizer], settings: Mapping[str, Any], key: Key, context: SourceContext
) -> OptimizerClass:
    """Find a class and the optimizer that it wraps.

    A class wraps another optimizer if it has an argument whose name ends in `optimizer`. The value is a class, or a
    mapping with the class and its settings: `{class: SGD, lr: 0.1}`. Settings that the wrapping class does not have are
    passed to the wrapped class.
    """
    found = optimizer_class(class_, (*key, "class"), context)
    parameters = parameters_of(found)
    names = frozenset("kwargs" if each.kind is each.VAR_KEYWORD else name for name, each in parameters.items())
    argument = next((name for name in parameters if name.endswith("optimizer")), "")
    value = settings.get(argument)
    if value is None:
        _check_arguments(found, settings, key, PARAMETERS)
        return OptimizerClass(found, _with_tuples(settings), names)
    own = {name: each for name, each in settings.items() if name in names and name != argument}
    _check_arguments(found, own, key, (*PARAMETERS, argument))
    given = dict(value) if isinstance(value, Mapping) else {"class": value}
    inner = given.pop("class", None)
    if not isinstance(inner, str | type):
        raise InputError(f"needs the class of an optimizer, such as {EXAMPLE}", (*key, argument), code="missing")
    passed = {name: each for name, each in settings.items() if name not in own and name != argument}
    if twice := next((name for name in passed if name in given), None):
        raise InputError(f"is given here and in {argument}", (*key, twice), code="duplicate")
    wrapped = find_class(inner, {**given, **passed}, (*key, argument), context)
    return OptimizerClass(found, _with_tuples(own), names, wrapped, argument)


def _with_tuples(settings: Mapping[str, Any]) -> dict[str, Any]:
    # YAML has only lists, but classes may require the tuples of their defaults, such as betas.
    return {name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()}


def optimizer_class(name: str | type[Optimizer], key: Key, context: SourceContext) -> type[Optimizer]:
    """Return an optimizer class, given the class or its name.

    Raises:
        InputError: There is no class of this name, or its code may not be executed.
    """
    found: Any = name
    if isinstance(name, str):
        for problem in class_problems(name, key, context):
            raise InputError(problem.message, key, code=problem.code)
        if name in minimizers():
            raise InputError(f"{name} is not a class of torch.optim", key, code="unsupported")
        if name in optimizers():
            found = getattr(optim, name)
        else:
            found = import_class(name, key, folder=context.folder, allow_code=context.allow_code)
    if not (isinstance(found, type) and issubclass(found, optim.Optimizer) and found is not optim.Optimizer):
        raise InputError(f"{name} is not a class of optimizers", key, code="wrong-type")
    return found


def schedule_class(name: str, settings: Mapping[str, Any], key: Key) -> Callable[..., LRScheduler]:
    """Return a class of `torch.optim.lr_scheduler` by name, after checking the names of its arguments."""
    if name not in schedules():
        message = f"torch.optim.lr_scheduler has no schedule '{name}'{did_you_mean(name, schedules())}"
        raise InputError(message, (*key, "class"), code="unknown-name")
    found: Callable[..., LRScheduler] = getattr(lr_scheduler, name)
    _check_arguments(found, settings, key, ("optimizer",))
    return found


def _check_arguments(class_: Callable[..., Any], given: Mapping[str, Any], key: Key, passed: tuple[str, ...]) -> None:
    """Refuse unknown and missing arguments; the class itself checks their values."""
    signature = inspect_class(class_, passed)
    for problem in argument_problems(signature, given, key, own=OWN_ARGUMENTS, values=False):
        raise InputError(problem.message, problem.key, code=problem.code)


EXPLANATIONS = {
    "Tensor.__contains__": "it takes its parameters in groups with flags of its own, which gdsim does not make",
    "does not require grad": "it differentiates by itself, and neither in a closure nor by backward(create_graph=True)",
    "only supports 2D parameters": "it updates matrices only; for a network, add an optimizer of the others as `rest`",
    "inplace": "it moves the point before it differentiates the gradient, which PyTorch does not allow",
    "got dtype double": "its single-precision numbers do not mix with points in double precision",
}
"""Explanations of error messages from internals of torch, keyed by a part of the message."""


def explain(error: BaseException) -> str:
    """Return a known explanation of an exception, or else the first line of its message."""
    if isinstance(error, NotImplementedError) and not str(error):
        return "it has no step() of its own"
    message = (str(error).strip() or type(error).__name__).splitlines()[0]
    return next((meaning for part, meaning in EXPLANATIONS.items() if part in message), message)


def setting_texts(settings: Mapping[str, Any]) -> list[str]:
    """Return each setting as in a legend: `["lr 0.01", "nesterov"]`."""
    names = {name: name.replace("_", " ") for name in settings}
    return [names[name] if value is True else f"{names[name]} {_format(value)}" for name, value in settings.items()]


def _format(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int | float):
        return number(value, 6)
    if isinstance(value, tuple):
        return f"({', '.join(map(_format, value))})"
    return printable(str(value))


SPARSE = "SparseAdam takes sparse gradients: a {} with a gradient of exactly zero and its averages are not updated."

WARNINGS = {
    "ASGD": "The path is that of the iterates; their average, which ASGD computes, is not drawn.",
    "LBFGS": "LBFGS evaluates the objective several times per step, by default up to 20: compare by evaluations.",
    "Muon": (
        "Muon updates matrices, so each point is passed to it as a (1, dim) matrix; its step is then about "
        "0.7 · lr long whatever the gradient, and it never settles without a schedule."
    ),
    "SparseAdam": SPARSE.format("coordinate"),
}

WARNINGS_FOR_NETWORKS = {
    "LBFGS": "LBFGS evaluates each mini-batch several times per step, by default up to 20: compare by evaluations.",
    "Muon": "Muon updates the matrices of a network; all other parameters are updated by `rest`, by default AdamW.",
    "SparseAdam": SPARSE.format("weight"),
}


def warning(class_name: str, *, network: bool = False) -> str:
    """Return a note on how to interpret the path of a class of `torch.optim`; empty for most classes."""
    name = class_name.removeprefix("torch.optim.")
    if name in minimizers():
        whose = "a method of SciPy" if name.startswith("scipy.") else "gdsim's own method"
        return f"{name} is {whose}, not a class of torch.optim: compare by evaluations."
    return (network and WARNINGS_FOR_NETWORKS.get(name)) or WARNINGS.get(name, "")
