"""Classes of optimizers and of schedules, found by name, and whether they have the arguments they are given."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from gdsim.config.arguments import own_class_problem
from gdsim.config.location import SourceContext
from gdsim.errors import InputError, did_you_mean
from gdsim.objectives import import_function, package_problem
from gdsim.optimizers.formatting import bare, words

if TYPE_CHECKING:
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler

__all__ = ["Key", "check_arguments", "is_from_torch", "optimizer_class", "schedule_class"]

Key = tuple[str | int, ...]
"""Where something stands in a configuration, outermost first."""


def optimizer_class(name: str | type[Optimizer], key: Key, context: SourceContext) -> type[Optimizer]:
    """Return a class of optimizers, given itself or by its name.

    Raises:
        InputError: There is none of this name, or its code may not run.
    """
    from torch import optim

    found = _named(name, key, context) if isinstance(name, str) else name
    if not (isinstance(found, type) and issubclass(found, optim.Optimizer) and found is not optim.Optimizer):
        hint = did_you_mean(str(name), optim.__all__) if isinstance(name, str) and "." not in name else ""
        raise InputError(f"{name} is no class of optimizers{hint}", key)
    return found


def _named(name: str, key: Key, context: SourceContext) -> Any:
    from torch import optim

    if ":" in name:
        return _own(name, key, context)
    package, _, last = name.rpartition(".")
    if package and (problem := package_problem(name)):
        raise InputError(problem, key)
    return _attribute(_imported(package, key) if package else optim, last, key)


def _own(name: str, key: Key, context: SourceContext) -> Any:
    """Return what `my_optimizer.py:MyOptimizer` names: code beside the configuration, or of an installed package."""
    if problem := own_class_problem(name):
        raise InputError(problem, key)
    try:
        return import_function(name, folder=context.folder, allow_code=context.allow_code)
    except InputError as error:
        raise InputError(error.message, key, code=error.code) from error


def schedule_class(name: str, key: Key) -> Callable[..., LRScheduler]:
    """Return a class of `torch.optim.lr_scheduler` by its name.

    Raises:
        InputError: There is none.
    """
    from torch.optim import lr_scheduler

    offered = [known for known in lr_scheduler.__all__ if known != "LRScheduler"]
    if bare(name) not in offered:
        hint = did_you_mean(name, offered)
        raise InputError(f"torch.optim.lr_scheduler has no schedule '{name}'{hint}", key)
    found: Callable[..., LRScheduler] = getattr(lr_scheduler, bare(name))
    return found


def is_from_torch(class_: type) -> bool:
    """Return whether a class is one of `torch.optim`, and does not only bear such a name."""
    from torch import optim

    return getattr(optim, class_.__name__, None) is class_


def check_arguments(class_: Callable[..., Any], settings: Mapping[str, Any], own: set[str], key: Key) -> None:
    """Refuse arguments that a class does not have, and want those that it cannot do without.

    Args:
        class_: The class.
        settings: The arguments that the user gives.
        own: The arguments that gdsim gives.
        key: Where the settings stand.

    Raises:
        InputError: An argument is too much or missing.
    """
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


def _imported(package: str, key: Key) -> Any:
    try:
        return importlib.import_module(package)
    except (Exception, SystemExit) as error:
        raise InputError(f"'{package}' cannot be imported: {words(error)}", key) from error


def _attribute(module: Any, name: str, key: Key) -> Any:
    try:
        return getattr(module, name)
    except AttributeError:
        hint = did_you_mean(name, [known for known in dir(module) if not known.startswith("_")])
        raise InputError(f"{module.__name__} has no optimizer '{name}'{hint}", key) from None
    except (Exception, SystemExit) as error:  # a package may import its parts only when they are asked for
        raise InputError(f"'{name}' cannot be imported: {words(error)}", key) from error
