"""A way to train a network: one class for all its parameters, or one for its matrices and another for the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gdsim.errors import InputError
from gdsim.optimizers.classes import Home
from gdsim.optimizers.methods import Method, untried
from gdsim.optimizers.trial import tried

if TYPE_CHECKING:
    from torch.optim import Optimizer

__all__ = ["training_method"]

REST: Mapping[str, Any] = {"class": "AdamW"}
"""What moves the parameters that Muon does not, where nothing else is said."""

HOW_TO_REST = "say what moves the others, as in rest: {class: AdamW, lr: 0.001}"


def training_method(
    label: str,
    class_: str | type[Optimizer],
    settings: Mapping[str, Any],
    shapes: Sequence[Sequence[int]],
    *,
    rest: Mapping[str, Any] | None = None,
    schedule: Mapping[str, Any] | None = None,
    noise: float = 0.0,
    clip_norm: float | None = None,
    folder: Path | None = None,
    allow_code: bool = False,
) -> Method:
    """Return a way to train a network, tried out on parameters of the same shapes.

    Args:
        label: What the user calls it.
        class_: A class of optimizers, as `method` takes it.
        settings: The arguments of the class.
        shapes: The shapes of the network's parameters.
        rest: `{"class": …, …}`, what moves the parameters that are no matrices; the class then moves the matrices
            only, as Muon does by itself, whose rest is AdamW by default.
        schedule: As `method` takes it; the learning rate of the rest follows one of its own of the same kind.
        noise: As `method` takes it.
        clip_norm: The largest norm of the gradient with respect to all parameters together.
        folder: Where code of the user's own stands, the current folder when None.
        allow_code: Whether it may run.

    Raises:
        InputError: There is no such class, it refuses its settings, or it cannot take a step on the parameters.
    """
    home = Home(folder, allow_code)
    chosen = untried(label, class_, settings, home, schedule=schedule, noise=noise, clip_norm=clip_norm)
    matrices, others = [each for each in shapes if len(each) == 2], [each for each in shapes if len(each) != 2]
    if rest is None and not chosen.takes_matrices_only:
        return _of_all(chosen, shapes)
    name = chosen.class_.__name__
    if not matrices:
        raise InputError(f"{name} moves matrices only, and the network has none", chosen.at)
    if not others:
        if rest is not None:
            raise InputError("there is nothing left to move: all parameters are matrices", (*chosen.at, "rest"))
        return tried(chosen, shapes)
    form = dict(REST if rest is None else rest)
    second = untried(label, form.pop("class"), form, home, schedule=schedule, within=("rest",))
    if second.takes_matrices_only:
        sentence = f"must take what is no matrix, such as biases, and {second.class_.__name__} moves matrices only"
        raise InputError(f"{sentence}; AdamW would do", second.at)
    first, second = tried(chosen, matrices), tried(second, others)
    for each in (first, second):
        if each.wants_closure:
            sentence = f"{each.class_.__name__} evaluates the loss by itself, and cannot move a part of the parameters"
            raise InputError(sentence, each.at)
    return replace(first, rest=second)


def _of_all(chosen: Method, shapes: Sequence[Sequence[int]]) -> Method:
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
