"""What a figure depends on, in a key: where that is the same, what was found before holds still."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import numpy as np

from gdsim.analysis.hyperparameters import digest
from gdsim.analysis.tuning import Tuning
from gdsim.config import Experiment
from gdsim.networks import Network

__all__ = ["Keys", "keys_of"]

PROBES = 64
"""At so many places of the view a function is told from another of its name."""


@dataclass(frozen=True)
class Keys:
    """Those of one optimizer on one objective.

    Attributes:
        found: What tuning found.
        result: Its figures, which depend on the other optimizers, too, where no minimum is known.
    """

    found: str
    result: str


def keys_of(
    experiment: Experiment, title: str, names: Mapping[str, Sequence[str]], tuning: Tuning | None
) -> dict[str, Keys]:
    """Return the keys of each optimizer on the objective of an experiment that has one.

    Args:
        experiment: The experiment.
        title: What the objective is called in the table.
        names: Label → what is tuned.
        tuning: The budget and the ranges.
    """
    network = experiment.objectives[0].to_train()
    what = _function(experiment) if network is None else _network(experiment, network)
    ground = [*_versions(), title, what, experiment.steps, experiment.seed]
    own = {label: [ground, label, *_optimizer(experiment, label, names[label], tuning)] for label in names}
    minimum = experiment.objectives[0].build().minimum
    beside = None if minimum is not None else list(own.values())
    return {label: Keys(_key("found", each), _key("result", each, beside)) for label, each in own.items()}


def _versions() -> list[str]:
    return [f"{name} {metadata.version(name)}" for name in ("gdsim", "torch", "numpy")]


def _function(experiment: Experiment) -> list[Any]:
    from gdsim.simulation import starting_points

    objective = experiment.objectives[0].build()
    points = starting_points(experiment.start, objective, experiment.seed)
    low, high = objective.bounds.T
    probes = low + np.random.default_rng(0).random((PROBES, objective.dim)) * (high - low)
    found = [points, objective.bounds, *objective.gradients(np.concatenate([points, probes]))]
    facts = [objective.name, objective.dim, objective.minimum, objective.minima.tolist(), dict(objective.parameters)]
    return [*facts, hashlib.blake2b(b"".join(each.tobytes() for each in found), digest_size=16).hexdigest()]


def _network(experiment: Experiment, network: Network) -> list[Any]:
    module, data = network.module(experiment.seed), network.data
    arrays = [data.x, data.y, data.x_test, data.y_test]
    arrays += [weights.detach().numpy() for weights in module.parameters()]
    told = hashlib.blake2b(b"".join(each.tobytes() for each in arrays), digest_size=16).hexdigest()
    return [experiment.objectives[0].model_dump(), repr(module), told]


def _optimizer(experiment: Experiment, label: str, names: Sequence[str], tuning: Tuning | None) -> list[Any]:
    spec = experiment.optimizers[label]
    tuned = None
    if tuning is not None and names:
        tuned = [tuning.budget, [[name, *tuning.range(name)] for name in names]]
    return [spec.model_dump(exclude={"color"}), digest(spec), tuned]


def _key(*what: Any) -> str:
    text = json.dumps(what, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
