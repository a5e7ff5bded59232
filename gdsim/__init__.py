"""Gradient descent trajectories as torch.optim really takes them, drawn against the gradient arrows."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gdsim.analysis import Row, Study, Table
    from gdsim.api import animate, check, compare, descend, grad, preview, simulate, sweep, tune
    from gdsim.config import Animation, Experiment, Output, View, load, loads, schema
    from gdsim.encode import source, write
    from gdsim.errors import ConfigError, GdsimError, InputError
    from gdsim.interactive import studio
    from gdsim.metadata import Provenance
    from gdsim.movie import Movie
    from gdsim.objectives import Gradient, Objective, names, objective
    from gdsim.render import Frames, frames
    from gdsim.scene.build import build_scene
    from gdsim.scene.model import Scene
    from gdsim.simulation import Stop, Trajectory, read, save
    from gdsim.sweeps import SweepResult
    from gdsim.web.report import write_report

__version__ = "0.4.0"

_PACKAGES = {
    "analysis": ("Row", "Study", "Table"),
    "api": ("animate", "check", "compare", "descend", "grad", "preview", "simulate", "sweep", "tune"),
    "config": ("Animation", "Experiment", "Output", "View", "load", "loads", "schema"),
    "encode": ("source", "write"),
    "errors": ("ConfigError", "GdsimError", "InputError"),
    "interactive": ("studio",),
    "metadata": ("Provenance",),
    "movie": ("Movie",),
    "objectives": ("Gradient", "Objective", "names", "objective"),
    "render": ("Frames", "frames"),
    "scene.build": ("build_scene",),
    "scene.model": ("Scene",),
    "simulation": ("Stop", "Trajectory", "read", "save"),
    "sweeps": ("SweepResult",),
    "web.report": ("write_report",),
}

__all__ = [
    "Animation",
    "ConfigError",
    "Experiment",
    "Frames",
    "GdsimError",
    "Gradient",
    "InputError",
    "Movie",
    "Objective",
    "Output",
    "Provenance",
    "Row",
    "Scene",
    "Stop",
    "Study",
    "SweepResult",
    "Table",
    "Trajectory",
    "View",
    "animate",
    "build_scene",
    "check",
    "compare",
    "descend",
    "frames",
    "grad",
    "load",
    "loads",
    "names",
    "objective",
    "preview",
    "read",
    "save",
    "schema",
    "simulate",
    "source",
    "studio",
    "sweep",
    "tune",
    "write",
    "write_report",
]


def __getattr__(name: str) -> Any:
    # Imported on first use: the command line starts without torch and matplotlib.
    for package, names in _PACKAGES.items():
        if name in names:
            return getattr(import_module(f"gdsim.{package}"), name)
    raise AttributeError(f"module 'gdsim' has no attribute '{name}'")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
