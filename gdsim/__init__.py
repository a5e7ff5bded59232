"""Gradient descent trajectories as torch.optim really takes them, drawn against the gradient arrows."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gdsim.analysis import Row, Table, compare
    from gdsim.config import Animation, Experiment, View, load, loads, schema
    from gdsim.encode import write
    from gdsim.encode.reading import source
    from gdsim.errors import ConfigError, GdsimError, InputError
    from gdsim.metadata import Provenance
    from gdsim.movie import Movie, animate
    from gdsim.objectives import Gradient, Objective, grad, objective
    from gdsim.render import Frames, frames
    from gdsim.scene import Scene, build_scene
    from gdsim.simulation import Stop, Trajectory, descend, read, save, simulate

__version__ = "0.4.0"

_ROOMS = {
    "Animation": "config",
    "ConfigError": "errors",
    "Experiment": "config",
    "Frames": "render",
    "GdsimError": "errors",
    "Gradient": "objectives",
    "InputError": "errors",
    "Movie": "movie",
    "Objective": "objectives",
    "Provenance": "metadata",
    "Row": "analysis",
    "Scene": "scene",
    "Stop": "simulation",
    "Table": "analysis",
    "Trajectory": "simulation",
    "View": "config",
    "animate": "movie",
    "compare": "analysis",
    "build_scene": "scene",
    "descend": "simulation",
    "frames": "render",
    "grad": "objectives",
    "load": "config",
    "loads": "config",
    "objective": "objectives",
    "read": "simulation",
    "save": "simulation",
    "schema": "config",
    "simulate": "simulation",
    "source": "encode.reading",
    "write": "encode",
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
    "Provenance",
    "Row",
    "Scene",
    "Stop",
    "Table",
    "Trajectory",
    "View",
    "animate",
    "build_scene",
    "compare",
    "descend",
    "frames",
    "grad",
    "load",
    "loads",
    "objective",
    "read",
    "save",
    "schema",
    "simulate",
    "source",
    "write",
]


def __getattr__(name: str) -> Any:
    # A name is fetched when it is first used: the command line starts without torch and matplotlib.
    if name not in _ROOMS:
        raise AttributeError(f"module 'gdsim' has no attribute '{name}'")
    return getattr(import_module(f"gdsim.{_ROOMS[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
