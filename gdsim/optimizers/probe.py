"""What a class wants before and during its step, found by taking a few steps with it."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from gdsim.optimizers.formatting import words
from gdsim.optimizers.random_state import RNGState

if TYPE_CHECKING:
    from torch import Tensor

    from gdsim.optimizers.factory import OptimizerFactory, ParameterShapes

__all__ = ["tried"]

TRIAL_STEPS = 3
ASKING = ("grad_fn", "create_graph")
"""What is said by those who miss the graph of the gradient."""


class _StepError(Exception):
    """A class has failed in taking a step."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def tried(untried: OptimizerFactory, like: ParameterShapes) -> OptimizerFactory:
    """Return a method with what its class wants: the least of all that lets it take a few steps.

    A class that can do without a closure is given one if it goes elsewhere when the values are others.

    Args:
        untried: The method.
        like: What it moves.

    Raises:
        InputError: The class refuses its settings, or cannot take a step whatever it is given.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if untried.is_builtin:
            return _least(untried, like)
        with RNGState.preserved() as before:
            found = _least(untried, like)
            found = replace(found, draws=not before.unchanged())
            if found.needs_closure:
                return found
            return replace(found, needs_closure=_watches_values(found, like, before))


def _least(untried: OptimizerFactory, like: ParameterShapes) -> OptimizerFactory:
    """Return a method with the least of all that lets its class take a few steps."""
    failures: dict[bool, Exception] = {}
    for chosen in _choices(untried):
        try:
            _end(chosen, like)
        except _StepError as failure:
            failures[chosen.needs_graph] = failure.error
        else:
            return chosen
    # With a closure, who cares for none fails as without one; the graph is of use only to who asks for it.
    asked = any(word in words(failures[False]) for word in ASKING)
    raise untried.error("cannot take a step", failures[asked]) from failures[asked]


def _choices(untried: OptimizerFactory) -> Iterator[OptimizerFactory]:
    """Yield a method with what its class may want, the most common first."""
    step = inspect.signature(untried.class_.step)
    parameters = [each for each in step.parameters.values() if each.kind not in {each.KEYWORD_ONLY, each.VAR_KEYWORD}]
    closures: tuple[bool, ...] = (False,)
    if len(parameters) > 1:
        closure = parameters[1]
        required = closure.default is closure.empty and closure.kind is not closure.VAR_POSITIONAL
        closures = (True,) if required else (False, True)
    for needs_graph in (False, True):
        for needs_closure in closures:
            yield replace(untried, needs_closure=needs_closure, needs_graph=needs_graph)


def _watches_values(found: OptimizerFactory, like: ParameterShapes, before: RNGState) -> bool:
    """Return whether a class makes something of the values that a closure returns, not only of its gradients."""
    ends = []
    for chosen in _choices(found):
        if chosen.needs_closure and chosen.needs_graph == found.needs_graph:
            for factor in (1.0, 0.1):
                before.restore()
                try:
                    ends.append(_end(chosen, like, factor))
                except _StepError:
                    return False
    return len(ends) == 2 and not ends[0].equal(ends[1])


def _slope(points: Tensor) -> Tensor:
    """Return a function of points (…, dim) whose gradient is points² + 3/4, which needs them to be differentiated."""
    return (points * points * points / 3 + 0.75 * points).sum(-1)


def _end(chosen: OptimizerFactory, like: ParameterShapes, factor: float = 1.0) -> Tensor:
    """Take a few steps down a slope, and return where they lead; each value told has the factor once more."""
    import torch

    parameters = chosen.sample_parameters(like)
    optimizer = chosen.build(parameters)
    chosen.build_schedule(optimizer)
    told = 1.0

    def closure() -> Tensor:
        nonlocal told
        told *= factor
        for parameter in parameters:
            if chosen.needs_graph:
                chosen.backward(_slope, parameter)
            else:
                chosen.set_gradient(parameter.detach() ** 2 + 0.75, parameter)
        return told * _slope(joined().double())

    def joined() -> Tensor:
        return torch.cat([parameter.detach().flatten() for parameter in parameters])

    for _ in range(TRIAL_STEPS):
        try:
            closure()  # a class may have hooks on its parameters
            optimizer.step(closure) if chosen.needs_closure else optimizer.step()  # type: ignore[arg-type]
        except Exception as error:
            raise _StepError(error) from error
        for parameter in parameters:
            parameter.grad = None
    return joined()
