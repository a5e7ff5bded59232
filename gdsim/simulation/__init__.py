"""Simulation of experiments: trajectories that match `torch.optim` bit for bit, and their recordings."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gdsim.simulation.archive import provenance, read, recorded_folder, save
from gdsim.simulation.remarks import blank_maps, remarks
from gdsim.simulation.trajectory import (
    IntArray,
    NetworkTrajectory,
    Progress,
    SaliencyMaps,
    Stop,
    Training,
    Trajectory,
)

if TYPE_CHECKING:
    from gdsim.simulation.experiments import (
        check,
        descend,
        evaluate_landscapes,
        run_optimizers,
        simulate,
        simulate_settings,
    )
    from gdsim.simulation.landscapes import evaluate_landscape
    from gdsim.simulation.saliency import Explanation, explain
    from gdsim.simulation.starts import check_values, starting_points
    from gdsim.simulation.training import kept_steps, train

__all__ = [
    "Explanation",
    "IntArray",
    "NetworkTrajectory",
    "Progress",
    "SaliencyMaps",
    "Stop",
    "Training",
    "Trajectory",
    "blank_maps",
    "check",
    "check_values",
    "descend",
    "evaluate_landscape",
    "evaluate_landscapes",
    "explain",
    "kept_steps",
    "provenance",
    "read",
    "recorded_folder",
    "remarks",
    "run_optimizers",
    "save",
    "simulate",
    "simulate_settings",
    "starting_points",
    "train",
]

_MODULES = {
    "Explanation": "saliency",
    "check_values": "starts",
    "evaluate_landscape": "landscapes",
    "explain": "saliency",
    "kept_steps": "training",
    "starting_points": "starts",
    "train": "training",
}
"""The modules of names that are imported on first use, because they import torch; by default `experiments`."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'experiments')}"), name)
