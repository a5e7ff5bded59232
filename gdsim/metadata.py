"""How a picture was made: what travels inside every file that gdsim writes, so that it can be made again."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from importlib import metadata

__all__ = ["TEXT_LIMIT", "Provenance", "versions"]

TEXT_LIMIT = 4 * 2**20
"""The most bytes of such words that are read from a file: four times what a configuration may have, and some."""


@dataclass(frozen=True)
class Provenance:
    """How a picture was made, and what is seen in it.

    Args:
        title: The picture's title.
        alt_text: What happens in it.
        yaml: The configuration's text, overrides included; empty where trajectories were drawn that have none.
        seed: What random starts and noise were drawn by; None without a configuration.
        versions: Package → version: gdsim, torch and numpy.
    """

    title: str
    alt_text: str
    yaml: str
    seed: int | None
    versions: dict[str, str]

    def to_json(self) -> str:
        """Return all of it on one line of ASCII, which every format can hold."""
        return json.dumps({"made by": "gdsim", **asdict(self)})

    @classmethod
    def from_json(cls, text: str) -> Provenance:
        """Read what `to_json` has written.

        Raises:
            ValueError: The text is something else.
        """
        try:
            found = json.loads(text)
        except RecursionError as error:
            raise ValueError("it is nested too deeply") from error
        if not isinstance(found, dict) or found.pop("made by", None) != "gdsim":
            raise ValueError("it is not gdsim's")
        if found.keys() != {field.name for field in fields(cls)}:
            raise ValueError("it has other keys than gdsim writes")
        given, seed, packages = cls(**found), found["seed"], found["versions"]
        texts = [given.title, given.alt_text, given.yaml]
        if isinstance(packages, dict):
            texts += packages.values()
        known = all(isinstance(each, str) for each in texts) and isinstance(packages, dict)
        if not known or isinstance(seed, bool) or not isinstance(seed, int | None):
            raise ValueError("its values are of other types than gdsim writes")
        return given


def versions() -> dict[str, str]:
    """Return the versions of the packages that the numbers come from."""
    return {name: metadata.version(name) for name in ("gdsim", "torch", "numpy")}
