"""Build the optimizer of a point or of a network, with separate classes for matrices and the rest if needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gdsim.config.model import HERE, SourceContext
from gdsim.errors import InputError
from gdsim.optimizers.factory import OptimizerFactory, ParameterShapes, untested_factory
from gdsim.optimizers.probe import probe

if TYPE_CHECKING:
    from torch.optim import Optimizer

__all__ = ["optimizer_factory"]

DEFAULT_REST: Mapping[str, Any] = {"class": "AdamW"}


def optimizer_factory(
    label: str,
    class_: str | type[Optimizer],
    settings: Mapping[str, Any],
    shapes: ParameterShapes = 2,
    *,
    rest: Mapping[str, Any] | None = None,
    schedule: Mapping[str, Any] | None = None,
    context: SourceContext = HERE,
    **gradient: Any,
) -> OptimizerFactory:
    """Build the optimizer and test it briefly.

    Args:
        label: The name in the configuration.
        class_: A class of optimizers, its name in `torch.optim`, its dotted name in an installed package, or
            `"my_optimizer.py:MyOptimizer"`.
        settings: The arguments of the class. A wrapped optimizer is given as a class or a mapping,
            `{"optimizer": {"class": "SGD", "lr": 0.1}}`; arguments that the class does not have are passed to the
            wrapped class.
        shapes: The number of coordinates of a point, or the shapes of a network's parameters.
        rest: `{"class": …, …}`, the optimizer of a network's parameters that are not matrices; the class then updates
            only the matrices. Muon always uses it, by default AdamW.
        schedule: `{"class": …, …}` with the arguments of a class of `torch.optim.lr_scheduler`; `rest` uses a separate
            schedule with the same arguments.
        context: The folder of the user's code, and whether it may be executed.
        gradient: The fields of `GradientSettings`: `noise`, `clip_norm`.

    Raises:
        InputError: There is no such class, it refuses its settings, or it cannot take a step on the parameters.
    """
    chosen = untested_factory(label, class_, settings, context, schedule=schedule, **gradient)
    if isinstance(shapes, int):
        return probe(chosen, shapes)
    if rest is None and not chosen.matrices_only:
        return _for_all(chosen, shapes)
    matrices, others = [each for each in shapes if len(each) == 2], [each for each in shapes if len(each) != 2]
    if not matrices:
        message = f"{chosen.class_.__name__} updates matrices only, and the network has none"
        raise InputError(message, chosen.key, code="unsupported")
    if not others:
        if rest is not None:
            raise InputError("has no parameters: all of them are matrices", (*chosen.key, "rest"), code="unsupported")
        return probe(chosen, shapes)
    given = dict(DEFAULT_REST if rest is None else rest)
    second = untested_factory(label, given.pop("class"), given, context, schedule=schedule, within=("rest",))
    if second.matrices_only:
        message = f"{second.class_.__name__} updates matrices only, and the rest are not matrices; use AdamW"
        raise InputError(message, second.key, code="unsupported")
    first, second = probe(chosen, matrices), probe(second, others)
    for each in (first, second):
        if each.needs_closure:
            message = f"{each.class_.__name__} evaluates the loss itself, and cannot update a part of the parameters"
            raise InputError(message, each.key, code="unsupported")
    return replace(first, rest=second)


def _for_all(chosen: OptimizerFactory, shapes: Sequence[Sequence[int]]) -> OptimizerFactory:
    """Return a factory for all parameters; raise an InputError with a remedy if the class supports matrices only."""
    try:
        return probe(chosen, shapes)
    except InputError as error:
        matrices = [each for each in shapes if len(each) == 2]
        if not 0 < len(matrices) < len(shapes):
            raise
        try:
            probe(chosen, matrices)
        except InputError:
            raise error from None
        name, example = chosen.class_.__name__, "rest: {class: AdamW, lr: 0.001}"
        message = f"{name} updates matrices only; add an optimizer of the others, as in {example}"
        raise InputError(message, chosen.key, code="missing") from error
