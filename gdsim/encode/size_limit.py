"""Write a scene to a file within a size limit by reducing colours, then the frame rate, then the size in pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from gdsim.config import Output
from gdsim.encode import Format, Progress, TooLargeError, format_of, write
from gdsim.errors import GdsimError, InputError
from gdsim.metadata import Provenance
from gdsim.render import Frames, frames
from gdsim.scene import Scene

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
    chosen, transparent = format_of(path), output.background == "transparent"
    if transparent and chosen.opaque_reason:
        message = f"{path}: {chosen.name} cannot have a transparent background: {chosen.opaque_reason}"
        raise InputError(message, ("output", "background"), code="conflict")
    shown, limit = drawn or frames(scene, transparent=transparent), output.max_bytes
    options: dict[str, Any] = {"hold": scene.hold, "loop": output.loop == "forever", "provenance": provenance}
    if limit is None or not chosen.quality_levels:
        write(shown, path, fps=scene.fps, progress=progress, **options)
        return ()
    left_out, before = shown.left_out, _words(_Stage(0, scene.fps, scene.size), chosen)
    for stage in _stages(scene, len(chosen.quality_levels)):
        if stage.size != shown.size:  # laid out anew, so that text stays legible
            shown = frames(replace(scene, size=stage.size), transparent=transparent)
        fewer = shown if stage.fps == scene.fps else shown.sparse(max(2, round(len(scene) * stage.fps / scene.fps)))
        options |= {"fps": stage.fps, "quality_level": stage.quality_level}
        words = _words(stage, chosen)
        try:
            write(fewer, path, max_bytes=limit, progress=progress, **options)
        except TooLargeError:
            continue
        changes = ", ".join(_change(*pair) for pair in zip(before, words, strict=True) if pair[0] != pair[1])
        if not changes:
            return ()
        sentence = f"To keep within {_size(limit)}, {path.name} has {changes}; it takes {_size(path.stat().st_size)}."
        return sentence, *(each for each in shown.left_out if each not in left_out)
    with TemporaryDirectory() as folder:
        size = write(fewer, Path(folder, path.name), **options).stat().st_size
    raise GdsimError(
        f"{path}: cannot be kept within {_size(limit)}: with {', '.join(words)} it still takes "
        f"{_size(size)}; allow more in output.max_bytes, or show less: fewer seconds, no panels, no arrows"
    )


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


def _words(stage: _Stage, chosen: Format) -> tuple[str, str, str]:
    width, height = stage.size
    return chosen.quality_levels[stage.quality_level], f"{stage.fps} frames/s", f"{width} × {height} pixels"


def _change(before: str, now: str) -> str:
    """Describe a changed setting, naming a common unit only once."""
    unit = now.rpartition(" ")[2]
    return f"{now.removesuffix(f' {unit}') if before.endswith(f' {unit}') else now} instead of {before}"


def _size(count: int) -> str:
    return f"{count / 1e6:.4g} MB" if count >= 10**6 else f"{count / 1e3:.4g} kB"
