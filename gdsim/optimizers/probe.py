"""Make factories of optimizers, after a brief test of a class that shows what it requires."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from gdsim.config.model import HERE, SourceContext
from gdsim.config.optimizer import GradientSettings, with_class
from gdsim.config.signatures import parameters_of
from gdsim.errors import InputError, Key
from gdsim.optimizers.classes import find_class
from gdsim.optimizers.factory import OptimizerFactory, ParameterShapes
from gdsim.optimizers.random_state import RNGState

TEST_STEPS = 3
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
    schedule: str | Mapping[str, Any] | None = None,
    context: SourceContext = HERE,
    **gradient: Any,
) -> OptimizerFactory:
    """Return a factory of an optimizer after a brief test of its class.

    Args:
        label: The name in the configuration.
        class_: A class of optimizers, its name in `torch.optim`, its dotted name in an installed package, or
            `"my_optimizer.py:MyOptimizer"`.
        settings: The arguments of the class. A wrapped optimizer is given as a class or a mapping,
            `{"optimizer": {"class": "SGD", "lr": 0.1}}`; arguments that the class does not have are passed to the
            wrapped class.
        shapes: What the class is tested on.
        rest: `{"class": …, …}`, the optimizer of a network's parameters that are not matrices; the class then updates
            only the matrices. Muon always uses it, by default AdamW.
        schedule: See `OptimizerFactory`, or the class alone; `rest` uses a separate schedule with the same arguments.
        context: The folder of the user's code, and whether it may be executed.
        gradient: The fields of `GradientSettings`: `noise`, `clip_norm`.

    Raises:
        InputError: There is no such class, it refuses its settings, or it cannot take a step on the parameters.
    """
    schedule = with_class(schedule)
    if not isinstance(schedule, Mapping | None):
        message = f"must be a schedule's class, or a mapping with its class, not {schedule!r:.40}"
        raise InputError(message, ("optimizers", label, "schedule"), code="wrong-type")
    chosen = _untested(label, class_, settings, context, schedule=schedule, **gradient)
    if isinstance(shapes, int) or (rest is None and not chosen.matrices_only):
        return _probe(chosen, shapes)
    matrices, others = [each for each in shapes if len(each) == 2], [each for each in shapes if len(each) != 2]
    if not matrices:
        message = f"{chosen.class_.__name__} updates matrices only, and the network has none"
        raise InputError(message, chosen.key, code="unsupported")
    if not others:
        if rest is not None:
            raise InputError("has no parameters: all of them are matrices", (*chosen.key, "rest"), code="unsupported")
        return _probe(chosen, shapes)
    given = dict(DEFAULT_REST if rest is None else rest)
    second = _untested(label, given.pop("class"), given, context, schedule=schedule, within=("rest",))
    if second.matrices_only:
        message = f"{second.class_.__name__} updates matrices only, and the rest are not matrices; use AdamW"
        raise InputError(message, second.key, code="unsupported")
    first, second = _probe(chosen, matrices), _probe(second, others)
    for each in (first, second):
        if each.needs_closure:
            message = f"{each.class_.__name__} evaluates the loss itself, and cannot update a part of the parameters"
            raise InputError(message, each.key, code="unsupported")
    return replace(first, rest=second)


def _untested(
    label: str,
    class_: str | type[Optimizer],
    settings: Mapping[str, Any],
    context: SourceContext,
    *,
    schedule: Mapping[str, Any] | None = None,
    within: Key = (),
    **gradient: Any,
) -> OptimizerFactory:
    """Return a factory whose class has not been tested; the arguments are those of `optimizer_factory`."""
    key = ("optimizers", label, *within)
    found = find_class(class_, settings, key, context)
    try:
        return OptimizerFactory(label, found, schedule, GradientSettings(**gradient), within=within)
    except InputError as error:
        problem = error.problems[0]
        raise InputError(problem.message, (*key, *problem.key), code=problem.code) from None


def _probe(untested: OptimizerFactory, shapes: ParameterShapes) -> OptimizerFactory:
    """Return a factory with the fewest requirements that let its class take a few steps.

    The variants are tried in this order: `step()` after `backward()`; `step(closure)`; `step()` after
    `backward(create_graph=True)`; both. For a class that is not built in and works without a closure, `needs_closure`
    is still set if its steps depend on the values that the closure returns.

    Raises:
        InputError: The class refuses its settings, or cannot take a step in any variant.
    """
    with warnings.catch_warnings(action="ignore"):
        if untested.is_builtin:
            return _minimal(untested, shapes)
        with RNGState.preserved() as before:
            found = _minimal(untested, shapes)
            found = replace(found, is_random=not before.unchanged())
            return replace(found, needs_closure=found.needs_closure or _depends_on_values(found, shapes, before))


def _minimal(untested: OptimizerFactory, shapes: ParameterShapes) -> OptimizerFactory:
    failures: dict[bool, Exception] = {}
    for factory in _variants(untested):
        try:
            _last_point(factory, shapes)
        except InputError:  # The class refuses its settings.
            raise
        except Exception as error:
            failures[factory.needs_graph] = error
        else:
            return factory
    # The error with a graph is relevant only if the error without one mentions the graph.
    cause = failures[any(word in str(failures[False]) for word in GRAPH_WORDS)]
    raise untested.error("cannot take a step", cause) from cause


def _variants(untested: OptimizerFactory) -> Iterator[OptimizerFactory]:
    """Yield the factory with each combination of requirements that its class may have, the most common first."""
    parameters = parameters_of(untested.class_.step).values()
    positional = [each for each in parameters if each.kind not in {each.KEYWORD_ONLY, each.VAR_KEYWORD}]
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
    with_closure = replace(found, needs_closure=True)
    if not any(variant.needs_closure for variant in _variants(found)):
        return False
    ends = []
    for factor in (1.0, 0.1):
        before.restore()
        try:
            ends.append(_last_point(with_closure, shapes, factor))
        except Exception:
            return False
    return not ends[0].equal(ends[1])


def _last_point(factory: OptimizerFactory, shapes: ParameterShapes, factor: float = 1.0) -> Tensor:
    """Take a few steps and return the last point; each evaluation multiplies the value by another power of `factor`."""
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

    for _ in range(1 if factory.is_builtin else TEST_STEPS):
        closure()  # also for classes that use hooks on their parameters
        optimizer.step(closure) if factory.needs_closure else optimizer.step()  # type: ignore[arg-type]
        for parameter in parameters:
            parameter.grad = None
    return torch.cat([parameter.detach().flatten() for parameter in parameters])
