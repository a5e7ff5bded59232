"""Objectives and optimizers → trajectories: what `torch.optim` does, bit for bit, and its recordings.

Whatever needs torch is imported on first use: a configuration is validated, and a recording drawn, without it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gdsim.simulation.archive import SIZE_LIMIT, provenance, read, recorded_folder, save
from gdsim.simulation.trajectory import IntArray, SaliencyMaps, Stop, Training, Trajectory

if TYPE_CHECKING:
    from gdsim.simulation.run import check, descend, evaluate_landscapes, run_optimizers, simulate, simulate_settings
    from gdsim.simulation.starts import starting_points

__all__ = [
    "SIZE_LIMIT",
    "IntArray",
    "SaliencyMaps",
    "Stop",
    "Training",
    "Trajectory",
    "check",
    "descend",
    "evaluate_landscapes",
    "provenance",
    "read",
    "recorded_folder",
    "run_optimizers",
    "save",
    "simulate",
    "simulate_settings",
    "starting_points",
]

_MODULES = {"starting_points": "starts"}
"""The module of a name that is imported on first use; `run` for the others."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'run')}"), name)
