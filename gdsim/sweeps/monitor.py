"""Figures of many runs, updated at each step, so that no path has to be kept."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gdsim.analysis.metrics import NEAR, TOLERANCE, distances
from gdsim.objectives import Objective, inside
from gdsim.simulation.descent import far_bounds
from gdsim.sweeps.result import HISTORIES, OUTCOMES, Outcome

Arrays = dict[str, npt.NDArray[Any]]


class Monitor:
    """Values and outcomes of runs, of which nothing but the values is known.

    Args:
        points: (runs, dim) the points at step 0.
        history_steps: The steps at which figures are kept.
        show: The names of the figures that are drawn.
    """

    def __init__(self, points: Tensor, history_steps: Iterable[int], show: Collection[str]) -> None:
        count, device = len(points), points.device
        self.step = -1
        self.alive = torch.ones(count, dtype=torch.bool, device=device)
        self.value = torch.full((count,), torch.nan, dtype=torch.float64, device=device)
        self.first = self.best = self.value
        self.stop_steps = torch.zeros(count, dtype=torch.int32, device=device)
        self.failures = torch.full_like(self.stop_steps, OUTCOMES.index(Outcome.DIVERGED))
        self._points = points.clone()
        self._rest_steps = torch.zeros_like(self.stop_steps)
        self._could_move = torch.zeros_like(self.alive)
        self.distance = torch.full_like(self.value, torch.nan)
        self._history_steps = [*history_steps]
        self.history: dict[str, list[Tensor]] = {name: [] for name in HISTORIES if name in show}

    def update(self, points: Tensor, values: Tensor, gradients: Tensor, rates: Tensor) -> None:
        """Take in the next step.

        Args:
            points: (runs, dim).
            values: (runs,) the objective at the points.
            gradients: (runs, dim) its gradient there.
            rates: (runs,) or (1,) the learning rates of the update that led to the points.
        """
        self.step += 1
        good = values.isfinite() & gradients.isfinite().all(1)
        self.stop_steps[self.alive & ~good] = max(self.step - 1, 0)
        self.alive &= good
        if self.step == 0:
            self.first = values.double()
            self.value, self.best = self.first.clone(), self.first.clone()
        else:
            torch.where(self.alive, values.double(), self.value, out=self.value)
            moved = (_bits(points) != _bits(self._points)).any(1)
            self._rest_steps[moved] = self.step
            self._could_move |= rates != 0
            self._could_move &= ~moved
            self.best = torch.minimum(self.best, self.value)
        self._points = torch.where(self.alive[:, None], points, self._points)

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

    def keep_history(self) -> None:
        """Keep the figures whose development is drawn, if this is one of the steps for it."""
        if self.step not in self._history_steps:
            return
        kept = {"final_value": self.value, "best_value": self.best, "distance": self.distance}
        for name, rows in self.history.items():
            rows.append(kept[name].float().cpu())


class FunctionMonitor(Monitor):
    """Figures of runs on a function, also those that its minima define."""

    def __init__(
        self, objective: Objective, points: Tensor, history_steps: Iterable[int], show: Collection[str]
    ) -> None:
        super().__init__(points, history_steps, show)
        self.objective = objective
        low, high = far_bounds(objective.bounds, points.cpu().numpy())
        self._low, self._high = torch.from_numpy(low).to(points.device), torch.from_numpy(high).to(points.device)
        self._minima = torch.from_numpy(np.array(objective.minima)).to(points.device)
        self._lowest = objective.minimum if len(objective.minima) else None
        self._radius = NEAR * float(np.linalg.norm(np.diff(objective.bounds)))
        self._minimum = torch.full_like(self.stop_steps, -1)
        self._minimum_steps, self._tolerance_steps = self._minimum.clone(), self._minimum.clone()
        self._evaluations = self.value.clone()
        self.extra_evaluations = torch.zeros(1, dtype=torch.float64, device=points.device)

    def figures(self) -> Arrays:
        """Return the figures (runs,) after the last step, and "stop_steps" and "minimum_steps"."""
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
        return found | {"distance": distances(self._points.cpu().numpy(), self.objective.minima)}

    def update(self, points: Tensor, values: Tensor, gradients: Tensor, rates: Tensor) -> None:
        """Take in the next step, see `Monitor.update`; a run that is too far away has diverged."""
        alive, near = self.alive.clone(), ((points >= self._low) & (points <= self._high)).all(1)
        super().update(points, torch.where(near, values, torch.inf), gradients, rates)
        failing = alive & ~self.alive
        self.failures[failing & near & values.isnan()] = OUTCOMES.index(Outcome.UNDEFINED)
        if self.objective.is_measured:
            outside = ~inside(points.cpu().numpy(), self.objective.domain)
            self.failures[failing & torch.from_numpy(outside).to(near.device)] = OUTCOMES.index(Outcome.LEFT)
        if self._lowest is not None:
            self._update_minima(self._lowest, self._points)

    def _update_minima(self, lowest: float, points: Tensor) -> None:
        nearest, squared = self._minimum.clone(), torch.full_like(self.value, torch.inf)
        for index, minimum in enumerate(self._minima):
            apart = (points - minimum).square().sum(1)
            nearest[apart < squared] = index
            squared = torch.minimum(squared, apart)
        self.distance = squared.sqrt()
        nearest[self.distance > self._radius] = -1
        self._minimum_steps[nearest != self._minimum] = self.step
        self._minimum = nearest
        below = self.value - lowest <= TOLERANCE * (self.first - lowest)
        new = below & self.alive & (self._tolerance_steps < 0)
        self._tolerance_steps[new] = self.step
        self._evaluations[new] = self.step + 1 + self.extra_evaluations.expand_as(self._evaluations)[new]


def _bits(points: Tensor) -> Tensor:
    return points.view(torch.int64 if points.dtype == torch.float64 else torch.int32)
