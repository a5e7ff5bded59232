"""What a deck is made of: configs, recordings and pictures, read and checked before any work is done."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gdsim.cli.common import check_view, redrawn
from gdsim.errors import GdsimError, InputError

# What is heavy is imported where it is used, so that mistakes come at once.
if TYPE_CHECKING:
    from gdsim.config import Experiment
    from gdsim.metadata import Provenance
    from gdsim.simulation import Trajectory
    from gdsim.themes import Theme

__all__ = ["Picture", "Run", "Wanted", "is_apng", "look_of", "read", "theme_of"]

LARGEST = 2**28
"""No picture that goes into a deck is larger, in bytes."""


@dataclass(frozen=True)
class Wanted:
    """What the options ask for."""

    video: bool
    theme: str | None
    changes: Sequence[str]
    allow_code: bool
    quiet: bool


@dataclass(frozen=True)
class Run:
    """A config or a recording, which is drawn for the deck.

    Args:
        path: The file.
        own: The experiment as the user has it.
        adapted: The same with the pace, the budget and the look of a slide.
        trajectories: What was recorded; None for a config.
    """

    path: Path
    own: Experiment
    adapted: Experiment
    trajectories: Sequence[Trajectory] | None


@dataclass(frozen=True)
class Picture:
    """A picture that gdsim wrote, which goes into the deck as it is.

    Args:
        path: The file.
        size: Its width and height in pixels.
        provenance: How it was made.
        experiment: The same as a configuration; None where there is none, or none without running code.
        video: Whether it needs a poster.
        poster: The one that stands beside it; None where there is none that fits.
    """

    path: Path
    size: tuple[int, int]
    provenance: Provenance
    experiment: Experiment | None
    video: bool
    poster: Path | None


def read(path: Path, wanted: Wanted) -> Run | Picture:
    """Read and check a source, whose first bytes tell what it is."""
    from gdsim.encode.reading import is_output

    kind = _kind(path)
    if kind == "npz":
        return _recording(path, wanted)
    if kind is not None:
        return _picture(path, video=kind == "mp4")
    if is_output(path):
        made = f"`gdsim run {path} --format gif --set output.background=opaque` makes one of it"
        raise InputError(f"{path}: a slide holds a GIF, a PNG or an MP4; {made}")
    return _config(path, wanted)


def _kind(path: Path) -> str | None:
    try:
        if not path.is_file():  # a pipe would be waited for
            return None
        with path.open("rb") as file:
            head = file.read(12)
    except (OSError, ValueError):
        return None  # which is told where it is read as a config
    begins = {b"GIF8": "gif", b"\x89PNG": "png", b"PK\3\4": "npz"}
    return "mp4" if head[4:8] == b"ftyp" else begins.get(head[:4])


def _adaptation(wanted: Wanted) -> list[str]:
    """The changes that fit a config to a slide, those of the user among them."""
    theme = [] if wanted.theme is None else [f"view.theme={wanted.theme}"]
    written = f"output.formats=[{'mp4' if wanted.video else 'gif'}]"
    return ["output.preset=slide", *wanted.changes, written, "output.background=opaque", *theme]


def _config(path: Path, wanted: Wanted) -> Run:
    from gdsim.config import load

    own = load(path, overrides=wanted.changes, allow_code=wanted.allow_code)
    from gdsim.simulation import check

    check(own)
    check_view(own)
    return Run(path, own, load(path, overrides=_adaptation(wanted), allow_code=wanted.allow_code), None)


def _recording(path: Path, wanted: Wanted) -> Run:
    from gdsim import simulation

    recorded = simulation.read(path, allow_code=wanted.allow_code)
    own = redrawn(recorded, path, wanted.changes, {}, wanted.allow_code)
    return Run(path, own, redrawn(recorded, path, _adaptation(wanted), {}, wanted.allow_code), recorded[1])


def _picture(path: Path, *, video: bool) -> Picture:
    from gdsim.config import loads
    from gdsim.encode.reading import image_size, source

    if path.stat().st_size > LARGEST:
        raise InputError(f"{path}: is larger than {LARGEST // 2**20} MiB, which no slide should hold")
    provenance, size = source(path), image_size(path)
    if size is None or min(size) < 1:
        raise InputError(f"{path}: does not say how large it is; it was made, or rewritten, by another program")
    experiment = None
    # What it names may be missing here, and code that comes in a picture is never run.
    with suppress(GdsimError):
        experiment = loads(provenance.yaml, name=path.stem, file=str(path), folder=path.parent)
    beside = path.with_suffix(".png")
    fits = video and beside.is_file() and _fits(image_size(beside), size)
    return Picture(path, size, provenance, experiment, video, beside if fits else None)


def _fits(poster: tuple[int, int] | None, size: tuple[int, int]) -> bool:
    """Whether a poster has a video's shape."""
    return poster is not None and abs(poster[0] * size[1] - poster[1] * size[0]) <= 0.01 * poster[0] * size[1]


def theme_of(experiment: Experiment) -> Theme:
    """Return the theme of an experiment's pictures."""
    from gdsim.themes import theme

    choice = experiment.view.theme
    return theme(choice if isinstance(choice, str) else choice.given())


def look_of(source: Run | Picture) -> Theme:
    """The colours of the slide around a source."""
    from gdsim.slides import theme_around
    from gdsim.themes import theme

    if isinstance(source, Run):
        return theme_of(source.adapted)
    found = theme_around(source.poster or source.path)
    if found is None:
        found = theme("slide") if source.experiment is None else theme_of(source.experiment)
    return found


def is_apng(path: Path) -> bool:
    """Return whether a picture is an APNG that moves, which PowerPoint does not know."""
    with path.open("rb") as file:
        return b"acTL" in file.read(2**20).partition(b"IDAT")[0]
