"""The panel of the largest eigenvalues of the Hessian, with the edge of stability of each optimizer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from gdsim.analysis.curvature import is_preconditioned, largest_eigenvalues
from gdsim.config import View
from gdsim.errors import Problem
from gdsim.networks import NetworkObjective
from gdsim.objectives import FloatArray, Objective
from gdsim.scene.facets import GroupInput
from gdsim.scene.figures import axis_limits
from gdsim.scene.panels import PanelKind
from gdsim.scene.panels.curves import FAINT, Axis, CurvesPanel, Series, curves_panel


def _axis(figures: FloatArray, *_: object) -> Axis:
    # A logarithmic axis would hide negative curvature.
    positive = bool(figures.min(initial=np.inf) > 0)
    limits, logarithmic = axis_limits(figures, may_be_logarithmic=positive)
    return {"limits": limits, "logarithmic": logarithmic}


def _build(group: GroupInput) -> CurvesPanel:
    say, sharpness, limits = group.view.say, group.view.sharpness, list[Series]()
    eigenvalues = [largest_eigenvalues(each, sharpness) for each in group.trajectories]
    divided = [each.label for each in group.trajectories if is_preconditioned(each)]
    for i, each in enumerate(group.trajectories):
        limit = each.stability
        if limit is not None and (each.label in divided or not limit.preconditioned):
            limits.append(Series(i, limit.at(each.learning_rates), limit=limit.name))
    curves = [
        Series(i, values[..., k], 1.0 if k == 0 else FAINT)
        for k in reversed(range(sharpness.top))
        for i, values in enumerate(eigenvalues)
    ]
    words = say("sharpness") + (say(", {n} eigenvalues", n=sharpness.top) if sharpness.top > 1 else "")
    if divided:
        every = len(divided) == len(group.trajectories)
        words += say(", preconditioned") if every else say(", {names} preconditioned", names=say.joined(divided))
    return curves_panel(group, words, [*curves, *limits], _axis)


def _problems(objectives: Sequence[Objective], view: View) -> Iterator[Problem]:
    for each in objectives:
        # The Lanczos iteration does not find all of them.
        most = each.network.weights - 1 if isinstance(each, NetworkObjective) else each.dim
        if view.sharpness.top > most:
            message = f"must be at most {most} for {each.title}, not {view.sharpness.top}"
            yield Problem(message, ("sharpness", "top"), "too-large")


PANELS = (PanelKind("sharpness", _build, problems=_problems),)
