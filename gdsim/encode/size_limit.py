"""Scene → a file no larger than allowed: in fewer colours, then with fewer frames, then in fewer pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from gdsim.config import Output
from gdsim.encode import Progress, TooLargeError, format_of, write
from gdsim.errors import GdsimError, InputError
from gdsim.metadata import Provenance
from gdsim.render import Frames, frames
from gdsim.scene import Scene

__all__ = ["write_within_limit"]

LOWEST_FPS = 8
"""With fewer frames per second a path no longer seems to grow."""

SMALLEST_SIZE = (320, 120)
"""Width and height in pixels below which no picture is made."""

SHRINK = 0.85
"""The ratio of one size to the next."""


class _Stage(NamedTuple):
    """One way to write a file."""

    quality_level: int
    fps: int
    size: tuple[int, int]


def write_within_limit(
    scene: Scene,
    path: Path,
    *,
    output: Output,
    provenance: Provenance | None = None,
    drawn: Frames | None = None,
    progress: Progress = iter,
) -> tuple[str, ...]:
    """Write a scene within `output.max_bytes`, in the best of the stages that fits.

    Args:
        scene: What to show.
        path: Where to write; its suffix decides the format.
        output: The size limit, the background and whether it plays once. Posters have no limit.
        provenance: The metadata to store in the file.
        drawn: The scene's frames, if they have been made already.
        progress: Wraps the iterable of frames of each try, to show progress.

    Returns:
        What was reduced to keep within the limit, a sentence each; empty where nothing was.

    Raises:
        InputError: No format has the suffix, or the format cannot have the background.
        GdsimError: The limit cannot be met, and nothing is written; or the file cannot be written.
    """
    chosen, transparent, limit = format_of(path), output.background == "transparent", output.max_bytes
    if transparent and chosen.opaque_reason:
        message = f"{path}: {chosen.name} cannot have a transparent background: {chosen.opaque_reason}"
        raise InputError(message, ("output", "background"), code="conflict")
    frames_of = {scene.size: drawn or frames(scene, transparent=transparent)}
    attempt = partial(_write, scene, frames_of, provenance=provenance, loop=output.loop == "forever")
    stages = list(_stages(scene, len(chosen.quality_levels)))
    if limit is None or not chosen.quality_levels:
        attempt(stages[0], path, max_bytes=None, progress=progress)
        return ()
    words = [_words(stage, chosen.quality_levels) for stage in stages]
    for stage, described in zip(stages, words, strict=True):
        try:
            size = attempt(stage, path, max_bytes=limit, progress=progress)
        except TooLargeError:
            continue
        if stage == stages[0]:
            return ()
        changes = ", ".join(_change(*pair) for pair in zip(words[0], described, strict=True) if pair[0] != pair[1])
        sentence = f"To keep within {_size(limit)}, {path.name} has {changes}; it takes {_size(size)}."
        before = frames_of[scene.size].left_out
        return sentence, *(each for each in frames_of[stage.size].left_out if each not in before)
    with TemporaryDirectory() as folder:
        size = attempt(stages[-1], Path(folder, path.name), max_bytes=None)
    raise GdsimError(
        f"{path}: cannot be kept within {_size(limit)}: with {', '.join(words[-1])} it still takes "
        f"{_size(size)}; allow more in output.max_bytes, or show less: fewer seconds, no panels, no arrows"
    )


def _write(scene: Scene, frames_of: dict[tuple[int, int], Frames], stage: _Stage, path: Path, **options: Any) -> int:
    """Write a scene in one way, and return how many bytes that takes; keep its frames by their size."""
    if stage.size not in frames_of:  # drawn anew for each size, so that type stays legible
        transparent = frames_of[scene.size].transparent
        frames_of[stage.size] = frames(replace(scene, size=stage.size), transparent=transparent)
    shown = frames_of[stage.size]
    if stage.fps != scene.fps:
        shown = shown.sparse(max(2, round(len(scene) * stage.fps / scene.fps)))
    write(shown, path, fps=stage.fps, hold=scene.hold, quality_level=stage.quality_level, **options)
    return path.stat().st_size


def _stages(scene: Scene, levels: int) -> Iterator[_Stage]:
    """Yield the ways to write a scene, best first."""
    stage = _Stage(0, scene.fps, scene.size)
    yield stage
    for level in range(1, levels):
        stage = stage._replace(quality_level=level)
        yield stage
    while stage.fps // 2 >= LOWEST_FPS:
        stage = stage._replace(fps=stage.fps // 2)
        yield stage
    smallest = max(least / side for least, side in zip(SMALLEST_SIZE, scene.size, strict=True))
    scale = 1.0
    while scale > smallest:
        scale = max(scale * SHRINK, smallest)
        width, height = (2 * round(side * scale / 2) for side in scene.size)
        yield stage._replace(size=(width, height))


def _words(stage: _Stage, quality_levels: tuple[str, ...]) -> tuple[str, str, str]:
    width, height = stage.size
    return quality_levels[stage.quality_level], f"{stage.fps} frames/s", f"{width} × {height} pixels"


def _change(before: str, now: str) -> str:
    """Say what a quality is and was, with the unit of both only once."""
    unit = now.rpartition(" ")[2]
    return f"{now.removesuffix(f' {unit}') if before.endswith(f' {unit}') else now} instead of {before}"


def _size(count: int) -> str:
    return f"{count / 1e6:.4g} MB" if count >= 10**6 else f"{count / 1e3:.4g} kB"
