"""What a descent leaves behind, and its way into a .npz file and out again."""

from __future__ import annotations

from gdsim.trajectory.archive import SIZE_LIMIT, home, provenance, read, save
from gdsim.trajectory.records import IntArray, Maps, Stop, Training, Trajectory

__all__ = ["SIZE_LIMIT", "IntArray", "Maps", "Stop", "Training", "Trajectory", "home", "provenance", "read", "save"]
