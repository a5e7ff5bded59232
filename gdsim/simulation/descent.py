"""Descents on a function: all optimizers and starts share one forward and one backward pass per step.

A batching mode may only be used if every start gets the same numbers, bit for bit, as in a run of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor

from gdsim.errors import InputError
from gdsim.interrupts import pause
from gdsim.networks import MAX_RECORDING_BYTES
from gdsim.objectives import FloatArray, Objective, inside
from gdsim.optimizers import AnyOptimizer, BatchingMode, OptimizerFactory, RNGState, rng
from gdsim.simulation.stability import stability_limit
from gdsim.simulation.state import StateRecord, effective_rates
from gdsim.simulation.stepper import Stepper, Stream, adjusted, noise_of
from gdsim.simulation.trajectory import IntArray, Progress, Stop, Trajectory

CHECK_EVERY = 64  # steps between two checks whether any value is still finite
PROBE_STEPS = 60  # steps of the test that chooses a batching mode
FAR = 1000  # a start diverges at this distance from the view, in multiples of its size

Observer = Callable[[Tensor], None]
"""Called after each step with the points of all paths so far, (steps so far + 1, optimizers · starts, dim)."""


def ignore(points: Tensor) -> None:
    """Do nothing, as an observer."""


def descend_together(
    objective: Objective,
    factories: Sequence[OptimizerFactory],
    points: FloatArray,
    steps: int,
    seed: int,
    progress: Progress = iter,
    runs: int | None = None,
    *,
    records_state: bool = False,
    observe: Observer = ignore,
) -> tuple[Trajectory, ...]:
    """Run each optimizer from all points (starts, dim), and return one trajectory per optimizer.

    With `runs`, each trajectory is an ensemble: it has as many paths from each start, which differ in their seeds,
    `seed`, `seed + 1`, and so on. The trajectories can differ from what was observed: where a start has failed, and
    where a batching mode turns out to be inexact.
    """
    streams = [(seed + run, number) for run in range(runs or 1) for number in range(len(points))]
    points = np.tile(points, (runs or 1, 1))
    count, dim = points.shape
    record = Record.empty(steps, len(factories) * count, dim)
    parts = [record.part(slice(first, first + count)) for first in range(0, len(factories) * count, count)]
    recorded = steps if records_state else 0
    tasks = [Task(factory, objective, points, streams, recorded) for factory in factories]
    before = None if all(factory.is_builtin for factory in factories) else RNGState.current()
    batches = [Batch(task, choose_mode(task, steps)) for task in tasks]
    _run(batches, record, progress, observe)
    random_used = before is not None and not before.unchanged()
    batches = [_verified(batch, part, random_used=random_used) for batch, part in zip(batches, parts, strict=True)]
    made = [_trajectory(batch, part) for batch, part in zip(batches, parts, strict=True)]
    return tuple(replace(each, is_ensemble=runs is not None) for each in made)


@dataclass(frozen=True, eq=False)
class Task:
    """An optimizer and the starting points that it runs from.

    Attributes:
        points: (starts, dim) the starts.
        streams: (starts,) what the random numbers of each start depend on, besides the label.
        recorded_steps: The number of updates whose state is recorded; 0 for none.
    """

    factory: OptimizerFactory
    objective: Objective
    points: FloatArray
    streams: Sequence[Stream]
    recorded_steps: int = 0

    def subset(self, indices: Sequence[int]) -> Task:
        """Return the same task for some of the starts, without recording the state."""
        streams = [self.streams[index] for index in indices]
        return replace(self, points=self.points[indices], streams=streams, recorded_steps=0)

    def random_states(self) -> list[RNGState]:
        """Return the initial state of the global random number generators for each start."""
        generators = [rng(f"torch {self.factory.label}", *stream) for stream in self.streams]
        return [RNGState.seeded(int(each.integers(2**63))) for each in generators]


class Batch:
    """The state of one optimizer for all its starts, in one batching mode; not a mini-batch of data."""

    def __init__(self, task: Task, mode: BatchingMode, device: str = "cpu") -> None:
        self.task, self.mode = task, mode
        factory, rows = task.factory, torch.from_numpy(task.points).to(device)
        blocks = [rows.reshape(-1)] if mode is BatchingMode.FLAT else list(factory.reshape(rows))
        self._parameters: list[Tensor] = [torch.nn.Parameter(block.clone()) for block in blocks]
        self._random_states = task.random_states() if factory.is_random else None
        groups = [[each] for each in self._parameters] if mode is BatchingMode.SEPARATE else [self._parameters]
        self._steppers = [self._stepper(start, own) for start, own in enumerate(groups)]
        self._noise = noise_of(factory, task.streams, task.objective.dim)
        self._alive = torch.ones(len(task.points), dtype=torch.bool, device=device)
        self._recorded: list[list[tuple[float, int]]] = []
        self._state = StateRecord(task.recorded_steps + 1, len(task.points), task.objective.dim)

    def _stepper(self, start: int, parameters: list[Tensor]) -> Stepper:
        f, first = self.task.objective.f, parameters[0]
        with self._generators_of(start):
            # The loss is evaluated only in the mode SEPARATE, where a stepper has a single parameter.
            return Stepper(self.task.factory, parameters, lambda: f(first.reshape(-1)))

    @contextmanager
    def _generators_of(self, start: int) -> Iterator[None]:
        """Use the random state of this start if the optimizer draws random numbers."""
        if self._random_states is None:
            yield
            return
        with RNGState.preserved():
            self._random_states[start].restore()
            yield
            self._random_states[start] = RNGState.current()

    def points(self) -> Tensor:
        """Return the current points (starts, dim)."""
        if self.mode is BatchingMode.FLAT:
            return self._parameters[0].detach().view(-1, self.task.objective.dim)
        return torch.stack([parameter.detach().view(-1) for parameter in self._parameters])

    def state(self) -> list[tuple[float, int]]:
        """Return the learning rate of the next update and the number of extra evaluations so far, of each stepper."""
        return [(stepper.learning_rate, stepper.extra_evaluations) for stepper in self._steppers]

    def record(self) -> None:
        """Record the current state."""
        self._recorded.append(self.state())

    def recorded(self, rows: int) -> tuple[FloatArray, IntArray]:
        """Return the recorded learning rates and evaluations (rows, starts), continued with the last ones."""
        shape = (rows, len(self.task.points))
        known = np.minimum(np.arange(rows), len(self._recorded) - 1)
        rates, extra = np.moveaxis(np.array(self._recorded)[known], -1, 0)
        evaluations = known[:, np.newaxis] + 1 + extra.astype(np.int64)
        return np.broadcast_to(rates, shape), np.broadcast_to(evaluations, shape)

    def record_state(self, row: int) -> None:
        """Record what the optimizers hold after an update, if the task asks for it."""
        for index, stepper in enumerate(self._steppers if self.task.recorded_steps else ()):
            for start, (parameter, state) in enumerate(stepper.states(), index):
                starts = slice(None) if self.mode is BatchingMode.FLAT else slice(start, start + 1)
                self._state.add(row, starts, parameter, state)

    def recorded_state(self, rates: FloatArray, last_updates: IntArray) -> dict[str, FloatArray]:
        """Return the recorded state, and the effective rates that follow from it, see `Trajectory.state`.

        Args:
            rates: (rows, starts) the learning rates.
            last_updates: (starts,) the last update of each start; later rows are NaN.
        """
        if not self.task.recorded_steps:
            return {}
        held, stepper, shape = self._state.arrays, self._steppers[0], (*rates.shape, self.task.objective.dim)
        derived = effective_rates(self.task.factory.class_, stepper.group, rates, held)
        state = {**held, **{name: np.broadcast_to(each, shape) for name, each in derived.items()}}
        late = np.arange(len(rates))[:, np.newaxis] > last_updates
        return {
            name: np.where(late.reshape(*late.shape, *[1] * (each.ndim - 2)), np.nan, each)
            for name, each in state.items()
        }

    def step(self, values: Tensor, gradients: Tensor) -> None:
        """Take one step for all starts.

        Args:
            values: (starts,) the objective at the current points.
            gradients: (starts, dim) its gradient there; it may be overwritten.
        """
        factory, noise = self.task.factory, next(self._noise)
        if not factory.needs_graph:
            self._set_gradients(adjusted(factory.gradient, gradients, noise))
        if self.mode is not BatchingMode.SEPARATE:
            self._update(0, values, None)  # in these modes neither a closure nor a schedule uses the values
            return
        # Some optimizers fail on values that are not finite, and later steps of such a start are not needed.
        self._alive &= values.isfinite() & gradients.isfinite().all(1)
        for start in self._alive.nonzero().flatten().tolist():
            pause()
            own_noise = None if noise is None else [noise[start].view_as(self._parameters[start])]
            if factory.needs_graph:
                self._steppers[start].evaluate()
                self._steppers[start].adjust_gradients(own_noise)
            with self._generators_of(start):
                self._update(start, values[start], own_noise)

    def _update(self, index: int, value: Tensor, noise: list[Tensor] | None) -> None:
        stepper = self._steppers[index]
        if not stepper.step(value, noise):
            # For example, a line search found no finite value. This start ends; the others continue.
            for parameter in stepper.parameters:
                parameter.detach().fill_(torch.nan)

    def _set_gradients(self, gradients: Tensor) -> None:
        factory = self.task.factory
        if self.mode is BatchingMode.FLAT:
            self._parameters[0].grad = factory.to_layout(gradients.reshape(-1))
            return
        for parameter, block in zip(self._parameters, factory.reshape(gradients), strict=True):
            parameter.grad = factory.to_layout(block)


@dataclass(frozen=True, eq=False)
class Record:
    """Points, values and gradients of several paths at each step.

    Attributes:
        points: (steps + 1, paths, dim).
        values: (steps + 1, paths).
        gradients: (steps + 1, paths, dim).
    """

    points: Tensor
    values: Tensor
    gradients: Tensor

    @classmethod
    def empty(cls, steps: int, paths: int, dim: int) -> Record:
        """Allocate a record, or raise an `InputError` if it would exceed the memory limit."""
        size = (steps + 1) * paths * (2 * dim + 3) * 8
        if size > MAX_RECORDING_BYTES:
            sentence = f"{steps} steps of {paths} paths would take {size / 2**30:.3g} GiB to record"
            limit = f"at most {MAX_RECORDING_BYTES / 2**30:g} are allowed"
            raise InputError(f"{sentence}; {limit}", ("steps",), code="too-large")
        shapes = ((steps + 1, paths, dim), (steps + 1, paths), (steps + 1, paths, dim))
        return cls(*(torch.empty(shape, dtype=torch.float64) for shape in shapes))

    def part(self, paths: slice | list[int]) -> Record:
        """Return some of the paths: a view for a slice, a copy for a list."""
        return Record(self.points[:, paths], self.values[:, paths], self.gradients[:, paths])


def _run(batches: Sequence[Batch], record: Record, progress: Progress = iter, observe: Observer = ignore) -> None:
    """Run all batches together, with one forward and one backward pass per step."""
    objective = batches[0].task.objective
    counts = [len(batch.task.points) for batch in batches]
    last = len(record.points) - 1
    for step in progress(range(last + 1)):
        pause()
        points = torch.cat([batch.points() for batch in batches], out=record.points[step])
        values, gradients = evaluate(objective, points)
        record.values[step], record.gradients[step] = values, gradients
        observe(record.points[: step + 1])
        for batch in batches:
            batch.record()
        if step % CHECK_EVERY == CHECK_EVERY - 1 and not values.isfinite().any():
            for array in (record.points, record.values, record.gradients):
                array[step + 1 :] = torch.nan
            break
        if step < last:
            own_values = torch.split_with_sizes(values, counts)
            own_gradients = torch.split_with_sizes(gradients, counts)
            for index, batch in enumerate(batches):
                batch.step(own_values[index], own_gradients[index])
                batch.record_state(step)


def evaluate(objective: Objective, points: Tensor) -> tuple[Tensor, Tensor]:
    """Return the values (paths,) and gradients (paths, dim) at points (paths, dim)."""
    with torch.enable_grad():
        inputs = points.detach().requires_grad_()
        values = objective.f(inputs)
        # Not of the mean, which would be divided by the number of paths, and rounded; and not with `grad_outputs`, for
        # which torch imports sympy.
        (gradients,) = torch.autograd.grad(values.sum(), inputs)
    return values.detach(), gradients


def choose_mode(task: Task, steps: int) -> BatchingMode:
    """Return the cheapest mode that is known to be exact or, for other classes, that is exact in a short test.

    A class that passes this test on a few starts and steps may still differ later: see `_verified`. The state of other
    classes is recorded from an instance per start, because the test does not compare it.
    """
    modes = task.factory.batching_modes
    count = len(task.points)
    if task.recorded_steps:
        return modes[-1]
    if len(modes) == 1 or count == 1:
        return modes[0]
    few = task.subset(sorted({0, count // 2, count - 1}))
    record = Record.empty(min(steps, PROBE_STEPS), len(few.points), few.objective.dim)
    _run([Batch(few, BatchingMode.SEPARATE)], record)
    return next((mode for mode in modes[:-1] if _reproduces(few, mode, record)), modes[-1])


def _verified(batch: Batch, record: Record, *, random_used: bool) -> Batch:
    """Check one start of a batch at full length; if it differs, run again in the next mode into the same record.

    If random numbers were used, a class that is not built in runs again with separate ones for each start: some classes
    draw them for the first time after many steps, which the short test of `choose_mode` does not show.
    """
    factory, modes = batch.task.factory, batch.task.factory.batching_modes
    if random_used and not factory.is_builtin and not factory.is_random:
        again = Batch(replace(batch.task, factory=replace(factory, is_random=True)), BatchingMode.SEPARATE)
    elif len(batch.task.points) == 1 or batch.mode is modes[-1]:
        return batch
    else:
        longest = int(record.values.isfinite().sum(0).argmax())
        if _reproduces(batch.task.subset([longest]), BatchingMode.SEPARATE, record.part([longest])):
            return batch
        again = Batch(batch.task, modes[modes.index(batch.mode) + 1])
    _run([again], record)
    return _verified(again, record, random_used=random_used)


def _reproduces(task: Task, mode: BatchingMode, record: Record) -> bool:
    """Return whether a mode reproduces the recorded points from the recorded gradients, bit for bit."""
    alive = torch.ones(len(task.points), dtype=torch.bool)
    try:
        batch = Batch(task, mode)
        for values, gradients, expected in zip(record.values, record.gradients, record.points[1:], strict=False):
            pause()
            alive &= values.isfinite() & gradients.isfinite().all(1)
            batch.step(values, gradients.clone())
            if not torch.equal(batch.points()[alive], expected[alive]):
                return False
    except InputError:
        return False
    return True


def _trajectory(batch: Batch, record: Record) -> Trajectory:
    task, factory = batch.task, batch.task.factory
    points, values, gradients = record.points.numpy(), record.values.numpy(), record.gradients.numpy()
    rates, evaluations = batch.recorded(len(points))
    rests = resting(points, rates)
    made = make_trajectory(factory, task.objective, points, values, gradients, rates, evaluations, rests)
    last_updates = np.where([stop.failed for stop in made.stops], made.stop_steps, len(points) - 2)
    return replace(
        made,
        state=batch.recorded_state(made.learning_rates, last_updates),
        stability=stability_limit(factory.torch_name, factory.built_class.settings, factory.schedule),
    )


def make_trajectory(
    optimizer: AnyOptimizer,
    objective: Objective,
    points: FloatArray,
    values: FloatArray,
    gradients: FloatArray,
    rates: FloatArray,
    evaluations: IntArray,
    rests: Iterable[tuple[int, int]],
    counts: Mapping[str, IntArray] = MappingProxyType({}),
) -> Trajectory:
    """Return a trajectory, in which the last finite row of a failed start overwrites all later rows.

    The arrays are those of `Trajectory`; `rests` has each start that has come to rest, with its step, see `resting`.
    """
    stop_steps, stops = _find_stops(objective, points, values, gradients, rests)
    if failed := [start for start, stop in enumerate(stops) if stop.failed]:
        rates, evaluations = rates.copy(), evaluations.copy()  # all starts may share their columns
    for start in failed:
        for array in (points, values, gradients, rates, evaluations, *counts.values()):
            array[stop_steps[start] + 1 :, start] = array[stop_steps[start], start]
    return Trajectory(
        label=optimizer.label,
        settings=optimizer.text,
        objective=objective,
        color=optimizer.color,
        points=points,
        values=values,
        gradients=gradients,
        learning_rates=rates,
        evaluations=evaluations,
        stop_steps=stop_steps,
        stops=tuple(stops),
        counts=counts,
    )


def _find_stops(
    objective: Objective,
    points: FloatArray,
    values: FloatArray,
    gradients: FloatArray,
    rests: Iterable[tuple[int, int]],
) -> tuple[IntArray, list[Stop]]:
    """Return the last step and the outcome of each start, (starts,)."""
    last, count = len(points) - 1, points.shape[1]
    stop_steps, stops = np.full(count, last, dtype=np.int64), [Stop.RAN] * count
    for start, bad, near in _failures(points, values, gradients, objective.bounds):
        # An optimizer with a closure may leave the domain within a step, and then ends at a point that is not finite.
        left = objective.is_measured and not inside(points[bad, start], objective.domain)
        undefined = near and np.isnan(values[bad, start])
        stop_steps[start] = max(bad - 1, 0)
        stops[start] = Stop.LEFT if left else Stop.UNDEFINED if undefined else Stop.DIVERGED
    for start, first in rests:
        if stops[start] is Stop.RAN:
            stop_steps[start], stops[start] = first, Stop.CONVERGED
    return stop_steps, stops


def _failures(
    points: FloatArray, values: FloatArray, gradients: FloatArray, bounds: FloatArray
) -> Iterator[tuple[int, int, bool]]:
    """Yield each start with a row that is not finite or too far away, this row, and whether its point is near."""
    with np.errstate(over="ignore", invalid="ignore"):
        low, high = far_bounds(bounds, points[0])
        # A sum is finite only if all its terms are: sums select the starts that must be checked row by row.
        finite = np.isfinite(values.sum(0)) & np.isfinite(gradients.sum(0)).all(-1)
        near = ((points.min(0) >= low) & (points.max(0) <= high)).all(-1)
    for start in np.flatnonzero(~(finite & near)).tolist():
        within = (points[:, start] >= low[start]) & (points[:, start] <= high[start])
        good = (within & np.isfinite(gradients[:, start])).all(-1) & np.isfinite(values[:, start])
        if not good.all():
            row = int(good.argmin())
            yield start, row, bool(within[row].all())


def far_bounds(bounds: FloatArray, starts: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the low and high ends (starts, dim) beyond which a path from each start (starts, dim) has diverged."""
    # The view is extended for each start separately, so that no start affects the outcome of another.
    low, high = np.minimum(bounds[:, 0], starts), np.maximum(bounds[:, 1], starts)
    return low - FAR * (high - low), high + FAR * (high - low)


def resting(points: FloatArray, rates: FloatArray) -> Iterator[tuple[int, int]]:
    """Yield each start that does not move at the end, with the first row of its final point.

    Starts that do not move only because their learning rate is 0 are not included.
    """
    bits = points.view(np.int64)
    for start in np.flatnonzero((bits[-2:] == bits[-1]).all((0, -1))).tolist():
        moved = (bits[1:, start] != bits[:-1, start]).any(-1)
        first = len(moved) - int(moved[::-1].argmax()) if moved.any() else 0
        if rates[first:-1, start].any():
            yield start, first
