"""Simulation of experiments: trajectories that match `torch.optim` bit for bit, and their recordings.

The modules `experiments` and `saliency` import torch, and are imported where they are used.
"""

from __future__ import annotations

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

__all__ = [
    "Explanation",
    "NetworkTrajectory",
    "SaliencyMaps",
    "Stop",
    "Training",
    "Trajectory",
    "blank_maps",
    "provenance",
    "read",
    "recorded_folder",
    "remarks",
    "save",
]
