"""Names that a configuration uses but packages above `config` declare: they are looked up there on first use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import PydanticKnownError, core_schema

__all__ = ["OneOf", "formats"]


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
