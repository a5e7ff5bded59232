"""The gradient flow ẋ = −∇f, which SGD follows as its learning rate falls to 0, by SciPy's solvers.

The explicit method DOP853 (Hairer, Nørsett and Wanner 1993) solves most functions. A stiff one costs it many
evaluations; then the implicit method Radau continues with the exact Hessian.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch

from gdsim.interrupts import pause
from gdsim.networks import NetworkObjective
from gdsim.networks.evaluation import Evaluator
from gdsim.objectives import FloatArray, Objective, inside
from gdsim.optimizers import deterministic
from gdsim.simulation.descent import far_bounds
from gdsim.simulation.trajectory import Flow, IntArray, NetworkTrajectory, Progress, Trajectory

INNER = 4  # points of the line per step of a solver
AT_REST = 1e-10  # the remaining length of a flow that is not followed, as a fraction of the size of the view

AnyTrajectory = TypeVar("AnyTrajectory", bound=Trajectory)


class _Ended(Exception):  # noqa: N818
    """The flow cannot be followed any further; the text says why."""


# Solvers of SciPy, the number of evaluations after which each stops, and its relative tolerance. Where a step of DOP853
# is limited by its stability, its interpolation is much less precise than its end.
FUNCTION_METHODS = (("DOP853", 4_000, 1e-13), ("Radau", 40_000, 1e-9))
NETWORK_METHODS = (("DOP853", 6_000, 1e-7),)


@dataclass
class _System:
    """The system of equations ẋ = −∇f, and what is kept of its solution.

    Attributes:
        gradient: Returns the gradient (n,) at a point (n,).
        shown: Returns what the picture shows of a point (n,): its coordinates and its value, (dim + 1,).
        size: The size of the view, in whose units the absolute tolerance is a hundredth of the relative one.
        methods: SciPy's solvers, each of which continues after the one before.
        hessian: Returns the Hessian (n, n) at a point (n,), which implicit methods need.
        far: (n, 2) the bounds beyond which the flow is not followed, as a path there would count as diverged.
        evaluations: The number of gradients evaluated so far.
        steepness: The norm of the last gradient.
    """

    gradient: Callable[[FloatArray], FloatArray]
    shown: Callable[[FloatArray], FloatArray]
    size: float
    methods: Sequence[tuple[str, int, float]]
    hessian: Callable[[FloatArray], FloatArray] | None = None
    far: FloatArray | None = None
    evaluations: int = 0
    steepness: float = np.inf

    def slope(self, _: float, point: FloatArray) -> FloatArray:
        """Return ẋ (n,) at a point (n,); raise _Ended if it is not finite."""
        self.evaluations += 1
        gradient = self.gradient(point)
        self.steepness = float(np.linalg.norm(gradient))
        if not np.isfinite(self.steepness):
            raise _Ended("it leaves where the function is defined")
        return -gradient


def _system(objective: Objective, start: FloatArray, seed: int) -> _System:
    if not isinstance(objective, NetworkObjective):
        return _System(
            gradient=lambda point: objective.gradients(point)[1],
            shown=lambda point: np.append(point, objective.values(point)),
            size=objective.diagonal,
            methods=FUNCTION_METHODS,
            hessian=objective.hessians,
            far=np.stack(far_bounds(objective.bounds, start[None]))[:, 0].T,
        )
    evaluator, landscape = Evaluator(objective.network, seed, torch.float64), objective.landscape
    examples = evaluator.examples()
    return _System(
        gradient=lambda point: evaluator.gradient(point, examples)[1],
        shown=lambda point: np.append(landscape.project(point), evaluator.score(point, examples).loss),
        size=objective.diagonal,
        methods=NETWORK_METHODS,
    )


class _Recorded(NamedTuple):
    """The recorded points of a trajectory, and the flow at the same times.

    Attributes:
        steps: (k,) the steps of the points.
        points: (k, paths, n) the points or, of a network, the weights.
        times: (k, paths) the time of the flow at these steps.
        distances: (k, paths) the distance of the flow from the points; NaN until it is known.
    """

    steps: IntArray
    points: FloatArray
    times: FloatArray
    distances: FloatArray


class _Solution(NamedTuple):
    """The flow from one start.

    Attributes:
        line: (m, dim + 1) what is shown of it.
        at: (times, n) the points at given times; NaN after its end.
        evaluations: The number of gradients evaluated.
        reason: Why it ends early; empty if it does not.
    """

    line: FloatArray
    at: FloatArray
    evaluations: int
    reason: str


def flow_rate(class_name: str, settings: Mapping[str, Any]) -> float | None:
    """Return the time of the gradient flow per step and learning rate; None for classes that do not follow it.

    That of SGD with momentum β and dampening τ is (1 − τ) / (1 − β) (Kovachki and Stuart 2021, JMLR 22(17)).
    """
    if class_name != "SGD" or settings.get("maximize") or settings.get("momentum", 0.0) >= 1:
        return None
    return float((1 - settings.get("dampening", 0.0)) / (1 - settings.get("momentum", 0.0)))


def with_flows(
    trajectories: Sequence[AnyTrajectory],
    rates: Sequence[float | None],
    seed: int,
    progress: Progress = iter,
) -> tuple[AnyTrajectory, ...]:
    """Return the trajectories over one objective with the gradient flow from each of their starts, which are the same.

    `rates` are their `flow_rate`s, and `seed` is that of a network's first weights; `progress` wraps the starts.
    """
    objective = trajectories[0].objective
    recorded = [_recorded(each, rate or 1.0) for each, rate in zip(trajectories, rates, strict=True)]
    starts, owners = np.unique(recorded[0].points[0], axis=0, return_inverse=True)
    solutions = []
    with deterministic():
        for number, _ in enumerate(progress(range(len(starts)))):
            own = owners.ravel() == number
            times = np.unique(np.concatenate([each.times[:, own].ravel() for each in recorded]))
            solution = _follow(_system(objective, starts[number], seed), starts[number], times)
            solutions.append(solution)
            for each, rate in zip(recorded, rates, strict=True):
                if rate is not None:
                    expected = solution.at[np.searchsorted(times, each.times[:, own])]
                    each.distances[:, own] = np.linalg.norm(each.points[:, own] - expected, axis=-1)
    longest = max(len(each.line) for each in solutions)
    lines = [np.pad(each.line, ((0, longest - len(each.line)), (0, 0)), mode="edge") for each in solutions]
    joined, evaluations = np.stack(lines, axis=1), sum(each.evaluations for each in solutions)
    ends = [(start, each.reason) for start, each in zip(starts, solutions, strict=True) if each.reason]
    reason = _reason(ends, objective)
    flows = (
        Flow(joined[..., :-1], joined[..., -1], _at_each_step(each.distances, each.steps), evaluations, reason)
        for each in recorded
    )
    return tuple(replace(each, flow=flow) for each, flow in zip(trajectories, flows, strict=True))


def _recorded(trajectory: Trajectory, rate: float) -> _Recorded:
    rates = np.nan_to_num(trajectory.learning_rates[:-1])
    times = rate * np.concatenate([np.zeros((1, rates.shape[1])), np.cumsum(rates, axis=0)])
    if isinstance(trajectory, NetworkTrajectory):
        steps = trajectory.training.kept
        weights = trajectory.training.weights[:, None].astype(np.float64)
        return _Recorded(steps, weights, times[steps], np.full_like(times[steps], np.nan))
    return _Recorded(np.arange(len(times)), trajectory.points, times, np.full_like(times, np.nan))


def _at_each_step(figures: FloatArray, steps: IntArray) -> FloatArray:
    """Interpolate figures (k, paths) at ascending steps (k,) linearly: (steps + 1, paths)."""
    rows = np.arange(steps[-1] + 1)
    if len(rows) == len(steps):
        return figures  # interpolation would spread NaN
    return np.stack([np.interp(rows, steps, column) for column in figures.T], axis=-1)


def _reason(ends: Sequence[tuple[FloatArray, str]], objective: Objective) -> str:
    """Return why flows end early, such as "from (1, 2): it runs away"."""
    if not ends:
        return ""
    (first, reason), *others = ends
    if objective.kind == "network":
        return f"because {reason}"
    more = f" and {len(others)} others" if others else ""
    return f"from ({', '.join(f'{each:g}' for each in first)}){more}: {reason}"


def _follow(system: _System, start: FloatArray, times: FloatArray) -> _Solution:
    """Integrate the flow from a start (n,) over some ascending times, of which the first one is 0."""
    at, line, known, reason = np.full((len(times), len(start)), np.nan), [system.shown(start)], 1, ""
    at[0] = start
    try:
        for solver in _steps(system, start, float(times[-1])):
            interpolate, due = solver.dense_output(), int(np.searchsorted(times, solver.t, side="right"))
            at[known:due] = interpolate(times[known:due]).T
            known = max(known, due)
            line += map(system.shown, interpolate(np.linspace(solver.t_old, solver.t, INNER + 1)[1:]).T)
            last = solver.y
        at[known:] = last  # at rest
    except _Ended as ended:
        reason = str(ended)
    return _Solution(np.array(line), at, system.evaluations, reason)


def _steps(system: _System, start: FloatArray, end: float) -> Iterator[Any]:
    """Yield the solver after each of its steps from a start (n,) until a time, or until the point hardly moves."""
    from scipy import integrate

    time, point = 0.0, start
    for name, limit, precision in system.methods:
        options: dict[str, Any] = {"rtol": precision, "atol": 0.01 * precision * system.size}
        if name == "Radau" and (hessian := system.hessian):
            options["jac"] = lambda _, point: -hessian(point)
        solver = getattr(integrate, name)(system.slope, time, point, end, **options)
        while solver.status == "running" and system.evaluations < limit:
            pause()
            message = solver.step()
            if solver.status == "failed":
                raise _Ended(message.removesuffix("."))
            if system.far is not None and not inside(solver.y, system.far):
                raise _Ended("it runs away")
            steepness = system.steepness  # before the solver evaluates more to interpolate
            yield solver
            if solver.status == "finished" or steepness * (end - solver.t) <= AT_REST * system.size:
                return
        time, point = solver.t, solver.y
    raise _Ended(f"it takes more than {limit:,} gradient evaluations")
