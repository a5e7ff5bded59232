"""`gdsim run` and `gdsim render`: simulate configs and draw them, and draw recordings again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gdsim.cli import common
from gdsim.cli.console import print_lines, print_notes, print_summary, progress_bars
from gdsim.config import formats as known_formats
from gdsim.errors import GdsimError, InputError

if TYPE_CHECKING:
    from gdsim.config import Experiment
    from gdsim.scene.model import Scene
    from gdsim.simulation import Trajectory

LARGE_GIF = 5_000_000  # bytes, as much as the preset for slides allows


def run(
    configs: Annotated[
        list[Path], typer.Argument(metavar="CONFIG", help="YAML files, or pictures that a run has made.")
    ],
    changes: common.Set = None,
    out: common.Out = Path("outputs"),
    formats: common.Format = None,
    theme: common.ThemeName = None,
    allow_code: common.AllowCode = False,
    quiet: common.Quiet = False,
    overwrite: common.Overwrite = True,
    opened: Annotated[bool, typer.Option("--open", help="Open the first file of each run, such as its GIF.")] = False,
) -> None:
    """Simulate and draw each CONFIG; print the paths written."""
    changes = _with_theme(changes, theme)
    experiments = common.load_all(configs, changes, allow_code, _format_override(formats))
    targets = [_output_paths(out, each, [*each.output.formats, "npz", "csv"]) for each in experiments]
    # A config that only a picture contains must not be replaced by a changed one.
    inputs = [*(path for each in experiments for path in common.source_files(each)), *(configs if changes else ())]
    with common.writable(_checked(targets, inputs, overwrite)):
        for experiment, paths in zip(experiments, targets, strict=True):
            _process(experiment, None, paths, quiet)
    _next_step(targets, [path for path in configs if path.suffix in common.YAML], opened, quiet)


def render(
    recordings: Annotated[list[Path], typer.Argument(metavar="FILE.npz", help="Trajectories that a run has written.")],
    changes: common.Set = None,
    out: common.Out = Path("outputs"),
    formats: common.Format = None,
    theme: common.ThemeName = None,
    allow_code: common.AllowCode = False,
    quiet: common.Quiet = False,
    overwrite: common.Overwrite = True,
) -> None:
    """Draw recorded trajectories again, without simulating.

    --set changes the view, the pace and the output.
    """
    changes = _with_theme(changes, theme)
    runs = [common.load_run(path, changes, allow_code, _format_override(formats)) for path in recordings]
    for path, (_, trajectories) in zip(recordings, runs, strict=True):
        if trajectories is None:
            message = f"{path}: is not a recording (.npz): gdsim run simulates it and draws it"
            raise InputError(message, code="unsupported")
    targets = [_output_paths(out, experiment, experiment.output.formats) for experiment, _ in runs]
    with common.writable(_checked(targets, (), overwrite)):
        for (experiment, trajectories), paths in zip(runs, targets, strict=True):
            _process(experiment, trajectories, paths, quiet)
    _next_step(targets, (), False, quiet)


def _with_theme(changes: Sequence[str] | None, theme: str | None) -> list[str]:
    return [*(changes or ()), *([] if theme is None else [f"view.theme={theme}"])]


def _format_override(formats: str | None) -> dict[str, str]:
    """Return the override that `--format gif,mp4` stands for, with its name in errors."""
    if formats is None:
        return {}
    return {f"output.formats=[{', '.join(common.parse_formats(formats, known_formats()))}]": f"--format {formats}"}


def _output_paths(out: Path, experiment: Experiment, suffixes: Iterable[str]) -> dict[str, Path]:
    """Return the files to write for an experiment, by suffix."""
    suffix = out.suffix.lower().removeprefix(".")
    if suffix in known_formats() and not out.is_dir():
        raise InputError(f"{out} must be a folder; choose the kind of file with --format {suffix}", ("--out",))
    return {suffix: out / experiment.name / f"{experiment.name}.{suffix}" for suffix in suffixes}


def _checked(targets: Sequence[Mapping[str, Path]], inputs: Sequence[Path], overwrite: bool) -> dict[str, Path]:
    """Return all files to write by name, after checking each."""
    paths = [path for each in targets for path in each.values()]
    for path in paths:
        if paths.count(path) > 1:
            message = f"two configs would write {path}; rename one, or run them with different --out"
            raise InputError(message, code="conflict")
        common.check_target(path, inputs=inputs, overwrite=overwrite)
    return {str(path): path for path in paths}


def _process(
    experiment: Experiment, recorded: Sequence[Trajectory] | None, paths: Mapping[str, Path], quiet: bool
) -> None:
    """Simulate an experiment, unless it is recorded, write its files, and print their paths."""
    from gdsim.analysis import compare
    from gdsim.simulation import remarks, save

    activity = "simulating and drawing" if recorded is None else "drawing"
    with progress_bars(experiment.name, activity, quiet) as progress:
        trajectories = common.trajectories_of(experiment, recorded, progress)
        scene = common.scene_of(experiment, trajectories)
        if recorded is None:
            save(paths["npz"], trajectories, experiment)
            table = compare(trajectories)
            common.write_text(paths["csv"], table.to_csv())
        warnings = [*_draw(experiment, scene, paths, progress), *_file_notes(experiment, paths)]
    if not quiet and recorded is None:
        print_summary(experiment.name, table)
        print_notes([scene.alt_text, *common.notes(experiment, trajectories), *warnings])
    elif not quiet:
        print_notes([*remarks(trajectories), *warnings])
    print_lines(paths.values())


def _draw(experiment: Experiment, scene: Scene, paths: Mapping[str, Path], progress: Callable[[str], Any]) -> list[str]:
    """Draw a scene in every format, and return warnings."""
    from gdsim.movie import make_provenance, save_scene
    from gdsim.render import frames
    from gdsim.web.player import notes as page_notes

    provenance, output = make_provenance(scene, experiment), experiment.output
    drawn = frames(scene, transparent=output.background == "transparent")
    reductions: list[str] = []
    for name in known_formats():
        if name in paths:
            wrap = progress(f"drawing {paths[name].name}")
            reductions += save_scene(
                scene, paths[name], output=output, provenance=provenance, drawn=drawn, progress=wrap
            )
    turning = "The camera turns, so every frame differs everywhere: a GIF is several times as large as an MP4."
    return [
        *common.frame_warnings(drawn),
        *([turning] if scene.turns and "gif" in paths else []),
        *reductions,
        *(page_notes(scene) if "html" in paths else ()),
    ]


def _file_notes(experiment: Experiment, paths: Mapping[str, Path]) -> list[str]:
    """Return the sizes of the files written, how to write a large GIF smaller, and which files are older."""
    from gdsim.encode.size_limit import format_bytes

    sizes = {suffix: path.stat().st_size for suffix, path in paths.items()}
    notes = ["Sizes: " + ", ".join(f"{suffix} {format_bytes(size)}" for suffix, size in sizes.items()) + "."]
    if sizes.get("gif", 0) > LARGE_GIF and experiment.output.max_bytes is None:
        notes.append(
            f"{paths['gif']} is large: --set output.max_bytes=5MB writes it with fewer colours, frames and pixels; "
            "--format mp4 is several times smaller."
        )
    if "npz" in paths:  # a recording is drawn beside the files of its run, which remain valid
        suffixes = [each for each in (*known_formats(), "npz", "csv") if each not in paths]
        older = [path for each in suffixes if (path := paths["npz"].with_suffix(f".{each}")).exists()]
        notes += [f"Older, not written by this run: {', '.join(map(str, older))}."] if older else []
    return notes


def _next_step(targets: Sequence[Mapping[str, Path]], configs: Sequence[Path], opened: bool, quiet: bool) -> None:
    """Open the first file of each run if asked, and say what to do next."""
    pictures = [next(iter(paths.values())) for paths in targets]
    for picture in pictures if opened else ():
        if typer.launch(str(picture)):
            raise GdsimError(f"{picture}: cannot be opened: xdg-open is not installed")
    steps = [] if opened else [f"open {', '.join(map(str, pictures))}"]
    steps += [f"edit {', '.join(map(str, configs))} and run it again"] if configs else []
    if not quiet and steps:
        print_notes([f"Next: {'; '.join(steps)}."])
