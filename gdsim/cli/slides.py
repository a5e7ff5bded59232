"""`gdsim slides`: a PowerPoint deck of configs, recordings and pictures, with a table of figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gdsim.cli import common
from gdsim.cli.completion import files_with
from gdsim.cli.console import print_lines, print_notes, progress_bars
from gdsim.errors import GdsimError, InputError, collect
from gdsim.files import YAML_SUFFIXES, temporary_folder

if TYPE_CHECKING:
    from gdsim.analysis import Row
    from gdsim.config import Experiment
    from gdsim.languages import Language
    from gdsim.render import Frames
    from gdsim.scene.model import Scene
    from gdsim.simulation import Trajectory
    from gdsim.slides import SlideItem
    from gdsim.slides.deck import Deck
    from gdsim.sweeps import SweepResult
    from gdsim.themes import Theme

MAX_BYTES = 2**28  # largest picture for a deck
MANY_NAMES = (8, 10)  # more names of paths than these need plain type, and small type, to fit
VIDEO_SCALE = 1.5  # how much larger a video is drawn than a GIF: sharpness costs it little


def slides(
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="CONFIG|FILE",
            help="YAML files, recordings (.npz), or pictures that a run has made.",
            autocompletion=files_with([*YAML_SUFFIXES, ".npz", ".gif", ".mp4"]),
        ),
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
    """Make a PowerPoint deck: a slide per picture, its YAML in the notes, and a table of figures.

    It needs python-pptx: pip install 'gdsim[slides]'.
    """
    from gdsim.slides import new_deck
    from gdsim.themes import theme as find_theme

    inputs = [*sources, *([template] if template else [])]
    common.check_target(out, key="--out", suffixes=(".pptx",), inputs=inputs, overwrite=overwrite)
    with common.naming_option("--theme"):
        deck_theme = find_theme(theme or "slide")
    new_deck(deck_theme, template)  # raises if the template is invalid or python-pptx is missing
    found = collect(lambda path: _read(path, video, theme, changes or (), allow_code, quiet), sources)
    deck = new_deck(found[0].theme if theme is None else deck_theme, template)
    titles = []
    runs: dict[int, tuple[Sequence[Trajectory], Theme, Language]] = {}
    with common.writable({f"--out: {out}": out}), temporary_folder() as folder:
        for number, item in enumerate(found, 1):
            if isinstance(item, _Run):
                say = item.experiment.view.say
                activity = "drawing" if item.recorded else "simulating and drawing"
                with progress_bars(item.experiment.name, activity, quiet) as progress:
                    item, trajectories, notes = _draw(item, deck, folder / str(number), progress)
                if not quiet:
                    print_notes(notes)
                if trajectories:  # a sweep has too many runs for a table
                    runs[number] = trajectories, item.theme, say
            deck.add_picture(item)
            titles.append(item.provenance.title)
        if runs:
            _add_table(deck, runs)
        deck.save(out, titles[0] if len(titles) == 1 else f"Gradient descent: {', '.join(dict.fromkeys(titles))}")
    print_lines([out])


def write_deck(load: Callable[..., Experiment], out: Path, progress: Callable[[str], Any]) -> None:
    """Write a deck with a slide of one experiment and its table; `load` takes overrides that are not recorded."""
    from gdsim.slides import new_deck

    experiment = load(transient_overrides=_fitting("gif"))
    run = _Run(Path(f"{experiment.name}.yaml"), common.theme_of(experiment), experiment, None)
    deck = new_deck(run.theme)
    with temporary_folder() as folder:
        item, trajectories, _ = _draw(run, deck, folder, progress)
        deck.add_picture(item)
        if trajectories:
            _add_table(deck, {1: (trajectories, item.theme, experiment.view.say)})
        deck.save(out, item.provenance.title)


@dataclass(frozen=True)
class _Run:
    """A config or a recording, which is drawn for the deck.

    Attributes:
        experiment: The experiment, with the pace, the size limit and the theme of a slide.
        recorded: The trajectories of a recording, or the result of a sweep; None for a config.
    """

    path: Path
    theme: Theme
    experiment: Experiment
    recorded: Any


def _read(
    path: Path, video: bool, theme: str | None, changes: Sequence[str], allow_code: bool, quiet: bool
) -> _Run | SlideItem:
    """Read and check a source; its first bytes determine its kind."""
    from gdsim.encode import output_format

    found = output_format(path)
    if found in ("gif", "png", "apng", "mp4"):
        ignored = {"--set": changes, "--theme": theme, "--video": video and found != "mp4"}
        if not quiet and (options := " and ".join(name for name, value in ignored.items() if value)):
            print_notes([f"{path}: is shown unchanged; {options} applies to what is drawn for the deck."])
        if not quiet and path.suffix.lower() == ".apng":
            print_notes([f"{path}: will not move: PowerPoint plays no APNG; use a GIF or an MP4."])
        return _read_picture(path, found == "mp4")
    if found not in (None, "npz"):
        hint = f"draw one with `gdsim run {path} --format gif --set output.background=opaque`"
        raise InputError(f"{path}: a slide holds a GIF, a PNG or an MP4; {hint}", code="unsupported")
    transient = _fitting("mp4" if video else "gif")
    if theme is not None:
        transient[f"view.theme={theme}"] = f"--theme {theme}"
    experiment, recorded = common.load_run(path, changes, allow_code, transient)
    return _Run(path, common.theme_of(experiment), experiment, recorded)


def _fitting(suffix: str) -> dict[str, str]:
    """Return the overrides that fit a run to a slide, which are not part of its YAML in the notes."""
    changes = ["output.preset=slide", f"output.formats=[{suffix}]", "output.background=opaque"]
    return dict.fromkeys(changes, "gdsim slides")


def _draw(
    run: _Run, deck: Deck, folder: Path, progress: Callable[[str], Any]
) -> tuple[SlideItem, Sequence[Trajectory], list[str]]:
    """Simulate and draw a run into a folder, in the size that a slide has for it; return notes, too."""
    from gdsim.encode import image_size
    from gdsim.movie import make_provenance, save_scene
    from gdsim.slides import SlideItem

    experiment, output = run.experiment, run.experiment.output
    (suffix,) = output.formats
    scale = VIDEO_SCALE if suffix == "mp4" else 1
    picture = folder / f"{experiment.name}.{suffix}"
    poster = picture.with_suffix(".png") if suffix == "mp4" else None
    size = [2 * round(scale * side / 2) for side in deck.picture_size]
    trajectories: Sequence[Trajectory] = ()
    if experiment.sweep is None:
        trajectories = common.trajectories_of(experiment, run.recorded, progress)
        scene = common.scene_of(experiment, trajectories, size)
    else:
        scene = _sweep_scene(experiment, run.recorded, size, progress)
    provenance = make_provenance(scene, experiment)
    bare, frames = _in_large_type(scene, deck.picture_share)
    try:
        reductions = save_scene(
            bare, picture, output=output, provenance=provenance, drawn=frames, progress=progress("drawing")
        )
        if poster is not None:
            save_scene(bare, poster, provenance=provenance, drawn=frames)
    except GdsimError as error:  # the message names a temporary file
        raise GdsimError(str(error).replace(str(picture), str(run.path))) from error
    notes = [*common.notes(experiment, trajectories), *common.frame_warnings(frames), *reductions]
    shown, seconds = image_size(picture) or scene.size, len(scene) / scene.fps + scene.hold
    item = SlideItem(picture, shown, provenance, scene.theme, poster, seconds, output.loop == "forever")
    return item, trajectories, notes


def _sweep_scene(
    experiment: Experiment, recorded: SweepResult | None, size: list[int], progress: Callable[[str], Any]
) -> Scene:
    """Return the scene of a sweep in a size; the sweep is run unless it is recorded."""
    from gdsim.scene.sweeps import build_sweep_scene
    from gdsim.sweeps.run import run

    result = recorded or run(experiment, progress=progress("running"))
    return build_sweep_scene(experiment, result, view=experiment.view.model_copy(update={"size": size}))


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


def _read_picture(path: Path, is_video: bool) -> SlideItem:
    """Return a picture that gdsim wrote, which is put into the deck unchanged."""
    from gdsim.encode import image_size, source
    from gdsim.slides import SlideItem
    from gdsim.themes import theme

    if path.stat().st_size > MAX_BYTES:
        message = f"{path}: is larger than {MAX_BYTES // 2**20} MiB, the limit for a picture on a slide"
        raise InputError(message, code="too-large")
    provenance, size = source(path), image_size(path)
    if size is None:
        message = f"{path}: does not contain its size; it was made, or rewritten, by another program"
        raise InputError(message, code="unreadable")
    poster = path.with_suffix(".png") if is_video else None
    if poster and not poster.is_file():
        message = f"{path}: a video on a slide needs a poster; put its last frame beside it as {poster}"
        raise InputError(message, code="missing")
    item = SlideItem(path, size, provenance, theme("slide"), poster)
    with suppress(GdsimError):  # files that it names may be missing here, and code from a picture is never run
        experiment = common.load_one(path)
        seconds = experiment.animation.seconds + experiment.animation.hold
        loop = experiment.output.loop == "forever"
        item = replace(item, theme=common.theme_of(experiment), seconds=seconds, loop=loop)
    return item


def _add_table(deck: Deck, runs: Mapping[int, tuple[Sequence[Trajectory], Theme, Language]]) -> None:
    """Add a table of the runs, by the number of their slide, to a deck, with the finding if there is only one run.

    The title of an objective that several runs share is followed by the number of the slide.
    """
    from gdsim.analysis import make_rows, make_table
    from gdsim.analysis.findings import finding
    from gdsim.analysis.metrics import group_by_objective
    from gdsim.scene.build import styles
    from gdsim.web.report.summary import title

    rows: list[Row] = []
    colors: dict[tuple[str, str], str] = {}
    groups = {slide: make_rows(trajectories) for slide, (trajectories, *_) in runs.items()}
    titles = Counter(group[0].objective for made in groups.values() for group in made)
    for slide, (trajectories, theme, _) in runs.items():
        drawn = styles(group_by_objective(trajectories), theme)
        for row, style in zip(chain(*groups[slide]), chain(*drawn), strict=True):
            several = titles[row.objective] > 1
            rows.append(replace(row, objective=f"{row.objective} (slide {slide})" if several else row.objective))
            colors[rows[-1].objective, row.optimizer] = style.color
    table = make_table(rows)
    if len(runs) == 1:
        ((trajectories, _, say),) = runs.values()
        lead = "".join(f"{each}." for each in finding(group_by_objective(trajectories), say)[:1])
        deck.add_table(table, title=title(table), lead=lead, colors=colors)
    else:
        deck.add_table(table, title="Comparison", lead="", colors=colors)
