"""Rank optimizers by their starts, and say how certain the ranks are, by resampling the starts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gdsim.analysis.metrics import evaluations_to_tolerance, lost, solved
from gdsim.objectives import FloatArray
from gdsim.simulation import Trajectory

RESAMPLES = 1000
MAX_DRAWS = 2_000_000  # starts drawn for all resamples together, which bounds memory; at least 200 resamples are made
LIMITS = 0.025, 0.975
"""The quantiles that bound a 95 % interval."""
Z = NormalDist().inv_cdf(LIMITS[1])


class Scores(NamedTuple):
    """What each start of one optimizer is ranked by, (starts,) each.

    Attributes:
        solved: 1 for a start that reaches a known global minimum, else 0.
        evaluations: The evaluations to tolerance, inf for never.
        lows: The lowest value; inf for a start that counts as lost.
    """

    solved: FloatArray
    evaluations: FloatArray
    lows: FloatArray

    def key(self) -> tuple[float, float, float]:
        """Return the sort key: the share not solved, then the upper median of evaluations, then the median of lows."""
        not_solved, evaluations, lows = self.resampled(np.arange(len(self.lows))[np.newaxis])[:, 0].tolist()
        return not_solved, evaluations, lows

    def resampled(self, draws: npt.NDArray[np.int64]) -> FloatArray:
        """Return the keys (3, resamples) for starts drawn with repetition, (resamples, starts)."""
        evaluations = np.sort(self.evaluations[draws], axis=1)[:, draws.shape[1] // 2]
        return np.stack([1 - self.solved[draws].mean(1), evaluations, np.median(self.lows[draws], axis=1)])


def scores(trajectory: Trajectory, lowest: float) -> Scores:
    """Return what a trajectory is ranked by; `lowest` is used as f* if the objective's minimum is not known."""
    reached = solved(trajectory)
    lows = np.where(lost(trajectory), np.inf, trajectory.values.min(0))
    is_solved = np.zeros(len(lows)) if reached is None else reached.astype(np.float64)
    return Scores(is_solved, evaluations_to_tolerance(trajectory, lowest), lows)


@dataclass(frozen=True)
class Standing:
    """The place of one optimizer among several, with 95 % intervals by a bootstrap over the starts they share.

    Attributes:
        ranks: The lowest and the highest rank, from 1; None for an optimizer that never ends within tolerance.
        solved: The interval of the share of starts solved, after Wilson (1927), which is valid near 0 and 1 too.
        evaluations: The interval of the upper median of evaluations to tolerance, inf for never.
        starts_needed: How many starts would tell it from the first in the order; 0 if these do, inf if the two are
            alike.
    """

    ranks: tuple[int, int] | None
    solved: tuple[float, float]
    evaluations: tuple[float, float]
    starts_needed: float


def standings(every: Sequence[Scores]) -> list[Standing]:
    """Return the standing of each of several optimizers, which have the same number of starts, more than one."""
    starts = len(every[0].lows)
    draws = np.random.default_rng(0).integers(starts, size=(max(200, min(RESAMPLES, MAX_DRAWS // starts)), starts))
    keys = np.stack([each.resampled(draws) for each in every])
    before, equal = _earlier(keys)
    ranks = 1 + before.sum(0)
    first = min(range(len(every)), key=lambda index: every[index].key())
    wins = (before[first] + equal[first] / 2).mean(1)
    found = []
    for index, each in enumerate(every):
        lowest, highest = np.quantile(ranks[index], LIMITS, method="inverted_cdf").astype(int).tolist()
        fewest, most = np.quantile(keys[index, 1], LIMITS, method="inverted_cdf").tolist()
        ends = (lowest, highest) if np.isfinite(each.evaluations).any() else None
        share = wilson(float(each.solved.sum()), starts)
        found.append(Standing(ends, share, (fewest, most), 0.0 if index == first else needed(wins[index], starts)))
    return found


def typical_start(every: Sequence[Scores]) -> int:
    """Return the start whose place among all starts, summed over the optimizers, is the middle one."""
    places = np.sum([np.lexsort((each.lows, each.evaluations)).argsort() for each in every], axis=0)
    return int(np.argsort(places, kind="stable")[(len(places) - 1) // 2])


def _earlier(keys: FloatArray) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return whether each optimizer sorts before each other one, and whether both are equal, (n, n, resamples)."""
    ones, others = keys[:, np.newaxis], keys[np.newaxis]
    before = np.zeros((len(keys), len(keys), keys.shape[-1]), dtype=bool)
    equal = np.ones_like(before)
    for part in range(keys.shape[1]):
        before |= equal & (ones[:, :, part] < others[:, :, part])
        equal &= ones[:, :, part] == others[:, :, part]
    return before, equal


def needed(wins: float, starts: int) -> float:
    """Return how many starts would tell two optimizers apart, of which the better one wins a share of the resamples.

    The standard error of any mean falls with the square root of the number of starts.
    """
    if wins >= LIMITS[1]:
        return 0.0
    if wins <= 0.5:
        return math.inf
    count = starts * (Z / NormalDist().inv_cdf(wins)) ** 2
    unit = 10.0 ** (math.floor(math.log10(count)) - 1)
    return math.ceil(count / unit) * unit


def wilson(successes: float, number: int) -> tuple[float, float]:
    """Return the score interval of a proportion (Wilson 1927)."""
    share, spread = successes / number, Z**2 / number
    middle = (share + spread / 2) / (1 + spread)
    half = math.sqrt(share * (1 - share) * spread + spread**2 / 4) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)
