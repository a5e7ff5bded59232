"""The curvature above which an optimizer diverges on a quadratic function: its edge of stability."""

from __future__ import annotations

from ast import literal_eval
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from gdsim.config import signatures
from gdsim.objectives import FloatArray
from gdsim.objectives.formulas import number

ADAM = ("Adam", "AdamW")
KNOWN = ("SGD", "RMSprop", *ADAM)
CYCLIC = ("CyclicLR", "OneCycleLR")  # schedules that also change the momentum, unless told not to


@dataclass(frozen=True)
class StabilityLimit:
    """The largest stable curvature, factor · (2 / lr − decay).

    For SGD it is a limit of the Hessian's largest eigenvalue (Polyak 1964; Cohen et al. 2021, arXiv:2103.00065); for
    classes that divide by a root of averaged squares, of the eigenvalue of the Hessian that is divided likewise (Cohen
    et al. 2022, arXiv:2207.14484).

    Attributes:
        preconditioned: Whether the class divides by a root of averaged squares.
        decay: The weight decay that is decoupled from the gradient.
        penalty: The weight decay that is part of the gradient, and so is added to the Hessian's eigenvalues.
    """

    factor: float
    preconditioned: bool = False
    decay: float = 0.0
    penalty: float = 0.0

    @property
    def name(self) -> str:
        """The limit as a formula: "3.8/lr"."""
        return f"{number(2 * self.factor, 3)}/lr" + (f" − {number(self.factor * self.decay, 3)}" if self.decay else "")

    def at(self, rates: FloatArray) -> FloatArray:
        """Return the limit (…) at learning rates (…)."""
        with np.errstate(divide="ignore"):
            return np.asarray(self.factor * (2 / rates - self.decay))


def stability_limit(
    class_name: str, settings: Mapping[str, Any], schedule: Mapping[str, Any] | None
) -> StabilityLimit | None:
    """Return the limit of a class of torch.optim with its settings; None if it is not known or changes by itself."""
    if class_name not in KNOWN or (schedule is not None and _changes_momentum(schedule)):
        return None
    own = {**_defaults(class_name), **settings}
    if own["maximize"] or own.get("centered"):
        return None
    momentum = own["betas"][0] if class_name in ADAM else own["momentum"]
    # Adam averages gradients, as SGD does with a dampening equal to its momentum.
    fresh = 1 - (momentum if class_name in ADAM else own.get("dampening", 0))
    factor = (1 + momentum) / (1 + 2 * momentum if own.get("nesterov") else fresh)
    decay, penalty = 0.0, own["weight_decay"]
    if class_name == "AdamW" or own.get("decoupled_weight_decay"):
        decay, penalty = penalty, decay
    return StabilityLimit(factor, class_name != "SGD", decay, penalty)


@cache
def _defaults(class_name: str) -> dict[str, Any]:
    arguments = signatures.optimizers()[class_name].arguments
    return {name: literal_eval(each.default) for name, each in arguments.items()}


def _changes_momentum(schedule: Mapping[str, Any]) -> bool:
    cycles = schedule["class"] in CYCLIC and schedule.get("cycle_momentum", True)
    return cycles or any(map(_changes_momentum, schedule.get("schedulers", ())))
