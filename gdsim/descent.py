"""An objective, optimizers and starts in; what `torch.optim` does with them, bit for bit, out.

All optimizers and starts share one forward and one backward pass a step. Each optimizer then takes its step in the
cheapest arrangement that gives every start the numbers that it would have alone.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau

from gdsim.errors import ConfigError, InputError
from gdsim.objectives import FloatArray, Objective
from gdsim.optimizers import Arrangement, Method, method
from gdsim.trajectory import SIZE_LIMIT, Stop, Trajectory

if TYPE_CHECKING:
    from gdsim.config import Experiment, Start

__all__ = ["check", "descend", "simulate", "starts"]

Track = Callable[[Iterable[int]], Iterable[int]]

FAR = 1000
"""A start that is further from the view than so many times the view's size has diverged."""

PROBE_STEPS = 60
PROBE_STARTS = 3
BLOCK = 64
"""Noise is drawn, and the death of all starts is noticed, every so many steps."""


def descend(
    objective: Objective,
    optimizer: str | type[Optimizer],
    *,
    start: npt.ArrayLike,
    steps: int,
    seed: int = 0,
    label: str | None = None,
    schedule: Mapping[str, Any] | None = None,
    noise: float = 0.0,
    clip_norm: float | None = None,
    track: Track = iter,
    **settings: Any,
) -> Trajectory:
    """Descend an objective with one optimizer.

    Args:
        objective: What to descend.
        optimizer: A class of optimizers: itself, its name in `torch.optim`, or its dotted name in an installed package.
        start: (dim,) one starting point, or (starts, dim).
        steps: How many updates to take.
        seed: Makes the noise.
        label: What to call the optimizer; its class by default. The noise depends on it.
        schedule: `{"class": …, …}` with the arguments of a class of `torch.optim.lr_scheduler`.
        noise: Standard deviation of Gaussian noise on each component of the gradient that the optimizer is given.
        clip_norm: The gradient that the optimizer is given, noise included, is scaled down to this norm where it is
            longer, as `torch.nn.utils.clip_grad_norm_` does.
        track: Wraps the iterable of steps, as `tqdm.tqdm` does.
        settings: The arguments of the optimizer.

    Raises:
        InputError: A class, an argument or a start is at fault.
    """
    if label is None:
        label = optimizer.rpartition(".")[2] if isinstance(optimizer, str) else optimizer.__name__
    with _quiet_single_thread():
        chosen = method(
            label,
            optimizer,
            settings,
            schedule=schedule,
            noise=noise,
            clip_norm=clip_norm,
            dim=objective.dim,
        )
        (trajectory,) = _descend(objective, [chosen], [None], _given(start, objective), steps, seed, track)
    return trajectory


def simulate(experiment: Experiment, *, track: Track = iter) -> tuple[Trajectory, ...]:
    """Descend with all optimizers of an experiment from all its starts.

    Args:
        experiment: What to simulate.
        track: Wraps the iterable of steps, as `tqdm.tqdm` does.

    Returns:
        One trajectory an optimizer, in the experiment's order. None depends on which others there are.

    Raises:
        ConfigError: A class, an argument or a start is at fault.
    """
    with _quiet_single_thread():
        objective, points, methods = _prepared(experiment)
        colors = [spec.color for spec in experiment.optimizers.values()]
        with _located(experiment):
            return _descend(objective, methods, colors, points, experiment.steps, experiment.seed, track)


def check(experiment: Experiment) -> None:
    """Raise what `simulate` would before its first step, and do no more.

    Raises:
        ConfigError: A class, an argument or a start is at fault.
    """
    with _quiet_single_thread():
        _prepared(experiment)


def starts(start: Start | None, objective: Objective, seed: int = 0) -> FloatArray:
    """Return the starting points (starts, dim) that a configuration means.

    A grid is evenly spaced over the view, half a cell off its border, the last coordinate varying fastest. Random
    starts are uniform over the view; the first ones do not depend on how many there are.

    Args:
        start: The points, the grid or the number of random points; None for the objective's own.
        objective: What is descended from there.
        seed: Makes the random points.

    Raises:
        InputError: The starts do not fit the objective.
    """
    low, size = objective.bounds[:, 0], np.diff(objective.bounds)[:, 0]
    if start is None:
        return objective.start[np.newaxis].copy()
    if start.points is not None:
        return _given(start.points, objective)
    if start.random is not None:
        uniform = _stream("starts", seed, 0).random((start.random, objective.dim))
        return np.asarray(low + size * uniform)
    cells = start.grid or []
    if len(cells) != objective.dim:
        raise InputError(
            f"grid needs {objective.dim} numbers, one a dimension of {objective.title}", ("start", "grid")
        )
    inset = [(np.arange(count) + 0.5) / count for count in cells]
    return np.asarray(
        low + size * np.stack(np.meshgrid(*inset, indexing="ij"), -1).reshape(-1, objective.dim)
    )


def _given(points: npt.ArrayLike, objective: Objective) -> FloatArray:
    """Return starting points as (starts, dim)."""
    wanted = f"a start needs {objective.dim} finite numbers, the coordinates of a point of {objective.title}"
    try:
        array = np.atleast_2d(np.array(points, dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise InputError(wanted, ("start",)) from error
    if array.ndim != 2 or array.shape[1] != objective.dim or not array.size or not np.isfinite(array).all():
        raise InputError(wanted, ("start",))
    return array


def _prepared(experiment: Experiment) -> tuple[Objective, FloatArray, list[Method]]:
    """Return what an experiment descends, from where and how; raise all its mistakes at once."""
    problems: list[str] = []
    with _located(experiment):
        objective = experiment.objective.build()
        points = starts(experiment.start, objective, experiment.seed)
    methods = []
    for label, spec in experiment.optimizers.items():
        try:
            methods.append(
                method(
                    label,
                    spec.class_name,
                    spec.settings,
                    schedule=spec.schedule,
                    noise=spec.noise,
                    clip_norm=spec.clip_norm,
                    dim=objective.dim,
                )
            )
        except InputError as error:
            problems += experiment.locate(error).problems
    if problems:
        raise ConfigError(problems)
    return objective, points, methods


@contextmanager
def _located(experiment: Experiment) -> Iterator[None]:
    try:
        yield
    except ConfigError:
        raise
    except InputError as error:
        raise experiment.locate(error) from error


@contextmanager
def _quiet_single_thread() -> Iterator[None]:
    """Let torch use one thread, the fastest for small work, and keep its warnings and its random numbers to itself."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.set_num_threads(threads)


@dataclass(frozen=True, eq=False)
class _Record:
    """What is recorded of several starts at each step: points, values and gradients, as tensors."""

    points: Tensor
    values: Tensor
    gradients: Tensor

    @classmethod
    def empty(cls, steps: int, count: int, dim: int) -> _Record:
        size = (steps + 1) * count * (2 * dim + 3) * 8
        if steps < 0:
            raise InputError(f"steps must be a number from 0, not {steps}", ("steps",))
        if size > SIZE_LIMIT:
            sentence = f"{steps} steps of {count} paths would take {size / 2**30:.3g} GiB to record"
            raise InputError(f"{sentence}; at most {SIZE_LIMIT // 2**30} are allowed", ("steps",))
        shapes = ((steps + 1, count, dim), (steps + 1, count), (steps + 1, count, dim))
        return cls(*(torch.empty(shape, dtype=torch.float64) for shape in shapes))

    def part(self, paths: slice | list[int]) -> _Record:
        return _Record(self.points[:, paths], self.values[:, paths], self.gradients[:, paths])


@dataclass(frozen=True, eq=False)
class _Course:
    """What one optimizer has before it: the method, the objective, and the starts with their numbers."""

    method: Method
    objective: Objective
    points: FloatArray
    seed: int
    numbers: Sequence[int]

    def only(self, few: Sequence[int]) -> _Course:
        """Return the same for a few of the starts."""
        return replace(self, points=self.points[few], numbers=[self.numbers[start] for start in few])

    def streams(self, purpose: str) -> Iterator[np.random.Generator]:
        """Return random numbers for each start, which depend on nothing but seed, label and the start's number."""
        return (_stream(f"{purpose} {self.method.label}", self.seed, number) for number in self.numbers)

    def noise(self) -> Iterator[Tensor]:
        """Yield the noise (starts, dim) on the gradients of each step, without end."""
        streams = list(self.streams("noise"))
        while True:
            normal = [stream.standard_normal((BLOCK, self.objective.dim)) for stream in streams]
            yield from torch.from_numpy(self.method.noise * np.stack(normal, axis=1))


def _stream(purpose: str, seed: int, number: int) -> np.random.Generator:
    digest = hashlib.blake2b(f"{seed} {purpose}".encode(), digest_size=8).digest()
    key = np.array([int.from_bytes(digest), number], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key))


class _Walk:
    """One optimizer under way from all its starts, in one arrangement."""

    def __init__(self, course: _Course, arrangement: Arrangement) -> None:
        self.course, self.arrangement = course, arrangement
        self._method, self._dim = course.method, course.objective.dim
        rows = torch.from_numpy(course.points)
        blocks = [rows.reshape(-1)] if arrangement is Arrangement.FLAT else self._method.shaped(rows)
        self._parameters = [block.clone().requires_grad_() for block in blocks]
        each = arrangement is Arrangement.EACH
        groups = [[parameter] for parameter in self._parameters] if each else [self._parameters]
        self._optimizers = [self._method.optimizer(group) for group in groups]
        self._schedulers = [self._method.scheduler(optimizer) for optimizer in self._optimizers]
        self._noise = course.noise() if self._method.noise else None
        self._alive = torch.ones(len(rows), dtype=torch.bool)
        self._trials = np.zeros(len(rows), dtype=np.int64)
        self._rates: list[list[float]] = []
        self._asked: list[npt.NDArray[np.int64]] = []

    def points(self) -> Tensor:
        """Return where the starts have come to, (starts, dim)."""
        if self.arrangement is Arrangement.FLAT:
            return self._parameters[0].detach().view(-1, self._dim)
        return torch.stack([parameter.detach().view(-1) for parameter in self._parameters])

    def jot(self) -> None:
        """Note the rate of the next update, and how many gradients the class has asked for by itself."""
        self._rates.append([optimizer.param_groups[0].get("lr", np.nan) for optimizer in self._optimizers])
        if self._method.wants_closure:
            self._asked.append(self._trials.copy())

    def jotted(self, rows: int) -> tuple[FloatArray, npt.NDArray[np.int64]]:
        """Return the learning rates and the evaluations, (rows, starts) each; the last repeats where rows lack."""
        shape = (rows, len(self.course.points))
        noted = np.minimum(np.arange(rows), len(self._rates) - 1)
        rates = np.array(self._rates, dtype=np.float64)[noted]
        evaluations = noted[:, np.newaxis] + 1
        if self._asked:
            evaluations = evaluations + np.array(self._asked)[noted]
        return np.broadcast_to(rates, shape), np.broadcast_to(evaluations, shape)

    def step(self, values: Tensor, gradients: Tensor) -> None:
        """Take a step from the present points, where the objective has these values and gradients."""
        noise = None if self._noise is None else next(self._noise)
        self._grade(self._disturbed(gradients, noise))
        with self._method.refusals("cannot take a step"):
            if self.arrangement is not Arrangement.EACH:
                self._optimizers[0].step()
                self._reschedule(0, None)
                return
            # Nothing comes after a start's first row that is not finite, and some classes fail there.
            self._alive &= values.isfinite() & gradients.isfinite().all(1)
            for index in self._alive.nonzero().flatten().tolist():
                if self._method.wants_closure:
                    self._optimizers[index].step(self._closure(index, values[index], noise))
                else:
                    self._optimizers[index].step()
                self._reschedule(index, values[index])

    def _grade(self, gradients: Tensor) -> None:
        """Hand the gradients to the parameters, in the shape and layout that the class takes."""
        graded = self._method.graded
        if self.arrangement is Arrangement.FLAT:
            self._parameters[0].grad = graded(gradients.reshape(-1))
        else:
            for parameter, gradient in zip(self._parameters, self._method.shaped(gradients), strict=True):
                parameter.grad = graded(gradient)

    def _disturbed(self, gradients: Tensor, noise: Tensor | None) -> Tensor:
        """Return the gradients (starts, dim) that the class is given."""
        if noise is not None:
            gradients = gradients + noise
        if self._method.clip_norm is not None:
            # clip_grad_norm_ takes the norm of the norms of all tensors, here of a single one.
            norms = torch.linalg.vector_norm(torch.linalg.vector_norm(gradients, dim=1)[:, None], dim=1)
            gradients = gradients * (self._method.clip_norm / (norms + 1e-6)).clamp(max=1.0)[:, None]
        return gradients

    def _closure(self, index: int, value: Tensor, noise: Tensor | None) -> Callable[[], float]:
        """Return what evaluates the objective where one start's parameter is, and hands it the gradient.

        The first call commonly comes before any move: its evaluation is the one that is recorded. The noise is the
        same throughout a step, as it is when a closure evaluates one and the same mini-batch.
        """
        parameter = self._parameters[index]
        recorded = parameter.detach().clone()
        calls = 0

        def closure() -> float:
            nonlocal calls
            calls += 1
            if calls == 1 and torch.equal(parameter, recorded):
                return value  # type: ignore[return-value]
            found, gradient = _evaluate(self.course.objective.f, parameter.detach().reshape(self._dim))
            own_noise = None if noise is None else noise[index : index + 1]
            disturbed = self._disturbed(gradient.reshape(1, self._dim), own_noise)
            parameter.grad = self._method.graded(disturbed.reshape(parameter.shape))
            self._trials[index] += 1
            return found  # type: ignore[return-value]

        return closure

    def _reschedule(self, index: int, value: Tensor | None) -> None:
        scheduler = self._schedulers[index]
        if isinstance(scheduler, ReduceLROnPlateau):
            scheduler.step(value)  # type: ignore[arg-type]
        elif scheduler is not None:
            scheduler.step()


def _evaluate(f: Callable[[Tensor], Tensor], points: Tensor) -> tuple[Tensor, Tensor]:
    """Return values and gradients at points (…, dim), in one forward and one backward pass."""
    with torch.enable_grad():
        inputs = points.detach().requires_grad_()
        values = f(inputs)
        # Each value with the weight 1: a mean would divide, and round, the gradients.
        (gradients,) = torch.autograd.grad(values, inputs, torch.ones_like(values))
    return values.detach(), gradients


def _descend(
    objective: Objective,
    methods: Sequence[Method],
    colors: Sequence[str | None],
    points: FloatArray,
    steps: int,
    seed: int,
    track: Track,
) -> tuple[Trajectory, ...]:
    """Descend with all methods from all points together."""
    count, dim = points.shape
    record = _Record.empty(steps, len(methods) * count, dim)
    parts = [record.part(slice(first, first + count)) for first in range(0, len(methods) * count, count)]
    courses = [_Course(each, objective, points, seed, range(count)) for each in methods]
    walks = [_Walk(course, _arrangement(course, steps)) for course in courses]
    _walk_on(walks, record, track)
    walks = [_confirmed(walk, part) for walk, part in zip(walks, parts, strict=True)]
    return tuple(
        _trajectory(walk, color, part) for walk, color, part in zip(walks, colors, parts, strict=True)
    )


def _walk_on(walks: Sequence[_Walk], record: _Record, track: Track) -> None:
    """Take every step of all walks together, and record where each was taken."""
    f = walks[0].course.objective.f
    counts = [len(walk.course.points) for walk in walks]
    last = len(record.points) - 1
    for step in track(range(last + 1)):
        points = torch.cat([walk.points() for walk in walks], out=record.points[step])
        values, gradients = _evaluate(f, points)
        record.values[step], record.gradients[step] = values, gradients
        for walk in walks:
            walk.jot()
        if step % BLOCK == BLOCK - 1 and not values.isfinite().any():
            for rest in (record.points, record.values, record.gradients):
                rest[step + 1 :] = torch.nan
            break
        if step < last:
            shares = zip(walks, values.split(counts), gradients.split(counts), strict=True)
            for walk, own_values, own_gradients in shares:
                walk.step(own_values, own_gradients)


def _arrangement(course: _Course, steps: int) -> Arrangement:
    """Return a method's arrangement: for a class that is not known, the cheapest that passes a probe."""
    choices = course.method.arrangements
    count = len(course.points)
    if len(choices) == 1 or count == 1:
        return choices[0]
    few = course.only(sorted({0, count // 2, count - 1}))
    record = _Record.empty(min(steps, PROBE_STEPS), len(few.points), few.objective.dim)
    _walk_on([_Walk(few, Arrangement.EACH)], record, iter)
    return next((choice for choice in choices[:-1] if _agrees(few, choice, record)), choices[-1])


def _confirmed(walk: _Walk, record: _Record) -> _Walk:
    """Check a probed arrangement on one start at full length; where it fails, walk again in the next one."""
    choices = walk.course.method.arrangements
    count = len(walk.course.points)
    if len(choices) == 1 or count == 1 or walk.arrangement is choices[-1]:
        return walk
    longest = int(record.values.isfinite().sum(0).argmax())
    if _agrees(walk.course.only([longest]), Arrangement.EACH, record.part([longest])):
        return walk
    again = _Walk(walk.course, choices[choices.index(walk.arrangement) + 1])
    _walk_on([again], record, iter)
    return _confirmed(again, record)


def _agrees(course: _Course, arrangement: Arrangement, record: _Record) -> bool:
    """Return whether an arrangement, given the recorded gradients, comes to the recorded points bit for bit."""
    alive = torch.ones(len(course.points), dtype=torch.bool)
    try:
        walk = _Walk(course, arrangement)
        for values, gradients, then in zip(record.values, record.gradients, record.points[1:], strict=False):
            alive &= values.isfinite() & gradients.isfinite().all(1)
            walk.step(values, gradients)
            if not torch.equal(walk.points()[alive], then[alive]):
                return False
    except InputError:
        return False
    return True


def _trajectory(walk: _Walk, color: str | None, record: _Record) -> Trajectory:
    """Find out how each start ended, and hold those that diverged at their last real row."""
    course = walk.course
    points, values, gradients = record.points.numpy(), record.values.numpy(), record.gradients.numpy()
    rates, evaluations = walk.jotted(len(points))
    stop_steps, stops = _ends(points, values, gradients, course.objective.bounds)
    diverged = [start for start, stop in enumerate(stops) if stop is Stop.DIVERGED]
    if diverged:
        rates, evaluations = rates.copy(), evaluations.copy()
    for start in diverged:
        for array in (points, values, gradients, rates, evaluations):
            array[stop_steps[start] + 1 :, start] = array[stop_steps[start], start]
    return Trajectory(
        label=course.method.label,
        settings=course.method.text,
        objective=course.objective,
        color=color,
        points=points,
        values=values,
        gradients=gradients,
        learning_rates=rates,
        evaluations=evaluations,
        stop_steps=stop_steps,
        stops=stops,
    )


def _ends(
    points: FloatArray, values: FloatArray, gradients: FloatArray, bounds: FloatArray
) -> tuple[npt.NDArray[np.int64], tuple[Stop, ...]]:
    """Return the last real step of each start, or its first at rest, and how it ended."""
    last = len(points) - 1
    margin = FAR * np.diff(bounds)[:, 0]
    near = ((points >= bounds[:, 0] - margin) & (points <= bounds[:, 1] + margin)).all(-1)
    real = near & np.isfinite(values) & np.isfinite(gradients).all(-1)
    diverged = ~real.all(0)
    bits = points.view(np.int64)
    moved = np.concatenate([np.ones((1, len(diverged)), dtype=bool), (bits[1:] != bits[:-1]).any(-1)])
    came_to_rest = last - moved[::-1].argmax(0)
    stop_steps = np.where(diverged, np.maximum(real.argmin(0) - 1, 0), came_to_rest)
    stops = tuple(
        Stop.DIVERGED if is_diverged else Stop.CONVERGED if step < last else Stop.RAN
        for is_diverged, step in zip(diverged, stop_steps, strict=True)
    )
    return stop_steps.astype(np.int64), stops
