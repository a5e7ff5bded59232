"""Names that a configuration uses and packages above it declare, such as the kinds of views: found on first use."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import PydanticKnownError, core_schema

from gdsim.errors import InputError, Problem
from gdsim.networks import Network
from gdsim.networks.scores import class_problem, image_of
from gdsim.objectives import Objective

if TYPE_CHECKING:
    from gdsim.config.view import View

__all__ = ["OneOf", "PanelKind", "ViewKind", "formats", "panel_kinds", "view_kinds"]


class ViewKind(Protocol):
    """One kind of view, `view: {kind: …}`."""

    @property
    def name(self) -> str:
        """The name in the configuration."""

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of a view that belong to this kind and not to all; `"arrows: stream"` is a single value."""

    @property
    def preference(self) -> int:
        """The default of an objective is the kind with the highest preference that fits it."""

    def fits(self, objective: Objective) -> bool:
        """Return whether an objective can be shown in this way."""


class PanelKind(Protocol):
    """One kind of panel, `view: {panels: […]}`."""

    @property
    def name(self) -> str:
        """The name in the configuration."""

    def problems(self, view: View, objective: Objective, network: Network | None) -> Iterator[Problem]:
        """Yield why an objective has nothing to show in this panel; keys are relative to the view."""


def view_kinds() -> Mapping[str, ViewKind]:
    """Return the kinds of views by name."""
    return {each.name: each for each in _VIEWS}


def panel_kinds() -> Mapping[str, PanelKind]:
    """Return the kinds of panels by name."""
    return {each.name: each for each in _PANELS}


def formats() -> Mapping[str, Any]:
    """Return the output formats by name, as `gdsim.encode.formats` declares them."""
    found: Mapping[str, Any] = import_module("gdsim.encode.formats").formats()
    return found


@dataclass(frozen=True)
class OneOf:
    """Annotates a text that must be one of the names of a lookup, which is done on first use.

    Args:
        lookup: Returns what is declared, by name.
    """

    lookup: Callable[[], Mapping[str, Any]]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Validate the text."""
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler) -> Any:
        """List the names."""
        return {"enum": list(self.lookup()), "type": "string"}

    def _check(self, name: str) -> str:
        if name not in self.lookup():
            raise PydanticKnownError("literal_error", {"expected": ", ".join(self.lookup())})
        return name


@dataclass(frozen=True)
class _View:
    name: str
    keys: tuple[str, ...]
    preference: int
    dims: range
    of_images: bool = False

    def fits(self, objective: Objective) -> bool:
        return objective.dim in self.dims and (objective.kind == "image" or not self.of_images)


@dataclass(frozen=True)
class _Panel:
    name: str
    shows: tuple[str, ...] = ("function", "network", "image")
    instead: str = ""

    def problems(self, view: View, objective: Objective, network: Network | None) -> Iterator[Problem]:
        key = ("panels", view.panels.index(self.name))
        if objective.kind not in self.shows:
            yield Problem(f"{self.name} goes with {self.instead}", key, "unsupported")
        elif network is not None and self.name == "accuracy" and network.data.classes is None:
            yield Problem(f"accuracy goes with classes, and y of {network.data.name} holds numbers", key, "unsupported")
        elif network is not None and self.name == "saliency":
            yield from _saliency_problems(view, network, key)


def _saliency_problems(view: View, network: Network, panel: tuple[str | int, ...]) -> Iterator[Problem]:
    data, wanted = network.data, view.saliency
    if data.image is None or data.classes is None:
        lacks = "images" if data.image is None else "classes"
        others = "digits has, and an .npz file whose x is (n, channels, rows, columns) and whose y holds whole numbers"
        yield Problem(f"saliency goes with images in classes, and {data.name} has no {lacks}; {others}", panel)
        return
    try:
        image_of(data, wanted.image)
    except InputError as error:
        given = "image" in wanted.model_fields_set
        yield Problem(error.message, ("saliency", "image") if given else panel, error.code)
    if problem := class_problem(data, wanted.target or 0):
        yield Problem(problem, ("saliency", "class"))
    if wanted.method == "gradcam" and network.name == "mlp":
        message = "gradcam looks at the last convolution, and an mlp has none; cnn has"
        yield Problem(message, ("saliency", "method"), "unsupported")


_OF_NETWORKS = "a network: objective: {network: mlp, data: digits}"
_OF_FUNCTIONS = "a function, not with a network"
_VIEWS = (
    _View("contour", ("fill", "levels", "arrows: stream"), 2, range(2, 10**9)),
    _View("surface", ("levels", "heights", "camera"), 1, range(2, 10**9)),
    _View("curve", ("arrows_at",), 3, range(1, 2)),
    _View("image", (), 4, range(2, 10**9), of_images=True),
)
_PANELS = (
    _Panel("loss"),
    _Panel("gradient_norm"),
    _Panel("distance", ("function", "image"), _OF_FUNCTIONS),
    _Panel("learning_rate"),
    _Panel("step_size"),
    _Panel("angle", ("function", "image"), _OF_FUNCTIONS),
    _Panel("accuracy", ("network",), _OF_NETWORKS),
    _Panel("layers", ("network",), _OF_NETWORKS),
    _Panel("weights", ("network",), _OF_NETWORKS),
    _Panel("off_plane", ("network",), _OF_NETWORKS),
    _Panel("saliency", ("network", "image"), _OF_NETWORKS),
    _Panel("score", ("image",), "a class that is descended: objective: {network: …, wrt: input}"),
)
