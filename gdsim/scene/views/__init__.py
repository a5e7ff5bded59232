"""The kinds of views. Each module of this package declares one as `KIND`, a `ViewKind`; its name is the module's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from gdsim.config import View
from gdsim.errors import Problem
from gdsim.objectives import Objective
from gdsim.scene.group import GroupInput
from gdsim.scene.model import Facet


@dataclass(frozen=True)
class ViewKind:
    """A way to show an objective with the paths over it.

    Attributes:
        suitability: How well the kind suits an objective: 0 for not at all; the highest is the default.
        facets: Builds the facets of a group; an InputError if it cannot show its trajectories.
        settings: The keys of `view`, and the values of its other keys, that belong to it: "fill", "arrows: stream".
        projects: Whether the points of the domain are projected onto a line or a plane.
    """

    suitability: Callable[[Objective], int]
    facets: Callable[[GroupInput], tuple[Facet, ...]]
    settings: frozenset[str] = frozenset()
    projects: bool = True


@cache
def view_kinds() -> Mapping[str, ViewKind]:
    """Return all kinds by name."""
    return {found.name: import_module(f"{__name__}.{found.name}").KIND for found in iter_modules(__path__)}


def _suitable(objective: Objective) -> list[str]:
    """The kinds that can show an objective, the default first."""
    suitability = {name: kind.suitability(objective) for name, kind in view_kinds().items()}
    return sorted(filter(suitability.get, suitability), key=suitability.__getitem__, reverse=True)


def kind_of(objective: Objective, view: View) -> ViewKind:
    """Return how an objective is shown: as the view says if that is possible, else by its default kind."""
    suitable = _suitable(objective)
    return view_kinds()[view.kind if view.kind in suitable else suitable[0]]


def kind_problems(objectives: Sequence[Objective], view: View) -> Iterator[Problem]:
    """Yield a kind, and keys that belong to some kinds, that fit none of the objectives that are shown together."""
    first = objectives[0]
    if view.kind is not None and all(view.kind not in _suitable(each) for each in objectives):
        message = f"must be {' or '.join(_suitable(first))} for '{first.title}', which has dim {first.dim} here"
        yield Problem(message, ("kind",), "unsupported")
        return
    shown = [kind_of(each, view) for each in objectives]
    for setting in _given(view):
        fitting = [name for name, kind in view_kinds().items() if setting in kind.settings]
        if fitting and not any(setting in kind.settings for kind in shown):
            key, _, value = setting.partition(": ")
            message = f"{value or key} goes with kind: {' or '.join(fitting)}"
            yield Problem(message, (key,), "unsupported")


def _given(view: View) -> Iterator[str]:
    """Yield the keys of a view that were given, and for words "key: value"."""
    for key in type(view).model_fields:
        value = getattr(view, key)
        if key in view.model_fields_set and value is not None:
            yield key
            if isinstance(value, str):
                yield f"{key}: {value}"
