"""Build the optimizer of a point or of a network, and test it briefly to find out what its class requires."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gdsim.config.model import HERE, SourceContext
from gdsim.errors import InputError
from gdsim.optimizers.classes import first_line
from gdsim.optimizers.factory import OptimizerFactory, ParameterShapes, untested_factory
from gdsim.optimizers.random_state import RNGState

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer

STEPS = 3
GRAPH_WORDS = ("grad_fn", "create_graph")
"""Words in the error messages of classes that require the graph of the gradient."""

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
