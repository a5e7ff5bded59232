"""Sweeps: one or two settings, or the start, varied over a grid, with figures of each run as arrays.

`run` imports torch, and is imported where it is used.
"""

from __future__ import annotations

from gdsim.sweeps.result import OUTCOMES, Outcome, SweepAxis, SweepResult

__all__ = ["OUTCOMES", "Outcome", "SweepAxis", "SweepResult"]
