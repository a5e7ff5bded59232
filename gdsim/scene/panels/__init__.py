"""The kinds of panels; each module of this package declares a tuple `PANELS` of `PanelKind`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from gdsim.config import View
from gdsim.config.presentation import StatePanel
from gdsim.errors import Problem
from gdsim.objectives import Objective
from gdsim.scene.facets import GroupInput
from gdsim.scene.model import PanelModel

OF_NETWORKS = "goes with a network: objective: {network: mlp, data: digits}"
OF_IMAGES = "goes with a class that is descended: objective: {network: …, wrt: input}"

FITTING: Mapping[str, tuple[set[str], str]] = {
    "any": ({"function", "network", "image"}, ""),
    "function": ({"function", "image"}, "goes with a function, not with a network"),
    "network": ({"network"}, OF_NETWORKS),
    "pixels": ({"network", "image"}, OF_NETWORKS),
    "image": ({"image"}, OF_IMAGES),
    "flow": (
        {"function", "network"},
        "goes with a function or the training of a network, not with the pixels of an image",
    ),
}
"""For each key: the kinds of objectives that a panel supports, and the error message for others."""


@dataclass(frozen=True)
class PanelKind:
    """A diagram beside or under the view.

    Keys of its problems are relative to `view`; an empty key means the panel.

    Attributes:
        build: Builds the panel of a group; raises InputError if the trajectories have nothing to show.
        goes_with: A key of `FITTING`.
        problems: Yields why the panel cannot be drawn for supported objectives.
    """

    name: str
    build: Callable[[GroupInput], PanelModel]
    goes_with: str = "any"
    problems: Callable[[Sequence[Objective], View], Iterable[Problem]] = lambda *_: ()


@cache
def panel_kinds() -> Mapping[str, PanelKind]:
    """Return all kinds by name."""
    modules = [import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__)]
    return {kind.name: kind for module in modules for kind in module.PANELS}


def panel_kind(panel: str | StatePanel) -> PanelKind:
    """Return the kind of a panel that a view names."""
    from gdsim.scene.panels.state import state_kind

    return state_kind(panel) if isinstance(panel, StatePanel) else panel_kinds()[panel]


def panel_problems(objectives: Sequence[Objective], view: View) -> Iterator[Problem]:
    """Yield panels that do not support the objectives shown together; keys are relative to `view`."""
    kinds: set[str] = {each.kind for each in objectives}
    for index, panel in enumerate(view.panels):
        kind = panel_kind(panel)
        supported, message = FITTING[kind.goes_with]
        if not kinds <= supported:
            yield Problem(f"{kind.name} {message}", ("panels", index), "unsupported")
            continue
        for problem in kind.problems(objectives, view):
            yield replace(problem, key=problem.key or ("panels", index))
