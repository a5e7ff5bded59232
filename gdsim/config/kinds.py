"""Names that a configuration uses and packages above it declare, such as the kinds of views: found on first use."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import PydanticKnownError, core_schema

from gdsim.errors import Problem
from gdsim.networks import Network
from gdsim.objectives import Objective


def formats() -> Mapping[str, Any]:
    """Return the output formats by name."""
    found: Mapping[str, Any] = import_module("gdsim.encode.formats").formats()
    return found


def view_kinds() -> Mapping[str, Any]:
    """Return the kinds of views by name."""
    found: Mapping[str, Any] = import_module("gdsim.scene").view_kinds()
    return found


def panel_kinds() -> Mapping[str, Any]:
    """Return the kinds of panels by name."""
    found: Mapping[str, Any] = import_module("gdsim.scene").panel_kinds()
    return found


def view_problems(objectives: Sequence[Objective], networks: Sequence[Network | None], view: Any) -> Iterator[Problem]:
    """Yield what a view asks for that objectives, or networks that are trained, do not have; keys are below `view`."""
    scene = import_module("gdsim.scene")
    yield from scene.view_problems(objectives, view)
    for network in networks:
        if network is not None:
            yield from scene.training_problems(network, view)


@dataclass(frozen=True)
class OneOf:
    """Annotates text that must be one of the names of a lookup, which is called on first use."""

    lookup: Callable[[], Mapping[str, Any]]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler) -> Any:
        return {"enum": list(self.lookup()), "type": "string"}

    def _check(self, name: str) -> str:
        if name not in self.lookup():
            raise PydanticKnownError("literal_error", {"expected": ", ".join(self.lookup())})
        return name
