"""What every output file records, so that it can be made again: YAML, seed, versions."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from importlib import metadata

TEXT_LIMIT = 4 * 2**20  # of metadata that are read from a file, in bytes: four times the limit of a configuration
TEXT_START = b'{"made by": "gdsim"'  # the beginning of the metadata in every format


@dataclass(frozen=True)
class Provenance:
    """How a picture was made, and what it shows.

    Args:
        title: The picture's title.
        alt_text: What happens in it.
        yaml: The configuration, overrides included; empty for trajectories without one.
        seed: The experiment's seed; None without a configuration.
        versions: The versions of gdsim, torch, numpy and scipy.
        caption: What happens, in clauses; empty for pictures of earlier versions.
    """

    title: str
    alt_text: str
    yaml: str
    seed: int | None
    versions: dict[str, str]
    caption: tuple[str, ...] = ()

    def to_json(self) -> str:
        """Return it as one line of ASCII, which every format can hold."""
        return json.dumps({"made by": "gdsim", **asdict(self)})

    @classmethod
    def from_json(cls, text: str) -> Provenance:
        """Read what `to_json` wrote, or raise ValueError."""
        try:
            found = json.loads(text)
        except RecursionError as error:
            raise ValueError("it is nested too deeply") from error
        if not isinstance(found, dict) or found.pop("made by", None) != "gdsim":
            raise ValueError("it was not written by gdsim")
        found.setdefault("caption", [])
        types = {"title": str, "alt_text": str, "yaml": str, "seed": int, "versions": dict, "caption": list}
        is_valid = found.keys() == types.keys() and all(
            type(value) is types[key] or (key == "seed" and value is None) for key, value in found.items()
        )
        if not is_valid or not all(isinstance(each, str) for each in (*found["versions"].values(), *found["caption"])):
            raise ValueError("its values are not those that gdsim writes")
        return cls(**found | {"caption": tuple(found["caption"])})


def versions() -> dict[str, str]:
    """Return the versions of the packages that the numbers depend on."""
    return {name: metadata.version(name) for name in ("gdsim", "torch", "numpy", "scipy")}
