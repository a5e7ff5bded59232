"""The kinds of views; each module of this package declares a `ViewKind` named `KIND`, whose name is the module's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from gdsim.config import Camera, View
from gdsim.errors import Problem
from gdsim.objectives import Objective
from gdsim.scene.facets import GroupInput
from gdsim.scene.model import Facet


@dataclass(frozen=True)
class ViewKind:
    """A way to show an objective with the paths over it.

    Attributes:
        suitability: Rates the kind for an objective: 0 if it cannot show it; the kind with the highest number is the
            default.
        facets: Builds the facets of a group; raises InputError if it cannot show its trajectories.
        settings: The keys of `view`, or "key: value" for single values, that only some kinds support, such as "fill" or
            "arrows: stream".
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
    """Return the kinds that can show an objective, the default first."""
    suitability = {name: kind.suitability(objective) for name, kind in view_kinds().items()}
    return sorted(filter(suitability.get, suitability), key=suitability.__getitem__, reverse=True)


def kind_of(objective: Objective, view: View) -> ViewKind:
    """Return the kind that the view asks for if it can show the objective, otherwise the default kind."""
    suitable = _suitable(objective)
    return view_kinds()[view.kind if view.kind in suitable else suitable[0]]


def kind_problems(objectives: Sequence[Objective], view: View) -> Iterator[Problem]:
    """Yield a kind, or keys that only some kinds support, that apply to none of the objectives shown together."""
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
    """Yield the keys of a view that were given, and "key: value" for strings."""
    for key in type(view).model_fields:
        value = getattr(view, key)
        if key in view.model_fields_set and value not in (None, Camera()):
            yield key
            if isinstance(value, str):
                yield f"{key}: {value}"
