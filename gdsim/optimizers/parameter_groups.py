"""A way to train a network: one class for all its parameters, or one for its matrices and another for the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gdsim.config.location import HERE, SourceContext
from gdsim.errors import InputError
from gdsim.optimizers.factory import OptimizerFactory, ParameterShapes, untried
from gdsim.optimizers.probe import tried

if TYPE_CHECKING:
    from torch.optim import Optimizer

__all__ = ["optimizer_factory"]

REST: Mapping[str, Any] = {"class": "AdamW"}
"""What moves the parameters that Muon does not, where nothing else is said."""

HOW_TO_REST = "say what moves the others, as in rest: {class: AdamW, lr: 0.001}"


def optimizer_factory(
    label: str,
    class_: str | type[Optimizer],
    settings: Mapping[str, Any],
    shapes: ParameterShapes = 2,
    *,
    rest: Mapping[str, Any] | None = None,
    schedule: Mapping[str, Any] | None = None,
    noise: float = 0.0,
    clip_norm: float | None = None,
    context: SourceContext = HERE,
) -> OptimizerFactory:
    """Build the optimizer and test it briefly.

    Args:
        label: The user's name for it.
        class_: A class of optimizers: itself, its name in `torch.optim`, its dotted name in an installed
            package, or `"my_optimizer.py:MyOptimizer"`.
        settings: The arguments of the class. A class that wraps another one takes it as a class or a mapping,
            `{"optimizer": {"class": "SGD", "lr": 0.1}}`; arguments that it does not name itself are passed to the
            wrapped class.
        shapes: The number of coordinates of a point, or the shapes of a network's parameters.
        rest: `{"class": …, …}`, the optimizer of a network's parameters that are not matrices; the class then
            updates the matrices only. Muon always does; its default is AdamW.
        schedule: `{"class": …, …}` with the arguments of a class of `torch.optim.lr_scheduler`. `rest` has a schedule
            of its own of the same kind.
        noise: Standard deviation of the noise on each component of the gradient.
        clip_norm: The largest norm of the gradient with respect to all parameters together.
        context: The folder of the user's own code, and whether it may run.

    Raises:
        InputError: There is no such class, it refuses its settings, or it cannot take a step on the parameters.
    """
    chosen = untried(label, class_, settings, context, schedule=schedule, noise=noise, clip_norm=clip_norm)
    if isinstance(shapes, int):
        return tried(chosen, shapes)
    matrices, others = [each for each in shapes if len(each) == 2], [each for each in shapes if len(each) != 2]
    if rest is None and not chosen.matrices_only:
        return _of_all(chosen, shapes)
    name = chosen.class_.__name__
    if not matrices:
        raise InputError(f"{name} moves matrices only, and the network has none", chosen.at)
    if not others:
        if rest is not None:
            raise InputError("there is nothing left to move: all parameters are matrices", (*chosen.at, "rest"))
        return tried(chosen, shapes)
    form = dict(REST if rest is None else rest)
    second = untried(label, form.pop("class"), form, context, schedule=schedule, within=("rest",))
    if second.matrices_only:
        sentence = f"must take what is no matrix, such as biases, and {second.class_.__name__} moves matrices only"
        raise InputError(f"{sentence}; AdamW would do", second.at)
    first, second = tried(chosen, matrices), tried(second, others)
    for each in (first, second):
        if each.needs_closure:
            sentence = f"{each.class_.__name__} evaluates the loss by itself, and cannot move a part of the parameters"
            raise InputError(sentence, each.at)
    return replace(first, rest=second)


def _of_all(chosen: OptimizerFactory, shapes: Sequence[Sequence[int]]) -> OptimizerFactory:
    """Return a method that moves all parameters; where it only fails with some of them, say what to do."""
    try:
        return tried(chosen, shapes)
    except InputError as error:
        matrices = [each for each in shapes if len(each) == 2]
        if not 0 < len(matrices) < len(shapes):
            raise
        try:
            tried(chosen, matrices)
        except InputError:
            raise error from None
        raise InputError(f"{chosen.class_.__name__} moves matrices only; {HOW_TO_REST}", chosen.at) from error
