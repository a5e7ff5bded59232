"""`gdsim slides`: a PowerPoint deck of configs, recordings and pictures, with a table of figures."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from gdsim.cli import common
from gdsim.cli.console import print_notes, progress_bars
from gdsim.errors import GdsimError, InputError, collect

if TYPE_CHECKING:
    from gdsim.analysis import Row
    from gdsim.config import Experiment
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


def slides(
    sources: Annotated[
        list[Path],
        typer.Argument(metavar="CONFIG|FILE", help="YAML files, recordings (.npz), or pictures that a run has made."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE.pptx", help="The deck to write.")],
    video: Annotated[bool, typer.Option("--video", help="Embed videos (MP4) instead of GIFs.")] = False,
    theme: common.ThemeName = None,
    template: Annotated[
        Path | None, typer.Option(metavar="FILE.pptx", help="A deck whose size, fonts and layouts are taken.")
    ] = None,
    changes: common.Set = None,
    allow_code: common.AllowCode = False,
    quiet: common.Quiet = False,
    overwrite: common.Overwrite = True,
) -> None:
    """Make a PowerPoint deck: a slide per picture, its YAML in the notes, and a table of figures."""
    from gdsim.slides import new_deck
    from gdsim.themes import theme as find_theme

    inputs = [*sources, *([template] if template else [])]
    common.check_target(out, key="--out", suffixes=(".pptx",), inputs=inputs, overwrite=overwrite)
    with common.naming_option("--theme"):
        deck_theme = find_theme(theme or "slide")
    new_deck(deck_theme, template)  # raises if the template is invalid or python-pptx is missing
    found = collect(lambda path: _read(path, video, theme, changes or (), allow_code), sources)
    deck = new_deck(found[0].theme if theme is None else deck_theme, template)
    configs: set[str] = set()
    groups: list[_ObjectiveRows] = []
    with common.writable({f"--out: {out}": out}), tempfile.TemporaryDirectory(prefix="gdsim-") as folder:
        titles = []
        for number, source in enumerate(found):
            needs_rows = source.yaml not in configs
            item, trajectories = source.draw(deck, Path(folder) / str(number), quiet, needs_rows)
            deck.add_picture(item)
            titles.append(item.provenance.title)
            if needs_rows and trajectories is not None:
                configs.add(source.yaml)
                groups += _groups(source.path, trajectories, item.theme)
        _add_table(deck, groups)
        deck.save(out, titles[0] if len(titles) == 1 else f"Gradient descent: {', '.join(dict.fromkeys(titles))}")
    print(out)


def _read(
    path: Path, video: bool, theme: str | None, changes: Sequence[str], allow_code: bool
) -> RunSource | PictureSource:
    """Read and check a source; its first bytes determine its kind."""
    from gdsim.encode.reading import output_format

    found = output_format(path)
    if found in ("gif", "png", "apng", "mp4"):
        given = {"--set": changes, "--theme": theme, "--video": video and found != "mp4"}
        return _read_picture(path, found == "mp4", [name for name, value in given.items() if value])
    if found not in (None, "npz"):
        hint = f"draw one with `gdsim run {path} --format gif --set output.background=opaque`"
        raise InputError(f"{path}: a slide holds a GIF, a PNG or an MP4; {hint}", code="unsupported")
    # These changes fit the run to a slide, and are not part of its YAML in the notes.
    fitting = ["output.preset=slide", f"output.formats=[{'mp4' if video else 'gif'}]", "output.background=opaque"]
    transient = dict.fromkeys(fitting, "gdsim slides")
    if theme is not None:
        transient[f"view.theme={theme}"] = f"--theme {theme}"
    experiment, recorded = common.load_run(path, changes, allow_code, transient)
    return RunSource(path, experiment.yaml, common.theme_of(experiment), experiment, recorded)


@dataclass(frozen=True)
class RunSource:
    """A config or a recording, which is drawn for the deck.

    Attributes:
        yaml: The configuration as the user wrote it.
        experiment: The experiment, with the pace, the size limit and the theme of a slide.
        recorded: The trajectories of a recording; None for a config.
    """

    path: Path
    yaml: str
    theme: Theme
    experiment: Experiment
    recorded: Sequence[Trajectory] | None

    def draw(
        self, deck: Deck, folder: Path, quiet: bool, _needs_rows: bool
    ) -> tuple[SlideItem, Sequence[Trajectory] | None]:
        """Simulate and draw it into a folder, in the size that a slide has for it."""
        from gdsim.encode.reading import image_size
        from gdsim.movie import make_provenance, save_scene
        from gdsim.slides import SlideItem

        experiment = self.experiment
        (suffix,) = experiment.output.formats
        scale = VIDEO_SCALE if suffix == "mp4" else 1
        picture = folder / f"{experiment.name}.{suffix}"
        poster = picture.with_suffix(".png") if suffix == "mp4" else None
        activity = "drawing" if self.recorded else "simulating and drawing"
        with progress_bars(experiment.name, activity, quiet) as progress:
            trajectories = common.trajectories_of(experiment, self.recorded, progress)
            size = [2 * round(scale * side / 2) for side in deck.picture_size]
            scene = common.scene_of(experiment, trajectories, size)
            provenance, output = make_provenance(scene, experiment), experiment.output
            bare, frames = _in_large_type(scene, deck.picture_share)
            try:
                reductions = save_scene(
                    bare, picture, output=output, provenance=provenance, drawn=frames, progress=progress("drawing")
                )
                if poster is not None:
                    save_scene(bare, poster, provenance=provenance, drawn=frames)
            except GdsimError as error:  # the message names a temporary file
                raise GdsimError(str(error).replace(str(picture), str(self.path))) from error
        if not quiet:
            print_notes([*common.notes(experiment, trajectories), *common.frame_warnings(frames), *reductions])
        shown, seconds = image_size(picture) or scene.size, len(scene) / scene.fps + scene.hold
        loop = output.loop == "forever"
        return SlideItem(picture, shown, provenance, scene.theme, poster, seconds, loop), trajectories


def _in_large_type(scene: Scene, share: float) -> tuple[Scene, Frames]:
    """Return a scene without its title, in the largest type that leaves nothing out, and its frames.

    It has a share of the slide's height.
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
            break
    return min(tried, key=lambda each: len(each[1].left_out))


@dataclass(frozen=True)
class PictureSource:
    """A picture that gdsim wrote, which is put into the deck unchanged.

    Attributes:
        yaml: Its configuration; empty if there is none.
        theme: The colours at the picture's border, or those of its configuration.
        experiment: Its configuration, if it can be loaded without running code.
        needs_poster: Whether it is a video without a poster beside it.
        warnings: What a user should know about it.
    """

    path: Path
    yaml: str
    theme: Theme
    item: SlideItem
    experiment: Experiment | None
    needs_poster: bool
    warnings: Sequence[str]

    def draw(
        self, _deck: Deck, folder: Path, quiet: bool, needs_rows: bool
    ) -> tuple[SlideItem, Sequence[Trajectory] | None]:
        """Return it unchanged, after simulating its configuration if that is quick and something needs it."""
        from gdsim.movie import save_scene

        item, experiment, path = self.item, self.experiment, self.path
        trajectories = _simulate_quickly(experiment) if self.needs_poster or needs_rows else None
        if self.needs_poster:
            if experiment is None or trajectories is None:
                beside = path.with_suffix(".png")
                message = f"{path}: a video on a slide needs a poster; put its last frame beside it as {beside}"
                raise InputError(message, code="missing")
            item = replace(item, poster=folder / f"{path.stem}.png")
            save_scene(replace(common.scene_of(experiment, trajectories), size=item.size), folder / f"{path.stem}.png")
        if not quiet:
            is_missing = needs_rows and trajectories is None
            missing = f"{path}: is not in the table: it contains no figures, and simulating it again would take long."
            print_notes([*self.warnings, *([missing] if is_missing else [])])
        return item, trajectories


def _read_picture(path: Path, is_video: bool, ignored: Sequence[str]) -> PictureSource:
    from gdsim.config import loads
    from gdsim.encode.reading import image_size, source
    from gdsim.slides import SlideItem, theme_of_picture
    from gdsim.themes import theme

    if path.stat().st_size > MAX_BYTES:
        message = f"{path}: is larger than {MAX_BYTES // 2**20} MiB, the limit for a picture on a slide"
        raise InputError(message, code="too-large")
    provenance, size = source(path), image_size(path)
    if size is None:
        message = f"{path}: does not contain its size; it was made, or rewritten, by another program"
        raise InputError(message, code="unreadable")
    warnings = []
    if ignored:
        options = " and ".join(ignored)
        warnings.append(f"{path}: is shown unchanged; {options} applies to what is drawn for the deck.")
    with path.open("rb") as file:
        if b"acTL" in file.read(2**20).partition(b"IDAT")[0]:
            warnings.append(f"{path}: will not move: PowerPoint plays no APNG; use a GIF or an MP4.")
    poster, beside = None, path.with_suffix(".png")
    if is_video and beside.is_file() and (other := image_size(beside)) is not None:
        same_shape = abs(other[0] * size[1] - other[1] * size[0]) <= 0.01 * other[0] * size[1]
        poster = beside if same_shape else None
    experiment, seconds, loop, own_theme = None, None, True, theme("slide")
    # Files that it names may be missing here, and code from a picture is never run.
    with suppress(GdsimError):
        experiment = loads(provenance.yaml, name=path.stem, file=str(path), folder=path.parent)
        seconds, loop = experiment.animation.seconds + experiment.animation.hold, experiment.output.loop == "forever"
        own_theme = common.theme_of(experiment)
    slide_theme = theme_of_picture(poster or path) or own_theme
    item = SlideItem(path, size, provenance, slide_theme, poster, seconds, loop)
    return PictureSource(path, provenance.yaml, slide_theme, item, experiment, is_video and not poster, warnings)


def _simulate_quickly(experiment: Experiment | None) -> Sequence[Trajectory] | None:
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


class _ObjectiveRows(NamedTuple):
    """The rows of a run on one objective, with the colours of their paths."""

    path: Path
    rows: list[Row]
    colors: list[str]


def _groups(path: Path, trajectories: Sequence[Trajectory], theme: Theme) -> Iterator[_ObjectiveRows]:
    from gdsim.analysis import make_rows
    from gdsim.analysis.metrics import group_by_objective
    from gdsim.scene import styles

    drawn = styles(group_by_objective(trajectories), theme.paths)
    for rows, shown in zip(make_rows(trajectories), drawn, strict=True):
        yield _ObjectiveRows(path, rows, [each.color for each in shown])


def _add_table(deck: Deck, groups: Sequence[_ObjectiveRows]) -> None:
    """Add the table of all runs to a deck, with a summary if it is about one run.

    Equal rows are shown once, as those of a config and of its picture. A title that several groups share is followed by
    the name of the run, and by a number if runs of one name share it.
    """
    from gdsim.analysis import make_table
    from gdsim.web.report.summary import summarize, title

    different: list[_ObjectiveRows] = []
    for group in groups:
        if group.rows not in [before.rows for before in different]:
            different.append(group)
    if not different:
        return
    titles = Counter(group.rows[0].objective for group in different)
    runs: Counter[tuple[str, str]] = Counter()
    rows: list[Row] = []
    colors: dict[tuple[str, str], str] = {}
    for path, shown, shades in different:
        name = shown[0].objective
        if titles[name] > 1:
            runs[name, path.stem] += 1
            number = runs[name, path.stem]
            name = f"{name} ({path.stem}{f' {number}' if number > 1 else ''})"
        rows += [replace(row, objective=name) for row in shown]
        colors |= {(name, row.optimizer): shade for row, shade in zip(shown, shades, strict=True)}
    table = make_table(rows)
    if len({group.path for group in different}) == 1:
        deck.add_table(table, title=title(table), lead=summarize(table), colors=colors)
    else:
        deck.add_table(table, title="Comparison", lead="", colors=colors)
