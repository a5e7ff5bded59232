"""Scene → a file no larger than asked for: fewer colours, then fewer frames, then fewer pixels."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from gdsim.config import Output, opaque_only
from gdsim.encode import QUALITY_LEVELS, Progress, TooLargeError, write
from gdsim.errors import GdsimError, InputError
from gdsim.metadata import Provenance
from gdsim.render import Frames, frames
from gdsim.scene import Scene

__all__ = ["write_within_limit"]

SLOWEST = 8
"""Below so many frames a second a path no longer seems to grow."""

SMALLEST = (320, 120)
"""Width and height in pixels below which a picture is not taken."""

SMALLER = 0.85
"""How much of its sides a picture keeps from one size to the next."""

FEW, MORE = 4, 12
"""How many frames are written to learn how large a file of all of them would be."""

DOUBT = 1.04
"""By how much such a forecast may pass the limit and still be worth a try."""


@dataclass(frozen=True)
class _Way:
    """One way to write a file.

    Args:
        quality_level: The stage of `QUALITY_LEVELS`.
        fps: Frames a second.
        size: Width and height in pixels.
    """

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
    """Write a scene within `output.max_bytes`, giving up no more than that takes.

    Args:
        scene: What to show.
        path: Where to write; its suffix decides the format.
        output: Gives the limit, the background and whether it plays once. Posters are not held to the limit.
        provenance: How it was made, which travels inside.
        drawn: The scene's frames, where they have been made already.
        progress: Wraps the iterable of frames of each try, to show progress.

    Returns:
        What was given up, a sentence each; nothing where nothing was.

    Raises:
        InputError: The suffix stands for no format, or for one that cannot have the background.
        GdsimError: The limit cannot be met, and nothing is written; or the file cannot be written.
    """
    suffix = path.suffix.lower()
    transparent = output.background == "transparent"
    if transparent and (why := opaque_only(suffix.removeprefix("."))):
        raise InputError(f"{path}: {why}", ("output", "background"))
    work = _Work(scene, path, output, provenance, drawn or frames(scene, transparent=transparent))
    limit = output.max_bytes
    if limit is None or suffix not in QUALITY_LEVELS:
        work.write(work.first, path, progress)
        return ()
    if work.fits(work.first, limit, progress):
        return ()
    ways = [work.first, *_ways(scene, len(QUALITY_LEVELS[suffix]))]
    likely = bisect_left(ways, True, lo=1, key=lambda way: work.forecast(way) <= DOUBT * limit)
    tried = range(min(likely, max(len(ways) - 1, 1)), len(ways))
    found = next((index for index in tried if work.fits(ways[index], limit, progress)), None)
    if found is None:
        raise GdsimError(work.refusal(ways[-1], limit))
    # By as much as the forecast was wrong for this way, it will have been for those that give up less.
    error = path.stat().st_size / work.forecast(ways[found])
    likely = bisect_left(ways, True, lo=1, hi=found, key=lambda way: error * work.forecast(way) <= limit)
    better = next((index for index in range(likely, found) if work.fits(ways[index], limit, progress)), found)
    return work.given_up(ways[better], limit)


def _ways(scene: Scene, stages: int) -> Iterator[_Way]:
    """The ways that are left when the best is too large, from what gives up least to what gives up most."""
    way = _Way(0, scene.fps, scene.size)
    for quality_level in range(1, stages):
        way = replace(way, quality_level=quality_level)
        yield way
    while way.fps // 2 >= SLOWEST:
        way = replace(way, fps=way.fps // 2)
        yield way
    least, share = max(least / side for least, side in zip(SMALLEST, scene.size, strict=True)), 1.0
    while share > least:
        share = max(share * SMALLER, least)
        width, height = (2 * round(side * share / 2) for side in scene.size)
        yield replace(way, size=(width, height))


class _Work:
    """The work of writing one scene to one file.

    Args:
        scene: What to show.
        path: Where to.
        output: How.
        provenance: How it was made.
        drawn: The scene's frames.
    """

    def __init__(self, scene: Scene, path: Path, output: Output, provenance: Provenance | None, drawn: Frames) -> None:
        self.first = _Way(0, scene.fps, scene.size)
        self._scene, self._path, self._drawn = scene, path, {scene.size: drawn}
        self._forecasts: dict[_Way, float] = {}
        self._write = partial(write, hold=scene.hold, loop=output.loop == "forever", provenance=provenance)

    def write(self, way: _Way, path: Path, progress: Progress, max_bytes: int | None = None) -> int:
        """Write the file in one way, and return how many bytes it has."""
        shown = self._frames(way.size)
        if way.fps != self._scene.fps:
            shown = shown.sparse(self._count(way))
        self._write(shown, path, fps=way.fps, quality_level=way.quality_level, max_bytes=max_bytes, progress=progress)
        return path.stat().st_size

    def fits(self, way: _Way, limit: int, progress: Progress) -> bool:
        """Write the file in one way if it comes out no larger than the limit, and tell whether it did."""
        try:
            self.write(way, self._path, progress, limit)
        except TooLargeError:
            return False
        return True

    def forecast(self, way: _Way) -> float:
        """Return about how many bytes the file would have: so many for all that is drawn, and some for each frame."""
        if way not in self._forecasts:
            self._forecasts[way] = self._sampled(way)
        return self._forecasts[way]

    def _sampled(self, way: _Way) -> float:
        with TemporaryDirectory() as folder:
            sample = Path(folder, f"sample{self._path.suffix}")
            bytes_of = {}
            for count in (FEW, MORE):
                shown = self._frames(way.size).sparse(count)
                bytes_of[count] = (
                    self._write(shown, sample, fps=way.fps, quality_level=way.quality_level).stat().st_size
                )
        each = max(bytes_of[MORE] - bytes_of[FEW], 0) / (MORE - FEW)
        return bytes_of[MORE] + each * (self._count(way) - MORE)

    def given_up(self, way: _Way, limit: int) -> tuple[str, ...]:
        """Say what a way gives up, and what finds no room any more in a smaller picture."""
        pairs = zip(self._words(way), self._words(self.first), strict=True)
        changes = ", ".join(_change(before, now) for now, before in pairs if now != before)
        size = _size(self._path.stat().st_size)
        sentence = f"To keep within {_size(limit)}, {self._path.name} has {changes}; it takes {size}."
        before = self._frames(self.first.size).left_out
        return sentence, *(words for words in self._frames(way.size).left_out if words not in before)

    def refusal(self, way: _Way, limit: int) -> str:
        """Say how near the last way comes to the limit."""
        with TemporaryDirectory() as folder:
            size = self.write(way, Path(folder, f"sample{self._path.suffix}"), iter)
        return (
            f"{self._path}: cannot be kept within {_size(limit)}: with {', '.join(self._words(way))} it still takes "
            f"{_size(size)}; allow more in output.max_bytes, or show less: fewer seconds, no panels, no arrows"
        )

    def _words(self, way: _Way) -> tuple[str, str, str]:
        width, height = way.size
        quality_level = QUALITY_LEVELS[self._path.suffix.lower()][way.quality_level]
        return quality_level, f"{way.fps} frames/s", f"{width} × {height} pixels"

    def _count(self, way: _Way) -> int:
        return max(2, round(len(self._scene) * way.fps / self._scene.fps))

    def _frames(self, size: tuple[int, int]) -> Frames:
        """The frames in a size, drawn anew for it, so that type keeps one that is read."""
        if size not in self._drawn:
            transparent = self._drawn[self._scene.size].transparent
            self._drawn[size] = frames(replace(self._scene, size=size), transparent=transparent)
        return self._drawn[size]


def _change(before: str, now: str) -> str:
    """What a quality was and is, the unit of both named once."""
    unit = now.rpartition(" ")[2]
    return f"{now.removesuffix(f' {unit}') if before.endswith(f' {unit}') else now} instead of {before}"


def _size(count: int) -> str:
    """A number of bytes in words."""
    return f"{count / 1e6:.4g} MB" if count >= 10**6 else f"{count / 1e3:.4g} kB"
