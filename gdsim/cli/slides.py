"""What `gdsim slides` does: draw each config for the room that a slide has, and put all into one deck."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING

from gdsim.cli.common import all_of, by_option, not_drawn, notes, places_of
from gdsim.cli.console import progress_bars, tell
from gdsim.cli.deck_inputs import Picture, Run, Wanted, is_apng, look_of, read, theme_of
from gdsim.errors import GdsimError, InputError

# What is heavy is imported where it is used, so that mistakes come at once.
if TYPE_CHECKING:
    from gdsim.analysis import Row
    from gdsim.config import Experiment
    from gdsim.encode import Progress
    from gdsim.metadata import Provenance
    from gdsim.render import Frames
    from gdsim.scene import Scene
    from gdsim.simulation import Trajectory
    from gdsim.slides import SlideItem
    from gdsim.slides.deck import Deck
    from gdsim.themes import Theme

__all__ = ["make_deck"]

QUICK_STEPS, QUICK_POINTS = 20_000, 1_000_000
"""So many steps of an optimizer, and points of all starts, are simulated for a table beside a picture."""

CROWDED = (8, 10)
"""From more names of paths on, type is plain, and small: they would be cut, or press the view into a corner."""

SHARPER = 1.5
"""How much larger a video is drawn, which costs it little."""


@dataclass
class _Figures:
    """What the table at the deck's end is made of, as it comes together.

    Args:
        groups: The file of a run, its rows of one objective, and the colours of their paths; no rows twice.
        told: The configurations that have their rows.
    """

    groups: list[tuple[Path, list[Row], list[str]]] = field(default_factory=list)
    told: set[str] = field(default_factory=set)


def make_deck(
    sources: Sequence[Path],
    out: Path,
    *,
    video: bool,
    theme: str | None,
    template: Path | None,
    changes: Sequence[str],
    allow_code: bool,
    quiet: bool,
    overwrite: bool,
) -> None:
    """Make a deck of configs, recordings and pictures, print its path, and tell the rest on stderr.

    Args:
        sources: Configs, which are simulated; recordings; and pictures that gdsim wrote, which are taken as they are.
        out: Where to write, .pptx.
        video: Whether what is drawn becomes a video instead of a GIF.
        theme: The look of what is drawn and of the deck; what a config says, else `slide`, when None.
        template: A deck whose size and masters are used; our own when None.
        changes: Values over those of the configs, each KEY=VALUE.
        allow_code: Whether a Python file that a config names may run.
        quiet: Whether nothing but the path is told.
        overwrite: Whether an older deck may be replaced.

    Raises:
        InputError: A source, the template or a change is at fault.
        GdsimError: python-pptx is missing, or the deck cannot be written.
    """
    from gdsim.slides import new_deck
    from gdsim.themes import theme as look

    wanted = Wanted(video, theme, changes, allow_code, quiet)
    _check_out(out, [*sources, *([template] if template else [])], overwrite)
    with by_option("--theme"):
        chosen = look(theme or "slide")
    # What is wrong with the template is told before any work is done, as is that python-pptx is missing.
    new_deck(chosen, template)
    found = all_of(lambda path: read(path, wanted), sources)
    made = new_deck(look_of(found[0]) if theme is None else chosen, template)
    figures = _Figures()
    with places_of({f"{out}:": out}), tempfile.TemporaryDirectory(prefix="gdsim-") as folder:
        titles = []
        for number, each in enumerate(found):
            place = Path(folder) / str(number)
            shown = (
                _drawn(each, made, place, wanted, figures)
                if isinstance(each, Run)
                else _taken(each, place, figures, wanted)
            )
            made.add_picture(shown)
            titles.append(shown.provenance.title)
        _add_figures(made, figures)
        made.save(out, titles[0] if len(titles) == 1 else f"Gradient descent: {', '.join(dict.fromkeys(titles))}")
    print(out)


def _check_out(out: Path, read: Sequence[Path], overwrite: bool) -> None:
    """See to it, before any work is done, that the deck has a place of its own."""
    if out.suffix.lower() != ".pptx":
        raise InputError(f"--out: {out}: give the deck a name that ends in .pptx")
    if out.is_dir():
        raise InputError(f"--out: {out} is a folder; name a file in it")
    for other in read:
        if out.exists() and other.exists() and out.samefile(other):
            raise InputError(f"--out: {out} is what the deck is made of; name another file")
    if out.exists() and not overwrite:
        raise InputError(f"{out} exists; leave out --no-overwrite, or name another file with --out")


def _drawn(run: Run, made: Deck, place: Path, wanted: Wanted, figures: _Figures) -> SlideItem:
    """Simulate and draw a config, or draw a recording, for the room that a slide has."""
    from gdsim.encode.reading import image_size
    from gdsim.movie import make_provenance
    from gdsim.simulation import evaluate_landscapes, simulate
    from gdsim.slides import SlideItem

    name, doing = run.own.name, "drawing" if run.trajectories else "simulating and drawing"
    picture = place / f"{name}.{'mp4' if wanted.video else 'gif'}"
    with progress_bars(name, doing, wanted.quiet) as progress:
        trajectories = (
            evaluate_landscapes(run.own, run.trajectories, progress=progress("computing what is seen"))
            if run.trajectories
            else simulate(run.own, progress=progress("simulating"))
        )
        scene = _scene(run.adapted, trajectories, made, SHARPER if wanted.video else 1.0)
        told = make_provenance(scene, run.own)
        with _named(picture, run.path):
            words = _draw(run.adapted, _frames(scene, made.share), picture, told, progress("drawing"))
    if not wanted.quiet:
        tell([*notes(run.own, trajectories), *words])
    _add_rows(figures, run.path, run.own.yaml, trajectories, scene.theme)
    return SlideItem(
        picture,
        image_size(picture) or scene.size,
        told,
        scene.theme,
        poster=picture.with_suffix(".png") if wanted.video else None,
        seconds=len(scene) / scene.fps + scene.hold,
        loop=run.adapted.output.loop == "forever",
    )


def _draw(
    experiment: Experiment, found: tuple[Scene, Frames], picture: Path, told: Provenance, progress: Progress
) -> list[str]:
    """Draw a scene, and a poster beside a video; return what is to be said."""
    from gdsim.movie import save_scene

    bare, drawn = found
    given_up = save_scene(bare, picture, output=experiment.output, provenance=told, drawn=drawn, progress=progress)
    if picture.suffix == ".mp4":
        save_scene(bare, picture.with_suffix(".png"), provenance=told, drawn=drawn)
    return [*not_drawn(drawn), *given_up]


def _scene(experiment: Experiment, trajectories: Sequence[Trajectory], made: Deck, scale: float) -> Scene:
    """The scene for the room that a slide has."""
    from gdsim.scene import build_scene

    size = [2 * round(scale * side / 2) for side in made.room]
    with experiment.located():
        return build_scene(
            trajectories, view=experiment.view.model_copy(update={"size": size}), animation=experiment.animation
        )


def _frames(scene: Scene, share: float) -> tuple[Scene, Frames]:
    """A scene without its title, which the slide has, in the largest type that takes nothing away, and its frames.

    Args:
        scene: The scene.
        share: How much of the slide's height it has.
    """
    from gdsim.render import frames
    from gdsim.themes import THEMES

    plain = max(scene.theme.type, THEMES["slide"].type)
    # The first is between the size that goes with the picture's height and the one that goes with the slide's.
    sizes = [plain / share**0.5, plain, 1.0]
    names = len(scene.styles) if len(scene.facets) == 1 else 0
    if len(scene.groups) > 1 or names > CROWDED[1]:
        sizes = sizes[2:]
    elif len(scene.facets) > 1 or names > CROWDED[0]:
        sizes = sizes[1:]
    tried = []
    for size in sizes:
        bare = replace(scene, title="", theme=replace(scene.theme, type=size))
        tried.append((bare, frames(bare)))
        if not tried[-1][1].left_out:
            return tried[-1]
    return min(tried, key=lambda each: len(each[1].left_out))


@contextmanager
def _named(target: Path, source: Path) -> Iterator[None]:
    """Name what the user knows in an error, not a file that is soon gone."""
    try:
        yield
    except InputError:
        raise
    except GdsimError as error:
        raise GdsimError(str(error).replace(str(target), str(source))) from error


def _taken(picture: Picture, place: Path, figures: _Figures, wanted: Wanted) -> SlideItem:
    """Take a picture as it is, and simulate its configuration where that is quick and something needs it."""
    from gdsim.slides import SlideItem

    experiment, look, words = picture.experiment, look_of(picture), []
    given = {"--set": wanted.changes, "--theme": wanted.theme, "--video": wanted.video and not picture.video}
    if unheeded := " and ".join(name for name, value in given.items() if value):
        words.append(f"{picture.path}: is shown as it is; {unheeded} is for what is drawn for the deck.")
    if is_apng(picture.path):
        words.append(f"{picture.path}: stands still: PowerPoint plays no APNG; a GIF or an MP4 moves.")
    poster, yaml = picture.poster, picture.provenance.yaml
    needs_poster = picture.video and poster is None
    if needs_poster or yaml not in figures.told:
        trajectories = _simulated(experiment)
        if needs_poster:
            poster = _poster(picture, trajectories, place)
        if trajectories is None or experiment is None:
            words.append(f"{picture.path}: its figures are left out: they are not in it, nor quickly simulated.")
        else:
            _add_rows(figures, picture.path, yaml, trajectories, theme_of(experiment))
    if not wanted.quiet:
        tell(words)
    return SlideItem(
        picture.path,
        picture.size,
        picture.provenance,
        look,
        poster=poster,
        seconds=None if experiment is None else experiment.animation.seconds + experiment.animation.hold,
        loop=experiment is None or experiment.output.loop == "forever",
    )


def _simulated(experiment: Experiment | None) -> Sequence[Trajectory] | None:
    """The trajectories of a picture's configuration; None where they cannot be had, or not quickly."""
    from gdsim.simulation import simulate

    if experiment is None or any(spec.network is not None for spec in experiment.objectives):
        return None
    steps = experiment.steps * len(experiment.optimizers) * len(experiment.objectives)
    starts = 1 if experiment.start is None else experiment.start.count
    if steps > QUICK_STEPS or steps * starts > QUICK_POINTS:
        return None
    try:
        return simulate(experiment)
    except GdsimError:
        return None


def _poster(picture: Picture, trajectories: Sequence[Trajectory] | None, place: Path) -> Path:
    """Draw the last frame of a video that has no poster beside it."""
    from gdsim.movie import save_scene
    from gdsim.scene import build_scene

    if picture.experiment is None or trajectories is None:
        beside = picture.path.with_suffix(".png")
        raise InputError(f"{picture.path}: a video on a slide needs a poster; put its last frame beside it as {beside}")
    scene = build_scene(trajectories, view=picture.experiment.view, animation=picture.experiment.animation)
    poster = place / f"{picture.path.stem}.png"
    save_scene(replace(scene, size=picture.size), poster)
    return poster


def _add_rows(figures: _Figures, path: Path, yaml: str, trajectories: Sequence[Trajectory], look: Theme) -> None:
    """Add the figures of a run, but once where a config and its picture are both in the deck."""
    from gdsim.analysis import group_by_objective, lowest_value, make_row, unique_titles
    from gdsim.scene import styles

    if yaml in figures.told:
        return
    figures.told.add(yaml)
    groups = group_by_objective(trajectories)
    named = unique_titles([group[0].objective for group in groups])
    for group, drawn, title in zip(groups, styles(groups, look.paths), named, strict=True):
        lowest = lowest_value(group)
        rows = [make_row(each, lowest, title=title) for each in group]
        if rows not in [before for _, before, _ in figures.groups]:
            figures.groups.append((path, rows, [each.color for each in drawn]))


def _add_figures(made: Deck, figures: _Figures) -> None:
    """Add the table of figures, with what it says where it is about one run."""
    from gdsim.analysis import make_table
    from gdsim.web.report.summary import story, title

    if not figures.groups:
        return
    rows: list[Row] = []
    colors: dict[tuple[str, str], str] = {}
    for name, (_, group, shades) in zip(_names(figures), figures.groups, strict=True):
        rows += [replace(row, objective=name) for row in group]
        colors |= {(name, row.optimizer): shade for row, shade in zip(group, shades, strict=True)}
    found, alone = make_table(rows), len({run for run, _, _ in figures.groups}) == 1
    made.add_table(
        found, title=title(found) if alone else "Comparison", lead=story(found) if alone else "", colors=colors
    )


def _names(figures: _Figures) -> list[str]:
    """What each objective is called in the table: with its run's name, or a number, where several have one title."""
    titles = Counter(group[0].objective for _, group, _ in figures.groups)
    named: list[str] = []
    for run, (first, *_), _ in figures.groups:
        told = f"{first.objective} ({run.stem})" if titles[first.objective] > 1 else first.objective
        numbered = (f"{first.objective} ({run.stem} {number})" for number in count(2))
        named.append(next(each for each in chain([told], numbered) if each not in named))
    return named
