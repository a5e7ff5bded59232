"""The sources of a deck: configs, recordings and pictures, checked before any work, and drawn for a slide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from gdsim.cli.common import frame_warnings, load_all, load_one, notes, redrawn, theme_of
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


@dataclass(frozen=True)
class RunSource:
    """A config or a recording, which is drawn for the deck.

    Attributes:
        path: The file.
        yaml: The user's configuration.
        own: The same as an experiment.
        adapted: The same with the pace, the size limit and the theme of a slide.
        recorded: The trajectories of a recording; None for a config.
    """

    path: Path
    yaml: str
    own: Experiment
    adapted: Experiment
    recorded: Sequence[Trajectory] | None

    def theme(self) -> Theme:
        """Return the theme of the slide."""
        return theme_of(self.adapted)

    def draw(
        self, deck: Deck, folder: Path, options: DeckOptions, _needs_rows: bool
    ) -> tuple[SlideItem, Sequence[Trajectory] | None]:
        """Simulate and draw it into a folder, in the size that a slide has for it."""
        from gdsim.encode.reading import image_size
        from gdsim.movie import make_provenance, save_scene
        from gdsim.scene import build_scene
        from gdsim.simulation import evaluate_landscapes, run_optimizers
        from gdsim.slides import SlideItem

        output, view = self.adapted.output, self.adapted.view
        picture = folder / f"{self.own.name}.{'mp4' if options.video else 'gif'}"
        poster = picture.with_suffix(".png") if options.video else None
        activity = "drawing" if self.recorded else "simulating and drawing"
        with progress_bars(self.own.name, activity, options.quiet) as progress:
            trajectories = self.recorded or run_optimizers(self.own, progress=progress("simulating"))
            trajectories = evaluate_landscapes(self.own, trajectories, progress=progress("evaluating the loss"))
            size = [2 * round((VIDEO_SCALE if options.video else 1) * side / 2) for side in deck.picture_size]
            with self.adapted.located():
                view = view.model_copy(update={"size": size})
                scene = build_scene(trajectories, view=view, animation=self.adapted.animation)
            provenance = make_provenance(scene, self.own)
            bare, frames = _in_large_type(scene, deck.picture_share)
            with _naming(picture, self.path):
                reductions = save_scene(
                    bare, picture, output=output, provenance=provenance, drawn=frames, progress=progress("drawing")
                )
                if poster is not None:
                    save_scene(bare, poster, provenance=provenance, drawn=frames)
        if not options.quiet:
            print_notes([*notes(self.own, trajectories), *frame_warnings(frames), *reductions])
        shown, seconds = image_size(picture) or scene.size, len(scene) / scene.fps + scene.hold
        loop = output.loop == "forever"
        return SlideItem(picture, shown, provenance, scene.theme, poster, seconds, loop), trajectories


@dataclass(frozen=True)
class PictureSource:
    """A picture that gdsim wrote, which is put into the deck unchanged.

    Attributes:
        path: The file.
        yaml: Its configuration; empty if there is none.
        size: Its width and height in pixels.
        provenance: How it was made.
        experiment: Its configuration, if it can be loaded without running code.
        video: Whether it needs a poster.
        poster: A poster of the right shape beside it; None if there is none.
    """

    path: Path
    yaml: str
    size: tuple[int, int]
    provenance: Provenance
    experiment: Experiment | None
    video: bool
    poster: Path | None

    def theme(self) -> Theme:
        """Return the theme of the slide: the colours at the picture's border, or those of its configuration."""
        from gdsim.slides import theme_of_picture
        from gdsim.themes import theme

        found = theme_of_picture(self.poster or self.path)
        return found or (theme("slide") if self.experiment is None else theme_of(self.experiment))

    def draw(
        self, _deck: Deck, folder: Path, options: DeckOptions, needs_rows: bool
    ) -> tuple[SlideItem, Sequence[Trajectory] | None]:
        """Return it unchanged, after simulating its configuration if that is quick and something needs it."""
        from gdsim.movie import save_scene
        from gdsim.scene import build_scene
        from gdsim.slides import SlideItem

        warnings, experiment, poster, path = [], self.experiment, self.poster, self.path
        given = {"--set": options.changes, "--theme": options.theme, "--video": options.video and not self.video}
        if ignored := " and ".join(name for name, value in given.items() if value):
            warnings.append(f"{path}: is shown unchanged; {ignored} applies to what is drawn for the deck.")
        with path.open("rb") as file:
            is_apng = b"acTL" in file.read(2**20).partition(b"IDAT")[0]
        if is_apng:
            warnings.append(f"{path}: will not move: PowerPoint plays no APNG; use a GIF or an MP4.")
        needs_poster = self.video and poster is None
        trajectories = _quickly_simulated(experiment) if needs_poster or needs_rows else None
        if needs_poster:
            if experiment is None or trajectories is None:
                beside = path.with_suffix(".png")
                message = f"{path}: a video on a slide needs a poster; put its last frame beside it as {beside}"
                raise InputError(message, code="missing")
            scene = build_scene(trajectories, view=experiment.view, animation=experiment.animation)
            poster = folder / f"{path.stem}.png"
            save_scene(replace(scene, size=self.size), poster)
        if needs_rows and trajectories is None:
            warnings.append(f"{path}: is not in the table: its figures are not in it, nor quickly simulated.")
        if not options.quiet:
            print_notes(warnings)
        seconds = None if experiment is None else experiment.animation.seconds + experiment.animation.hold
        loop = experiment is None or experiment.output.loop == "forever"
        return SlideItem(path, self.size, self.provenance, self.theme(), poster, seconds, loop), trajectories


def read(path: Path, options: DeckOptions) -> RunSource | PictureSource:
    """Read and check a source; its first bytes determine its kind."""
    from gdsim.encode.reading import is_output

    kind = _kind(path)
    if kind in ("gif", "png", "mp4"):
        return _picture(path, video=kind == "mp4")
    if kind != "npz" and is_output(path):
        hint = f"`gdsim run {path} --format gif --set output.background=opaque` makes one of it"
        raise InputError(f"{path}: a slide holds a GIF, a PNG or an MP4; {hint}", code="unsupported")
    theme = [] if options.theme is None else [f"view.theme={options.theme}"]
    formats = f"output.formats=[{'mp4' if options.video else 'gif'}]"
    adaptation = ["output.preset=slide", *options.changes, formats, "output.background=opaque", *theme]
    if kind == "npz":
        from gdsim import simulation

        recorded, trajectories = simulation.read(path, allow_code=options.allow_code)
        own = redrawn(recorded, path, options.changes, options.allow_code)
        return RunSource(path, own.yaml, own, redrawn(recorded, path, adaptation, options.allow_code), trajectories)
    (own,) = load_all([path], options.changes, options.allow_code)
    return RunSource(path, own.yaml, own, load_one(path, adaptation, options.allow_code), None)


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
    experiment, poster = None, None
    # Files that it names may be missing here, and code from a picture is never run.
    with suppress(GdsimError):
        experiment = loads(provenance.yaml, name=path.stem, file=str(path), folder=path.parent)
    beside = path.with_suffix(".png")
    if video and beside.is_file() and (other := image_size(beside)) is not None:
        same_shape = abs(other[0] * size[1] - other[1] * size[0]) <= 0.01 * other[0] * size[1]
        poster = beside if same_shape else None
    return PictureSource(path, provenance.yaml, size, provenance, experiment, video, poster)


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
