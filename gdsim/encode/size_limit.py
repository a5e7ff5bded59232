"""Write a scene to a file within a size limit by reducing colours, then the frame rate, then the size in pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from gdsim.config import Output
from gdsim.encode import Progress, TooLargeError, format_of, write
from gdsim.encode.sequence import FADE
from gdsim.errors import GdsimError
from gdsim.files import temporary_folder
from gdsim.metadata import Provenance
from gdsim.render import Frames, frames
from gdsim.scene.model import Scene

LOWEST_FPS = 8  # minimum frames per second, below which motion is not perceived as continuous
SMALLEST_SIZE = (320, 120)  # minimum width and height in pixels
SHRINK = 0.85  # ratio between successive sizes


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
    """Write a scene within `output.max_bytes`, at the highest quality that fits; posters have no limit.

    The arguments are those of `gdsim.movie.save_scene`; `progress` wraps the iterable of frames of each attempt.

    Returns:
        One sentence for each reduction; empty if nothing was reduced.

    Raises:
        InputError: No format has the suffix, or the format does not support the background.
        GdsimError: The limit cannot be met and nothing is written, or the file cannot be written.
    """
    levels, limit = format_of(path).quality_levels, output.max_bytes
    transparent = output.background == "transparent"
    shown = drawn or frames(scene, transparent=transparent)
    loop = output.loop == "forever"
    options: dict[str, Any] = {**surroundings(scene, shown), "loop": loop, "provenance": provenance}
    if limit is None or not levels:
        write(shown, path, fps=scene.fps, progress=progress, **options)
        return ()
    left_out, before = shown.left_out, None
    for stage in _stages(scene, len(levels)):
        if stage.size != shown.size:  # laid out anew, so that text stays legible
            shown = frames(replace(scene, size=stage.size), transparent=transparent)
            options |= surroundings(scene, shown)
        fewer = shown if stage.fps == scene.fps else shown.sparse(max(2, round(len(scene) * stage.fps / scene.fps)))
        options |= {"fps": stage.fps, "quality_level": stage.quality_level}
        words = (levels[stage.quality_level], f"{stage.fps} frames/s", "{} × {} pixels".format(*stage.size))
        before = before or words
        try:
            write(fewer, path, max_bytes=limit, progress=progress, **options)
        except TooLargeError:
            continue
        changes = [f"{now} instead of {was}" for was, now in zip(before, words, strict=True) if was != now]
        if not changes:
            return ()
        size = format_bytes(path.stat().st_size)
        sentence = f"To keep within {format_bytes(limit)}, {path.name} has {', '.join(changes)}; it takes {size}."
        return sentence, *(each for each in shown.left_out if each not in left_out)
    with temporary_folder() as folder:
        size = format_bytes(write(fewer, folder / path.name, **options).stat().st_size)
    raise GdsimError(
        f"{path}: cannot be kept within {format_bytes(limit)}: with {', '.join(words)} it still takes {size}; "
        "allow more in output.max_bytes, or show less: fewer seconds, no panels, no arrows"
    )


def surroundings(scene: Scene, shown: Frames) -> dict[str, Any]:
    """Return what is before and after the moving frames of a scene, as arguments of `write`."""
    opening, ending = shown.poster() if scene.poster_first else None, shown.stressed()
    return {"hold": scene.hold, "opening": opening, "ending": ending, "fade": FADE}


def _stages(scene: Scene, levels: int) -> Iterator[_Stage]:
    for level in range(levels):
        stage = _Stage(level, scene.fps, scene.size)
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


def format_bytes(count: int) -> str:
    """Return a number of bytes as people read it: `"368.4 kB"`."""
    return f"{count / 1e6:.4g} MB" if count >= 10**6 else f"{count / 1e3:.4g} kB"
