"""Scene → a file no larger than allowed: in fewer colours, then with fewer frames, then in fewer pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from gdsim.config import Output
from gdsim.encode import Format, Progress, TooLargeError, format_of, write
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
    chosen, transparent = format_of(path), output.background == "transparent"
    if transparent and chosen.opaque_reason:
        message = f"{path}: {chosen.name} cannot have a transparent background: {chosen.opaque_reason}"
        raise InputError(message, ("output", "background"), code="conflict")
    writer = _Writer(scene, path, output, provenance, drawn or frames(scene, transparent=transparent))
    stages = list(_stages(scene, chosen))
    limit = output.max_bytes
    if limit is None or not chosen.quality_levels:
        writer.write(stages[0], path, None, progress)
        return ()
    for stage in stages:
        try:
            writer.write(stage, path, limit, progress)
        except TooLargeError:
            continue
        return writer.reductions(stages[0], stage, limit) if stage is not stages[0] else ()
    with TemporaryDirectory() as folder:
        size = writer.write(stages[-1], Path(folder, path.name), None, iter)
    raise GdsimError(
        f"{path}: cannot be kept within {_size(limit)}: with {', '.join(stages[-1].words)} it still takes "
        f"{_size(size)}; allow more in output.max_bytes, or show less: fewer seconds, no panels, no arrows"
    )


@dataclass(frozen=True)
class _Stage:
    """One way to write a file.

    Args:
        quality_level: The index in the format's quality levels.
        quality: That level in words.
        fps: Frames per second.
        size: Width and height in pixels.
    """

    quality_level: int
    quality: str
    fps: int
    size: tuple[int, int]

    @property
    def words(self) -> tuple[str, str, str]:
        """The quality, the frame rate and the size in words."""
        width, height = self.size
        return self.quality, f"{self.fps} frames/s", f"{width} × {height} pixels"


def _stages(scene: Scene, chosen: Format) -> Iterator[_Stage]:
    """Yield the ways to write a scene, best first."""
    stage = _Stage(0, "", scene.fps, scene.size)
    for level, quality in enumerate(chosen.quality_levels or ("",)):
        stage = replace(stage, quality_level=level, quality=quality)
        yield stage
    while stage.fps // 2 >= LOWEST_FPS:
        stage = replace(stage, fps=stage.fps // 2)
        yield stage
    smallest = max(least / side for least, side in zip(SMALLEST_SIZE, scene.size, strict=True))
    scale = 1.0
    while scale > smallest:
        scale = max(scale * SHRINK, smallest)
        width, height = (2 * round(side * scale / 2) for side in scene.size)
        yield replace(stage, size=(width, height))


class _Writer:
    """Writes one scene to a file, stage by stage, and keeps its frames in each size."""

    def __init__(self, scene: Scene, path: Path, output: Output, provenance: Provenance | None, drawn: Frames) -> None:
        self._scene, self._path, self._drawn = scene, path, {scene.size: drawn}
        self._loop, self._provenance = output.loop == "forever", provenance

    def write(self, stage: _Stage, path: Path, limit: int | None, progress: Progress) -> int:
        """Write the file, and return how many bytes it has.

        Raises:
            TooLargeError: It has more than the limit.
        """
        shown = self._frames(stage.size)
        if stage.fps != self._scene.fps:
            shown = shown.sparse(max(2, round(len(self._scene) * stage.fps / self._scene.fps)))
        write(
            shown,
            path,
            fps=stage.fps,
            hold=self._scene.hold,
            loop=self._loop,
            quality_level=stage.quality_level,
            max_bytes=limit,
            provenance=self._provenance,
            progress=progress,
        )
        return path.stat().st_size

    def reductions(self, first: _Stage, stage: _Stage, limit: int) -> tuple[str, ...]:
        """Say what a stage reduces, and what no longer has room in a smaller picture."""
        pairs = zip(first.words, stage.words, strict=True)
        changes = ", ".join(_change(before, now) for before, now in pairs if now != before)
        size = _size(self._path.stat().st_size)
        sentence = f"To keep within {_size(limit)}, {self._path.name} has {changes}; it takes {size}."
        before = self._frames(first.size).left_out
        return sentence, *(words for words in self._frames(stage.size).left_out if words not in before)

    def _frames(self, size: tuple[int, int]) -> Frames:
        """The frames in a size, drawn anew for it, so that type stays legible."""
        if size not in self._drawn:
            transparent = self._drawn[self._scene.size].transparent
            self._drawn[size] = frames(replace(self._scene, size=size), transparent=transparent)
        return self._drawn[size]


def _change(before: str, now: str) -> str:
    """Say what a quality is and was, with the unit of both only once."""
    unit = now.rpartition(" ")[2]
    return f"{now.removesuffix(f' {unit}') if before.endswith(f' {unit}') else now} instead of {before}"


def _size(count: int) -> str:
    return f"{count / 1e6:.4g} MB" if count >= 10**6 else f"{count / 1e3:.4g} kB"
