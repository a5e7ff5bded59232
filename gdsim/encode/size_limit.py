"""Write a scene to a file within a size limit by reducing colours, then the frame rate, then the size in pixels."""

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
"""Minimum frames per second, below which motion is not perceived as continuous."""

SMALLEST_SIZE = (320, 120)
"""Minimum width and height in pixels."""

SHRINK = 0.85
"""Ratio between successive sizes."""


class _Stage(NamedTuple):
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
    """Write a scene within `output.max_bytes`, at the highest quality that fits.

    Args:
        scene: The scene to write.
        path: The file to write; its suffix determines the format.
        output: The size limit, the background and whether the animation repeats. Posters have no limit.
        provenance: The metadata to store in the file.
        drawn: The scene's frames, if they have already been created.
        progress: Wraps the iterable of frames of each attempt, to show progress.

    Returns:
        One sentence for each reduction; empty if nothing was reduced.

    Raises:
        InputError: No format has the suffix, or the format does not support the background.
        GdsimError: The limit cannot be met and nothing is written, or the file cannot be written.
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
    """Write a scene with the settings of a stage and return the size in bytes; frames are cached by size."""
    if stage.size not in frames_of:  # each size is laid out anew, so that text stays legible
        transparent = frames_of[scene.size].transparent
        frames_of[stage.size] = frames(replace(scene, size=stage.size), transparent=transparent)
    shown = frames_of[stage.size]
    if stage.fps != scene.fps:
        shown = shown.sparse(max(2, round(len(scene) * stage.fps / scene.fps)))
    write(shown, path, fps=stage.fps, hold=scene.hold, quality_level=stage.quality_level, **options)
    return path.stat().st_size


def _stages(scene: Scene, levels: int) -> Iterator[_Stage]:
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
    """Describe a changed setting, naming a common unit only once."""
    unit = now.rpartition(" ")[2]
    return f"{now.removesuffix(f' {unit}') if before.endswith(f' {unit}') else now} instead of {before}"


def _size(count: int) -> str:
    return f"{count / 1e6:.4g} MB" if count >= 10**6 else f"{count / 1e3:.4g} kB"
