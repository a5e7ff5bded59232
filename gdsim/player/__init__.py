"""A scene → one self-contained page on which it can be played, stopped and asked."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from gdsim.files import atomic_write
from gdsim.metadata import Provenance
from gdsim.player.page import notes, page
from gdsim.scene import Scene

__all__ = ["notes", "page", "write_player"]


def write_player(
    scene: Scene, path: str | PathLike[str], *, provenance: Provenance | None = None, loop: bool = True
) -> Path:
    """Write the page; it appears when it is whole, or not at all.

    Args:
        scene: What is to be seen.
        path: Where to write; folders on the way are made.
        provenance: How it was made; travels inside the page, and its YAML can be read and copied there.
        loop: Whether the animation begins anew at first; the reader can change that.

    Returns:
        The path, as given.

    Raises:
        GdsimError: The file cannot be written.
    """
    target = Path(path)
    text = page(scene, provenance, loop)
    with atomic_write(target) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")
    return target
