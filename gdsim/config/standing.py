"""Where a configuration stands, and whether code that stands there may run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Place"]


@dataclass(frozen=True)
class Place:
    """Where a configuration stands, and whether code that stands there may run."""

    folder: Path = Path()
    allow_code: bool = False
