"""Run a sweep again over ever smaller ranges around a point, for a zoom into its map."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import ceil, log2

import numpy as np

from gdsim.config import Experiment, Zoom, with_overrides
from gdsim.sweeps.plan import Plan
from gdsim.sweeps.result import SweepResult
from gdsim.sweeps.run import run


def zoom_results(experiment: Experiment, zoom: Zoom) -> Iterator[SweepResult]:
    """Yield the sweep over ranges each half as long as the one before, as far as a zoom leads.

    On a log scale, ranges are halved in the logarithm.
    """
    axes = Plan.of(experiment).axes
    for halvings in range(1, ceil(log2(zoom.factor)) + 1):
        overrides = []
        for name, axis, to in zip("xy", axes, zoom.to, strict=True):
            ends, center = axis.values[[0, -1]], to
            if axis.scale == "log":
                ends, center = np.log(ends), np.log(to)
            ends = center + (ends - center) / 2**halvings
            overrides.append(f"sweep.{name}.range={(np.exp(ends) if axis.scale == 'log' else ends).tolist()}")
        yield run(with_overrides(experiment, overrides))


def combined(result: SweepResult, inner: list[SweepResult]) -> SweepResult:
    """Return several results as one, in which each optimizer of each result is an optimizer of its own."""
    every = [result, *inner]
    return replace(
        result,
        labels=result.labels * len(every),
        settings=result.settings * len(every),
        colors=result.colors * len(every),
        figures={name: np.concatenate([each.figures[name] for each in every]) for name in result.figures},
        stop_steps=np.concatenate([each.stop_steps for each in every]),
        minimum_steps=np.concatenate([each.minimum_steps for each in every]),
        history={},
    )
