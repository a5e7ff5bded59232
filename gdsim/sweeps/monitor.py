"""Figures of many runs, updated at each step, so that no path has to be kept."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import reduce
from operator import add, and_
from typing import Any

import numpy.typing as npt
import torch
from torch import Tensor

from gdsim.analysis.metrics import NEAR, TOLERANCE, distances
from gdsim.objectives import Objective, inside
from gdsim.simulation.descent import far_bounds
from gdsim.sweeps.result import HISTORIES, OUTCOMES, Outcome

Arrays = dict[str, npt.NDArray[Any]]

PATHS = "points"
"""The name of a history of the points, (frames, dim, runs), in the place of a figure's name."""

SHORT = 8  # an axis along which torch reduces more slowly than element by element


class Monitor:
    """Values and outcomes of runs, of which nothing but the values is known.

    Args:
        points: (runs, dim) the points at step 0.
        history_steps: The steps at which figures are kept.
        show: The names of the figures that are drawn.
    """

    def __init__(self, points: Tensor, history_steps: Iterable[int], show: Collection[str]) -> None:
        count, device = len(points), points.device
        self.step, self.evaluations = -1, torch.zeros(1, device=device)
        self.alive = torch.ones(count, dtype=torch.bool, device=device)
        self.value = torch.full((count,), torch.nan, dtype=torch.float64, device=device)
        self.first = self.best = self.value
        self.stop_steps = torch.zeros(count, dtype=torch.int32, device=device)
        self.failures = torch.full_like(self.stop_steps, OUTCOMES.index(Outcome.DIVERGED))
        self.points = points.clone()
        self._rest_steps = torch.zeros_like(self.stop_steps)
        self._could_move = torch.zeros_like(self.alive)
        self._history_steps = [*history_steps]
        self.history: dict[str, list[Tensor]] = {name: [] for name in (*HISTORIES, PATHS) if name in show}

    def update(self, points: Tensor, values: Tensor, gradients: Tensor, rates: Tensor, extra: Tensor) -> None:
        """Take in the next step.

        Args:
            points: (runs, dim).
            values: (runs,) the objective at the points.
            gradients: (runs, dim) its gradient there.
            rates: (runs,) or (1,) the learning rates of the update that led to the points.
            extra: (runs,) or (1,) the number of gradients evaluated so far in addition to one per step.
        """
        self.step += 1
        self.evaluations = self.step + 1 + extra
        # Comparisons are false for NaN, and take half the time of `isfinite`.
        failing = self.alive & ~((values.abs() < torch.inf) & _all(gradients.abs() < torch.inf))
        if failing.any():
            self.stop_steps.masked_fill_(failing, max(self.step - 1, 0))
            self.alive &= ~failing
        if self.step == 0:
            self.value = values.double()
            self.first, self.best = self.value, self.value.clone()
        else:
            moved = ~_all(_bits(points) == _bits(self.points))
            self._rest_steps.masked_fill_(moved, self.step)
            self._could_move = (self._could_move | (rates != 0)) & ~moved
            self.value = self._while_alive(values.double(), self.value)
            torch.minimum(self.best, self.value, out=self.best)
        self.points = self._while_alive(points.clone(), self.points)
        if self.step in self._history_steps:
            for name, rows in self.history.items():
                rows.append(self._history(name).float().cpu())

    def figures(self) -> Arrays:
        """Return the figures (runs,) after the last step, and "stop_steps" and "minimum_steps"."""
        rests = self.alive & (self._rest_steps < self.step) & self._could_move
        stop_steps = torch.where(self.alive, torch.where(rests, self._rest_steps, self.step), self.stop_steps)
        outcome = torch.where(rests, OUTCOMES.index(Outcome.CONVERGED), OUTCOMES.index(Outcome.RAN))
        outcome[self.value > self.first] = OUTCOMES.index(Outcome.ROSE)
        outcome = torch.where(self.alive, outcome, self.failures)
        found = {"outcome": outcome.to(torch.int8), "final_value": self.value, "best_value": self.best}
        found |= {"stop_steps": stop_steps, "minimum_steps": torch.full_like(stop_steps, -1)}
        for name, rows in self.history.items():
            # A run with fewer steps than others keeps its last figures.
            rows += [rows[-1]] * (len(self._history_steps) - len(rows))
            found[f"history_{name}"] = torch.stack(rows)
        return {name: each.cpu().numpy() for name, each in found.items()}

    def _while_alive(self, now: Tensor, before: Tensor) -> Tensor:
        """Return what is now, but for runs that have failed what was before."""
        if self.alive.all():
            return now
        return torch.where(self.alive if now.ndim == 1 else self.alive[:, None], now, before)

    def _history(self, name: str) -> Tensor:
        if name == PATHS:
            return self.points.T
        return self.value if name == "final_value" else self.best


class FunctionMonitor(Monitor):
    """Figures of runs on a function, also those that its minima define."""

    def __init__(
        self, objective: Objective, points: Tensor, history_steps: Iterable[int], show: Collection[str]
    ) -> None:
        super().__init__(points, history_steps, show)
        self.objective = objective
        low, high = far_bounds(objective.bounds, points.cpu().numpy())
        self._low, self._high = torch.from_numpy(low).to(points.device), torch.from_numpy(high).to(points.device)
        self._minima = objective.minima.tolist()
        self._lowest = objective.minimum if len(objective.minima) else None
        self._radius = NEAR * objective.diagonal
        self._minimum = torch.full_like(self.stop_steps, -1)
        self._minimum_steps, self._tolerance_steps = self._minimum.clone(), self._minimum.clone()
        self._evaluations = self.value.clone()

    def figures(self) -> Arrays:
        """Return the figures, see `Monitor.figures`, with those that depend on the minima."""
        found = super().figures()
        if self._lowest is None:
            return found
        gap, fall = self.best - self._lowest, (self.first - self._lowest).abs()
        lost = ~self.alive | ~self.best.isfinite() | (gap < -TOLERANCE * fall)
        reached = (self._tolerance_steps >= 0) & ~lost
        near = (self._minimum >= 0) & self.alive
        solved = (near & reached).cpu().numpy()
        found["outcome"][solved] = OUTCOMES.index(Outcome.SOLVED)
        more = {
            "solved": near & reached,
            "steps_to_tolerance": torch.where(reached, self._tolerance_steps.double(), torch.nan),
            "evaluations": torch.where(reached, self._evaluations, torch.nan),
            "minimum": torch.where(near, self._minimum, -1).to(torch.int16),
            "minimum_steps": torch.where(near, self._minimum_steps, -1),
        }
        found |= {name: each.cpu().numpy() for name, each in more.items()}
        return found | {"distance": distances(self.points.cpu().numpy(), self.objective.minima)}

    def update(self, points: Tensor, values: Tensor, gradients: Tensor, rates: Tensor, extra: Tensor) -> None:
        """Take in the next step, see `Monitor.update`; a run that is too far away has diverged."""
        near = _all((points >= self._low) & (points <= self._high))
        alive = self.alive.clone()
        if self._lowest is not None:
            self._find_minima(points)
        super().update(points, torch.where(near, values, torch.inf), gradients, rates, extra)
        failing = alive & ~self.alive
        if failing.any():
            self.failures[failing & near & values.isnan()] = OUTCOMES.index(Outcome.UNDEFINED)
            if self.objective.is_measured:
                outside = ~inside(points.cpu().numpy(), self.objective.domain)
                self.failures[failing & torch.from_numpy(outside).to(near.device)] = OUTCOMES.index(Outcome.LEFT)
        if self._lowest is not None:
            below = self.value - self._lowest <= TOLERANCE * (self.first - self._lowest)
            new = below & (self._tolerance_steps < 0)
            self._tolerance_steps.masked_fill_(new, self.step).masked_fill_(~below, -1)
            self._evaluations = torch.where(new, self.evaluations, self._evaluations)

    def _find_minima(self, points: Tensor) -> None:
        """Find the minimum that each of the points (runs, dim) is near to."""
        nearest, squared = torch.full_like(self._minimum, -1), torch.full_like(self.value, torch.inf)
        for index, minimum in enumerate(self._minima):
            apart = reduce(add, ((each - at).square_() for each, at in zip(points.unbind(1), minimum, strict=True)))
            nearest.masked_fill_(apart < squared, index)
            torch.minimum(squared, apart, out=squared)
        nearest.masked_fill_(squared > self._radius**2, -1)
        self._minimum_steps.masked_fill_(nearest != self._minimum, self.step + 1)
        self._minimum, self._squared = nearest, squared

    def _history(self, name: str) -> Tensor:
        return self._squared.sqrt() if name == "distance" else super()._history(name)


def _all(each: Tensor) -> Tensor:
    """Return whether all of (runs, dim) are true, (runs,); torch is slow along a short axis."""
    return reduce(and_, each.unbind(1)) if each.shape[1] <= SHORT else each.all(1)


def _bits(points: Tensor) -> Tensor:
    return points.view(torch.int64 if points.dtype == torch.float64 else torch.int32)
