"""Determine the requirements of an optimizer class by taking a few steps with it."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from gdsim.optimizers.factory import OptimizerFactory, ParameterShapes
from gdsim.optimizers.formatting import first_line
from gdsim.optimizers.random_state import RNGState

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["probe"]

STEPS = 3
GRAPH_WORDS = ("grad_fn", "create_graph")
"""Words in the error messages of classes that require the graph of the gradient."""


class _StepError(Exception):
    """A step has failed; the argument is the original exception."""


def probe(untested: OptimizerFactory, shapes: ParameterShapes) -> OptimizerFactory:
    """Return a factory with the fewest requirements that let its class take a few steps.

    The variants are tried in this order: `step()` after `backward()`; `step(closure)`; `step()` after
    `backward(create_graph=True)`; both. For a class that is not built in and works without a closure, `needs_closure`
    is still set if its steps depend on the values that the closure returns.

    Raises:
        InputError: The class refuses its settings, or cannot take a step in any variant.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if untested.is_builtin:
            return _minimal(untested, shapes)
        with RNGState.preserved() as before:
            found = _minimal(untested, shapes)
            found = replace(found, draws=not before.unchanged())
            return replace(found, needs_closure=found.needs_closure or _depends_on_values(found, shapes, before))


def _minimal(untested: OptimizerFactory, shapes: ParameterShapes) -> OptimizerFactory:
    failures: dict[bool, Exception] = {}
    for factory in _variants(untested):
        try:
            _end(factory, shapes)
        except _StepError as failure:
            failures[factory.needs_graph] = failure.args[0]
        else:
            return factory
    # The error with a graph is relevant only if the error without one mentions the graph.
    error = failures[any(word in first_line(failures[False]) for word in GRAPH_WORDS)]
    raise untested.error("cannot take a step", error) from error


def _variants(untested: OptimizerFactory) -> Iterator[OptimizerFactory]:
    """Yield the factory with each combination of requirements that its class may have, the most common first."""
    step = inspect.signature(untested.class_.step)
    positional = [each for each in step.parameters.values() if each.kind not in {each.KEYWORD_ONLY, each.VAR_KEYWORD}]
    closures: tuple[bool, ...] = (False,)
    if len(positional) > 1:
        closure = positional[1]
        required = closure.default is closure.empty and closure.kind is not closure.VAR_POSITIONAL
        closures = (True,) if required else (False, True)
    for needs_graph in (False, True):
        for needs_closure in closures:
            yield replace(untested, needs_closure=needs_closure, needs_graph=needs_graph)


def _depends_on_values(found: OptimizerFactory, shapes: ParameterShapes, before: RNGState) -> bool:
    """Return whether a class uses the values that a closure returns, not only the gradients."""
    ends = []
    for factory in _variants(found):
        if factory.needs_closure and factory.needs_graph == found.needs_graph:
            for factor in (1.0, 0.1):
                before.restore()
                try:
                    ends.append(_end(factory, shapes, factor))
                except _StepError:
                    return False
    return len(ends) == 2 and not ends[0].equal(ends[1])


def _end(factory: OptimizerFactory, shapes: ParameterShapes, factor: float = 1.0) -> Tensor:
    """Take a few steps and return the last point; each evaluation multiplies the value by another power of `factor`."""
    import torch

    parameters = factory.sample_parameters(shapes)
    optimizer = factory.build(parameters)
    factory.build_schedule(optimizer)
    scale = 1.0

    def closure() -> Tensor:
        nonlocal scale
        scale *= factor
        for parameter in parameters:
            parameter.grad = None
        with torch.enable_grad():
            # The gradient x² + 3/4 depends on x, as classes that differentiate it require.
            value = torch.stack([(x * x * x / 3 + 0.75 * x).sum() for x in parameters]).sum()
            value.backward(create_graph=factory.needs_graph)  # type: ignore[no-untyped-call]
        if not factory.needs_graph:
            for parameter in parameters:
                parameter.grad = None if parameter.grad is None else factory.to_layout(parameter.grad)
        return scale * value.detach().double()

    for _ in range(STEPS):
        try:
            closure()  # also for classes that use hooks on their parameters
            optimizer.step(closure) if factory.needs_closure else optimizer.step()  # type: ignore[arg-type]
        except Exception as error:
            raise _StepError(error) from error
        for parameter in parameters:
            parameter.grad = None
    return torch.cat([parameter.detach().flatten() for parameter in parameters])
