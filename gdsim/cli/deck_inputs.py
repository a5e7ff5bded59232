"""The sources of a deck: configs, recordings and pictures, checked before any work, and drawn for a slide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from gdsim.cli.common import check_view, frame_warnings, notes, redrawn, theme_of
from gdsim.cli.console import print_notes, progress_bars
from gdsim.errors import GdsimError, InputError

if TYPE_CHECKING:
    from gdsim.config import Experiment
    from gdsim.metadata import Provenance
    from gdsim.render import Frames
    from gdsim.scene import Scene
    from gdsim.simulation import Trajectory
    from gdsim.slides import SlideItem
    from gdsim.slides.deck import Deck
    from gdsim.themes import Theme

MAX_BYTES = 2**28
"""The largest picture for a deck."""

QUICK_STEPS, QUICK_POINTS = 20_000, 1_000_000
"""The most steps of all optimizers, and points of all starts, that are simulated to show a picture."""

MANY_NAMES = (8, 10)
"""More names of paths than these need plain type, and small type, to fit."""

VIDEO_SCALE = 1.5
"""How much larger a video is drawn than a GIF: sharpness costs it little."""


@dataclass(frozen=True)
class DeckOptions:
    """The options of `gdsim slides` that apply to each source."""

    video: bool
    theme: str | None
    changes: Sequence[str]
    allow_code: bool
    quiet: bool

    def overrides(self) -> list[str]:
        """Return the changes that fit a config to a slide, including those of the user."""
        formats = f"output.formats=[{'mp4' if self.video else 'gif'}]"
        theme = [] if self.theme is None else [f"view.theme={self.theme}"]
        return ["output.preset=slide", *self.changes, formats, "output.background=opaque", *theme]


@dataclass(frozen=True)
class Drawn:
    """A source as its slide shows it.

    Attributes:
        item: The picture with its poster and provenance.
        trajectories: What the figures of the table are computed from; None if they are not known.
    """

    item: SlideItem
    trajectories: Sequence[Trajectory] | None


@dataclass(frozen=True)
class RunSource:
    """A config or a recording, which is drawn for the deck.

    Attributes:
        path: The file.
        own: The experiment as the user has it.
        adapted: The same with the pace, the size limit and the theme of a slide.
        trajectories: What was recorded; None for a config.
    """

    path: Path
    own: Experiment
    adapted: Experiment
    trajectories: Sequence[Trajectory] | None

    @property
    def yaml(self) -> str:
        """The configuration."""
        return self.own.yaml

    def theme(self) -> Theme:
        """Return the theme of the slide."""
        return theme_of(self.adapted)

    def draw(self, deck: Deck, folder: Path, options: DeckOptions, *, needs_rows: bool) -> Drawn:
        """Simulate and draw it into a folder, in the size that a slide has for it."""
        del needs_rows  # a run always has its trajectories
        from gdsim.encode.reading import image_size
        from gdsim.movie import make_provenance, save_scene
        from gdsim.simulation import evaluate_landscapes, simulate
        from gdsim.slides import SlideItem

        name, output = self.own.name, self.adapted.output
        picture = folder / f"{name}.{'mp4' if options.video else 'gif'}"
        poster = picture.with_suffix(".png") if options.video else None
        activity = "drawing" if self.trajectories else "simulating and drawing"
        with progress_bars(name, activity, options.quiet) as progress:
            if self.trajectories:
                trajectories: Sequence[Trajectory] = evaluate_landscapes(
                    self.own, self.trajectories, progress=progress("evaluating the loss")
                )
            else:
                trajectories = simulate(self.own, progress=progress("simulating"))
            scene = self._scene(trajectories, deck.picture_size, VIDEO_SCALE if options.video else 1.0)
            provenance = make_provenance(scene, self.own)
            bare, drawn = _in_large_type(scene, deck.picture_share)
            with _naming(picture, self.path):
                reductions = save_scene(
                    bare, picture, output=output, provenance=provenance, drawn=drawn, progress=progress("drawing")
                )
                if poster is not None:
                    save_scene(bare, poster, provenance=provenance, drawn=drawn)
        if not options.quiet:
            print_notes([*notes(self.own, trajectories), *frame_warnings(drawn), *reductions])
        size, seconds = image_size(picture) or scene.size, len(scene) / scene.fps + scene.hold
        item = SlideItem(picture, size, provenance, scene.theme, poster, seconds, output.loop == "forever")
        return Drawn(item, trajectories)

    def _scene(self, trajectories: Sequence[Trajectory], room: tuple[int, int], scale: float) -> Scene:
        from gdsim.scene import build_scene

        size = [2 * round(scale * side / 2) for side in room]
        with self.adapted.located():
            view = self.adapted.view.model_copy(update={"size": size})
            return build_scene(trajectories, view=view, animation=self.adapted.animation)


@dataclass(frozen=True)
class PictureSource:
    """A picture that gdsim wrote, which is put into the deck unchanged.

    Attributes:
        path: The file.
        size: Its width and height in pixels.
        provenance: How it was made.
        experiment: The same as a configuration; None if there is none, or none without running code.
        video: Whether it needs a poster.
        poster: A poster of the right shape beside it; None if there is none.
    """

    path: Path
    size: tuple[int, int]
    provenance: Provenance
    experiment: Experiment | None
    video: bool
    poster: Path | None

    @property
    def yaml(self) -> str:
        """The configuration; empty if there is none."""
        return self.provenance.yaml

    def theme(self) -> Theme:
        """Return the theme of the slide: the colours at the picture's border, or those of its configuration."""
        from gdsim.slides import theme_of_picture
        from gdsim.themes import theme

        found = theme_of_picture(self.poster or self.path)
        return found or (theme("slide") if self.experiment is None else theme_of(self.experiment))

    def draw(self, deck: Deck, folder: Path, options: DeckOptions, *, needs_rows: bool) -> Drawn:
        """Return it unchanged, after simulating its configuration if that is quick and something needs it."""
        del deck  # the picture keeps its size
        from gdsim.slides import SlideItem

        warnings, experiment, poster = [], self.experiment, self.poster
        given = {"--set": options.changes, "--theme": options.theme, "--video": options.video and not self.video}
        if ignored := " and ".join(name for name, value in given.items() if value):
            warnings.append(f"{self.path}: is shown unchanged; {ignored} applies to what is drawn for the deck.")
        if _is_apng(self.path):
            warnings.append(f"{self.path}: will not move: PowerPoint plays no APNG; use a GIF or an MP4.")
        needs_poster = self.video and poster is None
        trajectories = _quickly_simulated(experiment) if needs_poster or needs_rows else None
        if needs_poster:
            poster = self._draw_poster(trajectories, folder)
        if needs_rows and trajectories is None:
            warnings.append(f"{self.path}: is not in the table: its figures are not in it, nor quickly simulated.")
        if not options.quiet:
            print_notes(warnings)
        seconds = None if experiment is None else experiment.animation.seconds + experiment.animation.hold
        loop = experiment is None or experiment.output.loop == "forever"
        return Drawn(
            SlideItem(self.path, self.size, self.provenance, self.theme(), poster, seconds, loop), trajectories
        )

    def _draw_poster(self, trajectories: Sequence[Trajectory] | None, folder: Path) -> Path:
        """Draw the last frame of a video that has no poster beside it."""
        from gdsim.movie import save_scene
        from gdsim.scene import build_scene

        if self.experiment is None or trajectories is None:
            beside = self.path.with_suffix(".png")
            message = f"{self.path}: a video on a slide needs a poster; put its last frame beside it as {beside}"
            raise InputError(message, code="missing")
        scene = build_scene(trajectories, view=self.experiment.view, animation=self.experiment.animation)
        poster = folder / f"{self.path.stem}.png"
        save_scene(replace(scene, size=self.size), poster)
        return poster


def read(path: Path, options: DeckOptions) -> RunSource | PictureSource:
    """Read and check a source; its first bytes determine its kind."""
    from gdsim.encode.reading import is_output

    kind = _kind(path)
    if kind == "npz":
        return _recording(path, options)
    if kind is not None:
        return _picture(path, video=kind == "mp4")
    if is_output(path):
        hint = f"`gdsim run {path} --format gif --set output.background=opaque` makes one of it"
        raise InputError(f"{path}: a slide holds a GIF, a PNG or an MP4; {hint}", code="unsupported")
    return _config(path, options)


def _kind(path: Path) -> str | None:
    try:
        if not path.is_file():  # reading a pipe would block
            return None
        with path.open("rb") as file:
            head = file.read(12)
    except (OSError, ValueError):
        return None  # reading it as a config reports the error
    magic = {b"GIF8": "gif", b"\x89PNG": "png", b"PK\3\4": "npz"}
    return "mp4" if head[4:8] == b"ftyp" else magic.get(head[:4])


def _config(path: Path, options: DeckOptions) -> RunSource:
    from gdsim.config import load

    own = load(path, overrides=options.changes, allow_code=options.allow_code)
    from gdsim.simulation import check

    check(own)
    check_view(own)
    return RunSource(path, own, load(path, overrides=options.overrides(), allow_code=options.allow_code), None)


def _recording(path: Path, options: DeckOptions) -> RunSource:
    from gdsim import simulation

    recorded, trajectories = simulation.read(path, allow_code=options.allow_code)
    own, adapted = (
        redrawn(recorded, path, changes, options.allow_code) for changes in (options.changes, options.overrides())
    )
    return RunSource(path, own, adapted, trajectories)


def _picture(path: Path, *, video: bool) -> PictureSource:
    from gdsim.config import loads
    from gdsim.encode.reading import image_size, source

    if path.stat().st_size > MAX_BYTES:
        message = f"{path}: is larger than {MAX_BYTES // 2**20} MiB, the limit for a picture on a slide"
        raise InputError(message, code="too-large")
    provenance, size = source(path), image_size(path)
    if size is None or min(size) < 1:
        message = f"{path}: does not contain its size; it was made, or rewritten, by another program"
        raise InputError(message, code="unreadable")
    experiment = None
    # Files that it names may be missing here, and code from a picture is never run.
    with suppress(GdsimError):
        experiment = loads(provenance.yaml, name=path.stem, file=str(path), folder=path.parent)
    beside = path.with_suffix(".png")
    fits = video and beside.is_file() and _has_shape(image_size(beside), size)
    return PictureSource(path, size, provenance, experiment, video, beside if fits else None)


def _has_shape(poster: tuple[int, int] | None, size: tuple[int, int]) -> bool:
    return poster is not None and abs(poster[0] * size[1] - poster[1] * size[0]) <= 0.01 * poster[0] * size[1]


def _in_large_type(scene: Scene, share: float) -> tuple[Scene, Frames]:
    """Return a scene without its title, in the largest type that leaves nothing out, and its frames.

    Args:
        scene: The scene.
        share: The share of the slide's height that it has.
    """
    from gdsim.render import frames
    from gdsim.themes import THEMES

    plain = max(scene.theme.type, THEMES["slide"].type)
    # The first is between the size that fits the picture's height and the one that fits the slide's.
    sizes = [plain / share**0.5, plain, 1.0]
    names = len(scene.styles) if len(scene.facets) == 1 else 0
    if len(scene.groups) > 1 or names > MANY_NAMES[1]:
        sizes = sizes[2:]
    elif len(scene.facets) > 1 or names > MANY_NAMES[0]:
        sizes = sizes[1:]
    tried = []
    for size in sizes:
        bare = replace(scene, title="", theme=replace(scene.theme, type=size))
        tried.append((bare, frames(bare)))
        if not tried[-1][1].left_out:
            return tried[-1]
    return min(tried, key=lambda each: len(each[1].left_out))


@contextmanager
def _naming(target: Path, source: Path) -> Iterator[None]:
    """Name the user's file in an error, not a temporary one."""
    try:
        yield
    except InputError:
        raise
    except GdsimError as error:
        raise GdsimError(str(error).replace(str(target), str(source))) from error


def _quickly_simulated(experiment: Experiment | None) -> Sequence[Trajectory] | None:
    """Return the trajectories of a picture's configuration; None if that fails or takes long."""
    from gdsim.simulation import simulate

    if experiment is None or any(spec.network is not None for spec in experiment.objectives):
        return None
    steps = experiment.steps * len(experiment.optimizers) * len(experiment.objectives)
    starts = 1 if experiment.start is None else experiment.start.count
    if steps > QUICK_STEPS or steps * starts > QUICK_POINTS:
        return None
    with suppress(GdsimError):
        return simulate(experiment)
    return None


def _is_apng(path: Path) -> bool:
    """Return whether a picture is an animated PNG, which PowerPoint cannot play."""
    with path.open("rb") as file:
        return b"acTL" in file.read(2**20).partition(b"IDAT")[0]
