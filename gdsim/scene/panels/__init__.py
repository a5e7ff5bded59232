"""The kinds of panels. Each module of this package declares some as `PANELS`, each a `PanelKind`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Protocol

from gdsim.config import View
from gdsim.errors import Problem
from gdsim.networks import Network
from gdsim.objectives import Objective
from gdsim.scene.group import GroupInput
from gdsim.scene.model import PanelModel

__all__ = ["PanelKind", "panel_kinds", "panel_problems", "training_problems"]


FITTING: Mapping[str, tuple[Callable[[set[str]], bool], str]] = {
    "any": (bool, ""),
    "function": (lambda kinds: "network" not in kinds, "a function, not with a network"),
    "network": (lambda kinds: kinds == {"network"}, "a network: objective: {network: mlp, data: digits}"),
    "image": (lambda kinds: kinds == {"image"}, "a class that is descended: objective: {network: …, wrt: input}"),
    "pixels": (lambda kinds: kinds in ({"network"}, {"image"}), "a network: objective: {network: mlp, data: digits}"),
}
"""What a panel may go with: whether kinds of objectives fit it, and how that is said."""


class PanelKind(Protocol):
    """A diagram beside or under the view. Its problems have keys below `view`; an empty key means the panel."""

    @property
    def name(self) -> str:
        """The name in `view.panels`."""
        ...

    @property
    def goes_with(self) -> str:
        """A key of `FITTING`."""
        ...

    def problems(self, objectives: Sequence[Objective], view: View) -> Iterator[Problem]:
        """Yield why it cannot be drawn for objectives of a fitting kind."""
        ...

    def training_problems(self, network: Network, view: View) -> Iterator[Problem]:
        """Yield what it needs that a network, or its data, does not have."""
        ...

    def build(self, group: GroupInput) -> PanelModel:
        """Return the panel of a group.

        Raises:
            InputError: The trajectories have nothing to show.
        """
        ...


@cache
def panel_kinds() -> Mapping[str, PanelKind]:
    """Return all kinds by name."""
    modules = [import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__)]
    return {kind.name: kind for module in modules for kind in module.PANELS}


def panel_problems(objectives: Sequence[Objective], view: View) -> Iterator[Problem]:
    """Yield which panels do not fit the objectives that are shown together, with keys below `view`."""
    kinds: set[str] = {each.kind for each in objectives}
    for index, name in enumerate(view.panels):
        panel = panel_kinds()[name]
        fits, wanted = FITTING[panel.goes_with]
        if fits(kinds):
            yield from _placed(panel.problems(objectives, view), index)
        else:
            yield Problem(f"{name} goes with {wanted}", ("panels", index), "unsupported")


def training_problems(network: Network, view: View) -> Iterator[Problem]:
    """Yield what panels need that a network that is trained, or its data, does not have, with keys below `view`."""
    for index, name in enumerate(view.panels):
        yield from _placed(panel_kinds()[name].training_problems(network, view), index)


def _placed(problems: Iterable[Problem], index: int) -> Iterator[Problem]:
    return (replace(problem, key=problem.key or ("panels", index)) for problem in problems)
