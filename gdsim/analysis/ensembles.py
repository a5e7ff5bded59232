"""How far the runs of an ensemble end from each other, and sentences about it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from gdsim.analysis.metrics import norms
from gdsim.languages import Language
from gdsim.objectives.formulas import number
from gdsim.simulation import Trajectory

SHARE = 0.9  # of the runs that end within the radius
CLEAR = 1.5  # the ratio of two radii above which one is called smaller; 64 runs determine a radius to about a tenth


def final_radius(ensemble: Trajectory) -> float:
    """Return the distance from the mean of the last points within which 90 % of the runs end.

    Runs that fail count as infinitely far away, and do not contribute to the mean.
    """
    ran = np.array([not stop.failed for stop in ensemble.stops])
    last = ensemble.points[-1]
    if (last == last[0]).all():
        return 0.0  # without the rounding error of the mean
    if not ran.any():
        return math.inf
    apart = np.sort(np.where(ran, norms(last - last[ran].mean(0)), np.inf))
    return float(apart[math.ceil(SHARE * len(apart)) - 1])


def final_spread(ensemble: Trajectory, say: Language) -> str:
    """Return where most of the runs end, such as "90 % of 64 runs end within 0.3 of their mean"."""
    runs, failed = len(ensemble.stops), sum(stop.failed for stop in ensemble.stops)
    if math.isinf(radius := final_radius(ensemble)):
        return say("{k} of {n} runs diverge", k=failed, n=runs)
    facts = {"share": f"{100 * SHARE:g}", "n": runs, "radius": number(radius, 2)}
    return say("{share} % of {n} runs end within {radius} of their mean", **facts)


def ensemble_findings(group: Sequence[Trajectory], say: Language) -> Iterator[str]:
    """Yield sentences about the spread of ensembles, from long to short; those without noise are not compared."""
    group = [each for each in group if final_radius(each)]
    if len(group) == 1:
        yield f"{group[0].label}: {final_spread(group[0], say)}"
        yield final_spread(group[0], say)
    if len(group) < 2:
        return
    (low, least), *_, (high, most) = sorted((final_radius(each), each.label) for each in group)
    if math.isfinite(high) and high > CLEAR * low:
        facts = {"low": number(low, 2), "high": number(high, 2)}
        yield say("{names} ends with the least spread, {low} against {high}", names=least, **facts)
        yield say("{names} ends with the least spread", names=least)
        yield say("{names} ends with the largest spread", names=most)
