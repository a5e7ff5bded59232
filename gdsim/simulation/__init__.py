"""Simulation of experiments: trajectories that match `torch.optim` bit for bit, and their recordings."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gdsim.simulation.archive import provenance, read, recorded_folder, save
from gdsim.simulation.trajectory import (
    Explanation,
    NetworkTrajectory,
    SaliencyMaps,
    Stop,
    Training,
    Trajectory,
    blank_maps,
    remarks,
)

if TYPE_CHECKING:
    from gdsim.simulation.experiments import (
        check,
        descend,
        evaluate_landscapes,
        run_optimizers,
        simulate,
        simulate_settings,
        starting_points,
    )
    from gdsim.simulation.saliency import explain

__all__ = [
    "Explanation",
    "NetworkTrajectory",
    "SaliencyMaps",
    "Stop",
    "Training",
    "Trajectory",
    "blank_maps",
    "check",
    "descend",
    "evaluate_landscapes",
    "explain",
    "provenance",
    "read",
    "recorded_folder",
    "remarks",
    "run_optimizers",
    "save",
    "simulate",
    "simulate_settings",
    "starting_points",
]


def __getattr__(name: str) -> Any:
    """Import modules that import torch on first use."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = "saliency" if name == "explain" else "experiments"
    return getattr(import_module(f"{__name__}.{module}"), name)
