"""A class with its settings, and the optimizer that it wraps if it wraps one."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gdsim.config.location import SourceContext
from gdsim.errors import InputError
from gdsim.optimizers.classes import Key, check_arguments, optimizer_class
from gdsim.optimizers.formatting import setting

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

__all__ = ["Recipe", "recipe"]

GIVEN = {"params", "model"}
"""The arguments that hold what is moved: a list of parameters, or a model that has them."""


@dataclass(frozen=True, eq=False)
class Recipe:
    """What it takes to build an instance, but for the parameters.

    Attributes:
        class_: A class of optimizers.
        settings: The arguments of the class, without the wrapped optimizer.
        names: All arguments that the class has.
        inner: What it wraps.
        argument: The argument that takes it.
    """

    class_: type[Optimizer]
    settings: Mapping[str, Any]
    names: frozenset[str]
    inner: Recipe | None = None
    argument: str = ""

    def __iter__(self) -> Iterator[Recipe]:
        """Yield this one, and all that are wrapped, from without to within."""
        yield self
        if self.inner is not None:
            yield from self.inner

    @property
    def takes_class(self) -> bool:
        """Whether the class builds what it wraps by itself, as SAM does, and is given the class and its settings."""
        return "params" in self.names and "kwargs" in self.names

    def build(self, parameters: list[Tensor], model: nn.Module | None = None) -> Optimizer:
        """Build an instance over leaf tensors.

        Args:
            parameters: The leaf tensors.
            model: The module whose parameters they are; by default one that only holds them.
        """
        import torch

        given = dict(self.settings)
        if self.inner is not None and self.takes_class:
            given |= {self.argument: self.inner.class_, **self.inner.settings}
        elif self.inner is not None:
            given[self.argument] = self.inner.build(parameters, model)
        if "model" in self.names:
            given["model"] = torch.nn.ParameterList(parameters) if model is None else model
        if "params" in self.names:
            given["params"] = parameters
        if self.inner is not None or GIVEN & self.names:
            built = self.class_(**given)
        else:
            built = self.class_(parameters, **given)
        # Schedule-free classes keep apart the point where gradients are taken and the one to evaluate.
        train = getattr(built, "train", None)
        if callable(train):
            train()
        return built

    def text(self) -> list[str]:
        """Return the class and its settings, one by one as a legend says them, the learning rate first."""
        parameters = inspect.signature(self.class_).parameters
        rate = {"lr": parameters["lr"].default} if "lr" in parameters else {}
        parts = [self.class_.__name__]
        parts += [setting(name, value) for name, value in {**rate, **self.settings}.items()]
        if self.inner is not None:
            first, *rest = self.inner.text()
            parts.append(f"{self.argument.replace('_', ' ')} {first}" + (f" ({', '.join(rest)})" if rest else ""))
        return parts


def recipe(class_: str | type[Optimizer], settings: Mapping[str, Any], at: Key, context: SourceContext) -> Recipe:
    """Find a class, and what it wraps among its settings.

    A class wraps another optimizer by an argument whose name ends in `optimizer`. Its value is a class, or a mapping
    with the class and its settings: `{class: SGD, lr: 0.1}`; settings beside it that the wrapping class does not name
    are those of the wrapped one too.

    Args:
        class_: A class of optimizers: itself, its name in `torch.optim`, its dotted name in an installed package, or
            `"my_optimizer.py:MyOptimizer"`.
        settings: The arguments of the class.
        at: Where they stand.
        context: Where code of the user's own stands.

    Raises:
        InputError: There is no such class, or an argument is too much or missing.
    """
    found = optimizer_class(class_, (*at, "class"), context)
    parameters = inspect.signature(found).parameters
    names = frozenset(
        "kwargs" if parameter.kind is parameter.VAR_KEYWORD else name for name, parameter in parameters.items()
    )
    argument = next((name for name in parameters if name.endswith("optimizer")), "")
    if argument and parameters[argument].default is inspect.Parameter.empty and argument not in settings:
        sentence = f"{found.__name__} wraps another optimizer: give it {argument}: {{class: SGD, lr: 0.1}}"
        raise InputError(sentence, at)
    if not argument or settings.get(argument) is None:
        check_arguments(found, settings, GIVEN, at)
        return Recipe(found, dict(settings), names)
    own = {name: value for name, value in settings.items() if name in names and name != argument}
    check_arguments(found, own, {*GIVEN, argument}, at)
    inner = _inner(argument, settings, {*own, argument}, at, context)
    wrapping = Recipe(found, own, names, inner, argument)
    if wrapping.takes_class and inner.inner is not None:
        sentence = f"{found.__name__} wraps a plain optimizer, and {inner.class_.__name__} wraps one itself"
        raise InputError(f"{sentence}: let {inner.class_.__name__} wrap {found.__name__}", (*at, argument))
    return wrapping


def _inner(argument: str, settings: Mapping[str, Any], outer: set[str], at: Key, context: SourceContext) -> Recipe:
    value, at_inner = settings[argument], (*at, argument)
    form = dict(value) if isinstance(value, Mapping) else {"class": value}
    class_ = form.pop("class", None)
    if not isinstance(class_, str | type):
        raise InputError(f"{argument} needs the class of an optimizer, such as {{class: SGD, lr: 0.1}}", at_inner)
    beside = {name: value for name, value in settings.items() if name not in outer}
    if twice := next((name for name in beside if name in form), None):
        raise InputError(f"'{twice}' is given here and in {argument}", (*at, twice))
    return recipe(class_, {**form, **beside}, at_inner, context)
