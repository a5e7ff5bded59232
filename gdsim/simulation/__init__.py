"""Objectives and optimizers → trajectories: what `torch.optim` does, bit for bit, and its recordings."""

from __future__ import annotations

from gdsim.simulation.archive import SIZE_LIMIT, provenance, read, recorded_folder, save
from gdsim.simulation.run import check, descend, evaluate_landscapes, run_optimizers, simulate, simulate_settings
from gdsim.simulation.starts import starting_points
from gdsim.simulation.trajectory import IntArray, SaliencyMaps, Stop, Training, Trajectory

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
